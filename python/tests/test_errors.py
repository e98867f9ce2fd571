"""Each refusal: its class, its code, its message and both sides' records."""

import pickle
from collections.abc import Callable
from ctypes import byref, c_size_t

import pytest

import lifesign
from conftest import World
from lifesign import Check, Code, Engine, Status
from lifesign import _abi as abi
from lifesign._library import call, lib


def test_held_names_the_holder(world: World) -> None:
    with pytest.raises(lifesign.HeldError) as refused:
        world.check.acquire("rival")
    error = refused.value
    assert error.code is Code.HELD
    assert error.holder == world.token.record
    assert error.generation == world.token.generation
    assert "web:http" in error.message
    assert "first runner" in error.message
    assert str(error) == error.message


def test_a_held_check_is_not_deregistered_by_another(world: World) -> None:
    with pytest.raises(lifesign.HeldError) as refused:
        world.check.deregister()
    assert refused.value.holder == world.token.record
    assert world.check.status is Status.PASSING


def test_fenced_names_both_sides(world: World) -> None:
    mine = world.token.record
    with world.check.take_over(world.token.generation, "second runner") as second:
        refusals: list[Callable[[], object]] = [
            lambda: world.token.update(Status.CRITICAL, "late"),
            world.token.deregister_check,
        ]
        for refusal in refusals:
            with pytest.raises(lifesign.FencedError) as refused:
                refusal()
            assert refused.value.caller == mine
            assert refused.value.holder == second.record
            assert refused.value.generation == second.generation
            for part in ("web:http", "second runner"):
                assert part in str(refused.value)
        assert world.token.record == mine
    assert world.check.status is Status.PASSING


def test_take_over_succeeds_only_against_the_holder_that_was_seen(world: World) -> None:
    seen = world.token.generation
    with world.check.take_over(seen, "second") as second:
        with pytest.raises(lifesign.HeldError) as refused:
            world.check.take_over(seen, "third")
        assert refused.value.holder == second.record
        assert refused.value.generation == second.generation
        second.update(Status.WARNING)


def test_force_is_told_to_the_holder(world: World) -> None:
    world.check.force_deregister("operator")
    with pytest.raises(lifesign.GoneError) as refused:
        world.token.update(Status.PASSING)
    assert "web:http" in str(refused.value)
    assert refused.value.caller is not None
    assert refused.value.caller.label == "first runner"


def test_gone(world: World) -> None:
    world.token.deregister_check()
    refusals: list[Callable[[], object]] = [
        world.check.snapshot,
        world.check.acquire,
        world.check.who,
        world.check.deregister,
        lambda: world.token.update(Status.PASSING),
        world.token.renew,
        lambda: world.check.force_deregister("x"),
        lambda: world.check.redefine(name="x"),
        lambda: world.check.take_over(1),
        lambda: world.engine.subscribe(check=world.check),
    ]
    for refusal in refusals:
        with pytest.raises(lifesign.GoneError):
            refusal()


def test_derived(world: World) -> None:
    with pytest.raises(lifesign.DerivedError, match="sidecar"):
        world.alias.acquire("rival")
    with pytest.raises(lifesign.DerivedError, match="sidecar"):
        world.alias.take_over(0, "rival")
    assert world.engine.stats().refused_derived == 2


def test_foreign_engine(world: World) -> None:
    with Engine() as other:
        foreign = other.register_service("web")
        with pytest.raises(lifesign.ForeignEngineError):
            world.engine.register_check("x", service=foreign)
        with pytest.raises(lifesign.ForeignEngineError):
            world.engine.subscribe(service=foreign)
        with other.register_check("web:http").acquire() as token, pytest.raises(lifesign.ForeignEngineError):
            world.token.join(token, 0)


def test_closed(engine: Engine) -> None:
    check = engine.register_check("a")
    token = check.acquire()
    token.close()
    of_the_token: list[Callable[[], object]] = [
        lambda: token.update(Status.PASSING),
        lambda: token.generation,
        lambda: token.record,
    ]
    for refusal in of_the_token:
        with pytest.raises(lifesign.ClosedError):
            refusal()
    subscription = engine.subscribe()
    subscription.close()
    with pytest.raises(lifesign.ClosedError):
        subscription.poll()
    with pytest.raises(lifesign.ClosedError):
        subscription.fileno()
    engine.close()
    of_the_engine: list[Callable[[], object]] = [
        engine.stats,
        lambda: check.status,
        check.snapshot,
        lambda: engine.register_check("b"),
    ]
    for refusal in of_the_engine:
        with pytest.raises(lifesign.ClosedError):
            refusal()


