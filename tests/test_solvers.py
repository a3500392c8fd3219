"""skbp.solvers: minimisation, results, update rules, learning rates, and MLPClassifier's runs."""

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
    GradientDescent,
    InverseScaling,
    MiniBatchDescent,
    Momentum,
)

A = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]])
b = np.array([1.0, -2.0, 3.0])
start = np.array([4.0, -3.0, 2.0])

whole_set = {
    "gd": partial(GradientDescent, learning_rate=0.5),
    "cg": ConjugateGradient,
    "lbfgs": LBFGS,
}
solvers = {
    **whole_set,
    "sgd": partial(MiniBatchDescent, learning_rate=Constant(0.1), batch_size=20),
    "adam": partial(MiniBatchDescent, rule=Adam(), learning_rate=Constant(0.003), batch_size=20),
}

every_solver = pytest.mark.parametrize("name", list(solvers))
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

    def __call__(self, theta):
        self.rows_seen += self.n_rows
        return self.objective(theta)

    def batches(self, batch_size, order=None):
        for batch in self.objective.batches(batch_size, order):
            counted = Counted(batch)
            yield counted
            self.rows_seen += counted.rows_seen


class Scripted:
    """A training set with given losses, epoch by epoch, and a gradient of 1."""

    def __init__(self, losses, n_rows=1000):
        self.n_rows, self.losses = n_rows, iter(losses)

    def __call__(self, theta):
        return next(self.losses), np.ones_like(theta)

    def batches(self, batch_size, order=None):
        yield self


class Recorder:
    """A watch that keeps what it was shown."""

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
    return MiniBatchDescent(max_iter=n_epochs, n_iter_no_change=np.inf, **parameters)


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
        GradientDescent(learning_rate=1.0, max_iter=5000, tol=1e-9),
        ConjugateGradient(max_iter=5000, tol=1e-7),
        LBFGS(max_iter=5000, tol=1e-9),
        MiniBatchDescent(
            rule=Momentum(0.5),
            learning_rate=Constant(0.2),
            batch_size=569,
            max_iter=5000,
            tol=1e-12,
        ),
        MiniBatchDescent(
            rule=Adam(), learning_rate=Constant(0.01), batch_size=569, max_iter=5000, tol=1e-12
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


@pytest.mark.parametrize("schedule", [partial(InverseScaling, power_t=0.5), Adaptive])
def test_a_learning_rate_starts_anew_with_each_minimisation(objective, theta, schedule):
    solver = MiniBatchDescent(learning_rate=schedule(0.1), max_iter=5, tol=10, n_iter_no_change=1)
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
    n_iter = GradientDescent().minimize(quadratic, start).n_iter
    assert GradientDescent(max_iter=n_iter).minimize(quadratic, start).converged
    assert not GradientDescent(max_iter=n_iter - 1).minimize(quadratic, start).converged


def test_gradient_descent_names_the_iteration_in_which_it_diverged():
    # |1 − 2η| = 1e20, so after k iterations J = 1e(40 k), which is infinite for k = 8
    solver = GradientDescent(learning_rate=0.5e20)
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


@pytest.mark.parametrize("n_iter_no_change", [1, 2, 5])
def test_patience_lasts_exactly_n_iter_no_change_epochs(n_iter_no_change):
    objective = Scripted([1.0, 0.5, *100 * [0.5]])
    solver = MiniBatchDescent(n_iter_no_change=n_iter_no_change)
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
    solver = MiniBatchDescent(tol=0.25, n_iter_no_change=2)
    assert solver.minimize(Scripted(losses), np.zeros(1)).n_iter == n_iter


def test_infinite_patience_uses_all_epochs():
    result = sgd_epochs(30).minimize(Scripted(30 * [1.0]), np.zeros(1))
    assert (result.n_iter, result.converged) == (30, False)


def test_a_loss_that_ended_above_its_first_has_not_converged():
    result = MiniBatchDescent(n_iter_no_change=2).minimize(Scripted([1.0, 1.5, 1.25]), np.zeros(1))
    assert (result.n_iter, result.converged) == (3, False)
    assert "higher than after the first epoch" in result.reason
    assert "lower learning_rate_init" in result.remedy


@pytest.mark.parametrize(("n_rows", "n_iter"), [(201, 4), (200, 6)])
def test_a_loss_that_swings_has_not_converged_unless_batches_make_it_noisy(n_rows, n_iter):
    swinging = Scripted([1.0, 0.5, 0.75, 0.75, 0.6, 0.5, 0.5], n_rows)
    solver = MiniBatchDescent(n_iter_no_change=2, batch_size=200, max_iter=7)
    assert solver.minimize(swinging, np.zeros(1)).n_iter == n_iter


# ------------------------------------------------------------- gradient descent by hand


def test_gradient_descent_is_the_lectures_step(objective, theta):
    expected = theta
    for _ in range(6):
        _, D = objective(expected)
        expected = expected - 0.3 * D
    result = GradientDescent(learning_rate=0.3, max_iter=6).minimize(objective, theta)
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


# -------------------------------------------------------------------------- learning rates


def learning_rates(schedule, n_epochs, rows_an_epoch):
    rates = []
    for epoch in range(1, n_epochs + 1):
        rates.append(schedule.eta)
        schedule.after_epoch(epoch * rows_an_epoch)
    return rates


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (Constant(0.3), [0.3, 0.3, 0.3]),
        (Adaptive(0.3), [0.3, 0.3, 0.3]),
        (InverseScaling(0.3, 0.5), [0.3, 0.3 / 2, 0.3 / 7**0.5]),
        (InverseScaling(0.3, 1), [0.3, 0.3 / 4, 0.3 / 7]),
        (InverseScaling(0.3, 0), [0.3, 0.3, 0.3]),
    ],
)
def test_learning_rates_over_epochs_of_three_rows(schedule, rates):
    assert_allclose(learning_rates(schedule, 3, rows_an_epoch=3), rates, rtol=1e-15)


@pytest.mark.parametrize("schedule", [Constant(0.3), InverseScaling(0.3, 0.5)])
def test_learning_rates_that_are_not_adaptive_are_not_lowered(schedule):
    assert not schedule.lowered()
    assert schedule.eta == 0.3


@pytest.mark.parametrize(
    ("initial", "rates"),
    [(5.1e-6, [1.02e-6, 2.04e-7]), (4.9e-6, [9.8e-7]), (1e-6, []), (2e-5, [4e-6, 8e-7])],
)
def test_adaptive_learning_rate_is_divided_by_5_until_it_is_1e_6_or_less(initial, rates):
    schedule, lowered = Adaptive(initial), []
    while schedule.lowered():
        lowered.append(schedule.eta)
    assert_allclose(lowered, rates, rtol=1e-12)


def test_adaptive_learning_rate_falls_after_n_iter_no_change_epochs():
    solver = MiniBatchDescent(
        rule=Momentum(0), learning_rate=Adaptive(2e-5), n_iter_no_change=2, max_iter=50
    )
    watch = Recorder()
    result = solver.minimize(Scripted(50 * [1.0]), np.zeros(1), watch)
    # the gradient is 1, so the steps are the learning rates; the first epoch sets the best
    # loss, then two epochs each at 2e-5, 4e-6, 8e-7 pass without improvement
    steps = -np.diff(np.concatenate([[0.0], *watch.thetas]))
    assert_allclose(steps, [*3 * [2e-5], *2 * [4e-6], *2 * [8e-7]], rtol=1e-9)
    assert result.converged


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
        {"solver": "sgd", "learning_rate_init": 0.05, "learning_rate": "adaptive"},
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
