"""skbp.monitor: the loss curve, the printed lines, divergence and patience."""

import math

import numpy as np
import pytest

from skbp.monitor import Monitor, Patience

inf, nan = math.inf, math.nan


def watched(*losses, verbose=False):
    """Return a monitor that has seen these losses, with the weights (1, 2)."""
    monitor = Monitor(verbose=verbose)
    for loss in losses:
        monitor(np.array([1.0, 2.0]), loss)
    return monitor


def stops_at(patience, losses):
    """Return the index of the loss that exhausts the patience, or None."""
    return next((i for i, loss in enumerate(losses) if patience.exhausted_by(loss)), None)


def test_a_new_monitor_has_seen_nothing():
    monitor = Monitor()
    assert (monitor.n_iter, monitor.loss_curve, monitor.theta) == (0, [], None)


def test_it_keeps_the_loss_curve():
    monitor = watched(0.5, 0.25, 0.75)
    assert monitor.loss_curve == [0.5, 0.25, 0.75]
    assert monitor.n_iter == 3


def test_its_losses_are_python_floats():
    monitor = watched(np.float32(0.5))
    assert type(monitor.loss_curve[0]) is float


def test_it_keeps_a_copy_of_the_last_weights():
    monitor, theta = watched(0.5), np.array([3.0, 4.0])
    monitor(theta, 0.25)
    theta[:] = 0
    assert monitor.theta.tolist() == [3.0, 4.0]


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
    with pytest.raises(ValueError, match=rf"^{message}\. .*StandardScaler.*learning_rate_init\.$"):
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
    assert monitor.loss_curve == [0.5]
    assert monitor.theta.tolist() == [1.0, 2.0]


def test_a_diverging_iteration_is_not_printed(capsys):
    with pytest.raises(ValueError, match="diverged"):
        watched(nan, verbose=True)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("n", "losses", "index"),
    [
        (1, [1, 1], 1),
        (2, [1, 1, 1, 1], 2),
        (3, [1, 1, 1, 1, 1], 3),
        (3, [1, 2, 3, 4, 5], 3),
        (2, [1, 1, 0.5, 1, 1, 1], 4),
        (2, [1, 2, 1.5, 0.5, 0.25], 2),
        (2, [1, 2, 0.5, 2, 0.4, 2, 0.3], None),
        (2, [5, 4, 3, 2, 1], None),
        (inf, [1] * 1000, None),
    ],
)
def test_patience_counts_exactly_n(n, losses, index):
    assert stops_at(Patience(tol=0.01, n_iter_no_change=n), losses) == index


@pytest.mark.parametrize(
    ("tol", "losses", "index"),
    [
        (0.25, [1, 0.75, 0.5, 0.25], None),
        (0.25, [1, 0.875, 0.75, 0.625], 2),
        (0.25, [1, 0.875, 0.625, 0.5], None),
        (0.5, [1, 0.75, 0.5, 0.25], 2),
        (0, [1, 1 + 1e-9, 1 + 1e-9], 2),
        (0, [1, 1, 1, 1], None),
    ],
)
def test_an_improvement_is_by_at_least_tol_on_the_best_loss(tol, losses, index):
    assert stops_at(Patience(tol, n_iter_no_change=2), losses) == index


def test_patience_stays_exhausted_until_restarted():
    patience = Patience(tol=0.01, n_iter_no_change=2)
    assert stops_at(patience, [1, 1, 1]) == 2
    assert patience.exhausted_by(1)


def test_restart_counts_anew_from_the_best_loss():
    patience = Patience(tol=0.01, n_iter_no_change=2)
    assert stops_at(patience, [3, 1, 2, 2]) == 3
    patience.restart()
    assert stops_at(patience, [1.5, 1.5]) == 1


def test_patience_knows_the_first_and_the_best_loss():
    patience = Patience(tol=0.01, n_iter_no_change=10)
    stops_at(patience, [3, 1, 2])
    patience.restart()
    assert (patience.first, patience.best) == (3, 1)
