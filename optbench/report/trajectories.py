"""Trajectories: the paths of all rules from the same starts, on the contours of each 2-D problem."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.artist import Artist
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from optbench.report import escaping, formatting, panels, plane, style
from optbench.report.evidence import Evidence, optimizers

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.contour import ContourSet

ROWS_PER_PAGE = 4
MAX_STARTS = 3
ROW_HEIGHT = 2.75
LEVELS = 14
#: Longest name beside the panels, where its rate follows.
NAME = 16
#: Light near the minimum, gray above; no hue, so that the paths' colors keep their meaning.
GRAYS = LinearSegmentedColormap.from_list("grays", ["#ffffff", "#e9ecef", "#c3c9d0", "#959da6"])


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws one row per 2-D problem and one panel per start, each with the paths of all rules.

    Args:
        evidence: The run.
        setting: Not used: paths are stored for one configuration of each rule.

    Returns:
        One figure for every four problems; none if the run stored no paths.
    """
    del setting
    contours, paths = evidence.picture("contours"), evidence.picture("trajectories")
    if contours is None or paths is None:
        return []
    stored = set(contours["problem"])
    labels = [p for p in evidence.problems(paths["problem"]) if p in stored and evidence.problem(p)]
    return [_page(evidence, contours, paths, part) for part in panels.chunks(labels, ROWS_PER_PAGE)]


def _page(evidence: Evidence, contours: pd.DataFrame, paths: pd.DataFrame, labels: list[str]) -> Figure:
    shown = paths[paths["problem"].isin(labels)]
    starts = sorted({int(start) for start in shown["start"]})[:MAX_STARTS]
    sheet = panels.page(
        evidence,
        "Trajectories",
        "Paths of all rules from the same starts, each at the smallest value that scores at least half of the best.",
        [
            "Gray: f - f_star on a logarithmic scale. The panel is the problem's box; paths are cut off at its edges.",
            "Starts are report starts: none was used for tuning. Each path ends with the rule's marker.",
        ],
        ROW_HEIGHT * len(labels) + 0.1,
        _signs(),
    )
    pad = panels.Pad(0.42, 0.05, 0.48, 0.28, 0.34, 0.72)
    grid = sheet.grid(len(labels), len(starts) + 1, pad=pad, width_ratios=[1.0] * len(starts) + [0.78])
    for i, label in enumerate(labels):
        problem = evidence.problem(label)
        data = shown[shown["problem"] == label]
        filled = None
        for j, start in enumerate(starts):
            ax = grid[i][j]
            plane.show_box(ax, problem)
            filled = _contours(ax, contours[contours["problem"] == label], float(problem["f_star"]))
            _paths(ax, data[data["start"] == start])
            plane.mark_minimizers(ax, problem)
            ax.set_title(f"start {start}", loc="left", color=style.INK, fontsize=8.5, fontweight="normal", y=1.0, pad=3)
        panels.row_title(grid[i][0], label, above=16)
        _key(evidence, sheet.figure, grid[i][-1], data, filled)
    return sheet.figure


def _signs() -> list[Artist]:
    around = {"color": "white", "markeredgecolor": "black", "linestyle": "none"}
    return [
        Line2D([], [], marker="o", markersize=6, label="start", **around),  # type: ignore[arg-type]
        Line2D([], [], marker="*", markersize=10, label="global minimizer", **around),  # type: ignore[arg-type]
    ]


def _contours(ax: Axes, frame: pd.DataFrame, f_star: float) -> ContourSet | None:
    """Fills a panel by powers of ten of f - f_star; returns what a color bar needs, ``None`` if it cannot."""
    x, y, f = plane.square(frame, "f")
    above = f - f_star
    positive = above[np.isfinite(above) & (above > 0)]
    if not positive.size:
        panels.remark(ax, ["no finite value above f_star to draw"], top=True)
        return None
    # The lowest cells of a grid depend on how close it happens to come to the minimizer.
    low, high = np.log10(np.quantile(positive, 0.002)), np.log10(positive.max())
    levels = np.linspace(low, max(high, low + 1e-6), LEVELS)
    logs = np.log10(np.clip(np.where(np.isfinite(above), above, positive.max()), 10.0**low, None))
    filled = ax.contourf(x, y, logs, levels=levels, cmap=GRAYS, extend="both", zorder=0)
    ax.contour(x, y, logs, levels=levels[1:-1], colors="#7d858d", linewidths=0.35, linestyles="solid", zorder=1)
    return filled


def _paths(ax: Axes, data: pd.DataFrame) -> None:
    begin = None
    for k, rule in enumerate(optimizers(data["optimizer"])):
        look = style.look(rule)
        part = data[data["optimizer"] == rule].sort_values("cost")
        points = part[["x", "y"]].to_numpy(float)
        bad = ~np.isfinite(points).all(axis=1)
        points = points[: int(bad.argmax())] if bad.any() else points
        if not len(points):
            continue
        begin = points[0] if begin is None else begin
        # Far outside the box a point only has a direction; drawing code dislikes 1e300.
        size = np.abs(np.array([ax.get_xlim(), ax.get_ylim()])).max() * 1e3
        points = np.clip(points, -size, size)
        zorder = 3 + 0.1 * k
        # Thinner from rule to rule, so that of paths on top of each other each stays visible.
        width = max(1.0, 3.0 - 0.3 * k)
        ax.plot(points[:, 0], points[:, 1], color="white", alpha=0.8, lw=width + 1.2, zorder=2)
        ax.plot(points[:, 0], points[:, 1], color=look.color, lw=width, zorder=zorder)
        ax.plot(
            points[-1, 0], points[-1, 1], marker=look.marker, color=look.color, markeredgecolor="white",
            markeredgewidth=0.6, markersize=6.5, zorder=zorder + 5,
        )  # fmt: skip
    if begin is not None:
        ax.plot(*begin, "o", color="white", markeredgecolor="black", markeredgewidth=1.1, markersize=6, zorder=9.5)


def _key(evidence: Evidence, figure: Figure, ax: Axes, data: pd.DataFrame, filled: ContourSet | None) -> None:
    """Writes each rule with its rate, and the scale of the grays, beside a row of panels."""
    ax.set_axis_off()
    rules = optimizers(data["optimizer"])
    handles = panels.rule_handles(rules, solid=True, limit=NAME)
    for handle, rule in zip(handles, rules, strict=True):
        value = float(data.loc[data["optimizer"] == rule, "swept_value"].iloc[0])
        handle.set_label(f"{handle.get_label()}  {escaping.figure(evidence.swept(rule), 12)} {formatting.rate(value)}")
    ax.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(-0.12, 1.0), fontsize=8, handlelength=2.2, borderaxespad=0
    )
    if filled is None:
        return
    bar = ax.inset_axes((-0.08, 0.04, 0.8, 0.055))
    levels = [float(level) for level in filled.levels]
    low, high = levels[0], levels[-1]
    ticks = np.unique(np.linspace(np.ceil(low), np.floor(high), 3).round()) if high - low > 1 else np.array([low, high])
    figure.colorbar(filled, cax=bar, orientation="horizontal", ticks=ticks)
    bar.set_xticklabels([f"1e{tick:.0f}" if tick == round(tick) else formatting.rate(10.0**tick) for tick in ticks])
    bar.tick_params(labelsize=7, length=2, pad=2)
    bar.set_title("f - f_star", fontsize=7.5, loc="left", pad=2, fontweight="normal", color=style.INK)
