"""skbp.fast: what takes the compiled path, and that it leads where the readable one does."""

import copy
import hashlib
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from fitting import (
    PROBLEMS,
    Brief,
    Small,
    assert_same_model,
    every_problem,
    every_solver,
    may_stop_early,
)
from kernel_cases import (
    Case,
    assert_same,
    over_activations,
    over_dtypes,
    over_pairs,
    unaligned,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from skbp import fast
from skbp.activations import ACTIVATIONS, Activation, OutputActivation
from skbp.blas_threads import on_all_threads
from skbp.blocks import blocks
from skbp.dropout import thinned
from skbp.fast import CompiledMiniBatchDescent, CompiledObjective, accelerated, kernels
from skbp.losses import SoftmaxLogLoss
from skbp.network import Network
from skbp.objective import Objective
from skbp.solvers import LBFGS, Adam, GradientDescent, MiniBatchDescent, Momentum

pytestmark = may_stop_early

X, y = PROBLEMS["multiclass"]
Y = np.eye(3)[y]
WEIGHTS = np.random.default_rng(0).uniform(0, 2, len(y)) * (np.arange(len(y)) % 7 != 0)


@pytest.fixture
def readable(monkeypatch):
    """Return a function that calls another one where there is no extension."""

    def call(function, *args, **kwargs):
        with monkeypatch.context() as without:
            without.setattr("skbp.fast.kernels", None)
            return function(*args, **kwargs)

    return call


@pytest.fixture
def calls(monkeypatch):
    """Count the calls of each kernel."""
    counts = dict.fromkeys(["outputs", "loss_and_gradient", "epoch"], 0)

    def counted(name, kernel, *args):
        counts[name] += 1
        return kernel(*args)

    for name in counts:
        monkeypatch.setattr(kernels, name, partial(counted, name, getattr(kernels, name)))
    return counts


# -------------------------------------------------------------------- what is accelerated


def relu(z):
    return np.maximum(z, 0)


def relu_prime(a):
    return (a > 0).astype(a.dtype)


class OwnLoss(SoftmaxLogLoss):
    """A loss that a subclass may have changed."""


def objective(activation="relu", output="softmax", X=X, loss="log_loss", sizes=(4, 5, 3)):
    return Objective(Network(sizes, activation, output), X, Y, loss)


def with_dropout():
    network = thinned(Network((4, 5, 3), "relu", "softmax"), 0.5, np.random.RandomState(0))
    return Objective(network, X, Y)


OWN_SOFTMAX = OutputActivation(lambda z: z, lambda z: z, "softmax")
MAY_NOT_BE_FIT_FOR_THREADS = {
    "own_activation": lambda: objective(Activation(relu, relu_prime)),
    "own_activation_with_a_known_name": lambda: objective(Activation(relu, relu_prime, "relu")),
    "own_derivative": lambda: objective(replace(ACTIVATIONS["tanh"], g_prime=relu_prime)),
    "own_activation_in_one_layer": lambda: objective(
        ("tanh", Activation(relu, relu_prime)), sizes=(4, 5, 5, 3)
    ),
    "own_output_activation": lambda: objective(output=OWN_SOFTMAX),
    "own_loss": lambda: objective(loss=OwnLoss()),
    "dropout": with_dropout,
}
NOT_FOR_THE_KERNELS = {
    "sparse": lambda: objective(X=csr_array(X)),
    "unaligned": lambda: objective(X=unaligned(X)),
    "too_many_layers": lambda: objective(sizes=(4, *[3] * kernels.MOST_LAYERS)),
}


@pytest.mark.parametrize("case", MAY_NOT_BE_FIT_FOR_THREADS)
def test_what_is_not_skbps_own_is_left_as_it_is(case):
    given = MAY_NOT_BE_FIT_FOR_THREADS[case]()
    assert accelerated(given) is given
    assert given.workers is map
    if case != "own_loss":
        assert fast.workers(given.network) is map


@pytest.mark.parametrize("case", NOT_FOR_THE_KERNELS)
def test_what_the_kernels_do_not_know_is_computed_on_all_threads(case):
    given = NOT_FOR_THE_KERNELS[case]()
    faster = accelerated(given)
    assert type(faster) is Objective
    assert faster.workers is on_all_threads
    assert given.workers is map


@pytest.mark.parametrize(("names", "name"), [("HIDDEN", "relu"), ("LOSSES", "log_loss")])
def test_skbps_own_that_the_kernels_do_not_know_is_computed_on_all_threads(
    names, name, monkeypatch
):
    monkeypatch.delitem(getattr(kernels, names), name)
    faster = accelerated(objective())
    assert type(faster) is Objective
    assert faster.workers is on_all_threads
    model = Brief(activation="relu", solver="adam").fit(X, y)
    assert model.predict_proba(X).shape == (len(X), 3)


def test_nothing_is_compiled_without_the_extension(readable):
    faster = readable(accelerated, objective())
    assert type(faster) is Objective
    assert faster.workers is on_all_threads


@over_activations
@over_pairs
def test_all_activations_and_losses_that_the_kernels_know_are_compiled(activation, pair):
    given = objective(activation, pair[0], loss=pair[1])
    assert type(accelerated(given)) is CompiledObjective
    assert type(given) is Objective
    # what is unpickled equals what was pickled, but is not the same
    assert type(accelerated(pickle.loads(pickle.dumps(given)))) is CompiledObjective


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda X: X.astype(np.float32)])
def test_any_dense_and_aligned_array_is_compiled(layout):
    assert type(accelerated(objective(X=layout(X)))) is CompiledObjective
    assert type(accelerated(objective(X=X[::2].repeat(2, axis=0)[:, ::-1]))) is CompiledObjective


