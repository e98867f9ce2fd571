"""Figures, limits and ratios in words."""

from .budgets import Comparison, Part, Term
from .figures import Figure
from .verdict import Result

SCALES: dict[str, list[tuple[float, str]]] = {
    "ns": [(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (0, "ns")],
    "bytes": [(2**30, "GiB"), (2**20, "MiB"), (0, "bytes")],
}


def digits(value: float) -> str:
    """Return three digits that count."""
    if float(value).is_integer() or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def amount(value: float, unit: str) -> str:
    """Return a value with its unit."""
    scale, name = next(((scale, name) for scale, name in SCALES.get(unit, []) if abs(value) >= scale), (0, unit))
    return f"{digits(value / scale if scale else value)} {name}"


def spread(figure: Figure) -> str:
    """Return between what a figure lies, in percent of it, or nothing where one value was measured."""
    if figure.low == figure.high or not figure.value:
        return ""
    return f" ±{max(figure.high - figure.value, figure.value - figure.low) / abs(figure.value) * 100:.0f} %"


def of_row(figure: Figure) -> str:
    """Return a figure beside others of its row, which its name is therefore told without."""
    return f"{figure.id.partition('/')[2]}: {amount(figure.value, figure.unit)}{spread(figure)}"


def limit(part: Part) -> str:
    """Return the budget of a comparison."""
    if part.limit is None:
        return "own row"
    match part.comparison:
        case Comparison.RATIO_AT_LEAST:
            return f"≥ {part.limit:,g} ×"
        case Comparison.RATIO_AT_MOST:
            return f"≤ {part.limit:,g} ×"
        case _:
            return f"≤ {part.limit:,g} {part.unit}"


def term(one: Term) -> str:
    """Return one summand of a baseline."""
    return one.id if one.times == 1 else f"{one.times:g} × {one.id}"


def baseline(result: Result) -> str:
    """Return what was compared with, and its figure."""
    if not result.part.baseline:
        return "—"
    named = " + ".join(map(term, result.part.baseline))
    if result.part.per != 1:
        named = f"{result.part.per:,g} × ({named})"
    if result.baseline is None:
        return f"{named}: not measured"
    return f"{amount(result.baseline * result.part.per, result.part.unit)} ({named})"


def measured(result: Result) -> str:
    """Return the subject's figure."""
    if result.measured is not None:
        return amount(result.measured.value, result.measured.unit) + spread(result.measured)
    return f"not measured (needs {result.part.cores} cores)" if result.part.cores > 1 else "not measured"


def ratio(result: Result) -> str:
    """Return the ratio."""
    return "—" if result.ratio is None else f"{digits(result.ratio)} ×"


def outcome(result: Result) -> str:
    """Return what the limit is compared with."""
    return ratio(result) if result.part.baseline else measured(result)


def budget(result: Result) -> str:
    """Return which budget it is."""
    return f"{result.row.what}: {result.part.name}" if result.part.name else result.row.what


def explanation(result: Result) -> str:
    """Return why a budget is lost."""
    return result.part.note or "Not explained yet."
