"""skbp.solvers.schedules: η over the epochs."""

import pickle
from copy import deepcopy
from dataclasses import FrozenInstanceError, asdict, replace
from itertools import pairwise
from math import cos, pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal, assert_equal

from skbp.solvers import (
    Adaptive,
    Constant,
    Cosine,
    Ending,
    InverseScaling,
    OneCycle,
    Plateau,
    Progress,
)

every_planned_rate = pytest.mark.parametrize("schedule", [Cosine, OneCycle])
every_schedule = pytest.mark.parametrize(
    "schedule", [Constant, InverseScaling, Adaptive, Cosine, OneCycle]
)


def rates_of(schedule, n_epochs, n_rows=3):
    """Return η of each epoch."""
    progresses = (Progress(n_iter=t, n_examples=t * n_rows) for t in range(n_epochs))
    return [schedule.eta(progress) for progress in progresses]


# ------------------------------------------------------------------------------- by hand


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (Constant(0.3), [0.3, 0.3, 0.3]),
        (Adaptive(0.3), [0.3, 0.3, 0.3]),
        (InverseScaling(0.3), [0.3, 0.3 / 2, 0.3 / 7**0.5]),
        (InverseScaling(0.3, power_t=1), [0.3, 0.3 / 4, 0.3 / 7]),
        (InverseScaling(0.3, power_t=0), [0.3, 0.3, 0.3]),
        (Cosine(0.4, n_epochs=3), [0.4, 0.3, 0.1]),
    ],
)
def test_rates_over_epochs_of_three_rows(schedule, rates):
    assert_allclose(rates_of(schedule, 3), rates, rtol=1e-15)


@pytest.mark.parametrize(("n_lowered", "rate"), [(0, 0.5), (1, 0.1), (2, 0.02), (9, 2.56e-7)])
def test_adaptive_is_divided_by_5_each_time_it_is_lowered(n_lowered, rate):
    assert_allclose(Adaptive(0.5).eta(Progress(n_lowered=n_lowered)), rate, rtol=1e-12)


