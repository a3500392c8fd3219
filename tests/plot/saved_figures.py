"""One saved figure for each display: whoever changes it looks at it.

``figures/NAME.png`` is what the function NAME below draws. The PNG also holds, as JSON in its
metadata, the data that were drawn: texts, coordinates of lines and patches, arrays of images, and
colours. ``test_saved_figures.py`` draws each figure anew and compares these data, not pixels.

To add a figure, write a function at the end of this file that returns a Matplotlib Figure, and
decorate it::

    @saved_figure
    def hidden_units():
        return HiddenUnitsDisplay(...).plot().figure_

Then run ``python tests/plot/saved_figures.py``. It draws the figures that are new or have changed,
and names them; look at each. With names as arguments it draws these, changed or not.

What is drawn must not depend on the processor or on versions: numbers may differ by a thousandth
of the largest of their array, texts must be the same. So give the displays attributes or weights
of your own, not trained ones. Left out are automatic tick labels, colour bars, and all that is
measured in pixels.
"""

import json
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.ticker import FixedLocator
from PIL import Image, PngImagePlugin

from skbp import BackpropClassifier, weights
from skbp.plot import (
    GradientCheckDisplay,
    GridSearchDisplay,
    HiddenUnitsDisplay,
    LossCurveDisplay,
    NetworkDisplay,
    PathDisplay,
)

FIGURES = Path(__file__).parent / "figures"
KEY = "drawn data"
TOLERANCE = 1e-3

FUNCTIONS: dict[str, Callable[[], Figure]] = {}


def saved_figure(function):
    """Register a function that draws the figure of its name."""
    FUNCTIONS[function.__name__] = function
    return function


def draw(name: str) -> Figure:
    """Draw a figure in Matplotlib's default style, whatever the style now."""
    with plt.style.context("default"):
        return FUNCTIONS[name]()


def path_of(name: str) -> Path:
    return FIGURES / f"{name}.png"


def saved_data(name: str) -> Any:
    """Return the data that were drawn when the figure was saved; None if it never was."""
    if not path_of(name).exists():
        return None
    with Image.open(path_of(name)) as image:
        return json.loads(image.text[KEY])


def save(name: str, figure: Figure) -> None:
    """Save a figure in few colours, with the data that are drawn in it."""
    info, pixels = PngImagePlugin.PngInfo(), BytesIO()
    info.add_text(KEY, json.dumps(drawn_data(figure)), zip=True)
    figure.savefig(pixels, dpi=100)
    with Image.open(pixels) as image:
        few_colors = image.convert("RGB").quantize(128, dither=Image.Dither.NONE)
    few_colors.save(path_of(name), pnginfo=info, optimize=True)


# What is drawn


def drawn_data(figure: Figure) -> dict[str, Any]:
    """Return what is drawn in a figure, as JSON has it."""
    return {
        "texts": [text.get_text() for text in figure.texts],
        "legends": [_legend(legend) for legend in figure.legends],
        "axes": [_axes(ax) for ax in _all_axes(figure.axes)],
    }


def _all_axes(axes) -> Iterator[Any]:
    """Yield axes and the axes inside them, but no colour bars."""
    for ax in axes:
        if ax.get_label() != "<colorbar>":
            yield ax
            yield from _all_axes(ax.child_axes)


def _axes(ax) -> dict[str, Any]:
    return {
        "title": ax.get_title(),
        "labels": [ax.get_xlabel(), ax.get_ylabel()],
        "scales": [ax.get_xscale(), ax.get_yscale()],
        "ticks": [_own_ticks(ax.xaxis), _own_ticks(ax.yaxis)],
        "legend": None if ax.get_legend() is None else _legend(ax.get_legend()),
        "texts": [_text(text) for text in ax.texts],
        "lines": [_line(line) for line in ax.lines],
        "patches": [_patch(patch) for patch in ax.patches],
        "collections": [_collection(collection) for collection in ax.collections],
        "images": [_image(image) for image in ax.images],
    }


