"""skbp.estimator.state: what must stay the same for a fit to be resumed, and where it resumes."""

import pickle
import re
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from fitting import IRIS, MINI_BATCH, SOLVERS, Small, may_stop_early
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

from skbp import BackpropClassifier
from skbp.activations import Activation
from skbp.estimator.data import Dataset
from skbp.estimator.solver_factory import LEARNING_RATES
from skbp.estimator.state import Conditions, FitState, mark_unfinished
from skbp.estimator.training import FitResult, TrainingState
from skbp.losses import LOSSES
from skbp.network import Network
from skbp.solvers import Ending, Progress
from skbp.solvers.history import History

X, y = IRIS
LAYERS = Network((4, 5, 3))


def error(text):
    return pytest.raises(ValueError, match=re.escape(text))


# ---------------------------------------------------------------------------------- conditions


def conditions(X=X, has_validation_set=False, **parameters):
    given = BackpropClassifier(**parameters).get_params()
    examples = Dataset(X, y, y[: X.shape[0], np.newaxis])
    return Conditions.of(given, examples, has_validation_set)


def arctan(z):
    return np.arctan(z)


def arctan_prime(a):
    return np.cos(a) ** 2


def score(estimator, X, y):
    return 0.0


# for each parameter, two values of which a fit cannot be resumed with the other
DIFFERENT = {
    "init": ("auto", "lecture"),
    "hidden_layer_sizes": ((5,), (6,)),
    "activation": ("tanh", Activation(arctan, arctan_prime)),
    "output_activation": ("logistic", "softmax"),
    "loss": ("squared_error", LOSSES["logistic", "log_loss"]),
    "solver": ("sgd", "adam"),
    "alpha": (0.5, 1),
    "batch_size": ("auto", 200),
    "learning_rate": ("constant", "invscaling"),
    "learning_rate_init": ("auto", 0.1),
    "power_t": (0.5, 0.25),
    "shuffle": (True, False),
    "tol": (1e-4, 0.0),
    "momentum": (0.9, 0.8),
    "nesterovs_momentum": (True, False),
    "beta_1": (0.9, 0.8),
    "beta_2": (0.999, 0.99),
    "epsilon": (1e-8, 1e-7),
    "n_iter_no_change": (10, np.inf),
    "max_fun": (15000, 10),
    "early_stopping": (False, True),
    "validation_fraction": (0.1, 0.2),
    "scoring": ("accuracy", score),
    "class_weight": ({0: 1.0, 1: 2.0}, {0: 1.0, 1: 3.0}),
    "max_grad_norm": (None, 1.0),
    "dropout": (0.0, [0.5]),
    "binary_outputs": (1, 2),
    "label_smoothing": (0.0, 0.1),
}
MAY_DIFFER = {"verbose": True, "warm_start": True, "random_state": 7, "max_iter": 3}


def test_every_parameter_is_in_a_table():
    assert {*DIFFERENT, *MAY_DIFFER} == set(BackpropClassifier().get_params())
    assert not set(DIFFERENT) & set(MAY_DIFFER)


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_parameter_that_differs_is_named_with_its_values(name):
    one, other = (conditions(**{name: value}) for value in DIFFERENT[name])
    for each in (one, other):
        each.check(each)
    for before, now in [(one, other), (other, one)]:
        values = before.parameters[name], now.parameters[name]
        with error(f"the same {name} as before, {values[0]!r}. Got {values[1]!r} instead."):
            before.check(now)


@pytest.mark.parametrize("name", MAY_DIFFER)
def test_these_parameters_may_differ(name):
    conditions().check(conditions(**{name: MAY_DIFFER[name]}))


@pytest.mark.parametrize("learning_rate", LEARNING_RATES)
def test_max_iter_may_not_differ_where_the_learning_rate_is_planned_for_it(learning_rate):
    before, now = (conditions(learning_rate=learning_rate, max_iter=n) for n in (8, 9))
    if LEARNING_RATES[learning_rate].is_planned:
        with error("the same max_iter as before, 8. Got 9 instead."):
            before.check(now)
    else:
        before.check(now)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"X": X[:-1]}, "the same number of rows in X as before, 150. Got 149 instead."),
        ({"X": np.float32(X)}, "the same dtype of X as before, 'float64'. Got 'float32' instead."),
        ({"has_validation_set": True}, "the same use of X_val as before, False. Got True instead."),
    ],
)
def test_data_that_differ_are_named(changed, text):
    with error(text):
        conditions().check(conditions(**changed))
    conditions(**changed).check(conditions(**changed))


def test_a_sparse_x_is_the_same_as_a_dense_one():
    conditions().check(conditions(csr_array(X)))


