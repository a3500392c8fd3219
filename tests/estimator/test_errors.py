"""Errors of BackpropClassifier for invalid input: their types, and what their texts must name."""

import re

import numpy as np
import pandas as pd
import pytest
from fitting import FULL_BATCH, MINI_BATCH, SOLVERS
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale
from sklearn.utils._param_validation import InvalidParameterError

from skbp import BackpropClassifier
from skbp.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from skbp.losses import LOSSES

X, y = load_iris(return_X_y=True)
X = scale(X)
NAMED = pd.DataFrame(X, columns=list("abcd"))

METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function", "transform"]
every_method = pytest.mark.parametrize("method", METHODS)


# scikit-learn's own classifier must raise the same errors
every_classifier = pytest.mark.parametrize("classifier", [BackpropClassifier, LogisticRegression])


def with_value(value, array=X):
    changed = array.astype(np.result_type(array, value))
    changed[3, 1] = value
    return changed


def error(kind, text):
    return pytest.raises(kind, match=re.escape(text))


# ---------------------------------------------------------------------------------- parameters

OUT_OF_RANGE = {
    "alpha": [-1, -1e-9, np.nan, np.inf, -np.inf, "0.5", None, 1j],
    "tol": [-1, np.nan, np.inf, None],
    "learning_rate_init": [0, -0.1, np.nan, np.inf, "adaptive", None],
    "power_t": [-0.5, np.nan, np.inf],
    "momentum": [-0.1, 1.1, np.nan, np.inf],
    "beta_1": [-0.1, 1, 1.5, np.nan],
    "beta_2": [-0.1, 1, 1.5, np.nan],
    "epsilon": [0, -1e-8, np.nan, np.inf],
    "max_iter": [0, -1, 1.5, 10.0, np.inf, "many", None],
    "max_fun": [0, -1, 1.5, np.inf],
    "batch_size": [0, -1, 1.5, np.nan, "all", None],
    "n_iter_no_change": [0, -1, 1.5, np.nan, -np.inf],
    "hidden_layer_sizes": [0, -3, 2.5, np.nan, "100", None],
    "shuffle": ["yes", None, 1],
    "nesterovs_momentum": ["yes", None, 1],
    "verbose": [-1, "yes", None],
    "random_state": [-1, 1.5, "seed", np.random.default_rng(0)],
    "activation": ["sigmoid", "Logistic", "", None, 3, np.tanh],
    "output_activation": ["sigmoid", "relu", None],
    "loss": ["hinge", "cross_entropy", None, np.mean],
    "solver": ["newton", "LBFGS", "l-bfgs", None],
    "learning_rate": ["auto", "one-cycle", 0.1, None],
    "warm_start": ["yes", None, 1],
    "init": ["random", "lectures", 1, None],
    "early_stopping": ["yes", None, 1],
    "validation_fraction": [0, 1, -0.1, 1.5, 10, np.nan, None, "auto"],
    "scoring": ["acc", "loss", "", 3, ["accuracy"]],
    "class_weight": ["balance", "auto", 2.0, (1, 2), np.ones(3)],
    "max_grad_norm": [0, -1, np.nan, np.inf, "auto"],
    "dropout": [-0.1, 1, 1.5, np.nan, "auto", None],
    "binary_outputs": [0, 3, 2.0, "two", None],
    "label_smoothing": [-0.1, 1, 1.5, np.nan, None],
}


def test_every_parameter_is_tried():
    assert set(OUT_OF_RANGE) == set(BackpropClassifier().get_params())


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in OUT_OF_RANGE.items() for value in values]
)
@pytest.mark.parametrize("method", ["fit", "initialize"])
def test_invalid_parameter(name, value, method):
    with pytest.raises(InvalidParameterError) as caught:
        getattr(BackpropClassifier(**{name: value}), method)(X, y)
    message = str(caught.value)
    assert message.startswith(f"The '{name}' parameter of BackpropClassifier must be ")
    assert message.endswith(f". Got {value!r} instead.")


