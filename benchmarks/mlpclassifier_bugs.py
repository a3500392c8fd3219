"""What MLPClassifier does otherwise, bugs and privates, each beside what BackpropClassifier does.

    python -W error benchmarks/mlpclassifier_bugs.py

is run when scikit-learn is upgraded, and by none of the tests. Where scikit-learn mends a bug, its
half of the check fails: then it is to be removed from here, and from the page in docs that says so,
coming_from_mlpclassifier.md. The last part compares with functions that scikit-learn keeps to
itself, which it may rename: the cost and its gradient, the update rules, the adaptive rate.
"""

import sys
import warnings
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
from sklearn.preprocessing import scale

from skbp import BackpropClassifier
from skbp.losses import LogisticLogLoss
from skbp.network import Network
from skbp.objective import Objective
from skbp.solvers import Adam, Adaptive, Momentum, Progress, RatePlateau
from skbp.solvers.stopping import Iteration

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
X = scale(X)
Small = partial(BackpropClassifier, hidden_layer_sizes=(5,), random_state=0)


def weights_of(model):
    """Return all weights of a model, in one array."""
    return np.concatenate([w.ravel() for w in [*model.coefs_, *model.intercepts_]])


def theirs(**parameters):
    settings = {"hidden_layer_sizes": (5,), "solver": "adam", "max_iter": 8, "random_state": 0}
    return MLPClassifier(**{**settings, **parameters})


def ours(**parameters):
    return Small(**{"solver": "adam", "max_iter": 8, **parameters})


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


@pytest.mark.parametrize("n", [1, 3])
def test_patience_is_off_by_one(their_validation_labels, n):
    their, _ = their_validation_labels(y, n_iter_no_change=n, max_iter=50)
    our, _ = our_validation_labels(y, n_iter_no_change=n, max_iter=50)
    # the first iteration is the best one
    assert their.n_iter_ == 1 + n + 1
    assert our.n_iter_ == 1 + n


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


# ------------------------------------------------- statements of coming_from_mlpclassifier.md


