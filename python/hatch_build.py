"""Build hook: put the shared library into the wheel and tag the wheel for what that library needs."""

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def library() -> Path:
    """Return the shared library to pack: ``LIFESIGN_LIBRARY``, else the release build of this checkout."""
    named = os.environ.get("LIFESIGN_LIBRARY")
    path = Path(named) if named else Path(__file__).parents[1] / "target" / "release" / "liblifesign.so"
    if not path.is_file():
        message = (
            f"no shared library at {path}: run `cargo build --release` at the top of the checkout first, "
            "or name another one in LIFESIGN_LIBRARY"
        )
        raise FileNotFoundError(message)
    return path.resolve()


def stripped(path: Path, folder: Path) -> Path:
    """Return a copy without debug information and local symbols, nine tenths of the file; the exports stay."""
    copy = folder / path.name
    shutil.copyfile(path, copy)
    copy.chmod(0o755)
    subprocess.run(["strip", "--strip-unneeded", copy], check=True)
    return copy


def platform_tag(path: Path) -> str:
    """Return the platform tag that is true of a stripped library: the newest glibc version among its symbols."""
    needed = {(int(major), int(minor)) for major, minor in re.findall(rb"GLIBC_(\d+)\.(\d+)", path.read_bytes())}
    if not needed:
        message = f"{path} names no glibc symbol version: not a shared library for glibc"
        raise ValueError(message)
    major, minor = max(needed)
    return f"manylinux_{major}_{minor}_{platform.machine()}"


class SharedLibraryHook(BuildHookInterface[Any]):
    """Adds the library to the wheel; an editable install finds it in the checkout instead."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before anything is built."""
        if self.target_name == "sdist":
            message = "there is no sdist: the engine is built with cargo from the whole checkout; build with --wheel"
            raise NotImplementedError(message)
        if version == "editable":
            return
        self._folder = TemporaryDirectory()
        path = stripped(library(), Path(self._folder.name))
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag(path)}"
        build_data["force_include"][str(path)] = "lifesign/_lib/liblifesign.so"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Called by hatchling after it was built."""
        if version != "editable":
            self._folder.cleanup()
