"""Searches under joblib's "dask" back end: the models of one job, and what a dead worker breaks."""

import logging
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pytest
from fitting import PROBLEMS, Brief, may_stop_early
from numpy.testing import assert_array_equal
from remembered import remembering
from same_fit import assert_same_fit, bits_of
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV

from skbp import BackpropClassifierCV

dask = pytest.importorskip("dask", reason="needs the extra dask")
distributed = pytest.importorskip("distributed", reason="needs the extra dask")

pytestmark = may_stop_early

X, y = PROBLEMS["multiclass"]
WEIGHT = np.random.default_rng(0).uniform(0.5, 2, len(y))
CV = {"alphas": [1.0, 0.1], "cv": 3, "max_iter": 8, "random_state": 0}


def two_workers():
    return distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    )


@pytest.fixture(scope="module")
def search_client():
    with two_workers() as cluster, distributed.Client(cluster) as client:
        yield client


def on_dask():
    return joblib.parallel_config(backend="dask")


def scores_of(search):
    results = search.cv_results_
    return {name: np.asarray(results[name]) for name in results if name.endswith("test_score")}


def models_of(search):
    return getattr(search, "members_", None) or [search.best_estimator_]


def assert_same_search(search, other):
    scores, expected = scores_of(search), scores_of(other)
    assert scores.keys() == expected.keys()
    for name, column in scores.items():
        assert_array_equal(column, expected[name])
    pairs = list(zip(models_of(search), models_of(other), strict=True))
    assert all(bits_of(one) == bits_of(two) for one, two in pairs)


GRID = {"alpha": [1.0, 0.1], "solver": ["adam", "lbfgs"]}
SEARCHES = {
    "grid": GridSearchCV(Brief(), GRID, cv=3),
    "halving": HalvingGridSearchCV(Brief(), {"alpha": [10.0, 1.0, 0.1]}, cv=3, random_state=0),
    "cv": BackpropClassifierCV((5,), "tanh", **CV),
    "ensemble": BackpropClassifierCV([(5,), (4, 3)], "tanh", n_members=3, solver="adam", **CV),
}


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("name", list(SEARCHES))
def test_a_search_finds_the_models_of_one_job(name, container, search_client):
    given = container(X), y
    expected = clone(SEARCHES[name]).set_params(n_jobs=1).fit(*given, sample_weight=WEIGHT)
    with on_dask():
        found = clone(SEARCHES[name]).fit(*given, sample_weight=WEIGHT)
    assert_same_search(found, expected)


def number_of_process(model, X, y):
    return os.getpid()


def test_the_workers_fit_and_score(search_client):
    grid = GridSearchCV(Brief(), {"alpha": [1.0, 0.1]}, scoring=number_of_process, cv=2)
    own = BackpropClassifierCV((5,), "tanh", scoring=number_of_process, **CV)
    workers = {*search_client.run(os.getpid).values()}
    with on_dask():
        for search in (grid, own):
            search.fit(X, y)
    of_grid = [grid.cv_results_[f"split{k}_test_score"] for k in range(2)]
    assert {*np.ravel(of_grid), *own.scores_.ravel()} <= workers


def fitted_there(model, X, y, weight):
    """Return a fitted model and its probabilities."""
    model.fit(X, y, weight).partial_fit(X, y)
    return model, model.predict_proba(X)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_worker_fits_what_it_was_sent_as_this_process_does(dtype, search_client):
    model, given = Brief(solver="adam"), (X.astype(dtype), y, WEIGHT)
    expected, probabilities = fitted_there(clone(model), *given)
    # with a hash, Dask takes them for those of another test, which it may just forget
    futures = search_client.scatter(list(given), hash=False)
    found, found_probabilities = search_client.submit(fitted_there, model, *futures).result()
    assert_same_fit(found, expected)
    assert_array_equal(found_probabilities, probabilities)


# ------------------------------------------------------------------------------ dead workers


@dataclass(frozen=True)
class Deadly:
    """A scorer that kills the workers that have models with some attributes, a number of times."""

    folder: str
    doomed: dict
    n_times: int = 1

    def __call__(self, model, X, y):
        if all(getattr(model, name) == value for name, value in self.doomed.items()):
            for i in range(self.n_times):
                with suppress(FileExistsError):
                    Path(self.folder, str(i)).touch(exist_ok=False)
                    os.kill(os.getpid(), signal.SIGKILL)
        return model.score(X, y)


def kept_in(folder):
    """Return the results that a `joblib.Memory` holds, with the time when they were written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("output.pkl")}


def assert_repeated_with_what_was_finished(search, error, folder, n_results):
    """Hold that a search breaks, and that its repetition computes only what is missing."""
    with on_dask(), pytest.raises(error):
        search.fit(X, y)
    before = kept_in(folder)
    assert 0 < len(before) < n_results
    with on_dask():
        search.fit(X, y)
    after = kept_in(folder)
    assert len(after) == n_results
    assert {path: after[path] for path in before} == before


def test_a_grid_search_that_lost_its_data_is_repeated(search_client, tmp_path):
    search_client.wait_for_workers(2)  # with one alone joblib computes here
    model = remembering(tmp_path / "fits")(**Brief().get_params())
    scorer = Deadly(str(tmp_path), {"alpha": 0.1}, n_times=2)
    search = GridSearchCV(model, {"alpha": [10.0, 1.0, 0.1]}, cv=3, scoring=scorer)
    lost = distributed.client.FutureCancelledError
    assert_repeated_with_what_was_finished(search, lost, tmp_path / "fits", n_results=9 + 1)
    assert_same_search(search, clone(search).set_params(estimator=Brief()).fit(X, y))


def paths(scoring, **parameters):
    return BackpropClassifierCV((5,), "tanh", scoring=scoring, **CV, **parameters)


def test_a_path_whose_worker_dies_is_computed_by_another_one(search_client, tmp_path):
    search_client.wait_for_workers(2)
    scorer = Deadly(str(tmp_path), {"random_state": 2})
    with on_dask():
        found = paths(scorer).fit(X, y)
    assert [*tmp_path.iterdir()] == [tmp_path / "0"]
    assert_same_search(found, paths(scorer).fit(X, y))


@dataclass(frozen=True)
class Failing:
    """A scorer that fails for a model with a random state, until a file is there."""

    path: str
    random_state: int

    def __call__(self, model, X, y):
        if model.random_state == self.random_state and not os.path.exists(self.path):
            Path(self.path).touch()
            raise OSError("no space left on the disk")
        return model.score(X, y)


def test_a_search_over_paths_that_failed_is_repeated(search_client, tmp_path):
    search_client.wait_for_workers(2)
    folder = tmp_path / "paths"
    # the last of three paths, which has a seed of its own, begins when another one has ended
    scorer = Failing(str(tmp_path / "failed"), random_state=3)
    search = paths(scorer, memory=str(folder))
    assert_repeated_with_what_was_finished(search, OSError, folder, n_results=3)
    assert_same_search(search, paths(scorer).fit(X, y))
