"""How far the losses of runs that were made again lie from the stored ones, and cells that a plan does not have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optbench.errors import DataError
from optbench.runner.kinds.again import check_cells, differences, notes_of

NAMES = ("loss", "curve")


def stored() -> pd.DataFrame:
    curves = [np.array([2.0, 1.0], np.float32), np.array([2.0, np.inf], np.float32), np.array([], np.float32)]
    return pd.DataFrame({"cell_id": ["a", "b", "c"], "loss": [1.0, np.nan, 0.25], "curve": curves})


def again(**columns: list) -> dict[str, list]:
    rows = stored().to_dict("list")
    return {**rows, "loss": [1.0, None, 0.25], **columns}


def test_what_is_the_same_to_the_bit_has_no_difference_and_null_is_no_number_in_both():
    assert differences(stored(), again(), NAMES) == {}


def test_the_largest_difference_of_each_column_is_told_by_cell():
    found = differences(stored(), again(loss=[1.5, None, 0.25], curve=[[2.0, 1.25], [2.25, np.inf], []]), NAMES)
    assert found == {"a": {"loss": 0.5, "curve": 0.25}, "b": {"curve": 0.25}}


def test_a_number_against_none_and_another_length_are_infinitely_far():
    found = differences(stored(), again(loss=[None, None, 0.25], curve=[[2.0, 1.0], [2.0, 1.0], [1.0]]), NAMES)
    assert found == {"a": {"loss": np.inf}, "b": {"curve": np.inf}, "c": {"curve": np.inf}}


def test_cells_may_be_some_of_those_that_are_stored():
    assert differences(stored(), {"cell_id": ["c"], "loss": [0.5], "curve": [[]]}, NAMES) == {"c": {"loss": 0.25}}


def test_notes_are_for_json_and_the_worst_is_said(caplog):
    assert notes_of({}) == {}
    assert not caplog.records
    assert notes_of({"a": {"loss": 0.5}, "b": {"curve": np.inf}}) == {
        "a": {"differs": {"loss": 0.5}},
        "b": {"differs": {"curve": "inf"}},
    }
    assert "2 runs that were made again have other losses than those that are stored, by at most inf" in caplog.text


def test_cells_of_another_version_are_refused():
    check_cells([{"cell_id": "a"}], {"a", "b"}, Path("run"))
    with pytest.raises(DataError, match="run: this build plans other cells than those that are stored, c for one"):
        check_cells([{"cell_id": "a"}, {"cell_id": "c"}], {"a", "b"}, Path("run"))
