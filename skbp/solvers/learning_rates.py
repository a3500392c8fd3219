"""The learning rate η over the epochs, and when there is nothing more to gain from it.

A schedule is a pair, like an update rule: the schedule itself never changes, and a
`Course` keeps how far training has come. So training can be saved and continued, with
other parameters if need be.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from statistics import median_high
from typing import ClassVar

from skbp.plateau import Plateau


@dataclass
class Course:
    """How far a gradient descent has come.

    Parameters
    ----------
    n_epochs : int
        The number of finished epochs.
    n_examples : int
        The number of examples that they have gone through.
    n_lowered : int
        How often the adaptive learning rate was lowered.
    recent_losses : list of float
        The losses of the last epochs, three at most.
    plateau : Plateau
        Since when the loss has not improved.

    Examples
    --------
    A schedule brings it up to date after each epoch:

    >>> from skbp.solvers import Constant, Course
    >>> course = Course()
    >>> for loss in (0.7, 0.6, 0.5):
    ...     _ = Constant(0.1).after_epoch(course, loss, n_rows=150)
    >>> course.n_epochs, course.n_examples, course.recent_losses
    (3, 450, [0.7, 0.6, 0.5])
    """

    n_epochs: int = 0
    n_examples: int = 0
    n_lowered: int = 0
    recent_losses: list[float] = field(default_factory=list)
    plateau: Plateau = field(default_factory=Plateau)


@dataclass(frozen=True)
class LearningRate(ABC):
    """A learning rate η that starts at η₀, and training that ends on a plateau of the loss.

    Parameters
    ----------
    initial : float
        η₀.
    tol : float, default=1e-4
        By how much an epoch must lower the loss.
    n_iter_no_change : int or inf, default=10
        Training ends when so many epochs in a row have not lowered the loss by ``tol``.

    Examples
    --------
    A schedule of your own says what η is in the next epoch:

    >>> from skbp.solvers import Course, LearningRate
    >>> class Halving(LearningRate):
    ...     def eta(self, course):
    ...         return self.initial / 2**course.n_epochs
    >>> [Halving(0.8).eta(Course(n_epochs=t)) for t in range(3)]
    [0.8, 0.4, 0.2]
    """

    initial: float
    tol: float = 1e-4
    n_iter_no_change: float = 10

    is_planned: ClassVar[bool] = False

    @abstractmethod
    def eta(self, course: Course) -> float:
        """Return the learning rate of the next epoch.

        Parameters
        ----------
        course : Course
            How far training has come.

        Returns
        -------
        float
            η.
        """

    def after_epoch(self, course: Course, loss: float, n_rows: int) -> bool:
        """Take note of a finished epoch.

        Parameters
        ----------
        course : Course
            How far training has come; changed in place.
        loss : float
            The loss of the epoch.
        n_rows : int
            The number of examples that it went through.

        Returns
        -------
        bool
            Whether there is nothing more to gain.
        """
        course.n_epochs += 1
        course.n_examples += n_rows
        course.recent_losses = [*course.recent_losses[-2:], loss]
        return self._has_ended(course, loss)

    def _has_ended(self, course: Course, loss: float) -> bool:
        return course.plateau.extend(loss, self.tol) >= self.n_iter_no_change


class Constant(LearningRate):
    """η = η₀, always.

    Parameters
    ----------
    initial : float
        η₀.
    tol : float, default=1e-4
        By how much an epoch must lower the loss.
    n_iter_no_change : int or inf, default=10
        Training ends when so many epochs in a row have not lowered the loss by ``tol``.

    Examples
    --------
    >>> from skbp.solvers import Constant, Course
    >>> schedule, course = Constant(0.1, n_iter_no_change=2), Course()
    >>> schedule.eta(course)
    0.1
    >>> losses = (0.7, 0.5, 0.5, 0.5)
    >>> [schedule.after_epoch(course, loss, n_rows=150) for loss in losses]
    [False, False, False, True]
    """

    def eta(self, course: Course) -> float:
        """Return η₀."""
        return self.initial


@dataclass(frozen=True)
class InverseScaling(LearningRate):
    """η = η₀ / (n + 1)^p after n examples, updated at the end of each epoch.

    Parameters
    ----------
    initial : float
        η₀.
    tol : float, default=1e-4
        By how much an epoch must lower the loss.
    n_iter_no_change : int or inf, default=10
        Training ends when so many epochs in a row have not lowered the loss by ``tol``.
    power_t : float, default=0.5
        p.

    Examples
    --------
    >>> from skbp.solvers import Course, InverseScaling
    >>> [InverseScaling(1.0).eta(Course(n_examples=n)) for n in (0, 3, 99)]
    [1.0, 0.5, 0.1]
    """

    power_t: float = 0.5

    def eta(self, course: Course) -> float:
        """Return η₀ / (n + 1)^p."""
        return self.initial / (course.n_examples + 1) ** self.power_t


class Adaptive(LearningRate):
    """η = η₀, divided by 5 each time the loss stops falling, until it is 1e-6 or less.

    What must fall is the median of the last three epochs' losses. A single epoch that
    was lucky does not become the mark that all later ones are held to.

    Parameters
    ----------
    initial : float
        η₀.
    tol : float, default=1e-4
        By how much an epoch must lower the median.
    n_iter_no_change : int or inf, default=10
        The rate is lowered when so many epochs in a row have not lowered the median by
        ``tol``.

    Examples
    --------
    >>> from skbp.solvers import Adaptive, Course
    >>> schedule, course = Adaptive(1.0, n_iter_no_change=2), Course()
    >>> for loss in (0.7, 0.5, 0.5, 0.5, 0.5):
    ...     _ = schedule.after_epoch(course, loss, n_rows=150)
    ...     print(schedule.eta(course))
    1.0
    1.0
    1.0
    1.0
    0.2
    """

    def eta(self, course: Course) -> float:
        """Return η₀ / 5^k after k times."""
        return float(self.initial / 5**course.n_lowered)

    def _has_ended(self, course: Course, loss: float) -> bool:
        value = median_high(course.recent_losses)
        if course.plateau.extend(value, self.tol) < self.n_iter_no_change:
            return False
        if self.eta(course) <= 1e-6:
            return True
        course.n_lowered += 1
        course.plateau.length = 0
        return False


@dataclass(frozen=True)
class _Planned(LearningRate):
    """A learning rate that is planned for a number of epochs, after which training ends.

    Parameters
    ----------
    initial : float
        η₀, the largest rate.
    tol, n_iter_no_change : float
        Not used: a plan is carried through.
    n_epochs : int, default=200
        The number of epochs; afterwards the rate stays.
    """

    n_epochs: int = 200

    is_planned = True

    def _has_ended(self, course: Course, loss: float) -> bool:
        course.plateau.extend(loss, self.tol)
        return course.n_epochs >= self.n_epochs


class Cosine(_Planned):
    """η falls from η₀ to nearly 0 along half a cosine.

    Parameters
    ----------
    initial : float
        η₀.
    tol, n_iter_no_change : float
        Not used: a plan is carried through.
    n_epochs : int, default=200
        The number of epochs, after which training ends.

    References
    ----------
    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts",
    ICLR 2017 (here without restarts).

    Examples
    --------
    >>> from skbp.solvers import Cosine, Course
    >>> schedule = Cosine(1.0, n_epochs=4)
    >>> [round(schedule.eta(Course(n_epochs=t)), 2) for t in range(4)]
    [1.0, 0.85, 0.5, 0.15]
    """

    def eta(self, course: Course) -> float:
        """Return η₀ (1 + cos(π t / T)) / 2 in epoch t = 0, …, T − 1."""
        t = min(course.n_epochs, self.n_epochs - 1)
        return _between(self.initial, 0, t / self.n_epochs)


class OneCycle(_Planned):
    """η rises from η₀ / 25 to η₀ in the first 30 % of the epochs, then falls to η₀ / 250000.

    Parameters
    ----------
    initial : float
        η₀, the largest rate.
    tol, n_iter_no_change : float
        Not used: a plan is carried through.
    n_epochs : int, default=200
        The number of epochs, after which training ends.

    References
    ----------
    Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using
    Large Learning Rates", 2018; the form and the constants are those of PyTorch's
    ``OneCycleLR``, whose momentum cycles too and this one's does not.

    Examples
    --------
    >>> from skbp.solvers import Course, OneCycle
    >>> schedule = OneCycle(1.0, n_epochs=10)
    >>> [round(schedule.eta(Course(n_epochs=t)), 2) for t in range(10)]
    [0.04, 0.52, 1.0, 0.95, 0.81, 0.61, 0.39, 0.19, 0.05, 0.0]
    """

    def eta(self, course: Course) -> float:
        """Return η along half a cosine up, and another one down."""
        last = self.n_epochs - 1
        t, peak = min(course.n_epochs, last), max(0.3 * self.n_epochs - 1, 0)
        if t < peak:
            return _between(self.initial / 25, self.initial, t / peak)
        return _between(self.initial, self.initial / 250_000, (t - peak) / max(last - peak, 1))


def _between(start: float, end: float, fraction: float) -> float:
    """Go from start to end along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * fraction)) / 2
