"""skbp.estimator.path: fits of one network, λ from large to small."""

from dataclasses import replace

import numpy as np
import pytest
from fitting import IRIS
from numpy.testing import assert_allclose, assert_array_equal

from skbp import BackpropClassifier
from skbp.estimator.assembly import problem_of
from skbp.estimator.path import Fold, Scored, _has_turned, fits, renewed, scored_path
from skbp.estimator.targets import targets_for
from skbp.network import Network
from skbp.objective import Objective

X, y = IRIS
ALPHAS = [5.0, 0.5, 0.05]
ROWS = np.arange(len(y))


def problem_for(**parameters):
    given = {"hidden_layer_sizes": (4,), "activation": "tanh", "random_state": 0}
    model = BackpropClassifier(**given | {"early_stopping": False} | parameters)
    model.n_features_in_ = X.shape[1]
    return model, problem_of(model, targets_for(y), X, y, None)


def fold_for(**parameters):
    model, problem = problem_for(**parameters)
    return Fold(model, problem, ROWS[ROWS % 5 > 0], ROWS[ROWS % 5 == 0])


def test_the_first_fit_is_that_of_the_classifier():
    model, problem = problem_for()
    first = next(iter(fits(model, problem, ALPHAS, problem.m)))
    alone = BackpropClassifier((4,), "tanh", alpha=5, early_stopping=False, random_state=0)
    alone.fit(X, y)
    assert_array_equal(first.result.theta, alone.network_.pack(_thetas(alone)))


def _thetas(model):
    pairs = zip(model.coefs_, model.intercepts_, strict=True)
    return [np.column_stack([intercepts, coefs.T]) for coefs, intercepts in pairs]


def test_cold_fits_do_not_depend_on_those_before():
    model, problem = problem_for()
    all_of_them = list(fits(model, problem, ALPHAS, problem.m, is_warm=False))
    [last] = fits(model, problem, ALPHAS[-1:], problem.m, is_warm=False)
    assert_array_equal(all_of_them[-1].result.theta, last.result.theta)


def test_a_warm_fit_takes_fewer_iterations_to_the_same_cost():
    model, problem = problem_for(hidden_layer_sizes=())  # a convex problem
    *_, warm = fits(model, problem, [0.6, 0.5], problem.m)
    [cold] = fits(model, problem, [0.5], problem.m)
    assert warm.result.loss == pytest.approx(cold.result.loss, abs=1e-6)
    assert warm.result.state.history.last.n_iter < cold.result.state.history.last.n_iter


def test_a_part_of_the_rows_has_the_same_weight_of_the_penalty():
    model, whole = problem_for()
    part = replace(whole, examples=whole.examples.take(ROWS[::3]))
    [fit] = fits(model, part, [2.0], whole.m)
    assert fit.problem.alpha / fit.problem.m == pytest.approx(2 / whole.m)
    theta = whole.network.initialize(0)
    objective = Objective(whole.network, part.examples.X, part.examples.Y, alpha=fit.problem.alpha)
    unpenalised = Objective(whole.network, part.examples.X, part.examples.Y, alpha=0)
    penalty = objective(theta)[0] - unpenalised(theta)[0]
    squares = sum((Theta[:, 1:] ** 2).sum() for Theta in whole.network.unpack(theta))
    assert penalty == pytest.approx(2 / (2 * whole.m) * squares)


def test_units_that_are_off_get_new_weights_and_the_outputs_stay():
    network = Network((3, 4, 2, 2), "relu")
    theta, fresh = network.initialize(0), network.initialize(1)
    Thetas = network.unpack(theta)
    Thetas[0][1], Thetas[1][:, 2] = 0, 0  # the second unit of the first hidden layer
    inputs = np.random.default_rng(0).normal(size=(20, 3))
    new = renewed(network, theta, fresh)
    assert_allclose(network.decision(new, inputs), network.decision(theta, inputs), atol=1e-15)
    after, start = network.unpack(new), network.unpack(fresh)
    assert_array_equal(after[0][1], start[0][1])
    others = [0, 2, 3]
    assert_array_equal(after[0][others], Thetas[0][others])
    assert_array_equal(after[2], Thetas[2])


def test_a_network_whose_units_are_all_off_can_learn_again():
    model, problem = problem_for(activation="relu", hidden_layer_sizes=(6, 6))
    off, last = fits(model, problem, [1e4, 0.1], problem.m)
    _, cold = fits(model, problem, [1e4, 0.1], problem.m, is_warm=False)
    assert off.result.loss > 1.5
    assert last.result.loss < 1.3 * cold.result.loss


def path_of(*pairs):
    return [Scored(score, loss, 0, 0) for loss, score in pairs]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (path_of((0.5, -0.5)), False),
        (path_of((0.5, -0.5), (0.54, -0.54)), False),
        (path_of((0.5, -0.5), (0.56, -0.56)), True),
        (path_of((0.5, 0.9), (0.56, 0.95)), False),  # the accuracy still improves
        (path_of((0.5, -0.5), (0.4, -0.4), (0.45, -0.45)), True),
    ],
)
def test_a_path_turns_where_the_loss_is_10_percent_above_its_lowest(path, expected):
    assert _has_turned(path) is expected


def test_a_path_that_turns_ends_and_an_exhaustive_one_does_not():
    alphas = [3.0, 0.3, 1e-3, 1e-5, 0.0]
    fold = fold_for(hidden_layer_sizes=(30,), tol=1e-6)
    short = scored_path(fold, alphas, False, False)
    assert 2 <= len(short) < len(alphas)
    assert len(scored_path(fold, alphas, True, False)) == len(alphas)


def test_scores_are_those_of_the_rows_that_were_left_out():
    fold = fold_for()
    [scored] = scored_path(fold, [0.5], False, True)
    model = BackpropClassifier((4,), "tanh", alpha=0.4, early_stopping=False, random_state=0)
    model.fit(X[fold.train], y[fold.train])
    expected = model.predict_proba(X[fold.test])
    assert_allclose(scored.probabilities, expected, rtol=1e-12)
    assert scored.score == pytest.approx(
        np.log(expected[np.arange(len(fold.test)), y[fold.test]]).mean()
    )
    assert_allclose(scored.attributes["coefs_"][0], model.coefs_[0], rtol=1e-12)


def test_predictions_are_kept_only_if_asked_for():
    [scored] = scored_path(fold_for(), [0.5], False, False)
    assert scored.attributes is None
    assert scored.probabilities is None
