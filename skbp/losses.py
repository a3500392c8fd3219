"""Loss functions and their errors δ^(L) at the output layer.

δ^(L) = ∂loss/∂z^(L) depends on the output activation too, because the chain rule
contains its g′. So there is one object for each pair of output activation and loss.

Each object has three methods. ``supports(output_activation)`` returns whether δ^(L) is
valid for an output activation. For a block of m samples, ``per_row(z, a, Y)`` returns the
losses, of shape (m,), and ``delta(z, a, Y)`` returns δ^(L), of shape (m, K). Here z is
z^(L), a = g(z) and Y the targets, all of shape (m, K).
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from skbp._typing import Floats

__all__ = [
    "LOSSES",
    "LogisticLogLoss",
    "LogisticSquaredError",
    "Loss",
    "SoftmaxLogLoss",
    "SoftmaxSquaredError",
    "get_loss",
    "is_squared_error",
]


class Loss(Protocol):
    """Interface of a loss function.

    Examples
    --------
    A custom loss, the absolute error of logistic units. The gradient check shows that
    its δ^(L) is correct:

    >>> import numpy as np
    >>> from skbp.gradient_check import check_gradient
    >>> from skbp.network import Network
    >>> from skbp.objective import Objective
    >>> class AbsoluteError:
    ...     def supports(self, output_activation):
    ...         return output_activation == "logistic"
    ...
    ...     def per_row(self, z, a, Y):
    ...         return np.abs(a - Y).sum(axis=1)
    ...
    ...     def delta(self, z, a, Y):
    ...         return np.sign(a - Y) * a * (1 - a)
    >>> network = Network(layer_sizes=(2, 3, 1))
    >>> X, Y = np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([[1.0], [0.0]])
    >>> objective = Objective(network, X, Y, loss=AbsoluteError())
    >>> check_gradient(objective, network.initialize(random_state=0)) < 1e-6
    True
    """

    def supports(self, output_activation: str) -> bool:
        """Return whether `delta` is valid for an output activation.

        Parameters
        ----------
        output_activation : str
            Name of the output activation, ``"logistic"`` or ``"softmax"``.

        Returns
        -------
        bool
            Whether the output activation is supported.
        """
        ...

    def per_row(self, z: Floats, a: Floats, Y: Floats) -> Floats:
        """Return the loss of each sample.

        Parameters
        ----------
        z : ndarray of shape (m, K)
            Input z^(L) of the output units.
        a : ndarray of shape (m, K)
            Hypothesis a^(L) = g(z^(L)).
        Y : ndarray of shape (m, K)
            Targets.

        Returns
        -------
        ndarray of shape (m,)
            Losses.
        """
        ...

    def delta(self, z: Floats, a: Floats, Y: Floats) -> Floats:
        """Return δ^(L), the derivative of the loss of each sample with respect to z.

        Parameters
        ----------
        z : ndarray of shape (m, K)
            Input z^(L) of the output units.
        a : ndarray of shape (m, K)
            Hypothesis a^(L) = g(z^(L)).
        Y : ndarray of shape (m, K)
            Targets.

        Returns
        -------
        ndarray of shape (m, K)
            Error δ^(L), a new array that the caller may overwrite.
        """
        ...


class _OfLogisticUnits:
    def supports(self, output_activation: str) -> bool:
        """Return whether the output units are logistic."""
        return output_activation == "logistic"


class _OfSoftmax:
    def supports(self, output_activation: str) -> bool:
        """Return whether the output units are a softmax."""
        return output_activation == "softmax"


class LogisticLogLoss(_OfLogisticUnits):
    """Cross entropy of K logistic units, −Σ_k [y_k log h_k + (1 − y_k) log(1 − h_k)].

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.activations import OUTPUT_ACTIVATIONS
    >>> from skbp.losses import LogisticLogLoss
    >>> z, Y = np.array([[0.0], [-1000.0]]), np.array([[1.0], [1.0]])
    >>> a = OUTPUT_ACTIVATIONS["logistic"].g(z)
    >>> LogisticLogLoss().per_row(z, a, Y).round(2).tolist()
    [0.69, 1000.0]
    >>> LogisticLogLoss().delta(z, a, Y).tolist()
    [[-0.5], [-1.0]]
    """

    def per_row(self, z: Floats, a: Floats, Y: Floats) -> Floats:
        """Return the cross entropy log(1 + e^z) − y z, which is finite for large z."""
        return (np.maximum(z, 0) - Y * z + np.log1p(np.exp(-np.abs(z)))).sum(axis=1)

    def delta(self, z: Floats, a: Floats, Y: Floats) -> Floats:
        """Return a − y: the factor a (1 − a) of g′ cancels with ∂J/∂a."""
        return a - Y


class SoftmaxLogLoss(_OfSoftmax):
    """Cross entropy of a softmax over K units, −Σ_k y_k log h_k; rows of Y sum to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.activations import OUTPUT_ACTIVATIONS
    >>> from skbp.losses import SoftmaxLogLoss
    >>> z = np.array([[0.0, 0.0], [0.0, 1000.0]])
    >>> Y = np.array([[1.0, 0.0], [1.0, 0.0]])
    >>> a = OUTPUT_ACTIVATIONS["softmax"].g(z)
    >>> SoftmaxLogLoss().per_row(z, a, Y).round(2).tolist()
    [0.69, 1000.0]
    >>> SoftmaxLogLoss().delta(z, a, Y).tolist()
    [[-0.5, 0.5], [-1.0, 1.0]]
    """

    def per_row(self, z: Floats, a: Floats, Y: Floats) -> Floats:
        """Return log Σ_k e^(z_k) − Σ_k y_k z_k, with z shifted by its largest entry."""
        z = z - z.max(axis=1, keepdims=True)
        return np.log(np.exp(z).sum(axis=1)) - (Y * z).sum(axis=1)

    def delta(self, z: Floats, a: Floats, Y: Floats) -> Floats:
        """Return a − y."""
        return a - Y


class LogisticSquaredError(_OfLogisticUnits):
    """Squared error of K logistic units, ½ Σ_k (h_k − y_k)².

    Examples
    --------
    δ^(L) is nearly 0 for a unit that is wrong but saturated:

    >>> import numpy as np
    >>> from skbp.activations import OUTPUT_ACTIVATIONS
    >>> from skbp.losses import LogisticSquaredError
    >>> z, Y = np.array([[0.0], [-1000.0]]), np.array([[1.0], [1.0]])
    >>> a = OUTPUT_ACTIVATIONS["logistic"].g(z)
    >>> LogisticSquaredError().per_row(z, a, Y).tolist()
    [0.125, 0.5]
    >>> abs(LogisticSquaredError().delta(z, a, Y)).tolist()
    [[0.125], [0.0]]
    """

    def per_row(self, z: Floats, a: Floats, Y: Floats) -> Floats:
        """Return ½ Σ_k (a_k − y_k)²."""
        return ((a - Y) ** 2).sum(axis=1) / 2

    def delta(self, z: Floats, a: Floats, Y: Floats) -> Floats:
        """Return (a − y) .* a .* (1 − a): the factor g′ remains."""
        return (a - Y) * a * (1 - a)


class SoftmaxSquaredError(_OfSoftmax):
    """Squared error of a softmax over K units, ½ Σ_k (h_k − y_k)².

    Examples
    --------
    >>> import numpy as np
    >>> from skbp.activations import OUTPUT_ACTIVATIONS
    >>> from skbp.losses import SoftmaxSquaredError
    >>> z, Y = np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]])
    >>> a = OUTPUT_ACTIVATIONS["softmax"].g(z)
    >>> SoftmaxSquaredError().per_row(z, a, Y).tolist()
    [0.25]
    >>> SoftmaxSquaredError().delta(z, a, Y).tolist()
    [[-0.25, 0.25]]
    """

    def per_row(self, z: Floats, a: Floats, Y: Floats) -> Floats:
        """Return ½ Σ_k (a_k − y_k)²."""
        return ((a - Y) ** 2).sum(axis=1) / 2

    def delta(self, z: Floats, a: Floats, Y: Floats) -> Floats:
        """Return the Jacobian of softmax, diag(a) − a aᵀ, times a − y."""
        error = a - Y
        return a * (error - (error * a).sum(axis=1, keepdims=True))


LOSSES: Mapping[tuple[str, str], Loss] = {
    ("logistic", "log_loss"): LogisticLogLoss(),
    ("softmax", "log_loss"): SoftmaxLogLoss(),
    ("logistic", "squared_error"): LogisticSquaredError(),
    ("softmax", "squared_error"): SoftmaxSquaredError(),
}
"""Built-in losses, keyed by the names of the output activation and the loss.

