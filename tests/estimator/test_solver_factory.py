"""skbp.estimator.solver_factory: the solver that the parameters of BackpropClassifier describe."""

from operator import attrgetter

import numpy as np
import pytest
from fitting import (
    FIRST_ORDER,
    FULL_BATCH,
    every_first_order_solver,
    every_mini_batch_solver,
    every_solver,
)

from skbp import BackpropClassifier
from skbp.activations import ACTIVATIONS
from skbp.estimator.solver_factory import (
    LEARNING_RATES,
    MINI_BATCH_SOLVERS,
    SOLVERS,
    Setting,
    make_one_pass_solver,
    make_solver,
    warning_of_batch_size,
)
from skbp.solvers import (
    LBFGS,
    Adam,
    Adaptive,
    BarzilaiBorwein,
    ConjugateGradient,
    Constant,
    Cosine,
    Ending,
    GradientTolerance,
    InverseScaling,
    LossPlateau,
    MiniBatchDescent,
    Momentum,
    OneCycle,
    PlannedLength,
    Progress,
    RatePlateau,
)
from skbp.solvers.stopping import Iteration, first_ending

every_full_batch_solver = pytest.mark.parametrize("solver", FULL_BATCH)
every_learning_rate = pytest.mark.parametrize("learning_rate", LEARNING_RATES)


def parameters_of(**parameters):
    return BackpropClassifier(**parameters).get_params()


def solver_for(n_rows=1000, **parameters):
    given = parameters_of(**parameters)
    stops_early = given["early_stopping"] is True
    return make_solver(Setting(given, n_rows, stops_early=stops_early))


def rules_of(n_rows=1000, **parameters):
    """Return the stopping rules by their types, each of which comes once."""
    rules = solver_for(n_rows, **parameters).stopping
    by_type = {type(rule): rule for rule in rules}
    assert len(by_type) == len(rules)
    return by_type


