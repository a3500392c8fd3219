"""partial_fit: one pass a call, which continues from the state that the last call left."""

import copy
import inspect
import pickle
import warnings
from contextlib import suppress
from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest
from fitting import (
    FULL_BATCH,
    IRIS,
    PROBLEMS,
    ROUNDED,
    Small,
    assert_same_model,
    every_mini_batch_solver,
    every_problem,
    interrupt_after,
    theta_of,
    weights_of,
)
from lecture import gradient_computation
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.validation import check_is_fitted

from skbp import BackpropClassifier
from skbp.estimator.solver_factory import Setting, make_solver
from skbp.network import Network
from skbp.objective import Objective

X, y = IRIS
ROWS = {"batch_size": 32, "n_iter_no_change": np.inf}
Batched = partial(Small, **ROWS)


def after_calls(model, n_calls, X, y, sample_weight=None):
    for _ in range(n_calls):
        model.partial_fit(X, y, classes_of(y), sample_weight)
    return model


def after_equal_calls(model, n_calls, X, y, sample_weight=None, n_before=0):
    """Call with an alpha that grows as m, which counts all calls: λ/2m stays as in an epoch."""
    alpha = model.alpha
    for number in range(n_before + 1, n_before + n_calls + 1):
        after_calls(model.set_params(alpha=alpha * number), 1, X, y, sample_weight)
    return model.set_params(alpha=alpha)


def classes_of(y):
    return np.unique(y) if np.ndim(y) == 1 else None


def after_epochs(model, n_epochs, *examples):
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        return model.set_params(max_iter=n_epochs).fit(*examples)


# ----------------------------------------------------------------------- which solvers have it


@pytest.mark.parametrize("solver", FULL_BATCH)
def test_the_other_solvers_do_not_have_it(solver):
    model = Small(solver=solver, tol=0.1)
    for classifier in (BackpropClassifier(solver=solver), model.fit(X, y)):
        assert not hasattr(classifier, "partial_fit")
        with pytest.raises(
            AttributeError, match=rf"partial_fit needs .*sgd.*adam.*solver='{solver}'"
        ):
            classifier.partial_fit(X, y)
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")


@every_mini_batch_solver
def test_the_mini_batch_solvers_have_it(solver):
    assert hasattr(BackpropClassifier(solver=solver), "partial_fit")
    assert hasattr(BackpropClassifier().set_params(solver=solver), "partial_fit")


def test_its_signature_is_sgd_classifiers():
    signatures = [inspect.signature(c.partial_fit) for c in (BackpropClassifier, SGDClassifier)]
    names = [[(p.name, p.kind, p.default) for p in s.parameters.values()] for s in signatures]
    assert names[0] == names[1]


# ------------------------------------------------------------------------------------ one pass


@every_mini_batch_solver
@every_problem
@pytest.mark.parametrize("weighted", [False, True])
def test_calls_in_the_given_order_are_the_epochs_of_fit(solver, problem, weighted):
    X, y = PROBLEMS[problem]
    weight = np.linspace(0, 2, len(y)) if weighted else None
    model = Batched(solver=solver, shuffle=False)
    fitted = after_epochs(clone(model), 4, X, y, weight)
    called = after_equal_calls(clone(model), 4, X, y, weight)
    assert_same_model(called, fitted, **ROUNDED)
    assert_allclose(called.loss_curve_, fitted.loss_curve_, **ROUNDED)
    assert (called.n_iter_, called.t_) == (4, 4 * len(y))
    assert_allclose([called.loss_, called.best_loss_], [fitted.loss_, fitted.best_loss_], **ROUNDED)


@every_mini_batch_solver
@every_problem
def test_the_first_shuffled_call_is_an_epoch_of_fit(solver, problem):
    X, y = PROBLEMS[problem]
    fitted = after_epochs(Batched(solver=solver), 1, X, y)
    assert_same_model(after_calls(Batched(solver=solver), 1, X, y), fitted)


