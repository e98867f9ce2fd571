"""Subscriptions by poll, blocking wait, iteration and descriptor."""

import select
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest

import lifesign
from conftest import World
from lifesign import Engine, Event, EventKind, Status, Subscription

LIMIT = 30
"""Seconds after which an event that does not come is a failure."""


def take(subscription: Subscription) -> list[Event]:
    events: list[Event] = []
    while True:
        batch = subscription.poll()
        events += batch.events
        if not batch.more:
            return events


def readable(subscription: Subscription, timeout: float = 0) -> bool:
    return bool(select.select([subscription], [], [], timeout)[0])


def test_the_state_comes_first_then_each_change(world: World) -> None:
    with world.engine.subscribe() as subscription:
        first = take(subscription)
        assert {event.id: event.status for event in first} == {"web:http": Status.PASSING, "sidecar": Status.PASSING}
        assert {event.state for event in first} == {world.check.snapshot(), world.alias.snapshot()}
        assert take(subscription) == []
        world.token.update(Status.CRITICAL, "down")
        second = take(subscription)
        assert {event.id: event.status for event in second} == {"web:http": Status.CRITICAL, "sidecar": Status.CRITICAL}
        assert [event.kind for event in second] == [EventKind.STATE] * 2


def test_batches_are_sorted_and_carry_the_cursor(engine: Engine) -> None:
    for number in range(10):
        engine.register_check(f"{number}")
    with engine.subscribe() as subscription:
        batch = subscription.poll()
        assert [(e.state.revision, e.id) for e in batch.events] == sorted(
            (e.state.revision, e.id) for e in batch.events
        )
        assert batch.cursor.engine == engine.id
        with engine.check("3").acquire() as token:
            token.update(Status.PASSING)
            assert subscription.poll().cursor.position >= token.check.snapshot().revision


def test_small_batches_lose_nothing(engine: Engine) -> None:
    ids = {f"check {number}" for number in range(100)}
    for name in ids:
        engine.register_check(name)
    with engine.subscribe() as subscription:
        seen: list[str] = []
        while len(seen) < 100:
            batch = subscription.poll(7)
            assert 0 < len(batch.events) <= 7
            assert batch.more == (len(seen) + len(batch.events) < 100)
            seen += [event.id for event in batch.events]
        assert sorted(seen) == sorted(ids)
        assert subscription.poll().events == ()


def test_events_larger_than_the_first_buffer(engine: Engine) -> None:
    with Engine(max_output=1 << 20) as roomy, roomy.register_check("big").acquire() as token:
        token.update(Status.PASSING, "x" * (1 << 20))
        with roomy.subscribe() as subscription:
            assert [len(event.state.output) for event in take(subscription)] == [1 << 20]
        assert len(token.check.snapshot().output) == 1 << 20
    for number in range(40):
        engine.register_check(f"{number}", data=b"d" * 4096)
    with engine.subscribe() as subscription:
        assert len(take(subscription)) == 40


def test_changes_of_a_check_are_merged_into_the_newest(world: World) -> None:
    with world.engine.subscribe(check=world.check) as subscription:
        before = take(subscription)[-1].state
        for number in range(100):
            world.token.update(Status.CRITICAL if number % 2 else Status.PASSING, str(number))
        (event,) = take(subscription)
        assert event.state == world.check.snapshot()
        assert event.state.version - before.version == 100


@pytest.mark.parametrize(
    ("scope", "ids"),
    [
        (lambda _: {}, {"web:http", "sidecar", "web2:http"}),
        (lambda world: {"service": world.service}, {"web:http"}),
        (lambda world: {"check": world.alias}, {"sidecar"}),
        (lambda _: {"prefix": "web"}, {"web:http", "web2:http"}),
        (lambda _: {"prefix": ""}, {"web:http", "sidecar", "web2:http"}),
        (lambda _: {"min_status": Status.CRITICAL}, {"web2:http"}),
    ],
    ids=["all", "service", "check", "prefix", "empty prefix", "severity"],
)
def test_filters(world: World, scope: Callable[[World], dict[str, object]], ids: set[str]) -> None:
    engine = world.engine
    engine.register_check("web2:http", service=engine.register_service("web2"))
    with engine.subscribe(**scope(world)) as subscription:  # type: ignore[arg-type]
        assert {event.id for event in take(subscription)} == ids


def test_severity_tells_the_way_up_and_the_way_back(world: World) -> None:
    with world.engine.subscribe(check=world.check, min_status=Status.CRITICAL) as subscription:
        assert take(subscription) == []
        world.token.update(Status.WARNING)
        assert take(subscription) == []
        world.token.update(Status.CRITICAL)
        assert [event.status for event in take(subscription)] == [Status.CRITICAL]
        world.token.update(Status.PASSING)
        assert [event.status for event in take(subscription)] == [Status.PASSING]


