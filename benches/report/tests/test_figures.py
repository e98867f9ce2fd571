"""What the harnesses write is read, and what is broken is refused."""

import json
from pathlib import Path

import pytest

from report import figures
from report.figures import BrokenInputError, Figures


def test_criterion_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "flip-members" / "lifesign" / "1000" / "new"
    folder.mkdir(parents=True)
    (folder / "benchmark.json").write_text(json.dumps({"full_id": "flip-members/lifesign/1000"}))
    between = {"lower_bound": 9.0, "upper_bound": 12.0}
    (folder / "estimates.json").write_text(json.dumps({"median": {"point_estimate": 10.0, "confidence_interval": between}}))
    (found,) = figures.criterion(tmp_path)
    assert (found.id, found.value, found.unit, found.low, found.high) == ("flip-members/lifesign/1000", 10.0, "ns", 9.0, 12.0)
    (folder / "estimates.json").write_text("{}")
    with pytest.raises(BrokenInputError, match=r"estimates\.json"):
        list(figures.criterion(tmp_path))


def test_lines_of_json_are_read(tmp_path: Path) -> None:
    path = tmp_path / "scale.jsonl"
    path.write_text('{"id": "a/b", "value": 3, "unit": "bytes"}\n{"id": "a/c", "value": 5, "unit": "ns", "low": 4, "high": 7}\n')
    first, second = figures.json_lines(path)
    assert (first.id, first.value, first.unit, first.low, first.high) == ("a/b", 3.0, "bytes", 3.0, 3.0)
    assert (second.low, second.high) == (4.0, 7.0)


@pytest.mark.parametrize("line", ["{", "[]", '{"id": "a", "unit": "ns"}', '{"id": "a", "value": "x", "unit": "ns"}'])
def test_a_broken_line_is_refused_by_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "scale.jsonl"
    path.write_text('{"id": "a", "value": 3, "unit": "ns"}\n' + line + "\n")
    with pytest.raises(BrokenInputError, match=r"scale\.jsonl:2"):
        list(figures.json_lines(path))


GO = """\
goos: linux
pkg: lifesign.dev/lifesign
BenchmarkAliasStatus/lifesign-2         \t40000000\t        30.0 ns/op\t       0 B/op\t       0 allocs/op
BenchmarkAliasStatus/lifesign-2         \t40000000\t        34.0 ns/op\t       0 B/op\t       0 allocs/op
BenchmarkAliasStatus/lifesign-2         \t40000000\t        31.0 ns/op\t       0 B/op\t       0 allocs/op
BenchmarkConsulFlip/consul/1000-2       \t     100\t      1.5e+06 ns/op
PASS
ok  \tlifesign.dev/lifesign\t1.2s
"""


def test_go_is_read(tmp_path: Path) -> None:
    path = tmp_path / "go.txt"
    path.write_text(GO)
    known = Figures(figures.go_text(path))
    status, allocations = known.get("go-alias-status/lifesign", "ns"), known.get("go-alias-status/lifesign", "allocs")
    assert status is not None
    assert (status.value, status.low, status.high) == (31.0, 30.0, 34.0)
    assert allocations is not None
    assert allocations.value == 0
    assert [at for at, _ in known.series("go-consul-flip/consul", "ns")] == [1000.0]
    path.write_text(GO.replace("PASS", "--- FAIL: BenchmarkFlip"))
    with pytest.raises(BrokenInputError, match="failed"):
        list(figures.go_text(path))


def test_numbers_in_ids_are_in_their_order() -> None:
    ids = ["a/10", "a/9", "a/1000", "a/b"]
    assert sorted(ids, key=figures.natural) == ["a/9", "a/10", "a/1000", "a/b"]
