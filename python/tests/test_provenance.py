"""Who holds a check, who wrote it, what happened to it, and trouble as it happens."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

import lifesign
from conftest import Timed, World
from lifesign import (
    Code,
    Engine,
    Event,
    EventKind,
    FencedError,
    HistoryKind,
    Status,
    Subscription,
    Token,
    Trouble,
    TroubleKind,
)


def refused(token: Token, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(lifesign.LifesignError):
            token.update(Status.CRITICAL, "late")


def test_who_holds_it_since_when_and_with_what_lease(timed: Timed) -> None:
    check = timed.engine.register_check("job")
    nobody = check.who()
    assert (nobody.holder, nobody.since, nobody.lease, nobody.silent_for) == (None, None, None, None)
    timed.let_pass(5)
    with check.acquire("runner", lease=60) as token:
        timed.let_pass(2)
        who = check.who()
        assert (who.holder, who.generation) == (token.record, token.generation)
        assert who.since == datetime(1970, 1, 1, 0, 16, 45, tzinfo=UTC)
        assert who.since_ns == Timed.START + 5_000_000_000
        assert (who.lease, who.silent_for) == (timedelta(seconds=60), timedelta(seconds=2))
        token.renew()
        assert check.who().silent_for == timedelta()
        assert check.who().since == who.since
    left = check.who()
    assert (left.holder, left.since, left.orphaned) == (None, None, False)


def test_an_orphan_is_told_from_a_check_that_was_left(timed: Timed) -> None:
    check = timed.engine.register_check("job")
    with check.acquire(lease=1) as token:
        timed.let_pass(2)
        who = check.who()
        assert (who.holder, who.orphaned, who.generation) == (None, True, token.generation)


def test_history_tells_transitions_take_overs_and_lapses(timed: Timed) -> None:
    check = timed.engine.register_check("job")
    with check.acquire("first") as first:
        first.update(Status.PASSING, "up")
        first.update(Status.PASSING, "up, in other words")
        timed.let_pass(3)
        with check.take_over(first.generation, "second", lease=1, on_lapse=Status.WARNING) as second:
            timed.let_pass(2)
            history = check.history()
            assert [
                (entry.kind, entry.from_status, entry.to_status, entry.time_ns - Timed.START, entry.generation)
                for entry in history
            ] == [
                (HistoryKind.TRANSITION, Status.CRITICAL, Status.PASSING, 0, first.generation),
                (HistoryKind.TAKE_OVER, Status.PASSING, Status.PASSING, 3_000_000_000, second.generation),
                (HistoryKind.LAPSE, Status.PASSING, Status.WARNING, 4_500_000_000, second.generation),
            ]
            assert [entry.writer for entry in history] == [first.record.id, second.record.id, 1]
            assert history[1].time - history[0].time == timedelta(seconds=3)
            assert [entry.boot_ns for entry in history] == [0, 3_000_000_000, 4_500_000_000]
            revisions = [entry.revision for entry in history]
            assert revisions == sorted(revisions)
            assert revisions[-1] == check.snapshot().revision


@pytest.mark.parametrize(("depth", "kept"), [(None, 16), (0, 0), (3, 3), (100, 100)])
def test_a_history_is_as_deep_as_it_was_asked_for(depth: int | None, kept: int) -> None:
    with Engine(history=depth) as engine, engine.register_check("job").acquire() as token:
        for number in range(150):
            token.update(Status.PASSING if number % 2 else Status.WARNING)
        history = token.check.history()
        assert len(history) == kept
        if kept:
            assert history[-1].revision == token.check.snapshot().revision


@pytest.mark.parametrize("depth", [-1, 2**32 - 1, 2**32])
def test_a_history_that_cannot_be(depth: int) -> None:
    with pytest.raises(lifesign.InvalidError, match="history is out of range"):
        Engine(history=depth)


def test_a_history_ends_with_its_life(world: World) -> None:
    assert world.check.history()
    world.token.deregister_check()
    for gone in (world.check.history, world.check.writers, world.check.who):
        with pytest.raises(lifesign.GoneError):
            gone()
    again = world.engine.register_check("web:http")
    assert (again.history(), again.writers()) == ([], [])


def test_writers_tell_who_wrote_and_who_was_refused(timed: Timed) -> None:
    check = timed.engine.register_check("job")
    with check.acquire("first") as first:
        first.update(Status.PASSING)
        timed.let_pass(1)
        with check.take_over(first.generation, "second") as second:
            for number in range(5):
                second.update(Status.PASSING, str(number))
            timed.let_pass(1)
            refused(first, 3)
            holder, other = check.writers()
            assert (holder.record, holder.accepted, holder.refused, holder.holds) == (second.record, 6, 0, True)
            assert (other.record, other.accepted, other.refused, other.holds) == (first.record, 2, 3, False)
            assert other.last - other.first == timedelta(seconds=2)
            assert other.first_ns == Timed.START


def test_the_rest_of_many_writers_is_counted_together(engine: Engine) -> None:
    check = engine.register_check("job")
    with check.acquire("holder"):
        for number in range(40):
            with pytest.raises(lifesign.HeldError):
                check.acquire(f"rival {number}")
        writers = check.writers()
    assert sum(writer.refused for writer in writers) == 40
    assert [writer for writer in writers if writer.record is None]
    assert writers[0].holds


def test_a_declared_writer_stands_for_itself(engine: Engine) -> None:
    process, boot = UUID(int=7), UUID(int=8)
    peer = engine.declare_writer(
        "remote runner",
        machine="peer",
        pid=4711,
        name="agent",
        version="2",
        build="b",
        executable="/usr/bin/agent",
        process=process,
        process_start=5,
        boot=boot,
        pid_namespace=6,
    )
    assert (peer.label, peer.machine, peer.pid, peer.declared) == ("remote runner", "peer", 4711, True)
    assert (peer.name, peer.version, peer.build, peer.executable) == ("agent", "2", "b", "/usr/bin/agent")
    assert (peer.process, peer.boot, peer.process_start, peer.pid_namespace) == (process, boot, 5, 6)
    assert engine.record(peer.id) == peer
    check = engine.register_check("job")
    with check.acquire("ignored", declared=peer) as token:
        assert check.who().holder == token.record == peer
        with check.take_over(token.generation, declared=engine.declare_writer("other")) as other:
            assert other.record.machine == ""
            assert other.record.declared
            with pytest.raises(FencedError) as error:
                token.update(Status.PASSING)
            assert error.value.caller == peer
            assert error.value.holder == other.record
    assert engine.declare_writer("other") == engine.declare_writer("other")


def test_a_writer_that_was_not_declared_here(world: World) -> None:
    check = world.engine.register_check("job")
    with Engine() as another:
        for number in range(50):
            elsewhere = another.declare_writer(f"peer {number}")
        with pytest.raises(lifesign.NotFoundError):
            check.acquire(declared=elsewhere)
    with pytest.raises(lifesign.NotFoundError):
        check.acquire(declared=world.token.record)


def test_declarations_that_cannot_be_kept(engine: Engine) -> None:
    wrong: list[tuple[type[Exception], dict[str, Any]]] = [
        (lifesign.TooLargeError, {"label": "l" * 128}),
        (lifesign.TooLargeError, {"label": "x", "machine": "m" * 65}),
        (lifesign.TooLargeError, {"label": "x", "name": "é" * 32}),
        (lifesign.TooLargeError, {"label": "x", "executable": "e" * 256}),
        (lifesign.InvalidError, {"label": "a\0b"}),
        (lifesign.InvalidError, {"label": "bad \udcff"}),
        (lifesign.InvalidError, {"label": "x", "pid": -1}),
        (lifesign.InvalidError, {"label": "x", "pid_namespace": 2**64}),
        (TypeError, {"label": b"bytes"}),
        (TypeError, {"label": "x", "machine": None}),
    ]
    for error, declaration in wrong:
        with pytest.raises(error):
            engine.declare_writer(**declaration)
    peer = engine.declare_writer("l" * 127, machine="m" * 64, name="n" * 63, executable="e" * 255)
    assert (len(peer.label), len(peer.machine), len(peer.name), len(peer.executable)) == (127, 64, 63, 255)
    assert os.getpid() != peer.pid


def take(subscription: Subscription) -> list[Trouble]:
    events: list[Event] = []
    while True:
        batch = subscription.poll()
        events += batch.events
        if not batch.more:
            assert {event.kind for event in events} <= {EventKind.TROUBLE}
            return [event.trouble for event in events]


def test_trouble_is_pushed(timed: Timed) -> None:
    check = timed.engine.register_check("job")
    with timed.engine.subscribe(trouble=True) as subscription, check.acquire("first") as first:
        first.update(Status.PASSING)
        assert take(subscription) == []
        with check.take_over(first.generation, "second", lease=1) as second:
            (taken,) = take(subscription)
            assert (taken.kind, taken.id, taken.handle, taken.count) == (
                TroubleKind.TAKE_OVER,
                "job",
                check.handle,
                1,
            )
            assert (taken.offender, taken.holder, taken.reason) == (second.record, first.record, None)
            assert taken.generation == second.generation
            refused(first)
            (refusal,) = take(subscription)
            assert (refusal.kind, refusal.reason) == (TroubleKind.REFUSAL, Code.FENCED)
            assert (refusal.offender, refusal.holder) == (first.record, second.record)
            assert refusal.first == refusal.last == datetime(1970, 1, 1, 0, 16, 40, tzinfo=UTC)
            timed.let_pass(2)
            (lapse,) = take(subscription)
            assert (lapse.kind, lapse.offender, lapse.holder) == (TroubleKind.LAPSE, second.record, None)


def test_trouble_is_limited_per_offender_and_counted(timed: Timed) -> None:
    check = timed.engine.register_check("job")
    with (
        timed.engine.subscribe(trouble=True) as subscription,
        check.acquire("first") as first,
        check.take_over(first.generation, "second"),
    ):
        take(subscription)
        counts = []
        for _ in range(20):
            refused(first, 10)
            counts += [trouble.count for trouble in take(subscription)]
            timed.let_pass(0.25)
        timed.let_pass(1)
        counts += [trouble.count for trouble in take(subscription)]
        assert sum(counts) == 200
        assert len(counts) <= 7


def test_trouble_wakes_and_iterates(world: World) -> None:
    with world.engine.subscribe(trouble=True) as subscription:
        assert not subscription.wait(0)
        with pytest.raises(lifesign.HeldError):
            world.check.acquire("rival")
        assert subscription.wait(30)
        event = next(iter(subscription))
        assert (event.kind, event.id) == (EventKind.TROUBLE, "web:http")
        assert event.trouble.offender is not None
        assert event.trouble.offender.label == "rival"
        assert event.trouble.holder == world.token.record
        for name in ("state", "status"):
            with pytest.raises(AttributeError, match=r"a trouble event has no state: look at event\.kind first$"):
                getattr(event, name)


def test_a_state_has_no_trouble(world: World) -> None:
    with world.engine.subscribe(check=world.check) as subscription:
        (event,) = subscription.poll().events
    with pytest.raises(AttributeError, match=r"a state event has no trouble: look at event\.kind first$"):
        _ = event.trouble


def test_trouble_has_no_scope_and_no_past(world: World) -> None:
    engine = world.engine
    with engine.subscribe() as subscription:
        subscription.poll()
        cursor = subscription.cursor
    with pytest.raises(lifesign.InvalidError, match="one scope"):
        engine.subscribe(trouble=True, check=world.check)
    with pytest.raises(lifesign.InvalidError, match="trouble since a cursor"):
        engine.subscribe(trouble=True, since=cursor)
