"""Early stopping and validation sets: the split, the scores, patience, and the best weights.

The tests of every solver also run for one that is added to `SOLVERS`.
"""

import re
from functools import partial
from math import ceil

import numpy as np
import pandas as pd
import pytest
from fitting import (
    IRIS,
    LINE_SEARCH,
    MINI_BATCH,
    PROBLEMS,
    Brief,
    assert_same_model,
    every_mini_batch_solver,
    every_problem,
    every_solver,
    may_stop_early,
    weights_of,
)
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import accuracy_score, get_scorer, log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelBinarizer, StandardScaler, scale
from sklearn.utils.validation import check_is_fitted

from skbp import BackpropClassifier
from skbp.network import Network
from skbp.objective import Objective

# a third of the labels are wrong: there is much to learn that does not hold on other rows
X, y = make_classification(
    150, 6, n_informative=3, n_classes=3, flip_y=0.35, random_state=3, shuffle=True
)
X_val, y_val = X[100:], y[100:]
X, y = X[:100], y[:100]

# a multiple of it is exact; and below it no gradient falls in a few iterations
TOL = 2.0**-12

# with these, solvers overfit within a few dozen iterations; others with their automatic rate
OVERFITTING = {
    "gd": {"learning_rate_init": 1.0},
    "sgd": {"learning_rate_init": 0.2},
    "adam": {"learning_rate_init": 0.03},
}


def network(solver, **parameters):
    of_batches = {"batch_size": 10} if solver in MINI_BATCH else {}
    defaults = {
        "activation": "tanh",
        "alpha": 0.01,
        "max_iter": 300,
        "n_iter_no_change": 5,
        "early_stopping": True,
        "random_state": 0,
    }
    return BackpropClassifier(
        (8,), solver=solver, **defaults | of_batches | OVERFITTING.get(solver, {}) | parameters
    )


class Scripted:
    """A scorer that returns one given score after the other, and then repeats the last one."""

    def __init__(self, *scores):
        self.scores = scores
        self.n_calls = 0

    def __call__(self, estimator, X, y):
        self.n_calls += 1
        score = self.scores[min(self.n_calls, len(self.scores)) - 1]
        if isinstance(score, type):
            raise score
        return score


class Recorder:
    """A scorer that keeps its arguments, and gives every network the same score."""

    def __init__(self):
        self.calls = []

    def __call__(self, estimator, X, y, sample_weight=None):
        self.calls.append((estimator, X, y, sample_weight))
        return 0.0


def drawn_by_split(y, fraction, sample_weight=None, random_state=0):
    """Return the rows that a fit keeps for validation, the scorer's y and its weights."""
    recorder = Recorder()
    model = BackpropClassifier(
        (2,),
        solver="gd",
        max_iter=1,
        early_stopping=True,
        validation_fraction=fraction,
        scoring=recorder,
        n_iter_no_change=1,
        learning_rate_init=1e-3,
        random_state=random_state,
    )
    row_numbers = np.arange(float(len(y)))[:, np.newaxis]
    with pytest.warns(ConvergenceWarning):
        model.fit(row_numbers / len(y), y, sample_weight)
    _, X_scored, y_scored, weight_scored = recorder.calls[0]
    return np.rint(X_scored.ravel() * len(y)).astype(int), y_scored, weight_scored


# ---------------------------------------------------------------- the best iteration's weights


def majority_vote(estimator, X, y):
    return accuracy_score(y, estimator.predict(X))


@every_solver
@pytest.mark.parametrize("scoring", [None, "accuracy", "neg_log_loss", majority_vote])
def test_the_best_iterations_weights_are_restored(solver, scoring):
    model = network(solver, scoring=scoring).fit(X, y, X_val=X_val, y_val=y_val)
    score = get_scorer("neg_log_loss" if scoring is None else scoring)(model, X_val, y_val)
    assert_allclose(score, model.best_validation_score_, rtol=1e-12)
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_iter_ == model.validation_scores_.index(model.best_validation_score_)
    assert model.best_iter_ < model.n_iter_ - 1
    assert model.loss_ == model.loss_curve_[model.best_iter_]