@pytest.mark.parametrize(
    ("schedule", "read"),
    [
        (Constant(0.3), {}),
        (InverseScaling(0.3), {"n_examples": 300}),
        (Adaptive(0.3), {"n_lowered": 2}),
        (Cosine(0.3), {"n_iter": 7}),
        (OneCycle(0.3), {"n_iter": 7}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_rate_depends_on_nothing_else(schedule, read):
    other = {
        "n_iter": 50,
        "n_examples": 999,
        "n_passes": 5,
        "n_lowered": 3,
        "first_loss": 2.0,
        "loss": 3.0,
        "recent_losses": (3.0, 3.0, 3.0),
        "plateau": Plateau(best=1.0, length=100),
        "ending": Ending.LOSS_PLATEAU,
    }
    assert schedule.eta(Progress(**other | read)) == schedule.eta(Progress(**read))


@every_schedule
def test_a_schedule_changes_no_progress(schedule):
    progress = Progress(n_iter=5, n_examples=15, n_lowered=1, loss=0.5, recent_losses=(0.5,))
    before = deepcopy(progress)
    schedule(0.1).eta(progress)
    assert_equal(asdict(progress), asdict(before))


@every_schedule
def test_a_schedule_is_a_value(schedule):
    first = schedule(0.1)
    with pytest.raises(FrozenInstanceError):
        first.initial = 0.2
    assert pickle.loads(pickle.dumps(first)) == first == schedule(0.1) != schedule(0.2)
    assert replace(first, initial=0.2) == schedule(0.2)


def test_different_schedules_are_not_equal():
    assert Constant(0.1) != Adaptive(0.1)
    assert Cosine(0.1) != OneCycle(0.1)


# ---------------------------------------------------------------- schedules with an end


def pytorchs_cosine(eta_max, t, n_epochs, eta_min=0):
    """CosineAnnealingLR: η_min + ½ (η_max − η_min) (1 + cos(π T_cur / T_max))."""
    return eta_min + (eta_max - eta_min) * (1 + cos(pi * t / n_epochs)) / 2


def pytorchs_one_cycle(eta_max, t, n_epochs):
    """OneCycleLR with its defaults: pct_start, div_factor, final_div_factor and "cos"."""
    pct_start, div_factor, final_div_factor = 0.3, 25, 1e4
    initial_lr = eta_max / div_factor
    phases = [
        (0, pct_start * n_epochs - 1, initial_lr, eta_max),
        (pct_start * n_epochs - 1, n_epochs - 1, eta_max, initial_lr / final_div_factor),
    ]
    first, last, start, end = phases[0] if t <= phases[0][1] else phases[1]
    return end + (start - end) / 2 * (1 + cos(pi * (t - first) / (last - first)))


@pytest.mark.parametrize("n_epochs", [4, 5, 7, 10, 50, 100, 201])
@pytest.mark.parametrize(
    ("schedule", "formula"), [(Cosine, pytorchs_cosine), (OneCycle, pytorchs_one_cycle)]
)
def test_rates_are_pytorchs(schedule, formula, n_epochs):
    rates = rates_of(schedule(0.4, n_epochs=n_epochs), n_epochs)
    expected = [formula(0.4, t, n_epochs) for t in range(n_epochs)]
    assert_allclose(rates, expected, rtol=1e-9)


def test_cosine_by_hand():
    root = 2**0.5
    rates = rates_of(Cosine(0.4, n_epochs=4), 4)
    assert_allclose(rates, [0.4, 0.2 + 0.1 * root, 0.2, 0.2 - 0.1 * root], rtol=1e-14)


@pytest.mark.parametrize("n_epochs", [1, 2, 3, 10, 365])
def test_cosine_falls_from_its_first_epoch_to_its_last(n_epochs):
    rates = rates_of(Cosine(0.4, n_epochs=n_epochs), n_epochs)
    assert rates[0] == 0.4
    assert all(later < earlier for earlier, later in pairwise(rates))
    assert rates[-1] > 0


@pytest.mark.parametrize("n_epochs", [5, 10, 50, 100, 1000])
def test_one_cycle_starts_at_a_25th_and_ends_at_a_250000th(n_epochs):
    rates = rates_of(OneCycle(0.5, n_epochs=n_epochs), n_epochs)
    assert_allclose([rates[0], rates[-1]], [0.02, 0.000002], rtol=1e-9)


@pytest.mark.parametrize("n_epochs", [2, 3, 4])
def test_one_cycle_of_a_few_epochs_ends_at_a_250000th(n_epochs):
    rates = rates_of(OneCycle(0.5, n_epochs=n_epochs), n_epochs)
    assert_allclose(rates[-1], 0.000002, rtol=1e-9)
    assert max(rates) <= 0.5


def test_one_cycle_of_a_single_epoch_has_a_rate():
    [rate] = rates_of(OneCycle(0.5, n_epochs=1), 1)
    assert 0 < rate <= 0.5


@pytest.mark.parametrize("n_epochs", [10, 50, 100, 1000])
def test_one_cycle_rises_for_30_percent_of_its_epochs_then_falls(n_epochs):
    rates = rates_of(OneCycle(0.5, n_epochs=n_epochs), n_epochs)
    n_rising = 3 * n_epochs // 10
    # the last of the first 30 % has the largest rate
    assert np.argmax(rates) == n_rising - 1
    assert_allclose(max(rates), 0.5, rtol=1e-12)
    assert (np.diff(rates[:n_rising]) > 0).all()
    assert (np.diff(rates[n_rising - 1 :]) < 0).all()


@given(st.integers(1, 300))
def test_one_cycle_never_exceeds_its_initial_rate_and_has_one_peak(n_epochs):
    rates = rates_of(OneCycle(0.5, n_epochs=n_epochs), n_epochs)
    assert min(rates) > 0
    assert max(rates) <= 0.5 * (1 + 1e-12)
    rising = np.diff(rates) > 0
    assert_array_equal(rising, np.sort(rising)[::-1])


@every_planned_rate
@pytest.mark.parametrize("n_epochs", [1, 2, 10])
def test_rates_stay_at_their_last_value_afterwards(schedule, n_epochs):
    rates = rates_of(schedule(0.4, n_epochs=n_epochs), n_epochs + 20)
    assert rates[n_epochs:] == 20 * [rates[n_epochs - 1]]


@every_planned_rate
def test_they_are_for_200_epochs_by_default(schedule):
    assert schedule(0.4) == schedule(0.4, n_epochs=200)


@pytest.mark.parametrize("power_t", [200, 200.0, 1e308])
def test_inverse_scaling_ends_at_0_where_the_power_overflows(power_t):
    assert InverseScaling(0.5, power_t).eta(Progress(n_examples=10**6)) == 0
    assert InverseScaling(0.5, power_t).eta(Progress(n_examples=0)) == 0.5
