"""What a person sees: reprs, documentation, and how plain values behave."""

import contextlib
import copy
import dataclasses
import inspect
import io
import pickle
import pkgutil
from collections.abc import Callable
from enum import Enum
from pathlib import Path

import pytest

import lifesign
import surface
from conftest import World
from lifesign import ClosedError, Engine, FencedError, HeldError, Status


def test_reprs_say_what_it_is(world: World, tmp_path: Path) -> None:
    engine = world.engine
    with (
        engine.subscribe() as everything,
        engine.subscribe(check=world.check) as one,
        engine.subscribe(prefix="web:") as some,
        engine.subscribe(trouble=True) as trouble,
        world.token.subscribe(service=world.service) as of_service,
        engine.claim(tmp_path, "node") as claim,
    ):
        shown = {
            repr(engine): "<Engine 'tests'>",
            repr(world.check): "<Check 'web:http' passing>",
            repr(world.alias): "<Check 'sidecar' passing>",
            repr(world.service): "<Service 'web' passing>",
            repr(world.token): "<Token 'first runner' of check 'web:http'>",
            repr(engine.group([world.check])): "<CheckGroup of 1 checks>",
            repr(everything): "<Subscription to everything>",
            repr(one): "<Subscription to check 'web:http'>",
            repr(some): "<Subscription to prefix 'web:'>",
            repr(trouble): "<Subscription to trouble>",
            repr(of_service): "<Subscription to service 'web'>",
            repr(claim): "<Claim 'node'>",
        }
        for said, expected in shown.items():
            assert said == expected
    assert repr(one) == "<closed Subscription to check 'web:http'>"
    assert repr(claim) == "<released Claim 'node'>"


def test_a_repr_never_raises(world: World) -> None:
    gone = world.engine.register_check("gone")
    gone.deregister()
    assert repr(gone) == "<Check 'gone' gone>"
    world.engine.close()
    assert repr(world.engine) == "<closed Engine 'tests'>"
    assert repr(world.check) == "<Check 'web:http' closed>"
    assert repr(world.service) == "<Service 'web' closed>"
    world.token.close()
    assert repr(world.token) == "<closed Token 'first runner' of check 'web:http'>"
    with Engine() as unnamed, unnamed.register_check("a").acquire() as token:
        assert repr(unnamed) == f"<Engine {unnamed.handle:#x}>"
        assert repr(token) == "<Token of check 'a'>"


def test_an_error_is_shown_by_its_message(world: World) -> None:
    with pytest.raises(HeldError) as refused:
        world.check.acquire("second runner")
    assert repr(refused.value) == f"HeldError({refused.value.message!r})"
    for part in ("web:http", "second runner", "first runner", "take over"):
        assert part in str(refused.value)


def undocumented() -> list[str]:
    """Every public name without a docstring of its own."""
    missing = [name for name in lifesign.__all__ if not inspect.getdoc(getattr(lifesign, name))]
    for kind in surface.classes():
        if "__doc__" not in vars(kind) or (
            dataclasses.is_dataclass(kind) and str(kind.__doc__).startswith(f"{kind.__name__}(")
        ):
            missing.append(kind.__name__)
        for name, member in surface.own(kind):
            if not name.startswith("_") and not inspect.getdoc(member):
                missing.append(f"{kind.__name__}.{name}")
    for module in pkgutil.iter_modules(lifesign.__path__, "lifesign."):
        if not inspect.getdoc(__import__(module.name, fromlist=["_"])):
            missing.append(module.name)
    return missing


def test_everything_public_is_documented() -> None:
    assert undocumented() == []


@pytest.mark.parametrize("kind", surface.HANDLES)
def test_every_parameter_is_annotated_and_what_is_raised_is_public(kind: type) -> None:
    for name, member in surface.own(kind):
        if name.startswith("_"):
            continue
        function = member.fget if isinstance(member, property) else member
        assert callable(function)
        signature = inspect.signature(function)
        assert signature.return_annotation is not inspect.Signature.empty, name
        for parameter in list(signature.parameters.values())[1:]:
            assert parameter.annotation is not inspect.Parameter.empty, (name, parameter)
        for line in (inspect.getdoc(member) or "").partition("Raises:\n")[2].splitlines():
            raised = line.strip().partition(":")[0]
            if raised.endswith("Error") and line.startswith("    ") and not line.startswith("     "):
                assert hasattr(lifesign, raised) or raised in {"AttributeError", "TypeError", "ValueError"}, raised


