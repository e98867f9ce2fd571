"""What users read first: the example, and the README's copy of it."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
QUICKSTART = ROOT / "examples" / "quickstart.py"


def run_quickstart(package: Path, **environment: str) -> list[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LIFESIGN", "PYTHON"))}
    run = subprocess.run(
        [sys.executable, "-W", "error", QUICKSTART],
        env={**kept, "PYTHONPATH": str(package), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == ""
    assert run.returncode == 0
    return run.stdout.splitlines()


def check_transcript(lines: list[str]) -> None:
    assert lines[0] == "passing passing"
    assert lines[1].startswith("refused by probe 2 (quickstart, pid ")
    assert "web:http" in lines[2]
    assert "connection refused" in lines[2]
    assert len(lines) == 3


def test_quickstart() -> None:
    environment = {name: os.environ[name] for name in ("LIFESIGN_LIBRARY",) if name in os.environ}
    check_transcript(run_quickstart(ROOT / "src", **environment))


def test_the_readme_shows_the_quickstart() -> None:
    code = QUICKSTART.read_text().partition('"""\n\n')[2]
    assert f"```python\n{code}```" in (ROOT / "README.md").read_text()


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this CPython has the global lock")
def test_the_global_lock_stays_off() -> None:
    """Extensions that are not ready for it switch it on as they are loaded."""
    assert not sys._is_gil_enabled()  # type: ignore[attr-defined]
