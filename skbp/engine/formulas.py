"""The lecture's formulas in the functions of the array API, for `NamespaceEngine`.

They are those of `skbp.activations`, `skbp.losses` and `skbp.probabilities`, which are written
for NumPy and use what only NumPy has. Tests hold the two equal. ``xp`` is the namespace.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from skbp import activations as lecture
from skbp.engine.interface import Output

Array = Any
"""An array of a namespace."""


class Hidden(NamedTuple):
    """An activation of hidden units: g of (xp, z), and g′ of (xp, a)."""

    g: Callable[[Any, Array], Array]
    g_prime: Callable[[Any, Array], Array]


class OutputLoss(NamedTuple):
    """A loss: that of each row, and δ^(L), both of (xp, z, a, Y)."""

    per_row: Callable[[Any, Array, Array, Array], Array]
    delta: Callable[[Any, Array, Array, Array], Array]


def _logistic(xp: Any, z: Array) -> Array:
    with np.errstate(over="ignore", under="ignore"):  # some libraries compute with NumPy
        return 1 / (1 + xp.exp(-z))


def _softmax(xp: Any, z: Array) -> Array:
    e = xp.exp(z - xp.max(z, axis=1, keepdims=True))
    return e / xp.sum(e, axis=1, keepdims=True)


def _relu(xp: Any, z: Array) -> Array:
    return xp.clip(z, 0, None)


def _elu(xp: Any, z: Array) -> Array:
    return xp.where(z > 0, z, xp.expm1(xp.clip(z, None, 0)))


_SLOPE, _ALPHA, _SCALE = lecture.LEAKY_RELU_SLOPE, lecture.SELU_ALPHA, lecture.SELU_SCALE

HIDDEN: Mapping[str, Hidden] = {
    "identity": Hidden(lambda xp, z: z, lambda xp, a: xp.ones_like(a)),
    "logistic": Hidden(_logistic, lambda xp, a: a * (1 - a)),
    "tanh": Hidden(lambda xp, z: xp.tanh(z), lambda xp, a: 1 - a * a),
    "relu": Hidden(_relu, lambda xp, a: xp.astype(a > 0, a.dtype)),
    "leaky_relu": Hidden(
        lambda xp, z: xp.maximum(z, _SLOPE * z),
        lambda xp, a: xp.where(a > 0, xp.ones_like(a), _SLOPE),
    ),
    "elu": Hidden(_elu, lambda xp, a: xp.where(a > 0, 1.0, a + 1)),
    "selu": Hidden(
        lambda xp, z: _SCALE * xp.where(z > 0, z, _ALPHA * xp.expm1(xp.clip(z, None, 0))),
        lambda xp, a: xp.where(a > 0, _SCALE, a + _SCALE * _ALPHA),
    ),
    "softplus": Hidden(
        lambda xp, z: xp.logaddexp(z, xp.zeros_like(z)),
        lambda xp, a: -xp.expm1(-a),
    ),
}
"""The activations of hidden units, by name."""

OUTPUTS: Mapping[str, Callable[[Any, Array], Array]] = {
    "logistic": _logistic,
    "softmax": _softmax,
}
"""The activations of the output layer, by name."""


def _cross_entropy(xp: Any, z: Array, a: Array, Y: Array) -> Array:
    return xp.sum(xp.clip(z, 0, None) - Y * z + xp.log1p(xp.exp(-xp.abs(z))), axis=1)


def _softmax_cross_entropy(xp: Any, z: Array, a: Array, Y: Array) -> Array:
    z = z - xp.max(z, axis=1, keepdims=True)
    return xp.log(xp.sum(xp.exp(z), axis=1)) - xp.sum(Y * z, axis=1)


def _squared_error(xp: Any, z: Array, a: Array, Y: Array) -> Array:
    return xp.sum((a - Y) ** 2, axis=1) / 2


def _softmax_delta(xp: Any, z: Array, a: Array, Y: Array) -> Array:
    return a * (a - Y - xp.sum((a - Y) * a, axis=1, keepdims=True))


LOSSES: Mapping[tuple[str, str], OutputLoss] = {
    ("logistic", "log_loss"): OutputLoss(_cross_entropy, lambda xp, z, a, Y: a - Y),
    ("softmax", "log_loss"): OutputLoss(_softmax_cross_entropy, lambda xp, z, a, Y: a - Y),
    ("logistic", "squared_error"): OutputLoss(
        _squared_error, lambda xp, z, a, Y: (a - Y) * a * (1 - a)
    ),
    ("softmax", "squared_error"): OutputLoss(_squared_error, _softmax_delta),
}
"""The losses, by the names of the output activation and the loss."""


def _ranked(xp: Any, p: Array, z: Array) -> Array:
    """Return probabilities of which that with the largest z is the largest one, as in `predict`."""
    winner = xp.argmax(z, axis=1, keepdims=True)
    is_tied = xp.argmax(p, axis=1, keepdims=True) != winner
    columns = xp.arange(z.shape[1], device=z.device)[None, :]
    largest = xp.max(p, axis=1, keepdims=True)
    raised = xp.nextafter(largest, xp.full_like(largest, np.inf))
    return xp.where(is_tied & (columns == winner), raised, p)


def _as_probabilities(xp: Any, name: str, z: Array) -> Array:
    a = OUTPUTS[name](xp, z)
    if name == "softmax":
        return _ranked(xp, a, z)
    half = xp.full_like(a, 0.5)
    over_half = xp.nextafter(half, xp.ones_like(a))
    return xp.where(z > 0, xp.maximum(a, over_half), a)


def _binary(xp: Any, name: str, z: Array) -> Array:
    z = xp.concat([-z, z], axis=1)
    return _ranked(xp, _logistic(xp, z), z)


def _shares(xp: Any, name: str, z: Array) -> Array:
    # where all activations are tiny, z is raised: the shares stay (see `skbp.probabilities`)
    smallest = float(np.log(xp.finfo(z.dtype).eps))
    a = _logistic(xp, z - xp.clip(xp.max(z, axis=1, keepdims=True) - smallest, None, 0))
    return _ranked(xp, a / xp.sum(a, axis=1, keepdims=True), z)


OF_DECISION: Mapping[Output, Callable[[Any, str, Array], Array]] = {
    Output.DECISION: lambda xp, name, z: z,
    Output.ACTIVATION: _as_probabilities,
    Output.BINARY: _binary,
    Output.SHARES: _shares,
}
"""The outputs, as functions of (xp, the name of the output activation, z^(L))."""