def test_it_is_the_rows_that_are_named_where_much_differs():
    with error("number of rows"):
        conditions().check(conditions(np.float32(X[:9]), has_validation_set=True, alpha=3))


@pytest.mark.parametrize(
    "parameters",
    [
        {"activation": Activation(arctan, arctan_prime)},
        {"activation": ["tanh", Activation(arctan, arctan_prime)]},
        {"loss": LOSSES["logistic", "log_loss"]},
        {"scoring": score},
        {"hidden_layer_sizes": np.array([3, 4])},
        {"class_weight": {"a": np.float64(2)}, "dropout": (0.1, 0.2)},
    ],
    ids=str,
)
def test_pickled_conditions_are_the_same_for_pickled_parameters(parameters):
    before = conditions(**parameters)
    now = conditions(**pickle.loads(pickle.dumps(parameters)))
    pickle.loads(pickle.dumps(before)).check(now)
    assert before == now


# -------------------------------------------------------------------------- the state of a fit


def history_of(*losses):
    """Return a history with these losses, whose best score is that of the first iteration."""
    history = History()
    for i, loss in enumerate(losses):
        history.add(np.full(LAYERS.n_parameters, i + 1.0), loss, (0.5, -float(i)), tol=0)
    return history


def state_after(*losses, solver="adam", **changed):
    """Return the state of a fit after iterations with these losses."""
    progress = Progress(
        n_iter=len(losses),
        n_examples=150 * len(losses),
        averages={"m": np.ones(3)},
        random_state=np.random.RandomState(3),
        order=np.arange(150),
    )
    training = TrainingState(progress, history_of(*losses))
    return FitState(training, solver, held_out=np.array([1, 2]), **changed)


LIMITS = {"max_iter": 9, "max_fun": 99, "tol": 0.5, "n_iter_no_change": 3}


def test_a_new_fit_keeps_its_conditions():
    state = state_after()
    state.begin(conditions(alpha=1), LIMITS)
    assert state.conditions == conditions(alpha=1)
    state.begin(conditions(alpha=2), LIMITS)  # another new fit
    assert state.conditions == conditions(alpha=2)


def test_a_resumed_fit_requires_its_conditions():
    state = state_after(0.5, conditions=conditions(alpha=1), is_unfinished=True)
    with error("the same alpha as before, 1. Got 2 instead."):
        state.begin(conditions(alpha=2), LIMITS)
    assert state.conditions == conditions(alpha=1)
    state.begin(conditions(alpha=1, max_iter=7), LIMITS)


THETA = LAYERS.initialize(random_state=0)
COEFS, INTERCEPTS = [np.full((4, 5), 2.0), np.full((5, 3), 3.0)], [np.zeros(5), np.ones(3)]


def test_a_new_fit_starts_from_the_given_weights():
    state = state_after(0.5, 0.25)
    assert state.start_weights(LAYERS, THETA, None, None) is THETA


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_resumed_fit_starts_from_the_weights_of_the_last_iteration(dtype):
    state = state_after(0.5, 0.25, is_unfinished=True)
    start = state.start_weights(LAYERS, THETA.astype(dtype), None, None)
    assert_array_equal(start, np.full(LAYERS.n_parameters, 2.0))
    assert start.dtype == dtype
    assert_array_equal(state.last_weights, start)
    assert state_after().last_weights is None


@pytest.mark.parametrize("given", [{"coefs"}, {"intercepts"}, {"coefs", "intercepts"}], ids=str)
def test_start_weights_of_the_user_replace_the_others(given):
    theta = state_after().start_weights(
        LAYERS,
        THETA,
        COEFS if "coefs" in given else None,
        INTERCEPTS if "intercepts" in given else None,
    )
    for number, (before, after) in enumerate(
        zip(LAYERS.unpack(THETA), LAYERS.unpack(theta), strict=True)
    ):
        coef = COEFS[number].T if "coefs" in given else before[:, 1:]
        assert_array_equal(after[:, 1:], coef)
        assert_array_equal(
            after[:, 0], INTERCEPTS[number] if "intercepts" in given else before[:, 0]
        )


@pytest.mark.parametrize("init", [(COEFS, None), (None, INTERCEPTS), (COEFS, INTERCEPTS)])
def test_a_resumed_fit_takes_no_start_weights(init):
    state = state_after(0.5, is_unfinished=True)
    with error("A fit that is resumed takes no coefs_init and no intercepts_init."):
        state.start_weights(LAYERS, THETA, *init)


def result_of(state, ending):
    return FitResult(LAYERS, THETA, 0.5, 2, ending, state.training)


