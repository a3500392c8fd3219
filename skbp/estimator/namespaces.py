"""Arrays of other libraries than NumPy at the boundary: what scikit-learn's dispatch lets in.

With ``sklearn.config_context(array_api_dispatch=True)`` X stays in its library and on its device,
as in scikit-learn's estimators. This needs scikit-learn 1.9 or later.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn._config import get_config
from sklearn.base import BaseEstimator

from skbp._typing import Matrix
from skbp.engine.arrays import NamespaceArray

try:
    from sklearn.externals.array_api_compat import array_namespace
    from sklearn.utils._array_api import (
        _convert_to_numpy,
        _is_numpy_namespace,
        check_same_namespace,
        get_namespace,
    )

    has_dispatch = True
    """Whether scikit-learn has what the dispatch needs."""
except ImportError:  # before scikit-learn 1.9
    has_dispatch = False


def foreign(array: Any) -> NamespaceArray | None:
    """Return an array of another library than NumPy as one that skbp computes with.

    Parameters
    ----------
    array : object
        An array, or what a user passed as one.

    Returns
    -------
    NamespaceArray or None
        None for NumPy's arrays, for sparse matrices and for what is no array; and where the
        dispatch is off.
    """
    if isinstance(array, np.ndarray) or not (has_dispatch and get_config()["array_api_dispatch"]):
        return None
    xp, is_array = get_namespace(array)
    if not is_array or _is_numpy_namespace(xp):
        return None
    return NamespaceArray(array, xp, partial(_convert_to_numpy, xp=xp))


def on_host(array: Any) -> Any:
    """Return an array of another library as one of NumPy; all else unchanged.

    Parameters
    ----------
    array : object
        An array, or what a user passed as one.

    Returns
    -------
    object
        An array of NumPy, or the object.
    """
    found = foreign(array)
    return array if found is None else np.asarray(found)


def back(result: Any, X: Matrix) -> Any:
    """Return a result where X is.

    Parameters
    ----------
    result : array
        The result.
    X : {ndarray, sparse matrix, NamespaceArray}
        The checked examples.

    Returns
    -------
    array
        The result in the library of X and on its device. What is no array of numbers, such as
        labels that are strings, or a sparse matrix, is returned unchanged.
    """
    if not isinstance(X, NamespaceArray):
        return result
    if isinstance(result, NamespaceArray):
        return result.array
    if not isinstance(result, np.ndarray):
        return result
    return X.like(result).array if result.dtype.kind in "biuf" else result


def weights_on_host(arrays: Sequence[Any]) -> list[Any]:
    """Return fitted weights as arrays of NumPy, wherever they are.

    Parameters
    ----------
    arrays : sequence of arrays
        The weights.

    Returns
    -------
    list of ndarray
        The weights.
    """
    return [array if isinstance(array, np.ndarray) else _host_copy(array) for array in arrays]


def _host_copy(array: Any) -> Any:
    """Return an array as one of NumPy, whether the dispatch is on or off."""
    if not has_dispatch or not hasattr(array, "__dlpack__"):
        return np.asarray(array)
    return _convert_to_numpy(array, array_namespace(array))


def check_namespace(estimator: BaseEstimator, X: Any, method: str) -> None:
    """Raise an error if X is in another library, or on another device, than in `fit`.

    Parameters
    ----------
    estimator : BackpropClassifier
        The fitted estimator.
    X : array-like
        The examples.
    method : str
        The method that got them, for the error message.

    Raises
    ------
    ValueError
        If it is, while the dispatch is on.
    """
    if has_dispatch:
        check_same_namespace(X, estimator, attribute="_first_weights", method=method)
