"""skbp.dropout: the gradient of what was drawn, and that nothing changes on average."""

import re

import numpy as np
import pytest
from lecture import (
    OUTPUT_ACTIVATIONS,
    activations_of_layers,
    back_propagation,
    forward_propagation,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from skbp.activations import ACTIVATIONS, Activation
from skbp.dropout import thinned
from skbp.gradient_check import check_gradient
from skbp.network import Network
from skbp.objective import Objective

HIDDEN = (5, 4, 3)
RATES = (0.3, 0.5, 0.2)
X = np.random.default_rng(0).normal(size=(6, 4)) * np.random.default_rng(1).integers(2, size=(6, 4))
Y = np.eye(3)[[2, 0, 1, 1, 2, 0]]

over_rates = pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
over_depths = pytest.mark.parametrize("n_hidden", [1, 2, 3])


def random_state(seed=0):
    return np.random.RandomState(seed)


def network_of(n_hidden, activation="tanh", output_activation="logistic"):
    return Network((4, *HIDDEN[:n_hidden], 3), activation, output_activation)


def always_the_same_units(objective, generator, seed=0):
    """Return the objective with the same units left out on each call."""

    def frozen(theta):
        generator.seed(seed)
        return objective(theta)

    return frozen


def masks_of(n_hidden, seed):
    """Return what the units of each hidden layer are multiplied by when drawn with a seed."""
    network = network_of(n_hidden, "identity")  # no z is 0, so a 0 is a unit that was left out
    thin = thinned(network, RATES[:n_hidden], random_state(seed))
    activations, _ = thin.forward(network.initialize(0), X)
    hidden = zip(activations[1:-1], RATES[:n_hidden], strict=True)
    return {layer: (a != 0) / (1 - p) for layer, (a, p) in enumerate(hidden, start=2)}


def masked(mask, function):
    return lambda z: mask * function(z)


# Without dropout


@pytest.mark.parametrize("rate", [0, 0.0, [0, 0], (0.0, 0.0), np.zeros(2)])
def test_rate_0_is_the_same_network_and_draws_nothing(rate):
    network, generator = network_of(2), random_state()
    assert thinned(network, rate, generator) is network
    assert generator.random_sample() == random_state().random_sample()


def test_without_hidden_layers_nothing_is_left_out():
    network = Network((4, 3))
    assert thinned(network, 0.5, random_state()) is network


def test_the_whole_network_is_not_changed():
    network = network_of(2)
    thin, theta = thinned(network, 0.5, random_state()), network.initialize(0)
    thin.forward(theta, X)
    assert network == network_of(2)
    assert_array_equal(network.decision(theta, X), network_of(2).decision(theta, X))


def test_the_thinned_network_has_the_layers_of_the_whole_one():
    network = network_of(2, ["relu", "tanh"], "softmax")
    thin = thinned(network, [0, 0.5], random_state())
    assert (thin.layer_sizes, thin.h) == (network.layer_sizes, network.h)
    assert thin.g[0] == network.g[0]
    assert [activation.name for activation in thin.g] == ["relu", "tanh"]


# The gradient


@over_depths
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_the_gradient_is_that_of_the_units_that_were_left(activation, n_hidden, container):
    network, generator = network_of(n_hidden, activation), random_state()
    thin = thinned(network, RATES[:n_hidden], generator)
    weights = np.linspace(0.5, 2, len(X))
    objective = Objective(thin, container(X), Y, alpha=0.7, sample_weight=weights)
    frozen = always_the_same_units(objective, generator)
    theta = np.random.default_rng(1).normal(size=network.n_parameters)
    assert check_gradient(frozen, theta) < 1e-6
    assert frozen(theta)[0] != Objective(network, X, Y, alpha=0.7, sample_weight=weights)(theta)[0]


@pytest.mark.parametrize("names", [("relu", "softplus"), ("elu", "tanh", "logistic")], ids="-".join)
@pytest.mark.parametrize("output_activation", OUTPUT_ACTIVATIONS)
def test_forward_and_backward_are_the_lectures_with_each_examples_own_units(
    names, output_activation
):
    network = network_of(len(names), names, output_activation)
    theta = np.random.default_rng(1).normal(size=network.n_parameters)
    delta = np.random.default_rng(2).normal(size=Y.shape)
    thin = thinned(network, RATES[: len(names)], random_state(0))
    activations, z = thin.forward(theta, X)
    masks = masks_of(len(names), seed=0)

    L, Theta = len(names) + 2, dict(enumerate(network.unpack(theta), start=1))
    Delta = [np.zeros(shape) for shape in network.shapes]
    for i in range(len(X)):
        g, g_prime = (
            {layer: masked(masks[layer][i], function) for layer, function in functions.items()}
            for functions in activations_of_layers(names, L)
        )
        z_i, a_i = forward_propagation(Theta, X[i], g, OUTPUT_ACTIVATIONS[output_activation][0])
        delta_i = back_propagation(Theta, z_i, g_prime, delta[i])
        assert_allclose(z[i], z_i[L], rtol=1e-12)
        assert_allclose(activations[-1][i], a_i[L], rtol=1e-12)
        for layer in range(1, L):
            Delta[layer - 1] += np.outer(delta_i[layer + 1], a_i[layer])
    found = network.unpack(thin.backward(theta, activations, delta))
    for found_l, expected in zip(found, Delta, strict=True):
        assert_allclose(found_l, expected, rtol=1e-10, atol=1e-13)


def test_a_unit_that_is_left_out_gets_no_gradient():
    network, generator = Network((4, 6, 1), "tanh"), random_state(3)
    thin, theta = thinned(network, 0.5, generator), network.initialize(0)
    activations, z = thin.forward(theta, X[:1])
    first, last = network.unpack(thin.backward(theta, activations, np.ones_like(z)))
    left_out = activations[1][0] == 0
    assert 0 < left_out.sum() < 6
    assert not first[left_out].any()
    assert not last[0, 1:][left_out].any()
    assert first[~left_out].any(axis=1).all()
    assert last[0, 1:][~left_out].all()


def signed_root_prime(a):
    return 1 / (2 * np.abs(a))


def test_an_activation_of_ones_own_whose_derivative_has_a_pole_at_0():
    signed_root = Activation(lambda z: np.sign(z) * np.sqrt(np.abs(z)), signed_root_prime)
    network, generator = network_of(2, signed_root), random_state()
    objective = Objective(thinned(network, 0.5, generator), X, Y)
    frozen = always_the_same_units(objective, generator)
    theta = np.random.default_rng(1).normal(size=network.n_parameters)
    assert check_gradient(frozen, theta) < 1e-6


# What is drawn


@over_rates
def test_the_share_of_units_left_out_is_p(p):
    network, n_rows = Network((1, 50, 1)), 400
    thin = thinned(network, p, random_state())
    activations, _ = thin.forward(network.initialize(0), np.ones((n_rows, 1)))
    n = 50 * n_rows
    assert abs((activations[1] == 0).mean() - p) < 4 * np.sqrt(p * (1 - p) / n)


@over_rates
def test_units_that_are_left_are_scaled_up(p):
    network, theta = network_of(1), network_of(1).initialize(0)
    thin = thinned(network, p, random_state(1))
    a, whole = thin.forward(theta, X)[0][1], network.forward(theta, X)[0][1]
    kept = a != 0
    assert kept.any()
    assert_allclose(a[kept], whole[kept] / (1 - p), rtol=1e-15)


@over_rates
def test_on_average_z_is_that_of_the_whole_network(p):
    network, n_draws = Network((4, 5, 3), "tanh"), 20_000
    theta = np.random.default_rng(1).normal(size=network.n_parameters)
    x = X[:1]
    thin = thinned(network, p, random_state())
    draws = thin.decision(theta, x.repeat(n_draws, axis=0))
    # z is a sum of independent a_j B_j / (1 − p), where B_j is 1 with probability 1 − p
    a, weights = network.forward(theta, x)[0][1], network.unpack(theta)[1][:, 1:]
    variance = p / (1 - p) * ((weights * a) ** 2).sum(axis=1)
    difference = draws.mean(axis=0) - network.decision(theta, x)[0]
    assert (np.abs(difference) < 4 * np.sqrt(variance / n_draws)).all()
    assert_allclose(draws.var(axis=0), variance, rtol=0.1)


def test_each_layer_has_its_own_rate():
    network, rates = Network((1, 40, 40, 40, 1)), (0.2, 0, 0.7)
    thin = thinned(network, rates, random_state())
    activations, _ = thin.forward(network.initialize(0), np.ones((500, 1)))
    shares = [(a == 0).mean() for a in activations[1:-1]]
    assert_allclose(shares, rates, atol=0.015)
    assert shares[1] == 0


@pytest.mark.parametrize("sequence", [list, tuple, np.array])
def test_a_single_rate_is_that_of_each_layer(sequence):
    network, theta = network_of(2), network_of(2).initialize(0)
    one = thinned(network, 0.4, random_state()).decision(theta, X)
    each = thinned(network, sequence([0.4, 0.4]), random_state()).decision(theta, X)
    assert_array_equal(one, each)


def test_layers_of_one_size_leave_out_different_units():
    network = Network((4, 30, 30, 1))
    activations, _ = thinned(network, 0.5, random_state()).forward(network.initialize(0), X)
    assert ((activations[1] == 0) != (activations[2] == 0)).any()


def test_each_example_and_each_call_has_its_own_units():
    network = Network((4, 30, 1))
    thin, theta, same_rows = (
        thinned(network, 0.5, random_state()),
        network.initialize(0),
        X[[0] * 5],
    )
    draws = [thin.forward(theta, same_rows)[0][1] == 0 for _ in range(3)]
    assert len(np.unique(np.vstack(draws), axis=0)) == 15


def test_the_same_seed_leaves_out_the_same_units():
    network, theta = network_of(2), network_of(2).initialize(0)
    first, same, other = (
        thinned(network, 0.5, random_state(seed)).decision(theta, X) for seed in (7, 7, 8)
    )
    assert_array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_stays_float32(activation, container):
    network = network_of(2, activation)
    thin, theta = thinned(network, 0.3, random_state()), network.initialize(0).astype(np.float32)
    activations, z = thin.forward(theta, container(X.astype(np.float32)))
    assert {a.dtype for a in activations} == {z.dtype} == {np.dtype(np.float32)}
    assert thin.backward(theta, activations, np.ones_like(z)).dtype == np.float32


# Errors


@pytest.mark.parametrize(
    "rate", [1, 1.0, -0.1, 2, np.nan, np.inf, [0.5, 1], [-0.1, 0], (0, np.nan)]
)
def test_a_rate_that_is_no_probability_below_1(rate):
    with pytest.raises(ValueError, match=re.escape(f"dropout must be in [0, 1). Got {rate!r}")):
        thinned(network_of(2), rate, random_state())


@pytest.mark.parametrize(("rates", "n_hidden"), [([0.5], 0), ([], 1), ([0.5], 2), ([0.1] * 3, 2)])
def test_a_wrong_number_of_rates(rates, n_hidden):
    message = (
        f"dropout must be a single one, or one for each of the {n_hidden} hidden layers. "
        f"Got {rates!r} instead."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        thinned(network_of(n_hidden), rates, random_state())
