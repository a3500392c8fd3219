"""BackpropClassifier: parameters, fitted attributes, predictions, and what fit promises."""

import copy
import inspect
import pickle
import re
import signal
import subprocess
import sys
import time
import warnings
from functools import partial

import interrupted_fit
import joblib
import numpy as np
import pandas as pd
import pytest
from fitting import (
    FULL_BATCH,
    LINE_SEARCH,
    PROBLEMS,
    ROUNDED,
    SOLVERS,
    Brief,
    Small,
    assert_same_model,
    every_first_order_solver,
    every_problem,
    every_solver,
    interrupt_after,
    may_stop_early,
    theta_of,
    watch_passes,
    weights_of,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import LabelBinarizer, scale
from sklearn.utils import estimator_html_repr
from sklearn.utils.validation import check_is_fitted

from skbp import BackpropClassifier
from skbp.network import Network
from skbp.objective import Objective


@pytest.fixture(scope="module")
def iris():
    return PROBLEMS["multiclass"]


@pytest.fixture(scope="module")
def two_classes():
    return PROBLEMS["binary"]


@pytest.fixture(scope="module")
def multilabel():
    return PROBLEMS["multilabel"]


@pytest.fixture(scope="module")
def problems():
    return PROBLEMS


# ------------------------------------------------------------------------ the constructor


def test_has_every_parameter_of_mlp_classifier():
    theirs = set(inspect.signature(MLPClassifier).parameters)
    ours = set(inspect.signature(BackpropClassifier).parameters)
    assert theirs < ours
    assert ours - theirs == {
        "binary_outputs",
        "class_weight",
        "dropout",
        "init",
        "label_smoothing",
        "loss",
        "max_grad_norm",
        "output_activation",
        "scoring",
    }


@pytest.mark.parametrize("estimator", [BackpropClassifier, MLPClassifier])
def test_positional_parameters_are_mlp_classifiers(estimator):
    parameters = inspect.signature(estimator).parameters.values()
    positional = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
    assert positional == ["hidden_layer_sizes", "activation"]


def test_defaults_are_the_lectures_network_with_relu():
    lectures = {
        "hidden_layer_sizes": (100,),
        "activation": "relu",
        "output_activation": "logistic",
        "loss": "log_loss",
        "solver": "lbfgs",
    }
    assert BackpropClassifier().get_params().items() >= lectures.items()


def test_other_defaults_are_mlp_classifiers():
    ours, theirs = BackpropClassifier().get_params(), MLPClassifier().get_params()
    differ = {name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]}
    assert differ == {"solver", "alpha", "early_stopping", "learning_rate_init", "max_iter"}


# the parameters beside which it acts, and another value
CHANGES = {
    "hidden_layer_sizes": ({}, (7,)),
    "activation": ({}, "tanh"),
    "output_activation": ({}, "softmax"),
    "binary_outputs": ({}, 2),
    "loss": ({}, "squared_error"),
    "solver": ({}, "cg"),
    "init": ({}, "lecture"),
    "alpha": ({}, 2.0),
    "batch_size": ({"solver": "adam"}, 10),
    "learning_rate": ({"solver": "sgd"}, "invscaling"),
    "learning_rate_init": ({"solver": "gd"}, 0.05),
    "power_t": ({"solver": "sgd", "learning_rate": "invscaling"}, 0.1),
    "max_iter": ({}, 3),
    "shuffle": ({"solver": "sgd", "batch_size": 10}, False),
    "random_state": ({}, 1),
    "tol": ({}, 0.1),
    "verbose": ({}, True),
    "momentum": ({"solver": "sgd"}, 0.5),
    "nesterovs_momentum": ({"solver": "sgd"}, False),
    "beta_1": ({"solver": "adam"}, 0.5),
    "beta_2": ({"solver": "adam"}, 0.5),
    "epsilon": ({"solver": "adam"}, 0.1),
    "n_iter_no_change": ({"solver": "adam", "tol": 0.3, "batch_size": 10}, 2),
    "max_fun": ({}, 5),
    "warm_start": ({}, True),
    "early_stopping": ({}, True),
    "validation_fraction": ({"early_stopping": True}, 0.3),
    "scoring": ({"early_stopping": True}, "accuracy"),
    "class_weight": ({}, {0: 1, 1: 2, 2: 1}),
    "max_grad_norm": ({"solver": "gd"}, 0.1),
    "dropout": ({"solver": "adam"}, 0.5),
    "label_smoothing": ({}, 0.1),
}


def test_changes_cover_every_parameter():
    assert set(CHANGES) == set(BackpropClassifier().get_params())


