r"""
My homework, checked
====================

A 2-3-2 network is computed by hand, with the lecture's formulas in plain NumPy, and each result is
compared with skbp: J, δ, D, the numerical gradient and one step of gradient descent. To check your
own homework, download this page as a notebook (at the end), put your X, y, Θ, λ and η in the first
cell, and run it.
"""

# %%
# The numbers of the homework
# ---------------------------
# Two inputs, three hidden units, two output units: L = 3, s = (2, 3, 2), K = 2. Column 0 of
# :math:`\Theta^{(l)}` holds the weights of the bias unit. Row i of ``Y`` is :math:`y^{(i)}`:
# (1, 0) for class 0 and (0, 1) for class 1. Other numbers of units work as well.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skbp import BackpropClassifier, weights
from skbp.gradient_check import numerical_gradient
from skbp.network import Network
from skbp.objective import Objective
from skbp.plot import NetworkDisplay

X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
y = np.array([0, 1, 1, 0])
Theta1 = np.array([[0.5, 1.0, -1.0], [-0.5, 1.0, 0.5], [0.0, -1.0, 2.0]])
Theta2 = np.array([[0.5, 1.0, 0.5, -1.5], [-1.0, -0.5, 0.5, 2.0]])
lambda_ = 0.4
eta = 0.8

m, K = len(X), len(Theta2)
Y = np.eye(K)[y]
np.set_printoptions(precision=4, suppress=True, floatmode="fixed")

# %%
# The same network in skbp: ``weights.split`` turns each Θ into scikit-learn's arrays, in which the
# bias is apart. ``initialize`` sets these weights and does not train.

coefs, intercepts = weights.split([Theta1, Theta2])
start = {"coefs_init": coefs, "intercepts_init": intercepts}
hidden = (len(Theta1),)
model = BackpropClassifier(hidden, "logistic", binary_outputs=2, alpha=lambda_)
model.initialize(X, y, **start)

network = Network(layer_sizes=(X.shape[1], *hidden, K))
theta = network.pack([Theta1, Theta2])
objective = Objective(network, X, Y, alpha=lambda_)


def compare(what, by_hand, by_skbp):
    """Print both results and their largest difference."""
    print(what, "by hand:", np.round(by_hand, 4), "by skbp:", np.round(by_skbp, 4), sep="\n")
    print(f"largest difference: {np.abs(np.subtract(by_hand, by_skbp)).max():.0e}\n")


# %%
# 1. Forward propagation
# ----------------------
# .. math::
#
#    z^{(2)} = \Theta^{(1)} a^{(1)}, \quad a^{(2)} = g(z^{(2)}), \quad
#    z^{(3)} = \Theta^{(2)} a^{(2)}, \quad h_\Theta(x) = a^{(3)} = g(z^{(3)})
#
# ``a1``, ``a2`` and ``a3`` are lists with an array for each example; those in ``a1`` and ``a2``
# begin with :math:`a_0 = 1`.


def g(z):
    """Return the logistic function of z."""
    return 1 / (1 + np.exp(-z))


a1 = [np.array([1, *x]) for x in X]
a2 = [np.array([1, *g(Theta1 @ a)]) for a in a1]
a3 = [g(Theta2 @ a) for a in a2]
compare("a^(3) of each example", np.array(a3), model.transform(X, layer=3))

# %%
# 2. The cost
# -----------
# .. math::
#
#    J(\Theta) = -\frac{1}{m} \sum_{i=1}^m \sum_{k=1}^K \left[ y_k^{(i)} \log h_k
#    + (1 - y_k^{(i)}) \log (1 - h_k) \right]
#    + \frac{\lambda}{2m} \sum_l \sum_i \sum_j \bigl( \Theta_{ji}^{(l)} \bigr)^2
#
# The second sum leaves out column 0.

cross_entropy = 0.0
for h, t in zip(a3, Y, strict=True):
    cross_entropy -= (t * np.log(h) + (1 - t) * np.log(1 - h)).sum() / m
squares = (Theta1[:, 1:] ** 2).sum() + (Theta2[:, 1:] ** 2).sum()
J = cross_entropy + lambda_ / (2 * m) * squares
print(f"cross entropy {cross_entropy:.4f} + {lambda_:g}/{2 * m} · {squares:g} = {J:.4f}\n")
compare("J", J, model.loss_)