@may_stop_early
@every_solver
def test_the_best_weights_are_those_of_a_fit_of_so_many_iterations(solver):
    model = network(solver).fit(X, y, X_val=X_val, y_val=y_val)
    n_best = model.best_iter_ + 1
    shorter = network(solver, early_stopping=False, max_iter=n_best, n_iter_no_change=np.inf)
    assert_same_model(model, shorter.fit(X, y))
    assert model.loss_curve_[:n_best] == shorter.loss_curve_


@every_solver
def test_of_equally_good_iterations_the_first_is_kept(solver):
    scripted = Scripted(0.1, 0.8, 0.3, 0.8, 0.8)
    model = network(solver, scoring=scripted).fit(X, y, X_val=X_val, y_val=y_val)
    assert model.best_iter_ == 1
    assert model.best_validation_score_ == 0.8


@every_solver
def test_the_best_iteration_need_not_be_an_improvement_by_tol(solver):
    scripted = Scripted(0, TOL * 0.75, TOL * 0.5)
    model = network(solver, scoring=scripted, tol=TOL).fit(X, y, X_val=X_val, y_val=y_val)
    assert (model.best_iter_, model.best_validation_score_) == (1, TOL * 0.75)
    assert model.n_iter_ == 6


def test_early_stopping_gives_better_probabilities_than_training_on():
    models = [network("lbfgs"), network("lbfgs", early_stopping=False, max_iter=1000)]
    stopped, trained_on = (model.fit(X, y) for model in models)
    losses = [log_loss(y_val, model.predict_proba(X_val)) for model in (stopped, trained_on)]
    assert losses[0] < losses[1] - 0.1


# ------------------------------------------------------------------------------------ patience


def n_iterations(scores, n, tol):
    """Return after how many iterations the scores have not risen by tol within the last n."""
    improved_at = 0
    for number in range(1, len(scores)):
        if scores[number] >= scores[improved_at] + tol:
            improved_at = number
        if number - improved_at == n:
            return number + 1
    return None


@may_stop_early
@every_solver
@pytest.mark.parametrize("n", [1, 4, np.int64(7)])
@pytest.mark.parametrize("tol", [1e-4, 1e-3])
def test_patience_counts_exactly_n(solver, n, tol):
    model = network(solver, n_iter_no_change=n, tol=tol).fit(X, y, X_val=X_val, y_val=y_val)
    assert model.n_iter_ == n_iterations(model.validation_scores_, n, tol) < 300


@may_stop_early
@every_solver
@pytest.mark.parametrize(
    ("n", "scores", "n_iter"),
    [
        (1, [0], 2),
        (3, [0], 4),
        (3, [5, 0, 0, 5], 4),
        (2, [0, 1, 2, 3], 6),
        (2, [0, 0.5, 1, 1.5], 5),
        (2, [0, 0.5, 1.5, 2], 5),
        (2, [0, 0.5, 0.75, 1], 3),
        (2, [0, -9, 2, -9, 4, -9], 7),
    ],
)
def test_an_improvement_is_by_at_least_tol_on_the_best_score(solver, n, scores, n_iter):
    scripted = Scripted(*(score * TOL for score in scores))
    model = network(solver, n_iter_no_change=n, tol=TOL, scoring=scripted)
    model.fit(X, y, X_val=X_val, y_val=y_val)
    assert model.n_iter_ == n_iter


@every_mini_batch_solver
@pytest.mark.parametrize("learning_rate", ["constant", "invscaling"])
def test_the_training_loss_does_not_end_training_while_the_score_improves(solver, learning_rate):
    still = {"learning_rate": learning_rate, "learning_rate_init": 1e-300, "max_iter": 30}
    model = network(solver, n_iter_no_change=1, scoring=Scripted(*range(30)), **still)
    with pytest.warns(ConvergenceWarning, match="max_iter=30"):
        model.fit(X, y)
    assert model.n_iter_ == 30


@every_solver
def test_a_fit_that_early_stopping_ends_has_converged(solver, recwarn):
    assert network(solver).fit(X, y).n_iter_ < 300
    assert not recwarn.list


@every_solver
def test_a_fit_that_reaches_max_iter_before_that_warns(solver):
    with pytest.warns(ConvergenceWarning, match=rf"{solver} .*max_iter=4 .*Increase max_iter"):
        network(solver, max_iter=4).fit(X, y)


# -------------------------------------------------------------------------------------- curves


