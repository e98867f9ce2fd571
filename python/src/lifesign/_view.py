"""Reading answers of unknown length into buffers that grow until they fit."""

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


def read_list(function: Callable[..., Any], handle: int, kind: type[Any], capacity: int) -> list[Any]:
    """Call a function that fills an array and tells how many places it needs; ``capacity`` is tried first."""
    count = c_size_t(capacity)
    while True:
        room = count.value
        places = (kind * room)()
        try:
            call(function, handle, places, room, byref(count))
        except BufferTooSmallError:
            continue
        return list(places[: count.value])
