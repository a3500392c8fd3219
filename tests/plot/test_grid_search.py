"""skbp.plot.GridSearchDisplay: what it draws is in cv_results_, read by pandas and by hand."""

from copy import deepcopy
from importlib import import_module
from itertools import product
from warnings import catch_warnings, simplefilter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from fitting import IRIS, Small, may_stop_early
from matplotlib.colors import same_color
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import loguniform
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, RepeatedStratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skbp import BackpropClassifierCV
from skbp.activations import Activation
from skbp.plot import GridSearchDisplay

pytestmark = may_stop_early

X, y = IRIS
ALPHAS = [0.01, 1.0, 10.0, 300.0]
SIZES = [(1,), (4,), (4, 2)]
PIPELINE = Pipeline([("scale", StandardScaler()), ("network", Small())])

with catch_warnings():
    # the largest alpha leaves constant models
    simplefilter("ignore", ConvergenceWarning)
    grid = GridSearchCV(Small(), {"alpha": ALPHAS, "hidden_layer_sizes": SIZES}, cv=4).fit(X, y)
    in_pipeline = GridSearchCV(
        PIPELINE, {"network__alpha": ALPHAS, "network__hidden_layer_sizes": [(2,), (5,)]}, cv=3
    ).fit(X, y)
    with_solvers = GridSearchCV(
        Small(),
        {"alpha": ALPHAS, "hidden_layer_sizes": [(1,), (4,)], "activation": ["logistic", "relu"]},
        cv=3,
    ).fit(X, y)


def table(search, x="alpha", y="hidden_layer_sizes", score="mean_test_score"):
    """Return the best score of each cell."""
    results = pd.DataFrame(search.cv_results_)
    return results.pivot_table(
        score, f"param_{y}", f"param_{x}", aggfunc="max", sort=False, dropna=False
    )


def folds_of(search, candidate):
    return np.array(
        [search.cv_results_[f"split{i}_test_score"][candidate] for i in range(search.n_splits_)]
    )


def frame_of(display):
    """Return the row and the column that the frame lies in."""
    x, y = display.best_frame_.get_center()
    assert display.best_frame_.get_width() < 1
    assert display.best_frame_.get_height() < 1
    return (y, x)


def enclosed(display):
    """Return the cells that an odd number of upright lines separates from the left margin."""
    shape = np.shape(display.mean_scores)
    uprights = [
        (segment[:, 1].mean(), segment[0, 0])
        for segment in display.region_.get_segments()
        if segment[0, 0] == segment[1, 0]
    ]
    cells = np.zeros(shape, dtype=bool)
    for row, column in product(*map(range, shape)):
        cells[row, column] = sum(r == row and c < column for r, c in uprights) % 2
    return cells


