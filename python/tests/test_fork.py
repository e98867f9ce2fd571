"""A forked child: the parent's engine is out of its reach, a fresh one is not."""

import json
import os
import select
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lifesign
from conftest import World
from lifesign import Engine, ForkedError, Status


def in_child(report: Callable[[], object]) -> Any:  # noqa: ANN401
    """Run in a forked child and return what it returned, by way of JSON."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = report()
        except BaseException as error:  # the child must not return into the parent's test run
            said = repr(error)
        os.write(writer, json.dumps(said).encode())
        os._exit(0)
    os.close(writer)
    with open(reader) as answer:
        said = json.load(answer)
    assert os.waitpid(child, 0)[1] == 0
    return said


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ForkedError) as error:
        call()
    return str(error.value)


def test_every_call_says_forked_and_how_to_go_on(world: World, tmp_path: Path) -> None:
    subscription = world.engine.subscribe()
    claim = world.engine.claim(tmp_path, "node")
    group = world.engine.group([world.check])
    calls: list[Callable[[], object]] = [
        lambda: world.check.status,
        lambda: world.alias.status,
        group.statuses,
        group.snapshots,
        lambda: world.service.status,
        lambda: world.engine.node_status,
        world.check.snapshot,
        world.service.snapshot,
        world.engine.stats,
        world.engine.checks,
        world.check.acquire,
        world.check.deregister,
        lambda: world.token.update(Status.CRITICAL, "from the child"),
        world.token.renew,
        world.token.deregister_check,
        world.check.who,
        world.check.writers,
        world.check.history,
        lambda: world.engine.write_batch([(world.token, Status.CRITICAL, "from the child")]),
        lambda: world.engine.declare_writer("child"),
        lambda: world.engine.export(tmp_path / "state.json"),
        lambda: world.engine.register_service("child"),
        subscription.poll,
        lambda: subscription.wait(0),
        lambda: next(iter(subscription)),
        world.engine.subscribe,
        lambda: world.engine.claim(tmp_path, "other"),
        lambda: claim.state,
        claim.rivals,
    ]
    for said in in_child(lambda: [refused(call) for call in calls]):
        assert said.endswith("engine = lifesign.Engine()")
    assert world.check.status is Status.PASSING
    assert claim.state.held
    claim.release()
    subscription.close()


def test_a_fresh_engine_works_in_the_child(world: World) -> None:
    assert world.check.status is Status.PASSING

    def child() -> list[object]:
        engine = Engine(name="child")
        with engine, engine.register_check("a").acquire() as token, engine.subscribe() as subscription:
            token.update(Status.WARNING, "from the child")
            event = next(iter(subscription))
            return [event.id, str(event.status), token.record.pid == os.getpid(), str(token.record.process)]

    name, status, own_pid, process = in_child(child)
    assert (name, status, own_pid) == ("a", "warning", True)
    assert process != str(world.token.record.process)


def test_closing_in_the_child_is_quiet_and_changes_nothing(world: World) -> None:
    subscription = world.engine.subscribe()
    subscription.poll()

    def child() -> str:
        subscription.close()
        world.token.close()
        world.engine.close()
        return "closed"

    assert in_child(child) == "closed"
    world.token.update(Status.CRITICAL, "still here")
    assert world.alias.status is Status.CRITICAL
    assert {event.id for event in subscription.poll().events} == {"web:http", "sidecar"}
    subscription.close()


def test_a_child_steals_no_wake_up(world: World) -> None:
    with world.engine.subscribe(check=world.check) as subscription:
        subscription.poll()
        world.token.update(Status.CRITICAL)
        assert in_child(lambda: refused(subscription.poll))
        assert select.select([subscription], [], [], 30)[0]
        assert [event.status for event in subscription.poll().events] == [Status.CRITICAL]


def test_grandchildren_too(world: World) -> None:
    def child() -> object:
        with Engine() as engine:
            check = engine.register_check("a")
            mine = str(check.status)
            return [mine, in_child(lambda: refused(lambda: check.status))]

    mine, said = in_child(child)
    assert mine == "critical"
    assert "fresh" in said
    assert isinstance(world.check, lifesign.Check)
