"""skbp.engine._kernels, with every instruction set of this processor: values and gradients."""

import mmap
import sys
from functools import cache, partial
from itertools import cycle, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import (
    GUARD,
    PAIRS,
    Case,
    assert_same,
    every_instruction_set,
    guarded,
    over_activations,
    over_dtypes,
    over_pairs,
    pairs_of,
)
from lecture import gradient_computation
from numpy.testing import assert_allclose, assert_array_equal

from skbp import probabilities
from skbp.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from skbp.engine.compiled import kernels
from skbp.losses import LOSSES

instruction_set = every_instruction_set()


# ------------------------------------------------------------------- elementary functions


def units(activation, z):
    """Return g(z): a network of one unit a layer, with weights of 1 and no bias."""
    coefs, intercepts = [np.ones((1, 1), z.dtype)] * 2, [np.zeros(1, z.dtype)] * 2
    a = np.empty((len(z), 1), z.dtype)
    g, kind = (kernels.HIDDEN[activation],), kernels.KINDS["decision"]
    kernels.outputs(coefs, intercepts, g, kind, z[:, np.newaxis], a)
    return a[:, 0]


def expm1_below(z):
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


ORACLES = {
    # of long doubles
    "identity": lambda z: z,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, np.longdouble("0.01") * z),
    "elu": expm1_below,
    "selu": lambda z: (
        np.longdouble("1.0507009873554805")
        * np.where(z > 0, z, np.longdouble("1.6732632423543772") * expm1_below(z))
    ),
    "softplus": lambda z: np.logaddexp(z, 0),
}
# in units in the last place of the result; the constants of SELU are rounded too
MOST_ULPS = 4


def test_what_the_kernels_know():
    assert set(kernels.HIDDEN) == set(ORACLES)
    assert set(kernels.LOSSES) == {"log_loss", "squared_error"}


@cache
def dense_grid(dtype):
    """Both signs, from the smallest normal numbers to where e^z overflows."""
    info, generator = np.finfo(dtype), np.random.default_rng(0)
    far = np.log(float(info.max))
    sizes = [
        np.geomspace(float(info.tiny) * 4, far, 20_001),
        np.linspace(0, 1.01 * far, 20_001),
        generator.uniform(0, 3, 20_001),
    ]
    z = np.concatenate(sizes).astype(dtype)
    return np.concatenate([z, -z])


@cache
def in_long_doubles(activation, dtype):
    with np.errstate(over="ignore", under="ignore"):
        return ORACLES[activation](dense_grid(dtype).astype(np.longdouble))


@over_dtypes
@over_activations
def test_activations_are_right_to_a_few_units_in_the_last_place(activation, dtype):
    z, info = dense_grid(dtype), np.finfo(dtype)
    expected = in_long_doubles(activation, dtype)
    ulps = np.abs(units(activation, z) - expected) / np.spacing(np.abs(expected).astype(dtype))
    # e^x is 0 a little before it is subnormal
    is_normal = np.abs(expected) > 1.5 * info.tiny
    assert ulps[is_normal].max() <= MOST_ULPS
    assert np.abs(units(activation, z) - expected)[~is_normal].max() <= 1.5 * info.tiny


@over_dtypes
@over_activations
def test_special_numbers_are_mapped_as_numpy_maps_them(activation, dtype):
    huge = np.finfo(dtype).max / 2
    z = np.array([0, -0.0, np.inf, -np.inf, np.nan, huge, -huge, 1e4, -1e4], dtype)
    with np.errstate(all="ignore"):
        expected = ACTIVATIONS[activation].g(z)
    assert_allclose(units(activation, z), expected, rtol=4 * np.finfo(dtype).eps)
    for one_row in range(len(z)):  # which takes another way through the network
        found = units(activation, z[one_row : one_row + 1])
        assert_array_equal(found, units(activation, z)[one_row : one_row + 1])


# --------------------------------------------------------------------------------- losses

EXTREMES = np.array(
    [[1e4, -1e4, 0], [-1e4, 1e4, 1e4], [1e4, 1e4, 1e4], [-1e4, -1e4, -1e4], [800, -800, 3], [0] * 3]
)


def loss_and_delta(pair, z, y, n_rows):
    """Return the loss and δ of one example, of which there are n_rows: its X is z."""
    k, dtype = len(z), z.dtype
    Theta = np.column_stack([np.zeros(k), np.eye(k)]).astype(dtype)
    plan = ((k, k), (), kernels.OUTPUTS[pair[0]], kernels.LOSSES[pair[1]])
    X, Y = np.tile(z, (n_rows, 1)), np.tile(y, (n_rows, 1))
    Delta = np.empty(Theta.size, dtype)
    losses = kernels.loss_and_gradient(plan, Theta.ravel(), (X, Y, None), Delta)
    return losses / n_rows, Delta.reshape(Theta.shape)[:, 0] / dtype.type(n_rows)


