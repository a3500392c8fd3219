"""The pages say what is true: links resolve, and what they say of MLPClassifier holds.

    python tests/site/test_docs.py

writes the tables of "Coming from MLPClassifier" anew from the two classes; the verdicts and the
reasons are the page's own. The verdict comes before the values, so that a phone shows it.
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

from skbp import BackpropClassifier

ROOT = Path(__file__).parents[2]
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
        if target.is_relative_to(DOCS / "gallery"):  # which is generated from the examples
            source = "GALLERY_HEADER.rst" if target.stem == "index" else f"{target.stem}.py"
            target = EXAMPLES / target.parent.relative_to(DOCS / "gallery") / source
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
        return {row[0].strip("`"): (row[1], row[-1]) for row in rows}

    def __call__(self, page):
        """Return the page with this table written anew; verdicts and reasons stay."""
        judged = self.judged(page)
        header = [self.heading.lower().removesuffix("s"), "verdict", *self.columns, "reason"]
        rows = [header, ["---"] * len(header)]
        for name, cells in self.rows.items():
            verdict, reason = judged.get(name, ("", ""))
            rows.append([f"`{name}`", verdict, *cells, reason])
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
    assert table(page) == page, "To write the tables anew: python tests/site/test_docs.py"


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


def test_partial_fit_has_its_arguments_in_the_order_of_sgdclassifier():
    ours, sgd = (
        list(inspect.signature(cls.partial_fit).parameters)
        for cls in (BackpropClassifier, SGDClassifier)
    )
    assert ours == sgd


def rewrite_tables():
    """Write the tables of the two classes into their page; a new row lacks its last cells."""
    page = MLP_PAGE.read_text("utf-8")
    for table in TABLES:
        page = table(page)
    MLP_PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    rewrite_tables()
