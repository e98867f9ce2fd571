"""From Python values to the ABI's arguments.

The library is the judge of lengths and contents. Only what ctypes would silently change is refused here: it cuts
integers to their width, so that a status of 2**32 + 1 would arrive as 1.
"""

from datetime import timedelta
from operator import index

from . import _abi as abi
from .changes import Cursor
from .errors import InvalidError, TooLargeError
from .model import Restored, Status, WriterRecord


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
    """Return a status, or its number, as a number that fits 32 bits; which of them are statuses, the library knows."""
    if not isinstance(value, int) or isinstance(value, bool):
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


def _milliseconds(value: float | timedelta, what: str) -> int:
    """Return a length of time above 0, rounded up: 0 would mean that there is none."""
    try:
        length = value if isinstance(value, timedelta) else timedelta(seconds=value)
    except TypeError:
        message = f"{what} must be seconds or a timedelta, not {value!r}"
        raise TypeError(message) from None
    except (OverflowError, ValueError):
        length = timedelta()
    if length <= timedelta():
        message = f"{what} must be a length of time above 0: {value!r}"
        raise InvalidError(message)
    whole, rest = divmod(length, timedelta(milliseconds=1))
    return whole + bool(rest)


def acquire_spec(
    label: str, lease: float | timedelta | None, on_lapse: Status | None, declared: WriterRecord | None
) -> abi.AcquireSpec:
    """Return how to take a token, as the library reads it."""
    how = abi.sized(abi.AcquireSpec)
    how.label = text(label, "label")
    if lease is not None:
        how.lease_ms = _milliseconds(lease, "lease")
    if on_lapse is not None:
        how.on_lapse = status(on_lapse, "on_lapse")
        if lease is None or not how.on_lapse:
            message = "on_lapse is the least severity after the lease ran out: give a lease, and WARNING or CRITICAL"
            raise InvalidError(message)
    if declared is not None:
        if not isinstance(declared, WriterRecord):
            message = f"declared must be a WriterRecord, not {type(declared).__name__}; engine.declare_writer makes one"
            raise TypeError(message)
        how.declared = declared.id
    return how


def restored(value: Restored) -> abi.Restored:
    """Return what a check showed, as the library reads it."""
    if not isinstance(value, Restored):
        message = f"restored must be a Restored, not {type(value).__name__}; read_export()[id].state is one"
        raise TypeError(message)
    shown = abi.sized(abi.Restored)
    shown.status = status(value.status, "restored.status")
    shown.since_ns = signed(value.since_ns, "restored.since_ns")
    shown.output = text(value.output, "restored.output")
    return shown


def cursor(value: Cursor) -> abi.Cursor:
    """Return a cursor as the library reads it."""
    if not isinstance(value, Cursor):
        message = f"since must be a Cursor, not {type(value).__name__}; Cursor.parse makes one of its text"
        raise TypeError(message)
    place = abi.Cursor()
    place.engine_id[:] = value.engine.bytes
    place.position = unsigned(value.position, 64, "the cursor's position")
    return place


def fixed(value: str, structure: type[abi.Record], name: str) -> bytes:
    """Return a text for a field of fixed size; ctypes would leave no NUL at the end, and cut it at one inside."""
    raw, most = utf8(value, name), getattr(structure, name).size - 1
    if len(raw) > most:
        message = f"{name}: it has {len(raw)} bytes; at most {most} are kept"
        raise TooLargeError(message)
    if b"\0" in raw:
        message = f"{name} {value[:48]!r}: it contains a NUL"
        raise InvalidError(message)
    return raw