def data(n_rows=60, n_classes=3):
    """Return a small problem of noise."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(n_rows, 4)), np.arange(n_rows) % n_classes


def assert_same_weights(ours, theirs):
    assert_allclose(weights_of(ours), weights_of(theirs), rtol=1e-8, atol=1e-12)


def test_switching_early_stopping_off_under_warm_start_raises_type_error():
    settings = {"warm_start": True, "early_stopping": True}
    their = theirs(**settings).fit(X, y).set_params(early_stopping=False)
    with pytest.raises(TypeError):
        their.fit(X, y)
    our = ours(**settings).fit(X, y).set_params(early_stopping=False).fit(X, y)
    assert len(our.loss_curve_) == our.n_iter_ > 0


def test_patience_is_longer_by_one_in_mlpclassifier():
    X, y = data()
    standstill = {"solver": "sgd", "learning_rate_init": 1e-9, "n_iter_no_change": 4}
    # ten batches an epoch, and something learned: otherwise patience is longer
    ours = BackpropClassifier(batch_size=6, solver="sgd", warm_start=True, random_state=0)
    assert ours.fit(X, y).set_params(**standstill).fit(X, y).n_iter_ == 1 + 4
    assert MLPClassifier(**standstill).fit(X, y).n_iter_ == 1 + 4 + 1


def test_a_batch_of_weight_0_is_no_error_here_and_makes_no_step():
    X, y = data()
    weights = np.where(np.arange(60) < 20, 0.0, 1.0)
    batches = {"batch_size": 10, "shuffle": False, "random_state": 0, "alpha": 0, "max_iter": 5}
    batches |= {"solver": "sgd", "n_iter_no_change": np.inf, "learning_rate_init": 0.01}
    with pytest.raises(ZeroDivisionError):
        MLPClassifier(**batches).fit(X, y, sample_weight=weights)
    with pytest.warns(ConvergenceWarning):
        ours = BackpropClassifier(**batches).fit(X, y, sample_weight=weights)
    # the mean weight of the 60 rows is 2/3, so a batch of them makes a step 3/2 as long
    batches["learning_rate_init"] *= 3 / 2
    with pytest.warns(ConvergenceWarning):
        without = BackpropClassifier(**batches).fit(X[20:], y[20:])
    assert_same_weights(ours, without)


def test_mlpclassifier_ignores_other_hidden_layer_sizes_under_warm_start():
    X, y = data()
    parameters = {"solver": "adam", "max_iter": 2, "warm_start": True, "hidden_layer_sizes": 5}
    theirs = MLPClassifier(**parameters).fit(X, y).set_params(hidden_layer_sizes=7).fit(X, y)
    assert theirs.coefs_[0].shape == (4, 5)
    ours = BackpropClassifier(**parameters).fit(X, y).set_params(hidden_layer_sizes=7)
    with pytest.raises(ValueError, match="hidden_layer_sizes=7"):
        ours.fit(X, y)


@pytest.mark.parametrize(
    ("cls", "expected"), [(MLPClassifier, (2, 4)), (BackpropClassifier, (2, 2))]
)
def test_the_loss_curve_after_a_warm_start(cls, expected):
    X, y = data()
    model = cls(solver="adam", max_iter=2, warm_start=True).fit(X, y).fit(X, y)
    assert (model.n_iter_, len(model.loss_curve_)) == expected


@pytest.mark.parametrize(
    ("cls", "expected"), [(MLPClassifier, (1, 3)), (BackpropClassifier, (3, 3))]
)
def test_the_number_of_iterations_of_partial_fit(cls, expected):
    X, y = data()
    model = cls(solver="adam")
    for _ in range(3):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert (model.n_iter_, len(model.loss_curve_)) == expected
    assert model.t_ == 3 * 60


class WatchedMLPClassifier(MLPClassifier):
    """Keeps the targets of each batch that it trains on."""

    def _backprop(self, X, y, *arguments):
        vars(self).setdefault("batches", []).append(y.tolist())
        return super()._backprop(X, y, *arguments)


class WatchedLoss(LogisticLogLoss):
    """Keeps the targets of each batch that is trained on."""

    def __init__(self):
        self.batches = []

    def delta(self, z, a, Y):
        self.batches.append(Y.tolist())
        return super().delta(z, a, Y)


def test_the_random_state_begins_anew_in_each_call_of_their_partial_fit():
    X, y = data()
    theirs = WatchedMLPClassifier(random_state=0)
    ours = BackpropClassifier(solver="adam", random_state=0, loss=WatchedLoss())
    for _ in range(3):
        theirs.partial_fit(X, y, classes=[0, 1, 2])
        ours.partial_fit(X, y, classes=[0, 1, 2])
    first, second, third = theirs.batches
    assert first != second == third
    first, second, third = ours.loss.batches
    assert first != second != third


@pytest.mark.parametrize(("cls", "counts"), [(MLPClassifier, False), (BackpropClassifier, True)])
def test_a_new_learning_rate_between_two_calls_of_partial_fit(cls, counts):
    X, y = data()
    model = cls(solver="adam", learning_rate_init=0.01).partial_fit(X, y, classes=[0, 1, 2])
    before = [coef.copy() for coef in model.coefs_]
    model.set_params(learning_rate_init=1e-300).partial_fit(X, y)
    stands_still = all(np.array_equal(a, b) for a, b in zip(before, model.coefs_, strict=True))
    assert stands_still == counts


def test_early_stopping_of_mlpclassifier_may_lose_a_class():
    X, y = data()[0], np.repeat([0, 1, 2], [50, 7, 3])
    common = {"early_stopping": True, "validation_fraction": 0.4, "max_iter": 1}
    theirs, ours = [], []
    for seed in range(30):
        model = WatchedMLPClassifier(**common, random_state=seed).fit(X, y)
        theirs.append(np.sum(model.batches[0], axis=0))
        model = BackpropClassifier(**common, solver="adam", random_state=seed, loss=WatchedLoss())
        ours.append(np.sum(model.fit(X, y).loss.batches[0], axis=0))
    assert np.min(theirs) == 0
    assert {tuple(counts) for counts in ours} == {(30, 4, 2)}


def test_early_stopping_of_mlpclassifier_refuses_a_class_of_one_row():
    X, y = data()[0], np.arange(60) == 0
    parameters = {"solver": "adam", "early_stopping": True, "max_iter": 1}
    with pytest.raises(ValueError, match="only 1 member"):
        MLPClassifier(**parameters).fit(X, y)
    ours = BackpropClassifier(**parameters, loss=WatchedLoss()).fit(X, y)
    assert np.sum(ours.loss.batches[0]) == 1


def test_what_early_stopping_reports():
    X, y = data()
    parameters = {"solver": "adam", "early_stopping": True, "random_state": 0}
    theirs = MLPClassifier(**parameters).fit(X, y)
    assert theirs.loss_ == theirs.loss_curve_[-1]
    assert theirs.best_loss_ is None
    assert max(theirs.validation_scores_) in np.arange(7) / 6  # the accuracy on 6 rows
    assert theirs.n_iter_ == np.argmax(theirs.validation_scores_) + 1 + 10 + 1
    ours = BackpropClassifier(**parameters).fit(X, y)
    best = np.argmax(ours.validation_scores_)
    assert (ours.best_iter_, ours.loss_) == (best, ours.loss_curve_[best])
    assert ours.best_loss_ == min(ours.loss_curve_)
    assert max(ours.validation_scores_) < 0  # the negative log-loss
    accuracy = clone(ours).set_params(scoring="accuracy").fit(X, y)
    assert max(accuracy.validation_scores_) in np.arange(7) / 6


def test_with_early_stopping_the_validation_set_ends_an_adaptive_rate_only_here():
    X, y = data()
    never_better = {"early_stopping": True, "tol": 10, "n_iter_no_change": 2, "random_state": 0}
    adaptive = {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.01}
    assert BackpropClassifier(**never_better, **adaptive).fit(X, y).n_iter_ == 1 + 2
    lowered = MLPClassifier(**never_better, **adaptive).fit(X, y)
    assert lowered._optimizer.learning_rate <= 1e-6
    assert lowered.n_iter_ > 10


@pytest.mark.parametrize(("cls", "ignores"), [(MLPClassifier, True), (BackpropClassifier, False)])
def test_adam_of_mlpclassifier_ignores_the_learning_rate_schedule(cls, ignores):
    X, y = data()
    parameters = {"solver": "adam", "max_iter": 3, "random_state": 0}
    constant, falling = (
        cls(**parameters, learning_rate=name).fit(X, y).loss_ for name in ("constant", "invscaling")
    )
    assert (constant == falling) == ignores


@pytest.mark.parametrize("lucky", [1, 2, 5])
def test_after_one_lucky_loss_mlpclassifier_sees_no_improvement(lucky):
    losses = np.arange(1, 0.5, -0.05)
    losses[lucky] = 0.1
    theirs, rule, progress = MLPClassifier(), RatePlateau(Adaptive(0.1)), Progress()
    theirs.loss_curve_, theirs.best_loss_, theirs._no_improvement_count = [], np.inf, 0
    for loss in losses:
        theirs.loss_curve_.append(loss)
        theirs._update_no_improvement_count(False, None, None, None)
        progress.finish_iteration(loss)
        rule(Iteration(np.zeros(1), loss), progress)
    assert theirs._no_improvement_count == len(losses) - 1 - lucky
    assert progress.plateau.length == 0


def test_only_mlpclassifier_stays_silent_where_the_loss_has_risen():
    X, y = data()
    wild = {"solver": "sgd", "learning_rate_init": 30, "random_state": 0}
    theirs = MLPClassifier(**wild).fit(X, y)
    assert theirs.loss_ > theirs.loss_curve_[0]
    with pytest.warns(ConvergenceWarning, match="hardly better than a constant"):
        ours = BackpropClassifier(**wild).fit(X, y)
    assert ours.loss_ > ours.loss_curve_[0]


def test_only_mlpclassifier_keeps_what_a_failed_fit_left():
    X, y = data()
    wild = {"solver": "sgd", "learning_rate_init": 1e3, "random_state": 0}
    theirs = MLPClassifier((20, 20, 20), **wild)
    ours = BackpropClassifier((20, 20, 20), "relu", **wild)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="non-finite"):
            theirs.fit(X * 1e200, y)
    assert theirs.n_iter_ == theirs.max_iter
    assert not np.isfinite(theirs.coefs_[0]).all()
    with pytest.raises(ValueError, match="diverged at iteration"):
        ours.fit(X * 1e200, y)
    assert not hasattr(ours, "coefs_")


def test_mlpclassifier_accepts_a_single_class_and_negative_weights():
    X, y = data()
    few = MLPClassifier(tol=1, random_state=0)
    assert set(few.fit(X, np.zeros(60)).predict(X)) == {0}
    few.fit(X, y, sample_weight=-np.ones(60))
    with pytest.raises(ValueError, match="only one class"):
        BackpropClassifier().fit(X, np.zeros(60))
    with pytest.raises(ValueError, match="Negative"):
        BackpropClassifier().fit(X, y, sample_weight=-np.ones(60))


def test_lbfgs_of_mlpclassifier_prints_no_line_an_iteration(capsys):
    X, y = data()
    MLPClassifier(solver="lbfgs", verbose=True, tol=0.05).fit(X, y)
    assert "Iteration" not in capsys.readouterr().out
    model = BackpropClassifier(verbose=True, tol=0.05).fit(X, y)
    assert capsys.readouterr().out.count("Iteration") == model.n_iter_


def test_mlpclassifier_draws_smaller_start_weights_for_logistic_units():
    X, y = data()
    parameters = {"hidden_layer_sizes": (500,), "activation": "logistic", "random_state": 0}
    still = {"learning_rate_init": 1e-300, "n_iter_no_change": 1}
    theirs = MLPClassifier(**parameters, **still).fit(X, y).coefs_[0]
    ours = BackpropClassifier(**parameters, init="lecture").initialize(X, y).coefs_[0]
    assert abs(theirs).max() == pytest.approx(np.sqrt(2 / 504), rel=0.01)
    assert abs(ours).max() == pytest.approx(np.sqrt(6 / 504), rel=0.01)


# ---------------------------------------------------------- what scikit-learn keeps to itself

LAMBDA = 0.7
FEW = np.random.default_rng(2).normal(size=(6, 4))
WEIGHTS = np.random.default_rng(3).uniform(0.1, 3, size=6)
MLP_TARGETS = {
    "binary": np.array([0, 1, 1, 0, 1, 0]),
    "multiclass": np.array([0, 1, 2, 2, 1, 0]),
    "multilabel": np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 1]]),
}


def packed(coefs, intercepts):
    """Pack scikit-learn's coefficients as skbp does."""
    Thetas = map(np.column_stack, zip(intercepts, [coef.T for coef in coefs], strict=True))
    return np.concatenate([Theta.ravel() for Theta in Thetas])


