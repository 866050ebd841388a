"""Ensembles: accuracy against the number of members, beside the single model."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from optbench.report.evidence import Evidence
from optbench.report.figures.studies import sheets
from optbench.report.tables.side_by_side import rows_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

WAYS = {
    "average": ("bagging, averaged", sheets.BLUE, "o"),
    "vote": ("bagging, voted", sheets.SKY, "s"),
    "weighted vote": ("boosting, SAMME", sheets.RED, "D"),
}


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws two panels for each study: accuracy, and gain over the single model.

    Args:
        evidence: The run.
        setting: Ignored: a study has one.

    Returns:
        The pages.
    """
    frame = evidence.frame("ensembles")
    drawings = [
        (f"{title}{', gain' if draws is _gain else ''}", partial(draws, rows=rows))
        for title, rows in sheets.own(frame)
        for draws in (_accuracy, _gain)
    ]
    found = set(frame["way"])
    handles = [sheets.line(*WAYS[way]) for way in WAYS if way in found]
    return sheets.sheets(
        evidence,
        "Ensembles",
        "Test accuracy of the first m members together, and what that gains over the single model of the same "
        "replicate.",
        ["Gains are paired on replicates and test examples. Intervals hold one at a time."],
        [
            *handles,
            sheets.line("single model", sheets.GRAY, marker=""),
            sheets.patch("interval of the single model", sheets.GRAY, 0.2),
        ],
        drawings,
        rows=rows_of(evidence, "ensembles"),
        columns=2,
    )


def _accuracy(ax: Axes, rows: pd.DataFrame) -> None:
    first = rows.iloc[0]
    ax.axhline(100 * first["single"], color=sheets.GRAY, zorder=2)
    if np.isfinite(first["single_low"]):
        ax.axhspan(100 * first["single_low"], 100 * first["single_high"], color=sheets.GRAY, alpha=0.2, lw=0, zorder=1)
    _lines(ax, rows, "accuracy")
    ax.set_ylabel("test accuracy, %")


def _gain(ax: Axes, rows: pd.DataFrame) -> None:
    ax.axhline(0.0, color=sheets.GRAY, zorder=2)
    _lines(ax, rows, "gain")
    ax.set_ylabel("gain, points")


def _lines(ax: Axes, rows: pd.DataFrame, name: str) -> None:
    ways = [way for way in WAYS if way in set(rows["way"])]
    for place, way in enumerate(ways):
        _, color, marker = WAYS[way]
        own = rows[rows["way"] == way].sort_values("members")
        # Side by side, so that one interval does not hide another.
        x = own["members"].to_numpy(np.float64) + 0.16 * (place - (len(ways) - 1) / 2)
        sheets.bars(ax, x, own, name, color, 100.0, marker=marker, linewidth=1.1)
    ax.set_xlabel("members")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
