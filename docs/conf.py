"""Sphinx configuration: python -m sphinx -W docs docs/_build."""

import skbp

project = "skbp"
author = "The skbp developers"
copyright = author
release = skbp.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"page_width": "1100px", "sidebar_width": "200px"}

myst_heading_anchors = 3
napoleon_use_ivar = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
