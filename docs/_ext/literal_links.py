"""Links from the names of classes in the text, where it writes them as code.

A literal such as ``StandardScaler`` or ``sklearn.pipeline.Pipeline`` becomes a link at its first
place in a page, if it names a class of skbp or scikit-learn, or is the full name of something that
an inventory has.
"""

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.intersphinx import InventoryAdapter
from sphinx.transforms.post_transforms import SphinxPostTransform

NOT_IN = (
    nodes.reference,
    nodes.title,
    nodes.rubric,
    addnodes.pending_xref,
    addnodes.desc_signature,
)


def names_of(env: BuildEnvironment) -> dict[str, str]:
    """Return the full name for each name that becomes a link."""
    inventories = InventoryAdapter(env)
    full = {
        name
        for kind, names in inventories.main_inventory.items()
        if kind.startswith("py:")
        for name in names
        if "." in name
    }
    classes = list(inventories.named_inventory["sklearn"]["py:class"])
    classes += [
        name
        for name, each in env.domains.python_domain.objects.items()
        if each.objtype == "class" and not each.aliased
    ]
    return {name: name for name in full} | {name.rpartition(".")[2]: name for name in classes}


class LiteralLinks(SphinxPostTransform):
    """Make links before Sphinx resolves those that the text asks for."""

    default_priority = 5

    def run(self, **kwargs):
        """Replace the literals of a page."""
        names = names_of(self.env)
        here = self.env.current_document.docname.rpartition("/")[2]
        for literal in list(self.document.findall(nodes.literal)):
            target = names.get(literal.astext())
            inside = any(isinstance(each, NOT_IN) for each in ancestors(literal))
            if target and not inside and not here.startswith(target):
                del names[literal.astext()]
                link = addnodes.pending_xref("", refdomain="py", reftype="obj", reftarget=target)
                literal.replace_self(link)
                link += literal


def ancestors(node: nodes.Node):
    """Yield what a node lies in, from the inside."""
    while node.parent is not None:
        node = node.parent
        yield node


def setup(app: Sphinx):
    """Add the transform."""
    app.add_post_transform(LiteralLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
