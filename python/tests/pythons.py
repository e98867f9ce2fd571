"""Runs the package's tests from the wheel on every CPython that is there, and names those that are not.

Usage: pythons.py WHEEL

Looked for are 3.11 to 3.15, with and without the global lock, on the PATH, where pyenv and uv keep theirs, and in the
folders that LIFESIGN_PYTHONS lists as the PATH does.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
PLACES = PACKAGE.parent / "build" / "pythons"
NAMES = [f"3.{minor}{suffix}" for minor in range(11, 16) for suffix in ("", "t") if minor >= 13 or not suffix]
# What reads the wheel and the types is the same whatever runs it, and its tools are not on every Python.
LEFT_OUT = ["--ignore=tests/test_wheel.py"]
TOOLS = ("hatchling", "packaging", "pytest")

ASK = """
import json, platform, sys, sysconfig
name = f"{sys.version_info.major}.{sys.version_info.minor}" + "t" * bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
print(json.dumps([platform.python_implementation(), name, platform.python_version()]))
"""


def folders() -> Iterator[Path]:
    """Yield where interpreters may be."""
    for listed in (os.environ.get("LIFESIGN_PYTHONS", ""), os.environ["PATH"]):
        yield from (Path(folder) for folder in listed.split(os.pathsep) if folder)
    home = Path.home()
    yield from Path(os.environ.get("PYENV_ROOT", home / ".pyenv")).glob("versions/*/bin")
    yield from Path(os.environ.get("UV_PYTHON_INSTALL_DIR", home / ".local/share/uv/python")).glob("*/bin")


def found() -> dict[str, tuple[Path, str]]:
    """Return each interpreter that is there and runs, with its full version, by its name in ``NAMES``."""
    there: dict[str, tuple[Path, str]] = {}
    for folder in folders():
        for name in NAMES:
            python = folder / f"python{name}"
            if name in there or not python.is_file():
                continue
            asked = subprocess.run([python, "-I", "-c", ASK], capture_output=True, text=True, check=False)
            if asked.returncode == 0 and json.loads(asked.stdout)[:2] == ["CPython", name]:
                there[name] = python, json.loads(asked.stdout)[2]
    return there


def pinned() -> list[str]:
    """Return what the tests need, in the versions that they are pinned to."""
    lines = (PACKAGE / "requirements-dev.txt").read_text().splitlines()
    return [line for line in lines if line.partition("==")[0] in TOOLS]


def test(name: str, python: Path, wheel: Path) -> tuple[bool, str]:
    """Run the tests in a fresh environment; return whether they passed and what was said last."""
    place = PLACES / name
    shutil.rmtree(place, ignore_errors=True)
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "LIFESIGN", "PYTEST"))
    }
    pip = [sys.executable, "-m", "pip", "--python", str(place), "--quiet", "--disable-pip-version-check"]
    for command in ([str(python), "-m", "venv", "--without-pip", str(place)], [*pip, "install", str(wheel), *pinned()]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            return False, f"could not be prepared: {(done.stderr or done.stdout).strip().splitlines()[-1]}"
    run = [
        str(place / "bin" / "python"),
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-o",
        "pythonpath=",
        *LEFT_OUT,
    ]
    with (PLACES / f"{name}.log").open("w") as log:
        environment["LIFESIGN_TESTED"] = str(place)
        code = subprocess.run(run, cwd=PACKAGE, env=environment, stdout=log, stderr=log, check=False).returncode
    said = (PLACES / f"{name}.log").read_text().strip().splitlines()
    last = said[-1].strip("= ") if said else "nothing was said"
    return code == 0 and bool(re.search(r"\d+ passed", last)), last if code >= 0 else f"{last} (signal {-code})"


def main(wheel: Path) -> int:
    """Run and tell."""
    required = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]["requires-python"]
    assert required == f">={NAMES[0]}", "the list starts with the oldest that is supported"
    PLACES.mkdir(parents=True, exist_ok=True)
    there, failed = found(), []
    for name in NAMES:
        if name not in there:
            continue
        python, version = there[name]
        passed, said = test(name, python, wheel)
        print(f"CPython {version}{'t' * name.endswith('t'):2} {'passed' if passed else 'FAILED'}: {said}", flush=True)
        if not passed:
            failed.append(name)
            print(f"    see {PLACES / name}.log", flush=True)
    if missing := [name for name in NAMES if name not in there]:
        print(f"UNTESTED, because not there: CPython {', '.join(missing)}")
    return bool(failed) or not there


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
