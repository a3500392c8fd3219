"""skbp.BackpropClassifierCV: the choice of λ and the network, and the model that predicts."""

import copy
import os
import pickle
import signal
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from fitting import (
    IRIS,
    PROBLEMS,
    SOLVERS,
    assert_same_model,
    every_problem,
    may_stop_early,
    theta_of,
)
from joblib._parallel_backends import ThreadingBackend
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import get_scorer, log_loss, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils._param_validation import InvalidParameterError

from skbp import BackpropClassifier, BackpropClassifierCV
from skbp.estimator import classifier_cv, path
from skbp.estimator.path import fits

X, y = IRIS


def small(**parameters):
    """Return an estimator of small networks, few λ and three folds."""
    given = {"hidden_layer_sizes": (5,), "activation": "tanh", "alphas": [3, 0.3, 0.03]}
    return BackpropClassifierCV(**given | {"cv": 3, "random_state": 0} | parameters)


# ------------------------------------------------------------------------------- the choice


@pytest.mark.parametrize("scoring", ["neg_log_loss", "accuracy", "roc_auc_ovr", None])
def test_an_exhaustive_search_finds_the_scores_of_a_grid_search(scoring):
    alphas = np.array([3, 0.3, 0.03])
    networks = {"hidden_layer_sizes": [(), (4,)], "activation": ["tanh", "relu"]}
    folds = KFold(5, shuffle=True, random_state=0)  # of 30 rows each: λ is 4/5 of that of all
    ours = BackpropClassifierCV(
        **networks, alphas=alphas, cv=folds, scoring=scoring, exhaustive=True, random_state=0
    ).fit(X, y)
    network = BackpropClassifier(
        output_activation="softmax",
        early_stopping=False,
        max_iter=ours.max_iter,
        tol=ours.tol,
        random_state=0,
    )
    search = GridSearchCV(
        network,
        networks | {"alpha": alphas * 120 / 150},
        cv=folds,
        scoring=scoring or "neg_log_loss",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search.fit(X, y)
    theirs = pd.DataFrame(search.cv_results_)
    found = pd.DataFrame(ours.cv_results_)
    theirs["param_alpha"] *= 150 / 120
    names = ["param_activation", "param_hidden_layer_sizes", "param_alpha"]
    for frame in (theirs, found):
        frame["param_alpha"] = frame["param_alpha"].round(6)
    columns = [c for c in found if c.startswith(("split", "mean_test", "std_test"))]
    pairs = found.merge(theirs, on=names, suffixes=("", "_theirs"))
    assert len(pairs) == len(found) == 12
    for column in columns:
        assert_allclose(pairs[column], pairs[f"{column}_theirs"], rtol=0, atol=1e-6)
    assert ours.best_score_ == pytest.approx(search.best_score_, abs=1e-6)
    if scoring != "accuracy":  # several are equally accurate
        assert ours.hidden_layer_sizes_ == search.best_params_["hidden_layer_sizes"]
        assert ours.activation_ == search.best_params_["activation"]
    assert set(found) == set(theirs)


def test_an_exhaustive_search_refits_the_classifier():
    ours = small(exhaustive=True).fit(X, y)
    alone = BackpropClassifier(
        (5,),
        "tanh",
        alpha=ours.alpha_,
        output_activation="softmax",
        max_iter=100,
        tol=1e-3,
        early_stopping=False,
        random_state=0,
    )
    assert_same_model(ours, alone.fit(X, y))


def test_the_best_mean_score_is_chosen():
    model = small(hidden_layer_sizes=[(5,), ()]).fit(X, y)
    means = model.scores_.mean(axis=0)
    assert model.scores_.shape == (3, 2, 3)
    assert model.best_score_ == np.nanmax(means)
    i, j = np.unravel_index(np.nanargmax(means), means.shape)
    assert model.hidden_layer_sizes_ == [(5,), ()][i]
    assert model.alpha_ == model.alphas_[j] == model.best_params_["alpha"]
    assert model.cv_results_["rank_test_score"][model.best_index_] == 1


def test_warm_paths_find_nearly_the_scores_of_cold_ones():
    warm, cold = (
        small(hidden_layer_sizes=(), exhaustive=each, tol=1e-6, max_iter=500).fit(X, y)
        for each in (False, True)
    )
    there = np.isfinite(warm.scores_)
    assert there.sum() >= 6
    assert_allclose(warm.scores_[there], cold.scores_[there], atol=1e-3)


def test_scores_are_nan_where_a_path_ended_and_rank_last():
    model = small(alphas=[3, 0.3, 1e-4, 1e-6], hidden_layer_sizes=(20,), tol=1e-6, max_iter=500)
    model.fit(X, y)
    ended = np.isnan(model.scores_)
    assert ended.any()
    assert not ended[:, :, 0].any()
    assert_array_equal(ended, np.maximum.accumulate(ended, axis=2))
    ranks = model.cv_results_["rank_test_score"]
    assert ranks[np.isnan(model.cv_results_["mean_test_score"])].min() > ranks[model.best_index_]


def test_one_standard_error_chooses_a_larger_alpha():
    X, y = load_breast_cancer(return_X_y=True)
    given = {"alphas": np.geomspace(30, 1, 16), "cv": 5}
    best, simplest = (
        small(selection=rule, **given).fit(scale(X), y) for rule in ("best", "one_standard_error")
    )
    assert_array_equal(best.scores_, simplest.scores_)
    scores = best.scores_[:, 0]
    error = scores[:, best.best_index_].std() / np.sqrt(5)
    near = scores.mean(axis=0) >= best.best_score_ - error
    assert simplest.alpha_ == best.alphas_[near].max()
    assert simplest.alpha_ > best.alpha_


def test_an_int_as_alphas_is_a_log_scale():
    assert_allclose(small(alphas=3).fit(X, y).alphas_, [6, (6 * 0.02) ** 0.5, 0.02])


def test_in_a_race_the_folds_after_the_first_begin_near_its_best_alpha():
    given = {"alphas": 6, "hidden_layer_sizes": (20,), "tol": 1e-5}  # in double precision
    scores, whole = (
        small(selection=rule, **given).fit(X, y).scores_[:, 0]
        for rule in ("best", "one_standard_error")  # which needs larger λ
    )
    skipped = np.isnan(scores[1:]).all(axis=0)
    assert skipped.any()
    assert_array_equal(scores[0], whole[0])
    assert not np.isnan(whole[:, : skipped.sum()]).any()
    best = np.nanargmax(scores.mean(axis=0))
    assert best > skipped.argmin()  # else the one before it would have been tried
    assert_allclose(scores[:, best], whole[:, best], rtol=0.3)


def noisy():
    return make_classification(400, 20, n_informative=2, flip_y=0.3, random_state=0)


def test_where_the_largest_alpha_is_best_larger_ones_are_tried():
    X, y = noisy()
    model = small(alphas=6, hidden_layer_sizes=[(40,), (1,)]).fit(X, y)
    ratio = 300**0.2
    assert_allclose(model.alphas_, 6 / ratio ** np.arange(-2, 6))
    means = model.scores_.mean(axis=0)
    at_the_end = means[:, 2] == np.nanmax(means[:, 2:], axis=1)
    assert at_the_end.any()
    assert np.isfinite(means[at_the_end, 1]).all()
    given = small(alphas=[6.0, 0.1], hidden_layer_sizes=[(40,), (1,)]).fit(X, y)
    assert_array_equal(given.alphas_, [6, 0.1])


def test_the_choice_is_trained_after_the_alpha_before_it():
    X, y = noisy()
    networks = [(40,), (1,)]
    model = small(alphas=6, hidden_layer_sizes=networks).fit(X, y)
    i = networks.index(model.hidden_layer_sizes_)
    tried = np.isfinite(model.scores_[:, i]).all(axis=0) & (model.alphas_ >= model.alpha_)
    tried = model.alphas_[tried][-2:]
    network = clone(model.members_[0])
    problem = classifier_cv.problem_of(network, model.targets_, X, y, None)
    *_, last = fits(network, problem, tried, len(y))
    assert_array_equal(theta_of(model, model.network_), last.result.theta)


def test_alphas_are_sorted_and_each_tried_once():
    assert_array_equal(small(alphas=[0.1, 2, 0.1, 0]).fit(X, y).alphas_, [2, 0.1, 0])


@may_stop_early
def test_the_networks_of_auto():
    def networks(**given):
        params = BackpropClassifierCV(cv=2, alphas=[1.0], max_iter=5, **given).fit(X, y)
        return [(p["hidden_layer_sizes"], p["activation"]) for p in params.cv_results_["params"]]

    first = [((50, 50), "relu"), ((50,), "logistic")]
    assert networks() == first
    assert networks(n_members=2) == [*first, ((100,), "relu"), ((100,), "tanh")]
    assert networks(activation="elu") == [((50, 50), "elu"), ((50,), "elu")]
    assert networks(hidden_layer_sizes=3) == [(3, "relu"), (3, "logistic")]
    assert networks(hidden_layer_sizes=[3, (2, 2)], activation=["tanh"]) == [
        (3, "tanh"),
        ((2, 2), "tanh"),
    ]


# ------------------------------------------------------------------------------- folds and weights


@pytest.mark.parametrize(
    "cv",
    [
        4,
        KFold(3),
        ShuffleSplit(3, random_state=0),
        RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=0),
        [(np.arange(0, 150, 2), np.arange(1, 150, 2))],
    ],
    ids=lambda cv: type(cv).__name__,
)
def test_any_folds_of_scikit_learn(cv):
    model = small(cv=cv, store_oof_proba=True).fit(X, y)
    splits = list(sklearn.model_selection.check_cv(cv, y, classifier=True).split(X, y))
    assert model.n_splits_ == len(model.scores_) == len(splits)
    never = np.setdiff1d(np.arange(150), np.concatenate([test for _, test in splits]))
    assert_array_equal(np.flatnonzero(np.isnan(model.oof_proba_[:, 0])), never)


