"""skbp.estimator.search: the tasks of a search, and the table of its scores."""

from copy import copy

import numpy as np
import pandas as pd
import pytest
from fitting import IRIS
from numpy.testing import assert_allclose, assert_array_equal

from skbp import BackpropClassifier
from skbp.estimator import search as search_module
from skbp.estimator.assembly import problem_of
from skbp.estimator.path import Scored
from skbp.estimator.search import (
    Candidate,
    Plan,
    Search,
    search,
    with_larger_alphas,
)
from skbp.estimator.targets import targets_for

X, y = IRIS
ROWS = np.arange(len(y))
SPLITS = [(np.setdiff1d(ROWS, ROWS[k::3]), ROWS[k::3]) for k in range(3)]


def candidate(sizes):
    model = BackpropClassifier(sizes, "tanh", early_stopping=False, random_state=7)
    return Candidate(model, problem_of(model, targets_for(y), X, y, None))


def plan_of(*sizes, **parameters):
    given = {
        "candidates": [candidate(each) for each in sizes],
        "alphas": [2.0, 0.2],
        "splits": SPLITS,
        "seed": 7,
        "score_params": lambda rows: None,
        "is_exhaustive": False,
        "keeps_predictions": False,
    }
    return Plan(**given | parameters)


def test_tasks_come_fold_by_fold_with_a_seed_for_each_fold():
    folds = list(plan_of((2,), (3,)).folds(range(3)))
    assert [fold.classifier.hidden_layer_sizes for fold in folds] == [(2,), (3,)] * 3
    assert [fold.classifier.random_state for fold in folds] == [8, 8, 9, 9, 10, 10]
    for fold, (train, test) in zip(folds[::2], SPLITS, strict=True):
        assert_array_equal(fold.train, train)
        assert_array_equal(fold.test, test)


def test_an_exhaustive_search_has_one_seed():
    folds = plan_of((2,), is_exhaustive=True).folds(range(3))
    assert {fold.classifier.random_state for fold in folds} == {7}


def test_the_largest_seed_is_followed_by_small_ones():
    folds = list(plan_of((2,), seed=2**32 - 2).folds(range(3)))
    assert [fold.classifier.random_state for fold in folds] == [2**32 - 1, 0, 1]


def scored(*scores):
    return [Scored(score, -score, 2.0, 1.0) for score in scores]


def test_the_table_by_hand():
    plan = plan_of((2,), (3,), splits=SPLITS[:2])
    paths = [scored(-0.4, -0.2), scored(-0.6), scored(-0.2, -0.4), scored(-0.4, -0.1)]
    found = Search(plan, paths)
    nan = np.nan
    assert found.n_folds == 2
    assert_array_equal(
        found.table("score"), [[[-0.4, -0.2], [-0.6, nan]], [[-0.2, -0.4], [-0.4, -0.1]]]
    )
    results = pd.DataFrame(found.results())
    assert_allclose(results["mean_test_score"], [-0.3, -0.3, -0.5, nan])
    assert_allclose(results["std_test_score"], [0.1, 0.1, 0.1, nan])
    assert_allclose(results["split1_test_score"], [-0.2, -0.4, -0.4, -0.1])
    assert_allclose(results["mean_fit_time"], [2, 2, 2, nan])
    assert_allclose(results["mean_score_time"], [1, 1, 1, nan])
    assert results["rank_test_score"].tolist() == [1, 1, 3, 4]
    assert results["param_alpha"].tolist() == [2, 0.2, 2, 0.2]
    assert results["param_hidden_layer_sizes"].tolist() == [(2,), (2,), (3,), (3,)]
    assert results["params"][3] == {
        "activation": "tanh",
        "alpha": 0.2,
        "hidden_layer_sizes": (3,),
    }


def test_mean_probabilities_by_hand():
    def path(p):
        rows = np.full((50, 3), p)
        return [Scored(0, 0, 0, 0, {}, rows), Scored(0, 0, 0, 0, {}, 2 * rows)]

    found = Search(plan_of((2,), splits=SPLITS[:2]), [path(0.1), path(0.2)])
    P = found.mean_probabilities({(0, 0): 0.25, (0, 1): 0.75})
    assert_allclose(P[SPLITS[0][1]], 0.1 * 1.75)
    assert_allclose(P[SPLITS[1][1]], 0.2 * 1.75)
    assert np.isnan(P[SPLITS[2][1]]).all()


