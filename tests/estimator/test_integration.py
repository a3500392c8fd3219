"""BackpropClassifier in the company of scikit-learn, pandas, polars and joblib.

Each test fits real data and holds the result to a floor or to an independent
reference. A network without a hidden layer is logistic regression with the same
objective as scikit-learn's (λ = 1/C), so LogisticRegression is the reference for
whatever a meta-estimator makes of its estimator.
"""

import copy
import pickle
import re
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import methodcaller

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from fitting import may_stop_early
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_multilabel_classification,
)
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import ConvergenceWarning, UnsetMetadataPassedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    get_scorer,
    log_loss,
    recall_score,
)
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    train_test_split,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import estimator_html_repr
from threadpoolctl import threadpool_info, threadpool_limits

from skbp import BackpropClassifier

FRAMES = [pd.DataFrame, pl.DataFrame]
CULTIVARS = np.array(["Barolo", "Grignolino", "Barbera"])


def small(**params):
    """A small network that is the same every time."""
    lectures = {"hidden_layer_sizes": (8,), "activation": "logistic", "alpha": 0.5}
    return BackpropClassifier(**lectures | {"random_state": 0} | params)


def scaled(classifier):
    return make_pipeline(StandardScaler(), classifier)


def flat(alpha=1.0, **params):
    """A network without hidden layer, fitted to high precision."""
    params = {"solver": "cg", "tol": 1e-7, "max_iter": 5000, "random_state": 0} | params
    params = {"n_iter_no_change": np.inf} | params
    return BackpropClassifier((), alpha=alpha, **params)


def reference(alpha=1.0):
    """What `flat` computes, by another program."""
    return LogisticRegression(C=1 / alpha, tol=1e-9, max_iter=5000)


def split(load, **params):
    """Return X_train, X_test, y_train, y_test, with standardised features."""
    X, y = load(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, **{"stratify": y, "random_state": 0} | params
    )
    scaler = StandardScaler().fit(X_train)
    return scaler.transform(X_train), scaler.transform(X_test), y_train, y_test


def some_digits():
    return split(load_digits, train_size=500, test_size=500)


# ---------------------------------------------------------------- tables


NUMBERS = ["alcohol", "ash", "magnesium"]
TEXTS = ["colour", "taste"]


def wine_columns():
    """Wine as a mixed table: three numbers, two measurements told in words, the cultivar."""
    wine = load_wine()
    columns = dict(zip(wine.feature_names, wine.data.T, strict=True))
    words = np.array(["low", "medium", "high"])
    colour = words[np.digitize(columns["color_intensity"], [3.5, 6.0])]
    taste = words[np.digitize(columns["flavanoids"], [1.3, 2.4])]
    numbers = {name: columns[name] for name in NUMBERS}
    return numbers | {
        "colour": colour.tolist(),
        "taste": taste.tolist(),
        "cultivar": CULTIVARS[wine.target].tolist(),
    }


def wine_table(frame):
    """Return train and test tables: even and odd rows."""
    columns = wine_columns()
    halves = [{k: v[start::2] for k, v in columns.items()} for start in (0, 1)]
    return [frame(half) for half in halves]


def mixed_pipeline(*transformers):
    return make_pipeline(make_column_transformer(*transformers), small())


def numbers_and_texts():
    return mixed_pipeline(
        (StandardScaler(), NUMBERS), (OneHotEncoder(handle_unknown="ignore"), TEXTS)
    )


@pytest.mark.parametrize("frame", FRAMES)
def test_column_transformer_on_a_mixed_table(frame):
    train, test = wine_table(frame)
    model = numbers_and_texts().fit(train, train["cultivar"])
    score = model.score(test, test["cultivar"])
    numbers_only = mixed_pipeline((StandardScaler(), NUMBERS)).fit(train, train["cultivar"])
    assert score > 0.87
    assert score > numbers_only.score(test, test["cultivar"]) + 0.1
    assert_array_equal(model.classes_, np.sort(CULTIVARS))


def numbers_of(table):
    return np.column_stack([np.asarray(table[name]) for name in NUMBERS])


def one_hot_by_hand(table, scaler):
    """The matrix that `numbers_and_texts` should make of a table."""
    words = [np.asarray(table[name], dtype=object) for name in TEXTS]
    indicators = [column == word for column in words for word in ("high", "low", "medium")]
    return np.column_stack([scaler.transform(numbers_of(table)), *indicators])


@pytest.mark.parametrize("frame", FRAMES)
def test_a_table_gives_the_model_of_its_matrix(frame):
    train, test = wine_table(frame)
    model = numbers_and_texts().fit(train, train["cultivar"])
    scaler = StandardScaler().fit(numbers_of(train))
    by_hand = small().fit(one_hot_by_hand(train, scaler), np.asarray(train["cultivar"]))
    expected = by_hand.predict_proba(one_hot_by_hand(test, scaler))
    assert_allclose(model.predict_proba(test), expected, rtol=1e-9)


def test_pandas_and_polars_give_the_same_model():
    probabilities = []
    for frame in FRAMES:
        train, test = wine_table(frame)
        model = numbers_and_texts().fit(train, train["cultivar"])
        probabilities.append(model.predict_proba(test))
    assert_array_equal(*probabilities)


