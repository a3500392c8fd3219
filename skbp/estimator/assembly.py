"""From a classifier and its data to the arguments of `train`, and from its result to attributes."""

import sys
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state

from skbp import weights
from skbp._typing import Floats, Labels, Matrix
from skbp.engine.arrays import NamespaceArray
from skbp.estimator.data import Dataset, TrainingSet, validated
from skbp.estimator.defaults import alpha_for, score_plateau, stops_early
from skbp.estimator.namespaces import back, foreign, weights_on_host
from skbp.estimator.parameters import default_parameters, with_python_numbers
from skbp.estimator.solver_factory import Parameters, Setting, ignored_parameters
from skbp.estimator.state import FitState
from skbp.estimator.targets import ClassWeight, Targets, targets_for
from skbp.estimator.training import AfterIteration, FitResult, TrainingState, Validate, train
from skbp.estimator.validation import Validation, held_out
from skbp.losses import get_loss, is_squared_error
from skbp.network import Network, is_layer_size
from skbp.objective import constant_decision
from skbp.solvers import Ending, Progress, Solver
from skbp.solvers.interface import MiniBatchCost

if TYPE_CHECKING:
    from skbp.estimator.classifier import BackpropClassifier

Attributes = dict[str, Any]
"""The fitted attributes of a classifier, by name."""

_LINE_SEARCHES = ("cg", "lbfgs")
_LEAST_START_OUTPUT = 1e-3
_MOST_WEIGHTS = sys.maxsize // np.dtype(float).itemsize

_TRAINING_ATTRIBUTES = (
    "n_iter_",
    "t_",
    "loss_",
    "loss_curve_",
    "best_loss_",
    "validation_loss_curve_",
    "validation_scores_",
    "best_validation_score_",
    "best_iter_",
    "_state",
)


@dataclass(frozen=True)
class Problem:
    """The problem that a classifier is to learn.

    Parameters
    ----------
    network : Network
        The network.
    targets : Targets
        The kind of the targets.
    class_weights : ndarray or None
        The weights of the classes.
    examples : TrainingSet
        The training set.
    parameters : mapping of str to object
        The parameters of the classifier, with Python's numbers.
    validation : TrainingSet or None
        The validation set.
    stops_early : bool
        Whether the score of a validation set decides when to stop.
    m_before : float
        The number of examples that came before, in a stream.
    ignored : tuple of str
        The parameters that were set and that the solver does not use, as in a call.
    given_y : NamespaceArray or None
        The labels as the user passed them, if they are not in NumPy.
    """

    network: Network
    targets: Targets
    class_weights: Floats | None
    examples: TrainingSet
    parameters: Parameters
    validation: TrainingSet | None = None
    stops_early: bool = False
    m_before: float = 0.0
    ignored: tuple[str, ...] = ()
    given_y: NamespaceArray | None = None

    @property
    def dataset(self) -> Dataset:
        """The training set, which is in memory."""
        assert isinstance(self.examples, Dataset)
        return self.examples

    @property
    def m(self) -> float:
        """The m in λ/2m: the sum of the weights of all examples so far."""
        return self.m_before + self.examples.m

    @property
    def alpha(self) -> float:
        """λ."""
        return alpha_for(self.parameters, self.m)

    @property
    def alpha_of_examples(self) -> float:
        """The λ that has the same λ/m where m is that of these examples alone."""
        share = self.examples.m / self.m if self.m_before else 1.0
        return self.alpha * share

    def weighted(self, examples: Dataset) -> Dataset:
        """Return examples with the weights of their classes.

        Parameters
        ----------
        examples : Dataset
            The examples.

        Returns
        -------
        Dataset
            The examples with another ``weight``.
        """
        given = self.parameters["class_weight"]
        return weighted_by_class(examples, self.targets, self.class_weights, given)


def weighted_by_class(
    examples: Dataset, targets: Targets, class_weights: Floats | None, given: ClassWeight
) -> Dataset:
    """Return examples with the weights of their classes.

    Parameters
    ----------
    examples : Dataset
        The examples.
    targets : Targets
        The kind of the targets.
    class_weights : ndarray or None
        The weights of the classes.
    given : dict, list of dict, "balanced" or None
        The parameter ``class_weight``, for the error message.

    Returns
    -------
    Dataset
        The examples with another ``weight``.

    Raises
    ------
    ValueError
        If a product of weights is not finite.
    """
    if class_weights is None:
        return examples.with_class_weights(None)
    with np.errstate(over="ignore", invalid="ignore"):
        of_rows = targets.weights_of_rows(examples.Y, class_weights)
        weighted = examples.with_class_weights(of_rows)
    if weighted.weight is not None and not np.isfinite(weighted.weight).all():
        raise ValueError(
            "The products of class_weight and sample_weight must be finite in "
            f"{examples.Y.dtype}. Got class_weight={given!r}."
        )
    return weighted


