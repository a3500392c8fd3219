"""The pages say what is true: links resolve, quoted code stands where it is said to stand.

A link to lines of the sources, ``[network.py](../skbp/network.py#L10-L20)``, is followed by
fragments of code in backticks. The link must name the smallest run of lines that holds these
fragments, in their order. When the sources have moved,

    python tests/test_docs.py

writes the right line numbers into the pages.
"""

import ast
import inspect
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from skbp import BackpropClassifier

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
LECTURE_PAGE = ROOT / "docs" / "lecture_in_the_code.md"
MLP_PAGE = ROOT / "docs" / "coming_from_mlpclassifier.md"

LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^()\s]+)\)")
SOURCE_LINK = re.compile(r"\[[^\]]*\]\((?P<path>[^()\s#]+\.py)#L(?P<first>\d+)(-L(?P<last>\d+))?\)")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Quote:
    """A link to lines of a source file, and the code that the page quotes from them."""

    page: Path
    page_line: int
    link: re.Match
    fragments: list[str]

    @property
    def source(self):
        return (self.page.parent / self.link["path"]).resolve()

    @property
    def lines(self):
        first = int(self.link["first"])
        return first, int(self.link["last"] or first)

    def __str__(self):
        return f"{self.page.name}:{self.page_line}-{self.source.name}"

    def windows(self):
        """Return the smallest runs of lines that hold the fragments in order; one, if all is well.

        From each line that holds the first fragment, the run ends where the last one is found.
        """
        code = [squeeze(line) for line in self.source.read_text("utf-8").splitlines()]
        first, *rest = map(squeeze, self.fragments)
        found = []
        for start, line in enumerate(code):
            if first in line:
                stop = start
                for fragment in rest:
                    stop = next((i for i in range(stop, len(code)) if fragment in code[i]), None)
                    if stop is None:
                        break
                else:
                    found.append((start + 1, stop + 1))
        smallest = min((stop - start for start, stop in found), default=0)
        return [(start, stop) for start, stop in found if stop - start == smallest]


def squeeze(text):
    """Make every run of white space one space."""
    return " ".join(text.split())


def prose(page):
    """Return a page's text, with its fenced blocks blanked so that lines keep their numbers."""
    return FENCED.sub(lambda block: "\n" * block[0].count("\n"), page.read_text("utf-8"))


def quotes_of(page):
    """Find the source links of a page, each with the fragments up to the next link of its line."""
    quotes = []
    for number, line in enumerate(prose(page).splitlines(), start=1):
        links = list(SOURCE_LINK.finditer(line))
        starts = [link.start() for link in links] + [len(line)]
        for link, end in zip(links, starts[1:], strict=True):
            fragments = re.findall(r"`([^`]+)`", line[link.end() : end])
            quotes.append(Quote(page, number, link, fragments))
    return quotes


QUOTES = [quote for page in PAGES for quote in quotes_of(page)]


@pytest.mark.parametrize("quote", QUOTES, ids=str)
def test_a_source_link_names_the_lines_of_the_quoted_code(quote):
    assert quote.source.is_file()
    assert quote.fragments, "Quote the code after the link, in backticks."
    windows = quote.windows()
    assert windows, f"{quote.source.name} has not {quote.fragments} in this order."
    assert len(windows) == 1, f"Quote more: {quote.fragments} stands in the lines {windows}."
    assert windows[0] == quote.lines, (
        f"{quote.page.name}:{quote.page_line} links to the lines {quote.lines} of "
        f"{quote.source.name}; the code now stands in the lines {windows[0]}. "
        "To rewrite the pages: python tests/test_docs.py"
    )


def test_the_lecture_page_quotes_the_code_of_every_row():
    tables = re.findall(r"^\|.*\n\| --- .*\n((?:\|.*\n)+)", prose(LECTURE_PAGE), re.MULTILINE)
    rows = [row for table in tables for row in table.splitlines()]
    assert len(rows) >= 17  # as many as there are in the design
    without = [row for row in rows if not SOURCE_LINK.search(row)]
    assert without == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_resolve(page):
    for link in LINK.finditer(prose(page)):
        if re.match(r"[a-z]+:", link["target"]):
            continue
        path, _, anchor = link["target"].partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {link['target']}, which is not there."
        assert target.is_relative_to(ROOT)
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{target.name} has no heading #{anchor}."


