"""The table ``stability``: the ranking of a run by each way of scoring, side by side."""

from __future__ import annotations

from typing import Any

from optbench.records import Scoring
from optbench.report.evidence import SETTING_TITLES, Evidence
from optbench.report.formats import formatting
from optbench.report.formats.layout import Cell, Column, Section, Table
from optbench.report.kinds.landscapes import SETTINGS
from optbench.report.tables.landscapes.notes import targets
from optbench.report.tables.landscapes.ranking import COLUMNS, NEW, THESE, Row, entry, ranking_notes
from optbench.report.tables.side_by_side import rows_of


def moved(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns the ranking by settled and by touched targets, one below the other for each entry.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One row per entry and way of scoring, entries by decreasing score in the first way.
    """
    rows = rows_of(evidence, "stability")
    ways = [way.value for way in Scoring if any(row["scoring"] == way for row in rows)]
    score = {(r["setting"], r["optimizer"]): r["score"] for r in rows if r["scoring"] == ways[0]}

    def place(row: Row) -> tuple[Any, ...]:
        # Paths may coincide by one way of scoring and not by the other: such an entry stands last.
        own = score.get((row["setting"], row["optimizer"]), -1.0)
        return SETTINGS.index(row["setting"]), -own, row["optimizer"], ways.index(row["scoring"])

    rows = sorted(rows, key=place)
    blocks: dict[str, list[tuple[Cell, ...]]] = {}
    for row in rows:
        name, *others = entry(row)
        cells = (name, Cell(row["scoring"], is_text=True), *others)
        blocks.setdefault(SETTING_TITLES[row["setting"]], []).append(cells)
    fields = tuple(str(name) for name in evidence.frame("stability").columns)
    return Table(
        kind=kind,
        title=title,
        n_keys=2,
        columns=(Column("optimizer"), Column("targets"), *COLUMNS),
        blocks=tuple(Section(label, tuple(cells)) for label, cells in blocks.items()),
        watermark=evidence.watermark,
        notes=(
            "targets: settled, from that cost on f stays at or below it to the end of the budget; touched, f is there "
            "once. Tuning goes by the same targets as the score.",
            *([targets(evidence)] if evidence.lacks_settling_times else []),
            *ranking_notes(evidence, [row for row in rows if row["scoring"] == ways[0]]),
            *([f"Smallest differences, families and problems are said of {ways[0]} targets."] if len(ways) > 1 else []),
        ),
        footer=evidence.source,
        fields=fields,
        records=tuple({name: formatting.machine(row[name]) for name in fields} for row in rows),
        intervals=f"95 %, score and rank: {THESE}; new_: {NEW}",
        block="setting",
    )
