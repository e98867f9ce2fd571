"""Fixtures shared by all tests."""

import faulthandler
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lifesign import Check, Engine, Service, Status, Token

HANG = 120
"""Seconds after which a failed test that hangs in its clean-up ends the run; one that has not failed: pyproject.toml."""


@pytest.hookimpl(trylast=True)
def pytest_exception_interact() -> None:
    # pytest has just called its own watchdog off.
    faulthandler.dump_traceback_later(HANG, exit=True)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(name="tests", version="1.2.3", build="abcdef") as engine:
        yield engine
        if not engine.closed:
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
