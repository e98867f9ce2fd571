"""A hot path that was made twice as slow on purpose is reported as such: by the real bench and the real report.

Instructions are counted, since they are the same each time; `make bench` shows the same for times.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import instructions as counting
from report import __main__ as program

TARGET = counting.ROOT / "target" / "bench"


def counted(slowed: str) -> dict[str, float]:
    """Return the instructions of a call of each hot path, in a build with breaks of which this one is on."""
    folder = TARGET / "gungraun" / "lifesign-benches" / "instructions"
    shutil.rmtree(folder, ignore_errors=True)
    environment = {
        "CARGO_TARGET_DIR": str(TARGET),
        "GUNGRAUN_RUNNER": str(counting.runner()),
        "GUNGRAUN_ENVS": f"LIFESIGN_BREAK={slowed}",
    }
    command = ["cargo", "bench", "--locked", "--features", "mutants", "--package", "lifesign-benches", "--bench", "instructions", "--"]
    subprocess.run([*command, "--save-summary=json"], check=True, env=os.environ | environment, cwd=counting.ROOT)
    summaries = [json.loads(path.read_text()) for path in sorted(folder.rglob("summary.json"))]
    return {each["function_name"]: counting.instructions(each["profiles"]) / counting.CALLS for each in summaries}


@pytest.mark.slow
def test_a_hot_path_that_does_its_work_twice_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    once, twice = counted("none"), counted("snapshot-read-twice")
    assert 1.5 < twice["snapshot"] / once["snapshot"] < 3

    (tmp_path / "instructions.json").write_text(json.dumps({"machine": counting.machine(), "instructions": once}))

    def reported(counts: dict[str, float]) -> tuple[int, dict[str, str]]:
        lines = [{"id": f"instructions-{name}/lifesign", "value": value, "unit": "instructions"} for name, value in counts.items()]
        (tmp_path / "instructions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        folders = ["--criterion", str(tmp_path), "--lines", str(tmp_path)]
        monkeypatch.setattr(sys, "argv", ["report", *folders, "--instructions", str(tmp_path / "instructions.json")])
        code = program.main()
        words = [line.split() for line in capsys.readouterr().out.splitlines()]
        return code, {line[0]: line[-1] for line in words if line and line[0] in once}

    assert reported(once) == (0, dict.fromkeys(once, "met"))
    assert reported(twice) == (1, dict.fromkeys(once, "met") | {"snapshot": "GROWN"})
