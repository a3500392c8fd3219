"""Rows of a matrix are what SciPy and NumPy say, and share its memory where they can."""

import numpy as np
import pytest
from scipy import sparse

from skbp.engine.layout import rows_of

X = np.random.RandomState(0).binomial(1, 0.3, (7, 4)) * np.arange(1.0, 5.0)
SLICES = [
    slice(0, 7),
    slice(2, 5),
    slice(5, 9),
    slice(3, 3),
    slice(5, 2),
    slice(None),
    slice(-2, None),
]


@pytest.mark.parametrize("rows", SLICES, ids=str)
@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csr_matrix, sparse.csc_array, np.array])
def test_rows_of_a_slice(kind, rows):
    found = rows_of(kind(X), rows)
    assert type(found) is type(kind(X))
    found = found.toarray() if sparse.issparse(found) else found
    np.testing.assert_array_equal(found, X[rows])


@pytest.mark.parametrize("rows", [np.array([3, 0, 3]), np.arange(7) > 4], ids=["numbers", "mask"])
def test_rows_by_their_numbers(rows):
    np.testing.assert_array_equal(rows_of(sparse.csr_array(X), rows).toarray(), X[rows])


def test_rows_of_a_slice_share_the_memory():
    whole = sparse.csr_array(X)
    found = rows_of(whole, slice(2, 5))
    assert np.shares_memory(found.data, whole.data)
    assert np.shares_memory(found.indices, whole.indices)
