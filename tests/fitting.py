"""What the tests of BackpropClassifier share: small problems, and how two models compare."""

from dataclasses import dataclass
from functools import partial
from math import ceil

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.preprocessing import scale

from skbp import BackpropClassifier
from skbp.fast import kernels
from skbp.objective import Objective

FIRST_ORDER = ["gd", "sgd", "adam"]
MINI_BATCH = ["sgd", "adam"]
LINE_SEARCH = ["cg", "lbfgs"]
SOLVERS = [*FIRST_ORDER, *LINE_SEARCH]

every_solver = pytest.mark.parametrize("solver", SOLVERS)
every_first_order_solver = pytest.mark.parametrize("solver", FIRST_ORDER)
every_mini_batch_solver = pytest.mark.parametrize("solver", MINI_BATCH)
may_stop_early = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# what a sum of some numbers of about 1 may lose, where NumPy adds them up and where the kernels do
ROUNDED = {"rtol": 1e-12, "atol": 1e-14}

Small = partial(BackpropClassifier, hidden_layer_sizes=(5,), random_state=0)
Brief = partial(Small, max_iter=8)


def _read_only(*arrays):
    for array in arrays:
        array.flags.writeable = False
    return arrays


def _problems():
    X, y = load_iris(return_X_y=True)
    X = scale(X)
    X_labels, Y = make_multilabel_classification(120, 6, n_classes=4, random_state=0)
    return {
        "binary": _read_only(X[50:], y[50:]),
        "multiclass": _read_only(X, y),
        "multilabel": _read_only(scale(X_labels), Y),
    }


PROBLEMS = _problems()
IRIS = PROBLEMS["multiclass"]

every_problem = pytest.mark.parametrize("problem", list(PROBLEMS))


def weights_of(model):
    """Return all weights of a model, in one array."""
    return np.concatenate([w.ravel() for w in [*model.coefs_, *model.intercepts_]])


def theta_of(model, network):
    """Return a model's weights as the network packs them."""
    pairs = zip(model.coefs_, model.intercepts_, strict=True)
    return network.pack([np.column_stack([intercept, coef.T]) for coef, intercept in pairs])


def assert_same_model(model, other, **tolerance):
    """Hold two models' weights equal: bitwise, where no tolerance is given."""
    assert_allclose(weights_of(model), weights_of(other), **{"rtol": 0, "atol": 0, **tolerance})


@dataclass(frozen=True)
class Pass:
    """Over which rows a fit has just gone: all of them, a batch, or the batches of an epoch."""

    theta: np.ndarray  # the weights before it
    cost: float
    n_rows: int
    n_gradients: int


def watch_passes(monkeypatch, watch):
    """Let a function see every pass of a fit.

    Passes are evaluations of an Objective. With the kernels, an epoch is a single one: it
    does not come back to Python after each batch.
    """
    call = Objective.__call__

    def watched(objective, theta):
        start = theta.copy()
        J, D = call(objective, theta)
        watch(Pass(start, J, objective.n_rows, 1))
        return J, D

    monkeypatch.setattr(Objective, "__call__", watched)
    if kernels is not None:
        monkeypatch.setattr(kernels, "epoch", watched_epoch(kernels.epoch, watch))


def watched_epoch(epoch, watch):
    """Return the compiled epoch, with a function that sees it."""

    def watched(plan, theta, X, Y, weights, order, batch_size, *others):
        start = theta.copy()
        loss, t = epoch(plan, theta, X, Y, weights, order, batch_size, *others)
        watch(Pass(start, loss / len(X), len(X), ceil(len(X) / batch_size)))
        return loss, t

    return watched


def interrupt_after(monkeypatch, n_gradients):
    """Let Ctrl-C come once a fit has computed more gradients than this.

    Where it comes in the middle of a compiled epoch, this has changed the weights and the
    averages.
    """
    n_computed = 0

    def interrupt(passed):
        nonlocal n_computed
        n_computed += passed.n_gradients
        if n_computed > n_gradients:
            raise KeyboardInterrupt

    watch_passes(monkeypatch, interrupt)
