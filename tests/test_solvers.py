"""skbp.solvers: minimisation, results, update rules, going on, and MLPClassifier's runs."""

import pickle
from dataclasses import astuple
from functools import partial

import numpy as np
import pytest
from lecture import gradient_computation
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import rosen, rosen_der
from scipy.sparse import csr_array
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
from sklearn.preprocessing import LabelBinarizer, scale

from skbp import BackpropClassifier
from skbp.network import Network
from skbp.objective import Objective
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

A = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]])
b = np.array([1.0, -2.0, 3.0])
start = np.array([4.0, -3.0, 2.0])


def steady(eta):
    """A constant learning rate that does not look at the loss."""
    return Constant(eta, n_iter_no_change=np.inf)


whole_set = {
    "gd": partial(GradientDescent, learning_rate=steady(0.5)),
    "cg": ConjugateGradient,
    "lbfgs": LBFGS,
}
solvers = {
    **whole_set,
    "sgd": partial(MiniBatchDescent, learning_rate=Constant(0.1), batch_size=20),
    "adam": partial(MiniBatchDescent, rule=Adam(), learning_rate=Constant(0.003), batch_size=20),
}

every_solver = pytest.mark.parametrize("name", list(solvers))
every_first_order_solver = pytest.mark.parametrize("name", ["gd", "sgd", "adam"])
every_whole_set_solver = pytest.mark.parametrize("name", list(whole_set))
every_line_search = pytest.mark.parametrize("solver", [ConjugateGradient, LBFGS])


def quadratic(theta):
    return theta @ A @ theta / 2 - b @ theta, A @ theta - b


def square(theta):
    """A parabola: its gradient descent is θ := (1 − 2η) θ."""
    return float(theta @ theta), 2 * theta


class Counted:
    """An objective that counts how often each row of the training set was propagated."""

    def __init__(self, objective):
        self.objective, self.n_rows, self.rows_seen = objective, objective.n_rows, 0
        self.has_weight = objective.has_weight

    def __call__(self, theta):
        self.rows_seen += self.n_rows
        return self.objective(theta)

    def batches(self, batch_size, order=None):
        for batch in self.objective.batches(batch_size, order):
            counted = Counted(batch)
            yield counted
            self.rows_seen += counted.rows_seen


class Scripted:
    """A training set with given losses, epoch by epoch, and the same gradient always."""

    has_weight = True

    def __init__(self, losses, n_rows=1000, gradient=1.0):
        self.n_rows, self.losses, self.gradient = n_rows, iter(losses), gradient

    def __call__(self, theta):
        return next(self.losses), self.gradient * np.ones_like(theta)

    def batches(self, batch_size, order=None):
        yield self


class Recorder:
    """A watch that keeps what it was shown, and lets the solver go on."""

    def __init__(self):
        self.thetas, self.losses = [], []

    def __call__(self, theta, loss):
        self.thetas.append(theta.copy())
        self.losses.append(loss)


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return scale(X), LabelBinarizer().fit_transform(y).astype(float)


@pytest.fixture
def objective(iris):
    return Objective(Network((4, 5, 3), "tanh"), *iris, alpha=1.0)


@pytest.fixture
def theta(objective):
    return objective.network.initialize(random_state=0)


def sgd_epochs(n_epochs, **parameters):
    """Mini-batches that stop after so many epochs, whatever the loss."""
    return MiniBatchDescent(max_iter=n_epochs, learning_rate=steady(0.1), **parameters)


# ---------------------------------------------------------------- they find the minimum


@every_whole_set_solver
def test_finds_the_minimum_of_a_quadratic(name):
    result = whole_set[name](max_iter=1000, tol=1e-9).minimize(quadratic, start)
    # L-BFGS also stops where the cost falls by less than 2e-9 of it
    assert_allclose(result.theta, np.linalg.solve(A, b), atol=1e-5)
    assert result.converged


@every_line_search
@pytest.mark.parametrize("n", [2, 5])
def test_finds_the_minimum_of_rosenbrocks_valley(solver, n):
    result = solver(max_iter=1000, tol=1e-8).minimize(
        lambda theta: (rosen(theta), rosen_der(theta)), np.linspace(-1.2, 1.0, n)
    )
    assert result.converged
    assert_allclose(result.theta, np.ones(n), atol=1e-4)


@pytest.mark.parametrize(
    "solver",
    [
        GradientDescent(learning_rate=steady(1.0), max_iter=5000, tol=1e-9),
        ConjugateGradient(max_iter=5000, tol=1e-7),
        LBFGS(max_iter=5000, tol=1e-9),
        MiniBatchDescent(
            rule=Momentum(0.5),
            learning_rate=Constant(0.2, tol=1e-12),
            batch_size=569,
            max_iter=5000,
            tol=1e-12,
        ),
        MiniBatchDescent(
            rule=Adam(),
            learning_rate=Constant(0.01, tol=1e-12),
            batch_size=569,
            max_iter=5000,
            tol=1e-12,
        ),
    ],
    ids=["gd", "cg", "lbfgs", "sgd", "adam"],
)
def test_finds_logistic_regressions_optimum(solver):
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)
    reference = LogisticRegression(C=0.1, tol=1e-10, max_iter=10_000).fit(X, y)
    objective = Objective(Network((30, 1)), X, y[:, np.newaxis], alpha=10.0)
    result = solver.minimize(objective, np.zeros(31))
    optimum = np.append(reference.intercept_, reference.coef_)
    assert result.converged
    assert_allclose(result.theta, optimum, atol=2e-4)
    assert_allclose(result.cost, objective(optimum)[0], rtol=1e-7)


def test_small_batches_end_near_the_optimum(iris):
    convex = Objective(Network((4, 3)), *iris, alpha=1.0)
    optimum = LBFGS(max_iter=5000, tol=1e-8).minimize(convex, np.zeros(15))
    # as the learning rate falls, the noise of the batches dies away
    solver = MiniBatchDescent(
        learning_rate=Adaptive(0.05),
        batch_size=16,
        max_iter=2000,
        random_state=np.random.RandomState(0),
    )
    result = solver.minimize(convex, np.zeros(15))
    assert result.converged
    assert_allclose(convex(result.theta)[0], optimum.cost, rtol=1e-3)


@every_whole_set_solver
def test_converges_to_where_the_gradient_of_a_network_is_within_tol(name, objective, theta):
    result = whole_set[name](max_iter=5000, tol=1e-3).minimize(objective, theta)
    assert result.converged
    assert np.abs(objective(result.theta)[1]).max() <= 1e-3
    assert np.abs(objective(theta)[1]).max() > 1e-2


