"""skbp.network: Θ in one vector, start weights, forward propagation and backpropagation."""

import pickle
import re
from dataclasses import FrozenInstanceError
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from lecture import (
    activations_of_layers,
    back_propagation,
    forward_propagation,
    logistic,
)
from lecture import softmax as softmax_of_one
from scipy.sparse import csc_array, csc_matrix, csr_array, csr_matrix

from skbp.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS, Activation
from skbp.network import Network, per_hidden_layer

random_sizes = st.lists(st.integers(1, 6), min_size=2, max_size=5).map(tuple)
corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
xor = Network((2, 2, 1), "relu")
xor_theta = xor.pack([[[0.0, 1, 1], [-1, 1, 1]], [[0.0, 1, -2]]])


def error(*parts):
    """Expect a ValueError whose message has these parts, in their order."""
    return pytest.raises(ValueError, match=".*".join(re.escape(str(part)) for part in parts))


def random_examples(network, m=7, seed=0):
    X = np.random.default_rng(seed).normal(size=(m, network.layer_sizes[0]))
    X[X < -0.5] = 0
    return X


@pytest.mark.parametrize(
    ("layer_sizes", "shapes", "n_parameters"),
    [
        ((2, 1), [(1, 3)], 3),
        ((2, 3, 1), [(3, 3), (1, 4)], 13),
        ((400, 25, 10), [(25, 401), (10, 26)], 10285),
        ((4, 5, 3, 2), [(5, 5), (3, 6), (2, 4)], 51),
    ],
)
def test_shapes_and_n_parameters(layer_sizes, shapes, n_parameters):
    network = Network(layer_sizes)
    assert network.shapes == shapes
    assert network.n_parameters == n_parameters
    assert [Theta.shape for Theta in network.unpack(np.zeros(n_parameters))] == shapes


@given(layer_sizes=random_sizes, data=st.data())
@settings(deadline=None, max_examples=30)
def test_pack_and_unpack_are_inverse(layer_sizes, data):
    network = Network(layer_sizes)
    theta = data.draw(arrays(float, network.n_parameters, elements=st.floats(-9, 9)))
    np.testing.assert_array_equal(network.pack(network.unpack(theta)), theta)


@given(layer_sizes=random_sizes, data=st.data())
@settings(deadline=None, max_examples=30)
def test_unpack_and_pack_are_inverse(layer_sizes, data):
    network = Network(layer_sizes)
    Thetas = [
        data.draw(arrays(float, shape, elements=st.floats(-9, 9))) for shape in network.shapes
    ]
    unpacked = network.unpack(network.pack(Thetas))
    assert all(map(np.array_equal, unpacked, Thetas))


def test_unpack_gives_views_one_after_the_other():
    network, theta = Network((1, 2, 1)), np.arange(7.0)
    first, last = network.unpack(theta)
    assert first.tolist() == [[0, 1], [2, 3]]
    assert last.tolist() == [[4, 5, 6]]
    last[0, 0] = 9
    assert theta[4] == 9


def test_pack_gives_a_new_vector():
    network, theta = Network((1, 2, 1)), np.arange(7.0)
    assert not np.shares_memory(network.pack(network.unpack(theta)), theta)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pack_and_unpack_keep_the_dtype(dtype):
    Thetas = xor.unpack(xor_theta.astype(dtype))
    assert {Theta.dtype for Theta in Thetas} == {xor.pack(Thetas).dtype} == {np.dtype(dtype)}


@pytest.mark.parametrize("layer_sizes", [(2, 1), (30, 20, 10), (3, 50, 4)])
def test_start_weights_fill_their_range_and_stay_within(layer_sizes):
    bounds = np.sqrt([6 / (s + s_next) for s, s_next in pairwise(layer_sizes)])
    assert_fills(Network(layer_sizes), bounds, gain=1)
    assert_fills(Network(layer_sizes), 2.5 * bounds, gain=2.5)


