"""Landscape: the loss around the ends of runs, on random lines over all seeds and on random planes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from optbench.report import style
from optbench.report.evidence import SETTING_TITLES, Evidence, optimizers
from optbench.report.figures import panels
from optbench.report.figures.measures import contours, pictured
from optbench.report.figures.measures.pictured import Picture
from optbench.report.formats import escaping, formatting
from optbench.report.tables.common_notes import absent, seeds, span

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LINE, PLANE = "landscape_1d", "landscape_2d"
ROW_HEIGHT = 2.3
#: Side of a plane at most, and distances around planes, in inches.
MOST_SIDE, LEFT, BETWEEN = 3.3, 0.62, 0.35
#: More optimizers than this have no bands: they would cover each other.
MOST_BANDS = 7

#: What modes of directions are, for the reader.
MODES = {
    "filter": "each filter as long as the network's own, biases and normalization fixed (Li et al. 2018)",
    "layer": "each layer as long as the network's own, biases and normalization fixed",
    "weight": "each weight times a Gaussian, biases and normalization fixed",
    "unit": "of norm 1",
}


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws lines and planes.

    Args:
        evidence: The run.
        setting: Which configuration of each optimizer; the default where nothing stands for it.

    Returns:
        Pages of lines, then pages of planes; none where nothing was measured.
    """
    if evidence.measures.empty:
        return []
    frame, shown = pictured.of_setting(evidence, setting, (LINE, PLANE))
    lines, planes = (frame[frame["name"] == name] for name in (LINE, PLANE))
    return [*_pages_of_lines(evidence, lines, shown), *_pages_of_planes(evidence, planes, shown)]


def _pages_of_lines(evidence: Evidence, frame: pd.DataFrame, setting: str) -> list[Figure]:
    if frame.empty:
        return []
    entry = evidence.of_kind.entry
    labels = [
        (label, measure)
        for label in evidence.entries(frame[entry])
        for measure in dict.fromkeys(frame.loc[frame[entry] == label, "measure"])
    ]
    figures = []
    for some in panels.chunks(labels, panels.PER_PAGE):
        keys = list(zip(frame[entry], frame["measure"], strict=True))
        part = frame[[key in some for key in keys]]
        rules = optimizers(part["optimizer"])
        counts = part.groupby([entry, "measure", "optimizer", "config"])["unit"].nunique()
        found = pictured.pictures(part)
        bands = "bands: quartiles" if len(rules) <= MOST_BANDS else f"of more than {MOST_BANDS} optimizers no quartiles"
        sheet = panels.page(
            evidence,
            "Landscape on a line",
            f"Loss on a random line through the ends of reported runs; setting: {SETTING_TITLES[setting]}. "
            f"Lines: median over {seeds(span(counts), _unit(evidence))}; {bands}.",
            _notes(evidence, found),
            ROW_HEIGHT * panels.rows(len(some)) + 0.3,
            panels.rule_handles(rules),
            scored=False,
        )
        titles = [_title(label, measure, several=len({m for _, m in labels}) > 1) for label, measure in some]
        axes = panels.small_multiples(sheet, titles, between_rows=0.55)
        for i, (ax, key) in enumerate(zip(axes, some, strict=True)):
            mine = [picture for picture in found if (picture.row[entry], picture.row["measure"]) == key]
            _lines(ax, mine, rules)
            if panels.is_left(i):
                ax.set_ylabel("loss")
            if panels.is_bottom(i, len(some)):
                ax.set_xlabel("step along the direction")
        figures.append(sheet.figure)
    return figures


def _title(label: str, measure: str, *, several: bool) -> str:
    return f"{label}, {measure}" if several else label


def _unit(evidence: Evidence) -> str:
    points = evidence.of_kind.points
    return "reported run" if points is None else f"reported {points.unit}"


def _notes(evidence: Evidence, found: list[Picture]) -> list[str]:
    modes = sorted({str(picture.settings["mode"]) for picture in found})
    examples = sorted({int(picture.details["examples"]) for picture in found} - {0})
    said = [f"Directions: Gaussian, {MODES[mode]}." for mode in modes]
    if examples:
        of = " or ".join(f"{number:,}" for number in examples)
        said.append(f"Loss: mean over {of} training examples, the same for all runs, as tested.")
    said.append(
        "A random direction meets few of the sharp ones: a picture that looks flat does not show that a minimum is."
    )
    return [*said, *(escaping.figure(note, limit=1000) for note in absent(evidence))]


def _lines(ax: Axes, found: list[Picture], rules: list[str]) -> None:
    """Draws median and quartiles of each optimizer."""
    shown = []
    for k, rule in enumerate(rules):
        mine = [picture for picture in found if picture.row["optimizer"] == rule]
        # Runs of other settings have other places; those of the first are drawn.
        mine = [picture for picture in mine if np.array_equal(picture.grid, mine[0].grid)]
        if not mine:
            continue
        look, values = style.look(rule), np.stack([picture.values for picture in mine])
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
        if len(rules) <= MOST_BANDS and len(mine) > 1:
            ax.fill_between(mine[0].grid, low, high, color=look.color, alpha=0.15, lw=0)
        ax.plot(
            mine[0].grid, middle, color=look.color, linestyle=look.dash, marker=look.marker,
            markevery=(2 + k % 5, 10), zorder=3 + 0.01 * k,
        )  # fmt: skip
        shown.append(middle)
        ax.set_xlim(float(mine[0].grid[0]), float(mine[0].grid[-1]))
    if shown and min(float(line.min()) for line in shown) > 0:
        ax.set_yscale("log")
        panels.few_ticks(ax) if _ratio(shown) < 300 else panels.log_ticks(ax, "y", 6)
    ax.axvline(0, color="#888888", lw=0.7, zorder=1)


