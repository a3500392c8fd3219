"""The lecture, step by step, on a network small enough to print.

    python examples/lecture.py

Read it beside the slides: each heading names the slide whose formulas it computes. The network
counts how many of its two inputs are on. It has L = 3 layers of s = (2, 2, 3) units; the slides'
Θ^(3), δ^(4) and a^(4) of the last layer are Θ^(2), δ^(3) and a^(3) here.

Steps 1 to 5 compute by hand what `Network` and `Objective` compute, and compare. Step 6 trains
the network with the lecture's algorithms. Step 7 solves the exercise of the last slide.
"""

import numpy as np

from skbp import BackpropClassifier, weights
from skbp.gradient_check import check_gradient, numerical_gradient
from skbp.losses import get_loss
from skbp.network import Network
from skbp.objective import Objective

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = np.array([0, 1, 1, 2])
Y = np.eye(3)[y]
m = len(X)

NETWORK = Network(layer_sizes=(2, 2, 3))
START = NETWORK.initialize(random_state=2)
ALPHA = 1.0  # λ of steps 1 to 5, large so that the penalty shows


def main():
    """Go through the slides."""
    np.set_printoptions(precision=4, suppress=True, floatmode="fixed")
    a, z = forward()
    cost(a)
    delta = backward(a, z)
    D = gradient(a, delta)
    descend(D)
    train()
    squared_error(a, z)


def forward():
    """Step 1: compute a^(l) of one example by hand, and of all examples with `Network`."""
    heading("1. Forward propagation", "Gradient computation")
    Theta1, Theta2 = NETWORK.unpack(START)
    show("Θ^(1), the bias weights in column 0", Theta1)
    show("Θ^(2)", Theta2)

    a1 = X[1]
    z2 = Theta1 @ add_bias(a1)
    a2 = 1 / (1 + np.exp(-z2))
    z3 = Theta2 @ add_bias(a2)
    a3 = 1 / (1 + np.exp(-z3))
    show("a^(1) = x^(2), the second example", a1)
    show("z^(2) = Θ^(1) a^(1)", z2)
    show("a^(2) = g(z^(2))", a2)
    show("z^(3) = Θ^(2) a^(2)", z3)
    show("a^(3) = g(z^(3)) = h_Θ(x)", a3)

    activations, z = NETWORK.forward(START, X)
    show("a^(3) of all four examples, by Network.forward", activations[-1])
    compare("by hand and by Network", a3, activations[-1][1])
    return activations, z


def cost(a):
    """Step 2: compute the cross entropy and the penalty."""
    heading("2. The cost J(Θ)", "Cost function")
    h = a[-1]
    cross_entropy = -(Y * np.log(h) + (1 - Y) * np.log(1 - h)).sum() / m
    without_bias = [Theta[:, 1:] for Theta in NETWORK.unpack(START)]
    penalty = ALPHA / (2 * m) * sum((Theta**2).sum() for Theta in without_bias)
    J, _ = objective()(START)
    show("cross entropy, 1/m of the sum over i and k", cross_entropy)
    show(f"penalty, λ/2m ΣΣΣ Θ_ji² with λ = {ALPHA:g}", penalty)
    show("J(Θ), by Objective", J)
    compare("by hand and by Objective", cross_entropy + penalty, J)


def backward(a, z):
    """Step 3: compute the errors δ, and check δ^(3) numerically."""
    heading("3. The errors δ", "Gradient computation: Backpropagation; the summary 汇总整理")
    _, Theta2 = NETWORK.unpack(START)
    delta3 = a[2] - Y
    delta2 = delta3 @ Theta2[:, 1:] * a[1] * (1 - a[1])  # rows are examples: (Θᵀ δ)ᵀ = δᵀ Θ
    show("y^(2), of the second example", Y[1])
    show("δ^(3) = a^(3) − y", delta3[1])
    show("δ^(2) = (Θ^(2))ᵀ δ^(3) .* g′(z^(2))", delta2[1])

    numerical = numerical_delta("log_loss", z)
    compare("δ^(3) and the numerical ∂J/∂z^(3)", delta3, numerical, tolerance=1e-6)
    return [delta2, delta3]


def gradient(a, delta):
    """Step 4: accumulate Δ over the examples, and compute D."""
    heading("4. Δ and the gradient D", "Gradient Computation for Backpropagation Algorithm")
    Thetas = NETWORK.unpack(START)
    Delta = [np.zeros_like(Theta) for Theta in Thetas]
    for i in range(m):
        for layer in range(2):
            Delta[layer] += np.outer(delta[layer][i], add_bias(a[layer][i]))
    D = [Delta_l / m for Delta_l in Delta]
    for D_l, Theta in zip(D, Thetas, strict=True):
        D_l[:, 1:] += ALPHA / m * Theta[:, 1:]
    for layer in range(2):
        show(f"Δ^({layer + 1}) = Σ_i δ^({layer + 2}) (a^({layer + 1}))ᵀ", Delta[layer])
    for layer in range(2):
        show(f"D^({layer + 1}) = Δ/m + λ/m Θ (Δ/m in column 0)", D[layer])

    _, D_objective = objective()(START)
    error = check_gradient(objective(), START)
    compare("by hand and by Objective", NETWORK.pack(D), D_objective)
    print(f"check_gradient, D against the numerical gradient: {error:.1e}")
    return NETWORK.pack(D)


