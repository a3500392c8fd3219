"""Values and texts on the units and links of the diagram of a network."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from textwrap import wrap

import numpy as np

from skbp._typing import Floats
from skbp.plot.common import shortened
from skbp.plot.network_sample import Sample

Texts = Sequence[Sequence[str]]
"""Text for each unit j = 1, …, s_l of each layer."""

_WIDTH = 20  # characters of a line of a name


@dataclass(frozen=True)
class Marks:
    """Values and texts on the units and links.

    Parameters
    ----------
    links : sequence of ndarray of shape (s_{l+1}, s_l + 1)
        Value of each link, shown by its colour and width.
    legend : str
        Label of the colour bar.
    headings : sequence of str
        Heading of each layer.
    fills : sequence of ndarray of shape (s_l,)
        Colour of each unit, from −1 to 1.
    inside, below : sequence of sequences of str
        Texts in and below each unit of each layer.
    left, right : sequence of str
        Texts beside the units of the first and the last layer.
    title : str
        Title of the axes.
    """

    links: Sequence[Floats]
    legend: str
    headings: Sequence[str]
    fills: Sequence[Floats]
    inside: Texts
    below: Texts
    left: Sequence[str]
    right: Sequence[str]
    title: str


def weights_marks(
    Thetas: Sequence[Floats], feature_names: Sequence[str], output_names: Sequence[str]
) -> Marks:
    """Return the marks for the weights of a network.

    Parameters
    ----------
    Thetas : sequence of ndarray of shape (s_{l+1}, s_l + 1)
        Weights.
    feature_names : sequence of str
        Names of the features.
    output_names : sequence of str
        Names of the output units.

    Returns
    -------
    Marks
        Marks with the weights on the links and empty units.
    """
    sizes = [Thetas[0].shape[1] - 1, *map(len, Thetas)]
    nothing = [[""] * size for size in sizes]
    return Marks(
        links=Thetas,
        legend=r"weight $\Theta$ (width: $|\Theta|$)",
        headings=[
            f"Layer {layer}\n{size} {'unit' if size == 1 else 'units'}"
            for layer, size in enumerate(sizes, start=1)
        ],
        fills=[np.zeros(size) for size in sizes],
        inside=nothing,
        below=nothing,
        left=[wrapped(name) for name in feature_names],
        right=[wrapped(name) for name in output_names],
        title="",
    )


def sample_marks(
    sample: Sample, feature_names: Sequence[str], output_names: Sequence[str]
) -> Marks:
    """Return the marks for the activations, errors and gradient of a sample.

    Parameters
    ----------
    sample : Sample
        Propagated sample.
    feature_names : sequence of str
        Names of the features.
    output_names : sequence of str
        Names of the output units.

    Returns
    -------
    Marks
        Marks with activations in the units, errors below them and the gradient on the links.
    """
    activations, deltas = sample.activations, sample.deltas
    L = len(activations)
    equal_to = {1: " = x", L: r" = h_\Theta(x)"}
    return Marks(
        links=sample.gradients,
        legend=r"gradient $\partial J / \partial \Theta$ (width: $|\partial J / \partial \Theta|$)",
        headings=[
            f"Layer {layer}\n$a^{{({layer})}}{equal_to.get(layer, '')}$"
            for layer in range(1, L + 1)
        ],
        fills=[a / max(1.0, np.abs(a).max()) for a in activations],
        inside=[[_shorter(value) for value in a] for a in activations],
        below=[
            [""] * len(activations[0]),
            *([f"δ = {short(value)}" for value in delta] for delta in deltas),
        ],
        left=[wrapped(name) for name in feature_names],
        right=[
            f"{shortened(name)}\ny = {target:.0f}"
            for name, target in zip(output_names, sample.target, strict=True)
        ],
        title=f"y = {np.asarray(sample.label).tolist()}, loss = {short(sample.loss, digits=3)}",
    )


def wrapped(name: str) -> str:
    """Break a long name into two lines, at a space or after an underscore if possible.

    Parameters
    ----------
    name : str
        Name of a feature or a class.

    Returns
    -------
    str
        One or two lines of at most 20 characters. Of an even longer name, the second line is the
        end, because names often differ there.
    """
    line = " ".join(name.split())
    if len(line) <= _WIDTH:
        return line
    lines = wrap(re.sub(r"(?<=_)(?=[^_])", " ", line), _WIDTH)
    first, second, *others = (line.replace("_ ", "_") for line in lines)
    return f"{first}\n…{line[1 - _WIDTH :].lstrip()}" if others else f"{first}\n{second}"


def _shorter(value: float) -> str:
    """Format a number to two digits, or to one digit if it is below 0.1."""
    return short(value, digits=1 if abs(value) < 0.1 else 2)


def short(value: float, digits: int = 2) -> str:
    """Format a number in a few characters.

    Parameters
    ----------
    value : float
        Number to format.
    digits : int, default=2
        Minimum number of significant digits.

    Returns
    -------
    str
        Formatted number: integers without decimals, numbers below 0.01 or from 10,000 on in
        scientific notation such as 1.5e−3.
    """
    size = abs(value)
    if float(value).is_integer() and size < 1e4:
        text = f"{value + 0.0:.0f}"  # no −0
    elif 0.01 <= size < 1e4:
        text = f"{value:.{max(0, digits - 1 - floor(log10(size)))}f}"
    else:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "−")
