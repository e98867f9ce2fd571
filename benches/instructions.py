"""Counts the instructions of the hot paths under valgrind and compares them with `instructions.json`.

Usage: instructions.py [--write]

What a call costs depends on the compiler, on the C library (its allocator, above all) and on the processor (which
decides what the C library runs): under the three of the baseline a hot path that grew by more than a twentieth fails,
under others the counts are printed and not judged. `--write` makes today's counts the baseline.

The counts are appended to `$LIFESIGN_BENCH/instructions.jsonl` (`build/bench`), as every bench does.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / "benches" / "instructions.json"
TARGET = ROOT / "target" / "bench"
TOOLS = ROOT / "build" / "tools"
# So many calls are made in one count (`CALLS` in instructions.rs).
CALLS = 64
MOST_GROWTH = 1.05


def runner() -> Path:
    """Return the program that drives valgrind, of the version of the library; it is installed if it is not there."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    version = next(package["version"] for package in lock["package"] if package["name"] == "gungraun")
    program = TOOLS / "bin" / "gungraun-runner"
    if not program.exists() or version not in subprocess.check_output([program, "--version"], text=True):
        command = ["cargo", "install", "gungraun-runner", "--locked", "--root", str(TOOLS), "--version", version]
        subprocess.run(command, check=True, env=os.environ | {"CARGO_TARGET_DIR": str(ROOT / "target" / "tools")})
    return program


def machine() -> dict[str, str]:
    """Return what the counts depend on."""
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "rustc": rustc,
        "libc": " ".join(platform.libc_ver()),
        "cpu": model[1] if model else platform.machine(),
    }


def count() -> dict[str, float]:
    """Return the instructions of one call of each hot path."""
    environment = os.environ | {"CARGO_TARGET_DIR": str(TARGET), "GUNGRAUN_RUNNER": str(runner())}
    folder = TARGET / "gungraun" / "lifesign-benches" / "instructions"
    # What an earlier run left there would be compared with, and taken for a count of this one.
    shutil.rmtree(folder, ignore_errors=True)
    command = ["cargo", "bench", "--locked", "--package", "lifesign-benches", "--bench", "instructions", "--", "--save-summary=json"]
    subprocess.run(command, check=True, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    summaries = [json.loads(path.read_text()) for path in sorted(folder.rglob("summary.json"))]
    return {summary["function_name"].replace("_", "-"): instructions(summary["profiles"]) / CALLS for summary in summaries}


def instructions(profiles: list[dict[str, Any]]) -> int:
    """Return what callgrind counted."""
    counted = next(profile for profile in profiles if profile["tool"] == "Callgrind")
    return int(counted["data"]["total"]["metrics"]["Ir"]["values"]["new"])


def report(counts: dict[str, float]) -> None:
    """Append the counts to the figures."""
    folder = Path(os.environ.get("LIFESIGN_BENCH", ROOT / "build" / "bench"))
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "instructions.jsonl").open("a") as lines:
        for name, instructions in counts.items():
            figure = {"id": f"instructions-{name}/lifesign", "value": instructions, "unit": "instructions"}
            lines.write(json.dumps(figure) + "\n")


def compare(counts: dict[str, float], baseline: dict[str, float], *, judged: bool) -> bool:
    """Print the counts beside the baseline's; tell whether all of them are within bounds or not to be judged."""
    right = True
    print(f"{'instructions a call':24} {'now':>10} {'baseline':>10} {'ratio':>7}")
    for name in sorted(counts.keys() | baseline.keys()):
        now, before = counts.get(name), baseline.get(name)
        if now is None or before is None:
            verdict, ratio = ("was not counted" if now is None else "is new"), 1.0 if now else MOST_GROWTH + 1
        else:
            ratio = now / before
            verdict = "" if ratio <= MOST_GROWTH else "has grown"
        right &= ratio <= MOST_GROWTH
        print(f"{name:24} {now or 0:10.1f} {before or 0:10.1f} {ratio:7.3f}  {verdict}")
    return right or not judged


def main() -> int:
    """Count, and write or compare."""
    parser = argparse.ArgumentParser(description="Counts the instructions of the hot paths.")
    parser.add_argument("--write", action="store_true", help="make today's counts the baseline")
    arguments = parser.parse_args()
    counts, here = count(), machine()
    report(counts)
    if arguments.write:
        BASELINE.write_text(json.dumps({"machine": here, "instructions": counts}, indent=2, sort_keys=True) + "\n")
        return 0
    baseline = json.loads(BASELINE.read_text())
    judged = baseline["machine"] == here
    if not judged:
        print("not judged: the baseline was counted under", ", ".join(baseline["machine"].values()))
    return 0 if compare(counts, baseline["instructions"], judged=judged) else 1


if __name__ == "__main__":
    sys.exit(main())
