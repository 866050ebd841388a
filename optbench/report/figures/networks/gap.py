"""The gap: what each regularizer does to test accuracy and gap; without any, how far training and test are apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from optbench.report import style
from optbench.report.evidence import SETTING_TITLES, Evidence, optimizers
from optbench.report.figures import panels
from optbench.report.figures.networks.training import shown_setting
from optbench.report.formats import escaping
from optbench.report.tables.networks import notes as network_notes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: Height of one dot with its interval, and of what stands around those of a panel, in inches.
DOT, AROUND = 0.2, 0.75
#: Dots at most on a page.
MOST_DOTS = 60
#: A panel of accuracies shows errors up to so many times the median rule's.
CUT = 4.0


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws dots with intervals: effects of regularizers where the run has any, else training and test accuracy.

    Args:
        evidence: The run.
        setting: Which configuration of each rule; the defaults where nothing was tuned.

    Returns:
        The pages.
    """
    frame = evidence.frame("network_effects")
    if not frame.empty:
        setting = shown_setting(frame, setting)
        return _effects(evidence, frame[frame["setting"] == setting], setting)
    frame = evidence.frame("network_summary")
    setting = shown_setting(frame, setting)
    frame = frame[(frame["setting"] == setting) & (frame["n_test"] > 0)]
    return _accuracies(evidence, frame, setting)


def _effects(evidence: Evidence, frame: pd.DataFrame, setting: str) -> list[Figure]:
    """Draws one row of two panels for each task without regularizers."""
    rules = optimizers(frame["optimizer"])
    figures = []
    sizes = frame.groupby("base").size()
    for labels in _pages(evidence.tasks(frame["base"]), sizes):
        part = frame[frame["base"].isin(labels)]
        heights = [DOT * int(sizes[label]) * 0.8 + 0.25 for label in labels]
        sheet = panels.page(
            evidence,
            "What regularizers do",
            "Test accuracy and gap (training minus test accuracy) with the regularizer minus without any, in points; "
            f"setting: {SETTING_TITLES[setting]}.",
            [
                f"Bars: intervals, {network_notes.INTERVALS}, paired; they hold one at a time. Same data, model, rule "
                "and budget on both sides; less gap is better.",
                *_clipped(part),
                *network_notes.beside(evidence, rules),
            ],
            sum(heights) + AROUND * len(labels),
            panels.rule_handles(rules, solid=True),
        )
        pad = panels.Pad(1.75, 0.15, 0.3, 0.45, 0.3, AROUND - 0.1)
        for row, label in zip(sheet.grid(len(labels), 2, pad=pad, height_ratios=heights), labels, strict=True):
            data = part[part["base"] == label]
            panels.row_title(row[0], label, 6.0)
            for ax, name, title in zip(row, ("test", "gap"), _EFFECT_TITLES, strict=True):
                _dots(ax, data, name, evidence.tasks(data["task"]), rules)
                ax.set_xlabel(title)
            row[1].tick_params(labelleft=False)
        figures.append(sheet.figure)
    return figures


_EFFECT_TITLES = ("effect on test accuracy, points", "effect on the gap, points")


def _pages(labels: list[str], sizes: pd.Series) -> list[list[str]]:
    """Returns which labels stand on one page."""
    pages: list[list[str]] = []
    for label in labels:
        if pages and sum(int(sizes[name]) for name in pages[-1]) + int(sizes[label]) <= MOST_DOTS:
            pages[-1].append(label)
        else:
            pages.append([label])
    return pages


def _clipped(frame: pd.DataFrame) -> list[str]:
    if frame["n_pairs"].max() < 2:
        return ["No intervals: of a single seed nothing is known about others."]
    return []


def _dots(ax: Axes, data: pd.DataFrame, name: str, tasks: list[str], rules: list[str]) -> None:
    """Draws the effect of each regularizer for each rule."""
    regularizers = {task: str(data.loc[data["task"] == task, "regularizer"].iloc[0]) for task in tasks}
    shown = [rule for rule in rules if (data["optimizer"] == rule).any()]
    for t, task in enumerate(tasks):
        for k, rule in enumerate(shown):
            row = data[(data["task"] == task) & (data["optimizer"] == rule)]
            if row.empty:
                continue
            y = t + 0.8 * ((k + 0.5) / len(shown) - 0.5)
            _dot(ax, row.iloc[0], name, y, style.look(rule))
        if t:
            ax.axhline(t - 0.5, color="#e4e4e4", lw=0.6, zorder=1)
    ax.axvline(0, color="#888888", lw=0.8, zorder=1)
    ax.set_ylim(len(tasks) - 0.5, -0.5)
    ax.set_yticks(range(len(tasks)), [escaping.figure(regularizers[task], 26) for task in tasks])
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)


