"""label_smoothing: training on targets that are moved towards 1/K."""

import numpy as np
import pytest
from fitting import (
    FULL_BATCH,
    PROBLEMS,
    Brief,
    Small,
    assert_same_model,
    every_mini_batch_solver,
    every_problem,
    every_solver,
    may_stop_early,
    theta_of,
    weights_of,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.preprocessing import LabelBinarizer

from skbp import BackpropClassifier
from skbp.network import Network
from skbp.objective import Objective

pytestmark = may_stop_early


def smoothed(problem, y, epsilon):
    """Return y (1 − ε) + ε/K, where K is 2 for one logistic unit."""
    Y = LabelBinarizer().fit_transform(y)
    return Y * (1 - epsilon) + epsilon / (3 if problem == "multiclass" else 2)


@every_problem
@pytest.mark.parametrize("solver", FULL_BATCH)
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
@pytest.mark.parametrize("output_activation", ["logistic", "softmax"])
def test_the_cost_is_that_of_the_smoothed_targets(problem, solver, loss, output_activation):
    X, y = PROBLEMS[problem]
    model = Brief(
        solver=solver, loss=loss, output_activation=output_activation, label_smoothing=0.3
    ).fit(X, y)
    network = Network((X.shape[1], 5, model.n_outputs_), "logistic", model.out_activation_)
    cost = Objective(network, X, smoothed(problem, y, 0.3), loss, alpha=0.5)
    assert_allclose(model.loss_, cost(theta_of(model, network))[0], rtol=1e-12)


@every_problem
def test_each_step_is_along_the_gradient_of_the_smoothed_targets(problem):
    X, y = PROBLEMS[problem]
    model = Small(solver="sgd", batch_size=len(y), momentum=0.0, shuffle=False)
    model.set_params(label_smoothing=0.2, learning_rate_init=0.5).initialize(X, y)
    network = Network((X.shape[1], 5, model.n_outputs_))
    for n_calls in (1, 2, 3):
        # m in λ/2m counts the rows of all calls
        cost = Objective(network, X, smoothed(problem, y, 0.2), alpha=0.5 / n_calls)
        theta = theta_of(model, network)
        model.partial_fit(X, y)
        assert_allclose(theta_of(model, network), theta - 0.5 * cost(theta)[1], rtol=1e-12)


@pytest.mark.parametrize(
    ("problem", "output_activation", "confident"),
    [
        ("binary", "logistic", 1 - 0.2 / 2),
        ("multilabel", "logistic", 1 - 0.2 / 2),
        ("multiclass", "softmax", 1 - 0.2 + 0.2 / 3),
    ],
)
def test_a_network_becomes_as_confident_as_its_targets(problem, output_activation, confident):
    X, y = PROBLEMS[problem]
    model = BackpropClassifier(
        (20,), output_activation=output_activation, alpha=1e-4, label_smoothing=0.2, random_state=0
    ).fit(X, y)
    proba = model.predict_proba(X)
    assert_allclose(np.median(proba.max(axis=1)), confident, atol=0.03)


@every_solver
@every_problem
def test_without_it_the_targets_are_the_labels(solver, problem):
    X, y = PROBLEMS[problem]
    model = Brief(solver=solver, label_smoothing=0.0)
    assert_same_model(model.fit(X, y), Brief(solver=solver).fit(X, y))
    smooth = Brief(solver=solver, label_smoothing=0.1).fit(X, y)
    assert not np.array_equal(weights_of(smooth), weights_of(model))


@every_mini_batch_solver
def test_partial_fit_smooths_too(solver):
    X, y = PROBLEMS["multiclass"]
    model = Small(solver=solver, shuffle=False, alpha=0, label_smoothing=0.2)
    fitted = clone(model).set_params(max_iter=3, n_iter_no_change=np.inf).fit(X, y)
    for _ in range(3):
        model.partial_fit(X, y, [0, 1, 2])
    assert_same_model(model, fitted)


def test_with_a_float32_x_it_is_computed_in_float32():
    X, y = PROBLEMS["multiclass"]
    model = Brief(label_smoothing=0.1).fit(X.astype(np.float32), y)
    assert model.coefs_[0].dtype == np.float32
    assert_allclose(model.loss_, Brief(label_smoothing=0.1).fit(X, y).loss_, rtol=1e-3)


def test_predictions_are_of_the_labels():
    X, y = PROBLEMS["multiclass"]
    model = Small(label_smoothing=0.5).fit(X, y)
    assert_array_equal(model.classes_, [0, 1, 2])
    assert model.score(X, y) > 0.9