@pytest.mark.parametrize(
    "labels",
    [
        list,
        partial(np.array, dtype=object),
        pd.Series,
        partial(pd.Series, dtype="category"),
        partial(pd.Series, dtype="string"),
        pl.Series,
        partial(pl.Series, dtype=pl.Categorical),
    ],
    ids=["list", "object", "pandas", "category", "string", "polars", "polars-categorical"],
)
def test_containers_of_string_labels(labels):
    X_train, X_test, y_train, y_test = split(load_wine)
    expected = small().fit(X_train, CULTIVARS[y_train])
    model = small().fit(X_train, labels(CULTIVARS[y_train].tolist()))
    assert_array_equal(model.predict(X_test), expected.predict(X_test))
    assert_array_equal(model.classes_, np.sort(CULTIVARS))
    assert model.score(X_test, labels(CULTIVARS[y_test].tolist())) > 0.95


@pytest.mark.parametrize("frame", FRAMES)
def test_feature_names(frame):
    X_train, X_test, y_train, y_test = split(load_wine)
    names = load_wine().feature_names
    train, test = (frame(dict(zip(names, X.T, strict=True))) for X in (X_train, X_test))
    model = small().fit(train, y_train)
    assert_array_equal(model.feature_names_in_, np.array(names, dtype=object))
    assert model.score(test, y_test) > 0.95
    assert_array_equal(
        model.predict_proba(test), small().fit(X_train, y_train).predict_proba(X_test)
    )
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(test[names[::-1]])


@pytest.mark.parametrize(
    ("container", "frame"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)]
)
def test_set_output(container, frame):
    train, test = wine_table(frame)
    arrays = numbers_and_texts()
    arrays[0].set_params(onehotencoder__sparse_output=False)
    tables = clone(arrays).set_output(transform=container)
    tables.fit(train, train["cultivar"])
    arrays.fit(train, train["cultivar"])
    assert isinstance(tables[:-1].transform(test), frame)
    assert_array_equal(tables[-1].feature_names_in_, arrays[:-1].get_feature_names_out())
    assert_array_equal(tables.predict_proba(test), arrays.predict_proba(test))
    assert tables.score(test, test["cultivar"]) > 0.87


# ---------------------------------------------------------------- searches


GRID = {
    "backpropclassifier__alpha": [0.1, 1.0, 100.0],
    "backpropclassifier__hidden_layer_sizes": [(), (4,), (8, 4)],
}


@pytest.mark.parametrize(
    "search",
    [
        partial(GridSearchCV, param_grid=GRID),
        partial(
            RandomizedSearchCV,
            param_distributions=GRID | {"backpropclassifier__alpha": loguniform(0.1, 100)},
            n_iter=6,
            random_state=0,
        ),
        partial(HalvingGridSearchCV, param_grid=GRID, min_resources=80, random_state=0),
    ],
    ids=["grid", "randomized", "halving"],
)
@may_stop_early  # with the largest alpha, a model is constant
def test_search(search):
    X_train, X_test, y_train, y_test = split(load_breast_cancer)
    search = search(scaled(small()), cv=3, n_jobs=2, error_score="raise")
    search.fit(X_train, y_train)
    scores = search.cv_results_["mean_test_score"]
    assert search.score(X_test, y_test) > 0.95
    assert search.best_params_["backpropclassifier__alpha"] < 100
    assert scores.max() > scores.min()
    refitted = clone(search.estimator).set_params(**search.best_params_).fit(X_train, y_train)
    assert_array_equal(search.predict_proba(X_test), refitted.predict_proba(X_test))


def test_grid_search_ranks_like_logistic_regressions():
    X, _, y, _ = split(load_breast_cancer)
    alphas = np.array([1.0, 10.0, 100.0])
    settings = {"cv": 3, "scoring": "neg_log_loss", "n_jobs": 2}
    ours = GridSearchCV(flat(), {"alpha": alphas}, **settings).fit(X, y)
    theirs = GridSearchCV(reference(), {"C": 1 / alphas}, **settings).fit(X, y)
    for column in ("mean_test_score", "std_test_score"):
        assert_allclose(ours.cv_results_[column], theirs.cv_results_[column], rtol=1e-4)
    assert ours.best_index_ == theirs.best_index_
    assert ours.best_score_ > -0.1


def test_halving_over_the_iterations():
    X_train, X_test, y_train, y_test = split(load_wine)
    search = HalvingGridSearchCV(
        small(),
        {"alpha": [0.01, 0.1, 1.0, 100.0]},
        resource="max_iter",
        min_resources=5,
        max_resources=500,
        cv=3,
        random_state=0,
    )
    with pytest.warns(ConvergenceWarning, match="max_iter=(5|15) iterations"):
        search.fit(X_train, y_train)
    assert search.n_resources_ == [5, 15]
    assert search.best_params_["alpha"] < 100
    assert search.score(X_test, y_test) > 0.9


def tables_of_searches(estimator, grid, X, y, **params):
    """Fit a search with one job and one with two; return both."""
    settings = {"cv": 2, "scoring": "neg_log_loss", "return_train_score": True} | params
    return [GridSearchCV(estimator, grid, n_jobs=n, **settings).fit(X, y) for n in (1, 2)]