@over_dtypes
@over_pairs
@pytest.mark.parametrize("n_rows", [1, 8])
def test_losses_and_errors_of_saturated_units(pair, dtype, n_rows):
    h, loss = OUTPUT_ACTIVATIONS[pair[0]], LOSSES[pair]
    for z, y in product(EXTREMES.astype(dtype), np.eye(3, dtype=dtype)):
        z_row, y_row = z[np.newaxis], y[np.newaxis]
        with np.errstate(under="ignore"):
            a = h.g(z_row)
            expected = loss.per_row(z_row, a, y_row)[0], loss.delta(z_row, a, y_row)[0]
        found = loss_and_delta(pair, z, y, n_rows)
        assert np.isfinite(found[0])
        for part, expected_part in zip(found, expected, strict=True):
            tolerance = 10 * np.finfo(dtype).eps
            assert_allclose(part, expected_part, tolerance, tolerance)


@over_dtypes
@over_pairs
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_that_is_not_finite_stays_visible(pair, dtype, value):
    z = np.array([1, value, 2], dtype)
    loss, delta = loss_and_delta(pair, z, np.eye(3, dtype=dtype)[0], 5)
    assert not np.isfinite([loss, *delta]).all()


# -------------------------------------------------------------------------- probabilities

OF_KINDS = {
    "decision": lambda z: z,
    "logistic": OUTPUT_ACTIVATIONS["logistic"].g,
    "softmax": OUTPUT_ACTIVATIONS["softmax"].g,
    "shares": partial(probabilities.shares, OUTPUT_ACTIVATIONS["logistic"]),
    "binary": partial(probabilities.binary, OUTPUT_ACTIVATIONS["logistic"]),
}


def outputs_of(kind, z):
    """Return the outputs of a network whose z is its X."""
    k, dtype = z.shape[1], z.dtype
    out = np.full((len(z), 2 if kind == "binary" else k), np.nan, dtype)
    weights = [np.eye(k, dtype=dtype)], [np.zeros(k, dtype)]
    kernels.outputs(*weights, (), kernels.KINDS[kind], z, out)
    return out


@over_dtypes
@pytest.mark.parametrize("kind", OF_KINDS)
def test_outputs_are_those_of_the_output_activations(kind, dtype):
    z = np.vstack([EXTREMES, np.random.default_rng(0).normal(size=(700, 3)) * 20]).astype(dtype)
    for columns, n_rows in product([1] if kind == "binary" else [1, 2, 3], [1, 3, 4, 700]):
        given = np.ascontiguousarray(z[:n_rows, :columns])
        with np.errstate(under="ignore"):
            expected = OF_KINDS[kind](given)
        info = np.finfo(dtype)
        # z is as large as 80, and as many units in the last place is e^z wrong
        assert_allclose(outputs_of(kind, given), expected, 100 * info.eps, 2 * info.tiny)


@over_dtypes
@pytest.mark.parametrize("kind", OF_KINDS)
def test_outputs_that_are_not_numbers_stay_visible(kind, dtype):
    z = np.ones((5, 1), dtype)
    z[2] = np.nan
    assert_array_equal(np.isnan(outputs_of(kind, z)).any(axis=1), np.isnan(z[:, 0]))


def test_two_probabilities_are_of_a_single_unit():
    with pytest.raises(ValueError, match="Expected one output unit, got 3"):
        outputs_of("binary", EXTREMES)


# ------------------------------------------------------------------------------ gradients

ROWS = (1, 2, 3, 4, 5, 63, 64, 65, 129)
HIDDEN = (5, 3, 4)


@over_dtypes
@over_pairs
@over_activations
def test_gradients_of_every_activation_output_loss_and_depth(activation, pair, dtype):
    # one row, a few and many go different ways; other numbers are those of the next tests
    for (depth, n_rows), weighted in zip(product(range(4), (1, 5, 65)), cycle([False, True])):
        Case((4, *HIDDEN[:depth], 3), n_rows, activation, pair, weighted, dtype).assert_gradient()


@cache
def lecture(case):
    X, Y, sample_weight = case.data
    Thetas, m = case.network.unpack(case.theta), case.objective().m
    J, D = gradient_computation(Thetas, X, Y, case.activation, *case.pair, 0, sample_weight)
    return J * m, case.network.pack(D) * m


@over_pairs
@over_activations
def test_gradients_are_the_lectures(activation, pair):
    # three rows go one by one, six together
    for depth, n_rows in product(range(4), [3, 6]):
        weighted = (depth + n_rows) % 2 == 1
        case = Case((4, *HIDDEN[:depth], 3), n_rows, activation, pair, weighted)
        assert_same(case.loss_and_gradient(), lecture(case), 1e-12, str(case))


