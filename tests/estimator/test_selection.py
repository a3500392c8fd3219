"""skbp.estimator.selection: the best λ, the simplest one near it, and greedy ensembles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.metrics import log_loss

from skbp.estimator.selection import best, greedy_ensemble, one_standard_error, standard_error

NAN = np.nan
# two folds, two networks, three values of λ
SCORES = np.array(
    [
        [[-0.5, -0.3, -0.4], [-0.6, -0.2, NAN]],
        [[-0.5, -0.5, -0.2], [-0.6, NAN, NAN]],
    ]
)


def test_the_best_mean_wins_and_a_path_that_ended_in_a_fold_does_not():
    assert best(SCORES) == (0, 2)


def test_the_first_of_equal_ones_wins():
    assert best(np.zeros((3, 2, 4))) == (0, 0)


def test_one_standard_error_by_hand():
    # means −0.5, −0.4, −0.3; the best has a standard deviation of 0.1, a standard error of 0.0707
    assert one_standard_error(SCORES) == (0, 2)
    wider = SCORES.copy()
    wider[:, 0, 2] = [-0.5, -0.1]  # now of 0.141
    assert one_standard_error(wider) == (0, 1)


def test_standard_error_is_that_of_a_mean():
    assert standard_error(np.array([1.0, 3.0, 5.0, 7.0])) == pytest.approx(5**0.5 / 2)


def test_a_greedy_ensemble_by_hand():
    # alone, the first is best; with it, the third helps more than the second
    likelihoods = [np.array([[p], [q]]) for p, q in [(0.6, 0.6), (0.9, 0.3), (0.99, 0.2)]]
    assert_array_equal(greedy_ensemble(likelihoods, None, 1), [1, 0, 0])
    losses = [-np.log((0.6 + likelihoods[k]) / 2).mean() for k in range(3)]
    chosen = greedy_ensemble(likelihoods, None, 2)
    assert chosen[int(np.argmin(losses))] >= 1
    assert chosen.sum() == 2


def test_weights_are_repeated_rows():
    rng = np.random.default_rng(0)
    likelihoods = rng.uniform(0.1, 1, (4, 6, 1))
    weight = np.array([0, 1, 2, 3, 1, 0])
    repeated = np.repeat(likelihoods, weight, axis=1)
    assert_array_equal(
        greedy_ensemble(likelihoods, weight.astype(float), 7), greedy_ensemble(repeated, None, 7)
    )


@given(st.integers(0, 1000), st.integers(1, 8))
def test_the_first_member_is_the_best_alone_and_each_next_one_is_the_best_beside(seed, n):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(3), (5, 12))
    y = rng.integers(3, size=12)
    likelihoods = p[:, np.arange(12), y][:, :, np.newaxis]
    before = greedy_ensemble(likelihoods, None, n)
    after = greedy_ensemble(likelihoods, None, n + 1)
    [added] = np.flatnonzero(after - before)
    losses = [
        log_loss(y, np.tensordot(before + np.eye(5)[k], p, 1) / (n + 1), labels=[0, 1, 2])
        for k in range(5)
    ]
    assert losses[added] == pytest.approx(min(losses))


def test_a_probability_of_0_is_no_nan():
    likelihoods = np.array([[[0.0], [1.0]], [[0.5], [0.5]]])
    assert_array_equal(greedy_ensemble(likelihoods, None, 1), [0, 1])
