"""A frame with columns that are not numbers is an error that names them."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from fitting import may_stop_early

from skbp import BackpropClassifier, BackpropClassifierCV

COLUMNS = {"a": [1.0, 2.0, 3.0, 4.0], "color": ["red", "blue", "red", "blue"], "n": [1, 2, 3, 4]}
NUMBERS = np.column_stack([COLUMNS["a"], [0.0, 1, 0, 1], COLUMNS["n"]])
Y = [0, 1, 0, 1]
DATES = np.array(["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04"], "datetime64[ns]")

FRAMES = {
    "pandas": pd.DataFrame(COLUMNS),
    "pandas objects": pd.DataFrame(COLUMNS).astype({"color": object}),
    "pandas categories": pd.DataFrame(COLUMNS).astype({"color": "category"}),
    "pandas dates": pd.DataFrame(COLUMNS | {"color": DATES}),
    "pandas lists": pd.DataFrame(COLUMNS | {"color": [[1], [2, 3], [], [4]]}),
    "polars": pl.DataFrame(COLUMNS),
    "polars categories": pl.DataFrame(COLUMNS, schema_overrides={"color": pl.Categorical}),
}

pytestmark = may_stop_early


def model(**parameters):
    return BackpropClassifier((), random_state=0, **parameters)


CALLS = {
    "fit": lambda X: model().fit(X, Y),
    "partial_fit": lambda X: model(solver="adam").partial_fit(X, Y, classes=[0, 1]),
    "initialize": lambda X: model().initialize(X, Y),
    "X_val": lambda X: model().fit(NUMBERS, Y, X_val=X, y_val=Y),
    "fit of a search": lambda X: BackpropClassifierCV((), cv=2).fit(X, Y),
}


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.filterwarnings("ignore:X has feature names")
def test_an_error_names_the_columns(call, kind):
    with pytest.raises(ValueError, match=r"not numbers: 'color'\..*OneHotEncoder"):
        CALLS[call](FRAMES[kind])


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function", "transform"])
def test_an_error_of_a_prediction_names_the_columns(method, kind):
    names = list(COLUMNS)
    network = BackpropClassifier((2,)).fit(pd.DataFrame(NUMBERS, columns=names), Y)
    with pytest.raises(ValueError, match=r"not numbers: 'color'\."):
        getattr(network, method)(FRAMES[kind])


def test_all_columns_are_named():
    frame = pd.DataFrame({"x": ["a", "b"] * 2, "y": [1, 2, 3, 4], 3: ["c", "d"] * 2})
    frame.columns = ["x", "y", "z"]
    with pytest.raises(ValueError, match="'x', 'z'"):
        model().fit(frame, Y)


@pytest.mark.parametrize(
    "column",
    [
        pd.array([1, None, 3, 4], dtype="Int64"),
        pd.Categorical([1, None, 3, 4]),
        np.array([1, None, 3, 4], object),
        [1.0, np.nan, 3.0, 4.0],
    ],
    ids=["nullable", "categories", "objects", "floats"],
)
def test_missing_numbers_keep_the_error_of_scikit_learn(column):
    with pytest.raises(ValueError, match="NaN"):
        model().fit(pd.DataFrame({"a": column}), Y)


def test_other_errors_stay():
    with pytest.raises(ValueError, match="could not convert string to float"):
        model().fit([["a"], ["b"]], [0, 1])
    with pytest.raises(ValueError, match="inconsistent"):
        model().fit(pd.DataFrame(NUMBERS), [0, 1])


def test_numbers_in_any_frame_are_the_same_model():
    frames = [pd.DataFrame({"n": pd.Categorical([1, 2, 3, 4])}), pl.DataFrame({"n": [1, 2, 3, 4]})]
    expected = model().fit(np.array([[1.0], [2], [3], [4]]), Y).coefs_[0]
    for frame in frames:
        np.testing.assert_array_equal(model().fit(frame, Y).coefs_[0], expected)
