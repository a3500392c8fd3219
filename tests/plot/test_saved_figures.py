"""The saved figure of each display: it shows what is drawn now (see saved_figures.py)."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure

import skbp.plot
from plot.saved_figures import FIGURES, FUNCTIONS, difference, draw, drawn_data, path_of, saved_data


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_figure_is_as_it_was_saved(name):
    changed = difference(saved_data(name), drawn_data(draw(name)))
    assert changed is None, (
        f"The figure {name} has changed: draw it anew with `python tests/plot/saved_figures.py`, "
        f"and look at it.\n{changed}"
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_saved_figure_is_small(name):
    assert path_of(name).stat().st_size < 60_000


def test_what_is_saved_is_what_is_drawn():
    assert {path.name for path in FIGURES.iterdir()} == {f"{name}.png" for name in FUNCTIONS}


def test_every_display_has_a_saved_figure():
    displays = {name.removesuffix("Display").lower() for name in skbp.plot.__all__}
    drawn = {name.replace("_", "") for name in FUNCTIONS}
    assert all(any(name.startswith(display) for name in drawn) for display in displays)


# The comparison itself


def some_figure():
    figure = Figure()
    curve, heat = figure.subplots(1, 2)
    curve.plot([1, 2, 3], [0.5, 0.25, 1e-9], label="a curve", color="#0072B2")
    curve.scatter([1, 2], [3, 4])
    curve.annotate("the end", xy=(3, 1e-9), xytext=(0, 5), textcoords="offset points")
    curve.legend()
    curve.set_title("loss")
    curve.axvspan(1, 2)
    heat.imshow(np.ma.masked_invalid([[0.1, np.nan], [0.3, 0.4]]))
    heat.set_xticks([0, 1], ["1", "3"])
    return figure


def as_saved(figure):
    return json.loads(json.dumps(drawn_data(figure)))


@pytest.fixture(scope="module")
def saved():
    return as_saved(some_figure())


def move_line(figure):
    figure.axes[0].lines[0].set_ydata([0.5, 0.26, 0])


def color_line(figure):
    figure.axes[0].lines[0].set_color("#D55E00")


def mark_other_point(figure):
    figure.axes[0].lines[0].set_markevery([2])


def add_line(figure):
    figure.axes[0].plot([1, 2], [1, 2])


def move_markers(figure):
    figure.axes[0].collections[0].set_offsets([[1, 3], [2, 5]])


def change_text(figure):
    figure.axes[0].texts[0].set_text("The end")


def move_annotation(figure):
    figure.axes[0].texts[0].xy = (2, 0)


def change_legend(figure):
    figure.axes[0].get_legend().get_texts()[0].set_text("another curve")


def change_title(figure):
    figure.axes[0].set_title("cost")


def change_scale(figure):
    figure.axes[0].set_yscale("log")


def move_patch(figure):
    figure.axes[0].patches[0].set_width(2)


def change_image(figure):
    figure.axes[1].images[0].set_data([[0.1, 0.2], [0.3, 0.4]])


def change_colors_of_image(figure):
    figure.axes[1].images[0].set_clim(0, 1)


def change_tick_labels(figure):
    figure.axes[1].set_xticks([0, 1], ["1", "10"])


def add_inset(figure):
    figure.axes[1].inset_axes([0, 0, 1, 1])


def add_text_of_figure(figure):
    figure.suptitle("both")


@pytest.mark.parametrize(
    "change",
    [
        move_line,
        color_line,
        mark_other_point,
        add_line,
        move_markers,
        change_text,
        move_annotation,
        change_legend,
        change_title,
        change_scale,
        move_patch,
        change_image,
        change_colors_of_image,
        change_tick_labels,
        add_inset,
        add_text_of_figure,
    ],
)
def test_a_change_is_found(change, saved):
    figure = some_figure()
    change(figure)
    assert difference(saved, drawn_data(figure))


def test_the_difference_says_where():
    figure = some_figure()
    saved = as_saved(figure)
    change_title(figure)
    assert difference(saved, drawn_data(figure)) == "figure.axes[0].title: 'loss' -> 'cost'"


def test_the_same_is_no_change(saved):
    assert difference(saved, drawn_data(some_figure())) is None


def test_rounding_is_no_change(saved):
    figure = some_figure()
    figure.axes[0].lines[0].set_ydata([0.5, 0.2501, -1e-9])
    assert difference(saved, drawn_data(figure)) is None


def test_a_colour_bar_is_left_out():
    figure = some_figure()
    saved = as_saved(figure)
    figure.colorbar(figure.axes[1].images[0], ax=figure.axes[1])
    assert difference(saved, drawn_data(figure)) is None


def test_a_figure_that_was_never_saved_has_changed(monkeypatch, tmp_path):
    monkeypatch.setattr("plot.saved_figures.FIGURES", tmp_path)
    assert difference(saved_data("loss_curve"), drawn_data(some_figure()))