# %%
# 3. The errors
# -------------
# .. math::
#
#    \delta^{(3)} = a^{(3)} - y, \qquad
#    \delta^{(2)} = (\Theta^{(2)})^T \delta^{(3)} \mathbin{.*} a^{(2)} \mathbin{.*} (1 - a^{(2)})
#
# The bias unit, entry 0, gets no error. The figure shows the first example as skbp computes it: a
# in each unit, δ below it, and on each link the gradient δ a of this example.

delta3 = [a - t for a, t in zip(a3, Y, strict=True)]
delta2 = [(Theta2.T @ d)[1:] * a[1:] * (1 - a[1:]) for d, a in zip(delta3, a2, strict=True)]
figure, ax = plt.subplots(figsize=(6.5, 4.6), layout="constrained")
picture = NetworkDisplay.from_sample(model, X[0], y[0], ax=ax)
compare("δ^(2) of the first example", delta2[0], picture.deltas[0])
compare("δ^(3) of the first example", delta3[0], picture.deltas[1])

# %%
# 4. The gradient
# ---------------
# .. math::
#
#    \Delta^{(l)} := \Delta^{(l)} + \delta^{(l+1)} (a^{(l)})^T, \qquad
#    D^{(l)} = \frac{1}{m} \Delta^{(l)} + \frac{\lambda}{m} \Theta^{(l)}
#
# Column 0 of D gets no λ.

Delta1, Delta2 = np.zeros_like(Theta1), np.zeros_like(Theta2)
for i in range(m):
    Delta1 += np.outer(delta2[i], a1[i])
    Delta2 += np.outer(delta3[i], a2[i])
D1, D2 = Delta1 / m, Delta2 / m
D1[:, 1:] += lambda_ / m * Theta1[:, 1:]
D2[:, 1:] += lambda_ / m * Theta2[:, 1:]

_, D = objective(theta)
D1_skbp, D2_skbp = network.unpack(D)
compare("D^(1)", D1, D1_skbp)
compare("D^(2)", D2, D2_skbp)

# %%
# 5. The numerical gradient
# -------------------------
# Each entry of Θ is moved by a small ε in both directions. This needs only J, so it also finds a
# mistake in the formulas of δ and D. It has an error of its own, here about 1e-11.
#
# .. math::
#
#    \frac{\partial J}{\partial \theta_j} \approx
#    \frac{J(\theta + \varepsilon e_j) - J(\theta - \varepsilon e_j)}{2 \varepsilon}

D1_numerical, D2_numerical = network.unpack(numerical_gradient(objective, theta))
compare("D^(1), and the numerical gradient", D1, D1_numerical)
compare("D^(2), and the numerical gradient", D2, D2_numerical)

# %%
# 6. One step of gradient descent
# -------------------------------
# .. math::
#
#    \Theta(t+1) = \Theta(t) - \eta \frac{\partial J}{\partial \Theta}
#
# ``max_iter=1`` stops after one step. skbp warns that this is too early to have converged, which
# is what the homework asks for.

stepped = BackpropClassifier(
    hidden,
    "logistic",
    binary_outputs=2,
    alpha=lambda_,
    solver="gd",
    learning_rate_init=eta,
    max_iter=1,
)
with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
    stepped.fit(X, y, **start)
Theta1_skbp, Theta2_skbp = weights.join(stepped.coefs_, stepped.intercepts_)
compare("Θ^(1) after the step", Theta1 - eta * D1, Theta1_skbp)
compare("Θ^(2) after the step", Theta2 - eta * D2, Theta2_skbp)
print(f"J before the step {model.loss_:.4f}, after it {stepped.loss_:.4f}")

# %%
# J along the direction of the step. At η = 0 the curve has the slope −‖D‖², the dashed line. The
# step goes down as long as η is not too large.

etas = np.linspace(0, 10 * eta, 100)
costs = [objective(theta - each * D)[0] for each in etas]
slope = -(D1**2).sum() - (D2**2).sum()

figure, ax = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
ax.plot(etas, costs, color="#0072B2", linewidth=2, label="J(Θ − ηD)")
near = etas[etas <= 2 * eta]
ax.plot(near, J + slope * near, "--", color="#D55E00", label="slope −‖D‖² at η = 0")
ax.plot(0, J, "o", color="#0072B2", label=f"start, J = {J:.3f}")
ax.plot(eta, stepped.loss_, "s", color="#009E73", label=f"step, η = {eta}, J = {stepped.loss_:.3f}")
ax.set(xlabel="learning rate η", ylabel="cost J")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
plt.show()

# sphinx_gallery_thumbnail_number = 2
