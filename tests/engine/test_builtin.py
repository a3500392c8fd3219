"""skbp.engine.builtin: skbp's own activations and losses are told from all others."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from skbp.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS, Activation, OutputActivation
from skbp.dropout import with_dropout
from skbp.engine.builtin import is_builtin, name_of_loss
from skbp.losses import LOSSES, SoftmaxLogLoss
from skbp.network import Network


def relu(z):
    return np.maximum(z, 0)


def relu_prime(a):
    return (a > 0).astype(a.dtype)


def identity(z):
    return z


class OwnLoss(SoftmaxLogLoss):
    """A loss that a subclass may have changed."""


OWN_NETWORKS = {
    "activation": Network((4, 5, 3), Activation(relu, relu_prime)),
    "activation_with_a_known_name": Network((4, 5, 3), Activation(relu, relu_prime, "relu")),
    "derivative": Network((4, 5, 3), replace(ACTIVATIONS["tanh"], g_prime=relu_prime)),
    "activation_of_one_layer": Network((4, 5, 5, 3), ("tanh", Activation(relu, relu_prime))),
    "output_activation": Network(
        (4, 5, 3), "relu", OutputActivation(identity, identity, "softmax")
    ),
    "dropout": with_dropout(Network((4, 5, 3)), 0.5, np.random.RandomState(0)),
}


@pytest.mark.parametrize("network", OWN_NETWORKS.values(), ids=list(OWN_NETWORKS))
def test_networks_of_other_parts_are_recognised(network):
    assert not is_builtin(network)
    assert not is_builtin(network, SoftmaxLogLoss())


def test_other_losses_are_recognised():
    assert not is_builtin(Network((4, 5, 3)), OwnLoss())


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("output", OUTPUT_ACTIVATIONS)
def test_skbps_own_networks_are_recognised(activation, output):
    network = Network((4, 5, 3), activation, output)
    assert is_builtin(network)
    assert is_builtin(pickle.loads(pickle.dumps(network)))
    # dropout of 0 changes nothing
    assert is_builtin(with_dropout(network, 0, np.random.RandomState(0)))


@pytest.mark.parametrize("pair", LOSSES, ids="-".join)
def test_skbps_own_losses_are_recognised_by_name(pair):
    loss = pickle.loads(pickle.dumps(LOSSES[pair]))
    assert is_builtin(Network((4, 5, 3), output_activation=pair[0]), loss)
    assert name_of_loss(loss) == pair[1]