def labels_of(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


# Scores


def test_the_colours_are_the_mean_scores():
    display = GridSearchDisplay.from_search(grid)
    expected = table(grid)
    assert_array_equal(display.im_.get_array(), expected)
    assert_array_equal(display.mean_scores, expected)
    assert display.x_values == ALPHAS == expected.columns.tolist()
    assert display.y_values == SIZES == expected.index.tolist()
    assert (display.x_name, display.y_name) == ("alpha", "hidden_layer_sizes")


def test_the_axes_end_with_the_cells():
    display = GridSearchDisplay.from_search(grid)
    display.figure_.draw_without_rendering()
    assert (display.ax_.get_xlim(), display.ax_.get_ylim()) == ((-0.5, 3.5), (-0.5, 2.5))


def test_each_score_is_written_in_its_cell():
    display = GridSearchDisplay.from_search(grid)
    scores = table(grid).to_numpy()
    assert display.text_.shape == scores.shape
    for row, column in np.ndindex(scores.shape):
        text = display.text_[row, column]
        assert text.get_position() == (column, row)
        assert float(text.get_text()) == pytest.approx(scores[row, column], rel=5e-3)
    assert len(display.ax_.texts) == scores.size


def test_rows_and_columns_can_be_exchanged():
    display = GridSearchDisplay.from_search(grid, x="hidden_layer_sizes", y="alpha")
    assert_array_equal(display.im_.get_array(), table(grid).T)


def test_axes_say_what_they_show():
    display = GridSearchDisplay.from_search(grid)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("alpha", "hidden_layer_sizes")
    assert labels_of(display.ax_.xaxis) == ["0.01", "1", "10", "300"]
    assert labels_of(display.ax_.yaxis) == ["(1,)", "(4,)", "(4, 2)"]
    assert display.colorbar_.ax.get_ylabel() == "Mean score"


def test_other_parameters_are_at_their_best():
    display = GridSearchDisplay.from_search(with_solvers)
    assert_array_equal(display.im_.get_array(), table(with_solvers))
    by_activation = GridSearchDisplay.from_search(with_solvers, y="activation")
    assert_array_equal(by_activation.im_.get_array(), table(with_solvers, y="activation"))


@pytest.mark.parametrize("y", [None, "hidden_layer_sizes"])
def test_the_best_row_remains_of_one_parameter(y):
    display = GridSearchDisplay.from_search(grid, y=y)
    best = table(grid).max(axis=0)
    assert_array_equal(np.max(display.mean_scores, axis=0), best)
    assert (display.mean_scores.shape == (1, 4)) == (y is None)


def test_a_search_over_one_parameter_has_one_row():
    search = GridSearchCV(Small(), {"alpha": ALPHAS}, cv=3).fit(X, y)
    display = GridSearchDisplay.from_search(search, y=None)
    assert_array_equal(display.im_.get_array(), [search.cv_results_["mean_test_score"]])
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("alpha", "")
    assert labels_of(display.ax_.yaxis) == []


# The best cell, and those within a standard error


@pytest.mark.parametrize("search", [grid, with_solvers, in_pipeline])
def test_the_frame_is_around_the_best_cell(search):
    display = GridSearchDisplay.from_search(search)
    best = {name.rpartition("__")[2]: value for name, value in search.best_params_.items()}
    row = display.y_values.index(best["hidden_layer_sizes"])
    column = display.x_values.index(best["alpha"])
    assert frame_of(display) == display.best_cell == (row, column)


@pytest.mark.parametrize("search", [grid, with_solvers])
def test_the_line_is_around_the_cells_within_one_standard_error(search):
    display = GridSearchDisplay.from_search(search)
    folds = folds_of(search, search.best_index_)
    error = np.sqrt(np.mean((folds - folds.mean()) ** 2)) / np.sqrt(len(folds))
    expected = table(search).to_numpy() >= folds.mean() - error
    assert 1 < expected.sum() < expected.size
    assert display.standard_error == pytest.approx(error)
    assert_array_equal(display.one_standard_error, expected)
    assert_array_equal(enclosed(display), expected)


def test_the_line_runs_between_what_is_in_and_what_is_out():
    inside = np.array([[True, True, False], [False, True, False]])
    display = GridSearchDisplay(
        x_name="alpha",
        y_name="solver",
        x_values=[1, 2, 3],
        y_values=["cg", "gd"],
        mean_scores=np.where(inside, 0.9, 0.1),
        best_cell=(0, 0),
        standard_error=0.0,
        one_standard_error=inside,
    ).plot()
    edges = {tuple(map(tuple, segment.tolist())) for segment in display.region_.get_segments()}
    assert edges == {
        ((-0.5, -0.5), (-0.5, 0.5)),
        ((-0.5, -0.5), (0.5, -0.5)),
        ((0.5, -0.5), (1.5, -0.5)),
        ((1.5, -0.5), (1.5, 0.5)),
        ((-0.5, 0.5), (0.5, 0.5)),
        ((0.5, 0.5), (0.5, 1.5)),
        ((0.5, 1.5), (1.5, 1.5)),
        ((1.5, 0.5), (1.5, 1.5)),
    }
    assert_array_equal(enclosed(display), inside)


def test_repeated_folds_all_count():
    cv = RepeatedStratifiedKFold(n_splits=2, n_repeats=3, random_state=0)
    search = GridSearchCV(Small(), {"alpha": [1.0, 30.0]}, cv=cv).fit(X, y)
    folds = folds_of(search, search.best_index_)
    assert len(folds) == 6
    display = GridSearchDisplay.from_search(search, y=None)
    assert display.standard_error == pytest.approx(folds.std() / np.sqrt(6))


def test_the_first_of_equal_cells_is_the_best():
    search = deepcopy(grid)
    search.cv_results_["mean_test_score"][:] = 0.5
    display = GridSearchDisplay.from_search(search)
    assert display.best_cell == (0, 0)
    assert display.one_standard_error.all()


def test_the_frames_are_explained():
    display = GridSearchDisplay.from_search(grid)
    assert display.ax_.get_title().splitlines() == [
        "solid frame: best",
        "dashed line: within one standard error of it",
    ]
    assert display.best_frame_.get_linestyle() == "solid"
    assert display.region_.get_linestyle() != [(0, None)]


# The names of parameters


@pytest.mark.parametrize("prefix", ["", "network__"])
def test_the_prefix_of_a_pipeline_may_be_left_out(prefix):
    display = GridSearchDisplay.from_search(
        in_pipeline, f"{prefix}alpha", f"{prefix}hidden_layer_sizes"
    )
    assert (display.x_name, display.y_name) == ("network__alpha", "network__hidden_layer_sizes")
    expected = table(in_pipeline, "network__alpha", "network__hidden_layer_sizes")
    assert_array_equal(display.im_.get_array(), expected)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("alpha", "hidden_layer_sizes")


@pytest.mark.parametrize(("x", "y"), [("solver", "alpha"), ("alpha", "solver"), ("lpha", None)])
def test_a_parameter_that_is_missing_is_named_and_those_that_there_are(x, y):
    names = r"\['network__alpha', 'network__hidden_layer_sizes'\]"
    missing = "lpha" if x == "lpha" else "solver"
    with pytest.raises(ValueError, match=f"'{missing}' is not a parameter .* which has {names}"):
        GridSearchDisplay.from_search(in_pipeline, x, y)


def test_a_name_that_two_parameters_end_in_is_ambiguous():
    model = Pipeline([("first", Small(max_iter=1000)), ("second", Small())])
    parameters = {"first__alpha": [0.1, 1.0], "second__alpha": [0.1, 1.0, 10.0]}
    search = GridSearchCV(model, parameters, cv=2).fit(X, y)
    names = r"\['first__alpha', 'second__alpha'\]"
    with pytest.raises(ValueError, match=f"'alpha' is the end of several .* which has {names}"):
        GridSearchDisplay.from_search(search, "alpha", None)
    display = GridSearchDisplay.from_search(search, "first__alpha", "second__alpha")
    expected = ("first__alpha", "second__alpha")
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == expected


# Their values


def test_numbers_are_in_order_and_shorter_tuples_first():
    parameters = {"alpha": [10.0, 0.1, 1], "hidden_layer_sizes": [(3, 2), (10,), (3,)]}
    search = GridSearchCV(Small(), parameters, cv=2).fit(X, y)
    display = GridSearchDisplay.from_search(search)
    assert display.x_values == [0.1, 1, 10]
    assert display.y_values == [(3,), (10,), (3, 2)]
    expected = table(search).loc[display.y_values, display.x_values]
    assert_array_equal(display.im_.get_array(), expected)


def test_other_values_are_in_the_order_in_which_they_were_tried():
    search = GridSearchCV(Small(), {"alpha": [1.0], "solver": ["lbfgs", "cg"]}, cv=2).fit(X, y)
    assert GridSearchDisplay.from_search(search, y="solver").y_values == ["lbfgs", "cg"]


def test_values_of_numpy_are_shown_as_numbers():
    parameters = {
        "alpha": np.logspace(-1, 1, 4),
        "hidden_layer_sizes": [(np.int64(3),), (np.int64(3), np.int64(2))],
    }
    search = GridSearchCV(Small(), parameters, cv=2).fit(X, y)
    ax = GridSearchDisplay.from_search(search).ax_
    assert labels_of(ax.xaxis) == ["0.1", "0.464", "2.15", "10"]
    assert labels_of(ax.yaxis) == ["(3,)", "(3, 2)"]


def test_activations_are_shown_by_their_names():
    own = Activation(np.arctan, lambda a: np.cos(a) ** 2, name="arctan")
    parameters = {"alpha": [1.0], "activation": ["tanh", own]}
    search = GridSearchCV(Small(), parameters, cv=2).fit(X, y)
    ax = GridSearchDisplay.from_search(search, y="activation").ax_
    assert labels_of(ax.yaxis) == ["tanh", "arctan"]


def test_steps_of_a_pipeline_are_shown_in_a_short_line():
    long = Small(hidden_layer_sizes=(2,), activation="tanh", output_activation="softmax")
    parameters = {"scale": ["passthrough", StandardScaler()], "network": [Small(), long]}
    search = GridSearchCV(PIPELINE, parameters, cv=2).fit(X, y)
    display = GridSearchDisplay.from_search(search, "network", "scale")
    display.figure_.draw_without_rendering()  # a warning says where there is no room
    assert labels_of(display.ax_.yaxis) == ["passthrough", "StandardScaler()"]
    for label, value in zip(labels_of(display.ax_.xaxis), display.x_values, strict=True):
        assert len(label) == 24
        assert label[:-1] == " ".join(str(value).split())[:23]


def test_a_candidate_without_the_parameter_has_the_estimators():
    parameters = [{"alpha": [0.1, 1.0]}, {"hidden_layer_sizes": [(2,)], "alpha": [1.0]}]
    search = GridSearchCV(Small(hidden_layer_sizes=(4,)), parameters, cv=2).fit(X, y)
    display = GridSearchDisplay.from_search(search)
    assert display.y_values == [(2,), (4,)]
    first, second, third = search.cv_results_["mean_test_score"]
    assert_array_equal(display.mean_scores, [[np.nan, third], [first, second]])


# Several scores


@pytest.fixture(scope="module")
def multimetric():
    return GridSearchCV(
        Small(),
        {"alpha": ALPHAS, "hidden_layer_sizes": [(2,)]},
        cv=3,
        scoring=["accuracy", "neg_log_loss"],
        refit="neg_log_loss",
    ).fit(X, y)


@pytest.mark.parametrize("metric", ["accuracy", "neg_log_loss", None])
def test_one_of_several_scores_is_shown(multimetric, metric):
    name = metric or "neg_log_loss"
    display = GridSearchDisplay.from_search(multimetric, metric=metric)
    assert_array_equal(
        display.im_.get_array(), table(multimetric, score=f"mean_test_{name}").to_numpy()
    )
    assert display.score_name == name
    assert display.colorbar_.ax.get_ylabel() == f"Mean {name}"
    best = multimetric.cv_results_[f"std_test_{name}"][display.best_cell[1]]
    assert display.standard_error == pytest.approx(best / np.sqrt(3))


def test_an_unknown_score_is_refused(multimetric):
    match = r"metric must be one of \['accuracy', 'neg_log_loss'\]\. Got 'auc' instead"
    with pytest.raises(ValueError, match=match):
        GridSearchDisplay.from_search(multimetric, metric="auc")


def test_which_score_must_be_known(multimetric):
    search = deepcopy(multimetric).set_params(refit=False)
    with pytest.raises(ValueError, match=r"metric must be one of .* Got None instead"):
        GridSearchDisplay.from_search(search)


def test_the_name_of_a_single_score_is_shown():
    search = GridSearchCV(Small(), {"alpha": ALPHAS}, cv=2, scoring="f1_macro").fit(X, y)
    display = GridSearchDisplay.from_search(search, y=None)
    assert display.colorbar_.ax.get_ylabel() == "Mean f1_macro"


# Cells without a score


def test_cells_that_were_not_tried_are_blank():
    parameters = {"alpha": loguniform(0.01, 100), "hidden_layer_sizes": [(2,), (5,)]}
    search = RandomizedSearchCV(Small(), parameters, n_iter=6, cv=2, random_state=0).fit(X, y)
    display = GridSearchDisplay.from_search(search)
    tried = np.zeros((2, 6), dtype=bool)
    for params, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    ):
        cell = (
            display.y_values.index(params["hidden_layer_sizes"]),
            display.x_values.index(params["alpha"]),
        )
        tried[cell] = True
        assert display.im_.get_array()[cell] == score
        assert display.text_[cell].get_text()
    assert display.x_values == sorted(params["alpha"] for params in search.cv_results_["params"])
    assert_array_equal(np.ma.getmaskarray(display.im_.get_array()), ~tried)
    assert [text is None for text in display.text_.ravel()] == (~tried).ravel().tolist()
    assert not display.one_standard_error[~tried].any()


