"""Each measure at the ends of runs against the learning rate, or against the batch size where rates do not vary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import AutoLocator, NullLocator, SymmetricalLogLocator

from optbench.analysis.measures.configurations import AND
from optbench.analysis.measures.measured import at_ends
from optbench.analysis.measures.summary import by_unit, of_median
from optbench.records import Split
from optbench.records.measures import MeasureStatus
from optbench.report import style
from optbench.report.evidence import SETTING_TITLES, Evidence, optimizers
from optbench.report.figures import panels
from optbench.report.formats import escaping
from optbench.report.tables.common_notes import absent, seeds, span
from optbench.report.tables.measures.sharpness import columns_of, in_order

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROW_HEIGHT = 2.2
#: Measures on a page where each has a row of panels, one for each batch size.
MOST_ROWS = 4
#: Fewest rates of an optimizer that make an axis.
RATES = 3
#: Ratios of the largest to the smallest number of a panel up to which its axis has even ticks, and ticks at 1, 2, 5.
CLOSE, WIDE = 4.0, 300.0
#: Where the steps of a rule on a quadratic stop shrinking, by measure: a multiple of 1/lr, and of which rule.
EDGES = {"hessian_top": (2.0, "2/lr (gradient descent)"), "preconditioned_top": (38.0, "38/lr (Adam, b1 0.9)")}


class Axis(NamedTuple):
    """What the horizontal axis shows.

    Attributes:
        column: Column of the frame.
        title: Its title.
        setting: The one setting that is shown; empty where all configurations are.
    """

    column: str
    title: str
    setting: str = ""


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws single runs, medians and their intervals.

    Args:
        evidence: The run.
        setting: Which configuration of each optimizer, where the axis is the batch size.

    Returns:
        The pages: for each swept constant, each task without its batch size, and some of the measures; none where
        nothing was measured.
    """
    if evidence.measures.empty:
        return []
    ends = at_ends(evidence.frame("measured"))
    ends = ends[(ends["split"] == str(Split.REPORT)) & (ends["status"] == str(MeasureStatus.OK))]
    entry = evidence.of_kind.entry
    pages = []
    for swept in sorted({str(name) for name in ends["swept"]}, key=lambda name: (name != "lr", name)):
        part = ends[(ends["swept"] == swept) & ends["swept_value"].notna()]
        families = list(dict.fromkeys(
            str(row["family"]) for label in evidence.entries(part[entry])
            for row in part[part[entry] == label].iloc[:1].to_dict("records")
        ))  # fmt: skip
        for family in families:
            mine, axis = _along(evidence, part[part["family"] == family], swept, setting)
            pages += _pages(evidence, mine, family, axis, swept)
    return pages


def _along(evidence: Evidence, frame: pd.DataFrame, swept: str, setting: str) -> tuple[pd.DataFrame, Axis]:
    """Returns what is drawn of a task, and along which axis."""
    rates = frame.groupby([evidence.of_kind.entry, "rule"])["swept_value"].nunique()
    title = "learning rate lr" if swept == "lr" else escaping.figure(swept)
    if rates.max() >= RATES or frame["batch"].nunique() < 2:
        return frame, Axis("swept_value", title)
    keys = [evidence.of_kind.entry, "optimizer", "config"]
    known = evidence.frame("configurations")
    for wanted in (setting, "default"):
        stands = np.array([wanted in said.split(AND) for said in known["settings"]], dtype=bool)
        kept = frame.merge(known[stands][keys], on=keys)
        # Rates that entries of one rule hold are no repetitions of each other.
        is_single = kept.groupby([evidence.of_kind.entry, "rule"])["swept_value"].nunique().max() == 1
        if len(kept) and is_single:
            return kept, Axis("batch", "batch size", wanted)
    return frame, Axis("swept_value", title)


