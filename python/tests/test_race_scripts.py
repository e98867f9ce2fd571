"""Two writers of one check whose lives overlap, in forced orders.

O is the old writer and N the new one, each in a thread of its own; U, in the test's thread, updates the target that
both mirror into the check. The steps are ordered by events, so that each order is the only one that can occur.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event as Step

import pytest

from lifesign import Check, Engine, FencedError, HeldError, Status, Subscription, Token

LIMIT = 30
"""Seconds after which a step that does not come is a failure."""


def reached(step: Step) -> None:
    assert step.wait(LIMIT), "the step before never came"


@pytest.fixture
def target(engine: Engine) -> Iterator[Token]:
    with engine.register_check("target").acquire("U") as token:
        yield token


@pytest.fixture
def mirror(engine: Engine) -> Check:
    return engine.register_check("mirror")


def take(subscription: Subscription) -> list[Status]:
    """Everything that is pending, oldest first."""
    statuses: list[Status] = []
    while True:
        batch = subscription.poll()
        statuses += [event.status for event in batch.events]
        if not batch.more:
            return statuses


def refused_by(write: "Future[FencedError]", new: Token) -> None:
    error = write.result(LIMIT)
    assert error.holder == new.record
    assert error.generation == new.generation
    assert error.caller is not None
    assert error.caller.label == "O"
    assert "N" in str(error)


@pytest.mark.parametrize("goes_on", [False, True], ids=["N wrote once more", "N goes on writing"])
def test_overlapping_lifetimes(
    engine: Engine, target: Token, mirror: Check, threads: ThreadPoolExecutor, goes_on: bool
) -> None:
    """Overlapping lifetimes: O wakes with ``critical`` in hand and is paused across N's take-over and commit."""
    in_hand, subscribed, resume = Step(), Step(), Step()
    target.update(Status.CRITICAL, "down")
    old = mirror.acquire("O")

    def old_runner() -> FencedError:
        with engine.subscribe(check=target.check) as changes:
            seen = take(changes)[-1]
            assert seen is Status.CRITICAL
            in_hand.set()
            reached(resume)
            with pytest.raises(FencedError) as refused:
                old.update(seen, "down")
            return refused.value

    def new_runner() -> Token:
        reached(in_hand)
        new = mirror.take_over(mirror.who().generation, "N")
        with engine.subscribe(check=target.check) as changes:
            new.update(take(changes)[-1], "first look")
            subscribed.set()
            assert changes.wait(LIMIT)
            new.update(take(changes)[-1], "up")
        if goes_on:
            new.update(Status.PASSING, "up, again")
        return new

    write = threads.submit(old_runner)
    before = engine.stats()
    successor = threads.submit(new_runner)
    reached(subscribed)
    target.update(Status.PASSING, "up")
    new = successor.result(LIMIT)
    version = mirror.snapshot().version
    resume.set()
    refused_by(write, new)

    after = mirror.snapshot()
    assert (mirror.status, target.check.status) == (Status.PASSING, Status.PASSING)
    assert (after.status, after.version, after.writer) == (Status.PASSING, version, new.record.id)
    stats = engine.stats()
    assert stats.refused_fenced - before.refused_fenced == 1
    old.close()
    assert mirror.who().holder == new.record
    new.close()


def test_late_unsubscribe_and_late_deregister(
    engine: Engine, target: Token, mirror: Check, threads: ThreadPoolExecutor
) -> None:
    """Late unsubscribe: O's deferred clean-up comes after N's start; U commits; N wakes and its check stands."""
    stopping, clean_up, cleaned, woken = Step(), Step(), Step(), Step()
    target.update(Status.CRITICAL, "down")
    old = mirror.acquire("O")

    def old_runner() -> FencedError:
        changes = engine.subscribe(check=target.check)
        take(changes)
        stopping.set()
        reached(clean_up)
        changes.close()
        with pytest.raises(FencedError) as refused:
            old.deregister_check()
        old.close()
        cleaned.set()
        return refused.value

    def new_runner() -> Token:
        reached(stopping)
        new = mirror.take_over(mirror.who().generation, "N")
        with engine.subscribe(check=target.check) as changes:
            new.update(take(changes)[-1], "first look")
            clean_up.set()
            reached(cleaned)
            woken.set()
            assert changes.wait(LIMIT)
            new.update(take(changes)[-1], "woken")
        return new

    write = threads.submit(old_runner)
    successor = threads.submit(new_runner)
    reached(woken)
    target.update(Status.PASSING, "up")
    new = successor.result(LIMIT)
    refused_by(write, new)

    state = mirror.snapshot()
    assert (state.status, state.output, state.gone) == (Status.PASSING, "woken", False)
    assert engine.check("mirror") == mirror
    assert mirror.who().holder == new.record
    assert engine.stats().refused_fenced == 1
    assert engine.stats().subscriptions == 0
    new.close()


def test_the_old_writers_close_does_not_release_its_successors_check(mirror: Check) -> None:
    """Late unsubscribe with the close alone deferred."""
    old = mirror.acquire("O")
    with mirror.take_over(old.generation, "N") as new:
        old.close()
        new.update(Status.PASSING)
        assert mirror.who().holder == new.record


def test_a_write_before_the_take_over_stands(mirror: Check, threads: ThreadPoolExecutor) -> None:
    """Overlapping lifetimes in the other order: O's write is first, so it is committed, and N sees it."""
    written = Step()

    def old_runner(old: Token) -> None:
        old.update(Status.CRITICAL, "in time")
        written.set()

    with mirror.acquire("O") as old:
        threads.submit(old_runner, old)
        reached(written)
        with mirror.take_over(old.generation, "N") as new:
            assert mirror.snapshot().output == "in time"
            new.update(Status.PASSING)
    assert mirror.status is Status.PASSING


def test_many_rivals_one_winner(mirror: Check, threads: ThreadPoolExecutor) -> None:
    """All saw the same holder; exactly one take-over succeeds, and only its writes count."""
    with mirror.acquire("O") as old:
        seen = old.generation
        start = Step()

        def rival(number: int) -> Token | None:
            reached(start)
            try:
                return mirror.take_over(seen, f"N{number}")
            except HeldError:
                return None

        attempts = [threads.submit(rival, number) for number in range(4)]
        start.set()
        winners = [token for attempt in attempts if (token := attempt.result(LIMIT))]
        assert len(winners) == 1
        with winners[0] as new:
            new.update(Status.PASSING)
            with pytest.raises(FencedError):
                old.update(Status.CRITICAL)
    assert mirror.status is Status.PASSING


def test_a_late_runner_is_refused_when_it_subscribes(engine: Engine) -> None:
    """Late register: O is first scheduled after N's take-over; its subscribe is refused, and N wakes."""
    own = engine.register_check("own")
    watched = engine.register_check("watched")
    with own.acquire("O") as o, own.take_over(o.generation, "N") as n, n.subscribe(check=watched) as changes:
        assert [event.id for event in changes.poll().events] == ["watched"]
        with pytest.raises(FencedError) as refused:
            o.subscribe(check=watched)
        assert refused.value.holder is not None
        assert refused.value.holder.label == "N"
        with watched.acquire("U") as u:
            u.update(Status.WARNING, "slow")
        assert changes.wait(60)
        assert [event.status for event in changes.poll().events] == [Status.WARNING]
