"""One fit: objective, validation, monitor and solver put together, run, and read out.

`BackpropClassifier` decides what to train, on what, and from where. What the fit has
found it takes over when all has succeeded.
"""

import warnings
from collections.abc import Callable
from copy import copy, deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import check_scoring
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state

from skbp import weights
from skbp._typing import Floats, Matrix, Rows
from skbp.blas_threads import one_blas_thread
from skbp.choice import PLANNED_LEARNING_RATES, choose_solver
from skbp.data import ClassWeights, Dataset, encoded, encoder, validated
from skbp.dropout import thinned
from skbp.fast import accelerated, accelerated_solver
from skbp.losses import get_loss
from skbp.monitor import History, Monitor
from skbp.network import Network, is_layer_size
from skbp.objective import Objective
from skbp.solvers import Progress, Result
from skbp.solvers.interface import STOPPED
from skbp.validation import Validation, held_out

Attributes = dict[str, Any]
"""The fitted attributes of a classifier, by name."""

_COMPARABLE = (str, int, float, tuple, list, dict, type(None))


@dataclass
class FitState:
    """How far a fit has come: all that is kept, and pickled, to go on from its weights.

    Parameters
    ----------
    random_state : RandomState instance
        What has drawn the validation set and the start weights, shuffles the rows, and
        leaves out units.
    solver : str
        The name of the solver.
    conditions : dict of str to object
        What must be the same for the fit to be resumed, by names that the user knows.
    held_out : ndarray of int or None
        The rows of the validation set, if one was drawn.
    history : History
        What the monitor has seen.
    progress : Progress
        Where the minimisation stands.
    is_unfinished : bool
        Whether the next fit is to resume this one.
    ending : str
        Why training stopped, as a clause.
    """

    random_state: np.random.RandomState
    solver: str
    conditions: dict[str, Any] = field(default_factory=dict)
    held_out: Rows | None = None
    history: History = field(default_factory=History)
    progress: Progress = field(default_factory=Progress)
    is_unfinished: bool = False
    ending: str = "it was not trained"

    def check_resumable_under(self, conditions: dict[str, Any]) -> None:
        """Refuse to resume the fit under other conditions.

        Parameters
        ----------
        conditions : dict of str to object
            The conditions now.

        Raises
        ------
        ValueError
            If they differ from those that the fit began with.
        """
        for name, before in self.conditions.items():
            if conditions[name] != before:
                raise ValueError(
                    f"A fit that is resumed must have the same {name} as before, {before!r}. "
                    f"Got {conditions[name]!r} instead."
                )

    def for_more_data(self, solver: str) -> "FitState":
        """Return a copy that goes on with other examples.

        Parameters
        ----------
        solver : str
            The solver that goes on.

        Returns
        -------
        FitState
            It has the loss curve and the learning rate's course; and the update rule's
            averages, if the solver is the same.
        """
        before, history = self.progress, self.history
        return FitState(
            random_state=deepcopy(self.random_state),
            solver=solver,
            history=History(loss_curve=list(history.loss_curve), best_loss=history.best_loss),
            progress=Progress(
                course=deepcopy(before.course),
                averages=deepcopy(before.averages) if solver == self.solver else {},
            ),
        )


