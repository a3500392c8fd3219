"""Blocks of rows, which are computed one after the other or on several threads.

The cost, its gradient and the outputs are computed in blocks of rows: their activations stay
in the cache, no array is as large as the data set, and threads can share the blocks. Where a
block begins does not depend on the number of threads, because the order of a sum decides its
last bits.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from skbp.engine.builtin import is_builtin
from skbp.engine.threads import on_all_threads, one_blas_thread

if TYPE_CHECKING:
    from skbp.losses import Loss
    from skbp.network import Network

T = TypeVar("T")

_LARGEST = 2048
# blocks come in pairs, so that two threads have equally many
_MULTIPLE = 2
# with less, other threads would not be worth waking
_FEWEST_ROWS = 1024
_LEAST_WORK = 1 << 22
# OpenBLAS wakes no thread for products of fewer multiplications
_FEW_MULTIPLICATIONS = 1 << 13


def blocks(n_rows: int, n_parameters: int) -> list[slice]:
    """Divide rows into blocks of nearly equal size.

    Parameters
    ----------
    n_rows : int
        The number of rows.
    n_parameters : int
        The number of the network's weights, which is the work for a row.

    Returns
    -------
    list of slice
        The blocks, in ascending order; a single one if there is little to do.
    """
    n_blocks = 1
    if n_rows >= _FEWEST_ROWS and n_rows * n_parameters >= _LEAST_WORK:
        n_blocks = -(-n_rows // (_LARGEST * _MULTIPLE)) * _MULTIPLE
    ends = [n_rows * i // n_blocks for i in range(n_blocks + 1)]
    return [slice(start, stop) for start, stop in pairwise(ends)]


def map_blocks(
    function: Callable[[slice], T], n_rows: int, network: "Network", loss: "Loss | None" = None
) -> Iterator[T]:
    """Call a function with each block of rows, while BLAS has one thread.

    Parameters
    ----------
    function : callable
        The function. Several threads call it at once if all parts are skbp's own.
    n_rows : int
        The number of rows.
    network : Network
        The network that the function computes.
    loss : Loss, default=None
        The loss that it computes, if any.

    Yields
    ------
    object
        The results, in the order of the blocks.
    """
    n_parameters = network.n_parameters
    rows = blocks(n_rows, n_parameters)
    if n_rows * n_parameters < _FEW_MULTIPLICATIONS:
        yield function(rows[0])
        return
    threads = len(rows) > 1 and is_builtin(network, loss)
    with one_blas_thread():
        yield from (on_all_threads if threads else map)(function, rows)