def test_a_running_fit_keeps_all_that_it_needs_to_be_resumed():
    state = state_after(0.5, 0.25, conditions=conditions(), is_unfinished=True)
    after = state.after(result_of(state, Ending.RUNNING))
    assert after.ending is Ending.RUNNING
    # only `mark_unfinished` says that the next fit resumes it
    assert not after.is_unfinished
    assert after.conditions == conditions()
    assert_array_equal(after.held_out, [1, 2])
    assert_array_equal(after.last_weights, state.last_weights)
    assert_array_equal(after.training.progress.order, np.arange(150))


@pytest.mark.parametrize("ending", [e for e in Ending if e is not Ending.RUNNING])
def test_a_fit_that_has_ended_keeps_no_arrays_of_rows_or_weights(ending):
    state = state_after(0.5, 0.25, conditions=conditions(), is_unfinished=True)
    after = state.after(result_of(state, ending))
    assert (after.ending, after.is_unfinished) == (ending, False)
    progress, last = after.training.progress, after.training.history.last
    assert after.held_out is after.last_weights is last.best_theta is progress.order is None
    assert after.training.history.loss_curve == [0.5, 0.25]
    # the averages are for partial_fit
    assert_array_equal(progress.averages["m"], np.ones(3))
    # the state of the running fit is another one
    assert state.last_weights is not None


def test_more_data_continue_the_curve_the_counts_and_the_averages_of_the_solver():
    state = state_after(0.5, 0.25, is_unfinished=True)
    state.training.progress.ending = Ending.LOSS_PLATEAU
    same, other = state.for_more_data("adam"), state.for_more_data("sgd")
    for after, solver in [(same, "adam"), (other, "sgd")]:
        progress, history = after.training.progress, after.training.history
        assert (after.solver, after.is_unfinished, after.conditions) == (solver, False, None)
        assert (history.loss_curve, history.last.best_loss) == ([0.5, 0.25], 0.25)
        assert (history.last.theta, history.last.best_iter, after.held_out) == (None, None, None)
        assert (progress.n_iter, progress.n_examples, progress.ending) == (2, 300, None)
        assert progress.order is None
    assert_array_equal(same.training.progress.averages["m"], np.ones(3))
    assert other.training.progress.averages == {}


def test_more_data_do_not_draw_from_the_random_state_of_the_model():
    state = state_after(0.5)
    before = deepcopy(state.training.progress.random_state)
    after = state.for_more_data("adam").training.progress.random_state
    assert after.randint(10**6) == deepcopy(before).randint(10**6)
    assert state.training.progress.random_state.randint(10**6) == before.randint(10**6)


def test_after_a_line_search_more_data_start_a_new_schedule():
    state = state_after(0.5, 0.25, solver="lbfgs")
    state.training.progress.n_examples = 0
    progress = state.for_more_data("adam").training.progress
    assert (progress.n_iter, progress.averages) == (0, {})
    assert state.for_more_data("adam").training.history.loss_curve == [0.5, 0.25]


# ----------------------------------------------------------------- marking a fit as unfinished


def model_with(state):
    model = Small()
    model._state = state
    return model


def test_a_model_that_was_saved_during_a_fit_is_marked():
    state = state_after(0.5)
    model = model_with(state.after(result_of(state, Ending.RUNNING)))
    assert not model._state.is_unfinished
    assert mark_unfinished(model) is True
    assert model._state.is_unfinished
    assert mark_unfinished(pickle.loads(pickle.dumps(model))) is True


@may_stop_early
def test_models_that_were_not_saved_during_a_fit_are_not_marked():
    fitted = Small(max_iter=2).fit(X, y)
    called = Small(solver=MINI_BATCH[0]).partial_fit(X, y, [0, 1, 2])
    for model in [Small(), fitted, called, Small().initialize(X, y), model_with("a state")]:
        assert mark_unfinished(model) is False
        assert not getattr(vars(model).get("_state"), "is_unfinished", False)


@pytest.mark.parametrize("something", [[1, 2], "a text", None])
def test_other_objects_are_not_marked(something):
    assert mark_unfinished(something) is False


@may_stop_early
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_fitted_model_holds_no_training_rows(solver):
    many = np.tile(X, (20, 1)), np.tile(y, 20)
    parameters = {"solver": solver, "max_iter": 2, "early_stopping": True}
    few_rows, many_rows = (
        len(pickle.dumps(Small(**parameters).fit(*data))) for data in (IRIS, many)
    )
    assert abs(many_rows - few_rows) < 500


@may_stop_early
def test_the_state_of_a_finished_fit_is_not_that_of_the_next_one():
    model = Small(solver="adam", max_iter=3, warm_start=True).fit(X, y)
    state, pickled = model._state, pickle.dumps(replace(model._state, conditions=None))
    model.fit(X, y)
    assert model._state is not state
    assert pickle.dumps(replace(state, conditions=None)) == pickled
