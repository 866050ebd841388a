"""Write-once shards: Parquet with page checksums, and a commit record written last.

A shard counts once its record ``<shard>.json`` exists; a Parquet file without one is what a
killed process left, and is overwritten. Bytes depend on the rows alone: clock readings go to the
record.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from optbench.errors import DataError
from optbench.records.schema import SCHEMA_VERSION, Schema
from optbench.store import files, parquet
from optbench.store.paths import QUARANTINE, SHARDS, shard_folder, shard_folders, slug

LOG = logging.getLogger("optbench")


def write_shard(
    folder: Path,
    name: str,
    columns: Mapping[str, parquet.Column],
    meta: Mapping[str, Any] | None = None,
    *,
    schema: Schema,
) -> dict[str, Any]:
    """Writes the rows of one group and commits them; afterwards no crash can lose them.

    Args:
        folder: The run's folder, held by ``writing``.
        name: What ``shard_name`` returned.
        columns: Every column of the schema, all of one length.
        meta: What else the commit record keeps, such as seconds; JSON-able.
        schema: What the rows are.

    Returns:
        The commit record: ``schema_version``, ``sha256`` of the Parquet file, ``rows`` and ``meta``'s keys.

    Raises:
        DataError: The shard is committed with other rows; shards are written once.
        ValueError: Columns are missing, unknown, or differ in length.
    """
    if wrong := set(columns) ^ set(schema.columns):
        raise ValueError(f"{name}: columns must be those of {schema.name}; missing or unknown: {sorted(wrong)}")
    if len({len(values) for values in columns.values()}) != 1:
        raise ValueError(f"{name}: columns differ in length: { ({k: len(v) for k, v in columns.items()}) }")
    table = parquet.table_of(columns, schema)
    data = parquet.encode(table, [key for key, column in schema.columns.items() if column.splits_bytes])
    record = {
        **(meta or {}),
        "schema_version": SCHEMA_VERSION,
        "sha256": hashlib.sha256(data).hexdigest(),
        "rows": table.num_rows,
    }
    place = shard_folder(folder, schema)
    if schema.is_beside_rows:
        with files.explained("write to", place):
            files.make_folder(place)
    path = place / f"{slug(name)}.parquet"
    if (old := _committed(path.with_suffix(".json"))) is not None:
        if old["sha256"] == record["sha256"]:
            return old
        raise DataError(f"{path} is committed with other rows; shards are written once")
    text = json.dumps(record, indent=1, sort_keys=True, allow_nan=False) + "\n"
    files.write_atomic(path, data)
    files.write_atomic(path.with_suffix(".json"), text.encode())
    return record


def committed(folder: Path, schema: Schema | None = None) -> dict[str, dict[str, Any]]:
    """Returns the commit records of a run.

    Args:
        folder: The run's folder.
        schema: Of which table; of the rows by default.

    Returns:
        Records by shard name, sorted by name.

    Raises:
        DataError: A record is damaged.
    """
    paths = _records(folder / SHARDS if schema is None else shard_folder(folder, schema))
    return {path.stem: record for path in paths if (record := _committed(path)) is not None}


def _records(place: Path) -> list[Path]:
    """Returns the files of commit records of a folder; a hidden one is a temporary file."""
    return [path for path in sorted(place.glob("*.json")) if not path.name.startswith(".")]


def _committed(path: Path) -> dict[str, Any] | None:
    """Returns the commit record of one shard, ``None`` where there is none; a damaged one is an error."""
    if not path.exists():
        return None
    record = _record(path)
    if record is None:
        raise DataError(f"{path} is damaged: not a commit record; run the suite again to recompute the shard")
    return record


def _record(path: Path) -> dict[str, Any] | None:
    """Returns a commit record, or ``None`` for anything else."""
    try:
        record = json.loads(files.read(path))
    except ValueError:
        return None
    whole = isinstance(record, dict) and isinstance(record.get("sha256"), str) and isinstance(record.get("rows"), int)
    return record if whole else None


def _completed(table: pa.Table, schema: pa.Schema, names: Sequence[str]) -> pa.Table:
    """Returns the named columns of a table; those that its shard's schema did not have yet are null."""
    for name in names:
        if name not in table.column_names:
            table = table.append_column(schema.field(name), pa.nulls(table.num_rows, schema.field(name).type))
    return table.select(list(names))


def damaged(folder: Path) -> dict[str, str]:
    """Returns the committed shards that cannot be trusted, of all tables.

    Args:
        folder: The run's folder.

    Returns:
        What is wrong, by shard name; that of a table beside the rows begins with its folder. Empty if all is well.
    """
    wrong = {}
    for path in (path for place in shard_folders(folder) for path in _records(place)):
        record = _record(path)
        found = (
            "no commit record"
            if record is None
            else parquet.load(path.with_suffix(".parquet"), sha256=record["sha256"])
        )
        if isinstance(found, str):
            wrong[path.relative_to(folder / SHARDS).with_suffix("").as_posix()] = found
    return wrong


