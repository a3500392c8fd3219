"""skbp.estimator.prediction: the shortcut past scikit-learn's validation, and rows in blocks."""

import threading
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from fitting import IRIS, Brief, Small, may_stop_early
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.exceptions import NotFittedError

from skbp import BackpropClassifier
from skbp.activations import Activation
from skbp.engine.compiled import kernels

pytestmark = may_stop_early

X, y = IRIS
METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function", "transform"]
over_methods = pytest.mark.parametrize("method", METHODS)


@pytest.fixture(scope="module")
def model():
    return Brief().fit(X, y)


@pytest.fixture(scope="module")
def model_with_names():
    return Brief().fit(pd.DataFrame(X, columns=list("abcd")), y)


# --------------------------------------------------------------------------- the shortcut


def outcome(predict, X):
    """Return what a prediction returns or raises, and its warnings, to compare."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            result = predict(X)
            result = (result.dtype, result.shape, result.tobytes())
        except Exception as error:
            result = (type(error), str(error))
    return result, [(w.category, str(w.message)) for w in warned]


def with_value(value):
    changed = X.copy()
    changed[3, 2] = value
    return changed


class OwnArray(np.ndarray):
    """A subclass whose own operations must not be met."""


INPUTS = {
    "valid": X,
    "one_row": X[:1],
    "single_precision": X.astype(np.float32),
    "by_columns": np.asfortranarray(X),
    "with_steps": X[::-2],
    "nan": with_value(np.nan),
    "inf": with_value(np.inf),
    "minus_inf": with_value(-np.inf),
    "huge": with_value(1e308),
    "inf_in_single_precision": with_value(np.inf).astype(np.float32),
    "one_feature_less": X[:, :3],
    "one_feature_more": np.hstack([X, X[:, :1]]),
    "no_feature": X[:, :0],
    "no_row": X[:0],
    "one_dimension": X[0],
    "three_dimensions": X[np.newaxis],
    "no_dimension": np.array(1.0),
    "integers": X.astype(int),
    "booleans": X > 0,
    "half_precision": X.astype(np.float16),
    "long_doubles": X.astype(np.longdouble),
    "complex": X.astype(complex),
    "objects": X.astype(object),
    "text": X.astype(str),
    "other_byte_order": X.astype(">f8"),
    "lists": X.tolist(),
    "masked": np.ma.masked_array(X, mask=X > 10),
    "subclass": X.view(OwnArray),
    "read_only": np.broadcast_to(X[:1], X.shape),
    "many_rows": np.tile(X, (20, 1)),
    "many_rows_with_nan": np.tile(with_value(np.nan), (20, 1)),
    "frame": pd.DataFrame(X),
    "frame_with_names": pd.DataFrame(X, columns=list("abcd")),
    "frame_with_other_names": pd.DataFrame(X, columns=list("abce")),
    "nothing": None,
    "sparse": sparse.csr_array(X),
    "sparse_matrix": sparse.csr_matrix(X[:1].astype(np.float32)),
    "sparse_with_nan": sparse.csr_array(with_value(np.nan)),
    "sparse_with_inf": sparse.csr_matrix(with_value(np.inf)),
    "sparse_by_columns": sparse.csc_array(X),
    "sparse_integers": sparse.csr_array(X.astype(int)),
    "sparse_one_feature_less": sparse.csr_array(X[:, :3]),
    "sparse_no_row": sparse.csr_array(X[:0]),
    "sparse_without_entries": sparse.csr_array((3, 4)),
    "sparse_many_rows": sparse.csr_array(np.tile(X + 1, (20, 1))),
}


@pytest.fixture
def without_shortcut(monkeypatch):
    def call(predict, X):
        with monkeypatch.context() as longer:
            longer.setattr(BackpropClassifier, "_is_valid", lambda self, X: False)
            return outcome(predict, X)

    return call


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("fitted_with", ["model", "model_with_names"])
def test_every_input_is_judged_as_scikit_learn_judges_it(
    name, fitted_with, request, without_shortcut
):
    predict = request.getfixturevalue(fitted_with).predict_proba
    assert outcome(predict, INPUTS[name]) == without_shortcut(predict, INPUTS[name])


@over_methods
def test_scikit_learns_configuration_holds(method, model, without_shortcut):
    predict = getattr(model, method)
    with config_context(assume_finite=True), np.errstate(invalid="ignore"):
        given = INPUTS["nan"]
        assert outcome(predict, given) == without_shortcut(predict, given)


@over_methods
def test_a_model_that_is_not_fitted_says_so(method):
    with pytest.raises(NotFittedError, match="This BackpropClassifier instance is not fitted yet"):
        getattr(BackpropClassifier(), method)(X)
    with pytest.raises(NotFittedError):
        getattr(BackpropClassifier(), method)(None)


def test_the_shortcut_is_taken_for_a_few_valid_rows_alone(model, model_with_names):
    taken = {name for name, given in INPUTS.items() if model._is_valid(given)}
    assert taken == {
        "valid",
        "one_row",
        "single_precision",
        "sparse",
        "sparse_matrix",
        "sparse_without_entries",
        "by_columns",
        "with_steps",
        "huge",
        "read_only",
    }
    assert not model_with_names._is_valid(X)


@over_methods
def test_a_prediction_does_not_change_its_input(method, model):
    given = X.copy()
    getattr(model, method)(given)
    assert_array_equal(given, X)


# ------------------------------------------------------------------------ rows in blocks


# 1024 rows and 4163 weights are the least that is divided
@pytest.fixture(scope="module")
def large_model():
    return Small(hidden_layer_sizes=(520,), max_iter=1).fit(X, y)


@pytest.fixture(scope="module")
def many_rows():
    return np.random.default_rng(0).normal(size=(3000, 4))


@over_methods
@pytest.mark.parametrize("n_rows", [1023, 1024, 1025, 2049, 3000])
def test_predictions_do_not_depend_on_the_blocks(method, n_rows, large_model, many_rows):
    predict = getattr(large_model, method)
    together = predict(many_rows[:n_rows])
    # few enough to be computed at once
    apart = np.concatenate(
        [predict(many_rows[i : min(i + 500, n_rows)]) for i in range(0, n_rows, 500)]
    )
    assert together.shape == apart.shape
    assert together.dtype == apart.dtype
    assert_allclose(together, apart, 1e-12, 1e-12)


@over_methods
def test_predictions_of_many_rows_are_bitwise_the_same_again(method, large_model, many_rows):
    predict = getattr(large_model, method)
    assert_array_equal(predict(many_rows), predict(many_rows))


def threads_of_predictions(activation, large):
    """Return the threads from which an activation's g is called while a model predicts."""
    threads = set()

    def g(z):
        threads.add(threading.current_thread())
        return activation(z)

    own = Activation(g, lambda a: 1 - a * a)
    model = Small(hidden_layer_sizes=(520,), activation=own, max_iter=1).fit(X, y)
    threads.clear()
    for method in METHODS:
        getattr(model, method)(large)
    return threads


