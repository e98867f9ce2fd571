"""Exports: what every check showed, over a restart."""

from ctypes import byref, c_size_t, create_string_buffer
from os import PathLike, fsencode

from . import _abi as abi
from . import _decode
from ._library import call, lib
from .errors import BufferTooSmallError
from .model import Exported

_CHECKS = 64
_ROOM = 16 * 1024


def read_export(path: str | bytes | PathLike[str] | PathLike[bytes]) -> dict[str, Exported]:
    """Read what :meth:`Engine.export` wrote: the checks by id. No engine is needed; waits for the disk.

    Raises:
        NotFoundError: There is no such file.
        InvalidError: The file cannot be read, or is no export; the message names the place.
        TooLargeError: The path is over its limit.
    """
    raw = fsencode(path)
    count, needed = c_size_t(_CHECKS), c_size_t(_ROOM)
    while True:
        capacity, room = count.value, needed.value
        checks = (abi.Exported * capacity)()
        buffer = create_string_buffer(room)
        try:
            call(lib.lifesign_export_read, raw, len(raw), checks, capacity, buffer, room, byref(count), byref(needed))
        except BufferTooSmallError:
            continue
        content = memoryview(buffer)
        return {check.id: check for check in (_decode.exported(value, content) for value in checks[: count.value])}
