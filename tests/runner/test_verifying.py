"""Who a run is, which rows are drawn, where it was made, and how closely a row must come out again."""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd
import pytest

from optbench import environment, store
from optbench.core.keys import digest
from optbench.errors import UsageError
from optbench.runner.kinds.landscapes.kind import COMPARED
from optbench.runner.verifying import check_identity, draw, replanned, surroundings
from optbench.runner.verifying.agreement import deviations, unequal
from optbench.runner.verifying.planning import own_names
from optbench.store import Verdict
from tests.forged import IMAGES, QUICK, copied, edit, rewrite, shard_of


@pytest.fixture
def folder(tmp_path):
    return copied(IMAGES, tmp_path)


def identity(folder, **options):
    run = store.load(folder)
    return check_identity(run, replanned(run, **options))


def faults(folder):
    found = identity(folder)
    assert found.verdict is (Verdict.FAILED if found.faults else Verdict.PASSED)
    return [(fault.file, fault.expected, fault.found) for fault in found.faults]


def manifest_of(folder):
    return json.loads((folder / "manifest.json").read_text())


@pytest.mark.parametrize("run", [IMAGES, QUICK], ids=lambda path: path.name)
def test_canonical_runs_are_who_they_say(run):
    assert faults(run) == []


def test_a_suite_that_was_changed_with_its_hash_is_not_the_one_of_the_run(folder):
    suite = manifest_of(folder)["suite"]
    text = suite["text"].replace("epochs = 10", "epochs = 11")
    assert text != suite["text"]
    edit(folder, suite={**suite, "text": text})
    assert "manifest.json: suite.text" in {file for file, _, _ in faults(folder)}
    edit(folder, suite={**suite, "text": text, "source_sha256": digest(text, size=32)})
    named = {file for file, _, _ in faults(folder)}
    assert {"manifest.json: suite.hash", "manifest.json: run_id"} <= named
    assert sum(file.startswith("shards/") for file in named) == 8


def test_code_that_plans_other_cells_of_the_same_suite_is_no_fault_of_the_run(folder, monkeypatch):
    planned = replanned(store.load(folder))
    monkeypatch.setattr(planned, "expected_ids", lambda shard, path: ["other"])
    found = check_identity(store.load(folder), planned)
    assert found.verdict is Verdict.NOT_APPLICABLE
    assert found.said.startswith("the code of this build plans other cells")
    edit(folder, code_sha256=environment.code_sha256())
    found = check_identity(store.load(folder), planned)
    assert sum(fault.file.startswith("shards/") for fault in found.faults) == 8


def test_another_name_another_shard_and_another_cell_are_named(folder):
    edit(folder, run_id="0123456789ab", shards=[*manifest_of(folder)["shards"][1:], "more"])
    name = shard_of(folder)
    rewrite(folder, name, lambda rows: [{**rows[0], "cell_id": "0" * 16}, *rows[1:]])
    found = faults(folder)
    assert ("manifest.json: run_id", IMAGES.name.rpartition("-")[2], "0123456789ab") in found
    assert ("manifest.json: shards", "shards that the suite plans", "more") in found
    lost = manifest_of(IMAGES)["shards"][0]
    assert ("manifest.json: shards", f"the shard {lost}, which the suite plans", "not there") in found
    cells = [(file, said) for file, _, said in found if file.startswith("shards/")]
    assert cells == [(f"shards/{name}.parquet", f"1 of them missing, 1 others, such as {'0' * 16}")]


def test_a_report_of_a_configuration_that_tuning_did_not_choose_is_found(folder):
    """Losses of tuning are exchanged, so that another rate would have been chosen."""
    name = shard_of(folder, "tune")

    def worse(rows):
        best = max(rows, key=lambda row: row["validation_accuracy"])
        return [{**row, "validation_accuracy": 0.0} if row["config"] == best["config"] else row for row in rows]

    rewrite(folder, name, worse)
    report = shard_of(folder, name.partition("--tune")[0] + "--report")
    assert [file for file, _, _ in faults(folder)] == [f"shards/{report}.parquet"]


