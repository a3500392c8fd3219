"""skbp.solvers.stopping: each rule by hand, how rules combine, and how a fit can end."""

import math
import pickle
from dataclasses import FrozenInstanceError
from string import Formatter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from skbp.solvers import (
    Adaptive,
    Ending,
    GradientTolerance,
    LossPlateau,
    PlannedLength,
    Plateau,
    Progress,
    RatePlateau,
    ScorePlateau,
)
from skbp.solvers.stopping import (
    Iteration,
    check_finite,
    first_ending,
    one_pass,
    requested_ending,
)

inf, nan = math.inf, math.nan


def plateau_of(values, tol=0.01):
    """Return the plateau after some values."""
    plateau = Plateau()
    for value in values:
        plateau = plateau.update(value, tol)
    return plateau


def endings(rules, losses, progress=None):
    """Return what the rules say after each loss, until they end."""
    progress = Progress() if progress is None else progress
    found = []
    for loss in losses:
        progress.finish_iteration(loss, n_rows=3)
        found.append(first_ending(rules, Iteration(np.zeros(1), loss), progress))
        if found[-1] is not None:
            break
    return found


def end_of(rule, losses, progress=None):
    """Return the number of iterations after which a rule ends, and how; or None."""
    found = endings([rule], losses, progress)
    return (len(found), found[-1]) if found[-1] is not None else None


def rates(initial, losses, **parameters):
    """Return the adaptive rate of each epoch."""
    schedule, progress, found = Adaptive(initial), Progress(), []
    rule = RatePlateau(schedule, **parameters)
    for loss in losses:
        found.append(schedule.eta(progress))
        progress.finish_iteration(loss)
        rule(Iteration(np.zeros(1), loss), progress)
    return found


# ---------------------------------------------------------------------------------- endings


def test_every_ending_has_a_message_of_its_own():
    assert len({ending.message for ending in Ending}) == len(Ending)


@pytest.mark.parametrize("ending", Ending)
def test_an_ending_has_a_hint_where_it_has_not_converged(ending):
    assert bool(ending.hint) == (not ending.converged)


@pytest.mark.parametrize("ending", Ending)
def test_messages_have_the_values_of_the_parameters(ending):
    names = [name for _, name, _, _ in Formatter().parse(ending.message) if name]
    values = {"max_iter": 17, "max_fun": 23, "tol": 0.125, "n_iter_no_change": 29}
    described = ending.describe(values)
    assert all(str(values[name]) in described for name in names)
    assert "{" not in described


@pytest.mark.parametrize("ending", Ending)
def test_a_pickled_ending_is_the_same_member(ending):
    assert pickle.loads(pickle.dumps(ending)) is ending


# ----------------------------------------------------------------------------------- plateau


@pytest.mark.parametrize(
    ("values", "lengths"),
    [
        ([1, 1, 1, 1, 0.5], [0, 1, 2, 3, 0]),
        ([1, 2, 3, 4, 5], [0, 1, 2, 3, 4]),
        ([5, 4, 3, 2, 1], [0, 0, 0, 0, 0]),
        ([1, 2, 0.5, 2, 0.4, 2, 0.3], [0, 1, 0, 1, 0, 1, 0]),
    ],
)
def test_a_plateau_grows_until_the_value_improves(values, lengths):
    assert [plateau_of(values[: i + 1]).length for i in range(len(values))] == lengths


@pytest.mark.parametrize(
    ("tol", "values", "length"),
    [
        (0.25, [1, 0.75, 0.5, 0.25], 0),
        (0.25, [1, 0.875, 0.8125], 2),
        (0, [1, 1 + 1e-9, 1 + 1e-9], 2),
        (0, [1, 1, 1, 1], 0),
        # scores that should rise come with a minus sign
        (0.25, [-0.5, -0.75, -1], 0),
        (0.25, [-0.5, -0.625, -0.625], 2),
        (1e300, [1e300], 0),
    ],
)
def test_an_improvement_is_by_at_least_tol_on_the_best_value(tol, values, length):
    assert plateau_of(values, tol).length == length


def test_a_plateau_is_immutable():
    plateau = Plateau()
    plateau.update(1.0, tol=0)
    assert plateau == Plateau(best=inf, length=0)
    with pytest.raises(FrozenInstanceError):
        plateau.length = 1


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(0, 3))
def test_length_is_the_number_of_values_since_the_last_improvement(values, tol):
    improved = [0]
    for i, value in enumerate(values[1:], start=1):
        if value <= values[improved[-1]] - tol:
            improved.append(i)
    expected = Plateau(values[improved[-1]], len(values) - 1 - improved[-1])
    assert plateau_of(values, tol) == expected


