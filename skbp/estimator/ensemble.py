"""Predictions of several networks: the weighted mean of their class probabilities."""

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skbp._typing import Floats, Matrix
from skbp.activations import OutputActivation
from skbp.estimator.prediction import Prediction

if TYPE_CHECKING:
    from skbp.estimator.classifier import BackpropClassifier


def _has_one_network(estimator: "EnsemblePrediction") -> bool:
    n = len(getattr(estimator, "members_", ()))
    if n > 1:
        raise AttributeError(
            f"The model consists of {n} networks. Use those in members_, or fit it with "
            "n_members=1 and refit=True."
        )
    return True


class EnsemblePrediction(Prediction):
    """Methods of a fitted `BackpropClassifierCV`, which has one network or several.

    One network predicts as in `BackpropClassifier`. Of several, the probabilities are
    averaged, and everything else follows from the mean.
    """

    members_: list["BackpropClassifier"]
    member_weights_: Floats

    def predict(self, X: Matrix) -> Any:
        """Predict class labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            For each example the class with the largest probability; for multilabel y an
            indicator matrix of the labels with a probability over ½, sparse if y was.
        """
        if self._is_single():
            return super().predict(X)
        _, z = self._units(X, "predict")
        return self.targets_.decode(z)

    def predict_proba(self, X: Matrix) -> Floats:
        """Predict class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            The probability of each class, in the order of ``classes_``: of several networks
            the mean, weighted by ``member_weights_``. For multilabel y, the probability of
            each label.
        """
        return super().predict_proba(X) if self._is_single() else self._mean(X, "predict_proba")

    def predict_log_proba(self, X: Matrix) -> Floats:
        """Predict the logarithms of class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            log of `predict_proba`; always finite.
        """
        if self._is_single():
            return super().predict_log_proba(X)
        return self.targets_.log_probabilities(*self._units(X, "predict_log_proba"))

    def decision_function(self, X: Matrix) -> Floats:
        """Return a value for each class, of which the largest one decides.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            z of the output layer, as in `BackpropClassifier`. Of several networks, what z
            would be for the mean of their probabilities: for binary and multilabel y
            log (p / (1 − p)), otherwise log p.
        """
        if self._is_single():
            return super().decision_function(X)
        return self.targets_.decision(*self._units(X, "decision_function"))

    def transform(self, X: Matrix, layer: int | None = None) -> Any:
        """Return the activations a^(l) of a layer: the features that the network has learned.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples.
        layer : int, default=None
            l, from 2 for the first hidden layer to L for the output layer. None for the last
            hidden layer, L − 1.

        Returns
        -------
        ndarray of shape (n_samples, s_l), or what ``set_output`` asks for
            The activation of each unit of the layer; of several networks side by side.

        Raises
        ------
        ValueError
            If a network has no such layer.
        """
        if self._is_single():
            return super().transform(X, layer)
        checked = self._validated(X, "transform")
        each = [np.asarray(member.transform(checked, layer)) for member in self.members_]
        return self._as_output(np.hstack(each), X)

    summary = available_if(_has_one_network)(Prediction.summary)

    def _is_single(self) -> bool:
        self._check_is_fitted()
        return len(self.members_) == 1

    def _check_is_fitted(self) -> None:
        check_is_fitted(self, "members_")

    @property
    def _first_weights(self) -> Any:
        return self.member_weights_

    def _mean(self, X: Matrix, method: str) -> Floats:
        X = self._validated(X, method)
        each = (member.predict_proba(X) for member in self.members_)
        pairs = zip(self.member_weights_.tolist(), each, strict=True)
        return np.asarray(sum(weight * p for weight, p in pairs))

    def _units(self, X: Matrix, method: str) -> tuple[OutputActivation, Floats]:
        """Return output units with the mean probabilities, and their inputs z."""
        return self.targets_.units_of(self._mean(X, method))
