"""Trajectories: the paths of all rules from the same starts, on the contours of each 2-D problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from optbench.report import style
from optbench.report.evidence import Evidence, optimizers
from optbench.report.figures import panels
from optbench.report.figures.landscapes import plane, strokes
from optbench.report.formats import escaping, formatting

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.contour import ContourSet

ROWS_PER_PAGE = 4
MAX_STARTS = 3
#: Height of a row of panels, in inches, by the number of panels in it.
ROW_HEIGHTS = {1: 3.75, 2: 3.75, 3: 2.75, 4: 2.25}
LEVELS = 14
#: Longest name beside the panels, where its rate follows.
NAME = 14
#: Light near the minimum, gray above; no hue, so that the paths' colors keep their meaning.
GRAYS = LinearSegmentedColormap.from_list("grays", ["#ffffff", "#e9ecef", "#c3c9d0", "#959da6"])
#: Dashes of a rule's rates, in their order.
DASHES = (style.SOLID, (0, (4, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.5, 1.2, 1.5)))


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
    starts = sorted({int(start) for start in paths["start"]})[:MAX_STARTS]
    return pages(
        evidence,
        contours,
        paths,
        {start: f"start {start}" for start in starts},
        f"Paths of all rules from the same starts, each {plane.pictured(evidence)}.",
        [f"Starts are report starts: none was used for tuning. {plane.units(evidence)}".rstrip()],
    )


def pages(
    evidence: Evidence,
    contours: pd.DataFrame,
    paths: pd.DataFrame,
    starts: Mapping[int, str],
    subtitle: str,
    notes: Sequence[str],
) -> list[Figure]:
    """Draws given paths, one row per problem and one panel per start.

    Args:
        evidence: What the paths are of.
        contours: Columns ``problem``, ``ix``, ``iy``, ``x``, ``y``, ``f``: a regular grid over each problem's box.
        paths: Columns ``problem``, ``optimizer``, ``swept_value``, ``start``, ``cost``, ``x``, ``y``.
        starts: Title of the panel of each start.
        subtitle: What is drawn, in a sentence.
        notes: What to know beside how a path is drawn.

    Returns:
        One figure for every four problems.
    """
    stored = set(contours["problem"])
    labels = [p for p in evidence.problems(paths["problem"]) if p in stored and evidence.problem(p)]
    return [
        _page(evidence, contours, paths, part, starts, subtitle, notes) for part in panels.chunks(labels, ROWS_PER_PAGE)
    ]


def _page(
    evidence: Evidence,
    contours: pd.DataFrame,
    paths: pd.DataFrame,
    labels: list[str],
    starts: Mapping[int, str],
    subtitle: str,
    notes: Sequence[str],
) -> Figure:
    sheet = panels.page(
        evidence,
        "Trajectories",
        subtitle,
        [
            "Gray: f above the minimum, or above the lowest value of the grid where no minimum is known, on a "
            "logarithmic scale. The panel is the problem's box, and paths are cut off at its edges.",
            f"Arrowheads: evaluations 1, 3, 10, 30 and so on. Pale: what a path does after {strokes.BOLD:g} panel "
            f"widths, and steps of more than {strokes.LEAP:g}. A path ends with the rule's marker, small on the edge "
            "if it ends outside.",
            *notes,
        ],
        ROW_HEIGHTS[len(starts)] * len(labels) + 0.1,
        _signs(any("x_star" in evidence.problem(label) for label in labels)),
        scored=False,
    )
    pad = panels.Pad(0.42, 0.05, 0.48, 0.28, 0.34, 0.72)
    columns = max(len(starts), 2)
    grid = sheet.grid(len(labels), columns + 1, pad=pad, width_ratios=[1.0] * columns + [0.78 * columns / MAX_STARTS])
    for i, label in enumerate(labels):
        problem = evidence.problem(label)
        data = paths[paths["problem"] == label]
        filled = None
        for ax in grid[i][len(starts) : -1]:
            ax.set_axis_off()
        for ax, (start, title) in zip(grid[i], starts.items(), strict=False):
            plane.show_box(ax, problem)
            filled = _contours(ax, contours[contours["problem"] == label], problem.get("f_star"))
            _paths(ax, data[data["start"] == start])
            if "x_star" in problem:
                plane.mark_minimizers(ax, problem)
            ax.set_title(title, loc="left", color=style.INK, fontsize=8.5, fontweight="normal", y=1.0, pad=3)
        panels.row_title(grid[i][0], label, above=16)
        _key(evidence, sheet.figure, grid[i][-1], data, filled)
    return sheet.figure


def _signs(minimizers: bool) -> list[Artist]:
    around = {"color": "white", "markeredgecolor": "black", "linestyle": "none"}
    signs: list[Artist] = [Line2D([], [], marker="o", markersize=6, label="start", **around)]  # type: ignore[arg-type]
    if minimizers:
        signs.append(Line2D([], [], marker="*", markersize=10, label="global minimizer", **around))  # type: ignore[arg-type]
    return signs


def _contours(ax: Axes, frame: pd.DataFrame, f_star: float | None) -> ContourSet | None:
    """Fills a panel by powers of ten of f - f_star; returns what a color bar needs, ``None`` if it cannot."""
    x, y, f = plane.square(frame, "f")
    above = f - (np.nanmin(f) if f_star is None else float(f_star))
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


def _entries(data: pd.DataFrame) -> list[tuple[str, float, Any]]:
    """Returns rule, rate and dash of every path of a problem: the rules in their order, the rates ascending."""
    return [
        (rule, rate, DASHES[k % len(DASHES)])
        for rule in optimizers(data["optimizer"])
        for k, rate in enumerate(sorted(set(data.loc[data["optimizer"] == rule, "swept_value"].astype(float))))
    ]


def _paths(ax: Axes, data: pd.DataFrame) -> None:
    """Draws the paths from one start."""
    begin = None
    low = np.array([ax.get_xlim()[0], ax.get_ylim()[0]])
    size = np.array([ax.get_xlim()[1], ax.get_ylim()[1]]) - low
    for k, (rule, rate, dash) in enumerate(_entries(data)):
        part = data[(data["optimizer"] == rule) & (data["swept_value"].astype(float) == rate)].sort_values("cost")
        points = strokes.finite((part[["x", "y"]].to_numpy(float) - low) / size)
        if not len(points):
            continue
        begin = points[0] if begin is None else begin
        _path(ax, points, part["cost"].to_numpy(int)[: len(points)], style.look(rule), dash, k)
    if begin is not None:
        ax.plot(
            *begin, "o", transform=ax.transAxes, color="white", markeredgecolor="black", markeredgewidth=1.1,
            markersize=6, zorder=9.5, clip_on=False,
        )  # fmt: skip


def _path(ax: Axes, points: np.ndarray, costs: np.ndarray, look: style.Look, dash: Any, place: int) -> None:
    """Draws one path, in panel widths, the ``place``-th of its panel."""
    where, zorder = ax.transAxes, 3 + 0.1 * place
    # Thinner from path to path, so that of those on top of each other each stays visible.
    width = max(1.1, 2.3 - 0.2 * place)
    for part in strokes.strokes(points):
        x, y = part.points.T
        if part.is_bold:
            ax.plot(x, y, transform=where, color="white", alpha=0.7, lw=width + 1.2, zorder=2, clip_on=True)
            ax.plot(x, y, transform=where, color=look.color, lw=width, linestyle=dash, zorder=zorder, clip_on=True)
        else:
            ax.plot(x, y, transform=where, color=look.color, alpha=0.35, lw=0.6, zorder=1.5, clip_on=True)
    for arrow in strokes.arrows(points, costs):
        ax.plot(
            *arrow.point, marker=(3, 0, arrow.degrees), transform=where, color=look.color, markersize=5.5,
            markeredgecolor="white", markeredgewidth=0.5, zorder=zorder + 3,
        )  # fmt: skip
    end = np.clip(points[-1], 0.0, 1.0)
    inside = bool((end == points[-1]).all())
    ax.plot(
        *end, marker=look.marker, transform=where, color=look.color, markeredgecolor="white", markeredgewidth=0.6,
        markersize=6.5 if inside else 4.5, alpha=1.0 if inside else 0.7, zorder=zorder + 5, clip_on=False,
    )  # fmt: skip


def _key(evidence: Evidence, figure: Figure, ax: Axes, data: pd.DataFrame, filled: ContourSet | None) -> None:
    """Writes each rule with its rate, and the scale of the grays, beside a row of panels."""
    ax.set_axis_off()
    entries = _entries(data)
    handles = panels.rule_handles([rule for rule, _, _ in entries], solid=True, limit=NAME)
    for handle, (rule, rate, dash) in zip(handles, entries, strict=True):
        handle.set_label(f"{handle.get_label()}  {escaping.figure(evidence.swept(rule), 12)} {formatting.rate(rate)}")
        handle.set_linestyle(dash)  # type: ignore[attr-defined]
    ax.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(-0.12, 1.0), fontsize=8, handlelength=2.6, borderaxespad=0
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
    known = "f_star" in evidence.problem(str(data["problem"].iloc[0]))
    bar.set_title(
        "f - f_star" if known else "f - lowest here",
        fontsize=7.5,
        loc="left",
        pad=2,
        fontweight="normal",
        color=style.INK,
    )
