"""Training without an estimator: a network, its examples and a solver, and the result.

`train` changes none of its arguments, except that it draws from the random state. So it can be
called for many networks, from several threads, and again with the state that an earlier call
returned.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace

import numpy as np

from skbp import weights
from skbp._typing import Floats, Matrix
from skbp.dropout import with_dropout
from skbp.engine import outputs
from skbp.engine.threads import one_blas_thread
from skbp.estimator.data import TrainingSet
from skbp.losses import Loss
from skbp.network import Network
from skbp.solvers import Ending, Progress, Result, ScorePlateau, Solver
from skbp.solvers.history import History
from skbp.solvers.stopping import check_finite, requested_ending

__all__ = ["FitResult", "TrainingState", "train"]

Validate = Callable[[Floats], tuple[float, float]]
"""Maps the weights to their loss and score on a validation set."""


@dataclass
class TrainingState:
    """Everything that is kept, and pickled, to continue training from its weights.

    Parameters
    ----------
    progress : Progress
        The state of the minimisation. Its random state is the source of all randomness: of
        the validation set, the start weights, the order of the rows and dropout.
    history : History
        The finished iterations.

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.estimator.training import TrainingState
    >>> from skbp.solvers import Progress
    >>> state = TrainingState(Progress(random_state=np.random.RandomState(0)))
    >>> state.history.loss_curve
    []
    """

    progress: Progress = field(default_factory=Progress)
    history: History = field(default_factory=History)

    def without_arrays(self) -> "TrainingState":
        """Return the state without the arrays that only the same training can continue from.

        Returns
        -------
        TrainingState
            It has no weights and no order of the rows.
        """
        return TrainingState(replace(self.progress, order=None), self.history.without_weights())

    def for_more_data(self, keep_averages: bool) -> "TrainingState":
        """Return a state to continue with other examples.

        Parameters
        ----------
        keep_averages : bool
            Whether the state of the update rule and the rate that was found are kept; not
            where the solver changes.

        Returns
        -------
        TrainingState
            It has the loss curve and the counts that the learning rate depends on.
        """
        before = self.progress
        if before.n_examples == 0:  # a line search has no schedule to continue
            before = Progress(random_state=before.random_state)
        if not keep_averages:
            before = replace(before, averages={}, rate=None)
        random_state = deepcopy(before.random_state)
        progress = replace(before, random_state=random_state, order=None, ending=None)
        history = History(self.history.loss_curve, self.history.last.best_loss)
        return TrainingState(progress, history)


@dataclass(frozen=True)
class FitResult:
    """A trained network.

    Parameters
    ----------
    network : Network
        The network.
    theta : ndarray of shape (n_parameters,)
        The weights to keep: the last ones, or with early stopping the best ones. No training
        changes them.
    loss : float
        Their loss.
    n_passes : int
        How often every example was propagated forward and back.
    ending : Ending
        How training ended.
    state : TrainingState
        The state to continue from.

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.estimator.training import FitResult, TrainingState
    >>> from skbp.network import Network
    >>> from skbp.solvers import Ending
    >>> network, theta = Network(layer_sizes=(1, 1)), np.zeros(2)
    >>> result = FitResult(network, theta, 0.69, 0, Ending.UNTRAINED, TrainingState())
    >>> result.ending.converged
    True
    """

    network: Network
    theta: Floats
    loss: float
    n_passes: int
    ending: Ending
    state: TrainingState


AfterIteration = Callable[[Callable[[], FitResult]], Ending | bool | None]
"""Called after each iteration with a function that returns the result so far; true to stop."""


def train(
    network: Network,
    examples: TrainingSet,
    *,
    solver: Solver,
    start: Floats,
    state: TrainingState,
    loss: str | Loss = "log_loss",
    alpha: float = 1.0,
    dropout: float | Sequence[float] = 0.0,
    validation: Validate | None = None,
    early_stopping: ScorePlateau | None = None,
    callback: AfterIteration | None = None,
    verbose: bool = False,
) -> FitResult:
    """Train a network until the solver, early stopping, a callback or Ctrl-C ends it.

    Parameters
    ----------
    network : Network
        The network.
    examples : TrainingSet
        The training set, with the targets ``Y`` to train with.
    solver : Solver
        The solver.
    start : ndarray of shape (n_parameters,)
        The weights to start from; not changed.
    state : TrainingState
        Where an earlier training stands; not changed, except that its random state is
        drawn from.
    loss : {"log_loss", "squared_error"} or Loss, default="log_loss"
        The loss of an example.
    alpha : float, default=1.0
        λ.
    dropout : float or sequence of float, default=0.0
        The probability with which a hidden unit is left out.
    validation : callable, default=None
        Maps the weights to their loss and score on a validation set.
    early_stopping : ScorePlateau, default=None
        Stops on a plateau of the score, and keeps the best weights. None to do neither.
    callback : callable, default=None
        Called after each iteration with a function that returns the `FitResult` so far;
        returns true or an `Ending` to stop.
    verbose : bool, default=False
        Whether to print a line an iteration.

    Returns
    -------
    FitResult
        The weights, and the state to continue from.

    Raises
    ------
    ValueError
        If training diverges, or a score is not finite.
    KeyboardInterrupt
        If Ctrl-C comes before an iteration has finished.

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.estimator.data import Dataset
    >>> from skbp.estimator.training import TrainingState, train
    >>> from skbp.network import Network
    >>> from skbp.solvers import LBFGS
    >>> X, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
    >>> network = Network(layer_sizes=(2, 4, 1))
    >>> result = train(
    ...     network,
    ...     Dataset(X, y, y[:, np.newaxis].astype(float)),
    ...     solver=LBFGS(),
    ...     start=network.initialize(random_state=0),
    ...     state=TrainingState(),
    ...     alpha=0.001,
    ... )
    >>> network.forward(result.theta, X)[0][-1].round(1).ravel()
    array([0., 1., 1., 0.])
    """
    random_state = state.progress.generator()
    state = deepcopy(state, {id(random_state): random_state})
    trained = with_dropout(network, dropout, random_state)
    objective = examples.objective(trained, loss, alpha)
    recorder = _Recorder(network, state, validation, early_stopping, callback, verbose)
    # the score of a fit that is resumed may have stopped improving already
    state.progress.ending = recorder.score_ending() or state.progress.ending
    try:
        # a diverging loss overflows on its way to the check that reports it
        with one_blas_thread(), np.errstate(over="ignore", under="ignore", invalid="ignore"):
            found = solver.minimize(objective, start, recorder, state.progress)
    except KeyboardInterrupt:
        found = _interrupted(state)
    _check_outputs(network, found.theta, examples.first, state.progress.n_iter)
    return recorder.result(found)


def _check_outputs(network: Network, theta: Floats, X: Matrix, n_iter: int) -> None:
    """Raise an error if weights are too large to compute with: no later loss would tell."""
    with np.errstate(over="ignore", invalid="ignore"):
        pair = weights.views(network.unpack(theta.astype(X.dtype, copy=False)))
        z = np.asarray(outputs(network, pair, X))
        size = float(np.abs(z).max() + theta @ theta)  # not finite where z or the penalty is not
    check_finite(theta, size, n_iter)


@dataclass
class _Recorder:
    """The solver's callback: records each iteration, and decides whether it was the last."""

    network: Network
    state: TrainingState
    validation: Validate | None
    early_stopping: ScorePlateau | None
    callback: AfterIteration | None
    verbose: bool

    def __call__(self, theta: Floats, loss: float) -> Ending | None:
        """Record an iteration; return an ending to stop."""
        history, tol = self.state.history, self.early_stopping.tol if self.early_stopping else 0
        validated = None if self.validation is None else self.validation(theta)
        is_last = self.state.progress.ending is not None
        history.add(theta if is_last else theta.copy(), loss, validated, tol)
        if self.verbose:
            score = "" if validated is None else f", validation score = {validated[1]:.8f}"
            print(f"Iteration {history.last.n_iter}, loss = {loss:.8f}{score}")
        requested = None if self.callback is None else requested_ending(self.callback(self.so_far))
        return self.score_ending() or requested

    def score_ending(self) -> Ending | None:
        """Return an ending if the validation score has stopped improving."""
        if self.early_stopping is None:
            return None
        last = self.state.history.last
        return self.early_stopping.ending(last.plateau, last.n_iter)

    def so_far(self) -> FitResult:
        """Return the result as of the last iteration, independent of the training."""
        state = deepcopy(self.state)
        last = state.history.last
        assert last.theta is not None  # an iteration has finished
        theta, loss = self._kept(last.theta, state.history.loss)
        return FitResult(self.network, theta.copy(), loss, last.n_iter, Ending.RUNNING, state)

    def result(self, found: Result) -> FitResult:
        """Return the result of the solver, with the weights to keep."""
        theta, loss = self._kept(found.theta, found.cost)
        return FitResult(self.network, theta, loss, found.n_passes, found.ending, self.state)

    def _kept(self, theta: Floats, loss: float) -> tuple[Floats, float]:
        """Return the weights to keep, and their loss."""
        best = self.state.history.best
        return (theta, loss) if self.early_stopping is None or best is None else best


def _interrupted(state: TrainingState) -> Result:
    """Return the last finished iteration; raise if there is none."""
    last = state.history.last
    if last.theta is None:
        raise KeyboardInterrupt
    state.progress.averages = {}  # they may be those of the middle of an epoch
    return Result(last.theta, state.history.loss, last.n_iter, last.n_iter, Ending.INTERRUPTED)
