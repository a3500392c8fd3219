"""
The lecture, step by step
=========================

All steps of the lecture, from forward propagation to training, are computed for a network that is
small enough to print, first by hand and then by skbp. The last figure compares the lecture's
algorithms: conjugate gradient reaches the minimum of J in far fewer iterations than the others.
"""

# %%
# The running example
# -------------------
# Each heading names the slide whose formulas it computes. The network counts how many of its two
# inputs are on. It has L = 3 layers with s = (2, 2, 3) units; the slides'
# :math:`\Theta^{(3)}`, :math:`\delta^{(4)}` and :math:`a^{(4)}` of the last layer are
# :math:`\Theta^{(2)}`, :math:`\delta^{(3)}` and :math:`a^{(3)}` here.
#
# Steps 1 to 5 compute everything by hand and compare with ``Network`` and ``Objective``. Step 6
# trains the network with the lecture's algorithms. Step 7 solves the exercise of the last slide.
# Only the figures need Matplotlib.

import numpy as np

from skbp import BackpropClassifier, weights
from skbp.gradient_check import check_gradient, numerical_gradient
from skbp.losses import get_loss
from skbp.network import Network
from skbp.objective import Objective
from skbp.plot import GradientCheckDisplay, LossCurveDisplay, NetworkDisplay

try:
    import matplotlib.pyplot as plt
except ImportError:
    plt = None

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = np.array([0, 1, 1, 2])
Y = np.eye(3)[y]
m = len(X)

network = Network(layer_sizes=(2, 2, 3))
theta = network.initialize(random_state=2, gain=1)  # as in the lecture
alpha = 1.0  # λ of steps 1 to 5, large to make the penalty visible
objective = Objective(network, X, Y, alpha=alpha)

np.set_printoptions(precision=4, suppress=True, floatmode="fixed")


def heading(step, slide):
    """Print the title of a step and its slide."""
    print(f"\n{step}\n{'-' * len(step)}\nslide: {slide}\n")


def show(name, value):
    """Print the name of a value and the value."""
    text = f"{value:.4f}" if np.isscalar(value) else str(value)
    print(name, *text.splitlines(), sep="\n    ")


def compare(what, left, right, tolerance=1e-12):
    """Print the largest difference, and raise an error if it exceeds the tolerance."""
    difference = np.abs(np.subtract(left, right)).max()
    print(f"{what}: largest difference {difference:.0e}")
    if difference > tolerance:
        raise ArithmeticError(f"{what}: they differ by {difference}")


def add_bias(a):
    """Prepend a_0 = 1 to the activations of a layer."""
    return np.concatenate([[1.0], a])


# %%
# 1. Forward propagation
# ----------------------
# For one example by hand, and for all examples with ``Network``:
#
# .. math::
#
#    z^{(l+1)} = \Theta^{(l)} a^{(l)}, \qquad a^{(l+1)} = g(z^{(l+1)}), \qquad
#    g(z) = \frac{1}{1 + e^{-z}}

heading("1. Forward propagation", "Gradient computation")
Theta1, Theta2 = network.unpack(theta)
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

a, z = network.forward(theta, X)
show("a^(3) of all four examples, by Network.forward", a[-1])
compare("by hand and by Network", a3, a[-1][1])

# %%
# 2. The cost
# -----------
# The cross entropy and the penalty, which excludes the weights of the bias units:
#
# .. math::
#
#    J(\Theta) = {} & {-\frac{1}{m}} \sum_{i=1}^m \sum_{k=1}^K \left[
#    y_k^{(i)} \log h_\Theta(x^{(i)})_k
#    + (1 - y_k^{(i)}) \log (1 - h_\Theta(x^{(i)})_k) \right] \\
#    & {+ \frac{\lambda}{2m}} \sum_{l=1}^{L-1} \sum_{i=1}^{s_l} \sum_{j=1}^{s_{l+1}}
#    \bigl( \Theta_{ji}^{(l)} \bigr)^2

heading("2. The cost J(Θ)", "Cost function")
h = a[-1]
cross_entropy = -(Y * np.log(h) + (1 - Y) * np.log(1 - h)).sum() / m
penalty = alpha / (2 * m) * sum((Theta[:, 1:] ** 2).sum() for Theta in (Theta1, Theta2))
J, D_of_objective = objective(theta)
show("cross entropy, 1/m of the sum over i and k", cross_entropy)
show(f"penalty, λ/2m ΣΣΣ Θ_ji² with λ = {alpha:g}", penalty)
show("J(Θ), by Objective", J)
compare("by hand and by Objective", cross_entropy + penalty, J)

