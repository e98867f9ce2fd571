"""Prints the one table of a run, and writes the page and the plots.

Exits with 1 if a hot path takes more instructions than the committed count allows and with 2 on broken input. A budget that is
lost is no failure of the run: the table says so.
"""

import argparse
import sys
from pathlib import Path

from . import budgets, figures, instructions, machine, page, plots, table, verdict

ROOT = Path(__file__).resolve().parents[2]
BENCHES = ROOT / "benches"


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    parser.add_argument("--criterion", type=Path, default=ROOT / "target/bench/criterion", help="criterion's folder")
    parser.add_argument("--lines", type=Path, default=ROOT / "build/bench", help="folder of the JSON lines")
    parser.add_argument("--budgets", type=Path, default=BENCHES / "budgets.toml")
    parser.add_argument("--plots", type=Path, default=BENCHES / "plots.toml")
    parser.add_argument("--instructions", type=Path, default=BENCHES / "instructions.json", help="the committed counts")
    parser.add_argument("--docs", type=Path, help="where to write benchmarks.md and plots/; without it nothing is written")
    return parser.parse_args()


def main() -> int:
    """Report on what was measured."""
    asked = arguments()
    try:
        return report(asked)
    except figures.BrokenInputError as error:
        print(f"report: {error}", file=sys.stderr)
        return 2


def report(asked: argparse.Namespace) -> int:
    """Read, compare, show."""
    known = figures.read(asked.criterion, asked.lines)
    described = machine.describe()
    rows = budgets.load(asked.budgets)
    results = list(verdict.judge_all(rows, known))
    growths = instructions.compare(known, instructions.load(asked.instructions), described)
    others = [figure for figure in verdict.others(rows, known) if figure.unit != instructions.UNIT]
    print("  ".join(f"{name} {value}" for name, value in described.items()), end="\n\n")
    print(table.text(table.HEAD, table.grouped(results)), end="\n\n")
    print(table.tally(results))
    if growths:
        print("\n" + table.text(instructions.HEAD, instructions.lines(growths)))
    if asked.docs:
        wanted = plots.load(asked.plots)
        drawn = plots.draw(wanted, known, asked.docs / "plots")
        (asked.docs / "benchmarks.md").write_text(page.write(described, known, results, others, growths, wanted, drawn))
    grown = [growth.id for growth in growths if growth.failed]
    for id in grown:
        print(f"report: {id} takes more than 5 % more instructions than benches/instructions.json has", file=sys.stderr)
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
