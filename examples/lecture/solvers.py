"""
Solvers compared on one problem
===============================

Five solvers minimise the same J(Θ) from the same start weights. By time, lbfgs comes near the
lowest J first; plain gradient descent, gd, is far from it after 200 iterations.
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
# By time
# -------
# A dot shows where a solver stopped, after at most 200 iterations. lbfgs soon overtakes sgd and
# adam. cg comes as low as lbfgs, but takes several times as long, because its line searches compute
# J and its gradient more than once per iteration.

COLOURS = ["#0072B2", "#E69F00", "#CC79A7", "#009E73", "#D55E00"]  # Okabe and Ito's


def plot(xlabel, x_of):
    """Plot J of each solver against what ``x_of`` makes of the seconds after each iteration."""
    _, ax = plt.subplots(figsize=(6, 4.2), layout="constrained")
    for (name, (seconds, J)), colour in zip(curves.items(), COLOURS, strict=True):
        x = x_of(seconds)
        ax.plot(x[1:], J[1:], color=colour, linewidth=2, label=name)
        ax.plot(x[-1], J[-1], "o", color=colour)
    ax.set(xscale="log", yscale="log", xlabel=xlabel, ylabel="J(Θ)")
    ax.set_yticks([0.2, 0.5, 1, 2, 5], labels=["0.2", "0.5", "1", "2", "5"])
    ax.xaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_locator(NullLocator())
    ax.grid(color="0.5", alpha=0.3, linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend()


plot("milliseconds of processor time", lambda seconds: 1000 * seconds)

# %%
# By iteration
# ------------
# At first sgd leads with a step after each sample: one iteration is a pass over all 1797 samples,
# with as many steps. An iteration of lbfgs, cg or gd is a single step.

plot("iteration", lambda seconds: np.arange(len(seconds)))
plt.show()