# %%
# 3. The errors
# -------------
# .. math::
#
#    \delta^{(3)} &= a^{(3)} - y \\
#    \delta^{(2)} &= (\Theta^{(2)})^T \delta^{(3)} \mathbin{.*} g'(z^{(2)}), \qquad
#    g'(z^{(2)}) = a^{(2)} \mathbin{.*} (1 - a^{(2)})
#
# Rows are examples here, so the code computes :math:`\delta^T \Theta` instead of
# :math:`\Theta^T \delta`.
# :math:`\delta^{(3)}` is checked against the numerical derivative.


def numerical_delta(loss_name):
    """Return the numerical ∂loss/∂z^(3) of each example and output unit."""
    loss = get_loss("logistic", loss_name)

    def total(flat):
        z = flat.reshape(Y.shape)
        return loss.per_row(z, network.h.g(z), Y).sum(), None

    return numerical_gradient(total, z.ravel()).reshape(Y.shape)


heading("3. The errors δ", "Gradient computation: Backpropagation; the summary 汇总整理")
delta3 = a[2] - Y
delta2 = delta3 @ Theta2[:, 1:] * a[1] * (1 - a[1])
show("y^(2), of the second example", Y[1])
show("δ^(3) = a^(3) − y", delta3[1])
show("δ^(2) = (Θ^(2))ᵀ δ^(3) .* g′(z^(2))", delta2[1])
compare("δ^(3) and the numerical ∂J/∂z^(3)", delta3, numerical_delta("log_loss"), tolerance=1e-6)

# %%
# The figure has the numbers of steps 1 and 3: the activation a in each unit, the error δ below it,
# and on each link the gradient, the product of a at its left end and δ at its right end. The
# display needs a classifier; this one has the weights of step 1, and is not trained.

coefs, intercepts = weights.split(network.unpack(theta))
start = {"coefs_init": coefs, "intercepts_init": intercepts}
untrained = BackpropClassifier((2,), "logistic").initialize(X, y, **start)
if plt:
    figure, ax = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
    NetworkDisplay.from_sample(untrained, X[1], y[1], ax=ax)

# %%
# 4. The gradient
# ---------------
# Each example adds its gradient to Δ; that of the second one is on the links of the figure above.
# In the figure below each point is a weight. On the diagonal, the gradient of backpropagation
# equals the numerical gradient.
#
# .. math::
#
#    \Delta^{(l)} &:= \Delta^{(l)} + \delta^{(l+1)} (a^{(l)})^T \\
#    D_{ji}^{(l)} &= \frac{1}{m} \Delta_{ji}^{(l)} + \frac{\lambda}{m} \Theta_{ji}^{(l)}
#    \quad \text{for } i \ne 0, \qquad D_{j0}^{(l)} = \frac{1}{m} \Delta_{j0}^{(l)}

heading("4. Δ and the gradient D", "Gradient Computation for Backpropagation Algorithm")
Delta1, Delta2 = np.zeros_like(Theta1), np.zeros_like(Theta2)
for i in range(m):
    Delta1 += np.outer(delta2[i], add_bias(a[0][i]))
    Delta2 += np.outer(delta3[i], add_bias(a[1][i]))
D1, D2 = Delta1 / m, Delta2 / m
D1[:, 1:] += alpha / m * Theta1[:, 1:]
D2[:, 1:] += alpha / m * Theta2[:, 1:]
show("Δ^(1) = Σ_i δ^(2) (a^(1))ᵀ", Delta1)
show("Δ^(2) = Σ_i δ^(3) (a^(2))ᵀ", Delta2)
show("D^(1) = Δ/m + λ/m Θ (Δ/m in column 0)", D1)
show("D^(2) = Δ/m + λ/m Θ (Δ/m in column 0)", D2)

D = network.pack([D1, D2])
compare("by hand and by Objective", D, D_of_objective)
error = check_gradient(objective, theta)
print(f"check_gradient, D against the numerical gradient: {error:.1e}")
if plt:
    figure, ax = plt.subplots(figsize=(4.5, 4), layout="constrained")
    display = GradientCheckDisplay.from_objective(objective, theta, ax=ax)
    display.diagonal_.set_label("equal")
    ax.legend()

