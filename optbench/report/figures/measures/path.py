"""Path: a run in the plane in which it varies most, over the loss on that plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from optbench.report import style
from optbench.report.evidence import SETTING_TITLES, Evidence, optimizers
from optbench.report.figures import panels
from optbench.report.figures.measures import contours, pictured
from optbench.report.figures.measures.pictured import Picture
from optbench.report.formats import escaping, formatting
from optbench.report.tables.common_notes import absent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "path"
#: Panels of a row and of a page: axis labels need room.
COLUMNS, PER_PAGE = 2, 6
#: The path's color, which no level of the contours has.
PATH = "#d55e00"
LEFT, RIGHT, BETWEEN, BELOW = 0.65, 1.0, 0.75, 0.95


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws one panel for each problem or task and optimizer.

    Args:
        evidence: The run.
        setting: Which configuration of each optimizer; the default where nothing stands for it.

    Returns:
        The pages; none where nothing was measured.
    """
    if evidence.measures.empty:
        return []
    entry = evidence.of_kind.entry
    frame, shown = pictured.of_setting(evidence, setting, (NAME,))
    chosen = [
        pictured.median_of(pictured.pictures(frame[(frame[entry] == label) & (frame["optimizer"] == rule)]))
        for label in evidence.entries(frame[entry])
        for rule in optimizers(frame.loc[frame[entry] == label, "optimizer"])
    ]
    return [_page(evidence, some, shown) for some in panels.chunks(chosen, PER_PAGE)]


def _page(evidence: Evidence, found: list[Picture], setting: str) -> Figure:
    entry = evidence.of_kind.entry
    side = (panels.WIDTH - LEFT - RIGHT - BETWEEN) / COLUMNS
    height = side * max((_tallness(picture) for picture in found), default=1.0)
    rows, columns = -(-len(found) // COLUMNS), min(COLUMNS, len(found))
    sheet = panels.page(
        evidence,
        "Path of training",
        "Path of the reported run with the median share, in the plane of its two principal directions; "
        f"setting: {SETTING_TITLES[setting]}.",
        _notes(evidence, found),
        rows * height + (rows - 1) * BELOW + 0.95,
        _handles(),
        scored=False,
    )
    pad = panels.Pad(LEFT, panels.WIDTH - LEFT - columns * side - (columns - 1) * BETWEEN, 0.42, 0.5, BETWEEN, BELOW)
    grid = [ax for row in sheet.grid(rows, columns, pad=pad) for ax in row]
    for surplus in grid[len(found) :]:
        surplus.set_axis_off()
    planes = [picture for picture in found if "shape" in picture.details]
    scale = contours.scale_of([picture.values for picture in planes]) if planes else None
    several = len({picture.row[entry] for picture in found}) > 1
    for ax, picture in zip(grid, found, strict=False):
        _panel(ax, picture, scale)
        rule = escaping.figure(str(picture.row["optimizer"]), 22)
        panels.panel_title(ax, f"{picture.row[entry]}, {rule}" if several else rule, 14.0)
        unit = "run" if evidence.of_kind.points is None else evidence.of_kind.points.unit
        ax.annotate(
            f"{unit} {picture.row['unit']}, {picture.details['evals'][-1]:,} gradients, loss "
            f"{formatting.significant(float(picture.details['losses'][0]))} to "
            f"{formatting.significant(float(picture.details['losses'][-1]))}",
            (0, 1), xytext=(0, 3), xycoords="axes fraction", textcoords="offset points", fontsize=7, color=style.INK,
        )  # fmt: skip
    if scale is not None:
        total = sheet.figure.get_figheight()
        left = (LEFT + columns * side + (columns - 1) * BETWEEN + 0.2) / panels.WIDTH
        place = left, (sheet.top - 0.42 - height) / total, 0.14 / panels.WIDTH, height / total
        contours.bar(sheet.figure, place, scale, "loss")
    return sheet.figure


def _notes(evidence: Evidence, found: list[Picture]) -> list[str]:
    normed = {str(picture.details["batch_norm"]) for picture in found} - {"none"}
    return [
        "Directions: eigenvectors of the covariance of the points about their mean; coordinates in weights, from "
        "the measured point. Contours: the loss on the plane; the path leaves it, and has losses of its own.",
        "A large share is no sign of a simple path: a random walk in many dimensions has 61 % and 15 % (Antognini & "
        "Sohl-Dickstein 2018).",
        *(f"Batch normalization: {said}." for said in sorted(normed)),
        *(escaping.figure(note, limit=1000) for note in absent(evidence)),
    ]


def _handles() -> list[Artist]:
    return [
        Line2D(
            [],
            [],
            color=PATH,
            marker="o",
            markersize=4,
            markeredgecolor="white",
            markeredgewidth=0.4,
            label="path, a dot for each kept point",
        ),
        contours.mark("s", 6, "start"),
        contours.mark("*", 10, "measured point"),
    ]


def _tallness(picture: Picture) -> float:
    """Returns height over width of what a panel shows, at most 1."""
    if "shape" not in picture.details:
        return 0.8
    rows, columns = picture.values.shape
    x, y = picture.grid[:columns], picture.grid[columns : columns + rows]
    return min(1.0, float((y[-1] - y[0]) / (x[-1] - x[0])))


def _panel(ax: Axes, picture: Picture, scale: contours.Scale | None) -> None:
    x, y = (np.asarray(picture.details[name], dtype=np.float64) for name in ("x", "y"))
    if scale is not None and "shape" in picture.details:
        rows, columns = picture.values.shape
        contours.draw(ax, picture.grid[:columns], picture.grid[columns : columns + rows], picture.values, scale)
    else:
        ax.set_aspect("equal", adjustable="datalim")
    ax.plot(x, y, color="white", lw=2.6, zorder=4)
    ax.plot(
        x, y, color=PATH, lw=1.4, marker="o", markersize=3.6, markeredgecolor="white", markeredgewidth=0.4, zorder=5
    )
    ax.plot(x[0], y[0], "s", color="white", markeredgecolor="black", markersize=6, zorder=6)
    ax.plot(0, 0, "*", color="white", markeredgecolor="black", markeredgewidth=0.8, markersize=11, zorder=7)
    for name, axis, share in zip(("1st", "2nd"), "xy", picture.details["shares"], strict=False):
        said = f"{name} direction, {100 * share:.1f} % of variance"
        (ax.set_xlabel if axis == "x" else ax.set_ylabel)(said, fontsize=8)