The outputs are ``"logistic"`` or ``"softmax"``, the losses ``"log_loss"`` or ``"squared_error"``.
For example ``LOSSES["softmax", "log_loss"]``; `skbp.losses.get_loss` also validates the names.
"""


def get_loss(output_activation: str, loss: str | Loss) -> Loss:
    """Return the loss object for a pair of output activation and loss.

    Parameters
    ----------
    output_activation : str
        Name of the output activation, ``"logistic"`` or ``"softmax"``.
    loss : str or Loss
        ``"log_loss"``, ``"squared_error"``, or a loss object, which is returned unchanged.

    Returns
    -------
    Loss
        Object with the methods ``supports``, ``per_row`` and ``delta``.

    Raises
    ------
    ValueError
        If the pair is unknown, or the object does not support the output activation.

    Examples
    --------
    >>> from skbp.losses import get_loss
    >>> type(get_loss("softmax", "log_loss")).__name__
    'SoftmaxLogLoss'
    """
    if not isinstance(loss, str):
        if not loss.supports(output_activation):
            raise ValueError(
                f"loss={loss!r} does not support the output activation {output_activation!r}."
            )
        return loss
    if (output_activation, loss) not in LOSSES:
        raise ValueError(
            "The pair (output_activation, loss) must be one of "
            f"{sorted(LOSSES)}. Got {(output_activation, loss)!r} instead."
        )
    return LOSSES[output_activation, loss]


def is_squared_error(loss: str | Loss) -> bool:
    """Return whether a loss is the built-in squared error.

    Parameters
    ----------
    loss : str or Loss
        A name, or a loss object.

    Returns
    -------
    bool
        Whether it is.

    Examples
    --------
    >>> from skbp.losses import is_squared_error
    >>> is_squared_error("squared_error"), is_squared_error("log_loss")
    (True, False)
    """
    return loss == "squared_error" or isinstance(loss, LogisticSquaredError | SoftmaxSquaredError)


def is_log_loss(loss: str | Loss) -> bool:
    """Return whether a loss is the built-in cross entropy, which is affine in the targets.

    Parameters
    ----------
    loss : str or Loss
        A name, or a loss object.

    Returns
    -------
    bool
        Whether it is. Not for objects of subclasses, which may compute something else.

    Examples
    --------
    >>> from skbp.losses import is_log_loss
    >>> is_log_loss("log_loss"), is_log_loss("squared_error")
    (True, False)
    """
    return loss == "log_loss" or type(loss) in (LogisticLogLoss, SoftmaxLogLoss)
