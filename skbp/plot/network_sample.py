"""One example on its way through a network: a^(l) forward, δ^(l) back, and the gradient."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from skbp import weights
from skbp._typing import Floats, Matrix
from skbp.data import encoded
from skbp.losses import get_loss
from skbp.network import Network
from skbp.plot.common import fitted_network, network_inputs


@dataclass(frozen=True)
class Sample:
    """What an example does in a network.

    Parameters
    ----------
    label : object
        Its label, as the user has it.
    target : ndarray of shape (K,)
        y, of 0 and 1.
    activations : list of ndarray of shape (s_l,)
        a^(1), …, a^(L).
    deltas : list of ndarray of shape (s_l,)
        δ^(2), …, δ^(L).
    gradients : list of ndarray of shape (s_{l+1}, s_l + 1)
        ∂J/∂Θ^(1), …, ∂J/∂Θ^(L−1), where J is the loss of this example alone.
    loss : float
        The loss, without the penalty.
    """

    label: Any
    target: Floats
    activations: list[Floats]
    deltas: list[Floats]
    gradients: list[Floats]
    loss: float


def propagate(estimator: Any, x: Any, y: Any) -> Sample:
    """Propagate an example forward, and its error back.

    Parameters
    ----------
    estimator : BackpropClassifier, MLPClassifier, Pipeline or search
        A fitted network, or a fitted pipeline or search around one.
    x : array-like of shape (n_features,) or (1, n_features), or str
        The example.
    y : label, or array-like of shape (n_labels,) or (1, n_labels)
        Its label; for multilabel y, its row of the indicator matrix.

    Returns
    -------
    Sample
        Activations, errors and the gradient.

    Raises
    ------
    ValueError
        If ``x`` is not one example of the network's features, or ``y`` is unknown.
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
    labels = _one_label(classifier, y)
    Y = encoded(classifier._label_binarizer, labels, X.dtype)
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


def _one_row(estimator: Any, x: Any) -> Matrix:
    """Return the example as the only row of a table, or its text as the only one of a list."""
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


def _one_label(classifier: Any, y: Any) -> Any:
    """Return the label in an array of one, or for multilabel y the only row of labels."""
    labels = y.toarray() if issparse(y) else np.asarray(y)
    if classifier._label_binarizer.y_type_ != "multilabel-indicator":
        if labels.size != 1:
            raise ValueError(f"y must be one label. Got {y!r} instead.")
        return labels.ravel()
    n_labels = len(classifier.classes_)
    if labels.size != n_labels or not np.isin(labels, [0, 1]).all():
        raise ValueError(f"y must be the {n_labels} labels of one example, 0 or 1. Got {y!r}.")
    return labels.reshape(1, -1)


def _network(classifier: Any, Thetas: Sequence[Floats]) -> Network:
    """Return the network of a classifier; MLPClassifier has none, but the same parameters."""
    if hasattr(classifier, "_network"):
        return classifier._network
    sizes = (Thetas[0].shape[1] - 1, *map(len, Thetas))
    return Network(sizes, classifier.activation, classifier.out_activation_)
