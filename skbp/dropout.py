"""Dropout: during training, each hidden unit of each example is left out at random.

The units that remain are scaled up by 1 / (1 − p), so that a unit's expected activation is
that of the whole network, which is used for predictions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import DTypeLike

from skbp._typing import Floats, Matrix
from skbp.network import Network, linear, per_hidden_layer

__all__ = ["with_dropout"]


def with_dropout(
    network: Network, dropout: float | Sequence[float], random_state: np.random.RandomState
) -> Network:
    """Return a network with the same Θ that leaves out hidden units at random.

    Parameters
    ----------
    network : Network
        The whole network.
    dropout : float or sequence of float
        p, the probability in [0, 1) with which a hidden unit is left out; or one for
        each hidden layer.
    random_state : RandomState instance
        Draws the units, anew in each forward propagation.

    Returns
    -------
    Network
        The network to train; the given one if no unit is ever left out.

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
    >>> from skbp.dropout import with_dropout
    >>> from skbp.network import Network
    >>> network = Network(layer_sizes=(2, 1000, 1))
    >>> theta = network.initialize(random_state=0)
    >>> random_state = np.random.RandomState(0)
    >>> trained = with_dropout(network, dropout=0.5, random_state=random_state)
    >>> activations, z = trained.forward(theta, np.ones((1, 2)))
    >>> bool(400 < np.count_nonzero(activations[1]) < 600)
    True
    """
    rates = per_hidden_layer("dropout", dropout, len(network.g))
    if not all(_is_rate(p) for p in rates):
        raise ValueError(f"dropout must be in [0, 1). Got {dropout!r} instead.")
    if not any(rates):
        return network
    return _DropoutNetwork(
        network.layer_sizes, network.g, network.h, rates=rates, random_state=random_state
    )


def _is_rate(p: object) -> bool:
    return isinstance(p, int | float | np.floating) and bool(0 <= p < 1)


class _Activations(list[Matrix]):
    """[a^(1), …, a^(L)] with dropout, and what backpropagation needs of each hidden layer.

    ``before[l]`` holds the activations of layer l + 1 before units were left out, and
    ``masks[l]`` their factors, 0 or 1 / (1 − p).
    """

    def __init__(self, X: Matrix) -> None:
        super().__init__([X])
        self.before: list[Matrix] = [X]
        self.masks: list[Matrix] = [None]

    def add(self, a: Floats, mask: Floats) -> None:
        """Add a hidden layer."""
        self.append(a * mask)
        self.before.append(a)
        self.masks.append(mask)


@dataclass(frozen=True)
class _DropoutNetwork(Network):
    """A network that leaves out hidden units; the masks are part of what `forward` returns."""

    rates: tuple[float, ...] = field(default=(), kw_only=True)
    random_state: np.random.RandomState = field(kw_only=True, compare=False)

    @property
    def is_random(self) -> bool:
        """Return True."""
        return True

    def masks(self, m: int, dtype: DTypeLike) -> list[Floats | None]:
        """Draw for each hidden layer 0 or 1 / (1 − p) for each unit of each example."""
        pairs = zip(self.layer_sizes[1:-1], self.rates, strict=True)
        return [self._mask((m, size), p, dtype) if p else None for size, p in pairs]

    def forward(self, theta: Floats, X: Matrix) -> tuple[list[Matrix], Floats]:
        """Propagate examples forward, with new masks."""
        *hidden, last = self.unpack(theta)
        activations = _Activations(X)
        for Theta, activation, p in zip(hidden, self.g, self.rates, strict=True):
            a = activation.g(linear(Theta, activations[-1]))
            activations.add(a, self._mask(a.shape, p, a.dtype))
        z = linear(last, activations[-1])
        activations.append(self.h.g(z))
        return activations, z

    def _mask(self, shape: tuple[int, ...], p: float, dtype: DTypeLike) -> Floats:
        if not p:
            return np.ones(shape, dtype)
        kept = self.random_state.random_sample(shape) >= p
        return (kept / (1 - p)).astype(dtype)

    def _g_prime(self, activations: Sequence[Matrix], layer: int) -> Floats:
        if not isinstance(activations, _Activations):
            raise TypeError("backward needs the activations that forward returned.")
        return self.g[layer - 1].g_prime(activations.before[layer]) * activations.masks[layer]
