"""Theory beside measurement on quadratics: rates above, stationary losses under noise below, one column a condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from optbench.report import style
from optbench.report.evidence import Evidence, optimizers
from optbench.report.figures import panels
from optbench.report.formats import escaping
from optbench.report.style import Look
from optbench.report.tables.landscapes.theory import condition

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

ROW_HEIGHT = 3.1
#: Of the measured values only so many are drawn for each rule: more would hide the line.
DOTS = 10
#: Entries of one rule that differ in beta share its color, from light to dark, and differ in marker.
MARKERS = ("o", "s", "^", "v", "P", "X")


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws the predicted rate and stationary loss as lines over the learning rate, and what was measured as dots.

    Args:
        evidence: The run.
        setting: Not used: the grid holds every configuration.

    Returns:
        One figure for every dimension and three conditions.
    """
    del setting
    frame = evidence.frame("theory_rates")
    if frame.empty:
        return []
    facts = {label: evidence.problem(label) for label in frame["problem"].unique()}
    figures = []
    for dim in sorted({int(fact["dim"]) for fact in facts.values()}):
        labels = [label for label, fact in facts.items() if fact["dim"] == dim]
        labels.sort(key=lambda label: (condition(facts[label]), label))
        figures += [_page(evidence, frame, page, dim) for page in panels.chunks(labels, panels.COLUMNS)]
    return figures


def looks(rules: list[str]) -> dict[str, Look]:
    """Returns how entries are drawn here: in the color of their rule, lighter for the first of several betas.

    Args:
        rules: Labels such as ``nag[beta=0.5]``, in the order of their legend.

    Returns:
        Looks by label.

    Example:
        >>> looks(["sgd", "nag[beta=0.5]", "nag[beta=0.9]"])["nag[beta=0.9]"].marker
        's'
    """
    from matplotlib.colors import to_hex, to_rgb

    families: dict[str, list[str]] = {}
    for rule in rules:
        families.setdefault(rule.partition("[")[0], []).append(rule)
    found = {}
    for family, members in families.items():
        own = np.array(to_rgb(_COLORS.get(family, style.look(family).color)))
        for place, rule in enumerate(members):
            light = 0.6 * (len(members) - 1 - place) / max(len(members) - 1, 1)
            color = to_hex(tuple(own + light * (1.0 - own)))
            found[rule] = Look(color, MARKERS[place % len(MARKERS)], style.SOLID)
    return found


#: Shades of momentum's and NAG's usual blues could not be told apart: here NAG has their opposite.
_COLORS = {"momentum": "#1b86c8", "nag": "#b34700"}


def _page(evidence: Evidence, frame: pd.DataFrame, labels: list[str], dim: int) -> Figure:
    part = frame[frame["problem"].isin(labels)]
    rules = optimizers(part["optimizer"])
    shown = looks(rules)
    noisy = bool(part["excess"].notna().any())
    handles: list[Artist] = [
        Line2D([], [], color=shown[r].color, marker=shown[r].marker, label=escaping.figure(r, 24)) for r in rules
    ]
    rows = 2 if noisy else 1
    notes = [
        "Lines: theory, from the eigenvalues alone. Marks: measured, median over runs. Dotted: the predicted edge of "
        "stability; a bar at the upper margin: between these two rates of the grid the runs begin to diverge.",
        "Rate: by how much the logarithm of the distance falls in one step, in the long run; where marks are missing "
        "it was not settled within the budget.",
    ]
    if noisy:
        notes.append(
            "Stationary loss: mean f - f_star under normal noise on the gradient, 95 % intervals over starts; all "
            "rules see the same draws, so neighboring marks err together."
        )
    units = evidence.manifest.get("units", "unknown")
    sheet = panels.page(
        evidence,
        f"Theory and measurement on quadratics in {dim} dimensions",
        f"Rate of convergence{' and stationary loss under noise' if noisy else ''} against the learning rate, "
        f"{units} units, by condition.",
        notes,
        ROW_HEIGHT * rows,
        handles,
        scored=False,
    )
    grid = sheet.grid(rows, len(labels), pad=panels.Pad(0.68, 0.12, 0.26, 0.48, 0.52, 0.4))
    for column, label in enumerate(labels):
        data = part[part["problem"] == label]
        ratio = condition(evidence.problem(label))
        grid[0][column].set_title(f"condition {ratio:,.4g}", loc="left", color=style.INK)
        _rates(grid[0][column], data, rules, shown)
        if noisy:
            _losses(grid[1][column], data, rules, shown)
        grid[-1][column].set_xlabel("learning rate lr")
    grid[0][0].set_ylabel("rate, -log(radius)")
    if noisy:
        grid[1][0].set_ylabel("stationary loss")
    return sheet.figure


