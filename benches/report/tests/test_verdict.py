"""The arithmetic of a comparison, and what is said where something is missing."""

from pathlib import Path

import pytest

from report import budgets, table, verdict, words
from report.budgets import Comparison, Part, Row, Term
from report.figures import Figure, Figures
from report.verdict import Verdict

BENCHES = Path(__file__).resolve().parents[2]


def figure(id: str, value: float, unit: str = "ns") -> Figure:
    return Figure(id, value, unit, value, value)


def part(
    comparison: Comparison,
    limit: float | None,
    *,
    unit: str = "ns",
    baseline: tuple[Term, ...] = (Term("base"),),
    per: float = 1,
) -> Part:
    return Part("", "subject", unit, baseline, comparison, limit, per, 1, "")


def judged(part: Part, *known: Figure) -> verdict.Result:
    return verdict.judge(Row("what", "budget", (part,)), part, Figures(known))


@pytest.mark.parametrize(
    ("comparison", "limit", "subject", "base", "unit", "ratio", "said"),
    [
        (Comparison.RATIO_AT_MOST, 1.5, 3.0, 2.0, "ns", 1.5, Verdict.MET),
        (Comparison.RATIO_AT_MOST, 1.5, 3.1, 2.0, "ns", 1.55, Verdict.LOST),
        (Comparison.RATIO_AT_LEAST, 15.0, 2.0, 30.0, "ns", 15.0, Verdict.MET),
        (Comparison.RATIO_AT_LEAST, 15.0, 2.0, 28.0, "ns", 14.0, Verdict.LOST),
        (Comparison.RATIO_AT_LEAST, 0.9, 95.0, 100.0, "ops/s", 0.95, Verdict.MET),
        (Comparison.RATIO_AT_LEAST, 0.9, 80.0, 100.0, "ops/s", 0.8, Verdict.LOST),
        (Comparison.OWN, None, 5.0, 2.0, "ns", 2.5, Verdict.OWN),
    ],
)
def test_a_ratio_is_judged(
    comparison: Comparison, limit: float | None, subject: float, base: float, unit: str, ratio: float, said: Verdict
) -> None:
    result = judged(part(comparison, limit, unit=unit), figure("subject", subject, unit), figure("base", base, unit))
    assert result.ratio == pytest.approx(ratio)
    assert result.verdict is said


def test_a_figure_is_judged_by_itself() -> None:
    bare = part(Comparison.AT_MOST, 320, unit="bytes", baseline=())
    assert judged(bare, figure("subject", 320, "bytes")).verdict is Verdict.MET
    assert judged(bare, figure("subject", 321, "bytes")).verdict is Verdict.LOST
    assert judged(bare, figure("subject", 100, "ns")).verdict is Verdict.NOT_MEASURED


def test_a_baseline_may_be_a_sum_and_count_several_times() -> None:
    known = (figure("subject", 300), figure("call", 40), figure("own", 20))
    summed = part(Comparison.RATIO_AT_MOST, 1, baseline=(Term("call", 2), Term("own")), per=3)
    assert judged(summed, *known).ratio == pytest.approx(1.0)
    assert judged(summed, *known[:2]).verdict is Verdict.NOT_MEASURED


def test_what_is_missing_is_shown_and_not_left_out() -> None:
    rows = budgets.load(BENCHES / "budgets.toml")
    results = list(verdict.judge_all(rows, Figures()))
    assert len(results) == sum(len(row.parts) for row in rows)
    assert {result.verdict for result in results} == {Verdict.NOT_MEASURED}
    lines = table.budgets(results)
    assert len(lines) == len(results)
    assert all("not measured" in line[3] for line in lines)


def test_a_baseline_that_is_missing_is_no_verdict() -> None:
    result = judged(part(Comparison.RATIO_AT_MOST, 1.5), figure("subject", 1))
    assert result.verdict is Verdict.NOT_MEASURED
    assert words.baseline(result) == "base: not measured"


def test_what_no_budget_names_is_found() -> None:
    rows = [Row("what", "budget", (part(Comparison.RATIO_AT_MOST, 1.5),))]
    known = Figures([figure("subject", 1), figure("base", 1), figure("other", 1), figure("subject", 1, "allocs")])
    assert [(each.id, each.unit) for each in verdict.others(rows, known)] == [("other", "ns"), ("subject", "allocs")]
