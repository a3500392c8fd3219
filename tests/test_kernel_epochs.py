"""skbp._kernels, with every instruction set: epochs, what is refused, threads and Ctrl-C."""

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
    every_instruction_set,
    guarded,
    over_activations,
    unaligned,
)
from numpy.testing import assert_allclose, assert_array_equal

from skbp.fast import kernels
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
over_weights = pytest.mark.parametrize("weighted", [False, True], ids=["no_weights", "weights"])
instruction_set = every_instruction_set()


# ------------------------------------------------------------------------ the update rules


def fields_of(rule, t=0):
    unused = {"nesterov": 0, "momentum": 0, "beta_1": 0, "beta_2": 0, "epsilon": 0}
    return {**unused, **vars(rule), "is_adam": isinstance(rule, Adam), "eta": ETA, "t": t}


def averages_of(state):
    return [average for average in state.values() if isinstance(average, np.ndarray)]


def epoch(case, theta, state, rule, order=None, batch_size=3, max_norm=-1.0, X=None):
    """Return the sum of the batches' J, each times its rows, of the kernel."""
    objective = case.objective(LAMBDA)
    losses, t = kernels.epoch(
        case.plan,
        theta,
        objective.X if X is None else X,
        objective.Y,
        objective.sample_weight,
        order,
        batch_size,
        objective.alpha / objective.m,
        objective.mean_weight,
        max_norm,
        fields_of(rule, state.get("t", 0)),
        averages_of(state),
    )
    if "t" in state:
        state["t"] = t
    return losses


def epoch_by_hand(case, theta, state, rule, order=None, batch_size=3, max_norm=-1.0):
    """Return the same, of the readable modules."""
    objective, losses = case.objective(LAMBDA), 0.0
    order = np.arange(case.n_rows) if order is None else order
    for start in range(0, case.n_rows, batch_size):
        batch = objective.on(order[start : start + batch_size])
        J, D = batch(theta)
        losses += J * batch.n_rows
        norm = np.linalg.norm(D)
        if norm > max_norm >= 0:
            D = D * (max_norm / norm)
        if batch.has_weight:
            theta += rule.update(D, state, ETA)
    return losses


def assert_same_epochs(case, rule, tolerance=1e-10, **options):
    """Compare two epochs, with the averages of the first in the second; return the state."""
    theta, state = case.theta, rule.init(case.theta)
    right_theta, right_state = case.theta, rule.init(case.theta)
    for _ in range(2):
        losses = epoch(case, theta, state, rule, **options)
        right_losses = epoch_by_hand(case, right_theta, right_state, rule, **options)
        assert_allclose(losses, right_losses, tolerance)
    assert_same([theta, *averages_of(state)], [right_theta, *averages_of(right_state)], tolerance)
    assert state.get("t") == right_state.get("t")
    return state


@over_rules
@over_weights
@pytest.mark.parametrize("ordered", [False, True], ids=["as_they_are", "shuffled"])
def test_epochs_are_those_of_the_update_rules(rule, weighted, ordered):
    order = np.random.default_rng(3).permutation(71) if ordered else None
    for sizes, max_norm in [
        ((4, 3), -1.0),
        ((5, 8, 3), 0.1),
        ((5, 2, 3), 0.0),
        ((5, 7, 3, 1), 0.05),
    ]:
        case = Case(sizes, 71, weighted=weighted)
        for batch_size in (1, 2, 3, 4, 32, 71, 1000):
            assert_same_epochs(case, rule, order=order, batch_size=batch_size, max_norm=max_norm)


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


# -------------------------------------------------------------------------- what is refused

CASE = Case((4, 5, 3), 6, weighted=True)


def arguments():
    """Return what epoch and loss_and_gradient take, by name and in this order."""
    X, Y, sample_weight = CASE.data
    given = {"plan": CASE.plan, "theta": CASE.theta, "X": X, "Y": Y, "weights": sample_weight}
    options = {"order": np.arange(6), "batch_size": 2, "lambda_m": 0.1, "mean_weight": 1.0}
    averages = [np.zeros_like(CASE.theta) for _ in range(2)]
    return {**given, **options, "max_norm": -1.0, "rule": fields_of(Adam()), "averages": averages}


