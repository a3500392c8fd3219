"""Warnings after a fit: what happened, the likely cause, and what to try.

A model that is no better than a constant one, or that never predicts a class, is never silent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning

from skbp._typing import Floats, Matrix
from skbp.estimator.assembly import Problem
from skbp.estimator.data import Dataset
from skbp.estimator.solver_factory import warning_of_batch_size
from skbp.estimator.training import FitResult
from skbp.losses import get_loss, is_squared_error
from skbp.objective import constant_cost
from skbp.solvers import Ending
from skbp.solvers.stopping import is_clearly_below

_ROWS_LOOKED_AT = 1000
_LARGE = 100
_MUCH_LARGER = 1000
_NOT_STANDARDISED = 10
_STRONG_PENALTY = 0.05
_LIGHT = 0.1
_MANY_LAYERS = 3

_NEVER_IMPROVED = (
    "The validation score is best after the first iteration. If X_val comes from outside a "
    "Pipeline, it has not passed the steps before the classifier: set "
    "transform_input=['X_val'] in the Pipeline, or scale X_val as X. Otherwise lower "
    "learning_rate_init, or raise alpha."
)

Message = tuple[type[Warning], str]
"""The category and the text of a warning."""


def warnings_of_part(problem: Problem, result: FitResult, is_first: bool) -> Iterator[Message]:
    """Yield the warnings that a part of a stream calls for.

    Parameters
    ----------
    problem : Problem
        The problem.
    result : FitResult
        The result.
    is_first : bool
        Whether it is the first part. Each later part may be smaller than a batch.

    Yields
    ------
    category : type of Warning
        The category.
    message : str
        What happened, and what to try.
    """
    if is_first:
        yield from _warnings_of_parameters(problem)
    yield from _warning_of_interruption(problem, result)


def warnings_of_fit(problem: Problem, result: FitResult) -> Iterator[Message]:
    """Yield the warnings that the result of a fit calls for.

    Parameters
    ----------
    problem : Problem
        The problem.
    result : FitResult
        The result.

    Yields
    ------
    category : type of Warning
        The category.
    message : str
        What happened, and what to try.
    """
    yield from _warnings_of_parameters(problem)
    yield from _warning_of_interruption(problem, result)
    if message := Diagnosis(problem, result).message:
        yield ConvergenceWarning, message


def warnings_of_choice(problem: Problem, result: FitResult) -> Iterator[Message]:
    """Yield the warnings that the model chosen by cross-validation calls for.

    ``max_iter`` may end its training, as it did in the folds by which it was chosen.

    Parameters
    ----------
    problem : Problem
        The problem.
    result : FitResult
        The result.

    Yields
    ------
    category : type of Warning
        The category.
    message : str
        What happened, and what to try.
    """
    yield from _warnings_of_parameters(problem)
    yield from _warning_of_interruption(problem, result)
    if fault := Diagnosis(problem, result).fault:
        yield ConvergenceWarning, fault


def _warnings_of_parameters(problem: Problem) -> Iterator[Message]:
    parameters = problem.parameters
    examples = problem.examples
    if warning := warning_of_batch_size(parameters, examples.n_rows, examples.largest_batch):
        yield UserWarning, warning
    if problem.ignored:
        yield (
            UserWarning,
            f"solver={parameters['solver']!r} ignores {', '.join(problem.ignored)}. "
            "Leave them at their defaults, or choose a solver that uses them.",
        )


def _warning_of_interruption(problem: Problem, result: FitResult) -> Iterator[Message]:
    if result.ending is not Ending.INTERRUPTED:
        return
    best, n_iter = result.state.history.last.best_iter, result.state.history.last.n_iter
    kept = best + 1 if problem.stops_early and best is not None else n_iter
    yield UserWarning, f"Training was interrupted; the model is that of iteration {kept}."


@dataclass(frozen=True)
class Diagnosis:
    """The problems of a fitted model, with their likely causes.

    Parameters
    ----------
    problem : Problem
        The problem.
    result : FitResult
        The result of the training.
    """

    problem: Problem
    result: FitResult

    @property
    def message(self) -> str:
        """The text of the warning; empty where all is well."""
        if self.result.ending is Ending.INTERRUPTED:
            return ""
        return self.fault or self._unfinished

    @cached_property
    def fault(self) -> str:
        """The fault of the model or of the data, in words; empty if there is none."""
        if not self.has_learned:
            found = (
                f"The model is hardly better than a constant one: its loss is "
                f"{self.loss:.4g} without the penalty, that of a constant model "
                f"{self.constant_loss:.4g}."
            )
            return f"{found} {self._ending} {self._advice}"
        if missing := self.missing_classes:
            found = f"The model never predicts {missing} of its training set."
            return f"{found} {self._ending} {self._advice}"
        if self.has_diverged:
            return (
                f"{self._ending} The loss rose above that of the first iteration. Lower "
                "learning_rate_init, or set max_grad_norm."
            )
        if self.never_improved:
            return f"{self._ending} {_NEVER_IMPROVED}"
        if column := self.largest_column:
            return f"{column} Standardise X, for example with StandardScaler in a Pipeline."
        return ""

    @property
    def _unfinished(self) -> str:
        """Why training ended before it converged; empty if it has."""
        ending = self.result.ending
        if ending.converged:
            return ""
        standardise = "" if self.is_standardised else ", or standardise X"
        return f"{self._ending} {ending.hint}{standardise}."

    @cached_property
    def _sample(self) -> Dataset:
        """About a thousand rows of the training set that have a weight."""
        return self.problem.examples.sample(_ROWS_LOOKED_AT)

    @cached_property
    def _z(self) -> Floats:
        """The output layer's z for the sample, by the weights that were kept."""
        theta = self.result.theta.astype(self._sample.Y.dtype, copy=False)
        return self.problem.network.decision(theta, self._sample.X)

    @cached_property
    def loss(self) -> float:
        """The mean loss of the sample: without the penalty, and not that of a whole epoch."""
        network, sample = self.problem.network, self._sample
        loss = get_loss(network.h.name, self.problem.parameters["loss"])
        losses = loss.per_row(self._z, network.h.g(self._z), sample.Y)
        return float(np.average(losses, weights=sample.weight))

    @cached_property
    def constant_loss(self) -> float:
        """The loss of the best constant model of the sample."""
        sample, loss = self._sample, self.problem.parameters["loss"]
        return constant_cost(self.problem.network, sample.Y, loss, sample.weight)

    @property
    def has_learned(self) -> bool:
        """Whether the loss is clearly below that of a constant model."""
        return is_clearly_below(self.loss, self.constant_loss)

    @property
    def has_diverged(self) -> bool:
        """Whether early stopping kept a model of a training whose loss then rose."""
        progress = self.result.state.progress
        return self.problem.stops_early and progress.loss > progress.first_loss

    @property
    def never_improved(self) -> bool:
        """Whether the validation score fell from the first iteration on."""
        history = self.result.state.history
        return self.result.ending is Ending.SCORE_PLATEAU and history.last.best_iter == 0

    @cached_property
    def missing_classes(self) -> str:
        """The frequent classes that are never predicted, in words; empty if there is none."""
        return self.problem.targets.missing(self._z, self._sample.Y, self._sample.weight)

    @cached_property
    def _scales(self) -> Floats:
        """The root mean square of each column of X that is not 0."""
        X = self._sample.X
        return _root_mean_squares(X if issparse(X) else np.asarray(X))

    @property
    def is_standardised(self) -> bool:
        """Whether the columns of X have scales near 1."""
        scales = self._scales
        return not scales.size or bool(
            scales.max() < _NOT_STANDARDISED * max(1.0, float(np.median(scales)))
        )

    @property
    def largest_column(self) -> str:
        """A sentence on a column that drowns the others; empty if there is none."""
        scales = self._scales
        if not scales.size or scales.max() < _LARGE:
            return ""
        ratio = float(scales.max() / scales.min())
        if ratio < _MUCH_LARGER:
            return ""
        return f"A column of X has values {ratio:.2g} times as large as those of another one."

    @property
    def _ending(self) -> str:
        """A sentence on how training ended."""
        parameters = self.problem.parameters
        return f"{parameters['solver']} {self.result.ending.describe(parameters)}."

    @property
    def _advice(self) -> str:
        """The likely causes, and what to try."""
        hint = [] if self.result.ending.converged else [f"{self.result.ending.hint}."]
        causes = [*self._causes(), *hint]
        return " ".join(causes) or "Try another random_state. The features may not predict y."

    def _causes(self) -> Iterator[str]:
        problem, parameters = self.problem, self.problem.parameters
        m, n_rows = problem.examples.m, problem.examples.n_rows
        if m < _LIGHT * n_rows:
            yield (
                f"The sample weights sum to {m:.3g} for {n_rows} rows, so that alpha weighs "
                f"heavily: multiply them by {n_rows / m:.3g}, or lower alpha as much."
            )
        elif problem.alpha / problem.m > _STRONG_PENALTY:
            yield f"alpha={problem.alpha:.3g} is large beside {n_rows} rows: lower it."
        if column := self.largest_column:
            yield f"{column} Standardise X."
        elif not self.is_standardised:
            yield "The columns of X have different scales: standardise X."
        hidden = problem.network.g
        if sum(activation.bounded for activation in hidden) >= _MANY_LAYERS:
            name = hidden[0].name
            yield f"Gradients fade in {len(hidden)} {name} layers: use 'relu' or fewer layers."
        if all(activation.name == "identity" for activation in hidden):
            yield "The network is linear: add a hidden layer with another activation."
        if is_squared_error(parameters["loss"]):
            yield "Squared error has plateaus where units saturate: try loss='log_loss'."
        yield from self._causes_in_rate()

    def _causes_in_rate(self) -> Iterator[str]:
        rate = self.problem.parameters["learning_rate_init"]
        if rate == "auto" or self.problem.parameters["solver"] in ("lbfgs", "cg"):
            return
        progress = self.result.state.progress
        is_small = progress.loss <= progress.first_loss
        yield (
            f"learning_rate_init={rate:g} may be too {'small' if is_small else 'large'}: "
            "try 'auto'."
        )


def _root_mean_squares(X: Matrix) -> Floats:
    largest = float(abs(X).max())
    if largest == 0:
        return np.empty(0)
    X = X / largest  # so that no square overflows
    squares = X.multiply(X) if issparse(X) else X * X
    scales: Floats = largest * np.sqrt(np.asarray(squares.mean(axis=0), dtype=float)).ravel()
    return scales[scales > 0]
