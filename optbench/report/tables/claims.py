"""The table of a suite's claims, whatever its kind: one row each, under the claim."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from optbench.report.evidence import Evidence
from optbench.report.formats import formatting
from optbench.report.formats.layout import Cell, Column, Section, Table
from optbench.report.tables.side_by_side import Row, rows_of


def verdicts(
    evidence: Evidence,
    kind: str,
    title: str,
    *,
    columns: Sequence[Column],
    cells: Callable[[Row], tuple[Cell, ...]],
    notes: Callable[[Evidence, Sequence[Row]], Sequence[str]],
    intervals: str,
) -> Table:
    """Returns the contrasts of a suite, each under its claim.

    Args:
        evidence: The run.
        kind: Name of the kind of table.
        title: Its title.
        columns: What is shown of each.
        cells: Makes the cells of a row of the frame ``contrasts``.
        notes: Makes the notes from the evidence and all rows.
        intervals: Which kind of interval the brackets hold.

    Returns:
        One row per contrast, in the suite's order.
    """
    stated = {entry["name"]: place for place, entry in enumerate(evidence.manifest.get("contrasts", ()))}
    rows = sorted(rows_of(evidence, "contrasts"), key=lambda row: (stated.get(row["contrast"], 0), row["contrast"]))
    fields = tuple(str(name) for name in evidence.frame("contrasts").columns)
    return Table(
        kind=kind,
        title=title,
        n_keys=1,
        columns=tuple(columns),
        blocks=tuple(Section(row["claim"], (cells(row),)) for row in rows),
        watermark=evidence.watermark,
        notes=tuple(notes(evidence, rows)),
        footer=evidence.footer,
        fields=fields,
        records=tuple({name: formatting.machine(row[name]) for name in fields} for row in rows),
        intervals=intervals,
        block="claim",
    )
