"""NetworkDisplay: what is drawn, against the lecture's loop over examples and Θ itself."""

from decimal import Decimal
from itertools import pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from fitting import IRIS, PROBLEMS, Small, every_problem, may_stop_early
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lecture import (
    COSTS,
    OUTPUT_ACTIVATIONS,
    activations_of_layers,
    back_propagation,
    forward_propagation,
    gradient_computation,
)
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skbp import BackpropClassifier, weights
from skbp.plot import NetworkDisplay
from skbp.plot.network_layout import TEXT, frame, links, place, text_points, weight_norms
from skbp.plot.network_marks import short

pytestmark = may_stop_early

X, y = IRIS
NAMES = ["setosa", "versicolor", "virginica"]
FRAME = load_iris(as_frame=True).data
FEATURES = list(FRAME.columns)

# counts how many of the two inputs are on
SUM_X, SUM_Y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 2])


@pytest.fixture(scope="module")
def iris():
    return Small(max_iter=20).fit(X, np.array(NAMES)[y])


@pytest.fixture(scope="module")
def deep():
    return BackpropClassifier((8, 8), "tanh", max_iter=20, random_state=0).fit(X, y)


@pytest.fixture(scope="module")
def wide():
    rng = np.random.default_rng(0)
    return BackpropClassifier((25,), max_iter=3, random_state=0).fit(
        rng.random((50, 64)), np.arange(50) % 10
    )


def with_weights(model, Thetas):
    """Return a fitted model with other weights."""
    model.coefs_, model.intercepts_ = weights.split(Thetas)
    return model


def thetas(model):
    """Return Θ^(l) of a model, put together by hand."""
    return [
        np.hstack([b[:, np.newaxis], coef.T])
        for coef, b in zip(model.coefs_, model.intercepts_, strict=True)
    ]


def texts(drawn):
    return [text.get_text() for text in drawn]


def number(text):
    """Read a number as it is drawn."""
    return Decimal(text.removeprefix("δ = ").replace("−", "-"))


def assert_written(text, value):
    """Hold a drawn number to be the value, rounded in its last digit."""
    written = number(text)
    half_a_unit = Decimal(5).scaleb(written.as_tuple().exponent - 1)
    assert abs(written - Decimal(float(value))) <= half_a_unit * Decimal("1.000001")


def as_drawn(figure):
    """Lay a figure out, and return what measures texts in it."""
    figure.draw_without_rendering()
    return figure.canvas.get_renderer()


# The weights


@pytest.mark.parametrize("sizes", [(), (5,), (8, 8)])
def test_each_weight_is_a_link_of_its_colour_and_width(sizes):
    model = BackpropClassifier(sizes, max_iter=5, random_state=0).fit(X, y)
    display = NetworkDisplay.from_estimator(model)
    Thetas = thetas(model)
    assert sorted(display.shown_links) == [
        (layer, j, i)
        for layer, Theta in enumerate(Thetas, start=1)
        for j, i in np.ndindex(Theta.shape)
        for j in [j + 1]
    ]
    values = np.array([Thetas[layer - 1][j - 1, i] for layer, j, i in display.shown_links])
    assert_array_equal(display.links_.get_array(), values)
    largest = np.abs(values).max()
    assert_allclose(display.links_.get_linewidth(), 0.4 + 2.6 * np.abs(values) / largest)
    display.figure_.draw_without_rendering()
    assert_allclose(
        display.links_.get_color(), mpl.colormaps["coolwarm"](0.5 + values / (2 * largest))
    )


def test_the_strongest_links_are_on_top(iris):
    values = np.abs(NetworkDisplay.from_estimator(iris).links_.get_array())
    assert (np.diff(values) >= 0).all()


def test_links_join_the_middles_of_their_units(deep):
    display = NetworkDisplay.from_estimator(deep)
    # the units of each layer from the top, the bias unit first, except in the last layer
    names = [(1, i) for i in range(5)] + [(2, i) for i in range(9)] + [(3, i) for i in range(9)]
    names += [(4, i) for i in range(1, 4)]
    where = dict(zip(names, display.units_.get_offsets(), strict=True))
    for (layer, j, i), path in zip(display.shown_links, display.links_.get_paths(), strict=True):
        assert_allclose(path.vertices, [where[layer, i], where[layer + 1, j]])


def test_layers_stand_from_left_to_right_and_units_from_top_to_bottom(deep):
    display = NetworkDisplay.from_estimator(deep)
    offsets = np.asarray(display.units_.get_offsets())
    columns = [offsets[offsets[:, 0] == x] for x in range(4)]
    assert [len(column) for column in columns] == [5, 9, 9, 3]
    for column in columns:
        assert_allclose(np.diff(column[:, 1]), -1)
        assert_allclose(column[:, 1].mean(), 0, atol=1e-12)
    assert texts(display.headings_) == [
        "Layer 1\n4 units",
        "Layer 2\n8 units",
        "Layer 3\n8 units",
        "Layer 4\n3 units",
    ]
    assert [text.get_position()[0] for text in display.headings_] == [0, 1, 2, 3]


def test_all_layers_but_the_last_have_a_bias_unit(deep):
    display = NetworkDisplay.from_estimator(deep)
    assert {unit: text.get_text() for unit, text in display.unit_texts_.items()} == {
        (1, 0): "+1",
        (2, 0): "+1",
        (3, 0): "+1",
    }


