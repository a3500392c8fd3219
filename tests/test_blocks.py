"""skbp.blocks: which rows are computed together."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_limits

from skbp.blocks import blocks

MANY = 1 << 22


def sizes(n_rows, n_parameters):
    return [block.stop - block.start for block in blocks(n_rows, n_parameters)]


@given(st.integers(0, 100_000), st.integers(1, 1 << 24))
def test_blocks_cover_each_row_once_and_in_order(n_rows, n_parameters):
    found = blocks(n_rows, n_parameters)
    assert found[0].start == 0
    assert found[-1].stop == n_rows
    assert all(block.stop == following.start for block, following in pairwise(found))
    assert all(block.step is None for block in found)
    rows = np.arange(n_rows)
    assert_array_equal(np.concatenate([rows[block] for block in found]), rows)


@given(st.integers(0, 100_000), st.integers(1, 1 << 24))
def test_blocks_are_nearly_equal_and_fit_a_cache(n_rows, n_parameters):
    of_blocks = sizes(n_rows, n_parameters)
    assert max(of_blocks) - min(of_blocks) <= 1
    if len(of_blocks) > 1:
        assert max(of_blocks) <= 2048
        # two threads have equally many
        assert len(of_blocks) % 2 == 0


@pytest.mark.parametrize(
    ("n_rows", "n_parameters", "is_divided"),
    [
        (1023, MANY, False),
        (1024, MANY, True),
        (1024, 4095, False),
        (1024, 4096, True),
        (1025, 4092, False),
        (1025, 4093, True),
        (100_000, 41, False),
        (100_000, 42, True),
        (0, MANY, False),
        (1, MANY, False),
    ],
)
def test_only_much_work_on_many_rows_is_divided(n_rows, n_parameters, is_divided):
    assert (len(blocks(n_rows, n_parameters)) > 1) == is_divided


@pytest.mark.parametrize("n_rows", [4097, 8192, 10_000, 123_457])
def test_no_more_blocks_than_needed(n_rows):
    # one pair less would have larger blocks than 2048 rows
    assert -(-n_rows // (len(sizes(n_rows, MANY)) - 2 or 1)) > 2048


@pytest.mark.parametrize("n_threads", [1, 2, 8])
def test_blocks_do_not_depend_on_the_number_of_threads(n_threads):
    expected = blocks(12_345, MANY)
    with threadpool_limits(n_threads):
        assert blocks(12_345, MANY) == expected
