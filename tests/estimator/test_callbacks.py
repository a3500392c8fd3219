"""skbp.estimator.callbacks: what scikit-learn's callbacks see of a fit, and how they end it.

They came with scikit-learn 1.9. With earlier versions, the tests only hold that a fit calls
none. `skbp.callbacks` is tested in test_checkpoint.py.
"""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
import sklearn
from fitting import IRIS, SOLVERS, every_solver, may_stop_early
from numpy.testing import assert_allclose
from same_fit import assert_same_fit, bits_of
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from skbp import BackpropClassifier
from skbp.callbacks import Checkpoint
from skbp.estimator.callbacks import FitTasks


def test_there_is_set_callbacks_where_scikit_learn_has_callbacks():
    has_callbacks = parse_version(sklearn.__version__) >= parse_version("1.9")
    assert hasattr(BackpropClassifier, "set_callbacks") == has_callbacks


def brief(solver, **params):
    """Return a network that is trained for six iterations, unless ``params`` has others."""
    given = {"hidden_layer_sizes": (4,), "max_iter": 6, "batch_size": 32, "random_state": 0}
    return BackpropClassifier(**given | params, solver=solver)


if not hasattr(BackpropClassifier, "set_callbacks"):

    @may_stop_early
    def test_without_scikit_learns_callbacks_a_fit_calls_none(tmp_path):
        model = brief("adam")
        model._skl_callbacks = [Checkpoint(tmp_path / "checkpoint")]
        assert_same_fit(model.fit(*IRIS), brief("adam").fit(*IRIS))
        assert list(tmp_path.iterdir()) == []

