"""Bad input: a clear error with the offending id, and everything that was there before is still there."""

import random
import re
from collections.abc import Callable, Iterator
from ctypes import c_char_p
from typing import Any

import pytest

import lifesign
from conftest import World
from lifesign import Check, Engine, LifesignError, Service, Status
from lifesign import _abi as abi
from lifesign._library import call, lib

MIB = 1 << 20


def everything(engine: Engine) -> object:
    """What a reader can see of an engine."""
    stats = engine.stats()
    return (
        [service.snapshot() for service in sorted(engine.services(), key=lambda service: service.id)],
        [check.snapshot() for check in sorted(engine.checks(), key=lambda check: check.id)],
        engine.node(),
        (stats.commits, stats.services, stats.checks, stats.aliases, stats.tokens, stats.subscriptions),
    )


@pytest.fixture(autouse=True)
def _nothing_changes(world: World) -> Iterator[None]:
    before = everything(world.engine)
    yield
    assert everything(world.engine) == before
    world.token.update(Status.WARNING, "still writable")
    assert world.alias.status is Status.WARNING


@pytest.mark.parametrize("find", [Engine.check, Engine.service])
@pytest.mark.parametrize("id", ["nobody", "web:http ", "WEB", "web\0"])
def test_unknown_ids(world: World, find: Callable[[Engine, str], object], id: str) -> None:
    with pytest.raises((lifesign.NotFoundError, lifesign.InvalidError)) as refused:
        find(world.engine, id)
    assert id.split("\0")[0].strip() in str(refused.value)


def test_double_registration_with_another_definition(world: World) -> None:
    engine, service = world.engine, world.service
    others: list[Callable[[], object]] = [
        lambda: engine.register_service("web", name="Web", data=b"other"),
        lambda: engine.register_check("web:http", service=service, name="other", data=b"GET /"),
        lambda: engine.register_check("web:http", name="HTTP", data=b"GET /"),
        lambda: engine.register_check("web:http", service=service, name="HTTP", data=b"GET /", initial=Status.PASSING),
        lambda: engine.register_alias("web:http", "elsewhere", service=service, name="HTTP", data=b"GET /"),
        lambda: engine.register_alias("sidecar", None),
        lambda: engine.register_check("sidecar"),
    ]
    for register in others:
        with pytest.raises(lifesign.ExistsError, match=r"web|sidecar"):
            register()


def test_an_alias_on_itself(world: World) -> None:
    with pytest.raises(lifesign.LoopError, match="me"):
        world.engine.register_alias("me", "web", service=world.service)


def test_a_check_for_a_service_that_is_not_there(world: World) -> None:
    gone = world.engine.register_service("gone")
    gone.deregister()
    with pytest.raises(lifesign.GoneError):
        world.engine.register_check("gone:http", service=gone)
    for handle in (world.check.handle, 0xDEAD, 2**64 - 1):
        with pytest.raises(lifesign.ForgedError):
            world.engine.register_check("x", service=Service(world.engine, handle, "not a service"))


BAD_IDS = [
    ("", lifesign.InvalidError),
    ("x" * 256, lifesign.TooLargeError),
    ("é" * 128, lifesign.TooLargeError),
    ("x" * MIB, lifesign.TooLargeError),
    ("bad \udcff utf-8", lifesign.InvalidError),
    ("bad \ud800 surrogate", lifesign.InvalidError),
]


@pytest.mark.parametrize(("id", "error"), BAD_IDS, ids=["empty", "256", "256 in 128", "1 MiB", "utf-8", "surrogate"])
def test_bad_ids(world: World, id: str, error: type[LifesignError]) -> None:
    engine = world.engine
    calls: list[Callable[[], object]] = [
        lambda: engine.register_service(id),
        lambda: engine.register_check(id),
        lambda: engine.register_alias(id, "web"),
        lambda: engine.register_alias("alias", id),
    ]
    for register in calls:
        with pytest.raises(error) as refused:
            register()
        assert len(str(refused.value)) < 1024
    for find in (engine.check, engine.service):
        with pytest.raises((error, lifesign.NotFoundError)):
            find(id)


