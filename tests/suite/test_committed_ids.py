"""Ids of the committed runs and of their cells are those that the same suites have today: nothing is computed anew."""

from __future__ import annotations

from pathlib import Path

import jax
import pytest

import optbench
from optbench.records import Split
from optbench.runner import landscapes, networks
from optbench.store import load
from optbench.suite.network_plan import plan_networks
from optbench.suite.parse import parse
from optbench.suite.plan import plan

RUNS = sorted((Path(__file__).parents[2] / "results" / "canonical").glob("*"))
OF_FUNCTIONS = [path for path in RUNS if "kind" not in load(path).manifest]
OF_NETWORKS = [path for path in RUNS if path not in OF_FUNCTIONS]


def suite_of(run):
    return parse(run.manifest["suite"]["text"], source="manifest")


def check_run_id(run, found):
    """The id of a run hashes the package's version and the backend as well."""
    if (run.manifest["version"], run.manifest["machine"]["platform"]) == (optbench.__version__, jax.default_backend()):
        assert found == run.manifest["run_id"]


@pytest.mark.parametrize("path", OF_FUNCTIONS, ids=lambda path: path.name)
def test_ids_of_functions_are_those_of_old(path):
    run = load(path)
    planned = plan(suite_of(run))
    cells = [cell for group in planned.groups for cell in group.cell_ids()]
    assert sorted(cells) == sorted(run.runs["cell_id"])
    check_run_id(run, landscapes.identity(planned))


@pytest.mark.parametrize("path", OF_NETWORKS, ids=lambda path: path.name)
def test_ids_of_networks_are_those_of_old(path):
    run = load(path)
    planned = plan_networks(suite_of(run), tasks=[*run.manifest["tasks"]])
    groups = {group.labels: group for group in planned.groups}
    for (task, optimizer, split), rows in run.runs.groupby(["task", "optimizer", "split"]):
        cells = list(zip(rows["config"], rows["seed"], strict=True))
        assert groups[task, optimizer].cell_ids(Split(split), cells) == rows["cell_id"].tolist()
    check_run_id(run, networks.identity(planned))