def assert_same_searches(one, two):
    names = [name for name in one.cv_results_ if name.endswith("_score")]
    assert len(names) == 9  # 2 splits, mean, std for train and test; rank
    for name in names:
        assert_array_equal(one.cv_results_[name], two.cv_results_[name])
    assert one.best_params_ == two.best_params_
    assert_same_model(one.best_estimator_, two.best_estimator_)


def assert_same_model(one, two):
    for name in ("coefs_", "intercepts_", "loss_curve_"):
        for a, b in zip(getattr(one, name), getattr(two, name), strict=True):
            assert_array_equal(a, b)


def test_n_jobs_changes_nothing():
    X, X_test, y, y_test = split(load_wine)
    grid = [{"alpha": [0.1], "hidden_layer_sizes": [(5,)]}, {"alpha": [2.0]}]
    one, two = tables_of_searches(small(), grid, X, y)
    assert_same_searches(one, two)
    assert accuracy_score(y_test, two.predict(X_test)) > 0.9


def large(n_units):
    """A network whose products with all digits a BLAS splits among its threads."""
    return BackpropClassifier((n_units,), activation="relu", alpha=10, tol=2e-2, random_state=0)


def test_n_jobs_changes_no_model_of_a_fold():
    X, y = load_digits(return_X_y=True)
    settings = {"cv": 2, "return_estimator": True}
    one, two = (cross_validate(large(400), X / 16, y, n_jobs=n, **settings) for n in (1, 2))
    assert min(two["test_score"]) > 0.8
    for a, b in zip(one["estimator"], two["estimator"], strict=True):
        assert_same_model(a, b)


def test_n_jobs_changes_no_prediction():
    # a job of several has one BLAS thread, a single one has all: the products must not differ
    X, _, y, _ = some_digits()
    model = BackpropClassifier((250,), alpha=5, tol=1e-2, random_state=0)
    settings = {"cv": 2, "method": "predict_proba"}
    one, two = (cross_val_predict(model, X, y, n_jobs=n, **settings) for n in (1, 2))
    assert accuracy_score(y, one.argmax(axis=1)) > 0.85
    assert_array_equal(one, two)


# ---------------------------------------------------------------- cross-validation


def test_cross_val_predict_is_what_each_fold_predicts():
    X, y = load_wine(return_X_y=True)
    names, cv = CULTIVARS[y], StratifiedKFold(3, shuffle=True, random_state=0)
    found = cross_val_predict(scaled(small()), X, names, cv=cv, method="predict_proba", n_jobs=2)
    expected = np.empty_like(found)
    for train, test in cv.split(X, y):
        expected[test] = scaled(small()).fit(X[train], names[train]).predict_proba(X[test])
    assert_array_equal(found, expected)
    assert log_loss(names, found) < 0.15


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function"]
)
def test_cross_val_predict_with_every_method(method):
    X, y = load_breast_cancer(return_X_y=True)
    found = cross_val_predict(scaled(flat()), X, y, cv=3, method=method)
    expected = cross_val_predict(scaled(reference()), X, y, cv=3, method=method)
    assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("scoring", ["neg_log_loss", "roc_auc"])
def test_cross_val_score_like_logistic_regression(scoring):
    X, y = load_breast_cancer(return_X_y=True)
    settings = {"cv": 3, "scoring": scoring}
    found = cross_val_score(scaled(flat()), X, y, **settings)
    assert_allclose(found, cross_val_score(scaled(reference()), X, y, **settings), rtol=1e-4)


def test_cross_val_score_for_three_classes():
    X, y = load_wine(return_X_y=True)
    assert cross_val_score(scaled(small()), X, CULTIVARS[y], scoring="roc_auc_ovr").mean() > 0.99


# ---------------------------------------------------------------- calibration and thresholds


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration_improves_timid_probabilities(method):
    X_train, X_test, y_train, y_test = split(load_breast_cancer)
    timid = flat(3000).fit(X_train, y_train)
    calibrated = CalibratedClassifierCV(flat(3000), method=method, cv=3, n_jobs=2)
    calibrated.fit(X_train, y_train)
    errors = [brier_score_loss(y_test, m.predict_proba(X_test)[:, 1]) for m in (timid, calibrated)]
    assert errors[1] < 0.5 * errors[0]
    assert calibrated.score(X_test, y_test) > 0.88


def test_calibration_of_a_fitted_network():
    X_train, X_test, y_train, y_test = split(load_breast_cancer)
    frozen = [
        CalibratedClassifierCV(FrozenEstimator(m.fit(X_train[:200], y_train[:200])))
        .fit(X_train[200:], y_train[200:])
        .predict_proba(X_test)
        for m in (flat(10.0), reference(10.0))
    ]
    assert_allclose(*frozen, atol=1e-4)
    assert log_loss(y_test, frozen[0]) < 0.15


