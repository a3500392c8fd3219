"""skbp.weights: between Θ and scikit-learn's two lists of weights."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skbp.network import Network
from skbp.weights import checked, join, split

NETWORK = Network((2, 3, 1))
THETA = NETWORK.initialize(0)


def test_split_by_hand():
    (coef,), (intercept,) = split([np.array([[1.0, 2, 3], [4, 5, 6]])])
    assert_array_equal(coef, [[2, 5], [3, 6]])
    assert_array_equal(intercept, [1, 4])


def test_split_copies():
    coefs, intercepts = split(NETWORK.unpack(THETA))
    assert not any(np.shares_memory(part, THETA) for part in coefs + intercepts)
    assert all(coef.flags.c_contiguous for coef in coefs)


def test_join_is_the_inverse():
    assert_array_equal(NETWORK.pack(join(*split(NETWORK.unpack(THETA)))), THETA)


def test_join_needs_lists_of_one_length():
    coefs, intercepts = split(NETWORK.unpack(THETA))
    with pytest.raises(ValueError, match="zip"):
        join(coefs, intercepts[:1])


def test_checked_takes_the_dtype():
    (found,) = checked("start", [[[1, 2]]], like=[np.zeros((1, 2), np.float32)])
    assert found.dtype == np.float32
    assert_array_equal(found, [[1, 2]])


@pytest.mark.parametrize("given", [[], [[1.0]], [[[1.0]], [[2.0]]], 3])
def test_checked_names_what_it_got(given):
    with pytest.raises(ValueError, match=re.escape("start must be a list of arrays of the shapes")):
        checked("start", given, like=[np.zeros((1, 1))])


def test_checked_finds_what_is_not_finite():
    with pytest.raises(ValueError, match="Input start contains NaN"):
        checked("start", [[np.nan]], like=[np.zeros(1)])