else:
    from sklearn.callback import CallbackContext, FitCallback, ProgressBar, ScoringMonitor

    class Hooks:
        """A callback that does nothing; its subclasses override some of its methods."""

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            pass

    class Recorder(Hooks):
        """Records which hook is called for which task, and fails at one of them if given."""

        def __init__(self, fail_at=None):
            self.fail_at = fail_at
            self.calls = []
            self.contexts = []

        def record(self, hook, context):
            self.calls.append((hook, context.task_name, context.task_id))
            self.contexts.append(context)
            if (hook, context.task_name) == self.fail_at:
                raise RuntimeError(f"the recorder fails at {self.fail_at}")

        def setup(self, estimator, context):
            self.record("setup", context)

        def teardown(self, estimator, context):
            self.record("teardown", context)

        def on_fit_task_begin(self, estimator, context):
            self.record("begin", context)

        def on_fit_task_end(self, estimator, context):
            self.record("end", context)

        def n_calls(self, hook, task_name):
            return [call[:2] for call in self.calls].count((hook, task_name))

    class Propagated(Recorder):
        max_propagation_depth = None

    class AtEachIteration(Hooks):
        """Calls a function with all arguments that a callback gets after an iteration."""

        def __init__(self, call):
            self.call = call

        def on_fit_task_end(
            self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
        ):
            if context.task_name != "iteration":
                return None
            seen = {"context": context, "X": X, "y": y, "metadata": metadata}
            return self.call(fitted_estimator=fitted_estimator, **seen)

    def stop_after(n_iter):
        return AtEachIteration(lambda *, context, **_: context.task_id + 1 == n_iter)

    class Reader(Hooks):
        """Asks for the fitted estimators only, of any task."""

        def __init__(self):
            self.models = []

        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            self.models.append(fitted_estimator)

    def tasks(n_iter):
        """Yield the hooks that a fit calls for its iterations, in their order."""
        for i in range(n_iter):
            yield from [("begin", "iteration", i), ("end", "iteration", i)]

    # ----------------------------------------------------------------------------------- tasks

    @every_solver
    @may_stop_early
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_the_fit_is_a_task_and_each_iteration_is_one_below_it(solver, early_stopping):
        recorder = Recorder()
        model = brief(solver, early_stopping=early_stopping).set_callbacks(recorder).fit(*IRIS)
        assert recorder.calls == [
            ("setup", "fit", 0),
            ("begin", "fit", 0),
            *tasks(model.n_iter_),
            ("end", "fit", 0),
            ("teardown", "fit", 0),
        ]
        root, *_ = recorder.contexts
        assert (root.max_subtasks, root.parent) == (model.max_iter, None)
        below = [c for c in recorder.contexts if c.task_name == "iteration"]
        assert all((c.parent, c.max_subtasks) == (root, 0) for c in below)
        assert {c.estimator_name for c in recorder.contexts} == {"BackpropClassifier"}

    def test_a_fit_that_converges_has_fewer_tasks_than_it_might():
        recorder = Recorder()
        model = brief("lbfgs", max_iter=1000).set_callbacks(recorder).fit(*IRIS)
        assert recorder.n_calls("end", "iteration") == model.n_iter_ < model.max_iter

    @may_stop_early
    def test_a_warm_start_numbers_its_tasks_from_0():
        recorder = Recorder()
        model = brief("adam", warm_start=True).set_callbacks(recorder).fit(*IRIS)
        before = recorder.calls.copy()
        model.fit(*IRIS)
        assert recorder.calls == before * 2

    @may_stop_early
    def test_without_callbacks_an_iteration_has_no_context(monkeypatch):
        made = []
        subcontext = CallbackContext.subcontext

        def counted(*args, **kwargs):
            made.append(subcontext(*args, **kwargs))
            return made[-1]

        monkeypatch.setattr(CallbackContext, "subcontext", counted)
        model = brief("adam").fit(*IRIS)
        assert made == []
        model.set_callbacks(Recorder()).fit(*IRIS)
        assert len(made) == model.n_iter_
        model.set_callbacks().fit(*IRIS)
        assert len(made) == model.n_iter_

    @may_stop_early
    def test_a_fitted_estimator_is_made_only_for_a_callback_that_wants_it(monkeypatch):
        made = []
        iteration = FitTasks.iteration

        def counted(self, attributes, so_far):
            return iteration(self, lambda result: made.append(result) or attributes(result), so_far)

        monkeypatch.setattr(FitTasks, "iteration", counted)
        model = brief("adam").set_callbacks(Recorder()).fit(*IRIS)
        assert made == []
        model.set_callbacks(Reader()).fit(*IRIS)
        assert len(made) == model.n_iter_

    def test_partial_fit_and_initialize_call_no_callback():
        X, y = IRIS
        recorder = Recorder()
        model = brief("sgd").set_callbacks(recorder).initialize(X, y)
        model.partial_fit(X, y).partial_fit(X, y)
        assert recorder.calls == []

    @may_stop_early
    def test_a_clone_has_the_same_callbacks():
        recorder = Recorder()
        model = clone(brief("adam").set_callbacks(recorder)).fit(*IRIS)
        assert recorder.n_calls("end", "iteration") == model.n_iter_

    def test_checkpoint_is_a_fit_callback(tmp_path):
        assert isinstance(Checkpoint(tmp_path / "checkpoint"), FitCallback)

    # ----------------------------------------------------------------- arguments of a callback

    @every_solver
    @may_stop_early
    @pytest.mark.parametrize("weighted", [False, True])
    def test_a_callback_sees_the_users_data_and_weights(solver, weighted):
        X, y = IRIS
        weight = np.linspace(0.5, 1.5, len(y)) if weighted else None
        seen = []
        model = brief(solver).set_callbacks(AtEachIteration(lambda **all_: seen.append(all_)))
        model.fit(X, y, sample_weight=weight)
        assert len(seen) == model.n_iter_
        for each in seen:
            assert each["X"] is X
            assert each["y"] is y
            if weighted:
                assert list(each["metadata"]) == ["sample_weight"]
                assert each["metadata"]["sample_weight"] is weight
            else:
                assert not each["metadata"]

    AS_IF_ENDED = [
        *(pytest.param({"solver": solver}, id=solver) for solver in SOLVERS),
        *(
            pytest.param(
                {"solver": solver, "early_stopping": True, "scoring": "accuracy"},
                id=f"{solver}-early_stopping",
            )
            for solver in SOLVERS
        ),
        pytest.param({"solver": "adam", "dropout": 0.3, "class_weight": "balanced"}, id="dropout"),
        pytest.param({"solver": "gd", "learning_rate": "invscaling"}, id="invscaling"),
    ]

    @may_stop_early
    @pytest.mark.parametrize("params", AS_IF_ENDED)
    def test_the_fitted_estimator_is_as_if_the_fit_had_ended_there(params):
        reader = Reader()
        whole = brief(**params).set_callbacks(reader).fit(*IRIS)
        *after, last = reader.models
        assert_same_fit(last, whole)
        assert [model.n_iter_ for model in after] == list(range(1, whole.n_iter_ + 1))
        for k, model in enumerate(after, start=1):
            ended = brief(**params | {"max_iter": k}).fit(*IRIS)
            # how often a line search has evaluated the cost is known only at its end
            assert_same_fit(model, ended, but_for=["t_"])

    @every_solver
    @may_stop_early
    def test_the_fitted_estimator_predicts_while_the_fit_is_running(solver):
        X, y = IRIS
        losses = []

        def score(*, fitted_estimator, **_):
            losses.append(log_loss(y, fitted_estimator.predict_proba(X)))
            assert fitted_estimator.score(X, y) == np.mean(fitted_estimator.predict(X) == y)

        model = brief(solver).set_callbacks(AtEachIteration(score)).fit(X, y)
        assert len(losses) == model.n_iter_
        assert losses[-1] == log_loss(y, model.predict_proba(X))

    @every_solver
    @may_stop_early
    def test_the_fitted_estimators_of_the_iterations_differ(solver):
        reader = Reader()
        model = brief(solver).set_callbacks(reader).fit(*IRIS)
        different = {bits_of(each) for each in reader.models}
        assert len(different) == model.n_iter_

    def spoil(*, fitted_estimator, **_):
        """Change everything in a fitted estimator that can be changed."""
        for array in [*fitted_estimator.coefs_, *fitted_estimator.intercepts_]:
            array[...] = np.nan
        fitted_estimator.loss_curve_.clear()
        fitted_estimator.validation_scores_.clear()
        state = fitted_estimator._state
        progress, last = state.training.progress, state.training.history.last
        progress.random_state.seed(99)
        progress.averages.clear()
        progress.n_iter = progress.n_examples = progress.n_passes = 0
        state.held_out[...] = 0
        last.theta[...] = last.best_theta[...] = np.nan
        state.training.history.add(last.theta, np.nan, (np.nan, np.inf), tol=0)

    @every_solver
    @may_stop_early
    def test_a_callback_that_changes_the_fitted_estimator_does_not_change_the_fit(solver):
        params = {"early_stopping": True, "n_iter_no_change": 3, "max_iter": 12}
        undisturbed = brief(solver, **params).fit(*IRIS)
        disturbed = brief(solver, **params).set_callbacks(AtEachIteration(spoil)).fit(*IRIS)
        assert_same_fit(disturbed, undisturbed)

    @every_solver
    @may_stop_early
    def test_a_kept_fitted_estimator_does_not_change_with_the_fit(solver):
        kept = []

        def keep(*, fitted_estimator, **_):
            kept.append((fitted_estimator, bits_of(fitted_estimator)))

        brief(solver).set_callbacks(AtEachIteration(keep)).fit(*IRIS)
        for model, bits in kept:
            assert bits_of(model) == bits

    # ------------------------------------------------------------------------ the end of a fit

    @every_solver
    def test_a_callback_that_returns_true_stops_the_fit_without_a_warning(solver):
        recorder = Recorder()
        model = brief(solver).set_callbacks(stop_after(3), recorder).fit(*IRIS)
        assert model.n_iter_ == recorder.n_calls("end", "iteration") == 3
        assert recorder.calls[-2:] == [("end", "fit", 0), ("teardown", "fit", 0)]

    @every_solver
    @may_stop_early
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_a_stopped_fit_is_one_of_so_many_iterations(solver, early_stopping):
        given = {"early_stopping": early_stopping, "scoring": "accuracy"}
        stopped = brief(solver, **given).set_callbacks(stop_after(3)).fit(*IRIS)
        assert_same_fit(stopped, brief(solver, max_iter=3, **given).fit(*IRIS), but_for=["t_"])

    @every_solver
    @may_stop_early
    def test_ctrl_c_in_a_callback_keeps_the_iteration(solver):
        def press(*, context, **_):
            if context.task_id == 2:
                raise KeyboardInterrupt

        recorder = Recorder()
        model = brief(solver).set_callbacks(AtEachIteration(press), recorder)
        with pytest.warns(UserWarning, match="the model is that of iteration 3"):
            model.fit(*IRIS)
        assert_same_fit(model, brief(solver, max_iter=3).fit(*IRIS), but_for=["t_"])
        assert recorder.calls[-2:] == [("end", "fit", 0), ("teardown", "fit", 0)]

    def state_of(model):
        """Return the bytes of everything in an estimator except its callbacks."""
        return pickle.dumps({k: v for k, v in vars(model).items() if k != "_skl_callbacks"})

    FAILING_HOOKS = [
        ("setup", "fit"),
        ("begin", "fit"),
        ("begin", "iteration"),
        ("end", "iteration"),
        ("end", "fit"),
    ]

    @every_solver
    @may_stop_early
    @pytest.mark.parametrize("is_fitted", [False, True])
    @pytest.mark.parametrize("hook", FAILING_HOOKS, ids=" ".join)
    def test_a_callback_that_fails_leaves_the_estimator_unchanged(solver, hook, is_fitted):
        model = brief(solver, max_iter=5)
        if is_fitted:
            model.fit(*IRIS)
        recorder = Recorder(fail_at=hook)
        before = state_of(model.set_params(max_iter=6).set_callbacks(recorder))
        with pytest.raises(RuntimeError, match=re.escape(f"the recorder fails at {hook}")):
            model.fit(*IRIS)
        assert state_of(model) == before
        assert recorder.n_calls("teardown", "fit") == 1

    def not_a_number(X):
        return np.full_like(X, np.nan)

    def huge(X):
        return X * 1e200

    @pytest.mark.parametrize("is_fitted", [False, True])
    @pytest.mark.parametrize(
        ("spoiled", "message"), [(not_a_number, "contains NaN"), (huge, "Training diverged")]
    )
    @may_stop_early
    def test_a_fit_that_fails_is_torn_down(spoiled, message, is_fitted):
        X, y = IRIS
        model = brief("sgd", activation="identity", warm_start=True)
        if is_fitted:
            model.fit(X, y)
        recorder = Recorder()
        before = state_of(model.set_callbacks(recorder))
        with pytest.raises(ValueError, match=message):
            model.fit(spoiled(X), y)
        assert state_of(model) == before
        assert recorder.calls[0] == ("setup", "fit", 0)
        assert recorder.calls[-1] == ("teardown", "fit", 0)
        assert recorder.n_calls("setup", "fit") == recorder.n_calls("teardown", "fit") == 1
        assert recorder.n_calls("end", "fit") == 0

    # ------------------------------------------------------------ scikit-learn's own callbacks

    def rows_below(log, path):
        return [row for row in log.data if row["parent_task_id_path"] == path]

    @every_solver
    @may_stop_early
    def test_scoring_monitor_logs_each_iteration_and_the_fit(solver):
        X, y = IRIS
        weight = np.linspace(0, 2, len(y))
        monitor = ScoringMonitor(scoring="neg_log_loss")
        model = brief(solver).set_callbacks(monitor).fit(X, y, sample_weight=weight)
        log = monitor.get_logs()
        assert len(log.data) == model.n_iter_ + 1
        assert [row["task_id"] for row in rows_below(log, (0,))] == list(range(model.n_iter_))
        for k, row in enumerate(rows_below(log, (0,)), start=1):
            ended = brief(solver, max_iter=k).fit(X, y, sample_weight=weight)
            score = -log_loss(y, ended.predict_proba(X), sample_weight=weight)
            assert row["neg_log_loss"] == score
        (root,) = rows_below(log, ())
        assert root["neg_log_loss"] == rows_below(log, (0,))[-1]["neg_log_loss"]

    @may_stop_early
    def test_scoring_monitor_scores_a_data_frame():
        X, y = pd.DataFrame(IRIS[0], columns=list("abcd")), np.array(["x", "y", "z"])[IRIS[1]]
        monitor = ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
        model = brief("adam", early_stopping=True).set_callbacks(monitor).fit(X, y)
        log = monitor.get_logs().data_as_pandas
        assert len(log) == model.n_iter_ + 1
        (root,) = log[log["task_name"] == "fit"].to_dict("records")
        assert root["accuracy"] == model.score(X, y)
        assert root["neg_log_loss"] == -log_loss(y, model.predict_proba(X))

    def bars(text):
        """Return the description of each progress bar and its percentage at the end."""
        lines = [re.split(r" [━╸╺]+ ", line) for line in text.splitlines()]
        return [(line[0].strip(), int(line[1].split("%")[0])) for line in lines if len(line) == 2]

    @every_solver
    @may_stop_early
    @pytest.mark.parametrize("max_iter", [6, 1000])
    def test_progress_bar_goes_to_100_percent(solver, max_iter, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "200")
        brief(solver, max_iter=max_iter, tol=0.01).set_callbacks(ProgressBar()).fit(*IRIS)
        assert bars(capsys.readouterr().out) == [("BackpropClassifier - fit", 100)]

    @every_solver
    @may_stop_early
    def test_progress_bar_advances_by_each_iteration(solver, monkeypatch):
        from rich.progress import Progress

        completed = []

        def update(self, task_id, **to):
            completed.append(to["completed"])

        monkeypatch.setattr(Progress, "update", update)
        model = brief(solver).set_callbacks(ProgressBar()).fit(*IRIS)
        # at the end it is 1 of 1, for every max_iter
        assert_allclose(completed, [*range(1, model.n_iter_ + 1), 1])

    # ----------------------------------------------------------------------------- propagation

    @may_stop_early
    def test_a_pipeline_hands_its_callbacks_on():
        recorder = Propagated()
        model = make_pipeline(StandardScaler(), brief("sgd")).set_callbacks(recorder).fit(*IRIS)
        assert recorder.n_calls("begin", "iteration") == model[-1].n_iter_
        assert recorder.n_calls("end", "iteration") == model[-1].n_iter_
        assert [call[0] for call in recorder.calls].count("setup") == 1
        assert [call[0] for call in recorder.calls].count("teardown") == 1
        assert_same_fit(model[-1], brief("sgd").fit(model[0].transform(IRIS[0]), IRIS[1]))
        # afterwards, the classifier is on its own again
        n_calls = len(recorder.calls)
        model[-1].fit(*IRIS)
        assert len(recorder.calls) == n_calls

    @every_solver
    def test_a_callback_of_a_pipeline_stops_the_classifier(solver):
        class StopAfterThree(Propagated):
            def on_fit_task_end(self, estimator, context):
                return (context.task_name, context.task_id) == ("iteration", 2)

        model = make_pipeline(StandardScaler(), brief(solver)).set_callbacks(StopAfterThree())
        assert model.fit(*IRIS)[-1].n_iter_ == 3

    @may_stop_early
    def test_progress_bar_of_a_pipeline_shows_the_classifier(capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "200")
        make_pipeline(StandardScaler(), brief("adam")).set_callbacks(ProgressBar()).fit(*IRIS)
        shown = dict(bars(capsys.readouterr().out))
        assert set(shown.values()) == {100}
        names = [name for name in shown if "BackpropClassifier - fit" in name]
        assert names == ["Pipeline - fit-final-estimator | BackpropClassifier - fit #1"]

    def search(estimator, n_jobs):
        return GridSearchCV(estimator, {"alpha": [0.1, 1]}, cv=2, n_jobs=n_jobs)

    @may_stop_early
    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_progress_bar_of_a_search_shows_each_fit(n_jobs, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "200")
        bar = ProgressBar(max_propagation_depth=None)
        search(brief("adam"), n_jobs).set_callbacks(bar).fit(*IRIS)
        shown = bars(capsys.readouterr().out)
        assert {percentage for _, percentage in shown} == {100}
        # two candidates on two splits, and the refit
        assert sum("BackpropClassifier - fit" in name for name, _ in shown) == 5

    @may_stop_early
    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_scoring_monitor_logs_each_fit_of_a_search(n_jobs):
        X, y = IRIS
        monitor = ScoringMonitor(scoring="neg_log_loss")
        found = search(brief("adam").set_callbacks(monitor), n_jobs).fit(X, y)
        log = monitor.get_logs()
        fits = [row for row in log.data if row["task_name"] == "fit"]
        assert len(fits) == 5
        assert len(log.data) == 5 * (1 + found.best_estimator_.n_iter_)
        (refit,) = (row for row in fits if row["parent_task_id_path"] == (0,))
        assert refit["neg_log_loss"] == -log_loss(y, found.predict_proba(X))

    @may_stop_early
    def test_a_search_may_have_a_pipeline_with_callbacks():
        monitor = ScoringMonitor(scoring="accuracy")
        inner = make_pipeline(StandardScaler(), brief("adam").set_callbacks(monitor))
        found = GridSearchCV(inner, {"backpropclassifier__alpha": [0.1, 1]}, cv=2).fit(*IRIS)
        ends = [row for row in monitor.get_logs().data if row["task_name"] == "fit"]
        assert len(ends) == 5
        assert found.score(*IRIS) in [row["accuracy"] for row in ends]
