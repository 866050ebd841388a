"""The claims of a suite of networks, judged: one row each, under the claim."""

from __future__ import annotations

import math
from collections.abc import Sequence

from optbench.report.evidence import Evidence
from optbench.report.formats import formatting
from optbench.report.formats.layout import Cell, Column, Table
from optbench.report.tables import claims
from optbench.report.tables.common_notes import NO_CONTRASTS, absent, counted, seeds
from optbench.report.tables.networks import notes
from optbench.report.tables.side_by_side import Row

#: What a measure is, for the notes.
MEASURES = {
    "test": "share of test examples that are right",
    "train": "share of training examples that are right",
    "gap": "training accuracy minus test accuracy; more is a wider gap",
}


def verdicts(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns the contrasts of the suite, each under its claim.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One row per contrast, in the suite's order.
    """
    return claims.verdicts(
        evidence,
        kind,
        title,
        columns=[Column(name) for name in ("contrast", "left", "right", "measure", "difference", "p, Holm", "verdict")],
        cells=_cells,
        notes=_notes,
        intervals="at the level of Holm's step, these tasks, new seeds and new test examples",
    )


def _cells(row: Row) -> tuple[Cell, ...]:
    names = tuple(Cell(row[name], is_text=True) for name in ("contrast", "left", "right", "measure"))
    verdict = Cell(row["verdict"], is_text=True)
    if math.isnan(row["difference"]):
        return (*names, Cell(formatting.MISSING), Cell(formatting.MISSING), verdict)
    p = row["p_holm"]
    shown = formatting.MISSING if math.isnan(p) else formatting.significant(p) if p >= 1e-4 else "<1e-4"
    bracket = f"[{_points(row['low'])}, {_points(row['high'])}]"
    return (*names, Cell(_points(row["difference"]), bracket), Cell(shown), verdict)


def _points(value: float) -> str:
    """Returns a difference of shares in points, infinite where a single seed says nothing of others."""
    return f"{100 * value:.2f}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _notes(evidence: Evidence, rows: Sequence[Row]) -> list[str]:
    said = [counted(evidence), *absent(evidence)]
    if not rows:
        return [*said, NO_CONTRASTS]
    said += [
        "Contrasts stand in the suite file and are part of the run's identity: none was added afterwards. difference: "
        "left minus right in points, paired on seeds and test examples, mean over the pairs of tasks.",
        f"Brackets: intervals for these tasks, new seeds and new test examples, at the level of each contrast's step "
        f"in Holm's procedure over all that have {notes.RANKED_FROM} seeds. holds: above 0; fails: below 0; depends: 0 "
        f"lies inside; few seeds: fewer than {notes.RANKED_FROM}, which judge nothing.",
        notes.judged(evidence),
    ]
    halves = [float(row["detectable"]) for row in rows if math.isfinite(row["detectable"])]
    if halves:
        ends = " to ".join(dict.fromkeys(_points(half) for half in (min(halves), max(halves))))
        said.append(f"Smallest difference that could have been detected (half-width of the interval): {ends} points.")
    said += [f"{name}: {what}." for name, what in MEASURES.items() if any(row["measure"] == name for row in rows)]
    said += [
        f"{row['contrast']}: {_counted(row['n_pairs'], 'pair')} of tasks on {_counted(row['n_data'], 'data set')}, "
        f"{seeds(row['n_seeds'])}."
        for row in rows
        if row["n_pairs"]
    ]
    said += [
        f"{row['contrast']}: left may be lower by {_points(row['margin'])} points; the difference shown includes it."
        for row in rows
        if row["margin"] > 0
    ]
    return [*said, "A failed run counts as wrong on every example."]