@pytest.mark.parametrize("name", ["activation", "output_activation", "loss", "solver"])
def test_unknown_name_lists_the_known_ones(name):
    known = {
        "activation": ACTIVATIONS,
        "output_activation": OUTPUT_ACTIVATIONS,
        "loss": {loss for _, loss in LOSSES},
        "solver": SOLVERS,
    }
    with pytest.raises(InvalidParameterError) as caught:
        BackpropClassifier(**{name: "unknown"}).fit(X, y)
    listed = re.search(r"\{(.*)\}", str(caught.value)).group(1)
    assert set(re.findall(r"'(\w+)'", listed)) == set(known[name])


@pytest.mark.parametrize(
    "sizes",
    [
        (-1,),
        (0,),
        (3, 0),
        (3, -2),
        (2.5,),
        (3.0,),
        (np.nan,),
        (True,),
        True,
        ("a",),
        ("3",),
        (None,),
        [[3]],
        ((3, 4), (5, 6)),
        (2, (3,)),
        np.array([[3]]),
        np.array([3.0]),
    ],
    ids=str,
)
def test_invalid_hidden_layer_sizes(sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes must be") as caught:
        BackpropClassifier(sizes).fit(X, y)
    assert repr(sizes) in str(caught.value)


def test_unknown_parameter():
    with error(TypeError, "hidden_layers"):
        BackpropClassifier(hidden_layers=(3,))
    with error(ValueError, "Invalid parameter 'hidden_layers'"):
        BackpropClassifier().set_params(hidden_layers=(3,))


HIDDEN = {"hidden_layer_sizes": (5, 4), "solver": "adam", "max_iter": 3}


@pytest.mark.parametrize(
    ("activation", "text"),
    [
        (["tanh"], "one for each of the 2 hidden layers"),
        (["tanh"] * 3, "one for each of the 2 hidden layers"),
        ([], "one for each of the 2 hidden layers"),
        (("tanh", "sigmoid"), "activation must be one of ['elu', "),
        (["tanh", None], "activation must be one of ['elu', "),
        (["tanh", np.tanh], "activation must be one of ['elu', "),
        (["tanh", ["relu"]], "activation must be one of ['elu', "),
    ],
    ids=str,
)
def test_invalid_list_of_activations(activation, text):
    for solver in ("adam", "lbfgs"):
        with error(ValueError, text):
            BackpropClassifier(activation=activation, **HIDDEN | {"solver": solver}).fit(X, y)


@pytest.mark.parametrize(
    ("dropout", "text"),
    [
        ([0.5], "dropout must be a single one, or one for each of the 2 hidden layers"),
        ([0.5] * 3, "dropout must be a single one, or one for each of the 2 hidden layers"),
        ([], "dropout must be a single one, or one for each of the 2 hidden layers"),
        ([0.5, 1.0], "dropout must be in [0, 1)"),
        ((-0.1, 0.5), "dropout must be in [0, 1)"),
        ([0.5, np.nan], "dropout must be in [0, 1)"),
        ([0.5, "half"], "dropout must be in [0, 1)"),
        ([0.5, None], "dropout must be in [0, 1)"),
        ([0.5, [0.5]], "dropout must be in [0, 1)"),
    ],
    ids=str,
)
def test_invalid_list_of_dropout_rates(dropout, text):
    with error(ValueError, text) as caught:
        BackpropClassifier(dropout=dropout, **HIDDEN).fit(X, y)
    assert f"Got {dropout!r} instead" in str(caught.value)


@pytest.mark.parametrize("solver", FULL_BATCH)
@pytest.mark.parametrize("dropout", [0.5, [0.0, 0.5]])
def test_dropout_needs_a_mini_batch_solver(solver, dropout):
    model = BackpropClassifier(dropout=dropout, **HIDDEN | {"solver": solver})
    text = f"dropout={dropout!r} needs a solver in {tuple(MINI_BATCH)}. Got solver={solver!r}"
    with error(ValueError, text):
        model.fit(X, y)


Y = np.column_stack([y == 0, y > 0]).astype(int)

BAD_CLASS_WEIGHTS = {
    "other classes": (y, {5: 1.0, 6: 1.0}, "The classes, [0, 1, 2], are not in class_weight"),
    "negative": (y, {0: 1.0, 1: -1.0, 2: 1.0}, "class_weight must not hold negative weights"),
    "NaN": (y, {0: np.nan, 1: 1.0, 2: 1.0}, "class_weight must not hold"),
    "infinity": (y, {0: np.inf, 1: 1.0, 2: 1.0}, "class_weight must not hold"),
    "a word": (y, {0: "heavy", 1: 1.0, 2: 1.0}, "class_weight must not hold"),
    "a list": (y, [{0: 1.0}] * 3, "class_weight must be a dict"),
    "a dict for labels": (Y, {0: 1.0, 1: 2.0}, "a list of dicts, one for each of the 2 labels"),
    "too few": (Y, [{0: 1.0}], "a list of dicts, one for each of the 2 labels"),
    "too many": (Y, [{0: 1.0}] * 3, "a list of dicts, one for each of the 2 labels"),
    "no dicts": (Y, ["heavy", "light"], "class_weight"),
    "negative for a label": (Y, [{0: 1.0, 1: -1.0}, {0: 1.0}], "must not hold negative weights"),
}


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize(
    ("labels", "class_weight", "text"),
    list(BAD_CLASS_WEIGHTS.values()),
    ids=list(BAD_CLASS_WEIGHTS),
)
def test_bad_class_weight(labels, class_weight, text, solver, early_stopping):
    model = BackpropClassifier(
        solver=solver, class_weight=class_weight, early_stopping=early_stopping
    )
    with error(ValueError, text):
        model.fit(X, labels)


@pytest.mark.parametrize(
    ("early_stopping", "text"),
    [
        (False, "the sum of sample_weight, must be positive"),
        (True, "validation_fraction=0.1 of 0 rows leaves none"),
    ],
)
@pytest.mark.parametrize(
    ("labels", "zeros"), [(y, dict.fromkeys(range(3), 0.0)), (Y, [{0: 0.0, 1: 0.0}] * 2)]
)
def test_class_weights_of_0_only(labels, zeros, early_stopping, text):
    with error(ValueError, text):
        BackpropClassifier(class_weight=zeros, early_stopping=early_stopping).fit(X, labels)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite(bad):
    with error(ValueError, f"The validation score must be finite. Got {bad} instead."):
        BackpropClassifier(early_stopping=True, scoring=lambda *_: bad).fit(X, y)


@pytest.mark.parametrize("bad", ["good", None, np.ones(2), 1j])
def test_a_score_that_is_not_a_number(bad):
    with pytest.raises((ValueError, TypeError)):
        BackpropClassifier(early_stopping=True, scoring=lambda *_: bad).fit(X, y)


def test_a_scorer_must_take_sample_weights_where_there_are_some():
    model = BackpropClassifier(early_stopping=True, scoring=lambda estimator, X, y: 0.5)
    with error(TypeError, "sample_weight"):
        model.fit(X, y, np.ones(150))


@pytest.mark.parametrize(
    ("rows", "labels"),
    [([0, 60, 120], y), ([0, 149], (y > 0).astype(int)), ([0, 149], Y)],
    ids=["multiclass", "binary", "multilabel"],
)
def test_too_few_rows_to_spare_any_for_validation(rows, labels):
    with error(
        ValueError,
        f"validation_fraction=0.3 of {len(rows)} rows leaves none for validation: each class needs "
        "one for training. Pass X_val and y_val, or more data.",
    ):
        BackpropClassifier(early_stopping=True, validation_fraction=0.3).fit(X[rows], labels[rows])


# ----------------------------------------------------------------------------- validation sets

BAD_VALIDATION = {
    "no y": ({"X_val": X}, "A validation set needs both X_val and y_val"),
    "no X": ({"y_val": y}, "A validation set needs both X_val and y_val"),
    "weights alone": ({"sample_weight_val": np.ones(150)}, "needs both X_val and y_val"),
    "weights and X": (
        {"X_val": X, "sample_weight_val": np.ones(150)},
        "needs both X_val and y_val",
    ),
    "unknown class": (
        {"X_val": X, "y_val": y + 2},
        "y_val has the classes [3, 4], which are not among the known classes [0, 1, 2]",
    ),
    "names": ({"X_val": X, "y_val": np.array(list("abc"))[y]}, "y_val has the classes ['a', 'b'"),
    "multilabel": ({"X_val": X, "y_val": Y}, "y_val must have one label a row"),
    "fewer features": ({"X_val": X[:, :3], "y_val": y}, "X has 3 features, but"),
    "more features": ({"X_val": X[:, [0, 1, 2, 3, 3]], "y_val": y}, "X has 5 features, but"),
    "fewer rows": ({"X_val": X[:9], "y_val": y}, "inconsistent numbers of samples: [9, 150]"),
    "no rows": ({"X_val": X[:0], "y_val": y[:0]}, "Found array with 0 sample(s)"),
    "1D": ({"X_val": X[:, 0], "y_val": y}, "Expected 2D array, got 1D array instead"),
    "NaN": ({"X_val": with_value(np.nan), "y_val": y}, "contains NaN"),
    "NaN label": ({"X_val": X, "y_val": np.where(y == 0, np.nan, y)}, "contains NaN"),
    "continuous": ({"X_val": X, "y_val": X[:, 0]}, "Unknown label type"),
    "negative weights": (
        {"X_val": X, "y_val": y, "sample_weight_val": -np.ones(150)},
        "Negative values in data passed to `sample_weight`",
    ),
    "weights of 0": (
        {"X_val": X, "y_val": y, "sample_weight_val": np.zeros(150)},
        "at least one non-zero",
    ),
    "too few weights": (
        {"X_val": X, "y_val": y, "sample_weight_val": np.ones(9)},
        "sample_weight.shape == (9,), expected (150,)",
    ),
}


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize(("bad", "text"), list(BAD_VALIDATION.values()), ids=list(BAD_VALIDATION))
def test_bad_validation_set(bad, text, early_stopping):
    with error(ValueError, text):
        BackpropClassifier(early_stopping=early_stopping).fit(X, y, **bad)


def test_a_validation_set_whose_class_weights_are_all_0():
    model = BackpropClassifier(class_weight={0: 0.0, 1: 1.0, 2: 1.0})
    with error(ValueError, "must not all have a class_weight of 0"):
        model.fit(X, y, X_val=X[:50], y_val=y[:50])


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (Y[:, [0, 1, 1]], "y_val must have 2 columns of labels"),
        (y, "y_val must have 2 columns of labels"),
        (2 * Y, "0 and 1"),
    ],
    ids=["more labels", "classes", "no indicator"],
)
def test_bad_multilabel_validation_labels(bad, text):
    with error(ValueError, text):
        BackpropClassifier().fit(X, Y, X_val=X, y_val=bad)


