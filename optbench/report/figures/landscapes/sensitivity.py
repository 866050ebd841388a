"""Sensitivity: how the score depends on the swept constant, one panel per problem."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from optbench.report import style
from optbench.report.evidence import Evidence, optimizers
from optbench.report.figures import panels
from optbench.report.figures.landscapes import plane
from optbench.report.figures.pages import Pages
from optbench.report.formats import escaping

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROW_HEIGHT = 2.6
#: Height of one rule's line in the strip of diverged shares, in units of the score.
STRIP = 0.062
#: Rules up to which a panel has bands; those of more cover each other.
MOST_BANDS = 7


def draw(evidence: Evidence, setting: str) -> Sequence[Figure]:
    """Draws the mean score over the grid with its interval, and below it the share of diverged runs.

    Rules that sweep another constant than the first one's are drawn on a second axis above the panel, if
    they share one constant; each further constant gets a figure of its own.

    Args:
        evidence: The run.
        setting: Not used: the grid holds every configuration.

    Returns:
        One figure for every twelve problems.
    """
    del setting
    frame = evidence.frame("sensitivity")
    if frame.empty:
        return []
    swept = sorted({str(name) for name in frame["swept"]}, key=lambda name: (name != "lr", name))
    axes = [swept] if len(swept) <= 2 else [[name] for name in swept]
    made = []
    for names in axes:
        part = frame[frame["swept"].isin(names)]
        pages = panels.chunks(evidence.problems(part["problem"]), panels.PER_PAGE)
        made += [partial(_page, evidence, part[part["problem"].isin(labels)], labels, names) for labels in pages]
    return Pages(made)


def _page(evidence: Evidence, frame: pd.DataFrame, labels: list[str], names: list[str]) -> Figure:
    rules = optimizers(frame["optimizer"])
    upper = optimizers(frame.loc[frame["swept"] != names[0], "optimizer"])
    bands = "Bands: 95 % intervals, these problems, new starts."
    if len(rules) > MOST_BANDS:
        bands = f"Intervals are left out: those of more than {MOST_BANDS} rules would cover each other."
    notes = [
        f"Score: mean log-time area over the 51 {evidence.scoring} targets, 1 best, 0 if none is met; a diverged run "
        f"scores 0. {bands}",
        "Below zero, one line per rule in the legend's order: share of diverged runs (full color: all of them).",
    ]
    if said := plane.units(evidence):
        notes.append(said)
    if upper:
        shown = ", ".join(escaping.figure(rule, 20) for rule in upper)
        notes.insert(0, f"{shown}: no learning rate; its {names[1]} on the colored axis above the panels.")
    unjoined = panels.unjoined(evidence, rules)
    if unjoined:
        notes.append(panels.UNJOINED)
    sheet = panels.page(
        evidence,
        "Sensitivity",
        f"Score over the report starts against {'the learning rate' if names[0] == 'lr' else names[0]}.",
        notes,
        ROW_HEIGHT * panels.rows(len(labels)) + 0.3,
        panels.rule_handles(rules),
    )
    pads = (31.0, 19.0) if upper else (4.0, 4.0)
    axes = panels.small_multiples(sheet, labels, between_rows=0.8 if upper else 0.5, pads=pads)
    for i, (ax, label) in enumerate(zip(axes, labels, strict=True)):
        data = frame[frame["problem"] == label]
        above = _above(ax, data, names[1], upper, i) if upper else None
        _panel(ax, above, data, rules, names[0], unjoined)
        if panels.is_left(i):
            ax.set_ylabel("score")
        if panels.is_bottom(i, len(labels)):
            ax.set_xlabel("learning rate lr" if names[0] == "lr" else escaping.figure(names[0]))
    return sheet.figure


def _above(ax: Axes, data: pd.DataFrame, name: str, rules: list[str], index: int) -> Axes:
    """Returns the axis on top of a panel for rules that sweep another constant, in the rules' color."""
    color = style.look(rules[0]).color if len(rules) == 1 else style.INK
    twin = ax.twiny()
    twin.set_xscale("log")
    values = data.loc[data["swept"] == name, "swept_value"].to_numpy(float)
    if values.size:
        twin.set_xlim(*_limits(values))
    panels.log_ticks(twin, "x", 6)
    twin.grid(False)
    twin.tick_params(axis="x", colors=color, pad=1)
    twin.spines["top"].set_visible(True)
    twin.spines["top"].set_color(color)
    if index < panels.COLUMNS:
        twin.set_xlabel(escaping.figure(f"{name} ({', '.join(rules)})", 40), color=color, labelpad=2)
    return twin