def test_a_candidate_that_failed_has_no_score():
    search = deepcopy(grid)
    search.cv_results_["mean_test_score"][search.best_index_] = np.nan
    display = GridSearchDisplay.from_search(search)
    row = SIZES.index(search.best_params_["hidden_layer_sizes"])
    column = ALPHAS.index(search.best_params_["alpha"])
    assert display.im_.get_array().mask[row, column]
    assert display.best_cell != (row, column)
    assert np.nanmax(display.mean_scores) == display.mean_scores[display.best_cell]


def test_a_search_in_which_all_failed_is_refused():
    search = deepcopy(grid)
    search.cv_results_["mean_test_score"][:] = np.nan
    with pytest.raises(ValueError, match="No candidate of the search has a score"):
        GridSearchDisplay.from_search(search)


def test_a_halving_search_is_shown_where_each_cell_got_to():
    import_module("sklearn.experimental.enable_halving_search_cv")
    from sklearn.model_selection import HalvingGridSearchCV

    search = HalvingGridSearchCV(
        Small(), {"alpha": ALPHAS, "hidden_layer_sizes": SIZES}, cv=2, random_state=0
    ).fit(X, y)
    results = pd.DataFrame(search.cv_results_)
    assert results["iter"].max() > 0
    last = results.sort_values("iter").drop_duplicates(
        ["param_alpha", "param_hidden_layer_sizes"], keep="last"
    )
    display = GridSearchDisplay.from_search(search)
    stages = last.pivot_table("iter", "param_hidden_layer_sizes", "param_alpha", sort=False)
    stages = stages.loc[display.y_values, display.x_values].to_numpy()
    scores = last.pivot_table(
        "mean_test_score", "param_hidden_layer_sizes", "param_alpha", sort=False
    )
    assert_array_equal(display.mean_scores, scores.loc[display.y_values, display.x_values])
    row, column = display.best_cell
    assert display.x_values[column] == search.best_params_["alpha"]
    assert display.y_values[row] == search.best_params_["hidden_layer_sizes"]
    assert not display.one_standard_error[stages < stages.max()].any()


