"""skbp.engine._kernels, with every instruction set: epochs, threads and Ctrl-C."""

import platform
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from kernel_cases import (
    GUARD,
    PAIRS,
    Case,
    assert_same,
    averages_of,
    every_instruction_set,
    fields_of,
    guarded,
    over_activations,
)
from numpy.testing import assert_allclose, assert_array_equal

from skbp.engine.compiled import kernels
from skbp.solvers import Adam, Momentum

ETA, LAMBDA = 0.05, 0.3
RULES = {
    "sgd": Momentum(0.0, nesterov=False),
    "momentum": Momentum(0.8, nesterov=False),
    "nesterov": Momentum(0.8, nesterov=True),
    "adam": Adam(),
    "other_adam": Adam(beta_1=0.5, beta_2=0.7, epsilon=1e-3),
}

over_rules = pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
instruction_set = every_instruction_set()


# ------------------------------------------------------------------------ the update rules


def epoch(case, theta, state, rule, order=None, batch_size=3, max_norm=-1.0, X=None):
    """Return the sum of J times the number of rows over the batches, computed by the kernel."""
    objective = case.objective(LAMBDA)
    batches = {"batch_size": batch_size, "max_norm": max_norm}
    batches |= {"lambda_m": objective.alpha / objective.m, "mean_weight": objective.mean_weight}
    losses, t = kernels.epoch(
        case.plan,
        theta,
        (objective.X if X is None else X, objective.Y, objective.sample_weight),
        order,
        batches,
        fields_of(rule, ETA, state.get("t", 0)),
        averages_of(state),
    )
    if "t" in state:
        state["t"] = t
    return losses


def epoch_by_hand(case, theta, state, rule, order=None, batch_size=3, max_norm=-1.0):
    """Return the same, computed with NumPy."""
    objective, losses = case.objective(LAMBDA), 0.0
    order = np.arange(case.n_rows) if order is None else order
    for start in range(0, case.n_rows, batch_size):
        batch = objective.take(order[start : start + batch_size])
        J, D = batch(theta)
        losses += J * batch.n_rows
        norm = np.linalg.norm(D)
        if norm > max_norm >= 0:
            D = D * (max_norm / norm)
        if batch.has_weight:
            theta += rule.update(D, state, ETA)
    return losses


def assert_same_epochs(case, rule, tolerance=1e-10, X=None, **options):
    """Compare two epochs, with the averages of the first in the second; return the state."""
    theta, state = case.theta, rule.init(case.theta)
    expected_theta, expected_state = case.theta, rule.init(case.theta)
    for _ in range(2):
        losses = epoch(case, theta, state, rule, X=X, **options)
        expected_losses = epoch_by_hand(case, expected_theta, expected_state, rule, **options)
        assert_allclose(losses, expected_losses, tolerance)
    expected = [expected_theta, *averages_of(expected_state)]
    assert_same([theta, *averages_of(state)], expected, tolerance)
    assert state.get("t") == expected_state.get("t")
    return state


NETWORKS = [((4, 3), -1.0), ((5, 8, 3), 0.1), ((5, 2, 3), 0.0), ((5, 7, 3, 1), 0.05)]


@over_rules
@pytest.mark.parametrize("first", range(4))
def test_epochs_are_those_of_the_update_rules(rule, first):
    # each number of rows a batch comes with each network; half of them weighted, half shuffled
    weighted, order = first in (1, 2), np.random.default_rng(3).permutation(71)
    for i, batch_size in enumerate((1, 2, 3, 4, 32, 71, 1000), start=first):
        sizes, max_norm = NETWORKS[i % 4]
        options = {"batch_size": batch_size, "max_norm": max_norm}
        options["order"] = order if first >= 2 else None
        assert_same_epochs(Case(sizes, 71, weighted=weighted), rule, **options)


