"""How many BLAS threads a fit runs on.

NumPy and SciPy each bring a BLAS with a pool of threads of its own. Waking a pool
costs more than it gives for the products of a small network, and two pools that
take turns keep the cores from each other: SciPy's optimisers, which only add up
vectors, slow down NumPy's products. So SciPy's pool gets one thread during a fit,
and where the products are small NumPy's gets one too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import pairwise
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController

_SMALL_PRODUCT = 2e7
"""Multiplications in the largest product up to which two threads are no faster than one."""


class _Pools:
    """The thread pools of this process's BLAS libraries.

    A limit holds for the whole process, and fits in several threads overlap. So the
    fits are counted: the first to begin notes the numbers of threads, the last to
    end restores them.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._fits = {"large": 0, "small": 0}
        self._n_threads: list[int] = []

    @cached_property
    def _libraries(self) -> list[Any]:
        return ThreadpoolController().select(user_api="blas").lib_controllers

    @contextmanager
    def limited_for(self, size: str) -> Iterator[None]:
        """Limit the pools while the body runs."""
        self._count(size, +1)
        try:
            yield
        finally:
            self._count(size, -1)

    def _count(self, size: str, change: int) -> None:
        with self._lock:
            if not any(self._fits.values()):
                self._n_threads = [library.num_threads for library in self._libraries]
            self._fits[size] += change
            for library, n_threads in zip(self._libraries, self._n_threads, strict=True):
                library.set_num_threads(1 if self._limits(library) else n_threads)

    def _limits(self, library: Any) -> bool:
        is_scipys = "scipy.libs" in library.filepath
        return self._fits["small"] > 0 or (is_scipys and self._fits["large"] > 0)


_pools = _Pools()


@contextmanager
def suited_to(n_rows: int, layer_sizes: tuple[int, ...]) -> Iterator[None]:
    """Run the body on as many BLAS threads as suit a network's matrix products.

    Parameters
    ----------
    n_rows : int
        The number of rows that are propagated at once.
    layer_sizes : tuple of int
        The units of each layer.

    Yields
    ------
    None
        While the limits hold.
    """
    largest_product = n_rows * max(s * s_next for s, s_next in pairwise(layer_sizes))
    with _pools.limited_for("small" if largest_product < _SMALL_PRODUCT else "large"):
        yield
