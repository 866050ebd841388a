"""A table before it has a format: named columns, blocks of rows, notes. Each format is a function of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Cell:
    """One entry of a table.

    Attributes:
        value: What is shown first.
        interval: Its interval in brackets, or another small addition; a narrow format writes it underneath.
        is_text: Whether it is a name and not a number: aligned left, escaped, guarded in CSV.
        aside: A remark on the value, in parentheses; a narrow format writes it below the interval.
    """

    value: str
    interval: str = ""
    is_text: bool = False
    aside: str = ""

    @property
    def line(self) -> str:
        """All of it on one line."""
        return " ".join(filter(None, (self.value, self.interval, self.aside)))


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        title: Its own title.
        group: Title that it shares with its neighbors, above its own; empty for none.
        joins_next: Whether a narrow format may write it into the next column as ``value @this``.
    """

    title: str
    group: str = ""
    joins_next: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that belong together.

    Attributes:
        label: The problem.
        rows: For each row one cell per column of the table; the keys come first.
    """

    label: str
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with everything that a format may need.

    Attributes:
        kind: Its name among ``tables.KINDS``.
        title: What it shows, in a sentence.
        n_keys: How many leading columns name the row.
        columns: All columns, keys included.
        blocks: The rows by problem.
        watermark: ``INCOMPLETE n/N`` or empty.
        notes: What a reader must know, a sentence or two each.
        footer: Where the numbers come from.
        fields: Names of the machine-readable columns.
        records: The same rows for CSV and JSON, plain values by field.
        intervals: Which kind of interval the brackets hold, for CSV and JSON.
        block: What the labels of the blocks are.
    """

    kind: str
    title: str
    n_keys: int
    columns: tuple[Column, ...]
    blocks: tuple[Section, ...]
    watermark: str
    notes: tuple[str, ...]
    footer: str
    fields: tuple[str, ...]
    records: tuple[dict[str, Any], ...]
    intervals: str
    block: str = "problem"

    def groups(self, first: int, last: int) -> list[tuple[str, int]]:
        """Returns the group titles over columns ``first`` to ``last - 1``, each with its number of columns."""
        spans: list[tuple[str, int]] = []
        for column in self.columns[first:last]:
            if spans and spans[-1][0] == column.group:
                spans[-1] = (column.group, spans[-1][1] + 1)
            else:
                spans.append((column.group, 1))
        return spans
