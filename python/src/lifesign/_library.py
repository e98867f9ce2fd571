"""The shared library: found, loaded, checked and given its signatures when the package is imported."""

import os
from collections.abc import Callable
from ctypes import CDLL, byref
from pathlib import Path
from typing import Any

from . import _abi as abi
from . import _decode
from .errors import BY_CODE, InternalError, LifesignError

_NAME = "liblifesign.so"


def candidates() -> list[Path]:
    """Return where the library may be: ``LIFESIGN_LIBRARY`` alone if set, else the package, then the checkout."""
    named = os.environ.get("LIFESIGN_LIBRARY")
    if named:
        return [Path(named)]
    package = Path(__file__).resolve().parent
    # In a folder of its own: beside the modules it would be taken for one by whoever lists them.
    return [package / "_lib" / _NAME, package.parents[2] / "target" / "release" / _NAME]


def load() -> CDLL:
    """Load the library, compare its ABI version and declare every function.

    Raises:
        ImportError: There is no library, it cannot be loaded, or it speaks another ABI version.
    """
    places = candidates()
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        looked = ", ".join(map(str, places))
        message = f"no {_NAME} at {looked}: run `make build` in the checkout, or name the file in LIFESIGN_LIBRARY"
        raise ImportError(message)
    try:
        library = CDLL(str(path))
    except OSError as error:
        message = f"{path} cannot be loaded: {error}"
        raise ImportError(message, path=str(path)) from error
    # The version first: another version's library may lack functions of the table.
    for name in ("lifesign_abi_version", *abi.FUNCTIONS):
        try:
            function = getattr(library, name)
        except AttributeError:
            message = f"{path} has no {name}: not a Lifesign library of ABI version {abi.ABI_VERSION}"
            raise ImportError(message, path=str(path)) from None
        function.restype, function.argtypes = abi.FUNCTIONS[name]
        if name == "lifesign_abi_version" and (found := function()) != abi.ABI_VERSION:
            message = f"{path} has ABI version {found}, this package needs {abi.ABI_VERSION}: install a matching pair"
            raise ImportError(message, path=str(path))
    return library


def refusal(code: int, detail: abi.Error) -> LifesignError:
    """Return the exception for a failed call."""
    message = _decode.text(detail.message)
    try:
        kind = BY_CODE[code - 1]
    except IndexError:
        return InternalError(f"unknown error code {code} from the library: {message}")
    holder = _decode.record(detail.holder)
    return kind(
        message or kind.code.name,
        caller=_decode.record(detail.caller),
        holder=holder,
        # A claimed name has a holder and no generation.
        generation=(detail.generation or None) if holder else None,
        bookmark=_decode.cursor(detail.bookmark) if code == abi.TIMEOUT else None,
    )


def call(function: Callable[..., Any], *arguments: object) -> None:
    """Call a function of the library and raise what it refuses.

    The detail is a fresh structure for each call: a cached one could be overwritten by a signal handler that calls
    the library between the failure and the reading of it.
    """
    detail = abi.sized(abi.Error)
    code = function(*arguments, byref(detail))
    if code != abi.OK:
        raise refusal(code, detail)


lib = load()
