"""skbp.solvers.update_rules: the steps of each rule by hand, and shortened gradients."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from skbp.solvers import Adam, Momentum
from skbp.solvers.update_rules import Update, clipped

every_rule = pytest.mark.parametrize("rule", [Momentum(), Momentum(nesterov=False), Adam()])

# D = 1, 2, −1 with η = 0.1
GRADIENTS = np.array([[1.0], [2.0], [-1.0]])
STEPS = [
    # μ = 0.5: v = −0.1, −0.25, −0.025
    (Momentum(0.5, nesterov=False), [-0.1, -0.25, -0.025]),
    # and μ v − η D
    (Momentum(0.5, nesterov=True), [-0.15, -0.325, 0.0875]),
    (Momentum(0, nesterov=True), [-0.1, -0.2, 0.1]),
    (Momentum(0, nesterov=False), [-0.1, -0.2, 0.1]),
    # β = 0.5, 0.75: m = 0.5, 1.25, 0.125 and v = 0.25, 1.1875, 1.140625, less their bias
    # m̂ = 1, 5/3, 1/7 and v̂ = 1, 19/7, 73/37
    (Adam(0.5, 0.75, 1e-300), [-0.1, -(5 / 30) * (7 / 19) ** 0.5, -((37 / 73) ** 0.5) / 70]),
]


@pytest.mark.parametrize(("rule", "steps"), STEPS)
def test_steps_by_hand(rule, steps):
    state = rule.init(np.zeros(1))
    assert_allclose([rule.update(D, state, 0.1).item() for D in GRADIENTS], steps, rtol=1e-12)


@every_rule
def test_rules_compute_in_the_dtype_of_the_weights(rule):
    D = np.ones(3, np.float32)
    assert rule.update(D, rule.init(D), 0.1).dtype == np.float32


@every_rule
def test_rules_do_not_change_the_gradient(rule):
    D = np.array([1.0, -2.0])
    state = rule.init(D)
    rule.update(D, state, 0.1)
    rule.update(D, state, 0.1)
    assert_array_equal(D, [1.0, -2.0])


@every_rule
def test_a_rule_is_immutable_and_can_be_used_many_times(rule):
    D, states = np.array([1.0, -2.0]), [rule.init(np.zeros(2)) for _ in range(2)]
    steps = [rule.update(D, state, 0.1).copy() for state in states]
    assert_array_equal(*steps)
    with pytest.raises(FrozenInstanceError):
        rule.momentum = 0.5


# ----------------------------------------------------------- an update of an epoch


@pytest.mark.parametrize(("rule", "steps"), STEPS)
def test_an_update_is_the_step_of_its_rule_and_updates_its_state(rule, steps):
    update = Update(rule, rule.init(np.zeros(1)), eta=0.1)
    assert_allclose([update(D).item() for D in GRADIENTS], steps, rtol=1e-12)
    assert update.state.get("t", 3) == 3


def test_an_update_shortens_the_gradient_first():
    # D is shortened to 1, 1.5 and −1: v = −0.1, −0.2, 0
    rule = Momentum(0.5, nesterov=False)
    update = Update(rule, rule.init(np.zeros(1)), eta=0.1, max_norm=1.5)
    assert_allclose([update(D).item() for D in GRADIENTS], [-0.1, -0.2, 0], atol=1e-15)


def test_an_update_works_with_a_custom_rule():
    class SignOfTheSum:
        """Step by the sign of the sum of all gradients."""

        def init(self, theta):
            return {"sum": np.zeros_like(theta)}

        def update(self, D, state, eta):
            state["sum"] += D
            return -eta * np.sign(state["sum"])

    rule = SignOfTheSum()
    update = Update(rule, rule.init(np.zeros(1)), eta=0.5)
    assert [update(np.array([D])).item() for D in (2.0, -1.0, -3.0)] == [-0.5, -0.5, 0.5]


# ----------------------------------------------------------------- shortened gradients


@pytest.mark.parametrize("max_norm", [None, 5, 5.1, np.inf])
def test_a_gradient_that_is_not_longer_is_left(max_norm):
    D = np.array([3.0, 4.0])  # ‖D‖ = 5
    assert clipped(D, max_norm) is D


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_longer_gradient_is_shortened(dtype):
    D = np.array([3.0, 4.0], dtype)
    shortened = clipped(D, 2.5)
    assert_array_equal(shortened, [1.5, 2.0])
    assert shortened.dtype == dtype
    assert_array_equal(D, [3.0, 4.0])


def test_a_gradient_of_0_is_left():
    assert_array_equal(clipped(np.zeros(2), 1e-300), np.zeros(2))


@given(arrays(float, 3, elements=st.floats(-1e6, 1e6)), st.floats(1e-3, 1e6))
def test_the_direction_stays(D, max_norm):
    shortened = clipped(D, max_norm)
    norm = np.linalg.norm(D)
    assert np.linalg.norm(shortened) <= max_norm * (1 + 1e-12)
    assert_allclose(shortened * max(norm, max_norm), D * max_norm, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e30), (np.float64, 1e200)])
def test_a_gradient_whose_square_overflows_is_shortened_and_not_lost(dtype, size):
    D = np.array([3, -4], dtype) * dtype(size)
    with np.errstate(over="ignore"):
        shortened = clipped(D, 5)
    assert shortened.dtype == dtype
    assert_allclose(shortened, [3, -4], rtol=1e-6)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_gradient_that_is_not_finite_does_not_become_finite(value):
    with np.errstate(invalid="ignore"):
        assert not np.isfinite(clipped(np.array([value, 1.0]), 5)).all()
