"""The history of a fit: its loss curves, and the last and the best weights."""

import math
from copy import copy
from dataclasses import dataclass, field, replace

from skbp._typing import Floats
from skbp.solvers.stopping import Plateau


@dataclass(frozen=True)
class Snapshot:
    """The state of a history after an iteration. It is immutable.

    Parameters
    ----------
    n_iter : int
        The number of finished iterations.
    best_loss : float
        The lowest training loss.
    theta : ndarray or None
        The weights after the last iteration.
    best_iter : int or None
        The index of the best validation score, the first one if several are equal.
    best_score : float
        That score.
    best_theta : ndarray or None
        The weights after that iteration.
    plateau : Plateau
        The plateau of the negative validation score.
    """

    n_iter: int = 0
    best_loss: float = math.inf
    theta: Floats | None = None
    best_iter: int | None = None
    best_score: float = -math.inf
    best_theta: Floats | None = None
    plateau: Plateau = field(default_factory=Plateau)


class History:
    """The finished iterations of a fit.

    Ctrl-C can come at any moment. So an iteration is added by one assignment, that of
    ``last``; values that the lists hold beyond ``last.n_iter`` do not count.

    Parameters
    ----------
    losses : list of float, default=None
        The training loss of each earlier iteration.
    best_loss : float, default=inf
        The lowest of them.
    """

    def __init__(self, losses: list[float] | None = None, best_loss: float = math.inf) -> None:
        self._losses: list[float] = [] if losses is None else list(losses)
        self._validation_losses: list[float] = []
        self._validation_scores: list[float] = []
        self.last = Snapshot(len(self._losses), best_loss)

    @property
    def loss_curve(self) -> list[float]:
        """The training loss of each iteration; a copy."""
        return self._losses[: self.last.n_iter]

    @property
    def validation_loss_curve(self) -> list[float]:
        """The loss on the validation set after each iteration; empty without one."""
        return self._validation_losses[: self.last.n_iter]

    @property
    def validation_scores(self) -> list[float]:
        """The score on the validation set after each iteration; empty without one."""
        return self._validation_scores[: self.last.n_iter]

    @property
    def loss(self) -> float:
        """The training loss of the last iteration."""
        return self._losses[self.last.n_iter - 1]

    @property
    def best(self) -> tuple[Floats, float] | None:
        """The weights of the best validation score and their training loss, if there is one."""
        if self.last.best_iter is None or self.last.best_theta is None:
            return None
        return self.last.best_theta, self._losses[self.last.best_iter]

    def without_weights(self) -> "History":
        """Return the history without the weights, which only a fit that is resumed needs.

        Returns
        -------
        History
            It has the same curves.
        """
        history = copy(self)
        history.last = replace(self.last, theta=None, best_theta=None)
        return history

    def add(
        self, theta: Floats, loss: float, validation: tuple[float, float] | None, tol: float
    ) -> None:
        """Add a finished iteration.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            The weights; not to be changed any more.
        loss : float
            The training loss.
        validation : tuple of (float, float) or None
            The loss and the score on the validation set.
        tol : float
            By how much a score must improve to end a plateau.
        """
        before = self.last
        n = before.n_iter
        best = before.best_iter, before.best_score, before.best_theta
        plateau = before.plateau
        self._losses[n:] = [float(loss)]
        if validation is not None:
            validation_loss, score = validation
            self._validation_losses[n:] = [validation_loss]
            self._validation_scores[n:] = [score]
            plateau = plateau.update(-score, tol)
            if before.best_iter is None or score > before.best_score:
                best = n, score, theta
        self.last = Snapshot(n + 1, min(before.best_loss, float(loss)), theta, *best, plateau)
