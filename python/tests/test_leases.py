"""Leases: a writer that does not report in time loses the token, and only by that."""

from datetime import timedelta
from typing import Any

import pytest

import lifesign
from conftest import Timed
from lifesign import Engine, EventKind, Status


def test_a_lease_runs_out_and_the_check_says_so(timed: Timed) -> None:
    check = timed.engine.register_check("job")
    with check.acquire("runner", lease=10.0, on_lapse=Status.CRITICAL) as token:
        token.update(Status.PASSING, "done")
        before = check.snapshot()
        timed.let_pass(10)
        assert check.snapshot() == before
        timed.let_pass(0.01)
        state = check.snapshot()
        assert (state.status, state.orphaned, state.holder) == (Status.CRITICAL, True, 0)
        assert state.generation == token.generation
        assert state.version == before.version + 1
        assert "runner" in state.output
        assert "10s" in state.output
        for late in (token.renew, lambda: token.update(Status.PASSING, "late")):
            with pytest.raises(lifesign.ExpiredError) as refused:
                late()
            assert refused.value.caller == token.record
            assert refused.value.holder is None
            assert "job" in str(refused.value)
    assert check.status is Status.CRITICAL
    assert timed.engine.stats().lapses == 1
    assert timed.engine.stats().refused_expired == 2
    assert timed.engine.stats().clock_jumps == 0


def test_reports_heartbeats_and_renewals_keep_it(timed: Timed) -> None:
    check = timed.engine.register_check("job")
    with check.acquire(lease=timedelta(seconds=4)) as token:
        for _ in range(5):
            token.update(Status.PASSING, "the same")
            timed.let_pass(3)
            token.renew()
            timed.let_pass(3)
        assert check.who().silent_for == timedelta(seconds=3)
        assert not check.snapshot().orphaned
        timed.let_pass(2)
        assert check.snapshot().orphaned


def test_a_token_without_a_lease_is_kept_and_may_renew(timed: Timed) -> None:
    check = timed.engine.register_check("job")
    with check.acquire() as token:
        timed.let_pass(100)
        token.renew()
        assert check.who().silent_for == timedelta()
        token.update(Status.PASSING)
        assert check.who().lease is None


def test_the_next_writer_takes_it_up_and_the_late_one_is_fenced(timed: Timed) -> None:
    check = timed.engine.register_check("job")
    with check.acquire("first", lease=1) as first:
        timed.let_pass(2)
        with check.acquire("second", lease=1) as second:
            assert second.generation == first.generation + 1
            assert not check.snapshot().orphaned
            with pytest.raises(lifesign.FencedError) as refused:
                first.renew()
            assert refused.value.holder == second.record
            first.close()
            second.update(Status.PASSING, "stands")
    assert check.snapshot().output == "stands"


@pytest.mark.parametrize(
    ("on_lapse", "before", "after"),
    [
        (None, Status.PASSING, Status.PASSING),
        (Status.WARNING, Status.PASSING, Status.WARNING),
        (Status.WARNING, Status.CRITICAL, Status.CRITICAL),
        (Status.CRITICAL, Status.WARNING, Status.CRITICAL),
    ],
)
def test_what_becomes_of_the_status(timed: Timed, on_lapse: Status | None, before: Status, after: Status) -> None:
    check = timed.engine.register_check("job")
    with check.acquire("runner", lease=1, on_lapse=on_lapse) as token:
        token.update(before, "as reported")
        timed.let_pass(2)
    state = check.snapshot()
    assert (state.status, state.orphaned) == (after, True)
    assert (state.output == "as reported") == (on_lapse is None)


def test_a_lapse_is_an_event_and_aliases_show_it(timed: Timed) -> None:
    engine = timed.engine
    service = engine.register_service("web")
    check = engine.register_check("web:http", service=service)
    alias = engine.register_alias("sidecar", service)
    with check.acquire("runner", lease=1, on_lapse=Status.CRITICAL) as token, engine.subscribe(check=check) as changes:
        token.update(Status.PASSING)
        changes.poll()
        timed.let_pass(2)
        (event,) = changes.poll().events
        assert (event.kind, event.status, event.state.orphaned) == (EventKind.STATE, Status.CRITICAL, True)
        assert alias.status is Status.CRITICAL
        assert "runner" in alias.snapshot().output


def test_a_jump_of_the_clock_gives_each_lease_a_whole_one_once(timed: Timed) -> None:
    check = timed.engine.register_check("job")
    with check.acquire(lease=10) as token:
        timed.leap(3600)
        assert not check.snapshot().orphaned
        assert timed.engine.stats().clock_jumps == 1
        timed.let_pass(9)
        assert not check.snapshot().orphaned
        timed.leap(3600)
        assert check.snapshot().orphaned
        with pytest.raises(lifesign.ExpiredError):
            token.renew()


def test_a_lease_is_rounded_up_to_10_ms(engine: Engine) -> None:
    for lease, rounded in (
        (0.07, 70),
        (0.011, 20),
        (1e-6, 10),
        (timedelta(microseconds=30_001), 40),
        (86400, 86400000),
    ):
        with engine.register_check("job").acquire(lease=lease) as token:
            assert token.check.who().lease == timedelta(milliseconds=rounded)


@pytest.mark.parametrize(
    "lease", [0, -1, 0.0, float("nan"), float("inf"), 1e300, 498 * 86400.0, timedelta(), timedelta(-1), timedelta.max]
)
def test_a_lease_that_cannot_be(engine: Engine, lease: float | timedelta) -> None:
    check = engine.register_check("job")
    with pytest.raises(lifesign.InvalidError, match="lease"):
        check.acquire(lease=lease)
    with pytest.raises(lifesign.InvalidError, match="lease"):
        check.take_over(1, lease=lease)
    assert check.who().holder is None


def test_what_is_no_way_to_lapse(engine: Engine) -> None:
    check: Any = engine.register_check("job")
    for on_lapse in (Status.GONE, Status.PASSING, 4, -1, 2**32 + 2):
        with pytest.raises(lifesign.InvalidError, match="on_lapse"):
            check.acquire(lease=1, on_lapse=on_lapse)
    with pytest.raises(lifesign.InvalidError, match="on_lapse"):
        check.acquire(on_lapse=Status.CRITICAL)
    for wrong in ({"lease": "10"}, {"lease": 1, "on_lapse": "critical"}, {"declared": 7}):
        with pytest.raises(TypeError):
            check.acquire(**wrong)
    assert check.who().holder is None
