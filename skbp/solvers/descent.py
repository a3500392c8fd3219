"""Gradient descent: Θ := Θ − η ∂J/∂Θ, on the whole set or on one batch after the other.

Both run the one loop in ``_Descent.minimize``; they differ in what an iteration is
and in how they see that they have converged. On the whole set the gradient is
exact, and must vanish. On batches it is noisy, and the loss must have stopped
falling.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from skbp._typing import Floats, Rows
from skbp.monitor import Monitor
from skbp.plateau import Plateau
from skbp.solvers.interface import STOPPED, Outcome, Result, Watch
from skbp.solvers.learning_rates import Constant, LearningRate
from skbp.solvers.progress import Progress
from skbp.solvers.update_rules import Momentum, UpdateRule

Iteration = tuple[Floats, float]
"""The weights and the loss after an iteration."""

_RUN_ITS_COURSE = Outcome(True, "the learning rate has run its course")
_HIGHER_THAN_FIRST = Outcome(
    False,
    "the loss is higher than after the first epoch",
    "lower learning_rate_init, or standardise X",
)


@dataclass
class _Descent(ABC):
    """The loop that both kinds of gradient descent share."""

    _: KW_ONLY
    learning_rate: LearningRate = field(default_factory=lambda: Constant(0.1))
    max_iter: int = 200
    tol: float = 1e-4
    max_grad_norm: float | None = None
    progress: Progress | None = None

    # passes over the training set before the first iteration
    _passes_before: ClassVar[int] = 0

    @abstractmethod
    def _iterate(self, objective: Any, theta: Floats, progress: Progress) -> Iterator[Iteration]:
        """Yield one iteration after the other, with the progress brought up to date."""

    def minimize(self, objective: Any, theta: Floats, watch: Watch | None = None) -> Result:
        """Minimise an objective, as `Solver.minimize` says."""
        watch = Monitor() if watch is None else watch
        progress = Progress() if self.progress is None else self.progress
        outcome = progress.outcome
        n_left = max(self.max_iter - progress.n_iter, 0) if outcome is None else 0
        iterations = self._iterate(objective, theta.copy(), progress)
        for theta, loss in islice(iterations, n_left):
            progress.n_iter, progress.loss = progress.n_iter + 1, loss
            outcome = STOPPED if watch(theta, loss) else progress.outcome
            if outcome is not None:
                break
        outcome = outcome or Outcome(
            False,
            f"max_iter={self.max_iter} was reached",
            "increase max_iter, change learning_rate_init, or standardise X",
        )
        n_passes = progress.n_iter + self._passes_before
        return Result(theta, progress.loss, progress.n_iter, n_passes, *outcome)

    def _clipped(self, D: Floats) -> Floats:
        """Shorten a gradient whose norm is larger than ``max_grad_norm`` to that norm."""
        if self.max_grad_norm is None:
            return D
        norm = float(np.linalg.norm(D))
        if math.isinf(norm):  # its squares overflow
            D = D / np.abs(D).max()
            return D * (self.max_grad_norm / float(np.linalg.norm(D)))
        return D if norm <= self.max_grad_norm else D * (self.max_grad_norm / norm)


@dataclass
class GradientDescent(_Descent):
    """Gradient descent on the whole training set (the lecture's Algorithm 2).

    Parameters
    ----------
    learning_rate : LearningRate, default=Constant(0.1)
        η over the iterations.
    max_iter : int, default=200
        The largest number of iterations.
    tol : float, default=1e-4
        It has converged when no entry of the gradient is larger than this.
    max_grad_norm : float, default=None
        The norm to which a longer gradient is shortened; None to leave it.
    progress : Progress, default=None
        Where an earlier descent stands, to go on from there; brought up to date in
        place. None to begin anew.

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.solvers import GradientDescent
    >>> def objective(theta):
    ...     return np.sum((theta - 3) ** 2), 2 * (theta - 3)
    >>> result = GradientDescent().minimize(objective, np.zeros(2))
    >>> result.theta.round(3), result.reason
    (array([3., 3.]), 'no entry of the gradient is larger than tol')
    """

    learning_rate: LearningRate = field(
        default_factory=lambda: Constant(0.1, n_iter_no_change=math.inf), kw_only=True
    )
    _passes_before = 1

    def _iterate(self, objective: Any, theta: Floats, progress: Progress) -> Iterator[Iteration]:
        _, D = objective(theta)
        # a plain function tells of no rows
        n_rows = getattr(objective, "n_rows", 1)
        while True:
            theta = theta - self.learning_rate.eta(progress.course) * self._clipped(D)
            J, D = objective(theta)
            ended = self.learning_rate.after_epoch(progress.course, J, n_rows)
            if np.abs(D).max() <= self.tol:
                progress.outcome = Outcome(True, "no entry of the gradient is larger than tol")
            elif ended:
                higher = progress.course.plateau.first < J
                progress.outcome = _HIGHER_THAN_FIRST if higher else _RUN_ITS_COURSE
            yield theta, J


@dataclass
class MiniBatchDescent(_Descent):
    """Gradient descent with an update after each batch of rows.

    With a batch size of 1 and no momentum this is the lecture's first algorithm,
    which updates after every example.

    Parameters
    ----------
    rule : Momentum or Adam, default=Momentum()
        How a gradient becomes a step.
    learning_rate : LearningRate, default=Constant(0.1)
        η over the epochs; it has converged when this says that there is nothing more
        to gain (and where one batch holds all rows, the loss is not above its best by
        more than ``tol``).
    batch_size : int, default=200
        The number of rows of a batch.
    random_state : RandomState instance or None, default=None
        What shuffles the rows before each epoch; None to keep their order.
    random_objective : bool, default=False
        Whether the objective itself is random, as it is with dropout.
    max_iter : int, default=200
        The largest number of epochs.
    tol : float, default=1e-4
        See ``learning_rate``.
    max_grad_norm : float, default=None
        The norm to which a longer gradient is shortened; None to leave it.
    progress : Progress, default=None
        Where an earlier descent stands, to go on from there; brought up to date in
        place. None to begin anew.

    Examples
    --------
    The lecture's first algorithm, with a learning rate that falls:

    >>> import numpy as np
    >>> from skbp.network import Network
    >>> from skbp.objective import Objective
    >>> from skbp.solvers import LBFGS, Cosine, MiniBatchDescent, Momentum
    >>> X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> Y = np.array([[0.0], [0.0], [1.0], [1.0]])
    >>> objective = Objective(Network(layer_sizes=(1, 1)), X, Y)
    >>> solver = MiniBatchDescent(
    ...     rule=Momentum(0),
    ...     batch_size=1,
    ...     learning_rate=Cosine(0.5, n_epochs=50),
    ...     random_state=np.random.RandomState(0),
    ... )
    >>> result = solver.minimize(objective, np.zeros(2))
    >>> best = LBFGS().minimize(objective, np.zeros(2))
    >>> np.allclose(result.theta, best.theta, atol=0.05)
    True
    """

    rule: UpdateRule = field(default_factory=Momentum)
    batch_size: int = 200
    random_state: np.random.RandomState | None = None
    random_objective: bool = False

    def _iterate(self, objective: Any, theta: Floats, progress: Progress) -> Iterator[Iteration]:
        n_rows, course = objective.n_rows, progress.course
        progress.averages = progress.averages or self.rule.init(theta)
        while True:
            loss = self._epoch(objective, theta, progress)
            if self.learning_rate.after_epoch(course, loss, n_rows):
                exact = self.batch_size >= n_rows and not self.random_objective
                progress.outcome = self._outcome(course.plateau, loss, exact)
            yield theta, loss

    def _epoch(self, objective: Any, theta: Floats, progress: Progress) -> float:
        """Update the weights in place, batch by batch; return the mean of the batches' J."""
        eta, loss = self.learning_rate.eta(progress.course), 0.0
        for batch in objective.batches(self.batch_size, self._order(progress, objective.n_rows)):
            J, D = batch(theta)
            if batch.has_weight:
                theta += self.rule.update(self._clipped(D), progress.averages, eta)
            loss += J * batch.n_rows
        return loss / objective.n_rows

    def _order(self, progress: Progress, n_rows: int) -> Rows | None:
        """Return a new random order of the rows; None stands for the rows as they are."""
        if self.random_state is None:
            return None
        if progress.order is None:
            progress.order = np.arange(n_rows)
        self.random_state.shuffle(progress.order)
        return progress.order

    def _outcome(self, plateau: Plateau, loss: float, exact: bool) -> Outcome | None:
        """Judge a descent from which there is nothing more to gain.

        The loss is exact if one batch holds all rows; else it has the batches' noise.
        An exact loss that is above its best swings with the momentum, and may fall yet.
        """
        if loss > plateau.first:
            return _HIGHER_THAN_FIRST
        if self.learning_rate.is_planned:
            return _RUN_ITS_COURSE
        if exact and loss > plateau.best + self.tol:
            plateau.length = 0
            return None
        return Outcome(True, "the loss improved by less than tol for n_iter_no_change epochs")
