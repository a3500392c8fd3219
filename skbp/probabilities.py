"""From z^(L) to class probabilities and their logarithms."""

import numpy as np

from skbp._typing import Floats
from skbp.activations import OutputActivation


def binary(h: OutputActivation, z: Floats) -> Floats:
    """Return the probabilities of two classes, [1 − a, a].

    Parameters
    ----------
    h : OutputActivation
        The logistic function.
    z : ndarray of shape (m, 1)
        z^(L) of the single unit.

    Returns
    -------
    ndarray of shape (m, 2)
        They are computed from −z and z, so both are precise.
    """
    z = np.hstack([-z, z])
    return ranked(h.g(z), z)


def log_binary(h: OutputActivation, z: Floats) -> Floats:
    """Return the logarithms of the probabilities of two classes.

    Parameters
    ----------
    h : OutputActivation
        The logistic function.
    z : ndarray of shape (m, 1)
        z^(L) of the single unit.

    Returns
    -------
    ndarray of shape (m, 2)
        Finite wherever z is.
    """
    z = np.hstack([-z, z])
    return ranked(h.log_g(z), z)


def shares(h: OutputActivation, z: Floats) -> Floats:
    """Return the activations of K logistic units, divided by their sum.

    Parameters
    ----------
    h : OutputActivation
        The logistic function.
    z : ndarray of shape (m, K)
        z^(L).

    Returns
    -------
    ndarray of shape (m, K)
        Each row sums to 1.
    """
    # Where all activations are so small that their digits are lost, they are e^z, and z may
    # be raised: the shares stay.
    smallest = np.log(np.finfo(z.dtype).eps)
    a = h.g(z - np.minimum(z.max(axis=1, keepdims=True) - smallest, 0))
    a /= a.sum(axis=1, keepdims=True)
    return ranked(a, z)


def ranked(p: Floats, z: Floats) -> Floats:
    """Let the class with the largest z have the largest probability, as in `predict`.

    Where rounding makes probabilities equal, that of this class becomes the next larger
    number: its unit in the last place is added.

    Parameters
    ----------
    p : ndarray of shape (m, K)
        Probabilities, or their logarithms; changed in place.
    z : ndarray of shape (m, K)
        The numbers that they are computed from.

    Returns
    -------
    ndarray of shape (m, K)
        ``p``, where the largest number of a row is in the same column as that of z, the
        first one of several.
    """
    winners = z.argmax(axis=1)
    rows = np.flatnonzero(p.argmax(axis=1) != winners)
    p[rows, winners[rows]] = np.nextafter(p[rows].max(axis=1), np.inf, dtype=p.dtype)
    return p


def activations(h: OutputActivation, z: Floats) -> Floats:
    """Return the activations of the output units as probabilities.

    Parameters
    ----------
    h : OutputActivation
        The activation of the output units.
    z : ndarray of shape (m, K)
        z^(L).

    Returns
    -------
    ndarray of shape (m, K)
        a^(L). In a row of a softmax, the class with the largest z has the largest
        probability; a logistic unit's is over ½ where z is positive.
    """
    a = h.g(z)
    if h.name == "softmax":
        return ranked(a, z)
    if h.name != "logistic":
        return a
    over_half = np.nextafter(a.dtype.type(0.5), a.dtype.type(1))
    return np.maximum(a, over_half, out=a, where=z > 0)
