"""Writes reference/c.rst from the header, in groups, and turns its comments, which are Markdown, into what Sphinx reads."""

import re
from pathlib import Path

from hawkmoth.docstring import FunctionDocstring, MacroDocstring, StructDocstring, TypedefDocstring
from hawkmoth.parser import parse
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

HEADER = "lifesign.h"
PAGE = Path("reference") / "c.rst"
DIRECTIVES = {
    MacroDocstring: ("automacro", "macro"),
    TypedefDocstring: ("autotype", "type"),
    StructDocstring: ("autostruct", "struct"),
    FunctionDocstring: ("autofunction", "func"),
}
ORDER = ("type", "struct", "macro", "func")
# A name belongs to the first group that knows it; the last one, which takes what is left of the constants, is shown first.
GROUPS = {
    "Statuses": r"lifesign_status(_name)?|LIFESIGN_STATUS_\w+",
    "Engines": r"lifesign_(config|stats)|lifesign_engine(_(open|close|id|tick|audit|stats|node|node_status|services|checks))?"
    r"|LIFESIGN_(CLOCK_\w+|HISTORY_OFF)",
    "Services": r"lifesign_service(_(spec|view|register|find|redefine|deregister|status|snapshot))?",
    "Checks and aliases": r"lifesign_check(_(spec|register|find|redefine|deregister|deregister_force))?|LIFESIGN_KIND_\w+",
    "Reading": r"lifesign_snapshot|lifesign_check_(status|statuses|snapshot|snapshots)|LIFESIGN_FLAG_\w+",
    "Reading without a call": r"lifesign_(reader|read|\w+_reader)|LIFESIGN_WORD_\w+",
    "Writing": r"(?!lifesign_token_subscribe)lifesign_(acquire_spec|write|token(_\w+)?)|LIFESIGN_JOIN_\w+",
    "Who writes": r"lifesign_(record|who|writer|history_entry|check_who|check_writers|check_history|engine_record|engine_declare_writer)"
    r"|LIFESIGN_HISTORY_\w+",
    "Changes": r"lifesign_(cursor|filter|trouble|event|batch|\w*subscri\w+)|LIFESIGN_(EVENT|TROUBLE|FILTER)_\w+",
    "Restarts": r"lifesign_(restored|exported|engine_export|export_read)",
    "Claims": r"lifesign_(claim\w*|rival)",
    "Texts": r"lifesign_(str|span|text)",
    "The library": r"lifesign_(abi_)?version|LIFESIGN_ABI_VERSION",
    "Results and refusals": r"lifesign_(result|result_name|error)|LIFESIGN_[A-Z_]+",
}


def write_page(app: Sphinx) -> None:
    """Write the page anew if it is to say something else, and remember which role each name has."""
    header = Path(app.config.hawkmoth_root) / HEADER
    read, errors = parse(str(header), domain="c", clang_args=app.config._clang_args_post_c)
    if errors:
        raise ExtensionError(f"{header}: {errors[0].get_message()}")
    app.env.lifesign_roles = roles = {each.get_name(): DIRECTIVES[type(each)] for each in read}
    groups: dict[str, list[str]] = {title: [] for title in GROUPS}
    for name in roles:
        group = next((title for title, names in GROUPS.items() if re.fullmatch(names, name)), None)
        if group is None:
            raise ExtensionError(f"{header}: {name} is in no group of docs/extensions/c_header.py")
        groups[group].append(name)
    about = re.sub(r"^ \* ?", "", header.read_text().split("*/")[0], flags=re.MULTILINE).removeprefix("/* ")
    summary, rest = linked(app, about).split("\n\n", 1)
    lines = ["C: lifesign.h", "=============", "", summary, "", rest]
    lines += ["``make header`` makes ``include/lifesign.h`` from ``src/ffi``; C++ reads it too.", ""]
    *others, last = groups.items()
    for title, names in (last, *others):
        lines += [title, "-" * len(title), ""]
        for name in sorted(names, key=lambda name: ORDER.index(roles[name][1])):
            directive, _ = roles[name]
            lines += [f".. c:{directive}:: {name}", f"   :file: {HEADER}"]
            lines += ["   :members:"] * (directive == "autostruct") + [""]
    page, text = Path(app.srcdir) / PAGE, "\n".join(lines)
    if not page.exists() or page.read_text() != text:
        page.write_text(text)


def linked(app: Sphinx, comment: str) -> str:
    """Return a comment with its names as links: in backticks, `LIFESIGN_…` anywhere, and the words behind `Errors:`."""
    roles = app.env.lifesign_roles

    def link(name: str, shown: str) -> str:
        return f":c:{roles[name][1]}:`{shown} <{name}>`" if shown != name else f":c:{roles[name][1]}:`{name}`"

    def plain(text: str) -> str:
        before, errors, after = text.partition("Errors:")
        after = re.sub(
            r"\b[A-Z_]{4,}\b",
            lambda word: link(f"LIFESIGN_{word[0]}", word[0]) if f"LIFESIGN_{word[0]}" in roles else word[0],
            after,
        )
        found = re.sub(r"([*|\\])", r"\\\1", before) + errors + after
        return re.sub(r"(?<![`<])\b(LIFESIGN_[A-Z_]+|lifesign_\w+)\b(?![>`*])", lambda name: known(name[0]), found)

    def known(name: str) -> str:
        return link(name, name) if name in roles else name

    def quoted(text: str) -> str:
        return link(text, text) if text in roles else f"``{text}``"

    parts = re.split(r"`([^`]+)`", comment)
    # What stands behind `Errors:` may have quoted names in it, and goes on behind them.
    for at in range(0, len(parts), 2):
        late = at > 0 and "Errors:" in "".join(parts[:at:2])
        parts[at] = plain("Errors:" + parts[at]).removeprefix("Errors:") if late else plain(parts[at])
    parts[1::2] = map(quoted, parts[1::2])
    return "".join(parts)


def add_value(app: Sphinx, domain: str, kind: str, content: addnodes.desc_content) -> None:
    """Put the value of a constant behind its name, which alone is what Sphinx shows of a macro."""
    if (domain, kind) != ("c", "macro"):
        return
    signature = content.parent[0]
    header = (Path(app.config.hawkmoth_root) / HEADER).read_text()
    value = re.search(rf"^#define {signature.astext()} (.+)$", header, re.MULTILINE)
    if value:
        line = next(signature.findall(addnodes.desc_signature_line), signature)
        line += addnodes.desc_sig_space()
        line += addnodes.desc_sig_literal_number(value[1], value[1])


def link_comment(app: Sphinx, lines: list[str], *_: object) -> None:
    lines[:] = linked(app, "\n".join(lines)).split("\n")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write_page)
    app.connect("object-description-transform", add_value)
    app.connect("hawkmoth-process-docstring", link_comment)
    return {"parallel_read_safe": True}
