"""skbp.estimator.assembly: from a classifier and its data to a training, and to its attributes.

Also tests what holds for `fit`, `partial_fit` and `initialize` alike: the attributes that they
set, the warnings, the random state, and that a call that fails changes nothing.
"""

import copy
import inspect
import pickle
import re
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from fitting import (
    IRIS,
    PROBLEMS,
    Brief,
    Small,
    assert_same_model,
    every_mini_batch_solver,
    every_problem,
    every_solver,
    interrupt_after,
    may_stop_early,
    theta_of,
    weights_of,
)
from numpy.testing import assert_allclose, assert_array_equal
from same_fit import assert_same_fit
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skbp import BackpropClassifier
from skbp.estimator import assembly
from skbp.estimator.targets import (
    BinaryTargets,
    MulticlassTargets,
    MultilabelTargets,
    targets_for,
)
from skbp.network import Network
from skbp.objective import Objective

X, y = IRIS
LAYERS = Network((4, 5, 3))
CLASSES = [0, 1, 2]


def error(text):
    return pytest.raises(ValueError, match=re.escape(text))


def problem_of(model, X=X, y=y, sample_weight=None, known=None):
    return assembly.assemble(model, X, y, sample_weight, known)


# --------------------------------------------------------------------------------- the problem


@pytest.mark.parametrize(
    ("problem", "kind", "sizes", "output_activation"),
    [
        ("binary", BinaryTargets, (4, 7, 5, 1), "logistic"),
        ("multiclass", MulticlassTargets, (4, 7, 5, 3), "softmax"),
        ("multilabel", MultilabelTargets, (6, 7, 5, 4), "logistic"),
    ],
)
def test_the_network_and_the_targets_fit_the_data(problem, kind, sizes, output_activation):
    model = Small(hidden_layer_sizes=(7, 5), activation=["tanh", "relu"])
    model.set_params(output_activation="softmax")
    X, y = PROBLEMS[problem]
    made = problem_of(model, X, y)
    assert type(made.targets) is kind
    assert made.network.layer_sizes == sizes
    assert [g.name for g in made.network.g] == ["tanh", "relu"]
    assert made.network.h.name == output_activation
    assert_array_equal(made.examples.Y, targets_for(y).encode(y, float))
    assert made.examples.weight is made.class_weights is made.validation is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_arrays_have_the_dtype_of_x(dtype):
    model, weight = Small(class_weight={0: 2.0}, label_smoothing=0.1), np.linspace(1, 2, 150)
    problem = problem_of(model, X.astype(dtype), y, weight)
    problem = assembly.with_given_set(model, problem, X, y, weight)
    state = assembly.new_state(model)
    arrays = [
        *(getattr(each, name) for each in (problem.examples, problem.validation) for name in "XY"),
        *(each.weight for each in (problem.examples, problem.validation)),
        *(each.sample_weight for each in (problem.examples, problem.validation)),
        assembly.new_weights(problem, state),
        assembly.training_set(problem).Y,
        *assembly.network_attributes(problem, LAYERS.initialize(0))["coefs_"],
    ]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_examples_have_their_weight_times_that_of_their_class():
    model = Small(class_weight={0: 2.0, 1: 0.0, 2: 0.5})
    weight = np.linspace(1, 2, 150)
    problem = problem_of(model, sample_weight=weight)
    assert_allclose(problem.examples.weight, weight * np.array([2.0, 0.0, 0.5])[y])
    assert_array_equal(problem.examples.sample_weight, weight)


def test_a_validation_set_has_the_class_weights_of_the_training_set():
    model = Small(class_weight="balanced", validation_fraction=0.2)
    rows = np.r_[0:50, 50:60, 100:105]
    problem = problem_of(model, X[rows], y[rows])
    drawn = assembly.with_held_out_set(problem, assembly.new_state(model))
    passed = assembly.with_given_set(model, problem, X, y, None)
    of_classes = 65 / 3 / np.array([50, 10, 5])
    for examples in (problem.examples, drawn.validation, drawn.examples, passed.validation):
        assert_allclose(examples.weight, of_classes[examples.y])
    assert len(drawn.validation.y) + len(drawn.examples.y) == 65