def test_of_another_version_only_the_text_is_checked(folder):
    edit(folder, version="0.0.9", run_id="0123456789ab")
    found = identity(folder)
    assert found.verdict is Verdict.PASSED
    assert "planned by optbench 0.0.9" in found.said
    edit(folder, suite={**manifest_of(folder)["suite"], "source_sha256": "0"})
    assert [file for file, _, _ in faults(folder)] == ["manifest.json: suite.text"]


def test_a_suite_or_a_selection_that_cannot_be_planned_is_a_fault_and_no_traceback(folder):
    edit(folder, selection={"optimizers": ["adam"], "shell": "rm"})
    ((_, _, found),) = faults(folder)
    assert "no selection by shell" in found
    suite = manifest_of(folder)["suite"]
    edit(folder, selection={}, suite={**suite, "text": "name ="})
    assert any("is not TOML" in found for _, _, found in faults(folder))


def test_code_of_one_s_own_is_imported_only_where_that_is_asked_for(folder, tmp_path, monkeypatch):
    (tmp_path / "evil_lab.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    suite = manifest_of(folder)["suite"]
    text = suite["text"].replace('"adam+cosine"', '"evil_lab:adam"')
    assert text != suite["text"]
    edit(folder, suite={**suite, "text": text, "source_sha256": digest(text, size=32)})
    found = identity(folder)
    assert found.verdict is Verdict.NOT_CHECKED
    assert found.said.startswith("the suite names evil_lab:adam, code of your own")
    assert "evil_lab" not in sys.modules
    with pytest.raises(SystemExit, match="imported"):
        identity(folder, own_code=True)


def test_names_of_one_s_own_are_found_wherever_a_suite_has_them():
    suite = 'question = "a:b"\n[[optimizers]]\nname = "lab.rules:adam+cosine"\n[[problems]]\nname = "cutest:ROSENBR"\n'
    selection = {"problems": ["mine:bowl[dim=2]"], "optimizers": None}
    assert own_names({"suite": {"text": suite}, "selection": selection}) == ["lab.rules:adam", "mine:bowl"]


def test_the_draw_is_of_rows_that_ended_and_hangs_on_its_seed_alone(folder):
    run = store.load(folder)
    one = draw(run, 5, seed=0)
    cells = sorted(cell for some in one.values() for cell in some)
    assert len(cells) == 5
    assert draw(run, 5, seed=0) == one != draw(run, 5, seed=1)
    for shard, some in one.items():
        assert set(some) <= set(store.read_shards(folder, [shard], schema=run.schema)["cell_id"])
    # What did not end by itself is never drawn, and takes no place of another.
    shard = next(iter(one))
    gone = one[shard][0]
    rewrite(folder, shard, lambda rows: [{**r, "status": "oom"} if r["cell_id"] == gone else r for r in rows])
    everything = [cell for some in draw(store.load(folder), 1000).values() for cell in some]
    assert gone not in everything
    assert len(everything) == len(set(everything)) == 35
    with pytest.raises(UsageError, match=f"--row: {gone} ended in oom; only rows of ok or diverged come out again"):
        draw(store.load(folder), named=[gone])


def test_nothing_is_drawn_of_a_run_that_has_no_rows_yet(folder):
    for path in (folder / "shards").iterdir():
        path.unlink()
    assert draw(store.load(folder), 3) == {}


def test_named_rows_come_beside_those_that_are_drawn_and_wrong_names_are_said(folder):
    run = store.load(folder)
    first = run.runs["cell_id"].iloc[0]
    assert draw(run, named=[first, first]) == {shard: [first] for shard in draw(run, named=[first])}
    assert sum(map(len, draw(run, 36, named=[first]).values())) == 36
    near = first[:-1] + ("0" if first[-1] != "0" else "1")
    with pytest.raises(UsageError, match=f"unknown cell '{near}'; did you mean '{first}'"):
        draw(run, named=[near])
    with pytest.raises(UsageError, match="the run has no cell 'zzz'"):
        draw(run, named=["zzz"])
    with pytest.raises(UsageError, match="--rerun must be at least 0; got -1"):
        draw(run, -1)


def test_each_difference_of_the_environment_that_may_change_bits_is_named(monkeypatch):
    here = environment.provenance()
    here["machine"] |= {"platform": "cpu", "device_kind": "cpu"}
    assert surroundings.differences(here) == []
    monkeypatch.setenv("XLA_FLAGS", "--fast")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    assert surroundings.differences(here) == ["XLA_FLAGS not set, here --fast"]
    other = {
        **here,
        "version": "0.0.1",
        "code_sha256": None,
        "flags": {"XLA_FLAGS": "--fast"},
        "machine": {**here["machine"], "cores": 999},
        "versions": {**here["versions"], "jaxlib": "0.1", "pandas": "0.1"},
    }
    named = [said.split()[0] for said in surroundings.differences(other)]
    assert named == ["optbench", "cores", "jaxlib", "code"]


def test_bits_are_compared_of_numbers_lists_and_nothing():
    row = {"f": 1.0, "n": 3, "none": None, "curve": np.array([1.0, np.inf]), "text": "ok"}
    names = list(row)
    assert unequal(row, {**row, "none": float("nan"), "curve": [1.0, np.inf]}, names) == []
    changed = {"f": np.nextafter(1.0, 2.0), "n": 4, "none": 0.0, "curve": [1.0], "text": "Ok"}
    assert unequal(row, changed, names) == names
    assert unequal({"f": 0.0}, {"f": -0.0}, ["f"]) == ["f"]


#: Curves of 12 evaluations of functions: 0 to 6, 8, 10, and one that is late.
CURVE = [8.0, 4.0, 2.0, 1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125, 1e-3]
STORED = {
    "cell_id": "a",
    "problem": "p",
    "optimizer": "sgd",
    "config": 0,
    "hyper": "{}",
    "swept": "lr",
    "swept_value": 0.1,
    "is_default": True,
    "split": "report",
    "start": 0,
    "noise_seed": 0,
    "status": "ok",
    "f_start": 8.0,
    "f_last": 1e-3,
    "f_best": 1e-3,
    "curve_f": CURVE,
    "curve_best": CURVE,
}


def beyond(again, n_peers=4, dtype="float64", **changes):
    peers = [{**STORED, "cell_id": str(n), "f_last": 0.01 * n, "f_best": 1e-3} for n in range(n_peers)]
    found = deviations({**STORED, **changes}, {**STORED, **changes, **again}, COMPARED, pd.DataFrame(peers), dtype)
    return [one.column for one in found]


@pytest.mark.parametrize(
    ("again", "columns"),
    [
        ({}, []),
        ({"hyper": '{"lr":0.2}'}, ["hyper"]),
        ({"f_start": 8.0 * (1 + 9e-7)}, []),
        ({"f_start": 8.0 * (1 + 2e-6)}, ["f_start"]),
        ({"curve_f": [*CURVE[:8], CURVE[8] * (1 + 9e-7), CURVE[9]]}, []),
        ({"curve_f": [*CURVE[:8], CURVE[8] * (1 + 2e-6), CURVE[9]]}, ["curve_f at 10 evaluations"]),
        # What comes later may have gone another way.
        ({"curve_f": [*CURVE[:9], 7.0]}, []),
        ({"curve_f": CURVE[:3]}, ["curve_f"]),
        # The peers' f_last lie 0.03 apart, their f_best not at all.
        ({"f_last": 0.03}, []),
        ({"f_last": 0.032}, ["f_last"]),
        ({"f_best": 1.1e-3}, ["f_best"]),
        ({"f_best": None}, ["f_best"]),
        ({"status": "diverged", "f_last": 7.0}, ["status"]),
    ],
)
def test_elsewhere_a_row_may_differ_as_far_as_another_rounding_or_another_start_leads(again, columns):
    assert beyond(again) == columns


def test_without_peers_an_outcome_is_not_judged_and_lesser_precision_is_given_more():
    assert beyond({"f_last": 7.0}, n_peers=2) == []
    assert beyond({"f_start": 8.004}, dtype="float32") == []
    assert beyond({"f_start": 8.02}, dtype="float32") == ["f_start"]


def test_curves_that_were_left_out_are_not_asked_for():
    assert beyond({"curve_f": CURVE, "curve_best": CURVE}, curve_f=[], curve_best=[]) == []
