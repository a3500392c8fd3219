"""Numerical gradients, to check gradients that were derived by hand.

The gradient D is compared with the central differences (J(θ + ε) − J(θ − ε)) / 2ε, one
weight at a time. This takes two evaluations of J per weight, so it is meant for tests and
homework, not for training.
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
        Function that maps ``theta`` to (J, D), such as `skbp.objective.Objective`. Only J
        is used.
    theta : ndarray of shape (n_parameters,)
        Parameters at which to approximate the gradient, in float64.
    epsilon : float, default=1e-5
        Step size. The approximation error is of order ``epsilon**2`` and the rounding error
        of order 1e-16 / ``epsilon``.

    Returns
    -------
    ndarray of shape (n_parameters,)
        Approximate gradient.

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
    """Return the relative error of the gradient D of a cost function.

    Parameters
    ----------
    objective : callable
        Function that maps ``theta`` to (J, D), such as `skbp.objective.Objective`, evaluated
        in float64 (in float32, rounding errors would hide mistakes).
    theta : ndarray of shape (n_parameters,)
        Parameters at which to compare; J must be differentiable there.
    epsilon : float, default=1e-5
        Step size of the central differences.

    Returns
    -------
    float
        Relative error ‖D − D_num‖ / (‖D‖ + ‖D_num‖), between 0 and 1. It is about 1e-9 for
        a correct gradient; more than 1e-6 indicates a mistake.

    Examples
    --------
    The gradient of Σ θ² is 2θ, not 3θ:

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
    """Return the relative difference of two gradients.

    Parameters
    ----------
    D : ndarray of shape (n_parameters,)
        Gradient.
    D_num : ndarray of shape (n_parameters,)
        Numerical gradient.

    Returns
    -------
    float
        ‖D − D_num‖ / (‖D‖ + ‖D_num‖), or 0 if both gradients are 0.
    """
    scale = np.linalg.norm(D) + np.linalg.norm(D_num)
    return float(np.linalg.norm(D - D_num) / scale) if scale > 0 else 0.0