@may_stop_early
@every_solver
@pytest.mark.parametrize("own_set", [False, True])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_each_curve_has_an_entry_for_each_iteration(solver, own_set, early_stopping):
    validation_set = {"X_val": X_val, "y_val": y_val} if own_set else {}
    settings = {"max_iter": 12, "n_iter_no_change": 12}
    model = network(solver, early_stopping=early_stopping, **settings)
    model.fit(X, y, **validation_set)
    assert model.n_iter_ == len(model.loss_curve_) == 12
    if own_set or early_stopping:
        assert len(model.validation_loss_curve_) == len(model.validation_scores_) == 12
        entries = [*model.validation_loss_curve_, *model.validation_scores_]
        assert {type(entry) for entry in entries} == {float}
    else:
        assert model.validation_loss_curve_ is None
        assert model.validation_scores_ is None
        assert model.best_validation_score_ is None
        assert model.best_iter_ is None


def log_loss_of(y, proba, sample_weight):
    """Return scikit-learn's log-loss; for several labels, the sum of theirs."""
    if y.ndim == 1:
        return log_loss(y, proba, sample_weight=sample_weight)
    columns = zip(y.T, proba.T, strict=True)
    return sum(log_loss(label, p, sample_weight=sample_weight) for label, p in columns)


CLASS_WEIGHTS = {
    "binary": {1: 2.0, 2: 0.5},
    "multiclass": {0: 1.0, 1: 3.0, 2: 0.25},
    "multilabel": [{0: 1.0, 1: 2.0}] * 4,
}


def weights_in_cost(problem, Y, sample_weight, class_weighted):
    """Return the product of each example's weights, from the table above."""
    if not class_weighted:
        return sample_weight
    if problem == "multilabel":
        factors = np.prod(1.0 + Y, axis=1)
    elif problem == "binary":
        factors = np.where(Y[:, 0] == 1, 0.5, 2.0)
    else:
        factors = Y @ [1.0, 3.0, 0.25]
    return factors if sample_weight is None else factors * sample_weight


@may_stop_early
@every_problem
@pytest.mark.parametrize(
    ("weighted", "class_weighted", "loss", "output_activation"),
    [
        (False, False, "log_loss", "logistic"),
        (True, True, "log_loss", "softmax"),
        (True, False, "squared_error", "logistic"),
        (False, True, "squared_error", "softmax"),
        (True, True, "squared_error", "logistic"),
    ],
)
def test_validation_curves_by_their_definitions(
    problem, weighted, class_weighted, loss, output_activation
):
    X, y = PROBLEMS[problem]
    rng = np.random.default_rng(0)
    validation = rng.permutation(len(y)) < 40
    sample_weight_val = rng.integers(0, 4, 40) if weighted else None
    model = BackpropClassifier(
        (5,),
        "logistic",
        loss=loss,
        output_activation=output_activation,
        class_weight=CLASS_WEIGHTS[problem] if class_weighted else None,
        max_iter=4,
        label_smoothing=0.1,
        random_state=0,
    )
    models, recorder = [], Recorder()
    for scoring in (None, recorder):
        model = model.set_params(scoring=scoring).fit(
            X[~validation],
            y[~validation],
            X_val=X[validation],
            y_val=y[validation],
            sample_weight_val=sample_weight_val,
        )
        models.append((model.validation_loss_curve_, model.validation_scores_))
    (losses, scores), _ = models

    y_val = y[validation]
    Y_val = LabelBinarizer().fit(y).transform(y_val)
    weight = weights_in_cost(problem, Y_val, sample_weight_val, class_weighted)
    layers = Network((X.shape[1], 5, Y_val.shape[1]), "logistic", model.out_activation_)
    cost = Objective(layers, X[validation], Y_val, loss, alpha=0.0, sample_weight=weight)
    for (estimator, *_), loss_, score in zip(recorder.calls, losses, scores, strict=True):
        pairs = zip(estimator.coefs_, estimator.intercepts_, strict=True)
        theta = layers.pack([np.column_stack([b, coef.T]) for coef, b in pairs])
        assert_allclose(loss_, cost(theta)[0], rtol=1e-10)
        proba = estimator.predict_proba(X[validation])
        assert_allclose(score, -log_loss_of(y_val, proba, weight), rtol=1e-10)


