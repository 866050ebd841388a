"""Rows of measures beside their runs, and what they amount to over seeds and starts."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from optbench.analysis.landscapes import measured as functions
from optbench.analysis.measures.measured import at_ends
from optbench.analysis.measures.summary import sharpness
from optbench.analysis.networks import measured as nets
from optbench.analysis.statistics.intervals import median_interval, signed_median_interval
from optbench.errors import DataError
from optbench.records.measures import ROWS
from tests import measured, networks

TASK = "digits-lenet"


@pytest.fixture(scope="module")
def run():
    return measured.network_run(networks.synthetic(7, tasks=(TASK, "digits-mlp"), optimizers=("sgd", "adam")))


def table(run):
    rows = nets.measured(run.runs, run.measures, run.manifest)
    return sharpness(rows, nets.configurations(run.runs, run.measures, run.manifest), "task")


def test_each_measure_stands_beside_its_run(run):
    found = nets.measured(run.runs, run.measures, run.manifest)
    assert len(found) == len(run.measures)
    runs = run.runs.set_index("cell_id")
    for row in found.sample(20, random_state=1).to_dict("records"):
        own = runs.loc[row["cell_id"]]
        assert (row["task"], row["optimizer"], row["config"]) == (own["task"], own["optimizer"], own["config"])
        assert row["unit"] == own["seed"]
        assert row["batch"] == networks.BATCH
        if own["status"] == "ok":
            assert row["loss"] == own["train_loss"]
            assert row["gap"] == pytest.approx(own["train_accuracy"] - own["test_accuracy"])
    assert set(found.loc[found["measure"] == "top", "title"]) == {"top eigenvalue"}
    assert not found.loc[found["measure"] == "top", "is_invariant"].any()
    assert found.loc[found["measure"] == "asam", "is_invariant"].all()


def test_a_measure_that_the_manifest_does_not_know_keeps_its_label():
    run = measured.network_run(measures={})
    found = nets.measured(run.runs, run.measures, run.manifest)
    row = found[found["measure"] == "keskar"].iloc[0]
    assert (row["name"], row["title"], row["units"], row["is_invariant"]) == ("keskar", "keskar", "", False)


def test_a_measure_of_no_run_is_refused(run):
    strange = run.measures.assign(cell_id="0" * 16)
    with pytest.raises(DataError, match="every measure must be of a cell that has a row; 1 are not, such as 0000"):
        nets.measured(run.runs, strange, run.manifest)


def test_medians_intervals_and_errors_are_those_of_the_runs(run):
    row = (
        table(run).set_index(["task", "optimizer", "settings", "measure"]).loc[TASK, "adam", "default, tuned", "trace"]
    )
    runs = run.runs
    cells = runs[(runs["task"] == TASK) & (runs["optimizer"] == "adam") & (runs["split"] == "report")]["cell_id"]
    values = run.measures[(run.measures["measure"] == "trace") & run.measures["cell_id"].isin(cells)]
    assert row["estimate"] == np.median(values["estimate"])
    assert (row["low"], row["high"]) == median_interval(values["estimate"].to_numpy())
    assert row["standard_error"] == np.median(values["standard_error"])
    assert (row["n_units"], row["n_runs"], row["n_numbers"], row["no_point"]) == (7, 7, 7, 0)


def test_what_has_no_number_is_counted_and_enters_no_median(run):
    rows = table(run).set_index(["task", "optimizer", "measure"])
    lost = rows.loc["digits-mlp", "adam", "top"]
    assert (lost["n_runs"], lost["n_numbers"], lost["no_point"]) == (7, 6, 1)
    assert np.isfinite([lost["estimate"], lost["low"], lost["high"]]).all()
    none = rows.loc[TASK, "sgd", "preconditioned"].iloc[0]
    assert (none["n_numbers"], none["not_applicable"]) == (0, 7)
    assert np.isnan([none["estimate"], none["low"], none["loss"]]).all()


def test_a_number_beside_another_status_is_none(run):
    broken = run.measures.assign(status="error", message="no")
    assert nets.measured(run.runs, broken, run.manifest)["estimate"].isna().all()


def test_below_six_seeds_a_median_has_no_interval():
    few = measured.network_run(networks.synthetic(5, tasks=(TASK,), optimizers=("adam",)))
    row = table(few).set_index("measure").loc["top"]
    assert np.isfinite(row["estimate"])
    assert np.isnan([row["low"], row["high"]]).all()


def test_points_along_the_path_and_pairs_are_no_ends(run):
    found = nets.measured(run.runs, run.measures, run.manifest)
    path = found.assign(point="snapshot")
    pair = found.assign(other_cell_id="0")
    last = found.assign(point="last", estimate=-1.0)
    alone = found.assign(status="not_applicable", settings='{"name":"interpolation","other":"optimizer=adam"}')
    assert at_ends(pd.concat([found, path, pair, alone, last])).shape[0] == len(found)
    assert at_ends(pd.concat([path, last]))["point"].unique().tolist() == ["last"]


def test_losses_along_the_path_are_those_of_the_curve():
    row = networks.row(TASK, "sgd", 0, "report", 0)
    grads = row["curve_grads"]
    assert nets.loss_at(row, "judged", -1) == row["train_loss"]
    assert nets.loss_at(row, "last", int(grads[-1])) == row["curve_train_loss"][-1]
    assert nets.loss_at(row, "snapshot", int(grads[3])) == row["curve_train_loss"][3]
    assert np.isnan(nets.loss_at(row, "snapshot", 10**6))
    assert np.isnan(nets.loss_at(networks.row(TASK, "sgd", 0, "report", 0, status="error"), "last", 140))


FUNCTION = {
    "f_star": 1.0, "f_scale": 10.0, "f_solved": 1.0, "dim": 2, "family": "sphere", "tags": [],
    "noise": {"kind": "batch", "level": 8},
}  # fmt: skip


def test_of_a_function_noise_seeds_of_a_start_are_one_unit_and_the_loss_is_the_gap():
    manifest = {"problems": {"sphere-2d": FUNCTION}, "budget": 100, "measures": measured.MEASURES}
    runs = pd.DataFrame([
        {"cell_id": f"{start:x}{noise:x}", "problem": "sphere-2d", "optimizer": "sgd", "config": config, "swept": "lr",
         "swept_value": 0.1, "is_default": config == 0, "split": "report", "start": start, "noise_seed": noise,
         "status": "ok", "f_last": 1.0 + start}
        for config in (0,) for start in range(8) for noise in range(3)
    ])  # fmt: skip
    rows = pd.DataFrame([
        measured.measure_of(run, "top", measured.MEASURES["top"], "last") | {"estimate": float(k)}
        for k, (_, run) in enumerate(runs.iterrows())
    ], columns=list(ROWS.columns))  # fmt: skip
    found = functions.measured(runs, rows, manifest)
    assert found["loss"].tolist() == pytest.approx([start / 10 for start in range(8) for _ in range(3)])
    assert found["batch"].unique().tolist() == [8.0]
    summary = pd.DataFrame([{
        "setting": setting, "problem": "sphere-2d", "optimizer": "sgd", "config": 0, "at_edge": False, "diverged": 0,
        "failed": 0,
    } for setting in ("default", "tuned")])  # fmt: skip
    row = sharpness(found, functions.configurations(found, summary), "problem").iloc[0]
    # The median of three consecutive numbers is the middle one: 1, 4, ..., 22.
    middles = np.arange(1.0, 24.0, 3.0)
    assert (row["settings"], row["n_runs"], row["n_units"]) == ("default, tuned", 24, 8)
    assert row["estimate"] == np.median(middles)
    assert (row["low"], row["high"]) == median_interval(middles)


def test_settings_name_the_measure_where_the_manifest_is_silent():
    rows = measured.rows_of(networks.synthetic(1, tasks=(TASK,), optimizers=("adam",)))
    assert json.loads(rows["settings"].iloc[0])["name"] == "hessian_top"


def test_the_interval_of_a_median_of_any_sign():
    values = np.array([0.2, 0.5, 1.0, 3.0, 9.0, 11.0, 40.0])
    assert signed_median_interval(values) == median_interval(values)
    low, high = signed_median_interval(-values)
    assert (-high, -low) == median_interval(values)
    assert signed_median_interval(values[:5]) == (-np.inf, np.inf)


@pytest.mark.parametrize("center", [0.0, 3.0])
@pytest.mark.parametrize("n", [6, 10, 17])
def test_it_covers_the_median_in_simulation(n, center):
    rng = np.random.Generator(np.random.Philox(5))
    samples = center + rng.standard_normal((4000, n))
    ends = [signed_median_interval(sample) for sample in samples]
    assert np.mean([low <= center <= high for low, high in ends]) >= 0.94
