"""skbp.plot.LossCurveDisplay: the lines that it draws are the losses, and the circle the best."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from fitting import IRIS, PROBLEMS, Small
from lecture import gradient_computation
from matplotlib.colors import same_color, to_rgb
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbp.plot import LossCurveDisplay

OKABE_ITO = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"]

X, y = IRIS
X_binary, y_binary = PROBLEMS["binary"]
plain = Small().fit(X, y)
validated = Small(early_stopping=True, tol=1e-3, alpha=0.01).fit(
    X_binary[::2], y_binary[::2], X_val=X_binary[1::2], y_val=y_binary[1::2]
)


def mlp(**parameters):
    return MLPClassifier((5,), max_iter=500, learning_rate_init=0.02, random_state=0, **parameters)


def legend_of(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def luminance(grey):
    """Return WCAG's relative luminance of a grey."""
    level, *_ = to_rgb(grey)
    return level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4


def losses_in(line):
    """Return the losses of a line, which are those of the iterations 1, 2, …"""
    iterations, losses = line.get_data()
    assert_array_equal(iterations, np.arange(1, len(losses) + 1))
    return losses


def test_the_line_is_the_loss_curve():
    display = LossCurveDisplay.from_estimator(plain)
    [line] = display.lines_
    assert_array_equal(losses_in(line), plain.loss_curve_)
    assert display.ax_.lines[0] is line
    assert display.validation_lines_ == [None]
    assert legend_of(display) == ["training"]


def test_it_ends_at_the_cost_of_the_weights():
    Thetas = [
        np.column_stack([intercept, coef.T])
        for coef, intercept in zip(plain.coefs_, plain.intercepts_, strict=True)
    ]
    J, _ = gradient_computation(Thetas, X, np.eye(3)[y], "logistic", "logistic", "log_loss", 0.5)
    [line] = LossCurveDisplay.from_estimator(plain).lines_
    assert_allclose(losses_in(line)[-1], J, rtol=1e-9)


def test_the_dashed_line_is_the_loss_of_the_validation_set():
    display = LossCurveDisplay.from_estimator(validated)
    [training], [validation] = display.lines_, display.validation_lines_
    assert len(losses_in(training)) == len(losses_in(validation)) == validated.n_iter_
    assert (training.get_linestyle(), validation.get_linestyle()) == ("-", "--")
    assert same_color(training.get_color(), validation.get_color())
    assert legend_of(display) == ["training", "validation", "best iteration"]


def test_the_circle_is_where_the_weights_that_were_kept_are():
    [line] = LossCurveDisplay.from_estimator(validated).validation_lines_
    [best] = line.get_markevery()
    assert line.get_marker() == "o"
    expected = log_loss(y_binary[1::2], validated.predict_proba(X_binary[1::2]))
    assert_allclose(losses_in(line)[best], expected, rtol=1e-9)
    assert best < validated.n_iter_ - 1


def test_the_data_are_kept():
    display = LossCurveDisplay.from_estimator(validated, name="L-BFGS")
    assert display.names == ["L-BFGS"]
    assert display.loss_curves == [validated.loss_curve_]
    assert display.validation_loss_curves == [validated.validation_loss_curve_]
    assert display.best_iters == [validated.best_iter_]


def test_several_estimators_have_a_colour_each():
    models = {"lbfgs": plain, "cg": Small(solver="cg").fit(X, y), "stopped": validated}
    display = LossCurveDisplay.from_estimators(models)
    for line, model, color in zip(display.lines_, models.values(), OKABE_ITO, strict=False):
        assert_array_equal(losses_in(line), model.loss_curve_)
        assert same_color(line.get_color(), color)
    assert display.validation_lines_[:2] == [None, None]
    assert same_color(display.validation_lines_[2].get_color(), OKABE_ITO[2])
    assert legend_of(display) == [*models, "validation", "best iteration"]
    assert {line.axes for line in display.lines_} == {display.ax_}


def test_a_seventh_estimator_has_a_colour_too():
    display = LossCurveDisplay(names=list("abcdefg"), loss_curves=[[1.0, 0.5]] * 7).plot()
    assert same_color(display.lines_[6].get_color(), OKABE_ITO[0])


@pytest.mark.parametrize(("log_scale", "scale"), [(False, "linear"), (True, "log")])
def test_scale_of_the_loss(log_scale, scale):
    assert LossCurveDisplay.from_estimator(plain, log_scale=log_scale).ax_.get_yscale() == scale
    display = LossCurveDisplay.from_estimators({"lbfgs": plain}, log_scale=log_scale)
    assert display.ax_.get_yscale() == scale
    assert display.plot(log_scale=not log_scale).ax_.get_yscale() != scale


