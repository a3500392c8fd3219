"""The options of a conversion, its inputs, and its errors."""

import sys

import numpy as np
import pandas as pd
import pytest
import skl2onnx
from converted import outputs, session_of
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skbp import BackpropClassifier, BackpropClassifierCV
from skbp.activations import Activation
from skbp.onnx import to_onnx

X, Y = load_iris(return_X_y=True)
X32 = X.astype(np.float32)
NAMES = load_iris().target_names[Y]
LABELS = {
    "names": NAMES,
    "int": Y - 1,
    "uint8": Y.astype(np.uint8),
    "float": Y.astype(float),
    "bool": Y == 1,
    "multilabel": np.c_[Y == 1, Y > 0].astype(int),
}


def fitted(y=NAMES, **parameters):
    return BackpropClassifier((4,), alpha=0.1, random_state=0, **parameters).fit(X32, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", LABELS)
def test_probabilities_as_dicts(kind, dtype):
    model = fitted(LABELS[kind])
    label, dicts = outputs(model, X.astype(dtype), options={"zipmap": True})
    np.testing.assert_array_equal(label, model.predict(X32))
    assert list(dicts[0]) == model.classes_.tolist()
    p = [list(each.values()) for each in dicts]
    np.testing.assert_allclose(p, model.predict_proba(X32), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", LABELS)
def test_probabilities_in_an_output_for_each_class(kind):
    model = fitted(LABELS[kind])
    _, *columns = outputs(model, X32, options={"zipmap": "columns"})
    np.testing.assert_allclose(np.transpose(columns), model.predict_proba(X32), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", LABELS)
def test_class_labels_as_an_output(kind):
    model = fitted(LABELS[kind])
    label, _, classes = outputs(model, X32, options={"output_class_labels": True})
    np.testing.assert_array_equal(label, model.predict(X32))
    np.testing.assert_array_equal(classes, model.classes_)


def test_class_labels_beside_dicts_are_an_error():
    with pytest.raises(ValueError, match="zipmap"):
        to_onnx(fitted(), X32, options={"output_class_labels": True, "zipmap": True})


def test_numbers_of_classes_instead_of_labels():
    label, _ = outputs(fitted(), X32, options={"nocl": True})
    assert label.dtype == np.int64
    np.testing.assert_array_equal(label, np.searchsorted(np.unique(NAMES), fitted().predict(X32)))


def test_options_of_a_step_of_a_pipeline():
    model = make_pipeline(StandardScaler(), fitted()).fit(X, NAMES)
    step = "backpropclassifier__raw_scores"
    for options in ({step: True}, {id(model[-1]): {"raw_scores": True}}):
        _, scores = outputs(model, X, options=options)
        np.testing.assert_allclose(scores, model.decision_function(X), rtol=1e-10)


def test_skl2onnx_itself_converts():
    model = make_pipeline(StandardScaler(), fitted()).fit(X, NAMES)
    session = session_of(skl2onnx.to_onnx(model, X[:1]))
    assert [each.name for each in session.get_outputs()] == ["output_label", "output_probability"]
    label, dicts = session.run(None, {"X": X})
    np.testing.assert_array_equal(label, model.predict(X))
    assert max(dicts[0], key=dicts[0].get) == label[0]


def test_saturated_units_do_not_tie():
    coefs, biases = [[[1.0, 2.0, 3.0]]], [[0.0, 0.0, 0.0]]
    model = BackpropClassifier(()).initialize(
        np.ones((3, 1), np.float32), [0, 1, 2], coefs_init=coefs, intercepts_init=biases
    )
    for x in (1e3, -1e3):
        label, p = outputs(model, np.array([[x]], np.float32))
        _, log_p = outputs(model, np.array([[x]], np.float32), options={"log_proba": True})
        assert label[0] == p.argmax() == log_p.argmax() == model.predict([[x]])[0]
        assert p.max() <= 1
        assert np.isfinite(log_p).all()


def test_integers_are_computed_in_float64():
    rng = np.random.RandomState(0)
    large = rng.randint(1 << 30, (1 << 30) + 4, (40, 2))
    y = large.sum(axis=1) % 2
    model = BackpropClassifier((), alpha=0, max_iter=1).initialize(large - (1 << 30), y)
    model.intercepts_[0] -= (1 << 30) * model.coefs_[0].sum(axis=0)
    label, p = outputs(model, large)
    np.testing.assert_array_equal(label, model.predict(large))
    np.testing.assert_allclose(p, model.predict_proba(large), rtol=0, atol=1e-5)


def frame():
    colors = np.array(["red", "green", "blue"])[np.arange(150) % 3]
    return pd.DataFrame({"length": X[:, 0], "color": colors, "width": X[:, 1]})


def columns_of(data):
    """Return a frame as onnxruntime takes it: a matrix of one column for each name."""
    return {name: data[[name]].to_numpy() for name in data}


def test_a_frame_with_categories_has_an_input_for_each_column():
    data = frame()
    encoder = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["color"]), (StandardScaler(), ["length", "width"])
    )
    model = make_pipeline(encoder, fitted()).fit(data, NAMES)
    session = session_of(to_onnx(model, data))
    assert [each.name for each in session.get_inputs()] == list(data)
    label, p = session.run(None, columns_of(data.astype({"color": object})))
    np.testing.assert_array_equal(label, model.predict(data))
    # skl2onnx has one-hot columns, and what stands beside them, in float32
    np.testing.assert_allclose(p, model.predict_proba(data), rtol=0, atol=1e-5)


def test_a_classifier_takes_the_columns_of_a_frame():
    data = frame()[["length", "width"]]
    model = BackpropClassifier((4,), random_state=0).fit(data, NAMES)
    label, p = session_of(to_onnx(model, data)).run(None, columns_of(data))
    np.testing.assert_array_equal(label, model.predict(data))
    np.testing.assert_allclose(p, model.predict_proba(data), rtol=0, atol=1e-12)


def test_an_activation_of_your_own_is_an_error_that_names_it():
    cube = Activation(lambda z: z**3, lambda a: 3 * np.cbrt(a) ** 2, "cube")
    model = BackpropClassifier((2, 2), ["tanh", cube]).initialize(X, Y)
    with pytest.raises(NotImplementedError, match="cube"):
        to_onnx(model, X)
    search = BackpropClassifierCV((), alphas=[1.0], cv=2).fit(X, Y)
    search.members_ = [model, model]
    search.member_weights_ = np.array([0.5, 0.5])
    with pytest.raises(NotImplementedError, match="cube"):
        to_onnx(make_pipeline(search), X)


def test_another_number_of_columns_is_an_error():
    with pytest.raises(ValueError, match=r"4 features.*3"):
        to_onnx(fitted(), X32[:, :3])


def test_a_network_without_a_hidden_layer_has_no_transform():
    model = BackpropClassifier(()).fit(X, Y)
    with pytest.raises(ValueError, match="hidden layer"):
        to_onnx(model, X, options={"transform": True})


def test_a_model_must_be_fitted():
    with pytest.raises(NotFittedError):
        to_onnx(BackpropClassifier(), X)


def test_without_skl2onnx_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    monkeypatch.delitem(sys.modules, "skbp.onnx")
    with pytest.raises(ImportError, match=r"skl2onnx.*pip install"):
        import skbp.onnx  # noqa: F401