def anchors(page):
    """Return the names that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_leads_to_every_page():
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    others = {page.name for page in ROOT.glob("docs/*.md")} - {"index.md"}
    assert others == {name for name in others if f"({name})" in index}
    assert others == {name for name in others if f"\n{name.removesuffix('.md')}\n" in index}


def test_the_api_page_has_the_classifier_under_the_name_that_its_html_links_to():
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    link = BackpropClassifier()._get_doc_link()
    assert link.endswith("api.html#skbp.BackpropClassifier")
    assert "autoclass:: skbp.BackpropClassifier\n" in page


def test_the_readme_has_the_two_commands_each_in_its_own_block():
    readme = (ROOT / "README.md").read_text("utf-8")
    for command in (
        "python -m pip install . && python examples/quickstart.py",
        'python -m pip install -e ".[test]" && python -m pytest',
    ):
        assert f"\n```bash\n{command}\n```\n" in readme
    assert len(readme.splitlines()) < 150


# --- "Coming from MLPClassifier" ------------------------------------------------------------


def table_under(heading):
    """Return the rows of the first table under a heading, each a list of its cells."""
    _, _, text = MLP_PAGE.read_text("utf-8").partition(f"\n## {heading}\n")
    lines = iter(text.splitlines())
    rows = [next(line for line in lines if line.startswith("|"))]
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append(line)
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def column(rows, index):
    """Return a column as a dict from the name in the first cell; without the dashes."""
    return {row[0].strip("`"): row[index].strip("`") for row in rows if row[index] != "–"}


@pytest.mark.parametrize(("index", "cls"), [(1, MLPClassifier), (2, BackpropClassifier)])
def test_the_parameter_table_is_complete_and_has_the_defaults(index, cls):
    documented = column(table_under("Parameters"), index)
    defaults = {p.name: p.default for p in inspect.signature(cls).parameters.values()}
    assert {name: ast.literal_eval(text) for name, text in documented.items()} == defaults


@pytest.mark.parametrize(
    ("index", "model"),
    [
        (1, MLPClassifier(solver="adam")),
        (2, MLPClassifier(solver="lbfgs")),
        *((3, BackpropClassifier(solver=s)) for s in ("gd", "sgd", "adam", "cg", "lbfgs")),
    ],
    ids=str,
)
def test_the_attribute_table_is_complete(index, model):
    X, y = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 0.0, 1.0]}), [0, 0, 1, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.set_params(hidden_layer_sizes=(2,), max_iter=3).fit(X, y)
    attributes = {name for name in vars(model) if name.endswith("_") and name[0] != "_"}
    assert set(column(table_under("Attributes"), index)) == attributes


@pytest.mark.parametrize(("index", "cls"), [(1, MLPClassifier), (2, BackpropClassifier)])
def test_the_method_table_is_complete(index, cls):
    common = {*dir(BaseEstimator), *dir(ClassifierMixin)} - {"score"}
    methods = {
        name
        for name, _ in inspect.getmembers(cls, inspect.isroutine)
        if name[0] != "_" and name not in common and not name.endswith("_request")
    }
    methods |= {"partial_fit"} if cls is MLPClassifier else set()
    assert set(column(table_under("Methods"), index)) == methods


def data(n_rows=60, n_classes=3):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n_rows, 4)), np.arange(n_rows) % n_classes


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "parameters",
    [
        {"solver": "sgd"},
        {"solver": "sgd", "nesterovs_momentum": False},
        {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.5},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.01, "max_iter": 200},
        {"solver": "adam"},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_sgd_and_adam_take_the_steps_of_mlpclassifier(parameters, n_classes):
    X, y = data(n_classes=n_classes)
    parameters = {"learning_rate_init": 0.01, "max_iter": 20, **parameters}
    common = {"hidden_layer_sizes": (5, 3), "activation": "tanh", "alpha": 0, "batch_size": 20}
    common |= {"shuffle": False, "random_state": 0, **parameters}

    # with a learning rate of nearly 0, its weights are the start weights
    start = MLPClassifier(**common | {"learning_rate_init": 1e-300, "max_iter": 1}).fit(X, y)
    theirs = MLPClassifier(**common).fit(X, y)
    # its patience is longer by one
    ours = BackpropClassifier(**common, output_activation="softmax", n_iter_no_change=11)
    ours.fit(X, y, coefs_init=start.coefs_, intercepts_init=start.intercepts_)

    assert ours.n_iter_ == theirs.n_iter_
    for a, b in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_patience_is_longer_by_one_in_mlpclassifier():
    X, y = data()
    standstill = {"solver": "sgd", "learning_rate_init": 1e-9, "n_iter_no_change": 4}
    assert BackpropClassifier(**standstill).fit(X, y).n_iter_ == 1 + 4
    assert MLPClassifier(**standstill).fit(X, y).n_iter_ == 1 + 4 + 1


def test_a_batch_of_weight_0_is_no_error_here():
    X, y = data()
    weights = np.where(np.arange(60) < 20, 0.0, 1.0)
    batches = {"solver": "adam", "batch_size": 10, "shuffle": False, "random_state": 0}
    with pytest.raises(ZeroDivisionError):
        MLPClassifier(**batches).fit(X, y, sample_weight=weights)
    BackpropClassifier(**batches).fit(X, y, sample_weight=weights)


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
    ours = BackpropClassifier(**parameters, **still, solver="sgd").fit(X, y).coefs_[0]
    assert abs(theirs).max() == pytest.approx(np.sqrt(2 / 504), rel=0.01)
    assert abs(ours).max() == pytest.approx(np.sqrt(6 / 504), rel=0.01)


def rewrite_line_numbers():
    """Write the right line numbers into the source links of all pages."""
    for page in PAGES:
        lines = page.read_text("utf-8").splitlines(keepends=True)
        # from the right, so that the positions of the links to the left stay valid
        for quote in reversed(quotes_of(page)):
            windows = quote.windows() if quote.fragments else []
            if len(windows) != 1:
                print(f"{quote}: the code stands in {windows}; mend the quotation by hand")
                continue
            if windows[0] == quote.lines:
                continue
            first, last = windows[0]
            span = f"#L{first}" if first == last else f"#L{first}-L{last}"
            line = lines[quote.page_line - 1]
            link = re.sub(r"#L[\d\-L]+", span, quote.link[0])
            start, end = quote.link.span()
            lines[quote.page_line - 1] = line[:start] + link + line[end:]
            print(f"{quote}: {quote.lines} -> {windows[0]}")
        page.write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    rewrite_line_numbers()
