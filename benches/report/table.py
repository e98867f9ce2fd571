"""Tables, as text for a terminal and as Markdown."""

from collections.abc import Sequence
from itertools import groupby

from . import words
from .figures import Figure, Figures
from .verdict import Result, Verdict

HEAD = ("budget", "limit", "measured", "baseline", "ratio", "verdict")
PAGE_HEAD = ("budget", "", *HEAD[1:])
OTHERS = ("series", "measured")
SIZES = (1_000, 10_000, 100_000, 1_000_000)
GROWTH = ("series, each", *(f"{size:,}" for size in SIZES))


def cells(result: Result) -> tuple[str, ...]:
    """Return what is said of a comparison beside its name."""
    return (
        words.limit(result.part),
        words.measured(result),
        words.baseline(result),
        words.ratio(result),
        result.verdict,
    )


def budgets(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """Return the one table: a line for each comparison, the first of a row with what the row is about."""
    lines: list[tuple[str, ...]] = []
    for row, of_row in groupby(results, key=lambda result: result.row):
        what = f"**{row.what}**"
        for result in of_row:
            lines.append((what, result.part.name, *cells(result)))
            what = ""
    return lines


def series(figures: Sequence[Figure]) -> list[tuple[str, ...]]:
    """Return the second table: what was measured besides, a line for each row of a harness."""
    rows = groupby(figures, key=lambda figure: figure.id.partition("/")[0])
    return [(name, ", ".join(map(words.of_row, of_row))) for name, of_row in rows]


def growth(figures: Figures) -> list[tuple[str, ...]]:
    """Return what was measured in engines of all sizes, a line for each."""
    largest = [figure for figure in figures if figure.id.endswith(f"/{SIZES[-1]}")]
    lines = []
    for figure in largest:
        name = figure.id.rpartition("/")[0]
        of_size = dict(figures.series(name, figure.unit))
        if all(size in of_size for size in SIZES):
            lines.append((name, *(words.amount(of_size[size].value, figure.unit) for size in SIZES)))
    return lines


def tally(results: Sequence[Result]) -> str:
    """Return how many of each verdict there are."""
    counts = [(verdict, sum(result.verdict is verdict for result in results)) for verdict in Verdict]
    return ", ".join(f"{count} {verdict}" for verdict, count in counts if count)


def text(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table with aligned columns; a line of one cell goes across all of them and makes none wider."""
    widths = [max(map(len, column)) for column in zip(head, *(line for line in lines if len(line) > 1), strict=True)]
    rule = ["─" * width for width in widths]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in (head, rule, *lines))


def grouped(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """Return the one table for a terminal: each row's text across all columns, and its comparisons below it."""
    lines: list[tuple[str, ...]] = []
    for row, of_row in groupby(results, key=lambda result: result.row):
        lines.append((f"{row.what}: {row.budget}",))
        lines += [(f"    {result.part.name or result.part.subject}", *cells(result)) for result in of_row]
    return lines


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
