"""A user's program: all that the package offers, used with the types that it promises; run from an empty folder."""

import asyncio
import shutil
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import assert_never, assert_type
from uuid import UUID

import lifesign
from lifesign import (
    Batch,
    BufferTooSmallError,
    BusyError,
    Check,
    CheckGroup,
    CheckKind,
    Claim,
    ClaimState,
    ClosedError,
    Code,
    Cursor,
    DerivedError,
    Engine,
    Event,
    EventKind,
    ExistsError,
    ExpiredError,
    Exported,
    FencedError,
    ForeignEngineError,
    ForgedError,
    ForkedError,
    FutureCursorError,
    GoneError,
    HeldError,
    HistoryEntry,
    HistoryKind,
    InternalError,
    InvalidError,
    LifesignError,
    LimitError,
    LoopError,
    NotFoundError,
    Restored,
    RevokedError,
    Rival,
    Service,
    ServiceSnapshot,
    Snapshot,
    Stats,
    Status,
    StillRunningError,
    Subscription,
    TimedOutError,
    Token,
    TooLargeError,
    Trouble,
    TroubleKind,
    Who,
    WouldDeadlockError,
    WriterActivity,
    WriterRecord,
    library_version,
    read_export,
)

REFUSALS: dict[Code, type[LifesignError]] = {
    Code.HELD: HeldError,
    Code.FENCED: FencedError,
    Code.EXPIRED: ExpiredError,
    Code.REVOKED: RevokedError,
    Code.GONE: GoneError,
    Code.FORGED: ForgedError,
    Code.FOREIGN_ENGINE: ForeignEngineError,
    Code.DERIVED: DerivedError,
    Code.FORKED: ForkedError,
    Code.CLOSED: ClosedError,
    Code.EXISTS: ExistsError,
    Code.NOT_FOUND: NotFoundError,
    Code.LOOP: LoopError,
    Code.INVALID: InvalidError,
    Code.TOO_LARGE: TooLargeError,
    Code.BUFFER_TOO_SMALL: BufferTooSmallError,
    Code.LIMIT: LimitError,
    Code.BUSY: BusyError,
    Code.TIMEOUT: TimedOutError,
    Code.STILL_RUNNING: StillRunningError,
    Code.WOULD_DEADLOCK: WouldDeadlockError,
    Code.FUTURE_CURSOR: FutureCursorError,
    Code.INTERNAL: InternalError,
}


def refused(call: Callable[[], object]) -> LifesignError:
    """Return why a call was refused."""
    try:
        call()
    except LifesignError as error:
        assert REFUSALS[error.code] is type(error)
        return error
    raise AssertionError("it was not refused")


def describe(status: Status) -> str:
    """Tell all statuses apart, which the type checker verifies."""
    match status:
        case Status.PASSING | Status.WARNING:
            return "in rotation"
        case Status.CRITICAL | Status.GONE:
            return "out"
        case _:
            assert_never(status)


def definitions(engine: Engine) -> tuple[Service, Check, Check]:
    """Register, find again, redefine."""
    web = engine.register_service("web", name="Web", data=b"10.0.0.7")
    http = engine.register_check("web:http", service=web, initial=Status.WARNING)
    sidecar = engine.register_alias("sidecar", web)
    assert_type(web, Service)
    assert_type(http, Check)
    assert engine.service("web") == web
    assert engine.check("web:http") == http
    assert {*engine.checks()} == {http, sidecar}
    assert engine.services() == [web]
    assert web.engine is http.engine is engine
    assert (web.id, http.id) == ("web", "web:http")
    assert len({engine.handle, web.handle, http.handle}) == 3
    web.redefine(name="The web")
    http.redefine(data=b"GET /")
    assert isinstance(refused(lambda: engine.check("nobody")), NotFoundError)
    assert describe(engine.node_status) == "in rotation"
    assert_type(engine.id, UUID)
    return web, http, sidecar


def readings(engine: Engine, web: Service, http: Check, sidecar: Check, token: Token) -> None:
    """Every way to read."""
    assert_type(http.status, Status)
    assert http.status is web.status is sidecar.status is Status.PASSING
    word: memoryview = http.word
    assert Status(word[0] >> 6 & 3) is Status.PASSING
    state = http.snapshot()
    assert_type(state, Snapshot)
    assert_type(state.since, datetime)
    assert state.time >= state.since
    assert (state.kind, sidecar.snapshot().kind) == (CheckKind.CHECK, CheckKind.ALIAS_SERVICE)
    whole = web.snapshot()
    assert_type(whole, ServiceSnapshot)
    assert_type(engine.node(), ServiceSnapshot)
    assert [check.output for check in whole.checks] == ["200 OK"]
    group = engine.group([http, sidecar])
    assert_type(group, CheckGroup)
    assert_type(group.statuses(), list[Status])
    assert_type(group.snapshots(), list[Snapshot | None])
    assert (len(group), group.checks) == (2, (http, sidecar))
    who = http.who()
    assert_type(who, Who)
    assert_type(who.since, datetime | None)
    assert who.holder == token.record == engine.record(token.record.id)
    assert_type(token.record, WriterRecord)
    for writer in http.writers():
        assert_type(writer, WriterActivity)
        assert writer.first <= writer.last
    for entry in http.history():
        assert_type(entry, HistoryEntry)
        assert entry.kind is HistoryKind.TRANSITION
        assert_type(entry.time, datetime)
    assert_type(engine.stats(), Stats)
    assert engine.audit() == 0
    engine.tick()


