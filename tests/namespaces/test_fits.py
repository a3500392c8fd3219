"""Fits of arrays of other libraries are those of NumPy's, and stay where they are."""

import pickle

import numpy as np
import pytest
import sklearn
from scipy.sparse import csr_array
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._array_api import move_estimator_to

from skbp import BackpropClassifier, BackpropClassifierCV
from skbp.activations import Activation

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y3 = make_classification(200, 8, n_informative=6, n_classes=3, random_state=0)
Y2 = (Y3 > 0).astype(int)
LABELS = make_multilabel_classification(200, 8, n_classes=4, random_state=0)[1]
NAMES = np.array(["a", "b", "c"])[Y3]
WEIGHT = np.random.RandomState(0).randint(4, size=200).astype(float)
METHODS = ("decision_function", "predict_proba", "predict_log_proba", "transform")

SOLVERS = ["lbfgs", "cg", "gd", "sgd", "adam"]
PROBLEMS = {
    "binary": (Y2, {}),
    "two units": (Y2, {"binary_outputs": 2}),
    "two units, softmax": (Y2, {"binary_outputs": 2, "output_activation": "softmax"}),
    "three classes": (Y3, {}),
    "softmax": (Y3, {"output_activation": "softmax"}),
    "squared error": (Y3, {"loss": "squared_error"}),
    "softmax, squared error": (Y3, {"output_activation": "softmax", "loss": "squared_error"}),
    "multilabel": (LABELS, {}),
    "linear": (Y3, {"hidden_layer_sizes": ()}),
}
SETTINGS = {
    "class weights": {"class_weight": "balanced"},
    "a dict of class weights": {"class_weight": {0: 2.0, 1: 0.5}},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 2},
    "early stopping by accuracy": {"early_stopping": True, "scoring": "accuracy"},
    "dropout": {"dropout": 0.3},
    "label smoothing": {"label_smoothing": 0.1},
    "clipped gradients": {"max_grad_norm": 0.1},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False, "learning_rate_init": 0.1},
    "in order": {"shuffle": False},
    "one cycle": {"learning_rate": "one_cycle"},
    "batches of one": {"batch_size": 1, "max_iter": 1, "learning_rate_init": 0.01},
    "one batch": {"batch_size": 200},
}


def classifier(**parameters):
    given = {"hidden_layer_sizes": (12, 6), "activation": "tanh", "max_iter": 4, "random_state": 0}
    return BackpropClassifier(**given | parameters)


def methods_of(model):
    return METHODS if model.n_layers_ > 2 else METHODS[:-1]


def assert_same(model, expected, xp, dtype=np.float64):
    """Check that a model of arrays of a library is one of NumPy."""
    given = xp.asarray(X.astype(dtype))
    rtol = 1e-8 if dtype == np.float64 else 1e-3
    arrays = [*model.coefs_, *model.intercepts_]
    assert all(type(array) is type(given) and array.device == given.device for array in arrays)
    assert model.loss_ == pytest.approx(expected.loss_, rel=rtol)
    for name in methods_of(model):
        found, wanted = getattr(model, name)(given), getattr(expected, name)(X.astype(dtype))
        assert type(found) is type(given)
        assert found.device == given.device
        found = np.asarray(found)
        assert found.dtype == dtype
        assert np.linalg.norm(found - wanted) <= rtol * np.linalg.norm(wanted)


