"""The parameters of `BackpropClassifier` by topic, one line each, at the top of its page.

The topics are in parameter_groups.toml, and the lines are the first ones of its docstring. A
parameter's name leads to its description further down the page.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from numpydoc.docscrape import ClassDoc, Parameter
from sphinx import addnodes
from sphinx.application import Sphinx

from skbp import BackpropClassifier

GROUPS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
FIRST_SENTENCE = re.compile(r".+?(?=[.:;](?: |$))")


def first_line(parameter: Parameter) -> str:
    """Return what a parameter is, in one line."""
    text = " ".join(" ".join(parameter.desc).split())
    return f"{FIRST_SENTENCE.match(text)[0]}."


def default_of(parameter: Parameter) -> str:
    """Return the default of a parameter, as code."""
    return f"``{re.search('default=(.+)$', parameter.type)[1]}``"


def table_of_groups() -> list[str]:
    """Return the lines of a table for each group, in reStructuredText."""
    parameters = {each.name: each for each in ClassDoc(BackpropClassifier)["Parameters"]}
    lines = []
    for heading, names in GROUPS.items():
        lines += [f".. rubric:: {heading}", "", ".. list-table::", "   :widths: 30 14 56"]
        lines += ["   :class: parameter-group", ""]
        for each in map(parameters.__getitem__, names.split()):
            lines += [
                f"   * - `{each.name} <#parameter-{each.name}>`__",
                f"     - {default_of(each)}",
            ]
            lines += [f"     - {first_line(each)}"]
        lines.append("")
    return lines


def add_groups(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]):
    """Put the tables before the parameters of `BackpropClassifier`, which numpydoc has written."""
    if obj is BackpropClassifier:
        start = lines.index(":Parameters:")
        lines[start:start] = table_of_groups()


def name_parameters(app: Sphinx, doctree: nodes.document):
    """Let links lead to each parameter of a class that has a page."""
    for entry in doctree.findall(addnodes.desc):
        if entry["objtype"] == "class":
            for term in terms_of_parameters(entry):
                name = term.next_node(nodes.strong)
                if name is not None and name.astext().isidentifier():
                    term["ids"].append(f"parameter-{name.astext()}")


def terms_of_parameters(entry: addnodes.desc) -> Iterator[nodes.term]:
    """Yield where the parameters of a class are named; those of its methods lie deeper."""
    for fields in entry[-1].children:
        for field in fields.children if isinstance(fields, nodes.field_list) else ():
            if field[0].astext() == "Parameters":
                yield from field.findall(nodes.term)


def setup(app: Sphinx):
    """Connect the functions above with Sphinx's events."""
    app.connect("autodoc-process-docstring", add_groups, priority=900)
    app.connect("doctree-read", name_parameters)
    return {"parallel_read_safe": True}
