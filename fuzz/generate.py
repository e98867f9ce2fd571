"""Writes the ABI of ``lifesign.h`` as Rust: its declarations, and one call for each function, made up from a piece of the fuzzer's input.

Usage: generate.py > abi.rs

Functions are called by their place in ``functions.txt``, to which new ones are added at the end, so that inputs kept from
earlier still mean the same. A function that is missing there, or a parameter or field that no rule here knows, is an error:
nothing new in the header goes unfuzzed. What a function may answer is read from its comment: the codes after "Errors:", and
those of the functions it refers to.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "ffi-tests" / "c"))

from generate_abuse import ANSWERS, INFALLIBLE, KINDS, OPTIONAL, Field, Function, Header, Parameter, parse  # noqa: E402

HEADER = HERE.parent / "include" / "lifesign.h"

SCALARS = {
    "uint8_t": "u8",
    "uint32_t": "u32",
    "uint64_t": "u64",
    "int32_t": "i32",
    "int64_t": "i64",
    "size_t": "usize",
    "char": "c_char",
    "lifesign_result": "u32",
    "lifesign_status": "u32",
    **{f"lifesign_{kind}": "u64" for kind in KINDS},
}
# Structures that hold a handle, and of which kind; "any" is what one number may be in turn.
HANDLE_FIELDS = {
    "lifesign_check_spec.service": "Some(Kind::Service)",
    "lifesign_write.token": "Some(Kind::Token)",
    "lifesign_filter.handle": "None",
}
# What ends when the call succeeds: the handle that it was given first.
ENDS = {
    "engine_close",
    "service_deregister",
    "check_deregister",
    "check_deregister_force",
    "token_close",
    "unsubscribe",
    "claim_release",
}
# A closed one is right there.
DEAD_IS_RIGHT = {"token_join.old"}


def kind(name: str) -> str | None:
    """Return the kind of handle that a type stands for."""
    short = name.removeprefix("lifesign_")
    return f"Kind::{short.capitalize()}" if short in KINDS else None


def rust(ctype: str, *, pointer: bool = False, constant: bool = False, array: int = 0) -> str:
    """Return a type as Rust has it."""
    plain = SCALARS.get(ctype, ctype)
    if array:
        plain = f"[{plain}; {array}]"
    return f"*{'const' if constant else 'mut'} {plain}" if pointer else plain


def declarations(header: Header) -> str:
    """Return the structures and functions."""
    parts = []
    for name, fields in header.structures.items():
        # No structure has a pointer that is not const but for details.
        listed = "".join(
            f"    pub {each.name}: {rust(each.type, pointer=each.pointer, constant=each.type != 'lifesign_error', array=each.array)},\n"
            for each in fields
        )
        parts.append(f"#[repr(C)]\n#[derive(Clone, Copy)]\npub struct {name} {{\n{listed}}}\n")
    parts.append('unsafe extern "C" {\n    pub fn lifesign_abi_version() -> u32;')
    parts.append(
        "    pub fn lifesign_version() -> *const c_char;\n    pub fn lifesign_result_name(result: u32) -> *const c_char;\n"
        "    pub fn lifesign_status_name(status: u32) -> *const c_char;"
    )
    for function in fallible(header):
        parts.append(f"    pub fn {function.name}({', '.join(declared(each) for each in function.parameters)}) -> u32;")
    return "\n".join([*parts, "}\n"])


def declared(parameter: Parameter) -> str:
    """Return the declaration of a parameter."""
    shape = rust(parameter.type, pointer=parameter.pointer, constant=parameter.constant, array=parameter.array)
    return f"{parameter.name}: {shape}"


def fallible(header: Header) -> list[Function]:
    """Return the functions that can fail."""
    return [function for function in header.functions if function.name not in INFALLIBLE]


def fill(name: str, field: Field) -> str | None:
    """Return what gives a field of an input structure its value."""
    key, place = f"{name}.{field.name}", f"value.{field.name}"
    if field.name == "struct_size":
        return f"{place} = it.size(size_of::<{name}>());"
    if field.name == "reserved":
        return None
    if field.type == "lifesign_error":
        return f"{place} = it.detail();"
    if field.pointer:
        return f"{place} = it.pointed();"
    if key in HANDLE_FIELDS:
        return f"{place} = it.handle_field({HANDLE_FIELDS[key]});"
    if field.type == "lifesign_str":
        return f'let (ptr, len) = it.text("{field.name}");\n        {place} = lifesign_str {{ ptr, len }};'
    if field.array:
        return f"it.array(&mut {place});"
    if field.type in SCALARS:
        return f'{place} = it.number("{field.name}") as _;'
    raise SystemExit(f"no rule for the field {key}")


def inputs(header: Header) -> str:
    """Return how structures that are given are filled, those that they point to among them."""
    given = {
        each.type for function in fallible(header) for each in function.parameters if each.pointer and each.constant
    }
    given |= {"lifesign_write"}
    given |= {each.type for name in given for each in header.structures.get(name, []) if each.pointer}
    parts = []
    for name in sorted(given & set(header.structures) - {"lifesign_error", "lifesign_cursor"}):
        lines = [line for each in header.structures[name] if (line := fill(name, each))]
        body = "\n        ".join(lines)
        parts.append(
            f"impl Given for {name} {{\n    fn fill(value: &mut Self, it: &mut Call<'_>) {{\n        {body}\n    }}\n}}\n"
        )
    return "\n".join(parts)


def spans(header: Header, name: str, place: str) -> list[str]:
    """Return the spans of a structure, those of structures in it among them."""
    found = []
    for each in header.structures[name]:
        if each.type == "lifesign_span":
            found.append(f"({place}.{each.name}, {str(each.name != 'data').lower()})")
        elif each.type in header.structures and not each.pointer and not each.array:
            found += spans(header, each.type, f"{place}.{each.name}")
    return found


def outputs(header: Header) -> str:
    """Return where the texts of answers are."""
    taken = {
        each.type for function in fallible(header) for each in function.parameters if each.pointer and not each.constant
    }
    parts = []
    for name in sorted(taken & set(header.structures)):
        listed = ", ".join(spans(header, name, "self"))
        parts.append(
            f"impl Answer for {name} {{\n    const SIZED: bool = {str(header.structures[name][0].name == 'struct_size').lower()};\n"
            f"    fn spans(&self) -> Vec<(lifesign_span, bool)> {{\n        vec![{listed}]\n    }}\n}}\n"
        )
    return "\n".join(parts)


def prepare(function: Function, parameter: Parameter, previous: Parameter | None) -> str | None:
    """Return what makes up a parameter, or nothing if that of the one before it does."""
    name, ctype = parameter.name, parameter.type
    if parameter.kind:
        dead = "false" if f"{function.short}.{name}" in DEAD_IS_RIGHT else "true"
        return f"let {name} = it.handle({kind(ctype)}, {dead});"
    if name == "error":
        return "let error = it.error();"
    if function.is_text(parameter):
        return f'let ({name}, {name}_len) = it.text("{name}");'
    if function.is_size(parameter) and previous is not None and previous.pointer:
        return None
    if function.is_handles(parameter):
        return f"let ({name}, count) = it.handles({kind(ctype)});"
    if name in ANSWERS:
        return f'let {name} = it.answers("{name}", count);'
    if ctype == "lifesign_write":
        return f"let ({name}, count) = it.writes();"
    if function.is_buffer(parameter):
        after = function.after(parameter)
        assert after is not None
        return f'let ({name}, {after.name}) = it.places("{name}");'
    if parameter.pointer and parameter.constant:
        return f"let {name} = it.given({str(name in OPTIONAL).lower()});"
    if parameter.pointer and kind(ctype):
        return f"let {name} = it.fresh({kind(ctype)});"
    if parameter.pointer:
        return f'let {name} = it.out("{name}");'
    if ctype in SCALARS:
        return f'let {name} = it.number("{name}") as _;'
    raise SystemExit(f"{function.name}: no rule for {ctype} {name}")


def call(function: Function) -> str:
    """Return the call of one function."""
    lines, previous = [], None
    for parameter in function.parameters:
        if made := prepare(function, parameter, previous):
            lines.append(made)
        previous = parameter
    listed = ", ".join(each.name for each in function.parameters)
    ends = function.parameters[0].name if function.short in ENDS else "0"
    lines.append(
        "// SAFETY: every pointer is NULL or of the size that goes with it, and is kept for the length of the call."
    )
    lines.append(f"let result = unsafe {{ {function.name}({listed}) }};")
    lines.append(f"it.judge(result, {ends});")
    body = "\n    ".join(lines)
    return f"fn {function.short}(it: &mut Call<'_>) {{\n    {body}\n}}\n"


def codes(source: str) -> dict[str, int]:
    """Return the results by name."""
    listed = source[source.index("#define LIFESIGN_OK ") : source.index("#define LIFESIGN_STATUS_GONE")]
    return {name: int(code) for name, code in re.findall(r"#define LIFESIGN_(\w+) (\d+)", listed)}


def documented(source: str) -> dict[str, set[str]]:
    """Return the results that the comment of each function names, by itself or by reference."""
    names = set(codes(source))
    found = re.findall(r"/\*\*((?:(?!\*/).)*)\*/\s*(?:const )?\w+ \*?lifesign_(\w+)\(", source, flags=re.DOTALL)
    comments = {name: comment for comment, name in found}

    def of(name: str, seen: frozenset[str]) -> set[str]:
        text = comments[name]
        told = {word for word in re.findall(r"\b[A-Z][A-Z_]+\b", text) if word in names}
        for other in re.findall(r"(?:see|of|like|of\s+\*) `lifesign_(\w+)`", re.sub(r"\n \*", "", text)):
            if other in comments and other not in seen:
                told |= of(other, seen | {other})
        return told

    return {name: of(name, frozenset({name})) for name in comments}


def main() -> None:
    """Write everything."""
    source = HEADER.read_text()
    header = parse(source)
    numbers, told = codes(source), documented(source)
    order = (HERE / "functions.txt").read_text().split()
    declared_names = {function.short for function in header.functions}
    if missing := sorted(declared_names - set(order)):
        raise SystemExit(f"fuzz/functions.txt lacks {', '.join(missing)}: add it at the end")
    if gone := sorted(set(order) - declared_names) or len(order) != len(set(order)):
        raise SystemExit(f"fuzz/functions.txt names what the header does not, or twice: {gone}")
    infallible = {name.removeprefix("lifesign_") for name in INFALLIBLE}
    rows = []
    for name in order:
        mask = sum(1 << numbers[each] for each in told[name] if each not in ("OK", "INTERNAL"))
        run = "infallible" if name in infallible else name
        rows.append(f'    Function {{ name: "lifesign_{name}", documented: {mask:#x}, run: {run} }},')
    print("// Written by generate.py from lifesign.h.\n")
    for name, code in numbers.items():
        print(f"pub const {name}: u32 = {code};")
    print("pub static FUNCTIONS: &[Function] = &[", *rows, "];\n", sep="\n")
    print(declarations(header))
    print(inputs(header))
    print(outputs(header))
    print("\n".join(call(function) for function in fallible(header)))


if __name__ == "__main__":
    main()
