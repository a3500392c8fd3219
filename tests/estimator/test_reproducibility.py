"""random_state: the same seed gives bitwise the same model, wherever the fit takes place."""

import copy
import pickle
from hashlib import sha256

import joblib
import numpy as np
import pytest
from fitting import IRIS, MINI_BATCH, PROBLEMS, SOLVERS, every_problem, every_solver
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_equal
from same_fit import assert_same_fit, bits_of
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import check_random_state

from skbp import BackpropClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PLANNED = {"invscaling": "gd", "adaptive": "sgd", "cosine": "adam", "one_cycle": "sgd"}

CASES = [
    *({"solver": s} for s in SOLVERS),
    *({"solver": s, "early_stopping": True, "n_iter_no_change": 3} for s in ("sgd", "lbfgs")),
    *({"solver": s, "learning_rate": rate} for rate, s in PLANNED.items()),
    *(
        {"solver": s, "dropout": 0.3, "early_stopping": True, "learning_rate": "one_cycle"}
        | {"class_weight": "balanced", "max_grad_norm": 1.0, "label_smoothing": 0.1}
        for s in MINI_BATCH
    ),
]


def name_of(params):
    return "-".join(str(value) for value in params.values())


every_case = pytest.mark.parametrize("params", CASES, ids=name_of)


# the order of a set of strings is another one in each process
NAMED_IRIS = IRIS[0], np.array(["setosa", "versicolor", "virginica"])[IRIS[1]]


def network(random_state=0, **params):
    given = {"hidden_layer_sizes": (6,), "batch_size": 20, "max_iter": 5}
    return BackpropClassifier(**given | params, random_state=random_state)


def fingerprint(model, X=None, y=None):
    """Return a number that depends on each bit of the weights; with X and y, a scorer."""
    return float(int.from_bytes(sha256(bits_of(model)).digest()[:6]))


def different(models):
    return len({fingerprint(model) for model in models}) == len(models)


# -------------------------------------------------------------------------------- alone


@every_case
def test_the_same_seed_gives_the_same_model(params):
    model = network(**params).fit(*NAMED_IRIS)
    again = clone(model).fit(*NAMED_IRIS)
    assert_same_fit(again, model)
    assert_same_fit(again.fit(*NAMED_IRIS), model)


@every_solver
@every_problem
def test_the_same_seed_gives_the_same_model_of_every_problem(solver, problem):
    model = network(solver=solver).fit(*PROBLEMS[problem])
    assert_same_fit(clone(model).fit(*PROBLEMS[problem]), model)


@every_case
def test_other_seeds_give_other_models(params):
    assert different([network(seed, **params).fit(*NAMED_IRIS) for seed in range(4)])


@every_case
def test_a_generator_gives_the_model_of_its_seed(params):
    model = network(np.random.RandomState(5), **params).fit(*NAMED_IRIS)
    assert_same_fit(model, network(5, **params).fit(*NAMED_IRIS))


@every_case
def test_a_generator_goes_on_from_fit_to_fit(params):
    first, second = (np.random.RandomState(5) for _ in range(2))
    ours = [network(first, **params).fit(*NAMED_IRIS) for _ in range(3)]
    theirs = [network(second, **params).fit(*NAMED_IRIS) for _ in range(3)]
    assert different(ours)
    for model, other in zip(ours, theirs, strict=True):
        assert_same_fit(model, other)


@every_case
def test_a_seed_neither_uses_nor_changes_numpys_global_state(params):
    numpys = check_random_state(None)
    before = numpys.get_state()
    models = []
    try:
        for seed in [1, 2]:
            numpys.seed(seed)
            untouched = numpys.get_state()
            models.append(network(**params).fit(*NAMED_IRIS))
            models[-1].predict_proba(NAMED_IRIS[0])
            assert_equal(numpys.get_state(), untouched)
    finally:
        numpys.set_state(before)
    assert_same_fit(*models)


@every_case
def test_without_a_seed_numpys_global_state_decides(params):
    numpys = check_random_state(None)
    before = numpys.get_state()
    models = []
    try:
        for seed in [1, 1, 2]:
            numpys.seed(seed)
            models.append(network(None, **params).fit(*NAMED_IRIS))
    finally:
        numpys.set_state(before)
    assert_same_fit(models[0], models[1])
    assert different(models[1:])


# ------------------------------------------------------- in a pipeline, and in a search


@every_case
def test_in_a_pipeline_the_model_is_the_same(params):
    X, y = NAMED_IRIS
    pipeline = make_pipeline(StandardScaler(), network(**params)).fit(X * 3 + 1, y)
    alone = network(**params).fit(StandardScaler().fit_transform(X * 3 + 1), y)
    assert_same_fit(pipeline[-1], alone)


SPLITS = StratifiedKFold(2, shuffle=True, random_state=0)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_in_a_search_with_two_jobs_the_models_are_the_same(backend):
    X, y = NAMED_IRIS
    grid = [{name: [value] for name, value in params.items()} for params in CASES]
    search = GridSearchCV(network(), grid, scoring=fingerprint, cv=SPLITS, n_jobs=2)
    with joblib.parallel_backend(backend):
        search.fit(X, y)
    for i, (train, _) in enumerate(SPLITS.split(X, y)):
        alone = [fingerprint(network(**params).fit(X[train], y[train])) for params in CASES]
        assert search.cv_results_[f"split{i}_test_score"].tolist() == alone
    assert_same_fit(search.best_estimator_, network(**search.best_params_).fit(X, y))