def descend(D, eta=0.5):
    """Step 5: take one step down the gradient."""
    heading("5. One step of gradient descent", "Gradient computation, Θ(t+1) = Θ(t) − α ∂J/∂Θ")
    before, _ = objective()(START)
    after, _ = objective()(START - eta * D)
    print(f"J before the step: {before:.4f}")
    print(f"J after the step with η = {eta}: {after:.4f}")


def train(alpha=0.001):
    """Step 6: train with each algorithm from the same weights, and compare J."""
    heading("6. Training", "Backpropagation Algorithm (by Gradient Descent); Algorithm 2")
    one_by_one = {"batch_size": 1, "shuffle": False, "momentum": 0, "learning_rate_init": 0.5}
    algorithms = {
        "a step after each example": {"solver": "sgd", **one_by_one, "tol": 1e-6},
        "gradient descent, all examples": {"solver": "gd", "learning_rate_init": 2},
        "conjugate gradient": {"solver": "cg"},
    }
    coefs, intercepts = weights.split(NETWORK.unpack(START))
    start = {"coefs_init": coefs, "intercepts_init": intercepts}
    J_start, _ = objective(alpha=alpha)(START)
    print(f"λ = {alpha}; at the start J = {J_start:.4f}\n")
    print(f"{'algorithm':32} {'solver':6} {'iterations':>10} {'J':>8}   predicted")
    print(f"{'':32} {'':6} {'':10} {'':8}   {y} is true")
    for name, parameters in algorithms.items():
        model = BackpropClassifier((2,), alpha=alpha, max_iter=5000, **parameters)
        model.fit(X, y, **start)
        theta = NETWORK.pack(weights.join(model.coefs_, model.intercepts_))
        J, _ = objective(alpha=alpha)(theta)
        row = f"{name:32} {model.solver:6} {model.n_iter_:10} {J:8.4f}"
        print(f"{row}   {model.predict(X)}")
    print(f"\nAn iteration of sgd is an epoch: {m} steps, one for each example. With a constant η")
    print("they do not quite settle in the minimum of J.")


def squared_error(a, z):
    """Step 7: derive δ and the gradient for the squared error, and check both."""
    heading("7. Squared error", "the exercise on the last slide, E = ½ Σ (a − y)²")
    delta = (a[-1] - Y) * a[-1] * (1 - a[-1])
    show("δ^(3) = (a^(3) − y) .* a^(3) .* (1 − a^(3)) of the second example", delta[1])
    numerical = numerical_delta("squared_error", z)
    compare("δ^(3) and the numerical ∂E/∂z^(3)", delta, numerical, tolerance=1e-6)

    gradient_of_E = delta.T @ np.column_stack([np.ones(m), a[1]])
    _, D = objective("squared_error", alpha=0)(START)
    show("∂E/∂Θ^(2) = Σ_i δ^(3) (a^(2))ᵀ", gradient_of_E)
    compare("∂E/∂Θ^(2) and m D^(2) by Objective", gradient_of_E, m * NETWORK.unpack(D)[1])
    error = check_gradient(objective("squared_error"), START)
    print(f"check_gradient with the squared error: {error:.1e}")

    wrong = 0.99
    print(f"\nA unit that is sure and wrong, a = {wrong} where y = 0, is corrected by")
    print(f"    δ = {wrong:.4f} with the cross entropy, a − y")
    print(f"    δ = {wrong * wrong * (1 - wrong):.4f} with the squared error")


def objective(loss="log_loss", alpha=ALPHA):
    """Return J as a function of all weights."""
    return Objective(NETWORK, X, Y, loss=loss, alpha=alpha)


def numerical_delta(loss_name, z):
    """Return the numerical ∂loss/∂z^(3) of every example and output unit."""
    loss = get_loss("logistic", loss_name)

    def total(flat):
        z = flat.reshape(Y.shape)
        return loss.per_row(z, NETWORK.h.g(z), Y).sum(), None

    return numerical_gradient(total, z.ravel()).reshape(Y.shape)


def add_bias(a):
    """Put a_0 = 1 before the activations of a layer."""
    return np.concatenate([[1.0], a])


def heading(step, slide):
    """Print what comes, and on which slide it stands."""
    print(f"\n{step}\n{'-' * len(step)}\nslide: {slide}\n")


def show(name, value):
    """Print a value under its name."""
    text = f"{value:.4f}" if np.isscalar(value) else str(value)
    print(name, *text.splitlines(), sep="\n    ")


def compare(what, left, right, tolerance=1e-12):
    """Print the largest difference, and stop if it is no rounding error."""
    difference = np.abs(np.subtract(left, right)).max()
    print(f"{what}: largest difference {difference:.0e}")
    if difference > tolerance:
        raise ArithmeticError(f"{what}: they differ by {difference}")


if __name__ == "__main__":
    main()
