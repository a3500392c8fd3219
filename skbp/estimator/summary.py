"""Summary of a fitted classifier in a few lines of text: layers, loss, and how training ended."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from skbp._typing import Floats
from skbp.network import Network

_HEADER = ("layer", "units", "activation", "parameters", "weight norm")
_Row = tuple[str, str, str, str, str]


def summary(network: Network, coefs: Sequence[Floats], facts: Mapping[str, str]) -> str:
    """Return a description of a trained network.

    Parameters
    ----------
    network : Network
        The network.
    coefs : sequence of ndarray
        The weights of its units.
    facts : mapping of str to str
        Facts about its training, by their names.

    Returns
    -------
    str
        A table of the layers, and a line for each fact.
    """
    width = max(map(len, facts))
    lines = [f"{name:{width}}  {value}" for name, value in facts.items()]
    return "\n".join([*_table([_HEADER, *_layers(network, coefs)]), "", *lines])


def _layers(network: Network, coefs: Sequence[Floats]) -> Iterator[_Row]:
    """Yield a row for each layer, with the weights that lead to it; and one for their sum."""
    n_inputs, *sizes = network.layer_sizes
    yield ("1 input", str(n_inputs), "", "", "")
    for layer, (size, coef) in enumerate(zip(sizes, coefs, strict=True)):
        is_last = layer == len(sizes) - 1
        yield (
            f"{layer + 2} {'output' if is_last else 'hidden'}",
            str(size),
            network.h.name if is_last else network.g[layer].name,
            str(coef.size + size),
            f"{np.linalg.norm(coef):.4g}",
        )
    yield ("total", "", "", str(network.n_parameters), "")


def _table(rows: Sequence[_Row]) -> list[str]:
    """Return the lines of a table, with names aligned left and numbers aligned right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    layer, units, activation, parameters, norm = widths
    return [
        f"{a:{layer}}  {b:>{units}}  {c:{activation}}  {d:>{parameters}}  {e:>{norm}}".rstrip()
        for a, b, c, d, e in rows
    ]
