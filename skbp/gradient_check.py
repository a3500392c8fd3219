"""The numerical gradient, to check a gradient that was derived by hand.

The lecture's derivation ends in D; whoever programs it checks it against central
differences, (J(θ + ε) − J(θ − ε)) / 2ε, one weight at a time. It costs two
evaluations of J a weight: for tests and homework, not for training.
"""

from collections.abc import Callable

import numpy as np

from skbp._typing import Floats

__all__ = ["check_gradient", "numerical_gradient"]

CostFunction = Callable[[Floats], tuple[float, Floats]]


def numerical_gradient(objective: CostFunction, theta: Floats, epsilon: float = 1e-5) -> Floats:
    """Approximate the gradient of a cost by central differences.

    Parameters
    ----------
    objective : callable
        Maps ``theta`` to (J, D), as `skbp.objective.Objective` does. Only J is used.
    theta : ndarray of shape (n_parameters,)
        Where to take the gradient; float64.
    epsilon : float, default=1e-5
        The step. The error is of order ``epsilon**2`` from the approximation and
        1e-16 / ``epsilon`` from rounding.

    Returns
    -------
    ndarray of shape (n_parameters,)
        The approximate gradient.

    Examples
    --------
    The gradient of Σ θ² is 2θ:

    >>> import numpy as np
    >>> from skbp.gradient_check import numerical_gradient
    >>> theta = np.array([1.0, -2.0])
    >>> numerical_gradient(lambda t: (np.sum(t**2), None), theta).round(6)
    array([ 2., -4.])
    """
    theta = np.array(theta, dtype=float)
    gradient = np.empty_like(theta)
    for j in range(len(theta)):
        value = theta[j]
        theta[j] = value + epsilon
        J_plus, _ = objective(theta)
        theta[j] = value - epsilon
        J_minus, _ = objective(theta)
        theta[j] = value
        gradient[j] = (J_plus - J_minus) / (2 * epsilon)
    return gradient


def check_gradient(objective: CostFunction, theta: Floats, epsilon: float = 1e-5) -> float:
    """Compare the gradient D of a cost with central differences.

    Parameters
    ----------
    objective : callable
        Maps ``theta`` to (J, D), as `skbp.objective.Objective` does; computed in
        float64 (in float32, rounding hides the differences).
    theta : ndarray of shape (n_parameters,)
        Where to compare, a point at which J has a derivative.
    epsilon : float, default=1e-5
        The step of the central differences.

    Returns
    -------
    float
        The relative error ‖D − D_num‖ / (‖D‖ + ‖D_num‖), between 0 and 1. A correct
        gradient gives about 1e-9; above 1e-6 there is a mistake.

    Examples
    --------
    The gradient of Σ θ² is 2θ, and not 3θ:

    >>> import numpy as np
    >>> from skbp.gradient_check import check_gradient
    >>> theta = np.array([1.0, -2.0])
    >>> check_gradient(lambda t: (np.sum(t**2), 2 * t), theta) < 1e-9
    True
    >>> check_gradient(lambda t: (np.sum(t**2), 3 * t), theta) > 0.1
    True
    """
    _, D = objective(np.asarray(theta, dtype=float))
    return relative_error(D, numerical_gradient(objective, theta, epsilon))


def relative_error(D: Floats, D_num: Floats) -> float:
    """Return how far two gradients are apart.

    Parameters
    ----------
    D : ndarray of shape (n_parameters,)
        The gradient.
    D_num : ndarray of shape (n_parameters,)
        Its approximation.

    Returns
    -------
    float
        ‖D − D_num‖ / (‖D‖ + ‖D_num‖), or 0 where both are 0.
    """
    scale = np.linalg.norm(D) + np.linalg.norm(D_num)
    return float(np.linalg.norm(D - D_num) / scale) if scale > 0 else 0.0
