"""skbp.engine._kernels, with every instruction set: a sparse X in training."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from kernel_cases import Case, assert_same, every_instruction_set, over_activations, over_dtypes
from scipy.sparse import csr_array
from test_kernel_arguments import call_epoch, call_gradient
from test_kernel_epochs import assert_same_epochs, epoch, over_rules

from skbp.solvers import Adam

instruction_set = every_instruction_set()


@dataclass(frozen=True)
class SparseCase(Case):
    """A case with few entries in X, and none in every fourth row."""

    share: float = 0.1

    @property
    def data(self):
        X, *others = super().data
        has_entry = np.random.default_rng(2).random(X.shape) < self.share
        has_entry[::4] = False
        return X * has_entry, *others

    @property
    def entries(self):
        return entries(self.data[0])


def entries(X):
    """Return the values, columns and starts of X as the kernels take them."""
    sparse = csr_array(X)
    return sparse.data, sparse.indices.astype(np.int32), sparse.indptr.astype(np.int64)


def repeated(X):
    """Return the same with each entry as two of half its size, in descending order of columns."""
    values, columns, starts = entries(X)
    rows = [slice(*ends) for ends in pairwise(starts)]
    twice = [np.repeat(array[row], 2)[::-1] for array in (values / 2, columns) for row in rows]
    n = len(rows)
    return np.concatenate(twice[:n]), np.concatenate(twice[n:]), 2 * starts


SIZES = [(1, 1), (7, 1, 9, 8), (9, 8, 7), (31, 33, 4), (300, 17, 3), (2000, 2), (600, 500, 5)]


@over_dtypes
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("n_rows", [1, 3, 4, 65, 515, 1030])
def test_gradients_are_those_of_the_dense_matrix(sizes, n_rows, dtype):
    case = SparseCase(sizes, n_rows, "logistic", weighted=n_rows > 4, dtype=dtype)
    case.assert_gradient(X=case.entries)
    case.assert_gradient(X=repeated(case.data[0]))


@over_activations
def test_gradients_of_every_activation(activation):
    case = SparseCase((30, 11, 3), 20, activation, ("softmax", "log_loss"))
    case.assert_gradient(X=case.entries)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_gradients_of_no_entries_and_of_all(share):
    case = SparseCase((30, 11, 3), 9, share=share)
    case.assert_gradient(X=case.entries)


def assert_same_sparse_epochs(case, rule, tolerance=1e-10, **options):
    assert_same_epochs(case, rule, tolerance, X=case.entries, **options)


@over_rules
@pytest.mark.parametrize("batch_size", [1, 4, 40, 71])
def test_epochs_are_those_of_the_update_rules(rule, batch_size):
    order = np.random.default_rng(3).permutation(71)
    for max_norm in (-1.0, 0.05):
        options = {"batch_size": batch_size, "max_norm": max_norm}
        assert_same_sparse_epochs(SparseCase((40, 6, 3), 71, weighted=True), rule, **options)
        assert_same_sparse_epochs(SparseCase((40, 3), 71), rule, order=order, **options)


def test_epochs_in_single_precision_of_more_rows_than_float_can_sum():
    case = SparseCase((50, 9, 3), 1300, dtype=np.float32)
    assert_same_sparse_epochs(
        case, Adam(), 1e-4, batch_size=600, order=np.arange(1300)[::-1].copy()
    )


def test_epochs_are_bitwise_the_same_again():
    case, found = SparseCase((300, 17, 3), 71), []
    for _ in range(2):
        theta, state = case.theta, Adam().init(case.theta)
        epoch(case, theta, state, Adam(), X=case.entries)
        found.append(theta)
    assert_same(found[:1], found[1:], tolerance=0)


# ------------------------------------------------------------------------------- arguments

SMALL = SparseCase((4, 5, 3), 6, weighted=True, share=0.5)
VALUES, COLUMNS, STARTS = SMALL.entries
both_calls = pytest.mark.parametrize("call_", [call_epoch, call_gradient])


def with_first(array, value):
    return np.concatenate([[value], array[1:]]).astype(array.dtype)


REFUSED = {
    "values_of_single_precision": (VALUES.astype(np.float32), COLUMNS, STARTS),
    "long_columns": (VALUES, COLUMNS.astype(np.int64), STARTS),
    "short_starts": (VALUES, COLUMNS, STARTS.astype(np.int32)),
    "fewer_values": (VALUES[:-1], COLUMNS, STARTS),
    "fewer_entries": (VALUES[:-1], COLUMNS[:-1], STARTS),
    "fewer_rows": (VALUES, COLUMNS, STARTS[:-1]),
    "no_start": (VALUES, COLUMNS, STARTS[:0]),
    "column_too_large": (VALUES, with_first(COLUMNS, 4), STARTS),
    "negative_column": (VALUES, with_first(COLUMNS, -1), STARTS),
    "negative_start": (VALUES, COLUMNS, with_first(STARTS, -1)),
    "descending_starts": (VALUES, COLUMNS, with_first(STARTS, len(VALUES))),
    "every_second_value": (np.repeat(VALUES, 2)[::2], COLUMNS, STARTS),
    "two_arrays": (VALUES, COLUMNS),
}


@both_calls
def test_the_entries_of_a_case_are_not_refused(call_):
    call_(X=SMALL.entries)


@both_calls
@pytest.mark.parametrize("given", REFUSED.values(), ids=list(REFUSED))
def test_entries_that_are_no_matrix_of_this_shape_are_refused(call_, given):
    with pytest.raises(ValueError, match=r"Expected|contiguous|unpack"):
        call_(X=given)


@both_calls
def test_values_that_are_results_too_are_refused(call_):
    theta = np.zeros(SMALL.network.n_parameters)
    result = {"theta": theta} if call_ is call_epoch else {"Delta": theta}
    with pytest.raises(ValueError, match="share no memory"):
        call_(X=(theta[: len(VALUES)], COLUMNS, STARTS), **result)


def test_a_case_without_rows_has_no_loss():
    case = replace(SMALL, n_rows=0)
    losses, Delta = case.loss_and_gradient(X=case.entries)
    assert losses == 0
    assert not Delta.any()
