"""How Sphinx makes a site of these pages: `make docs`. They are plain Markdown first, to be read on a forge as well."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "docs" / "extensions"), str(ROOT / "python" / "src")]

project = "Lifesign"
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "hawkmoth",
    "c_header",
    "descriptions",
    "pictures",
    "python_names",
]
exclude_patterns = ["extensions", "gopage"]
# Links to a heading of another page, as a forge understands them.
myst_heading_anchors = 3
html_theme = "furo"
html_title = "Lifesign"
pygments_dark_style = "github-dark"
html_favicon = "favicon.svg"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_domain_indices = False
html_copy_source = False
html_show_copyright = False

# A name that a comment refers to is there; what is the languages' own has its page elsewhere.
nitpicky = True
nitpick_ignore_regex = [
    ("c:identifier", r"u?int\d+_t|size_t"),
    ("py:class", r"(collections\.abc|datetime|os|uuid)\.\w+"),
]

# Python: what a class has stands in the order of the sources, and a name without its module.
add_module_names = False
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_class_signature = "mixed"
napoleon_numpy_docstring = False

# C: the header as the compiler at hand would read it.
c_maximum_signature_line_length = 88
hawkmoth_root = str(ROOT / "include")
hawkmoth_compiler = "cc"