def call_epoch(**changed):
    return kernels.epoch(*{**arguments(), **changed}.values())


def call_gradient(**changed):
    given = {**arguments(), "Delta": np.zeros_like(CASE.theta), **changed}
    names = ("plan", "theta", "X", "Y", "weights", "Delta")
    return kernels.loss_and_gradient(*(given[name] for name in names))


def call_outputs(**changed):
    coefs, intercepts = CASE.coefs_and_intercepts
    given = {"coefs": coefs, "intercepts": intercepts, "g": CASE.plan[1]}
    given |= {"kind": kernels.KINDS["softmax"], "X": CASE.data[0], "out": np.zeros((6, 3))}
    return kernels.outputs(*{**given, **changed}.values())


CHANGES = {
    "other_float": lambda a: a.astype(np.float32),
    "long_double": lambda a: a.astype(np.longdouble),
    "integers": lambda a: a.astype(np.int64),
    "complex": lambda a: a.astype(complex),
    "objects": lambda a: a.astype(object),
    "other_byte_order": lambda a: a.astype(a.dtype.newbyteorder()),
    "unaligned": unaligned,
    "one_more_axis": lambda a: a[np.newaxis],
    "one_axis_less": lambda a: np.array(a[0]),
    "empty": lambda a: a[..., :0],
    "one_less": lambda a: a[..., :-1].copy(),
    "one_more": lambda a: np.concatenate([a, a[..., :1]], axis=-1),
}
WITH_STEPS = {
    "backwards": lambda a: a[::-1],
    "every_second": lambda a: np.repeat(a, 2, axis=0)[::2],
    "one_number": lambda a: np.broadcast_to(a[:1], a.shape),
    "by_columns": lambda a: np.asfortranarray(np.vstack([a, a]))[: len(a)],
}
UNFIT = r"Expected|fit"
over_changes = pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))


def test_what_is_not_changed_is_not_refused():
    call_epoch()
    call_gradient()
    call_outputs()


@over_changes
@pytest.mark.parametrize("name", ["theta", "X", "Y", "weights"])
def test_arrays_of_another_kind_or_shape_are_refused(name, change):
    changed = {name: change(arguments()[name])}
    with pytest.raises(ValueError, match=UNFIT):
        call_epoch(**changed)
    with pytest.raises(ValueError, match=UNFIT):
        call_gradient(**changed)


@over_changes
def test_results_of_another_kind_or_shape_are_refused(change):
    with pytest.raises(ValueError, match=UNFIT):
        call_gradient(Delta=change(CASE.theta))
    with pytest.raises(ValueError, match=UNFIT):
        call_outputs(out=change(np.zeros((6, 3))))
    for averages in (averages_of({"m": change(CASE.theta), "v": CASE.theta}), [CASE.theta] * 2):
        averages[1] = change(CASE.theta)
        with pytest.raises(ValueError, match=UNFIT):
            call_epoch(averages=averages)


@over_changes
@pytest.mark.parametrize("layer", [0, 1])
def test_weights_of_another_kind_or_shape_are_refused(layer, change):
    for name, arrays in zip(("coefs", "intercepts"), CASE.coefs_and_intercepts, strict=True):
        arrays[layer] = change(arrays[layer])
        with pytest.raises(ValueError, match=UNFIT):
            call_outputs(**{name: arrays})


@pytest.mark.parametrize("steps", WITH_STEPS.values(), ids=list(WITH_STEPS))
@pytest.mark.parametrize("name", ["theta", "Y", "weights", "order", "Delta"])
def test_arrays_that_must_be_contiguous_are_refused_otherwise(name, steps):
    array = {**arguments(), "Delta": CASE.theta}[name]
    if steps is WITH_STEPS["by_columns"]:  # a vector is so whatever its order
        name, array = "Y", arguments()["Y"]
    with pytest.raises(ValueError, match=r"contiguous|read-only"):
        (call_gradient if name == "Delta" else call_epoch)(**{name: steps(array)})


