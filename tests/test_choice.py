"""skbp.choice: which solver the parameters of BackpropClassifier stand for."""

from operator import attrgetter

import numpy as np
import pytest

from skbp import BackpropClassifier
from skbp.choice import choose_solver
from skbp.solvers import (
    LBFGS,
    Adam,
    Adaptive,
    ConjugateGradient,
    Constant,
    GradientDescent,
    InverseScaling,
    MiniBatchDescent,
    Momentum,
)


def solver_for(n_rows=1000, random_state=None, **parameters):
    return choose_solver(BackpropClassifier(**parameters).get_params(), n_rows, random_state)


@pytest.mark.parametrize(
    ("solver", "expected"),
    [
        ("gd", GradientDescent),
        ("sgd", MiniBatchDescent),
        ("adam", MiniBatchDescent),
        ("cg", ConjugateGradient),
        ("lbfgs", LBFGS),
    ],
)
def test_solver_by_name(solver, expected):
    assert type(solver_for(solver=solver)) is expected


@pytest.mark.parametrize(("solver", "expected"), [("sgd", Momentum), ("adam", Adam)])
def test_update_rule_by_name(solver, expected):
    assert type(solver_for(solver=solver).rule) is expected


@pytest.mark.parametrize(
    ("solver", "learning_rate", "expected"),
    [
        ("sgd", "constant", Constant),
        ("sgd", "invscaling", InverseScaling),
        ("sgd", "adaptive", Adaptive),
        # as in MLPClassifier, Adam's is constant
        ("adam", "constant", Constant),
        ("adam", "invscaling", Constant),
        ("adam", "adaptive", Constant),
    ],
)
def test_learning_rate_by_name(solver, learning_rate, expected):
    chosen = solver_for(solver=solver, learning_rate=learning_rate)
    assert type(chosen.learning_rate) is expected


where_a_parameter_arrives = [
    *((solver, "max_iter", 7, "max_iter") for solver in ("gd", "sgd", "adam", "cg", "lbfgs")),
    *((solver, "tol", 0.5, "tol") for solver in ("gd", "sgd", "adam", "cg", "lbfgs")),
    ("lbfgs", "max_fun", 9, "max_fun"),
    ("gd", "learning_rate_init", 0.7, "learning_rate"),
    ("sgd", "learning_rate_init", 0.7, "learning_rate.eta"),
    ("adam", "learning_rate_init", 0.7, "learning_rate.eta"),
    ("sgd", "batch_size", 17, "batch_size"),
    ("adam", "batch_size", 17, "batch_size"),
    ("sgd", "n_iter_no_change", 3, "n_iter_no_change"),
    ("adam", "n_iter_no_change", np.inf, "n_iter_no_change"),
    ("sgd", "momentum", 0.3, "rule.momentum"),
    ("sgd", "nesterovs_momentum", False, "rule.nesterov"),
    ("adam", "beta_1", 0.3, "rule.beta_1"),
    ("adam", "beta_2", 0.3, "rule.beta_2"),
    ("adam", "epsilon", 0.3, "rule.epsilon"),
]


@pytest.mark.parametrize(("solver", "parameter", "value", "place"), where_a_parameter_arrives)
def test_parameter_arrives(solver, parameter, value, place):
    assert attrgetter(place)(solver_for(solver=solver, **{parameter: value})) == value


def test_power_t_arrives():
    chosen = solver_for(solver="sgd", learning_rate="invscaling", power_t=0.3)
    assert chosen.learning_rate.power_t == 0.3


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_shuffle_hands_on_the_random_state(solver):
    random_state = np.random.RandomState(0)
    chosen = solver_for(solver=solver, random_state=random_state)
    assert chosen.random_state is random_state
    assert solver_for(solver=solver, random_state=random_state, shuffle=False).random_state is None


@pytest.mark.parametrize(
    ("activation", "rate"),
    [
        ("logistic", 0.2),
        ("tanh", 0.2),
        ("identity", 0.1),
        ("relu", 0.1),
        ("leaky_relu", 0.1),
        ("elu", 0.1),
        ("selu", 0.1),
        ("softplus", 0.1),
    ],
)
def test_automatic_learning_rate_of_gradient_descent(activation, rate):
    assert solver_for(solver="gd", activation=activation).learning_rate == rate


@pytest.mark.parametrize(
    ("parameters", "n_rows", "rate"),
    [
        # batches of 200 rows, momentum 0.9
        ({}, 1000, 0.2 * 0.1),
        ({"activation": "relu"}, 1000, 0.1 * 0.1),
        ({"momentum": 0}, 1000, 0.2),
        ({"momentum": 0.5}, 1000, 0.2 * 0.5),
        ({"momentum": 0.999}, 1000, 0.2 * 0.01),
        ({"momentum": 1}, 1000, 0.2 * 0.01),
        ({"momentum": 0, "batch_size": 32}, 1000, 0.2),
        ({"momentum": 0, "batch_size": 8}, 1000, 0.2 / 4),
        ({"momentum": 0, "batch_size": 1}, 1000, 0.2 / 32),
        ({"momentum": 0}, 16, 0.2),
    ],
)
def test_automatic_learning_rate_of_sgd(parameters, n_rows, rate):
    chosen = solver_for(solver="sgd", n_rows=n_rows, **parameters)
    assert chosen.learning_rate.eta == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize(
    "parameters", [{}, {"activation": "relu"}, {"batch_size": 1}, {"momentum": 0}]
)
def test_automatic_learning_rate_of_adam(parameters):
    assert solver_for(solver="adam", **parameters).learning_rate.eta == 0.003


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize(("n_rows", "batch_size"), [(1000, 200), (201, 200), (199, 199), (1, 1)])
def test_automatic_batch_size(solver, n_rows, batch_size):
    assert solver_for(solver=solver, n_rows=n_rows).batch_size == batch_size


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_too_large_a_batch_is_clipped_with_a_warning(solver):
    with pytest.warns(UserWarning, match="batch_size=11 is larger .* 10; batches of 10 rows"):
        assert solver_for(solver=solver, n_rows=10, batch_size=11).batch_size == 10


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_batch_of_all_rows_does_not_warn(solver):
    assert solver_for(solver=solver, n_rows=10, batch_size=10).batch_size == 10


def test_clipping_leaves_the_automatic_learning_rate():
    with pytest.warns(UserWarning, match="batch_size"):
        chosen = solver_for(solver="sgd", n_rows=8, batch_size=16, momentum=0)
    assert chosen.learning_rate.eta == pytest.approx(0.2 / 2)


@pytest.mark.parametrize("solver", ["gd", "cg", "lbfgs"])
def test_solvers_of_the_whole_set_do_not_mind_the_batch_size(solver):
    assert not hasattr(solver_for(solver=solver, n_rows=10, batch_size=64), "batch_size")
