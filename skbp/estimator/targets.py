"""Targets: how labels y become the targets Y of the output units, and outputs become labels.

There is one class for each kind of y, with everything that depends on it. `targets_for`
returns the one that fits the labels.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy.sparse import issparse
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from skbp import probabilities
from skbp._typing import Floats, Labels, Rows
from skbp.activations import OUTPUT_ACTIVATIONS, OutputActivation
from skbp.engine.interface import Output
from skbp.estimator.data import Dataset
from skbp.losses import LOSSES

ClassWeight = dict[Any, float] | list[dict[int, float]] | str | None


class Targets(ABC):
    """Labels and targets of one kind of classification problem.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The classes in ascending order, or for multilabel y the numbers of the labels.
    """

    def __init__(self, classes: NDArray[Any]) -> None:
        self.classes = classes

    @abstractmethod
    def check_shape(self, y: Labels, name: str) -> None:
        """Check that labels are of this kind.

        Parameters
        ----------
        y : {ndarray, sparse matrix} of shape (m,) or (m, n_labels)
            The labels.
        name : str
            The name of the argument, for the error message.

        Raises
        ------
        ValueError
            If they are not.
        """

    def encode(self, y: Labels, dtype: DTypeLike, name: str = "y") -> Floats:
        """Return the targets of labels.

        Parameters
        ----------
        y : {ndarray, sparse matrix} of shape (m,) or (m, n_labels)
            The labels.
        dtype : dtype
            The dtype of the targets.
        name : str, default="y"
            The name of the argument, for the error message.

        Returns
        -------
        ndarray of shape (m, K)
            Y: one-hot rows, a column of 0 and 1, or an indicator matrix.

        Raises
        ------
        ValueError
            If the labels are of another kind, or of unknown classes.
        """
        self.check_shape(y, name)
        return self._encode(y, dtype, name)

    @abstractmethod
    def _encode(self, y: Labels, dtype: DTypeLike, name: str) -> Floats:
        """Return the targets of labels of the right shape."""

    @abstractmethod
    def decode(self, z: Floats) -> Labels:
        """Return the labels that outputs predict.

        Parameters
        ----------
        z : ndarray of shape (m, K)
            z^(L).

        Returns
        -------
        {ndarray, sparse matrix} of shape (m,) or (m, n_labels)
            The labels.
        """

    def decision(self, h: OutputActivation, z: Floats) -> Floats:
        """Return what `decision_function` returns.

        Parameters
        ----------
        h : OutputActivation
            The activation of the output units.
        z : ndarray of shape (m, K)
            z^(L).

        Returns
        -------
        ndarray of shape (m,) or (m, K)
            z, without its second dimension for a single unit.
        """
        return z.ravel() if z.shape[1] == 1 else z

    def with_binary_outputs(self, n: int) -> "Targets":
        """Return the targets with a number of output units for two exclusive classes.

        Parameters
        ----------
        n : {1, 2}
            The number.

        Returns
        -------
        Targets
            The same targets, if there are not two exclusive classes.
        """
        return self

    def check_same_classes(self, y: Labels) -> None:
        """Raise an error if labels to continue training with lack a class.

        Parameters
        ----------
        y : ndarray of shape (m,) or {ndarray, sparse matrix} of shape (m, n_labels)
            The labels.

        Raises
        ------
        ValueError
            If the classes are not the same.
        """
        if y.ndim == 1 and not np.array_equal(classes := _classes_of(y), self.classes):
            raise ValueError(
                "To continue training, y must have the same classes as before, "
                f"{self.classes.tolist()}. Got {classes.tolist()} instead."
            )

    def output_activation(self, requested: str) -> str:
        """Return the activation of the output units: logistic, whatever was requested.

        Parameters
        ----------
        requested : str
            The ``output_activation`` of the estimator.

        Returns
        -------
        str
            The activation.
        """
        return "logistic"

    def smooth(self, Y: Floats, label_smoothing: float) -> Floats:
        """Return targets moved towards 1/K for K exclusive classes, else towards ½.

        Parameters
        ----------
        Y : ndarray of shape (m, K)
            The targets.
        label_smoothing : float
            The share of the way, in [0, 1).

        Returns
        -------
        ndarray of shape (m, K)
            The targets to train with.
        """
        if label_smoothing == 0:
            return Y
        shift = Y.dtype.type(label_smoothing / self._n_outcomes(Y))
        return Y * Y.dtype.type(1 - label_smoothing) + shift

    def _n_outcomes(self, Y: Floats) -> int:
        """Return the number of values that the variable behind each unit can take."""
        return 2

    @abstractmethod
    def probabilities(self, h: OutputActivation) -> Output:
        """Return the output of the network that is the class probabilities.

        Parameters
        ----------
        h : OutputActivation
            The activation of the output units.

        Returns
        -------
        Output
            The output.
        """

    def log_probabilities(self, h: OutputActivation, z: Floats) -> Floats:
        """Return the logarithms of the class probabilities.

        Parameters
        ----------
        h : OutputActivation
            The activation of the output units.
        z : ndarray of shape (m, K)
            z^(L).

        Returns
        -------
        ndarray of shape (m, n_classes) or (m, n_labels)
            They are computed from z, and finite wherever it is.
        """
        return h.log_g(z)

    @abstractmethod
    def units_of(self, p: Floats) -> tuple[OutputActivation, Floats]:
        """Return output units that have given class probabilities.

        Parameters
        ----------
        p : ndarray of shape (m, n_classes) or (m, n_labels)
            The probabilities, for example the means of those of several networks.

        Returns
        -------
        h : OutputActivation
            The activation of the units.
        z : ndarray of shape (m, K)
            Their inputs; finite, where a probability is 0 too.
        """

    @abstractmethod
    def likelihoods(self, p: Floats, Y: Floats) -> Floats:
        """Return the probabilities of what is true.

        Parameters
        ----------
        p : ndarray of shape (m, n_classes) or (m, n_labels)
            The class probabilities.
        Y : ndarray of shape (m, K)
            The targets.

        Returns
        -------
        ndarray of shape (m, 1) or (m, n_labels)
            The probability of each row's class, or of each of its labels.
        """

    def log_losses(self, h: OutputActivation, z: Floats, Y: Floats) -> Floats:
        """Return the log-loss of the class probabilities, for each example.

        Parameters
        ----------
        h : OutputActivation
            The activation of the output units.
        z : ndarray of shape (m, K)
            z^(L).
        Y : ndarray of shape (m, K)
            The targets.

        Returns
        -------
        ndarray of shape (m,)
            The losses, whose mean is `sklearn.metrics.log_loss`; for multilabel y, the sum
            of the labels' log-losses.
        """
        return LOSSES[h.name, "log_loss"].per_row(z, h.g(z), Y)

    @abstractmethod
    def draw(self, Y: Floats, n: int, order: Rows) -> Rows:
        """Draw rows for a validation set, some of each class, that leave some for training.

        Parameters
        ----------
        Y : ndarray of shape (m, K)
            The targets.
        n : int
            The number of rows to draw.
        order : ndarray of int of shape (m,)
            The rows in random order.

        Returns
        -------
        ndarray of int
            At most ``n`` rows.
        """

    @abstractmethod
    def lacking(self, Y: Floats) -> str:
        """Describe the classes that some rows lack, for an error message.

        Parameters
        ----------
        Y : ndarray of shape (m, K)
            The targets of the rows.

        Returns
        -------
        str
            What there is none of; empty if nothing is lacking.
        """

    def missing(self, z: Floats, Y: Floats, weight: Floats | None) -> str:
        """Return the classes that a model should predict, and does not.

        Parameters
        ----------
        z : ndarray of shape (m, K)
            z of the output layer.
        Y : ndarray of shape (m, K)
            The targets.
        weight : ndarray of shape (m,) or None
            The weights of the rows.

        Returns
        -------
        str
            The classes in words, those that have at least half as many rows as if all were
            equally frequent; empty if each is predicted.
        """
        if weight is not None and not weight.any():
            return ""
        shares = np.average(self._members(Y), axis=0, weights=weight)
        predicted = self._members(self._encode(self.decode(z), Y.dtype, "y"))
        missing = self.classes[(shares >= 0.5 / self._n_outcomes(Y)) & ~predicted.any(axis=0)]
        plural = "es" if len(missing) > 1 else ""
        return f"class{plural} {', '.join(map(str, missing))}" if len(missing) else ""

    def _members(self, Y: Floats) -> Floats:
        """Return a column for each class, which tells its rows."""
        return Y

    def class_weights(self, class_weight: ClassWeight, examples: Dataset) -> Floats:
        """Return the weight of each class.

        Parameters
        ----------
        class_weight : dict, list of dict or "balanced"
            The parameter of the estimator; for multilabel y a list of dicts, one for each
            label.
        examples : Dataset
            The training set. For "balanced", each row counts by its sample weight.

        Returns
        -------
        ndarray of shape (n_classes,) or (n_labels, 2)
            The weights.

        Raises
        ------
        ValueError
            If ``class_weight`` does not fit the classes.
        """
        return _checked(self._class_weights(class_weight, examples), class_weight)

    def totals(self, examples: Dataset) -> Floats:
        """Return the sum of the sample weights of each class, from which its weight follows.

        Parameters
        ----------
        examples : Dataset
            Some of the training set.

        Returns
        -------
        ndarray of shape (n_classes,) or (n_labels, 2)
            The sums.
        """
        members, weight = self._members(examples.Y), examples.sample_weight
        weights = np.ones(len(members)) if weight is None else weight.astype(float)
        return weights @ members.astype(float)

    def class_weights_of_totals(self, class_weight: ClassWeight, totals: Floats) -> Floats:
        """Return the weight of each class, as `class_weights` does, without the examples.

        Parameters
        ----------
        class_weight : dict, list of dict or "balanced"
            The parameter of the estimator.
        totals : ndarray of shape (n_classes,) or (n_labels, 2)
            The sums of the sample weights, as `totals` returns them.

        Returns
        -------
        ndarray of shape (n_classes,) or (n_labels, 2)
            The weights.

        Raises
        ------
        ValueError
            If ``class_weight`` does not fit the classes.
        """
        if isinstance(class_weight, list):
            raise ValueError(f"class_weight must be a dict. Got {class_weight!r} instead.")
        table = _weights_of(class_weight, self.classes, self.classes, totals)
        return _checked(table, class_weight)

    def _class_weights(self, class_weight: ClassWeight, examples: Dataset) -> Floats:
        if isinstance(class_weight, list):
            raise ValueError(f"class_weight must be a dict. Got {class_weight!r} instead.")
        return _weights_of(class_weight, self.classes, examples.y, examples.sample_weight)

    @abstractmethod
    def weights_of_rows(self, Y: Floats, class_weights: Floats) -> Floats:
        """Return the weight that each example gets for its class.

        Parameters
        ----------
        Y : ndarray of shape (m, K)
            The targets.
        class_weights : ndarray
            The weights, as `class_weights` returned them.

        Returns
        -------
        ndarray of shape (m,)
            The weights.
        """


class _OneLabel(Targets):
    """Targets of rows with one label each."""

    def with_binary_outputs(self, n: int) -> Targets:
        """Return the targets with ``n`` units for two classes."""
        if len(self.classes) != 2:
            return self
        return BinaryTargets(self.classes) if n == 1 else TwoUnitTargets(self.classes)

    def check_shape(self, y: Labels, name: str) -> None:
        """Raise a ValueError if there is not one label a row, or a class is unknown."""
        if y.ndim == 2:
            raise ValueError(f"{name} must have one label a row. Got the shape {y.shape} instead.")
        if (unknown := np.setdiff1d(y, self.classes)).size:
            raise ValueError(
                f"{name} has the classes {unknown.tolist()}, which are not among the known "
                f"classes {self.classes.tolist()}."
            )

    def likelihoods(self, p: Floats, Y: Floats) -> Floats:
        """Return the probability of each row's class."""
        return np.asarray((p * self._members(Y)).sum(axis=1, keepdims=True))

    def _numbers(self, y: Labels) -> Rows:
        """Return the number of each label's class."""
        return np.asarray(np.searchsorted(self.classes, y))

    def draw(self, Y: Floats, n: int, order: Rows) -> Rows:
        """Draw a stratified sample, with rows of the classes by their shares."""
        classes = _numbers(Y)
        shares = _shares(np.bincount(classes), n)
        drawn = [order[classes[order] == k][:share] for k, share in enumerate(shares)]
        return np.concatenate(drawn)

    def lacking(self, Y: Floats) -> str:
        """Return the classes without a row."""
        counts = np.bincount(_numbers(Y), minlength=len(self.classes))
        missing = self.classes[counts == 0].tolist()
        return f"rows of the classes {missing}" if missing else ""


