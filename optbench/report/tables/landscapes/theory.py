"""The table that puts theory beside measurement on quadratics."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from optbench.report.evidence import Evidence, optimizers
from optbench.report.formats import formatting
from optbench.report.formats.layout import Cell, Column, Section, Table
from optbench.report.tables import common_notes
from optbench.report.tables.landscapes import notes

#: A row of the frame ``theory_edges`` by column name.
Row = Mapping[str, Any]


def compared(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns edges of stability, rates and stationary losses, each predicted and measured.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One row per rule on each quadratic.
    """
    frame = evidence.frame("theory_edges")
    rows: list[Row] = [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
    by_key = {(row["problem"], row["optimizer"]): row for row in rows}
    problems, rules = sorted({p for p, _ in by_key}, key=_place(evidence)), optimizers(o for _, o in by_key)
    order = [(problem, rule) for problem in problems for rule in rules if (problem, rule) in by_key]
    blocks: dict[str, list[tuple[Cell, ...]]] = {}
    for problem, rule in order:
        blocks.setdefault(problem, []).append((Cell(rule, is_text=True), *_cells(by_key[problem, rule])))
    columns = (
        Column("optimizer"),
        *(Column(name, "edge of stability, lr") for name in ("theory", "measured", "error")),
        *(Column(name, "radius at the best rate") for name in ("lr", "theory", "measured", "error")),
        *(Column(name, "all rates") for name in ("n", "largest error")),
        *(Column(name, "stationary loss") for name in ("n", "measured/theory")),
    )
    fields = tuple(str(name) for name in frame.columns)
    return Table(
        kind=kind,
        title=title,
        n_keys=1,
        columns=columns,
        blocks=tuple(Section(label, tuple(cells)) for label, cells in blocks.items()),
        watermark=evidence.watermark,
        notes=tuple(_notes(evidence, rows)),
        footer=evidence.source,
        fields=fields,
        records=tuple({name: formatting.machine(by_key[key][name]) for name in fields} for key in order),
        intervals=f"edge: between two rates of the grid; excess_ratio: {notes.INTERVALS}",
    )


def condition(problem: Mapping[str, Any]) -> float:
    """Returns the condition number of a quadratic.

    Args:
        problem: What the manifest says of it.

    Returns:
        Largest over smallest eigenvalue.
    """
    eigenvalues = problem["spectrum"]["eigenvalues"]
    return float(max(eigenvalues) / min(eigenvalues))


def _place(evidence: Evidence) -> Callable[[str], tuple[int, float, str]]:
    """Returns the sort key of problems: by dimension, condition and name."""
    return lambda label: (int(evidence.problem(label)["dim"]), condition(evidence.problem(label)), label)


def _cells(row: Row) -> tuple[Cell, ...]:
    return (
        Cell(_digits(row["edge"])),
        Cell(_digits(row["edge_measured"]), _between(row["edge_low"], row["edge_high"], 4)),
        Cell(percent(row["edge_error"])),
        Cell(formatting.significant(row["best_lr"], 3)),
        Cell(_digits(row["best_radius"], 5)),
        Cell(_digits(row["best_measured"], 5)),
        Cell(percent(row["best_error"])),
        Cell(formatting.count(row["n_rates"])),
        Cell(percent(row["rate_error"])),
        Cell(formatting.count(row["n_excess"])),
        Cell(_digits(row["excess_ratio"], 3), _between(row["excess_ratio_low"], row["excess_ratio_high"], 3)),
    )


def _digits(value: float, digits: int = 4) -> str:
    return formatting.significant(value, digits)


def _between(low: float, high: float, digits: int) -> str:
    return "" if math.isnan(low) or math.isnan(high) else f"[{_digits(low, digits)}, {_digits(high, digits)}]"


def percent(value: float) -> str:
    """Returns a relative error in percent with its sign.

    Example:
        >>> percent(0.00123), percent(float("nan"))
        ('+0.12 %', 'n/a')
    """
    return formatting.MISSING if math.isnan(value) else f"{100 * value:+.2f} %".replace("-0.00", "+0.00")


def _notes(evidence: Evidence, rows: list[Row]) -> list[str]:
    said = [common_notes.counted(evidence)]
    if not rows:
        return [*said, "Theory covers sgd, momentum and nag on quadratics whose eigenvalues are known: none ran."]
    said += [
        f"lr in {evidence.manifest.get('units', 'unknown')} units. Theory, from the eigenvalues: edge, 2(1+beta)/L, "
        "for nag 2(1+beta)/((1+2 beta) L); radius, the spectral radius of the iteration, by which one step multiplies "
        "the distance in the long run; stationary loss, from the discrete Lyapunov equation.",
        "Edge, measured: the middle of the largest rate up to which all fall and the next (in brackets), at which most "
        "runs diverge or end above their start.",
        "Radius, measured: from the slope of the recorded values, median over runs; its error is that of log(radius), "
        "and so of the number of steps. n: rates at which the slope is settled within the budget; best rate: by "
        "theory, of these.",
    ]
    noisy = [row for row in rows if row["n_excess"]]
    if noisy:
        inside = sum(bool(row["excess_ratio_low"] <= 1.0 <= row["excess_ratio_high"]) for row in noisy)
        said.append(
            "Stationary loss: mean f - f_star under normal noise over theory, mean over the n rates at which the start "
            f"is forgotten; brackets: Student's 95 % intervals over starts; they hold 1 in {inside} of {len(noisy)} "
            "rows. Rules share the noise, so the rows of one problem are no independent evidence."
        )
    worst_edge, worst_rate = (_largest(rows, name) for name in ("edge_error", "rate_error"))
    said.append(f"Largest error of an edge {percent(worst_edge)}, of a rate {percent(worst_rate)}.")
    return said


def _largest(rows: list[Row], name: str) -> float:
    found = [float(row[name]) for row in rows if not math.isnan(row[name])]
    # Of two that differ only in sign the positive one, in whatever order the rows come.
    return max(found, key=lambda value: (abs(value), value), default=math.nan)
