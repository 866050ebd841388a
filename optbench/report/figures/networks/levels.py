"""Accuracy, gap and sharpness against the training loss, batch sizes as lines: one row of panels per arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from optbench.analysis.batch_sizes.arms import ordered
from optbench.analysis.batch_sizes.quantities import find_measure, settings_of
from optbench.report import style
from optbench.report.evidence import Evidence
from optbench.report.figures import panels
from optbench.report.figures.networks import arm_panels
from optbench.report.formats import escaping, formatting
from optbench.report.tables.batch_sizes import notes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROW_HEIGHT = 2.1
#: Arms on a page.
MOST_ARMS = 4
#: Fewest replicates of which a level is drawn: Student's interval of two would press all others flat.
FEWEST = 3
#: Share of the axis that the name of a level takes.
ROOM = 0.15


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws each arm on its way down.

    Args:
        evidence: The run.
        setting: Not used: an arm's runs have the setting that its suite names.

    Returns:
        The pages, primary arms first; none without arms or levels.
    """
    if not notes.has_arms(evidence) or not evidence.manifest.get("levels"):
        return []
    frame = evidence.frame("arm_levels")
    frame = frame[frame["n_numbers"] > 0]
    names = [str(arm["name"]) for arm in ordered(evidence.manifest) if (frame["arm"] == arm["name"]).any()]
    looks = arm_panels.size_looks(int(size) for size in frame["batch_size"])
    return [_page(evidence, frame[frame["arm"].isin(some)], some, looks) for some in panels.chunks(names, MOST_ARMS)]


def _page(evidence: Evidence, frame: pd.DataFrame, names: Sequence[str], looks: Mapping[int, style.Look]) -> Figure:
    titles = {name: title for name, title in _shown(evidence).items() if (frame["quantity"] == name).any()}
    sizes = {size: look for size, look in looks.items() if (frame["batch_size"] == size).any()}
    sheet = panels.page(
        evidence,
        "At equal training loss",
        "Test accuracy, gap (training minus test accuracy) and sharpness of the weights that were kept at each level "
        "of the training loss; time runs to the right.",
        [
            f"{arm_panels.intervals(evidence)} A level is drawn from {FEWEST} replicates on.",
            "Hollow: the end of the runs, at their mean training loss.",
            *arm_panels.beside(evidence),
        ],
        (ROW_HEIGHT + 0.55) * len(names) + 0.2,
        [*arm_panels.size_handles(sizes), *_end_handle()],
    )
    pad = panels.Pad(0.62, 0.12, 0.45, 0.48, 0.5, 0.72)
    for row, arm in zip(sheet.grid(len(names), len(titles), pad=pad), names, strict=True):
        found = next(one for one in evidence.manifest["arms"] if one["name"] == arm)
        panels.row_title(row[0], str(found.get("title") or arm), 16.0)
        mine = frame[frame["arm"] == arm]
        for ax, (name, title) in zip(row, titles.items(), strict=True):
            _panel(ax, mine, name, sizes, evidence.manifest["levels"])
            ax.set_title(escaping.figure(title, 26), loc="left", fontsize=8, color=style.INK, y=1.0, pad=3.0)
            if arm == names[-1]:
                ax.set_xlabel("training loss")
    return sheet.figure


def _end_handle() -> list[Artist]:
    return [
        Line2D([], [], color=style.INK, marker="o", markerfacecolor="white", linestyle="none", label="end of the runs")
    ]


def _shown(evidence: Evidence) -> dict[str, str]:
    """Returns what has a column of panels: both scores, Keskar's metric and the top eigenvalue, as far as measured."""
    known, titles = settings_of(evidence.measures), arm_panels.shown(evidence)
    keskar, top = find_measure(known, "keskar", eps=1e-3, subspace=0), find_measure(known, "hessian_top")
    # One of Keskar's is shown, so that its settings need not tell it from others: a panel has no room for them.
    found = {} if keskar is None else {keskar: "Keskar's metric, %"}
    return {**arm_panels.SCORES, **found, **({} if top is None else {top: titles[top]})}


def _panel(ax: Axes, frame: pd.DataFrame, name: str, sizes: Mapping[int, style.Look], levels: Sequence[float]) -> None:
    """Draws one quantity of one arm."""
    reached = frame[(frame["quantity"] == "train_loss") & (frame["level"].isna() | (frame["n_numbers"] >= FEWEST))]
    losses = reached[reached["level"].isna()].set_index("batch_size")["estimate"].to_dict()
    mine = frame[(frame["quantity"] == name) & (frame["level"].isna() | (frame["n_numbers"] >= FEWEST))]
    arm_panels.vertical(ax, name, arm_panels.scaled(name, mine[["low", "estimate", "high"]]))
    for k, (size, look) in enumerate(sizes.items()):
        rows = mine[mine["batch_size"] == size]
        shift = 1.04 ** (k - (len(sizes) - 1) / 2)
        kept = rows[rows["level"].notna()].sort_values("level", ascending=False)
        x = kept["level"].to_numpy(np.float64) * shift
        ax.plot(x, arm_panels.scaled(name, kept["estimate"]), color=look.color, lw=1.2, zorder=3)
        for place, row in zip(x, kept.to_dict("records"), strict=True):
            arm_panels.point(ax, place, {str(key): value for key, value in row.items()}, name, look)
        for row in rows[rows["level"].isna()].to_dict("records"):
            if (at_end := losses.get(size, 0.0)) > 0:
                arm_panels.point(
                    ax, at_end, {str(key): value for key, value in row.items()}, name, look, markerfacecolor="white"
                )
    # All panels of an arm have one horizontal axis, also where not everything was measured at each level.
    _losses(ax, [*reached["level"].dropna(), *(loss for loss in losses.values() if loss > 0)], levels)


def _losses(ax: Axes, places: Sequence[float], levels: Sequence[float]) -> None:
    """Makes the horizontal axis one of losses that fall to the right, named at the levels."""
    ax.set_xscale("log")
    ax.xaxis.set_minor_locator(NullLocator())
    begin, end = (max(places) * 1.4, min(places) / 1.4) if places else (max(levels), min(levels))
    named = with_room(levels, begin / end)
    ax.set_xticks(
        levels, [formatting.significant(level, trim=True) if level in named else "" for level in levels], fontsize=7
    )
    if places:
        ax.set_xlim(begin, end)


def with_room(levels: Sequence[float], span: float) -> list[float]:
    """Returns the levels that can be named on an axis without running into one another.

    Args:
        levels: Training losses, descending.
        span: The largest loss of the axis over the smallest.

    Example:
        >>> with_room([1.0, 0.3, 0.1, 0.03, 0.01, 0.003], 1e3)
        [1.0, 0.3, 0.1, 0.03, 0.01, 0.003]
        >>> with_room([1.0, 0.3, 0.1, 0.03, 0.01, 0.003], 1e5)
        [1.0, 0.1, 0.01]
    """
    kept: list[float] = []
    for level in levels:
        if not kept or kept[-1] / level >= span**ROOM:
            kept.append(level)
    return kept
