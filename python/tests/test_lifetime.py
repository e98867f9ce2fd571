"""Close, forgotten close, garbage collection and close during calls."""

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from conftest import Timed, World
from lifesign import Check, ClosedError, Engine, GoneError, HeldError, LifesignError, RevokedError, Status, Token

LIMIT = 30


@pytest.fixture
def _eager_collection() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    yield
    gc.set_threshold(*before)


@contextmanager
def forgotten(warning: str) -> Iterator[pytest.WarningsRecorder]:
    """Expect that what the block forgets is collected with a warning."""
    with pytest.warns(ResourceWarning, match=warning) as warnings:
        yield warnings
        gc.collect()


def test_leaving_the_block_closes(engine: Engine) -> None:
    check = engine.register_check("a")
    with check.acquire() as token, engine.subscribe() as subscription:
        assert not token.closed
        assert not subscription.closed
    assert token.closed
    assert subscription.closed
    assert (engine.stats().tokens, engine.stats().subscriptions) == (0, 0)
    with check.acquire():
        pass


def test_leaving_the_block_by_an_error_closes(engine: Engine) -> None:
    check = engine.register_check("a")
    with pytest.raises(ZeroDivisionError), check.acquire():
        _ = 1 / 0
    assert check.who().holder is None


def test_tokens_that_write_nothing_any_more_are_counted(timed: Timed) -> None:
    engine = timed.engine

    def leaked() -> int:
        return engine.stats().leaked_handles

    check = engine.register_check("a")
    old = check.acquire("old")
    with check.take_over(old.generation, "new"):
        assert leaked() == 1, "it was fenced, and is open"
        old.close()
        assert leaked() == 0
    late = check.acquire("late", lease=1)
    timed.let_pass(2)
    assert leaked() == 1, "its lease is over"
    late.close()
    assert leaked() == 0
    last = check.acquire("last")
    last.deregister_check()
    assert leaked() == 1, "its check is gone"
    last.close()
    assert leaked() == 0
    with engine.register_check("b").acquire(), Engine() as another:
        forgotten = another.register_check("a").acquire()
        forgotten.deregister_check()
        assert (leaked(), another.stats().leaked_handles) == (0, 1), "each engine counts its own"
        forgotten.close()


def test_a_forgotten_token_is_released_with_a_warning(engine: Engine) -> None:
    check = engine.register_check("a")
    token = check.acquire()
    token.update(Status.PASSING)
    with forgotten("unclosed token of check 'a'") as warnings:
        del token
    assert {warning.filename for warning in warnings} == {__file__}, "it points at who let go"
    assert engine.stats().tokens == 0
    with check.acquire():
        assert check.status is Status.PASSING


def test_a_forgotten_subscription_and_engine_are_closed_with_a_warning() -> None:
    engine = Engine()
    subscription = engine.subscribe()
    descriptor = subscription.fileno()
    with forgotten("unclosed subscription"):
        del subscription
    with pytest.raises(OSError, match="Bad file descriptor"):
        open(descriptor, closefd=False).close()
    seen = weakref.ref(engine)
    with forgotten("unclosed engine"):
        del engine
    assert seen() is None


def test_a_handle_keeps_its_engine(engine: Engine) -> None:
    def check_of_a_forgotten_engine() -> Check:
        return Engine().register_check("a")

    check = check_of_a_forgotten_engine()
    gc.collect()
    assert check.status is Status.CRITICAL
    check.engine.close()
    assert engine.checks() == []


@pytest.mark.usefixtures("_eager_collection")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_collection_during_calls(threads: ThreadPoolExecutor) -> None:
    """Temporaries that die right after, or cyclic garbage that dies during, a call in several threads."""
    with Engine() as engine:
        checks = [engine.register_check(f"{number}") for number in range(4)]

        def work(number: int) -> None:
            for turn in range(100):
                token = checks[number].acquire(f"runner {turn}")
                token.update(Status.PASSING, str(turn))
                cycle: list[object] = [token]
                cycle.append(cycle)
                del token, cycle
                while engine.check(f"{number}").who().holder is not None:
                    gc.collect()
                assert checks[number].snapshot().output == str(turn)
                engine.register_alias(f"alias {number} {turn}", "x").deregister()
                engine.subscribe(check=checks[number]).poll()

        for future in [threads.submit(work, number) for number in range(4)]:
            future.result(LIMIT * 3)
        gc.collect()
        assert engine.stats().tokens == 0
        assert engine.stats().subscriptions == 0