def test_a_layer_of_one_unit_is_named_in_the_singular():
    model = Small(hidden_layer_sizes=(1,), max_iter=2).fit(*PROBLEMS["binary"])
    headings = texts(NetworkDisplay.from_estimator(model).headings_)
    assert headings == ["Layer 1\n4 units", "Layer 2\n1 unit", "Layer 3\n1 unit"]


def test_weights_are_written_where_links_are_few(iris):
    small = Small(hidden_layer_sizes=(2,), max_iter=5).fit(SUM_X, SUM_Y)
    display = NetworkDisplay.from_estimator(small)
    Thetas = thetas(small)
    assert display.link_texts_.keys() == set(display.shown_links)
    assert len(display.link_texts_) == 15
    for (layer, j, i), text in display.link_texts_.items():
        assert_written(text.get_text(), Thetas[layer - 1][j - 1, i])
    assert NetworkDisplay.from_estimator(iris).link_texts_ == {}


@pytest.mark.parametrize("color", ["white", "black"])
def test_what_is_written_on_links_has_a_halo_of_the_background(color):
    small = Small(hidden_layer_sizes=(2,), max_iter=5).fit(SUM_X, SUM_Y)
    figure = Figure(facecolor=color)
    for ax in (figure.add_subplot(2, 1, 1), figure.subfigures(2, 1)[1].subplots()):
        for text in NetworkDisplay.from_estimator(small, ax=ax).link_texts_.values():
            [halo] = text.get_path_effects()
            assert same_color(halo._gc["foreground"], color)


def test_weights_are_not_written_where_there_is_no_room():
    small = Small(hidden_layer_sizes=(2,), max_iter=5).fit(SUM_X, SUM_Y)
    narrow = Figure((1.5, 4)).subplots()
    assert NetworkDisplay.from_estimator(small, ax=narrow).link_texts_ == {}


def test_weights_of_nothing_but_zeros_are_drawn(iris):
    zeros = [np.zeros(Theta.shape) for Theta in thetas(iris)]
    display = NetworkDisplay(zeros, feature_names="abcd", output_names=NAMES).plot()
    display.figure_.draw_without_rendering()
    assert_array_equal(display.links_.get_array(), 0)
    assert display.links_.get_clim() == (-1, 1)


def test_the_colour_bar_says_what_colour_and_width_mean(iris):
    for display, name in [
        (NetworkDisplay.from_estimator(iris), r"weight $\Theta$ (width: $|\Theta|$)"),
        (
            NetworkDisplay.from_sample(iris, X[0], "setosa"),
            r"gradient $\partial J / \partial \Theta$ (width: $|\partial J / \partial \Theta|$)",
        ),
    ]:
        assert display.colorbar_.ax.get_ylabel() == name
        assert display.colorbar_.mappable is display.links_
        assert display.colorbar_.vmin == -display.colorbar_.vmax


def test_an_mlpclassifier_is_drawn_too():
    model = MLPClassifier((5,), max_iter=2, random_state=0).fit(X, y)
    display = NetworkDisplay.from_estimator(model)
    for Theta, expected in zip(display.Thetas, thetas(model), strict=True):
        assert_array_equal(Theta, expected)


# Names


def test_names_are_those_of_the_features_and_classes(iris):
    display = NetworkDisplay.from_estimator(iris, FEATURES)
    assert texts(display.feature_texts_) == FEATURES
    assert texts(display.output_texts_) == NAMES
    offsets = np.asarray(display.units_.get_offsets())
    assert_allclose([text.xy for text in display.feature_texts_], offsets[1:5])
    assert_allclose([text.xy for text in display.output_texts_], offsets[-3:])


def test_features_without_names_are_numbered_as_in_the_lecture(wide):
    display = NetworkDisplay.from_estimator(wide)
    assert display.feature_names[0] == "x₁"
    assert display.feature_names[63] == "x₆₄"


@pytest.mark.parametrize(
    "before",
    [
        [],
        [StandardScaler()],
        [StandardScaler().set_output(transform="pandas")],
    ],
)
def test_names_of_a_data_frame_are_known(before):
    model = make_pipeline(*before, Small(max_iter=2)).fit(FRAME, y)
    assert NetworkDisplay.from_estimator(model).feature_names == FEATURES


def test_names_of_a_data_frame_are_known_to_the_network_alone():
    assert NetworkDisplay.from_estimator(Small(max_iter=2).fit(FRAME, y)).feature_names == FEATURES


def test_a_vectorizer_names_its_words():
    model = make_pipeline(CountVectorizer(), Small(max_iter=2))
    model.fit(["good film", "bad film", "good", "bad"], [1, 0, 1, 0])
    assert NetworkDisplay.from_estimator(model).feature_names == ["bad", "film", "good"]


@pytest.mark.parametrize("step", [StandardScaler(), FunctionTransformer()])
def test_steps_that_know_no_names_leave_numbers(step):
    model = make_pipeline(step, Small(max_iter=2)).fit(X, y)
    assert NetworkDisplay.from_estimator(model).feature_names == ["x₁", "x₂", "x₃", "x₄"]