def test_a_services_summary(world: World) -> None:
    with world.engine.subscribe(service=world.service, summary=True) as subscription:
        kinds = {event.kind: event.id for event in take(subscription)}
        assert kinds == {EventKind.STATE: "web:http", EventKind.SUMMARY: "web"}
        world.token.update(Status.CRITICAL, "down")
        summary = next(event for event in take(subscription) if event.kind is EventKind.SUMMARY)
        assert summary.status is Status.CRITICAL
        assert summary.state.handle == world.service.handle
        assert summary.state.output == world.service.snapshot().output


def test_deregistration_and_return(world: World) -> None:
    with world.engine.subscribe(prefix="web:http") as subscription:
        life = take(subscription)[-1].state.incarnation
        world.token.update(Status.WARNING, "last words")
        world.token.deregister_check()
        gone = take(subscription)[-1]
        assert (gone.kind, gone.id, gone.state.output) == (EventKind.GONE, "web:http", "last words")
        assert (gone.state.gone, gone.state.incarnation) == (True, life)
        world.engine.register_check("web:http", service=world.service)
        back = take(subscription)[-1]
        assert back.kind is EventKind.STATE
        assert back.state.incarnation > life


def test_too_many_tombstones_start_over() -> None:
    with Engine(max_pending=4) as engine, engine.subscribe() as subscription:
        for number in range(50):
            engine.register_check(f"{number}")
        take(subscription)
        for number in range(40):
            engine.check(f"{number}").deregister()
        left: set[str] = set()
        batch = subscription.poll()
        assert batch.resync
        left |= {event.id for event in batch.events}
        while batch.more:
            batch = subscription.poll()
            assert not batch.resync
            left |= {event.id for event in batch.events}
        assert left == {f"{number}" for number in range(40, 50)}


def test_iteration_marks_where_it_starts_over() -> None:
    with Engine(max_pending=4) as engine, engine.subscribe() as subscription:
        for number in range(50):
            engine.register_check(f"{number}")
        take(subscription)
        for number in range(40):
            engine.check(f"{number}").deregister()
        first, *others = islice(subscription, 11)
        assert first == Event(EventKind.RESYNC)
        assert {event.kind for event in others} == {EventKind.STATE}
        assert {event.id for event in others} == {f"{number}" for number in range(40, 50)}
        assert not subscription.wait(0)


def test_iteration_tells_that_nothing_is_left() -> None:
    with Engine(max_pending=2) as engine, engine.subscribe() as subscription:
        checks = [engine.register_check(f"{number}") for number in range(6)]
        assert [event.id for event in islice(subscription, 6)] == [check.id for check in checks]
        for check in checks:
            check.deregister()
        assert next(iter(subscription)) == Event(EventKind.RESYNC)
        assert not subscription.wait(0)
        engine.register_check("new")
        assert next(iter(subscription)).id == "new"


def test_iteration_has_nothing_to_forget_at_its_start() -> None:
    with Engine(max_pending=2) as engine, engine.subscribe() as subscription:
        checks = [engine.register_check(f"{number}") for number in range(7)]
        for check in checks[:6]:
            check.deregister()
        before = engine.stats().resyncs
        event = next(iter(subscription))
        assert engine.stats().resyncs == before + 1
        assert (event.kind, event.id) == (EventKind.STATE, "6")
        assert not subscription.wait(0)


def test_an_iteration_that_was_left_at_a_resync_goes_on_behind_it() -> None:
    with Engine(max_pending=2) as engine, engine.subscribe() as subscription:
        checks = [engine.register_check(f"{number}") for number in range(7)]
        take(subscription)
        for check in checks[:6]:
            check.deregister()
        seen = []
        for _ in range(2):
            for event in subscription:
                seen.append(event)
                break
        assert [event.kind for event in seen] == [EventKind.RESYNC, EventKind.STATE]
        assert seen[1].id == "6"


@pytest.mark.parametrize("name", ["state", "id", "status"])
def test_a_resync_has_no_state(name: str) -> None:
    with pytest.raises(AttributeError, match="a resync event has no state: look at"):
        getattr(Event(EventKind.RESYNC), name)


def test_iteration_blocks_and_ends_with_the_subscription(world: World, threads: ThreadPoolExecutor) -> None:
    subscription = world.engine.subscribe(check=world.check)
    seen: list[Status] = []
    step = threading.Semaphore(0)

    def consume() -> None:
        for event in subscription:
            seen.append(event.status)
            step.release()

    consumer = threads.submit(consume)
    for status in (Status.CRITICAL, Status.WARNING, Status.PASSING):
        assert step.acquire(timeout=LIMIT)
        world.token.update(status)
    assert step.acquire(timeout=LIMIT)
    subscription.close()
    consumer.result(LIMIT)
    assert seen == [Status.PASSING, Status.CRITICAL, Status.WARNING, Status.PASSING]


