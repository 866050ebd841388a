"""Write-once shards: Parquet with page checksums, and a commit record written last.

A shard counts once its record ``<shard>.json`` exists; a Parquet file without one is what a
killed process left, and is overwritten. Bytes depend on the rows alone: clock readings go to the
record.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from optbench.errors import DataError
from optbench.records import NETWORK_COLUMNS, NETWORK_ROW_ORDER, ROW_ORDER, RUN_COLUMNS, SCHEMA_VERSION
from optbench.store import files
from optbench.store.paths import PICTURES, QUARANTINE, SHARDS, slug

_TYPES = {
    "string": pa.string(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "list<int32>": pa.list_(pa.int32()),
    "list<float64>": pa.list_(pa.float64()),
    "list<float32>": pa.list_(pa.float32()),
    "list<bool>": pa.list_(pa.bool_()),
}
#: By the kind of a run, as its manifest has it: functions, unless it says otherwise.
_SCHEMAS = {
    kind: pa.schema([(name, _TYPES[type_]) for name, (type_, _) in columns.items()])
    for kind, columns in (("landscapes", RUN_COLUMNS), ("networks", NETWORK_COLUMNS))
}
_ORDERS = {"landscapes": ROW_ORDER, "networks": NETWORK_ROW_ORDER}

#: A column's values: an array (two-dimensional for a list column) or a list, ``None`` for null.
Column = np.ndarray | Sequence[Any]


def _array(values: Column, kind: pa.DataType) -> pa.Array:
    """Returns an Arrow array; NaN becomes null, so that no NaN hides in a row."""
    if isinstance(values, np.ndarray) and values.ndim == 2 and pa.types.is_list(kind):
        offsets = np.arange(len(values) + 1, dtype=np.int32) * np.int32(values.shape[1])
        flat = pa.array(np.ascontiguousarray(values).ravel(), type=kind.value_type, from_pandas=True)
        return pa.ListArray.from_arrays(pa.array(offsets), flat)
    return pa.array(values, type=kind, from_pandas=not pa.types.is_list(kind))


def _encode(table: pa.Table) -> bytes:
    """Returns the Parquet file of a table: one row group, page checksums, zstd, no clock.

    Strings get dictionaries and curves split byte streams: a quarter smaller and read in half the
    time of pyarrow's defaults, which try a dictionary for every number.
    """
    sink = pa.BufferOutputStream()
    curves = [f"{field.name}.list.element" for field in table.schema if field.type == _TYPES["list<float64>"]]
    pq.write_table(
        table,
        sink,
        compression="zstd",
        use_dictionary=[field.name for field in table.schema if pa.types.is_string(field.type)],
        column_encoding=dict.fromkeys(curves, "BYTE_STREAM_SPLIT") or None,
        write_page_checksum=True,
        row_group_size=max(table.num_rows, 1),
    )
    return bytes(sink.getvalue())


def write_shard(
    folder: Path, name: str, columns: Mapping[str, Column], meta: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Writes the rows of one group and commits them; afterwards no crash can lose them.

    Args:
        folder: The run's folder, held by ``writing``.
        name: What ``shard_name`` returned.
        columns: Every column of ``RUN_COLUMNS``, or every one of ``NETWORK_COLUMNS``, all of one length.
        meta: What else the commit record keeps, such as seconds; JSON-able.

    Returns:
        The commit record: ``schema_version``, ``sha256`` of the Parquet file, ``rows`` and ``meta``'s keys.

    Raises:
        DataError: The shard is committed with other rows; shards are written once.
        ValueError: Columns are missing, unknown, or differ in length.
    """
    schema = _SCHEMAS["networks" if "task" in columns else "landscapes"]
    if wrong := set(columns) ^ set(schema.names):
        raise ValueError(f"{name}: columns must be those of optbench.records; missing or unknown: {sorted(wrong)}")
    if len({len(values) for values in columns.values()}) != 1:
        raise ValueError(f"{name}: columns differ in length: { ({k: len(v) for k, v in columns.items()}) }")
    table = pa.Table.from_arrays([_array(columns[field.name], field.type) for field in schema], schema=schema)
    data = _encode(table)
    record = {
        **(meta or {}),
        "schema_version": SCHEMA_VERSION,
        "sha256": hashlib.sha256(data).hexdigest(),
        "rows": table.num_rows,
    }
    path = folder / SHARDS / f"{slug(name)}.parquet"
    if (old := _committed(path.with_suffix(".json"))) is not None:
        if old["sha256"] == record["sha256"]:
            return old
        raise DataError(f"{path} is committed with other rows; shards are written once")
    text = json.dumps(record, indent=1, sort_keys=True, allow_nan=False) + "\n"
    files.write_atomic(path, data)
    files.write_atomic(path.with_suffix(".json"), text.encode())
    return record


