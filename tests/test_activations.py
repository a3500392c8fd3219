"""skbp.activations: g, g′ and log g against their definitions."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from lecture import ACTIVATIONS as LECTURE
from lecture import OUTPUT_ACTIVATIONS as LECTURE_OUTPUT
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.special import log_softmax, softmax

from skbp.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS, Activation, resolve

moderate = st.floats(-15, 15)
off_the_kink = st.floats(-15, -1e-3) | st.floats(1e-3, 15)
over_all = pytest.mark.parametrize("name", ACTIVATIONS)
over_outputs = pytest.mark.parametrize("name", OUTPUT_ACTIVATIONS)
over_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def large_z(dtype):
    return np.linspace(-1e4, 1e4, 2001, dtype=dtype).reshape(-1, 3)


def test_the_lecture_module_has_every_activation():
    assert set(ACTIVATIONS) == set(LECTURE)
    assert set(OUTPUT_ACTIVATIONS) == set(LECTURE_OUTPUT)


@pytest.mark.parametrize("registry", [ACTIVATIONS, OUTPUT_ACTIVATIONS])
def test_each_is_registered_under_its_own_name(registry):
    assert [activation.name for activation in registry.values()] == list(registry)


@over_all
@given(z=arrays(float, 7, elements=moderate))
@settings(deadline=None, max_examples=30)
def test_g_is_as_it_is_defined(name, z):
    g, _ = LECTURE[name]
    np.testing.assert_allclose(ACTIVATIONS[name].g(z), g(z), rtol=1e-12, atol=1e-15)


@over_all
@given(z=arrays(float, 7, elements=off_the_kink))
@settings(deadline=None, max_examples=30)
def test_g_prime_of_a_is_the_derivative_of_g(name, z):
    activation, epsilon = ACTIVATIONS[name], 1e-5
    numerical = (activation.g(z + epsilon) - activation.g(z - epsilon)) / (2 * epsilon)
    np.testing.assert_allclose(activation.g_prime(activation.g(z)), numerical, atol=1e-8)


@over_all
def test_g_prime_agrees_with_scipys_numerical_jacobian(name):
    activation, z = ACTIVATIONS[name], np.array([-4.0, -1.1, -0.3, 0.2, 0.9, 3.0])
    jacobian = approx_fprime(z, activation.g)
    np.testing.assert_allclose(np.diag(activation.g_prime(activation.g(z))), jacobian, atol=1e-6)


@over_all
@given(z=arrays(float, 7, elements=off_the_kink))
@settings(deadline=None, max_examples=30)
def test_g_prime_of_a_is_the_lectures_g_prime_of_z(name, z):
    _, g_prime = LECTURE[name]
    activation = ACTIVATIONS[name]
    np.testing.assert_allclose(activation.g_prime(activation.g(z)), g_prime(z), atol=1e-14)


@pytest.mark.parametrize(
    ("name", "at_zero"), [("relu", 0), ("leaky_relu", 0.01), ("elu", 1), ("identity", 1)]
)
def test_g_prime_at_the_kink(name, at_zero):
    assert ACTIVATIONS[name].g_prime(np.zeros(1)) == at_zero


@pytest.mark.parametrize(("power", "moment"), [(1, 0), (2, 1)])
def test_selu_keeps_mean_0_and_variance_1(power, moment):
    def weighted(z):
        return ACTIVATIONS["selu"].g(np.array(z)) ** power * np.exp(-z * z / 2)

    integral = quad(weighted, -12, 0)[0] + quad(weighted, 0, 12)[0]
    assert integral / np.sqrt(2 * np.pi) == pytest.approx(moment, abs=1e-7)


@over_dtypes
@over_all
def test_finite_for_large_z_and_of_its_dtype(name, dtype):
    activation, z = ACTIVATIONS[name], large_z(dtype)
    a = activation.g(z)
    g_prime = activation.g_prime(a)
    assert a.dtype == g_prime.dtype == dtype
    assert np.isfinite(a).all()
    assert np.isfinite(g_prime).all()
    assert (g_prime >= 0).all()


@over_all
def test_g_and_g_prime_do_not_change_their_argument(name):
    activation, z = ACTIVATIONS[name], np.linspace(-2, 2, 5)
    z.flags.writeable = False
    a = activation.g(z)
    assert not np.shares_memory(a, z)
    a.flags.writeable = False
    assert not np.shares_memory(activation.g_prime(a), a)


@over_outputs
@given(z=arrays(float, (2, 3), elements=moderate))
@settings(deadline=None, max_examples=30)
def test_output_g_is_its_definition(name, z):
    h, _ = LECTURE_OUTPUT[name]
    expected = [h(row) for row in z]
    np.testing.assert_allclose(OUTPUT_ACTIVATIONS[name].g(z), expected, rtol=1e-12)


@given(z=arrays(float, (3, 4), elements=st.floats(-1e4, 1e4)))
@settings(deadline=None, max_examples=50)
def test_softmax_is_scipys_and_its_rows_sum_to_1(z):
    output = OUTPUT_ACTIVATIONS["softmax"]
    np.testing.assert_allclose(output.g(z).sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_allclose(output.g(z), softmax(z, axis=1), rtol=1e-10, atol=1e-300)
    np.testing.assert_allclose(output.log_g(z), log_softmax(z, axis=1), rtol=1e-12, atol=1e-14)


@over_outputs
@given(z=arrays(float, (3, 4), elements=moderate))
@settings(deadline=None, max_examples=30)
def test_log_g_is_log_of_g(name, z):
    output = OUTPUT_ACTIVATIONS[name]
    np.testing.assert_allclose(output.log_g(z), np.log(output.g(z)), rtol=1e-12, atol=1e-14)


@over_dtypes
@over_outputs
def test_output_is_finite_for_large_z_and_of_its_dtype(name, dtype):
    output, z = OUTPUT_ACTIVATIONS[name], large_z(dtype)
    h, log_h = output.g(z), output.log_g(z)
    assert h.dtype == log_h.dtype == dtype
    assert np.isfinite(h).all()
    assert np.isfinite(log_h).all()


@pytest.mark.parametrize(
    ("name", "z", "log_h"),
    [
        ("logistic", [1e4, -1e4], [0, -1e4]),
        ("softmax", [1e4, -1e4], [0, -2e4]),
        ("softmax", [1e4, 1e4], [-np.log(2), -np.log(2)]),
    ],
)
def test_log_g_of_large_z(name, z, log_h):
    np.testing.assert_allclose(OUTPUT_ACTIVATIONS[name].log_g(np.array([z])), [log_h], rtol=1e-12)


@over_outputs
def test_output_activations_do_not_change_their_argument(name):
    output, z = OUTPUT_ACTIVATIONS[name], np.array([[-1.0, 0.0, 2.0]])
    z.flags.writeable = False
    assert not np.shares_memory(output.g(z), z)
    assert not np.shares_memory(output.log_g(z), z)


def test_resolve_by_name():
    assert resolve(ACTIVATIONS, "tanh", "activation") is ACTIVATIONS["tanh"]


def test_resolve_returns_an_object_as_it_is():
    sine = Activation(np.sin, lambda a: np.sqrt(1 - a * a), "sine")
    assert resolve(ACTIVATIONS, sine, "activation") is sine


@pytest.mark.parametrize(
    ("registry", "parameter"),
    [(ACTIVATIONS, "activation"), (OUTPUT_ACTIVATIONS, "output_activation")],
)
def test_an_error_of_resolve_names_the_parameter_the_choices_and_the_given_one(registry, parameter):
    parts = [f"{parameter} must be", str(sorted(registry)), "'Tanh'"]
    with pytest.raises(ValueError, match=".*".join(map(re.escape, parts))):
        resolve(registry, "Tanh", parameter)


@pytest.mark.parametrize("wrong", [None, np.tanh, OUTPUT_ACTIVATIONS["softmax"]])
def test_resolve_of_another_type(wrong):
    with pytest.raises(ValueError, match="activation must be one of"):
        resolve(ACTIVATIONS, wrong, "activation")


def test_representation_names_the_activation():
    assert repr(ACTIVATIONS["relu"]) == "Activation(name='relu')"
    assert repr(OUTPUT_ACTIVATIONS["softmax"]) == "OutputActivation(name='softmax')"
