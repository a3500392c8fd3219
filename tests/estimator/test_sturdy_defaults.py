"""The defaults learn what they once did not, or say why they cannot.

`benchmarks/sturdiness.py` asks the same of a thousand cells; here are the faults that users met.
"""

import warnings

import numpy as np
import pytest
from fitting import may_stop_early
from sklearn.datasets import (
    load_digits,
    load_iris,
    make_circles,
    make_classification,
    make_hastie_10_2,
    make_moons,
)
from sklearn.ensemble import AdaBoostClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import scale

from skbp import BackpropClassifier

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = scale(IRIS)
DIGITS, NUMBERS = load_digits(return_X_y=True)
DIGITS = scale(DIGITS)

every_solver = pytest.mark.parametrize("solver", ["lbfgs", "cg", "gd", "sgd", "adam"])


def score(model, X, y, seed=0):
    """Return the accuracy on a third of the rows, after a fit on the others."""
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.3, stratify=y, random_state=seed
    )
    return model.fit(X_train, y_train).score(X_test, y_test)


@may_stop_early
@every_solver
@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu"])
@pytest.mark.parametrize("corners", [XOR, 2 * XOR - 1, np.repeat(XOR, 5, axis=0)])
def test_xor(solver, activation, corners):
    y = np.not_equal(corners[:, 0] > 0, corners[:, 1] > 0)
    for seed in range(10):
        model = BackpropClassifier(activation=activation, solver=solver, random_state=seed)
        assert model.fit(corners, y).score(corners, y) == 1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sizes", [(100,), (100, 100), (30, 30, 30)], ids=str)
@pytest.mark.parametrize("n", [100, 200, 400])
def test_circles(n, sizes, seed):
    X, y = make_circles(n, noise=0.05, factor=0.5, random_state=seed)
    assert score(BackpropClassifier(sizes, random_state=seed), X, y) > 0.95


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", [200, 400])
def test_moons(n, seed):
    X, y = make_moons(n, noise=0.1, random_state=seed)
    assert score(BackpropClassifier(random_state=seed), X, y) > 0.93


@every_solver
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_softplus_bends_or_warns(solver, loss, seed):
    X, y = make_moons(300, noise=0.15, random_state=0)
    model = BackpropClassifier((50,), "softplus", loss=loss, solver=solver, random_state=seed)
    with warnings.catch_warnings(
        record=True, action="always", category=ConvergenceWarning
    ) as caught:
        accuracy = score(model, scale(X), y, seed)
    assert accuracy >= 0.9 or caught


@pytest.mark.parametrize("activation", ["logistic", "relu", "tanh"])
@pytest.mark.parametrize("sizes", [(100,) * 5, (30,) * 6], ids=["5 of 100", "6 of 30"])
def test_deep_networks(sizes, activation):
    assert score(BackpropClassifier(sizes, activation, random_state=0), DIGITS, NUMBERS) > 0.93


def test_adaboost_whose_weights_sum_to_1():
    ensemble = AdaBoostClassifier(
        BackpropClassifier((20,), random_state=0), n_estimators=3, random_state=0
    )
    assert score(ensemble, DIGITS, NUMBERS) > 0.93


@pytest.mark.parametrize("total", [1e-3, 1.0, 1e3])
def test_weights_whose_sum_is_not_the_number_of_rows(total):
    weight = np.full(len(IRIS), total / len(IRIS))
    model = BackpropClassifier(random_state=0).fit(IRIS, SPECIES, sample_weight=weight)
    assert model.score(IRIS, SPECIES) > 0.95


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("n_rows", [1, 3, 10])
def test_a_stream_of_few_rows_a_call(solver, n_rows):
    model, order = BackpropClassifier(solver=solver, random_state=0), np.random.RandomState(0)
    for _ in range(20):
        rows = order.permutation(150)
        for start in range(0, 150, n_rows):
            part = rows[start : start + n_rows]
            model.partial_fit(IRIS[part], SPECIES[part], classes=[0, 1, 2])
    assert model.score(IRIS, SPECIES) > 0.93


@pytest.mark.parametrize("solver", ["lbfgs", "sgd", "adam"])
@pytest.mark.parametrize("kind", ["income", "timestamp"])
def test_a_raw_column_is_named(solver, kind):
    random = np.random.RandomState(0)
    column = random.lognormal(10, 1, 150) if kind == "income" else 1.6e9 + random.rand(150) * 1e7
    with pytest.warns(ConvergenceWarning, match="Standardise X"):
        BackpropClassifier(solver=solver, max_iter=20, random_state=0).fit(
            np.column_stack([IRIS, column]), SPECIES
        )


@pytest.mark.parametrize("solver", ["lbfgs", "cg", "gd"])
@pytest.mark.parametrize("alpha", ["auto", 0.01])
def test_squared_error_predicts_each_class(solver, alpha):
    model = BackpropClassifier(loss="squared_error", alpha=alpha, solver=solver, random_state=0)
    assert model.fit(DIGITS, NUMBERS).score(DIGITS, NUMBERS) > 0.97


@pytest.mark.parametrize("solver", ["lbfgs", "cg"])
@pytest.mark.parametrize("alpha", ["auto", 0.01, 1e-4])
@pytest.mark.parametrize("sizes", [(100,), (25,), (50, 50)], ids=str)
def test_squared_error_of_logistic_units_predicts_each_class(solver, alpha, sizes):
    model = BackpropClassifier(
        sizes, "logistic", loss="squared_error", alpha=alpha, solver=solver, random_state=0
    )
    assert model.fit(DIGITS, NUMBERS).score(DIGITS, NUMBERS) > 0.97


@may_stop_early
@pytest.mark.parametrize("solver", ["lbfgs", "gd", "sgd", "adam"])
def test_hastie(solver):
    X, y = make_hastie_10_2(3000, random_state=0)
    assert score(BackpropClassifier(solver=solver, random_state=0), X, y) > 0.88


@may_stop_early
@pytest.mark.parametrize("n_classes", [2, 5])
def test_noisy_labels_are_not_learned_by_heart(n_classes):
    X, y = make_classification(
        8000, 30, n_informative=10, n_classes=n_classes, flip_y=0.2, random_state=0
    )
    X_train, X_test, y_train, y_test = train_test_split(scale(X), y, random_state=0)
    ours, peer, linear, shares = (
        log_loss(y_test, p)
        for p in (
            BackpropClassifier(random_state=0).fit(X_train, y_train).predict_proba(X_test),
            MLPClassifier(random_state=0, max_iter=100).fit(X_train, y_train).predict_proba(X_test),
            LogisticRegression(max_iter=1000).fit(X_train, y_train).predict_proba(X_test),
            np.tile(np.bincount(y_train) / len(y_train), (len(y_test), 1)),
        )
    )
    assert ours < peer
    assert ours < linear < shares
