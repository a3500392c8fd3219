"""skbp.estimator.targets: labels to targets and back, class weights, and classes of a stream."""

import pickle
import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, csr_matrix
from scipy.special import expit, log_softmax, logsumexp, softmax
from sklearn.metrics import log_loss
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from skbp.activations import OUTPUT_ACTIVATIONS
from skbp.engine.interface import Output
from skbp.estimator.data import Dataset
from skbp.estimator.targets import (
    BinaryTargets,
    MulticlassTargets,
    MultilabelTargets,
    TwoUnitTargets,
    targets_for,
    targets_for_stream,
)

MULTILABEL = np.array([[0, 1, 1], [1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 1], [0, 0, 1]])
LABELS = {
    "binary": np.array([0, 1, 1, 0, 1, 1]),
    "binary_of_strings": np.array(["spam", "ham", "ham", "ham", "ham", "spam"]),
    "multiclass": np.array([3, 1, 7, 7, 3, 7]),
    "multiclass_of_strings": np.array(["a", "b", "c", "c", "c", "b"], dtype=object),
    "multilabel": MULTILABEL,
}
over_labels = pytest.mark.parametrize("y", LABELS.values(), ids=LABELS)
quick = settings(deadline=None, max_examples=20)


def message(text):
    return pytest.raises(ValueError, match=re.escape(text))


def encoded(known, y, dtype=float, name="y"):
    """Return the targets of labels y, where all classes are those of other labels."""
    return targets_for(np.asarray(known)).encode(np.asarray(y), dtype, name)


# ----------------------------------------------------------------- labels to targets, and back


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        ([0, 1, 1], BinaryTargets),
        ([True, False], BinaryTargets),
        (["no", "yes", "no"], BinaryTargets),
        ([-1.0, 1.0], BinaryTargets),
        ([0, 1, 2], MulticlassTargets),
        (["a", "b", "c"], MulticlassTargets),
        (MULTILABEL, MultilabelTargets),
        (MULTILABEL[:, :2], MultilabelTargets),
        (csr_array(MULTILABEL), MultilabelTargets),
    ],
    ids=str,
)
def test_the_labels_decide_the_kind(y, kind):
    assert type(targets_for(y)) is kind


@over_labels
def test_targets_are_scikit_learns(y):
    Y = encoded(y, y, np.float32)
    assert Y.dtype == np.float32
    assert_array_equal(Y, LabelBinarizer().fit_transform(y))


@pytest.mark.parametrize("y", [*LABELS.values(), np.array([3, 1, 7], np.int8)], ids=str)
def test_classes_are_scikit_learns(y):
    classes, expected = targets_for(y).classes, LabelBinarizer().fit(y).classes_
    assert classes.dtype == expected.dtype
    assert_array_equal(classes, expected)


def test_targets_by_hand():
    assert encoded(["no", "yes"], ["yes", "no"]).tolist() == [[1], [0]]
    assert encoded([3, 1, 7], [7, 1]).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert encoded(MULTILABEL, [[1, 1, 0]]).tolist() == [[1, 1, 0]]


def test_log_probabilities_of_labels_tie_where_their_probabilities_do():
    z = np.array([[40.0, 50.0, 36.8, 900.0], [-50.0, -40.0, 0.0, 1.0], [-900.0, 1.0, 2.0, 3.0]])
    h, targets = OUTPUT_ACTIVATIONS["logistic"], targets_for(np.eye(4))
    found = targets.log_probabilities(h, z)
    assert_array_equal(found.argmax(axis=1), expit(z).argmax(axis=1))
    assert found[0, [0, 1, 3]].tolist() == [0, 0, 0]
    assert_allclose(found, h.log_g(z), rtol=1e-12, atol=2e-16)
    assert targets.log_probabilities(h, z.astype(np.float32)).dtype == np.float32


def two_units(y):
    return targets_for(np.asarray(y)).with_binary_outputs(2)


