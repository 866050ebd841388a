"""Best of k: the score to expect after k trials of tuning, in the mean over problems and on each problem."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from optbench.records import UNRANKED_TAGS
from optbench.report import style
from optbench.report.evidence import MEAN, Evidence, optimizers
from optbench.report.figures import panels
from optbench.report.figures.pages import Pages
from optbench.report.formats import escaping

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROW_HEIGHT = 2.15
#: Up to this many rules are all drawn in color; of more, the best SHOWN in the mean, the others in gray.
ALL_SHOWN = 10
SHOWN = 8
#: Problems below the mean on the first page.
FIRST_PAGE = 6
GRAY = "#b5b5b5"
#: Height of one label beside the mean's panel, in inches.
LABEL = 0.112


def draw(evidence: Evidence, setting: str) -> Sequence[Figure]:
    """Draws the expected score of the best of k trials with its interval.

    Args:
        evidence: The run.
        setting: Not used: the curve is about all trials.

    Returns:
        One figure with the mean and the first problems, and one for every twelve further problems.
    """
    del setting
    frame = evidence.frame("best_of_k")
    mean = frame[frame["problem"] == MEAN]
    if mean.empty:
        return []
    rules = optimizers(frame["optimizer"])
    colored = _colored(mean, rules)
    labels = evidence.problems(name for name in frame["problem"] if name != MEAN)
    first, rest = labels[:FIRST_PAGE], labels[FIRST_PAGE:]
    height = max(2.9, LABEL * len(rules) + 0.5)
    below = ROW_HEIGHT * panels.rows(len(first)) + 0.3
    sheet = _sheet(evidence, mean, rules, colored, height + below)
    over = panels.Page(sheet.figure, sheet.top, sheet.top - height)
    right = 0.75 + 0.066 * max(len(escaping.figure(rule, 24)) for rule in rules)
    ax = over.grid(1, 1, pad=panels.Pad(0.68, right, 0.2 + 4 / 72, 0.46, 0.0, 0.0))[0][0]
    ax.set_title(f"Mean over {_problems(evidence)}", loc="left", color=style.INK, y=1.0, pad=4)
    _panel(ax, mean, rules, colored)
    _names(ax, mean, colored, height - 0.7)
    ax.set_xlabel("trials k")
    ax.set_ylabel("score")
    _multiples(sheet._replace(top=sheet.top - height), frame, first, rules, colored)

    def further(labels: list[str]) -> Figure:
        sheet = _sheet(evidence, mean, rules, colored, ROW_HEIGHT * panels.rows(len(labels)) + 0.3)
        _multiples(sheet, frame, labels, rules, colored)
        return sheet.figure

    return Pages([lambda: sheet.figure, *(partial(further, part) for part in panels.chunks(rest, panels.PER_PAGE))])


def _problems(evidence: Evidence) -> str:
    """Returns over how many problems the mean is taken: all ranked ones, whichever are shown."""
    labels = evidence.whole.problems(name for name in evidence.whole.frame("best_of_k")["problem"] if name != MEAN)
    ranked = sum(UNRANKED_TAGS.isdisjoint(evidence.problem(label).get("tags", ())) for label in labels)
    return f"{ranked} problem{'s' if ranked != 1 else ''}"


def _colored(mean: pd.DataFrame, rules: list[str]) -> list[str]:
    """Returns the rules that are drawn in color, in the legend's order."""
    if len(rules) <= ALL_SHOWN:
        return rules
    last = mean.sort_values("k").groupby("optimizer")["score"].last()
    best = sorted(last.index, key=lambda rule: (-last[rule], style.rank(str(rule))))[:SHOWN]
    return [rule for rule in rules if rule in best]


def _sheet(evidence: Evidence, mean: pd.DataFrame, rules: list[str], colored: list[str], body: float) -> panels.Page:
    notes = [
        f"Score: mean log-time area over the 51 {evidence.scoring} targets on report starts, 1 best, 0 if none is met. "
        "The best of k is chosen on tuning starts; the curve averages over which k of the trials were tried, up to "
        "half of them.",
        "Bands: 95 % intervals, these problems; trials, tuning starts and report starts drawn anew.",
    ]
    flat = [rule for rule in rules if not _has_rate(evidence, rule)]
    if flat:
        shown = ", ".join(escaping.figure(rule, 20) for rule in flat)
        notes.append(f"{shown}: no learning rate; a flat line at the default.")
    handles = panels.rule_handles(colored)
    if len(colored) < len(rules):
        handles.append(Line2D([], [], color=GRAY, label="all others"))
        notes.append(f"In color: the {SHOWN} rules with the highest mean at the largest k, the same in every panel.")
    return panels.page(
        evidence, "Best of k", "Score to expect after k trials of tuning, from one sweep.", notes, body, handles
    )


