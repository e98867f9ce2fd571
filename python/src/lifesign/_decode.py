"""From the ABI's structures to the package's values."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from . import _abi as abi
from .changes import Batch, Cursor, Event, EventKind
from .model import (
    CheckKind,
    ClaimState,
    Code,
    Exported,
    Restored,
    Rival,
    ServiceSnapshot,
    Snapshot,
    Stats,
    Status,
    WriterRecord,
)
from .provenance import HistoryEntry, HistoryKind, Trouble, TroubleKind, Who, WriterActivity

Records = Callable[[int], WriterRecord | None]
"""Finds writer records by their numbers; 0 is nobody."""

_STATS = tuple(field[0] for field in abi.Stats._fields_[2:])


def text(value: bytes) -> str:
    """Decode a fixed text of a structure; those that name files are not always UTF-8."""
    return value.decode("utf-8", "backslashreplace")


def record(value: abi.Record) -> WriterRecord | None:
    """Decode a writer record; id 0 means that there is none."""
    return None if value.id == 0 else _record(value)


def _record(value: abi.Record) -> WriterRecord:
    return WriterRecord(
        id=value.id,
        process=UUID(bytes=bytes(value.process_uuid)),
        boot=UUID(bytes=bytes(value.boot_id)),
        pid=value.pid,
        process_start=value.process_start,
        pid_namespace=value.pid_namespace,
        declared=bool(value.declared),
        machine=text(value.machine),
        executable=text(value.executable),
        name=text(value.name),
        version=text(value.version),
        build=text(value.build),
        label=text(value.label),
    )


def _bytes(span: abi.Span, buffer: memoryview) -> bytes:
    return bytes(buffer[span.offset : span.offset + span.len])


def _str(span: abi.Span, buffer: memoryview) -> str:
    return str(buffer[span.offset : span.offset + span.len], "utf-8")


def snapshot(value: abi.Snapshot, buffer: memoryview) -> Snapshot:
    """Decode a check's state; the spans point into ``buffer``."""
    flags = value.flags
    return Snapshot(
        handle=value.check,
        id=_str(value.id, buffer),
        name=_str(value.name, buffer),
        service=_str(value.service, buffer),
        target=_str(value.target, buffer),
        data=_bytes(value.data, buffer),
        output=_str(value.output, buffer),
        kind=CheckKind(value.kind),
        status=Status(value.status),
        initial=bool(flags & abi.FLAG_INITIAL),
        orphaned=bool(flags & abi.FLAG_ORPHANED),
        restored=bool(flags & abi.FLAG_RESTORED),
        derived=bool(flags & abi.FLAG_DERIVED),
        gone=bool(flags & abi.FLAG_GONE),
        incarnation=value.incarnation,
        version=value.version,
        transitions=value.transitions,
        revision=value.revision,
        generation=value.generation,
        epoch=value.epoch,
        time_ns=value.time_ns,
        since_ns=value.since_ns,
        writer=value.writer,
        holder=value.holder,
    )


def service(view: abi.ServiceView, checks: list[abi.Snapshot], buffer: memoryview) -> ServiceSnapshot:
    """Decode a service's view and its checks."""
    return ServiceSnapshot(
        id=_str(view.id, buffer),
        name=_str(view.name, buffer),
        data=_bytes(view.data, buffer),
        status=Status(view.status),
        own=Status(view.own),
        registered=bool(view.flags & abi.FLAG_REGISTERED),
        incarnation=view.incarnation,
        version=view.version,
        epoch=view.epoch,
        output=_str(view.output, buffer),
        checks=tuple(snapshot(check, buffer) for check in checks),
    )


def cursor(value: abi.Cursor) -> Cursor:
    """Decode a cursor."""
    return Cursor(UUID(bytes=bytes(value.engine_id)), value.position)


def _event(value: abi.Event, buffer: memoryview, records: Records) -> Event:
    kind = EventKind(value.kind)
    if kind is EventKind.TROUBLE:
        return Event(kind, _trouble(value.trouble, buffer, records))
    return Event(kind, snapshot(value.state, buffer))


def _trouble(value: abi.Trouble, buffer: memoryview, records: Records) -> Trouble:
    return Trouble(
        kind=TroubleKind(value.kind),
        reason=Code(value.reason) if value.reason != abi.OK else None,
        handle=value.check,
        id=_str(value.id, buffer),
        offender=records(value.offender),
        holder=records(value.holder),
        generation=value.generation,
        count=value.count,
        first_ns=value.first_ns,
        last_ns=value.last_ns,
    )


def batch(value: abi.Batch, events: list[abi.Event], buffer: memoryview, records: Records) -> Batch:
    """Decode what a poll delivered."""
    return Batch(
        events=tuple(_event(event, buffer, records) for event in events),
        resync=bool(value.resync),
        reset=bool(value.reset),
        more=bool(value.more),
        cursor=cursor(value.cursor),
    )


def who(value: abi.Who) -> Who:
    """Decode who holds a check."""
    return Who(
        holder=record(value.holder),
        generation=value.generation,
        since_ns=value.since_ns,
        lease=timedelta(milliseconds=value.lease_ms) if value.lease_ms else None,
        silent_for=timedelta(microseconds=value.silent_ns // 1000) if value.silent_ns >= 0 else None,
        orphaned=bool(value.orphaned),
    )


def writer(value: abi.Writer, records: Records) -> WriterActivity:
    """Decode what a writer did."""
    return WriterActivity(
        record=records(value.record),
        accepted=value.accepted,
        refused=value.refused,
        first_ns=value.first_ns,
        last_ns=value.last_ns,
        holds=bool(value.holds),
    )


def history_entry(value: abi.HistoryEntry) -> HistoryEntry:
    """Decode an entry of a history."""
    return HistoryEntry(
        kind=HistoryKind(value.kind),
        revision=value.revision,
        time_ns=value.time_ns,
        boot_ns=value.boot_ns,
        writer=value.writer,
        generation=value.generation,
        # `from` is a keyword.
        from_status=Status(getattr(value, "from")),
        to_status=Status(value.to),
    )


def exported(value: abi.Exported, buffer: memoryview) -> Exported:
    """Decode a check of an export."""
    return Exported(
        id=_str(value.id, buffer),
        state=Restored(Status(value.status), _str(value.output, buffer), value.since_ns),
        reported_ns=value.reported_ns,
    )


def stats(value: abi.Stats) -> Stats:
    """Decode the counters."""
    return Stats(**{name: getattr(value, name) for name in _STATS})


def claim_state(value: abi.ClaimView) -> ClaimState:
    """Decode how a claim stands."""
    return ClaimState(
        advisory=bool(value.advisory),
        held=bool(value.held),
        rivals=value.rivals,
        claimed_ns=value.claimed_ns,
        beats=value.beats,
        trouble=text(value.message) if value.trouble != abi.OK else None,
    )


def rival(value: abi.Rival) -> Rival:
    """Decode who else wants a name; the record is there whatever its id."""
    return Rival(record=_record(value.record), first_ns=value.first_ns, last_ns=value.last_ns, count=value.count)