def test_feature_names_of_the_validation_set():
    model = BackpropClassifier()
    with error(ValueError, "The feature names should match those that were passed during fit"):
        model.fit(NAMED, y, X_val=NAMED.rename(columns={"a": "e"}), y_val=y)


def test_validation_arguments_are_keywords():
    with pytest.raises(TypeError, match="positional argument"):
        BackpropClassifier().fit(X, y, None, X, y)


# ------------------------------------------------------------------------------------------- X


BAD_X = {
    "NaN": (with_value(np.nan), ValueError, "Input X contains NaN"),
    "None": (with_value(None, X.astype(object)), ValueError, "Input X contains NaN"),
    "infinity": (with_value(np.inf), ValueError, "Input X contains infinity"),
    "-infinity": (with_value(-np.inf), ValueError, "Input X contains infinity"),
    "CSR NaN": (sparse.csr_matrix(with_value(np.nan)), ValueError, "Input X contains NaN"),
    "CSC infinity": (sparse.csc_array(with_value(np.inf)), ValueError, "Input X contains infinity"),
    "1D": (X[:, 0], ValueError, "Expected 2D array, got 1D array instead"),
    "3D": (X[:, :, np.newaxis], ValueError, "Found array with dim 3"),
    "scalar": (X[0, 0], ValueError, "Expected 2D array, got scalar array instead"),
    "nothing": (None, ValueError, "Expected 2D array, got scalar array instead"),
    "fewer rows": (X[:-1], ValueError, "inconsistent numbers of samples: [149, 150]"),
    "no rows": (X[:0], ValueError, "Found array with 0 sample(s)"),
    "no columns": (X[:, :0], ValueError, "Found array with 0 feature(s)"),
    "complex": (X * 1j, ValueError, "Complex data not supported"),
    "complex CSR": (sparse.csr_matrix(X * 1j), ValueError, "Complex data not supported"),
    "strings": (np.full((150, 2), "a"), ValueError, "could not convert string to float"),
    "objects": (np.full((150, 2), "a", object), ValueError, "could not convert string to float"),
    "list": ([["a", "b"]] * 150, ValueError, "could not convert string to float"),
    "dicts": (np.full((150, 2), {}, object), TypeError, "must be a string or a real number"),
    "columns": (NAMED.set_axis([0, 1, 2, "d"], axis=1), TypeError, "Feature names are only"),
}