def test_the_best_model_of_a_search_is_drawn():
    search = GridSearchCV(
        make_pipeline(StandardScaler(), Small(max_iter=5)),
        {"backpropclassifier__hidden_layer_sizes": [(3,)]},
        cv=2,
    ).fit(FRAME, y)
    display = NetworkDisplay.from_estimator(search)
    assert display.Thetas[0].shape == (3, 5)
    assert display.feature_names == FEATURES
    display = NetworkDisplay.from_sample(search, FRAME.iloc[[7]], y[7])
    assert_allclose(display.activations[0], X[7])


def test_the_only_unit_of_two_classes_is_named_after_the_second():
    X, y = PROBLEMS["binary"]
    model = Small(max_iter=2).fit(X, np.array(NAMES)[y])
    assert texts(NetworkDisplay.from_estimator(model).output_texts_) == ["virginica"]


def test_dollars_in_names_are_no_formulas(iris):
    names = ["$ in $", "$", "\\$x$", "$\\frac{$"]
    display = NetworkDisplay.from_estimator(iris, names)
    display.figure_.canvas.draw()
    assert texts(display.feature_texts_) == names


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("sepal length in cm", "sepal length in cm"),
        ("sepal length, in centimetres", "sepal length, in\ncentimetres"),
        ("the\nlength", "the length"),
        ("categories__kind_of_the_leaf", "categories__kind_\nof_the_leaf"),
        ("a very long name, longer than two lines, 7", "a very long name,\n…r than two lines, 7"),
        (50 * "x" + "y", 20 * "x" + "\n…" + 18 * "x" + "y"),
    ],
)
def test_long_names_are_broken_into_two_lines(iris, name, lines):
    names = ["a", name, "c", "d"]
    display = NetworkDisplay.from_estimator(iris, names)
    assert display.feature_names == names
    assert texts(display.feature_texts_) == ["a", lines, "c", "d"]


def test_names_of_two_lines_do_not_overlap(wide):
    names = [f"a very long name of pixel number {i}" for i in range(64)]
    display = NetworkDisplay.from_estimator(wide, names)
    renderer = as_drawn(display.figure_)
    assert all("\n" in text for text in texts(display.feature_texts_))
    boxes = [text.get_window_extent(renderer) for text in display.feature_texts_]
    assert all(below.y1 < above.y0 for above, below in pairwise(boxes))
    assert_readable(display)


# Large layers


def lengths_of_weights(Thetas):
    """Return the norm of the weights to and from each unit by a loop over them, by (l, j)."""
    squares = {}
    for layer, Theta in enumerate(Thetas, start=1):
        for j, i in np.ndindex(Theta.shape):
            if i > 0:
                for unit in [(layer, i), (layer + 1, j + 1)]:
                    squares[unit] = squares.get(unit, 0) + Theta[j, i] ** 2
    return {unit: np.sqrt(square) for unit, square in squares.items()}


def largest(lengths, layer, n):
    """Return the numbers of the units of a layer with the largest weights, in their order."""
    units = sorted((unit for unit in lengths if unit[0] == layer), key=lengths.get)
    return sorted(j for _, j in units[-n:])


@pytest.mark.parametrize("max_units", [3, 4, 12])
def test_a_large_layer_shows_the_units_with_the_largest_weights(wide, max_units):
    display = NetworkDisplay.from_estimator(wide, max_units=max_units)
    numbers = [layer.numbers.tolist() for layer in display.layers]
    lengths = lengths_of_weights(thetas(wide))
    assert numbers == [
        [0, *largest(lengths, 1, max_units)],
        [0, *largest(lengths, 2, max_units)],
        largest(lengths, 3, max_units),
    ]
    left_out = [n - max_units for n in (64, 25, 10) if n > max_units]
    assert texts(display.ellipses_) == [f"… {n} more" for n in left_out]
    rows = [layer.y for layer in display.layers]
    assert [text.get_position() for text in display.ellipses_] == [
        (layer, rows[layer][-1] - 1) for layer in range(len(left_out))
    ]
    assert set(display.shown_links) == {
        (layer, j, i)
        for layer, (of_i, of_j) in enumerate(pairwise(numbers), start=1)
        for i in of_i
        for j in of_j
        if j > 0
    }
    Theta = thetas(wide)
    assert_array_equal(
        display.links_.get_array(),
        [Theta[link[0] - 1][link[1] - 1, link[2]] for link in display.shown_links],
    )
    assert texts(display.feature_texts_) == [display.feature_names[i - 1] for i in numbers[0][1:]]


def test_a_unit_of_large_weights_is_shown_wherever_it_is():
    Thetas = [np.zeros((20, 31)), np.zeros((1, 21))]
    Thetas[0][11, 16] = 1  # from unit 16 to unit 12
    Thetas[1][0, 18] = -2  # from unit 18
    Thetas[0][:, 0] = 9  # the weights of the bias unit do not count
    Thetas[0][3, 0] = 99
    names = [f"x{i}" for i in range(1, 31)]
    display = NetworkDisplay(Thetas, feature_names=names, output_names="y", max_units=3)
    assert [layer.numbers.tolist() for layer in display.layers] == [
        [0, 1, 2, 16],
        [0, 1, 12, 18],
        [1],
    ]


def test_a_sample_is_shown_in_the_same_units_as_the_weights(wide):
    x = np.linspace(-1, 1, 64)
    assert_array_equal(
        np.concatenate([each.numbers for each in NetworkDisplay.from_estimator(wide).layers]),
        np.concatenate([each.numbers for each in NetworkDisplay.from_sample(wide, x, 3).layers]),
    )