@pytest.mark.parametrize("name", ["binary", "binary_of_strings"])
def test_two_classes_may_have_two_units(name):
    y = LABELS[name]
    targets = two_units(y)
    assert type(targets) is TwoUnitTargets
    assert type(targets.with_binary_outputs(2)) is TwoUnitTargets
    assert type(targets.with_binary_outputs(1)) is BinaryTargets
    Y = targets.encode(y, np.float32)
    assert Y.dtype == np.float32
    assert_array_equal(Y, y[:, None] == np.unique(y))
    assert_array_equal(targets.decode(Y), y)
    assert targets.lacking(Y[y == y[0]]) == f"rows of the classes {[y[1].item()]}"


@pytest.mark.parametrize("name", ["multiclass", "multilabel"])
def test_other_targets_have_as_many_units_as_ever(name):
    targets = targets_for(LABELS[name])
    assert targets.with_binary_outputs(1) is targets.with_binary_outputs(2) is targets


def test_two_units_decide_by_hand():
    targets = two_units(["no", "yes"])
    z = np.array([[1.0, 3.0], [2.0, 2.0], [0.0, -1.0], [800.0, 900.0]])
    assert targets.decode(z).tolist() == ["yes", "no", "no", "yes"]
    softmax, logistic = OUTPUT_ACTIVATIONS["softmax"], OUTPUT_ACTIVATIONS["logistic"]
    assert targets.decision(softmax, z).tolist() == [2, 0, -1, 100]
    assert_allclose(targets.decision(logistic, z), [*np.log(expit(z[:3, 1]) / expit(z[:3, 0])), 0])
    assert targets.output_activation("softmax") == "softmax"
    assert_array_equal(targets.weights_of_rows(np.eye(2), np.array([3.0, 4.0])), [3, 4])


@pytest.mark.parametrize("container", [csr_array, csr_matrix])
def test_multilabel_targets_may_come_sparse(container):
    y = container(MULTILABEL)
    Y = targets_for(y).encode(y, float)
    assert type(Y) is np.ndarray
    assert_array_equal(Y, MULTILABEL)


@st.composite
def classes_and_labels(draw):
    """Draw some classes, and labels that need not have all of them."""
    names = draw(
        st.sampled_from(
            [
                st.integers(-1000, 1000),
                st.integers(-5, 5).map(float),
                st.text("abcäß", min_size=1, max_size=3),
                st.booleans(),
            ]
        )
    )
    classes = np.array(draw(st.lists(names, min_size=2, max_size=6, unique=True)))
    return classes, classes[draw(st.lists(st.integers(0, len(classes) - 1), max_size=20))]


@given(classes_and_labels())
@quick
def test_what_is_encoded_is_decoded_to_the_same_labels(drawn):
    classes, y = drawn
    targets = targets_for(np.repeat(classes, 3))
    assert_array_equal(targets.classes, np.unique(classes))
    if len(y):
        Y = targets.encode(y, float)
        if len(classes) > 2:
            assert (Y.sum(axis=1) == 1).all()
        else:
            assert Y.shape == (len(y), 1)
        decoded = targets.decode(Y - 0.5)
        assert decoded.dtype == targets.classes.dtype
        assert_array_equal(decoded, y)


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@given(y=arrays(int, st.tuples(st.integers(2, 9), st.integers(2, 4)), elements=st.integers(0, 1)))
@quick
def test_several_labels_are_encoded_and_decoded_in_the_container_of_y(container, y):
    given_labels = container(y)
    targets = targets_for(given_labels)
    decoded = targets.decode(targets.encode(given_labels, float) - 0.5)
    assert isinstance(decoded, np.ndarray) == (container is np.asarray)
    assert_array_equal(decoded if container is np.asarray else decoded.toarray(), y)


