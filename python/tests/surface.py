"""The public surface by introspection, so that what is added later is not forgotten by the tests that walk it."""

import inspect
from collections.abc import Iterator
from dataclasses import is_dataclass
from enum import Enum

import lifesign

HANDLES = (
    lifesign.Engine,
    lifesign.Service,
    lifesign.Check,
    lifesign.CheckGroup,
    lifesign.Token,
    lifesign.Subscription,
    lifesign.Claim,
)
"""The classes whose objects stand for something in the engine."""


def classes() -> list[type]:
    """Every public class."""
    return [value for name in lifesign.__all__ if inspect.isclass(value := getattr(lifesign, name))]


def values() -> list[type]:
    """Every public dataclass."""
    return [kind for kind in classes() if is_dataclass(kind)]


def enums() -> list[type[Enum]]:
    """Every public enum."""
    return [kind for kind in classes() if issubclass(kind, Enum)]


def own(kind: type) -> Iterator[tuple[str, object]]:
    """Methods and properties that the package itself has given a class, as ``name, function or property``."""
    for base in kind.__mro__:
        if base.__module__.startswith("lifesign"):
            for name, member in vars(base).items():
                if inspect.isroutine(member) or isinstance(member, property | classmethod | staticmethod):
                    yield name, member


def members(kind: type) -> list[str]:
    """Names of a class's public methods and properties."""
    return sorted({name for name, _ in own(kind) if not name.startswith("_")})


def calls(kind: type) -> list[str]:
    """The same and the protocols: what a user of an object can bring to run."""
    protocols = {"__aiter__", "__enter__", "__eq__", "__exit__", "__hash__", "__iter__", "__len__", "__repr__"}
    return sorted({name for name, _ in own(kind) if not name.startswith("_") or name in protocols})
