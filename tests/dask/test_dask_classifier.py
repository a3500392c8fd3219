import pickle

import dask
import numpy as np
import pytest
from dask_data import (
    X,
    array,
    assert_same,
    classifier,
    frame,
    local,
    series,
    sparse_array,
    unknown,
    y,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import make_scorer, matthews_corrcoef
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skbp import BackpropClassifier
from skbp.callbacks import Checkpoint
from skbp.dask import DaskBackpropClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAMES = np.array([f"digit {i}" for i in range(10)])[y]
LABELS = np.column_stack([y > 4, y % 2 == 0, y % 3 == 0]).astype(int)


def close(found, expected):
    assert_allclose(found.coefs_[0], expected.coefs_[0], rtol=1e-6, atol=1e-8)
    assert_array_equal(found.classes_, expected.classes_)
    assert found.classes_.dtype == expected.classes_.dtype


# ---------------------------------------------------------------------------------- collections


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        (array, y),
        (array, NAMES),
        (array, y > 4),
        (array, y.astype(float)),
        (sparse_array, y),
        (sparse_array, y > 4),
        (unknown, y),
        (unknown, NAMES),
        (frame, y > 4),
        (frame, NAMES),
        (frame, y.astype(float)),
    ],
)
def test_each_kind_of_collection_gives_the_same_model(kind, labels):
    of_labels = {unknown: unknown, frame: series}.get(kind, array)
    found = classifier(early_stopping=False).fit(kind(X), of_labels(labels))
    close(found, local(early_stopping=False).fit(X, labels))
    assert found.n_features_in_ == 64
    assert hasattr(found, "feature_names_in_") == (kind is frame)


def test_columns_may_be_in_several_chunks():
    found = classifier(early_stopping=False).fit(array(X).rechunk({1: 30}), array(y))
    close(found, local(early_stopping=False).fit(X, y))


def test_multilabel_y():
    found = classifier(early_stopping=False).fit(array(X), array(LABELS))
    close(found, local(early_stopping=False).fit(X, LABELS))
    assert_array_equal(found.predict(array(X)).compute(), found.to_local().predict(X))


def test_a_partition_may_lack_a_class():
    order = np.argsort(y, kind="stable")
    found = classifier(early_stopping=False).fit(array(X[order]), array(y[order]))
    close(found, local(early_stopping=False).fit(X[order], y[order]))


def test_integers_and_float16_are_computed_in_float64():
    found = classifier(early_stopping=False).fit(array((8 * X).astype(np.int8)), array(y))
    assert found.coefs_[0].dtype == np.float64


def test_data_in_memory_is_treated_as_by_the_local_classifier():
    found, expected = classifier().fit(X, y), local().fit(X, y)
    assert_same(found, expected)
    assert not hasattr(found, "client_")
    assert_array_equal(found.predict(X), expected.predict(X))
    assert found.score(X, y) == expected.score(X, y)


# ---------------------------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    "given",
    [
        {"class_weight": "balanced"},
        {"class_weight": {i: i + 1.0 for i in range(10)}},
        {"label_smoothing": 0.1},
        {"loss": "squared_error"},
        {"output_activation": "softmax", "hidden_layer_sizes": (6, 5), "activation": "tanh"},
        {"solver": "gd", "learning_rate": "cosine"},
        {"solver": "gd", "max_grad_norm": 0.01, "learning_rate": "adaptive"},
        {"alpha": 3.0, "init": "lecture"},
    ],
    ids=str,
)
def test_parameters_mean_what_they_do_locally(given):
    skewed = np.where(y > 5, 1, y)
    given = {**given, "early_stopping": False}
    if isinstance(given.get("class_weight"), dict):
        given["class_weight"] = {i: i + 1.0 for i in range(6)}
    found = classifier(**given).fit(array(X), array(skewed))
    expected = local(**given).fit(X, skewed)
    close(found, expected)
    assert_allclose(found.loss_, expected.loss_, rtol=1e-9)


@pytest.mark.parametrize("class_weight", ["balanced", [{0: 1, 1: 2}, "balanced", {0: 3, 1: 1}]])
def test_class_weights_of_labels(class_weight):
    given = {"class_weight": class_weight, "early_stopping": False}
    weight = 1.0 + np.arange(len(y)) % 4
    found = classifier(**given).fit(array(X), array(LABELS), array(weight))
    close(found, local(**given).fit(X, LABELS, weight))


def test_binary_outputs():
    given = {"binary_outputs": 2, "early_stopping": False}
    close(classifier(**given).fit(array(X), array(y > 4)), local(**given).fit(X, y > 4))


def test_a_warm_start_continues():
    one = classifier(warm_start=True, early_stopping=False, max_iter=3).fit(array(X), array(y))
    before = one.coefs_[0].copy()
    again = one.set_params(max_iter=3).fit(array(X), array(y))
    expected = local(early_stopping=False, max_iter=3)
    expected.fit(X, y, coefs_init=[before, one.coefs_[1]])
    assert again.loss_ < 0.99 * again.loss_curve_[0]
    with pytest.raises(ValueError, match="same classes"):
        one.fit(array(X), array(y % 9))


