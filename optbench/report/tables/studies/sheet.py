"""What the tables of studies share: a frame as blocks of one study each, with notes, and cells of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from optbench.report.evidence import Evidence
from optbench.report.formats import formatting
from optbench.report.formats.layout import Cell, Column, Section, Table
from optbench.report.tables.common_notes import counted
from optbench.report.tables.side_by_side import Row, interval, rows_of


def sheet(
    evidence: Evidence,
    kind: str,
    title: str,
    *,
    rows: Sequence[Row],
    fields: Sequence[str],
    columns: Sequence[str],
    cells: Callable[[Row], tuple[Cell, ...]],
    notes: Sequence[str],
    intervals: str,
    n_keys: int = 1,
    block: Callable[[Row], str] | None = None,
) -> Table:
    """Returns a table of rows that belong to studies.

    Args:
        evidence: The run.
        kind: Name of the kind of table.
        title: Its title.
        rows: The rows, in order.
        fields: Names of the columns for CSV and JSON.
        columns: Titles of the columns that a person reads.
        cells: Makes their cells of a row.
        notes: What stands under it.
        intervals: Which kind of interval the brackets hold.
        n_keys: How many leading columns name the row.
        block: Under which label a row stands; its study with data and model by default.

    Returns:
        The table; without rows it says so.
    """
    blocks: dict[str, list[tuple[Cell, ...]]] = {}
    for row in rows:
        blocks.setdefault((block or named)(row), []).append(cells(row))
    said = notes if rows else ["No study of this run has rows for this table yet."]
    return Table(
        kind=kind,
        title=title,
        n_keys=n_keys,
        columns=tuple(Column(name) for name in columns),
        blocks=tuple(Section(label, tuple(entries)) for label, entries in blocks.items()),
        watermark=evidence.watermark,
        notes=(counted(evidence), *said),
        footer=evidence.footer,
        fields=tuple(fields),
        records=tuple({name: formatting.machine(row[name]) for name in fields} for row in rows),
        intervals=intervals,
        block="study",
    )


def of_frame(evidence: Evidence, name: str) -> tuple[list[Row], tuple[str, ...]]:
    """Returns the rows of a frame and the names of its columns."""
    return rows_of(evidence, name), tuple(str(column) for column in evidence.frame(name).columns)


def named(row: Row) -> str:
    """Returns the label of a study: its name, and what it is of."""
    of = ", ".join(part for part in (row["data"], row["model"]) if part)
    return f"{row['study']}: {of}" if of else str(row["study"])


def bracketed(row: Row, name: str, show: Callable[[float], str]) -> Cell:
    """Returns the cell of a number with the interval that stands beside it in the frame."""
    return Cell(show(row[name]), interval(row, f"{name}_low", f"{name}_high", show))


def three(value: float) -> str:
    """Returns a number of losses with three decimals, more where it is small.

    Example:
        >>> three(0.12345), three(0.00123), three(-0.0000004), three(float("nan"))
        ('0.123', '0.0012', '0', 'n/a')
    """
    if math.isnan(value):
        return formatting.MISSING
    if abs(value) < 1e-6:
        return "0"
    return f"{value:.3f}" if abs(value) >= 0.02 else formatting.significant(value)


def signed(value: float) -> str:
    """Returns a difference of losses with its sign."""
    return f"+{three(value)}" if value > 0 else three(value)


def replicates(n: float) -> str:
    """Returns a number of replicates in words.

    Example:
        >>> replicates(1), replicates(12)
        ('1 replicate', '12 replicates')
    """
    return f"{n:.0f} replicate{'' if n == 1 else 's'}"