SIZES = [
    (1, 1),
    (3, 7, 1),
    (7, 1, 9, 8),
    (8, 9, 25, 3),
    (9, 8, 7),
    (15, 16, 17, 2),
    (31, 32, 33, 4),
    (25, 64, 3),
    (64, 101, 7, 5),
    (101, 25),
]
# layers of more than 1 MB, in single precision too, which BLAS multiplies
LARGE = [(600, 500, 5), (5, 600, 500), (1, 280_000, 1), (280_000, 1), (520, 530, 540, 5)]


@over_dtypes
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_gradients_of_layers_around_the_lengths_of_vectors(sizes, dtype):
    # each number of rows with and without weights, and each pair with both
    for (weighted, n_rows), pair in zip(product([False, True], ROWS), cycle(pairs_of(sizes))):
        Case(sizes, n_rows, "logistic", pair, weighted, dtype).assert_gradient()


@over_dtypes
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_outputs_of_layers_around_the_lengths_of_vectors(sizes, dtype):
    for n_rows in ROWS:
        Case(sizes, n_rows, "softplus", dtype=dtype).assert_decision()


@over_dtypes
@pytest.mark.parametrize("sizes", LARGE, ids=str)
def test_gradients_and_outputs_of_large_layers(sizes, dtype):
    # two rows go one by one, five together
    Case(sizes, 2, "logistic", dtype=dtype).assert_gradient()
    Case(sizes, 5, "logistic", dtype=dtype, weighted=True).assert_gradient()
    Case(sizes, 2 if dtype == np.float32 else 5, "selu", dtype=dtype).assert_decision()


@over_dtypes
def test_gradients_of_large_layers_and_more_rows_than_a_block(dtype):
    # 64 rows of 600 + 2 · 505 numbers are the least
    for n_rows in (64, 67, 700):
        Case((600, 500, 5), n_rows, "tanh", dtype=dtype, weighted=True).assert_gradient()


@over_dtypes
@pytest.mark.parametrize("n_rows", [511, 512, 513, 515, 516, 1030])
def test_gradients_of_more_rows_than_a_block(n_rows, dtype):
    for pair in PAIRS:
        Case((6, 9, 3), n_rows, "elu", pair, weighted=True, dtype=dtype).assert_gradient()
    Case((6, 9, 3), n_rows, "elu", dtype=dtype).assert_decision()


def test_gradients_and_outputs_of_the_deepest_networks():
    case = Case((2,) * kernels.MOST_LAYERS, 5)
    case.assert_gradient()
    case.assert_decision()


layers = st.lists(st.integers(1, 40), min_size=2, max_size=5).map(tuple)


@settings(max_examples=60, deadline=None)
@given(layers, st.integers(1, 70), st.sampled_from(list(kernels.HIDDEN)), st.booleans(), st.data())
def test_gradients_of_any_shape(sizes, n_rows, activation, weighted, data):
    pair = data.draw(st.sampled_from(pairs_of(sizes)))
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    case = Case(sizes, n_rows, activation, pair, weighted, dtype)
    case.assert_gradient()
    case.assert_decision()


# --------------------------------------------------------------------- the layout of memory


def stepped(rows, columns):
    """Return a function that lays a matrix out with steps in its rows and its columns."""

    def lay_out(matrix):
        m, n = matrix.shape
        memory = np.full((m * abs(rows), n * abs(columns)), GUARD, matrix.dtype)
        view = memory[::rows, ::columns]
        view[:] = matrix
        return view

    return lay_out


def read_only(matrix):
    copied = matrix.copy()
    copied.flags.writeable = False
    return copied


def mapped(matrix, tmp_path):
    path = tmp_path / "matrix"
    matrix.tofile(path)
    return np.memmap(path, matrix.dtype, "r", shape=matrix.shape)


LAYOUTS = {
    "by_columns": np.asfortranarray,
    "every_second_row": stepped(2, 1),
    "every_second_column": stepped(1, 2),
    "every_third_of_both": stepped(3, 3),
    "rows_reversed": stepped(-1, 1),
    "columns_reversed": stepped(1, -1),
    "all_reversed": stepped(-2, -2),
    "read_only": read_only,
}
OF_MANY_SIZES = [(8, 8, 3), (5, 7, 1), (1, 5, 2), (600, 500, 5)]
over_layouts = pytest.mark.parametrize("layout", LAYOUTS)
over_sizes = pytest.mark.parametrize("sizes", OF_MANY_SIZES, ids=str)


