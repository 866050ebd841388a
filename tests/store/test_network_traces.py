"""The curves of a run of networks in long form."""

from __future__ import annotations

import numpy as np
import pytest

from optbench.errors import DataError
from optbench.store.loaded import Run
from tests import networks


def run(rows, tmp_path) -> Run:
    """A loaded run whose rows have been read."""
    found = Run(tmp_path, networks.manifest())
    found.__dict__["runs"] = networks.frame(rows)
    return found


def test_every_point_of_every_curve_is_a_row(tmp_path):
    rows = [networks.row("digits-lenet", "sgd", 0, "report", seed) for seed in range(2)]
    rows.append(networks.row("digits-lenet", "sgd", 0, "report", 2, status="oom"))
    traces = run(rows, tmp_path).traces
    assert list(traces) == [
        *("cell_id", "grads", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "grad_norm")
    ]
    assert list(traces["cell_id"].unique()) == [rows[0]["cell_id"], rows[1]["cell_id"]]
    for row in rows[:2]:
        part = traces[traces["cell_id"] == row["cell_id"]]
        np.testing.assert_array_equal(part["grads"], row["curve_grads"])
        np.testing.assert_array_equal(part["validation_loss"], row["curve_validation_loss"])
        assert np.isnan(part["grad_norm"].iloc[0])


def test_a_run_without_rows_has_no_points(tmp_path):
    assert run([], tmp_path).traces.empty


def test_a_curve_that_was_cut_is_refused(tmp_path):
    row = networks.row("digits-lenet", "sgd", 0, "report", 0)
    n = len(row["curve_grads"])
    row["curve_train_loss"] = row["curve_train_loss"][:-1]
    with pytest.raises(
        DataError, match=f"curve_train_loss of digits-lenet, sgd, report, 0, 0 must have {n} points; got {n - 1}"
    ):
        _ = run([row], tmp_path).traces
