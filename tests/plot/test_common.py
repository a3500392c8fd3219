"""What all displays have in common: Matplotlib only where it is needed, axes, and the network."""

import subprocess
import sys
from inspect import signature
from warnings import catch_warnings, simplefilter

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from fitting import IRIS, Small
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skbp.plot
from skbp import BackpropClassifierCV
from skbp.plot import GradientCheckDisplay, GridSearchDisplay, LossCurveDisplay, PathDisplay
from skbp.plot.common import axes, fitted_network, network_inputs

X, y = IRIS
network = Small().fit(X, y)
pipeline = make_pipeline(StandardScaler(), Small()).fit(X, y)


def chosen(**parameters):
    """Return a network whose λ was chosen by cross-validation."""
    given = {"alphas": [1.0, 0.1], "cv": 3, "max_iter": 15, "random_state": 0}
    return BackpropClassifierCV([(), (5,)], "tanh", **{**given, **parameters})


with catch_warnings():
    simplefilter("ignore", ConvergenceWarning)
    cv = chosen().fit(X, y)
    cv_in_pipeline = make_pipeline(StandardScaler(), chosen()).fit(X + 3, y)
    of_folds = chosen(refit=False).fit(X, y)
    ensemble = chosen(n_members=4).fit(X, y)

DISPLAYS = {
    "gradient_check": lambda: GradientCheckDisplay(analytic=[1.0, 2.0], numerical=[1.0, 2.1]),
    "grid_search": lambda: GridSearchDisplay(
        x_name="alpha",
        y_name="solver",
        x_values=[0.1, 1.0],
        y_values=["cg", "lbfgs"],
        mean_scores=[[0.5, 0.75], [0.8, 1.0]],
        best_cell=(1, 1),
        standard_error=0.1,
        one_standard_error=[[False, False], [False, True]],
    ),
    "hidden_units": lambda: skbp.plot.HiddenUnitsDisplay.from_estimator(network, (2, 2)),
    "loss_curve": lambda: LossCurveDisplay(names=["lbfgs"], loss_curves=[[1.0, 0.5]]),
    "network": lambda: skbp.plot.NetworkDisplay.from_estimator(network),
    "path": lambda: PathDisplay(
        names=["relu (5,)"],
        alphas=[1.0, 0.1],
        means=[[0.5, 0.3]],
        standard_errors=[[0.1, 0.05]],
        alpha=0.1,
        simplest_alpha=0.1,
    ),
}

every_display = pytest.mark.parametrize("name", DISPLAYS)


@pytest.fixture
def _no_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)


def test_every_display_is_tried_here():
    names = {name.replace("_", "") + "display" for name in DISPLAYS}
    assert names == {name.lower() for name in skbp.plot.__all__}


# Matplotlib


def test_importing_the_package_does_not_import_matplotlib():
    code = "import sys, skbp.plot; print('matplotlib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


@every_display
def test_a_display_without_matplotlib_says_how_to_install_it(name, request):
    display = DISPLAYS[name]()
    request.getfixturevalue("_no_matplotlib")
    with pytest.raises(ImportError, match=r'pip install "\.\[plot\]"'):
        display.plot()


# The conventions of scikit-learn's displays


@every_display
def test_plot_returns_the_display(name):
    display = DISPLAYS[name]()
    assert display.plot() is display
    assert display.figure_ is display.ax_.figure


@every_display
def test_ax_is_the_first_parameter_of_plot(name):
    parameters = list(signature(DISPLAYS[name]().plot).parameters.values())
    assert (parameters[0].name, parameters[0].default) == ("ax", None)


@every_display
def test_each_plot_has_a_new_figure(name):
    display = DISPLAYS[name]()
    first = display.plot().figure_
    assert display.plot().figure_ is not first


@every_display
def test_no_global_style_is_changed(name):
    before = dict(mpl.rcParams)
    DISPLAYS[name]().plot().figure_.draw_without_rendering()
    assert dict(mpl.rcParams) == before


@every_display
def test_a_figure_without_pyplot_is_enough(name):
    display = DISPLAYS[name]()
    plt.close("all")
    figure = Figure()
    display.plot(figure.subplots())
    figure.draw_without_rendering()
    assert display.figure_ is figure
    assert plt.get_fignums() == []