def test_tuned_threshold():
    X_train, X_test, y_train, y_test = split(load_breast_cancer)
    names = np.array(["malignant", "benign"])
    plain = flat(3000).fit(X_train, names[y_train])
    tuned = TunedThresholdClassifierCV(flat(3000), scoring="balanced_accuracy", n_jobs=2)
    tuned.fit(X_train, names[y_train])
    scores = [balanced_accuracy_score(names[y_test], m.predict(X_test)) for m in (plain, tuned)]
    assert scores[1] > scores[0] + 0.05
    assert scores[1] > 0.87


@pytest.mark.parametrize(
    ("response", "threshold"), [("predict_proba", 0.8), ("decision_function", 1.5)]
)
def test_fixed_threshold(response, threshold):
    X_train, X_test, y_train, y_test = split(load_breast_cancer)
    fixed = FixedThresholdClassifier(small(), threshold=threshold, response_method=response)
    fixed.fit(X_train, y_train)
    values = getattr(small().fit(X_train, y_train), response)(X_test)
    values = values[:, 1] if values.ndim == 2 else values
    assert_array_equal(fixed.predict(X_test), values >= threshold)
    assert (fixed.predict(X_test) != small().fit(X_train, y_train).predict(X_test)).any()
    assert fixed.score(X_test, y_test) > 0.93


# ---------------------------------------------------------------- ensembles


def test_stacking_of_logistic_regressions():
    X_train, X_test, y_train, _ = split(load_breast_cancer)
    stacks = [
        StackingClassifier([("member", member(10.0))], final_estimator=member(), passthrough=True)
        .fit(X_train, y_train)
        .predict_proba(X_test)
        for member in (flat, reference)
    ]
    assert_allclose(*stacks, atol=1e-5)


def test_soft_voting():
    X_train, X_test, y_train, y_test = split(load_wine)
    members = [small(random_state=i, activation=g) for i, g in enumerate(["logistic", "tanh"])]
    members.append(DecisionTreeClassifier(max_depth=3, random_state=0))
    vote = VotingClassifier([(str(i), m) for i, m in enumerate(members)], voting="soft", n_jobs=2)
    vote.fit(X_train, CULTIVARS[y_train])
    expected = np.mean(
        [m.fit(X_train, CULTIVARS[y_train]).predict_proba(X_test) for m in members], axis=0
    )
    assert_allclose(vote.predict_proba(X_test), expected, rtol=1e-12)
    assert vote.score(X_test, CULTIVARS[y_test]) > 0.95


def test_bagging_of_logistic_regressions():
    X_train, X_test, y_train, _ = split(load_wine)
    bags = [
        BaggingClassifier(member, n_estimators=3, random_state=0)
        .fit(X_train, y_train)
        .predict_proba(X_test)
        for member in (flat(output_activation="softmax"), reference())
    ]
    assert_allclose(*bags, atol=1e-5)


@pytest.mark.parametrize("hidden_layer_sizes", [(), (6,)])
@pytest.mark.parametrize("solver", ["lbfgs", "cg"])
def test_small_weights_need_a_small_alpha(hidden_layer_sizes, solver):
    X_train, X_test, y_train, y_test = split(load_wine)
    n = len(X_train)
    params = {"solver": solver, "tol": 1e-6, "max_iter": 5000, "n_iter_no_change": np.inf}
    whole = small(hidden_layer_sizes=hidden_layer_sizes, alpha=0.5, **params)
    whole.fit(X_train, y_train, sample_weight=np.ones(n))
    parts = clone(whole).set_params(alpha=0.5 / n)
    parts.fit(X_train, y_train, sample_weight=np.full(n, 1 / n))
    assert_allclose(parts.predict_proba(X_test), whole.predict_proba(X_test), rtol=1e-6, atol=1e-8)
    assert parts.score(X_test, y_test) > 0.95


def test_adaboost_with_an_alpha_for_whole_rows_knows_only_the_larger_class():
    X_train, X_test, y_train, y_test = split(load_breast_cancer)
    larger = np.mean(y_test == 1)
    default = AdaBoostClassifier(small(), n_estimators=3, random_state=0)
    with pytest.warns(ConvergenceWarning, match="sample weights sum to 1"):
        default.fit(X_train, y_train)
    scaled_alpha = small(alpha=0.5 / len(X_train))
    improved = AdaBoostClassifier(scaled_alpha, n_estimators=3, random_state=0).fit(
        X_train, y_train
    )
    automatic = AdaBoostClassifier(small(alpha="auto"), n_estimators=3, random_state=0)
    assert automatic.fit(X_train, y_train).score(X_test, y_test) > larger + 0.25
    assert default.score(X_test, y_test) == larger
    assert improved.score(X_test, y_test) > 0.95


def test_adaboost_of_logistic_regressions():
    X_train, X_test, y_train, y_test = split(load_breast_cancer)
    alpha = 10 / len(X_train)
    boosts = [
        AdaBoostClassifier(member, n_estimators=5, random_state=0).fit(X_train, y_train)
        for member in (flat(alpha), reference(alpha))
    ]
    assert_allclose(*(b.estimator_weights_ for b in boosts), rtol=1e-6)
    assert_allclose(*(b.decision_function(X_test) for b in boosts), atol=1e-6)
    assert boosts[0].score(X_test, y_test) > 0.95


# ---------------------------------------------------------------- many classes, many labels