def quarantine(folder: Path) -> dict[str, str]:
    """Moves the damaged shards of a run aside, so that the run computes them again.

    Args:
        folder: The run's folder, held by ``writing``.

    Returns:
        What was wrong, by name of the shard moved.
    """
    wrong = damaged(folder)
    for shard, kept in ((folder / SHARDS / name, folder / QUARANTINE / name) for name in wrong):
        with files.explained("move to quarantine", shard):
            files.make_folder(kept.parent)
            copy = 1
            while any(kept.parent.glob(f"{kept.name}.{copy}.*")):
                copy += 1
            # The record goes first: from then on the shard is not committed.
            for suffix in (".json", ".parquet"):
                source = shard.with_name(f"{shard.name}{suffix}")
                if os.path.lexists(source):
                    files.rename(source, kept.with_name(f"{kept.name}.{copy}{suffix}"))
            files.sync_folder(shard.parent)
            files.sync_folder(kept.parent)
    return wrong


def lacking(folder: Path, schema: Schema) -> tuple[str, ...]:
    """Returns the columns that some committed shard was stored without; they are null in its rows.

    Args:
        folder: The run's folder.
        schema: What the rows are.

    Returns:
        Names in the schema's order.
    """
    place = shard_folder(folder, schema)
    there = [set(parquet.names(place / f"{name}.parquet")) for name in committed(folder, schema)]
    return tuple(name for name in schema.columns if not all(name in names for names in there))


def read_runs(folder: Path, columns: Sequence[str] | None = None, *, schema: Schema) -> pd.DataFrame:
    """Returns the committed rows of a run, page checksums and SHA-256 verified.

    Args:
        folder: The run's folder.
        columns: Which columns to return; all by default.
        schema: What the rows are.

    Returns:
        One row per committed cell, in the schema's order.
        List columns hold one array per row. A column that a shard's schema did not have yet is ``None`` in its rows.

    Raises:
        DataError: Shards are damaged, all named with what was expected and what was found.
    """
    wanted = list(schema.columns if columns is None else columns)
    rows = _tables(folder, committed(folder, schema), [*dict.fromkeys([*wanted, *schema.order])], schema)
    rows = rows.take(pc.sort_indices(rows, sort_keys=[(name, "ascending") for name in schema.order]))
    frame: pd.DataFrame = rows.select(wanted).to_pandas()
    return frame


def read_shards(
    folder: Path, names: Sequence[str], columns: Sequence[str] | None = None, *, schema: Schema
) -> pd.DataFrame:
    """Returns the rows of some shards, page checksums and SHA-256 verified.

    Args:
        folder: The run's folder.
        names: What ``shard_name`` returned; they must be committed.
        columns: Which columns to return; all by default.
        schema: What the rows are.

    Returns:
        One row per cell, shard by shard as they were written.

    Raises:
        DataError: Shards are damaged, all named with what was expected and what was found.
    """
    place = shard_folder(folder, schema)
    records = {name: _committed(place / f"{name}.json") for name in names}
    frame: pd.DataFrame = _tables(
        folder, records, list(schema.columns if columns is None else columns), schema
    ).to_pandas()
    # Arrow keeps what it has read into for the next time: as much again as the rows of a problem.
    pa.default_memory_pool().release_unused()
    return frame


def shard_table(folder: Path, name: str, columns: Sequence[str] | None = None, *, schema: Schema) -> pa.Table:
    """Returns the rows of one shard as Arrow has them, whole numbers whole beside nulls, SHA-256 verified.

    Args:
        folder: The run's folder.
        name: What ``shard_name`` returned; it must be committed.
        columns: Which columns to return; all by default. No other is decoded.
        schema: What the rows are.

    Returns:
        One row per cell, as they were written.

    Raises:
        DataError: The shard is damaged.
    """
    records = {name: _committed(shard_folder(folder, schema) / f"{name}.json")}
    return _tables(folder, records, list(schema.columns if columns is None else columns), schema)


def _tables(folder: Path, records: Mapping[str, dict[str, Any] | None], columns: list[str], schema: Schema) -> pa.Table:
    """Returns the rows of shards by their commit records, one after the other."""
    fields, place = parquet.arrow(schema), shard_folder(folder, schema)
    tables, wrong, unknown = [], [], set()

    def wanted(there: list[str]) -> list[str]:
        unknown.update(set(there) - set(schema.columns))
        return [name for name in there if name in columns]

    for name, record in records.items():
        path = place / f"{name}.parquet"
        table = "not committed" if record is None else parquet.load(path, wanted, sha256=record["sha256"])
        if isinstance(table, str):
            wrong.append(f"{path.relative_to(folder).as_posix()}: {table}")
        else:
            tables.append(_completed(table, fields, columns))
    if wrong:
        raise DataError(
            f"{folder}: damaged shards; run the same suite again, which recomputes them\n"
            + "\n".join(f"  {line}" for line in wrong)
        )
    if unknown:
        _note_unknown(folder, ", ".join(sorted(unknown)))
    return pa.concat_tables(tables) if tables else fields.empty_table().select(columns)


@cache
def _note_unknown(folder: Path, columns: str) -> None:
    """Says once for a run that a newer package has stored columns in it which are left out here."""
    LOG.warning("%s was stored by a newer optbench: read without the columns %s, unknown here", folder, columns)
