"""Every public name of the Python package has a place in its reference."""

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

import lifesign


def compare(_: Sphinx, env: BuildEnvironment) -> None:
    there = set(env.get_domain("py").objects)  # type: ignore[attr-defined]
    for name in lifesign.__all__:
        if f"lifesign.{name}" not in there:
            logging.getLogger(__name__).warning("lifesign.%s is not in the reference", name, location="reference/python")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("env-check-consistency", compare)
    return {"parallel_read_safe": True}