def _own_ticks(axis) -> Any:
    """Return the positions and labels of ticks that were set; Matplotlib's own are its affair."""
    if not isinstance(axis.get_major_locator(), FixedLocator):
        return None
    positions = axis.get_major_locator()()
    return [_rounded(positions), axis.get_major_formatter().format_ticks(positions)]


def _legend(legend) -> list[str]:
    return [legend.get_title().get_text(), *(text.get_text() for text in legend.get_texts())]


def _text(text) -> dict[str, Any]:
    # an annotation is placed by what it annotates, and by an offset in points
    position = getattr(text, "xy", text.get_position())
    return {"text": text.get_text(), "at": _rounded(position), "color": _colors(text.get_color())}


def _line(line) -> dict[str, Any]:
    return {
        "xy": _rounded(line.get_xydata()),
        "color": _colors(line.get_color()),
        "style": [line.get_linestyle(), str(line.get_marker())],
        "marked": line.get_markevery(),
    }


def _patch(patch) -> dict[str, Any]:
    drawn = {"color": _colors(patch.get_facecolor()), "edge": _colors(patch.get_edgecolor())}
    if isinstance(patch, FancyArrowPatch):  # its path is made for the pixels
        return drawn
    vertices = patch.get_patch_transform().transform(patch.get_path().vertices)
    return {"xy": _rounded(vertices), **drawn}


def _collection(collection) -> dict[str, Any]:
    """Return the places of markers, or the paths of what has no markers."""
    drawn = {
        "color": _colors(collection.get_facecolor()),
        "edge": _colors(collection.get_edgecolor()),
        "widths": _rounded(collection.get_linewidth()),
    }
    offsets = collection.get_offsets()
    if len(offsets) > 1 or np.any(offsets):
        return {"at": _rounded(offsets), **drawn}
    return {"xy": [_rounded(path.vertices) for path in collection.get_paths()], **drawn}


def _image(image) -> dict[str, Any]:
    return {"array": _rounded(image.get_array()), "limits": _rounded(image.get_clim())}


def _colors(color) -> Any:
    return _rounded(to_rgba_array(color))


def _rounded(numbers) -> Any:
    """Return an array as lists of numbers of 4 significant digits, None where there is none."""
    array = np.ma.filled(np.ma.asarray(numbers).astype(float), np.nan)
    if array.ndim:
        return [_rounded(each) for each in array]
    return float(f"{array:.4g}") if np.isfinite(array) else None


# Comparison


def difference(before: Any, now: Any, where: str = "figure") -> str | None:
    """Say what the first difference between drawn data is; None if there is none."""
    if _is_array(before) and _is_array(now):
        return None if _is_close(before, now) else f"{where}: {before} -> {now}"
    if isinstance(before, dict) and isinstance(now, dict) and before.keys() == now.keys():
        pairs = ((f"{where}.{key}", before[key], now[key]) for key in before)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = ((f"{where}[{i}]", *pair) for i, pair in enumerate(zip(before, now, strict=True)))
    else:
        return None if before == now else f"{where}: {before!r} -> {now!r}"
    found = (difference(old, new, path) for path, old, new in pairs)
    return next((each for each in found if each), None)


def _is_array(data: Any) -> bool:
    """Return whether data are numbers, or None for a missing one, that NumPy takes as an array."""
    try:
        return np.array(data, dtype=float).size > 0
    except (TypeError, ValueError):
        return False


def _is_close(before: Any, now: Any) -> bool:
    before, now = np.array(before, dtype=float), np.array(now, dtype=float)
    if before.shape != now.shape:
        return False
    atol = TOLERANCE * np.abs(before[np.isfinite(before)]).max(initial=0)
    return np.allclose(before, now, rtol=TOLERANCE, atol=atol, equal_nan=True)


def main(names: list[str]) -> None:
    """Draw the figures of these names; without names, those that are new or have changed."""
    FIGURES.mkdir(exist_ok=True)
    for name in names or FUNCTIONS:
        figure = draw(name)
        if names or difference(saved_data(name), drawn_data(figure)):
            save(name, figure)
            print(f"{path_of(name)} is drawn: look at it.")
        plt.close(figure)


# The figures


