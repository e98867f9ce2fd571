"""Every public name of the Python package has a place in its reference; how a class is made is shown of those that callers make."""

import lifesign
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

MADE_BY_CALLERS = {"lifesign.Engine", "lifesign.Restored"}


def compare(_: Sphinx, env: BuildEnvironment) -> None:
    there = set(env.get_domain("py").objects)  # type: ignore[attr-defined]
    for name in lifesign.__all__:
        if f"lifesign.{name}" not in there:
            logging.getLogger(__name__).warning(
                "lifesign.%s is not in the reference", name, location="reference/python"
            )


def hide_signature(_: Sphinx, what: str, name: str, *_rest: object) -> tuple[str, None] | None:
    return ("", None) if what in ("class", "exception") and name not in MADE_BY_CALLERS else None


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-signature", hide_signature)
    app.connect("env-check-consistency", compare)
    return {"parallel_read_safe": True}
