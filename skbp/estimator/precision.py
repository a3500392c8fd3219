"""Single precision, in which the folds of a search are trained where nothing is lost by it."""

import numpy as np
from scipy.sparse import issparse

from skbp._typing import Floats
from skbp.estimator.data import Dataset

# of a column: how far its mean may be from 0, in standard deviations
_MOST_OFFSET = 1e3
_CONSTANT = 1e-12
_LARGEST, _SMALLEST = 1e30, 1e-30
_N_SAMPLE = 1000


def suits_single(examples: Dataset) -> bool:
    """Return whether examples lose nothing that matters in single precision.

    They do if the mean of a column is far from 0 beside its spread, such as that of a time in
    seconds since 1970 where all rows are of one day: its rows would no longer differ. They also
    do if values or weights are too large or too small.

    Parameters
    ----------
    examples : Dataset
        The examples.

    Returns
    -------
    bool
        Whether they lose nothing.
    """
    X, weight = examples.X, examples.weight
    if _largest(X.data if issparse(X) else X) > _LARGEST:
        return False
    if weight is not None:
        counted = weight[weight != 0]
        if counted.max() > _LARGEST or counted.min() < _SMALLEST:
            return False
    if issparse(X):
        return True  # its columns have zeros, beside which other values differ
    rows = np.asarray(examples.sample(_N_SAMPLE).X, dtype=float)
    offsets, spreads = np.abs(rows.mean(axis=0)), rows.std(axis=0)
    is_constant = spreads <= _CONSTANT * offsets
    return bool((is_constant | (offsets <= _MOST_OFFSET * spreads)).all())


def _largest(values: Floats) -> float:
    return max(-float(values.min()), float(values.max())) if values.size else 0.0
