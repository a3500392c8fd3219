"""From z^(L) to the probabilities of classes, their logarithms, and the log-loss."""

import numpy as np

from skbp._typing import Floats
from skbp.activations import OUTPUT_ACTIVATIONS, OutputActivation
from skbp.losses import LOSSES


def probabilities(h: OutputActivation, z: Floats, y_type: str) -> Floats:
    """Return the class probabilities.

    Parameters
    ----------
    h : OutputActivation
        The activation of the output layer.
    z : ndarray of shape (m, K)
        z^(L).
    y_type : {"binary", "multiclass", "multilabel-indicator"}
        What the output units stand for.

    Returns
    -------
    ndarray of shape (m, n_classes) or (m, n_labels)
        For binary y, [1 − a, a]; for exclusive classes the activations divided by their
        sum; for multilabel y the activations.
    """
    if y_type == "binary":
        return h.g(np.hstack([-z, z]))
    if y_type == "multiclass" and h.name == "logistic":
        # Where all activations are so small that their digits are lost, they are e^z, and z may
        # be raised: the shares stay.
        smallest = np.log(np.finfo(z.dtype).eps)
        a = h.g(z - np.minimum(z.max(axis=1, keepdims=True) - smallest, 0))
        return a / a.sum(axis=1, keepdims=True)
    return h.g(z)


def log_probabilities(h: OutputActivation, z: Floats, y_type: str) -> Floats:
    """Return the logarithms of the class probabilities.

    Parameters
    ----------
    h : OutputActivation
        The activation of the output layer.
    z : ndarray of shape (m, K)
        z^(L).
    y_type : {"binary", "multiclass", "multilabel-indicator"}
        What the output units stand for.

    Returns
    -------
    ndarray of shape (m, n_classes) or (m, n_labels)
        They are computed from z, and finite wherever it is.
    """
    if y_type == "binary":
        return h.log_g(np.hstack([-z, z]))
    h, z = _normalised(h, z, y_type)
    return h.log_g(z)


def log_losses(h: OutputActivation, z: Floats, Y: Floats, y_type: str) -> Floats:
    """Return the log-loss of the class probabilities, an example at a time.

    Parameters
    ----------
    h : OutputActivation
        The activation of the output layer.
    z : ndarray of shape (m, K)
        z^(L).
    Y : ndarray of shape (m, K)
        The targets.
    y_type : {"binary", "multiclass", "multilabel-indicator"}
        What the output units stand for.

    Returns
    -------
    ndarray of shape (m,)
        The losses, whose mean is `sklearn.metrics.log_loss`; for multilabel y, the sum
        of the labels' log-losses.
    """
    h, z = _normalised(h, z, y_type)
    return LOSSES[h.name, "log_loss"].per_row(z, h.g(z), Y)


def _normalised(h: OutputActivation, z: Floats, y_type: str) -> tuple[OutputActivation, Floats]:
    """Divide K logistic units of exclusive classes by their sum: a softmax of log h."""
    if y_type == "multiclass" and h.name == "logistic":
        return OUTPUT_ACTIVATIONS["softmax"], h.log_g(z)
    return h, z
