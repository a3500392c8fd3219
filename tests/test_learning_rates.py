"""skbp.solvers.learning_rates: η over the epochs, and when there is nothing more to gain."""

import pickle
from dataclasses import FrozenInstanceError, astuple
from itertools import pairwise
from math import cos, inf, pi

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neural_network import MLPClassifier
from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

from skbp.solvers import Adaptive, Constant, Cosine, Course, InverseScaling, OneCycle

every_planned_rate = pytest.mark.parametrize("schedule", [Cosine, OneCycle])
every_rate_that_ends_on_a_plateau = pytest.mark.parametrize("schedule", [Constant, InverseScaling])
every_schedule = pytest.mark.parametrize(
    "schedule", [Constant, InverseScaling, Adaptive, Cosine, OneCycle]
)


def run(schedule, losses, n_rows=3, course=None):
    """Return η of each epoch, and whether there was nothing more to gain after it."""
    course = Course() if course is None else course
    rates, ends = [], []
    for loss in losses:
        rates.append(schedule.eta(course))
        ends.append(schedule.after_epoch(course, loss, n_rows))
    return rates, ends


def rates_of(schedule, losses, n_rows=3):
    return run(schedule, losses, n_rows)[0]


def ends_after(schedule, losses):
    """Return the number of epochs after which there is nothing more to gain, or None."""
    ends = run(schedule, losses)[1]
    return ends.index(True) + 1 if True in ends else None


# ------------------------------------------------------------------------------- by hand


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (Constant(0.3), [0.3, 0.3, 0.3]),
        (Adaptive(0.3), [0.3, 0.3, 0.3]),
        (InverseScaling(0.3, power_t=0.5), [0.3, 0.3 / 2, 0.3 / 7**0.5]),
        (InverseScaling(0.3, power_t=1), [0.3, 0.3 / 4, 0.3 / 7]),
        (InverseScaling(0.3, power_t=0), [0.3, 0.3, 0.3]),
        (Cosine(0.4, n_epochs=3), [0.4, 0.3, 0.1]),
    ],
)
def test_learning_rates_over_epochs_of_three_rows(schedule, rates):
    assert_allclose(rates_of(schedule, [3, 2, 1], n_rows=3), rates, rtol=1e-15)


def test_inverse_scaling_counts_the_examples_of_epochs_of_any_size():
    schedule, course = InverseScaling(0.3, power_t=0.5), Course()
    for n_rows in (3, 5, 7):
        schedule.after_epoch(course, 1.0, n_rows)
    assert schedule.eta(course) == 0.3 / 4


@pytest.mark.parametrize("schedule", [Constant(0.3), InverseScaling(0.3), Cosine(0.3), OneCycle(1)])
def test_learning_rates_that_are_not_adaptive_do_not_depend_on_the_loss(schedule):
    assert_array_equal(rates_of(schedule, 30 * [1.0]), rates_of(schedule, np.linspace(2, 1, 30)))


def test_course_counts_epochs_and_examples():
    course = Course()
    run(Constant(0.1), [1.0, 0.5], n_rows=150, course=course)
    assert (course.n_epochs, course.n_examples) == (2, 300)


@every_schedule
def test_a_schedule_never_changes(schedule):
    with pytest.raises(FrozenInstanceError):
        schedule(0.1).initial = 0.2


@every_schedule
def test_two_courses_of_a_schedule_do_not_meet(schedule):
    schedule, courses = schedule(0.1, n_iter_no_change=2), [Course(), Course()]
    losses = [1.0, 1.0, 0.9, 0.9, 0.9, 0.9]
    both = [
        [(schedule.eta(course), schedule.after_epoch(course, loss, 3)) for course in courses]
        for loss in losses
    ]
    alone = list(zip(*run(schedule, losses), strict=True))
    assert both == [[each, each] for each in alone]


