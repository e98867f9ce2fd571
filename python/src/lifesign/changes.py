"""What a subscription delivers: events, in batches, up to a cursor."""

import re
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from .model import NamedEnum, Snapshot, Status
from .provenance import Trouble


class EventKind(NamedEnum):
    """What an event tells: a check's state, its last state (it was deregistered), a service's summary, or trouble.

    ``RESYNC`` and ``RESET`` come from iterating over a subscription alone and have no state: forget what was known;
    what follows is the whole matching state. ``RESET`` says that the cursor to continue from was another engine's. It
    is what :attr:`Batch.resync` and :attr:`Batch.reset` say.
    """

    STATE = 1
    GONE = 2
    SUMMARY = 3
    TROUBLE = 4
    # The package's own, out of the way of what the library may add.
    RESYNC = 1 << 16
    RESET = RESYNC + 1


@dataclass(frozen=True, slots=True, repr=False)
class Event:
    """One change; or trouble; or, of kind ``RESYNC`` or ``RESET``, the order to forget what was known."""

    kind: EventKind
    _content: Snapshot | Trouble | None = None

    @property
    def state(self) -> Snapshot:
        """The state that the event brought; in a ``GONE`` event the last one.

        Raises:
            AttributeError: The event is of kind ``TROUBLE``, ``RESYNC`` or ``RESET``.
        """
        if isinstance(self._content, Snapshot):
            return self._content
        raise AttributeError(self._lacks("state"))

    @property
    def trouble(self) -> Trouble:
        """The trouble that the event tells of.

        Raises:
            AttributeError: The event is of another kind than ``TROUBLE``.
        """
        if isinstance(self._content, Trouble):
            return self._content
        raise AttributeError(self._lacks("trouble"))

    @property
    def id(self) -> str:
        """Id of the check; of the service, in a summary; of the check or claim, in trouble.

        Raises:
            AttributeError: The event is of kind ``RESYNC`` or ``RESET``.
        """
        return self.state.id if self._content is None else self._content.id

    @property
    def status(self) -> Status:
        """Status that the event brought; in a ``GONE`` event the last one.

        Raises:
            AttributeError: The event is of kind ``TROUBLE``, ``RESYNC`` or ``RESET``.
        """
        return self.state.status

    def _lacks(self, what: str) -> str:
        message = f"a {self.kind} event has no {what}: look at event.kind first"
        if self._content is None:
            message += ", and forget what was known; what follows is the whole matching state"
        return message

    def __repr__(self) -> str:
        return f"Event({', '.join(repr(part) for part in (self.kind, self._content) if part is not None)})"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Opaque position of a subscription in its engine's changes: where another one with the same filter continues.

    It may be kept: ``str(cursor)`` is its text, and ``Cursor.parse(text)`` the same cursor again. After a restart the
    engine is another one, which says so and starts from the whole state.
    """

    engine: UUID
    position: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the cursor of which this is the text.

        Raises:
            ValueError: It is no cursor's text.
        """
        found = re.fullmatch(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):([0-9]{1,20})", text)
        if found is None or int(found[2]) >= 2**64:
            message = f"not a cursor: {text[:80]!r}; str(cursor) makes its text"
            raise ValueError(message)
        return cls(UUID(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.engine}:{self.position}"


@dataclass(frozen=True, slots=True)
class Batch:
    """What one poll delivered, sorted by (revision, id).

    With ``resync`` the consumer drops what it knew: the events up to the next batch without ``more`` are the whole
    matching state. With ``reset``, which implies ``resync``, the cursor to continue from was another engine's. With
    ``more`` further events are pending already. ``cursor`` is where the subscription stands after this batch.
    """

    events: tuple[Event, ...]
    resync: bool
    reset: bool
    more: bool
    cursor: Cursor
