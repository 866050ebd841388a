"""Cross-validation: accuracy of each configuration of the grid, and the test accuracy of the refit of the choice."""

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

#: Colors of the lines of a panel.
COLORS = (sheets.BLUE, sheets.ORANGE, sheets.GREEN, sheets.BLACK, sheets.SKY)


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
        sheets.line("mean over folds, validation", sheets.GRAY),
        sheets.line("refit of the choice, test", sheets.RED, marker=""),
        sheets.patch("interval of the refit", sheets.RED, 0.15),
    ]
    return sheets.sheets(
        evidence,
        "Cross-validation",
        "Validation accuracy of each configuration, mean over folds and replicates, and test accuracy of the refit.",
        ["Numbers: in how many replicates a configuration was chosen. Test examples choose nothing."],
        handles,
        drawings,
        rows=rows_of(evidence, "cross_validation"),
        columns=2,
    )


def _panel(ax: Axes, rows: pd.DataFrame, refits: pd.DataFrame) -> None:
    places, lines, along, beside = _laid_out(list(rows["setting"]))
    x = sheets.categories(ax, list(dict.fromkeys(places)))
    found = dict(zip(dict.fromkeys(places), x, strict=True))
    names = list(dict.fromkeys(lines))
    for number, name in enumerate(names):
        own = rows[[line == name for line in lines]]
        shift = 0.5 * (number - (len(names) - 1) / 2) / max(len(names), 2)
        at = np.array([found[place] for place, line in zip(places, lines, strict=True) if line == name]) + shift
        color = COLORS[number % len(COLORS)]
        sheets.bars(ax, at, own, "validation", color, 100.0, linewidth=0.8, label=name)
        for where, (_, row) in zip(at, own.iterrows(), strict=True):
            if row["chosen"]:
                ax.annotate(f"{row['chosen']}", (where, 100 * row["validation"]), xytext=(4, 3), color=color,
                            textcoords="offset points", fontsize=8, fontweight="bold")  # fmt: skip
    refit = refits[refits["study"] == rows["study"].iloc[0]]
    for _, row in refit.iterrows():
        ax.axhline(100 * row["test"], color=sheets.RED, zorder=2)
        if np.isfinite(row["test_low"]):
            ax.axhspan(100 * row["test_low"], 100 * row["test_high"], color=sheets.RED, alpha=0.15, lw=0, zorder=1)
    if len(names) > 1:
        title = sheets.FACTORS.get(beside, beside)
        ax.legend(title=title, fontsize=7, title_fontsize=7, loc="best", framealpha=0.75, frameon=True,
                  edgecolor="none")  # fmt: skip
    ax.set_xlabel(sheets.FACTORS.get(along, along))
    ax.set_ylabel("accuracy, %")


def _laid_out(settings: list[str]) -> tuple[list[str], list[str], str, str]:
    """Returns the place on the axis and the line of each configuration, and what both are values of.

    Of one or two things that vary, the one with more values lies along the axis; of more, configurations are numbered.

    Args:
        settings: What each configuration sets, such as ``batch_size=16, lr=0.1``.
    """
    parsed = [dict(part.split("=", 1) for part in setting.split(", ") if part) for setting in settings]
    values = {name: list(dict.fromkeys(one[name] for one in parsed)) for name in parsed[0]}
    if not 1 <= len(values) <= 2:
        return (
            [str(number) for number in range(len(settings))],
            [""] * len(settings),
            "configuration, in the order of the table",
            "",
        )
    along, *beside = sorted(values, key=lambda name: -len(values[name]))
    lines = [one[beside[0]] if beside else "" for one in parsed]
    return [one[along] for one in parsed], lines, along, beside[0] if beside else ""