@over_rules
def test_epochs_of_large_layers_and_large_batches(rule):
    assert_same_epochs(Case((300, 500, 3), 10), rule, batch_size=8)
    assert_same_epochs(Case((4, 5, 3), 1300, weighted=True), rule, batch_size=600)
    assert_same_epochs(Case((4, 5, 3), 1030, weighted=True), rule, batch_size=514)


@over_rules
def test_epochs_in_single_precision(rule):
    order = np.random.default_rng(3).permutation(71)
    case = Case((5, 8, 3), 71, dtype=np.float32, weighted=True)
    assert_same_epochs(case, rule, 1e-4, order=order, batch_size=10, max_norm=-1.05)


@over_activations
def test_epochs_of_every_activation_output_and_loss(activation):
    for pair in PAIRS:
        assert_same_epochs(Case((4, 5, 3), 30, activation, pair), Adam(), batch_size=1)
        assert_same_epochs(Case((4, 5, 3), 30, activation, pair), Momentum(), batch_size=8)


def test_adam_counts_the_steps_it_makes():
    # of nine rows, the three from the second on, three apart, have a weight of 0: no step
    assert assert_same_epochs(Case((4, 3), 9, weighted=True), Adam(), batch_size=1)["t"] == 2 * 6
    assert assert_same_epochs(Case((4, 3), 9), Adam(), batch_size=4)["t"] == 2 * 3
    weightless_first = np.array([1, 4, 7, 0, 2, 3, 5, 6, 8])
    case = Case((4, 3), 9, weighted=True)
    assert assert_same_epochs(case, Adam(), order=weightless_first)["t"] == 2 * 2


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="only these take longer for subnormals"
)
@pytest.mark.parametrize("rule", ["nesterov", "adam"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_averages_do_not_stay_subnormal(rule, dtype):
    case = Case((3, 5, 2), n_rows=4, dtype=dtype)
    theta = np.zeros_like(case.theta)
    state, smallest = RULES[rule].init(theta), np.finfo(dtype).smallest_subnormal
    average = averages_of(state)[0]
    average[:] = smallest
    epoch(case, theta, state, RULES[rule], X=np.zeros_like(case.data[0]))
    of_inputs = case.network.unpack(average)[0][:, 1:]  # their gradient is 0
    assert (of_inputs == 0).all()
    assert (np.full(3, smallest) * 2 > 0).all()  # after the epoch there are subnormals again


def test_an_order_may_leave_rows_out_and_repeat_others():
    order = np.array([3, 3, 0, 8, 8, 8, 1, 2, 0])
    assert_same_epochs(Case((4, 5, 3), 9, weighted=True), Adam(), order=order, batch_size=4)


def theta_of_rows_times(factor, dtype, max_norm):
    """Return θ after an epoch of one batch from θ = 0, of rows that are multiplied."""
    case, rule = Case((4, 3), 6, dtype=dtype), RULES["sgd"]
    theta = np.zeros_like(case.theta)
    X = case.data[0] * dtype(factor)
    epoch(case, theta, rule.init(theta), rule, batch_size=6, max_norm=max_norm, X=X)
    return theta


@pytest.mark.parametrize(("dtype", "factor"), [(np.float64, 1e200), (np.float32, 1e30)])
def test_gradients_whose_squares_overflow_are_clipped(dtype, factor):
    theta = theta_of_rows_times(factor, dtype, max_norm=2.0)
    assert_allclose(np.linalg.norm(theta), ETA * 2.0, rtol=10 * np.finfo(dtype).eps)


@pytest.mark.parametrize("max_norm", [-1.0, 2.0])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_gradients_that_are_not_finite_stay_visible(value, max_norm):
    assert not np.isfinite(theta_of_rows_times(value, np.float64, max_norm)).all()


@pytest.mark.parametrize("sizes", [(1, 1), (7, 1, 9, 8), (8, 9, 25, 3), (600, 500, 5)], ids=str)
def test_nothing_is_written_beside_the_weights_and_averages(sizes):
    for batch_size, dtype in [(1, np.float32), (5, np.float64)]:
        case = Case(sizes, 9, dtype=dtype)
        theta, theta_is_guarded = guarded(case.theta)
        m, m_is_guarded = guarded(np.zeros_like(theta))
        v, v_is_guarded = guarded(np.zeros_like(theta))
        epoch(case, theta, {"m": m, "v": v, "t": 0}, Adam(), batch_size=batch_size)
        assert theta_is_guarded()
        assert m_is_guarded()
        assert v_is_guarded()
        assert GUARD not in theta


@pytest.mark.parametrize("batch_size", [2**31, 2**60, 2**62, 2**63 - 1, 2**70])
def test_batches_may_be_larger_than_any_number_of_rows(batch_size):
    for case in (Case((3, 1), 6), Case((4, 5, 3), 6, weighted=True)):  # 4 and 43 weights
        theta, expected = case.theta, case.theta
        epoch(case, theta, Adam().init(theta), Adam(), batch_size=batch_size)
        epoch(case, expected, Adam().init(theta), Adam(), batch_size=6)
        assert_array_equal(theta, expected)


def test_without_rows_there_is_no_loss_and_no_step():
    case = Case((4, 5, 3), 0, weighted=True)
    batches = {"lambda_m": 0.1, "mean_weight": 1.0, "max_norm": -1.0, "batch_size": 2}
    order, rule = np.zeros(0, np.int64), fields_of(Adam(), ETA, t=7)
    for X in (case.data[0], case.data[0][::-2], np.asfortranarray(case.data[0])):
        losses, Delta = case.loss_and_gradient(X=X)
        assert losses == 0
        assert_array_equal(Delta, 0)
        assert case.outputs("softmax", X=X).shape == (0, 3)
        theta, data = case.theta, (X, *case.data[1:])
        averages = [np.zeros_like(theta), np.zeros_like(theta)]
        assert kernels.epoch(case.plan, theta, data, order, batches, rule, averages) == (0, 7)
        assert_array_equal(theta, case.theta)


# ---------------------------------------------------------------------------------- threads


def test_another_python_thread_goes_on_while_a_kernel_computes():
    case, done, ticks = Case((300, 400, 3), 3000), threading.Event(), []

    def tick():
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    with ThreadPoolExecutor(1) as executor:
        executor.submit(tick)
        begin = time.perf_counter()
        case.loss_and_gradient()
        end = time.perf_counter()
        done.set()
    # the first may come before the kernel releases the GIL, and the last after it
    assert sum(begin < tick < end for tick in ticks) >= 3


def test_several_threads_at_once_compute_the_same():
    cases = [Case((20, 30, 3), 300 + i, weighted=bool(i % 2)) for i in range(16)]
    alone = [case.loss_and_gradient() for case in cases]
    with ThreadPoolExecutor(4) as executor:
        together = list(executor.map(Case.loss_and_gradient, cases * 4))
    for (losses, Delta), (losses_alone, Delta_alone) in zip(together, alone * 4, strict=True):
        assert losses == losses_alone
        assert_array_equal(Delta, Delta_alone)


def test_ctrl_c_ends_an_epoch_soon():
    # the whole epoch would take several seconds
    n_rows, case, rule = 400_000, Case((300, 200, 3), 1), Momentum()
    X, Y = (np.broadcast_to(c, (n_rows, c.shape[1])) for c in case.data[:2])
    theta = case.theta
    batches = {"lambda_m": 0.1, "mean_weight": 1.0, "max_norm": 0.0, "batch_size": 32}
    timer = threading.Timer(0.1, signal.raise_signal, [signal.SIGINT])
    begin = time.perf_counter()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        kernels.epoch(
            case.plan,
            theta,
            (X, Y.copy(), None),
            None,
            batches,
            fields_of(rule, ETA),
            averages_of(rule.init(theta)),
        )
    assert time.perf_counter() - begin < 2
