"""Learning rates, clipping, dropout, and batches whose weights sum to 0."""

import math
import pickle
from functools import partial

import numpy as np
import pytest
from fitting import (
    IRIS,
    LINE_SEARCH,
    PROBLEMS,
    ROUNDED,
    Brief,
    Small,
    assert_same_model,
    every_first_order_solver,
    every_mini_batch_solver,
    every_problem,
    may_stop_early,
    theta_of,
    weights_of,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skbp import BackpropClassifier
from skbp.estimator.solver_factory import Setting, make_solver
from skbp.network import Network
from skbp.objective import Objective

pytestmark = may_stop_early

X, y = IRIS
LAYERS = Network((4, 5, 3))
COST = Objective(LAYERS, X, np.eye(3)[y], alpha=0.5)

WHOLE = {"batch_size": 150, "shuffle": False, "momentum": 0.0}
N_EPOCHS = 6


def step_of(solver):
    """Return a function from a gradient and η to the step, with the formulas of the solver."""
    m, v, t = 0.0, 0.0, 0

    def adam(D, eta):
        nonlocal m, v, t
        t += 1
        m, v = 0.9 * m + 0.1 * D, 0.999 * v + 0.001 * D**2
        return -eta * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8)

    if solver in ("gd", "sgd", "adam"):
        return adam if solver == "adam" else lambda D, eta: -eta * D
    rule = make_solver(Setting(BackpropClassifier(solver=solver).get_params(), 1)).rule
    state = rule.init(np.zeros(LAYERS.n_parameters))
    return lambda D, eta: rule.update(D, state, eta)


def descended(solver, etas, max_norm=np.inf):
    """Return the weights after a step on the whole set with each learning rate."""
    theta, step = LAYERS.initialize(0), step_of(solver)
    for eta in etas:
        D = COST(theta)[1]
        theta = theta + step(D * min(1, max_norm / np.linalg.norm(D)), eta)
    return theta


# ------------------------------------------------------------------------------ learning rates


def half_cosine(start, end, fraction):
    return end + (start - end) * (1 + math.cos(math.pi * fraction)) / 2


def one_cycle(t):
    """Return the rate of epoch t as PyTorch's OneCycleLR has it, for N_EPOCHS epochs."""
    last, peak = N_EPOCHS - 1, 0.3 * N_EPOCHS - 1
    if t < peak:
        return half_cosine(1 / 25, 1, t / peak)
    return half_cosine(1, 1 / 25 / 1e4, (t - peak) / (last - peak))


# η in epoch t, in parts of learning_rate_init
SCHEDULES = {
    "constant": lambda t: 1,
    "invscaling": lambda t: (150 * t + 1) ** -0.5,
    "cosine": lambda t: half_cosine(1, 0, t / N_EPOCHS),
    "one_cycle": one_cycle,
}


@every_first_order_solver
@pytest.mark.parametrize("learning_rate", list(SCHEDULES))
def test_learning_rate_schedules_hold_for_every_first_order_solver(solver, learning_rate):
    model = Small(
        solver=solver,
        learning_rate=learning_rate,
        learning_rate_init=0.05 if solver in ("gd", "sgd") else 0.005,
        max_iter=N_EPOCHS,
        **WHOLE,
    ).fit(X, y)
    etas = [model.learning_rate_init * SCHEDULES[learning_rate](t) for t in range(N_EPOCHS)]
    assert_allclose(theta_of(model, LAYERS), descended(solver, etas), rtol=1e-9, atol=1e-12)
    assert model.n_iter_ == N_EPOCHS


@pytest.mark.parametrize("learning_rate", ["cosine", "one_cycle"])
@every_first_order_solver
def test_a_planned_learning_rate_is_completed_and_has_converged(solver, learning_rate, recwarn):
    settings = {"tol": 0.0, "n_iter_no_change": 1, "learning_rate_init": 0.1, "max_iter": 40}
    model = Small(solver=solver, learning_rate=learning_rate, **settings).fit(X, y)
    assert model.n_iter_ == 40
    assert not recwarn.list


