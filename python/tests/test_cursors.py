"""Cursors: a subscription that goes on where another one stood, and those of which only transitions are wanted."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from uuid import UUID

import pytest

import lifesign
from conftest import World
from lifesign import Batch, Cursor, Engine, Event, EventKind, Status, Subscription, Token

LIMIT = 30
"""Seconds after which a step that does not come is a failure."""


def take(subscription: Subscription) -> list[Event]:
    """Everything that is pending; a resync or reset as an event of its own."""
    events: list[Event] = []
    while True:
        batch = subscription.poll()
        if batch.resync:
            events.append(Event(EventKind.RESET if batch.reset else EventKind.RESYNC))
        events += batch.events
        if not batch.more:
            return events


def stands(subscription: Subscription) -> Cursor:
    assert subscription.cursor is not None
    return subscription.cursor


def left_at_the_end(engine: Engine, **scope: object) -> Cursor:
    with engine.subscribe(**scope) as subscription:  # type: ignore[arg-type]
        take(subscription)
        return stands(subscription)


def test_what_changed_since_is_delivered_and_nothing_else(world: World) -> None:
    engine = world.engine
    other = engine.register_check("other", service=engine.register_service("other"))
    cursor = left_at_the_end(engine)
    with engine.subscribe(since=cursor) as subscription:
        assert take(subscription) == []
    world.token.update(Status.CRITICAL, "down")
    with engine.subscribe(since=cursor) as subscription:
        assert subscription.cursor == cursor
        assert {event.id for event in take(subscription)} == {"web:http", "sidecar"}
        other.deregister()
        assert [(event.kind, event.id) for event in take(subscription)] == [(EventKind.GONE, "other")]


def test_a_deregistration_since_is_delivered(world: World) -> None:
    cursor = left_at_the_end(world.engine)
    world.token.update(Status.WARNING, "last words")
    world.token.deregister_check()
    with world.engine.subscribe(prefix="web", since=cursor) as subscription:
        (gone,) = take(subscription)
        assert (gone.kind, gone.id, gone.state.output) == (EventKind.GONE, "web:http", "last words")


def test_a_time_out_moves_the_cursor(world: World) -> None:
    with world.engine.subscribe(check=world.check) as subscription:
        take(subscription)
        before = stands(subscription)
        assert before.engine == world.engine.id
        with world.engine.register_check("elsewhere").acquire() as token:
            for number in range(10):
                token.update(Status.PASSING, str(number))
        assert not subscription.wait(0)
        after = stands(subscription)
        assert after.engine == before.engine
        assert after.position > before.position
    with world.engine.subscribe(check=world.check, since=after) as subscription:
        assert take(subscription) == []


def test_the_cursor_stands_after_what_was_handed_out(engine: Engine) -> None:
    for number in range(10):
        engine.register_check(f"{number}")
    with engine.subscribe() as subscription:
        assert subscription.cursor is None
        seen = [event.id for event in islice(subscription, 4)]
        assert subscription.cursor is None
        rest = subscription.poll()
        seen += [event.id for event in rest.events]
        assert rest.cursor == subscription.cursor
        cursor = stands(subscription)
        engine.check("3").deregister()
        engine.register_check("new")
        assert next(iter(subscription)).id in {"3", "new"}
        assert subscription.cursor == cursor
    assert seen == [f"{number}" for number in range(10)]
    with engine.subscribe(since=cursor) as successor:
        assert {event.id for event in take(successor)} == {"3", "new"}


def test_one_that_was_left_in_the_middle_loses_nothing(engine: Engine) -> None:
    """Stopped after any number of events, by iteration or by small polls: what was not handed out comes again."""
    cursor = left_at_the_end(engine)
    ids = [f"{number:02}" for number in range(20)]
    for name in ids:
        engine.register_check(name)
    for stop in range(20):
        with engine.subscribe(since=cursor) as first:
            seen = [event.id for event in islice(first, stop)]
            with engine.subscribe(since=stands(first)) as second:
                assert set(ids) - set(seen) <= {event.id for event in take(second)}
        with engine.subscribe(since=cursor) as first:
            batch: Batch | None = None
            polled: list[str] = []
            while len(polled) < stop:
                batch = first.poll(3)
                polled += [event.id for event in batch.events]
            with engine.subscribe(since=batch.cursor if batch else cursor) as second:
                assert set(ids) - set(polled) <= {event.id for event in take(second)}


def test_too_many_deregistrations_since_start_over() -> None:
    with Engine(max_pending=4) as engine:
        for number in range(50):
            engine.register_check(f"{number}")
        cursor = left_at_the_end(engine)
        for number in range(40):
            engine.check(f"{number}").deregister()
        with engine.subscribe(since=cursor) as subscription:
            first, *others = islice(subscription, 11)
            assert first == Event(EventKind.RESYNC)
            assert {event.id for event in others} == {f"{number}" for number in range(40, 50)}
            assert not subscription.wait(0)


def test_the_text_of_a_cursor_survives_in_a_file(world: World, tmp_path: Path) -> None:
    cursor = left_at_the_end(world.engine)
    kept = tmp_path / "cursor"
    kept.write_text(str(cursor))
    again = Cursor.parse(kept.read_text())
    assert again == cursor
    assert str(again) == f"{world.engine.id}:{cursor.position}"
    with world.engine.subscribe(since=again) as subscription:
        assert take(subscription) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        ":7",
        "00000000-0000-0000-0000-000000000007:",
        "00000000-0000-0000-0000-000000000007:-1",
        "00000000-0000-0000-0000-000000000007:+1",
        "00000000-0000-0000-0000-000000000007: 1",
        "00000000-0000-0000-0000-000000000007:1\n",
        "00000000-0000-0000-0000-000000000007:٣",
        "00000000-0000-0000-0000-00000000000x:1",
        "{00000000-0000-0000-0000-000000000007}:1",
        f"00000000-0000-0000-0000-000000000007:{2**64}",
        "x" * 10_000,
    ],
)
def test_what_is_no_text_of_a_cursor(text: str) -> None:
    with pytest.raises(ValueError, match="not a cursor") as refused:
        Cursor.parse(text)
    assert len(str(refused.value)) < 200


def test_the_widest_cursor_has_a_text() -> None:
    widest = Cursor(UUID(int=2**128 - 1), 2**64 - 1)
    assert Cursor.parse(str(widest)) == widest


@pytest.mark.parametrize("cursor", ["text", 7, (UUID(int=1), 1)])
def test_what_is_no_cursor(engine: Engine, cursor: object) -> None:
    with pytest.raises(TypeError, match="since must be a Cursor"):
        engine.subscribe(since=cursor)  # type: ignore[arg-type]
    with pytest.raises(lifesign.InvalidError, match="position"):
        engine.subscribe(since=Cursor(engine.id, 2**64))


def subscribe_as_token(token: Token) -> Callable[[Cursor], Subscription]:
    return lambda cursor: token.subscribe(since=cursor)


@pytest.mark.parametrize("by", ["engine", "token"])
def test_foreign_and_future_cursors(world: World, by: str) -> None:
    """Another engine's cursor resets, one from the future is refused; neither loses what is there."""
    engine = world.engine
    as_engine: Callable[[Cursor], Subscription] = lambda cursor: engine.subscribe(since=cursor)  # noqa: E731
    subscribe = as_engine if by == "engine" else subscribe_as_token(world.token)
    own = left_at_the_end(engine)
    with Engine() as another:
        foreign = left_at_the_end(another)
        before = engine.stats().subscriptions
        for position in {foreign.position, 0, own.position, 2**64 - 1}:
            with subscribe(Cursor(foreign.engine, position)) as subscription:
                reset, *state = take(subscription)
                assert reset.kind is EventKind.RESET
                assert {event.state for event in state} == {world.check.snapshot(), world.alias.snapshot()}
                world.token.update(Status.WARNING, f"after {position}")
                assert {event.id for event in take(subscription)} == {"web:http", "sidecar"}
                assert stands(subscription).engine == engine.id
    now = left_at_the_end(engine)
    for ahead in (1, 2, 2**32, 2**64 - 1 - now.position):
        with pytest.raises(lifesign.FutureCursorError) as refused:
            subscribe(Cursor(engine.id, now.position + ahead))
        assert refused.value.code is lifesign.Code.FUTURE_CURSOR
        assert str(now.position + ahead) in str(refused.value)
    assert engine.stats().subscriptions == before
    with subscribe(now) as subscription:
        assert take(subscription) == []


