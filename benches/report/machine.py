"""On what was measured."""

import datetime
import os
import platform
import subprocess
from pathlib import Path


def said_by(*command: str) -> str:
    """Return what a tool says of itself, or that it is missing."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "missing"


def cpu() -> str:
    """Return the processor's name."""
    known = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in known if line.startswith("model name")), platform.machine())


def libc() -> str:
    """Return the C library's version."""
    return (os.confstr("CS_GNU_LIBC_VERSION") or "unknown") if hasattr(os, "confstr") else "unknown"


def memory() -> str:
    """Return how much memory there is."""
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def describe() -> dict[str, str]:
    """Return the machine's description."""
    go = said_by("go", "version").split()
    return {
        "CPU": cpu(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": memory(),
        "kernel": platform.release(),
        "rustc": said_by("rustc", "--version").removeprefix("rustc "),
        "Go": go[2].removeprefix("go") if len(go) > 2 else "missing",
        "Python": platform.python_version(),
        "libc": libc(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
