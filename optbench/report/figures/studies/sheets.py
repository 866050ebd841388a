"""What the figures of studies share: colors, panels in a grid, intervals as bars, and what brackets stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from optbench.report import style
from optbench.report.evidence import Evidence
from optbench.report.figures import panels
from optbench.report.formats import escaping
from optbench.report.tables.side_by_side import Row
from optbench.report.tables.studies import notes

if TYPE_CHECKING:
    import pandas as pd

#: Okabe and Ito, 2008, as the looks of rules.
BLUE, SKY, ORANGE, RED, GREEN, GRAY, BLACK = (
    "#0072b2", "#56b4e9", "#e69f00", "#d55e00", "#009e73", "#8a8a8a", "#000000",
)  # fmt: skip

COLUMNS = ROWS = 3
#: What is varied, in words, by its key in a suite.
FACTORS = {"batch_size": "batch size", "n_train": "training examples", "width": "width, times the model's"}
PAD = panels.Pad(0.68, 0.14, 0.3, 0.55, 0.62, 0.85)
HEIGHT = 2.75


def sheets(
    evidence: Evidence,
    title: str,
    subtitle: str,
    said: Sequence[str],
    handles: Sequence[Artist],
    drawings: Sequence[tuple[str, Callable[[Axes], None]]],
    *,
    rows: Sequence[Row],
    pad: panels.Pad = PAD,
    columns: int = COLUMNS,
    are: str = "Bars and bands",
) -> list[Figure]:
    """Returns pages with a panel for each drawing.

    Args:
        evidence: The run.
        title: Title of the figure.
        subtitle: What is drawn, in a sentence.
        said: How to read it.
        handles: The legend.
        drawings: Title of each panel and what draws it.
        rows: The rows shown, for what intervals cover.
        pad: Distances around and between panels.
        columns: Panels beside each other, at most.
        are: What shows intervals.

    Returns:
        One figure a page.
    """
    found = []
    for part in panels.chunks(drawings, ROWS * columns):
        across = min(columns, len(part))
        down = -(-len(part) // across)
        intervals = [line.replace("Brackets", are) for line in notes.bracketed(rows)]
        shown = [escaping.figure(line, limit=1000) for line in (*said, *intervals)]
        sheet = panels.page(evidence, title, subtitle, shown, HEIGHT * down, handles)
        axes = [ax for row in sheet.grid(down, across, pad=pad) for ax in row]
        for surplus in axes[len(part) :]:
            surplus.set_axis_off()
        for ax, (label, draw) in zip(axes, part, strict=False):
            draw(ax)
            panels.panel_title(ax, label, 5.0)
        found.append(sheet.figure)
    return found


def line(label: str, color: str, marker: str = "o", dash: Any = style.SOLID) -> Artist:
    """Returns the entry of a line in a legend."""
    return Line2D([], [], color=color, marker=marker, linestyle=dash, label=label)


def patch(label: str, color: str, alpha: float = 1.0) -> Artist:
    """Returns the entry of an area in a legend."""
    return Patch(color=color, alpha=alpha, label=label, linewidth=0)


def bars(ax: Axes, x: np.ndarray, rows: pd.DataFrame, name: str, color: str, scale: float = 1.0, **look: Any) -> None:
    """Draws estimates with their intervals; where there is no interval, the estimate alone.

    Args:
        ax: The panel.
        x: Where they stand.
        rows: A frame with the columns ``name``, ``name_low`` and ``name_high``.
        name: Which number.
        color: Its color.
        scale: What numbers are multiplied by.
        **look: Further properties of the line.
    """
    middle, low, high = (scale * rows[f"{name}{end}"].to_numpy(np.float64) for end in ("", "_low", "_high"))
    some = np.isfinite(low)
    ax.vlines(x[some], low[some], high[some], color=color, linewidth=1.3, zorder=look.get("zorder", 3))
    ax.plot(x, middle, **{"color": color, "marker": "o", **look})


def categories(ax: Axes, labels: Sequence[str]) -> np.ndarray:
    """Makes the horizontal axis one of names, turned where they are long, and returns their places."""
    x = np.arange(len(labels), dtype=np.float64)
    longest = max(map(len, labels), default=0)
    turned = longest * len(labels) > 28
    ax.set_xticks(x, [escaping.figure(label, 26) for label in labels], rotation=28 if turned else 0,
                  ha="right" if turned else "center", rotation_mode="anchor", fontsize=7 if turned else 8)  # fmt: skip
    ax.set_xlim(-0.6, len(labels) - 0.4)
    return x


def factor(rows: pd.DataFrame) -> str:
    """Returns what is varied in the rows of a study, in words."""
    key = str(rows["factor"].iloc[0])
    return FACTORS.get(key, key)


def own(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Returns the rows of each study with a title, in the order of the frame."""
    found = []
    for name in dict.fromkeys(frame["study"]):
        rows = frame[frame["study"] == name]
        first = rows.iloc[0]
        of = ", ".join(str(first[key]) for key in ("data", "model") if first[key])
        found.append((f"{name}: {of}" if of else str(name), rows))
    return found