def yeast_like():
    """Return X_train, X_test, Y_train, Y_test with 4 overlapping labels."""
    X, Y = make_multilabel_classification(400, 20, n_classes=4, n_labels=2, random_state=0)
    X_train, X_test, Y_train, Y_test = train_test_split(X, Y, random_state=0)
    scaler = StandardScaler().fit(X_train)
    return scaler.transform(X_train), scaler.transform(X_test), Y_train, Y_test


def floor(Y):
    """What each label's more frequent value gets right, and a tenth more."""
    return np.maximum(Y.mean(axis=0), 1 - Y.mean(axis=0)).mean() + 0.1


def test_one_vs_rest_is_a_layer_of_logistic_units():
    X_train, X_test, y_train, y_test = split(load_wine)
    rest = OneVsRestClassifier(flat(), n_jobs=2).fit(X_train, CULTIVARS[y_train])
    units = flat().fit(X_train, CULTIVARS[y_train])
    assert_allclose(rest.predict_proba(X_test), units.predict_proba(X_test), atol=1e-6)
    assert rest.score(X_test, CULTIVARS[y_test]) > 0.95


def test_one_vs_one():
    X_train, X_test, y_train, y_test = split(load_wine)
    ours, theirs, hidden = (
        OneVsOneClassifier(member, n_jobs=2).fit(X_train, CULTIVARS[y_train])
        for member in (flat(), reference(), small())
    )
    found, expected = ours.decision_function(X_test), theirs.decision_function(X_test)
    assert_allclose(found, expected, atol=1e-3)
    assert len(hidden.estimators_) == 3
    assert hidden.score(X_test, CULTIVARS[y_test]) > 0.95


def test_multi_output_is_a_layer_of_logistic_units():
    X_train, X_test, Y_train, Y_test = yeast_like()
    multi = MultiOutputClassifier(flat(), n_jobs=2).fit(X_train, Y_train)
    found = np.column_stack([p[:, 1] for p in multi.predict_proba(X_test)])
    units = flat().fit(X_train, Y_train)
    assert_allclose(found, units.predict_proba(X_test), atol=1e-5)
    assert np.mean(multi.predict(X_test) == Y_test) > floor(Y_test)


def test_multi_output_of_several_questions():
    X, y = load_iris(return_X_y=True)
    questions = np.column_stack([np.array(["a", "b", "c"])[y], np.where(y == 1, "yes", "no")])
    halves = slice(None, None, 2), slice(1, None, 2)
    model = MultiOutputClassifier(scaled(small(alpha=0.05))).fit(X[halves[0]], questions[halves[0]])
    right = model.predict(X[halves[1]]) == questions[halves[1]]
    assert (right.mean(axis=0) > 0.9).all()
    assert [len(m.classes_) for m in model.estimators_] == [3, 2]


def test_classifier_chain():
    X_train, X_test, Y_train, Y_test = yeast_like()
    chains = [
        ClassifierChain(member, order="random", random_state=0, cv=3).fit(X_train, Y_train)
        for member in (flat(), reference(), small())
    ]
    ours, theirs, hidden = [chain.predict_proba(X_test) for chain in chains]
    assert_allclose(ours, theirs, atol=1e-5)
    assert np.mean((hidden > 0.5) == Y_test) > floor(Y_test)


def test_one_vs_rest_for_multilabel():
    X_train, X_test, Y_train, Y_test = yeast_like()
    rest = OneVsRestClassifier(small()).fit(X_train, Y_train)
    alone = [small().fit(X_train, y).predict_proba(X_test)[:, 1] for y in Y_train.T]
    assert_array_equal(rest.predict_proba(X_test), np.column_stack(alone))
    assert np.mean(rest.predict(X_test) == Y_test) > floor(Y_test)


def test_self_training_of_logistic_regressions():
    X_train, X_test, y_train, y_test = split(load_breast_cancer)
    partly = np.where(np.arange(len(y_train)) % 10 == 0, y_train, -1)
    models = [
        SelfTrainingClassifier(member, threshold=0.85).fit(X_train, partly)
        for member in (flat(), reference())
    ]
    assert_array_equal(*(m.labeled_iter_ for m in models))
    assert_allclose(*(m.predict_proba(X_test) for m in models), atol=1e-5)
    assert models[0].score(X_test, y_test) > 0.93


# ---------------------------------------------------------------- inspection


def test_permutation_importance():
    X_train, X_test, y_train, y_test = split(load_iris)
    rng = np.random.RandomState(0)
    X_train, X_test = (np.hstack([X, rng.permutation(X)]) for X in (X_train, X_test))
    model = small().fit(X_train, y_train)
    importances = permutation_importance(
        model, X_test, y_test, n_repeats=10, random_state=0, n_jobs=2
    ).importances_mean
    petal, shuffled = importances[2:4], importances[4:]
    assert petal.min() > 0.1
    assert np.abs(shuffled).max() < 0.05


def rising_problem():
    """The first feature raises the odds, the second lowers them, the third is noise."""
    X = np.random.RandomState(0).uniform(-2, 2, (400, 3))
    return X, np.where(2 * X[:, 0] - X[:, 1] > 0, "up", "down")


