"""What is measured: the same checks in an engine and in the plain version, and writers of both."""

from collections.abc import Callable
from functools import partial

from lifesign import Engine, Status
from plain import Plain

UP, DOWN = "HTTP GET http://10.0.0.1:8080/ul: 200 OK", "HTTP GET http://10.0.0.1:8080/u: refused"
"""40 bytes each, as the budgets have it."""

MANY = 1000


class Flipper:
    """A writer whose every report changes status and text, after one that says what the check starts with."""

    def __init__(self, update: Callable[[Status, str], None]) -> None:
        update(Status.PASSING, UP)
        self._update = update
        self._critical = False
        self.flips = 0

    def flip(self) -> None:
        """Report once."""
        self._critical = not self._critical
        self.flips += 1
        if self._critical:
            self._update(Status.CRITICAL, DOWN)
        else:
            self._update(Status.PASSING, UP)

    @property
    def shows(self) -> tuple[Status, str]:
        """What was reported last."""
        return (Status.CRITICAL, DOWN) if self._critical else (Status.PASSING, UP)


class World:
    """An engine with a service, a check that is written, one that is not, an alias, and many more; and the same, plain."""

    def __init__(self) -> None:
        self.engine = Engine(name="bench")
        web = self.engine.register_service("web")
        self.flipped = self.engine.register_check("web:flipped", service=web, initial=Status.PASSING)
        self.quiet = self.engine.register_check("web:quiet", service=web, initial=Status.PASSING)
        self.alias = self.engine.register_alias("sidecar", "web")
        self.writing = self.flipped.acquire("the bench")
        self.flipper = Flipper(self.writing.update)
        self.beating = self.quiet.acquire("the bench")
        self.beating.update(Status.PASSING, UP)
        self.plain = Plain()
        for check in ("web:flipped", "web:quiet"):
            self.plain.register(check, Status.PASSING)
        self.plain_flipper = Flipper(partial(self.plain.update, "web:flipped"))
        self.plain.update("web:quiet", Status.PASSING, UP)
        wanted = [(Status.PASSING, Status.WARNING, Status.CRITICAL)[number % 3] for number in range(MANY)]
        self.names = [f"many:{number}" for number in range(MANY)]
        many = self.engine.register_service("many")
        checks = []
        for name, status in zip(self.names, wanted, strict=True):
            checks.append(self.engine.register_check(name, service=many, initial=status))
            self.plain.register(name, status)
        self.many = self.engine.group(checks)
        self.changing = self.engine.group([self.flipped, *checks[1:]])
        assert self.many.statuses() == self.plain.statuses(self.names) == wanted

    def assert_right(self) -> None:
        """Compare what both show with what was written: speed is worth nothing else."""
        for flipper, snapshot in (
            (self.flipper, self.flipped.snapshot()),
            (self.plain_flipper, self.plain.snapshot("web:flipped")),
        ):
            assert (snapshot.status, snapshot.output) == flipper.shows
            assert snapshot.transitions == flipper.flips
        assert self.flipped.status is self.alias.status is self.changing.statuses()[0] is self.flipper.shows[0]
        assert self.plain.status("web:flipped") is self.plain_flipper.shows[0]
        assert self.quiet.snapshot().output == self.plain.snapshot("web:quiet").output == UP
        assert self.quiet.snapshot().transitions == self.plain.snapshot("web:quiet").transitions == 0
