"""The committed rows, read and written again, are the same bytes: files of old and new runs can be compared by sums."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from optbench.kinds import KINDS
from optbench.store import committed, load, parquet, read_shards, run_folder, write_shard

RUNS = sorted((Path(__file__).parents[2] / "results" / "canonical").glob("*"))


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.name)
def test_committed_rows_written_again_are_the_same_bytes(path: Path, tmp_path: Path) -> None:
    schema = load(path).schema
    folder = run_folder(tmp_path, "again", "ab12")
    for name, record in committed(path).items():
        rows = read_shards(path, [name], schema=schema)
        # A run from before a column was there lacks it, and is as good as it was.
        stored = parquet.names(path / "shards" / f"{name}.parquet")
        same = replace(schema, columns={column: schema.columns[column] for column in stored})
        columns = {column: rows[column].tolist() for column in stored}
        assert write_shard(folder, name, columns, schema=same)["sha256"] == record["sha256"], name


def test_there_are_committed_rows_of_every_kind() -> None:
    assert {load(path).schema.name for path in RUNS} == set(KINDS)
