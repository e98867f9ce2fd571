"""What a subscription is about, and the handles that a caller names."""

from ctypes import pointer

from . import _abi as abi
from ._encode import cursor, status, text
from .changes import Cursor
from .check import Check
from .errors import InvalidError
from .model import Status
from .service import Service


def filter_of(
    service: Service | None,
    check: Check | None,
    prefix: str | None,
    min_status: Status,
    since: Cursor | None,
    *,
    summary: bool,
    transitions_only: bool,
    trouble: bool,
) -> abi.Filter:
    """Return the filter as the library reads it; at most one of service, check, prefix and trouble is given."""
    expect(service, Service, "service")
    expect(check, Check, "check")
    if sum(scope is not None for scope in (service, check, prefix, trouble or None)) > 1:
        message = "a subscription has one scope: give at most one of service, check, prefix and trouble"
        raise InvalidError(message)
    if summary and service is None:
        message = "the subscription asks for a summary, but of no service: give service too"
        raise InvalidError(message)
    interest = abi.sized(abi.Filter)
    interest.min_status = status(min_status, "min_status")
    interest.summary = summary
    interest.transitions_only = transitions_only
    if since is not None:
        interest.since = pointer(cursor(since))
    if service is not None:
        interest.scope, interest.handle = abi.FILTER_SERVICE, service.handle
    elif check is not None:
        interest.scope, interest.handle = abi.FILTER_CHECK, check.handle
    elif prefix is not None:
        interest.scope, interest.prefix = abi.FILTER_PREFIX, text(prefix, "prefix")
    elif trouble:
        interest.scope = abi.FILTER_TROUBLE
    return interest


def expect(value: object, kind: type[Service | Check], what: str) -> None:
    """Refuse what is not a handle; whoever has an id is told where handles come from."""
    if value is None or isinstance(value, kind):
        return
    message = f"{what} must be a {kind.__name__}, not {type(value).__name__}"
    if isinstance(value, str):
        message += f"; engine.{what}({value!r}) finds one"
    raise TypeError(message)


def named(service: Service | None, check: Check | None, prefix: str | None, *, trouble: bool) -> str:
    """Return in words what a subscription is about."""
    if service is not None:
        return f"service {service.id!r}"
    if check is not None:
        return f"check {check.id!r}"
    if prefix is not None:
        return f"prefix {prefix!r}"
    return "trouble" if trouble else "everything"
