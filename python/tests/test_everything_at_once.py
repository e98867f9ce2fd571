"""Every public method from several threads at once, while the collector runs at every chance or all is closed."""

import gc
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

import lifesign
import surface
from everything import CLOSING, NOT_ASKED, Everything

LIMIT = 60
THREADS = 4

EXPECTED = (
    lifesign.BusyError,
    lifesign.ClosedError,
    lifesign.FencedError,
    lifesign.GoneError,
    lifesign.HeldError,
    lifesign.RevokedError,
)
"""What one thread may be told because of another."""


@pytest.fixture
def all_of_it(tmp_path: Path) -> Iterator[Everything]:
    everything = Everything(tmp_path)
    yield everything
    everything.close()


def told(call: Callable[[], object]) -> type[Exception] | None:
    """Make a call; return what it was refused with."""
    try:
        call()
    except EXPECTED as refused:
        return type(refused)
    return None


def test_no_method_is_forgotten(all_of_it: Everything) -> None:
    expected = {f"{kind.__name__}.{name}" for kind in surface.HANDLES for name in surface.calls(kind)}
    assert set(all_of_it.calls) == expected
    assert expected >= NOT_ASKED | CLOSING


def test_each_call_works_by_itself(all_of_it: Everything) -> None:
    for name in sorted(all_of_it.calls.keys() - CLOSING):
        # The second time takes those whose object the first has used up.
        assert (told(all_of_it.calls[name]), told(all_of_it.calls[name])) == (None, None), name


def test_after_the_close_each_call_says_so(all_of_it: Everything) -> None:
    all_of_it.engine.close()
    for name, call in sorted(all_of_it.calls.items()):
        assert told(call) is (None if name in NOT_ASKED | CLOSING else lifesign.ClosedError), name


def run_all(everything: Everything, seed: int, until: Callable[[], bool], began: threading.Semaphore) -> int:
    """Make calls by chance; return how many got through."""
    chance, calls = random.Random(seed), [call for name, call in everything.calls.items() if name not in CLOSING]
    through = 0
    while not until():
        chance.shuffle(calls)
        for number, call in enumerate(calls):
            through += told(call) is None
            if number == len(calls) // 3:
                began.release()
    return through


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("end", ["engine", "objects", "block"])
def test_everything_is_closed_during_everything(threads: ThreadPoolExecutor, tmp_path: Path, end: str) -> None:
    for turn in range(10):
        everything = Everything(tmp_path)
        over = threading.Event()
        began = [threading.Semaphore(0) for _ in range(THREADS)]
        seeded = enumerate(began, turn * THREADS)
        running = [threads.submit(run_all, everything, seed, over.is_set, mine) for seed, mine in seeded]
        for mine in began:
            assert mine.acquire(timeout=LIMIT)
        if end == "engine":
            everything.engine.close()
        elif end == "objects":
            everything.close()
        else:
            with everything.engine, everything.token, everything.subscription, everything.claim:
                pass
        # All of them go on for a while after the end.
        for mine in began:
            assert mine.acquire(timeout=LIMIT)
        over.set()
        assert all(future.result(LIMIT) for future in running)
        everything.close()


@pytest.fixture
def _eager_collection() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("_eager_collection")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_the_collector_runs_during_everything(all_of_it: Everything, threads: ThreadPoolExecutor) -> None:
    engine, check = all_of_it.engine, all_of_it.engine.register_check("dropped")
    over = threading.Event()
    began = [threading.Semaphore(0) for _ in range(THREADS)]

    def collect() -> None:
        while not over.is_set():
            gc.collect()

    def drop() -> None:
        """Let go, in cycles, of handles of every kind that the other threads use too."""
        for turn in range(10):
            opened: list[object] = [engine.subscribe(), engine.check("web:http"), engine.group([check])]
            with suppress(lifesign.HeldError):
                opened.append(check.acquire("dropped"))
            opened.append(lifesign.Engine(f"dropped {turn}").register_check("a"))
            opened.append(opened)
            del opened

    collecting = threads.submit(collect)
    running = [threads.submit(run_all, all_of_it, seed, over.is_set, mine) for seed, mine in enumerate(began)]
    dropping = [threads.submit(drop) for _ in range(2)]
    try:
        for future in dropping:
            future.result(LIMIT)
        for mine in began:
            assert mine.acquire(timeout=LIMIT)
    finally:
        over.set()
    collecting.result(LIMIT)
    assert all(future.result(LIMIT) for future in running)
    gc.collect()
    assert check.who().holder is None, "what was dropped was closed"
    assert engine.audit() == 0
    assert engine.stats().internal_errors == 0
    assert engine.stats().subscriptions == 1