@every_whole_set_solver
def test_may_converge_in_the_last_iteration_that_is_allowed(name, objective, theta):
    needed = whole_set[name](max_iter=5000, tol=1e-3).minimize(objective, theta).n_iter
    assert whole_set[name](max_iter=needed, tol=1e-3).minimize(objective, theta).converged
    assert not whole_set[name](max_iter=needed - 1, tol=1e-3).minimize(objective, theta).converged


# ---------------------------------------------------------------------------- the result


@every_solver
def test_takes_no_liberties_with_the_start_vector(name, objective, theta):
    before = theta.copy()
    result = solvers[name](max_iter=5).minimize(objective, theta)
    assert_array_equal(theta, before)
    assert not np.array_equal(result.theta, before)


@every_whole_set_solver
def test_cost_is_that_of_the_result(name, objective, theta):
    result = whole_set[name](max_iter=10).minimize(objective, theta)
    assert_allclose(result.cost, objective(result.theta)[0], rtol=1e-14)


@pytest.mark.parametrize("batch_size", [30, 40])
def test_cost_of_mini_batches_is_the_mean_over_the_last_epoch(objective, theta, batch_size):
    weights, losses = theta.copy(), []
    for batch in objective.batches(batch_size):
        J, D = batch(weights)
        weights -= 0.1 * D
        losses += len(batch.Y) * [J]
    result = sgd_epochs(1, rule=Momentum(0), batch_size=batch_size).minimize(objective, theta)
    assert_allclose(result.cost, np.mean(losses), rtol=1e-14)


@every_solver
def test_n_passes_counts_every_propagation_of_the_training_set(name, objective, theta):
    counted = Counted(objective)
    result = solvers[name](max_iter=7).minimize(counted, theta)
    assert result.n_passes * len(objective.Y) == counted.rows_seen


@every_solver
def test_n_iter_and_the_watch_count_iterations(name, objective, theta):
    watch = Recorder()
    result = solvers[name](max_iter=7).minimize(objective, theta, watch)
    assert result.n_iter == len(watch.losses) == 7
    assert result.cost == watch.losses[-1]
    assert_array_equal(result.theta, watch.thetas[-1])


@every_whole_set_solver
def test_watch_sees_the_loss_of_each_iterations_weights(name, objective, theta):
    watch = Recorder()
    whole_set[name](max_iter=7).minimize(objective, theta, watch)
    assert_allclose(watch.losses, [objective(t)[0] for t in watch.thetas], rtol=1e-14)


@every_whole_set_solver
def test_loss_falls_every_iteration(name, objective, theta):
    watch = Recorder()
    whole_set[name](max_iter=50).minimize(objective, theta, watch)
    assert (np.diff([objective(theta)[0], *watch.losses]) < 0).all()


@every_solver
def test_a_solver_can_be_used_again(name, objective, theta):
    solver = solvers[name](max_iter=5)
    first, second = (solver.minimize(objective, theta) for _ in range(2))
    assert_array_equal(first.theta, second.theta)


@every_first_order_solver
@pytest.mark.parametrize("schedule", [InverseScaling, Adaptive, Cosine, OneCycle])
def test_a_learning_rate_starts_anew_with_each_minimisation(objective, theta, name, schedule):
    schedule = schedule(0.1, tol=10, n_iter_no_change=2)
    solver = solvers[name](learning_rate=schedule, max_iter=5)
    first, second = (solver.minimize(objective, theta) for _ in range(2))
    assert_array_equal(first.theta, second.theta)


# ------------------------------------------------------------------ why it stopped


@every_solver
def test_max_iter_is_a_limit(name, objective, theta):
    result = solvers[name](max_iter=3).minimize(objective, theta)
    assert (result.n_iter, result.converged) == (3, False)
    assert "max_iter=3" in result.reason
    assert "increase max_iter" in result.remedy


def test_max_fun_is_a_limit(objective, theta):
    counted = Counted(objective)
    result = LBFGS(max_fun=4).minimize(counted, theta)
    assert not result.converged
    assert "max_fun=4" in result.reason
    assert "increase max_fun" in result.remedy
    # SciPy looks at the limit after each iteration
    assert 4 <= counted.rows_seen / len(objective.Y) <= 6


@every_line_search
def test_a_wrong_gradient_does_not_converge(solver):
    result = solver().minimize(lambda theta: (theta @ theta, -theta), start)
    assert not result.converged
    assert "line search" in result.reason
    assert "tol" in result.remedy


@every_line_search
def test_has_converged_where_it_starts_at_the_minimum(solver):
    result = solver().minimize(quadratic, np.linalg.solve(A, b))
    assert result.converged
    assert result.n_iter == 0


@every_whole_set_solver
def test_stops_in_the_first_iteration_with_no_gradient_entry_above_tol(name):
    watch = Recorder()
    # so few digits that L-BFGS's other criterion plays no part
    whole_set[name](tol=0.05).minimize(quadratic, start, watch)
    *before, last = [np.abs(quadratic(theta)[1]).max() for theta in watch.thetas]
    assert min(before) > 0.05 >= last


@pytest.mark.parametrize(("dtype", "ftol"), [(np.float64, 2.3e-9), (np.float32, 1e-6)])
def test_lbfgs_stops_where_the_loss_no_longer_falls(objective, theta, dtype, ftol):
    objective = Objective(objective.network, objective.X.astype(dtype), objective.Y, alpha=1.0)
    watch = Recorder()
    result = LBFGS(tol=1e-12, max_iter=5000).minimize(objective, theta.astype(dtype), watch)
    # SciPy measures the decrease against the loss, or against 1 if that is larger
    *before, last = -np.diff(watch.losses) / np.maximum(watch.losses[:-1], 1)
    assert min(before) > ftol * 0.9
    assert last <= ftol
    assert result.converged
    assert "decrease of the loss" in result.reason


def test_gradient_descent_that_converges_in_its_last_iteration_has_converged():
    solver = partial(GradientDescent, learning_rate=steady(0.1))
    needed = solver().minimize(quadratic, start)
    assert "gradient" in needed.reason
    assert solver(max_iter=needed.n_iter).minimize(quadratic, start).converged
    assert not solver(max_iter=needed.n_iter - 1).minimize(quadratic, start).converged


def test_gradient_descent_as_it_comes_is_ended_by_its_gradient_only():
    result = GradientDescent().minimize(quadratic, start)
    assert np.abs(quadratic(result.theta)[1]).max() <= 1e-4
    assert "gradient" in result.reason


def test_gradient_descent_names_the_iteration_in_which_it_diverged():
    # |1 − 2η| = 1e20, so after k iterations J = 1e(40 k), which is infinite for k = 8
    solver = GradientDescent(learning_rate=Constant(0.5e20))
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="diverged at iteration 8"):
        solver.minimize(square, np.ones(1))