def until_refused(call: Callable[[int], object], began: threading.Semaphore) -> LifesignError:
    """Repeat a call until it is refused; say once that it got through."""
    for number in range(10**9):
        try:
            call(number)
        except LifesignError as error:
            return error
        if number == 0:
            began.release()
    raise AssertionError("never refused")


def calls_of_every_kind(engine: Engine) -> list[Callable[[int], object]]:
    """Calls that may be repeated for ever, each with what it needs of its own."""
    service = engine.register_service("web")
    check = engine.register_check("web:http", service=service)
    engine.register_alias("sidecar", "web")
    contested = engine.register_check("contested")
    token = check.acquire("writer")
    polled, waited = engine.subscribe(), engine.subscribe()

    def acquire(_: int) -> None:
        with contested.acquire():
            pass

    return [
        lambda number: token.update(Status(1 + number % 3), str(number)),
        lambda _: check.status,
        lambda _: check.snapshot(),
        lambda _: service.snapshot(),
        lambda _: polled.poll(),
        lambda _: waited.wait(),
        lambda number: engine.register_check(f"{number % 1000}"),
        lambda _: engine.subscribe(prefix="none").close(),
        acquire,
    ]


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_engine_close_during_calls(threads: ThreadPoolExecutor) -> None:
    for _ in range(10):
        engine = Engine()
        began = threading.Semaphore(0)
        running = [threads.submit(until_refused, call, began) for call in calls_of_every_kind(engine)]
        for _ in running:
            assert began.acquire(timeout=LIMIT)
        engine.close()
        for refused in running:
            assert type(refused.result(LIMIT)) is ClosedError


@pytest.mark.parametrize("how", ["token closed", "check deregistered"])
def test_a_token_ends_during_calls(engine: Engine, threads: ThreadPoolExecutor, how: str) -> None:
    for turn in range(25):
        check = engine.register_check(f"{turn}")
        token = check.acquire()

        def write(number: int, token: Token = token) -> None:
            token.update(Status.PASSING, str(number))

        began = threading.Semaphore(0)
        writers = [threads.submit(until_refused, write, began) for _ in range(2)]
        for _ in writers:
            assert began.acquire(timeout=LIMIT)
        if how == "token closed":
            token.close()
        else:
            check.force_deregister("operator")
        for writer in writers:
            # The very call that the close overtakes is told that its own side closed the token.
            kinds = (ClosedError, RevokedError) if how == "token closed" else (GoneError,)
            assert isinstance(writer.result(LIMIT), kinds)
        token.close()


def test_subscription_close_during_calls(world: World, threads: ThreadPoolExecutor) -> None:
    for _ in range(50):
        subscription = world.engine.subscribe(check=world.check)
        subscription.poll()
        waiting = threads.submit(subscription.wait)
        time.sleep(0)
        subscription.close()
        with pytest.raises(ClosedError):
            waiting.result(LIMIT)


def test_of_many_closers_one_closes(engine: Engine, threads: ThreadPoolExecutor) -> None:
    check = engine.register_check("a")
    for _ in range(200):
        token = check.acquire()
        together = threading.Barrier(4)

        def close(token: Token = token, together: threading.Barrier = together) -> None:
            together.wait(LIMIT)
            token.close()

        for closed in [threads.submit(close) for _ in range(4)]:
            closed.result(LIMIT)
        assert check.who().holder is None


def test_a_closed_token_does_not_disturb_the_next(engine: Engine) -> None:
    check = engine.register_check("a")
    first = check.acquire("first")
    first.close()
    with check.acquire("second") as second:
        first.close()
        with pytest.raises(ClosedError):
            first.update(Status.PASSING)
        with pytest.raises(HeldError):
            check.acquire("third")
        assert check.who().holder == second.record