# ------------------------------------------------------------------------------ the gradient


@pytest.mark.parametrize(
    ("gradient", "met"), [([0.1, -0.1], True), ([0.0, -0.11], False), ([nan, 0.0], False)]
)
def test_no_entry_of_the_gradient_may_be_larger_than_tol(gradient, met):
    rule, gradient = GradientTolerance(0.1), np.array(gradient)
    assert rule.is_met(gradient, loss=1.0) is met
    found = rule(Iteration(np.zeros(2), 1.0, gradient), Progress())
    assert found is (Ending.GRADIENT_TOLERANCE if met else None)


@pytest.mark.parametrize(("loss", "met"), [(0.5, True), (0.49, False)])
def test_the_tolerance_of_the_gradient_falls_with_the_loss(loss, met):
    rule = GradientTolerance(0.1, constant_loss=1.0)
    found = rule(Iteration(np.zeros(2), loss, np.array([0.05, 0.0])), Progress())
    assert found is (Ending.GRADIENT_TOLERANCE if met else None)


@pytest.mark.parametrize(
    ("tol", "gradient", "met"),
    [(0.1, 1e-4, True), (0.1, 2e-4, False), (1e-5, 1e-5, True), (1e-5, 2e-5, False)],
)
def test_the_tolerance_of_the_gradient_falls_no_lower_than_1e_4(tol, gradient, met):
    rule = GradientTolerance(tol, constant_loss=1.0)
    assert rule.is_met(np.array([gradient]), loss=1e-6) is met


def test_without_a_gradient_its_tolerance_never_ends():
    assert end_of(GradientTolerance(inf), 5 * [1.0]) is None


# ------------------------------------------------------------------- the plateau of the loss


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_plateau_of_exactly_so_many_epochs_ends(n):
    # the first epoch has nothing to improve on, the second one does so by exactly tol
    losses = [1.0, 0.75, *20 * [0.625]]
    assert end_of(LossPlateau(0.25, n), losses) == (2 + n, Ending.LOSS_PLATEAU)


@pytest.mark.parametrize(
    "losses", [-0.25 * np.arange(50), [10, 9.75, 10, 9.5, 10, 9.25, 10, 9, 10, 8]]
)
def test_a_loss_that_keeps_falling_by_tol_does_not_end(losses):
    assert end_of(LossPlateau(0.25, 2), losses) is None


def test_infinite_patience_does_not_end():
    assert end_of(LossPlateau(patience=inf), 1000 * [1.0]) is None


def test_a_plateau_above_the_first_loss_has_not_converged():
    assert end_of(LossPlateau(0.1, 3), [1.0, 2, 2, 2]) == (4, Ending.LOSS_INCREASED)
    assert end_of(LossPlateau(0.1, 3), [1.0, 2, 2, 1]) == (4, Ending.LOSS_PLATEAU)


def test_an_exact_loss_that_swings_above_its_best_starts_counting_anew():
    swinging = [5.0, 1.0, 2.0, 2.0, 2.0, 1.05, 1.05]
    assert end_of(LossPlateau(0.1, 2, is_exact=False), swinging) == (4, Ending.LOSS_PLATEAU)
    # 2 is above the best after 4 and 5 epochs; 1.05 is not
    assert end_of(LossPlateau(0.1, 2, is_exact=True), swinging) == (6, Ending.LOSS_PLATEAU)


def test_the_first_loss_is_that_of_a_fit_that_is_resumed():
    rule, progress = LossPlateau(0.1, 2), Progress()
    assert endings([rule], [1.0, 5.0], progress) == [None, None]
    progress = pickle.loads(pickle.dumps(progress))
    assert end_of(rule, [3.0], progress) == (1, Ending.LOSS_INCREASED)


# --------------------------------------------------------------------------- adaptive rates


@pytest.mark.parametrize(
    ("initial", "expected"),
    [
        (5.1e-6, [5.1e-6, 1.02e-6, 2.04e-7]),
        (4.9e-6, [4.9e-6, 9.8e-7]),
        (2e-5, [2e-5, 4e-6, 8e-7]),
        (1e-6, [1e-6]),
        (1e-9, [1e-9]),
    ],
)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_it_divides_by_5_after_exactly_n_epochs_until_the_rate_is_1e_6_or_less(
    initial, expected, n
):
    n_epochs = 1 + n * len(expected)  # the first epoch has nothing to improve on
    rule = RatePlateau(Adaptive(initial), patience=n)
    assert end_of(rule, 100 * [1.0]) == (n_epochs, Ending.LOWEST_RATE)
    repeated = np.repeat(expected, [n + 1, *(len(expected) - 1) * [n]])
    assert_allclose(rates(initial, n_epochs * [1.0], patience=n), repeated, rtol=1e-12)


