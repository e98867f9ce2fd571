"""Runs the guarantees, the race scripts and the C programs under AddressSanitizer and LeakSanitizer, and under ThreadSanitizer.

Usage: sanitize.py [address | thread]

First a right program must come to its end in silence, in Rust and in C, and the same with a fault must be stopped: a byte read past an
allocation, memory used after it was given back, memory lost, a data race. Then the tests follow, each program with whatever it says in
target/sanitize/NAME.log.
ThreadSanitizer must see what the standard library does, which is built for it from its sources; where they are not installed that part is
skipped by name.
"""

import json
import os
import platform
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRIPLE = f"{platform.machine()}-unknown-linux-gnu"
OUT = ROOT / "target" / "sanitize"
RUST = ["guarantees", "scripts"]
PLANTED = {
    "address": {
        "overflow": "AddressSanitizer: heap-buffer-overflow",
        "use-after-free": "AddressSanitizer: heap-use-after-free",
        "leak": "LeakSanitizer: detected memory leaks",
    },
    "thread": {"race": "ThreadSanitizer: data race"},
}
# The same for the C program: what the caller does wrong, the library does.
PLANTED_IN_C = {
    "address": {"overflow": "AddressSanitizer: heap-buffer-overflow"},
    "thread": {"race": "ThreadSanitizer: data race"},
}
RUNTIMES = {"address": "asan", "thread": "tsan"}
# Tests whose forked children start threads.
FORKING = [
    "claims::x1_a_child_forked_in_the_middle_keeps_nothing",
    "claims::x1_a_child_of_a_fork_that_had_begun_keeps_nothing",
    "threads::b5_no_thread_is_started",
]
# By itself a program cannot know which it was built for.
FLAGS = {"address": "-Zsanitizer=address --cfg asan", "thread": "-Zsanitizer=thread --cfg tsan"}
REPORT = re.compile(r"(Address|Leak|Thread)Sanitizer:? (?!can)[^\n]*")


def build(sanitizer: str) -> tuple[dict[str, Path], Path]:
    """Build the test programs and the static library for a sanitizer; return where they are."""
    names = [*RUST, "planted"]
    command = ["cargo", "test", "--release", "--locked", "--features", "failpoints,mutants", "--target", TRIPLE]
    command += [
        "--target-dir",
        str(ROOT / "target" / sanitizer),
        "--no-run",
        "--message-format=json-render-diagnostics",
    ]
    command += ["-Zbuild-std"] if sanitizer == "thread" else []
    command += [word for name in names for word in ("--test", name)]
    env = {**os.environ, "RUSTC_BOOTSTRAP": "1", "RUSTFLAGS": FLAGS[sanitizer]}
    told = subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
    programs, library = {}, None
    for line in told.splitlines():
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("executable") and message["target"]["name"] in names:
            programs[message["target"]["name"]] = Path(message["executable"])
        if message.get("reason") == "compiler-artifact" and message["target"]["name"] == "lifesign":
            library = next((Path(each) for each in message["filenames"] if each.endswith(".a")), library)
    if library is None or len(programs) != len(names):
        raise SystemExit("sanitize: the build has not told where its programs are")
    return programs, library


def run(name: str, command: list[str], **env: str) -> tuple[int, str]:
    """Run a program, its output in a file; return its exit status and what it said."""
    log = OUT / f"{name}.log"
    with log.open("w") as out:
        status = subprocess.run(
            command, cwd=ROOT, stdout=out, stderr=out, env={**os.environ, **env}, check=False
        ).returncode
    return status, log.read_text(errors="replace")


def silent(name: str, command: list[str], **env: str) -> None:
    """Run a program that must succeed and make no sanitizer speak."""
    begun = time.monotonic()
    status, text = run(name, command, **env)
    if status != 0 or REPORT.search(text):
        raise SystemExit(f"{text[-6000:]}\nsanitize: {name} failed with {status}: see {OUT / name}.log")
    passed = re.search(r"test result: ok\. (\d+) passed", text)
    count = f"{passed[1]} tests, " if passed else ""
    print(f"sanitize: {name}: {count}nothing found, {time.monotonic() - begun:.0f} s", flush=True)
    if path := os.environ.get("LIFESIGN_EVIDENCE"):
        with Path(path).open("a") as out:
            out.write(f"sanitize\t{name}\t{passed[1] if passed else 1}\t{time.monotonic() - begun:.1f}\tok\n")


