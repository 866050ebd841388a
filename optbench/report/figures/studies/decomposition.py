"""Bias and variance of classifiers: the parts of the Brier score, stacked, against what is varied."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from optbench.report.evidence import Evidence
from optbench.report.figures.studies import sheets
from optbench.report.tables.side_by_side import rows_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: Parts from below: the name of the column, the title and the color.
PARTS = (("bias", "bias² and noise", sheets.BLUE), ("variance", "variance", sheets.ORANGE))
#: Titles of axes by loss.
TITLES = {"Brier": "Brier score", "0-1": "share of wrong answers"}


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws two panels for each study: the Brier score and the 0-1 error.

    Args:
        evidence: The run.
        setting: Ignored: a study has one.

    Returns:
        The pages.
    """
    frame = evidence.frame("decomposition")
    frame = frame[frame["loss"] != "squared"]
    drawings = [
        (f"{title}, {loss}", partial(_panel, rows=rows[rows["loss"] == loss]))
        for title, rows in sheets.own(frame)
        for loss in TITLES
    ]
    handles = [
        *(sheets.patch(title, color) for _, title, color in PARTS),
        sheets.line("error, the sum", sheets.BLACK),
    ]
    return sheets.sheets(
        evidence,
        "Bias and variance",
        "Parts of the error of retrained models, stacked, against what is varied.",
        [
            "One label an example does not tell noise from bias. 0-1: bias is the share of examples on which most "
            "members are wrong; the variance drawn is net, and hangs below the bias where it is negative."
        ],
        handles,
        drawings,
        are="Bars",
        rows=[row for row in rows_of(evidence, "decomposition") if row["loss"] != "squared"],
        columns=2,
    )


def _panel(ax: Axes, rows: pd.DataFrame) -> None:
    x = sheets.categories(ax, [f"{value:g}" for value in rows["factor_value"]])
    bottom = np.zeros(len(rows))
    for name, _, color in PARTS:
        height = rows[name].to_numpy(np.float64)
        ax.bar(x, height, 0.62, bottom=bottom, color=color, alpha=0.85, zorder=2)
        bottom = bottom + height
    sheets.bars(ax, x, rows, "error", sheets.BLACK, linestyle="none", markersize=3.5)
    ax.set_xlabel(sheets.factor(rows))
    ax.set_ylabel(TITLES[rows["loss"].iloc[0]])
