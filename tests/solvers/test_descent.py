"""skbp.solvers.descent: the steps of gradient descent by hand, and MLPClassifier's runs."""

from dataclasses import dataclass

import numpy as np
import pytest
from lecture import gradient_computation
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.neural_network import MLPClassifier
from solver_cases import (
    N_ROWS,
    NETWORK,
    OBJECTIVE,
    RULES,
    SOLVERS,
    START,
    THETA,
    Recorder,
    X,
    Y,
    every_first_order_solver,
    every_mini_batch_solver,
    gradient_descent,
    mini_batches,
    quadratic,
    square,
)

from skbp import BackpropClassifier
from skbp.network import Network
from skbp.objective import Objective
from skbp.solvers import (
    LBFGS,
    Adaptive,
    BarzilaiBorwein,
    Constant,
    Cosine,
    Ending,
    GradientTolerance,
    InverseScaling,
    Momentum,
    OneCycle,
    Progress,
    RatePlateau,
)

N_EPOCHS = 10
every_engine = pytest.mark.parametrize("engine", ["auto", "numpy"])


def random_progress(seed):
    return Progress(random_state=np.random.RandomState(seed))


# -------------------------------------------------------------------- the lecture's steps


def test_gradient_descent_makes_the_lectures_steps():
    expected = THETA
    for _ in range(6):
        _, D = OBJECTIVE(expected)
        expected = expected - 0.3 * D
    result = gradient_descent(learning_rate=Constant(0.3), max_iter=6).minimize(OBJECTIVE, THETA)
    assert_array_equal(result.theta, expected)


def update_after_each_example(order, eta):
    """Return the weights that the lecture's first algorithm finds, with its own gradient."""
    Thetas = NETWORK.unpack(THETA)
    for i in order:
        _, D = gradient_computation(
            Thetas,
            X[[i]],
            Y[[i]],
            NETWORK.activation,
            NETWORK.output_activation,
            "log_loss",
            lambda_=OBJECTIVE.alpha / OBJECTIVE.m,
        )
        Thetas = [Theta - eta * D_l for Theta, D_l in zip(Thetas, D, strict=True)]
    return NETWORK.pack(Thetas)


def test_batches_of_one_row_are_the_lectures_update_after_each_example():
    solver = mini_batches(rule=Momentum(0), batch_size=1, max_iter=2)
    expected = update_after_each_example(2 * list(range(N_ROWS)), eta=0.1)
    assert_allclose(solver.minimize(OBJECTIVE, THETA).theta, expected, rtol=1e-10)


def test_the_random_state_shuffles_the_last_order_before_each_epoch():
    order, rows = np.arange(N_ROWS), []
    generator = np.random.RandomState(7)
    for _ in range(2):
        generator.shuffle(order)
        rows += order.tolist()
    solver = mini_batches(rule=Momentum(0), batch_size=1, max_iter=2, shuffle=True)
    progress = random_progress(7)
    result = solver.minimize(OBJECTIVE, THETA, progress=progress)
    assert_allclose(result.theta, update_after_each_example(rows, eta=0.1), rtol=1e-10)
    assert_array_equal(progress.order, order)


def test_without_a_random_state_each_minimisation_has_another_order():
    solver, progress = mini_batches(max_iter=1, shuffle=True), Progress()
    first = solver.minimize(OBJECTIVE, THETA, progress=progress)
    assert not np.array_equal(first.theta, solver.minimize(OBJECTIVE, THETA).theta)
    assert progress.random_state is not None  # kept to continue with


def test_without_shuffling_nothing_is_drawn():
    progress = random_progress(7)
    mini_batches(max_iter=2).minimize(OBJECTIVE, THETA, progress=progress)
    assert progress.order is None
    assert progress.random_state.random_sample() == np.random.RandomState(7).random_sample()


