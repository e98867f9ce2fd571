"""Plain data about who did what: holders, writers, histories and trouble."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from . import _abi as abi
from .model import Code, NamedEnum, Status, WriterRecord, instant


@dataclass(frozen=True, slots=True)
class Who:
    """Who holds a check's token; ``holder`` is None when nobody does.

    ``generation`` is the holder's, or the last one: what :meth:`Check.take_over` expects. ``since_ns`` is the wall
    clock of the acquisition, 0 when nobody holds the check. ``lease`` is None for a token without one. ``silent_for``
    is how long ago, as of the last tick and in steps of 10 ms, the last holder acquired, reported or renewed; None if
    nobody ever has. ``orphaned`` says that the last holder's lease ran out and nobody has come since.
    """

    holder: WriterRecord | None
    generation: int
    since_ns: int
    lease: timedelta | None
    silent_for: timedelta | None
    orphaned: bool

    @property
    def since(self) -> datetime | None:
        """Wall-clock time of the acquisition (UTC, microseconds); None when nobody holds the check."""
        return instant(self.since_ns) if self.holder is not None else None


@dataclass(frozen=True, slots=True)
class WriterActivity:
    """What one writer did at a check; ``record`` is None for all the others together.

    ``accepted`` counts its commits, heartbeats not among them, where the engine keeps histories; ``refused`` its calls
    that were refused; ``first_ns`` and ``last_ns`` are wall-clock nanoseconds of the first and the last of them.
    """

    record: WriterRecord | None
    accepted: int
    refused: int
    first_ns: int
    last_ns: int
    holds: bool

    @property
    def first(self) -> datetime:
        """Wall-clock time of the first of them (UTC, microseconds)."""
        return instant(self.first_ns)

    @property
    def last(self) -> datetime:
        """Wall-clock time of the last of them (UTC, microseconds)."""
        return instant(self.last_ns)


class HistoryKind(NamedEnum):
    """What an entry of a history tells: the status changed, a token was taken over, or a lease ran out."""

    TRANSITION = abi.HISTORY_TRANSITION
    TAKE_OVER = abi.HISTORY_TAKE_OVER
    LAPSE = abi.HISTORY_LAPSE


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One entry of a check's history.

    ``revision`` is that of the commit, ``time_ns`` its wall clock in nanoseconds since 1970, ``boot_ns`` the clock
    that counts suspended time in nanoseconds after the engine was opened, as of the tick before it; ``writer`` is the
    record id of who committed (:meth:`Engine.record`), ``generation`` the one from this commit on.
    """

    kind: HistoryKind
    revision: int
    time_ns: int
    boot_ns: int
    writer: int
    generation: int
    from_status: Status
    to_status: Status

    @property
    def time(self) -> datetime:
        """Wall-clock time of the commit (UTC, microseconds)."""
        return instant(self.time_ns)


class TroubleKind(NamedEnum):
    """What trouble there was: a refusal, a take-over, a lease that ran out, or a rival's claim to a claimed name."""

    REFUSAL = abi.TROUBLE_REFUSAL
    TAKE_OVER = abi.TROUBLE_TAKE_OVER
    LAPSE = abi.TROUBLE_LAPSE
    RIVAL_CLAIM = abi.TROUBLE_RIVAL_CLAIM


@dataclass(frozen=True, slots=True)
class Trouble:
    """Trouble of one kind, by one offender, at one check or claim.

    ``reason`` says why the last of the calls was refused; it is None for other kinds. ``handle`` and ``id`` are the
    check's, or 0 and the claim's name; 0 and "" for the rest of many, which are counted together. ``offender`` is who
    was refused, took over, lost the lease or claims too; ``holder`` who held it: at a refusal the present holder, at
    a take-over the one it was taken from. ``count`` is how often since the last event of the same, ``first_ns`` and
    ``last_ns`` wall-clock nanoseconds of the first and the last of them.
    """

    kind: TroubleKind
    reason: Code | None
    handle: int
    id: str
    offender: WriterRecord | None
    holder: WriterRecord | None
    generation: int
    count: int
    first_ns: int
    last_ns: int

    @property
    def first(self) -> datetime:
        """Wall-clock time of the first of them (UTC, microseconds)."""
        return instant(self.first_ns)

    @property
    def last(self) -> datetime:
        """Wall-clock time of the last of them (UTC, microseconds)."""
        return instant(self.last_ns)