def committed(folder: Path) -> dict[str, dict[str, Any]]:
    """Returns the commit records of a run.

    Args:
        folder: The run's folder.

    Returns:
        Records by shard name, sorted by name.

    Raises:
        DataError: A record is damaged.
    """
    paths = [path for path in sorted((folder / SHARDS).glob("*.json")) if not path.name.startswith(".")]
    return {path.stem: record for path in paths if (record := _committed(path)) is not None}


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


def _load(path: Path, columns: Sequence[str] | None = None, *, sha256: str | None = None) -> pa.Table | str:
    """Returns a Parquet file's table, of ``columns`` those that it has, or in one line what is wrong with the file."""
    if path.is_symlink() or not path.is_file():
        return "missing, or not a plain file"
    data = files.read(path)
    actual = hashlib.sha256(data).hexdigest()
    if sha256 is not None and actual != sha256:
        return f"sha256 must be {sha256}; got {actual}"
    try:
        there = pq.read_schema(pa.BufferReader(data)).names
        return pq.read_table(
            pa.BufferReader(data),
            columns=[name for name in there if columns is None or name in columns],
            page_checksum_verification=True,
            use_threads=False,
        )
    except (pa.ArrowException, OSError, KeyError) as error:
        return str(error).splitlines()[0]


def damaged(folder: Path) -> dict[str, str]:
    """Returns the committed shards that cannot be trusted.

    Args:
        folder: The run's folder.

    Returns:
        What is wrong, by shard name; empty if all is well.
    """
    wrong = {}
    for path in sorted((folder / SHARDS).glob("*.json")):
        if path.name.startswith("."):
            continue
        record = _record(path)
        found = "no commit record" if record is None else _load(path.with_suffix(".parquet"), sha256=record["sha256"])
        if isinstance(found, str):
            wrong[path.stem] = found
    return wrong


def quarantine(folder: Path) -> dict[str, str]:
    """Moves the damaged shards of a run aside, so that the run computes them again.

    Args:
        folder: The run's folder, held by ``writing``.

    Returns:
        What was wrong, by name of the shard moved.
    """
    wrong = damaged(folder)
    place = folder / QUARANTINE
    for name in wrong:
        with files.explained("move to quarantine", folder / SHARDS / name):
            files.make_folder(place)
            copy = 1
            while any(place.glob(f"{name}.{copy}.*")):
                copy += 1
            # The record goes first: from then on the shard is not committed.
            for suffix in (".json", ".parquet"):
                source = folder / SHARDS / f"{name}{suffix}"
                if os.path.lexists(source):
                    files.rename(source, place / f"{name}.{copy}{suffix}")
            files.sync_folder(folder / SHARDS)
            files.sync_folder(place)
    return wrong


def read_shard(folder: Path, name: str) -> pd.DataFrame:
    """Returns the rows of one committed shard, page checksums and SHA-256 verified.

    Args:
        folder: The run's folder.
        name: What ``shard_name`` returned; it must be committed.

    Returns:
        The rows as they were written.

    Raises:
        DataError: The shard is damaged.
    """
    path = folder / SHARDS / f"{slug(name)}.parquet"
    record = _committed(path.with_suffix(".json"))
    table = "not committed" if record is None else _load(path, sha256=record["sha256"])
    if isinstance(table, str):
        raise DataError(f"{path}: {table}; run the same suite again, which recomputes it")
    frame: pd.DataFrame = table.to_pandas()
    return frame


