"""The engine for arrays of other libraries, here with NumPy behind the array API's functions.

`tests/namespaces` has the same with the real libraries.
"""

import itertools

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.externals.array_api_compat import numpy as xp

from skbp.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS, Activation
from skbp.dropout import with_dropout
from skbp.engine import namespace, outputs, resolve_engine
from skbp.engine.arrays import NamespaceArray
from skbp.engine.formulas import HIDDEN, LOSSES, OUTPUTS
from skbp.engine.interface import Output
from skbp.losses import LOSSES as LECTURE_LOSSES
from skbp.losses import SoftmaxLogLoss
from skbp.network import Network
from skbp.objective import Objective
from skbp.solvers import Adam, Momentum
from skbp.solvers.update_rules import Update
from skbp.weights import split

Z = np.array([[-800.0, -20.0, -1.0], [-1e-9, 0.0, 1e-9], [0.5, 3.0, 900.0], [2.0, 2.0, -2.0]])
KINDS = [("logistic", 1), ("logistic", 3), ("softmax", 3)]


def there(array):
    return NamespaceArray(array, xp, np.asarray)


def problem(n_rows, n_outputs, dtype=float):
    generator = np.random.RandomState(0)
    X = generator.standard_normal((n_rows, 4)).astype(dtype)
    Y = np.zeros((n_rows, n_outputs))
    Y[np.arange(n_rows), generator.randint(n_outputs, size=n_rows)] = 1
    return X, Y * generator.randint(2, size=(n_rows, 1)) if n_outputs == 1 else Y


@pytest.fixture
def small_blocks(monkeypatch):
    """Divide 100 rows and more into blocks, whatever the network."""
    monkeypatch.setattr(namespace, "_NUMBERS_OF_BLOCK", 0)
    monkeypatch.setattr(namespace, "_FEWEST_ROWS", 17)


def same(found, expected, rtol=1e-12):
    return np.linalg.norm(found - expected) <= rtol * np.linalg.norm(expected)


# --- the formulas ---------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_activations_are_those_of_the_lecture(name, dtype):
    z = Z.astype(dtype)
    a = ACTIVATIONS[name].g(z)
    for found, expected in [
        (HIDDEN[name].g(xp, z), a),
        (HIDDEN[name].g_prime(xp, a), ACTIVATIONS[name].g_prime(a)),
    ]:
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("pair", LOSSES)
def test_outputs_and_losses_are_those_of_the_lecture(pair):
    lecture, formulas = LECTURE_LOSSES[pair], LOSSES[pair]
    a = OUTPUT_ACTIVATIONS[pair[0]].g(Z)
    Y = np.eye(3)[[0, 1, 2, 0]]
    np.testing.assert_allclose(OUTPUTS[pair[0]](xp, Z), a, rtol=1e-15)
    np.testing.assert_allclose(formulas.per_row(xp, Z, a, Y), lecture.per_row(Z, a, Y), rtol=1e-15)
    np.testing.assert_allclose(formulas.delta(xp, Z, a, Y), lecture.delta(Z, a, Y), rtol=1e-15)


# --- J, Δ and epochs ------------------------------------------------------------------------


@pytest.mark.parametrize("n_rows", [5, 60])
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", HIDDEN)
def test_the_cost_is_that_of_the_numpy_engine(activation, kind, loss, n_rows, small_blocks):
    output, n_outputs = kind
    network = Network((4, 6, 5, n_outputs), activation, output)
    theta, (X, Y) = network.initialize(0), problem(n_rows, n_outputs)
    weight = np.random.RandomState(1).uniform(size=n_rows)
    J, D = Objective(network, X, Y, loss, 0.5, weight, engine="numpy")(theta)
    objective = Objective(network, there(X), Y, loss, 0.5, weight)
    assert objective.engine.name == "namespace"
    found, D_found = objective(theta)
    assert found == pytest.approx(J, rel=1e-12)
    assert same(D_found, D)


@pytest.mark.parametrize("is_ordered", [True, False])
@pytest.mark.parametrize("max_norm", [None, 0.05])
@pytest.mark.parametrize("rule", [Adam(), Momentum(), Momentum(0.5, nesterov=False)])
@pytest.mark.parametrize("dropout", [0, [0.5, 0]])
def test_an_epoch_is_that_of_the_numpy_engine(rule, max_norm, dropout, is_ordered, small_blocks):
    network, (X, Y) = Network((4, 6, 5, 3), "tanh"), problem(60, 3)
    order = np.random.RandomState(1).permutation(60) if is_ordered else None
    weight = np.where(np.arange(60) < 10, 0.0, 2.0)  # a batch without weight makes no step

    def run(X, engine):
        trained = with_dropout(network, dropout, np.random.RandomState(2))
        objective = Objective(trained, X, Y, "log_loss", 0.5, weight, engine)
        theta = network.initialize(0)
        update = Update(rule, rule.init(theta), 0.1, max_norm)
        losses = [objective.epoch(theta, 10, order, update) for _ in range(3)]
        return theta, losses, update.state

    theta, losses, state = run(X, "numpy")
    theta_found, losses_found, state_found = run(there(X), "auto")
    assert same(theta_found, theta)
    assert losses_found == pytest.approx(losses, rel=1e-12)
    assert state_found.keys() == state.keys()
    assert all(same(state_found[name], state[name]) for name in state)


