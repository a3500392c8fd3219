"""The learning rate η over the epochs, and what it does when the loss stops falling."""


class LearningRate:
    """A learning rate η that starts at η₀; this class's methods leave it there.

    Parameters
    ----------
    initial : float
        η₀.

    Attributes
    ----------
    eta : float
        The learning rate now.
    """

    def __init__(self, initial: float) -> None:
        self.initial = initial
        self.eta = initial

    def restart(self) -> None:
        """Go back to the initial rate."""
        self.eta = self.initial

    def after_epoch(self, n_seen: int) -> None:
        """Take note of a finished epoch.

        Parameters
        ----------
        n_seen : int
            The number of examples seen since the start.
        """

    def lowered(self) -> bool:
        """Lower η, if this schedule does so when the loss has stopped falling.

        Returns
        -------
        bool
            Whether η was lowered; if not, training has converged.
        """
        return False


class Constant(LearningRate):
    """η = η₀, always."""


class InverseScaling(LearningRate):
    """η = η₀ / (n + 1)^p after n examples, updated at the end of each epoch.

    Parameters
    ----------
    initial : float
        η₀.
    power_t : float
        p.
    """

    def __init__(self, initial: float, power_t: float) -> None:
        super().__init__(initial)
        self.power_t = power_t

    def after_epoch(self, n_seen: int) -> None:
        """Scale η down."""
        self.eta = self.initial / (n_seen + 1) ** self.power_t


class Adaptive(LearningRate):
    """η = η₀, divided by 5 each time the loss stops falling, until it is 1e-6 or less."""

    def lowered(self) -> bool:
        """Divide η by 5 unless it is too small already."""
        if self.eta <= 1e-6:
            return False
        self.eta /= 5
        return True
