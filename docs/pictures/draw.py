#!/usr/bin/env python3
"""Draws the races that docs/races.md explains: one picture each, the same steps in the usual design and in Lifesign.

A column is a step, a box is what somebody does in it, and a band is what something shows as time goes on: it changes in
the middle of a step, under the arrow of who changes it. Without an argument it writes the pictures beside itself; with
--check it says which of them it would have drawn otherwise. The overlapping lifetimes are drawn from a real run, by
`make story`.
"""

import sys
import textwrap
from dataclasses import dataclass
from html import escape
from pathlib import Path

LEFT, COLUMN, RIGHT = 112, 176, 16
LINE, BOX, BAND, GAP = 15, 40, 24, 10
CHARACTERS = 21
"""That fit into a box: of the widest fonts in use a character takes 7.4 pixels on average at this size."""
INK, GREY = "#222222", "#666666"
FILL = {"passing": "#81c784", "critical": "#e57373", "plain": "#e0e0e0", "empty": "#ffffff"}
STROKE = {"plain": INK, "bad": "#c62828", "good": "#2e7d32"}


@dataclass
class Act:
    """What an actor does in a step, and down to which band its arrow goes, if to any."""

    step: int
    text: str
    kind: str = "plain"
    to: str = ""


@dataclass
class Panel:
    """One design: actors with their acts, bands with their values from a step on, and how it ends."""

    title: str
    actors: dict[str, list[Act]]
    bands: dict[str, list[tuple[int, str, str]]]
    verdict: str
    good: bool


@dataclass
class Picture:
    """Some steps in two designs."""

    title: str
    steps: list[str]
    panels: list[Panel]


