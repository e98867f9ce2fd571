"""CheckGroup: many checks, read by one call."""

from collections.abc import Iterable
from ctypes import Array, byref, c_size_t, c_uint32, create_string_buffer, sizeof
from typing import TYPE_CHECKING

from . import _abi as abi
from . import _decode
from ._library import call, lib
from ._local import Local
from ._reader import STATUSES
from .check import Check
from .errors import BufferTooSmallError, ForeignEngineError
from .model import Snapshot, Status

if TYPE_CHECKING:
    from .engine import Engine

_read_statuses = lib.lifesign_check_statuses

_ROOM = 256
"""Bytes of a check's texts, at first."""


class CheckGroup(Local):
    """Some checks and aliases of an engine, in an order of the caller's; see :meth:`Engine.group`.

    Several threads may read one group at once.
    """

    __slots__ = ("__weakref__", "_checks", "_count", "_decoded", "_engine", "_handles", "_rooms")

    def __init__(self, engine: "Engine", checks: Iterable[Check]) -> None:
        self._engine = engine
        self._checks = tuple(checks)
        for check in self._checks:
            if check.engine is not engine:
                message = f"check {check.id!r} is another engine's: make a group of each engine's checks"
                raise ForeignEngineError(message)
        self._handles = (abi.check * len(self._checks))(*(check.handle for check in self._checks))
        self._count = len(self._checks)
        # Where statuses are read into and the same as the library takes it, one for each thread that reads at once.
        self._rooms: list[tuple[bytearray, Array[c_uint32]]] = []
        # What was read last and what it means, none of it gone: most of the time nothing has changed.
        self._decoded: tuple[bytes, list[Status]] = (b"", [])

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks, in their order."""
        return self._checks

    def statuses(self) -> list[Status]:
        """Return the status of each check at the moment it is read, ``GONE`` if it was deregistered.

        Raises:
            ClosedError: The engine was closed.
            ForkedError: The engine is the parent process's.
        """
        try:
            room = self._rooms.pop()
        except IndexError:
            raw = bytearray(self._count * sizeof(abi.status))
            room = raw, (abi.status * self._count).from_buffer(raw)
        read, codes = room
        # Without a structure for the detail, which costs much; a refusal is asked for again with one.
        if _read_statuses(self._handles, self._count, codes, None) != abi.OK:
            call(_read_statuses, self._handles, self._count, codes)
        known, statuses = self._decoded
        if read != known:
            by_code, low = STATUSES, bytes(read[:: sizeof(abi.status)])  # the lowest byte of each code
            statuses = [by_code[code] for code in low]
            if Status.GONE in low:
                self._is_open()
            else:
                self._decoded = bytes(read), statuses
        self._rooms.append(room)
        return statuses.copy()

    def snapshots(self) -> list[Snapshot | None]:
        """Return the whole state of each check, each of them one commit, ``None`` if it was deregistered.

        Raises:
            ClosedError: The engine was closed.
            ForkedError: The engine is the parent process's.
        """
        count = len(self._checks)
        states, needed = (abi.Snapshot * count)(), c_size_t(_ROOM * count)
        while True:
            room = needed.value
            buffer = create_string_buffer(room)
            try:
                call(lib.lifesign_check_snapshots, self._handles, count, states, buffer, room, byref(needed))
            except BufferTooSmallError:
                continue
            break
        view = memoryview(buffer)
        read = [None if state.status == Status.GONE else _decode.snapshot(state, view) for state in states]
        if None in read:
            self._is_open()
        return read

    def _is_open(self) -> None:
        """Raise if something is gone because its engine is closed."""
        _ = self._engine.id

    def __len__(self) -> int:
        return len(self._checks)

    def __repr__(self) -> str:
        return f"<CheckGroup of {len(self._checks)} checks>"
