"""The C ABI in ctypes: every structure and every function of ``lifesign.h``, declared once.

Names are the header's without the ``lifesign_`` prefix. The tests compare this file with the header (signatures),
with a compiler (sizes and offsets) and with the shared library (exported symbols).
"""

from ctypes import (
    POINTER,
    Structure,
    c_char,
    c_char_p,
    c_int32,
    c_int64,
    c_size_t,
    c_uint8,
    c_uint32,
    c_uint64,
    sizeof,
)
from typing import Any, TypeVar

ABI_VERSION = 1

OK = 0
HELD = 1
FENCED = 2
EXPIRED = 3
REVOKED = 4
GONE = 5
FORGED = 6
FOREIGN_ENGINE = 7
DERIVED = 8
FORKED = 9
CLOSED = 10
EXISTS = 11
NOT_FOUND = 12
LOOP = 13
INVALID = 14
TOO_LARGE = 15
BUFFER_TOO_SMALL = 16
LIMIT = 17
BUSY = 18
TIMEOUT = 19
STILL_RUNNING = 20
WOULD_DEADLOCK = 21
FUTURE_CURSOR = 22
INTERNAL = 23

CLOCK_SYSTEM = 0
CLOCK_MANUAL = 1

HISTORY_OFF = 2**32 - 1

HISTORY_TRANSITION = 1
HISTORY_TAKE_OVER = 2
HISTORY_LAPSE = 3

TROUBLE_REFUSAL = 1
TROUBLE_TAKE_OVER = 2
TROUBLE_LAPSE = 3
TROUBLE_RIVAL_CLAIM = 4

FLAG_INITIAL = 1
FLAG_ORPHANED = 2
FLAG_RESTORED = 4
FLAG_DERIVED = 8
FLAG_GONE = 16
FLAG_REGISTERED = 32

WORD_LIFE_SHIFT = 48
WORD_STATUS_SHIFT = 6

KIND_CHECK = 0
KIND_ALIAS_SERVICE = 1
KIND_ALIAS_NODE = 2

FILTER_ALL = 0
FILTER_SERVICE = 1
FILTER_CHECK = 2
FILTER_PREFIX = 3
FILTER_TROUBLE = 4

JOIN_CALLS_ONLY = 1

# Handles and codes are plain numbers; the aliases say in the table below which one is meant.
result = c_uint32
status = c_uint32
engine = c_uint64
service = c_uint64
check = c_uint64
token = c_uint64
subscription = c_uint64
claim = c_uint64


class Str(Structure):
    """Pointer and length of a text or of bytes, copied in by the call."""

    _fields_ = (("ptr", c_char_p), ("len", c_size_t))


class Span(Structure):
    """A piece of the byte buffer given with the call."""

    _fields_ = (("offset", c_uint32), ("len", c_uint32))


class Record(Structure):
    """Who writes."""

    _fields_ = (
        ("struct_size", c_uint32),
        ("id", c_uint32),
        ("process_uuid", c_uint8 * 16),
        ("boot_id", c_uint8 * 16),
        ("pid", c_uint64),
        ("process_start", c_uint64),
        ("pid_namespace", c_uint64),
        ("declared", c_uint32),
        ("reserved", c_uint32),
        ("machine", c_char * 65),
        ("executable", c_char * 256),
        ("name", c_char * 64),
        ("version", c_char * 64),
        ("build", c_char * 64),
        ("label", c_char * 128),
    )


class Cursor(Structure):
    """Opaque position of a subscription."""

    _fields_ = (("engine_id", c_uint8 * 16), ("position", c_uint64))


class Error(Structure):
    """Detail of a refusal."""

    _fields_ = (
        ("struct_size", c_uint32),
        ("code", result),
        ("generation", c_uint64),
        ("caller", Record),
        ("holder", Record),
        ("bookmark", Cursor),
        ("message", c_char * 1024),
    )


class Config(Structure):
    """How to open an engine."""

    _fields_ = (
        ("struct_size", c_uint32),
        ("clock", c_uint32),
        ("max_output", c_uint32),
        ("max_services", c_uint32),
        ("max_checks", c_uint32),
        ("max_subscriptions", c_uint32),
        ("max_tokens", c_uint32),
        ("max_records", c_uint32),
        ("max_pending", c_uint32),
        ("history", c_uint32),
        ("name", Str),
        ("version", Str),
        ("build", Str),
    )


class ServiceSpec(Structure):
    """Definition of a service."""

    _fields_ = (("struct_size", c_uint32), ("reserved", c_uint32), ("id", Str), ("name", Str), ("data", Str))


