"""onnxruntime and skbp agree for hundreds of random models."""

import numpy as np
import pytest
from converted import OPSETS, TOLERANCE, outputs, random_model

from skbp.activations import ACTIVATIONS

SEEDS = range(200)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_model(seed):
    model, X, scale = random_model(seed)
    label, p = outputs(model, X, target_opset=OPSETS[seed % len(OPSETS)])
    expected = model.predict_proba(X)
    assert p.dtype == expected.dtype == X.dtype
    # rounding in the first layer is as large as X
    np.testing.assert_allclose(p, expected, rtol=0, atol=TOLERANCE[X.dtype] * scale)
    np.testing.assert_array_equal(label, model.predict(X))
    if p.shape[1] == len(model.classes_) and label.ndim == 1:
        np.testing.assert_array_equal(model.classes_[p.argmax(axis=1)], label)


@pytest.mark.parametrize("seed", SEEDS[::8])
def test_the_other_outputs_of_a_random_model(seed):
    model, X, _ = random_model(seed)
    tolerance = {"rtol": 2e-5, "atol": 2e-5} if X.dtype == np.float32 else {"rtol": 1e-11}
    _, log_p = outputs(model, X, options={"log_proba": True})
    np.testing.assert_allclose(log_p, model.predict_log_proba(X), **{"atol": 1e-12} | tolerance)
    _, scores = outputs(model, X, options={"raw_scores": True})
    expected = model.decision_function(X)
    if expected.ndim == 1:
        expected = np.c_[-expected, expected]
    np.testing.assert_allclose(scores, expected, **{"atol": 1e-11} | tolerance)
    if model.n_layers_ > 2:
        (features,) = outputs(model, X, options={"transform": True})
        np.testing.assert_allclose(features, model.transform(X), **{"atol": 1e-12} | tolerance)


def test_the_seeds_cover_the_kinds_of_models():
    models = [random_model(seed)[0] for seed in SEEDS]
    assert {g for model in models for g in model.activation} == set(ACTIVATIONS)
    assert {model.out_activation_ for model in models} == {"logistic", "softmax"}
    kinds = {type(model.targets_).__name__ for model in models}
    assert kinds == {f"{kind}Targets" for kind in ("Binary", "TwoUnit", "Multiclass", "Multilabel")}
    assert {model.classes_.dtype.kind for model in models} >= set("bfiuU")
    assert any(model.classes_.dtype.kind in "OU" and "é" in str(model.classes_) for model in models)
