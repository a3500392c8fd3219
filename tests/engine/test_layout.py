"""Rows of a matrix are what SciPy and NumPy say, and share its memory where they can."""

import numpy as np
import pytest
from scipy import sparse

from skbp.engine.layout import product, rows_of

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


@pytest.mark.parametrize("few", [0, 1, 3, 40], ids="{} entries".format)
@pytest.mark.parametrize("order", "CF")
def test_the_product_is_that_of_scipy(few, order):
    random_state = np.random.RandomState(few)
    dense = np.zeros((3, 20))
    dense.flat[random_state.permutation(60)[:few]] = random_state.normal(size=few)
    X_few, coef = sparse.csr_array(dense), random_state.normal(size=(20, 2)).copy(order)
    np.testing.assert_array_equal(product(X_few, coef), X_few @ coef)
    np.testing.assert_array_equal(product(X_few.tocsc(), coef), X_few.tocsc() @ coef)
    np.testing.assert_array_equal(product(dense, coef), dense @ coef)


def test_the_product_reads_only_the_weights_that_it_needs():
    coef = np.full((2, 20), np.nan).T
    coef[4] = 1.0, 2.0
    one = sparse.csr_array(([3.0], [4], [0, 1]), shape=(1, 20))
    np.testing.assert_array_equal(product(one, coef), [[3.0, 6.0]])
