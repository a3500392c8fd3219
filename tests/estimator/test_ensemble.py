"""skbp.estimator.ensemble: what several networks predict together."""

import numpy as np
import pytest
from fitting import PROBLEMS, every_problem
from numpy.testing import assert_allclose, assert_array_equal

from skbp import BackpropClassifier, BackpropClassifierCV


class Fixed:
    """A network with the same probabilities for each row, and two hidden units."""

    def __init__(self, p):
        self.p = np.asarray(p, dtype=float)

    def predict_proba(self, X):
        return np.tile(self.p, (len(X), 1))

    def transform(self, X, layer):
        return np.tile(self.p[:2], (len(X), 1))


def ensemble(problem, members, weights):
    """Return an ensemble of the classes of a problem."""
    X, y = PROBLEMS[problem]
    fitted = BackpropClassifier((2,), max_iter=2, random_state=0).initialize(X, y)
    made = BackpropClassifierCV()
    made.__dict__.update(
        members_=[Fixed(p) for p in members],
        member_weights_=np.array(weights),
        classes_=fitted.classes_,
        targets_=fitted.targets_,
        n_features_in_=X.shape[1],
    )
    return made, X[:3]


def test_two_classes_by_hand():
    model, X = ensemble("binary", [[0.9, 0.1], [0.1, 0.9]], [0.25, 0.75])
    assert_allclose(model.predict_proba(X), np.tile([0.3, 0.7], (3, 1)))
    assert_allclose(model.predict_log_proba(X), np.log(np.tile([0.3, 0.7], (3, 1))))
    assert_allclose(model.decision_function(X), np.full(3, np.log(0.7 / 0.3)))
    assert_array_equal(model.predict(X), model.classes_[[1, 1, 1]])


def test_three_classes_by_hand():
    model, X = ensemble("multiclass", [[0.6, 0.3, 0.1], [0.0, 0.4, 0.6]], [0.5, 0.5])
    expected = np.tile([0.3, 0.35, 0.35], (3, 1))
    assert_allclose(model.predict_proba(X), expected)
    assert_allclose(model.decision_function(X), np.log(expected))
    assert_array_equal(model.predict(X), model.classes_[[1, 1, 1]])


def test_labels_by_hand():
    model, X = ensemble("multilabel", [[0.6, 0.3, 0.1, 0.5], [0.8, 0.4, 0.95, 0.2]], [0.5, 0.5])
    p = np.tile([0.7, 0.35, 0.525, 0.35], (3, 1))
    assert_allclose(model.predict_proba(X), p)
    assert_allclose(model.decision_function(X), np.log(p / (1 - p)))
    assert_array_equal(model.predict(X), p > 0.5)
    assert_allclose(model.predict_log_proba(X), np.log(p))


@every_problem
def test_probabilities_of_0_and_1_stay_finite(problem):
    n = {"binary": 2, "multiclass": 3, "multilabel": 4}[problem]
    certain = np.zeros(n)
    certain[0] = 1
    model, X = ensemble(problem, [certain, certain], [0.5, 0.5])
    assert np.isfinite(model.predict_log_proba(X)).all()
    assert np.isfinite(model.decision_function(X)).all()
    assert_array_equal(model.predict_proba(X), np.tile(certain, (3, 1)))


def test_features_stand_side_by_side():
    model, X = ensemble("binary", [[0.9, 0.1], [0.2, 0.8]], [0.5, 0.5])
    assert_allclose(model.transform(X), np.tile([0.9, 0.1, 0.2, 0.8], (3, 1)))


def test_the_number_of_features_is_checked():
    model, X = ensemble("binary", [[0.9, 0.1], [0.2, 0.8]], [0.5, 0.5])
    with pytest.raises(ValueError, match="features"):
        model.predict(X[:, :1])