@pytest.mark.parametrize("rule", [Momentum(), Adam()])
def test_mini_batches_name_the_epoch_in_which_they_diverged(objective, theta, rule):
    # one step takes the weights to about 1e200, and the penalty squares them
    solver = MiniBatchDescent(rule=rule, learning_rate=Constant(1e200), batch_size=150)
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(ValueError, match="diverged at iteration 2"),
    ):
        solver.minimize(objective, theta)


@every_line_search
@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_line_searches_report_a_loss_that_is_not_finite(solver, value):
    def cost(theta):
        return value, np.full_like(theta, value)

    with (
        np.errstate(invalid="ignore"),
        pytest.raises(ValueError, match="diverged at iteration 1"),
    ):
        solver().minimize(cost, start)


@pytest.mark.parametrize("solver", [ConjugateGradient(), LBFGS()])
def test_line_searches_do_not_take_an_error_of_the_watch_for_a_wish_to_stop(solver):
    def watch(theta, loss):
        next(iter([]))

    with pytest.raises(RuntimeError, match="raised StopIteration"):
        solver.minimize(quadratic, np.zeros(3), watch)


@pytest.mark.parametrize("n_iter_no_change", [1, 2, 5])
def test_patience_lasts_exactly_n_iter_no_change_epochs(n_iter_no_change):
    objective = Scripted([1.0, 0.5, *100 * [0.5]])
    solver = MiniBatchDescent(
        learning_rate=Constant(0.1, n_iter_no_change=n_iter_no_change),
    )
    result = solver.minimize(objective, np.zeros(1))
    assert (result.n_iter, result.converged) == (2 + n_iter_no_change, True)
    assert "n_iter_no_change" in result.reason


@pytest.mark.parametrize(
    ("losses", "n_iter"),
    [
        ([1.0, 0.75, 0.5, 0.5, 0.5], 5),  # by exactly tol is an improvement
        ([1.0, 0.8125, 0.625, 0.625], 3),  # by less is none, however often
        ([1.0, 0.8125, 0.5625, 0.5625, 0.5625], 5),  # the count starts again
        ([1.0, 2.0, 0.75, 0.75, 0.75], 5),  # measured from the best loss, not from the last
    ],
)
def test_what_counts_as_an_improvement(losses, n_iter):
    solver = MiniBatchDescent(learning_rate=Constant(0.1, tol=0.25, n_iter_no_change=2), tol=0.25)
    assert solver.minimize(Scripted(losses), np.zeros(1)).n_iter == n_iter


def test_infinite_patience_uses_all_epochs():
    result = sgd_epochs(30).minimize(Scripted(30 * [1.0]), np.zeros(1))
    assert (result.n_iter, result.converged) == (30, False)


@pytest.mark.parametrize(
    "schedule",
    [Constant(0.1, n_iter_no_change=2), Cosine(0.1, n_epochs=3)],
    ids=["plateau", "plan"],
)
def test_a_loss_that_ended_above_its_first_has_not_converged(schedule):
    solver = MiniBatchDescent(learning_rate=schedule)
    result = solver.minimize(Scripted([1.0, 1.5, 1.25]), np.zeros(1))
    assert (result.n_iter, result.converged) == (3, False)
    assert "higher than after the first epoch" in result.reason
    assert "lower learning_rate_init" in result.remedy


@pytest.mark.parametrize(
    ("n_rows", "random_objective", "n_iter"), [(201, False, 4), (200, False, 6), (200, True, 4)]
)
def test_a_loss_that_swings_has_not_converged_unless_batches_or_dropout_make_it_noisy(
    n_rows, random_objective, n_iter
):
    swinging = Scripted([1.0, 0.5, 0.75, 0.75, 0.6, 0.5, 0.5], n_rows)
    solver = MiniBatchDescent(
        learning_rate=Constant(0.1, n_iter_no_change=2),
        batch_size=200,
        max_iter=7,
        random_objective=random_objective,
    )
    assert solver.minimize(swinging, np.zeros(1)).n_iter == n_iter


@pytest.mark.parametrize(("tol", "n_iter"), [(0.2, 6), (0.25, 4)])
def test_a_loss_swings_if_it_is_above_its_best_by_more_than_tol(tol, n_iter):
    # from where it was seen to swing, the count starts again
    swinging = Scripted([1.0, 0.5, 0.75, 0.75, 0.5, 0.5, 0.5], n_rows=200)
    schedule = Constant(0.1, tol=tol, n_iter_no_change=2)
    solver = MiniBatchDescent(learning_rate=schedule, tol=tol, batch_size=200, max_iter=7)
    assert solver.minimize(swinging, np.zeros(1)).n_iter == n_iter


@every_first_order_solver
@pytest.mark.parametrize("schedule", [Cosine, OneCycle])
def test_a_plan_is_carried_through_and_has_then_converged(name, schedule, objective, theta):
    # the loss never falls by 10, and the gradient is never 0
    schedule = schedule(0.05, tol=10, n_iter_no_change=1, n_epochs=12)
    solver = solvers[name](learning_rate=schedule, tol=0, max_iter=100)
    result = solver.minimize(objective, theta)
    assert (result.n_iter, result.converged) == (12, True)
    assert "run its course" in result.reason


@pytest.mark.parametrize(
    "schedule", [steady(0.5), InverseScaling(1.0, n_iter_no_change=np.inf, power_t=0.05)]
)
def test_gradient_descent_ends_with_its_gradient_where_the_schedule_does_not_look_at_the_loss(
    schedule, objective, theta
):
    solver = GradientDescent(learning_rate=schedule, tol=1e-3, max_iter=5000)
    watch = Recorder()
    result = solver.minimize(objective, theta, watch)
    *before, last = [np.abs(objective(each)[1]).max() for each in watch.thetas]
    assert result.converged
    assert min(before) > 1e-3 >= last
    assert "gradient" in result.reason


def test_gradient_descent_with_an_adaptive_rate_ends_with_the_rate(objective, theta):
    schedule = Adaptive(5e-5, tol=10, n_iter_no_change=3)
    result = GradientDescent(learning_rate=schedule).minimize(objective, theta)
    # one epoch, then three each at 5e-5, 1e-5, 2e-6 and 4e-7
    assert (result.n_iter, result.converged) == (13, True)
    assert "run its course" in result.reason


# -------------------------------------------------------------------- told to stop by the watch


class StopsAfter(Recorder):
    """A watch that says stop in one iteration, and goes on with the truth value of another."""

    def __init__(self, n_iter, stop=True, go_on=None):
        super().__init__()
        self.n_iter, self.stop, self.go_on = n_iter, stop, go_on

    def __call__(self, theta, loss):
        super().__call__(theta, loss)
        return self.stop if len(self.losses) == self.n_iter else self.go_on