@every_mini_batch_solver
@every_problem
def test_each_call_shuffles_the_rows_again(solver, problem):
    X, y = PROBLEMS[problem]
    shuffled = after_calls(Batched(solver=solver), 4, X, y)

    in_order, generator = Batched(solver=solver, shuffle=False), np.random.RandomState(0)
    sizes = (X.shape[1], 5, np.reshape(shuffled.intercepts_[-1], (1, -1)).shape[1])
    Network(sizes).initialize(generator)
    orders = []
    for _ in range(4):
        orders.append(np.arange(len(y)))
        generator.shuffle(orders[-1])
        in_order.partial_fit(X[orders[-1]], y[orders[-1]], classes_of(y))
    assert_same_model(shuffled, in_order)
    assert not np.array_equal(orders[0], orders[1])


@every_mini_batch_solver
@pytest.mark.parametrize("shuffle", [False, True])
def test_calls_are_reproducible(solver, shuffle):
    models = [after_calls(Batched(solver=solver, shuffle=shuffle), 3, X, y) for _ in range(2)]
    assert_same_model(*models)


def steps(rule, eta, **parameters):
    """Return a function from a gradient to the step, with the formulas of the rule."""
    m, v, t = 0.0, 0.0, 0

    def momentum(D):
        nonlocal v
        v = parameters["momentum"] * v - eta * D
        return v

    def adam(D):
        nonlocal m, v, t
        t += 1
        m, v = 0.9 * m + 0.1 * D, 0.999 * v + 0.001 * D**2
        return -eta * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8)

    if rule in ("sgd", "adam"):
        return momentum if rule == "sgd" else adam
    made = make_solver(Setting(BackpropClassifier(solver=rule).get_params(), 1)).rule
    state = made.init(np.zeros(Network((4, 5, 3)).n_parameters))
    return lambda D: made.update(D, state, eta)


@every_mini_batch_solver
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_rows_are_taken_one_after_the_other_as_in_the_lecture(solver, momentum):
    rng = np.random.default_rng(0)
    calls = [(X[rows], y[rows]) for rows in rng.integers(0, 150, (2, 25))]
    model = BackpropClassifier(
        (5,),
        "logistic",
        solver=solver,
        batch_size=1,
        shuffle=False,
        alpha=2.0,
        momentum=momentum,
        nesterovs_momentum=False,
        learning_rate_init=0.05,
        random_state=0,
    )
    network = Network((4, 5, 3))
    theta, step = network.initialize(0), steps(solver, 0.05, momentum=momentum)
    for m, (X_call, y_call) in zip((25, 50), calls, strict=True):
        model.partial_fit(X_call, y_call, [0, 1, 2])
        for x, label in zip(X_call, y_call, strict=True):
            # λ/m, where m is the number of rows of all calls so far
            Thetas, Y = network.unpack(theta), np.eye(3)[[label]]
            _, Ds = gradient_computation(
                Thetas, x[np.newaxis], Y, "logistic", "logistic", "log_loss", lambda_=2.0 / m
            )
            theta = theta + step(network.pack(Ds))
        assert_allclose(theta_of(model, network), theta, rtol=1e-10, atol=1e-12)


# --------------------------------------------------------------------- the state between calls


COPIES = {
    "pickle": lambda model, _: pickle.loads(pickle.dumps(model)),
    "joblib": lambda model, path: joblib.load(joblib.dump(model, path / "model.joblib")[0]),
    "deepcopy": lambda model, _: copy.deepcopy(model),
}


@every_mini_batch_solver
@pytest.mark.parametrize(
    ("how", "learning_rate"),
    [
        ("pickle", "constant"),
        ("pickle", "adaptive"),
        ("joblib", "invscaling"),
        ("deepcopy", "cosine"),
    ],
)
def test_the_optimisers_state_survives_pickling(solver, how, learning_rate, tmp_path):
    settings = {"learning_rate": learning_rate, "max_iter": 6, "n_iter_no_change": 2, "tol": 0.05}
    model = Batched(solver=solver, **settings)
    undisturbed = after_calls(clone(model), 6, X, y)
    half_way = after_calls(clone(model), 3, X, y)
    resumed = after_calls(COPIES[how](half_way, tmp_path), 3, X, y)
    assert_same_model(resumed, undisturbed)
    assert resumed.loss_curve_ == undisturbed.loss_curve_
    assert half_way.n_iter_ == 3


