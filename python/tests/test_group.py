"""Many checks are read by one call."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import World
from lifesign import ClosedError, Engine, ForeignEngineError, Snapshot, Status


def test_statuses_and_snapshots_are_those_of_each(world: World) -> None:
    gone = world.engine.register_check("gone")
    gone.deregister()
    group = world.engine.group([world.check, gone, world.alias, world.check])
    assert len(group) == len(group.checks) == 4
    for status, output in ((Status.WARNING, "slow"), (Status.PASSING, "é" * 2048), (Status.CRITICAL, "")):
        world.token.update(status, output)
        assert group.statuses() == [status, Status.GONE, status, status]
        assert all(type(status) is Status for status in group.statuses())
        one = world.check.snapshot()
        assert group.snapshots() == [one, None, world.alias.snapshot(), one]


def test_what_is_returned_is_the_callers_own(world: World) -> None:
    group = world.engine.group([world.check, world.alias])
    for status in (Status.WARNING, Status.WARNING, Status.PASSING, Status.PASSING):
        world.token.update(status, "")
        first = group.statuses()
        assert first == [status, status]
        first.clear()
        assert group.statuses() == [status, status]


def test_none_at_all(engine: Engine) -> None:
    group = engine.group([])
    assert (group.statuses(), group.snapshots(), len(group)) == ([], [], 0)


def test_another_engines_check_is_named(world: World) -> None:
    with Engine() as other, pytest.raises(ForeignEngineError, match="web:http"):
        other.group([world.check])


def test_a_closed_engine_is_said(engine: Engine) -> None:
    check = engine.register_check("a")
    group = engine.group([check])
    engine.close()
    for read in (group.statuses, group.snapshots):
        with pytest.raises(ClosedError):
            read()


def test_several_threads_read_one_group(world: World, threads: ThreadPoolExecutor) -> None:
    steady = world.engine.register_check("steady", initial=Status.PASSING)
    group = world.engine.group([steady, world.check, steady] * 50)
    flips = 0

    def read() -> int:
        seen = set()
        for _ in range(300):
            statuses = group.statuses()
            assert set(statuses[::3]) == set(statuses[2::3]) == {Status.PASSING}
            seen.update(statuses[1::3])
            for snapshot in group.snapshots()[1::30]:
                assert isinstance(snapshot, Snapshot)
                assert snapshot.output == str(snapshot.status)
        return len(seen)

    world.token.update(Status.WARNING, "warning")
    readers = [threads.submit(read) for _ in range(3)]
    while not all(reader.done() for reader in readers):
        flips += 1
        status = Status.WARNING if flips % 2 else Status.CRITICAL
        world.token.update(status, str(status))
    assert [reader.result() for reader in readers] == [2, 2, 2]