def test_initialize_gives_the_cost_of_the_start_weights():
    found = classifier().initialize(array(X), array(y))
    assert_allclose(found.loss_, local().initialize(X, y).loss_, rtol=1e-12)
    assert_array_equal(found.coefs_[0], local().initialize(X, y).coefs_[0])


# ---------------------------------------------------------------------------------- validation


def test_a_share_of_each_partition_is_held_out():
    given = {"early_stopping": True, "max_iter": 40}
    found, again = (classifier(**given).fit(array(X), array(y)) for _ in range(2))
    assert_same(found, again)
    assert len(found.validation_scores_) == found.n_iter_
    n_train = found.t_ // round(found.t_ / (0.9 * len(y)))
    assert abs(n_train - 0.9 * len(y)) < 10
    assert found.score(array(X), array(y)) > 0.8


@pytest.mark.parametrize("kind", [array, np.asarray])
@pytest.mark.parametrize("scoring", [None, "roc_auc_ovr", make_scorer(matthews_corrcoef)], ids=str)
def test_a_validation_set_has_the_scores_that_it_has_locally(kind, scoring):
    train, test, sizes = slice(0, 1200), slice(1200, None), (500, 700)
    weight = 1.0 + np.arange(len(y)) % 3
    given = {"scoring": scoring, "early_stopping": True, "class_weight": "balanced"}
    parts = (lambda values: array(values, (97, 500))) if kind is array else kind
    found = classifier(**given).fit(
        array(X[train], sizes),
        array(y[train], sizes),
        X_val=parts(X[test]),
        y_val=parts(y[test]),
        sample_weight_val=parts(weight[test]),
    )
    expected = local(**given).fit(
        X[train], y[train], X_val=X[test], y_val=y[test], sample_weight_val=weight[test]
    )
    assert_allclose(found.validation_scores_, expected.validation_scores_, rtol=1e-6)
    assert_allclose(found.validation_loss_curve_, expected.validation_loss_curve_, rtol=1e-6)
    assert found.best_iter_ == expected.best_iter_


def test_a_scorer_that_may_look_at_x_is_refused_by_name():
    def scorer(estimator, X, y):
        return 0.0

    with pytest.raises(ValueError, match="scoring"):
        classifier(scoring=scorer, early_stopping=True).fit(array(X), array(y))
    with pytest.raises(ValueError, match="scoring"):
        classifier(scoring=scorer).fit(array(X), array(y), X_val=array(X), y_val=array(y))
    found = classifier(scoring=scorer, max_iter=2).fit(array(X), array(y), X_val=X, y_val=y)
    assert found.validation_scores_ == [0.0, 0.0]


def test_no_row_can_be_held_out():
    with pytest.raises(ValueError, match="validation_fraction"):
        classifier(early_stopping=True).fit(array(X[:3], (2, 1)), array([0, 1, 2], (2, 1)))


# ---------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda X, y, w: (_with(X, 700, np.nan), y, w), ["Partition 3", "NaN"]),
        (lambda X, y, w: (X, y, _with(w, 1100, -1.0)), ["Partition 4", "sample_weight"]),
        (lambda X, y, w: (X, _with(y.astype(float), 1100, 0.5), w), ["Partition 4", "label type"]),
        (lambda X, y, w: (X, y, 0 * w), ["sample_weight"]),
        (lambda X, y, w: (X, 0 * y, w), ["class"]),
    ],
)
def test_faults_in_the_data_name_the_partition(change, words):
    given = change(X, y, np.ones(len(y)))
    with pytest.raises(ValueError, match="(?s)" + ".*".join(words)):
        classifier().fit(*map(array, given))


def _with(values, row, value):
    values = values.copy()
    values[row] = value
    return values


def test_partitions_that_do_not_match_are_named():
    other = (600, 1, 0, 400, 796)
    with pytest.raises(ValueError, match="Partition 3 of X has 399 rows, and that of y has 400"):
        classifier().fit(array(X), array(y, other))
    with pytest.raises(ValueError, match=r"Partition 3: .*399 rows.* 400"):
        classifier().fit(unknown(X), unknown(y, other))
    with pytest.raises(ValueError, match=r"Partition 3: .*399 rows.* 400"):
        classifier().fit(frame(X), series(y, other))
    with pytest.raises(ValueError, match="X has 5 partitions, and y has 2"):
        classifier().fit(array(X), array(y, (1000, 797)))
    with pytest.raises(ValueError, match="X has 5 partitions, and sample_weight has 1"):
        classifier().fit(array(X), array(y), array(np.ones(len(y)), (len(y),)))


def test_labels_of_several_types_and_widths_of_x_are_refused():
    labels = [array(y[:600], (600,)), array(NAMES[600:], (1197,))]
    mixed = dask.array.concatenate([each.astype(object) for each in labels])
    mixed = mixed.map_blocks(lambda block: np.array(block.tolist()), dtype=object)
    with pytest.raises(ValueError, match="Partition 1: the labels are strings"):
        classifier().fit(array(X, (600, 1197)), mixed)
    wide = array(X).map_blocks(lambda block: block[:, : 64 - (len(block) == 797)], dtype=float)
    with pytest.raises(ValueError, match="Partition 4: X has 63 columns"):
        classifier().fit(wide, array(y))


