"""Contours of a loss on a plane: levels that are equal ratios apart, one scale for all panels of a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.colors import BoundaryNorm
from matplotlib.lines import Line2D

from optbench.report import style
from optbench.report.formats import formatting

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from optbench.analysis.statistics.arrays import Floats

#: Levels of a page, about, and at most.
N_LEVELS, MOST_LEVELS = 15, 18
#: Levels of a decade, the closest first; a page has the first that are not too many.
STEPS = (
    (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0),
    (1.0, 1.5, 2.0, 3.0, 5.0, 7.0),
    (1.0, 2.0, 5.0),
    (1.0, 3.0),
)
#: Losses of a smaller ratio have levels that are not round.
CLOSE = 3.0
#: Largest ratio of the levels; what lies below or above is one color.
MOST_RATIO = 1e6
#: Its brightness rises evenly, for all kinds of color vision: van der Walt & Smith, 2015, matplotlib's own default.
COLORS = "viridis"
#: Where a loss is not finite.
NOT_FINITE = "#ffffff"


class Scale(NamedTuple):
    """The levels of a page.

    Attributes:
        levels: Ascending, float64.
        is_log: Whether they are equal ratios apart; else equal differences, where a loss is not positive.
    """

    levels: Floats
    is_log: bool


def scale_of(planes: Sequence[Floats]) -> Scale:
    """Returns levels for planes of losses.

    Args:
        planes: Losses, of any shapes.

    Returns:
        The levels: 1, 2, 5 of each decade, more where the losses span little, and fewer where they span much.

    Example:
        >>> scale_of([np.array([0.1, 3.0])]).levels.tolist()
        [0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0]
    """
    values = np.concatenate([np.ravel(plane) for plane in planes])
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    if low <= 0:
        return Scale(np.linspace(low, high if high > low else low + 1.0, N_LEVELS), False)
    low = max(low, high / MOST_RATIO)
    if high / low < CLOSE:
        return Scale(np.geomspace(low, max(high, low * 1.01), N_LEVELS), True)
    found = [_levels(low, high, steps) for steps in STEPS]
    return Scale(next((levels for levels in found if len(levels) <= MOST_LEVELS), found[-1]), True)


def _levels(low: float, high: float, steps: Sequence[float]) -> Floats:
    """Returns round levels from the last below the smallest loss to the first above the largest."""
    powers = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    levels = np.array([float(f"{step}e{int(power)}") for power in powers for step in steps])
    first = max(int(np.searchsorted(levels, low * (1 + 1e-9))) - 1, 0)
    last = min(int(np.searchsorted(levels, high)), len(levels) - 1)
    return np.asarray(levels[first : last + 1], dtype=np.float64)


def draw(ax: Axes, x: Floats, y: Floats, values: Floats, scale: Scale) -> None:
    """Draws filled contours with thin lines between, on axes of equal units.

    Args:
        ax: The panel.
        x: Coordinates of the columns, (m,).
        y: Coordinates of the rows, (n,).
        values: Losses, (n, m).
        scale: The levels.
    """
    norm, colors = _colors(scale)
    shown = np.ma.masked_invalid(np.where(np.isfinite(values), values, np.nan))
    ax.set_facecolor(NOT_FINITE)
    ax.contourf(x, y, shown, levels=scale.levels, cmap=colors, norm=norm, extend="both", zorder=0)
    ax.contour(x, y, shown, levels=scale.levels, colors="white", linewidths=0.4, alpha=0.6, zorder=1)
    ax.set_aspect("equal", adjustable="box")
    ax.set_xlim(float(x[0]), float(x[-1]))
    ax.set_ylim(float(y[0]), float(y[-1]))
    ax.grid(False)
    ax.tick_params(length=2, pad=2, labelsize=7)
    ax.locator_params(nbins=5)
    for spine in ax.spines.values():
        spine.set_visible(True)


def bar(figure: Figure, place: tuple[float, float, float, float], scale: Scale, title: str) -> None:
    """Draws the scale of a page.

    Args:
        figure: The page.
        place: Left, bottom, width and height in shares of the page.
        scale: The levels.
        title: What they are.
    """
    norm, colors = _colors(scale)
    ax = figure.add_axes(place)
    mapped = mpl.cm.ScalarMappable(norm=norm, cmap=colors)
    drawn: Any = figure.colorbar(mapped, cax=ax, extend="both", spacing="uniform", ticks=scale.levels)
    step = -(-len(scale.levels) // 8)
    shown = [float(level) for level in scale.levels[::step]]
    drawn.set_ticks(shown, labels=_labels(shown))
    ax.tick_params(labelsize=7, length=2, color=style.INK)
    ax.set_title(title, fontsize=8, fontweight="normal", loc="left", color=style.INK, pad=4)
    ax.grid(False)


def _labels(levels: Sequence[float]) -> list[str]:
    """Returns levels with two significant digits, or as many more as tell them apart."""
    for digits in range(2, 18):
        labels = [formatting.significant(level, digits, trim=True) for level in levels]
        if len(set(labels)) == len(labels):
            break
    return labels


def _colors(scale: Scale) -> tuple[BoundaryNorm, Any]:
    colors = mpl.colormaps[COLORS]
    return BoundaryNorm(list(scale.levels), colors.N, extend="both"), colors


def mark(marker: str, size: float, label: str) -> Line2D:
    """Returns the entry of a legend for a white mark on the contours."""
    return Line2D(
        [], [], marker=marker, color="white", markeredgecolor="black", markersize=size, linestyle="none", label=label
    )
