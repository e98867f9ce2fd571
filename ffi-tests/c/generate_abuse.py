"""Generates a C program that calls every function of ``lifesign.h`` wrongly, in every way its signature allows.

Usage: generate_abuse.py include/lifesign.h > abuse.c

Each function is called rightly once, in a world of its own, so that the calls after it fail for the one thing that is
wrong with them: each handle zero, random, closed, stale, of another kind or another engine; each pointer NULL; each
``struct_size``, length, text, enumeration and flag out of its domain. The program asserts an error code with its
detail, untouched out-parameters and an unchanged engine. A parameter or field that no rule here knows is an error of
the generator: nothing new in the header goes untested.
"""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

KINDS = ("engine", "service", "check", "token", "subscription", "claim")
INFALLIBLE = {"lifesign_abi_version", "lifesign_version", "lifesign_result_name", "lifesign_status_name"}

# What a right call passes: by function and parameter, else by parameter.
VALID = {
    "service_deregister.service": "w->empty_service",
    "check_deregister.check": "w->free_check",
    "token_acquire.check": "w->free_check",
    "token_join.self": "w->live[TOKEN]",
    "token_join.old": "w->fenced_token",
    "service_find.id": '"web"',
    "check_find.id": '"web:http"',
    "claim_open.name": '"abuse"',
    "dir": "CLAIMS",
    "flags": "LIFESIGN_JOIN_CALLS_ONLY",
    "timeout_ms": "0",
    "status": "LIFESIGN_STATUS_WARNING",
    "record_id": "1",
    "path": "export_path()",
    "expected_generation": "w->generation",
    "wall_ns": "1",
    "boot_ns": "1",
    "label": '"abuse"',
    "output": '"fine"',
}

# Structures that go in: fields of a right one, by function, else by type.
GIVEN = {
    "lifesign_config": ['.name = { "abuse", 5 }'],
    "lifesign_service_spec": ['.id = { "new", 3 }', '.name = { "New", 3 }', '.data = { "\\0\\xff", 2 }'],
    "lifesign_check_spec": [
        ".kind = LIFESIGN_KIND_ALIAS_SERVICE",
        ".service = w->live[SERVICE]",
        '.id = { "new", 3 }',
        '.target = { "empty", 5 }',
    ],
    "lifesign_filter": [".scope = LIFESIGN_FILTER_SERVICE", ".handle = w->live[SERVICE]"],
    "lifesign_acquire_spec": [
        ".on_lapse = LIFESIGN_STATUS_CRITICAL",
        ".lease_ms = 1000",
        ".declared = w->declared",
        '.label = { "abuse", 5 }',
    ],
    "lifesign_record": ['.machine = "peer"', '.name = "other"', '.label = "remote"'],
    "lifesign_restored": [".status = LIFESIGN_STATUS_WARNING", ".since_ns = 1", '.output = { "as it was", 9 }'],
    "lifesign_cursor": [".engine_id = { 0 }"],
    # The same as the world's check shows: writing it again changes nothing.
    "lifesign_write": [
        ".token = w->live[TOKEN]",
        ".status = LIFESIGN_STATUS_PASSING",
        '.output = { "fine", 4 }',
        ".result = LIFESIGN_INTERNAL",
        ".revision = NO_REVISION",
    ],
    "service_redefine": ['.id = { "web", 3 }', '.name = { "Web", 3 }'],
    "check_redefine": [".service = w->live[SERVICE]", '.id = { "web:http", 8 }', '.name = { "HTTP", 4 }'],
}

