"""Examples, labels and weights in any layout of memory: the same model as of plain arrays."""

import numpy as np
import pytest
from fitting import PROBLEMS, Brief, every_solver, may_stop_early
from layouts import laid_out, mapped, other_byte_order, received, sent, unaligned
from numpy.testing import assert_array_equal
from same_fit import assert_same_fit
from scipy.sparse import csr_array, csr_matrix
from sklearn.base import clone

from skbp.engine.compiled import kernels
from skbp.estimator.assembly import problem_of
from skbp.estimator.data import Dataset
from skbp.estimator.path import Fold, scored_path

pytestmark = may_stop_early

LAYOUTS = {
    "unaligned": unaligned,
    "received": received,
    "other_byte_order": other_byte_order,
    "by_columns": np.asfortranarray,
    "from_the_end": lambda a: a[::-1].copy()[::-1],
}
over_layouts = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
over_containers = pytest.mark.parametrize("container", [np.asarray, csr_array, csr_matrix])


def problem(name="multiclass", container=np.asarray, dtype=np.float64):
    """Return X, y and weights; some entries of X are 0, and multilabel y is of floats."""
    X, y = PROBLEMS[name]
    order = np.random.default_rng(1).permutation(len(X))
    X, y = np.where(np.abs(X) < 0.3, 0, X).astype(dtype)[order], y[order]
    weight = np.random.default_rng(0).uniform(0.5, 2, len(X))
    return container(X), y.astype(float) if name == "multilabel" else y, weight


def assert_same_predictions(model, layout, X):
    for rows in (X, X[:1], X[:5]):
        for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
            call = getattr(model, method)
            assert_array_equal(call(laid_out(layout, rows)), call(rows), strict=True)
        assert_array_equal(model.transform(laid_out(layout, rows)), model.transform(rows))


@every_solver
@over_containers
@over_layouts
def test_fits_and_predictions_do_not_depend_on_it(layout, container, solver):
    given = problem(container=container)
    expected = Brief(solver=solver).fit(*given)
    found = Brief(solver=solver).fit(*(laid_out(layout, each) for each in given))
    assert_same_fit(found, expected)
    assert_same_predictions(expected, layout, given[0])


@over_layouts
@pytest.mark.parametrize("name", list(PROBLEMS))
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_nor_with_targets_that_are_the_users_own_array(solver, name, layout):
    given = problem(name)
    expected = Brief(solver=solver, class_weight="balanced" if name == "binary" else None)
    found = Brief(**expected.get_params())
    expected.fit(*given)
    found.fit(*(laid_out(layout, each) for each in given))
    assert_same_fit(found, expected)


@over_layouts
@pytest.mark.parametrize("name", ["multiclass", "multilabel"])
@over_containers
def test_nor_do_validation_sets(container, name, layout):
    X, y, weight = problem(name, container)
    train, test = np.arange(80), np.arange(80, 120)
    given = X[train], y[train], weight[train]
    validation = X[test], y[test], weight[test]
    names = ("X_val", "y_val", "sample_weight_val")

    def fitted(layout):
        model = Brief(solver="adam", early_stopping=True, n_iter_no_change=4)
        changed = (laid_out(layout, each) for each in validation)
        return model.fit(*given, **dict(zip(names, changed, strict=True)))

    assert_same_fit(fitted(layout), fitted(lambda array: array))


@over_layouts
@over_containers
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_nor_do_streams(solver, container, layout):
    X, y, weight = problem(container=container)

    def fitted(layout):
        model = Brief(solver=solver)
        for rows in (slice(0, 60), slice(60, 100), slice(100, 103)):
            given = (laid_out(layout, each) for each in (X[rows], y[rows], weight[rows]))
            X_rows, y_rows, weight_rows = given
            model.partial_fit(X_rows, y_rows, classes=[0, 1, 2], sample_weight=weight_rows)
        return model

    assert_same_fit(fitted(layout), fitted(lambda array: array))


