"""What the tests of the solvers share: an objective, the solvers, and callbacks that record."""

from functools import partial

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

from skbp.engine.numpy import NumPyEngine
from skbp.network import Network
from skbp.objective import Objective
from skbp.solvers import (
    LBFGS,
    Adam,
    ConjugateGradient,
    Constant,
    GradientDescent,
    GradientTolerance,
    LossPlateau,
    MiniBatchDescent,
    Momentum,
)

# ------------------------------------------------------------------------- objectives


def _iris():
    X, y = load_iris(return_X_y=True)
    return scale(X), np.eye(3)[y]


X, Y = _iris()
N_ROWS = len(X)
NETWORK = Network((4, 5, 3), "tanh")
OBJECTIVE = Objective(NETWORK, X, Y, alpha=1.0)
THETA = NETWORK.initialize(random_state=0)
THETA.flags.writeable = False  # no solver changes its start vector

A = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]])
b = np.array([1.0, -2.0, 3.0])
START = np.array([4.0, -3.0, 2.0])


def quadratic(theta):
    return theta @ A @ theta / 2 - b @ theta, A @ theta - b


def square(theta):
    """Return θ² and its gradient; gradient descent on it is θ := (1 − 2η) θ."""
    return float(theta @ theta), 2 * theta


class CountingEngine(NumPyEngine):
    """An engine that counts the rows it has propagated forward and back."""

    n_rows = 0

    def loss_and_gradient(self, objective, theta):
        self.n_rows += objective.n_rows
        return super().loss_and_gradient(objective, theta)


def counted_objective():
    """Return the objective with an engine that counts, and the engine."""
    engine = CountingEngine()
    return Objective(NETWORK, X, Y, alpha=1.0, engine=engine), engine


class Scripted:
    """An objective with given losses, epoch by epoch, and always the same gradient."""

    def __init__(self, losses, n_rows=1000, gradient=1.0):
        self.losses, self.n_rows, self.gradient = iter(losses), n_rows, gradient

    def __call__(self, theta):
        return next(self.losses), self.gradient * np.ones_like(theta)

    def new_order(self, before, random_state):
        return np.arange(self.n_rows)

    def epoch(self, theta, batch_size, order, update):
        J, D = self(theta)
        theta += update(D)
        return J


# ---------------------------------------------------------------------------- solvers


def gradient_descent(tol=1e-4, **parameters):
    """Return gradient descent that ends by its gradient."""
    defaults = {"learning_rate": Constant(0.5), "stopping": (GradientTolerance(tol),)}
    return GradientDescent(**defaults | parameters)


def mini_batches(tol=1e-4, **parameters):
    """Return mini-batches, in order, that end on a plateau of the loss."""
    defaults = {
        "learning_rate": Constant(0.1),
        "stopping": (LossPlateau(tol),),
        "batch_size": 20,
        "shuffle": False,
    }
    return MiniBatchDescent(**defaults | parameters)


def line_search(solver, tol=1e-4, **parameters):
    """Return a solver that searches along lines and ends by its gradient."""
    return solver(**{"stopping": (GradientTolerance(tol),)} | parameters)


SOLVERS = {
    "gd": gradient_descent,
    "sgd": mini_batches,
    "adam": partial(mini_batches, rule=Adam(), learning_rate=Constant(0.003)),
    "cg": partial(line_search, ConjugateGradient),
    "lbfgs": partial(line_search, LBFGS),
}
RULES = {"sgd": Momentum(0.8), "adam": Adam(0.7, 0.9, 0.001)}

every_solver = pytest.mark.parametrize("name", SOLVERS)
every_first_order_solver = pytest.mark.parametrize("name", ["gd", *RULES])
every_whole_set_solver = pytest.mark.parametrize("name", ["gd", "cg", "lbfgs"])
every_mini_batch_solver = pytest.mark.parametrize("name", RULES)
every_line_search = pytest.mark.parametrize("name", ["cg", "lbfgs"])


# -------------------------------------------------------------------------- callbacks


class Recorder:
    """A callback that keeps what it gets."""

    def __init__(self):
        self.thetas, self.losses = [], []

    def __call__(self, theta, loss):
        self.thetas.append(theta.copy())
        self.losses.append(loss)


class StopsAfter(Recorder):
    """A callback with one answer after a certain iteration, and another one after the others."""

    def __init__(self, n_iter, answer=True, other_answer=None):
        super().__init__()
        self.n_iter, self.answer, self.other_answer = n_iter, answer, other_answer

    def __call__(self, theta, loss):
        super().__call__(theta, loss)
        return self.answer if len(self.losses) == self.n_iter else self.other_answer


class RaisesAfter(Recorder):
    """A callback that raises KeyboardInterrupt after a certain iteration."""

    def __init__(self, n_iter):
        super().__init__()
        self.n_iter = n_iter

    def __call__(self, theta, loss):
        super().__call__(theta, loss)
        if len(self.losses) == self.n_iter:
            raise KeyboardInterrupt
