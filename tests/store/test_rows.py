"""Rows are read problem by problem, and are those that a run has."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from optbench.errors import DataError
from optbench.records.landscapes import ROWS
from optbench.store import StoredRows, read_runs, shard_name, write_shard
from tests.store.rows import make_columns

PROBLEMS, OPTIMIZERS = ("sphere-2d", "ackley-2d"), ("adam", "sgd")
MANIFEST = {"problems": dict.fromkeys(PROBLEMS), "optimizers": dict.fromkeys(OPTIMIZERS)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shards").mkdir()
    for problem in PROBLEMS:
        for optimizer in OPTIMIZERS:
            write_shard(tmp_path, shard_name(problem, optimizer), make_columns(problem, optimizer), schema=ROWS)
    return tmp_path


def ordered(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values("cell_id", ignore_index=True)


# A manifest that lacks labels costs a look into the shards, and hides none.
@pytest.mark.parametrize("manifest", [MANIFEST, {}, {**MANIFEST, "problems": {"sphere-2d": None}}])
def test_the_rows_of_all_problems_are_those_of_the_run(folder: Path, manifest: dict) -> None:
    rows = StoredRows(folder, manifest)
    assert rows.problems == ["ackley-2d", "sphere-2d"]
    parts = [rows.of([problem]) for problem in rows.problems]
    assert [set(part["problem"]) for part in parts] == [{"ackley-2d"}, {"sphere-2d"}]
    expected = ordered(read_runs(folder, schema=ROWS))
    pd.testing.assert_frame_equal(ordered(pd.concat(parts)), expected)
    pd.testing.assert_frame_equal(ordered(rows.of(None)), expected)


def test_columns_are_chosen_or_left_out(folder: Path) -> None:
    rows = StoredRows(folder, MANIFEST)
    assert list(rows.of(["sphere-2d"], ["start", "hits"])) == ["start", "hits"]
    assert list(rows.of(["sphere-2d"], without=["hits", "wells"])) == [
        name for name in ROWS.columns if name not in ("hits", "wells")
    ]
    nothing = rows.of([], ["start", "problem"])
    assert nothing.empty
    assert list(nothing) == ["start", "problem"]


def test_statuses_are_counted_with_or_without_a_record_of_them(folder: Path) -> None:
    assert StoredRows(folder, MANIFEST).statuses == {"ok": 20, "error": 4}
    meta = {"status_counts": {"ok": 5, "error": 1}}
    write_shard(folder, shard_name("cone-2d", "adam"), make_columns("cone-2d", "adam"), meta, schema=ROWS)
    assert StoredRows(folder, MANIFEST).statuses == {"ok": 25, "error": 5}


def test_some_problems_can_be_all_there_is(folder: Path) -> None:
    rows = StoredRows(folder, MANIFEST, {"sphere-2d"})
    assert rows.problems == ["sphere-2d"]
    assert rows.statuses == {"ok": 10, "error": 2}
    assert set(rows.of(None)["problem"]) == {"sphere-2d"}


def test_damage_is_found_when_a_problem_is_read(folder: Path) -> None:
    name = shard_name("sphere-2d", "adam")
    path = folder / "shards" / f"{name}.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    rows = StoredRows(folder, MANIFEST)
    assert len(rows.of(["ackley-2d"])) == 12
    with pytest.raises(DataError, match=name):
        rows.of(["sphere-2d"])
