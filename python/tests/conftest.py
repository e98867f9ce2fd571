"""Fixtures shared by all tests."""

import faulthandler
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

import lifesign
from lifesign import Check, Engine, Service, Status, Token

HANG = 120
"""Seconds after which a test that hangs ends the run, with the stack of every thread."""

STDERR = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    # The real one; while a test runs, its output is captured.
    config.stash[STDERR] = os.dup(2)
    if installed := os.environ.get("LIFESIGN_TESTED"):
        assert str(lifesign.__file__).startswith(installed), "this is to test the package that is installed there"


def watch(config: pytest.Config) -> None:
    faulthandler.dump_traceback_later(HANG, exit=True, file=config.stash[STDERR])


@pytest.fixture(autouse=True)
def _watchdog(request: pytest.FixtureRequest) -> Iterator[None]:
    watch(request.config)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: pytest.Item) -> None:
    # pytest has just called every watchdog off, and the test's clean-up is yet to come.
    watch(node.config)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(name="tests", version="1.2.3", build="abcdef") as engine:
        yield engine
        if not engine.closed:
            assert engine.audit() == 0
            assert engine.stats().internal_errors == 0


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=16) as pool:
        yield pool


class Timed:
    """An engine of which the test says what time it is: ``START`` at first."""

    START = 1_000_000_000_000

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now = 0
        self.let_pass(0)

    def let_pass(self, seconds: float) -> None:
        """Tick every half second, as one does, and at the end: leases do not run out in a leap."""
        end = self.now + round(seconds * 1e9)
        while self.now + 500_000_000 < end:
            self.leap(0.5)
        self.leap((end - self.now) / 1e9)

    def leap(self, seconds: float) -> None:
        """Tick once."""
        self.now += round(seconds * 1e9)
        self.engine.tick(wall_ns=self.START + self.now, boot_ns=self.now)


@pytest.fixture
def timed() -> Iterator[Timed]:
    with Engine(name="tests", manual_clock=True) as engine:
        yield Timed(engine)
        assert engine.audit() == 0
        assert engine.stats().internal_errors == 0


@dataclass
class World:
    """A service with one passing check that is held, and an alias on it."""

    engine: Engine
    service: Service
    check: Check
    alias: Check
    token: Token


@pytest.fixture
def world(engine: Engine) -> Iterator[World]:
    service = engine.register_service("web", name="Web", data=b"\x00\xff")
    check = engine.register_check("web:http", service=service, name="HTTP", data=b"GET /")
    alias = engine.register_alias("sidecar", service)
    with check.acquire("first runner") as token:
        token.update(Status.PASSING, "200 OK")
        yield World(engine, service, check, alias, token)
