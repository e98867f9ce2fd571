"""Statuses are read without a call, and end with the life that they are of."""

import threading
from collections.abc import Callable

import pytest

from conftest import World
from lifesign import Check, ClosedError, Engine, Status, _reader
from lifesign import _abi as abi
from lifesign._reader import Reader


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Reader]:
    """Return the readers that have called the library for a status."""
    calls = []
    call = Reader.called

    def called(reader: Reader) -> Status:
        calls.append(reader)
        return call(reader)

    monkeypatch.setattr(Reader, "called", called)
    return calls


def test_a_status_is_read_without_a_call(world: World, calls: list[Reader]) -> None:
    engine = world.engine
    of_node = engine.register_alias("of node", None)
    disk = engine.register_check("disk", initial=Status.PASSING).acquire("disk")

    def all_are(status: Status, node: Status) -> None:
        for _ in range(2):
            assert world.check.status is world.service.status is world.alias.status is status
            assert engine.node_status is of_node.status is node

    for status in (Status.PASSING, Status.WARNING, Status.CRITICAL):
        world.token.update(status)
        all_are(status, Status.PASSING)
    disk.update(Status.CRITICAL, "full")
    all_are(Status.CRITICAL, Status.CRITICAL)
    assert calls == []


def test_without_ordered_loads_what_is_derived_is_asked_for(
    world: World, calls: list[Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_reader, "ORDERED", False)
    for status in (Status.WARNING, Status.CRITICAL):
        world.token.update(status)
        assert world.check.status is world.alias.status is world.service.status is status
        assert world.engine.node_status is Status.PASSING
    assert len(calls) == 6
    world.alias.deregister()
    assert world.alias.status is Status.GONE


def test_a_status_ends_with_its_life(engine: Engine) -> None:
    first = engine.register_check("a", initial=Status.PASSING)
    alias = engine.register_alias("b", "web")
    first.deregister()
    alias.deregister()
    # In the cells that the others had.
    derived = engine.register_alias("c", "nobody")
    again = engine.register_check("a", initial=Status.WARNING)
    assert first.status is alias.status is Status.GONE
    assert (again.status, derived.status) == (Status.WARNING, Status.CRITICAL)
    late = Check(engine, first.handle, "a")
    assert late.status is Status.GONE
    assert late.word[0] == 0
    engine.close()
    reads: list[Callable[[], object]] = [
        lambda: again.status,
        lambda: first.status,
        lambda: derived.status,
        lambda: engine.node_status,
    ]
    for read in reads:
        with pytest.raises(ClosedError):
            read()


def test_the_raw_word(world: World) -> None:
    word = world.check.word
    assert (len(word), word.format, word.itemsize, word.readonly) == (1, "Q", 8, True)
    life = word[0] >> abi.WORD_LIFE_SHIFT
    for status in (Status.PASSING, Status.CRITICAL, Status.WARNING):
        before = word[0]
        world.token.update(status)
        assert word[0] > before
        assert word[0] >> abi.WORD_STATUS_SHIFT & 3 == status
        assert world.alias.word[0] >> abi.WORD_STATUS_SHIFT & 3 == status
    world.token.deregister_check()
    assert word[0] >> abi.WORD_LIFE_SHIFT > life
    with pytest.raises(TypeError):
        word[0] = 0


def test_lives_end_beside_readers() -> None:
    """What is read is a status of the check's own life, or that it is gone and stays so, and at last that all is."""
    engine = Engine()
    born: list[tuple[Check, Status]] = []
    passes = [0, 0]
    wrong: list[object] = []
    ends = [0, 0]

    def read(thread: int) -> None:
        seen: set[int] = set()
        over: set[int] = set()
        while not wrong:
            for at, (check, status) in enumerate(tuple(born)):
                try:
                    found = check.status
                except ClosedError:
                    ends[thread] = len(over & seen)
                    return
                if found is Status.GONE:
                    over.add(at)
                elif found is not status or at in over:
                    wrong.append((at, found, status))
                else:
                    seen.add(at)
            passes[thread] += 1

    threads = [threading.Thread(target=read, args=(thread,)) for thread in range(2)]
    for thread in threads:
        thread.start()
    for number in range(50):
        status = Status(1 + number % 2)
        alias, check = engine.register_alias("alias", "nobody"), engine.register_check("check", initial=status)
        born += [(alias, Status.CRITICAL), (check, status)]
        before = list(passes)
        while not wrong and any(now < then + 2 for now, then in zip(passes, before, strict=True)):
            threading.Event().wait(0.0001)
        check.deregister()
        alias.deregister()
    engine.register_check("last")
    before = list(passes)
    while not wrong and any(now < then + 2 for now, then in zip(passes, before, strict=True)):
        threading.Event().wait(0.0001)
    engine.close()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert ends == [100, 100]
