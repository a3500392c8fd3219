"""skbp.plot.GradientCheckDisplay: its points are both gradients, held to the lecture's loop."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from fitting import IRIS, PROBLEMS, Small, every_problem
from lecture import gradient_computation
from matplotlib.colors import same_color
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state

from skbp.gradient_check import check_gradient
from skbp.network import Network
from skbp.objective import Objective
from skbp.plot import GradientCheckDisplay

network = Network((3, 4, 2), "tanh")
theta = network.initialize(0)
generator = np.random.default_rng(0)
X_0, Y_0 = generator.normal(size=(8, 3)), np.eye(2)[generator.integers(2, size=8)]
objective = Objective(network, X_0, Y_0, alpha=0.5)
OF_LAYER_1, OF_LAYER_2 = slice(0, 4 * 4), slice(4 * 4, 4 * 4 + 2 * 5)


class WrongInLayer2:
    """A cost whose gradient of Θ^(2) was not divided by m."""

    network = network

    def __call__(self, theta):
        J, D = objective(theta)
        network.unpack(D)[1][:] *= objective.m
        return J, D


def lecture_gradient(model, X, Y, sample_weight=None):
    """Return D of a fitted model, by the loop of the slides."""
    Thetas = [
        np.column_stack([intercept, coef.T])
        for coef, intercept in zip(model.coefs_, model.intercepts_, strict=True)
    ]
    _, D = gradient_computation(
        Thetas,
        X,
        Y,
        model.activation,
        model.out_activation_,
        model.loss,
        model.alpha,
        sample_weight,
    )
    return np.concatenate([D_l.ravel() for D_l in D])


# From an objective


def test_both_gradients_are_kept():
    display = GradientCheckDisplay.from_objective(objective, theta)
    _, D = gradient_computation(
        network.unpack(theta), X_0, Y_0, "tanh", "logistic", "log_loss", 0.5
    )
    assert_allclose(display.analytic, np.concatenate([D_l.ravel() for D_l in D]), atol=1e-12)
    expected = approx_fprime(theta, lambda theta: objective(theta)[0])
    assert_allclose(display.numerical, expected, atol=1e-6)


@pytest.mark.parametrize("cost", [objective, WrongInLayer2()])
def test_relative_error_is_that_of_check_gradient(cost):
    display = GradientCheckDisplay.from_objective(cost, theta)
    assert display.relative_error == check_gradient(cost, theta)


def test_gradients_of_zero_agree():
    assert GradientCheckDisplay(analytic=[0.0], numerical=[0.0]).relative_error == 0


def test_epsilon_is_the_step():
    def cubic(theta):
        return theta[0] ** 3, 3 * theta**2

    display = GradientCheckDisplay.from_objective(cubic, np.array([1.0]), 0.1)
    assert_allclose(display.numerical, [3 + 0.1**2])


def test_theta_is_not_changed():
    before = theta.copy()
    GradientCheckDisplay.from_objective(objective, theta)
    assert_array_equal(theta, before)


# What is drawn


def test_each_weight_is_a_point_in_the_colour_of_its_layer():
    display = GradientCheckDisplay.from_objective(objective, theta)
    for points, rows in zip(display.points_, [OF_LAYER_1, OF_LAYER_2], strict=True):
        expected = np.column_stack([display.numerical[rows], display.analytic[rows]])
        assert_array_equal(points.get_offsets(), expected)
    first, second = (points.get_facecolor()[0, :3] for points in display.points_)
    assert same_color(first, "#0072B2")
    assert same_color(second, "#E69F00")
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == [r"$\Theta^{(1)}$", r"$\Theta^{(2)}$"]


def test_a_right_gradient_is_on_the_diagonal():
    display = GradientCheckDisplay.from_objective(objective, theta)
    for points in display.points_:
        numerical, analytic = points.get_offsets().T
        assert_allclose(numerical, analytic, atol=1e-8)


def test_a_wrong_layer_is_off_the_diagonal():
    _, layer_2 = GradientCheckDisplay.from_objective(WrongInLayer2(), theta).points_
    numerical, analytic = layer_2.get_offsets().T
    assert_allclose(analytic, 8 * numerical, atol=1e-6)


def test_the_diagonal_goes_as_far_as_the_points():
    display = GradientCheckDisplay(analytic=[-1.0, 2.0], numerical=[-3.0, 1.0]).plot()
    assert_array_equal(display.diagonal_.get_xydata(), [[-3, -3], [2, 2]])


def test_the_relative_error_is_written_above():
    display = GradientCheckDisplay.from_objective(lambda t: (t @ t, 4 * t), np.ones(3))
    assert display.ax_.get_title() == "relative error 3.3e-01"


def test_the_axes_say_which_gradient_is_which():
    ax = GradientCheckDisplay.from_objective(objective, theta).ax_
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("numerical ∂J/∂Θ", "analytic ∂J/∂Θ")


def test_any_cost_will_do():
    display = GradientCheckDisplay.from_objective(lambda t: (t @ t, 2 * t), np.arange(3.0))
    assert display.layers is None
    [points] = display.points_
    assert_allclose(points.get_offsets(), [[0, 0], [2, 2], [4, 4]], atol=1e-8)
    assert display.ax_.get_legend() is None


@pytest.mark.parametrize("name", ["c", "color"])
def test_points_have_the_properties_that_are_given(name):
    display = GradientCheckDisplay.from_objective(objective, theta, **{name: "black"}, s=4)
    for points in display.points_:
        assert same_color(points.get_facecolor()[0, :3], "black")
        assert_array_equal(points.get_sizes(), [4])


def test_axes_can_be_given():
    _, (ax, other) = plt.subplots(1, 2)
    assert GradientCheckDisplay.from_objective(objective, theta, ax=ax).ax_ is ax
    model = Small().fit(*IRIS)
    assert GradientCheckDisplay.from_estimator(model, *IRIS, ax=other).ax_ is other


# From a fitted network


@every_problem
def test_it_is_the_gradient_of_the_fitted_network(problem):
    X, y = PROBLEMS[problem]
    model = Small(alpha=2.0).fit(X, y)
    X, y = X[::5], y[::5]
    Y = {"binary": y[:, None] == 2, "multiclass": np.eye(3)[y % 3], "multilabel": y}[problem]
    display = GradientCheckDisplay.from_estimator(model, X, y)
    assert_allclose(display.analytic, lecture_gradient(model, X, Y.astype(float)), atol=1e-10)
    assert display.relative_error < 1e-6


@pytest.mark.parametrize(
    "parameters",
    [
        {"output_activation": "softmax", "activation": "softplus"},
        {"loss": "squared_error", "alpha": 0.01},
        {"hidden_layer_sizes": (), "alpha": 0.0, "max_iter": 5},
        {"hidden_layer_sizes": (4, 3), "activation": ["tanh", "elu"]},
        {"dropout": 0.3, "solver": "adam", "max_iter": 5},
    ],
    ids=lambda parameters: next(iter(parameters)),
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_whatever_the_network_is(parameters):
    X, y = IRIS
    model = Small(**parameters).fit(X, y)
    display = GradientCheckDisplay.from_estimator(model, X[::7], y[::7])
    assert_allclose(
        display.analytic, lecture_gradient(model, X[::7], np.eye(3)[y[::7]]), atol=1e-10
    )
    assert len(display.points_) == len(model.coefs_)


def test_class_weights_and_sample_weights_count():
    X, y = IRIS
    model = Small(class_weight={0: 1, 1: 2, 2: 0.5}).fit(X, y)
    X, y = X[::5], y[::5]
    weight = np.linspace(0.5, 2, len(y))
    display = GradientCheckDisplay.from_estimator(model, X, y, sample_weight=weight)
    expected = lecture_gradient(model, X, np.eye(3)[y], weight * np.array([1, 2, 0.5])[y])
    assert_allclose(display.analytic, expected, atol=1e-10)


def test_label_smoothing_counts():
    X, y = IRIS
    model = Small(label_smoothing=0.2).fit(X, y)
    display = GradientCheckDisplay.from_estimator(model, X[::5], y[::5])
    smoothed = 0.8 * np.eye(3)[y[::5]] + 0.2 / 3
    assert_allclose(display.analytic, lecture_gradient(model, X[::5], smoothed), atol=1e-10)


def test_names_of_classes_are_encoded():
    X, y = IRIS
    named = np.array(["setosa", "versicolor", "virginica"])[y]
    display = GradientCheckDisplay.from_estimator(Small().fit(X, named), X[::5], named[::5])
    expected = GradientCheckDisplay.from_estimator(Small().fit(X, y), X[::5], y[::5])
    assert_array_equal(display.analytic, expected.analytic)


def test_a_class_may_be_missing():
    X, y = IRIS
    model = Small().fit(X, y)
    display = GradientCheckDisplay.from_estimator(model, X[:5], y[:5])
    assert_allclose(
        display.analytic, lecture_gradient(model, X[:5], np.eye(3)[[0] * 5]), atol=1e-10
    )


def test_float32_is_computed_in_float64():
    X, y = IRIS[0].astype(np.float32), IRIS[1]
    model = Small(max_iter=2000).fit(X, y)
    display = GradientCheckDisplay.from_estimator(model, X[::10], y[::10])
    assert display.analytic.dtype == display.numerical.dtype == np.float64
    assert display.relative_error < 1e-6


def test_examples_may_be_sparse():
    X, y = IRIS
    model = Small().fit(X, y)
    display = GradientCheckDisplay.from_estimator(model, csr_array(X[::10]), y[::10])
    expected = GradientCheckDisplay.from_estimator(model, X[::10], y[::10])
    assert_allclose(display.analytic, expected.analytic, atol=1e-14)


def test_a_pipeline_transforms_the_examples():
    X, y = 10 * IRIS[0] + 3, IRIS[1]
    model = make_pipeline(StandardScaler(), Small()).fit(X, y)
    display = GradientCheckDisplay.from_estimator(model, X[::5], y[::5])
    Z = (X[::5] - X.mean(axis=0)) / X.std(axis=0)
    expected = lecture_gradient(model[-1], Z, np.eye(3)[y[::5]])
    assert_allclose(display.analytic, expected, atol=1e-10)


def test_the_model_and_the_global_random_state_are_left_as_they_were():
    model = Small(random_state=None).fit(*IRIS)
    attributes = {name: id(value) for name, value in vars(model).items()}
    _, numbers, position, *_ = check_random_state(None).get_state()
    GradientCheckDisplay.from_estimator(model, *IRIS)
    assert {name: id(value) for name, value in vars(model).items()} == attributes
    _, numbers_after, position_after, *_ = check_random_state(None).get_state()
    assert position_after == position
    assert_array_equal(numbers_after, numbers)


def test_what_is_not_fitted_is_refused():
    with pytest.raises(NotFittedError):
        GradientCheckDisplay.from_estimator(Small(), *IRIS)


def test_another_network_is_refused():
    model = MLPClassifier((3,), solver="lbfgs", max_iter=2000, alpha=1.0).fit(*IRIS)
    with pytest.raises(ValueError, match=r"BackpropClassifier\. Got MLPClassifier instead"):
        GradientCheckDisplay.from_estimator(model, *IRIS)


def test_an_unknown_class_is_refused():
    X, y = IRIS
    with pytest.raises(ValueError, match=r"classes \[7\], which are not among the known classes"):
        GradientCheckDisplay.from_estimator(Small().fit(X, y), X, np.where(y == 2, 7, y))
