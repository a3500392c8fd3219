"""skbp.solvers.progress: counting, and minimisations that are saved and resumed."""

import copy
import math
import pickle
from dataclasses import asdict, replace
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_array_equal, assert_equal
from solver_cases import (
    N_ROWS,
    OBJECTIVE,
    RULES,
    SOLVERS,
    THETA,
    RaisesAfter,
    Recorder,
    Scripted,
    StopsAfter,
    counted_objective,
    every_first_order_solver,
    every_line_search,
    every_mini_batch_solver,
    every_solver,
    gradient_descent,
)

from skbp.network import Network
from skbp.objective import Objective
from skbp.solvers import (
    LBFGS,
    Adaptive,
    Constant,
    Cosine,
    Ending,
    GradientDescent,
    InverseScaling,
    LossPlateau,
    MiniBatchDescent,
    OneCycle,
    PlannedLength,
    Plateau,
    Progress,
    RatePlateau,
)

ADAPTIVE = Adaptive(0.01)
# with each of these, a descent ends between the 5th and the 30th iteration
ENDING = {
    "constant": (Constant(0.02), LossPlateau(tol=0.2, patience=6)),
    "invscaling": (InverseScaling(0.05, power_t=0.1), LossPlateau(tol=0.2, patience=6)),
    "adaptive": (ADAPTIVE, RatePlateau(ADAPTIVE, tol=0.2, patience=2)),
    "cosine": (Cosine(0.02, n_epochs=12), PlannedLength(12)),
    "one_cycle": (OneCycle(0.02, n_epochs=12), PlannedLength(12)),
}
every_schedule = pytest.mark.parametrize("schedule", ENDING)


def descent(name, schedule, max_iter=40):
    learning_rate, rule = ENDING[schedule]
    common = {"learning_rate": learning_rate, "stopping": (rule,), "max_iter": max_iter}
    if name == "gd":
        return GradientDescent(**common)
    return MiniBatchDescent(rule=RULES[name], batch_size=40, **common)


def new_progress():
    return Progress(random_state=np.random.RandomState(7))


def state_of(progress):
    """Return all that a progress holds, in a form that can be compared."""
    return asdict(replace(progress, random_state=None)), progress.generator().get_state()


def facts_of(result):
    return result.cost, result.n_iter, result.n_passes, result.ending


# --------------------------------------------------------------------------- counting


def test_a_new_progress_is_empty():
    progress = Progress()
    assert (progress.n_iter, progress.n_examples, progress.n_passes) == (0, 0, 0)
    assert (progress.n_lowered, progress.averages, progress.recent_losses) == (0, {}, ())
    assert (progress.order, progress.random_state, progress.ending) == (None, None, None)
    assert math.isnan(progress.loss)
    assert math.isnan(progress.first_loss)


def test_two_progresses_share_nothing():
    first, second = Progress(), Progress()
    first.finish_iteration(1.0, 3)
    first.averages["t"] = 1
    first.generator()
    assert_equal(asdict(second), asdict(Progress()))


def test_a_finished_iteration_is_counted():
    progress, seen = Progress(), []
    for loss in (4.0, 5.0, 3.0, 1.0):
        progress.finish_iteration(loss, n_rows=7)
        seen.append((progress.n_iter, progress.n_examples, progress.first_loss, progress.loss))
    assert seen == [(1, 7, 4.0, 4.0), (2, 14, 4.0, 5.0), (3, 21, 4.0, 3.0), (4, 28, 4.0, 1.0)]
    assert progress.recent_losses == (5.0, 3.0, 1.0)
    assert progress.plateau == Plateau()  # which is for the stopping rules


def test_the_random_state_is_kept_and_a_new_one_made_where_there_is_none():
    given = np.random.RandomState(0)
    assert Progress(random_state=given).generator() is given
    progress = Progress()
    made = progress.generator()
    assert isinstance(made, np.random.RandomState)
    assert progress.generator() is progress.random_state is made


@every_first_order_solver
def test_a_descent_updates_its_progress_in_place(name):
    progress, callback = Progress(), Recorder()
    result = descent(name, "cosine").minimize(OBJECTIVE, THETA, callback, progress)
    assert (progress.n_iter, progress.n_examples) == (12, 12 * N_ROWS)
    assert (progress.first_loss, progress.loss) == (callback.losses[0], callback.losses[-1])
    assert progress.recent_losses == tuple(callback.losses[-3:])
    assert progress.ending is result.ending is Ending.SCHEDULE_COMPLETED
    assert set(progress.averages) == {"gd": set(), "sgd": {"v"}, "adam": {"m", "v", "t"}}[name]


@every_line_search
def test_a_line_search_updates_its_progress_in_place(name):
    progress, callback = Progress(), Recorder()
    result = SOLVERS[name](max_iter=4).minimize(OBJECTIVE, THETA, callback, progress)
    assert (progress.n_iter, progress.n_passes) == (4, result.n_passes)
    assert (progress.first_loss, progress.loss) == (callback.losses[0], callback.losses[-1])