def test_out_of_fold_probabilities_are_those_that_were_scored():
    model = small(store_oof_proba=True).fit(X, y)
    losses = [
        log_loss(y[test], model.oof_proba_[test], labels=[0, 1, 2])
        for _, test in StratifiedKFold(3).split(X, y)
    ]
    assert np.mean(losses) == pytest.approx(-model.best_score_)
    assert not hasattr(small().fit(X, y), "oof_proba_")


def test_exhaustive_out_of_fold_probabilities_are_cross_val_predicts():
    model = small(exhaustive=True, store_oof_proba=True, cv=KFold(5, shuffle=True, random_state=1))
    model.fit(X, y)
    alone = clone(model.members_[0]).set_params(alpha=model.alpha_ * 120 / 150)
    expected = cross_val_predict(alone, X, y, cv=model.cv, method="predict_proba")
    assert_allclose(model.oof_proba_, expected, atol=1e-9)


def test_groups_are_routed_to_the_splitter():
    groups = np.arange(150) % 7
    with sklearn.config_context(enable_metadata_routing=True):
        model = small(cv=GroupKFold(3)).fit(X, y, groups=groups)
    splits = list(GroupKFold(3).split(X, y, groups))
    assert_array_equal(model.scores_, small(cv=splits).fit(X, y).scores_)


