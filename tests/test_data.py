"""skbp.data: labels to targets, class weights, and rows of a data set."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, csr_matrix
from sklearn.base import BaseEstimator
from sklearn.exceptions import DataConversionWarning
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from skbp.data import (
    ClassWeights,
    Dataset,
    check_same_classes,
    encoded,
    encoder,
    encoder_of_stream,
    validated,
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


def message(text):
    return pytest.raises(ValueError, match=re.escape(text))


def dataset(y, sample_weight=None, dtype=float):
    y = np.asarray(y)
    weight = None if sample_weight is None else np.asarray(sample_weight, dtype)
    return Dataset(np.zeros((len(y), 1), dtype), y, encoded(encoder(y), y, dtype), weight)


def weights_of(class_weight, y, sample_weight=None, dtype=float):
    """Return the weights that the examples get whose classes are weighted."""
    examples = dataset(y, sample_weight, dtype)
    return examples.weighted_by(ClassWeights(class_weight, encoder(y), examples)).weight


# Class weights


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


@over_labels
def test_class_weights_multiply_with_sample_weights(y):
    class_weight = [{1: 2}, {0: 3}, {1: 5}] if y.ndim == 2 else {y[0]: 2, y[1]: 3}
    sample_weight = np.array([1, 0.5, 0, 2, 3, 1])
    found = weights_of(class_weight, y, sample_weight)
    assert_allclose(found, sample_weight * compute_sample_weight(class_weight, y))


repeats = st.lists(st.integers(1, 4), min_size=6, max_size=6).map(np.array)


@over_labels
@given(repeated=repeats)
@settings(deadline=None, max_examples=20)
def test_balanced_counts_sample_weights_as_rows(y, repeated):
    weighted = weights_of("balanced", y, repeated)
    rows = weights_of("balanced", y.repeat(repeated, axis=0))
    assert_allclose(weighted.repeat(repeated) / repeated.repeat(repeated), rows, rtol=1e-12)


@over_labels
@pytest.mark.parametrize("factor", [1e-3, 7])
def test_balanced_does_not_see_the_scale_of_the_sample_weights(y, factor):
    sample_weight = np.array([1, 0.5, 2, 2, 3, 1])
    scaled = weights_of("balanced", y, factor * sample_weight)
    assert_allclose(scaled, factor * weights_of("balanced", y, sample_weight), rtol=1e-12)


@pytest.mark.parametrize("y", [LABELS["binary"], LABELS["multiclass_of_strings"]])
def test_balanced_classes_weigh_the_same_in_all(y):
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


def test_weights_are_those_of_the_training_classes_on_other_examples():
    y = LABELS["multiclass_of_strings"]
    class_weights = ClassWeights("balanced", encoder(y), dataset(y))
    others = np.array(["c", "c", "a"], dtype=object)
    found = class_weights.times(encoded(encoder(y), others, float), None)
    assert_allclose(found, [6 / (3 * 3), 6 / (3 * 3), 6 / (3 * 1)])


@over_labels
def test_class_weights_keep_float32(y):
    assert weights_of("balanced", y, np.ones(6), dtype=np.float32).dtype == np.float32
    assert weights_of("balanced", y, dtype=np.float32).dtype == np.float32


def test_without_class_weights_the_weight_is_the_users():
    examples = dataset(LABELS["binary"], [1, 2, 3, 4, 5, 6])
    assert examples.weighted_by(None).weight is examples.sample_weight
    assert dataset(LABELS["binary"]).weighted_by(None).weight is None


@pytest.mark.parametrize("weight", [-1, np.nan, np.inf])
def test_a_class_weight_that_is_no_weight(weight):
    with message("class_weight must not hold negative weights. Got {0: "):
        weights_of({0: weight}, LABELS["binary"])
    with message("class_weight must not hold negative weights. Got [{}, {1: "):
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


# Labels to targets


@over_labels
def test_targets_are_scikit_learns(y):
    Y = encoded(encoder(y), y, np.float32)
    assert Y.dtype == np.float32
    assert_array_equal(Y, LabelBinarizer().fit_transform(y))


def test_targets_by_hand():
    assert encoded(encoder(["no", "yes"]), np.array(["yes", "no"]), float).tolist() == [[1], [0]]
    labels = encoder([3, 1, 7])
    assert encoded(labels, np.array([7, 1]), float).tolist() == [[0, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize("container", [csr_array, csr_matrix])
def test_multilabel_targets_may_come_sparse(container):
    y = container(MULTILABEL)
    Y = encoded(encoder(y), y, float)
    assert type(Y) is np.ndarray
    assert_array_equal(Y, MULTILABEL)


@pytest.mark.parametrize("y", [[1, 1, 1], ["a", "a"], [0]])
def test_one_class_is_refused(y):
    with message(f"the data contains only one class: {y[0]!r}"):
        encoder(y)


def test_a_multilabel_label_may_be_constant():
    assert_array_equal(encoder(np.array([[1, 0], [1, 1]])).classes_, [0, 1])


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
        encoded(encoder(known), np.array(y), float, "y_val")


@pytest.mark.parametrize("columns", [1, 2, 4])
def test_another_number_of_labels_is_refused(columns):
    y = np.ones((6, columns), int)
    with message(f"y must have 3 columns of labels. Got the shape (6, {columns}) instead."):
        encoded(encoder(MULTILABEL), y, float)


def test_multilabel_and_single_label_are_not_mixed():
    with message("y must have 3 columns of labels. Got the shape (6,) instead."):
        encoded(encoder(MULTILABEL), LABELS["binary"], float)
    with message("y_val must have one label a row. Got the shape (6, 3) instead."):
        encoded(encoder(LABELS["multiclass"]), MULTILABEL, float, "y_val")


@pytest.mark.parametrize(
    ("y", "values"), [([[0, 2], [2, 0]], [0, 2]), ([[-1, 1], [1, -1]], [-1, 1])]
)
def test_a_multilabel_y_of_other_numbers_than_0_and_1(y, values):
    y = np.array(y)
    with message(f"A multilabel y must be an indicator matrix of 0 and 1. Got the values {values}"):
        encoded(encoder(y), y, int)


# Labels of a stream


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
    labels = encoder_of_stream(y, classes, None)
    assert labels.classes_.tolist() == expected
    assert len(encoded(labels, np.array(y), float)) == 2


def test_a_first_call_that_omits_the_classes():
    with message("classes must be passed on the first call to partial_fit."):
        encoder_of_stream([0, 1], None, None)


@pytest.mark.parametrize("classes", [[1], ["a"], [2, 2]])
def test_a_stream_of_one_class(classes):
    with message("the data contains only one class"):
        encoder_of_stream(classes, classes, None)


def test_classes_that_are_no_classes():
    with message("Unknown label type"):
        encoder_of_stream([0, 1], [0.5, 1.5], None)


@pytest.mark.parametrize("classes", [None, [1, 3, 7], [7, 3, 1], [1.0, 3.0, 7.0]])
def test_later_calls_may_omit_or_repeat_the_classes(classes):
    known = encoder([1, 3, 7])
    assert encoder_of_stream([3, 3], classes, known) is known


@pytest.mark.parametrize("classes", [[1, 3], [1, 3, 8], [1, 3, 7, 8], ["1", "3", "7"]])
def test_later_calls_must_not_change_the_classes(classes):
    with message("is not the same as on the last call, which had [1, 3, 7]."):
        encoder_of_stream([3, 3], classes, encoder([1, 3, 7]))


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("classes", [None, [0, 1, 2]])
def test_a_multilabel_stream_needs_no_classes(container, classes):
    y = container(MULTILABEL)
    known = encoder_of_stream(y, classes, None)
    assert_array_equal(known.classes_, [0, 1, 2])
    assert encoder_of_stream(y[:2], classes, known) is known


def test_classes_that_are_not_those_of_a_multilabel_stream():
    with message("classes must be None or [0, 1, 2], the numbers of its labels. Got [0, 1]"):
        encoder_of_stream(MULTILABEL, [0, 1], None)


# Going on


@pytest.mark.parametrize("y", [[1, 3, 7], [7, 7, 3, 1, 1]])
def test_the_same_classes_may_go_on(y):
    assert check_same_classes(encoder([1, 3, 7]), np.array(y)) is None


@pytest.mark.parametrize("y", [[1, 3], [1, 3, 8], [1, 3, 7, 8], ["1", "3", "7"]])
def test_other_classes_may_not_go_on(y):
    with message(
        "To go on training, y must have the same classes as before, [1, 3, 7]. "
        f"Got {np.unique(y).tolist()} instead."
    ):
        check_same_classes(encoder([1, 3, 7]), np.array(y))


def test_multilabel_rows_may_go_on_whatever_labels_they_have():
    assert check_same_classes(encoder(MULTILABEL), np.zeros((2, 3))) is None


# Rows of a data set


@pytest.mark.parametrize("rows", [np.array([4, 0, 4]), np.array([True, False] * 3)], ids=str)
@pytest.mark.parametrize("container", [np.asarray, csr_array, csr_matrix])
def test_rows_of_a_data_set(container, rows):
    X, w = np.arange(12.0).reshape(6, 2), np.arange(6.0)
    examples = Dataset(container(X), container(MULTILABEL), MULTILABEL, w, 2 * w)
    some = examples.on(rows)
    assert type(some.X) is type(some.y) is type(container(X))
    assert_array_equal(some.X if container is np.asarray else some.X.toarray(), X[rows])
    assert_array_equal(some.y if container is np.asarray else some.y.toarray(), MULTILABEL[rows])
    assert_array_equal(some.Y, MULTILABEL[rows])
    assert_array_equal(some.sample_weight, w[rows])
    assert_array_equal(some.weight, 2 * w[rows])
    assert not np.shares_memory(some.Y, examples.Y)


def test_rows_without_weights_have_none():
    some = dataset(LABELS["binary"]).on(np.array([0, 1]))
    assert (some.sample_weight, some.weight) == (None, None)


@pytest.mark.parametrize(
    ("weight", "expected"), [(None, True), ([0, 0], False), ([0, 0.5], True), ([1, 1], True)]
)
def test_whether_any_example_counts(weight, expected):
    examples = dataset([0, 1], weight).weighted_by(None)
    assert examples.has_weight is expected


# What users pass


class Estimator(BaseEstimator):
    """What keeps the number of features."""


@pytest.mark.parametrize(
    ("given_dtype", "dtype"),
    [(np.float32, np.float32), (np.float64, np.float64), (int, float), (bool, float)],
)
@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_examples_become_float32_or_float64(given_dtype, dtype, container):
    estimator = Estimator()
    X, y, sample_weight = validated(
        estimator, container(np.eye(2, dtype=given_dtype)), [0, 1], [1, 2], reset=True
    )
    assert {X.dtype, sample_weight.dtype} == {np.dtype(dtype)}
    assert estimator.n_features_in_ == 2
    assert y.tolist() == [0, 1]


def test_no_sample_weight_stays_none():
    assert validated(Estimator(), np.eye(2), [0, 1], None, reset=True)[2] is None


def test_a_column_of_labels_is_taken_with_a_warning():
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        _, y, _ = validated(Estimator(), np.eye(2), [[0], [1]], None, reset=True)
    assert y.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("sample_weight", "text"),
    [
        ([0, 0], "must contain at least one non-zero"),
        ([1, -1], "Negative values in data passed to `sample_weight`"),
        ([1, np.nan], "Input sample_weight contains NaN"),
        ([1, 1, 1], "sample_weight.shape == (3,), expected (2,)!"),
    ],
)
def test_sample_weights_that_are_refused(sample_weight, text):
    with message(text):
        validated(Estimator(), np.eye(2), [0, 1], sample_weight, reset=True)


@pytest.mark.parametrize(
    ("X", "y", "text"),
    [
        (np.eye(3), [0, 1, 1], "X has 3 features, but Estimator is expecting 2 features"),
        (np.eye(2), [0, 1, 1], "inconsistent numbers of samples"),
        (np.eye(2), [0.5, 1.5], "Unknown label type"),
        ([[np.nan, 0]], [0], "Input X contains NaN"),
    ],
)
def test_examples_that_do_not_fit(X, y, text):
    estimator = Estimator()
    validated(estimator, np.eye(2), [0, 1], None, reset=True)
    with message(text):
        validated(estimator, X, y, None, reset=False)