@may_stop_early
@pytest.mark.parametrize("parameter", list(CHANGES))
def test_every_parameter_does_something(problems, capsys, parameter):
    base, value = CHANGES[parameter]
    X, y = problems["binary" if parameter == "binary_outputs" else "multiclass"]

    def outcome(**parameters):
        model = Small(**{"max_iter": 30, **base, **parameters}).fit(X, y).fit(X, y)
        return model.n_iter_, capsys.readouterr().out, weights_of(model).tobytes()

    assert outcome() != outcome(**{parameter: value})


@pytest.mark.parametrize("random_state", range(2))
@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
def test_defaults_converge_without_a_warning(load, random_state):
    X, y = load(return_X_y=True)
    X = scale(X)
    assert BackpropClassifier(random_state=random_state).fit(X, y).score(X, y) > 0.96


def test_defaults_converge_without_a_warning_on_digits():
    X, y = load_digits(return_X_y=True)
    X = scale(X)
    assert BackpropClassifier(random_state=0).fit(X, y).score(X, y) > 0.99


@pytest.mark.parametrize(
    ("solver", "loss", "output_activation"),
    [
        *((solver, "log_loss", "logistic") for solver in SOLVERS),
        ("lbfgs", "log_loss", "softmax"),
        ("adam", "squared_error", "logistic"),
        ("cg", "squared_error", "softmax"),
    ],
)
def test_every_loss_learns(iris, solver, loss, output_activation):
    # the squared error's gradient is small, so λ must be too
    model = Small(
        solver=solver,
        loss=loss,
        output_activation=output_activation,
        alpha=0.01,
        max_iter=3000,
        n_iter_no_change=np.inf,
        tol=1e-3,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(*iris)
    assert model.score(*iris) > 0.95


# --------------------------------------------------------------------- fitted attributes


def shape_of(value):
    if isinstance(value, list):
        return [shape_of(item) for item in value]
    return np.shape(value)


FITTED = [
    "best_loss_",
    "best_validation_score_",
    "classes_",
    "coefs_",
    "feature_names_in_",
    "intercepts_",
    "loss_",
    "loss_curve_",
    "n_features_in_",
    "n_iter_",
    "n_layers_",
    "n_outputs_",
    "out_activation_",
    "t_",
    "validation_scores_",
]


@pytest.fixture(scope="module", params=list(PROBLEMS))
def fitted_pair(request, problems):
    X, y = problems[request.param]
    X = pd.DataFrame(X).add_prefix("x")
    parameters = {
        "hidden_layer_sizes": (5, 4),
        "solver": "adam",
        "max_iter": 3,
        "learning_rate_init": 0.001,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        ours = BackpropClassifier(**parameters, output_activation="softmax").fit(X, y)
        return ours, MLPClassifier(**parameters).fit(X, y)


def test_fitted_attributes_are_mlp_classifiers(fitted_pair):
    ours, theirs = ({name for name in vars(model) if name.endswith("_")} for model in fitted_pair)
    assert theirs == set(FITTED)
    assert ours - theirs == {
        "alpha_",
        "best_iter_",
        "network_",
        "targets_",
        "validation_loss_curve_",
    }
    assert theirs < ours


@pytest.mark.parametrize("name", FITTED)
def test_fitted_attribute_has_mlp_classifiers_type_and_shape(fitted_pair, name):
    ours, theirs = (getattr(model, name) for model in fitted_pair)
    assert isinstance(theirs, type(ours))
    assert shape_of(ours) == shape_of(theirs)
    assert getattr(ours, "dtype", None) == getattr(theirs, "dtype", None)


@pytest.mark.parametrize(
    "name",
    [
        "classes_",
        "feature_names_in_",
        "n_features_in_",
        "n_iter_",
        "n_layers_",
        "n_outputs_",
        "out_activation_",
        "t_",
    ],
)
def test_fitted_attribute_has_mlp_classifiers_value(fitted_pair, name):
    ours, theirs = (getattr(model, name) for model in fitted_pair)
    assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("problem", "output_activation", "expected"),
    [
        ("binary", "logistic", "logistic"),
        ("binary", "softmax", "logistic"),
        ("multiclass", "logistic", "logistic"),
        ("multiclass", "softmax", "softmax"),
        ("multilabel", "logistic", "logistic"),
        ("multilabel", "softmax", "logistic"),
    ],
)
@may_stop_early
def test_out_activation(problems, problem, output_activation, expected):
    model = Brief(output_activation=output_activation).fit(*problems[problem])
    assert model.out_activation_ == expected


@may_stop_early
@every_solver
def test_loss_curve_has_an_entry_for_each_iteration(iris, solver):
    model = Brief(solver=solver).fit(*iris)
    assert model.n_iter_ == len(model.loss_curve_) == 8
    assert model.loss_ == model.loss_curve_[-1]
    assert model.best_loss_ == min(model.loss_curve_)


@may_stop_early
def test_best_loss_need_not_be_the_last(iris):
    model = Brief(solver="sgd", batch_size=5, learning_rate_init=2.0).fit(*iris)
    assert model.best_loss_ == min(model.loss_curve_) < model.loss_


@may_stop_early
@pytest.mark.parametrize("solver", FULL_BATCH)
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_loss_is_the_cost_of_the_fitted_weights(iris, solver, loss):
    X, y = iris
    model = Brief(solver=solver, loss=loss, alpha=2.0).fit(X, y)
    network = Network((4, 5, 3), "logistic", "logistic")
    cost = Objective(network, X, LabelBinarizer().fit_transform(y), loss, alpha=2.0)
    assert_allclose(model.loss_, cost(theta_of(model, network))[0], rtol=1e-12)


@may_stop_early
@every_solver
def test_t_counts_the_examples_that_were_propagated(iris, monkeypatch, solver):
    n_rows = []
    watch_passes(monkeypatch, lambda observed: n_rows.append(observed.n_rows))
    assert Brief(solver=solver, batch_size=40).fit(*iris).t_ == sum(n_rows)


@may_stop_early
@pytest.mark.parametrize("output_activation", ["logistic", "softmax"])
def test_coefs_and_intercepts_are_theta(iris, output_activation):
    X, y = iris
    model = BackpropClassifier((5, 4), "tanh", output_activation=output_activation, max_iter=8)
    model.fit(X, y)
    network = Network((4, 5, 4, 3), "tanh", output_activation)
    assert model.network_ == network
    activations, z = network.forward(theta_of(model, network), X)
    h = activations[-1]
    assert_allclose(model.predict_proba(X), h / h.sum(axis=1, keepdims=True), rtol=1e-12)
    assert_allclose(model.decision_function(X), z, **ROUNDED)


@may_stop_early
@every_solver
def test_verbose_prints_a_line_an_iteration(iris, capsys, solver):
    model = Brief(solver=solver, verbose=True).fit(*iris)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"Iteration {i}, loss = {loss:.8f}" for i, loss in enumerate(model.loss_curve_, start=1)
    ]


