"""One BLAS thread while a network computes.

NumPy and SciPy each bring a BLAS with a pool of threads of its own. Waking a pool
costs more than it gives for the products of a small network, and two pools that take
turns keep the cores from each other: SciPy's optimisers, which only add up vectors,
slow down NumPy's products by a factor. How a product is split also changes its last
bits. So there is one thread: a search with ``n_jobs`` finds bitwise the same models.

threadpoolctl comes with scikit-learn; before its version 3.5 it does not know the BLAS
in the wheels of NumPy 2, whose threads it then leaves alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController


class _Pools:
    """The thread pools of this process's BLAS libraries.

    A limit holds for the whole process, and computations in several Python threads
    overlap. So they are counted: the first to begin notes the numbers of threads, the
    last to end restores them.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._n_users = 0
        self._before: list[int] = []

    @cached_property
    def _libraries(self) -> list[Any]:
        return ThreadpoolController().select(user_api="blas").lib_controllers

    def limit(self) -> None:
        with self._lock:
            if self._n_users == 0:
                self._before = [library.num_threads for library in self._libraries]
                self._set([1] * len(self._libraries))
            self._n_users += 1

    def restore(self) -> None:
        with self._lock:
            self._n_users -= 1
            if self._n_users == 0:
                self._set(self._before)

    def _set(self, n_threads: list[int]) -> None:
        for library, n in zip(self._libraries, n_threads, strict=True):
            _let_go(library)
            library.set_num_threads(n)
            _let_go(library)


def _let_go(library: Any) -> None:
    """Let any Python thread set the number: since threadpoolctl 3.8 the first one keeps it."""
    if hasattr(library, "clear_controlling_thread"):
        library.clear_controlling_thread(force=True)


_pools = _Pools()


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
