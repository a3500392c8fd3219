"""Threads: one for BLAS while a network computes, and a pool of our own for blocks of rows.

NumPy and SciPy each have a BLAS with its own pool of threads. Waking a pool costs more than
it gains for the products of a small network, and two pools that take turns hold up each
other. How a product is split also changes its last bits. So BLAS gets one thread. Large data
are divided into blocks of rows, always the same ones, which run on as many threads as the
libraries may have: a search with ``n_jobs`` finds bitwise the same models.

threadpoolctl comes with scikit-learn; before its version 3.5 it does not know the BLAS
in the wheels of NumPy 2, whose threads it then leaves alone.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cached_property
from threading import RLock
from typing import Any, TypeVar

import joblib
from threadpoolctl import ThreadpoolController

_is_in_pool: ContextVar[bool] = ContextVar("_is_in_pool", default=False)

T = TypeVar("T")
Item = TypeVar("Item")


class _Pools:
    """Thread pools of this process: those of the BLAS libraries, and our own.

    A limit holds for the whole process, and computations in several Python threads
    overlap. So they are counted: the first one saves the numbers of threads, the last one
    restores them.
    """

    def __init__(self) -> None:
        self._lock = RLock()  # a generator that is collected meanwhile restores, too
        self._n_users = 0
        self._before: list[int] = []
        self._n_threads: int | None = None
        self._executor: ThreadPoolExecutor | None = None

    @cached_property
    def _controller(self) -> ThreadpoolController:
        return ThreadpoolController()

    def _of(self, user_api: str) -> list[Any]:
        return self._controller.select(user_api=user_api).lib_controllers

    @cached_property
    def _libraries(self) -> list[Any]:
        return self._of("blas")

    @cached_property
    def _n_cpus(self) -> int:
        return int(joblib.cpu_count())  # knows the limits of containers, and takes a while

    def limit(self) -> None:
        with self._lock:
            self._n_users += 1
            if self._n_users == 1:
                self._before = [library.num_threads for library in self._libraries]
                self._set([1] * len(self._libraries))

    def restore(self) -> None:
        executor = None
        with self._lock:
            self._n_users -= 1
            if self._n_users == 0:
                executor, self._executor, self._n_threads = self._executor, None, None
                self._set(self._before)
        if executor is not None:
            executor.shutdown(cancel_futures=True)

    def after_fork(self) -> None:
        """Drop the threads of the parent process, which a child does not have."""
        self._lock, self._n_threads, self._executor = RLock(), None, None

    def _set(self, n_threads: list[int]) -> None:
        for library, n in zip(self._libraries, n_threads, strict=True):
            _release(library)
            library.set_num_threads(n)
            _release(library)

    def map(self, function: Callable[[Item], T], items: Sequence[Item]) -> Iterable[T]:
        """Call a function with each item, on the threads of all computations under way."""
        with self._lock:
            if self._n_threads is None:
                self._n_threads = self._count_threads()
                if self._n_threads > 1:
                    self._executor = ThreadPoolExecutor(self._n_threads, "skbp")
            executor = self._executor
        if executor is None:
            return map(function, items)
        # np.errstate is a part of the context, which a thread does not inherit
        contexts = [copy_context() for _ in items]
        for context in contexts:
            context.run(_is_in_pool.set, True)
        return executor.map(lambda context, item: context.run(function, item), contexts, items)

    def _count_threads(self) -> int:
        """Return the number of threads that the libraries may use without our own limit."""
        openmp = (library.num_threads for library in self._of("openmp"))
        return min([self._n_cpus, *self._before, *openmp])


def _release(library: Any) -> None:
    """Allow any Python thread to set the number; threadpoolctl 3.8 reserves it for the first."""
    if hasattr(library, "clear_controlling_thread"):
        library.clear_controlling_thread(force=True)


_pools = _Pools()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.after_fork)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run the body with one thread in every BLAS of the process.

    Yields
    ------
    None
        While the limit holds.
    """
    _pools.limit()
    try:
        yield
    finally:
        _pools.restore()


def on_all_threads(function: Callable[[Item], T], items: Sequence[Item]) -> Iterable[T]:
    """Call a function with each item like `map`, but on several threads.

    Their number is the one that the libraries may use: ``OMP_NUM_THREADS`` and limits of
    threadpoolctl and joblib apply.

    Parameters
    ----------
    function : callable
        The function. It should release the GIL, as NumPy does. Where it calls
        `on_all_threads` itself, the inner items are computed on its own thread, so that no
        thread waits for another one of the pool.
    items : sequence
        Its arguments.

    Yields
    ------
    object
        The results, in the order of the items.
    """
    if len(items) < 2 or _is_in_pool.get():
        yield from map(function, items)
        return
    with one_blas_thread():
        yield from _pools.map(function, items)
