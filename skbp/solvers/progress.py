"""The state of a minimisation, so that it can be saved and resumed."""

from dataclasses import dataclass, field

import numpy as np

from skbp._typing import Rows
from skbp.solvers.stopping import Ending, Plateau
from skbp.solvers.update_rules import State


@dataclass
class Progress:
    """Everything that the next iteration depends on, except Θ and the data.

    It can be pickled. A gradient descent that starts from it continues as if nothing had
    happened; conjugate gradient and L-BFGS only count the iterations that are left.

    Parameters
    ----------
    n_iter : int
        The number of finished iterations.
    n_examples : int
        The number of examples in the finished epochs.
    n_passes : int
        How often "cg" and "lbfgs" have propagated all examples, which ``max_fun`` limits.
    rate : float or None
        The learning rate that the solver has found, by trial or for the next step; None if it
        does not look for one.
    n_lowered : int
        How often the adaptive learning rate was lowered.
    first_loss : float
        The loss of the first iteration; NaN before it.
    loss : float
        The loss of the last iteration; NaN before the first.
    recent_losses : tuple of float
        The losses of the last iterations, three at most.
    plateau : Plateau
        The plateau of the training loss.
    averages : dict
        The state of the update rule; empty before the first step.
    random_state : RandomState instance or None
        Source of randomness; None for a new one where it is needed.
    order : ndarray of int or None
        The order of the rows in the last epoch; None before the first.
    ending : Ending or None
        How the rules of a gradient descent ended it; None if they have not.

    Examples
    --------
    Ten iterations and ten more are twenty:

    >>> import numpy as np
    >>> from skbp.solvers import GradientDescent, Progress
    >>> def objective(theta):
    ...     return np.sum((theta - 3) ** 2), 2 * (theta - 3)
    >>> progress = Progress()
    >>> ten, twenty = GradientDescent(max_iter=10), GradientDescent(max_iter=20)
    >>> half_way = ten.minimize(objective, np.zeros(2), progress=progress)
    >>> result = twenty.minimize(objective, half_way.theta, progress=progress)
    >>> result.n_iter
    20
    >>> at_once = twenty.minimize(objective, np.zeros(2))
    >>> np.array_equal(result.theta, at_once.theta)
    True
    """

    n_iter: int = 0
    n_examples: int = 0
    n_passes: int = 0
    rate: float | None = None
    n_lowered: int = 0
    first_loss: float = np.nan
    loss: float = np.nan
    recent_losses: tuple[float, ...] = ()
    plateau: Plateau = field(default_factory=Plateau)
    averages: State = field(default_factory=dict)
    random_state: np.random.RandomState | None = None
    order: Rows | None = None
    ending: Ending | None = None

    def generator(self) -> np.random.RandomState:
        """Return the random state, a new one if there is none.

        Returns
        -------
        RandomState instance
            The source of randomness.
        """
        if self.random_state is None:
            self.random_state = np.random.RandomState()
        return self.random_state

    def finish_iteration(self, loss: float, n_rows: int = 0) -> None:
        """Count an iteration.

        Parameters
        ----------
        loss : float
            Its loss.
        n_rows : int, default=0
            The number of examples in it.
        """
        if np.isnan(self.first_loss):
            self.first_loss = loss
        self.loss = loss
        self.recent_losses = (*self.recent_losses[-2:], loss)
        self.n_examples += n_rows
        self.n_iter += 1
