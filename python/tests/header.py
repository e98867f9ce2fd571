"""Reads ``include/lifesign.h``: functions, structures and constants, as ctypes would declare them."""

import re
from ctypes import (
    POINTER,
    c_bool,
    c_char,
    c_char_p,
    c_int32,
    c_int64,
    c_size_t,
    c_uint8,
    c_uint32,
    c_uint64,
)
from functools import cache
from pathlib import Path
from typing import Any

from lifesign import _abi as abi

PATH = Path(__file__).resolve().parents[2] / "include" / "lifesign.h"

_SCALARS: dict[str, Any] = {
    "bool": c_bool,
    "char": c_char,
    "int32_t": c_int32,
    "int64_t": c_int64,
    "size_t": c_size_t,
    "uint8_t": c_uint8,
    "uint32_t": c_uint32,
    "uint64_t": c_uint64,
}


@cache
def text() -> str:
    """The header without comments and preprocessor lines."""
    source = re.sub(r"/\*.*?\*/|//[^\n]*", " ", PATH.read_text(), flags=re.DOTALL)
    return re.sub(r"^\s*#.*$", "", source, flags=re.MULTILINE)


@cache
def types() -> dict[str, Any]:
    """Every type name of the header; typedefs of scalars resolved, structures taken from the package's table."""
    known = {**_SCALARS, **abi.STRUCTURES}
    for target, names in re.findall(r"typedef\s+(\w+)\s+([\w\s,]+);", text()):
        for name in names.split(","):
            known[name.strip()] = known[target]
    return known


def ctype(declaration: str) -> Any:  # noqa: ANN401
    """The ctypes type of a C parameter or result, with or without its name."""
    array = re.fullmatch(r"(\w+)\s*\(\s*\*\s*\w*\s*\)\s*\[(\d+)\]", declaration.strip())
    if array:
        return POINTER(types()[array[1]] * int(array[2]))
    words = re.sub(r"\b(struct|enum)\b", " ", declaration).replace("*", " * ").split()
    constant = "const" in words
    words = [word for word in words if word != "const"]
    if "*" not in words:
        return types()[words[0]]
    if words[0] == "char":
        return c_char_p if constant else POINTER(c_char)
    return POINTER(types()[words[0]])


@cache
def functions() -> dict[str, tuple[Any, tuple[Any, ...]]]:
    """Every function: result type and parameter types."""
    found = {}
    for result, name, parameters in re.findall(r"([\w\s]+[\s*]+?)(lifesign_\w+)\s*\(([^;{}]*)\)\s*;", text()):
        listed = [] if parameters.strip() in ("", "void") else _split(parameters)
        found[name] = (ctype(result), tuple(ctype(parameter) for parameter in listed))
    return found


def _split(parameters: str) -> list[str]:
    return [parameter.strip() for parameter in parameters.split(",")]


@cache
def structures() -> dict[str, list[str]]:
    """Every structure: the names of its fields in order."""
    found = {}
    for tag, body, name in re.findall(r"typedef\s+struct\s*(\w*)\s*\{(.*?)\}\s*(\w+)\s*;", text(), flags=re.DOTALL):
        assert not tag or tag == name
        fields = []
        for declaration in filter(str.strip, body.split(";")):
            first, *others = declaration.split(",")
            fields += [re.findall(r"\w+", re.sub(r"\[\w+\]", "", part))[-1] for part in (first, *others)]
        found[name] = fields
    return found


@cache
def constants() -> dict[str, int]:
    """Every numeric constant, macro or enumerator."""
    source = re.sub(r"/\*.*?\*/|//[^\n]*", " ", PATH.read_text(), flags=re.DOTALL)
    macros = re.findall(r"^\s*#\s*define\s+(LIFESIGN_\w+)\s+\(?(\d+)U?L*\)?\s*$", source, flags=re.MULTILINE)
    enumerators = re.findall(r"\b(LIFESIGN_\w+)\s*=\s*(\d+)", source)
    widest = re.findall(r"^\s*#\s*define\s+(LIFESIGN_\w+)\s+UINT32_MAX\s*$", source, flags=re.MULTILINE)
    return {name: int(value) for name, value in macros + enumerators} | dict.fromkeys(widest, 2**32 - 1)