@every_mini_batch_solver
def test_a_call_on_a_copy_leaves_the_original_as_it_was(solver):
    model = after_calls(Batched(solver=solver), 2, X, y)
    twin = copy.copy(model)
    after_calls(twin, 3, X, y)
    assert_same_model(after_calls(model, 3, X, y), twin)


@every_mini_batch_solver
def test_without_the_state_the_model_would_be_another(solver):
    model = after_calls(Batched(solver=solver, shuffle=False), 2, X, y)
    stateless = Batched(solver=solver, shuffle=False, warm_start=True)
    stateless.initialize(X, y)
    stateless.coefs_, stateless.intercepts_ = model.coefs_, model.intercepts_
    both = [weights_of(after_calls(each, 1, X, y)) for each in (model, stateless)]
    assert np.abs(both[0] - both[1]).max() > 1e-4


@every_mini_batch_solver
@every_problem
def test_it_continues_after_fit(solver, problem):
    X, y = PROBLEMS[problem]
    model = Batched(solver=solver, shuffle=False)
    continued = after_equal_calls(after_epochs(clone(model), 2, X, y), 2, X, y, n_before=1)
    at_once = after_epochs(clone(model), 4, X, y)
    assert_same_model(continued, at_once, **ROUNDED)
    assert_allclose(continued.loss_curve_, at_once.loss_curve_, **ROUNDED)
    assert (continued.n_iter_, continued.t_) == (at_once.n_iter_, at_once.t_)


@every_mini_batch_solver
def test_it_continues_after_early_stopping(solver):
    model = Small(solver=solver, momentum=0.0, early_stopping=True, n_iter_no_change=3, tol=0.01)
    n_iter, curve = model.fit(X, y).n_iter_, model.loss_curve_
    best = weights_of(model)
    model.set_params(early_stopping=False, learning_rate_init=1e-12).partial_fit(X, y)
    assert_allclose(weights_of(model), best, rtol=0, atol=1e-10)
    assert model.n_iter_ == len(model.loss_curve_) == n_iter + 1
    assert model.loss_curve_[:-1] == curve
    assert model.validation_scores_ is model.best_iter_ is None


@every_mini_batch_solver
def test_after_ctrl_c_the_averages_of_half_an_epoch_are_forgotten(solver, monkeypatch):
    model = Batched(solver=solver, shuffle=False)
    with monkeypatch.context() as patch:
        interrupt_after(patch, n_gradients=12)
        with pytest.warns(UserWarning, match="interrupted"):
            model.fit(X, y)
    assert model.n_iter_ == 2
    start = {"coefs_init": model.coefs_, "intercepts_init": model.intercepts_}
    expected = clone(model).set_params(max_iter=1)
    with pytest.warns(ConvergenceWarning):
        expected.fit(X, y, **start)
    assert_same_model(after_equal_calls(model, 1, X, y, n_before=1), expected, **ROUNDED)
    assert model.n_iter_ == len(model.loss_curve_) == 3


@every_mini_batch_solver
@pytest.mark.parametrize("before", ["gd", "sgd", "adam", "lbfgs"])
def test_the_solver_may_change(solver, before):
    model = Batched(solver=before, shuffle=False, learning_rate_init=0.01)
    after_epochs(model, 4, X, y)
    if before == solver:
        expected = after_epochs(clone(model), 5, X, y)
    else:
        # the averages of one rule are of no use to another
        start = {"coefs_init": model.coefs_, "intercepts_init": model.intercepts_}
        expected = clone(model).set_params(solver=solver, max_iter=1)
        with pytest.warns(ConvergenceWarning):
            expected.fit(X, y, **start)
    after_equal_calls(model.set_params(solver=solver), 1, X, y, n_before=1)
    assert_same_model(model, expected, **ROUNDED)
    assert model.n_iter_ == len(model.loss_curve_) == 5


@every_mini_batch_solver
def test_it_continues_after_initialize(solver):
    initialized = Batched(solver=solver).initialize(X, y)
    called = after_calls(Batched(solver=solver), 3, X, y)
    assert_same_model(after_calls(initialized, 3, X, y), called)


@every_mini_batch_solver
@pytest.mark.parametrize("warm_start", [False, True])
def test_warm_start_makes_no_difference(solver, warm_start):
    model = Batched(solver=solver)
    called = after_calls(clone(model), 3, X, y)
    model.set_params(warm_start=warm_start)
    assert_same_model(after_calls(model, 3, X, y), called)