def test_groups_without_routing_are_an_error():
    with pytest.raises(ValueError, match="groups"):
        small().fit(X, y, groups=y)


def test_weights_are_routed_to_a_scorer_that_asks_for_them():
    weight = np.random.default_rng(0).integers(1, 4, 150).astype(float)

    def scorer():
        return make_scorer(log_loss, greater_is_better=False, response_method="predict_proba")

    with sklearn.config_context(enable_metadata_routing=True):
        asked = small(scoring=scorer().set_score_request(sample_weight=True), tol=1e-5)
        not_asked = small(scoring=scorer().set_score_request(sample_weight=False), tol=1e-5)
        for each in (asked, not_asked):
            each.fit(X, y, sample_weight=weight)
    assert_allclose(asked.scores_, small(tol=1e-5).fit(X, y, weight).scores_, rtol=1e-9)
    assert np.abs(asked.scores_ - not_asked.scores_).max() > 1e-3


@may_stop_early
def test_weights_are_repeated_rows_of_the_same_folds():
    weight = np.random.default_rng(0).integers(0, 3, 150)
    folds = list(StratifiedKFold(3).split(X, y))
    rows = np.repeat(np.arange(150), weight)
    repeated = [tuple(np.flatnonzero(np.isin(rows, part)) for part in fold) for fold in folds]
    given = {"max_iter": 10, "tol": 1e-5}  # in double precision
    weighted = small(cv=folds, **given).fit(X, y, weight.astype(float))
    copied = small(cv=repeated, **given).fit(X[rows], y[rows])
    assert_allclose(weighted.scores_, copied.scores_, rtol=1e-6)
    assert_allclose(weighted.predict_proba(X), copied.predict_proba(X), rtol=1e-6)