def assert_fills(network, bounds, **gain):
    """Hold the start weights within ± the bounds, one for each layer, and near them."""
    seeds = range(30)
    draws = [network.unpack(network.initialize(seed, **gain)) for seed in seeds]
    largest = np.array([np.abs(Thetas).max() for Thetas in zip(*draws, strict=True)])
    assert (largest <= bounds).all()
    assert (largest > 0.95 * bounds).all()


@pytest.mark.parametrize(
    ("activation", "bound"),
    [
        ("identity", lambda s, s_next: np.sqrt(6 / (s + s_next))),
        ("logistic", lambda s, s_next: 4 * np.sqrt(6 / (s + s_next))),
        ("tanh", lambda s, s_next: np.sqrt(6 / (s + s_next))),
        ("relu", lambda s, s_next: np.sqrt(6 / s)),
        ("leaky_relu", lambda s, s_next: np.sqrt(6 / s)),
        ("selu", lambda s, s_next: np.sqrt(3 / s)),
    ],
)
def test_start_weights_go_by_the_activation(activation, bound):
    sizes = (30, 20, 10)
    assert_fills(Network(sizes, activation), np.array([bound(*pair) for pair in pairwise(sizes)]))


def test_start_weights_of_each_layer_go_by_its_own_activation():
    network = Network((30, 20, 20, 10), ["relu", "tanh"])
    assert_fills(network, np.sqrt([6 / 30, 6 / 40, 6 / 30]))


def test_start_weights_of_the_bias_units_are_0():
    network = Network((30, 20, 10))
    assert not any(Theta[:, 0].any() for Theta in network.unpack(network.initialize(0)))
    lectures = network.unpack(network.initialize(0, gain=1))
    assert all(Theta[:, 0].all() for Theta in lectures)


@pytest.mark.parametrize(("activation", "gain"), [("logistic", 1), ("relu", 0.3)])
def test_start_weights_keep_signals_from_fading_in_deep_networks(activation, gain):
    X = np.random.RandomState(0).normal(size=(200, 50))
    network = Network((50,) * 9, activation)
    z = network.decision(network.initialize(0), X)
    faded = network.decision(network.initialize(0, gain=gain), X)
    assert 0.05 < z.std(axis=0).mean() < 10
    assert faded.std(axis=0).mean() < 1e-3


def test_start_weights_are_all_different():
    theta = Network((30, 20, 10)).initialize(0, gain=1)
    assert len(np.unique(theta)) == len(theta)


def test_start_weights_have_mean_0():
    theta = Network((30, 20, 10)).initialize(0)
    assert abs(theta.mean()) < 3 * theta.std() / np.sqrt(len(theta))


def test_start_weights_are_reproducible():
    network = Network((5, 4, 3))
    np.testing.assert_array_equal(network.initialize(7), network.initialize(7))
    generator = np.random.RandomState(7)
    np.testing.assert_array_equal(network.initialize(generator), network.initialize(7))
    assert not np.array_equal(network.initialize(generator), network.initialize(7))
    assert not np.array_equal(network.initialize(8), network.initialize(7))


def test_start_weights_differ_without_a_seed():
    network = Network((5, 4, 3))
    assert not np.array_equal(network.initialize(), network.initialize())


def test_forward_by_hand_on_xor():
    activations, z = xor.forward(xor_theta, corners)
    assert activations[0] is corners
    assert activations[1].tolist() == [[0, 0], [1, 0], [1, 0], [2, 1]]
    assert z.tolist() == [[0], [1], [1], [0]]
    np.testing.assert_allclose(activations[2], logistic(z), rtol=1e-15)


def test_forward_by_hand_on_xnor_with_logistic_units():
    network = Network((2, 2, 1))
    theta = network.pack([[[-30.0, 20, 20], [10, -20, -20]], [[-10.0, 20, 20]]])
    activations, z = network.forward(theta, corners)
    assert activations[1].round(3).tolist() == [[0, 1], [0, 0], [0, 0], [1, 0]]
    assert z.round(2).tolist() == [[10], [-10], [-10], [10]]
    assert activations[2].round(3).tolist() == [[1], [0], [0], [1]]


