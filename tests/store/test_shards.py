"""Shards are written once, read back verified, and never half visible."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from optbench.errors import DataError
from optbench.records.landscapes import ROWS
from optbench.store import (
    committed,
    damaged,
    quarantine,
    read_picture,
    read_runs,
    run_folder,
    write_picture,
    write_shard,
)

from .rows import make_columns


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return run_folder(tmp_path, "quick", "ab12")


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(bytes(data))


def test_rows_come_back_as_written(folder: Path) -> None:
    columns = make_columns()
    record = write_shard(folder, "a", columns, {"run_s": 1.5}, schema=ROWS)
    assert committed(folder) == {"a": record}
    assert record["rows"] == 6
    assert record["run_s"] == 1.5
    frame = read_runs(folder, schema=ROWS)
    assert list(frame) == list(ROWS.columns)
    by_id = frame.set_index("cell_id")
    for k, cell in enumerate(columns["cell_id"]):
        row = by_id.loc[cell]
        assert row["status"] == columns["status"][k]
        np.testing.assert_array_equal(row["hits"], columns["hits"][k])
        if columns["curve_f"][k] is None:
            assert row["curve_f"] is None
        else:
            np.testing.assert_array_equal(row["curve_f"], columns["curve_f"][k])
    assert frame["config"].dtype == np.int32
    assert frame["is_default"].dtype == bool


def test_nan_is_stored_as_null(folder: Path) -> None:
    write_shard(folder, "a", make_columns(), schema=ROWS)
    table = pq.read_table(folder / "shards" / "a.parquet")
    assert table["start_distance"].null_count == 6
    assert table["f_best"].null_count == 1


def test_rows_are_ordered_whatever_the_order_of_shards(tmp_path: Path) -> None:
    groups = [("p2", "adam"), ("p1", "sgd"), ("p1", "adam")]
    frames = []
    for k, order in enumerate((groups, groups[::-1])):
        folder = run_folder(tmp_path, "quick", f"run{k}")
        for problem, optimizer in order:
            write_shard(folder, f"{order.index((problem, optimizer))}-x", make_columns(problem, optimizer), schema=ROWS)
        frames.append(read_runs(folder, schema=ROWS))
    pd.testing.assert_frame_equal(*frames)
    keys = frames[0][list(ROWS.order)]
    pd.testing.assert_frame_equal(keys, keys.sort_values(list(ROWS.order), ignore_index=True))


def test_bytes_depend_on_rows_alone(tmp_path: Path) -> None:
    shas = [
        write_shard(run_folder(tmp_path, "quick", str(k)), "a", make_columns(), {"run_s": float(k)}, schema=ROWS)[
            "sha256"
        ]
        for k in range(2)
    ]
    assert shas[0] == shas[1]


def test_a_shard_is_written_once(folder: Path) -> None:
    first = write_shard(folder, "a", make_columns(), {"run_s": 1.0}, schema=ROWS)
    assert write_shard(folder, "a", make_columns(), {"run_s": 2.0}, schema=ROWS) == first
    with pytest.raises(DataError, match="is committed with other rows; shards are written once"):
        write_shard(folder, "a", make_columns(seed=1), schema=ROWS)
    assert committed(folder)["a"] == first


def test_a_shard_without_record_is_invisible_and_overwritten(folder: Path) -> None:
    (folder / "shards" / "a.parquet").write_bytes(b"half")
    assert committed(folder) == {}
    assert read_runs(folder, schema=ROWS).empty
    write_shard(folder, "a", make_columns(), schema=ROWS)
    assert len(read_runs(folder, schema=ROWS)) == 6


def test_missing_and_unequal_columns_are_refused(folder: Path) -> None:
    columns = make_columns()
    with pytest.raises(ValueError, match=r"missing or unknown: \['hits'\]"):
        write_shard(folder, "a", {k: v for k, v in columns.items() if k != "hits"}, schema=ROWS)
    with pytest.raises(ValueError, match="columns differ in length"):
        write_shard(folder, "a", {**columns, "cost": np.zeros(2)}, schema=ROWS)
    assert committed(folder) == {}


def test_every_flipped_byte_is_detected_named_and_quarantined(folder: Path) -> None:
    write_shard(folder, "a", make_columns(), schema=ROWS)
    record = write_shard(folder, "b", make_columns("rosenbrock-2d"), schema=ROWS)
    path = folder / "shards" / "b.parquet"
    whole = path.read_bytes()
    for at in range(0, len(whole), 97):
        path.write_bytes(whole)
        flip(path, at)
        assert list(damaged(folder)) == ["b"]
    with pytest.raises(
        DataError, match=rf"(?s)damaged shards.*shards/b\.parquet: sha256 must be {record['sha256']}; got"
    ):
        read_runs(folder, schema=ROWS)
    assert list(quarantine(folder)) == ["b"]
    assert list(committed(folder)) == ["a"]
    assert sorted(p.name for p in (folder / "quarantine").iterdir()) == ["b.1.json", "b.1.parquet"]
    write_shard(folder, "b", make_columns("rosenbrock-2d"), schema=ROWS)
    assert len(read_runs(folder, schema=ROWS)) == 12
    assert damaged(folder) == {}


def test_page_checksums_catch_what_a_forged_record_hides(folder: Path) -> None:
    """The record's sum is made to fit the damaged file; the pages still tell."""
    import hashlib
    import json

    write_shard(folder, "a", make_columns(), schema=ROWS)
    path = folder / "shards" / "a.parquet"
    flip(path, 200)
    record = json.loads(path.with_suffix(".json").read_text())
    record["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(json.dumps(record))
    assert list(damaged(folder)) == ["a"]


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"rows": 1}', b"\xff{"])
def test_a_damaged_record_is_named_and_quarantined(folder: Path, content: bytes) -> None:
    write_shard(folder, "a", make_columns(), schema=ROWS)
    (folder / "shards" / "a.json").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.json is damaged: not a commit record"):
        read_runs(folder, schema=ROWS)
    assert quarantine(folder) == {"a": "no commit record"}
    assert committed(folder) == {}


