"""What "auto" stands for: alpha, early stopping and its patience; and the start weights."""

import numpy as np
import pytest
from fitting import IRIS, MINI_BATCH, assert_same_model, may_stop_early, weights_of
from numpy.testing import assert_allclose

from skbp import BackpropClassifier
from skbp.activations import Activation
from skbp.estimator.defaults import alpha_for, score_plateau, stops_early

X, y = IRIS


def parameters_of(**given):
    return BackpropClassifier(**given).get_params()


ALPHAS = {
    "logistic": 0.5,
    "identity": 0.5,
    "softplus": 0.3,
    "tanh": 1.0,
    "elu": 1.0,
    "selu": 2.0,
    "relu": 3.5,
    "leaky_relu": 3.5,
}


@pytest.mark.parametrize(("activation", "c"), ALPHAS.items())
@pytest.mark.parametrize(("m", "factor"), [(5, 0.01), (125, 0.25), (500, 1), (501, 1), (1e6, 1)])
@pytest.mark.parametrize(("loss", "share"), [("log_loss", 1), ("squared_error", 0.1)])
def test_alpha_depends_on_activation_loss_and_rows(activation, c, m, factor, loss, share):
    found = alpha_for(parameters_of(activation=activation, loss=loss), m)
    assert_allclose(found, c * factor * share, rtol=1e-12)


@pytest.mark.parametrize(
    ("sizes", "activation", "c"),
    [
        ((5, 5), ["relu", "tanh"], 1.0),
        ((5, 5), ("tanh", "softplus"), 0.3),
        ((), "relu", 0.5),
        ([], "tanh", 0.5),
        (np.array([], dtype=int), "relu", 0.5),
        ((5,), Activation(np.tanh, lambda a: 1 - a**2), 3.5),
    ],
)
def test_alpha_of_several_activations_none_or_ones_own(sizes, activation, c):
    given = parameters_of(hidden_layer_sizes=sizes, activation=activation)
    assert alpha_for(given, 1000) == c


@pytest.mark.parametrize("m", [1, 125, 1e5])
@pytest.mark.parametrize("alpha", [0, 1, 0.25])
def test_an_alpha_that_is_given_is_used(alpha, m):
    found = alpha_for(parameters_of(alpha=alpha), m)
    assert (type(found), found) == (float, alpha)


def test_a_model_tells_its_alpha():
    assert_allclose(BackpropClassifier().fit(X, y).alpha_, 3.5 * 150 / 500)
    assert BackpropClassifier(alpha=2).fit(X, y).alpha_ == 2.0
    assert_allclose(BackpropClassifier().initialize(X, y).alpha_, 3.5 * 150 / 500)


def test_weights_act_as_repeated_rows_on_alpha():
    weight = np.arange(150) % 3
    weighted = BackpropClassifier((5,), random_state=0).fit(X, y, weight)
    repeated = BackpropClassifier((5,), random_state=0)
    repeated.fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert weighted.alpha_ == repeated.alpha_
    assert_allclose(weighted.loss_, repeated.loss_, rtol=1e-3)


@pytest.mark.parametrize("solver", MINI_BATCH)
def test_the_rows_of_a_stream_are_counted(solver):
    model = BackpropClassifier((5,), solver=solver, shuffle=False, random_state=0)
    twin = BackpropClassifier((5,), solver=solver, shuffle=False, random_state=0, alpha=0)
    for m, alpha in [(50, 0.35), (100, 0.7), (150, 1.05)]:
        # the λ that has the same effect in a stream that counts the same rows
        twin.set_params(alpha=alpha)
        for each in (model, twin):
            each.partial_fit(X[m - 50 : m], y[m - 50 : m], [0, 1, 2])
        assert_allclose(model.alpha_, alpha)
    assert_same_model(model, twin, rtol=1e-12)


@may_stop_early
@pytest.mark.parametrize("solver", MINI_BATCH)
def test_a_stream_counts_on_from_the_rows_of_fit(solver):
    model = BackpropClassifier((5,), solver=solver, max_iter=2).fit(X, y)
    assert_allclose(model.partial_fit(X, y).alpha_, 3.5 * 300 / 500)
    assert_allclose(model.partial_fit(X, y, sample_weight=np.full(150, 2)).alpha_, 3.5)


@pytest.mark.parametrize(("n_rows", "expected"), [(10, False), (2000, False), (2001, True)])
def test_it_stops_early_where_there_are_many_rows(n_rows, expected):
    assert stops_early(parameters_of(), n_rows) is expected
    assert stops_early(parameters_of(early_stopping=True), n_rows) is True
    assert stops_early(parameters_of(early_stopping=False), n_rows) is False


@pytest.mark.parametrize("learning_rate", ["cosine", "one_cycle"])
@pytest.mark.parametrize("solver", ["gd", "sgd", "adam", "lbfgs", "cg"])
def test_a_plan_is_carried_through_by_the_solvers_that_have_one(solver, learning_rate):
    given = parameters_of(solver=solver, learning_rate=learning_rate)
    assert stops_early(given, 5000) is (solver in ("lbfgs", "cg"))


def test_patience_grows_where_early_stopping_is_automatic():
    automatic = score_plateau(parameters_of(tol=0.01, n_iter_no_change=7))
    assert (automatic.tol, automatic.patience, automatic.growth) == (0.01, 7, 2)
    assert score_plateau(parameters_of(early_stopping=True)).growth == 0


def test_the_lectures_start_weights_have_its_bound_and_drawn_biases():
    model = BackpropClassifier((50,), init="lecture", random_state=0).initialize(X, y)
    for coef, intercept in zip(model.coefs_, model.intercepts_, strict=True):
        bound = np.sqrt(6 / sum(coef.shape))
        assert 0.9 * bound < np.abs(coef).max() <= bound
        assert (np.abs(intercept) > 0).all()
        assert (np.abs(intercept) <= bound).all()


def test_start_weights_of_relu_are_hes_and_biases_are_0():
    model = BackpropClassifier((50,), random_state=0).initialize(X, y)
    for coef, intercept in zip(model.coefs_, model.intercepts_, strict=True):
        bound = np.sqrt(6 / len(coef))
        assert 0.9 * bound < np.abs(coef).max() <= bound
        assert (intercept == 0).all()


@pytest.mark.parametrize("solver", MINI_BATCH)
def test_a_stream_that_diverges_leaves_the_model_as_before(solver):
    model = BackpropClassifier((5,), solver=solver, random_state=0).partial_fit(X, y, [0, 1, 2])
    before, attributes = weights_of(model), vars(model).copy()
    model.set_params(learning_rate_init=1e200)
    with pytest.raises(ValueError, match="learning_rate_init"):
        model.partial_fit(X, y)
    assert np.array_equal(weights_of(model), before)
    assert vars(model) == attributes | {"learning_rate_init": 1e200}


@pytest.mark.parametrize("solver", ["lbfgs", "cg", "gd"])
def test_other_solvers_name_those_with_a_partial_fit(solver):
    model = BackpropClassifier(solver=solver)
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError, match=r"sgd.*adam") as caught:
        model.partial_fit(X, y)
    assert caught.value.__cause__ is None