@given(z=arrays(float, st.tuples(st.integers(1, 9), st.just(3)), elements=st.floats(-1e9, 1e9)))
@quick
def test_the_decoded_class_is_that_of_the_largest_z(z):
    assert_array_equal(
        targets_for(LABELS["multiclass"]).decode(z), np.array([1, 3, 7])[z.argmax(1)]
    )
    binary = targets_for(LABELS["binary_of_strings"]).decode(z[:, :1])
    assert_array_equal(binary, np.where(z[:, 0] > 0, "spam", "ham"))
    assert_array_equal(targets_for(MULTILABEL).decode(z), z > 0)


@over_labels
def test_pickled_targets_are_the_same(y):
    targets = targets_for(y)
    copied = pickle.loads(pickle.dumps(targets))
    assert type(copied) is type(targets)
    assert_array_equal(copied.classes, targets.classes)
    assert_array_equal(copied.encode(y, float), targets.encode(y, float))


# --------------------------------------------------------------------- labels that are refused


@pytest.mark.parametrize("y", [[1, 1, 1], ["a", "a"], [0]])
def test_one_class_is_refused(y):
    with message(f"the data contains only one class: {y[0]!r}"):
        targets_for(y)


def test_no_label_is_refused():
    with message("classes=[] is invalid: y has 0 samples"):
        targets_for_stream([0, 1], [], None)


def test_a_multilabel_label_may_be_constant():
    assert_array_equal(targets_for(np.array([[1, 0], [1, 1]])).classes, [0, 1])


@pytest.mark.parametrize(
    ("known", "y", "unknown"),
    [
        ([0, 1], [0, 2], [2]),
        ([1, 3, 7], [1, 2, 4, 7], [2, 4]),
        (["a", "b"], ["c", "a"], ["c"]),
        ([0, 1], ["0", "1"], ["0", "1"]),
        (["a", "b"], [0, 1], [0, 1]),
    ],
)
def test_unknown_classes_are_named(known, y, unknown):
    with message(
        f"y_val has the classes {unknown}, which are not among the known classes {known}."
    ):
        encoded(known, y, name="y_val")


@pytest.mark.parametrize("columns", [1, 2, 4])
def test_another_number_of_labels_is_refused(columns):
    y = np.ones((6, columns), int)
    with message(f"y must have 3 columns of labels. Got the shape (6, {columns}) instead."):
        encoded(MULTILABEL, y)


def test_multilabel_and_single_label_are_not_mixed():
    with message("y must have 3 columns of labels. Got the shape (6,) instead."):
        encoded(MULTILABEL, LABELS["binary"])
    for known in (LABELS["multiclass"], LABELS["binary"]):
        with message("y_val must have one label a row. Got the shape (6, 3) instead."):
            encoded(known, MULTILABEL, name="y_val")


@pytest.mark.parametrize(
    ("y", "values"), [([[0, 2], [2, 0]], [0, 2]), ([[-1, 1], [1, -1]], [-1, 1])]
)
def test_a_multilabel_y_of_other_numbers_than_0_and_1(y, values):
    with message(f"A multilabel y must be an indicator matrix of 0 and 1. Got the values {values}"):
        encoded(y, y, int)


# ------------------------------------------------------------------------- classes of a stream


@pytest.mark.parametrize(
    ("y", "classes", "expected"),
    [
        ([0, 0], [0, 1], [0, 1]),
        ([1, 7], [7, 3, 1], [1, 3, 7]),
        (["b", "b"], ["b", "a"], ["a", "b"]),
        ([1, 0], np.array([1, 0, 1]), [0, 1]),
    ],
)
def test_the_first_call_tells_the_classes(y, classes, expected):
    targets = targets_for_stream(y, classes, None)
    assert targets.classes.tolist() == expected
    assert len(targets.encode(np.array(y), float)) == 2


def test_two_of_three_known_classes_are_a_multiclass_problem():
    assert type(targets_for_stream([0, 1], [0, 1, 2], None)) is MulticlassTargets


def test_a_first_call_that_omits_the_classes():
    with message("classes must be passed on the first call to partial_fit."):
        targets_for_stream([0, 1], None, None)


