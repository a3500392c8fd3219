"""binary_outputs=2, two output units for two classes: by hand, and by the lecture's loop."""

import pickle
from math import exp, log

import numpy as np
import pytest
from fitting import (
    PROBLEMS,
    Brief,
    Small,
    assert_same_model,
    every_mini_batch_solver,
    every_solver,
    may_stop_early,
    weights_of,
)
from lecture import gradient_computation
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from skbp import BackpropClassifier, weights
from skbp.estimator.assembly import assemble, objective_of

X, y = PROBLEMS["binary"]  # the classes 1 and 2
Y = np.column_stack([y == 1, y == 2]).astype(float)
every_activation = pytest.mark.parametrize("output_activation", ["logistic", "softmax"])
every_loss = pytest.mark.parametrize("loss", ["log_loss", "squared_error"])


def units(output_activation="logistic", **parameters):
    return Brief(binary_outputs=2, output_activation=output_activation, **parameters)


# ------------------------------------------------------------------ a 2-3-2 network by hand

COEFS = [[[1.0, -1.0, 0.0], [0.0, 1.0, 2.0]], [[1.0, 0.0], [0.0, 1.0], [-1.0, 1.0]]]
INTERCEPTS = [[0.0, 0.5, -1.0], [0.25, -0.25]]


def g(z):
    return 1 / (1 + exp(-z))


def outputs_by_hand(x_1, x_2):
    """Return z of both output units."""
    a_1, a_2, a_3 = g(x_1), g(0.5 - x_1 + x_2), g(-1 + 2 * x_2)
    return 0.25 + a_1 - a_3, -0.25 + a_2 + a_3


def lectures_network(output_activation):
    model = BackpropClassifier(
        (3,), "logistic", binary_outputs=2, output_activation=output_activation, alpha=0.4
    )
    given = {"coefs_init": COEFS, "intercepts_init": INTERCEPTS}
    return model.initialize([[0.0, 1.0], [2.0, -1.0]], ["no", "yes"], **given)


PENALTY = 0.4 / (2 * 2) * (1 + 1 + 1 + 4 + 1 + 1 + 1 + 1)


def test_cost_and_outputs_of_a_2_3_2_network_by_hand():
    model = lectures_network("logistic")
    (z_1, z_2), (z_3, z_4) = outputs_by_hand(0, 1), outputs_by_hand(2, -1)
    cross_entropies = -log(g(z_1)) - log(1 - g(z_2)) - log(1 - g(z_3)) - log(g(z_4))
    assert_allclose(model.loss_, cross_entropies / 2 + PENALTY, rtol=1e-12)
    a = model.transform([[0.0, 1.0]], layer=3)
    assert_allclose(a, [[g(z_1), g(z_2)]], rtol=1e-12)
    assert_allclose(model.predict_proba([[0.0, 1.0]]), a / a.sum(), rtol=1e-12)
    assert model.network_.layer_sizes == (2, 3, 2)
    assert (model.n_outputs_, model.out_activation_) == (2, "logistic")


def test_cost_and_outputs_of_a_2_3_2_network_with_softmax_by_hand():
    model = lectures_network("softmax")
    (z_1, z_2), (z_3, z_4) = outputs_by_hand(0, 1), outputs_by_hand(2, -1)
    p_1, p_2 = exp(z_1) / (exp(z_1) + exp(z_2)), exp(z_4) / (exp(z_3) + exp(z_4))
    assert_allclose(model.loss_, -(log(p_1) + log(p_2)) / 2 + PENALTY, rtol=1e-12)
    assert_allclose(model.predict_proba([[0.0, 1.0]]), [[p_1, 1 - p_1]], rtol=1e-12)
    assert_allclose(model.decision_function([[0.0, 1.0]]), [z_2 - z_1], rtol=1e-12)
    assert model.out_activation_ == "softmax"


@every_activation
@every_loss
def test_cost_and_gradient_are_the_lectures(output_activation, loss):
    model = units(output_activation, loss=loss, alpha=2.0)
    model.initialize(X, y)
    Thetas = weights.join(model.coefs_, model.intercepts_)
    J, D = gradient_computation(Thetas, X, Y, "logistic", output_activation, loss, 2.0)
    objective = objective_of(assemble(model, X, y, None, None))
    found = objective(model.network_.pack(Thetas))
    assert_allclose(found[0], J, rtol=1e-11)
    assert_allclose(model.network_.unpack(found[1])[0], D[0], rtol=1e-9, atol=1e-13)
    assert_allclose(model.network_.unpack(found[1])[1], D[1], rtol=1e-9, atol=1e-13)
    assert_allclose(model.loss_, J, rtol=1e-11)