def test_axes_say_what_they_show():
    ax = LossCurveDisplay.from_estimator(plain).ax_
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Iteration", "Loss")


def test_ticks_are_whole_iterations():
    display = LossCurveDisplay(names=["short"], loss_curves=[[1.0, 0.5, 0.4]]).plot()
    ticks = display.ax_.get_xticks()
    assert_array_equal(ticks, ticks.round())


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), Small()),
        GridSearchCV(Small(), {"alpha": [1.0, 2.0]}, cv=2),
    ],
    ids=["pipeline", "search"],
)
def test_the_network_in_it_is_drawn(model):
    model.fit(X, y)
    network = model.best_estimator_ if isinstance(model, GridSearchCV) else model[-1]
    [line] = LossCurveDisplay.from_estimator(model).lines_
    assert_array_equal(losses_in(line), network.loss_curve_)


def test_a_stream_has_a_curve():
    model = Small(solver="sgd")
    model.partial_fit(X, y, classes=[0, 1, 2])
    [line] = LossCurveDisplay.from_estimator(model).lines_
    assert_array_equal(losses_in(line), model.loss_curve_)
    assert line.get_marker() == "."  # a line of one point is not seen
    model.partial_fit(X, y)
    [line] = LossCurveDisplay.from_estimator(model).lines_
    assert len(losses_in(line)) == 2
    assert line.get_marker() == "None"


@pytest.mark.parametrize("log_scale", [False, True])
def test_no_iteration_is_no_line(log_scale):
    display = LossCurveDisplay(names=["none"], loss_curves=[[]]).plot(log_scale=log_scale)
    display.figure_.draw_without_rendering()
    assert len(losses_in(display.lines_[0])) == 0


# MLPClassifier


def test_an_mlp_classifier_has_a_training_loss():
    model = mlp().fit(X, y)
    display = LossCurveDisplay.from_estimator(model)
    assert_array_equal(losses_in(display.lines_[0]), model.loss_curve_)
    assert display.best_iters == [None]
    assert legend_of(display) == ["training"]


def test_the_best_iteration_of_an_mlp_classifier_is_on_its_training_loss():
    model = mlp(early_stopping=True).fit(X, y)
    display = LossCurveDisplay.from_estimator(model)
    [line] = display.lines_
    [best] = line.get_markevery()
    assert model.validation_scores_[best] == model.best_validation_score_
    assert model.best_validation_score_ not in model.validation_scores_[:best]
    assert display.validation_lines_ == [None]
    assert legend_of(display) == ["training", "best iteration"]


def test_an_mlp_classifier_of_lbfgs_has_no_curve():
    model = mlp(solver="lbfgs").fit(X, y)
    with pytest.raises(ValueError, match="MLPClassifier has no loss_curve_"):
        LossCurveDisplay.from_estimator(model)


# What can be passed


def test_lines_have_the_properties_that_are_given():
    display = LossCurveDisplay.from_estimator(validated, name="mine", c="black", linewidth=3)
    for line in (*display.lines_, *display.validation_lines_):
        assert same_color(line.get_color(), "black")
        assert line.get_linewidth() == 3
    assert legend_of(display)[0] == "mine"


@pytest.mark.parametrize("background", ["white", "black"])
def test_the_legend_is_readable(background):
    handles = LossCurveDisplay.from_estimator(validated).ax_.get_legend().get_lines()
    for handle in handles[1:]:
        lighter, darker = sorted(map(luminance, (handle.get_color(), background)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) > 3  # of graphics: WCAG, 1.4.11


def test_axes_can_be_given():
    _, (ax, other) = plt.subplots(1, 2)
    display = LossCurveDisplay.from_estimator(plain, ax=ax)
    assert display.ax_ is ax
    assert LossCurveDisplay.from_estimators({"lbfgs": plain}, ax=other).ax_ is other
    assert display.plot(ax=other).ax_ is other


def test_what_is_not_fitted_is_refused():
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(Small())


@pytest.mark.parametrize(
    "others",
    [
        {"loss_curves": [[1.0]]},
        {"loss_curves": [[1.0], [2.0]], "validation_loss_curves": [None]},
        {"loss_curves": [[1.0], [2.0]], "best_iters": [0, 0, 0]},
    ],
)
def test_each_name_needs_its_curves(others):
    with pytest.raises(ValueError, match="must be of equal length"):
        LossCurveDisplay(names=["a", "b"], **others)
