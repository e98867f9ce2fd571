"""Plain data: statuses, kinds, and the immutable values that calls return."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from uuid import UUID

from . import _abi as abi

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(nanoseconds: int) -> datetime:
    """Return wall-clock nanoseconds as a datetime (microseconds, in integers: a float would round)."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


class NamedEnum(IntEnum):
    """Numbers of the C ABI that print as their lower-case names."""

    def __str__(self) -> str:
        return self.name.lower()

    def __format__(self, spec: str) -> str:
        # The number's would do as soon as there is a width.
        return format(str(self), spec)


class Status(NamedEnum):
    """Status of a check or service; a greater one is worse, and ``GONE`` means that there is none any more.

    A text is read as a name: ``Status["PASSING"]``, ``Status[text.upper()]``.
    """

    GONE = 0
    PASSING = 1
    WARNING = 2
    CRITICAL = 3


class Code(NamedEnum):
    """Error codes of the C ABI."""

    HELD = abi.HELD
    FENCED = abi.FENCED
    EXPIRED = abi.EXPIRED
    REVOKED = abi.REVOKED
    GONE = abi.GONE
    FORGED = abi.FORGED
    FOREIGN_ENGINE = abi.FOREIGN_ENGINE
    DERIVED = abi.DERIVED
    FORKED = abi.FORKED
    CLOSED = abi.CLOSED
    EXISTS = abi.EXISTS
    NOT_FOUND = abi.NOT_FOUND
    LOOP = abi.LOOP
    INVALID = abi.INVALID
    TOO_LARGE = abi.TOO_LARGE
    BUFFER_TOO_SMALL = abi.BUFFER_TOO_SMALL
    LIMIT = abi.LIMIT
    BUSY = abi.BUSY
    TIMEOUT = abi.TIMEOUT
    STILL_RUNNING = abi.STILL_RUNNING
    WOULD_DEADLOCK = abi.WOULD_DEADLOCK
    FUTURE_CURSOR = abi.FUTURE_CURSOR
    INTERNAL = abi.INTERNAL


class CheckKind(NamedEnum):
    """How a check gets its status: from its writer, or derived by the engine from a service or the node."""

    CHECK = abi.KIND_CHECK
    ALIAS_SERVICE = abi.KIND_ALIAS_SERVICE
    ALIAS_NODE = abi.KIND_ALIAS_NODE


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
class Snapshot:
    """One whole, immutable state of a check: one commit, never a mix of two.

    ``service`` is the id of the service it is bound to ("" for the node), ``target`` an alias's target service id;
    ``version`` counts commits and ``transitions`` status changes; ``revision`` is the commit's number in the engine,
    ``incarnation`` that of the registering commit; ``time_ns`` and ``since_ns`` are wall-clock nanoseconds of the
    commit and of the last status change, a few milliseconds coarse; ``writer`` and ``holder`` are record ids
    (:meth:`Engine.record`), holder 0 meaning nobody. ``initial`` says that nobody has ever reported, ``restored`` that
    nobody has since a restart, ``orphaned`` that the last holder's lease ran out and nobody has come since. In a
    summary event ``id`` and ``handle`` are the service's.
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
        return instant(self.time_ns)

    @property
    def since(self) -> datetime:
        """Wall-clock time of the last status change (UTC, microseconds)."""
        return instant(self.since_ns)


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


@dataclass(frozen=True, slots=True)
class Restored:
    """What a check showed before a restart: status, text, and since when, in wall-clock nanoseconds since 1970."""

    status: Status
    output: str
    since_ns: int

    @property
    def since(self) -> datetime:
        """Wall-clock time of the last status change (UTC, microseconds)."""
        return instant(self.since_ns)


@dataclass(frozen=True, slots=True)
class Exported:
    """One check of an export: its state, which :meth:`Engine.register_check` takes, and when it was reported last.

    ``reported_ns`` is the wall clock of the last report, heartbeats included, as well as the engine knew it: for an
    embedder who has a time limit of its own to go on with.
    """

    id: str
    state: Restored
    reported_ns: int

    @property
    def reported(self) -> datetime:
        """Wall-clock time of the last report (UTC, microseconds)."""
        return instant(self.reported_ns)


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
        return instant(self.claimed_ns)


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
        return instant(self.first_ns)

    @property
    def last(self) -> datetime:
        """When it was seen last."""
        return instant(self.last_ns)


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters of an engine since it was opened, and what is alive in it now (``services`` to ``bytes``).

    ``leaked_handles`` are tokens that write nothing any more, because they were fenced, lapsed or their check was
    deregistered, and that nobody has closed.
    """

    commits: int
    transitions: int
    heartbeats: int
    refused_held: int
    refused_fenced: int
    refused_gone: int
    refused_derived: int
    refused_expired: int
    refused_other: int
    repairs: int
    helps: int
    lapses: int
    clock_jumps: int
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
