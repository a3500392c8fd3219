"""Checks of a partition on its worker, which turn it into a `Dataset`.

Errors name the partition, counted from 0.
"""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from skbp._typing import Floats, Labels, Matrix, Rows
from skbp.engine.layout import aligned
from skbp.estimator.assembly import weighted_by_class
from skbp.estimator.classifier import BackpropClassifier
from skbp.estimator.data import Dataset, checked_weight, validated
from skbp.estimator.targets import ClassWeight, Targets

_KINDS = {"b": "numbers", "i": "numbers", "u": "numbers", "f": "numbers"}


@dataclass(frozen=True)
class Checked:
    """A partition that was checked by itself.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_rows, n_features)
        The examples, of float32 or float64.
    y : {ndarray, sparse matrix} of shape (n_rows,) or (n_rows, n_labels)
        Their labels.
    weight : ndarray of shape (n_rows,) or None
        Their weights.
    """

    X: Matrix
    y: Labels
    weight: Floats | None


@dataclass(frozen=True)
class Outline:
    """Shape, dtype and labels of a checked partition.

    Parameters
    ----------
    n_rows : int
        The number of rows.
    n_features : int
        The number of columns of X.
    dtype : dtype
        The dtype of X.
    labels : ndarray or None
        The different labels; of multilabel y its first row, a matrix. None without rows.
    """

    n_rows: int
    n_features: int
    dtype: np.dtype[Any]
    labels: Labels | None