@pytest.mark.parametrize(
    ("output_activation", "h"), [("logistic", logistic), ("softmax", softmax_of_one)]
)
@pytest.mark.parametrize("layer_sizes", [(3, 2), (3, 5, 2), (3, 5, 4, 2)])
def test_forward_is_the_lectures(layer_sizes, output_activation, h):
    network = Network(layer_sizes, "tanh", output_activation)
    theta, X = network.initialize(0), random_examples(network)
    activations, z = network.forward(theta, X)
    Theta = dict(enumerate(network.unpack(theta), start=1))
    L = len(layer_sizes)
    g, _ = activations_of_layers("tanh", L)
    lecture_z, lecture_a = forward_propagation(Theta, X[0], g, h)
    np.testing.assert_allclose(z[0], lecture_z[L], rtol=1e-13)
    np.testing.assert_allclose(activations[-1][0], lecture_a[L], rtol=1e-13)
    assert len(activations) == L
    for layer in range(1, L):
        np.testing.assert_allclose(activations[layer - 1][0], lecture_a[layer][1:], rtol=1e-13)


@pytest.mark.parametrize("layer_sizes", [(3, 2), (3, 5, 2), (3, 5, 4, 2)])
@pytest.mark.parametrize("container", [np.asarray, csr_array, csc_array, csr_matrix, csc_matrix])
def test_decision_and_forward_agree_on_dense_and_sparse_examples(layer_sizes, container):
    network = Network(layer_sizes)
    theta, X = network.initialize(0), random_examples(network)
    _, expected = network.forward(theta, X)
    _, z = network.forward(theta, container(X))
    assert type(z) is np.ndarray
    np.testing.assert_allclose(z, expected, rtol=1e-13)
    np.testing.assert_array_equal(network.decision(theta, container(X)), z)


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_stays_float32(activation, container):
    network = Network((3, 5, 4, 2), activation)
    theta = network.initialize(0).astype(np.float32)
    X = container(random_examples(network).astype(np.float32))
    activations, z = network.forward(theta, X)
    delta = np.ones_like(z)
    assert {a.dtype for a in activations} == {z.dtype} == {np.dtype(np.float32)}
    assert network.backward(theta, activations, delta).dtype == np.float32


def test_backward_by_hand_on_xor():
    activations, _ = xor.forward(xor_theta, corners)
    delta = np.array([[1.0], [2.0], [3.0], [4.0]])
    first, last = xor.unpack(xor.backward(xor_theta, activations, delta))
    assert last.tolist() == [[10, 2 + 3 + 2 * 4, 4]]
    assert first.tolist() == [[2 + 3 + 4, 3 + 4, 2 + 4], [-2 * 4, -2 * 4, -2 * 4]]


@pytest.mark.parametrize("container", [np.asarray, csr_array, csc_matrix])
@pytest.mark.parametrize(
    "names", [(), ("elu",), ("relu", "tanh"), ("logistic", "selu", "softplus")], ids="-".join
)
def test_the_hidden_layers_may_have_different_activations(names, container):
    network = Network((3, *(5, 4, 6)[: len(names)], 2), names)
    L, theta, X = len(names) + 2, network.initialize(0), random_examples(network)
    delta = np.random.default_rng(1).normal(size=(len(X), 2))
    activations, z = network.forward(theta, container(X))
    np.testing.assert_array_equal(network.decision(theta, container(X)), z)

    Theta = dict(enumerate(network.unpack(theta), start=1))
    g, g_prime = activations_of_layers(names, L)
    Delta = {layer: np.zeros(Theta[layer].shape) for layer in Theta}
    for i in range(len(X)):
        z_i, a_i = forward_propagation(Theta, X[i], g, logistic)
        delta_i = back_propagation(Theta, z_i, g_prime, delta[i])
        np.testing.assert_allclose(z[i], z_i[L], rtol=1e-12)
        for layer in range(2, L + 1):
            units = a_i[layer][1:] if layer < L else a_i[L]
            np.testing.assert_allclose(activations[layer - 1][i], units, rtol=1e-12)
        for layer in Delta:
            Delta[layer] += np.outer(delta_i[layer + 1], a_i[layer])
    accumulated = network.unpack(network.backward(theta, activations, delta))
    for found, layer in zip(accumulated, Delta, strict=True):
        np.testing.assert_allclose(found, Delta[layer], rtol=1e-11, atol=1e-13)