def test_a_missing_or_linked_shard_is_damaged(folder: Path, tmp_path: Path) -> None:
    write_shard(folder, "a", make_columns(), schema=ROWS)
    path = folder / "shards" / "a.parquet"
    path.rename(tmp_path / "elsewhere.parquet")
    assert damaged(folder) == {"a": "missing, or not a plain file"}
    path.symlink_to(tmp_path / "elsewhere.parquet")
    assert damaged(folder) == {"a": "missing, or not a plain file"}


def test_a_second_quarantine_keeps_the_first(folder: Path) -> None:
    for _ in range(2):
        write_shard(folder, "a", make_columns(), schema=ROWS)
        flip(folder / "shards" / "a.parquet", 50)
        quarantine(folder)
    assert len(list((folder / "quarantine").iterdir())) == 4


def test_selected_columns_keep_the_order_of_rows(folder: Path) -> None:
    write_shard(folder, "a", make_columns(), schema=ROWS)
    frame = read_runs(folder, ["cell_id", "status"], schema=ROWS)
    assert list(frame) == ["cell_id", "status"]
    assert frame["cell_id"].tolist() == read_runs(folder, schema=ROWS)["cell_id"].tolist()


def test_pictures_come_back_and_damage_is_named(folder: Path) -> None:
    assert read_picture(folder, "contours") is None
    write_picture(folder, "contours", {"problem": ["a", "a"], "x": np.array([0.0, 1.0]), "f": np.array([2.0, 3.0])})
    frame = read_picture(folder, "contours")
    assert frame is not None
    assert frame["f"].tolist() == [2.0, 3.0]
    flip(folder / "pictures" / "contours.parquet", 6)
    with pytest.raises(DataError, match=r"contours\.parquet is damaged"):
        read_picture(folder, "contours")


def test_page_checksums_let_no_changed_value_through(folder: Path) -> None:
    """A flipped byte is detected, or lies where it changes no value (a statistic of a page header)."""
    write_shard(folder, "a", make_columns(), schema=ROWS)
    data = (folder / "shards" / "a.parquet").read_bytes()
    expected = pq.read_table(pa.BufferReader(data))
    detected = 0
    for at in range(10, 1000, 13):
        broken = bytearray(data)
        broken[at] ^= 1
        try:
            assert pq.read_table(pa.BufferReader(bytes(broken)), page_checksum_verification=True).equals(expected)
        except (OSError, pa.ArrowException):
            detected += 1
    assert detected > 50
