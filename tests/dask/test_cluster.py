"""On a cluster: the bits of any number of workers, lost workers and data, and Ctrl-C."""

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import dask
import dask.array as da
import distributed
import numpy as np
import pytest
from dask_data import SECONDS, X, array, assert_same, classifier, frame, series, sparse_array, y
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skbp.dask import objective
from skbp.solvers.history import History

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("time_limit"),
]

MOST_BYTES = objective._MOST_BYTES
MANY = (90,) * 19 + (0, 87)  # rows of the partitions: neighbours are on both workers

CASES = [("gd", array), ("cg", array), ("sgd", array)]
CASES += [("lbfgs", sparse_array), ("adam", sparse_array)]


@pytest.mark.parametrize(("solver", "kind"), CASES)
def test_two_workers_give_the_bits_of_none(client, solver, kind):
    given = {"solver": solver, "early_stopping": True, "max_iter": 4}
    found = classifier(**given, client=client).fit(kind(X), array(y))
    assert found.client_ is client
    assert_same(found, classifier(**given).fit(kind(X), array(y)))


def test_a_tree_of_sums_gives_the_bits_of_no_cluster(client, monkeypatch):
    given = {"solver": "lbfgs", "max_iter": 3}
    plain = classifier(**given).fit(array(X, MANY), array(y, MANY))
    monkeypatch.setattr(objective, "_MOST_BYTES", 1)
    expected = classifier(**given).fit(array(X, MANY), array(y, MANY))
    found = classifier(**given, client=client).fit(array(X, MANY), array(y, MANY))
    assert_same(found, expected)
    with one_worker():
        assert_same(classifier(**given).fit(array(X, MANY), array(y, MANY)), expected)
    assert_allclose(expected.coefs_[0], plain.coefs_[0], rtol=1e-7, atol=1e-9)
    assert tasks_left(client) == []


def test_frames_and_their_lazy_predictions(client):
    found = classifier(client=client, scoring="accuracy").fit(frame(X), series(y))
    expected = classifier(scoring="accuracy").fit(frame(X), series(y))
    assert_same(found, expected)
    predicted = client.compute(found.predict(frame(X))).result()
    assert_array_equal(predicted, expected.to_local().predict(frame(X).compute()))
    assert found.score(frame(X), series(y)) == expected.score(frame(X), series(y))


@contextmanager
def one_worker():
    """Start one worker with three threads, for the body."""
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=3, processes=False, dashboard_address="127.0.0.1:0"
    )
    with cluster, distributed.Client(cluster):
        yield


def test_threads_and_one_worker_give_the_same_bits(client):
    weight, given = array(1.0 + np.arange(len(y)) % 5), {"class_weight": "balanced"}
    found = classifier(client=client, **given).fit(array(X), array(y), weight)
    with one_worker():
        default = classifier(**given)
        assert_same(default.fit(array(X), array(y), weight), found)
        assert default.client_ is not client


def test_the_client_is_cloned_and_not_pickled(client):
    model = classifier(client=client).fit(array(X), array(y))
    assert clone(model).client is client
    loaded = pickle.loads(pickle.dumps(model))
    assert loaded.client is None
    assert not hasattr(loaded, "client_")
    assert_same(loaded, model)


def test_an_asynchronous_client_is_refused():
    class Asynchronous:
        asynchronous = True
        submit = gather = who_has = None.__init__

    with pytest.raises(ValueError, match="asynchronous"):
        classifier(client=Asynchronous()).fit(array(X), array(y))


def tasks_left(client):
    """Return the tasks that the scheduler still knows, once it has forgotten what it can."""
    for _ in range(100):
        left = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.tasks))
        if not left:
            break
        time.sleep(0.05)
    return left


def address_with_most(dask_scheduler):
    """Return the address of the worker that has most of what a fit has made."""
    bytes_of_fit = {
        address: sum(task.nbytes for task in worker.has_what if task.key.startswith("skbp-"))
        for address, worker in dask_scheduler.workers.items()
    }
    return max(bytes_of_fit, key=bytes_of_fit.get)


class Killing:
    """Kills a worker that has partitions in the second iteration of a fit, as ``kill -9`` does."""

    def __init__(self, client, monkeypatch):
        self.client, self.n, self.address = client, 0, None
        self.add = History.add
        monkeypatch.setattr(History, "add", lambda *arguments: self.added(*arguments))

    def added(self, *arguments):
        self.n += 1
        if self.n == 2:
            pids = self.client.run(os.getpid)
            self.address = self.client.run_on_scheduler(address_with_most)
            os.kill(pids[self.address], signal.SIGKILL)
        return self.add(*arguments)

    def wait(self):
        """Wait until there is another worker: one that is starting must not be killed."""
        for _ in range(20 * SECONDS):
            found = self.client.run_on_scheduler(lambda dask_scheduler: [*dask_scheduler.workers])
            if self.address not in found and len(found) == 2:
                return
            time.sleep(0.05)
        raise TimeoutError(f"There are the workers {found}, and {self.address} was killed.")