@every_schedule
@pytest.mark.parametrize("n_before", [0, 1, 3, 8])
def test_a_pickled_course_goes_on(schedule, n_before):
    schedule = schedule(0.1, n_iter_no_change=2)
    losses = [1.0, 0.7, 0.7, 0.9, 0.6, 0.6, 0.6, 0.6, 0.6, 0.5, 0.5, 0.5]
    course, undisturbed = Course(), Course()
    run(schedule, losses[:n_before], course=course)
    course = pickle.loads(pickle.dumps(course))
    after = run(schedule, losses[n_before:], course=course)
    rates, ends = run(schedule, losses, course=undisturbed)
    assert after == (rates[n_before:], ends[n_before:])
    assert astuple(course) == astuple(undisturbed)


# ----------------------------------------------------------- ending on a plateau of the loss


@every_rate_that_ends_on_a_plateau
@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_plateau_of_exactly_n_iter_no_change_epochs_ends_it(schedule, n):
    schedule = schedule(0.1, tol=0.25, n_iter_no_change=n)
    # the first epoch has nothing to improve on, the second one does so by exactly tol
    assert ends_after(schedule, [1.0, 0.75, *20 * [0.625]]) == 2 + n


@every_rate_that_ends_on_a_plateau
def test_a_loss_that_goes_on_falling_by_tol_does_not_end_it(schedule):
    schedule = schedule(0.1, tol=0.25, n_iter_no_change=2)
    assert ends_after(schedule, -0.25 * np.arange(50)) is None
    assert ends_after(schedule, [10, 9.75, 10, 9.5, 10, 9.25, 10, 9]) is None


@every_rate_that_ends_on_a_plateau
def test_infinitely_many_epochs_without_improvement_do_not_end_it(schedule):
    assert ends_after(schedule(0.1, n_iter_no_change=inf), 1000 * [1.0]) is None


# --------------------------------------------------------------------------------- adaptive


@pytest.mark.parametrize(
    ("initial", "rates"),
    [
        (5.1e-6, [5.1e-6, 1.02e-6, 2.04e-7]),
        (4.9e-6, [4.9e-6, 9.8e-7]),
        (2e-5, [2e-5, 4e-6, 8e-7]),
        (1e-6, [1e-6]),
        (1e-9, [1e-9]),
    ],
)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_adaptive_divides_by_5_after_exactly_n_epochs_until_it_is_1e_6_or_less(initial, rates, n):
    schedule = Adaptive(initial, n_iter_no_change=n)
    n_epochs = 1 + n * len(rates)  # the first epoch has nothing to improve on
    assert ends_after(schedule, 100 * [1.0]) == n_epochs
    expected = np.repeat(rates, [n + 1, *(len(rates) - 1) * [n]])
    assert_allclose(rates_of(schedule, n_epochs * [1.0]), expected, rtol=1e-12)


def test_adaptive_looks_at_the_median_of_the_last_three_losses():
    # medians of three from the third epoch on: 5, 5, 4, 4, 4, 4, 4, 3
    losses = [7, 5, 5, 3, 4, 6, 4, 3, 6, 3]
    schedule, course, lengths = Adaptive(0.1, tol=0.5), Course(), []
    for loss in losses:
        schedule.after_epoch(course, loss, 3)
        lengths.append(course.plateau.length)
    assert lengths[3:] == [1, 0, 1, 2, 3, 4, 0]


def test_adaptive_with_infinite_patience_is_constant():
    assert rates_of(Adaptive(0.1, n_iter_no_change=inf), 100 * [1.0]) == 100 * [0.1]


def test_adaptive_counts_anew_after_it_was_lowered():
    losses = [*3 * [1.0], *5 * [0.5], *4 * [0.25]]
    # the medians are 1 up to the fourth epoch, 0.5 up to the ninth, then 0.25
    rates = rates_of(Adaptive(25.0, n_iter_no_change=2), losses)
    assert_allclose(rates, [*3 * [25], *4 * [5], *2 * [1], *3 * [0.2]])


