"""skbp.estimator.validation: the rows that are held out, and loss and score on them.

The shares of the classes, the losses and the scores are compared with scikit-learn's.
"""

import math
import re
from dataclasses import dataclass
from threading import get_ident

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from scipy.special import expit, softmax
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.preprocessing import label_binarize

from skbp.estimator.data import Dataset
from skbp.estimator.targets import targets_for
from skbp.estimator.validation import Validation, held_out
from skbp.losses import LogisticLogLoss, get_loss
from skbp.network import Network

MULTILABEL = "multilabel"


def message(text):
    return pytest.raises(ValueError, match=re.escape(text))


def encoded(classes, K):
    """Return the targets of classes 0 to K − 1."""
    return classes[:, np.newaxis].astype(float) if K == 2 else np.eye(K)[classes]


def targets_of(kind, K):
    """Return the targets of a kind that has K output units."""
    if kind == MULTILABEL:
        return targets_for(np.array([[0] * K, [1] * K]))
    return targets_for(np.arange(2 if kind == "binary" else K))


@dataclass(frozen=True)
class Draw:
    """Examples, and the share of them to draw."""

    Y: np.ndarray
    kind: str
    fraction: float
    weight: np.ndarray | None = None
    seed: int = 0

    @property
    def counted(self):
        """The rows that count."""
        every = np.arange(len(self.Y))
        return every if self.weight is None else every[self.weight > 0]

    @property
    def n(self):
        """The number of rows that were asked for."""
        return math.ceil(self.fraction * len(self.counted))

    def rows(self):
        examples = Dataset(np.zeros((len(self.Y), 1)), self.Y, self.Y, None, self.weight)
        targets = targets_of(self.kind, self.Y.shape[1])
        return held_out(examples, targets, self.fraction, np.random.RandomState(self.seed))

    def training_rows(self, rows):
        """Return the rows that count and are left for training."""
        return np.setdiff1d(self.counted, rows)

    def classes_of(self, rows):
        return self.Y[rows, 0].astype(int) if self.kind == "binary" else self.Y[rows].argmax(1)

    def sizes_of(self, rows):
        n_classes = 2 if self.kind == "binary" else self.Y.shape[1]
        return np.bincount(self.classes_of(rows), minlength=n_classes)


fractions = st.floats(0.01, 0.99)
seeds = st.integers(0, 2**32 - 1)


def weights(m):
    some = arrays(float, m, elements=st.sampled_from([0.0, 0.5, 1, 3]))
    return st.none() | some.filter(np.any)


@st.composite
def exclusive(draw):
    """Draw binary and multiclass problems."""
    sizes = draw(st.lists(st.integers(1, 25), min_size=2, max_size=5))
    classes = np.array(draw(st.permutations(np.repeat(np.arange(len(sizes)), sizes).tolist())))
    return Draw(
        encoded(classes, len(sizes)),
        "binary" if len(sizes) == 2 else "multiclass",
        draw(fractions),
        draw(weights(len(classes))),
        draw(seeds),
    )


@st.composite
def multilabel(draw):
    shape = draw(st.tuples(st.integers(1, 40), st.integers(2, 4)))
    Y = draw(arrays(float, shape, elements=st.sampled_from([0.0, 1.0])))
    return Draw(Y, MULTILABEL, draw(fractions), draw(weights(len(Y))), draw(seeds))


def rows_or_none(problem):
    """Return the rows that are held out, or none where none can be spared."""
    try:
        return problem.rows()
    except ValueError:
        return np.array([], int)


over_problems = given(problem=exclusive() | multilabel())
over_exclusive = given(problem=exclusive())
over_multilabel = given(problem=multilabel())
quick = settings(deadline=None, max_examples=30)


# ------------------------------------------------------------------ the rows that are held out


@over_problems
@quick
def test_rows_are_sorted_and_each_is_drawn_once(problem):
    rows = rows_or_none(problem)
    assert rows.dtype.kind == "i"
    assert (np.diff(rows) > 0).all()