@every_solver
def test_the_callback_is_called_after_the_iteration_was_counted(name):
    progress, counts = Progress(), []
    SOLVERS[name](max_iter=3).minimize(
        OBJECTIVE, THETA, lambda *_: counts.append(progress.n_iter), progress
    )
    assert counts == [1, 2, 3]


# ------------------------------------------------------------------- descents resumed


class Saving(Recorder):
    """A callback that pickles a descent in each iteration, as if the process were killed then."""

    def __init__(self, progress):
        super().__init__()
        self.progress, self.saved = progress, []

    def __call__(self, theta, loss):
        super().__call__(theta, loss)
        self.saved.append(pickle.dumps((theta, self.progress)))


@every_first_order_solver
@every_schedule
def test_a_pickled_descent_continues_as_if_nothing_had_happened(name, schedule):
    progress = new_progress()
    undisturbed, solver = Saving(progress), descent(name, schedule)
    result = solver.minimize(OBJECTIVE, THETA, undisturbed, progress)
    assert result.converged
    assert 5 <= result.n_iter <= 30
    for n_before in (1, 4, result.n_iter - 1):
        theta_then, progress_then = pickle.loads(undisturbed.saved[n_before - 1])
        callback = Recorder()
        again = solver.minimize(OBJECTIVE, theta_then, callback, progress_then)
        assert_array_equal(callback.thetas, undisturbed.thetas[n_before:])
        assert callback.losses == undisturbed.losses[n_before:]
        assert_array_equal(again.theta, result.theta)
        assert facts_of(again) == facts_of(result)
        assert_equal(state_of(progress_then), state_of(progress))


@every_first_order_solver
@pytest.mark.parametrize("callback", [StopsAfter, RaisesAfter])
def test_a_descent_that_was_stopped_or_interrupted_continues(name, callback):
    solver, progress, stops = descent(name, "cosine"), new_progress(), callback(5)
    try:
        solver.minimize(OBJECTIVE, THETA, stops, progress)
    except KeyboardInterrupt:
        assert callback is RaisesAfter
    assert (progress.n_iter, progress.ending) == (5, None)
    result = solver.minimize(OBJECTIVE, stops.thetas[-1], progress=progress)
    assert (result.n_iter, result.ending) == (12, Ending.SCHEDULE_COMPLETED)
    undisturbed = solver.minimize(OBJECTIVE, THETA, progress=new_progress())
    assert_array_equal(result.theta, undisturbed.theta)


@every_first_order_solver
def test_two_descents_of_one_solver_in_turn_have_each_its_own_progress(name):
    alone, solver = new_progress(), descent(name, "adaptive")
    expected = solver.minimize(OBJECTIVE, THETA, progress=alone)
    thetas, progresses = [THETA, THETA], [new_progress(), new_progress()]
    while None in [progress.ending for progress in progresses]:
        for i, progress in enumerate(progresses):
            thetas[i] = solver.minimize(OBJECTIVE, thetas[i], StopsAfter(1), progress).theta
    assert_array_equal(thetas, [expected.theta, expected.theta])
    assert_equal([state_of(progress) for progress in progresses], 2 * [state_of(alone)])


class DoubledAfter4(Constant):
    """A learning rate that is doubled after four epochs."""

    def eta(self, progress):
        return self.initial * (1 if progress.n_iter < 4 else 2)


@every_mini_batch_solver
def test_other_parameters_take_effect_where_a_descent_is_resumed(name):
    progress, callback, expected = Progress(), Recorder(), Recorder()
    solver = partial(SOLVERS[name], rule=RULES[name], stopping=())
    first, second = Constant(0.01), Constant(0.02)
    half = solver(learning_rate=first, max_iter=4).minimize(OBJECTIVE, THETA, callback, progress)
    rest = solver(learning_rate=second, max_iter=10)
    rest.minimize(OBJECTIVE, half.theta, callback, progress)
    # the running averages are those of the first part
    solver(learning_rate=DoubledAfter4(0.01), max_iter=10).minimize(OBJECTIVE, THETA, expected)
    assert_array_equal(callback.thetas, expected.thetas)


# ------------------------------------------------------------------------- the limits


@every_solver
def test_max_iter_limits_the_iterations_of_all_parts_together(name):
    progress, callback = new_progress(), Recorder()
    solver = partial(SOLVERS[name], tol=1e-12)
    first = solver(max_iter=3).minimize(OBJECTIVE, THETA, progress=progress)
    assert (first.n_iter, first.ending, progress.ending) == (3, Ending.MAX_ITER, None)
    second = solver(max_iter=5).minimize(OBJECTIVE, first.theta, callback, progress)
    assert (second.n_iter, second.ending, progress.n_iter) == (5, Ending.MAX_ITER, 5)
    assert len(callback.losses) == 2