@every_solver
def test_verbose_prints_the_validation_score(solver, capsys):
    model = network(solver, verbose=True).fit(X, y, X_val=X_val, y_val=y_val)
    pairs = zip(model.loss_curve_, model.validation_scores_, strict=True)
    assert capsys.readouterr().out.splitlines() == [
        f"Iteration {i}, loss = {loss:.8f}, validation score = {score:.8f}"
        for i, (loss, score) in enumerate(pairs, start=1)
    ]


# ------------------------------------------------------------------------------------- scoring


@may_stop_early
@every_solver
def test_a_scorer_is_called_once_an_iteration_with_the_network_as_it_is(solver):
    recorder = Recorder()
    settings = {"max_iter": 4, "n_iter_no_change": 9}
    model = network(solver, scoring=recorder, **settings).fit(X, y, X_val=X_val, y_val=y_val)
    assert len(recorder.calls) == model.n_iter_ == 4
    for n_iter, (estimator, X_scored, y_scored, weight) in enumerate(recorder.calls, start=1):
        assert type(estimator) is BackpropClassifier
        assert estimator is not model
        assert_array_equal(X_scored, X_val)
        assert_array_equal(y_scored, y_val)
        assert weight is None
        reference = network(solver, early_stopping=False, max_iter=n_iter).fit(X, y)
        assert_same_model(estimator, reference)


@may_stop_early
@every_solver
def test_a_scorer_sees_nothing_of_an_earlier_fit(solver):
    n_iters = []

    def scorer(estimator, X, y):
        n_iters.append(getattr(estimator, "n_iter_", None))
        return 0.0

    model = network(solver, scoring=scorer, max_iter=4, n_iter_no_change=9)
    model.fit(X, y).fit(X, y)
    assert n_iters[:4] == n_iters[4:]


@may_stop_early
@pytest.mark.parametrize("labels", [np.array(["ant", "bee", "cat"]), np.array([-5, 0, 7])])
def test_a_scorer_gets_the_labels_of_the_user(labels):
    recorder = Recorder()
    network("gd", scoring=recorder, max_iter=1).fit(X, labels[y], X_val=X_val, y_val=labels[y_val])
    estimator, _, y_scored, _ = recorder.calls[0]
    assert_array_equal(y_scored, labels[y_val])
    assert_array_equal(estimator.classes_, labels)
    assert set(estimator.predict(X)) <= set(labels)


@may_stop_early
def test_a_scorer_gets_the_sample_weights_but_not_those_of_the_classes():
    weight, recorder = np.linspace(0.5, 2, len(y_val)), Recorder()
    model = network("gd", scoring=recorder, max_iter=1, class_weight={0: 9, 1: 1, 2: 4})
    model.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
    assert_array_equal(recorder.calls[0][3], weight)


@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "f1_macro", "roc_auc_ovr"])
def test_any_scorers_name_may_be_given(name):
    weight = np.linspace(0.5, 2, len(y_val))
    model = network("lbfgs", scoring=name)
    model.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
    score = get_scorer(name)(model, X_val, y_val, sample_weight=weight)
    assert model.best_validation_score_ == score


def test_a_scorer_gets_the_weights_with_metadata_routing_too():
    weight = np.linspace(0.5, 2, len(y_val))
    validation_set = {"X_val": X_val, "y_val": y_val, "sample_weight_val": weight}
    without = network("lbfgs", scoring="accuracy").fit(X, y, **validation_set)
    with config_context(enable_metadata_routing=True):
        routed = network("lbfgs", scoring="accuracy").fit(X, y, **validation_set)
    assert routed.validation_scores_ == without.validation_scores_


@pytest.mark.parametrize("problem", ["binary", "multiclass"])
def test_without_scoring_it_is_the_log_loss(problem):
    X, y = PROBLEMS[problem]
    y = y - y.min()
    models = [
        BackpropClassifier((5,), early_stopping=True, scoring=scoring, random_state=0).fit(X, y)
        for scoring in (None, "neg_log_loss")
    ]
    assert_same_model(*models)
    assert_allclose(models[0].validation_scores_, models[1].validation_scores_, rtol=1e-10)


# -------------------------------------------------------------------- the drawn validation set


class_sizes = st.lists(st.integers(1, 30), min_size=2, max_size=6)
fractions = st.floats(0.01, 0.99)


