"""Training: validation loss and accuracy against passes over the training examples, a row of panels per task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from optbench.report import style
from optbench.report.evidence import SETTING_TITLES, Evidence, optimizers
from optbench.report.figures import panels
from optbench.report.figures.networks import accuracy_axis
from optbench.report.formats import escaping
from optbench.report.tables import common_notes
from optbench.report.tables.networks import notes as network_notes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROW_HEIGHT = 2.35
PER_PAGE = 5
#: More rules than this have no bands: they would cover each other.
MOST_BANDS = 7


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws median and quartiles over the reported seeds.

    Args:
        evidence: The run.
        setting: Which configuration of each rule; the defaults where nothing was tuned.

    Returns:
        One figure for every five tasks.
    """
    frame = evidence.frame("network_curves")
    setting = shown_setting(frame, setting)
    frame = frame[(frame["setting"] == setting) & (frame["grads"] >= 1)]
    rules = optimizers(frame["optimizer"])
    figures = []
    for labels in panels.chunks(evidence.tasks(frame["task"]), PER_PAGE):
        part = frame[frame["task"].isin(labels)]
        seeds = common_notes.seeds(common_notes.span(part["n_seeds"]), "reported seed")
        bands = "bands: quartiles" if len(rules) <= MOST_BANDS else f"of more than {MOST_BANDS} rules no quartiles"
        sheet = panels.page(
            evidence,
            "Training",
            f"Loss and accuracy on validation examples against passes over the training examples; setting: "
            f"{SETTING_TITLES[setting]}. Lines: median over {seeds}; {bands}.",
            _notes(evidence, part),
            ROW_HEIGHT * len(labels) + 0.1,
            panels.rule_handles(rules),
        )
        pad = panels.Pad(0.62, 0.12, 0.3, 0.48, 0.72, 0.62)
        for i, (row, label) in enumerate(zip(sheet.grid(len(labels), 2, pad=pad), labels, strict=True)):
            data = part[part["task"] == label]
            panels.panel_title(row[0], label, 4.0)
            _losses(row[0], data, rules)
            _accuracies(row[1], data, rules, int(evidence.task(label).get("n_validation", 0)))
            for ax in row:
                _passes(ax, data)
                if i == len(labels) - 1:
                    ax.set_xlabel("passes")
        figures.append(sheet.figure)
    return figures


def shown_setting(frame: pd.DataFrame, setting: str) -> str:
    """Returns the setting that a figure shows: the one asked for, or the defaults where nothing was tuned."""
    return setting if (frame["setting"] == setting).any() else "default"


def _notes(evidence: Evidence, frame: pd.DataFrame) -> list[str]:
    notes = [
        f"The spread is between seeds; it is no confidence interval. {accuracy_axis.SAYS}. A pass is as many gradients "
        "of single examples as there are training examples."
    ]
    if np.isinf(frame["loss_q75"].to_numpy(float)).any():
        notes.append(
            "A run that diverged or failed counts with an infinite loss and an accuracy of 0 from there on; a line of "
            "the loss ends with a cross where half of the runs have."
        )
    return [*notes, *network_notes.beside(evidence, optimizers(frame["optimizer"]))]


def _passes(ax: Axes, data: pd.DataFrame) -> None:
    ax.set_xscale("log")
    passes = data["passes"].to_numpy(float)
    ax.set_xlim(passes.min(), passes.max() * 1.02)
    panels.log_ticks(ax, "x", 6)


def _losses(ax: Axes, data: pd.DataFrame, rules: list[str]) -> None:
    ax.set_yscale("log")
    ax.set_ylabel("validation loss")
    values = data[["loss_q25", "loss_median", "loss_q75"]].to_numpy(float)
    finite = values[np.isfinite(values) & (values > 0)]
    if not finite.size:
        ax.text(0.5, 0.5, "no finite loss", transform=ax.transAxes, ha="center", va="center", color=style.INK)
        return
    bottom = float(finite.min()) / 1.15
    # A loss far above the start is that of a run on its way out; the others keep their scale.
    start = data.loc[data["grads"] == data["grads"].min(), "loss_median"].to_numpy(float)
    top = min(float(finite.max()), 4 * float(np.min(start, initial=np.inf, where=np.isfinite(start)))) * 1.15
    top = max(top, 2 * bottom)
    remarks = []
    for k, rule, line in _lines(data, rules):
        lost = _draw(ax, rule, line, "loss", (bottom, top), k, band=len(rules) <= MOST_BANDS)
        if lost is not None:
            remarks.append(f"{escaping.figure(rule, 20)}: inf from pass {lost:.3g} on")
    ax.set_ylim(bottom, top)
    panels.few_ticks(ax)
    panels.remark(ax, remarks)


def _accuracies(ax: Axes, data: pd.DataFrame, rules: list[str], n_examples: int) -> None:
    ax.set_ylabel("validation accuracy, %")
    names = ("accuracy_q75", "accuracy_median", "accuracy_q25")
    errors = data.assign(**{f"error_q{q}": accuracy_axis.error(data[name], n_examples) for q, name in enumerate(names)})
    errors = errors.rename(columns={"error_q0": "error_q25", "error_q1": "error_median", "error_q2": "error_q75"})
    for k, rule, line in _lines(errors, rules):
        _draw(ax, rule, line, "error", (0.0, 1.0), k, band=len(rules) <= MOST_BANDS)
    accuracy_axis.mark(ax, errors[["error_q25", "error_median", "error_q75"]].to_numpy(float), n_examples)


def _lines(data: pd.DataFrame, rules: list[str]) -> list[tuple[int, str, pd.DataFrame]]:
    """Returns place, name and curve of the rules that have one."""
    found = [(k, rule, data[data["optimizer"] == rule].sort_values("grads")) for k, rule in enumerate(rules)]
    return [(k, rule, line) for k, rule, line in found if not line.empty]


def _draw(
    ax: Axes, rule: str, line: pd.DataFrame, name: str, limits: tuple[float, float], k: int, *, band: bool
) -> float | None:
    """Draws one rule; returns from which pass on its median is infinite, if it becomes so."""
    look = style.look(rule)
    passes, q25, median, q75 = (line[c].to_numpy(float) for c in ("passes", *(f"{name}_{q}" for q in _QUARTILES)))
    n = int(np.isfinite(median).sum())
    if band:
        ax.fill_between(passes, np.clip(q25, *limits), np.clip(q75, *limits), color=look.color, alpha=0.13, lw=0)
    # Few markers, at another place on each curve, so that curves on top of each other stay apart.
    ax.plot(
        passes[:n], median[:n], color=look.color, linestyle=look.dash, marker=look.marker,
        markevery=(2 + k % 5, 6), zorder=3 + 0.01 * k,
    )  # fmt: skip
    if n == len(median):
        return None
    if n:
        height = min(max(median[n - 1], limits[0]), limits[1])
        ax.plot(passes[n - 1], height, "x", color=look.color, markersize=8, markeredgewidth=2, zorder=6)
    return float(passes[n])


_QUARTILES = ("q25", "median", "q75")