def assemble(
    classifier: "BackpropClassifier",
    X: Matrix,
    y: Labels,
    sample_weight: ArrayLike | None,
    known: Targets | None,
    dtype: DTypeLike | None = None,
) -> Problem:
    """Return the problem of a classifier and its data.

    Parameters
    ----------
    classifier : BackpropClassifier
        The classifier.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The training examples.
    y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_labels)
        Their labels.
    sample_weight : array-like of shape (n_samples,) or None
        Their weights.
    known : Targets or None
        The targets of the fitted model that training continues; its features must be the
        same. None for new ones.
    dtype : dtype, default=None
        The dtype to compute in. None for float32 if X has it, else float64.

    Returns
    -------
    Problem
        The problem.

    Raises
    ------
    ValueError
        If X, y, the weights or a parameter are invalid.
    """
    reset = known is None or not hasattr(classifier, "coefs_")
    given_y = foreign(y)
    X, y, sample_weight = validated(classifier, X, y, sample_weight, reset, dtype)
    targets = targets_for(y) if known is None else known
    return replace(problem_of(classifier, targets, X, y, sample_weight), given_y=given_y)


def problem_of(
    classifier: "BackpropClassifier",
    targets: Targets,
    X: Matrix,
    y: Labels,
    sample_weight: Floats | None,
) -> Problem:
    """Return the problem of a classifier and examples that have been checked.

    Parameters
    ----------
    classifier : BackpropClassifier
        The classifier.
    targets : Targets
        The kind of the targets.
    X : {ndarray, sparse matrix} of shape (m, n_features)
        The training examples, of float32 or float64.
    y : {ndarray, sparse matrix} of shape (m,) or (m, n_labels)
        Their labels.
    sample_weight : ndarray of shape (m,) or None
        Their weights.

    Returns
    -------
    Problem
        The problem.

    Raises
    ------
    ValueError
        If a parameter is invalid or does not fit the examples.
    """
    parameters = with_python_numbers(classifier)
    targets = targets.with_binary_outputs(parameters["binary_outputs"])
    examples = Dataset(X, y, targets.encode(y, X.dtype), sample_weight)
    class_weights = None
    if parameters["class_weight"] is not None:
        class_weights = targets.class_weights(parameters["class_weight"], examples)
    network = network_of(parameters, examples.sizes, targets)
    kind: Any = type(classifier)  # mypy takes no class for hashable
    ignored = ignored_parameters(parameters, default_parameters(kind))
    problem = Problem(network, targets, class_weights, examples, parameters, ignored=ignored)
    return replace(problem, examples=problem.weighted(examples))


def network_of(parameters: Parameters, sizes: tuple[int, int], targets: Targets) -> Network:
    """Return the network that is to be trained.

    Parameters
    ----------
    parameters : mapping of str to object
        The parameters of the classifier, valid.
    sizes : tuple of (int, int)
        The number of features, and that of output units.
    targets : Targets
        The kind of the targets.

    Returns
    -------
    Network
        The network.

    Raises
    ------
    ValueError
        If ``hidden_layer_sizes`` is invalid.
    """
    given = parameters["hidden_layer_sizes"]
    hidden = given if np.iterable(given) else [given]
    if not all(is_layer_size(s) for s in hidden):
        raise ValueError(f"hidden_layer_sizes must be positive integers. Got {given!r} instead.")
    n_features, n_outputs = sizes
    output_activation = targets.output_activation(parameters["output_activation"])
    network = Network((n_features, *hidden, n_outputs), parameters["activation"], output_activation)
    if network.n_parameters > _MOST_WEIGHTS:
        raise ValueError(
            f"hidden_layer_sizes={given!r} makes a network of {network.n_parameters} weights, "
            "more than an array can hold."
        )
    return network


def with_validation(
    classifier: "BackpropClassifier",
    problem: Problem,
    state: FitState,
    given: tuple[Matrix | None, Labels | None, ArrayLike | None],
) -> Problem:
    """Return a problem with its validation set, if it needs one, and whether that ends training.

    Parameters
    ----------
    classifier : BackpropClassifier
        The classifier.
    problem : Problem
        The problem.
    state : FitState
        The state of the fit, which remembers the rows that are held out.
    given : tuple of (X_val, y_val, sample_weight_val)
        The user's own validation set; each may be None.

    Returns
    -------
    Problem
        The problem.

    Raises
    ------
    ValueError
        If the user's set does not fit the training set, or no example can be held out.
    """
    is_early = stops_early(problem.parameters, problem.examples.n_counted)
    problem = replace(problem, stops_early=is_early)
    if any(part is not None for part in given):
        return with_given_set(classifier, problem, *given)
    return with_held_out_set(problem, state) if is_early else problem


