"""class_weight: the same as sample weights, one for each class."""

import numpy as np
import pytest
from fitting import (
    IRIS,
    MINI_BATCH,
    PROBLEMS,
    Brief,
    Small,
    assert_same_model,
    every_mini_batch_solver,
    every_solver,
    may_stop_early,
    weights_of,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from skbp import BackpropClassifier

pytestmark = may_stop_early

X, y = IRIS
X_LABELS, LABELS = PROBLEMS["multilabel"]

# for each problem, weights of the classes, and the same by hand, of the examples
GIVEN = {
    "binary": ({1: 2.0, 2: 0.5}, np.array([2.0, 0.5])[PROBLEMS["binary"][1] - 1]),
    "multiclass": ({0: 1.0, 1: 0.25, 2: 3.0}, np.array([1.0, 0.25, 3.0])[y]),
    "zero": ({0: 1.0, 1: 0.0, 2: 2.0}, np.array([1.0, 0.0, 2.0])[y]),
    "multilabel": (
        [{0: 1.0, 1: 2.0}, {0: 0.5, 1: 4.0}, {0: 1.0, 1: 1.0}, {0: 2.0, 1: 0.25}],
        np.prod(np.where(LABELS, [2.0, 4.0, 1.0, 0.25], [1.0, 0.5, 1.0, 2.0]), axis=1),
    ),
}
every_kind = pytest.mark.parametrize("kind", list(GIVEN))


def examples_of(kind):
    return PROBLEMS.get(kind, IRIS)


# ------------------------------------------------------------------ the same as sample weights


@every_solver
@every_kind
def test_it_is_the_same_as_sample_weights(solver, kind):
    X, y = examples_of(kind)
    class_weight, sample_weight = GIVEN[kind]
    model = Brief(solver=solver, batch_size=32)
    weighted = clone(model).fit(X, y, sample_weight)
    assert_same_model(model.set_params(class_weight=class_weight).fit(X, y), weighted)
    assert model.loss_curve_ == weighted.loss_curve_


@every_solver
@every_kind
def test_it_multiplies_sample_weights(solver, kind):
    X, y = examples_of(kind)
    class_weight, sample_weight = GIVEN[kind]
    factor = np.linspace(0, 4, len(y))
    model = Brief(solver=solver, batch_size=32)
    weighted = clone(model).fit(X, y, sample_weight * factor)
    assert_same_model(model.set_params(class_weight=class_weight).fit(X, y, factor), weighted)


@every_solver
def test_weights_of_one_change_nothing(solver):
    model = Brief(solver=solver, class_weight={0: 1, 1: 1, 2: 1}).fit(X, y)
    assert_same_model(model, Brief(solver=solver).fit(X, y), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("names", [np.array(list("abc")), np.array([-5.0, 2.0, 7.0])])
def test_keys_are_the_names_of_the_classes(names):
    numbered = Brief(class_weight={0: 1, 1: 0.25, 2: 3}).fit(X, y)
    class_weight = dict(zip(names, (1, 0.25, 3), strict=True))
    assert_same_model(Brief(class_weight=class_weight).fit(X, names[y]), numbered)


def test_it_is_computed_in_the_dtype_of_x():
    X_32 = X.astype(np.float32)
    class_weight = {0: 0.1, 1: 0.7, 2: 3.3}
    weighted = Brief().fit(X_32, y, np.array([0.1, 0.7, 3.3])[y])
    model = Brief(class_weight=class_weight).fit(X_32, y)
    assert_same_model(model, weighted)
    assert model.coefs_[0].dtype == np.float32


# ------------------------------------------------------------------------------------ balanced


def imbalanced(problem):
    X, y = PROBLEMS[problem]
    some = np.arange(len(y)) % 5 == 0 if problem == "multilabel" else np.arange(len(y)) % 7 == 0
    some |= y == y.min() if y.ndim == 1 else y[:, 0] == 1
    return X[some], y[some]


@every_solver
@pytest.mark.parametrize("problem", ["binary", "multiclass", "multilabel"])
def test_balanced_is_scikit_learns(solver, problem):
    X, y = imbalanced(problem)
    weighted = Brief(solver=solver).fit(X, y, compute_sample_weight("balanced", y))
    model = Brief(solver=solver, class_weight="balanced").fit(X, y)
    assert_same_model(model, weighted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("problem", ["binary", "multiclass", "multilabel"])
def test_balanced_counts_sample_weights_as_rows(problem):
    X, y = imbalanced(problem)
    repeats = np.random.default_rng(0).integers(0, 4, len(y))
    rows = np.repeat(np.arange(len(y)), repeats)
    model = Brief(class_weight="balanced")
    repeated = clone(model).fit(X[rows], y[rows])
    assert_same_model(model.fit(X, y, repeats), repeated, rtol=1e-7, atol=1e-9)


def test_balanced_leaves_out_a_class_whose_rows_have_weight_0():
    weight = (y > 0).astype(float)
    model = Brief(class_weight="balanced").fit(X, y, weight)
    assert_array_equal(model.classes_, [0, 1, 2])
    assert_same_model(model, Brief().fit(X, y, weight), rtol=1e-9, atol=1e-12)


@every_solver
def test_balanced_raises_the_balanced_accuracy_on_imbalanced_data(solver):
    X, y = make_classification(
        1500, 8, n_informative=4, weights=[0.95], class_sep=1.5, flip_y=0.02, random_state=0
    )
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    model = Small(solver=solver, alpha=10, max_iter=150)
    accuracies = []
    for class_weight in (None, "balanced"):
        model.set_params(class_weight=class_weight).fit(X_train, y_train)
        accuracies.append(balanced_accuracy_score(y_test, model.predict(X_test)))
    assert accuracies[1] > accuracies[0] + 0.1


@pytest.mark.parametrize("class_weight", ["balanced", {1: 5.0, 2: 1.0}])
def test_without_hidden_layers_it_is_as_in_logistic_regression(class_weight):
    X, y = imbalanced("binary")
    model = BackpropClassifier((), class_weight=class_weight, alpha=2.0, tol=1e-7)
    reference = LogisticRegression(C=0.5, class_weight=class_weight, tol=1e-8, max_iter=10_000)
    expected = reference.fit(X, y).predict_proba(X)
    assert_allclose(model.fit(X, y).predict_proba(X), expected, atol=1e-4)


# ---------------------------------------------------------------------------------- multilabel


def test_a_rare_label_is_found_more_often():
    rare = (LABELS[:, 0] & LABELS[:, 1]).astype(int)
    Y = np.column_stack([rare, LABELS[:, 2]])
    plain = Small(alpha=5.0).fit(X_LABELS, Y)
    balanced = Small(alpha=5.0, class_weight="balanced").fit(X_LABELS, Y)
    assert (
        balanced.predict_proba(X_LABELS)[:, 0].mean() > plain.predict_proba(X_LABELS)[:, 0].mean()
    )


@pytest.mark.parametrize("class_weight", ["balanced", GIVEN["multilabel"][0]])
def test_a_sparse_indicator_is_weighted_as_a_dense_one(class_weight):
    model = Brief(class_weight=class_weight)
    dense = clone(model).fit(X_LABELS, LABELS)
    assert_same_model(model.fit(X_LABELS, sparse.csr_matrix(LABELS)), dense)


# --------------------------------------------------------------------------------- partial_fit


@every_mini_batch_solver
@every_kind
def test_in_partial_fit_a_dict_is_the_same_as_sample_weights(solver, kind):
    X, y = examples_of(kind)
    class_weight, sample_weight = GIVEN[kind]
    classes = None if y.ndim == 2 else np.unique(y)
    factor = np.linspace(0, 4, len(y))
    weighted = Small(solver=solver, batch_size=20)
    model = clone(weighted).set_params(class_weight=class_weight)
    for rows in (slice(0, 90), slice(60, None), slice(None)):
        model.partial_fit(X[rows], y[rows], classes, factor[rows])
        weighted.partial_fit(X[rows], y[rows], classes, (sample_weight * factor)[rows])
    assert_same_model(model, weighted)


@every_mini_batch_solver
def test_in_partial_fit_the_dict_may_have_classes_that_come_later(solver):
    model = Small(solver=solver, class_weight={0: 1.0, 1: 2.0, 2: 3.0})
    model.partial_fit(X[:50], y[:50], classes=[0, 1, 2]).partial_fit(X[100:], y[100:])
    weighted = Small(solver=solver)
    weighted.partial_fit(X[:50], y[:50], classes=[0, 1, 2])
    weighted.partial_fit(X[100:], y[100:], sample_weight=np.full(50, 3.0))
    assert_same_model(model, weighted)


@every_mini_batch_solver
def test_in_partial_fit_balanced_is_refused_with_advice(solver):
    model = Small(solver=solver, class_weight="balanced")
    with pytest.raises(ValueError, match=r"partial_fit .*'balanced'.*compute_class_weight"):
        model.partial_fit(X, y, classes=[0, 1, 2])
    # the advice of the message
    balanced = compute_class_weight("balanced", classes=np.arange(3), y=y)
    model.set_params(class_weight=dict(enumerate(balanced))).partial_fit(X, y, classes=[0, 1, 2])
    assert model.n_iter_ == 1


@every_mini_batch_solver
def test_in_partial_fit_no_label_can_be_balanced(solver):
    model = Small(solver=solver, class_weight=["balanced", *GIVEN["multilabel"][0][1:]])
    with pytest.raises(ValueError, match=r"partial_fit .*'balanced'"):
        model.partial_fit(X_LABELS, LABELS)


@every_mini_batch_solver
def test_a_class_may_have_the_name_balanced(solver):
    names = np.array(["balanced", "other", "third"])
    model = Small(solver=solver, class_weight={"balanced": 1.0, "other": 0.25, "third": 3.0})
    model.partial_fit(X, names[y], classes=names)
    weighted = Small(solver=solver).partial_fit(X, y, [0, 1, 2], GIVEN["multiclass"][1])
    assert_same_model(model, weighted)


@pytest.mark.parametrize("solver", MINI_BATCH)
def test_a_fit_that_was_balanced_can_be_continued_with_a_dict(solver):
    model = Brief(solver=solver, class_weight="balanced").fit(X, y)
    before = weights_of(model)
    model.set_params(class_weight={0: 1, 1: 2, 2: 3}).partial_fit(X, y)
    assert model.n_iter_ == 9
    assert not np.array_equal(weights_of(model), before)
