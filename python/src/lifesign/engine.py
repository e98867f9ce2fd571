"""Engine: the health-check state of one node."""

from collections.abc import Callable, Iterable
from ctypes import byref, c_size_t, c_uint8, c_uint32, c_uint64, pointer, sizeof
from os import PathLike, fsencode
from time import CLOCK_BOOTTIME, clock_gettime_ns, time_ns
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

from . import _abi as abi
from . import _decode, _view
from ._closing import Closer
from ._encode import data as encode_data
from ._encode import fixed, signed, status, text, unsigned, utf8
from ._encode import restored as encode_restored
from ._filter import expect, filter_of, named
from ._library import call, lib, refusal
from ._local import Local
from ._reader import node as reader_of
from .changes import Cursor
from .check import Check
from .claim import Claim
from .errors import ForeignEngineError, GoneError, InvalidError, LifesignError, NotFoundError
from .group import CheckGroup
from .model import Restored, ServiceSnapshot, Stats, Status, WriterRecord
from .service import Service
from .subscription import Subscription
from .token import Token

_T = TypeVar("_T")


def _history(depth: int | None) -> int:
    """Return the depth of histories as the library reads it, for which 0 is the default."""
    if depth is None:
        return 0
    if unsigned(depth, 32, "history") == abi.HISTORY_OFF:
        message = f"history is out of range: {depth}"
        raise InvalidError(message)
    return depth or abi.HISTORY_OFF