class BinaryTargets(_OneLabel):
    """Two classes: one logistic unit, and Y is a column of 0 and 1."""

    def _encode(self, y: Labels, dtype: DTypeLike, name: str) -> Floats:
        return self._numbers(y)[:, np.newaxis].astype(dtype)

    def _members(self, Y: Floats) -> Floats:
        return np.hstack([1 - Y, Y])

    def decode(self, z: Floats) -> Labels:
        """Return the second class where z is positive."""
        return self.classes[(z[:, 0] > 0).astype(np.intp)]

    def probabilities(self, h: OutputActivation) -> Output:
        """Return [1 − a, a]."""
        return Output.BINARY

    def log_probabilities(self, h: OutputActivation, z: Floats) -> Floats:
        """Return the logarithms of 1 − a and a."""
        return probabilities.log_binary(h, z)

    def units_of(self, p: Floats) -> tuple[OutputActivation, Floats]:
        """Return a logistic unit."""
        log_p = _log(p)
        return OUTPUT_ACTIVATIONS["logistic"], log_p[:, 1:] - log_p[:, :1]

    def weights_of_rows(self, Y: Floats, class_weights: Floats) -> Floats:
        """Return the weight of each example's class."""
        return np.where(Y == 1, class_weights[1], class_weights[0])[:, 0]