def _swept(data: pd.DataFrame, rule: str) -> pd.DataFrame:
    """Returns the rows of a rule near its edge of stability, without a default far from it."""
    return _near(data[data["optimizer"] == rule].sort_values("lr"))


def _near(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows near an edge of stability; all if none of them is below it: a grid may step over the edge."""
    near = rows[rows["lr"] > 0.1 * rows["edge"]]
    return near if (near["radius"] < 1.0).any() else rows


def _rates(ax: Axes, data: pd.DataFrame, rules: list[str], shown: dict[str, Look]) -> None:
    if (data["radius"] >= 1.0).all():  # the grid lies beyond every edge of stability
        ax.set_axis_off()
        return
    for k, rule in enumerate(rules):
        own, look = _swept(data, rule), shown[rule]
        stable = own[own["radius"] < 1.0]
        ax.plot(stable["lr"], -np.log(stable["radius"]), color=look.color, zorder=3 + 0.01 * k, lw=1.3)
        dots = _spread(stable[stable["radius_measured"].notna()])
        ax.plot(
            dots["lr"], -np.log(dots["radius_measured"]), color=look.color, linestyle="none", marker=look.marker,
            markersize=3.6, markeredgecolor="white", markeredgewidth=0.4, zorder=4 + 0.01 * k,
        )  # fmt: skip
        _edge(ax, own, look)
    ax.set_yscale("log")
    _axes(ax, data)


def _losses(ax: Axes, data: pd.DataFrame, rules: list[str], shown: dict[str, Look]) -> None:
    if data["excess"].isna().all():  # noise on some of the quadratics only: a logarithmic axis needs a value
        ax.set_axis_off()
        return
    for k, rule in enumerate(rules):
        own, look = _swept(data, rule), shown[rule]
        stable = own[own["excess"].notna()]
        ax.plot(stable["lr"], stable["excess"], color=look.color, zorder=3 + 0.01 * k, lw=1.3)
        dots = _spread(stable)
        ends = np.stack([
            dots["excess_measured"] - dots["excess_low"].clip(lower=0.0),
            dots["excess_high"] - dots["excess_measured"],
        ])  # fmt: skip
        ax.errorbar(
            dots["lr"], dots["excess_measured"], yerr=ends, color=look.color, linestyle="none", marker=look.marker,
            markersize=3.6, markeredgecolor="white", markeredgewidth=0.4, elinewidth=0.8, zorder=4 + 0.01 * k,
        )  # fmt: skip
        _edge(ax, own, look)
    ax.set_yscale("log")
    _axes(ax, data)


def _spread(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns at most ``DOTS`` rows, evenly spread."""
    return rows.iloc[np.unique(np.linspace(0, len(rows) - 1, min(DOTS, len(rows))).round().astype(int))]


def _edge(ax: Axes, own: pd.DataFrame, look: Look) -> None:
    """Draws the predicted edge of stability, and at the margin the two rates that enclose the measured one."""
    if own.empty:
        return
    ax.axvline(float(own["edge"].iloc[0]), color=look.color, lw=0.9, linestyle=":", zorder=1)
    grows = own["grows"].to_numpy(bool)
    if grows.any() and (first := int(grows.argmax())) > 0:
        ends = own["lr"].to_numpy(float)[[first - 1, first]]
        ax.plot(
            ends, [1.0, 1.0], transform=ax.get_xaxis_transform(), color=look.color, lw=3.5, solid_capstyle="butt",
            clip_on=False, zorder=6,
        )  # fmt: skip


def _axes(ax: Axes, data: pd.DataFrame) -> None:
    """Puts rates of round values on the horizontal axis, and powers of ten on the other."""
    ax.set_xscale("log")
    inside = _near(data)["lr"].to_numpy(float)
    low, high = float(inside.min()), float(inside.max())
    ax.set_xlim(low / 1.03, high * 1.03)
    ticks = [m * 10.0**e for e in range(-6, 7) for m in (1, 2, 3, 5) if low <= m * 10.0**e <= high]
    panels.log_ticks(ax, "x", 6)
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    panels.log_ticks(ax, "y", 7)