class Restored(Structure):
    """What a check showed before a restart."""

    _fields_ = (("struct_size", c_uint32), ("status", status), ("since_ns", c_int64), ("output", Str))


class CheckSpec(Structure):
    """Definition of a check or an alias."""

    _fields_ = (
        ("struct_size", c_uint32),
        ("kind", c_uint32),
        ("initial", status),
        ("reserved", c_uint32),
        ("service", service),
        ("id", Str),
        ("name", Str),
        ("data", Str),
        ("target", Str),
        ("restored", POINTER(Restored)),
    )


class AcquireSpec(Structure):
    """How to take a token."""

    _fields_ = (
        ("struct_size", c_uint32),
        ("on_lapse", status),
        ("lease_ms", c_uint64),
        ("declared", c_uint32),
        ("reserved", c_uint32),
        ("label", Str),
    )


class Write(Structure):
    """One write of a batch."""

    _fields_ = (
        ("struct_size", c_uint32),
        ("status", status),
        ("token", token),
        ("output", Str),
        ("result", result),
        ("reserved", c_uint32),
        ("revision", c_uint64),
        ("detail", POINTER(Error)),
    )


class Who(Structure):
    """Who holds a check."""

    _fields_ = (
        ("struct_size", c_uint32),
        ("orphaned", c_uint32),
        ("generation", c_uint64),
        ("since_ns", c_int64),
        ("lease_ms", c_uint64),
        ("silent_ns", c_int64),
        ("holder", Record),
    )


class Writer(Structure):
    """What one writer did at a check."""

    _fields_ = (
        ("struct_size", c_uint32),
        ("record", c_uint32),
        ("accepted", c_uint64),
        ("refused", c_uint64),
        ("first_ns", c_int64),
        ("last_ns", c_int64),
        ("holds", c_uint32),
        ("reserved", c_uint32),
    )


class HistoryEntry(Structure):
    """One entry of a check's history."""

    _fields_ = (
        ("struct_size", c_uint32),
        ("kind", c_uint32),
        ("revision", c_uint64),
        ("time_ns", c_int64),
        ("boot_ns", c_uint64),
        ("generation", c_uint64),
        ("writer", c_uint32),
        ("from", status),
        ("to", status),
        ("reserved", c_uint32),
    )


class Exported(Structure):
    """One check of an export."""

    _fields_ = (
        ("struct_size", c_uint32),
        ("status", status),
        ("since_ns", c_int64),
        ("reported_ns", c_int64),
        ("id", Span),
        ("output", Span),
    )


class Snapshot(Structure):
    """One whole state of a check."""

    _fields_ = (
        ("struct_size", c_uint32),
        ("status", status),
        ("flags", c_uint32),
        ("kind", c_uint32),
        ("check", c_uint64),
        ("incarnation", c_uint64),
        ("version", c_uint64),
        ("transitions", c_uint64),
        ("revision", c_uint64),
        ("generation", c_uint64),
        ("epoch", c_uint64),
        ("time_ns", c_int64),
        ("since_ns", c_int64),
        ("writer", c_uint32),
        ("holder", c_uint32),
        ("id", Span),
        ("name", Span),
        ("service", Span),
        ("target", Span),
        ("data", Span),
        ("output", Span),
    )


class Reader(Structure):
    """Where a status stands."""

    _fields_ = (
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("word", c_uint64),
        ("link", c_uint64),
        ("life", c_uint64),
    )


class ServiceView(Structure):
    """A service's summary."""

    _fields_ = (
        ("struct_size", c_uint32),
        ("status", status),
        ("own", status),
        ("flags", c_uint32),
        ("incarnation", c_uint64),
        ("version", c_uint64),
        ("epoch", c_uint64),
        ("checks", c_uint32),
        ("reserved", c_uint32),
        ("id", Span),
        ("name", Span),
        ("data", Span),
        ("output", Span),
    )


class Trouble(Structure):
    """Trouble of one kind, by one offender, at one check or claim."""

    _fields_ = (
        ("kind", c_uint32),
        ("reason", result),
        ("offender", c_uint32),
        ("holder", c_uint32),
        ("check", check),
        ("generation", c_uint64),
        ("count", c_uint64),
        ("first_ns", c_int64),
        ("last_ns", c_int64),
        ("id", Span),
    )


class Event(Structure):
    """One change, or trouble."""

    _fields_ = (("kind", c_uint32), ("reserved", c_uint32), ("state", Snapshot), ("trouble", Trouble))


class Batch(Structure):
    """What a poll delivered."""

    _fields_ = (
        ("struct_size", c_uint32),
        ("count", c_uint32),
        ("resync", c_uint32),
        ("more", c_uint32),
        ("reset", c_uint32),
        ("reserved", c_uint32),
        ("bytes", c_uint64),
        ("cursor", Cursor),
    )