@pytest.mark.parametrize("classes", [[1], ["a"], [2, 2]])
def test_a_stream_of_one_class(classes):
    with message("the data contains only one class"):
        targets_for_stream(classes, classes, None)


def test_classes_that_are_not_classes():
    with message("Unknown label type"):
        targets_for_stream([0, 1], [0.5, 1.5], None)


@pytest.mark.parametrize("classes", [None, [1, 3, 7], [7, 3, 1], [1.0, 3.0, 7.0]])
def test_later_calls_may_omit_or_repeat_the_classes(classes):
    known = targets_for([1, 3, 7])
    assert targets_for_stream([3, 3], classes, known) is known


@pytest.mark.parametrize("classes", [[1, 3], [1, 3, 8], [1, 3, 7, 8], ["1", "3", "7"]])
def test_later_calls_must_not_change_the_classes(classes):
    with message("is not the same as on the last call, which had [1, 3, 7]."):
        targets_for_stream([3, 3], classes, targets_for([1, 3, 7]))


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("classes", [None, [0, 1, 2]])
def test_a_multilabel_stream_needs_no_classes(container, classes):
    y = container(MULTILABEL)
    known = targets_for_stream(y, classes, None)
    assert_array_equal(known.classes, [0, 1, 2])
    assert targets_for_stream(y[:2], classes, known) is known


def test_classes_that_are_not_those_of_a_multilabel_stream():
    with message("classes must be None or [0, 1, 2], the numbers of its labels. Got [0, 1]"):
        targets_for_stream(MULTILABEL, [0, 1], None)


# --------------------------------------------------------------------- labels to continue with


@pytest.mark.parametrize("y", [[1, 3, 7], [7, 7, 3, 1, 1]])
def test_training_continues_with_the_same_classes(y):
    targets_for([1, 3, 7]).check_same_classes(np.array(y))


@pytest.mark.parametrize("y", [[1, 3], [1, 3, 8], [1, 3, 7, 8], ["1", "3", "7"]])
def test_training_does_not_continue_with_other_classes(y):
    with message(
        f"y must have the same classes as before, [1, 3, 7]. Got {np.unique(y).tolist()} instead."
    ):
        targets_for([1, 3, 7]).check_same_classes(np.array(y))


def test_training_continues_with_multilabel_rows_of_any_labels():
    targets_for(MULTILABEL).check_same_classes(np.zeros((2, 3)))


# ------------------------------------------------------------------- outputs and probabilities

# the labels, the activation of the output units, and how many units there are
KINDS = {
    "binary": (LABELS["binary"], "logistic", 1),
    "logistic_units": (LABELS["multiclass"], "logistic", 3),
    "softmax": (LABELS["multiclass"], "softmax", 3),
    "multilabel": (MULTILABEL, "logistic", 3),
}
over_kinds = pytest.mark.parametrize("kind", KINDS)
over_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def moderate_z(K):
    return arrays(float, (4, K), elements=st.floats(-12, 12))


def parts_of(kind):
    """Return the targets, the activation of the output units, and their number."""
    y, output_activation, K = KINDS[kind]
    return targets_for(y), OUTPUT_ACTIVATIONS[output_activation], K


def probabilities(kind, z):
    """Return the probabilities of the classes as they are defined."""
    if kind == "softmax":
        return softmax(z, axis=1)
    h = expit(z)
    if kind == "binary":
        return np.hstack([1 - h, h])
    return h / h.sum(axis=1, keepdims=True) if kind == "logistic_units" else h


def four_targets(kind):
    if kind in ("logistic_units", "softmax"):
        return np.eye(3)[[0, 2, 1, 1]]
    return np.array([[0, 1, 0], [1, 1, 1], [0, 0, 0], [1, 0, 1]], float)[:, : KINDS[kind][2]]