def test_class_weight_acts_as_sample_weight():
    of_class = {0: 1.0, 1: 2.0, 2: 0.5}
    by_class = small(class_weight=of_class).fit(X, y)
    by_row = small().fit(X, y, np.array([of_class[k] for k in y]))
    assert_allclose(by_class.scores_, by_row.scores_, rtol=1e-12)
    assert_same_model(by_class, by_row)


def test_balanced_weights_count_all_rows():
    kept = np.r_[0:50, 50:70, 100:130]
    of_class = {0: 100 / 150, 1: 100 / 60, 2: 100 / 90}
    balanced = small(class_weight="balanced").fit(X[kept], y[kept])
    assert_same_model(balanced, small(class_weight=of_class).fit(X[kept], y[kept]))


# ------------------------------------------------------------------------------- the model


@every_problem
def test_one_member_has_all_attributes_of_a_classifier(problem):
    X, y = PROBLEMS[problem]
    model = small().fit(X, y)
    member = model.members_[0]
    given = {name for name in vars(member) if name.endswith("_")}
    assert given <= set(vars(model))
    assert_same_model(model, member)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        assert_array_equal(_dense(getattr(model, method)(X)), _dense(getattr(member, method)(X)))
    assert_array_equal(model.transform(X), member.transform(X))
    assert model.summary() == member.summary()
    assert model.alpha_ == member.alpha_ == member.alpha


def _dense(array):
    return array.toarray() if hasattr(array, "toarray") else array


@every_problem
@pytest.mark.parametrize("refit", [True, False])
def test_several_members_predict_the_weighted_mean(problem, refit):
    X, y = PROBLEMS[problem]
    networks = [(5,), (3,), (4,)]
    model = small(
        n_members=10, hidden_layer_sizes=networks, alphas=[0.4, 0.2], max_iter=8, refit=refit
    ).fit(X, y)
    weights = model.member_weights_
    assert len(weights) == len(model.members_) > 1
    assert weights.sum() == pytest.approx(1)
    mean = np.tensordot(weights, [each.predict_proba(X) for each in model.members_], 1)
    P = model.predict_proba(X)
    assert_allclose(P, mean, rtol=1e-12)
    assert_allclose(np.exp(model.predict_log_proba(X)), P, rtol=1e-9)
    z, labels = model.decision_function(X), _dense(model.predict(X))
    if P.shape == np.shape(labels):  # multilabel
        assert_array_equal(labels, P > 0.5)
        assert_array_equal(labels, z > 0)
    else:
        assert_array_equal(labels, model.classes_[P.argmax(axis=1)])
        winner = z > 0 if z.ndim == 1 else z.argmax(axis=1)
        assert_array_equal(labels, model.classes_[winner.astype(int)])
    widths = [each.transform(X).shape[1] for each in model.members_]
    assert model.transform(X).shape == (len(X), sum(widths))
    assert len(model.get_feature_names_out()) == sum(widths)


def test_members_are_those_of_a_greedy_selection_by_the_log_loss():
    model = small(n_members=6, hidden_layer_sizes=[(5,), (3,), ()], store_oof_proba=True)
    model.fit(X, y)
    alone = small(hidden_layer_sizes=[(5,), (3,), ()], store_oof_proba=True).fit(X, y)
    assert_array_equal(model.scores_, alone.scores_)
    ours, best = (log_loss(y, each.oof_proba_) for each in (model, alone))
    assert ours <= best * (1 + 1e-12)
    assert_allclose(model.member_weights_ * 6, (model.member_weights_ * 6).round())


