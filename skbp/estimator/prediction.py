"""Predictions of a fitted classifier: classes, probabilities, z^(L), hidden activations."""

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array, csr_matrix
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils._set_output import _wrap_data_with_container
from sklearn.utils.validation import check_is_fitted, validate_data

from skbp._typing import Floats, Matrix
from skbp.engine import outputs
from skbp.engine.arrays import NamespaceArray
from skbp.engine.interface import Output
from skbp.engine.layout import aligned
from skbp.estimator.frames import naming_columns
from skbp.estimator.namespaces import back, check_namespace, foreign, weights_on_host
from skbp.estimator.summary import summary
from skbp.network import Network

if TYPE_CHECKING:
    from skbp.estimator.state import FitState
    from skbp.estimator.targets import Targets

_DTYPES = (np.dtype(np.float64), np.dtype(np.float32))
_FEW_NUMBERS = 10_000


class Prediction(ClassNamePrefixFeaturesOutMixin):
    """Methods of a fitted `BackpropClassifier`."""

    network_: Network
    targets_: "Targets"
    coefs_: list[Floats]
    intercepts_: list[Floats]
    n_layers_: int
    n_features_in_: int
    n_iter_: int
    loss_: float
    best_iter_: int | None
    best_validation_score_: float | None
    _state: "FitState"

    def predict(self, X: Matrix) -> Any:
        """Predict class labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            For each example the class whose output unit has the largest z, which is also
            the one with the largest probability; for multilabel y an indicator matrix of
            the labels with a probability over ½, sparse if y was.

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
        self._check_is_fitted()
        X = self._validated(X, "predict")
        return back(self._outputs(X, decode=self.targets_.decode), X)

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
        self._check_is_fitted()
        X = self._validated(X, "predict_proba")
        return back(self._outputs(X, self.targets_.probabilities(self.network_.h)), X)

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
        self._check_is_fitted()
        X = self._validated(X, "predict_log_proba")
        z = np.asarray(self._outputs(X))
        with np.errstate(under="ignore"):
            log_p = self.targets_.log_probabilities(self.network_.h, z)
        # a probability this close to 1 is 1 after rounding, and so is predict_proba's
        log_p[log_p > -np.finfo(log_p.dtype).eps / 2] = 0
        return back(log_p, X)

    def decision_function(self, X: Matrix) -> Floats:
        """Return z^(L), the input of the output units, or for two classes one value.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            z of the output layer; for binary y one value an example, positive for
            ``classes_[1]``: z of the unit, or with ``binary_outputs=2`` the logarithm of
            the ratio of the two probabilities, which for softmax is z_2 − z_1.

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
        self._check_is_fitted()
        X = self._validated(X, "decision_function")
        z = np.asarray(self._outputs(X))
        return back(self.targets_.decision(self.network_.h, z), X)

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

        In a pipeline these features can be the input of another model:

        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> tree = make_pipeline(model, DecisionTreeClassifier(random_state=0))
        >>> tree.fit(X, y).score(X, y) > 0.9
        True
        """
        check_is_fitted(self)
        if layer is None and self.n_layers_ == 2:
            raise ValueError("There is no hidden layer to transform with: hidden_layer_sizes=().")
        number: object = self.n_layers_ - 1 if layer is None else layer
        if not (isinstance(number, int | np.integer) and 2 <= number <= self.n_layers_):
            raise ValueError(f"layer must be from 2 to {self.n_layers_}. Got {layer!r} instead.")
        checked = self._validated(X, "transform")
        return self._as_output(back(self._activations(checked, int(number)), checked), X)

    def summary(self) -> str:
        """Describe the network and its training in a few lines, to print.

        Returns
        -------
        str
            A table of the layers, each with its units, its activation, the number of the
            weights that lead to it, and the Euclidean norm of those that the penalty
            counts (not the bias units'); then the loss, the number of iterations, the best
            one if there was a validation set, and how training ended.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skbp import BackpropClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = BackpropClassifier((5,), random_state=0).fit(X, y)
        >>> print(model.summary())
        layer     units  activation  parameters  weight norm
        1 input       4
        2 hidden      5  relu                25  ...
        3 output      3  logistic            18  ...
        total                                43
        <BLANKLINE>
        loss        ...
        iterations  ...
        ending      lbfgs converged: ...
        """
        self._check_is_fitted()
        return summary(self.network_, weights_on_host(self.coefs_), self._facts())

    def _facts(self) -> dict[str, str]:
        """Return facts about the training, for the summary."""
        facts = {"loss": f"{self.loss_:.6g}", "iterations": str(self.n_iter_)}
        if self.best_iter_ is not None:
            score = f"{self.best_validation_score_:.6g}"
            facts["best"] = f"iteration {self.best_iter_ + 1}, validation score {score}"
        return facts | {"ending": f"{self._state.solver} {self._state.description}"}

    def _check_is_fitted(self) -> None:
        if not hasattr(self, "coefs_"):  # sooner than scikit-learn's check
            check_is_fitted(self)

    def _outputs(
        self,
        X: Matrix,
        output: Output = Output.DECISION,
        decode: Callable[[Floats], Any] | None = None,
    ) -> Any:
        """Return outputs of the network for checked examples."""
        return outputs(self.network_, self._weights_for(X), X, output, decode)

    def _weights_for(self, X: Matrix) -> tuple[list[Any], list[Any]]:
        """Return the weights where X is, which may be elsewhere than in `fit`."""
        if isinstance(X, NamespaceArray) or isinstance(self.coefs_[0], np.ndarray):
            return self.coefs_, self.intercepts_
        return weights_on_host(self.coefs_), weights_on_host(self.intercepts_)

    def _activations(self, X: Matrix, number: int) -> Floats:
        """Return a^(l) of checked examples, where l is the number of the layer."""
        network = self.network_
        below = Network(network.layer_sizes[:number], network.g[: number - 2])
        weights = self._weights_for(X)
        weights = weights[0][: number - 1], weights[1][: number - 1]
        is_last = number == self.n_layers_
        g = network.h.g if is_last else network.g[number - 2].g
        with np.errstate(under="ignore"):
            return g(np.asarray(outputs(below, weights, X)))

    def _as_output(self, a: Floats, X: Matrix) -> Any:
        """Return activations in the container that ``set_output`` asks for."""
        named = copy(self)
        named._n_features_out = a.shape[1]  # for the names of the columns
        return _wrap_data_with_container("transform", a, X, named)

    @property
    def _first_weights(self) -> Any:
        """An array of the model, which shows the library and the device that it is on."""
        return self.coefs_[0]

    def _validated(self, X: Matrix, method: str) -> Matrix:
        """Return X as an aligned array or sparse matrix of float32 or float64."""
        if isinstance(self._first_weights, np.ndarray) and self._is_valid(X):
            return aligned(X)
        check_namespace(self, X, method)
        xp: Any = np if (given := foreign(X)) is None else given.xp
        with naming_columns(X):
            X = validate_data(
                self, X, accept_sparse="csr", dtype=[xp.float64, xp.float32], reset=False
            )
        return aligned(X) if given is None else replace(given, array=X)

    def _is_valid(self, X: Matrix) -> bool:
        """Return whether a few rows would pass scikit-learn's validation, but sooner."""
        if type(X) not in (np.ndarray, csr_array, csr_matrix) or X.dtype not in _DTYPES:
            return False
        numbers = X if type(X) is np.ndarray else X.data
        return (
            X.ndim == 2
            and X.shape[0] > 0
            and X.shape[1] == self.n_features_in_
            and numbers.size <= _FEW_NUMBERS
            and not hasattr(self, "feature_names_in_")
            and bool(np.isfinite(numbers).all())
        )
