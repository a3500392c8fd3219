"""Between Θ and the two lists of arrays in which scikit-learn keeps a network's weights.

Θ^(l) has shape (s_{l+1}, s_l + 1) with the bias in column 0. scikit-learn has
``coefs_[l - 1]`` of shape (s_l, s_{l+1}) and ``intercepts_[l - 1]`` of shape (s_{l+1},).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils import check_array

from skbp._typing import Floats

__all__ = ["join", "split"]


def split(Thetas: Sequence[Floats]) -> tuple[list[Floats], list[Floats]]:
    """Return the weights as scikit-learn keeps them.

    Parameters
    ----------
    Thetas : sequence of ndarray
        Θ^(l) of shape (s_{l+1}, s_l + 1), for l = 1, …, L − 1.

    Returns
    -------
    coefs : list of ndarray
        The weights of the units, of shapes (s_l, s_{l+1}); copies.
    intercepts : list of ndarray
        The weights of the bias units, of shapes (s_{l+1},); copies.

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
    coefs = [Theta[:, 1:].T.copy(order="C") for Theta in Thetas]
    return coefs, [Theta[:, 0].copy() for Theta in Thetas]


def join(coefs: Sequence[Floats], intercepts: Sequence[Floats]) -> list[Floats]:
    """Return Θ^(1), …, Θ^(L−1): the inverse of `skbp.weights.split`.

    Parameters
    ----------
    coefs : sequence of ndarray
        The weights of the units, for example a fitted ``coefs_``.
    intercepts : sequence of ndarray
        The weights of the bias units, for example a fitted ``intercepts_``.

    Returns
    -------
    list of ndarray
        Θ^(l) of shape (s_{l+1}, s_l + 1).

    Examples
    --------
    The lecture's Θ of a fitted classifier:

    >>> from sklearn.datasets import load_iris
    >>> from skbp import BackpropClassifier
    >>> from skbp.weights import join
    >>> X, y = load_iris(return_X_y=True)
    >>> model = BackpropClassifier((5,), random_state=0).fit(X, y)
    >>> [Theta.shape for Theta in join(model.coefs_, model.intercepts_)]
    [(5, 5), (3, 6)]
    """
    return [np.column_stack([b, coef.T]) for coef, b in zip(coefs, intercepts, strict=True)]


def checked(name: str, arrays: Any, like: Sequence[Floats]) -> list[Floats]:
    """Check start weights that a user gave.

    Parameters
    ----------
    name : str
        What the user calls them, for the error message.
    arrays : list of array-like
        The weights.
    like : sequence of ndarray
        Arrays of the shapes and the dtype that they must have.

    Returns
    -------
    list of ndarray
        The weights, as arrays of that dtype.

    Raises
    ------
    ValueError
        If the shapes differ, or an entry is not finite.
    """
    shapes = [a.shape for a in like]
    arrays = list(arrays) if np.iterable(arrays) else arrays
    given = [np.shape(a) for a in arrays] if isinstance(arrays, list) else arrays
    if given != shapes:
        raise ValueError(
            f"{name} must be a list of arrays of the shapes {shapes}. Got {given} instead."
        )
    return [
        check_array(a, ensure_2d=False, dtype=expected.dtype, input_name=name)
        for a, expected in zip(arrays, like, strict=True)
    ]
