"""Interpolation: loss and accuracy on the way from the end of one run to that of another, as Keskar's figure 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from optbench.report import style
from optbench.report.evidence import SETTING_TITLES, Evidence
from optbench.report.figures import panels
from optbench.report.figures.measures import pictured
from optbench.report.figures.measures.pictured import Picture
from optbench.report.formats import escaping, formatting
from optbench.report.tables.common_notes import absent, seeds, span

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

NAME = "interpolation"
ROW_HEIGHT = 2.45
PER_PAGE = 4
#: What is drawn how: Okabe and Ito's blue for the loss, vermilion for the accuracy.
LOSS, ACCURACY = "#0072b2", "#d55e00"
DASHES: dict[str, Any] = {"train": style.SOLID, "test": (0, (4, 1.6)), "": style.SOLID}


class Pair(NamedTuple):
    """Two kinds of end between which all runs of a row of panels lie.

    Attributes:
        label: Problem or task of the first.
        measure: Label of the measure.
        first: What the first is called, beside the second.
        second: What the second is called.
    """

    label: str
    measure: str
    first: str
    second: str


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws a row of panels for each pair: losses on the left, accuracies on the right.

    Args:
        evidence: The run.
        setting: Which configuration of the first of two; the default where nothing stands for it.

    Returns:
        The pages; none where nothing was measured.
    """
    if evidence.measures.empty:
        return []
    frame, shown = pictured.of_setting(evidence, setting, (NAME,))
    if frame.empty:
        return []
    ends = _ends(evidence, frame)
    pairs: dict[Pair, list[Picture]] = {}
    for picture in pictured.pictures(frame):
        pairs.setdefault(_pair(evidence, picture, ends), []).append(picture)
    return [
        _page(evidence, {pair: pairs[pair] for pair in some}, shown) for some in panels.chunks(list(pairs), PER_PAGE)
    ]


def _ends(evidence: Evidence, frame: pd.DataFrame) -> dict[str, Mapping[str, Any]]:
    """Returns what is known of the second runs, by their cells."""
    entry, wanted = evidence.of_kind.entry, set(frame["other_cell_id"])
    measured = evidence.frame("measured")
    columns = ["cell_id", entry, "optimizer", "swept", "swept_value", "unit"]
    known = measured[measured["cell_id"].isin(wanted)][columns].drop_duplicates("cell_id")
    return {str(row["cell_id"]): {str(key): value for key, value in row.items()} for row in known.to_dict("records")}


def _pair(evidence: Evidence, picture: Picture, ends: Mapping[str, Mapping[str, Any]]) -> Pair:
    """Returns two ends, each called by what tells it from the other."""
    entry, row = evidence.of_kind.entry, picture.row
    other = ends.get(str(row["other_cell_id"]))
    if other is None:
        return Pair(str(row[entry]), str(row["measure"]), str(row["optimizer"]), "another run")
    names = []
    for end in (row, other):
        said = [str(end[name]) for name in (entry, "optimizer") if row[name] != other[name]]
        if not said and row["swept_value"] != other["swept_value"]:
            said = [f"{end['swept']} {formatting.rate(float(end['swept_value']))}"]
        names.append(", ".join(said) or f"one {_unit(evidence)}")
    if names[0] == names[1]:
        names[1] = f"another {_unit(evidence)}"
    return Pair(str(row[entry]), str(row["measure"]), *names)


def _unit(evidence: Evidence) -> str:
    points = evidence.of_kind.points
    return "run" if points is None else points.unit


