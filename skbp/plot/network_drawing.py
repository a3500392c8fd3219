"""Matplotlib artists for the diagram of a network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skbp._typing import Floats
from skbp.plot.network_layout import TEXT, Frame, Layer, Link, frame, text_points
from skbp.plot.network_marks import Marks, Texts, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import EllipseCollection, LineCollection
    from matplotlib.text import Annotation, Text
    from matplotlib.typing import ColorType

Unit = tuple[int, int]
"""Layer number and unit number; 0 is the bias unit."""

_THIN, _THICK = 0.4, 3.0  # line widths of the smallest and the largest absolute value
_FEW = 20  # largest number of links with a written value
_SMALLEST, _LARGEST = 4.0, 10.0  # font sizes
_LINE, _CHARACTER = 1.3, 0.62  # line height and digit width, divided by the font size
_INK, _BIAS, _DELTA = "#222222", "#dedede", "#a63c00"  # the last is a dark vermillion


def draw_links(ax: "Axes", lines: Sequence[Floats], values: Floats) -> "LineCollection":
    """Draw links whose colour and width show their values.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes to draw on.
    lines : sequence of ndarray of shape (2, 2)
        End points of each link.
    values : ndarray of shape (n_links,)
        Value of each link.

    Returns
    -------
    matplotlib LineCollection
        Links, with a colour scale symmetric about 0.
    """
    from matplotlib.collections import LineCollection

    largest = np.abs(values).max() or 1.0
    links = LineCollection(
        lines,
        array=values,
        cmap="coolwarm",
        clim=(-largest, largest),
        linewidths=_THIN + (_THICK - _THIN) * np.abs(values) / largest,
        zorder=1,
    )
    ax.add_collection(links, autolim=False)
    return links


def fit(ax: "Axes", layers: Sequence[Layer], marks: Marks) -> "Drawing":
    """Set the limits of the axes so that the layers and the texts fill them.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes to draw on.
    layers : sequence of Layer
        Layers of the network.
    marks : Marks
        Values and texts to draw.

    Returns
    -------
    Drawing
        Prepared axes.
    """
    ax.set_axis_off()
    figure = ax.figure.get_figure(root=True)
    if engine := figure.get_layout_engine():
        engine.execute(figure)  # it sets the size of the axes
    points = 72 / figure.dpi
    box = ax.get_window_extent()
    width, height = points * box.width, points * box.height
    n_rows = max(len(layer.y) for layer in layers) + 2
    size = float(np.clip(min(0.3 * height / n_rows, width / 34), _SMALLEST, _LARGEST))
    left, right = _shown(layers[0], marks.left), _shown(layers[-1], marks.right)
    sides = points * _width(ax, left, size), points * _width(ax, right, size)
    fitted = frame(layers, (width, height), sides, heading=2 * _LINE * size)
    ax.set(xlim=fitted.xlim, ylim=fitted.ylim)
    return Drawing(ax, layers, fitted, size)


def _shown(layer: Layer, texts: Sequence[str]) -> list[str]:
    """Return the texts of the shown units of a layer, without the bias unit."""
    return [texts[j - 1] for j in layer.numbers if j > 0]


def _width(ax: "Axes", texts: Sequence[str], size: float) -> float:
    """Return the width of the widest text in pixels."""
    written = [ax.text(0, 0, text, fontsize=size, parse_math=False) for text in texts]
    widths = [text.get_window_extent().width for text in written]
    for text in written:
        text.remove()
    return max(widths)


@dataclass(frozen=True)
class Drawing:
    """Axes on which a network is drawn.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes to draw on.
    layers : sequence of Layer
        Layers of the network.
    frame : Frame
        Geometry of the drawing.
    size : float
        Font size of the texts beside and above the layers, in points.
    """

    ax: "Axes"
    layers: Sequence[Layer]
    frame: Frame
    size: float

    def on_links(
        self, lines: Mapping[Link, Floats], values: Mapping[Link, float]
    ) -> "dict[Link, Text]":
        """Write the values on the links if they fit.

        Parameters
        ----------
        lines : mapping of Link to ndarray of shape (2, 2)
            End points of each link.
        values : mapping of Link to float
            Value of each link.

        Returns
        -------
        dict of Link to matplotlib Text
            Texts; empty if there are more than 20 links or the texts would be too small.
        """
        from matplotlib.patheffects import withStroke

        texts = {link: short(value) for link, value in values.items()}
        longest = max(map(len, texts.values()))
        width, height = TEXT[0] * self.frame.gap, TEXT[1] * self.frame.row
        size = min(width / (_CHARACTER * longest), height, 0.9 * self.size)
        if len(lines) > _FEW or size < _SMALLEST:
            return {}
        figure = self.ax.figure.get_figure(root=True)  # a subfigure is transparent
        halo = [withStroke(linewidth=2.5, foreground=figure.get_facecolor())]
        return {
            link: self._write(
                point,
                texts[link],
                size,
                rotation=_slope(lines[link]),
                rotation_mode="anchor",
                transform_rotates_text=True,
                path_effects=halo,
            )
            for link, point in text_points(lines).items()
        }

    def units(self, fills: Sequence[Floats]) -> "EllipseCollection":
        """Draw the units.

        Parameters
        ----------
        fills : sequence of ndarray of shape (s_l,)
            Colour of each unit, from −1 to 1; bias units are grey.

        Returns
        -------
        matplotlib EllipseCollection
            Units, layer by layer and from the top.
        """
        from matplotlib.collections import EllipseCollection

        units = self._units()
        diameters = [self.frame.diameter] * len(units)
        circles = EllipseCollection(
            diameters,
            diameters,
            [0] * len(units),
            units="points",
            offsets=list(units.values()),
            offset_transform=self.ax.transData,
            facecolors=[_colour(fills, unit) for unit in units],
            edgecolors=_INK,
            linewidths=0.8,
            zorder=2,
        )
        self.ax.add_collection(circles, autolim=False)
        return circles

    def inside(self, marks: Marks) -> "dict[Unit, Text]":
        """Write the texts in the units.

        Parameters
        ----------
        marks : Marks
            Texts to write; bias units get +1.

        Returns
        -------
        dict of (int, int) to matplotlib Text
            Texts by layer and unit number.
        """
        units = self._units()
        texts = {unit: _text_of(marks.inside, unit, bias="+1") for unit in units}
        longest = max(map(len, texts.values()))
        size = min(self.size, 0.82 * self.frame.diameter / (_CHARACTER * longest))
        return {
            unit: self._write(units[unit], text, size, color=_ink_on(_colour(marks.fills, unit)))
            for unit, text in texts.items()
            if text
        }

    def below(self, marks: Marks) -> "dict[Unit, Annotation]":
        """Write the texts below the units.

        Parameters
        ----------
        marks : Marks
            Texts to write; bias units get none.

        Returns
        -------
        dict of (int, int) to matplotlib Text
            Texts by layer and unit number.
        """
        units = self._units()
        texts = {unit: _text_of(marks.below, unit, bias="") for unit in units}
        return {
            unit: self.ax.annotate(
                text,
                units[unit],
                (0, -self.frame.diameter / 2 - 3),
                textcoords="offset points",
                ha="center",
                va="top",
                fontsize=min(0.2 * self.frame.row, 0.9 * self.size),
                color=_DELTA,
                bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": _DELTA, "lw": 0.6},
                zorder=3,
            )
            for unit, text in texts.items()
            if text
        }

    def beside(self, marks: Marks) -> "tuple[list[Annotation], list[Annotation]]":
        """Write the texts beside the first and the last layer.

        Parameters
        ----------
        marks : Marks
            Texts to write.

        Returns
        -------
        left : list of matplotlib Text
            Names of the shown features, from the top.
        right : list of matplotlib Text
            Names of the shown output units, from the top.
        """
        first, last = self.layers[0], self.layers[-1]
        return (
            self._column(first, marks.left, -self.frame.beside, ha="right"),
            self._column(last, marks.right, self.frame.beside, ha="left"),
        )

    def _column(
        self, layer: Layer, texts: Sequence[str], offset: float, ha: str
    ) -> "list[Annotation]":
        return [
            self.ax.annotate(
                text,
                (layer.x, y),
                (offset, 0),
                textcoords="offset points",
                ha=ha,
                va="center",
                fontsize=self.size,
                parse_math=False,
                zorder=3,
            )
            for text, y in zip(_shown(layer, texts), layer.y[layer.numbers > 0], strict=True)
        ]

    def headings(self, marks: Marks) -> "list[Text]":
        """Write the headings above the layers.

        Parameters
        ----------
        marks : Marks
            Texts to write.

        Returns
        -------
        list of matplotlib Text
            Headings.
        """
        return [
            self._write((layer.x, self.frame.top), text, self.size, va="bottom")
            for layer, text in zip(self.layers, marks.headings, strict=True)
        ]

    def ellipses(self) -> "list[Text]":
        """Write how many units are not shown.

        Returns
        -------
        list of matplotlib Text
            Text below each shortened layer.
        """
        return [
            self._write((layer.x, layer.y[-1] - 1), f"… {layer.n_left_out} more", self.size)
            for layer in self.layers
            if layer.n_left_out
        ]

    def _units(self) -> dict[Unit, tuple[float, float]]:
        """Return the position of each shown unit."""
        return {
            (number, int(j)): (layer.x, float(y))
            for number, layer in enumerate(self.layers, start=1)
            for j, y in zip(layer.numbers, layer.y, strict=True)
        }

    def _write(
        self, at: Floats | tuple[float, float], text: str, size: float, **style: Any
    ) -> "Text":
        x, y = at
        style = {"ha": "center", "va": "center", "zorder": 3, **style}
        return self.ax.text(x, y, text, fontsize=size, **style)


def _text_of(texts: Texts, unit: Unit, bias: str) -> str:
    layer, j = unit
    return texts[layer - 1][j - 1] if j > 0 else bias


def _slope(line: Floats) -> float:
    """Return the angle of a link, in degrees."""
    (x, y), (x_end, y_end) = line
    return float(np.degrees(np.arctan2(y_end - y, x_end - x)))


def _colour(fills: Sequence[Floats], unit: Unit) -> "ColorType":
    from matplotlib import colormaps

    layer, j = unit
    return colormaps["PRGn"](0.5 + 0.4 * fills[layer - 1][j - 1]) if j > 0 else _BIAS


def _ink_on(colour: "ColorType") -> str:
    """Return a text colour that is readable on a background colour."""
    from matplotlib.colors import to_rgb

    brightness = np.dot(to_rgb(colour), (0.299, 0.587, 0.114))
    return _INK if brightness > 0.45 else "white"
