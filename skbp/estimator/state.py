"""The state of a fit that a classifier keeps, and pickles, to continue or resume training."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from skbp import weights
from skbp._typing import Floats, Rows
from skbp.estimator.data import TrainingSet
from skbp.estimator.solver_factory import LEARNING_RATES, Parameters
from skbp.estimator.training import FitResult, TrainingState
from skbp.network import Network
from skbp.solvers import Ending

_LIMITS = ("max_iter", "max_fun", "tol", "n_iter_no_change")

Arrays = Sequence[ArrayLike]

_COMPARABLE = (str, int, float, tuple, list, dict, type(None))


@dataclass(frozen=True)
class Conditions:
    """Conditions that must stay the same for a fit to be resumed.

    Parameters
    ----------
    n_rows : int
        The number of rows of X.
    dtype : str
        The dtype of X.
    has_validation_set : bool
        Whether the user passed a validation set.
    parameters : dict of str to object
        The parameters of the classifier, except those that may change.
    """

    n_rows: int
    dtype: str
    has_validation_set: bool
    parameters: dict[str, Any]

    @classmethod
    def of(
        cls, parameters: Parameters, examples: TrainingSet, has_validation_set: bool
    ) -> "Conditions":
        """Return the conditions of a fit.

        Parameters
        ----------
        parameters : mapping of str to object
            All parameters of the classifier.
        examples : TrainingSet
            The training examples.
        has_validation_set : bool
            Whether the user passed a validation set.

        Returns
        -------
        Conditions
            The conditions.
        """
        # "client" is where DaskBackpropClassifier computes
        may_differ = {"verbose", "warm_start", "random_state", "client"}
        if not LEARNING_RATES[parameters["learning_rate"]].is_planned:
            may_differ.add("max_iter")
        compared = {
            # other objects, once they were pickled, do not equal themselves
            name: value if isinstance(value, _COMPARABLE) else type(value).__name__
            for name, value in parameters.items()
            if name not in may_differ
        }
        return cls(examples.n_rows, examples.dtype.name, has_validation_set, compared)

    def check(self, now: "Conditions") -> None:
        """Raise an error if the conditions have changed.

        Parameters
        ----------
        now : Conditions
            The conditions of the fit that resumes.

        Raises
        ------
        ValueError
            If they differ.
        """
        pairs = [
            ("number of rows in X", self.n_rows, now.n_rows),
            ("dtype of X", self.dtype, now.dtype),
            ("use of X_val", self.has_validation_set, now.has_validation_set),
            *((name, value, now.parameters[name]) for name, value in self.parameters.items()),
        ]
        for name, before, value in pairs:
            if value != before:
                raise ValueError(
                    f"A fit that is resumed must have the same {name} as before, {before!r}. "
                    f"Got {value!r} instead."
                )


@dataclass
class FitState:
    """State of a fit.

    Parameters
    ----------
    training : TrainingState
        The state of the training.
    solver : str
        The name of the solver.
    conditions : Conditions or None
        What must stay the same for the fit to be resumed.
    held_out : ndarray of int or None
        The rows of the validation set, while the fit is running.
    ending : Ending
        How training ended.
    limits : dict of str to float
        The parameters that a description of the ending mentions.
    is_unfinished : bool
        Whether the next fit is to resume this one.
    m : float
        The number of examples so far, which a stream continues to count.
    """

    training: TrainingState
    solver: str
    conditions: Conditions | None = None
    held_out: Rows | None = None
    ending: Ending = Ending.UNTRAINED
    limits: dict[str, float] = field(default_factory=dict)
    is_unfinished: bool = False
    m: float = 0.0

    @property
    def description(self) -> str:
        """The ending in words."""
        return self.ending.describe(self.limits)

    def begin(self, conditions: Conditions, parameters: Parameters) -> None:
        """Set the conditions of a new fit, or check those of a fit that is resumed.

        Parameters
        ----------
        conditions : Conditions
            The conditions now.
        parameters : mapping of str to object
            All parameters of the classifier.

        Raises
        ------
        ValueError
            If they are not those of the fit that is resumed.
        """
        if self.is_unfinished and self.conditions is not None:
            self.conditions.check(conditions)
        self.conditions = conditions
        self.limits = {name: parameters[name] for name in _LIMITS}

    def start_weights(
        self,
        network: Network,
        theta: Floats,
        coefs_init: Arrays | None,
        intercepts_init: Arrays | None,
    ) -> Floats:
        """Return the weights to start from.

        Parameters
        ----------
        network : Network
            The network.
        theta : ndarray of shape (n_parameters,)
            The weights of the model, or new ones.
        coefs_init : list of array-like or None
            The user's weights of the units, which replace those.
        intercepts_init : list of array-like or None
            The user's weights of the bias units, which replace those.

        Returns
        -------
        ndarray of shape (n_parameters,)
            The weights. A fit that is resumed starts from those of its last iteration,
            where the model may have the best ones.

        Raises
        ------
        ValueError
            If the user's weights do not fit the network, or a fit is resumed with them.
        """
        if coefs_init is None and intercepts_init is None:
            last = self.training.history.last.theta if self.is_unfinished else None
            return theta if last is None else last.astype(theta.dtype, copy=False)
        if self.is_unfinished:
            raise ValueError("A fit that is resumed takes no coefs_init and no intercepts_init.")
        coefs, intercepts = weights.split(network.unpack(theta))
        if coefs_init is not None:
            coefs = weights.checked("coefs_init", coefs_init, like=coefs)
        if intercepts_init is not None:
            intercepts = weights.checked("intercepts_init", intercepts_init, like=intercepts)
        return network.pack(weights.join(coefs, intercepts))

    @property
    def last_weights(self) -> Floats | None:
        """The weights of the last iteration of a fit that is running."""
        return self.training.history.last.theta

    def after(self, result: FitResult) -> "FitState":
        """Return the state after a training.

        Parameters
        ----------
        result : FitResult
            Its result.

        Returns
        -------
        FitState
            The new state.
        """
        is_running = result.ending is Ending.RUNNING
        return replace(
            self,
            training=result.state if is_running else result.state.without_arrays(),
            ending=result.ending,
            held_out=self.held_out if is_running else None,
            is_unfinished=False,
        )

    def for_more_data(self, solver: str) -> "FitState":
        """Return the state to continue training with other examples.

        Parameters
        ----------
        solver : str
            The name of the solver that continues.

        Returns
        -------
        FitState
            The new state.
        """
        return FitState(self.training.for_more_data(solver == self.solver), solver, m=self.m)


def mark_unfinished(classifier: BaseEstimator) -> bool:
    """Let the next fit of a classifier resume the one in which it was saved.

    Parameters
    ----------
    classifier : BackpropClassifier
        The classifier.

    Returns
    -------
    bool
        False if it was not saved during a fit.
    """
    state = getattr(classifier, "_state", None)
    if not isinstance(state, FitState) or state.last_weights is None:
        return False
    state.is_unfinished = True
    return True


@contextmanager
def unchanged_on_error(estimator: BaseEstimator) -> Iterator[None]:
    """Restore the attributes of an estimator if the body fails.

    Parameters
    ----------
    estimator : BaseEstimator
        The estimator.

    Yields
    ------
    None
        While an error would restore it.
    """
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
