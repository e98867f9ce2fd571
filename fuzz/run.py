"""Fuzzes the C ABI and what reads files: coverage-guided, under AddressSanitizer and LeakSanitizer.

Usage: run.py [--seconds N] [--jobs N] [--planted]

With --planted each planted fault is fuzzed first until it is found, and it is an error if one is not; at the end it is counted which lines were
come by. Before the fuzzing each function is called many times beside a close of its engine. What is worth keeping is kept in target/fuzz/corpus
from run to run; an input that breaks something is left in target/fuzz/found, and `target/fuzz/…/calls FILE` runs it again.
Nothing but cargo, Python and a C++ compiler is needed: `cargo fuzz run calls` does the same with another tool.
"""

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TRIPLE = f"{platform.machine()}-unknown-linux-gnu"
KEPT = ROOT / "target" / "fuzz"
TARGETS = {"calls": 1024, "restore": 4096}  # And the longest input.
FLAGS = [
    "--cfg fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Zsanitizer=address",
]
# Each planted fault, and what must be said of it.
PLANTED = {
    "text-read-too-far": "AddressSanitizer: heap-buffer-overflow",
    "one-answer-too-many": "AddressSanitizer: heap-buffer-overflow|points past the buffer",
    "object-freed-early": "AddressSanitizer: heap-use-after-free",
    "object-kept-for-ever": "LeakSanitizer: detected memory leaks",
    "answer-before-the-check": "is touched",
    "closed-and-kept": "which had ended before the call|succeeded twice|after the close answers",
    "closed-is-revoked": "which its comment does not name|after the close answers",
    # Two objects come to share a slot, which shows as whatever one of them misses first.
    "closed-by-two": r"panicked at src/(judge|world)\.rs",
}
PATIENCE = 300


@dataclass
class Fuzzed:
    """What the runs of a target have told."""

    executions: int = 0
    edges: int = 0
    edges_of: int = 0
    inputs: int = 0
    failures: list[str] = field(default_factory=list)


def build(folder: Path, *features: str) -> Path:
    """Build the targets; return where they are."""
    env = {**os.environ, "RUSTC_BOOTSTRAP": "1", "RUSTFLAGS": " ".join(FLAGS)}
    command = ["cargo", "build", "--release", "--locked", "--target", TRIPLE, "--target-dir", str(folder)]
    subprocess.run([*command, *(f"--features={each}" for each in features)], cwd=HERE, env=env, check=True)
    return folder / TRIPLE / "release"


def start(
    binaries: Path, target: str, corpus: Path, seconds: int, log: Path, scratch: str, **env: str
) -> subprocess.Popen[bytes]:
    """Start one job of a target."""
    command = [str(binaries / target), str(corpus), str(HERE / "corpus" / target), f"-max_total_time={seconds}"]
    command += [f"-max_len={TARGETS[target]}", "-timeout=30", "-print_final_stats=1", "-reload=1", "-verbosity=1"]
    command += [f"-artifact_prefix={KEPT / 'found'}/"]
    with log.open("wb") as out:
        return subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, "TMPDIR": scratch, **env})


def find(binaries: Path, name: str, said: str) -> float:
    """Fuzz one planted fault until it is found; return after how many seconds."""
    log = KEPT / f"planted-{name}.log"
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory() as corpus:
        begun = time.monotonic()
        status = start(binaries, "calls", Path(corpus), PATIENCE, log, scratch, LIFESIGN_BREAK=name).wait()
    text = log.read_text(errors="replace")
    if status == 0 or not re.search(said, text):
        raise SystemExit(f"{text[-3000:]}\nfuzz: {name} was not found, or something else was: see {log}")
    return time.monotonic() - begun


def planted() -> None:
    """Show that a library without a fault is silent and that each planted one is found."""
    binaries = build(ROOT / "target" / "fuzz-planted", "mutants")
    # Where inputs are left that break what is meant to break.
    silent = fuzz(binaries, 20, 1)
    if failures := [line for each in silent.values() for line in each.failures]:
        raise SystemExit("\n".join([*failures, "fuzz: not silent without a fault"]))
    print("planted: silent without a fault", flush=True)
    for name, said in PLANTED.items():
        seconds = find(binaries, name, said)
        print(f"planted: {name} found after {seconds:.1f} s", flush=True)
        tell("mutant", f"{name} in fuzz", 1, seconds, f"killed: {said.split('|')[0]}")
    for left in (KEPT / "found").iterdir():
        left.unlink()