def test_own_activations_are_called_from_one_thread_alone(many_rows):
    assert threads_of_predictions(np.tanh, many_rows) == {threading.current_thread()}


def test_predictions_in_several_threads_at_once_are_right(large_model, many_rows):
    expected, found = large_model.predict_proba(many_rows), [None] * 8

    def predict(i):
        found[i] = large_model.predict_proba(many_rows)

    threads = [threading.Thread(target=predict, args=[i]) for i in range(len(found))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in found:
        assert_array_equal(result, expected)


# ----------------------------------------------------------------------- memory


N_CLASSES, N_ROWS = 400, 20_000
MANY_CLASSES = np.repeat(np.arange(N_CLASSES), 2)


@pytest.fixture(scope="module")
def of_many_classes():
    X = np.random.default_rng(0).normal(size=(len(MANY_CLASSES), 4))
    return BackpropClassifier((8,), random_state=0).initialize(X, MANY_CLASSES)


def peak_memory(function):
    """Return the largest size of the memory that a function allocates, in bytes."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_predict_never_holds_the_outputs_of_all_rows(of_many_classes):
    X = np.random.default_rng(1).normal(size=(N_ROWS, 4))
    of_all_rows = N_ROWS * N_CLASSES * X.itemsize
    assert peak_memory(lambda: of_many_classes.predict(X)) < of_all_rows / 2


@pytest.mark.parametrize("method", ["decision_function", "predict_proba"])
def test_outputs_are_in_memory_once(method, of_many_classes):
    X = np.random.default_rng(1).normal(size=(N_ROWS, 4))
    of_all_rows = N_ROWS * N_CLASSES * X.itemsize
    # a block has some arrays of its own, with NumPy on each of two threads
    most = 1.6 if kernels else 1.9
    assert peak_memory(lambda: getattr(of_many_classes, method)(X)) < most * of_all_rows


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_labels_of_several_blocks_of_rows_are_those_of_each_block(container):
    rng = np.random.default_rng(2)
    y, X = rng.integers(2, size=(60, 3)), rng.normal(size=(6000, 4))
    model = BackpropClassifier((200,), random_state=0).initialize(X[:60], container(y))
    found, z = model.predict(X), model.decision_function(X)
    assert type(found) is type(model.predict(X[:1]))
    assert_array_equal(found if container is np.asarray else found.toarray(), z > 0)


def test_in_float32_the_logarithm_of_a_probability_of_1_is_0():
    # z between 16 and 18, where 1 / (1 + e^-z) rounds to 1 in float32
    X = np.linspace(16, 18, 9, dtype=np.float32)[:, np.newaxis]
    model = BackpropClassifier((), random_state=0).initialize(np.float32([[0], [1]]), [0, 1])
    model.coefs_, model.intercepts_ = [np.float32([[1.0]])], [np.zeros(1, np.float32)]
    p, log_p = model.predict_proba(X)[:, 1], model.predict_log_proba(X)[:, 1]
    assert (log_p[p == 1] == 0).all()
    assert (p == 1).any()
