"""Activation functions of the hidden units and the output units.

Hidden units need g and, for backpropagation, g′. The derivative is computed from the
activation a = g(z), so that z need not be stored. Output units need g and log g, which
gives log-probabilities that are never ``-inf``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import TypeVar

import numpy as np
from scipy.special import log_expit

from skbp._typing import Floats

__all__ = ["ACTIVATIONS", "OUTPUT_ACTIVATIONS", "Activation", "OutputActivation"]

LEAKY_RELU_SLOPE = 0.01
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def glorot_bound(s: int, s_next: int) -> float:
    """Return √(6 / (s_l + s_{l+1})), the bound of the lecture's ``randInitializeWeights``.

    Parameters
    ----------
    s : int
        s_l, the number of units that the weights come from.
    s_next : int
        s_{l+1}, the number of units that they lead to.

    Returns
    -------
    float
        The bound.

    References
    ----------
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010.
    """
    return sqrt(6 / (s + s_next))


def _logistic_bound(s: int, s_next: int) -> float:
    """Return 4 times Glorot's bound, because g′ ≤ ¼ (Glorot and Bengio, 2010)."""
    return 4 * glorot_bound(s, s_next)


def _he_bound(s: int, s_next: int) -> float:
    """Return He's bound (He et al., "Delving deep into rectifiers", ICCV 2015)."""
    return sqrt(6 / s)


def _softplus_bound(s: int, s_next: int) -> float:
    """Return √2 times He's bound, because g′(0) = ½. With less, few inputs hardly bend it."""
    return sqrt(2) * _he_bound(s, s_next)


def _lecun_bound(s: int, s_next: int) -> float:
    """Return LeCun's bound, which selu is made for (Klambauer et al., NeurIPS 2017)."""
    return sqrt(3 / s)


@dataclass(frozen=True)
class Activation:
    """Activation function of hidden units.

    Parameters
    ----------
    g : callable
        Function that maps z to the activation a = g(z), element by element. It must return
        a new array of the same dtype.
    g_prime : callable
        Function that maps the activation a to g′(z), element by element.
    name : str, default="custom"
        Name used in representations.
    bounded : bool, default=False
        Whether g is bounded, like the logistic function.
    start_bound : callable, default=glorot_bound
        Function that maps the numbers of units (s_l, s_{l+1}) of two layers to the bound of
        the start weights between them, which are uniform in ± the bound.

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.activations import ACTIVATIONS, Activation
    >>> logistic = ACTIVATIONS["logistic"]
    >>> a = logistic.g(np.array([0.0]))
    >>> a, logistic.g_prime(a)
    (array([0.5]), array([0.25]))

    A custom activation, a = z³ with g′(z) = 3z² = 3a^(2/3):

    >>> cube = Activation(lambda z: z**3, lambda a: 3 * np.cbrt(a) ** 2)
    >>> cube.g_prime(cube.g(np.array([-2.0, 0.0, 2.0]))).round(6)
    array([12.,  0., 12.])
    """

    g: Callable[[Floats], Floats] = field(repr=False)
    g_prime: Callable[[Floats], Floats] = field(repr=False)
    name: str = "custom"
    bounded: bool = field(default=False, repr=False)
    start_bound: Callable[[int, int], float] = field(default=glorot_bound, repr=False)


@dataclass(frozen=True)
class OutputActivation:
    """Activation function of the output layer.

    Parameters
    ----------
    g : callable
        Function that maps z of shape (m, K) to the hypothesis h = g(z) of the same shape.
    log_g : callable
        Function that maps z to log h, which is finite if z is finite.
    name : str
        Name, the first part of the keys of `skbp.losses.LOSSES`.

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.activations import OUTPUT_ACTIVATIONS
    >>> softmax = OUTPUT_ACTIVATIONS["softmax"]
    >>> z = np.array([[0.0, 1000.0]])
    >>> softmax.g(z)
    array([[0., 1.]])
    >>> softmax.log_g(z)
    array([[-1000.,     0.]])
    """

    g: Callable[[Floats], Floats] = field(repr=False)
    log_g: Callable[[Floats], Floats] = field(repr=False)
    name: str


def _identity(z: Floats) -> Floats:
    return z.copy()


def _identity_prime(a: Floats) -> Floats:
    return np.ones_like(a)


