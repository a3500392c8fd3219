"""The methods of a fitted `DaskBackpropClassifier` that predict: lazily for Dask collections."""

from abc import abstractmethod
from typing import Any

from skbp.dask.collections import is_collection
from skbp.dask.prediction import Call, lazily
from skbp.estimator.classifier import BackpropClassifier
from skbp.estimator.prediction import Prediction


class LazyPrediction(Prediction):
    """Methods for Dask collections; what is in memory is predicted as by `BackpropClassifier`.

    They have a class of their own because scikit-learn wraps the ``transform`` of an estimator,
    and would make a collection a data frame in memory.
    """

    @abstractmethod
    def to_local(self) -> BackpropClassifier:
        """Return the fitted model, which knows nothing of Dask.

        Returns
        -------
        BackpropClassifier
            The model.
        """

    def predict(self, X: Any) -> Any:
        """Predict class labels.

        Parameters
        ----------
        X : Dask array or data frame, array-like or sparse matrix, of shape (n_samples, n_features)
            The examples.

        Returns
        -------
        Dask array or series, or ndarray, of shape (n_samples,) or (n_samples, n_labels)
            The labels. Of a data frame, a series named "predict" with its index; of
            multilabel y a data frame.
        """
        return self._lazily("predict", X) if is_collection(X) else super().predict(X)

    def predict_proba(self, X: Any) -> Any:
        """Predict class probabilities.

        Parameters
        ----------
        X : Dask array or data frame, array-like or sparse matrix, of shape (n_samples, n_features)
            The examples.

        Returns
        -------
        Dask array or data frame, or ndarray, of shape (n_samples, n_classes)
            The probabilities. Of a data frame, a data frame with its index and the columns
            ``classes_``.
        """
        return self._lazily("predict_proba", X) if is_collection(X) else super().predict_proba(X)

    def predict_log_proba(self, X: Any) -> Any:
        """Predict the logarithms of class probabilities.

        Parameters
        ----------
        X : Dask array or data frame, array-like or sparse matrix, of shape (n_samples, n_features)
            The examples.

        Returns
        -------
        Dask array or data frame, or ndarray, of shape (n_samples, n_classes)
            The logarithms, as `predict_proba`.
        """
        if is_collection(X):
            return self._lazily("predict_log_proba", X)
        return super().predict_log_proba(X)

    def decision_function(self, X: Any) -> Any:
        """Return z^(L), the input of the output units, or for two classes one value.

        Parameters
        ----------
        X : Dask array or data frame, array-like or sparse matrix, of shape (n_samples, n_features)
            The examples.

        Returns
        -------
        Dask array, data frame or series, or ndarray, of shape (n_samples,) or (n_samples, K)
            z. Of a data frame, a data frame with the columns ``classes_``, or for two classes a
            series named "decision_function".
        """
        if is_collection(X):
            return self._lazily("decision_function", X)
        return super().decision_function(X)

    def transform(self, X: Any, layer: int | None = None) -> Any:
        """Return the activations a^(l) of a layer.

        Parameters
        ----------
        X : Dask array or data frame, array-like or sparse matrix, of shape (n_samples, n_features)
            The examples.
        layer : int, default=None
            l, from 2 for the first hidden layer to ``n_layers_``. None for the last hidden layer.

        Returns
        -------
        Dask array or data frame, or ndarray, of shape (n_samples, s_l)
            The activation of each unit. Of a data frame, a data frame whose columns have the
            names of ``get_feature_names_out``.
        """
        if is_collection(X):
            return self._lazily("transform", X, layer)
        return super().transform(X, layer)

    def _lazily(self, method: str, X: Any, layer: int | None = None) -> Any:
        prefix = type(self).__name__.lower()
        return lazily(self.to_local(), Call(method, layer), X, prefix)