def test_iteration_ends_with_the_engine(threads: ThreadPoolExecutor) -> None:
    engine = Engine()
    engine.register_check("a")
    first = threading.Event()

    def consume() -> list[str]:
        seen = []
        for event in engine.subscribe():
            seen.append(event.id)
            first.set()
        return seen

    consumer = threads.submit(consume)
    assert first.wait(LIMIT)
    engine.close()
    assert consumer.result(LIMIT) == ["a"]


def test_an_iteration_that_was_left_goes_on_where_it_stood(engine: Engine) -> None:
    for number in range(20):
        engine.register_check(f"{number:02}")
    with engine.subscribe() as subscription:
        seen = []
        for _ in range(20):
            for event in subscription:
                seen.append(event.id)
                break
        assert seen == [f"{number:02}" for number in range(20)]
        assert subscription.poll().events == ()


def test_wait_returns_at_once_for_what_came_before(world: World) -> None:
    with world.engine.subscribe(check=world.check) as subscription:
        assert subscription.wait(0)
        take(subscription)
        assert not subscription.wait(0)
        assert not subscription.wait(-1)
        assert not subscription.wait(0.01)
        world.token.update(Status.CRITICAL)
        assert subscription.wait()


def test_wait_is_ended_by_a_change_and_by_close(world: World, threads: ThreadPoolExecutor) -> None:
    subscription = world.engine.subscribe(check=world.check)
    take(subscription)
    waiter = threads.submit(subscription.wait, LIMIT)
    world.token.update(Status.CRITICAL)
    assert waiter.result(LIMIT)
    take(subscription)
    waiter = threads.submit(subscription.wait)
    subscription.close()
    with pytest.raises(lifesign.ClosedError):
        waiter.result(LIMIT)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Have SIGINT raise, also where the tests were started with it ignored, as a shell does in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_wait_lets_signals_through(world: World) -> None:
    with world.engine.subscribe(check=world.check) as subscription:
        take(subscription)
        main = threading.get_ident()
        timer = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            subscription.wait(LIMIT)
        timer.join()
        world.token.update(Status.CRITICAL)
        assert subscription.wait(0)


def test_the_descriptor_is_level_triggered(world: World) -> None:
    world.engine.register_check("web:tcp", service=world.service)
    with world.engine.subscribe(service=world.service) as subscription:
        assert readable(subscription)
        subscription.poll(1)
        assert readable(subscription), "a partial take leaves it readable"
        take(subscription)
        assert not readable(subscription)
        world.token.update(Status.CRITICAL)
        assert readable(subscription, LIMIT)
        assert readable(subscription)
        assert len(take(subscription)) == 1
        assert not readable(subscription)


def test_the_descriptor_wakes_on_close_of_the_engine() -> None:
    engine = Engine()
    subscription = engine.subscribe()
    take(subscription)
    assert not readable(subscription)
    engine.close()
    assert readable(subscription, LIMIT)
    subscription.close()


def test_one_subscription_ends_and_the_other_goes_on(world: World) -> None:
    one, other = world.engine.subscribe(), world.engine.subscribe()
    take(other)
    one.close()
    world.token.update(Status.CRITICAL)
    assert {event.id for event in take(other)} == {"web:http", "sidecar"}
    other.close()
    assert world.engine.stats().subscriptions == 0


def test_every_edge_arrives_under_load(world: World, threads: ThreadPoolExecutor) -> None:
    """Merged or not, the newest state is delivered, versions only rise, and the last one is the last."""
    rounds = 3000
    subscription = world.engine.subscribe(check=world.check)

    def consume() -> list[int]:
        versions = []
        for event in subscription:
            versions.append(event.state.version)
            if event.state.output == "last":
                return versions
        return versions

    consumer = threads.submit(consume)
    for number in range(rounds):
        world.token.update(Status(1 + number % 3), str(number))
    world.token.update(Status.PASSING, "last")
    versions = consumer.result(LIMIT)
    assert versions == sorted(set(versions))
    assert versions[-1] == world.check.snapshot().version
    subscription.close()


def test_a_poll_after_an_iteration_that_was_left_comes_first_what_came_first(engine: Engine) -> None:
    checks = [engine.register_check(str(at), initial=Status.CRITICAL) for at in range(3)]
    with engine.subscribe() as changes:
        assert next(iter(changes)).id == "0"
        with checks[2].acquire("writer") as token:
            token.update(Status.PASSING)
        rest = changes.poll()
        assert [(event.id, event.status) for event in rest.events] == [("1", Status.CRITICAL), ("2", Status.CRITICAL)]
        assert rest.more
        assert [(event.id, event.status) for event in changes.poll().events] == [("2", Status.PASSING)]
