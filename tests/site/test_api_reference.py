"""The API reference lists every public object, and examples that are run show what each is for.

Public is what a module or a package of skbp names in its ``__all__``.
"""

import inspect
import re
import tomllib
from doctest import DocTestFinder
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import skbp
from skbp import BackpropClassifier
from skbp.network import Network
from skbp.objective import Objective

DOCS = Path(__file__).parents[2] / "docs"
API = DOCS / "api"
PAGES = ("index.md", "parts.md")
SECTION = re.compile(
    r"^## .+\n\n(?:.+\n)*\n*"
    r"^```{eval-rst}\n\.\. autosummary::\n(?P<options>(?:   :.+\n)*)\n(?P<names>(?:   .+\n)+)```$",
    re.MULTILINE,
)

MODULES = [skbp] + [
    import_module(module.name)
    for module in walk_packages(skbp.__path__, "skbp.")
    if not module.name.startswith("skbp._")
]
PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in MODULES
    for name in getattr(module, "__all__", [])
    if not name.startswith("_")
}
DOCTESTS = {
    test.name for module in MODULES for test in DocTestFinder().find(module) if test.examples
}


def sections(page):
    return list(SECTION.finditer((API / page).read_text("utf-8")))


def listed(page):
    """Return the names that a page lists, in their order."""
    return [name for section in sections(page) for name in section["names"].split()]


def methods_of(cls):
    """Return the public methods of a class, its call included."""
    methods = dict(inspect.getmembers(cls, inspect.isroutine))
    return {name: methods[name] for name in methods if name[0] != "_" or name == "__call__"}


def own_methods_of(cls):
    """Return those of them that skbp has written."""
    methods = methods_of(cls)
    modules = {name: getattr(methods[name], "__module__", None) or "" for name in methods}
    return {name: methods[name] for name in methods if modules[name].startswith("skbp")}


WITH_EXAMPLES = {
    name: thing
    for name, thing in PUBLIC.items()
    if inspect.isroutine(thing) or inspect.isclass(thing)
} | {
    f"{cls.__name__}.{name}": method
    for cls in (BackpropClassifier, Network, Objective)
    for name, method in own_methods_of(cls).items()
}


def test_the_pages_list_exactly_the_public_objects():
    assert sorted(name for page in PAGES for name in listed(page)) == sorted(PUBLIC)


def test_the_first_page_has_the_estimators_and_what_works_with_them():
    modules = {name.rpartition(".")[0] for name in listed("index.md")}
    assert modules == {"skbp", "skbp.plot", "skbp.callbacks", "skbp.onnx", "skbp.dask"}


@pytest.mark.parametrize("page", PAGES)
def test_the_tables_lead_to_a_page_for_each_object(page):
    for section in sections(page):
        *options, caption = section["options"].splitlines()
        assert options == ["   :toctree: generated", "   :nosignatures:"]
        assert caption.startswith("   :caption: ")  # in the list beside the pages


def test_each_parameter_of_the_classifier_has_a_topic():
    groups = tomllib.loads((DOCS / "_ext" / "parameter_groups.toml").read_text("utf-8"))
    names = " ".join(groups.values()).split()
    assert sorted(names) == sorted(BackpropClassifier().get_params())


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_that_are_run_show_what_it_is_for(name):
    thing = WITH_EXAMPLES[name]
    docstring = inspect.cleandoc(thing.__doc__ or "")
    assert ">>> " in docstring.partition("\nExamples\n--------\n")[2]
    assert f"{thing.__module__}.{thing.__qualname__}" in DOCTESTS


def test_the_html_representation_leads_to_the_page_of_the_classifier():
    link = BackpropClassifier()._get_doc_link()
    # where autosummary writes the page of skbp.BackpropClassifier
    assert link.endswith("/en/stable/api/generated/skbp.BackpropClassifier.html")
    assert f'href="{link}"' in BackpropClassifier()._repr_html_()
