"""Reports which lines of the library the fuzzer has come by: how many in each folder of src, and of the C ABI in each file.

Usage: coverage.py [FOLDER OF INPUTS …]; without any the inputs that run.py has kept in target/fuzz/corpus.

The inputs are run once more by targets that count lines. rustup's component llvm-tools reads the counts; without it this is skipped.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from run import HERE, KEPT, ROOT, TARGETS, TRIPLE

FLAGS = ["--cfg fuzzing", "-Cinstrument-coverage", "-Zsanitizer=address"]


def tools() -> Path:
    """Return where the compiler keeps the tools that belong to it."""
    root = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    return Path(root) / "lib" / "rustlib" / TRIPLE / "bin"


def lines(report: dict[str, list[dict[str, dict[str, dict[str, int]]]]]) -> dict[str, tuple[int, int]]:
    """Return of each part of the library how many of its lines were come by, and how many it has."""
    found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for each in report["data"][0]["files"]:
        path = Path(str(each["filename"]))
        if not path.is_relative_to(ROOT / "src"):
            continue
        inside = path.relative_to(ROOT)
        counted = each["summary"]["lines"]
        for part in {str(inside.parent), str(inside)} if inside.parts[1] == "ffi" else {str(inside.parent)}:
            covered, all_of = found[part]
            found[part] = covered + counted["covered"], all_of + counted["count"]
    return found


def main() -> int:
    """Build, run, report."""
    if not (tools() / "llvm-cov").exists():
        print(
            "SKIPPED: lines that were fuzzed (the compiler's tools are not installed: rustup component add llvm-tools)"
        )
        return 0
    folder = ROOT / "target" / "fuzz-coverage"
    environment = {**os.environ, "RUSTC_BOOTSTRAP": "1", "RUSTFLAGS": " ".join(FLAGS)}
    command = ["cargo", "build", "--release", "--locked", "--target", TRIPLE, "--target-dir", str(folder)]
    subprocess.run(command, cwd=HERE, env=environment, check=True)
    binaries = [folder / TRIPLE / "release" / target for target in TARGETS]
    with tempfile.TemporaryDirectory() as scratch:
        for binary in binaries:
            kept = [Path(name) for name in sys.argv[1:]] or [KEPT / "corpus" / binary.name]
            inputs = [*(str(each) for each in kept if each.is_dir()), str(HERE / "corpus" / binary.name)]
            # -runs=0 runs what is kept and makes up nothing.
            run = [str(binary), "-runs=0", "-timeout=60", *inputs]
            counts = {**os.environ, "LLVM_PROFILE_FILE": f"{scratch}/{binary.name}-%p.profraw", "TMPDIR": scratch}
            subprocess.run(run, env=counts, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        merged = Path(scratch) / "all.profdata"
        raw = [str(each) for each in Path(scratch).glob("*.profraw")]
        subprocess.run([str(tools() / "llvm-profdata"), "merge", "-sparse", *raw, "-o", str(merged)], check=True)
        exporting = [
            str(tools() / "llvm-cov"),
            "export",
            "--summary-only",
            f"--instr-profile={merged}",
            str(binaries[0]),
        ]
        exporting += [f"--object={binary}" for binary in binaries[1:]]
        report = json.loads(subprocess.run(exporting, capture_output=True, check=True).stdout)
    for part, (covered, all_of) in sorted(lines(report).items()):
        print(f"coverage: {part}: {covered:,} of {all_of:,} lines, {100 * covered / all_of:.0f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