@pytest.mark.parametrize("requested", ["logistic", "softmax"])
def test_only_exclusive_classes_have_the_requested_output_activation(requested):
    found = [targets_for(y).output_activation(requested) for y in LABELS.values()]
    assert found == ["logistic", "logistic", requested, requested, "logistic"]


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        ("binary", Output.BINARY),
        ("logistic_units", Output.SHARES),
        ("softmax", Output.ACTIVATION),
        ("multilabel", Output.ACTIVATION),
    ],
)
def test_the_output_that_is_the_probabilities(kind, output):
    targets, h, _ = parts_of(kind)
    assert targets.probabilities(h) is output


@over_kinds
@given(data=st.data())
@quick
def test_log_probabilities_are_the_logarithms_of_the_probabilities(kind, data):
    targets, h, K = parts_of(kind)
    z = data.draw(moderate_z(K))
    expected = np.log(probabilities(kind, z))
    assert_allclose(targets.log_probabilities(h, z), expected, rtol=1e-9, atol=1e-9)


@over_dtypes
@over_kinds
def test_log_probabilities_are_finite_and_of_their_dtype_for_large_z(kind, dtype):
    targets, h, K = parts_of(kind)
    z = np.array([[1e4, -1e4, 0], [-1e4, -1e4, -1e4], [1e4, 1e4, 1e4]], dtype)[:, :K]
    found = targets.log_probabilities(h, z)
    assert found.dtype == dtype
    assert np.isfinite(found).all()
    assert (found <= 0).all()
    if kind != "multilabel":
        assert_allclose(logsumexp(found, axis=1), 0, atol=1e-6)


def test_the_log_probability_of_the_unlikely_class_is_its_z():
    targets, h, _ = parts_of("binary")
    found = targets.log_probabilities(h, np.array([[1e4], [-1e4]]))
    assert_array_equal(found, [[-1e4, 0], [0, -1e4]])


def test_very_small_activations_of_logistic_units_are_compared_with_each_other():
    # there h_k ≈ e^z_k, so that their shares are a softmax, though each h_k is 0 in float64
    targets, h, _ = parts_of("logistic_units")
    z = np.array([[-1000.0, -1001, -1003]])
    assert_allclose(targets.log_probabilities(h, z), log_softmax(z, axis=1), rtol=1e-12)


@over_kinds
@given(data=st.data())
@settings(deadline=None, max_examples=10)
def test_log_losses_are_scikit_learns(kind, data):
    targets, h, K = parts_of(kind)
    z, Y = data.draw(moderate_z(K)), four_targets(kind)
    P = probabilities(kind, z)
    if kind in ("logistic_units", "softmax"):
        expected = [log_loss([y.argmax()], [p], labels=range(K)) for y, p in zip(Y, P, strict=True)]
    else:
        of_ones = P[:, 1:] if kind == "binary" else P
        expected = [
            sum(log_loss([y_k], [p_k], labels=[0, 1]) for y_k, p_k in zip(y, p, strict=True))
            for y, p in zip(Y, of_ones, strict=True)
        ]
    assert_allclose(targets.log_losses(h, z, Y), expected, rtol=1e-9, atol=1e-9)


@over_dtypes
@over_kinds
def test_log_losses_are_finite_and_of_their_dtype_for_large_z(kind, dtype):
    targets, h, K = parts_of(kind)
    z = np.array([[-1e4, 1e4, 0], [-1e4] * 3, [1e4] * 3, [-1e4, 1e4, 1e4]], dtype)[:, :K]
    found = targets.log_losses(h, z, four_targets(kind).astype(dtype))
    assert found.dtype == dtype
    assert np.isfinite(found).all()
    assert found.max() >= 1e4


@over_kinds
def test_arguments_are_not_changed(kind):
    targets, h, K = parts_of(kind)
    z, Y = np.ones((4, K)), four_targets(kind)
    for array in (z, Y):
        array.flags.writeable = False
    assert targets.log_losses(h, z, Y).shape == (4,)
    assert len(targets.log_probabilities(h, z)) == len(targets.decode(z)) == 4
    assert targets.smooth(Y, 0.1).shape == Y.shape