def _pages(evidence: Evidence, frame: pd.DataFrame, family: str, axis: Axis, swept: str) -> list[Figure]:
    rows = frame.drop_duplicates("measure").to_dict("records")
    told = [{str(key): value for key, value in row.items()} for row in rows]
    labels, titles = in_order(evidence, told), columns_of(told)
    sizes = sorted(float(size) for size in frame["batch"].dropna().unique())
    by_batch = axis.column != "batch" and len(sizes) > 1
    figures = []
    for some in panels.chunks(labels, MOST_ROWS if by_batch else panels.PER_PAGE):
        part = frame[frame["measure"].isin(some)]
        n_rows = len(some) if by_batch else panels.rows(len(some))
        sheet = panels.page(
            evidence,
            f"Sharp or flat: {escaping.figure(family, 60)}",
            _subtitle(evidence, axis),
            _notes(evidence, part, axis, swept),
            ROW_HEIGHT * n_rows + 0.35,
            [*panels.rule_handles(optimizers(part["rule"])), *_handles(part, axis, swept)],
            scored=False,
        )
        if by_batch:
            _by_batch(sheet, part, some, titles, sizes, axis, swept)
        else:
            _single(sheet, part, some, titles, axis, swept)
        figures.append(sheet.figure)
    return figures


def _by_batch(
    sheet: panels.Page, frame: pd.DataFrame, labels: Sequence[str],
    titles: dict[str, tuple[str, bool]], sizes: Sequence[float], axis: Axis, swept: str,
) -> None:  # fmt: skip
    """Draws a row of panels for each measure, one panel for each batch size, with one vertical axis a row."""
    pad = panels.Pad(0.68, 0.12, 0.42, 0.48, 0.2, 0.58)
    for row, label in zip(sheet.grid(len(labels), len(sizes), pad=pad), labels, strict=True):
        whole = frame[frame["measure"] == label]
        # Above the sizes, with which a long title would collide.
        panels.row_title(row[0], _titled(titles[label]), 14.0)
        for i, (ax, size) in enumerate(zip(row, sizes, strict=True)):
            _panel(ax, whole[whole["batch"] == size], whole, axis, swept)
            ax.set_title(f"batch {size:g}", loc="right", fontsize=8, color=style.INK, y=1.0, pad=3.0)
            if i:
                ax.tick_params(labelleft=False)
            if label == labels[-1]:
                ax.set_xlabel(axis.title)


def _single(
    sheet: panels.Page, frame: pd.DataFrame, labels: Sequence[str],
    titles: dict[str, tuple[str, bool]], axis: Axis, swept: str,
) -> None:  # fmt: skip
    """Draws one panel for each measure."""
    axes = panels.small_multiples(sheet, [_titled(titles[label]) for label in labels], between_rows=0.55)
    for i, (ax, label) in enumerate(zip(axes, labels, strict=True)):
        mine = frame[frame["measure"] == label]
        _panel(ax, mine, mine, axis, swept)
        if panels.is_bottom(i, len(labels)):
            ax.set_xlabel(axis.title)


def _titled(told: tuple[str, bool]) -> str:
    title, is_invariant = told
    return f"{title}, invariant" if is_invariant else title


def _subtitle(evidence: Evidence, axis: Axis) -> str:
    points = evidence.of_kind.points
    subject = "" if points is None else f", {points.subject(evidence)}"
    of_setting = f"; setting: {SETTING_TITLES[axis.setting]}" if axis.setting else ""
    return f"Measures at the ends of reported runs{subject}, against the {axis.title}{of_setting}."


def _notes(evidence: Evidence, frame: pd.DataFrame, axis: Axis, swept: str) -> list[str]:
    points = evidence.of_kind.points
    unit = "run" if points is None else points.unit
    counts = frame.groupby(["measure", "optimizer", evidence.of_kind.entry, "config"])["unit"].nunique()
    said = [
        f"Dots: single runs. Lines: medians over the {unit}s that have a number, of {seeds(span(counts), unit)} each; "
        f"bars: their 95 % intervals, from six {unit}s on, one at a time.",
        "Sharpness hangs on the loss, and losses differ between rates and optimizers: the table 'sharpness' has them.",
    ]
    if any(frame["is_invariant"]):
        said.append(
            "Invariant: rescaling of weights that leaves a network's function as it is leaves the measure (Dinh et al. "
            "2017)."
        )
    if _edges(frame, axis, swept):
        said.append("A dashed line that lies outside of a panel is not drawn there.")
    return [*said, *(escaping.figure(note, limit=1000) for note in absent(evidence))]