def with_given_set(
    classifier: "BackpropClassifier",
    problem: Problem,
    X_val: Matrix,
    y_val: Labels,
    sample_weight_val: ArrayLike | None,
) -> Problem:
    """Return a problem with a validation set of the user's own.

    Parameters
    ----------
    classifier : BackpropClassifier
        The classifier.
    problem : Problem
        The problem.
    X_val : {array-like, sparse matrix} of shape (n_val, n_features)
        The examples.
    y_val : {array-like, sparse matrix} of shape (n_val,) or (n_val, n_labels)
        Their labels.
    sample_weight_val : array-like of shape (n_val,) or None
        Their weights.

    Returns
    -------
    Problem
        The problem with the validation set.

    Raises
    ------
    ValueError
        If the set does not fit the training set.
    """
    if isinstance(X_val, list | tuple) and any(isinstance(each, tuple) for each in X_val):
        raise ValueError(
            "X_val must be one array of examples, with their labels in y_val. "
            f"Got a {type(X_val).__name__} that holds a tuple instead."
        )
    if X_val is None or y_val is None:
        raise ValueError("A validation set needs both X_val and y_val. One of them is None.")
    try:
        X, y, weight = validated(classifier, X_val, y_val, sample_weight_val, reset=False)
    except ValueError as error:
        raise ValueError(f"X_val, y_val or sample_weight_val is invalid: {error}") from error
    dtype = problem.examples.dtype
    Y = problem.targets.encode(y, dtype, "y_val")
    weight = None if weight is None else weight.astype(dtype, copy=False)
    examples = problem.weighted(Dataset(X.astype(dtype, copy=False), y, Y, weight))
    if not examples.has_weight:
        raise ValueError("The classes of y_val must not all have a class_weight of 0.")
    return replace(problem, validation=examples)


def with_held_out_set(problem: Problem, state: FitState) -> Problem:
    """Return a problem with a validation set that is drawn from the training set.

    It is the first thing that a new fit draws: a warm start with the same int as
    ``random_state`` and the same data has the same set, and sees none of it in training.

    Parameters
    ----------
    problem : Problem
        The problem.
    state : FitState
        The state of the fit, which remembers the rows.

    Returns
    -------
    Problem
        The problem without these rows in the training set; they are the validation set.

    Raises
    ------
    ValueError
        If no example can be spared, or a fit that is resumed has lost the weights of
        those that were.
    """
    examples = problem.dataset
    if state.held_out is None:
        random_state = state.training.progress.generator()
        fraction = problem.parameters["validation_fraction"]
        state.held_out = held_out(examples, problem.targets, fraction, random_state)
    others = np.delete(np.arange(len(examples.Y)), state.held_out)
    drawn = examples.take(state.held_out)
    if not drawn.has_weight:
        raise ValueError(
            "A fit that is resumed needs the sample_weight that it had: the rows of its "
            "validation set must not all have a weight of 0."
        )
    return replace(problem, examples=examples.take(others), validation=drawn)


def new_state(classifier: "BackpropClassifier") -> FitState:
    """Return the state of a new fit.

    Parameters
    ----------
    classifier : BackpropClassifier
        The classifier.

    Returns
    -------
    FitState
        The state.
    """
    random_state = classifier.random_state
    if random_state is None:
        # a stream of its own, which is kept when training continues
        random_state = check_random_state(None).randint(np.iinfo(np.int32).max)
    progress = Progress(random_state=check_random_state(random_state))
    return FitState(TrainingState(progress), classifier.solver)


def new_weights(problem: Problem, state: FitState) -> Floats:
    """Draw start weights.

    Parameters
    ----------
    problem : Problem
        The problem.
    state : FitState
        The state, which has the random state.

    Returns
    -------
    ndarray of shape (n_parameters,)
        The weights, of the dtype of the examples.
    """
    parameters = problem.parameters
    gain: float | Literal["auto"] = 1 if parameters["init"] == "lecture" else "auto"
    theta = problem.network.initialize(state.training.progress.generator(), gain)
    # The first line searches of the squared error would saturate output units for good.
    is_steep = is_squared_error(parameters["loss"]) and parameters["solver"] in _LINE_SEARCHES
    if gain == "auto" and is_steep and problem.examples.has_weight:
        _make_constant(theta, problem)
    return theta.astype(problem.examples.dtype, copy=False)


