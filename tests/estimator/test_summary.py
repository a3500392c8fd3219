"""`summary`: the table of the layers, and how training ended."""

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
    """Return the cells of the rows of the table, without its header."""
    table, _, _ = text.partition("\n\n")
    return [re.split(r"\s{2,}", line.strip()) for line in table.splitlines()[1:]]


def facts_of(text):
    """Return the facts below the table, by their names."""
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
    arctan = Activation(np.arctan, lambda a: np.cos(a) ** 2, name="arctan")
    model = Brief(
        hidden_layer_sizes=(3, 4), activation=["tanh", arctan], output_activation="softmax"
    )
    activations = [cells[2] for cells in rows_of(model.fit(X, y).summary())[1:-1]]
    assert activations == ["tanh", "arctan", "softmax"]


def test_the_columns_are_aligned():
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
    assert facts["iterations"] == str(model.n_iter_) == "8"
    assert facts["ending"].startswith(f"{solver} ")
    assert "best" not in facts


def test_the_solver_is_that_of_the_fit_and_not_a_new_parameter():
    model = Brief(solver="adam").fit(X, y).set_params(solver="cg")
    assert facts_of(model.summary())["ending"].startswith("adam stopped after max_iter=8 ")


def test_a_validation_set_has_a_best_iteration():
    model = Brief(early_stopping=True, max_iter=30).fit(X, y)
    iteration, score = re.findall(r"-?[\d.]+(?:e-\d+)?", facts_of(model.summary())["best"])
    assert int(iteration) - 1 == np.argmax(model.validation_scores_) == model.best_iter_
    assert float(score) == pytest.approx(max(model.validation_scores_), rel=1e-5)


# the parameters, how the fit ends, and the number of iterations where it is known
ENDINGS = [
    ({"solver": "gd", "tol": 0.5}, "gd converged: the gradient", None),
    ({"solver": "lbfgs", "tol": 0.05}, "lbfgs converged: the gradient", None),
    ({"solver": "lbfgs", "tol": 0.0}, "lbfgs converged: the last decrease of the loss", None),
    *(
        ({"solver": solver, "max_iter": 2}, f"{solver} stopped after max_iter=2 iterations", 2)
        for solver in SOLVERS
    ),
    ({"solver": "lbfgs", "max_fun": 3}, "lbfgs stopped after max_fun=3 evaluations", None),
    (
        {"solver": "sgd", "learning_rate_init": 0.1, "tol": 9, "n_iter_no_change": 2},
        "sgd converged: n_iter_no_change=2 iterations have not lowered the loss by tol=9 of",
        None,
    ),
    (
        {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1}
        | {"n_iter_no_change": 2, "tol": 1.0},
        "sgd converged: the loss has stopped improving at the lowest learning rate",
        None,
    ),
    (
        {"solver": "adam", "learning_rate": "cosine", "max_iter": 3},
        "adam completed the learning rate schedule",
        3,
    ),
    (
        {"solver": "adam", "early_stopping": True, "tol": 9, "n_iter_no_change": 2},
        "adam stopped early: the validation score has not improved by tol=9 for "
        "n_iter_no_change=2 iterations",
        3,
    ),
    (
        {"solver": "gd", "learning_rate_init": 1e3, "learning_rate": "one_cycle", "max_iter": 5},
        "gd ended with a higher loss than after the first iteration",
        5,
    ),
]


@pytest.mark.parametrize(("parameters", "ending", "n_iter"), ENDINGS, ids=str)
def test_the_ending_is_that_of_the_rule_that_stopped_the_fit(parameters, ending, n_iter):
    model = Small(**parameters).fit(X, y)
    assert facts_of(model.summary())["ending"].startswith(ending)
    assert n_iter is None or model.n_iter_ == n_iter
    assert pickle.loads(pickle.dumps(model)).summary() == model.summary()


def test_the_ending_has_the_parameters_of_the_fit_and_not_new_ones():
    model = Small(max_iter=2).fit(X, y).set_params(max_iter=1000)
    assert facts_of(model.summary())["ending"].startswith("lbfgs stopped after max_iter=2 ")


class StopAtOnce:
    """A callback of scikit-learn 1.9 or later that ends a fit after its first iteration."""

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context, **others):
        return context.task_name == "iteration"


if hasattr(BackpropClassifier, "set_callbacks"):

    def test_a_fit_that_a_callback_stopped():
        model = Small().set_callbacks(StopAtOnce()).fit(X, y)
        assert facts_of(model.summary())["ending"] == "lbfgs was stopped by a callback"

    def test_a_checkpoint_is_running(tmp_path):
        path = tmp_path / "half_way"
        Small(solver="gd", max_iter=5).set_callbacks(Checkpoint(path, every=3)).fit(X, y)
        assert facts_of(Checkpoint.load(path).summary())["ending"] == "gd is running"


def test_a_fit_that_ctrl_c_stopped(monkeypatch):
    interrupt_after(monkeypatch, 10)
    with pytest.warns(UserWarning, match="interrupted"):
        model = Small(solver="gd").fit(X, y)
    facts = facts_of(model.summary())
    assert facts["ending"] == "gd was interrupted"
    # one gradient before the first iteration, and one after each
    assert facts["iterations"] == str(model.n_iter_) == "9"


def test_a_model_that_fit_has_not_trained():
    initialized = facts_of(Small().initialize(X, y).summary())
    assert (initialized["ending"], initialized["iterations"]) == ("lbfgs was not run", "0")
    model = Small(solver="sgd").partial_fit(X, y, classes=[0, 1, 2])
    assert facts_of(model.summary())["ending"] == "sgd made one pass over the rows of partial_fit"
    with pytest.raises(NotFittedError):
        Small().summary()