def test_an_epoch_with_a_rule_of_the_users_own():
    class SignDescent(Momentum):
        def update(self, D, state, eta):
            return -eta * np.sign(np.asarray(D))

    network, (X, Y) = Network((4, 5, 3)), problem(30, 3)

    def run(X, engine):
        theta = network.initialize(0)
        update = Update(SignDescent(), {}, 0.1)
        loss = Objective(network, X, Y, engine=engine).epoch(theta, 10, None, update)
        return np.append(theta, loss)

    assert same(run(there(X), "auto"), run(X, "numpy"))


def test_a_gradient_whose_squares_overflow_is_shortened():
    D = np.array([3e200, 4e200])
    update = Update(Momentum(0, nesterov=False), Momentum().init(D), 1.0, max_norm=1.0)
    assert namespace._step(xp, update, D) == pytest.approx([-0.6, -0.8])


def test_no_array_is_as_large_as_n_times_the_width(monkeypatch, small_blocks):
    rows = []
    forward = namespace._forward
    monkeypatch.setattr(
        namespace, "_forward", lambda *args: rows.append(len(args[3])) or forward(*args)
    )
    network, (X, Y) = Network((4, 5, 3)), problem(500, 3)
    Objective(network, there(X), Y)(network.initialize(0))
    outputs(network, split(network.unpack(network.initialize(0))), there(X))
    assert sum(rows) == 1000
    assert max(rows) == 17


def test_float32_sums_are_added_up_in_float64(small_blocks):
    network, (X, Y) = Network((4, 5, 3)), problem(5000, 3, np.float32)
    theta = network.initialize(0)
    J, D = Objective(network, X.astype(float), Y, engine="numpy")(theta)
    found, D_found = Objective(network, there(X), Y)(theta)
    assert found == pytest.approx(J, rel=1e-6)
    assert same(D_found, D, rtol=1e-6)


# --- outputs --------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1, 30, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("kind", "output"),
    [
        *itertools.product(KINDS, [Output.DECISION, Output.ACTIVATION]),
        (("logistic", 1), Output.BINARY),
        (("logistic", 3), Output.SHARES),
    ],
)
def test_outputs_are_those_of_the_numpy_engine(kind, output, dtype, scale, small_blocks):
    name, n_outputs = kind
    network, (X, _) = Network((4, 6, n_outputs), "relu", name), problem(60, n_outputs, dtype)
    weights = split(network.unpack((network.initialize(0) * scale).astype(dtype)))
    expected = resolve_engine("numpy", network, X).outputs(network, weights, X, output)
    found = np.asarray(outputs(network, weights, there(X), output))
    assert found.dtype == dtype
    eps = np.finfo(dtype).eps
    largest = abs(outputs(network, weights, X)).max()
    np.testing.assert_allclose(found, expected, rtol=20 * eps * max(largest, 1), atol=eps)
    if output is not Output.DECISION and n_outputs > 1 and name == "softmax":
        z = np.asarray(outputs(network, weights, there(X)))
        assert (found.argmax(axis=1) == z.argmax(axis=1)).all()


# --- what is refused ------------------------------------------------------------------------


class OwnLoss(SoftmaxLogLoss):
    pass


@pytest.mark.parametrize(
    ("activation", "loss", "named"),
    [
        (Activation(np.tanh, lambda a: 1 - a * a, "my_tanh"), "log_loss", "my_tanh"),
        ("tanh", OwnLoss(), "OwnLoss"),
    ],
)
def test_a_part_of_the_users_own_is_an_error_that_names_it(activation, loss, named):
    X, Y = problem(5, 3)
    network = Network((4, 5, 3), activation, "softmax")
    with pytest.raises(ValueError, match=f"{named}.*NumPy array"):
        Objective(network, there(X), Y, loss)


def test_an_activation_of_skbps_that_has_no_formula_yet_is_the_same_error(monkeypatch):
    monkeypatch.delitem(HIDDEN, "softplus")
    X, Y = problem(5, 3)
    with pytest.raises(ValueError, match=r"softplus.*NumPy array"):
        Objective(Network((4, 5, 3), "softplus"), there(X), Y)


@pytest.mark.parametrize(
    ("engine", "X"),
    [("namespace", np.ones((1, 4))), ("namespace", csr_array((1, 4))), ("numpy", there(Z))],
)
def test_an_engine_that_cannot_read_x_is_an_error(engine, X):
    with pytest.raises(ValueError, match=f"engine='{engine}'.*engine='auto'"):
        resolve_engine(engine, Network((4, 5, 3)), X)


# --- arrays ---------------------------------------------------------------------------------


def test_rows_are_numpys():
    X = np.arange(12.0).reshape(4, 3)
    is_chosen = np.array([True, False, True, False])
    assert np.array_equal(there(X)[1:99], X[1:99])
    assert np.array_equal(there(X)[np.array([3, 0])], X[[3, 0]])
    assert np.array_equal(there(X)[is_chosen], X[is_chosen])
    assert np.array_equal(there(X[:, 0])[1:3], X[1:3, 0])
    assert np.array_equal(there(X)[there(np.array([2]))], X[[2]])


def test_it_looks_like_a_matrix_of_numpy():
    X = there(np.ones((4, 3), np.float32))
    assert (X.shape, X.ndim, len(X), X.dtype) == ((4, 3), 2, 4, np.dtype("float32"))
    assert X.astype(float).dtype == np.dtype("float64")
    assert X.like(np.arange(3)[::-1]).array.tolist() == [2, 1, 0]