@every_mini_batch_solver
def test_a_later_fit_starts_from_new_weights(solver):
    model = after_calls(Batched(solver=solver), 3, X, y)
    expected = after_epochs(Batched(solver=solver), 5, X, y)
    assert_same_model(after_epochs(model, 5, X, y), expected)
    assert model.n_iter_ == 5


@every_mini_batch_solver
def test_calls_are_not_limited_by_patience_or_max_iter(solver):
    model = Batched(solver=solver, max_iter=2, n_iter_no_change=1, tol=10.0)
    assert after_calls(model, 6, X, y).n_iter_ == 6


# ------------------------------------------------------------------- learning rates over calls


@every_mini_batch_solver
@pytest.mark.parametrize(
    "schedule",
    [
        {"learning_rate": "constant"},
        {"learning_rate": "invscaling", "power_t": 0.3},
        {"learning_rate": "cosine", "max_iter": 5},
        {"learning_rate": "one_cycle", "max_iter": 5},
    ],
    ids=lambda schedule: schedule["learning_rate"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_learning_rate_schedules_continue_from_call_to_call(solver, schedule):
    model = Small(**{"solver": solver, "shuffle": False, "max_iter": 5, **ROWS, **schedule})
    fitted, called = clone(model).fit(X, y), after_equal_calls(clone(model), 5, X, y)
    assert fitted.n_iter_ == 5
    assert_same_model(called, fitted, **ROUNDED)
    if schedule["learning_rate"] != "constant":
        constant = clone(model).set_params(learning_rate="constant", n_iter_no_change=np.inf)
        assert not np.array_equal(weights_of(constant.fit(X, y)), weights_of(fitted))


@every_mini_batch_solver
def test_an_adaptive_rate_falls_with_each_call_that_improves_too_little(solver):
    settings = {"solver": solver, "shuffle": False, "batch_size": 10, "n_iter_no_change": 1}
    adaptive = Small(**settings, learning_rate="adaptive", learning_rate_init=0.01, tol=10.0)
    given = Small(**settings)
    for eta in (0.01, 0.01, 0.01 / 5, 0.01 / 25, 0.01 / 125):
        adaptive.partial_fit(X, y, [0, 1, 2])
        given.set_params(learning_rate_init=eta).partial_fit(X, y, [0, 1, 2])
    assert_same_model(adaptive, given, rtol=1e-9)


@pytest.mark.parametrize(("learning_rate", "last"), [("cosine", 0.0955), ("one_cycle", 4e-6)])
def test_a_planned_learning_rate_stays_at_its_end(learning_rate, last):
    model = Small(
        solver="sgd",
        momentum=0.0,
        batch_size=150,
        shuffle=False,
        learning_rate=learning_rate,
        learning_rate_init=1.0,
        max_iter=5,
    )
    after_calls(model, 7, X, y)
    network = Network((4, 5, 3))
    theta = theta_of(model, network)
    # m in λ/2m counts the rows of all 8 calls
    _, D = Objective(network, X, LabelBinarizer().fit_transform(y), alpha=0.5 / 8)(theta)
    moved = theta_of(model.partial_fit(X, y), network)
    assert_allclose(moved, theta - last * D, rtol=1e-3 * last, atol=1e-5 * last)


def test_the_learning_rate_may_be_changed_between_calls():
    model = Small(solver="sgd", momentum=0.0, batch_size=150, shuffle=False)
    network = Network((4, 5, 3))
    model.initialize(X, y)
    for n_calls, eta in enumerate((0.5, 0.02, 0.3), start=1):
        cost = Objective(network, X, LabelBinarizer().fit_transform(y), alpha=0.5 / n_calls)
        theta = theta_of(model, network)
        model.set_params(learning_rate_init=eta).partial_fit(X, y)
        assert_allclose(theta_of(model, network), theta - eta * cost(theta)[1], rtol=1e-12)


# ------------------------------------------------------------------------------------- classes


@every_mini_batch_solver
def test_a_call_need_not_have_all_classes(solver):
    model = Batched(solver=solver)
    for label in (2, 0, 1):
        model.partial_fit(X[y == label], y[y == label], classes=[2, 0, 1])
        assert_array_equal(model.classes_, [0, 1, 2])
        assert model.predict_proba(X).shape == (150, 3)


@every_mini_batch_solver
@pytest.mark.parametrize("names", [np.array(list("abc")), np.array([-5, 2, 9]), [0.0, 1.0, 2.0]])
def test_classes_may_have_any_names(solver, names):
    names = np.asarray(names)
    numbered = after_calls(Batched(solver=solver), 3, X, y)
    named = Batched(solver=solver).partial_fit(X, names[y], classes=names[::-1])
    named.partial_fit(X, names[y]).partial_fit(X, names[y], classes=list(names))
    assert_same_model(named, numbered)
    assert_array_equal(named.predict(X), names[numbered.predict(X)])


@every_mini_batch_solver
def test_classes_may_be_given_again_in_any_order(solver):
    model = Batched(solver=solver).partial_fit(X, y, [2, 1, 0])
    assert_same_model(
        model.partial_fit(X, y, [1, 0, 2, 2]), after_calls(Batched(solver=solver), 2, X, y)
    )


@every_mini_batch_solver
def test_after_fit_no_classes_are_needed(solver):
    model = after_epochs(Batched(solver=solver), 2, X, y)
    assert model.partial_fit(X[:50], y[:50]).n_iter_ == 3


@every_mini_batch_solver
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_multilabel_y_needs_no_classes(solver, container):
    X, Y = PROBLEMS["multilabel"]
    model = Batched(solver=solver).partial_fit(X[:60], container(Y[:60]))
    model.partial_fit(X[60:], container(Y[60:]))
    assert model.predict(X).shape == Y.shape
    assert_array_equal(model.classes_, range(4))


@every_mini_batch_solver
def test_two_of_three_known_classes_make_three_outputs(solver):
    model = Batched(solver=solver).partial_fit(X[:100], y[:100], classes=[0, 1, 2])
    assert model.n_outputs_ == 3
    assert model.partial_fit(X, y).n_outputs_ == 3


# ------------------------------------------------------------------------------- kinds of data


@every_mini_batch_solver
@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array])
def test_sparse_is_fitted_as_dense(solver, container):
    X_positive = np.maximum(X, 0)
    dense = after_calls(Batched(solver=solver), 3, X_positive, y)
    model = after_calls(Batched(solver=solver), 3, container(X_positive), y)
    assert_same_model(model, dense, rtol=1e-9, atol=1e-12)


