"""Rows of measures as they are stored and read: beside the rows of runs, each with its seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from optbench.errors import DataError
from optbench.records.measures import ROWS
from optbench.store import load, read_measures, run_folder, verify, write_manifest, write_shard


def rows(cells: list[str], measure: str, **values: Any) -> dict[str, list[Any]]:
    """Returns columns of rows of one measure."""
    one = {
        "point": "judged",
        "evals": 10,
        "other_cell_id": "",
        "measure": measure,
        "estimate": 1.5,
        "standard_error": None,
        "settings": "{}",
        "details": "{}",
        "grid": [],
        "values": [],
        "status": "ok",
        "message": "",
    } | values
    return {name: cells if name == "cell_id" else [one[name]] * len(cells) for name in ROWS.columns}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = run_folder(tmp_path, "digits", "ab12")
    write_manifest(folder, {"kind": "networks", "state": "finished", "files": {}})
    return folder


def test_a_run_without_measures_has_no_rows_of_them_but_all_columns(folder: Path) -> None:
    found = load(folder).measures
    assert list(found.columns) == [*ROWS.columns, "seconds"]
    assert len(found) == 0


def test_rows_are_sorted_over_shards_and_keep_their_seconds(folder: Path) -> None:
    write_shard(folder, "b", rows(["c2", "c0"], "trace", standard_error=0.25), {"seconds": [2.0, 0.5]}, schema=ROWS)
    picture = {"grid": [0.0, 1.0], "values": [3.0, float("inf")]}
    write_shard(folder, "a", rows(["c1", "c0"], "line", **picture), {"seconds": [1.0, 4.0]}, schema=ROWS)
    nothing = {"estimate": None, "status": "no_point", "message": "the run diverged", "evals": -1}
    write_shard(folder, "c", rows(["c1"], "trace", **nothing), {"seconds": [0.0]}, schema=ROWS)
    found = load(folder).measures
    keys = list(zip(found["cell_id"], found["measure"], found["seconds"], strict=True))
    assert keys == [
        ("c0", "line", 4.0),
        ("c0", "trace", 0.5),
        ("c1", "trace", 0.0),
        ("c1", "line", 1.0),
        ("c2", "trace", 2.0),
    ]
    assert found["estimate"].isna().tolist() == [False, False, True, False, False]
    assert found["standard_error"].isna().tolist() == [True, False, True, True, False]
    assert found["values"].iloc[0].tolist() == [3.0, float("inf")]
    assert len(verify(folder)) == 6


def test_a_record_without_seconds_of_each_row_is_refused(folder: Path) -> None:
    write_shard(folder, "a", rows(["c1", "c0"], "trace"), {"seconds": [1.0]}, schema=ROWS)
    with pytest.raises(DataError, match=r"a\.json must have seconds for each of 2 rows; got 1"):
        read_measures(folder)
