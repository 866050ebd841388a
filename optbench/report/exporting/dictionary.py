"""What a reader must know of columns: the data dictionary, and what stands at each place of a list."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from optbench.records import GAP_TARGETS, curve_steps
from optbench.records.schema import Schema
from optbench.report.exporting.rows import CONSTANT, SECONDS, is_list
from optbench.report.formats.escaping import spreadsheet
from optbench.store import StoredRows
from optbench.store.shards import lacking

_MEANINGS = {
    "run_id": "name of the run, the hash of what it computes; the same in every line",
    "watermark": "INCOMPLETE n/N where rows of the run are missing, else empty; the same in every line",
    SECONDS: "seconds of the clock that the measure took; empty where none were kept",
}
#: Columns whose lists have one entry for each target.
_OF_TARGETS = ("hits", "settled")


def columns_csv(folder: Path, tables: Mapping[str, Schema]) -> bytes:
    """Returns the data dictionary: a line for each column of each table.

    Args:
        folder: The run's folder.
        tables: Schemas by the name of their CSV without its ending.

    Returns:
        CSV with ``table``, ``column``, ``type``, ``unit``, ``meaning``, ``in_csv`` (whether the CSV has it) and
        ``is_complete`` (whether all rows were stored with it, those of an older optbench perhaps were not).
    """
    lines = []
    for table, schema in tables.items():
        absent = set(lacking(folder, schema))
        for name, column in schema.columns.items():
            is_scalar = not is_list(column.type)
            lines.append((table, name, column.type, column.unit, column.meaning, is_scalar, name not in absent))
        extra = (*((SECONDS,) if schema.is_beside_rows else ()), *CONSTANT)
        for name in extra:
            kind, unit = ("float64", "s") if name == SECONDS else ("string", "")
            lines.append((table, name, kind, unit, _MEANINGS[name], True, True))
    return written(("table", "column", "type", "unit", "meaning", "in_csv", "is_complete"), lines)


def places_csv(run_folder: Path, schema: Schema, manifest: Mapping[str, Any]) -> bytes | None:
    """Returns what stands at each place of the lists whose places no column says.

    Args:
        run_folder: The run's folder.
        schema: What the rows are.
        manifest: The manifest; it has budget and problems.

    Returns:
        CSV with ``column``, ``problem`` (empty for all), ``place`` from 0 on, ``value`` and ``unit``; ``None`` if a run
        has no such lists.
    """
    lines = [*_targets(schema), *_curves(run_folder, schema, manifest)]
    return written(("column", "problem", "place", "value", "unit"), lines) if lines else None


def _targets(schema: Schema) -> Iterator[tuple[object, ...]]:
    for column in _OF_TARGETS:
        if column in schema.columns:
            for place, target in enumerate(GAP_TARGETS):
                # To the digits that the target is defined by, 10^(-k/5): its last bit depends on the power function.
                yield column, "", place, f"{target:.15g}", "relative gap, (f - f_star) / f_scale"
            yield column, "", len(GAP_TARGETS), "f_solved", "objective; by problem in manifest.json"


def _curves(folder: Path, schema: Schema, manifest: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    if not schema.curves.columns or schema.curves.clock_column is not None or manifest.get("curves"):
        return
    known = manifest.get("problems", {})
    for label in StoredRows(folder, manifest).problems:
        trip_cost = float(known.get(label, {}).get("trip_cost", 1.0))
        for place, step in enumerate(curve_steps(round(int(manifest["budget"]) / trip_cost))):
            for column in schema.curves.columns.values():
                yield column, label, place, f"{step * trip_cost:.15g}", "gradients of the whole function"


def written(header: Sequence[str], lines: Iterable[Sequence[object]]) -> bytes:
    """Returns lines as CSV: text guarded against spreadsheets, truth values ``true`` or ``false``, ends LF."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for line in lines:
        writer.writerow([str(value).lower() if isinstance(value, bool) else spreadsheet(value) for value in line])
    return out.getvalue().encode()
