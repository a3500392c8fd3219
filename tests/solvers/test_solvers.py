"""skbp.solvers: what all solvers do alike, and how each of them ends."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import rosen, rosen_der
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale
from solver_cases import (
    N_ROWS,
    NETWORK,
    OBJECTIVE,
    SOLVERS,
    START,
    THETA,
    A,
    Recorder,
    Scripted,
    StopsAfter,
    X,
    Y,
    b,
    counted_objective,
    every_line_search,
    every_mini_batch_solver,
    every_solver,
    every_whole_set_solver,
    gradient_descent,
    mini_batches,
    quadratic,
    square,
)

from skbp.network import Network
from skbp.objective import Objective
from skbp.solvers import (
    LBFGS,
    Adaptive,
    Constant,
    Cosine,
    Ending,
    GradientDescent,
    GradientTolerance,
    LossPlateau,
    MiniBatchDescent,
    Momentum,
    PlannedLength,
    Progress,
    RatePlateau,
)
from skbp.solvers.stopping import one_pass

# -------------------------------------------------------------------- the minimum


@every_whole_set_solver
def test_the_minimum_of_a_quadratic(name):
    result = SOLVERS[name](max_iter=1000, tol=1e-9).minimize(quadratic, START)
    # L-BFGS also stops where the cost falls by less than 2e-9 of it
    assert_allclose(result.theta, np.linalg.solve(A, b), atol=1e-5)
    assert result.converged


@every_line_search
@pytest.mark.parametrize("n", [2, 5])
def test_the_minimum_of_rosenbrocks_valley(name, n):
    result = SOLVERS[name](max_iter=1000, tol=1e-8).minimize(
        lambda theta: (rosen(theta), rosen_der(theta)), np.linspace(-1.2, 1.0, n)
    )
    assert result.converged
    assert_allclose(result.theta, np.ones(n), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("gd", {"learning_rate": Constant(1.0), "tol": 1e-9}),
        ("cg", {"tol": 1e-7}),
        ("lbfgs", {"tol": 1e-9}),
        ("sgd", {"rule": Momentum(0.5), "learning_rate": Constant(0.2), "batch_size": 569}),
        ("adam", {"learning_rate": Constant(0.01), "batch_size": 569}),
    ],
)
def test_the_optimum_of_logistic_regression(name, parameters):
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)
    reference = LogisticRegression(C=0.1, tol=1e-10, max_iter=10_000).fit(X, y)
    objective = Objective(Network((30, 1)), X, y[:, np.newaxis], alpha=10.0)
    solver = SOLVERS[name](**{"tol": 1e-12, "max_iter": 5000, **parameters})
    result = solver.minimize(objective, np.zeros(31))
    optimum = np.append(reference.intercept_, reference.coef_)
    assert result.converged
    assert_allclose(result.theta, optimum, atol=2e-4)
    assert_allclose(result.cost, objective(optimum)[0], rtol=1e-7)


def test_small_batches_end_near_the_optimum():
    convex = Objective(Network((4, 3)), X, Y, alpha=1.0)
    optimum = SOLVERS["lbfgs"](max_iter=5000, tol=1e-8).minimize(convex, np.zeros(15))
    # as the learning rate falls, the noise of the batches dies away
    rate = Adaptive(0.05)
    solver = MiniBatchDescent(
        learning_rate=rate, stopping=(RatePlateau(rate),), batch_size=16, max_iter=2000
    )
    progress = Progress(random_state=np.random.RandomState(0))
    result = solver.minimize(convex, np.zeros(15), progress=progress)
    assert result.ending is Ending.LOWEST_RATE
    assert_allclose(convex(result.theta)[0], optimum.cost, rtol=1e-3)


@every_whole_set_solver
def test_the_gradient_of_a_network_is_within_tol_at_the_end(name):
    result = SOLVERS[name](max_iter=5000, tol=1e-3).minimize(OBJECTIVE, THETA)
    assert result.ending is Ending.GRADIENT_TOLERANCE
    assert np.abs(OBJECTIVE(result.theta)[1]).max() <= 1e-3
    assert np.abs(OBJECTIVE(THETA)[1]).max() > 1e-2


@every_solver
def test_float32_ends_where_float64_does(name):
    objective_32 = Objective(NETWORK, X.astype(np.float32), Y.astype(np.float32), alpha=1.0)
    solver = SOLVERS[name](max_iter=5000, tol=1e-3)
    result = solver.minimize(objective_32, THETA.astype(np.float32))
    assert result.theta.dtype == np.float32
    assert isinstance(result.cost, float)
    assert result.converged
    assert_allclose(result.cost, solver.minimize(OBJECTIVE, THETA).cost, rtol=1e-3)


# --------------------------------------------------------------------- the result


@every_solver
@pytest.mark.parametrize("max_iter", [0, 5])
def test_the_start_vector_is_copied_and_not_changed(name, max_iter):
    start = THETA.copy()
    result = SOLVERS[name](max_iter=max_iter).minimize(OBJECTIVE, start)
    assert_array_equal(start, THETA)
    assert not np.shares_memory(result.theta, start)
    assert np.array_equal(result.theta, start) == (max_iter == 0)


@every_whole_set_solver
def test_the_cost_is_that_of_the_result(name):
    result = SOLVERS[name](max_iter=10).minimize(OBJECTIVE, THETA)
    assert_allclose(result.cost, OBJECTIVE(result.theta)[0], rtol=1e-14)


@pytest.mark.parametrize("batch_size", [30, 40])
def test_the_cost_of_mini_batches_is_the_mean_over_the_last_epoch(batch_size):
    theta, losses = THETA.copy(), []
    for batch in OBJECTIVE.batches(batch_size):
        J, D = batch(theta)
        theta -= 0.1 * D
        losses += batch.n_rows * [J]
    solver = mini_batches(rule=Momentum(0), batch_size=batch_size, max_iter=1)
    assert_allclose(solver.minimize(OBJECTIVE, THETA).cost, np.mean(losses), rtol=1e-14)


@every_solver
def test_n_passes_counts_every_propagation_of_the_training_set(name):
    objective, engine = counted_objective()
    result = SOLVERS[name](max_iter=7).minimize(objective, THETA)
    assert result.n_passes * N_ROWS == engine.n_rows


@every_solver
def test_iterations_are_counted_as_the_callback_sees_them(name):
    callback = Recorder()
    result = SOLVERS[name](max_iter=7).minimize(OBJECTIVE, THETA, callback)
    assert result.n_iter == len(callback.losses) == 7
    assert result.cost == callback.losses[-1]
    assert_array_equal(result.theta, callback.thetas[-1])


@every_whole_set_solver
def test_the_callback_gets_the_loss_of_the_weights_that_it_gets(name):
    callback = Recorder()
    SOLVERS[name](max_iter=7).minimize(OBJECTIVE, THETA, callback)
    assert_allclose(callback.losses, [OBJECTIVE(t)[0] for t in callback.thetas], rtol=1e-14)


@every_whole_set_solver
def test_the_loss_falls_in_every_iteration(name):
    callback = Recorder()
    SOLVERS[name](max_iter=50).minimize(OBJECTIVE, THETA, callback)
    assert (np.diff([OBJECTIVE(THETA)[0], *callback.losses]) < 0).all()


# ----------------------------------------------------------- solvers are immutable


@every_solver
def test_a_solver_is_frozen(name):
    solver = SOLVERS[name]()
    with pytest.raises(FrozenInstanceError):
        solver.max_iter = 3
    assert replace(solver, max_iter=3).max_iter == 3


@every_solver
def test_a_solver_can_be_used_again(name):
    solver = SOLVERS[name](max_iter=5)
    first, second = (solver.minimize(OBJECTIVE, THETA) for _ in range(2))
    assert_array_equal(first.theta, second.theta)


@every_solver
def test_a_solver_can_minimise_again_while_it_minimises(name):
    solver, inner = SOLVERS[name](max_iter=5), []

    def callback(theta, loss):
        inner.append(solver.minimize(OBJECTIVE, THETA).theta)

    alone = solver.minimize(OBJECTIVE, THETA).theta
    outer = solver.minimize(OBJECTIVE, THETA, callback).theta
    assert_array_equal([outer, *inner], 6 * [alone])


# ------------------------------------------------------------------------ endings

LOWEST = Adaptive(1e-6)


@every_solver
def test_max_iter_is_a_limit(name):
    result = SOLVERS[name](max_iter=3).minimize(OBJECTIVE, THETA)
    assert (result.n_iter, result.ending) == (3, Ending.MAX_ITER)
    assert not result.converged


@every_solver
def test_max_iter_is_a_limit_where_no_rule_ends(name):
    no_rule = {"stopping": ()}
    result = SOLVERS[name](max_iter=15, **no_rule).minimize(OBJECTIVE, THETA)
    assert (result.n_iter, result.ending) == (15, Ending.MAX_ITER)


def test_max_fun_is_a_limit():
    objective, engine = counted_objective()
    result = LBFGS(max_fun=4).minimize(objective, THETA)
    assert result.ending is Ending.MAX_FUN
    # SciPy looks at the limit after each iteration
    assert 4 <= engine.n_rows / N_ROWS <= 6


@every_line_search
def test_a_line_search_fails_with_a_wrong_gradient(name):
    result = SOLVERS[name]().minimize(lambda theta: (theta @ theta, -theta), START)
    assert result.ending is Ending.LINE_SEARCH_FAILED
    assert not result.converged


@every_line_search
def test_line_searches_have_converged_where_they_start_at_the_minimum(name):
    result = SOLVERS[name]().minimize(quadratic, np.linalg.solve(A, b))
    assert (result.n_iter, result.ending) == (0, Ending.GRADIENT_TOLERANCE)


@every_whole_set_solver
def test_they_stop_in_the_first_iteration_with_no_gradient_entry_above_tol(name):
    callback = Recorder()
    # tol is so large that L-BFGS does not end by its loss
    result = SOLVERS[name](tol=0.05).minimize(quadratic, START, callback)
    *before, last = [np.abs(quadratic(theta)[1]).max() for theta in callback.thetas]
    assert min(before) > 0.05 >= last
    assert result.ending is Ending.GRADIENT_TOLERANCE


@every_whole_set_solver
def test_they_may_converge_in_the_last_iteration_that_is_allowed(name):
    needed = SOLVERS[name](max_iter=5000, tol=5e-3).minimize(OBJECTIVE, THETA).n_iter
    at_limit, below = (
        SOLVERS[name](max_iter=n, tol=5e-3).minimize(OBJECTIVE, THETA) for n in (needed, needed - 1)
    )
    assert at_limit.ending is Ending.GRADIENT_TOLERANCE
    assert below.ending is Ending.MAX_ITER


@pytest.mark.parametrize(("dtype", "ftol"), [(np.float64, 2e-9), (np.float32, 1e-6)])
def test_lbfgs_stops_where_the_loss_no_longer_falls(dtype, ftol):
    objective, callback = Objective(NETWORK, X.astype(dtype), Y, alpha=1.0), Recorder()
    solver = SOLVERS["lbfgs"](tol=1e-12, max_iter=5000)
    result = solver.minimize(objective, THETA.astype(dtype), callback)
    # SciPy measures the decrease against the loss, or against 1 if that is larger
    *before, last = -np.diff(callback.losses) / np.maximum(callback.losses[:-1], 1)
    assert min(before) > ftol * 0.9
    assert last <= ftol
    assert result.ending is Ending.LOSS_TOLERANCE
    assert result.converged


@pytest.mark.parametrize(
    ("learning_rate", "rules", "losses", "n_iter", "ending"),
    [
        (Constant(1), [LossPlateau(patience=2)], [1, 0.5, 0.5, 0.5], 4, Ending.LOSS_PLATEAU),
        (Constant(1), [LossPlateau(patience=2)], [1, 1.5, 1.25], 3, Ending.LOSS_INCREASED),
        (LOWEST, [RatePlateau(LOWEST, patience=2)], [1, 1, 1], 3, Ending.LOWEST_RATE),
        (LOWEST, [RatePlateau(LOWEST, patience=2)], [1, 2, 2], 3, Ending.LOSS_INCREASED),
        (Cosine(1), [PlannedLength(3)], [1, 0.5, 0.75], 3, Ending.SCHEDULE_COMPLETED),
        (Cosine(1), [PlannedLength(3)], [1, 1.5, 1.25], 3, Ending.LOSS_INCREASED),
        (Constant(1), [one_pass, LossPlateau(patience=1)], [1], 1, Ending.ONE_PASS),
        (Constant(1), [GradientTolerance(1)], [1], 1, Ending.GRADIENT_TOLERANCE),
        (Constant(1), [GradientTolerance(0.9)], 200 * [1], 200, Ending.MAX_ITER),
        (Constant(1), [PlannedLength(2), GradientTolerance(1)], [1], 1, Ending.GRADIENT_TOLERANCE),
        (Constant(1), [GradientTolerance(1), PlannedLength(1)], [1], 1, Ending.GRADIENT_TOLERANCE),
        (Constant(1), [PlannedLength(1), GradientTolerance(1)], [1], 1, Ending.SCHEDULE_COMPLETED),
    ],
)
def test_gradient_descent_ends_as_the_first_of_its_rules_says(
    learning_rate, rules, losses, n_iter, ending
):
    solver = GradientDescent(learning_rate=learning_rate, stopping=tuple(rules))
    result = solver.minimize(Scripted([9, *losses]), np.zeros(1))  # 9 is the loss of the start
    assert (result.n_iter, result.ending) == (n_iter, ending)
    if not any(isinstance(rule, GradientTolerance) for rule in rules):
        solver = MiniBatchDescent(learning_rate=learning_rate, stopping=tuple(rules))
        result = solver.minimize(Scripted(losses), np.zeros(1))
        assert (result.n_iter, result.ending) == (n_iter, ending)


def test_gradient_descent_ends_by_its_gradient_by_default():
    result = GradientDescent().minimize(quadratic, START)
    assert np.abs(quadratic(result.theta)[1]).max() <= 1e-4
    assert result.ending is Ending.GRADIENT_TOLERANCE


def test_mini_batches_end_on_a_plateau_of_10_epochs_by_default():
    result = MiniBatchDescent().minimize(Scripted([1.0, *20 * [0.5]]), np.zeros(1))
    assert (result.n_iter, result.ending) == (12, Ending.LOSS_PLATEAU)


@pytest.mark.parametrize("name", ["gd", "sgd"])
def test_a_custom_rule_gets_each_iteration(name):
    seen, callback = [], Recorder()

    def rule(iteration, progress):
        gradient = None if iteration.gradient is None else iteration.gradient.copy()
        seen.append((iteration.theta.copy(), iteration.loss, gradient, progress.n_iter))
        return Ending.LOSS_TOLERANCE if len(seen) == 4 else None

    result = SOLVERS[name](stopping=(rule,)).minimize(OBJECTIVE, THETA, callback)
    thetas, losses, gradients, n_iters = zip(*seen, strict=True)
    assert_array_equal(thetas, callback.thetas)
    assert (list(losses), n_iters) == (callback.losses, (1, 2, 3, 4))
    assert result.ending is Ending.LOSS_TOLERANCE
    if name == "gd":
        assert_array_equal(gradients, [OBJECTIVE(theta)[1] for theta in thetas])
    else:  # the gradient of all rows is not known
        assert gradients == (None, None, None, None)


# ------------------------------------------------------------- stopped by a callback


@every_solver
@pytest.mark.parametrize("n_iter", [1, 4])
@pytest.mark.parametrize("max_iter", [4, 100])
def test_a_callback_that_returns_true_stops_after_exactly_that_iteration(name, n_iter, max_iter):
    objective, engine = counted_objective()
    undisturbed, callback = Recorder(), StopsAfter(n_iter)
    SOLVERS[name](max_iter=4).minimize(objective, THETA, undisturbed)
    engine.n_rows = 0
    result = SOLVERS[name](max_iter=max_iter).minimize(objective, THETA, callback)
    assert (result.n_iter, len(callback.losses)) == (n_iter, n_iter)
    assert result.ending is Ending.CALLBACK
    assert_array_equal(result.theta, undisturbed.thetas[n_iter - 1])
    assert result.cost == undisturbed.losses[n_iter - 1]
    # nothing was computed after the callback
    assert result.n_passes * N_ROWS == engine.n_rows


@every_solver
@pytest.mark.parametrize("ending", [Ending.SCORE_PLATEAU, Ending.MAX_ITER])
def test_a_callback_that_returns_an_ending_decides_how_it_ends(name, ending):
    progress = Progress()
    callback = StopsAfter(3, ending)
    result = SOLVERS[name]().minimize(OBJECTIVE, THETA, callback, progress)
    assert (result.n_iter, result.ending) == (3, ending)
    assert result.converged == ending.converged
    assert progress.ending is None  # no rule of the solver ended it


@every_solver
@pytest.mark.parametrize(("stop", "go_on"), [(1, 0), (np.True_, np.False_)])
def test_callbacks_may_answer_with_any_truth_value(name, stop, go_on):
    callback = StopsAfter(3, stop, go_on)
    result = SOLVERS[name](max_iter=5).minimize(OBJECTIVE, THETA, callback)
    assert (result.n_iter, result.ending) == (3, Ending.CALLBACK)


@every_solver
def test_a_callback_that_stops_in_the_last_iteration_has_the_last_word(name):
    solver = SOLVERS[name](max_iter=5000, tol=1e-2)
    needed = solver.minimize(OBJECTIVE, THETA).n_iter
    assert needed < 5000
    result = solver.minimize(OBJECTIVE, THETA, StopsAfter(needed))
    assert (result.n_iter, result.ending) == (needed, Ending.CALLBACK)


@every_solver
@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_error_of_a_callback_is_passed_on(name, error):
    def callback(theta, loss):
        raise error

    with pytest.raises(error):
        SOLVERS[name]().minimize(OBJECTIVE, THETA, callback)


@every_line_search
def test_stop_iteration_in_a_callback_is_not_taken_for_a_request_to_stop(name):
    def callback(theta, loss):
        next(iter([]))

    with pytest.raises(RuntimeError, match="raised StopIteration"):
        SOLVERS[name]().minimize(quadratic, START, callback)


# --------------------------------------------------------------------- divergence


def test_gradient_descent_names_the_iteration_in_which_it_diverged():
    # |1 − 2η| = 1e20, so after k iterations J = 1e(40 k), which is infinite for k = 8
    solver = gradient_descent(learning_rate=Constant(0.5e20))
    callback, progress = Recorder(), Progress()
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="iteration 8"):
        solver.minimize(square, np.ones(1), callback, progress)
    # that iteration does not count
    assert progress.n_iter == len(callback.losses) == 7


@every_mini_batch_solver
def test_mini_batches_name_the_epoch_in_which_they_diverged(name):
    # one step takes the weights to about 1e200, and the penalty squares them
    solver = SOLVERS[name](learning_rate=Constant(1e200), batch_size=N_ROWS)
    callback, progress = Recorder(), Progress()
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(ValueError, match="iteration 2"),
    ):
        solver.minimize(OBJECTIVE, THETA, callback, progress)
    assert progress.n_iter == len(callback.losses) == 1


@every_mini_batch_solver
def test_weights_that_are_not_finite_are_found_though_the_loss_is_finite(name):
    steep = Scripted(5 * [1.0], gradient=np.inf)
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(ValueError, match="iteration 1"),
    ):
        SOLVERS[name]().minimize(steep, np.zeros(2))


@every_line_search
@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_line_searches_report_a_loss_that_is_not_finite(name, value):
    def cost(theta):
        return value, np.full_like(theta, value)

    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="iteration 1"):
        SOLVERS[name]().minimize(cost, START)


@every_line_search
def test_line_searches_count_the_iterations_before_they_diverged(name):
    callback = Recorder()

    def cost(theta):  # not finite after three iterations
        J, D = OBJECTIVE(theta)
        return (np.nan if len(callback.losses) == 3 else J), D

    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="iteration 4"):
        SOLVERS[name](tol=0).minimize(cost, THETA, callback)


@every_solver
def test_divergence_is_an_error_whatever_the_callback_returns(name):
    def cost(theta):
        return np.nan, np.ones_like(theta)

    objective = Scripted([np.nan]) if name in ("sgd", "adam") else cost
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="diverged"):
        SOLVERS[name]().minimize(objective, START, StopsAfter(1))
