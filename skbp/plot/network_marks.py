"""What is written and coloured on the units and links of a network's picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

import numpy as np

from skbp._typing import Floats
from skbp.plot.common import shortened
from skbp.plot.network_sample import Sample

Texts = Sequence[Sequence[str]]
"""A text for each unit j = 1, …, s_l of each layer."""


@dataclass(frozen=True)
class Marks:
    """What is on the units and links.

    Parameters
    ----------
    links : sequence of ndarray of shape (s_{l+1}, s_l + 1)
        The value of each link, which its colour and its width show.
    legend : str
        What these values are.
    headings : sequence of str
        What is written above each layer.
    fills : sequence of ndarray of shape (s_l,)
        The colour of each unit, from −1 to 1.
    inside, below : sequence of sequences of str
        What is written in each unit of each layer, and below it.
    left, right : sequence of str
        What is written beside the units of the first layer, and of the last one.
    title : str
        What is written above all.
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
    """Mark the links with their weights.

    Parameters
    ----------
    Thetas : sequence of ndarray of shape (s_{l+1}, s_l + 1)
        The weights.
    feature_names : sequence of str
        The names of the features.
    output_names : sequence of str
        The names of the output units.

    Returns
    -------
    Marks
        The units are empty.
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
        left=[shortened(name) for name in feature_names],
        right=[shortened(name) for name in output_names],
        title="",
    )


def sample_marks(
    sample: Sample, feature_names: Sequence[str], output_names: Sequence[str]
) -> Marks:
    """Mark the units with the activations and errors of an example, the links with its gradient.

    Parameters
    ----------
    sample : Sample
        The example.
    feature_names : sequence of str
        The names of the features.
    output_names : sequence of str
        The names of the output units.

    Returns
    -------
    Marks
        The activations are in the units, the errors below them.
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
        left=[shortened(name) for name in feature_names],
        right=[
            f"{shortened(name)}\ny = {target:.0f}"
            for name, target in zip(output_names, sample.target, strict=True)
        ],
        title=f"y = {np.asarray(sample.label).tolist()}, loss = {short(sample.loss, digits=3)}",
    )


def _shorter(value: float) -> str:
    """Write a number to two decimals, or to one digit if it is small, to fit in a unit."""
    return short(value, digits=1 if abs(value) < 0.1 else 2)


def short(value: float, digits: int = 2) -> str:
    """Write a number in a few characters.

    Parameters
    ----------
    value : float
        The number.
    digits : int, default=2
        How many of its digits are written, at least.

    Returns
    -------
    str
        The digits before the point are all written, up to four; after it there are none of an
        integer. A number below 0.01 is written like 1.5e−3.
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