def begin(
    classifier: BaseEstimator,
    X: Matrix,
    y: Any,
    sample_weight: Any,
    goes_on: bool,
    binarizer: LabelBinarizer | None = None,
    state: FitState | None = None,
) -> "Training":
    """Put a fit together.

    Parameters
    ----------
    classifier : BackpropClassifier
        Its parameters say how.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The training examples.
    y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_labels)
        Their labels.
    sample_weight : array-like of shape (n_samples,) or None
        Their weights.
    goes_on : bool
        Whether the features must be those that the classifier knows.
    binarizer : LabelBinarizer, default=None
        What knows the classes. None if y has them all.
    state : FitState, default=None
        How far an earlier fit has come. None for a new one.

    Returns
    -------
    Training
        The fit.

    Raises
    ------
    ValueError
        If X, y, the weights or a parameter are invalid.
    """
    X, y, sample_weight = validated(classifier, X, y, sample_weight, reset=not goes_on)
    binarizer = encoder(y) if binarizer is None else binarizer
    examples = Dataset(X, y, encoded(binarizer, y, X.dtype), sample_weight)
    class_weights = None
    if classifier.class_weight is not None:
        class_weights = ClassWeights(classifier.class_weight, binarizer, examples)
    return Training(
        classifier=classifier,
        binarizer=binarizer,
        class_weights=class_weights,
        network=_network(classifier, examples, binarizer),
        examples=examples.weighted_by(class_weights),
        validation_examples=None,
        state=_new_state(classifier) if state is None else state,
    )


def _new_state(classifier: BaseEstimator) -> FitState:
    random_state = classifier.random_state
    if random_state is None:
        # a stream of its own, that is kept when the classifier goes on
        random_state = check_random_state(None).randint(np.iinfo(np.int32).max)
    return FitState(check_random_state(random_state), classifier.solver)


def _network(classifier: BaseEstimator, examples: Dataset, binarizer: LabelBinarizer) -> Network:
    given = classifier.hidden_layer_sizes
    hidden = given if np.iterable(given) else [given]
    if not all(is_layer_size(s) for s in hidden):
        raise ValueError(f"hidden_layer_sizes must be positive integers. Got {given!r} instead.")
    # a softmax is over exclusive classes; over two, it is one logistic unit
    multiclass = binarizer.y_type_ == "multiclass"
    output_activation = classifier.output_activation if multiclass else "logistic"
    sizes = (examples.X.shape[1], *hidden, examples.Y.shape[1])
    return Network(sizes, classifier.activation, output_activation)


