"""The pages say what is true: links resolve, and what they say of MLPClassifier holds.

    python tests/test_docs.py

writes the tables of "Coming from MLPClassifier" anew from the two classes; the verdicts and the
reasons, which stand in the last two columns, are the page's own.
"""

import ast
import importlib.util
import inspect
import pickle
import re
import sys
import warnings
from dataclasses import dataclass
from doctest import DocTestParser
from pathlib import Path, PurePosixPath
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier

import skbp.losses
from skbp import BackpropClassifier
from skbp.losses import LogisticLogLoss
from skbp.solvers import Adaptive, Course

ROOT = Path(__file__).parents[1]
DOCS, EXAMPLES = ROOT / "docs", ROOT / "examples"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("benchmarks/*.md"), *DOCS.rglob("*.md")])
MLP_PAGE = DOCS / "coming_from_mlpclassifier.md"
OWN_PAGE = DOCS / "guide" / "own_activation_and_loss.md"

LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^()\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def prose(page):
    """Return a page's text, with its fenced blocks blanked so that lines keep their numbers."""
    return FENCED.sub(lambda block: "\n" * block[0].count("\n"), page.read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_resolve(page):
    for link in LINK.finditer(prose(page)):
        if re.match(r"[a-z]+:", link["target"]):
            continue
        path, _, anchor = link["target"].partition("#")
        target = (page.parent / path).resolve() if path else page
        if target.parent == DOCS / "gallery":  # which is generated from the examples
            source = "GALLERY_HEADER.rst" if target.stem == "index" else f"{target.stem}.py"
            target = EXAMPLES / source
        assert target.exists(), f"{page.name} links to {link['target']}, which is not there."
        assert target.is_relative_to(ROOT)
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{target.name} has no heading #{anchor}."


def anchors(page):
    """Return the names that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_site_leads_to_every_page():
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.rglob("*.md")}
    found, new = set(), {"index"}
    while new:
        found |= new
        new = set().union(*map(toctree_of, new & pages)) - found
    assert found == pages | {"gallery/index"}


def toctree_of(page):
    """Return the pages that a page has in its toctrees."""
    text = (DOCS / f"{page}.md").read_text("utf-8")
    trees = re.findall(r"^```\{toctree\}\n(?::.*\n)*\n?((?:.+\n)*)```", text, re.MULTILINE)
    folder = PurePosixPath(page).parent
    lines = [line for tree in trees for line in tree.splitlines()]
    return {(folder / re.sub(r".+<(.+)>", r"\1", line)).as_posix() for line in lines}


def test_the_page_on_own_losses_includes_the_class_of_a_built_in_one():
    page = OWN_PAGE.read_text("utf-8")
    included = re.findall(r"{literalinclude} ../../skbp/losses.py\n:pyobject: (\w+)\n", page)
    shown = {name for each in included for name in vars(getattr(skbp.losses, each))}
    built_in = getattr(skbp.losses, included[0])
    assert built_in in map(type, skbp.losses.LOSSES.values())
    assert shown >= {"supports", "per_row", "delta"}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["gd", "sgd", "adam", "cg", "lbfgs"])
def test_the_own_activation_and_loss_of_the_page_are_picklable_in_a_module(solver, monkeypatch):
    page = OWN_PAGE.read_text("utf-8")
    starts = ("import", "from", "def", "SOFTSIGN =", "@dataclass")
    sources = [example.source for example in DocTestParser().get_examples(page)]
    module = "".join(source for source in sources if source.startswith(starts))
    own = ModuleType("module_of_my_own")
    monkeypatch.setitem(sys.modules, own.__name__, own)
    exec(module, vars(own))

    X, y = data()
    model = BackpropClassifier((5,), own.SOFTSIGN, loss=own.FocalLoss(), solver=solver, max_iter=5)
    model.fit(X, y)
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_the_readme_has_the_two_commands_each_in_its_own_block():
    readme = (ROOT / "README.md").read_text("utf-8")
    for command in (
        "python -m pip install . && python examples/quickstart.py",
        'python -m pip install -e ".[test]" && python -m pytest',
    ):
        assert f"\n```bash\n{command}\n```\n" in readme
    assert len(readme.splitlines()) < 150


# --- "Coming from MLPClassifier" ------------------------------------------------------------

DASH = "–"
VERDICTS = ("same", "better", "different", "new")

# what BackpropClassifier has only with scikit-learn 1.9 or later
LATER_METHODS = {"set_callbacks": "`(*callbacks)`"}


@dataclass(frozen=True)
class Table:
    """A table of the page: for each name, the cells that are generated.

    To these the page adds two that are written by hand, the verdict and the reason.
    """

    heading: str
    columns: tuple[str, ...]
    rows: dict[str, list[str]]

    @property
    def pattern(self):
        """Match the table under its heading."""
        return re.compile(rf"(?<=^## {self.heading}\n\n)(^\|.*\n)+", re.MULTILINE)

    def judged(self, page):
        """Return the verdict and the reason that a page has for each name."""
        found = self.pattern.search(page)
        lines = found[0].splitlines()[2:] if found else []
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        return {row[0].strip("`"): (row[-2], row[-1]) for row in rows}

    def __call__(self, page):
        """Return the page with this table written anew; verdicts and reasons stay."""
        judged = self.judged(page)
        header = [self.heading.lower().removesuffix("s"), *self.columns, "verdict", "reason"]
        rows = [header, ["---"] * len(header)]
        rows += [
            [f"`{name}`", *cells, *judged.get(name, ("", ""))] for name, cells in self.rows.items()
        ]
        text = "".join(f"| {' | '.join(row)} |\n" for row in rows)
        return self.pattern.sub(lambda _: text, page)


def table(heading, **columns):
    """Return the table of some dicts, each with the cells of one column by name."""
    names = dict.fromkeys(name for column in columns.values() for name in column)
    titles = {"mlp": "MLPClassifier", "mlp_lbfgs": "MLPClassifier, lbfgs"}
    titles |= {"ours": "BackpropClassifier"}
    if "mlp_lbfgs" in columns:
        titles["mlp"] += ", sgd and adam"
    rows = {name: [column.get(name, DASH) for column in columns.values()] for name in names}
    return Table(heading, tuple(titles[key] for key in columns), rows)


def parameters_of(cls):
    """Return the default of each parameter, as a cell."""
    cells = {}
    for parameter in inspect.signature(cls).parameters.values():
        default = parameter.default
        text = f'"{default}"' if isinstance(default, str) else repr(default).replace("e-0", "e-")
        cells[parameter.name] = f"`{text}`"
    return cells


def attributes_of(model):
    """Return the public attributes that a fit to a data frame gives, each with the cell yes."""
    X, y = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 0.0, 1.0]}), [0, 0, 1, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.set_params(hidden_layer_sizes=(2,), max_iter=3).fit(X, y)
    return {name: "yes" for name in sorted(vars(model)) if name.endswith("_") and name[0] != "_"}


def methods_of(cls):
    """Return the arguments of each public method, as a cell."""
    cells = {}
    for name, method in inspect.getmembers(cls, inspect.isroutine):
        if name[0] != "_":
            signature = inspect.signature(method)
            arguments = [
                p.replace(annotation=p.empty, default=p.empty if "request" in name else p.default)
                for p in signature.parameters.values()
                if p.name != "self"
            ]
            cells[name] = f"`{inspect.Signature(arguments)}`"
    return cells


def generated_tables():
    """Return the tables of the page, from the two classes."""
    return [
        table(
            "Parameters", mlp=parameters_of(MLPClassifier), ours=parameters_of(BackpropClassifier)
        ),
        table(
            "Attributes",
            mlp=attributes_of(MLPClassifier(solver="adam")),
            mlp_lbfgs=attributes_of(MLPClassifier(solver="lbfgs")),
            ours=attributes_of(BackpropClassifier()),
        ),
        table(
            "Methods",
            mlp=methods_of(MLPClassifier),
            ours=dict(sorted((methods_of(BackpropClassifier) | LATER_METHODS).items())),
        ),
    ]


TABLES = generated_tables()
JUDGED = [
    (table, name, *judgement)
    for table in TABLES
    for name, judgement in table.judged(MLP_PAGE.read_text("utf-8")).items()
]


def judged(heading, *verdicts):
    """Return the names that the page judges so."""
    return [name for t, name, verdict, _ in JUDGED if t.heading == heading and verdict in verdicts]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.heading)
def test_the_tables_are_those_of_the_two_classes(table):
    page = MLP_PAGE.read_text("utf-8")
    assert table.pattern.search(page)
    assert table(page) == page, "To write the tables anew: python tests/test_docs.py"


@pytest.mark.parametrize(
    ("table", "name", "verdict", "reason"),
    JUDGED,
    ids=[f"{name}-{verdict}" for _, name, verdict, _ in JUDGED],
)
def test_each_row_has_a_reason_and_a_verdict_that_its_cells_allow(table, name, verdict, reason):
    assert reason, f"Why is {name} {verdict or 'there'}?"
    assert verdict in VERDICTS
    *theirs, ours = table.rows[name]
    assert ours != DASH, "Everything that MLPClassifier has is there."
    assert (verdict == "new") == (set(theirs) == {DASH})
    if verdict == "same":
        assert set(theirs) == {ours}
    if verdict == "better" and table.heading == "Parameters":
        assert theirs == [ours]


@pytest.mark.parametrize("solver", ["gd", "sgd", "adam", "cg", "lbfgs"])
def test_the_attributes_are_the_same_for_each_solver(solver):
    attributes = attributes_of(BackpropClassifier(solver=solver))
    assert attributes == attributes_of(BackpropClassifier())


def test_set_callbacks_is_there_where_scikit_learn_has_callbacks():
    has_callbacks = importlib.util.find_spec("sklearn.callback") is not None
    expected = LATER_METHODS if has_callbacks else {}
    methods = methods_of(BackpropClassifier)
    assert {name: methods[name] for name in LATER_METHODS if name in methods} == expected
    assert not LATER_METHODS.keys() & methods_of(MLPClassifier).keys()


@pytest.mark.parametrize("name", inspect.signature(MLPClassifier).parameters)
def test_all_names_that_mlpclassifier_takes_are_taken_here(name):
    theirs, ours = (
        {
            option
            for constraint in cls._parameter_constraints[name]
            for option in getattr(constraint, "options", ())
        }
        for cls in (MLPClassifier, BackpropClassifier)
    )
    assert theirs <= ours


def test_the_recipe_has_the_defaults_of_mlpclassifier():
    recipe = re.search(r"^BackpropClassifier\(.*?^\)", MLP_PAGE.read_text("utf-8"), re.M | re.S)
    given = {k.arg: k.value for k in ast.parse(recipe[0], mode="eval").body.keywords}
    assert ast.unparse(given.pop("alpha")) == "0.0001 * n_samples / min(200, n_samples)"
    model = BackpropClassifier(**{name: ast.literal_eval(v) for name, v in given.items()})
    theirs = MLPClassifier().get_params()
    del theirs["alpha"]
    assert {name: getattr(model, name) for name in theirs} == theirs
    X, y = data()
    ours = model.set_params(alpha=0.0001 * 60 / min(200, 60), max_iter=5)
    theirs, ours = fitted_from_the_same_weights(MLPClassifier(max_iter=5), ours, X, y)
    assert_same_weights(ours, theirs)


def data(n_rows=60, n_classes=3):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n_rows, 4)), np.arange(n_rows) % n_classes


def fitted_from_the_same_weights(theirs, ours, X, y):
    """Fit both, beginning with the weights that MLPClassifier draws."""
    # with a learning rate of nearly 0, its weights are the start weights
    start = clone(theirs).set_params(solver="sgd", learning_rate_init=1e-300, max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        start.set_params(random_state=0).fit(X, y)
        theirs.set_params(random_state=0).fit(X, y)
        ours.set_params(random_state=0)
        ours.fit(X, y, coefs_init=start.coefs_, intercepts_init=start.intercepts_)
    return theirs, ours


def assert_same_weights(ours, theirs):
    for a, b in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-12)


def both(**parameters):
    """Return both models with the same parameters, some of which differ by default."""
    common = {"hidden_layer_sizes": (5, 3), "activation": "tanh", "alpha": 0, "batch_size": 20}
    common |= {"learning_rate_init": 0.01, "max_iter": 20, "solver": "sgd", **parameters}
    # its patience is longer by one
    ours = BackpropClassifier(**common, output_activation="softmax", n_iter_no_change=11)
    return MLPClassifier(**common), ours


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "parameters",
    [
        {"solver": "sgd"},
        {"solver": "sgd", "nesterovs_momentum": False},
        {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.5},
        {"solver": "sgd", "tol": 0.01, "max_iter": 200},
        {"solver": "adam"},
        {"solver": "lbfgs", "alpha": 0.1},
    ],
    ids=str,
)
def test_sgd_adam_and_lbfgs_take_the_steps_of_mlpclassifier(parameters, n_classes):
    X, y = data(n_classes=n_classes)
    theirs, ours = fitted_from_the_same_weights(*both(**parameters), X, y)
    assert ours.n_iter_ == theirs.n_iter_
    assert_same_weights(ours, theirs)


# for each parameter that is "same", a setting in which another value makes another model
OTHER_VALUES = {
    "hidden_layer_sizes": {"hidden_layer_sizes": ()},
    "batch_size": {"batch_size": 7},
    "shuffle": {"shuffle": False},
    "momentum": {"momentum": 0.5},
    "nesterovs_momentum": {"nesterovs_momentum": False},
    "beta_1": {"solver": "adam", "beta_1": 0.5},
    "beta_2": {"solver": "adam", "beta_2": 0.5},
    "epsilon": {"solver": "adam", "epsilon": 0.1},
    "max_fun": {"solver": "lbfgs", "max_fun": 5},
}


@pytest.mark.parametrize("name", sorted({*judged("Parameters", "same"), *OTHER_VALUES}))
def test_a_parameter_that_is_the_same_does_the_same(name):
    assert name in judged("Parameters", "same")
    X, y = data()
    setting = OTHER_VALUES[name]
    default = {key: value for key, value in setting.items() if key != name}
    theirs, ours = fitted_from_the_same_weights(*both(**setting), X, y)
    assert_same_weights(ours, theirs)
    plain, _ = fitted_from_the_same_weights(*both(**default), X, y)
    assert [c.tolist() for c in plain.coefs_] != [c.tolist() for c in theirs.coefs_]


@pytest.mark.parametrize("name", judged("Attributes", "same"))
@pytest.mark.parametrize("n_classes", [2, 3])
def test_an_attribute_that_is_the_same_has_the_same_value(name, n_classes):
    X, y = data(n_classes=n_classes)
    X, y = pd.DataFrame(X, columns=list("abcd")), np.array(["one", "two", "three"])[y]
    theirs, ours = fitted_from_the_same_weights(*both(), X, y)
    theirs, ours = getattr(theirs, name), getattr(ours, name)
    assert type(ours) is type(theirs)
    if isinstance(theirs, list):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-8, strict=True)
    else:
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", judged("Methods", "same"))
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_a_method_that_is_the_same_gives_the_same(name, kind):
    X, y = data(n_classes=2 if kind == "binary" else 3)
    y = np.column_stack([y > 0, y > 1]).astype(int) if kind == "multilabel" else y
    theirs, ours = fitted_from_the_same_weights(*both(), X, y)
    if getattr(BaseEstimator, name, None) is getattr(BackpropClassifier, name):
        assert getattr(MLPClassifier, name) is getattr(BackpropClassifier, name)
    elif name.endswith("_request"):
        with config_context(enable_metadata_routing=True):
            for model in theirs, ours:
                getattr(model, name)(sample_weight=True)
                routed = getattr(
                    model.get_metadata_routing(), name.removeprefix("set_").removesuffix("_request")
                )
                assert routed.requests["sample_weight"] is True
    else:
        arguments = (X, y) if name == "score" else (X,)
        answers = [getattr(m, name)(*arguments) for m in (theirs, ours)]
        np.testing.assert_allclose(answers[1], answers[0], rtol=1e-8)


def test_patience_is_longer_by_one_in_mlpclassifier():
    X, y = data()
    standstill = {"solver": "sgd", "learning_rate_init": 1e-9, "n_iter_no_change": 4}
    assert BackpropClassifier(**standstill).fit(X, y).n_iter_ == 1 + 4
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


@pytest.mark.parametrize(
    ("before", "change", "error"),
    [
        ({"solver": "lbfgs"}, {"solver": "adam"}, AttributeError),
        ({}, {"early_stopping": True}, AttributeError),
        ({"early_stopping": True}, {"early_stopping": False}, TypeError),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_may_change_under_warm_start_breaks_mlpclassifier(before, change, error):
    X, y = data()
    parameters = {"solver": "adam", "max_iter": 2, "warm_start": True, **before}
    theirs = MLPClassifier(**parameters).fit(X, y).set_params(**change)
    with pytest.raises(error):
        theirs.fit(X, y)
    ours = BackpropClassifier(**parameters).fit(X, y).set_params(**change)
    assert len(ours.fit(X, y).loss_curve_) == 2


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_mlpclassifier_ignores_other_hidden_layer_sizes_under_warm_start():
    X, y = data()
    parameters = {"solver": "adam", "max_iter": 2, "warm_start": True, "hidden_layer_sizes": 5}
    theirs = MLPClassifier(**parameters).fit(X, y).set_params(hidden_layer_sizes=7).fit(X, y)
    assert theirs.coefs_[0].shape == (4, 5)
    ours = BackpropClassifier(**parameters).fit(X, y).set_params(hidden_layer_sizes=7)
    with pytest.raises(ValueError, match="hidden_layer_sizes=7"):
        ours.fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
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


def test_partial_fit_has_its_arguments_in_the_order_of_sgdclassifier():
    ours, sgd = (
        list(inspect.signature(cls.partial_fit).parameters)
        for cls in (BackpropClassifier, SGDClassifier)
    )
    assert ours == sgd


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_lbfgs_of_mlpclassifier_ignores_early_stopping():
    X, y = data()
    parameters = {"solver": "lbfgs", "early_stopping": True, "max_iter": 3}
    assert not hasattr(MLPClassifier(**parameters).fit(X, y), "validation_scores_")
    assert len(BackpropClassifier(**parameters).fit(X, y).validation_scores_) == 3


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
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


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
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
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
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
    theirs, rate, course = MLPClassifier(), Adaptive(0.1), Course()
    theirs.loss_curve_, theirs.best_loss_, theirs._no_improvement_count = [], np.inf, 0
    for loss in losses:
        theirs.loss_curve_.append(loss)
        theirs._update_no_improvement_count(False, None, None, None)
        rate.after_epoch(course, loss, n_rows=60)
    assert theirs._no_improvement_count == len(losses) - 1 - lucky
    assert course.plateau.length == 0


def test_only_mlpclassifier_stays_silent_where_the_loss_has_risen():
    X, y = data()
    wild = {"solver": "sgd", "learning_rate_init": 30, "random_state": 0}
    theirs = MLPClassifier(**wild).fit(X, y)
    assert theirs.loss_ > theirs.loss_curve_[0]
    with pytest.warns(ConvergenceWarning, match="the loss is higher than after the first epoch"):
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
    ours = BackpropClassifier(**parameters).initialize(X, y).coefs_[0]
    assert abs(theirs).max() == pytest.approx(np.sqrt(2 / 504), rel=0.01)
    assert abs(ours).max() == pytest.approx(np.sqrt(6 / 504), rel=0.01)


def rewrite_tables():
    """Write the tables of the two classes into their page; a new row lacks its last cells."""
    page = MLP_PAGE.read_text("utf-8")
    for table in TABLES:
        page = table(page)
    MLP_PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    rewrite_tables()