@saved_figure
def loss_curve():
    t = np.arange(40)
    slow, fast = 0.5 + np.exp(-t / 15), 0.3 + 1.2 * np.exp(-t[:25] / 4)
    return (
        LossCurveDisplay(
            names=["adam", "lbfgs", "cg"],
            loss_curves=[slow, fast, fast + 0.1],
            validation_loss_curves=[slow - 0.1, fast - 0.05 + 0.0008 * t[:25] ** 2, None],
            best_iters=[39, 12, None],
        )
        .plot()
        .figure_
    )


@saved_figure
def grid_search():
    scores = np.array(
        [[0.9, 0.92, 0.93, 0.9], [0.91, 0.96, 0.955, 0.91], [np.nan, 0.97, 0.95, 0.4]]
    )
    return (
        GridSearchDisplay(
            x_name="network__alpha",
            y_name="network__hidden_layer_sizes",
            x_values=[0.1, 1.0, 10.0, 100.0],
            y_values=[(5,), (25,), (25, 10)],
            mean_scores=scores,
            best_cell=(2, 1),
            standard_error=0.016,
            one_standard_error=scores >= 0.97 - 0.016,
            score_name="accuracy",
        )
        .plot()
        .figure_
    )


@saved_figure
def gradient_check():
    """Show a gradient whose second layer is a third too large."""
    layers = np.repeat([1, 2], [12, 8])
    numerical = np.sin(np.arange(20.0)) / layers
    analytic = np.where(layers == 2, 4 / 3, 1) * numerical
    display = GradientCheckDisplay(analytic=analytic, numerical=numerical, layers=layers)
    return display.plot().figure_


@saved_figure
def network():
    """Show weights of a network whose first layer is folded, and whose names are long."""
    Thetas = [
        2 * np.sin(np.arange(n_outputs * n_inputs) ** 1.5).reshape(n_outputs, n_inputs)
        for n_outputs, n_inputs in [(5, 31), (4, 6), (3, 5)]
    ]
    display = NetworkDisplay(
        Thetas,
        feature_names=[f"worst fractal dimension, {i}" for i in range(30)],
        output_names=["setosa", "versicolor", "virginica"],
        max_units=7,
    )
    return _with_colors(display.plot())


@saved_figure
def network_with_an_example():
    """Show how the lecture's network, which counts inputs that are on, learns from (0, 1)."""
    X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 2]
    model = BackpropClassifier((2,), "logistic", alpha=0.5, random_state=0).initialize(X, y)
    model.coefs_, model.intercepts_ = weights.split(
        [
            np.array([[-1.0, 2.0, 2.0], [1.5, -3.0, 1.0]]),
            np.array([[-0.5, -2.0, 1.0], [0.2, 0.7, -0.8], [-1.0, 2.5, -1.5]]),
        ]
    )
    return _with_colors(NetworkDisplay.from_sample(model, [0, 1], 1))


def _with_colors(display: NetworkDisplay) -> Figure:
    """Return the figure once the links have the colours of their values."""
    display.links_.update_scalarmappable()
    return display.figure_


@saved_figure
def hidden_units():
    """Show waves of more and more directions."""
    y, x = np.mgrid[0:8, 0:8]
    images = [np.sin(0.2 * unit * x + 0.9 * y) * (unit + 1) / 10 for unit in range(10)]
    names = [str(unit + 1) for unit in range(10)]
    return HiddenUnitsDisplay(images, names=names, title="Hidden units").plot().figure_


@saved_figure
def path():
    """Show two networks; the path of one has ended in a fold."""
    means = np.array([[0.9, 0.4, 0.25, 0.22, 0.24, 0.3], [0.7, 0.35, 0.23, 0.26, np.nan, np.nan]])
    display = PathDisplay(
        names=["relu (50, 50)", "logistic (50,)"],
        alphas=[10.0, 3.0, 1.0, 0.3, 0.1, 0.03],
        means=means,
        standard_errors=0.1 * means,
        alpha=0.3,
        simplest_alpha=1.0,
        score_name="Validation log loss",
    )
    return display.plot().figure_


if __name__ == "__main__":
    plt.switch_backend("Agg")
    main(sys.argv[1:])