class MulticlassTargets(_OneLabel):
    """K ≥ 3 classes that exclude each other: K units, and Y has one-hot rows."""

    def _encode(self, y: Labels, dtype: DTypeLike, name: str) -> Floats:
        Y = np.zeros((len(y), len(self.classes)), dtype)
        Y[np.arange(len(y)), self._numbers(y)] = 1
        return Y

    def decode(self, z: Floats) -> Labels:
        """Return the class with the largest z, the first one of several."""
        return self.classes[z.argmax(axis=1)]

    def output_activation(self, requested: str) -> str:
        """Return the activation that was requested."""
        return requested

    def _n_outcomes(self, Y: Floats) -> int:
        return Y.shape[1]

    def probabilities(self, h: OutputActivation) -> Output:
        """Return the softmax, or the logistic units divided by their sum."""
        return Output.SHARES if h.name == "logistic" else Output.ACTIVATION

    def log_probabilities(self, h: OutputActivation, z: Floats) -> Floats:
        """Return log softmax(z), or for logistic units log softmax(log h(z))."""
        return probabilities.ranked(super().log_probabilities(*_normalised(h, z)), z)

    def units_of(self, p: Floats) -> tuple[OutputActivation, Floats]:
        """Return softmax units."""
        return OUTPUT_ACTIVATIONS["softmax"], _log(p)

    def log_losses(self, h: OutputActivation, z: Floats, Y: Floats) -> Floats:
        """Return the cross entropy of the class probabilities."""
        return super().log_losses(*_normalised(h, z), Y)

    def weights_of_rows(self, Y: Floats, class_weights: Floats) -> Floats:
        """Return the weight of each example's class."""
        return Y @ class_weights


