"""skbp.estimator.precision: when the folds of a search are trained in single precision."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from skbp import BackpropClassifierCV
from skbp.estimator import search
from skbp.estimator.data import Dataset
from skbp.estimator.precision import suits_single

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3))
y = (X[:, 0] > 0).astype(int)


def examples(X, weight=None):
    return Dataset(X, y, np.eye(2)[y], weight, weight)


def with_column(column):
    return np.column_stack([X, column])


def spread_lost(column):
    """Return how much of a column's spread is lost by rounding to single precision."""
    rounded = column.astype(np.float32).astype(float)
    return np.abs(rounded - column).max() / column.std()


SECONDS = 1.6e9 + 3600 * RNG.random(200)
YEARS = 1.6e9 + 1e8 * RNG.random(200)


@pytest.mark.parametrize(
    ("X", "expected"),
    [
        (X, True),
        (X.astype(np.float32), True),
        (with_column(np.full(200, 0.1)), True),  # a constant has no differences to lose
        (with_column(np.r_[1e6, np.zeros(199)]), True),
        (with_column(YEARS), True),
        (with_column(SECONDS), False),
        (with_column(np.r_[1e31, np.zeros(199)]), False),
        (with_column(np.r_[-1e300, np.zeros(199)]), False),
        (csr_array(X), True),
        (csr_array(np.r_[X[:-1], [[0, 1e40, 0]]]), False),
        (csr_array((200, 3)), True),
    ],
)
def test_columns_that_would_lose_what_differs_do_not_suit(X, expected):
    assert suits_single(examples(X)) is expected


def test_the_limit_of_the_offset_keeps_a_thousandth_of_the_spread():
    assert spread_lost(YEARS) < 1e-3 < spread_lost(SECONDS)


@pytest.mark.parametrize(
    ("weight", "expected"),
    [(1.0, True), (1e-20, True), (1e-40, False), (1e35, False), ([0, 1], True)],
)
def test_weights_that_single_precision_cannot_hold_do_not_suit(weight, expected):
    weight = np.resize(np.asarray(weight, dtype=float), 200)
    assert suits_single(examples(X, weight)) is expected


def accuracy(estimator, X, y):
    return estimator.score(X, y)


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        ({}, np.float32),
        ({"scoring": "accuracy", "n_members": 2}, np.float32),
        ({"scoring": accuracy}, np.float64),  # it gets X
        ({"exhaustive": True}, np.float64),
        ({"refit": False}, np.float64),
        ({"tol": 1e-5}, np.float64),
    ],
    ids=str,
)
def test_the_dtype_of_the_folds_and_that_of_the_model(given, dtype, monkeypatch):
    seen = set()

    def noted(fold, *args):
        seen.add(fold.take(fold.train).dtype.type)
        return path(fold, *args)

    path = search.scored_path
    monkeypatch.setattr("skbp.estimator.classifier_cv.scored_path", noted)
    model = BackpropClassifierCV((3,), "tanh", alphas=[1.0], cv=2, random_state=0, **given)
    assert model.fit(X, y).members_[0].coefs_[0].dtype == np.float64
    assert seen == {dtype}
    if seen == {np.float32}:
        assert model.fit(X.astype(np.float32), y).members_[0].coefs_[0].dtype == np.float32