@over_problems
@quick
def test_rows_of_weight_0_stay_in_training(problem):
    assert np.isin(rows_or_none(problem), problem.counted).all()


@over_exclusive
@quick
def test_no_class_is_lost_from_training(problem):
    left = problem.training_rows(rows_or_none(problem))
    assert_array_equal(problem.sizes_of(left) > 0, problem.sizes_of(problem.counted) > 0)


@over_multilabel
@quick
def test_a_row_with_and_one_without_each_label_stay_in_training(problem):
    left = problem.training_rows(rows_or_none(problem))
    for value in (0, 1):
        before, after = ((problem.Y[rows] == value).any(axis=0) for rows in (problem.counted, left))
        assert_array_equal(after, before)


@over_exclusive
@quick
def test_as_many_rows_as_promised_unless_the_classes_are_too_small(problem):
    spare = np.maximum(problem.sizes_of(problem.counted) - 1, 0).sum()
    assert len(rows_or_none(problem)) == min(problem.n, spare)


@over_multilabel
@quick
def test_as_many_multilabel_rows_as_promised_unless_they_are_needed(problem):
    n_rows, n_needed = len(problem.counted), 2 * problem.Y.shape[1]
    assert min(problem.n, n_rows - n_needed) <= len(rows_or_none(problem)) <= problem.n


@over_exclusive
@quick
def test_each_class_is_within_one_row_of_its_share_where_sizes_allow(problem):
    sizes = problem.sizes_of(problem.counted)
    exact = problem.n * sizes / sizes.sum()
    if (np.ceil(exact) <= np.maximum(sizes - 1, 0)).all() and (exact >= 1).all():
        assert (np.abs(problem.sizes_of(problem.rows()) - exact) < 1).all()


@over_exclusive
@quick
def test_a_class_of_two_rows_is_in_the_validation_set_if_that_has_as_many_rows_as_classes(problem):
    sizes = problem.sizes_of(problem.counted)
    if problem.n >= (sizes > 1).sum():
        assert_array_equal(problem.sizes_of(rows_or_none(problem)) > 0, sizes > 1)


@over_exclusive
@quick
def test_no_exchange_of_rows_would_bring_classes_nearer_to_their_shares(problem):
    # so the sum of the squared differences from the shares is least
    sizes = problem.sizes_of(problem.counted)
    taken = problem.sizes_of(rows_or_none(problem))
    below = problem.n * sizes / sizes.sum() - taken
    least = 1 if problem.n >= (sizes > 1).sum() else 0
    could_take, could_give = below[taken < sizes - 1], below[taken > least] + 1
    assert max(could_take, default=-np.inf) <= min(could_give, default=np.inf) + 1e-9


@pytest.mark.parametrize(
    ("sizes", "fraction", "expected"),
    [
        ((90, 10), 0.1, (9, 1)),
        ((50, 50), 0.1, (5, 5)),
        ((7, 2, 1), 0.5, (4, 1, 0)),
        ((98, 1, 1), 0.5, (50, 0, 0)),
        ((2, 2, 2), 0.99, (1, 1, 1)),
        ((6, 3, 3), 0.3, (2, 1, 1)),
        ((1, 2), 0.1, (0, 1)),
        # a rare class gets one row, if there are as many rows as classes
        ((200, 3), 0.1, (20, 1)),
        ((196, 2, 2), 0.05, (8, 1, 1)),
        ((160, 20, 2), 0.05, (8, 1, 1)),
        ((196, 2, 2), 0.01, (2, 0, 0)),
        ((196, 2, 1), 0.01, (1, 1, 0)),
    ],
)
def test_shares_by_hand(sizes, fraction, expected):
    classes = np.repeat(np.arange(len(sizes)), sizes)
    kind = "binary" if len(sizes) == 2 else "multiclass"
    problem = Draw(encoded(classes, len(sizes)), kind, fraction)
    assert tuple(problem.sizes_of(problem.rows())) == expected


