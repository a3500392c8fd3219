"""What a fitted classifier can be asked: classes, probabilities, z^(L), hidden activations."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils._set_output import _wrap_data_with_container
from sklearn.utils.validation import check_is_fitted, validate_data

from skbp._typing import Floats, Matrix
from skbp.blas_threads import one_blas_thread
from skbp.blocks import blocks
from skbp.fast import decision, probabilities, workers
from skbp.network import Network
from skbp.probabilities import log_probabilities
from skbp.summary import summary

_DTYPES = (np.dtype(np.float64), np.dtype(np.float32))
_FEW_NUMBERS = 10_000
# OpenBLAS wakes no thread for products of fewer multiplications
_FEW_MULTIPLICATIONS = 1 << 13


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

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skbp import BackpropClassifier
        >>> iris = load_iris()
        >>> X, names = iris.data, iris.target_names[iris.target]
        >>> model = BackpropClassifier((5,), random_state=0).fit(X, names)
        >>> flowers = [[5.1, 3.5, 1.4, 0.2], [6.0, 2.7, 5.1, 1.6]]
        >>> model.predict(flowers).tolist()
        ['setosa', 'virginica']
        """
        z = self._in_blocks(X, decision)
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

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skbp import BackpropClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = BackpropClassifier((5,), random_state=0).fit(X, y)
        >>> flowers = [[5.1, 3.5, 1.4, 0.2], [6.0, 2.7, 5.1, 1.6]]
        >>> model.predict_proba(flowers).round(1)
        array([[1. , 0. , 0. ],
               [0. , 0.2, 0.8]])
        """
        return self._in_blocks(X, partial(probabilities, y_type=self._y_type))

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

        Examples
        --------
        A probability may be so small that it is rounded to 0. Its logarithm is known
        nevertheless:

        >>> import numpy as np
        >>> from skbp import BackpropClassifier
        >>> model = BackpropClassifier((), random_state=0)
        >>> _ = model.fit([[-1.0], [1.0]], [0, 1])
        >>> far = [[1e6]]
        >>> model.predict_proba(far)
        array([[0., 1.]])
        >>> bool(np.isfinite(model.predict_log_proba(far)).all())
        True
        """
        return self._in_blocks(X, partial(_log_probabilities, y_type=self._y_type))

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

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skbp import BackpropClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = BackpropClassifier((5,), random_state=0).fit(X, y)
        >>> z = model.decision_function(X)
        >>> z.shape
        (150, 3)
        >>> bool((z.argmax(axis=1) == model.predict(X)).all())
        True
        """
        z = self._in_blocks(X, decision)
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
        ndarray of shape (n_samples, s_l), or what ``set_output`` asks for
            The activation of each unit of the layer.

        Raises
        ------
        ValueError
            If there is no such layer.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skbp import BackpropClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = BackpropClassifier((8, 5), random_state=0).fit(X, y)
        >>> model.transform(X).shape, model.transform(X, layer=2).shape
        ((150, 5), (150, 8))

        In a pipeline these features can go on to another model:

        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> tree = make_pipeline(model, DecisionTreeClassifier(random_state=0))
        >>> tree.fit(X, y).score(X, y) > 0.9
        True
        """
        check_is_fitted(self)
        if layer is None and self.n_layers_ == 2:
            raise ValueError("There is no hidden layer to transform with: hidden_layer_sizes=().")
        number = self.n_layers_ - 1 if layer is None else layer
        if not (isinstance(number, int | np.integer) and 2 <= number <= self.n_layers_):
            raise ValueError(f"layer must be from 2 to {self.n_layers_}. Got {layer!r} instead.")
        a = self._in_blocks(X, partial(_activations, number=int(number)))
        named = copy(self)
        named._n_features_out = a.shape[1]  # for the names of the columns
        return _wrap_data_with_container("transform", a, X, named)

    def summary(self) -> str:
        """Describe the network and its training in a few lines, to print.

        Returns
        -------
        str
            A table of the layers, each with its units, its activation, the number of the
            weights that lead to it, and the Euclidean norm of those that the penalty
            counts (not the bias units'); then the loss, the number of iterations, the best
            one if there was a validation set, and why training stopped.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skbp import BackpropClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = BackpropClassifier((5,), random_state=0).fit(X, y)
        >>> print(model.summary())
        layer     units  activation  parameters  weight norm
        1 input       4
        2 hidden      5  logistic            25  ...
        3 output      3  logistic            18  ...
        total                                43
        <BLANKLINE>
        loss        ...
        iterations  ... of lbfgs
        stopped     the gradient or the last decrease of the loss is within tolerance
        """
        self._check_is_fitted()
        return summary(self)

    @property
    def _y_type(self) -> str:
        self._check_is_fitted()
        return str(self._label_binarizer.y_type_)

    def _check_is_fitted(self) -> None:
        if not hasattr(self, "coefs_"):  # sooner than scikit-learn's check
            check_is_fitted(self)

    def _in_blocks(self, X: Matrix, function: Callable[..., Floats]) -> Floats:
        """Return what a function of the network, its weights and X makes of X, block by block."""
        self._check_is_fitted()
        X, network = self._validated(X), self._network
        of_rows = partial(function, network, self.coefs_, self.intercepts_)
        rows = blocks(X.shape[0], network.n_parameters)
        with _limit(X.shape[0] * network.n_parameters), np.errstate(under="ignore"):
            if len(rows) == 1:
                return of_rows(X)
            return np.concatenate(list(workers(network)(lambda block: of_rows(X[block]), rows)))

    def _validated(self, X: Matrix) -> Matrix:
        """Return X as an array or a sparse matrix of float32 or float64."""
        if self._is_valid(X):
            return X
        return validate_data(
            self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False
        )

    def _is_valid(self, X: Matrix) -> bool:
        """Tell, sooner than scikit-learn's validation, that a few rows would pass it."""
        return (
            type(X) is np.ndarray
            and X.dtype in _DTYPES
            and X.ndim == 2
            and X.shape[1] == self.n_features_in_
            and 0 < X.size <= _FEW_NUMBERS
            and not hasattr(self, "feature_names_in_")
            and bool(np.isfinite(X).all())
        )


def _log_probabilities(network: Network, *weights_and_X: Any, y_type: str) -> Floats:
    return log_probabilities(network.h, decision(network, *weights_and_X), y_type)


def _activations(
    network: Network, coefs: list[Floats], intercepts: list[Floats], X: Matrix, number: int
) -> Floats:
    """Return a^(l), where l is the number of the layer."""
    below = Network(network.layer_sizes[:number], network.g[: number - 2])
    z = decision(below, coefs[: number - 1], intercepts[: number - 1], X)
    is_last = number == len(network.layer_sizes)
    return network.h.g(z) if is_last else network.g[number - 2].g(z)


def _limit(n_multiplications: int) -> AbstractContextManager[None]:
    """Return the limit to one BLAS thread, where BLAS would have more."""
    return nullcontext() if n_multiplications < _FEW_MULTIPLICATIONS else one_blas_thread()
