"""How Sphinx builds the documentation. Nothing here reaches for the network."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE))
os.environ.setdefault("MPLBACKEND", "Agg")

import api_reference

import sklatent

project = "sklatent"
author = "the sklatent developers"
copyright = "2026, the sklatent developers"
version = release = sklatent.__version__

extensions = [
    "mathml",
    "matplotlib.sphinxext.plot_directive",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "examples", "figures", "**.ipynb", "**sg_execution_times.rst"]
templates_path = []
html_static_path = ["_static"]
html_css_files = ["sklatent.css"]
html_theme = "pydata_sphinx_theme"
html_title = f"sklatent {version}"
html_theme_options = {
    "show_toc_level": 2,
    "show_prev_next": False,
    "header_links_before_dropdown": 3,  # more break the header at 1280 pixels
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_copy_source = False
html_show_sourcelink = False
html_math_renderer = "mathml"

plot_formats = [("png", 110)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_rcparams = {"savefig.bbox": "tight"}

# Pages of the API reference are written by api_reference, from the packages' __all__; numpydoc's
# own tables of members would list each method a second time.
autosummary_generate = False
numpydoc_show_class_members = False
autodoc_typehints = "none"
default_role = None

sphinx_gallery_conf = {
    "examples_dirs": ["examples"],
    "gallery_dirs": ["auto_examples"],
    "filename_pattern": r"plot_",
    "within_subsection_order": "ExampleTitleSortKey",
    "backreferences_dir": "api/examples",
    "doc_module": ("sklatent",),
    "copyfile_regex": r".*\.rst",
    "download_all_examples": False,
    "remove_config_comments": True,
    "capture_repr": (),
    "show_memory": False,
    "write_computation_times": False,  # its table is drawn by scripts from a network
    "plot_gallery": True,
    "only_warn_on_example_error": False,
    "abort_on_example_error": False,
    "show_signature": False,
    "min_reported_time": 30,
}


def setup(app):
    """Write the API reference before Sphinx looks for its pages."""
    api_reference.write(HERE / "api")
