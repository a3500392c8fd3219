"""Gradient descent: Θ := Θ − η ∂J/∂Θ, on the whole training set or on mini-batches.

Both run the one loop in ``_Descent.minimize``, and differ in what an iteration is. Learning
rates are in `skbp.solvers.schedules`, stopping rules in `skbp.solvers.stopping`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar

import numpy as np

from skbp._typing import Floats, Rows
from skbp.solvers.interface import Callback, CostFunction, MiniBatchCost, Result, ask
from skbp.solvers.progress import Progress
from skbp.solvers.schedules import Constant, Schedule
from skbp.solvers.stopping import (
    Ending,
    GradientTolerance,
    Iteration,
    LossPlateau,
    StoppingRule,
    check_finite,
    first_ending,
)
from skbp.solvers.update_rules import Momentum, Update, UpdateRule, clipped


@dataclass(frozen=True)
class _Descent(ABC):
    """The loop that both kinds of gradient descent share."""

    _: KW_ONLY
    learning_rate: Schedule = field(default=Constant(0.1))
    stopping: tuple[StoppingRule, ...] = ()
    max_iter: float = 200
    max_grad_norm: float | None = None

    # passes over the training set before the first iteration
    _passes_before: ClassVar[int] = 0

    @abstractmethod
    def _iterate(
        self, objective: MiniBatchCost, theta: Floats, progress: Progress
    ) -> Iterator[Iteration]:
        """Yield one iteration after the other."""

    def minimize(
        self,
        objective: MiniBatchCost,
        theta: Floats,
        callback: Callback | None = None,
        progress: Progress | None = None,
    ) -> Result:
        """Minimise an objective, as `Solver.minimize` says."""
        progress = Progress() if progress is None else progress
        theta, ending = theta.copy(), progress.ending
        # a plain function has no number of rows
        n_rows = getattr(objective, "n_rows", 1)
        iterations = self._iterate(objective, theta, progress)
        while ending is None and progress.n_iter < self.max_iter:
            iteration = next(iterations)
            theta, loss, _ = iteration
            check_finite(theta, loss, progress.n_iter + 1)
            progress.finish_iteration(loss, n_rows)
            progress.ending = first_ending(self.stopping, iteration, progress)
            ending = ask(callback, iteration) or progress.ending
        n_passes = progress.n_iter + self._passes_before
        return Result(theta, progress.loss, progress.n_iter, n_passes, ending or Ending.MAX_ITER)


@dataclass(frozen=True)
class GradientDescent(_Descent):
    """Gradient descent on the whole training set (the lecture's Algorithm 2).

    Parameters
    ----------
    learning_rate : Schedule, default=Constant(0.1)
        η over the iterations.
    stopping : tuple of StoppingRule, default=(GradientTolerance(1e-4),)
        The rules that end it.
    max_iter : int, default=200
        The largest number of iterations.
    max_grad_norm : float, default=None
        The norm to which a longer gradient is shortened; None to leave it.

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.solvers import GradientDescent
    >>> def objective(theta):
    ...     return np.sum((theta - 3) ** 2), 2 * (theta - 3)
    >>> result = GradientDescent().minimize(objective, np.zeros(2))
    >>> result.theta.round(3), result.ending.name
    (array([3., 3.]), 'GRADIENT_TOLERANCE')
    """

    stopping: tuple[StoppingRule, ...] = field(default=(GradientTolerance(),), kw_only=True)
    _passes_before = 1

    def _iterate(
        self, objective: CostFunction, theta: Floats, progress: Progress
    ) -> Iterator[Iteration]:
        _, D = objective(theta)
        while True:
            eta = self.learning_rate.eta(progress)
            theta = theta - eta * clipped(D, self.max_grad_norm)
            J, D = objective(theta)
            yield Iteration(theta, J, D)


@dataclass(frozen=True)
class MiniBatchDescent(_Descent):
    """Gradient descent with an update after each batch of rows.

    With a batch size of 1 and no momentum this is the lecture's first algorithm,
    which updates after every example.

    Parameters
    ----------
    rule : UpdateRule, default=Momentum()
        The step made from a gradient.
    learning_rate : Schedule, default=Constant(0.1)
        η over the epochs.
    stopping : tuple of StoppingRule, default=(LossPlateau(),)
        The rules that end it.
    batch_size : int, default=200
        The number of rows of a batch.
    shuffle : bool, default=True
        Whether to shuffle the rows before each epoch, with ``progress.random_state``.
    max_iter : int, default=200
        The largest number of epochs.
    max_grad_norm : float, default=None
        The norm to which a longer gradient is shortened; None to leave it.

    Examples
    --------
    The lecture's first algorithm, with a learning rate that falls:

    >>> import numpy as np
    >>> from skbp.network import Network
    >>> from skbp.objective import Objective
    >>> from skbp.solvers import LBFGS, Cosine, MiniBatchDescent, Momentum, Progress
    >>> X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> Y = np.array([[0.0], [0.0], [1.0], [1.0]])
    >>> objective = Objective(Network(layer_sizes=(1, 1)), X, Y)
    >>> solver = MiniBatchDescent(
    ...     rule=Momentum(0),
    ...     batch_size=1,
    ...     learning_rate=Cosine(0.5, n_epochs=50),
    ...     max_iter=50,
    ... )
    >>> progress = Progress(random_state=np.random.RandomState(0))
    >>> result = solver.minimize(objective, np.zeros(2), progress=progress)
    >>> best = LBFGS().minimize(objective, np.zeros(2))
    >>> np.allclose(result.theta, best.theta, atol=0.05)
    True
    """

    rule: UpdateRule = field(default=Momentum())
    stopping: tuple[StoppingRule, ...] = field(default=(LossPlateau(),), kw_only=True)
    batch_size: int = 200
    shuffle: bool = True

    def _iterate(
        self, objective: MiniBatchCost, theta: Floats, progress: Progress
    ) -> Iterator[Iteration]:
        progress.averages = progress.averages or self.rule.init(theta)
        while True:
            eta = self.learning_rate.eta(progress)
            update = Update(self.rule, progress.averages, eta, self.max_grad_norm)
            order = self._order(progress, objective.n_rows)
            yield Iteration(theta, objective.epoch(theta, self.batch_size, order, update))

    def _order(self, progress: Progress, n_rows: int) -> Rows | None:
        """Return a new random order of the rows; None stands for the rows as they are."""
        if not self.shuffle:
            return None
        if progress.order is None:
            progress.order = np.arange(n_rows)
        progress.generator().shuffle(progress.order)
        return progress.order
