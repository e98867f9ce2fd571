"""Runs the guarantees, the race scripts and the C programs under AddressSanitizer and LeakSanitizer.

Usage: sanitize.py

First a right program must come to its end in silence, and the same with a fault must be stopped: a byte read past an allocation, memory used
after it was given back, memory lost. Then the tests follow, each program with whatever it says in target/sanitize/NAME.log.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRIPLE = "x86_64-unknown-linux-gnu"
BUILT = ROOT / "target" / "asan"
OUT = ROOT / "target" / "sanitize"
RUST = ["guarantees", "scripts"]
PLANTED = {
    "overflow": "AddressSanitizer: heap-buffer-overflow",
    "use-after-free": "AddressSanitizer: heap-use-after-free",
    "leak": "LeakSanitizer: detected memory leaks",
}
REPORT = re.compile(r"(Address|Leak)Sanitizer:? (?!can)[^\n]*")


def build() -> tuple[dict[str, Path], Path]:
    """Build the test programs and the static library; return where they are."""
    names = [*RUST, "planted"]
    command = ["cargo", "test", "--release", "--locked", "--features", "failpoints,mutants", "--target", TRIPLE]
    command += ["--target-dir", str(BUILT), "--no-run", "--message-format=json-render-diagnostics"]
    command += [word for name in names for word in ("--test", name)]
    env = {**os.environ, "RUSTC_BOOTSTRAP": "1", "RUSTFLAGS": "-Zsanitizer=address --cfg asan"}
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


def found(program: Path, fault: str, said: str) -> None:
    """Run the program with a planted fault, which must be found."""
    status, text = run(f"planted-{fault}", [str(program), fault])
    if status == 0 or said not in text:
        raise SystemExit(f"{text[-3000:]}\nsanitize: the planted {fault} was not found")
    print(f"sanitize: planted {fault}: found", flush=True)


def runtime() -> str:
    """Return the sanitizer's own library, as it comes with the compiler."""
    root = subprocess.run(["rustc", "--print", "sysroot"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    libraries = list((Path(root) / "lib" / "rustlib" / TRIPLE / "lib").glob("librustc-*_rt.asan.a"))
    if not libraries:
        raise SystemExit("sanitize: this Rust comes without AddressSanitizer")
    return str(libraries[0])


def compiled(name: str, sources: list[Path], library: Path) -> Path:
    """Compile a C program against the sanitized library. The objects call the sanitizer; its one library is that of the Rust compiler."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    folder = ROOT / "ffi-tests" / "c"
    objects = []
    for source in sources:
        objects.append(OUT / f"{name}-{source.stem}.o")
        flags = ["-std=c11", "-g", "-O1", "-fsanitize=address", "-I", str(ROOT / "include"), "-I", str(folder)]
        subprocess.run([*compiler, *flags, "-c", str(source), "-o", str(objects[-1])], check=True)
    program = OUT / name
    whole = ["-Wl,--whole-archive", runtime(), "-Wl,--no-whole-archive", "-Wl,--export-dynamic"]
    system = ["-lpthread", "-ldl", "-lm", "-lrt", "-lresolv"]
    subprocess.run([*compiler, *map(str, objects), str(library), *whole, *system, "-o", str(program)], check=True)
    return program


def main() -> int:
    """Build, find what was planted, run the tests."""
    OUT.mkdir(parents=True, exist_ok=True)
    programs, library = build()
    silent("planted-none", [str(programs["planted"]), "none"])
    for fault, said in PLANTED.items():
        found(programs["planted"], fault, said)
    for name in RUST:
        silent(name, [str(programs[name])])
    c = ROOT / "ffi-tests" / "c"
    (ROOT / "target" / "ffi-tests" / "c" / "claims").mkdir(parents=True, exist_ok=True)
    silent("client", [str(compiled("client", [c / "client.c"], library)), str(OUT / "export.json")])
    abuse = OUT / "abuse.c"
    generate = [sys.executable, str(c / "generate_abuse.py"), str(ROOT / "include" / "lifesign.h")]
    abuse.write_text(subprocess.run(generate, check=True, stdout=subprocess.PIPE, text=True).stdout)
    silent("abuse", [str(compiled("abuse", [abuse, c / "world.c"], library))])
    return 0


if __name__ == "__main__":
    sys.exit(main())