def test_a_network_that_is_chosen_again_is_trained_from_other_start_weights():
    model = small(n_members=4, hidden_layer_sizes=(5,), alphas=[0.1], max_iter=8).fit(X, y)
    assert_allclose(model.member_weights_, np.full(4, 1 / 4))
    first = [each.coefs_[0][0, 0] for each in model.members_]
    assert len(set(first)) == 4
    assert_same_model(
        model.members_[0],
        small(hidden_layer_sizes=(5,), alphas=[0.1], max_iter=8).fit(X, y).members_[0],
    )


def test_a_second_fit_forgets_the_first_one():
    model = small(store_oof_proba=True).fit(pd.DataFrame(X, columns=list("abcd")), y)
    model.set_params(refit=False, store_oof_proba=False).fit(X, y)
    assert not {"coefs_", "oof_proba_", "loss_curve_", "feature_names_in_"} & set(vars(model))
    assert_array_equal(model.predict(X), small(refit=False).fit(X, y).predict(X))


def test_without_refit_the_networks_of_the_folds_predict():
    folds = list(StratifiedKFold(3).split(X, y))
    model = small(cv=folds, refit=False, store_oof_proba=True).fit(X, y)
    assert_allclose(model.member_weights_, np.full(3, 1 / 3))
    for member, (_, test) in zip(model.members_, folds, strict=True):
        assert_allclose(member.predict_proba(X[test]), model.oof_proba_[test], rtol=1e-12)


def test_a_summary_of_several_networks_says_where_they_are():
    model = small(refit=False).fit(X, y)
    assert not hasattr(model, "summary")
    with pytest.raises(AttributeError) as error:
        _ = model.summary
    assert "members_" in str(error.value.__cause__)


@may_stop_early
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver(solver):
    model = small(solver=solver, alphas=[1.0, 0.01], max_iter=60).fit(X, y)
    assert model.score(X, y) > 0.9


def test_sparse_and_float32():
    dense = small().fit(X, y)
    sparse = small().fit(csr_array(X), y)
    assert_allclose(sparse.predict_proba(csr_array(X)), dense.predict_proba(X), atol=1e-6)
    single = small(n_members=2, refit=False).fit(X.astype("f4"), y)
    assert single.predict_proba(X.astype("f4")).dtype == np.float32
    assert {coef.dtype for each in single.members_ for coef in each.coefs_} == {np.dtype("f4")}


def test_labels_of_text_and_names_of_features():
    frame = pd.DataFrame(X, columns=list("abcd"))
    names = np.array(["x", "y", "z"])[y]
    model = make_pipeline(StandardScaler(), small(n_members=3)).fit(frame, names)
    assert set(model.predict(frame)) == set(names)
    model = small().fit(frame, names)
    assert_array_equal(model.feature_names_in_, list("abcd"))
    with pytest.warns(UserWarning, match="feature names"):
        model.predict(X)
    out = model.set_output(transform="pandas").transform(frame)
    assert list(out.columns) == list(model.get_feature_names_out())


# ------------------------------------------------------------------------------- determinism


@pytest.mark.parametrize("alphas", [[3, 0.3, 0.03], 5], ids=["given", "a race"])
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_the_result_does_not_depend_on_n_jobs(backend, alphas):
    given = {"n_members": 3, "hidden_layer_sizes": [(5,), (3,)], "store_oof_proba": True}
    given["alphas"] = alphas
    one = small(**given).fit(X, y)
    with joblib.parallel_config(backend):
        two = small(n_jobs=2, **given).fit(X, y)
    assert_array_equal(one.scores_, two.scores_)
    assert_array_equal(one.oof_proba_, two.oof_proba_)
    for ours, theirs in zip(one.members_, two.members_, strict=True):
        assert_same_model(ours, theirs)


class AllAtOnce(ThreadingBackend):
    """A back end that returns no result before all are there, like "multiprocessing" and "ray"."""

    supports_return_generator = False


def test_back_ends_that_return_all_paths_at_once_do_too():
    joblib.register_parallel_backend("all_at_once", AllAtOnce)
    one = small().fit(X, y)
    with joblib.parallel_config("all_at_once", n_jobs=2):
        two = small().fit(X, y)
    assert_array_equal(one.scores_, two.scores_)
    assert_same_model(one, two)


@pytest.mark.parametrize("random_state", [3, np.int64(3), np.random.RandomState(3)], ids=repr)
def test_the_same_random_state_finds_the_same_model(random_state):
    first, second = (small(random_state=copy.deepcopy(random_state)).fit(X, y) for _ in range(2))
    assert_same_model(first, second)