@pytest.mark.parametrize(("bad", "kind", "text"), list(BAD_X.values()), ids=list(BAD_X))
@every_classifier
def test_bad_examples(classifier, bad, kind, text):
    with error(kind, text):
        classifier().fit(bad, y)


# ------------------------------------------------------------------------------------------- y


BAD_Y = {
    "NaN": (np.where(y == 0, np.nan, y), "Input y contains NaN"),
    "infinity": (np.where(y == 0, np.inf, y), "Input y contains infinity"),
    "fewer rows": (y[:-1], "inconsistent numbers of samples: [150, 149]"),
    "nothing": (None, "requires y to be passed, but the target y is None"),
    "continuous": (X[:, 0], "Unknown label type: "),
    "complex": (y * 1j, "Complex data not supported"),
}


@pytest.mark.parametrize(("bad", "text"), list(BAD_Y.values()), ids=list(BAD_Y))
@every_classifier
def test_bad_labels(classifier, bad, text):
    with error(ValueError, text):
        classifier().fit(X, bad)


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (np.where(y == 0, None, y), "Unknown label type"),
        (np.array([1, "a", 2] * 50, object), "Unknown label type"),
        (X[:, :2], "Unknown label type: continuous-multioutput"),
        (np.column_stack([y, y]), "Multioutput target data is not supported"),
        (np.array([["a", "b"]] * 150), "Multioutput target data is not supported"),
        (np.zeros((150, 2, 2)), "Found array with dim 3"),
    ],
    ids=["None", "mixed", "continuous outputs", "outputs", "outputs of strings", "3D"],
)
def test_labels_of_unsupported_kinds(bad, text):
    with error(ValueError, text):
        BackpropClassifier().fit(X, bad)


