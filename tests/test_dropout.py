"""skbp.dropout: the gradient with the units that were drawn, and the mean over all draws."""

import pickle
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
from skbp.dropout import with_dropout
from skbp.engine.blocks import blocks
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

    def seeded(theta):
        generator.seed(seed)
        return objective(theta)

    return seeded


def masks_of(n_hidden, seed):
    """Return the factors of the units of each hidden layer that are drawn with a seed."""
    network = network_of(n_hidden, "identity")  # no z is 0, so a 0 is a unit that was left out
    trained = with_dropout(network, RATES[:n_hidden], random_state(seed))
    activations, _ = trained.forward(network.initialize(0, gain=1), X)
    hidden = zip(activations[1:-1], RATES[:n_hidden], strict=True)
    return {layer: (a != 0) / (1 - p) for layer, (a, p) in enumerate(hidden, start=2)}


def masked(mask, function):
    return lambda z: mask * function(z)


# ------------------------------------------------------------------- without dropout


@pytest.mark.parametrize("rate", [0, 0.0, [0, 0], (0.0, 0.0), np.zeros(2)])
def test_rate_0_is_the_same_network_and_draws_nothing(rate):
    network, generator = network_of(2), random_state()
    assert with_dropout(network, rate, generator) is network
    assert generator.random_sample() == random_state().random_sample()


def test_without_hidden_layers_nothing_is_left_out():
    network = Network((4, 3))
    assert with_dropout(network, 0.5, random_state()) is network


def test_the_whole_network_is_not_changed():
    network = network_of(2)
    trained, theta = with_dropout(network, 0.5, random_state()), network.initialize(0)
    activations, z = trained.forward(theta, X)
    trained.backward(theta, activations, z)
    assert network == network_of(2)
    assert_array_equal(network.decision(theta, X), network_of(2).decision(theta, X))


def test_the_trained_network_has_the_layers_of_the_whole_one():
    network = network_of(2, ["relu", "tanh"], "softmax")
    trained = with_dropout(network, [0, 0.5], random_state())
    assert (trained.layer_sizes, trained.shapes) == (network.layer_sizes, network.shapes)
    assert (trained.g, trained.h) == (network.g, network.h)


def test_only_the_trained_network_is_random():
    network = network_of(2)
    assert not network.is_random
    assert with_dropout(network, [0, 0.5], random_state()).is_random


def test_predictions_are_those_of_the_whole_network():
    network = network_of(2)
    trained, theta = with_dropout(network, 0.5, random_state()), network.initialize(0)
    assert_array_equal(trained.decision(theta, X), network.decision(theta, X))


# ----------------------------------------------------------------------- the gradient


