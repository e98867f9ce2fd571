#!/usr/bin/env python3
"""Runs the tutorials and how-tos under docs/ as they stand there.

Each page has a folder that is empty at first, and a shell that stays. Its fenced blocks are taken in their order:

  ```go main.go   a file of that name, written as it stands; the line before the block must name it too, for people do
                  not see what stands behind the fence
  ```console      commands behind `$ `, each of which must succeed and print the lines below it

In a console `…/lifesign` is the checkout, and in what is printed any other `…` stands for whatever differs from run to
run: within a line, or for any lines where it stands alone. A block of another kind is a mistake, and so is a page
without a console.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("docs/tutorial/*.md", "docs/howto/*.md")
PATIENCE = 300.0
"""Seconds that one command may take: the first build of the Rust pages takes the longest."""
FENCE = re.compile(r"^```([^`\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
END = "\x1e"
"""What separates the output of one command from that of the next; nothing else prints it."""


class Wrong(Exception):
    """A page does not do what it says."""


@dataclass
class Block:
    """A fenced block: the words behind its fence, its text, the number of its first line and the line before it."""

    words: list[str]
    text: str
    line: int
    before: str


def blocks(page: str) -> list[Block]:
    found = []
    for match in FENCE.finditer(page):
        above = page[: match.start()]
        before = (above.rstrip().splitlines() or [""])[-1]
        found.append(Block(match[1].split(), match[2], above.count("\n") + 1, before))
    if (fences := len(re.findall(r"^\s*(?:```|~~~)", page, re.MULTILINE))) != 2 * len(found):
        raise Wrong(f"{fences} fences make not {len(found)} blocks: each begins and ends with ``` in the first column")
    if re.search(r"^(?: {4}|\t)", FENCE.sub("", page), re.MULTILINE):
        raise Wrong("a line outside the blocks is indented by four or more: a block without a fence is not run")
    return found


def commands(text: str) -> list[tuple[str, str]]:
    """Split a console block into commands and what each is to print."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif not found:
            raise Wrong("the console begins without a command: `$ ` stands before each")
        elif found[-1][0].endswith("\\\n"):
            found[-1] = (found[-1][0] + line, "")
        else:
            found[-1] = (found[-1][0], found[-1][1] + line)
    return found


def as_pattern(expected: str) -> str:
    """What the lines of a page may look like in truth."""
    return "".join(
        r"(?:.*\n)*?" if line == "…" else ".*".join(re.escape(part) for part in line.split("…")) + r"\n"
        for line in expected.splitlines()
    )


class Shell:
    """A shell that stays for a page, so that a folder entered and a variable exported in one block hold in the next."""

    def __init__(self, folder: Path) -> None:
        environment = os.environ | {
            # So that the library is built once for all runs of the pages in Rust, and sooner.
            "CARGO_TARGET_DIR": str(ROOT / "target" / "docs"),
            "CARGO_PROFILE_DEV_DEBUG": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        environment.pop("MAKEFLAGS", None)
        self.process = subprocess.Popen(
            ["bash", "--norc"], cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip

    def run(self, command: str) -> tuple[str, str]:
        """Run one command; return its exit status and all it printed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        late = threading.Timer(PATIENCE, self.end)
        late.start()
        self.process.stdin.write(f"{{\n{command}\n}} </dev/null\nprintf '{END}%s{END}\\n' $?\n")
        self.process.stdin.flush()
        printed = ""
        while (line := self.process.stdout.readline()) and END not in line:
            printed += line
        late.cancel()
        if not line:
            raise Wrong(f"the shell has ended, or {PATIENCE:.0f} seconds were not enough, at: {command}{printed}")
        last, status, _ = line.split(END)
        return status, printed + last + "\n" * bool(last)

    def end(self) -> None:
        """End the shell and everything that was started in it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def console(block: Block, shell: Shell) -> int:
    given = commands(block.text)
    for command, expected in given:
        status, printed = shell.run(command.replace("…/lifesign", str(ROOT)))
        if status != "0":
            raise Wrong(f"`{command.strip()}` ended with {status} and printed:\n{printed}")
        if not re.fullmatch(as_pattern(expected), printed):
            raise Wrong(f"`{command.strip()}` printed:\n{printed}\nand not, as the page says:\n{expected}")
    return len(given)


def run(path: Path) -> str:
    """Run a page; return what was run."""
    found = blocks(path.read_text())
    if not any(block.words == ["console"] for block in found):
        raise Wrong("nothing is run: it has no console block")
    ran = files = 0
    with tempfile.TemporaryDirectory() as folder:
        shell = Shell(Path(folder))
        try:
            for block in found:
                try:
                    if block.words == ["console"]:
                        ran += console(block, shell)
                    elif len(block.words) == 2:
                        write(block, shell)
                        files += 1
                    else:
                        raise Wrong("the block is neither a console nor does it have a language and the name of a file")
                except Wrong as wrong:
                    raise Wrong(f"line {block.line}: {wrong}") from None
        finally:
            shell.end()
    return f"{ran} commands and {files} files"


def write(block: Block, shell: Shell) -> None:
    name = block.words[1]
    if f"`{name}`" not in block.before:
        raise Wrong(f"the line before the block does not name `{name}`, so people do not see where it goes")
    folder = shell.run("pwd")[1].strip()
    path = Path(folder) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text)


def attempt(path: Path) -> bool:
    began, name = time.monotonic(), path.relative_to(ROOT)
    try:
        told, good = run(path), True
    except Wrong as wrong:
        told, good = str(wrong), False
    print(f"{name}: {'' if good else 'FAILED: '}{told} ({time.monotonic() - began:.1f} s)", flush=True)
    return good


def main() -> int:
    """Run the pages named, or all of them; the slow ones first, as many at a time as there are cores."""
    named = [Path(name).resolve() for name in sys.argv[1:]]
    pages = named or [page for each in PAGES for page in sorted(ROOT.glob(each))]
    pages.sort(key=lambda page: (page.name != "rust.md", page.parent.name != "tutorial"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        good = list(pool.map(attempt, pages))
    return 0 if good and all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