@pytest.mark.parametrize("label", [0, -3, 1.0, True, "ant"])
@every_classifier
def test_one_class_only(classifier, label):
    with error(ValueError, "at least 2 classes in the data, but the data contains only one class"):
        classifier().fit(X, np.full(150, label))


@pytest.mark.parametrize("label", [0, -3, 1.0, True, "ant"])
def test_the_one_class_is_named(label):
    with error(ValueError, f"only one class: {label!r}"):
        BackpropClassifier().fit(X, np.full(150, label))


def test_one_row_only():
    with error(ValueError, "only one class"):
        BackpropClassifier().fit(X[:1], y[:1])


@pytest.mark.parametrize("values", [(-1, 1), (0, 2), (1, 2), (0, -1)])
def test_an_indicator_must_hold_zeros_and_ones(values):
    # scikit-learn takes any two integers for an indicator; as targets they make J unbounded
    Y = np.array(values)[np.column_stack([y == 0, y == 1, y > 0]).astype(int)]
    with error(ValueError, "0 and 1"):
        BackpropClassifier().fit(X, Y)


# ------------------------------------------------------------------------------ sample weights


BAD_WEIGHTS = {
    "zeros": (np.zeros(150), "must contain at least one non-zero"),
    "negative": (-np.ones(150), "Negative values in data passed to `sample_weight`"),
    "one negative": (np.r_[-1, np.ones(149)], "Negative values in data passed to `sample_weight`"),
    "NaN": (np.r_[np.nan, np.ones(149)], "Input sample_weight contains NaN"),
    "infinity": (np.r_[np.inf, np.ones(149)], "Input sample_weight contains infinity"),
    "too few": (np.ones(149), "sample_weight.shape == (149,), expected (150,)"),
    "none": (np.ones(0), "Found array with 0 sample(s)"),
    "column": (np.ones((150, 1)), "Sample weights must be 1D array or scalar"),
    "2D": (np.ones((150, 3)), "Sample weights must be 1D array or scalar"),
    "strings": (["heavy"] * 150, "could not convert string to float"),
    "complex": (np.ones(150) * 1j, "Complex data not supported"),
}


