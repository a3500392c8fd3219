"""What the tests of BackpropClassifier share: small problems, and how two models compare."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.preprocessing import scale

from skbp import BackpropClassifier

FIRST_ORDER = ["gd", "sgd", "adam"]
MINI_BATCH = ["sgd", "adam"]
LINE_SEARCH = ["cg", "lbfgs"]
SOLVERS = [*FIRST_ORDER, *LINE_SEARCH]

every_solver = pytest.mark.parametrize("solver", SOLVERS)
every_first_order_solver = pytest.mark.parametrize("solver", FIRST_ORDER)
every_mini_batch_solver = pytest.mark.parametrize("solver", MINI_BATCH)
may_stop_early = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

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
