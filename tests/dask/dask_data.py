"""Data in memory, the same data as Dask collections, and comparisons of models."""

from itertools import pairwise

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.datasets import load_digits

from skbp import BackpropClassifier
from skbp.dask import DaskBackpropClassifier

X, y = load_digits(return_X_y=True)
X = X / 8 - 1
SIZES = (600, 1, 0, 399, 797)  # rows of the partitions: one of them is empty
SMALL = {"hidden_layer_sizes": (8,), "random_state": 0, "max_iter": 5}
SECONDS = 60  # that a test, or what it waits for, may take


def array(values, sizes=SIZES):
    values = np.asarray(values)
    return da.from_array(values, chunks=(sizes, *values.shape[1:]))


def sparse_array(values, sizes=SIZES):
    return array(values, sizes).map_blocks(sparse.csr_array)


def unknown(values, sizes=SIZES):
    """Return an array that does not know how many rows its chunks have."""
    ends = np.cumsum([0, *sizes])
    parts = [pd.DataFrame(values[a:b]) for a, b in pairwise(ends)]
    found = dd.from_map(lambda part: part, parts, meta=parts[0].iloc[:0]).to_dask_array()
    return found[:, 0] if np.ndim(values) == 1 else found


def frame(values, sizes=SIZES):
    """Return a data frame with names and an index of its own."""
    values = np.asarray(values)
    names = [f"x{i}" for i in range(values.shape[1])]
    whole = pd.DataFrame(values, columns=names, index=np.arange(len(values)) + 10_000)
    return _in_parts(whole, sizes)


def series(values, sizes=SIZES):
    return _in_parts(pd.Series(values, name="y", index=np.arange(len(values)) + 10_000), sizes)


def _in_parts(whole, sizes):
    ends = np.cumsum([0, *sizes])
    parts = [whole.iloc[a:b] for a, b in pairwise(ends)]
    return dd.from_map(lambda part: part, parts, meta=whole.iloc[:0])


def local(**parameters):
    return BackpropClassifier(**{**SMALL, **parameters})


def classifier(**parameters):
    return DaskBackpropClassifier(**{**SMALL, **parameters})


def assert_same(one, other):
    """Assert that two models have bitwise the same weights and training."""
    for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        assert_array_equal(a, b)
    assert one.loss_curve_ == other.loss_curve_
    assert one.validation_scores_ == other.validation_scores_
