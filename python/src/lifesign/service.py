"""Service: a handle on one service."""

from ctypes import byref
from typing import TYPE_CHECKING

from . import _abi as abi
from . import _view
from ._encode import data as encode_data
from ._encode import text
from ._library import call, lib
from ._local import Local
from ._reader import service as reader_of
from ._reader import shown
from .model import ServiceSnapshot, Status

if TYPE_CHECKING:
    from .engine import Engine


class Service(Local):
    """A service of an engine; owns nothing, and is equal to any other handle on the same life of the service."""

    __slots__ = ("__weakref__", "_engine", "_handle", "_id", "_reader")

    def __init__(self, engine: "Engine", handle: int, id: str) -> None:
        self._engine = engine
        self._handle = handle
        self._id = id
        self._reader = reader_of(handle)

    @property
    def engine(self) -> "Engine":
        """The engine that it belongs to."""
        return self._engine

    @property
    def id(self) -> str:
        """The service's id."""
        return self._id

    @property
    def handle(self) -> int:
        """The service's number in the C ABI."""
        return self._handle

    @property
    def status(self) -> Status:
        """The worst of its checks and the node's, now; wait-free, without a call. ``GONE`` once it was deregistered.

        Raises:
            ClosedError: The engine was closed.
            ForkedError: The engine is the parent process's.
        """
        return self._reader.linked()

    def snapshot(self) -> ServiceSnapshot:
        """Return the service, its summary and all its checks as of one moment.

        Raises:
            GoneError: The service was deregistered.
        """
        return _view.read(lib.lifesign_service_snapshot, self._handle)

    def redefine(self, *, name: str | None = None, data: bytes | None = None) -> None:
        """Change name and data; None keeps what is there. Its checks and their states stay.

        Raises:
            GoneError: The service was deregistered.
        """
        state = self.snapshot()
        spec = abi.sized(abi.ServiceSpec)
        spec.id = text(state.id, "id")
        spec.name = text(state.name if name is None else name, "name")
        spec.data = encode_data(state.data if data is None else data)
        call(lib.lifesign_service_redefine, self._handle, byref(spec))

    def deregister(self) -> None:
        """Deregister the service; aliases on it turn critical until it comes back.

        Raises:
            BusyError: It still has checks; the message names one.
            GoneError: It was deregistered before.
        """
        call(lib.lifesign_service_deregister, self._handle)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Service):
            return NotImplemented
        return self._engine is other._engine and self._handle == other._handle

    def __hash__(self) -> int:
        return hash(self._handle)

    def __repr__(self) -> str:
        return f"<Service {self._id!r} {shown(self._reader)}>"