def scikit_learns_cost_and_gradient(mlp, targets, sample_weight):
    layers = [None] * len(mlp.coefs_)
    J, *gradients = mlp._backprop(
        FEW, targets, sample_weight, [FEW, *layers], [*layers], [*layers], [*layers]
    )
    return J, packed(*gradients)


@pytest.mark.parametrize(
    ("activation", "hidden"),
    [("identity", ()), ("logistic", (5,)), ("tanh", (5, 3)), ("relu", (5, 3))],
)
@pytest.mark.parametrize("y", MLP_TARGETS.values(), ids=MLP_TARGETS)
@pytest.mark.parametrize("weighted", [False, True])
def test_log_loss_is_mlp_classifiers(activation, y, hidden, weighted):
    mlp = MLPClassifier(hidden, activation, alpha=LAMBDA, max_iter=1, random_state=0).fit(FEW, y)
    targets, sample_weight = mlp._label_binarizer.transform(y), WEIGHTS if weighted else None
    network = Network((4, *hidden, targets.shape[1]), activation, mlp.out_activation_)
    objective = Objective(network, FEW, targets, "log_loss", LAMBDA, sample_weight)
    expected = scikit_learns_cost_and_gradient(mlp, targets, sample_weight)
    found = objective(packed(mlp.coefs_, mlp.intercepts_))
    for part, expected_part in zip(found, expected, strict=True):
        assert_allclose(part, expected_part, rtol=1e-12, atol=1e-12)