# ----------------------------------------------------------------------------- label smoothing


def test_smoothed_targets_by_hand():
    binary, multiclass, multilabel = (targets_for(y) for y in ([0, 1], [0, 1, 2], MULTILABEL))
    assert_allclose(binary.smooth(np.array([[0.0], [1.0]]), 0.2), [[0.1], [0.9]])
    assert_allclose(multiclass.smooth(np.array([[0.0, 0, 1]]), 0.3), [[0.1, 0.1, 0.8]])
    assert_allclose(multilabel.smooth(np.array([[0.0, 1, 1]]), 0.5), [[0.25, 0.75, 0.75]])


@over_labels
@given(label_smoothing=st.floats(0, 1, exclude_max=True))
@quick
def test_smoothed_targets_stay_in_their_order_and_keep_the_sum_of_exclusive_classes(
    y, label_smoothing
):
    targets = targets_for(y)
    Y = targets.encode(y, float)
    smoothed = targets.smooth(Y, label_smoothing)
    assert smoothed.min() >= 0
    assert smoothed.max() <= 1
    assert_allclose(np.ptp(smoothed), 1 - label_smoothing, atol=1e-15)
    if isinstance(targets, MulticlassTargets):
        assert_allclose(smoothed.sum(axis=1), 1, rtol=1e-15)


@over_labels
@over_dtypes
def test_smoothing_keeps_the_dtype_and_without_it_the_targets_are_the_same_array(y, dtype):
    targets = targets_for(y)
    Y = targets.encode(y, dtype)
    assert targets.smooth(Y, 0.1).dtype == dtype
    assert targets.smooth(Y, 0.0) is Y


# --------------------------------------------------------------- drawing rows for a validation

# how many rows and which shares are drawn is tested in test_validation.py


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ["binary", "multiclass"])
def test_the_rows_of_each_class_are_drawn_in_the_given_order(name, seed):
    targets = targets_for(LABELS[name])
    y = np.tile(LABELS[name], 5)
    order = np.random.RandomState(seed).permutation(len(y))
    drawn = targets.draw(targets.encode(y, float), 12, order)
    assert len(drawn) == len(set(drawn)) == 12
    for k in targets.classes:
        of_class = drawn[y[drawn] == k]
        assert_array_equal(of_class, order[y[order] == k][: len(of_class)])


@pytest.mark.parametrize("seed", range(5))
def test_multilabel_rows_are_drawn_in_the_given_order(seed):
    Y = np.tile(MULTILABEL, (5, 1))
    order = np.random.RandomState(seed).permutation(len(Y))
    drawn = targets_for(MULTILABEL).draw(Y.astype(float), 12, order)
    positions = np.argsort(order)[drawn]
    assert len(drawn) == 12
    assert (np.diff(positions) > 0).all()


# ------------------------------------------------------------------------------- class weights


def dataset(y, sample_weight=None, dtype=float):
    y = np.asarray(y)
    weight = None if sample_weight is None else np.asarray(sample_weight, dtype)
    return Dataset(np.zeros((len(y), 1), dtype), y, targets_for(y).encode(y, dtype), weight)


def weights_of(class_weight, y, sample_weight=None, dtype=float):
    """Return the weights of examples, each multiplied by that of its class."""
    examples, targets = dataset(y, sample_weight, dtype), targets_for(np.asarray(y))
    class_weights = targets.class_weights(class_weight, examples)
    return examples.with_class_weights(targets.weights_of_rows(examples.Y, class_weights)).weight


@over_labels
def test_balanced_is_scikit_learns(y):
    assert_allclose(weights_of("balanced", y), compute_sample_weight("balanced", y), rtol=1e-14)


