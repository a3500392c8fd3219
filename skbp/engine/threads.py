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
from threading import RLock, get_ident
from typing import Any, TypeVar
from weakref import ref

import joblib
from threadpoolctl import ThreadpoolController

_is_in_pool: ContextVar[bool] = ContextVar("_is_in_pool", default=False)

T = TypeVar("T")
Item = TypeVar("Item")


class _Use:
    """A computation that needs the limit. It ends when it says so, or else with this object."""

    def __init__(self) -> None:
        self.thread = get_ident()


class _Pools:
    """Thread pools of this process: those of the BLAS libraries, and our own.

    A limit holds for the whole process, and computations in several Python threads overlap.
    So the uses are counted, and the numbers of threads follow from the count: they can be set
    again at any time, also after Ctrl-C has interrupted that, or another thread has changed
    them.
    """

    def __init__(self) -> None:
        self._lock = RLock()  # a use that is collected meanwhile ends, too
        self._uses: dict[int, ref[_Use]] = {}
        self._saved: dict[int, int] = {}  # the numbers to restore, by library
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

    def begin(self, use: _Use) -> None:
        """Limit the libraries until a use has ended."""
        key = id(use)
        self._uses[key] = ref(use, lambda _: self._end(key))
        _despite_interrupts(self._update)

    def end(self, use: _Use) -> None:
        """End a use; the last one restores the libraries."""
        _despite_interrupts(self._end, id(use))

    def _end(self, key: int) -> None:
        self._uses.pop(key, None)
        # Python ignores Ctrl-C that comes while a use is collected; then it is still listed
        for other, reference in list(self._uses.items()):
            if reference() is None:
                self._uses.pop(other, None)
        if not self._uses:
            self._update()

    def after_fork(self) -> None:
        """Keep the uses of the thread that forked, the only one that a child has."""
        self._lock, self._n_threads, self._executor = RLock(), None, None
        uses = {key: (reference, reference()) for key, reference in self._uses.items()}
        here = get_ident()
        self._uses = {k: r for k, (r, use) in uses.items() if use and use.thread == here}
        self._update()

    def _update(self) -> None:
        """Let the libraries' numbers of threads follow from the uses. It can be repeated."""
        executor = None
        with self._lock:
            for i, library in enumerate(self._libraries):
                if self._uses:
                    self._limit(i, library)
                elif i in self._saved:
                    self._restore(i, library)
            if not self._uses:
                executor, self._executor, self._n_threads = self._executor, None, None
        if executor is not None:
            # a thread of the pool cannot wait for itself
            executor.shutdown(wait=not _is_in_pool.get(), cancel_futures=True)

    def _limit(self, i: int, library: Any) -> None:
        n_threads = library.num_threads
        if n_threads != 1 or i not in self._saved:  # another thread may have set it since
            self._saved[i] = n_threads
        if n_threads != 1:
            _set_threads(library, 1)

    def _restore(self, i: int, library: Any) -> None:
        if library.num_threads == 1:  # else another thread has set it since
            _set_threads(library, self._saved[i])
        del self._saved[i]

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
        return min([self._n_cpus, *self._saved.values(), *openmp])


def _set_threads(library: Any, n_threads: int) -> None:
    """Set a library's number; threadpoolctl 3.8 reserves that for the first thread that does."""
    _release(library)
    library.set_num_threads(n_threads)
    _release(library)


def _release(library: Any) -> None:
    if hasattr(library, "clear_controlling_thread"):
        library.clear_controlling_thread(force=True)


def _despite_interrupts(function: Callable[..., None], *arguments: Any) -> None:
    """Call a function that can be repeated until Ctrl-C lets it finish, then raise that."""
    interrupt = None
    while True:
        try:
            function(*arguments)
            break
        except KeyboardInterrupt as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt


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
    use = _Use()
    try:
        _pools.begin(use)
        yield
    finally:
        _pools.end(use)


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
