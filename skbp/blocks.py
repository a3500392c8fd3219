"""Which rows are computed together.

The cost, its gradient and z^(L) are computed in blocks of rows. Their activations stay in
the cache, no array is as large as the data set, and threads can share the blocks. Where a
block begins must not depend on how many threads there are, because the order of a sum
decides its last bits.
"""

from itertools import pairwise

_LARGEST = 2048
# blocks come in pairs, so that two threads have equally many
_MULTIPLE = 2
# with less, other threads would not be worth waking
_FEWEST_ROWS = 1024
_LEAST_WORK = 1 << 22


def blocks(n_rows: int, n_parameters: int) -> list[slice]:
    """Divide rows into blocks of nearly equal size.

    Parameters
    ----------
    n_rows : int
        The number of rows.
    n_parameters : int
        The number of the network's weights, by which the work for a row goes.

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
