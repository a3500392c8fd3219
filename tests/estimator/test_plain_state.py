"""Saved estimators consist of plain parts, and are what they were when they are loaded."""

import pickle
import pickletools
import warnings
from copy import copy, deepcopy

import numpy as np
import pytest
from fitting import every_mini_batch_solver, every_solver, may_stop_early
from saved_models import FOLDER, X, Y, predictions
from scipy.sparse import csr_array
from sklearn.base import clone

from skbp import BackpropClassifier, BackpropClassifierCV
from skbp.activations import ACTIVATIONS, Activation
from skbp.estimator import plain_state
from skbp.losses import LogisticSquaredError

pytestmark = may_stop_early

INDICATORS = np.c_[Y > 0, Y > 1].astype(int)
LABELS = {
    "multiclass": np.array(["a", "b", "c"])[Y],
    "binary": Y == 1,
    "multilabel": INDICATORS,
    "sparse multilabel": csr_array(INDICATORS),
}


def brief(y=Y, **parameters):
    parameters = {"max_iter": 5, "random_state": 0, "tol": 0} | parameters
    return BackpropClassifier((3, 2), **parameters).fit(X, y)


def search(**parameters):
    parameters = {"alphas": [1.0, 0.1], "cv": 2, "max_iter": 5, "random_state": 0} | parameters
    return BackpropClassifierCV((3,), **parameters).fit(X, Y)


def classes_in(content):
    """Return the names of the classes and functions that a pickle loads."""
    texts, found = [], set()
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name == "GLOBAL":
            found.add(argument.replace(" ", "."))
        elif opcode.name == "STACK_GLOBAL":
            found.add(".".join(texts[-2:]))
        if isinstance(argument, str):
            texts.append(argument)
    return found


def of_skbp(model):
    # protocol 2 names each class where it is used
    found = classes_in(pickle.dumps(model, protocol=2))
    return {name for name in found if name.startswith("skbp")}


def reloaded(model):
    return pickle.loads(pickle.dumps(model))


def state_of(model):
    """Return the state of the fit as numbers that can be compared."""
    state = plain_state.plain(model._state)
    progress = state["training"]["progress"]
    return state, progress | {"random_state": progress.pop("random_state").get_state()}


CLASSIFIER = "skbp.estimator.classifier.BackpropClassifier"
SEARCH = "skbp.estimator.classifier_cv.BackpropClassifierCV"


@pytest.mark.parametrize("kind", LABELS)
@every_solver
def test_a_pickle_names_only_the_classifier(solver, kind):
    assert of_skbp(brief(LABELS[kind], solver=solver)) == {CLASSIFIER}


@pytest.mark.parametrize(
    "parameters",
    [
        {"activation": [ACTIVATIONS["elu"], "selu"]},
        {"loss": LogisticSquaredError(), "output_activation": "logistic"},
        {"early_stopping": True, "validation_fraction": 0.3, "solver": "adam"},
        {"class_weight": {0: 1.0, 1: 2.0, 2: 1.0}},
        {"binary_outputs": 2},
    ],
    ids=str,
)
def test_a_pickle_names_no_parts_of_parameters(parameters):
    y = Y == 1 if "binary_outputs" in parameters else Y
    assert of_skbp(brief(y, **parameters)) == {CLASSIFIER}


@pytest.mark.parametrize("parameters", [{}, {"refit": False}, {"n_members": 3}], ids=str)
def test_a_pickle_of_a_search_names_only_the_classifiers(parameters):
    assert of_skbp(search(**parameters)) == {CLASSIFIER, SEARCH}


@pytest.mark.parametrize("kind", LABELS)
@every_solver
def test_a_loaded_classifier_is_the_same(solver, kind):
    model = brief(LABELS[kind], solver=solver)
    loaded = reloaded(model)
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    predicted = model.predict(X)
    assert type(loaded.predict(X)) is type(predicted)
    assert loaded.summary() == model.summary()
    assert loaded.network_ == model.network_
    assert loaded.get_params() == model.get_params()
    assert clone(loaded).get_params() == clone(model).get_params()
    assert vars(loaded).keys() == vars(model).keys()
    np.testing.assert_equal(state_of(loaded), state_of(model))


def test_a_loaded_search_is_the_same():
    for model in (search(), search(n_members=3)):
        loaded = reloaded(model)
        np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
        np.testing.assert_equal(loaded.cv_results_, model.cv_results_)
        assert len(loaded.members_) == len(model.members_)
        assert loaded.best_params_ == model.best_params_


@pytest.mark.parametrize("kind", LABELS)
@every_mini_batch_solver
def test_a_loaded_classifier_continues_as_if_it_had_not_been_saved(solver, kind):
    y = LABELS[kind]
    model = brief(y, solver=solver, warm_start=True)
    loaded = reloaded(model)
    for each in (model, loaded):
        each.partial_fit(X, y)
    np.testing.assert_array_equal(loaded.coefs_[0], model.coefs_[0])
    for each in (model, loaded):
        each.fit(X, y)
    np.testing.assert_array_equal(loaded.coefs_[0], model.coefs_[0])
    assert loaded.loss_curve_ == model.loss_curve_


def cube(z):
    return z**3


def cube_prime(a):
    return 3 * np.cbrt(a) ** 2


def test_an_activation_of_your_own_stays():
    own = Activation(cube, cube_prime, "relu")  # not the one of that name
    model = brief(activation=own, alpha=1.0)
    loaded = reloaded(model)
    assert loaded.activation == loaded.network_.g[0] == own
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_an_unfitted_classifier():
    model = BackpropClassifier((4,), ACTIVATIONS["elu"], class_weight={"a": 1})
    assert reloaded(model).get_params() == model.get_params()


def test_a_copy_has_the_same_objects():
    model = brief()
    assert copy(model)._state is model._state
    assert deepcopy(model)._state is not model._state


def test_a_state_of_a_later_version_is_an_error():
    state = brief().__getstate__()
    state["_skbp_state_version"] += 1
    with pytest.raises(ValueError, match=r"BackpropClassifier.*later version"):
        BackpropClassifier().__setstate__(state)


def test_a_part_of_an_unknown_kind_is_an_error():
    with pytest.raises(ValueError, match="Unheard"):
        plain_state.restored([{"__skbp__": "Unheard"}])


def test_a_state_without_a_part_gets_its_default():
    state = brief().__getstate__()
    del state["_state"]["m"]
    loaded = BackpropClassifier()
    loaded.__setstate__(state)
    assert loaded._state.m == 0


def test_each_version_has_an_upgrade_and_a_file():
    versions = set(range(plain_state.VERSION))
    assert set(plain_state.UPGRADES) == versions
    files = {f"state_{version}.pickle" for version in [*versions, plain_state.VERSION]}
    assert {path.name for path in FOLDER.glob("*.pickle")} == files


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.pickle")), ids=lambda path: path.name)
def test_saved_files_can_be_loaded(path):
    content = pickle.loads(path.read_bytes())
    with warnings.catch_warnings():
        # version 0 holds a LabelBinarizer, which tells of the scikit-learn that saved it
        warnings.simplefilter("ignore", UserWarning)
        models = pickle.loads(content["models"])
    expected = content["predictions"]
    assert expected.keys() == {*models, "continued"}
    for name, p in predictions(models).items():
        np.testing.assert_allclose(p, expected[name], rtol=1e-9)
