"""skbp.engine.compiled: what the kernels compute, what is left to NumPy, and that fits agree."""

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
    FIRST_ORDER,
    LINE_SEARCH,
    MINI_BATCH,
    PROBLEMS,
    SOLVERS,
    Brief,
    Small,
    assert_same_model,
    every_first_order_solver,
    every_mini_batch_solver,
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
)
from layouts import laid_out, other_byte_order, received, sent, unaligned
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csc_array, csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from skbp.activations import Activation
from skbp.dropout import with_dropout
from skbp.engine import compiled
from skbp.engine.blocks import blocks
from skbp.engine.compiled import kernels
from skbp.losses import SoftmaxLogLoss
from skbp.network import Network
from skbp.objective import Objective
from skbp.solvers import Adam, MiniBatchDescent, Momentum
from skbp.solvers.update_rules import Update

pytestmark = may_stop_early

X, y = PROBLEMS["multiclass"]
Y = np.eye(3)[y]
WEIGHTS = np.random.default_rng(0).uniform(0, 2, len(y)) * (np.arange(len(y)) % 7 != 0)
NETWORK = Network((4, 5, 3), "relu", "softmax")


@pytest.fixture
def readable(monkeypatch):
    """Return a function that calls another one as if there were no extension."""

    def call(function, *args, **kwargs):
        with monkeypatch.context() as without:
            without.setattr(compiled, "kernels", None)
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


def stepped(array):
    """Return an array with the same numbers that is not contiguous."""
    return np.repeat(array, 2, axis=-1)[..., ::2]


# ------------------------------------------------------------------------ what is compiled


def with_long_numbers(sparse):
    """Return a sparse matrix that numbers its columns and entries with int64."""
    sparse.indices, sparse.indptr = sparse.indices.astype(np.int64), sparse.indptr.astype(np.int64)
    return sparse


def engine_of(network=NETWORK, X=X, loss="log_loss"):
    return Objective(network, X, Y, loss).engine.name


class OwnLoss(SoftmaxLogLoss):
    """A loss that a subclass may have changed."""


OWN_ACTIVATION = Activation(np.tanh, lambda a: 1 - a * a, "tanh")
LEFT_TO_NUMPY = {
    "own_activation": {"network": Network((4, 5, 3), OWN_ACTIVATION, "softmax")},
    "own_loss": {"loss": OwnLoss()},
    "dropout": {"network": with_dropout(NETWORK, 0.5, np.random.RandomState(0))},
    "sparse_by_columns": {"X": csc_array(X)},
    "too_many_layers": {"network": Network((4, *[3] * kernels.MOST_LAYERS), "relu", "softmax")},
}


@pytest.mark.parametrize("given", LEFT_TO_NUMPY.values(), ids=list(LEFT_TO_NUMPY))
def test_what_the_kernels_do_not_know_is_left_to_numpy(given):
    assert engine_of(**given) == "numpy"


@pytest.mark.parametrize(("names", "name"), [("HIDDEN", "relu"), ("LOSSES", "log_loss")])
def test_skbps_own_parts_that_the_kernels_lack_are_left_to_numpy(names, name, monkeypatch):
    monkeypatch.delitem(getattr(kernels, names), name)
    assert engine_of() == "numpy"
    model = Brief(activation="relu", output_activation="softmax", solver="adam").fit(X, y)
    assert model.predict_proba(X).shape == (len(X), 3)


def test_without_the_extension_everything_is_left_to_numpy(readable):
    assert readable(engine_of) == "numpy"


@over_activations
@over_pairs
def test_all_activations_and_losses_that_the_kernels_know_are_compiled(activation, pair):
    network = Network((4, 5, 3), activation, pair[0])
    assert engine_of(network, loss=pair[1]) == "compiled"
    # an unpickled network equals the pickled one, but is another object
    assert engine_of(pickle.loads(pickle.dumps(network)), loss=pair[1]) == "compiled"


