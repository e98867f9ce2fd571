#!/usr/bin/env python3
"""Runs the Go, Python and C examples of the README as they stand there; the Rust one is a documentation test.

Each runs in an empty folder, built the way the README tells, and must print what is expected of it. The table of guarantees must say what
tests/guarantees.toml says: of each the claim and the first four lines of evidence. What it and the pages beside it link to in the tree must be
there, headings included.
"""

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXPECTED = {
    "go": "sidecar:web passing passing\n",
    "python": "passing passing\nrefused by probe 2\n",
    "c": "the alias is passing\n",
}
LINKING = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "python/README.md", "agent/README.md"]


def run(command: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, stdout=subprocess.PIPE, text=True, timeout=600, check=True
    )
    return done.stdout


def go(source: str, folder: Path) -> str:
    (folder / "main.go").write_text(source)
    run(["go", "mod", "init", "example.com/demo"], folder)
    module = "lifesign.dev/lifesign"
    run(["go", "mod", "edit", f"-require={module}@v0.0.0", f"-replace={module}={ROOT / 'go'}"], folder)
    run(["go", "build", "-o", "demo", "."], folder)
    return run(["./demo"], folder)


def python(source: str, folder: Path) -> str:
    (folder / "demo.py").write_text(source)
    return run([sys.executable, "demo.py"], folder, PYTHONPATH=str(ROOT / "python" / "src"))


def c(source: str, folder: Path) -> str:
    (folder / "demo.c").write_text(source)
    library = ROOT / "build" / "lib" / "liblifesign.a"
    compiler = os.environ.get("CC", "cc")
    flags = ["-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}"]
    run([compiler, *flags, "demo.c", str(library), "-lpthread", "-ldl", "-lm", "-o", "demo"], folder)
    return run(["./demo"], folder)


def guarantees() -> list[str]:
    rows = []
    for name, each in tomllib.loads((ROOT / "tests" / "guarantees.toml").read_text()).items():
        evidence = ", ".join(f"`{line}`" for line in each["evidence"][:4]) or "not there yet"
        rows.append(f"| {name} | {each['claim']} | {evidence} |")
    return rows


def headings(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as a forge makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def broken_links() -> list[str]:
    """Return what the pages link to in the tree and is not there."""
    broken, followed = [], 0
    for page in (ROOT / name for name in LINKING):
        text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", link):
                continue
            followed += 1
            file, _, anchor = link.partition("#")
            target = page.parent / file if file else page
            if not target.exists() or (anchor and anchor not in headings(target)):
                broken.append(f"{page.relative_to(ROOT)}: {link} leads nowhere")
    return broken or ([] if followed else ["no link was found in any page"])


def main() -> int:
    text = (ROOT / "README.md").read_text()
    failed = 0
    wanted, rows = guarantees(), re.findall(r"^\| [A-Z]\d+ \| .*$", text, re.MULTILINE)
    for row in [row for row in wanted if row not in rows] + [row for row in rows if row not in wanted]:
        failed += 1
        print(f"README, guarantees: {'missing' if row in wanted else 'not in tests/guarantees.toml'}: {row}")
    for each in broken_links():
        failed += 1
        print(each)
    for language, runner in [("go", go), ("python", python), ("c", c)]:
        blocks = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        assert len(blocks) == 1, f"the README has {len(blocks)} examples in {language}, one was expected"
        with tempfile.TemporaryDirectory() as folder:
            printed = runner(blocks[0], Path(folder))
        good = printed == EXPECTED[language]
        failed += not good
        print(f"README, {language}: {'as expected' if good else f'printed {printed!r}, not {EXPECTED[language]!r}'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