@pytest.mark.parametrize(("weights", "text"), list(BAD_WEIGHTS.values()), ids=list(BAD_WEIGHTS))
def test_bad_sample_weight(weights, text):
    with error(ValueError, text):
        BackpropClassifier().fit(X, y, sample_weight=weights)


# ------------------------------------------------------------------------------- start weights

COEFS = [np.ones((4, 5)), np.ones((5, 3))]
INTERCEPTS = [np.ones(5), np.ones(3)]


@pytest.mark.parametrize(
    "bad",
    [
        [],
        COEFS[:1],
        [*COEFS, np.ones((3, 3))],
        COEFS[::-1],
        [w.T for w in COEFS],
        [np.ones((4, 6)), np.ones((6, 3))],
        [w.ravel() for w in COEFS],
        COEFS[0],
        [np.ones((0, 5)), COEFS[1]],
        [np.ones((1, 4, 5)), COEFS[1]],
        [0.0, 0.0],
    ],
    ids=lambda bad: str([np.shape(w) for w in bad]),
)
def test_coefs_init_of_wrong_shapes(bad):
    with error(ValueError, "coefs_init must be a list of arrays of the shapes [(4, 5), (5, 3)]"):
        BackpropClassifier(5).fit(X, y, coefs_init=bad)


@pytest.mark.parametrize(
    "bad",
    [
        [],
        INTERCEPTS[:1],
        [*INTERCEPTS, np.ones(3)],
        INTERCEPTS[::-1],
        [w[:, np.newaxis] for w in INTERCEPTS],
        [w[np.newaxis] for w in INTERCEPTS],
        [np.ones(0), INTERCEPTS[1]],
        [np.ones((1, 1, 5)), INTERCEPTS[1]],
        [0.0, 0.0],
    ],
    ids=lambda bad: str([np.shape(w) for w in bad]),
)
def test_intercepts_init_of_wrong_shapes(bad):
    with error(ValueError, "intercepts_init must be a list of arrays of the shapes [(5,), (3,)]"):
        BackpropClassifier(5).fit(X, y, intercepts_init=bad)


@pytest.mark.parametrize("name", ["coefs_init", "intercepts_init"])
def test_start_weights_that_are_not_a_list(name):
    with error(ValueError, f"{name} must be a list of arrays"):
        BackpropClassifier(5).fit(X, y, **{name: 3})


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("name", "good"), [("coefs_init", COEFS), ("intercepts_init", INTERCEPTS)])
def test_start_weights_that_are_not_finite(name, good, bad):
    init = [good[0], np.where(good[1] == 1, bad, 0)]
    with error(ValueError, f"Input {name} contains {'NaN' if np.isnan(bad) else 'infinity'}"):
        BackpropClassifier(5).fit(X, y, **{name: init})


# --------------------------------------------------------------------------------- predictions


@pytest.fixture(scope="module")
def model():
    return BackpropClassifier(5, random_state=0).fit(NAMED, y)


@every_method
def test_not_fitted(method):
    with error(NotFittedError, "This BackpropClassifier instance is not fitted yet"):
        getattr(BackpropClassifier(), method)(X)


