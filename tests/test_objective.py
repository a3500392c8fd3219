"""skbp.objective: J and D against the lecture's loop, central differences and scikit-learn."""

import math
import re
from dataclasses import dataclass
from functools import cache, partial
from itertools import product

import numpy as np
import pytest
from lecture import (
    activations_of_layers,
    forward_propagation,
    gradient_computation,
    softmax,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.sparse import csc_array, csc_matrix, csr_array, csr_matrix
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from skbp.activations import ACTIVATIONS, Activation
from skbp.engine.blocks import blocks
from skbp.gradient_check import check_gradient
from skbp.losses import LOSSES, LogisticLogLoss, SoftmaxLogLoss
from skbp.network import Network
from skbp.objective import Objective, constant_cost, constant_decision
from skbp.solvers import Adam, Momentum
from skbp.solvers.update_rules import Update

LAMBDA = 0.7
M = 6
HIDDEN = (2, 3, 2)
generator = np.random.default_rng(2)
X = generator.normal(size=(M, 4)) * generator.integers(2, size=(M, 4))
Y = np.eye(3)[[2, 0, 1, 1, 2, 0]]
WEIGHTS = generator.uniform(0.1, 3, size=M)
SHUFFLED = np.array([4, 2, 5, 0, 1, 3])
for array in (X, Y, WEIGHTS, SHUFFLED):
    array.flags.writeable = False

SPARSE = [csr_array, csr_matrix, csc_array, csc_matrix]
dense_and_sparse = pytest.mark.parametrize("container", [np.asarray, *SPARSE])
dense_csr_and_csc = pytest.mark.parametrize("container", [np.asarray, csr_array, csc_matrix])
over_pairs = pytest.mark.parametrize("pair", LOSSES, ids="-".join)
over_weights = pytest.mark.parametrize("weighted", [False, True], ids=["no_weights", "weights"])
over_orders = pytest.mark.parametrize("order", [None, SHUFFLED], ids=["in_order", "shuffled"])
over_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@dataclass(frozen=True)
class Case:
    """A network and an objective on X and Y; with one output unit, on the first column of Y."""

    activation: str | tuple[str, ...] = "tanh"
    pair: tuple[str, str] = ("logistic", "log_loss")
    n_hidden: int = 1
    weighted: bool = False
    n_outputs: int = 3

    def __str__(self):
        names = [self.activation] if isinstance(self.activation, str) else self.activation
        return "-".join([*names, *self.pair, f"{self.n_hidden}_hidden"])

    @property
    def network(self):
        sizes = (4, *HIDDEN[: self.n_hidden], self.n_outputs)
        return Network(sizes, self.activation, self.pair[0])

    @property
    def theta(self):
        return np.random.default_rng(1).normal(size=self.network.n_parameters)

    @property
    def data(self):
        return X, Y[:, : self.n_outputs], WEIGHTS if self.weighted else None

    def objective(self, container=np.asarray, dtype=float, **changed):
        X, Y, sample_weight = self.data
        arguments = {"loss": self.pair[1], "alpha": LAMBDA, "sample_weight": sample_weight}
        return Objective(
            self.network, container(X.astype(dtype, copy=False)), Y, **(arguments | changed)
        )


@cache
def lecture(case, lambda_=LAMBDA):
    """Return J and D of the lecture's algorithm."""
    X, Y, sample_weight = case.data
    Thetas = case.network.unpack(case.theta)
    J, D = gradient_computation(Thetas, X, Y, case.activation, *case.pair, lambda_, sample_weight)
    return J, case.network.pack(D)


MIXED = [("relu", "logistic"), ("elu", "softplus", "tanh"), ("selu", "identity", "leaky_relu")]
NETWORKS = list(product(ACTIVATIONS, LOSSES, range(4))) + [
    (activations, pair, len(activations)) for activations, pair in product(MIXED, LOSSES)
]
DATA = list(product([np.asarray, csr_array, csc_matrix], [False, True]))


def cases():
    """Yield every activation with every loss and depth, each with one kind of data in turn.

    So each activation, and each loss at each depth, comes with each container, with and without
    weights. Containers concern only the first layer, and weights only the error of the last one.
    """
    groups = (ACTIVATIONS, LOSSES, MIXED)
    numbers = {value: i for values in groups for i, value in enumerate(values)}
    for activation, pair, n_hidden in NETWORKS:
        container, weighted = DATA[(numbers[activation] + numbers[pair] + n_hidden) % len(DATA)]
        yield pytest.param(
            case := Case(activation, pair, n_hidden, weighted),
            container,
            id=f"{case}-{container.__name__}-{'weights' if weighted else 'no_weights'}",
        )


over_cases = pytest.mark.parametrize(("case", "container"), list(cases()))


def sum_of_squares(Thetas):
    return sum((Theta[:, 1:] ** 2).sum() for Theta in Thetas)


def assert_same(found, expected, tolerance=1e-12):
    """Compare two pairs (J, D)."""
    for part, expected_part in zip(found, expected, strict=True):
        assert_allclose(part, expected_part, rtol=tolerance, atol=tolerance)


def assert_finite(J, D):
    assert math.isfinite(J)
    assert np.isfinite(D).all()


def error(*parts):
    """Expect a ValueError whose message has these parts, in their order."""
    return pytest.raises(ValueError, match=".*".join(re.escape(str(part)) for part in parts))


# --------------------------------------------------------- the cost and its gradient


@pytest.mark.parametrize(
    ("activation", "n_hidden"),
    [*product(ACTIVATIONS, range(1, 4))]
    + [(activations, len(activations)) for activations in MIXED],
)
def test_the_random_points_are_off_the_kinks(activation, n_hidden):
    case = Case(activation, n_hidden=n_hidden)
    g, _ = activations_of_layers(case.activation, case.n_hidden + 2)
    Theta = dict(enumerate(case.network.unpack(case.theta), start=1))
    z = [forward_propagation(Theta, x, g, softmax)[0] for x in X]
    assert min(np.abs(z_l).min() for z_i in z for z_l in z_i.values()) > 1e-3


@over_cases
def test_cost_and_gradient_are_the_lectures(case, container):
    assert_same(case.objective(container)(case.theta), lecture(case))


@over_cases
def test_it_passes_the_gradient_check(case, container):
    assert check_gradient(case.objective(container), case.theta) < 1e-6


@dense_and_sparse
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_one_logistic_unit(container, loss):
    case = Case(pair=("logistic", loss), n_hidden=2, weighted=True, n_outputs=1)
    assert_same(case.objective(container)(case.theta), lecture(case))
    assert check_gradient(case.objective(container), case.theta) < 1e-6


def arctan_prime(a):
    return np.cos(a) ** 2  # 1 / (1 + z²), where z = tan a


@dense_and_sparse
@over_weights
def test_a_custom_activation_beside_a_built_in_one(container, weighted):
    arctan = Activation(np.arctan, arctan_prime, "arctan", bounded=True)
    case = Case(("softplus", arctan, "tanh"), n_hidden=3, weighted=weighted)
    assert check_gradient(case.objective(container), case.theta) < 1e-6


@over_pairs
def test_soft_targets_pass_the_gradient_check(pair):
    case = Case(pair=pair)
    soft = np.random.default_rng(5).dirichlet([1, 1, 1], size=M)
    assert check_gradient(Objective(case.network, X, soft, pair[1]), case.theta) < 1e-6


@over_pairs
def test_alpha_0_leaves_the_mean_loss(pair):
    case = Case(pair=pair)
    assert_same(case.objective(alpha=0)(case.theta), lecture(case, 0.0))


def test_the_penalty_leaves_out_the_bias():
    case = Case(n_hidden=2)
    (J, D), (J_0, D_0) = (case.objective(alpha=alpha)(case.theta) for alpha in (LAMBDA, 0))
    Thetas = case.network.unpack(case.theta)
    assert_allclose(J - J_0, LAMBDA / (2 * M) * sum_of_squares(Thetas))
    for Theta, penalty in zip(Thetas, case.network.unpack(D - D_0), strict=True):
        assert_allclose(penalty[:, 1:], LAMBDA / M * Theta[:, 1:], atol=1e-14)
        assert not penalty[:, 0].any()


def test_cost_and_gradient_by_hand():
    objective = Objective(Network((1, 1)), [[2], [0]], [[1], [0]], alpha=3)
    J, D = objective(np.array([0, np.log(3)]))
    assert_allclose(J, (np.log(10 / 9) + np.log(2)) / 2 + 3 / 4 * np.log(3) ** 2)
    assert_allclose(D, [(-0.1 + 0.5) / 2, -0.2 / 2 + 3 / 2 * np.log(3)])


# ----------------------------------------------------------- arguments and results


@pytest.mark.parametrize("container", SPARSE)
def test_a_sparse_matrix_is_never_made_dense(container, monkeypatch):
    def fail(*_, **__):
        pytest.fail("X was made dense")

    case, examples = Case(n_hidden=2), container(X)
    for sparse, method in product(SPARSE, ["toarray", "todense"]):
        monkeypatch.setattr(sparse, method, fail)
    objective = Objective(case.network, examples, Y, alpha=LAMBDA)
    assert_same(objective(case.theta), lecture(case))
    for batch in objective.batches(4, SHUFFLED):
        batch(case.theta)


@pytest.mark.parametrize(("container", "weighted"), [(np.asarray, True), (csr_array, False)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@over_pairs
def test_float32_is_close_to_float64_and_not_equal(activation, pair, container, weighted):
    case = Case(activation, pair, n_hidden=2, weighted=weighted)
    J, D = case.objective(container, np.float32)(case.theta)
    expected_J, expected_D = lecture(case)
    assert_allclose(J, expected_J, rtol=1e-5)
    assert 0 < np.linalg.norm(D - expected_D) < 1e-5 * np.linalg.norm(expected_D)


class RecordingLoss(LogisticLogLoss):
    """A loss that keeps the dtypes it was given."""

    def per_row(self, z, a, Y):
        self.dtypes = {z.dtype, a.dtype, Y.dtype}
        return super().per_row(z, a, Y)


@dense_csr_and_csc
@pytest.mark.parametrize(
    ("given", "computed"),
    [
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.int64, np.float64),
        (bool, np.float64),
    ],
)
@over_dtypes
def test_it_computes_in_the_dtype_of_the_examples_and_returns_that_of_theta(
    container, given, computed, dtype
):
    case, loss = Case(weighted=True), RecordingLoss()
    J, D = case.objective(container, given, loss=loss)(case.theta.astype(dtype))
    assert loss.dtypes == {np.dtype(computed)}
    assert type(J) is float
    assert D.dtype == dtype


def test_lists_are_accepted():
    case = Case(weighted=True)
    objective = Objective(
        case.network, X.tolist(), Y.tolist(), alpha=LAMBDA, sample_weight=WEIGHTS.tolist()
    )
    assert_same(objective(case.theta), lecture(case))


@over_pairs
@over_orders
def test_theta_is_not_changed(pair, order):
    case = Case(pair=pair, weighted=True)
    theta, objective = case.theta, case.objective()
    theta.flags.writeable = False
    assert_same(objective(theta), lecture(case))
    for batch in objective.batches(4, order):
        batch(theta)


def test_each_gradient_is_a_new_array():
    objective, theta = Case().objective(), Case().theta
    assert not np.shares_memory(objective(theta)[1], objective(theta)[1])


def test_it_is_reproducible_to_the_bit():
    case = Case(n_hidden=3, weighted=True)
    first, second = (case.objective()(case.theta) for _ in range(2))
    assert first[0] == second[0]
    assert_array_equal(first[1], second[1])


# ------------------------------------------------------------------ sample weights


@dense_and_sparse
@over_pairs
def test_integer_weights_are_repeated_rows(pair, container):
    case, weights = Case(pair=pair), np.array([1, 2, 3, 1, 0, 2])
    repeated_X, repeated_Y = X.repeat(weights, axis=0), Y.repeat(weights, axis=0)
    repeated = Objective(case.network, container(repeated_X), repeated_Y, pair[1], LAMBDA)
    weighted = case.objective(container, sample_weight=weights)
    assert weighted.m == repeated.m == 9
    assert_same(weighted(case.theta), repeated(case.theta))


@over_pairs
def test_a_weight_of_0_removes_the_row(pair):
    case, kept = Case(pair=pair), np.array([0, 1, 3, 5])
    weights = np.array([2, 0.5, 0, 1.5, 0, 3])
    removed = Objective(case.network, X[kept], Y[kept], pair[1], LAMBDA, weights[kept])
    assert_same(case.objective(sample_weight=weights)(case.theta), removed(case.theta))


def test_weights_of_1_are_no_weights():
    case = Case()
    assert_same(case.objective(sample_weight=np.ones(M))(case.theta), lecture(case))


@pytest.mark.parametrize(("weighted", "m"), [(False, M), (True, WEIGHTS.sum())])
def test_m_is_the_sum_of_the_weights(weighted, m):
    assert_allclose(Case(weighted=weighted).objective().m, m)


# ------------------------------------------------------------------------- batches


@over_weights
@over_pairs
@pytest.mark.parametrize(
    "rows",
    [slice(1, 5, 2), np.array([4, 0, 4]), np.array([True, False, True, True, False, False])],
    ids=["slice", "indices", "mask"],
)
def test_the_cost_of_a_batch_by_hand(pair, weighted, rows):
    case, weights = Case(pair=pair, weighted=weighted), WEIGHTS if weighted else np.ones(M)
    Thetas = case.network.unpack(case.theta)
    costs = [
        weight * gradient_computation(Thetas, [x], [y], case.activation, *pair)[0]
        for x, y, weight in zip(X[rows], Y[rows], weights[rows], strict=True)
    ]
    penalty = LAMBDA / (2 * weights.sum()) * sum_of_squares(Thetas)
    J, _ = case.objective().take(rows)(case.theta)
    assert_allclose(J, np.mean(costs) / weights.mean() + penalty, rtol=1e-12)


@dense_and_sparse
@over_weights
def test_a_batch_passes_the_gradient_check(container, weighted):
    case = Case(weighted=weighted, n_hidden=2)
    assert check_gradient(case.objective(container).take(np.array([3, 1])), case.theta) < 1e-6


@dense_csr_and_csc
@over_weights
@over_orders
@pytest.mark.parametrize("batch_size", [1, 2, 6])
def test_the_mean_of_all_equal_batches_is_the_whole(container, weighted, order, batch_size):
    case = Case(weighted=weighted, n_hidden=2)
    batches = case.objective(container).batches(batch_size, order)
    costs, gradients = zip(*(batch(case.theta) for batch in batches), strict=True)
    assert_same((np.mean(costs), np.mean(gradients, axis=0)), lecture(case))


@over_weights
def test_a_batch_of_a_batch(weighted):
    case = Case(weighted=weighted)
    rows, rows_of_rows = np.array([5, 2, 0, 1]), np.array([3, 1])
    nested = case.objective().take(rows).take(rows_of_rows)
    assert_same(nested(case.theta), case.objective().take(rows[rows_of_rows])(case.theta))


@over_weights
def test_a_batch_has_the_engine_and_the_m_of_the_whole(weighted):
    whole = Case(weighted=weighted).objective()
    batch = whole.take(slice(1, 3))
    assert (batch.engine, batch.m, batch.mean_weight) == (whole.engine, whole.m, whole.mean_weight)
    assert (batch.n_rows, whole.n_rows) == (2, M)


@pytest.mark.parametrize(
    ("weights", "rows", "has_weight"),
    [
        (None, slice(0, 2), True),
        ([0, 0, 1, 2, 3, 4], slice(0, 2), False),
        ([0, 0, 1, 2, 3, 4], slice(0, 3), True),
        ([0, 0, 1, 2, 3, 4], np.array([1, 0, 0]), False),
    ],
)
def test_whether_a_batch_has_weight(weights, rows, has_weight):
    assert Case().objective(sample_weight=weights).take(rows).has_weight is has_weight


def test_a_batch_of_weight_0_costs_the_penalty_alone():
    case, weights = Case(), np.array([0, 0, 1, 2, 3, 4])
    J, D = case.objective(sample_weight=weights).take(slice(0, 2))(case.theta)
    Thetas = case.network.unpack(case.theta)
    assert_allclose(J, LAMBDA / 20 * sum_of_squares(Thetas))
    for Theta, D_l in zip(Thetas, case.network.unpack(D), strict=True):
        assert_allclose(D_l[:, 1:], LAMBDA / 10 * Theta[:, 1:])
        assert not D_l[:, 0].any()


@dense_csr_and_csc
@over_weights
@over_orders
@pytest.mark.parametrize("batch_size", [1, 4, 10])
def test_batches_are_those_rows_taken(container, weighted, batch_size, order):
    case = Case(weighted=weighted)
    objective, rows = case.objective(container), np.arange(M) if order is None else order
    found = [batch(case.theta) for batch in objective.batches(batch_size, order)]
    expected = [
        objective.take(rows[start : start + batch_size])(case.theta)
        for start in range(0, M, batch_size)
    ]
    assert len(found) == math.ceil(M / batch_size)
    for found_pair, expected_pair in zip(found, expected, strict=True):
        assert_same(found_pair, expected_pair, 1e-14)


def arrays_of(objective):
    return objective.X, objective.Y, objective.sample_weight


def test_batches_in_order_are_views():
    for batch in Case(weighted=True).objective().batches(4):
        assert all(map(np.shares_memory, arrays_of(batch), (X, Y, WEIGHTS)))


def test_shuffled_batches_share_one_buffer():
    first, last = Case(weighted=True).objective().batches(4, SHUFFLED)
    assert all(map(np.shares_memory, arrays_of(first), arrays_of(last)))
    assert not any(map(np.shares_memory, arrays_of(first), (X, Y, WEIGHTS)))
    assert [len(array) for array in arrays_of(last)] == [2, 2, 2]


# -------------------------------------------------------------------------- epochs

every_engine = pytest.mark.parametrize("engine", ["auto", "numpy"])


class HalfTheGradient:
    """A custom update rule, which counts its steps."""

    def init(self, theta):
        return {"n_steps": 0}

    def update(self, D, state, eta):
        state["n_steps"] += 1
        return -eta / 2 * D


def epoch_by_hand(objective, theta, batch_size, order, update):
    losses = []
    for batch in objective.batches(batch_size, order):
        J, D = batch(theta)
        theta += update(D)
        losses += batch.n_rows * [J]
    return np.mean(losses)


def two_epochs(epoch, theta, rule, batch_size=4, order=None, max_norm=None):
    """Return the weights after two epochs, their losses and the state of the rule."""
    theta, state = theta.copy(), rule.init(theta)
    updates = [Update(rule, state, eta, max_norm) for eta in (0.1, 0.05)]
    losses = [epoch(theta, batch_size, order, update) for update in updates]
    return [theta, losses, *state.values()]


def assert_same_epochs(found, expected, tolerance=1e-12):
    for value, expected_value in zip(found, expected, strict=True):
        assert_allclose(value, expected_value, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("container", "engine"), [(np.asarray, "auto"), (np.asarray, "numpy"), (csr_array, "auto")]
)
@over_weights
@over_orders
@pytest.mark.parametrize("batch_size", [1, 4, 10])
@pytest.mark.parametrize(
    ("rule", "max_norm"), [(Momentum(), 0.2), (Adam(), None), (HalfTheGradient(), 0.2)]
)
def test_an_epoch_is_the_loop_over_the_batches(
    container, engine, weighted, order, batch_size, rule, max_norm
):
    case = Case(("relu", "tanh"), ("softmax", "log_loss"), 2, weighted)
    objective = case.objective(container, engine=engine)
    given = case.theta, rule, batch_size, order, max_norm
    expected = two_epochs(partial(epoch_by_hand, objective), *given)
    assert not np.allclose(expected[0], case.theta)
    assert_same_epochs(two_epochs(objective.epoch, *given), expected)


@every_engine
def test_an_epoch_computes_in_float32(engine):
    case = Case(n_hidden=2)
    objective, objective_64 = (case.objective(dtype=t, engine=engine) for t in (np.float32, float))
    theta, *rest = two_epochs(objective.epoch, case.theta.astype(np.float32), Adam())
    assert theta.dtype == np.float32
    assert_same_epochs([theta, *rest], two_epochs(objective_64.epoch, case.theta, Adam()), 1e-4)


@every_engine
@pytest.mark.parametrize("rule", [Momentum(), Adam(), HalfTheGradient()])
def test_the_rule_does_not_meet_batches_without_weight(engine, rule):
    case, weights = Case(), np.array([0, 0, 1, 2, 0, 0])
    objective = case.objective(sample_weight=weights, engine=engine)
    part = objective.take(slice(2, 4))
    theta, _, *state = two_epochs(objective.epoch, case.theta, rule, batch_size=2)
    expected, _, *expected_state = two_epochs(part.epoch, case.theta, rule, batch_size=2)
    assert_same_epochs([theta, *state], [expected, *expected_state])


@every_engine
@pytest.mark.parametrize("batch_size", [0, -3])
def test_an_epoch_with_batches_of_no_rows(engine, batch_size):
    case = Case()
    with error("batch_size"):
        two_epochs(case.objective(engine=engine).epoch, case.theta, Momentum(), batch_size)


@every_engine
@pytest.mark.parametrize("order", [[0, 1, 2], [0, 1, 2, 3, 4, 6], [-1, 0, 1, 2, 3, 4]])
def test_an_epoch_with_an_order_that_is_not_one_of_all_rows(engine, order):
    case = Case()
    theta = case.theta
    update = Update(Momentum(), Momentum().init(theta), 0.1)
    with pytest.raises(ValueError, match=r"order|rows"):
        case.objective(engine=engine).epoch(theta, 4, np.array(order), update)
    assert_array_equal(theta, case.theta)


# ------------------------------------------------------------------------- large z


@over_dtypes
@over_pairs
def test_finite_for_large_z(pair, dtype):
    network = Network((1, 3), output_activation=pair[0])
    theta = network.pack([[[0, 1e4], [0, -1e4], [0, 0]]]).astype(dtype)
    examples = np.array([[1], [-1], [0.5], [0]], dtype)
    assert_finite(*Objective(network, examples, Y[[0, 1, 2, 3]], pair[1])(theta))


@over_dtypes
@over_pairs
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_finite_for_large_z_of_hidden_units(activation, pair, dtype):
    network = Network((1, 2, 3), activation, pair[0])
    theta = np.random.default_rng(0).normal(size=network.n_parameters).astype(dtype)
    examples = np.array([[1e4], [-1e4], [1]], dtype)
    assert_finite(*Objective(network, examples, np.eye(3), pair[1])(theta))


@over_dtypes
@pytest.mark.parametrize("output_activation", ["logistic", "softmax"])
def test_the_loss_of_a_wrong_output_is_its_z(output_activation, dtype):
    network = Network((1, 2), output_activation=output_activation)
    objective = Objective(network, np.ones((1, 1), dtype), [[0, 1]], alpha=0)
    J, _ = objective(np.array([1e4, 0, -1e4, 0], dtype))
    assert_allclose(J, 2e4)


# -------------------------------------------------- against SciPy and scikit-learn


@pytest.mark.parametrize("method", ["BFGS", "CG", "L-BFGS-B"])
@over_pairs
def test_scipys_optimisers_can_minimise_it(method, pair):
    case = Case(pair=pair)
    objective = case.objective()
    result = minimize(objective, case.theta, jac=True, method=method)
    assert result.success
    assert result.fun < objective(case.theta)[0]
    assert np.abs(objective(result.x)[1]).max() < 1e-4


def noisy_data(n_classes):
    generator = np.random.default_rng(0)
    examples = generator.normal(size=(60, 4))
    noise = generator.normal(size=(60, n_classes))
    y = (examples[:, :n_classes] + noise).argmax(axis=1)
    return examples, y, generator.uniform(0.1, 2, size=60)


@over_weights
@pytest.mark.parametrize("method", ["BFGS", "CG", "L-BFGS-B"])
@pytest.mark.parametrize(("n_classes", "output_activation"), [(2, "logistic"), (3, "softmax")])
def test_without_hidden_layers_it_is_logistic_regression(
    n_classes, output_activation, method, weighted
):
    examples, y, weights = noisy_data(n_classes)
    sample_weight = weights if weighted else None
    model = LogisticRegression(C=1 / LAMBDA, tol=1e-10, max_iter=10_000)
    model.fit(examples, y, sample_weight)

    targets = np.eye(n_classes)[y] if n_classes > 2 else y[:, np.newaxis]
    network = Network((4, targets.shape[1]), output_activation=output_activation)
    objective = Objective(network, examples, targets, "log_loss", LAMBDA, sample_weight)
    tolerances = {"gtol": 1e-7} | ({"ftol": 1e-14} if method == "L-BFGS-B" else {})
    theta_0 = np.zeros(network.n_parameters)
    result = minimize(objective, theta_0, jac=True, method=method, options=tolerances)
    (Theta,) = network.unpack(result.x)
    assert_allclose(Theta[:, 1:], model.coef_, atol=1e-5)
    assert_allclose(Theta[:, 0], model.intercept_, atol=1e-5)


# -------------------------------------------------------------------------- errors


@pytest.mark.parametrize("shape", [(6, 3), (6, 5), (6,), (6, 4, 1)])
def test_examples_of_a_wrong_shape(shape):
    with error("X", "(m, 4)", shape):
        Objective(Case().network, np.zeros(shape), Y)


@pytest.mark.parametrize("container", SPARSE)
def test_sparse_examples_of_a_wrong_shape(container):
    with error("X", "(m, 4)", "(6, 3)"):
        Objective(Case().network, container(np.zeros((6, 3))), Y)


@pytest.mark.parametrize("shape", [(6, 2), (5, 3), (6,), (6, 3, 1)])
def test_targets_of_a_wrong_shape(shape):
    with error("Y", "(6, 3)", shape):
        Objective(Case().network, X, np.zeros(shape))


@pytest.mark.parametrize("shape", [(5,), (6, 1), ()])
def test_sample_weight_of_a_wrong_shape(shape):
    with error("sample_weight", "(6,)", shape):
        Case().objective(sample_weight=np.ones(shape))


def test_sample_weights_that_are_all_zero():
    with error("sum of sample_weight", "positive", "0.0"):
        Case().objective(sample_weight=np.zeros(6))


def test_no_examples():
    with error("sum of sample_weight", "positive", "0.0"):
        Objective(Case().network, X[:0], Y[:0])


def test_sample_weights_whose_sum_overflows():
    with error("sum of sample_weight", "finite", "inf"):
        Case().objective(sample_weight=np.full(6, 1e308))


@pytest.mark.parametrize(("alpha", "m"), [(-1, 6), (1e300, 6e-20), (np.inf, 6), (np.nan, 6)])
def test_alpha_that_cannot_be_divided_by_m(alpha, m):
    with error("alpha / m", f"alpha={alpha}"):
        Case().objective(alpha=alpha, sample_weight=np.full(6, m / 6))


@pytest.mark.parametrize("batch_size", [0, -3])
def test_batches_of_no_rows(batch_size):
    with error("batch_size", batch_size):
        next(Case().objective().batches(batch_size))


def test_theta_of_integers_gives_a_gradient_of_floats():
    objective = Case().objective()
    theta = np.arange(19) % 3 - 1
    J, D = objective(theta.tolist())
    assert D.dtype == float
    assert objective(theta.astype(float))[0] == J
    np.testing.assert_array_equal(D, objective(theta.astype(float))[1])
    assert check_gradient(objective, theta) < 1e-6


@pytest.mark.parametrize("order", [[0, 1, 2], [0, 1, 2, 3, 4, 6], [-1, 0, 1, 2, 3, 4]])
def test_an_order_that_is_not_one_of_all_rows(order):
    with error("order", "0 to 5"):
        next(Case().objective().batches(2, np.array(order)))


def test_an_unknown_loss():
    with error("(output_activation, loss)", sorted(LOSSES), ("logistic", "hinge")):
        Case().objective(loss="hinge")


def test_theta_of_a_wrong_shape():
    with error("theta", "(19,)", "(18,)"):
        Case().objective()(np.zeros(18))


def test_a_float32_gradient_is_summed_over_blocks_in_float64():
    class Ones:
        """An engine whose blocks have a large gradient at first, and then small ones."""

        def loss_and_gradient(self, objective, theta):
            D = np.full(theta.shape, 2**24 if objective.X[0, 0] == 0 else 1, np.float32)
            return 0.0, D

    n_rows = 8192
    X, Y = np.zeros((n_rows, 600), np.float32), np.zeros((n_rows, 1))
    X[:, 0] = np.arange(n_rows)
    objective = Objective(Network((600, 1)), X, Y, alpha=0, engine=Ones())
    n_blocks = len(blocks(n_rows, 601))
    _, D = objective(np.zeros(601, np.float32))
    assert D.dtype == np.float32
    assert n_blocks > 2
    assert_array_equal(D, np.float32((2**24 + n_blocks - 1) / n_rows))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("of_X", [np.float32, np.float64])
def test_the_precision_of_alpha_is_not_that_of_the_cost(dtype, of_X):
    network, X_cast = Network((4, 2, 3)), X.astype(of_X)
    theta = 100 * network.initialize(0)
    alpha = dtype(1e-6)
    J, D = Objective(network, X_cast, Y, alpha=alpha)(theta)
    J_float, D_float = Objective(network, X_cast, Y, alpha=float(alpha))(theta)
    assert J_float == J
    assert type(J) is float
    assert_array_equal(D, D_float)


@pytest.mark.parametrize("of_X", [np.float32, np.float64])
def test_alpha_is_so_large_that_its_square_overflows(of_X):
    largest = np.sqrt(np.finfo(of_X).max)
    network, X_cast = Network((4, 2, 3)), X.astype(of_X)
    Objective(network, X_cast, Y, alpha=0.9 * M * float(largest))
    for alpha in (1.1 * M * float(largest), 1e300, 10**400):
        with error("alpha"):
            Objective(network, X_cast, Y, alpha=alpha)


# ------------------------------------------------------------------ the constant model


@pytest.mark.parametrize("weight", [None, WEIGHTS, 1000 * WEIGHTS], ids=["none", "some", "large"])
@pytest.mark.parametrize("pair", LOSSES, ids="-".join)
def test_constant_cost_is_the_lowest_cost_of_a_network_that_knows_nothing_of_x(pair, weight):
    output_activation, loss = pair
    network = Network((1, 3), output_activation=output_activation)
    objective = Objective(network, np.zeros((M, 1)), Y, loss, 0, weight)
    lowest = minimize(objective, np.zeros(network.n_parameters), jac=True, tol=1e-10).fun
    assert_allclose(constant_cost(network, Y, loss, weight), lowest, rtol=1e-8)


@pytest.mark.parametrize("output_activation", ["logistic", "softmax"])
def test_a_constant_decision_gives_the_means_of_the_targets(output_activation):
    network = Network((1, 3), output_activation=output_activation)
    means = np.array([0.2, 0.5, 0.3])
    assert_allclose(network.h.g(constant_decision(network, means)[np.newaxis])[0], means)


def test_a_constant_decision_is_within_its_bounds():
    z = constant_decision(Network((1, 2)), np.array([0.0, 1.0]), least=0.01)
    assert_allclose(expit(z), [0.01, 0.99])


def test_constant_cost_of_many_rows_is_the_entropy_of_their_shares():
    labels = np.random.default_rng(0).choice([0.0, 1.0], p=[0.8, 0.2], size=(10_000, 1))
    share = labels.mean()
    entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)
    assert_allclose(constant_cost(Network((1, 1)), labels), entropy)


def test_weights_act_as_repeated_rows_on_the_constant_cost():
    counts = np.array([2, 0, 1, 3, 1, 1])
    network = Network((1, 3))
    weighted = constant_cost(network, Y, sample_weight=counts.astype(float))
    assert_allclose(weighted, constant_cost(network, np.repeat(Y, counts, axis=0)))


@pytest.mark.parametrize("weight", [np.zeros(M), np.full(M, 1e308)], ids=["zero", "too large"])
def test_constant_cost_of_weights_without_a_sum_is_infinite(weight):
    assert constant_cost(Network((1, 3)), Y, sample_weight=weight) == math.inf


def test_the_constant_cost_of_a_loss_that_extends_the_log_loss_is_its_own():
    class Focal(SoftmaxLogLoss):
        def per_row(self, z, a, Y):
            return (1 - (a * Y).sum(axis=1)) ** 2 * super().per_row(z, a, Y)

    network = Network((1, 3), output_activation="softmax")
    p = Y.mean(axis=0)
    expected = -np.mean([(1 - p[k]) ** 2 * np.log(p[k]) for k in Y.argmax(axis=1)])
    assert_allclose(constant_cost(network, Y, Focal()), expected)


def test_a_single_class_costs_a_constant_model_nothing():
    assert 0 <= constant_cost(Network((1, 1)), np.ones((5, 1))) < 1e-12