def test_it_looks_at_the_median_of_the_last_three_losses():
    # medians of three from the third epoch on: 5, 5, 4, 4, 4, 4, 4, 3
    rule, progress, lengths = RatePlateau(Adaptive(0.1), tol=0.5), Progress(), []
    for loss in [7, 5, 5, 3, 4, 6, 4, 3, 6, 3]:
        progress.finish_iteration(loss)
        rule(Iteration(np.zeros(1), loss), progress)
        lengths.append(progress.plateau.length)
    assert lengths[3:] == [1, 0, 1, 2, 3, 4, 0]


def test_infinite_patience_keeps_the_rate():
    assert rates(0.1, 100 * [1.0], patience=inf) == 100 * [0.1]


def test_it_counts_anew_after_it_lowered_the_rate():
    losses = [*3 * [1.0], *5 * [0.5], *4 * [0.25]]
    # the medians are 1 up to the fourth epoch, 0.5 up to the ninth, then 0.25
    assert_allclose(rates(25.0, losses, patience=2), [*3 * [25], *4 * [5], *2 * [1], *3 * [0.2]])


def test_it_lowers_the_rate_where_the_loss_rises():
    assert rates(5.0, range(8), patience=3) == [5, 5, 5, 5, 1, 1, 1, 0.2]


def test_it_lowers_the_rate_where_the_loss_only_seems_to_fall():
    # a lucky epoch now and then, each a little luckier
    losses = [1 - 0.01 * epoch if epoch % 8 == 7 else 1.0 for epoch in range(80)]
    assert_allclose(rates(0.1, losses, tol=0.01, patience=9)[:11], [*10 * [0.1], 0.02])


@given(st.integers(1, 39), st.floats(0.01, 1e6), st.integers(2, 10))
@example(lucky=1, luck=5.0, n=2)
@example(lucky=2, luck=5.0, n=2)
def test_one_lucky_epoch_after_the_first_does_not_lower_the_rate(lucky, luck, n):
    losses = 10 - 0.01 * np.arange(40)
    losses[lucky] -= luck
    assert rates(0.1, losses.tolist(), tol=0.005, patience=n) == 40 * [0.1]


def test_the_lowest_rate_above_the_first_loss_has_not_converged():
    rule = RatePlateau(Adaptive(1e-6), patience=2)
    assert end_of(rule, [1.0, 2.0, 2.0]) == (3, Ending.LOSS_INCREASED)


# ------------------------------------------------------------------------- the other rules


@pytest.mark.parametrize(
    ("losses", "ending"),
    [
        ([3, 1, 2], Ending.SCHEDULE_COMPLETED),
        ([3, 1, 3], Ending.SCHEDULE_COMPLETED),
        ([3, 1, 4], Ending.LOSS_INCREASED),
    ],
)
def test_a_plan_ends_after_its_epochs_whatever_the_loss(losses, ending):
    assert end_of(PlannedLength(3), losses) == (3, ending)


def test_a_plan_counts_the_epochs_of_a_fit_that_is_resumed():
    progress = Progress(n_iter=5, first_loss=2.0)
    assert end_of(PlannedLength(7), [1.0, 1.0, 1.0], progress) == (2, Ending.SCHEDULE_COMPLETED)


def test_one_pass_is_one_epoch():
    assert end_of(one_pass, [1.0, 1.0]) == (1, Ending.ONE_PASS)


@pytest.mark.parametrize(("length", "ends"), [(2, False), (3, True), (4, True)])
def test_patience_with_the_score(length, ends):
    ending = ScorePlateau(patience=3).ending(Plateau(length=length), n_iter=20)
    assert ending is (Ending.SCORE_PLATEAU if ends else None)


@pytest.mark.parametrize(
    ("n_iter", "length", "ends"), [(4, 3, True), (7, 4, False), (9, 6, True), (30, 19, False)]
)
def test_patience_grows_with_the_iterations_that_the_best_score_took(n_iter, length, ends):
    rule = ScorePlateau(patience=3, growth=2)
    ending = rule.ending(Plateau(length=length), n_iter)
    assert ending is (Ending.SCORE_PLATEAU if ends else None)


