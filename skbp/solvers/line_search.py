"""The solvers that search along lines: SciPy's conjugate gradient and L-BFGS.

They evaluate the objective of the whole training set as often as their line search
needs; an iteration is one line search. SciPy computes with float64 vectors; the
objective computes in the dtype of its X.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from skbp._typing import Floats
from skbp.solvers.interface import Callback, CostFunction, Result, ask
from skbp.solvers.progress import Progress
from skbp.solvers.stopping import (
    Ending,
    GradientTolerance,
    Iteration,
    StoppingRule,
    check_finite,
    first_ending,
)


@dataclass(frozen=True, kw_only=True)
class ConjugateGradient:
    """Nonlinear conjugate gradient (Polak and Ribière), SciPy's.

    It is `scipy.optimize.minimize` with ``method="CG"``.

    Parameters
    ----------
    max_iter : int, default=200
        The largest number of iterations.
    stopping : tuple of StoppingRule, default=(GradientTolerance(1e-4),)
        The rules that end it.

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.network import Network
    >>> from skbp.objective import Objective
    >>> from skbp.solvers import ConjugateGradient
    >>> X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> Y = np.array([[0.0], [0.0], [1.0], [1.0]])
    >>> objective = Objective(Network(layer_sizes=(1, 1)), X, Y)
    >>> result = ConjugateGradient().minimize(objective, np.zeros(2))
    >>> result.ending.name
    'GRADIENT_TOLERANCE'
    >>> J, D = objective(result.theta)
    >>> bool(abs(D).max() <= 1e-4)
    True
    """

    max_iter: int = 200
    stopping: tuple[StoppingRule, ...] = (GradientTolerance(),)

    def minimize(
        self,
        objective: CostFunction,
        theta: Floats,
        callback: Callback | None = None,
        progress: Progress | None = None,
    ) -> Result:
        """Minimise an objective, as `Solver.minimize` says."""
        progress = Progress() if progress is None else progress
        if _is_over(progress, self.max_iter):
            return _unchanged(theta, progress)
        # next to the minimum SciPy takes a step that is within its tolerance
        tol = max((r.tol for r in self.stopping if isinstance(r, GradientTolerance)), default=0)
        options = {"maxiter": self.max_iter - progress.n_iter, "gtol": tol}
        run = _ScipyRun(objective, self.stopping, callback, progress)
        return run.minimize("CG", theta, options, {0: Ending.GRADIENT_TOLERANCE})


@dataclass(frozen=True, kw_only=True)
class LBFGS:
    """Limited-memory BFGS, SciPy's.

    It is `scipy.optimize.minimize` with ``method="L-BFGS-B"``.

    Parameters
    ----------
    max_iter : int, default=200
        The largest number of iterations.
    stopping : tuple of StoppingRule, default=(GradientTolerance(1e-4),)
        The rules that end it.
    least_decrease : float, default=2e-9
        It ends too when an iteration lowers the loss J by less than this times max(1, J);
        in float32 by less than 1e-6 times, which is the rounding error.
    max_fun : int, default=15000
        The largest number of evaluations of the objective.

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.network import Network
    >>> from skbp.objective import Objective
    >>> from skbp.solvers import LBFGS
    >>> X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> Y = np.array([[0.0], [0.0], [1.0], [1.0]])
    >>> objective = Objective(Network(layer_sizes=(1, 1)), X, Y)
    >>> result = LBFGS().minimize(objective, np.zeros(2))
    >>> result.converged, result.n_iter > 1
    (True, True)

    A callback can end the minimisation:

    >>> def is_low_enough(theta, loss):
    ...     return loss < 0.6
    >>> LBFGS().minimize(objective, np.zeros(2), callback=is_low_enough).n_iter
    1
    """

    max_iter: int = 200
    stopping: tuple[StoppingRule, ...] = (GradientTolerance(),)
    least_decrease: float = 2e-9
    max_fun: int = 15000

    def minimize(
        self,
        objective: CostFunction,
        theta: Floats,
        callback: Callback | None = None,
        progress: Progress | None = None,
    ) -> Result:
        """Minimise an objective, as `Solver.minimize` says."""
        progress = Progress() if progress is None else progress
        if _is_over(progress, self.max_iter):
            return _unchanged(theta, progress)
        options = {
            "maxiter": self.max_iter - progress.n_iter,
            "maxfun": self.max_fun - progress.n_passes,
            "gtol": 0,
            "ftol": self.least_decrease if theta.dtype == float else 1e-6,
        }
        run = _ScipyRun(objective, self.stopping, callback, progress)
        return run.minimize("L-BFGS-B", theta, options, {0: Ending.LOSS_TOLERANCE})


def _is_over(progress: Progress, max_iter: int) -> bool:
    return progress.ending is not None or progress.n_iter >= max_iter


def _unchanged(theta: Floats, progress: Progress) -> Result:
    """Return the result of an earlier minimisation that has ended."""
    ending = progress.ending or Ending.MAX_ITER
    return Result(theta.copy(), progress.loss, progress.n_iter, progress.n_passes, ending)


@dataclass
class _ScipyRun:
    """One run of a SciPy optimiser, with iterations counted and the callback called."""

    objective: CostFunction
    stopping: tuple[StoppingRule, ...]
    callback: Callback | None
    progress: Progress
    requested: Ending | None = None
    evaluated: Iteration | None = None

    def minimize(
        self, method: str, theta: Floats, options: dict[str, Any], endings: Mapping[int, Ending]
    ) -> Result:
        """Run the optimiser; ``endings`` has those of SciPy's status that are its own."""
        start, progress = theta.astype(float), self.progress
        J, D = self._evaluate(start)
        if ending := self._tolerance(Iteration(start, J, D)):
            return Result(theta.copy(), J, progress.n_iter, progress.n_passes, ending)
        found = minimize(
            self._evaluate,
            start,
            jac=True,
            method=method,
            callback=self._after_iteration,
            options=options,
        )
        x, J = found.x.astype(theta.dtype), float(found.fun)
        if not math.isfinite(J):
            check_finite(x, J, progress.n_iter + 1)
        ending = self.requested or self._ending(found, options, endings)
        return Result(x, J, progress.n_iter, progress.n_passes, ending)

    def _evaluate(self, theta: Floats) -> tuple[float, Floats]:
        last = self.evaluated
        if last is not None and last.gradient is not None and np.array_equal(last.theta, theta):
            return last.loss, last.gradient  # the start
        self.progress.n_passes += 1
        J, D = self.objective(theta)
        self.evaluated = Iteration(theta, J, D)
        return J, D

    def _tolerance(self, iteration: Iteration) -> Ending | None:
        """Return an ending if the gradient is within tolerance."""
        rules = [rule for rule in self.stopping if isinstance(rule, GradientTolerance)]
        return first_ending(rules, iteration, self.progress)

    # SciPy looks at the argument's name to decide what to pass
    def _after_iteration(self, intermediate_result: OptimizeResult) -> None:
        iteration = self._iteration(intermediate_result.x, float(intermediate_result.fun))
        check_finite(iteration.theta, iteration.loss, self.progress.n_iter + 1)
        self.progress.finish_iteration(iteration.loss)
        ending = first_ending(self.stopping, iteration, self.progress)
        try:
            self.requested = ask(self.callback, iteration) or ending
        except StopIteration as error:  # to SciPy it would be a request to stop
            raise RuntimeError("A callback raised StopIteration.") from error
        if self.requested is not None:
            raise StopIteration

    def _iteration(self, theta: Floats, loss: float) -> Iteration:
        """Return an iteration, with its gradient if it is the point evaluated last."""
        last = self.evaluated
        is_last = last is not None and np.array_equal(last.theta, theta)
        return last if last is not None and is_last else Iteration(theta, loss)

    def _ending(
        self, found: OptimizeResult, options: Mapping[str, Any], endings: Mapping[int, Ending]
    ) -> Ending:
        if ending := self._tolerance(Iteration(found.x, found.fun, found.jac)):
            return ending
        if found.status == 1:
            is_last = found.nit >= options["maxiter"]
            return Ending.MAX_ITER if is_last else Ending.MAX_FUN
        return endings.get(found.status, Ending.LINE_SEARCH_FAILED)
