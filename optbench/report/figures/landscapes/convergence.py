"""Convergence: the relative gap against gradient evaluations, one panel per problem."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from optbench.records import Scoring
from optbench.report import style
from optbench.report.evidence import SETTING_TITLES, Evidence, optimizers
from optbench.report.figures import panels
from optbench.report.figures.pages import Pages
from optbench.report.formats import escaping, formatting
from optbench.report.tables.landscapes import notes as notes_of_tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: Gaps below this are drawn on the lower edge.
FLOOR = formatting.GAP_FLOOR
ROW_HEIGHT = 2.25


def draw(evidence: Evidence, setting: str) -> Sequence[Figure]:
    """Draws median and quartiles of the relative gap over the report starts.

    Args:
        evidence: The run.
        setting: Which configuration of each rule.

    Returns:
        One figure for every twelve problems.
    """
    frame = evidence.frame("convergence")
    # Evaluation 0, the start itself, has no place on a logarithmic axis. A step on a batch costs less than 1.
    frame = frame[(frame["setting"] == setting) & (frame["cost"] > 0)]
    rules = optimizers(frame["optimizer"])
    pages = panels.chunks(evidence.problems(frame["problem"]), panels.PER_PAGE)
    shown = (frame[frame["problem"].isin(labels)] for labels in pages)
    return Pages([partial(_page, evidence, part, labels, rules) for part, labels in zip(shown, pages, strict=True)])


def _page(evidence: Evidence, shown: pd.DataFrame, labels: list[str], rules: list[str]) -> Figure:
    setting = str(shown["setting"].iloc[0])
    sheet = panels.page(
        evidence,
        "Convergence",
        f"{_drawn(evidence)} against gradient evaluations; setting: {SETTING_TITLES[setting]}. Lines: median over "
        "the report starts; bands: quartiles.",
        _notes(evidence, shown),
        ROW_HEIGHT * panels.rows(len(labels)) + 0.25,
        panels.rule_handles(rules),
    )
    for i, (ax, label) in enumerate(zip(panels.small_multiples(sheet, labels, between_rows=0.5), labels, strict=True)):
        _panel(ax, shown[shown["problem"] == label], rules)
        if panels.is_left(i):
            ax.set_ylabel("relative gap")
        if panels.is_bottom(i, len(labels)):
            ax.set_xlabel("gradient evaluations")
    return sheet.figure


def _f(evidence: Evidence) -> str:
    return "f at each cost" if evidence.scoring is Scoring.SETTLED else "best f so far"


def _drawn(evidence: Evidence) -> str:
    return "Relative gap" if evidence.scoring is Scoring.SETTLED else "Best relative gap so far"


def _notes(evidence: Evidence, frame: pd.DataFrame) -> list[str]:
    notes = [
        f"Relative gap: ({_f(evidence)} - f_star)/f_scale. The spread is between starts; it is no confidence interval."
    ]
    known = [evidence.problem(str(label)) for label in frame["problem"].unique()]
    if evidence.scoring is Scoring.TOUCHED and any(problem.get("noise") for problem in known):
        notes.append("Under noise or in batches the gap is that of the iterate at each cost, not of the best so far.")
    if any(problem.get("batch_size") for problem in known):
        notes.append(notes_of_tables.BATCHES)
    values = frame[["q25", "median", "q75"]].to_numpy(float)
    if (values < FLOOR).any():
        notes.append(f"Gaps below {FLOOR:g}, zero and negative ones included, are drawn on the lower edge.")
    if np.isinf(frame["median"].to_numpy(float)).any():
        notes.append("A line ends with a cross where half of the runs or more have diverged or escaped (median inf).")
    return notes


def _panel(ax: Axes, frame: pd.DataFrame, rules: list[str]) -> None:
    ax.set_xscale("log")
    ax.set_yscale("log")
    values = frame[["q25", "median", "q75"]].to_numpy(float)
    finite = values[np.isfinite(values)]
    if not finite.size:
        ax.text(0.5, 0.5, "no finite gap", transform=ax.transAxes, ha="center", va="center", color=style.INK)
        return
    low = max(FLOOR, float(np.min(np.maximum(finite, FLOOR))))
    high = max(float(np.max(finite)), 10 * low)
    bottom, top = 10 ** np.floor(np.log10(low)), 10 ** (np.log10(high) + 0.15)
    remarks = []
    for k, rule in enumerate(rules):
        data = frame[frame["optimizer"] == rule].sort_values("cost")
        if data.empty:
            continue
        remarks += _line(ax, rule, data, (bottom, top), k)
    costs = frame["cost"].to_numpy(float)
    first = min(costs.min(), 1.0)
    ax.set_xlim(first, max(costs.max(), 10 * first))
    ax.set_ylim(bottom, top)
    panels.log_ticks(ax, "x", 6)
    panels.log_ticks(ax, "y", 6)
    panels.remark(ax, remarks)


def _line(ax: Axes, rule: str, data: pd.DataFrame, limits: tuple[float, float], k: int) -> list[str]:
    """Draws one rule; returns what has to be said about it."""
    look = style.look(rule)
    cost, q25, median, q75 = (data[name].to_numpy(float) for name in ("cost", "q25", "median", "q75"))
    bottom, top = limits
    n = int(np.isfinite(median).sum())
    ax.fill_between(cost, np.clip(q25, bottom, top), np.clip(q75, bottom, top), color=look.color, alpha=0.13, lw=0)
    clipped = np.clip(median[:n], bottom, None)
    # Few markers, at another place on each curve, so that curves on top of each other stay apart.
    ax.plot(
        cost[:n], clipped, color=look.color, linestyle=look.dash, marker=look.marker,
        markevery=(2 + k % 7, 8), clip_on=False, zorder=3 + 0.01 * k,
    )  # fmt: skip
    if n == len(median):
        return []
    if n:
        ax.plot(cost[n - 1], clipped[-1], "x", color=look.color, markersize=8, markeredgewidth=2, zorder=6)
        return [f"{escaping.figure(rule, 20)}: inf from {cost[n]:g} on"]
    return [f"{escaping.figure(rule, 20)}: inf throughout"]
