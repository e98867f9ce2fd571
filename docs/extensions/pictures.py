"""Makes each picture as wide as its page, and a link to itself: some are too wide to be read in a column."""

from docutils import nodes
from sphinx.application import Sphinx


def widen(_: Sphinx, page: nodes.document) -> None:
    for image in page.findall(nodes.image):
        # Sphinx links a picture whose width is given to the picture by itself.
        image["width"] = "100%"


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", widen)
    return {"parallel_read_safe": True}
