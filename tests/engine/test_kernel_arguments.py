"""skbp.engine._kernels: arguments that the kernels refuse, because the C code checks nothing."""

from itertools import pairwise

import numpy as np
import pytest
from kernel_cases import Case, fields_of
from layouts import unaligned
from numpy.testing import assert_array_equal

from skbp.engine.compiled import kernels
from skbp.solvers import Adam, Momentum

CASE = Case((4, 5, 3), 6, weighted=True)
BATCHES = {"lambda_m": 0.1, "mean_weight": 1.0, "max_norm": -1.0, "batch_size": 2}


def arguments():
    """Return valid arguments of epoch and loss_and_gradient, by name."""
    X, Y, sample_weight = CASE.data
    return {
        "plan": CASE.plan,
        "theta": CASE.theta,
        "X": X,
        "Y": Y,
        "weights": sample_weight,
        "order": np.arange(6),
        "batches": BATCHES,
        "rule": fields_of(Adam(), 0.05),
        "averages": [np.zeros_like(CASE.theta) for _ in range(2)],
        "Delta": np.zeros_like(CASE.theta),
    }


def call(kernel, names, changed):
    given = {**arguments(), **changed}
    given["examples"] = tuple(given[name] for name in ("X", "Y", "weights"))
    return kernel(*(given[name] for name in names))


def call_epoch(**changed):
    names = ("plan", "theta", "examples", "order", "batches", "rule", "averages")
    return call(kernels.epoch, names, changed)


def call_gradient(**changed):
    return call(kernels.loss_and_gradient, ("plan", "theta", "examples", "Delta"), changed)


def call_outputs(**changed):
    coefs, intercepts = CASE.coefs_and_intercepts
    given = {"coefs": coefs, "intercepts": intercepts, "g": CASE.plan[1]}
    given |= {"kind": kernels.KINDS["softmax"], "X": CASE.data[0], "out": np.zeros((6, 3))}
    return kernels.outputs(*{**given, **changed}.values())


over_calls_of_training = pytest.mark.parametrize("call_", [call_epoch, call_gradient])

CHANGES = {
    "other_float": lambda a: a.astype(np.float32),
    "long_double": lambda a: a.astype(np.longdouble),
    "integers": lambda a: a.astype(np.int64),
    "complex": lambda a: a.astype(complex),
    "objects": lambda a: a.astype(object),
    "other_byte_order": lambda a: a.astype(a.dtype.newbyteorder()),
    "unaligned": unaligned,
    "one_more_axis": lambda a: a[np.newaxis],
    "one_axis_less": lambda a: np.array(a[0]),
    "empty": lambda a: a[..., :0],
    "one_less": lambda a: a[..., :-1].copy(),
    "one_more": lambda a: np.concatenate([a, a[..., :1]], axis=-1),
}
NOT_CONTIGUOUS = {
    "backwards": lambda a: a[::-1],
    "every_second": lambda a: np.repeat(a, 2, axis=0)[::2],
    "one_number": lambda a: np.broadcast_to(a[:1], a.shape),
}
UNFIT = r"Expected|fit"
over_changes = pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))


def test_what_is_not_changed_is_not_refused():
    call_epoch()
    call_gradient()
    call_outputs()


@over_changes
@pytest.mark.parametrize("name", ["theta", "X", "Y", "weights"])
def test_arrays_of_another_kind_or_shape_are_refused(name, change):
    changed = {name: change(arguments()[name])}
    with pytest.raises(ValueError, match=UNFIT):
        call_epoch(**changed)
    with pytest.raises(ValueError, match=UNFIT):
        call_gradient(**changed)


@over_changes
def test_results_of_another_kind_or_shape_are_refused(change):
    with pytest.raises(ValueError, match=UNFIT):
        call_gradient(Delta=change(CASE.theta))
    with pytest.raises(ValueError, match=UNFIT):
        call_outputs(out=change(np.zeros((6, 3))))
    for averages in ([change(CASE.theta), CASE.theta], [CASE.theta, change(CASE.theta)]):
        with pytest.raises(ValueError, match=UNFIT):
            call_epoch(averages=averages)


