"""The Python benches: pyperf, each beside what stands for it in the budgets. Appends to ``$LIFESIGN_BENCH/python.jsonl``."""

import json
import os
from array import array
from pathlib import Path
from statistics import median, quantiles
from timeit import Timer

import pyperf

from world import DOWN, MANY, UP, World

BENCHES = (
    ("py-status/lifesign", "check.status"),
    ("py-status/memoryview", "view[0]"),
    ("py-status/dict-lock", "plain.status('web:quiet')"),
    ("py-word/lifesign", "word[0]"),
    ("py-word/memoryview", "view[0]"),
    ("py-alias-status/lifesign", "alias.status"),
    (f"py-statuses/lifesign/{MANY}", "many.statuses()"),
    (f"py-statuses/tolist/{MANY}", "thousand.tolist()"),
    (f"py-statuses/dict-lock/{MANY}", "plain.statuses(names)"),
    # One of them was written since they were read last.
    (f"py-flip-and-statuses/lifesign/{MANY}", "flipper.flip(); changing.statuses()"),
    (f"py-snapshots/lifesign/{MANY}", "many.snapshots()"),
    ("py-snapshot/lifesign", "check.snapshot()"),
    ("py-snapshot/dict-lock", "plain.snapshot('web:quiet')"),
    ("py-flip/lifesign", "flipper.flip()"),
    ("py-flip/dict-lock", "plain_flipper.flip()"),
    ("py-heartbeat/lifesign", "beating.update(passing, up)"),
    ("py-heartbeat/dict-lock", "plain.update('web:quiet', passing, up)"),
)


# By turns of some microseconds in one process, each statement so many times: small differences are lost otherwise in
# what changes from one second, or one process, to the next.
PAIRED = (
    ("py-status-paired", 400, {"lifesign": "check.status", "memoryview": "view[0]"}),
    ("py-word-paired", 400, {"lifesign": "word[0]", "memoryview": "view[0]"}),
    (f"py-statuses-paired/{MANY}", 2, {"lifesign": "many.statuses()", "tolist": "thousand.tolist()"}),
)
TURNS = 2000


def names(world: World) -> dict[str, object]:
    """Return what the statements name."""
    # A word of the same value: a small number costs no object.
    view = memoryview(array("Q", (world.quiet.word[0], 0)))
    thousand = memoryview(array("I", (1,) * MANY))
    assert len(UP) == len(DOWN) == 40
    return {
        "check": world.quiet,
        "alias": world.alias,
        "word": world.quiet.word,
        "view": view,
        "thousand": thousand,
        "many": world.many,
        "changing": world.changing,
        "names": world.names,
        "plain": world.plain,
        "flipper": world.flipper,
        "plain_flipper": world.plain_flipper,
        "beating": world.beating,
        "passing": world.quiet.status,
        "up": UP,
    }


def line(bench: pyperf.Benchmark) -> str:
    """Return the figure: the median and the quartiles of the values of all processes."""
    value, low, high = (1e9 * seconds for seconds in (bench.median(), bench.percentile(25), bench.percentile(75)))
    return json.dumps({"id": bench.get_name(), "value": value, "unit": "ns", "low": low, "high": high})


def paired(row: str, times: int, statements: dict[str, str], known: dict[str, object]) -> list[str]:
    """Measure statements by turns, and return a figure of each: the median of the first, and that times the median of the turns' ratios.

    A machine that is slower for some of the turns is so for all statements.
    """
    timers = {name: Timer("\n".join([statement] * min(times, 20)), globals=known) for name, statement in statements.items()}
    turns: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(TURNS):
        for name, timer in timers.items():
            turns[name].append(1e9 * timer.timeit(max(times // 20, 1)) / times)
    row, _, parameter = row.partition("/")
    figures = []
    first = next(iter(turns.values()))
    for name, values in turns.items():
        ratios = [value / beside for value, beside in zip(values, first, strict=True)]
        low, value, high = (ratio * median(first) for ratio in quantiles(ratios, n=4))
        id = "/".join(filter(None, (row, name, parameter)))
        figures.append(json.dumps({"id": id, "value": value, "unit": "ns", "low": low, "high": high}))
    return figures


def main() -> None:
    """Measure: pyperf runs this program once more for each process of each bench."""
    runner = pyperf.Runner(processes=3, values=3, warmups=1, min_time=0.05)
    folder = Path(os.environ.get("LIFESIGN_BENCH", "build/bench"))
    results = folder / "pyperf.json"
    asked = runner.parse_args()
    if not asked.worker:
        folder.mkdir(parents=True, exist_ok=True)
        results.unlink(missing_ok=True)
        asked.output, asked.quiet = str(results), True
    world = World()
    known = names(world)
    for id, statement in BENCHES:
        # So often in a row, because the loop itself takes as long as a load.
        runner.timeit(id, statement, globals=known, duplicate=20)
        world.assert_right()
    if not asked.worker:
        with (folder / "python.jsonl").open("a") as file:
            file.writelines(line(bench) + "\n" for bench in pyperf.BenchmarkSuite.load(str(results)))
            for row, times, statements in PAIRED:
                file.writelines(figure + "\n" for figure in paired(row, times, statements, known))
        world.assert_right()


if __name__ == "__main__":
    main()
