"""The table of the two-well experiment: where runs are, against gradient flow, at equal excess loss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from optbench.analysis.measures.measured import at_ends
from optbench.analysis.wells.equal_loss import CLOSE, LOSS
from optbench.records import Split
from optbench.report.evidence import Evidence, optimizers
from optbench.report.formats import formatting
from optbench.report.formats.layout import Cell, Column, Section, Table
from optbench.report.tables import common_notes
from optbench.report.tables.landscapes import notes
from optbench.report.tables.landscapes.ranking import Row
from optbench.report.tables.side_by_side import rows_of

#: What the column says that runs with measures have.
CURVATURE = (
    "curvature: largest eigenvalue of the Hessian at the last iterate, median over the reported runs that did not "
    "diverge; in the units of the suite."
)
#: Costs at which outcomes are shown (``protocol.md`` section 6); the frame has all snapshots.
SHOWN_COSTS = (100, 1000, 10000)


def shown_costs(costs: Sequence[int]) -> list[int]:
    """Returns the snapshots that are shown: those of ``SHOWN_COSTS``, or the last where there is none.

    Example:
        >>> shown_costs([10, 32, 100, 316, 1000]), shown_costs([20, 50])
        ([100, 1000], [50])
    """
    return [cost for cost in costs if cost in SHOWN_COSTS] or list(costs[-1:])


def outcomes(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns where runs are, one block per problem without its batches.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One row per optimizer and batch size: at the rate of the common excess loss, or at every rate of a
        problem whose control the run does not hold.
    """
    rows = rows_of(evidence, "wells")
    names, rules = evidence.problems(row["problem"] for row in rows), optimizers(row["optimizer"] for row in rows)
    rows.sort(
        key=lambda r: (names.index(r["problem"]), rules.index(r["optimizer"]), r["swept_value"], r["config"], r["cost"])
    )
    costs = shown_costs(sorted({row["cost"] for row in rows}))
    controlled = {row["problem"] for row in rows if not math.isnan(row["excess"])}
    kept = [row for row in rows if row["matched"] or row["problem"] not in controlled]
    at = {(row["problem"], row["optimizer"], row["swept_value"], row["cost"]): row for row in kept}
    last = [row for row in kept if row["cost"] == max(costs)]
    last.sort(key=lambda r: (rules.index(r["optimizer"]), r["batch"], r["swept_value"]))
    curvature = curvatures(evidence)
    columns = (
        *(Column(name) for name in ("optimizer", "batch", "rate", "excess")),
        *(Column(formatting.rate(cost), "P(flat) at cost") for cost in costs),
        *(Column(name) for name in ("flow", "odds ratio", "left sharp", "exit cost", "verdict")),
        *([Column("curvature")] if curvature else []),
    )
    blocks: dict[str, list[tuple[Cell, ...]]] = {label: [] for label in lands(evidence, kept)}
    for row in last:
        place = (row["problem"], row["optimizer"], row["swept_value"])
        cells = (_share(at[*place, cost]) for cost in costs)
        curved = [Cell(formatting.significant(curvature.get(_run(row), math.nan)))] if curvature else []
        blocks[land(row["problem"])].append((*_keys(row), *cells, *_judged(row), *curved))
    if curvature:
        rows = [{**row, "curvature": curvature.get(_run(row), math.nan)} for row in rows]
    fields = (*map(str, evidence.frame("wells").columns), *(["curvature"] if curvature else []))
    return Table(
        kind=kind,
        title=title,
        n_keys=2,
        columns=columns,
        blocks=tuple(Section(label, tuple(cells)) for label, cells in blocks.items() if cells),
        watermark=evidence.watermark,
        notes=(*_notes(evidence, rows, kept), *([CURVATURE] if curvature else [])),
        footer=evidence.source,
        fields=fields,
        records=tuple({name: formatting.machine(row[name]) for name in fields} for row in rows),
        intervals="95 %, these problems, new starts; noise seeds of a start are one cluster",
        block="landscape",
    )


def curvatures(evidence: Evidence) -> dict[tuple[str, str, int], float]:
    """Returns how sharp the places are that reported runs fell into, by problem, optimizer and configuration.

    Args:
        evidence: The run.

    Returns:
        The median of the top eigenvalue at the last iterates, in the suite's units; empty where it was not measured.
    """
    if evidence.measures.empty:
        return {}
    found = at_ends(evidence.frame("measured"))
    found = found[(found["name"] == "hessian_top") & (found["split"] == str(Split.REPORT))]
    values: dict[tuple[str, str, int], list[float]] = {}
    for row in found.to_dict("records"):
        values.setdefault(_run(row), []).append(float(row["estimate"]))
    return {run: float(np.nanmedian(some)) for run, some in values.items() if not np.isnan(some).all()}


