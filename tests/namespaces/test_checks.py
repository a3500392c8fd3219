"""scikit-learn's own checks of array API support."""

from unittest import SkipTest

import pytest
from sklearn.utils._array_api import (
    yield_mixed_namespace_input_permutations,
    yield_namespace_device_dtype_combinations,
)
from sklearn.utils.estimator_checks import (
    check_array_api_input,
    check_array_api_mixed_inputs,
    check_array_api_same_namespace,
)

from skbp import BackpropClassifier

SOLVERS = ["lbfgs", "cg", "gd", "sgd", "adam"]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(solver):
    # A line search's path amplifies differences in rounding, so it is short. The others go on
    # until all rows are right, because scikit-learn computes the accuracy in float32.
    max_iter = 100 if solver in ("sgd", "adam") else 4
    return BackpropClassifier((10,), "tanh", solver=solver, max_iter=max_iter, random_state=0)


def check(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except SkipTest as reason:
        pytest.skip(str(reason))


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("library", "device", "dtype"), list(yield_namespace_device_dtype_combinations())
)
def test_arrays_of_one_library(solver, library, device, dtype):
    check(
        check_array_api_input,
        "BackpropClassifier",
        classifier(solver),
        array_namespace=library,
        device_name=device,
        dtype_name=dtype,
        check_values=True,
        check_sample_weight=True,
    )


@pytest.mark.parametrize(
    ("other", "given"), [pair[:2] for pair in yield_mixed_namespace_input_permutations()]
)
def test_arrays_of_two_libraries(other, given):
    check(
        check_array_api_mixed_inputs,
        "BackpropClassifier",
        classifier("lbfgs"),
        other_ns_and_device=other,
        X_ns_and_device=given,
        check_values=True,
        check_sample_weight=True,
    )


@pytest.mark.parametrize("library", ["array_api_strict", "torch"])
def test_another_library_than_in_fit_is_an_error(library):
    name = "BackpropClassifier"
    check(check_array_api_same_namespace, name, classifier("adam"), array_namespace=library)
