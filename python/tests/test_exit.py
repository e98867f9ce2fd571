"""The end of the interpreter, whatever is going on: it ends as it was told to, without a signal and without a word."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import lifesign

LIMIT = 60

BEFORE = """
import asyncio, atexit, os, signal, sys, threading, time
from lifesign import Engine, Status

engine = Engine("exits")
check = engine.register_check("a", service=engine.register_service("web"))
alias = engine.register_alias("b", "web")
token = check.acquire("runner", lease=60.0)
subscription = engine.subscribe()
group = engine.group([check, alias])
while subscription.poll().more:
    pass

def started(*calls):
    for call in calls:
        threading.Thread(target=call, daemon=True).start()

def for_ever(call):
    def repeat():
        while True:
            call()
    return repeat
"""

EXITS = {
    "everything is open": ("pass", 0),
    "a descriptor is open": ("subscription.fileno()", 0),
    "an exit in a block": ("with token, subscription, engine: sys.exit(3)", 3),
    "an exit at once": ("os._exit(4)", 4),
    "the engine is in a cycle": (
        "cycle = [engine, token]; cycle.append(cycle); del engine, token, check, alias, group",
        0,
    ),
    "only a subscription is left": ("token.close(); del engine, token, check, alias, group", 0),
    "the end closes": ("atexit.register(engine.close); atexit.register(token.update, Status.PASSING)", 0),
    "a daemon waits": ("started(subscription.wait); time.sleep(0.05)", 0),
    "a daemon waits for the next event": ("started(lambda: list(subscription)); time.sleep(0.05)", 0),
    # The end may come between the making of a net and the word that it is not for the end: it warns then.
    "daemons are in calls": (
        "import warnings; warnings.simplefilter('ignore', ResourceWarning);"
        " started(for_ever(lambda: token.update(Status.WARNING)), for_ever(check.snapshot), for_ever(group.statuses),"
        " for_ever(lambda: check.status), for_ever(lambda: engine.subscribe().close()),"
        " for_ever(subscription.poll), for_ever(engine.audit)); time.sleep(0.1)",
        0,
    ),
    "daemons are in calls and all is closed": (
        "started(for_ever(lambda: token.update(Status.WARNING)), for_ever(check.snapshot), subscription.wait);"
        " threading.excepthook = lambda arguments: None; time.sleep(0.05); engine.close()",
        0,
    ),
    "a joined thread waits until the end closes": (
        "threading.Thread(target=lambda: list(subscription)).start(); time.sleep(0.05); engine.close()",
        0,
    ),
    "a task waits": (
        """
async def changes():
    async for event in subscription:
        pass
async def main():
    task = asyncio.create_task(changes())
    await asyncio.sleep(0.01)
asyncio.run(main())
""",
        0,
    ),
    "a task waits in a loop that exits": (
        """
async def changes():
    async for event in subscription:
        pass
async def main():
    task = asyncio.create_task(changes())
    await asyncio.sleep(0.01)
    sys.exit(5)
asyncio.run(main())
""",
        5,
    ),
    "a forked child ends like any program": (
        """
started(for_ever(lambda: token.renew()))
child = os.fork()
if child:
    assert os.waitpid(child, 0)[1] == 0
    token.update(Status.CRITICAL, "the parent still writes")
    assert [event.id for event in subscription.poll().events] == ["a", "b"]
    assert engine.audit() == 0
else:
    mine = Engine("child")
    held = mine.register_check("a").acquire()
    changes = mine.subscribe()
""",
        0,
    ),
}


def ends(program: str, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end with the package that is tested here."""
    environment = {**os.environ, "PYTHONPATH": str(Path(lifesign.__file__).parents[1])}
    command = [sys.executable, *options, "-c", BEFORE + program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False)


@pytest.mark.parametrize("program", EXITS)
def test_it_ends_as_it_was_told_to(program: str) -> None:
    code, expected = EXITS[program]
    # Warnings about fork beside threads are Python's own, and right.
    done = ends(code, "-X", "dev", "-W", "ignore::DeprecationWarning")
    assert (done.returncode, done.stderr) == (expected, "")


def test_what_is_raised_is_all_that_is_said() -> None:
    done = ends("with token, subscription: raise ZeroDivisionError('of mine')")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: of mine"
    assert "lifesign" not in done.stderr.replace(str(Path(lifesign.__file__).parent), "lifesign")


@pytest.mark.parametrize(
    "wait",
    [
        "subscription.wait()",
        "for event in subscription: pass",
        "asyncio.run(asyncio.wait_for(subscription.ready(), None))",
        "check.take_over(token.generation).join(token)",
    ],
)
def test_an_interrupt_ends_a_wait(wait: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(lifesign.__file__).parents[1])}
    # Who starts the tests in the background may have had the signal ignored.
    heard = "signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = [sys.executable, "-c", f"{BEFORE}{heard}\nprint('waits', flush=True)\n{wait}"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as waiting:
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "waits\n"
        time.sleep(0.1)
        waiting.send_signal(signal.SIGINT)
        try:
            _, said = waiting.communicate(timeout=LIMIT)
        finally:
            waiting.kill()
    assert waiting.returncode == -signal.SIGINT
    assert said.splitlines()[-1] == "KeyboardInterrupt"


def test_a_sub_interpreter_has_engines_of_its_own() -> None:
    """As far as ctypes goes: 3.12 does not let it into an interpreter with a lock of its own, and says so."""
    own = """
from lifesign import Engine, Status
with Engine("sub") as engine, engine.register_check("a").acquire() as token, engine.subscribe() as changes:
    token.update(Status.PASSING)
    assert next(iter(changes)).status is engine.check("a").status is Status.PASSING
    assert len(engine.checks()) == 1
"""
    program = f"""
own = {own!r}
if sys.version_info >= (3, 13):
    import _interpreters as interpreters
    def made(isolated): return interpreters.create("isolated" if isolated else "legacy")
else:
    import _xxsubinterpreters as interpreters
    def made(isolated): return interpreters.create(isolated=isolated)
for isolated in (False, True):
    inner = made(isolated)
    try:
        failed = interpreters.run_string(inner, own)
        said = str(getattr(failed, "msg", failed))
    except interpreters.RunFailedError as error:
        said = str(error)
    print(isolated, said)
    interpreters.destroy(inner)
token.update(Status.WARNING)
print(check.status, engine.audit())
"""
    done = ends(program, "-W", "ignore::DeprecationWarning")
    assert (done.returncode, done.stderr) == (0, "")
    shared, isolated, after = done.stdout.splitlines()
    assert shared == "False None"
    if sys.version_info[:2] == (3, 12):
        assert "_ctypes does not support loading in subinterpreters" in isolated
    else:
        assert isolated == "True None"
    assert after == "warning 0"
