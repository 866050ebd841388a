"""The matrix of defaults against tuned rivals, as a heat map with numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from optbench.report import style
from optbench.report.evidence import Evidence, optimizers
from optbench.report.figures import panels
from optbench.report.formats import escaping

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Width of a character, in em.
CHARACTER = 0.57
LABEL_SIZE = 7.5


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws the mean difference of scores for every ordered pair of rules.

    Args:
        evidence: The run.
        setting: Not used: the matrix sets default against tuned.

    Returns:
        One figure, or none where nothing was tuned.
    """
    del setting
    frame = evidence.frame("matrix")
    if frame.empty:
        return []
    rows, columns = optimizers(frame["untuned"]), optimizers(frame["tuned"])
    shape = (len(rows), len(columns))
    difference, clear = np.full(shape, np.nan), np.zeros(shape, bool)
    for a, b, value, low, high in frame[["untuned", "tuned", "difference", "low", "high"]].itertuples(index=False):
        at = rows.index(str(a)), columns.index(str(b))
        difference[at], clear[at] = value, low > 0 or high < 0
    names = [escaping.figure(name, 24) for name in columns], [escaping.figure(name, 24) for name in rows]
    # A point is 1/72 inch; labels stand on end over the columns.
    above, left = (0.35 + LABEL_SIZE * CHARACTER / 72 * max(map(len, side)) for side in names)
    pad = panels.Pad(left + 0.1, 0.95, above + 0.1, 0.08, 0.0, 0.0)
    cell_width = (panels.WIDTH - pad.left - pad.right) / shape[1]
    cell_height = float(np.clip(cell_width, 0.14, 0.34))
    sheet = panels.page(
        evidence,
        "A untuned against B tuned",
        "Score of the column's rule, tuned per problem, minus that of the row's rule at its default, in hundredths; "
        f"mean over {_counts(frame['n_problems'])}.",
        [
            "Blue: tuning the rival pays. Red: the untuned rule is ahead. On the diagonal: what tuning gains the rule.",
            "Bold and dark: the 95 % interval of the difference excludes 0 (these problems, new starts; paired by "
            "start; every replicate chooses again; no correction for the number of pairs). Score: mean log-time area "
            f"over the 51 {evidence.scoring} targets on report starts.",
        ],
        cell_height * shape[0] + pad.above + pad.below,
        [],
    )
    ax = sheet.grid(1, 1, pad=pad)[0][0]
    _map(ax, 100 * difference, clear, (cell_width, cell_height))
    ax.set_xticks(range(shape[1]), names[0], rotation=90, fontsize=LABEL_SIZE)
    ax.set_yticks(range(shape[0]), names[1], fontsize=LABEL_SIZE)
    ax.set_xlabel("tuned", fontweight="bold")
    ax.set_ylabel("untuned", fontweight="bold")
    return [sheet.figure]


def _counts(values: object) -> str:
    found = sorted({int(value) for value in values})  # type: ignore[attr-defined]
    return f"{found[0]} problems" if len(found) == 1 else f"{found[0]} to {found[-1]} problems"


def _whole(value: float) -> str:
    """Returns a whole number, its sign only if negative, since the color tells; nothing without problems."""
    return "" if np.isnan(value) else f"{round(value)}"


def _map(ax: Axes, percent: np.ndarray, clear: np.ndarray, cell: tuple[float, float]) -> None:
    n_rows, n_columns = percent.shape
    limit = max(5.0, float(np.nanmax(np.abs(percent))))
    norm, colors = Normalize(-limit, limit), colormaps["RdBu"]
    ax.imshow(percent, cmap=colors, norm=norm, aspect="auto", interpolation="nearest")
    ax.set_xlim(-0.5, n_columns - 0.5)
    ax.xaxis.set_ticks_position("top")
    ax.xaxis.set_label_position("top")
    ax.tick_params(which="both", length=0, pad=2)
    ax.grid(False)
    ax.grid(which="minor", color="white", lw=0.6)
    ax.set_axisbelow(False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    texts = [[_whole(value) for value in row] for row in percent]
    # Numbers stay inside their cells, all as if they were bold, and are no larger than the page's own text.
    widest = max(0.7 * len(text.lstrip("-")) + 0.42 * text.startswith("-") for row in texts for text in row)
    size = min(8.5, 72 * cell[0] * 0.92 / max(widest, 1.4), 72 * cell[1] * 0.72)
    ax.set_xticks(np.arange(n_columns - 1) + 0.5, minor=True)
    ax.set_yticks(np.arange(n_rows - 1) + 0.5, minor=True)
    for i in range(n_rows):
        for j in range(n_columns):
            dark = abs(percent[i, j]) > 0.55 * limit
            color = ("#cfcfcf", "white") if dark else (style.FAINT, "#111111")
            ax.text(
                j, i, texts[i][j], ha="center", va="center", fontsize=size, color=color[int(clear[i, j])],
                fontweight="bold" if clear[i, j] else "normal",
            )  # fmt: skip
    for k in range(min(n_rows, n_columns)):
        ax.add_patch(Rectangle((k - 0.5, k - 0.5), 1, 1, fill=False, edgecolor="#111111", lw=1.3, zorder=3))
    bar = ax.inset_axes((1.012, 0.0, 0.016, 1.0))
    ax.figure.colorbar(ScalarMappable(norm, colors), cax=bar)
    bar.tick_params(labelsize=7.5)
    bar.grid(False)
    bar.set_ylabel("hundredths", fontsize=7.5)
    bar.spines[:].set_visible(False)
