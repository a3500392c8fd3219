"""Custom activations and losses, and lists with an activation for each hidden layer."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest
from fitting import (
    FULL_BATCH,
    IRIS,
    PROBLEMS,
    ROUNDED,
    Brief,
    Small,
    assert_same_model,
    every_mini_batch_solver,
    every_problem,
    every_solver,
    may_stop_early,
    theta_of,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbp import BackpropClassifier
from skbp.activations import ACTIVATIONS, Activation
from skbp.gradient_check import check_gradient
from skbp.losses import LOSSES
from skbp.network import Network
from skbp.objective import Objective

pytestmark = may_stop_early

X, y = IRIS


# functions of a module can be pickled
def softsign(z):
    return z / (1 + np.abs(z))


def softsign_prime(a):
    # g′(z) = 1 / (1 + |z|)², and 1 − |a| = 1 / (1 + |z|)
    return (1 - np.abs(a)) ** 2


def logistic(z):
    return 1 / (1 + np.exp(-z))


def logistic_prime(a):
    return a * (1 - a)


SOFTSIGN = Activation(softsign, softsign_prime, name="softsign", bounded=True)
CUSTOM_LOGISTIC = Activation(
    logistic, logistic_prime, start_bound=ACTIVATIONS["logistic"].start_bound
)


# -------------------------------------------------------------------------- custom activations


@every_solver
@every_problem
def test_a_custom_activation_is_that_of_the_hidden_units(solver, problem):
    X, y = PROBLEMS[problem]
    model = Brief(activation=SOFTSIGN, solver=solver).fit(X, y)
    z = X @ model.coefs_[0] + model.intercepts_[0]
    assert_allclose(model.transform(X), z / (1 + np.abs(z)), **ROUNDED)


@every_solver
def test_an_activation_with_the_formulas_of_a_built_in_one_gives_the_same_model(solver):
    model = Brief(activation=CUSTOM_LOGISTIC, solver=solver, learning_rate_init=0.1).fit(X, y)
    reference = Brief(activation="logistic", solver=solver, learning_rate_init=0.1).fit(X, y)
    assert_same_model(model, reference, rtol=1e-8, atol=1e-10)


@every_solver
@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_a_built_in_activation_may_be_passed_as_an_object(solver, name):
    model = Brief(activation=ACTIVATIONS[name], solver=solver).fit(X, y)
    assert_same_model(model, Brief(activation=name, solver=solver).fit(X, y))


def test_a_network_with_a_custom_activation_learns():
    model = BackpropClassifier(activation=SOFTSIGN, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.96


def with_automatic_rate(model, rate="auto"):
    """Train a model where nothing finds the rate: with a schedule, or in a stream."""
    if model.solver == "gd":
        return model.set_params(learning_rate="invscaling", learning_rate_init=rate).fit(X, y)
    model.set_params(shuffle=False, learning_rate_init=rate)
    for _ in range(8):
        model.partial_fit(X, y, [0, 1, 2])
    return model


@pytest.mark.parametrize("solver", ["gd", "sgd"])
def test_the_automatic_rate_depends_on_whether_it_is_bounded(solver):
    first, second = (
        with_automatic_rate(Brief(activation=activation, solver=solver))
        for activation in (SOFTSIGN, Activation(softsign, softsign_prime, bounded=False))
    )
    rates = {"gd": (0.2, 0.1), "sgd": (0.02, 0.01)}[solver]
    for model, rate in zip((first, second), rates, strict=True):
        given = Brief(activation=SOFTSIGN, solver=solver)
        assert_same_model(model, with_automatic_rate(given, rate), rtol=1e-12)


@every_solver
def test_a_custom_activation_can_be_pickled_and_cloned(solver):
    model = Brief(activation=SOFTSIGN, solver=solver).fit(X, y)
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert_array_equal(twin.predict_proba(X), model.predict_proba(X))
        assert twin.activation == SOFTSIGN
    assert_same_model(clone(model).fit(X, y), model)
    assert clone(model).get_params() == model.get_params()


def test_a_custom_activation_in_a_search_with_two_jobs():
    pipeline = make_pipeline(StandardScaler(), Brief(max_iter=30))
    grid = {
        "backpropclassifier__activation": [SOFTSIGN, "tanh", CUSTOM_LOGISTIC],
        "backpropclassifier__solver": ["lbfgs", "adam"],
    }
    alone, together = (
        GridSearchCV(pipeline, grid, cv=3, n_jobs=n_jobs, error_score="raise").fit(X, y)
        for n_jobs in (1, 2)
    )
    assert_array_equal(
        alone.cv_results_["mean_test_score"], together.cv_results_["mean_test_score"]
    )
    assert alone.best_params_ == together.best_params_
    assert_same_model(alone.best_estimator_[-1], together.best_estimator_[-1])


@every_solver
def test_lambdas_work_but_cannot_be_pickled(solver):
    softsign = Activation(lambda z: z / (1 + np.abs(z)), lambda a: (1 - np.abs(a)) ** 2)
    model = Brief(activation=softsign, solver=solver, learning_rate_init=0.1).fit(X, y)
    reference = Brief(activation=SOFTSIGN, solver=solver, learning_rate_init=0.1).fit(X, y)
    assert_same_model(model, reference)
    assert_same_model(clone(model).fit(X, y), model)
    with pytest.raises((pickle.PicklingError, AttributeError), match="<lambda>"):
        pickle.dumps(model)


def test_its_name_is_shown():
    assert repr(BackpropClassifier(activation=SOFTSIGN)) == (
        "BackpropClassifier(activation=Activation(name='softsign'))"
    )


# --------------------------------------------------------- an activation for each hidden layer


@every_solver
@pytest.mark.parametrize("container", [list, tuple])
def test_a_list_holds_one_activation_for_each_hidden_layer(solver, container):
    given = container(["relu", SOFTSIGN, "tanh"])
    model = BackpropClassifier((6, 5, 4), given, solver=solver, max_iter=8, random_state=0)
    model.fit(X, y)
    a = X
    functions = (lambda z: np.maximum(z, 0), softsign, np.tanh)
    for layer, g in enumerate(functions, start=2):
        a = g(a @ model.coefs_[layer - 2] + model.intercepts_[layer - 2])
        assert_allclose(model.transform(X, layer=layer), a, rtol=1e-10, atol=1e-12)
    assert model.activation is given


@pytest.mark.parametrize("solver", FULL_BATCH)
def test_the_gradient_is_that_of_the_activations_of_the_layers(solver):
    given = ["softplus", SOFTSIGN, "logistic"]
    settings = {"alpha": 0.5, "max_iter": 8, "random_state": 0}
    model = BackpropClassifier((6, 5, 4), given, solver=solver, **settings)
    network = Network((4, 6, 5, 4, 3), given)
    objective = Objective(network, X, np.eye(3)[y], alpha=0.5)
    theta = theta_of(model.fit(X, y), network)
    assert_allclose(model.loss_, objective(theta)[0], rtol=1e-10)
    assert check_gradient(objective, theta) < 1e-7


@every_solver
def test_a_list_of_equal_activations_is_the_same_as_one(solver):
    model = BackpropClassifier((5, 4), ["tanh", "tanh"], solver=solver, max_iter=8, random_state=0)
    reference = clone(model).set_params(activation="tanh").fit(X, y)
    assert_same_model(model.fit(X, y), reference)


@every_solver
def test_the_order_of_the_list_matters(solver):
    models = [
        BackpropClassifier((5, 5), given, solver=solver, max_iter=8, random_state=0).fit(X, y)
        for given in (["tanh", "relu"], ["relu", "tanh"])
    ]
    assert not np.allclose(models[0].coefs_[0], models[1].coefs_[0])


def test_a_list_can_be_pickled_and_cloned():
    model = BackpropClassifier((5, 4), ["relu", SOFTSIGN], max_iter=8, random_state=0).fit(X, y)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))
    assert_same_model(clone(model).fit(X, y), model)


@pytest.mark.parametrize("solver", ["gd", "sgd"])
@pytest.mark.parametrize(
    ("given", "as_if"), [(["tanh", "relu"], "relu"), (["logistic", "tanh"], "tanh")]
)
def test_the_automatic_rate_is_for_unbounded_activations_if_any_is_unbounded(solver, given, as_if):
    rate = {"gd": 0.1, "sgd": 0.01}[solver] * (1 if as_if == "relu" else 2)
    model = BackpropClassifier((5, 4), given, solver=solver, max_iter=8, random_state=0)
    expected = with_automatic_rate(clone(model), rate)
    assert_same_model(with_automatic_rate(model), expected, rtol=1e-12)


def test_without_hidden_layers_the_list_is_empty():
    model = Brief(hidden_layer_sizes=(), activation=[]).fit(X, y)
    assert_same_model(model, Brief(hidden_layer_sizes=()).fit(X, y))


# ------------------------------------------------------------------------------- custom losses


class LikeLogLoss:
    """The cross entropy of logistic units, with other formulas."""

    def supports(self, output_activation):
        return output_activation == "logistic"

    def per_row(self, z, a, Y):
        return np.logaddexp(0, np.where(Y == 1, -z, z)).sum(axis=1)

    def delta(self, z, a, Y):
        return a - Y


class Focal:
    """The focal loss of logistic units: examples that are confidently right have little weight.

    Lin, Goyal, Girshick, He and Dollár, "Focal Loss for Dense Object Detection", ICCV 2017.
    """

    def __init__(self, gamma=2.0):
        self.gamma = gamma

    def supports(self, output_activation):
        return output_activation == "logistic"

    def per_row(self, z, a, Y):
        p = np.where(Y == 1, a, 1 - a)
        log_p = -np.logaddexp(0, np.where(Y == 1, -z, z))
        return -((1 - p) ** self.gamma * log_p).sum(axis=1)

    def delta(self, z, a, Y):
        sign = np.where(Y == 1, 1, -1)
        p = np.where(Y == 1, a, 1 - a)
        log_p = -np.logaddexp(0, -sign * z)
        return sign * (1 - p) ** self.gamma * (self.gamma * p * log_p - (1 - p))


every_custom_loss = pytest.mark.parametrize("loss", [LikeLogLoss(), Focal()], ids=["log", "focal"])


@every_custom_loss
@every_problem
def test_the_delta_of_these_losses_is_the_derivative(loss, problem):
    X, y = PROBLEMS[problem]
    model = Small(loss=loss).initialize(X, y)
    network = Network((X.shape[1], 5, model.n_outputs_))
    Y = y if y.ndim == 2 else (np.eye(3)[y] if problem == "multiclass" else y[:, np.newaxis] - 1)
    objective = Objective(network, X, Y, loss=loss)
    assert check_gradient(objective, theta_of(model, network)) < 1e-7


@every_solver
@every_problem
def test_a_loss_with_the_formulas_of_a_built_in_one_gives_the_same_model(solver, problem):
    X, y = PROBLEMS[problem]
    model = Brief(loss=LikeLogLoss(), solver=solver).fit(X, y)
    assert_same_model(model, Brief(solver=solver).fit(X, y), rtol=1e-7, atol=1e-9)


@every_solver
@pytest.mark.parametrize(("output_activation", "name"), list(LOSSES))
def test_a_built_in_loss_may_be_passed_as_an_object(solver, output_activation, name):
    base = partial(Brief, solver=solver, output_activation=output_activation)
    model = base(loss=LOSSES[output_activation, name]).fit(X, y)
    assert_same_model(model, base(loss=name).fit(X, y))
    by_default = base(loss=LOSSES[output_activation, name], alpha="auto").fit(X, y)
    assert by_default.alpha_ == base(loss=name, alpha="auto").fit(X, y).alpha_


@every_solver
def test_a_network_with_a_custom_loss_learns(solver):
    rates = {"gd": 2.0, "sgd": 0.2, "adam": 0.03}
    settings = {"alpha": 0.01, "learning_rate_init": rates.get(solver, "auto"), "batch_size": 30}
    model = Small(loss=Focal(), solver=solver, max_iter=300, **settings)
    assert model.fit(X, y).score(X, y) > 0.95


@pytest.mark.parametrize("solver", FULL_BATCH)
@every_custom_loss
def test_the_cost_of_the_fitted_weights_is_that_of_the_custom_loss(solver, loss):
    model = Brief(loss=loss, solver=solver, alpha=2.0).fit(X, y)
    z = model.decision_function(X)
    losses = loss.per_row(z, logistic(z), np.eye(3)[y])
    penalty = sum((coef**2).sum() for coef in model.coefs_)
    assert_allclose(model.loss_, losses.mean() + 2.0 / (2 * 150) * penalty, rtol=1e-10)


@every_mini_batch_solver
def test_a_custom_loss_in_partial_fit(solver):
    custom, built_in = Small(loss=LikeLogLoss(), solver=solver), Small(solver=solver)
    for _ in range(3):
        custom.partial_fit(X, y, [0, 1, 2])
        built_in.partial_fit(X, y, [0, 1, 2])
    assert_same_model(custom, built_in, rtol=1e-7, atol=1e-9)


def test_a_custom_loss_is_that_of_the_validation_curve():
    model = Brief(loss=Focal(), scoring="accuracy")
    model.fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    z = model.decision_function(X[1::2])
    expected = Focal().per_row(z, logistic(z), np.eye(3)[y[1::2]]).mean()
    assert_allclose(model.validation_loss_curve_[-1], expected, rtol=1e-10)


def test_a_custom_loss_can_be_pickled_cloned_and_searched():
    model = Brief(loss=Focal(3.0)).fit(X, y)
    restored = pickle.loads(pickle.dumps(model))
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
    assert_same_model(restored.fit(X, y), model)
    assert clone(model).loss.gamma == 3.0
    grid = {"loss": [Focal(0.5), "log_loss", LikeLogLoss()]}
    search = GridSearchCV(model, grid, cv=3, error_score="raise").fit(X, y)
    assert search.score(X, y) > 0.9


@pytest.mark.parametrize("loss", [LikeLogLoss(), LOSSES["logistic", "squared_error"]])
def test_a_loss_of_other_output_units_is_an_error(loss):
    with pytest.raises(ValueError, match="does not support the output activation 'soft"):
        Brief(loss=loss, output_activation="softmax").fit(X, y)
    with pytest.raises(ValueError, match="does not support the output activation 'log"):
        Brief(loss=LOSSES["softmax", "log_loss"]).fit(X, y)


@pytest.mark.parametrize("missing", ["supports", "per_row", "delta"])
def test_a_loss_needs_all_three_methods(missing):
    methods = dict.fromkeys({"supports", "per_row", "delta"} - {missing}, lambda *_: None)
    incomplete = type("Incomplete", (), methods)()
    with pytest.raises(ValueError, match="The 'loss' parameter of BackpropClassifier must be"):
        Brief(loss=incomplete).fit(X, y)
