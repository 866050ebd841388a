"""Sharp or flat: the share of runs in the flat well against the rate, one line for each batch size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from optbench.report import style
from optbench.report.evidence import Evidence, optimizers
from optbench.report.figures import panels
from optbench.report.formats import escaping, formatting
from optbench.report.tables.landscapes.wells import land

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROW_HEIGHT = 1.75
#: Lines by batch size, from the smallest to the largest: Tol, 2021, the muted set; each with a marker of its own.
COLORS = ("#882255", "#cc6677", "#ddcc77", "#44aa99", "#332288", "#88ccee")
MARKERS = ("o", "s", "D", "^", "v", "P")


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws one page for each rule and twelve landscapes.

    Args:
        evidence: The run.
        setting: Not used: all rates are drawn.

    Returns:
        The figures; none if the run names no wells.
    """
    del setting
    frame = evidence.frame("wells")
    if frame.empty:
        return []
    frame = frame[frame["cost"] == frame["cost"].max()]
    labels = list(dict.fromkeys(land(label) for label in evidence.problems(frame["problem"])))
    return [
        _page(evidence, frame[frame["optimizer"] == rule], rule, some)
        for rule in optimizers(frame["optimizer"])
        for some in panels.chunks(labels, panels.PER_PAGE)
    ]


def _page(evidence: Evidence, frame: pd.DataFrame, rule: str, labels: list[str]) -> Figure:
    sizes = sorted({float(size) for size in frame["batch"].dropna()})
    sheet = panels.page(
        evidence,
        f"Sharp or flat: {escaping.figure(rule, limit=24)}",
        f"Share of runs in the flat well at cost {formatting.rate(float(frame['cost'].max()))}, as gradient flow from "
        "the judged iterate tells, against the rate.",
        [
            "Bars: 95 % intervals over starts, noise seeds pooled. Dashed: gradient flow from the same starts; a line "
            "above it is a preference only where flat is not deeper. Hollow: over half of the runs in neither well.",
            "Dotted: rate times curvature of the sharp well is 2, where gradient descent without noise leaves it.",
            "Ringed: the rate at which the rule is compared with others, by its excess loss on the single well.",
        ],
        ROW_HEIGHT * panels.rows(len(labels)) + 0.45,
        _handles(sizes),
        scored=False,
    )
    axes = panels.small_multiples(sheet, [_title(frame, label) for label in labels], between_rows=0.5)
    for i, (ax, label) in enumerate(zip(axes, labels, strict=True)):
        _panel(evidence, ax, frame[frame["problem"].map(land) == label], sizes)
        if panels.is_left(i):
            ax.set_ylabel("P(flat)")
        if panels.is_bottom(i, len(labels)):
            ax.set_xlabel(escaping.figure(f"rate ({frame['swept'].iloc[0]})"))
    return sheet.figure


def _title(frame: pd.DataFrame, label: str) -> str:
    """Returns what tells the panels apart: noise, dimension, curvature ratio and which well is deeper."""
    rows = frame[frame["problem"].map(land) == label]
    if rows.empty:
        return label
    row = rows.iloc[0]
    kind = ", isotropic" if "isotropic" in label else ""
    depth = "equal" if row["deeper"] == "equal" else f"{row['deeper']} deeper"
    return f"{int(row['dim'])}-D, ratio {row['ratio']:g}, {depth}{kind}"


def _look(sizes: list[float], size: float) -> tuple[str, str]:
    place = sizes.index(size) % len(COLORS)
    return COLORS[place], MARKERS[place]


def _handles(sizes: list[float]) -> list[Artist]:
    handles: list[Artist] = []
    for size in sizes:
        color, marker = _look(sizes, size)
        handles.append(Line2D([], [], color=color, marker=marker, label=f"batch {size:g}"))
    handles.append(Line2D([], [], color=style.INK, linestyle=(0, (4, 2)), linewidth=1.0, label="gradient flow"))
    return handles


def _panel(evidence: Evidence, ax: Axes, frame: pd.DataFrame, sizes: list[float]) -> None:
    ax.set_xscale("log")
    ax.set_ylim(-0.05, 1.05)
    panels.log_ticks(ax, "x", 6)
    if frame.empty:
        return
    ax.axhline(float(frame["flow_share"].iloc[0]), color=style.INK, linestyle=(0, (4, 2)), linewidth=1.0, zorder=1)
    parameters = evidence.problem(str(frame["problem"].iloc[0])).get("parameters", {})
    if evidence.manifest.get("units") == "raw" and "curvature" in parameters and frame["swept"].iloc[0] == "lr":
        edge = 2.0 / (parameters["ratio"] * parameters["curvature"])
        ax.axvline(edge, color=style.FAINT, linestyle=(0, (1, 1.5)), linewidth=1.0, zorder=1)
    for size in sizes:
        data = frame[frame["batch"] == size].sort_values("swept_value")
        if data.empty:
            continue
        color, marker = _look(sizes, size)
        x, y = data["swept_value"].to_numpy(float), data["flat_share"].to_numpy(float)
        # Lines of different batches lie on each other at 0 and 1: a small shift keeps all of their bars visible.
        x = x * 1.06 ** (sizes.index(size) - (len(sizes) - 1) / 2)
        ends = np.abs(data[["flat_low", "flat_high"]].to_numpy(float).T - y)
        ax.errorbar(x, y, yerr=ends, color=color, linewidth=1.3, elinewidth=0.8, capsize=0, zorder=3)
        lost = data["neither_share"].to_numpy(float) > 0.5
        ax.plot(x[~lost], y[~lost], linestyle="none", marker=marker, markersize=4, color=color, zorder=4)
        ax.plot(x[lost], y[lost], linestyle="none", marker=marker, markersize=4, color=color, mfc="white", zorder=4)
        at = data["matched"].to_numpy(bool)
        ax.plot(x[at], y[at], linestyle="none", marker="o", markersize=9, mfc="none", mec=color, mew=1.0, zorder=5)