@pytest.mark.parametrize(
    ("answer", "ending"),
    [
        (True, Ending.CALLBACK),
        (1, Ending.CALLBACK),
        (False, None),
        (None, None),
        (Ending.SCORE_PLATEAU, Ending.SCORE_PLATEAU),
    ],
)
def test_a_callback_stops_with_true_or_with_an_ending(answer, ending):
    assert requested_ending(answer) is ending


def test_the_first_rule_that_ends_has_the_last_word():
    rules = [PlannedLength(2), one_pass]
    assert endings(rules, [1.0, 0.5]) == [Ending.ONE_PASS]
    assert endings(rules, [0.5], Progress(n_iter=1)) == [Ending.SCHEDULE_COMPLETED]


def test_every_rule_counts_also_where_another_one_has_ended():
    schedule, progress = Adaptive(1.0), Progress()
    rules = [one_pass, RatePlateau(schedule, patience=2)]
    for _ in range(3):  # three calls of partial_fit
        assert endings(rules, [1.0], progress) == [Ending.ONE_PASS]
    assert schedule.eta(progress) == 0.2


# ------------------------------------------------------------------------------- divergence


@pytest.mark.parametrize("loss", [inf, -inf, nan])
def test_a_loss_that_is_not_finite_is_an_error_that_names_the_iteration(loss):
    with pytest.raises(ValueError, match=rf"diverged at iteration 7: the loss is {loss}\."):
        check_finite(np.zeros(2), loss, 7)


@pytest.mark.parametrize("weight", [inf, nan])
def test_a_weight_that_is_not_finite_is_an_error_that_names_the_iteration(weight):
    with pytest.raises(ValueError, match=r"iteration 2: the loss is 0\.25 and a weight"):
        check_finite(np.array([1.0, weight]), 0.25, 2)


def test_finite_weights_and_losses_are_not_an_error():
    check_finite(np.array([1e300, -1e300]), -1e300, 1)


# ------------------------------------------------------------------ what has been gained


def test_tol_is_a_share_of_what_has_been_gained_over_a_constant_model():
    # half of the constant loss is gained, so that each plateau has to fall by 0.1 · 0.5
    losses = [0.5, 0.46, 0.451, 0.45, 0.449, 0.449, 0.449]
    rule = LossPlateau(0.1, 2, constant_loss=1.0)
    assert end_of(rule, losses) == (3, Ending.LOSS_PLATEAU)
    assert end_of(LossPlateau(0.01, 2, constant_loss=1.0), losses) == (5, Ending.LOSS_PLATEAU)
    # in another unit of the loss the rule says the same
    scaled = LossPlateau(0.1, 2, constant_loss=1e-6)
    assert end_of(scaled, [1e-6 * loss for loss in losses]) == (3, Ending.LOSS_PLATEAU)


def test_small_steps_add_up():
    falling = list(0.5 * 0.999 ** np.arange(200))
    assert end_of(LossPlateau(0.005, 10, constant_loss=1.0), falling) is None


@pytest.mark.parametrize("loss", [1.0, 0.995])
def test_at_the_constant_models_loss_patience_is_longer_and_nothing_was_learned(loss):
    rule = LossPlateau(0.1, 2, constant_loss=1.0)
    assert end_of(rule, 100 * [loss]) == (41, Ending.NOTHING_LEARNED)
    assert end_of(rule, 30 * [loss] + 10 * [0.4]) == (33, Ending.LOSS_PLATEAU)
    assert not Ending.NOTHING_LEARNED.converged


@pytest.mark.parametrize(("loss", "ends"), [(1.1, False), (0.995, False), (0.9, True)])
def test_a_small_gradient_ends_nothing_where_nothing_was_learned(loss, ends):
    rule = GradientTolerance(0.1, constant_loss=1.0)
    ending = rule(Iteration(np.zeros(1), loss, np.zeros(1)), Progress())
    assert ending is (Ending.GRADIENT_TOLERANCE if ends else None)


def test_the_adaptive_rate_is_not_lowered_while_nothing_was_learned():
    rule, progress = RatePlateau(Adaptive(0.1), patience=2, constant_loss=1.0), Progress()
    assert end_of(rule, 30 * [1.0], progress) is None
    assert progress.n_lowered == 0
    assert end_of(rule, 10 * [0.5], progress) is None
    assert progress.n_lowered > 0