def _edges(frame: pd.DataFrame, axis: Axis, swept: str) -> dict[str, tuple[float, str]]:
    """Returns the edges of stability to draw, by name of the measure; curvatures are in the units of the rates."""
    if axis.column != "swept_value" or swept != "lr":
        return {}
    return {name: edge for name, edge in EDGES.items() if name in set(frame["name"])}


def _handles(frame: pd.DataFrame, axis: Axis, swept: str) -> list[Artist]:
    dashes = ((0, (4, 2)), (0, (1, 1.5)))
    return [
        Line2D([], [], color=style.INK, linestyle=dashes[list(EDGES).index(name)], linewidth=1.0, label=said)
        for name, (_, said) in _edges(frame, axis, swept).items()
    ]


def _panel(ax: Axes, frame: pd.DataFrame, whole: pd.DataFrame, axis: Axis, swept: str) -> None:
    """Draws one measure, on the axes that all of ``whole`` needs."""
    ax.set_xscale("log")
    panels.log_ticks(ax, "x", 6)
    _vertical(ax, whole["estimate"].to_numpy(np.float64))
    at = np.unique(whole[axis.column].to_numpy(np.float64))
    if axis.column == "batch":
        ax.set_xticks(at, [f"{size:g}" for size in at])
    ax.set_xlim(at.min() / 1.5, at.max() * 1.5)
    rules = optimizers(whole["rule"])
    for k, rule in enumerate(rules):
        mine, look = frame[frame["rule"] == rule], style.look(rule)
        shift = 1.05 ** (k - (len(rules) - 1) / 2)
        ax.plot(
            mine[axis.column] * shift, mine["estimate"], ".", color=look.color, markersize=5, alpha=0.4, zorder=2,
            markeredgewidth=0,
        )  # fmt: skip
        x, middle, low, high = _medians(mine, axis)
        ax.vlines(x * shift, low, high, color=look.color, linewidth=1.2, alpha=0.8, zorder=3)
        ax.plot(
            x * shift, middle, color=look.color, linestyle=look.dash, marker=look.marker, markersize=4, linewidth=1.2,
            zorder=4 + 0.01 * k,
        )  # fmt: skip
    dashes = ((0, (4, 2)), (0, (1, 1.5)))
    for name, (factor, _) in _edges(whole, axis, swept).items():
        line = np.geomspace(*ax.get_xlim(), 50)
        dash = dashes[list(EDGES).index(name)]
        ax.plot(line, factor / line, color=style.INK, linestyle=dash, linewidth=1.0, zorder=1, scaley=False)


def _medians(frame: pd.DataFrame, axis: Axis) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns places, medians and the ends of their intervals, in ascending order."""
    found = []
    for place, mine in frame.groupby(axis.column, sort=True):
        values = by_unit(mine, "estimate")
        found.append((place, float(np.median(values)), *of_median(values)))
    x, middle, low, high = np.asarray(found, dtype=np.float64).reshape(-1, 4).T
    return x, middle, low, high


def _vertical(ax: Axes, values: np.ndarray) -> None:
    """Makes the vertical axis one of ratios, on either side of 0 where signs are mixed."""
    sizes = np.abs(values[values != 0])
    if not len(sizes):
        return
    if (values > 0).all():
        ax.set_yscale("log")
        low, high = float(values.min()), float(values.max())
        room = max((high / low) ** 0.12, 1.15)
        ax.set_ylim(low / room, high * room)
        if high / low < CLOSE:
            ax.yaxis.set_major_locator(AutoLocator())
            ax.yaxis.set_minor_locator(NullLocator())
            ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        elif high / low < WIDE:
            panels.few_ticks(ax)
        else:
            panels.log_ticks(ax, "y", 6)
        return
    low, high = float(values.min()), float(values.max())
    least = float(sizes.min()) if high < 0 else float(sizes.max()) / 100
    ax.set_yscale("symlog", linthresh=least)
    subs = (1.0, 2.0, 5.0) if sizes.max() / least < WIDE else (1.0,)
    ax.yaxis.set_major_locator(SymmetricalLogLocator(base=10.0, linthresh=least, subs=subs))
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylim(1.6 * low if low < 0 else 0.0, 1.6 * high if high > 0 else high / 1.6)