@pytest.mark.parametrize("name", ["y", "sample_weight", "X_val", "y_val"])
def test_collections_and_arrays_are_not_mixed(name):
    given = {"X": array(X), "y": array(y)}
    if name in given:
        with pytest.raises(TypeError, match=f"{name} must be a Dask"):
            classifier().fit(**{**given, name: y})
        given = {"X": X, "y": y}
        with pytest.raises(TypeError, match=f"{name} is a Dask"):
            classifier().fit(**{**given, name: array(y)})
    with pytest.raises(TypeError, match=f"{name} is a Dask"):
        classifier().fit(**{"X": X, "y": y, name: array(y)})


def test_partial_fit_takes_no_collections_and_continues_a_fit():
    model = classifier(solver="adam", early_stopping=False).fit(array(X), array(y))
    with pytest.raises(TypeError, match="partial_fit"):
        model.partial_fit(array(X), array(y))
    before = model.loss_
    model.partial_fit(X, y)
    assert model.loss_ < before
    with pytest.raises(AttributeError, match="partial_fit"):
        _ = classifier().partial_fit


def test_other_collections_are_refused():
    bag = pytest.importorskip("dask.bag").from_sequence([1, 2])
    with pytest.raises(TypeError, match="Bag"):
        classifier().fit(bag, array(y))
    with pytest.raises(ValueError, match="two dimensions"):
        classifier().fit(array(y), array(y))
    with pytest.raises(ValueError, match="0 rows"):
        classifier().fit(array(X[:0], (0,)), array(y[:0], (0,)))


def test_a_fit_that_fails_leaves_the_model_as_it_was():
    model = classifier().fit(array(X), array(y))
    before = dict(vars(model))
    with pytest.raises(ValueError, match="NaN"):
        model.fit(array(_with(X, 5, np.nan)), array(y))
    assert vars(model) == before


# ---------------------------------------------------------------------------------- the estimator


def test_it_is_cloned_and_pickled_without_its_fit():
    model = classifier().fit(array(X), array(y))
    assert clone(model).get_params() == model.get_params()
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.predict(X), model.predict(X))
    local_model = model.to_local()
    assert type(local_model) is BackpropClassifier
    assert "client" not in vars(local_model)
    assert_array_equal(local_model.predict_proba(X), model.predict_proba(X))


def test_the_parameters_are_those_of_the_local_classifier_and_the_client():
    names, own = BackpropClassifier().get_params(), DaskBackpropClassifier().get_params()
    assert list(own) == sorted([*names, "client"])
    assert {name: own[name] for name in names} == names


def test_a_batch_larger_than_every_partition_is_named():
    model = classifier(solver="sgd", batch_size=800)
    with pytest.warns(UserWarning, match="batch_size=800 .* any partition, 797;"):
        model.fit(array(X), array(y))
    model.set_params(batch_size=700)
    model.fit(array(X), array(y))


def test_callbacks_can_save_and_resume_a_fit(tmp_path):
    given = {"solver": "adam", "early_stopping": True, "max_iter": 6, "learning_rate": "cosine"}
    undisturbed = classifier(**given).fit(array(X), array(y))
    if not hasattr(undisturbed, "set_callbacks"):
        pytest.skip("needs scikit-learn 1.9 for callbacks")
    path = tmp_path / "fit.checkpoint"
    classifier(**given).set_callbacks(Checkpoint(path, every=4)).fit(array(X), array(y))
    resumed = Checkpoint.load(path)
    assert resumed.n_iter_ == 4
    assert_same(resumed.fit(array(X), array(y)), undisturbed)


def test_it_prints_its_progress(capsys):
    classifier(verbose=True, max_iter=2, early_stopping=True).fit(array(X), array(y))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == ["Iteration 1", "Iteration 2"]
    assert "validation score" in lines[0]


def test_it_ends_a_pipeline_whose_steps_keep_collections():
    mean, scale = X.mean(axis=0), X.std(axis=0) + 1
    step = FunctionTransformer(lambda X: (X - mean) / scale)
    model = make_pipeline(step, classifier(early_stopping=False)).fit(array(X), array(y))
    assert dask.is_dask_collection(model.predict(array(X)))
    expected = local(early_stopping=False).fit((X - mean) / scale, y)
    close(model[-1], expected)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_the_local_schedulers_give_the_same_bits(scheduler):
    with dask.config.set(scheduler=scheduler):
        found = classifier().fit(array(X), array(y))
    assert found.client_ is None
    assert_same(found, classifier().fit(array(X), array(y)))


def test_sparse_blocks_are_not_made_dense():
    seen = []

    def look(block):
        seen.append(sparse.issparse(block))
        return block

    model = classifier(early_stopping=False, max_iter=2)
    model.fit(sparse_array(X).map_blocks(look, meta=sparse.csr_array((0, 64))), array(y))
    assert seen
    assert all(seen)