@every_display
def test_only_the_given_axes_are_drawn_in(name):
    figure, grid = plt.subplots(2, 2)
    others = [grid[0, 0], grid[1, 0], grid[1, 1]]
    before = [len(ax.get_children()) for ax in others]
    display = DISPLAYS[name]()
    display.plot(grid[0, 1])
    figure.draw_without_rendering()
    assert display.ax_ is grid[0, 1]
    assert display.figure_ is figure
    assert [len(ax.get_children()) for ax in others] == before
    assert not any(ax.get_title() or ax.get_xlabel() or ax.get_ylabel() for ax in others)


@every_display
def test_a_subfigure_will_do(name):
    figure = plt.figure(layout="constrained")
    left, _ = figure.subfigures(1, 2)
    display = DISPLAYS[name]().plot(left.subplots())
    figure.draw_without_rendering()
    assert display.figure_ is left


def test_given_axes_are_the_axes():
    ax = Figure().subplots()
    assert axes(ax) is ax


def test_axes_of_a_new_figure_leave_room_for_all():
    assert axes().figure.get_layout_engine().__class__.__name__ == "ConstrainedLayoutEngine"


# The network


def test_a_network_is_itself():
    assert fitted_network(network) is network


def test_a_pipeline_ends_in_its_network():
    assert fitted_network(pipeline) is pipeline[-1]


def test_a_pipeline_may_be_in_a_pipeline():
    outer = make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), Small())).fit(X, y)
    assert fitted_network(outer) is outer[-1][-1]


def test_a_search_has_the_network_that_it_refitted():
    search = GridSearchCV(Small(), {"alpha": [0.1, 1.0]}, cv=2).fit(X, y)
    assert fitted_network(search) is search.best_estimator_


def test_a_search_over_a_pipeline_has_the_network_at_its_end():
    model = make_pipeline(StandardScaler(), Small())
    search = GridSearchCV(model, {"backpropclassifier__alpha": [0.1, 1.0]}, cv=2).fit(X, y)
    assert fitted_network(search) is search.best_estimator_[-1]


@pytest.mark.parametrize(
    "estimator",
    [
        Small(),
        make_pipeline(StandardScaler(), Small()),
        GridSearchCV(Small(), {"alpha": [1.0]}),
    ],
    ids=["network", "pipeline", "search"],
)
def test_what_is_not_fitted_has_no_network(estimator):
    with pytest.raises(NotFittedError):
        fitted_network(estimator)


def test_a_search_that_does_not_refit_has_no_network():
    search = GridSearchCV(Small(), {"alpha": [1.0]}, cv=2, refit=False).fit(X, y)
    with pytest.raises(NotFittedError, match="GridSearchCV has no fitted network: set refit=True"):
        fitted_network(search)


def test_what_is_no_network_has_none():
    with pytest.raises(ValueError, match="a neural network"):
        fitted_network(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y))


# Its inputs


def test_a_network_gets_what_is_given():
    assert network_inputs(network, X) is X


def test_a_pipeline_transforms_it():
    model = make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), Small()))
    shifted = 10 * X + 3
    model.fit(shifted, y)
    expected = (shifted - shifted.mean(axis=0)) / shifted.std(axis=0)
    np.testing.assert_allclose(network_inputs(model, shifted), expected, atol=1e-12)


def test_a_pipeline_of_nothing_else_passes_it_on():
    assert_array_equal(network_inputs(make_pipeline(Small()).fit(X, y), X), X)


def test_a_search_lets_its_best_pipeline_transform_it():
    search = GridSearchCV(
        make_pipeline(StandardScaler(), Small()), {"backpropclassifier__alpha": [1.0]}, cv=2
    ).fit(X + 3, y)
    np.testing.assert_allclose(network_inputs(search, X + 3), X, atol=1e-12)


def test_a_network_whose_alpha_was_chosen_gets_what_is_given():
    assert network_inputs(cv, X) is X


def test_a_pipeline_transforms_what_it_gets():
    assert_allclose(network_inputs(cv_in_pipeline, X + 3), X, atol=1e-12)


# A network whose λ was chosen by cross-validation


