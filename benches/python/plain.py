"""What a Python programmer would write instead: a dict of immutable states behind a lock."""

from threading import Lock
from time import time_ns
from typing import NamedTuple

from lifesign import Status


class State(NamedTuple):
    """The state of one check."""

    status: Status
    output: str
    version: int
    transitions: int
    time_ns: int
    since_ns: int


class Plain:
    """The states of a node."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._states: dict[str, State] = {}
        self.heartbeats = 0

    def register(self, check: str, status: Status) -> None:
        """Add a check."""
        now = time_ns()
        with self._lock:
            self._states[check] = State(status, "", 1, 0, now, now)

    def status(self, check: str) -> Status:
        """Return a status."""
        with self._lock:
            return self._states[check].status

    def statuses(self, checks: list[str]) -> list[Status]:
        """Return the statuses of several."""
        with self._lock:
            states = self._states
            return [states[check].status for check in checks]

    def snapshot(self, check: str) -> State:
        """Return a whole state, which does not change after it was handed out."""
        with self._lock:
            return self._states[check]

    def update(self, check: str, status: Status, output: str) -> None:
        """Write a status and its text; the same again is a heartbeat."""
        with self._lock:
            old = self._states[check]
            if old.status is status and old.output == output:
                self.heartbeats += 1
                return
            now, turned = time_ns(), old.status is not status
            self._states[check] = State(status, output, old.version + 1, old.transitions + turned, now, now if turned else old.since_ns)
