"""Other processes: what a child is told, that it can go on by itself, and that the parent does not notice."""

import multiprocessing
import os
import signal
import sysconfig
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.context import BaseContext
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import pytest

import lifesign
from conftest import World
from everything import CLOSING, NOT_ASKED, Everything
from lifesign import Engine, ForkedError, Status
from test_everything_at_once import run_all
from test_fork import in_child

LIMIT = 60

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.. may lead to deadlocks:DeprecationWarning")

METHODS = ["fork", "forkserver", "spawn"]

inherited: list[World] = []
"""What a forked child finds; in a spawned one it is empty."""


@pytest.fixture(params=METHODS)
def processes(request: pytest.FixtureRequest, world: World) -> Iterator[BaseContext]:
    inherited.append(world)
    yield multiprocessing.get_context(request.param)
    inherited.clear()


def said(call: Callable[[], object]) -> str:
    """Return what a call raises that does not reach across a fork; nothing if it raises nothing."""
    try:
        call()
    except ForkedError as error:
        return str(error)
    return ""


def of_its_own(number: int) -> list[str]:
    """What a child says of the parent's engine, and of one that it opens."""
    parents = [said(world.check.snapshot) for world in inherited]
    with Engine("child") as engine, engine.register_check("a").acquire(f"child {number}") as token:
        with engine.subscribe() as changes:
            token.update(Status.WARNING, f"{number}")
            event = next(iter(changes))
        return [*parents, event.state.output, str(token.record.pid == os.getpid())]


def tell(number: int, answer: "SimpleQueue[list[str]]") -> None:
    answer.put(of_its_own(number))


def undisturbed(world: World) -> None:
    """The parent's writer, readers and subscribers are what they were."""
    with world.engine.subscribe(check=world.check) as changes:
        while changes.poll().more:
            pass
        world.token.update(Status.CRITICAL, "still here")
        assert next(iter(changes)).state.output == "still here"
    assert world.alias.status is Status.CRITICAL
    assert (world.engine.audit(), world.engine.stats().internal_errors) == (0, 0)


@pytest.mark.parametrize("descriptor", [False, True], ids=["", "descriptor made"])
@pytest.mark.parametrize("opened", [False, True], ids=["", "engine opened"])
def test_every_call_of_a_child_says_what_to_do(tmp_path: Path, descriptor: bool, opened: bool) -> None:
    everything = Everything(tmp_path)
    if descriptor:
        everything.subscription.fileno()
    asked = sorted(everything.calls.keys() - CLOSING)

    def child() -> dict[str, str]:
        if opened:
            Engine("child").register_check("web:http").acquire()
        return {name: said(everything.calls[name]) for name in [*asked, *sorted(CLOSING)]}

    for name, line in in_child(child).items():
        if name in CLOSING or (name in NOT_ASKED and name != "Subscription.ready"):
            assert line == "", name
        else:
            assert line.endswith("open a fresh engine here: engine = lifesign.Engine()"), name
            assert "\n" not in line
    assert repr(everything.check) == "<Check 'web:http' critical>"
    assert in_child(lambda: repr(everything.check)) == "<Check 'web:http' forked>"
    everything.token.update(Status.PASSING)
    assert everything.claim.state.held
    everything.close()


def test_a_process_of_every_kind_goes_on_by_itself(
    world: World, processes: BaseContext, capfd: pytest.CaptureFixture[str]
) -> None:
    answer: SimpleQueue[list[str]] = processes.SimpleQueue()
    child = processes.Process(target=tell, args=(7, answer))  # type: ignore[attr-defined]
    child.start()
    told = answer.get()
    child.join(LIMIT)
    assert child.exitcode == 0
    *parents, output, own = told
    assert (output, own) == ("7", "True")
    if processes.get_start_method() == "fork":
        (parent,) = parents
        assert parent.endswith("engine = lifesign.Engine()")
    undisturbed(world)
    assert capfd.readouterr().err == ""


def test_a_pool_of_every_kind(world: World, processes: BaseContext) -> None:
    with ProcessPoolExecutor(2, mp_context=processes) as pool:
        for number, told in enumerate(pool.map(of_its_own, range(6))):
            assert told[-2:] == [f"{number}", "True"]
    undisturbed(world)


def test_values_travel_to_a_pool_and_handles_do_not(world: World, processes: BaseContext) -> None:
    with ProcessPoolExecutor(1, mp_context=processes) as pool:
        state = world.check.snapshot()
        assert pool.submit(repr, state).result(LIMIT) == repr(state)
        with pytest.raises(lifesign.HeldError) as refused:
            world.check.acquire("another")
        assert pool.submit(str, refused.value).result(LIMIT) == str(refused.value)
        with pytest.raises(TypeError, match="a Token stands for memory of this process"):
            pool.submit(repr, world.token).result(LIMIT)


@pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    reason="without the global lock CPython has many, and a fork beside threads leaves some of them held in the child",
)
def test_a_fork_in_a_thread_during_everything(tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    """Whatever the other threads are in the middle of, the child closes what it has and opens its own."""
    everything = Everything(tmp_path)
    over = threading.Event()
    began = [threading.Semaphore(0) for _ in range(3)]
    running = [threads.submit(run_all, everything, seed, over.is_set, mine) for seed, mine in enumerate(began)]

    def child() -> list[str]:
        signal.alarm(LIMIT)
        line = said(everything.check.snapshot)
        fresh = of_its_own(1)
        for owned in (everything.subscription, everything.token, everything.engine):
            owned.close()
        return [line, *fresh]

    try:
        for mine in began:
            assert mine.acquire(timeout=LIMIT)
        for _ in range(20):
            line, output, own = threads.submit(in_child, child).result(LIMIT)
            assert line.endswith("engine = lifesign.Engine()")
            assert (output, own) == ("1", "True")
    finally:
        over.set()
    assert all(future.result(LIMIT) for future in running)
    assert everything.engine.audit() == 0
    everything.close()


def test_a_fork_while_another_thread_makes_a_descriptor(
    world: World, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That thread does not go on in the child: nobody there may wait for it."""
    inside, go_on = threading.Event(), threading.Event()
    duplicate = os.dup

    def slow(descriptor: int) -> int:
        inside.set()
        assert go_on.wait(LIMIT)
        return duplicate(descriptor)

    monkeypatch.setattr(os, "dup", slow)
    with world.engine.subscribe() as subscription:
        making = threads.submit(subscription.fileno)
        assert inside.wait(LIMIT)
        monkeypatch.undo()

        def child() -> str:
            signal.alarm(LIMIT // 2)
            subscription.close()
            return "closed"

        assert in_child(child) == "closed"
        go_on.set()
        assert making.result(LIMIT) == subscription.fileno()
    undisturbed(world)
