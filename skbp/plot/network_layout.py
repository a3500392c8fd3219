"""Where the units of a network stand in a picture, and which units of a large layer are shown.

Layers stand side by side, at x = 0, 1, …, L − 1; the units of a layer one below the other, at a
distance of 1. Units are numbered as in the lecture: from 1, and 0 is the bias unit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skbp._typing import Floats
from skbp.network import is_layer_size

# the diameter of a unit: in rows, in points, and as a share of the distance between layers
_DIAMETER, _LARGEST, _SHARE = 0.64, 36.0, 0.4
_ABOVE, _BELOW = 0.55, 0.75  # rows that are kept free around the units
_SPACE, _EDGE = 4.0, 6.0  # points between a unit and its name, and between it and the edge
_LEAST_SHARE = 0.3  # of the width, for the links, however long the names are

TEXT = (0.22, 0.22)
"""The width of a text on a link, as a share of the gap, and its height, in rows."""

_PARTS = np.array([0.5, 0.46, 0.54, 0.42, 0.58, 0.38, 0.62, 0.34, 0.66, 0.3, 0.7])  # of a link
_ROUNDS = 4


@dataclass(frozen=True)
class Layer:
    """The shown units of a layer.

    Parameters
    ----------
    x : float
        Where the layer stands.
    numbers : ndarray of int
        The numbers of the units, from the top; 0 for the bias unit.
    y : ndarray of float
        Where each of them stands.
    ellipsis : float or None
        Where the ellipsis stands for the units that are not shown. None if all are.
    """

    x: float
    numbers: NDArray[np.int_]
    y: Floats
    ellipsis: float | None

    def positions(self) -> Floats:
        """Return where the units stand.

        Returns
        -------
        ndarray of shape (n_units, 2)
            x and y of each.
        """
        return np.column_stack([np.full(len(self.y), self.x), self.y])


class Link(NamedTuple):
    """The link from unit i of a layer to unit j of the next, which Θ^(layer)_ji weighs."""

    layer: int
    j: int
    i: int


def place(layer_sizes: Sequence[int], max_units: int) -> list[Layer]:
    """Choose the units that are shown, and place them.

    Parameters
    ----------
    layer_sizes : sequence of int
        (s_1, …, s_L), bias units not counted.
    max_units : int
        The largest number of units to show of a layer, the bias unit not counted. Of a larger
        layer the first and the last ones are shown, with an ellipsis between them.

    Returns
    -------
    list of Layer
        The layers. All but the last one have a bias unit, at the top.

    Raises
    ------
    ValueError
        If ``max_units`` is not an integer of at least 3.
    """
    if not is_layer_size(max_units) or max_units < 3:
        raise ValueError(f"max_units must be an integer of at least 3. Got {max_units!r} instead.")
    *others, last = layer_sizes
    layers = [_placed(x, [0], size, max_units) for x, size in enumerate(others)]
    return [*layers, _placed(len(others), [], last, max_units)]


def _placed(x: float, bias: list[int], size: int, max_units: int) -> Layer:
    n_last = max_units // 2
    n_first = max_units - n_last
    if size <= max_units:
        numbers = [*bias, *range(1, size + 1)]
        return Layer(x, np.array(numbers), _rows(len(numbers)), None)
    first = [*bias, *range(1, n_first + 1)]
    numbers = [*first, *range(size - n_last + 1, size + 1)]
    y = _rows(len(numbers) + 1)
    return Layer(x, np.array(numbers), np.delete(y, len(first)), float(y[len(first)]))


def _rows(n: int) -> Floats:
    return (n - 1) / 2 - np.arange(n)


def links(layers: Sequence[Layer]) -> dict[Link, Floats]:
    """Return the links between the shown units.

    Parameters
    ----------
    layers : sequence of Layer
        The layers.

    Returns
    -------
    dict of Link to ndarray of shape (2, 2)
        The two points that each link joins.
    """
    return {
        Link(number, int(j), int(i)): np.array([start, end])
        for number, (layer, following) in enumerate(pairwise(layers), start=1)
        for j, end in zip(following.numbers, following.positions(), strict=True)
        if j > 0
        for i, start in zip(layer.numbers, layer.positions(), strict=True)
    }


@dataclass(frozen=True)
class Frame:
    """How a picture of the layers fills axes.

    Parameters
    ----------
    xlim, ylim : tuple of float
        The limits of the axes.
    row, gap : float
        The distance between units and that between layers, in points.
    diameter : float
        The diameter of a unit, in points.
    beside : float
        How far from the middle of a unit its name begins, in points.
    top : float
        Where the headings stand.
    """

    xlim: tuple[float, float]
    ylim: tuple[float, float]
    row: float
    gap: float
    diameter: float
    beside: float
    top: float


def frame(
    layers: Sequence[Layer], size: tuple[float, float], sides: tuple[float, float], heading: float
) -> Frame:
    """Fit the layers, with what is written around them, into axes.

    Parameters
    ----------
    layers : sequence of Layer
        The layers.
    size : tuple of float
        The width and the height of the axes, in points.
    sides : tuple of float
        The widths of the names on the left of the first layer and on the right of the last
        one, in points.
    heading : float
        The height of what is written above the layers, in points.

    Returns
    -------
    Frame
        The limits of the axes, and the size of the units.
    """
    (width, height), (left, right) = size, sides
    n_gaps = len(layers) - 1
    top = max(layer.y[0] for layer in layers)
    row = max(height - heading, height / 2) / (2 * top + _ABOVE + _BELOW)
    largest = min(_DIAMETER * row, _LARGEST)
    around = largest / 2 + _SPACE + _EDGE
    inner = width - 2 * around
    gaps = max(inner - left - right, _LEAST_SHARE * width)
    # of names that are too long for the rest, a part sticks out of the axes
    inside = (inner - gaps) / max(left + right, 1.0)
    gap = gaps / n_gaps
    diameter = min(largest, _SHARE * gap)
    return Frame(
        xlim=(-(around + inside * left) / gap, n_gaps + (around + inside * right) / gap),
        ylim=(-top - _BELOW, top + _ABOVE + heading / row),
        row=row,
        gap=gap,
        diameter=diameter,
        beside=diameter / 2 + _SPACE,
        top=top + _ABOVE,
    )


def text_points(lines: Mapping[Link, Floats]) -> dict[Link, Floats]:
    """Choose the point of each link where its value is written.

    Each text in turn moves along its link to where it is clearest of the other texts and
    links, a few times over.

    Parameters
    ----------
    lines : mapping of Link to ndarray of shape (2, 2)
        The two points that each link joins.

    Returns
    -------
    dict of Link to ndarray of shape (2,)
        The middle of each text.
    """
    points = {link: start + 0.5 * (end - start) for link, (start, end) in lines.items()}
    for _ in range(_ROUNDS):
        for link, (start, end) in lines.items():
            candidates = start + _PARTS[:, np.newaxis] * (end - start)
            others = np.array([points[other] for other in points if other != link])
            across = np.array(
                [lines[other] for other in lines if other != link and other.layer == link.layer]
            )
            clearance = _from_texts(candidates, others) + 0.5 * _from_links(candidates, across)
            points[link] = candidates[np.argmax(clearance)]
    return points


def _from_texts(points: Floats, others: Floats) -> Floats:
    """Return how far texts at some points are from the nearest of other texts, up to 1.5 texts."""
    apart = np.abs(points[:, np.newaxis] - others) / TEXT
    return np.minimum(apart.max(axis=2).min(axis=1), 1.5)


def _from_links(points: Floats, across: Floats) -> Floats:
    """Return how far texts at some points are above or below the nearest link, up to one text."""
    (x, y), (x_end, y_end) = across[:, 0].T, across[:, 1].T
    there = y + (points[:, :1] - x) / (x_end - x) * (y_end - y)
    return np.minimum(np.abs(points[:, 1:] - there).min(axis=1) / TEXT[1], 1.0)
