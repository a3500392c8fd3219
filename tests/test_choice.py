"""skbp.choice: which solver the parameters of BackpropClassifier stand for."""

from operator import attrgetter

import numpy as np
import pytest

from skbp import BackpropClassifier
from skbp.activations import ACTIVATIONS
from skbp.choice import choose_solver
from skbp.solvers import (
    LBFGS,
    Adam,
    Adaptive,
    ConjugateGradient,
    Constant,
    Cosine,
    GradientDescent,
    InverseScaling,
    MiniBatchDescent,
    Momentum,
    OneCycle,
    Progress,
)

every_first_order_solver = pytest.mark.parametrize("solver", ["gd", "sgd", "adam"])
every_mini_batch_solver = pytest.mark.parametrize("solver", ["sgd", "adam"])
every_line_search = pytest.mark.parametrize("solver", ["cg", "lbfgs"])
every_solver = pytest.mark.parametrize("solver", ["gd", "sgd", "adam", "cg", "lbfgs"])


def solver_for(n_rows=1000, random_state=None, progress=None, **parameters):
    parameters = BackpropClassifier(**parameters).get_params()
    return choose_solver(parameters, n_rows, random_state, progress)


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


@every_first_order_solver
@pytest.mark.parametrize(
    ("learning_rate", "expected"),
    [
        ("constant", Constant),
        ("invscaling", InverseScaling),
        ("adaptive", Adaptive),
        ("cosine", Cosine),
        ("one_cycle", OneCycle),
    ],
)
def test_learning_rate_by_name(solver, learning_rate, expected):
    chosen = solver_for(solver=solver, learning_rate=learning_rate)
    assert type(chosen.learning_rate) is expected


@every_first_order_solver
@pytest.mark.parametrize(
    "learning_rate", ["constant", "invscaling", "adaptive", "cosine", "one_cycle"]
)
def test_every_learning_rate_starts_from_learning_rate_init(solver, learning_rate):
    chosen = solver_for(solver=solver, learning_rate=learning_rate, learning_rate_init=0.7)
    assert chosen.learning_rate.initial == 0.7


@every_first_order_solver
@pytest.mark.parametrize("learning_rate", ["cosine", "one_cycle"])
def test_a_plan_is_for_max_iter_epochs(solver, learning_rate):
    chosen = solver_for(solver=solver, learning_rate=learning_rate, max_iter=37)
    assert chosen.learning_rate.n_epochs == chosen.max_iter == 37


where_a_parameter_arrives = [
    *((solver, "max_iter", 7, "max_iter") for solver in ("gd", "sgd", "adam", "cg", "lbfgs")),
    *((solver, "tol", 0.5, "tol") for solver in ("gd", "sgd", "adam", "cg", "lbfgs")),
    ("lbfgs", "max_fun", 9, "max_fun"),
    *((solver, "tol", 0.5, "learning_rate.tol") for solver in ("gd", "sgd", "adam")),
    *((solver, "max_grad_norm", 0.5, "max_grad_norm") for solver in ("gd", "sgd", "adam")),
    *((solver, "max_grad_norm", None, "max_grad_norm") for solver in ("gd", "sgd", "adam")),
    ("sgd", "batch_size", 17, "batch_size"),
    ("adam", "batch_size", 17, "batch_size"),
    ("sgd", "n_iter_no_change", 3, "learning_rate.n_iter_no_change"),
    ("adam", "n_iter_no_change", np.inf, "learning_rate.n_iter_no_change"),
    ("sgd", "momentum", 0.3, "rule.momentum"),
    ("sgd", "nesterovs_momentum", False, "rule.nesterov"),
    ("adam", "beta_1", 0.3, "rule.beta_1"),
    ("adam", "beta_2", 0.3, "rule.beta_2"),
    ("adam", "epsilon", 0.3, "rule.epsilon"),
]


@pytest.mark.parametrize(("solver", "parameter", "value", "place"), where_a_parameter_arrives)
def test_parameter_arrives(solver, parameter, value, place):
    assert attrgetter(place)(solver_for(solver=solver, **{parameter: value})) == value


@every_first_order_solver
def test_power_t_arrives(solver):
    chosen = solver_for(solver=solver, learning_rate="invscaling", power_t=0.3)
    assert chosen.learning_rate.power_t == 0.3


# ---------------------------------------------------------- what ends on the training loss


@every_mini_batch_solver
@pytest.mark.parametrize("learning_rate", ["constant", "invscaling"])
@pytest.mark.parametrize(("early_stopping", "patience"), [(False, 7), (True, np.inf)])
def test_early_stopping_switches_the_training_losss_plateau_off(
    solver, learning_rate, early_stopping, patience
):
    chosen = solver_for(
        solver=solver,
        learning_rate=learning_rate,
        early_stopping=early_stopping,
        n_iter_no_change=7,
    )
    assert chosen.learning_rate.n_iter_no_change == patience


