"""skbp.blas_threads: the numbers of threads during a fit and after it, and blocks on threads."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import joblib
import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from skbp import blas_threads
from skbp.blas_threads import on_all_threads, one_blas_thread


def pools():
    """Return each BLAS pool's number of threads, by the path of its library."""
    blas = (pool for pool in threadpool_info() if pool["user_api"] == "blas")
    return {pool["filepath"]: pool["num_threads"] for pool in blas}


def all_single_threaded():
    return dict.fromkeys(pools(), 1)


def all_as_before():
    return dict.fromkeys(pools(), 2)


def leave_them_to_any_thread():
    """Let go of the pools: since threadpoolctl 3.8 one thread alone can set OpenBLAS's number."""
    for library in ThreadpoolController().select(user_api="blas").lib_controllers:
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)


@pytest.fixture(autouse=True)
def two_threads():
    """Give every pool two threads, whatever the machine."""
    leave_them_to_any_thread()
    with threadpool_limits(2, user_api="blas"):
        leave_them_to_any_thread()
        assert pools() == all_as_before()
        yield
        leave_them_to_any_thread()


class Fit:
    """A fit in a thread of its own, which lives on after the fit like a worker of a pool."""

    def __init__(self):
        self._thread = ThreadPoolExecutor(1)
        self._stack = ExitStack()

    def begin(self):
        self._thread.submit(self._stack.enter_context, one_blas_thread()).result(timeout=10)

    def end(self):
        self._thread.submit(self._stack.close).result(timeout=10)

    def retire(self):
        self.end()
        self._thread.shutdown()


@pytest.fixture
def fits():
    three = [Fit() for _ in range(3)]
    yield three
    for fit in three:
        fit.retire()


def test_every_pool_has_one_thread_and_then_as_many_as_before():
    with one_blas_thread():
        assert pools() == all_single_threaded()
    assert pools() == all_as_before()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_the_numbers_are_restored_after_an_error(error):
    with suppress(error), one_blas_thread():
        raise error
    assert pools() == all_as_before()


def test_the_numbers_restored_are_those_at_entry():
    with threadpool_limits(1, user_api="blas"):
        with one_blas_thread():
            pass
        assert pools() == all_single_threaded()


def test_nested_fits_restore_the_numbers_once_the_outer_ends():
    with one_blas_thread():
        with one_blas_thread():
            pass
        assert pools() == all_single_threaded()
    assert pools() == all_as_before()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_overlapping_fits_keep_the_limit_until_the_last_ends(fits, order):
    for fit in fits:
        fit.begin()
        assert pools() == all_single_threaded()
    *first_two, last = (fits[i] for i in order)
    for fit in first_two:
        fit.end()
        assert pools() == all_single_threaded()
    last.end()
    assert pools() == all_as_before()


def test_fits_in_turn_in_several_threads_are_all_limited(fits):
    for fit in fits * 2:
        fit.begin()
        assert pools() == all_single_threaded()
        fit.end()
        assert pools() == all_as_before()


def test_a_fit_in_a_thread_after_one_in_the_main_thread(fits):
    with one_blas_thread():
        pass
    fits[0].begin()
    assert pools() == all_single_threaded()
    fits[0].end()
    assert pools() == all_as_before()


def test_after_a_fit_any_thread_may_set_the_numbers():
    with one_blas_thread():
        pass
    with ThreadPoolExecutor(1) as thread:
        thread.submit(threadpool_limits, 1, "blas").result(timeout=10)
    assert pools() == all_single_threaded()


# ------------------------------------------------------------------- blocks on all threads


def let_joblib_count(n_cores, monkeypatch):
    monkeypatch.setattr(joblib, "cpu_count", lambda: n_cores)
    # what was counted before is kept
    monkeypatch.setattr(blas_threads, "_pools", blas_threads._Pools())


@pytest.fixture
def two_cores(monkeypatch):
    """Let joblib count two cores, whatever the machine."""
    let_joblib_count(2, monkeypatch)
    with threadpool_limits(2, user_api="openmp"):
        yield


def threads_of(n_items=8):
    """Return the threads that compute some items."""
    barrier = threading.Barrier(2)

    def thread_of(_):
        with suppress(threading.BrokenBarrierError):
            barrier.wait(0.05)  # long enough for another thread to come
        return threading.current_thread()

    return set(on_all_threads(thread_of, range(n_items)))


def skbps_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("skbp")]


def test_results_are_in_the_order_of_the_items(two_cores):
    def late(i):
        time.sleep(0.01 * (5 - i))
        return i * i

    assert list(on_all_threads(late, range(6))) == [0, 1, 4, 9, 16, 25]


