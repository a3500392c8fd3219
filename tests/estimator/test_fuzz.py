"""Any parameters with any data: a sound model, or an error that names what to change.

By default some examples are drawn. For more, run ``pytest -m fuzz tests/estimator/test_fuzz.py``.
"""

import inspect
import re
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skbp import BackpropClassifier
from skbp.activations import ACTIVATIONS
from skbp.estimator.solver_factory import LEARNING_RATES, SOLVERS

NAMES = sorted(
    {"X", "y", *BackpropClassifier().get_params()}
    | set(inspect.signature(BackpropClassifier.fit).parameters)
    | set(inspect.signature(BackpropClassifier.partial_fit).parameters) - {"self"}
)

# --------------------------------------------------------------------------------- parameters

NUMBER_TYPES = [float, np.float16, np.float32, np.float64, np.longdouble]
ENDS = [0.0, 5e-324, 1e-300, 1e-8, 0.5, 1.0, 100.0, 1e20, 1e200, 1e300, 1e308]
WRONG = [-1, 10**400, 2**63, np.nan, np.inf, None, "x", 1j, [1], True, np.ones(2)]


def with_type(value, kind):
    with np.errstate(over="ignore", under="ignore"):
        return kind(value)


def numbers(*usual, largest=np.inf):
    values = st.sampled_from(usual) | st.sampled_from([end for end in ENDS if end <= largest])
    typed = st.builds(with_type, values, st.sampled_from(NUMBER_TYPES))
    return mostly(typed | st.sampled_from(usual))


def mostly(valid):
    """Draw what is valid, and now and then what is not."""
    return st.integers(0, 20).flatmap(lambda n: st.sampled_from(WRONG) if n == 20 else valid)


def counts(*usual):
    kinds = st.sampled_from([int, np.int8, np.int64])
    return mostly(st.builds(lambda n, kind: kind(n), st.sampled_from(usual), kinds))


def names(valid):
    return mostly(st.sampled_from(sorted(valid)))


def scorer(*_, **__):
    return 0.5


HIDDEN = [(), (3,), [2, 3], 4, np.array([3]), (10**20,), (2.5,), ("a",), (0,), [[2]]]
CLASS_WEIGHTS = [
    *(None, "balanced", {0: 2}, {0: 0, 1: 1}, {0: 1e300}, {0: np.float32(3)}, {0: "x"}, {9: 1}),
    *({0: 1e-300, 1: 1e-300, 2: 1e-300}, [{0: 1}] * 3, [{0: 1e200}] * 3, [np.ones(2)] * 3),
    {0: -1},
]
ACTIVATIONS_GIVEN = [*sorted(ACTIVATIONS), ["tanh"], ["tanh", "relu"], [3], "x"]

PARAMETERS = {
    "hidden_layer_sizes": st.sampled_from(HIDDEN),
    "activation": st.sampled_from(ACTIVATIONS_GIVEN),
    "output_activation": names({"logistic", "softmax"}),
    "loss": names({"log_loss", "squared_error"}),
    "init": names({"auto", "lecture"}),
    "alpha": numbers(0, 0.1, 1e-3) | st.just("auto"),
    "batch_size": counts(1, 7, 100) | st.just("auto"),
    "learning_rate": names(LEARNING_RATES),
    "learning_rate_init": numbers(0.1, 0.01) | st.just("auto"),
    "power_t": numbers(0.5, 200),
    "max_iter": counts(1, 2, 3),
    "shuffle": mostly(st.sampled_from([True, False, np.True_])),
    "random_state": mostly(st.sampled_from([0, np.int64(3), np.random.RandomState(0)])),
    "tol": numbers(1e-4, 0),
    "momentum": numbers(0.9, 0, 1, largest=1),
    "nesterovs_momentum": st.booleans(),
    "beta_1": numbers(0.9, 0, largest=0.5),
    "beta_2": numbers(0.99, 0, largest=0.5),
    "epsilon": numbers(1e-8),
    "n_iter_no_change": counts(1, 3) | st.just(np.inf),
    "max_fun": counts(1, 100),
    "warm_start": st.booleans(),
    "early_stopping": st.sampled_from([True, False, "auto"]),
    "validation_fraction": numbers(0.1, 0.5, 0.99, largest=0.5),
    "scoring": mostly(st.sampled_from([None, "accuracy", scorer])),
    "class_weight": st.sampled_from(CLASS_WEIGHTS),
    "max_grad_norm": st.none() | numbers(1.0, 0.1),
    "dropout": st.sampled_from(
        [0.5, np.float32(0.1), 0, [0.2], [0.5], [0.5, 0.2], ["x"], [np.float16(0.3)], [np.ones(2)]]
    ),
    "label_smoothing": numbers(0.1, 0, largest=0.5),
}

parameters = st.fixed_dictionaries(
    {"solver": st.sampled_from(sorted(SOLVERS))},
    optional=PARAMETERS,
).map(lambda drawn: {"hidden_layer_sizes": (3,), "max_iter": 3} | drawn)


@st.composite
def few_parameters(draw):
    """Draw some parameters, and leave the others at their defaults."""
    chosen = draw(st.sets(st.sampled_from(sorted(PARAMETERS)), max_size=5))
    drawn = {name: draw(PARAMETERS[name]) for name in sorted(chosen)}
    return {"solver": draw(st.sampled_from(sorted(SOLVERS)))} | SHORT | drawn