@every_mini_batch_solver
def test_float32_is_computed_in_float32(solver):
    model = after_calls(Batched(solver=solver), 3, X.astype(np.float32), y)
    assert {w.dtype for w in [*model.coefs_, *model.intercepts_]} == {np.dtype(np.float32)}
    reference = after_calls(Batched(solver=solver), 3, X, y)
    assert_same_model(model, reference, rtol=1e-3, atol=1e-4)


@every_mini_batch_solver
def test_names_of_features_are_kept(solver):
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = after_calls(Batched(solver=solver), 2, frame, pd.Series(y))
    assert_same_model(model, after_calls(Batched(solver=solver), 2, X, y))
    assert_array_equal(model.feature_names_in_, list("abcd"))


@every_mini_batch_solver
def test_it_learns_from_a_stream(solver):
    rng = np.random.default_rng(0)
    rate = {"sgd": 0.05, "adam": 0.05}.get(solver, "auto")
    model = Small(solver=solver, batch_size=10, alpha=0.01, learning_rate_init=rate)
    for _ in range(150):
        rows = rng.integers(0, 150, 30)
        model.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
    assert model.score(X, y) > 0.94
    assert model.n_iter_ == 150


# -------------------------------------------------------------------------- weights that are 0


@every_mini_batch_solver
@pytest.mark.parametrize("learning_rate", ["constant", "cosine"])
def test_a_call_whose_class_weights_are_all_0_changes_no_weight(solver, learning_rate):
    model = Batched(solver=solver, class_weight={0: 0.0, 1: 1.0, 2: 2.0})
    model.set_params(learning_rate=learning_rate)
    twin = clone(model)
    for rows in (y >= 0, y == 0, y >= 0):
        model.partial_fit(X[rows], y[rows], [0, 1, 2])
        if rows.all():
            twin.partial_fit(X, y, [0, 1, 2])
        assert_same_model(model, twin)
        assert model.loss_ == twin.loss_
        assert model.n_iter_ == len(model.loss_curve_) == twin.n_iter_


