"""The plots: docs/plots/*.svg, the same bytes for the same figures. Which there are says ``plots.toml``."""

import tomllib
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from . import words
from .figures import BrokenInputError, Figures

STYLE: dict[Any, Any] = {
    # Ids within the file are hashed with this salt, which is random otherwise.
    "svg.hashsalt": "lifesign",
    # Text stays text.
    "svg.fonttype": "none",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "savefig.facecolor": "white",
}
COLOURS = ("#0b6fa4", "#c44e00", "#3d8b37", "#7a4ea3", "#8c6d1f", "#555555", "#c2185b", "#00897b")
MARKERS = "osD^vXP*"


@dataclass(frozen=True)
class Curve:
    """A series: what was measured for each number, or for each named step, that follows ``prefix`` in an id."""

    label: str
    prefix: str


@dataclass(frozen=True)
class Plot:
    """One picture. With ``steps`` the x axis has these names, else numbers on a logarithmic scale; so is y unless it starts from zero."""

    name: str
    title: str
    x: str
    y: str
    unit: str
    steps: tuple[str, ...]
    from_zero: bool
    curves: tuple[Curve, ...]


def load(path: Path) -> list[Plot]:
    """Read which plots there are."""
    known = tomllib.loads(path.read_text())
    try:
        return [plot_of(plot) for plot in known["plot"]]
    except (KeyError, TypeError) as error:
        message = f"{path}: {error!r}"
        raise BrokenInputError(message) from error


def plot_of(known: dict[str, Any]) -> Plot:
    """Return a plot."""
    return Plot(
        name=known["name"],
        title=known["title"],
        x=known["x"],
        y=known["y"],
        unit=known.get("unit", "ns"),
        steps=tuple(known.get("steps", ())),
        from_zero=bool(known.get("from_zero", False)),
        curves=tuple(Curve(curve["label"], curve["prefix"]) for curve in known["curve"]),
    )


def points(plot: Plot, curve: Curve, figures: Figures) -> list[tuple[float, float]]:
    """Return what is drawn of a curve."""
    if not plot.steps:
        return [(at, figure.value) for at, figure in figures.series(curve.prefix, plot.unit)]
    found = ((at, figures.get(f"{curve.prefix}/{step}", plot.unit)) for at, step in enumerate(plot.steps))
    return [(float(at), figure.value) for at, figure in found if figure]


def picture(plot: Plot, figures: Figures) -> Picture | None:
    """Return the picture, or None if nothing of it was measured."""
    drawn = [(curve, points(plot, curve, figures)) for curve in plot.curves]
    if not any(line for _, line in drawn):
        return None
    drawing, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    for (curve, line), colour, marker in zip(drawn, cycle(COLOURS), cycle(MARKERS), strict=False):
        # What was not measured is said where its curve would be named.
        label = curve.label if line else f"{curve.label} (not measured)"
        xs, ys = [at for at, _ in line], [value for _, value in line]
        axes.plot(xs, ys, marker=marker, color=colour, label=label, linewidth=1.6, markersize=5)
    scale(axes, plot, sorted({at for _, line in drawn for at, _ in line}))
    axes.set_title(plot.title, loc="left")
    axes.set_ylabel(plot.y)
    axes.set_xlabel(plot.x)
    drawing.legend(loc="outside lower center", ncols=2 if len(drawn) > 1 else 1, fontsize=9)
    return drawing


def scale(axes: Axes, plot: Plot, at: list[float]) -> None:
    """Set both scales, with every measured x named."""
    if plot.from_zero:
        axes.set_ylim(0, 1.1 * axes.get_ylim()[1])
    else:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: words.amount(value, plot.unit)))
    if plot.steps:
        axes.set_xticks(range(len(plot.steps)), plot.steps)
        return
    if at[0] == 0:
        # None is as far from one as one from ten.
        axes.set_xscale("symlog", linthresh=1)
        axes.set_xlim(-0.2, 1.3 * at[-1])
    else:
        axes.set_xscale("log")
    axes.set_xticks(at, [f"{value:,.0f}" for value in at])
    axes.set_xticks([], minor=True)


def draw(plots: list[Plot], figures: Figures, folder: Path) -> list[Plot]:
    """Write the pictures, and return those of which something was measured; one of which nothing was is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    with matplotlib.rc_context(STYLE):
        for plot in plots:
            path = folder / f"{plot.name}.svg"
            drawing = picture(plot, figures)
            if drawing is None:
                path.unlink(missing_ok=True)
                continue
            # Without a date: the page has one.
            drawing.savefig(path, format="svg", metadata={"Date": None})
            pyplot.close(drawing)
            drawn.append(plot)
    return drawn
