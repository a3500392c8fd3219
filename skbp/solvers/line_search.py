"""The solvers that search along lines: SciPy's conjugate gradient and L-BFGS.

They evaluate the objective of the whole training set as often as their line search
needs; an iteration is one line search. SciPy computes with float64 vectors; the
objective computes in the dtype of its X.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from skbp._typing import Floats
from skbp.monitor import Monitor
from skbp.solvers.interface import STOPPED, Outcome, Result, Watch
from skbp.solvers.progress import Progress

_STUCK = Outcome(
    False,
    "the line search found no lower loss, as if the gradient were too imprecise",
    "standardise X, increase alpha or tol, or compute in float64",
)

# a status that SciPy's methods have not
_STOPPED_STATUS = -1


@dataclass(frozen=True, kw_only=True)
class ConjugateGradient:
    """Nonlinear conjugate gradient (Polak and Ribière), SciPy's.

    It is `scipy.optimize.minimize` with ``method="CG"``.

    Parameters
    ----------
    max_iter : int, default=200
        The largest number of iterations.
    tol : float, default=1e-4
        It has converged when no entry of the gradient is larger than this.
    progress : Progress, default=None
        Where an earlier minimisation stands, whose iterations count; brought up to date
        in place. None to begin anew.

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
    >>> result.reason
    'no entry of the gradient is larger than tol'
    >>> J, D = objective(result.theta)
    >>> bool(abs(D).max() <= 1e-4)
    True
    """

    max_iter: int = 200
    tol: float = 1e-4
    progress: Progress | None = None

    def minimize(self, objective: Any, theta: Floats, watch: Watch | None = None) -> Result:
        """Minimise an objective, as `Solver.minimize` says."""
        progress = Progress() if self.progress is None else self.progress
        if _is_done(progress, self.max_iter):
            return _unchanged(theta, progress, self.max_iter)
        options = {"maxiter": self.max_iter - progress.n_iter, "gtol": self.tol}
        found = _minimize(objective, theta, watch, progress, "CG", options)
        outcomes = {
            0: Outcome(True, "no entry of the gradient is larger than tol"),
            1: _exhausted("max_iter", self.max_iter),
            _STOPPED_STATUS: STOPPED,
        }
        return _result(found, theta, progress, outcomes.get(found.status, _STUCK))


@dataclass(frozen=True, kw_only=True)
class LBFGS:
    """Limited-memory BFGS, SciPy's.

    It is `scipy.optimize.minimize` with ``method="L-BFGS-B"``.

    Parameters
    ----------
    max_iter : int, default=200
        The largest number of iterations.
    tol : float, default=1e-4
        It has converged when no entry of the gradient is larger than this, or when
        an iteration lowered the loss J by less than 2e-9 max(1, J) (in float32, 1e-6).
    max_fun : int, default=15000
        The largest number of evaluations of the objective.
    progress : Progress, default=None
        Where an earlier minimisation stands, whose iterations count; brought up to date
        in place. None to begin anew.

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

    A callable that watches can end the minimisation:

    >>> def is_low_enough(theta, loss):
    ...     return loss < 0.6
    >>> LBFGS().minimize(objective, np.zeros(2), watch=is_low_enough).n_iter
    1
    """

    max_iter: int = 200
    tol: float = 1e-4
    max_fun: int = 15000
    progress: Progress | None = None

    def minimize(self, objective: Any, theta: Floats, watch: Watch | None = None) -> Result:
        """Minimise an objective, as `Solver.minimize` says."""
        progress = Progress() if self.progress is None else self.progress
        if _is_done(progress, self.max_iter):
            return _unchanged(theta, progress, self.max_iter)
        options = {
            "maxiter": self.max_iter - progress.n_iter,
            "maxfun": self.max_fun - progress.n_passes,
            "gtol": self.tol,
            # SciPy's own default for float64; in float32 that is below the rounding error
            "ftol": 1e7 * np.finfo(float).eps if theta.dtype == float else 1e-6,
        }
        found = _minimize(objective, theta, watch, progress, "L-BFGS-B", options)
        limit = "max_iter" if progress.n_iter >= self.max_iter else "max_fun"
        outcomes = {
            0: Outcome(True, "the gradient or the last decrease of the loss is within tolerance"),
            1: _exhausted(limit, getattr(self, limit)),
            _STOPPED_STATUS: STOPPED,
        }
        return _result(found, theta, progress, outcomes.get(found.status, _STUCK))


def _is_done(progress: Progress, max_iter: int) -> bool:
    return progress.outcome is not None or progress.n_iter >= max_iter


def _unchanged(theta: Floats, progress: Progress, max_iter: int) -> Result:
    """Return the result of an earlier minimisation that had come to its end."""
    outcome = progress.outcome or _exhausted("max_iter", max_iter)
    return Result(theta.copy(), progress.loss, progress.n_iter, progress.n_passes, *outcome)


def _minimize(
    objective: Any,
    theta: Floats,
    watch: Watch | None,
    progress: Progress,
    method: str,
    options: dict[str, Any],
) -> OptimizeResult:
    """Run SciPy's optimiser, telling the watch of every iteration."""
    watch = Monitor() if watch is None else watch
    stopped = False

    def counted(theta: Floats) -> tuple[float, Floats]:
        progress.n_passes += 1
        return objective(theta)

    # SciPy looks at this name to decide what to pass
    def callback(intermediate_result: OptimizeResult) -> None:
        nonlocal stopped
        loss = float(intermediate_result.fun)
        progress.n_iter, progress.loss = progress.n_iter + 1, loss
        try:
            stopped = bool(watch(intermediate_result.x, loss))
        except StopIteration as error:  # to SciPy it would be a wish to stop
            raise RuntimeError("What watches the minimisation raised StopIteration.") from error
        if stopped:
            raise StopIteration

    found = minimize(
        counted, theta.astype(float), jac=True, method=method, callback=callback, options=options
    )
    if stopped:
        found.status = _STOPPED_STATUS
    elif np.abs(found.jac).max() <= options["gtol"]:
        found.status = 0  # also where this was the last iteration that was allowed
    if not math.isfinite(found.fun):
        watch(found.x, found.fun)
    return found


def _exhausted(parameter: str, limit: int) -> Outcome:
    return Outcome(
        False, f"{parameter}={limit} was reached", f"increase {parameter}, or standardise X"
    )


def _result(found: OptimizeResult, theta: Floats, progress: Progress, outcome: Outcome) -> Result:
    """Translate SciPy's result; the weights get the dtype of the start vector."""
    x, J = found.x.astype(theta.dtype), float(found.fun)
    return Result(x, J, progress.n_iter, progress.n_passes, *outcome)
