"""A learning rate by trial: a few steps with each of some rates, and the best one is kept."""

import math
from dataclasses import dataclass

import numpy as np

from skbp._typing import Floats
from skbp.solvers.interface import MiniBatchCost
from skbp.solvers.update_rules import Update, UpdateRule


@dataclass(frozen=True)
class RateTrial:
    """Search for the learning rate of a mini-batch solver.

    Each rate makes the same few steps from the start weights, over the same random rows. The
    one that reaches the lowest J on these rows is near the largest that does not diverge, and
    too large for a whole training: the next lower one is taken.

    Parameters
    ----------
    rates : tuple of float
        The rates to try, in ascending order.
    n_steps : int, default=30
        The least number of steps with each.

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.network import Network
    >>> from skbp.objective import Objective
    >>> from skbp.solvers import Momentum, RateTrial
    >>> X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> Y = np.array([[0.0], [0.0], [1.0], [1.0]])
    >>> objective = Objective(Network(layer_sizes=(1, 1)), X, Y, alpha=0.1)
    >>> trial = RateTrial((0.01, 0.1, 100.0))
    >>> trial.best(objective, np.zeros(2), Momentum(), 2, np.random.RandomState(0))
    0.01
    """

    rates: tuple[float, ...]
    n_steps: int = 30

    def best(
        self,
        objective: MiniBatchCost,
        theta: Floats,
        rule: UpdateRule,
        batch_size: int,
        random_state: np.random.RandomState,
    ) -> float:
        """Return the best rate.

        Parameters
        ----------
        objective : Objective
            The cost.
        theta : ndarray of shape (n_parameters,)
            The start weights; not changed.
        rule : UpdateRule
            The step made from a gradient.
        batch_size : int
            The number of rows of a batch.
        random_state : RandomState instance
            Draws the rows, where a batch does not hold all.

        Returns
        -------
        float
            The rate.
        """
        if batch_size < objective.n_rows:
            objective = objective.sample(self.n_steps * batch_size, random_state)
        with np.errstate(over="ignore", invalid="ignore"):  # a rate may be too large
            costs = [self._cost(objective, theta, rule, batch_size, rate) for rate in self.rates]
        return self.rates[max(int(np.argmin(costs)) - 1, 0)]

    def _cost(
        self,
        objective: MiniBatchCost,
        theta: Floats,
        rule: UpdateRule,
        batch_size: int,
        rate: float,
    ) -> float:
        """Return J after the steps with one rate."""
        theta = theta.copy()
        update = Update(rule, rule.init(theta), rate)
        steps_of_epoch = -(-objective.n_rows // batch_size)
        for _ in range(-(-self.n_steps // steps_of_epoch)):
            objective.epoch(theta, batch_size, None, update)
        J, _ = objective(theta)
        return J if math.isfinite(J) else math.inf
