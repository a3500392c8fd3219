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
from skbp.engine.compiled import kernels
from skbp.estimator import solver_factory
from skbp.objective import Objective


def _has_learning_rate(name):
    parameters = BackpropClassifier(solver=name, learning_rate_init=0.1).get_params()
    setting = solver_factory.Setting(parameters, n_rows=1)
    return hasattr(solver_factory.make_solver(setting), "learning_rate")


# a solver that is added to skbp is tested too
SOLVERS = list(solver_factory.SOLVERS)
MINI_BATCH = list(solver_factory.MINI_BATCH_SOLVERS)
FIRST_ORDER = [name for name in SOLVERS if _has_learning_rate(name)]
LINE_SEARCH = [name for name in SOLVERS if name not in FIRST_ORDER]
FULL_BATCH = [name for name in SOLVERS if name not in MINI_BATCH]

every_solver = pytest.mark.parametrize("solver", SOLVERS)
every_first_order_solver = pytest.mark.parametrize("solver", FIRST_ORDER)
every_mini_batch_solver = pytest.mark.parametrize("solver", MINI_BATCH)
may_stop_early = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# rounding errors of a sum of a few numbers of about 1, which engines add up in different orders
ROUNDED = {"rtol": 1e-12, "atol": 1e-14}

RATES = {"gd": 0.2, "sgd": 0.02, "adam": 0.003}


def Small(hidden_layer_sizes=(5,), **parameters):  # noqa: N802
    """Return a small classifier of the lecture's units, with nothing left to find by trial."""
    rate = RATES.get(parameters.get("solver"), "auto")
    fixed = {"activation": "logistic", "alpha": 0.5, "learning_rate_init": rate}
    return BackpropClassifier(hidden_layer_sizes, **{"random_state": 0, **fixed, **parameters})


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
    """An evaluation of the cost during a fit, on all rows or a batch, or a compiled epoch."""

    theta: np.ndarray  # the weights before it
    cost: float
    n_rows: int
    n_gradients: int


def watch_passes(monkeypatch, observe):
    """Call a function with each `Pass` of all following fits.

    A compiled epoch is a single one, because it does not return to Python after each batch.
    """
    call = Objective.__call__

    def observed_call(objective, theta):
        start = theta.copy()
        J, D = call(objective, theta)
        observe(Pass(start, J, objective.n_rows, 1))
        return J, D

    monkeypatch.setattr(Objective, "__call__", observed_call)
    if kernels is not None:
        monkeypatch.setattr(kernels, "epoch", _observed_epoch(kernels.epoch, observe))


def _observed_epoch(epoch, observe):
    """Return the compiled epoch, which calls a function with its `Pass`."""

    def observed_epoch(plan, theta, examples, order, batches, rule, averages):
        start, n_rows = theta.copy(), len(examples[0])
        loss, t = epoch(plan, theta, examples, order, batches, rule, averages)
        observe(Pass(start, loss / n_rows, n_rows, ceil(n_rows / batches["batch_size"])))
        return loss, t

    return observed_epoch


def interrupt_after(monkeypatch, n_gradients):
    """Raise a KeyboardInterrupt, as Ctrl-C does, once fits have computed more gradients than this.

    After a compiled epoch this is too late for the weights and averages, which it has changed.
    """
    n_computed = 0

    def interrupt(observed):
        nonlocal n_computed
        n_computed += observed.n_gradients
        if n_computed > n_gradients:
            raise KeyboardInterrupt

    watch_passes(monkeypatch, interrupt)
