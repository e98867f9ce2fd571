"""Exports, and what a registration that carries a restored state makes of it."""

import json
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

import lifesign
from conftest import Timed, World
from lifesign import Check, Engine, Event, Restored, Status, Token, read_export

LIMIT = 30
"""Seconds after which a step that does not come is a failure."""

DOWN = Restored(Status.CRITICAL, "down before the restart", 7_000_000_000)


def test_what_is_exported_comes_back(timed: Timed, tmp_path: Path) -> None:
    engine, path = timed.engine, tmp_path / "state.json"
    engine.register_check("never reported")
    engine.register_alias("sidecar", "web")
    engine.register_check("carried", restored=DOWN)
    with engine.register_check("job").acquire() as token:
        token.update(Status.WARNING, "naïve\0“text”")
        timed.let_pass(5)
        token.update(Status.WARNING, "naïve\0“text”")
        timed.let_pass(2)
        assert engine.export(path) == 2
    exported = read_export(path)
    assert set(exported) == {"job", "carried"}
    job = exported["job"]
    assert job.state == Restored(Status.WARNING, "naïve\0“text”", Timed.START)
    assert job.reported == datetime(1970, 1, 1, 0, 16, 45, tzinfo=UTC)
    assert exported["carried"].state == DOWN
    with Engine() as restarted:
        check = restarted.register_check("job", restored=job.state)
        state = check.snapshot()
        assert (state.status, state.output, state.since_ns) == (Status.WARNING, "naïve\0“text”", Timed.START)
        assert (state.restored, state.initial, state.transitions) == (True, False, 0)
        assert check.history() == []