@pytest.mark.parametrize("batch_size", [7, N_ROWS])
def test_mini_batches_of_sparse_rows_make_the_same_steps(batch_size):
    sparse = Objective(NETWORK, csr_array(X), Y, alpha=1.0)
    solver = mini_batches(batch_size=batch_size, max_iter=2, shuffle=True)
    ends = [
        solver.minimize(objective, THETA, progress=random_progress(0)).theta
        for objective in (OBJECTIVE, sparse)
    ]
    assert_allclose(*ends, rtol=1e-10)


# ----------------------------------------------------------------- every step by hand


def median(losses):
    return sorted(losses)[len(losses) // 2]


def adaptive_by_hand(losses, patience, tol):
    """Return 1 / 5^k, where the median of the last three losses stopped falling k times."""
    medians = [median(losses[max(i - 2, 0) : i + 1]) for i in range(len(losses))]
    factor, best, since = 1.0, np.inf, 0
    for value in medians:
        best, since = (value, 0) if value <= best - tol else (best, since + 1)
        if since == patience:
            factor, since = factor / 5, 0
    return factor


def half_a_cosine(start, end, n_steps):
    """Return the values of n_steps steps from start to end, both of them included."""
    return end + (start - end) * (1 + np.cos(np.pi * np.arange(n_steps + 1) / n_steps)) / 2


ADAPTIVE = Adaptive(0.05)
SCHEDULES = {
    # the schedule, its rules, and its η as a function of the losses of the epochs so far
    "constant": (Constant(0.05), (), lambda losses: 0.05),
    "invscaling": (
        InverseScaling(0.05, power_t=0.25),
        (),
        lambda losses: 0.05 / (N_ROWS * len(losses) + 1) ** 0.25,
    ),
    "adaptive": (
        ADAPTIVE,
        (RatePlateau(ADAPTIVE, tol=0.1, patience=2),),
        lambda losses: 0.05 * adaptive_by_hand(losses, patience=2, tol=0.1),
    ),
    "cosine": (
        Cosine(0.05, n_epochs=N_EPOCHS),
        (),
        lambda losses: half_a_cosine(0.05, 0, N_EPOCHS)[len(losses)],
    ),
    # the third of the ten epochs is the one with the largest rate
    "one_cycle": (
        OneCycle(0.05, n_epochs=N_EPOCHS),
        (),
        lambda losses: [
            *half_a_cosine(0.05 / 25, 0.05, 2),
            *half_a_cosine(0.05, 0.05 / 250_000, 7)[1:],
        ][len(losses)],
    ),
}


def steps_by_hand(name):
    """Return a function of D and η that makes the steps of RULES."""
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


@dataclass
class DescentByHand:
    """The epochs of a descent: the weights and the loss after each, and the gradients' norms."""

    thetas: list
    losses: list
    norms: list


def descent_by_hand(name, objective, eta, batches, max_norm=np.inf):
    """Compute N_EPOCHS epochs, where η is a function of the losses."""
    step, theta, found = steps_by_hand(name), THETA, DescentByHand([], [], [])
    for _ in range(N_EPOCHS):
        rate, costs = eta(found.losses), []
        for batch in map(objective.take, batches):
            J, D = batch(theta)
            found.norms.append(np.sqrt((D * D).sum()))
            theta = theta + step(D * min(1, max_norm / found.norms[-1]), rate)
            costs += [J] * batch.n_rows
        found.thetas.append(theta)
        # the loss of gradient descent is that of the new weights
        found.losses.append(objective(theta)[0] if name == "gd" else np.mean(costs))
    return found


def batches_of(name):
    """Return the rows of each step of `descent`."""
    size = N_ROWS if name == "gd" else 40
    return [slice(i, min(i + size, N_ROWS)) for i in range(0, N_ROWS, size)]


def descent(name, eta=0.05, **parameters):
    """Return the solver that `descent_by_hand` describes."""
    parameters = {
        "learning_rate": Constant(eta),
        "max_iter": N_EPOCHS,
        "stopping": (),
        **parameters,
    }
    if name == "gd":
        return gradient_descent(**parameters)
    return mini_batches(**{"rule": RULES[name], "batch_size": 40, **parameters})


def assert_same_descent(callback, expected):
    assert_allclose(callback.losses, expected.losses, rtol=1e-10)
    assert_allclose(callback.thetas, expected.thetas, rtol=0, atol=1e-10)


@every_first_order_solver
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_learning_rate_works_with_every_first_order_solver(name, schedule):
    schedule, rules, eta = SCHEDULES[schedule]
    callback, progress = Recorder(), Progress()
    solver = descent(name, learning_rate=schedule, stopping=rules)
    solver.minimize(OBJECTIVE, THETA, callback, progress)
    assert_same_descent(callback, descent_by_hand(name, OBJECTIVE, eta, batches_of(name)))
    # the adaptive rate has been lowered
    assert (progress.n_lowered > 0) == (schedule is ADAPTIVE)


@every_first_order_solver
def test_a_long_gradient_is_shortened_and_a_short_one_is_not(name):
    # the penalty is large, because its gradient is part of D
    objective = Objective(NETWORK, X, Y, alpha=30.0)
    free = descent_by_hand(name, objective, lambda losses: 0.05, batches_of(name))
    max_norm = (min(free.norms) + max(free.norms)) / 2
    expected = descent_by_hand(name, objective, lambda losses: 0.05, batches_of(name), max_norm)
    assert min(expected.norms) < max_norm < max(expected.norms)
    callback = Recorder()
    descent(name, max_grad_norm=max_norm).minimize(objective, THETA, callback)
    assert_same_descent(callback, expected)
    assert not np.allclose(callback.thetas, free.thetas, atol=1e-4)


@every_first_order_solver
def test_a_max_grad_norm_that_is_never_exceeded_changes_nothing(name):
    free, capped = (
        SOLVERS[name](max_iter=20, max_grad_norm=norm).minimize(OBJECTIVE, THETA)
        for norm in (None, 1e6)
    )
    assert_array_equal(capped.theta, free.theta)
    assert capped.cost == free.cost


def test_gradient_descent_converges_by_the_gradient_that_is_not_shortened():
    # every shortened gradient is within tol
    solver = gradient_descent(tol=1e-3, learning_rate=Constant(0.1), max_grad_norm=1e-6, max_iter=5)
    result = solver.minimize(quadratic, START)
    assert (result.n_iter, result.ending) == (5, Ending.MAX_ITER)


def test_max_grad_norm_keeps_a_descent_from_diverging():
    # |1 − 2η| = 9: without a limit θ grows ninefold in each step
    free, capped = (
        gradient_descent(learning_rate=Constant(5), max_iter=400, max_grad_norm=norm)
        for norm in (None, 0.1)
    )
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="diverged"):
        free.minimize(square, np.ones(1))
    assert np.abs(capped.minimize(square, np.ones(1)).theta) <= 1