def labels_of(sizes, seed):
    y = np.repeat(np.arange(len(sizes)), sizes)
    return np.random.default_rng(seed).permutation(y)


@given(sizes=class_sizes, fraction=fractions, seed=st.integers(0, 9))
def test_no_class_is_lost_from_training(sizes, fraction, seed):
    y = labels_of([*sizes, 2], seed)
    rows, _, _ = drawn_by_split(y, fraction, random_state=seed)
    assert set(np.delete(y, rows)) == set(y)
    assert len(rows) == min(ceil(fraction * len(y)), len(y) - len(sizes) - 1)


@given(
    sizes=st.lists(st.integers(4, 40), min_size=2, max_size=6),
    fraction=st.floats(0.01, 0.5),
    seed=st.integers(0, 9),
)
def test_the_split_is_stratified(sizes, fraction, seed):
    y = labels_of(sizes, seed)
    rows, y_scored, _ = drawn_by_split(y, fraction, random_state=seed)
    drawn = np.bincount(y_scored, minlength=len(sizes))
    exact = len(rows) * np.array(sizes) / len(y)
    if (exact >= 1).all():
        assert (np.abs(drawn - exact) < 1).all()
    elif len(rows) >= len(sizes):
        assert (drawn >= 1).all()
    assert_array_equal(y_scored, y[rows])


@pytest.mark.parametrize("problem", ["binary", "multiclass"])
def test_a_tenth_of_each_class_is_kept_by_default(problem):
    y = PROBLEMS[problem][1]
    rows, _, _ = drawn_by_split(y, BackpropClassifier().validation_fraction)
    assert_array_equal(np.unique(y[rows], return_counts=True)[1], [5] * len(np.unique(y)))


@may_stop_early
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("scoring", ["roc_auc", "average_precision", "balanced_accuracy"])
def test_a_rare_class_can_be_scored(scoring, seed):
    y = np.r_[np.zeros(200, int), 1, 1, 1]
    X = np.random.default_rng(0).normal(size=(203, 2))
    model = Brief(early_stopping=True, scoring=scoring, random_state=seed).fit(X, y)
    assert np.isfinite(model.validation_scores_).all()


@may_stop_early
def test_a_rare_label_can_be_scored():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(203, 2)), rng.integers(2, size=(203, 3))
    Y[:, 1] = np.arange(203) % 70 == 0
    model = Brief(early_stopping=True, scoring="roc_auc").fit(X, Y)
    assert np.isfinite(model.validation_scores_).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_a_class_that_the_users_validation_set_lacks_is_named():
    X, y = PROBLEMS["binary"]
    part = y == 1
    with pytest.raises(ValueError, match=r"The validation set has no rows of the classes \[2\]"):
        Brief(scoring="roc_auc").fit(X, y, X_val=X[part], y_val=y[part])


def test_singletons_stay_in_training():
    y = np.r_[0, 1, 2, 3, np.full(16, 4)]
    for random_state in range(10):
        rows, _, _ = drawn_by_split(y, 0.5, random_state=random_state)
        assert (y[rows] == 4).all()
        assert len(rows) == 10


def test_the_draw_depends_on_random_state_alone():
    rows = [drawn_by_split(IRIS[1], 0.2, random_state=seed)[0].tolist() for seed in (0, 0, 1)]
    assert rows[0] == rows[1] != rows[2]


@may_stop_early
@every_solver
def test_a_warm_start_from_the_same_seed_never_trains_on_what_was_held_out(solver):
    recorder = Recorder()
    model = network(solver, scoring=recorder, max_iter=3, warm_start=True).fit(X, y)
    model.set_params(solver="adam", alpha=1.0).fit(X, y)
    first, last = recorder.calls[0][1], recorder.calls[-1][1]
    assert len(recorder.calls) == 6
    assert_array_equal(first, last)


@given(seed=st.integers(0, 50), fraction=st.floats(0.05, 0.9))
def test_each_label_keeps_a_row_with_and_one_without_it(seed, fraction):
    rng = np.random.default_rng(seed)
    Y = (rng.random((20, 3)) < [0.1, 0.5, 0.9]).astype(int)
    Y[0], Y[1] = 0, 1  # each label has both
    rows, _, _ = drawn_by_split(Y, fraction, random_state=seed)
    train = np.delete(Y, rows, axis=0)
    assert (train.min(axis=0) == 0).all()
    assert (train.max(axis=0) == 1).all()
    # two rows for each of the three labels are enough
    assert min(ceil(fraction * 20), 20 - 6) <= len(rows) <= ceil(fraction * 20)


