"""The table of ensembles: all members of bagging and boosting against a single model, and whether they gain."""

from __future__ import annotations

from optbench.report.evidence import Evidence
from optbench.report.formats import formatting
from optbench.report.formats.formatting import points
from optbench.report.formats.layout import Cell, Table
from optbench.report.tables.side_by_side import Row, interval
from optbench.report.tables.studies import notes
from optbench.report.tables.studies.sheet import bracketed, of_frame, sheet
from optbench.report.tables.studies.summary import where


def gains(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns the gain of each ensemble over a single model.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One row for each study and way of putting all members together.
    """
    rows, fields = of_frame(evidence, "ensembles")
    rows = [row for row in rows if row["members"] == row["most"]]
    said = [
        *notes.bracketed(rows),
        "gain: accuracy of all members together minus that of a single model of the same replicate, in points, paired "
        "on test examples. The single model is trained alike on the whole training part; cost: gradients of all "
        "members over its own.",
        *_wider(rows),
        *(_verdict(row) for row in rows),
        *notes.lost(rows, "A lost member moves no answer; a lost single model counts as wrong on every example."),
    ]
    columns = ("way", "members", "single %", "ensemble %", "gain", "gain, new data", "where", "cost")
    return sheet(
        evidence, kind, title, rows=rows, fields=fields, columns=columns, cells=_cells, notes=said,
        intervals=notes.INTERVALS,
    )  # fmt: skip


def _cells(row: Row) -> tuple[Cell, ...]:
    show, difference = points(row["n_test"]), points(row["n_test"], signed=True)
    return (
        Cell(row["way"], is_text=True),
        Cell(formatting.count(row["members"])),
        bracketed(row, "single", show),
        bracketed(row, "accuracy", show),
        bracketed(row, "gain", difference),
        Cell(interval(row, "new_gain_low", "new_gain_high", difference) or formatting.MISSING),
        Cell(_where(row), is_text=True),
        Cell(formatting.significant(row["cost"], 3, trim=True)),
    )


def _where(row: Row) -> str:
    return where(row["gain_low"], row["gain_high"], row["new_gain_low"], row["new_gain_high"])


def _wider(rows: list[Row]) -> list[str]:
    if not any(row["origin"] == "split" for row in rows):
        return []
    return [
        "gain, new data: where replicates split one file their test and training parts overlap, and the interval for "
        "new data is wider, after Nadeau and Bengio 2003: s²/R becomes s² (1/R + n_test/n_train). 'above 0 here' is "
        "above 0 for new splits of this file alone."
    ]


def _verdict(row: Row) -> str:
    """Returns in a sentence whether the ensemble beats a single model."""
    name = {"average": "bagging, averaged", "vote": "bagging, voted", "weighted vote": "boosting"}[row["way"]]
    said = {
        "above 0": "beats a single model: the interval excludes 0",
        "above 0 here": "beats a single model on splits of this file; for new data the interval holds 0",
        "below 0": "is worse than a single model: the interval excludes 0",
        "below 0 here": "is worse than a single model on splits of this file; for new data the interval holds 0",
        "holds 0": "does not beat a single model: the interval holds 0",
        "not known": "has a single replicate, which says nothing of others",
    }[_where(row)]
    return f"{row['study']}, {name}, {formatting.count(row['members'])} members: {said}."