pairs_of_rule_and_optimizer = [
    (Momentum(momentum, nesterov), partial(SGDOptimizer, momentum=momentum, nesterov=nesterov))
    for momentum in (0.0, 0.7, 1.0)
    for nesterov in (True, False)
] + [
    (Adam(b1, b2, epsilon), partial(AdamOptimizer, beta_1=b1, beta_2=b2, epsilon=epsilon))
    for b1, b2 in ((0.9, 0.999), (0.0, 0.5))
    for epsilon in (1e-8, 0.1)
]


@pytest.mark.parametrize(("rule", "optimizer"), pairs_of_rule_and_optimizer)
def test_update_rules_step_as_scikit_learns_do(rule, optimizer):
    theta = np.linspace(-1, 1, 5)
    reference, state = [theta.copy()], rule.init(theta)
    stepper = optimizer(reference, learning_rate_init=0.2)
    for D in np.random.default_rng(0).normal(size=(20, 5)):
        theta += rule.update(D, state, 0.2)
        stepper.update_params(reference, [D])
        assert_allclose(theta, reference[0], rtol=1e-12)


def scikit_learns_adaptive_rates(losses, tol, n_iter_no_change):
    """The rates of MLPClassifier's solver="sgd", learning_rate="adaptive", from its own code."""
    network = MLPClassifier(tol=tol, n_iter_no_change=n_iter_no_change)
    network.loss_curve_, network.best_loss_, network._no_improvement_count = [], np.inf, 0
    optimizer = SGDOptimizer([np.zeros(1)], learning_rate_init=0.1, lr_schedule="adaptive")
    rates = []
    for loss in losses:
        rates.append(optimizer.learning_rate)
        network.loss_curve_.append(loss)
        network._update_no_improvement_count(False, None, None, None)
        if network._no_improvement_count > n_iter_no_change:
            optimizer.trigger_stopping("", verbose=False)
            network._no_improvement_count = 0
    return rates