@every_first_order_solver
def test_a_shortened_gradient_stays_float32(name):
    objective = Objective(NETWORK, X.astype(np.float32), Y, alpha=1.0)
    solver = SOLVERS[name](max_iter=3, max_grad_norm=1e-3)
    assert solver.minimize(objective, THETA.astype(np.float32)).theta.dtype == np.float32


def test_a_plain_function_counts_as_one_example():
    progress = Progress()
    gradient_descent(max_iter=3).minimize(quadratic, START, progress=progress)
    assert progress.n_examples == progress.n_iter == 3


# ---------------------------------------------------- batches whose weights are all 0


@every_engine
@every_mini_batch_solver
def test_a_batch_whose_weights_are_all_0_makes_no_step(name, engine):
    weight = np.ones(N_ROWS)
    weight[40:80] = 0
    weight[90:100] = 0  # these are a part of a batch
    weighted = Objective(NETWORK, X, Y, alpha=1.0, sample_weight=weight, engine=engine)
    callback, progress = Recorder(), Progress()
    descent(name).minimize(weighted, THETA, callback, progress)
    with_weight = [batch for batch in batches_of(name) if weight[batch].any()]
    expected = descent_by_hand(name, weighted, lambda losses: 0.05, with_weight)
    assert_allclose(callback.thetas, expected.thetas, rtol=0, atol=1e-12)
    # neither do Adam's averages count it
    assert progress.averages.get("t") == (N_EPOCHS * 3 if name == "adam" else None)