def test_in_a_search_over_a_pipeline_the_models_are_the_same():
    X, y = NAMED_IRIS
    grid = [
        {f"backpropclassifier__{name}": [value] for name, value in params.items()}
        for params in CASES
    ]
    pipeline = make_pipeline(FunctionTransformer(), network())

    def search(n_jobs):
        scored = GridSearchCV(pipeline, grid, scoring=of_last_step, cv=SPLITS, n_jobs=n_jobs)
        return scored.fit(X, y).cv_results_["mean_test_score"]

    assert search(n_jobs=2).tolist() == search(n_jobs=1).tolist()


def of_last_step(pipeline, X, y):
    return fingerprint(pipeline[-1])


@pytest.mark.parametrize("params", [CASES[0], CASES[-1]], ids=name_of)
def test_models_that_come_back_from_other_processes_are_the_same(params):
    X, y = NAMED_IRIS
    found = cross_validate(network(**params), X, y, cv=SPLITS, n_jobs=2, return_estimator=True)
    for model, (train, _) in zip(found["estimator"], SPLITS.split(X, y), strict=True):
        assert_same_fit(model, network(**params).fit(X[train], y[train]))


# --------------------------------------------------- pickled half way, and then going on


def through_joblib(model, folder):
    joblib.dump(model, folder / "model.joblib")
    return joblib.load(folder / "model.joblib")


COPIES = {
    "pickle": lambda model, folder: pickle.loads(pickle.dumps(model)),
    "joblib": through_joblib,
    "deepcopy": lambda model, folder: copy.deepcopy(model),
}


def for_a_stream(params):
    """Return the parameters with those that partial_fit refuses left out."""
    refused = {"early_stopping", "class_weight"}
    return {name: value for name, value in params.items() if name not in refused}


def fed(model, X, y, calls):
    """Train a model with 40 rows a call, which are other ones in each call."""
    for i in calls:
        rows = np.arange(40 * i, 40 * i + 40) % len(y)
        model.partial_fit(X[rows], y[rows], classes=np.unique(y))
    return model


STREAMS = [for_a_stream(params) for params in CASES if params["solver"] in MINI_BATCH]


every_stream = pytest.mark.parametrize("params", STREAMS, ids=name_of)


@pytest.mark.parametrize(
    ("way", "seed", "solver"),
    [
        ("pickle", 0, "sgd"),
        ("pickle", np.random.RandomState(3), "adam"),
        ("joblib", np.random.RandomState(3), "sgd"),
        ("deepcopy", np.random.RandomState(3), "adam"),
    ],
    ids=str,
)
def test_partial_fit_goes_on_after_pickling(solver, seed, way, tmp_path):
    params = {"solver": solver, "dropout": 0.3, "learning_rate": "one_cycle"}
    uninterrupted = fed(network(copy.deepcopy(seed), **params), *NAMED_IRIS, range(6))
    half_way = fed(network(copy.deepcopy(seed), **params), *NAMED_IRIS, range(3))
    loaded = COPIES[way](half_way, tmp_path)
    assert_same_fit(fed(loaded, *NAMED_IRIS, range(3, 6)), uninterrupted)
    # pickling has not changed the original
    assert_same_fit(fed(half_way, *NAMED_IRIS, range(3, 6)), uninterrupted)


@settings(deadline=None, max_examples=15)
@given(
    params=st.sampled_from(STREAMS),
    seed=st.integers(0, 2**32 - 1),
    cuts=st.sets(st.integers(0, 7)),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_partial_fit_goes_on_wherever_it_is_pickled(params, seed, cuts, dtype):
    X, y = NAMED_IRIS[0].astype(dtype), NAMED_IRIS[1]
    uninterrupted = fed(network(seed, **params), X, y, range(8))
    model = network(seed, **params)
    for i in range(8):
        if i in cuts:
            model = pickle.loads(pickle.dumps(model))
        fed(model, X, y, [i])
    assert_same_fit(model, uninterrupted)


@every_case
def test_a_warm_start_goes_on_after_pickling(params):
    first = network(**params, warm_start=True).fit(*NAMED_IRIS)
    loaded = pickle.loads(pickle.dumps(first))
    assert_same_fit(loaded.fit(*NAMED_IRIS), first.fit(*NAMED_IRIS))


@every_stream
def test_partial_fit_goes_on_from_a_pickled_fit(params):
    fitted = network(**params).fit(*NAMED_IRIS)
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_same_fit(fed(loaded, *NAMED_IRIS, range(3)), fed(fitted, *NAMED_IRIS, range(3)))


@pytest.mark.parametrize("params", [{"shuffle": True}, {"shuffle": False, "dropout": 0.3}], ids=str)
def test_partial_fit_draws_anew_in_each_call(params):
    # without momentum, only the random draws differ between calls from the same weights
    model = network(solver="sgd", momentum=0, **params).initialize(*NAMED_IRIS)
    start = copy.deepcopy(model.coefs_), copy.deepcopy(model.intercepts_)
    ends = []
    for _ in range(3):
        model.coefs_, model.intercepts_ = copy.deepcopy(start)
        ends.append(fingerprint(model.partial_fit(*NAMED_IRIS)))
    assert len(set(ends)) == 3


def test_without_a_seed_two_models_never_draw_the_same():
    # also in later calls, where without momentum only the order of the rows can differ
    start = network(0, solver="sgd").initialize(*NAMED_IRIS)
    models = [network(None, solver="sgd", momentum=0) for _ in range(2)]
    for model in models:
        fed(model, *NAMED_IRIS, range(2))
        model.coefs_, model.intercepts_ = map(copy.deepcopy, (start.coefs_, start.intercepts_))
        model.partial_fit(*NAMED_IRIS)
    assert different(models)
