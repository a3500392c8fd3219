"""The layers of a network as ONNX nodes: z and the activations of the hidden units."""

from collections.abc import Callable, Mapping, Sequence

from skbp._typing import Floats
from skbp.activations import ACTIVATIONS, LEAKY_RELU_SLOPE, SELU_ALPHA, SELU_SCALE, Activation
from skbp.network import Network
from skbp.onnx.graph import Graph


def check_activations(network: Network) -> None:
    """Raise an error if ONNX has no operator for an activation.

    Parameters
    ----------
    network : Network
        The network.

    Raises
    ------
    NotImplementedError
        If an activation is not skbp's own.
    """
    foreign = [repr(g) for g in dict.fromkeys(network.g) if not _is_known(g)]
    if foreign:
        raise NotImplementedError(
            f"A network with {', '.join(foreign)} cannot be converted to ONNX. Train it with "
            f"activations of skbp, {sorted(_ACTIVATIONS)}, or save it with skops or joblib."
        )


def hidden(
    graph: Graph,
    x: str,
    network: Network,
    coefs: Sequence[Floats],
    biases: Sequence[Floats],
) -> str:
    """Propagate rows to the last hidden layer.

    Parameters
    ----------
    graph : Graph
        The graph.
    x : str
        The name of the examples.
    network : Network
        The network.
    coefs : list of ndarray
        Its ``coefs_``.
    biases : list of ndarray
        Its ``intercepts_``.

    Returns
    -------
    str
        The name of the activations a^(L−1); the examples if there is no hidden layer.
    """
    a = x
    for coef, bias, g in zip(coefs, biases, network.g, strict=False):  # not the output layer
        a = _activated(graph, g, linear(graph, a, coef, bias))
    return a


def linear(graph: Graph, a: str, coef: Floats, bias: Floats) -> str:
    """Return z of a layer.

    Parameters
    ----------
    graph : Graph
        The graph.
    a : str
        The name of the activations of the layer before.
    coef : ndarray of shape (s_l, s_{l+1})
        The weights between the layers.
    bias : ndarray of shape (s_{l+1},)
        The weights of the bias unit.

    Returns
    -------
    str
        The name of z.
    """
    return graph("Gemm", a, graph.numbers(coef), graph.numbers(bias))


def log_logistic(graph: Graph, z: str) -> str:
    """Return the logarithm of the logistic function, finite wherever z is.

    Parameters
    ----------
    graph : Graph
        The graph.
    z : str
        The name of z.

    Returns
    -------
    str
        The name of min(z, 0) − log(1 + e^−|z|).
    """
    return graph("Sub", graph("Min", z, graph.numbers([0])), _log_tail(graph, z))


def _is_known(g: Activation) -> bool:
    return g.name in _ACTIVATIONS and ACTIVATIONS.get(g.name) == g


def _activated(graph: Graph, g: Activation, z: str) -> str:
    """Return g(z). onnxruntime has some of ONNX's operators for float32 only."""
    if graph.is_double and g.name in _FOR_DOUBLE:
        return _FOR_DOUBLE[g.name](graph, z)
    return _ACTIVATIONS[g.name](graph, z)


def _log_tail(graph: Graph, z: str) -> str:
    """Return log(1 + e^−|z|)."""
    small = graph("Exp", graph("Neg", graph("Abs", z)))
    return graph("Log", graph("Add", small, graph.numbers([1])))


def _leaky_relu(graph: Graph, z: str) -> str:
    return graph("Max", z, graph("Mul", z, graph.numbers([LEAKY_RELU_SLOPE])))


def _elu(graph: Graph, z: str) -> str:
    return _curved(graph, z, 1.0)


def _selu(graph: Graph, z: str) -> str:
    return graph("Mul", _curved(graph, z, SELU_ALPHA), graph.numbers([SELU_SCALE]))


def _curved(graph: Graph, z: str, alpha: float) -> str:
    """Return z where it is positive, and elsewhere α (e^z − 1)."""
    zero = graph.numbers([0])
    growth = graph("Sub", graph("Exp", graph("Min", z, zero)), graph.numbers([1]))
    below = graph("Mul", growth, graph.numbers([alpha]))
    return graph("Where", graph("Greater", z, zero), z, below)


def _softplus(graph: Graph, z: str) -> str:
    return graph("Add", graph("Max", z, graph.numbers([0])), _log_tail(graph, z))


def _operator(name: str, **attributes: float) -> Callable[[Graph, str], str]:
    return lambda graph, z: graph(name, z, **attributes)


_ACTIVATIONS: Mapping[str, Callable[[Graph, str], str]] = {
    "identity": _operator("Identity"),
    "logistic": _operator("Sigmoid"),
    "tanh": _operator("Tanh"),
    "relu": _operator("Relu"),
    "leaky_relu": _operator("LeakyRelu", alpha=LEAKY_RELU_SLOPE),
    "elu": _operator("Elu", alpha=1.0),
    "selu": _operator("Selu", alpha=SELU_ALPHA, gamma=SELU_SCALE),
    "softplus": _operator("Softplus"),
}
_FOR_DOUBLE: Mapping[str, Callable[[Graph, str], str]] = {
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "selu": _selu,
    "softplus": _softplus,
}
