"""The layout of arrays in memory: alignment, and rows that share the memory of a matrix.

Numbers that are not at multiples of their size, as in what Dask's workers receive or in some
files, are left out by the kernels, and NumPy adds them up in another order. So they are copied
once, where they come in.
"""

from typing import Any

import numpy as np
from scipy.sparse import issparse


def aligned(array: Any) -> Any:
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
    return array if all(part.flags.aligned for part in _parts(array)) else array.copy()


def rows_of(X: Any, rows: Any) -> Any:
    """Return rows of X; for a slice, they share its memory, also those of a CSR matrix.

    Parameters
    ----------
    X : {ndarray, sparse matrix, NamespaceArray} of shape (n_samples, n_features)
        The matrix.
    rows : slice, or ndarray of int or bool
        The rows; a slice has no step.

    Returns
    -------
    {ndarray, sparse matrix, NamespaceArray}
        The rows.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> from skbp.engine.layout import rows_of
    >>> X = csr_array(np.eye(3))
    >>> rows_of(X, slice(1, 3)).toarray()
    array([[0., 1., 0.],
           [0., 0., 1.]])
    >>> np.shares_memory(rows_of(X, slice(1, 3)).data, X.data)
    True
    """
    if not (isinstance(rows, slice) and issparse(X) and X.format == "csr"):
        return X[rows]
    start, stop, _ = rows.indices(X.shape[0])
    stop = max(start, stop)
    ends = X.indptr[start : stop + 1]
    entries = slice(ends[0], ends[-1])
    parts = X.data[entries], X.indices[entries], ends - ends[0]
    return type(X)(parts, shape=(stop - start, X.shape[1]))


def product(X: Any, coef: Any) -> Any:
    """Return X times weights, without a copy of all weights where X is sparse and has few entries.

    SciPy copies weights that are not contiguous, such as views into Θ.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (m, s_1)
        The examples.
    coef : ndarray of shape (s_1, s_2)
        The weights.

    Returns
    -------
    ndarray of shape (m, s_2)
        The product.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> from skbp.engine.layout import product
    >>> product(csr_array([[0.0, 2.0, 0.0]]), np.arange(6.0).reshape(2, 3).T)
    array([[2., 8.]])
    """
    if not issparse(X) or X.format != "csr" or coef.flags.c_contiguous or X.nnz >= X.shape[1]:
        return X @ coef
    found = np.zeros((X.shape[0], coef.shape[1]), X.dtype)
    has_entries = np.diff(X.indptr) > 0
    terms = X.data[:, np.newaxis] * coef[X.indices]
    found[has_entries] = np.add.reduceat(terms, X.indptr[:-1][has_entries])
    return found


def _parts(array: Any) -> list[Any]:
    if isinstance(array, np.ndarray):
        return [array]
    if not issparse(array):
        return []
    names = ("data", "indices", "indptr")
    return [getattr(array, name) for name in names if hasattr(array, name)]