PICTURES = {
    "torn-read": Picture(
        "Torn read: a reader between two assignments of a writer",
        [
            "the reader takes the entry",
            "the writer begins",
            "the reader looks",
            "the writer is done",
            "the reader looks again",
        ],
        [
            Panel(
                "The usual design: entries are handed out by reference, fields are changed one by one",
                {
                    "writer": [Act(1, "status = critical", to="entry"), Act(3, 'text = "refused"', to="entry")],
                    "reader": [
                        Act(0, "gets a reference, gives back the lock"),
                        Act(2, 'sees critical with "200 OK"', "bad"),
                        Act(4, 'sees critical with "refused"'),
                    ],
                },
                {
                    "entry": [
                        (-1, 'passing, "200 OK"', "passing"),
                        (1, 'critical, "200 OK"', "critical"),
                        (3, 'critical, "refused"', "critical"),
                    ]
                },
                "It saw a state that nobody has ever reported.",
                False,
            ),
            Panel(
                "Lifesign: a check is one immutable snapshot behind one pointer",
                {
                    "writer": [Act(1, "builds a new snapshot"), Act(3, "replaces the pointer", to="check")],
                    "reader": [
                        Act(0, "takes the snapshot"),
                        Act(2, 'sees passing with "200 OK"', "good"),
                        Act(4, 'takes the next: critical, "refused"', "good"),
                    ],
                },
                {"check": [(-1, 'passing, "200 OK"', "passing"), (3, 'critical, "refused"', "critical")]},
                "Each look is one commit; what it took first does not change.",
                True,
            ),
        ],
    ),
    "missed-edge": Picture(
        "Missed edge: a change between two runners",
        [
            "the old runner ends",
            "the target fails",
            "the new runner subscribes",
            "the new runner goes on",
            "much later",
        ],
        [
            Panel(
                "The usual design: a runner is told of changes",
                {
                    "updates": [Act(1, "critical: nobody is there to be told", to="target")],
                    "old runner": [Act(0, "unsubscribes, ends")],
                    "new runner": [
                        Act(2, "subscribes: nothing new"),
                        Act(3, "waits for a change", "bad"),
                        Act(4, "waits for a change", "bad"),
                    ],
                },
                {
                    "target": [(-1, "passing", "passing"), (1, "critical", "critical")],
                    "alias": [(-1, "passing", "passing")],
                },
                "The alias is wrong until the target happens to change again.",
                False,
            ),
            Panel(
                "Lifesign: a subscription says what is, then what changes; an alias is a link and has no runner",
                {
                    "updates": [Act(1, "critical", to="alias")],
                    "old runner": [Act(0, "unsubscribes, ends")],
                    "new runner": [
                        Act(2, "subscribes: is told critical", "good"),
                        Act(3, "writes critical", to="mirror"),
                        Act(4, "waits for a change"),
                    ],
                },
                {
                    "target": [(-1, "passing", "passing"), (1, "critical", "critical")],
                    "alias": [(-1, "passing", "passing"), (1, "critical: it shows what its target shows", "critical")],
                    "mirror": [(-1, "passing, computed by hand", "passing"), (3, "critical", "critical")],
                },
                "Even a mirror that runners compute by hand catches up.",
                True,
            ),
        ],
    ),
    "late-register": Picture(
        "Late register: a runner that was started and comes to run after its successor",
        [
            "the new runner follows",
            "the old runner runs at last",
            "the target recovers",
            "the old runner goes on, ends",
            "the new runner's turn",
        ],
        [
            Panel(
                "The usual design: a stop waits for runners that have said that they run",
                {
                    "updates": [Act(2, "passing", to="target")],
                    "old runner": [
                        Act(1, "registers, reads critical", to="channel"),
                        Act(3, "writes critical, removes the channel", "bad", to="alias"),
                    ],
                    "new runner": [Act(0, "follows: critical"), Act(4, "hears nothing", "bad")],
                },
                {
                    "channel": [
                        (-1, "the new runner's", "plain"),
                        (1, "the old runner's", "plain"),
                        (3, "none", "empty"),
                    ],
                    "target": [(-1, "critical", "critical"), (2, "passing", "passing")],
                    "alias": [(-1, "critical", "critical"), (3, "critical", "critical")],
                },
                "The alias is wrong, and the new runner is deaf.",
                False,
            ),
            Panel(
                "Lifesign: who was taken over can neither subscribe in its successor's place nor write",
                {
                    "updates": [Act(2, "passing", to="target")],
                    "old runner": [
                        Act(1, "subscribes as the writer: FENCED", "good"),
                        Act(3, "writes critical: FENCED", "good"),
                    ],
                    "new runner": [
                        Act(0, "took over, follows: critical"),
                        Act(4, "hears it, writes passing", "good", to="mirror"),
                    ],
                },
                {
                    "target": [(-1, "critical", "critical"), (2, "passing", "passing")],
                    "mirror": [(-1, "critical, computed by hand", "critical"), (4, "passing", "passing")],
                },
                "The old runner is told by whom it was replaced, and disturbs nobody.",
                True,
            ),
        ],
    ),
    "held-up": Picture(
        "Old runner held up: the price of a stop that waits",
        [
            "the old runner is held up",
            "the new runner is to start",
            "the target recovers",
            "as long as that lasts",
            "the old runner goes on",
        ],
        [
            Panel(
                "The usual design, cured: a stop waits for the old runner",
                {
                    "updates": [Act(2, "passing", to="target")],
                    "old runner": [Act(0, "has critical in hand"), Act(4, "writes critical, ends", to="alias")],
                    "new runner": [
                        Act(1, "waits for the old one", "bad"),
                        Act(3, "waits for the old one", "bad"),
                    ],
                },
                {
                    "target": [(-1, "critical", "critical"), (2, "passing", "passing")],
                    "alias": [(-1, "critical", "critical"), (4, "critical", "critical")],
                },
                "Nobody looks after the alias until the old runner is done, and whoever registers waits too.",
                False,
            ),
            Panel(
                "Lifesign: a take-over waits for nobody",
                {
                    "updates": [Act(2, "passing", to="target")],
                    "old runner": [Act(0, "has critical in hand"), Act(4, "writes critical: FENCED", "good")],
                    "new runner": [Act(1, "takes over"), Act(3, "hears it, writes passing", "good", to="mirror")],
                },
                {
                    "target": [(-1, "critical", "critical"), (2, "passing", "passing")],
                    "mirror": [(-1, "critical, computed by hand", "critical"), (3, "passing", "passing")],
                },
                "However late the old runner comes, it is refused.",
                True,
            ),
        ],
    ),
    "late-unsubscribe": Picture(
        "Late unsubscribe: a clean-up by name",
        [
            "the old runner starts",
            "the new runner takes its place",
            "the old runner cleans up",
            "the target fails",
            "the new runner's turn",
        ],
        [
            Panel(
                "The usual design: one channel for each name",
                {
                    "updates": [Act(3, "critical: no channel to tell", to="target")],
                    "old runner": [
                        Act(0, "registers a channel", to="channel"),
                        Act(2, "removes the name's channel", to="channel"),
                    ],
                    "new runner": [Act(1, "registers a channel", to="channel"), Act(4, "hears nothing", "bad")],
                },
                {
                    "channel": [
                        (-1, "none", "empty"),
                        (0, "the old runner's", "plain"),
                        (1, "the new runner's", "plain"),
                        (2, "none", "empty"),
                    ],
                    "target": [(-1, "passing", "passing"), (3, "critical", "critical")],
                    "alias": [(-1, "passing", "passing")],
                },
                "The new runner is deaf, and does not know it.",
                False,
            ),
            Panel(
                "Lifesign: a subscription is an object of its own",
                {
                    "updates": [Act(3, "critical", to="target")],
                    "old runner": [Act(0, "subscribes", to="old's own"), Act(2, "closes its own", to="old's own")],
                    "new runner": [
                        Act(1, "subscribes", to="new's own"),
                        Act(4, "hears it, writes critical", "good", to="mirror"),
                    ],
                },
                {
                    "old's own": [(-1, "none", "empty"), (0, "open", "plain"), (2, "closed", "empty")],
                    "new's own": [(-1, "none", "empty"), (1, "open", "plain")],
                    "target": [(-1, "passing", "passing"), (3, "critical", "critical")],
                    "mirror": [(-1, "passing, computed by hand", "passing"), (4, "critical", "critical")],
                },
                "Closing one harms no other.",
                True,
            ),
        ],
    ),
}


