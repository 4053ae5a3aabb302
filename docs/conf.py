"""Sphinx's settings for the website. `make site` writes the pages that it reads; see autograder/site.py."""

project = "Gradus"
author = "the authors of Gradus"
html_title = "Gradus"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["notebooks"]

# notebooks come with their outputs: autograder/page.py ran them
nb_execution_mode = "off"
nb_ipywidgets_js = {"../require.js": {}, "../@jupyter-widgets/html-manager/dist/embed-amd.js": {}}
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]

html_theme = "sphinx_book_theme"
html_context = {"default_mode": "auto"}  # light or dark as the reader's system is, until the reader chooses
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
mathjax_path = "../mathjax/tex-chtml.js"  # all that a page loads comes with it

default_role = "literal"  # docstrings write names as `name`
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_typehints_format = "short"
add_module_names = False
napoleon_numpy_docstring = False