@pytest.mark.parametrize("load", [load_iris, load_wine, load_digits])
@pytest.mark.parametrize("fraction", [0.1, 0.15, 0.33, 0.5])
def test_the_shares_are_scikit_learns(load, fraction):
    X, y = load(return_X_y=True)
    problem = Draw(label_binarize(y, classes=np.unique(y)), "multiclass", fraction)
    split = StratifiedShuffleSplit(n_splits=1, test_size=fraction, random_state=0)
    ((_, expected),) = split.split(X, y)
    found = problem.rows()
    assert len(found) == len(expected)
    assert np.abs(np.bincount(y[found]) - np.bincount(y[expected])).max() <= 1


def test_weights_do_not_change_the_shares_unless_they_are_0():
    classes, weight = np.repeat([0, 1], [60, 40]), np.linspace(0.1, 9, 100)
    problem = Draw(encoded(classes, 2), "binary", 0.1, weight)
    assert tuple(problem.sizes_of(problem.rows())) == (6, 4)
    weight[:40] = 0
    assert tuple(problem.sizes_of(problem.rows())) == (2, 4)


@over_problems
@quick
def test_the_same_seed_holds_out_the_same_rows(problem):
    assert_array_equal(rows_or_none(problem), rows_or_none(problem))


def test_another_seed_holds_out_other_rows():
    Y = encoded(np.repeat([0, 1], 50), 2)
    draws = {tuple(Draw(Y, "binary", 0.1, seed=seed).rows()) for seed in range(20)}
    assert len(draws) == 20


@pytest.mark.parametrize(("kind", "K"), [("binary", 2), ("multiclass", 3)])
def test_each_row_of_a_class_is_as_likely_as_another(kind, K):
    sizes, n_draws = (12, 8, 5)[:K], 600
    Y = encoded(np.repeat(np.arange(K), sizes), K)
    problems = [Draw(Y, kind, 0.4, seed=seed) for seed in range(n_draws)]
    taken = problems[0].sizes_of(problems[0].rows())
    p = np.repeat(taken / sizes, sizes)
    often = np.bincount(np.concatenate([problem.rows() for problem in problems]), minlength=len(Y))
    assert (np.abs(often / n_draws - p) < 4 * np.sqrt(p * (1 - p) / n_draws)).all()


def test_every_multilabel_row_can_be_drawn():
    Y = np.tile([[0.0, 1], [1, 0], [1, 1], [0, 0]], (5, 1))
    draws = [Draw(Y, MULTILABEL, 0.2, seed=seed).rows() for seed in range(100)]
    assert len(np.unique(np.concatenate(draws))) == len(Y)


def test_rare_labels_are_drawn_if_they_can_be():
    Y = np.zeros((100, 3))
    Y[:50, 0], Y[[7, 8, 9], 1], Y[:, 2] = 1, 1, 1
    Y[[70, 80], 2] = 0  # a label that nearly every row has
    for seed in range(20):
        rows = Draw(Y, MULTILABEL, 0.05, seed=seed).rows()
        assert len(rows) == 5
        for drawn in (Y[rows], np.delete(Y, rows, axis=0)):
            assert (drawn.min(axis=0) == 0).all()
            assert (drawn.max(axis=0) == 1).all()


def test_more_rare_labels_than_rows_leave_the_draw_as_it_was():
    Y = np.repeat(np.eye(6), 2, axis=0)
    order = np.arange(12)
    assert targets_for(Y).draw(Y, 2, order).tolist() == [1, 3]


@pytest.mark.parametrize(
    ("Y", "kind"),
    [
        ([[0], [1]], "binary"),
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], "multiclass"),
        ([[1, 0], [0, 1]], MULTILABEL),
    ],
)
def test_where_no_row_can_be_spared(Y, kind):
    with message(
        f"validation_fraction=0.5 of {len(Y)} rows leaves none for validation: each class needs "
        "one for training. Pass X_val and y_val, or more data."
    ):
        Draw(np.array(Y, float), kind, 0.5).rows()


