"""skbp.engine.threads: the numbers of threads during a fit and after it, and items on threads."""

import _thread
import os
import random
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
from thread_pools import (
    all_single_threaded,
    all_with_two_threads,
    cores,
    limited_blas,
    pools,
    release_pools,
    skbps_threads,
    threads_of,
    two_cores_and_threads,
)
from threadpoolctl import threadpool_limits

from skbp.engine.threads import on_all_threads, one_blas_thread
from skbp.network import Network
from skbp.objective import Objective

pytestmark = pytest.mark.usefixtures("two_blas_threads")


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
    assert pools() == all_with_two_threads()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_the_numbers_are_restored_after_an_error(error):
    with suppress(error), one_blas_thread():
        raise error
    assert pools() == all_with_two_threads()


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
    assert pools() == all_with_two_threads()


class CtrlC:
    """A thread that presses Ctrl-C once, a moment after it was asked to."""

    def __init__(self, seed):
        self._random = random.Random(seed)
        self._thread = ThreadPoolExecutor(1)

    def soon(self):
        delay = self._random.uniform(5e-4, 8e-4)  # when `soon` has returned
        self._thread.submit(lambda: (time.sleep(delay), _thread.interrupt_main()))

    def stop(self):
        self._thread.shutdown()


@pytest.fixture
def ctrl_c():
    presser = CtrlC(seed=0)
    yield presser
    presser.stop()


def use_the_limit_until_interrupted(ctrl_c):
    # Python ignores an exception that comes while it collects an object, Ctrl-C too
    end = time.monotonic() + 0.2
    with suppress(KeyboardInterrupt):
        ctrl_c.soon()
        while time.monotonic() < end:
            with one_blas_thread(), one_blas_thread():
                pass


def test_ctrl_c_inside_the_limiter_leaves_it_correct(ctrl_c):
    for press in range(100):
        use_the_limit_until_interrupted(ctrl_c)
        assert pools() == all_with_two_threads(), press
        with one_blas_thread():
            assert pools() == all_single_threaded(), press
    assert pools() == all_with_two_threads()


def test_ctrl_c_inside_a_nested_use_leaves_the_outer_one_limited(ctrl_c):
    with one_blas_thread():
        for press in range(50):
            use_the_limit_until_interrupted(ctrl_c)
            assert pools() == all_single_threaded(), press
    assert pools() == all_with_two_threads()


def test_a_limit_of_another_thread_that_ends_during_a_fit_is_over_afterwards():
    with ExitStack() as limit:
        limit.enter_context(threadpool_limits(1, user_api="blas"))
        with one_blas_thread():
            release_pools()
            limit.close()
            release_pools()
            assert pools() == all_with_two_threads()
            with one_blas_thread():  # the next computation of the fit
                assert pools() == all_single_threaded()
        assert pools() == all_with_two_threads()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_that_is_forked_while_a_thread_computes_is_not_limited(fits):
    fits[0].begin()
    child = os.fork()
    if child == 0:
        os._exit(0 if pools() == all_with_two_threads() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert pools() == all_single_threaded()
    fits[0].end()
    assert pools() == all_with_two_threads()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_that_is_forked_by_a_computation_is_limited_until_that_ends():
    with one_blas_thread():
        child = os.fork()
        is_limited = pools() == all_single_threaded()
    if child == 0:
        os._exit(0 if is_limited and pools() == all_with_two_threads() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert pools() == all_with_two_threads()


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
    assert pools() == all_with_two_threads()


def test_fits_in_turn_in_several_threads_are_all_limited(fits):
    for fit in fits * 2:
        fit.begin()
        assert pools() == all_single_threaded()
        fit.end()
        assert pools() == all_with_two_threads()


def test_a_fit_in_a_thread_after_one_in_the_main_thread(fits):
    with one_blas_thread():
        pass
    fits[0].begin()
    assert pools() == all_single_threaded()
    fits[0].end()
    assert pools() == all_with_two_threads()


def test_after_a_fit_any_thread_may_set_the_numbers():
    with one_blas_thread():
        pass
    with ThreadPoolExecutor(1) as thread:
        thread.submit(threadpool_limits, 1, "blas").result(timeout=10)
    assert pools() == all_single_threaded()


# -------------------------------------------------------------------- items on all threads


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
    with limited_blas(1):
        assert len(threads_of()) == 1
    with threadpool_limits(1, user_api="openmp"):
        assert len(threads_of()) == 1


def test_items_are_computed_on_no_more_threads_than_there_are_cores():
    with cores(1):
        assert threads_of() == {threading.current_thread()}


def n_threads_of_a_worker():
    joblib.cpu_count = lambda: 2  # loky limits the libraries, not only the cores it counts
    return len(threads_of())


def test_the_workers_of_a_search_compute_on_as_many_threads_as_joblib_gives_them():
    with parallel_config("loky", inner_max_num_threads=1):
        assert Parallel(2)(delayed(n_threads_of_a_worker)() for _ in range(2)) == [1, 1]


def test_blas_has_one_thread_while_items_are_computed(two_cores):
    assert list(on_all_threads(lambda _: pools(), range(4))) == [all_single_threaded()] * 4
    assert pools() == all_with_two_threads()


def test_items_are_computed_as_ever_inside_another_limit(two_cores):
    with one_blas_thread():
        assert len(threads_of()) == 2
        assert pools() == all_single_threaded()
    assert pools() == all_with_two_threads()


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
    assert pools() == all_with_two_threads()
    assert not skbps_threads()
    assert len(threads_of()) == 2


def test_results_that_nobody_waits_for_restore_the_numbers(two_cores):
    results = on_all_threads(lambda i: i, range(100))
    assert next(iter(results)) == 0
    results.close()
    assert pools() == all_with_two_threads()
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
    assert pools() == all_with_two_threads()
    assert not skbps_threads()


def compute_nested():
    """Compute items that compute items in their turn, among them the blocks of a large cost."""
    random = np.random.default_rng(0)
    X, Y = random.normal(size=(1100, 40)), np.eye(3)[random.integers(3, size=1100)]
    network = Network((40, 60, 40, 3))
    theta = network.initialize(random_state=0)
    with two_cores_and_threads():

        def threads_of_item(_):
            here = threading.current_thread()
            return {here, *on_all_threads(lambda _: threading.current_thread(), range(4))}

        for threads in on_all_threads(threads_of_item, range(4)):
            assert len(threads) == 1
            assert threading.current_thread() not in threads
        for engine in ("auto", "numpy"):
            objective = Objective(network, X, Y, engine=engine)
            J, D = objective(theta)
            for nested_J, nested_D in on_all_threads(objective, [theta] * 4):
                assert nested_J == J
                assert (nested_D == D).all()
        # and afterwards items are computed on several threads again
        assert len(threads_of()) == 2
    print("done")


def test_nested_items_are_computed_by_the_thread_of_the_outer_one():
    # in a process of its own, because threads that wait for each other never end
    code = (
        f"import sys; sys.path += {sys.path!r}; import test_threads; test_threads.compute_nested()"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=30)
    assert run.stdout == b"done\n"


FORK = """
import os, warnings
from skbp.engine.threads import on_all_threads
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