@pytest.mark.parametrize(
    ("y", "class_weight"),
    [
        (LABELS["binary"], {0: 2, 1: 0.5}),
        (LABELS["binary"], {1: 10}),
        (LABELS["binary"], {0: 0}),
        (LABELS["binary"], {}),
        (LABELS["binary_of_strings"], {"spam": 3.5}),
        (LABELS["multiclass"], {1: 2, 3: 0.5, 7: 4}),
        (LABELS["multiclass"], {7: 4}),
        (LABELS["multiclass"], {1: 0, 3: 0}),
        (LABELS["multiclass_of_strings"], {"a": 2, "c": 3}),
        (MULTILABEL, [{0: 1, 1: 5}, {0: 2, 1: 3}, {0: 0.5, 1: 7}]),
        (MULTILABEL, [{1: 5}, {0: 2}, {}]),
        (MULTILABEL, [{0: 1, 1: 5}, {0: 0, 1: 3}, {1: 0}]),
    ],
)
def test_dicts_are_scikit_learns(y, class_weight):
    assert_allclose(weights_of(class_weight, y), compute_sample_weight(class_weight, y))


def test_a_multilabel_list_may_balance_some_labels():
    weights = weights_of(["balanced", {1: 3}, {0: 2}], MULTILABEL)
    first = compute_sample_weight("balanced", MULTILABEL[:, 0])
    assert_allclose(weights, first * compute_sample_weight([{1: 3}, {0: 2}], MULTILABEL[:, 1:]))


def test_class_weights_by_hand():
    assert weights_of({"spam": 3}, LABELS["binary_of_strings"]).tolist() == [3, 1, 1, 1, 1, 3]
    balanced = weights_of("balanced", ["spam", "ham", "ham", "ham"])
    assert_allclose(balanced, [2, 2 / 3, 2 / 3, 2 / 3])
    of_labels = weights_of([{1: 2}, {1: 3}], np.array([[0, 0], [0, 1], [1, 0], [1, 1]]))
    assert of_labels.tolist() == [1, 3, 2, 6]


def test_there_is_a_weight_for_each_class_or_for_each_value_of_a_label():
    y = LABELS["multiclass"]
    found = targets_for(y).class_weights({7: 4, 1: 2}, dataset(y))
    assert found.tolist() == [2, 1, 4]
    found = targets_for(MULTILABEL).class_weights([{1: 5}, {0: 2}, {}], dataset(MULTILABEL))
    assert found.tolist() == [[1, 5], [2, 1], [1, 1]]


@over_labels
def test_class_weights_multiply_with_sample_weights(y):
    class_weight = [{1: 2}, {0: 3}, {1: 5}] if y.ndim == 2 else {y[0]: 2, y[1]: 3}
    sample_weight = np.array([1, 0.5, 0, 2, 3, 1])
    found = weights_of(class_weight, y, sample_weight)
    assert_allclose(found, sample_weight * compute_sample_weight(class_weight, y))


repeats = st.lists(st.integers(1, 4), min_size=6, max_size=6).map(np.array)


@over_labels
@given(repeated=repeats)
@settings(deadline=None, max_examples=10)
def test_balanced_counts_sample_weights_as_rows(y, repeated):
    weighted = weights_of("balanced", y, repeated)
    rows = weights_of("balanced", y.repeat(repeated, axis=0))
    assert_allclose(weighted.repeat(repeated) / repeated.repeat(repeated), rows, rtol=1e-12)


@over_labels
@pytest.mark.parametrize("factor", [1e-3, 7])
def test_balanced_does_not_depend_on_the_scale_of_the_sample_weights(y, factor):
    sample_weight = np.array([1, 0.5, 2, 2, 3, 1])
    scaled = weights_of("balanced", y, factor * sample_weight)
    assert_allclose(scaled, factor * weights_of("balanced", y, sample_weight), rtol=1e-12)


@pytest.mark.parametrize("y", [LABELS["binary"], LABELS["multiclass_of_strings"]])
def test_balanced_classes_have_the_same_total(y):
    weights = weights_of("balanced", y, np.array([1, 0.5, 2, 2, 3, 1]))
    sums = [weights[y == k].sum() for k in np.unique(y)]
    assert_allclose(sums, 9.5 / len(sums))