class Engine(Local):
    """The state of one node, in this process's memory; several may live side by side.

    A context manager: leaving the block closes it. Every method may be called from any thread. It starts no thread
    and calls nothing back. It does not reach across ``fork``: a child opens a fresh one.

    Args:
        name: The program that embeds it; with ``version`` and ``build`` it stands in every writer record. Each is at
            most 63 bytes of UTF-8; more is refused.
        version: The program's version.
        build: The program's build, a commit for instance.
        manual_clock: Time is what :meth:`tick` says, instead of the system's.
        max_output: Longest output of a check in bytes; 0, here and below, means the default.
        max_services: Quota of services.
        max_checks: Quota of checks, aliases included.
        max_subscriptions: Quota of subscriptions.
        max_tokens: Quota of tokens that are not closed.
        max_records: Quota of writer records.
        max_pending: Deregistrations that a slow subscription keeps before it starts over.
        history: Entries that are kept of each check's history; None means the default, 0 keeps none.

    Raises:
        InvalidError: A text is not valid UTF-8, or a limit is out of range.
        TooLargeError: A text is over its limit.
    """

    __slots__ = ("__weakref__", "_closer", "_handle", "_name", "_node")

    def __init__(
        self,
        name: str = "",
        version: str = "",
        build: str = "",
        *,
        manual_clock: bool = False,
        max_output: int = 0,
        max_services: int = 0,
        max_checks: int = 0,
        max_subscriptions: int = 0,
        max_tokens: int = 0,
        max_records: int = 0,
        max_pending: int = 0,
        history: int | None = None,
    ) -> None:
        config = abi.sized(abi.Config)
        config.clock = abi.CLOCK_MANUAL if manual_clock else abi.CLOCK_SYSTEM
        config.max_output = unsigned(max_output, 32, "max_output")
        config.max_services = unsigned(max_services, 32, "max_services")
        config.max_checks = unsigned(max_checks, 32, "max_checks")
        config.max_subscriptions = unsigned(max_subscriptions, 32, "max_subscriptions")
        config.max_tokens = unsigned(max_tokens, 32, "max_tokens")
        config.max_records = unsigned(max_records, 32, "max_records")
        config.max_pending = unsigned(max_pending, 32, "max_pending")
        config.history = _history(history)
        config.name = text(name, "name")
        config.version = text(version, "version")
        config.build = text(build, "build")
        handle = abi.engine()
        call(lib.lifesign_engine_open, byref(config), byref(handle))
        self._handle = handle.value
        self._name = repr(name) if name else f"{handle.value:#x}"
        self._node = reader_of(handle.value)
        self._closer = Closer(self, f"engine {self._name}", lib.lifesign_engine_close, handle.value)

    @property
    def handle(self) -> int:
        """The engine's number in the C ABI."""
        return self._handle

    @property
    def id(self) -> UUID:
        """The engine's random id.

        Raises:
            ClosedError: The engine was closed.
        """
        value = (c_uint8 * 16)()
        call(lib.lifesign_engine_id, self._handle, byref(value))
        return UUID(bytes=bytes(value))

    def register_service(self, id: str, *, name: str = "", data: bytes = b"") -> Service:
        """Register a service; the same definition again returns the same service.

        Args:
            id: 1 to 255 bytes of UTF-8, unique among the engine's services.
            name: What people call it.
            data: Opaque bytes of the embedder, at most 4 KiB.

        Raises:
            ExistsError: The id is registered with another definition; the message names the field.
            InvalidError: The id is empty or not UTF-8.
            TooLargeError: A text or the data is over its limit.
            LimitError: The engine's quota of services is used up.
        """
        spec = abi.sized(abi.ServiceSpec)
        spec.id = text(id, "id")
        spec.name = text(name, "name")
        spec.data = encode_data(data)
        service = abi.service()
        call(lib.lifesign_service_register, self._handle, byref(spec), byref(service))
        return Service(self, service.value, id)

    def register_check(
        self,
        id: str,
        *,
        service: Service | None = None,
        name: str = "",
        data: bytes = b"",
        initial: Status = Status.CRITICAL,
        restored: Restored | None = None,
    ) -> Check:
        """Register a check, to be written by whoever acquires it; the same definition again returns the same check.

        Args:
            id: 1 to 255 bytes of UTF-8, unique among the engine's checks.
            service: The service it belongs to; None binds it to the node, where it counts for every service.
            name: What people call it.
            data: Opaque bytes of the embedder, at most 4 KiB.
            initial: Its status until somebody reports.
            restored: What it showed before a restart, shown again, and marked so, until somebody reports. It is no
                part of the definition, and a check that has reported keeps its own state. See :func:`read_export`.

        Raises:
            ExistsError: The id is registered with another definition; the message names the field.
            GoneError: The service was deregistered.
            ForeignEngineError: The service is another engine's.
            InvalidError: The id is empty or not UTF-8, or the initial status is none.
            TooLargeError: A text or the data is over its limit.
            LimitError: The engine's quota of checks is used up.
        """
        if initial == Status.GONE:
            message = "initial cannot be GONE: a check has a status while it is registered"
            raise InvalidError(message)
        spec = self._spec(abi.KIND_CHECK, id, service, name, data)
        spec.initial = status(initial, "initial")
        if restored is not None:
            spec.restored = pointer(encode_restored(restored))
        return self._register(spec, id)

    def register_alias(
        self,
        id: str,
        target: Service | str | None,
        *,
        service: Service | None = None,
        name: str = "",
        data: bytes = b"",
    ) -> Check:
        """Register an alias: a check whose status the engine derives, never stale and written by nobody else.

        Args:
            id: 1 to 255 bytes of UTF-8, unique among the engine's checks.
            target: The service it mirrors, or that service's id, which need not be registered yet; None mirrors the
                node's own checks.
            service: The service it belongs to; None binds it to the node.
            name: What people call it.
            data: Opaque bytes of the embedder, at most 4 KiB.

        Raises:
            LoopError: It would depend on itself; the message writes the path out.
            ExistsError: The id is registered with another definition; the message names the field.
            GoneError: The service was deregistered.
            ForeignEngineError: The service, or the target, is another engine's.
            InvalidError: An id is empty or not UTF-8.
            TooLargeError: A text or the data is over its limit.
            LimitError: The engine's quota of checks is used up.
        """
        if isinstance(target, Service) and target.engine is not self:
            message = f"service {target.id!r} is another engine's: an alias mirrors what its own engine holds"
            raise ForeignEngineError(message)
        kind = abi.KIND_ALIAS_NODE if target is None else abi.KIND_ALIAS_SERVICE
        spec = self._spec(kind, id, service, name, data)
        if target is not None:
            spec.target = text(target.id if isinstance(target, Service) else target, "target")
        return self._register(spec, id)

    def _spec(self, kind: int, id: str, service: Service | None, name: str, data: bytes) -> abi.CheckSpec:
        expect(service, Service, "service")
        spec = abi.sized(abi.CheckSpec)
        spec.kind = kind
        spec.service = 0 if service is None else service.handle
        spec.id = text(id, "id")
        spec.name = text(name, "name")
        spec.data = encode_data(data)
        return spec

    def _register(self, spec: abi.CheckSpec, id: str) -> Check:
        check = abi.check()
        call(lib.lifesign_check_register, self._handle, byref(spec), byref(check))
        return Check(self, check.value, id)

    def service(self, id: str) -> Service:
        """Return a registered service; O(1).

        Raises:
            NotFoundError: There is none under this id.
        """
        return Service(self, self._find(lib.lifesign_service_find, id), id)

    def check(self, id: str) -> Check:
        """Return a registered check or alias; O(1).

        Raises:
            NotFoundError: There is none under this id.
        """
        return Check(self, self._find(lib.lifesign_check_find, id), id)

    def _find(self, function: Callable[..., Any], id: str) -> int:
        raw = utf8(id, "id")
        handle = c_uint64()
        call(function, self._handle, raw, len(raw), byref(handle))
        return handle.value

    def services(self) -> list[Service]:
        """Return the registered services; O(services), those deregistered meanwhile are left out."""
        return self._named(
            _view.read_list(lib.lifesign_engine_services, self._handle, abi.service, 64),
            lambda handle: Service(self, handle, _view.read(lib.lifesign_service_snapshot, handle).id),
        )

    def checks(self) -> list[Check]:
        """Return the registered checks, aliases included; O(checks), those deregistered meanwhile are left out."""
        return self._named(
            _view.read_list(lib.lifesign_engine_checks, self._handle, abi.check, 64),
            lambda handle: Check(self, handle, Check(self, handle, "").snapshot().id),
        )

    def _named(self, handles: Iterable[int], name: Callable[[int], _T]) -> list[_T]:
        found = []
        for handle in handles:
            try:
                found.append(name(handle))
            except (GoneError, NotFoundError):
                continue
        return found

    def node(self) -> ServiceSnapshot:
        """Return the node's own checks and aliases, bound to no service, as of one moment."""
        return _view.read(lib.lifesign_engine_node, self._handle)

    @property
    def node_status(self) -> Status:
        """The worst of the node's own checks, now; wait-free, without a call.

        Raises:
            ClosedError: The engine was closed.
        """
        return self._node.linked()

    def group(self, checks: Iterable[Check]) -> CheckGroup:
        """Return these checks and aliases as one, to be read by one call.

        Raises:
            ForeignEngineError: One is another engine's.
        """
        return CheckGroup(self, checks)

    def record(self, id: int) -> WriterRecord:
        """Return a writer record by the number that snapshots carry.

        Raises:
            NotFoundError: There is none under this number (any more).
        """
        value = abi.sized(abi.Record)
        call(lib.lifesign_engine_record, self._handle, unsigned(id, 32, "id"), byref(value))
        record = _decode.record(value)
        assert record is not None, "a record that was found has a number"
        return record

    def _known_record(self, id: int) -> WriterRecord | None:
        return self.record(id) if id else None

    def declare_writer(
        self,
        label: str,
        *,
        machine: str = "",
        pid: int = 0,
        name: str = "",
        version: str = "",
        build: str = "",
        executable: str = "",
        process: UUID | None = None,
        process_start: int = 0,
        boot: UUID | None = None,
        pid_namespace: int = 0,
    ) -> WriterRecord:
        """Make a record for a writer that is not this process: a remote peer that the embedder fronts.

        It is marked as declared wherever it is shown; what is not known stays empty. The same again gives the same
        record, for :meth:`Check.acquire`.

        Args:
            label: What it does, at most 127 bytes of UTF-8.
            machine: Name of its machine, at most 64 bytes.
            pid: Its process id.
            name: Its program, at most 63 bytes; with ``version`` and ``build``.
            version: The program's version.
            build: The program's build.
            executable: Path of the program, at most 255 bytes.
            process: Which process this is, whatever its id.
            process_start: When it was started, in clock ticks since boot.
            boot: Its machine's boot id.
            pid_namespace: In which the process id counts.

        Raises:
            InvalidError: A text is not valid UTF-8 or contains a NUL, or a number is out of range.
            TooLargeError: A text is over its limit.
            LimitError: The engine's quota of records is used up.
        """
        writer = abi.sized(abi.Record)
        texts = {"label": label, "machine": machine, "name": name, "version": version, "build": build}
        for field, value in {**texts, "executable": executable}.items():
            setattr(writer, field, fixed(value, abi.Record, field))
        writer.pid = unsigned(pid, 64, "pid")
        writer.process_start = unsigned(process_start, 64, "process_start")
        writer.pid_namespace = unsigned(pid_namespace, 64, "pid_namespace")
        if process is not None:
            writer.process_uuid[:] = process.bytes
        if boot is not None:
            writer.boot_id[:] = boot.bytes
        number = c_uint32()
        call(lib.lifesign_engine_declare_writer, self._handle, byref(writer), byref(number))
        return self.record(number.value)

    def write_batch(self, writes: Iterable[tuple[Token, Status, str]]) -> list[int | LifesignError]:
        """Write through several tokens in one call, in the order given; each commits by itself.

        Args:
            writes: Token, status and output of each, as in :meth:`Token.update`.

        Returns:
            For each the revision of the state that stands for it, which of a heartbeat is the one that it confirms; or
            the exception, not raised, that :meth:`Token.update` would have raised.

        Raises:
            ClosedError: The engine was closed.
            ForeignEngineError: A token is another engine's; nothing was written.
            TypeError: An argument is of a wrong type; nothing was written.
        """
        # Raises what befalls the engine as a whole.
        _ = self.id
        given = list(writes)
        batch, details = (abi.Write * len(given))(), (abi.Error * len(given))()
        for write, detail, (token, new, output) in zip(batch, details, given, strict=True):
            if token.check.engine is not self:
                message = f"check {token.check.id!r}: the token is another engine's; nothing of the batch was written"
                raise ForeignEngineError(message)
            raw = utf8(output, "output")
            write.struct_size, detail.struct_size = sizeof(abi.Write), sizeof(abi.Error)
            write.token, write.status = token.handle, status(new, "status")
            write.output, write.detail = abi.Str(raw, len(raw)), pointer(detail)
        failure = abi.sized(abi.Error)
        if (code := lib.lifesign_token_write_batch(batch, len(given), byref(failure))) == abi.INTERNAL:
            raise refusal(code, failure)
        return [
            write.revision if write.result == abi.OK else refusal(write.result, detail)
            for write, detail in zip(batch, details, strict=True)
        ]

    def export(self, path: str | bytes | PathLike[str] | PathLike[bytes]) -> int:
        """Write what every check shows that has ever reported or was restored into a JSON file; return how many.

        The file is put in the place of an earlier one when it is whole; on failure the earlier one stays. Waits for
        the disk; :func:`read_export` reads it.

        Raises:
            InvalidError: The path cannot be written; the message names it and the reason.
            TooLargeError: The path is over its limit.
            LimitError: The disk is full, or a quota.
        """
        raw = fsencode(path)
        count = c_size_t()
        call(lib.lifesign_engine_export, self._handle, raw, len(raw), byref(count))
        return count.value

    def stats(self) -> Stats:
        """Return the engine's counters."""
        value = abi.sized(abi.Stats)
        call(lib.lifesign_engine_stats, self._handle, byref(value))
        return _decode.stats(value)

    def audit(self) -> int:
        """Compare every summary with its checks; return how many were wrong and repaired. Any but 0 is a defect.

        To be called on a timer, once a minute for instance; O(checks).
        """
        repaired = c_uint64()
        call(lib.lifesign_engine_audit, self._handle, byref(repaired))
        return repaired.value

    def tick(self, *, wall_ns: int | None = None, boot_ns: int | None = None) -> None:
        """Let time pass: leases that have run out end. To be called about once a second.

        Args:
            wall_ns: Wall clock in nanoseconds since 1970, for a manual clock; None is the system's.
            boot_ns: Nanoseconds since boot, suspended time included, for a manual clock; None is the system's.

        Raises:
            InvalidError: ``boot_ns`` is more than 10.9 years.
        """
        wall = signed(time_ns() if wall_ns is None else wall_ns, "wall_ns")
        boot = unsigned(clock_gettime_ns(CLOCK_BOOTTIME) if boot_ns is None else boot_ns, 64, "boot_ns")
        call(lib.lifesign_engine_tick, self._handle, wall, boot)

    def subscribe(
        self,
        *,
        service: Service | None = None,
        check: Check | None = None,
        prefix: str | None = None,
        min_status: Status = Status.PASSING,
        summary: bool = False,
        transitions_only: bool = False,
        trouble: bool = False,
        since: Cursor | None = None,
    ) -> Subscription:
        """Subscribe to everything, or to one service, one check or the check ids with a prefix; or to trouble.

        The matching state comes first, then every change after it, with no gap; with a cursor only what may have
        changed since.

        Args:
            service: The checks of this service.
            check: This check.
            prefix: The checks whose ids start so.
            min_status: Only commits whose status before or after is at least this.
            summary: With ``service``: its summary too.
            transitions_only: Only commits that change the status, and the ends of checks; the others wake nobody.
            trouble: No states, but refusals, take-overs, lapses and rival claims, from now on. One offender at one
                check or claim makes an event a second at most, by the clock of :meth:`tick`.
            since: Where a subscription with the same filter stood (:attr:`Subscription.cursor`), to continue there.
                What the engine cannot tell any more is made up for by the whole state, after a resync or reset.

        Raises:
            InvalidError: More than one of ``service``, ``check``, ``prefix`` and ``trouble``, a summary without a
                service, or trouble since a cursor.
            FutureCursorError: This engine never gave out that cursor.
            GoneError: The service or check was deregistered.
            LimitError: The engine's quota of subscriptions is used up.
        """
        interest = filter_of(
            service,
            check,
            prefix,
            min_status,
            since,
            summary=summary,
            transitions_only=transitions_only,
            trouble=trouble,
        )
        subscription = abi.subscription()
        call(lib.lifesign_subscribe, self._handle, byref(interest), byref(subscription))
        about = named(service, check, prefix, trouble=trouble)
        return Subscription(self, subscription.value, about, since)

    def claim(self, directory: str | bytes | PathLike[str] | PathLike[bytes], name: str) -> Claim:
        """Make this engine the only holder of a name in a directory.

        Whoever else claims it, in whatever process, is refused, until the claim is released, the engine closed or the
        process ended. On a file system that cannot exclude, NFS and FUSE for two, and in a directory with a file
        ``.lifesign-advisory``, the claim is advisory: it succeeds, and rivals are found by their heartbeats within two
        ticks. Call :meth:`tick` about once a second: it looks after the claim.

        Args:
            directory: Where the claim is made; it must be there.
            name: 1 to 200 bytes of UTF-8, without ``/`` and not starting with a dot.

        Raises:
            HeldError: Somebody else holds it; see ``holder``.
            InvalidError: A bad name, or a directory that is missing or may not be written.
            TooLargeError: The name or the path is too long.
            LimitError: The disk is full, or the process holds 256 claims.
            BusyError: Another claimant stands still in the middle of its claim.
        """
        path, raw = fsencode(directory), utf8(name, "name")
        claim = abi.claim()
        call(lib.lifesign_claim_open, self._handle, path, len(path), raw, len(raw), byref(claim))
        return Claim(self, claim.value, name)

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closer.closed

    def close(self) -> None:
        """Close the engine: every wait ends and every later call raises ClosedError. Closing again does nothing."""
        self._closer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{'closed ' if self.closed else ''}Engine {self._name}>"