@may_stop_early
@every_solver
def test_prints_nothing_otherwise(iris, capfd, solver):
    Brief(solver=solver).fit(*iris)
    assert capfd.readouterr() == ("", "")


# -------------------------------------------------------------------------- start weights


@may_stop_early
def test_training_from_fitted_weights_continues_it(iris):
    at_once = Small(solver="gd", max_iter=20).fit(*iris)
    half = Small(solver="gd", max_iter=10).fit(*iris)
    rest = clone(half).fit(*iris, coefs_init=half.coefs_, intercepts_init=half.intercepts_)
    assert_same_model(rest, at_once)
    assert half.loss_curve_ + rest.loss_curve_ == at_once.loss_curve_


@pytest.mark.parametrize("solver", FULL_BATCH)
def test_training_from_converged_weights_has_converged(iris, solver):
    first = Small(solver=solver, tol=1e-3, max_iter=5000, n_iter_no_change=np.inf)
    first.set_params(learning_rate_init=1.0).fit(*iris)
    again = clone(first).fit(*iris, coefs_init=first.coefs_, intercepts_init=first.intercepts_)
    assert first.n_iter_ > 10
    assert again.n_iter_ <= 1
    assert_allclose(again.loss_, first.loss_, rtol=1e-4)


@may_stop_early
@pytest.mark.parametrize(("given", "drawn"), [("coefs", "intercepts"), ("intercepts", "coefs")])
def test_start_weights_can_be_given_alone(iris, given, drawn):
    # a step too small to change any weight
    still = Small(solver="gd", init="lecture", learning_rate_init=1e-300, max_iter=1)
    reference = clone(still).fit(*iris)
    init = [np.full_like(w, 0.25) for w in getattr(reference, f"{given}_")]
    model = still.fit(*iris, **{f"{given}_init": init})
    for name, expected in [(given, init), (drawn, getattr(reference, f"{drawn}_"))]:
        for ours, theirs in zip(getattr(model, f"{name}_"), expected, strict=True):
            assert_array_equal(ours, theirs)


@may_stop_early
def test_start_weights_are_not_changed(iris):
    coefs, intercepts = [np.ones((4, 5)), np.ones((5, 3))], [np.ones(5), np.ones(3)]
    Brief().fit(*iris, coefs_init=coefs, intercepts_init=intercepts)
    assert all((w == 1).all() for w in [*coefs, *intercepts])


@may_stop_early
def test_start_weights_may_be_nested_lists(iris):
    coefs = [np.full((4, 5), 0.5), np.full((5, 3), -0.5)]
    from_arrays = Brief().fit(*iris, coefs_init=coefs)
    from_lists = Brief().fit(*iris, coefs_init=[w.tolist() for w in coefs])
    assert_same_model(from_arrays, from_lists)


