"""``optbench measure``: what it takes of a finished run, where points come from, and what it refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import optbench as ob
from optbench import store
from optbench.cli import cli
from optbench.errors import DataError, UsageError
from optbench.report import figures
from optbench.runner import kinds
from tests.e2e.test_measures import FUNCTIONS, NETWORKS, shards, suite
from tests.toy_measures import toys

__all__ = ["toys"]

BOTH = pytest.mark.parametrize("text", [NETWORKS, FUNCTIONS], ids=["networks", "functions"])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Finished runs of both kinds, without and with kept points; each test copies what it needs."""
    found = {}
    for text in (NETWORKS, FUNCTIONS):
        for keeps in (False, True):
            folder = tmp_path_factory.mktemp("finished")
            found[text, keeps] = ob.run(suite(folder, text, []), out=folder / "results", keep_weights=keeps).path
    return found


@pytest.fixture
def copied(finished, tmp_path):
    def copy(text: str, *, keeps: bool = False, name: str = "run") -> Path:
        return Path(shutil.copytree(finished[text, keeps], tmp_path / name))

    return copy


@BOTH
def test_points_that_were_kept_are_those_of_runs_made_again(copied, toys, monkeypatch, text):
    kept, plain = copied(text, keeps=True, name="kept"), copied(text, name="plain")
    assert kept != plain
    again = ob.measure(plain, "value,value_together")
    whole = kinds.planned

    def planned(*given):
        kind = whole(*given)
        kind.again = None  # a call would be an error
        return kind

    monkeypatch.setattr(kinds, "planned", planned)
    read = ob.measure(kept, ["value", "value_together"])
    assert shards(read) == shards(again)
    assert store.verify(kept) == store.verify(plain) == []
    assert len(read.measures) == 2 * (read.runs["split"] == "report").sum()
    # What is measured while a run is under way is the same.
    assert not any("differs" in details for details in again.measures["details"])


@BOTH
def test_it_measures_what_a_suite_would_have_measured(copied, toys, tmp_path, text):
    asked = ob.measure(copied(text), "value")
    planned = ob.run(suite(tmp_path / "planned", text, ["value"]), out=tmp_path / "planned" / "results")
    assert shards(asked) == shards(planned)
    assert asked.manifest["measures"] == planned.manifest["measures"]
    assert asked.path.name == "run"


def test_only_rows_that_are_meant_are_measured_and_none_twice(copied, toys):
    run = copied(NETWORKS)
    one = ob.measure(run, "value", "optimizer=adam,seed=0", progress=None)
    assert len(one.measures) == len(toys) == 1
    cell = one.runs.set_index("cell_id").loc[one.measures["cell_id"].iloc[0]]
    assert (cell["optimizer"], cell["seed"]) == ("adam", 0)
    two = ob.measure(run, "value", ["optimizer=a*", "optimizer=sgd", "seed=1"])
    assert len(two.measures) == len(toys) == 3
    everything = ob.measure(run, "value[shift=0],value[shift=1]")
    assert len(everything.measures) == len(toys) == 12
    assert store.verify(run) == []


def test_a_run_with_kept_points_measures_new_rows_and_keeps_them_where_they_are_missing(tmp_path, toys, finished):
    folder = tmp_path / "a"
    path = suite(folder, NETWORKS, ["value"])
    first = ob.run(path, out=folder / "results")
    assert not (first.path / "weights").exists()
    rows = shards(first)
    toys.clear()
    second = ob.run(path, out=folder / "results", keep_weights=True)
    assert second.path == first.path
    assert (shards(second), len(toys)) == (rows, 0)
    fresh = finished[NETWORKS, True]
    files = sorted(file.name for file in (fresh / "weights").iterdir())
    assert files == sorted(file.name for file in (second.path / "weights").iterdir())
    for name in files:
        assert (fresh / "weights" / name).read_bytes() == (second.path / "weights" / name).read_bytes()
    assert store.verify(second.path) == []


def test_kept_points_that_were_changed_are_refused(copied, toys):
    run = copied(NETWORKS, keeps=True)
    (file,) = (file for file in (run / "weights").glob("*sgd*.npz"))
    arrays = dict(np.load(file))
    np.savez(file, **{name: array + 1 for name, array in arrays.items()})
    with pytest.raises(DataError, match=r"weights/.*\.npz: sha256 must be"):
        ob.measure(run, "value")
    assert len(ob.load(run).measures) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"measures": "valu,value[shift=11]"}, "valu: name: unknown measure 'valu'; did you mean 'value'?"),
        ({"measures": "valu,value[shift=11]"}, r"value[shift=11]: shift: must lie in [-1, 10]; got 11"),
        ({"measures": "value[shift]"}, "'value[shift]': must be name[key=value,...]; got 'shift'"),
        ({"measures": "value[shift=1"}, "'value[shift=1': must be name[key=value,...]"),
        ({"measures": "value[shift=1,shift=2]"}, "'shift' is given twice"),
        ({"measures": "value,value"}, "--measures[1]: 'value' stands in --measures[0] already"),
        ({"measures": ""}, "--measures names none; optbench list measures shows all"),
        ({}, "suite 'digits' names no measures: choose some with --measures; optbench list measures"),
        ({"measures": "value", "rows": "optimizer"}, "--rows 'optimizer' must be column=pattern"),
        ({"measures": "value", "rows": None}, "--rows must be column=pattern texts; got None"),
        ({"measures": "value", "rows": ["seed=0", 5]}, "--rows must be column=pattern texts; got 5"),
        ({"measures": "value", "rows": "optimiser=sgd"}, "unknown column 'optimiser'; did you mean 'optimizer'"),
        (
            {"measures": "value", "rows": "optimizer=adm*"},
            "no reported row has optimizer=adm* (there are adam, sgd)",
        ),
    ],
)
def test_what_cannot_be_measured_is_explained(finished, toys, words, message):
    with pytest.raises(UsageError) as caught:
        ob.measure(finished[NETWORKS, False], **words)
    assert message in str(caught.value)


