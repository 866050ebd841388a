"""The table of cross-validation: each configuration of the grid, and the refit of what was chosen."""

from __future__ import annotations

from optbench.report.evidence import Evidence
from optbench.report.formats import formatting
from optbench.report.formats.formatting import points
from optbench.report.formats.layout import Cell, Table
from optbench.report.tables.side_by_side import Row, rows_of
from optbench.report.tables.studies import notes
from optbench.report.tables.studies.sheet import bracketed, named, of_frame, replicates, sheet, three


def chosen(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns the configurations of each grid.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One row a configuration; what the refits reached stands in the notes.
    """
    rows, fields = of_frame(evidence, "cross_validation")
    said = [
        *notes.bracketed(rows),
        "validation: accuracy on the rows of the fold that was left out, mean over folds. chosen: in how many "
        "replicates it was the best by that (of equal ones the lower loss). test: the mean over those of the refit on "
        "all rows outside of the test part; folds never see test examples.",
        *(_refit(row) for row in rows_of(evidence, "refits")),
        *notes.lost(rows, "A fold that was lost counts with an accuracy of 0."),
    ]
    columns = ("setting", "validation %", "loss", "chosen", "test %")
    return sheet(
        evidence, kind, title, rows=rows, fields=fields, columns=columns, cells=_cells, notes=said,
        intervals=notes.INTERVALS, block=lambda row: f"{named(row)}, {row['n_folds']} folds",
    )  # fmt: skip


def _cells(row: Row) -> tuple[Cell, ...]:
    show = points(0)
    return (
        Cell(row["setting"] or "as stated", is_text=True),
        bracketed(row, "validation", show),
        Cell(three(row["validation_loss"])),
        Cell(f"{formatting.count(row['chosen'])}/{formatting.count(row['n_replicates'])}"),
        Cell(show(row["test"])),
    )


def _refit(row: Row) -> str:
    show, difference = points(row["n_test"]), points(row["n_test"], signed=True)
    test, optimism = bracketed(row, "test", show), bracketed(row, "optimism", difference)
    return (
        f"{row['study']}: the refits are right on {test.line} % of {row['n_test']} test examples, over "
        f"{replicates(row['n_replicates'])}; the validation accuracy of what was chosen minus that is {optimism.line} "
        "points."
    )
