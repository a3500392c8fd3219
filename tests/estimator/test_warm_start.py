"""Training that continues from a model: warm_start, and initialize."""

import pickle
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from fitting import (
    FULL_BATCH,
    IRIS,
    LINE_SEARCH,
    PROBLEMS,
    SOLVERS,
    Brief,
    Small,
    assert_same_model,
    every_problem,
    every_solver,
    may_stop_early,
    theta_of,
    watch_passes,
    weights_of,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.validation import check_is_fitted

from skbp.network import Network
from skbp.objective import Objective

pytestmark = may_stop_early

X, y = IRIS
LAYERS = Network((4, 5, 3))


@pytest.fixture
def evaluated(monkeypatch):
    """Return the list of all weights and costs that a fit evaluates from now on."""
    points = []
    watch_passes(monkeypatch, lambda passed: points.append((passed.theta, passed.cost)))
    return points


# ----------------------------------------------------------------------------------- the start


@every_solver
def test_a_fit_leaves_the_arrays_of_the_last_one_alone(solver):
    model = Small(solver=solver, warm_start=True).fit(X, y)
    before = [*model.coefs_, *model.intercepts_]
    copies = [array.copy() for array in before]
    model.fit(X, y)
    for array, expected in zip(before, copies, strict=True):
        assert_array_equal(array, expected)
    assert not np.shares_memory(model.coefs_[0], before[0])


@every_solver
def test_it_starts_from_the_fitted_weights(solver, evaluated):
    model = Brief(solver=solver, warm_start=True).fit(X, y)
    theta = theta_of(model, LAYERS)
    evaluated.clear()
    model.fit(X, y)
    assert_array_equal(evaluated[0][0], theta)


@pytest.mark.parametrize("solver", FULL_BATCH)
def test_the_loss_starts_where_the_earlier_fit_ended(solver, evaluated):
    model = Brief(solver=solver, warm_start=True).fit(X, y)
    loss = model.loss_
    evaluated.clear()
    model.fit(X, y)
    assert_allclose(evaluated[0][1], loss, rtol=1e-12)
    assert model.loss_curve_[0] < loss


@every_solver
@every_problem
def test_it_gives_the_same_model_as_these_weights_as_start_weights(solver, problem):
    X, y = PROBLEMS[problem]
    model = Brief(solver=solver, shuffle=False, warm_start=True).fit(X, y)
    start = {"coefs_init": model.coefs_, "intercepts_init": model.intercepts_}
    expected = clone(model).fit(X, y, **start)
    assert_same_model(model.fit(X, y), expected)
    assert model.loss_curve_ == expected.loss_curve_


def test_two_short_descents_are_one_long_one():
    model = Brief(solver="gd", warm_start=True).fit(X, y)
    first = model.loss_curve_
    model.fit(X, y)
    at_once = Small(solver="gd", max_iter=16).fit(X, y)
    assert_same_model(model, at_once)
    assert first + model.loss_curve_ == at_once.loss_curve_


@pytest.mark.parametrize("solver", LINE_SEARCH)
def test_no_iteration_follows_at_the_optimum(solver):
    model = Small(solver=solver, tol=1e-3, n_iter_no_change=np.inf, warm_start=True)
    model.fit(X, y)
    optimum, loss = weights_of(model), model.loss_
    model.fit(X, y)
    assert (model.n_iter_, model.loss_curve_) == (0, [])
    assert_array_equal(weights_of(model), optimum)
    assert_allclose([model.loss_, model.best_loss_], loss, rtol=1e-12)


def test_one_step_follows_at_the_optimum_of_gradient_descent():
    model = Small(solver="gd", tol=1e-3, max_iter=5000, learning_rate_init=1.0, warm_start=True)
    model.set_params(n_iter_no_change=np.inf)
    assert model.fit(X, y).n_iter_ > 10
    assert model.fit(X, y).n_iter_ == 1


@every_solver
def test_curves_and_counts_are_those_of_the_new_fit(solver):
    model = Brief(solver=solver, warm_start=True).fit(X, y).set_params(max_iter=3).fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == 3


@every_solver
def test_without_it_a_fit_starts_from_new_weights(solver):
    model = Brief(solver=solver).fit(X, y)
    before = weights_of(model)
    assert_array_equal(weights_of(model.fit(X, y)), before)


@every_solver
def test_the_first_fit_starts_from_new_weights(solver):
    assert_same_model(
        Brief(solver=solver, warm_start=True).fit(X, y), Brief(solver=solver).fit(X, y)
    )


@every_solver
def test_a_pickled_model_continues_in_the_same_way(solver):
    model = Brief(solver=solver, warm_start=True).fit(X, y)
    restored = pickle.loads(pickle.dumps(model))
    assert_same_model(restored.fit(X, y), model.fit(X, y))


def test_start_weights_replace_those_of_the_model(evaluated):
    model = Brief(warm_start=True).fit(X, y)
    intercepts = [b.copy() for b in model.intercepts_]
    evaluated.clear()
    model.fit(X, y, coefs_init=[np.full((4, 5), 0.25), np.full((5, 3), 0.5)])
    first, second = LAYERS.unpack(evaluated[0][0])
    assert (first[:, 1:] == 0.25).all()
    assert (second[:, 1:] == 0.5).all()
    assert_array_equal(first[:, 0], intercepts[0])
    assert_array_equal(second[:, 0], intercepts[1])


# ------------------------------------------------------------------------ changes between fits


@pytest.mark.parametrize(("before", "after"), list(permutations(SOLVERS, 2)))
def test_the_solver_may_change(before, after, evaluated):
    model = Brief(solver=before, warm_start=True).fit(X, y)
    theta = theta_of(model, LAYERS)
    evaluated.clear()
    model.set_params(solver=after).fit(X, y)
    assert_array_equal(evaluated[0][0], theta)
    assert model.n_iter_ == len(model.loss_curve_) == 8


@every_solver
def test_early_stopping_may_be_switched_on_and_off(solver, evaluated):
    model = Brief(solver=solver, warm_start=True, tol=1e-6).fit(X, y)
    for early_stopping in (True, False):
        theta = theta_of(model, LAYERS)
        evaluated.clear()
        model.set_params(early_stopping=early_stopping).fit(X, y)
        assert_array_equal(evaluated[0][0], theta)
        assert model.n_iter_ == len(model.loss_curve_) == 8
        if early_stopping:
            assert len(model.validation_scores_) == 8
        else:
            assert model.validation_scores_ is None
            assert model.best_iter_ is None


@every_solver
@pytest.mark.parametrize(
    "changed",
    [
        {"alpha": 3.0},
        {"activation": "tanh"},
        {"output_activation": "softmax"},
        {"loss": "squared_error"},
        {"learning_rate": "cosine", "learning_rate_init": 0.01},
        {"class_weight": "balanced"},
        {"label_smoothing": 0.1},
        {"batch_size": 10, "random_state": 3},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_anything_else_may_change(solver, changed, evaluated):
    model = Brief(solver=solver, warm_start=True).fit(X, y)
    theta = theta_of(model, LAYERS)
    evaluated.clear()
    model.set_params(**changed).fit(X, y)
    assert_array_equal(evaluated[0][0], theta)


def test_the_examples_may_change():
    model = Brief(warm_start=True).fit(X, y)
    start = {"coefs_init": model.coefs_, "intercepts_init": model.intercepts_}
    expected = clone(model).fit(X[::2], y[::2], **start)
    assert_same_model(model.fit(X[::2], y[::2]), expected)


@pytest.mark.parametrize("dtypes", [(np.float32, np.float64), (np.float64, np.float32)])
def test_the_dtype_may_change(dtypes):
    before, after = dtypes
    model = Brief(warm_start=True).fit(X.astype(before), y)
    loss = model.loss_
    model.fit(X.astype(after), y)
    assert model.coefs_[0].dtype == after
    assert model.loss_ < loss


# ------------------------------------------------------------------- changes that are an error


def fitted_to(X, y):
    return Brief(warm_start=True).fit(X, y)


FRAME = pd.DataFrame(X, columns=list("abcd"))
SOME = y < 2
Y = PROBLEMS["multilabel"][1]

REFUSED = {
    "hidden units": (IRIS, {"hidden_layer_sizes": (6,)}, IRIS, r"hidden_layer_sizes=\(6,\)"),
    "hidden layers": (IRIS, {"hidden_layer_sizes": (5, 5)}, IRIS, r"hidden_layer_sizes=\(5, 5\)"),
    "no hidden layer": (IRIS, {"hidden_layer_sizes": ()}, IRIS, r"hidden_layer_sizes=\(\)"),
    "fewer classes": (IRIS, {}, (X[SOME], y[SOME]), r"\[0, 1, 2\].*\[0, 1\]"),
    "more classes": ((X[SOME], y[SOME]), {}, IRIS, r"\[2\].*\[0, 1\]"),
    "other classes": (IRIS, {}, (X, y + 1), r"\[3\].*\[0, 1, 2\]"),
    "classes by name": (IRIS, {}, (X, np.array(list("abc"))[y]), r"\['a', 'b', 'c'\]"),
    "multilabel": (IRIS, {}, (X[:120], Y), "one label a row"),
    "fewer labels": ((X[:120], Y), {}, (X[:120], Y[:, :3]), "4 columns of labels"),
    "classes for labels": ((X[:120], Y), {}, (X[:120], y[:120]), "4 columns of labels"),
    "fewer features": (IRIS, {}, (X[:, :3], y), "X has 3 features, but .* expecting 4 features"),
    "more features": (IRIS, {}, (X[:, [0, 1, 2, 3, 3]], y), "X has 5 features"),
    "feature names": ((FRAME, y), {}, (FRAME.rename(columns={"a": "e"}), y), "feature names"),
}


@pytest.mark.parametrize(
    ("before", "changed", "after", "message"), list(REFUSED.values()), ids=list(REFUSED)
)
def test_another_network_is_an_error(before, changed, after, message):
    model = fitted_to(*before)
    attributes, weights = vars(model).copy(), weights_of(model)
    model.set_params(**changed)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        model.fit(*after)
    model.set_params(hidden_layer_sizes=(5,))
    assert vars(model).keys() == attributes.keys()
    assert_array_equal(weights_of(model), weights)
    assert_same_model(model.fit(*before), fitted_to(*before).fit(*before))


@pytest.mark.parametrize("changed", [REFUSED[name] for name in ("hidden units", "other classes")])
def test_a_clone_or_a_new_start_may_be_any_network(changed):
    before, parameters, after, _ = changed
    model = fitted_to(*before).set_params(**parameters)
    expected = clone(model).fit(*after)
    assert_same_model(model.set_params(warm_start=False).fit(*after), expected)


# ---------------------------------------------------------------------------------- initialize


@every_solver
@every_problem
def test_an_initialized_network_predicts(solver, problem):
    X, y = PROBLEMS[problem]
    model = Small(solver=solver).initialize(X, y)
    assert model.predict(X).shape == y.shape
    assert model.predict_proba(X).shape == (len(X), len(model.classes_))
    assert set(vars(model)) == set(vars(Brief(solver=solver).fit(X, y)))
    assert (model.n_iter_, model.t_, model.loss_curve_) == (0, 0, [])
    assert model.best_iter_ is None


def test_an_initialized_network_has_the_start_weights(evaluated):
    initialized = Small().initialize(X, y)
    assert_array_equal(theta_of(initialized, LAYERS), LAYERS.initialize(random_state=0))
    cost = Objective(LAYERS, X, LabelBinarizer().fit_transform(y), alpha=0.5)
    assert_allclose(initialized.loss_, cost(theta_of(initialized, LAYERS))[0], rtol=1e-12)
    evaluated.clear()
    Small().fit(X, y)
    assert_array_equal(theta_of(initialized, LAYERS), evaluated[0][0])


@pytest.mark.parametrize("solver", FULL_BATCH)
def test_training_an_initialized_network_is_fit(solver):
    model = Brief(solver=solver, warm_start=True).initialize(X, y).fit(X, y)
    assert_same_model(model, Brief(solver=solver).fit(X, y))


@every_solver
def test_training_continues_from_edited_weights(solver, evaluated):
    model = Brief(solver=solver, warm_start=True).initialize(X, y)
    model.coefs_[0][:] = 0.25
    model.coefs_[1] = np.full((5, 3), -0.5)
    model.intercepts_ = [np.arange(5.0), np.arange(3.0)]
    theta = theta_of(model, LAYERS)
    evaluated.clear()
    model.fit(X, y)
    assert_array_equal(evaluated[0][0], theta)


COEFS = [np.linspace(-1, 1, 20).reshape(4, 5), np.linspace(2, -1, 15).reshape(5, 3)]
INTERCEPTS = [np.arange(5.0), np.arange(3.0)]


@pytest.mark.parametrize("weight", [None, np.linspace(0.5, 2, 150)], ids=["", "weights"])
def test_initialize_sets_given_weights_and_loss_is_their_cost(weight):
    given = {"coefs_init": COEFS, "intercepts_init": INTERCEPTS}
    model = Small(alpha=3.0).initialize(X, y, weight, **given)
    for found, expected in zip(model.coefs_ + model.intercepts_, COEFS + INTERCEPTS, strict=True):
        assert_array_equal(found, expected)
    Y = LabelBinarizer().fit_transform(y)
    cost = Objective(LAYERS, X, Y, alpha=3.0, sample_weight=weight, engine="numpy")
    assert_allclose(model.loss_, cost(theta_of(model, LAYERS))[0], rtol=1e-12)
    assert model.best_loss_ == model.loss_
    assert model.n_iter_ == 0


def test_initialize_draws_the_weights_that_are_not_given():
    drawn, model = Small().initialize(X, y), Small().initialize(X, y, coefs_init=COEFS)
    assert_array_equal(model.coefs_[1], COEFS[1])
    assert_array_equal(model.intercepts_[1], drawn.intercepts_[1])
    model = Small().initialize(X, y, intercepts_init=INTERCEPTS)
    assert_array_equal(model.intercepts_[1], INTERCEPTS[1])
    assert_array_equal(model.coefs_[1], drawn.coefs_[1])


def test_training_continues_from_the_weights_that_initialize_got():
    given = {"coefs_init": COEFS, "intercepts_init": INTERCEPTS}
    model = Brief(warm_start=True).initialize(X, y, **given).fit(X, y)
    assert_same_model(model, Brief().fit(X, y, **given))


def test_initialize_refuses_weights_of_another_shape():
    model = Small()
    with pytest.raises(ValueError, match="coefs_init"):
        model.initialize(X, y, coefs_init=COEFS[:1])
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


def test_initialize_draws_new_weights_each_time():
    model = Small().fit(X, y)
    assert_same_model(model.initialize(X, y), Small().initialize(X, y))
    assert model.n_iter_ == 0
    model = Small(random_state=np.random.RandomState(0))
    first, second = (weights_of(model.initialize(X, y)) for _ in range(2))
    assert not np.array_equal(first, second)


def test_initialize_keeps_the_dtype_and_the_names():
    model = Small().initialize(FRAME.astype(np.float32), y)
    assert {w.dtype for w in [*model.coefs_, *model.intercepts_]} == {np.dtype(np.float32)}
    assert_array_equal(model.feature_names_in_, list("abcd"))


@pytest.mark.parametrize(
    ("parameters", "bad", "message"),
    [
        ({}, (np.where(X > 1, np.nan, X), y), "Input X contains NaN"),
        ({}, (X, np.zeros(150)), "only one class"),
        ({}, (X, y[:-1]), "inconsistent numbers of samples"),
        ({"alpha": -1}, IRIS, "The 'alpha' parameter of BackpropClassifier"),
        ({"hidden_layer_sizes": (0,)}, IRIS, "hidden_layer_sizes must be"),
    ],
)
def test_initialize_refuses_what_fit_refuses(parameters, bad, message):
    model = Small().set_params(**parameters)
    for method in (model.initialize, model.fit):
        with pytest.raises(ValueError, match=message):
            method(*bad)
        with pytest.raises(NotFittedError):
            check_is_fitted(model)
