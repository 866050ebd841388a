"""Ranks: scores with both kinds of interval, and rank intervals with the confidence set for the best."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from optbench.report import style
from optbench.report.evidence import SETTING_TITLES, Evidence
from optbench.report.figures import panels
from optbench.report.formats import escaping

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Height of an entry's line, in inches; 60 of them make one tall page.
LINE = 0.165
IN_SET, OUT, REFERENCE, BAND = "#0072b2", "#777777", "#b0b0b0", "#e4eef6"


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws every entry's score and rank interval, the confidence set for the best in color.

    Args:
        evidence: The run.
        setting: Which setting.

    Returns:
        One figure, or none where the setting has no ranking.
    """
    frame = evidence.frame("ranking")
    frame = frame[frame["setting"] == setting].sort_values(["score", "optimizer"], ascending=[False, True])
    rows = [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
    if not rows:
        return []
    sheet = panels.page(
        evidence,
        f"Ranking, {SETTING_TITLES[setting]}",
        f"Mean log-time area score over {rows[0]['n_problems']} problems ({rows[0]['n_families']} families), and the "
        "ranks that the data leave open.",
        _notes(rows),
        LINE * len(rows) + 1.0,
        _handles(rows),
    )
    longest = max(len(_label(row)) for row in rows)
    pad = panels.Pad(0.35 + 0.068 * longest, 0.2, 0.3, 0.5, 0.25, 0.0)
    left, right = sheet.grid(1, 2, pad=pad, width_ratios=(1.25, 1.0))[0]
    for ax in (left, right):
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.grid(axis="y", visible=False)
        for i, row in enumerate(rows):
            if row["in_set"]:
                ax.axhspan(i - 0.5, i + 0.5, color=BAND, lw=0, zorder=0)
    _scores(left, rows)
    _ranks(right, rows)
    return [sheet.figure]


def _label(row: dict[str, Any]) -> str:
    return escaping.figure(row["optimizer"], limit=40)


def _color(row: dict[str, Any]) -> str:
    if not row["ranked"]:
        return REFERENCE
    return IN_SET if row["in_set"] else OUT


def _scores(ax: Axes, rows: list[dict[str, Any]]) -> None:
    for i, row in enumerate(rows):
        color = _color(row)
        if not math.isnan(row["new_low"]):
            ax.plot([row["new_low"], row["new_high"]], [i, i], color=color, lw=0.8, alpha=0.75, zorder=2)
        ax.plot(
            [row["score_low"], row["score_high"]], [i, i], color=color, lw=3.2, solid_capstyle="butt", zorder=3
        )  # fmt: skip
        shape = "o" if row["ranked"] else "D"
        ax.plot(row["score"], i, shape, markersize=4.2, color=color, markeredgecolor="white", mew=0.6, zorder=4)
    ax.set_yticks(range(len(rows)), [_label(row) for row in rows])
    for tick, row in zip(ax.get_yticklabels(), rows, strict=True):
        tick.set_color(style.INK if row["ranked"] else style.FAINT)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("score")
    ax.set_title("score", loc="left", color=style.INK, y=1.0, pad=4)


def _ranks(ax: Axes, rows: list[dict[str, Any]]) -> None:
    for i, row in enumerate(rows):
        if not row["ranked"]:
            ax.text(0.99, i, "reference line", transform=ax.get_yaxis_transform(), fontsize=7, color=style.FAINT,
                    ha="right", va="center")  # fmt: skip
            continue
        if not math.isnan(row["new_rank_low"]):
            ax.plot(
                [row["new_rank_low"] - 0.4, row["new_rank_high"] + 0.4], [i, i], color=_color(row), lw=0.8, zorder=2
            )
        ax.plot(
            [row["rank_low"] - 0.4, row["rank_high"] + 0.4], [i, i],
            color=_color(row), lw=5.0, solid_capstyle="butt", zorder=3,
        )  # fmt: skip
    # Ranks are those among all entries, whichever are shown.
    ends = [row[name] for row in rows for name in ("rank_high", "new_rank_high") if not math.isnan(row[name])]
    n = max([1.0, *ends])
    ax.set_xlim(0.3, n + 0.7)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True, min_n_ticks=1))
    ax.set_yticks([])
    ax.set_xlabel("rank, 1 best")
    ax.set_title("simultaneous rank interval", loc="left", color=style.INK, y=1.0, pad=4)


def _handles(rows: list[dict[str, Any]]) -> list[Any]:
    new = "new problems like these" if rows[0]["new_kind"] == "interval" else "range, one family left out"
    handles = [
        Patch(color=IN_SET, label="in the confidence set for the best"),
        Patch(color=OUT, label="not in it"),
        Line2D([], [], color=style.INK, lw=3.2, label="these problems, new starts"),
        Line2D([], [], color=style.INK, lw=0.8, label=new),
    ]
    if any(not row["ranked"] for row in rows):
        handles.append(Line2D([], [], color=REFERENCE, marker="D", ls="none", label="reference line"))
    return handles


def _notes(rows: list[dict[str, Any]]) -> list[str]:
    said = [
        "Thick: 95 % intervals, these problems, new starts; ranks hold for all entries at once (max-T over all paired "
        "differences). In the set: no entry is better in those intervals. No winner is named.",
    ]
    if rows[0]["new_kind"] == "range":
        said.append(
            f"Thin: range of the score when one of the {rows[0]['n_families']} families is left out; with fewer than "
            "12 families no interval is claimed for new problems."
        )
    else:
        said.append(
            "Thin: the same for new problems like these, by a studentized bootstrap over "
            f"{rows[0]['n_families']} families."
        )
    if not math.isnan(rows[0]["detectable"]):
        said.append(
            "Smallest difference that could have been detected: "
            f"{rows[0]['detectable']:.2g} (median over pairs; {rows[0]['detectable_low']:.2g} to "
            f"{rows[0]['detectable_high']:.2g})."
        )
    return said