@every_solver
@pytest.mark.parametrize("n_iter", [1, 4])
@pytest.mark.parametrize("max_iter", [4, 100])
def test_a_watch_that_returns_true_stops_it_after_exactly_that_iteration(
    name, n_iter, max_iter, objective, theta
):
    undisturbed, watch, counted = Recorder(), StopsAfter(n_iter), Counted(objective)
    solvers[name](max_iter=4).minimize(objective, theta, undisturbed)
    result = solvers[name](max_iter=max_iter).minimize(counted, theta, watch)
    assert (result.n_iter, len(watch.losses), result.converged) == (n_iter, n_iter, True)
    assert "watch" in result.reason
    assert_array_equal(result.theta, undisturbed.thetas[n_iter - 1])
    assert result.cost == undisturbed.losses[n_iter - 1]
    # nothing was computed after it was told
    assert result.n_passes * len(objective.Y) == counted.rows_seen


@every_solver
@pytest.mark.parametrize("stop", [True, 1, np.True_])
@pytest.mark.parametrize("go_on", [None, False, 0, np.False_])
def test_truth_is_what_a_watch_is_asked_for(name, stop, go_on, objective, theta):
    result = solvers[name](max_iter=5).minimize(objective, theta, StopsAfter(3, stop, go_on))
    assert (result.n_iter, result.converged) == (3, True)


@every_solver
def test_a_watch_may_raise(name, objective, theta):
    def interrupted(theta, loss):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solvers[name]().minimize(objective, theta, interrupted)


@every_solver
def test_a_watch_may_stop_it_where_it_converges(name, objective, theta):
    solver = solvers[name](max_iter=5000, tol=1e-2)
    needed = solver.minimize(objective, theta).n_iter
    assert needed < 5000
    result = solver.minimize(objective, theta, StopsAfter(needed))
    assert (result.n_iter, result.converged) == (needed, True)
    assert "watch" in result.reason


# ------------------------------------------------------------- gradient descent by hand


def test_gradient_descent_is_the_lectures_step(objective, theta):
    expected = theta
    for _ in range(6):
        _, D = objective(expected)
        expected = expected - 0.3 * D
    result = GradientDescent(learning_rate=Constant(0.3), max_iter=6).minimize(objective, theta)
    assert_array_equal(result.theta, expected)


def update_after_each_example(objective, theta, order, eta):
    """The lecture's first algorithm, with the lecture's own gradient."""
    network = objective.network
    Thetas = network.unpack(theta)
    for i in order:
        _, D = gradient_computation(
            Thetas,
            objective.X[[i]],
            objective.Y[[i]],
            network.activation,
            network.output_activation,
            "log_loss",
            lambda_=objective.alpha / objective.m,
        )
        Thetas = [Theta - eta * D_l for Theta, D_l in zip(Thetas, D, strict=True)]
    return network.pack(Thetas)


def test_batches_of_one_row_are_the_lectures_update_after_each_example(objective, theta):
    expected = update_after_each_example(objective, theta, 2 * list(range(150)), eta=0.1)
    result = sgd_epochs(2, rule=Momentum(0), batch_size=1).minimize(objective, theta)
    assert_allclose(result.theta, expected, rtol=1e-10)


def test_random_state_shuffles_the_order_anew_each_epoch(objective, theta):
    order, epochs = np.arange(150), []
    generator = np.random.RandomState(7)
    for _ in range(2):
        generator.shuffle(order)
        epochs += order.tolist()
    expected = update_after_each_example(objective, theta, epochs, eta=0.1)
    solver = sgd_epochs(2, rule=Momentum(0), batch_size=1, random_state=np.random.RandomState(7))
    assert_allclose(solver.minimize(objective, theta).theta, expected, rtol=1e-10)


@pytest.mark.parametrize("batch_size", [7, 150])
def test_mini_batches_of_sparse_rows_take_the_same_path(iris, objective, theta, batch_size):
    sparse = Objective(objective.network, csr_array(iris[0]), iris[1], alpha=1.0)
    ends = [
        sgd_epochs(2, batch_size=batch_size, random_state=np.random.RandomState(0)).minimize(
            some, theta
        )
        for some in (objective, sparse)
    ]
    assert_allclose(ends[0].theta, ends[1].theta, rtol=1e-10)


# --------------------------------------------------------------------------- update rules


@pytest.mark.parametrize(
    ("rule", "steps"),
    [
        # D = 1, 2, −1 with η = 0.1 and μ = 0.5: v = −0.1, −0.25, −0.025
        (Momentum(0.5, nesterov=False), [-0.1, -0.25, -0.025]),
        # and μ v − η D
        (Momentum(0.5, nesterov=True), [-0.15, -0.325, 0.0875]),
        (Momentum(0, nesterov=True), [-0.1, -0.2, 0.1]),
        (Momentum(0, nesterov=False), [-0.1, -0.2, 0.1]),
        # β = 0.5, 0.75: m = 0.5, 1.25, 0.125 and v = 0.25, 1.1875, 1.140625, less their bias
        # m̂ = 1, 5/3, 1/7 and v̂ = 1, 19/7, 73/37
        (Adam(0.5, 0.75, 1e-300), [-0.1, -(5 / 30) * (7 / 19) ** 0.5, -((37 / 73) ** 0.5) / 70]),
    ],
)
def test_update_rules_by_hand(rule, steps):
    state = rule.init(np.zeros(1))
    gradients = [np.array([1.0]), np.array([2.0]), np.array([-1.0])]
    taken = [rule.update(D, state, 0.1).item() for D in gradients]
    assert_allclose(taken, steps, rtol=1e-12)


pairs_of_rule_and_optimizer = [
    (Momentum(momentum, nesterov), partial(SGDOptimizer, momentum=momentum, nesterov=nesterov))
    for momentum in (0.0, 0.7, 1.0)
    for nesterov in (True, False)
] + [
    (Adam(b1, b2, epsilon), partial(AdamOptimizer, beta_1=b1, beta_2=b2, epsilon=epsilon))
    for b1, b2 in ((0.9, 0.999), (0.0, 0.5))
    for epsilon in (1e-8, 0.1)
]


@pytest.mark.parametrize(("rule", "optimizer"), pairs_of_rule_and_optimizer)
def test_update_rules_step_as_scikit_learns_do(rule, optimizer):
    theta = np.linspace(-1, 1, 5)
    reference, state = [theta.copy()], rule.init(theta)
    stepper = optimizer(reference, learning_rate_init=0.2)
    for D in np.random.default_rng(0).normal(size=(20, 5)):
        theta += rule.update(D, state, 0.2)
        stepper.update_params(reference, [D])
        assert_allclose(theta, reference[0], rtol=1e-12)


@pytest.mark.parametrize("rule", [Momentum(), Momentum(nesterov=False), Adam()])
def test_update_rules_compute_in_the_dtype_of_the_weights(rule):
    D = np.ones(3, np.float32)
    assert rule.update(D, rule.init(D), 0.1).dtype == np.float32


