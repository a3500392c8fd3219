"""skbp.plot.PathDisplay: the lines are the means of scores_, the bands their standard errors."""

from warnings import catch_warnings, simplefilter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from fitting import IRIS, PROBLEMS, Small, may_stop_early
from matplotlib.colors import same_color
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbp import BackpropClassifierCV
from skbp.activations import ACTIVATIONS
from skbp.plot import PathDisplay

pytestmark = may_stop_early

OKABE_ITO = ["#0072B2", "#E69F00", "#009E73"]
X, y = IRIS


def small(hidden_layer_sizes=(5,), activation="tanh", **parameters):
    given = {"alphas": [30, 3, 0.3, 0.03], "cv": 3, "max_iter": 30, "random_state": 0}
    return BackpropClassifierCV(hidden_layer_sizes, activation, **{**given, **parameters})


with catch_warnings():
    simplefilter("ignore", ConvergenceWarning)
    one = small().fit(X, y)
    several = small([(2,), (3,)], ["tanh", "relu"], exhaustive=True).fit(X, y)
    fine = {"alphas": [30, 10, 3, 1, 0.3], "exhaustive": True}
    simple = small(**fine, selection="one_standard_error").fit(X, y)


def display_of(**scores):
    """Return a display of a network whose scores by λ are known."""
    given = {
        "names": ["tanh (5,)"],
        "alphas": [10.0, 1.0, 0.1],
        "means": [[0.5, 0.2, np.nan]],
        "standard_errors": [[0.1, 0.02, np.nan]],
        "alpha": 1.0,
        "simplest_alpha": 10.0,
    }
    return PathDisplay(**{**given, **scores})