@every_mini_batch_solver
def test_the_class_weights_of_the_first_call_may_all_be_0(solver):
    model = Batched(solver=solver, class_weight={0: 0.0, 1: 1.0, 2: 2.0})
    twin = clone(model)
    model.partial_fit(X[:50], y[:50], [0, 1, 2])
    assert model.predict(X).shape == (150,)
    assert (model.n_iter_, model.t_) == (0, 0)
    assert_same_model(model.partial_fit(X, y), twin.partial_fit(X, y, [0, 1, 2]))


@every_mini_batch_solver
def test_sample_weights_of_0_only_are_an_error(solver):
    with pytest.raises(ValueError, match="at least one non-zero"):
        Batched(solver=solver).partial_fit(X, y, [0, 1, 2], np.zeros(150))


# --------------------------------------------------------------------------- a call that fails


def interrupted(model, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_after(patch, n_gradients=2)
        model.partial_fit(X, y, [0, 1, 2])


def diverging(model, _):
    before = model.get_params()
    model.set_params(learning_rate_init=1e250)
    try:
        model.partial_fit(X, y, [0, 1, 2])
    finally:
        model.set_params(**before)


def with_parameter(**changed):
    def call(model, _):
        before = model.get_params()
        try:
            model.set_params(**changed).partial_fit(X, y, [0, 1, 2])
        finally:
            model.set_params(**before)

    return call


def with_examples(*examples):
    return lambda model, _: model.partial_fit(*examples)


FAILURES = {
    "NaN": (with_examples(np.where(X > 1, np.nan, X), y, [0, 1, 2]), ValueError),
    "an unknown class": (with_examples(X, y + 1, [0, 1, 2]), ValueError),
    "negative weights": (with_examples(X, y, [0, 1, 2], -np.ones(150)), ValueError),
    "rows": (with_examples(X, y[:-1], [0, 1, 2]), ValueError),
    "no y": (with_examples(X, None, [0, 1, 2]), ValueError),
    "one class": (with_examples(X, y, [0]), ValueError),
    "alpha": (with_parameter(alpha=-1), ValueError),
    "nesterovs_momentum": (with_parameter(nesterovs_momentum="yes"), ValueError),
    "no such layers": (with_parameter(hidden_layer_sizes=(0,)), ValueError),
    "an activation too many": (with_parameter(activation=["tanh", "relu"]), ValueError),
    "balanced": (with_parameter(class_weight="balanced"), ValueError),
    "early stopping": (with_parameter(early_stopping=True), ValueError),
    "divergence": (diverging, ValueError),
    "Ctrl-C": (interrupted, KeyboardInterrupt),
}
every_failure = pytest.mark.parametrize(
    ("fail", "kind"), list(FAILURES.values()), ids=list(FAILURES)
)


@every_mini_batch_solver
@every_failure
def test_a_failing_call_leaves_the_model_and_the_state_unchanged(solver, fail, kind, monkeypatch):
    model, twin = (after_calls(Batched(solver=solver), 2, X, y) for _ in range(2))
    attributes = vars(model).copy()
    with pytest.raises(kind):
        fail(model, monkeypatch)
    assert vars(model) == attributes
    assert_same_model(model, twin)
    assert_same_model(after_calls(model, 2, X, y), after_calls(twin, 2, X, y))


@every_mini_batch_solver
@every_failure
def test_a_failing_first_call_leaves_the_estimator_unfitted(solver, fail, kind, monkeypatch):
    model = Batched(solver=solver)
    before = vars(model).copy()
    with pytest.raises(kind):
        fail(model, monkeypatch)
    assert vars(model) == before
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


# the same calls fail in scikit-learn's own incremental classifier
CALLS_THAT_FAIL = {
    "no classes": (lambda c: c.partial_fit(X, y), "classes must be passed on the first call"),
    "other classes": (
        lambda c: c.partial_fit(X, y, [0, 1, 2]).partial_fit(X, y, [0, 1, 3]),
        "is not the same as",
    ),
    "more classes": (
        lambda c: c.partial_fit(X[:100], y[:100], [0, 1]).partial_fit(X, y, [0, 1, 2]),
        "is not the same as",
    ),
    "an unknown class": (lambda c: c.partial_fit(X, y, [0, 1]), "class"),
    "an unknown class later": (
        lambda c: c.partial_fit(X[:100], y[:100], [0, 1]).partial_fit(X, y),
        "class",
    ),
    "features": (
        lambda c: c.partial_fit(X, y, [0, 1, 2]).partial_fit(X[:, :3], y),
        "X has 3 features, but",
    ),
    "early features": (
        lambda c: c.partial_fit(pd.DataFrame(X, columns=list("abcd")), y, [0, 1, 2]).partial_fit(
            pd.DataFrame(X, columns=list("abce")), y
        ),
        "The feature names should match those that were passed during fit",
    ),
    "balanced": (
        lambda c: c.set_params(class_weight="balanced").partial_fit(X, y, [0, 1, 2]),
        "class_weight",
    ),
    "NaN": (
        lambda c: c.partial_fit(np.where(X > 1, np.nan, X), y, [0, 1, 2]),
        "Input X contains NaN",
    ),
    "rows": (lambda c: c.partial_fit(X[:-1], y, [0, 1, 2]), "inconsistent numbers of samples"),
    "one class": (lambda c: c.partial_fit(X[:50], y[:50], [0]), "class"),
    "continuous labels": (lambda c: c.partial_fit(X, X[:, 0], [0, 1]), "."),
}


@pytest.mark.parametrize("classifier", [Small(solver="sgd"), Small(solver="adam"), SGDClassifier()])
@pytest.mark.parametrize(
    ("call", "text"), list(CALLS_THAT_FAIL.values()), ids=list(CALLS_THAT_FAIL)
)
def test_errors_are_those_of_sgd_classifier(classifier, call, text):
    with pytest.raises(ValueError, match=text):
        call(clone(classifier))


@every_mini_batch_solver
@pytest.mark.parametrize("sizes", [(6,), (5, 5), ()])
def test_other_hidden_layers_are_an_error(solver, sizes):
    model = after_calls(Batched(solver=solver), 2, X, y)
    with pytest.raises(ValueError, match=r"hidden_layer_sizes=.* cannot continue"):
        model.set_params(hidden_layer_sizes=sizes).partial_fit(X, y)
    assert_same_model(model, after_calls(Batched(solver=solver), 2, X, y))


@every_mini_batch_solver
@pytest.mark.parametrize(
    ("first", "then", "message"),
    [
        (IRIS, PROBLEMS["multilabel"], "one label a row|features"),
        ((X[:120], PROBLEMS["multilabel"][1]), (X, y), "4 columns of labels"),
        ((X[:120], PROBLEMS["multilabel"][1]), (X, np.eye(3, dtype=int)[y]), "4 columns of labels"),
    ],
)
def test_another_kind_of_labels_is_an_error(solver, first, then, message):
    model = after_calls(Batched(solver=solver), 1, *first)
    with pytest.raises(ValueError, match=message):
        model.partial_fit(*then)


def test_early_stopping_is_refused_as_in_mlp_classifier():
    for classifier in (BackpropClassifier, MLPClassifier):
        model = classifier(solver="adam", early_stopping=True)
        with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
            model.partial_fit(X, y, classes=[0, 1, 2])


@every_mini_batch_solver
def test_a_first_call_that_failed_can_be_repeated(solver):
    model = Batched(solver=solver)
    with suppress(ValueError):
        model.partial_fit(X, y)
    assert_same_model(
        model.partial_fit(X, y, [0, 1, 2]), after_calls(Batched(solver=solver), 1, X, y)
    )


@every_mini_batch_solver
def test_many_classes_do_not_cause_a_warning(solver):
    rng = np.random.default_rng(0)
    many = rng.normal(size=(52, 4)), np.repeat(np.arange(26), 2)
    model = Small(solver=solver).partial_fit(*many, classes=np.arange(26))
    assert_array_equal(model.classes_, np.arange(26))


# ----------------------------------------------------------------------- its precision


@every_mini_batch_solver
@pytest.mark.parametrize("dtypes", [(np.float64, np.float32), (np.float32, np.float64)], ids=str)
def test_the_model_stays_in_the_precision_of_its_first_data(solver, dtypes):
    first, other = dtypes
    model, converted = Batched(solver=solver), Batched(solver=solver)
    for dtype in (first, other, first, other):
        model.partial_fit(X.astype(dtype), y, classes=[0, 1, 2])
        converted.partial_fit(X.astype(dtype).astype(first), y, classes=[0, 1, 2])
        assert {w.dtype for w in weights_of(model)} == {np.dtype(first)}
    assert_same_model(model, converted)


@pytest.mark.parametrize("method", ["fit", "initialize"])
def test_that_is_the_precision_of_fit_and_initialize_too(method):
    model = Batched(solver="adam", max_iter=1)
    with warnings.catch_warnings(action="ignore"):
        getattr(model, method)(X, y)
    model.partial_fit(X.astype(np.float32), y)
    assert {w.dtype for w in weights_of(model)} == {np.dtype(float)}


def test_examples_that_the_models_precision_cannot_hold_are_an_error():
    model = Batched(solver="adam").partial_fit(X.astype(np.float32), y, classes=[0, 1, 2])
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="infinity"):
        model.partial_fit(X * 1e300, y)


