"""One exception per error code, all under :class:`LifesignError`.

Each tells what happened, to which id and what to do (``message``), and carries the records of both sides where they
are known: ``caller``, and ``holder`` with its ``generation``.
"""

from typing import TYPE_CHECKING, ClassVar

from .model import Code, WriterRecord

if TYPE_CHECKING:
    from .changes import Cursor


class LifesignError(Exception):
    """A call was refused; nothing was changed by it.

    Attributes:
        code: The error code.
        message: What happened, to which id, who else was involved, what to do.
        caller: Record of the refused side, if known.
        holder: Record of the present holder, if there is one.
        generation: Generation of the present holder, if there is one.
        bookmark: Of a wait that ran out of time: the cursor up to which everything that matches was delivered.
    """

    code: ClassVar[Code]

    def __init__(
        self,
        message: str,
        caller: WriterRecord | None = None,
        holder: WriterRecord | None = None,
        generation: int | None = None,
        bookmark: "Cursor | None" = None,
    ) -> None:
        # All of them are arguments of the exception, so that it can be pickled and copied.
        super().__init__(message, caller, holder, generation, bookmark)
        self.message = message
        self.caller = caller
        self.holder = holder
        self.generation = generation
        self.bookmark = bookmark

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        # The records say at length what the message says in short.
        return f"{type(self).__name__}({self.message!r})"


class HeldError(LifesignError):
    """Somebody else holds the check's token, or the claimed name; see ``holder`` and ``generation``."""

    code = Code.HELD


class FencedError(LifesignError):
    """The token was taken over; ``holder`` is the successor."""

    code = Code.FENCED


class ExpiredError(LifesignError):
    """The token's lease lapsed and nobody else came; acquire again."""

    code = Code.EXPIRED


class RevokedError(LifesignError):
    """The token was closed by its owner; acquire a new one."""

    code = Code.REVOKED


class GoneError(LifesignError):
    """The check or service was deregistered."""

    code = Code.GONE


class ForgedError(LifesignError):
    """The handle was never given out, or is of another kind."""

    code = Code.FORGED


class ForeignEngineError(LifesignError):
    """A handle of one engine was given to another."""

    code = Code.FOREIGN_ENGINE


class DerivedError(LifesignError):
    """The check is an alias: the engine alone writes it."""

    code = Code.DERIVED


class ForkedError(LifesignError):
    """The engine was opened by the parent process and does not reach across ``fork``."""

    code = Code.FORKED

    def __str__(self) -> str:
        return f"{self.message}: engine = lifesign.Engine()"


class ClosedError(LifesignError):
    """The engine, token or subscription was closed, or the claim released."""

    code = Code.CLOSED


class ExistsError(LifesignError):
    """The id is registered with another definition."""

    code = Code.EXISTS


class NotFoundError(LifesignError, LookupError):
    """There is nothing under this id."""

    code = Code.NOT_FOUND


class LoopError(LifesignError):
    """The alias would depend on itself; the message writes the path out."""

    code = Code.LOOP


class InvalidError(LifesignError, ValueError):
    """An argument is not valid."""

    code = Code.INVALID


class TooLargeError(LifesignError, ValueError):
    """A text or datum is over its limit."""

    code = Code.TOO_LARGE


class BufferTooSmallError(LifesignError):
    """A result does not fit the caller's buffer; the package grows its buffers and does not let this out."""

    code = Code.BUFFER_TOO_SMALL


class LimitError(LifesignError):
    """A quota of the engine or process is used up, or a disk."""

    code = Code.LIMIT


class BusyError(LifesignError):
    """Another call is running on the subscription, the service still has checks, or a rival stands in mid-claim."""

    code = Code.BUSY


class TimedOutError(LifesignError, TimeoutError):
    """A wait ran out of time."""

    code = Code.TIMEOUT


class StillRunningError(LifesignError, TimeoutError):
    """A join ran out of time: the old token is not closed yet, or a call of it is still running."""

    code = Code.STILL_RUNNING


class WouldDeadlockError(LifesignError):
    """A token cannot join itself."""

    code = Code.WOULD_DEADLOCK


class FutureCursorError(LifesignError):
    """The cursor is from the engine's future: it never gave that one out."""

    code = Code.FUTURE_CURSOR


class InternalError(LifesignError, RuntimeError):
    """A defect in Lifesign; nothing was changed by the call. Please report it."""

    code = Code.INTERNAL


BY_CODE = tuple(sorted(LifesignError.__subclasses__(), key=lambda error: error.code))
"""Index 0 is that of code 1. A dictionary has a lock where there is no global one, and a fork may leave it held."""

assert [error.code for error in BY_CODE] == [*Code], "every code has its exception"