def test_other_bad_texts(world: World) -> None:
    engine = world.engine
    calls: list[tuple[type[LifesignError], Callable[[], object]]] = [
        (lifesign.InvalidError, lambda: world.token.update(Status.PASSING, "bad \udcff")),
        (lifesign.InvalidError, lambda: engine.register_service("x", name="bad \udcff")),
        (lifesign.InvalidError, lambda: engine.subscribe(prefix="bad \udcff")),
        (lifesign.InvalidError, lambda: world.check.take_over(1, "bad \udcff")),
        (lifesign.InvalidError, lambda: Engine(name="bad \udcff")),
        (lifesign.TooLargeError, lambda: engine.register_service("x", name="n" * MIB)),
        (lifesign.TooLargeError, lambda: engine.register_service("x", data=b"d" * 4097)),
        (lifesign.TooLargeError, lambda: engine.register_check("x", data=b"d" * (10 * MIB))),
        (lifesign.TooLargeError, lambda: world.check.redefine(data=b"d" * 4097)),
        (lifesign.TooLargeError, lambda: world.service.redefine(name="n" * MIB)),
        (lifesign.TooLargeError, lambda: world.check.take_over(1, "l" * 128)),
        (lifesign.TooLargeError, lambda: world.check.acquire("l" * 128, lease=1)),
        (lifesign.TooLargeError, lambda: Engine(name="n" * 64)),
    ]
    for error, refusal in calls:
        with pytest.raises(error):
            refusal()


@pytest.mark.parametrize("status", [0, 4, -1, 2**32 - 1, 2**32 + 1, 2**64 + 1])
def test_a_status_out_of_range(world: World, status: Any) -> None:  # noqa: ANN401
    with pytest.raises(lifesign.InvalidError, match="status"):
        world.token.update(status, "no such status")
    if status:
        with pytest.raises(ValueError, match=r"status|initial"):
            world.engine.register_check("x", initial=status)
        with pytest.raises(ValueError, match="status"):
            world.engine.subscribe(min_status=status)


def test_what_is_no_status(world: World) -> None:
    with pytest.raises(TypeError, match="must be a Status, not bool"):
        world.token.update(True, "up")  # type: ignore[arg-type]
    for gone in (Status.GONE, 0):
        with pytest.raises(lifesign.InvalidError, match="initial cannot be GONE"):
            world.engine.register_check("x", initial=gone)  # type: ignore[arg-type]
    with lifesign.Engine() as other:
        elsewhere = other.register_service("elsewhere")
        with pytest.raises(lifesign.ForeignEngineError, match="'elsewhere' is another engine's"):
            world.engine.register_alias("x", elsewhere)


@pytest.mark.parametrize("size", [4097, 10 * MIB])
def test_output_over_the_limit(world: World, size: int) -> None:
    with pytest.raises(lifesign.TooLargeError, match="web:http") as refused:
        world.token.update(Status.CRITICAL, "x" * size)
    assert str(size) in str(refused.value)


def test_handles_of_any_value(world: World) -> None:
    random.seed(1)
    status = abi.status(77)
    functions = [name for name, (_, arguments) in abi.FUNCTIONS.items() if arguments and arguments[0] is abi.check]
    values = [0, 1, 2**64 - 1, world.check.handle + 1, world.check.handle ^ 1 << 63]
    values += [random.getrandbits(64) for _ in range(500)]
    for value in values:
        with pytest.raises(LifesignError):
            call(lib.lifesign_check_status, value, status)
        for name in functions:
            nothing = [None if hasattr(kind, "contents") or kind is c_char_p else 0 for kind in abi.FUNCTIONS[name][1]]
            assert getattr(lib, name)(value, *nothing[1:]) != abi.OK, (name, hex(value))
    assert status.value == 77


def test_wrong_types_are_type_errors(world: World) -> None:
    engine: Any = world.engine
    check: Any = world.check
    token: Any = world.token
    calls: list[Callable[[], object]] = [
        lambda: engine.register_service(b"bytes"),
        lambda: engine.register_service("x", data="text"),
        lambda: engine.register_service(None),
        lambda: engine.check(7),
        lambda: token.update("passing"),
        lambda: token.update(1.0),
        lambda: token.update(Status.PASSING, b"bytes"),
        lambda: check.take_over("1"),
        lambda: check.acquire(7),
    ]
    for wrong in calls:
        with pytest.raises(TypeError):
            wrong()


