"""Sphinx configuration: python -m sphinx -W docs docs/_build."""

import gettext
import sys
from importlib.resources import files
from pathlib import Path

import skbp

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "_ext")]  # for what is imported by its name

import inventories  # noqa: E402
import name_links  # noqa: E402

project = "skbp"
author = "The skbp developers"
copyright = author
release = version = skbp.__version__

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",  # MathJax from the site itself: no other server is asked
    "sphinx_codeautolink",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "name_links",
    "parameter_groups",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
default_role = "obj"
nitpicky = True  # a name that leads nowhere is an error
smartquotes = False  # types and defaults keep the quotes of Python
toc_object_entries_show_parents = "hide"

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_preserve_defaults = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

# names in code are links too; a page's examples follow each other
codeautolink_concat_default = True
# parts of a function that a page includes; examples, where Sphinx-Gallery has made the links
suppress_warnings = ["codeautolink.parse_block", "codeautolink.match_name"]
intersphinx_mapping = inventories.mapping(HERE)

# which words of a type are links
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"
numpydoc_xref_aliases = name_links.aliases(HERE)

copybutton_exclude = ".linenos, .gp, .go"

plot_working_directory = str(Path(__file__).parents[1])  # as in the tests, for paths of data
plot_html_show_formats = False
plot_html_show_source_link = False
plot_formats = [("png", 150)]
plot_rcparams = {"savefig.transparent": True}

html_theme = "pydata_sphinx_theme"
html_title = "skbp"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["scroll_hints.js"]
html_show_sourcelink = False
html_favicon = "_static/logo_light.svg"
html_theme_options = {
    "logo": {
        "text": f"skbp {version}",
        "image_light": "_static/logo_light.svg",
        "image_dark": "_static/logo_dark.svg",
        "alt_text": "The start page",
    },
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"*": []}  # only the pages in folders have neighbours to list


sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "subsection_order": ["../examples/your_data", "../examples/lecture"],
    "within_subsection_order": "gallery_hooks.InOrder",
    "abort_on_example_error": True,
    "reset_modules": (
        "matplotlib",
        "gallery_hooks.leave_out_backgrounds",
        "gallery_hooks.make_warnings_errors",
    ),
    "reset_modules_order": "both",
    "doc_module": ("skbp",),
    "backreferences_dir": "api/generated/backreferences",
    "download_all_examples": False,
    "image_srcset": ["2x"],
    "junit": "sphinx-gallery/junit-results.xml",
    "show_signature": False,
    "capture_repr": ("_repr_html_",),
    "write_computation_times": False,
    "remove_config_comments": True,
}

# only links within the site and the repository: a build asks no server
linkcheck_ignore = [r"https?://"]


def close_doctests(app, page, source):
    """Leave out the empty line that ends a doctest in a fence, which only doctest needs."""
    source[0] = source[0].replace("\n\n```\n", "\n```\n")


def skip_what_scikit_learn_documents(app, what, name, obj, skip, options):
    """Leave out of a class's page what it has inherited from scikit-learn."""
    module = getattr(obj, "__module__", None) or ""
    return True if module.startswith("sklearn.") else None


def hide_signature_of_protocols(app, what, name, obj, options, signature, returns):
    """Leave away ``(*args, **kwargs)``: a protocol is not called."""
    return ("", None) if getattr(obj, "_is_protocol", False) else None


def set_language(app, page, template, context, doctree):
    """Write what is around a page in its language, where its front matter names one."""
    context["language"] = (context.get("meta") or {}).get("lang", context["language"])
    if context["language"] == "zh-CN":
        chinese = gettext.translation("sphinx", files("sphinx") / "locale", ["zh_CN"])
        theme = files("pydata_sphinx_theme") / "locale"
        chinese.add_fallback(gettext.translation("sphinx", theme, ["zh"]))
        context["gettext"] = chinese.gettext


def setup(app):
    """Connect the functions above with Sphinx's events."""
    app.connect("autodoc-skip-member", skip_what_scikit_learn_documents)
    app.connect("autodoc-process-signature", hide_signature_of_protocols)
    app.connect("source-read", close_doctests)
    app.connect("html-page-context", set_language)
