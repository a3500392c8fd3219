"""Fixtures for the tests of threads."""

import pytest
from thread_pools import all_with_two_threads, limited_blas, pools, two_cores_and_threads


@pytest.fixture
def two_blas_threads():
    """Give every BLAS pool two threads, whatever the machine."""
    with limited_blas(2):
        assert pools() == all_with_two_threads()
        yield


@pytest.fixture
def two_cores():
    """Let skbp compute on two threads, whatever the machine."""
    with two_cores_and_threads():
        yield
