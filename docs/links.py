#!/usr/bin/env python3
"""Follows every link and picture of a built site that leads into the site itself; of the Rust pages only those that lead to them."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """Where a page leads to, and which places it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, _tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Take a tag's links and its place."""
        for name, value in attributes:
            if name in ("href", "src") and value is not None:
                self.links.add(value)
            elif name == "id" and value is not None:
                self.places.add(value)


def main() -> int:
    """Print what leads nowhere."""
    site = Path(sys.argv[1]).resolve()
    pages = {path: Page(path.read_text()) for path in site.rglob("*.html") if path.relative_to(site).parts[0] != "rust"}
    wrong = followed = 0
    for path, page in sorted(pages.items()):
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            followed += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = target not in pages or not parts.fragment or unquote(parts.fragment) in pages[target].places
            if not target.is_file() or not known:
                wrong += 1
                print(f"{path.relative_to(site)}: {link} leads nowhere")
    if not followed:
        print(f"{site}: no links, so nothing was checked")
    return 1 if wrong or not followed else 0


if __name__ == "__main__":
    sys.exit(main())