def _make_constant(theta: Floats, problem: Problem) -> None:
    """Set the weights of the output layer so that the outputs are the means of the targets."""
    Theta, means = problem.network.unpack(theta)[-1], problem.examples.target_means
    Theta[:, 0] = constant_decision(problem.network, means, _LEAST_START_OUTPUT)
    Theta[:, 1:] = 0


def precision_of(classifier: "BackpropClassifier") -> DTypeLike:
    """Return the dtype that a fitted classifier continues in.

    Parameters
    ----------
    classifier : BackpropClassifier
        The classifier.

    Returns
    -------
    dtype
        float32 if its weights are, else float64.
    """
    is_single = all(coef.dtype == np.float32 for coef in weights_on_host(classifier.coefs_))
    return np.float32 if is_single else np.float64


def fitted_weights(classifier: "BackpropClassifier", problem: Problem) -> Floats:
    """Return the weights of a fitted classifier, to continue from.

    Parameters
    ----------
    classifier : BackpropClassifier
        The classifier.
    problem : Problem
        The problem.

    Returns
    -------
    ndarray of shape (n_parameters,)
        The weights, of the dtype of the examples. They may be those of the classifier itself.

    Raises
    ------
    ValueError
        If its hidden or output layers have other sizes.
    """
    *before, outputs_before = classifier.network_.layer_sizes[1:]
    *now, outputs_now = problem.network.layer_sizes[1:]
    if before != now:
        raise ValueError(
            f"hidden_layer_sizes={classifier.hidden_layer_sizes!r} cannot continue the fitted "
            f"model, whose hidden layers have {tuple(before)} units. Clone the estimator to start "
            "anew."
        )
    if outputs_before != outputs_now:
        raise ValueError(
            f"binary_outputs={classifier.binary_outputs!r} cannot continue the fitted model, "
            f"which has {outputs_before} output units. Clone the estimator to start anew."
        )
    network, dtype = problem.network, problem.examples.dtype
    pair = weights_on_host(classifier.coefs_), weights_on_host(classifier.intercepts_)
    theta = weights.source_of(pair, network.unpack)
    if theta is None:
        theta = np.empty(network.n_parameters, dtype)
        weights.write(network.unpack(theta), *pair)
    return theta.astype(dtype, copy=False)


def training_set(problem: Problem) -> TrainingSet:
    """Return the training set with smoothed targets.

    Parameters
    ----------
    problem : Problem
        The problem.

    Returns
    -------
    TrainingSet
        The examples.
    """
    label_smoothing = problem.parameters["label_smoothing"]
    if label_smoothing == 0:
        return problem.examples
    smooth = partial(problem.targets.smooth, label_smoothing=label_smoothing)
    return problem.examples.with_targets(smooth)


def objective_of(problem: Problem) -> MiniBatchCost:
    """Return the cost that a classifier minimises on its training set, without dropout.

    Parameters
    ----------
    problem : Problem
        The problem.

    Returns
    -------
    MiniBatchCost
        The cost.
    """
    loss, alpha = problem.parameters["loss"], problem.alpha_of_examples
    return training_set(problem).objective(problem.network, loss, alpha)


def setting_of(problem: Problem) -> Setting:
    """Return what the solver of a fit is made for.

    Parameters
    ----------
    problem : Problem
        The problem.

    Returns
    -------
    Setting
        The parameters, and facts about the training set.
    """
    examples, loss = training_set(problem), problem.parameters["loss"]
    constant = examples.constant_cost(problem.network, loss)
    return Setting(problem.parameters, examples.n_rows, constant, problem.stops_early)


def validation_of(
    classifier: "BackpropClassifier",
    problem: Problem,
    score_params: Mapping[str, Any] | None = None,
) -> Validation | None:
    """Return the loss and score on the validation set as a function of the weights.

    Parameters
    ----------
    classifier : BackpropClassifier
        The classifier.
    problem : Problem
        The problem.
    score_params : mapping of str to object, default=None
        What a scorer gets beside the validation set. None for its sample weights.

    Returns
    -------
    Validation or None
        The function; None if there is no validation set.
    """
    examples, network, targets = problem.validation, problem.network, problem.targets
    if examples is None:
        return None
    assert isinstance(examples, Dataset)
    loss = get_loss(network.h.name, problem.parameters["loss"])
    if classifier.scoring is None:
        return Validation(network, examples, loss, targets)
    if score_params is None:
        weight = examples.sample_weight
        score_params = {} if weight is None else {"sample_weight": back(weight, examples.X)}
    given = dict(score_params)
    X = examples.X.array if isinstance(examples.X, NamespaceArray) else examples.X
    y = back(examples.y, examples.X)

    def score(theta: Floats) -> float:
        fitted = copy(classifier)
        fitted.__dict__.update(network_attributes(problem, theta.copy()))
        # the examples are arrays by now, and what an earlier fit found is not this fit's
        for name in ("feature_names_in_", *_TRAINING_ATTRIBUTES):
            fitted.__dict__.pop(name, None)
        scorer = check_scoring(fitted, classifier.scoring)
        return _as_score(scorer(fitted, X, y, **given))

    return Validation(network, examples, loss, targets, score)