# ---------------------------------------------------------------------------- predictions

KINDS = [
    ("binary", "logistic", (100,), (100, 2)),
    ("multiclass", "logistic", (150, 3), (150, 3)),
    ("multiclass", "softmax", (150, 3), (150, 3)),
    ("multilabel", "logistic", (120, 4), (120, 4)),
]
every_kind = pytest.mark.parametrize(
    ("problem", "output_activation", "decision_shape", "proba_shape"), KINDS
)


@every_kind
def test_shapes_of_predictions(problems, problem, output_activation, decision_shape, proba_shape):
    X, y = problems[problem]
    model = Small(output_activation=output_activation).fit(X, y)
    assert model.predict(X).shape == y.shape
    assert model.decision_function(X).shape == decision_shape
    assert model.predict_proba(X).shape == proba_shape
    assert model.predict_log_proba(X).shape == proba_shape


@pytest.mark.parametrize(
    ("problem", "output_activation"),
    [("binary", "logistic"), ("multiclass", "logistic"), ("multiclass", "softmax")],
)
def test_probabilities_of_exclusive_classes(problems, problem, output_activation):
    X, y = problems[problem]
    model = Small(output_activation=output_activation).fit(X, y)
    proba = model.predict_proba(X)
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    assert_array_equal(model.predict(X), model.classes_[proba.argmax(axis=1)])
    assert_allclose(model.predict_log_proba(X), np.log(proba), rtol=1e-9, atol=1e-12)


def test_probability_of_two_classes_is_logistic_in_z(two_classes):
    X, y = two_classes
    model = Small().fit(X, y)
    z = model.decision_function(X)
    assert_allclose(model.predict_proba(X)[:, 1], 1 / (1 + np.exp(-z)), rtol=1e-12)
    assert_array_equal(model.predict(X) == model.classes_[1], z > 0)


def test_probability_of_k_classes_is_normalised_over_logistic_units(iris):
    model = Small().fit(*iris)
    h = 1 / (1 + np.exp(-model.decision_function(iris[0])))
    assert_allclose(model.predict_proba(iris[0]), h / h.sum(axis=1, keepdims=True), rtol=1e-12)


def test_probability_of_k_classes_is_a_softmax_of_z(iris):
    model = Small(output_activation="softmax").fit(*iris)
    e = np.exp(model.decision_function(iris[0]))
    assert_allclose(model.predict_proba(iris[0]), e / e.sum(axis=1, keepdims=True), rtol=1e-12)


def test_probabilities_of_labels_are_independent(multilabel):
    X, Y = multilabel
    model = Small().fit(X, Y)
    proba = model.predict_proba(X)
    assert_allclose(proba, 1 / (1 + np.exp(-model.decision_function(X))), rtol=1e-12)
    assert_allclose(model.predict_log_proba(X), np.log(proba), rtol=1e-12)
    assert_array_equal(model.predict(X), proba > 0.5)
    assert np.abs(proba.sum(axis=1) - 1).max() > 0.1


@may_stop_early
@pytest.mark.parametrize("convert", [np.bool_, np.float64, np.uint8, np.ndarray.tolist])
def test_an_indicator_may_have_any_type(multilabel, convert):
    X, Y = multilabel
    if isinstance(convert, type):
        convert = partial(np.asarray, dtype=convert)
    assert_same_model(Brief().fit(X, convert(Y)), Brief().fit(X, Y))


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix])
def test_sparse_indicator_is_answered_with_one(multilabel, container):
    X, Y = multilabel
    dense, model = Small().fit(X, Y), Small().fit(X, container(Y))
    assert_same_model(model, dense)
    assert sparse.issparse(model.predict(X))
    assert_array_equal(model.predict(X).toarray(), dense.predict(X))


@every_kind
def test_log_probabilities_of_extreme_examples_are_finite(
    problems, problem, output_activation, decision_shape, proba_shape
):
    X, y = problems[problem]
    model = Small(activation="identity", output_activation=output_activation).fit(X, y)
    assert np.abs(model.decision_function(1e4 * X)).max() > 1e4
    assert np.isfinite(model.predict_log_proba(1e4 * X)).all()
    proba = model.predict_proba(1e4 * X)
    assert ((proba >= 0) & (proba <= 1)).all()


@every_kind
def test_log_probabilities_are_finite_where_all_units_are_saturated(
    problems, problem, output_activation, decision_shape, proba_shape
):
    X, y = problems[problem]
    model = Small(output_activation=output_activation).fit(X, y)
    for z in -1e4, 1e4:
        model.intercepts_[-1][:] = z
        with np.errstate(all="raise", under="ignore"):
            log_proba = model.predict_log_proba(X)
        assert np.isfinite(log_proba).all()
        if problem != "multilabel":
            assert_allclose(np.exp(log_proba).sum(axis=1), 1, rtol=1e-12)