def _ratio(lines: list[np.ndarray]) -> float:
    return max(float(line.max()) for line in lines) / min(float(line.min()) for line in lines)


def _pages_of_planes(evidence: Evidence, frame: pd.DataFrame, setting: str) -> list[Figure]:
    if frame.empty:
        return []
    entry = evidence.of_kind.entry
    chosen = [
        pictured.median_of(pictured.pictures(frame[(frame[entry] == label) & (frame["optimizer"] == rule) & is_own]))
        for label in evidence.entries(frame[entry])
        for measure in dict.fromkeys(frame.loc[frame[entry] == label, "measure"])
        for is_own in [frame["measure"] == measure]
        for rule in optimizers(frame.loc[(frame[entry] == label) & is_own, "optimizer"])
    ]
    return [_page_of_planes(evidence, some, setting) for some in panels.chunks(chosen, panels.PER_PAGE)]


def _page_of_planes(evidence: Evidence, found: list[Picture], setting: str) -> Figure:
    entry = evidence.of_kind.entry
    columns = min(panels.COLUMNS, len(found))
    side = min(MOST_SIDE, (panels.WIDTH - LEFT - 1.15 - BETWEEN * (columns - 1)) / columns)
    rows, below = panels.rows(len(found)), 0.72
    sheet = panels.page(
        evidence,
        "Landscape on a plane",
        "Loss on a random plane through the end of the reported run whose mean rise to the border is the median; "
        f"setting: {SETTING_TITLES[setting]}.",
        _notes(evidence, found),
        rows * side + (rows - 1) * below + 0.95,
        _handles(),
        scored=False,
    )
    right = panels.WIDTH - LEFT - columns * side - (columns - 1) * BETWEEN
    pad = panels.Pad(LEFT, right, 0.42, 0.48, BETWEEN, below)
    grid = [ax for row in sheet.grid(rows, columns, pad=pad) for ax in row]
    for surplus in grid[len(found) :]:
        surplus.set_axis_off()
    scale = contours.scale_of([picture.values for picture in found])
    several = len({picture.row[entry] for picture in found}) > 1
    labels = {picture.row["measure"] for picture in found}
    for i, (ax, picture) in enumerate(zip(grid, found, strict=False)):
        # Rows of the values go along the first direction, which lies on the horizontal axis.
        contours.draw(ax, picture.grid, picture.grid, picture.values.T, scale)
        ax.plot(0, 0, "*", color="white", markeredgecolor="black", markeredgewidth=0.8, markersize=10, zorder=10)
        _lowest(ax, picture)
        rule = escaping.figure(str(picture.row["optimizer"]), 22)
        title = f"{picture.row[entry]}, {rule}" if several else rule
        panels.panel_title(ax, title if len(labels) == 1 else f"{title}, {picture.row['measure']}", 14.0)
        said = (
            f"{evidence.of_kind.points.unit if evidence.of_kind.points else 'unit'} {picture.row['unit']}, "
            f"loss {formatting.significant(float(picture.details['center']))}, mean rise "
            f"{formatting.significant(float(picture.row['estimate']))}"
        )
        ax.annotate(
            said, (0, 1), xytext=(0, 3), xycoords="axes fraction", textcoords="offset points", fontsize=7,
            color=style.INK,
        )  # fmt: skip
        if i + columns >= len(found):
            ax.set_xlabel("first direction", fontsize=8)
        if i % columns:
            ax.set_yticklabels([])
        else:
            ax.set_ylabel("second direction", fontsize=8)
    height = sheet.figure.get_figheight()
    left = panels.WIDTH - right + 0.2
    place = left / panels.WIDTH, (sheet.top - 0.42 - side) / height, 0.14 / panels.WIDTH, side / height
    contours.bar(sheet.figure, place, scale, "loss")
    return sheet.figure


def _lowest(ax: Axes, picture: Picture) -> None:
    """Marks the lowest point of the grid, where it is not the run's own."""
    values = np.where(np.isfinite(picture.values), picture.values, np.inf)
    i, j = np.unravel_index(int(values.argmin()), values.shape)
    if values[i, j] < picture.details["center"] and (picture.grid[i], picture.grid[j]) != (0.0, 0.0):
        ax.plot(picture.grid[i], picture.grid[j], "D", color="white", markeredgecolor="black", markersize=4, zorder=9)


def _handles() -> list[Artist]:
    return [
        contours.mark("*", 10, "end of the run"),
        contours.mark("D", 4, "lowest point of the grid, where it is another"),
    ]
