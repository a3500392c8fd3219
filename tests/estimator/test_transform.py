"""transform: the activations of a layer, as features for another model."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from fitting import (
    IRIS,
    PROBLEMS,
    ROUNDED,
    Small,
    every_problem,
    every_solver,
    may_stop_early,
    theta_of,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from skbp import BackpropClassifier
from skbp.network import Network

pytestmark = may_stop_early

X, y = IRIS
FRAME = pd.DataFrame(X, columns=list("abcd"), index=range(1000, 1150))
DEEP = (7, 6, 5)


@pytest.fixture(scope="module")
def deep():
    return BackpropClassifier(DEEP, "tanh", max_iter=8, random_state=0).fit(X, y)


def activations_of(model, X):
    sizes = (X.shape[1], *DEEP, model.n_outputs_)
    network = Network(sizes, "tanh", model.out_activation_)
    return network.forward(theta_of(model, network), X)[0]


# -------------------------------------------------------------------------------------- values


@every_problem
@pytest.mark.parametrize("output_activation", ["logistic", "softmax"])
def test_it_is_the_activations_of_forward_propagation(problem, output_activation):
    X, y = PROBLEMS[problem]
    model = BackpropClassifier(
        DEEP, "tanh", output_activation=output_activation, max_iter=8, random_state=0
    ).fit(X, y)
    a = activations_of(model, X)
    for layer in (2, 3, 4, 5):
        assert_allclose(model.transform(X, layer=layer), a[layer - 1], **ROUNDED)


def test_by_default_it_is_the_last_hidden_layer(deep):
    assert_allclose(deep.transform(X), activations_of(deep, X)[3], **ROUNDED)
    assert deep.transform(X).shape == (150, 5)


def test_the_output_layer_is_the_hypothesis(deep):
    h = deep.transform(X, layer=deep.n_layers_)
    assert_allclose(h, 1 / (1 + np.exp(-deep.decision_function(X))), rtol=1e-12)


@every_solver
def test_every_solver_has_it(solver):
    model = Small(solver=solver, max_iter=3).fit(X, y)
    assert model.transform(X).shape == (150, 5)
    assert_allclose(
        model.transform(X) @ model.coefs_[1] + model.intercepts_[1],
        model.decision_function(X),
        **ROUNDED,
    )


def test_fit_transform_is_fit_and_then_transform(deep):
    weight = np.linspace(1, 2, 150)
    transformed = clone(deep).fit_transform(X, y, sample_weight=weight)
    assert_array_equal(transformed, clone(deep).fit(X, y, weight).transform(X))


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array])
def test_sparse_is_transformed_as_dense(deep, container):
    assert_allclose(deep.transform(container(X)), deep.transform(X), **ROUNDED)


def test_with_a_float32_x_the_result_is_float32(deep):
    assert deep.transform(X.astype(np.float32)).dtype == np.float32
    assert deep.transform(X.astype(np.float32), layer=5).dtype == np.float32


def test_edited_weights_are_used():
    model = Small().initialize(X, y)
    model.coefs_[0][:] = 0
    model.intercepts_[0][:] = 0
    assert_array_equal(model.transform(X), np.full((150, 5), 0.5))


# ------------------------------------------------------------------------ names and containers


def names(n):
    return [f"backpropclassifier{i}" for i in range(n)]


def test_feature_names_out_are_of_the_last_hidden_layer(deep):
    assert deep.get_feature_names_out().tolist() == names(5)
    assert deep.get_feature_names_out(["ignored"] * 4).tolist() == names(5)


@pytest.mark.parametrize(("kind", "frame"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
@pytest.mark.parametrize("given", [X, FRAME, pl.DataFrame(X, schema=list("abcd"))], ids=type)
@pytest.mark.parametrize(("layer", "n_units"), [(None, 5), (2, 7), (3, 6), (4, 5), (5, 3)])
def test_set_output(deep, kind, frame, given, layer, n_units):
    model = clone(deep).fit(given, y).set_output(transform=kind)
    transformed = model.transform(given, layer=layer)
    assert type(transformed) is frame
    assert list(transformed.columns) == names(n_units)
    assert_array_equal(transformed.to_numpy(), deep.transform(X, layer=layer))
    assert model.get_feature_names_out().tolist() == names(5)


def test_set_output_keeps_the_index(deep):
    model = clone(deep).fit(FRAME, y).set_output(transform="pandas")
    assert_array_equal(model.transform(FRAME, layer=2).index, FRAME.index)
    assert_array_equal(model.fit_transform(FRAME, y).index, FRAME.index)


def test_set_output_does_not_change_predictions(deep):
    model = clone(deep).fit(FRAME, y).set_output(transform="pandas")
    assert type(model.predict(FRAME)) is type(model.predict_proba(FRAME)) is np.ndarray


def test_the_default_output_is_an_array(deep):
    model = clone(deep).fit(FRAME, y)
    assert type(model.transform(FRAME)) is type(model.transform(FRAME, layer=2)) is np.ndarray


# ------------------------------------------------------------------------------- in a pipeline


def test_a_trained_network_extracts_features():
    network = BackpropClassifier((3,), alpha=0.01, random_state=0)
    pipeline = make_pipeline(StandardScaler(), network, LogisticRegression())
    pipeline.fit(X, y)
    assert pipeline.score(X, y) > 0.95
    hidden = network.fit(StandardScaler().fit_transform(X), y).transform(
        StandardScaler().fit_transform(X)
    )
    assert_array_equal(pipeline.predict(X), LogisticRegression().fit(hidden, y).predict(hidden))
    assert pipeline[:-1].get_feature_names_out().tolist() == names(3)


def test_features_are_named_through_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), Small(), LogisticRegression())
    pipeline.set_output(transform="pandas").fit(FRAME, y)
    assert_array_equal(pipeline[-1].feature_names_in_, names(5))


def test_it_can_be_added_to_the_features_themselves():
    union = FeatureUnion([("raw", "passthrough"), ("learned", Small())])
    union.fit(FRAME, y)
    assert union.transform(FRAME).shape == (150, 9)
    assert union.get_feature_names_out().tolist() == [
        *(f"raw__{name}" for name in "abcd"),
        *(f"learned__{name}" for name in names(5)),
    ]


def test_the_layer_can_be_routed():
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(StandardScaler(), Small().set_transform_request(layer=True))
        output = pipeline.fit(X, y).transform(X, layer=3)
        assert_array_equal(output, pipeline[-1].transform(StandardScaler().fit_transform(X), 3))


def test_its_parameters_can_be_searched():
    pipeline = make_pipeline(Small(max_iter=20), LogisticRegression())
    grid = {"backpropclassifier__hidden_layer_sizes": [(2,), (4,)]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    assert search.score(X, y) > 0.9


def test_it_is_a_classifier_and_a_transformer():
    tags = get_tags(BackpropClassifier())
    assert tags.estimator_type == "classifier"
    assert tags.transformer_tags is not None


# -------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("layer", [1, 0, -1, 6, 2.0, 2.5, "2", True])
def test_there_is_no_such_layer(deep, layer):
    with pytest.raises(ValueError, match=rf"layer must be from 2 to 5\. Got {layer!r} instead"):
        deep.transform(X, layer=layer)


def test_numpys_integers_number_layers_too(deep):
    assert deep.transform(X, layer=np.int64(2)).shape == (150, 7)


def test_without_hidden_layers_only_the_output_layer_can_be_asked_for():
    model = Small().set_params(hidden_layer_sizes=()).fit(X, y)
    with pytest.raises(ValueError, match="There is no hidden layer to transform with"):
        model.transform(X)
    with pytest.raises(ValueError, match=r"layer must be from 2 to 2\. Got 1 instead"):
        model.transform(X, layer=1)
    h = model.transform(X, layer=2)
    assert_allclose(h, 1 / (1 + np.exp(-model.decision_function(X))), rtol=1e-12)


@pytest.mark.parametrize("method", ["transform", "get_feature_names_out"])
def test_not_fitted(method):
    arguments = [X] if method == "transform" else []
    with pytest.raises(NotFittedError, match="This BackpropClassifier instance is not fitted yet"):
        getattr(BackpropClassifier(), method)(*arguments)
