"""Lifesign: lock-free, in-memory health-check state.

An :class:`Engine` keeps services and checks. Whoever runs a check acquires its :class:`Token` and writes it; whoever
routes, alerts or displays reads :attr:`Check.status`, takes snapshots or subscribes. A check has one writer at a time:
who was taken over is refused with the successor's record, however late it writes.
"""

from ._library import lib as _lib
from .changes import Batch, Cursor, Event, EventKind
from .check import Check
from .claim import Claim
from .engine import Engine
from .errors import (
    BufferTooSmallError,
    BusyError,
    ClosedError,
    DerivedError,
    ExistsError,
    ExpiredError,
    FencedError,
    ForeignEngineError,
    ForgedError,
    ForkedError,
    FutureCursorError,
    GoneError,
    HeldError,
    InternalError,
    InvalidError,
    LifesignError,
    LimitError,
    LoopError,
    NotFoundError,
    RevokedError,
    StillRunningError,
    TimedOutError,
    TooLargeError,
    WouldDeadlockError,
)
from .export import read_export
from .group import CheckGroup
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
from .service import Service
from .subscription import Subscription
from .token import Token

__all__ = [
    "Batch",
    "BufferTooSmallError",
    "BusyError",
    "Check",
    "CheckGroup",
    "CheckKind",
    "Claim",
    "ClaimState",
    "ClosedError",
    "Code",
    "Cursor",
    "DerivedError",
    "Engine",
    "Event",
    "EventKind",
    "ExistsError",
    "ExpiredError",
    "Exported",
    "FencedError",
    "ForeignEngineError",
    "ForgedError",
    "ForkedError",
    "FutureCursorError",
    "GoneError",
    "HeldError",
    "HistoryEntry",
    "HistoryKind",
    "InternalError",
    "InvalidError",
    "LifesignError",
    "LimitError",
    "LoopError",
    "NotFoundError",
    "Restored",
    "RevokedError",
    "Rival",
    "Service",
    "ServiceSnapshot",
    "Snapshot",
    "Stats",
    "Status",
    "StillRunningError",
    "Subscription",
    "TimedOutError",
    "Token",
    "TooLargeError",
    "Trouble",
    "TroubleKind",
    "Who",
    "WouldDeadlockError",
    "WriterActivity",
    "WriterRecord",
    "library_version",
    "read_export",
]


def library_version() -> str:
    """Return the version of the shared library that was loaded."""
    version: bytes = _lib.lifesign_version()
    return version.decode()