def beside_a_close(binaries: Path, times: int) -> int:
    """Run each function beside a close of the engine so many times; return how many functions there are."""
    seeds = sorted(str(each) for each in (HERE / "corpus" / "calls").glob("close-beside-*"))
    log = KEPT / "close-beside.log"
    with tempfile.TemporaryDirectory() as scratch, log.open("wb") as out:
        command = [
            str(binaries / "calls"),
            f"-runs={times}",
            "-timeout=30",
            f"-artifact_prefix={KEPT / 'found'}/",
            *seeds,
        ]
        status = subprocess.run(command, stdout=out, stderr=out, env={**os.environ, "TMPDIR": scratch}).returncode
    if status != 0:
        raise SystemExit(f"{log.read_text(errors='replace')[-6000:]}\nfuzz: a call beside a close failed: see {log}")
    return len(seeds)


def fuzz(binaries: Path, seconds: int, jobs: int) -> dict[str, Fuzzed]:
    """Fuzz each target for its share of the time: of eight parts one goes to what reads files."""
    results = {}
    for target in TARGETS:
        share = max(5, seconds // 8 if target == "restore" else seconds - seconds // 8)
        corpus = KEPT / "corpus" / target
        corpus.mkdir(parents=True, exist_ok=True)
        logs = [KEPT / f"{target}-{job}.log" for job in range(jobs)]
        with tempfile.TemporaryDirectory() as scratch:
            running = [start(binaries, target, corpus, share, log, scratch) for log in logs]
            statuses = [process.wait() for process in running]
        result = Fuzzed(inputs=sum(1 for _ in corpus.iterdir()))
        for status, log in zip(statuses, logs, strict=True):
            text = log.read_text(errors="replace")
            result.executions += sum(map(int, re.findall(r"stat::number_of_executed_units: (\d+)", text)))
            result.edges = max([result.edges, *map(int, re.findall(r"\bcov: (\d+)", text))])
            result.edges_of = max([result.edges_of, *map(int, re.findall(r"\((\d+) PCs\)", text))])
            if status != 0:
                result.failures.append(f"{text[-6000:]}\nfuzz: {target} failed: see {log} and {KEPT / 'found'}")
        results[target] = result
    return results


def tell(kind: str, name: str, count: int, seconds: float, result: str) -> None:
    """Add a line to the file of evidence, if there is to be one."""
    if path := os.environ.get("LIFESIGN_EVIDENCE"):
        with Path(path).open("a") as out:
            out.write(f"{kind}\t{name}\t{count}\t{seconds:.1f}\t{result}\n")


def main() -> int:
    """Build, find what was planted, fuzz, report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--planted", action="store_true", help="find the planted faults first")
    given = parser.parse_args()
    if not shutil.which(os.environ.get("CXX", "c++")):
        print("SKIPPED: fuzzing (a C++ compiler is not installed: c++, or set CXX)")
        return 1 if os.environ.get("CI") else 0
    subprocess.run([sys.executable, str(HERE / "seeds.py"), "--check"], check=True)
    (KEPT / "found").mkdir(parents=True, exist_ok=True)
    if given.planted:
        planted()
    begun = time.monotonic()
    binaries, times = build(KEPT), max(3, given.seconds // 20)
    functions = beside_a_close(binaries, times)
    print(f"fuzz: {functions} functions beside a close of the engine, {times} times each: nothing found", flush=True)
    tell("fuzz", "close", functions * times, time.monotonic() - begun, "ok")
    results = fuzz(binaries, given.seconds, given.jobs)
    for target, result in results.items():
        print(
            f"fuzz: {target}: {result.executions:,} executions, {result.edges:,} of {result.edges_of:,} edges, "
            f"{result.inputs:,} inputs kept, {'FAILED' if result.failures else 'nothing found'}"
        )
        tell("fuzz", target, result.executions, given.seconds, "failed" if result.failures else "ok")
    print("\n".join(line for each in results.values() for line in each.failures), end="")
    if given.planted:
        subprocess.run([sys.executable, str(HERE / "coverage.py")], check=True)
    print(f"fuzz: {time.monotonic() - begun:.0f} s")
    return 1 if any(each.failures for each in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
