"""Warnings after a fit: what provokes each of them, and what must not."""

import warnings

import numpy as np
import pytest
from fitting import IRIS, SOLVERS, Small, interrupt_after
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine, make_circles
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

from skbp import BackpropClassifier

X, y = IRIS
CIRCLES = make_circles(200, noise=0.05, factor=0.4, random_state=0)
XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
CANCER = load_breast_cancer(return_X_y=True)


def network(hidden_layer_sizes=(10,), *args, **params):
    return BackpropClassifier(hidden_layer_sizes, *args, **{"random_state": 0} | params)


def warned(model, *data, **more):
    """Return the categories and texts of the warnings of a fit."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(*data, **more)
    return [(warning.category, str(warning.message)) for warning in caught]


def text_of(model, *data, **more):
    """Return the text of the only warning; empty if there is none."""
    found = warned(model, *data, **more)
    assert [category for category, _ in found] in ([], [ConvergenceWarning])
    return found[0][1] if found else ""


# ------------------------------------------------------------------------- nothing is learned


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("data", [CIRCLES, XOR, IRIS], ids=["circles", "xor", "iris"])
def test_a_strong_penalty_is_named(solver, data):
    text = text_of(network(solver=solver, alpha=1000.0), *data)
    assert "constant" in text
    assert "alpha=1e+03" in text


@pytest.mark.parametrize("alpha", [1.0, 0.1, "auto"])
def test_a_weaker_penalty_is_not(alpha):
    assert text_of(network(alpha=alpha), *CIRCLES) == ""


def test_light_weights_are_named_with_their_factor():
    text = text_of(network((10,), "logistic", alpha=0.5), X, y, np.full(150, 1 / 150))
    assert "sample weights sum to 1 for 150 rows" in text
    assert "alpha" in text


@pytest.mark.parametrize(
    ("alpha", "weight"), [(0.5, 1.0), (0.5, 0.5), (0.5 / 150, 1 / 150), ("auto", 1 / 150)]
)
def test_weights_that_fit_alpha_are_not(alpha, weight):
    assert text_of(network((10,), "tanh", alpha=alpha), X, y, np.full(150, weight)) == ""


@pytest.mark.parametrize("sizes", [(), (10,)])
def test_a_linear_network_is_named(sizes):
    text = text_of(network(sizes, "identity"), *CIRCLES)
    assert "constant" in text
    assert "linear" in text


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic"])
def test_one_that_is_not_linear_learns_circles(activation):
    assert "linear" not in text_of(network((10,), activation, alpha=0.01), *CIRCLES)


def test_a_linear_network_is_right_where_classes_are_linear():
    assert text_of(network((), "identity"), X, y) == ""


def test_deep_logistic_layers_and_the_squared_error_are_named():
    model = network((10,) * 8, "logistic", loss="squared_error", alpha=0.5)
    text = text_of(model, X, y)
    assert "constant" in text
    assert "8 logistic layers" in text
    assert "log_loss" in text


@pytest.mark.parametrize("sizes", [(10,), (10, 10)])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_few_layers_are_not(sizes, activation):
    assert text_of(network(sizes, activation), X, y) == ""


# ------------------------------------------------------------------------- a class is missing


def test_a_class_that_is_never_predicted_is_named():
    rng = np.random.default_rng(0)
    labels = np.where(y == 2, "rare", np.array(["a", "b", "c"])[y])
    # a class without features of its own, which is less frequent than another one
    X_two = np.vstack([X[:100], rng.normal(size=(60, 4)) * 0.1 + X[:60]])
    y_two = np.append(labels[:100], ["rare"] * 45 + ["a"] * 15)
    text = text_of(network(solver="lbfgs", alpha=1.0), X_two[:145], y_two[:145])
    assert "never predicts class" in text
    assert "rare" in text


# ------------------------------------------------------------------------------ scales of X


def with_income(data):
    X, y = data
    rng = np.random.default_rng(0)
    return np.column_stack([X, rng.normal(50_000, 10_000, len(y))]), y


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_array])
def test_a_column_beside_which_others_vanish_is_named(container):
    X_income, labels = with_income(IRIS)
    text = text_of(network(), container(X_income), labels)
    assert "column" in text
    assert "tandardise X" in text


@pytest.mark.parametrize("factor", [1e-5, 1.0, 50.0])
def test_columns_of_similar_scales_are_not(factor):
    X_income, labels = with_income(IRIS)
    X_income[:, -1] = scale(X_income[:, -1]) * min(factor, 1)
    assert "column" not in text_of(network(), X_income * max(factor, 1), labels)


def test_max_iter_is_too_small_for_scaled_features():
    text = text_of(network(max_iter=3), X, y)
    assert "max_iter=3" in text
    assert "alpha" in text
    assert "early_stopping" in text
    assert "tandardise" not in text


def test_max_iter_is_too_small_for_features_that_are_not():
    text = text_of(network(max_iter=5), *load_wine(return_X_y=True))
    assert "tandardise" in text


# ----------------------------------------------------------------------- validation sets


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_fit_that_diverges_under_early_stopping_is_told(solver):
    model = network(solver=solver, learning_rate_init=30.0, early_stopping=True)
    text = text_of(model, X, y)
    assert "learning_rate_init" in text


def test_a_validation_set_that_was_not_scaled_is_told():
    X_raw, labels = CANCER
    held_out = {"X_val": X_raw[400:], "y_val": labels[400:]}
    model = network(early_stopping=True)
    text = text_of(model, scale(X_raw)[:400], labels[:400], **held_out)
    assert model.best_iter_ == 0
    assert "transform_input" in text
    held_out["X_val"] = scale(X_raw)[400:]
    assert text_of(model, scale(X_raw)[:400], labels[:400], **held_out) == ""
    assert model.best_iter_ > 0


# -------------------------------------------------------------------- parameters, and Ctrl-C


@pytest.mark.parametrize(
    ("solver", "given"),
    [
        ("lbfgs", {"batch_size": 10, "momentum": 0.5}),
        ("cg", {"learning_rate_init": 0.1}),
        ("gd", {"shuffle": False}),
        ("sgd", {"beta_1": 0.5}),
        ("adam", {"nesterovs_momentum": False}),
    ],
)
def test_parameters_that_a_solver_ignores_are_named_once(solver, given):
    model = network(solver=solver, alpha=0.5, **given)
    for _ in range(2):
        found = [text for category, text in warned(model, X, y) if category is UserWarning]
        assert len(found) == 1
        assert all(f"{name}={value!r}" in found[0] for name, value in given.items())


@pytest.mark.parametrize("solver", SOLVERS)
def test_ctrl_c_is_the_only_warning(solver, monkeypatch):
    interrupt_after(monkeypatch, n_gradients=10)
    # a trial of rates would be interrupted before the first iteration
    ((category, text),) = warned(Small(solver=solver), X, y)
    assert category is UserWarning
    assert "interrupted" in text


# ------------------------------------------------------------------------------- good fits


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_digits])
def test_a_good_fit_does_not_warn_unless_it_has_not_converged(solver, load):
    data, labels = load(return_X_y=True)
    data = scale(data)
    model = network((20,), solver=solver)
    text = text_of(model, data, labels)
    # units of relu have kinks, at which a line search may fail
    assert text == "" or "max_iter=1000" in text or "line search" in text
    assert model.score(data, labels) > 0.95
