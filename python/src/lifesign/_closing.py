"""Closing: once, by whoever comes first, and with a net under an owner that forgot."""

import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from warnings import warn

from ._library import call
from .errors import ClosedError, ForkedError


class Closer:
    """Closes one handle once.

    ``weakref.finalize.detach`` is atomic: of several closers, the net among them, exactly one makes the call. Nothing
    is done at the interpreter's exit: the state is memory of this process.
    """

    __slots__ = ("_close", "_finalizer", "_handle")

    def __init__(self, owner: object, what: str, close: Callable[..., Any], handle: int) -> None:
        self._close = close
        self._handle = handle
        self._finalizer = _net(owner, what, close, handle)

    @property
    def closed(self) -> bool:
        """Whether a closer has come."""
        return self._finalizer.peek() is None

    def close(self) -> None:
        """Close the handle, unless another closer has come.

        A handle whose engine was closed, or stayed behind in the parent process, needs nothing more.
        """
        if self._finalizer.detach() is None:
            return
        with suppress(ClosedError, ForkedError):
            call(self._close, self._handle)


def _net(owner: object, what: str, close: Callable[..., Any], handle: int) -> Any:  # noqa: ANN401
    # Any: not every version of the type stubs knows that `atexit` may be set.
    finalizer: Any = weakref.finalize(owner, _forgotten, what, close, handle)
    finalizer.atexit = False
    return finalizer


def _forgotten(what: str, close: Callable[..., Any], handle: int) -> None:
    # The line that let go of the owner: above it are this function and the finalizer's.
    warn(f"unclosed {what}", ResourceWarning, stacklevel=3)
    close(handle, None)
