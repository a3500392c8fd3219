"""skbp.monitor: loss curves, printed lines, divergence, validation and early stopping."""

import math
import pickle
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbp.monitor import History, Monitor

inf, nan = math.inf, math.nan


def watched(*losses, verbose=False):
    """Return a monitor that has seen these losses, with the weights (1, 2)."""
    monitor = Monitor(verbose=verbose)
    for loss in losses:
        monitor(np.array([1.0, 2.0]), loss)
    return monitor


def validating(*scores, **parameters):
    """Return a monitor that will see these scores, with the negative ones as losses."""
    results = iter([(-score, score) for score in scores])
    return Monitor(validate=lambda theta: next(results), **parameters)


def stops_at(monitor, n_iterations):
    """Return the index of the iteration that stops the monitor, or None."""
    return next((i for i in range(n_iterations) if monitor(np.array([i, 1.0]), 0.5)), None)


def test_a_new_monitor_has_seen_nothing():
    monitor = Monitor()
    history = monitor.history
    assert (history.n_iter, history.loss_curve, history.theta) == (0, [], None)
    assert (history.validation_losses, history.validation_scores) == ([], [])
    assert (history.best_iter, history.best_theta) == (None, None)
    assert not monitor.has_seen_enough


def test_it_keeps_the_loss_curve():
    monitor = watched(0.5, 0.25, 0.75)
    assert monitor.history.loss_curve == [0.5, 0.25, 0.75]
    assert monitor.history.n_iter == 3


def test_its_losses_are_python_floats():
    monitor = watched(np.float32(0.5))
    assert type(monitor.history.loss_curve[0]) is float


def test_it_keeps_a_copy_of_the_last_weights():
    monitor, theta = watched(0.5), np.array([3.0, 4.0])
    monitor(theta, 0.25)
    theta[:] = 0
    assert monitor.history.theta.tolist() == [3.0, 4.0]


def test_it_is_silent_unless_verbose(capsys):
    watched(0.5)
    assert capsys.readouterr().out == ""


def test_verbose_prints_a_line_an_iteration(capsys):
    watched(0.5, 1 / 3, verbose=True)
    assert capsys.readouterr().out == (
        "Iteration 1, loss = 0.50000000\nIteration 2, loss = 0.33333333\n"
    )


@pytest.mark.parametrize("loss", [inf, -inf, nan])
@pytest.mark.parametrize("n_before", [0, 3])
def test_a_diverging_loss_stops_it_and_names_the_iteration(loss, n_before):
    monitor = watched(*[0.5] * n_before)
    message = f"Training diverged at iteration {n_before + 1}: the loss is {loss}"
    remedies = r".*StandardScaler.*learning_rate_init, or max_grad_norm"
    with pytest.raises(ValueError, match=rf"^{message}\. {remedies}\.$"):
        monitor(np.zeros(2), loss)


@pytest.mark.parametrize("weight", [inf, nan])
def test_a_diverging_weight_stops_it_and_names_the_iteration(weight):
    monitor = watched(0.5)
    with pytest.raises(ValueError, match=r"iteration 2: the loss is 0\.25 and a weight"):
        monitor(np.array([1.0, weight]), 0.25)


@pytest.mark.parametrize(("theta", "loss"), [([0.0, 0.0], inf), ([nan, 0.0], 0.25)])
def test_the_last_finite_iteration_survives_divergence(theta, loss):
    monitor = watched(0.5)
    with pytest.raises(ValueError, match="diverged"):
        monitor(np.array(theta), loss)
    assert monitor.history.loss_curve == [0.5]
    assert monitor.history.theta.tolist() == [1.0, 2.0]


def test_a_diverging_iteration_is_not_printed(capsys):
    with pytest.raises(ValueError, match="diverged"):
        watched(nan, verbose=True)
    assert capsys.readouterr().out == ""


def test_a_loss_alone_never_stops_it():
    assert stops_at(Monitor(n_iter_no_change=1), 100) is None


@pytest.mark.parametrize("told", [None, False])
def test_it_tells_the_solver_to_go_on_in_so_many_words(told):
    assert Monitor(after_iteration=lambda theta: told)(np.zeros(1), 0.5) is False


# ------------------------------------------------------------------------------- validation


def test_each_iterations_weights_are_validated_once():
    seen = []

    def validate(theta):
        seen.append(theta.tolist())
        return 0.25, 0.75

    stops_at(Monitor(validate=validate), 3)
    assert seen == [[0, 1], [1, 1], [2, 1]]