@pytest.mark.parametrize(
    ("solver", "problem"),
    [
        *((solver, "three classes") for solver in ("cg", "gd", "sgd")),
        *((solver, problem) for solver in ("lbfgs", "adam") for problem in PROBLEMS),
    ],
)
def test_every_solver_and_kind_of_target(xp, dispatch, solver, problem):
    y, parameters = PROBLEMS[problem]
    model = classifier(solver=solver, **parameters)
    expected = sklearn.clone(model).fit(X, y, WEIGHT)
    model.fit(xp.asarray(X), xp.asarray(y), xp.asarray(WEIGHT))
    assert_same(model, expected, xp)
    labels = model.predict(xp.asarray(X))
    assert type(labels) is type(xp.asarray(X))
    assert np.array_equal(np.asarray(labels), expected.predict(X))


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting(xp, dispatch, setting):
    model = classifier(**{"solver": "adam", "max_iter": 5} | SETTINGS[setting])
    expected = sklearn.clone(model).fit(X, Y3, WEIGHT)
    model.fit(xp.asarray(X), xp.asarray(Y3), xp.asarray(WEIGHT))
    assert (model.validation_scores_ is None) == (expected.validation_scores_ is None)
    scores = np.array([model.validation_scores_, expected.validation_scores_], float)
    assert np.allclose(*scores, rtol=1e-6, equal_nan=True)
    assert model.n_iter_ == expected.n_iter_
    assert_same(model, expected, xp)


@pytest.mark.parametrize("solver", SOLVERS)
def test_float32_stays_float32(xp, dispatch, solver):
    model = classifier(solver=solver)
    X32 = X.astype(np.float32)
    expected = sklearn.clone(model).fit(X32, Y3)
    model.fit(xp.asarray(X32), xp.asarray(Y3))
    assert str(model.coefs_[0].dtype).endswith("float32")
    assert_same(model, expected, xp, np.float32)


def test_a_validation_set_may_be_in_numpy(xp, dispatch):
    expected = classifier().fit(X[:150], Y3[:150], X_val=X[150:], y_val=Y3[150:])
    rows = xp.asarray(X)
    for X_val in (X[150:], rows[150:, :]):
        model = classifier().fit(rows[:150, :], xp.asarray(Y3[:150]), X_val=X_val, y_val=Y3[150:])
        assert model.validation_scores_ == pytest.approx(expected.validation_scores_, rel=1e-8)


def test_strings_stay_in_numpy(xp, dispatch):
    model = classifier().fit(xp.asarray(X), NAMES)
    assert_same(model, classifier().fit(X, NAMES), xp)
    assert isinstance(model.classes_, np.ndarray)
    assert model.predict(xp.asarray(X)).tolist() == classifier().fit(X, NAMES).predict(X).tolist()


def test_classes_are_where_y_is(xp, dispatch):
    model = classifier().fit(xp.asarray(X), xp.asarray(Y3))
    assert type(model.classes_) is type(xp.asarray(Y3))
    assert np.asarray(model.classes_).tolist() == [0, 1, 2]
    assert isinstance(classifier().fit(xp.asarray(X), Y3).classes_, np.ndarray)


def test_it_continues(xp, dispatch):
    expected, model = classifier(warm_start=True), classifier(warm_start=True)
    for _ in range(2):
        expected.fit(X, Y3)
        model.fit(xp.asarray(X), xp.asarray(Y3))
    assert_same(model, expected, xp)


@pytest.mark.parametrize(("y", "classes"), [(Y3, np.arange(3)), (LABELS, None)])
def test_a_stream(xp, dispatch, y, classes):
    expected, model = classifier(solver="adam"), classifier(solver="adam")
    there = None if classes is None else xp.asarray(classes)
    for part in (slice(0, 80), slice(80, 160), slice(160, 200)):
        expected.partial_fit(X[part], y[part], classes=classes)
        model.partial_fit(xp.asarray(X[part]), xp.asarray(y[part]), classes=there)
    assert_same(model, expected, xp)


def test_initialize(xp, dispatch):
    model = classifier().initialize(xp.asarray(X), xp.asarray(Y3))
    assert_same(model, classifier().initialize(X, Y3), xp)