def test_rows_of_weight_0_cannot_be_spared():
    with message("validation_fraction=0.5 of 2 rows leaves none for validation"):
        Draw(encoded(np.array([0, 1, 0, 1]), 2), "binary", 0.5, np.array([1, 1, 0, 0])).rows()


@pytest.mark.parametrize(("kind", "K"), [("binary", 1), ("multiclass", 3), (MULTILABEL, 3)])
def test_where_all_weights_are_0(kind, K):
    # as with a class_weight of 0 for each class
    with message("validation_fraction=0.1 of 0 rows leaves none for validation"):
        Draw(np.eye(6, K), kind, 0.1, np.zeros(6)).rows()


# ------------------------------------------------------------------------------ loss and score


M = 20
generator = np.random.default_rng(0)
X = generator.normal(size=(M, 3)) * generator.integers(2, size=(M, 3))
CLASSES = generator.permutation(np.arange(M) % 3)
LABELS = generator.integers(2, size=(M, 3))
WEIGHT = generator.uniform(0.1, 3, size=M) * generator.integers(2, size=M)

# the labels, the activation of the output units, and the targets
KINDS = {
    "binary": (CLASSES % 2, "logistic", encoded(CLASSES % 2, 2)),
    "logistic_units": (CLASSES, "logistic", encoded(CLASSES, 3)),
    "softmax": (CLASSES, "softmax", encoded(CLASSES, 3)),
    "multilabel": (LABELS, "logistic", LABELS.astype(float)),
}
over_kinds = pytest.mark.parametrize("kind", KINDS)
over_losses = pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
over_weights = pytest.mark.parametrize("weight", [None, WEIGHT], ids=["no_weights", "weights"])


def validation_of(kind, loss="log_loss", weight=None, X=X, **changed):
    y, output_activation, Y = KINDS[kind]
    network = Network((3, 4, Y.shape[1]), "tanh", output_activation)
    # the weight in the cost counts, not the user's part of it
    sample_weight = None if weight is None else np.ones(M)
    examples = Dataset(X, Y, Y.astype(X.dtype), sample_weight, weight)
    loss = get_loss(output_activation, loss)
    return Validation(network, examples, loss, targets_for(y), **changed)


def random_theta(validation):
    return 3 * np.random.default_rng(1).normal(size=validation.network.n_parameters)


def hypothesis_of(validation, theta, X=X):
    """Return h(x), computed from the weights by hand."""
    first, last = validation.network.unpack(theta)
    z = np.tanh(X @ first[:, 1:].T + first[:, 0]) @ last[:, 1:].T + last[:, 0]
    return softmax(z, axis=1) if validation.network.h.name == "softmax" else expit(z)


def sum_of_log_losses(h, Y, weight):
    """Return the sum of the binary log-losses of the output units."""
    return sum(
        log_loss(y, p, sample_weight=weight, labels=[0, 1]) for y, p in zip(Y.T, h.T, strict=True)
    )


@over_kinds
@over_losses
@over_weights
@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_without_scoring_the_score_is_minus_scikit_learns_log_loss(kind, loss, weight, container):
    validation = validation_of(kind, loss, weight, container(X))
    theta, Y = random_theta(validation), KINDS[kind][2]
    h = hypothesis_of(validation, theta)
    if kind in ("binary", "multilabel"):
        expected = sum_of_log_losses(h, Y, weight)
    else:
        proba = h / h.sum(axis=1, keepdims=True)
        expected = log_loss(CLASSES, proba, sample_weight=weight)
    _, score = validation(theta)
    assert type(score) is float
    assert_allclose(score, -expected, rtol=1e-10)