@pytest.mark.parametrize("problem", ["binary", "multiclass", "multilabel"])
def test_the_split_keeps_the_sample_weights(problem):
    y = PROBLEMS[problem][1]
    weight = np.linspace(1, 3, len(y))
    rows, _, weight_scored = drawn_by_split(y, 0.2, weight)
    assert_array_equal(weight_scored, weight[rows])


def test_rows_of_weight_0_are_not_drawn():
    y = IRIS[1]
    weight = np.tile([0.0, 0.0, 1.0], 50)
    for random_state in range(5):
        rows, _, weight_scored = drawn_by_split(y, 0.3, weight, random_state)
        assert len(rows) == 15
        assert (weight_scored == 1).all()


@may_stop_early
@every_solver
@every_problem
def test_a_drawn_set_does_what_the_same_set_does_when_it_is_passed(solver, problem):
    X, y = PROBLEMS[problem]
    weight = np.linspace(1, 3, len(y))
    settings = {"shuffle": False, "max_iter": 12, "validation_fraction": 0.2}
    initialized = network(solver).initialize(X, y)
    start = {"coefs_init": initialized.coefs_, "intercepts_init": initialized.intercepts_}
    drawn = network(solver, **settings).fit(X, y, weight, **start)

    recorder = Recorder()
    network(solver, scoring=recorder, **settings).fit(X, y, weight, **start)
    _, X_scored, y_scored, weight_scored = recorder.calls[0]
    train = ~np.isin(weight, weight_scored)
    assert train.sum() + len(weight_scored) == len(y)
    passed = network(solver, **settings).fit(
        X[train],
        y[train],
        weight[train],
        X_val=X_scored,
        y_val=y_scored,
        sample_weight_val=weight_scored,
        **start,
    )
    assert_same_model(drawn, passed)
    assert drawn.validation_scores_ == passed.validation_scores_


# ------------------------------------------------------------- a validation set that is passed


@may_stop_early
@every_solver
def test_without_early_stopping_a_validation_set_is_only_scored(solver):
    settings = {"early_stopping": False, "max_iter": 150, "n_iter_no_change": 5}
    unscored = network(solver, **settings).fit(X, y)
    scored = network(solver, **settings).fit(X, y, X_val=X_val, y_val=y_val)
    assert_same_model(scored, unscored)
    assert scored.loss_curve_ == unscored.loss_curve_
    assert scored.loss_ == scored.loss_curve_[-1]
    assert scored.best_iter_ == np.argmax(scored.validation_scores_) < scored.n_iter_ - 1


def test_a_validation_set_may_lack_classes():
    some = y_val != 1
    model = network("lbfgs").fit(X, y, X_val=X_val[some], y_val=y_val[some])
    assert model.n_iter_ > model.best_iter_ >= 0


@every_solver
def test_a_passed_set_is_taken_instead_of_a_fraction(solver):
    model = network(solver, validation_fraction=0.5)
    assert_same_model(
        model.fit(X, y, X_val=X_val, y_val=y_val),
        network(solver, validation_fraction=0.1).fit(X, y, X_val=X_val, y_val=y_val),
    )


def test_it_is_transformed_and_routed_in_a_pipeline():
    with config_context(enable_metadata_routing=True):
        names = {"X_val": True, "y_val": True, "sample_weight_val": True}
        classifier = network("lbfgs").set_fit_request(**names)
        pipeline = make_pipeline(StandardScaler(), classifier, transform_input=["X_val"])
        weight = np.linspace(0.5, 2, len(y_val))
        far_off = partial(np.add, 1000.0)
        pipeline.fit(far_off(X), y, X_val=far_off(X_val), y_val=y_val, sample_weight_val=weight)
    scaler = StandardScaler().fit(far_off(X))
    by_hand = network("lbfgs").fit(
        scaler.transform(far_off(X)),
        y,
        X_val=scaler.transform(far_off(X_val)),
        y_val=y_val,
        sample_weight_val=weight,
    )
    assert_same_model(pipeline[-1], by_hand)
    assert pipeline[-1].validation_scores_ == by_hand.validation_scores_


