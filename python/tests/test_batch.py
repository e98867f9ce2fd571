"""Batches: several writes in one call, each with a result of its own."""

from collections.abc import Callable
from typing import Any

import pytest

import lifesign
from conftest import World
from lifesign import Engine, FencedError, Status, Token


def tokens(engine: Engine, count: int) -> list[Token]:
    return [engine.register_check(f"check {number}").acquire(f"writer {number}") for number in range(count)]


def close(*opened: Token) -> None:
    for token in opened:
        token.close()


def test_each_write_has_its_revision(engine: Engine) -> None:
    writers = tokens(engine, 200)
    revisions = engine.write_batch((token, Status.PASSING, f"from {token.record.label}") for token in writers)
    assert revisions == [token.check.snapshot().revision for token in writers]
    assert revisions == sorted(set(revisions), key=lambda revision: (isinstance(revision, Exception), revision))
    assert all(token.check.snapshot().output == f"from writer {at}" for at, token in enumerate(writers))
    close(*writers)


def test_a_heartbeat_gives_the_revision_that_it_confirms(world: World) -> None:
    before = world.check.snapshot()
    assert world.engine.write_batch([(world.token, before.status, before.output)] * 3) == [before.revision] * 3
    assert world.check.snapshot() == before


def test_writes_through_one_token_come_in_order(world: World) -> None:
    first, second = world.engine.write_batch(
        [(world.token, Status.CRITICAL, "down"), (world.token, Status.WARNING, "better")]
    )
    assert isinstance(first, int)
    assert isinstance(second, int)
    assert first < second == world.check.snapshot().revision
    assert world.alias.status is Status.WARNING


def test_every_refusal_names_both_sides_and_hinders_no_other(world: World) -> None:
    engine = world.engine
    other, gone = tokens(engine, 2)
    gone.deregister_check()
    second = world.check.take_over(world.token.generation, "second runner")
    results = engine.write_batch(
        [
            (world.token, Status.CRITICAL, "late"),
            (other, Status.PASSING, "fine"),
            (gone, Status.PASSING, "too late"),
            (world.token, Status.CRITICAL, "late again"),
            (other, Status.PASSING, "x" * 5000),
            (second, Status.WARNING, "slow"),
        ]
    )
    kinds = [type(result) for result in results]
    assert kinds == [FencedError, int, lifesign.GoneError, FencedError, lifesign.TooLargeError, int]
    for result in (results[0], results[3]):
        assert isinstance(result, FencedError)
        assert (result.caller, result.holder) == (world.token.record, second.record)
        assert result.generation == second.generation
        assert "web:http" in str(result)
    assert "check 1" in str(results[2])
    assert "5000" in str(results[4])
    assert (world.check.snapshot().output, other.check.snapshot().output) == ("slow", "fine")
    assert engine.stats().refused_fenced == 2
    close(other, gone, second)


def test_a_closed_token_is_its_own_result(engine: Engine) -> None:
    closed, other = tokens(engine, 2)
    closed.close()
    refused, revision = engine.write_batch([(closed, Status.PASSING, ""), (other, Status.PASSING, "")])
    assert isinstance(refused, lifesign.ClosedError)
    assert revision == other.check.snapshot().revision
    close(other)


def test_nothing_in_it(engine: Engine) -> None:
    assert engine.write_batch([]) == []


def test_what_is_wrong_with_the_whole_is_raised_and_nothing_is_written(world: World) -> None:
    engine: Any = world.engine
    before = world.check.snapshot()
    good = (world.token, Status.CRITICAL, "not written")
    with Engine() as another, another.register_check("foreign").acquire() as foreign:
        calls: list[tuple[type[Exception], Callable[[], object]]] = [
            (lifesign.ForeignEngineError, lambda: engine.write_batch([good, (foreign, Status.PASSING, "")])),
            (TypeError, lambda: engine.write_batch([good, (world.token, "passing", "")])),
            (TypeError, lambda: engine.write_batch([good, (world.token, Status.PASSING, b"bytes")])),
            (lifesign.InvalidError, lambda: engine.write_batch([good, (world.token, 2**32 + 1, "")])),
            (ValueError, lambda: engine.write_batch([good, (world.token, Status.PASSING)])),
        ]
        for error, wrong in calls:
            with pytest.raises(error):
                wrong()
    assert world.check.snapshot() == before


def test_a_status_that_is_none_is_its_own_result(world: World) -> None:
    refused, revision = world.engine.write_batch(
        [(world.token, Status.GONE, ""), (world.token, Status.WARNING, "slow")]
    )
    assert isinstance(refused, lifesign.InvalidError)
    assert "web:http" in str(refused)
    assert revision == world.check.snapshot().revision
