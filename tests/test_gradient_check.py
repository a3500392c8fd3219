"""skbp.gradient_check: correct gradients pass it, and those with common mistakes do not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import approx_fprime, rosen, rosen_der

from skbp.gradient_check import check_gradient, numerical_gradient
from skbp.network import Network
from skbp.objective import Objective

network = Network((3, 4, 2), "tanh")
theta_0 = network.initialize(0, gain=1)
generator = np.random.default_rng(0)
objective = Objective(
    network, generator.normal(size=(8, 3)), np.eye(2)[generator.integers(2, size=8)], alpha=0.5
)


def rosenbrock(theta):
    return rosen(theta), rosen_der(theta)


def bias_regularised(theta):
    J, D = objective(theta)
    for Theta, D_l in zip(network.unpack(theta), network.unpack(D), strict=True):
        D_l[:, 0] += objective.alpha / objective.m * Theta[:, 0]
    return J, D


def not_divided_by_m(theta):
    J, D = objective(theta)
    return J, D * objective.m


def sign_changed(theta):
    J, D = objective(theta)
    return J, -D


def penalty_without_its_half(theta):
    J, D = objective(theta)
    weights = [Theta[:, 1:] for Theta in network.unpack(theta)]
    penalty = objective.alpha / (2 * objective.m) * sum((w**2).sum() for w in weights)
    return J + penalty, D


def without_one_entry(theta):
    J, D = objective(theta)
    D[5] = 0
    return J, D


@pytest.mark.parametrize(
    ("correct", "theta"),
    [(objective, theta_0), (rosenbrock, np.array([-1.2, 1.0, 0.7]))],
    ids=["objective", "rosenbrock"],
)
def test_a_correct_gradient_passes(correct, theta):
    assert check_gradient(correct, theta) < 1e-8


@pytest.mark.parametrize(
    "wrong",
    [
        bias_regularised,
        not_divided_by_m,
        sign_changed,
        penalty_without_its_half,
        without_one_entry,
    ],
)
def test_a_wrong_gradient_is_caught(wrong):
    assert check_gradient(wrong, theta_0) > 1e-4


def test_the_opposite_gradient_has_the_largest_error():
    assert check_gradient(sign_changed, theta_0) == pytest.approx(1)


def test_a_gradient_twice_too_long_has_an_error_of_a_third():
    assert check_gradient(lambda t: (t @ t, 4 * t), np.ones(3)) == pytest.approx(1 / 3)


def test_two_zero_gradients_agree():
    assert check_gradient(lambda theta: (1.0, np.zeros_like(theta)), np.ones(3)) == 0


def test_a_zero_gradient_of_a_sloping_cost_is_caught():
    assert check_gradient(lambda theta: (theta.sum(), np.zeros_like(theta)), np.ones(3)) == 1


@given(theta=arrays(float, 3, elements=st.floats(-2, 2)))
@settings(deadline=None, max_examples=30)
def test_numerical_gradient_is_the_analytical_one(theta):
    np.testing.assert_allclose(
        numerical_gradient(rosenbrock, theta), rosen_der(theta), rtol=1e-6, atol=1e-5
    )


def test_numerical_gradient_agrees_with_scipys():
    expected = approx_fprime(theta_0, lambda theta: objective(theta)[0])
    np.testing.assert_allclose(numerical_gradient(objective, theta_0), expected, atol=1e-6)


@pytest.mark.parametrize("epsilon", [1e-1, 1e-3])
def test_the_error_of_the_numerical_gradient_is_the_square_of_epsilon(epsilon):
    cubic = numerical_gradient(lambda theta: (theta[0] ** 3, theta), np.array([1.0]), epsilon)
    assert cubic[0] - 3 == pytest.approx(epsilon**2, rel=1e-5)


@pytest.mark.parametrize("check", [check_gradient, numerical_gradient])
def test_theta_is_not_changed(check):
    theta = theta_0.copy()
    theta.flags.writeable = False
    check(objective, theta)
    np.testing.assert_array_equal(theta, theta_0)
