"""Instruction counts: compared with those committed, if compiler, C library and processor are the same."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .figures import Figures

UNIT = "instructions"
ALLOWED = 1.05
"""More than this times the committed count is a hot path that has grown."""

MADE_BY = ("rustc", "libc", "CPU")

HEAD = ("path", "instructions", "committed", "ratio", "verdict")

EXPLANATION = """\
Counted under valgrind, and compared with `benches/instructions.toml`. A path that has grown by more than 5 % fails the run if
rustc, libc and CPU are those of the file; under others the counts are shown and not judged, since they are another program's."""


@dataclass(frozen=True)
class Growth:
    """One path: its count now, and the one committed."""

    id: str
    count: float
    committed: float | None
    judged: bool

    @property
    def failed(self) -> bool:
        """Whether it has grown by more than is allowed."""
        return self.judged and self.committed is not None and self.count > ALLOWED * self.committed


@dataclass(frozen=True)
class Committed:
    """The counts of the file, and what they were made by."""

    made_by: Mapping[str, str]
    counts: Mapping[str, int]

    def is_of(self, machine: Mapping[str, str]) -> bool:
        """Whether they can be compared with counts of ``machine``."""
        return all(self.made_by.get(name) == machine[name] for name in MADE_BY)


def load(path: Path) -> Committed:
    """Read the committed counts."""
    if not path.exists():
        return Committed({}, {})
    known = tomllib.loads(path.read_text())
    return Committed(known["made_by"], known["counts"])


def compare(figures: Figures, committed: Committed, machine: Mapping[str, str]) -> list[Growth]:
    """Compare each path that was counted."""
    judged = committed.is_of(machine)
    return [Growth(figure.id, figure.value, committed.counts.get(figure.id), judged) for figure in figures if figure.unit == UNIT]


def written(figures: Figures, machine: Mapping[str, str]) -> str:
    """Return the file that commits what was counted."""
    made_by = [f'{name} = "{machine[name]}"' for name in MADE_BY]
    counts = [f'"{figure.id}" = {figure.value:.0f}' for figure in figures if figure.unit == UNIT]
    head = "# Instructions of the hot paths under valgrind; written by `make bench-baseline`, compared by `make bench`."
    return "\n".join([head, "[made_by]", *made_by, "", "[counts]", *counts, ""])


def lines(growths: Sequence[Growth]) -> list[tuple[str, ...]]:
    """Return the table's lines."""
    return [
        (
            growth.id,
            f"{growth.count:,.0f}",
            "—" if growth.committed is None else f"{growth.committed:,.0f}",
            f"{growth.count / growth.committed:.3f} ×" if growth.committed else "—",
            verdict(growth),
        )
        for growth in growths
    ]


def verdict(growth: Growth) -> str:
    """Return what is said of a path."""
    if growth.committed is None:
        return "new"
    if not growth.judged:
        return "other rustc, libc or CPU"
    return "GROWN" if growth.failed else "met"
