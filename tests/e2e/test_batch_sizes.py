"""A run with several batch sizes beside a function without batches: costs are costs everywhere."""

from __future__ import annotations

import numpy as np
import pytest

import optbench as ob
from optbench.report import figures, tables

SUITE = """
name = "tiny"
version = 1
question = "Do costs of several batch sizes stand side by side?"
budget = 6
starts = { tune = 2, report = 6 }
grid = { lr = { low = 1e-2, high = 1e0, points = 3 } }
optimizers = [{ name = "sgd" }, { name = "adam" }]
problems = [
  { name = "sphere", dim = 10, instance = 1 },
  { name = "least_squares", dim = 10, instance = 1, noise = { kind = "batch", level = [1.0, 8.0, 256.0] } },
]
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("batches")
    (folder / "tiny.toml").write_text(SUITE)
    return ob.run(str(folder / "tiny.toml"), out=folder)


def test_traces_tell_costs_up_to_the_budget(run):
    """Of a problem's curves the points are those of its steps, each at the cost of a step."""
    rows = run.runs.set_index("cell_id")
    costs = {}
    for cell, trace in run.traces.groupby("cell_id"):
        row, share = rows.loc[cell], run.manifest["problems"][rows.loc[cell, "problem"]]["trip_cost"]
        np.testing.assert_array_equal(trace["f"], row["curve_f"])
        assert trace["f"].iloc[0] == row["f_start"]
        costs.setdefault(share, set()).add((trace["cost"].iloc[1], trace["cost"].max()))
    assert costs == {
        1.0: {(1.0, 6.0)},
        8 / 256: {(8 / 256, 158 * 8 / 256)},
        1 / 256: {(1 / 256, 1259 / 256)},
    }
    assert set(rows["cost"]) == {6.0}


def test_tables_and_figures_have_the_same_clock(run, tmp_path):
    assert "Costs on finite sums in batches are sample gradients" in " ".join(tables.render(run).split())
    names = {path.name for path in figures.draw(run, None, "svg", tmp_path)}
    assert {"convergence.svg", "sensitivity.svg", "best_of_k.svg"} <= names
