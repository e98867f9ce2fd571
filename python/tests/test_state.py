"""Register, write, read: what goes in comes out."""

import os
import socket
import time
from datetime import UTC, datetime
from enum import IntEnum

import pytest

from conftest import World
from lifesign import CheckKind, Code, Engine, EventKind, Status

COARSE_NS = 50_000_000
"""How far the kernel's coarse clock, by which commits are dated, may lag behind the exact one."""


def test_a_check_round_trip(world: World) -> None:
    before = time.clock_gettime_ns(time.CLOCK_REALTIME) - COARSE_NS
    world.token.update(Status.WARNING, "slow: 2 s, naïve")
    state = world.check.snapshot()
    assert (state.id, state.name, state.service, state.target) == ("web:http", "HTTP", "web", "")
    assert (state.data, state.output, state.kind) == (b"GET /", "slow: 2 s, naïve", CheckKind.CHECK)
    assert state.status is world.check.status is Status.WARNING
    assert not any((state.initial, state.orphaned, state.restored, state.derived, state.gone))
    assert state.generation == world.token.generation
    assert state.writer == state.holder == world.token.record.id
    assert state.handle == world.check.handle
    assert before <= state.time_ns <= time.time_ns()
    assert state.since_ns == state.time_ns
    assert abs(state.time - datetime.fromtimestamp(state.time_ns / 1e9, UTC)).total_seconds() < 1e-3


def test_versions_and_transitions_count(world: World) -> None:
    first = world.check.snapshot()
    world.token.update(Status.PASSING, "another text")
    second = world.check.snapshot()
    world.token.update(Status.CRITICAL, "down")
    third = world.check.snapshot()
    assert [s.version - first.version for s in (first, second, third)] == [0, 1, 2]
    assert [s.transitions - first.transitions for s in (first, second, third)] == [0, 0, 1]
    assert first.revision < second.revision < third.revision
    assert first.incarnation == second.incarnation == third.incarnation
    assert first.since_ns == second.since_ns <= third.since_ns


def test_a_check_that_never_reported_says_so(engine: Engine) -> None:
    assert engine.register_check("a").snapshot().initial
    assert engine.register_check("b").status is Status.CRITICAL
    assert engine.register_check("c", initial=Status.PASSING).status is Status.PASSING


def test_a_writers_record_is_this_process(world: World) -> None:
    record = world.token.record
    assert record.pid == os.getpid()
    assert record.machine == socket.gethostname()[:64]
    assert (record.name, record.version, record.build) == ("tests", "1.2.3", "abcdef")
    assert record.label == "first runner"
    assert not record.declared
    with open("/proc/self/stat") as stat:
        assert record.process_start == int(stat.read().rpartition(")")[2].split()[19])
    assert os.path.realpath(record.executable) == os.path.realpath("/proc/self/exe")
    assert world.engine.record(record.id) == record
    assert (world.check.who().holder, world.check.who().generation) == (record, world.token.generation)
    for part in ("first runner", "tests 1.2.3 abcdef", str(os.getpid()), record.machine):
        assert part in str(record)


def test_nobody_holds_a_released_check(world: World) -> None:
    generation = world.token.generation
    world.token.close()
    who = world.check.who()
    assert (who.holder, who.since, who.since_ns, who.orphaned) == (None, None, 0, False)
    assert who.generation >= generation
    with world.check.acquire("second") as second:
        assert second.generation > generation


def test_alias_follows_its_target_at_once(world: World) -> None:
    assert world.alias.status is Status.PASSING
    assert world.alias.snapshot().output == "All checks passing."
    world.token.update(Status.CRITICAL, "connection refused")
    state = world.alias.snapshot()
    assert world.alias.status is state.status is Status.CRITICAL
    assert state.derived
    assert (state.kind, state.target, state.service) == (CheckKind.ALIAS_SERVICE, "web", "")
    assert "web:http" in state.output
    assert "connection refused" in state.output
    world.token.update(Status.PASSING, "200 OK")
    assert world.alias.status is Status.PASSING


def test_alias_of_what_is_not_there_recovers_when_it_comes(engine: Engine) -> None:
    alias = engine.register_alias("early", "later")
    assert alias.status is Status.CRITICAL
    assert "later" in alias.snapshot().output
    later = engine.register_service("later")
    assert (alias.snapshot().status, alias.snapshot().output) == (Status.PASSING, "No checks found.")
    later.deregister()
    assert alias.status is Status.CRITICAL


def test_node_checks_count_for_every_service(world: World) -> None:
    node_alias = world.engine.register_alias("node alias", None)
    assert node_alias.snapshot().kind is CheckKind.ALIAS_NODE
    disk = world.engine.register_check("disk", initial=Status.PASSING)
    assert world.engine.node_status is node_alias.status is Status.PASSING
    with disk.acquire() as token:
        token.update(Status.WARNING, "90 % full")
    assert world.engine.node_status is node_alias.status is world.alias.status is Status.WARNING
    assert world.check.status is Status.PASSING
    service = world.service.snapshot()
    assert (service.status, service.own) == (Status.WARNING, Status.PASSING)
    node = world.engine.node()
    assert node.status is Status.WARNING
    assert {check.id for check in node.checks} == {"disk", "node alias", "sidecar"}


