"""Dimension: evaluations to the target and final gap against the dimension, one column of two panels per function."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from optbench.records import Scoring
from optbench.report import style
from optbench.report.evidence import SETTING_TITLES, Evidence, optimizers
from optbench.report.figures import panels
from optbench.report.figures.landscapes.convergence import FLOOR
from optbench.report.formats import formatting
from optbench.report.tables.landscapes import notes as notes_of_tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: Functions side by side, and on one page.
COLUMNS = 4
PER_PAGE = 8
#: Height of the two panels of a function with their title and tick labels, in inches.
BAND_HEIGHT = 4.1
#: Share of a panel's height above the budget, for medians that are infinite.
STRIP = 0.2
#: How far apart the rules of one dimension stand, as a share of the distance between dimensions.
SPREAD = 0.5


class Scale(NamedTuple):
    """What one row of panels shows.

    Attributes:
        name: Its columns are ``name_median``, ``name_low`` and ``name_high``.
        title: Of its axis.
        lost: What an infinite median means.
        limits: Lowest and highest value in reach of the lines.
    """

    name: str
    title: str
    lost: str
    limits: tuple[float, float]


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws medians over the report starts with their intervals against the dimension.

    Args:
        evidence: The run.
        setting: Which configuration of each rule.

    Returns:
        One figure for every eight functions; none if no function has two dimensions.
    """
    frame = evidence.frame("dimension")
    frame = frame[frame["setting"] == setting]
    rules = optimizers(frame["optimizer"])
    figures = []
    for names in panels.chunks(sorted({str(name) for name in frame["function"]}), PER_PAGE):
        shown = frame[frame["function"].isin(names)]
        bands = panels.chunks(names, COLUMNS)
        sheet = panels.page(
            evidence,
            "Dimension",
            "Gradient evaluations to a relative gap of 1e-3, and relative gap at the end of the budget, against the "
            f"dimension; setting: {SETTING_TITLES[setting]}. Medians over the report starts.",
            _notes(evidence, shown),
            BAND_HEIGHT * len(bands) + 0.1,
            panels.rule_handles(rules),
        )
        scales = _scales(evidence, shown)
        for k, band in enumerate(bands):
            top = sheet.top - BAND_HEIGHT * k
            part = sheet._replace(top=top, bottom=top - BAND_HEIGHT)
            _band(part, shown, band, rules, scales, len(bands[0]))
        figures.append(sheet.figure)
    return figures


def _notes(evidence: Evidence, frame: pd.DataFrame) -> list[str]:
    budget = evidence.manifest.get("budget")
    within = "the budget" if budget is None else f"the budget of {budget}"
    notes = [
        f"Hollow, above the dotted line, in the legend's order: the median is infinite. Not reached: half of the runs "
        f"or more missed the gap within {within}; lost: half or more diverged or escaped.",
        f"Relative gap: ({panels.judged(evidence)} f - f_star)/f_scale. Rules stand side by side at each dimension, so "
        f"that their bars show. {notes_of_tables.targets(evidence)}",
    ]
    if evidence.scoring is Scoring.TOUCHED and any(evidence.problem(str(p)).get("noise") for p in frame["problem"]):
        notes[1] += " Under noise the gap is that of the last iterate."
    bars = "Bars: 95 % intervals, these problems, new starts; one that crosses the dotted line has no upper end."
    if any(_unbounded(frame, name).any() for name in ("evals", "gap")):
        bars += " One without either end, as of fewer than six starts, is not drawn."
    notes.append(bars)
    if (frame["gap_median"].to_numpy(float) < FLOOR).any():
        notes.append(f"Gaps below {FLOOR:g}, zero ones included, are drawn on the lower edge.")
    if (frame["reach_starts"] == 0).any():
        notes.append("Where every start meets the gap of 1e-3 already, there are no evaluations to count.")
    return notes