def test_the_batches_of_a_compiled_objective_are_compiled():
    faster = accelerated(objective())
    assert {type(batch) for batch in faster.batches(40)} == {CompiledObjective}
    assert type(faster.on(np.arange(3))) is CompiledObjective


class OwnRule(Momentum):
    """A rule that a subclass may have changed."""


class OwnDescent(MiniBatchDescent):
    """A solver that a subclass may have changed."""


@pytest.mark.parametrize(
    "solver",
    [GradientDescent(), LBFGS(), MiniBatchDescent(rule=OwnRule()), OwnDescent()],
    ids=["gd", "lbfgs", "own_rule", "own_solver"],
)
def test_other_solvers_are_left_as_they_are(solver):
    assert fast.accelerated_solver(solver, accelerated(objective())) is solver


def test_the_solver_of_an_objective_that_is_not_compiled_is_left_as_it_is(readable):
    solver = MiniBatchDescent()
    assert fast.accelerated_solver(solver, objective()) is solver
    assert fast.accelerated_solver(solver, readable(accelerated, objective())) is solver


@pytest.mark.parametrize("rule", [Momentum(0.3, nesterov=False), Adam()])
def test_the_epochs_of_mini_batch_solvers_are_compiled(rule):
    solver = MiniBatchDescent(rule=rule, batch_size=7, max_grad_norm=1.0, max_iter=3)
    faster = fast.accelerated_solver(solver, accelerated(objective()))
    assert type(faster) is CompiledMiniBatchDescent
    assert vars(faster) == vars(solver)


@pytest.mark.parametrize(
    ("value", "is_loaded"), [("", True), ("0", True), ("1", False), ("yes", False), (None, True)]
)
def test_an_environment_variable_turns_the_extension_off(monkeypatch, value, is_loaded):
    monkeypatch.delenv("SKBP_NO_COMPILED", raising=False)
    if value is not None:
        monkeypatch.setenv("SKBP_NO_COMPILED", value)
    assert (fast._load() is not None) == is_loaded


FIT = """
from sklearn.datasets import load_iris
from skbp import BackpropClassifier, fast
model = BackpropClassifier(solver="adam", max_iter=3, tol=0, random_state=0)
print(fast.kernels, model.fit(*load_iris(return_X_y=True)).n_iter_)
"""
NO_EXTENSION = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "skbp._kernels":
            raise ImportError("built for another NumPy")