LAYOUTS = {
    "by_columns": np.asfortranarray,
    "single_precision": lambda X: X.astype(np.float32),
    "backwards": lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
    "with_steps": stepped,
    "unaligned": unaligned,
    "received": received,
    "other_byte_order": other_byte_order,
    "read_only": lambda X: np.broadcast_to(X, X.shape),
    "contiguous": lambda X: X,
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
def test_any_dense_array_is_compiled(layout, calls):
    expected = Objective(NETWORK, X, Y, engine="numpy")(NETWORK.initialize(0))
    found = Objective(NETWORK, layout(X), Y)(NETWORK.initialize(0))
    assert calls["loss_and_gradient"] == 1
    assert_same_cost(found, expected, 1e-5 if layout(X).dtype == np.float32 else 1e-12)


SPARSE_LAYOUTS = {
    "matrix": csr_matrix,
    "long_numbers": lambda X: with_long_numbers(csr_array(X)),
    "received": lambda X: laid_out(received, csr_array(X)),
    "received_long_numbers": lambda X: laid_out(received, with_long_numbers(csr_array(X))),
    "other_byte_order": lambda X: laid_out(other_byte_order, csr_array(X)),
}


@pytest.mark.parametrize("layout", SPARSE_LAYOUTS.values(), ids=list(SPARSE_LAYOUTS))
def test_any_sparse_matrix_by_rows_is_compiled(layout, calls):
    expected = Objective(NETWORK, X, Y, engine="numpy")(NETWORK.initialize(0))
    found = Objective(NETWORK, layout(X), Y)(NETWORK.initialize(0))
    assert calls["loss_and_gradient"] == 1
    assert_same_cost(found, expected, 1e-12)


def test_arrays_that_are_not_aligned_are_copied_once():
    cost = Objective(NETWORK, received(X), received(Y), sample_weight=received(WEIGHTS))
    for array in (cost.X, cost.Y, cost.sample_weight):
        assert array.flags.aligned
    sparse = Objective(NETWORK, laid_out(received, csr_array(X)), np.asfortranarray(Y))
    assert sparse.Y.flags.c_contiguous
    assert all(part.flags.aligned for part in (sparse.X.data, sparse.X.indices, sparse.X.indptr))


def test_other_arrays_are_not_copied():
    given = np.asfortranarray(X), Y, WEIGHTS
    cost = Objective(NETWORK, *given[:2], sample_weight=given[2])
    found = cost.X, cost.Y, cost.sample_weight
    assert all(np.shares_memory(one, other) for one, other in zip(given, found, strict=True))


def test_batches_are_compiled(calls):
    objective, theta = Objective(NETWORK, X, Y), NETWORK.initialize(0)
    for batch in (objective.take(np.arange(3)), *objective.batches(50)):
        batch(theta)
    assert calls["loss_and_gradient"] == 4


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("remade", [lambda cost: pickle.loads(pickle.dumps(cost)), sent])
def test_an_unpickled_cost_is_compiled(remade, container, calls):
    objective = Objective(NETWORK, container(X), Y, sample_weight=WEIGHTS)
    theta = NETWORK.initialize(0)
    J, D = objective(theta)
    unpickled_J, unpickled_D = remade(objective)(theta)
    assert calls["loss_and_gradient"] == 2
    assert unpickled_J == J
    assert_array_equal(unpickled_D, D)


@pytest.mark.parametrize(
    ("value", "is_loaded"), [("", True), ("0", True), ("1", False), ("yes", False), (None, True)]
)
def test_an_environment_variable_turns_the_extension_off(monkeypatch, value, is_loaded):
    monkeypatch.delenv("SKBP_NO_COMPILED", raising=False)
    if value is not None:
        monkeypatch.setenv("SKBP_NO_COMPILED", value)
    assert (compiled._load() is not None) == is_loaded


class Finder:
    """An importer for which the extension was built for another NumPy."""

    def find_spec(self, name, path=None, target=None):
        if name == "skbp.engine._kernels":
            raise ImportError("built for another NumPy")


def test_an_extension_that_cannot_be_imported_is_done_without(monkeypatch):
    monkeypatch.delitem(sys.modules, "skbp.engine._kernels")
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    assert compiled._load() is None


# -------------------------------------------------------------------------------- the cost

SEVERAL_BLOCKS = Case((40, 60, 40, 3), 1100)
N_BLOCKS = len(blocks(SEVERAL_BLOCKS.n_rows, SEVERAL_BLOCKS.network.n_parameters))


def compiled_objective(case, alpha=0.0):
    X, Y, sample_weight = case.data
    return Objective(case.network, X, Y, case.pair[1], alpha, sample_weight, engine="compiled")


def assert_same_cost(found, expected, tolerance):
    assert_allclose(found[0], expected[0], tolerance)
    assert_same([found[1]], [expected[1]], tolerance)


@over_dtypes
@over_pairs
@pytest.mark.parametrize("weighted", [False, True], ids=["no_weights", "weights"])
def test_the_cost_of_several_blocks_is_that_of_numpy(pair, weighted, dtype, calls):
    case = replace(SEVERAL_BLOCKS, pair=pair, weighted=weighted, dtype=dtype)
    found = compiled_objective(case, alpha=0.7)(case.theta)
    assert calls["loss_and_gradient"] == N_BLOCKS > 1
    assert_same_cost(found, case.objective(alpha=0.7)(case.theta), case.tolerance)


@over_dtypes
@pytest.mark.parametrize("given", [np.float32, np.float64, int])
def test_theta_may_have_another_dtype(given, dtype):
    theta = np.arange(NETWORK.n_parameters).astype(given) % 3
    J, D = Objective(NETWORK, X.astype(dtype), Y)(theta)
    expected_J, expected_D = Objective(NETWORK, X.astype(dtype), Y, engine="numpy")(theta)
    assert D.dtype == expected_D.dtype
    tolerance = 1e-5 if dtype is np.float32 else 1e-12
    assert_same_cost((J, D), (expected_J, expected_D), tolerance)


@pytest.mark.parametrize("layout", [unaligned, stepped])
@pytest.mark.parametrize("name", ["theta", "Y", "sample_weight"])
def test_arrays_that_the_kernels_cannot_read_are_copied(name, layout, calls):
    arrays = {"theta": NETWORK.initialize(0), "Y": Y, "sample_weight": WEIGHTS}
    expected = Objective(NETWORK, X, Y, sample_weight=WEIGHTS)(arrays["theta"])
    arrays[name] = layout(arrays[name])
    theta = arrays.pop("theta")
    assert_same_cost(Objective(NETWORK, X, **arrays)(theta), expected, 1e-12)
    assert calls["loss_and_gradient"] == 2


def bits_of_several_blocks():
    """Return the bits of J and D."""
    J, D = compiled_objective(SEVERAL_BLOCKS)(SEVERAL_BLOCKS.theta)
    return repr(J).encode() + D.tobytes()


def test_the_cost_is_bitwise_the_same_from_run_to_run_and_for_any_number_of_threads():
    first = bits_of_several_blocks()
    assert all(bits_of_several_blocks() == first for _ in range(5))
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            assert bits_of_several_blocks() == first


def test_in_a_process_with_one_thread_it_is_computed_on_one_and_bitwise_the_same():
    script = f"""
import sys
sys.path += {sys.path!r}
import joblib
joblib.cpu_count = lambda: 2
import hashlib, test_compiled, thread_pools
print(len(thread_pools.threads_of()))
print(hashlib.sha256(test_compiled.bits_of_several_blocks()).hexdigest())
"""
    command = [sys.executable, "-W", "ignore", "-c", script]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
    digest = hashlib.sha256(bits_of_several_blocks()).hexdigest()
    assert done.stdout.decode().split() == ["1", digest]


# --------------------------------------------------------------------------------- epochs


class OwnRule(Momentum):
    """A rule that a subclass has changed."""

    def update(self, D, state, eta):
        return 2 * super().update(D, state, eta)


def epoch(engine, rule, theta, lay_out_averages=lambda average: average, order=None, **given):
    """Return the weights, the loss and the rule's state after an epoch of 8 batches."""
    given = {"X": X, "Y": Y, "sample_weight": WEIGHTS, **given}
    objective = Objective(NETWORK, **given, alpha=0.5, engine=engine)
    state = {
        name: lay_out_averages(value) if isinstance(value, np.ndarray) else value
        for name, value in rule.init(theta).items()
    }
    loss = objective.epoch(theta, 20, order, Update(rule, state, eta=0.05, max_norm=1.0))
    return theta, loss, *state.values()


def assert_same_epoch(found, expected, tolerance=1e-10):
    for value, expected_value in zip(found, expected, strict=True):
        assert_allclose(value, expected_value, tolerance, tolerance)


def start(layout=lambda theta: theta):
    return layout(NETWORK.initialize(0))


over_rules = pytest.mark.parametrize("rule", [Momentum(0.3, nesterov=False), Momentum(), Adam()])
ORDER = np.random.default_rng(0).permutation(len(X))

COMPILED_EPOCHS = {
    "in_order": {},
    "shuffled": {"order": ORDER},
    "order_of_other_integers": {"order": ORDER.astype(np.int32)},
    "order_with_steps": {"order": stepped(ORDER)},
    "Y_by_columns": {"Y": np.asfortranarray(Y)},
    "unaligned_weights": {"sample_weight": unaligned(WEIGHTS)},
    "weights_with_steps": {"sample_weight": stepped(WEIGHTS)},
    "X_with_steps": {"X": stepped(X)},
    "X_sparse": {"X": csr_array(X)},
    "X_sparse_with_long_numbers": {"X": with_long_numbers(csr_array(X))},
}


@over_rules
@pytest.mark.parametrize("given", COMPILED_EPOCHS.values(), ids=list(COMPILED_EPOCHS))
def test_epochs_of_skbps_own_rules_are_compiled(rule, given, calls):
    found = epoch("compiled", rule, start(), **given)
    assert calls == {"epoch": 1, "loss_and_gradient": 0, "outputs": 0}
    assert_same_epoch(found, epoch("numpy", rule, start(), **given))


@over_rules
@pytest.mark.parametrize("name", ["theta", "averages"])
@pytest.mark.parametrize("layout", [unaligned, stepped])
def test_epochs_of_weights_that_the_kernel_cannot_change_are_left_to_numpy(
    rule, name, layout, calls
):
    options = {"lay_out_averages": layout} if name == "averages" else {}
    theta = start(layout if name == "theta" else lambda theta: theta)
    found = epoch("compiled", rule, theta, **options)
    assert calls["epoch"] == 0
    assert found[0] is theta
    assert_same_epoch(found, epoch("numpy", rule, start()))


def test_epochs_of_own_rules_are_left_to_numpy(calls):
    found = epoch("compiled", OwnRule(), start())
    assert calls["epoch"] == 0
    assert_same_epoch(found, epoch("numpy", OwnRule(), start()))
    # with a gradient for each batch
    assert calls["loss_and_gradient"] == 8


@over_rules
def test_epochs_in_two_precisions_are_left_to_numpy(rule, calls):
    X_32 = X.astype(np.float32)
    found = epoch("compiled", rule, start(), X=X_32)
    assert calls["epoch"] == 0
    assert found[0].dtype == np.float64
    assert_same_epoch(found, epoch("numpy", rule, start(), X=X_32), 1e-4)


def test_epochs_of_weights_that_are_nearly_zero_are_left_to_numpy(calls):
    # 1 / mean_weight overflows
    def train(engine):
        weights = WEIGHTS * 1e-310
        objective = Objective(NETWORK, X, Y, alpha=0, sample_weight=weights, engine=engine)
        theta, rule = start(), Momentum()
        loss = objective.epoch(theta, 20, None, Update(rule, rule.init(theta), eta=0.05))
        return theta, loss

    found = train("compiled")
    assert calls["epoch"] == 0
    assert np.isfinite(found[1])
    assert_same_epoch(found, train("numpy"), 1e-9)


def test_batches_of_several_blocks_are_left_to_numpy(calls):
    case, rule = SEVERAL_BLOCKS, Momentum()

    def train(objective):
        theta = case.theta
        update = Update(rule, rule.init(theta), eta=0.05)
        losses = [objective.epoch(theta, 1100, None, update) for _ in range(2)]
        return theta, losses

    found = train(compiled_objective(case))
    assert calls["epoch"] == 0
    assert calls["loss_and_gradient"] == 2 * N_BLOCKS
    assert_same_epoch(found, train(case.objective()))


@pytest.mark.parametrize("engine", ["compiled", "numpy"])
@pytest.mark.parametrize("batch_size", [0, -1])
def test_batches_of_no_rows_are_an_error(batch_size, engine):
    objective = Objective(NETWORK, X, Y, engine=engine)
    with pytest.raises(ValueError, match="batch_size must be positive"):
        MiniBatchDescent(batch_size=batch_size).minimize(objective, NETWORK.initialize(0))


@pytest.mark.parametrize("engine", ["compiled", "numpy"])
@pytest.mark.parametrize("order", [np.arange(3), np.arange(1, 151), np.arange(150) - 1], ids=str)
def test_an_order_of_other_rows_is_an_error(order, engine):
    with pytest.raises(ValueError, match=r"row|Expected"):
        epoch(engine, Momentum(), start(), order=order)


# ---------------------------------------------------------------------------- whole fits

LONG = partial(Small, activation="tanh", learning_rate_init=0.01, max_iter=50, tol=0)
FITS = {
    **{name: LONG(solver=name) for name in FIRST_ORDER},
    # in each iteration, line searches amplify rounding by up to a digit
    **{name: LONG(solver=name, max_iter=10) for name in LINE_SEARCH},
    "gd_with_large_steps": LONG(solver="gd", learning_rate_init=0.1),
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
    found = copy.deepcopy(model).fit(*data, **options)
    assert_same_fit(found, readable(copy.deepcopy(model).fit, *data, **options))


@over_fits
def test_fits_are_those_of_numpy(model, readable):
    assert_same_fits(readable, model, X, y)


@pytest.mark.parametrize("name", [*SOLVERS, "32_rows_a_batch", "scored", "balanced", "dropout"])
def test_fits_with_sample_weights_are_those_of_numpy(name, readable):
    assert_same_fits(readable, FITS[name], X, y, sample_weight=WEIGHTS)


@over_activations
def test_fits_of_every_activation_are_those_of_numpy(activation, readable):
    model = LONG(activation=activation, solver="adam", batch_size=32, max_iter=20)
    assert_same_fits(readable, model, X, y)


@every_problem
def test_fits_of_every_problem_are_those_of_numpy(problem, readable):
    model = LONG(solver="adam", batch_size=32, max_iter=20)
    assert_same_fits(readable, model, *PROBLEMS[problem])


@over_pairs
@every_first_order_solver
def test_fits_of_every_output_and_loss_are_those_of_numpy(pair, solver, readable):
    model = LONG(output_activation=pair[0], loss=pair[1], solver=solver)
    assert_same_fits(readable, model, X, y)


@every_solver
def test_every_fit_and_prediction_calls_the_kernels(solver, calls):
    Brief(solver=solver).fit(X, y).predict(X)
    kernel = "epoch" if solver in MINI_BATCH else "loss_and_gradient"
    assert calls[kernel] >= 8
    assert calls["outputs"] == 2  # the fit's last check, and the prediction


def test_early_stopping_calls_the_kernels(calls):
    Brief(solver="adam", early_stopping=True).fit(X, y)
    assert calls == {"epoch": 8, "outputs": 8 + 1, "loss_and_gradient": 0}  # and the last check


@every_mini_batch_solver
@pytest.mark.parametrize("dtypes", [(np.float32, np.float64), (np.float64, np.float32)], ids=str)
def test_more_training_may_be_of_another_precision(solver, dtypes, readable):
    def train():
        model = Small(solver=solver, batch_size=32)
        for dtype in (*dtypes, dtypes[0]):
            model.partial_fit(X.astype(dtype), y, classes=[0, 1, 2])
        return model

    assert_same_model(train(), readable(train), rtol=1e-4, atol=1e-5)


def test_diverging_is_the_same_error(readable):
    model = LONG(solver="sgd", activation="identity", learning_rate_init=1e6, n_iter_no_change=99)
    with pytest.raises(ValueError, match="diverged") as found:
        copy.deepcopy(model).fit(X * 1e5, y)
    with pytest.raises(ValueError, match="diverged") as expected:
        readable(copy.deepcopy(model).fit, X * 1e5, y)
    assert str(found.value) == str(expected.value)


# ---------------------------------------------------------------------------- predictions

MODELS = [
    ("binary", "logistic"),
    ("multiclass", "logistic"),
    ("multiclass", "softmax"),
    ("multilabel", "logistic"),
]
METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]
over_models = pytest.mark.parametrize(("problem", "output"), MODELS)


def fitted(problem, output):
    model = Small(hidden_layer_sizes=(5, 7), output_activation=output, max_iter=20)
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
def test_predictions_are_those_of_numpy(problem, output, readable):
    model, X = fitted(problem, output), PROBLEMS[problem][0]
    for n_rows in (1, 3, 4, len(X)):
        assert_same_predictions(readable, model, X[:n_rows])
        # far from 0 some classes have no probability left
        assert_same_predictions(readable, model, X[:n_rows] * 1e3)
        assert_same_predictions(readable, model, X[:n_rows].astype(np.float32), 1e-5)


def changed_in_place(model):
    model.coefs_[0][1] *= -2
    model.intercepts_[1][:] += 0.5


def replaced(layout, model):
    model.coefs_ = [layout(coef) for coef in model.coefs_]
    model.intercepts_ = [layout(intercept) for intercept in model.intercepts_]


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
def test_copies_and_unpickled_models_are_compiled(remade, calls):
    model = fitted("multiclass", "softmax")
    again = remade(model)
    calls["outputs"] = 0
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    again.transform(X)
    assert calls["outputs"] == 3
    again.set_params(solver="adam", learning_rate_init=0.003, warm_start=True, max_iter=5)
    again.fit(X, y)
    assert calls["epoch"] == 5


# ----------------------------------------------------------------------- sums of many rows


def cost_of_many_rows(sizes, n_rows, dtype):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(1, size=(n_rows, sizes[0])), np.zeros((n_rows, sizes[-1]))
    # float32 holds them exactly
    X = X.astype(np.float32).astype(dtype)
    return Objective(Network(sizes), X, Y, alpha=0, engine="compiled")


def assert_precise(D, expected):
    # a float32 sum of so many rows, one after the other, would be wrong by 1e-6 and more
    assert abs(D - expected).max() < 3e-7 * abs(expected).max()


@pytest.mark.parametrize(
    ("sizes", "n_rows"), [((1, 1), 300_000), ((4, 3, 2), 100_000), ((20, 30, 5), 100_000)], ids=str
)
def test_gradients_of_many_rows_are_precise_in_single_precision(sizes, n_rows):
    theta = Network(sizes).initialize(0).astype(np.float32)
    _, D = cost_of_many_rows(sizes, n_rows, np.float32)(theta)
    _, expected = cost_of_many_rows(sizes, n_rows, float)(theta.astype(float))
    assert D.dtype == np.float32
    assert_precise(D, expected)


def test_steps_of_large_batches_are_precise_in_single_precision():
    sizes, n_rows = (2, 1), 150_000
    steps = []
    for dtype in (np.float32, float):
        theta = np.zeros(3, dtype)
        update = Update(Momentum(0), Momentum(0).init(theta), eta=1)
        cost_of_many_rows(sizes, n_rows, dtype).epoch(theta, n_rows, None, update)
        steps.append(theta)
    assert_precise(*steps)