def test_it_needs_no_metadata_routing_outside_a_pipeline():
    with config_context(enable_metadata_routing=True):
        model = network("lbfgs").fit(X, y, X_val=X_val, y_val=y_val)
    assert_same_model(model, network("lbfgs").fit(X, y, X_val=X_val, y_val=y_val))


# ------------------------------------------------------------------------------- kinds of data


FRAME = pd.DataFrame(X).add_prefix("x")
FRAME_VAL = pd.DataFrame(X_val).add_prefix("x")


@pytest.mark.parametrize("scoring", [None, "accuracy", majority_vote])
@pytest.mark.parametrize("own_set", [False, True])
def test_a_frame_is_scored_without_a_warning(scoring, own_set):
    validation_set = {"X_val": FRAME_VAL, "y_val": pd.Series(y_val)} if own_set else {}
    model = network("lbfgs", scoring=scoring).fit(FRAME, pd.Series(y), **validation_set)
    validation_set = {"X_val": X_val, "y_val": y_val} if own_set else {}
    assert_same_model(model, network("lbfgs", scoring=scoring).fit(X, y, **validation_set))
    assert_array_equal(model.feature_names_in_, FRAME.columns)
    assert model.predict(FRAME_VAL).shape == y_val.shape


@every_solver
@pytest.mark.parametrize("scoring", [None, "accuracy"])
def test_float32_is_computed_in_float32(solver, scoring):
    X_32, X_val_32 = X.astype(np.float32), X_val.astype(np.float32)
    model = network(solver, scoring=scoring).fit(X_32, y, X_val=X_val_32, y_val=y_val)
    assert {w.dtype for w in [*model.coefs_, *model.intercepts_]} == {np.dtype(np.float32)}
    score = get_scorer(scoring or "neg_log_loss")(model, X_val_32, y_val)
    assert_allclose(score, model.best_validation_score_, rtol=1e-5)
    assert {type(s) for s in model.validation_scores_} == {float}


@pytest.mark.parametrize("dtypes", [(np.float32, np.float64), (np.float64, np.float32)])
def test_the_validation_set_is_computed_in_the_dtype_of_the_training_set(dtypes):
    # numbers that float32 holds exactly
    X_train, X_scored = np.round(X * 16) / 16, np.round(X_val * 16) / 16
    train, scored = dtypes
    mixed = network("lbfgs").fit(
        X_train.astype(train), y, X_val=X_scored.astype(scored), y_val=y_val
    )
    alike = network("lbfgs").fit(
        X_train.astype(train), y, X_val=X_scored.astype(train), y_val=y_val
    )
    assert_same_model(mixed, alike)
    assert mixed.validation_scores_ == alike.validation_scores_
    assert mixed.coefs_[0].dtype == train