sys.meta_path.insert(0, Finder())
"""


def run(script, **variables):
    """Return what a script prints."""
    command = [sys.executable, "-W", "ignore", "-c", script]
    environment = {**os.environ, **variables}
    return subprocess.run(command, env=environment, check=True, capture_output=True).stdout.decode()


def test_a_process_with_the_variable_does_without_the_extension():
    assert run(FIT, SKBP_NO_COMPILED="1") == "None 3\n"


def test_a_process_without_the_extension_does_without_it():
    assert run(NO_EXTENSION + FIT) == "None 3\n"


# --------------------------------------------------------------------------- the objective

SEVERAL_BLOCKS = Case((40, 60, 40, 3), 1100)
N_BLOCKS = len(blocks(SEVERAL_BLOCKS.n_rows, SEVERAL_BLOCKS.network.n_parameters))


def assert_same_cost(found, expected, tolerance):
    assert_allclose(found[0], expected[0], tolerance)
    assert_same([found[1]], [expected[1]], tolerance)


@over_dtypes
@over_pairs
@pytest.mark.parametrize("weighted", [False, True], ids=["no_weights", "weights"])
def test_an_accelerated_objective_is_the_readable_one(pair, weighted, dtype, calls, readable):
    case = replace(SEVERAL_BLOCKS, pair=pair, weighted=weighted, dtype=dtype)
    given = case.objective(alpha=0.7)
    right = given(case.theta)
    assert_same_cost(accelerated(given)(case.theta), right, case.tolerance)
    assert calls["loss_and_gradient"] == N_BLOCKS > 1
    assert_same_cost(readable(accelerated, given)(case.theta), right, case.tolerance)


@pytest.mark.parametrize("given", [np.float32, np.float64, int])
def test_theta_may_have_another_dtype(given):
    theta = np.arange(Network((4, 5, 3)).n_parameters).astype(given) % 3
    for container in (np.float32, np.float64):
        right = objective(X=X.astype(container))
        J, D = accelerated(right)(theta)
        assert D.dtype == right(theta)[1].dtype
        assert_same_cost((J, D), right(theta), 1e-5 if container is np.float32 else 1e-12)


@pytest.mark.parametrize("name", ["theta", "Y", "sample_weight"])
def test_arrays_that_are_not_aligned_serve_as_well(name):
    arrays = {"theta": objective().network.initialize(0), "Y": Y, "sample_weight": WEIGHTS}
    right = Objective(Network((4, 5, 3)), X, Y, sample_weight=WEIGHTS)(arrays["theta"])
    arrays[name] = unaligned(arrays[name])
    theta = arrays.pop("theta")
    assert_same_cost(accelerated(Objective(Network((4, 5, 3)), X, **arrays))(theta), right, 1e-12)


def cost_of_several_blocks():
    """Return J and D as bytes."""
    J, D = accelerated(SEVERAL_BLOCKS.objective())(SEVERAL_BLOCKS.theta)
    return repr(J).encode() + D.tobytes()


def test_the_cost_is_bitwise_the_same_from_run_to_run_and_for_any_number_of_threads():
    first = cost_of_several_blocks()
    assert all(cost_of_several_blocks() == first for _ in range(5))
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            assert cost_of_several_blocks() == first


def test_the_cost_is_bitwise_the_same_in_a_process_with_one_thread():
    script = """
