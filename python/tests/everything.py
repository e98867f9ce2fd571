"""Every public method of every handle as a call that may be repeated, by any thread, for ever.

The tests that use it fail when the package has a method that is not here.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lifesign import Check, Claim, Engine, GoneError, Restored, Service, Status, StillRunningError, Subscription, Token

NOT_ASKED = {
    # What the object knows by itself, and what its end is told by.
    *(f"{kind}.{name}" for kind in ("Check", "Service", "Subscription", "Claim") for name in ("engine", "handle")),
    *(f"{kind}.{name}" for kind in ("Engine", "Token") for name in ("handle", "closed", "__enter__")),
    *(f"{kind}.{name}" for kind in ("Check", "Service") for name in ("id", "__eq__", "__hash__", "__repr__")),
    *(f"{kind}.__repr__" for kind in ("Engine", "Token", "Subscription", "Claim", "CheckGroup")),
    *("CheckGroup.checks", "CheckGroup.__len__", "Check.word", "Token.check", "Claim.name", "Claim.released"),
    *("Subscription.closed", "Subscription.cursor", "Subscription.__enter__", "Claim.__enter__", "Engine.group"),
    "Subscription.ready",
}
"""Calls that do not fail when the engine is closed or out of reach."""

CLOSING = {"Engine.close", "Engine.__exit__"}
"""Calls that end everything."""


class Everything:
    """An engine with something of every kind in it, and every call on it by its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = Engine("everything")
        self.web: Service = self.engine.register_service("web")
        self.check: Check = self.engine.register_check("web:http", service=self.web)
        self.engine.register_alias("sidecar", "web")
        self.contested: Check = self.engine.register_check("contested")
        self.spare: Check = self.engine.register_check("spare")
        self.forced: Check = self.engine.register_check("forced")
        self.passing: Service = self.engine.register_service("passing")
        self.old: Token = self.check.acquire("old")
        self.token: Token = self.check.take_over(self.old.generation, "writer")
        self.leaver: Token = self.engine.register_check("leaver").acquire("leaver")
        self.subscription: Subscription = self.engine.subscribe()
        self.claim: Claim = self.engine.claim(folder, "node")
        self.group = self.engine.group([self.check, self.contested])
        self.calls: dict[str, Callable[[], object]] = {
            **self._engine(),
            **self._definitions(),
            **self._checks(),
            **self._tokens(),
            **self._subscriptions(),
        }

    def close(self) -> None:
        """Close what a test has left open."""
        for owned in (self.old, self.token, self.leaver, self.subscription):
            owned.close()
        self.claim.release()
        self.engine.close()

    def _engine(self) -> dict[str, Callable[[], object]]:
        engine = self.engine
        return {
            "Engine.__enter__": engine.__enter__,
            "Engine.__exit__": lambda: engine.__exit__(None, None, None),
            "Engine.__repr__": lambda: repr(engine),
            "Engine.audit": engine.audit,
            "Engine.check": lambda: engine.check("web:http"),
            "Engine.checks": engine.checks,
            "Engine.claim": lambda: engine.claim(self.folder, "other").release(),
            "Engine.close": engine.close,
            "Engine.closed": lambda: engine.closed,
            "Engine.declare_writer": lambda: engine.declare_writer("peer", machine="elsewhere"),
            "Engine.export": lambda: engine.export(self.folder / "state.json"),
            "Engine.group": lambda: engine.group([self.check]),
            "Engine.handle": lambda: engine.handle,
            "Engine.id": lambda: engine.id,
            "Engine.node": engine.node,
            "Engine.node_status": lambda: engine.node_status,
            "Engine.record": lambda: engine.record(1),
            "Engine.register_alias": lambda: engine.register_alias("sidecar", "web"),
            "Engine.register_check": lambda: engine.register_check("new", restored=Restored(Status.WARNING, "was", 1)),
            "Engine.register_service": lambda: engine.register_service("new"),
            "Engine.service": lambda: engine.service("web"),
            "Engine.services": engine.services,
            "Engine.stats": engine.stats,
            "Engine.subscribe": lambda: engine.subscribe(prefix="web").close(),
            "Engine.tick": engine.tick,
            "Engine.write_batch": lambda: engine.write_batch([(self.token, Status.PASSING, "")]),
        }

    def _definitions(self) -> dict[str, Callable[[], object]]:
        web, group = self.web, self.group

        def deregister() -> None:
            try:
                self.passing.deregister()
            except GoneError:
                self.passing = self.engine.register_service("passing")

        return {
            "CheckGroup.__len__": lambda: len(group),
            "CheckGroup.__repr__": lambda: repr(group),
            "CheckGroup.checks": lambda: group.checks,
            "CheckGroup.snapshots": group.snapshots,
            "CheckGroup.statuses": group.statuses,
            "Service.__eq__": lambda: web == self.passing,
            "Service.__hash__": lambda: hash(web),
            "Service.__repr__": lambda: repr(web),
            "Service.deregister": deregister,
            "Service.engine": lambda: web.engine,
            "Service.handle": lambda: web.handle,
            "Service.id": lambda: web.id,
            "Service.redefine": lambda: web.redefine(data=b"again"),
            "Service.snapshot": web.snapshot,
            "Service.status": lambda: web.status,
        }

    def _checks(self) -> dict[str, Callable[[], object]]:
        check, contested = self.check, self.contested

        def deregister() -> None:
            try:
                self.spare.deregister()
            except GoneError:
                self.spare = self.engine.register_check("spare")

        def force() -> None:
            try:
                self.forced.force_deregister("operator")
            except GoneError:
                self.forced = self.engine.register_check("forced")

        return {
            "Check.__eq__": lambda: check == contested,
            "Check.__hash__": lambda: hash(check),
            "Check.__repr__": lambda: repr(check),
            "Check.acquire": lambda: contested.acquire("one", lease=60.0).close(),
            "Check.deregister": deregister,
            "Check.engine": lambda: check.engine,
            "Check.force_deregister": force,
            "Check.handle": lambda: check.handle,
            "Check.history": check.history,
            "Check.id": lambda: check.id,
            "Check.redefine": lambda: check.redefine(name="again"),
            "Check.snapshot": check.snapshot,
            "Check.status": lambda: check.status,
            "Check.take_over": lambda: contested.take_over(contested.who().generation, "two").close(),
            "Check.who": check.who,
            "Check.word": lambda: check.word[0],
            "Check.writers": check.writers,
        }

    def _tokens(self) -> dict[str, Callable[[], object]]:
        token, old, claim = self.token, self.old, self.claim

        def join() -> None:
            with suppress(StillRunningError):
                token.join(old, 0)

        def leave() -> None:
            try:
                self.leaver.deregister_check()
            except GoneError:
                self.leaver.close()
                self.leaver = self.engine.register_check("leaver").acquire("leaver")

        def close() -> None:
            contested = self.contested.acquire()
            contested.close()

        def leave_block() -> None:
            with self.contested.acquire():
                pass

        def release() -> None:
            self.engine.claim(self.folder, "released").release()

        def leave_claim() -> None:
            with self.engine.claim(self.folder, "left"):
                pass

        return {
            "Token.__enter__": token.__enter__,
            "Token.__exit__": leave_block,
            "Token.__repr__": lambda: repr(token),
            "Token.check": lambda: token.check,
            "Token.close": close,
            "Token.closed": lambda: token.closed,
            "Token.deregister_check": leave,
            "Token.generation": lambda: token.generation,
            "Token.handle": lambda: token.handle,
            "Token.join": join,
            "Token.record": lambda: token.record,
            "Token.renew": token.renew,
            "Token.subscribe": lambda: token.subscribe(check=self.check).close(),
            "Token.update": lambda: token.update(Status.WARNING, "as ever"),
            "Claim.__enter__": claim.__enter__,
            "Claim.__exit__": leave_claim,
            "Claim.__repr__": lambda: repr(claim),
            "Claim.engine": lambda: claim.engine,
            "Claim.handle": lambda: claim.handle,
            "Claim.name": lambda: claim.name,
            "Claim.release": release,
            "Claim.released": lambda: claim.released,
            "Claim.rivals": claim.rivals,
            "Claim.state": lambda: claim.state,
        }

    def _subscriptions(self) -> dict[str, Callable[[], object]]:
        subscription, engine = self.subscription, self.engine

        def close() -> None:
            opened = engine.subscribe()
            opened.close()

        def leave_block() -> None:
            with engine.subscribe():
                pass

        def iterate() -> None:
            with engine.subscribe(check=self.check) as changes:
                next(iter(changes), None)

        def iterate_in_a_loop() -> None:
            async def first() -> None:
                with engine.subscribe(check=self.check) as changes:
                    async for _ in changes:
                        break

            asyncio.run(first())

        def ready() -> None:
            async def soon() -> None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(subscription.ready(), 0.001)

            asyncio.run(soon())

        return {
            "Subscription.__aiter__": iterate_in_a_loop,
            "Subscription.__enter__": subscription.__enter__,
            "Subscription.__exit__": leave_block,
            "Subscription.__iter__": iterate,
            "Subscription.__repr__": lambda: repr(subscription),
            "Subscription.close": close,
            "Subscription.closed": lambda: subscription.closed,
            "Subscription.cursor": lambda: subscription.cursor,
            "Subscription.engine": lambda: subscription.engine,
            "Subscription.fileno": subscription.fileno,
            "Subscription.handle": lambda: subscription.handle,
            "Subscription.poll": lambda: subscription.poll(3),
            "Subscription.ready": ready,
            "Subscription.wait": lambda: subscription.wait(0.001),
        }