def test_no_floating_point_error_reaches_a_user_who_wants_them(iris):
    with np.errstate(all="raise"):
        model = BackpropClassifier(alpha=0.01, random_state=0).fit(*iris)
        assert model.predict_proba(100 * iris[0]).shape == (150, 3)


@pytest.mark.parametrize(
    ("activation", "hidden_layer_sizes"), [("logistic", (20,)), ("relu", (20, 20, 20))]
)
@every_first_order_solver
@may_stop_early
def test_the_automatic_learning_rate_learns(iris, solver, activation, hidden_layer_sizes):
    model = BackpropClassifier(hidden_layer_sizes, activation, solver=solver, random_state=0)
    assert model.fit(*iris).score(*iris) > 0.9


# ------------------------------------------------------------------- labels, dtypes, sparse

NAMES = np.array(["ant", "bee", "cat"])
LABELS = {
    "str": NAMES,
    "object": NAMES.astype(object),
    "int": np.array([0, 1, 2]),
    "negative int": np.array([-7, -1, 3]),
    "whole float": np.array([-1.0, 0.0, 2.0]),
    "uint8": np.array([0, 1, 255], np.uint8),
}
BINARY_LABELS = {**LABELS, "bool": np.array([False, True])}


@may_stop_early
@pytest.mark.parametrize(
    ("n_classes", "kind"), [(2, k) for k in BINARY_LABELS] + [(3, k) for k in LABELS]
)
def test_labels_of_any_type(iris, n_classes, kind):
    X, y = iris[0], np.minimum(iris[1], n_classes - 1)
    labels = BINARY_LABELS[kind][:n_classes]
    model = Brief().fit(X, labels[y])
    reference = MLPClassifier(max_iter=1).fit(X, labels[y])
    assert_array_equal(model.predict(X), labels[Brief().fit(X, y).predict(X)])
    assert_array_equal(model.classes_, reference.classes_)
    assert model.classes_.dtype == reference.classes_.dtype
    assert model.predict(X).dtype == reference.predict(X).dtype


@pytest.mark.parametrize("container", [list, pd.Series, pd.Index])
def test_labels_in_containers(iris, container):
    X, y = iris
    assert_same_model(Small().fit(X, container(NAMES[y])), Small().fit(X, y))


@pytest.mark.parametrize("dtype", ["category", "string", "object"])
def test_pandas_labels(iris, dtype):
    X, y = iris
    model = Small().fit(X, pd.Series(NAMES[y]).astype(dtype))
    assert_array_equal(model.classes_, NAMES)
    assert set(model.predict(X)) == set(NAMES)


@pytest.mark.parametrize("dtype", ["Int64", "boolean"])
def test_pandas_nullable_labels(iris, dtype):
    X, y = iris[0], (iris[1] > 0).astype(int)
    model = Small().fit(X, pd.Series(y).astype(dtype))
    assert_array_equal(model.predict(X), y)


def test_a_column_of_labels_is_flattened_with_a_warning(iris):
    X, y = iris
    with pytest.warns(DataConversionWarning, match="column-vector"):
        model = Small().fit(X, y[:, np.newaxis])
    assert_same_model(model, Small().fit(X, y))
    assert model.predict(X).shape == (150,)


@may_stop_early
@every_solver
def test_float32_is_computed_in_float32(iris, solver):
    X, y = iris
    model = Brief(solver=solver).fit(X.astype(np.float32), y)
    assert {w.dtype for w in [*model.coefs_, *model.intercepts_]} == {np.dtype(np.float32)}
    assert isinstance(model.loss_, float)


@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba", "decision_function"])
@every_problem
def test_float32_is_answered_in_float32(problems, problem, method):
    X, y = problems[problem]
    X_32 = X.astype(np.float32)
    model = Small(tol=1e-3).fit(X_32, y)
    assert getattr(model, method)(X_32).dtype == np.float32
    assert getattr(model, method)(X).dtype == np.float64
    assert_allclose(getattr(model, method)(X_32), getattr(model, method)(X), rtol=1e-3, atol=1e-4)


@may_stop_early
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool, np.float16, np.float64, object])
def test_anything_else_is_computed_in_float64(iris, dtype):
    X = (iris[0] > 0).astype(dtype)
    model = Brief().fit(X, iris[1])
    assert_same_model(model, Brief().fit(X.astype(float), iris[1]))
    assert model.coefs_[0].dtype == np.float64
    assert model.predict_proba(X).dtype == np.float64


@may_stop_early
@every_solver
@pytest.mark.parametrize(
    "container", [sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix, sparse.csr_array]
)
def test_sparse_is_fitted_as_dense(iris, solver, container):
    X, y = np.maximum(iris[0], 0), iris[1]
    dense = Brief(solver=solver, batch_size=40).fit(X, y)
    model = Brief(solver=solver, batch_size=40).fit(container(X), y)
    assert_same_model(model, dense, rtol=1e-9, atol=1e-12)
    assert_allclose(model.predict_proba(container(X)), dense.predict_proba(X), rtol=1e-9)


