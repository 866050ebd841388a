"""Basins of attraction: in which minimum each start of a grid ends, per 2-D problem and rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.artist import Artist
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from optbench.report import style
from optbench.report.evidence import Evidence, optimizers
from optbench.report.figures import panels
from optbench.report.figures.landscapes import plane
from optbench.report.formats import escaping, formatting

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROWS_PER_PAGE = 6
RULES_PER_PAGE = 8
BETWEEN = 0.62

#: ``minimum`` codes of the stored grid: global minimizers from 0, other known minima from OTHER.
OTHER = 100
NONE = -1
LOST = -2

#: Global minimizers by index: Tol, 2021, the light set. Other known minima: brown to red. Neither list
#: repeats a rule's color, and no two of them differ in hue alone.
GLOBAL_COLORS = ("#77aadd", "#eedd88", "#ffaabb", "#44bb99", "#99ddff", "#aaaa00", "#cfc1e0", "#bbcc33")
OTHER_COLORS = ("#b5563c", "#8c3b5c", "#d98e5f", "#6b2d2d", "#7f4f9e", "#2f6f73", "#c2185b", "#5f5f00")
NONE_COLOR = "#e6e6e6"
LOST_COLOR = "#3a3a3a"


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws one row per 2-D problem and one panel per rule.

    Args:
        evidence: The run.
        setting: Not used: basins are stored for one configuration of each rule.

    Returns:
        One figure for every six problems and eight rules; none if the run stored no basins.
    """
    del setting
    frame = evidence.picture("basins")
    if frame is None:
        return []
    labels = [p for p in evidence.problems(frame["problem"]) if evidence.problem(p)]
    rules = optimizers(frame["optimizer"])
    return [
        _page(evidence, frame, some_labels, some_rules)
        for some_labels in panels.chunks(labels, ROWS_PER_PAGE)
        for some_rules in panels.chunks(rules, RULES_PER_PAGE)
    ]


def _page(evidence: Evidence, frame: pd.DataFrame, labels: list[str], rules: list[str]) -> Figure:
    shown = frame[frame["problem"].isin(labels) & frame["optimizer"].isin(rules)]
    side = (panels.WIDTH - 0.55 - 0.12 * len(rules)) / max(len(rules), 4)
    sheet = panels.page(
        evidence,
        "Basins of attraction",
        f"In which minimum each start ends, each rule {plane.pictured(evidence)}.",
        [
            "Each cell is one start of a regular grid over the problem's box, colored by the minimum that its run ends "
            "in.",
            "The grid of starts is for the picture only; no table uses it.",
        ],
        (side + BETWEEN) * len(labels) + 0.3,
        _handles({int(code) for code in shown["minimum"].unique()}),
        scored=False,
    )
    unused = max(0, 4 - len(rules)) * side
    pad = panels.Pad(0.42, 0.1 + unused, 0.55, 0.3, 0.12, BETWEEN)
    grid = sheet.grid(len(labels), len(rules), pad=pad)
    for i, label in enumerate(labels):
        for j, rule in enumerate(rules):
            ax = grid[i][j]
            data = shown[(shown["problem"] == label) & (shown["optimizer"] == rule)]
            plane.show_box(ax, evidence.problem(label), ticks=2)
            if j:
                ax.set_yticklabels([])
            else:
                panels.row_title(ax, label, above=16 if i else 31)
            if data.empty:
                ax.text(0.5, 0.5, "not stored", transform=ax.transAxes, ha="center", va="center", fontsize=7.5)
                continue
            _image(ax, data)
            plane.mark_minimizers(ax, evidence.problem(label), size=7)
            _titles(ax, rule, f"{evidence.swept(rule)} {formatting.rate(float(data['swept_value'].iloc[0]))}", i == 0)
    return sheet.figure


def _titles(ax: Axes, rule: str, rate: str, is_top: bool) -> None:
    ax.set_title(escaping.figure(rate, 20), fontsize=7.5, fontweight="normal", color=style.INK, y=1.0, pad=3)
    if is_top:
        ax.annotate(
            escaping.figure(rule, 14), (0.5, 1.0), xytext=(0, 15), xycoords="axes fraction",
            textcoords="offset points", ha="center", fontsize=9, fontweight="bold", color=style.INK,
        )  # fmt: skip


def _handles(codes: set[int]) -> list[Artist]:
    """Returns the legend: every ending that occurs on the page."""
    star = Line2D(
        [], [], marker="*", color="white", markeredgecolor="black", markersize=9, linestyle="none",
        label="global minimizer",
    )  # fmt: skip
    known_first = sorted(codes, key=lambda code: (code < 0, abs(code)))
    return [
        star,
        *(
            Patch(facecolor=_color(code), edgecolor="#777777", linewidth=0.5, label=_words(code))
            for code in known_first
        ),
    ]


def _words(code: int) -> str:
    if code == LOST:
        return "diverged or escaped"
    if code == NONE:
        return "no known minimum"
    return f"other minimum {code - OTHER + 1}" if code >= OTHER else f"global {code + 1}"


def _color(code: int) -> str:
    if code == LOST:
        return LOST_COLOR
    if code == NONE:
        return NONE_COLOR
    if code >= OTHER:
        return OTHER_COLORS[(code - OTHER) % len(OTHER_COLORS)]
    return GLOBAL_COLORS[code % len(GLOBAL_COLORS)]


def _image(ax: Axes, data: pd.DataFrame) -> None:
    x, y, codes = plane.square(data, "minimum")
    known = sorted({int(code) for code in codes[np.isfinite(codes)]})
    index = np.full(codes.shape, np.nan)
    for k, code in enumerate(known):
        index[codes == code] = k
    dx, dy = (float(v[-1] - v[0]) / max(len(v) - 1, 1) / 2 for v in (x, y))
    ax.imshow(
        np.ma.masked_invalid(index), origin="lower", interpolation="nearest", aspect="auto", zorder=0,
        extent=(float(x[0]) - dx, float(x[-1]) + dx, float(y[0]) - dy, float(y[-1]) + dy),
        cmap=ListedColormap([_color(code) for code in known]),
        norm=BoundaryNorm(np.arange(len(known) + 1) - 0.5, len(known)),
    )  # fmt: skip
