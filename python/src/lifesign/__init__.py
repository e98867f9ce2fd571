"""Lifesign: lock-free, in-memory health-check state.

An :class:`Engine` keeps services and checks. Whoever runs a check acquires its :class:`Token` and writes it; whoever
routes, alerts or displays reads :attr:`Check.status`, takes snapshots or subscribes. A check has one writer at a time:
who was taken over is refused with the successor's record, however late it writes.
"""

from ._library import lib as _lib
from .check import Check
from .claim import Claim
from .engine import Engine
from .errors import (
    BufferTooSmallError,
    BusyError,
    ClosedError,
    Code,
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
from .model import (
    Batch,
    CheckKind,
    ClaimState,
    Cursor,
    Event,
    EventKind,
    Holder,
    Rival,
    ServiceSnapshot,
    Snapshot,
    Stats,
    Status,
    WriterRecord,
)
from .service import Service
from .subscription import Subscription
from .token import Token

__all__ = [
    "Batch",
    "BufferTooSmallError",
    "BusyError",
    "Check",
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
    "FencedError",
    "ForeignEngineError",
    "ForgedError",
    "ForkedError",
    "FutureCursorError",
    "GoneError",
    "HeldError",
    "Holder",
    "InternalError",
    "InvalidError",
    "LifesignError",
    "LimitError",
    "LoopError",
    "NotFoundError",
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
    "WouldDeadlockError",
    "WriterRecord",
    "library_version",
]


def library_version() -> str:
    """Return the version of the shared library that was loaded."""
    version: bytes = _lib.lifesign_version()
    return version.decode()