@pytest.mark.parametrize("items", [[], ["one"]])
def test_a_single_item_needs_no_other_thread(two_cores, items):
    here = threading.current_thread()
    assert list(on_all_threads(lambda _: threading.current_thread(), items)) == [here] * len(items)


def test_items_are_computed_on_as_many_threads_as_the_libraries_may_use(two_cores):
    assert len(threads_of()) == 2
    assert threading.current_thread() not in threads_of()
    for user_api in ("blas", "openmp"):
        leave_them_to_any_thread()
        with threadpool_limits(1, user_api=user_api):
            leave_them_to_any_thread()
            assert len(threads_of()) == 1
    leave_them_to_any_thread()


def test_items_are_computed_on_no_more_threads_than_there_are_cores(monkeypatch):
    let_joblib_count(1, monkeypatch)
    assert threads_of() == {threading.current_thread()}


COUNT = """
import sys
sys.path.insert(0, {tests!r})
import joblib
joblib.cpu_count = lambda: 2
import skbp, test_blas_threads
print(len(test_blas_threads.threads_of()))
"""


@pytest.mark.parametrize("variable", ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"])
def test_an_environment_variable_holds_for_these_threads_too(variable):
    command = [sys.executable, "-c", COUNT.format(tests=os.path.dirname(__file__))]
    environment = {**os.environ, variable: "1"}
    run = subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
    assert run.stdout.decode() == "1\n"


def n_threads_of_a_worker():
    joblib.cpu_count = lambda: 2  # loky limits the libraries, not only the cores it counts
    return len(threads_of())


def test_the_workers_of_a_search_compute_on_as_many_threads_as_joblib_gives_them():
    with parallel_config("loky", inner_max_num_threads=1):
        assert Parallel(2)(delayed(n_threads_of_a_worker)() for _ in range(2)) == [1, 1]


def test_blas_has_one_thread_while_items_are_computed(two_cores):
    assert list(on_all_threads(lambda _: pools(), range(4))) == [all_single_threaded()] * 4
    assert pools() == all_as_before()


def test_items_are_computed_as_ever_inside_another_limit(two_cores):
    with one_blas_thread():
        assert len(threads_of()) == 2
        assert pools() == all_single_threaded()
    assert pools() == all_as_before()


def test_numpys_treatment_of_errors_holds_in_these_threads(two_cores):
    def divide(i):
        return np.float64(i) / 0

    with pytest.raises(RuntimeWarning, match="divide by zero"):
        list(on_all_threads(divide, [1, 2]))
    with np.errstate(divide="ignore"):
        assert list(on_all_threads(divide, [1, 2])) == [np.inf] * 2
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        list(on_all_threads(divide, [1, 2]))


def test_an_error_ends_the_others_and_restores_the_numbers(two_cores):
    begun = []

    def fail(i):
        begun.append(i)
        time.sleep(0.01)
        raise ValueError(f"item {i}")

    with pytest.raises(ValueError, match="item 0"):
        list(on_all_threads(fail, range(100)))
    assert len(begun) < 10
    assert pools() == all_as_before()
    assert not skbps_threads()
    assert len(threads_of()) == 2


def test_results_that_nobody_waits_for_restore_the_numbers(two_cores):
    results = on_all_threads(lambda i: i, range(100))
    assert next(iter(results)) == 0
    results.close()
    assert pools() == all_as_before()
    assert not skbps_threads()


def test_the_threads_end_with_the_last_computation(two_cores):
    with one_blas_thread():
        first = threads_of()
        assert threads_of() <= first
        assert set(skbps_threads()) == first
    assert not skbps_threads()


def test_two_computations_at_once_are_both_right(two_cores):
    def compute(start):
        return list(on_all_threads(lambda i: (time.sleep(0.001), i * i)[1], range(start, 50)))

    with ThreadPoolExecutor(4) as executor:
        found = list(executor.map(compute, range(20)))
    assert found == [[i * i for i in range(start, 50)] for start in range(20)]
    assert pools() == all_as_before()
    assert not skbps_threads()


FORK = """
import os, sys, warnings
import numpy as np
from skbp import blas_threads
from skbp.blas_threads import on_all_threads
def squares():
    return list(on_all_threads(lambda i: i * i, range(8)))
expected = squares()
warnings.simplefilter("ignore")  # that a process with BLAS threads forks
child = os.fork()
if child == 0:
    os._exit(0 if squares() == expected else 1)
assert os.waitpid(child, 0)[1] == 0
assert squares() == expected
print("done")
"""

if hasattr(os, "fork"):

    def test_a_process_that_was_forked_computes_as_well():
        command = [sys.executable, "-c", FORK]
        run = subprocess.run(command, check=True, capture_output=True, timeout=60)
        assert run.stdout == b"done\n"
