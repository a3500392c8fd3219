"""Where a minimisation stands, so that it can be saved and continued."""

from dataclasses import dataclass, field

import numpy as np

from skbp._typing import Rows
from skbp.solvers.interface import Outcome
from skbp.solvers.learning_rates import Course
from skbp.solvers.update_rules import State


@dataclass
class Progress:
    """Where a minimisation stands: what its next iteration depends on, but Θ and the data.

    It can be pickled half way. A gradient descent that begins with it goes on as if
    nothing had happened, if the random state that shuffles the rows was kept as well;
    conjugate gradient and L-BFGS have only the iterations that are left.

    Parameters
    ----------
    course : Course
        What the learning rate depends on.
    averages : dict
        The state of the update rule; empty before the first step.
    order : ndarray of int or None
        The order of the rows in the last epoch; None before the first.
    n_iter : int
        The number of iterations, which ``max_iter`` limits; it starts from 0 again where
        other data follow, the course goes on.
    n_passes : int
        How often "cg" and "lbfgs" have propagated all examples, which ``max_fun`` limits.
    loss : float
        The loss of the last iteration.
    outcome : Outcome or None
        How it ended; None if it has not.

    Examples
    --------
    Ten iterations and ten more are twenty:

    >>> import numpy as np
    >>> from skbp.solvers import GradientDescent, Progress
    >>> def objective(theta):
    ...     return np.sum((theta - 3) ** 2), 2 * (theta - 3)
    >>> progress = Progress()
    >>> ten = GradientDescent(max_iter=10, progress=progress)
    >>> half_way = ten.minimize(objective, np.zeros(2))
    >>> twenty = GradientDescent(max_iter=20, progress=progress)
    >>> result = twenty.minimize(objective, half_way.theta)
    >>> result.n_iter
    20
    >>> at_once = GradientDescent(max_iter=20).minimize(objective, np.zeros(2))
    >>> np.array_equal(result.theta, at_once.theta)
    True
    """

    course: Course = field(default_factory=Course)
    averages: State = field(default_factory=dict)
    order: Rows | None = None
    n_iter: int = 0
    n_passes: int = 0
    loss: float = np.nan
    outcome: Outcome | None = None
