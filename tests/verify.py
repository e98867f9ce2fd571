"""Runs the long shares of all tests and prints one table: guarantee, evidence, count, seconds, result.

Usage: verify.py [--short] [--only JOB[,JOB…] | --write docs/evidence.md]

Each job's output goes to target/verify/JOB.log. What the tests found is read from their own reports (libtest, go test, pytest) and from
the file of evidence to which they append, LIFESIGN_EVIDENCE. Which of it bears out which guarantee stands in tests/guarantees.toml; a guarantee
without evidence is shown as such, and evidence that is named there and did not come makes the run fail.
"""

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import time
import tomllib
import xml.etree.ElementTree
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "target" / "verify"
EVIDENCE = OUT / "evidence.tsv"

RELEASE = ["--release", "--locked"]
SCRIPTS = [*RELEASE, "--features", "failpoints,mutants", "--target-dir", "target/scripts"]
REFERENCE = [*RELEASE, "--features", "failpoints,mutants,arc-swap-cell", "--target-dir", "target/scripts"]
SHRUNK = [*RELEASE, "--features", "shrunk-counters", "--target-dir", "target/shrunk"]
LOOM = [*RELEASE, "--lib", "--features", "mutants", "--target-dir", "target/loom"]
SHUTTLE = [*RELEASE, "--lib", "--features", "mutants", "--target-dir", "target/shuttle"]


@dataclass
class Job:
    """Something to run, and how to read what it says."""

    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)
    folder: str = "."
    kind: str = "lines"
    flags: str = ""
    arguments: list[str] = field(default_factory=list)


def rust(name: str, build: list[str], *, flags: str = "", arguments: list[str] | None = None, **env: str) -> Job:
    """Return the job of a Rust test program, which is run by itself to learn how long each of its tests takes."""
    return Job(
        name, ["cargo", "test", *build, "--no-run", "--message-format=json"], env, ".", "rust", flags, arguments or []
    )


JOBS = [
    rust("unit", [*RELEASE, "--lib"]),
    rust("guarantees", [*SCRIPTS, "--test", "guarantees"]),
    rust("scripts", [*SCRIPTS, "--test", "scripts"], LIFESIGN_LONG="1"),
    rust("reference", [*REFERENCE, "--test", "guarantees", "--test", "scripts", "--test", "machine"]),
    rust("faults", [*SCRIPTS, "--test", "faults"], LIFESIGN_LONG="1"),
    rust("shrunk", [*SHRUNK, "--test", "shrunk"]),
    rust("story", [*SCRIPTS, "--test", "story"], LIFESIGN_LONG="1"),
    rust("machine", [*SCRIPTS, "--test", "machine"], LIFESIGN_SEQUENCES="100000"),
    rust("linearizable", [*SCRIPTS, "--test", "linearizable"], LIFESIGN_LONG="1"),
    rust(
        "models",
        LOOM,
        flags="--cfg loom",
        arguments=["models", "--test-threads=1"],
        LIFESIGN_ORDERINGS="all",
        LIFESIGN_MODEL_SECONDS="20",
    ),
    rust(
        "schedules",
        SHUTTLE,
        flags="--cfg shuttle",
        arguments=["schedules", "--test-threads=2"],
        LIFESIGN_SCHEDULES="200000",
    ),
    rust("soak", [*SCRIPTS, "--test", "soak"], LIFESIGN_SOAK_SECONDS="600", LIFESIGN_SOAK_HOURS="1000"),
    Job("c", ["ffi-tests/c/run.sh"]),
    Job("abi", ["make", "-s", "abi"]),
    Job("install", ["ffi-tests/install/test.sh"]),
    Job("sanitize", ["python3", "tests/sanitize.py"]),
    Job("fuzz", ["python3", "fuzz/run.py", "--planted", "--seconds", "300"]),
    Job("go", ["go", "test", "-count=1", "-race", "-json", "./..."], folder="go", kind="go"),
    # The race detector knows nothing of the library's memory: under it a status is a call.
    Job("direct", ["go", "test", "-count=1", "-json", "-run", "Status", "."], folder="go", kind="go"),
    Job("agent", ["go", "test", "-count=1", "-json", "./..."], folder="agent", kind="go"),
    Job(
        "python",
        [str(ROOT / "build/venv/bin/python"), "-m", "pytest", "-q", f"--junitxml={OUT}/python.xml"],
        folder="python",
        kind="python",
    ),
]


