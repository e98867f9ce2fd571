"""Check: a handle on one check or alias."""

from ctypes import byref, c_size_t, create_string_buffer
from datetime import timedelta
from typing import TYPE_CHECKING

from . import _abi as abi
from . import _decode, _view
from ._encode import acquire_spec, text, unsigned, utf8
from ._encode import data as encode_data
from ._library import call, lib
from ._local import Local
from ._reader import check as reader_of
from ._reader import shown
from .errors import BufferTooSmallError
from .model import Snapshot, Status, WriterRecord
from .provenance import HistoryEntry, Who, WriterActivity
from .token import Token

if TYPE_CHECKING:
    from .engine import Engine

_ROOM = 12 * 1024
"""Bytes of a snapshot's first buffer: ids, data and output at their default limits."""
_WRITERS = 18
_ENTRIES = 16


class Check(Local):
    """A check or alias of an engine; owns nothing, and is equal to any other handle on the same life of the check."""

    __slots__ = ("__weakref__", "_engine", "_handle", "_id", "_reader", "_word")

    def __init__(self, engine: "Engine", handle: int, id: str) -> None:
        self._engine = engine
        self._handle = handle
        self._id = id
        self._reader = reader_of(handle)
        self._word = self._reader.word

    @property
    def engine(self) -> "Engine":
        """The engine that it belongs to."""
        return self._engine

    @property
    def id(self) -> str:
        """The check's id."""
        return self._id

    @property
    def handle(self) -> int:
        """The check's number in the C ABI."""
        return self._handle

    @property
    def status(self) -> Status:
        """The status now; wait-free, without a call. ``GONE`` once it was deregistered.

        Raises:
            ClosedError: The engine was closed.
            ForkedError: The engine is the parent process's.
        """
        return self._reader[self._word[0]]

    @property
    def word(self) -> memoryview:
        """Where the raw status word stands, for whoever reads it often; ``word[0]`` is one load, in every thread.

        From the top: 16 bits of life, 40 of version, two of status (as in :class:`Status`), six of flags. The view
        stays valid as long as the process lives; when the check is deregistered or the engine closed, the life is
        another one. An alias's is the word that it shows, with the status at the same place and no life in it.
        """
        return self._word

    def snapshot(self) -> Snapshot:
        """Return the whole state: one commit, which does not change after it was handed out.

        Raises:
            GoneError: The check was deregistered.
        """
        state = abi.sized(abi.Snapshot)
        needed = c_size_t(_ROOM)
        while True:
            room = needed.value
            buffer = create_string_buffer(room)
            try:
                call(lib.lifesign_check_snapshot, self._handle, byref(state), buffer, room, byref(needed))
            except BufferTooSmallError:
                continue
            return _decode.snapshot(state, memoryview(buffer))

    def who(self) -> Who:
        """Return who holds the token and since when, and the generation that :meth:`take_over` expects.

        Raises:
            GoneError: The check was deregistered.
        """
        value = abi.sized(abi.Who)
        call(lib.lifesign_check_who, self._handle, byref(value))
        return _decode.who(value)

    def writers(self) -> list[WriterActivity]:
        """Return who wrote this life of the check or tried to, as far as it is remembered.

        The holder comes first, then the busiest; of accepted and of refused writers the eight busiest are told apart.

        Raises:
            GoneError: The check was deregistered.
        """
        values = _view.read_list(lib.lifesign_check_writers, self._handle, abi.Writer, _WRITERS)
        return [_decode.writer(value, self._engine._known_record) for value in values]

    def history(self) -> list[HistoryEntry]:
        """Return the latest status transitions, take-overs and lapses of this life of the check, oldest first.

        As many as the engine keeps of each check (``history``).

        Raises:
            GoneError: The check was deregistered.
        """
        values = _view.read_list(lib.lifesign_check_history, self._handle, abi.HistoryEntry, _ENTRIES)
        return [_decode.history_entry(value) for value in values]

    def acquire(
        self,
        label: str = "",
        *,
        lease: float | timedelta | None = None,
        on_lapse: Status | None = None,
        declared: WriterRecord | None = None,
    ) -> Token:
        """Become the check's one writer; never steals and never waits. A token that is forgotten is closed.

        Args:
            label: Who this is, for those who are refused later; at most 127 bytes of UTF-8; more is refused.
            lease: Within which time, in seconds or as a timedelta, the writer reports or renews, or else loses the
                token; rounded up to 10 ms. Time is what :meth:`Engine.tick` says. None keeps it until it is closed.
            on_lapse: ``WARNING`` or ``CRITICAL``: the least severity of the check after the lease has run out. With
                None the status stays.
            declared: In whose name, if it is not this process: from :meth:`Engine.declare_writer`, whose label counts.

        Raises:
            HeldError: Somebody else is; see ``holder`` and ``generation``.
            DerivedError: The check is an alias.
            GoneError: The check was deregistered.
            InvalidError: The label is not valid UTF-8, or the lease cannot be.
            NotFoundError: The writer was not declared to this engine.
            TooLargeError: The label is over its limit.
        """
        how = acquire_spec(label, lease, on_lapse, declared)
        token = abi.token()
        call(lib.lifesign_token_acquire, self._handle, byref(how), byref(token))
        return Token(self, token.value, label)

    def take_over(
        self,
        expected_generation: int,
        label: str = "",
        *,
        lease: float | timedelta | None = None,
        on_lapse: Status | None = None,
        declared: WriterRecord | None = None,
    ) -> Token:
        """Become the writer in place of the one that was seen; its token is fenced from here on.

        Args:
            expected_generation: From :meth:`who` or from a ``HeldError``.
            label: This and the rest as in :meth:`acquire`.
            lease: As in :meth:`acquire`.
            on_lapse: As in :meth:`acquire`.
            declared: As in :meth:`acquire`.

        Raises:
            HeldError: Somebody came in between, or has left; look again.
            DerivedError: The check is an alias.
            GoneError: The check was deregistered.
        """
        how = acquire_spec(label, lease, on_lapse, declared)
        expected = unsigned(expected_generation, 64, "expected_generation")
        token = abi.token()
        call(lib.lifesign_token_take_over, self._handle, expected, byref(how), byref(token))
        return Token(self, token.value, label)

    def redefine(self, *, name: str | None = None, data: bytes | None = None) -> None:
        """Change name and data; None keeps what is there. Incarnation, status and token stay.

        Raises:
            GoneError: The check was deregistered.
        """
        state = self.snapshot()
        spec = abi.sized(abi.CheckSpec)
        spec.kind = state.kind
        spec.service = self._engine.service(state.service).handle if state.service else 0
        spec.id = text(state.id, "id")
        spec.name = text(state.name if name is None else name, "name")
        spec.data = encode_data(state.data if data is None else data)
        spec.target = text(state.target, "target")
        call(lib.lifesign_check_redefine, self._handle, byref(spec))

    def deregister(self) -> None:
        """Deregister the check.

        Raises:
            HeldError: Somebody holds its token: :meth:`Token.deregister_check` is for the holder.
            GoneError: It was deregistered before.
        """
        call(lib.lifesign_check_deregister, self._handle)

    def force_deregister(self, label: str) -> None:
        """Deregister the check although somebody holds it, whose writes are refused from here on; this is recorded.

        Args:
            label: Who does it, for the one that is refused later; as in :meth:`acquire`.

        Raises:
            GoneError: It was deregistered before.
        """
        raw = utf8(label, "label")
        call(lib.lifesign_check_deregister_force, self._handle, raw, len(raw))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Check):
            return NotImplemented
        return self._engine is other._engine and self._handle == other._handle

    def __hash__(self) -> int:
        return hash(self._handle)

    def __repr__(self) -> str:
        return f"<Check {self._id!r} {shown(self._reader)}>"