@pytest.mark.parametrize("estimator", [cv, cv_in_pipeline], ids=["alone", "in a pipeline"])
def test_its_network_has_the_weights_that_predict(estimator):
    inner = getattr(estimator, "steps", [(None, estimator)])[-1][1]
    found = fitted_network(estimator)
    for coef, expected in zip(found.coefs_, inner.coefs_, strict=True):
        assert_array_equal(coef, expected)
    assert found.activation == inner.activation_
    assert not hasattr(inner.members_[0], "feature_names_in_")


@pytest.mark.parametrize(
    "estimator",
    [of_folds, ensemble, make_pipeline(ensemble)],
    ids=["of the folds", "ensemble", "pipeline"],
)
@pytest.mark.parametrize(
    "from_estimator",
    [
        fitted_network,
        LossCurveDisplay.from_estimator,
        skbp.plot.NetworkDisplay.from_estimator,
        lambda each: skbp.plot.HiddenUnitsDisplay.from_estimator(each, (2, 2)),
        lambda each: GradientCheckDisplay.from_estimator(each, X, y),
        lambda each: skbp.plot.NetworkDisplay.from_sample(each, X[0], y[0]),
    ],
    ids=["fitted_network", "loss_curve", "network", "hidden_units", "gradient_check", "sample"],
)
def test_several_networks_are_not_one(from_estimator, estimator):
    with pytest.raises(ValueError, match=r"predicts with \d+ networks. Pass one of its members_"):
        from_estimator(estimator)


def test_each_member_can_be_drawn():
    for member in ensemble.members_:
        [line] = LossCurveDisplay.from_estimator(member).lines_
        assert_array_equal(line.get_ydata(), member.loss_curve_)


@pytest.mark.parametrize("estimator", [cv, cv_in_pipeline], ids=["alone", "in a pipeline"])
def test_its_loss_curve(estimator):
    inner = getattr(estimator, "steps", [(None, estimator)])[-1][1]
    display = LossCurveDisplay.from_estimator(estimator)
    assert_array_equal(display.lines_[0].get_ydata(), inner.loss_curve_)


def test_its_weights():
    display = skbp.plot.NetworkDisplay.from_estimator(cv)
    assert_array_equal(display.Thetas[0][:, 1:], cv.coefs_[0].T)
    images = skbp.plot.HiddenUnitsDisplay.from_estimator(cv, (2, 2)).images
    assert_array_equal(np.reshape(images, (len(images), 4)), cv.coefs_[0].T)


@pytest.mark.parametrize("estimator", [cv, cv_in_pipeline], ids=["alone", "in a pipeline"])
def test_a_sample_in_it(estimator):
    x = X[77] if estimator is cv else X[77] + 3
    display = skbp.plot.NetworkDisplay.from_sample(estimator, x, y[77])
    assert_allclose(display.activations[-1], estimator.predict_proba([x])[0], rtol=1e-9)


@pytest.mark.parametrize("estimator", [cv, cv_in_pipeline], ids=["alone", "in a pipeline"])
def test_its_gradient(estimator):
    shift = 0 if estimator is cv else 3
    display = GradientCheckDisplay.from_estimator(estimator, X[::10] + shift, y[::10])
    assert display.relative_error < 1e-6


def test_the_gradient_at_its_weights_is_0_for_the_alpha_that_was_chosen():
    """Hold the λ of the cost to ``alpha_``: at a minimum the gradient vanishes."""
    model = chosen(tol=1e-9, max_iter=1000, alphas=[0.3]).fit(X, y)
    gradient = GradientCheckDisplay.from_estimator(model, X, y).analytic
    assert np.abs(gradient).max() < 1e-3


def test_it_knows_the_names_of_the_features():
    names = ["length", "width", "size", "weight"]
    frame = pd.DataFrame(X, columns=names)
    model = chosen().fit(frame, y)
    assert skbp.plot.NetworkDisplay.from_estimator(model).feature_names == names
    skbp.plot.NetworkDisplay.from_sample(model, frame.iloc[0], y[0])
    assert GradientCheckDisplay.from_estimator(model, frame[::10], y[::10]).relative_error < 1e-6
    with pytest.raises(ValueError, match="feature names"):
        GradientCheckDisplay.from_estimator(model, frame[names[::-1]], y)