def test_exists_names_the_field(world: World) -> None:
    with pytest.raises(lifesign.ExistsError, match=r"web.*name"):
        world.engine.register_service("web", name="other", data=b"\x00\xff")
    with pytest.raises(lifesign.ExistsError, match=r"web:http.*data"):
        world.engine.register_check("web:http", service=world.service, name="HTTP", data=b"other")
    with pytest.raises(lifesign.ExistsError, match=r"sidecar.*target"):
        world.engine.register_alias("sidecar", "another")


def test_not_found_is_a_lookup_error(engine: Engine) -> None:
    with pytest.raises(lifesign.NotFoundError, match="nobody"):
        engine.check("nobody")
    with pytest.raises(LookupError, match="nobody"):
        engine.service("nobody")
    with pytest.raises(lifesign.NotFoundError):
        engine.record(12345)


def test_loop_writes_the_path(engine: Engine) -> None:
    a, b = engine.register_service("a"), engine.register_service("b")
    engine.register_alias("a to b", b, service=a)
    with pytest.raises(lifesign.LoopError) as refused:
        engine.register_alias("b to a", a, service=b)
    assert 'alias "b to a"' in str(refused.value)
    assert '"b" -> "a" -> "b"' in str(refused.value)
    with pytest.raises(lifesign.LoopError, match="self"):
        engine.register_alias("self", a, service=a)
    assert [check.id for check in engine.checks()] == ["a to b"]


def test_limit() -> None:
    with Engine(max_services=1, max_checks=1, max_subscriptions=1, max_tokens=1) as engine:
        engine.register_service("a")
        with pytest.raises(lifesign.LimitError, match="b"):
            engine.register_service("b")
        check = engine.register_check("a")
        with pytest.raises(lifesign.LimitError, match="b"):
            engine.register_check("b")
        with engine.subscribe(), pytest.raises(lifesign.LimitError):
            engine.subscribe()
        with check.acquire() as token, pytest.raises(lifesign.LimitError):
            check.take_over(token.generation)


def test_busy_service_names_a_check(world: World) -> None:
    with pytest.raises(lifesign.BusyError, match="web:http"):
        world.service.deregister()
    assert world.service.status is Status.PASSING


def test_still_running_and_would_deadlock(world: World) -> None:
    with world.check.take_over(world.token.generation, "second") as second:
        with pytest.raises(lifesign.StillRunningError):
            second.join(world.token, 0)
        with pytest.raises(TimeoutError):
            second.join(world.token, 0.3)
        with pytest.raises(lifesign.WouldDeadlockError):
            second.join(second, 0)


def test_timeout_of_the_bare_call(engine: Engine) -> None:
    with engine.subscribe() as subscription:
        cursor = subscription.poll().cursor
        with pytest.raises(lifesign.TimedOutError) as late:
            call(lib.lifesign_subscription_wait, subscription.handle, 0)
        assert late.value.bookmark == cursor
        assert pickle.loads(pickle.dumps(late.value)).bookmark == cursor


def test_buffer_too_small_of_the_bare_call(world: World) -> None:
    state, needed = abi.sized(abi.Snapshot), c_size_t()
    with pytest.raises(lifesign.BufferTooSmallError):
        call(lib.lifesign_check_snapshot, world.check.handle, byref(state), None, 0, byref(needed))
    assert needed.value >= len("web:http" + "HTTP" + "web" + "GET /" + "200 OK")


def test_forged(world: World) -> None:
    forged = Check(world.engine, world.check.handle ^ (0x5A5A << 40), "forged")
    with pytest.raises(lifesign.ForgedError):
        forged.snapshot()
    with pytest.raises(lifesign.ForgedError):
        Check(world.engine, world.token.handle, "of another kind").snapshot()


def test_refusals_are_counted(world: World) -> None:
    before = world.engine.stats()
    with pytest.raises(lifesign.HeldError):
        world.check.acquire()
    with world.check.take_over(world.token.generation), pytest.raises(lifesign.FencedError):
        world.token.update(Status.CRITICAL)
    after = world.engine.stats()
    assert (after.refused_held - before.refused_held, after.refused_fenced - before.refused_fenced) == (1, 1)


def test_only_a_time_out_has_a_bookmark(world: World) -> None:
    with pytest.raises(lifesign.HeldError) as refused:
        world.check.acquire()
    assert refused.value.bookmark is None


def test_errors_can_be_pickled(world: World) -> None:
    with pytest.raises(lifesign.HeldError) as refused:
        world.check.acquire()
    copy = pickle.loads(pickle.dumps(refused.value))
    assert type(copy) is lifesign.HeldError
    assert (copy.message, copy.holder) == (refused.value.message, refused.value.holder)
    assert copy.generation == refused.value.generation