@pytest.mark.parametrize(
    ("solver", "most"), [("lbfgs", MOST_BYTES), ("lbfgs", 1), ("adam", MOST_BYTES)]
)
def test_a_fit_survives_the_death_of_a_worker_with_the_same_bits(client, solver, most, monkeypatch):
    monkeypatch.setattr(objective, "_MOST_BYTES", most)
    given = {"solver": solver, "early_stopping": True, "max_iter": 6}
    expected = classifier(**given).fit(array(X), array(y))
    killing = Killing(client, monkeypatch)
    found = classifier(**given, client=client).fit(array(X), array(y))
    assert killing.n == 6
    assert_same(found, expected)
    killing.wait()


@pytest.mark.parametrize("early_stopping", [True, False])
def test_workers_hold_the_rows_once(client, early_stopping, monkeypatch):
    held, add = [], History.add

    def added(*arguments):
        held.append(client.run_on_scheduler(bytes_in_memory))
        return add(*arguments)

    monkeypatch.setattr(History, "add", added)
    classifier(client=client, early_stopping=early_stopping).fit(array(X), array(y))
    targets, labels = 10 * X[:, 0].nbytes, y.nbytes
    once = X.nbytes + targets + labels
    assert once <= min(held)
    assert max(held) < 1.1 * once


def bytes_in_memory(dask_scheduler):
    """Return the bytes of what all workers hold."""
    return sum(task.nbytes for task in dask_scheduler.tasks.values() if task.who_has)


def test_data_that_was_only_scattered_is_lost_with_its_worker(client, monkeypatch):
    ends = (0, 600, 1200, 1797)
    blocks = [
        da.from_delayed(dask.delayed(client.scatter(X[a:b])), (b - a, 64), float)
        for a, b in pairwise(ends)
    ]
    killing = Killing(client, monkeypatch)
    model = classifier(client=client, max_iter=50)
    with pytest.raises(RuntimeError, match="scattered"):
        model.fit(da.concatenate(blocks), array(y, (600, 600, 597)))
    assert not hasattr(model, "coefs_")
    killing.wait()


@pytest.mark.parametrize("solver", ["lbfgs", "sgd"])
def test_ctrl_c_keeps_the_last_iteration_and_leaves_no_task(client, solver, monkeypatch):
    expected = classifier(solver=solver, max_iter=3, early_stopping=False, tol=0)
    expected.fit(array(X), array(y))
    add = History.add

    def added(self, theta, loss, validated, tol):
        add(self, theta, loss, validated, tol)
        if len(self.loss_curve) == 3:
            signal.setitimer(signal.ITIMER_REAL, 0.01)

    def interrupt(*ignored):
        raise KeyboardInterrupt

    monkeypatch.setattr(History, "add", added)
    before = signal.signal(signal.SIGALRM, interrupt)
    slow = array(X).map_blocks(lambda block: block, dtype=float)
    model = classifier(client=client, solver=solver, max_iter=1000, early_stopping=False, tol=0)
    try:
        with pytest.warns(UserWarning, match="interrupted"):
            model.fit(slow, array(y))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert model.n_iter_ >= 3
    assert model.loss_curve_[:3] == expected.loss_curve_
    assert tasks_left(client) == []


def test_an_error_leaves_no_task(client):
    wrong = X.copy()
    wrong[5] = np.nan
    with pytest.raises(ValueError, match="Partition 0"):
        classifier(client=client).fit(array(wrong), array(y))
    assert tasks_left(client) == []


@pytest.fixture
def processes(tmp_path):
    """Start a scheduler and a worker as one does in a shell; return their client, and both."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    commands = [
        ["dask", "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"],
        ["dask", "worker", f"tcp://127.0.0.1:{port}", "--nthreads", "1", "--no-dashboard"],
    ]
    folder = Path(sys.executable).parent
    started = [
        subprocess.Popen(
            [str(folder / command[0]), *command[1:]],
            stderr=subprocess.DEVNULL,
            cwd=tmp_path,
        )
        for command in commands
    ]
    client = distributed.Client(f"tcp://127.0.0.1:{port}", timeout=SECONDS, set_as_default=False)
    client.wait_for_workers(1, timeout=SECONDS)
    yield client, *started
    for each in started:
        each.kill()
        each.wait(SECONDS)
    client.close()


def test_the_model_is_as_before_where_the_scheduler_dies(processes):
    client, scheduler, _ = processes
    model = classifier(client=client, max_iter=3).fit(array(X), array(y))
    assert_same(model, classifier(max_iter=3).fit(array(X), array(y)))
    before = dict(vars(model))
    model.set_params(max_iter=10_000, tol=0, early_stopping=False)
    threading.Timer(0.7, scheduler.kill).start()
    with pytest.raises(RuntimeError, match="scheduler was lost"):
        model.fit(array(X), array(y))
    assert model.coefs_ is before["coefs_"]


def test_a_client_that_is_closed_is_named(cluster):
    client = distributed.Client(cluster, set_as_default=False)
    client.close()
    with pytest.raises(RuntimeError, match="client was closed"):
        classifier(client=client).fit(array(X), array(y))
