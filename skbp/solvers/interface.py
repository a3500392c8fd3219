"""The interface of all solvers: their arguments and their results."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from skbp._typing import Floats, Rows
from skbp.solvers.stopping import Ending, Iteration, requested_ending
from skbp.solvers.update_rules import Update

if TYPE_CHECKING:
    from skbp.solvers.progress import Progress

Callback = Callable[[Floats, float], Ending | bool | None]
"""Called after each iteration with theta and the loss; returns true or an `Ending` to stop."""


class CostFunction(Protocol):
    """A function to minimise, for the solvers of the whole training set."""

    def __call__(self, theta: Floats, /) -> tuple[float, Floats]:
        """Return the cost and its gradient.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            The weights.

        Returns
        -------
        J : float
            The cost.
        D : ndarray of shape (n_parameters,)
            Its gradient.
        """
        ...


class MiniBatchCost(CostFunction, Protocol):
    """A cost over rows, for mini-batches; `skbp.objective.Objective` is one."""

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        ...

    def sample(self, n_rows: int, random_state: np.random.RandomState) -> "MiniBatchCost":
        """Return the cost on random rows.

        Parameters
        ----------
        n_rows : int
            Their number.
        random_state : RandomState instance
            Draws the rows.

        Returns
        -------
        MiniBatchCost
            The cost.
        """
        ...

    def new_order(self, before: Rows | None, random_state: np.random.RandomState) -> Rows:
        """Draw an order of the rows for an epoch.

        Parameters
        ----------
        before : ndarray of int or None
            The order of the last epoch, which may be shuffled in place. None before the first.
        random_state : RandomState instance
            Source of randomness.

        Returns
        -------
        ndarray of int
            What `epoch` takes as ``order``.
        """
        ...

    def epoch(self, theta: Floats, batch_size: int, order: Rows | None, update: Update) -> float:
        """Update the weights after each batch of rows, once through all rows.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            The weights; changed in place.
        batch_size : int
            The number of rows of a batch.
        order : ndarray of int or None
            What `new_order` has drawn; None for the rows as they are.
        update : Update
            Maps the gradient of a batch to the step.

        Returns
        -------
        float
            The mean of the batches' J.
        """
        ...


@dataclass(frozen=True)
class Result:
    """The result of a minimisation.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
        The weights.
    cost : float
        The loss of the last iteration: J at ``theta``, or for mini-batches the mean
        of the batches' J during the last epoch.
    n_iter : int
        The number of iterations; for mini-batches an iteration is an epoch.
    n_passes : int
        How often every training example was propagated forward and back.
    ending : Ending
        How it ended; ``ending.message`` and ``ending.hint`` describe it.

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.solvers import ConjugateGradient
    >>> def objective(theta):
    ...     return np.sum((theta - 3) ** 4), 4 * (theta - 3) ** 3
    >>> solver = ConjugateGradient(max_iter=1)
    >>> result = solver.minimize(objective, np.array([0.0, 1.0]))
    >>> result.converged, result.ending.name, result.ending.hint
    (False, 'MAX_ITER', 'Increase max_iter, alpha or tol, or set early_stopping=True')
    """

    theta: Floats
    cost: float
    n_iter: int
    n_passes: int
    ending: Ending

    @property
    def converged(self) -> bool:
        """Whether the solver reached its aim."""
        return self.ending.converged


class Solver(Protocol):
    """Interface of the solvers.

    Examples
    --------
    A custom solver, with steps of a fixed length downhill:

    >>> import numpy as np
    >>> from skbp.solvers import Ending, Result
    >>> class SignDescent:
    ...     def minimize(self, objective, theta, callback=None, progress=None):
    ...         for n_iter in range(1, 101):
    ...             J, D = objective(theta)
    ...             theta = theta - 0.1 * np.sign(D)
    ...             if callback is not None and callback(theta, J):
    ...                 break
    ...         return Result(theta, J, n_iter, n_iter, Ending.MAX_ITER)
    >>> def objective(theta):
    ...     return np.sum((theta - 3) ** 2), 2 * (theta - 3)
    >>> SignDescent().minimize(objective, np.zeros(2)).theta.round()
    array([3., 3.])
    """

    def minimize(
        self,
        objective: "MiniBatchCost",
        theta: Floats,
        callback: Callback | None = None,
        progress: "Progress | None" = None,
    ) -> Result:
        """Minimise an objective.

        Parameters
        ----------
        objective : Objective
            The cost; for the solvers of the whole set, any callable that maps ``theta``
            to (J, D).
        theta : ndarray of shape (n_parameters,)
            The start; it is not changed.
        callback : callable, default=None
            Called after each iteration with ``theta``, which the next iteration may
            overwrite, and the loss. The minimisation ends if it returns true or an
            `Ending`.
        progress : Progress, default=None
            The state of an earlier minimisation, to continue it; updated in place. None
            to start anew.

        Returns
        -------
        Result
            The weights, and how the minimisation went.

        Raises
        ------
        ValueError
            If the loss or a weight becomes infinite or NaN.
        """
        ...


def ask(callback: Callback | None, iteration: Iteration) -> Ending | None:
    """Call a callback after an iteration, and return the ending that it asks for, if any.

    Parameters
    ----------
    callback : callable or None
        The callback.
    iteration : Iteration
        The finished iteration.

    Returns
    -------
    Ending or None
        The ending; None to continue.
    """
    if callback is None:
        return None
    return requested_ending(callback(iteration.theta, iteration.loss))