def test_partial_dependence():
    X, y = rising_problem()
    model = small().fit(X, y)
    assert model.score(X, y) > 0.95
    curves = [partial_dependence(model, X, [i], grid_resolution=15) for i in range(3)]
    up, down, noise = (curve["average"][0] for curve in curves)
    assert (np.diff(up) > 0).all()
    assert (np.diff(down) < 0).all()
    assert np.ptp(up) > 0.6 > np.ptp(down) > 0.2 > 4 * np.ptp(noise)


@pytest.mark.parametrize("response", ["predict_proba", "decision_function"])
def test_partial_dependence_by_hand(response):
    X, y = rising_problem()
    model = small().fit(X, y)
    curve = partial_dependence(model, X, [0], response_method=response, grid_resolution=5)
    means = []
    for value in curve["grid_values"][0]:
        values = getattr(model, response)(np.column_stack([np.full(len(X), value), X[:, 1:]]))
        means.append((values[:, 1] if values.ndim == 2 else values).mean())
    assert_allclose(curve["average"][0], means, rtol=1e-12)
    assert means[-1] > means[0] + 0.5


# ---------------------------------------------------------------- metadata routing


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def mislabelled():
    """Return X, y, weights, true y: the odd malignant rows are called benign, with weight 0."""
    X, true = load_breast_cancer(return_X_y=True)
    y, weight = true.copy(), np.ones(len(true))
    wrong = np.flatnonzero(true == 0)[::2]
    y[wrong], weight[wrong] = 1, 0
    return X, y, weight, true


def routed_pipeline():
    return make_pipeline(
        StandardScaler().set_fit_request(sample_weight=True),
        small().set_fit_request(sample_weight=True),
    )


def weighted_accuracy():
    return get_scorer("accuracy").set_score_request(sample_weight=True)


@pytest.mark.usefixtures("routing")
def test_weights_reach_the_network_in_a_pipeline():
    X, y, weight, true = mislabelled()
    clean = weight > 0
    routed = routed_pipeline().fit(X, y, sample_weight=weight)
    without = scaled(small()).fit(X[clean], y[clean])
    assert_allclose(routed.predict_proba(X), without.predict_proba(X), atol=1e-3)
    ignorant = scaled(small()).fit(X, y)
    recalls = [recall_score(true, m.predict(X), pos_label=0) for m in (routed, ignorant)]
    assert recalls[0] > 0.95
    assert recalls[1] < 0.75


@pytest.mark.usefixtures("routing")
@may_stop_early
def test_weights_reach_the_network_in_a_grid_search():
    X, y, weight, true = mislabelled()
    search = GridSearchCV(routed_pipeline(), GRID, cv=3, scoring=weighted_accuracy(), n_jobs=2)
    search.fit(X, y, sample_weight=weight)
    scaler = StandardScaler().fit(X, sample_weight=weight)
    direct = clone(search.best_estimator_[-1])
    direct.fit(scaler.transform(X), y, sample_weight=weight)
    assert_same_model(search.best_estimator_[-1], direct)
    # the mislabelled rows count neither in fit nor in score
    assert search.best_score_ > 0.95
    assert accuracy_score(true, search.predict(X)) > 0.95


@pytest.mark.usefixtures("routing")
def test_weights_reach_fit_and_score_of_each_fold():
    X, y, weight, _ = mislabelled()
    found = cross_validate(
        routed_pipeline(),
        X,
        y,
        cv=3,
        scoring=weighted_accuracy(),
        params={"sample_weight": weight},
        return_estimator=True,
        return_indices=True,
    )
    folds = zip(found["indices"]["train"], found["indices"]["test"], strict=True)
    for (train, test), model, score in zip(
        folds, found["estimator"], found["test_score"], strict=True
    ):
        direct = clone(model).fit(X[train], y[train], sample_weight=weight[train])
        assert_same_model(model[-1], direct[-1])
        right = direct.predict(X[test]) == y[test]
        assert_allclose(score, np.average(right, weights=weight[test]), rtol=1e-12)
        assert score > right.mean() + 0.05


@pytest.mark.usefixtures("routing")
def test_weights_may_go_to_score_alone():
    X, y, weight, _ = mislabelled()
    X = StandardScaler().fit_transform(X)
    model = small().set_fit_request(sample_weight=False).set_score_request(sample_weight=True)
    settings = {"cv": 3, "return_estimator": True, "return_indices": True}
    found = cross_validate(model, X, y, params={"sample_weight": weight}, **settings)
    expected = cross_validate(small(), X, y, **settings)
    for fitted, other, score, test in zip(
        found["estimator"],
        expected["estimator"],
        found["test_score"],
        found["indices"]["test"],
        strict=True,
    ):
        assert_same_model(fitted, other)
        right = fitted.predict(X[test]) == y[test]
        assert_allclose(score, np.average(right, weights=weight[test]), rtol=1e-12)
    assert (found["test_score"] != expected["test_score"]).all()


@pytest.mark.usefixtures("routing")
def test_weights_without_a_request_are_refused():
    X, y, weight, _ = mislabelled()
    with pytest.raises(UnsetMetadataPassedError, match=r"sample_weight.*BackpropClassifier\.fit"):
        cross_validate(small(), X, y, params={"sample_weight": weight}, error_score="raise")


