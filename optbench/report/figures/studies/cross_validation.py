"""Cross-validation: accuracy of each configuration of the grid, and the test accuracy of the refit of the choice."""

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


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws a panel for each study.

    Args:
        evidence: The run.
        setting: Ignored: a study has one.

    Returns:
        The pages.
    """
    frame, refits = evidence.frame("cross_validation"), evidence.frame("refits")
    drawings = [(title, partial(_panel, rows=rows, refits=refits)) for title, rows in sheets.own(frame)]
    handles = [
        sheets.line("mean over folds, validation", sheets.BLUE),
        sheets.line("refit of the choice, test", sheets.RED, marker=""),
        sheets.patch("its interval", sheets.RED, 0.15),
    ]
    return sheets.sheets(
        evidence,
        "Cross-validation",
        "Validation accuracy of each configuration, mean over folds and replicates, and test accuracy of the refit.",
        ["Numbers below: in how many replicates a configuration was chosen. Test examples choose nothing."],
        handles,
        drawings,
        rows=rows_of(evidence, "cross_validation"),
        pad=panels.Pad(0.68, 0.14, 0.3, 0.85, 0.62, 1.15),
    )


def _panel(ax: Axes, rows: pd.DataFrame, refits: pd.DataFrame) -> None:
    x = sheets.categories(ax, [label or "as stated" for label in rows["setting"]])
    sheets.bars(ax, x, rows, "validation", sheets.BLUE, 100.0, linestyle="none")
    refit = refits[refits["study"] == rows["study"].iloc[0]]
    for _, row in refit.iterrows():
        ax.axhline(100 * row["test"], color=sheets.RED, zorder=2)
        if np.isfinite(row["test_low"]):
            ax.axhspan(100 * row["test_low"], 100 * row["test_high"], color=sheets.RED, alpha=0.15, lw=0, zorder=1)
    for place, chosen in zip(x, rows["chosen"], strict=True):
        if chosen:
            ax.annotate(f"{chosen}", (place, 0.03), xytext=(4, 0), xycoords=("data", "axes fraction"),
                        textcoords="offset points", fontsize=8)  # fmt: skip
    ax.set_ylabel("accuracy, %")
