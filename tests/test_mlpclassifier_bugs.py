"""Bugs of MLPClassifier: each test shows one there, and that BackpropClassifier does not have it.

Where scikit-learn mends one, its half of the test fails: then it is to be removed from here
and from the table in the documentation.
"""

import numpy as np
import pytest
from fitting import IRIS, Brief, Small, may_stop_early, weights_of
from numpy.testing import assert_array_equal
from sklearn.neural_network import MLPClassifier

from skbp.objective import Objective

pytestmark = may_stop_early

X, y = IRIS


def theirs(**parameters):
    settings = {"hidden_layer_sizes": (5,), "solver": "adam", "max_iter": 8, "random_state": 0}
    return MLPClassifier(**{**settings, **parameters})


def ours(**parameters):
    return Brief(**{"solver": "adam", **parameters})


class ValidationRecorder:
    """A scorer that keeps the labels that it is called with, and always gives the same score."""

    def __call__(self, estimator, X, y):
        self.y = np.asarray(y)
        return 0.5


@pytest.fixture
def their_validation_labels(monkeypatch):
    def labels_of(y, **parameters):
        recorder = ValidationRecorder()
        monkeypatch.setattr(
            MLPClassifier, "_score", lambda model, X, y, sample_weight: recorder(model, X, y)
        )
        return theirs(early_stopping=True, **parameters).fit(X, y), recorder.y

    return labels_of


def our_validation_labels(y, **parameters):
    recorder = ValidationRecorder()
    return ours(early_stopping=True, scoring=recorder, **parameters).fit(X, y), recorder.y


def test_early_stopping_does_not_stratify_multiclass_data(their_validation_labels):
    for random_state in range(3):
        _, labels = their_validation_labels(y, random_state=random_state)
        assert np.ptp(np.bincount(labels)) > 0
        _, labels = our_validation_labels(y, random_state=random_state)
        assert_array_equal(np.bincount(labels), [5, 5, 5])


def test_early_stopping_loses_a_class_from_training(their_validation_labels):
    # the only example of class 3
    y_rare = np.where(np.arange(150) == 7, 3, y)
    settings = [{"max_iter": 1, "random_state": random_state} for random_state in range(30)]
    their = [their_validation_labels(y_rare, **each)[1] for each in settings]
    assert any(3 in labels for labels in their)
    our = [our_validation_labels(y_rare, **each)[1] for each in settings]
    assert not any(3 in labels for labels in our)


@pytest.mark.parametrize("n", [1, 3])
def test_patience_is_off_by_one(their_validation_labels, n):
    their, _ = their_validation_labels(y, n_iter_no_change=n, max_iter=50)
    our, _ = our_validation_labels(y, n_iter_no_change=n, max_iter=50)
    # the first iteration is the best one
    assert their.n_iter_ == 1 + n + 1
    assert our.n_iter_ == 1 + n


def test_patience_of_the_training_loss_is_off_by_one():
    still = {"learning_rate_init": 1e-300, "n_iter_no_change": 3, "max_iter": 50}
    assert theirs(**still).fit(X, y).n_iter_ == 1 + 3 + 1
    assert ours(**still).fit(X, y).n_iter_ == 1 + 3


def test_lbfgs_ignores_verbose(capfd):
    theirs(solver="lbfgs", verbose=True).fit(X, y)
    # SciPy may print a log of its own, which has no such line
    assert "Iteration 1, loss = " not in capfd.readouterr().out
    ours(solver="lbfgs", verbose=True).fit(X, y)
    assert "Iteration 1, loss = " in capfd.readouterr().out


def test_lbfgs_ignores_early_stopping():
    their = theirs(solver="lbfgs", early_stopping=True).fit(X, y)
    assert_array_equal(weights_of(their), weights_of(theirs(solver="lbfgs").fit(X, y)))
    assert getattr(their, "validation_scores_", None) is None
    our = ours(solver="lbfgs", early_stopping=True).fit(X, y)
    assert not np.array_equal(weights_of(our), weights_of(ours(solver="lbfgs").fit(X, y)))
    assert len(our.validation_scores_) == our.n_iter_


