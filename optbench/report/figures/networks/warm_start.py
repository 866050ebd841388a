"""Warm starts: large batches that begin where small ones stopped, after Keskar's Figure 5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from optbench.report import style
from optbench.report.evidence import Evidence
from optbench.report.figures import panels
from optbench.report.figures.networks import arm_panels
from optbench.report.tables.batch_sizes import notes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROW_HEIGHT = 2.3
#: A line: optimizer and batch size.
Line = tuple[str, int]


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws accuracy, gap and sharpness of the large-batch runs.

    Args:
        evidence: The run.
        setting: Not used: an arm's runs have the setting that its suite names.

    Returns:
        The pages: at the end of the runs, as in the paper, and at the primary level; none without warm starts.
    """
    if not notes.has_arms(evidence):
        return []
    frame = evidence.frame("arm_warm_starts")
    frame = frame[frame["n_numbers"] > 0]
    return [
        _page(evidence, part, level)
        for level in reversed(notes.judged_at(evidence))
        if (part := arm_panels.at(frame, level))["epochs"].gt(0).any()
    ]


def _page(evidence: Evidence, frame: pd.DataFrame, level: float) -> Figure:
    titles = {name: title for name, title in arm_panels.shown(evidence).items() if (frame["quantity"] == name).any()}
    warm = frame[frame["epochs"] > 0]
    lines = list(dict.fromkeys(zip(warm["optimizer"], warm["batch_size"].astype(int), strict=True)))
    looks = dict(zip(lines, arm_panels.size_looks(range(len(lines))).values(), strict=True))
    sheet = panels.page(
        evidence,
        "Warm starts",
        f"Large batches that begin where a small one stopped, at {arm_panels.where(level)}, against the epochs with "
        "the small batch.",
        [
            arm_panels.intervals(evidence),
            "0 epochs: the large batch from the start. Dashed, with a band for the interval: the small batch alone. "
            "Each network continues the one that the same replicate had with the small batch, with a fresh state.",
            *arm_panels.beside(evidence),
        ],
        ROW_HEIGHT * panels.rows(len(titles)) + 0.3,
        _handles(looks, small=bool(frame["epochs"].isna().any())),
    )
    axes = panels.small_multiples(sheet, list(titles.values()), between_rows=0.62)
    for i, (ax, name) in enumerate(zip(axes, titles, strict=True)):
        mine = frame[frame["quantity"] == name]
        arm_panels.vertical(ax, name, arm_panels.scaled(name, mine[["low", "estimate", "high"]]))
        _panel(ax, mine, name, looks)
        _epochs(ax, sorted(set(frame["epochs"].dropna())))
        if panels.is_bottom(i, len(titles)):
            ax.set_xlabel("epochs with the small batch")
    return sheet.figure


def _handles(looks: Mapping[Line, style.Look], *, small: bool) -> list[Artist]:
    found: list[Artist] = [
        Line2D([], [], color=look.color, marker=look.marker, label=f"{optimizer}, batch {size}")
        for (optimizer, size), look in looks.items()
    ]
    alone = Line2D([], [], color=style.INK, linestyle=(0, (4, 2)), label="small batch alone")
    return [*found, alone] if small else found


def _panel(ax: Axes, frame: pd.DataFrame, name: str, looks: Mapping[Line, style.Look]) -> None:
    for row in frame[frame["epochs"].isna()].to_dict("records"):
        low, middle, high = arm_panels.scaled(name, [row["low"], row["estimate"], row["high"]])
        if np.isfinite([low, high]).all():
            ax.axhspan(low, high, color=style.INK, alpha=0.08, lw=0, zorder=1)
        ax.axhline(middle, color=style.INK, linestyle=(0, (4, 2)), lw=1.0, zorder=2)
    for (optimizer, size), look in looks.items():
        mine = frame[(frame["optimizer"] == optimizer) & (frame["batch_size"] == size) & frame["epochs"].notna()]
        mine = mine.sort_values("epochs")
        ax.plot(mine["epochs"], arm_panels.scaled(name, mine["estimate"]), color=look.color, lw=1.2, zorder=3)
        for row in mine.to_dict("records"):
            arm_panels.point(ax, row["epochs"], {str(key): value for key, value in row.items()}, name, look)


def _epochs(ax: Axes, epochs: Sequence[float]) -> None:
    """Makes the horizontal axis one of epochs: 0, then logarithmic."""
    least = min(value for value in epochs if value > 0)
    ax.set_xscale("symlog", linthresh=least, linscale=0.6)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks(epochs, [f"{value:g}" for value in epochs])
    ax.set_xlim(-0.15 * least, max(epochs) * 1.25)
