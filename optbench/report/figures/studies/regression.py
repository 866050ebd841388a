"""Regression: error, bias, variance and noise against the degree, measured and in closed form."""

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

PARTS = {"error": sheets.BLACK, "bias": sheets.BLUE, "variance": sheets.ORANGE, "noise": sheets.GREEN}
TITLES = {"error": "error", "bias": "bias²", "variance": "variance", "noise": "noise"}
#: Decades below the largest error that are shown.
DECADES = 3.5


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws a panel for each study.

    Args:
        evidence: The run.
        setting: Ignored: a study has one.

    Returns:
        The pages.
    """
    frame = evidence.frame("decomposition")
    frame = frame[frame["loss"] == "squared"]
    drawings = [(title, partial(_panel, rows=rows)) for title, rows in sheets.own(frame)]
    handles = [sheets.line(TITLES[name], color, dash="none") for name, color in PARTS.items()]
    return sheets.sheets(
        evidence,
        "Bias, variance and noise of regression",
        "Squared error of polynomials fitted to noisy data and its parts, against the degree. Marks: measured; lines: "
        "closed form.",
        ["A part that is 0 or below, as an unbiased estimate of next to nothing may be, stands on the lower edge."],
        [*handles, sheets.line("closed form", sheets.GRAY, marker="")],
        drawings,
        are="Bars",
        rows=[row for row in rows_of(evidence, "decomposition") if row["loss"] == "squared"],
        columns=2,
    )


def _panel(ax: Axes, rows: pd.DataFrame) -> None:
    rows = rows.sort_values("factor_value")
    x = rows["factor_value"].to_numpy(np.float64)
    closed = {name: rows[f"closed_{name}"].to_numpy(np.float64) for name in ("bias", "variance", "noise")}
    closed["error"] = sum(closed.values(), np.zeros(len(rows)))
    top = float(max(rows["error"].max(), np.nanmax(closed["error"])))
    floor = top * 10**-DECADES
    for number, (name, color) in enumerate(PARTS.items()):
        ax.plot(x, np.maximum(closed[name], floor), color=color, linewidth=1.1, alpha=0.75, zorder=2)
        shown = rows.assign(**{f"{name}{end}": rows[f"{name}{end}"].clip(lower=floor) for end in ("", "_low", "_high")})
        # Side by side, so that one interval does not hide another.
        sheets.bars(ax, x + 0.12 * (number - 1.5), shown, name, color, linestyle="none", markersize=4, clip_on=False)
    ax.set_yscale("log")
    ax.set_ylim(floor, top * 1.5)
    panels.log_ticks(ax, "y", 6)
    ax.set_xticks(x, [f"{value:g}" for value in x])
    ax.set_xlabel(str(rows["factor"].iloc[0]))
    ax.set_ylabel("squared error")
