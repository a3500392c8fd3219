"""skbp.blas_threads: each BLAS pool's number of threads during a fit, and after it."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from skbp.blas_threads import one_blas_thread


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
