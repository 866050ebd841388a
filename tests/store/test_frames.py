"""Frames beside the rows come back as they were, or say that they are damaged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from optbench.errors import DataError
from optbench.store import file_sums, read_frame, write_frame


@pytest.fixture
def frame():
    return pd.DataFrame({
        "study": ["one", "two"],
        "gain": [0.125, np.nan],
        "n": [3, 4],
        "above": [True, False],
        "parts": [[1.0, 2.0], []],
        "empty": [np.nan, np.nan],
    })  # fmt: skip


def test_a_frame_comes_back_as_it_was(frame, tmp_path):
    write_frame(tmp_path, "ensembles", frame)
    found = read_frame(tmp_path, "ensembles")
    found["parts"] = found["parts"].map(list)
    assert_frame_equal(found, frame)
    assert read_frame(tmp_path, "another") is None


def test_its_bytes_depend_on_its_values_alone_and_are_summed(frame, tmp_path):
    for name in ("one", "two"):
        write_frame(tmp_path / name, "ensembles", frame)
    sums = file_sums(tmp_path / "one")
    assert list(sums) == ["frames/ensembles.parquet"]
    assert file_sums(tmp_path / "two") == sums
    write_frame(tmp_path / "two", "ensembles", frame.assign(gain=0.25))
    assert file_sums(tmp_path / "two") != sums


def test_a_damaged_frame_names_the_file(frame, tmp_path):
    write_frame(tmp_path, "ensembles", frame)
    path = tmp_path / "frames" / "ensembles.parquet"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match=r"ensembles\.parquet is damaged"):
        read_frame(tmp_path, "ensembles")