def _page(evidence: Evidence, pairs: dict[Pair, list[Picture]], setting: str) -> Figure:
    found = [picture for pictures in pairs.values() for picture in pictures]
    n_runs = span(len(pictures) for pictures in pairs.values())
    scored = any("accuracy" in name for picture in found for name in picture.details["series"])
    curved = {picture.settings["way"] for picture in found}
    notes = [
        "Barrier: how far the training loss rises above the straight line between its values at 0 and 1, at the places "
        "drawn; the median over the pairs."
    ]
    if "curve" in curved:
        notes.append("On the curve the point is cos(alpha pi/2) of the first and sin(alpha pi/2) of the second.")
    normed = {str(picture.details["batch_norm"]) for picture in found} - {"none"}
    notes += [f"Batch normalization: {said}." for said in sorted(normed)]
    sheet = panels.page(
        evidence,
        "Between two solutions",
        f"Loss{' and accuracy' if scored else ''} at (1 - alpha) a + alpha b, where a and b are ends of two runs; "
        f"setting: {SETTING_TITLES[setting]}. Lines: median over {seeds(n_runs, 'pair')}; bands: quartiles.",
        [*notes, *(escaping.figure(note, limit=1000) for note in absent(evidence))],
        ROW_HEIGHT * len(pairs) + 0.3,
        _handles(found),
        scored=False,
    )
    pad = panels.Pad(0.68, 0.15, 0.35, 0.48, 0.72, 0.75)
    grid = sheet.grid(len(pairs), 2 if scored else 1, pad=pad)
    several = len({pair.measure for pair in pairs}) > 1
    for row, (pair, pictures) in zip(grid, pairs.items(), strict=True):
        heights = [float(picture.row["estimate"]) for picture in pictures]
        barrier = formatting.significant(float(np.median(heights)))
        title = f"{pair.first} to {pair.second}" + (f" ({pair.measure})" if several else "")
        if not pair.first.startswith(pair.label):
            title = f"{pair.label}: {title}"
        panels.row_title(row[0], title, 5.0)
        panels.remark(row[0], [f"barrier {barrier}"])
        _losses(row[0], pictures)
        if scored:
            _accuracies(row[1], pictures)
        for ax, height in zip(row, (0.97, 0.03), strict=False):
            _places(ax, pair, pictures, height)
    for ax in grid[-1]:
        ax.set_xlabel("alpha")
    return sheet.figure


def _handles(found: list[Picture]) -> list[Artist]:
    names = {name.partition("_")[0] for picture in found for name in picture.details["series"] if "_" in name}
    said = {"train": "training examples", "test": "test examples"}
    return [
        Line2D([], [], color=style.INK, linestyle=DASHES[name], label=said[name])
        for name in ("train", "test")
        if name in names
    ]


def _series(pictures: list[Picture], what: str) -> dict[str, np.ndarray]:
    """Returns what the pictures hold of one kind by part, (pairs, places); of places as the first has them."""
    alike = [picture for picture in pictures if np.array_equal(picture.grid, pictures[0].grid)]
    names = [name for name in alike[0].details["series"] if name.endswith(what)]
    return {
        name.removesuffix(what).removesuffix("_"): np.stack(
            [picture.values[picture.details["series"].index(name)] for picture in alike]
        )
        for name in names
    }


def _losses(ax: Axes, pictures: list[Picture]) -> None:
    series = _series(pictures, "loss")
    _draw(ax, pictures[0].grid, series, LOSS)
    ax.set_ylabel("loss")
    middles = np.concatenate([np.median(values, axis=0) for values in series.values()])
    if middles.min() > 0:
        ax.set_yscale("log")
        panels.few_ticks(ax) if middles.max() / middles.min() < 300 else panels.log_ticks(ax, "y", 6)


def _accuracies(ax: Axes, pictures: list[Picture]) -> None:
    series = {name: 100 * values for name, values in _series(pictures, "accuracy").items()}
    if not series:
        ax.set_axis_off()
        return
    _draw(ax, pictures[0].grid, series, ACCURACY)
    ax.set_ylabel("accuracy, %")
    ax.set_ylim(0, 103)


def _draw(ax: Axes, alphas: np.ndarray, series: Mapping[str, np.ndarray], color: str) -> None:
    for name, values in series.items():
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
        if len(values) > 1:
            ax.fill_between(alphas, low, high, color=color, alpha=0.15, lw=0)
        ax.plot(alphas, middle, color=color, linestyle=DASHES[name], zorder=3)


def _places(ax: Axes, pair: Pair, pictures: list[Picture], height: float) -> None:
    """Marks where the two solutions are, with their names at a height of the panel that curves leave free."""
    alphas = pictures[0].grid
    ax.set_xlim(float(alphas[0]), float(alphas[-1]))
    ax.locator_params(axis="x", nbins=7)
    for place, name, side in ((0.0, pair.first, "right"), (1.0, pair.second, "left")):
        if not alphas[0] <= place <= alphas[-1]:
            continue
        ax.axvline(place, color="#888888", lw=0.9, zorder=1)
        # Beside the line on its outer side, if the panel goes on there.
        outside = place > alphas[0] if side == "right" else place < alphas[-1]
        align = side if outside else {"left": "right", "right": "left"}[side]
        ax.annotate(
            escaping.figure(name, 22), (place, height), xytext=(-3 if align == "right" else 3, 0),
            xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=7.5, color=style.INK, ha=align,
            va="top" if height > 0.5 else "bottom", zorder=10,
        )  # fmt: skip
