"""Gradient descent: Θ := Θ − η ∂J/∂Θ, on the whole set or on one batch after the other.

Both run the one loop in ``_Descent.minimize``; they differ in what an iteration is
and in how they see that they have converged. On the whole set the gradient is
exact, and must vanish. On batches it is noisy, and the loss must have stopped
falling.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from skbp._typing import Floats, Rows
from skbp.monitor import Monitor, Patience, Watch
from skbp.solvers.interface import Outcome, Result
from skbp.solvers.learning_rates import Constant, LearningRate
from skbp.solvers.update_rules import Momentum, State, UpdateRule

Iteration = tuple[Floats, float, Outcome | None]
"""The weights and the loss after an iteration, and the outcome if it was the last."""


@dataclass
class _Descent(ABC):
    """The loop that both kinds of gradient descent share."""

    _: KW_ONLY
    max_iter: int = 200
    tol: float = 1e-4

    # passes over the training set before the first iteration
    _passes_before: ClassVar[int] = 0

    @abstractmethod
    def _iterate(self, objective: Any, theta: Floats) -> Iterator[Iteration]:
        """Yield one iteration after the other."""

    def minimize(self, objective: Any, theta: Floats, watch: Watch | None = None) -> Result:
        """Minimise an objective, as `Solver.minimize` says."""
        watch = Monitor() if watch is None else watch
        exhausted = Outcome(
            False,
            f"max_iter={self.max_iter} was reached",
            "increase max_iter, change learning_rate_init, or standardise X",
        )
        iterations = islice(self._iterate(objective, theta.copy()), self.max_iter)
        for n_iter, (theta, loss, outcome) in enumerate(iterations, start=1):
            watch(theta, loss)
            n_passes = n_iter + self._passes_before
            result = Result(theta, loss, n_iter, n_passes, *(outcome or exhausted))
            if outcome is not None:
                break
        return result


@dataclass
class GradientDescent(_Descent):
    """Gradient descent on the whole training set (the lecture's Algorithm 2).

    Parameters
    ----------
    learning_rate : float, default=0.1
        η.
    max_iter : int, default=200
        The largest number of iterations.
    tol : float, default=1e-4
        It has converged when no entry of the gradient is larger than this.
    """

    learning_rate: float = 0.1

    _passes_before = 1

    def _iterate(self, objective: Any, theta: Floats) -> Iterator[Iteration]:
        flat = Outcome(True, "no entry of the gradient is larger than tol")
        _, D = objective(theta)
        while True:
            theta = theta - self.learning_rate * D
            J, D = objective(theta)
            yield theta, J, flat if np.abs(D).max() <= self.tol else None


@dataclass
class MiniBatchDescent(_Descent):
    """Gradient descent with an update after each batch of rows.

    With a batch size of 1 and no momentum this is the lecture's first algorithm,
    which updates after every example.

    Parameters
    ----------
    rule : Momentum or Adam, default=Momentum()
        How a gradient becomes a step.
    learning_rate : Constant, InverseScaling or Adaptive, default=Constant(0.1)
        η over the epochs.
    batch_size : int, default=200
        The number of rows of a batch.
    random_state : RandomState instance or None, default=None
        What shuffles the rows before each epoch; None to keep their order.
    max_iter : int, default=200
        The largest number of epochs.
    tol : float, default=1e-4
        It has converged when the loss has not improved by at least this for
        ``n_iter_no_change`` epochs, and the learning rate is not lowered further (and
        where one batch holds all rows, the loss is not above its best by more).
    n_iter_no_change : int or inf, default=10
        See ``tol``.
    """

    rule: UpdateRule = field(default_factory=Momentum)
    learning_rate: LearningRate = field(default_factory=lambda: Constant(0.1))
    batch_size: int = 200
    random_state: np.random.RandomState | None = None
    n_iter_no_change: float = 10

    def _iterate(self, objective: Any, theta: Floats) -> Iterator[Iteration]:
        n_rows = objective.n_rows
        order = np.arange(n_rows)
        state = self.rule.init(theta)
        patience = Patience(self.tol, self.n_iter_no_change)
        self.learning_rate.restart()
        n_seen = 0
        while True:
            loss = self._epoch(objective, theta, state, self._shuffled(order))
            n_seen += n_rows
            self.learning_rate.after_epoch(n_seen)
            yield theta, loss, self._outcome(patience, loss, exact=self.batch_size >= n_rows)

    def _shuffled(self, order: Rows) -> Rows | None:
        """Shuffle the order in place; None stands for the rows as they are."""
        if self.random_state is None:
            return None
        self.random_state.shuffle(order)
        return order

    def _epoch(self, objective: Any, theta: Floats, state: State, order: Rows | None) -> float:
        """Update the weights in place, batch by batch; return the mean of the batches' J."""
        loss = 0.0
        for batch in objective.batches(self.batch_size, order):
            J, D = batch(theta)
            theta += self.rule.update(D, state, self.learning_rate.eta)
            loss += J * batch.n_rows
        return loss / objective.n_rows

    def _outcome(self, patience: Patience, loss: float, exact: bool) -> Outcome | None:
        """Judge an epoch; where the loss has stopped falling, lower the learning rate first.

        The loss is exact if one batch holds all rows; else it has the noise of the batches.
        An exact loss that is above its best swings with the momentum, and may fall yet.
        """
        if not patience.exhausted_by(loss):
            return None
        patience.restart()
        if self.learning_rate.lowered():
            return None
        if loss > patience.first:
            return Outcome(
                False,
                "the loss is higher than after the first epoch",
                "lower learning_rate_init, or standardise X",
            )
        if exact and loss > patience.best + self.tol:
            return None
        return Outcome(True, "the loss improved by less than tol for n_iter_no_change epochs")