@pytest.mark.parametrize(
    ("solver", "expected"),
    [
        ("gd", BarzilaiBorwein),
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
    made = solver_for(solver=solver, learning_rate=learning_rate, learning_rate_init=0.1)
    assert type(made.learning_rate) is expected


@every_first_order_solver
@every_learning_rate
def test_every_learning_rate_starts_from_learning_rate_init(solver, learning_rate):
    made = solver_for(solver=solver, learning_rate=learning_rate, learning_rate_init=0.7)
    assert made.learning_rate.initial == 0.7


@every_first_order_solver
@pytest.mark.parametrize("learning_rate", ["cosine", "one_cycle"])
def test_a_planned_learning_rate_is_for_max_iter_epochs(solver, learning_rate):
    made = solver_for(solver=solver, learning_rate=learning_rate, max_iter=37)
    rules = rules_of(solver=solver, learning_rate=learning_rate, max_iter=37)
    assert made.learning_rate.n_epochs == made.max_iter == rules[PlannedLength].n_epochs == 37


@pytest.mark.parametrize(
    ("learning_rate", "is_planned"),
    [
        ("constant", False),
        ("invscaling", False),
        ("adaptive", False),
        ("cosine", True),
        ("one_cycle", True),
    ],
)
def test_kinds_of_learning_rates(learning_rate, is_planned):
    kind = LEARNING_RATES[learning_rate]
    assert kind.is_planned == is_planned


@every_solver
@every_learning_rate
def test_equal_parameters_make_equal_solvers(solver, learning_rate):
    first, second = (solver_for(solver=solver, learning_rate=learning_rate) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)


PLACES_OF_PARAMETERS = [
    *((solver, "max_iter", 7, "max_iter") for solver in SOLVERS),
    ("lbfgs", "max_fun", 9, "max_fun"),
    *((solver, "max_grad_norm", 0.5, "max_grad_norm") for solver in FIRST_ORDER),
    *((solver, "max_grad_norm", None, "max_grad_norm") for solver in FIRST_ORDER),
    *((solver, "batch_size", 17, "batch_size") for solver in MINI_BATCH_SOLVERS),
    *((solver, "shuffle", False, "shuffle") for solver in MINI_BATCH_SOLVERS),
    *((solver, "shuffle", True, "shuffle") for solver in MINI_BATCH_SOLVERS),
    ("sgd", "momentum", 0.3, "rule.momentum"),
    ("sgd", "nesterovs_momentum", False, "rule.nesterov"),
    ("adam", "beta_1", 0.3, "rule.beta_1"),
    ("adam", "beta_2", 0.3, "rule.beta_2"),
    ("adam", "epsilon", 0.3, "rule.epsilon"),
]


@pytest.mark.parametrize(("solver", "parameter", "value", "place"), PLACES_OF_PARAMETERS)
def test_every_parameter_is_passed_on(solver, parameter, value, place):
    assert attrgetter(place)(solver_for(solver=solver, **{parameter: value})) == value


@every_first_order_solver
def test_power_t_is_passed_on(solver):
    made = solver_for(solver=solver, learning_rate="invscaling", power_t=0.3)
    assert made.learning_rate.power_t == 0.3


# ------------------------------------------------------------------------------ stopping rules


@pytest.mark.parametrize("tol", [0.0, 0.5])
@every_learning_rate
def test_gradient_descent_stops_at_a_small_gradient_first_of_all(learning_rate, tol):
    first, *_ = solver_for(solver="gd", learning_rate=learning_rate, tol=tol).stopping
    assert first == GradientTolerance(tol)


@every_mini_batch_solver
@pytest.mark.parametrize("learning_rate", ["constant", "invscaling"])
@pytest.mark.parametrize("patience", [7, np.inf])
def test_a_plateau_of_the_training_loss_stops_mini_batches(solver, learning_rate, patience):
    given = {"learning_rate": learning_rate, "tol": 0.5, "n_iter_no_change": patience}
    expected = {LossPlateau: LossPlateau(0.5, patience)}
    assert rules_of(2000, solver=solver, **given) == expected
    # an epoch of few steps may change little
    few = {LossPlateau: LossPlateau(0.5, 2 * patience)}
    assert rules_of(1000, solver=solver, **given) == few
    # with early stopping, the validation score decides
    assert rules_of(solver=solver, early_stopping=True, **given) == {}


@pytest.mark.parametrize("learning_rate", ["constant", "invscaling"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_plateau_of_the_training_loss_stops_gradient_descent(learning_rate, early_stopping):
    rules = rules_of(solver="gd", learning_rate=learning_rate, early_stopping=early_stopping)
    # with early stopping, the validation score decides
    assert list(rules) == [GradientTolerance, LossPlateau][: 1 if early_stopping else 2]


@every_first_order_solver
@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_adaptive_learning_rate_always_has_its_plateau(solver, early_stopping):
    given = {
        "learning_rate": "adaptive",
        "learning_rate_init": 0.3,
        "early_stopping": early_stopping,
    }
    rules = rules_of(2000, solver=solver, tol=0.5, n_iter_no_change=7, **given)
    expected = RatePlateau(Adaptive(0.3), 0.5, 7, is_exact=solver == "gd")
    assert rules.pop(RatePlateau) == expected
    assert list(rules) == [GradientTolerance] * (solver == "gd")


@every_first_order_solver
@pytest.mark.parametrize("learning_rate", ["cosine", "one_cycle"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_planned_learning_rate_is_always_completed(solver, learning_rate, early_stopping):
    rules = rules_of(solver=solver, learning_rate=learning_rate, early_stopping=early_stopping)
    assert set(rules) - {GradientTolerance} == {PlannedLength}


@every_mini_batch_solver
@pytest.mark.parametrize(
    ("n_rows", "batch_size", "is_exact"),
    [
        (1000, 999, False),
        (1000, 1000, True),
        (1000, 2000, True),
        (1000, "auto", False),
        (200, "auto", True),
        (201, "auto", False),
        (1, 1, True),
    ],
)
@pytest.mark.parametrize(
    ("learning_rate", "rule"), [("constant", LossPlateau), ("adaptive", RatePlateau)]
)
def test_the_loss_is_exact_where_one_batch_has_all_rows(
    solver, n_rows, batch_size, is_exact, learning_rate, rule
):
    rules = rules_of(n_rows, solver=solver, batch_size=batch_size, learning_rate=learning_rate)
    assert rules[rule].is_exact is is_exact


@every_mini_batch_solver
@pytest.mark.parametrize(
    ("dropout", "is_exact"),
    [
        (0.0, True),
        (0, True),
        (0.5, False),
        (1e-12, False),
        ([0.0, 0.0], True),
        ([0.0, 0.2], False),
        ((0.2, 0.0), False),
        ([], True),
    ],
)
def test_with_dropout_the_loss_is_not_exact(solver, dropout, is_exact):
    rules = rules_of(solver=solver, dropout=dropout, batch_size=1000)
    assert rules[LossPlateau].is_exact is is_exact


# ---------------------------------------------------------------------------- automatic values


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
    # with a schedule; a constant rate is found
    made = solver_for(solver="gd", activation=activation, learning_rate="invscaling")
    assert made.learning_rate.initial == rate


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
    made = solver_for(solver="gd", activation=activations, learning_rate="invscaling")
    assert made.learning_rate.initial == rate


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
        ({"momentum": 0, "batch_size": 16}, 8, 0.2 / 2),  # the one asked for
    ],
)
def test_automatic_learning_rate_of_sgd(parameters, n_rows, rate):
    made = solver_for(**{"solver": "sgd", "n_rows": n_rows, "activation": "tanh"} | parameters)
    assert made.learning_rate.initial == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize(
    "parameters", [{}, {"activation": "relu"}, {"batch_size": 1}, {"momentum": 0}]
)
def test_automatic_learning_rate_of_adam(parameters):
    assert solver_for(solver="adam", **parameters).learning_rate.initial == 0.003


@every_mini_batch_solver
@pytest.mark.parametrize(("n_rows", "batch_size"), [(1000, 200), (201, 200), (199, 199), (1, 1)])
def test_automatic_batch_size(solver, n_rows, batch_size):
    assert solver_for(solver=solver, n_rows=n_rows).batch_size == batch_size


# ------------------------------------------------------------------ batches that are too large


@every_mini_batch_solver
def test_a_batch_has_no_more_rows_than_there_are(solver):
    assert solver_for(solver=solver, n_rows=10, batch_size=11).batch_size == 10


@every_mini_batch_solver
def test_the_warning_tells_the_rows_that_there_are(solver):
    parameters = parameters_of(solver=solver, batch_size=11)
    assert warning_of_batch_size(parameters, 10, 10) == (
        "batch_size=11 is larger than the number of samples, 10; batches of 10 rows are used."
    )
    assert warning_of_batch_size(parameters, 11, 11) is None
    assert warning_of_batch_size(parameters_of(solver=solver), 10, 10) is None


@every_full_batch_solver
def test_solvers_of_the_whole_set_have_no_batch_size(solver):
    parameters = parameters_of(solver=solver, batch_size=64)
    assert warning_of_batch_size(parameters, 10, 10) is None
    assert not hasattr(make_solver(Setting(parameters, 10)), "batch_size")


# ------------------------------------------------------------------ dropout, and a single pass


@every_mini_batch_solver
@pytest.mark.parametrize("dropout", [0.5, [0.0, 0.5]])
def test_mini_batch_solvers_have_dropout(solver, dropout):
    assert isinstance(solver_for(solver=solver, dropout=dropout), MiniBatchDescent)


@every_full_batch_solver
@pytest.mark.parametrize("dropout", [0.5, [0.0, 0.5]])
def test_dropout_needs_a_mini_batch_solver(solver, dropout):
    with pytest.raises(ValueError, match=rf"needs a solver in .*Got solver='{solver}' instead"):
        solver_for(solver=solver, dropout=dropout)
    assert solver_for(solver=solver, dropout=[0.0, 0.0]) == solver_for(solver=solver)


@every_mini_batch_solver
@every_learning_rate
def test_a_single_pass_always_ends_after_an_epoch(solver, learning_rate):
    parameters = parameters_of(
        solver=solver, learning_rate=learning_rate, max_iter=3, batch_size=17, tol=9.0
    )
    several, single = (
        make_solver(Setting(parameters, 50)),
        make_one_pass_solver(Setting(parameters, 50)),
    )
    assert (single.rule, single.learning_rate) == (several.rule, several.learning_rate)
    assert (single.batch_size, single.max_iter) == (17, np.inf)
    # the other rules count on, because the learning rate may depend on them
    for n_iter in (0, 2, 99):
        states = [
            Progress(n_iter=n_iter, loss=0.5, first_loss=0.5, recent_losses=(0.5,)) for _ in "12"
        ]
        iteration = Iteration(np.zeros(1), 0.5)
        endings = [
            first_ending(made.stopping, iteration, state)
            for made, state in zip((several, single), states, strict=True)
        ]
        assert endings[1] is Ending.ONE_PASS
        assert states[1] == states[0]


# ---------------------------------------------------------------------------------- parameters


def test_the_valid_names_are_those_of_the_tables():
    constraints = BackpropClassifier._parameter_constraints
    assert constraints["solver"][0].options == set(SOLVERS)
    assert constraints["learning_rate"][0].options == set(LEARNING_RATES)
    assert {"sgd", "adam"} <= set(MINI_BATCH_SOLVERS)