def _dot(ax: Axes, row: pd.Series, name: str, y: float, look: style.Look) -> None:
    low, middle, high = (100 * float(row[column]) for column in (f"{name}_low", name, f"{name}_high"))
    if np.isfinite([low, high]).all():
        ax.plot([low, high], [y, y], color=look.color, lw=1.4, alpha=0.75, zorder=2)
    if np.isfinite(middle):
        ax.plot(middle, y, look.marker, color=look.color, markersize=4.5, zorder=3)


_FAILED = "A run that failed has no scores and counts as wrong on every example."


def _accuracies(evidence: Evidence, frame: pd.DataFrame, setting: str) -> list[Figure]:
    """Draws one panel per task, one line per rule."""
    rules = optimizers(frame["optimizer"])
    figures = []
    for labels in panels.chunks(evidence.tasks(frame["task"]), 2 * max(1, MOST_DOTS // max(2 * len(rules), 1))):
        part = frame[frame["task"].isin(labels)]
        rows = -(-len(labels) // 2)
        sheet = panels.page(
            evidence,
            "Training and test",
            "Accuracy on test examples with its interval, and on training examples; setting: "
            f"{SETTING_TITLES[setting]}.",
            [
                f"Bars: intervals of the test accuracy, {network_notes.INTERVALS}. Intervals of two rules may overlap "
                "although they differ: runs are paired. A number after '<' is a test accuracy beyond the left edge.",
                *([_FAILED] if part["failed"].any() else []),
                *network_notes.beside(evidence, rules),
            ],
            rows * (DOT * len(rules) + AROUND + 0.2),
            _handles(),
        )
        pad = panels.Pad(1.35, 0.2, 0.3, 0.45, 1.45, 0.75)
        axes = [ax for row in sheet.grid(rows, min(2, len(labels)), pad=pad) for ax in row]
        for surplus in axes[len(labels) :]:
            surplus.set_axis_off()
        for ax, label in zip(axes, labels, strict=False):
            panels.panel_title(ax, label, 4.0)
            own = part[part["task"] == label]
            # Batch sizes of arms are compared with each other, so their panels have one axis.
            _pairs(ax, own, _left(part if evidence.manifest.get("arms") else own))
            ax.set_xlabel("accuracy, %")
        figures.append(sheet.figure)
    return figures


def _handles() -> list[Artist]:
    return [
        Line2D([], [], color=style.INK, marker="o", label="test"),
        Line2D([], [], color=style.INK, marker="o", markerfacecolor="white", linestyle="none", label="training"),
    ]


def _left(data: pd.DataFrame) -> float:
    """Returns where an axis of these accuracies begins, in percent."""
    names = ("test_accuracy", "test_low", "train_accuracy")
    values = 100 * np.nan_to_num(data[list(names)].to_numpy(float), nan=1.0)
    # One rule that learned nothing must not press all others into a corner: it stands beyond the edge, with its value.
    least = max(0.0, 100.0 - CUT * (100.0 - float(np.median(values[:, 0]))))
    left = max(least, float(values.min()))
    return left - 0.02 * (100.0 - left)


def _pairs(ax: Axes, data: pd.DataFrame, left: float) -> None:
    """Draws training and test accuracy of each rule in one panel that begins at ``left``."""
    rules = optimizers(data["optimizer"])
    for y, rule in enumerate(rules):
        row = data[data["optimizer"] == rule].iloc[0]
        look = style.look(rule)
        test, low, high, train = (
            100 * float(row[c]) for c in ("test_accuracy", "test_low", "test_high", "train_accuracy")
        )
        if np.isfinite([low, high]).all():
            ax.plot([max(low, left), max(high, left)], [y, y], color=look.color, lw=1.4, alpha=0.75, zorder=2)
        shape: dict[str, Any] = {"color": look.color, "markersize": 5, "clip_on": False}
        if train >= left:
            ax.plot(train, y, look.marker, markerfacecolor="white", zorder=3, **shape)
        if test >= left:
            ax.plot(test, y, look.marker, zorder=4, **shape)
        else:
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
            ax.text(left, y, f" < {test:.1f}", fontsize=7.5, color=look.color, va="center", zorder=5, bbox=box)
    ax.set_xlim(left, 100.0 + 0.02 * (100.0 - left))
    ax.set_ylim(len(rules) - 0.5, -0.5)
    ax.set_yticks(range(len(rules)), [escaping.figure(rule, 18) for rule in rules])
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)
