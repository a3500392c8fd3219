"""What watches a fit: the loss curve, progress lines, divergence, the last finished iteration.

A solver calls its monitor once an iteration with the weights and the loss, and
knows nothing of what the monitor does with them.
"""

import math
from collections.abc import Callable

import numpy as np

from skbp._typing import Floats

Watch = Callable[[Floats, float], None]
"""What a solver calls after each iteration, with theta and the loss."""


class Monitor:
    """Keeps the loss curve and the last finished iteration of a fit.

    Parameters
    ----------
    verbose : bool, default=False
        Whether to print a line an iteration.

    Attributes
    ----------
    loss_curve : list of float
        The loss of each iteration.
    theta : ndarray or None
        A copy of the weights after the last finished iteration.
    """

    def __init__(self, verbose: bool = False) -> None:
        self.verbose = verbose
        self.loss_curve: list[float] = []
        self.theta: Floats | None = None

    @property
    def n_iter(self) -> int:
        """The number of finished iterations."""
        return len(self.loss_curve)

    def __call__(self, theta: Floats, loss: float) -> None:
        """Take note of a finished iteration.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            The weights after it.
        loss : float
            Its loss.

        Raises
        ------
        ValueError
            If the loss or a weight is not finite.
        """
        if not (math.isfinite(loss) and np.isfinite(theta).all()):
            raise ValueError(
                f"Training diverged at iteration {self.n_iter + 1}: the loss is {loss}"
                f"{' and a weight is not finite' if math.isfinite(loss) else ''}. "
                "Standardise X (for example with sklearn.preprocessing.StandardScaler); with "
                "solver='gd', 'sgd' or 'adam', also try a smaller learning_rate_init."
            )
        self.loss_curve.append(float(loss))
        self.theta = theta.copy()
        if self.verbose:
            print(f"Iteration {self.n_iter}, loss = {loss:.8f}")


class Patience:
    """Counts the iterations since the loss last improved enough.

    Parameters
    ----------
    tol : float
        An iteration improves the loss if it is lower than the best by at least this;
        with 0, a loss that equals the best improves it too (as in scikit-learn).
    n_iter_no_change : int or inf
        How many iterations in a row may fail to.

    Attributes
    ----------
    first : float
        The loss of the first iteration.
    best : float
        The lowest loss so far.
    """

    def __init__(self, tol: float, n_iter_no_change: float) -> None:
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.best = math.inf
        self.first = math.nan
        self.count = 0

    def exhausted_by(self, loss: float) -> bool:
        """Take note of an iteration's loss.

        Parameters
        ----------
        loss : float
            The loss.

        Returns
        -------
        bool
            Whether exactly ``n_iter_no_change`` iterations in a row have not improved it.
        """
        if math.isnan(self.first):
            self.first = loss
        self.count = self.count + 1 if loss > self.best - self.tol else 0
        self.best = min(self.best, loss)
        return self.count >= self.n_iter_no_change

    def restart(self) -> None:
        """Count anew, from the best loss so far."""
        self.count = 0
