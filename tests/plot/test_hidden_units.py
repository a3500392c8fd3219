"""HiddenUnitsDisplay: the images that are drawn, against Θ^(1) itself."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from fitting import may_stop_early
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import CenteredNorm
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbp import BackpropClassifier
from skbp.plot import HiddenUnitsDisplay

pytestmark = may_stop_early

rng = np.random.default_rng(0)
X, y = rng.random((60, 12)), np.arange(60) % 3  # images of 3 times 4 pixels


def fitted(hidden_layer_sizes=(5,), X=X, y=y):
    return BackpropClassifier(hidden_layer_sizes, max_iter=5, random_state=0).fit(X, y)


def images_in(display, height, width):
    """Cut the images out of the mosaic: rows and columns that are all masked lie between."""
    mosaic = np.ma.filled(display.im_.get_array(), np.nan)
    cells = [
        mosaic[row : row + height, column : column + width]
        for row in range(0, mosaic.shape[0], height + 1)
        for column in range(0, mosaic.shape[1], width + 1)
    ]
    return [cell for cell in cells if not np.isnan(cell).all()]


def texts(display):
    return [text.get_text() for text in display.texts_]


@pytest.mark.parametrize("model", [BackpropClassifier, MLPClassifier])
@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (2, 6), (12, 1), (1, 12)])
def test_each_image_is_the_weights_of_a_unit(model, shape):
    model = model((5, 4), max_iter=5, random_state=0).fit(X, y)
    display = HiddenUnitsDisplay.from_estimator(model, shape)
    height, width = shape
    drawn = images_in(display, height, width)
    assert len(drawn) == 5
    for unit, image in enumerate(drawn):
        # pixel after pixel, row after row
        for pixel in range(12):
            expected = model.coefs_[0][pixel, unit]
            assert image[pixel // width, pixel % width] == expected
            assert display.images[unit, pixel // width, pixel % width] == expected


def test_what_is_between_the_images_is_masked():
    display = HiddenUnitsDisplay.from_estimator(fitted(), (3, 4))
    # three rows of two images, but for the last one
    mosaic = display.im_.get_array()
    assert mosaic.shape == (3 * 3 + 2, 2 * 4 + 1)
    assert mosaic.count() == 5 * 12
    assert mosaic.mask[[3, 7]].all()
    assert mosaic.mask[:, 4].all()


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 80), st.integers(1, 30), st.integers(1, 30))
def test_the_mosaic_is_about_a_square(n_units, height, width):
    images = np.arange(n_units * height * width, dtype=float).reshape(n_units, height, width)
    display = HiddenUnitsDisplay(images, names=["unit"] * n_units, title="")
    display.plot(Figure().subplots())
    drawn = images_in(display, height, width)
    assert_array_equal(drawn, images)
    rows, columns = display.im_.get_array().shape
    # neither higher nor wider than a square by more than one image with its gap
    area = n_units * (height + 1) * (width + 1)
    assert rows <= columns + height + 1
    assert columns <= np.sqrt(area) + width + 1


def test_the_colours_are_symmetric_about_zero_and_alike_for_all_units():
    model = fitted()
    display = HiddenUnitsDisplay.from_estimator(model, (3, 4))
    largest = np.abs(model.coefs_[0]).max()
    assert display.im_.get_clim() == (-largest, largest)
    assert display.im_.get_cmap().name == "RdBu_r"
    assert display.colorbar_.mappable is display.im_
    assert display.colorbar_.ax.get_ylabel() == r"weight $\Theta^{(1)}$"


def test_weights_of_zero_are_drawn():
    display = HiddenUnitsDisplay(np.zeros((2, 3, 4)), names="12", title="").plot()
    display.figure_.draw_without_rendering()
    assert display.im_.get_clim() == (-1, 1)


def test_units_are_numbered_in_their_corners():
    display = HiddenUnitsDisplay.from_estimator(fitted(), (3, 4))
    assert texts(display) == ["1", "2", "3", "4", "5"]
    assert [text.get_position() for text in display.texts_] == [
        (0, 0),
        (5, 0),
        (0, 4),
        (5, 4),
        (0, 8),
    ]
    assert display.ax_.get_title() == "Weights of the hidden units of layer 2"


@pytest.mark.parametrize(("n_units", "n_texts"), [(49, 49), (50, 0)])
def test_many_units_have_no_numbers(n_units, n_texts):
    display = HiddenUnitsDisplay.from_estimator(fitted((n_units,)), (3, 4))
    assert len(display.texts_) == n_texts
    assert len(images_in(display, 3, 4)) == n_units


def test_each_image_has_a_frame():
    display = HiddenUnitsDisplay.from_estimator(fitted(), (3, 4))
    [frames] = display.ax_.collections
    corners = [path.vertices[:4].min(axis=0).tolist() for path in frames.get_paths()]
    assert corners == [[-0.5, -0.5], [4.5, -0.5], [-0.5, 3.5], [4.5, 3.5], [-0.5, 7.5]]
    for path in frames.get_paths():
        assert_allclose(np.ptp(path.vertices, axis=0), [4, 3])


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.array(["rose", "tulip", "lily"])[y], ["lily", "rose", "tulip"]),
        (np.array(["rose", "tulip"])[y % 2], ["tulip"]),
        (np.eye(3, dtype=int)[y], ["0", "1", "2"]),
    ],
)
def test_without_a_hidden_layer_the_output_units_are_drawn(labels, names):
    model = fitted((), y=labels)
    display = HiddenUnitsDisplay.from_estimator(model, (3, 4))
    assert_array_equal(images_in(display, 3, 4), model.coefs_[0].T.reshape(-1, 3, 4))
    assert texts(display) == names
    assert display.ax_.get_title() == "Weights of the output units of layer 2"


def test_a_pipeline_and_a_search_are_drawn():
    pipeline = make_pipeline(StandardScaler(), BackpropClassifier((5,), max_iter=5)).fit(X, y)
    display = HiddenUnitsDisplay.from_estimator(pipeline, (3, 4))
    assert_array_equal(display.images, pipeline[-1].coefs_[0].T.reshape(-1, 3, 4))
    search = GridSearchCV(pipeline, {"backpropclassifier__alpha": [0.1]}, cv=2).fit(X, y)
    display = HiddenUnitsDisplay.from_estimator(search, (3, 4))
    best = search.best_estimator_[-1]
    assert_array_equal(display.images, best.coefs_[0].T.reshape(-1, 3, 4))


def test_images_are_8_by_8_unless_said_otherwise():
    model = fitted(X=rng.random((60, 64)))
    assert HiddenUnitsDisplay.from_estimator(model).images.shape == (5, 8, 8)


def test_a_float32_network_is_drawn():
    display = HiddenUnitsDisplay.from_estimator(fitted(X=X.astype(np.float32)), (3, 4))
    assert display.images.dtype == np.float32
    display.figure_.draw_without_rendering()


@pytest.mark.parametrize("shape", [(8, 8), (12,), (3, 2, 2), 12, None, (3.0, 4.0), (-3, -4), "34"])
def test_an_error_names_the_shape(shape):
    with pytest.raises(ValueError, match=r"image_shape must hold .* 12 pixels") as error:
        HiddenUnitsDisplay.from_estimator(fitted(), shape)
    assert repr(shape) in str(error.value)
    assert plt.get_fignums() == []


def test_each_image_needs_a_name():
    with pytest.raises(ValueError, match=r"names must hold 2 names. Got 3 instead: 'abc'"):
        HiddenUnitsDisplay(np.zeros((2, 3, 4)), names="abc", title="")


def test_a_network_must_be_fitted():
    with pytest.raises(NotFittedError):
        HiddenUnitsDisplay.from_estimator(BackpropClassifier())


@pytest.mark.parametrize(
    ("im_kw", "limits"),
    [
        ({"cmap": "PuOr"}, None),
        ({"vmin": -3}, (-3, None)),
        ({"vmin": -3, "vmax": 4}, (-3, 4)),
        ({"norm": CenteredNorm(halfrange=7)}, (-7, 7)),
        ({"interpolation": "bilinear", "alpha": 0.5}, None),
    ],
)
def test_the_image_takes_keyword_arguments(im_kw, limits):
    model = fitted()
    display = HiddenUnitsDisplay.from_estimator(model, (3, 4), **im_kw)
    largest = np.abs(model.coefs_[0]).max()
    low, high = limits or (-largest, largest)
    assert display.im_.get_clim() == (low, largest if high is None else high)
    assert display.im_.get_cmap().name == im_kw.get("cmap", "RdBu_r")
    assert display.im_.get_interpolation() == im_kw.get("interpolation", "nearest")


def test_a_display_draws_in_the_axes_it_is_given():
    figure, axs = plt.subplots(2, 2)
    before = [ax.get_children() for ax in axs.flat]
    display = HiddenUnitsDisplay.from_estimator(fitted(), (3, 4), ax=axs[1, 0])
    assert display.ax_ is axs[1, 0]
    assert display.figure_ is figure
    for ax, children in zip(axs.flat, before, strict=True):
        assert (ax.get_children() == children) == (ax is not axs[1, 0])
    assert figure.axes == [*axs.flat, display.colorbar_.ax]


@pytest.mark.parametrize("shape", [(3, 4), (1, 12)])
def test_numbers_fit_in_their_images(shape):
    display = HiddenUnitsDisplay.from_estimator(fitted((20,)), shape)
    display.figure_.canvas.draw()
    renderer = display.figure_.canvas.get_renderer()
    [frames] = display.ax_.collections
    pixels = display.ax_.transData
    for text, path in zip(display.texts_, frames.get_paths(), strict=True):
        extent = text.get_window_extent(renderer)
        assert extent.width < np.ptp(pixels.transform(path.vertices)[:, 0])