def test_a_label_stands_for_one_measure(copied, toys):
    run = copied(NETWORKS)
    ob.measure(run, "value[label=mine]", "seed=0")
    with pytest.raises(UsageError, match="'mine' is stored with other settings"):
        ob.measure(run, "value[shift=1,label=mine]")


def test_damaged_rows_and_runs_under_way_are_refused(copied, toys):
    run = copied(NETWORKS)
    manifest = store.read_manifest(run)
    store.write_manifest(run, {**manifest, "state": "running"})
    with pytest.raises(UsageError, match="is not finished; resume it with: optbench run"):
        ob.measure(run, "value")
    store.write_manifest(run, manifest)
    next(run.glob("shards/*.parquet")).write_bytes(b"half")
    with pytest.raises(DataError, match="run the suite again, which repairs it"):
        ob.measure(run, "value")


def test_the_command_prints_what_became_of_each_measure(copied, toys):
    run = copied(NETWORKS)
    done = CliRunner().invoke(cli, ["measure", str(run), "--measures", "value,nowhere", "--rows", "seed=0"])
    assert (done.exit_code, done.stdout) == (0, "nowhere  2 not_applicable\nvalue    2 ok\n")
    assert "2/4 cells" in done.stderr or "4/4 cells" in done.stderr
    assert f"table:   optbench table {run} --kind sharpness" in done.stderr
    again = CliRunner().invoke(cli, ["measure", str(run), "--measures", "value", "--rows", "seed=0"])
    assert "everything that was asked for is measured; nothing was left to do" in again.stderr


def test_measures_of_the_shelf_are_those_of_the_points_that_the_run_led_to(copied):
    run = copied(NETWORKS, keeps=True)
    rows = ob.measure(run, "hessian_top[tol=1e-8],grad_norm,distance", "seed=0 optimizer=sgd").measures
    assert set(rows["status"]) == {"ok"}
    (cell,) = rows["cell_id"].unique()
    arrays = {}
    for file in (run / "weights").glob("*.npz"):
        arrays |= dict(np.load(file))
    leaves = [arrays[name].astype(np.float64) for name in sorted(arrays) if name.startswith(f"{cell}/0")]
    (bias,) = (leaf for leaf in leaves if leaf.ndim == 1)
    (weight,) = (leaf for leaf in leaves if leaf.ndim == 2)
    x, y = examples()
    logits = x @ weight + bias
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    wide = np.hstack([x, np.ones((len(x), 1))])
    slope = wide.T @ (p - np.eye(10)[y]) / len(x)
    # Softmax regression: the mean over examples of (x x') (x) (diag p - p p').
    hessian = np.zeros((650, 650))
    for one, share in zip(wide, p, strict=True):
        hessian += np.kron(np.outer(one, one), np.diag(share) - np.outer(share, share)) / len(x)
    found = rows.set_index(rows["measure"].str.partition("[")[0])["estimate"]
    assert found["hessian_top"] == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-7)
    assert found["grad_norm"] == pytest.approx(np.linalg.norm(slope), rel=1e-6)
    assert found["distance"] > 0


def examples() -> tuple[np.ndarray, np.ndarray]:
    """Returns the training part of the digits as a suite splits them: inputs in rows, and classes."""
    from optbench import catalog
    from optbench.tasks.data import load
    from optbench.tasks.task import Task

    task = Task.of(load("digits"), catalog.model("linear"), split_seed=0)
    return task.train.x.reshape(len(task.train.y), -1).astype(np.float64), task.train.y


def test_interpolation_and_path_have_their_points(copied):
    run = copied(NETWORKS)
    asked = ["interpolation[other=optimizer=adam,points=5]", "path[plane=false]"]
    rows = ob.measure(run, asked, "seed=0 optimizer=sgd").measures
    assert set(rows["status"]) == {"ok"}
    line = rows[rows["measure"].str.startswith("interpolation")].iloc[0]
    cells = ob.load(run).runs.set_index("cell_id")
    other = cells.loc[line["other_cell_id"]]
    assert (other["optimizer"], other["seed"]) == ("adam", 0)


def test_a_run_with_measures_names_their_table(toys, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "draw", lambda *asked: [])
    for name, measures in (("with", ["value"]), ("without", [])):
        toml = suite(tmp_path / name, FUNCTIONS, measures)
        done = CliRunner().invoke(cli, ["run", str(toml), "--out", str(tmp_path / name / "results")])
        assert done.exit_code == 0
        assert ("--kind sharpness" in done.stderr) == bool(measures)