def read_only(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "call",
    [
        lambda: call_epoch(theta=read_only(CASE.theta)),
        lambda: call_epoch(averages=[read_only(CASE.theta), CASE.theta]),
        lambda: call_epoch(averages=[CASE.theta, read_only(CASE.theta)]),
        lambda: call_gradient(Delta=read_only(CASE.theta)),
        lambda: call_outputs(out=read_only(np.zeros((6, 3)))),
    ],
    ids=["theta", "m", "v", "Delta", "out"],
)
def test_read_only_results_are_refused(call):
    with pytest.raises(ValueError, match="read-only"):
        call()


@pytest.mark.parametrize("row", [-1, 6, 2**40, -(2**62)])
def test_orders_that_leave_the_rows_are_refused(row):
    with pytest.raises(ValueError, match="order must hold the row numbers 0 to 5"):
        call_epoch(order=np.array([0, 1, 2, 3, 4, row]))


@pytest.mark.parametrize(
    "order", [np.arange(5), np.arange(7), np.arange(6.0), np.arange(6, dtype=np.int32)], ids=repr
)
def test_orders_of_another_kind_or_length_are_refused(order):
    with pytest.raises(ValueError, match="Expected"):
        call_epoch(order=order)


@pytest.mark.parametrize("batch_size", [0, -2])
def test_batches_of_no_rows_are_refused(batch_size):
    with pytest.raises(ValueError, match="batch_size must be positive"):
        call_epoch(batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [2**31, 2**60, 2**62, 2**63 - 1])
def test_batches_may_be_larger_than_any_number_of_rows(batch_size):
    for case in (Case((3, 1), 6), CASE):  # of 4 weights, and of 43
        theta, right = case.theta, case.theta
        epoch(case, theta, Adam().init(theta), Adam(), batch_size=batch_size)
        epoch(case, right, Adam().init(theta), Adam(), batch_size=6)
        assert_array_equal(theta, right)


def test_more_layers_than_there_is_room_for_are_refused():
    deepest = kernels.MOST_LAYERS
    Case((2,) * deepest, 5).assert_gradient()
    Case((2,) * deepest, 5).assert_decision()
    with pytest.raises(ValueError, match="Expected at most 64 layers"):
        Case((2,) * (deepest + 1), 5).loss_and_gradient()
    with pytest.raises(ValueError, match="Expected at most 64 layers"):
        Case((2,) * (deepest + 1), 5).outputs()


def test_another_number_of_activations_than_of_hidden_layers_is_refused():
    # with none, two units would be the outputs, for whose targets Y is too small
    sizes, g, output, loss = Case((4, 2, 1), 6).plan
    _, Y, _ = Case((4, 2, 1), 6).data
    theta = np.zeros(10)
    with pytest.raises(ValueError, match=r"activations|argument"):
        call_gradient(plan=(sizes, (), output, loss), theta=theta, Y=Y, Delta=theta.copy())
    with pytest.raises(ValueError, match=r"activations|argument"):
        call_gradient(plan=(CASE.sizes, (*g, *g), output, loss))
    with pytest.raises(ValueError, match=r"activations|argument"):
        call_outputs(g=())


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
    # one may be just before the lock is taken, and one just after
    assert sum(begin < tick < end for tick in ticks) >= 3


def test_several_threads_at_once_compute_the_same():
    cases = [Case((20, 30, 3), 300 + i, weighted=bool(i % 2)) for i in range(16)]
    alone = [case.loss_and_gradient() for case in cases]
    with ThreadPoolExecutor(4) as executor:
        together = list(executor.map(Case.loss_and_gradient, cases * 4))
    for (losses, Delta), (right_losses, right_Delta) in zip(together, alone * 4, strict=True):
        assert losses == right_losses
        assert_array_equal(Delta, right_Delta)


def test_ctrl_c_ends_an_epoch_soon():
    # as a whole it would take several seconds
    n_rows, case, rule = 400_000, Case((300, 200, 3), 1), Momentum()
    X, Y = (np.broadcast_to(c, (n_rows, c.shape[1])) for c in case.data[:2])
    theta, penalty = case.theta, (0.1, 1.0, 0.0)
    timer = threading.Timer(0.1, signal.raise_signal, [signal.SIGINT])
    begin = time.perf_counter()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        kernels.epoch(
            case.plan, theta, X, Y.copy(), None, None, 32, *penalty, fields_of(rule),
            averages_of(rule.init(theta)),
        )  # fmt: skip
    assert time.perf_counter() - begin < 2