@pytest.mark.parametrize("learning_rate", ["constant", "invscaling"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_training_losss_plateau_does_not_end_gradient_descent(learning_rate, early_stopping):
    chosen = solver_for(
        solver="gd", learning_rate=learning_rate, early_stopping=early_stopping, n_iter_no_change=7
    )
    assert chosen.learning_rate.n_iter_no_change == np.inf


@every_first_order_solver
@pytest.mark.parametrize("early_stopping", [False, True])
def test_adaptive_needs_the_training_losss_plateau(solver, early_stopping):
    chosen = solver_for(
        solver=solver, learning_rate="adaptive", early_stopping=early_stopping, n_iter_no_change=7
    )
    assert chosen.learning_rate.n_iter_no_change == 7


# -------------------------------------------------------------------- what else is handed on


@every_solver
def test_progress_is_handed_on(solver):
    progress = Progress()
    assert solver_for(solver=solver, progress=progress).progress is progress
    assert solver_for(solver=solver).progress is None


@every_mini_batch_solver
@pytest.mark.parametrize(
    ("dropout", "is_random"),
    [
        (0.0, False),
        (0, False),
        (0.5, True),
        (1e-12, True),
        ([0.0, 0.0], False),
        ([0.0, 0.2], True),
        ((0.2, 0.0), True),
        ([], False),
    ],
)
def test_dropout_makes_the_objective_random(solver, dropout, is_random):
    assert solver_for(solver=solver, dropout=dropout).random_objective is is_random


@every_mini_batch_solver
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
    assert solver_for(solver="gd", activation=activation).learning_rate.initial == rate


@pytest.mark.parametrize(
    ("activations", "rate"),
    [
        (["tanh", "logistic"], 0.2),
        (("tanh", "logistic"), 0.2),
        (["tanh", "relu"], 0.1),
        (["relu", "tanh"], 0.1),
        (["relu", "elu"], 0.1),
        (["tanh"], 0.2),
        (["softplus"], 0.1),
        ([], 0.2),
        (ACTIVATIONS["tanh"], 0.2),
        (ACTIVATIONS["relu"], 0.1),
        ([ACTIVATIONS["tanh"], "logistic"], 0.2),
        (["tanh", ACTIVATIONS["relu"]], 0.1),
    ],
)
def test_activations_are_bounded_only_if_all_are(activations, rate):
    chosen = solver_for(solver="gd", activation=activations)
    assert chosen.learning_rate.initial == rate


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
    assert chosen.learning_rate.initial == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize(
    "parameters", [{}, {"activation": "relu"}, {"batch_size": 1}, {"momentum": 0}]
)
def test_automatic_learning_rate_of_adam(parameters):
    assert solver_for(solver="adam", **parameters).learning_rate.initial == 0.003


@every_mini_batch_solver
@pytest.mark.parametrize(("n_rows", "batch_size"), [(1000, 200), (201, 200), (199, 199), (1, 1)])
def test_automatic_batch_size(solver, n_rows, batch_size):
    assert solver_for(solver=solver, n_rows=n_rows).batch_size == batch_size


@every_mini_batch_solver
def test_too_large_a_batch_is_clipped_with_a_warning(solver):
    with pytest.warns(UserWarning, match="batch_size=11 is larger .* 10; batches of 10 rows"):
        assert solver_for(solver=solver, n_rows=10, batch_size=11).batch_size == 10


@every_mini_batch_solver
def test_a_batch_of_all_rows_does_not_warn(solver):
    assert solver_for(solver=solver, n_rows=10, batch_size=10).batch_size == 10


def test_clipping_leaves_the_automatic_learning_rate():
    with pytest.warns(UserWarning, match="batch_size"):
        chosen = solver_for(solver="sgd", n_rows=8, batch_size=16, momentum=0)
    assert chosen.learning_rate.initial == pytest.approx(0.2 / 2)


@pytest.mark.parametrize("solver", ["gd", "cg", "lbfgs"])
def test_solvers_of_the_whole_set_do_not_mind_the_batch_size(solver):
    assert not hasattr(solver_for(solver=solver, n_rows=10, batch_size=64), "batch_size")


@every_mini_batch_solver
@pytest.mark.parametrize(("method", "classes"), [("fit", {}), ("partial_fit", {"classes": [0, 1]})])
def test_the_warning_points_at_the_line_that_trains(solver, method, classes):
    # a plan of one epoch ends without another warning
    parameters = {"batch_size": 11, "learning_rate": "cosine", "max_iter": 1}
    train = getattr(BackpropClassifier(solver=solver, **parameters), method)
    with pytest.warns(UserWarning, match="batch_size=11 is larger") as caught:
        train([[0.0], [1.0]], [0, 1], **classes)
    assert [each.filename for each in caught] == [__file__]
