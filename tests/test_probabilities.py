"""skbp.probabilities: log-probabilities and log-losses from z, against SciPy and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, log_softmax, logsumexp, softmax
from sklearn.metrics import log_loss

from skbp.activations import OUTPUT_ACTIVATIONS
from skbp.probabilities import log_losses, log_probabilities

# what the output units stand for, their activation, and how many there are
KINDS = [
    ("binary", "logistic", 1),
    ("multiclass", "logistic", 3),
    ("multiclass", "softmax", 3),
    ("multilabel-indicator", "logistic", 3),
]
over_kinds = pytest.mark.parametrize(("y_type", "output_activation", "K"), KINDS)
over_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def moderate_z(K):
    return arrays(float, (4, K), elements=st.floats(-12, 12))


def probabilities(z, y_type, output_activation):
    """Return the probabilities of the classes as they are defined."""
    if y_type == "binary":
        return np.hstack([1 - expit(z), expit(z)])
    if output_activation == "softmax":
        return softmax(z, axis=1)
    h = expit(z)
    return h / h.sum(axis=1, keepdims=True) if y_type == "multiclass" else h


def targets(y_type, K):
    if y_type == "multiclass":
        return np.eye(K)[[0, 2, 1, 1]]
    return np.array([[0, 1, 0], [1, 1, 1], [0, 0, 0], [1, 0, 1]], float)[:, :K]


@over_kinds
@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_log_probabilities_are_the_logarithms_of_the_probabilities(
    y_type, output_activation, K, data
):
    z = data.draw(moderate_z(K))
    found = log_probabilities(OUTPUT_ACTIVATIONS[output_activation], z, y_type)
    expected = np.log(probabilities(z, y_type, output_activation))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@over_dtypes
@over_kinds
def test_log_probabilities_are_finite_and_of_their_dtype_for_large_z(
    y_type, output_activation, K, dtype
):
    z = np.array([[1e4, -1e4, 0], [-1e4, -1e4, -1e4], [1e4, 1e4, 1e4]], dtype)[:, :K]
    found = log_probabilities(OUTPUT_ACTIVATIONS[output_activation], z, y_type)
    assert found.dtype == dtype
    assert np.isfinite(found).all()
    assert (found <= 0).all()
    if y_type != "multilabel-indicator":
        np.testing.assert_allclose(logsumexp(found, axis=1), 0, atol=1e-6)


def test_the_log_probability_of_a_sure_mistake_is_its_z():
    h = OUTPUT_ACTIVATIONS["logistic"]
    found = log_probabilities(h, np.array([[1e4], [-1e4]]), "binary")
    np.testing.assert_array_equal(found, [[-1e4, 0], [0, -1e4]])


def test_logistic_units_that_all_say_no_are_compared_with_each_other():
    # there h_k ≈ e^z_k, so that their shares are a softmax, though each h_k is 0 in float64
    z = np.array([[-1000.0, -1001, -1003]])
    found = log_probabilities(OUTPUT_ACTIVATIONS["logistic"], z, "multiclass")
    np.testing.assert_allclose(found, log_softmax(z, axis=1), rtol=1e-12)


@over_kinds
@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_log_losses_are_scikit_learns(y_type, output_activation, K, data):
    z, Y = data.draw(moderate_z(K)), targets(y_type, K)
    found = log_losses(OUTPUT_ACTIVATIONS[output_activation], z, Y, y_type)
    P = probabilities(z, y_type, output_activation)
    if y_type == "multiclass":
        expected = [log_loss([y.argmax()], [p], labels=range(K)) for y, p in zip(Y, P, strict=True)]
    else:
        of_ones = P[:, 1:] if y_type == "binary" else P
        expected = [
            sum(log_loss([y_k], [p_k], labels=[0, 1]) for y_k, p_k in zip(y, p, strict=True))
            for y, p in zip(Y, of_ones, strict=True)
        ]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@over_dtypes
@over_kinds
def test_log_losses_are_finite_and_of_their_dtype_for_large_z(y_type, output_activation, K, dtype):
    z = np.array([[-1e4, 1e4, 0], [-1e4] * 3, [1e4] * 3, [-1e4, 1e4, 1e4]], dtype)[:, :K]
    Y = targets(y_type, K).astype(dtype)
    found = log_losses(OUTPUT_ACTIVATIONS[output_activation], z, Y, y_type)
    assert found.dtype == dtype
    assert np.isfinite(found).all()
    assert found.max() >= 1e4


@over_kinds
def test_nothing_given_is_changed(y_type, output_activation, K):
    z, Y = np.ones((4, K)), targets(y_type, K)
    for given_array in (z, Y):
        given_array.flags.writeable = False
    h = OUTPUT_ACTIVATIONS[output_activation]
    assert log_losses(h, z, Y, y_type).shape == (4,)
    assert len(log_probabilities(h, z, y_type)) == 4
