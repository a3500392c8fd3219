"""When a value that should fall has stopped falling.

Mini-batch descent judges so whether the training loss has converged, the adaptive
learning rate when to be lowered, and early stopping when the network learns nothing
more that holds on the validation set.
"""

import math
from dataclasses import dataclass


@dataclass
class Plateau:
    """Counts the iterations since a value last improved enough.

    Parameters
    ----------
    first : float
        The value of the first iteration; NaN before it.
    best : float
        The lowest value so far.
    length : int
        The number of iterations in a row that have not improved it.
    """

    first: float = math.nan
    best: float = math.inf
    length: int = 0

    def extend(self, value: float, tol: float) -> int:
        """Take note of an iteration's value.

        Parameters
        ----------
        value : float
            The value.
        tol : float
            It improves if it is lower than the best by at least this; with 0, a value
            that equals the best improves it too (as in scikit-learn).

        Returns
        -------
        int
            The length of the plateau.
        """
        if math.isnan(self.first):
            self.first = value
        self.length = self.length + 1 if value > self.best - tol else 0
        self.best = min(self.best, value)
        return self.length