# --------------------------------------------------------------------------- sample weights


@may_stop_early
@every_solver
def test_sample_weights_act_as_repeated_rows(iris, solver):
    X, y = iris
    repeats = np.random.default_rng(0).integers(0, 4, 150)
    # in one batch, with a learning rate that does not depend on its size
    model = Brief(solver=solver, shuffle=False, learning_rate_init=0.05)
    weighted = clone(model).set_params(batch_size=150).fit(X, y, repeats)
    rows = np.repeat(np.arange(150), repeats)
    repeated = clone(model).set_params(batch_size=len(rows)).fit(X[rows], y[rows])
    assert_same_model(weighted, repeated, rtol=1e-7, atol=1e-9)


@may_stop_early
@every_solver
@pytest.mark.parametrize("container", [np.asarray, list, pd.Series])
def test_weights_of_one_change_nothing(iris, solver, container):
    weighted = Brief(solver=solver).fit(*iris, sample_weight=container(np.ones(150)))
    assert_same_model(weighted, Brief(solver=solver).fit(*iris), rtol=1e-10)


def test_the_scale_of_weights_matters_beside_alpha(iris):
    # 10 of each row with λ = 10 is the same J as one of each with λ = 1
    tenfold = Small(alpha=10).fit(*iris, sample_weight=np.full(150, 10.0))
    assert_same_model(tenfold, Small(alpha=1).fit(*iris), rtol=1e-3, atol=1e-3)


# ---------------------------------------------------------------- the same model every time


@may_stop_early
@every_solver
@every_problem
def test_the_same_random_state_gives_the_same_model(problems, solver, problem):
    model = Brief(solver=solver, batch_size=32)
    assert_same_model(clone(model).fit(*problems[problem]), clone(model).fit(*problems[problem]))


@may_stop_early
@every_solver
def test_random_state_may_be_an_instance(iris, solver):
    from_int = Brief(solver=solver, batch_size=32).fit(*iris)
    model = Brief(solver=solver, batch_size=32, random_state=np.random.RandomState(0))
    assert_same_model(model.fit(*iris), from_int)
    assert not np.array_equal(weights_of(model.fit(*iris)), weights_of(from_int))


@may_stop_early
def test_without_a_random_state_models_differ(iris):
    model = Brief(random_state=None)
    first, second = (weights_of(model.fit(*iris)) for _ in range(2))
    assert not np.array_equal(first, second)


@may_stop_early
def test_fitting_again_starts_anew(iris):
    model = Brief().fit(*iris)
    before = weights_of(model)
    assert_array_equal(weights_of(model.fit(*iris)), before)


def test_clone_and_set_params(iris):
    model = Small(alpha=3.0).fit(*iris)
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        check_is_fitted(twin)
    twin.set_params(alpha=0.1, solver="cg")
    assert_same_model(twin.fit(*iris), Small(alpha=0.1, solver="cg").fit(*iris))


def through_joblib(model, directory):
    joblib.dump(model, directory / "model.joblib")
    return joblib.load(directory / "model.joblib")


COPIES = {
    "pickle": lambda model, _: pickle.loads(pickle.dumps(model)),
    "joblib": through_joblib,
    "copy": lambda model, _: copy.copy(model),
    "deepcopy": lambda model, _: copy.deepcopy(model),
}


@pytest.mark.parametrize("how", list(COPIES))
@every_problem
def test_copies_predict_the_same(problems, problem, how, tmp_path):
    X, y = problems[problem]
    model = Small().fit(X, y)
    twin = COPIES[how](model, tmp_path)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        assert_array_equal(getattr(twin, method)(X), getattr(model, method)(X))


def test_editing_the_weights_changes_the_predictions(iris):
    X, y = iris
    model = Small().fit(X, y)
    model.coefs_[-1][:] = 0
    model.intercepts_[-1] = np.array([1.0, 3.0, 2.0])
    assert_array_equal(model.decision_function(X), np.tile([1.0, 3.0, 2.0], (150, 1)))
    assert (model.predict(X) == 1).all()


def test_fit_changes_no_data(iris):
    X, y, weights = iris[0].copy(), iris[1].copy(), np.linspace(0, 2, 150)
    before = [array.copy() for array in (X, y, weights)]
    Small(solver="adam", batch_size=32, max_iter=3000).fit(X, y, weights)
    for array, expected in zip((X, y, weights), before, strict=True):
        assert_array_equal(array, expected)


# ----------------------------------------------------------------------- a fit that fails

DIVERGING = {"solver": "gd", "learning_rate_init": 1e200}