@dataclass(frozen=True)
class Training:
    """A fit of a classifier.

    Parameters
    ----------
    classifier : BackpropClassifier
        Its parameters say how; it is not changed.
    binarizer : LabelBinarizer
        What knows the classes.
    class_weights : ClassWeights or None
        The weights of the classes.
    network : Network
        The network.
    examples : Dataset
        The training set.
    validation_examples : Dataset or None
        The validation set.
    state : FitState
        How far the fit has come; brought up to date in place.
    """

    classifier: BaseEstimator
    binarizer: LabelBinarizer
    class_weights: ClassWeights | None
    network: Network
    examples: Dataset
    validation_examples: Dataset | None
    state: FitState

    def conditions(self, X_val: Any) -> dict[str, Any]:
        """Return what must be the same for the fit to be resumed.

        Parameters
        ----------
        X_val : {array-like, sparse matrix} or None
            The user's own validation set.

        Returns
        -------
        dict of str to object
            The conditions, by names that the user knows.
        """
        parameters = self.classifier.get_params(deep=False)
        may_differ = {"verbose", "warm_start", "random_state"}
        if parameters["learning_rate"] not in PLANNED_LEARNING_RATES:
            may_differ.add("max_iter")
        return {
            "X_val": None if X_val is None else "a validation set",
            "number of rows": len(self.examples.Y),
            "dtype of X": self.examples.X.dtype.name,
            **{
                # other objects, once they were pickled, do not equal themselves
                name: value if isinstance(value, _COMPARABLE) else type(value).__name__
                for name, value in parameters.items()
                if name not in may_differ
            },
        }

    def with_validation_set(self, X_val: Matrix, y_val: Any, sample_weight_val: Any) -> "Training":
        """Return the same fit with a validation set of the user's own.

        Parameters
        ----------
        X_val : {array-like, sparse matrix} of shape (n_val, n_features)
            The examples.
        y_val : {array-like, sparse matrix} of shape (n_val,) or (n_val, n_labels)
            Their labels.
        sample_weight_val : array-like of shape (n_val,) or None
            Their weights.

        Returns
        -------
        Training
            The fit.

        Raises
        ------
        ValueError
            If the set does not fit the training set.
        """
        if X_val is None or y_val is None:
            raise ValueError("A validation set needs both X_val and y_val. One of them is None.")
        try:
            X, y, weight = validated(self.classifier, X_val, y_val, sample_weight_val, reset=False)
        except ValueError as error:
            raise ValueError(f"X_val, y_val or sample_weight_val is invalid: {error}") from error
        dtype = self.examples.X.dtype
        Y = encoded(self.binarizer, y, dtype, "y_val")
        weight = None if weight is None else weight.astype(dtype, copy=False)
        examples = Dataset(X.astype(dtype, copy=False), y, Y, weight)
        examples = examples.weighted_by(self.class_weights)
        if not examples.has_weight:
            raise ValueError("The classes of y_val must not all have a class_weight of 0.")
        return replace(self, validation_examples=examples)

    def holding_out(self, fraction: float) -> "Training":
        """Return the same fit with a validation set that is drawn from the training set.

        It is the first thing that a new fit draws: a warm start with the same int as
        ``random_state`` and the same data has the same set, and sees none of it in training.

        Parameters
        ----------
        fraction : float
            The share of the rows.

        Returns
        -------
        Training
            The fit; the set is the same one when it is resumed.

        Raises
        ------
        ValueError
            If no example can be spared, or a fit that is resumed has lost the weights of
            those that were.
        """
        state, examples = self.state, self.examples
        if state.held_out is None:
            y_type = self.binarizer.y_type_
            state.held_out = held_out(examples, fraction, state.random_state, y_type)
        others = np.delete(np.arange(len(examples.Y)), state.held_out)
        drawn = examples.on(state.held_out)
        if not drawn.has_weight:
            raise ValueError(
                "A fit that is resumed needs the sample_weight that it had: the rows of its "
                "validation set must not all have a weight of 0."
            )
        return replace(self, examples=examples.on(others), validation_examples=drawn)

    def new_weights(self) -> Floats:
        """Draw weights to start from.

        Returns
        -------
        ndarray of shape (n_parameters,)
            The weights, of the dtype of the examples.
        """
        drawn = self.network.initialize(self.state.random_state)
        return drawn.astype(self.examples.X.dtype, copy=False)

    def fitted_weights(self) -> Floats:
        """Return the weights of the classifier, to go on from.

        Returns
        -------
        ndarray of shape (n_parameters,)
            The weights, of the dtype of the examples.

        Raises
        ------
        ValueError
            If its hidden layers have other sizes.
        """
        classifier = self.classifier
        before, now = classifier._network.layer_sizes[1:-1], self.network.layer_sizes[1:-1]
        if before != now:
            raise ValueError(
                f"hidden_layer_sizes={classifier.hidden_layer_sizes!r} cannot go on from the "
                f"fitted model, whose hidden layers have {before} units. Clone the estimator to "
                "start anew."
            )
        theta = self.network.pack(weights.join(classifier.coefs_, classifier.intercepts_))
        if self.state.is_unfinished and self.state.history.theta is not None:
            theta = self.state.history.theta  # the fitted ones may be the best ones
        return theta.astype(self.examples.X.dtype, copy=False)

    def with_given(self, theta: Floats, coefs_init: Any, intercepts_init: Any) -> Floats:
        """Return weights to start from, with those that the user gives in their place.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            The other weights.
        coefs_init : list of array-like or None
            The weights of the units. None to leave them.
        intercepts_init : list of array-like or None
            The weights of the bias units. None to leave them.

        Returns
        -------
        ndarray of shape (n_parameters,)
            The weights.

        Raises
        ------
        ValueError
            If the shapes do not fit the network, or a weight is not finite.
        """
        if self.state.is_unfinished and not (coefs_init is None and intercepts_init is None):
            raise ValueError("A fit that is resumed takes no coefs_init and no intercepts_init.")
        coefs, intercepts = weights.split(self.network.unpack(theta))
        if coefs_init is not None:
            coefs = weights.checked("coefs_init", coefs_init, like=coefs)
        if intercepts_init is not None:
            intercepts = weights.checked("intercepts_init", intercepts_init, like=intercepts)
        return self.network.pack(weights.join(coefs, intercepts))

    def cost(self, theta: Floats) -> float:
        """Return J.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            The weights.

        Returns
        -------
        float
            The cost of the training set.
        """
        with one_blas_thread():
            return accelerated(self.objective(self.network))(theta)[0]

    def objective(self, network: Network) -> Objective:
        """Return the cost of the training set.

        Parameters
        ----------
        network : Network
            The network, or a thinned one.

        Returns
        -------
        Objective
            The cost.
        """
        parameters, examples = self.classifier, self.examples
        return Objective(
            network,
            examples.X,
            _smoothed(examples.Y, parameters.label_smoothing, self.binarizer.y_type_),
            parameters.loss,
            parameters.alpha,
            examples.weight,
        )

    def _validation(self) -> Validation | None:
        """Return how the network does on the validation set, if there is one."""
        if self.validation_examples is None:
            return None
        loss = get_loss(self.network.h.name, self.classifier.loss)
        scorer = None if self.classifier.scoring is None else self._score
        return Validation(
            self.network, self.validation_examples, loss, self.binarizer.y_type_, scorer
        )

    def _score(self, theta: Floats) -> float:
        """Return the score on the validation set that the user's scorer gives the weights."""
        examples, scorer = cast(Dataset, self.validation_examples), self.classifier.scoring
        fitted = copy(self.classifier)
        vars(fitted).update(self.attributes(theta, loss=np.nan, n_examples=0))
        vars(fitted).pop("feature_names_in_", None)  # the examples are arrays by now
        weight = examples.sample_weight
        weighted = {} if weight is None else {"sample_weight": weight}
        return check_scoring(fitted, scorer)(fitted, examples.X, examples.y, **weighted)

    def run(
        self, theta: Floats, after_iteration: Callable[[Callable[[], Attributes]], bool]
    ) -> Result:
        """Train, until the solver, the monitor, a callback or Ctrl-C ends it.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            The weights to start from.
        after_iteration : callable
            Called after each iteration with a function that returns the attributes that
            the classifier would have if the fit ended now; true to stop.

        Returns
        -------
        Result
            How it went, with the weights to keep: the last ones, or with early stopping
            the best ones.

        Raises
        ------
        ValueError
            If it diverges, or a score is not finite.
        KeyboardInterrupt
            If Ctrl-C comes before an iteration has finished.
        """
        parameters, state, history = self.classifier, self.state, self.state.history
        state.is_unfinished, state.ending = False, "it is still training"
        network = thinned(self.network, parameters.dropout, state.random_state)
        solver = choose_solver(
            parameters.get_params(deep=False),
            len(self.examples.Y),
            state.random_state,
            state.progress,
        )
        monitor = Monitor(
            verbose=bool(parameters.verbose),
            validate=self._validation(),
            n_iter_no_change=parameters.n_iter_no_change if parameters.early_stopping else np.inf,
            tol=parameters.tol,
            after_iteration=lambda theta: after_iteration(lambda: self._attributes_now(theta)),
            history=history,
        )
        if monitor.has_seen_enough:  # as it may have in a fit that is resumed
            state.progress.outcome = STOPPED
        objective = accelerated(self.objective(network))
        solver = accelerated_solver(solver, objective)
        try:
            # a diverging loss overflows on its way to the monitor, which reports it
            with one_blas_thread(), np.errstate(over="ignore", under="ignore", invalid="ignore"):
                result = solver.minimize(objective, theta, monitor)
        except KeyboardInterrupt:
            result = _interrupted(self.state, parameters.early_stopping)
        state.ending = self._ending(result, monitor)
        theta, cost = self._kept(result.theta, result.cost)
        # what only a fit that is resumed needs
        history.theta = history.best_theta = state.progress.order = state.held_out = None
        return replace(result, theta=theta, cost=cost)

    def _ending(self, result: Result, monitor: Monitor) -> str:
        """Say why training stopped; a solver does not know why its watch stopped it."""
        if result.reason != STOPPED.reason:
            return result.reason
        if monitor.has_seen_enough:
            return (
                f"the validation score has not improved by tol={monitor.tol:g} "
                f"for {monitor.n_iter_no_change} iterations"
            )
        return "a callback stopped it"

    def _kept(self, theta: Floats, loss: float) -> tuple[Floats, float]:
        """Return the weights to keep, and their loss: the last, or with early stopping the best."""
        history = self.state.history
        if not self.classifier.early_stopping or history.best_iter is None:
            return theta, loss
        return cast(Floats, history.best_theta), history.loss_curve[history.best_iter]

    def _attributes_now(self, theta: Floats) -> Attributes:
        """Return the attributes as of the last iteration, detached from what goes on."""
        history = self.state.history
        n_examples = history.n_iter * len(self.examples.Y)
        now = self.attributes(*self._kept(theta, history.loss_curve[-1]), n_examples)
        return now | {"_state": deepcopy(self.state)}

    def attributes(self, theta: Floats, loss: float, n_examples: int) -> Attributes:
        """Return the attributes of the fitted classifier.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            The weights.
        loss : float
            Their loss.
        n_examples : int
            How many training examples were propagated.

        Returns
        -------
        dict of str to object
            The attributes.
        """
        network, history = self.network, self.state.history
        theta = theta.astype(self.examples.X.dtype, copy=False)
        coefs, intercepts = weights.split(network.unpack(theta))
        return {
            "coefs_": coefs,
            "intercepts_": intercepts,
            "classes_": self.binarizer.classes_,
            "n_layers_": len(network.layer_sizes),
            "n_outputs_": network.layer_sizes[-1],
            "out_activation_": network.h.name,
            "n_iter_": history.n_iter,
            "t_": n_examples,
            "loss_": loss,
            "loss_curve_": list(history.loss_curve),
            "best_loss_": min(loss, history.best_loss),
            **_validation_attributes(None if self.validation_examples is None else history),
            "_label_binarizer": self.binarizer,
            "_network": network,
            "_n_features_out": network.layer_sizes[-2],
            "_state": self.state,
        }