@every_first_order_solver
@pytest.mark.parametrize("learning_rate", ["constant", "invscaling", "adaptive", "cosine"])
def test_early_stopping_ends_any_schedule(solver, learning_rate):
    settings = {"early_stopping": True, "n_iter_no_change": 3, "scoring": lambda *_: 0.5}
    model = Small(solver=solver, learning_rate=learning_rate, max_iter=50, **settings)
    assert model.fit(X, y).n_iter_ == 4


@pytest.mark.parametrize("solver", LINE_SEARCH)
@pytest.mark.parametrize("learning_rate", list(SCHEDULES))
def test_line_searches_have_no_learning_rate(solver, learning_rate):
    model = Brief(solver=solver, learning_rate=learning_rate, learning_rate_init=7.0).fit(X, y)
    assert_same_model(model, Brief(solver=solver).fit(X, y))


# ------------------------------------------------------------------------------------ clipping


@every_first_order_solver
@pytest.mark.parametrize("max_grad_norm", [0.01, 0.3, 100])
def test_max_grad_norm_clips_the_gradient(solver, max_grad_norm):
    eta = 0.05
    model = Small(solver=solver, learning_rate_init=eta, max_iter=N_EPOCHS, **WHOLE)
    unclipped = clone(model).fit(X, y)
    clipped = model.set_params(max_grad_norm=max_grad_norm).fit(X, y)
    expected = descended(solver, [eta] * N_EPOCHS, max_grad_norm)
    assert_allclose(theta_of(clipped, LAYERS), expected, rtol=1e-9, atol=1e-12)
    if max_grad_norm == 100:
        assert_same_model(clipped, unclipped)


@every_mini_batch_solver
def test_each_batchs_gradient_is_clipped(solver):
    settings = {"momentum": 0.0, "batch_size": 10, "shuffle": False, "learning_rate_init": 0.05}
    model = Small(solver=solver, max_iter=1, max_grad_norm=0.2, **settings).fit(X, y)
    theta, step = LAYERS.initialize(0), step_of(solver)
    for batch in np.arange(150).reshape(15, 10):
        D = COST.take(batch)(theta)[1]
        theta = theta + step(D * min(1, 0.2 / np.linalg.norm(D)), 0.05)
    assert_allclose(theta_of(model, LAYERS), theta, rtol=1e-9, atol=1e-12)


@every_first_order_solver
def test_clipping_saves_a_fit_from_divergence(solver):
    settings = {"learning_rate_init": 0.1, "max_iter": 100, "n_iter_no_change": np.inf}
    model = Small(solver=solver, activation="relu", alpha=1e8, **settings)
    if solver not in ("gd", "sgd"):
        # these do not diverge, because their steps do not depend on the gradient's length
        assert np.isfinite(model.fit(X, y).loss_)
    else:
        with pytest.raises(ValueError, match=r"diverged at iteration \d+.*max_grad_norm"):
            model.fit(X, y)
    assert np.isfinite(model.set_params(max_grad_norm=1.0).fit(X, y).loss_)


@pytest.mark.parametrize("solver", LINE_SEARCH)
def test_line_searches_clip_nothing(solver):
    model = Brief(solver=solver, max_grad_norm=1e-3).fit(X, y)
    assert_same_model(model, Brief(solver=solver).fit(X, y))


# ------------------------------------------------------------------------------------- dropout

Deep = partial(BackpropClassifier, (6, 5), max_iter=8, random_state=0)


@every_mini_batch_solver
@every_problem
def test_dropout_trains_another_network(solver, problem):
    X, y = PROBLEMS[problem]
    whole = Deep(solver=solver).fit(X, y)
    with_dropout = Deep(solver=solver, dropout=0.5).fit(X, y)
    assert np.abs(weights_of(with_dropout) - weights_of(whole)).max() > 1e-4
    assert_same_model(with_dropout, Deep(solver=solver, dropout=0.5).fit(X, y))


@every_mini_batch_solver
@pytest.mark.parametrize("no_dropout", [0, 0.0, [0.0, 0.0], (0, 0)])
def test_no_dropout_is_the_whole_network(solver, no_dropout):
    assert_same_model(
        Deep(solver=solver, dropout=no_dropout).fit(X, y), Deep(solver=solver).fit(X, y)
    )


