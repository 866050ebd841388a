"""``optbench verify``: runs of every kind come out again, and a row that was forged with all its sums does not."""

from __future__ import annotations

import json
import shutil

import pytest
from click.testing import CliRunner

import optbench as ob
from optbench import environment, store
from optbench.cli import cli
from tests.e2e.test_measures import FUNCTIONS, NETWORKS, suite
from tests.forged import edit, rewrite
from tests.runner.studies import NET

STUDIES = f"""
name = "studies"
version = 1
question = "q"
seeds = 2
{{measures}}
[[studies]]
name = "cv"
method = "cross_validation"
{NET}folds = 2
grid = {{{{ lr = [1e-3, 1e-2] }}}}

[[studies]]
name = "poly"
method = "regression"
truth = [0.0, 1.0]
noise = 0.5
n_train = 12
factor = {{{{ degree = [1, 2] }}}}
members = 3
"""
TEXTS = {"functions": FUNCTIONS, "networks": NETWORKS, "studies": STUDIES}
#: A number that each run led to, and how many rows are computed for the two that are drawn of it.
LED_TO = {"functions": "f_last", "networks": "test_loss", "studies": "train_loss"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    made = {}
    for kind, text in TEXTS.items():
        folder = tmp_path_factory.mktemp(kind)
        path = folder / "suite.toml"
        path.write_text(text.format(measures="") if kind == "studies" else suite(folder, text, []).read_text())
        made[kind] = ob.run(path, out=folder / "results").path
    return made


@pytest.fixture(params=TEXTS)
def kind(request):
    return request.param


@pytest.fixture
def run(finished, kind, tmp_path):
    return shutil.copytree(finished[kind], tmp_path / "run")


def verify(*words, code=0):
    done = CliRunner(env={"COLUMNS": "200"}).invoke(cli, ["verify", *map(str, words)])
    assert done.exit_code == code, done.output
    return done.stdout


def facts(*words, code=0):
    said = json.loads(verify(*words, "--json", code=code))
    assert said["holds"] is (code == 0)
    return {check["level"]: check for check in said["checks"]}


def test_rows_come_out_to_the_bit_and_nothing_is_written(run):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    found = facts(run, "--rerun", 4)
    assert {level: check["verdict"] for level, check in found.items()} == {
        "files": "passed",
        "rows": "passed",
        "rendering": "not applicable",
        "identity": "passed",
        "rerun": "passed",
    }
    assert found["rerun"]["environment_differs"] == []
    assert (len(found["rerun"]["rows"]), found["rerun"]["to_the_bit"]) == (4, 4)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def forge(run, column, change):
    """Changes a number of the first row that ended well, with all sums; returns its cell."""
    stored = store.load(run)
    row = stored.runs[(stored.runs["status"] == "ok") & stored.runs[column].notna()].iloc[0]
    cell = row["cell_id"]
    (shard,) = [
        name
        for name in store.committed(run)
        if cell in set(store.read_shards(run, [name], ["cell_id"], schema=stored.schema)["cell_id"])
    ]
    rewrite(run, shard, lambda rows: [{**r, column: change(r[column])} if r["cell_id"] == cell else r for r in rows])
    return cell


def test_a_forged_number_passes_all_sums_and_is_found_when_its_row_is_computed_again(run, kind):
    cell = forge(run, LED_TO[kind], lambda value: value * (1 + 1e-12))
    assert "files      passed" in verify(run)
    found = facts(run, "--row", cell, code=5)["rerun"]
    (fault,) = found["faults"]
    assert fault["file"].endswith(f"cell {cell}: {LED_TO[kind]}")
    ((row),) = found["rows"]
    assert (row["cell_id"], row["to_the_bit"], list(row["differs"])) == (cell, False, [LED_TO[kind]])
    said = verify(run, "--row", cell, code=5)
    assert f"row {cell} (" in said
    assert "This does not hold: rerun. This was checked and holds: files, rows, identity." in said


def test_elsewhere_rows_are_compared_within_tolerance_and_that_is_said(run, kind):
    machine = store.read_manifest(run)["machine"]
    edit(run, machine={**machine, "cpu": "another"})
    cell = forge(run, LED_TO[kind], lambda value: value * (1 + 1e-9))
    found = facts(run, "--row", cell)["rerun"]
    assert found["environment_differs"] == [f"cpu another, here {environment.machine()['cpu']}"]
    assert (found["to_the_bit"], found["rows"][0]["agrees"]) == (0, True)
    assert "0 the same to the bit, the others compared within tolerance" in found["said"]


def test_what_is_asked_for_wrongly_is_said_at_once(run):
    done = CliRunner().invoke(cli, ["verify", str(run), "--row", "zzz"])
    assert done.exit_code == 2
    assert "the run has no cell 'zzz'" in done.stderr
    assert CliRunner().invoke(cli, ["verify", "nowhere"]).exit_code == 2


def test_levels_that_stand_on_one_that_fails_are_not_checked(run):
    path = next((run / "shards").glob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-1])
    found = facts(run, "--rerun", 1, code=5)
    assert [check["verdict"] for check in found.values()] == ["failed", *["not checked"] * 4]
    said = verify(run, code=5)
    assert f"files: shards/{path.name}: must be sha256 " in said
    assert said.endswith("This does not hold: files. Not checked: rows, rendering, identity, rerun.\n")


def test_a_row_under_a_hostile_name_obeys_no_terminal(run):
    manifest = store.read_manifest(run)
    edit(run, suite={**manifest["suite"], "name": "\x1b]0;owned\x07"})
    assert "\x1b" not in verify(run, code=5)
