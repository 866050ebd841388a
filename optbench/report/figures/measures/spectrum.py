"""The spectrum of the Hessian at the ends of runs: its smoothed density, one panel per task and optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from optbench.report import style
from optbench.report.evidence import SETTING_TITLES, Evidence, optimizers
from optbench.report.figures import panels
from optbench.report.figures.measures import density, pictured
from optbench.report.formats import escaping, formatting
from optbench.report.tables.common_notes import absent

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROW_HEIGHT = 2.1
#: The measure that is drawn.
NAME = "hessian_spectrum"
#: Runs that have a line in a panel.
MOST_LINES = 10
#: The lower edge of the axis, as a share of the highest density.
FLOOR = 1e-8
#: In place of 0, which has no place on a logarithmic axis.
TINY = 1e-300
#: Color of the runs behind the one that is drawn.
OTHERS = "#c4c4c4"


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws the densities of the reported runs of each optimizer.

    Args:
        evidence: The run.
        setting: Which configuration of each optimizer; the default where nothing stands for it.

    Returns:
        The pages; none where no spectrum was measured.
    """
    if evidence.measures.empty:
        return []
    entry = evidence.of_kind.entry
    frame, shown = pictured.of_setting(evidence, setting, (NAME,))
    if frame.empty:
        return []
    labels, rules = evidence.entries(frame[entry]), optimizers(frame["rule"])
    firsts = frame.drop_duplicates([entry, "optimizer"]).to_dict("records")
    firsts.sort(
        key=lambda row: (labels.index(row[entry]), rules.index(row["rule"]), row["swept_value"], row["optimizer"])
    )
    order = [(str(row[entry]), str(row["optimizer"])) for row in firsts]
    return [_page(evidence, frame, some, shown) for some in panels.chunks(order, panels.PER_PAGE)]


def _page(evidence: Evidence, frame: pd.DataFrame, order: list[tuple[str, str]], setting: str) -> Figure:
    entry = evidence.of_kind.entry
    points = evidence.of_kind.points
    several = len({label for label, _ in order}) > 1
    rules = list(dict.fromkeys(rule for _, rule in order))
    subject = "" if points is None else f", {points.subject(evidence)}"
    sheet = panels.page(
        evidence,
        "Spectrum of the Hessian",
        "Smoothed density of its eigenvalues at the end of the run whose largest one is the median, other reported "
        f"runs in gray; setting: {SETTING_TITLES[setting]}.",
        [
            f"Of the Hessian{subject}: nodes and weights of stochastic Lanczos quadrature, smoothed by a Gaussian of "
            f"variance {formatting.rate(density.SMOOTHING)} max(1, largest - smallest node), the default of "
            "google/spectral-density and PyHessian.",
            "A bell that stands alone is a single eigenvalue or a few: its area is their share of all eigenvalues, its "
            "width that of the Gaussian. Between the bells the curve says nothing. Stored nodes and weights are raw.",
            *[escaping.figure(note, limit=1000) for note in absent(evidence)],
        ],
        ROW_HEIGHT * panels.rows(len(order)) + 0.3,
        _handles(rules),
        scored=False,
    )
    titles = [f"{label}, {rule}" if several else rule for label, rule in order]
    axes = panels.small_multiples(sheet, titles, between_rows=0.55)
    for i, (ax, (label, rule)) in enumerate(zip(axes, order, strict=True)):
        mine = frame[(frame[entry] == label) & (frame["optimizer"] == rule)]
        _panel(ax, mine, style.look(rule).color)
        if panels.is_left(i):
            ax.set_ylabel("density")
        if panels.is_bottom(i, len(order)):
            ax.set_xlabel("eigenvalue")
    return sheet.figure


def _handles(rules: list[str]) -> list[Artist]:
    names = [escaping.figure(rule, 24) for rule in rules]
    return [
        Line2D([], [], color=style.look(rule).color, label=f" {name}" if name.startswith("_") else name)
        for rule, name in zip(rules, names, strict=True)
    ]


def _panel(ax: Axes, frame: pd.DataFrame, color: str) -> None:
    """Draws the density of the run whose largest eigenvalue is the median, the others in gray behind it."""
    ax.set_yscale("log")
    order = np.argsort([np.max(nodes) for nodes in frame["grid"]], kind="stable")
    middle = int(order[(len(order) - 1) // 2])
    others = [place for place in range(len(frame)) if place != middle]
    highest, ends = 0.0, []
    for place in [*others[: MOST_LINES - 1], middle]:
        theta, w = (np.asarray(list(frame[name].iloc[place]), dtype=np.float64) for name in ("grid", "values"))
        at = density.places(theta)
        values = density.density(at, theta, w)
        highest = max(highest, float(values.max()))
        ends.append((float(theta.min()), float(theta.max())))
        look: dict[str, Any] = {"color": color, "linewidth": 1.0, "zorder": 4}
        if place != middle:
            look = {"color": OTHERS, "linewidth": 0.6, "zorder": 2}
        ax.plot(at, np.maximum(values, TINY), **look)
    ax.set_ylim(FLOOR * highest, 3 * highest)
    panels.log_ticks(ax, "y", 6)
    lowest, largest = (float(np.median(side)) for side in zip(*ends, strict=True))
    more = f", {len(ends)} of {len(frame)} runs" if len(frame) > len(ends) else ""
    said = f"from {formatting.significant(lowest)} to {formatting.significant(largest)} (medians){more}"
    ax.text(0.98, 0.96, said, transform=ax.transAxes, fontsize=7, color=style.INK, va="top", ha="right", zorder=20)