# Fields whose wrong values are refused; a kind stands for every bad handle of it.
WRONG_FIELDS = {
    "lifesign_config.clock": ["2", "UINT32_MAX"],
    "lifesign_check_spec.kind": ["3", "UINT32_MAX"],
    "lifesign_check_spec.initial": ["4", "UINT32_MAX"],
    "lifesign_filter.scope": ["5", "UINT32_MAX"],
    "lifesign_filter.min_status": ["4", "UINT32_MAX"],
    "lifesign_acquire_spec.on_lapse": ["1", "4", "UINT32_MAX"],
    "lifesign_acquire_spec.lease_ms": ["UINT64_MAX"],
    "lifesign_acquire_spec.declared": ["1", "w->state.writer", "UINT32_MAX"],
    "lifesign_restored.status": ["0", "4", "UINT32_MAX"],
    "lifesign_cursor.position": ["UINT64_MAX"],
    "lifesign_write.status": ["0", "4", "UINT32_MAX"],
}
# What must be so for the field to be looked at.
BEFORE_FIELD = {
    "lifesign_check_spec.initial": "{name}.kind = LIFESIGN_KIND_CHECK; {name}.target.len = 0; ",
    "lifesign_check_spec.restored": "{name}.kind = LIFESIGN_KIND_CHECK; {name}.target.len = 0; ",
    "lifesign_cursor.position": "memcpy({name}.engine_id, w->cursor.engine_id, sizeof {name}.engine_id); ",
}
HANDLE_FIELDS = {
    "lifesign_check_spec.service": "service",
    "lifesign_filter.handle": "service",
    "lifesign_write.token": "token",
}
# Fields that are right whatever they are: quotas, what is not looked at, and what is only kept.
FREE_FIELDS = {"reserved", "summary", "transitions_only", "history", "since_ns", "engine_id", "result", "revision"}
FREE_FIELDS |= {"id", "process_uuid", "boot_id", "pid", "process_start", "pid_namespace", "declared"}
FREE_PREFIXES = ("max_",)
# Structures of which the caller gives several, to be filled in.
ARRAYS = {"lifesign_write"}
# Arrays that are filled with one answer for each handle given, and where in an answer its status is.
ANSWERS = {"statuses": "", "snapshots": ".status"}
COUNT = 3
# Zero is a right service handle there: the node.
ZERO_IS_RIGHT = {"lifesign_check_spec.service"}

WRONG_SCALARS = {
    "status": ["0", "4", "UINT32_MAX"],
    "flags": ["2", "UINT32_MAX"],
    "record_id": ["UINT32_MAX"],
    "expected_generation": ["0", "UINT64_MAX"],
    "timeout_ms": [],
    "wall_ns": [],
    "boot_ns": [],
}
OPTIONAL = {"config", "filter", "how", "error"}
# A closed token may be joined: that it is closed is the answer.
DEAD_IS_RIGHT = {"token_join.old"}
# Texts that may be empty, and those whose length nobody minds: a prefix that matches nothing, a state that a redefinition leaves alone.
MAY_BE_EMPTY = {"label", "output", "name", "data", "prefix", "version", "build"}
NOT_EMPTY = {"claim_open.name"}
MAY_BE_LONG = {"prefix", "check_redefine.output"}
# Texts that are bytes: any contents are right.
BYTES = {"data", "path"}
# Paths at which there is no export and can be none.
WRONG_PATHS = {
    "engine_export": ['"/nowhere/at/all"', "export_folder()", '"/proc/export.json"'],
    "export_read": ['"/nowhere/at/all"', "export_folder()", '"/proc/self/exe"', '"/dev/null"'],
}


@dataclass
class Parameter:
    """One parameter of a function."""

    type: str
    name: str
    constant: bool
    pointer: bool
    array: int = 0

    @property
    def kind(self) -> str | None:
        """Which handle it is, if one and passed by value."""
        kind = self.type.removeprefix("lifesign_")
        return kind if not self.pointer and kind in KINDS else None