# Legibility


def relative_luminance(color):
    """Return WCAG's relative luminance."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("cmap", ["viridis", "cividis", "RdBu", "Greys"])
def test_scores_are_readable_on_every_colour(cmap):
    scores = np.linspace(0, 1, 100).reshape(10, 10)
    display = GridSearchDisplay(
        x_name="alpha",
        y_name="max_iter",
        x_values=range(10),
        y_values=range(10),
        mean_scores=scores,
        best_cell=(9, 9),
        standard_error=0.0,
        one_standard_error=scores == 1,
    ).plot(cmap=cmap)
    for cell in np.ndindex(scores.shape):
        cell_color = display.im_.to_rgba(scores)[cell][:3]
        text = 0.0 if same_color(display.text_[cell].get_color(), "black") else 1.0
        lighter, darker = sorted([relative_luminance(cell_color), text], reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) > 4.5  # WCAG's level AA


@pytest.mark.parametrize(("shape", "n_axes"), [((2, 3), 1), ((12, 4), 1), ((4, 15), 2)])
def test_scores_fit_into_their_cells(shape, n_axes):
    scores = np.random.default_rng(0).uniform(-0.9, -0.1, shape)
    figure, axes = plt.subplots(n_axes, n_axes, layout="constrained", squeeze=False)
    for ax in axes.ravel():
        display = GridSearchDisplay(
            x_name="alpha",
            y_name="max_iter",
            x_values=range(shape[1]),
            y_values=range(shape[0]),
            mean_scores=scores,
            best_cell=(0, 0),
            standard_error=0.0,
            one_standard_error=scores > -0.5,
        ).plot(ax)
    figure.draw_without_rendering()
    cell = display.ax_.get_window_extent().size / shape[::-1]
    for text in display.text_.ravel():
        assert (text.get_window_extent().size <= cell).all()


# What can be passed


def test_the_image_has_the_properties_that_are_given():
    display = GridSearchDisplay.from_search(grid, cmap="cividis", vmin=0, origin="upper")
    assert display.im_.get_cmap().name == "cividis"
    assert display.im_.get_clim()[0] == 0
    assert display.im_.origin == "upper"


def test_axes_can_be_given():
    _, (ax, other) = plt.subplots(1, 2)
    display = GridSearchDisplay.from_search(grid, ax=ax)
    assert display.ax_ is ax
    assert display.plot(other).ax_ is other


def test_what_is_not_fitted_is_refused():
    with pytest.raises(NotFittedError):
        GridSearchDisplay.from_search(GridSearchCV(Small(), {"alpha": ALPHAS}))


def test_a_search_that_does_not_refit_will_do():
    search = GridSearchCV(Small(), {"alpha": ALPHAS}, cv=2, refit=False).fit(X, y)
    display = GridSearchDisplay.from_search(search, y=None)
    assert_allclose(display.mean_scores, [search.cv_results_["mean_test_score"]])


# BackpropClassifierCV, which is a search too


@pytest.mark.parametrize("is_in_pipeline", [False, True])
def test_the_scores_of_a_backprop_classifier_cv(is_in_pipeline):
    model = BackpropClassifierCV(
        SIZES, "tanh", alphas=ALPHAS[::-1], cv=3, exhaustive=True, max_iter=20, random_state=0
    )
    model = make_pipeline(model) if is_in_pipeline else model
    model.fit(X, y)
    found = model[-1] if is_in_pipeline else model
    display = GridSearchDisplay.from_search(model)
    assert (display.x_name, display.y_name) == ("alpha", "hidden_layer_sizes")
    assert_array_equal(display.x_values, ALPHAS)
    assert display.y_values == SIZES
    assert_allclose(display.mean_scores, found.scores_.mean(axis=0)[:, ::-1])
    row, column = display.best_cell
    assert display.y_values[row] == found.hidden_layer_sizes_
    assert display.x_values[column] == found.alpha_
    errors = found.scores_.std(axis=0)[:, ::-1] / np.sqrt(3)
    assert display.standard_error == pytest.approx(errors[row, column])


def test_cells_that_a_path_did_not_reach_are_blank():
    model = BackpropClassifierCV(
        (5,),
        ["tanh", "relu"],
        alphas=[3, 0.3, 0.01, 0.0001],
        cv=3,
        max_iter=200,
        random_state=0,
    ).fit(X, y)
    is_blank = np.isnan(model.scores_).any(axis=0)
    assert is_blank.any()
    display = GridSearchDisplay.from_search(model, y="activation")
    assert_array_equal(np.isnan(display.mean_scores), is_blank[:, ::-1])
    assert not display.one_standard_error[is_blank[:, ::-1]].any()


def test_a_pipeline_that_is_not_fitted_is_refused():
    with pytest.raises(NotFittedError):
        GridSearchDisplay.from_search(make_pipeline(BackpropClassifierCV()))