def trained(
    problem: Problem,
    solver: Solver,
    start: Floats,
    state: FitState,
    validation: Validate | None = None,
    callback: AfterIteration | None = None,
) -> FitResult:
    """Train the network of a problem.

    Parameters
    ----------
    problem : Problem
        The problem.
    solver : Solver
        The solver.
    start : ndarray of shape (n_parameters,)
        The weights to start from.
    state : FitState
        The state of the fit.
    validation : callable, default=None
        Maps the weights to their loss and score on the validation set.
    callback : callable, default=None
        Called after each iteration, as by `train`.

    Returns
    -------
    FitResult
        The result.
    """
    parameters = problem.parameters
    return train(
        problem.network,
        training_set(problem),
        solver=solver,
        start=start,
        state=state.training,
        loss=parameters["loss"],
        alpha=problem.alpha_of_examples,
        dropout=parameters["dropout"],
        validation=validation,
        early_stopping=score_plateau(parameters) if problem.stops_early else None,
        callback=callback,
        verbose=bool(parameters["verbose"]),
    )


def _as_score(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"scoring must return a number. Got {value!r} instead.") from None


def network_attributes(problem: Problem, theta: Floats) -> Attributes:
    """Return the attributes of a fitted classifier that predictions need.

    Parameters
    ----------
    problem : Problem
        The problem.
    theta : ndarray of shape (n_parameters,)
        The weights, into which ``coefs_`` and ``intercepts_`` are views.

    Returns
    -------
    dict of str to object
        The attributes.
    """
    network, targets, like = problem.network, problem.targets, problem.examples.first
    theta = theta.astype(problem.examples.dtype, copy=False)
    coefs, intercepts = weights.views(network.unpack(theta))
    return {
        "coefs_": [back(coef, like) for coef in coefs],
        "intercepts_": [back(intercept, like) for intercept in intercepts],
        "classes_": back(targets.classes, problem.given_y),
        "n_layers_": len(network.layer_sizes),
        "n_outputs_": network.layer_sizes[-1],
        "out_activation_": network.h.name,
        "alpha_": problem.alpha,
        "network_": network,
        "targets_": targets,
        "_n_features_out": network.layer_sizes[-2],
    }


def untrained_result(
    problem: Problem, theta: Floats, loss: float, ending: Ending, state: FitState
) -> FitResult:
    """Return a result with weights that were not changed.

    Parameters
    ----------
    problem : Problem
        The problem.
    theta : ndarray of shape (n_parameters,)
        The weights.
    loss : float
        Their loss.
    ending : Ending
        How training ended.
    state : FitState
        The state of the fit.

    Returns
    -------
    FitResult
        The result.
    """
    return FitResult(problem.network, theta, loss, 0, ending, state.training)


def fitted_attributes(
    problem: Problem, state: FitState, result: FitResult, n_examples: int | None = None
) -> Attributes:
    """Return all attributes of a fitted classifier.

    Parameters
    ----------
    problem : Problem
        The problem.
    state : FitState
        The state of the fit before the training.
    result : FitResult
        The result of the training.
    n_examples : int, default=None
        The number of training examples that were propagated. None for those of the result.

    Returns
    -------
    dict of str to object
        The attributes.
    """
    history = result.state.history
    last, is_validated = history.last, problem.validation is not None
    if n_examples is None:
        n_examples = result.n_passes * problem.examples.n_rows
    found = (
        last.n_iter,
        n_examples,
        result.loss,
        history.loss_curve,
        min(result.loss, last.best_loss),
        history.validation_loss_curve if is_validated else None,
        history.validation_scores if is_validated else None,
        last.best_score if is_validated and last.best_iter is not None else None,
        last.best_iter if is_validated else None,
        state.after(result),
    )
    of_training = dict(zip(_TRAINING_ATTRIBUTES, found, strict=True))
    return network_attributes(problem, result.theta) | of_training