def test_it_keeps_the_validation_curves():
    monitor = validating(0.25, 0.5, 0.125)
    stops_at(monitor, 3)
    assert monitor.history.validation_scores == [0.25, 0.5, 0.125]
    assert monitor.history.validation_losses == [-0.25, -0.5, -0.125]
    assert monitor.history.loss_curve == [0.5, 0.5, 0.5]


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
    monitor = validating(*scores)
    stops_at(monitor, len(scores))
    assert monitor.history.best_iter == best
    assert monitor.history.best_theta.tolist() == [best, 1]


def test_the_best_weights_are_a_copy():
    monitor, theta = validating(1, 0), np.array([3.0, 4.0])
    monitor(theta, 0.5)
    theta[:] = 0
    monitor(theta, 0.5)
    assert monitor.history.best_theta.tolist() == [3, 4]
    assert monitor.history.theta.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("n", "scores", "index"),
    [
        (1, [1, 1], 1),
        (2, [1, 1, 1, 1], 2),
        (3, [5, 4, 3, 2, 1], 3),
        # the count starts again with each improvement by tol
        (2, [1, 1, 1.25, 1, 1.25, 1], 4),
        (2, [1, 1.25, 1.5, 1.75, 2], None),
        # less than tol above the best is none, however often
        (2, [1, 1.125, 1.25, 1.375], 2),
        (2, [1, 0.5, 1.25, 1.375, 1.5], 4),
        (inf, 100 * [1], None),
    ],
)
def test_it_stops_after_exactly_n_iterations_without_a_better_score(n, scores, index):
    monitor = validating(*scores, n_iter_no_change=n, tol=0.25)
    assert stops_at(monitor, len(scores)) == index
    assert monitor.has_seen_enough == (index is not None)


def test_a_falling_loss_does_not_help_a_score_that_has_stopped_rising():
    monitor = validating(*10 * [1], n_iter_no_change=2)
    assert [monitor(np.zeros(1), 1 / i) for i in (1, 2, 3)] == [False, False, True]


def test_verbose_prints_the_validation_score(capsys):
    stops_at(validating(0.75, -1 / 3, verbose=True), 2)
    assert capsys.readouterr().out == (
        "Iteration 1, loss = 0.50000000, validation score = 0.75000000\n"
        "Iteration 2, loss = 0.50000000, validation score = -0.33333333\n"
    )


def test_a_diverging_iteration_is_not_validated():
    monitor = validating(1, 0)
    monitor(np.ones(1), 0.5)
    with pytest.raises(ValueError, match="diverged"):
        monitor(np.ones(1), nan)
    assert monitor.history.validation_scores == [1]
    assert monitor.history.best_theta.tolist() == [1]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_iteration_whose_validation_fails_leaves_no_trace(error):
    def validate(theta):
        if theta[0] == 2:
            raise error
        return 0.25, 0.75

    monitor = Monitor(validate=validate)
    with pytest.raises(error):
        stops_at(monitor, 5)
    history = monitor.history
    assert (history.n_iter, history.theta.tolist(), history.plateau.length) == (2, [1, 1], 1)
    assert history.validation_losses == [0.25, 0.25]
    assert history.validation_scores == [0.75, 0.75]


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=30),
    st.integers(1, 5),
    st.integers(1, 3),
)
def test_early_stopping_by_definition(scores, n, tol):
    monitor = validating(*scores, n_iter_no_change=n, tol=tol)
    stopped = stops_at(monitor, len(scores))

    def improves(i):
        return i == 0 or scores[i] >= max(scores[:i]) + tol

    expected = [i for i in range(n, len(scores)) if not any(map(improves, range(i - n + 1, i + 1)))]
    assert stopped == (expected[0] if expected else None)
    seen = scores if stopped is None else scores[: stopped + 1]
    assert monitor.history.validation_scores == seen
    assert monitor.history.best_iter == seen.index(max(seen))


# -------------------------------------------------------------------------- after_iteration


def test_after_iteration_sees_the_weights_of_each_iteration():
    seen = []
    assert stops_at(Monitor(after_iteration=seen.append), 3) is None
    assert [theta.tolist() for theta in seen] == [[0, 1], [1, 1], [2, 1]]


def test_after_iteration_may_keep_the_weights():
    seen, theta = [], np.array([3.0, 4.0])
    monitor = Monitor(after_iteration=seen.append)
    monitor(theta, 0.5)
    theta[:] = 0
    monitor(theta, 0.5)
    assert seen[0].tolist() == [3, 4]