def _validation_attributes(history: History | None) -> Attributes:
    """Return the attributes of a validation; all are None where there was none."""
    if history is None:
        names = ("validation_loss_curve_", "validation_scores_")
        return dict.fromkeys([*names, "best_validation_score_", "best_iter_"])
    best = history.best_iter
    return {
        "validation_loss_curve_": list(history.validation_losses),
        "validation_scores_": list(history.validation_scores),
        "best_validation_score_": None if best is None else history.validation_scores[best],
        "best_iter_": best,
    }


def _smoothed(Y: Floats, label_smoothing: float, y_type: str) -> Floats:
    """Move the targets towards 1/K for K exclusive classes, else towards ½."""
    if label_smoothing == 0:
        return Y
    n_classes = Y.shape[1] if y_type == "multiclass" else 2
    return Y * Y.dtype.type(1 - label_smoothing) + Y.dtype.type(label_smoothing / n_classes)


def _interrupted(state: FitState, keeps_best: bool) -> Result:
    """Return the last finished iteration, with a warning; raise if there is none."""
    history = state.history
    history.settle()
    if history.theta is None:
        raise KeyboardInterrupt
    n_iter = history.n_iter
    state.progress.averages = {}  # they are those of the middle of an epoch
    kept = history.best_iter if keeps_best and history.best_iter is not None else n_iter - 1
    warnings.warn(
        f"Training was interrupted; the model is that of iteration {kept + 1}.", stacklevel=5
    )
    return Result(history.theta, history.loss_curve[-1], n_iter, n_iter, True, "it was interrupted")
