"""The wheel: what is in it, for which systems it is, and that it is all that a user's program needs."""

import ast
import os
import re
import subprocess
import sys
import venv
import zipfile
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename

import lifesign
import surface

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = "lifesign/_lib/liblifesign.so"
PROGRAM = ROOT / "tests" / "installed" / "program.py"

MISUSE = [
    ("engine.register_check(7)", "arg-type"),
    ("engine.register_check('a', service='web')", "arg-type"),
    ("engine.register_service('a', data='text')", "arg-type"),
    ("engine.registerCheck('a')", "attr-defined"),
    ("check.acquire('a', lease='10s')", "arg-type"),
    ("check.acquire('a', on_lapse='critical')", "arg-type"),
    ("check.status = lifesign.Status.PASSING", "misc"),
    ("check.snapshot().output = 'mine'", "misc"),
    ("check.take_over()", "call-arg"),
    ("token.update('passing')", "arg-type"),
    ("token.update(lifesign.Status.PASSING, b'bytes')", "arg-type"),
    ("token.update(2)", "arg-type"),
    ("text: str = check.status", "assignment"),
    ("number: int = check.who().holder", "assignment"),
    ("check.who().holder.label", "union-attr"),
    ("check.who().since.year", "union-attr"),
    ("engine.subscribe(None)", "misc"),
    ("engine.subscribe(since='text')", "arg-type"),
    ("lifesign.Status.UNKNOWN", "attr-defined"),
    ("lifesign.Engine(max_check=1)", "call-arg"),
    ("for event in check: pass", "attr-defined"),
    ("engine.write_batch([(token, lifesign.Status.PASSING)])", "list-item"),
    ("lifesign.lib", "attr-defined"),
]
"""What a type checker must refuse, and as what."""


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run with this environment alone; return what it printed."""
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(folder: Path) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT, **os.environ)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


@dataclass
class Installation:
    """A fresh environment with nothing but the wheel, and an empty folder to work in."""

    python: Path
    folder: Path

    def run(self, *arguments: str | Path) -> str:
        path = str(self.python.parent)
        return run(self.python, *arguments, cwd=self.folder, PATH=path, HOME=str(self.folder), TMPDIR=str(self.folder))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    place = tmp_path_factory.mktemp("installed")
    venv.create(place / "venv", symlinks=True)
    python = place / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--quiet", "--disable-pip-version-check"]
    run(*pip, "install", "--no-index", "--no-compile", wheel, cwd=place, **os.environ)
    (place / "empty").mkdir()
    return Installation(python, place / "empty")


def test_what_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        info = next(name for name in archive.namelist() if name.endswith("/METADATA")).rpartition("/")[0]
        metadata = message_from_bytes(archive.read(f"{info}/METADATA"))
        licences = {Path(name).name: archive.read(name) for name in archive.namelist() if "/licenses/" in name}
        library = archive.read(LIBRARY)
    sources = {f"lifesign/{file.name}" for file in (ROOT / "src" / "lifesign").glob("*.py")}
    assert names == {*sources, "lifesign/py.typed", LIBRARY}
    third = licences.pop("THIRD-PARTY-LICENSES").decode()
    assert all(re.search(rf"^{crate} \d", third, re.MULTILINE) for crate in ("arc-swap", "dashmap", "serde_json"))
    assert licences == {name: (ROOT.parent / name).read_bytes() for name in ("LICENSE-MIT", "LICENSE-APACHE")}
    assert b".symtab" not in library, "it is stripped"
    assert metadata["License-Expression"] == "MIT OR Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Requires-Dist"] is None, "it needs nothing but Python"
    assert metadata["Version"] == lifesign.library_version()
    payload = metadata.get_payload(decode=True)
    assert payload == (ROOT / "README.md").read_bytes()


def test_it_is_for_the_systems_that_the_library_is_for(wheel: Path) -> None:
    """Auditwheel finds the same glibc to be the oldest, and has nothing to repair."""
    (tag,) = parse_wheel_filename(wheel.name)[3]
    assert (tag.interpreter, tag.abi) == ("py3", "none")
    assert tag in set(sys_tags()), f"{wheel.name} does not install here"
    tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def auditwheel(*arguments: str | Path) -> str:
        return run(sys.executable, "-m", "auditwheel", *arguments, cwd=wheel.parent, **{**os.environ, "PATH": tools})

    said = " ".join(auditwheel("show", wheel).split())
    minors = [int(minor) for minor in re.findall(r"'GLIBC_2\.(\d+)", said)]
    machine = tag.platform.split("_", 3)[3]
    assert tag.platform == f"manylinux_2_{max(minors)}_{machine}"
    # Auditwheel knows some of the platforms by name; it names the next one.
    named = re.search(rf'is consistent with the following platform tag: "(manylinux_2_(\d+)_{machine})"', said)
    assert named, said
    assert int(named[2]) >= max(minors)
    auditwheel("repair", "--plat", named[1], "-w", wheel.parent / "repaired", wheel)
    (repaired,) = (wheel.parent / "repaired").glob("*.whl")
    with zipfile.ZipFile(wheel) as ours, zipfile.ZipFile(repaired) as theirs:
        assert {name for name in theirs.namelist() if not name.endswith("/")} == {*ours.namelist()}
        assert theirs.read(LIBRARY) == ours.read(LIBRARY)


def test_a_build_is_the_same_again(wheel: Path, tmp_path: Path) -> None:
    assert build(tmp_path).read_bytes() == wheel.read_bytes()


def test_there_is_no_sdist(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "there is no sdist" in done.stderr.splitlines()[-1]
    assert not [*tmp_path.iterdir()]


def test_a_program_uses_all_of_it(installed: Installation) -> None:
    """With threads, in an event loop, and through a take-over; where there is neither cargo nor a checkout."""
    said = installed.run("-X", "dev", "-W", "error", PROGRAM)
    assert said == f"Lifesign {lifesign.library_version()}: all of it works, 1 thread\n"


def test_the_program_leaves_nothing_out() -> None:
    tree = ast.parse(PROGRAM.read_text())
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    missing = {name for name in lifesign.__all__ if name not in names}
    missing |= {
        f"{kind.__name__}.{name}" for kind in surface.classes() for name in surface.members(kind) if name not in used
    }
    assert not missing


def test_the_hints_are_of_use_to_a_type_checker(installed: Installation) -> None:
    """The right program passes the strictest check against the installed package; each misuse is refused."""
    misuse = installed.folder / "misuse.py"
    before = (
        "import lifesign\n\n\ndef use(engine: lifesign.Engine, check: lifesign.Check, token: lifesign.Token) -> None:\n"
    )
    misuse.write_text(before + "".join(f"    {line}\n" for line, _ in MISUSE))
    program = installed.folder / "program.py"
    program.write_text(PROGRAM.read_text())
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-pretty", "--cache-dir=cache"]
    done = subprocess.run(
        [*mypy, f"--python-executable={installed.python}", program.name, misuse.name],
        cwd=installed.folder,
        env={"PATH": str(installed.python.parent), "HOME": str(installed.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    errors = re.findall(r"^(\S+):(\d+): error: .*\[([\w-]+)\]$", done.stdout, re.MULTILINE)
    first = before.count("\n") + 1
    expected = {(misuse.name, str(first + number), code) for number, (_, code) in enumerate(MISUSE)}
    assert set(errors) == expected, done.stdout + done.stderr