def _unbounded(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Returns where an interval says nothing at all."""
    return np.asarray((frame[f"{name}_low"] <= 0) & np.isinf(frame[f"{name}_high"].to_numpy(float)))


def _scales(evidence: Evidence, frame: pd.DataFrame) -> tuple[Scale, Scale]:
    """Returns the scales of both rows, the same in all columns of a page."""
    evals, gaps = (_finite(frame, name) for name in ("evals", "gap"))
    # The cost of one step: 1, or less on a batch.
    least = min(float(evidence.problem(str(label)).get("trip_cost", 1.0)) for label in frame["problem"])
    most = float(evidence.manifest.get("budget", max(evals.max(initial=1.0), 10.0)))
    fewest = min(float(evals.min(initial=most)), most / 10)
    low = max(float(gaps.min(initial=1.0)), FLOOR)
    high = max(float(gaps.max(initial=low)), 10 * low)
    return (
        Scale("evals", "evaluations", "not\nreached", (max(fewest, least) / 1.3, most)),
        Scale("gap", "relative gap", "lost", (10 ** np.floor(np.log10(low)), high * 1.5)),
    )


def _finite(frame: pd.DataFrame, name: str) -> np.ndarray:
    values = frame[[f"{name}_low", f"{name}_median", f"{name}_high"]].to_numpy(float)
    return np.asarray(values[np.isfinite(values) & (values > 0)])


def _band(
    sheet: panels.Page, frame: pd.DataFrame, names: list[str], rules: list[str], scales: tuple[Scale, Scale], n: int
) -> None:
    """Draws the functions of one band, each with a panel for each scale, in a grid of ``n`` columns."""
    grid = sheet.grid(2, n, pad=panels.Pad(0.84, 0.12, 0.3, 0.5, 0.16, 0.12))
    for row, scale in zip(grid, scales, strict=True):
        for ax in row[len(names) :]:
            ax.set_axis_off()
        for k, (ax, name) in enumerate(zip(row, names, strict=False)):
            _panel(ax, frame[frame["function"] == name], rules, scale)
            if k == 0:
                ax.set_ylabel(scale.title)
            else:
                ax.tick_params(labelleft=False)
    for upper, lower, name in zip(*grid, names, strict=False):
        panels.panel_title(upper, name, 4.0)
        upper.tick_params(labelbottom=False)
        lower.set_xlabel("dimension")


def _panel(ax: Axes, frame: pd.DataFrame, rules: list[str], scale: Scale) -> None:
    ax.set_xscale("log")
    ax.set_yscale("log")
    dims = np.array(sorted(set(frame["dim"])), dtype=float)
    nearest = float(np.min(np.diff(np.log10(dims)), initial=1.0))
    ax.set_xlim(dims[0] / 10 ** (0.6 * nearest), dims[-1] * 10 ** (0.6 * nearest))
    ax.xaxis.set_major_locator(FixedLocator(dims.tolist()))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks(dims, [formatting.rate(dim) if dim >= 1e5 else f"{dim:.0f}" for dim in dims])
    bottom, edge = scale.limits
    top = edge * (edge / bottom) ** (STRIP / (1 - STRIP))
    ax.set_ylim(bottom, top)
    first, last = int(np.ceil(np.log10(bottom))), int(np.floor(np.log10(edge)))
    step = max(1, (last - first) // 5 + 1)
    powers = range(first, last + 1, step)
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_yticks(
        [*(10.0**k for k in powers), (edge * top) ** 0.5],
        [*(rf"$\mathdefault{{10^{{{k}}}}}$" for k in powers), scale.lost],
    )
    ax.axhline(edge, color=style.FAINT, lw=0.8, linestyle=(0, (1, 1.5)), zorder=1)
    places = np.linspace(-0.5, 0.5, len(rules)) if len(rules) > 1 else np.zeros(1)
    for k, rule in enumerate(rules):
        data = frame[frame["optimizer"] == rule].sort_values("dim")
        shift = 10 ** (SPREAD * nearest * places[k])
        level = edge * (top / edge) ** (1 - (k + 1) / (len(rules) + 1))
        _line(ax, rule, data, scale, shift, level, k)


def _line(ax: Axes, rule: str, data: pd.DataFrame, scale: Scale, shift: float, level: float, k: int) -> None:
    """Draws one rule: medians joined where they are finite, hollow marks on its own level where they are not."""
    look = style.look(rule)
    bottom = scale.limits[0]
    x = data["dim"].to_numpy(float) * shift
    low, median, high = (data[f"{scale.name}_{end}"].to_numpy(float) for end in ("low", "median", "high"))
    lost = np.isinf(median)
    y = np.where(lost, level, np.maximum(median, bottom))
    told = ~np.isnan(median) & ~_unbounded(data, scale.name)
    ends = np.maximum(low[told], bottom), np.where(np.isinf(high[told]), level, np.maximum(high[told], bottom))
    if told.any():
        ax.vlines(x[told], *ends, color=look.color, lw=0.8, alpha=0.55, zorder=2)
    if lost.any():
        # A line that ends in a miss leads up to it, faintly: it has no slope to read.
        ax.plot(x, y, color=look.color, lw=0.6, alpha=0.35, linestyle=(0, (1, 2)), zorder=2)
    ax.plot(x, np.where(lost, np.nan, y), color=look.color, linestyle=look.dash, lw=1.2, zorder=3 + 0.01 * k)
    # Only what is there: with eighty rules every artist counts.
    for at, size, fill in ((~lost, 3.4, look.color), (lost, 3.0, "white")):
        if not at.any():
            continue
        ax.plot(
            x[at], y[at], linestyle="none", marker=look.marker, color=look.color, mfc=fill, markersize=size, mew=0.8,
            clip_on=False, zorder=3 + 0.01 * k,
        )  # fmt: skip