def read_runs(folder: Path, columns: Sequence[str] | None = None, *, kind: str = "landscapes") -> pd.DataFrame:
    """Returns the committed rows of a run, page checksums and SHA-256 verified.

    Args:
        folder: The run's folder.
        columns: Which columns to return; all by default.
        kind: ``landscapes`` or ``networks``, as the manifest has it.

    Returns:
        One row per committed cell, ordered by what names a cell: ``records.ROW_ORDER`` or ``NETWORK_ROW_ORDER``.
        List columns hold one array per row. A column that a shard's schema did not have yet is ``None`` in its rows.

    Raises:
        DataError: Shards are damaged, all named with what was expected and what was found.
    """
    schema, order = _SCHEMAS[kind], _ORDERS[kind]
    wanted = schema.names if columns is None else list(columns)
    rows = _tables(folder, committed(folder), [*dict.fromkeys([*wanted, *order])], schema)
    rows = rows.take(pc.sort_indices(rows, sort_keys=[(name, "ascending") for name in order]))
    frame: pd.DataFrame = rows.select(wanted).to_pandas()
    return frame


def read_shards(folder: Path, names: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """Returns the rows of some shards of a suite of functions, page checksums and SHA-256 verified.

    Args:
        folder: The run's folder.
        names: What ``shard_name`` returned; they must be committed.
        columns: Which columns to return.

    Returns:
        One row per cell, shard by shard as they were written.

    Raises:
        DataError: Shards are damaged, all named with what was expected and what was found.
    """
    records = {name: _committed(folder / SHARDS / f"{name}.json") for name in names}
    frame: pd.DataFrame = _tables(folder, records, columns, _SCHEMAS["landscapes"]).to_pandas()
    # Arrow keeps what it has read into for the next time: as much again as the rows of a problem.
    pa.default_memory_pool().release_unused()
    return frame


def _tables(
    folder: Path, records: Mapping[str, dict[str, Any] | None], columns: Sequence[str], schema: pa.Schema
) -> pa.Table:
    """Returns the rows of shards by their commit records, one after the other."""
    tables, wrong = [], []
    for name, record in records.items():
        path = folder / SHARDS / f"{name}.parquet"
        table = "not committed" if record is None else _load(path, columns, sha256=record["sha256"])
        if isinstance(table, str):
            wrong.append(f"{SHARDS}/{path.name}: {table}")
        else:
            tables.append(_completed(table, schema, columns))
    if wrong:
        raise DataError(
            f"{folder}: damaged shards; run the same suite again, which recomputes them\n"
            + "\n".join(f"  {line}" for line in wrong)
        )
    return pa.concat_tables(tables) if tables else schema.empty_table().select(list(columns))


def write_picture(folder: Path, name: str, columns: Mapping[str, Column]) -> None:
    """Stores what a plot needs beyond rows: contour grids, trajectories, basins.

    Args:
        folder: The run's folder, held by ``writing``.
        name: Such as ``"contours"``.
        columns: Columns of equal length; types are inferred.
    """
    table = pa.table({key: pa.array(values) for key, values in columns.items()})
    with files.explained("write to", folder / PICTURES):
        files.make_folder(folder / PICTURES)
    files.write_atomic(folder / PICTURES / f"{slug(name)}.parquet", _encode(table))


def read_picture(folder: Path, name: str) -> pd.DataFrame | None:
    """Returns what ``write_picture`` stored, or ``None`` where a run has no such picture.

    Args:
        folder: The run's folder.
        name: Such as ``"contours"``.

    Returns:
        The frame, page checksums verified.

    Raises:
        DataError: The file is damaged.
    """
    path = folder / PICTURES / f"{slug(name)}.parquet"
    if not path.exists():
        return None
    table = _load(path)
    if isinstance(table, str):
        raise DataError(f"{path} is damaged: {table}; run the same suite again")
    frame: pd.DataFrame = table.to_pandas()
    return frame