@pytest.mark.usefixtures("routing")
def test_start_weights_are_routed():
    X, _, y, _ = split(load_wine)
    requested = small(n_iter_no_change=np.inf)
    requested.set_fit_request(coefs_init=True, intercepts_init=True)
    assert requested.get_metadata_routing().fit.requests == {
        "sample_weight": None,
        "X_val": None,
        "y_val": None,
        "sample_weight_val": None,
        "coefs_init": True,
        "intercepts_init": True,
    }
    fitted = clone(requested).fit(X, y)
    start = {"coefs_init": fitted.coefs_, "intercepts_init": fitted.intercepts_}
    again = make_pipeline(requested).fit(X, y, **start)[-1]
    assert fitted.n_iter_ > 10
    assert again.n_iter_ <= 2
    assert again.loss_ == pytest.approx(fitted.loss_, rel=1e-6)
    assert again.score(X, y) > 0.98


@pytest.mark.usefixtures("routing")
def test_start_weights_are_routed_through_cross_validation():
    X, _, y, _ = split(load_wine)
    requested = small().set_fit_request(coefs_init=True, intercepts_init=True)
    fitted = small().fit(X, y)
    start = {"coefs_init": fitted.coefs_, "intercepts_init": fitted.intercepts_}
    warm = cross_validate(requested, X, y, cv=3, params=start, return_estimator=True)
    cold = cross_validate(small(), X, y, cv=3, return_estimator=True)
    n_iter = [[m.n_iter_ for m in found["estimator"]] for found in (warm, cold)]
    assert max(n_iter[0]) < min(n_iter[1])
    assert warm["test_score"].mean() > 0.95


# ---------------------------------------------------------------- copies


def through_pickle(model, folder):
    return pickle.loads(pickle.dumps(model))


def through_joblib(model, folder):
    joblib.dump(model, folder / "model.joblib", compress=3)
    return joblib.load(folder / "model.joblib")


def through_memory_map(model, folder):
    joblib.dump(model, folder / "model.joblib")
    return joblib.load(folder / "model.joblib", mmap_mode="r")


def through_deepcopy(model, folder):
    return copy.deepcopy(model)


@pytest.mark.parametrize(
    ("through", "target"),
    [
        (through_pickle, "binary"),
        (through_pickle, "multilabel"),
        (through_joblib, "names"),
        (through_memory_map, "multilabel"),
        (through_deepcopy, "names"),
    ],
)
def test_a_copy_predicts_the_same(through, target, tmp_path):
    X, y = load_wine(return_X_y=True)
    y = {"binary": y == 1, "names": CULTIVARS[y], "multilabel": np.eye(3, dtype=int)[y]}[target]
    model = scaled(small()).fit(X, y)
    twin = through(model, tmp_path)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        assert_array_equal(getattr(twin, method)(X), getattr(model, method)(X))
    assert twin.score(X, y) > 0.98
    assert_same_model(twin.fit(X, y)[-1], model[-1])


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_a_clone_is_unfitted_and_fits_the_same(solver):
    X_train, X_test, y_train, y_test = split(load_wine)
    model = small(solver=solver, alpha=0.2, learning_rate_init=0.02, tol=1e-3).fit(X_train, y_train)
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    assert not hasattr(twin, "coefs_")
    assert_same_model(twin.fit(X_train, y_train), model)
    assert_array_equal(twin.predict_proba(X_test), model.predict_proba(X_test))
    assert twin.score(X_test, y_test) > 0.95


def test_html_shows_the_documentation_link():
    X, y = load_wine(return_X_y=True)
    model = scaled(small(alpha=0.25)).fit(X, y)
    html = estimator_html_repr(model)
    assert re.search(r'href="https://skbp\.readthedocs\.io/[^"]*\bBackpropClassifier\b', html)
    assert "Documentation for BackpropClassifier" in html
    assert "alpha" in html
    assert "0.25" in html
    assert model.score(X, y) > 0.98


# ---------------------------------------------------------------- text


TEXTS_OF_TOPICS = {
    "cooking": [
        "Chop the onions and fry them in butter until golden.",
        "Simmer the sauce with garlic, basil and ripe tomatoes.",
        "Bake the bread in a hot oven for forty minutes.",
        "Season the soup with salt, pepper and a little butter.",
    ],
    "sailing": [
        "Hoist the mainsail and steer the boat into the wind.",
        "The crew dropped anchor in the harbour before the storm.",
        "A steady wind filled the sails as we left the harbour.",
        "Trim the jib and keep the boat close to the wind.",
    ],
    "chess": [
        "White castled early and attacked the black king.",
        "She sacrificed a rook to checkmate the king.",
        "The bishop pins the knight in front of the queen.",
        "Black lost a pawn and resigned the endgame.",
    ],
}
NEW_PHRASES = {
    "cooking": "Fry garlic in butter and pour the sauce over bread",
    "sailing": "The boat left the harbour in a strong wind",
    "chess": "The queen and the rook checkmate the black king",
}


