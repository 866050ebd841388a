"""Reliability diagrams: accuracy against confidence, for single models, refits and ensembles."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from optbench.report.evidence import Evidence
from optbench.report.figures import panels
from optbench.report.figures.studies import sheets
from optbench.report.tables.side_by_side import rows_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

COLORS = {"single": sheets.GRAY, "ensemble": sheets.BLUE, "refit": sheets.RED}


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws a panel for each study and kind of model.

    Args:
        evidence: The run.
        setting: Ignored: a study has one.

    Returns:
        The pages.
    """
    frame, errors = evidence.frame("study_reliability"), evidence.frame("study_calibration")
    drawings = [
        (f"{title.split(',')[0]}, {what}", partial(_panel, rows=rows[rows["what"] == what], errors=errors))
        for title, rows in sheets.own(frame)
        for what in COLORS
        if what in set(rows["what"])
    ]
    bins = int(errors["bins"].max()) if len(errors) else 0
    return sheets.sheets(
        evidence,
        "Reliability",
        f"Share of right answers against the probability of the predicted class, in {bins} bins of equal width, pooled "
        "over replicates.",
        [
            "On the diagonal probabilities are as right as they say; below it they say too much. Bars at the bottom: "
            "share of test examples in each bin. ECE: expected calibration error, mean over replicates."
        ],
        [sheets.line("calibrated", sheets.BLACK, marker="", dash=(0, (4, 2)))],
        drawings,
        are="Bars",
        rows=[row for row in rows_of(evidence, "study_calibration") if row["what"] in COLORS],
    )


def _panel(ax: Axes, rows: pd.DataFrame, errors: pd.DataFrame) -> None:
    first = rows.iloc[0]
    color = COLORS[first["what"]]
    ax.plot([0, 1], [0, 1], color=sheets.BLACK, linewidth=0.9, linestyle=(0, (4, 2)), zorder=2)
    width = (rows["high"] - rows["low"]).to_numpy(np.float64)
    share = (rows["n_examples"] / rows["n_examples"].sum()).to_numpy(np.float64)
    ax.bar(rows["low"], 0.3 * share, width, align="edge", color=color, alpha=0.25, zorder=1)
    sheets.bars(ax, rows["confidence"].to_numpy(np.float64), rows, "accuracy", color, linewidth=1.0, markersize=4)
    error = errors[(errors["study"] == first["study"]) & (errors["what"] == first["what"])]
    panels.remark(ax, [f"ECE {value:.3f}" for value in error["calibration_error"]], top=True)
    ax.set_xlim(0, 1.02)
    ax.set_ylim(0, 1.04)
    ax.set_xlabel("confidence")
    ax.set_ylabel("accuracy")