def adaptive_rates(losses, tol, patience):
    """Return the adaptive rate of each epoch with these losses."""
    schedule, progress, rates = Adaptive(0.1), Progress(), []
    rule = RatePlateau(schedule, tol, patience)
    for loss in losses:
        rates.append(schedule.eta(progress))
        progress.finish_iteration(loss)
        rule(Iteration(np.zeros(1), loss), progress)
    return rates


def steadily_falling(n_epochs, lucky=None):
    """Return a loss that falls by 0.01 an epoch, except for one lucky epoch."""
    losses = 10 - 0.01 * np.arange(n_epochs)
    if lucky is not None:
        losses[lucky] -= 0.9
    return losses.tolist()


def test_adaptive_reacts_to_the_trend_and_not_to_one_lucky_loss_as_mlp_classifier_does():
    losses = steadily_falling(60, lucky=20)
    ours = adaptive_rates(losses, tol=0.005, patience=10)
    theirs = scikit_learns_adaptive_rates(losses, tol=0.005, n_iter_no_change=10)
    assert ours == 60 * [0.1]
    # after the lucky one, eleven epochs that fell as they should did not count
    assert theirs[:32] == 32 * [0.1]
    assert theirs[32] == 0.1 / 5
    # without the lucky one, both leave the rate alone
    losses = steadily_falling(60)
    assert scikit_learns_adaptive_rates(losses, tol=0.005, n_iter_no_change=10) == 60 * [0.1]
    assert adaptive_rates(losses, tol=0.005, patience=10) == 60 * [0.1]


def test_adaptive_is_lowered_where_the_loss_only_seems_to_fall():
    # a lucky epoch now and then, each a little luckier, keeps MLPClassifier waiting for ever
    losses = [1 - 0.01 * epoch if epoch % 8 == 7 else 1.0 for epoch in range(80)]
    theirs = scikit_learns_adaptive_rates(losses, tol=0.01, n_iter_no_change=8)
    ours = adaptive_rates(losses, tol=0.01, patience=9)
    assert theirs == 80 * [0.1]
    assert_allclose(ours[:11], [*10 * [0.1], 0.02])


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, *sys.argv[1:]]))