@pytest.mark.parametrize("rule", [Momentum(), Momentum(nesterov=False), Adam()])
def test_update_rules_leave_the_gradient_alone(rule):
    D = np.array([1.0, -2.0])
    state = rule.init(D)
    rule.update(D, state, 0.1)
    rule.update(D, state, 0.1)
    assert_array_equal(D, [1.0, -2.0])


# ------------------------------------------------------------- learning rates in a descent

N_EPOCHS = 10


def median(losses):
    return sorted(losses)[len(losses) // 2]


def adaptive_by_hand(losses, n_iter_no_change, tol):
    """1 / 5^k, where the median of the last three losses has stopped falling k times."""
    medians = [median(losses[max(i - 2, 0) : i + 1]) for i in range(len(losses))]
    factor, best, since = 1.0, np.inf, 0
    for value in medians:
        since = since + 1 if value > best - tol else 0
        best = min(best, value)
        if since == n_iter_no_change:
            factor, since = factor / 5, 0
    return factor


def half_a_cosine(start, end, n_steps):
    """Return the values of n_steps steps from start to end, both of them included."""
    return end + (start - end) * (1 + np.cos(np.pi * np.arange(n_steps + 1) / n_steps)) / 2


schedules = {
    # the schedule, and its η as a function of the losses of 150 rows in each epoch so far
    "constant": (steady(0.05), lambda losses: 0.05),
    "invscaling": (
        InverseScaling(0.05, n_iter_no_change=np.inf, power_t=0.25),
        lambda losses: 0.05 / (150 * len(losses) + 1) ** 0.25,
    ),
    "adaptive": (
        Adaptive(0.05, tol=0.1, n_iter_no_change=2),
        lambda losses: 0.05 * adaptive_by_hand(losses, n_iter_no_change=2, tol=0.1),
    ),
    "cosine": (
        Cosine(0.05, n_epochs=N_EPOCHS),
        lambda losses: half_a_cosine(0.05, 0, N_EPOCHS)[len(losses)],
    ),
    # the third of the ten epochs is the one with the largest rate
    "one_cycle": (
        OneCycle(0.05, n_epochs=N_EPOCHS),
        lambda losses: [
            *half_a_cosine(0.05 / 25, 0.05, 2),
            *half_a_cosine(0.05, 0.05 / 250_000, 7)[1:],
        ][len(losses)],
    ),
}
every_schedule = pytest.mark.parametrize("schedule", list(schedules))
rules = {"sgd": Momentum(0.8), "adam": Adam(0.7, 0.9, 0.001)}


def steps_by_hand(name):
    """Return a function of D and η that makes the steps of the rules above."""
    v, m, t = 0, 0, 0

    def momentum(D, eta):
        nonlocal v
        v = 0.8 * v - eta * D
        return 0.8 * v - eta * D

    def adam(D, eta):
        nonlocal m, v, t
        t += 1
        m = 0.7 * m + 0.3 * D
        v = 0.9 * v + 0.1 * D**2
        return -eta * (1 - 0.9**t) ** 0.5 / (1 - 0.7**t) * m / (v**0.5 + 0.001)

    return {"gd": lambda D, eta: -eta * D, "sgd": momentum, "adam": adam}[name]


def descent_by_hand(name, objective, theta, eta, batches):
    """Return the weights after each epoch, and the losses."""
    step, thetas, losses = steps_by_hand(name), [], []
    for _ in range(N_EPOCHS):
        rate, costs = eta(losses), []
        for batch in batches:
            J, D = objective.on(batch)(theta)
            theta = theta + step(D, rate)
            costs += [J] * len(objective.Y[batch])
        thetas.append(theta)
        # gd's loss is that of the new weights
        losses.append(objective(theta)[0] if name == "gd" else np.mean(costs))
    return thetas, losses


def descent(name, **parameters):
    """The solver that descent_by_hand describes."""
    if name == "gd":
        return GradientDescent(max_iter=N_EPOCHS, **parameters)
    return MiniBatchDescent(**{"max_iter": N_EPOCHS, "rule": rules[name], **parameters})


@every_first_order_solver
@every_schedule
def test_every_learning_rate_works_with_every_first_order_solver(name, schedule, objective, theta):
    schedule, eta = schedules[schedule]
    batches = [slice(0, 150)] if name == "gd" else [slice(i, i + 40) for i in range(0, 150, 40)]
    size = {} if name == "gd" else {"batch_size": 40}
    thetas, losses = descent_by_hand(name, objective, theta, eta, batches)
    watch = Recorder()
    descent(name, learning_rate=schedule, **size).minimize(objective, theta, watch)
    assert_allclose(watch.losses, losses, rtol=1e-10)
    assert_allclose(watch.thetas, thetas, rtol=0, atol=1e-10)


@every_first_order_solver
def test_the_adaptive_rate_of_these_runs_is_lowered(name, objective, theta):
    schedule, _ = schedules["adaptive"]
    progress = Progress()
    descent(name, learning_rate=schedule, progress=progress).minimize(objective, theta)
    assert progress.course.n_lowered > 0


def test_adaptive_learning_rate_falls_after_n_iter_no_change_epochs():
    solver = MiniBatchDescent(
        rule=Momentum(0), learning_rate=Adaptive(2e-5, n_iter_no_change=2), max_iter=50
    )
    watch = Recorder()
    result = solver.minimize(Scripted(50 * [1.0]), np.zeros(1), watch)
    # the gradient is 1, so the steps are the learning rates; the first epoch sets the best
    # loss, then two epochs each at 2e-5, 4e-6, 8e-7 pass without improvement
    steps = -np.diff(np.concatenate([[0.0], *watch.thetas]))
    assert_allclose(steps, [*3 * [2e-5], *2 * [4e-6], *2 * [8e-7]], rtol=1e-9)
    assert result.converged


# ----------------------------------------------------------------------- clipped gradients


class Spy:
    """An update rule that keeps the gradients it was given."""

    def __init__(self, rule):
        self.rule, self.init, self.gradients = rule, rule.init, []

    def update(self, D, state, eta):
        self.gradients.append(D.copy())
        return self.rule.update(D, state, eta)


def gradients_of_steps(name, objective, theta, max_grad_norm):
    """Return the gradients of the weights before each step, and those that made the steps."""
    watch = Recorder()
    if name == "gd":
        solver = descent("gd", learning_rate=steady(0.25), max_grad_norm=max_grad_norm)
        solver.minimize(objective, theta, watch)
        taken = -np.diff([theta, *watch.thetas], axis=0) / 0.25
    else:
        spy, one_batch = Spy(rules[name]), {"batch_size": 150}
        schedule = {"learning_rate": steady(0.01), "max_grad_norm": max_grad_norm}
        MiniBatchDescent(rule=spy, max_iter=N_EPOCHS, **schedule, **one_batch).minimize(
            objective, theta, watch
        )
        taken = np.array(spy.gradients)
    return np.array([objective(each)[1] for each in [theta, *watch.thetas[:-1]]]), taken


@every_first_order_solver
@pytest.mark.parametrize("max_grad_norm", [0.01, 0.3, 1])
def test_max_grad_norm_shortens_longer_gradients_and_keeps_their_direction(
    name, max_grad_norm, objective, theta
):
    # the penalty's gradient is part of D
    heavy = Objective(objective.network, objective.X, objective.Y, alpha=30.0)
    given, taken = gradients_of_steps(name, heavy, theta, max_grad_norm)
    norms = np.linalg.norm(given, axis=1)
    assert norms[0] > max_grad_norm
    assert np.linalg.norm(taken, axis=1).max() <= max_grad_norm * (1 + 1e-12)
    expected = given * np.minimum(1, max_grad_norm / norms)[:, np.newaxis]
    assert_allclose(taken, expected, rtol=0, atol=1e-14)


@every_first_order_solver
def test_max_grad_norm_clips_some_gradients_and_leaves_others(name, objective, theta):
    norms = np.linalg.norm(gradients_of_steps(name, objective, theta, None)[0], axis=1)
    between = (norms.min() + norms.max()) / 2
    given, taken = gradients_of_steps(name, objective, theta, between)
    longer = np.linalg.norm(given, axis=1) > between
    assert 0 < longer.sum() < N_EPOCHS
    assert_allclose(np.linalg.norm(taken[longer], axis=1), between, rtol=1e-12)
    assert_allclose(taken[~longer], given[~longer], rtol=0, atol=1e-14)


@every_first_order_solver
def test_a_max_grad_norm_that_is_never_exceeded_changes_nothing(name, objective, theta):
    free, capped = (
        solvers[name](max_iter=20, max_grad_norm=norm).minimize(objective, theta)
        for norm in (None, 1e6)
    )
    assert_array_equal(capped.theta, free.theta)
    assert capped.cost == free.cost


def test_a_gradient_of_exactly_max_grad_norm_is_left():
    D = np.array([3.0, 4.0])  # ‖D‖ = 5
    spy = Spy(Momentum())
    objective = Scripted(2 * [1.0], gradient=D)
    MiniBatchDescent(rule=spy, max_iter=1, max_grad_norm=5).minimize(objective, np.zeros(2))
    MiniBatchDescent(rule=spy, max_iter=1, max_grad_norm=2.5).minimize(objective, np.zeros(2))
    assert_array_equal(spy.gradients, [D, D / 2])


def test_a_gradient_of_0_is_left():
    spy = Spy(Momentum())
    solver = MiniBatchDescent(rule=spy, max_iter=1, max_grad_norm=1e-300)
    solver.minimize(Scripted([1.0], gradient=0.0), np.zeros(2))
    assert_array_equal(spy.gradients, [[0, 0]])


def test_gradient_descent_converges_with_the_gradient_as_it_is():
    # every clipped gradient is shorter than tol
    solver = GradientDescent(learning_rate=steady(0.1), max_grad_norm=1e-6, tol=1e-3, max_iter=5)
    result = solver.minimize(quadratic, start)
    assert (result.n_iter, result.converged) == (5, False)


def test_max_grad_norm_keeps_a_descent_from_diverging():
    # |1 − 2η| = 9: without a limit θ grows ninefold in each step
    free, capped = (
        GradientDescent(learning_rate=steady(5), max_iter=400, max_grad_norm=norm)
        for norm in (None, 0.1)
    )
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="diverged"):
        free.minimize(square, np.ones(1))
    assert np.abs(capped.minimize(square, np.ones(1)).theta) <= 1


