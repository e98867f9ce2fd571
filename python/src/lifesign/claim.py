"""Claim: a name in a directory that one engine holds."""

from ctypes import byref
from types import TracebackType
from typing import TYPE_CHECKING, Self

from . import _abi as abi
from . import _decode, _view
from ._closing import Closer
from ._library import call, lib
from ._local import Local
from .model import ClaimState, Rival

if TYPE_CHECKING:
    from .engine import Engine


class Claim(Local):
    """A name that an engine holds in a directory, from :meth:`Engine.claim`.

    A context manager: leaving the block releases it. :meth:`Engine.tick` looks after it; what goes wrong there is told
    by :attr:`state` and fails no tick.
    """

    __slots__ = ("__weakref__", "_closer", "_engine", "_handle", "_name")

    def __init__(self, engine: "Engine", handle: int, name: str) -> None:
        self._engine = engine
        self._handle = handle
        self._name = name
        self._closer = Closer(self, f"claim {name!r}", lib.lifesign_claim_release, handle)

    @property
    def engine(self) -> "Engine":
        """The engine that holds the name."""
        return self._engine

    @property
    def handle(self) -> int:
        """The claim's number in the C ABI."""
        return self._handle

    @property
    def name(self) -> str:
        """The claimed name."""
        return self._name

    @property
    def state(self) -> ClaimState:
        """How the claim stands, as of the last tick; the directory is not looked at.

        Raises:
            ClosedError: The claim was released, or its engine closed.
        """
        view = abi.sized(abi.ClaimView)
        call(lib.lifesign_claim_state, self._handle, byref(view))
        return _decode.claim_state(view)

    def rivals(self) -> list[Rival]:
        """Tell who else wants the name, the one seen last first; at most 64. The directory is not looked at.

        Raises:
            ClosedError: The claim was released, or its engine closed.
        """
        return [
            _decode.rival(value) for value in _view.read_list(lib.lifesign_claim_rivals, self._handle, abi.Rival, 4)
        ]

    @property
    def released(self) -> bool:
        """Whether :meth:`release` was called."""
        return self._closer.closed

    def release(self) -> None:
        """Give the name back. Releasing again does nothing."""
        self._closer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<{'released ' if self.released else ''}Claim {self._name!r}>"