@pytest.mark.parametrize(
    ("vectorizer", "output_activation"),
    [(TfidfVectorizer(), "logistic"), (HashingVectorizer(n_features=2**10), "softmax")],
    ids=["tfidf", "hashing"],
)
def test_text(vectorizer, output_activation):
    texts = [text for topic in TEXTS_OF_TOPICS.values() for text in topic]
    topics = [name for name, topic in TEXTS_OF_TOPICS.items() for _ in topic]
    network = small(alpha=0.01, output_activation=output_activation)
    model = make_pipeline(vectorizer, MaxAbsScaler(), network).fit(texts, topics)
    assert model.score(texts, topics) == 1.0
    assert model.predict(list(NEW_PHRASES.values())).tolist() == list(NEW_PHRASES)
    dense = model[:-1].transform(texts).toarray()
    expected = clone(network).fit(dense, topics).predict_proba(dense)
    assert_allclose(model.predict_proba(texts), expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(("solver", "layout"), [("lbfgs", "csr"), ("adam", "csc")])
def test_text_is_never_made_dense(solver, layout):
    texts = [text for topic in TEXTS_OF_TOPICS.values() for text in topic] * 200
    topics = [name for name, topic in TEXTS_OF_TOPICS.items() for _ in topic] * 200
    network = small(alpha=0.01, solver=solver, tol=1e-2, early_stopping=False)
    network.set_params(hidden_layer_sizes=(2,), learning_rate_init=0.1)
    model = make_pipeline(
        HashingVectorizer(n_features=2**14),
        MaxAbsScaler(),
        FunctionTransformer(methodcaller("asformat", layout), accept_sparse=True),
        network,
    )
    dense_bytes = len(texts) * 2**14 * 8
    tracemalloc.start()
    try:
        score = model.fit(texts, topics).score(texts, topics)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert score == 1.0
    assert peak < dense_bytes / 20


# ---------------------------------------------------------------- memory


def sparse_examples(n_rows):
    """Return X with three ones in each row, and three classes."""
    random = np.random.default_rng(0)
    columns, starts = random.integers(50, size=3 * n_rows), np.arange(0, 3 * n_rows + 1, 3)
    X = csr_array((np.ones(3 * n_rows), columns, starts), shape=(n_rows, 50))
    return X, random.integers(3, size=n_rows)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["adam", "gd"])
def test_no_array_has_a_number_for_each_row_and_hidden_unit(solver):
    X, y = sparse_examples(100_000)
    model = small(hidden_layer_sizes=(200,), activation="relu", solver=solver, max_iter=1)
    bytes_of_activations = 100_000 * 200 * 8
    # each thread has a block of rows
    with threadpool_limits(2):
        tracemalloc.start()
        try:
            model.fit(X, y, X_val=X, y_val=y).predict_log_proba(X)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 60e6 < bytes_of_activations / 2


# ---------------------------------------------------------------- threads


def blas_threads():
    return {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}


def networks():
    """Networks of all solvers and several sizes."""
    params = [
        {"solver": "lbfgs"},
        {"solver": "cg", "hidden_layer_sizes": (20,)},
        {"solver": "adam", "learning_rate_init": 0.02},
        {"solver": "sgd", "learning_rate_init": 0.1},
        {"solver": "lbfgs", "hidden_layer_sizes": (), "output_activation": "softmax"},
        {"solver": "lbfgs", "hidden_layer_sizes": (100,), "loss": "squared_error"},
    ]
    return [small(random_state=i, alpha=2, tol=1e-3, **p) for i, p in enumerate(params)]


def fit_in_executor(models, X, y):
    with ThreadPoolExecutor(4) as executor:
        return list(executor.map(lambda model: clone(model).fit(X, y), models))


def fit_in_joblib(models, X, y):
    parallel = joblib.Parallel(n_jobs=4, backend="threading")
    return parallel(joblib.delayed(clone(model).fit)(X, y) for model in models)


def test_threads_fit_the_same_models():
    X, X_test, y, y_test = some_digits()
    before = blas_threads()
    alone = [clone(model).fit(X, y) for model in networks()]
    together = fit_in_joblib(networks(), X, y)
    assert blas_threads() == before
    for one, other in zip(alone, together, strict=True):
        assert_same_model(one, other)
        assert other.score(X_test, y_test) > 0.85


def test_overlapping_fits_restore_the_number_of_blas_threads():
    X, y = load_digits(return_X_y=True)
    long, short = BackpropClassifier(alpha=0.05, random_state=0), small(alpha=0.5)
    with threadpool_limits(2, user_api="blas"), ThreadPoolExecutor(1) as executor:
        before = blas_threads()
        in_thread = executor.submit(long.fit, X / 16, y)
        short.fit(X[:100] / 16, y[:100])
        assert in_thread.running(), "the fits did not overlap; choose a longer one"
        assert in_thread.result().score(X / 16, y) > 0.9
        assert blas_threads() == before


def test_a_small_fit_beside_a_large_one_changes_nothing():
    X, y = load_digits(return_X_y=True)
    models = [large(n_units) for n_units in (200, 40, 20)]
    alone = [clone(model).fit(X / 16, y) for model in models]
    together = fit_in_executor(models, X / 16, y)
    assert min(model.score(X / 16, y) for model in together) > 0.9
    for one, other in zip(alone, together, strict=True):
        assert_same_model(one, other)
