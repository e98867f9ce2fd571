"""Token: the right to write one check."""

from ctypes import byref, c_uint64
from types import TracebackType
from typing import TYPE_CHECKING, Self

from . import _abi as abi
from . import _decode
from ._closing import Closer
from ._encode import status as encode_status
from ._encode import utf8
from ._library import call, lib
from ._local import Local
from ._waiting import slices
from .changes import Cursor
from .errors import StillRunningError
from .model import Status, WriterRecord
from .subscription import Subscription

if TYPE_CHECKING:
    from .check import Check
    from .service import Service


class Token(Local):
    """The right to write one check, from :meth:`Check.acquire` or :meth:`Check.take_over`.

    A context manager: leaving the block closes it. It may be used from several threads; commits are serialised.
    """

    __slots__ = ("__weakref__", "_check", "_closer", "_handle", "_label")

    def __init__(self, check: "Check", handle: int, label: str) -> None:
        self._check = check
        self._handle = handle
        self._label = label
        self._closer = Closer(self, f"token of check {check.id!r}", lib.lifesign_token_close, handle)

    @property
    def check(self) -> "Check":
        """The check that it writes."""
        return self._check

    @property
    def handle(self) -> int:
        """The token's number in the C ABI."""
        return self._handle

    @property
    def generation(self) -> int:
        """Which writer of the check's present life this is.

        Raises:
            ClosedError: The token was closed.
        """
        value = c_uint64()
        call(lib.lifesign_token_generation, self._handle, byref(value))
        return value.value

    @property
    def record(self) -> WriterRecord:
        """The token's own writer record, fenced or not, until it is closed.

        Raises:
            ClosedError: The token was closed.
        """
        value = abi.sized(abi.Record)
        call(lib.lifesign_token_record, self._handle, byref(value))
        record = _decode.record(value)
        assert record is not None, "a live token has a record"
        return record

    def update(self, status: Status, output: str = "") -> None:
        """Commit a status and its text, atomically; lock-free.

        When it returns, every reader sees this state or a newer one, in every alias of the check as well.

        Args:
            status: ``PASSING``, ``WARNING`` or ``CRITICAL``.
            output: The check's text, by default at most 4 KiB in UTF-8.

        Raises:
            FencedError: The token was taken over; ``holder`` is the successor.
            ExpiredError: The token's lease has run out and nobody else came: acquire again.
            GoneError: The check was deregistered.
            InvalidError: Not such a status, or bad UTF-8.
            TooLargeError: The output is longer than the engine's ``max_output``.
            ClosedError: The token or the engine was closed.
        """
        raw = utf8(output, "output")
        call(lib.lifesign_token_write, self._handle, encode_status(status, "status"), raw, len(raw))

    def renew(self) -> None:
        """Start the token's lease anew without a report; lock-free.

        Raises:
            ExpiredError: The lease has run out and nobody else came: acquire again.
            FencedError: The token was taken over; ``holder`` is the successor.
            GoneError: The check was deregistered.
            ClosedError: The token or the engine was closed.
        """
        call(lib.lifesign_token_renew, self._handle)

    def subscribe(
        self,
        *,
        service: "Service | None" = None,
        check: "Check | None" = None,
        prefix: str | None = None,
        min_status: Status = Status.PASSING,
        summary: bool = False,
        transitions_only: bool = False,
        since: Cursor | None = None,
    ) -> Subscription:
        """Subscribe as the check's writer, like :meth:`Engine.subscribe`; the subscription outlives the token.

        A runner that was started late and taken over before it came to run is told so here.

        Raises:
            FencedError: The token was taken over; ``holder`` is the successor.
            ExpiredError: The token's lease has run out and nobody else came.
            GoneError: The check, or what is subscribed to, was deregistered.
            FutureCursorError: This engine never gave out that cursor.
            InvalidError: More than one of ``service``, ``check`` and ``prefix``, or a summary without a service.
            LimitError: The engine's quota of subscriptions is used up.
        """
        from ._filter import filter_of, named

        interest = filter_of(
            service,
            check,
            prefix,
            min_status,
            since,
            summary=summary,
            transitions_only=transitions_only,
            trouble=False,
        )
        subscription = abi.subscription()
        call(lib.lifesign_token_subscribe, self._handle, byref(interest), byref(subscription))
        about = named(service, check, prefix, trouble=False)
        return Subscription(self._check.engine, subscription.value, about, since)

    def deregister_check(self) -> None:
        """Deregister the check, as its holder; the token stays to be closed.

        Raises:
            FencedError: The token was taken over: the check belongs to ``holder`` now.
            ExpiredError: The token's lease has run out and nobody else came.
            GoneError: The check was deregistered before.
        """
        call(lib.lifesign_token_deregister_check, self._handle)

    def join(self, old: "Token", timeout: float | None = None, *, calls_only: bool = False) -> None:
        """Wait until an old token is closed and its calls have left; safety never depends on it.

        Args:
            old: The token that was taken over.
            timeout: In seconds; None waits for ever.
            calls_only: Wait for the calls alone, not for the closing.

        Raises:
            StillRunningError: Out of time.
            WouldDeadlockError: ``old`` is this token.
        """
        flags = abi.JOIN_CALLS_ONLY if calls_only else 0
        late: StillRunningError | None = None
        for milliseconds in slices(timeout):
            try:
                call(lib.lifesign_token_join, self._handle, old.handle, flags, milliseconds)
            except StillRunningError as error:
                late = error
            else:
                return
        if late is not None:
            raise late

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closer.closed

    def close(self) -> None:
        """Say that this writer is done; releases the check if it still holds it. Closing again does nothing."""
        self._closer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        label = f" {self._label!r}" if self._label else ""
        return f"<{'closed ' if self.closed else ''}Token{label} of check {self._check.id!r}>"
