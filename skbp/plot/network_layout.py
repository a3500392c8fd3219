"""Layout of the diagram of a network: positions of the units, links and texts.

The layers are at x = 0, 1, …, L − 1; the units of a layer are in a column at a distance of 1.
Units are numbered from 1 as in the lecture; 0 is the bias unit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skbp._typing import Floats
from skbp.network import is_layer_size

# maximum diameter of a unit: in rows, in points, and as a fraction of the layer distance
_DIAMETER, _LARGEST, _SHARE = 0.64, 36.0, 0.4
_ABOVE, _BELOW = 0.55, 0.75  # margins above and below the units, in rows
_SPACE, _EDGE = 4.0, 6.0  # points from a unit to its name, and from the name to the edge
_LEAST_SHARE = 0.3  # minimum fraction of the width for the links

TEXT = (0.22, 0.22)
"""Width of a text on a link, as a fraction of the gap, and its height, in rows."""

# candidate positions of a text along its link
_PARTS = np.array([0.5, 0.46, 0.54, 0.42, 0.58, 0.38, 0.62, 0.34, 0.66, 0.3, 0.7])
_ROUNDS = 4


@dataclass(frozen=True)
class Layer:
    """Shown units of a layer.

    Parameters
    ----------
    x : float
        x coordinate of the layer.
    numbers : ndarray of int
        Numbers of the units, from the top; 0 for the bias unit.
    y : ndarray of float
        y coordinates of the units.
    n_left_out : int
        Number of units that are not shown; below the shown ones there is a row to say so.
    """

    x: float
    numbers: NDArray[np.int_]
    y: Floats
    n_left_out: int

    def positions(self) -> Floats:
        """Return the positions of the units.

        Returns
        -------
        ndarray of shape (n_units, 2)
            x and y coordinates.
        """
        return np.column_stack([np.full(len(self.y), self.x), self.y])


class Link(NamedTuple):
    """Link from unit i of a layer to unit j of the next, with the weight Θ^(layer)_ji."""

    layer: int
    j: int
    i: int


def weight_norms(Thetas: Sequence[Floats]) -> list[Floats]:
    """Return the norm of the weights on the links of each unit.

    Parameters
    ----------
    Thetas : sequence of ndarray of shape (s_{l+1}, s_l + 1)
        Weights Θ^(1), …, Θ^(L−1). Those of the bias units, in column 0, are not counted.

    Returns
    -------
    list of ndarray of shape (s_l,)
        Norm of the weights of the links that lead to and from each unit of each layer.
    """
    weights = [Theta[:, 1:] for Theta in Thetas]
    to_units = [np.linalg.norm(W, axis=1) for W in weights]
    from_units = [np.linalg.norm(W, axis=0) for W in weights]
    first, last = from_units[0], to_units[-1]
    between = [np.hypot(*norms) for norms in zip(to_units[:-1], from_units[1:], strict=True)]
    return [first, *between, last]


def place(norms: Sequence[Floats], max_units: int) -> list[Layer]:
    """Choose the units to show and compute their positions.

    Parameters
    ----------
    norms : sequence of ndarray of shape (s_l,)
        How much each unit of each layer matters, such as the `weight_norms`.
    max_units : int
        Maximum number of units shown per layer, not counting the bias unit. Of a larger layer,
        the units with the largest norms are shown, in their order.

    Returns
    -------
    list of Layer
        Layers. All but the last one have a bias unit at the top.

    Raises
    ------
    ValueError
        If ``max_units`` is not an integer of at least 3.
    """
    if not is_layer_size(max_units) or max_units < 3:
        raise ValueError(f"max_units must be an integer of at least 3. Got {max_units!r} instead.")
    *others, last = norms
    layers = [_placed(x, [0], each, max_units) for x, each in enumerate(others)]
    return [*layers, _placed(len(others), [], last, max_units)]


def _placed(x: float, bias: list[int], norms: Floats, max_units: int) -> Layer:
    shown = np.argsort(-norms, kind="stable")[:max_units]
    numbers = np.array([*bias, *np.sort(shown) + 1])
    n_left_out = len(norms) - len(shown)
    n_rows = len(numbers) + (n_left_out > 0)
    y = (n_rows - 1) / 2 - np.arange(len(numbers))
    return Layer(x, numbers, y, n_left_out)


def links(layers: Sequence[Layer]) -> dict[Link, Floats]:
    """Return the links between the shown units.

    Parameters
    ----------
    layers : sequence of Layer
        Layers of the network.

    Returns
    -------
    dict of Link to ndarray of shape (2, 2)
        End points of each link.
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
    """Geometry of the diagram on its axes.

    Parameters
    ----------
    xlim, ylim : tuple of float
        Limits of the axes.
    row, gap : float
        Distance between units and distance between layers, in points.
    diameter : float
        Diameter of a unit, in points.
    beside : float
        Distance from the centre of a unit to its name, in points.
    top : float
        y coordinate of the headings.
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
    """Fit the layers and the texts around them into the axes.

    Parameters
    ----------
    layers : sequence of Layer
        Layers of the network.
    size : tuple of float
        Width and height of the axes, in points.
    sides : tuple of float
        Widths of the names left of the first layer and right of the last layer, in points.
    heading : float
        Height of the headings above the layers, in points.

    Returns
    -------
    Frame
        Limits of the axes and size of the units.
    """
    (width, height), (left, right) = size, sides
    n_gaps = len(layers) - 1
    top = max(layer.y[0] for layer in layers)
    row = max(height - heading, height / 2) / (2 * top + _ABOVE + _BELOW)
    largest = min(_DIAMETER * row, _LARGEST)
    around = largest / 2 + _SPACE + _EDGE
    inner = width - 2 * around
    gaps = max(inner - left - right, _LEAST_SHARE * width)
    # names that are too long extend beyond the axes
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
    """Choose the position of the text on each link.

    Each text in turn moves along its link to the position farthest from other texts and links;
    this is repeated a few times.

    Parameters
    ----------
    lines : mapping of Link to ndarray of shape (2, 2)
        End points of each link.

    Returns
    -------
    dict of Link to ndarray of shape (2,)
        Centre of each text.
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
    """Return the distance of each point to the nearest other text, in texts, at most 1.5."""
    apart = np.abs(points[:, np.newaxis] - others) / TEXT
    return np.minimum(apart.max(axis=2).min(axis=1), 1.5)


def _from_links(points: Floats, across: Floats) -> Floats:
    """Return the vertical distance of each point to the nearest link, in texts, at most 1."""
    (x, y), (x_end, y_end) = across[:, 0].T, across[:, 1].T
    there = y + (points[:, :1] - x) / (x_end - x) * (y_end - y)
    return np.minimum(np.abs(points[:, 1:] - there).min(axis=1) / TEXT[1], 1.0)
