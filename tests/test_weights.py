"""skbp.weights: conversion between Θ and scikit-learn's two lists of weights."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skbp.network import Network
from skbp.weights import checked, join, source_of, split, views, write

NETWORK = Network((2, 3, 1))
THETA = NETWORK.initialize(0)


def test_split_by_hand():
    (coef,), (intercept,) = split([np.array([[1.0, 2, 3], [4, 5, 6]])])
    assert_array_equal(coef, [[2, 5], [3, 6]])
    assert_array_equal(intercept, [1, 4])


def test_views_are_those_of_split_and_share_the_memory_of_theta():
    theta = THETA.copy()
    views_of_theta = views(NETWORK.unpack(theta))
    for found, expected in zip(views_of_theta, split(NETWORK.unpack(theta)), strict=True):
        assert all(map(np.array_equal, found, expected))
        assert all(np.shares_memory(part, theta) for part in found)
    views_of_theta[1][0][:] = 7  # the bias weights of layer 1
    assert_array_equal(NETWORK.unpack(theta)[0][:, 0], [7, 7, 7])


def test_the_source_of_views_is_theta():
    theta = THETA.copy()
    assert source_of(views(NETWORK.unpack(theta)), NETWORK.unpack) is theta


def test_other_arrays_have_no_source():
    theta = THETA.copy()
    coefs, intercepts = views(NETWORK.unpack(theta))
    assert source_of(split(NETWORK.unpack(theta)), NETWORK.unpack) is None
    assert source_of(([coefs[0].copy(), coefs[1]], intercepts), NETWORK.unpack) is None
    assert source_of((coefs, [intercepts[0], intercepts[1].copy()]), NETWORK.unpack) is None
    assert source_of((coefs, [intercepts[1], intercepts[1]]), NETWORK.unpack) is None


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


@pytest.mark.parametrize("sizes", [(2, 3, 1), (1030, 3)], ids=str)
def test_write_is_join_into_given_arrays(sizes):
    network = Network(sizes)
    theta, written = network.initialize(0), np.zeros(network.n_parameters)
    write(network.unpack(written), *split(network.unpack(theta)))
    assert_array_equal(written, theta)


@pytest.mark.parametrize("changed", [lambda a: a[:1], lambda a: a[:, :1], lambda a: a[np.newaxis]])
def test_write_refuses_other_shapes(changed):
    coefs, intercepts = split(NETWORK.unpack(THETA))
    coefs[0] = changed(coefs[0])
    with pytest.raises(ValueError, match="must have the shapes"):
        write(NETWORK.unpack(THETA.copy()), coefs, intercepts)


def test_checked_returns_arrays_of_the_dtype():
    (found,) = checked("start", [[[1, 2]]], like=[np.zeros((1, 2), np.float32)])
    assert found.dtype == np.float32
    assert_array_equal(found, [[1, 2]])


@pytest.mark.parametrize("given", [[], [[1.0]], [[[1.0]], [[2.0]]], 3])
def test_an_error_of_checked_names_the_argument(given):
    with pytest.raises(ValueError, match=r"start .* shapes"):
        checked("start", given, like=[np.zeros((1, 1))])


def test_checked_refuses_weights_that_are_not_finite():
    with pytest.raises(ValueError, match=r"start .*NaN"):
        checked("start", [[np.nan]], like=[np.zeros(1)])