def test_it_moves_and_is_pickled(xp, dispatch):
    rows, expected = xp.asarray(X), classifier().fit(X, Y3)
    model = classifier().fit(rows, xp.asarray(Y3))
    assert_same(pickle.loads(pickle.dumps(model)), expected, xp)
    moved = move_estimator_to(model, np, "cpu")
    assert np.allclose(moved.predict_proba(X), expected.predict_proba(X), rtol=1e-8)
    there, device = move_estimator_to(expected, *_place_of(rows)), rows.device
    assert there.coefs_[0].device == device
    assert_same(there, expected, xp)
    assert model.summary() == expected.summary()


def _place_of(array):
    xp, _, device = sklearn.utils._array_api.get_namespace_and_device(array)
    return xp, device


def test_in_a_pipeline_and_cross_validation(dispatch):
    torch = pytest.importorskip("torch")
    model = make_pipeline(StandardScaler(), classifier())
    expected = cross_val_score(model, X, Y3, cv=3)
    found = cross_val_score(model, torch.asarray(X), torch.asarray(Y3), cv=3)
    assert found == pytest.approx(expected, abs=1e-6)


def test_without_dispatch_they_become_arrays_of_numpy():
    torch = pytest.importorskip("torch")
    model = classifier().fit(torch.asarray(X), torch.asarray(Y3))
    assert isinstance(model.coefs_[0], np.ndarray)
    assert np.array_equal(model.predict_proba(torch.asarray(X)), model.predict_proba(X))
    assert np.array_equal(model.predict_proba(X), classifier().fit(X, Y3).predict_proba(X))


def test_a_model_that_was_fitted_elsewhere_predicts_without_dispatch(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    with sklearn.config_context(array_api_dispatch=True):
        model = classifier().fit(torch.asarray(X), torch.asarray(Y3))
    expected = classifier().fit(X, Y3)
    assert np.allclose(model.predict_proba(X), expected.predict_proba(X), rtol=1e-8)
    assert np.allclose(model.transform(X), expected.transform(X), rtol=1e-7, atol=1e-8)


def test_sparse_x_stays_with_numpy(xp, dispatch):
    model = classifier().fit(csr_array(X), xp.asarray(Y3))
    assert isinstance(model.coefs_[0], np.ndarray)
    assert isinstance(model.predict_proba(csr_array(X)), np.ndarray)


def test_a_multilabel_sparse_y(xp, dispatch):
    model = classifier().fit(xp.asarray(X), csr_array(LABELS))
    expected = classifier().fit(X, csr_array(LABELS))
    assert_same(model, expected, xp)
    assert (model.predict(xp.asarray(X)) != expected.predict(X)).nnz == 0


def test_an_own_activation_is_an_error_that_names_it(xp, dispatch):
    own = Activation(np.sin, lambda a: np.sqrt(1 - a * a), "my_sine")
    with pytest.raises(ValueError, match=r"activation=Activation\(name='my_sine'\).*NumPy array"):
        classifier(activation=own).fit(xp.asarray(X), xp.asarray(Y3))


def test_a_search_refuses_them(xp, dispatch):
    with pytest.raises(ValueError, match=r"BackpropClassifierCV takes no arrays of .*NumPy"):
        BackpropClassifierCV((4,), alphas=2).fit(xp.asarray(X), xp.asarray(Y3))


def test_invalid_numbers_are_errors(xp, dispatch):
    X_nan = X.copy()
    X_nan[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        classifier().fit(xp.asarray(X_nan), xp.asarray(Y3))
    with pytest.raises(ValueError, match="weight"):
        classifier().fit(xp.asarray(X), xp.asarray(Y3), xp.asarray(-WEIGHT))
    model = classifier().fit(xp.asarray(X), xp.asarray(Y3))
    with pytest.raises(ValueError, match="8 features"):
        model.predict(xp.asarray(X[:, :5]))


def test_training_that_diverges_is_an_error(xp, dispatch):
    model = classifier(activation="relu", solver="sgd", learning_rate_init=1e200, max_iter=20)
    with pytest.raises(ValueError, match="learning_rate_init"):
        model.fit(xp.asarray(X), xp.asarray(Y3))