# One example


def of_the_lecture(model, x, target):
    """Return a^(l), δ^(l), ∂J/∂Θ^(l) and J by the loop of the slides."""
    hidden = model.activation
    g, g_prime = activations_of_layers(hidden, len(model.coefs_) + 1)
    h, jacobian = OUTPUT_ACTIVATIONS[model.out_activation_]
    _, cost_prime = COSTS[model.out_activation_, model.loss]
    Theta = dict(enumerate(thetas(model), start=1))
    L = len(Theta) + 1
    z, a = forward_propagation(Theta, x, g, h)
    delta = back_propagation(Theta, z, g_prime, cost_prime(a[L], target) @ jacobian(a[L]))
    J, D = gradient_computation(
        thetas(model), [x], [target], hidden, model.out_activation_, model.loss
    )
    return (
        [*(a[layer][1:] for layer in range(1, L)), a[L]],
        [delta[layer] for layer in range(2, L + 1)],
        D,
        J,
    )


def assert_as_in_the_lecture(display, model, x, target, rtol=1e-9):
    a, delta, D, J = of_the_lecture(model, x, target)
    for drawn, expected in [(display.activations, a), (display.deltas, delta)]:
        assert [len(each) for each in drawn] == [len(each) for each in expected]
    for drawn, expected in zip(
        [*display.activations, *display.deltas, *display.gradients, display.loss],
        [*a, *delta, *D, J],
        strict=True,
    ):
        assert_allclose(drawn, expected, rtol=rtol, atol=rtol * 1e-3)
    assert_drawn(display, a, delta, D, rtol)


def assert_drawn(display, a, delta, D, rtol):
    """Hold the texts and the links to show these activations, errors and gradients."""
    for (layer, j), text in display.unit_texts_.items():
        if j == 0:
            assert text.get_text() == "+1"
        else:
            assert_written(text.get_text(), display.activations[layer - 1][j - 1])
    for (layer, j), text in display.delta_texts_.items():
        assert_written(text.get_text(), display.deltas[layer - 2][j - 1])
    assert len(display.unit_texts_) == sum(map(len, a)) + len(a) - 1
    assert len(display.delta_texts_) == sum(map(len, delta))
    assert_allclose(
        display.links_.get_array(),
        [D[layer - 1][j - 1, i] for layer, j, i in display.shown_links],
        rtol=rtol,
        atol=rtol * 1e-3,
    )


def one_hot(model, label):
    """Return y by hand, as the lecture has it."""
    if len(model.classes_) == 2:
        return np.array([float(label == model.classes_[1])])
    return (model.classes_ == label).astype(float)


@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
@pytest.mark.parametrize("output_activation", ["logistic", "softmax"])
@pytest.mark.parametrize("hidden", [(), (5,), (4, 3)])
def test_an_example_passes_as_in_the_lecture(hidden, output_activation, loss):
    model = BackpropClassifier(
        hidden,
        "tanh",
        output_activation=output_activation,
        loss=loss,
        max_iter=5,
        random_state=0,
    ).fit(X, y)
    display = NetworkDisplay.from_sample(model, X[77], y[77])
    assert_as_in_the_lecture(display, model, X[77], one_hot(model, y[77]))


@pytest.mark.parametrize("activation", ["logistic", "relu", ["relu", "selu"]])
def test_every_hidden_layer_has_its_activation(activation):
    model = BackpropClassifier((4, 3), activation, max_iter=5, random_state=0).fit(X, y)
    display = NetworkDisplay.from_sample(model, X[60], y[60])
    assert_as_in_the_lecture(display, model, X[60], one_hot(model, y[60]))


@every_problem
def test_the_output_units_have_y_beside_them(problem):
    X, y = PROBLEMS[problem]
    model = Small(max_iter=5).fit(X, y)
    display = NetworkDisplay.from_sample(model, X[3], y[3])
    target = y[3].astype(float) if problem == "multilabel" else one_hot(model, y[3])
    assert_as_in_the_lecture(display, model, X[3], target)
    names = {"binary": [2], "multiclass": [0, 1, 2], "multilabel": [0, 1, 2, 3]}[problem]
    assert texts(display.output_texts_) == [
        f"{name}\ny = {of_unit:.0f}" for name, of_unit in zip(names, target, strict=True)
    ]