def legend_of(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def band_of(collection, alpha):
    """Return the ends of a band at a λ."""
    vertices = collection.get_paths()[0].vertices
    losses = vertices[np.isclose(vertices[:, 0], alpha), 1]
    return losses.min(), losses.max()


# What is drawn


def test_the_lines_are_the_mean_losses_over_the_folds():
    display = PathDisplay.from_estimator(several)
    assert len(display.lines_) == 4
    for i, line in enumerate(display.lines_):
        assert_array_equal(line.get_xdata(), several.alphas_)
        assert_allclose(line.get_ydata(), -several.scores_[:, i].mean(axis=0), rtol=1e-12)


def test_they_are_in_the_results_of_the_search():
    results = pd.DataFrame(several.cv_results_)
    for (_, rows), line in zip(
        results.groupby(results.index // len(several.alphas_)),
        PathDisplay.from_estimator(several).lines_,
        strict=True,
    ):
        assert_allclose(line.get_xydata(), np.c_[rows.param_alpha, -rows.mean_test_score])


def test_the_bands_are_a_standard_error_to_each_side():
    display = PathDisplay.from_estimator(several)
    for i, band in enumerate(display.bands_):
        assert same_color(band.get_facecolor()[0, :3], display.lines_[i].get_color())
        for j, alpha in enumerate(several.alphas_):
            of_folds = -several.scores_[:, i, j]
            error = np.sqrt(np.mean((of_folds - of_folds.mean()) ** 2) / 3)
            ends = of_folds.mean() - error, of_folds.mean() + error
            assert_allclose(band_of(band, alpha), ends, rtol=1e-9)


def test_a_line_marks_the_alpha_that_was_chosen():
    display = PathDisplay.from_estimator(several)
    assert_array_equal(display.alpha_line_.get_xdata(), several.alpha_)
    lowest = min(np.nanmin(line.get_ydata()) for line in display.lines_)
    [chosen] = [line for line in display.lines_ if np.nanmin(line.get_ydata()) == lowest]
    assert several.alpha_ == several.alphas_[np.nanargmin(chosen.get_ydata())]


def test_another_one_marks_the_alpha_of_the_one_standard_error_rule():
    display = PathDisplay.from_estimator(simple)
    [line], [band] = display.lines_, display.bands_
    losses = line.get_ydata()
    _, highest = band_of(band, simple.alphas_[losses.argmin()])
    expected = simple.alphas_[losses <= highest].max()
    assert_array_equal(display.simplest_alpha_line_.get_xdata(), expected)
    assert simple.alpha_ == expected
    assert_array_equal(display.alpha_line_.get_xdata(), expected)


def test_the_rule_is_that_of_the_selection_whatever_was_selected():
    best = small(**fine).fit(X, y)
    assert PathDisplay.from_estimator(best).simplest_alpha == simple.alpha_
    assert best.alpha_ < simple.alpha_


def test_a_line_ends_where_the_path_of_a_fold_has_ended():
    overfitted = small(alphas=[3, 0.3, 0.01, 0.0001], max_iter=200).fit(X, y)
    is_missing = np.isnan(overfitted.scores_[:, 0]).any(axis=0)
    assert 0 < is_missing.sum() < 4
    display = PathDisplay.from_estimator(overfitted)
    assert_array_equal(np.isnan(display.lines_[0].get_ydata()), is_missing)
    display.figure_.draw_without_rendering()


def test_the_data_are_kept():
    display = PathDisplay.from_estimator(one)
    assert display.names == ["tanh (5,)"]
    assert_array_equal(display.alphas, one.alphas_)
    assert_array_equal(display.means, -one.scores_.mean(axis=0))
    assert_array_equal(display.standard_errors, one.scores_.std(axis=0) / np.sqrt(3))
    assert display.alpha == one.alpha_
    assert display.plot().lines_[0].get_ydata() == pytest.approx(display.means[0], nan_ok=True)


def test_the_legend_names_the_networks_and_both_alphas():
    names = ["tanh (2,)", "relu (2,)", "tanh (3,)", "relu (3,)"]
    display = PathDisplay.from_estimator(several)
    assert display.names == names
    *networks, chosen, simplest = legend_of(display)
    assert networks == names
    assert chosen == f"chosen λ, {several.alpha_:.2g}"
    assert simplest == f"one standard error, {display.simplest_alpha:.2g}"


def test_several_networks_have_a_colour_each():
    for line, color in zip(PathDisplay.from_estimator(several).lines_, OKABE_ITO, strict=False):
        assert same_color(line.get_color(), color)


def test_a_seventh_network_has_a_colour_too():
    many = {"names": list("abcdefg"), "means": 7 * [[0.5, 0.2, 0.3]]}
    display = display_of(**many, standard_errors=7 * [[0.1, 0.1, 0.1]]).plot()
    assert same_color(display.lines_[6].get_color(), OKABE_ITO[0])


@pytest.mark.parametrize(
    ("sizes", "activation", "name"),
    [
        (5, "relu", "relu 5"),
        ((5, 4), ("tanh", "relu"), "tanh, relu (5, 4)"),
        ((5,), ACTIVATIONS["softplus"], "softplus (5,)"),
        ((4, 4, 4, 4, 4, 4, 4), "logistic", "logistic (4, 4, 4, 4, 4…"),
    ],
)
def test_names_of_networks(sizes, activation, name):
    model = small(sizes, activation, alphas=[1.0], cv=2, max_iter=5).fit(X, y)
    assert PathDisplay.from_estimator(model).names == [name]


# The axes


@pytest.mark.parametrize(
    ("scoring", "label", "sign"),
    [
        (None, "Validation log loss", -1),
        ("neg_log_loss", "Validation log loss", -1),
        ("neg_brier_score", "Validation brier score", -1),
        ("accuracy", "Validation accuracy", 1),
        (make_scorer(accuracy_score), "Validation score", 1),
        (lambda model, X, y: model.score(X, y), "Validation score", 1),
    ],
    ids=["None", "neg_log_loss", "neg_brier_score", "accuracy", "make_scorer", "callable"],
)
def test_losses_are_plotted_as_losses_and_scores_as_scores(scoring, label, sign):
    X, y = PROBLEMS["binary"]
    model = small(scoring=scoring).fit(X, y)
    display = PathDisplay.from_estimator(model)
    assert display.score_name == display.ax_.get_ylabel() == label
    assert_array_equal(display.lines_[0].get_ydata(), sign * model.scores_[:, 0].mean(axis=0))
    assert display.ax_.get_xlabel() == "λ"


def test_alpha_is_on_a_log_scale():
    assert PathDisplay.from_estimator(one).ax_.get_xscale() == "log"


def test_an_alpha_of_0_is_on_the_axis():
    model = small(alphas=[1, 0.1, 0], exhaustive=True).fit(X, y)
    display = PathDisplay.from_estimator(model)
    assert display.ax_.get_xscale() == "symlog"
    display.figure_.draw_without_rendering()
    low, high = display.ax_.get_xlim()
    assert low < 0 < 1 < high
    at_0, at_smallest, at_largest = display.ax_.transData.transform([(0, 0), (0.1, 0), (1, 0)])[
        :, 0
    ]
    assert at_0 < at_smallest < at_largest


def test_an_alpha_of_0_alone_will_do():
    display = PathDisplay.from_estimator(small(alphas=[0]).fit(X, y))
    assert display.ax_.get_xscale() == "linear"
    display.figure_.draw_without_rendering()


# What can be passed


def test_lines_have_the_properties_that_are_given():
    display = PathDisplay.from_estimator(several, c="black", lw=3, marker="s")
    for line, band in zip(display.lines_, display.bands_, strict=True):
        assert same_color(line.get_color(), "black")
        assert same_color(band.get_facecolor()[0, :3], "black")
        assert (line.get_linewidth(), line.get_marker()) == (3, "s")


def test_axes_can_be_given():
    _, (ax, other) = plt.subplots(1, 2)
    display = PathDisplay.from_estimator(one, ax=ax)
    assert display.ax_ is ax
    assert display.plot(ax=other).ax_ is other


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), small(alphas=[3, 0.3])),
        make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), small(alphas=[3, 0.3]))),
        GridSearchCV(small(alphas=[3, 0.3]), {"max_iter": [5, 30]}, cv=2),
    ],
    ids=["pipeline", "pipeline in a pipeline", "search"],
)
def test_the_estimator_in_it_is_drawn(model):
    model.fit(X, y)
    inner = model.best_estimator_ if isinstance(model, GridSearchCV) else model[-1]
    inner = inner[-1] if hasattr(inner, "steps") else inner
    [line] = PathDisplay.from_estimator(model).lines_
    assert_array_equal(line.get_ydata(), -inner.scores_[:, 0].mean(axis=0))