def take_over(engine: Engine, http: Check, old: Token) -> None:
    """Fence a writer, batch the writes of both, join it."""
    with engine.subscribe(trouble=True) as troubles:
        with http.take_over(old.generation, "second", lease=timedelta(hours=1), on_lapse=Status.CRITICAL) as new:
            try:
                old.update(Status.CRITICAL, "late")
            except FencedError as fenced:
                assert_type(fenced.holder, WriterRecord | None)
                assert_type(fenced.caller, WriterRecord | None)
                assert fenced.holder == new.record
                assert fenced.generation == new.generation
                assert "second" in fenced.message
            else:
                raise AssertionError("the old writer was not refused")
            new.renew()
            results = engine.write_batch([(new, Status.PASSING, "200 OK"), (old, Status.CRITICAL, "late")])
            assert_type(results, list[int | LifesignError])
            assert isinstance(results[0], int)
            assert isinstance(results[1], FencedError)
            assert isinstance(refused(lambda: new.join(old, 0)), StillRunningError)
            new.join(old, 1.0, calls_only=True)
            old.close()
            new.join(old)
            assert (old.closed, new.closed) == (True, False)
            assert new.check == http
            assert new.handle != old.handle
            assert isinstance(refused(lambda: old.update(Status.PASSING)), ClosedError)
        for event in troubles.poll().events:
            assert_type(event.trouble, Trouble)
            assert_type(event.trouble.kind, TroubleKind)
            assert event.trouble.first <= event.trouble.last
        engine.declare_writer("peer", machine="elsewhere", pid=7)


def threads(engine: Engine, http: Check) -> None:
    """One waits, another writes."""
    with http.acquire("writer") as token, engine.subscribe(check=http) as changes, ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(consume, iter(changes))
        pool.submit(token.update, Status.CRITICAL, "last").result(30)
        assert waiting.result(30).output == "last"
    assert changes.closed


def consume(changes: Iterator[Event]) -> Snapshot:
    """Wait for the last report."""
    for event in changes:
        if event.state.output == "last":
            return event.state
    raise AssertionError("it was closed")


async def tasks(engine: Engine, http: Check) -> None:
    """The same in an event loop; one more task is cancelled."""
    with engine.subscribe(check=http, transitions_only=True) as changes, http.acquire("task") as token:

        async def recovered(events: AsyncIterator[Event]) -> Status:
            async for event in events:
                if event.status is Status.PASSING:
                    return event.status
            raise AssertionError("it was closed")

        waiting = asyncio.create_task(recovered(changes.__aiter__()))
        await asyncio.sleep(0)
        await asyncio.to_thread(token.update, Status.PASSING)
        assert await asyncio.wait_for(waiting, 30) is Status.PASSING
        with token.subscribe(check=http) as another:
            assert another.poll().events
        while changes.poll().more:
            pass
        idle = asyncio.create_task(changes.ready())
        await asyncio.sleep(0)
        idle.cancel()
        assert (await asyncio.gather(idle, return_exceptions=True))[0].__class__ is asyncio.CancelledError


def cursors(engine: Engine, http: Check) -> None:
    """Poll, keep the cursor, go on there."""
    with engine.subscribe(prefix="web:", min_status=Status.WARNING) as first:
        batch = first.poll(max_events=10)
        assert_type(batch, Batch)
        assert_type(first, Subscription)
        assert not batch.resync
        assert first.cursor == batch.cursor
        assert first.engine is engine
        assert first.handle
        assert first.fileno() > 2
        assert not first.wait(0)
        with engine.subscribe(prefix="web:", since=Cursor.parse(str(batch.cursor))) as second:
            assert second.poll().events == ()
    with engine.subscribe(check=http) as third:
        (event,) = third.poll().events
        assert (event.id, event.kind) == (http.id, EventKind.STATE)


def kept(engine: Engine, folder: Path) -> None:
    """Export, read, restore; claim a name."""
    assert engine.export(folder / "state.json") == 1
    exported = read_export(folder / "state.json")
    assert_type(exported, dict[str, Exported])
    state = exported["web:http"].state
    assert_type(state, Restored)
    assert_type(state.since, datetime)
    assert_type(exported["web:http"].reported, datetime)
    with Engine("restarted", history=0) as other, other.claim(folder, "node") as claim:
        assert other.register_check("web:http", restored=state).snapshot().restored
        assert_type(claim, Claim)
        assert_type(claim.state, ClaimState)
        assert_type(claim.state.since, datetime)
        assert_type(claim.rivals(), list[Rival])
        assert isinstance(refused(lambda: engine.claim(folder, "node")), HeldError)
        assert [rival.first <= rival.last for rival in claim.rivals()] in ([], [True])
        assert (claim.engine, claim.name, claim.released) == (other, "node", False)
        assert claim.handle
    claim.release()


def endings(engine: Engine, web: Service, http: Check) -> None:
    """Deregister in every way, and close."""
    with http.acquire("last") as token:
        token.deregister_check()
    other = engine.register_check("other")
    with other.acquire("holder"):
        other.force_deregister("operator")
    engine.register_check("another").deregister()
    web.deregister()
    assert web.status is http.status is Status.GONE
    engine.close()
    assert engine.closed


def main() -> None:
    """Run it all; nothing but this program and the installed package is there."""
    assert str(lifesign.__file__).startswith(sys.prefix)
    assert shutil.which("cargo") is None
    with Engine(name="program", version="1", build="abc") as engine, tempfile.TemporaryDirectory() as folder:
        web, http, sidecar = definitions(engine)
        old = http.acquire("first", lease=3600.0)
        old.update(Status.PASSING, "200 OK")
        readings(engine, web, http, sidecar, old)
        take_over(engine, http, old)
        threads(engine, http)
        asyncio.run(tasks(engine, http))
        cursors(engine, http)
        kept(engine, Path(folder))
        endings(engine, web, http)
    print(f"Lifesign {library_version()}: all of it works, {threading.active_count()} thread")


if __name__ == "__main__":
    main()
