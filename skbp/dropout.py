"""Dropout: while it is trained, each hidden unit of each example is left out at random.

A thinned network is the same network with activations that drop units and scale up
those that remain by 1 / (1 − p), so that a unit's expected activation is what it is
in the whole network, which predicts. What g draws on the way forward, g′ needs on the
way back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skbp._typing import Floats
from skbp.activations import Activation
from skbp.network import per_hidden_layer

__all__ = ["thinned"]


def thinned(network: Any, dropout: float | Sequence[float], random_state: Any) -> Any:
    """Return the network that is trained: the same one, with units left out at random.

    Parameters
    ----------
    network : Network
        The whole network.
    dropout : float or sequence of float
        p, the probability in [0, 1) with which a hidden unit is left out; or one for
        each hidden layer.
    random_state : RandomState instance
        What draws the units, anew in each forward propagation.

    Returns
    -------
    Network
        A network with the same Θ; the network itself if no unit is ever left out.

    Raises
    ------
    ValueError
        If a probability is not in [0, 1), or their number is not that of the hidden
        layers.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: A Simple Way
    to Prevent Neural Networks from Overfitting", JMLR 15, 2014.

    Examples
    --------
    About half of 1000 hidden units are left out:

    >>> import numpy as np
    >>> from skbp.dropout import thinned
    >>> from skbp.network import Network
    >>> network = Network(layer_sizes=(2, 1000, 1))
    >>> theta = network.initialize(random_state=0)
    >>> random_state = np.random.RandomState(0)
    >>> trained = thinned(network, dropout=0.5, random_state=random_state)
    >>> activations, z = trained.forward(theta, np.ones((1, 2)))
    >>> bool(400 < np.count_nonzero(activations[1]) < 600)
    True
    """
    rates = per_hidden_layer("dropout", dropout, len(network.g))
    if not all(isinstance(p, int | float | np.floating) and 0 <= p < 1 for p in rates):
        raise ValueError(f"dropout must be in [0, 1). Got {dropout!r} instead.")
    if not any(rates):
        return network
    layers = [
        _thinned_layer(activation, p, random_state) if p else activation
        for activation, p in zip(network.g, rates, strict=True)
    ]
    return replace(network, activation=layers)


def _thinned_layer(activation: Activation, p: float, random_state: Any) -> Activation:
    layer = _ThinnedLayer(activation, p, random_state)
    return replace(activation, g=layer.g, g_prime=layer.g_prime)


@dataclass
class _ThinnedLayer:
    """An activation that sets each unit to 0 with probability p, else divides it by 1 − p."""

    activation: Activation
    p: float
    random_state: np.random.RandomState

    def g(self, z: Floats) -> Floats:
        self._a = self.activation.g(z)
        kept = self.random_state.random_sample(self._a.shape) >= self.p
        self._mask = (kept / (1 - self.p)).astype(self._a.dtype)
        return self._a * self._mask

    def g_prime(self, a: Floats) -> Floats:
        # of the activation as it was before units were left out
        return self.activation.g_prime(self._a) * self._mask
