"""The check of the built site finds what it is there for, in a small site made for each fault."""

import importlib.util
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
SCORE = "modules/generated/sklearn.metrics.log_loss.html#sklearn.metrics.log_loss"


def load_check_site():
    spec = importlib.util.spec_from_file_location("check_site", DOCS / "check_site.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclass looks for it
    spec.loader.exec_module(module)
    return module


check_site = load_check_site()
inventories = check_site.inventories
FIGURE = '<img src="figure.png">'


def html(text, title="A page"):
    return f"<html><head><title>{title}</title></head><body><article>{text}</article></body></html>"


def faults(folder, **pages):
    """Write a site of pages, each with a heading, and return what is wrong with it."""
    (folder / "guide").mkdir()
    (folder / "guide" / "figure.png").touch()
    for name, text in pages.items():
        path = folder / f"{name.replace('__', '/')}.html"
        path.write_text(text if text.startswith("<html>") else html(f"<h1>It</h1>{text}"), "utf-8")
    known = {"scikit-learn.org": {f"https://scikit-learn.org/stable/{SCORE}"}}
    return list(check_site.faults_of(folder, check_site.pages_of(folder), known))


def test_nothing_is_wrong_with_a_page_that_is_as_it_should_be(tmp_path):
    text = f"""
        {FIGURE}<pre><span class="gp">&gt;&gt;&gt; </span>score\n<span class="go">0.97</span></pre>
        <p id="here">See <a href="#here">this</a>, <a href="scaling.html#here">that</a>,
        <a href="https://scikit-learn.org/stable/{SCORE}">log_loss</a>,
        <a href="https://scikit-learn.org">all of it</a> and <a href="https://mlflow.org/x">MLflow</a>
    """
    assert faults(tmp_path, guide__solvers=text, guide__scaling=text) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('<a href="none.html">x</a>', "it leads to none.html, which is not there"),
        ('<a href="#none">x</a>', "it leads to #none, a place that is not there"),
        ('<script src="https://a.org/b.js"></script>', "it loads https://a.org/b.js"),
        (
            '<a href="https://scikit-learn.org/stable/modules/generated/sklearn.Nothing.html">x</a>',
            "it leads to https://scikit-learn.org/stable/modules/generated/sklearn.Nothing.html, "
            "which is not in the inventory: see inventories.toml",
        ),
    ],
)
def test_a_link_that_leads_nowhere_is_a_fault(tmp_path, text, fault):
    assert faults(tmp_path, page=text) == [f"page.html: {fault}"]


@pytest.mark.parametrize("text", [html("no heading"), html("<h1>no title</h1>", title="")])
def test_a_page_without_title_or_heading_is_a_fault(tmp_path, text):
    assert faults(tmp_path, page=text) == ["page.html: it has no title or no heading"]


@pytest.mark.parametrize("figure", [FIGURE, "<svg><path></svg>"])
def test_a_page_of_the_guide_has_a_figure(tmp_path, figure):
    assert faults(tmp_path, guide__solvers=figure) == []


def test_a_page_of_the_guide_without_figure_is_a_fault(tmp_path):
    no_figure = '<img src="figure.png" alt="outside the article">'
    text = html("<h1>It</h1>").replace("<body>", f"<body>{no_figure}")
    found = faults(tmp_path, guide__solvers=text, guide__index=text)
    assert found == ["guide/solvers.html: it has no figure"]


@pytest.mark.parametrize("answer", ["True", "False"])
@pytest.mark.parametrize("page", ["get_started", "guide__solvers"])
def test_true_or_false_as_output_is_a_fault(tmp_path, page, answer):
    text = f'{FIGURE if "__" in page else ""}<pre><span class="go">{answer}</span></pre>'
    (fault,) = faults(tmp_path, **{page: text})
    assert "1 times it prints True or False" in fault


def test_output_is_free_on_other_pages(tmp_path):
    assert faults(tmp_path, design='<pre><span class="go">True</span></pre>') == []


@pytest.mark.parametrize(("n_words", "n_faults"), [(699, 0), (700, 1)])
def test_too_many_words_are_a_fault_but_not_those_of_code_and_tables(tmp_path, n_words, n_faults):
    words = " word" * n_words  # and one in the heading
    text = f"{FIGURE}<p>{words}</p><pre>{words}</pre><table><td>{words}</table><p hidden><br></p>"
    found = faults(tmp_path, guide__solvers=text)
    assert len(found) == n_faults
    assert all("it has 701 words, and should have no more than 700" in fault for fault in found)


def test_the_inventory_of_a_project_has_the_places_of_its_names():
    project = {
        "root": "https://a.org/",
        "modules": {"pages/{owner}.html": "fractions"},
        "names": {"own/{name}.html": "collections.Counter", "paths.html": "pathlib.Path"},
        "terms": {"glossary.html": ["sparse matrix"]},
        "docs": {"{name}.html": "user/guide"},
    }
    places = {name: (kind, place) for name, kind, place in inventories.entries(project)}
    assert places["fractions.Fraction"] == (
        "py:class",
        "pages/fractions.Fraction.html#fractions.Fraction",
    )
    assert places["fractions.Fraction.limit_denominator"] == (
        "py:method",
        "pages/fractions.Fraction.html#fractions.Fraction.limit_denominator",
    )
    assert places["collections.Counter.most_common"] == (
        "py:method",
        "own/collections.Counter.most_common.html#collections.Counter.most_common",
    )
    assert places["pathlib.Path"] == ("py:class", "paths.html#pathlib.Path")
    assert places["sparse matrix"] == ("std:term", "glossary.html#term-sparse-matrix")
    assert places["user/guide"] == ("std:doc", "user/guide.html")


def test_the_places_of_an_inventory_are_known_to_the_check(tmp_path, monkeypatch):
    project = {"root": "https://a.org/stable/", "names": {"paths.html": "pathlib.Path"}}
    monkeypatch.setattr(inventories, "PROJECTS", {"python": project})
    inventories.mapping(tmp_path)
    places = check_site.places_by_host(tmp_path / inventories.FOLDER)["a.org"]
    assert {"https://a.org/stable/", "https://a.org/stable/paths.html#pathlib.Path"} <= places
    assert "https://a.org/stable/paths.html#pathlib.Path.exists" in places


def test_scikit_learn_has_each_class_that_is_listed_where_its_site_has_it():
    project = inventories.PROJECTS["sklearn"]
    places = {name: place for name, _, place in inventories.entries(project)}
    name = "sklearn.neural_network.MLPClassifier"  # of its documentation, not of this one
    assert project["root"] + places[name] == (
        "https://scikit-learn.org/stable/modules/generated/sklearn.neural_network.MLPClassifier.html"
        "#sklearn.neural_network.MLPClassifier"
    )
    assert places[f"{name}.partial_fit"].endswith(f"MLPClassifier.html#{name}.partial_fit")
