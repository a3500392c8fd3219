"""skbp.estimator.parameters: which numbers are valid, and that NumPy's count as Python's."""

import inspect
from fractions import Fraction

import numpy as np
import pytest
from fitting import PROBLEMS, SOLVERS, Brief, every_solver, may_stop_early
from same_fit import assert_same_fit
from sklearn.base import clone
from sklearn.utils._param_validation import InvalidParameterError

from skbp import BackpropClassifier
from skbp.estimator.parameters import CONSTRAINTS, with_python_numbers

X, y = PROBLEMS["multiclass"]

REAL = {
    "alpha": 0.1,
    "learning_rate_init": 0.1,
    "power_t": 0.3,
    "tol": 0.01,
    "momentum": 0.7,
    "beta_1": 0.7,
    "beta_2": 0.9,
    "epsilon": 0.1,
    "validation_fraction": 0.2,
    "max_grad_norm": 0.1,
    "dropout": 0.2,
    "label_smoothing": 0.1,
}
COUNTS = ["hidden_layer_sizes", "batch_size", "max_iter", "n_iter_no_change", "max_fun"]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("name", REAL)
def test_a_real_number_of_numpy_is_a_float(name, dtype):
    model = BackpropClassifier(**{name: dtype(REAL[name])})
    number = with_python_numbers(model)[name]
    assert type(number) is float
    assert number == float(dtype(REAL[name]))
    assert type(getattr(model, name)) is dtype


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("value", [0, True, np.int64(0), Fraction(1, 3)])
def test_any_real_number_is_a_float(name, value):
    assert type(with_python_numbers(BackpropClassifier(**{name: value}))[name]) is float


@pytest.mark.parametrize("name", COUNTS)
def test_an_integer_of_numpy_is_an_int(name):
    number = with_python_numbers(BackpropClassifier(**{name: np.int8(7)}))[name]
    assert type(number) is int
    assert number == 7


def test_lists_and_other_values():
    activation = object()
    parameters = with_python_numbers(
        BackpropClassifier(
            (np.int32(3), 4),
            activation,
            dropout=[np.float32(0.5), 0],
            shuffle=np.True_,
            n_iter_no_change=np.float32("inf"),
            class_weight=None,
        )
    )
    assert parameters["hidden_layer_sizes"] == (3, 4)
    assert [type(p) for p in parameters["dropout"]] == [float, float]
    assert parameters["activation"] is activation
    assert parameters["shuffle"] is True
    assert parameters["n_iter_no_change"] == np.inf
    assert parameters["class_weight"] is None
    assert parameters.keys() == BackpropClassifier().get_params().keys() == CONSTRAINTS.keys()


@every_solver
@may_stop_early
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_the_precision_of_a_parameter_is_not_that_of_the_fit(solver, dtype, precision):
    of_batches = {"dropout"} if solver not in ("sgd", "adam") else set()
    given = {name: dtype(value) for name, value in REAL.items() if name not in of_batches}
    model = Brief(solver=solver, early_stopping=True, learning_rate="invscaling", **given)
    plain = clone(model).set_params(**{name: float(value) for name, value in given.items()})
    assert_same_fit(model.fit(X.astype(precision), y), plain.fit(X.astype(precision), y))
    assert all(type(getattr(model, name)) is dtype for name in given)


@may_stop_early
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_partial_fit_and_initialize_have_pythons_numbers_too(dtype):
    model = Brief(solver="adam", alpha=dtype(1e-4))
    plain = clone(model).set_params(alpha=float(dtype(1e-4)))
    for _ in range(3):
        model.partial_fit(X, y, classes=[0, 1, 2])
        plain.partial_fit(X, y, classes=[0, 1, 2])
    assert_same_fit(model, plain)
    assert model.initialize(X, y).loss_ == plain.initialize(X, y).loss_


@pytest.mark.parametrize("name", set(REAL) - {"dropout"})
def test_a_number_beyond_a_float_is_named(name):
    model = BackpropClassifier(solver="sgd", **{name: 10**400})
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter"):
        model.fit(X, y)


def test_a_number_beyond_a_float_is_no_infinity():
    if np.finfo(np.longdouble).max > np.finfo(float).max:
        with pytest.raises(InvalidParameterError, match="'alpha' parameter"):
            BackpropClassifier(alpha=np.longdouble("1e400")).fit(X, y)


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [2**63, 10**20, 10**400])
def test_a_count_beyond_an_index_is_named(name, value):
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter"):
        BackpropClassifier(solver="sgd", **{name: value}).fit(X, y)


@may_stop_early
@pytest.mark.parametrize("name", ["batch_size", "max_iter", "n_iter_no_change", "max_fun"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.filterwarnings("ignore:batch_size")
def test_the_largest_count_is_valid(name, solver):
    tol = 0.1 if name == "max_iter" else 1e-4
    model = Brief().set_params(solver=solver, tol=tol, **{name: 2**63 - 1})
    assert model.fit(X, y).n_iter_ < 1000


def test_the_names_of_the_parameters_are_those_of_each_class():
    class WithOwn(BackpropClassifier):
        def __init__(self, hidden_layer_sizes=(3,), *, own=7):
            super().__init__(hidden_layer_sizes)
            self.own = own

    names = inspect.signature(BackpropClassifier).parameters
    assert list(BackpropClassifier().get_params()) == sorted(names)
    assert WithOwn().get_params() == {"hidden_layer_sizes": (3,), "own": 7}
    assert clone(WithOwn(own=8)).own == 8


def test_the_signature_is_read_once(monkeypatch):
    before = BackpropClassifier().get_params()
    monkeypatch.setattr(inspect, "signature", pytest.fail)
    names = BackpropClassifier._get_param_names()
    names.clear()  # the list is the caller's
    assert BackpropClassifier().get_params() == before
