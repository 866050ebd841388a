"""The committed runs, planned anew: today's suites, plans and ids are those with which they were computed."""

from __future__ import annotations

from pathlib import Path

import jax
import pytest

from optbench import store
from optbench.analysis.networks.selection import choose
from optbench.records import Split
from optbench.runner import kinds, manifest
from optbench.suite.networks.plan import NetworkGroup
from optbench.suite.parse import parse
from optbench.suite.studies.plan import StudyGroup

RUNS = sorted((Path(__file__).parents[2] / "results" / "canonical").glob("*"))


@pytest.fixture(params=RUNS, ids=lambda path: path.name)
def run(request):
    return store.load(request.param)


@pytest.fixture
def kind(run):
    return kinds.planned(parse(run.manifest["suite"]["text"], source=run.path.name), run.manifest["selection"])


def test_run_ids_and_shards_are_the_stored_ones(run, kind, monkeypatch):
    monkeypatch.setattr(manifest, "__version__", run.manifest["version"])
    monkeypatch.setattr(jax, "default_backend", lambda: "cpu")
    assert kind.plan.spec.hash() == run.manifest["suite"]["hash"]
    assert manifest.identity(kind) == run.manifest["run_id"]
    assert [part.shard for part in kind.parts()] == run.manifest["shards"]
    part = "studies" if run.schema.name == "studies" else "optimizers"
    today = kind.manifest()[part]
    for name, stored in run.manifest[part].items():
        assert {key: today[name][key] for key in stored} == stored


def test_cell_ids_are_the_stored_ones(run, kind):
    rows = run.runs
    keys = ["study"] if run.schema.name == "studies" else [rows.columns[1], "optimizer"]
    stored = {labels: sorted(part["cell_id"]) for labels, part in rows.groupby(keys)}
    chosen = choose(rows[rows["split"] == "tune"]) if run.schema.name == "networks" else {}
    planned = {labels(group): sorted(ids(group, chosen.get(labels(group)))) for group in kind.plan.groups}
    assert planned == stored


def labels(group):
    """Returns the names by which a group's rows are told from those of others."""
    return (group.study.name,) if isinstance(group, StudyGroup) else group.labels


def ids(group, chosen):
    """Returns the ids of a group's cells, shard after shard."""
    if isinstance(group, StudyGroup):
        return [group.cell_id(replicate, cell) for replicate in range(group.seeds) for cell in group.cells]
    if not isinstance(group, NetworkGroup):
        return group.cell_ids()
    # Of a suite that tunes nothing, nothing is chosen.
    reported, tuned = group.cell_ids(Split.REPORT, group.reported(chosen)), group.cell_ids(Split.TUNE, group.tuned)
    return [*reported, *tuned]
