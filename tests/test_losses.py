"""skbp.losses: the loss of a row and δ^(L) for every pair of output activation and loss."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from lecture import COSTS
from scipy.sparse import csr_array
from scipy.special import entr, expit, log_expit, rel_entr
from sklearn.metrics import log_loss

from skbp.activations import OUTPUT_ACTIVATIONS
from skbp.gradient_check import check_gradient, numerical_gradient
from skbp.losses import LOSSES, LogisticLogLoss, get_loss
from skbp.network import Network
from skbp.objective import Objective

over_pairs = pytest.mark.parametrize("pair", LOSSES, ids="-".join)
over_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
moderate_z = arrays(float, (2, 3), elements=st.floats(-12, 12))
wide_z = arrays(float, (2, 3), elements=st.floats(-30, 30))
soft = arrays(float, (2, 3), elements=st.floats(0.01, 0.99))
hard = arrays(float, (2, 3), elements=st.sampled_from([0.0, 1.0]))
one_hot = st.lists(st.integers(0, 2), min_size=2, max_size=2).map(lambda k: np.eye(3)[k])


def error(*parts):
    """Expect a ValueError whose message has these parts, in their order."""
    return pytest.raises(ValueError, match=".*".join(re.escape(str(part)) for part in parts))


def rows_sum_to_1(Y):
    return Y / Y.sum(axis=1, keepdims=True)


def targets(output_activation):
    """Return the targets that the output activation allows, soft ones as well."""
    if output_activation == "softmax":
        return one_hot | soft.map(rows_sum_to_1)
    return hard | soft


def per_row(pair, z, Y):
    output_activation, _ = pair
    return LOSSES[pair].per_row(z, OUTPUT_ACTIVATIONS[output_activation].g(z), Y)


def delta(pair, z, Y):
    output_activation, _ = pair
    return LOSSES[pair].delta(z, OUTPUT_ACTIVATIONS[output_activation].g(z), Y)


@pytest.mark.parametrize(
    ("pair", "z", "y", "expected"),
    [
        (("logistic", "log_loss"), [0, 0], [1, 0], 2 * np.log(2)),
        (("logistic", "log_loss"), [np.log(3), np.log(4)], [1, 0], np.log(4 / 3) + np.log(5)),
        (("softmax", "log_loss"), [0, 0, 0], [0, 1, 0], np.log(3)),
        (("softmax", "log_loss"), [0, np.log(2), np.log(5)], [0, 1, 0], np.log(4)),
        (("logistic", "squared_error"), [0, 0], [1, 0], 1 / 4),
        (("logistic", "squared_error"), [np.log(3), np.log(4)], [1, 0], (1 / 16 + 16 / 25) / 2),
        (("softmax", "squared_error"), [0, np.log(2), np.log(5)], [0, 1, 0], 62 / 128),
    ],
)
def test_by_hand(pair, z, y, expected):
    z, Y = np.array([z], float), np.array([y], float)
    np.testing.assert_allclose(per_row(pair, z, Y), [expected], rtol=1e-14)


@over_pairs
@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_it_is_the_lectures_cost_also_for_soft_targets(pair, data):
    z, Y = data.draw(moderate_z), data.draw(targets(pair[0]))
    cost, _ = COSTS[pair]
    A = OUTPUT_ACTIVATIONS[pair[0]].g(z)
    expected = [cost(a, y) for a, y in zip(A, Y, strict=True)]
    np.testing.assert_allclose(per_row(pair, z, Y), expected, rtol=1e-8, atol=1e-9)


@given(z=moderate_z, Y=one_hot)
@settings(deadline=None, max_examples=30)
def test_softmax_log_loss_is_scikit_learns(z, Y):
    A = OUTPUT_ACTIVATIONS["softmax"].g(z)
    expected = [log_loss([y.argmax()], [a], labels=[0, 1, 2]) for a, y in zip(A, Y, strict=True)]
    np.testing.assert_allclose(
        per_row(("softmax", "log_loss"), z, Y), expected, rtol=1e-9, atol=1e-13
    )


@given(z=moderate_z, Y=hard)
@settings(deadline=None, max_examples=30)
def test_logistic_log_loss_is_the_sum_of_scikit_learns(z, Y):
    A = OUTPUT_ACTIVATIONS["logistic"].g(z)
    expected = [
        sum(log_loss([y_k], [a_k], labels=[0, 1]) for a_k, y_k in zip(a, y, strict=True))
        for a, y in zip(A, Y, strict=True)
    ]
    np.testing.assert_allclose(
        per_row(("logistic", "log_loss"), z, Y), expected, rtol=1e-9, atol=1e-13
    )


@given(z=moderate_z, Y=soft)
@settings(deadline=None, max_examples=30)
def test_logistic_log_loss_is_divergence_plus_entropy(z, Y):
    A = OUTPUT_ACTIVATIONS["logistic"].g(z)
    expected = rel_entr(Y, A) + entr(Y) + rel_entr(1 - Y, 1 - A) + entr(1 - Y)
    np.testing.assert_allclose(
        per_row(("logistic", "log_loss"), z, Y), expected.sum(axis=1), rtol=1e-9
    )


@given(z=moderate_z, Y=soft.map(rows_sum_to_1))
@settings(deadline=None, max_examples=30)
def test_softmax_log_loss_is_divergence_plus_entropy(z, Y):
    A = OUTPUT_ACTIVATIONS["softmax"].g(z)
    expected = (rel_entr(Y, A) + entr(Y)).sum(axis=1)
    np.testing.assert_allclose(
        per_row(("softmax", "log_loss"), z, Y), expected, rtol=1e-9, atol=1e-13
    )


@over_pairs
@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_delta_is_the_derivative_of_per_row(pair, data):
    z, Y = data.draw(wide_z), data.draw(targets(pair[0]))
    numerical = numerical_gradient(
        lambda flat: (per_row(pair, flat.reshape(z.shape), Y).sum(), flat), z.ravel()
    )
    np.testing.assert_allclose(delta(pair, z, Y).ravel(), numerical, atol=1e-7)


@over_dtypes
@over_pairs
def test_finite_and_of_its_dtype_for_large_z(pair, dtype):
    z = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 1], [-1e4, -1e4, 1e4]], dtype)
    Y = np.eye(3, dtype=dtype)[[1, 1, 0]]
    losses, deltas = per_row(pair, z, Y), delta(pair, z, Y)
    assert losses.dtype == deltas.dtype == dtype
    assert np.isfinite(losses).all()
    assert np.isfinite(deltas).all()


@over_dtypes
@pytest.mark.parametrize(
    ("pair", "z", "y", "expected"),
    [
        (("logistic", "log_loss"), [1e4, -1e4], [0, 1], 2e4),
        (("logistic", "log_loss"), [1e4, -1e4], [1, 0], 0),
        (("softmax", "log_loss"), [1e4, -1e4], [0, 1], 2e4),
        (("softmax", "log_loss"), [1e4, -1e4], [1, 0], 0),
    ],
)
def test_the_loss_of_a_large_z(pair, z, y, expected, dtype):
    z, Y = np.array([z], dtype), np.array([y], dtype)
    assert per_row(pair, z, Y) == pytest.approx(expected)


@over_pairs
def test_delta_is_a_new_array_and_arguments_are_not_changed(pair):
    z, Y = np.array([[0.5, -1.0]]), np.array([[1.0, 0.0]])
    a = OUTPUT_ACTIVATIONS[pair[0]].g(z)
    for array in (z, a, Y):
        array.flags.writeable = False
    LOSSES[pair].per_row(z, a, Y)
    delta = LOSSES[pair].delta(z, a, Y)
    assert not any(np.shares_memory(delta, array) for array in (z, a, Y))


@over_pairs
def test_get_loss_by_names(pair):
    assert get_loss(*pair) is LOSSES[pair]


@pytest.mark.parametrize("output_activation", OUTPUT_ACTIVATIONS)
@over_pairs
def test_a_loss_supports_the_output_activation_that_its_delta_is_derived_for(
    pair, output_activation
):
    assert LOSSES[pair].supports(output_activation) is (output_activation == pair[0])


@over_pairs
def test_get_loss_returns_a_loss_object_as_it_is(pair):
    loss = type(LOSSES[pair])()
    assert get_loss(pair[0], loss) is loss


@over_pairs
def test_a_loss_object_is_refused_with_other_output_activations(pair):
    for other in {*OUTPUT_ACTIVATIONS, "tanh"} - {pair[0]}:
        with error("does not support", f"'{other}'"):
            get_loss(other, LOSSES[pair])


class FocalLoss:
    """The focal loss of logistic units (Lin et al., 2017), −Σ_k (1 − p_k)^γ log p_k.

    p_k is the probability of the target: h_k where y_k is 1, and 1 − h_k where it is 0.
    """

    def __init__(self, gamma):
        self.gamma = gamma

    def supports(self, output_activation):
        return output_activation == "logistic"

    def per_row(self, z, a, Y):
        p, log_p = expit(np.where(Y == 1, z, -z)), log_expit(np.where(Y == 1, z, -z))
        return -((1 - p) ** self.gamma * log_p).sum(axis=1)

    def delta(self, z, a, Y):
        sign = np.where(Y == 1, 1, -1).astype(z.dtype)
        p, log_p = expit(sign * z), log_expit(sign * z)
        return sign * (1 - p) ** self.gamma * (self.gamma * p * log_p + p - 1)


@pytest.mark.parametrize("gamma", [0, 0.5, 2])
@given(z=wide_z, Y=hard)
@settings(deadline=None, max_examples=30)
def test_the_delta_of_a_custom_loss(gamma, z, Y):
    loss, a = FocalLoss(gamma), expit(z)
    numerical = numerical_gradient(
        lambda flat: (loss.per_row(flat.reshape(z.shape), a, Y).sum(), flat), z.ravel()
    )
    np.testing.assert_allclose(loss.delta(z, a, Y).ravel(), numerical, atol=1e-7)


@given(z=wide_z, Y=hard)
@settings(deadline=None, max_examples=30)
def test_focal_loss_with_gamma_0_is_the_log_loss(z, Y):
    focal, log, a = FocalLoss(0), LogisticLogLoss(), expit(z)
    np.testing.assert_allclose(focal.per_row(z, a, Y), log.per_row(z, a, Y), rtol=1e-12)
    np.testing.assert_allclose(focal.delta(z, a, Y), log.delta(z, a, Y), atol=1e-12)


def test_focal_loss_by_hand():
    z, Y = np.array([[np.log(3), 0.0]]), np.array([[1.0, 0.0]])
    loss = FocalLoss(gamma=2).per_row(z, expit(z), Y)
    np.testing.assert_allclose(loss, [np.log(4 / 3) / 16 + np.log(2) / 4])


@pytest.mark.parametrize("sample_weight", [None, [0.5, 2, 0, 1]], ids=["no_weights", "weights"])
@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_an_objective_with_a_custom_loss_passes_the_gradient_check(container, sample_weight):
    network = Network((2, 3, 3), "tanh")
    X = container(np.array([[0.5, -1], [0, 2], [1, 0], [-1.5, 1]]))
    Y = np.array([[1, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 1]])
    objective = Objective(network, X, Y, FocalLoss(gamma=2), 0.3, sample_weight)
    assert check_gradient(objective, network.initialize(0)) < 1e-7


def test_a_custom_loss_is_refused_with_an_output_activation_that_it_does_not_support():
    network = Network((2, 3), output_activation="softmax")
    loss = FocalLoss(gamma=2)
    with error(repr(loss), "'softmax'"):
        Objective(network, np.zeros((1, 2)), [[1, 0, 0]], loss)


@pytest.mark.parametrize("pair", [("logistic", "hinge"), ("tanh", "log_loss")])
def test_an_error_of_get_loss_names_the_pairs_and_the_given_one(pair):
    with error("(output_activation, loss)", sorted(LOSSES), pair):
        get_loss(*pair)