class TwoUnitTargets(MulticlassTargets):
    """Two classes with a unit each: as K ≥ 3 classes, but for the shape of the decisions."""

    def decision(self, h: OutputActivation, z: Floats) -> Floats:
        """Return the log of the ratio of the two probabilities, for softmax z_2 − z_1."""
        log_a = h.log_g(z) if h.name == "logistic" else z
        return log_a[:, 1] - log_a[:, 0]


class MultilabelTargets(Targets):
    """Any number of labels a row: one logistic unit for each label, and Y is y.

    Parameters
    ----------
    binarizer : LabelBinarizer
        Fitted with the labels of some rows.
    """

    def __init__(self, binarizer: LabelBinarizer) -> None:
        super().__init__(binarizer.classes_)
        self._binarizer = binarizer

    def check_shape(self, y: Labels, name: str) -> None:
        """Raise a ValueError if there is not one column for each label."""
        n_labels = len(self.classes)
        if y.ndim != 2 or y.shape[1] != n_labels:
            raise ValueError(
                f"{name} must have {n_labels} columns of labels. Got the shape {y.shape} instead."
            )

    def _encode(self, y: Labels, dtype: DTypeLike, name: str) -> Floats:
        Y = self._binarizer.transform(y).astype(dtype)
        if not ((Y == 0) | (Y == 1)).all():
            raise ValueError(
                f"A multilabel {name} must be an indicator matrix of 0 and 1. "
                f"Got the values {np.unique(Y).tolist()} instead."
            )
        return Y

    def decode(self, z: Floats) -> Labels:
        """Return 1 for the labels whose z is positive; sparse if y was."""
        return self._binarizer.inverse_transform(z, threshold=0)

    def probabilities(self, h: OutputActivation) -> Output:
        """Return the activation of each label's unit."""
        return Output.ACTIVATION

    def log_probabilities(self, h: OutputActivation, z: Floats) -> Floats:
        """Return the logarithms of the activations, which tie where these are rounded to 1."""
        return np.where(z > 0, np.log(h.g(np.abs(z))), h.log_g(z))

    def units_of(self, p: Floats) -> tuple[OutputActivation, Floats]:
        """Return a logistic unit for each label."""
        return OUTPUT_ACTIVATIONS["logistic"], _log(p) - _log(1 - p)

    def likelihoods(self, p: Floats, Y: Floats) -> Floats:
        """Return the probability of each of a row's labels."""
        return np.where(Y == 1, p, 1 - p)

    def draw(self, Y: Floats, n: int, order: Rows) -> Rows:
        """Draw rows, one with and one without each label if ``n`` allows, and leave as many."""
        needed = order[[(Y[order] == value).argmax(axis=0) for value in (0, 1)]]
        rest = order[~np.isin(order, needed)]
        if len(rest) <= n:
            return rest
        has = np.hstack([Y[rest] == 0, Y[rest] == 1])
        has = has[:, has.any(axis=0)]
        first = np.unique(has.argmax(axis=0))
        if has[:n].any(axis=0).all() or len(first) > n:
            return rest[:n]
        others = np.delete(np.arange(len(rest)), first)
        return rest[np.sort(np.r_[first, others[: n - len(first)]])]

    def lacking(self, Y: Floats) -> str:
        """Return the labels without a row that has them, or without one that does not."""
        present = {"with": (Y == 1).any(axis=0), "without": (Y == 0).any(axis=0)}
        labels = {kind: self.classes[~there].tolist() for kind, there in present.items()}
        found = [f"rows {kind} the labels {labels[kind]}" for kind in labels if labels[kind]]
        return " and no ".join(found)

    def _class_weights(self, class_weight: ClassWeight, examples: Dataset) -> Floats:
        each = _per_label(class_weight, n_labels=examples.Y.shape[1])
        return np.array(
            [
                _weights_of(given, np.array([0, 1]), column, examples.sample_weight)
                for given, column in zip(each, examples.Y.T, strict=True)
            ]
        )

    def totals(self, examples: Dataset) -> Floats:
        """Return the sums of the weights of the rows without and with each label."""
        having = super().totals(examples)
        weight = examples.sample_weight
        whole = float(examples.n_rows if weight is None else weight.sum(dtype=float))
        return np.column_stack([whole - having, having])

    def class_weights_of_totals(self, class_weight: ClassWeight, totals: Floats) -> Floats:
        """Return the weights of the rows without and with each label."""
        values, each = np.array([0, 1]), _per_label(class_weight, n_labels=len(totals))
        pairs = zip(each, totals, strict=True)
        table = np.array([_weights_of(given, values, values, sums) for given, sums in pairs])
        return _checked(table, class_weight)

    def weights_of_rows(self, Y: Floats, class_weights: Floats) -> Floats:
        """Return the product of the weights of each example's labels."""
        return np.where(Y == 1, class_weights[:, 1], class_weights[:, 0]).prod(axis=1)