def _limits(values: np.ndarray) -> tuple[float, float]:
    """Returns the ends of a logarithmic axis half a grid step beyond the values."""
    steps = np.log10(np.unique(values))
    half = float(np.median(np.diff(steps))) / 2 if steps.size > 1 else 0.5
    return 10 ** (float(steps[0]) - half), 10 ** (float(steps[-1]) + half)


def _panel(ax: Axes, above: Axes | None, data: pd.DataFrame, rules: list[str], name: str, unjoined: set[str]) -> None:
    ax.set_xscale("log")
    values = data.loc[data["swept"] == name, "swept_value"].to_numpy(float)
    if values.size:
        ax.set_xlim(*_limits(values))
    panels.log_ticks(ax, "x", 6)
    depth = STRIP * len(rules) + 0.04
    shown = "score_high" if len(rules) <= MOST_BANDS else "score_mean"
    highest = float(np.nanmax(data[shown].to_numpy(float), initial=0.0))
    # A problem on which nothing scores high keeps a readable scale; the strip below keeps its size in it.
    top = min(1.0, max(0.25, np.ceil(highest * 10) / 10))
    for k, rule in enumerate(rules):
        part = data[data["optimizer"] == rule].sort_values("swept_value")
        if part.empty:
            continue
        target = above if above is not None and (part["swept"] != name).all() else ax
        _line(target, rule, part, k, joined=rule not in unjoined, band=len(rules) <= MOST_BANDS)
        _strip(target, rule, part["swept_value"].to_numpy(float), part["diverged_share"].to_numpy(float), k, top)
    ax.set_ylim(-depth * top, top * 1.04)
    ax.axhline(0, color="#888888", lw=0.7, zorder=1)
    ax.text(
        0.015, -depth * top * 0.55, "diverged", transform=ax.get_yaxis_transform(), fontsize=7, color=style.FAINT,
        va="center", zorder=1,
    )  # fmt: skip
    step = next(step for step in (0.05, 0.1, 0.2) if top / step <= 5.01)
    ticks = np.arange(0, top + step / 2, step)
    ax.set_yticks(ticks, [f"{tick:.2g}" for tick in ticks])


def _line(ax: Axes, rule: str, part: pd.DataFrame, k: int, *, joined: bool, band: bool) -> None:
    look = style.look(rule)
    x, mean, low, high = (
        part[name].to_numpy(float) for name in ("swept_value", "score_mean", "score_low", "score_high")
    )
    if joined and band:
        ax.fill_between(x, low, high, color=look.color, alpha=0.1, lw=0)
    ax.plot(
        x, mean, color=look.color, linestyle=look.dash if joined else "none", marker=look.marker, markersize=3.6,
        zorder=3 + 0.01 * k,
    )  # fmt: skip


def _strip(ax: Axes, rule: str, x: np.ndarray, share: np.ndarray, k: int, top: float) -> None:
    """Draws the share of diverged runs as a line of cells, one per value of the grid."""
    if not x.size:
        return
    color = style.look(rule).color
    logs = np.log10(x)
    half = float(np.median(np.diff(logs))) / 2 if logs.size > 1 else 0.17
    y = -(0.03 + STRIP * (k + 1)) * top
    width = 10 ** (logs + half) - 10 ** (logs - half)
    for left, w, s in zip(10 ** (logs - half), width, np.nan_to_num(share), strict=True):
        if s > 0:
            alpha = 0.12 + 0.88 * float(s)
            cell = Rectangle(
                (float(left), y), float(w), STRIP * 0.86 * top, facecolor=color, alpha=alpha, lw=0, zorder=2
            )
            ax.add_artist(cell)
