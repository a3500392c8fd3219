"""When to stop: how a minimisation can end, and the rules that decide it.

A rule looks at each finished iteration and returns an `Ending`, or None to continue. Rules
are immutable and can be combined: a solver asks all of them, and the first one in their
order that returns an ending decides. What they count is kept in a `Progress`, so that a
minimisation can be saved and resumed.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from statistics import median_high
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from skbp._typing import Floats

if TYPE_CHECKING:
    from skbp.solvers.progress import Progress
    from skbp.solvers.schedules import Adaptive

_LOWEST_RATE = 1e-6
_SMALL_GRADIENT = 1e-4
_CLEARLY_BELOW = 0.99
_CONSTANT_PATIENCE = 20


class Ending(Enum):
    """Ways in which a minimisation ends.

    Each member has ``converged``, whether the aim was reached; ``message``, a clause about
    the solver with the names of parameters in braces; and ``hint``, what to try if it has
    not converged.

    Examples
    --------
    >>> from skbp.solvers import Ending
    >>> Ending.MAX_ITER.converged
    False
    >>> Ending.MAX_ITER.describe({"max_iter": 200})
    'stopped after max_iter=200 iterations without converging'
    """

    UNTRAINED = True, "was not run"
    RUNNING = True, "is running"
    GRADIENT_TOLERANCE = True, "converged: the gradient is within tol={tol:g}"
    LOSS_TOLERANCE = True, "converged: the last decrease of the loss is negligible"
    LOSS_PLATEAU = (
        True,
        "converged: n_iter_no_change={n_iter_no_change} iterations have not lowered the loss by "
        "tol={tol:g} of what training has gained",
    )
    SCORE_PLATEAU = (
        True,
        "stopped early: the validation score has not improved by tol={tol:g} for "
        "n_iter_no_change={n_iter_no_change} iterations",
    )
    SCHEDULE_COMPLETED = True, "completed the learning rate schedule"
    LOWEST_RATE = True, "converged: the loss has stopped improving at the lowest learning rate"
    ONE_PASS = True, "made one pass over the rows of partial_fit"
    CALLBACK = True, "was stopped by a callback"
    INTERRUPTED = True, "was interrupted"
    MAX_ITER = (
        False,
        "stopped after max_iter={max_iter} iterations without converging",
        "Increase max_iter, alpha or tol, or set early_stopping=True",
    )
    MAX_FUN = (
        False,
        "stopped after max_fun={max_fun} evaluations of the loss without converging",
        "Increase max_fun, alpha or tol, or set early_stopping=True",
    )
    NOTHING_LEARNED = (
        False,
        "stopped on a plateau where the loss is that of a constant model",
        "Change the start weights (another random_state) or the learning rate",
    )
    LOSS_INCREASED = (
        False,
        "ended with a higher loss than after the first iteration",
        "Lower learning_rate_init",
    )
    LINE_SEARCH_FAILED = (
        False,
        "stopped because its line search found no lower loss, which happens where the gradient "
        "is imprecise",
        "Increase alpha or tol, or pass X as float64",
    )

    converged: bool
    message: str
    hint: str

    def __init__(self, converged: bool, message: str, hint: str = "") -> None:
        self.converged = converged
        self.message = message
        self.hint = hint

    def describe(self, parameters: Mapping[str, Any]) -> str:
        """Return the message with the values of the parameters.

        Parameters
        ----------
        parameters : mapping of str to object
            The solver's parameters by the names that the message has in braces.

        Returns
        -------
        str
            The message.
        """
        return self.message.format_map(parameters)


class Iteration(NamedTuple):
    """A finished iteration: the weights, their loss and, where it is known, their gradient."""

    theta: Floats
    loss: float
    gradient: Floats | None = None


@dataclass(frozen=True)
class Plateau:
    """Number of iterations since a value last improved enough; it improves by falling.

    Small steps add up: each value is compared with the one of the last improvement.

    Parameters
    ----------
    best : float
        The value of the last improvement.
    length : int
        The number of iterations since then.

    Examples
    --------
    >>> from skbp.solvers import Plateau
    >>> plateau = Plateau()
    >>> for loss in (0.7, 0.5, 0.46, 0.43, 0.39):
    ...     plateau = plateau.update(loss, tol=0.1)
    >>> plateau
    Plateau(best=0.39, length=0)
    """

    best: float = math.inf
    length: int = 0

    def update(self, value: float, tol: float) -> "Plateau":
        """Return the plateau after one more iteration.

        Parameters
        ----------
        value : float
            The value after the iteration.
        tol : float
            It improves if it is lower than the best by at least this; with 0, a value
            that equals the best improves it too (as in scikit-learn).

        Returns
        -------
        Plateau
            The new plateau.
        """
        is_better = value <= self.best - tol
        return Plateau(value, 0) if is_better else Plateau(self.best, self.length + 1)


class StoppingRule(Protocol):
    """Interface of the rules.

    Examples
    --------
    A custom rule that stops as soon as the loss is low enough:

    >>> import numpy as np
    >>> from skbp.solvers import Ending, GradientDescent
    >>> def low_enough(iteration, progress):
    ...     return Ending.LOSS_TOLERANCE if iteration.loss < 0.1 else None
    >>> def objective(theta):
    ...     return np.sum((theta - 3) ** 2), 2 * (theta - 3)
    >>> solver = GradientDescent(stopping=(low_enough,))
    >>> solver.minimize(objective, np.zeros(2)).n_iter
    12
    """

    def __call__(self, iteration: Iteration, progress: "Progress") -> Ending | None:
        """Return how the minimisation ends after an iteration, or None to continue.

        Parameters
        ----------
        iteration : Iteration
            The finished iteration.
        progress : Progress
            The state of the minimisation, which a rule may update.

        Returns
        -------
        Ending or None
            The ending.
        """
        ...


def first_ending(
    rules: Iterable[StoppingRule], iteration: Iteration, progress: "Progress"
) -> Ending | None:
    """Ask every rule, because each one may count; return the first ending.

    Parameters
    ----------
    rules : iterable of StoppingRule
        The rules, the one with the last word first.
    iteration : Iteration
        The finished iteration.
    progress : Progress
        The state of the minimisation.

    Returns
    -------
    Ending or None
        The ending; None to continue.
    """
    endings = [rule(iteration, progress) for rule in rules]
    return next((ending for ending in endings if ending is not None), None)


def is_clearly_below(loss: float, constant_loss: float) -> bool:
    """Return whether a model has learned something.

    Parameters
    ----------
    loss : float
        Its loss.
    constant_loss : float
        The loss of the best constant model, whose outputs are the shares of the classes.

    Returns
    -------
    bool
        Whether its loss is lower by more than 1 %.
    """
    return loss < _CLEARLY_BELOW * constant_loss


@dataclass(frozen=True)
class GradientTolerance:
    """Stop when no entry of the gradient is larger than a tolerance.

    Parameters
    ----------
    tol : float, default=1e-4
        The tolerance at the loss of a constant model. One above 1e-4 is lower at a lower loss,
        by the same factor, down to 1e-4: where little is left to gain, the gradient is small
        too.
    constant_loss : float, default=inf
        The loss of a constant model; inf for the same tolerance at any loss. At a loss that is
        not clearly lower, the gradient may be small on a plateau, and training goes on.

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.solvers import GradientTolerance
    >>> GradientTolerance(0.1).is_met(np.array([0.05, -0.1]), loss=0.5)
    True
    >>> GradientTolerance(0.1, constant_loss=1.0).is_met(np.array([0.05, -0.1]), loss=0.5)
    False
    """

    tol: float = 1e-4
    constant_loss: float = math.inf

    def __call__(self, iteration: Iteration, progress: "Progress") -> Ending | None:
        """Return an ending if the gradient is within tolerance."""
        gradient, loss = iteration.gradient, iteration.loss
        if gradient is None or not self.is_met(gradient, loss):
            return None
        has_learned = is_clearly_below(loss, self.constant_loss)
        return Ending.GRADIENT_TOLERANCE if has_learned else None

    def is_met(self, gradient: Floats, loss: float) -> bool:
        """Return whether a gradient is within tolerance.

        Parameters
        ----------
        gradient : ndarray of shape (n_parameters,)
            The gradient.
        loss : float
            The loss.

        Returns
        -------
        bool
            Whether no entry is larger than the tolerance.
        """
        share = 1.0 if math.isinf(self.constant_loss) else loss / self.constant_loss
        tolerance = max(self.tol * share, min(self.tol, _SMALL_GRADIENT))
        return bool(np.abs(gradient).max() <= tolerance)


@dataclass(frozen=True)
class LossPlateau:
    """Stop when the training loss has not improved for some iterations.

    Parameters
    ----------
    tol : float, default=1e-4
        By how much they must lower the loss, as a share of what training has gained so far:
        ``constant_loss`` less the loss.
    patience : int or inf, default=10
        The number of iterations that have not done so.
    constant_loss : float, default=inf
        The loss of a constant model; inf for an absolute ``tol``. At a loss that is not
        clearly lower, patience is 20 times as long, and the ending is
        `Ending.NOTHING_LEARNED`.
    is_exact : bool, default=False
        Whether the loss is that of all rows at the same weights, and not the mean of noisy
        batches. An exact loss that is above its best by more than the tolerance still swings
        with the momentum, so counting starts again.

    Examples
    --------
    The rule of a mini-batch solver with more patience than the default:

    >>> from skbp.solvers import LossPlateau, MiniBatchDescent
    >>> solver = MiniBatchDescent(stopping=(LossPlateau(tol=1e-4, patience=20),))
    """

    tol: float = 1e-4
    patience: float = 10
    constant_loss: float = math.inf
    is_exact: bool = False

    def __call__(self, iteration: Iteration, progress: "Progress") -> Ending | None:
        """Return an ending if the plateau is long enough."""
        needed = self.needed(iteration.loss)
        progress.plateau = progress.plateau.update(iteration.loss, needed)
        if not self.is_over(iteration.loss, progress):
            return None
        return self.ending(Ending.LOSS_PLATEAU, iteration.loss, progress)

    def needed(self, loss: float) -> float:
        """Return by how much the loss must improve.

        Parameters
        ----------
        loss : float
            The loss.

        Returns
        -------
        float
            The tolerance.
        """
        if math.isinf(self.constant_loss):
            return self.tol
        least = (1 - _CLEARLY_BELOW) * self.constant_loss
        return self.tol * max(self.constant_loss - loss, least)

    def is_over(self, loss: float, progress: "Progress") -> bool:
        """Return whether the plateau is long enough.

        Parameters
        ----------
        loss : float
            The loss.
        progress : Progress
            The state of the minimisation.

        Returns
        -------
        bool
            Whether patience is over.
        """
        has_learned = is_clearly_below(loss, self.constant_loss)
        return progress.plateau.length >= self.patience * (1 if has_learned else _CONSTANT_PATIENCE)

    def ending(self, ending: Ending, loss: float, progress: "Progress") -> Ending | None:
        """Return how a plateau that is long enough ends training.

        Parameters
        ----------
        ending : Ending
            The ending if all is well.
        loss : float
            The loss.
        progress : Progress
            The state of the minimisation; an exact loss that swings restarts its count.

        Returns
        -------
        Ending or None
            The ending; None to continue.
        """
        if loss > progress.first_loss:
            return Ending.LOSS_INCREASED
        if not is_clearly_below(loss, self.constant_loss):
            return Ending.NOTHING_LEARNED
        if self.is_exact and loss > progress.plateau.best + self.needed(loss):
            progress.plateau = replace(progress.plateau, length=0)
            return None
        return ending


@dataclass(frozen=True)
class RatePlateau:
    """Lower the adaptive learning rate on a plateau of the loss; stop at the lowest rate.

    It is the median of the last three epochs' losses that must improve: a single lucky
    epoch does not become the mark that all later ones are held to.

    Parameters
    ----------
    schedule : Adaptive
        The learning rate, which is lowered until it is 1e-6 or less.
    tol : float, default=1e-4
        As for `LossPlateau`, but it is the median that must be lower.
    patience : int or inf, default=10
        The number of iterations that have not done so.
    constant_loss : float, default=inf
        As for `LossPlateau`.
    is_exact : bool, default=False
        As for `LossPlateau`.

    Examples
    --------
    The rule and the solver share the schedule:

    >>> from skbp.solvers import Adaptive, MiniBatchDescent, RatePlateau
    >>> rate = Adaptive(0.1)
    >>> solver = MiniBatchDescent(learning_rate=rate, stopping=(RatePlateau(rate),))
    """

    schedule: "Adaptive"
    tol: float = 1e-4
    patience: float = 10
    constant_loss: float = math.inf
    is_exact: bool = False

    def __call__(self, iteration: Iteration, progress: "Progress") -> Ending | None:
        """Lower the rate if the plateau is long enough; return an ending if it cannot be."""
        rule = LossPlateau(self.tol, self.patience, self.constant_loss, self.is_exact)
        loss, median = iteration.loss, median_high(progress.recent_losses)
        progress.plateau = progress.plateau.update(median, rule.needed(loss))
        if not rule.is_over(loss, progress):
            return None
        if self.schedule.eta(progress) <= _LOWEST_RATE:
            return rule.ending(Ending.LOWEST_RATE, loss, progress)
        progress.n_lowered += 1
        progress.plateau = replace(progress.plateau, length=0)
        return None


@dataclass(frozen=True)
class PlannedLength:
    """Stop after the number of epochs that the learning rate is planned for.

    Parameters
    ----------
    n_epochs : int
        The number of epochs.

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.solvers import Cosine, GradientDescent, PlannedLength
    >>> def objective(theta):
    ...     return np.sum((theta - 3) ** 2), 2 * (theta - 3)
    >>> solver = GradientDescent(
    ...     learning_rate=Cosine(0.1, n_epochs=30), stopping=(PlannedLength(30),)
    ... )
    >>> solver.minimize(objective, np.zeros(2)).ending.name
    'SCHEDULE_COMPLETED'
    """

    n_epochs: int

    def __call__(self, iteration: Iteration, progress: "Progress") -> Ending | None:
        """Return an ending after the last epoch."""
        if progress.n_iter < self.n_epochs:
            return None
        is_higher = iteration.loss > progress.first_loss
        return Ending.LOSS_INCREASED if is_higher else Ending.SCHEDULE_COMPLETED


def one_pass(iteration: Iteration, progress: "Progress") -> Ending:
    """Stop after a single epoch, as ``partial_fit`` does.

    Parameters
    ----------
    iteration : Iteration
        Not used.
    progress : Progress
        Not used.

    Returns
    -------
    Ending
        ``Ending.ONE_PASS``.
    """
    return Ending.ONE_PASS


@dataclass(frozen=True)
class ScorePlateau:
    """Stop when the validation score has not improved for some iterations.

    Parameters
    ----------
    tol : float, default=1e-4
        By how much they must raise the score.
    patience : int or inf, default=10
        The number of iterations that have not done so.
    growth : float, default=0
        Patience is at least this many times the number of iterations until the last
        improvement, because a score that improves slowly needs more of them.

    Examples
    --------
    >>> from skbp.solvers import Plateau, ScorePlateau
    >>> ScorePlateau(patience=3).ending(Plateau(best=-0.9, length=3), n_iter=8).name
    'SCORE_PLATEAU'
    """

    tol: float = 1e-4
    patience: float = 10
    growth: float = 0.0

    def ending(self, plateau: Plateau, n_iter: int) -> Ending | None:
        """Return an ending if a plateau of the negative score is long enough.

        Parameters
        ----------
        plateau : Plateau
            The plateau.
        n_iter : int
            The number of iterations.

        Returns
        -------
        Ending or None
            The ending; None to continue.
        """
        patience = max(self.patience, self.growth * (n_iter - plateau.length))
        return Ending.SCORE_PLATEAU if plateau.length >= patience else None


def requested_ending(answer: Ending | bool | None) -> Ending | None:
    """Return the ending that a callback's answer asks for.

    Parameters
    ----------
    answer : Ending, bool or None
        An ending; or true for `Ending.CALLBACK`, false or None to continue.

    Returns
    -------
    Ending or None
        The ending; None to continue.
    """
    if isinstance(answer, Ending):
        return answer
    return Ending.CALLBACK if answer else None


def check_finite(theta: Floats, loss: float, n_iter: int) -> None:
    """Raise an error if a minimisation has diverged.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
        The weights.
    loss : float
        Their loss.
    n_iter : int
        The number of the iteration, for the error message.

    Raises
    ------
    ValueError
        If the loss or a weight is infinite or NaN.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        squares = theta @ theta  # takes no memory, and is finite unless a weight is huge
    if math.isfinite(loss) and (math.isfinite(squares) or np.isfinite(theta).all()):
        return
    raise ValueError(
        f"Training diverged at iteration {n_iter}: the loss is {loss}"
        f"{' and a weight is not finite' if math.isfinite(loss) else ''}. "
        "Standardise X (for example with sklearn.preprocessing.StandardScaler); with "
        "solver='gd', 'sgd' or 'adam', also try a smaller learning_rate_init or alpha, or "
        "max_grad_norm."
    )
