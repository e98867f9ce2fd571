"""How Sphinx makes a site of these pages: `make docs`. They are plain Markdown first, to be read on a forge as well."""

project = "Lifesign"
extensions = ["myst_parser"]
# Links to a heading of another page, as a forge understands them.
myst_heading_anchors = 3
html_theme = "furo"
html_title = "Lifesign"
html_copy_source = False
html_show_copyright = False