def test_a_pass_computed_by_hand():
    model = Small(hidden_layer_sizes=(2,), max_iter=2).fit(SUM_X, SUM_Y)
    # z^(2) = (0, ln 3) and a^(2) = (1/2, 3/4); z^(3) = (0, ln 3, −ln 3) and a^(3) = (1/2, 3/4, 1/4)
    log3 = np.log(3)
    Thetas = [
        np.array([[0.0, 1.0, 0.0], [0.0, 0.0, log3]]),
        np.array([[-0.5, 1.0, 0.0], [log3, 0.0, 0.0], [-log3, 0.0, 0.0]]),
    ]
    display = NetworkDisplay.from_sample(with_weights(model, Thetas), [0, 1], 1)
    assert {unit: text.get_text() for unit, text in display.unit_texts_.items()} == {
        (1, 0): "+1",
        (1, 1): "0",
        (1, 2): "1",
        (2, 0): "+1",
        (2, 1): "0.50",
        (2, 2): "0.75",
        (3, 1): "0.50",
        (3, 2): "0.75",
        (3, 3): "0.25",
    }
    # δ^(3) = a − y = (1/2, −1/4, 1/4); δ^(2) = (1 · 1/2, 0) .* (1/4, 3/16)
    assert {unit: text.get_text() for unit, text in display.delta_texts_.items()} == {
        (2, 1): "δ = 0.12",
        (2, 2): "δ = 0",
        (3, 1): "δ = 0.50",
        (3, 2): "δ = −0.25",
        (3, 3): "δ = 0.25",
    }
    assert display.link_texts_[1, 1, 0].get_text() == "0.12"
    assert display.link_texts_[1, 1, 1].get_text() == "0"
    assert display.link_texts_[2, 2, 0].get_text() == "−0.25"
    assert display.link_texts_[2, 2, 2].get_text() == "−0.19"
    # −ln ½ − ln ¾ − ln ¾
    assert display.ax_.get_title() == "y = 1, loss = 1.27"
    assert texts(display.headings_) == [
        "Layer 1\n$a^{(1)} = x$",
        "Layer 2\n$a^{(2)}$",
        "Layer 3\n$a^{(3)} = h_\\Theta(x)$",
    ]


def test_units_are_filled_by_their_activation():
    model = BackpropClassifier((3,), "tanh", max_iter=5, random_state=0).fit(X, y)
    display = NetworkDisplay.from_sample(model, X[77] * 2, y[77])
    scale = [max(1, np.abs(a).max()) for a in display.activations]
    colours = dict(zip(_units(display), display.units_.get_facecolor(), strict=True))
    for (layer, j), colour in colours.items():
        if j == 0:
            assert_allclose(colour, mpl.colors.to_rgba("#dedede"))
        else:
            a = display.activations[layer - 1][j - 1] / scale[layer - 1]
            assert_allclose(colour, mpl.colormaps["PRGn"](0.5 + 0.4 * a))
    assert scale[0] > 1
    assert scale[2] == 1


def _units(display):
    return [
        (number, j)
        for number, layer in enumerate(display.layers, start=1)
        for j in layer.numbers.tolist()
    ]


def test_numbers_are_light_on_dark_units_and_dark_on_light_ones():
    model = Small(hidden_layer_sizes=(2,), max_iter=2).fit(SUM_X, SUM_Y)
    display = NetworkDisplay.from_sample(model, [0, 1], 1)
    assert display.unit_texts_[1, 1].get_color() == "#222222"
    assert display.unit_texts_[1, 2].get_color() == "white"


def test_a_folded_network_shows_the_example_in_the_units_that_are_left(wide):
    x = np.linspace(-1, 1, 64)
    display = NetworkDisplay.from_sample(wide, x, 3, max_units=4)
    lengths = lengths_of_weights(thetas(wide))
    assert display.delta_texts_.keys() == {
        (layer, j) for layer in (2, 3) for j in largest(lengths, layer, 4)
    }
    a, delta, _, _ = of_the_lecture(wide, x, one_hot(wide, 3))
    for layer in (1, 2, 3):
        for j in largest(lengths, layer, 4):
            assert_written(display.unit_texts_[layer, j].get_text(), a[layer - 1][j - 1])
    for (layer, j), text in display.delta_texts_.items():
        assert_written(text.get_text(), delta[layer - 2][j - 1])


def test_a_pipeline_transforms_the_example():
    raw, _ = load_iris(return_X_y=True)
    model = make_pipeline(StandardScaler(), Small(max_iter=5)).fit(raw, y)
    display = NetworkDisplay.from_sample(model, raw[99], y[99])
    assert_as_in_the_lecture(display, model[-1], X[99], one_hot(model[-1], y[99]))


def test_a_pipeline_of_the_network_alone_gets_the_example_as_it_is():
    model = make_pipeline(Small(max_iter=5)).fit(X, y)
    assert_array_equal(NetworkDisplay.from_sample(model, X[1], y[1]).activations[0], X[1])


@pytest.mark.parametrize("row", [lambda: FRAME.iloc[[5]], lambda: FRAME.iloc[5]])
def test_a_row_of_a_data_frame_is_an_example(row):
    model = make_pipeline(StandardScaler(), Small(max_iter=5)).fit(FRAME, y)
    assert_allclose(NetworkDisplay.from_sample(model, row(), y[5]).activations[0], X[5])


def test_a_row_of_mixed_columns_keeps_their_kinds():
    table = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0], "kind": list("abab")})
    kinds = FunctionTransformer(lambda table: table.assign(kind=(table["kind"] == "b") * 1.0))
    model = make_pipeline(kinds, Small(max_iter=2)).fit(table, [0, 1, 0, 1])
    assert_array_equal(NetworkDisplay.from_sample(model, table.iloc[3], 1).activations[0], [4, 1])


@pytest.mark.parametrize(
    "x",
    [
        X[[77]],
        X[77].tolist(),
        [X[77].tolist()],
        sparse.csr_array(X[[77]]),
        sparse.csr_matrix(X[[77]]),
        sparse.coo_array(X[77]),
    ],
)
def test_an_example_comes_in_many_forms(iris, x):
    display = NetworkDisplay.from_sample(iris, x, "versicolor")
    assert_as_in_the_lecture(display, iris, X[77], np.array([0.0, 1.0, 0.0]))


