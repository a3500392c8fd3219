"""One BLAS thread while a network computes, and blocks of rows on all of the others.

NumPy and SciPy each bring a BLAS with a pool of threads of its own. Waking a pool
costs more than it gives for the products of a small network, and two pools that take
turns keep the cores from each other: SciPy's optimisers, which only add up vectors,
slow down NumPy's products by a factor. How a product is split also changes its last
bits. So BLAS has one thread. What is large is divided into blocks of rows, always the
same ones, which run on as many threads as the libraries may have: a search with
``n_jobs`` finds bitwise the same models.

threadpoolctl comes with scikit-learn; before its version 3.5 it does not know the BLAS
in the wheels of NumPy 2, whose threads it then leaves alone.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import cached_property
from threading import RLock
from typing import Any, TypeVar

import joblib
from threadpoolctl import ThreadpoolController

T = TypeVar("T")
Item = TypeVar("Item")


class _Pools:
    """The thread pools of this process's libraries, and one of our own in their place.

    A limit holds for the whole process, and computations in several Python threads
    overlap. So they are counted: the first to begin notes the numbers of threads, the
    last to end restores them.
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
        """Forget the threads of the parent process, which a child has not."""
        self._lock, self._n_threads, self._executor = RLock(), None, None

    def _set(self, n_threads: list[int]) -> None:
        for library, n in zip(self._libraries, n_threads, strict=True):
            _let_go(library)
            library.set_num_threads(n)
            _let_go(library)

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
        return executor.map(lambda context, item: context.run(function, item), contexts, items)

    def _count_threads(self) -> int:
        """Return how many threads all libraries may use, but for the limit of our own."""
        openmp = (library.num_threads for library in self._of("openmp"))
        return min([self._n_cpus, *self._before, *openmp])


def _let_go(library: Any) -> None:
    """Let any Python thread set the number: since threadpoolctl 3.8 the first one keeps it."""
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
    """Return what a function makes of each item, like `map`, but from several threads.

    There are as many as the libraries may use: ``OMP_NUM_THREADS``, a limit of
    threadpoolctl and one of joblib hold for these threads too.

    Parameters
    ----------
    function : callable
        What to call. It should let go of Python's lock, as NumPy does, and must not call
        this in turn: it would wait for a thread that waits for it.
    items : sequence
        What to call it with.

    Yields
    ------
    object
        The results, in the order of the items.
    """
    if len(items) < 2:
        yield from map(function, items)
        return
    with one_blas_thread():
        yield from _pools.map(function, items)
