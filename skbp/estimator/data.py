"""Checked examples: X, y, the targets Y and the weights."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from sklearn.base import BaseEstimator
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from skbp._typing import Floats, Labels, Matrix, Rows
from skbp.engine.layout import aligned
from skbp.estimator.frames import naming_columns
from skbp.estimator.namespaces import foreign, on_host
from skbp.losses import Loss
from skbp.network import Network
from skbp.objective import Objective, constant_cost
from skbp.solvers.interface import MiniBatchCost


class TrainingSet(Protocol):
    """Interface of the training sets; `Dataset` is the one in memory."""

    @property
    def n_rows(self) -> int:
        """The number of examples."""
        ...

    @property
    def largest_batch(self) -> int:
        """The number of examples that a batch can have."""
        ...

    @property
    def n_counted(self) -> int:
        """The number of examples whose weight is not 0."""
        ...

    @property
    def m(self) -> float:
        """The sum of the weights."""
        ...

    @property
    def has_weight(self) -> bool:
        """Whether any example has a weight other than 0."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype that is computed in."""
        ...

    @property
    def sizes(self) -> tuple[int, int]:
        """The number of columns of X, and that of Y."""
        ...

    @property
    def labels(self) -> Labels:
        """Labels; each class that is there is among them."""
        ...

    @property
    def target_means(self) -> Floats:
        """The weighted means of the targets, of shape (s_L,)."""
        ...

    @property
    def first(self) -> Matrix:
        """The first row of X."""
        ...

    def with_targets(self, function: Callable[[Floats], Floats]) -> "TrainingSet":
        """Return the same examples with other targets.

        Parameters
        ----------
        function : callable
            Maps Y to the new ones.

        Returns
        -------
        TrainingSet
            The examples.
        """
        ...

    def objective(self, network: Network, loss: str | Loss, alpha: float) -> MiniBatchCost:
        """Return the cost of a network on these examples.

        Parameters
        ----------
        network : Network
            The network.
        loss : {"log_loss", "squared_error"} or Loss
            The loss of an example.
        alpha : float
            λ.

        Returns
        -------
        MiniBatchCost
            The cost.
        """
        ...

    def constant_cost(self, network: Network, loss: str | Loss) -> float:
        """Return the cost of a model that ignores x, without a penalty.

        Parameters
        ----------
        network : Network
            The network.
        loss : {"log_loss", "squared_error"} or Loss
            The loss of an example.

        Returns
        -------
        float
            The cost.
        """
        ...

    def sample(self, n: int) -> "Dataset":
        """Return some of the examples that have a weight, evenly spread.

        Parameters
        ----------
        n : int
            The largest number of them.

        Returns
        -------
        Dataset
            The examples, in memory.
        """
        ...


