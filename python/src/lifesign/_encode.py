"""From Python values to the ABI's arguments.

The library is the judge of lengths and contents. Only what ctypes would silently change is refused here: it cuts
integers to their width, so that a status of 2**32 + 1 would arrive as 1.
"""

from operator import index

from . import _abi as abi
from .errors import InvalidError
from .model import Status


def utf8(value: str, what: str) -> bytes:
    """Return a text as bytes; lone surrogates pass through, for the library to refuse as bad UTF-8."""
    if not isinstance(value, str):
        message = f"{what} must be str, not {type(value).__name__}"
        raise TypeError(message)
    return value.encode("utf-8", "surrogatepass")


def text(value: str, what: str) -> abi.Str:
    """Return a text as pointer and length."""
    raw = utf8(value, what)
    return abi.Str(raw, len(raw))


def data(value: bytes | bytearray | memoryview) -> abi.Str:
    """Return opaque bytes as pointer and length."""
    raw = bytes(memoryview(value))
    return abi.Str(raw, len(raw))


def status(value: Status, what: str) -> int:
    """Return a status as a number that fits 32 bits; which of them are statuses, the library knows."""
    if not isinstance(value, int):
        message = f"{what} must be a Status, not {type(value).__name__}"
        raise TypeError(message)
    return unsigned(value, 32, what)


def unsigned(value: int, bits: int, what: str) -> int:
    """Return an integer that fits an unsigned type of so many bits."""
    return _within(value, 0, 2**bits - 1, what)


def signed(value: int, what: str) -> int:
    """Return an integer that fits 64 bits with a sign."""
    return _within(value, -(2**63), 2**63 - 1, what)


def _within(value: int, low: int, high: int, what: str) -> int:
    number = index(value)
    if not low <= number <= high:
        message = f"{what} is out of range: {number} is not in {low} .. {high}"
        raise InvalidError(message)
    return number