@every_mini_batch_solver
def test_dropout_may_be_one_rate_for_each_hidden_layer(solver):
    rates = [0.3, [0.3, 0.3], [0.3, 0.0], [0.0, 0.3]]
    one, each, first, second = (Deep(solver=solver, dropout=p).fit(X, y) for p in rates)
    assert_same_model(one, each)
    for some in (first, second):
        assert not np.array_equal(weights_of(some), weights_of(one))
    assert not np.array_equal(weights_of(first), weights_of(second))


@every_mini_batch_solver
def test_dropout_is_not_for_predictions(solver):
    model = Small(solver=solver, dropout=0.8, max_iter=5).fit(X, y)
    assert_array_equal(model.predict_proba(X), model.predict_proba(X))
    a, z = LAYERS.forward(theta_of(model, LAYERS), X)
    assert_allclose(model.transform(X), a[1], **ROUNDED)
    assert_allclose(model.decision_function(X), z, **ROUNDED)


@every_mini_batch_solver
def test_dropout_is_not_for_validation(solver):
    model = Small(solver=solver, dropout=0.8, max_iter=5, scoring="neg_log_loss")
    model.fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    losses = -np.log(model.predict_proba(X[1::2])[np.arange(75), y[1::2]])
    assert_allclose(model.validation_scores_[-1], -losses.mean(), rtol=1e-10)


@every_mini_batch_solver
def test_a_network_with_dropout_learns(solver):
    rate = {"sgd": 0.03, "adam": 0.03}.get(solver, "auto")
    settings = {"alpha": 0.01, "learning_rate_init": rate, "max_iter": 100, "batch_size": 30}
    model = BackpropClassifier((50,), solver=solver, dropout=0.5, random_state=0, **settings)
    assert model.fit(X, y).score(X, y) > 0.9


@every_mini_batch_solver
def test_partial_fit_continues_drawing_units(solver):
    model = Deep(solver=solver, dropout=[0.5, 0.2], shuffle=False, n_iter_no_change=np.inf)
    # λ/m falls from call to call, and only fit looks for a rate
    model.set_params(alpha=0, learning_rate_init=0.01)
    called = clone(model)
    for _ in range(8):
        called = pickle.loads(pickle.dumps(called.partial_fit(X, y, [0, 1, 2])))
    assert_same_model(called, model.fit(X, y))


# ---------------------------------------------------------------------- batches without weight


@every_mini_batch_solver
@pytest.mark.parametrize("class_weighted", [False, True])
def test_a_batch_whose_weights_sum_to_0_is_skipped(solver, class_weighted):
    # each class is 50 rows, five batches; those of class 0 have no weight, wherever they come
    weight = np.repeat([0.0, 1.0, 2.0], 50)
    model = Small(solver=solver, batch_size=10, shuffle=False, max_iter=1)
    if class_weighted:
        model.set_params(class_weight={0: 0.0, 1: 1.0, 2: 2.0})
    rows = np.arange(150).reshape(3, 50)
    fits = []
    for order in ([0, 1, 2], [1, 0, 2], [1, 2, 0]):
        some = rows[order].ravel()
        fits.append(clone(model).fit(X[some], y[some], None if class_weighted else weight[some]))
    assert_same_model(fits[0], fits[1])
    assert_same_model(fits[0], fits[2])


@every_mini_batch_solver
def test_only_the_penalty_would_move_the_weights_there(solver):
    weight = np.r_[np.zeros(149), 1.0]
    model = Small(solver=solver, batch_size=1, shuffle=False, max_iter=1, alpha=5.0)
    model.set_params(learning_rate_init=0.01, momentum=0.0).fit(X, y, weight)
    theta, step = LAYERS.initialize(0), step_of(solver)
    cost = Objective(LAYERS, X, np.eye(3)[y], alpha=5.0, sample_weight=weight)
    theta = theta + step(cost.take(np.array([149]))(theta)[1], 0.01)
    assert_allclose(theta_of(model, LAYERS), theta, rtol=1e-9, atol=1e-12)