def scikit_learns_adaptive_rates(losses, tol, n_iter_no_change):
    """The rates of MLPClassifier's solver="sgd", learning_rate="adaptive", from its own code."""
    network = MLPClassifier(tol=tol, n_iter_no_change=n_iter_no_change)
    network.loss_curve_, network.best_loss_, network._no_improvement_count = [], inf, 0
    optimizer = SGDOptimizer([np.zeros(1)], learning_rate_init=0.1, lr_schedule="adaptive")
    rates = []
    for loss in losses:
        rates.append(optimizer.learning_rate)
        network.loss_curve_.append(loss)
        network._update_no_improvement_count(False, None, None, None)
        if network._no_improvement_count > n_iter_no_change:
            optimizer.trigger_stopping("", verbose=False)
            network._no_improvement_count = 0
    return rates


def steadily_falling(n_epochs, lucky=None, luck=0.9):
    """A loss that falls by 0.01 an epoch, but for one epoch that was lucky."""
    losses = 10 - 0.01 * np.arange(n_epochs)
    if lucky is not None:
        losses[lucky] -= luck
    return losses.tolist()


def test_adaptive_reacts_to_the_trend_and_not_to_one_lucky_loss_as_mlp_classifier_does():
    losses = steadily_falling(60, lucky=20)
    ours = rates_of(Adaptive(0.1, tol=0.005, n_iter_no_change=10), losses)
    theirs = scikit_learns_adaptive_rates(losses, tol=0.005, n_iter_no_change=10)
    assert ours == 60 * [0.1]
    # after the lucky one, eleven epochs that fell as they should did not count
    assert theirs[:32] == 32 * [0.1]
    assert theirs[32] == 0.1 / 5
    # without the lucky one, both leave the rate alone
    losses = steadily_falling(60)
    assert scikit_learns_adaptive_rates(losses, tol=0.005, n_iter_no_change=10) == 60 * [0.1]
    assert rates_of(Adaptive(0.1, tol=0.005, n_iter_no_change=10), losses) == 60 * [0.1]


@given(st.integers(1, 39), st.floats(0.01, 1e6), st.integers(2, 10))
@example(lucky=1, luck=5.0, n=2)
@example(lucky=2, luck=5.0, n=2)
def test_no_lucky_epoch_after_the_first_lowers_the_adaptive_rate(lucky, luck, n):
    losses = steadily_falling(40, lucky, luck)
    assert rates_of(Adaptive(0.1, tol=0.005, n_iter_no_change=n), losses) == 40 * [0.1]


def test_adaptive_is_lowered_where_the_loss_only_seems_to_fall():
    # a lucky epoch now and then, each a little luckier, keeps MLPClassifier waiting for ever
    losses = [1 - 0.01 * epoch if epoch % 8 == 7 else 1.0 for epoch in range(80)]
    theirs = scikit_learns_adaptive_rates(losses, tol=0.01, n_iter_no_change=8)
    ours = rates_of(Adaptive(0.1, tol=0.01, n_iter_no_change=9), losses)
    assert theirs == 80 * [0.1]
    assert_allclose(ours[:11], [*10 * [0.1], 0.02])


def test_adaptive_is_lowered_where_the_loss_rises():
    assert rates_of(Adaptive(5.0, n_iter_no_change=3), range(8)) == [5, 5, 5, 5, 1, 1, 1, 0.2]


# ---------------------------------------------------------------------- planned learning rates


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
def test_planned_rates_are_pytorchs(schedule, formula, n_epochs):
    rates = rates_of(schedule(0.4, n_epochs=n_epochs), n_epochs * [1.0])
    expected = [formula(0.4, t, n_epochs) for t in range(n_epochs)]
    assert_allclose(rates, expected, rtol=1e-9)


def test_cosine_by_hand():
    root = 2**0.5
    rates = rates_of(Cosine(0.4, n_epochs=4), 4 * [1.0])
    assert_allclose(rates, [0.4, 0.2 + 0.1 * root, 0.2, 0.2 - 0.1 * root], rtol=1e-14)


