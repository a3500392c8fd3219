"""The lecture's algorithm as on its slide, to compare skbp with.

'Gradient Computation for Backpropagation Algorithm': one example after the other, in
scalars and small vectors, with nothing from skbp. As on the slide, Theta[l], z[l], a[l]
and delta[l] belong to layer l, counted from 1, and a[l][0] is the bias unit's 1. So do
g[l] and g_prime[l], the activation of the units of hidden layer l and its derivative.
"""

import numpy as np


def logistic(z):
    return 1 / (1 + np.exp(-z))


def logistic_prime(z):
    return np.exp(-z) / (1 + np.exp(-z)) ** 2


SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805

ACTIVATIONS = {
    # g and g′, both of z
    "identity": (lambda z: z, lambda z: 1 + 0 * z),
    "logistic": (logistic, logistic_prime),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "relu": (lambda z: np.where(z > 0, z, 0), lambda z: np.where(z > 0, 1, 0)),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1, 0.01)),
    "elu": (lambda z: np.where(z > 0, z, np.exp(z) - 1), lambda z: np.where(z > 0, 1, np.exp(z))),
    "selu": (
        lambda z: SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * (np.exp(z) - 1)),
        lambda z: SELU_SCALE * np.where(z > 0, 1, SELU_ALPHA * np.exp(z)),
    ),
    "softplus": (lambda z: np.log(1 + np.exp(z)), logistic),
}


def softmax(z):
    return np.exp(z) / np.sum(np.exp(z))


OUTPUT_ACTIVATIONS = {
    # h of z, and the Jacobian matrix ∂a_k/∂z_j in row k and column j, of a
    "logistic": (logistic, lambda a: np.diag(a * (1 - a))),
    "softmax": (softmax, lambda a: np.diag(a) - np.outer(a, a)),
}

COSTS = {
    # the cost of one example, and ∂J/∂a, both of a and y
    ("logistic", "log_loss"): (
        lambda a, y: -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)),
        lambda a, y: (a - y) / (a * (1 - a)),
    ),
    ("softmax", "log_loss"): (lambda a, y: -np.sum(y * np.log(a)), lambda a, y: -y / a),
    ("logistic", "squared_error"): (lambda a, y: np.sum((a - y) ** 2) / 2, lambda a, y: a - y),
    ("softmax", "squared_error"): (lambda a, y: np.sum((a - y) ** 2) / 2, lambda a, y: a - y),
}


def activations_of_layers(activation, L):
    """Return g and g′ of the hidden layers 2, …, L − 1: of one name, or of one for each."""
    names = [activation] * (L - 2) if isinstance(activation, str) else activation
    layers = dict(zip(range(2, L), names, strict=True))
    return tuple({layer: ACTIVATIONS[layers[layer]][i] for layer in layers} for i in (0, 1))


def forward_propagation(Theta, x, g, h):
    L = len(Theta) + 1
    z, a = {}, {1: np.array([1, *x])}
    for layer in range(2, L):
        z[layer] = Theta[layer - 1] @ a[layer - 1]
        a[layer] = np.array([1, *g[layer](z[layer])])
    z[L] = Theta[L - 1] @ a[L - 1]
    a[L] = h(z[L])
    return z, a


def back_propagation(Theta, z, g_prime, delta_L):
    L = len(Theta) + 1
    delta = {L: delta_L}
    for layer in range(L - 1, 1, -1):
        delta[layer] = (Theta[layer].T @ delta[layer + 1])[1:] * g_prime[layer](z[layer])
    return delta


def gradient_computation(
    Thetas, X, Y, activation, output_activation, loss, lambda_=0.0, sample_weight=None
):
    """Return J and [D^(1), …, D^(L−1)]; each example's cost counts by its weight, m = Σ w."""
    g, g_prime = activations_of_layers(activation, len(Thetas) + 1)
    h, jacobian = OUTPUT_ACTIVATIONS[output_activation]
    cost, cost_prime = COSTS[output_activation, loss]
    weights = np.ones(len(X)) if sample_weight is None else sample_weight
    Theta = dict(enumerate(Thetas, start=1))
    L, m, J = len(Theta) + 1, sum(weights), 0.0

    Delta = {layer: np.zeros(Theta[layer].shape) for layer in Theta}
    for x, y, w in zip(X, Y, weights, strict=True):
        z, a = forward_propagation(Theta, x, g, h)
        J += w * cost(a[L], y) / m
        delta_L = w * cost_prime(a[L], y) @ jacobian(a[L])
        delta = back_propagation(Theta, z, g_prime, delta_L)
        for layer in Theta:
            for i, j in np.ndindex(Theta[layer].shape):
                Delta[layer][i, j] += a[layer][j] * delta[layer + 1][i]

    D = {layer: Delta[layer] / m for layer in Theta}
    for layer in Theta:
        for i, j in np.ndindex(Theta[layer].shape):
            if j != 0:
                J += lambda_ / (2 * m) * Theta[layer][i, j] ** 2
                D[layer][i, j] += lambda_ / m * Theta[layer][i, j]
    return J, list(D.values())