SHORT = {"hidden_layer_sizes": (3,), "max_iter": 3}

# --------------------------------------------------------------------------------------- data

LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=0)[::2],
    "reversed": lambda X: X[::-1][::-1],
    "read-only": lambda X: (X.setflags(write=False), X)[1],
    "list": lambda X: X.tolist(),
    "CSR": sparse.csr_array,
    "CSC": sparse.csc_matrix,
    "COO": sparse.coo_array,
}
SCALES = [0.0, 1e-300, 1e-30, 1.0, 1e4, 1e30, 1e300]


def examples(draw):
    generator = np.random.default_rng(draw(st.integers(0, 5)))
    n_rows = draw(st.sampled_from([25, 25, 20, 12, 8, 5, 3, 1]))
    n_features = draw(st.integers(1, 4))
    dtype = draw(st.sampled_from([np.float32, np.float64, np.int64]))
    X = generator.normal(size=(n_rows, n_features))
    if dtype is not np.int64:
        with np.errstate(over="ignore"):
            X *= min(draw(st.sampled_from([1.0, 1.0, 1.0, *SCALES])), np.finfo(dtype).max / 100)
    X = LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))](X.astype(dtype))
    return X, labels(draw, generator, n_rows)


def labels(draw, generator, n_rows):
    kinds = ["binary", "multiclass", "names", "multilabel"]
    kind = draw(st.sampled_from([*kinds, *kinds, "one class"]))
    n_classes = {"binary": 2, "one class": 1}.get(kind, 3)
    y = generator.integers(n_classes, size=n_rows)
    if kind == "names":
        return np.array(["a", "b", "c"])[y]
    return generator.integers(2, size=(n_rows, 3)) if kind == "multilabel" else y


def row_weights(draw, n_rows):
    kinds = ["ones", "some", "some", "scaled", "scaled", "zero", "short"]
    kind = draw(st.sampled_from([*["none"] * 8, *kinds]))
    some = np.random.default_rng(n_rows).integers(3, size=n_rows).astype(float)
    scale = draw(st.sampled_from([1e-310, 1e-300, 1e-40, 1e40, 1e300, 1e308]))
    with np.errstate(over="ignore"):
        of_kind = {"ones": np.ones(n_rows), "some": some, "zero": 0 * some, "scaled": scale * some}
    return None if kind == "none" else of_kind.get(kind, np.ones(n_rows + 1))


@st.composite
def problems(draw):
    X, y = examples(draw)
    given = {"X": X, "y": y, "sample_weight": row_weights(draw, len(y))}
    if draw(st.integers(0, 3)) == 0:
        given |= {"X_val": X, "y_val": y, "sample_weight_val": row_weights(draw, len(y))}
    return given


# ------------------------------------------------------------------------------- what must hold


def names_something(text):
    """Return whether a text has the name of a parameter or an argument, as a word."""
    words = re.findall(r"\w+", text)
    return any(name in words for name in [*NAMES, "samples", "sample", "weights", "features"])


def assert_sound(model, X):
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    assert all(np.isfinite(array).all() for array in [*model.coefs_, *model.intercepts_])
    P = model.predict_proba(X)
    assert P.shape == (n_rows, len(model.classes_))
    assert np.isfinite(P).all()
    assert ((P >= 0) & (P <= 1)).all()
    if model.predict(X).ndim == 1:
        assert_allclose(P.sum(axis=1), 1, rtol=1e-5)


def outcome(fit):
    """Return the model and no error, or None and the error."""
    try:
        return fit(), None
    except (ValueError, TypeError) as error:
        return None, error


def assert_sound_or_named(fit, X):
    """Run a fit, in which a warning but those that are documented is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "batch_size=.* is larger", UserWarning)
        warnings.filterwarnings("ignore", r"solver='\w+' ignores", UserWarning)
        warnings.filterwarnings("ignore", "The number of unique classes is greater", UserWarning)
        model, error = outcome(fit)
    if model is None:
        assert names_something(str(error)), error
    else:
        assert_sound(model, X)


def fit(params, given):
    assert_sound_or_named(lambda: BackpropClassifier(**params).fit(**given), given["X"])


def stream(params, given):
    X, y, weight = given["X"], given["y"], given["sample_weight"]
    classes = np.unique(y) if y.ndim == 1 else None

    def two_calls():
        model = BackpropClassifier(**params)
        for _ in range(2):
            model.partial_fit(X, y, classes=classes, sample_weight=weight)
        return model

    if params["solver"] in ("sgd", "adam"):
        assert_sound_or_named(two_calls, X)


QUIET = {"suppress_health_check": list(HealthCheck), "deadline": None}


@settings(max_examples=150, **QUIET)
@given(few_parameters(), problems())
def test_a_fit_is_sound_or_its_error_names_what_is_wrong(params, given):
    fit(params, given)


@settings(max_examples=60, **QUIET)
@given(few_parameters(), problems())
def test_a_stream_is_sound_or_its_error_names_what_is_wrong(params, given):
    stream(params, given)


@pytest.mark.fuzz
@settings(max_examples=5000, **QUIET)
@given(few_parameters() | parameters, problems())
def test_many_fits_and_streams(params, given):
    fit(params, given)
    stream(params, given)
