"""Reading a service's view, or the node's, into buffers that grow until it fits."""

from collections.abc import Callable
from ctypes import byref, c_size_t, create_string_buffer
from typing import Any

from . import _abi as abi
from . import _decode
from ._library import call
from .errors import BufferTooSmallError
from .model import ServiceSnapshot

_CHECKS = 8
_ROOM = 16 * 1024


def read(function: Callable[..., Any], handle: int) -> ServiceSnapshot:
    """Call ``lifesign_service_snapshot`` or ``lifesign_engine_node``."""
    view = abi.sized(abi.ServiceView)
    view.checks = _CHECKS
    needed = c_size_t(_ROOM)
    while True:
        capacity, room = view.checks, needed.value
        checks = (abi.Snapshot * capacity)()
        buffer = create_string_buffer(room)
        try:
            call(function, handle, byref(view), checks, capacity, buffer, room, byref(needed))
        except BufferTooSmallError:
            continue
        return _decode.service(view, checks[: view.checks], memoryview(buffer))
