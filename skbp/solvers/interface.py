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
    """

    theta: Floats
    cost: float
    n_iter: int
    n_passes: int
    converged: bool
    reason: str
    remedy: str = ""


class Solver(Protocol):
    """What a solver must be able to do."""

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
            a `Monitor`, which stops a diverging minimisation.

        Returns
        -------
        Result
            The weights, and how the minimisation went.

        Raises
        ------
        ValueError
            If the loss or a weight becomes infinite or NaN (from the `Monitor`).
        """
        ...
