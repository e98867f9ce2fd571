"""What the harnesses write is read, and what is broken is refused."""

import json
from pathlib import Path

import pytest

from report import figures
from report.figures import BrokenInputError, Figure, Figures


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


def test_several_measurements_of_one_thing_are_one_figure() -> None:
    same = [Figure("a/1000", value, "ns", value - 1, value + 1) for value in (31.0, 30.0, 34.0)]
    known = Figures([*same, Figure("a/1000", 0.0, "allocs", 0.0, 0.0)])
    middle = known.get("a/1000", "ns")
    assert middle == Figure("a/1000", 31.0, "ns", 29.0, 35.0)
    assert known.series("a", "ns") == [(1000.0, middle)]


def test_one_bench_measured_twice_is_told_apart_by_its_folder(tmp_path: Path) -> None:
    for name, value in (("once", 10.0), ("twice", 20.0)):
        folder = tmp_path / "lines" / "honesty" / name / "flip" / "new"
        folder.mkdir(parents=True)
        (folder / "benchmark.json").write_text(json.dumps({"full_id": "flip"}))
        estimate = {"point_estimate": value, "confidence_interval": {"lower_bound": value, "upper_bound": value}}
        (folder / "estimates.json").write_text(json.dumps({"median": estimate}))
    known = figures.read(tmp_path / "criterion", tmp_path / "lines")
    assert [(figure.id, figure.value) for figure in known] == [("honesty/once", 10.0), ("honesty/twice", 20.0)]


def test_numbers_in_ids_are_in_their_order() -> None:
    ids = ["a/10", "a/9", "a/1000", "a/b"]
    assert sorted(ids, key=figures.natural) == ["a/9", "a/10", "a/1000", "a/b"]
