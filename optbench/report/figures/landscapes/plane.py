"""What the pictures of 2-D problems share: the box, its minimizers, and the stored grid of values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from optbench.report.evidence import Evidence


#: How the configuration that a rule is drawn at was chosen, by what the manifest says of it.
PICTURED = {
    "gentle": "at the smallest value that scores half of the best on tuning starts, or its default where none works",
    "default": "at its default",
}


def pictured(evidence: Evidence) -> str:
    """Returns at which configuration rules are drawn; runs of optbench 0.1.0 do not say how it was chosen."""
    return PICTURED.get(str(evidence.manifest.get("pictured")), "at the value that stands beside its name")


def units(evidence: Evidence) -> str:
    """Returns what rates of a run in normalized units mean."""
    if evidence.manifest.get("units") != "normalized":
        return ""
    return "Rates are in normalized units: every box is 10 wide, and f is in units of f_scale."


def show_box(ax: Axes, problem: Mapping[str, Any], ticks: int = 4) -> None:
    """Sets a panel's limits to the problem's box, makes it square, with about ``ticks`` labels on an axis."""
    (x_low, x_high), (y_low, y_high) = problem["bounds"]
    ax.set_xlim(x_low, x_high)
    ax.set_ylim(y_low, y_high)
    ax.set_box_aspect(1)
    ax.grid(False)
    ax.tick_params(length=2, pad=2, labelsize=7)
    ax.locator_params(nbins=ticks)
    for spine in ax.spines.values():
        spine.set_visible(True)


def mark_minimizers(ax: Axes, problem: Mapping[str, Any], size: float = 9.0) -> None:
    """Marks every global minimizer with a white star."""
    points = np.asarray(problem["x_star"], dtype=float).reshape(-1, 2)
    ax.plot(
        points[:, 0], points[:, 1], "*", color="white", markeredgecolor="black", markeredgewidth=0.8,
        markersize=size, linestyle="none", clip_on=False, zorder=10,
    )  # fmt: skip


def square(frame: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns a stored grid as axes and matrix.

    Args:
        frame: Rows with ``ix``, ``iy``, ``x``, ``y`` and ``column``, in any order.
        column: What the matrix holds.

    Returns:
        ``x`` of shape (n,), ``y`` of shape (m,), and the matrix of shape (m, n), NaN where a row is missing.
    """
    ix, iy = frame["ix"].to_numpy(int), frame["iy"].to_numpy(int)
    x, y = np.full(ix.max() + 1, np.nan), np.full(iy.max() + 1, np.nan)
    x[ix], y[iy] = frame["x"].to_numpy(float), frame["y"].to_numpy(float)
    matrix = np.full((len(y), len(x)), np.nan)
    matrix[iy, ix] = frame[column].to_numpy(float)
    return x, y, matrix