@dataclass
class Function:
    """One function of the header."""

    name: str
    parameters: list[Parameter]

    @property
    def short(self) -> str:
        """Its name without the prefix."""
        return self.name.removeprefix("lifesign_")

    def after(self, parameter: Parameter) -> Parameter | None:
        """The parameter that follows."""
        index = self.parameters.index(parameter) + 1
        return self.parameters[index] if index < len(self.parameters) else None

    def is_buffer(self, parameter: Parameter) -> bool:
        """Whether it is a buffer of the caller's, its capacity after it."""
        after = self.after(parameter)
        return parameter.pointer and not parameter.constant and after is not None and after.name.endswith("cap")

    def is_text(self, parameter: Parameter) -> bool:
        """Whether it is a text, its length after it."""
        return parameter.pointer and parameter.constant and parameter.type == "char"

    def is_handles(self, parameter: Parameter) -> bool:
        """Whether it is an array of handles, their count after it."""
        kind = parameter.type.removeprefix("lifesign_")
        return parameter.pointer and parameter.constant and kind in KINDS

    def is_size(self, parameter: Parameter) -> bool:
        """Whether it is the length or capacity of the parameter before it."""
        return parameter.type == "size_t" and not parameter.pointer


@dataclass
class Field:
    """One field of a structure."""

    type: str
    name: str
    pointer: bool
    array: int


@dataclass
class Header:
    """What the header declares."""

    functions: list[Function] = field(default_factory=list)
    structures: dict[str, list["Field"]] = field(default_factory=dict)


def parse_parameter(text: str) -> Parameter:
    """Parse one parameter declaration."""
    constant = bool(re.search(r"\bconst\b", text))
    text = re.sub(r"\b(const|struct|enum)\b", " ", text)
    array = re.fullmatch(r"\s*(\w+)\s*\(\s*\*\s*(\w+)\s*\)\s*\[(\d+)\]\s*", text)
    if array:
        return Parameter(array[1], array[2], constant, pointer=True, array=int(array[3]))
    words = re.findall(r"\w+", text)
    return Parameter(words[0], words[-1], constant, pointer="*" in text)


def parse(source: str) -> Header:
    """Parse the functions and structures of the header."""
    source = re.sub(r"/\*.*?\*/|//[^\n]*", " ", source, flags=re.DOTALL)
    source = re.sub(r"^\s*#.*$", "", source, flags=re.MULTILINE)
    header = Header()
    for body, name in re.findall(r"typedef\s+struct\s*\w*\s*\{(.*?)\}\s*(\w+)\s*;", source, flags=re.DOTALL):
        fields = []
        for declaration in filter(str.strip, body.split(";")):
            words = re.findall(r"\w+", re.sub(r"\[\w+\]|\bconst\b|\bstruct\b", " ", declaration))
            if len(words) != 2:
                raise SystemExit(f"{name}: not one field: {declaration.strip()}")
            length = re.search(r"\[(\d+)\]", declaration)
            fields.append(Field(words[0], words[1], pointer="*" in declaration, array=int(length[1]) if length else 0))
        header.structures[name] = fields
    for name, listed in re.findall(r"\b(lifesign_\w+)\s*\(([^;{}]*)\)\s*;", source):
        given = [] if listed.strip() in ("", "void") else listed.split(",")
        header.functions.append(Function(name, [parse_parameter(parameter) for parameter in given]))
    return header


