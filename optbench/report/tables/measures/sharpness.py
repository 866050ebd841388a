"""The table of measures: one row for each configuration, one column for each measure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from optbench.analysis.measures.configurations import AND
from optbench.records.measures import MeasureStatus
from optbench.report.evidence import SETTING_TITLES, Evidence, optimizers
from optbench.report.formats import formatting
from optbench.report.formats.formatting import points
from optbench.report.formats.layout import Cell, Column, Section, Table
from optbench.report.tables.measures import notes
from optbench.report.tables.side_by_side import Row, interval, rate, rows_of

#: Over the columns of measures: whether rescaling that leaves a network's function as it is leaves them, too.
GROUPS = {False: "variant", True: "invariant"}
#: Label, optimizer and configuration.
Place = tuple[str, str, int]


def table(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns the table of measures at the ends of the reported runs.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One block per problem or task, one row per configuration: those of the settings, or all where there are none.
    """
    entry = evidence.of_kind.entry
    rows = rows_of(evidence, "sharpness")
    shown = [row for row in rows if row["settings"]] or rows
    by_place: dict[Place, dict[str, Row]] = {}
    for row in shown:
        by_place.setdefault((row[entry], row["optimizer"], row["config"]), {})[row["measure"]] = row
    order = _ordered(evidence, by_place)
    measures = in_order(evidence, shown)
    titles = columns_of(shown)
    has_settings = len({row["settings"] for row in shown}) > 1
    tested = any(row["n_test"] for row in shown)
    grouped = len({row["is_invariant"] for row in shown}) > 1
    loss = "loss" if evidence.of_kind.points is None else evidence.of_kind.points.loss
    columns = [Column("optimizer"), *([Column("setting")] if has_settings else []), Column("rate")]
    columns += [Column("n"), Column(loss), *([Column("test %"), Column("gap, points")] if tested else [])]
    columns += [Column(titles[name][0], GROUPS[titles[name][1]] if grouped else "") for name in measures]
    blocks: dict[str, list[tuple[Cell, ...]]] = {}
    for place in order:
        found = by_place[place]
        first = next(iter(found.values()))
        cells = [Cell(first["rule"], is_text=True)]
        cells += [Cell(_settings(first["settings"]), is_text=True)] if has_settings else []
        cells += [rate(first), *_of_runs(found, tested=tested)]
        cells += [measured(found.get(name)) for name in measures]
        blocks.setdefault(place[0], []).append(tuple(cells))
    fields = tuple(str(name) for name in evidence.frame("sharpness").columns)
    records = sorted(rows, key=lambda row: (_rank(evidence, rows)[_place(row, entry)], row["measure"]))
    return Table(
        kind=kind,
        title=title,
        n_keys=3 if has_settings else 2,
        columns=tuple(columns),
        blocks=tuple(Section(label, tuple(cells)) for label, cells in blocks.items()),
        watermark=evidence.watermark,
        notes=tuple(notes.notes(evidence, shown)),
        footer=evidence.footer,
        fields=fields,
        records=tuple({name: formatting.machine(row[name]) for name in fields} for row in records),
        intervals=notes.intervals(evidence),
        block=entry,
    )


def in_order(evidence: Evidence, rows: Sequence[Row]) -> list[str]:
    """Returns the labels of measures: as the suite has them, those that rescaling changes first; others by name."""
    places = {label: place for place, label in enumerate(evidence.manifest.get("measures", {}))}
    invariant = {row["measure"]: bool(row["is_invariant"]) for row in rows}
    return sorted(invariant, key=lambda label: (invariant[label], places.get(label, len(places)), label))


def columns_of(rows: Sequence[Row]) -> dict[str, tuple[str, bool]]:
    """Returns title and invariance of each measure by label; the label where two measures have one title."""
    found = {row["measure"]: (str(row["title"]), bool(row["is_invariant"])) for row in rows}
    titles = [title for title, _ in found.values()]
    return {
        label: (title if titles.count(title) == 1 else label, invariant) for label, (title, invariant) in found.items()
    }


def _place(row: Row, entry: str) -> Place:
    return row[entry], row["optimizer"], row["config"]


def _rank(evidence: Evidence, rows: Sequence[Row]) -> dict[Place, int]:
    entry = evidence.of_kind.entry
    by_place: dict[Place, dict[str, Row]] = {}
    for row in rows:
        by_place.setdefault(_place(row, entry), {})[row["measure"]] = row
    return {place: rank for rank, place in enumerate(_ordered(evidence, by_place))}


def _ordered(evidence: Evidence, rows: Mapping[Place, Mapping[str, Row]]) -> list[Place]:
    """Returns the configurations in the order of all tables: by entry, by optimizer, then by rate."""
    labels = {label: place for place, label in enumerate(evidence.entries(place[0] for place in rows))}
    firsts = {place: next(iter(found.values())) for place, found in rows.items()}
    rules = {name: place for place, name in enumerate(optimizers(row["rule"] for row in firsts.values()))}

    def key(place: Place) -> tuple[int, int, float, str, int]:
        value = float(firsts[place]["swept_value"])
        rule = rules[firsts[place]["rule"]]
        return labels[place[0]], rule, value if math.isfinite(value) else math.inf, place[1], place[2]

    return sorted(rows, key=key)


def _settings(joined: str) -> str:
    return AND.join(SETTING_TITLES.get(name, name) for name in joined.split(AND)) if joined else ""


def _of_runs(found: Mapping[str, Row], *, tested: bool) -> list[Cell]:
    """Returns how many runs have a point, what loss they have there, and how they are tested."""
    first = next(iter(found.values()))
    with_point = max(int(row["n_runs"] - row[MeasureStatus.NO_POINT.value]) for row in found.values())
    planned = max(int(first["n_units"]), int(first["n_runs"]))
    n = formatting.count(with_point) if with_point == planned else f"{with_point}/{planned}"
    # All measures of a run are of one point; the one with most numbers has seen most of its runs.
    most = max(found.values(), key=lambda row: int(row["n_numbers"]))
    cells = [Cell(n), Cell(formatting.significant(most["loss"]))]
    if tested:
        show = points(first["n_test"])
        cells += [
            Cell(show(first["test_accuracy"]), interval(first, "test_low", "test_high", show)),
            Cell(show(first["gap"]), interval(first, "gap_low", "gap_high", show)),
        ]
    return cells


#: What is said in a cell of runs without a number; those without a point are counted in a column of their own.
_SHORT = {
    MeasureStatus.NOT_APPLICABLE: "not applicable",
    MeasureStatus.NOT_FINITE: "not finite",
    MeasureStatus.ERROR: "error",
    MeasureStatus.OOM: "oom",
}


def measured(row: Row | None) -> Cell:
    """Returns the cell of a measure: the median, its interval, and aside the estimator's error and what is missing."""
    if row is None:
        return Cell(formatting.MISSING)
    counts = {status: int(row[status.value]) for status in _SHORT if row[status.value]}
    if not row["n_numbers"] and len(counts) == 1:
        return Cell(_SHORT[next(iter(counts))])
    said = [] if not row["standard_error"] > 0 else [f"±{formatting.significant(row['standard_error'])}"]
    said += [f"{count} {_SHORT[status]}" for status, count in counts.items()]
    ends = interval(row, "low", "high", _three)
    return Cell(_three(row["estimate"]), ends, aside=", ".join(said))


def _three(value: float) -> str:
    return formatting.significant(value, 3, trim=True)
