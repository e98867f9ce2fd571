"""Statuses by loads alone: where they stand is asked for once, and then no call is made."""

import platform
from collections.abc import Callable
from ctypes import byref, c_uint64

from . import _abi as abi
from ._library import call, lib
from .errors import GoneError, LifesignError
from .model import Status

LIFE = abi.WORD_LIFE_SHIFT
STATUS = abi.WORD_STATUS_SHIFT
LIFE_UNIT = 1 << LIFE
"""What is below it has no life's bits."""

STATUSES = (Status.GONE, Status.PASSING, Status.WARNING, Status.CRITICAL)
"""By their codes."""

ORDERED = platform.machine() in {"x86_64", "AMD64"}
"""Whether plain loads follow one another in the order of the program.

What is derived takes two loads whose order matters. An item of a memoryview is a plain move of eight bytes, which
acquires on x86-64 alone. Elsewhere that is the library's to do; the one load of a direct check is right everywhere.
"""

NEVER = 1 << 64
"""Differs from every word in bits of a life."""

_NOWHERE = memoryview(bytes(8)).cast("Q")
"""What is read of what was gone before anybody asked where it stands: no life."""


def word_at(address: int) -> memoryview:
    """Return the word at ``address``: memory of the library's, which stays mapped as long as the process lives."""
    return memoryview(c_uint64.from_address(address)).cast("B").cast("Q").toreadonly()


class Reader(dict[int, Status]):
    """Where one status stands, and what the life looks like that is meant.

    ``reader[reader.word[0]]`` is the status of a check. What a word says, it always says in this life; so the last one
    that was decoded is kept, and most reads are a load and a look-up. What is derived is never kept.
    """

    __slots__ = ("_handle", "_life", "_link", "_read", "word")

    def __init__(self, fill: Callable[..., int], read: Callable[..., int], handle: int) -> None:
        super().__init__()
        place = abi.sized(abi.Reader)
        found = fill(handle, byref(place), None) == abi.OK
        self.word = word_at(place.word) if found else _NOWHERE
        self._link = word_at(place.link) if place.link else None
        self._life = place.life if found else NEVER
        self._read = read
        self._handle = handle

    def __missing__(self, word: int) -> Status:
        """Decode a word."""
        if self._link is not None:
            return self.linked()
        if word ^ self._life >= LIFE_UNIT:
            return self.called()
        status = STATUSES[word >> STATUS & 3]
        # Another thread may do the same; each entry is true by itself.
        self.clear()
        self[word] = status
        return status

    def linked(self) -> Status:
        """Return the status of an alias, a service or the node by the steps of the header; or ask why there is none."""
        if self._link is None or not ORDERED:
            return self.called()
        word = self.word[0]
        # The link still: this life lasted until the word was read.
        return STATUSES[word >> STATUS & 3] if self._link[0] == self._life else self.called()

    def called(self) -> Status:
        """Ask the library, which says also why there is nothing to be read."""
        word = abi.status()
        try:
            call(self._read, self._handle, byref(word))
        except GoneError:
            return Status.GONE
        return STATUSES[word.value]


def check(handle: int) -> Reader:
    """Return where the status of a check stands."""
    return Reader(lib.lifesign_check_reader, lib.lifesign_check_status, handle)


def service(handle: int) -> Reader:
    """Return where the status of a service stands."""
    return Reader(lib.lifesign_service_reader, lib.lifesign_service_status, handle)


def node(engine: int) -> Reader:
    """Return where the status of the node stands."""
    return Reader(lib.lifesign_engine_node_reader, lib.lifesign_engine_node_status, engine)


def shown(reader: Reader) -> str:
    """Return the status as a ``repr`` shows it: in one word, and whatever state the engine is in."""
    try:
        return str(reader[reader.word[0]])
    except LifesignError as error:
        return error.code.name.lower()