@over_changes
@pytest.mark.parametrize("layer", [0, 1])
def test_weights_of_another_kind_or_shape_are_refused(layer, change):
    for name, arrays in zip(("coefs", "intercepts"), CASE.coefs_and_intercepts, strict=True):
        arrays[layer] = change(arrays[layer])
        with pytest.raises(ValueError, match=UNFIT):
            call_outputs(**{name: arrays})


@pytest.mark.parametrize("layout", NOT_CONTIGUOUS.values(), ids=list(NOT_CONTIGUOUS))
@pytest.mark.parametrize("name", ["theta", "Y", "weights", "order", "Delta"])
def test_arrays_that_must_be_contiguous_are_refused_otherwise(name, layout):
    with pytest.raises(ValueError, match=r"contiguous|read-only"):
        (call_gradient if name == "Delta" else call_epoch)(**{name: layout(arguments()[name])})


def test_targets_by_columns_are_refused():
    with pytest.raises(ValueError, match="contiguous"):
        call_epoch(Y=np.asfortranarray(CASE.data[1]))


def read_only(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "refused",
    [
        lambda: call_epoch(theta=read_only(CASE.theta)),
        lambda: call_epoch(averages=[read_only(CASE.theta), CASE.theta]),
        lambda: call_epoch(averages=[CASE.theta, read_only(CASE.theta)]),
        lambda: call_gradient(Delta=read_only(CASE.theta)),
        lambda: call_outputs(out=read_only(np.zeros((6, 3)))),
    ],
    ids=["theta", "m", "v", "Delta", "out"],
)
def test_read_only_results_are_refused(refused):
    with pytest.raises(ValueError, match="read-only"):
        refused()


@pytest.mark.parametrize("row", [-1, 6, 2**40, -(2**62)])
def test_orders_that_leave_the_rows_are_refused(row):
    with pytest.raises(ValueError, match="order must hold the row numbers 0 to 5"):
        call_epoch(order=np.array([0, 1, 2, 3, 4, row]))


@pytest.mark.parametrize(
    "order", [np.arange(5), np.arange(7), np.arange(6.0), np.arange(6, dtype=np.int32)], ids=repr
)
def test_orders_of_another_kind_or_length_are_refused(order):
    with pytest.raises(ValueError, match="Expected"):
        call_epoch(order=order)


@pytest.mark.parametrize("batch_size", [0, -2, None, np.nan, -(2**64)])
def test_batches_of_no_rows_are_refused(batch_size):
    with pytest.raises(ValueError, match="batch_size must be positive"):
        call_epoch(batches={**BATCHES, "batch_size": batch_size})


def test_more_layers_than_there_is_room_for_are_refused():
    too_deep = Case((2,) * (kernels.MOST_LAYERS + 1), 5)
    with pytest.raises(ValueError, match="Expected at most 64 layers"):
        too_deep.loss_and_gradient()
    with pytest.raises(ValueError, match="Expected at most 64 layers"):
        too_deep.outputs()


@over_calls_of_training
@pytest.mark.parametrize(
    "sizes",
    [
        (),
        (4,),
        (0, 3),
        (4, -5, 3),
        (-(2**62), 3),
        (-(2**64), 3),
        (2**48, 3),
        (2**61, 4),
        (2**62, 3),
        (2**62 - 1, 4),  # whose product is 2^64
        (2**63 - 1, 1),
        (2**64, 3),
        (3, 2**62),
        (3, 2**64),
        (2**32 - 1, 2**32),
        (2**31, 2**31, 3),
        (2**24 - 1, 2**23, 2**24 - 1, 2**23),  # 2^48 in all
    ],
    ids=str,
)
def test_sizes_of_no_possible_network_are_refused(call_, sizes):
    plan = (sizes, (0,) * max(len(sizes) - 2, 0), *CASE.plan[2:])
    with pytest.raises(ValueError, match="Expected"):
        call_(plan=plan)


def constant_weights(*sizes):
    """Return coefs and intercepts without memory: one number, broadcast."""
    coefs = [np.broadcast_to(0.5, shape) for shape in pairwise(sizes)]
    return {"coefs": coefs, "intercepts": [np.broadcast_to(0.5, n_out) for n_out in sizes[1:]]}