def test_a_text_is_an_example():
    model = make_pipeline(CountVectorizer(), Small(max_iter=2))
    model.fit(["good film", "bad film", "good", "bad"], ["+", "-", "+", "-"])
    display = NetworkDisplay.from_sample(model, "a bad, bad film", "-")
    assert_array_equal(display.activations[0], [2, 1, 0])
    assert_as_in_the_lecture(display, model[-1], [2, 1, 0], one_hot(model[-1], "-"))


def test_a_network_that_learned_from_a_sparse_matrix_is_drawn():
    model = Small(max_iter=5).fit(sparse.csr_array(X), y)
    display = NetworkDisplay.from_sample(model, sparse.csr_array(X)[[7]], y[7])
    assert_as_in_the_lecture(display, model, X[7], one_hot(model, y[7]))


def test_a_float32_network_stays_float32():
    model = Small(max_iter=5).fit(X.astype(np.float32), y)
    display = NetworkDisplay.from_sample(model, X[7].astype(np.float32), y[7])
    for array in [*display.activations, *display.deltas, *display.gradients]:
        assert array.dtype == np.float32
    assert_as_in_the_lecture(
        display, model, X[7].astype(np.float32).astype(float), one_hot(model, y[7]), rtol=1e-5
    )


@pytest.mark.parametrize("problem", list(PROBLEMS))
def test_an_example_passes_an_mlpclassifier(problem):
    X, y = PROBLEMS[problem]
    model = MLPClassifier((5,), "tanh", max_iter=3, random_state=0).fit(X, y)
    display = NetworkDisplay.from_sample(model, X[3], y[3])
    target = y[3].astype(float) if problem == "multilabel" else one_hot(model, y[3])
    assert_as_in_the_lecture(display, model, X[3], target)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, lambda Y: Y.tolist()])
def test_labels_come_in_many_forms(form):
    X, Y = PROBLEMS["multilabel"]
    model = Small(max_iter=2).fit(X, Y)
    display = NetworkDisplay.from_sample(model, X[3], form(Y[[3]]))
    assert display.ax_.get_title().startswith(f"y = {Y[3].tolist()}, loss = ")


def test_the_label_may_be_a_slice_of_labels(iris):
    display = NetworkDisplay.from_sample(iris, X[:1], np.array(["setosa"]))
    assert display.ax_.get_title().startswith("y = setosa, loss = ")


# Errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": X[:2]}, r"x must be one example of 4 features. Got .* \(2, 4\)"),
        ({"x": X[0, :3]}, r"x must be one example of 4 features. Got .* \(3,\)"),
        ({"x": X[:0]}, r"x must be one example of 4 features. Got .* \(0, 4\)"),
        ({"x": X[0].reshape(1, 1, 4)}, r"x must be one example of 4 features. Got .* \(1, 1, 4\)"),
        ({"x": 3.0}, r"x must be one example of 4 features. Got .* \(\)"),
        ({"y": "tulip"}, r"y has the classes \['tulip'\], .* \['setosa', 'versicolor'"),
        ({"y": 1}, r"y has the classes \[1\]"),
        ({"y": ["setosa", "virginica"]}, r"y must be one label. Got \['setosa', 'virginica'\]"),
        ({"feature_names": ["a", "b"]}, r"feature_names must hold 4 names. Got 2 .*'a', 'b'"),
        ({"max_units": 2}, r"max_units must be an integer of at least 3. Got 2"),
        ({"max_units": 3.5}, r"max_units must be an integer of at least 3. Got 3.5"),
        ({"max_units": None}, r"max_units must be an integer of at least 3. Got None"),
    ],
)
@pytest.mark.parametrize("before", [[], [StandardScaler()]])
def test_an_error_names_what_is_wrong(before, arguments, message):
    model = make_pipeline(*before, Small(max_iter=2)).fit(X, np.array(NAMES)[y])
    with pytest.raises(ValueError, match=message):
        NetworkDisplay.from_sample(model, **{"x": X[0], "y": "setosa"} | arguments)
    drawn = {name: value for name, value in arguments.items() if name not in "xy"}
    if drawn:
        with pytest.raises(ValueError, match=message):
            NetworkDisplay.from_estimator(model, **drawn)
    assert plt.get_fignums() == []


@pytest.mark.parametrize("labels", [[0, 1], [0, 1, 1, 0, 1], 1, [0, 1, 2, 0], list("abcd")])
def test_an_error_says_what_labels_there_must_be(labels):
    X, Y = PROBLEMS["multilabel"]
    model = Small(max_iter=2).fit(X, Y)
    with pytest.raises(ValueError, match=r"y must be the 4 labels of one example, 0 or 1\. Got"):
        NetworkDisplay.from_sample(model, X[0], labels)


def test_a_network_must_be_fitted():
    with pytest.raises(NotFittedError):
        NetworkDisplay.from_estimator(Small())
    with pytest.raises(NotFittedError):
        NetworkDisplay.from_sample(Small(), X[0], 0)


# Matplotlib


def test_a_display_draws_in_the_axes_it_is_given(iris):
    figure, axs = plt.subplots(2, 2)
    before = [ax.get_children() for ax in axs.flat]
    display = NetworkDisplay.from_sample(iris, X[0], "setosa", ax=axs[0, 1])
    assert display.ax_ is axs[0, 1]
    assert display.figure_ is figure
    for ax, children in list(zip(axs.flat, before, strict=True)):
        assert (ax.get_children() == children) == (ax is not axs[0, 1])
    assert figure.axes == [*axs.flat, display.colorbar_.ax]