def _run(row: Mapping[Any, Any]) -> tuple[str, str, int]:
    return str(row["problem"]), str(row["optimizer"]), int(row["config"])


def land(problem: str) -> str:
    """Returns the label of a problem without its noise.

    Example:
        >>> land("two_wells_sum-2d[noise=6]~batch=8")
        'two_wells_sum-2d[noise=6]'
    """
    return problem.partition("~")[0]


def lands(evidence: Evidence, rows: Sequence[Row]) -> list[str]:
    """Returns the problems without their noise, each once, in the order of all tables."""
    return list(dict.fromkeys(land(label) for label in evidence.problems(row["problem"] for row in rows)))


def _keys(row: Row) -> tuple[Cell, ...]:
    batch = formatting.MISSING if math.isnan(row["batch"]) else formatting.count(row["batch"])
    rate = formatting.rate(row["swept_value"])
    return Cell(row["optimizer"], is_text=True), Cell(batch), Cell(rate), Cell(formatting.gap(row["excess"]))


def _share(row: Row) -> Cell:
    ends = f"[{formatting.share(row['flat_low'])}, {formatting.share(row['flat_high'])}]"
    return Cell(formatting.share(row["flat_share"]), ends)


def _judged(row: Row) -> tuple[Cell, ...]:
    def ends(low: float, high: float) -> str:
        return "" if math.isnan(low) else f"[{formatting.significant(low)}, {formatting.significant(high)}]"

    odds = Cell(formatting.significant(row["odds_ratio"]), ends(row["odds_low"], row["odds_high"]))
    left = Cell(formatting.share(row["exit_share"]))
    exit_cost = Cell(formatting.evaluations(row["exit_cost"]), ends(row["exit_low"], row["exit_high"]))
    return Cell(formatting.share(row["flow_share"])), odds, left, exit_cost, Cell(row["verdict"], is_text=True)


def _notes(evidence: Evidence, rows: Sequence[Row], kept: Sequence[Row]) -> list[str]:
    said = [common_notes.counted(evidence)]
    if not rows:
        return [*said, "The run names no wells: its problems have none, or its suite no snapshots."]
    first = rows[0]
    said += [
        "P(flat): share of runs whose judged iterate noise-free gradient flow leads to the flat well; runs that "
        f"diverged or escaped are in neither. {first['n_starts']} reported starts, noise seeds of each: "
        f"{first['n_runs'] // first['n_starts']}, pooled. flow: the share for gradient flow from the same starts.",
        "odds ratio: odds of P(flat) at the last cost over those of flow, paired on starts. left sharp, exit cost: "
        "over the runs that began in the sharp well, the share that left and the median cost of the first snapshot "
        "elsewhere.",
        "verdict: 'prefers flat' where the interval of the odds ratio lies above 1 and the flat well is not the deeper "
        "one; each row for itself, at 95 %. 'goes to the deeper' is no preference for flat or sharp.",
        f"Brackets: intervals, {notes.INTERVALS}.",
    ]
    if any(not math.isnan(row["excess"]) for row in rows):
        said.append(
            "excess: median of f - f_star over the last tenth of the budget on the flat well alone, tuning starts. "
            f"Each optimizer stands at the rate of its grid nearest to an excess of {LOSS:g}; one that is not within a "
            f"factor of {CLOSE:g} of it is left out. CSV and JSON have all rates."
        )
        if missing := _missing(rows, kept):
            said.append(f"Not compared, since no rate brings its excess loss there: {'; '.join(missing)}.")
    return said


def _missing(rows: Sequence[Row], kept: Sequence[Row]) -> list[str]:
    """Returns what is left out: an optimizer at a batch size, with the problems if it is not all of them."""
    said = []
    for name, size in sorted({(row["optimizer"], row["batch"]) for row in rows}):
        every, there = (
            {row["problem"] for row in part if (row["optimizer"], row["batch"]) == (name, size)}
            for part in (rows, kept)
        )
        if lost := sorted(every - there):
            said.append(f"{name} at batch {size:g}{'' if not there else ' on ' + ', '.join(lost)}")
    return said
