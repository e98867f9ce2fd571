#!/usr/bin/env python3
"""Compares the ABI of the built library with the committed description of its release, lifesign-ABI.abi and lifesign-ABI.constants.

What is described is what a program that was linked before depends on: the exported functions with their parameters and results, every struct they
reach, and the values of the header's constants. New functions and constants change nothing for it. Anything else needs a new LIFESIGN_ABI_VERSION,
and with it a new description.

Usage: abi.py            compare; the library must have been built with full debug information
       abi.py --write    describe what was built; refused if an older program would notice, unless the number is new
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CHANGED, INCOMPATIBLE = 4, 8
"""Bits of abidiff's exit status."""


def described(library: Path) -> ET.Element:
    """Return what abidw says of the exported functions, and of nothing else that is in the library."""
    command = ["abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-elf-needed", str(library)]
    whole = ET.fromstring(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    types = {element.get("id"): element for element in whole.iter() if element.get("id")}
    exported = {symbol.get("name") for symbol in whole.iter("elf-symbol")}
    functions = {
        function.get("name"): function
        for function in whole.iter("function-decl")
        if function.get("elf-symbol-id") in exported
    }
    missing = exported - functions.keys()
    if missing or not functions:
        sys.exit(
            f"abi: {library} says nothing of {', '.join(sorted(missing)) or 'any function'}: was it built with full debug information?"
        )
    kept: dict[str, ET.Element] = {}
    ahead = [id for function in functions.values() for id in reached(function)]
    while ahead:
        id = ahead.pop()
        if id in types and id not in kept:
            kept[id] = types[id]
            ahead += reached(types[id])
    corpus = ET.Element(
        "abi-corpus", {"version": whole.get("version", ""), "architecture": whole.get("architecture", "")}
    )
    symbols = ET.SubElement(corpus, "elf-function-symbols")
    symbols.extend(sorted(whole.iter("elf-symbol"), key=lambda symbol: symbol.get("name", "")))
    unit = ET.SubElement(corpus, "abi-instr", {"address-size": "64", "path": "src/ffi", "language": "LANG_C11"})
    unit.extend(
        sorted(kept.values(), key=lambda element: (element.tag, element.get("name", ""), number(element.get("id", ""))))
    )
    unit.extend(functions[name] for name in sorted(functions))
    return renumbered(corpus)


def reached(element: ET.Element) -> Iterator[str]:
    """Return the ids of the types that an element speaks of."""
    for part in element.iter():
        if id := part.get("type-id"):
            yield id


def number(id: str) -> int:
    return int(id.rpartition("-")[2])


def renumbered(corpus: ET.Element) -> ET.Element:
    """Number the types in the order they stand in, so that one more of them elsewhere changes nothing here."""
    names: dict[str, str] = {}
    for element in corpus.iter():
        if id := element.get("id"):
            names.setdefault(id, f"type-id-{len(names) + 1}")
    for element in corpus.iter():
        for attribute in ("id", "type-id"):
            if (id := element.get(attribute)) in names:
                element.set(attribute, names[id])
        element.tail = None
    ET.indent(corpus)
    return corpus


def constants(header: Path) -> dict[str, str]:
    """Return the header's constants, as the preprocessor knows them."""
    command = ["cc", "-dM", "-E", "-x", "c", str(header)]
    macros = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return dict(sorted(re.findall(r"^#define (LIFESIGN_\w+) (.+)$", macros, re.MULTILINE)))


def noticed(known: Path, listed: Path, library: ET.Element, values: dict[str, str]) -> list[str]:
    """Return what a program that was linked with the described library would notice."""
    if not known.exists():
        return [f"{known.name} is missing: describe the new ABI with `make abi-describe`"]
    changes = []
    for line in listed.read_text().splitlines():
        name, _, value = line.partition(" ")
        if values.get(name) != value:
            changes.append(f"{name} was {value} and is {values.get(name, 'gone')}")
    with tempfile.NamedTemporaryFile("wb", suffix=".abi") as present:
        present.write(ET.tostring(library))
        present.flush()
        done = subprocess.run(
            ["abidiff", "--no-added-syms", str(known), present.name], stdout=subprocess.PIPE, text=True, check=False
        )
    if done.returncode & (CHANGED | INCOMPATIBLE):
        changes.append(done.stdout.strip())
    elif done.returncode:
        sys.exit(f"abi: abidiff failed with {done.returncode}: {done.stdout}")
    return changes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=Path, default=ROOT / "target/abi/release/liblifesign.so")
    parser.add_argument("--header", type=Path, default=ROOT / "include/lifesign.h")
    parser.add_argument("--descriptions", type=Path, default=HERE)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    for tool in ("abidw", "abidiff", "cc"):
        if not shutil.which(tool):
            sys.exit(f"abi: {tool} is missing; abidw and abidiff are in the package abigail-tools (libabigail)")
    library, values = described(asked.library), constants(asked.header)
    number = values["LIFESIGN_ABI_VERSION"]
    known, listed = (asked.descriptions / f"lifesign-{number}.{what}" for what in ("abi", "constants"))
    changes = noticed(known, listed, library, values)
    if changes and not (asked.write and not known.exists()):
        print("\n".join(changes))
        sys.exit(
            f"abi: a program that was linked with ABI {number} would notice that: raise LIFESIGN_ABI_VERSION, or take it back"
        )
    if asked.write:
        known.write_bytes(ET.tostring(library) + b"\n")
        listed.write_text("".join(f"{name} {value}\n" for name, value in values.items()))
    functions = len(library.findall(".//function-decl"))
    print(
        f"abi: {functions} functions and {len(values)} constants are as ABI {number} describes them"
        + ", and it is written" * asked.write
    )


if __name__ == "__main__":
    main()