# %%
# 5. One step of gradient descent
# -------------------------------
# .. math::
#
#    \Theta(t+1) = \Theta(t) - \eta \frac{\partial J}{\partial \Theta}

heading("5. One step of gradient descent", "Gradient computation, Θ(t+1) = Θ(t) − α ∂J/∂Θ")
eta = 0.5
print(f"J before the step: {objective(theta)[0]:.4f}")
print(f"J after the step with η = {eta}: {objective(theta - eta * D)[0]:.4f}")

# %%
# 6. Training
# -----------
# All algorithms start from the same weights. In the figure, J of the first one is the mean over an
# epoch, during which the weights change.

heading("6. Training", "Backpropagation Algorithm (by Gradient Descent); Algorithm 2")
common = {"activation": "logistic", "alpha": 0.001, "max_iter": 5000}
models = {
    "a step after each example": BackpropClassifier(
        (2,),
        solver="sgd",
        batch_size=1,
        shuffle=False,
        momentum=0,
        learning_rate_init=0.5,
        tol=1e-6,
        **common,
    ),
    "gradient descent, all examples": BackpropClassifier(
        (2,), solver="gd", learning_rate_init=2, **common
    ),
    "conjugate gradient": BackpropClassifier((2,), solver="cg", **common),
}
cost = Objective(network, X, Y, alpha=common["alpha"])
print(f"λ = {cost.alpha}; at the start J = {cost(theta)[0]:.4f}\n")
print(f"{'algorithm':32} {'solver':6} {'iterations':>10} {'J':>8}   predicted")
print(f"{'':32} {'':6} {'':10} {'':8}   {y} is true")
for name, model in models.items():
    model.fit(X, y, **start)
    J, _ = cost(network.pack(weights.join(model.coefs_, model.intercepts_)))
    print(f"{name:32} {model.solver:6} {model.n_iter_:10} {J:8.4f}   {model.predict(X)}")
print(f"\nAn iteration of sgd is an epoch: {m} steps, one for each example. With a constant η")
print("it does not fully converge to the minimum of J.")
if plt:
    figure, ax = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
    LossCurveDisplay.from_estimators(models, log_scale=True, ax=ax)
    ax.set(xscale="log", xlabel="iteration", ylabel="J(Θ)")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter("{x:g}")

# %%
# 7. Squared error
# ----------------
# The exercise, with :math:`E = \frac{1}{2} \sum_k (a_k^{(3)} - y_k)^2`:
#
# .. math::
#
#    \delta^{(3)} &= \frac{\partial E}{\partial z^{(3)}}
#    = (a^{(3)} - y) \mathbin{.*} a^{(3)} \mathbin{.*} (1 - a^{(3)}) \\
#    \frac{\partial E}{\partial \Theta^{(2)}} &= \delta^{(3)} (a^{(2)})^T

heading("7. Squared error", "the exercise on the last slide, E = ½ Σ (a − y)²")
delta3 = (a[2] - Y) * a[2] * (1 - a[2])
show("δ^(3) = (a^(3) − y) .* a^(3) .* (1 − a^(3)) of the second example", delta3[1])
compare(
    "δ^(3) and the numerical ∂E/∂z^(3)", delta3, numerical_delta("squared_error"), tolerance=1e-6
)

E_gradient = delta3.T @ np.column_stack([np.ones(m), a[1]])
_, D_of_E = Objective(network, X, Y, loss="squared_error", alpha=0)(theta)
show("∂E/∂Θ^(2) = Σ_i δ^(3) (a^(2))ᵀ", E_gradient)
compare("∂E/∂Θ^(2) and m D^(2) by Objective", E_gradient, m * network.unpack(D_of_E)[1])
error = check_gradient(Objective(network, X, Y, loss="squared_error", alpha=alpha), theta)
print(f"check_gradient with the squared error: {error:.1e}")

wrong = 0.99
print(f"\nThe error of a confident but wrong unit, a = {wrong} where y = 0, is")
print(f"    δ = {wrong:.4f} with the cross entropy, a − y")
print(f"    δ = {wrong * wrong * (1 - wrong):.4f} with the squared error")

# %%
# Show the figures.

if plt:
    plt.show()
else:
    print('\nTo see the figures, install Matplotlib in a checkout: pip install ".[plot]"')
