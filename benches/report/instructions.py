"""Instruction counts: compared with those committed, if compiler, C library and processor are the same."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .figures import BrokenInputError, Figure, Figures

UNIT = "instructions"
ALLOWED = 1.05
"""More than this times the committed count is a hot path that has grown."""

MADE_BY = {"rustc": "rustc", "libc": "libc", "cpu": "CPU"}
"""What the counts depend on, as the file calls it and as the machine's description does."""

HEAD = ("path", "instructions a call", "committed", "ratio", "verdict")

EXPLANATION = """\
Counted under valgrind, and compared with `benches/instructions.json`. A path that has grown by more than 5 % fails the run if
rustc, libc and CPU are those of the file; under others the counts are shown and not judged, since they are another program's."""


@dataclass(frozen=True)
class Growth:
    """One path: its count now, and the one committed."""

    id: str
    count: float | None
    committed: float | None
    judged: bool

    @property
    def ratio(self) -> float | None:
        """How many times the committed count it is."""
        return self.count / self.committed if self.count is not None and self.committed else None

    @property
    def failed(self) -> bool:
        """Whether it has grown by more than is allowed."""
        return self.judged and self.ratio is not None and self.ratio > ALLOWED


@dataclass(frozen=True)
class Committed:
    """The counts of the file, and what they were made by."""

    made_by: Mapping[str, str]
    counts: Mapping[str, float]

    def is_of(self, machine: Mapping[str, str]) -> bool:
        """Whether they can be compared with counts of ``machine``."""
        return all(self.made_by.get(name, "").removeprefix("rustc ") == machine[called] for name, called in MADE_BY.items())


def load(path: Path) -> Committed:
    """Read the committed counts."""
    if not path.exists():
        return Committed({}, {})
    try:
        known = json.loads(path.read_text())
        return Committed(dict(known["machine"]), dict(known["instructions"]))
    except (KeyError, TypeError, ValueError) as error:
        message = f"{path}: not the committed counts of instructions: {error!r}"
        raise BrokenInputError(message) from error


def path_of(figure: Figure) -> str:
    """Return which path was counted: of ``instructions-flip/lifesign`` it is ``flip``."""
    return figure.id.partition("/")[0].removeprefix("instructions-")


def compare(figures: Figures, committed: Committed, machine: Mapping[str, str]) -> list[Growth]:
    """Compare each path that was counted, and name those that were not."""
    judged = committed.is_of(machine)
    counted = {path_of(figure): figure.value for figure in figures if figure.unit == UNIT}
    return [
        Growth(path, counted.get(path), committed.counts.get(path), judged) for path in sorted(counted.keys() | committed.counts.keys())
    ]


def number(count: float | None, missing: str) -> str:
    """Return a count in words."""
    return missing if count is None else f"{count:,.1f}"


def lines(growths: Sequence[Growth]) -> list[tuple[str, ...]]:
    """Return the table's lines."""
    return [
        (
            growth.id,
            number(growth.count, "not measured"),
            number(growth.committed, "—"),
            "—" if growth.ratio is None else f"{growth.ratio:.3f} ×",
            verdict(growth),
        )
        for growth in growths
    ]


def verdict(growth: Growth) -> str:
    """Return what is said of a path."""
    if growth.count is None:
        return "not measured"
    if growth.committed is None:
        return "new"
    if not growth.judged:
        return "other rustc, libc or CPU"
    return "GROWN" if growth.failed else "met"
