"""The page of results: docs/benchmarks.md."""

from collections.abc import Mapping, Sequence

from . import instructions, table, words
from .figures import Figure, Figures
from .instructions import Growth
from .plots import Plot
from .verdict import Result, Verdict

INTRODUCTION = """\
# Benchmarks

Written by `make bench`, which measures everything in one run of under 20 minutes and needs nothing but what the tests need; do
not edit by hand. A budget is judged by a ratio within that run, beside what a user would pick instead; each such peer does the
same work, and its result is checked. Numbers that lose are here too. Medians are shown; ± is the wider side of a confidence
interval or of the quartiles. `benches/budgets.toml` says which figure is compared with which.
"""


GROWTH = """\
In an engine of so many checks, ten to a service and an alias of each service: what one registration, look-up, flip and so on takes, and the
memory of one.
"""


def write(
    machine: Mapping[str, str],
    known: Figures,
    results: Sequence[Result],
    others: Sequence[Figure],
    growths: Sequence[Growth],
    plots: Sequence[Plot],
    drawn: Sequence[Plot],
) -> str:
    """Return the page."""
    parts = [
        INTRODUCTION,
        table.markdown(("machine", ""), list(machine.items())),
        "## Budgets",
        table.tally(results) + ".",
        table.markdown(table.PAGE_HEAD, table.budgets(results)),
        *lost(results),
        "## From a thousand checks to a million",
        GROWTH,
        table.markdown(table.GROWTH, table.growth(known)),
        "## Plots",
        *(f"![{plot.title}](plots/{plot.name}.svg)" if plot in drawn else f"{plot.title}: not measured." for plot in plots),
        "## Instructions",
        instructions.EXPLANATION,
        table.markdown(instructions.HEAD, instructions.lines(growths)) if growths else "Not measured.",
        "## Everything else that was measured",
        table.markdown(table.OTHERS, table.series(others)),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def lost(results: Sequence[Result]) -> list[str]:
    """Return what is said of the budgets that are lost."""
    notes = [
        f"- **{words.budget(result)}** ({words.limit(result.part)}, measured {words.outcome(result)}): {words.explanation(result)}"
        for result in results
        if result.verdict is Verdict.LOST
    ]
    return ["### Lost, and why", "\n".join(notes)] if notes else []