def test_no_global_style_and_no_state_of_pyplot_changes(iris):
    before = mpl.rcParams.copy()
    ax = Figure().subplots()
    display = NetworkDisplay.from_sample(iris, X[0], "setosa", ax=ax)
    assert display.figure_ is ax.figure
    assert NetworkDisplay.from_estimator(iris, ax=ax).plot(ax).ax_ is ax
    assert mpl.rcParams == before
    assert plt.get_fignums() == []


def test_a_display_draws_in_a_subfigure(iris):
    figure = Figure(layout="constrained")
    left, _ = figure.subfigures(1, 2)
    display = NetworkDisplay.from_sample(iris, X[0], "setosa", ax=left.subplots())
    figure.draw_without_rendering()
    assert display.figure_ is left


def test_a_display_is_drawn_again(iris):
    display = NetworkDisplay.from_sample(iris, X[0], "setosa")
    first, drawn = display.ax_, texts(display.unit_texts_.values())
    assert display.plot() is display
    assert display.ax_ is not first
    assert texts(display.unit_texts_.values()) == drawn


def test_the_title_of_the_axes_is_left_where_there_is_none(iris):
    ax = Figure().subplots()
    ax.set_title("mine")
    NetworkDisplay.from_estimator(iris, ax=ax)
    assert ax.get_title() == "mine"


@pytest.mark.parametrize("width", [{"linewidths": 2}, {"linewidth": 2}, {"lw": 2}])
def test_links_take_properties_of_a_collection(iris, width):
    display = NetworkDisplay.from_estimator(iris, cmap="PuOr", alpha=0.5, **width)
    assert display.links_.get_cmap().name == "PuOr"
    assert display.colorbar_.cmap.name == "PuOr"
    assert_array_equal(display.links_.get_linewidth(), 2)
    assert display.links_.get_alpha() == 0.5


# The picture as a whole: what is measured here is only what must not overlap, or be cut off


def all_texts(display):
    return [
        *display.unit_texts_.values(),
        *display.delta_texts_.values(),
        *display.link_texts_.values(),
        *display.feature_texts_,
        *display.output_texts_,
        *display.headings_,
        *display.ellipses_,
    ]


def discs(display):
    """Return the middle and the radius of each unit, in pixels."""
    middles = display.ax_.transData.transform(display.units_.get_offsets())
    dpi = display.ax_.get_figure(root=True).dpi
    return middles, display.units_.get_widths()[0] / 2 * dpi / 72


def assert_readable(display):
    renderer = display.ax_.get_figure(root=True).canvas.get_renderer()
    box = display.ax_.get_window_extent(renderer).padded(3)
    middles, radius = discs(display)
    apart = np.linalg.norm(middles[:, np.newaxis] - middles, axis=2)
    np.fill_diagonal(apart, np.inf)
    assert apart.min() > 2 * radius
    assert (middles - radius >= box.min).all()
    assert (middles + radius <= box.max).all()
    for text in all_texts(display):
        extent = text.get_window_extent(renderer)
        assert box.containsx(extent.x0), text
        assert box.containsx(extent.x1), text
        assert box.containsy(extent.y0), text
        assert box.containsy(extent.y1), text
    for text in display.unit_texts_.values():
        assert text.get_window_extent(renderer).width < 2 * radius
    for text in [*display.feature_texts_, *display.output_texts_, *display.delta_texts_.values()]:
        extent = text.get_window_extent(renderer)
        nearest = np.clip(middles, extent.min, extent.max)
        assert np.linalg.norm(middles - nearest, axis=1).min() > radius - 1


@pytest.mark.parametrize("layout", ["constrained", None])
def test_a_grid_of_pictures_is_readable(iris, deep, layout):
    figure, axs = plt.subplots(2, 2, figsize=(12, 9), layout=layout)
    long = ["a very long name of a feature"] * 4
    displays = [
        NetworkDisplay.from_estimator(iris, long, ax=axs[0, 0]),
        NetworkDisplay.from_sample(iris, X[0], "setosa", feature_names=FEATURES, ax=axs[0, 1]),
        NetworkDisplay.from_estimator(deep, FEATURES, ax=axs[1, 0]),
        NetworkDisplay.from_sample(deep, X[0], 0, feature_names=long, ax=axs[1, 1]),
    ]
    figure.draw_without_rendering()
    for display in displays:
        assert_readable(display)


def test_pictures_of_their_own_are_readable(iris, deep, wide):
    small = Small(hidden_layer_sizes=(2,), max_iter=5).fit(SUM_X, SUM_Y)
    for display in [
        NetworkDisplay.from_estimator(iris, FEATURES),
        NetworkDisplay.from_sample(iris, X[0], "setosa", feature_names=FEATURES),
        NetworkDisplay.from_sample(deep, X[0], 0),
        NetworkDisplay.from_sample(wide, np.linspace(-1, 1, 64), 3),
        NetworkDisplay.from_estimator(small),
        NetworkDisplay.from_sample(small, [0, 1], 1),
    ]:
        display.figure_.draw_without_rendering()
        assert_readable(display)


# The layout