class Writer:
    """Writes the abuse of one function."""

    def __init__(self, header: Header, function: Function) -> None:
        """Writes for this function of this header."""
        self.header = header
        self.function = function
        self.lines: list[str] = []

    def has_size(self, parameter: Parameter) -> bool:
        """Whether it points to a structure that says its size."""
        fields = self.header.structures.get(parameter.type, [])
        return bool(fields) and fields[0].name == "struct_size"

    def valid(self, name: str) -> str | None:
        """What a right call passes for a parameter."""
        return VALID.get(f"{self.function.short}.{name}", VALID.get(name))

    def may_be_empty(self, name: str) -> bool:
        """Whether a text of this name is right without a byte in it."""
        return name in MAY_BE_EMPTY and f"{self.function.short}.{name}" not in NOT_EMPTY

    def given(self, ctype: str) -> str:
        """A right structure of a type that goes in, as a compound literal."""
        given = GIVEN.get(ctype)
        if ctype.endswith("_spec"):
            given = GIVEN.get(self.function.short, given)
        if given is None:
            raise SystemExit(f"{self.function.name}: no right value for a {ctype}")
        sized = [f".struct_size = sizeof({ctype})"] if self.header.structures[ctype][0].name == "struct_size" else []
        return f"({ctype}){{ {', '.join([*sized, *given])} }}"

    def declare(self, parameter: Parameter, previous: Parameter | None) -> list[str]:
        """Declare a variable of the parameter's name with a right value."""
        name, ctype = parameter.name, parameter.type
        valid = self.valid(name)
        if parameter.kind:
            return [f"uint64_t {name} = {valid or f'w->live[{parameter.kind.upper()}]'};"]
        if name == "error":
            return [
                "lifesign_error error_value; pattern(&error_value, sizeof error_value);",
                "error_value.struct_size = sizeof error_value; lifesign_error *error = &error_value;",
            ]
        if self.function.is_text(parameter):
            if valid is None:
                raise SystemExit(f"{self.function.name}: no right value for the text {name}")
            return [f"const char *{name} = {valid};"]
        if self.function.is_size(parameter):
            if previous is None:
                raise SystemExit(f"{self.function.name}: what is {name} the size of?")
            if self.function.is_text(previous):
                return [f"size_t {name} = strlen({previous.name});"]
            return [f"size_t {name} = sizeof {previous.name}_value / sizeof {previous.name}_value[0];"]
        if ctype in ARRAYS:
            return [
                f"{ctype} {name}_value[{COUNT}], {name}_before[{COUNT}], *{name} = {name}_value;",
                f"for (int i = 0; i < {COUNT}; i++) {name}_value[i] = {self.given(ctype)};",
            ]
        if self.function.is_handles(parameter):
            live = f"w->live[{ctype.removeprefix('lifesign_').upper()}]"
            listed = ", ".join([live] * COUNT)
            return [f"{ctype} {name}_value[{COUNT}] = {{ {listed} }}; const {ctype} *{name} = {name}_value;"]
        if name in ANSWERS:
            return [
                f"{ctype} {name}_value[{COUNT}], {name}_before[{COUNT}], *{name} = {name}_value;",
                f"pattern({name}_value, sizeof {name}_value);",
            ]
        if self.function.is_buffer(parameter):
            size = 65536 if ctype == "char" else 16
            lines = [f"static {ctype} {name}_value[{size}], {name}_before[{size}];"]
            lines += [f"pattern({name}_value, sizeof {name}_value); {ctype} *{name} = {name}_value;"]
            if self.has_size(parameter):
                lines.append(f"for (int i = 0; i < {size}; i++) {name}_value[i].struct_size = sizeof {name}_value[i];")
            if ctype == "lifesign_event":
                lines.append(
                    f"for (int i = 0; i < {size}; i++) {name}_value[i].state.struct_size = sizeof(lifesign_snapshot);"
                )
            return lines
        if parameter.pointer and parameter.constant:
            return [f"{ctype} {name}_value = {self.given(ctype)};", f"const {ctype} *{name} = &{name}_value;"]
        if parameter.pointer:
            if parameter.array:
                return [
                    f"{ctype} {name}_value[{parameter.array}], {name}_before[{parameter.array}];",
                    f"pattern({name}_value, sizeof {name}_value);",
                    f"{ctype} (*{name})[{parameter.array}] = &{name}_value;",
                ]
            lines = [f"{ctype} {name}_value, {name}_before; pattern(&{name}_value, sizeof {name}_value);"]
            if self.has_size(parameter):
                lines.append(f"{name}_value.struct_size = sizeof {name}_value;")
            return [*lines, f"{ctype} *{name} = &{name}_value;"]
        if valid is None:
            raise SystemExit(f"{self.function.name}: no right value for {ctype} {name}")
        return [f"{ctype} {name} = {valid};"]

    def outs(self) -> list[Parameter]:
        """The parameters that the function writes."""
        return [p for p in self.function.parameters if p.pointer and not p.constant and p.name != "error"]

    def written_on_failure(self, out: Parameter) -> str:
        """The statement that allows for what a refusal may write: a needed size."""
        name, few = out.name, "result == LIFESIGN_BUFFER_TOO_SMALL"
        if out.type == "size_t":
            return f"if ({few}) {name}_before = {name}_value;"
        if out.type == "lifesign_service_view":
            return f"if ({few}) {name}_before.checks = {name}_value.checks;"
        if out.type == "lifesign_batch":
            return f"if ({few}) {name}_before.bytes = {name}_value.bytes;"
        return ""

    def call(self, what: str, change: str, verdict: str, loop: str = "") -> None:
        """Write one call: right but for ``change``, and what must come of it."""
        out = self.lines.append
        out("    {")
        out(f'        const char *what = "{what}";')
        previous = None
        for parameter in self.function.parameters:
            for line in self.declare(parameter, previous):
                out(f"        {line}")
            previous = parameter
        if loop:
            out(f"        {loop} {{")
        if change:
            out(f"        {change}")
        for parameter in self.outs():
            out(f"        memcpy(&{parameter.name}_before, &{parameter.name}_value, sizeof {parameter.name}_value);")
        arguments = ", ".join(parameter.name for parameter in self.function.parameters)
        out(f"        lifesign_result result = {self.function.name}({arguments});")
        if verdict.startswith("refused"):
            out(f'        refused("{self.function.name}", what, result, error);')
            for parameter in self.outs():
                name = parameter.name
                if verdict.startswith("refused at "):
                    out(
                        f'        only_one_refused("{self.function.name}", what, result, {name}_value, '
                        f"{COUNT}, {verdict.removeprefix('refused at ')});"
                    )
                    continue
                if allowed := self.written_on_failure(parameter):
                    out(f"        {allowed}")
                out(
                    f'        untouched("{self.function.name}", what, "{name}", &{name}_value, &{name}_before, '
                    f"sizeof {name}_value);"
                )
            out(f'        unchanged("{self.function.name}", what, w);')
        elif verdict.startswith("gone at "):
            out(f'        succeeded("{self.function.name}", what, result, error);')
            for answers in (parameter.name for parameter in self.outs() if parameter.name in ANSWERS):
                out(
                    f'        only_one_gone("{self.function.name}", what, &{answers}_value[0]{ANSWERS[answers]}, '
                    f"sizeof {answers}_value[0], {COUNT}, {verdict.removeprefix('gone at ')});"
                )
            out(f'        unchanged("{self.function.name}", what, w);')
        elif verdict == "survived":
            out(f'        survived("{self.function.name}", what, result);')
        else:
            out(f'        succeeded("{self.function.name}", what, result, error);')
        if not verdict.startswith("refused") and self.function.name == "lifesign_engine_open":
            out("        if (result == LIFESIGN_OK) lifesign_engine_close(engine_value, NULL);")
        if loop:
            out("        }")
        out("    }")

    def in_a_world_of_its_own(self, what: str, change: str, verdict: str) -> None:
        """Write one call that may succeed, and so may change the world."""
        # One world at a time: each claims the same names.
        self.lines.append("    { bool within = w != NULL; if (within) world_close(w); w = world_open();")
        self.call(what, change, verdict)
        self.lines.append("    world_close(w); w = within ? world_open() : NULL; }")

    def wrong_text(self, what: str, pointer: str, length: str, name: str, verdict: str = "refused") -> None:
        """Write the calls with a wrong text."""
        self.call(f"{what} NULL with a length", f"{pointer} = NULL; {length} = 4;", verdict)
        self.call(f"{what} of SIZE_MAX bytes", f"{pointer} = tiny; {length} = SIZE_MAX;", verdict)
        self.call(f"{what} of SIZE_MAX / 2 bytes", f"{pointer} = tiny; {length} = SIZE_MAX / 2;", verdict)
        if name not in BYTES:
            self.call(f"{what} not UTF-8", f"{pointer} = not_utf8; {length} = sizeof not_utf8;", verdict)
        if not self.may_be_empty(name):
            self.call(f"{what} empty", f"{length} = 0;", verdict)
        if not MAY_BE_LONG & {name, f"{self.function.short}.{name}"}:
            self.call(f"{what} of 1 MiB", f"{pointer} = mebibyte; {length} = sizeof mebibyte;", verdict)
        if name == "path":
            self.call(f"{what} with a NUL", f'{pointer} = "a\\0b"; {length} = 3;', verdict)
            for path in WRONG_PATHS[self.function.short]:
                said = path.replace('"', "")
                self.call(f"{what} {said}", f"{pointer} = {path}; {length} = strlen({pointer});", verdict)

    def wrong_structure(
        self, ctype: str, name: str, value: str, *, before: str = "", verdict: str = "refused", sizes: str = "refused"
    ) -> None:
        """Write the calls with a wrong field of a structure that goes in: ``value``, after the statements ``before``."""
        for each in self.header.structures[ctype]:
            key, what, place = f"{ctype}.{each.name}", f"{name}->{each.name}", f"{value}.{each.name}"
            first = before + BEFORE_FIELD.get(key, "").format(name=value)
            if each.name == "struct_size":
                self.wrong_size(what, place, first, sizes)
            elif each.type == "lifesign_error":
                self.wrong_detail(what, value, sizes, verdict)
            elif each.pointer:
                self.wrong_pointed(each, what, place, first)
            elif key in HANDLE_FIELDS:
                kind = HANDLE_FIELDS[key].upper()
                zero = key not in ZERO_IS_RIGHT
                self.bad_handles(what, place, kind, dead=True, zero=zero, verdict=verdict)
                if verdict == "refused":
                    self.call(f"{what} of another engine", f"{place} = w->foreign[{kind}];", verdict)
            elif each.type == "lifesign_str":
                # A text that the kind of check does not use is not looked at, or refused: the right one uses them all.
                if each.name == "prefix":
                    first += f"{value}.scope = LIFESIGN_FILTER_PREFIX; {value}.handle = 0; "
                if not (self.function.short == "check_redefine" and each.name == "target"):
                    self.wrong_text(what, f"{first}{place}.ptr", f"{place}.len", each.name, verdict)
            elif each.type == "char" and each.array:
                self.call(f"{what} without a NUL", f"{first}memset({place}, 'x', sizeof {place});", verdict)
                self.call(f"{what} not UTF-8", f"{first}memcpy({place}, not_utf8, sizeof not_utf8);", verdict)
            elif key in WRONG_FIELDS:
                for wrong in WRONG_FIELDS[key]:
                    self.call(f"{what} {wrong}", f"{first}{place} = {wrong};", verdict)
            elif each.name not in FREE_FIELDS and not each.name.startswith(FREE_PREFIXES):
                raise SystemExit(f"no rule for the field {key}")

    def wrong_pointed(self, pointer: Field, what: str, place: str, before: str) -> None:
        """Write the calls with a structure that another one points to, which may be NULL: a right one, and wrong ones."""
        pointed = f"pointed_{pointer.name}"
        given = f"{before}{pointer.type} {pointed} = {self.given(pointer.type)}; {place} = &{pointed}; "
        self.in_a_world_of_its_own(f"{what} given", given, "succeeded")
        self.wrong_structure(pointer.type, what, pointed, before=given)

    def wrong_detail(self, what: str, value: str, sizes: str, verdict: str) -> None:
        """Write the calls with a place for the detail of one structure's own refusal: of a wrong size, and right."""
        given = f"lifesign_error detail = {{ 0 }}; {value}.detail = &detail; "
        self.wrong_size(what, "detail.struct_size", given, sizes)
        self.call(f"{what} given", f"{given}detail.struct_size = sizeof detail; {value}.token = 0;", verdict)

    def wrong_array(self, parameter: Parameter) -> None:
        """Write the calls with one wrong structure among several: it alone is refused, but none is looked at if one says another size."""
        name = parameter.name
        self.call(f"{name} NULL with a count", f"{name} = NULL;", "refused")
        self.call(f"{name} NULL without a count", f"{name} = NULL; count = 0;", "succeeded")
        for at in range(COUNT):
            self.wrong_structure(parameter.type, f"{name}[{at}]", f"{name}_value[{at}]", verdict=f"refused at {at}")
        for at in range(COUNT):
            both = f"{name}_value[{at}].token = 0; {name}_value[{(at + 1) % COUNT}].struct_size = 0;"
            self.call(f"{name}[{at}] wrong and the next without a size", both, "refused")

    def wrong_handles(self, parameter: Parameter) -> None:
        """Write the calls with one bad handle among several: it alone is answered as gone. Other engines' are as good."""
        name, kind = parameter.name, parameter.type.removeprefix("lifesign_").upper()
        self.call(f"{name} NULL with a count", f"{name} = NULL;", "refused")
        self.call(f"{name} NULL without a count", f"{name} = NULL; count = 0;", "succeeded")
        for at in range(COUNT):
            self.bad_handles(f"{name}[{at}]", f"{name}_value[{at}]", kind, dead=True, verdict=f"gone at {at}")
        self.call(f"{name}[0] of another engine", f"{name}_value[0] = w->foreign[{kind}];", "succeeded")

    def wrong_size(self, what: str, place: str, before: str, verdict: str) -> None:
        """Write the calls with a wrong ``struct_size``."""
        for size in ("0", "1", "3", "4", "UINT32_MAX"):
            self.call(f"{what} {size}", f"{before}{place} = {size};", verdict)

    def bad_handles(
        self, what: str, place: str, kind: str, *, dead: bool, zero: bool = True, verdict: str = "refused"
    ) -> None:
        """Write the calls with each bad handle of a kind."""
        first = 0 if zero else 1
        loop = (
            f"uint64_t bad[BAD_HANDLES]; size_t bads = bad_handles(w, {kind}, {str(dead).lower()}, bad); "
            f"for (size_t n = {first}; n < bads; n++)"
        )
        self.call(f"{what} bad", f"{place} = bad[n];", verdict, loop)

    def wrong(self, parameter: Parameter, previous: Parameter | None) -> None:
        """Write every wrong call that one parameter allows."""
        name, function = parameter.name, self.function
        if parameter.kind:
            key = f"{function.short}.{name}"
            self.bad_handles(name, name, parameter.kind.upper(), dead=key not in DEAD_IS_RIGHT)
            if previous is not None:
                self.call(f"{name} of another engine", f"{name} = w->foreign[{parameter.kind.upper()}];", "refused")
        elif name in OPTIONAL:
            self.in_a_world_of_its_own(f"{name} NULL", f"{name} = NULL;", "succeeded")
            if name != "error":
                self.lines.append("    w = world_open();")
                self.wrong_structure(parameter.type, name, f"{name}_value")
                self.lines.append("    world_close(w); w = NULL;")
            else:
                for size in ("0", "4", "UINT32_MAX"):
                    change = f"error_value.struct_size = {size};"
                    self.in_a_world_of_its_own(f"error->struct_size {size}", change, "survived")
        elif function.is_text(parameter):
            after = function.after(parameter)
            assert after is not None
            self.wrong_text(name, name, after.name, name)
        elif function.is_buffer(parameter):
            after = function.after(parameter)
            assert after is not None
            self.call(f"{name} NULL with a capacity", f"{name} = NULL;", "refused")
            self.call(f"{after.name} 0", f"{after.name} = 0;", "refused")
            self.call(f"{name} NULL without capacity", f"{name} = NULL; {after.name} = 0;", "refused")
        elif function.is_size(parameter):
            pass
        elif parameter.type in ARRAYS:
            self.wrong_array(parameter)
        elif function.is_handles(parameter):
            self.wrong_handles(parameter)
        elif name in ANSWERS:
            self.call(f"{name} NULL with a count", f"{name} = NULL;", "refused")
            self.call(f"{name} NULL without a count", f"{name} = NULL; count = 0;", "succeeded")
        elif parameter.pointer:
            self.call(f"{name} NULL", f"{name} = NULL;", "refused")
            if parameter.constant:
                self.wrong_structure(parameter.type, name, f"{name}_value")
            elif self.has_size(parameter):
                self.wrong_size(f"{name}->struct_size", f"{name}_value.struct_size", "", "refused")
        elif name in WRONG_SCALARS:
            for value in WRONG_SCALARS[name]:
                self.call(f"{name} {value}", f"{name} = {value};", "refused")
        else:
            raise SystemExit(f"{function.name}: no rule for {parameter.type} {name}")

    def write(self) -> str:
        """Write the function that abuses this one."""
        self.lines = [f"static void abuse_{self.function.short}(void)", "{", "    struct world *w = NULL;"]
        self.in_a_world_of_its_own("nothing wrong", "", "succeeded")
        for parameter in self.function.parameters:
            if self.function.is_text(parameter) and self.may_be_empty(parameter.name):
                empty = f"{parameter.name} = NULL; {parameter.name}_len = 0;"
                self.in_a_world_of_its_own(f"{parameter.name} NULL and empty", empty, "succeeded")
            if self.function.is_size(parameter):
                endless = f"{parameter.name} = SIZE_MAX;"
                if parameter.name.endswith("cap"):
                    self.in_a_world_of_its_own(f"{parameter.name} SIZE_MAX", endless, "survived")
        previous = None
        optional = [p for p in self.function.parameters if p.name in OPTIONAL]
        self.lines.append("    w = world_open();")
        for parameter in self.function.parameters:
            if parameter not in optional:
                self.wrong(parameter, previous)
            previous = parameter
        self.lines.append("    world_close(w); w = NULL;")
        for parameter in optional:
            self.wrong(parameter, None)
        return "\n".join([*self.lines, "}", ""])