@every_first_order_solver
def test_a_clipped_gradient_stays_float32(name, iris, objective, theta):
    objective = Objective(objective.network, iris[0].astype(np.float32), iris[1], alpha=1.0)
    result = solvers[name](max_iter=3, max_grad_norm=1e-3).minimize(
        objective, theta.astype(np.float32)
    )
    assert result.theta.dtype == np.float32


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e30), (np.float64, 1e200)])
def test_a_gradient_whose_square_overflows_is_clipped_and_not_lost(dtype, size):
    steep = Scripted([1.0], gradient=np.array([3, -4], dtype) * dtype(size))
    solver = MiniBatchDescent(
        rule=Momentum(0), learning_rate=Constant(1.0), max_iter=1, max_grad_norm=5
    )
    with np.errstate(over="ignore"):
        result = solver.minimize(steep, np.zeros(2, dtype))
    assert_allclose(result.theta, [-3, 4], rtol=1e-6)


# ------------------------------------------------------------- batches whose weights are all 0


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_a_batch_whose_weights_are_all_0_makes_no_step(name, iris, objective, theta):
    weight = np.ones(150)
    weight[40:80] = 0
    weight[90:100] = 0  # these are a part of a batch
    weighted = Objective(objective.network, *iris, alpha=1.0, sample_weight=weight)
    batches = [slice(0, 40), slice(80, 120), slice(120, 150)]
    thetas, _ = descent_by_hand(name, weighted, theta, lambda losses: 0.05, batches)
    spy, watch = Spy(rules[name]), Recorder()
    descent(name, rule=spy, learning_rate=steady(0.05), batch_size=40).minimize(
        weighted, theta, watch
    )
    assert len(spy.gradients) == N_EPOCHS * len(batches)
    assert_allclose(watch.thetas, thetas, rtol=0, atol=1e-12)


def rows_without_weight(objective):
    """The rows 40 to 79 of 150, which weigh nothing beside the others."""
    weight = np.ones(150)
    weight[40:80] = 0
    X, Y = objective.X, objective.Y
    return Objective(objective.network, X, Y, alpha=1.0, sample_weight=weight).on(slice(40, 80))


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_epochs_without_weight_leave_the_weights_and_the_rules_state(name, objective, theta):
    progress, watch = Progress(), Recorder()
    solver = descent(name, learning_rate=steady(0.05), batch_size=10, progress=progress)
    solver.minimize(rows_without_weight(objective), theta, watch)
    assert_array_equal(watch.thetas, N_EPOCHS * [theta])
    assert_array_equal(progress.averages["v"], np.zeros_like(theta))
    assert progress.averages.get("t", 0) == 0