def test_backward_sums_over_blocks_of_rows():
    network = Network((3, 5, 4, 2))
    theta, X = network.initialize(0), random_examples(network)
    delta = np.random.default_rng(1).normal(size=(len(X), 2))

    def accumulated(rows):
        activations, _ = network.forward(theta, X[rows])
        return network.backward(theta, activations, delta[rows])

    expected = accumulated(slice(None))
    np.testing.assert_allclose(
        accumulated(slice(0, 3)) + accumulated(slice(3, None)), expected, rtol=1e-12
    )


def test_arguments_are_not_changed():
    network = Network((3, 5, 4, 2))
    theta, X, delta = network.initialize(0), random_examples(network), np.ones((7, 2))
    activations, _ = network.forward(theta, X)
    for array in (theta, X, delta, *activations):
        array.flags.writeable = False
    network.forward(theta, X)
    network.decision(theta, X)
    assert network.backward(theta, activations, delta).shape == theta.shape


def test_a_network_is_frozen():
    with pytest.raises(FrozenInstanceError):
        xor.activation = "tanh"


def test_a_network_is_not_random():
    assert not xor.is_random


def test_networks_with_equal_fields_are_equal():
    assert Network((2, 2, 1), "relu") == xor
    assert hash(Network((2, 2, 1), "relu")) == hash(xor)
    assert Network([2, np.int64(2), 1], activation="relu") == xor


@pytest.mark.parametrize(
    "other",
    [Network((2, 3, 1), "relu"), Network((2, 2, 1)), Network((2, 2, 2), "relu", "softmax")],
    ids=repr,
)
def test_networks_with_different_fields_differ(other):
    assert other != xor


def test_a_pickled_network_is_equal():
    network = Network((2, 2, 3), "selu", "softmax")
    theta = network.initialize(0)
    _, expected = network.forward(theta, corners)
    copy = pickle.loads(pickle.dumps(network))
    assert copy == network
    np.testing.assert_array_equal(copy.forward(theta, corners)[1], expected)


def test_activations_may_be_objects():
    network = Network((2, 2, 2), ACTIVATIONS["relu"], OUTPUT_ACTIVATIONS["softmax"])
    by_name = Network((2, 2, 2), "relu", "softmax")
    theta = network.initialize(0)
    assert (network.g, network.h) == (by_name.g, by_name.h)
    np.testing.assert_array_equal(
        network.forward(theta, corners)[0][-1], by_name.forward(theta, corners)[0][-1]
    )


def test_a_custom_activation():
    square = Activation(lambda z: z * z, lambda a: 2 * np.sqrt(a), "square")
    network = Network((1, 1, 1), square)
    activations, z = network.forward(np.array([1.0, 1.0, 0.0, 1.0]), np.array([[2.0]]))
    assert (activations[1], z) == (9, 9)


@pytest.mark.parametrize(
    ("activation", "names"),
    [
        ("tanh", ["tanh", "tanh"]),
        (ACTIVATIONS["tanh"], ["tanh", "tanh"]),
        (["relu", "tanh"], ["relu", "tanh"]),
        (("relu", ACTIVATIONS["tanh"]), ["relu", "tanh"]),
        ([ACTIVATIONS["relu"], ACTIVATIONS["relu"]], ["relu", "relu"]),
    ],
)
def test_g_has_one_activation_for_each_hidden_layer(activation, names):
    assert Network((4, 3, 2, 1), activation).g == tuple(ACTIVATIONS[name] for name in names)


@pytest.mark.parametrize("activation", ["relu", [], ()])
def test_without_hidden_layers_g_is_empty(activation):
    assert Network((4, 1), activation).g == ()


