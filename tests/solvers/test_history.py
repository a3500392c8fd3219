"""skbp.solvers.history: loss curves, the last and the best weights, and Ctrl-C."""

import math
import pickle
import sys
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbp.solvers import Plateau
from skbp.solvers.history import History


def history_of(losses, scores=None, tol=0):
    """Return a history of iterations whose weights are their index and 1."""
    history = History()
    for i, loss in enumerate(losses):
        validation = None if scores is None else (-scores[i], scores[i])
        history.add(np.array([i, 1.0]), loss, validation, tol)
    return history


def seen(history):
    """Return all that a history knows, in a form that can be compared."""
    last = history.last
    theta, best_theta = (
        None if array is None else array.tolist() for array in (last.theta, last.best_theta)
    )
    return (
        history.loss_curve,
        history.validation_loss_curve,
        history.validation_scores,
        (last.n_iter, last.best_loss, last.best_iter, last.best_score, last.plateau),
        (theta, best_theta),
    )


def test_a_new_history_is_empty():
    history = History()
    assert seen(history) == ([], [], [], (0, math.inf, None, -math.inf, Plateau()), (None, None))
    assert history.best is None


def test_two_histories_share_nothing():
    first, second = History(), History()
    first.add(np.zeros(1), 0.5, (0.25, 0.75), tol=0)
    assert seen(second) == seen(History())


def test_it_keeps_the_losses_as_python_floats():
    history = history_of([np.float32(0.5), 0.25, 0.75])
    assert history.loss_curve == [0.5, 0.25, 0.75]
    assert {type(loss) for loss in history.loss_curve} == {float}
    assert (history.loss, history.last.best_loss, history.last.n_iter) == (0.75, 0.25, 3)


def test_it_keeps_the_last_and_the_best_weights():
    history = History()
    history.add(np.array([3.0, 4.0]), 0.5, (0.0, 1.0), tol=0)
    history.add(np.array([0.0, 0.0]), 0.5, (0.0, 0.0), tol=0)
    assert history.last.theta.tolist() == [0, 0]
    best_theta, loss = history.best
    assert (best_theta.tolist(), loss) == ([3, 4], 0.5)


def test_the_curves_are_copies():
    history = history_of([0.5], [1.0])
    for curve in (history.loss_curve, history.validation_loss_curve, history.validation_scores):
        curve.append(0.0)
    assert seen(history) == seen(history_of([0.5], [1.0]))


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([1, 2, 3], 2),
        ([3, 2, 1], 0),
        ([1, 3, 2], 1),
        ([1, 3, 3, 2, 3], 1),
        ([-2, -2, -2], 0),
        ([1, 1 + 1e-12, 1], 1),
    ],
)
def test_the_best_iteration_is_the_first_one_with_the_best_score(scores, best):
    history = history_of(np.arange(len(scores)) / 8, scores)
    assert history.last.best_iter == best
    theta, loss = history.best
    assert (theta.tolist(), loss) == ([best, 1], best / 8)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(0, 3))
def test_the_plateau_counts_the_scores_since_the_last_improvement(scores, tol):
    history = history_of([0.5] * len(scores), scores, tol)
    improved = [0]
    for i, score in enumerate(scores[1:], start=1):
        if score >= scores[improved[-1]] + tol:
            improved.append(i)
    assert history.last.plateau.length == len(scores) - 1 - improved[-1]


def test_a_history_continues_a_loss_curve():
    history = History([0.5, 0.25], best_loss=0.25)
    history.add(np.zeros(1), 0.75, None, tol=0)
    assert history.loss_curve == [0.5, 0.25, 0.75]
    assert (history.last.n_iter, history.last.best_loss, history.loss) == (3, 0.25, 0.75)


def test_without_weights_it_keeps_the_curves():
    history = history_of([0.5, 0.25], [2, 1]).without_weights()
    assert (history.last.theta, history.last.best_theta, history.best) == (None, None, None)
    assert (history.loss_curve, history.last.best_iter) == ([0.5, 0.25], 0)


def test_a_pickled_history_continues():
    losses, scores = [0.5, 0.25, 0.75, 0.125], [1, 3, 2, 4]
    history = pickle.loads(pickle.dumps(history_of(losses[:2], scores[:2])))
    for i in (2, 3):
        history.add(np.array([i, 1.0]), losses[i], (-scores[i], scores[i]), tol=0)
    assert seen(history) == seen(history_of(losses, scores))


class Interrupter:
    """A trace function with which Ctrl-C comes before the n-th line of `History.add`."""

    def __init__(self, n):
        self.n_left = n

    def __call__(self, frame, event, argument):
        if frame.f_code is not History.add.__code__:
            return None
        if event == "line":
            if self.n_left == 0:
                raise KeyboardInterrupt
            self.n_left -= 1
        return self


@pytest.mark.parametrize("scores", [[1, 2, 3], [2, 1, 3], [2, 2, 2]])
def test_an_iteration_that_is_interrupted_while_it_is_added_is_whole_or_absent(scores):
    losses, n_complete = [0.5, 0.25, 0.75], set()
    for n in range(30):
        history = history_of(losses[:1], scores[:1])
        before = sys.gettrace()
        sys.settrace(Interrupter(n))
        try:
            with suppress(KeyboardInterrupt):
                history.add(np.array([1, 1.0]), losses[1], (-scores[1], scores[1]), tol=0)
        finally:
            sys.settrace(before)
        n_iter = history.last.n_iter
        n_complete.add(n_iter)
        assert seen(history) == seen(history_of(losses[:n_iter], scores[:n_iter]))
        # a value that was left over does not disturb the iteration that comes instead
        for i in range(n_iter, 3):
            history.add(np.array([i, 1.0]), losses[i], (-scores[i], scores[i]), tol=0)
        assert seen(history) == seen(history_of(losses, scores))
    assert n_complete == {1, 2}  # so it was interrupted before the end, and after it
