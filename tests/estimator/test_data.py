"""skbp.estimator.data: rows and weights of a data set, and the validation of arguments."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, csr_matrix
from sklearn.base import BaseEstimator
from sklearn.exceptions import DataConversionWarning

from skbp.estimator.data import Dataset, validated

LABELS = np.array([[0, 1, 1], [1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 1], [0, 0, 1]])


def message(text):
    return pytest.raises(ValueError, match=re.escape(text))


def dataset(sample_weight=None, dtype=float):
    """Return examples of a binary problem."""
    y = np.array([0, 1, 1, 0, 1, 1])
    weight = None if sample_weight is None else np.array(sample_weight, dtype)
    return Dataset(np.zeros((6, 1), dtype), y, y[:, np.newaxis].astype(dtype), weight)


# ---------------------------------------------------------------------------- some of the rows


@pytest.mark.parametrize("rows", [np.array([4, 0, 4]), np.array([True, False] * 3)], ids=str)
@pytest.mark.parametrize("container", [np.asarray, csr_array, csr_matrix])
def test_rows_of_a_data_set(container, rows):
    X, w = np.arange(12.0).reshape(6, 2), np.arange(6.0)
    examples = Dataset(container(X), container(LABELS), LABELS, w, 2 * w)
    some = examples.take(rows)
    assert type(some.X) is type(some.y) is type(container(X))
    assert_array_equal(some.X if container is np.asarray else some.X.toarray(), X[rows])
    assert_array_equal(some.y if container is np.asarray else some.y.toarray(), LABELS[rows])
    assert_array_equal(some.Y, LABELS[rows])
    assert_array_equal(some.sample_weight, w[rows])
    assert_array_equal(some.weight, 2 * w[rows])
    assert not np.shares_memory(some.Y, examples.Y)


def test_rows_without_weights_have_none():
    some = dataset().take(np.array([0, 1]))
    assert (some.sample_weight, some.weight) == (None, None)


# ------------------------------------------------------------------------------------- weights


def test_without_class_weights_the_weight_is_the_users():
    examples = dataset([1, 2, 3, 4, 5, 6])
    assert examples.with_class_weights(None).weight is examples.sample_weight
    assert dataset().with_class_weights(None).weight is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_class_weights_are_multiplied_with_those_of_the_user(dtype):
    of_classes = np.array([2.0, 0.5, 0.5, 2.0, 0.5, 0.5])
    alone = dataset(dtype=dtype).with_class_weights(of_classes)
    both = dataset([1, 2, 3, 4, 5, 0], dtype).with_class_weights(of_classes)
    assert_array_equal(alone.weight, of_classes)
    assert_array_equal(both.weight, [2, 1, 1.5, 8, 2.5, 0])
    assert_array_equal(both.sample_weight, [1, 2, 3, 4, 5, 0])
    assert alone.weight.dtype == both.weight.dtype == dtype


def test_examples_with_other_class_weights_are_new_ones():
    examples = dataset([1, 2, 3, 4, 5, 6])
    other = examples.with_class_weights(np.zeros(6))
    assert examples.weight is None
    assert other.X is examples.X
    # class weights replace earlier ones
    assert other.with_class_weights(np.ones(6)).weight.tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("sample_weight", "class_weights", "expected"),
    [
        (None, None, True),
        ([0] * 6, None, False),
        ([0] * 5 + [0.5], None, True),
        (None, np.zeros(6), False),
        ([1, 0, 0, 1, 0, 0], np.array([0, 1, 1, 0, 1, 1]), False),
        ([1, 0, 0, 1, 1, 0], np.array([0, 1, 1, 0, 1, 1]), True),
    ],
)
def test_whether_any_example_has_a_weight(sample_weight, class_weights, expected):
    examples = dataset(sample_weight).with_class_weights(class_weights)
    assert examples.has_weight is expected


def test_the_means_of_the_targets_are_those_of_repeated_rows():
    repeated = dataset().take(np.repeat(np.arange(6), [1, 2, 0, 3, 1, 1]))
    weighted = dataset([1, 2, 0, 3, 1, 1]).with_class_weights(None)
    assert_allclose(weighted.target_means, repeated.target_means)
    large = dataset([1e307] * 6).with_class_weights(None)
    assert_allclose(large.target_means, dataset().target_means)


# ------------------------------------------------------------------------- arguments of a user


class Estimator(BaseEstimator):
    """An estimator, which keeps the number and the names of the features."""


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


def test_a_column_of_labels_is_accepted_with_a_warning():
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        _, y, _ = validated(Estimator(), np.eye(2), [[0], [1]], None, reset=True)
    assert y.tolist() == [0, 1]


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.uint8, np.uint64])
def test_integers_of_a_small_range_need_no_check(dtype, monkeypatch):
    monkeypatch.setattr("skbp.estimator.data.check_classification_targets", pytest.fail)
    _, y, _ = validated(Estimator(), np.eye(4), np.array([0, 1, 1, 0], dtype), None, reset=True)
    assert y.dtype == dtype


@pytest.mark.parametrize(
    "y",
    [
        np.array([-128, 127] * 99, np.int8),  # the difference is not an int8
        np.array([0, 2**64 - 1] * 99, np.uint64),
        np.array(["a", "b"] * 99),
        np.array([0.0, 1.0] * 99),
        np.array([[0, 1]] * 198),
        csr_array(np.array([[0, 1]] * 198)),
    ],
    ids=str,
)
def test_other_labels_are_checked(y, monkeypatch):
    checked = []
    monkeypatch.setattr("skbp.estimator.data.check_classification_targets", checked.append)
    _, found, _ = validated(Estimator(), np.eye(198), y, None, reset=True)
    assert len(checked) == 1
    assert checked[0] is found


@pytest.mark.parametrize("unit", [1, 1000])
def test_a_warning_of_integers_most_of_which_are_different(unit):
    with pytest.warns(UserWarning, match="greater than 50% of the number of samples"):
        validated(Estimator(), np.eye(30), unit * (np.arange(30) // 1.5).astype(int), None, True)


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
