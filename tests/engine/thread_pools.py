"""The thread pools of the BLAS libraries and of skbp, for the tests of threads."""

import threading
from contextlib import contextmanager, suppress
from unittest.mock import patch

import joblib
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from skbp.engine import threads
from skbp.engine.threads import on_all_threads


def pools():
    """Return each BLAS pool's number of threads, by the path of its library."""
    blas = (pool for pool in threadpool_info() if pool["user_api"] == "blas")
    return {pool["filepath"]: pool["num_threads"] for pool in blas}


def all_single_threaded():
    return dict.fromkeys(pools(), 1)


def all_with_two_threads():
    return dict.fromkeys(pools(), 2)


def release_pools():
    """Let any thread set the pools' numbers; since threadpoolctl 3.8 OpenBLAS's is reserved."""
    for library in ThreadpoolController().select(user_api="blas").lib_controllers:
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)


@contextmanager
def limited_blas(n_threads):
    """Give every BLAS pool this many threads, whatever the machine."""
    release_pools()
    with threadpool_limits(n_threads, user_api="blas"):
        release_pools()
        try:
            yield
        finally:
            release_pools()


@contextmanager
def cores(n_cores):
    """Let joblib count this many cores, whatever the machine."""
    # a pool counts them once
    with (
        patch.object(joblib, "cpu_count", lambda: n_cores),
        patch.object(threads, "_pools", threads._Pools()),
    ):
        yield


@contextmanager
def two_cores_and_threads():
    """Let skbp compute on two threads, whatever the machine."""
    with limited_blas(2), threadpool_limits(2, user_api="openmp"), cores(2):
        yield


def returns_its_thread():
    """Return a function that returns its thread, after it has waited for another one to call it."""
    barrier = threading.Barrier(2)

    def current_thread(_):
        with suppress(threading.BrokenBarrierError):
            barrier.wait(0.05)  # long enough for another thread to come
        return threading.current_thread()

    return current_thread


def threads_of(n_items=8):
    """Return the threads that compute some items."""
    return set(on_all_threads(returns_its_thread(), range(n_items)))


def skbps_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("skbp")]