@pytest.mark.parametrize("others", [{"n_members": 3}, {"refit": False}], ids=["members", "folds"])
def test_an_ensemble_has_a_path_too(others):
    model = small([(), (3,)], **others).fit(X, y)
    assert len(model.members_) > 1
    display = PathDisplay.from_estimator(model)
    assert len(display.lines_) == 2
    assert_array_equal(display.alpha_line_.get_xdata(), model.alpha_)


@pytest.mark.parametrize("problem", ["binary", "multilabel"])
def test_other_kinds_of_y(problem):
    X, y = PROBLEMS[problem]
    model = small().fit(X, y)
    [line] = PathDisplay.from_estimator(model).lines_
    assert_array_equal(line.get_ydata(), -model.scores_[:, 0].mean(axis=0))


@pytest.mark.parametrize(
    "model", [small(), make_pipeline(StandardScaler(), small())], ids=["alone", "pipeline"]
)
def test_what_is_not_fitted_is_refused(model):
    with pytest.raises(NotFittedError):
        PathDisplay.from_estimator(model)


@pytest.mark.parametrize(
    "model",
    [
        Small(),
        make_pipeline(StandardScaler(), Small()),
        GridSearchCV(Small(), {"alpha": [0.1, 1.0]}, cv=2),
        MLPClassifier((3,), max_iter=5),
    ],
    ids=["network", "pipeline", "search", "MLPClassifier"],
)
def test_what_has_no_path_is_refused(model):
    with pytest.raises(ValueError, match="must be, or end in, a BackpropClassifierCV"):
        PathDisplay.from_estimator(model.fit(X, y))


def test_a_logistic_regression_has_another_path():
    model = LogisticRegressionCV(Cs=[0.1, 1.0], cv=2)
    with catch_warnings():
        simplefilter("ignore", FutureWarning)
        model.fit(X, y)
    with pytest.raises(ValueError, match="Got LogisticRegressionCV"):
        PathDisplay.from_estimator(model)


def test_each_name_needs_its_scores():
    with pytest.raises(ValueError, match="shorter"):
        display_of(names=["a", "b"]).plot()