def _logistic(z: Floats) -> Floats:
    # NumPy's exp is much faster than SciPy's expit
    with np.errstate(over="ignore", under="ignore"):
        a = np.exp(-z)
    a += 1
    return np.divide(1, a, out=a)


def _logistic_prime(a: Floats) -> Floats:
    return a * (1 - a)


def _tanh(z: Floats) -> Floats:
    return np.tanh(z)


def _tanh_prime(a: Floats) -> Floats:
    return 1 - a * a


def _relu(z: Floats) -> Floats:
    return np.maximum(z, 0)


def _relu_prime(a: Floats) -> Floats:
    return (a > 0).astype(a.dtype)


def _leaky_relu(z: Floats) -> Floats:
    return np.maximum(z, LEAKY_RELU_SLOPE * z)


def _leaky_relu_prime(a: Floats) -> Floats:
    return np.where(a > 0, a.dtype.type(1), a.dtype.type(LEAKY_RELU_SLOPE))


def _elu(z: Floats) -> Floats:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def _elu_prime(a: Floats) -> Floats:
    return np.where(a > 0, a.dtype.type(1), a + 1)


def _selu(z: Floats) -> Floats:
    return SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0)))


def _selu_prime(a: Floats) -> Floats:
    return np.where(a > 0, a.dtype.type(SELU_SCALE), a + SELU_SCALE * SELU_ALPHA)


def _softplus(z: Floats) -> Floats:
    return np.logaddexp(z, 0)


def _softplus_prime(a: Floats) -> Floats:
    # g′(z) = logistic(z) = 1 − e^(−a), because e^a = 1 + e^z
    return -np.expm1(-a)


def _log_logistic(z: Floats) -> Floats:
    return log_expit(z)


def _softmax(z: Floats) -> Floats:
    a = np.exp(z - z.max(axis=1, keepdims=True))
    a /= a.sum(axis=1, keepdims=True)
    return a


def _log_softmax(z: Floats) -> Floats:
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


ACTIVATIONS: Mapping[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation(_identity, _identity_prime, "identity"),
        Activation(_logistic, _logistic_prime, "logistic", True, _logistic_bound),
        Activation(_tanh, _tanh_prime, "tanh", True),
        Activation(_relu, _relu_prime, "relu", False, _he_bound),
        Activation(_leaky_relu, _leaky_relu_prime, "leaky_relu", False, _he_bound),
        Activation(_elu, _elu_prime, "elu", False, _he_bound),
        Activation(_selu, _selu_prime, "selu", False, _lecun_bound),
        Activation(_softplus, _softplus_prime, "softplus", False, _softplus_bound),
    )
}
"""Activation functions of hidden units, by name.

``"identity"``, ``"logistic"``, ``"tanh"``, ``"relu"``, ``"leaky_relu"``, ``"elu"``, ``"selu"`` and
``"softplus"``. The names are accepted as the ``activation`` of `skbp.network.Network`.
"""

OUTPUT_ACTIVATIONS: Mapping[str, OutputActivation] = {
    activation.name: activation
    for activation in (
        OutputActivation(_logistic, _log_logistic, "logistic"),
        OutputActivation(_softmax, _log_softmax, "softmax"),
    )
}
"""Activation functions of the output layer, by name: ``"logistic"`` and ``"softmax"``.

The names are accepted as the ``output_activation`` of `skbp.network.Network`.
"""

T = TypeVar("T")


def resolve(registry: Mapping[str, T], name_or_object: str | T, parameter: str) -> T:
    """Return the object registered under a name; objects are returned unchanged.

    Parameters
    ----------
    registry : mapping of str to object
        Registry of objects by name, such as `ACTIVATIONS`.
    name_or_object : str or object
        Key of the registry, or an object of the same type as its values.
    parameter : str
        Name of the parameter, for the error message.

    Returns
    -------
    object
        Registered or given object.

    Raises
    ------
    ValueError
        If the name is not registered, or the object has another type.
    """
    kind = type(next(iter(registry.values())))
    if isinstance(name_or_object, kind):
        return name_or_object
    if not isinstance(name_or_object, str) or name_or_object not in registry:
        raise ValueError(
            f"{parameter} must be one of {sorted(registry)}. Got {name_or_object!r} instead."
        )
    return registry[name_or_object]