def test_help_names_everything() -> None:
    page = io.StringIO()
    with contextlib.redirect_stdout(page):
        help(lifesign)
    assert "lock-free, in-memory health-check state" in page.getvalue()
    for name in lifesign.__all__:
        assert name in page.getvalue()


@pytest.mark.parametrize("kind", surface.values())
def test_values_are_frozen_slotted_and_hashable(kind: type) -> None:
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__slots__" in vars(kind)
    assert "__dict__" not in dir(kind)
    assert kind.__hash__ is not None


def test_values_are_compared_hashed_pickled_and_copied(world: World) -> None:
    engine = world.engine
    with engine.subscribe() as subscription:
        batch = subscription.poll()
    values = [
        world.check.snapshot(),
        world.service.snapshot(),
        world.check.who(),
        world.token.record,
        engine.stats(),
        batch,
        batch.cursor,
        *batch.events,
        *world.check.history(),
        *world.check.writers(),
    ]
    for value in values:
        for same in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):
            assert same == value
            assert hash(same) == hash(value)
        with pytest.raises((AttributeError, TypeError)):
            setattr(value, "added", 1)  # noqa: B010 (as a statement the type checker refuses it first)
    with pytest.raises(dataclasses.FrozenInstanceError):
        world.check.snapshot().status = Status.CRITICAL  # type: ignore[misc]


@pytest.mark.parametrize("kind", surface.enums())
def test_enums_stay_themselves(kind: type[Enum]) -> None:
    members = list(kind)
    assert len({*members}) == len(members)
    assert sorted(members) == sorted(members, key=lambda member: member.value)  # type: ignore[type-var]
    for member in members:
        assert pickle.loads(pickle.dumps(member)) is copy.deepcopy(member) is member
        assert f"{member:>20}".strip() == f"{member}" == str(member) == member.name.lower()
        assert {member: "found"}[kind(member.value)] == "found"


def test_the_worst_of_statuses_is_their_greatest() -> None:
    assert max([Status.PASSING, Status.CRITICAL, Status.WARNING]) is Status.CRITICAL
    assert Status["PASSING"] is Status.PASSING
    with pytest.raises(ValueError, match="7 is not a valid Status"):
        Status(7)


@pytest.mark.parametrize("kind", surface.HANDLES)
def test_handles_have_no_dictionary(kind: type) -> None:
    for base in kind.__mro__[:-1]:
        assert "__slots__" in vars(base), base
    assert "__weakref__" in dir(kind)


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, pickle.dumps, lambda handle: pickle.dumps(handle, 0)])
def test_handles_are_neither_pickled_nor_copied(world: World, tmp_path: Path, how: Callable[[object], object]) -> None:
    with world.engine.subscribe() as subscription, world.engine.claim(tmp_path, "node") as claim:
        group = world.engine.group([world.check])
        handles = [world.engine, world.service, world.check, group, world.token, subscription, claim]
        assert {type(handle) for handle in handles} == set(surface.HANDLES)
        for handle in handles:
            with pytest.raises(TypeError, match=rf"a {type(handle).__name__} .* engine = lifesign.Engine\(\)"):
                how(handle)


def test_blocks_may_be_left_again(engine: Engine, tmp_path: Path) -> None:
    check = engine.register_check("a")
    for owned in (check.acquire(), engine.subscribe(), engine.claim(tmp_path, "node"), Engine()):
        with owned as inside:
            assert inside is owned
        with owned:
            pass
        owned.__exit__(None, None, None)
        assert owned.released if isinstance(owned, lifesign.Claim) else owned.closed


def test_a_block_does_not_hide_what_was_raised(world: World) -> None:
    with pytest.raises(FencedError), world.check.take_over(world.token.generation) as new, new:
        world.token.update(Status.CRITICAL)
    world.engine.close()
    with pytest.raises(ClosedError), world.engine:
        world.engine.stats()
