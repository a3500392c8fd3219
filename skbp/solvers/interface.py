"""What all solvers have in common: what they are called with, and what they return."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from skbp._typing import Floats

Watch = Callable[[Floats, float], bool | None]
"""What a solver calls after each iteration, with theta and the loss; true to stop it."""


class Outcome(NamedTuple):
    """How a minimisation ended: the last three fields of a `Result`."""

    converged: bool
    reason: str
    remedy: str = ""


STOPPED = Outcome(True, "what watches it stopped it")
"""The outcome where the watch returned true."""


@dataclass(frozen=True)
class Result:
    """The result of a minimisation.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
        The weights.
    cost : float
        The loss of the last iteration: J at ``theta``, or for mini-batches the mean
        of the batches' J while the last epoch passed.
    n_iter : int
        The number of iterations; for mini-batches an iteration is an epoch.
    n_passes : int
        How often every training example was propagated forward and back.
    converged : bool
        Whether the solver's own criterion was met.
    reason : str
        Why it stopped, as a clause: "no entry of the gradient is larger than tol".
    remedy : str, default=""
        What to change if it has not converged, as an imperative clause.

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.solvers import ConjugateGradient
    >>> def objective(theta):
    ...     return np.sum((theta - 3) ** 4), 4 * (theta - 3) ** 3
    >>> solver = ConjugateGradient(max_iter=1)
    >>> result = solver.minimize(objective, np.array([0.0, 1.0]))
    >>> result.converged, result.reason, result.remedy
    (False, 'max_iter=1 was reached', 'increase max_iter, or standardise X')
    """

    theta: Floats
    cost: float
    n_iter: int
    n_passes: int
    converged: bool
    reason: str
    remedy: str = ""


class Solver(Protocol):
    """What a solver must be able to do.

    Examples
    --------
    A solver of your own, which takes steps of a fixed length downhill:

    >>> import numpy as np
    >>> from skbp.solvers import Result
    >>> class SignDescent:
    ...     def minimize(self, objective, theta, watch=None):
    ...         for n_iter in range(1, 101):
    ...             J, D = objective(theta)
    ...             theta = theta - 0.1 * np.sign(D)
    ...             if watch is not None and watch(theta, J):
    ...                 break
    ...         return Result(theta, J, n_iter, n_iter, True, "it is done")
    >>> def objective(theta):
    ...     return np.sum((theta - 3) ** 2), 2 * (theta - 3)
    >>> SignDescent().minimize(objective, np.zeros(2)).theta.round()
    array([3., 3.])
    """

    def minimize(self, objective: Any, theta: Floats, watch: Watch | None = None) -> Result:
        """Minimise an objective.

        Parameters
        ----------
        objective : Objective
            The cost; for the solvers of the whole set, any callable that maps ``theta``
            to (J, D).
        theta : ndarray of shape (n_parameters,)
            Where to start; it is not changed.
        watch : callable, default=None
            Called after each iteration with ``theta``, which the next iteration may
            overwrite, and the loss; the minimisation ends if it returns true. None for
            one that raises an error if it diverges.

        Returns
        -------
        Result
            The weights, and how the minimisation went.

        Raises
        ------
        ValueError
            If the loss or a weight becomes infinite or NaN, where ``watch`` is None.
        """
        ...
