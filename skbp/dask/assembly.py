"""From a classifier and Dask collections to its problem, with a validation set if it needs one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import dask
import numpy as np
from sklearn.utils.validation import _check_feature_names, _check_n_features

from skbp._typing import Floats, Rows
from skbp.dask.checks import Encode, Outline, Totals, Weigh, check, merged_labels, outlines
from skbp.dask.collections import (
    Collection,
    check_collections,
    is_frame,
    raw_partitions,
    whole_rows,
)
from skbp.dask.examples import PartitionedExamples
from skbp.dask.partitions import Partitions, Session
from skbp.estimator.assembly import Problem, network_of
from skbp.estimator.data import Dataset, check_total_weight
from skbp.estimator.defaults import stops_early
from skbp.estimator.parameters import default_parameters, with_python_numbers
from skbp.estimator.solver_factory import Parameters, ignored_parameters
from skbp.estimator.state import FitState
from skbp.estimator.targets import Targets, targets_for
from skbp.estimator.validation import check_held_out, drawn

if TYPE_CHECKING:
    from skbp.dask.classifier import DaskBackpropClassifier

Given = dict[str, Collection]


@dataclass(frozen=True)
class _CheckedSet:
    """Checked partitions, none of which is empty, and what is known of them."""

    partitions: Partitions
    outlines: Sequence[Outline]
    numbers: Sequence[int]  # of the partitions, those that are empty counted too

    def encoded(self, targets: Targets, dtype: np.dtype[Any], name: str) -> PartitionedExamples:
        """Return the examples."""
        labels = merged_labels(self.outlines)
        encoded = self.partitions.derive(Encode(targets, dtype, name), self.numbers)
        return PartitionedExamples.of(encoded, labels, dtype)


def assemble(
    classifier: "DaskBackpropClassifier", session: Session, given: Given, known: Targets | None
) -> Problem:
    """Return the problem of a classifier and Dask collections.

    Parameters
    ----------
    classifier : DaskBackpropClassifier
        The classifier.
    session : Session
        The fit.
    given : dict of str to Dask collection
        X, y and sample_weight, which may be None.
    known : Targets or None
        The targets of the fitted model that training continues. None for new ones.

    Returns
    -------
    Problem
        The problem.

    Raises
    ------
    TypeError
        If an argument is not a collection.
    ValueError
        If X, y, the weights or a parameter are invalid. The message names the partition.
    """
    checked = _checked(session, given)
    reset = known is None or not hasattr(classifier, "coefs_")
    _check_features(classifier, given["X"], checked.outlines, reset)
    dtype = np.result_type(*(each.dtype for each in checked.outlines))
    parameters = with_python_numbers(classifier)
    targets = targets_for(merged_labels(checked.outlines)) if known is None else known
    targets = targets.with_binary_outputs(parameters["binary_outputs"])
    examples = checked.encoded(targets, dtype, "y")
    if given["sample_weight"] is not None:
        check_total_weight(examples.m)
    class_weights = _class_weights(parameters, targets, examples)
    problem = Problem(
        network_of(parameters, examples.sizes, targets),
        targets,
        class_weights,
        examples,
        parameters,
        ignored=_ignored(classifier, parameters),
    )
    return replace(problem, examples=_weighted(problem, examples))


def _ignored(classifier: "DaskBackpropClassifier", parameters: Parameters) -> tuple[str, ...]:
    kind: Any = type(classifier)  # mypy takes no class for hashable
    return ignored_parameters(parameters, default_parameters(kind))


def _checked(session: Session, given: Given) -> _CheckedSet:
    """Return partitions that each have passed the checks by themselves."""
    check_collections(given)
    first, *_ = given
    raw = raw_partitions({**given, first: whole_rows(given[first], first)})
    task = dask.delayed(check, pure=False)
    partitions = session.partitions([task(parts, i) for i, parts in enumerate(raw)])
    found: list[Outline] = partitions.map(outlines, [None] * len(partitions))
    merged_labels(found)
    filled = [i for i, each in enumerate(found) if each.n_rows]
    _check_widths(found, filled)
    return _CheckedSet(partitions.pick(filled), [found[i] for i in filled], filled)


def _check_widths(found: Sequence[Outline], numbers: Sequence[int]) -> None:
    width = found[numbers[0]].n_features
    for i in numbers:
        if found[i].n_features != width:
            raise ValueError(
                f"Partition {i}: X has {found[i].n_features} columns, and that of partition "
                f"{numbers[0]} has {width}. All must have as many."
            )


def _check_features(
    classifier: "DaskBackpropClassifier", X: Collection, outlines: Sequence[Outline], reset: bool
) -> None:
    """Set or check the number and the names of the features."""
    empty = np.empty((1, outlines[0].n_features))
    _check_feature_names(classifier, X._meta if is_frame(X) else empty, reset=reset)
    _check_n_features(classifier, empty, reset=reset)


def _class_weights(
    parameters: Parameters, targets: Targets, examples: PartitionedExamples
) -> Floats | None:
    if parameters["class_weight"] is None:
        return None
    nothing = [None] * len(examples.partitions)
    totals = np.sum(examples.partitions.map(Totals(targets), nothing), axis=0)
    return targets.class_weights_of_totals(parameters["class_weight"], totals)


def _weighted(problem: Problem, examples: PartitionedExamples) -> PartitionedExamples:
    """Return examples with the weights of their classes."""
    if problem.class_weights is None:
        return examples
    given = problem.parameters["class_weight"]
    weigh = Weigh(problem.targets, problem.class_weights, given)
    return examples.changed(weigh, range(len(examples.partitions)))


def with_stopping(problem: Problem) -> Problem:
    """Return a problem that knows whether a validation score ends training.

    Parameters
    ----------
    problem : Problem
        The problem.

    Returns
    -------
    Problem
        The problem.
    """
    is_early = stops_early(problem.parameters, problem.examples.n_counted)
    return replace(problem, stops_early=is_early)


def with_given_set(
    classifier: "DaskBackpropClassifier", session: Session, problem: Problem, given: Given
) -> Problem:
    """Return a problem with a validation set of the user's own, in Dask collections.

    Parameters
    ----------
    classifier : DaskBackpropClassifier
        The classifier.
    session : Session
        The fit.
    problem : Problem
        The problem.
    given : dict of str to Dask collection
        X_val, y_val and sample_weight_val, which may be None.

    Returns
    -------
    Problem
        The problem with the validation set.

    Raises
    ------
    ValueError
        If the set does not fit the training set.
    """
    if given["X_val"] is None or given["y_val"] is None:
        raise ValueError("A validation set needs both X_val and y_val. One of them is None.")
    try:
        checked = _checked(session, given)
        _check_features(classifier, given["X_val"], checked.outlines, reset=False)
        dtype = problem.examples.dtype
        examples = checked.encoded(problem.targets, dtype, "y_val")
        if given["sample_weight_val"] is not None:
            check_total_weight(examples.m)
    except ValueError as error:
        raise ValueError(f"X_val, y_val or sample_weight_val is invalid: {error}") from error
    examples = _weighted(problem, examples)
    if not examples.has_weight:
        raise ValueError("The classes of y_val must not all have a class_weight of 0.")
    return replace(problem, validation=examples)


def with_held_out_shares(problem: Problem, state: FitState) -> Problem:
    """Return a problem with a validation set that holds a share of each partition.

    Parameters
    ----------
    problem : Problem
        The problem.
    state : FitState
        The state of the fit, which remembers how the rows were drawn.

    Returns
    -------
    Problem
        The problem without these rows in the training set; they are the validation set.

    Raises
    ------
    ValueError
        If no row can be spared.
    """
    examples = problem.examples
    assert isinstance(examples, PartitionedExamples)
    fraction = problem.parameters["validation_fraction"]
    if state.held_out is None:
        state.held_out = examples.shares(fraction, state.training.progress.generator())
    own = state.held_out.tolist()
    held_out = examples.changed(_HeldOut(problem.targets), own)
    check_held_out(fraction, examples.n_counted, held_out.n_rows)
    kept = examples.changed(_Kept(problem.targets), own)
    return replace(problem, examples=kept, validation=held_out)


@dataclass(frozen=True)
class _HeldOut:
    """Takes the rows of a partition that are held out."""

    targets: Targets

    def __call__(self, part: Dataset, own: tuple[int, int]) -> Dataset:
        return part.take(self.rows(part, own))

    def rows(self, part: Dataset, own: tuple[int, int]) -> Rows:
        """Return the numbers of these rows."""
        number, seed = own
        return drawn(part, self.targets, number, np.random.RandomState(seed))


@dataclass(frozen=True)
class _Kept(_HeldOut):
    """Takes the other rows."""

    def __call__(self, part: Dataset, own: tuple[int, int]) -> Dataset:
        return part.take(np.delete(np.arange(part.n_rows), self.rows(part, own)))