def test_a_cursor_of_an_engine_that_was_closed(world: World) -> None:
    """Over a restart: the engine of the cursor is no more."""
    with Engine() as earlier:
        cursor = Cursor.parse(str(left_at_the_end(earlier)))
    with world.engine.subscribe(since=cursor) as subscription:
        kinds = [event.kind for event in islice(subscription, 3)]
        assert kinds == [EventKind.RESET, EventKind.STATE, EventKind.STATE]
        assert not subscription.wait(0)


def test_a_reset_with_nothing_left_is_told(engine: Engine) -> None:
    with engine.subscribe(since=Cursor(UUID(int=7), 7)) as subscription:
        assert subscription.wait(LIMIT)
        assert next(iter(subscription)) == Event(EventKind.RESET)
        assert not subscription.wait(0)


def test_an_iteration_that_was_left_at_a_reset_tells_the_next_poll(world: World) -> None:
    with world.engine.subscribe(since=Cursor(UUID(int=7), 7)) as subscription:
        for event in subscription:
            assert event.kind is EventKind.RESET
            break
        batch = subscription.poll()
        assert len(batch.events) == 2
        assert not batch.resync
    with world.engine.subscribe(since=Cursor(UUID(int=7), 7)) as subscription:
        batch = subscription.poll()
        assert (batch.resync, batch.reset, len(batch.events)) == (True, True, 2)
        assert (subscription.poll().resync, subscription.poll().reset) == (False, False)


