"""`summary`: the table is that of the fitted arrays, and each way to stop has its reason."""

import pickle
import re

import numpy as np
import pytest
from fitting import (
    IRIS,
    PROBLEMS,
    SOLVERS,
    Brief,
    Small,
    every_problem,
    interrupt_after,
    may_stop_early,
)
from sklearn.exceptions import NotFittedError

from skbp import BackpropClassifier
from skbp.activations import Activation
from skbp.callbacks import Checkpoint

pytestmark = may_stop_early

X, y = IRIS


def rows_of(text):
    """Return the cells of the table below its header."""
    table, _, _ = text.partition("\n\n")
    return [re.split(r"\s{2,}", line.strip()) for line in table.splitlines()[1:]]


def facts_of(text):
    """Return what stands below the table, by name."""
    _, _, facts = text.partition("\n\n")
    return dict(line.split("  ", 1) for line in re.sub(" {2,}", "  ", facts).splitlines())


@every_problem
@pytest.mark.parametrize("sizes", [(), (5,), (12, 7)], ids=str)
def test_the_table_is_that_of_the_fitted_arrays(problem, sizes):
    model = Brief(hidden_layer_sizes=sizes).fit(*PROBLEMS[problem])
    first, *layers, total = rows_of(model.summary())
    assert first == ["1 input", str(model.n_features_in_)]
    for number, (cells, coef, intercept) in enumerate(
        zip(layers, model.coefs_, model.intercepts_, strict=True), start=2
    ):
        kind = "output" if number == model.n_layers_ else "hidden"
        n_parameters = coef.size + intercept.size
        assert cells[:4] == [f"{number} {kind}", str(coef.shape[1]), "logistic", str(n_parameters)]
        assert float(cells[4]) == pytest.approx(np.sqrt((coef**2).sum()), rel=1e-3)
    weights = [*model.coefs_, *model.intercepts_]
    assert total == ["total", str(sum(w.size for w in weights))]


def test_each_hidden_layer_has_its_own_activation():
    own = Activation(np.arctan, lambda a: np.cos(a) ** 2, name="arctan")
    model = Brief(hidden_layer_sizes=(3, 4), activation=["tanh", own], output_activation="softmax")
    activations = [cells[2] for cells in rows_of(model.fit(X, y).summary())[1:-1]]
    assert activations == ["tanh", "arctan", "softmax"]


def test_the_columns_stand_below_each_other():
    table, _, _ = Brief(hidden_layer_sizes=(100, 2)).fit(X, y).summary().partition("\n\n")
    lines = table.splitlines()
    ends = {line.index(word) + len(word) for line, word in zip(lines, ["units", "4"], strict=False)}
    assert len(ends) == 1
    assert not any(line.endswith(" ") for line in lines)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_loss_and_the_iterations_are_those_of_the_fit(solver):
    model = Brief(solver=solver).fit(X, y)
    facts = facts_of(model.summary())
    assert float(facts["loss"]) == pytest.approx(model.loss_, rel=1e-5)
    assert facts["iterations"] == f"{model.n_iter_} of {solver}"
    assert "best" not in facts


def test_the_solver_is_that_of_the_fit_and_not_a_new_parameter():
    model = Brief(solver="adam").fit(X, y).set_params(solver="cg")
    assert facts_of(model.summary())["iterations"] == "8 of adam"


def test_a_validation_set_has_a_best_iteration():
    model = Brief(early_stopping=True, max_iter=30).fit(X, y)
    iteration, score = re.findall(r"-?[\d.]+(?:e-\d+)?", facts_of(model.summary())["best"])
    assert int(iteration) - 1 == np.argmax(model.validation_scores_) == model.best_iter_
    assert float(score) == pytest.approx(max(model.validation_scores_), rel=1e-5)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"solver": "gd", "tol": 0.5}, "no entry of the gradient is larger than tol"),
        ({"solver": "gd", "max_iter": 2}, "max_iter=2 was reached"),
        ({"solver": "adam", "max_iter": 2}, "max_iter=2 was reached"),
        ({"solver": "cg", "max_iter": 2}, "max_iter=2 was reached"),
        ({"solver": "lbfgs", "max_fun": 3}, "max_fun=3 was reached"),
        (
            {"solver": "sgd", "tol": 9, "n_iter_no_change": 2},
            "the loss improved by less than tol for n_iter_no_change epochs",
        ),
        (
            {"solver": "adam", "learning_rate": "cosine", "max_iter": 3},
            "the learning rate has run its course",
        ),
        (
            {"solver": "adam", "early_stopping": True, "tol": 9, "n_iter_no_change": 2},
            "the validation score has not improved by tol=9 for 2 iterations",
        ),
    ],
    ids=str,
)
def test_why_a_fit_stopped(parameters, reason):
    model = Small(**parameters).fit(X, y)
    assert facts_of(model.summary())["stopped"] == reason
    assert pickle.loads(pickle.dumps(model)).summary() == model.summary()


class StopAtOnce:
    """A callback of scikit-learn 1.9 or later that ends a fit after its first iteration."""

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context, **others):
        return context.task_name == "iteration"


if hasattr(BackpropClassifier, "set_callbacks"):

    def test_why_a_fit_stopped_that_a_callback_ended():
        model = Small().set_callbacks(StopAtOnce()).fit(X, y)
        assert facts_of(model.summary())["stopped"] == "a callback stopped it"

    def test_a_checkpoint_has_not_stopped(tmp_path):
        path = tmp_path / "half_way"
        Small(solver="gd", max_iter=5).set_callbacks(Checkpoint(path, every=3)).fit(X, y)
        assert facts_of(Checkpoint.load(path).summary())["stopped"] == "it is still training"


def test_why_a_fit_stopped_that_ctrl_c_ended(monkeypatch):
    interrupt_after(monkeypatch, 10)
    with pytest.warns(UserWarning, match="interrupted"):
        model = Small(solver="gd").fit(X, y)
    assert facts_of(model.summary())["stopped"] == "it was interrupted"


def test_where_fit_was_not_called():
    assert facts_of(Small().initialize(X, y).summary())["stopped"] == "it was not trained"
    model = Small(solver="sgd").partial_fit(X, y, classes=[0, 1, 2])
    assert facts_of(model.summary())["stopped"] == "partial_fit goes through its rows once"
    with pytest.raises(NotFittedError):
        Small().summary()