@pytest.mark.parametrize("sizes", [(4, 2**57, 3), (4, 2**30, 2**29), (2**30, 2**29, 3)], ids=str)
def test_more_weights_than_any_memory_holds_are_refused(sizes):
    with pytest.raises(ValueError, match=r"Expected at most 281474976710656 weights|units"):
        call_outputs(**constant_weights(*sizes))


@pytest.mark.parametrize("n_hidden", [2**43, 2**44])
def test_a_workspace_larger_than_the_address_space_is_a_memory_error(n_hidden):
    with pytest.raises(MemoryError):
        call_outputs(**constant_weights(4, n_hidden, 3))


@over_calls_of_training
def test_examples_without_targets_are_refused(call_):
    with pytest.raises(ValueError, match="Expected targets Y, got None"):
        call_(Y=None)


@pytest.mark.parametrize("given", [(), CASE.data[:2], (*CASE.data, CASE.data[2])], ids=len)
def test_examples_are_three(given):
    with pytest.raises(ValueError, match="unpack"):
        kernels.loss_and_gradient(CASE.plan, CASE.theta, given, CASE.theta)
    with pytest.raises(ValueError, match="unpack"):
        kernels.epoch(CASE.plan, CASE.theta, given, None, BATCHES, fields_of(Adam(), 0.05), [])


@over_calls_of_training
@pytest.mark.parametrize("code", [-1, kernels.OUTPUTS["softmax"] + 1, 2**31, 2**32 + 1, None])
def test_codes_of_nothing_are_refused(call_, code):
    sizes, g, output, loss = CASE.plan
    for plan in [(sizes, (code,), output, loss), (sizes, g, code, loss), (sizes, g, output, code)]:
        with pytest.raises(ValueError, match="Expected one of the codes"):
            call_(plan=plan)
    with pytest.raises(ValueError, match="Expected one of the codes"):
        call_outputs(g=(code,))


def test_codes_of_something_else_are_refused():
    sizes, g, output, loss = CASE.plan
    softmax, relu = kernels.OUTPUTS["softmax"], kernels.HIDDEN["relu"]
    for plan in [
        (sizes, (softmax,), output, loss),
        (sizes, g, relu, loss),
        (sizes, g, output, relu),
        (sizes, g, output),
    ]:
        with pytest.raises(ValueError, match=r"Expected one of the codes|unpack"):
            call_gradient(plan=plan)


@pytest.mark.parametrize("kind", [-1, len(kernels.KINDS), 2**31 - 1])
def test_outputs_of_no_kind_are_refused(kind):
    with pytest.raises(ValueError, match="Expected one of the codes"):
        call_outputs(kind=kind)


def test_coefs_and_intercepts_that_are_not_as_many_are_refused():
    coefs, intercepts = CASE.coefs_and_intercepts
    for changed in [
        {"coefs": [], "intercepts": [], "g": ()},
        {"coefs": coefs[:1]},
        {"intercepts": intercepts[:1]},
        {"coefs": [], "g": ()},
    ]:
        with pytest.raises(ValueError, match="Expected"):
            call_outputs(**changed)


FIELDS = [("batches", name) for name in BATCHES] + [
    ("rule", name) for name in fields_of(Adam(), 0.05)
]


@pytest.mark.parametrize(("argument", "name"), FIELDS)
def test_batches_and_rules_have_exactly_their_fields(argument, name):
    fields = dict(arguments()[argument])
    with pytest.raises(ValueError, match="Expected the fields"):
        call_epoch(**{argument: {**fields, "surplus": 1}})
    del fields[name]
    with pytest.raises(ValueError, match=rf"{name}"):
        call_epoch(**{argument: fields})
    with pytest.raises(ValueError, match=rf"{name}|fields"):
        call_epoch(**{argument: {**fields, "surplus": 1}})


@pytest.mark.parametrize("t", [-1, 2**63 - 2, 2**63 - 1, 2**64, np.nan])
def test_numbers_of_steps_that_cannot_be_counted_are_refused(t):
    with pytest.raises(ValueError, match="t must be a number of steps"):
        call_epoch(rule=fields_of(Adam(), 0.05, t))


