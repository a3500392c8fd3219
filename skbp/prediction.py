"""What a fitted classifier can be asked: classes, probabilities, z^(L), hidden activations."""

from copy import copy
from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils._set_output import _wrap_data_with_container
from sklearn.utils.validation import check_is_fitted, validate_data

from skbp import weights
from skbp._typing import Floats, Matrix
from skbp.activations import OUTPUT_ACTIVATIONS
from skbp.blas_threads import one_blas_thread
from skbp.probabilities import log_probabilities


class Prediction(ClassNamePrefixFeaturesOutMixin):
    """The methods of a fitted `BackpropClassifier`."""

    def predict(self, X: Matrix) -> Any:
        """Predict class labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            For each example the class whose output unit has the largest z (where units
            saturate, their probabilities may tie); for multilabel y an indicator matrix
            of the labels with a probability over ½, sparse if y was.
        """
        z = self._output(X)
        return self._label_binarizer.inverse_transform(z, threshold=0)

    def predict_proba(self, X: Matrix) -> Floats:
        """Predict class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            The probability of each class, in the order of ``classes_``; K logistic
            units are divided by their sum. For multilabel y, the probability of each
            label.
        """
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Matrix) -> Floats:
        """Predict the logarithms of class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            log of `predict_proba`, but computed from z: always finite.
        """
        z = self._output(X)
        h = OUTPUT_ACTIVATIONS[self.out_activation_]
        return log_probabilities(h, z, self._label_binarizer.y_type_)

    def decision_function(self, X: Matrix) -> Floats:
        """Return z^(L), the input of the output units.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            z of the output layer; for binary y one value an example, positive for
            ``classes_[1]``.
        """
        z = self._output(X)
        return z.ravel() if z.shape[1] == 1 else z

    def transform(self, X: Matrix, layer: int | None = None) -> Any:
        """Return the activations a^(l) of a layer: the features that the network has learned.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples.
        layer : int, default=None
            l, from 2 for the first hidden layer to L = ``n_layers_`` for the output
            layer. None for the last hidden layer, L − 1.

        Returns
        -------
        ndarray of shape (n_samples, s_l), or what `set_output` asks for
            The activation of each unit of the layer.

        Raises
        ------
        ValueError
            If there is no such layer.
        """
        check_is_fitted(self)
        if layer is None and self.n_layers_ == 2:
            raise ValueError("There is no hidden layer to transform with: hidden_layer_sizes=().")
        number = self.n_layers_ - 1 if layer is None else layer
        if not (isinstance(number, int | np.integer) and 2 <= number <= self.n_layers_):
            raise ValueError(f"layer must be from 2 to {self.n_layers_}. Got {layer!r} instead.")
        theta, checked = self._prepared(X)
        with one_blas_thread(), np.errstate(under="ignore"):
            activations, _ = self._network.forward(theta, checked)
        a = activations[number - 1]
        named = copy(self)
        named._n_features_out = a.shape[1]  # for the names of the columns
        return _wrap_data_with_container("transform", a, X, named)

    def _output(self, X: Matrix) -> Floats:
        """Return z^(L) of shape (n_samples, n_outputs)."""
        theta, X = self._prepared(X)
        with one_blas_thread(), np.errstate(under="ignore"):
            return self._network.decision(theta, X)

    def _prepared(self, X: Matrix) -> tuple[Floats, Matrix]:
        """Return Θ, flat, and X, both of the dtype to compute in."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        Thetas = weights.join(self.coefs_, self.intercepts_)
        return self._network.pack(Thetas).astype(X.dtype, copy=False), X