def text(x: float, y: float, words: str, colour: str = INK, size: int = 12, weight: str = "normal") -> str:
    return f'<text x="{x:g}" y="{y:g}" fill="{colour}" font-size="{size}" font-weight="{weight}">{escape(words)}</text>'


def rectangle(x: float, y: float, width: float, height: float, fill: str, stroke: str = "none") -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="3" fill="{fill}" stroke="{stroke}"/>'


def wrapped(words: str) -> list[str]:
    """The lines of a box or caption, of which there are two at most."""
    lines = textwrap.wrap(words, CHARACTERS)
    if len(lines) > 2:
        raise ValueError(f"too long for a box: {words!r}")
    return lines


def middle(step: int) -> float:
    return LEFT + COLUMN * (step + 0.5)


def draw_panel(panel: Panel, top: float, width: float) -> tuple[list[str], float]:
    """Draw one design from `top` on; return it and where it ends."""
    drawn = [text(12, top + 20, panel.title, weight="bold")]
    boxes, arrows = [], []
    y = top + 32
    bands = {name: y + len(panel.actors) * (BOX + GAP) + row * (BAND + GAP) for row, name in enumerate(panel.bands)}
    for name, acts in panel.actors.items():
        drawn.append(text(12, y + BOX / 2 + 4, name, GREY))
        for act in acts:
            x, colour = middle(act.step), STROKE[act.kind]
            boxes.append(rectangle(x - COLUMN / 2 + 6, y, COLUMN - 12, BOX, "#ffffff", colour))
            lines = wrapped(act.text)
            for number, line in enumerate(lines):
                at = y + BOX / 2 + 4 + LINE * (number - (len(lines) - 1) / 2)
                boxes.append(text(x - COLUMN / 2 + 12, at, line, colour))
            if act.to:
                end = bands[act.to]
                arrows.append(rectangle(x - 0.75, y + BOX, 1.5, end - 6 - y - BOX, INK))
                points = f"{x - 4:g},{end - 7:g} {x + 4:g},{end - 7:g} {x:g},{end:g}"
                arrows.append(f'<polygon points="{points}" fill="{INK}"/>')
        y += BOX + GAP
    for name, values in panel.bands.items():
        y = bands[name]
        drawn.append(text(12, y + 16, name, GREY))
        for (step, words, kind), after in zip(values, [*values[1:], None], strict=True):
            start = LEFT if step < 0 else middle(step)
            end = width - RIGHT if after is None else middle(after[0])
            drawn.append(rectangle(start, y, end - start, BAND, FILL[kind], "#bbbbbb"))
            drawn.append(text(start + 8, y + 16, words))
    y += BAND + 20
    drawn.append(text(12, y, panel.verdict, STROKE["good" if panel.good else "bad"], weight="bold"))
    return [rectangle(4, top, width - 8, y + 12 - top, "#fafafa", "#cccccc"), *drawn, *arrows, *boxes], y + 12


def draw(picture: Picture) -> str:
    width = LEFT + COLUMN * len(picture.steps) + RIGHT
    parts = [text(12, 26, picture.title, size=16, weight="bold")]
    for step, caption in enumerate(picture.steps):
        for number, line in enumerate(wrapped(f"{step + 1} {caption}")):
            parts.append(text(middle(step) - COLUMN / 2 + 8, 50 + LINE * number, line, GREY))
    top: float = 74
    for panel in picture.panels:
        drawn, bottom = draw_panel(panel, top, width)
        parts += drawn
        top = bottom + 14
    size = f'width="{width:g}" height="{top:g}" viewBox="0 0 {width:g} {top:g}"'
    fonts = 'font-family="DejaVu Sans, Verdana, Arial, sans-serif"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {fonts} role="img">'
    title = f"<title>{escape(picture.title)}</title>"
    return "\n".join([head, title, rectangle(0, 0, width, top, "#ffffff"), *parts, "</svg>", ""])


def main() -> int:
    others = []
    for name, picture in PICTURES.items():
        path = Path(__file__).with_name(f"{name}.svg")
        if sys.argv[1:] != ["--check"]:
            path.write_text(draw(picture))
        elif not path.exists() or path.read_text() != draw(picture):
            others.append(path.name)
    if others:
        print(f"not as docs/pictures/draw.py draws them, run it: {', '.join(others)}")
    return 1 if others else 0


if __name__ == "__main__":
    sys.exit(main())
