"""The manifest is strict JSON, replaced in one step, and of a known schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optbench import __version__
from optbench.errors import DataError
from optbench.records.landscapes import ROWS
from optbench.records.schema import SCHEMA_VERSION
from optbench.store import file_sums, read_manifest, run_folder, stopped_copy, verify, write_manifest, write_shard

from .rows import make_columns


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return run_folder(tmp_path, "quick", "ab12")


def test_a_manifest_comes_back(folder: Path) -> None:
    write_manifest(folder, {"state": "running", "names": ["é"]})
    write_manifest(folder, {"state": "finished", "names": ["é"]})
    assert read_manifest(folder) == {
        "schema_version": SCHEMA_VERSION,
        "version": __version__,
        "state": "finished",
        "names": ["é"],
    }


def test_nan_is_refused_not_written(folder: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_manifest(folder, {"x": float("nan")})
    assert not (folder / "manifest.json").exists()


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no run: manifest\.json is missing"):
        read_manifest(tmp_path)


def test_a_torn_manifest_is_named(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"schema_ver')
    with pytest.raises(DataError, match=r"manifest\.json is damaged"):
        read_manifest(folder)


def test_a_newer_schema_says_who_made_it(folder: Path) -> None:
    (folder / "manifest.json").write_text(json.dumps({"schema_version": 7, "version": "2.3"}))
    with pytest.raises(
        DataError,
        match=rf"made by optbench 2\.3 \(schema 7\), this is {__version__} \(schema {SCHEMA_VERSION}\): upgrade",
    ):
        read_manifest(folder)


@pytest.mark.parametrize("content", ["[]", "{}", '{"schema_version": true}', '{"schema_version": 0}'])
def test_a_foreign_manifest_is_refused(folder: Path, content: str) -> None:
    (folder / "manifest.json").write_text(content)
    with pytest.raises(DataError, match="run the suite again"):
        read_manifest(folder)


def test_verify_names_every_difference(folder: Path) -> None:
    for name in "abc":
        write_shard(folder, name, make_columns(optimizer=name), schema=ROWS)
    write_manifest(folder, {"files": file_sums(folder)})
    assert verify(folder) == []
    (folder / "tables").mkdir()
    (folder / "tables" / "x.json").write_text("{}")
    assert verify(folder) == []
    (folder / "shards" / "a.parquet").unlink()
    (folder / "shards" / "b.parquet").write_bytes(b"x")
    write_shard(folder, "d", make_columns(optimizer="d"), schema=ROWS)
    problems = verify(folder)
    assert [p.split(":")[0] for p in problems] == [
        "shards/a.parquet",
        "shards/b.parquet",
        "shards/d.json",
        "shards/d.parquet",
    ]
    assert "sha256 must be" in problems[1]


def test_the_newest_stopped_copy_goes_on(tmp_path: Path) -> None:
    assert stopped_copy(tmp_path, "quick", "ab12") is None
    for name, state in (("ab12", "running"), ("ab12-2", "running"), ("ab12-10", "running"), ("ab12-11", "finished")):
        (tmp_path / "quick" / name).mkdir(parents=True)
        write_manifest(tmp_path / "quick" / name, {"state": state})
    (tmp_path / "quick" / "ab12-notes").mkdir()
    assert stopped_copy(tmp_path, "quick", "ab12") == "ab12-10"
