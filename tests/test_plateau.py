"""skbp.plateau: since when a value that should fall has not."""

import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbp.plateau import Plateau

inf = math.inf


def reaches(n, values, plateau, tol=0.01):
    """Return the index of the value with which the plateau is n long, or None."""
    return next((i for i, value in enumerate(values) if plateau.extend(value, tol) >= n), None)


@pytest.mark.parametrize(
    ("n", "values", "index"),
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
def test_plateau_counts_exactly_n(n, values, index):
    assert reaches(n, values, Plateau()) == index


@pytest.mark.parametrize(
    ("tol", "values", "index"),
    [
        (0.25, [1, 0.75, 0.5, 0.25], None),
        (0.25, [1, 0.875, 0.75, 0.625], 2),
        (0.25, [1, 0.875, 0.625, 0.5], None),
        (0.5, [1, 0.75, 0.5, 0.25], 2),
        (0, [1, 1 + 1e-9, 1 + 1e-9], 2),
        (0, [1, 1, 1, 1], None),
        # scores that should rise come with a minus sign
        (0.25, [-0.5, -0.75, -1], None),
        (0.25, [-0.5, -0.625, -0.625], 2),
    ],
)
def test_an_improvement_is_by_at_least_tol_on_the_best_value(tol, values, index):
    assert reaches(2, values, Plateau(), tol) == index


def test_tol_may_differ_from_value_to_value():
    plateau = Plateau()
    lengths = [plateau.extend(*each) for each in [(1, 0.5), (0.75, 0.5), (0.5, 0.25), (0.25, 0.5)]]
    assert lengths == [0, 1, 0, 1]


def test_a_plateau_grows_until_the_value_improves():
    plateau = Plateau()
    assert [plateau.extend(value, 0.01) for value in [1, 1, 1, 1, 0.5]] == [0, 1, 2, 3, 0]


def test_length_is_what_extend_returned():
    plateau = Plateau()
    assert [plateau.extend(value, 0.01) == plateau.length for value in [1, 1, 0.5]] == 3 * [True]


def test_a_plateau_of_length_0_counts_anew_from_the_best_value():
    plateau = Plateau()
    assert reaches(2, [3, 1, 2, 2], plateau) == 3
    plateau.length = 0
    assert reaches(2, [1.5, 1.5], plateau) == 1


def test_a_plateau_knows_the_first_and_the_best_value():
    plateau = Plateau()
    reaches(10, [3, 1, 2], plateau)
    plateau.length = 0
    assert (plateau.first, plateau.best) == (3, 1)


def test_a_new_plateau_has_seen_nothing():
    plateau = Plateau()
    assert math.isnan(plateau.first)
    assert (plateau.best, plateau.length) == (inf, 0)


def test_the_first_value_improves_however_high_it_is():
    assert Plateau().extend(1e300, tol=1e300) == 0


def test_a_pickled_plateau_goes_on():
    plateau = Plateau()
    reaches(10, [3, 1, 2], plateau)
    again = pickle.loads(pickle.dumps(plateau))
    assert again == plateau
    assert reaches(3, [2, 2, 2], again) == 1


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(0, 3))
def test_length_is_the_number_of_values_since_the_last_improvement(values, tol):
    plateau = Plateau()
    for value in values:
        plateau.extend(value, tol)
    improved = [i for i, v in enumerate(values) if i == 0 or v <= min(values[:i]) - tol]
    assert plateau.length == len(values) - 1 - improved[-1]
    assert (plateau.first, plateau.best) == (values[0], min(values))
