"""skbp.callbacks: a fit that was killed is resumed from the file, and ends where it would have.

With scikit-learn before 1.9 a fit calls no callbacks; so the first tests call them.
"""

import os
import pickle
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import killed_fit
import numpy as np
import pytest
from fitting import (
    FIRST_ORDER,
    IRIS,
    LINE_SEARCH,
    MINI_BATCH,
    SOLVERS,
    every_first_order_solver,
    every_solver,
    may_stop_early,
    theta_of,
)
from numpy.testing import assert_allclose, assert_array_equal, assert_equal
from same_fit import assert_same_fit
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbp import BackpropClassifier
from skbp.activations import Activation
from skbp.callbacks import Checkpoint
from skbp.estimator import checkpoint_file
from skbp.estimator.data import Dataset
from skbp.estimator.validation import held_out


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.checkpoint"


def brief(**params):
    given = {"hidden_layer_sizes": (5,), "max_iter": 12, "batch_size": 32, "random_state": 0}
    return BackpropClassifier(**given | deepcopy(params))


def task(name):
    """Return a context as scikit-learn makes it for a fit, or an iteration of one."""
    fit = SimpleNamespace(task_name="fit", parent=None, root_uuid=uuid4(), source_task_name=None)
    return fit if name == "fit" else SimpleNamespace(task_name=name, parent=fit)


def save(checkpoint, model, task_name="iteration"):
    """Call a checkpoint as a fit does in its last iteration, with the weights to resume from."""
    context, unfinished = task(task_name), deepcopy(model)
    history = unfinished._state.training.history
    history.last = replace(history.last, theta=theta_of(model, model.network_))
    before = vars(unfinished).copy()
    checkpoint.on_fit_task_end(model, context, fitted_estimator=unfinished)
    assert vars(unfinished) == before


# ------------------------------------------------------------------------------------ the file


@may_stop_early
def test_a_checkpoint_predicts_as_the_model(path):
    X, y = IRIS
    model = brief(solver="adam").fit(X, y)
    save(Checkpoint(path), model)
    loaded = Checkpoint.load(path)
    assert_same_fit(loaded, model)
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


@may_stop_early
def test_every_nth_iteration_is_saved(path):
    saved = []
    for n_iter in range(1, 10):
        save(Checkpoint(path, every=4), brief(solver="gd", max_iter=n_iter).fit(*IRIS))
        saved.append(Checkpoint.load(path).n_iter_ if path.exists() else None)
    assert saved == [None, None, None, 4, 4, 4, 4, 8, 8]


@may_stop_early
def test_by_default_each_iteration_is_saved(path):
    save(Checkpoint(path), brief(solver="gd", max_iter=1).fit(*IRIS))
    assert Checkpoint.load(path).n_iter_ == 1


@may_stop_early
def test_only_iterations_are_saved(path):
    save(Checkpoint(path), brief(solver="gd").fit(*IRIS), task_name="fit")
    assert not path.exists()