# ------------------------------------------------------------------------ the warning of batches


@every_mini_batch_solver
def test_only_the_first_call_warns_of_a_large_batch(solver):
    model = Small(solver=solver, batch_size=100)
    with pytest.warns(UserWarning, match="batch_size=100 is larger"):
        model.partial_fit(X[::2], y[::2], classes=[0, 1, 2])
    # warnings are errors here
    pickle.loads(pickle.dumps(model)).partial_fit(X[::2], y[::2])
    model.partial_fit(X[::4], y[::4])
    model.partial_fit(X, y).partial_fit(X[::2], y[::2])


@every_mini_batch_solver
def test_a_model_without_an_iteration_still_warns_of_a_large_batch(solver):
    model = Small(solver=solver, batch_size=100).initialize(X, y)
    with pytest.warns(UserWarning, match="batch_size=100 is larger"):
        model.partial_fit(X[::2], y[::2])
    again = clone(model)
    with pytest.warns(UserWarning, match="batch_size=100 is larger"):
        again.partial_fit(X[::2], y[::2], classes=[0, 1, 2])


@every_mini_batch_solver
def test_a_smaller_part_after_larger_ones_does_not_warn(solver):
    model = Small(solver=solver, batch_size=100).partial_fit(X, y, classes=[0, 1, 2])
    model.partial_fit(X[:7], y[:7])


