"""Activations, errors and gradient of one sample in a network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from skbp import weights
from skbp._typing import Floats, Labels, Matrix
from skbp.estimator.targets import MultilabelTargets, Targets, targets_for
from skbp.losses import get_loss
from skbp.network import Network
from skbp.plot.common import Estimator, FittedNetwork, fitted_network, network_inputs


@dataclass(frozen=True)
class Sample:
    """Activations, errors and gradient of one sample.

    Parameters
    ----------
    label : object
        Label of the sample, not encoded.
    target : ndarray of shape (K,)
        Encoded label y, of 0 and 1.
    activations : list of ndarray of shape (s_l,)
        Activations a^(1), …, a^(L).
    deltas : list of ndarray of shape (s_l,)
        Errors δ^(2), …, δ^(L).
    gradients : list of ndarray of shape (s_{l+1}, s_l + 1)
        Gradient ∂J/∂Θ^(1), …, ∂J/∂Θ^(L−1), where J is the loss of the sample.
    loss : float
        Loss, without the penalty.
    """

    label: object
    target: Floats
    activations: list[Floats]
    deltas: list[Floats]
    gradients: list[Floats]
    loss: float


def propagate(estimator: Estimator, x: ArrayLike, y: Labels) -> Sample:
    """Propagate a sample forward and its error backward.

    Parameters
    ----------
    estimator : BackpropClassifier, MLPClassifier, Pipeline or search
        Fitted network, fitted pipeline that ends in one, or fitted search with ``refit=True``.
    x : array-like of shape (n_features,) or (1, n_features), or str
        Input sample.
    y : label, or array-like of shape (n_labels,) or (1, n_labels)
        Label of the sample; for multilabel y, a row of the indicator matrix.

    Returns
    -------
    Sample
        Activations, errors and gradient.

    Raises
    ------
    ValueError
        If ``x`` is not one sample with the right number of features, or ``y`` is unknown.
    """
    classifier = fitted_network(estimator)
    X = validate_data(
        classifier,
        network_inputs(estimator, _one_row(estimator, x)),
        accept_sparse="csr",
        dtype=[np.float64, np.float32],
        reset=False,
    )
    X = X.toarray() if issparse(X) else X
    targets = _targets(classifier)
    labels = _one_label(targets, y)
    Y = targets.encode(labels, X.dtype)
    Thetas = weights.join(classifier.coefs_, classifier.intercepts_)
    network = _network(classifier, Thetas)
    loss = get_loss(network.h.name, classifier.loss)

    theta = network.pack(Thetas)
    activations, z = network.forward(theta, X)
    delta = loss.delta(z, activations[-1], Y)
    gradients = network.unpack(network.backward(theta, activations, delta))
    return Sample(
        label=labels[0],
        target=Y[0],
        activations=[a[0] for a in activations],
        deltas=[gradient[:, 0] for gradient in gradients],  # δ^(l+1) a_0^(l), where a_0 = 1
        gradients=gradients,
        loss=float(loss.per_row(z, activations[-1], Y)[0]),
    )


def _one_row(estimator: Estimator, x: Matrix | str) -> Matrix:
    """Return the sample as a table of one row, or its text in a list."""
    if isinstance(x, str):
        return [x]
    if hasattr(x, "infer_objects") and x.ndim == 1:  # a row of a pandas DataFrame
        x = x.to_frame().T.infer_objects()
    x = x if hasattr(x, "shape") else np.asarray(x)
    row = x.reshape(1, -1) if len(x.shape) == 1 else x
    n_features = getattr(estimator, "n_features_in_", None)
    if len(row.shape) != 2 or row.shape[0] != 1 or n_features not in (None, row.shape[1]):
        features = "its features" if n_features is None else f"{n_features} features"
        raise ValueError(
            f"x must be one example of {features}. Got an array of shape {x.shape} instead."
        )
    return row


def _one_label(targets: Targets, y: Labels) -> Labels:
    """Return the label as an array of one entry, or for multilabel y as a matrix of one row."""
    labels = y.toarray() if issparse(y) else np.asarray(y)
    if not isinstance(targets, MultilabelTargets):
        if labels.size != 1:
            raise ValueError(f"y must be one label. Got {y!r} instead.")
        return labels.ravel()
    n_labels = len(targets.classes)
    if labels.size != n_labels or not np.isin(labels, [0, 1]).all():
        raise ValueError(f"y must be the {n_labels} labels of one example, 0 or 1. Got {y!r}.")
    return labels.reshape(1, -1)


def _targets(classifier: FittedNetwork) -> Targets:
    """Return the targets of a classifier; MLPClassifier has none, but the same classes."""
    if hasattr(classifier, "targets_"):
        return classifier.targets_
    classes = classifier.classes_
    is_multilabel = classifier.n_outputs_ > 1 and classifier.out_activation_ == "logistic"
    return targets_for(np.eye(len(classes), dtype=int) if is_multilabel else classes)


def _network(classifier: FittedNetwork, Thetas: Sequence[Floats]) -> Network:
    """Return the network of a classifier; MLPClassifier has none, but the same parameters."""
    if hasattr(classifier, "network_"):
        return classifier.network_
    sizes = (Thetas[0].shape[1] - 1, *map(len, Thetas))
    return Network(sizes, classifier.activation, classifier.out_activation_)
