"""skbp.estimator.training: training without an estimator, again, elsewhere and in threads."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from fitting import PROBLEMS, Small, may_stop_early, theta_of
from numpy.testing import assert_array_equal

from skbp.estimator.data import Dataset
from skbp.estimator.solver_factory import Setting, make_solver
from skbp.estimator.training import TrainingState, train
from skbp.network import Network
from skbp.solvers import Ending, Progress, ScorePlateau

pytestmark = may_stop_early

X, y = PROBLEMS["multiclass"]
EXAMPLES = Dataset(X, y, np.eye(3)[y])
NETWORK = Network((4, 5, 3))
START = NETWORK.initialize(random_state=0)
START.flags.writeable = False

every_solver = pytest.mark.parametrize("solver", ["gd", "sgd", "adam", "cg", "lbfgs"])
every_first_order_solver = pytest.mark.parametrize("solver", ["gd", "sgd", "adam"])


def solver_for(solver="adam", **parameters):
    return make_solver(Setting(Small(solver=solver, **parameters).get_params(), len(y)))


def new_state(seed=0):
    return TrainingState(Progress(random_state=np.random.RandomState(seed)))


def trained(solver="adam", max_iter=8, state=None, **options):
    """Return the result of a short training, with other options if given."""
    made = solver_for(solver, max_iter=max_iter)
    state = new_state() if state is None else state
    arguments = {"solver": made, "start": START, "state": state, "alpha": 0.5, **options}
    return train(NETWORK, EXAMPLES, **arguments)


@every_solver
def test_it_finds_what_an_estimator_finds(solver):
    model = Small(solver=solver, max_iter=8).fit(X, y)
    state = new_state()
    start = NETWORK.initialize(state.progress.random_state)
    result = trained(solver, start=start, state=state)
    assert_array_equal(result.theta, theta_of(model, NETWORK))
    assert result.state.history.loss_curve == model.loss_curve_
    assert result.loss == model.loss_
    assert result.ending is Ending.MAX_ITER


@every_solver
def test_it_can_be_called_again_with_the_same_arguments(solver):
    state = new_state()
    before = pickle.dumps(replace(state, progress=replace(state.progress, random_state=None)))
    first = trained(solver, state=state)
    after = pickle.dumps(replace(state, progress=replace(state.progress, random_state=None)))
    assert before == after
    state.progress.random_state.seed(0)  # the random state is drawn from, and nothing else changes
    again = trained(solver, state=state)
    assert_array_equal(first.theta, again.theta)


@every_first_order_solver
def test_a_second_call_continues_from_the_state_that_the_first_returned(solver):
    half = trained(solver, max_iter=4)
    whole = trained(solver, max_iter=8)
    rest = trained(solver, max_iter=8, start=half.theta, state=half.state)
    assert_array_equal(rest.theta, whole.theta)
    assert rest.state.history.loss_curve == whole.state.history.loss_curve
    assert half.state.history.last.n_iter == 4  # the state of the first result is its own


@every_solver
def test_many_networks_train_in_threads_at_once(solver):
    networks = [Network((4, size, 3)) for size in range(2, 10)]

    def run(network):
        start = network.initialize(random_state=1)
        made = solver_for(solver, max_iter=5)
        return train(network, EXAMPLES, solver=made, start=start, state=new_state()).theta

    with ThreadPoolExecutor(4) as executor:
        found = list(executor.map(run, networks))
    for network, theta in zip(networks, found, strict=True):
        assert_array_equal(theta, run(network))


def test_one_solver_serves_many_trainings():
    solver = solver_for("adam", max_iter=5)
    first, second = (
        train(NETWORK, EXAMPLES, solver=solver, start=START, state=new_state()) for _ in range(2)
    )
    assert_array_equal(first.theta, second.theta)


def test_the_callback_gets_the_result_so_far():
    seen = []
    result = trained(max_iter=3, callback=lambda so_far: seen.append(so_far()))
    assert [each.ending for each in seen] == 3 * [Ending.RUNNING]
    assert [each.state.history.last.n_iter for each in seen] == [1, 2, 3]
    assert_array_equal(seen[-1].theta, result.theta)
    shorter = trained(max_iter=1)
    assert_array_equal(seen[0].theta, shorter.theta)


@every_solver
@pytest.mark.parametrize("answer", [True, Ending.SCORE_PLATEAU])
def test_the_callback_can_stop(solver, answer):
    n_calls = 0

    def callback(so_far):
        nonlocal n_calls
        n_calls += 1
        return answer if n_calls == 2 else None

    result = trained(solver, callback=callback)
    assert result.state.history.last.n_iter == 2
    assert result.ending is (Ending.CALLBACK if answer is True else answer)


def scores(*values):
    """Return a validation that finds these scores, one an iteration."""
    remaining = iter(values)
    return lambda theta: (0.5, next(remaining))


@every_solver
def test_early_stopping_keeps_the_best_weights(solver):
    early_stopping = ScorePlateau(tol=0, patience=2)
    result = trained(
        solver, validation=scores(1, 3, 2, 2, 5), early_stopping=early_stopping, max_iter=8
    )
    assert result.ending is Ending.SCORE_PLATEAU
    assert result.state.history.validation_scores == [1, 3, 2, 2]
    best = trained(solver, max_iter=2)
    assert_array_equal(result.theta, best.theta)
    assert result.loss == best.loss


def test_a_validation_without_early_stopping_is_only_recorded():
    result = trained(max_iter=4, validation=scores(4, 3, 2, 1))
    assert (result.ending, result.state.history.last.n_iter) == (Ending.MAX_ITER, 4)
    assert_array_equal(result.theta, trained(max_iter=4).theta)


def test_the_score_has_priority_over_a_callback():
    result = trained(
        validation=scores(1, 1),
        early_stopping=ScorePlateau(tol=1, patience=1),
        callback=lambda so_far: True if so_far().state.history.last.n_iter == 2 else None,
    )
    assert result.ending is Ending.SCORE_PLATEAU


def test_a_state_without_arrays_keeps_the_curves():
    result = trained(validation=scores(*range(8)), early_stopping=ScorePlateau())
    state = result.state.without_arrays()
    last = state.history.last
    assert (last.theta, last.best_theta, state.progress.order) == (None, None, None)
    assert state.history.loss_curve == result.state.history.loss_curve
    assert result.state.history.last.best_theta is not None


def test_verbose_prints_a_line_an_iteration(capsys):
    result = trained(max_iter=2, verbose=True, validation=scores(0.75, -1 / 3))
    losses = [f"{loss:.8f}" for loss in result.state.history.loss_curve]
    assert capsys.readouterr().out == (
        f"Iteration 1, loss = {losses[0]}, validation score = 0.75000000\n"
        f"Iteration 2, loss = {losses[1]}, validation score = -0.33333333\n"
    )


def test_it_is_silent_unless_verbose(capsys):
    trained(max_iter=2)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_iteration_whose_validation_fails_leaves_no_trace(error):
    n_calls = 0

    def validation(theta):
        nonlocal n_calls
        n_calls += 1
        if n_calls == 3:
            raise error
        return 0.25, 0.75

    if error is ValueError:
        with pytest.raises(ValueError):  # noqa: PT011 (it has no message)
            trained(validation=validation)
        return
    result = trained(validation=validation)
    assert result.ending is Ending.INTERRUPTED
    assert result.state.history.validation_scores == [0.75, 0.75]
    assert_array_equal(result.theta, trained(max_iter=2).theta)


def test_ctrl_c_before_the_first_iteration_is_raised():
    def validation(theta):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(validation=validation)


@every_first_order_solver
def test_divergence_names_the_iteration_of_the_whole_training(solver):
    half = trained(solver, max_iter=2)
    broken = replace(EXAMPLES, weight=np.full(len(y), np.inf))
    with pytest.raises(ValueError, match="m, the sum of sample_weight"):
        train(NETWORK, broken, solver=solver_for(solver), start=START, state=new_state())
    with pytest.raises(ValueError, match="diverged at iteration 3"):
        trained(solver, start=half.theta * np.nan, state=half.state)
