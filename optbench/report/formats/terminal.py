"""The table for a terminal: plain text that fits the width it is given, from 40 columns on.

Three layouts are tried, widest first: a cell on one line; the interval under its value, what is said aside
below, and the rate beside it (``1.2e-5 @0.046``); the same, cut into several parts that repeat the row's name.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from optbench.report.formats import escaping
from optbench.report.formats.layout import Cell, Column, Section, Table

GAP = "  "
INDENT = "  "
MIN_WIDTH = 24


def render_terminal(table: Table, width: int = 120, ascii_only: bool = False) -> str:
    """Returns the table as plain text without any escape sequence.

    Args:
        table: The table.
        width: Columns to fill at most.
        ascii_only: Whether to do without Unicode.

    Returns:
        Title, watermark, table, notes and footer, each line at most ``width`` wide.
    """
    width = max(width, MIN_WIDTH)

    def show(text: str) -> str:
        return escaping.ascii_only(escaping.clean(text)) if ascii_only else escaping.clean(text)

    def wrapped(text: str) -> list[str]:
        return textwrap.wrap(show(text), width, break_on_hyphens=False)

    lines = [*wrapped(table.title), *wrapped(table.watermark), "", *_body(_shown(table, show), width), ""]
    for text in (*table.notes, table.footer):
        lines += wrapped(text)
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    return escaping.ascii_only(text) if ascii_only else text


def _shown(table: Table, show: Callable[[str], str]) -> Table:
    """Returns the table with printable names; before anything is measured, since escapes take room."""

    def cell(c: Cell) -> Cell:
        return replace(c, value=show(c.value), interval=show(c.interval), aside=show(c.aside))

    blocks = tuple(Section(show(b.label), tuple(tuple(map(cell, row)) for row in b.rows)) for b in table.blocks)
    columns = tuple(replace(column, title=show(column.title)) for column in table.columns)
    return replace(table, blocks=blocks, columns=columns)


def _body(table: Table, width: int) -> list[str]:
    grid = _Grid.of(table, stacked=False)
    if grid.total() > width:
        grid = _Grid.of(_merged(table), stacked=True)
    parts = grid.parts(width)
    lines: list[str] = []
    for i, part in enumerate(parts):
        if len(parts) > 1:
            lines += ["", f"part {i + 1} of {len(parts)}"] if i else [f"part 1 of {len(parts)}"]
        lines += grid.draw(part, width)
    return lines


def _merged(table: Table) -> Table:
    """Returns the narrow table: each column that ``joins_next`` stands in the one after it, intervals lose a space."""
    keep = [i for i, column in enumerate(table.columns) if not column.joins_next]

    def title(i: int) -> Column:
        before = table.columns[i - 1]
        column = table.columns[i]
        return replace(column, title=f"{column.title} @{before.title}") if i and before.joins_next else column

    def cell(row: Sequence[Cell], i: int) -> Cell:
        if i and table.columns[i - 1].joins_next:
            return replace(row[i], value=f"{row[i].value} @{row[i - 1].value}")
        return row[i]

    def narrow(c: Cell) -> Cell:
        return replace(c, interval=c.interval.replace(", ", ","))

    blocks = tuple(
        Section(b.label, tuple(tuple(narrow(cell(row, i)) for i in keep) for row in b.rows)) for b in table.blocks
    )
    return replace(table, columns=tuple(title(i) for i in keep), blocks=blocks)


@dataclass(frozen=True, slots=True)
class _Grid:
    """A table with the width of each of its columns.

    Attributes:
        table: The table.
        stacked: Whether intervals and asides stand under their values.
        widths: Terminal columns by table column.
    """

    table: Table
    stacked: bool
    widths: tuple[int, ...]

    @classmethod
    def of(cls, table: Table, *, stacked: bool) -> _Grid:
        widths = [escaping.display_width(column.title) for column in table.columns]
        for block in table.blocks:
            for row in block.rows:
                for i, cell in enumerate(row):
                    texts = (cell.value, cell.interval, cell.aside) if stacked else (cell.line,)
                    widths[i] = max(widths[i], *map(escaping.display_width, texts))
        for group in {column.group for column in table.columns if column.group}:
            inside = [i for i, column in enumerate(table.columns) if column.group == group]
            room = sum(widths[i] for i in inside) + len(GAP) * (len(inside) - 1)
            # The title stands over its columns with a space on either side.
            widths[inside[0]] += max(0, escaping.display_width(group) + 2 - room)
        return cls(table, stacked, tuple(widths))

    def total(self) -> int:
        return self._sum(range(len(self.widths)))

    def _sum(self, columns: Iterable[int]) -> int:
        return len(INDENT) + sum(self.widths[i] + len(GAP) for i in columns) - len(GAP)

    def parts(self, width: int) -> list[list[int]]:
        """Returns which columns stand together, keys not named: as few parts as fit, of about equal width."""
        parts = self._filled(width)
        while width > 1 and len(narrower := self._filled(width - 1)) == len(parts):
            parts, width = narrower, width - 1
        return parts

    def _filled(self, width: int) -> list[list[int]]:
        keys = range(self.table.n_keys)
        found: list[list[int]] = []
        for i in range(self.table.n_keys, len(self.widths)):
            if found and self._sum([*keys, *found[-1], i]) <= width:
                found[-1].append(i)
            else:
                found.append([i])
        return found or [[]]

    def draw(self, part: Sequence[int], width: int) -> list[str]:
        """Returns the lines of one part."""
        columns = [*range(self.table.n_keys), *part]
        widths = self._fitted(columns, width)
        lines = []
        if any(self.table.columns[i].group for i in part):
            lines.append(INDENT + self._groups(columns, widths))
        titles = [Cell(self.table.columns[i].title, is_text=i < self.table.n_keys) for i in columns]
        lines.append(INDENT + _aligned([c.value for c in titles], titles, widths))
        lines.append(INDENT + GAP.join("─" * w for w in widths))
        for block in self.table.blocks:
            # A claim is a sentence, which is broken; a label is a word, which is cut.
            label = textwrap.wrap(block.label, width, break_long_words=False, break_on_hyphens=False)
            lines += [escaping.shortened(line, width) for line in label]
            for row in block.rows:
                cells = [row[i] for i in columns]
                upper = [cell.value if self.stacked else cell.line for cell in cells]
                lines.append(INDENT + _aligned(upper, cells, widths))
                below = ([cell.interval for cell in cells], [cell.aside for cell in cells]) if self.stacked else ()
                lines += [INDENT + _aligned(texts, cells, widths) for texts in below if any(texts)]
        return lines

    def _fitted(self, columns: Sequence[int], width: int) -> list[int]:
        """Returns the widths of ``columns``, the widest ones cut until they fit: only names are that long."""
        widths = [self.widths[i] for i in columns]
        while sum(widths) + len(GAP) * (len(widths) - 1) + len(INDENT) > width and max(widths) > 4:
            widths[widths.index(max(widths))] -= 1
        return widths

    def _groups(self, columns: Sequence[int], widths: Sequence[int]) -> str:
        spans: list[tuple[str, int]] = []
        for i, w in zip(columns, widths, strict=True):
            group = self.table.columns[i].group
            if spans and spans[-1][0] == group:
                spans[-1] = (group, spans[-1][1] + len(GAP) + w)
            else:
                spans.append((group, w))
        return GAP.join(escaping.shortened(f" {title} ", w).center(w, "─") if title else " " * w for title, w in spans)


def _aligned(texts: Sequence[str], cells: Sequence[Cell], widths: Sequence[int]) -> str:
    parts = []
    for text, cell, width in zip(texts, cells, widths, strict=True):
        cut = escaping.shortened(text, width)
        padding = " " * (width - escaping.display_width(cut))
        parts.append(cut + padding if cell.is_text else padding + cut)
    return GAP.join(parts)