@every_engine
@every_mini_batch_solver
def test_epochs_without_weight_leave_the_weights_and_the_averages(name, engine):
    weight = np.ones(N_ROWS)
    weight[40:80] = 0
    whole = Objective(NETWORK, X, Y, alpha=1.0, sample_weight=weight, engine=engine)
    progress, callback = Progress(), Recorder()
    after = descent(name).minimize(whole, THETA, progress=progress).theta
    averages = {key: np.copy(value) for key, value in progress.averages.items()}
    assert np.abs(averages["v"]).max() > 0
    solver = descent(name, batch_size=10, max_iter=2 * N_EPOCHS)
    solver.minimize(whole.take(slice(40, 80)), after, callback, progress)
    assert_array_equal(callback.thetas, N_EPOCHS * [after])
    for key, value in averages.items():
        assert_array_equal(progress.averages[key], value)


@every_engine
def test_the_penalty_of_a_batch_without_weight_counts_in_the_loss_of_the_epoch(engine):
    weight = np.ones(N_ROWS)
    weight[:75] = 0
    weighted = Objective(NETWORK, X, Y, alpha=1.0, sample_weight=weight, engine=engine)
    halves = [weighted.take(slice(0, 75)), weighted.take(slice(75, 150))]
    result = mini_batches(batch_size=75, max_iter=1).minimize(weighted, THETA)
    # the first half makes no step, so both are at the start
    assert_allclose(result.cost, (halves[0](THETA)[0] + halves[1](THETA)[0]) / 2, rtol=1e-14)
    assert_allclose(result.cost, weighted(THETA)[0], rtol=1e-12)


# ------------------------------------------------------- whole fits against MLPClassifier

MULTICLASS = {"hidden_layer_sizes": (6, 5), "activation": "tanh"}
y = Y.argmax(axis=1)


