"""Entries whose paths coincide are found from rows and stand once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from optbench.analysis.landscapes.coincide import coinciding, joint_name
from optbench.analysis.landscapes.evidence import arrange
from optbench.analysis.landscapes.summarize import analyze
from tests.analysis.synthetic import make_runs

PROBLEMS = {"p1-2d": "a", "p2-2d": "b", "p3-2d": "c"}


def twins(**change: object) -> tuple[pd.DataFrame, dict]:
    """Rows in which adamw copies adam, with one row changed; sgd has a path of its own."""
    runs, manifest = make_runs(PROBLEMS, ["adam", "sgd"], n_configs=3)
    copy = runs[runs["optimizer"] == "adam"].assign(optimizer="adamw")
    copy["cell_id"] = "w" + copy["cell_id"]
    for column, value in change.items():
        copy[column] = copy[column].where(copy["cell_id"] != "wp2-2d|adam|1|report|3", value)
    runs = pd.concat([runs, copy], ignore_index=True)
    return runs, {**manifest, "n_cells": len(runs)}


def groups(runs: pd.DataFrame, manifest: dict, setting: str = "tuned") -> list[tuple[str, ...]]:
    return coinciding(arrange(runs, manifest), ["sgd", "adamw", "adam"], sorted(PROBLEMS), setting)


@pytest.mark.parametrize("setting", ["default", "one_for_all", "tuned"])
def test_equal_rows_are_one_entry(setting: str) -> None:
    assert groups(*twins(), setting) == [("adam", "adamw"), ("sgd",)]
    assert joint_name(("adam", "adamw")) == "adam = adamw"


def test_one_last_bit_in_one_row_keeps_entries_apart() -> None:
    runs, manifest = twins()
    row = runs["cell_id"] == "wp2-2d|adam|1|report|3"
    value = float(runs.loc[row, "f_best"].iloc[0])
    runs, manifest = twins(f_best=float(np.nextafter(value, 10)))
    assert groups(runs, manifest) == [("adam",), ("adamw",), ("sgd",)]


def test_one_hit_one_step_later_keeps_entries_apart() -> None:
    runs, manifest = twins()
    (row,) = np.flatnonzero(runs["cell_id"] == "wp2-2d|adam|1|report|3")
    hits = runs["settled"].iloc[row].copy()
    hits[np.flatnonzero(hits > 0)[0]] += 1
    runs.at[row, "settled"] = hits
    assert groups(runs, manifest) == [("adam",), ("adamw",), ("sgd",)]
    # Configuration 1 is not the default, which still coincides.
    assert groups(runs, manifest, "default") == [("adam", "adamw"), ("sgd",)]


def test_other_values_of_the_swept_hyperparameter_keep_entries_apart() -> None:
    runs, manifest = twins()
    mine = runs["optimizer"] == "adamw"
    runs.loc[mine, "swept_value"] *= 10
    assert groups(runs, manifest) == [("adam",), ("adamw",), ("sgd",)]


def test_failing_alike_is_not_coinciding() -> None:
    runs, manifest = make_runs(PROBLEMS, ["adam", "adamw", "sgd"], diverging=(0, 1, 2))
    nothing = [np.where(h == 0, 0, -1).astype(np.int32) for h in runs["hits"]]
    runs = runs.assign(f_best=runs["f_start"], f_last=runs["f_start"], hits=nothing, settled=nothing)
    assert groups(runs, manifest) == [("adam",), ("adamw",), ("sgd",)]


def test_the_ranking_shows_coinciding_entries_once_under_a_joint_name() -> None:
    runs, manifest = twins()
    frame = analyze(runs, manifest, replicates=200).ranking
    for _, part in frame.groupby("setting"):
        assert sorted(part["optimizer"]) == ["adam = adamw", "sgd"]
        assert part["rank_high"].max() <= 2
