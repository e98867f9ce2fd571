"""Subscription: changes, delivered to one consumer by poll, blocking wait or event loop."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from ctypes import byref, c_int32, create_string_buffer
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from . import _abi as abi
from . import _decode
from ._closing import Closer
from ._encode import unsigned
from ._library import call, lib
from ._local import Local
from ._waiting import slices
from .changes import Batch, Cursor, Event, EventKind
from .errors import BufferTooSmallError, ClosedError, TimedOutError

if TYPE_CHECKING:
    from .engine import Engine

_ROOM = 64 * 1024
"""Bytes of a poll's first buffer."""
_PORTION = 64
"""Events that a poll takes unless it is told otherwise."""

_descriptors = RLock()
"""Held while a descriptor is made, duplicated or closed; one for all, and a signal handler may come in between."""


def _forked() -> None:
    """Forget who held the lock: in the child that thread is not there to release it."""
    global _descriptors
    _descriptors = RLock()


os.register_at_fork(after_in_child=_forked)


class Descriptor:
    """A descriptor of ours, closed with its last owner; a file object would warn of itself beside the subscription."""

    __slots__ = ("_close", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        # At the interpreter's exit the module may be empty before the object dies.
        self._close = os.close

    def close(self) -> None:
        """Close it; closing again does nothing."""
        number, self.number = self.number, -1
        if number >= 0:
            self._close(number)

    def __del__(self) -> None:
        self.close()


class Subscription(Local):
    """Changes that match a filter, the state at the start first; from :meth:`Engine.subscribe`.

    For one consumer at a time. ``for event in subscription`` blocks, ``async for event in subscription`` does not and
    uses no thread; both end when the subscription or its engine is closed, and may be left and entered again without
    losing an event. A slow consumer finds several changes of a check merged into the newest, never one missing.

    An event of kind ``RESYNC`` says that more was deregistered than the engine keeps for a slow consumer
    (``max_pending``): forget what was known; what follows is the whole matching state. It has no state, id or status.
    One of kind ``RESET`` says the same of a subscription that was to continue from another engine's cursor.

    Waiting is interrupted by a ``KeyboardInterrupt`` within a fifth of a second. One that falls into the iteration may
    take with it what was not handed out: whoever goes on afterwards subscribes anew, ``since`` the :attr:`cursor` that
    was read after the last event that was handled.
    """

    __slots__ = (
        "__weakref__",
        "_about",
        "_behind",
        "_closer",
        "_cursor",
        "_descriptor",
        "_engine",
        "_handle",
        "_known",
        "_taken",
    )

    def __init__(self, engine: "Engine", handle: int, about: str, since: Cursor | None) -> None:
        self._engine = engine
        self._about = about
        self._handle = handle
        self._closer = Closer(self, f"subscription to {about}", lib.lifesign_unsubscribe, handle)
        # Events that an iteration has polled and not yet yielded.
        self._taken: deque[Event] = deque()
        # Whether anything was delivered, by a batch or before `since`: before that there is nothing to forget.
        self._known = since is not None
        # Where it stands after all that was polled, and after what came before the events in `_taken`.
        self._cursor = since
        self._behind = since
        # Made when it is first asked for: those who block or poll need none.
        self._descriptor: Descriptor | None = None

    @property
    def engine(self) -> "Engine":
        """The engine that it belongs to."""
        return self._engine

    @property
    def handle(self) -> int:
        """The subscription's number in the C ABI."""
        return self._handle

    @property
    def cursor(self) -> Cursor | None:
        """Where it stands after the events that it has handed out; another one with the same filter continues there.

        Before the first batch it is where it was to continue, or None. It moves with each batch, and with a
        :meth:`wait` that ran out of time. Nothing after it is missing to the one that continues there; something
        before it may come again.
        """
        return self._behind if self._taken else self._cursor

    def poll(self, max_events: int = _PORTION) -> Batch:
        """Take what is pending, up to ``max_events``; never waits, and may return no events.

        Raises:
            ClosedError: The subscription or its engine was closed.
            BusyError: Another thread is in a call of this subscription.
            InvalidError: ``max_events`` is not positive.
        """
        capacity = unsigned(max_events, 31, "max_events")
        if self._taken:
            return self._rest(capacity)
        batch = self._poll(capacity)
        self._cursor = batch.cursor
        return batch

    def _rest(self, capacity: int) -> Batch:
        """Return what an iteration has polled and not yielded; it comes before anything newer.

        A resync or reset is not among it: the iteration has yielded that first.
        """
        # Before the first batch was handed out to its end there is no place but the beginning of all.
        beginning = None if self._behind else Cursor(self._engine.id, 0)
        events: list[Event] = []
        with suppress(IndexError):
            while len(events) < capacity:
                events.append(self._taken.popleft())
        cursor = self.cursor or beginning
        assert cursor is not None, "a batch came with one"
        return Batch(events=tuple(events), resync=False, reset=False, more=True, cursor=cursor)

    def _poll(self, capacity: int) -> Batch:
        # Buffers of the call's own: two threads that poll by mistake do not read each other's events.
        events = (abi.Event * capacity)()
        batch = abi.sized(abi.Batch)
        batch.bytes = _ROOM
        while True:
            room = batch.bytes
            buffer = create_string_buffer(room)
            try:
                call(lib.lifesign_subscription_poll, self._handle, events, capacity, buffer, room, byref(batch))
            except BufferTooSmallError:
                if batch.bytes <= room:
                    raise
                continue
            taken = _decode.batch(batch, events[: batch.count], memoryview(buffer), self._engine._known_record)
            self._known |= taken.resync or bool(taken.events)
            return taken

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until something is pending; it is there at once if it came before the call.

        Python's signal handlers run while it waits.

        Args:
            timeout: In seconds; None waits for ever.

        Returns:
            Whether something is pending; False when the time was out.

        Raises:
            ClosedError: The subscription or its engine was closed, before or during the call.
            BusyError: Another thread is in a call of this subscription.
        """
        if self._taken:
            return True
        for milliseconds in slices(timeout):
            try:
                call(lib.lifesign_subscription_wait, self._handle, milliseconds)
            except TimedOutError as late:
                self._cursor = late.bookmark
                continue
            return True
        return False

    async def ready(self) -> None:
        """Wait in the running event loop, without a thread, until a poll may find something.

        It may return with nothing to find; a subscription that was closed is ready, and the next poll says so.
        """
        if self._taken:
            return
        loop = asyncio.get_running_loop()
        try:
            # A duplicate for this wait alone: a close() from another thread cannot take the number from the loop.
            with _descriptors:
                descriptor = os.dup(self._duplicate().number)
        except ClosedError:
            return
        try:
            readable = loop.create_future()
            loop.add_reader(descriptor, _resolve, readable)
            try:
                await readable
            finally:
                loop.remove_reader(descriptor)
        finally:
            os.close(descriptor)

    def fileno(self) -> int:
        """Return a descriptor for select, poll and epoll: readable when something is pending. Never read it.

        It belongs to the subscription and is valid until :meth:`close`. Events that an iteration took and has not
        yielded yet do not show in it.

        Raises:
            ClosedError: The subscription or its engine was closed.
            LimitError: The process has no descriptor left.
        """
        with _descriptors:
            return self._duplicate().number

    def _duplicate(self) -> Descriptor:
        """Return our own duplicate of the engine's descriptor; to be called with the lock on descriptors held."""
        if self._descriptor is None:
            # A close in another thread may come between the number and its duplicate, which then fails or is one of
            # whatever has the number now. The library knows: asked again, it answers CLOSED.
            try:
                duplicate = os.dup(self._engines_descriptor())
            except OSError:
                self._engines_descriptor()
                raise
            try:
                self._engines_descriptor()
            except ClosedError:
                os.close(duplicate)
                raise
            self._descriptor = Descriptor(duplicate)
        else:
            # In a forked child it would never wake anybody. It wakes those who wait for the engine to be closed.
            with suppress(ClosedError):
                self._engines_descriptor()
        return self._descriptor

    def _engines_descriptor(self) -> int:
        descriptor = c_int32()
        call(lib.lifesign_subscription_descriptor, self._handle, byref(descriptor))
        return descriptor.value

    def _next(self) -> Event | None:
        if not self._taken:
            known, self._behind = self._known, self._cursor
            batch = self._poll(_PORTION)
            events = batch.events
            if batch.resync and known:
                # An event of its own: when nothing that matches is left, the batch has none to carry the news.
                events = (Event(EventKind.RESET if batch.reset else EventKind.RESYNC), *events)
            self._taken.extend(events)
            # In this order: whoever is interrupted in between finds the cursor before what came, not after it.
            self._cursor = batch.cursor
        try:
            return self._taken.popleft()
        except IndexError:
            return None

    def __iter__(self) -> Iterator[Event]:
        while True:
            try:
                event = self._next()
                if event is None:
                    self.wait()
                    continue
            except ClosedError:
                return
            yield event

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            try:
                event = self._next()
            except ClosedError:
                return
            if event is None:
                await self.ready()
            else:
                yield event

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closer.closed

    def close(self) -> None:
        """End the subscription and its waits, in whatever thread or task. Closing again does nothing."""
        self._closer.close()
        with _descriptors:
            if self._descriptor is not None:
                self._descriptor.close()
                self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{'closed ' if self.closed else ''}Subscription to {self._about}>"


def _resolve(readable: "asyncio.Future[None]") -> None:
    if not readable.done():
        readable.set_result(None)