@over_sizes
@over_layouts
def test_examples_may_lie_in_memory_as_they_like(layout, sizes):
    for n_rows in (1, 3, 9):
        case = Case(sizes, n_rows)
        case.assert_decision(X=LAYOUTS[layout](case.data[0]))
        case.assert_gradient(X=LAYOUTS[layout](case.data[0]))


@over_sizes
def test_examples_may_be_one_row_again_and_again(sizes):
    case = Case(sizes, 40)
    for axis in (0, 1):
        X = np.broadcast_to(case.data[0].take([0], axis), case.data[0].shape)
        assert_same([case.outputs(X=X)], [case.outputs(X=X.copy())], 1e-12)
        assert_same(case.loss_and_gradient(X=X), case.loss_and_gradient(X=X.copy()), 1e-12)


@over_sizes
def test_examples_may_be_a_file(sizes, tmp_path):
    case = Case(sizes, 40)
    case.assert_gradient(X=mapped(case.data[0], tmp_path))


@over_sizes
@over_layouts
def test_weights_may_lie_in_memory_as_they_like(layout, sizes):
    for n_rows in (1, 9):
        case = Case(sizes, n_rows)
        coefs, _ = case.coefs_and_intercepts
        case.assert_decision(coefs=[LAYOUTS[layout](coef) for coef in coefs])


@pytest.mark.parametrize("shape", [(1, 140_000), (140_000, 1), (300, 500)], ids=str)
def test_weights_may_be_one_number_again_and_again(shape):
    case = Case(shape, 20)
    coef = np.broadcast_to(0.5, shape)
    expected = case.data[0] @ coef + case.coefs_and_intercepts[1][0]
    assert_same([case.outputs(coefs=[coef])], [expected], 1e-12)


def far_apart(matrix, axis):
    """Return a copy whose rows or columns are more numbers apart than a C int can count.

    It takes address space, but memory only for the pages that are written.
    """
    steps = [1, 1]
    steps[axis] = 2**31 + 3
    stop = sum((n - 1) * step for n, step in zip(matrix.shape, steps, strict=True)) + 1
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0x4000)
    memory = np.frombuffer(mmap.mmap(-1, stop * matrix.itemsize, flags), matrix.dtype)
    strides = [step * matrix.itemsize for step in steps]
    copied = np.lib.stride_tricks.as_strided(memory, matrix.shape, strides)
    copied[:] = matrix
    return copied


with_64_bit_linux = pytest.mark.skipif(
    not sys.platform.startswith("linux") or sys.maxsize < 2**32,
    reason="needs address space that is only reserved",
)


@with_64_bit_linux
@pytest.mark.parametrize("n_rows", [1, 3, 4, 5, 64, 65, 66])
def test_rows_may_be_farther_apart_than_an_int_counts(n_rows):
    # BLAS multiplies these weights, in blocks of 64 rows
    case = Case((8000, 200), n_rows, dtype=np.float32)
    X = far_apart(case.data[0], axis=0)
    assert_array_equal(case.outputs(X=X), case.outputs())
    losses, Delta = case.loss_and_gradient(X=X)
    right_losses, right_Delta = case.loss_and_gradient()
    assert losses == right_losses
    assert_array_equal(Delta, right_Delta)


@with_64_bit_linux
@pytest.mark.parametrize("sizes", [(6, 60_000), (7, 3)], ids=str)
def test_columns_may_be_farther_apart_than_an_int_counts(sizes):
    for n_rows in (1, 5):
        case = Case(sizes, n_rows, dtype=np.float32)
        X = far_apart(case.data[0], axis=1)
        case.assert_decision(X=X)
        case.assert_gradient(X=X)


@with_64_bit_linux
@pytest.mark.parametrize(("sizes", "axis"), [((6, 60_000), 0), ((60_000, 6), 1)], ids=str)
def test_weights_may_be_farther_apart_than_an_int_counts(sizes, axis):
    for n_rows in (1, 5):
        case = Case(sizes, n_rows, dtype=np.float32)
        coefs, _ = case.coefs_and_intercepts
        case.assert_decision(coefs=[far_apart(coefs[0], axis)])


@over_dtypes
@pytest.mark.parametrize("sizes", [*SIZES, LARGE[0]], ids=str)
def test_nothing_is_written_beside_the_results(sizes, dtype):
    for n_rows in (1, 5):
        case = Case(sizes, n_rows, dtype=dtype)
        X, Y, _ = case.data
        z, z_is_guarded = guarded(np.zeros((n_rows, sizes[-1]), dtype))
        Delta, Delta_is_guarded = guarded(np.zeros_like(case.theta))
        kind = kernels.KINDS["decision"]
        kernels.outputs(*case.coefs_and_intercepts, case.plan[1], kind, X, z)
        kernels.loss_and_gradient(case.plan, case.theta, (X, Y, None), Delta)
        assert z_is_guarded()
        assert Delta_is_guarded()