@over_kinds
@over_weights
@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_the_loss_is_the_mean_cross_entropy_of_the_outputs(kind, weight, container):
    validation = validation_of(kind, "log_loss", weight, container(X))
    theta, Y = random_theta(validation), KINDS[kind][2]
    h = hypothesis_of(validation, theta)
    if kind == "softmax":
        expected = log_loss(CLASSES, h, sample_weight=weight)
    else:
        expected = sum_of_log_losses(h, Y, weight)
    loss, _ = validation(theta)
    assert type(loss) is float
    assert_allclose(loss, expected, rtol=1e-10)


@over_kinds
@over_weights
def test_the_loss_is_the_mean_squared_error_of_the_outputs(kind, weight):
    validation = validation_of(kind, "squared_error", weight)
    theta = random_theta(validation)
    errors = hypothesis_of(validation, theta) - KINDS[kind][2]
    loss, _ = validation(theta)
    assert_allclose(loss, np.average((errors**2).sum(axis=1) / 2, weights=weight), rtol=1e-12)


def test_a_custom_loss_is_averaged_over_the_rows():
    class Fixed(LogisticLogLoss):
        def per_row(self, z, a, Y):
            return np.arange(float(len(z)))

    validation = validation_of("binary", Fixed(), WEIGHT)
    expected = (WEIGHT * np.arange(M)).sum() / WEIGHT.sum()
    assert_allclose(validation(random_theta(validation))[0], expected)


@over_kinds
def test_weights_are_repeated_rows(kind):
    weight = np.arange(M) % 4
    rows = np.repeat(np.arange(M), weight)
    weighted = validation_of(kind, weight=weight)
    examples = validation_of(kind).examples.take(rows)
    repeated = Validation(weighted.network, examples, weighted.loss, weighted.targets)
    assert_allclose(weighted(random_theta(weighted)), repeated(random_theta(weighted)), rtol=1e-12)


@over_kinds
def test_float32_examples_are_computed_in_float32(kind):
    exact, dtypes = validation_of(kind), set()

    class Recorder(type(exact.loss)):
        def per_row(self, z, a, Y):
            dtypes.update({z.dtype, a.dtype, Y.dtype})
            return super().per_row(z, a, Y)

    theta = random_theta(exact)
    found = validation_of(kind, Recorder(), X=X.astype(np.float32))(theta)
    assert dtypes == {np.dtype(np.float32)}
    assert_allclose(found, exact(theta), rtol=1e-5)


@pytest.mark.parametrize("is_own", [True, False])
def test_many_rows_are_computed_in_blocks(is_own):
    calls = []

    class Recorder(LogisticLogLoss):
        def per_row(self, z, a, Y):
            calls.append((get_ident(), len(z)))
            return super().per_row(z, a, Y)

    m = 9000
    Y = np.random.default_rng(0).integers(2, size=(m, 1)).astype(float)
    examples = Dataset(np.random.default_rng(1).normal(size=(m, 3)), Y[:, 0], Y)
    network, loss = Network((3, 200, 1)), LogisticLogLoss() if is_own else Recorder()
    targets = targets_for([0, 1])
    whole = Validation(network, examples, loss, targets)
    theta = random_theta(whole)
    found = whole(theta)
    # one thread calls a loss that is not known to be thread-safe
    assert {thread for thread, _ in calls} <= {get_ident()}
    assert is_own or 1 < len(calls) < sum(n_rows for _, n_rows in calls) == m
    of_parts = [
        Validation(network, examples.take(rows), loss, targets)(theta)
        for rows in np.array_split(np.arange(m), 100)
    ]
    assert_allclose(found, np.mean(of_parts, axis=0), rtol=1e-12)


def test_float32_losses_are_averaged_in_float64():
    class Uneven(LogisticLogLoss):
        def per_row(self, z, a, Y):
            return np.where(np.arange(len(z)) == 0, 2**24, 1).astype(np.float32)

    validation = validation_of("binary", Uneven())
    assert validation(random_theta(validation))[0] == (2**24 + M - 1) / M


