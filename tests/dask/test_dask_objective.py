import warnings

import numpy as np
import pytest
from dask_data import X, array, assert_same, classifier, local, y
from numpy.testing import assert_allclose

from skbp.dask.objective import pieces
from skbp.engine.blocks import blocks
from skbp.network import Network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LARGE = np.tile(X, (4, 1)), np.tile(y, 4)
LARGE_NETWORK = {"hidden_layer_sizes": (50,), "early_stopping": False, "max_iter": 4}
N_PARAMETERS = Network((64, 50, 10)).n_parameters
BLOCKS = tuple(block.stop - block.start for block in blocks(len(LARGE[0]), N_PARAMETERS))
LINE_SEARCHES = ["gd", "cg", "lbfgs"]


@pytest.mark.parametrize("rows", [(7000,), (5, 0, 2048, 4096), (1, 1, 1), (300, 2500, 10)])
def test_the_pieces_are_all_rows_once_and_no_larger_than_a_block(rows):
    largest = max(block.stop - block.start for block in blocks(sum(rows), N_PARAMETERS))
    for n, own in zip(rows, pieces(rows, N_PARAMETERS), strict=True):
        covered = [i for piece in own for i in range(piece.start, piece.stop)]
        assert covered == list(range(n))
        assert all(piece.stop - piece.start <= largest for piece in own)


@pytest.mark.parametrize("solver", LINE_SEARCHES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [BLOCKS, (len(LARGE[0]),)], ids=["blocks", "one"])
def test_partitions_that_are_blocks_give_the_bits_of_the_local_classifier(solver, dtype, sizes):
    assert len(BLOCKS) > 2
    given, labels = LARGE[0].astype(dtype), LARGE[1]
    expected = local(solver=solver, **LARGE_NETWORK).fit(given, labels)
    found = classifier(solver=solver, **LARGE_NETWORK)
    found.fit(array(given, sizes), array(labels, sizes))
    assert_same(found, expected)
    assert found.coefs_[0].dtype == dtype


@pytest.mark.parametrize("solver", LINE_SEARCHES)
def test_other_partitions_give_the_same_model_up_to_rounding(solver):
    expected = local(solver=solver, early_stopping=False).fit(X, y)
    found = classifier(solver=solver, early_stopping=False).fit(array(X), array(y))
    assert_allclose(found.coefs_[0], expected.coefs_[0], rtol=1e-7, atol=1e-9)
    assert (found.n_iter_, found.t_) == (expected.n_iter_, expected.t_)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("rate", [0.01, "auto"])
def test_without_a_shuffle_one_partition_makes_the_steps_of_the_local_classifier(solver, rate):
    given = {"solver": solver, "shuffle": False, "early_stopping": False}
    given |= {"learning_rate_init": rate}
    expected = local(**given, learning_rate="cosine").fit(X, y)
    found = classifier(**given, learning_rate="cosine").fit(
        array(X, (len(X),)), array(y, (len(y),))
    )
    if rate != "auto":
        assert_same(found, expected)
    assert found._state.training.progress.rate == expected._state.training.progress.rate


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_batch_lies_in_one_partition(solver):
    given = {"solver": solver, "shuffle": False, "early_stopping": False, "batch_size": 100}
    given |= {"learning_rate_init": 0.01, "max_iter": 1, "hidden_layer_sizes": (3,)}
    sizes = (250, 130)
    found = classifier(**given).fit(array(X[:380], sizes), array(y[:380], sizes))
    start = local(**given).initialize(X[:380], y[:380])
    objective = _objective(start, X[:380], y[:380])
    theta = start.network_.pack(_thetas(start))
    update = _update(solver, theta)
    for rows in (slice(0, 100), slice(100, 200), slice(200, 250), slice(250, 350), slice(350, 380)):
        _, D = objective.take(rows)(theta)
        theta = theta + update(D)
    assert_allclose(found.network_.pack(_thetas(found)), theta, rtol=1e-9, atol=1e-12)


def _thetas(model):
    from skbp.weights import join

    return join(model.coefs_, model.intercepts_)