@may_stop_early
def test_the_path_may_be_a_string(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    save(Checkpoint("here"), brief(solver="gd").fit(*IRIS))
    assert Checkpoint.load("here").n_iter_ == Checkpoint.load(Path("here")).n_iter_ == 12


@may_stop_early
@pytest.mark.parametrize("what", ["a finished fit", "no model"])
def test_something_else_is_not_a_checkpoint(path, what):
    content = {"a finished fit": brief(solver="gd").fit(*IRIS), "no model": [1, 2]}[what]
    checkpoint_file.write(path, content)
    with pytest.raises(ValueError, match="is not a checkpoint of an unfinished fit"):
        Checkpoint.load(path)


@pytest.mark.parametrize("every", [0, -1, 1.5, "2", None])
def test_every_must_be_a_positive_integer(path, every):
    with pytest.raises(ValueError, match="every must be a positive integer"):
        Checkpoint(path, every=every)


def test_the_other_hooks_do_nothing(path):
    checkpoint, model, context = Checkpoint(path), brief(), task("fit")
    before = vars(checkpoint).copy(), vars(model).copy()
    checkpoint.setup(estimator=model, context=context)
    assert not checkpoint.on_fit_task_begin(model, context)
    checkpoint.teardown(estimator=model, context=context)
    assert (vars(checkpoint), vars(model)) == before
    assert not path.exists()


@may_stop_early
def test_saving_changes_nothing_in_the_model(path):
    model = brief(solver="adam").fit(*IRIS)
    before = pickle.dumps(model)
    save(Checkpoint(path), model)
    assert pickle.dumps(model) == before


@may_stop_early
def test_the_file_is_written_beside_its_place_flushed_and_then_renamed(path, monkeypatch):
    steps, flushed_sizes = [], []
    fsync, replace = os.fsync, os.replace

    def flushed(descriptor):
        steps.append("flush")
        flushed_sizes.append(os.fstat(descriptor).st_size)
        fsync(descriptor)

    def renamed(source, target):
        assert Path(source).parent == path.parent
        assert isinstance(checkpoint_file.read(Path(source)), BackpropClassifier)
        assert Path(target) == path
        steps.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", renamed)
    save(Checkpoint(path), brief(solver="gd").fit(*IRIS))
    assert steps[:2] == ["flush", "rename"]
    assert flushed_sizes[0] == path.stat().st_size


@may_stop_early
def test_a_saved_checkpoint_has_nothing_beside_it(path):
    for _ in range(3):
        save(Checkpoint(path), brief(solver="gd").fit(*IRIS))
    assert list(path.parent.iterdir()) == [path]


@may_stop_early
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_checkpoint_and_nothing_beside_it(path, monkeypatch, step, error):
    save(Checkpoint(path), brief(solver="gd", max_iter=3).fit(*IRIS))
    old = path.read_bytes()

    def fail(*args):
        raise error

    model = brief(solver="gd", max_iter=4).fit(*IRIS)
    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(type(error)):
            save(Checkpoint(path), model)
    assert path.read_bytes() == old
    assert list(path.parent.iterdir()) == [path]


@may_stop_early
def test_a_model_that_cannot_be_pickled_leaves_the_old_checkpoint(path):
    save(Checkpoint(path), brief(solver="gd").fit(*IRIS))
    old = path.read_bytes()
    activation = Activation(lambda z: 1 * z, lambda a: np.ones_like(a))
    model = brief(solver="gd", activation=activation).fit(*IRIS)
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        save(Checkpoint(path), model)
    assert path.read_bytes() == old
    assert list(path.parent.iterdir()) == [path]


@may_stop_early
def test_a_clone_of_a_checkpoint_starts_a_new_fit(path):
    X, y = IRIS
    model = brief(solver="sgd").fit(X, y)
    save(Checkpoint(path), model)
    cloned = clone(Checkpoint.load(path))
    with pytest.raises(NotFittedError):
        cloned.predict(X)
    assert_same_fit(cloned.fit(X[:120], y[:120]), brief(solver="sgd").fit(X[:120], y[:120]))


@may_stop_early
@every_first_order_solver
def test_a_fit_that_had_ended_is_not_continued(path, solver):
    model = brief(solver=solver).fit(*IRIS)
    save(Checkpoint(path), model)
    # with another seed, a new fit would end with other weights
    assert_same_fit(Checkpoint.load(path).set_params(random_state=1).fit(*IRIS), model)


if hasattr(BackpropClassifier, "set_callbacks"):

    class Killed(BaseException):
        """Ends a fit at once, in a test that kills no process."""

    class KillAt:
        """A callback that counts the iterations, and kills the fit at one of them if given."""

        def __init__(self, n_iter=None):
            self.n_iter = n_iter
            self.seen = []

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            if context.task_name == "iteration":
                self.seen.append(fitted_estimator.n_iter_)
                if fitted_estimator.n_iter_ == self.n_iter:
                    raise Killed

    def killed(model, n_iter, path, *data, every=None, **more_data):
        """Return the model that is loaded after a fit was killed at some iteration."""
        path.unlink(missing_ok=True)
        # by default it saves in that iteration only, which is faster
        model.set_callbacks(Checkpoint(path, n_iter if every is None else every), KillAt(n_iter))
        with pytest.raises(Killed):
            model.fit(*data, **more_data)
        return Checkpoint.load(path)

    def resume(loaded, *data, **more_data):
        """Resume a fit, which must do the iterations that are left and no others."""
        before, counter = loaded.n_iter_, KillAt()
        loaded.set_callbacks(counter).fit(*data, **more_data)
        assert counter.seen == list(range(before + 1, loaded.n_iter_ + 1))
        return loaded.set_callbacks()

    # ------------------------------- a resumed fit ends bitwise where the undisturbed one does

    SCHEDULES = ["constant", "invscaling", "adaptive", "cosine", "one_cycle"]
    FAST = {"gd": 1.0, "sgd": 0.1, "adam": 0.1}

    def stops_early(solver, **params):
        """Parameters of a fit whose best iteration is not the last one."""
        rate = FAST.get(solver, "auto")
        given = {"early_stopping": True, "scoring": "accuracy", "n_iter_no_change": 3}
        return {"solver": solver, "learning_rate_init": rate, "max_iter": 40} | given | params

    RESUMABLE = [
        *({"solver": "gd", "learning_rate": rate} for rate in SCHEDULES),
        *({"solver": "sgd", "learning_rate": rate} for rate in SCHEDULES),
        *({"solver": "adam", "learning_rate": rate} for rate in ("constant", "one_cycle")),
        *(stops_early(s) for s in FIRST_ORDER),
        stops_early("sgd", scoring=None, tol=0.02),
        {"solver": "adam", "class_weight": "balanced", "label_smoothing": 0.1},
        {"solver": "sgd", "random_state": np.random.RandomState(3)},
        *({"solver": s, "dropout": 0.3} for s in MINI_BATCH),
        *(stops_early(s, dropout=0.3, n_iter_no_change=9) for s in MINI_BATCH),
        *({"solver": s, "tol": 0.05, "n_iter_no_change": 2, "max_iter": 60} for s in MINI_BATCH),
        {"solver": "gd", "tol": 0.1, "max_iter": 60},
        {"solver": "gd", "learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 1},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 1},
        {"solver": "sgd", "momentum": 0.5, "nesterovs_momentum": False},
        {"solver": "sgd", "shuffle": False},
        {"solver": "sgd", "batch_size": 7, "max_grad_norm": 0.5},
        {"solver": "adam", "warm_start": True, "activation": ["tanh", "relu"]}
        | {"hidden_layer_sizes": (4, 3)},
    ]

    def name_of(params):
        return "-".join(f"{name}={value}" for name, value in params.items()).replace("solver=", "")

    @pytest.mark.parametrize("params", RESUMABLE, ids=name_of)
    @may_stop_early
    def test_a_resumed_fit_ends_bitwise_where_the_undisturbed_one_does(path, params):
        undisturbed = brief(**params).fit(*IRIS)
        assert undisturbed.n_iter_ > 3
        # also from the last iteration, where the fit only has to notice that it has ended
        for n_iter in [undisturbed.n_iter_ // 2, undisturbed.n_iter_]:
            loaded = killed(brief(**params), n_iter, path, *IRIS)
            assert loaded.n_iter_ == n_iter
            assert_same_fit(resume(loaded, *IRIS), undisturbed)

    @every_first_order_solver
    @may_stop_early
    def test_a_float32_fit_is_resumed_in_float32(path, solver):
        data = IRIS[0].astype(np.float32), IRIS[1]
        for n_iter in [1, 11]:
            resumed = resume(killed(brief(solver=solver), n_iter, path, *data), *data)
            assert resumed.coefs_[0].dtype == np.float32
            assert_same_fit(resumed, brief(solver=solver).fit(*data))

    @every_solver
    @may_stop_early
    def test_a_fit_that_early_stopping_has_ended_is_not_continued(path, solver):
        undisturbed = brief(**stops_early(solver)).fit(*IRIS)
        assert undisturbed.best_iter_ + 1 < undisturbed.n_iter_ < undisturbed.max_iter
        loaded = killed(brief(**stops_early(solver)), undisturbed.n_iter_, path, *IRIS)
        ended = resume(loaded, *IRIS)
        assert ended.n_iter_ == undisturbed.n_iter_
        assert ended.best_iter_ == undisturbed.best_iter_
        assert_equal(ended.coefs_, undisturbed.coefs_)

    @may_stop_early
    @every_first_order_solver
    def test_between_two_checkpoints_the_older_one_is_resumed(path, solver):
        loaded = killed(brief(solver=solver), 10, path, *IRIS, every=4)
        assert loaded.n_iter_ == 8
        assert_same_fit(resume(loaded, *IRIS), brief(solver=solver).fit(*IRIS))

    @may_stop_early
    @every_first_order_solver
    def test_a_fit_that_is_killed_in_each_iteration_comes_to_its_end(path, solver):
        undisturbed = brief(**stops_early(solver)).fit(*IRIS)
        loaded = brief(**stops_early(solver))
        for n_iter in range(1, undisturbed.n_iter_ + 1):
            loaded = killed(loaded, n_iter, path, *IRIS)
            assert loaded.n_iter_ == n_iter
        assert_same_fit(resume(loaded, *IRIS), undisturbed)

    @may_stop_early
    @every_first_order_solver
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_a_fit_with_weights_and_a_validation_set_is_resumed(path, solver, early_stopping):
        X, y = IRIS
        data = X[::2], y[::2], np.linspace(0.5, 1.5, 75)
        more = {"X_val": X[1::2], "y_val": y[1::2], "sample_weight_val": np.linspace(1, 2, 75)}
        model = brief(solver=solver, early_stopping=early_stopping)
        undisturbed = clone(model).fit(*data, **more)
        loaded = killed(model, 5, path, *data, **more)
        assert_same_fit(resume(loaded, *data, **more), undisturbed)

    @may_stop_early
    @every_first_order_solver
    def test_a_fit_from_given_weights_is_resumed(path, solver):
        X, y = IRIS
        model = brief(solver=solver)
        start = clone(model).set_params(random_state=9).initialize(X, y)
        given = {"coefs_init": start.coefs_, "intercepts_init": start.intercepts_}
        undisturbed = clone(model).fit(X, y, **given)
        loaded = killed(model, 5, path, X, y, **given)
        with pytest.raises(ValueError, match="takes no coefs_init"):
            loaded.fit(X, y, **given)
        assert_same_fit(resume(loaded, X, y), undisturbed)

    @may_stop_early
    @every_first_order_solver
    def test_a_warm_start_is_resumed(path, solver):
        undisturbed = brief(solver=solver, warm_start=True).fit(*IRIS).fit(*IRIS)
        model = brief(solver=solver, warm_start=True).fit(*IRIS)
        assert_same_fit(resume(killed(model, 5, path, *IRIS), *IRIS), undisturbed)

    @may_stop_early
    @every_first_order_solver
    def test_a_resumed_fit_may_get_more_iterations(path, solver):
        loaded = killed(brief(solver=solver), 12, path, *IRIS)
        longer = resume(loaded.set_params(max_iter=20), *IRIS)
        assert_same_fit(longer, brief(solver=solver, max_iter=20).fit(*IRIS))

    @may_stop_early
    def test_the_classifier_of_a_pipeline_is_saved_without_the_pipeline(path):
        X, y = IRIS
        model = brief(solver="adam").set_callbacks(Checkpoint(path), KillAt(4))
        with pytest.raises(Killed):
            make_pipeline(StandardScaler(), model).fit(X * 3 + 1, y)
        loaded = Checkpoint.load(path)
        assert vars(loaded).keys() == vars(clone(loaded).fit(X, y)).keys()
        scaled = StandardScaler().fit_transform(X * 3 + 1)
        assert_same_fit(loaded.fit(scaled, y), brief(solver="adam").fit(scaled, y))

    @every_first_order_solver
    @may_stop_early
    def test_a_resumed_fit_that_fails_can_be_resumed_from_memory(path, solver):
        loaded = killed(brief(**stops_early(solver)), 2, path, *IRIS)
        with pytest.raises(Killed):
            loaded.set_callbacks(KillAt(4)).fit(*IRIS)
        assert loaded.n_iter_ == 2
        resumed = resume(loaded, *IRIS)
        assert_same_fit(resumed, brief(**stops_early(solver)).fit(*IRIS))

    # -------------------------------- line searches, and the counts of the fit that was killed

    @pytest.mark.parametrize("solver", LINE_SEARCH)
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_a_line_search_continues_from_the_weights(path, solver, dtype):
        X, y = IRIS[0].astype(dtype), IRIS[1]
        params = {"solver": solver, "max_iter": 1000, "tol": 1e-3, "n_iter_no_change": np.inf}
        params |= {"activation": "logistic", "alpha": 0.5}
        undisturbed = brief(**params).fit(X, y)
        loaded = killed(brief(**params), 8, path, X, y)
        before = loaded.loss_curve_.copy()
        resumed = resume(loaded, X, y)
        # the cost is not convex in general, but from here both find the same minimum
        assert_allclose(resumed.loss_, undisturbed.loss_, rtol=1e-3)
        assert resumed.loss_curve_[:8] == before == undisturbed.loss_curve_[:8]
        assert len(resumed.loss_curve_) == resumed.n_iter_ > 8
        assert max(resumed.loss_curve_[8:]) <= before[-1]

    @every_solver
    @may_stop_early
    @pytest.mark.parametrize("n_iter", [8, 12])
    def test_max_iter_counts_the_iterations_before_the_kill(path, solver, n_iter):
        loaded = killed(brief(solver=solver), n_iter, path, *IRIS)
        assert resume(loaded, *IRIS).n_iter_ == loaded.max_iter == 12

    @every_solver
    @may_stop_early
    def test_the_validation_curves_are_continued(path, solver):
        params = {"solver": solver, "early_stopping": True, "scoring": "accuracy"}
        resumed = resume(killed(brief(**params), 4, path, *IRIS), *IRIS)
        scores = resumed.validation_scores_
        assert len(scores) == len(resumed.validation_loss_curve_) == resumed.n_iter_ > 4
        assert scores[resumed.best_iter_] == resumed.best_validation_score_ == max(scores)

    # ------------------------------------------------------------------- what must be the same

    def wrong_data(X, y):
        return {
            "fewer rows": (X[::2], y[::2]),
            "fewer features": (X[:, :3], y),
            "fewer classes": (X, y % 2),
            "other classes": (X, y + 1),
            "names of classes": (X, np.array(["a", "b", "c"])[y]),
            "labels": (X, np.eye(3, dtype=int)[y]),
            "float32": (X.astype(np.float32), y),
        }

    @every_solver
    @may_stop_early
    def test_other_data_is_an_error_and_the_model_can_still_be_resumed(path, solver):
        loaded = killed(brief(solver=solver), 5, path, *IRIS)
        once = deepcopy(loaded).fit(*IRIS)
        before = pickle.dumps(loaded)
        for data in wrong_data(*IRIS).values():
            with pytest.raises(ValueError, match=r"rows|features|classes|dtype|one label a row"):
                loaded.fit(*data)
            assert pickle.dumps(loaded) == before
        assert_same_fit(resume(loaded, *IRIS), once)

    @may_stop_early
    @pytest.mark.parametrize("to", SOLVERS)
    def test_a_resumed_fit_has_to_have_the_same_solver(path, to):
        solver = "sgd" if to == "adam" else "adam"
        loaded = killed(brief(solver=solver), 5, path, *IRIS).set_params(solver=to)
        with pytest.raises(ValueError, match="solver"):
            loaded.fit(*IRIS)
        assert loaded.set_params(solver=solver).fit(*IRIS).n_iter_ == 12

    @every_solver
    @may_stop_early
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_a_resumed_fit_needs_the_validation_set_that_it_had(path, solver, early_stopping):
        X, y = IRIS
        loaded = killed(
            brief(solver=solver, early_stopping=early_stopping), 5, path, X, y, X_val=X, y_val=y
        )
        with pytest.raises(ValueError, match="X_val"):
            loaded.fit(X, y)
        assert loaded.fit(X, y, X_val=X, y_val=y).n_iter_ > 5

    @every_solver
    @may_stop_early
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_a_resumed_fit_gets_no_validation_set_that_it_did_not_have(
        path, solver, early_stopping
    ):
        X, y = IRIS
        loaded = killed(brief(solver=solver, early_stopping=early_stopping), 5, path, X, y)
        with pytest.raises(ValueError, match="X_val"):
            loaded.fit(X, y, X_val=X, y_val=y)
        assert loaded.fit(X, y).n_iter_ > 5

    @may_stop_early
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_early_stopping_cannot_be_switched_while_a_fit_is_resumed(path, early_stopping):
        loaded = killed(brief(solver="adam", early_stopping=early_stopping), 5, path, *IRIS)
        with pytest.raises(ValueError, match="early_stopping"):
            loaded.set_params(early_stopping=not early_stopping).fit(*IRIS)

    @may_stop_early
    def test_a_folder_that_is_missing_is_an_error_before_the_first_iteration(path):
        counter = KillAt()
        model = brief(solver="adam").set_callbacks(counter, Checkpoint(path / "no" / "folder"))
        before = vars(model).copy()
        with pytest.raises(FileNotFoundError):
            model.fit(*IRIS)
        assert counter.seen == []
        assert vars(model) == before

    @may_stop_early
    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("alpha", 1.0),
            ("tol", 0.5),
            ("scoring", "accuracy"),
            ("validation_fraction", 0.5),
            ("learning_rate", "invscaling"),
            ("dropout", 0.5),
            ("class_weight", "balanced"),
        ],
    )
    def test_a_fit_is_resumed_with_its_own_parameters(path, parameter, value):
        undisturbed = brief(solver="adam", early_stopping=True).fit(*IRIS)
        loaded = killed(clone(undisturbed), 5, path, *IRIS)
        with pytest.raises(ValueError, match=f"the same {parameter} as before"):
            loaded.set_params(**{parameter: value}).fit(*IRIS)
        loaded.set_params(**{parameter: getattr(undisturbed, parameter)})
        assert_same_fit(resume(loaded, *IRIS), undisturbed)

    @may_stop_early
    @pytest.mark.parametrize("learning_rate", ["cosine", "one_cycle"])
    def test_max_iter_may_change_unless_the_learning_rate_is_planned_for_it(path, learning_rate):
        loaded = killed(brief(solver="sgd", learning_rate=learning_rate), 5, path, *IRIS)
        with pytest.raises(ValueError, match="the same max_iter as before"):
            loaded.set_params(max_iter=20).fit(*IRIS)
        loaded = killed(brief(solver="sgd"), 5, path, *IRIS).set_params(max_iter=20)
        assert_same_fit(resume(loaded, *IRIS), brief(solver="sgd", max_iter=20).fit(*IRIS))

    @may_stop_early
    def test_the_validation_set_of_a_resumed_fit_needs_its_weights(path):
        X, y = IRIS
        loaded = killed(brief(solver="adam", early_stopping=True), 5, path, X, y)
        # they are the first thing that a fit draws
        examples = Dataset(X, y, loaded.targets_.encode(y, float))
        weight = np.ones(len(y))
        weight[held_out(examples, loaded.targets_, 0.1, np.random.RandomState(0))] = 0
        with pytest.raises(ValueError, match="sample_weight"):
            loaded.fit(X, y, weight)

    @may_stop_early
    def test_the_models_that_a_callback_gets_from_a_resumed_fit_are_not_resumed(path):
        kept = []

        class Keep(KillAt):
            def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
                kept.append(fitted_estimator)

        X, y = IRIS
        loaded = killed(brief(solver="adam"), 5, path, X, y)
        loaded.set_callbacks(Keep()).fit(X, y)
        fresh = brief(solver="adam").fit(X[:120], y[:120])
        assert_same_fit(kept[0].set_callbacks().fit(X[:120], y[:120]), fresh)

    @may_stop_early
    @pytest.mark.parametrize("solver", LINE_SEARCH)
    def test_evaluations_before_the_kill_count(path, solver):
        resumed = resume(killed(brief(solver=solver), 8, path, *IRIS), *IRIS)
        # one in each of 12 iterations, and one where each part began
        assert resumed.t_ >= 14 * len(IRIS[1])

    @may_stop_early
    def test_max_fun_counts_the_evaluations_before_the_kill(path):
        undisturbed = brief(solver="lbfgs", max_fun=10, max_iter=50).fit(*IRIS)
        loaded = killed(clone(undisturbed), 5, path, *IRIS)
        assert resume(loaded, *IRIS).n_iter_ <= undisturbed.n_iter_ + 1

    @every_solver
    @may_stop_early
    def test_a_checkpoint_that_cannot_be_written_is_an_error_of_the_fit(path, monkeypatch, solver):
        def fail(*args):
            raise OSError("disk full")

        model = brief(solver=solver).set_callbacks(Checkpoint(path, every=3))
        before = vars(model).copy()
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="disk full"):
            model.fit(*IRIS)
        assert vars(model) == before
        assert list(path.parent.iterdir()) == []

    # ----------------------------------------------------------------------- resumed only once

    @may_stop_early
    def test_only_the_first_fit_is_resumed(path):
        X, y = IRIS
        loaded = killed(brief(solver="adam"), 5, path, X, y)
        undisturbed = brief(solver="adam").fit(X, y)
        assert_same_fit(loaded.fit(X, y), undisturbed)
        assert_same_fit(loaded.fit(X, y), undisturbed)
        assert_same_fit(loaded.fit(X[:120], y[:120]), brief(solver="adam").fit(X[:120], y[:120]))

    @may_stop_early
    def test_after_initialize_there_is_nothing_to_resume(path):
        X, y = IRIS
        loaded = killed(brief(solver="adam"), 5, path, X, y)
        loaded.initialize(X, y)
        assert_same_fit(loaded.fit(X[:120], y[:120]), brief(solver="adam").fit(X[:120], y[:120]))

    @may_stop_early
    def test_partial_fit_continues_from_a_checkpoint_and_then_there_is_nothing_to_resume(path):
        X, y = IRIS
        loaded = killed(brief(solver="adam"), 5, path, X, y)
        loaded.partial_fit(X, y)
        assert loaded.n_iter_ == 6
        assert_same_fit(loaded.fit(X[:120], y[:120]), brief(solver="adam").fit(X[:120], y[:120]))

    @may_stop_early
    def test_saving_leaves_the_model_its_callbacks(path):
        seen = KillAt()
        model = brief(solver="adam").set_callbacks(seen).fit(*IRIS)
        save(Checkpoint(path), model)
        model.fit(*IRIS)
        assert len(seen.seen) == 2 * model.n_iter_

    @may_stop_early
    def test_a_loaded_model_has_no_callbacks(path):
        loaded = killed(brief(solver="adam"), 5, path, *IRIS)
        saved = path.read_bytes()
        loaded.fit(*IRIS)
        assert path.read_bytes() == saved

    # ---------------------------------------------------------------- a process that is killed

    def kill_a_process_that_fits(path, moment, iteration):
        """Start or resume a fit in another process, and kill the process."""
        command = [sys.executable, killed_fit.__file__, path, moment, str(iteration)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
            assert process.stdout.readline() == "waiting\n"
            process.kill()  # SIGKILL, or on Windows TerminateProcess
        assert process.returncode != 0

    @may_stop_early
    def test_a_process_that_is_killed_at_any_moment_can_be_resumed(path):
        X, y = killed_fit.examples()
        undisturbed = BackpropClassifier(**killed_fit.PARAMS).fit(X, y)
        # the moment, the iteration, and the one whose checkpoint is left
        kills = [("writing", 9, 8), ("renaming", 14, 13)]
        for moment, iteration, left in kills:
            kill_a_process_that_fits(path, moment, iteration)
            loaded = Checkpoint.load(path)
            assert loaded.n_iter_ == left
            assert len(list(path.parent.iterdir())) == (2 if os.name == "posix" else 1 + len(kills))
            assert_same_fit(resume(loaded, X, y), undisturbed)
        if os.name == "posix":
            # the next fit removes what the killed process had not finished
            loaded.set_callbacks(Checkpoint(path)).fit(X, y)
            assert list(path.parent.iterdir()) == [path]

    # ------------------------------------------------------------------- several fits, one path

    @may_stop_early
    @pytest.mark.parametrize("n_jobs", [None, 2])
    @pytest.mark.parametrize("in_pipeline", [False, True])
    def test_each_fit_of_a_search_has_its_own_file(path, n_jobs, in_pipeline):
        model, name = brief(solver="adam", max_iter=3).set_callbacks(Checkpoint(path)), "alpha"
        if in_pipeline:
            model, name = make_pipeline(StandardScaler(), model), "backpropclassifier__alpha"
        search = GridSearchCV(model, {name: [0.1, 1.0]}, cv=2, n_jobs=n_jobs).fit(*IRIS)
        files = [path.with_name(f"model-{k}.checkpoint") for k in range(4)]
        assert sorted(path.parent.iterdir()) == sorted([path, *files])
        assert [Checkpoint.load(file).alpha for file in files] == [0.1, 0.1, 1.0, 1.0]
        best = search.best_estimator_
        assert_equal(Checkpoint.load(path).coefs_, (best[-1] if in_pipeline else best).coefs_)

    @may_stop_early
    @pytest.mark.parametrize("n_jobs", [None, 2])
    def test_fits_that_cannot_be_told_apart_do_not_disturb_each_other(path, n_jobs):
        model = brief(solver="adam", max_iter=20).set_callbacks(Checkpoint(path))
        scores = cross_val_score(model, *IRIS, cv=4, n_jobs=n_jobs, error_score="raise")
        assert_equal(scores, cross_val_score(brief(solver="adam", max_iter=20), *IRIS, cv=4))
        assert list(path.parent.iterdir()) == [path]
        assert Checkpoint.load(path).n_iter_ == 20

    @may_stop_early
    @pytest.mark.parametrize("n_jobs", [None, 2])
    def test_with_fit_in_the_path_every_fit_has_its_own_file(path, n_jobs):
        model = brief(solver="adam", max_iter=3)
        model.set_callbacks(Checkpoint(path.with_name("{fit}.checkpoint")))
        cross_val_score(model, *IRIS, cv=3, n_jobs=n_jobs)
        GridSearchCV(model, {"alpha": [0.1, 1.0]}, cv=2, n_jobs=n_jobs).fit(*IRIS)
        make_pipeline(StandardScaler(), model).fit(*IRIS)
        model.fit(*IRIS)
        files = list(path.parent.iterdir())
        assert len(files) == 3 + 5 + 1 + 1
        assert {Checkpoint.load(file).n_iter_ for file in files} == {3}

    @may_stop_early
    def test_a_folder_that_cannot_be_written_is_an_error_before_the_first_iteration(
        path, monkeypatch
    ):
        def fail(*args):
            raise PermissionError(13, "Permission denied")

        counter = KillAt()
        model = brief(solver="adam").set_callbacks(counter, Checkpoint(path))
        monkeypatch.setattr(os, "open", fail)
        with pytest.raises(PermissionError, match=r"model\.checkpoint"):
            model.fit(*IRIS)
        assert counter.seen == []
