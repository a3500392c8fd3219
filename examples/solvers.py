"""
Solvers compared on one problem
===============================

Five solvers minimise the same J(Θ) from the same start weights; a dot shows where each one
stopped, at the latest after 200 iterations. By iteration, sgd with a step after each example is far
ahead at first: its iteration is a pass over all 1797 examples, with as many steps. By time, adam
with batches of 50 examples is level with it, and lbfgs soon passes both. lbfgs and cg end lowest;
cg takes several times as long, because its line searches compute J and its gradient more than once
in an iteration. Plain gradient descent, gd, ends highest.
"""

# %%
# The problem
# -----------
# All of scikit-learn's digits, a hidden layer of 25 units, and the default λ. The objects are those
# that `BackpropClassifier` works with; here they are used on their own, to see Θ and the time
# after each iteration.

from time import process_time

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullLocator
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

from skbp.blas_threads import one_blas_thread
from skbp.fast import accelerated, accelerated_solver
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
)

X, y = load_digits(return_X_y=True)
network = Network(layer_sizes=(64, 25, 10))
X, Y = StandardScaler().fit_transform(X), np.eye(10)[y]
objective = accelerated(Objective(network, X, Y, alpha=0.5))
start = network.initialize(random_state=0)

# %%
# The solvers
# -----------
# Each with its own criterion for having converged. The learning rates are the best of a few that
# were tried.

one_by_one = MiniBatchDescent(
    rule=Momentum(0),
    learning_rate=Constant(0.05),
    batch_size=1,
    random_state=np.random.RandomState(0),
)
adam = MiniBatchDescent(
    rule=Adam(),
    learning_rate=Constant(0.01),
    batch_size=50,
    random_state=np.random.RandomState(0),
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
# A solver calls ``watch`` after each iteration. J is computed afterwards, for all solvers by the
# same function: while sgd and adam train, they only know the mean of their batches. The times are
# those of skbp's compiled kernels; with NumPy alone, sgd with batches of 1 takes some fifty times
# as long.


def minimize(solver):
    """Return the seconds and J after each iteration, from the start weights on."""
    seconds, path = [0.0], [start]

    def watch(theta, _):
        seconds.append(process_time() - begin)
        path.append(theta.copy())

    with one_blas_thread():
        begin = process_time()
        result = accelerated_solver(solver, objective).minimize(objective, start, watch)
        J = [objective(theta)[0] for theta in path]
    print(f"{result.n_iter:10} {seconds[-1]:8.3f} {J[-1]:8.4f}  {result.reason}")
    return np.array(seconds), np.array(J)


curves = {}
print(f"{'iterations':>35} {'seconds':>8} {'J':>8}  why it stopped")
for name, solver in SOLVERS.items():
    print(f"{name:24}", end=" ")
    curves[name] = minimize(solver)

# %%
# Draw
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
