"""From what a user passes to arrays: examples, their targets Y, and their weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import _check_sample_weight, validate_data

from skbp._typing import Floats, Matrix, Rows

ClassWeight = dict[Any, float] | list[dict[int, float]] | str | None


@dataclass(frozen=True)
class Dataset:
    """Examples with their targets and weights.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (m, s_1)
        The examples, of float32 or float64.
    y : ndarray of shape (m,) or {ndarray, sparse matrix} of shape (m, n_labels)
        Their labels, as the user has them.
    Y : ndarray of shape (m, K)
        Their targets: one column of 0 and 1, one-hot rows, or an indicator matrix.
    sample_weight : ndarray of shape (m,) or None
        The user's weights.
    weight : ndarray of shape (m,) or None
        The weights in the cost: the user's, times those of the classes.
    """

    X: Matrix
    y: Any
    Y: Floats
    sample_weight: Floats | None = None
    weight: Floats | None = None

    @property
    def has_weight(self) -> bool:
        """Whether any example counts."""
        return self.weight is None or bool(self.weight.any())

    def weighted_by(self, class_weights: "ClassWeights | None") -> "Dataset":
        """Return the same examples with the weights of their classes.

        Parameters
        ----------
        class_weights : ClassWeights or None
            The weights. None for ones.

        Returns
        -------
        Dataset
            They have another ``weight``.
        """
        if class_weights is None:
            return replace(self, weight=self.sample_weight)
        return replace(self, weight=class_weights.times(self.Y, self.sample_weight))

    def on(self, rows: Rows) -> "Dataset":
        """Return some of the examples.

        Parameters
        ----------
        rows : ndarray of int or bool
            Which ones.

        Returns
        -------
        Dataset
            These, copied.
        """
        columns = {name: column for name, column in vars(self).items() if column is not None}
        return Dataset(**{name: column[rows] for name, column in columns.items()})


def validated(
    estimator: BaseEstimator, X: Matrix, y: Any, sample_weight: Any, reset: bool
) -> tuple[Matrix, Any, Floats | None]:
    """Check examples, labels and weights as scikit-learn does.

    Parameters
    ----------
    estimator : BackpropClassifier
        Where the number and the names of the features are kept.
    X : {array-like, sparse matrix} of shape (m, n_features)
        The examples.
    y : {array-like, sparse matrix} of shape (m,) or (m, n_labels)
        Their labels.
    sample_weight : array-like of shape (m,) or None
        Their weights.
    reset : bool
        Whether the features are new, or must be those that the estimator knows.

    Returns
    -------
    X : {ndarray, sparse matrix} of shape (m, n_features)
        The examples, of float32 or float64.
    y : {ndarray, sparse matrix} of shape (m,) or (m, n_labels)
        The labels.
    sample_weight : ndarray of shape (m,) or None
        The weights.

    Raises
    ------
    ValueError
        If something is not what it must be.
    """
    X, y = validate_data(
        estimator,
        X,
        y,
        accept_sparse="csr",
        multi_output=True,
        dtype=[np.float64, np.float32],
        reset=reset,
    )
    check_classification_targets(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    if sample_weight is not None:
        sample_weight = _check_sample_weight(
            sample_weight, X, dtype=X.dtype, ensure_non_negative=True
        )
        if not sample_weight.any():
            raise ValueError("sample_weight must contain at least one non-zero weight.")
    return X, y, sample_weight


def encoder(y: Any) -> LabelBinarizer:
    """Return what turns labels into targets.

    Parameters
    ----------
    y : {array-like, sparse matrix} of shape (m,) or (m, n_labels)
        Labels of all classes.

    Returns
    -------
    LabelBinarizer
        It knows the classes.

    Raises
    ------
    ValueError
        If there are fewer than two classes.
    """
    labels = LabelBinarizer().fit(y)
    if labels.y_type_ != "multilabel-indicator" and len(labels.classes_) < 2:
        raise ValueError(
            "BackpropClassifier needs samples of at least 2 classes in the data, but the "
            f"data contains only one class: {labels.classes_.tolist()[0]!r}"
        )
    return labels


def encoder_of_stream(y: Any, classes: Any, known: LabelBinarizer | None) -> LabelBinarizer:
    """Return what turns the labels of a stream into targets.

    Parameters
    ----------
    y : {array-like, sparse matrix} of shape (m,) or (m, n_labels)
        The first labels.
    classes : array-like of shape (n_classes,) or None
        All classes that will ever come.
    known : LabelBinarizer or None
        What knows the classes since an earlier call.

    Returns
    -------
    LabelBinarizer
        It knows the classes.

    Raises
    ------
    ValueError
        If the classes are not known, fewer than two, or others than before.
    """
    if known is not None:
        if classes is not None and not np.array_equal(np.unique(classes), known.classes_):
            raise ValueError(
                f"classes={np.unique(classes).tolist()} is not the same as on the last call, "
                f"which had {known.classes_.tolist()}."
            )
        return known
    if type_of_target(y).startswith("multilabel"):
        labels = encoder(y)
        if classes is not None and not np.array_equal(np.unique(classes), labels.classes_):
            raise ValueError(
                f"For multilabel y, classes must be None or {labels.classes_.tolist()}, the "
                f"numbers of its labels. Got {classes!r} instead."
            )
        return labels
    if classes is None:
        raise ValueError("classes must be passed on the first call to partial_fit.")
    # repeated, because many classes that come once each would look like numbers to predict
    y = np.repeat(np.unique(classes), 3)
    check_classification_targets(y)
    return encoder(y)


def encoded(labels: LabelBinarizer, y: Any, dtype: Any, name: str = "y") -> Floats:
    """Return the targets of labels.

    Parameters
    ----------
    labels : LabelBinarizer
        What knows the classes.
    y : {ndarray, sparse matrix} of shape (m,) or (m, n_labels)
        The labels.
    dtype : dtype
        The dtype of the targets.
    name : str, default="y"
        What the user calls the labels, for the error message.

    Returns
    -------
    ndarray of shape (m, K)
        Y.

    Raises
    ------
    ValueError
        If there are other classes than those that are known.
    """
    multilabel = labels.y_type_ == "multilabel-indicator"
    if multilabel != (y.ndim == 2) or (multilabel and y.shape[1] != len(labels.classes_)):
        raise ValueError(
            f"{name} must have "
            f"{f'{len(labels.classes_)} columns of labels' if multilabel else 'one label a row'}. "
            f"Got the shape {y.shape} instead."
        )
    if not multilabel and (unknown := np.setdiff1d(y, labels.classes_)).size:
        raise ValueError(
            f"{name} has the classes {unknown.tolist()}, which are not among the known classes "
            f"{labels.classes_.tolist()}."
        )
    Y = labels.transform(y).astype(dtype)
    if not np.isin(Y, [0, 1]).all():
        raise ValueError(
            f"A multilabel {name} must be an indicator matrix of 0 and 1. "
            f"Got the values {np.unique(Y).tolist()} instead."
        )
    return Y


def check_same_classes(labels: LabelBinarizer, y: Any) -> None:
    """Refuse labels to go on with that lack a class.

    Parameters
    ----------
    labels : LabelBinarizer
        What knows the classes.
    y : ndarray of shape (m,) or {ndarray, sparse matrix} of shape (m, n_labels)
        The labels.

    Raises
    ------
    ValueError
        If the classes are not the same.
    """
    if y.ndim == 1 and set(classes := unique_labels(y)) != set(labels.classes_):
        raise ValueError(
            "To go on training, y must have the same classes as before, "
            f"{labels.classes_.tolist()}. Got {classes.tolist()} instead."
        )


class ClassWeights:
    """The weights of the classes, from ``class_weight`` and the training labels.

    Parameters
    ----------
    class_weight : dict, list of dict, "balanced" or None
        As the user has it; for multilabel y a list of dicts, one for each label.
    labels : LabelBinarizer
        What knows the classes.
    examples : Dataset
        The training set. For "balanced", each row counts as many as its sample weight.

    Raises
    ------
    ValueError
        If ``class_weight`` does not fit the classes.
    """

    def __init__(
        self,
        class_weight: ClassWeight,
        labels: LabelBinarizer,
        examples: Dataset,
    ) -> None:
        y, Y, sample_weight = examples.y, examples.Y, examples.sample_weight
        self._multiclass = labels.y_type_ == "multiclass"
        if labels.y_type_ == "multilabel-indicator":
            each = _of_each_label(class_weight, n_labels=Y.shape[1])
            columns = list(Y.T)
            tables = [
                _of_each_class(given, np.array([0, 1]), column, sample_weight)
                for given, column in zip(each, columns, strict=True)
            ]
        else:
            if isinstance(class_weight, list):
                raise ValueError(f"class_weight must be a dict. Got {class_weight!r} instead.")
            tables = [_of_each_class(class_weight, labels.classes_, y, sample_weight)]
        self._table = np.array(tables)
        if not (np.isfinite(self._table).all() and (self._table >= 0).all()):
            raise ValueError(
                f"class_weight must not hold negative weights. Got {class_weight!r} instead."
            )

    def times(self, Y: Floats, sample_weight: Floats | None) -> Floats:
        """Return the weights of examples in the cost.

        Parameters
        ----------
        Y : ndarray of shape (m, K)
            Their targets.
        sample_weight : ndarray of shape (m,) or None
            The user's weights.

        Returns
        -------
        ndarray of shape (m,)
            Each example's weight times that of its class; for multilabel y times that
            of each of its labels.
        """
        if self._multiclass:
            weight = Y @ self._table[0]
        else:
            weight = np.where(Y == 1, self._table[:, 1], self._table[:, 0]).prod(axis=1)
        return (weight if sample_weight is None else weight * sample_weight).astype(Y.dtype)


def _of_each_label(class_weight: Any, n_labels: int) -> Sequence[Any]:
    if class_weight == "balanced":
        return ["balanced"] * n_labels
    if not (
        isinstance(class_weight, list)
        and len(class_weight) == n_labels
        and all(isinstance(each, dict) or each == "balanced" for each in class_weight)
    ):
        raise ValueError(
            'For multilabel y, class_weight must be "balanced" or a list of dicts, one for each '
            f"of the {n_labels} labels. Got {class_weight!r} instead."
        )
    return class_weight


def _of_each_class(
    class_weight: Any, classes: ArrayLike, y: ArrayLike, sample_weight: Floats | None
) -> Floats:
    """Return the weight of each class; 1 for one that no example counts for."""
    if class_weight != "balanced":
        return compute_class_weight(class_weight, classes=classes, y=y)
    classes, y = np.asarray(classes), np.asarray(y)
    counts = np.full(len(y), True) if sample_weight is None else sample_weight > 0
    weights, present = np.ones(len(classes)), np.isin(classes, y[counts])
    weights[present] = compute_class_weight(
        "balanced",
        classes=classes[present],
        y=y[counts],
        sample_weight=None if sample_weight is None else sample_weight[counts],
    )
    return weights
