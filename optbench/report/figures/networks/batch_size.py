"""Accuracy, gap and sharpness against the batch size, arms as lines, after Keskar's Figure 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from optbench.analysis.batch_sizes.arms import ordered
from optbench.report import style
from optbench.report.evidence import Evidence
from optbench.report.figures import panels
from optbench.report.figures.networks import arm_panels
from optbench.report.tables.batch_sizes import notes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROW_HEIGHT = 2.3
#: Arms on a page beside the primary one.
MOST_ARMS = 6


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws one line per arm.

    Args:
        evidence: The run.
        setting: Not used: an arm's runs have the setting that its suite names.

    Returns:
        The pages: at the primary level and at the end of the runs, some arms each; none without arms.
    """
    if not notes.has_arms(evidence):
        return []
    frame = evidence.frame("arm_levels")
    frame = frame[frame["n_numbers"] > 0]
    wide = [str(arm["name"]) for arm in ordered(evidence.manifest) if len(arm["runs"]) > 1]
    primary = [str(arm["name"]) for arm in ordered(evidence.manifest) if arm["is_primary"] and str(arm["name"]) in wide]
    others = [name for name in wide if name not in primary]
    pages = []
    for level in notes.judged_at(evidence):
        for some in panels.chunks(others, MOST_ARMS) or [[]]:
            part = arm_panels.at(frame, level)
            part = part[part["arm"].isin([*primary, *some])]
            if len(part):
                pages.append(_page(evidence, part, [*primary, *some], level))
    return pages


def _page(evidence: Evidence, frame: pd.DataFrame, names: Sequence[str], level: float) -> Figure:
    titles = {name: title for name, title in arm_panels.shown(evidence).items() if (frame["quantity"] == name).any()}
    looks = arm_panels.arm_looks(evidence)
    sheet = panels.page(
        evidence,
        "Against the batch size",
        f"Test accuracy, gap (training minus test accuracy) and sharpness at {arm_panels.where(level)}; one line per "
        "arm.",
        [arm_panels.intervals(evidence), *_counts(frame), *arm_panels.beside(evidence)],
        ROW_HEIGHT * panels.rows(len(titles)) + 0.3,
        arm_panels.arm_handles(evidence, names, looks),
    )
    axes = panels.small_multiples(sheet, list(titles.values()), between_rows=0.62)
    for i, (ax, name) in enumerate(zip(axes, titles, strict=True)):
        mine = frame[frame["quantity"] == name]
        arm_panels.batch_axis(ax, frame["batch_size"].tolist())
        arm_panels.vertical(ax, name, arm_panels.scaled(name, mine[["low", "estimate", "high"]]))
        _lines(ax, mine, name, names, looks)
        if panels.is_bottom(i, len(titles)):
            ax.set_xlabel("batch size")
    return sheet.figure


def _lines(ax: Axes, frame: pd.DataFrame, name: str, names: Sequence[str], looks: Mapping[str, style.Look]) -> None:
    """Draws the arms, side by side where they have equal batch sizes."""
    for k, arm in enumerate(names):
        rows = frame[frame["arm"] == arm].sort_values("batch_size").to_dict("records")
        shift, look = 1.05 ** (k - (len(names) - 1) / 2), looks[arm]
        x = [row["batch_size"] * shift for row in rows]
        middle = arm_panels.scaled(name, [row["estimate"] for row in rows])
        ax.plot(x, middle, color=look.color, linestyle=look.dash, lw=1.2, zorder=3)
        for place, row in zip(x, rows, strict=True):
            arm_panels.point(ax, place, {str(key): value for key, value in row.items()}, name, look)


def _counts(frame: pd.DataFrame) -> list[str]:
    """Returns how many replicates there are, and of which batch sizes not all enter."""
    rows = frame[frame["quantity"] == "test_accuracy"]
    fewer = rows[rows["n_entered"] < rows["n_planned"]].to_dict("records")
    said = [f"{row['arm']} at {row['batch_size']}: {row['n_entered']} of {row['n_planned']}" for row in fewer]
    n = int(rows["n_planned"].max())
    fewer_of = f" Not all of them enter: {'; '.join(said)}. The table 'levels' says why." if said else ""
    return [f"{n} replicates of each batch size.{fewer_of}"]
