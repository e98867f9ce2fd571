"""The whole report, over figures that are made up: what it prints, writes and exits with."""

import json
import sys
from pathlib import Path

import pytest

from report import __main__ as program
from report import instructions, machine

BENCHES = Path(__file__).resolve().parents[2]

BUDGETS = """
[[row]]
what = "flip"
budget = "≤ 2 × a store"

[[row.part]]
subject = "flip/lifesign"
baseline = "flip/store"
comparison = "ratio_at_most"
limit = 2
note = "The store allocates nothing."

[[row]]
what = "sleep"
budget = "own row"

[[row.part]]
subject = "sleep/lifesign"
comparison = "own"
"""

PLOTS = """
[[plot]]
name = "curve"
title = "A flip, with so many aliases"
x = "aliases"
y = "time"
curve = [{ label = "flip", prefix = "many/lifesign" }, { label = "nobody measured", prefix = "other/lifesign" }]

[[plot]]
name = "tails"
title = "Tails"
x = "percentile"
y = "time"
steps = ["p50", "max"]
curve = [{ label = "idle", prefix = "tail/idle" }]

[[plot]]
name = "nothing"
title = "Nothing"
x = "x"
y = "y"
curve = [{ label = "nothing", prefix = "nothing/lifesign" }]
"""


class Run:
    """A run's files, and the report over them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.lines = folder / "lines"
        self.docs = folder / "docs"
        self.committed = folder / "instructions.json"
        self._monkeypatch = monkeypatch
        self.lines.mkdir()
        (folder / "budgets.toml").write_text(BUDGETS)
        (folder / "plots.toml").write_text(PLOTS)

    def measured(self, **values: float) -> None:
        """Say what was measured, in nanoseconds."""
        known = [{"id": id.replace("__", "/"), "value": value, "unit": "ns"} for id, value in values.items()]
        (self.lines / "made-up.jsonl").write_text("".join(json.dumps(line) + "\n" for line in known))

    def commit(self, count: float) -> None:
        """Say what was committed as the instructions of a flip, on this machine."""
        known = {name: machine.describe()[called] for name, called in instructions.MADE_BY.items()}
        known["rustc"] = "rustc " + known["rustc"]
        self.committed.write_text(json.dumps({"machine": known, "instructions": {"flip": count}}))

    def count(self, count: float) -> None:
        """Say how many instructions a flip takes now."""
        line = {"id": "instructions-flip/lifesign", "value": count, "unit": "instructions"}
        (self.lines / "instructions.jsonl").write_text(json.dumps(line) + "\n")

    def written(self) -> int:
        """Run the report and have it write the page."""
        paths = {"criterion": "criterion", "lines": "lines", "budgets": "budgets.toml", "plots": "plots.toml", "docs": "docs"}
        given = [part for name, path in paths.items() for part in (f"--{name}", str(self.folder / path))]
        self._monkeypatch.setattr(sys, "argv", ["report", *given, "--instructions", str(self.committed)])
        return program.main()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(tmp_path, monkeypatch)


def test_a_lost_budget_is_shown_with_its_note_and_fails_nothing(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.measured(flip__lifesign=500, flip__store=200, extra__series=7)
    assert run.written() == 0
    printed = capsys.readouterr().out
    assert "2.50 ×" in printed
    assert "LOST" in printed
    page = (run.docs / "benchmarks.md").read_text()
    assert "| **flip** |  | ≤ 2 × | 500 ns | 200 ns (flip/store) | 2.50 × | LOST |" in page
    assert "The store allocates nothing." in page
    assert "| **sleep** |  | own row | not measured | — | — | not measured |" in page
    assert "| extra | series: 7 ns |" in page
    assert all(f"| {name} |" in page for name in ("CPU", "cores", "kernel", "rustc", "Go", "Python", "libc", "date"))


def test_what_was_measured_in_all_sizes_is_shown_as_it_grows(run: Run) -> None:
    run.measured(find__1000=10, find__10000=20, find__100000=300, find__1000000=4000, close__1000=7, close__1000000=8)
    assert run.written() == 0
    page = (run.docs / "benchmarks.md").read_text()
    assert "| find | 10 ns | 20 ns | 300 ns | 4 µs |" in page
    assert "| close | 7 ns |" not in page


def test_a_met_budget_needs_no_note(run: Run) -> None:
    run.measured(flip__lifesign=390, flip__store=200)
    assert run.written() == 0
    page = (run.docs / "benchmarks.md").read_text()
    assert "| met |" in page
    assert "The store allocates nothing." not in page


def test_broken_input_fails(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    (run.lines / "made-up.jsonl").write_text("{\n")
    assert run.written() == 2
    assert "made-up.jsonl:1" in capsys.readouterr().err
    run.measured()
    (run.folder / "budgets.toml").write_text(BUDGETS.replace("limit = 2", "limits = 2"))
    assert run.written() == 2
    assert "limits" in capsys.readouterr().err


@pytest.mark.parametrize(("count", "code"), [(1050, 0), (1051, 1), (500, 0)])
def test_a_path_may_grow_by_five_percent_under_the_same_tools(run: Run, count: float, code: int) -> None:
    run.commit(1000)
    run.count(count)
    assert run.written() == code
    assert ("GROWN" in (run.docs / "benchmarks.md").read_text()) == bool(code)


def test_a_path_that_was_not_counted_is_said_to_be_missing(run: Run) -> None:
    run.commit(1000)
    assert run.written() == 0
    assert "| flip | not measured | 1,000.0 | — | not measured |" in (run.docs / "benchmarks.md").read_text()


@pytest.mark.parametrize("changed", instructions.MADE_BY.values())
def test_under_other_tools_growth_is_shown_and_not_judged(run: Run, monkeypatch: pytest.MonkeyPatch, changed: str) -> None:
    run.commit(1000)
    run.count(2000)
    described = machine.describe() | {changed: "another"}
    monkeypatch.setattr(machine, "describe", lambda: described)
    assert run.written() == 0
    assert "2.000 × | other rustc, libc or CPU |" in (run.docs / "benchmarks.md").read_text()


def test_plots_are_the_same_bytes_each_time_and_what_was_not_measured_is_named(run: Run) -> None:
    run.measured(many__lifesign__0=9, many__lifesign__1=10, many__lifesign__100=12, tail__idle__p50=30, tail__idle__max=900)
    assert run.written() == 0
    first = {path.name: path.read_bytes() for path in (run.docs / "plots").iterdir()}
    assert first.keys() == {"curve.svg", "tails.svg"}
    assert b"nobody measured (not measured)" in first["curve.svg"]
    assert run.written() == 0
    assert {path.name: path.read_bytes() for path in (run.docs / "plots").iterdir()} == first
    page = (run.docs / "benchmarks.md").read_text()
    assert "plots/curve.svg" in page
    assert "Nothing: not measured." in page
    assert "nothing.svg" not in page


def test_budgets_and_plots_that_are_committed_are_read(run: Run) -> None:
    for name in ("budgets.toml", "plots.toml"):
        (run.folder / name).write_text((BENCHES / name).read_text())
    run.measured()
    assert run.written() == 0
