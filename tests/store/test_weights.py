"""Points that are kept beside rows: whole or not at all, verified, without pickles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from optbench.errors import DataError
from optbench.store import file_sums, read_weights, run_folder, verify, write_manifest, write_weights

ARRAYS = {"a/evals": np.array(10), "a/00000": np.arange(6.0, dtype=np.float32).reshape(2, 3)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return run_folder(tmp_path, "digits", "ab12")


def test_arrays_come_back_as_they_were_and_equal_ones_are_equal_files(folder: Path) -> None:
    assert read_weights(folder, "shard") == {}
    write_weights(folder, "shard", ARRAYS)
    found = read_weights(folder, "shard")
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)
    before = (folder / "weights" / "shard.npz").read_bytes()
    write_weights(folder, "shard", ARRAYS)
    assert (folder / "weights" / "shard.npz").read_bytes() == before


def test_a_file_without_its_record_is_what_a_killed_process_left(folder: Path) -> None:
    write_weights(folder, "shard", ARRAYS)
    (folder / "weights" / "shard.json").unlink()
    assert read_weights(folder, "shard") == {}


def test_damaged_files_are_refused_and_verified_with_the_run(folder: Path) -> None:
    write_weights(folder, "shard", ARRAYS)
    write_manifest(folder, {"state": "finished", "files": file_sums(folder)})
    assert verify(folder) == []
    path = folder / "weights" / "shard.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(DataError, match=r"weights/shard\.npz is damaged: sha256 must be"):
        read_weights(folder, "shard")
    assert [line.partition(":")[0] for line in verify(folder)] == ["weights/shard.npz"]
    path.with_suffix(".json").write_text("{}")
    with pytest.raises(DataError, match=r"weights/shard\.npz is damaged"):
        read_weights(folder, "shard")


def test_objects_are_neither_written_nor_read(folder: Path) -> None:
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        write_weights(folder, "shard", {"a": np.array([{}], dtype=object)})
    assert read_weights(folder, "shard") == {}