@every_solver
@pytest.mark.parametrize("max_iter", [5, 3, 0])
def test_a_progress_that_has_reached_max_iter_makes_no_more_iterations(name, max_iter):
    progress, callback = new_progress(), Recorder()
    objective, engine = counted_objective()
    first = SOLVERS[name](max_iter=5).minimize(OBJECTIVE, THETA, progress=progress)
    second = SOLVERS[name](max_iter=max_iter).minimize(objective, first.theta, callback, progress)
    assert facts_of(second) == facts_of(first)
    assert_array_equal(second.theta, first.theta)
    assert (callback.losses, engine.n_rows, second.ending) == ([], 0, Ending.MAX_ITER)


@every_first_order_solver
@every_schedule
def test_a_progress_whose_rule_has_ended_it_makes_no_more_iterations(name, schedule):
    progress, callback = new_progress(), Recorder()
    first = descent(name, schedule).minimize(OBJECTIVE, THETA, progress=progress)
    progress = pickle.loads(pickle.dumps(progress))
    objective, engine = counted_objective()
    solver = descent(name, schedule, max_iter=1000)
    second = solver.minimize(objective, first.theta, callback, progress)
    assert (callback.losses, engine.n_rows) == ([], 0)
    assert_array_equal(second.theta, first.theta)
    assert facts_of(second) == facts_of(first)


@every_line_search
def test_a_line_search_whose_progress_has_an_ending_makes_no_iteration(name):
    progress = Progress(n_iter=3, n_passes=8, loss=0.5, ending=Ending.SCORE_PLATEAU)
    objective, engine = counted_objective()
    result = SOLVERS[name]().minimize(objective, THETA, progress=progress)
    assert facts_of(result) == (0.5, 3, 8, Ending.SCORE_PLATEAU)
    assert_array_equal(result.theta, THETA)
    assert not np.shares_memory(result.theta, THETA)
    assert engine.n_rows == 0


def test_gradient_descent_that_met_its_tolerance_makes_no_more_iterations():
    progress, callback = Progress(), Recorder()
    solver = gradient_descent(learning_rate=Constant(0.3), max_iter=1000)
    objective = Objective(Network((1, 1)), np.zeros((2, 1)), np.array([[0.0], [1.0]]))
    first = solver.minimize(objective, np.ones(2), progress=progress)
    assert first.ending is Ending.GRADIENT_TOLERANCE
    again = solver.minimize(objective, first.theta, callback, progress)
    assert_array_equal(again.theta, first.theta)
    assert facts_of(again) == facts_of(first)
    assert callback.losses == []


def test_a_progress_that_ended_above_its_first_loss_has_still_not_converged():
    solver, progress = MiniBatchDescent(stopping=(LossPlateau(patience=2),)), Progress()
    first = solver.minimize(Scripted([1.0, 1.5, 1.25]), np.zeros(1), progress=progress)
    again = solver.minimize(Scripted([]), first.theta, progress=progress)
    assert (again.n_iter, again.ending) == (3, Ending.LOSS_INCREASED)


@every_line_search
def test_a_resumed_line_search_is_a_new_one_with_the_iterations_that_are_left(name):
    progress, callback, expected = Progress(), Recorder(), Recorder()
    first = SOLVERS[name](max_iter=3).minimize(OBJECTIVE, THETA, progress=progress)
    resumed = SOLVERS[name](max_iter=8).minimize(OBJECTIVE, first.theta, callback, progress)
    new = SOLVERS[name](max_iter=5).minimize(OBJECTIVE, first.theta, expected)
    assert_array_equal(callback.thetas, expected.thetas)
    assert (resumed.n_iter, new.n_iter, resumed.ending) == (8, 5, Ending.MAX_ITER)
    assert resumed.n_passes == first.n_passes + new.n_passes == progress.n_passes


def test_max_fun_limits_the_evaluations_of_all_parts_together():
    progress = Progress()
    first = LBFGS(max_iter=3).minimize(OBJECTIVE, THETA, progress=progress)
    limit = first.n_passes + 4
    resumed = LBFGS(max_fun=limit).minimize(OBJECTIVE, first.theta, progress=progress)
    new = LBFGS(max_fun=4).minimize(OBJECTIVE, first.theta)
    assert_array_equal(resumed.theta, new.theta)
    assert resumed.ending is new.ending is Ending.MAX_FUN
    assert resumed.n_passes == first.n_passes + new.n_passes


@every_line_search
def test_a_line_search_resumed_at_its_end_has_converged_without_an_iteration(name):
    progress = Progress()
    solver = SOLVERS[name](tol=1e-2, max_iter=1000)
    first = solver.minimize(OBJECTIVE, THETA, progress=progress)
    again = solver.minimize(OBJECTIVE, first.theta, progress=copy.deepcopy(progress))
    assert first.ending is again.ending is Ending.GRADIENT_TOLERANCE
    assert again.n_iter == first.n_iter
    assert_array_equal(again.theta, first.theta)
