"""What a solver returns."""

from dataclasses import dataclass
from typing import NamedTuple

from skbp._typing import Floats


class Outcome(NamedTuple):
    """How a minimisation ended: the last three fields of a `Result`."""

    converged: bool
    reason: str
    remedy: str = ""


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
        Why it stopped, as a clause: "the gradient fell below tol".
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
