"""What was measured: one figure for each id and unit, from whichever harness."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any


class BrokenInputError(Exception):
    """A file of figures that says something else than figures."""


@dataclass(frozen=True)
class Figure:
    """A median, and between what it lies: a confidence interval or quartiles, or itself where one value was measured."""

    id: str
    value: float
    unit: str
    low: float
    high: float


class Figures:
    """All figures of one run, by id and unit."""

    def __init__(self, measured: Iterable[Figure] = ()) -> None:
        by_key: dict[tuple[str, str], list[Figure]] = defaultdict(list)
        for figure in measured:
            by_key[figure.id, figure.unit].append(figure)
        self._figures = {key: merged(same) for key, same in by_key.items()}

    def get(self, id: str, unit: str) -> Figure | None:
        """Return the figure, or None if it was not measured."""
        return self._figures.get((id, unit))

    def __iter__(self) -> Iterator[Figure]:
        return iter(sorted(self._figures.values(), key=lambda figure: (natural(figure.id), figure.unit)))

    def series(self, prefix: str, unit: str) -> list[tuple[float, Figure]]:
        """Return what was measured for each number that follows ``prefix`` as the last part of an id, by that number."""
        points = []
        for (id, known), figure in self._figures.items():
            head, _, last = id.rpartition("/")
            if head == prefix and known == unit and last.isdecimal():
                points.append((float(last), figure))
        return sorted(points, key=lambda point: point[0])


def natural(id: str) -> list[tuple[int, str]]:
    """Return a key by which numbers within ids are in the order of numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", id)]


def merged(same: list[Figure]) -> Figure:
    """Return the middle of several measurements of one thing, and as its bounds the outermost of theirs."""
    if len(same) == 1:
        return same[0]
    first = same[0]
    low, high = min(each.low for each in same), max(each.high for each in same)
    return Figure(first.id, median(each.value for each in same), first.unit, low, high)


def figure_of(known: dict[str, Any], source: str) -> Figure:
    """Return the figure that one line of JSON says."""
    try:
        value = float(known["value"])
        return Figure(str(known["id"]), value, str(known["unit"]), float(known.get("low", value)), float(known.get("high", value)))
    except (KeyError, TypeError, ValueError) as error:
        message = f"{source}: not a figure with id, value and unit: {known}"
        raise BrokenInputError(message) from error


def json_lines(path: Path) -> Iterator[Figure]:
    """Read one figure a line."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        source = f"{path}:{number}"
        try:
            known = json.loads(line)
        except ValueError as error:
            message = f"{source}: not JSON: {line!r}"
            raise BrokenInputError(message) from error
        if not isinstance(known, dict):
            message = f"{source}: not an object: {line!r}"
            raise BrokenInputError(message)
        yield figure_of(known, source)


def criterion(folder: Path) -> Iterator[Figure]:
    """Read the medians, with their confidence intervals, of all benches of criterion below ``folder``; in nanoseconds an iteration."""
    for named in sorted(folder.glob("**/new/benchmark.json")):
        estimates = named.with_name("estimates.json")
        try:
            id = json.loads(named.read_text())["full_id"]
            known = json.loads(estimates.read_text())["median"]
            between = known["confidence_interval"]
            yield Figure(
                id,
                float(known["point_estimate"]),
                "ns",
                float(between["lower_bound"]),
                float(between["upper_bound"]),
            )
        except (OSError, KeyError, TypeError, ValueError) as error:
            message = f"{estimates}: not the estimates of a bench of criterion: {error!r}"
            raise BrokenInputError(message) from error


def renamed(figures: Iterable[Figure], id: str) -> Iterator[Figure]:
    """Return figures under another id."""
    return (replace(figure, id=id) for figure in figures)


def read(criterion_folder: Path, lines_folder: Path) -> Figures:
    """Read everything that a run left: criterion's folder, and the other's files of JSON lines.

    Below ``honesty`` one bench was measured several times, by what is told apart: its folder's name is its id.
    """
    figures = list(criterion(criterion_folder))
    for path in sorted(lines_folder.glob("*.jsonl")):
        figures += json_lines(path)
    for folder in sorted(lines_folder.glob("honesty/*/")):
        figures += renamed(criterion(folder), f"honesty/{folder.name}")
    return Figures(figures)
