#!/usr/bin/env python3
"""Collects the licences of what is linked into a binary, which whoever passes the binary on must pass on too.

Usage: licences.py FILE           of the library: its crates
       licences.py --agent FILE   of the agent: the crates, and the modules of Go
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ("LICENSE-MIT", "LICENSE")
"""The file with a licence's text: MIT where there is a choice."""

HEAD = """The licences of what is linked into this binary beside Lifesign itself.

Rust's standard library is in it too, under MIT or Apache-2.0 (https://www.rust-lang.org/policies/licenses). What is under the Mozilla Public
License is unchanged; its sources are where it is named after.
"""


@dataclass
class Part:
    """Something that is linked."""

    name: str
    folder: Path

    def text(self) -> str:
        """Return the text of its licence."""
        for name in TEXTS:
            if (self.folder / name).is_file():
                return (self.folder / name).read_text().strip()
        raise SystemExit(f"licences: {self.name}: none of {', '.join(TEXTS)} is in {self.folder}")


def said(*command: str, folder: Path = ROOT) -> str:
    """Return what a command prints."""
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout


def crates() -> Iterator[Part]:
    """Yield the crates that are linked into the library: what runs while it is compiled is not."""
    host = next(line.split()[1] for line in said("rustc", "-vV").splitlines() if line.startswith("host:"))
    known = json.loads(said("cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={host}"))
    packages = {package["id"]: package for package in known["packages"]}
    needs = {node["id"]: node["deps"] for node in known["resolve"]["nodes"]}
    todo = [identity for identity, package in packages.items() if package["name"] == "lifesign"]
    linked: set[str] = set()
    while todo:
        identity = todo.pop()
        if identity in linked or any("proc-macro" in target["kind"] for target in packages[identity]["targets"]):
            continue
        linked.add(identity)
        todo += [need["pkg"] for need in needs[identity] if any(kind["kind"] is None for kind in need["dep_kinds"])]
    for package in (packages[identity] for identity in linked):
        if package["name"] != "lifesign":
            title = f"{package['name']} {package['version']} ({package['license']})"
            yield Part(title, Path(package["manifest_path"]).parent)


def modules() -> Iterator[Part]:
    """Yield Go itself and the modules that are linked into the agent."""
    yield Part(said("go", "env", "GOVERSION").strip(), Path(said("go", "env", "GOROOT").strip()))
    form = "{{with .Module}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}"
    for line in set(said("go", "list", "-deps", "-f", form, "./cmd/lifesign-agent", folder=ROOT / "agent").split("\n")):
        name, _, folder = line.partition("\t")
        if name and not name.startswith("lifesign.dev/"):
            yield Part(name, Path(folder))


def main() -> int:
    """Write the file, at once for whoever reads it meanwhile."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agent", action="store_true")
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    by_text: dict[str, list[str]] = {}
    for part in sorted([*crates(), *(modules() if given.agent else ())], key=lambda part: part.name):
        by_text.setdefault(part.text(), []).append(part.name)
    rule = "-" * 80
    sections = ["\n".join([rule, *names, rule, "", text, ""]) for text, names in by_text.items()]
    scratch = given.file.with_name(f"{given.file.name}.{os.getpid()}")
    scratch.write_text("\n".join([HEAD, *sections]))
    scratch.replace(given.file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