@pytest.mark.parametrize("activation", [["relu", "tanh"], ["relu", ACTIVATIONS["tanh"]]])
def test_a_network_with_a_list_of_activations_is_a_value(activation):
    network, same = (Network((2, 3, 3, 1), list(activation)) for _ in range(2))
    assert network == same == Network((2, 3, 3, 1), tuple(activation))
    assert hash(network) == hash(same)
    assert network != Network((2, 3, 3, 1), activation[::-1])
    copy = pickle.loads(pickle.dumps(network))
    assert copy == network
    assert copy.g == network.g


def test_a_list_of_activations_that_is_changed_later_changes_no_network():
    given_list = ["relu", "tanh"]
    network = Network((2, 3, 3, 1), given_list)
    given_list[0] = "sine"
    assert network.activation == ("relu", "tanh")


@pytest.mark.parametrize(
    ("layer_sizes", "activation"),
    [
        ((2, 1), ["relu"]),
        ((2, 2, 1), []),
        ((2, 2, 1), ["relu", "relu"]),
        ((2, 2, 2, 1), ["relu"]),
        ((2, 2, 2, 1), ("relu", "tanh", "relu")),
    ],
)
def test_a_wrong_number_of_activations(layer_sizes, activation):
    with error("activation", f"{len(layer_sizes) - 2} hidden layers"):
        Network(layer_sizes, activation)


@pytest.mark.parametrize("wrong", ["sine", None, 3, ["relu"], OUTPUT_ACTIVATIONS["softmax"]])
def test_an_unknown_activation_inside_a_list(wrong):
    with error("activation", sorted(ACTIVATIONS), repr(wrong)):
        Network((2, 2, 2, 1), ["relu", wrong])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5, (0.5, 0.5)),
        ("relu", ("relu", "relu")),
        (ACTIVATIONS["relu"], (ACTIVATIONS["relu"], ACTIVATIONS["relu"])),
        ([0.1, 0.2], (0.1, 0.2)),
        (np.array([0.1, 0.2]), (0.1, 0.2)),
        (("relu", "tanh"), ("relu", "tanh")),
    ],
)
def test_per_hidden_layer_repeats_a_single_value_and_keeps_a_sequence(value, expected):
    assert per_hidden_layer("parameter", value, 2) == expected


@pytest.mark.parametrize(("value", "n_layers"), [([0.1], 2), ([], 1), ((0.1, 0.2), 1), ([1], 0)])
def test_per_hidden_layer_refuses_another_number(value, n_layers):
    with error("dropout", f"{n_layers} hidden layers", repr(value)):
        per_hidden_layer("dropout", value, n_layers)


@pytest.mark.parametrize("layer_sizes", [(), (3,), (3, 0, 1), (3, -2, 1), (3, 2.0, 1), (3, "2", 1)])
def test_invalid_layer_sizes(layer_sizes):
    with error("layer_sizes", "positive integers", repr(layer_sizes)):
        Network(layer_sizes)


def test_unknown_activation():
    with error("activation", sorted(ACTIVATIONS), "'sine'"):
        Network((2, 1), activation="sine")


def test_unknown_output_activation():
    with error("output_activation", "['logistic', 'softmax']", "'tanh'"):
        Network((2, 1), output_activation="tanh")


def test_a_softmax_over_one_unit_is_refused():
    with error("output_activation='softmax'", "two output units"):
        Network((2, 1), output_activation="softmax")


@pytest.mark.parametrize("shape", [(8,), (10,), (1, 9), ()])
def test_unpack_refuses_a_vector_that_does_not_fit(shape):
    with error("theta", "(9,)", "(2, 2, 1)", shape):
        xor.unpack(np.zeros(shape))


@pytest.mark.parametrize(
    "shapes", [[(2, 3)], [(2, 3), (1, 2)], [(3, 2), (1, 3)], [(2, 3), (1, 3), (1, 2)]]
)
def test_pack_refuses_matrices_that_do_not_fit(shapes):
    with error("Thetas", "[(2, 3), (1, 3)]", shapes):
        xor.pack([np.zeros(shape) for shape in shapes])