class Filter(Structure):
    """What a subscription is interested in."""

    _fields_ = (
        ("struct_size", c_uint32),
        ("scope", c_uint32),
        ("min_status", status),
        ("summary", c_uint32),
        ("transitions_only", c_uint32),
        ("reserved", c_uint32),
        ("handle", c_uint64),
        ("prefix", Str),
        ("since", POINTER(Cursor)),
    )


class Stats(Structure):
    """Counters of an engine."""

    _fields_ = (
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("commits", c_uint64),
        ("transitions", c_uint64),
        ("heartbeats", c_uint64),
        ("refused_held", c_uint64),
        ("refused_fenced", c_uint64),
        ("refused_gone", c_uint64),
        ("refused_derived", c_uint64),
        ("refused_expired", c_uint64),
        ("refused_other", c_uint64),
        ("repairs", c_uint64),
        ("helps", c_uint64),
        ("lapses", c_uint64),
        ("clock_jumps", c_uint64),
        ("resyncs", c_uint64),
        ("spurious_wakes", c_uint64),
        ("internal_errors", c_uint64),
        ("services", c_uint64),
        ("checks", c_uint64),
        ("aliases", c_uint64),
        ("tokens", c_uint64),
        ("subscriptions", c_uint64),
        ("leaked_handles", c_uint64),
        ("bytes", c_uint64),
    )


class ClaimView(Structure):
    """How a claim stands."""

    _fields_ = (
        ("struct_size", c_uint32),
        ("advisory", c_uint32),
        ("held", c_uint32),
        ("rivals", c_uint32),
        ("claimed_ns", c_int64),
        ("beats", c_uint64),
        ("trouble", result),
        ("reserved", c_uint32),
        ("message", c_char * 1024),
    )


class Rival(Structure):
    """Who else wants a claimed name."""

    _fields_ = (
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("record", Record),
        ("first_ns", c_int64),
        ("last_ns", c_int64),
        ("count", c_uint64),
    )


STRUCTURES: dict[str, type[Structure]] = {
    "lifesign_str": Str,
    "lifesign_span": Span,
    "lifesign_record": Record,
    "lifesign_cursor": Cursor,
    "lifesign_error": Error,
    "lifesign_config": Config,
    "lifesign_service_spec": ServiceSpec,
    "lifesign_restored": Restored,
    "lifesign_check_spec": CheckSpec,
    "lifesign_acquire_spec": AcquireSpec,
    "lifesign_write": Write,
    "lifesign_who": Who,
    "lifesign_writer": Writer,
    "lifesign_history_entry": HistoryEntry,
    "lifesign_exported": Exported,
    "lifesign_snapshot": Snapshot,
    "lifesign_reader": Reader,
    "lifesign_service_view": ServiceView,
    "lifesign_trouble": Trouble,
    "lifesign_event": Event,
    "lifesign_batch": Batch,
    "lifesign_filter": Filter,
    "lifesign_stats": Stats,
    "lifesign_claim_view": ClaimView,
    "lifesign_rival": Rival,
}

_S = TypeVar("_S", bound=Structure)


def sized(structure: type[_S]) -> _S:
    """Return a zeroed structure that says its own size, as each structure that crosses must."""
    value = structure()
    value.struct_size = sizeof(structure)
    return value


_error = POINTER(Error)
_bytes = POINTER(c_char)
_size = POINTER(c_size_t)
_u64 = POINTER(c_uint64)

FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    # version
    "lifesign_abi_version": (c_uint32, ()),
    "lifesign_version": (c_char_p, ()),
    "lifesign_result_name": (c_char_p, (result,)),
    "lifesign_status_name": (c_char_p, (status,)),
    # engine
    "lifesign_engine_open": (result, (POINTER(Config), POINTER(engine), _error)),
    "lifesign_engine_close": (result, (engine, _error)),
    "lifesign_engine_id": (result, (engine, POINTER(c_uint8 * 16), _error)),
    "lifesign_engine_tick": (result, (engine, c_int64, c_uint64, _error)),
    "lifesign_engine_audit": (result, (engine, _u64, _error)),
    "lifesign_engine_stats": (result, (engine, POINTER(Stats), _error)),
    "lifesign_engine_node": (
        result,
        (engine, POINTER(ServiceView), POINTER(Snapshot), c_size_t, _bytes, c_size_t, _size, _error),
    ),
    "lifesign_engine_node_status": (result, (engine, POINTER(status), _error)),
    "lifesign_engine_record": (result, (engine, c_uint32, POINTER(Record), _error)),
    "lifesign_engine_services": (result, (engine, POINTER(service), c_size_t, _size, _error)),
    "lifesign_engine_checks": (result, (engine, POINTER(check), c_size_t, _size, _error)),
    # service
    "lifesign_service_register": (result, (engine, POINTER(ServiceSpec), POINTER(service), _error)),
    "lifesign_service_find": (result, (engine, c_char_p, c_size_t, POINTER(service), _error)),
    "lifesign_service_redefine": (result, (service, POINTER(ServiceSpec), _error)),
    "lifesign_service_deregister": (result, (service, _error)),
    "lifesign_service_status": (result, (service, POINTER(status), _error)),
    "lifesign_service_snapshot": (
        result,
        (service, POINTER(ServiceView), POINTER(Snapshot), c_size_t, _bytes, c_size_t, _size, _error),
    ),
    # check
    "lifesign_check_register": (result, (engine, POINTER(CheckSpec), POINTER(check), _error)),
    "lifesign_check_find": (result, (engine, c_char_p, c_size_t, POINTER(check), _error)),
    "lifesign_check_redefine": (result, (check, POINTER(CheckSpec), _error)),
    "lifesign_check_deregister": (result, (check, _error)),
    "lifesign_check_deregister_force": (result, (check, c_char_p, c_size_t, _error)),
    "lifesign_check_status": (result, (check, POINTER(status), _error)),
    "lifesign_check_snapshot": (result, (check, POINTER(Snapshot), _bytes, c_size_t, _size, _error)),
    # read
    "lifesign_check_reader": (result, (check, POINTER(Reader), _error)),
    "lifesign_service_reader": (result, (service, POINTER(Reader), _error)),
    "lifesign_engine_node_reader": (result, (engine, POINTER(Reader), _error)),
    "lifesign_check_statuses": (result, (POINTER(check), c_size_t, POINTER(status), _error)),
    "lifesign_check_snapshots": (
        result,
        (POINTER(check), c_size_t, POINTER(Snapshot), _bytes, c_size_t, _size, _error),
    ),
    # token
    "lifesign_token_acquire": (result, (check, POINTER(AcquireSpec), POINTER(token), _error)),
    "lifesign_token_take_over": (result, (check, c_uint64, POINTER(AcquireSpec), POINTER(token), _error)),
    "lifesign_token_write": (result, (token, status, c_char_p, c_size_t, _error)),
    "lifesign_token_write_batch": (result, (POINTER(Write), c_size_t, _error)),
    "lifesign_token_renew": (result, (token, _error)),
    "lifesign_token_generation": (result, (token, _u64, _error)),
    "lifesign_token_record": (result, (token, POINTER(Record), _error)),
    "lifesign_token_deregister_check": (result, (token, _error)),
    "lifesign_token_close": (result, (token, _error)),
    "lifesign_token_join": (result, (token, token, c_uint32, c_int64, _error)),
    # who
    "lifesign_check_who": (result, (check, POINTER(Who), _error)),
    "lifesign_check_writers": (result, (check, POINTER(Writer), c_size_t, _size, _error)),
    "lifesign_check_history": (result, (check, POINTER(HistoryEntry), c_size_t, _size, _error)),
    "lifesign_engine_declare_writer": (result, (engine, POINTER(Record), POINTER(c_uint32), _error)),
    # subscription
    "lifesign_subscribe": (result, (engine, POINTER(Filter), POINTER(subscription), _error)),
    "lifesign_token_subscribe": (result, (token, POINTER(Filter), POINTER(subscription), _error)),
    "lifesign_subscription_poll": (
        result,
        (subscription, POINTER(Event), c_size_t, _bytes, c_size_t, POINTER(Batch), _error),
    ),
    "lifesign_subscription_wait": (result, (subscription, c_int64, _error)),
    "lifesign_subscription_descriptor": (result, (subscription, POINTER(c_int32), _error)),
    "lifesign_unsubscribe": (result, (subscription, _error)),
    # export
    "lifesign_engine_export": (result, (engine, c_char_p, c_size_t, _size, _error)),
    "lifesign_export_read": (
        result,
        (c_char_p, c_size_t, POINTER(Exported), c_size_t, _bytes, c_size_t, _size, _size, _error),
    ),
    # claim
    "lifesign_claim_open": (
        result,
        (engine, c_char_p, c_size_t, c_char_p, c_size_t, POINTER(claim), _error),
    ),
    "lifesign_claim_state": (result, (claim, POINTER(ClaimView), _error)),
    "lifesign_claim_rivals": (result, (claim, POINTER(Rival), c_size_t, _size, _error)),
    "lifesign_claim_release": (result, (claim, _error)),
}
