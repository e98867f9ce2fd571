"""From the ABI's structures to the package's values."""

from uuid import UUID

from . import _abi as abi
from .model import (
    Batch,
    CheckKind,
    ClaimState,
    Cursor,
    Event,
    EventKind,
    Rival,
    ServiceSnapshot,
    Snapshot,
    Stats,
    Status,
    WriterRecord,
)

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


def batch(value: abi.Batch, events: list[abi.Event], buffer: memoryview) -> Batch:
    """Decode what a poll delivered."""
    return Batch(
        events=tuple(Event(EventKind(event.kind), snapshot(event.state, buffer)) for event in events),
        resync=bool(value.resync),
        more=bool(value.more),
        cursor=Cursor(UUID(bytes=bytes(value.cursor.engine_id)), value.cursor.position),
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
