"""Sharpness against the gap: every network of every arm as a dot, with the rank correlation of each measure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from optbench.report import style
from optbench.report.evidence import Evidence
from optbench.report.figures import panels
from optbench.report.figures.networks import arm_panels
from optbench.report.tables.batch_sizes import notes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROW_HEIGHT = 2.4


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws one panel per measure.

    Args:
        evidence: The run.
        setting: Not used: an arm's runs have the setting that its suite names.

    Returns:
        The pages: at the primary level and at the end of the runs; none without arms or measures.
    """
    if not notes.has_arms(evidence):
        return []
    frame = evidence.frame("arm_gaps")
    looks = arm_panels.size_looks(int(size) for size in frame["batch_size"])
    return [
        page
        for level in notes.judged_at(evidence)
        if len(part := arm_panels.at(frame, level))
        for page in _pages(evidence, part, level, looks)
    ]


def _pages(
    evidence: Evidence, frame: pd.DataFrame, level: float, looks: Mapping[int, style.Look]
) -> list[Figure]:  # fmt: skip
    titles = {name: title for name, title in arm_panels.shown(evidence).items() if (frame["measure"] == name).any()}
    known = arm_panels.at(evidence.frame("arm_correlations"), level)
    # Those of each arm would not fit a panel; the table has them.
    known = known[known["arm"] == ""].set_index("measure")
    figures = []
    for some in panels.chunks(list(titles), panels.PER_PAGE):
        sheet = panels.page(
            evidence,
            "Sharpness and the gap",
            f"Gap (training minus test accuracy) against each measure at {arm_panels.where(level)}: "
            "every network of every arm is a dot.",
            [
                "rho: Spearman's rank correlation over all networks of a panel, of all batch sizes together, with its "
                "95 % interval for new replicates (jackknife on Fisher's scale, which leaves out all networks of a "
                "replicate at once). It holds for these arms and batch sizes and shows no cause: whatever differs "
                f"between them may move both numbers.{_within(evidence)}",
                *arm_panels.beside(evidence),
            ],
            ROW_HEIGHT * panels.rows(len(some)) + 0.3,
            arm_panels.size_handles(
                {size: look for size, look in looks.items() if (frame["batch_size"] == size).any()}
            ),
        )
        axes = panels.small_multiples(sheet, [titles[name] for name in some], between_rows=0.62)
        for i, (ax, name) in enumerate(zip(axes, some, strict=True)):
            _panel(ax, frame[frame["measure"] == name], looks)
            panels.remark(ax, [_said(known.loc[name])], top=True)
            if panels.is_left(i):
                ax.set_ylabel("gap, points")
        figures.append(sheet.figure)
    return figures


def _within(evidence: Evidence) -> str:
    """Returns where the correlations of single arms are, in a run of several."""
    several = len(evidence.manifest["arms"]) > 1
    return " The notes of the table 'arms' have it for each arm alone." if several else ""


def _said(row: pd.Series) -> str:
    """Returns a rank correlation in words."""
    n = f"{int(row['n_runs'])} networks"
    if np.isnan(row["rho"]):
        return f"no rho: one side is constant, {n}"
    ends = "" if np.isnan(row["low"]) else f" [{row['low']:.2f}, {row['high']:.2f}]"
    return f"rho {row['rho']:.2f}{ends}, {n}"


def _panel(ax: Axes, frame: pd.DataFrame, looks: Mapping[int, style.Look]) -> None:
    """Draws the dots of one measure."""
    x, y = frame["value"].to_numpy(np.float64), 100 * frame["gap"].to_numpy(np.float64)
    sizes = frame["batch_size"].to_numpy(np.int64)
    # Dots of one size must not lie on top of all others.
    order = np.random.Generator(np.random.Philox(0)).permutation(len(frame))
    for size in sorted(set(sizes.tolist())):
        mine = order[sizes[order] == size]
        look = looks[size]
        ax.plot(x[mine], y[mine], look.marker, color=look.color, markersize=3.6, alpha=0.65, markeredgewidth=0)
    low, high = float(x.min()), float(x.max())
    if low > 0:
        ax.set_xscale("log")
        room = max((high / low) ** 0.06, 1.1)
        ax.set_xlim(low / room, high * room)
        if high / low > 30.0:
            panels.log_ticks(ax, "x", 5)
        else:
            ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
            ax.xaxis.set_minor_locator(NullLocator())
            ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    room = 0.1 * float(y.max() - y.min()) or 0.5
    # Room for the remark above.
    ax.set_ylim(float(y.min()) - room, float(y.max()) + 2.4 * room)