@pytest.mark.parametrize(("n_hidden", "container"), [(1, csr_array), (2, np.asarray)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_gradient_is_that_of_the_units_that_were_kept(activation, n_hidden, container):
    network, generator = network_of(n_hidden, activation), random_state()
    trained = with_dropout(network, RATES[:n_hidden], generator)
    weights = np.linspace(0.5, 2, len(X))
    objective = Objective(trained, container(X), Y, alpha=0.7, sample_weight=weights)
    seeded = always_the_same_units(objective, generator)
    theta = np.random.default_rng(1).normal(size=network.n_parameters)
    assert check_gradient(seeded, theta) < 1e-6
    assert seeded(theta)[0] != Objective(network, X, Y, alpha=0.7, sample_weight=weights)(theta)[0]


@pytest.mark.parametrize("names", [("relu", "softplus"), ("elu", "tanh", "logistic")], ids="-".join)
@pytest.mark.parametrize("output_activation", OUTPUT_ACTIVATIONS)
def test_forward_and_backward_are_the_lectures_with_other_units_for_each_example(
    names, output_activation
):
    network = network_of(len(names), names, output_activation)
    theta = np.random.default_rng(1).normal(size=network.n_parameters)
    delta = np.random.default_rng(2).normal(size=Y.shape)
    trained = with_dropout(network, RATES[: len(names)], random_state(0))
    activations, z = trained.forward(theta, X)
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
    found = network.unpack(trained.backward(theta, activations, delta))
    for found_l, expected in zip(found, Delta, strict=True):
        assert_allclose(found_l, expected, rtol=1e-10, atol=1e-13)


def test_a_unit_that_is_left_out_gets_no_gradient():
    network, generator = Network((4, 6, 1), "tanh"), random_state(3)
    trained, theta = with_dropout(network, 0.5, generator), network.initialize(0)
    activations, z = trained.forward(theta, X[:1])
    first, last = network.unpack(trained.backward(theta, activations, np.ones_like(z)))
    left_out = activations[1][0] == 0
    assert 0 < left_out.sum() < 6
    assert not first[left_out].any()
    assert not last[0, 1:][left_out].any()
    assert first[~left_out].any(axis=1).all()
    assert last[0, 1:][~left_out].all()


def signed_root_prime(a):
    return 1 / (2 * np.abs(a))


def test_a_custom_activation_whose_derivative_has_a_pole_at_0():
    signed_root = Activation(lambda z: np.sign(z) * np.sqrt(np.abs(z)), signed_root_prime)
    network, generator = network_of(2, signed_root), random_state()
    objective = Objective(with_dropout(network, 0.5, generator), X, Y)
    seeded = always_the_same_units(objective, generator)
    theta = np.random.default_rng(1).normal(size=network.n_parameters)
    assert check_gradient(seeded, theta) < 1e-6


# ------------------------------------------------------ masks belong to what forward returns


def test_two_forwards_then_two_backwards_give_the_gradients_of_each():
    network = network_of(3)
    trained, theta = with_dropout(network, RATES, random_state(1)), network.initialize(0)
    expected = []
    for rows in (X, X[:4]):
        activations, z = trained.forward(theta, rows)
        expected.append(trained.backward(theta, activations, z))

    again = with_dropout(network, RATES, random_state(1))
    (first, z_1), (second, z_2) = again.forward(theta, X), again.forward(theta, X[:4])
    assert_array_equal(again.backward(theta, second, z_2), expected[1])
    assert_array_equal(again.backward(theta, first, z_1), expected[0])
    # also in another order, and twice
    assert_array_equal(again.backward(theta, second, z_2), expected[1])


def test_the_blocks_of_a_large_objective_draw_one_after_the_other():
    network = Network((20, 100, 3))
    rows = np.random.default_rng(0).normal(size=(2048, 20))
    targets, theta = np.eye(3)[np.arange(2048) % 3], network.initialize(0)
    in_order = blocks(2048, network.n_parameters)
    assert len(in_order) == 2
    whole, parts = (
        Objective(with_dropout(network, 0.5, random_state()), rows, targets) for _ in range(2)
    )
    J, D = whole(theta)
    costs, gradients = zip(*(parts.take(block)(theta) for block in in_order), strict=True)
    assert_allclose(J, np.mean(costs), rtol=1e-12)
    assert_allclose(D, np.mean(gradients, axis=0), rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("container", [list, tuple])
def test_backward_needs_the_activations_that_forward_returned(container):
    network = network_of(2)
    trained, theta = with_dropout(network, 0.5, random_state()), network.initialize(0)
    activations, z = trained.forward(theta, X)
    with pytest.raises(TypeError, match="forward returned"):
        trained.backward(theta, container(activations), z)


def test_activations_can_be_read_as_a_list():
    network = network_of(2)
    trained, theta = with_dropout(network, 0.5, random_state()), network.initialize(0)
    activations, z = trained.forward(theta, X)
    assert isinstance(activations, list)
    assert [a.shape for a in activations] == [(6, 4), (6, 5), (6, 4), (6, 3)]
    assert activations[0] is X
    assert_array_equal(activations[-1], network.h.g(z))


def test_a_pickled_network_continues_with_its_random_state():
    network, theta = network_of(2), network_of(2).initialize(0)
    trained = with_dropout(network, 0.5, random_state())
    trained.forward(theta, X)
    copied = pickle.loads(pickle.dumps(trained))
    assert copied == trained
    for _ in range(2):
        assert_array_equal(copied.forward(theta, X)[1], trained.forward(theta, X)[1])


# --------------------------------------------------------------- the units left out


@over_rates
def test_the_share_of_units_left_out_is_p(p):
    network, n_rows = Network((1, 50, 1)), 400
    trained = with_dropout(network, p, random_state())
    activations, _ = trained.forward(network.initialize(0), np.ones((n_rows, 1)))
    n = 50 * n_rows
    assert abs((activations[1] == 0).mean() - p) < 4 * np.sqrt(p * (1 - p) / n)


@over_rates
def test_units_that_are_kept_are_scaled_up(p):
    network, theta = network_of(1), network_of(1).initialize(0)
    trained = with_dropout(network, p, random_state(1))
    a, whole = trained.forward(theta, X)[0][1], network.forward(theta, X)[0][1]
    kept = a != 0
    assert kept.any()
    assert_allclose(a[kept], whole[kept] / (1 - p), rtol=1e-15)


@over_rates
def test_on_average_z_is_that_of_the_whole_network(p):
    network, n_draws = Network((4, 5, 3), "tanh"), 20_000
    theta = np.random.default_rng(1).normal(size=network.n_parameters)
    x = X[:1]
    trained = with_dropout(network, p, random_state())
    _, draws = trained.forward(theta, x.repeat(n_draws, axis=0))
    # z is a sum of independent a_j B_j / (1 − p), where B_j is 1 with probability 1 − p
    a, weights = network.forward(theta, x)[0][1], network.unpack(theta)[1][:, 1:]
    variance = p / (1 - p) * ((weights * a) ** 2).sum(axis=1)
    difference = draws.mean(axis=0) - network.decision(theta, x)[0]
    assert (np.abs(difference) < 4 * np.sqrt(variance / n_draws)).all()
    assert_allclose(draws.var(axis=0), variance, rtol=0.1)


def test_each_layer_has_its_own_rate():
    network, rates = Network((1, 40, 40, 40, 1)), (0.2, 0, 0.7)
    trained = with_dropout(network, rates, random_state())
    activations, _ = trained.forward(network.initialize(0), np.ones((500, 1)))
    shares = [(a == 0).mean() for a in activations[1:-1]]
    assert_allclose(shares, rates, atol=0.015)
    assert shares[1] == 0


def test_a_layer_with_rate_0_draws_nothing():
    generator, expected = random_state(), random_state()
    network = network_of(2)
    with_dropout(network, [0, 0.5], generator).forward(network.initialize(0), X)
    expected.random_sample((len(X), HIDDEN[1]))
    assert generator.random_sample() == expected.random_sample()


@pytest.mark.parametrize("sequence", [list, tuple, np.array])
def test_a_single_rate_is_that_of_each_layer(sequence):
    network, theta = network_of(2), network_of(2).initialize(0)
    _, one = with_dropout(network, 0.4, random_state()).forward(theta, X)
    _, each = with_dropout(network, sequence([0.4, 0.4]), random_state()).forward(theta, X)
    assert_array_equal(one, each)


def test_layers_of_one_size_leave_out_different_units():
    network = Network((4, 30, 30, 1))
    activations, _ = with_dropout(network, 0.5, random_state()).forward(network.initialize(0), X)
    assert ((activations[1] == 0) != (activations[2] == 0)).any()


def test_units_are_drawn_for_each_example_and_in_each_call():
    network, same_rows = Network((4, 30, 1)), X[[0] * 5]
    trained, theta = with_dropout(network, 0.5, random_state()), network.initialize(0)
    draws = [trained.forward(theta, same_rows)[0][1] == 0 for _ in range(3)]
    assert len(np.unique(np.vstack(draws), axis=0)) == 15


def test_the_same_seed_leaves_out_the_same_units():
    network, theta = network_of(2), network_of(2).initialize(0)
    first, same, other = (
        with_dropout(network, 0.5, random_state(seed)).forward(theta, X)[1] for seed in (7, 7, 8)
    )
    assert_array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_stays_float32(activation, container):
    network = network_of(2, activation)
    trained = with_dropout(network, 0.3, random_state())
    theta = network.initialize(0).astype(np.float32)
    activations, z = trained.forward(theta, container(X.astype(np.float32)))
    assert {a.dtype for a in activations} == {z.dtype} == {np.dtype(np.float32)}
    assert trained.backward(theta, activations, np.ones_like(z)).dtype == np.float32


# ------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    "rate", [1, 1.0, -0.1, 2, np.nan, np.inf, [0.5, 1], [-0.1, 0], (0, np.nan)]
)
def test_a_rate_that_is_not_a_probability_below_1(rate):
    with pytest.raises(ValueError, match=rf"dropout .*\[0, 1\).*{re.escape(repr(rate))}"):
        with_dropout(network_of(2), rate, random_state())


@pytest.mark.parametrize(("rates", "n_hidden"), [([0.5], 0), ([], 1), ([0.5], 2), ([0.1] * 3, 2)])
def test_a_wrong_number_of_rates(rates, n_hidden):
    pattern = rf"dropout .* {n_hidden} hidden layers.*{re.escape(repr(rates))}"
    with pytest.raises(ValueError, match=pattern):
        with_dropout(network_of(n_hidden), rates, random_state())