def bad_value(model, X, y):
    model.fit(np.where(np.arange(4) == 2, np.nan, X), y)


def too_few_features(model, X, y):
    model.fit(X[:, :2], np.zeros(len(y), int))


def continuous_target(model, X, y):
    model.fit(X, X[:, 0])


def negative_weights(model, X, y):
    model.fit(X, y, -np.ones(len(y)))


def wrong_start_weights(model, X, y):
    model.fit(X[:, :2], y, coefs_init=[np.ones((9, 9))])


def with_parameters(**changed):
    def fail(model, X, y):
        before = model.get_params()
        try:
            model.set_params(**changed).fit(X[:, :2], y)
        finally:
            model.set_params(**before)

    return fail


def wrong_validation_set(model, X, y):
    model.fit(X[:, :2], y, X_val=X, y_val=y)


every_failure = pytest.mark.parametrize(
    "fail",
    [
        bad_value,
        too_few_features,
        continuous_target,
        negative_weights,
        wrong_start_weights,
        wrong_validation_set,
        with_parameters(**DIVERGING),
        with_parameters(alpha=-1),
        with_parameters(class_weight={0: -1, 1: 1, 2: 1}),
        with_parameters(dropout=0.5),
        with_parameters(activation=["tanh", "tanh"]),
        with_parameters(early_stopping=True, scoring=lambda *_: np.nan),
    ],
    ids=lambda fail: fail.__name__,
)


@every_failure
def test_a_failed_fit_leaves_a_new_estimator_unfitted(iris, fail):
    model = Small()
    before = vars(model).copy()
    with pytest.raises(ValueError, match=r"."):
        fail(model, *iris)
    assert vars(model) == before


@every_failure
def test_a_failed_fit_leaves_a_fitted_estimator_as_it_was(iris, fail):
    X = pd.DataFrame(iris[0], columns=list("abcd"))
    model = Small().fit(X, iris[1])
    before, proba = vars(model).copy(), model.predict_proba(X)
    with pytest.raises(ValueError, match=r"."):
        fail(model, *iris)
    assert vars(model).keys() == before.keys()
    assert_array_equal(model.predict_proba(X), proba)
    assert_array_equal(model.feature_names_in_, list("abcd"))
    assert model.n_features_in_ == 4


@every_first_order_solver
def test_divergence_says_where_and_what_to_try(iris, solver):
    model = Small(**{**DIVERGING, "solver": solver})
    with pytest.raises(
        ValueError, match=r"diverged at iteration \d+.*StandardScaler.*learning_rate_init"
    ):
        model.fit(*iris)


@pytest.mark.parametrize("solver", LINE_SEARCH)
def test_a_line_search_that_overflows_says_what_to_try(iris, solver):
    with pytest.raises(ValueError, match=r"diverged at iteration \d+.*Standardise X"):
        Small(solver=solver, activation="identity").fit(1e300 * iris[0], iris[1])


# ------------------------------------------------------------------------------- warnings


@every_solver
def test_warns_that_max_iter_was_reached(iris, solver):
    with pytest.warns(ConvergenceWarning, match="max_iter=3 ") as caught:
        Small(solver=solver, max_iter=3).fit(*iris)
    assert [warning.filename for warning in caught] == [__file__]


def test_warns_that_max_fun_was_reached(iris):
    with pytest.warns(ConvergenceWarning, match="max_fun=3 "):
        Small(max_fun=3).fit(*iris)


def test_warns_that_the_loss_has_risen(iris):
    model = Small(solver="sgd", learning_rate_init=20.0, tol=1.0, n_iter_no_change=3)
    with pytest.warns(ConvergenceWarning, match=r"higher loss.*learning_rate_init"):
        model.fit(*iris)


def test_warns_where_the_batch_is_clipped(iris):
    with pytest.warns(UserWarning, match="batch_size=151") as caught:
        Small(solver="adam", batch_size=151, tol=1.0).fit(*iris)
    assert [warning.filename for warning in caught] == [__file__]


# ---------------------------------------------------------------------------------- Ctrl-C


@every_solver
@pytest.mark.parametrize("n_gradients", [11, 30])
def test_ctrl_c_keeps_the_last_finished_iteration(iris, monkeypatch, solver, n_gradients):
    model = Small(solver=solver)
    if solver not in FULL_BATCH:
        model.set_params(batch_size=40)
    interrupt_after(monkeypatch, n_gradients)
    with pytest.warns(UserWarning, match="interrupted") as caught:
        model.fit(*iris)
    monkeypatch.undo()
    n_iter = int(re.search(r"iteration (\d+)", str(caught[0].message)).group(1))
    with pytest.warns(ConvergenceWarning):
        reference = clone(model).set_params(max_iter=n_iter).fit(*iris)
    assert [warning.filename for warning in caught] == [__file__]
    assert_same_model(model, reference)
    assert (model.n_iter_, model.loss_curve_) == (n_iter, reference.loss_curve_)
    assert (model.loss_, model.t_) == (model.loss_curve_[-1], n_iter * len(iris[0]))
    assert_array_equal(model.predict_proba(iris[0]), reference.predict_proba(iris[0]))


