"""Statuses by loads alone: where they stand is asked for once, and then no call is made."""

import platform
from collections.abc import Callable
from ctypes import byref, c_uint64

from . import _abi as abi
from ._library import call, lib
from .errors import GoneError
from .model import Status

LIFE = abi.WORD_LIFE_SHIFT
STATUS = abi.WORD_STATUS_SHIFT
LIFE_UNIT = 1 << LIFE
"""What is below it has no life's bits."""

STATUSES = (Status.GONE, Status.PASSING, Status.WARNING, Status.CRITICAL)
"""By their codes."""

ORDERED = platform.machine() in {"x86_64", "AMD64"}
"""Whether plain loads follow one another in the order of the program.

What is derived takes three loads whose order matters. An item of a memoryview is a plain move of eight bytes, which
acquires on x86-64 alone. Elsewhere that is the library's to do; the one load of a direct check is right everywhere.
"""

NEVER = 1 << 64
"""Differs from every word in bits of a life."""

_NOWHERE = memoryview(bytes(16)).cast("Q")
"""What is read of what was gone before anybody asked where it stands: no life."""


def words(address: int) -> memoryview:
    """Return the two words at ``address``: memory of the library's, which stays mapped as long as the process lives."""
    return memoryview((c_uint64 * 2).from_address(address)).cast("B").cast("Q").toreadonly()


class Reader(dict[int, Status]):
    """Where one status stands: a cell with its status word and its link, and which life of the cell is meant.

    ``reader[reader.cell[0]]`` is the status. What a word says, it always says in this life; so the last one that was
    decoded is kept, and most reads are a load and a look-up. What is derived is never kept.
    """

    __slots__ = ("_direct", "_handle", "_life", "_read", "_target", "cell")

    def __init__(self, fill: Callable[..., int], read: Callable[..., int], handle: int) -> None:
        super().__init__()
        place = abi.sized(abi.Reader)
        found = fill(handle, byref(place), None) == abi.OK
        self.cell = words(place.cell) if found else _NOWHERE
        self._life = place.life << LIFE if found else NEVER
        # The flag is the same throughout a life. If this one is over by now, both ways find that.
        self._direct = NEVER if self.cell[0] & abi.WORD_DERIVED else self._life
        self._target = (0, self.cell)
        self._read = read
        self._handle = handle

    def __missing__(self, word: int) -> Status:
        """Decode a word."""
        if word ^ self._direct < LIFE_UNIT:
            status = STATUSES[word >> STATUS & 3]
            # Another thread may do the same; each entry is true by itself.
            self.clear()
            self[word] = status
            return status
        return self.linked()

    def linked(self) -> Status:
        """Return the status of an alias, a service or the node by the steps of the header; or ask why there is none."""
        if not ORDERED:
            return self.called()
        link = self.cell[1]
        address = link ^ self._life
        if address >= LIFE_UNIT:
            return self.called()
        # Both at once: another thread may be here too.
        known, target = self._target
        if known != address:
            target = words(address)
            self._target = (address, target)
        word = target[0]
        # The same link still: this life lasted until the word was read.
        return STATUSES[word >> STATUS & 3] if self.cell[1] == link else self.called()

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
