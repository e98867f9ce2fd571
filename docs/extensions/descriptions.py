"""Tells search engines and previews what each page is about: its first paragraph."""

from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

LONGEST = 200


def describe(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    first = next(iter(doctree.findall(nodes.paragraph)), None) if doctree else None
    if first is None:
        return
    text = " ".join(first.astext().split())
    if len(text) > LONGEST:
        text = text[:LONGEST].rpartition(" ")[0] + "…"
    context["metatags"] += f'<meta name="description" content="{escape(text)}">'


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", describe)
    return {"parallel_read_safe": True}
