"""Signals: a handler that raises ends a wait at once, and leaves everything as it was."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from types import FrameType

import pytest

from conftest import World
from lifesign import ClosedError, Cursor, Status, Subscription

LIMIT = 60


class InterruptedByTest(BaseException):
    """What the handler raises; like a KeyboardInterrupt nobody catches it by accident."""


@contextmanager
def interrupts(first: float, every: float = 0.0) -> Iterator[None]:
    """Interrupt the main thread after so many seconds, once or again and again, until the block ends."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise InterruptedByTest

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, first, every)
        yield
    finally:
        # The last of them may come here.
        while True:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, before)
                break
            except InterruptedByTest:
                continue


def drained(subscription: Subscription) -> Subscription:
    while subscription.poll().more:
        pass
    return subscription


WAITS: dict[str, Callable[[Subscription], object]] = {
    "wait": lambda subscription: subscription.wait(),
    "wait with a timeout": lambda subscription: subscription.wait(LIMIT),
    "iteration": lambda subscription: next(iter(subscription)),
    "event loop": lambda subscription: asyncio.run(subscription.ready()),
}


@pytest.mark.parametrize("wait", WAITS)
def test_a_wait_is_interrupted_and_goes_on(world: World, wait: str) -> None:
    with drained(world.engine.subscribe(check=world.check)) as subscription:
        for turn in range(3):
            with pytest.raises(InterruptedByTest), interrupts(0.02):
                WAITS[wait](subscription)
            assert not subscription.wait(0), "it is not busy, and nothing has come"
            world.token.update(Status.CRITICAL, f"{turn}")
            WAITS[wait](subscription)
            if wait != "iteration":
                assert [event.state.output for event in subscription.poll().events] == [f"{turn}"]
        assert world.engine.stats().subscriptions == 1


def test_a_join_is_interrupted_and_goes_on(world: World) -> None:
    with world.check.take_over(world.token.generation) as new:
        with pytest.raises(InterruptedByTest), interrupts(0.02):
            new.join(world.token)
        world.token.close()
        new.join(world.token)


def test_a_handler_may_close_what_waits(world: World) -> None:
    with drained(world.engine.subscribe()) as subscription:
        subscription.fileno()
        before = signal.signal(signal.SIGALRM, lambda *_: subscription.close())
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            assert list(subscription) == []
        finally:
            signal.signal(signal.SIGALRM, before)


def test_a_handler_may_close_while_a_descriptor_is_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    subscription = world.engine.subscribe()
    duplicate = os.dup

    def interrupted(descriptor: int) -> int:
        signal.raise_signal(signal.SIGALRM)
        return duplicate(descriptor)

    before = signal.signal(signal.SIGALRM, lambda *_: subscription.close())
    monkeypatch.setattr(os, "dup", interrupted)
    try:
        with pytest.raises(ClosedError):
            subscription.fileno()
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.filterwarnings("ignore:unclosed subscription:ResourceWarning")
def test_an_interrupted_iteration_goes_on_from_its_cursor(
    world: World, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it is interrupted, a subscription since the cursor after what was handled misses nothing."""
    # Some fall into a finalizer, from where nothing can be raised.
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    engine, names = world.engine, [f"{number}" for number in range(40)]
    over = threading.Event()

    def write() -> None:
        with engine.register_check("counter").acquire() as token:
            number = 0
            while not over.is_set():
                number += 1
                token.update(Status(1 + number % 3), f"{number}")
                engine.register_check(names[number % len(names)])
            token.update(Status.PASSING, "last")

    known: dict[str, str] = {}
    cursor: Cursor | None = None

    def consume(subscription: Subscription) -> None:
        nonlocal cursor
        for event in subscription:
            known[event.id] = event.state.output
            cursor = subscription.cursor or cursor
            if known.get("counter") == "last":
                return

    writing = threads.submit(write)
    for _ in range(300):
        with suppress(InterruptedByTest), interrupts(0.001, 0.0007), engine.subscribe(since=cursor) as subscription:
            consume(subscription)
    over.set()
    writing.result(LIMIT)
    with engine.subscribe(since=cursor) as subscription:
        for event in subscription.poll(1000).events:
            known[event.id] = event.state.output
    assert known == {check.id: check.snapshot().output for check in engine.checks()}