@pytest.mark.parametrize("n_epochs", [1, 2, 3, 10, 365])
def test_cosine_falls_from_its_first_epoch_to_its_last(n_epochs):
    rates = rates_of(Cosine(0.4, n_epochs=n_epochs), n_epochs * [1.0])
    assert rates[0] == 0.4
    assert all(later < earlier for earlier, later in pairwise(rates))
    assert rates[-1] > 0


@pytest.mark.parametrize("n_epochs", [5, 10, 50, 100, 1000])
def test_one_cycle_starts_at_a_25th_and_ends_at_a_250000th(n_epochs):
    rates = rates_of(OneCycle(0.5, n_epochs=n_epochs), n_epochs * [1.0])
    assert_allclose([rates[0], rates[-1]], [0.02, 0.000002], rtol=1e-9)


@pytest.mark.parametrize("n_epochs", [2, 3, 4])
def test_one_cycle_of_a_few_epochs_ends_at_a_250000th(n_epochs):
    rates = rates_of(OneCycle(0.5, n_epochs=n_epochs), n_epochs * [1.0])
    assert_allclose(rates[-1], 0.000002, rtol=1e-9)
    assert max(rates) <= 0.5


def test_one_cycle_of_a_single_epoch_has_a_rate():
    [rate] = rates_of(OneCycle(0.5, n_epochs=1), [1.0])
    assert 0 < rate <= 0.5


@pytest.mark.parametrize("n_epochs", [10, 50, 100, 1000])
def test_one_cycle_rises_for_30_percent_of_its_epochs_then_falls(n_epochs):
    rates = rates_of(OneCycle(0.5, n_epochs=n_epochs), n_epochs * [1.0])
    n_rising = 3 * n_epochs // 10
    # the last of the first 30 % has the largest rate
    assert np.argmax(rates) == n_rising - 1
    assert_allclose(max(rates), 0.5, rtol=1e-12)
    assert (np.diff(rates[:n_rising]) > 0).all()
    assert (np.diff(rates[n_rising - 1 :]) < 0).all()


@given(st.integers(1, 300))
def test_one_cycle_never_exceeds_its_initial_rate_and_has_one_peak(n_epochs):
    rates = rates_of(OneCycle(0.5, n_epochs=n_epochs), n_epochs * [1.0])
    assert min(rates) > 0
    assert max(rates) <= 0.5 * (1 + 1e-12)
    rising = np.diff(rates) > 0
    assert_array_equal(rising, np.sort(rising)[::-1])


@every_planned_rate
@pytest.mark.parametrize("n_epochs", [1, 2, 10])
def test_planned_rates_stay_at_their_last_value_afterwards(schedule, n_epochs):
    rates = rates_of(schedule(0.4, n_epochs=n_epochs), (n_epochs + 20) * [1.0])
    assert rates[n_epochs:] == 20 * [rates[n_epochs - 1]]


@every_planned_rate
@pytest.mark.parametrize("losses", [100 * [1.0], list(range(100)), [-x for x in range(100)]])
def test_a_plan_ends_after_its_epochs_whatever_the_loss(schedule, losses):
    schedule = schedule(0.4, n_iter_no_change=2, n_epochs=30)
    assert run(schedule, losses)[1] == [*29 * [False], *71 * [True]]


@every_planned_rate
def test_a_plan_knows_the_first_and_the_best_loss(schedule):
    course = Course()
    run(schedule(0.4), [3.0, 1.0, 2.0], course=course)
    assert (course.plateau.first, course.plateau.best) == (3.0, 1.0)


def test_only_cosine_and_one_cycle_are_planned():
    schedules = [Constant, InverseScaling, Adaptive, Cosine, OneCycle]
    assert [each(0.1).is_planned for each in schedules] == [False, False, False, True, True]