def test_after_iteration_comes_when_all_else_is_done(capsys):
    def after_iteration(theta):
        history = monitor.history
        print(history.n_iter, history.theta, history.validation_scores, history.best_iter)

    monitor = validating(0.25, verbose=True, after_iteration=after_iteration)
    monitor(np.ones(1), 0.5)
    assert capsys.readouterr().out.splitlines()[1:] == ["1 [1.] [0.25] 0"]


def test_after_iteration_that_returns_true_stops_it():
    assert stops_at(Monitor(after_iteration=lambda theta: theta[0] == 3), 10) == 3


def test_after_iteration_is_called_where_the_score_stops_it_too():
    seen = []
    monitor = validating(1, 1, 1, n_iter_no_change=2, after_iteration=seen.append)
    assert stops_at(monitor, 3) == 2
    assert len(seen) == 3


def test_a_diverging_iteration_has_no_after_iteration():
    seen = []
    with pytest.raises(ValueError, match="diverged"):
        Monitor(after_iteration=seen.append)(np.zeros(1), inf)
    assert seen == []


# ---------------------------------------------------------------------------------- history


def test_a_new_history_is_empty_and_its_own():
    first, second = History(), History()
    first.add(np.zeros(1), 0.5, (0.25, 0.75), tol=0)
    assert (second.n_iter, second.validation_scores, second.plateau.best) == (0, [], inf)


@pytest.mark.parametrize("n_before", [0, 1, 3])
def test_a_monitor_with_a_pickled_history_goes_on(n_before):
    scores = [1, 2, 4, 3, 3, 4, 4, 4]
    undisturbed = validating(*scores, n_iter_no_change=5)
    expected = stops_at(undisturbed, 8)
    before = validating(*scores, n_iter_no_change=5)
    assert stops_at(before, n_before) is None
    history = pickle.loads(pickle.dumps(before.history))
    after = validating(*scores[n_before:], n_iter_no_change=5, history=history)
    assert expected == 7
    assert stops_at(after, 8) == expected - n_before
    assert after.history is history
    for name in ("loss_curve", "validation_losses", "validation_scores", "best_iter", "plateau"):
        assert getattr(history, name) == getattr(undisturbed.history, name)
    # the weights tell how many iterations this monitor saw
    assert history.theta.tolist() == [7 - n_before, 1]


def test_a_monitor_whose_history_has_seen_enough_knows_it_at_once():
    before = validating(*4 * [1], n_iter_no_change=3)
    assert stops_at(before, 4) == 3
    assert Monitor(n_iter_no_change=3, history=before.history).has_seen_enough
    assert not Monitor(n_iter_no_change=4, history=before.history).has_seen_enough


def test_divergence_counts_the_iterations_of_the_history():
    with pytest.raises(ValueError, match="diverged at iteration 4"):
        Monitor(history=watched(0.5, 0.5, 0.5).history)(np.zeros(1), nan)


class Fragile(History):
    """A history in which Ctrl-C comes instead of the n-th assignment from now on."""

    def __setattr__(self, name, value):
        if vars(self).get("countdown") == 0:
            vars(self)["countdown"] = None
            raise KeyboardInterrupt
        if vars(self).get("countdown") is not None:
            vars(self)["countdown"] -= 1
        super().__setattr__(name, value)


@pytest.mark.parametrize("n", range(8))
@pytest.mark.parametrize("scores", [[1, 2], [2, 1], [2, 2]])
def test_an_iteration_that_is_interrupted_while_it_is_noted_is_whole_or_absent(scores, n):
    fragile = Fragile()
    fragile.add(np.full(1, 0), 0.5, (0.25, scores[0]), tol=0)
    vars(fragile)["countdown"] = n
    with suppress(KeyboardInterrupt):
        fragile.add(np.full(1, 1), 0.25, (0.125, scores[1]), tol=0)
    fragile.settle()
    assert fragile.n_iter == (1 if n == 0 else 2)

    undisturbed = History()
    for i, (loss, score) in enumerate(zip([0.5, 0.25], scores, strict=True)):
        if i < fragile.n_iter:
            undisturbed.add(np.full(1, i), loss, (loss / 2, score), tol=0)
    seen = {name: value for name, value in vars(fragile).items() if name != "countdown"}
    assert seen == vars(undisturbed)
