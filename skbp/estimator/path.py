"""Paths: one network on one training set, λ from large to small.

Each fit starts from the weights of the last one, so it takes few iterations. Units that a large
λ has switched off get new start weights, or a path that begins with a large λ would end with a
small network.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from skbp import weights
from skbp._typing import Floats, Rows
from skbp.engine import outputs
from skbp.engine.layout import aligned
from skbp.estimator.assembly import (
    Attributes,
    Problem,
    fitted_attributes,
    new_state,
    new_weights,
    setting_of,
    trained,
    validation_of,
    with_validation,
)
from skbp.estimator.data import Dataset
from skbp.estimator.solver_factory import make_solver
from skbp.estimator.state import Conditions, FitState
from skbp.estimator.training import FitResult
from skbp.network import Network
from skbp.solvers import Ending

if TYPE_CHECKING:
    from skbp.estimator.classifier import BackpropClassifier

_TURNED = 1.1
_SWITCHED_OFF = 0.1


@dataclass(frozen=True)
class PathFit:
    """A fit of a path.

    Parameters
    ----------
    problem : Problem
        The problem, with its λ.
    state : FitState
        The state of the fit before the training.
    result : FitResult
        The result of the training.
    """

    problem: Problem
    state: FitState
    result: FitResult


def fits(
    classifier: "BackpropClassifier",
    problem: Problem,
    alphas: Sequence[float],
    m: float,
    is_warm: bool = True,
) -> Iterator[PathFit]:
    """Fit a network for one λ after the other.

    Parameters
    ----------
    classifier : BackpropClassifier
        The classifier, whose ``random_state`` is an int.
    problem : Problem
        The problem.
    alphas : sequence of float
        Values of λ for m examples, in descending order. They are multiplied by
        ``problem.m / m``, so that λ/m, the weight of the penalty beside the mean of the
        losses, is the same for a part of the examples as for all.
    m : float
        The number of examples that the values are meant for.
    is_warm : bool, default=True
        Whether a fit starts from the weights of the last one; else each from new ones.

    Yields
    ------
    PathFit
        The fits. The last one, if Ctrl-C ends it; or the one before, if no iteration had finished.
    """
    last: PathFit | None = None
    for alpha in alphas:
        parameters = {**problem.parameters, "alpha": alpha * problem.m / m}
        theta = last.result.theta if is_warm and last is not None else None
        try:
            last = _fit(classifier, replace(problem, parameters=parameters), theta)
        except KeyboardInterrupt:  # before the first iteration
            if last is None:
                raise
            last = replace(last, result=replace(last.result, ending=Ending.INTERRUPTED))
        yield last
        if last.result.ending is Ending.INTERRUPTED:
            return


def _fit(classifier: "BackpropClassifier", problem: Problem, theta: Floats | None) -> PathFit:
    """Fit a network from given weights, or else from new ones."""
    state = new_state(classifier)
    state.begin(Conditions.of(problem.parameters, problem.examples, False), problem.parameters)
    whole = with_validation(classifier, problem, state, (None, None, None))
    start = new_weights(whole, state)
    if theta is not None:
        start = renewed(problem.network, theta, start)
    solver, validation = make_solver(setting_of(whole)), validation_of(classifier, whole)
    result = trained(whole, solver, start, state, validation)
    return PathFit(whole, state, result)


def renewed(network: Network, theta: Floats, fresh: Floats) -> Floats:
    """Return weights with new start weights for the hidden units that are switched off.

    A unit is, if the weights that lead to it and those that lead away are small. Its new
    weights lead to it; those that lead away are 0, so the outputs hardly change.

    Parameters
    ----------
    network : Network
        The network.
    theta : ndarray of shape (n_parameters,)
        Its weights.
    fresh : ndarray of shape (n_parameters,)
        Start weights.

    Returns
    -------
    ndarray of shape (n_parameters,)
        The weights.
    """
    Thetas = [Theta.copy() for Theta in network.unpack(theta)]
    start = network.unpack(fresh)
    for layer in range(len(Thetas) - 1):
        sizes = _sizes_of_units(*Thetas[layer : layer + 2])
        usual = _sizes_of_units(*start[layer : layer + 2]).mean()
        is_off = sizes < _SWITCHED_OFF * usual
        Thetas[layer][is_off] = start[layer][is_off]
        Thetas[layer + 1][:, 1:][:, is_off] = 0
    return network.pack(Thetas)


def _sizes_of_units(into: Floats, away: Floats) -> Floats:
    """Return the product of the norms of the weights into and away from each unit."""
    norms = np.linalg.norm(into[:, 1:], axis=1) * np.linalg.norm(away[:, 1:], axis=0)
    return np.asarray(norms)


@dataclass(frozen=True)
class Fold:
    """A fold of cross-validation for one network.

    Parameters
    ----------
    classifier : BackpropClassifier
        The classifier, with the network, and with the scorer in ``scoring``.
    problem : Problem
        The problem of all examples.
    train : ndarray of int
        The rows to train with.
    test : ndarray of int
        The rows to score.
    score_params : mapping of str to object or None
        What a scorer gets beside the rows to score; None for their sample weights.
    dtype : dtype or None, default=None
        The dtype to train in. None for that of X.
    """

    classifier: "BackpropClassifier"
    problem: Problem
    train: Rows
    test: Rows
    score_params: Mapping[str, Any] | None = None
    dtype: np.dtype[Any] | None = None

    def take(self, rows: Rows) -> Dataset:
        """Return some of the examples.

        Parameters
        ----------
        rows : ndarray of int
            The rows.

        Returns
        -------
        Dataset
            A copy of these rows.
        """
        taken = self.problem.dataset.take(rows)
        return taken if self.dtype is None else taken.astype(self.dtype)


@dataclass(frozen=True)
class Scored:
    """A fit of a path, and its score for the rows that were left out.

    Parameters
    ----------
    score : float
        The score.
    loss : float
        The loss, without the penalty.
    fit_time : float
        How long the fit took, in seconds.
    score_time : float
        How long the score took, in seconds.
    attributes : dict of str to object or None
        The fitted attributes of a classifier, if predictions were asked for.
    probabilities : ndarray of shape (n_test, n_classes) or None
        The class probabilities, if they were asked for.
    """

    score: float
    loss: float
    fit_time: float
    score_time: float
    attributes: Attributes | None = None
    probabilities: Floats | None = None


def scored_path(
    fold: Fold, alphas: Sequence[float], is_exhaustive: bool, keeps_predictions: bool
) -> list[Scored]:
    """Fit and score a path on a fold.

    The path ends early when its validation loss has turned: when it is more than 10 % above
    the lowest one, and the score is not the best either.

    Parameters
    ----------
    fold : Fold
        The fold.
    alphas : sequence of float
        Values of λ, in descending order.
    is_exhaustive : bool
        Whether each fit starts anew, and no path ends early.
    keeps_predictions : bool
        Whether the networks and the class probabilities are kept.

    Returns
    -------
    list of Scored
        The fits, at most one for each λ.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C ends a fit.
    """
    whole = fold.problem
    problem, test = replace(whole, examples=fold.take(fold.train)), fold.take(fold.test)
    path: list[Scored] = []
    begin = perf_counter()
    for fit in fits(fold.classifier, problem, alphas, whole.m, is_warm=not is_exhaustive):
        if fit.result.ending is Ending.INTERRUPTED:
            raise KeyboardInterrupt
        fitted = perf_counter()
        path.append(_scored(fold, fit, test, fitted - begin, keeps_predictions))
        if not is_exhaustive and _has_turned(path):
            break
        begin = perf_counter()
    return path


def _scored(
    fold: Fold, fit: PathFit, test: Dataset, fit_time: float, keeps_predictions: bool
) -> Scored:
    begin = perf_counter()
    theta = fit.result.theta
    problem = replace(fit.problem, validation=test)
    given = fold.score_params
    if given is not None:
        given = {name: aligned(value) for name, value in given.items()}
    validation = validation_of(fold.classifier, problem, given)
    assert validation is not None
    loss, score = validation(theta)
    score_time = perf_counter() - begin
    if not keeps_predictions:
        return Scored(score, loss, fit_time, score_time)
    attributes = fitted_attributes(fit.problem, fit.state, fit.result)
    p = _class_probabilities(problem, theta, test.astype(fold.problem.examples.dtype))
    return Scored(score, loss, fit_time, score_time, attributes, p)


def _has_turned(path: list[Scored]) -> bool:
    last = path[-1]
    lowest, best = min(each.loss for each in path), max(each.score for each in path)
    return last.loss > _TURNED * lowest and last.score < best


def _class_probabilities(problem: Problem, theta: Floats, examples: Dataset) -> Floats:
    """Return the class probabilities of a network."""
    network = problem.network
    pair = weights.split(network.unpack(theta.astype(examples.X.dtype, copy=False)))
    return outputs(network, pair, examples.X, problem.targets.probabilities(network.h))
