"""The artists of a network's picture. Matplotlib is imported when something is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skbp._typing import Floats
from skbp.plot.network_layout import TEXT, Frame, Layer, Link, frame, text_points
from skbp.plot.network_marks import Marks, Texts, short

Unit = tuple[int, int]
"""The numbers of a layer and of one of its units; 0 is the bias unit."""

_THIN, _THICK = 0.4, 3.0  # the width of a link whose value is 0, and of that with the largest
_FEW = 20  # so many links have room for their values
_SMALLEST, _LARGEST = 4.0, 10.0  # sizes of the font
_LINE, _CHARACTER = 1.3, 0.62  # the height of a line and the width of a digit, in sizes of the font
_INK, _BIAS, _DELTA = "#222222", "#dedede", "#a63c00"  # the last is a dark vermillion


def draw_links(ax: Any, lines: Sequence[Floats], values: Floats) -> Any:
    """Draw links, each in the colour and the width of its value.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    lines : sequence of ndarray of shape (2, 2)
        The two points that each link joins.
    values : ndarray of shape (n_links,)
        Their values.

    Returns
    -------
    matplotlib LineCollection
        The links; their colours are symmetric about 0.
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
    return ax.add_collection(links, autolim=False)


def fit(ax: Any, layers: Sequence[Layer], marks: Marks) -> "Drawing":
    """Set the limits of axes, such that the layers and all that is written fill them.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    layers : sequence of Layer
        The layers.
    marks : Marks
        What is written.

    Returns
    -------
    Drawing
        The axes, ready to draw in.
    """
    ax.set_axis_off()
    figure = ax.get_figure(root=True)
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
    """Return the texts of the shown units of a layer, bias unit excepted."""
    return [texts[j - 1] for j in layer.numbers if j > 0]


def _width(ax: Any, texts: Sequence[str], size: float) -> float:
    """Return the width of the widest of some texts, in pixels."""
    written = [ax.text(0, 0, text, fontsize=size, parse_math=False) for text in texts]
    widths = [text.get_window_extent().width for text in written]
    for text in written:
        text.remove()
    return max(widths)


@dataclass(frozen=True)
class Drawing:
    """Axes in which a network is drawn.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    layers : sequence of Layer
        The layers.
    frame : Frame
        How they fill the axes.
    size : float
        The size of the font beside and above them, in points.
    """

    ax: Any
    layers: Sequence[Layer]
    frame: Frame
    size: float

    def on_links(
        self, lines: Mapping[Link, Floats], values: Mapping[Link, float]
    ) -> dict[Link, Any]:
        """Write the value of each link on it, if they are few and there is room.

        Parameters
        ----------
        lines : mapping of Link to ndarray of shape (2, 2)
            The two points that each link joins.
        values : mapping of Link to float
            The values.

        Returns
        -------
        dict of Link to matplotlib Text
            The texts; none if there are many links, or no room.
        """
        from matplotlib.patheffects import withStroke

        texts = {link: short(value) for link, value in values.items()}
        longest = max(map(len, texts.values()))
        width, height = TEXT[0] * self.frame.gap, TEXT[1] * self.frame.row
        size = min(width / (_CHARACTER * longest), height, 0.9 * self.size)
        if len(lines) > _FEW or size < _SMALLEST:
            return {}
        figure = self.ax.get_figure(root=True)  # a subfigure is transparent
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

    def units(self, fills: Sequence[Floats]) -> Any:
        """Draw the units, each in its colour.

        Parameters
        ----------
        fills : sequence of ndarray of shape (s_l,)
            The colour of each unit, from −1 to 1; bias units are grey.

        Returns
        -------
        matplotlib EllipseCollection
            The units, layer by layer and from the top.
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
        return self.ax.add_collection(circles, autolim=False)

    def inside(self, marks: Marks) -> dict[Unit, Any]:
        """Write what stands in the units.

        Parameters
        ----------
        marks : Marks
            What is written; in bias units +1.

        Returns
        -------
        dict of (int, int) to matplotlib Text
            The texts, by the numbers of the layer and of the unit.
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

    def below(self, marks: Marks) -> dict[Unit, Any]:
        """Write what stands below the units.

        Parameters
        ----------
        marks : Marks
            What is written; nothing below bias units.

        Returns
        -------
        dict of (int, int) to matplotlib Text
            The texts, by the numbers of the layer and of the unit.
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

    def beside(self, marks: Marks) -> tuple[list[Any], list[Any]]:
        """Write what stands beside the first and the last layer.

        Parameters
        ----------
        marks : Marks
            What is written.

        Returns
        -------
        left : list of matplotlib Text
            The names of the shown features, from the top.
        right : list of matplotlib Text
            The names of the shown output units.
        """
        first, last = self.layers[0], self.layers[-1]
        return (
            self._column(first, marks.left, -self.frame.beside, ha="right"),
            self._column(last, marks.right, self.frame.beside, ha="left"),
        )

    def _column(self, layer: Layer, texts: Sequence[str], offset: float, ha: str) -> list[Any]:
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

    def headings(self, marks: Marks) -> list[Any]:
        """Write what stands above the layers.

        Parameters
        ----------
        marks : Marks
            What is written.

        Returns
        -------
        list of matplotlib Text
            The texts.
        """
        return [
            self._write((layer.x, self.frame.top), text, self.size, va="bottom")
            for layer, text in zip(self.layers, marks.headings, strict=True)
        ]

    def ellipses(self) -> list[Any]:
        """Write an ellipsis for the units that are not shown.

        Returns
        -------
        list of matplotlib Text
            The ellipsis of each folded layer.
        """
        return [
            self._write((layer.x, layer.ellipsis), r"$\vdots$", 1.6 * self.size)
            for layer in self.layers
            if layer.ellipsis is not None
        ]

    def _units(self) -> dict[Unit, Floats]:
        """Return where each shown unit stands."""
        return {
            (number, int(j)): position
            for number, layer in enumerate(self.layers, start=1)
            for j, position in zip(layer.numbers, layer.positions(), strict=True)
        }

    def _write(self, at: Any, text: str, size: float, **style: Any) -> Any:
        style = {"ha": "center", "va": "center", "zorder": 3} | style
        return self.ax.text(*at, text, fontsize=size, **style)


def _text_of(texts: Texts, unit: Unit, bias: str) -> str:
    layer, j = unit
    return texts[layer - 1][j - 1] if j > 0 else bias


def _slope(line: Floats) -> float:
    """Return the angle of a link, in degrees."""
    (x, y), (x_end, y_end) = line
    return float(np.degrees(np.arctan2(y_end - y, x_end - x)))


def _colour(fills: Sequence[Floats], unit: Unit) -> Any:
    from matplotlib import colormaps

    layer, j = unit
    return colormaps["PRGn"](0.5 + 0.4 * fills[layer - 1][j - 1]) if j > 0 else _BIAS


def _ink_on(colour: Any) -> str:
    """Return a colour to write with on another."""
    from matplotlib.colors import to_rgb

    brightness = np.dot(to_rgb(colour), (0.299, 0.587, 0.114))
    return _INK if brightness > 0.45 else "white"