def _objective(model, given, labels):
    from skbp.objective import Objective

    return Objective(model.network_, given, np.eye(10)[labels], alpha=model.alpha_)


def _update(solver, theta):
    from skbp.solvers import Adam, Momentum
    from skbp.solvers.update_rules import Update

    rule = {"adam": Adam(), "sgd": Momentum()}[solver]
    return Update(rule, rule.init(theta), 0.01)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_an_epoch_draws_an_order_of_the_partitions_and_of_their_rows(solver):
    given = {"solver": solver, "early_stopping": False, "learning_rate_init": 0.01}
    whole, labels = array(X), array(y)
    one, again, other = (
        classifier(**given, random_state=seed).fit(whole, labels) for seed in (0, 0, 1)
    )
    assert_same(one, again)
    assert one.loss_curve_ != other.loss_curve_
    assert one.loss_curve_ != classifier(**given, shuffle=False).fit(whole, labels).loss_curve_
    assert one.loss_curve_[-1] < one.loss_curve_[0]


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_dropout_draws_other_units_each_epoch_and_the_same_for_a_seed(solver):
    given = {"solver": solver, "dropout": 0.5, "shuffle": False, "early_stopping": False}
    one, again = (classifier(**given).fit(array(X), array(y)) for _ in range(2))
    assert_same(one, again)
    without = classifier(**{**given, "dropout": 0.0}).fit(array(X), array(y))
    assert one.loss_curve_ != without.loss_curve_


def test_weights_count_as_repeated_rows():
    counts = np.arange(len(y)) % 3
    expected = local(early_stopping=False).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    found = classifier(early_stopping=False)
    found.fit(array(X), array(y), sample_weight=array(counts.astype(float)))
    assert_allclose(found.coefs_[0], expected.coefs_[0], rtol=1e-6, atol=1e-8)
    assert found.alpha_ == expected.alpha_


def test_a_partition_whose_rows_all_have_a_weight_of_0_adds_nothing():
    weight = np.ones(len(y))
    weight[:600] = 0
    found = classifier(early_stopping=False).fit(array(X), array(y), array(weight))
    expected = local(early_stopping=False).fit(X[600:], y[600:])
    assert_allclose(found.coefs_[0], expected.coefs_[0], rtol=1e-6, atol=1e-8)


def test_a_fit_warns_as_the_local_classifier_does():
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        classifier(early_stopping=False).fit(array(X), array(y))
    with warnings.catch_warnings(record=True) as expected:
        warnings.simplefilter("always")
        local(early_stopping=False).fit(X, y)
    assert [str(each.message) for each in found] == [str(each.message) for each in expected]
    assert found[0].filename == __file__


def test_neighbours_are_added_up_first_where_delta_is_large(monkeypatch):
    from skbp.dask import objective
    from skbp.dask.objective import Cost, PartitionedObjective
    from skbp.dask.partitions import LocalPartitions
    from skbp.estimator.data import Dataset

    n, network, rng = 70, Network((3, 2, 1)), np.random.default_rng(0)
    theta = network.initialize(0)
    given = rng.standard_normal((n, 2, 3)), rng.integers(2, size=(n, 2, 1)).astype(float)
    parts = [Dataset(rows, Y[:, 0], Y, None, None) for rows, Y in zip(*given, strict=True)]
    cost = Cost(network, "log_loss", 0.0, (2.0 * n, 2 * n))
    partitions = LocalPartitions([lambda part=part: part for part in parts])
    found = PartitionedObjective(partitions, [2] * n, cost, np.dtype(float))
    plain = found(theta)
    monkeypatch.setattr(objective, "_MOST_BYTES", 1)
    J, D = found(theta)
    each = [2 * np.hstack(cost.on(part)(theta)) for part in parts]
    of_eight = [sum(each[i + 1 : i + 8], each[i]) for i in range(0, n, 8)]
    of_64 = sum(of_eight[1:8], of_eight[0]), of_eight[8]
    np.testing.assert_array_equal([J, *D], (of_64[0] + of_64[1]) / (2 * n))
    assert (plain[1] != D).any(), "the order matters"
    assert_allclose(D, plain[1], rtol=1e-12)
