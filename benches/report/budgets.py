"""The budgets: which figure is compared with which, and the limit; read from ``budgets.toml``."""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from .figures import BrokenInputError


class Comparison(StrEnum):
    """What a budget asks for."""

    RATIO_AT_MOST = "ratio_at_most"
    RATIO_AT_LEAST = "ratio_at_least"
    AT_MOST = "at_most"
    OWN = "own"


@dataclass(frozen=True)
class Term:
    """A figure, so many times."""

    id: str
    times: float = 1.0


@dataclass(frozen=True)
class Part:
    """One comparison of a row; ``baseline`` is a sum, empty where there is nothing to compare with."""

    name: str
    subject: str
    unit: str
    baseline: tuple[Term, ...]
    comparison: Comparison
    limit: float | None
    per: float
    cores: int
    note: str

    def ids(self) -> set[str]:
        """Return the ids that it names."""
        return {self.subject} | {term.id for term in self.baseline}


@dataclass(frozen=True)
class Row:
    """One row of the budgets: its text, and its comparisons."""

    what: str
    budget: str
    parts: tuple[Part, ...]


def load(path: Path) -> list[Row]:
    """Read the budgets, and refuse what would not be judged as it was meant."""
    with path.open("rb") as file:
        try:
            known = tomllib.load(file)
        except tomllib.TOMLDecodeError as error:
            message = f"{path}: {error}"
            raise BrokenInputError(message) from error
    return [row_of(row, path) for row in known["row"]]


def row_of(known: dict[str, Any], path: Path) -> Row:
    """Return a row."""
    try:
        return Row(known["what"], known["budget"], tuple(part_of(part) for part in known["part"]))
    except (KeyError, TypeError, ValueError) as error:
        message = f"{path}: row {known.get('what')!r}: {error!r}"
        raise BrokenInputError(message) from error


FIELDS = {"name", "subject", "unit", "baseline", "comparison", "limit", "per", "cores", "note"}


def part_of(known: dict[str, Any]) -> Part:
    """Return a comparison."""
    if unknown := known.keys() - FIELDS:
        message = f"unknown fields {sorted(unknown)}"
        raise ValueError(message)
    comparison = Comparison(known["comparison"])
    baseline = terms(known.get("baseline", []))
    limit = known.get("limit")
    if (limit is None) != (comparison is Comparison.OWN):
        message = f"{known['subject']}: a limit goes with a comparison, and none with an own row"
        raise ValueError(message)
    if not baseline and comparison in (Comparison.RATIO_AT_MOST, Comparison.RATIO_AT_LEAST):
        message = f"{known['subject']}: no baseline"
        raise ValueError(message)
    return Part(
        name=known.get("name", ""),
        subject=known["subject"],
        unit=known.get("unit", "ns"),
        baseline=baseline,
        comparison=comparison,
        limit=None if limit is None else float(limit),
        per=float(known.get("per", 1)),
        cores=int(known.get("cores", 1)),
        note=" ".join(known.get("note", "").split()),
    )


def terms(known: str | list[dict[str, Any]]) -> tuple[Term, ...]:
    """Return the sum that is said by one id, or by a list of ids and how often each counts."""
    if isinstance(known, str):
        return (Term(known),)
    return tuple(Term(term["id"], float(term.get("times", 1))) for term in known)