@over_kinds
def test_a_scorer_gets_the_weights_and_returns_the_score(kind):
    seen = []

    def scorer(theta):
        seen.append(theta)
        return np.float32(0.25)

    validation = validation_of(kind, weight=WEIGHT, scorer=scorer)
    theta = random_theta(validation)
    loss, score = validation(theta)
    assert seen[0] is theta
    assert len(seen) == 1
    assert (score, type(score)) == (0.25, float)
    assert loss == validation_of(kind, weight=WEIGHT)(theta)[0]


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_refused(score):
    validation = validation_of("binary", scorer=lambda theta: score)
    with message(f"The validation score must be finite. Got {score} instead."):
        validation(random_theta(validation))


LACKING = {
    "binary": ([0, 1, 1, 0], [1, 1], "no rows of the classes [0]."),
    "multiclass": (["a", "b", "c", "d"], ["c", "a"], "no rows of the classes ['b', 'd']."),
    "positives": ([[0, 1], [1, 0]], [[0, 1], [0, 0]], "no rows with the labels [0]."),
    "negatives": ([[0, 1], [1, 0]], [[0, 1], [1, 1]], "no rows without the labels [1]."),
    "both": (
        [[0, 1], [1, 0]],
        [[0, 1]],
        "no rows with the labels [0] and no rows without the labels [1].",
    ),
}


def fails(theta):
    raise ValueError("two classes are needed.")


@pytest.mark.parametrize(("known", "y", "text"), LACKING.values(), ids=LACKING)
@pytest.mark.parametrize(
    ("scorer", "beginning"),
    [
        (lambda theta: np.nan, "The validation score must be finite. Got nan instead."),
        (fails, "scoring failed: two classes are needed."),
    ],
    ids=["nan", "error"],
)
def test_a_score_that_fails_for_lack_of_a_class_names_it(known, y, text, scorer, beginning):
    targets, y = targets_for(np.array(known)), np.array(y)
    examples = Dataset(np.zeros((len(y), 3)), y, targets.encode(y, float))
    network = Network((3, examples.Y.shape[1]))
    validation = Validation(network, examples, LogisticLogLoss(), targets, scorer)
    advice = (
        " Increase validation_fraction, pass X_val and y_val that have them, or choose another "
        "scoring."
    )
    with message(f"{beginning} The validation set has {text}{advice}"):
        validation(np.zeros(network.n_parameters))


def test_rows_of_weight_0_count_as_lacking():
    targets, y = targets_for([0, 1]), np.array([0, 1])
    examples = Dataset(np.zeros((2, 3)), y, targets.encode(y, float), np.array([1.0, 0.0]))
    validation = Validation(Network((3, 1)), examples, LogisticLogLoss(), targets, fails)
    with message("no rows of the classes [1]"):
        validation(np.zeros(4))


def test_a_scorers_error_is_its_own_where_no_class_is_lacking():
    with pytest.raises(ValueError, match=r"^two classes are needed\.$"):
        validation_of("binary", scorer=fails)(np.zeros(21))


@over_kinds
def test_a_log_loss_that_is_not_finite_is_refused(kind):
    y, output_activation, Y = KINDS[kind]
    network = Network((3, Y.shape[1]), output_activation=output_activation)
    far_away = Dataset(np.full((M, 3), 1e30, np.float32), y, Y)  # z overflows to −inf
    validation = Validation(network, far_away, validation_of(kind).loss, targets_for(y))
    with np.errstate(all="ignore"), message("Standardise X and X_val"):
        validation(np.full(network.n_parameters, -1e10))


@over_kinds
def test_arguments_are_not_changed(kind):
    validation = validation_of(kind, weight=WEIGHT)
    theta = random_theta(validation)
    examples = validation.examples
    for given_array in (theta, examples.X, examples.Y):
        given_array.flags.writeable = False
    assert validation(theta) == validation(theta)
