"""A table with settings side by side: rows of a frame by setting, problem and optimizer, as facts or in full."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optbench.report.evidence import SETTING_TITLES, Evidence
from optbench.report.formats import formatting
from optbench.report.formats.layout import Cell, Column, Section

#: A row of the summary frame, or of another one with the same keys, by column name.
Row = Mapping[str, Any]

#: Marks a choice at the edge of its grid.
EDGE = "†"


def rows_of(evidence: Evidence, name: str) -> list[Row]:
    """Returns the rows of a frame as mappings."""
    return [{str(key): value for key, value in row.items()} for row in evidence.frame(name).to_dict("records")]


@dataclass(frozen=True, slots=True)
class Fact:
    """A column that a table can show for a setting.

    Attributes:
        title: Column title.
        cell: Makes the cell from a row of the summary frame.
        fields: The columns of the summary frame behind it, for CSV and JSON.
        joins_next: See ``layout.Column``.
    """

    title: str
    cell: Callable[[Row], Cell]
    fields: tuple[str, ...]
    joins_next: bool = False


def interval(row: Row, low: str, high: str, show: Callable[[float], str]) -> str:
    """Returns an interval in brackets, empty where there is none."""
    if math.isnan(row[low]) or math.isnan(row[high]):
        return ""
    return f"[{show(row[low])}, {show(row[high])}]"


def rate(row: Row) -> Cell:
    """Returns the cell of the swept value, with its name if it is no learning rate, and the mark of the edge."""
    name = "" if row["swept"] == "lr" else f"{row['swept']} "
    return Cell(f"{name}{formatting.rate(row['swept_value'])}{EDGE if row['at_edge'] else ''}")


RATE = Fact("rate", rate, ("swept", "swept_value", "at_edge"), joins_next=True)


@dataclass(frozen=True)
class SettingsGrid:
    """The rows of a frame in the order in which a table shows them.

    Attributes:
        rows: By (setting, label, optimizer).
        order: The (label, optimizer) that have rows, in order.
        settings: The settings, in order.
        label: Column that holds the label: ``problem`` or ``task``.
        counts: Column that holds the number of independent runs.
    """

    rows: Mapping[tuple[str, str, str], Row]
    order: Sequence[tuple[str, str]]
    settings: Sequence[str]
    label: str
    counts: str

    def columns(self, shown: Sequence[tuple[str, str]], facts: Mapping[str, Fact]) -> tuple[Column, ...]:
        """Returns the columns of (setting, fact) from left to right."""
        return (
            Column("optimizer"),
            *(Column(facts[f].title, SETTING_TITLES[s], joins_next=facts[f].joins_next) for s, f in shown),
        )

    def blocks(self, shown: Sequence[tuple[str, str]], facts: Mapping[str, Fact]) -> tuple[Section, ...]:
        """Returns the rows by label, one cell for each column."""
        blocks: dict[str, list[tuple[Cell, ...]]] = {}
        for label, rule in self.order:
            cells = [Cell(rule, is_text=True)]
            for setting, fact in shown:
                row = self.rows.get((setting, label, rule))
                cells.append(Cell(formatting.MISSING) if row is None else facts[fact].cell(row))
            blocks.setdefault(label, []).append(tuple(cells))
        return tuple(Section(label, tuple(rows)) for label, rows in blocks.items())

    def records(
        self, shown: Sequence[tuple[str, str]], facts: Mapping[str, Fact]
    ) -> tuple[tuple[str, ...], tuple[dict[str, Any], ...]]:
        """Returns fields such as ``tuned_gap_median`` and their records."""
        # Two facts may stand on the same column of the summary frame; once is enough.
        sources = list(dict.fromkeys((setting, name) for setting, fact in shown for name in facts[fact].fields))
        fields = (self.label, "optimizer", self.counts, *(f"{setting}_{name}" for setting, name in sources))
        records = []
        for label, rule in self.order:
            counts = [self.rows[key][self.counts] for s in self.settings if (key := (s, label, rule)) in self.rows]
            record: dict[str, Any] = {self.label: label, "optimizer": rule}
            record[self.counts] = formatting.machine(max(counts))
            for setting, name in sources:
                row = self.rows.get((setting, label, rule))
                record[f"{setting}_{name}"] = None if row is None else formatting.machine(row[name])
            records.append(record)
        return fields, tuple(records)

    def everything(
        self, names: Sequence[str]
    ) -> tuple[tuple[Column, ...], tuple[Section, ...], tuple[dict[str, Any], ...]]:
        """Returns columns, blocks and records with one row per row of the frame and all its columns."""
        settings = [s for s in self.settings if any(key[0] == s for key in self.rows)]
        cells = [(s, *pair) for pair in self.order for s in settings if (s, *pair) in self.rows]
        shown = [name for name in names if name not in {"setting", self.label, "optimizer"}]
        blocks: dict[str, list[tuple[Cell, ...]]] = {}
        for setting, label, rule in cells:
            row = self.rows[setting, label, rule]
            keys = (Cell(rule, is_text=True), Cell(SETTING_TITLES.get(setting, setting), is_text=True))
            blocks.setdefault(label, []).append((*keys, *(_plain(row[name]) for name in shown)))
        columns = (Column("optimizer"), Column("setting"), *(Column(name) for name in shown))
        records = tuple({name: formatting.machine(self.rows[key][name]) for name in names} for key in cells)
        return columns, tuple(Section(label, tuple(rows)) for label, rows in blocks.items()), records


def _plain(value: Any) -> Cell:
    """Returns the cell of any value of the summary frame."""
    shown = formatting.machine(value)
    if shown is None:
        return Cell(formatting.MISSING)
    if isinstance(shown, bool):
        return Cell("yes" if shown else "no")
    if isinstance(shown, int):
        return Cell(str(shown))
    return Cell(formatting.significant(shown, 3, trim=True)) if isinstance(shown, float) else Cell(shown, is_text=True)
