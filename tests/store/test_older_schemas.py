"""Runs of an older package are read as they are, and so are those of a newer one that only adds columns."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import optbench as ob
from optbench.errors import DataError
from optbench.records import landscapes, networks
from optbench.records.landscapes import ROWS
from optbench.records.schema import READABLE_SCHEMAS, SCHEMA_VERSION, Column, Schema
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
    assert run.lacking == ("settled",)
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
    assert load(folder).lacking == ()
    assert json.loads((folder / "manifest.json").read_text())["schema_version"] == SCHEMA_VERSION


def test_every_readable_schema_is_read(folder: Path) -> None:
    assert SCHEMA_VERSION in READABLE_SCHEMAS
    for schema in READABLE_SCHEMAS:
        write_manifest(folder, {"schema_version": schema, "budget": BUDGET})
        assert load(folder).manifest["schema_version"] == schema


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> Schema:
    """The schema of rows with one more column, as a newer package would have it."""
    return replace(ROWS, columns={**ROWS.columns, "sharpness": Column("float64", "largest eigenvalue at the end")})


def test_a_column_that_is_not_known_here_is_left_out_and_said_once(
    tmp_path: Path, newer: Schema, caplog: pytest.LogCaptureFixture
) -> None:
    folder = run_folder(tmp_path, "quick", "ab12")
    for optimizer in ("adam", "sgd"):
        write_shard(folder, optimizer, make_columns(optimizer=optimizer) | {"sharpness": np.ones(6)}, schema=newer)
    write_manifest(folder, {"budget": BUDGET})
    run = load(folder)
    assert list(run.runs) == list(ROWS.columns)
    assert len(run.runs) == 12
    assert len(run.rows.of(None, ["cell_id"])) == 12
    assert [record.message for record in caplog.records] == [
        f"{folder} was stored by a newer optbench: read without the columns sharpness, unknown here"
    ]
    assert shards.read_runs(folder, schema=newer)["sharpness"].tolist() == [1.0] * 12


def test_a_new_column_makes_no_new_run(tmp_path: Path, newer: Schema, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finished run is shown by the package that has the column, which is null in its rows."""
    selection = {"optimizers": ["sgd"], "problems": ["sphere"], "tuning": "default"}
    before = ob.run("quick", out=tmp_path, **selection)
    files = {path: path.read_bytes() for path in before.path.glob("shards/*")}
    monkeypatch.setattr(landscapes, "ROWS", newer)
    again = ob.run("quick", out=tmp_path, **selection)
    assert again.path == before.path
    assert {path: path.read_bytes() for path in again.path.glob("shards/*")} == files
    assert again.runs["sharpness"].isna().all()
    assert again.lacking == ("sharpness",)
    assert again.manifest["finished_utc"] == before.manifest["finished_utc"]


def test_identities_are_frozen() -> None:
    """Ids of cells and runs that are stored hash these: they rise only when what is computed changes."""
    assert (landscapes.IDENTITY, networks.IDENTITY) == (3, 2)


def test_files_of_a_newer_layout_are_refused(folder: Path) -> None:
    write_manifest(folder, {"schema_version": SCHEMA_VERSION + 1, "budget": BUDGET})
    with pytest.raises(DataError, match="upgrade optbench to read it"):
        load(folder)