def test_an_id_in_place_of_a_handle_is_told_how_to_find_it(world: World) -> None:
    engine: Any = world.engine
    service = re.escape("service must be a Service, not str; engine.service('web') finds one")
    check = re.escape("check must be a Check, not str; engine.check('web:http') finds one")
    calls: list[tuple[str, Callable[[], object]]] = [
        (service, lambda: engine.register_check("x", service="web")),
        (service, lambda: engine.register_alias("x", "other", service="web")),
        (service, lambda: engine.subscribe(service="web")),
        (check, lambda: engine.subscribe(check="web:http")),
        ("^service must be a Service, not Check$", lambda: engine.subscribe(service=world.check)),
        ("^check must be a Check, not Service$", lambda: engine.subscribe(check=world.service)),
        ("^service must be a Service, not int$", lambda: engine.register_check("x", service=0)),
    ]
    for message, wrong in calls:
        with pytest.raises(TypeError, match=message):
            wrong()


def test_what_is_no_status_is_said(world: World) -> None:
    engine: Any = world.engine
    token: Any = world.token
    calls: list[tuple[str, Callable[[], object]]] = [
        ("^status must be a Status, not str$", lambda: token.update("passing")),
        ("^initial must be a Status, not str$", lambda: engine.register_check("x", initial="passing")),
        ("^min_status must be a Status, not NoneType$", lambda: engine.subscribe(min_status=None)),
    ]
    for message, wrong in calls:
        with pytest.raises(TypeError, match=message):
            wrong()


def test_what_is_no_length_of_time_is_said(world: World) -> None:
    check: Any = world.check
    token: Any = world.token
    with world.engine.subscribe() as changes:
        subscription: Any = changes
        calls: list[tuple[str, Callable[[], object]]] = [
            ("^lease must be seconds or a timedelta, not '2s'$", lambda: check.acquire(lease="2s")),
            ("^timeout must be seconds or None, not '2s'$", lambda: subscription.wait("2s")),
            ("^timeout must be seconds or None, not '2s'$", lambda: token.join(token, timeout="2s")),
        ]
        for message, wrong in calls:
            with pytest.raises(TypeError, match=message):
                wrong()


def test_numbers_out_of_range(world: World) -> None:
    calls: list[Callable[[], object]] = [
        lambda: world.check.take_over(2**64),
        lambda: world.check.take_over(-1),
        lambda: world.engine.record(2**32 + 1),
        lambda: world.engine.tick(wall_ns=2**63),
        lambda: world.engine.tick(boot_ns=-1),
        lambda: Engine(max_checks=-1),
        lambda: Engine(max_checks=2**32),
    ]
    for wrong in calls:
        with pytest.raises(lifesign.InvalidError, match="out of range"):
            wrong()


def test_two_scopes(world: World) -> None:
    with pytest.raises(lifesign.InvalidError, match="one scope"):
        world.engine.subscribe(check=world.check, prefix="web")


def test_a_summary_of_no_service(world: World) -> None:
    for scope in ({}, {"check": world.check}, {"prefix": "web"}):
        with pytest.raises(lifesign.InvalidError, match="summary, but of no service"):
            world.engine.subscribe(**scope, summary=True)


def test_no_room_for_events(world: World) -> None:
    with world.engine.subscribe() as subscription, pytest.raises((lifesign.InvalidError, lifesign.BufferTooSmallError)):
        subscription.poll(0)


def test_calls_after_close() -> None:
    engine = Engine()
    service = engine.register_service("web")
    check = engine.register_check("web:http", service=service)
    token = check.acquire()
    subscription = engine.subscribe()
    engine.close()
    calls: list[Callable[[], object]] = [
        lambda: engine.id,
        lambda: engine.node_status,
        engine.node,
        engine.audit,
        engine.tick,
        engine.stats,
        engine.checks,
        engine.services,
        engine.subscribe,
        lambda: engine.check("web:http"),
        lambda: engine.record(1),
        lambda: engine.register_service("other"),
        lambda: service.status,
        service.snapshot,
        service.deregister,
        lambda: service.redefine(name="x"),
        lambda: check.status,
        check.snapshot,
        check.who,
        check.writers,
        check.history,
        check.acquire,
        check.deregister,
        lambda: token.generation,
        lambda: token.update(Status.PASSING),
        lambda: engine.write_batch([(token, Status.PASSING, "")]),
        lambda: engine.write_batch([]),
        lambda: engine.declare_writer("peer"),
        lambda: engine.export("/nowhere/at/all"),
        token.renew,
        token.deregister_check,
        subscription.poll,
        lambda: subscription.wait(0),
    ]
    for late in calls:
        with pytest.raises(lifesign.ClosedError):
            late()
    assert list(subscription) == []
    for closable in (engine, token, subscription):
        closable.close()
        closable.close()
    assert isinstance(check, Check)