@every_mini_batch_solver
def test_a_rate_that_was_found_is_not_another_solvers_nor_stronger_than_a_given_one(solver):
    start = BackpropClassifier((5,), solver="gd", random_state=0, max_iter=5)
    with pytest.warns(ConvergenceWarning):
        start.fit(X, y)
    before, state = weights_of(start), start._state
    assert state.training.progress.rate is not None
    start.set_params(solver=solver, learning_rate_init=1e-300).partial_fit(X, y)
    assert_allclose(weights_of(start), before, rtol=1e-12)
    start.set_params(learning_rate_init="auto").partial_fit(X, y)
    assert start._state.training.progress.rate is None


@every_mini_batch_solver
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_weights_that_are_changed_in_place_count_as_new_arrays(solver, kind):
    changed, replaced = (after_calls(Batched(solver=solver), 2, kind(X), y) for _ in range(2))
    changed.coefs_[0] *= 0.5
    changed.intercepts_[1][:] = 0
    replaced.coefs_ = [0.5 * replaced.coefs_[0], replaced.coefs_[1].copy()]
    replaced.intercepts_ = [replaced.intercepts_[0], np.zeros(3)]
    for model in changed, replaced:
        after_calls(model, 1, kind(X), y)
    assert_same_model(changed, replaced)


@every_mini_batch_solver
def test_a_call_leaves_the_arrays_of_the_last_one_alone(solver):
    model = after_calls(Batched(solver=solver), 1, X, y)
    before, copies = model.coefs_[0], model.coefs_[0].copy()
    after_calls(model, 1, X, y)
    assert_array_equal(before, copies)
