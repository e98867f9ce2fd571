"""Claims: one holder of a name, and both sides are named."""

import gc
import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import lifesign
from lifesign import Claim, Engine, HeldError


@pytest.fixture
def rival() -> Iterator[Engine]:
    with Engine(name="rival", version="2.0", build="fedcba") as engine:
        yield engine


def builds(claim: Claim) -> list[tuple[str, int]]:
    return [(rival.record.build, rival.count) for rival in claim.rivals()]


def test_a_name_has_one_holder_and_both_are_named(engine: Engine, rival: Engine, tmp_path: Path) -> None:
    with engine.claim(tmp_path, "node") as claim:
        assert (claim.name, claim.engine, claim.released) == ("node", engine, False)
        with pytest.raises(HeldError) as refused:
            rival.claim(tmp_path, "node")
        error = refused.value
        assert error.holder is not None
        assert error.caller is not None
        assert (error.holder.build, error.caller.build, error.holder.pid) == ("abcdef", "fedcba", os.getpid())
        assert error.generation is None
        for part in ("node", str(tmp_path), "abcdef", "fedcba", f"pid {os.getpid()}"):
            assert part in error.message
        assert re.search(r"since 20\d\d-\d\d-\d\dT", error.message)

        assert claim.rivals() == []
        engine.tick()
        (found,) = claim.rivals()
        assert (found.record.build, found.record.pid, found.count) == ("fedcba", os.getpid(), 1)
        assert found.first == found.last >= claim.state.since
        state = claim.state
        assert (state.advisory, state.held, state.rivals, state.beats, state.trouble) == (False, True, 1, 1, None)
    assert claim.released
    with rival.claim(os.fsencode(tmp_path), "node"):
        pass


def test_rivals_beyond_the_first_guess_are_all_told(engine: Engine, tmp_path: Path) -> None:
    with engine.claim(tmp_path, "node") as claim:
        for number in range(9):
            with Engine(build=str(number)) as other, pytest.raises(HeldError):
                other.claim(tmp_path, "node")
        engine.tick()
        assert sorted(builds(claim)) == [(str(number), 1) for number in range(9)]


def test_without_a_lock_both_find_each_other(engine: Engine, rival: Engine, tmp_path: Path) -> None:
    (tmp_path / ".lifesign-advisory").touch()
    with engine.claim(tmp_path, "node") as mine, rival.claim(tmp_path, "node") as theirs:
        assert mine.state.advisory
        engine.tick()
        rival.tick()
        assert builds(mine) == [("fedcba", 1)]
        assert builds(theirs) == [("abcdef", 1)]
    assert [path.name for path in tmp_path.iterdir()] == [".lifesign-advisory"]


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("", lifesign.InvalidError, "empty"),
        ("a/b", lifesign.InvalidError, "a/b"),
        (".a", lifesign.InvalidError, r"\.a"),
        ("a\0b", lifesign.InvalidError, "NUL"),
        ("\ud800", lifesign.InvalidError, "UTF-8"),
        ("n" * 201, lifesign.TooLargeError, "201 bytes"),
    ],
)
def test_bad_names(engine: Engine, tmp_path: Path, name: str, kind: type[lifesign.LifesignError], said: str) -> None:
    with pytest.raises(kind, match=said):
        engine.claim(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_missing_is_named(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(lifesign.InvalidError, match="absent"):
        engine.claim(tmp_path / "absent", "node")
    with pytest.raises(TypeError):
        engine.claim(7, "node")  # type: ignore[arg-type]


def test_trouble_fails_no_tick(engine: Engine, tmp_path: Path) -> None:
    directory = tmp_path / "claims"
    directory.mkdir()
    with engine.claim(directory, "node") as claim:
        shutil.rmtree(directory)
        engine.tick()
        state = claim.state
        assert not state.held
        assert state.trouble is not None
        assert str(directory) in state.trouble


def test_after_release_and_close(rival: Engine, tmp_path: Path) -> None:
    engine = Engine()
    released, left = engine.claim(tmp_path, "a"), engine.claim(tmp_path, "b")
    released.release()
    released.release()
    with pytest.raises(lifesign.ClosedError):
        _ = released.state
    engine.close()
    with pytest.raises(lifesign.ClosedError):
        left.rivals()
    left.release()
    for name in ("a", "b"):
        rival.claim(tmp_path, name).release()


def test_a_forgotten_claim_is_released_with_a_warning(engine: Engine, rival: Engine, tmp_path: Path) -> None:
    with pytest.warns(ResourceWarning, match="claim 'node'"):
        engine.claim(tmp_path, "node")
        gc.collect()
    rival.claim(tmp_path, "node").release()


def test_a_child_keeps_nothing_and_the_dead_neither(engine: Engine, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        held = Engine(build="dead").claim(tmp_path, "node")
        child = os.fork()
        if child == 0:
            try:
                _ = held.state
            except lifesign.ForkedError:
                os.write(writer, b"%d" % os.getpid())
        signal.pause()
    child = int(os.read(reader, 32))
    try:
        with pytest.raises(HeldError) as refused:
            engine.claim(tmp_path, "node")
        assert refused.value.holder is not None
        assert refused.value.holder.pid == parent
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
        engine.claim(tmp_path, "node").release()
    finally:
        os.kill(child, signal.SIGKILL)
        os.close(reader)
        os.close(writer)
