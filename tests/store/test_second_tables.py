"""A table beside the rows of a run: written once, verified, set aside, resumed, and no part of the run's id."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import optbench as ob
from optbench.errors import DataError
from optbench.records.landscapes import ROWS
from optbench.records.schema import Column, Schema
from optbench.store import (
    add_sums,
    committed,
    damaged,
    file_sums,
    load,
    quarantine,
    read_runs,
    read_shards,
    run_folder,
    verify,
    write_manifest,
    write_shard,
    writing,
)
from optbench.store.curves import long_form

from .rows import BUDGET, make_columns

TOY = Schema(
    name="toy",
    columns={"cell_id": Column("string", "the cell"), "size": Column("float64", "how large", "meters")},
    order=("cell_id",),
    is_beside_rows=True,
)


def sizes(value: float = 1.0) -> dict[str, object]:
    return {"cell_id": [f"sphere-2d-adam-{k}" for k in (2, 0, 1)], "size": np.full(3, value)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished run with one shard of rows."""
    folder = run_folder(tmp_path, "quick", "ab12")
    write_shard(folder, "a", make_columns(), schema=ROWS)
    write_manifest(folder, {"budget": BUDGET, "state": "finished", "files": file_sums(folder)})
    return folder


def test_a_table_is_added_to_a_finished_run_and_leaves_its_rows_alone(folder: Path) -> None:
    before, manifest, rows = file_sums(folder), load(folder).manifest, load(folder).runs
    record = write_shard(folder, "a", sizes(), {"run_s": 1.0}, schema=TOY)
    assert verify(folder) == ["shards/toy/a.json: not in the manifest", "shards/toy/a.parquet: not in the manifest"]
    add_sums(folder, TOY)
    assert verify(folder) == []
    assert committed(folder, TOY) == {"a": record}
    assert list(committed(folder)) == ["a"]
    assert read_runs(folder, schema=TOY)["cell_id"].tolist() == [f"sphere-2d-adam-{k}" for k in range(3)]
    assert read_shards(folder, ["a"], schema=TOY)["cell_id"].tolist() == sizes()["cell_id"]
    after = load(folder)
    assert after.runs.equals(rows) or after.runs.astype(str).equals(rows.astype(str))
    assert {path: file_sums(folder)[path] for path in before} == before
    assert {key: value for key, value in after.manifest.items() if key != "files"} == {
        key: value for key, value in manifest.items() if key != "files"
    }


def test_a_table_is_written_once_and_continued(folder: Path) -> None:
    first = write_shard(folder, "a", sizes(), schema=TOY)
    assert write_shard(folder, "a", sizes(), schema=TOY) == first
    with pytest.raises(DataError, match=r"toy/a\.parquet is committed with other rows"):
        write_shard(folder, "a", sizes(2.0), schema=TOY)
    (folder / "shards" / "toy" / "b.parquet").write_bytes(b"half")
    assert list(committed(folder, TOY)) == ["a"]
    write_shard(folder, "b", sizes(3.0), schema=TOY)
    assert list(committed(folder, TOY)) == ["a", "b"]


def test_a_damaged_shard_of_a_table_is_named_set_aside_and_written_again(folder: Path) -> None:
    for _ in range(2):
        write_shard(folder, "a", sizes(), schema=TOY)
        add_sums(folder, TOY)
        (folder / "shards" / "toy" / "a.parquet").write_bytes(b"half")
        assert list(damaged(folder)) == ["toy/a"]
        with pytest.raises(DataError, match=r"shards/toy/a\.parquet: sha256 must be"):
            read_runs(folder, schema=TOY)
        assert list(quarantine(folder)) == ["toy/a"]
        assert committed(folder, TOY) == {}
    kept = sorted(path.name for path in (folder / "quarantine" / "toy").iterdir())
    assert kept == ["a.1.json", "a.1.parquet", "a.2.json", "a.2.parquet"]
    assert list(committed(folder)) == ["a"]


def test_sums_of_a_table_do_not_hide_a_change_of_the_rows(folder: Path) -> None:
    (folder / "shards" / "a.json").write_text((folder / "shards" / "a.json").read_text() + " ")
    write_shard(folder, "a", sizes(), schema=TOY)
    add_sums(folder, TOY)
    assert [line.partition(":")[0] for line in verify(folder)] == ["shards/a.json"]


def test_columns_of_another_table_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="columns must be those of toy; missing or unknown"):
        write_shard(folder, "a", make_columns(), schema=TOY)


def test_a_table_without_curves_has_no_long_form(folder: Path) -> None:
    write_shard(folder, "a", sizes(), schema=TOY)
    with pytest.raises(DataError, match="rows of toy have no curves"):
        long_form(read_runs(folder, schema=TOY), TOY, {}, folder)


def test_a_damaged_table_makes_no_row_be_computed_again(tmp_path: Path) -> None:
    run = ob.run("quick", out=tmp_path, optimizers=["sgd"], problems=["sphere"], tuning="default")
    rows = {path: path.stat().st_mtime_ns for path in run.path.glob("shards/*.parquet")}
    for value in (1.0, 2.0):
        with writing(run.path):
            write_shard(run.path, "a", sizes(value), schema=TOY)
            add_sums(run.path, TOY)
        assert ob.run("quick", out=tmp_path, optimizers=["sgd"], problems=["sphere"], tuning="default").path == run.path
        assert read_runs(run.path, schema=TOY)["size"].tolist() == [value] * 3
        (run.path / "shards" / "toy" / "a.parquet").write_bytes(b"half")
        ob.run("quick", out=tmp_path, optimizers=["sgd"], problems=["sphere"], tuning="default")
        assert committed(run.path, TOY) == {}
        assert verify(run.path) == []
    assert {path: path.stat().st_mtime_ns for path in run.path.glob("shards/*.parquet")} == rows