def test_other_numbers_of_averages_are_refused():
    zeros = [np.zeros_like(CASE.theta) for _ in range(3)]
    for rule, n_averages in [(Adam(), 0), (Adam(), 1), (Adam(), 3), (Momentum(), 2)]:
        with pytest.raises(ValueError, match="Expected one average, or two for Adam"):
            call_epoch(rule=fields_of(rule, 0.05), averages=zeros[:n_averages])


def test_arrays_may_be_neighbours_in_memory():
    given, expected, stop = arguments(), arguments(), 0
    memory = np.zeros(300)

    def moved(array):
        nonlocal stop
        start, stop = stop, stop + array.size
        view = memory[start:stop].reshape(array.shape)
        view[:] = array
        return view

    given |= {name: moved(given[name]) for name in ("theta", "X", "Y", "weights", "Delta")}
    given["averages"] = [moved(average) for average in given["averages"]]
    assert call_gradient(**given) == call_gradient(**expected)
    assert call_epoch(**given) == call_epoch(**expected)
    for name in ("theta", "Delta", "averages"):
        assert_array_equal(given[name], expected[name])


def overlapping(array):
    """Return two arrays like this one; the second begins with the last number of the first."""
    memory = np.zeros(2 * array.size - 1)
    first, second = memory[: array.size], memory[array.size - 1 :]
    first[:] = array.ravel()
    return first.reshape(array.shape), second.reshape(array.shape)


def test_results_that_share_memory_with_other_arrays_are_refused():
    theta = CASE.theta
    first, second = overlapping(theta)
    rows = np.zeros((20, 4))
    rows[::-3][:6] = CASE.data[0]
    for refused in [
        lambda: call_gradient(theta=theta, Delta=theta),
        lambda: call_gradient(theta=first, Delta=second),
        lambda: call_gradient(theta=second, Delta=first),
        # of X, every third row, the last one first
        lambda: call_gradient(X=rows[::-3][:6], Delta=rows.ravel()[16 : 16 + theta.size]),
        lambda: call_epoch(theta=first, averages=[second, theta]),
        lambda: call_epoch(theta=first, averages=[theta, second]),
        lambda: call_epoch(averages=[first, second]),
        lambda: call_epoch(averages=[theta, theta]),
        lambda: call_epoch(X=theta[:24].reshape(6, 4), theta=theta),
        lambda: call_epoch(Y=theta[:18].reshape(6, 3), theta=theta),
        lambda: call_epoch(weights=theta[-6:], theta=theta),
        lambda: call_outputs(X=rows[:6], out=rows.ravel()[20:38].reshape(6, 3)),
    ]:
        with pytest.raises(ValueError, match="share no memory"):
            refused()
    out = np.zeros((6, 3))
    for name in ("coefs", "intercepts"):
        coefs, intercepts = CASE.coefs_and_intercepts
        changed = {"coefs": coefs, "intercepts": intercepts}
        changed[name][1] = out[:5] if name == "coefs" else out[0]
        with pytest.raises(ValueError, match="share no memory"):
            call_outputs(out=out, **changed)


def test_memory_that_is_not_aligned_is_refused_whoever_owns_it():
    # NumPy marks such an array by its format, a memoryview does not
    memory = memoryview(bytearray(8 * CASE.theta.size + 1))
    with pytest.raises(ValueError, match="aligned"):
        call_gradient(Delta=memory[1:].cast("d"))
    call_gradient(Delta=memory[:-1].cast("d"))
    padded = np.zeros(6, [("x", "f8", 4), ("tag", "i4")])["x"]
    assert padded.strides == (36, 8)
    with pytest.raises(ValueError, match="Expected"):
        call_gradient(X=padded)


def test_another_number_of_activations_than_of_hidden_layers_is_refused():
    # with none, two units would be the outputs, for whose targets Y is too small
    sizes, g, output, loss = Case((4, 2, 1), 6).plan
    _, Y, _ = Case((4, 2, 1), 6).data
    theta = np.zeros(10)
    with pytest.raises(ValueError, match="activations"):
        call_gradient(plan=(sizes, (), output, loss), theta=theta, Y=Y, Delta=theta.copy())
    with pytest.raises(ValueError, match="activations"):
        call_gradient(plan=(CASE.sizes, (*g, *g), output, loss))
    with pytest.raises(ValueError, match="activations"):
        call_outputs(g=())
