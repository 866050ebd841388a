"""Rows as one CSV of their scalar columns and as one Parquet file, written shard by shard: no run fills memory."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from optbench.records.schema import Schema
from optbench.report.formats.escaping import spreadsheet
from optbench.store import committed, parquet, shard_table

if TYPE_CHECKING:
    import pyarrow as pa

#: Columns that every line of a CSV ends with, so that a line cut out of it still says what it is of.
CONSTANT = ("run_id", "watermark")
#: Of a table beside the rows: the seconds that commit records have, since shards have no clock.
SECONDS = "seconds"


def scalars(schema: Schema) -> list[str]:
    """Returns the columns of a table that a CSV can hold: all but lists."""
    return [name for name, column in schema.columns.items() if not is_list(column.type)]


def is_list(type: str) -> bool:
    """Returns whether a column of this type holds a list in each row."""
    return type.startswith("list<")


def csv_pieces(folder: Path, schema: Schema, constant: Mapping[str, str]) -> Iterator[bytes]:
    """Yields the scalar columns of a table as CSV, shard by shard; lists, curves among them, are not even decoded.

    Text is quoted and a missing number is an empty cell; infinity is ``inf``, a truth value ``true`` or ``false``. What
    a spreadsheet would run as a formula starts with an apostrophe.

    Args:
        folder: The run's folder.
        schema: Which table.
        constant: The last columns, each with the value that all lines have.

    Yields:
        Pieces of the file.
    """
    import pyarrow as pa
    from pyarrow import csv

    has_header = True
    for name, record in committed(folder, schema).items():
        # Seconds stand in the order in which rows were written, so they are joined before the rows are sorted.
        written = shard_table(folder, name, scalars(schema), schema=schema)
        table = _sorted(_with_seconds(written, record, schema), schema)
        columns = [_guarded(column) if pa.types.is_string(column.type) else column for column in table.columns]
        columns += [pa.array([spreadsheet(value)] * table.num_rows, pa.string()) for value in constant.values()]
        sink = io.BytesIO()
        options = csv.WriteOptions(include_header=has_header, quoting_style="needed")
        csv.write_csv(pa.table(columns, names=[*table.column_names, *constant]), sink, options)
        has_header = False
        yield sink.getvalue()


def _with_seconds(table: pa.Table, record: Mapping[str, Any], schema: Schema) -> pa.Table:
    """Returns rows of a table beside the rows with their seconds, where a commit record has one for each."""
    import pyarrow as pa

    if not schema.is_beside_rows:
        return table
    found = record.get(SECONDS, [])
    each = found if len(found) == len(table) else [None] * len(table)
    return table.append_column(SECONDS, pa.array(each, pa.float64()))


def _sorted(table: pa.Table, schema: Schema) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in schema.order])


def _guarded(column: pa.ChunkedArray) -> pa.Array:
    """Returns text as a spreadsheet can only show it. Few texts are many cells: each is looked at once."""
    import pyarrow as pa

    coded = column.combine_chunks().dictionary_encode()
    shown = pa.array([spreadsheet(text) for text in coded.dictionary.to_pylist()], pa.string())
    return shown.take(coded.indices)


def write_parquet(folder: Path, schema: Schema, sink: BinaryIO, facts: Mapping[str, Any]) -> None:
    """Writes all columns of all rows as one Parquet file, a row group for each shard.

    Args:
        folder: The run's folder.
        schema: Which table.
        sink: What to write to.
        facts: What the file says of itself, under ``optbench`` in its metadata; JSON-able.
    """
    from pyarrow import parquet as pq

    fields = described(schema, facts)
    split = [name for name, column in schema.columns.items() if column.splits_bytes]
    with pq.ParquetWriter(sink, fields, **parquet.layout(fields, split)) as writer:
        for name in committed(folder, schema):
            table = _sorted(shard_table(folder, name, schema=schema), schema)
            writer.write_table(table.cast(fields), row_group_size=max(table.num_rows, 1))


def described(schema: Schema, facts: Mapping[str, Any]) -> pa.Schema:
    """Returns a schema as Arrow has it, with the meaning and unit of each column in the metadata of its field.

    Args:
        schema: Names and types.
        facts: Metadata of the whole; JSON-able.
    """
    fields = parquet.arrow(schema)
    for place, (name, column) in enumerate(schema.columns.items()):
        said = {"meaning": column.meaning, **({"unit": column.unit} if column.unit else {})}
        fields = fields.set(place, fields.field(name).with_metadata(said))
    return fields.with_metadata({"optbench": json.dumps(facts, sort_keys=True, allow_nan=False)})