def _log(p: Floats) -> Floats:
    """Return the logarithms of probabilities, of the smallest number instead of 0."""
    return np.log(np.maximum(p, np.finfo(p.dtype).tiny))


def targets_for(y: Labels) -> Targets:
    """Return the targets that fit labels.

    Parameters
    ----------
    y : {array-like, sparse matrix} of shape (m,) or (m, n_labels)
        Labels of all classes.

    Returns
    -------
    Targets
        The targets.

    Raises
    ------
    ValueError
        If there are fewer than two classes.
    """
    if issparse(y) or np.ndim(y) != 1:
        return MultilabelTargets(LabelBinarizer().fit(y))
    if not len(y):
        raise ValueError(f"y has 0 samples: {y!r}")
    classes = _classes_of(y)
    if len(classes) < 2:
        raise ValueError(
            "BackpropClassifier needs samples of at least 2 classes in the data, but the "
            f"data contains only one class: {classes.tolist()[0]!r}"
        )
    return BinaryTargets(classes) if len(classes) == 2 else MulticlassTargets(classes)


def targets_for_stream(y: Labels, classes: ArrayLike | None, known: Targets | None) -> Targets:
    """Return the targets that fit the labels of a stream.

    Parameters
    ----------
    y : {array-like, sparse matrix} of shape (m,) or (m, n_labels)
        The first labels.
    classes : array-like of shape (n_classes,) or None
        All classes that will ever come.
    known : Targets or None
        The targets of an earlier call.

    Returns
    -------
    Targets
        The targets.

    Raises
    ------
    ValueError
        If the classes are not known, fewer than two, or others than before.
    """
    given = None if classes is None else _checked_classes(classes)
    if known is not None:
        if given is not None and not np.array_equal(given, known.classes):
            raise ValueError(
                f"classes={given.tolist()} is not the same as on the last call, "
                f"which had {known.classes.tolist()}."
            )
        return known
    if type_of_target(y).startswith("multilabel"):
        targets = targets_for(y)
        if given is not None and not np.array_equal(given, targets.classes):
            raise ValueError(
                f"For multilabel y, classes must be None or {targets.classes.tolist()}, the "
                f"numbers of its labels. Got {classes!r} instead."
            )
        return targets
    if given is None:
        raise ValueError("classes must be passed on the first call to partial_fit.")
    # repeated, because many classes that come once each would look like numbers to predict
    y = np.repeat(given, 3)
    try:
        check_classification_targets(y)
        return targets_for(y)
    except ValueError as error:
        raise ValueError(f"classes={classes!r} is invalid: {error}") from error