def test_transitions_only(world: World) -> None:
    with world.engine.subscribe(check=world.check, transitions_only=True) as subscription:
        (first,) = take(subscription)
        world.token.update(Status.PASSING, "other words")
        assert not subscription.wait(0)
        assert take(subscription) == []
        world.token.update(Status.CRITICAL, "down")
        assert [event.status for event in take(subscription)] == [Status.CRITICAL]
        world.token.update(Status.PASSING)
        world.token.update(Status.CRITICAL)
        (merged,) = take(subscription)
        assert merged.status is Status.CRITICAL
        assert merged.state.transitions - first.state.transitions == 3
        with world.check.take_over(world.token.generation) as second:
            assert take(subscription) == []
            second.deregister_check()
        assert [event.kind for event in take(subscription)] == [EventKind.GONE]


def test_consumers_that_hand_over_to_each_other_miss_nothing(world: World, threads: ThreadPoolExecutor) -> None:
    """Short-lived consumers resume from each other's text while a writer goes on: the last state arrives, in order."""
    rounds, handed = 2000, 0
    done, resumed = threading.Event(), threading.Event()

    def write() -> None:
        for number in range(rounds):
            world.token.update(Status(1 + number % 3), str(number))
            # However fast it is: one has handed over before it is through.
            if number == rounds // 2:
                assert resumed.wait(LIMIT)
        world.token.update(Status.PASSING, "last")
        done.set()

    with world.engine.subscribe(check=world.check) as subscription:
        take(subscription)
        text = str(stands(subscription))
    writing = threads.submit(write)
    outputs: list[str] = []
    while not (outputs and outputs[-1] == "last"):
        with world.engine.subscribe(check=world.check, since=Cursor.parse(text)) as subscription:
            assert subscription.wait(LIMIT) or done.is_set()
            events = take(subscription)
            assert EventKind.RESYNC not in {event.kind for event in events}
            outputs += [event.state.output for event in events]
            text = str(stands(subscription))
            handed += 1
            resumed.set()
    writing.result(LIMIT)
    numbers = [int(output) for output in outputs if output.isdigit()]
    assert numbers == sorted(numbers)
    assert handed > 1


def test_a_poll_in_the_middle_of_the_first_iteration(engine: Engine) -> None:
    for number in range(3):
        engine.register_check(f"{number}")
    with engine.subscribe() as subscription:
        assert next(iter(subscription)).id == "0"
        batch = subscription.poll(1)
        assert [event.id for event in batch.events] == ["1"]
        with engine.subscribe(since=batch.cursor) as other:
            assert {"2"} <= {event.id for event in take(other)}
        assert [event.id for event in take(subscription)] == ["2"]