def test_rows_are_held_out_once():
    model = Small(validation_fraction=0.2)
    problem, state = problem_of(model), assembly.new_state(model)
    first, again = (assembly.with_held_out_set(problem, state) for _ in range(2))
    assert len(state.held_out) == len(first.validation.y) == 30
    assert_array_equal(first.validation.X, X[state.held_out])
    assert_array_equal(first.examples.X, np.delete(X, state.held_out, axis=0))
    assert_array_equal(again.validation.X, first.validation.X)
    assert problem.validation is None


def test_known_targets_are_kept():
    model = Small().initialize(X, y)
    problem = problem_of(model, X[:100], y[:100], known=model.targets_)
    assert problem.targets is model.targets_
    assert problem.network.layer_sizes == (4, 5, 3)
    with error("X has 3 features, but BackpropClassifier is expecting 4"):
        problem_of(model, X[:, :3], y, known=model.targets_)


def test_new_targets_may_come_with_other_features():
    model = Small().initialize(X, y)
    assert problem_of(model, X[:, :3], y).network.layer_sizes == (3, 5, 3)


@every_problem
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_the_objective_is_that_of_smoothed_targets_and_weights(problem, loss):
    X, y = PROBLEMS[problem]
    weight = np.linspace(0, 2, len(y))
    model = Small(loss=loss, label_smoothing=0.2, alpha=3.0, dropout=0.5)
    made = problem_of(model, X, y, weight)
    theta = assembly.new_weights(made, assembly.new_state(model))
    Y = made.targets.smooth(made.examples.Y, 0.2)
    expected = Objective(made.network, X, Y, loss, alpha=3.0, sample_weight=weight)
    J, D = assembly.objective_of(made)(theta)
    assert expected(theta)[0] == J
    assert_array_equal(D, expected(theta)[1])


@may_stop_early
def test_other_models_are_refused_as_a_start():
    model = Small(max_iter=2).fit(X, y)
    problem = problem_of(Small(hidden_layer_sizes=(5, 5)))
    with error("cannot continue the fitted model, whose hidden layers have (5,) units"):
        assembly.fitted_weights(model, problem)
    theta = assembly.fitted_weights(model, problem_of(model))
    assert_array_equal(theta, theta_of(model, LAYERS))


def test_there_is_no_validation_without_a_set():
    assert assembly.validation_of(Small(scoring="accuracy"), problem_of(Small())) is None


# --------------------------------------------------------------------------- fitted attributes

TRAINED_BY = {
    "fit": lambda model: model.fit(X, y),
    "fit with early stopping": lambda model: model.set_params(early_stopping=True).fit(X, y),
    "partial_fit": lambda model: model.partial_fit(X, y, CLASSES),
    "initialize": lambda model: model.initialize(X, y),
}
however_trained = pytest.mark.parametrize("train", TRAINED_BY.values(), ids=TRAINED_BY)


