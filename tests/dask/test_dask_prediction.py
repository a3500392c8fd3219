import dask
import numpy as np
import pandas as pd
import pytest
from dask_data import X, array, classifier, frame, series, sparse_array, unknown, y
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal, assert_series_equal
from scipy import sparse

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAMES = np.array([f"digit {i}" for i in range(10)])[y]
METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function", "transform"]


@pytest.fixture(scope="module")
def model():
    return classifier(early_stopping=False).fit(array(X), array(NAMES))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("kind", "dtype"), [(array, float), (unknown, float), (sparse_array, np.float32)]
)
def test_arrays_become_arrays(model, method, kind, dtype):
    given = kind(X.astype(dtype))
    found = getattr(model, method)(given)
    expected = getattr(model.to_local(), method)(X.astype(dtype))
    assert isinstance(found, dask.array.Array)
    assert found.dtype == expected.dtype
    assert found.ndim == expected.ndim
    assert found.chunks[0] == given.chunks[0] or kind is unknown
    assert found.chunks[1:] == tuple((size,) for size in expected.shape[1:])
    computed = found.compute()
    assert computed.shape == expected.shape
    if method == "predict":
        assert_array_equal(computed, expected)
    else:
        np.testing.assert_allclose(computed, expected, rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module")
def of_frames():
    return classifier(early_stopping=False).fit(frame(X), series(NAMES))


@pytest.mark.parametrize("method", METHODS)
def test_frames_become_frames_with_index_and_names(of_frames, method):
    fitted, given = of_frames, frame(X)
    found = getattr(fitted, method)(given)
    whole = given.compute()
    expected = getattr(fitted.to_local(), method)(whole)
    computed = found.compute()
    if method == "predict":
        assert_series_equal(computed, pd.Series(expected, whole.index, name="predict"))
        return
    columns = fitted.classes_
    if method == "transform":
        columns = fitted.get_feature_names_out()
    assert list(found.columns) == list(computed.columns) == list(columns)
    assert_frame_equal(computed, pd.DataFrame(expected, whole.index, columns))


def test_two_classes_have_a_series_of_decisions():
    fitted = classifier(early_stopping=False).fit(frame(X), series(y > 4))
    found = fitted.decision_function(frame(X)).compute()
    assert found.name == "decision_function"
    expected = fitted.to_local().decision_function(frame(X).compute())
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    proba = fitted.predict_proba(frame(X))
    assert list(proba.columns) == [False, True]


def test_predictions_are_lazy(model):
    def never(block):
        raise AssertionError("computed")

    lazy = array(X).map_blocks(never, dtype=float, meta=np.empty((0, 0)))
    for method in METHODS:
        assert getattr(model, method)(lazy).shape[0] == len(X)


def test_another_layer(model):
    found = model.transform(array(X), layer=3)
    assert found.shape == (len(X), 10)
    expected = model.to_local().transform(X, layer=3)
    np.testing.assert_allclose(
        found.compute(), expected, rtol=1e-12
    )  # a partition may have a single row


def test_sparse_labels_stay_sparse():
    labels = np.column_stack([y > 4, y % 2 == 0]).astype(int)
    fitted = classifier(early_stopping=False).fit(array(X), sparse_array(labels))
    found = fitted.predict(array(X)).compute()
    assert sparse.issparse(found)
    assert_array_equal(found.toarray(), fitted.to_local().predict(X).toarray())


def test_the_score_is_that_of_all_rows(model, of_frames):
    weight = np.arange(len(y)) % 3
    assert model.score(array(X), array(NAMES)) == pytest.approx(model.score(X, NAMES))
    weighted = model.score(array(X), array(NAMES), array(weight))
    assert weighted == pytest.approx(model.score(X, NAMES, weight))
    expected = of_frames.to_local().score(frame(X).compute(), NAMES)
    assert of_frames.score(frame(X), series(NAMES)) == pytest.approx(expected)


def test_other_columns_are_refused_before_anything_is_computed(model, of_frames):
    with pytest.raises(ValueError, match="63 features"):
        model.predict(array(X[:, 1:]))
    with pytest.raises(ValueError, match="feature names"):
        of_frames.predict(frame(X).rename(columns={"x0": "other"}))


def test_set_output_does_not_change_collections():
    fitted = classifier(early_stopping=False).fit(array(X), array(y)).set_output(transform="pandas")
    assert isinstance(fitted.transform(array(X)).compute(), np.ndarray)
    assert isinstance(fitted.transform(X), pd.DataFrame)
