"""Under- and overfitting: training and test, over training and at its end against what is varied."""

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

COLORS = {"train": sheets.BLUE, "test": sheets.RED}
TITLES = {"train": "training examples", "test": "test examples"}
#: Losses whose largest is so many times the smallest stand on a logarithmic axis.
LOG_FROM = 5.0
#: Title of the axis, and what numbers are multiplied by.
AXES = {"loss": ("loss, nats", 1.0), "accuracy": ("accuracy, %", 100.0)}


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws loss and accuracy of each study: over training, or at its end against what is varied.

    Args:
        evidence: The run.
        setting: Ignored: a study has one.

    Returns:
        The pages.
    """
    learning, ends = evidence.frame("learning_curves"), evidence.frame("curve_ends")
    drawings = []
    for title, rows in sheets.own(ends):
        if len(rows) > 1:
            drawings += [(f"{title}, at the end", partial(_at_the_end, rows=rows, name=name)) for name in AXES]
        else:
            path = learning[learning["study"] == rows["study"].iloc[0]]
            drawings += [(title, partial(_over_training, rows=path, name=name)) for name in AXES]
    handles = [
        *(sheets.line(TITLES[part], color, marker="") for part, color in COLORS.items()),
        sheets.patch("quartiles over replicates", sheets.GRAY, 0.3),
    ]
    return sheets.sheets(
        evidence,
        "Under- and overfitting",
        "Loss and accuracy on training and test examples: over training the median over replicates, at its end the "
        "mean.",
        [
            "A pass is as many gradients of single examples as there are training examples. While both losses fall the "
            "model underfits; where the test loss rises and the training loss falls it overfits."
        ],
        handles,
        drawings,
        rows=rows_of(evidence, "curve_ends"),
        columns=2,
        are="Bars",
    )


def _over_training(ax: Axes, rows: pd.DataFrame, name: str) -> None:
    label, scale = AXES[name]
    rows = rows[rows["passes"] > 0].sort_values("grads")
    passes = rows["passes"].to_numpy(np.float64)
    for part, color in COLORS.items():
        low, middle, high = (scale * rows[f"{part}_{name}_{q}"].to_numpy(np.float64) for q in ("q25", "median", "q75"))
        some = np.isfinite(middle)
        ax.fill_between(passes[some], low[some], np.where(np.isfinite(high), high, middle)[some], color=color,
                        alpha=0.18, lw=0)  # fmt: skip
        ax.plot(passes[some], middle[some], color=color)
    ax.set_xscale("log")
    panels.few_ticks(ax, "x")
    least, most = ax.get_ylim()
    if name == "loss" and least > 0 and most > LOG_FROM * least:
        ax.set_yscale("log")
        panels.few_ticks(ax)
    ax.set_xlabel("passes")
    ax.set_ylabel(label)


def _at_the_end(ax: Axes, rows: pd.DataFrame, name: str) -> None:
    label, scale = AXES[name]
    rows = rows.sort_values("factor_value")
    x = sheets.categories(ax, [f"{value:g}" for value in rows["factor_value"]])
    for part, color in COLORS.items():
        sheets.bars(ax, x, rows, f"{part}_{name}", color, scale)
    ax.set_xlabel(sheets.factor(rows))
    ax.set_ylabel(label)
