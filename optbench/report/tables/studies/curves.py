"""The table of curves: training and test at the last step, by what is varied."""

from __future__ import annotations

import math

from optbench.report.evidence import Evidence
from optbench.report.formats.formatting import points
from optbench.report.formats.layout import Cell, Table
from optbench.report.tables.side_by_side import Row
from optbench.report.tables.studies import notes
from optbench.report.tables.studies.sheet import bracketed, of_frame, sheet, three


def ends(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns what training and test are at the end of each curve.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One row for each study and value of its factor.
    """
    rows, fields = of_frame(evidence, "curve_ends")
    said = [
        *notes.bracketed(rows),
        "Of weights at the last step, as tested. gap: training minus test accuracy, in points; loss gap: test minus "
        "training loss, nats.",
        *notes.lost(rows, "Means are over the models that have scores."),
    ]
    columns = ("value", "train %", "test %", "gap", "train loss", "test loss", "loss gap")
    return sheet(
        evidence, kind, title, rows=rows, fields=fields, columns=columns, cells=_cells, notes=said,
        intervals=notes.INTERVALS,
    )  # fmt: skip


def _cells(row: Row) -> tuple[Cell, ...]:
    show = points(0)
    value = "at the end" if math.isnan(row["factor_value"]) else f"{row['factor']} {row['factor_value']:g}"
    return (
        Cell(value, is_text=True),
        Cell(show(row["train_accuracy"])),
        bracketed(row, "test_accuracy", show),
        bracketed(row, "gap", points(0, signed=True)),
        Cell(three(row["train_loss"])),
        Cell(three(row["test_loss"])),
        bracketed(row, "loss_gap", three),
    )