def _has_rate(evidence: Evidence, rule: str) -> bool:
    entry = evidence.manifest.get("optimizers", {}).get(rule, {})
    return bool(entry.get("has_rate", evidence.swept(rule) == "lr"))


def _multiples(
    sheet: panels.Page, frame: pd.DataFrame, labels: list[str], rules: list[str], colored: list[str]
) -> None:
    if not labels:
        return
    axes = panels.small_multiples(sheet, labels, between_rows=0.5)
    for i, (ax, label) in enumerate(zip(axes, labels, strict=True)):
        _panel(ax, frame[frame["problem"] == label], rules, colored)
        if panels.is_left(i):
            ax.set_ylabel("score")
        if panels.is_bottom(i, len(labels)):
            ax.set_xlabel("trials k")


def _panel(ax: Axes, frame: pd.DataFrame, rules: list[str], colored: list[str]) -> None:
    ax.set_xscale("log", base=2)
    last = int(frame["k"].max())
    ticks = [2**j for j in range(last.bit_length())]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.set_xlim(1 / 1.06, max(last, 2) * 1.06)
    seen = frame[frame["optimizer"].isin(colored)]
    ends = np.concatenate([seen["high"].to_numpy(float), frame["score"].to_numpy(float)])
    ax.set_ylim(0, max(0.05, 1.06 * float(np.nanmax(ends, initial=0.0))))
    for k, rule in enumerate(rules):
        data = frame[frame["optimizer"] == rule].sort_values("k")
        x, score, low, high = (data[name].to_numpy(float) for name in ("k", "score", "low", "high"))
        if rule not in colored:
            ax.plot(x, score, color=GRAY, lw=0.7, zorder=1.5)
            continue
        look = style.look(rule)
        ax.fill_between(x, low, high, color=look.color, alpha=0.1, lw=0, zorder=1)
        every = [int(j) - 1 for j in ticks]
        ax.plot(
            x, score, color=look.color, linestyle=look.dash, marker=look.marker, markersize=3.6, markevery=every,
            zorder=3 + 0.01 * k,
        )  # fmt: skip


def _names(ax: Axes, mean: pd.DataFrame, colored: list[str], height: float) -> None:
    """Writes each rule's name beside the end of its curve, moved apart where they would overlap."""
    last = mean.sort_values("k").groupby("optimizer")["score"].last()
    rules = sorted((str(rule) for rule in last.index), key=lambda rule: (last[rule], style.rank(rule)))
    top = ax.get_ylim()[1]
    ends = np.array([float(last[rule]) / top for rule in rules])
    for rule, end, y in zip(rules, ends, _apart(ends, LABEL / height), strict=True):
        color = style.look(rule).color if rule in colored else style.FAINT
        # The leader starts where the panel ends, and the name where the leader does.
        ax.plot(
            [1.005, 1.03], [end, y], transform=ax.transAxes, color=color, lw=0.6, clip_on=False, zorder=1
        )  # fmt: skip
        ax.text(
            1.035, y, f"{last[rule]:.2f}  {escaping.figure(rule, 24)}", transform=ax.transAxes, fontsize=7.2,
            color=color, va="center", fontweight="bold" if rule in colored and len(rules) > ALL_SHOWN else "normal",
        )  # fmt: skip


def _apart(wanted: np.ndarray, step: float) -> np.ndarray:
    """Returns places in [0, 1] at least ``step`` apart, if there is room, close to the wanted ones, which ascend.

    Least squares under an order: neighbors that meet share one mean (pool adjacent violators).
    """
    blocks: list[tuple[float, int]] = []
    for k, value in enumerate(wanted):
        blocks.append((float(value) - k * step, 1))
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            (a, n), (b, m) = blocks.pop(-2), blocks.pop()
            blocks.append(((a * n + b * m) / (n + m), n + m))
    free = np.concatenate([np.full(n, value) for value, n in blocks])
    room = max(0.0, 1.0 - step * (len(wanted) - 1))
    return np.asarray(np.clip(free, 0.0, room) + step * np.arange(len(wanted)))
