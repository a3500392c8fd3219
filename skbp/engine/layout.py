"""The layout of arrays in memory.

Numbers that are not at multiples of their size, as in what Dask's workers receive or in some
files, are left out by the kernels, and NumPy adds them up in another order. So they are copied
once, where they come in.
"""

from typing import Any, TypeVar

import numpy as np
from scipy.sparse import issparse

T = TypeVar("T")


def aligned(array: T) -> T:
    """Return an array or a sparse matrix whose numbers are at multiples of their size.

    Parameters
    ----------
    array : object
        The array or the sparse matrix.

    Returns
    -------
    object
        A copy of what is not aligned; anything else as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.engine.layout import aligned
    >>> x = np.frombuffer(b"." + np.array([1.0, 2.0]).tobytes(), offset=1)
    >>> x.flags.aligned, aligned(x).flags.aligned
    (False, True)
    """
    return array if all(part.flags.aligned for part in _parts(array)) else array.copy()  # type: ignore[attr-defined]


def _parts(array: Any) -> list[Any]:
    if isinstance(array, np.ndarray):
        return [array]
    if not issparse(array):
        return []
    names = ("data", "indices", "indptr")
    return [getattr(array, name) for name in names if hasattr(array, name)]
