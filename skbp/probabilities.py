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
    return h.g(np.hstack([-z, z]))


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
    return h.log_g(np.hstack([-z, z]))


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
    return a / a.sum(axis=1, keepdims=True)