def test_service_snapshot_is_whole(world: World) -> None:
    for number in range(40):
        world.engine.register_check(f"web:{number:02}", service=world.service, data=b"d" * 2000, initial=Status.PASSING)
    state = world.service.snapshot()
    assert (state.id, state.name, state.data) == ("web", "Web", b"\x00\xff")
    assert state.registered
    assert state.status is state.own is world.service.status is Status.PASSING
    assert {check.id for check in state.checks} == {"web:http"} | {f"web:{number:02}" for number in range(40)}
    assert next(check for check in state.checks if check.id == "web:http") == world.check.snapshot()


def test_lists_and_lookups(world: World) -> None:
    engine = world.engine
    many = [engine.register_check(f"check {number}") for number in range(200)]
    assert engine.check("web:http") == world.check
    assert engine.service("web") == world.service
    assert engine.services() == [world.service]
    assert set(engine.checks()) == {world.check, world.alias, *many}
    assert {check.id for check in engine.checks()} == {"web:http", "sidecar", *(check.id for check in many)}


def test_same_definition_again_is_no_change(world: World) -> None:
    before = world.engine.stats().commits
    assert world.engine.register_service("web", name="Web", data=b"\x00\xff") == world.service
    again = world.engine.register_check("web:http", service=world.service, name="HTTP", data=b"GET /")
    assert again == world.check
    assert hash(again) == hash(world.check)
    assert world.engine.register_alias("sidecar", "web") == world.alias
    assert world.engine.stats().commits == before
    assert world.check.status is Status.PASSING


def test_redefine_keeps_life_status_and_token(world: World) -> None:
    before = world.check.snapshot()
    world.check.redefine(name="HTTP 2")
    world.check.redefine(data=b"GET /health")
    world.service.redefine(name="Web 2", data=b"")
    world.alias.redefine(name="Sidecar")
    after = world.check.snapshot()
    assert (after.name, after.data) == ("HTTP 2", b"GET /health")
    assert (after.incarnation, after.status, after.output) == (before.incarnation, before.status, before.output)
    assert (world.service.snapshot().name, world.service.snapshot().data) == ("Web 2", b"")
    assert (world.alias.snapshot().name, world.alias.status) == ("Sidecar", Status.PASSING)
    world.token.update(Status.WARNING)
    assert world.alias.status is Status.WARNING


def test_deregistered_is_gone_and_may_come_back(world: World) -> None:
    old = world.check.snapshot()
    world.token.deregister_check()
    assert world.check.status is Status.GONE
    again = world.engine.register_check("web:http", service=world.service)
    assert again != world.check
    assert again.snapshot().incarnation > old.incarnation
    assert again.status is Status.CRITICAL
    assert world.check.status is Status.GONE


def test_output_keeps_nul_and_the_limit_is_exact(engine: Engine) -> None:
    with engine.register_check("a").acquire() as token:
        for output in ("", "a\0b", "x" * 4096, "é" * 2048):
            token.update(Status.PASSING, output)
            assert token.check.snapshot().output == output


def test_largest_texts_come_back_whole(engine: Engine) -> None:
    check = engine.register_check("i" * 255, data=b"d" * 4096)
    with check.acquire() as token:
        token.update(Status.PASSING, "o" * 4096)
    state = check.snapshot()
    assert (len(state.id), len(state.data), len(state.output)) == (255, 4096, 4096)


def test_join_returns_once_the_old_writer_is_done(world: World) -> None:
    with world.check.take_over(world.token.generation, "second runner") as second:
        second.join(world.token, 10, calls_only=True)
        world.token.close()
        second.join(world.token, 10)
        second.join(world.token)


def test_stats_count(world: World) -> None:
    stats = world.engine.stats()
    assert (stats.services, stats.aliases, stats.tokens, stats.subscriptions) == (1, 1, 1, 0)
    world.token.update(Status.CRITICAL)
    after = world.engine.stats()
    assert after.commits > stats.commits
    assert after.transitions > stats.transitions


def test_engines_are_apart(engine: Engine) -> None:
    with Engine() as other:
        assert other.id != engine.id
        engine.register_check("a")
        assert other.checks() == []


def test_a_manual_clock_times_commits() -> None:
    with Engine(manual_clock=True) as engine:
        engine.tick(wall_ns=5_000_000_000, boot_ns=1)
        with engine.register_check("a").acquire() as token:
            token.update(Status.PASSING)
        assert engine.check("a").snapshot().time_ns == 5_000_000_000
        engine.tick()


@pytest.mark.parametrize("status", [Status.PASSING, Status.WARNING, Status.CRITICAL])
def test_statuses_are_ordered_and_named(status: Status) -> None:
    assert Status(status.value) is status
    assert str(status) == status.name.lower()
    assert Status.PASSING < Status.WARNING < Status.CRITICAL


@pytest.mark.parametrize("kind", [Status, CheckKind, EventKind, Code])
def test_names_are_printed_in_lower_case(kind: type[IntEnum]) -> None:
    for member in kind:
        assert str(member) == f"{member}" == f"{member:>3}".strip() == member.name.lower()