def test_the_file_is_json_that_others_can_read(world: World, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    assert world.engine.export(os.fsencode(path)) == 1
    document = json.loads(path.read_text())
    (line,) = document["checks"]
    assert (line["id"], line["status"], line["output"]) == ("web:http", "passing", "200 OK")
    assert stat.S_ISREG(path.stat().st_mode)


def test_more_than_the_first_buffer_holds(engine: Engine, tmp_path: Path) -> None:
    for number in range(300):
        with engine.register_check(f"{number}").acquire() as token:
            token.update(Status.PASSING, "x" * 1000)
    assert engine.export(tmp_path / "state.json") == 300
    exported = read_export(str(tmp_path / "state.json"))
    assert len(exported) == 300
    assert {check.state.output for check in exported.values()} == {"x" * 1000}


def test_an_earlier_file_stays_whole_when_an_export_fails(world: World, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    world.engine.export(path)
    before = path.read_bytes()
    for place, said in ((tmp_path / "absent" / "state.json", "absent"), (tmp_path, str(tmp_path))):
        with pytest.raises(lifesign.InvalidError, match=said):
            world.engine.export(place)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_paths_that_are_none(engine: Engine) -> None:
    for call in (engine.export, read_export):
        with pytest.raises(lifesign.InvalidError, match="path"):
            call("")
        with pytest.raises(lifesign.InvalidError, match="NUL"):
            call("a\0b")
        with pytest.raises(lifesign.TooLargeError):
            call("x" * 5000)
        with pytest.raises(TypeError):
            call(7)  # type: ignore[arg-type]


def test_files_that_are_no_export(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with pytest.raises(lifesign.NotFoundError, match=r"state\.json"):
        read_export(path)
    good = {"format": "lifesign-export-1", "time_ns": 0, "checks": []}
    bad: list[object] = [{}, [], {**good, "format": "lifesign-export-99"}, {**good, "checks": [{"id": "x"}]}]
    for text in ("", "not JSON", "\udcff", *map(json.dumps, bad)):
        path.write_text(text, errors="surrogateescape")
        with pytest.raises(lifesign.InvalidError, match=r"state\.json"):
            read_export(path)
    path.write_text(json.dumps(good))
    assert read_export(path) == {}


def test_a_restored_state_that_cannot_be(world: World) -> None:
    engine: Any = world.engine
    before = engine.stats()
    wrong: list[tuple[type[Exception], Any]] = [
        (lifesign.InvalidError, Restored(Status.GONE, "", 0)),
        (lifesign.InvalidError, Restored(Status.PASSING, "bad \udcff", 0)),
        (lifesign.InvalidError, Restored(Status.PASSING, "", 2**63)),
        (lifesign.TooLargeError, Restored(Status.PASSING, "x" * 4097, 0)),
        (TypeError, Restored("passing", "", 0)),  # type: ignore[arg-type]
        (TypeError, (Status.PASSING, "", 0)),
    ]
    for error, restored in wrong:
        with pytest.raises(error):
            engine.register_check("job", restored=restored)
    assert (engine.stats().commits, engine.stats().checks) == (before.commits, before.checks)


def test_the_first_report_ends_it_also_with_the_same_words(engine: Engine) -> None:
    check = engine.register_check("job", restored=DOWN)
    with engine.subscribe(check=check) as changes, check.acquire() as token:
        changes.poll()
        assert check.snapshot().restored
        token.update(DOWN.status, DOWN.output)
        (event,) = changes.poll().events
        assert not event.state.restored
        assert (event.state.transitions, event.state.since_ns) == (0, DOWN.since_ns)


class Restart:
    """The steps of a restart: registered anew, a reload that registers again, and a runner's first evaluation."""

    def __init__(self, engine: Engine, *, restored: bool) -> None:
        self.engine = engine
        self.check = engine.register_check("job", restored=DOWN if restored else None)
        self.token: Token | None = None
        self.seen: list[Event] = []
        self.changes = engine.subscribe(check=self.check)
        self.reported = False

    def acquire(self) -> None:
        self.token = self.check.acquire("runner")

    def write(self) -> None:
        assert self.token is not None
        self.token.update(Status.PASSING, "up")
        self.reported = True

    def again(self) -> None:
        assert self.engine.register_check("job", restored=DOWN) == self.check

    def look(self) -> None:
        """What is shown is the restored state before the report, and never after it."""
        self.seen += self.changes.poll().events
        state = self.check.snapshot()
        if self.reported:
            assert (state.status, state.output, state.restored) == (Status.PASSING, "up", False)
        elif not state.initial:
            assert (state.status, state.output, state.restored) == (DOWN.status, DOWN.output, True)

    def close(self) -> None:
        self.changes.close()
        if self.token is not None:
            self.token.close()


STEPS = {*permutations(["acquire", "write", "again", "again"])}
ORDERS = sorted(order for order in STEPS if order.index("acquire") < order.index("write"))


@pytest.mark.parametrize("restored", [False, True], ids=["restored late", "restored at first"])
@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_restart_in_every_order(engine: Engine, order: tuple[str, ...], restored: bool) -> None:
    """Restored ``critical``, registered again while the first evaluation is under way, then ``passing``."""
    restart = Restart(engine, restored=restored)
    for step in order:
        getattr(restart, step)()
        restart.look()
    statuses = [event.status for event in restart.seen]
    assert statuses[-1] is Status.PASSING
    assert Status.CRITICAL not in statuses[statuses.index(Status.PASSING) :]
    state = restart.check.snapshot()
    assert (state.status, state.output, state.restored, state.transitions) == (Status.PASSING, "up", False, 1)
    restart.close()


def test_restart_at_once(engine: Engine, threads: ThreadPoolExecutor) -> None:
    """The same with the registrations and the evaluation in threads that start together."""
    overlaps = 0
    for turn in range(200):
        check = engine.register_check(f"job {turn}")
        together = threading.Barrier(3)

        def again(turn: int = turn, together: threading.Barrier = together) -> tuple[int, int]:
            together.wait(LIMIT)
            before = engine.check(f"job {turn}").snapshot().version
            engine.register_check(f"job {turn}", restored=DOWN)
            return before, engine.check(f"job {turn}").snapshot().version

        def evaluate(check: Check = check, together: threading.Barrier = together) -> None:
            together.wait(LIMIT)
            with check.acquire("runner") as token:
                token.update(Status.PASSING, "up")
                assert check.status is Status.PASSING

        registrations = [threads.submit(again) for _ in range(2)]
        evaluation = threads.submit(evaluate)
        evaluation.result(LIMIT)
        overlaps += any(before < after for before, after in (each.result(LIMIT) for each in registrations))
        state = check.snapshot()
        assert (state.status, state.output, state.restored) == (Status.PASSING, "up", False)
    assert overlaps, "never was a registration under way while something was committed"


def test_a_restored_state_after_the_report_is_left_alone(world: World) -> None:
    before = world.check.snapshot()
    again = world.engine.register_check("web:http", service=world.service, name="HTTP", data=b"GET /", restored=DOWN)
    assert again == world.check
    assert world.check.snapshot() == before
