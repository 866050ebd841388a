"""Tables as Parquet: bytes that depend on the values alone, and readers that trust no byte."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from optbench.errors import DataError
from optbench.records.schema import Schema
from optbench.store import files

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

#: A column's values: an array (two-dimensional for a list column) or a list, ``None`` for null.
Column = np.ndarray | Sequence[Any]


def arrow(schema: Schema) -> pa.Schema:
    """Returns a schema as Arrow has it."""
    return pa.schema([(name, _TYPES[column.type]) for name, column in schema.columns.items()])


def table_of(columns: Mapping[str, Column], schema: Schema) -> pa.Table:
    """Returns an Arrow table.

    Args:
        columns: Values of every column of the schema.
        schema: Names and types.

    Returns:
        The columns in the schema's order.
    """
    fields = arrow(schema)
    return pa.Table.from_arrays([_array(columns[field.name], field.type) for field in fields], schema=fields)


def _array(values: Column, kind: pa.DataType) -> pa.Array:
    """Returns an Arrow array; NaN becomes null, so that no NaN hides in a row."""
    if isinstance(values, np.ndarray) and values.ndim == 2 and pa.types.is_list(kind):
        offsets = np.arange(len(values) + 1, dtype=np.int32) * np.int32(values.shape[1])
        flat = pa.array(np.ascontiguousarray(values).ravel(), type=kind.value_type, from_pandas=True)
        return pa.ListArray.from_arrays(pa.array(offsets), flat)
    return pa.array(values, type=kind, from_pandas=not pa.types.is_list(kind))


def encode(table: pa.Table, split: Iterable[str] = ()) -> bytes:
    """Returns the Parquet file of a table: one row group, page checksums, zstd, no clock.

    Strings get dictionaries and curves split byte streams: a quarter smaller and read in half the
    time of pyarrow's defaults, which try a dictionary for every number.

    Args:
        table: What is stored.
        split: Names of the columns of lists whose numbers are stored byte by byte.

    Returns:
        The file.
    """
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, **layout(table.schema, split)) as writer:
        writer.write_table(table, row_group_size=max(table.num_rows, 1))
    return bytes(sink.getvalue())


def layout(fields: pa.Schema, split: Iterable[str] = ()) -> dict[str, Any]:
    """Returns how files of optbench are written, as pyarrow's writers take it.

    Args:
        fields: Names and types of the columns.
        split: Names of the columns of lists whose numbers are stored byte by byte.

    Returns:
        Arguments of ``pyarrow.parquet.ParquetWriter``.
    """
    return {
        "compression": "zstd",
        "use_dictionary": [field.name for field in fields if pa.types.is_string(field.type)],
        "column_encoding": {f"{name}.list.element": "BYTE_STREAM_SPLIT" for name in split} or None,
        "write_page_checksum": True,
    }


def names(path: Path) -> list[str]:
    """Returns the names of the columns of a Parquet file, whose values are not verified.

    Args:
        path: The file.

    Returns:
        The names, in the file's order.

    Raises:
        DataError: The file is missing or damaged.
    """
    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path}: {str(error).splitlines()[0]}; run the same suite again, which recomputes it"
        ) from error


def load(path: Path, wanted: Callable[[list[str]], list[str]] = list, *, sha256: str | None = None) -> pa.Table | str:
    """Returns a Parquet file's table, page checksums verified.

    Args:
        path: The file.
        wanted: Chooses columns from those that the file has; all by default.
        sha256: What the file's SHA-256 must be, if it is known.

    Returns:
        The table, or in one line what is wrong with the file.
    """
    if path.is_symlink() or not path.is_file():
        return "missing, or not a plain file"
    data = files.read(path)
    actual = hashlib.sha256(data).hexdigest()
    if sha256 is not None and actual != sha256:
        return f"sha256 must be {sha256}; got {actual}"
    try:
        return pq.read_table(
            pa.BufferReader(data),
            columns=wanted(pq.read_schema(pa.BufferReader(data)).names),
            page_checksum_verification=True,
            use_threads=False,
        )
    except (pa.ArrowException, OSError, KeyError) as error:
        return str(error).splitlines()[0]


def frame(path: Path) -> pd.DataFrame | None:
    """Returns a Parquet file that stands beside the rows as a data frame, page checksums verified.

    Args:
        path: The file.

    Returns:
        The frame, ``None`` where there is no file.

    Raises:
        DataError: The file is damaged.
    """
    if not path.exists():
        return None
    table = load(path)
    if isinstance(table, str):
        raise DataError(f"{path} is damaged: {table}; run the same suite again")
    found: pd.DataFrame = table.to_pandas()
    return found
