"""Whether a budget is met: the arithmetic of one comparison."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from .budgets import Comparison, Part, Row
from .figures import Figure, Figures


class Verdict(StrEnum):
    """What is said of a budget."""

    MET = "met"
    LOST = "LOST"
    OWN = "own row"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Result:
    """A comparison with its figures; what is missing is None."""

    row: Row
    part: Part
    measured: Figure | None
    baseline: float | None
    ratio: float | None
    verdict: Verdict


def is_speed(unit: str) -> bool:
    """Whether more of it is better."""
    return unit.endswith("/s")


def sum_of(part: Part, figures: Figures) -> float | None:
    """Return the baseline, or None if any of what it consists of was not measured."""
    total = 0.0
    for term in part.baseline:
        figure = figures.get(term.id, part.unit)
        if figure is None:
            return None
        total += term.times * figure.value
    return total if part.baseline else None


def ratio_of(part: Part, measured: float, baseline: float) -> float | None:
    """Return how many times the baseline's cost it is; with ``ratio_at_least``, how many times as fast."""
    swap = (part.comparison is Comparison.RATIO_AT_LEAST) != is_speed(part.unit)
    over, under = (baseline * part.per, measured) if swap else (measured, baseline * part.per)
    return over / under if under else None


def judge(row: Row, part: Part, figures: Figures) -> Result:
    """Compare one subject with its baseline."""
    measured = figures.get(part.subject, part.unit)
    baseline = sum_of(part, figures)
    ratio = None if measured is None or baseline is None else ratio_of(part, measured.value, baseline)
    return Result(row, part, measured, baseline, ratio, verdict_of(part, measured, ratio))


def verdict_of(part: Part, measured: Figure | None, ratio: float | None) -> Verdict:
    """Return the verdict on what was measured."""
    if measured is None:
        return Verdict.NOT_MEASURED
    if part.limit is None:
        return Verdict.OWN
    if part.comparison is Comparison.AT_MOST:
        return met(measured.value <= part.limit)
    if ratio is None:
        return Verdict.NOT_MEASURED
    return met(ratio >= part.limit if part.comparison is Comparison.RATIO_AT_LEAST else ratio <= part.limit)


def met(is_met: bool) -> Verdict:
    """Return the verdict on a limit."""
    return Verdict.MET if is_met else Verdict.LOST


def judge_all(rows: Iterable[Row], figures: Figures) -> Iterator[Result]:
    """Compare all, in the order of the budgets; nothing is left out."""
    for row in rows:
        for part in row.parts:
            yield judge(row, part, figures)


def others(rows: Iterable[Row], figures: Figures) -> list[Figure]:
    """Return what was measured and no budget names."""
    named = {(id, part.unit) for row in rows for part in row.parts for id in part.ids()}
    return [figure for figure in figures if (figure.id, figure.unit) not in named]
