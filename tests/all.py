#!/usr/bin/env python3
"""Runs the parts of `make test`, as many beside one another as there are cores, and tells how long each took.

Usage: all.py PART …, each a target of the Makefile, in the order in which they are started: the long ones first.

What a part says goes to target/test/PART.log, and is shown if the part fails.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "target" / "test"
SIGN_OF_LIFE = 30.0
"""Seconds after which a part that runs is shown again."""


def run(part: str) -> bool:
    """Run a part; tell how it went."""
    # A make inside this one takes no orders from it.
    environment = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    log, begun = LOGS / f"{part}.log", time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(["make", part], cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
    print(f"{part}: started", flush=True)
    while True:
        try:
            status = process.wait(SIGN_OF_LIFE)
            break
        except subprocess.TimeoutExpired:
            last = log.read_text(errors="replace").rstrip().rsplit("\n", 1)[-1][:90]
            print(f"{part}: {time.monotonic() - begun:4.0f} s  {last}", flush=True)
    text = log.read_text(errors="replace")
    skipped = "".join(f"\n  {line}" for line in text.splitlines() if line.startswith("SKIPPED"))
    if status != 0:
        print(f"\n{text}\n{part}: FAILED after {time.monotonic() - begun:.0f} s", flush=True)
        return False
    print(f"{part}: passed in {time.monotonic() - begun:.0f} s{skipped}", flush=True)
    return True


def main() -> int:
    """Run all of them."""
    LOGS.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    with ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
        good = list(pool.map(run, sys.argv[1:]))
    print(f"{sum(good)} of {len(good)} parts passed in {time.monotonic() - begun:.0f} s")
    return 0 if good and all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