import hashlib, test_fast
print(hashlib.sha256(test_fast.cost_of_several_blocks()).hexdigest())
"""
    tests = os.path.dirname(__file__)
    digest = hashlib.sha256(cost_of_several_blocks()).hexdigest()
    assert run(f"import sys; sys.path.insert(0, {tests!r}){script}", OMP_NUM_THREADS="1") == (
        digest + "\n"
    )


# ---------------------------------------------------------------------------- whole fits

LONG = partial(Small, activation="tanh", learning_rate_init=0.01, max_iter=50, tol=0)
# line searches amplify rounding from iteration to iteration, by about a digit each in the end
FITS = {
    "gd": LONG(solver="gd", learning_rate_init=0.1),
    "sgd": LONG(solver="sgd"),
    "adam": LONG(solver="adam"),
    "cg": LONG(solver="cg", max_iter=10),
    "lbfgs": LONG(solver="lbfgs", max_iter=10),
    "no_hidden_layer": LONG(solver="adam", hidden_layer_sizes=()),
    "deep": LONG(solver="adam", hidden_layer_sizes=(7, 9, 8, 3)),
    "one_row_a_batch": LONG(solver="sgd", batch_size=1, max_iter=5),
    "three_rows_a_batch": LONG(solver="adam", batch_size=3, max_iter=10),
    "32_rows_a_batch": LONG(solver="adam", batch_size=32),
    "in_order": LONG(solver="adam", batch_size=32, shuffle=False),
    "without_nesterov": LONG(solver="sgd", batch_size=32, nesterovs_momentum=False),
    "without_momentum": LONG(solver="sgd", batch_size=32, momentum=0),
    "invscaling": LONG(solver="sgd", batch_size=32, learning_rate="invscaling"),
    "adaptive": LONG(solver="sgd", learning_rate="adaptive", tol=0.01, n_iter_no_change=2),
    "cosine": LONG(solver="adam", batch_size=32, learning_rate="cosine"),
    "one_cycle": LONG(solver="sgd", batch_size=32, learning_rate="one_cycle"),
    "clipped": LONG(solver="sgd", batch_size=32, max_grad_norm=0.05),
    "gd_clipped": LONG(solver="gd", max_grad_norm=0.05),
    "early_stopping": LONG(solver="adam", batch_size=32, early_stopping=True, n_iter_no_change=3),
    "scored": LONG(solver="sgd", batch_size=32, early_stopping=True, scoring="accuracy"),
    "smoothed": LONG(solver="adam", label_smoothing=0.1),
    "balanced": LONG(solver="adam", class_weight="balanced"),
    "converges": LONG(solver="adam", batch_size=32, tol=0.01, n_iter_no_change=3),
    "dropout": LONG(solver="adam", batch_size=32, dropout=0.3),
}
over_fits = pytest.mark.parametrize("model", FITS.values(), ids=list(FITS))


def assert_same_fit(model, other):
    assert_same_model(model, other, rtol=1e-9, atol=1e-9)
    assert_allclose(model.loss_curve_, other.loss_curve_, 1e-9)
    assert model.n_iter_ == other.n_iter_
    for name in ("validation_scores_", "validation_loss_curve_"):
        if getattr(model, name) is not None:
            assert_allclose(getattr(model, name), getattr(other, name), 1e-9)


def assert_same_fits(readable, model, *data, **options):
    compiled = copy.deepcopy(model).fit(*data, **options)
    assert_same_fit(compiled, readable(copy.deepcopy(model).fit, *data, **options))
    return compiled


@over_fits
def test_fits_are_those_of_the_readable_path(model, readable):
    assert_same_fits(readable, model, X, y)


@over_fits
def test_fits_with_sample_weights_are_those_of_the_readable_path(model, readable):
    assert_same_fits(readable, model, X, y, sample_weight=WEIGHTS)


@every_problem
@over_activations
def test_fits_of_every_activation_are_those_of_the_readable_path(activation, problem, readable):
    model = LONG(activation=activation, solver="adam", batch_size=32, max_iter=20)
    assert_same_fits(readable, model, *PROBLEMS[problem])


@over_pairs
@pytest.mark.parametrize("solver", ["gd", "sgd", "adam"])
def test_fits_of_every_output_and_loss_are_those_of_the_readable_path(pair, solver, readable):
    model = LONG(output_activation=pair[0], loss=pair[1], solver=solver)
    assert_same_fits(readable, model, X, y)


@every_solver
def test_every_fit_and_prediction_calls_the_kernels(solver, calls):
    Brief(solver=solver).fit(X, y).predict(X)
    kernel = "epoch" if solver in ("sgd", "adam") else "loss_and_gradient"
    assert calls[kernel] >= 8
    assert calls["outputs"] == 1


def test_early_stopping_calls_the_kernels(calls):
    Brief(solver="adam", early_stopping=True).fit(X, y)
    assert calls == {"epoch": 8, "outputs": 8, "loss_and_gradient": 0}


def test_sample_weights_that_are_not_aligned_serve_as_well():
    weighted = Brief(solver="adam").fit(X, y, sample_weight=WEIGHTS)
    assert_same_model(Brief(solver="adam").fit(X, y, sample_weight=unaligned(WEIGHTS)), weighted)


def test_batches_of_several_blocks_go_through_the_objective(calls, readable):
    case = SEVERAL_BLOCKS
    labels = case.data[1].argmax(axis=1)
    model = LONG(hidden_layer_sizes=(60, 40), solver="sgd", batch_size=1100, max_iter=2)
    assert_same_fits(readable, model, case.data[0], labels)
    assert calls["epoch"] == 0
    assert calls["loss_and_gradient"] == 2 * N_BLOCKS


@pytest.mark.parametrize("rule", [Momentum(), Adam()], ids=["momentum", "adam"])
def test_single_precision_examples_and_double_precision_weights(rule, calls):
    right = objective(X=X.astype(np.float32))
    solver = MiniBatchDescent(rule=rule, batch_size=20, max_iter=4)
    theta = right.network.initialize(0)
    faster = fast.accelerated_solver(solver, accelerated(right))
    result = faster.minimize(accelerated(right), theta)
    assert result.theta.dtype == np.float64
    assert_allclose(result.theta, solver.minimize(right, theta).theta, rtol=1e-4, atol=1e-5)
    assert calls["epoch"] == 0


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("dtypes", [(np.float32, np.float64), (np.float64, np.float32)], ids=str)
def test_more_training_may_be_of_another_precision(solver, dtypes, readable):
    def train():
        model = Small(solver=solver, batch_size=32)
        for dtype in (*dtypes, dtypes[0]):
            model.partial_fit(X.astype(dtype), y, classes=[0, 1, 2])
        return model

    assert_same_model(train(), readable(train), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch_size", [0, -1])
def test_batches_of_no_rows_are_an_error_as_ever(batch_size):
    solver, compiled = MiniBatchDescent(batch_size=batch_size), accelerated(objective())
    with pytest.raises(ValueError, match="batch_size must be positive"):
        fast.accelerated_solver(solver, compiled).minimize(compiled, np.zeros(43))


def test_diverging_is_an_error_as_ever(readable):
    model = LONG(solver="sgd", activation="identity", learning_rate_init=1e6, n_iter_no_change=99)
    with pytest.raises(ValueError, match="Training diverged") as compiled:
        copy.deepcopy(model).fit(X * 1e5, y)
    with pytest.raises(ValueError, match="Training diverged") as expected:
        readable(copy.deepcopy(model).fit, X * 1e5, y)
    assert str(compiled.value) == str(expected.value)


# ---------------------------------------------------------------------------- predictions

MODELS = {
    f"{problem}-{output}": (problem, output)
    for problem in PROBLEMS
    for output in ("logistic", "softmax")
    if (problem, output) in {("multiclass", "softmax")} or output == "logistic"
}
METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]
over_methods = pytest.mark.parametrize("method", METHODS)
over_models = pytest.mark.parametrize(("problem", "output"), MODELS.values(), ids=list(MODELS))


def fitted(problem, output, **params):
    model = Small(hidden_layer_sizes=(5, 7), output_activation=output, max_iter=20, **params)
    return model.fit(*PROBLEMS[problem])


def assert_same_predictions(readable, model, X, tolerance=1e-12):
    for method in METHODS:
        predict = getattr(model, method)
        assert_allclose(predict(X), readable(predict, X), tolerance, tolerance, err_msg=method)
        assert predict(X).dtype == readable(predict, X).dtype
    for layer in range(2, model.n_layers_ + 1):
        transform = partial(model.transform, X, layer=layer)
        assert_allclose(transform(), readable(transform), tolerance, tolerance)


@over_models
def test_predictions_are_those_of_the_readable_path(problem, output, readable):
    model, X = fitted(problem, output), PROBLEMS[problem][0]
    for n_rows in (1, 3, 4, len(X)):
        assert_same_predictions(readable, model, X[:n_rows])
        # squares away from where z is small, some classes have no probability left
        assert_same_predictions(readable, model, X[:n_rows] * 1e3)
        assert_same_predictions(readable, model, X[:n_rows].astype(np.float32), 1e-5)


def changed_in_place(model):
    model.coefs_[0][1] *= -2
    model.intercepts_[1][:] += 0.5


def replaced(layout, model):
    model.coefs_ = [layout(coef) for coef in model.coefs_]
    model.intercepts_ = [layout(intercept) for intercept in model.intercepts_]


def stepped(array):
    return np.repeat(array, 2, axis=-1)[..., ::2]


CHANGES = {
    "in_place": changed_in_place,
    "by_columns": partial(replaced, np.asfortranarray),
    "with_steps": partial(replaced, stepped),
    "single_precision": partial(replaced, lambda a: a.astype(np.float32)),
    "integers": partial(replaced, lambda a: (3 * a).astype(int)),
    "other_byte_order": partial(replaced, lambda a: a.astype(">f8")),
    "read_only": partial(replaced, lambda a: np.broadcast_to(a, a.shape)),
    "unaligned": partial(replaced, unaligned),
    "lists": partial(replaced, np.ndarray.tolist),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_weights_that_the_user_changes_are_used(change, readable):
    model = fitted("multiclass", "logistic")
    change(model)
    assert_same_predictions(readable, model, X)


def test_large_weights_that_the_user_lays_out_with_steps_are_used(readable):
    # so large that BLAS multiplies, which needs one step to be 1
    X = np.random.default_rng(0).normal(size=(50, 600))
    model = Small(hidden_layer_sizes=(500,), max_iter=1).fit(X, np.arange(50) % 3)
    model.coefs_[0] = stepped(model.coefs_[0])
    assert_same_predictions(readable, model, X)


@pytest.mark.parametrize("remade", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_and_unpickled_models_take_the_kernels(remade, calls):
    model = fitted("multiclass", "softmax")
    again = remade(model)
    calls["outputs"] = 0
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    again.transform(X)
    assert calls["outputs"] == 3
    again.set_params(solver="adam", warm_start=True, max_iter=5).fit(X, y)
    assert calls["epoch"] == 5