@every_method
@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (NAMED[["a", "b", "c"]], "yet now missing:\n- d"),
        (NAMED.rename(columns={"d": "e"}), "unseen at fit time:\n- e"),
        (NAMED[["b", "a", "c", "d"]], "must be in the same order"),
        (NAMED.assign(e=0.0), "unseen at fit time:\n- e"),
        (NAMED.where(NAMED["a"] > 0), "Input X contains NaN"),
        (NAMED.iloc[:0], "Found array with 0 sample(s)"),
    ],
    ids=["missing", "renamed", "reordered", "added", "NaN", "empty"],
)
def test_bad_frame_at_predict(model, method, bad, text):
    with error(ValueError, text):
        getattr(model, method)(bad)


@every_method
@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (X[:, :3], "X has 3 features, but BackpropClassifier is expecting 4 features as input"),
        (X[0], "Expected 2D array, got 1D array instead"),
        (with_value(np.nan), "Input X contains NaN"),
        (with_value(np.inf), "Input X contains infinity"),
        (sparse.csr_matrix(with_value(np.nan)), "Input X contains NaN"),
        (X * 1j, "Complex data not supported"),
        (np.full((2, 4), "a"), "could not convert string to float"),
        (X[:0], "Found array with 0 sample(s)"),
    ],
    ids=["fewer", "1D", "NaN", "infinity", "sparse", "complex", "strings", "empty"],
)
def test_bad_array_at_predict(method, bad, text):
    model = BackpropClassifier(5, random_state=0).fit(X, y)
    with error(ValueError, text):
        getattr(model, method)(bad)


# --------------------------------------- wrong types and numbers at the ends: what must be named

HUGE = np.full(len(y), 1e308)
ROWS = [np.ones(3)] * 3
LABELS = np.eye(3, dtype=int)[y]

NAMED_ERRORS = {
    "a layer beyond memory": ({"hidden_layer_sizes": (10**20,)}, {}, "hidden_layer_sizes=(1000"),
    "layers beyond memory": ({"hidden_layer_sizes": [2**62, 2**62]}, {}, "hidden_layer_sizes=[46"),
    "class_weight of text": ({"class_weight": {0: "x"}}, {}, "class_weight must not"),
    "class_weight of a digit": ({"class_weight": {0: "1"}}, {}, "class_weight must not"),
    "class_weight of lists": ({"class_weight": {0: [1, 2]}}, {}, "class_weight must not"),
    "class_weight of None": ({"class_weight": {0: None}}, {}, "class_weight must not"),
    "complex class_weight": ({"class_weight": {0: 1j}}, {}, "class_weight must not"),
    "long class_weight": ({"class_weight": {0: 10**400}}, {}, "class_weight must not"),
    "arrays as class_weight": ({"class_weight": ROWS}, {}, "class_weight must be a dict"),
    "arrays for labels": ({"class_weight": ROWS}, {"y": LABELS}, "class_weight must be"),
    "text for labels": ({"class_weight": [{0: "x"}] * 3}, {"y": LABELS}, "class_weight must not"),
    "class_weight beyond float32": (
        {"class_weight": {0: 1e300}},
        {"X": X.astype(np.float32)},
        "class_weight={0: 1e+300}",
    ),
    "a product of labels": ({"class_weight": [{0: 1e300}] * 3}, {"y": LABELS}, "class_weight=["),
    "a product with sample_weight": (
        {"class_weight": {0: 1e200}},
        {"sample_weight": np.full(len(y), 1e200)},
        "class_weight={0: 1e+200}",
    ),
    "a sum of class_weight": ({"class_weight": dict.fromkeys(range(3), 1e308)}, {}, "class_weight"),
    "a sum beyond float32": ({"class_weight": {0: 1e38}}, {"X": X.astype("f4")}, "class_weight"),
    "a sum of sample_weight": ({}, {"sample_weight": HUGE}, "sum of sample_weight"),
    "a balanced sum": ({"class_weight": "balanced"}, {"sample_weight": HUGE}, "sample_weight"),
    "sample_weight of text": ({}, {"sample_weight": ["x"] * len(y)}, "sample_weight must be"),
    "ragged sample_weight": ({}, {"sample_weight": [[1], [1, 2]]}, "sample_weight must be"),
    "a set of pairs": ({}, {"X_val": [(X, y)]}, "X_val must be one array"),
    "a set of pairs, and y_val": ({}, {"X_val": ((X, y),), "y_val": y}, "X_val must be one array"),
    "ragged y_val": ({}, {"X_val": X, "y_val": [[1], [1, 2]]}, "y_val"),
    "ragged coefs_init": ({}, {"coefs_init": [[[1], [1, 2]], [1]]}, "coefs_init must be"),
    "intercepts_init of text": ({}, {"intercepts_init": [["x"] * 5, [0] * 3]}, "intercepts_init"),
    "dropout of arrays": ({"dropout": ROWS[:1], "solver": "sgd"}, {}, "dropout must be in"),
    "dropout of text": ({"dropout": ["x"], "solver": "adam"}, {}, "dropout must be in"),
    "scoring of None": ({"scoring": lambda *_, **__: None}, {}, "scoring must return a number"),
    "scoring of text": ({"scoring": lambda *_, **__: "x"}, {}, "scoring must return a number"),
    "scoring of two": ({"scoring": lambda *_, **__: np.ones(2)}, {}, "scoring must return"),
}