def test_a_batch_whose_weights_are_all_0_leaves_adams_averages_as_they_were(objective, theta):
    progress = Progress()
    solver = descent("adam", learning_rate=steady(0.05), progress=progress)
    after = solver.minimize(objective, theta).theta
    before = pickle.loads(pickle.dumps(progress))
    progress.order, solver.max_iter = None, 2 * N_EPOCHS
    result = solver.minimize(rows_without_weight(objective), after)
    assert progress.n_iter == 2 * N_EPOCHS
    assert_array_equal(result.theta, after)
    assert before.averages["t"] == progress.averages["t"] == N_EPOCHS
    for each in ("m", "v"):
        assert np.abs(before.averages[each]).max() > 0
        assert_array_equal(progress.averages[each], before.averages[each])


def test_the_penalty_of_a_batch_without_weight_counts_in_the_epochs_loss(iris, objective, theta):
    weight = np.ones(150)
    weight[:75] = 0
    weighted = Objective(objective.network, *iris, alpha=1.0, sample_weight=weight)
    halves = [weighted.on(slice(0, 75)), weighted.on(slice(75, 150))]
    result = sgd_epochs(1, batch_size=75).minimize(weighted, theta)
    # the first half makes no step, so both are at the start
    assert_allclose(result.cost, (halves[0](theta)[0] + halves[1](theta)[0]) / 2, rtol=1e-14)
    assert_allclose(result.cost, weighted(theta)[0], rtol=1e-12)


# ---------------------------------------------------------------------------------- going on

# each of them comes to its end between the 5th and the 30th epoch
ending = {
    "constant": Constant(0.02, tol=0.2, n_iter_no_change=6),
    "invscaling": InverseScaling(0.05, tol=0.2, n_iter_no_change=6, power_t=0.1),
    "adaptive": Adaptive(0.01, tol=0.2, n_iter_no_change=2),
    "cosine": Cosine(0.02, n_epochs=12),
    "one_cycle": OneCycle(0.02, n_epochs=12),
}


def descent_that_goes_on(name, schedule, progress, random_state, max_iter=40):
    common = {"learning_rate": ending[schedule], "progress": progress, "max_iter": max_iter}
    if name == "gd":
        return GradientDescent(**common)
    return MiniBatchDescent(rule=rules[name], batch_size=40, random_state=random_state, **common)


class Saving(Recorder):
    """A watch that pickles a descent in each iteration, as if the process were killed there."""

    def __init__(self, *state):
        super().__init__()
        self.state, self.saved = state, []

    def __call__(self, theta, loss):
        super().__call__(theta, loss)
        self.saved.append(pickle.dumps((theta, *self.state)))


@every_first_order_solver
@pytest.mark.parametrize("schedule", list(ending))
def test_a_pickled_descent_goes_on_as_if_nothing_had_happened(name, schedule, objective, theta):
    state = Progress(), np.random.RandomState(7)
    undisturbed = Saving(*state)
    result = descent_that_goes_on(name, schedule, *state).minimize(objective, theta, undisturbed)
    assert result.converged
    assert 5 <= result.n_iter <= 30
    for n_before in (1, 4, result.n_iter - 1):
        theta_then, *state_then = pickle.loads(undisturbed.saved[n_before - 1])
        watch = Recorder()
        again = descent_that_goes_on(name, schedule, *state_then).minimize(
            objective, theta_then, watch
        )
        assert_array_equal(watch.thetas, undisturbed.thetas[n_before:])
        assert watch.losses == undisturbed.losses[n_before:]
        assert_array_equal(again.theta, result.theta)
        for each in ("cost", "n_iter", "n_passes", "converged", "reason"):
            assert getattr(again, each) == getattr(result, each)
        assert pickle.dumps(state_then[1].get_state()) == pickle.dumps(state[1].get_state())


@every_first_order_solver
def test_a_descent_that_was_stopped_goes_on(name, objective, theta):
    state = Progress(), np.random.RandomState(7)
    solver = descent_that_goes_on(name, "cosine", *state)
    undisturbed = descent_that_goes_on(name, "cosine", Progress(), np.random.RandomState(7))
    stopped = solver.minimize(objective, theta, StopsAfter(5))
    assert (stopped.n_iter, state[0].outcome) == (5, None)
    result = solver.minimize(objective, stopped.theta)
    assert (result.n_iter, result.converged) == (12, True)
    assert_array_equal(result.theta, undisturbed.minimize(objective, theta).theta)


@every_first_order_solver
def test_a_descent_that_was_interrupted_goes_on(name, objective, theta):
    class Interrupted(Recorder):
        def __call__(self, theta, loss):
            super().__call__(theta, loss)
            if len(self.losses) == 5:
                raise KeyboardInterrupt

    state, watch = (Progress(), np.random.RandomState(7)), Interrupted()
    solver = descent_that_goes_on(name, "cosine", *state)
    undisturbed = descent_that_goes_on(name, "cosine", Progress(), np.random.RandomState(7))
    with pytest.raises(KeyboardInterrupt):
        solver.minimize(objective, theta, watch)
    result = solver.minimize(objective, watch.thetas[-1])
    assert_array_equal(result.theta, undisturbed.minimize(objective, theta).theta)


@every_first_order_solver
def test_max_iter_limits_the_iterations_of_all_parts_together(name, objective, theta):
    progress, watch = Progress(), Recorder()
    solver = partial(descent_that_goes_on, name, "adaptive", progress, None)
    first = solver(max_iter=3).minimize(objective, theta)
    assert (first.n_iter, first.converged, progress.outcome) == (3, False, None)
    second = solver(max_iter=5).minimize(objective, first.theta, watch)
    assert (second.n_iter, second.converged, len(watch.losses)) == (5, False, 2)
    assert "max_iter=5" in second.reason


@every_first_order_solver
@pytest.mark.parametrize("max_iter", [5, 3, 1])
def test_a_progress_that_has_reached_max_iter_makes_no_more_iterations(
    name, max_iter, objective, theta
):
    progress, watch, counted = Progress(), Recorder(), Counted(objective)
    first = descent_that_goes_on(name, "adaptive", progress, None, 5).minimize(objective, theta)
    solver = descent_that_goes_on(name, "adaptive", progress, None, max_iter)
    second = solver.minimize(counted, first.theta, watch)
    assert (second.n_iter, second.cost, second.converged) == (5, first.cost, False)
    assert_array_equal(second.theta, first.theta)
    assert (watch.losses, counted.rows_seen) == ([], 0)


@every_first_order_solver
@pytest.mark.parametrize("schedule", list(ending))
def test_a_progress_whose_outcome_is_reached_makes_no_more_iterations(
    name, schedule, objective, theta
):
    state = Progress(), np.random.RandomState(7)
    first = descent_that_goes_on(name, schedule, *state).minimize(objective, theta)
    watch, counted = Recorder(), Counted(objective)
    state = pickle.loads(pickle.dumps(state))
    solver = descent_that_goes_on(name, schedule, *state, max_iter=1000)
    second = solver.minimize(counted, first.theta, watch)
    assert (watch.losses, counted.rows_seen) == ([], 0)
    assert_array_equal(second.theta, first.theta)
    for each in ("cost", "n_iter", "n_passes", "converged", "reason", "remedy"):
        assert getattr(second, each) == getattr(first, each)