def planted(name: str, program: Path, faults: dict[str, str]) -> None:
    """Run a program as it is right, which must be silent, and with each fault, which must be found."""
    silent(f"{name}-none", [str(program), "none"])
    for fault, said in faults.items():
        status, text = run(f"{name}-{fault}", [str(program), fault])
        if status == 0 or said not in text:
            raise SystemExit(f"{text[-3000:]}\nsanitize: {name}: {fault} was not found")
        print(f"sanitize: {name}: {fault} found", flush=True)


def rustlib() -> Path:
    """Return where the compiler keeps its libraries."""
    root = subprocess.run(["rustc", "--print", "sysroot"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return Path(root) / "lib" / "rustlib"


def runtime(sanitizer: str) -> str:
    """Return the sanitizer's own library, as it comes with the compiler."""
    libraries = list((rustlib() / TRIPLE / "lib").glob(f"librustc-*_rt.{RUNTIMES[sanitizer]}.a"))
    if not libraries:
        raise SystemExit(f"sanitize: this Rust comes without a runtime for the {sanitizer} sanitizer")
    return str(libraries[0])


def compiled(sanitizer: str, sources: list[Path], library: Path) -> Path:
    """Compile a C program against the sanitized library. The objects call the sanitizer; its one library is that of the Rust compiler."""
    name = f"{sanitizer}-{sources[0].stem}"
    compiler = shlex.split(os.environ.get("CC", "cc"))
    folder = ROOT / "ffi-tests" / "c"
    objects = []
    for source in sources:
        objects.append(OUT / f"{name}-{source.stem}.o")
        flags = ["-std=c11", "-g", "-O1", f"-fsanitize={sanitizer}", "-I", str(ROOT / "include"), "-I", str(folder)]
        subprocess.run([*compiler, *flags, "-c", str(source), "-o", str(objects[-1])], check=True)
    program = OUT / name
    whole = ["-Wl,--whole-archive", runtime(sanitizer), "-Wl,--no-whole-archive", "-Wl,--export-dynamic"]
    system = ["-lpthread", "-ldl", "-lm", "-lrt", "-lresolv"]
    subprocess.run([*compiler, *map(str, objects), str(library), *whole, *system, "-o", str(program)], check=True)
    return program


def rust_tests(sanitizer: str) -> Path:
    """Find what is planted and run the Rust tests; return the static library."""
    programs, library = build(sanitizer)
    planted(f"{sanitizer}-planted", programs["planted"], PLANTED[sanitizer])
    for name in RUST:
        skipped = FORKING if (sanitizer, name) == ("thread", "guarantees") else []
        for each in skipped:
            print(f"sanitize: skipped under ThreadSanitizer, which knows no threads in a forked child: {each}")
        silent(f"{sanitizer}-{name}", [str(programs[name]), *(word for each in skipped for word in ("--skip", each))])
    return library


def c_programs(sanitizer: str, library: Path) -> None:
    """Find what is planted in the C program and run those of the tests."""
    c = ROOT / "ffi-tests" / "c"
    (ROOT / "target" / "ffi-tests" / "c" / "claims").mkdir(parents=True, exist_ok=True)
    faulty = compiled(sanitizer, [ROOT / "tests" / "sanitizers" / "planted.c"], library)
    planted(f"{sanitizer}-planted-c", faulty, PLANTED_IN_C[sanitizer])
    silent(f"{sanitizer}-client", [str(compiled(sanitizer, [c / "client.c"], library)), str(OUT / "export.json")])
    silent(f"{sanitizer}-readers", [str(compiled(sanitizer, [c / "readers.c"], library))])
    abuse = OUT / "abuse.c"
    generate = [sys.executable, str(c / "generate_abuse.py"), str(ROOT / "include" / "lifesign.h")]
    abuse.write_text(subprocess.run(generate, check=True, stdout=subprocess.PIPE, text=True).stdout)
    silent(f"{sanitizer}-abuse", [str(compiled(sanitizer, [abuse, c / "world.c"], library))])


def sources() -> bool:
    """Tell whether the standard library can be built from its sources."""
    return (rustlib() / "src" / "rust" / "library" / "Cargo.lock").exists()


def main() -> int:
    """Run what is asked for, or all of it."""
    wanted = sys.argv[1:] or ["address", "thread"]
    OUT.mkdir(parents=True, exist_ok=True)
    for sanitizer in wanted:
        if sanitizer == "thread" and not sources():
            print(
                "SKIPPED: ThreadSanitizer (the sources of the standard library are not there: rustup component add rust-src)"
            )
            return 1 if os.environ.get("CI") else 0
        c_programs(sanitizer, rust_tests(sanitizer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