@pytest.mark.parametrize(("params", "data", "text"), NAMED_ERRORS.values(), ids=NAMED_ERRORS)
def test_an_error_names_what_is_wrong(params, data, text):
    given = {"hidden_layer_sizes": (5,), "early_stopping": "scoring" in params} | params
    with error(ValueError, text):
        BackpropClassifier(**given).fit(**{"X": X, "y": y} | data)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("alpha", [1e160, 1e200, 1e300, 1e308])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_alpha_whose_penalty_overflows_is_named(solver, alpha, dtype):
    model = BackpropClassifier((5,), solver=solver, alpha=alpha)
    for method in (model.fit, model.initialize):
        with error(ValueError, f"Got alpha={alpha}"):
            method(X.astype(dtype), y)


@pytest.mark.parametrize("solver", MINI_BATCH)
@pytest.mark.parametrize(
    "classes",
    [[None, 1], [[1, 2], [3]], 3, "abc", [0, 1, 2, np.nan], [0, 1.5], {0, 1}, {0: 1}, [1]],
    ids=repr,
)
def test_bad_classes_are_named(solver, classes):
    with error(ValueError, "classes"):
        BackpropClassifier(solver=solver).partial_fit(X, y, classes=classes)
    if not np.isscalar(classes):
        model = BackpropClassifier(solver=solver).partial_fit(X, y, classes=[0, 1, 2])
        with error(ValueError, "classes"):
            model.partial_fit(X, y, classes=classes)


@pytest.mark.parametrize("labels", [y, LABELS], ids=["classes", "labels"])
def test_arrays_as_class_weight_of_partial_fit(labels):
    model = BackpropClassifier(solver="sgd", class_weight=ROWS)
    with error(ValueError, "class_weight must be"):
        model.partial_fit(X, labels, classes=[0, 1, 2])


def test_labels_of_two_types_are_named():
    with error(TypeError, "y must have labels of one type"):
        BackpropClassifier().fit(X, np.array(["a", 1] * 75, dtype=object))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("params", "weight"),
    [
        ({"alpha": 5e-324}, 1.0),
        ({"alpha": 1e-300}, 1e300),
        ({"alpha": 0}, 1e-300),
        ({"class_weight": {0: 1e300}}, 1.0),
        ({"power_t": 200, "learning_rate": "invscaling"}, 1.0),
        ({"power_t": 1e308, "learning_rate": "invscaling"}, 1.0),
    ],
    ids=repr,
)
def test_numbers_at_the_ends_warn_of_nothing(solver, params, weight):
    weights = np.full(len(y), weight)
    model = BackpropClassifier((5,), solver=solver, max_iter=5, **params)
    model.fit(X, y, weights, X_val=X, y_val=y, sample_weight_val=weights)
    assert np.isfinite(model.coefs_[0]).all()


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_that_overflow_in_the_cost_are_named(container, dtype):
    weight = float(np.finfo(dtype).max) / 1e3
    model = BackpropClassifier((5,), solver="sgd", class_weight={0: weight})
    for method in (model.fit, model.initialize):
        with error(ValueError, "class_weight"):
            method(container(X.astype(dtype)), y)