@may_stop_early
def test_folds_do_not_share_their_start_weights():
    folds = [(np.arange(0, 150, 2), np.arange(1, 150, 2))] * 2
    model = small(cv=folds, max_iter=2).fit(X, y)
    assert (model.scores_[0] != model.scores_[1]).any()
    same = small(cv=folds, max_iter=2, exhaustive=True).fit(X, y)
    assert_array_equal(same.scores_[0], same.scores_[1])


def test_clones_and_pickles():
    model = small(n_members=3).fit(X, y)
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert not hasattr(clone(model), "members_")


def test_rows_are_copied_once_for_a_path(monkeypatch):
    taken = []
    take = classifier_cv.problem_of.__globals__["Dataset"].take
    monkeypatch.setattr(
        classifier_cv.problem_of.__globals__["Dataset"],
        "take",
        lambda self, rows: taken.append(len(rows)) or take(self, rows),
    )
    small(alphas=6, exhaustive=True).fit(X, y)
    assert sorted(n for n in taken if n in (50, 100)) == [50] * 3 + [100] * 3


# ------------------------------------------------------------------------------- memory


def failing(estimator, X, y):
    """Score, but fail for the last of three folds."""
    if estimator.random_state == 3:
        raise OSError("no space left on the disk")
    return estimator.score(X, y)


@pytest.mark.parametrize("memory", [str, lambda path: joblib.Memory(path, verbose=0)])
def test_a_search_that_failed_is_repeated_without_the_paths_that_are_kept(
    memory, tmp_path, monkeypatch
):
    given = {"n_members": 2, "store_oof_proba": True, "scoring": failing}
    with pytest.raises(OSError, match="no space"):
        small(memory=memory(tmp_path), **given).fit(X, y)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("output.pkl")}
    assert len(kept) == 2
    monkeypatch.setattr(failing, "__code__", scored.__code__)
    again = small(memory=memory(tmp_path), **given).fit(X, y)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("output.pkl")}
    assert len(files) == 3
    assert files.items() >= kept.items()
    without = small(**given).fit(X, y)
    assert_array_equal(again.scores_, without.scores_)
    assert_array_equal(again.oof_proba_, without.oof_proba_)
    for ours, theirs in zip(again.members_, without.members_, strict=True):
        assert_same_model(ours, theirs)


def scored(estimator, X, y):
    return estimator.score(X, y)


@pytest.mark.parametrize(
    "changed",
    [
        {"random_state": 1},
        {"alphas": [3, 0.3]},
        {"tol": 1e-4},
        {"exhaustive": True},
        {"scoring": "accuracy"},
        {"hidden_layer_sizes": (4,)},
        {"cv": KFold(3, shuffle=True, random_state=0)},
    ],
    ids=str,
)
def test_what_is_kept_is_not_taken_for_that_of_another_search(changed, tmp_path):
    memory = str(tmp_path)
    small(memory=memory).fit(X, y)
    found = small(memory=memory, **changed).fit(X, y)
    assert_array_equal(found.scores_, small(**changed).fit(X, y).scores_)
    other = small(memory=memory).fit(X + 1, y)
    assert_array_equal(other.scores_, small().fit(X + 1, y).scores_)


# ------------------------------------------------------------------------------- errors, warnings


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"alphas": [-1.0]}, "alphas"),
        ({"alphas": []}, "alphas"),
        ({"alphas": 0}, "alphas"),
        ({"alphas": ["a"]}, "alphas"),
        ({"alphas": [[1.0]]}, "alphas"),
        ({"alphas": [np.nan]}, "alphas"),
        ({"alphas": [np.inf]}, "alphas"),
        ({"cv": 1}, "cv"),
        ({"cv": "five"}, "cv"),
        ({"selection": "worst"}, "selection"),
        ({"selection": "one_standard_error", "n_members": 2}, "selection"),
        ({"n_members": 0}, "n_members"),
        ({"scoring": "accurate"}, "scoring"),
        ({"hidden_layer_sizes": [(5,), (0,)]}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": []}, "hidden_layer_sizes"),
        ({"activation": ["tanh", "tan"]}, "activation"),
        ({"activation": []}, "activation"),
        ({"refit": "yes"}, "refit"),
        ({"exhaustive": 2}, "exhaustive"),
        ({"n_jobs": 1.5}, "n_jobs"),
        ({"memory": 3}, "memory"),
        ({"memory": "kept", "scoring": lambda model, X, y: 0.0}, "memory='kept' .* scoring"),
        ({"tol": -1}, "tol"),
        ({"alphas": [1e300]}, "alpha"),
    ],
    ids=repr,
)
def test_an_error_names_what_is_wrong(given, text):
    model = small(**given)
    with pytest.raises(ValueError, match=text):
        model.fit(X, y)
    assert not hasattr(model, "classes_")


