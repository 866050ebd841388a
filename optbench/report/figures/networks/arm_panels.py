"""What the figures of runs with arms share: looks of arms and batch sizes, what panels show, and their axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from optbench.analysis.batch_sizes.arms import ordered
from optbench.analysis.batch_sizes.quantities import settings_of, titles_of
from optbench.report import losses, style
from optbench.report.evidence import Evidence
from optbench.report.figures import panels
from optbench.report.formats import escaping
from optbench.report.tables.batch_sizes import notes
from optbench.report.tables.common_notes import absent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Scores that are drawn, with the titles of their panels; both are in percent or points.
SCORES = {"test_accuracy": "test accuracy, %", "gap": "gap, points"}
#: Lines of one batch size, from the smallest to the largest.
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "<", ">", "p", "h")


def arm_looks(evidence: Evidence) -> dict[str, style.Look]:
    """Returns how each arm is drawn, in all figures of a run; no two alike, the primary one black."""
    names = [str(arm["name"]) for arm in ordered(evidence.manifest)]
    # Names of arms are no names of optimizers, whose looks are fixed: they take free colors first.
    found = style.looks(f"arm:{name}" for name in names)
    looks = {name: found[f"arm:{name}"] for name in names}
    for arm in ordered(evidence.manifest)[:1]:
        if arm["is_primary"]:
            looks[str(arm["name"])] = style.Look("#000000", "o", style.SOLID)
    return looks


def size_looks(sizes: Iterable[int]) -> dict[int, style.Look]:
    """Returns how each batch size is drawn: from dark blue, the smallest, to orange.

    Example:
        >>> [look.marker for look in size_looks([400, 20]).values()]
        ['o', 's']
    """
    known = sorted(set(sizes))
    colors = mpl.colormaps["plasma"](np.linspace(0.05, 0.75, len(known)))
    return {
        size: style.Look(to_hex(color), MARKERS[place % len(MARKERS)], style.SOLID)
        for place, (size, color) in enumerate(zip(known, colors, strict=True))
    }


def size_handles(looks: Mapping[int, style.Look]) -> list[Artist]:
    """Returns the legend entries of batch sizes."""
    return [
        Line2D([], [], color=look.color, marker=look.marker, linestyle="none", label=f"batch {size}")
        for size, look in looks.items()
    ]


def arm_handles(evidence: Evidence, names: Sequence[str], looks: Mapping[str, style.Look]) -> list[Artist]:
    """Returns the legend entries of arms."""
    titles = {str(arm["name"]): str(arm.get("title") or arm["name"]) for arm in evidence.manifest["arms"]}
    return [
        Line2D([], [], color=looks[name].color, marker=looks[name].marker, linestyle=looks[name].dash,
               label=escaping.figure(titles[name], 36))
        for name in names
    ]  # fmt: skip


def shown(evidence: Evidence) -> dict[str, str]:
    """Returns what has a panel, with its title: scores, then measures of the networks as they were trained."""
    known = settings_of(evidence.measures)
    titles = titles_of(evidence.measures, evidence.manifest)
    return {**SCORES, **{name: title for name, title in titles.items() if known[name].get("rescale") is None}}


def at(frame: Any, level: float) -> Any:
    """Returns the rows of a frame at one level, NaN for the end of runs."""
    return frame[frame["level"].isna() if np.isnan(level) else frame["level"] == level]


def where(level: float) -> str:
    """Returns where a page's networks are, to stand after "at".

    Example:
        >>> where(0.1), where(float("nan"))
        ('a training loss of 0.1', 'the end of the runs')
    """
    words = notes.place(level)
    return f"the {words}" if np.isnan(level) else f"a {words.replace('loss ', 'loss of ')}"


def scaled(name: str, values: Any) -> np.ndarray:
    """Returns numbers as a panel shows them: scores in percent."""
    return np.asarray(values, dtype=np.float64) * (100.0 if name in SCORES else 1.0)


def vertical(ax: Axes, name: str, values: Any) -> None:
    """Makes the vertical axis of a panel: linear for scores, logarithmic for measures that are all positive.

    Args:
        ax: The panel.
        name: What it shows.
        values: All numbers that it must hold, NaN for none.
    """
    found = np.asarray(values, dtype=np.float64)
    found = found[np.isfinite(found)]
    if not found.size:
        return
    low, high = float(found.min()), float(found.max())
    if name not in SCORES and low > 0:
        room = max((high / low) ** 0.08, 1.12)
        ax.set_yscale("log")
        ax.set_ylim(low / room, high * room)
        if high / low < 300.0:
            panels.few_ticks(ax)
        else:
            panels.log_ticks(ax, "y", 6)
        return
    room = 0.08 * (high - low) or 0.5
    ax.set_ylim(low - room, high + room)
    ax.yaxis.set_major_locator(MaxNLocator(6))
    ax.yaxis.set_minor_locator(NullLocator())


def batch_axis(ax: Axes, sizes: Sequence[int]) -> None:
    """Makes the horizontal axis one of batch sizes, named where there is room."""
    known = sorted(set(sizes))
    ax.set_xscale("log")
    ax.xaxis.set_minor_locator(NullLocator())
    step = -(-len(known) // 7)
    named = known[::-1][::step][::-1]
    ax.set_xticks(named, [f"{size:,}" for size in named])
    ax.set_xlim(known[0] / 1.5, known[-1] * 1.5)


def point(ax: Axes, x: float, row: Mapping[str, Any], name: str, look: style.Look, **more: Any) -> None:
    """Draws an estimate with its interval, if it has one."""
    low, middle, high = scaled(name, [row["low"], row["estimate"], row["high"]])
    if np.isfinite([low, high]).all():
        ax.plot([x, x], [low, high], color=look.color, lw=1.2, alpha=0.75, zorder=2)
    ax.plot([x], [middle], look.marker, color=look.color, markersize=4.5, zorder=4, **more)


def intervals(evidence: Evidence) -> str:
    """Returns what bars are, for the notes."""
    return (
        "Scores: means over replicates, bars are Student's intervals; measures: medians, bars are intervals by order "
        f"statistics, from six runs on: {notes.intervals(evidence)}, one at a time. Those of two batch sizes may "
        "overlap although they differ, since runs are paired: the table 'arms' has the differences."
    )


def beside(evidence: Evidence) -> list[str]:
    """Returns what stands under every figure of arms."""
    said = (*losses.noted(evidence), *notes.of_test_set(evidence), *absent(evidence))
    return [escaping.figure(note, limit=1000) for note in said]