def test_gradient_descent_with_no_gradient_left_makes_no_more_iterations():
    progress, watch = Progress(), Recorder()
    solver = GradientDescent(learning_rate=steady(0.3), max_iter=1000, progress=progress)
    objective = Counted(Objective(Network((1, 1)), np.zeros((2, 1)), np.array([[0.0], [1.0]])))
    first = solver.minimize(objective, np.ones(2))
    assert first.converged
    rows_seen = objective.rows_seen
    again = solver.minimize(objective, first.theta, watch)
    assert_array_equal(again.theta, first.theta)
    assert astuple(again)[1:] == astuple(first)[1:]
    assert (watch.losses, objective.rows_seen) == ([], rows_seen)


def test_a_progress_that_ended_above_its_first_loss_has_still_not_converged():
    progress = Progress()
    solver = MiniBatchDescent(learning_rate=Constant(0.1, n_iter_no_change=2), progress=progress)
    first = solver.minimize(Scripted([1.0, 1.5, 1.25]), np.zeros(1))
    again = solver.minimize(Scripted([]), first.theta)
    assert (again.n_iter, again.converged) == (3, False)
    assert again.remedy == first.remedy != ""


@every_first_order_solver
def test_progress_is_brought_up_to_date_in_place(name, objective, theta):
    progress, watch = Progress(), Recorder()
    result = descent_that_goes_on(name, "cosine", progress, None).minimize(objective, theta, watch)
    assert (progress.n_iter, progress.loss) == (12, watch.losses[-1])
    assert (progress.course.n_epochs, progress.course.n_examples) == (12, 12 * 150)
    assert (progress.outcome.converged, progress.outcome.reason) == (True, result.reason)


def test_a_new_progress_is_empty_and_its_own():
    first, second = Progress(), Progress()
    Constant(0.1).after_epoch(first.course, 1.0, 3)
    first.averages["t"] = 1
    assert (second.course.n_epochs, second.averages) == (0, {})
    assert (second.order, second.n_iter, second.outcome) == (None, 0, None)


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_other_parameters_take_effect_from_where_they_change(name, objective, theta):
    progress, watch = Progress(), Recorder()
    before = descent(name, learning_rate=steady(0.01), progress=progress, max_iter=4)
    result = before.minimize(objective, theta, watch)
    after = descent(name, learning_rate=steady(0.02), progress=progress, max_iter=10)
    after.minimize(objective, result.theta, watch)
    batch = [slice(0, 150)]
    thetas, _ = descent_by_hand(
        name, objective, theta, lambda losses: 0.01 if len(losses) < 4 else 0.02, batch
    )
    assert_allclose(watch.thetas, thetas, rtol=0, atol=1e-12)


# ------------------------------------------------------- whole runs, beside MLPClassifier's

MULTICLASS = {"hidden_layer_sizes": (6, 5), "activation": "tanh"}


def start_weights(reference, X, y):
    """The weights that an MLPClassifier starts from: its step is too small to change them."""
    still = MLPClassifier(**{**reference.get_params(), "learning_rate_init": 1e-300, "max_iter": 1})
    still.fit(X, y)
    return {"coefs_init": still.coefs_, "intercepts_init": still.intercepts_}


def assert_same_run(ours, reference):
    assert ours.n_iter_ == reference.n_iter_
    assert ours.t_ == reference.t_
    assert_allclose(ours.loss_curve_, reference.loss_curve_, rtol=1e-9)
    assert_allclose(ours.best_loss_, reference.best_loss_, rtol=1e-9)
    for name in ("coefs_", "intercepts_"):
        for mine, theirs in zip(getattr(ours, name), getattr(reference, name), strict=True):
            assert_allclose(mine, theirs, rtol=0, atol=1e-9)


def fit_both(X, y, patience=None, **parameters):
    """Fit both on the same path; MLPClassifier's patience lasts one epoch longer than it says."""
    parameters = {
        **MULTICLASS,
        "alpha": 0,
        "shuffle": False,
        "random_state": 3,
        "max_iter": 12,
        "n_iter_no_change": patience or np.inf,
        **parameters,
    }
    theirs = {**parameters, "n_iter_no_change": patience - 1 if patience else np.inf}
    reference = MLPClassifier(**theirs).fit(X, y)
    ours = BackpropClassifier(**parameters, output_activation="softmax")
    return ours.fit(X, y, **start_weights(reference, X, y)), reference


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("batch_size", [1, 32, 150])
@pytest.mark.parametrize(
    "parameters",
    [
        {"solver": "sgd", "momentum": 0.8, "nesterovs_momentum": False},
        {"solver": "sgd", "momentum": 0.8, "nesterovs_momentum": True},
        {"solver": "sgd", "momentum": 0.0},
        {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3},
        {"solver": "adam"},
        {"solver": "adam", "beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-3},
    ],
    ids=str,
)
def test_run_equals_mlp_classifiers(iris, batch_size, parameters):
    X, y = iris[0], iris[1].argmax(axis=1)
    rows = np.random.RandomState(0).permutation(150)
    assert_same_run(
        *fit_both(X[rows], y[rows], batch_size=batch_size, learning_rate_init=0.01, **parameters)
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "relu"])
def test_run_on_two_classes_equals_mlp_classifiers(iris, solver, activation):
    X, y = iris[0], iris[1][:, 0]
    assert_same_run(
        *fit_both(
            X, y, solver=solver, activation=activation, batch_size=64, learning_rate_init=0.01
        )
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "parameters",
    [
        {"solver": "sgd", "learning_rate_init": 0.05},
        {"solver": "adam", "learning_rate_init": 0.01},
    ],
    ids=str,
)
@pytest.mark.parametrize("patience", [2, 4])
def test_run_until_convergence_equals_mlp_classifiers(iris, patience, parameters):
    X, y = iris[0], iris[1].argmax(axis=1)
    ours, reference = fit_both(X, y, patience, batch_size=64, tol=5e-3, max_iter=500, **parameters)
    assert ours.n_iter_ < 500
    assert_same_run(ours, reference)


# ---------------------------------------------------------------------------------- float32


@every_solver
def test_float32_ends_where_float64_does(name, iris, objective, theta):
    objective_32 = Objective(
        objective.network, iris[0].astype(np.float32), iris[1].astype(np.float32), alpha=1.0
    )
    solver = solvers[name](max_iter=5000)
    result = solver.minimize(objective_32, theta.astype(np.float32))
    assert result.theta.dtype == np.float32
    assert isinstance(result.cost, float)
    assert result.converged
    assert_allclose(result.cost, solver.minimize(objective, theta).cost, rtol=1e-3)
