"""The package's table, the header and the shared library say the same."""

import os
import subprocess
import sys
from ctypes import sizeof
from pathlib import Path

import pytest

import header
import lifesign
from lifesign import Code, EventKind, Status, _library
from lifesign import _abi as abi


def loaded() -> Path:
    return next(place for place in _library.candidates() if place.is_file())


def test_the_table_is_the_header() -> None:
    assert set(abi.FUNCTIONS) == set(header.functions())
    for name, signature in header.functions().items():
        assert abi.FUNCTIONS[name] == signature, name


def test_the_table_is_what_the_library_exports() -> None:
    listing = subprocess.run(
        ["nm", "-D", "--defined-only", "--format=posix", loaded()], check=True, capture_output=True, text=True
    )
    assert {line.split()[0] for line in listing.stdout.splitlines()} == set(abi.FUNCTIONS)


def test_every_function_has_its_signature_set() -> None:
    for name, (result, arguments) in abi.FUNCTIONS.items():
        function = getattr(_library.lib, name)
        assert (function.restype, tuple(function.argtypes)) == (result, arguments), name


def test_structures_have_the_compilers_layout(tmp_path: Path) -> None:
    assert {name: [field[0] for field in s._fields_] for name, s in abi.STRUCTURES.items()} == header.structures()
    lines = [f'#include "{header.PATH}"', "#include <stdio.h>", "int main(void) {"]
    expected = []
    for name, structure in abi.STRUCTURES.items():
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        expected.append(f"{name} {sizeof(structure)}")
        for field in header.structures()[name]:
            size = f"sizeof((({name} *)0)->{field})"
            lines.append(f'printf("{name}.{field} %zu %zu\\n", offsetof({name}, {field}), {size});')
            here = getattr(structure, field)
            expected.append(f"{name}.{field} {here.offset} {here.size}")
    source = tmp_path / "layout.c"
    source.write_text("\n".join([*lines, "return 0; }"]))
    subprocess.run(["cc", "-std=c11", source, "-o", tmp_path / "layout"], check=True)
    printed = subprocess.run([tmp_path / "layout"], check=True, capture_output=True, text=True)
    assert printed.stdout.splitlines() == expected


def test_constants_are_the_headers() -> None:
    mine = {name: value for name, value in vars(abi).items() if name.isupper() and isinstance(value, int)}
    mine |= {f"STATUS_{status.name}": status.value for status in Status}
    own = {EventKind.RESYNC, EventKind.RESET}
    mine |= {f"EVENT_{kind.name}": kind.value for kind in EventKind if kind not in own}
    assert {f"LIFESIGN_{name}": value for name, value in mine.items()} == header.constants()


def test_every_code_has_its_name_and_its_exception() -> None:
    for code in Code:
        assert _library.lib.lifesign_result_name(code) == code.name.encode()
        assert lifesign.errors.BY_CODE[code - 1].code is code
        assert getattr(lifesign, lifesign.errors.BY_CODE[code - 1].__name__)
    assert _library.lib.lifesign_result_name(max(Code) + 1) == b"UNKNOWN"


def test_versions() -> None:
    assert _library.lib.lifesign_abi_version() == abi.ABI_VERSION
    assert lifesign.library_version().count(".") == 2


def importing(library: Path) -> str:
    run = subprocess.run(
        [sys.executable, "-c", "import lifesign"],
        env={**os.environ, "LIFESIGN_LIBRARY": str(library), "PYTHONPATH": str(Path(lifesign.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    return run.stderr.splitlines()[-1]


def test_no_library_is_said_with_the_places(tmp_path: Path) -> None:
    assert importing(tmp_path / "none.so").startswith(f"ImportError: no liblifesign.so at {tmp_path}/none.so")


def test_a_file_that_is_no_library_is_said(tmp_path: Path) -> None:
    (tmp_path / "text.so").write_text("not a library")
    assert "text.so cannot be loaded" in importing(tmp_path / "text.so")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("int x;", "has no lifesign_abi_version"),
        ("unsigned lifesign_abi_version(void) { return 999; }", "has ABI version 999, this package needs 1"),
        ("unsigned lifesign_abi_version(void) { return 1; }", "has no lifesign_version"),
    ],
)
def test_another_library_is_said(tmp_path: Path, source: str, said: str) -> None:
    (tmp_path / "other.c").write_text(source)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / "other.so", tmp_path / "other.c"], check=True)
    assert said in importing(tmp_path / "other.so")
