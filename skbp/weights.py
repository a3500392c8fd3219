"""Conversion between the weights Θ and scikit-learn's ``coefs_`` and ``intercepts_``.

Θ^(l) has shape (s_{l+1}, s_l + 1) with the bias weights in column 0. ``coefs_[l - 1]`` has
shape (s_l, s_{l+1}) and ``intercepts_[l - 1]`` has shape (s_{l+1},).
"""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np
from sklearn.utils import check_array

from skbp._typing import Floats

__all__ = ["join", "split"]

# a block of rows is transposed in the cache, which halves the time of a large matrix
_ROWS_IN_CACHE = 512


def views(Thetas: Sequence[Floats]) -> tuple[list[Floats], list[Floats]]:
    """Return the weights in scikit-learn's layout, as views into Θ.

    Parameters
    ----------
    Thetas : sequence of ndarray
        Θ^(l) of shape (s_{l+1}, s_l + 1), for l = 1, …, L − 1.

    Returns
    -------
    coefs : list of ndarray
        The weights of the units, of shapes (s_l, s_{l+1}).
    intercepts : list of ndarray
        The weights of the bias units, of shapes (s_{l+1},).
    """
    return [Theta[:, 1:].T for Theta in Thetas], [Theta[:, 0] for Theta in Thetas]


def source_of(
    pair: tuple[Sequence[Floats], Sequence[Floats]], unpack: Callable[[Floats], Sequence[Floats]]
) -> Floats | None:
    """Return the vector of all weights that ``coefs_`` and ``intercepts_`` are views into.

    Parameters
    ----------
    pair : tuple of two lists of ndarray
        ``coefs_`` and ``intercepts_``.
    unpack : callable
        Maps the vector to Θ.

    Returns
    -------
    ndarray of shape (n_parameters,) or None
        The vector; None if they are other arrays, for example after unpickling.
    """
    given = list(chain(*pair))
    theta = given[0].base
    n_parameters = sum(array.size for array in given)
    if not isinstance(theta, np.ndarray) or theta.shape != (n_parameters,):
        return None
    expected = chain(*views(unpack(theta)))
    return theta if all(map(_is_same, given, expected)) else None


def _is_same(one: Floats, other: Floats) -> bool:
    """Return whether two arrays are the same numbers at the same place."""
    return one.dtype == other.dtype and one.__array_interface__ == other.__array_interface__


def split(Thetas: Sequence[Floats]) -> tuple[list[Floats], list[Floats]]:
    """Split weight matrices Θ into ``coefs_`` and ``intercepts_``.

    Parameters
    ----------
    Thetas : sequence of ndarray
        Weight matrices Θ^(l) of shape (s_{l+1}, s_l + 1), for l = 1, …, L − 1.

    Returns
    -------
    coefs : list of ndarray
        Weights of the units, of shapes (s_l, s_{l+1}); copies.
    intercepts : list of ndarray
        Weights of the bias units, of shapes (s_{l+1},); copies.

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.weights import split
    >>> coefs, intercepts = split([np.array([[0.5, 1.0, 2.0]])])
    >>> coefs
    [array([[1.],
           [2.]])]
    >>> intercepts
    [array([0.5])]
    """
    coefs, intercepts = views(Thetas)
    return [coef.copy(order="C") for coef in coefs], [b.copy() for b in intercepts]


def join(coefs: Sequence[Floats], intercepts: Sequence[Floats]) -> list[Floats]:
    """Join ``coefs_`` and ``intercepts_`` to weight matrices Θ, the inverse of ``split``.

    Parameters
    ----------
    coefs : sequence of ndarray
        Weights of the units, for example the fitted attribute ``coefs_``.
    intercepts : sequence of ndarray
        Weights of the bias units, for example the fitted attribute ``intercepts_``.

    Returns
    -------
    list of ndarray
        Weight matrices Θ^(l) of shape (s_{l+1}, s_l + 1).

    Examples
    --------
    Weight matrices Θ of a fitted classifier:

    >>> from sklearn.datasets import load_iris
    >>> from skbp import BackpropClassifier
    >>> from skbp.weights import join
    >>> X, y = load_iris(return_X_y=True)
    >>> model = BackpropClassifier((5,), random_state=0).fit(X, y)
    >>> [Theta.shape for Theta in join(model.coefs_, model.intercepts_)]
    [(5, 5), (3, 6)]
    """
    return [np.column_stack([b, coef.T]) for coef, b in zip(coefs, intercepts, strict=True)]


def write(Thetas: Sequence[Floats], coefs: Sequence[Floats], intercepts: Sequence[Floats]) -> None:
    """Write ``coefs_`` and ``intercepts_`` into weight matrices Θ, as `join` does into new ones.

    Parameters
    ----------
    Thetas : sequence of ndarray
        Θ^(l) of shape (s_{l+1}, s_l + 1), for l = 1, …, L − 1; overwritten.
    coefs : sequence of ndarray
        Weights of the units, of shapes (s_l, s_{l+1}).
    intercepts : sequence of ndarray
        Weights of the bias units, of shapes (s_{l+1},).

    Raises
    ------
    ValueError
        If a shape is wrong.
    """
    given = [np.shape(array) for array in (*coefs, *intercepts)]
    targets = views(Thetas)
    shapes = [array.shape for arrays in targets for array in arrays]
    if given != shapes:
        raise ValueError(f"coefs_ and intercepts_ must have the shapes {shapes}. Got {given}.")
    for target, array in zip(chain(*targets), (*coefs, *intercepts), strict=True):
        for start in range(0, len(array), _ROWS_IN_CACHE):
            rows = slice(start, start + _ROWS_IN_CACHE)
            target[rows] = array[rows]


def checked(name: str, arrays: Any, like: Sequence[Floats]) -> list[Floats]:
    """Validate the start weights given by the user.

    Parameters
    ----------
    name : str
        Name of the parameter, for the error message.
    arrays : list of array-like
        Start weights.
    like : sequence of ndarray
        Arrays of the expected shapes and dtype.

    Returns
    -------
    list of ndarray
        Start weights as arrays of the expected dtype.

    Raises
    ------
    ValueError
        If a shape is wrong, or an entry is not finite.
    """
    shapes = [a.shape for a in like]
    arrays = list(arrays) if np.iterable(arrays) else arrays
    try:
        given = [np.shape(a) for a in arrays] if isinstance(arrays, list) else arrays
    except ValueError as error:  # rows of different lengths
        raise ValueError(
            f"{name} must be a list of arrays of the shapes {shapes}: {error}"
        ) from error
    if given != shapes:
        raise ValueError(
            f"{name} must be a list of arrays of the shapes {shapes}. Got {given} instead."
        )
    return [_checked(name, a, expected) for a, expected in zip(arrays, like, strict=True)]


def _checked(name: str, array: Any, expected: Floats) -> Floats:
    try:
        with np.errstate(over="ignore"):
            array = np.asarray(array, dtype=expected.dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers: {error}") from error
    checked: Floats = check_array(array, ensure_2d=False, input_name=name)
    return checked