def test_a_failed_fit_leaves_the_model_as_it_was():
    model = small().fit(X, y)
    before = vars(model).copy()
    model.set_params(alphas=[-1.0])
    with pytest.raises(InvalidParameterError):
        model.fit(X[:, :2], y)
    assert vars(model) == before | {"alphas": [-1.0]}


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function", "transform"])
def test_not_fitted(method):
    with pytest.raises(NotFittedError):
        getattr(small(), method)(X)


def test_a_score_that_is_nan_names_the_scoring():
    folds = [(np.arange(150), np.arange(50))]  # one class only
    with pytest.raises(ValueError, match=r"scor.*no rows of the classes \[1, 2\]"):
        small(cv=folds, scoring="roc_auc_ovr").fit(X, y)


def test_what_ends_by_max_iter_is_no_fault():
    small(max_iter=3).fit(X, y)  # a warning would be an error


def test_all_rows_are_trained_with_no_longer_than_a_fold():
    assert small(max_iter=7, tol=0).fit(X, y).n_iter_ <= 7


def test_a_model_that_is_no_better_than_a_constant_one_warns():
    noise = np.random.default_rng(0).normal(size=(60, 3))
    labels = np.random.default_rng(1).integers(2, size=60)
    with pytest.warns(ConvergenceWarning, match="hardly better than a constant"):
        small(alphas=[300.0, 30.0]).fit(noise, labels)


def test_parameters_that_the_solver_ignores_are_told_once():
    with pytest.warns(UserWarning, match="lbfgs.*ignores.*momentum=0.5") as caught:
        small(momentum=0.5).fit(X, y)
    assert len(caught) == 1
    assert caught[0].filename == __file__


# ------------------------------------------------------------------------------- interruptions


class Interrupting:
    """A scorer that raises KeyboardInterrupt at its n-th call."""

    def __init__(self, n):
        self.left = n

    def __call__(self, estimator, X, y):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return get_scorer("neg_log_loss")(estimator, X, y)


def test_ctrl_c_keeps_the_folds_that_are_complete():
    complete = small(scoring="neg_log_loss", exhaustive=True).fit(X, y)
    model = small(scoring=Interrupting(7), exhaustive=True)  # in the third fold, of 3 scores each
    with pytest.warns(UserWarning, match="interrupted.*2 of 3 folds"):
        model.fit(X, y)
    assert_array_equal(model.scores_, complete.scores_[:2])
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize(
    ("selection", "n_scores", "n_folds"),
    [("best", 2, 1), ("one_standard_error", 6, 3)],  # in a race larger ones come after a fold
)
def test_ctrl_c_while_larger_alphas_are_tried_keeps_the_search(selection, n_scores, n_folds):
    X, y = noisy()
    given = {"hidden_layer_sizes": (40,), "tol": 1e-5}  # in double precision
    complete = small(alphas=[6.0, 0.02], scoring="neg_log_loss", **given)
    complete.fit(X, y)
    model = small(alphas=2, selection=selection, scoring=Interrupting(n_scores + 1), **given)
    with pytest.warns(UserWarning, match=f"interrupted.*{n_folds} of 3 folds"):
        model.fit(X, y)
    assert_array_equal(model.scores_, complete.scores_[:n_folds])


class Presses:
    """Start weights that Ctrl-C comes instead of, at one of the calls."""

    def __init__(self, monkeypatch, at):
        self.n, self.at, self.draw = 0, at, path.new_weights
        monkeypatch.setattr(path, "new_weights", self)

    def __call__(self, *args):
        self.n += 1
        if self.n == self.at:
            raise KeyboardInterrupt
        return self.draw(*args)


