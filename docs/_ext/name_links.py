"""Links from names in the text, where it does not say in which module they are.

A literal such as ``StandardScaler`` or ``sklearn.pipeline.Pipeline`` becomes a link at its first
place in a page, if it names a class of skbp or scikit-learn, or is the full name of something that
an inventory has. A reference such as `BackpropClassifier.fit` or `fit` is found from any module.
Words of a type such as ndarray, Axes or Network are links too.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.intersphinx import InventoryAdapter, resolve_reference_detect_inventory
from sphinx.transforms.post_transforms import SphinxPostTransform

NOT_IN = (
    nodes.reference,
    nodes.title,
    nodes.rubric,
    addnodes.pending_xref,
    addnodes.desc_signature,
)

TYPES = {
    "array-like": ":term:`sklearn:array-like`",
    "sparse matrix": ":term:`sklearn:sparse matrix`",
    "Axes": "matplotlib.axes.Axes",
    "Colorbar": "matplotlib.colorbar.Colorbar",
    "DataFrame": "pandas.DataFrame",
    "Figure": "matplotlib.figure.Figure",
    "Line2D": "matplotlib.lines.Line2D",
    "MLPClassifier": "sklearn.neural_network.MLPClassifier",
    "Pipeline": "sklearn.pipeline.Pipeline",
    "distributed.Client": ":class:`distributed.Client`",
}
# those that numpydoc would lead to Python's documentation
PLAIN_TYPES = ("None", "bool", "boolean", "True", "False", "list", "tuple", "str", "string", "dict")
PLAIN_TYPES += ("float", "int", "callable", "iterable", "sequence", "generator", "array")


def aliases(docs: Path) -> dict[str, str]:
    """Return what `numpydoc_xref_aliases` shall be, with the classes that the API pages list."""
    pages = "".join(page.read_text("utf-8") for page in sorted(docs.glob("api/*.md")))
    names = re.findall(r"^   (skbp\.[\w.]*[A-Z][a-z]\w+)$", pages, re.MULTILINE)
    own = {name.rpartition(".")[2]: name for name in names}
    return TYPES | own | {name: name for name in PLAIN_TYPES}


def own_classes(env: BuildEnvironment) -> dict[str, str]:
    """Return the full name of each class of skbp that has a page, by its short name."""
    objects = env.domains.python_domain.objects.items()
    classes = [name for name, each in objects if each.objtype == "class" and not each.aliased]
    return {name.rpartition(".")[2]: name for name in classes}


def linked_names(env: BuildEnvironment) -> dict[str, str]:
    """Return the full name for each literal that becomes a link."""
    inventories = InventoryAdapter(env)
    full = {
        name: name
        for kind, names in inventories.main_inventory.items()
        if kind.startswith("py:")
        for name in names
        if "." in name
    }
    classes = inventories.named_inventory["sklearn"]["py:class"]
    return full | {name.rpartition(".")[2]: name for name in classes} | own_classes(env)


class LiteralLinks(SphinxPostTransform):
    """Make links of literals before Sphinx resolves those that the text asks for."""

    default_priority = 5

    def run(self, **kwargs) -> None:
        """Replace the literals of a page."""
        names = linked_names(self.env)
        here = self.env.current_document.docname.rpartition("/")[2]
        for literal in list(self.document.findall(nodes.literal)):
            target = names.get(literal.astext())
            inside = any(isinstance(each, NOT_IN) for each in ancestors(literal))
            if target and not inside and not here.startswith(target):
                del names[literal.astext()]
                link = addnodes.pending_xref("", refdomain="py", reftype="obj", reftarget=target)
                literal.replace_self(link)
                link += literal


def ancestors(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield what a node lies in, from the inside."""
    while node.parent is not None:
        node = node.parent
        yield node


def find_in_any_module(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, text: nodes.Node
) -> nodes.Node | None:
    """Resolve a class without its module, its member, or a method of the classifier."""
    if node.get("refdomain") != "py":
        return None
    names = linked_names(env)
    name, _, member = node["reftarget"].partition(".")
    known = names.get(name, names["BackpropClassifier"])
    for target in (f"{known}.{member or name}", known if name in names else ""):
        node["reftarget"] = target
        domain, page = env.domains.python_domain, node["refdoc"]
        found = domain.resolve_xref(env, page, app.builder, "obj", target, node, text)
        found = found or resolve_reference_detect_inventory(env, node, text)
        if found is not None:
            return found
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the transform and the function above."""
    app.add_post_transform(LiteralLinks)
    app.connect("missing-reference", find_in_any_module)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