@dataclass
class Found:
    """One piece of evidence."""

    name: str
    count: int
    seconds: float
    result: str


def run(job: Job, command: list[str], log: Path, env: dict[str, str]) -> tuple[int, str]:
    """Run one command of a job, its output in ``log``; shows that it lives and returns its exit status and output."""
    started = time.monotonic()
    with log.open("a") as out:
        process = subprocess.Popen(
            command, cwd=ROOT / job.folder, env={**os.environ, **env}, stdout=out, stderr=subprocess.STDOUT
        )
        while process.poll() is None:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                last = log.read_text(errors="replace").rstrip().rsplit("\n", 1)[-1][:90]
                print(f"  {job.name}: {time.monotonic() - started:5.0f} s  {last}", flush=True)
    return process.returncode, log.read_text(errors="replace")


def executables(text: str) -> list[str]:
    """Return the test programs of a build."""
    messages = (json.loads(line) for line in text.splitlines() if line.startswith("{"))
    return [found for message in messages if (found := message.get("executable")) and message["profile"]["test"]]


def libtest(program: str, text: str) -> Iterator[Found]:
    """Read what a Rust test program reports, whatever its tests print in between."""
    for name, rest in re.findall(r"^test (\S+) \.\.\. (.*?)(?=^test |\Z)", text, flags=re.MULTILINE | re.DOTALL):
        verdict = re.search(r"(?:^|\s)(ok|FAILED|ignored)\b(?: <([\d.]+)s>)?", rest)
        result = {"ok": "ok", "FAILED": "failed", "ignored": "skipped"}[verdict[1]] if verdict else "failed"
        yield Found(f"{program}::{name}", 1, float(verdict[2] or 0) if verdict else 0, result)


def gotest(program: str, text: str) -> Iterator[Found]:
    """Read the events of ``go test -json``."""
    for line in text.splitlines():
        event = json.loads(line) if line.startswith("{") else {}
        if "Test" in event and event.get("Action") in ("pass", "fail", "skip"):
            result = {"pass": "ok", "fail": "failed", "skip": "skipped"}[event["Action"]]
            yield Found(f"{program}::{event['Test']}", 1, event.get("Elapsed", 0), result)


def pytest(program: str, path: Path) -> Iterator[Found]:
    """Read the report of pytest."""
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        kinds = {child.tag for child in case}
        result = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "ok"
        name = f"{program}::{case.get('classname', '').rsplit('.', 1)[-1]}::{case.get('name')}"
        yield Found(name, 1, float(case.get("time", 0)), result)


def perform(job: Job) -> tuple[int, float, list[Found]]:
    """Run a job; return its exit status, its seconds and what was found."""
    log = OUT / f"{job.name}.log"
    log.write_text("")
    EVIDENCE.write_text("")
    env = {**job.env, "LIFESIGN_EVIDENCE": str(EVIDENCE), "CI": "true", "RUST_BACKTRACE": "0"}
    if job.flags:
        env["RUSTFLAGS"] = job.flags
    started = time.monotonic()
    status, text = run(job, job.command, log, env)
    found: list[Found] = []
    if job.kind == "rust" and status == 0:
        started = time.monotonic()  # What was built before counts for the tests alone.
        for program in executables(text):
            log.write_text("")
            # Only this lets libtest tell how long each test took.
            timed = ["-Zunstable-options", "--report-time"]
            status, text = run(job, [program, *job.arguments, *timed], log, {**env, "RUSTC_BOOTSTRAP": "1"})
            found += libtest(job.name, text)
    elif job.kind == "go":
        found += gotest(job.name, text)
    elif job.kind == "python" and (OUT / "python.xml").exists():
        found += pytest(job.name, OUT / "python.xml")
    elif job.kind == "lines":
        found += [Found(f"{job.name}::{line}", 1, 0, "ok") for line in text.splitlines() if status == 0 and line]
    for line in EVIDENCE.read_text().splitlines():
        kind, name, count, seconds, result = line.split("\t")
        found.append(Found(f"{kind} {name}", int(count), float(seconds), result))
    return status, time.monotonic() - started, found