def test_ctrl_c_between_the_lambdas_of_the_last_training_keeps_the_fit_before(monkeypatch):
    Presses(monkeypatch, at=8)  # 3 folds of 2 λ each, and the first λ on all rows
    model = small(alphas=[30.0, 0.1])
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, y)
    monkeypatch.undo()
    larger = small(alphas=[30.0]).fit(X, y)
    assert_array_equal(model.predict_proba(X), larger.predict_proba(X))


def test_ctrl_c_keeps_the_networks_that_are_trained_on_all_rows(monkeypatch):
    given = {"n_members": 3, "hidden_layer_sizes": (5,), "alphas": [0.1], "max_iter": 8}
    complete = small(**given).fit(X, y)
    Presses(monkeypatch, at=5)  # 3 folds, and one network
    model = small(**given)
    with pytest.warns(UserWarning, match="1 of 3 networks"):
        model.fit(X, y)
    assert_array_equal(model.predict_proba(X), complete.members_[0].predict_proba(X))


def test_ctrl_c_before_a_network_is_trained_on_all_rows_is_raised(monkeypatch):
    Presses(monkeypatch, at=4)
    model = small(alphas=[0.1])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert not hasattr(model, "classes_")


def test_ctrl_c_before_a_fold_is_complete_is_raised():
    model = small(scoring=Interrupting(1))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert not hasattr(model, "classes_")


SCRIPT = """
import signal, sys, warnings
import numpy as np
from skbp import BackpropClassifierCV
signal.signal(signal.SIGINT, signal.default_int_handler)
X = np.random.default_rng(0).normal(size=(3000, 20))
y = X[:, 0] * X[:, 1] > 0
class Loud:
    n = 0
    def __call__(self, estimator, X, y):
        print("scored", flush=True)
        return estimator.score(X, y)
model = BackpropClassifierCV(
    (200, 200), "relu", alphas=[3.0], cv=40, n_jobs=2, scoring=Loud(), max_iter=20, random_state=0
)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model.fit(X, y)
print([str(w.message) for w in caught], model.n_splits_, model.predict(X[:2]).shape)
"""


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal")
def test_ctrl_c_while_processes_compute():
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True
    ) as process:
        for _ in range(4):
            assert process.stdout.readline() == "scored\n"
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "The search was interrupted" in rest
    assert "(2,)" in rest


if hasattr(BackpropClassifierCV, "set_callbacks"):

    class Counting:
        """Counts the tasks, and asks to stop at one of them."""

        def __init__(self, stop_at=None):
            self.names, self.stop_at = [], stop_at

        def setup(self, estimator, context):
            self.max_subtasks = context.max_subtasks

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            self.names.append(context.task_name)
            return len(self.names) == self.stop_at

    def test_callbacks_get_a_task_for_each_network_and_fold():
        counting = Counting()
        small(hidden_layer_sizes=[(3,), (5,)]).set_callbacks(counting).fit(X, y)
        assert counting.names == ["path"] * 6 + ["refit", "fit"]
        assert counting.max_subtasks == 7

    @pytest.mark.parametrize("alphas", [[3, 0.3], 2], ids=["given", "a scale"])
    def test_callbacks_of_scikit_learn(alphas):
        from sklearn.callback import ProgressBar, ScoringMonitor

        model = small(alphas=alphas, n_members=2)
        model.set_callbacks(ProgressBar(), ScoringMonitor(scoring="accuracy")).fit(X, y)
        assert_array_equal(model.predict(X), small(alphas=alphas, n_members=2).fit(X, y).predict(X))

    def test_a_callback_that_stops_the_search_stops_it_before_larger_alphas_are_tried():
        X, y = noisy()
        model = small(hidden_layer_sizes=(40,), alphas=2).set_callbacks(Counting(stop_at=1))
        assert_allclose(model.fit(X, y).alphas_, [6, 0.02])
        assert model.n_splits_ == 1

    def test_a_callback_may_stop_the_search_after_a_fold():
        model = small(hidden_layer_sizes=[(3,), (5,)]).set_callbacks(Counting(stop_at=3))
        assert model.fit(X, y).n_splits_ == 2
