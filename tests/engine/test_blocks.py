"""skbp.engine.blocks: which rows are computed together, and on which threads."""

import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from thread_pools import (
    all_single_threaded,
    all_with_two_threads,
    pools,
    returns_its_thread,
    skbps_threads,
)
from threadpoolctl import threadpool_limits

from skbp.activations import Activation
from skbp.dropout import with_dropout
from skbp.engine import outputs
from skbp.engine.blocks import blocks, map_blocks
from skbp.losses import SoftmaxLogLoss
from skbp.network import Network
from skbp.objective import Objective

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


# ---------------------------------------------------------------------------- on threads

SIZES, N_ROWS = (4, 600, 3), 5000
NETWORK = Network(SIZES, "tanh", "softmax")
BLOCKS = blocks(N_ROWS, NETWORK.n_parameters)


class OwnLoss(SoftmaxLogLoss):
    """A loss that notes which threads call it, but is not made for several."""

    def __init__(self):
        self.threads = set()

    def per_row(self, z, a, Y):
        self.threads.add(threading.current_thread())
        return super().per_row(z, a, Y)


def own_activation():
    """Return a hidden activation of the user, and the set of the threads that call it."""
    threads = set()

    def g(z):
        threads.add(threading.current_thread())
        return np.tanh(z)

    return Activation(g, lambda a: 1 - a * a, "tanh"), threads


OWN_PARTS = {
    "activation": (Network(SIZES, own_activation()[0], "softmax"), None),
    "loss": (NETWORK, OwnLoss()),
    "dropout": (with_dropout(NETWORK, 0.5, np.random.RandomState(0)), None),
}


def test_the_results_of_the_blocks_are_in_their_order(two_cores):
    assert len(BLOCKS) > 2
    assert list(map_blocks(lambda rows: rows, N_ROWS, NETWORK)) == BLOCKS


@pytest.mark.parametrize("n_rows", [0, 1, 20])
def test_a_few_rows_are_a_single_block(n_rows, two_cores):
    found = list(map_blocks(lambda rows: (rows, threading.current_thread()), n_rows, NETWORK))
    assert found == [(slice(0, n_rows), threading.current_thread())]


def test_blocks_are_computed_on_several_threads(two_cores):
    threads = set(map_blocks(returns_its_thread(), N_ROWS, NETWORK, SoftmaxLogLoss()))
    assert len(threads) == 2
    assert threading.current_thread() not in threads


@pytest.mark.parametrize(("network", "loss"), OWN_PARTS.values(), ids=list(OWN_PARTS))
def test_blocks_of_own_parts_are_computed_on_one_thread(network, loss, two_cores):
    threads = map_blocks(returns_its_thread(), N_ROWS, network, loss)
    assert set(threads) == {threading.current_thread()}


@pytest.mark.parametrize("n_rows", [20, N_ROWS])
@pytest.mark.parametrize("network", [NETWORK, OWN_PARTS["activation"][0]], ids=["skbps", "own"])
def test_blas_has_one_thread_while_much_is_computed(network, n_rows, two_cores):
    for found in map_blocks(lambda _: pools(), n_rows, network):
        assert found == all_single_threaded()
    assert pools() == all_with_two_threads()


@pytest.mark.parametrize("network", [NETWORK, OWN_PARTS["activation"][0]], ids=["skbps", "own"])
def test_an_error_in_a_block_is_raised_and_restores_the_threads(network, two_cores):
    def fail(rows):
        if rows != BLOCKS[0]:
            raise ValueError(f"row {rows.start}")

    with pytest.raises(ValueError, match=f"row {BLOCKS[1].start}"):
        list(map_blocks(fail, N_ROWS, network))
    assert pools() == all_with_two_threads()
    assert not skbps_threads()


def large_data():
    generator = np.random.default_rng(0)
    return generator.normal(size=(N_ROWS, 4)), np.eye(3)[generator.integers(3, size=N_ROWS)]


def test_a_cost_calls_an_own_loss_from_one_thread(two_cores):
    loss = OwnLoss()
    Objective(NETWORK, *large_data(), loss)(NETWORK.initialize(0))
    assert loss.threads == {threading.current_thread()}


def test_a_network_calls_an_own_activation_from_one_thread(two_cores):
    activation, threads = own_activation()
    network = Network(SIZES, activation, "softmax")
    X, Y = large_data()
    Objective(network, X, Y)(network.initialize(0))
    weights = [np.ones((4, 600)), np.ones((600, 3))], [np.ones(600), np.ones(3)]
    outputs(network, weights, X)
    assert threads == {threading.current_thread()}
