"""Runs of an older schema are read as they are: what they did not have is null."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from optbench.records.landscapes import ROWS
from optbench.records.schema import READABLE_SCHEMAS, SCHEMA_VERSION
from optbench.store import load, read_runs, run_folder, shards, write_manifest, write_shard

from .rows import BUDGET, make_columns


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of schema 2, with one shard."""
    folder = run_folder(tmp_path, "quick", "ab12")
    columns = make_columns(optimizer="sgd")
    del columns["settled"]
    old = replace(ROWS, columns={name: column for name, column in ROWS.columns.items() if name != "settled"})
    with monkeypatch.context() as then:
        then.setattr(shards, "SCHEMA_VERSION", 2)
        write_shard(folder, "a", columns, schema=old)
    write_manifest(folder, {"schema_version": 2, "budget": BUDGET})
    return folder


def test_a_column_of_today_is_null_in_an_older_run(folder: Path) -> None:
    run = load(folder)
    assert run.runs["settled"].tolist() == [None] * 6
    assert not run.has_settled
    assert run.runs["hits"].notna().all()
    assert read_runs(folder, ["cell_id", "settled"], schema=ROWS).columns.tolist() == ["cell_id", "settled"]
    assert len(run.traces) > 0


def test_shards_of_both_schemas_stand_side_by_side(folder: Path) -> None:
    columns = make_columns(optimizer="adam")
    write_shard(folder, "b", columns, schema=ROWS)
    rows = load(folder).runs
    assert list(rows) == list(ROWS.columns)
    assert rows.groupby("optimizer")["settled"].count().to_dict() == {"adam": 6, "sgd": 0}
    assert not load(folder).has_settled
    assert {row.cell_id: list(row.settled) for row in rows.itertuples() if row.optimizer == "adam"} == {
        cell: list(values) for cell, values in zip(columns["cell_id"], columns["settled"], strict=True)
    }


def test_a_run_of_today_says_that_it_has_all(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, "quick", "ab12")
    write_shard(folder, "a", make_columns(), schema=ROWS)
    write_manifest(folder, {"budget": BUDGET})
    assert load(folder).has_settled
    assert json.loads((folder / "manifest.json").read_text())["schema_version"] == SCHEMA_VERSION


def test_every_readable_schema_is_read(folder: Path) -> None:
    assert SCHEMA_VERSION in READABLE_SCHEMAS
    for schema in READABLE_SCHEMAS:
        write_manifest(folder, {"schema_version": schema, "budget": BUDGET})
        assert load(folder).manifest["schema_version"] == schema