def _classes_of(y: Labels) -> NDArray[Any]:
    """Return the classes of labels in ascending order, strings of no more width than they need."""
    return np.asarray(list(np.unique(y)))


def _checked_classes(classes: ArrayLike) -> NDArray[Any]:
    """Return the classes that ``partial_fit`` got, in ascending order."""
    try:
        unique = np.unique(np.asarray(classes))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"classes must be an array of numbers or of strings. Got {classes!r} instead."
        ) from error
    if unique.dtype.kind == "f" and not np.isfinite(unique).all():
        raise ValueError(f"classes must be finite. Got {classes!r} instead.")
    return unique


def _numbers(Y: Floats) -> NDArray[np.intp]:
    """Return the number of the class of each row."""
    return Y[:, 0].astype(np.intp) if Y.shape[1] == 1 else Y.argmax(axis=1)


def _shares(sizes: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """Return how many of n rows to draw of each class, and leave one of each."""
    spare = np.maximum(sizes - 1, 0)
    exact = n * sizes / sizes.sum()
    shares = np.minimum(exact.astype(np.intp), spare)
    for _ in range(min(n, spare.sum()) - shares.sum()):
        # to the class that is furthest below its share, and has rows to spare
        shares[np.where(shares < spare, exact - shares, -np.inf).argmax()] += 1
    if n >= np.count_nonzero(spare):
        for k in np.flatnonzero((shares == 0) & (spare > 0)):
            # a row for a rare class, from the class that is furthest above its share
            shares[np.where(shares > 1, shares - exact, -np.inf).argmax()] -= 1
            shares[k] = 1
    return shares


def _normalised(h: OutputActivation, z: Floats) -> tuple[OutputActivation, Floats]:
    """Return the softmax of log h(z), which is logistic units divided by their sum."""
    return (OUTPUT_ACTIVATIONS["softmax"], h.log_g(z)) if h.name == "logistic" else (h, z)


def _checked(table: Floats, class_weight: ClassWeight) -> Floats:
    """Return the weights of classes, if they are finite and not negative."""
    if not (np.isfinite(table).all() and (table >= 0).all()):
        raise ValueError(
            "class_weight must not hold negative weights, and each must be a finite number. "
            f"Got {class_weight!r} instead."
        )
    return table


def _is_balanced(class_weight: Any) -> bool:
    return isinstance(class_weight, str) and class_weight == "balanced"


def _per_label(class_weight: ClassWeight, n_labels: int) -> Sequence[Any]:
    if _is_balanced(class_weight):
        return ["balanced"] * n_labels
    if not (
        isinstance(class_weight, list)
        and len(class_weight) == n_labels
        and all(isinstance(each, dict) or _is_balanced(each) for each in class_weight)
    ):
        raise ValueError(
            'For multilabel y, class_weight must be "balanced" or a list of dicts, one for each '
            f"of the {n_labels} labels. Got {class_weight!r} instead."
        )
    return class_weight


def _as_weight(value: Any) -> float:
    try:
        return np.nan if isinstance(value, str) else float(value)
    except (OverflowError, TypeError, ValueError):
        return np.nan


def _weights_of(
    class_weight: ClassWeight, classes: ArrayLike, y: ArrayLike, sample_weight: Floats | None
) -> Floats:
    """Return the weight of each class; 1 for a class without examples."""
    if isinstance(class_weight, dict):
        numbers = {label: _as_weight(weight) for label, weight in class_weight.items()}
        return compute_class_weight(numbers, classes=classes, y=y)
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