@however_trained
@every_mini_batch_solver
@may_stop_early
def test_the_network_and_the_targets_are_published(train, solver):
    model = train(Brief(solver=solver, dropout=0.5, activation="tanh"))
    for each in (model, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        network, targets = each.network_, each.targets_
        assert network.layer_sizes == (4, 5, 3)
        assert [g.name for g in network.g] == ["tanh"]
        assert not network.is_random  # dropout is for training only
        _, z = network.forward(theta_of(model, network), X)
        assert_allclose(z, model.decision_function(X), rtol=1e-12, atol=1e-14)
        assert type(targets) is MulticlassTargets
        assert_array_equal(targets.decode(z), model.predict(X))
        assert_array_equal(each.predict_proba(X), model.predict_proba(X))


@however_trained
@may_stop_early
def test_clone_drops_all_fitted_attributes(train):
    model = train(Brief(solver="adam"))
    assert {"network_", "targets_"} < set(vars(model))
    assert set(vars(clone(model))) == set(vars(Brief()))


@however_trained
@may_stop_early
def test_the_fitted_attributes_are_those_of_the_documentation(train):
    model = train(Brief(solver="adam"))
    _, _, text = inspect.getdoc(BackpropClassifier).partition("\nAttributes\n")
    documented = set(re.findall(r"^(\w+_) : ", text, flags=re.MULTILINE))
    public = {name for name in vars(model) if re.fullmatch("[^_].*_", name)}
    assert public == documented - {"feature_names_in_"}


@every_solver
@may_stop_early
def test_a_second_fit_replaces_all_attributes(solver):
    X_labels, Y = PROBLEMS["multilabel"]
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = Brief(solver=solver, early_stopping=True).fit(frame, y)
    model.set_params(early_stopping=False).fit(X_labels, Y)
    assert_same_fit(model, Brief(solver=solver).fit(X_labels, Y))
    assert type(model.targets_) is MultilabelTargets
    assert model.network_.layer_sizes == (6, 5, 4)


# ------------------------------------------------------------------------------------ warnings


def caught_at(call):
    """Return the warnings of a call that is written in this file, each at its first line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    first_line = inspect.getsourcelines(call)[1]
    assert [(w.filename, w.lineno) for w in caught] == [(__file__, first_line)] * len(caught)
    return [w.category for w in caught]


class Hooks:
    """A callback that does nothing."""

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context): ...


@every_solver
@pytest.mark.parametrize("has_callbacks", [False, True])
def test_a_convergence_warning_points_at_the_line_that_calls_fit(solver, has_callbacks):
    model = Small(solver=solver, max_iter=2)
    if has_callbacks:
        if not hasattr(model, "set_callbacks"):
            pytest.skip("callbacks need scikit-learn 1.9")
        model.set_callbacks(Hooks())
    assert caught_at(lambda: model.fit(X, y)) == [ConvergenceWarning]
    assert caught_at(lambda: model.fit(X, y, X_val=X, y_val=y)) == [ConvergenceWarning]


@every_mini_batch_solver
def test_a_warning_of_the_batch_size_points_at_the_line_that_trains(solver):
    model = Small(solver=solver, batch_size=151, max_iter=1)
    assert caught_at(lambda: model.partial_fit(X, y, CLASSES)) == [UserWarning]
    assert caught_at(lambda: model.fit(X, y)) == [UserWarning, ConvergenceWarning]
    # a schedule has converged at its end
    model.set_params(learning_rate="cosine", learning_rate_init=0.1, max_iter=40)
    assert caught_at(lambda: model.fit(X, y)) == [UserWarning]


@every_solver
def test_a_warning_of_ctrl_c_points_at_the_line_that_calls_fit(solver, monkeypatch):
    interrupt_after(monkeypatch, n_gradients=10)
    assert caught_at(lambda: Small(solver=solver).fit(X, y)) == [UserWarning]


# ---------------------------------------------------------------------------- the random state


@every_mini_batch_solver
@may_stop_early
def test_fits_draw_from_a_random_state_instance(solver):
    random_state = np.random.RandomState(0)
    model = Brief(solver=solver, random_state=random_state)
    before = random_state.get_state()[2]
    first = weights_of(model.fit(X, y))
    assert random_state.get_state()[2] != before
    second = weights_of(model.fit(X, y))
    assert not np.array_equal(first, second)
    # the start weights and the orders of eight epochs come from the one stream
    expected = np.random.RandomState(0)
    for theta in (first, second):
        fitted = Brief(solver=solver, random_state=expected).fit(X, y)
        assert_array_equal(weights_of(fitted), theta)


@every_solver
@may_stop_early
def test_equal_seeds_give_equal_models(solver):
    for make_seed in (lambda: 3, lambda: np.random.RandomState(3)):
        model = Brief(solver=solver, random_state=make_seed())
        twin = clone(model)  # which has an instance of its own
        assert_same_model(model.fit(X, y), twin.fit(X, y))
        fresh = Brief(solver=solver, random_state=make_seed()).fit(X, y)
        assert_same_model(fresh, model)


@every_solver
@may_stop_early
def test_without_a_seed_fits_differ_unless_numpys_global_state_is_the_same(solver):
    found = []
    for seed in (1, 1, None):
        if seed is not None:
            np.random.seed(seed)  # noqa: NPY002
        found.append(weights_of(Brief(solver=solver, random_state=None).fit(X, y)))
    assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[1], found[2])


@every_mini_batch_solver
def test_without_a_seed_a_model_keeps_its_own_stream(solver):
    model = Small(solver=solver, random_state=None, batch_size=10).partial_fit(X, y, CLASSES)
    twin = pickle.loads(pickle.dumps(model))
    np.random.random(3)  # noqa: NPY002
    assert_same_model(model.partial_fit(X, y), twin.partial_fit(X, y))


def test_an_instance_is_used_itself_and_a_seed_begins_a_new_stream():
    random_state = np.random.RandomState(0)
    states = [assembly.new_state(Small(random_state=random_state)) for _ in range(2)]
    assert all(state.training.progress.random_state is random_state for state in states)
    states = [assembly.new_state(Small(random_state=5)) for _ in range(2)]
    drawn = [state.training.progress.random_state.randint(10**6) for state in states]
    assert drawn == [np.random.RandomState(5).randint(10**6)] * 2


# ----------------------------------------------------------------------------- calls that fail


def contents_of(model):
    """Return the bytes of all attributes."""
    return {name: pickle.dumps(value) for name, value in vars(model).items()}


@dataclass(frozen=True)
class FailingLoss:
    """The cross entropy of logistic units, which fails in the third call."""

    calls: list

    def supports(self, output_activation):
        return True

    def per_row(self, z, a, Y):
        self.calls.append(1)
        if len(self.calls) == 3:
            raise ArithmeticError
        return np.logaddexp(0, np.where(Y == 1, -z, z)).sum(axis=1)

    def delta(self, z, a, Y):
        return a - Y


def with_parameters(method, *arguments, **changed):
    """Return a function that calls a method with other parameters, and then restores them."""

    def call(model):
        before = model.get_params(deep=False)
        try:
            getattr(model.set_params(**changed), method)(*arguments)
        finally:
            model.set_params(**before)

    return call


def fails_in_the_middle(method):
    return lambda model: with_parameters(method, FRAME, y, loss=FailingLoss([]))(model)


def press_ctrl_c(*_):
    raise KeyboardInterrupt


FRAME = pd.DataFrame(X, columns=list("abcd"))
ONE_CLASS = FRAME[["a", "c"]], np.zeros(150)
WITH_SCORE = {"early_stopping": True, "warm_start": False}

FAILURES = {
    "one class": (with_parameters("fit", *ONE_CLASS, warm_start=False), ValueError),
    "initialize": (with_parameters("initialize", *ONE_CLASS), ValueError),
    "in the middle": (fails_in_the_middle("fit"), ArithmeticError),
    # in these tests, warnings are errors
    "a warning": (with_parameters("fit", FRAME, y), ConvergenceWarning),
    "divergence": (
        with_parameters("fit", 1e300 * FRAME, y, learning_rate_init=1e200, max_iter=30),
        ValueError,
    ),
    "Ctrl-C": (
        with_parameters("fit", FRAME, y, scoring=press_ctrl_c, **WITH_SCORE),
        KeyboardInterrupt,
    ),
    "a score": (
        with_parameters("fit", FRAME, y, scoring=lambda *_: np.nan, **WITH_SCORE),
        ValueError,
    ),
}


@every_solver
@pytest.mark.parametrize("is_fitted", [False, True])
@pytest.mark.parametrize(("fail", "kind"), FAILURES.values(), ids=FAILURES)
def test_a_call_that_fails_leaves_every_attribute_unchanged(solver, is_fitted, fail, kind):
    model = Small(solver=solver, activation="identity", max_iter=3, tol=0.0, warm_start=True)
    if is_fitted:
        with pytest.warns(ConvergenceWarning):
            model.fit(FRAME, y)
    before, contents = vars(model).copy(), contents_of(model)
    with pytest.raises(kind):
        fail(model)
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is before[name] for name in before)
    assert contents_of(model) == contents


PARTIAL_FAILURES = {
    "in the middle": (fails_in_the_middle("partial_fit"), ArithmeticError),
    "a warning": (with_parameters("partial_fit", FRAME, y, batch_size=151), UserWarning),
}


@every_mini_batch_solver
@pytest.mark.parametrize(("fail", "kind"), PARTIAL_FAILURES.values(), ids=PARTIAL_FAILURES)
def test_a_partial_fit_that_fails_leaves_every_attribute_unchanged(solver, fail, kind):
    model = Small(solver=solver, batch_size=10).initialize(FRAME, y)
    before, contents = vars(model).copy(), contents_of(model)
    with pytest.raises(kind):
        fail(model)
    assert all(vars(model)[name] is before[name] for name in before)
    assert contents_of(model) == contents