INFALLIBLE_CALLS = """static void abuse_infallible(void)
{
    if (lifesign_abi_version() != LIFESIGN_ABI_VERSION || lifesign_version()[0] == '\\0')
        exit(EXIT_FAILURE);
    for (uint32_t code = 0; code < 1000; code++)
        if (lifesign_result_name(code)[0] == '\\0')
            exit(EXIT_FAILURE);
    if (strcmp(lifesign_result_name(UINT32_MAX), "UNKNOWN") != 0)
        exit(EXIT_FAILURE);
    if (strcmp(lifesign_status_name(LIFESIGN_STATUS_GONE), "gone") != 0 || strcmp(lifesign_status_name(LIFESIGN_STATUS_PASSING), "passing") != 0
        || strcmp(lifesign_status_name(LIFESIGN_STATUS_WARNING), "warning") != 0
        || strcmp(lifesign_status_name(LIFESIGN_STATUS_CRITICAL), "critical") != 0
        || strcmp(lifesign_status_name(4), "unknown") != 0 || strcmp(lifesign_status_name(UINT32_MAX), "unknown") != 0)
        exit(EXIT_FAILURE);
}
"""


def generate(header: Header) -> str:
    """Return the whole program."""
    names = {function.name for function in header.functions}
    if not names >= INFALLIBLE:
        raise SystemExit(f"the header lacks {INFALLIBLE - names}")
    fallible = [function for function in header.functions if function.name not in INFALLIBLE]
    parts = ['#include "world.h"\n', INFALLIBLE_CALLS]
    parts += [Writer(header, function).write() for function in fallible]
    calls = "\n".join(f"    abuse_{function.short}();" for function in fallible)
    parts.append(
        "int main(void)\n{\n    memset(mebibyte, 'm', sizeof mebibyte);\n    abuse_infallible();\n"
        f'{calls}\n    printf("%lu calls refused in {len(names)} functions\\n", refusals);\n'
        "    return EXIT_SUCCESS;\n}"
    )
    return "\n".join(parts)


if __name__ == "__main__":
    print(generate(parse(Path(sys.argv[1]).read_text())))
