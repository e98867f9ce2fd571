"""Waiting in slices: between two calls into the library Python handles its signals."""

from collections.abc import Iterator
from math import ceil
from time import monotonic

SLICE = 0.2
"""Longest time in seconds that one call waits, and so the delay of a KeyboardInterrupt."""


def slices(timeout: float | None) -> Iterator[int]:
    """Yield the milliseconds of each call of a wait; ``None`` waits for ever, 0 or less makes one call."""
    if timeout is None:
        while True:
            yield round(SLICE * 1000)
    try:
        deadline = monotonic() + timeout
    except TypeError:
        message = f"timeout must be seconds or None, not {timeout!r}"
        raise TypeError(message) from None
    left = timeout
    while True:
        yield max(0, ceil(min(left, SLICE) * 1000))
        left = deadline - monotonic()
        if left <= 0:
            return