@over_containers
@over_layouts
def test_nor_do_single_precision_and_where_it_is_kept(layout, container):
    given = problem(container=container, dtype=np.float32)
    expected = Brief().fit(*given)
    found = Brief().fit(*(laid_out(layout, each) for each in given))
    is_swapped = layout is other_byte_order
    assert found.coefs_[0].dtype == (np.float64 if is_swapped else np.float32)
    if not is_swapped:
        assert_same_fit(found, expected)
        assert_same_predictions(expected, layout, given[0])


@pytest.mark.parametrize("offset", [0, 8, 13])
def test_maps_of_files_are_read_and_not_written(offset, tmp_path):
    given = problem()
    names = ("X", "y", "weight")
    maps = [mapped(a, tmp_path / n, offset) for a, n in zip(given, names, strict=True)]
    expected = Brief(solver="adam", shuffle=False).fit(*given)
    assert_same_fit(Brief(solver="adam", shuffle=False).fit(*maps), expected)
    assert_same_predictions(expected, lambda a: mapped(a, tmp_path / "rows", offset), given[0])


@pytest.mark.skipif(kernels is None, reason="counts calls of the kernels")
@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_kernels_compute(solver, container, monkeypatch):
    called = set()
    for name in ("epoch", "loss_and_gradient", "outputs"):
        monkeypatch.setattr(kernels, name, noted(called, name))
    X, y, weight = (laid_out(received, each) for each in problem(container=container))
    model = Brief(solver=solver).fit(X, y, weight)
    assert called - {"outputs"} == {"epoch" if solver == "adam" else "loss_and_gradient"}
    if container is np.asarray:  # the kernels have no outputs for a sparse X
        for rows in (X, X[:1]):
            called.clear()
            model.predict_proba(rows)
            assert called == {"outputs"}


def noted(called, name):
    """Return a kernel that adds its name to a set when it is called."""
    kernel = getattr(kernels, name)

    def call(*args):
        called.add(name)
        return kernel(*args)

    return call


# ------------------------------------------------------------------- what a worker is sent


@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_a_model_that_was_sent_continues_and_predicts_as_it_would_have(container):
    given = problem(container=container)
    model = Brief(solver="adam", warm_start=True).fit(*given)
    there = sent(model)
    assert_same_predictions(there, received, given[0])
    assert_array_equal(there.predict_proba(given[0]), model.predict_proba(given[0]))
    for each in (model, there):
        each.partial_fit(*given[:2], sample_weight=given[2])
        each.fit(*given)
    assert_same_fit(there, model)


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_path_of_a_search_is_the_same_where_it_was_sent(solver, container):
    X, y, weight = problem(container=container)
    classifier = Brief(solver=solver).fit(X, y, weight)
    train, test = np.arange(0, 150, 2), np.arange(1, 150, 2)
    whole = problem_of(classifier, classifier.targets_, X, y, weight)
    fold = Fold(classifier, whole, train, test, {"sample_weight": weight[test]})
    here = scored_path(fold, [1.0, 0.1], False, True)
    there = scored_path(sent(fold), [1.0, 0.1], False, True)
    for one, other in zip(here, there, strict=True):
        assert (one.score, one.loss) == (other.score, other.loss)
        assert_array_equal(one.probabilities, other.probabilities)


def test_the_sum_of_many_weights_is_the_same():
    # NumPy adds up what is not aligned in another order, which shows from some ten thousand rows on
    n = 100_000
    weight, Y = np.random.default_rng(0).uniform(0, 3, n), np.zeros((n, 1))
    examples = Dataset(Y, Y[:, 0], Y, weight, weight)
    assert sent(examples).m == examples.m
    model = Brief(solver="gd", max_iter=1, alpha=1e3)
    X, y = weight[:, np.newaxis] - 1, (np.arange(n) % 2)
    expected = clone(model).fit(X, y, weight)
    assert_same_fit(clone(model).fit(*map(received, (X, y, weight))), expected)
