"""Learning rate schedules: η as a function of how far training has come.

A schedule is immutable. It reads the counts of a `Progress`; when to stop is decided in
`skbp.solvers.stopping`.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from skbp.solvers.progress import Progress


@dataclass(frozen=True)
class Schedule(ABC):
    """A learning rate η that starts at η₀.

    Parameters
    ----------
    initial : float
        η₀, unless the solver has found another one by trial.

    Examples
    --------
    A custom schedule returns η of the next epoch:

    >>> from skbp.solvers import Progress, Schedule
    >>> class Halving(Schedule):
    ...     def eta(self, progress):
    ...         return self.first(progress) / 2**progress.n_iter
    >>> [Halving(0.8).eta(Progress(n_iter=t)) for t in range(3)]
    [0.8, 0.4, 0.2]
    """

    initial: float

    def first(self, progress: Progress) -> float:
        """Return η₀.

        Parameters
        ----------
        progress : Progress
            The state of the training, with the rate that was found by trial, if any.

        Returns
        -------
        float
            η₀.
        """
        return self.initial if progress.rate is None else progress.rate

    @abstractmethod
    def eta(self, progress: Progress) -> float:
        """Return the learning rate of the next epoch.

        Parameters
        ----------
        progress : Progress
            The state of the training.

        Returns
        -------
        float
            η.
        """


class Constant(Schedule):
    """Constant learning rate, η = η₀.

    Parameters
    ----------
    initial : float
        η₀.

    Examples
    --------
    >>> from skbp.solvers import Constant, Progress
    >>> Constant(0.1).eta(Progress(n_iter=7))
    0.1
    """

    def eta(self, progress: Progress) -> float:
        """Return η₀."""
        return self.first(progress)


@dataclass(frozen=True)
class InverseScaling(Schedule):
    """Inverse scaling, η = η₀ / (n + 1)^p after n examples, updated after each epoch.

    Parameters
    ----------
    initial : float
        η₀.
    power_t : float, default=0.5
        p.

    Examples
    --------
    >>> from skbp.solvers import InverseScaling, Progress
    >>> [InverseScaling(1.0).eta(Progress(n_examples=n)) for n in (0, 3, 99)]
    [1.0, 0.5, 0.1]
    """

    power_t: float = 0.5

    def eta(self, progress: Progress) -> float:
        """Return η₀ / (n + 1)^p."""
        try:
            return self.first(progress) / (progress.n_examples + 1.0) ** self.power_t
        except OverflowError:
            return 0.0


class Adaptive(Schedule):
    """Adaptive learning rate, η = η₀ / 5^k after it was lowered k times.

    `RatePlateau` lowers it each time the loss stops improving.

    Parameters
    ----------
    initial : float
        η₀.

    Examples
    --------
    >>> from skbp.solvers import Adaptive, Progress
    >>> [Adaptive(1.0).eta(Progress(n_lowered=k)) for k in range(3)]
    [1.0, 0.2, 0.04]
    """

    def eta(self, progress: Progress) -> float:
        """Return η₀ / 5^k."""
        return float(self.first(progress) / 5**progress.n_lowered)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Cosine annealing: η falls from η₀ to nearly 0 along half a cosine.

    Parameters
    ----------
    initial : float
        η₀, the largest rate.
    n_epochs : int, default=200
        The number of epochs; afterwards the rate stays.

    References
    ----------
    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts",
    ICLR 2017 (here without restarts).

    Examples
    --------
    >>> from skbp.solvers import Cosine, Progress
    >>> schedule = Cosine(1.0, n_epochs=4)
    >>> [round(schedule.eta(Progress(n_iter=t)), 2) for t in range(4)]
    [1.0, 0.85, 0.5, 0.15]
    """

    n_epochs: int = 200

    def eta(self, progress: Progress) -> float:
        """Return η₀ (1 + cos(π t / T)) / 2 in epoch t = 0, …, T − 1."""
        t = min(progress.n_iter, self.n_epochs - 1)
        return _along_cosine(self.first(progress), 0, t / self.n_epochs)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """One cycle: η rises from η₀ / 25 to η₀ in 30 % of the epochs, then falls to η₀ / 250000.

    Parameters
    ----------
    initial : float
        η₀, the largest rate.
    n_epochs : int, default=200
        The number of epochs; afterwards the rate stays.

    References
    ----------
    Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using
    Large Learning Rates", 2018; the form and the constants are those of PyTorch's
    ``OneCycleLR``, which also cycles the momentum; this one does not.

    Examples
    --------
    >>> from skbp.solvers import OneCycle, Progress
    >>> schedule = OneCycle(1.0, n_epochs=10)
    >>> [round(schedule.eta(Progress(n_iter=t)), 2) for t in range(10)]
    [0.04, 0.52, 1.0, 0.95, 0.81, 0.61, 0.39, 0.19, 0.05, 0.0]
    """

    n_epochs: int = 200

    def eta(self, progress: Progress) -> float:
        """Return η along half a cosine up, and another one down."""
        last, highest = self.n_epochs - 1, self.first(progress)
        t, peak = min(progress.n_iter, last), max(0.3 * self.n_epochs - 1, 0)
        if t < peak:
            return _along_cosine(highest / 25, highest, t / peak)
        fraction = (t - peak) / max(last - peak, 1)
        return _along_cosine(highest, highest / 250_000, fraction)


def _along_cosine(start: float, end: float, fraction: float) -> float:
    """Return the value at a fraction of the way from start to end along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * fraction)) / 2