@contextmanager
def naming(number: int) -> Iterator[None]:
    """Let the errors of the body name a partition.

    Parameters
    ----------
    number : int
        Its number.

    Yields
    ------
    None
        While errors are changed.

    Raises
    ------
    ValueError
        If the body raises one.
    TypeError
        If the body raises one.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"Partition {number}: {error}") from error


def check(given: dict[str, Any], number: int) -> Checked:
    """Check a partition as `BackpropClassifier` checks its data.

    Parameters
    ----------
    given : dict of str to object
        The rows of X and y and, if there are any, of the weights, in this order.
    number : int
        The number of the partition.

    Returns
    -------
    Checked
        The partition.

    Raises
    ------
    ValueError
        If something is wrong with it.
    """
    X, y, *weights = given.values()
    with naming(number), warnings.catch_warnings():
        # that there are many classes is for all rows together to say
        warnings.simplefilter("ignore", UserWarning)
        for name, each in given.items():
            if each.shape[0] != X.shape[0]:
                raise ValueError(
                    f"X has {X.shape[0]} rows, and {name} has {each.shape[0]}. Divide them alike."
                )
        if X.shape[0] == 0:
            return Checked(sparse.csr_array(X.shape), np.asarray(y), None)
        X, y, _ = validated(BackpropClassifier(), X, y, None, reset=True)
        return Checked(X, y, _weight(np.ravel(weights[0]), X) if weights else None)


def _weight(given: Any, X: Matrix) -> Floats:
    """Return the weights of a partition, which may all be 0."""
    if given.dtype.kind in "biuf" and not given.any():
        return np.zeros(len(given), X.dtype)
    return checked_weight(given, X)


def outlines(parts: list[Checked], own: list[None]) -> list[Outline]:
    """Return the outlines of partitions.

    Parameters
    ----------
    parts : list of Checked
        The partitions.
    own : list of None
        Not used.

    Returns
    -------
    list of Outline
        The outlines.
    """
    return [_outline(part) for part in parts]


def _outline(part: Checked) -> Outline:
    labels = None
    if part.X.shape[0]:
        labels = part.y[:1].copy() if part.y.ndim == 2 else np.unique(part.y)
    n_rows, n_features = part.X.shape
    return Outline(n_rows, n_features, part.X.dtype, labels)


def merged_labels(outlines: Sequence[Outline]) -> Labels:
    """Return the labels of all partitions, each class once at least.

    Parameters
    ----------
    outlines : sequence of Outline
        The outlines of the partitions.

    Returns
    -------
    ndarray of shape (n,) or {ndarray, sparse matrix} of shape (n, n_labels)
        The labels; of multilabel y some rows.

    Raises
    ------
    ValueError
        If the labels of a partition are not like those of the first one.
    """
    filled = [(i, each.labels) for i, each in enumerate(outlines) if each.labels is not None]
    if not filled:
        raise ValueError("X has 0 rows in all of its partitions; at least one is needed.")
    first, labels = filled[0]
    for i, each in filled:
        if each.shape[1:] != labels.shape[1:] or _kind(each) != _kind(labels):
            raise ValueError(
                f"Partition {i}: the labels are {_described(each)}, those of partition {first} "
                f"are {_described(labels)}. All must be of one type and have as many columns."
            )
    if labels.ndim == 2:
        return labels
    found: Labels = np.concatenate([each for _, each in filled])
    return found


def _kind(labels: Labels) -> str:
    if labels.ndim == 2 or not len(labels):
        return "numbers"
    if labels.dtype.kind == "O":
        return "strings" if isinstance(labels[0], str) else "objects"
    return _KINDS.get(labels.dtype.kind, "strings")


def _described(labels: Labels) -> str:
    return f"{_kind(labels)} in {1 if labels.ndim == 1 else labels.shape[1]} column(s)"


@dataclass(frozen=True)
class Encode:
    """Turns a checked partition into a `Dataset`.

    Parameters
    ----------
    targets : Targets
        The kind of the targets.
    dtype : dtype
        The dtype to compute in.
    name : str, default="y"
        The name of the labels, for error messages.
    """

    targets: Targets
    dtype: np.dtype[Any]
    name: str = "y"

    def __call__(self, part: Checked, number: int) -> Dataset:
        """Return the examples of a partition.

        Parameters
        ----------
        part : Checked
            The partition.
        number : int
            Its number.

        Returns
        -------
        Dataset
            The examples, in arrays that the kernels can read.
        """
        with naming(number):
            Y = self.targets.encode(part.y, self.dtype, self.name)
        X = aligned(part.X.astype(self.dtype, copy=False))
        weight = None if part.weight is None else part.weight.astype(self.dtype, copy=False)
        return Dataset(X, part.y, Y, weight, weight)


@dataclass(frozen=True)
class Weigh:
    """Gives the examples of a partition the weights of their classes.

    Parameters
    ----------
    targets : Targets
        The kind of the targets.
    class_weights : ndarray
        The weights of the classes.
    given : dict, list of dict or "balanced"
        The parameter ``class_weight``.
    """

    targets: Targets
    class_weights: Floats
    given: ClassWeight

    def __call__(self, part: Dataset, number: int) -> Dataset:
        """Return the weighted examples.

        Parameters
        ----------
        part : Dataset
            The partition.
        number : int
            Its number.

        Returns
        -------
        Dataset
            The examples.
        """
        with naming(number):
            return weighted_by_class(part, self.targets, self.class_weights, self.given)


@dataclass(frozen=True)
class Facts:
    """Numbers that describe a partition.

    Parameters
    ----------
    n_rows : int
        The number of rows.
    n_counted : int
        The number of rows whose weight is not 0.
    m : float
        The sum of the weights.
    Y : ndarray of shape (K,)
        The weighted sum of the targets.
    first : {ndarray, sparse matrix} of shape (1, n_features)
        The first row of X; none in an empty partition.
    """

    n_rows: int
    n_counted: int
    m: float
    Y: Floats
    first: Matrix


def facts(parts: list[Dataset], own: list[None]) -> list[Facts]:
    """Return the facts of partitions.

    Parameters
    ----------
    parts : list of Dataset
        The partitions.
    own : list of None
        Not used.

    Returns
    -------
    list of Facts
        The facts.
    """
    return [_facts(part) for part in parts]


def _facts(part: Dataset) -> Facts:
    weight = np.ones(part.n_rows) if part.weight is None else part.weight.astype(float)
    first = part.first.copy()  # a view would keep the whole partition in memory
    return Facts(part.n_rows, part.n_counted, part.m, weight @ part.Y.astype(float), first)


@dataclass(frozen=True)
class Totals:
    """Sums up the sample weights of each class.

    Parameters
    ----------
    targets : Targets
        The kind of the targets.
    """

    targets: Targets

    def __call__(self, parts: list[Dataset], own: list[None]) -> list[Floats]:
        """Return the sums for each partition.

        Parameters
        ----------
        parts : list of Dataset
            The partitions.
        own : list of None
            Not used.

        Returns
        -------
        list of ndarray
            The sums.
        """
        return [self.targets.totals(part) for part in parts]


def joined(parts: Iterable[Dataset]) -> Dataset:
    """Return the examples of several data sets as one.

    Parameters
    ----------
    parts : iterable of Dataset
        The data sets; one at least.

    Returns
    -------
    Dataset
        Their examples, in their order.
    """
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return Dataset(*map(_stacked, columns))


def _stacked(arrays: tuple[Any, ...]) -> Any:
    if arrays[0] is None:
        return None
    if any(sparse.issparse(array) for array in arrays):
        return sparse.vstack([sparse.csr_array(array) for array in arrays], format="csr")
    return np.concatenate(arrays)


def take(part: Dataset, rows: Rows) -> Dataset:
    """Return some rows of a partition.

    Parameters
    ----------
    part : Dataset
        The partition.
    rows : ndarray of int
        The rows.

    Returns
    -------
    Dataset
        The rows.
    """
    return part.take(rows)


@dataclass(frozen=True)
class WithTargets:
    """Gives the examples of a partition other targets.

    Parameters
    ----------
    function : callable
        Maps Y to the new targets.
    """

    function: Any

    def __call__(self, part: Dataset, own: None) -> Dataset:
        """Return the examples.

        Parameters
        ----------
        part : Dataset
            The partition.
        own : None
            Not used.

        Returns
        -------
        Dataset
            The examples.
        """
        return replace(part, Y=self.function(part.Y))
