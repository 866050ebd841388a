"""The kinds of table of runs of coins."""

from optbench.report.formats.layout import Cell, Column, Section, Table
from optbench.report.tables.kind import TableKind


def heads(evidence, kind, title):
    """Returns the share of heads of each coin."""
    rows = evidence.frame("heads").to_dict("records")
    return Table(
        kind=kind,
        title=title,
        n_keys=1,
        columns=(Column("optimizer"), Column("heads")),
        blocks=tuple(
            Section(row["coin"], ((Cell(row["optimizer"], is_text=True), Cell(f"{row['heads']:.2f}")),)) for row in rows
        ),
        watermark=evidence.watermark,
        notes=("heads: share of tosses that showed heads.",),
        footer=evidence.footer,
        fields=("coin", "optimizer", "heads"),
        records=tuple(rows),
        intervals="none",
        block="coin",
    )


TABLES = (TableKind("main", "Heads", heads),)