def start_weights(reference, X, y):
    """Return the start weights of an MLPClassifier, from a fit whose steps are too small."""
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
@pytest.mark.parametrize(
    ("batch_size", "parameters"),
    [
        (32, {"solver": "sgd", "momentum": 0.8, "nesterovs_momentum": False}),
        (1, {"solver": "sgd", "momentum": 0.8, "nesterovs_momentum": True}),
        (150, {"solver": "sgd", "momentum": 0.8, "nesterovs_momentum": True}),
        (32, {"solver": "sgd", "momentum": 0.0}),
        (32, {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3}),
        (32, {"solver": "adam"}),
        (1, {"solver": "adam", "beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-3}),
        (150, {"solver": "adam", "beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-3}),
    ],
    ids=str,
)
def test_a_run_equals_mlp_classifiers(batch_size, parameters):
    # the rows of iris come class by class
    rows = np.random.RandomState(0).permutation(N_ROWS)
    parameters = {"batch_size": batch_size, "learning_rate_init": 0.01, **parameters}
    assert_same_run(*fit_both(X[rows], y[rows], **parameters))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@every_mini_batch_solver
@pytest.mark.parametrize("activation", ["identity", "logistic", "relu"])
def test_a_run_on_two_classes_equals_mlp_classifiers(name, activation):
    parameters = {"solver": name, "activation": activation, "batch_size": 64}
    assert_same_run(*fit_both(X, Y[:, 0], learning_rate_init=0.01, **parameters))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("name", "eta"), [("sgd", 0.05), ("adam", 0.01)])
@pytest.mark.parametrize("patience", [2, 4])
def test_a_run_goes_on_where_mlp_classifier_gives_up(patience, name, eta):
    parameters = {"solver": name, "learning_rate_init": eta, "tol": 5e-3}
    ours, reference = fit_both(X, y, patience, batch_size=64, max_iter=500, **parameters)
    assert reference.n_iter_ < ours.n_iter_ < 500
    assert_allclose(ours.loss_curve_[: reference.n_iter_], reference.loss_curve_, atol=1e-9)
    assert ours.loss_ < 0.8 * reference.loss_


# ------------------------------------------------------------------- Barzilai and Borwein


def test_barzilai_borwein_by_hand():
    # J = ½ (θ_1² + 4 θ_2²); each rate is sᵀs / sᵀy of the step before
    scales = np.array([1.0, 4.0])
    found = []
    solver = BarzilaiBorwein(max_iter=4, stopping=())
    solver.minimize(
        lambda theta: (theta @ (scales * theta) / 2, scales * theta),
        np.array([300.0, 300.0]),
        lambda theta, J: found.append(theta.copy()),
    )
    theta, D = np.array([300.0, 300.0]), scales * 300
    step = -D / np.linalg.norm(D)
    for each in found:
        np.testing.assert_allclose(each, theta + step, rtol=1e-9)
        D_next = scales * each
        rate = (step @ step) / (step @ (D_next - D))
        theta, D, step = each, D_next, -rate * D_next
        longest = 0.1 * np.linalg.norm(theta)
        step *= min(1, longest / np.linalg.norm(step))


@pytest.mark.parametrize("power", [2, 4])
def test_barzilai_borwein_needs_no_rate_at_any_scale(power):
    for scale in (1e-6, 1.0, 1e6):

        def objective(theta, scale=scale):
            J = scale * np.sum((theta - 3) ** power)
            return J, scale * power * (theta - 3) ** (power - 1)

        solver = BarzilaiBorwein(max_iter=2000, stopping=(GradientTolerance(1e-9 * scale),))
        result = solver.minimize(objective, np.zeros(2))
        assert result.ending is Ending.GRADIENT_TOLERANCE
        np.testing.assert_allclose(result.theta, 3, atol=1e-2)


def test_barzilai_borwein_ends_where_lbfgs_does():
    network = Network((4, 3), output_activation="softmax")
    objective = Objective(network, X, np.eye(3)[y], alpha=1.0)
    start = network.initialize(0)
    rules = (GradientTolerance(1e-8),)
    ours = BarzilaiBorwein(max_iter=5000, stopping=rules).minimize(objective, start)
    theirs = LBFGS(max_iter=5000, stopping=rules, least_decrease=0).minimize(objective, start)
    np.testing.assert_allclose(ours.theta, theirs.theta, atol=1e-6)


def test_barzilai_borwein_resumed_is_as_if_never_interrupted():
    objective = Objective(Network((4, 3)), X, np.eye(3)[y], alpha=1.0)
    start, progress = np.zeros(15), Progress()
    half = BarzilaiBorwein(max_iter=7).minimize(objective, start, progress=progress)
    whole = BarzilaiBorwein(max_iter=14).minimize(objective, start)
    rest = BarzilaiBorwein(max_iter=14).minimize(objective, half.theta, progress=progress)
    np.testing.assert_array_equal(rest.theta, whole.theta)


def test_barzilai_borwein_goes_back_where_the_loss_is_not_finite():
    def objective(theta):
        J = float(theta @ theta) if abs(theta).max() < 1.5 else np.inf
        return J, 2 * theta

    result = BarzilaiBorwein().minimize(objective, np.array([1.4, -1.4]))
    np.testing.assert_allclose(result.theta, 0, atol=1e-4)