@every_solver
def test_ctrl_c_in_float32_keeps_float32(iris, monkeypatch, solver):
    interrupt_after(monkeypatch, 20)
    with pytest.warns(UserWarning, match="interrupted"):
        model = Small(solver=solver, batch_size=40).fit(iris[0].astype(np.float32), iris[1])
    assert model.coefs_[0].dtype == np.float32


@every_solver
def test_ctrl_c_before_the_first_iteration_stops_the_fit(iris, monkeypatch, solver):
    model = Small(solver=solver, batch_size=40)
    interrupt_after(monkeypatch, 0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*iris)
    with pytest.raises(NotFittedError):
        model.predict(iris[0])


def test_ctrl_c_before_the_first_iteration_keeps_the_model_before(iris, monkeypatch):
    model = Small().fit(*iris)
    before = weights_of(model)
    interrupt_after(monkeypatch, 0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*iris)
    assert_array_equal(weights_of(model), before)


def time_of(line, process):
    """Return when a process has printed a line that begins like this."""
    assert process.stdout.readline().startswith(line)
    return time.perf_counter()


def test_ctrl_c_ends_a_long_epoch_soon(tmp_path):
    command = [sys.executable, "-u", interrupted_fit.__file__, tmp_path / "model"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        begun = time_of("Begun", process)
        length_of_epoch = time_of("Iteration 1,", process) - begun
        time.sleep(length_of_epoch / 10)
        sent = time.perf_counter()
        process.send_signal(signal.SIGINT)
        # nine tenths of the second epoch are still to come
        assert time_of("Ended", process) - sent < length_of_epoch / 2
    assert process.returncode == 0
    model, warned = joblib.load(tmp_path / "model")
    assert warned == ["Training was interrupted; the model is that of iteration 1."]
    reference = BackpropClassifier(**interrupted_fit.PARAMS).set_params(max_iter=1)
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        reference.fit(*interrupted_fit.examples())
    assert_same_model(model, reference)
    assert (model.n_iter_, model.loss_curve_) == (1, reference.loss_curve_)


# ---------------------------------------------------------- no hidden layer, and the display


@pytest.mark.parametrize(
    ("solver", "problem", "output_activation", "reference"),
    [
        ("lbfgs", "binary", "logistic", LogisticRegression),
        ("cg", "multiclass", "softmax", LogisticRegression),
        ("gd", "multiclass", "logistic", OneVsRestClassifier),
        ("lbfgs", "multilabel", "logistic", OneVsRestClassifier),
    ],
)
def test_without_hidden_layers_it_is_logistic_regression(
    problems, solver, problem, output_activation, reference
):
    X, y = problems[problem]
    model = BackpropClassifier(
        (),
        output_activation=output_activation,
        solver=solver,
        alpha=2.0,
        tol=1e-6,
        max_iter=20_000,
    )
    logistic_regression = LogisticRegression(C=0.5, tol=1e-8, max_iter=10_000)
    if reference is OneVsRestClassifier:
        logistic_regression = OneVsRestClassifier(logistic_regression)
    expected = logistic_regression.fit(X, y).predict_proba(X)
    assert_allclose(model.fit(X, y).predict_proba(X), expected, atol=1e-3)


@pytest.mark.parametrize("hidden_layer_sizes", [5, (5,), [5], np.array([5]), np.int64(5)])
def test_ways_to_write_one_hidden_layer(iris, hidden_layer_sizes):
    model = Small().set_params(hidden_layer_sizes=hidden_layer_sizes)
    assert_same_model(model.fit(*iris), Small().fit(*iris))


@pytest.mark.parametrize("hidden_layer_sizes", [(), [], np.array([], int)])
def test_ways_to_write_no_hidden_layer(iris, hidden_layer_sizes):
    assert Small().set_params(hidden_layer_sizes=hidden_layer_sizes).fit(*iris).n_layers_ == 2


@pytest.mark.parametrize("fitted", [False, True])
def test_html_links_to_the_documentation(iris, fitted):
    model = Small().fit(*iris) if fitted else Small()
    links = re.findall(r'href="(https://skbp\.readthedocs\.io/[^"]*)"', estimator_html_repr(model))
    assert any("skbp.BackpropClassifier" in link for link in links)


def test_repr_names_what_was_changed():
    assert repr(BackpropClassifier((5, 4), alpha=2)) == (
        "BackpropClassifier(alpha=2, hidden_layer_sizes=(5, 4))"
    )
