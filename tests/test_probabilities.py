"""skbp.probabilities: class probabilities and their logarithms, against SciPy.

The outputs of a network, which engines compute with the same formulas, are tested here as well.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from skbp.activations import OUTPUT_ACTIVATIONS
from skbp.engine import resolve_engine
from skbp.engine.interface import Output
from skbp.network import Network
from skbp.probabilities import binary, log_binary, shares

LOGISTIC = OUTPUT_ACTIVATIONS["logistic"]
FORMULAS = {
    # the probabilities as they are defined, and the number of units
    Output.DECISION: (lambda z: z, 3),
    Output.ACTIVATION: (expit, 3),
    Output.BINARY: (lambda z: np.hstack([1 - expit(z), expit(z)]), 1),
    Output.SHARES: (lambda z: expit(z) / expit(z).sum(axis=1, keepdims=True), 3),
}
every_engine = pytest.mark.parametrize("engine", ["auto", "numpy"])
over_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
quick = settings(deadline=None, max_examples=30)


def moderate_z(K):
    return arrays(float, (4, K), elements=st.floats(-12, 12))


def large_z(K, dtype):
    return np.array([[1e4, -1e4, 0], [-1e4, -1e4, -1e4], [1e4, 1e4, 1e4]], dtype)[:, :K]


def output_of(z, output, engine, output_activation="logistic"):
    """Return an output of a network whose z^(L) is given."""
    K = z.shape[1]
    network = Network((K, K), output_activation=output_activation)
    weights = [np.eye(K, dtype=z.dtype)], [np.zeros(K, z.dtype)]
    return resolve_engine(engine, network, z).outputs(network, weights, z, output)


# ------------------------------------------------------------------------ two classes


@given(moderate_z(1))
@quick
def test_two_probabilities_are_those_of_the_unit_being_off_and_on(z):
    assert_allclose(binary(LOGISTIC, z), np.hstack([expit(-z), expit(z)]), rtol=1e-14)
    assert_allclose(binary(LOGISTIC, z).sum(axis=1), 1, rtol=1e-15)
    assert_allclose(log_binary(LOGISTIC, z), np.hstack([log_expit(-z), log_expit(z)]), rtol=1e-12)


def test_both_probabilities_are_precise():
    # 1 − expit(50) is 0 in float64
    assert_allclose(binary(LOGISTIC, np.array([[50.0]])), [[np.exp(-50), 1]], rtol=1e-12)
    assert_allclose(binary(LOGISTIC, np.array([[-50.0]])), [[1, np.exp(-50)]], rtol=1e-12)


def test_the_log_probability_of_the_unlikely_class_is_its_z():
    found = log_binary(LOGISTIC, np.array([[1e4], [-1e4]]))
    assert_array_equal(found, [[-1e4, 0], [0, -1e4]])


# --------------------------------------------------------- shares of logistic units


@given(moderate_z(3))
@quick
def test_shares_are_activations_divided_by_their_sum(z):
    h = expit(z)
    assert_allclose(shares(LOGISTIC, z), h / h.sum(axis=1, keepdims=True), rtol=1e-12)


@given(arrays(float, (4, 3), elements=st.floats(-1e4, 1e4)))
@quick
def test_shares_are_the_softmax_of_the_log_activations_for_any_z(z):
    # where all activations are 0 in float64, too
    found = shares(LOGISTIC, z)
    assert_allclose(found, softmax(log_expit(z), axis=1), rtol=1e-9, atol=1e-300)
    assert_allclose(found.sum(axis=1), 1, rtol=1e-14)


def test_very_small_activations_are_compared_with_each_other():
    # there h_k ≈ e^z_k, so that their shares are a softmax
    z = np.array([[-1000.0, -1001, -1003], [-40.0, -41, -43]])
    assert_array_equal(LOGISTIC.g(z[:1]), np.zeros((1, 3)))
    assert_allclose(np.log(shares(LOGISTIC, z)), log_softmax(z, axis=1), rtol=1e-12)


# -------------------------------------------------------------------- for every z


@over_dtypes
@pytest.mark.parametrize(("formula", "K"), [(binary, 1), (shares, 3), (log_binary, 1)])
def test_finite_and_of_its_dtype_for_large_z(formula, K, dtype):
    found = formula(LOGISTIC, large_z(K, dtype))
    assert found.dtype == dtype
    assert np.isfinite(found).all()
    p = np.exp(found) if formula is log_binary else found
    assert_allclose(p.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(("formula", "K"), [(binary, 1), (shares, 3), (log_binary, 1)])
def test_z_is_not_changed(formula, K):
    z = np.ones((4, K))
    z.flags.writeable = False
    assert not np.shares_memory(formula(LOGISTIC, z), z)


# ------------------------------------------------------------- outputs of a network


@every_engine
@pytest.mark.parametrize("output", Output)
@given(data=st.data())
@quick
def test_outputs_are_as_they_are_defined(output, engine, data):
    formula, K = FORMULAS[output]
    z = data.draw(moderate_z(K))
    assert_allclose(output_of(z, output, engine), formula(z), rtol=1e-9, atol=1e-12)


@every_engine
@over_dtypes
@pytest.mark.parametrize(("output", "formula", "K"), [("BINARY", binary, 1), ("SHARES", shares, 3)])
def test_outputs_of_large_z_are_those_of_the_formulas(output, formula, K, dtype, engine):
    z = large_z(K, dtype)
    found = output_of(z, Output[output], engine)
    assert found.dtype == dtype
    assert_allclose(found, formula(LOGISTIC, z), rtol=1e-6)


@every_engine
@given(z=moderate_z(3))
@quick
def test_the_activation_of_softmax_units_is_scipys(engine, z):
    found = output_of(z, Output.ACTIVATION, engine, "softmax")
    assert_allclose(found, softmax(z, axis=1), rtol=1e-9)


@every_engine
@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_are_those_of_scikit_learns_classifiers(n_classes, engine):
    generator = np.random.default_rng(0)
    X, y = generator.normal(size=(60, 4)), generator.integers(n_classes, size=60)
    output = Output.BINARY if n_classes == 2 else Output.SHARES
    model = LogisticRegression() if n_classes == 2 else OneVsRestClassifier(LogisticRegression())
    z = np.reshape(model.fit(X, y).decision_function(X), (60, -1))
    assert_allclose(output_of(z, output, engine), model.predict_proba(X), rtol=1e-12)


# ------------------------------------------------------ the largest z has the largest probability


def saturated_z(K, dtype):
    """z that are large, nearly zero, or next to each other, where probabilities are rounded."""
    close = st.sampled_from([0, 1e-30, 1e-9, 0.5, 3, 30, 38, 40, 90, 700, 1e4])
    number = st.builds(
        lambda z, sign, steps: dtype(sign * z * (1 + steps * np.finfo(dtype).eps)),
        *(close, st.sampled_from([-1, 1]), st.integers(0, 3)),
    )
    return arrays(dtype, (5, K), elements=number)


@every_engine
@over_dtypes
@pytest.mark.parametrize(
    ("output", "output_activation"), [("SHARES", "logistic"), ("ACTIVATION", "softmax")]
)
@given(data=st.data())
@quick
def test_the_class_of_the_largest_z_is_the_most_probable(
    output, output_activation, dtype, engine, data
):
    z = data.draw(saturated_z(data.draw(st.integers(2, 20)), dtype))
    p = output_of(z, Output[output], engine, output_activation)
    assert_array_equal(p.argmax(axis=1), z.argmax(axis=1))
    assert_allclose(p.sum(axis=1), 1, rtol=8 * np.finfo(dtype).eps)
    assert (p <= 1).all()


@every_engine
@over_dtypes
@given(data=st.data())
@quick
def test_the_second_class_is_the_more_probable_where_z_is_positive(dtype, engine, data):
    z = data.draw(saturated_z(1, dtype))
    p = output_of(z, Output.BINARY, engine)
    assert_array_equal(p.argmax(axis=1), z[:, 0] > 0)
    assert_array_equal(p[:, 1] > 0.5, z[:, 0] > 0)
    assert_array_equal(log_binary(LOGISTIC, z).argmax(axis=1), z[:, 0] > 0)


@every_engine
@over_dtypes
@given(data=st.data())
@quick
def test_a_label_has_a_probability_over_a_half_where_z_is_positive(dtype, engine, data):
    z = data.draw(saturated_z(3, dtype))
    assert_array_equal(output_of(z, Output.ACTIVATION, engine) > 0.5, z > 0)