class Paths:
    """Paths whose scores are given for each λ, and which notes what was asked for."""

    def __init__(self, *scores_of_folds):
        self.scores, self.asked = scores_of_folds, []

    def __call__(self, fold, alphas, is_exhaustive, keeps_predictions):
        k = fold.classifier.random_state - 8
        self.asked.append((k, *alphas))
        return scored(*[self.scores[k][alpha] for alpha in alphas])


def race(*scores_of_folds, **given):
    paths = Paths(*(dict(zip(ALPHAS, scores, strict=False)) for scores in scores_of_folds))
    plan = plan_of((2,), alphas=ALPHAS, is_race=True, scored_path=paths, **given)
    return search(plan, 1, lambda: False), paths


ALPHAS = [81.0, 27.0, 9.0, 3.0, 1.0]


def test_in_a_race_the_other_folds_begin_before_the_best_of_the_first():
    found, paths = race((1, 2, 3, 4, 3), (5, 5, 5, 6, 5), (5, 5, 5, 6, 5))
    assert paths.asked == [(0, *ALPHAS), (1, *ALPHAS[2:]), (2, *ALPHAS[2:])]
    assert found.starts == [2]
    assert found.best_of_networks == [3]
    assert found.last_alphas((0, 3)) == [9, 3]
    assert found.last_alphas((0, 2)) == [9]
    assert np.isnan(found.table("score")[1:, 0, :2]).all()


@pytest.mark.parametrize(
    ("alphas", "best", "start"),
    [
        (ALPHAS, 0, 0),
        (ALPHAS, 1, 0),
        (ALPHAS, 4, 3),
        ([8.0, 4.0, 2.0, 1.0], 3, 1),
        ([100.0, 1.0], 1, 0),
        ([2.0, 0.0], 1, 0),
    ],
)
def test_a_race_begins_a_step_or_a_factor_above_the_best(alphas, best, start):
    assert search_module._start(alphas, best) == start


def test_what_a_race_skipped_is_tried_while_the_first_value_is_best():
    values = [(1, 2, 3, 4, 3), (10, 9, 6, 2, 1), (10, 9, 6, 2, 1)]
    found, paths = race(*values)
    others = [(1, *ALPHAS[2:]), (2, *ALPHAS[2:])]
    assert paths.asked == [(0, *ALPHAS), *others, (1, 27), (2, 27), (1, 81), (2, 81)]
    assert_array_equal(found.table("score")[:, 0], values)
    assert found.best_of_networks == found.starts == [0]


class OfTwo(Paths):
    """The same for a network of 2 units, and one of 3 whose best λ is always 3."""

    def __call__(self, fold, alphas, *args):
        path = super().__call__(fold, alphas, *args)
        size = fold.classifier.hidden_layer_sizes[0]
        self.asked[-1] = (size, *self.asked[-1])
        return path if size == 2 else scored(*[-abs(alpha - 3.0) for alpha in alphas])


def race_of_two(*scores_of_folds):
    paths = OfTwo(*(dict(zip(MORE_ALPHAS, scores, strict=True)) for scores in scores_of_folds))
    plan = plan_of((2,), (3,), alphas=ALPHAS, is_race=True, scored_path=paths)
    return search(plan, 1, lambda: False), paths


MORE_ALPHAS = [729.0, 243.0, *ALPHAS]


def test_only_networks_that_need_it_are_tried_again():
    values = [(0, 0, 1, 2, 3, 4, 3), (0, 0, 7, 9, 8, 2, 1), (0, 0, 7, 9, 8, 2, 1)]
    found, paths = race_of_two(*values)
    assert paths.asked[6:] == [(2, 1, 27), (2, 2, 27), (2, 1, 81), (2, 2, 81)]
    assert found.starts == [0, 2]
    assert_array_equal(found.table("score")[:, 0], np.array(values)[:, 2:])
    assert np.isnan(found.table("score")[1:, 1, :2]).all()