def test_lbfgs_keeps_no_loss_curve():
    assert not hasattr(theirs(solver="lbfgs").fit(X, y), "loss_curve_")
    our = ours(solver="lbfgs").fit(X, y)
    assert len(our.loss_curve_) == our.n_iter_


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"solver": "lbfgs"}, {"solver": "adam"}),
        ({"solver": "lbfgs"}, {"solver": "sgd"}),
        ({"solver": "adam"}, {"early_stopping": True}),
        ({"solver": "sgd"}, {"early_stopping": True}),
        ({"solver": "lbfgs"}, {"solver": "adam", "early_stopping": True}),
    ],
)
def test_switching_under_warm_start_raises_attribute_error(before, after):
    their = theirs(warm_start=True, **before).fit(X, y)
    with pytest.raises(AttributeError):
        their.set_params(**after).fit(X, y)
    our = ours(warm_start=True, **before).fit(X, y).set_params(**after).fit(X, y)
    assert len(our.loss_curve_) == our.n_iter_ > 0


def test_switching_early_stopping_off_under_warm_start_raises_type_error():
    settings = {"warm_start": True, "early_stopping": True}
    their = theirs(**settings).fit(X, y).set_params(early_stopping=False)
    with pytest.raises(TypeError):
        their.fit(X, y)
    our = ours(**settings).fit(X, y).set_params(early_stopping=False).fit(X, y)
    assert len(our.loss_curve_) == our.n_iter_ > 0


def test_other_hidden_layers_under_warm_start_are_silently_ignored():
    their = theirs(warm_start=True).fit(X, y).set_params(hidden_layer_sizes=(9,)).fit(X, y)
    assert their.coefs_[0].shape == (4, 5)
    our = ours(warm_start=True).fit(X, y).set_params(hidden_layer_sizes=(9,))
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        our.fit(X, y)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_batch_whose_weights_sum_to_0_raises_zero_division_error(solver):
    weight = np.repeat([0.0, 1.0], [10, 140])
    settings = {"solver": solver, "batch_size": 10, "shuffle": False}
    with pytest.raises(ZeroDivisionError):
        theirs(**settings).fit(X, y, weight)
    assert ours(**settings).fit(X, y, weight).n_iter_ == 8


# ------------------------------------------------- fitted coefs_ are the solver's workspace


def changed_by(fit_again, model):
    """Tell whether an array that was a fitted attribute, and whether the model changes."""
    array, before, proba = model.coefs_[0], model.coefs_[0].copy(), model.predict_proba(X)
    fit_again(model)
    same_array = np.array_equal(array, before)
    return not same_array, not np.array_equal(model.predict_proba(X), proba)


def go_on(model):
    model.partial_fit(X, y)


def fail(model):
    with pytest.raises(ValueError, match=r"weights|diverged"), np.errstate(all="ignore"):
        model.set_params(learning_rate_init=1e200, max_iter=20).fit(X, y)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_going_on_alters_the_arrays_that_were_handed_out(solver):
    array_changes, _ = changed_by(go_on, theirs(solver=solver).fit(X, y))
    assert array_changes
    array_changes, model_changes = changed_by(go_on, ours(solver=solver).fit(X, y))
    assert not array_changes
    assert model_changes


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_fit_that_fails_destroys_the_model():
    _, model_changes = changed_by(fail, theirs(solver="sgd").fit(X, y))
    assert model_changes
    assert changed_by(fail, ours(solver="sgd").fit(X, y)) == (False, False)


def test_a_warm_start_that_fails_destroys_the_arrays_that_were_handed_out():
    array_changes, _ = changed_by(fail, theirs(solver="sgd", warm_start=True).fit(X, y))
    assert array_changes
    model = ours(solver="sgd", warm_start=True).fit(X, y)
    assert changed_by(fail, model) == (False, False)


def interrupt(*_, **__):
    raise KeyboardInterrupt


def test_an_interrupted_lbfgs_fit_destroys_the_model(monkeypatch):
    def interrupted(model):
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, y)

    models = theirs(solver="lbfgs").fit(X, y), Small(tol=0.01).fit(X, y)
    for model in models:
        model.set_params(random_state=1)
    monkeypatch.setattr(MLPClassifier, "_loss_grad_lbfgs", interrupt)
    monkeypatch.setattr(Objective, "__call__", interrupt)
    _, model_changes = changed_by(interrupted, models[0])
    assert model_changes
    assert changed_by(interrupted, models[1]) == (False, False)
