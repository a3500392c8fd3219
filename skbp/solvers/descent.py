"""Gradient descent: Θ := Θ − η ∂J/∂Θ, on the whole training set or on mini-batches.

All run the one loop in ``_Descent.minimize``, and differ in what an iteration is. Learning
rates are in `skbp.solvers.schedules` and `skbp.solvers.trial`, stopping rules in
`skbp.solvers.stopping`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field

import numpy as np

from skbp._typing import Floats
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
from skbp.solvers.trial import RateTrial
from skbp.solvers.update_rules import Momentum, Update, UpdateRule, clipped

_SUFFICIENT = 1e-4
_TINY = 1e-30


@dataclass(frozen=True)
class _Descent(ABC):
    """The loop that both kinds of gradient descent share."""

    _: KW_ONLY
    stopping: tuple[StoppingRule, ...] = ()
    max_iter: float = 200
    max_grad_norm: float | None = None

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
        ending, n_passes = ending or Ending.MAX_ITER, self._count_passes(progress)
        return Result(theta, progress.loss, progress.n_iter, n_passes, ending)

    def _count_passes(self, progress: Progress) -> int:
        """Return how often all rows were propagated."""
        return progress.n_iter


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

    _: KW_ONLY
    learning_rate: Schedule = field(default=Constant(0.1))
    stopping: tuple[StoppingRule, ...] = field(default=(GradientTolerance(),))

    def _count_passes(self, progress: Progress) -> int:
        return progress.n_iter + 1

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
class BarzilaiBorwein(_Descent):
    """Gradient descent on the whole training set that finds its learning rate.

    Each step is Θ := Θ − η D, as in the lecture's Algorithm 2. η is sᵀs / sᵀy, where s is the
    last step and y the change of the gradient by it, so that 1/η is the curvature along s. It is
    halved until J is lower than the highest of the last ten by 10⁻⁴ η DᵀD (Raydan's line search).
    No step is longer than a tenth of Θ (or than 0.1, where Θ is shorter than 1), because a longer
    one saturates units.

    Parameters
    ----------
    stopping : tuple of StoppingRule, default=(GradientTolerance(1e-4),)
        The rules that end it.
    max_iter : int, default=200
        The largest number of iterations.
    max_grad_norm : float, default=None
        The norm to which a longer gradient is shortened; None to leave it.

    References
    ----------
    Barzilai and Borwein, "Two-point step size gradient methods", IMA Journal of Numerical
    Analysis 8, 1988.

    Raydan, "The Barzilai and Borwein gradient method for the large scale unconstrained
    minimization problem", SIAM Journal on Optimization 7, 1997.

    Examples
    --------
    Where the curvature is the same in all directions, the second step leads to the minimum:

    >>> import numpy as np
    >>> from skbp.solvers import BarzilaiBorwein
    >>> def objective(theta):
    ...     return np.sum((theta - 3) ** 2), 2 * (theta - 3)
    >>> result = BarzilaiBorwein().minimize(objective, np.array([2.9, 3.1]))
    >>> result.theta.round(3), result.n_iter
    (array([3., 3.]), 2)
    """

    _: KW_ONLY
    stopping: tuple[StoppingRule, ...] = field(default=(GradientTolerance(),))

    def _count_passes(self, progress: Progress) -> int:
        return progress.n_passes

    def _iterate(
        self, objective: CostFunction, theta: Floats, progress: Progress
    ) -> Iterator[Iteration]:
        J, D = objective(theta)
        if progress.rate is None:
            progress.n_passes += 1  # a fit that is resumed has counted it
            progress.rate = 1 / max(float(np.linalg.norm(D)), _TINY)
        recent = progress.averages.get("J", (J,))
        while True:
            step = -clipped(D, self.max_grad_norm)
            eta = min(progress.rate, _longest_rate(theta, step))
            while True:
                J_new, D_new = objective(theta + eta * step)
                progress.n_passes += 1
                if J_new <= max(recent) + _SUFFICIENT * eta * float(step @ D) or eta < _TINY:
                    break
                eta /= 2
            progress.rate = _next_rate(eta, eta * step, D_new - D)
            recent = (*recent[-9:], J_new)
            progress.averages = {"J": recent}
            theta, D = theta + eta * step, D_new
            yield Iteration(theta, J_new, D)


def _longest_rate(theta: Floats, step: Floats) -> float:
    """Return the rate at which a step is a tenth as long as Θ: a longer one saturates units."""
    return 0.1 * max(float(np.linalg.norm(theta)), 1) / max(float(np.linalg.norm(step)), _TINY)


def _next_rate(eta: float, s: Floats, y: Floats) -> float:
    """Return sᵀs / sᵀy; where the curvature is not positive, twice the last rate."""
    curvature = float(s @ y)
    return float(s @ s) / curvature if curvature > 0 else 2 * eta


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
    trial : RateTrial, default=None
        Finds the rate that the schedule starts with, before the first epoch. None for the
        schedule's own.
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
    _: KW_ONLY
    learning_rate: Schedule = field(default=Constant(0.1))
    trial: RateTrial | None = None
    stopping: tuple[StoppingRule, ...] = field(default=(LossPlateau(),))
    batch_size: int = 200
    shuffle: bool = True

    def _iterate(
        self, objective: MiniBatchCost, theta: Floats, progress: Progress
    ) -> Iterator[Iteration]:
        progress.averages = progress.averages or self.rule.init(theta)
        if self.trial is not None and progress.rate is None:
            generator = progress.generator()
            progress.rate = self.trial.best(objective, theta, self.rule, self.batch_size, generator)
        while True:
            eta = self.learning_rate.eta(progress)
            update = Update(self.rule, progress.averages, eta, self.max_grad_norm)
            if self.shuffle:
                progress.order = objective.new_order(progress.order, progress.generator())
            order = progress.order if self.shuffle else None
            yield Iteration(theta, objective.epoch(theta, self.batch_size, order, update))
