"""
Solvers compared on one problem
===============================

Five solvers minimise the same J(Θ) from the same start weights; a dot shows where each one stopped,
after at most 200 iterations. By iteration, sgd with a step after each sample leads at first: one
iteration is a pass over all 1797 samples, with as many steps. By time, adam with batches of 50
samples is as fast, and lbfgs soon overtakes both. lbfgs and cg reach the lowest J; cg takes several
times as long, because its line searches compute J and its gradient more than once per iteration.
Plain gradient descent, gd, reaches the highest J.
"""

# %%
# The problem
# -----------
# All of scikit-learn's digits, a hidden layer of 25 logistic units, and λ = 0.5. This example uses
# the objects inside `BackpropClassifier` directly, to record Θ and the time after each iteration.

from time import process_time

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullLocator
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

from skbp.engine.threads import one_blas_thread
from skbp.network import Network
from skbp.objective import Objective
from skbp.solvers import (
    LBFGS,
    Adam,
    ConjugateGradient,
    Constant,
    GradientDescent,
    MiniBatchDescent,
    Momentum,
    Progress,
)

X, y = load_digits(return_X_y=True)
network = Network(layer_sizes=(64, 25, 10))
X, Y = StandardScaler().fit_transform(X), np.eye(10)[y]
objective = Objective(network, X, Y, alpha=0.5)
start = network.initialize(random_state=0)

# %%
# The solvers
# -----------
# Each solver has its own convergence criterion. The learning rates are the best of a few values.

one_by_one = MiniBatchDescent(
    rule=Momentum(0),
    learning_rate=Constant(0.05),
    batch_size=1,
)
adam = MiniBatchDescent(
    rule=Adam(),
    learning_rate=Constant(0.01),
    batch_size=50,
)
SOLVERS = {
    "gd": GradientDescent(learning_rate=Constant(2.0)),
    "sgd, batches of 1": one_by_one,
    "adam, batches of 50": adam,
    "cg": ConjugateGradient(),
    "lbfgs": LBFGS(),
}

# %%
# Measure
# -------
# A solver calls ``callback`` after each iteration. J is computed afterwards, with the same function
# for all solvers, because sgd and adam only compute the mean over their batches during training.
# The times are those of skbp's compiled kernels; with NumPy, sgd with batches of 1 takes about
# fifty times as long.


def minimize(solver):
    """Return the seconds and J after each iteration, beginning with the start weights."""
    seconds, path = [0.0], [start]

    def callback(theta, _):
        seconds.append(process_time() - begin)
        path.append(theta.copy())

    progress = Progress(random_state=np.random.RandomState(0))
    with one_blas_thread():
        begin = process_time()
        result = solver.minimize(objective, start, callback, progress)
        J = [objective(theta)[0] for theta in path]
    print(f"{result.n_iter:10} {seconds[-1]:8.3f} {J[-1]:8.4f}  {result.ending.name}")
    return np.array(seconds), np.array(J)


curves = {}
print(f"{'iterations':>35} {'seconds':>8} {'J':>8}  ending")
for name, solver in SOLVERS.items():
    print(f"{name:24}", end=" ")
    curves[name] = minimize(solver)

# %%
# Plot
# ----

COLOURS = ["#0072B2", "#E69F00", "#CC79A7", "#009E73", "#D55E00"]  # Okabe and Ito's

figure, (left, right) = plt.subplots(1, 2, figsize=(6.5, 3.8), sharey=True, layout="constrained")
for (name, (seconds, J)), colour in zip(curves.items(), COLOURS, strict=True):
    for ax, x in [(left, np.arange(len(J))), (right, 1000 * seconds)]:
        ax.plot(x[1:], J[1:], color=colour, linewidth=2, label=name)
        ax.plot(x[-1], J[-1], "o", color=colour)
left.set(xscale="log", yscale="log", xlabel="iteration", ylabel="J(Θ)")
left.set_yticks([0.2, 0.5, 1, 2, 5], labels=["0.2", "0.5", "1", "2", "5"])
right.set(xscale="log", xlabel="milliseconds of processor time")
for ax in (left, right):
    ax.xaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_locator(NullLocator())
    ax.grid(color="#d0d7de", linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
figure.legend(
    *left.get_legend_handles_labels(),
    loc="outside upper center",
    ncols=5,
    frameon=False,
    handlelength=1.2,
    columnspacing=1.2,
)
plt.show()
