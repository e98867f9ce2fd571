"""Plain data: statuses, kinds, and the immutable values that calls return."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from uuid import UUID

from . import _abi as abi

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _instant(nanoseconds: int) -> datetime:
    """Return wall-clock nanoseconds as a datetime (microseconds, in integers: a float would round)."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


class NamedEnum(IntEnum):
    """Numbers of the C ABI that print as their lower-case names."""

    def __str__(self) -> str:
        return self.name.lower()


class Status(NamedEnum):
    """Status of a check or service; a greater one is worse, and ``GONE`` means that there is none any more."""

    GONE = 0
    PASSING = 1
    WARNING = 2
    CRITICAL = 3


class CheckKind(NamedEnum):
    """How a check gets its status: from its writer, or derived by the engine from a service or the node."""

    CHECK = abi.KIND_CHECK
    ALIAS_SERVICE = abi.KIND_ALIAS_SERVICE
    ALIAS_NODE = abi.KIND_ALIAS_NODE


class EventKind(NamedEnum):
    """What an event tells: a check's state, its last state (it was deregistered), or a service's summary.

    ``RESYNC`` comes from iterating over a subscription alone and has no state: forget what was known; what follows is
    the whole matching state. It is what :attr:`Batch.resync` says.
    """

    STATE = 1
    GONE = 2
    SUMMARY = 3
    # The package's own, out of the way of what the library may add.
    RESYNC = 1 << 16


@dataclass(frozen=True, slots=True)
class WriterRecord:
    """Who writes: the process, machine and build behind a token, and the label given when it was acquired.

    ``id`` is unique in the engine (1 is the engine itself); ``process_start`` is in clock ticks since boot, as in
    ``/proc/PID/stat``; ``declared`` says that the embedder told these facts and the engine did not observe them.
    """

    id: int
    process: UUID
    boot: UUID
    pid: int
    process_start: int
    pid_namespace: int
    declared: bool
    machine: str
    executable: str
    name: str
    version: str
    build: str
    label: str

    def __str__(self) -> str:
        program = " ".join(part for part in (self.name, self.version, self.build) if part)
        where = f"pid {self.pid} on {self.machine or 'an unnamed machine'}"
        return f"{self.label or 'unlabelled'} ({', '.join(p for p in (program, where, self.executable) if p)})"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a check's token, under which generation; ``record`` is None when nobody does.

    ``generation`` is what :meth:`Check.take_over` expects.
    """

    generation: int
    record: WriterRecord | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One whole, immutable state of a check: one commit, never a mix of two.

    ``service`` is the id of the service it is bound to ("" for the node), ``target`` an alias's target service id;
    ``version`` counts commits and ``transitions`` status changes; ``revision`` is the commit's number in the engine,
    ``incarnation`` that of the registering commit; ``time_ns`` and ``since_ns`` are wall-clock nanoseconds of the
    commit and of the last status change, a few milliseconds coarse; ``writer`` and ``holder`` are record ids
    (:meth:`Engine.record`), holder 0 meaning nobody. In a summary event ``id`` and ``handle`` are the service's.
    """

    handle: int
    id: str
    name: str
    service: str
    target: str
    data: bytes
    output: str
    kind: CheckKind
    status: Status
    initial: bool
    orphaned: bool
    restored: bool
    derived: bool
    gone: bool
    incarnation: int
    version: int
    transitions: int
    revision: int
    generation: int
    epoch: int
    time_ns: int
    since_ns: int
    writer: int
    holder: int

    @property
    def time(self) -> datetime:
        """Wall-clock time of the commit (UTC, microseconds)."""
        return _instant(self.time_ns)

    @property
    def since(self) -> datetime:
        """Wall-clock time of the last status change (UTC, microseconds)."""
        return _instant(self.since_ns)


@dataclass(frozen=True, slots=True)
class ServiceSnapshot:
    """A service, its summary and all its checks as of one (version, epoch).

    ``status`` is what an alias on the service shows, the node's own checks included; ``own`` is the worst of the
    service's checks alone; ``output`` is the text that an alias would show.
    """

    id: str
    name: str
    data: bytes
    status: Status
    own: Status
    registered: bool
    incarnation: int
    version: int
    epoch: int
    output: str
    checks: tuple[Snapshot, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Event:
    """One change; of kind ``RESYNC``, the order to forget what was known: such an event has no state, id or status."""

    kind: EventKind
    _state: Snapshot | None = None

    @property
    def state(self) -> Snapshot:
        """The state that the event brought; in a ``GONE`` event the last one.

        Raises:
            AttributeError: The event is of kind ``RESYNC``.
        """
        if self._state is None:
            message = (
                f"a {self.kind} event has no state: look at event.kind first, and forget what was known; "
                "what follows is the whole matching state"
            )
            raise AttributeError(message)
        return self._state

    @property
    def id(self) -> str:
        """Id of the check (of the service, in a summary).

        Raises:
            AttributeError: The event is of kind ``RESYNC``.
        """
        return self.state.id

    @property
    def status(self) -> Status:
        """Status that the event brought; in a ``GONE`` event the last one.

        Raises:
            AttributeError: The event is of kind ``RESYNC``.
        """
        return self.state.status

    def __repr__(self) -> str:
        return f"Event({', '.join(repr(part) for part in (self.kind, self._state) if part is not None)})"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Opaque position of a subscription in its engine's changes."""

    engine: UUID
    position: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one poll delivered, sorted by (revision, id).

    With ``resync`` the consumer drops what it knew: the events up to the next batch without ``more`` are the whole
    matching state. With ``more`` further events are pending already.
    """

    events: tuple[Event, ...]
    resync: bool
    more: bool
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class ClaimState:
    """How a claim stands, as of the last tick.

    ``advisory``: the directory cannot exclude, so others may hold the name as well; they are found by their
    heartbeats. ``held`` is False after somebody removed the lock file and another engine claimed the name; each tick
    tries to have it back. ``beats`` counts the ticks that have looked after the claim, and ``trouble`` says what went
    wrong at the last one.
    """

    advisory: bool
    held: bool
    rivals: int
    claimed_ns: int
    beats: int
    trouble: str | None

    @property
    def since(self) -> datetime:
        """When the name was claimed."""
        return _instant(self.claimed_ns)


@dataclass(frozen=True, slots=True)
class Rival:
    """A program that wants a claimed name too: it was refused, or, where the directory cannot exclude, holds it too.

    One that ends and starts again in the same place is one rival: ``record`` is that of its newest process, and has
    the id 0 when the engine keeps no more records of others. ``first_ns`` and ``last_ns`` are by the rival's own clock
    if it was refused; ``count`` is how often it tried, or how many of its heartbeats were seen.
    """

    record: WriterRecord
    first_ns: int
    last_ns: int
    count: int

    @property
    def first(self) -> datetime:
        """When it was seen first."""
        return _instant(self.first_ns)

    @property
    def last(self) -> datetime:
        """When it was seen last."""
        return _instant(self.last_ns)


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters of an engine since it was opened, and what is alive in it now (``services`` to ``bytes``)."""

    commits: int
    transitions: int
    heartbeats: int
    refused_held: int
    refused_fenced: int
    refused_gone: int
    refused_derived: int
    refused_other: int
    repairs: int
    helps: int
    resyncs: int
    spurious_wakes: int
    internal_errors: int
    services: int
    checks: int
    aliases: int
    tokens: int
    subscriptions: int
    leaked_handles: int
    bytes: int