# ------------------------------------------------------------------------------- predictions


@may_stop_early
@every_activation
def test_predictions_are_those_of_the_two_units(output_activation):
    model = units(output_activation).fit(X, y)
    (A, B), (a, b) = model.coefs_, model.intercepts_
    z = expit(X @ A + a) @ B + b
    h = softmax(z, axis=1) if output_activation == "softmax" else expit(z)
    proba = h / h.sum(axis=1, keepdims=True)
    assert_allclose(model.predict_proba(X), proba, rtol=1e-10)
    assert_allclose(model.predict_log_proba(X), np.log(proba), rtol=1e-8)
    assert_array_equal(model.predict(X), z.argmax(axis=1) + 1)
    decision = model.decision_function(X)
    assert decision.shape == (100,)
    assert_allclose(decision, np.log(proba[:, 1] / proba[:, 0]), rtol=1e-8, atol=1e-12)
    assert roc_auc_score(y, decision) == roc_auc_score(y, proba[:, 1])


@may_stop_early
@every_activation
@every_solver
def test_every_solver_learns(output_activation, solver):
    # the rate is found by trial
    model = units(output_activation, solver=solver, alpha=0.01, learning_rate_init="auto")
    model.set_params(max_iter=300, early_stopping=True).fit(X, y)
    assert model.score(X, y) > 0.8
    assert_allclose(model.best_validation_score_, max(model.validation_scores_), rtol=0)


def test_softmax_without_hidden_units_is_logistic_regression():
    # two units with weights ±w/2 have half the penalty of one with w
    model = BackpropClassifier((), binary_outputs=2, output_activation="softmax", tol=1e-8)
    model.set_params(alpha=2.0).fit(X, y)
    reference = LogisticRegression(C=1.0, tol=1e-10).fit(X, y)
    assert_allclose(model.decision_function(X), reference.decision_function(X), atol=1e-4)


@may_stop_early
@every_activation
def test_the_validation_score_is_the_log_loss(output_activation):
    model = units(output_activation).fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    expected = -log_loss(y[1::2], model.predict_proba(X[1::2]))
    assert_allclose(model.validation_scores_[-1], expected)


# ---------------------------------------------------------------------- other kinds, and more


@may_stop_early
@pytest.mark.parametrize("problem", ["multiclass", "multilabel"])
def test_other_labels_have_the_same_units_as_ever(problem):
    X, y = PROBLEMS[problem]
    assert_same_model(Brief(binary_outputs=2).fit(X, y), Brief().fit(X, y))


@may_stop_early
@every_mini_batch_solver
def test_partial_fit_continues(solver):
    model = Small(binary_outputs=2, solver=solver)
    for part in (slice(0, 50), slice(50, 100)):
        model.partial_fit(X[part], y[part], classes=[1, 2])
    assert model.n_outputs_ == 2
    assert model.predict(X).shape == (100,)


@may_stop_early
@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
def test_a_model_with_as_many_units_can_be_continued_only(before, after):
    model = Brief(binary_outputs=before, solver="sgd", warm_start=True).fit(X, y)
    theta = weights_of(model)
    message = f"binary_outputs={after} cannot continue the fitted model, which has {before} output"
    for method in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=message):
            model.set_params(binary_outputs=after) and method(X, y)
    assert_array_equal(weights_of(model), theta)
    model.set_params(binary_outputs=before, output_activation="softmax").fit(X, y)


@may_stop_early
def test_class_weights_are_sample_weights():
    weight = np.where(y == 1, 3.0, 0.5)
    model = units(class_weight={1: 3.0, 2: 0.5}).fit(X, y)
    assert_same_model(model, units().fit(X, y, weight), rtol=1e-6, atol=1e-8)


@may_stop_early
def test_a_model_can_be_pickled():
    model = units("softmax").fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    assert_array_equal(copy.decision_function(X), model.decision_function(X))


def test_label_smoothing_moves_one_hot_targets():
    model = units(label_smoothing=0.2).initialize(X, y)
    smoothed = 0.8 * Y + 0.1
    z = expit(X @ model.coefs_[0] + model.intercepts_[0]) @ model.coefs_[1] + model.intercepts_[1]
    loss = -(smoothed * np.log(expit(z)) + (1 - smoothed) * np.log(expit(-z))).sum(axis=1).mean()
    penalty = 0.5 / 200 * sum((coef**2).sum() for coef in model.coefs_)
    assert_allclose(model.loss_, loss + penalty, rtol=1e-12)