def equal_norms(sizes):
    """Return norms for which all units matter as much."""
    return [np.ones(size) for size in sizes]


sizes = st.lists(st.integers(1, 30), min_size=2, max_size=5)
max_units = st.integers(3, 15)


@settings(deadline=None)
@given(sizes, max_units)
def test_each_layer_shows_the_units_that_matter_most_in_their_order(sizes, max_units):
    norms = [np.random.default_rng(size).random(size) for size in sizes]
    layers = place(norms, max_units)
    for number, (layer, size) in enumerate(zip(layers, sizes, strict=True), start=1):
        has_bias = number < len(sizes)
        assert (layer.numbers[0] == 0) == has_bias
        shown = layer.numbers[layer.numbers > 0]
        assert len(shown) == min(size, max_units)
        assert layer.n_left_out == size - len(shown)
        assert (np.diff(shown) > 0).all()
        left_out = np.delete(norms[number - 1], shown - 1)
        assert (left_out < norms[number - 1][shown - 1].min()).all()
        assert_allclose(np.diff(layer.y), -1)


@settings(deadline=None)
@given(
    sizes,
    max_units,
    st.tuples(st.floats(80, 2000), st.floats(80, 2000)),
    st.tuples(st.floats(0, 200), st.floats(0, 200)),
    st.floats(0, 40),
)
def test_units_and_what_is_around_them_have_room_in_the_axes(
    sizes, max_units, size, sides, heading
):
    layers = place(equal_norms(sizes), max_units)
    fitted = frame(layers, size, sides, heading)
    lower, upper = np.transpose([fitted.xlim, fitted.ylim])
    positions = np.concatenate([layer.positions() for layer in layers])
    middles = (positions - lower) / (upper - lower) * size
    radius = fitted.diameter / 2
    assume(heading < size[1] / 2)
    apart = np.linalg.norm(middles[:, np.newaxis] - middles, axis=2)
    np.fill_diagonal(apart, np.inf)
    assert apart.min() > 2 * radius
    assert (middles - radius > 0).all()
    assert (middles + radius < size).all()
    assert middles[:, 1].max() + radius + heading <= size[1]
    if sum(sides) < 0.6 * size[0] - 60:  # else the links keep some room
        assert middles[:, 0].min() - radius >= sides[0]
        assert middles[:, 0].max() + radius <= size[0] - sides[1]


@settings(deadline=None)
@given(sizes, max_units)
def test_every_link_joins_two_shown_units(sizes, max_units):
    layers = place(equal_norms(sizes), max_units)
    drawn = links(layers)
    assert len(drawn) == sum(
        len(layer.numbers) * np.count_nonzero(following.numbers)
        for layer, following in pairwise(layers)
    )
    for (number, j, i), (start, end) in drawn.items():
        assert (
            start.tolist()
            in layers[number - 1].positions()[layers[number - 1].numbers == i].tolist()
        )
        assert end.tolist() in layers[number].positions()[layers[number].numbers == j].tolist()


@settings(deadline=None)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=4))
def test_texts_stand_on_their_links_and_off_the_units(sizes):
    lines = links(place(equal_norms(sizes), 12))
    for link, point in text_points(lines).items():
        start, end = lines[link]
        share = point[0] - start[0]
        assert 0.3 - 1e-12 <= share <= 0.7 + 1e-12
        assert_allclose(point, start + share * (end - start))


@pytest.mark.parametrize("sizes", [(1, 1), (2, 1), (2, 2, 1), (2, 2, 3), (3, 3, 1), (4, 3)])
def test_texts_on_links_keep_apart(sizes):
    points = np.array(list(text_points(links(place(equal_norms(sizes), 12))).values()))
    apart = (np.abs(points[:, np.newaxis] - points) / TEXT).max(axis=2)
    np.fill_diagonal(apart, np.inf)
    assert apart.min() >= 1


@settings(deadline=None)
@given(st.lists(st.integers(1, 6), min_size=2, max_size=4))
def test_the_norm_of_a_unit_is_that_of_its_weights(sizes):
    rng = np.random.default_rng(0)
    Thetas = [rng.normal(size=(n_outputs, n_inputs + 1)) for n_inputs, n_outputs in pairwise(sizes)]
    norms = weight_norms(Thetas)
    assert [len(each) for each in norms] == sizes
    for (layer, j), length in lengths_of_weights(Thetas).items():
        assert_allclose(norms[layer - 1][j - 1], length)


# Numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-3.0, "−3"),
        (9999.0, "9999"),
        (0.5, "0.50"),
        (-0.125, "−0.12"),
        (0.996, "1.00"),
        (0.0123, "0.012"),
        (0.00996, "1.0e−2"),
        (-0.00123, "−1.2e−3"),
        (1.5e-300, "1.5e−300"),
        (3.14159, "3.1"),
        (16.4, "16"),
        (1234.5, "1234"),
        (12345.0, "1.2e4"),
        (-2.5e10, "−2.5e10"),
        (np.float32(0.1), "0.10"),
    ],
)
def test_a_number_is_written_in_a_few_characters(value, text):
    assert short(value) == text


def test_a_number_is_written_with_more_digits():
    assert short(1.446, digits=3) == "1.45"
    assert short(0.0004321, digits=3) == "4.32e−4"


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_what_is_written_is_the_rounded_value(value):
    assert_written(short(value), value)