@dataclass(frozen=True)
class Dataset:
    """Examples with their targets and weights.

    Parameters
    ----------
    X : {ndarray, sparse matrix, NamespaceArray} of shape (m, s_1)
        The examples, of float32 or float64.
    y : ndarray of shape (m,) or {ndarray, sparse matrix} of shape (m, n_labels)
        The labels, as the user passed them.
    Y : ndarray of shape (m, K)
        The targets: one column of 0 and 1, one-hot rows, or an indicator matrix.
    sample_weight : ndarray of shape (m,) or None
        The user's weights.
    weight : ndarray of shape (m,) or None
        The weights in the cost: the user's, times those of the classes.
    """

    X: Matrix
    y: Labels
    Y: Floats
    sample_weight: Floats | None = None
    weight: Floats | None = None

    @property
    def n_rows(self) -> int:
        """The number of examples."""
        return len(self.Y)

    @property
    def largest_batch(self) -> int:
        """The number of examples that a batch can have: all."""
        return self.n_rows

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of X, which is computed in."""
        return self.X.dtype

    @property
    def sizes(self) -> tuple[int, int]:
        """The number of columns of X, and that of Y."""
        return self.X.shape[1], self.Y.shape[1]

    @property
    def labels(self) -> Labels:
        """The labels; each class that is there is among them."""
        return self.y

    @property
    def target_means(self) -> Floats:
        """The weighted means of the targets, of shape (s_L,)."""
        if self.weight is None:
            return self.Y.mean(axis=0, dtype=float)
        shares = self.weight.astype(float) / self.weight.max()  # their sum is finite
        return shares / shares.sum() @ self.Y

    @property
    def first(self) -> Matrix:
        """The first row of X."""
        return self.X[:1]

    @property
    def has_weight(self) -> bool:
        """Whether any example has a weight other than 0."""
        return self.weight is None or bool(self.weight.any())

    @property
    def m(self) -> float:
        """The sum of the weights."""
        if self.weight is None:
            return float(len(self.Y))
        with np.errstate(over="ignore"):  # the cost tells of a sum that is not finite
            # a worker that was sent them may have them at an odd address
            return float(aligned(self.weight).sum(dtype=float))

    @property
    def n_counted(self) -> int:
        """The number of examples whose weight is not 0."""
        return len(self.Y) if self.weight is None else int(np.count_nonzero(self.weight))

    def with_class_weights(self, class_weights: Floats | None) -> "Dataset":
        """Return the same examples, weighted by their classes too.

        Parameters
        ----------
        class_weights : ndarray of shape (m,) or None
            The weight that each example gets for its class. None for ones.

        Returns
        -------
        Dataset
            The examples with another ``weight``.
        """
        if class_weights is None or self.sample_weight is None:
            weight = self.sample_weight if class_weights is None else class_weights
        else:
            weight = class_weights * self.sample_weight
        if weight is not None:
            weight = weight.astype(self.Y.dtype, copy=False)
        return replace(self, weight=weight)

    def with_targets(self, function: Callable[[Floats], Floats]) -> "Dataset":
        """Return the same examples with other targets.

        Parameters
        ----------
        function : callable
            Maps Y to the new ones.

        Returns
        -------
        Dataset
            The examples.
        """
        return replace(self, Y=function(self.Y))

    def objective(self, network: Network, loss: str | Loss, alpha: float) -> Objective:
        """Return the cost of a network on these examples.

        Parameters
        ----------
        network : Network
            The network.
        loss : {"log_loss", "squared_error"} or Loss
            The loss of an example.
        alpha : float
            λ.

        Returns
        -------
        Objective
            The cost.
        """
        return Objective(network, self.X, self.Y, loss, alpha, self.weight)

    def constant_cost(self, network: Network, loss: str | Loss) -> float:
        """Return the cost of a model that ignores x, without a penalty.

        Parameters
        ----------
        network : Network
            The network.
        loss : {"log_loss", "squared_error"} or Loss
            The loss of an example.

        Returns
        -------
        float
            The cost.
        """
        return constant_cost(network, self.Y, loss, self.weight)

    def sample(self, n: int) -> "Dataset":
        """Return some of the examples that have a weight, evenly spread.

        Parameters
        ----------
        n : int
            The largest number of them.

        Returns
        -------
        Dataset
            The examples.
        """
        counted = np.arange(self.n_rows)
        if self.weight is not None:
            counted = np.flatnonzero(self.weight)
        return self.take(counted[:: -(-len(counted) // n)])

    def take(self, rows: Rows) -> "Dataset":
        """Return some of the examples.

        Parameters
        ----------
        rows : ndarray of int or bool
            The rows.

        Returns
        -------
        Dataset
            A copy of these rows.
        """
        columns = {name: column for name, column in vars(self).items() if column is not None}
        return Dataset(**{name: column[rows] for name, column in columns.items()})

    def astype(self, dtype: np.dtype[Any]) -> "Dataset":
        """Return the same examples in a dtype.

        Parameters
        ----------
        dtype : dtype
            The dtype of X, the targets and the weights.

        Returns
        -------
        Dataset
            The examples, copied where their dtype is another one.
        """
        numbers = {name: column for name, column in vars(self).items() if name != "y"}
        return replace(
            self,
            **{
                name: column.astype(dtype, copy=False)
                for name, column in numbers.items()
                if column is not None
            },
        )


def validated(
    estimator: BaseEstimator,
    X: Matrix,
    y: Labels,
    sample_weight: ArrayLike | None,
    reset: bool,
    dtype: DTypeLike | None = None,
) -> tuple[Matrix, Labels, Floats | None]:
    """Check examples, labels and weights as scikit-learn does.

    Parameters
    ----------
    estimator : BackpropClassifier
        The estimator, which has the number and the names of the features.
    X : {array-like, sparse matrix} of shape (m, n_features)
        The examples.
    y : {array-like, sparse matrix} of shape (m,) or (m, n_labels)
        The labels.
    sample_weight : array-like of shape (m,) or None
        The weights.
    reset : bool
        Whether the features are new, or must be those that the estimator knows.
    dtype : dtype, default=None
        The dtype of the examples. None for float32 if they have it, else float64.

    Returns
    -------
    X : {ndarray, sparse matrix, NamespaceArray} of shape (m, n_features)
        The examples, of float32 or float64.
    y : {ndarray, sparse matrix} of shape (m,) or (m, n_labels)
        The labels.
    sample_weight : ndarray of shape (m,) or None
        The weights.

    Raises
    ------
    ValueError
        If an argument is invalid.
    """
    y, sample_weight = on_host(y), on_host(sample_weight)
    xp: Any = np if (given := foreign(X)) is None else given.xp
    with naming_columns(X):
        X, y = validate_data(
            estimator,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            dtype=[xp.float64, xp.float32] if dtype is None else getattr(xp, np.dtype(dtype).name),
            reset=reset,
        )
    X, y = aligned(X), aligned(y)
    X = X if given is None else replace(given, array=X)
    _check_labels(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    if sample_weight is None:
        return X, y, None
    weight = checked_weight(sample_weight, X)
    with np.errstate(over="ignore"):
        check_total_weight(float(weight.sum(dtype=float)))
    return X, y, weight


def _check_labels(y: Labels) -> None:
    if _are_numbers_of_classes(y):
        return
    try:
        check_classification_targets(y)
    except TypeError as error:  # np.unique sorts them
        raise TypeError(f"y must have labels of one type: {error}") from error


def _are_numbers_of_classes(y: Labels) -> bool:
    """Return whether labels are integers of so small a range that no check is needed.

    scikit-learn's check sorts the labels. It accepts all integers, and warns where more than
    half of the labels are different.
    """
    if not isinstance(y, np.ndarray) or y.ndim != 1 or y.dtype.kind not in "biu":
        return False
    return int(y.max()) - int(y.min()) < len(y) // 2


def checked_weight(sample_weight: ArrayLike, X: Matrix) -> Floats:
    """Check the weights of some examples; their sum may be 0.

    Parameters
    ----------
    sample_weight : array-like of shape (m,)
        The weights.
    X : {ndarray, sparse matrix} of shape (m, n_features)
        The examples.

    Returns
    -------
    ndarray of shape (m,)
        The weights, of the dtype of X.

    Raises
    ------
    ValueError
        If they are not numbers, not finite, negative, or not as many as examples.
    """
    try:
        with np.errstate(over="ignore"):
            rows = np.broadcast_to(X.dtype.type(0), (X.shape[0], 1))  # X may not be in NumPy
            weight: Floats = aligned(
                _check_sample_weight(sample_weight, rows, dtype=X.dtype, ensure_non_negative=True)
            )
    except (TypeError, ValueError) as error:
        if "weight" in str(error):
            raise
        raise ValueError(f"sample_weight must be an array of numbers: {error}") from error
    return weight


def check_total_weight(total: float) -> None:
    """Check the sum of all weights.

    Parameters
    ----------
    total : float
        The sum.

    Raises
    ------
    ValueError
        If it is 0, or not finite.
    """
    if total == 0:
        raise ValueError("sample_weight must contain at least one non-zero weight.")
    if not np.isfinite(total):
        raise ValueError(f"The sum of sample_weight must be finite. Got {total} instead.")