@pytest.mark.parametrize(
    "y", [LABELS["binary"], LABELS["multiclass"], ["a", "b", "c", "c", "b", "a"]]
)
def test_balanced_leaves_out_a_class_whose_rows_have_weight_0(y):
    y = np.asarray(y)
    sample_weight = np.where(y == y[0], 0.0, [1, 2, 3, 4, 5, 6])
    kept = y != y[0]
    found = weights_of("balanced", y, sample_weight)
    present = np.unique(y[kept])
    expected = compute_class_weight(
        "balanced", classes=present, y=y[kept].repeat(sample_weight[kept].astype(int))
    )
    assert not found[~kept].any()
    for k, weight in zip(present, expected, strict=True):
        assert_allclose(found[y == k], weight * sample_weight[y == k])


def test_other_examples_get_the_weights_of_the_training_classes():
    y = LABELS["multiclass_of_strings"]
    targets = targets_for(y)
    class_weights = targets.class_weights("balanced", dataset(y))
    others = targets.encode(np.array(["c", "c", "a"], dtype=object), float)
    found = targets.weights_of_rows(others, class_weights)
    assert_allclose(found, [6 / (3 * 3), 6 / (3 * 3), 6 / (3 * 1)])


@over_labels
def test_class_weights_keep_float32(y):
    assert weights_of("balanced", y, np.ones(6), dtype=np.float32).dtype == np.float32
    assert weights_of("balanced", y, dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize("weight", [-1, np.nan, np.inf])
def test_an_invalid_class_weight(weight):
    with message("class_weight must not hold negative weights"):
        weights_of({0: weight}, LABELS["binary"])
    with message("class_weight must not hold negative weights"):
        weights_of([{}, {1: weight}, {}], MULTILABEL)


@pytest.mark.parametrize("class_weight", [{2: 3}, {"a": 1}, {0: 1, 2: 3}])
def test_a_class_weight_of_an_unknown_class(class_weight):
    with message("not in class_weight"):
        weights_of(class_weight, LABELS["binary"])


@pytest.mark.parametrize("class_weight", [[{0: 1}], [{0: 1}, {1: 2}]])
def test_a_list_is_for_multilabel_only(class_weight):
    with message(f"class_weight must be a dict. Got {class_weight!r} instead."):
        weights_of(class_weight, LABELS["binary"])


@pytest.mark.parametrize("class_weight", [{0: 1, 1: 2}, [{0: 1}] * 2, [{0: 1}] * 4, []])
def test_multilabel_needs_a_dict_for_each_label(class_weight):
    with message(
        'For multilabel y, class_weight must be "balanced" or a list of dicts, one for each '
        f"of the 3 labels. Got {class_weight!r} instead."
    ):
        weights_of(class_weight, MULTILABEL)


def test_targets_of_many_classes_are_in_memory_once():
    y = np.repeat(np.arange(500), 10)
    targets = targets_for(y)
    tracemalloc.start()
    try:
        Y = targets.encode(y, np.float32)
        assert tracemalloc.get_traced_memory()[1] < 1.5 * Y.nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("h", ["logistic", "softmax"])
@over_dtypes
@given(data=st.data())
@quick
def test_the_class_of_the_largest_z_has_the_largest_log_probability(h, dtype, data):
    numbers = st.sampled_from([0, 1e-30, 40, 41, 90, 91, 800, 1e4, -1e4, -1e-30])
    z = data.draw(arrays(dtype, (4, 3), elements=numbers.map(dtype)))
    targets = targets_for(LABELS["multiclass"])
    log_p = targets.log_probabilities(OUTPUT_ACTIVATIONS[h], z)
    assert_array_equal(targets.classes[log_p.argmax(axis=1)], targets.decode(z))
    assert log_p.dtype == dtype
    assert (log_p <= 0).all()