@may_stop_early
@every_solver
@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array])
@pytest.mark.parametrize("own_set", [False, True])
def test_sparse_is_fitted_as_dense(solver, container, own_set):
    dense, dense_val = np.maximum(X, 0), np.maximum(X_val, 0)
    models = [
        network(solver, max_iter=10, n_iter_no_change=3).fit(
            convert(dense), y, **({"X_val": convert(dense_val), "y_val": y_val} if own_set else {})
        )
        for convert in (np.asarray, container)
    ]
    assert_allclose(models[1].validation_scores_, models[0].validation_scores_, rtol=1e-7)
    assert_same_model(*models, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("solver", "container", "scoring"),
    [
        ("gd", np.asarray, None),
        ("sgd", sparse.csr_matrix, None),
        ("adam", np.asarray, "accuracy"),
        ("cg", sparse.csr_matrix, "f1_samples"),
        ("lbfgs", sparse.csr_matrix, "accuracy"),
        ("lbfgs", np.asarray, "f1_samples"),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@may_stop_early
def test_multilabel(solver, container, scoring):
    X, Y = PROBLEMS["multilabel"]
    model = network(solver, scoring=scoring, max_iter=30)
    model.fit(X[:80], container(Y[:80]), X_val=X[80:], y_val=container(Y[80:]))
    if scoring is None:
        score = -log_loss_of(Y[80:], model.predict_proba(X[80:]), None)
    else:
        score = get_scorer(scoring)(model, X[80:], Y[80:])
    assert_allclose(score, model.best_validation_score_, rtol=1e-12)
    assert network(solver, max_iter=30).fit(X, container(Y)).best_iter_ is not None


# ---------------------------------------------------------------------- Ctrl-C, and divergence


@every_solver
@pytest.mark.parametrize(
    ("scores", "best_iter"), [([0.1, 0.9, 0.5], 1), ([0.1, 0.2, 0.9], 2), ([0.3], 0)]
)
def test_ctrl_c_keeps_the_best_finished_iteration(solver, scores, best_iter):
    interrupted = network(solver, scoring=Scripted(*scores, KeyboardInterrupt))
    with pytest.warns(UserWarning, match="interrupted") as caught:
        interrupted.fit(X, y, X_val=X_val, y_val=y_val)
    assert [warning.filename for warning in caught] == [__file__]
    assert re.search(r"iteration (\d+)", str(caught[0].message)).group(1) == str(best_iter + 1)
    assert interrupted.validation_scores_ == scores
    assert (interrupted.n_iter_, interrupted.best_iter_) == (len(scores), best_iter)
    with pytest.warns(ConvergenceWarning):
        reference = network(solver, early_stopping=False, max_iter=best_iter + 1).fit(X, y)
    assert_same_model(interrupted, reference)
    assert interrupted.loss_ == reference.loss_


@every_solver
def test_ctrl_c_keeps_the_last_finished_iteration_where_the_set_is_only_scored(solver):
    scripted = Scripted(0.1, 0.9, 0.5, KeyboardInterrupt)
    model = network(solver, scoring=scripted, early_stopping=False)
    with pytest.warns(UserWarning, match="the model is that of iteration 3"):
        model.fit(X, y, X_val=X_val, y_val=y_val)
    with pytest.warns(ConvergenceWarning):
        reference = network(solver, early_stopping=False, max_iter=3).fit(X, y)
    assert_same_model(model, reference)
    assert (model.n_iter_, model.best_iter_) == (3, 1)


@every_solver
def test_ctrl_c_before_the_first_score_stops_the_fit(solver):
    model = network(solver, scoring=Scripted(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


@every_solver
def test_divergence_is_an_error_for_every_solver(solver):
    has_rate = solver not in LINE_SEARCH
    settings = {"learning_rate_init": 1e200} if has_rate else {"activation": "identity"}
    model = network(solver, **settings)
    with pytest.raises(ValueError, match=r"diverged at iteration \d+.*Standardise X"):
        model.fit(1e300 * scale(X), y, X_val=X_val, y_val=y_val)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


@every_solver
def test_an_error_in_a_scorer_leaves_the_model_unchanged(solver):
    model = network(solver).fit(X, y)
    before, attributes = weights_of(model), vars(model).copy()
    with pytest.raises(ZeroDivisionError):
        model.set_params(scoring=Scripted(0.1, 0.2, ZeroDivisionError)).fit(X, y)
    assert_array_equal(weights_of(model), before)
    assert vars(model).keys() == attributes.keys()
    assert model.validation_scores_ is attributes["validation_scores_"]


@may_stop_early
@every_solver
def test_max_iter_1_has_one_score(solver):
    model = network(solver, max_iter=1).fit(X, y)
    assert len(model.validation_scores_) == 1
    assert model.best_iter_ == 0


@pytest.mark.parametrize("solver", LINE_SEARCH)
def test_a_start_at_the_optimum_has_no_iteration_to_choose_from(solver):
    settings = {"alpha": 5.0, "max_iter": 1000, "tol": 1e-3}
    optimum = network(solver, early_stopping=False, **settings | {"n_iter_no_change": np.inf}).fit(
        X, y
    )
    model = network(solver, **settings).fit(
        X,
        y,
        X_val=X_val,
        y_val=y_val,
        coefs_init=optimum.coefs_,
        intercepts_init=optimum.intercepts_,
    )
    assert_same_model(model, optimum)
    assert (model.n_iter_, model.validation_scores_, model.best_iter_) == (0, [], None)
    assert model.best_validation_score_ is None
    assert_allclose(model.loss_, optimum.loss_, rtol=1e-12)
