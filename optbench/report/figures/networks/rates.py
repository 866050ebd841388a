"""Rates: validation accuracy of the tuning runs against the swept value, one panel per task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from optbench.records import Split
from optbench.report import style
from optbench.report.evidence import Evidence, optimizers
from optbench.report.figures import panels
from optbench.report.figures.networks import accuracy_axis
from optbench.report.formats import escaping
from optbench.report.tables import common_notes
from optbench.report.tables.networks import notes as network_notes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROW_HEIGHT = 2.6


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws mean and range over the tuning seeds; the default and the chosen value are marked.

    Rules that sweep another constant than the learning rate get pages of their own, one constant each.

    Args:
        evidence: The run.
        setting: Not used: the grid holds every configuration.

    Returns:
        One figure for every twelve tasks and swept constant.
    """
    del setting
    frame = evidence.frame("network_rates")
    figures = []
    for name in sorted({str(swept) for swept in frame["swept"]}, key=lambda swept: (swept != "lr", swept)):
        part = frame[(frame["swept"] == name) & frame["swept_value"].notna()]
        pages = panels.chunks(evidence.tasks(part["task"]), panels.PER_PAGE)
        figures += [_page(evidence, part[part["task"].isin(labels)], labels, name) for labels in pages]
    return figures


def _page(evidence: Evidence, frame: pd.DataFrame, labels: list[str], name: str) -> Figure:
    rules = optimizers(frame["optimizer"])
    called = "the learning rate" if name == "lr" else escaping.figure(name)
    is_trial = frame["split"] == str(Split.TUNE)
    seeds = common_notes.seeds(common_notes.span(frame.loc[is_trial, "n_seeds"]), "tuning seed")
    notes = [
        f"Bars: lowest and highest of {seeds}; they are no confidence intervals. {accuracy_axis.SAYS}.",
        "A run that diverged or failed scores 0; values at which some did have a cross on the lower edge, one line for "
        "each rule. Nothing here was measured on test examples.",
    ]
    if frame["at_edge"].any():
        notes.append("An open square stands at the edge of its grid: a better value may lie outside.")
    if not is_trial.all():
        notes.append(
            "A default that is no value of its grid stands alone, at the mean of the reported seeds on validation."
        )
    unjoined = panels.unjoined(evidence, rules)
    if unjoined:
        notes.append(panels.UNJOINED)
    sheet = panels.page(
        evidence,
        "Rates" if name == "lr" else f"Rates: {called}",
        f"Accuracy on validation examples against {called}: mean over the tuning seeds of each value tried.",
        [*notes, *network_notes.beside(evidence, rules)],
        ROW_HEIGHT * panels.rows(len(labels)) + 0.3,
        [*panels.rule_handles(rules), *_handles()],
    )
    axes = panels.small_multiples(sheet, labels, between_rows=0.52)
    for i, (ax, label) in enumerate(zip(axes, labels, strict=True)):
        data = frame[frame["task"] == label]
        _panel(ax, data, rules, unjoined, int(evidence.task(label).get("n_validation", 0)))
        if panels.is_left(i):
            ax.set_ylabel("validation accuracy, %")
        if panels.is_bottom(i, len(labels)):
            ax.set_xlabel("learning rate lr" if name == "lr" else called)
    return sheet.figure


def _handles() -> list[Artist]:
    return [
        Line2D(
            [], [], color=style.INK, marker="o", markersize=9, markerfacecolor="none", linestyle="none", label="chosen"
        ),
        Line2D([], [], color=style.INK, marker="_", markersize=13, linestyle="none", label="default"),
    ]


def _panel(ax: Axes, data: pd.DataFrame, rules: list[str], unjoined: set[str], n_examples: int) -> None:
    ax.set_xscale("log")
    shown = []
    for k, rule in enumerate(rules):
        # Rules beside each other by a few percent, so that their bars stay apart.
        shift = 10 ** (min(0.03, 0.15 / len(rules)) * (k - (len(rules) - 1) / 2))
        every = data[data["optimizer"] == rule].sort_values("swept_value")
        part = every[every["split"] == str(Split.TUNE)]
        if part.empty:
            continue
        look = style.look(rule)
        shown.append(_default(ax, every[every["is_default"].astype(bool)], look, shift, n_examples))
        x = part["swept_value"].to_numpy(float) * shift
        mean, high, low = (accuracy_axis.error(part[c], n_examples) for c in ("accuracy", "high", "low"))
        shown.append(mean)
        ax.vlines(x, high, np.minimum(low, 1.0), color=look.color, lw=1.0, alpha=0.55, zorder=2)
        dash = "none" if rule in unjoined else look.dash
        ax.plot(x, mean, color=look.color, linestyle=dash, marker=look.marker, markersize=3.6, zorder=3 + 0.01 * k)
        _marks(ax, x, mean, part, look)
        missed = part["missed"].to_numpy(float) > 0
        ax.plot(
            x[missed], np.full(missed.sum(), 0.025 + 0.03 * k), "x", color=look.color, markersize=4,
            transform=ax.get_xaxis_transform(), zorder=4,
        )  # fmt: skip
    accuracy_axis.mark(ax, np.concatenate(shown) if shown else [0.01, 1.0], n_examples)
    panels.log_ticks(ax, "x", 6)


def _marks(ax: Axes, x: np.ndarray, y: np.ndarray, part: pd.DataFrame, look: style.Look) -> None:
    """Rings the chosen value, or squares it at the edge of its grid."""
    for at in np.flatnonzero(part["is_chosen"].to_numpy(bool)):
        shape = "s" if part["at_edge"].to_numpy(bool)[at] else "o"
        ax.plot(x[at], y[at], shape, color=look.color, markersize=9, markerfacecolor="none", zorder=5)


def _default(ax: Axes, rows: pd.DataFrame, look: style.Look, shift: float, n_examples: int) -> np.ndarray:
    """Draws a line through the default, which need not be a value of the grid; returns where it stands."""
    x, y = rows["swept_value"].to_numpy(float) * shift, accuracy_axis.error(rows["accuracy"], n_examples)
    ax.plot(x, y, "_", color=look.color, markersize=15, markeredgewidth=1.3, zorder=5)
    return y
