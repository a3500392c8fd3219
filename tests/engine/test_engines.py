"""skbp.engine: every engine is equal to the readable one, and which one is used."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csc_array, csr_array

from skbp import engine as engines
from skbp import weights
from skbp.activations import ACTIVATIONS, Activation
from skbp.engine import ENGINES, Output, outputs, resolve_engine
from skbp.engine.numpy import NumPyEngine
from skbp.losses import LOSSES
from skbp.network import Network
from skbp.objective import Objective
from skbp.solvers import Adam, Momentum
from skbp.solvers.update_rules import Update

generator = np.random.default_rng(0)
X = generator.normal(size=(30, 4))
Y = np.eye(3)[generator.integers(3, size=30)]
WEIGHT = generator.integers(0, 3, 30).astype(float)
ORDER = generator.permutation(30)

*OTHERS, READABLE = ENGINES
every_engine = pytest.mark.parametrize("engine", OTHERS, ids=lambda engine: engine.name)
over_layouts = pytest.mark.parametrize("container", [np.asarray, np.asfortranarray, csr_array])
over_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
over_pairs = pytest.mark.parametrize("pair", LOSSES, ids="-".join)


def tolerance(dtype):
    return {"rtol": 1e-4, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-10, "atol": 1e-12}


def engine_for(engine, network, examples, loss=None):
    """Return the engine, or the readable one where it does not support the network."""
    return engine if engine.supports(network, examples, loss) else READABLE


@every_engine
@over_layouts
@over_dtypes
@over_pairs
def test_loss_and_gradient_are_those_of_the_readable_engine(engine, container, dtype, pair):
    network, examples = Network((4, 5, 6, 3), ("tanh", "relu"), pair[0]), container(X.astype(dtype))
    engine = engine_for(engine, network, examples, LOSSES[pair])
    theta = network.initialize(random_state=0).astype(dtype)
    (J, D), (J_readable, D_readable) = (
        Objective(network, examples, Y, pair[1], 0.5, WEIGHT, engine=each)(theta)
        for each in (engine, READABLE)
    )
    assert D.dtype == dtype
    assert_allclose(J, J_readable, **tolerance(dtype))
    assert_allclose(D, D_readable, **tolerance(dtype))


@every_engine
@over_dtypes
@pytest.mark.parametrize("rule", [Momentum(), Momentum(0.5, nesterov=False), Adam()])
@pytest.mark.parametrize("order", [None, ORDER], ids=["in_order", "shuffled"])
@pytest.mark.parametrize(("batch_size", "max_norm"), [(1, None), (7, 0.1), (30, None)])
def test_an_epoch_is_that_of_the_readable_engine(engine, dtype, rule, order, batch_size, max_norm):
    network, examples = Network((4, 5, 6, 3), "tanh", "softmax"), X.astype(dtype)
    engine = engine_for(engine, network, examples)
    found = []
    for each in (engine, READABLE):
        objective = Objective(network, examples, Y, "log_loss", 0.5, WEIGHT, engine=each)
        theta = network.initialize(random_state=0).astype(dtype)
        update = Update(rule, rule.init(theta), 0.01, max_norm)
        losses = [objective.epoch(theta, batch_size, order, update) for _ in range(2)]
        found.append([theta, losses, *update.state.values()])
    for value, readable in zip(*found, strict=True):
        assert_allclose(value, readable, **tolerance(dtype))


@every_engine
@over_dtypes
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("output", Output)
def test_outputs_are_those_of_the_readable_engine(engine, dtype, activation, output):
    n_outputs = 1 if output is Output.BINARY else 3
    network, examples = Network((4, 5, n_outputs), activation), X.astype(dtype)
    engine = engine_for(engine, network, examples)
    Thetas = network.unpack(network.initialize(random_state=0).astype(dtype))
    expected = READABLE.outputs(network, weights.split(Thetas), examples, output)
    for given in (weights.split(Thetas), weights.views(Thetas)):
        found = engine.outputs(network, given, examples, output)
        assert found.dtype == dtype
        assert_allclose(found, expected, **tolerance(dtype))


# ---------------------------------------------------------------- outputs of the fastest engine


def test_the_activation_of_the_last_layer_is_the_hypothesis():
    network = Network((4, 5, 3), output_activation="softmax")
    theta = network.initialize(random_state=0)
    activations, z = network.forward(theta, X)
    pair = weights.split(network.unpack(theta))
    assert_allclose(outputs(network, pair, X, Output.ACTIVATION), activations[-1], rtol=1e-12)
    assert_allclose(outputs(network, pair, X), z, rtol=1e-12, atol=1e-14)


# --------------------------------------------------------------------------- which one is used

NETWORK = Network((4, 5, 3))


def test_the_readable_engine_can_be_asked_for():
    assert isinstance(Objective(NETWORK, X, Y, engine="numpy").engine, NumPyEngine)


class OwnEngine(NumPyEngine):
    """An engine for logistic units, of which no other engine knows."""

    name = "own"
    n_calls = 0

    def supports(self, network, X, loss=None):
        return {activation.name for activation in network.g} == {"logistic"}

    def loss_and_gradient(self, objective, theta):
        self.n_calls += 1
        return super().loss_and_gradient(objective, theta)


def test_an_engine_can_be_passed_as_an_object():
    engine, theta = OwnEngine(), NETWORK.initialize(random_state=0)
    J, D = Objective(NETWORK, X, Y, engine=engine)(theta)
    J_readable, D_readable = Objective(NETWORK, X, Y, engine="numpy")(theta)
    assert engine.n_calls == 1
    assert J_readable == J
    assert_array_equal(D, D_readable)


def test_an_engine_that_is_added_is_used_where_it_can_compute(monkeypatch):
    own = OwnEngine()
    monkeypatch.setattr(engines, "ENGINES", (own, READABLE))
    assert Objective(NETWORK, X, Y).engine is own
    assert Objective(NETWORK, X, Y, engine="own").engine is own
    assert Objective(Network((4, 5, 3), "tanh"), X, Y).engine is READABLE


def test_an_engine_that_does_not_exist_is_an_error_that_names_the_parameter():
    with pytest.raises(ValueError, match=r"engine must be one of .*'compiled', .*'numpy'.*'fast'"):
        Objective(NETWORK, X, Y, engine="fast")


def test_an_engine_that_cannot_compute_is_an_error_that_names_it():
    with pytest.raises(ValueError, match="engine='compiled' cannot compute"):
        Objective(NETWORK, csc_array(X), Y, engine="compiled")


def test_the_last_engine_supports_everything():
    own = Activation(np.tanh, lambda a: 1 - a * a, "tanh")
    assert resolve_engine("auto", Network((4, 5, 3), own), csc_array(X)) is ENGINES[-1]