def test_larger_alphas_are_tried_on_the_first_fold_of_a_race():
    values = [(3, 9, 8, 7, 6, 5, 4)] * 3
    found, paths = race_of_two(*values)
    assert paths.asked[:3] == [(2, 0, *ALPHAS), (3, 0, *ALPHAS), (2, 0, 729, 243)]
    assert paths.asked[3:] == [
        (2, 1, *MORE_ALPHAS),
        (3, 1, *MORE_ALPHAS[4:]),
        (2, 2, *MORE_ALPHAS),
        (3, 2, *MORE_ALPHAS[4:]),
    ]
    assert_array_equal(found.plan.alphas, MORE_ALPHAS)
    assert found.best_of_networks == [1, 5]
    assert_array_equal(found.table("score")[:, 0], values)


def test_a_larger_alpha_that_the_first_fold_has_not_tried_is_tried_on_it_too():
    class Swapped(OfTwo):
        def __call__(self, fold, alphas, *args):
            path = super().__call__(fold, alphas, *args)
            size, is_first = self.asked[-1][0], self.asked[-1][1] == 0
            if size == 3:  # in the first fold the best is 27, in the others the largest
                return scored(*[-abs(alpha - 27) if is_first else 9 * alpha for alpha in alphas])
            return path

    paths = Swapped(*(dict.fromkeys(MORE_ALPHAS, 0.0) | {81: 9.0, 243: 8.0},) * 3)
    plan = plan_of((2,), (3,), alphas=ALPHAS, is_race=True, scored_path=paths)
    found = search(plan, 1, lambda: False)
    assert (3, 0, 243) in paths.asked
    assert np.isfinite(found.table("score")[:, 1]).all()
    assert found.starts[1] == found.best_of_networks[1] == 0


def test_a_race_that_is_stopped_at_larger_alphas_begins_no_other_fold():
    answers = iter([False])
    paths = Paths(dict(zip(MORE_ALPHAS, (3, 9, 8, 7, 6, 5, 4), strict=True)))
    plan = plan_of((2,), alphas=ALPHAS, is_race=True, scored_path=paths)
    found = search(plan, 1, lambda: next(answers, True))
    assert paths.asked == [(0, *ALPHAS), (0, 729, 243)]
    assert found.is_over
    assert_array_equal(found.table("score")[:, 0], [(3, 9, 8, 7, 6, 5, 4)])


@pytest.mark.parametrize("n_paths", [1, 3, 4])
def test_a_race_that_is_stopped_keeps_what_is_complete(n_paths):
    answers = iter([False] * (n_paths - 1))
    values = [(1, 2, 3, 4, 3), (7, 9, 8, 2, 1), (7, 9, 8, 2, 1)]
    paths = Paths(*(dict(zip(ALPHAS, scores, strict=True)) for scores in values))
    plan = plan_of((2,), alphas=ALPHAS, is_race=True, scored_path=paths)
    found = search(plan, 1, lambda: next(answers, True))
    assert len(paths.asked) == n_paths
    assert found.n_folds == min(n_paths, 3)
    assert found.is_over
    assert not found.was_interrupted
    assert with_larger_alphas(found, 1, lambda: False) is found


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_stop_is_granted_when_a_fold_is_complete(n_jobs):
    answers = iter([True] + [False] * 5)
    found = search(plan_of((2,), (3,)), n_jobs, lambda: next(answers))
    assert found.n_folds == 1 if n_jobs == 1 else found.n_folds in (1, 2, 3)
    assert len(found.paths) == 2 * found.n_folds
    assert not found.was_interrupted
    whole = search(plan_of((2,), (3,)), n_jobs, lambda: False)
    assert_array_equal(found.table("score")[0], whole.table("score")[0])


def test_a_search_does_not_change_the_candidates():
    plan = plan_of((2,))
    before = copy(vars(plan.candidates[0].classifier))
    search(plan, 1, lambda: False)
    assert vars(plan.candidates[0].classifier) == before
