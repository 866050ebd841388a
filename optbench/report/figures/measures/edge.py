"""The edge of stability: the largest eigenvalue along the paths of runs, and where the rule's steps stop shrinking."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from optbench.analysis.measures.edges import PRECONDITIONED, edge_of
from optbench.records import Split
from optbench.records.measures import MeasureStatus
from optbench.report import style
from optbench.report.evidence import Evidence, optimizers
from optbench.report.figures import panels
from optbench.report.formats import escaping, formatting
from optbench.report.tables.common_notes import absent

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROW_HEIGHT = 2.4
#: Height of a panel as a multiple of the edge.
ABOVE = 1.6
#: What is added to a row of a measure: the edge there, and how it is written.
COLUMNS = ("edge", "formula")


def draw(evidence: Evidence, setting: str) -> list[Figure]:
    """Draws the eigenvalue of each reported run against gradients, one panel per task and optimizer.

    Args:
        evidence: The run.
        setting: Not used: every configuration that was reported has its own line.

    Returns:
        The pages; none where no eigenvalue was measured along the path of a rule whose edge is known.
    """
    del setting
    if evidence.measures.empty or evidence.of_kind.entry != "task":
        return []
    frame = _with_edges(evidence)
    if frame.empty:
        return []
    labels, rules = evidence.entries(frame["task"]), optimizers(frame["optimizer"])
    pairs = set(zip(frame["task"], frame["optimizer"], strict=True))
    order = [(label, rule) for label in labels for rule in rules if (label, rule) in pairs]
    return [_page(evidence, frame, some) for some in panels.chunks(order, panels.PER_PAGE)]


def _with_edges(evidence: Evidence) -> pd.DataFrame:
    """Returns the eigenvalues along paths that have an edge, with it."""
    frame = evidence.frame("measured")
    wanted = (frame["point"] == "snapshot") & (frame["split"] == str(Split.REPORT)) & (frame["evals"] > 0)
    frame = frame[wanted & (frame["status"] == str(MeasureStatus.OK))].reset_index(drop=True)
    runs, entries = evidence.run.runs, evidence.manifest["optimizers"]
    hyper = dict(zip(runs["cell_id"], runs["hyper"], strict=True))
    found = []
    for row in frame[["cell_id", "optimizer", "name", "details"]].to_dict("records"):
        edge = edge_of(str(entries[row["optimizer"]]["name"]), json.loads(hyper[row["cell_id"]]))
        rate = json.loads(row["details"] or "{}").get("lr")
        known = edge is not None and rate and edge.measure == row["name"]
        found.append((edge.multiple / rate, edge.formula) if edge and known else (np.nan, ""))
    frame[list(COLUMNS)] = np.array(found, dtype=object).reshape(-1, 2)
    frame["edge"] = frame["edge"].astype(np.float64)
    return frame[frame["edge"].notna()]


def _page(evidence: Evidence, frame: pd.DataFrame, order: list[tuple[str, str]]) -> Figure:
    several = len({label for label, _ in order}) > 1
    points = evidence.of_kind.points
    subject = "" if points is None else f", {points.subject(evidence)}"
    shown = frame[frame["task"].isin({label for label, _ in order})]
    sheet = panels.page(
        evidence,
        "Edge of stability",
        "Largest eigenvalue of the Hessian while networks are trained, one line for each reported run, and the "
        "curvature at which the rule's steps on a quadratic stop shrinking.",
        [
            f"Of the Hessian{subject}, on {_examples(shown)}; of rules that scale each coordinate that of the Hessian "
            "divided by the scale.",
            "Predicted lines: Cohen et al. 2021, arXiv:2103.00065, and 2022, arXiv:2207.14484. They hold for gradients "
            "of the whole training set. An open mark at the upper edge of a panel: the value lies above it.",
            *[escaping.figure(note, limit=1000) for note in absent(evidence)],
        ],
        ROW_HEIGHT * panels.rows(len(order)) + 0.3,
        _handles(optimizers(rule for _, rule in order)),
        scored=False,
    )
    titles = [f"{label}, {rule}" if several else rule for label, rule in order]
    axes = panels.small_multiples(sheet, titles, between_rows=0.55)
    for i, (ax, (label, rule)) in enumerate(zip(axes, order, strict=True)):
        _panel(ax, frame[(frame["task"] == label) & (frame["optimizer"] == rule)], rule)
        if panels.is_left(i):
            ax.set_ylabel("largest eigenvalue")
        if panels.is_bottom(i, len(order)):
            ax.set_xlabel("gradients")
    return sheet.figure


def _examples(frame: pd.DataFrame) -> str:
    """Returns of how many training examples the eigenvalues are."""
    sizes = sorted({int(json.loads(details)["examples"]) for details in frame["details"]})
    return f"{sizes[0]:,} of them" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,} of them"


def _handles(rules: list[str]) -> list[Artist]:
    line = Line2D([], [], color=style.INK, linestyle=(0, (4, 2)), label="predicted edge")
    return [*panels.rule_handles(rules, solid=True), line]


def _panel(ax: Axes, frame: pd.DataFrame, rule: str) -> None:
    look = style.look(rule)
    top = ABOVE * float(frame["edge"].max())
    for _, run in frame.sort_values("evals").groupby("cell_id", sort=True):
        evals, values = run["evals"].to_numpy(float), run["estimate"].to_numpy(float)
        ax.plot(evals, values, color=look.color, marker=look.marker, markersize=2.6, linewidth=0.9, zorder=3)
        ax.plot(evals, run["edge"].to_numpy(float), color=style.INK, linestyle=(0, (4, 2)), linewidth=1.0, zorder=4)
        above = values > top
        ax.plot(
            evals[above], np.full(above.sum(), 0.985 * top), look.marker, color=look.color, markerfacecolor="none",
            markersize=5, zorder=5,
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set_ylim(min(0.0, 1.05 * float(frame["estimate"].min())), top)
    panels.log_ticks(ax, "x", 6)
    edges, formula = frame["edge"], str(frame["formula"].iloc[0])
    said = f"{formula} = {formatting.significant(float(edges.iloc[0]))}" if edges.nunique() == 1 else formula
    scaled = ", preconditioned" if (frame["name"] == PRECONDITIONED).all() else ""
    ax.text(0.03, 0.96, said + scaled, transform=ax.transAxes, fontsize=7.5, color=style.INK, va="top", zorder=20)