def machine() -> str:
    """Describe this machine and its tools in one line."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    version = lambda *command: subprocess.run(command, capture_output=True, text=True).stdout.split("\n")[0]  # noqa: E731
    return (
        f"{os.cpu_count()} cores ({cpu[1] if cpu else platform.machine()}), Linux {platform.release().split('-')[0]}, "
        f"{version('rustc', '--version')}, {version('go', 'version')}, Python {platform.python_version()}"
    )


def breaks(found: list[Found]) -> str:
    """Tell which break was noticed by which claim."""
    told = {(each.name.removeprefix("mutant "), each.result) for each in found if each.name.startswith("mutant ")}
    lines = [f"| `{name}` | {result.removeprefix('killed: ')} |" for name, result in sorted(told)]
    names = {name.split(" in ")[0] for name, _ in told}
    head = f"{len(names)} breaks, each a line of the source that a test switches on by name, each noticed by the assertion named for it."
    return "\n".join(["## Mutants", "", head, "", "| break | noticed by |", "|---|---|", *lines, ""]) if told else ""


def models(found: list[Found]) -> str:
    """Tell how far each model was explored."""
    explored = sorted((each for each in found if each.name.startswith("model ")), key=lambda each: each.name)
    if not explored:
        return ""
    head = (
        f"{len(explored)} models, each explored by loom in both roles: at so many preemptions to the end (exhausted) or to a cap of time "
        "(capped), at two with stepped atomics too. At two all are exhausted, or `make test` fails."
    )
    lines = [
        f"| `{each.name.removeprefix('model ')}` | {each.count:,} | {each.seconds:.1f} | {each.result} |"
        for each in explored
    ]
    return "\n".join(
        ["## Models", "", head, "", "| model | executions | seconds | bounds |", "|---|--:|--:|---|", *lines, ""]
    )


def orderings(found: list[Found]) -> str:
    """Tell how each weaker ordering fared, and which places no model comes by."""

    def told(kind: str) -> list[tuple[str, str]]:
        return sorted((each.name.removeprefix(kind), each.result) for each in found if each.name.startswith(kind))

    tried, unexplored = told("ordering "), told("unexplored ")
    if not tried and not unexplored:
        return ""
    killed = [f"| `{name}` | {result} |" for name, result in tried if result.startswith("killed")]
    survived = [f"| `{name}` | {result} |" for name, result in tried if not result.startswith("killed")]
    head = (
        f"{len(tried)} weaker orderings were tried under loom, one at a time; {len(killed)} made a claim fail, {len(survived)} did not, for the "
        f"reasons below. {len(unexplored)} places that name an ordering no model comes by; they were not tried."
    )
    rows = ["| weaker | what became of it |", "|---|---|", *survived, *killed]
    rest = ["| place | no model comes by it |", "|---|---|", *(f"| `{name}` | {why} |" for name, why in unexplored)]
    return "\n".join(["## Orderings", "", head, "", *rows, "", *rest, ""])


@dataclass
class Row:
    """One line of the table."""

    guarantee: str
    evidence: str
    count: str
    seconds: str
    result: str


def judge(found: list[Found], ran: set[str]) -> list[Row]:
    """Hold what was found against what each guarantee needs."""
    rows = []
    for guarantee, wanted in tomllib.loads((ROOT / "tests" / "guarantees.toml").read_text()).items():
        if not wanted["evidence"]:
            rows.append(Row(guarantee, "none", "", "", "NO EVIDENCE"))
        for pattern in wanted["evidence"]:
            if re.split(r"::| ", pattern)[0] not in ran:
                continue
            some = [each for each in found if each.name.startswith(pattern)]
            bad = sorted({each.result for each in some} & {"failed", "skipped"})
            result = "MISSING" if not some else " ".join(bad).upper() or "ok"
            seconds = sum(each.seconds for each in some)
            rows.append(Row(guarantee, pattern, f"{sum(each.count for each in some):,}", f"{seconds:.1f}", result))
    return rows


def table(rows: list[Row]) -> str:
    """Write the rows as a table that is readable as it stands and in Markdown."""
    cells = [("guarantee", "evidence", "count", "seconds", "result")]
    cells += [(row.guarantee, f"`{row.evidence}`", row.count, row.seconds, row.result) for row in rows]
    widths = [max(len(cell[column]) for cell in cells) for column in range(5)]
    line = lambda cell: "| " + " | ".join(text.ljust(width) for text, width in zip(cell, widths, strict=True)) + " |"  # noqa: E731
    rule = (
        "|"
        + "|".join("-" * (width + 1) + (":" if column in (2, 3) else "-") for column, width in enumerate(widths))
        + "|"
    )
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:])])


KINDS = {
    "model": "models", "mutant": "models", "ordering": "models", "unexplored": "models", "schedule": "schedules", "linearizability": "linearizable",
    "state": "machine", "soak": "soak", "story": "story", "faults": "faults", "script": "agent",
    "sanitize": "sanitize", "fuzz": "fuzz",
}  # fmt: skip


def main() -> int:
    """Run the jobs, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="run the shares of `make test`")
    parser.add_argument("--only", default="", help="run these jobs only, separated by commas, and print the whole page")
    parser.add_argument("--write", type=Path, help="write the page to this file; of all jobs alone")
    given = parser.parse_args()
    if given.write and given.only:
        parser.error("--write is for a page of all jobs, not with --only")
    wanted = {name for name in given.only.split(",") if name} or {job.name for job in JOBS}
    if unknown := wanted - {job.name for job in JOBS}:
        raise SystemExit(f"verify: no such job: {', '.join(sorted(unknown))}")
    OUT.mkdir(parents=True, exist_ok=True)
    begun, found, failed, took = time.monotonic(), [], [], []
    for job in (job for job in JOBS if job.name in wanted):
        print(f"== {job.name}", flush=True)
        if given.short:
            job.env = {}
        status, seconds, some = perform(job)
        print(f"  {job.name}: {'ok' if status == 0 else 'FAILED'}, {len(some)} results, {seconds:.0f} s", flush=True)
        found += some
        took.append(f"{job.name} {seconds:.0f} s")
        if status != 0:
            failed.append(job.name)
            print((OUT / f"{job.name}.log").read_text(errors="replace")[-4000:], flush=True)
    ran = wanted | {kind for kind, job in KINDS.items() if job in wanted}
    rows = judge(found, ran)
    minutes = (time.monotonic() - begun) / 60
    text = f"{table(rows)}\n"
    more = "\n".join(part for part in (models(found), breaks(found), orderings(found)) if part)
    print(f"\n{text}\n{more if given.only else ''}\n{minutes:.0f} minutes: {', '.join(took)}")
    bad = [row for row in rows if row.result not in ("ok", "NO EVIDENCE")]
    if given.write:
        today = datetime.datetime.now(datetime.UTC).date()
        how = "make verify" if not given.short else "tests/verify.py --short"
        given.write.write_text(
            PAGE.format(
                how=how, date=today, machine=machine(), minutes=minutes, jobs=", ".join(took), table=text, more=more
            )
        )
    if failed or bad:
        print(
            f"verify: FAILED: {', '.join([*failed, *(f'{row.guarantee} {row.evidence}: {row.result}' for row in bad)])}"
        )
        return 1
    without = [row.guarantee for row in rows if row.result == "NO EVIDENCE"]
    print(f"verify: every guarantee is borne out{f', but for {chr(44).join(without)}' if without else ''}")
    return 0


PAGE = """# Evidence

What `{how}` found on {date}, in {minutes:.0f} minutes, on {machine}. Each row is what bears out a guarantee: a family of tests by the start
of its name, or what a run of its own counted (executions of a model, schedules, operations, comparisons). A guarantee without evidence would stand
here as such.

{table}
Jobs: {jobs}.

{more}"""

if __name__ == "__main__":
    sys.exit(main())
