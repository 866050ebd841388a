"""Planned cells are the sum over statuses; what is missing is said."""

from __future__ import annotations

import pytest

from optbench.analysis import completeness
from optbench.errors import DataError

from .synthetic import make_runs


def test_planned_is_the_sum_of_statuses() -> None:
    runs, manifest = make_runs({"p1": "a"}, ["adam"], diverging=(2,))
    runs.loc[[0, 1, 2], "status"] = ["error", "timeout", "oom"]
    found = completeness(runs, manifest)
    assert found.complete
    assert sum(found.statuses.values()) == found.planned == len(runs)
    assert found.statuses == {"ok": 21, "diverged": 12, "error": 1, "timeout": 1, "oom": 1}
    assert found.describe() == "36 cells: 21 ok, 12 diverged, 1 error, 1 timeout, 1 oom"


def test_an_unfinished_run_is_said() -> None:
    runs, manifest = make_runs({"p1": "a"}, ["adam"])
    found = completeness(runs.iloc[:20], manifest)
    assert not found.complete
    assert found.describe() == "INCOMPLETE, 20 of 36 cells: 20 ok"


def test_more_rows_than_planned_or_an_unknown_status_is_refused() -> None:
    runs, manifest = make_runs({"p1": "a"}, ["adam"])
    with pytest.raises(DataError, match="at most the 35 planned cells"):
        completeness(runs, {**manifest, "n_cells": 35})
    runs.loc[0, "status"] = "lost"
    with pytest.raises(DataError, match="each of a known status"):
        completeness(runs, manifest)
