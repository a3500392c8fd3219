"""What watches a fit: loss curves, validation, early stopping, the best weights, divergence.

A solver calls its monitor once an iteration with the weights and the loss, and is
told whether to stop. It knows nothing of what the monitor does with them.
"""

import math
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from skbp._typing import Floats
from skbp.plateau import Plateau


@dataclass
class History:
    """What a monitor has seen. It can be pickled, and handed to a monitor that goes on.

    Parameters
    ----------
    loss_curve : list of float
        The training loss of each iteration.
    best_loss : float
        The lowest of them.
    theta : ndarray or None
        The weights after the last finished iteration.
    validation_losses : list of float
        The loss on the validation set after each iteration; empty without one.
    validation_scores : list of float
        The score on the validation set after each iteration; empty without one.
    best_iter : int or None
        The index of the best validation score, the first one if several are equal.
    best_theta : ndarray or None
        The weights after that iteration.
    plateau : Plateau
        Since when the negative score has not improved.
    """

    loss_curve: list[float] = field(default_factory=list)
    best_loss: float = math.inf
    theta: Floats | None = None
    validation_losses: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    best_iter: int | None = None
    best_theta: Floats | None = None
    plateau: Plateau = field(default_factory=Plateau)
    _unsettled: tuple[Any, ...] | None = field(default=None, init=False, repr=False)

    @property
    def n_iter(self) -> int:
        """The number of finished iterations."""
        return len(self.loss_curve)

    def add(
        self, theta: Floats, loss: float, validation: tuple[float, float] | None, tol: float
    ) -> None:
        """Take note of a finished iteration.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            The weights; copied.
        loss : float
            The training loss.
        validation : tuple of (float, float) or None
            The loss and the score on the validation set.
        tol : float
            By how much a score must improve.
        """
        plateau = copy(self.plateau)
        if validation is not None:
            plateau.extend(-validation[1], tol)
        self._unsettled = (self.n_iter, theta.copy(), float(loss), validation, plateau)
        self.settle()

    def settle(self) -> None:
        """Finish taking note of an iteration, where Ctrl-C may have come in between.

        So it may be done twice, and the second time changes nothing.
        """
        if self._unsettled is None:
            return
        n, theta, loss, validation, plateau = self._unsettled
        self.loss_curve[n:] = [loss]
        self.best_loss = min(self.best_loss, loss)
        if validation is not None:
            self.validation_losses[n:], self.validation_scores[n:] = (
                [validation[0]],
                [validation[1]],
            )
            best = self.best_iter
            if best in (None, n) or validation[1] > self.validation_scores[best]:
                self.best_iter, self.best_theta = n, theta
        self.theta, self.plateau = theta, plateau
        self._unsettled = None


class Monitor:
    """Watches a fit, and decides when it has seen enough.

    Parameters
    ----------
    verbose : bool, default=False
        Whether to print a line an iteration.
    validate : callable, default=None
        Maps the weights to a loss and a score on the validation set. None if there is
        no such set.
    n_iter_no_change : int or inf, default=inf
        The fit stops when the score has not improved for so many iterations in a row.
    tol : float, default=1e-4
        By how much it must improve.
    after_iteration : callable, default=None
        Called at the end of each iteration with a copy of the weights; true to stop.
    history : History, default=None
        What was seen before. None for a new one.
    """

    def __init__(
        self,
        verbose: bool = False,
        validate: Callable[[Floats], tuple[float, float]] | None = None,
        n_iter_no_change: float = math.inf,
        tol: float = 1e-4,
        after_iteration: Callable[[Floats], bool] | None = None,
        history: History | None = None,
    ) -> None:
        self.verbose = verbose
        self.validate = validate
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.after_iteration = after_iteration
        self.history = History() if history is None else history

    @property
    def has_seen_enough(self) -> bool:
        """Whether exactly ``n_iter_no_change`` iterations, or more, have not improved the score."""
        return self.history.plateau.length >= self.n_iter_no_change

    def __call__(self, theta: Floats, loss: float) -> bool:
        """Take note of a finished iteration.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            The weights after it.
        loss : float
            Its loss.

        Returns
        -------
        bool
            Whether to stop.

        Raises
        ------
        ValueError
            If the loss or a weight is not finite.
        """
        history = self.history
        if not (math.isfinite(loss) and np.isfinite(theta).all()):
            raise ValueError(
                f"Training diverged at iteration {history.n_iter + 1}: the loss is {loss}"
                f"{' and a weight is not finite' if math.isfinite(loss) else ''}. "
                "Standardise X (for example with sklearn.preprocessing.StandardScaler); with "
                "solver='gd', 'sgd' or 'adam', also try a smaller learning_rate_init, or "
                "max_grad_norm."
            )
        validation = None if self.validate is None else self.validate(theta)
        history.add(theta, loss, validation, self.tol)
        if self.verbose:
            score = "" if validation is None else f", validation score = {validation[1]:.8f}"
            print(f"Iteration {history.n_iter}, loss = {loss:.8f}{score}")
        told_to_stop = self.after_iteration is not None and self.after_iteration(
            cast(Floats, history.theta)
        )
        return told_to_stop or self.has_seen_enough
