"""The documentation site: `make docs`. Pages that describe the shelf are made of it (shelf.py), notebooks are run, and nothing is fetched at build or view."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("CAUSAL_ENGLAND", str(HERE.parents[2] / "shared" / "data" / "england"))

import shelf  # noqa: E402

import causal  # noqa: E402

project, author, version = "causal", "the causal-prevention contributors", causal.__version__
copyright = author
extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
root_doc = "index"
language = "en-GB"

# notebooks are text with cells, and each is run in every build; a cell that fails stops it
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 1800
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # no script from elsewhere
nb_merge_streams = True
nb_mime_priority_overrides = [("html", "image/png", None), ("html", "text/latex", None)]  # numbers as text, not as pictures
nb_output_stderr = "remove"  # progress, and warnings of libraries on this machine
myst_enable_extensions = ["deflist", "colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header", "misc.highlighting_failure"]

numpydoc_show_class_members = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True

html_theme = "pydata_sphinx_theme"
html_title = f"causal {version}"
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_prev_next": True,
    "use_edit_page_button": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False

shelf.write(HERE / "_made")
