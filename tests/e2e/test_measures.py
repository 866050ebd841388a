"""Measures of small suites from the file to stored rows: what is measured, resumed, made again, and never repeated."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
import scipy.linalg
from jax.flatten_util import ravel_pytree

import optbench as ob
from optbench import catalog, store
from optbench.engine import measuring as taking
from optbench.engine.networks.rows import seed_of
from optbench.records import Split
from optbench.records.measures import ROWS
from optbench.runner import measuring, points
from optbench.runner.kinds.networks import kind as networks
from optbench.runner.ledger import Ledger
from optbench.tasks.data import load
from optbench.tasks.losses import cross_entropies
from optbench.tasks.models.fully_connected import linear
from optbench.tasks.task import Task
from tests.suite.test_every_key import toml
from tests.toy_measures import MEASURES, toys

__all__ = ["toys"]

ALL = [measure.name for measure in MEASURES]
STATUSES = {
    "value": "ok",
    "value_together": "ok",
    "broken": "error",
    "large": "oom",
    "nowhere": "not_applicable",
    "unbounded": "not_finite",
}

NETWORKS = """
name = "digits"
version = 1
question = "q"
measures = {measures}
tuning = "default"
epochs = 2
seeds = {{ tune = 0, report = 3 }}
optimizers = [{{ name = "sgd" }}, {{ name = "adam" }}]
tasks = [{{ data = "digits", model = "linear" }}]
"""
FUNCTIONS = """
name = "functions"
version = 1
question = "q"
measures = {measures}
budget = 30
starts = {{ tune = 1, report = 2 }}
optimizers = [{{ name = "sgd" }}, {{ name = "momentum" }}]
problems = [{{ name = "rosenbrock", dim = 2, instance = 1 }}, {{ name = "least_squares" }}]
grid = {{ lr = {{ low = 0.001, high = 1000.0, points = 2 }} }}
"""


def suite(folder: Path, text: str, measures: list[object]) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "suite.toml"
    path.write_text(text.format(measures=toml(measures)))
    return path


def run(folder: Path, text: str, measures: list[object]) -> store.Run:
    return ob.run(suite(folder, text, measures), out=folder / "results")


def shards(run: store.Run) -> dict[str, bytes]:
    """Returns the shards of measures by name."""
    return {path.name: path.read_bytes() for path in sorted((run.path / "shards" / "measures").glob("*.parquet"))}


def test_every_measure_of_a_network_leaves_a_row_whatever_becomes_of_it(tmp_path, toys):
    found = run(tmp_path, NETWORKS, [*ALL, {"name": "value", "shift": 2, "label": "two"}])
    rows, cells = found.measures, found.runs.set_index("cell_id")
    assert len(rows) == 6 * 7
    assert set(rows["point"]) == {"judged"}
    assert set(rows["cell_id"]) == set(cells.index)
    assert rows.groupby("measure")["status"].unique().map(list).to_dict() == {
        **{name: [status] for name, status in STATUSES.items()},
        "two": ["ok"],
    }
    assert rows["estimate"].notna().tolist() == (rows["status"] == "ok").tolist()
    assert rows["message"].ne("").tolist() == (rows["status"] != "ok").tolist()
    value = rows[rows["measure"] == "value"].set_index("cell_id")
    two = rows[rows["measure"] == "two"].set_index("cell_id")
    for cell_id, row in cells.iterrows():
        # Scores are sums in single precision; the loss of a measure is in double precision by default.
        assert value["estimate"][cell_id] == pytest.approx(row["train_loss"], rel=1e-6)
        assert two["estimate"][cell_id] == value["estimate"][cell_id] + 2
        assert value["evals"][cell_id] == row["curve_grads"][row["chosen"]]
        assert value["values"][cell_id].tolist() == [2.0, 3.0]
        details = json.loads(value["details"][cell_id])
        assert details["norm"] == "l2"
        assert details["dtype"] == "float64"
        assert "batch normalization in evaluation mode, dropout off" in details["loss"]
        assert "regularization terms excluded" in details["loss"]
    assert json.loads(two["settings"].iloc[0]) == {"name": "value", "dtype": "float64", "shift": 2.0, "norm": "l2"}
    unbounded = rows[rows["measure"] == "unbounded"].iloc[0]
    assert (unbounded["message"], unbounded["standard_error"]) == ("the estimate is nan", unbounded["standard_error"])
    assert np.isnan(unbounded["standard_error"])
    assert json.loads(unbounded["details"])["steps"] == 3
    assert rows[rows["measure"] == "broken"]["message"].unique().tolist() == ["ValueError: no such thing"]
    assert (rows["seconds"] >= 0).all()
    assert found.manifest["measures"]["two"]["settings"]["shift"] == 2.0
    assert store.verify(found.path) == []


def test_points_of_functions_are_the_last_ones_and_diverged_runs_have_none(tmp_path, toys):
    found = run(tmp_path, FUNCTIONS, ["value", "value_together"])
    runs = found.runs[found.runs["split"] == "report"].set_index("cell_id")
    rows = found.measures
    assert len(rows) == 2 * len(runs)
    assert set(rows["cell_id"]) == set(runs.index)
    assert set(runs["status"]) == {"ok", "diverged"}
    scales = {name: catalog.problem(name, instance=1).f_scale for name in ("rosenbrock", "least_squares")}
    for row in rows.itertuples():
        cell = runs.loc[row.cell_id]
        if cell["status"] == "ok":
            scale = scales[cell["problem"].partition("-")[0]]
            assert row.estimate == pytest.approx(cell["f_last"] / scale, rel=1e-9)
            assert (row.status, row.point, row.evals) == ("ok", "last", 30)
            assert ("together" in json.loads(row.details)) == (row.measure == "value_together")
        else:
            assert (row.status, row.evals) == ("no_point", -1)
            assert row.message == "the run has no such point: its status is diverged"
            assert np.isnan(row.estimate)


@pytest.mark.parametrize("text", [NETWORKS, FUNCTIONS], ids=["networks", "functions"])
def test_measures_change_no_row_no_id_and_no_byte_of_another(tmp_path, toys, monkeypatch, text):
    with_them = run(tmp_path / "a", text, ["value", "value_together"])
    without = run(tmp_path / "b", text, [])
    assert without.path.name == with_them.path.name
    assert {n: r["sha256"] for n, r in store.committed(without.path).items()} == {
        n: r["sha256"] for n, r in store.committed(with_them.path).items()
    }
    assert "measures" not in without.manifest
    assert len(without.measures) == 0
    monkeypatch.setattr(measuring, "visible_cores", lambda: 1)
    assert shards(run(tmp_path / "c", text, ["value", "value_together"])) == shards(with_them)


@pytest.mark.parametrize("text", [NETWORKS, FUNCTIONS], ids=["networks", "functions"])
def test_a_measure_that_is_named_later_is_all_that_is_computed(tmp_path, toys, text):
    first = run(tmp_path / "a", text, ["value"])
    rows = {path: path.stat().st_mtime_ns for path in first.path.glob("shards/*.parquet")}
    before = shards(first)
    toys.clear()
    second = run(tmp_path / "a", text, ["value", {"name": "value", "shift": 1.0}])
    assert second.path == first.path
    assert {path: path.stat().st_mtime_ns for path in first.path.glob("shards/*.parquet")} == rows
    assert before.items() < shards(second).items()
    assert len(toys) == (second.measures["status"] == "ok").sum() / 2
    assert shards(run(tmp_path / "b", text, ["value", {"name": "value", "shift": 1.0}])) == shards(second)
    toys.clear()
    third = run(tmp_path / "a", text, ["value", {"name": "value", "shift": 1.0}])
    assert (len(toys), shards(third)) == (0, shards(second))
    assert store.verify(second.path) == []
    assert not any("differs" in details for details in second.measures["details"])


@pytest.mark.parametrize(
    ("text", "stop"), [(NETWORKS, 0), (NETWORKS, 3), (FUNCTIONS, 1)], ids=["networks", "networks-later", "functions"]
)
def test_a_run_that_is_stopped_while_measuring_goes_on_with_what_is_missing(tmp_path, toys, monkeypatch, text, stop):
    whole = shards(run(tmp_path / "a", text, ["value", "broken"]))
    commit, calls = Ledger.commit_measures, []

    def stopping(self, *given):
        calls.append(given)
        if len(calls) > stop:
            raise KeyboardInterrupt
        commit(self, *given)

    monkeypatch.setattr(Ledger, "commit_measures", stopping)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "b", text, ["value", "broken"])
    monkeypatch.setattr(Ledger, "commit_measures", commit)
    (left,) = (tmp_path / "b" / "results").glob("*/*/shards")
    kept = {path.name: path.stat().st_mtime_ns for path in left.rglob("*.parquet")}
    assert len(list(left.glob("measures/*.parquet"))) == stop
    found = run(tmp_path / "b", text, ["value", "broken"])
    assert shards(found) == whole
    assert {path.name: path.stat().st_mtime_ns for path in left.rglob("*.parquet")}.items() >= kept.items()


def test_a_damaged_shard_of_measures_is_measured_again(tmp_path, toys):
    first = run(tmp_path, NETWORKS, ["value", "broken"])
    whole = shards(first)
    victim = next((first.path / "shards" / "measures").glob("value-*.parquet"))
    victim.write_bytes(b"half")
    toys.clear()
    assert shards(run(tmp_path, NETWORKS, ["value", "broken"])) == whole
    assert len(toys) == 3


def test_runs_that_do_not_come_out_again_are_told_of(tmp_path, toys, monkeypatch, caplog):
    first = run(tmp_path, NETWORKS, ["value"])
    trained = networks.trained

    def other(*given, **more):
        outcome = trained(*given, **more)
        outcome.columns["train_loss"][1] += 0.25
        return outcome

    monkeypatch.setattr(networks, "trained", other)
    second = run(tmp_path, NETWORKS, ["value", "unbounded"])
    assert "1 runs that were made again have other losses than those that are stored, by at most 0.25" in caplog.text
    told = [json.loads(details) for details in second.measures["details"]]
    assert [found["differs"] for found in told if "differs" in found] == [{"train_loss": 0.25}] * 2
    assert first.path == second.path


def test_points_on_the_way_are_at_hand_for_a_measure_of_them(tmp_path, toys):
    planned = run(tmp_path / "a", NETWORKS, ["way"])
    assert set(planned.measures["status"]) == {"ok"}
    clocks = planned.runs.set_index("cell_id")["curve_grads"]
    for row in planned.measures.itertuples():
        evals = json.loads(row.details)["evals"]
        assert evals == clocks[row.cell_id].tolist()
        assert row.estimate == len(evals)
    run(tmp_path / "b", NETWORKS, [])
    # Made again, they are the same.
    assert shards(run(tmp_path / "b", NETWORKS, ["way"])) == shards(planned)


@pytest.mark.parametrize("keeps", [False, True])
def test_the_state_of_a_rule_is_at_hand_for_its_preconditioner_at_judged_points(tmp_path, toys, keeps):
    planned = run(tmp_path / "a", NETWORKS, ["preconditioned_top"])
    rows = planned.measures.merge(planned.runs[["cell_id", "optimizer", "seed", "hyper", "chosen", "curve_grads"]])
    assert dict(rows.groupby("optimizer")["status"].unique().map(list)) == {"adam": ["ok"], "sgd": ["not_applicable"]}
    row = rows[rows["optimizer"] == "adam"].iloc[0]
    assert row["estimate"] == pytest.approx(_preconditioned_top(row), rel=1e-2)
    # Kept points have no state of the rule: the runs are made again.
    later = suite(tmp_path / "b", NETWORKS, [])
    first = ob.run(later, out=tmp_path / "b", keep_weights=keeps)
    assert not len(first.measures)
    assert shards(run(tmp_path / "b", NETWORKS, ["preconditioned_top"])) == shards(planned)


def _preconditioned_top(row):
    """Trains softmax regression by Adam in NumPy up to the judged point; returns its largest eigenvalue of P^-1 H."""
    task = Task.of(load("digits"), linear)
    seed, hyper = seed_of(0, Split.REPORT, int(row["seed"])), json.loads(row["hyper"])
    network, stats = task.start(seed)
    x, y = np.asarray(task.train.x, np.float64), np.asarray(task.train.y)
    with jax.enable_x64(True):
        flat, unravel = ravel_pytree(jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), network))

        def loss(w, x, y):
            return cross_entropies(unravel(w)(x, stats, train=False)[0], y).mean()

        grad = jax.jit(jax.grad(loss))
        w, m, v = np.asarray(flat), 0.0, 0.0
        steps = int(row["curve_grads"][row["chosen"]])
        order = [batch for epoch in range(2) for batch in task.order(seed, epoch, 32)]
        for t, batch in enumerate(order[:steps], 1):
            g = np.asarray(grad(w, x[batch], y[batch]))
            m, v = hyper["b1"] * m + (1 - hyper["b1"]) * g, hyper["b2"] * v + (1 - hyper["b2"]) * g * g
            scale = (1 - hyper["b1"] ** t) / np.sqrt(1 - hyper["b2"] ** t) * np.sqrt(v + hyper["eps"])
            w = w - hyper["lr"] * m / scale
        hessian = np.asarray(jax.hessian(loss)(w, x, y))
    return scipy.linalg.eigh(hessian, np.diag(scale), eigvals_only=True)[-1]


def test_a_measure_of_two_runs_pairs_them_by_seed_and_names_the_second(tmp_path, toys):
    other = {"name": "between", "other": "optimizer=adam", "label": "to-adam"}
    found = run(tmp_path, NETWORKS, ["value", "between", other, {"name": "between", "other": "task=*", "label": "any"}])
    rows, runs = found.measures, found.runs.set_index("cell_id")
    value = rows[rows["measure"] == "value"].set_index("cell_id")["estimate"]
    alone = rows[rows["measure"] == "between"]
    assert set(alone["message"]) == {"there is no second run"}
    for row in rows[rows["measure"] == "to-adam"].itertuples():
        cell = runs.loc[row.cell_id]
        if cell["optimizer"] == "adam":
            assert row.status == "not_applicable"
            assert row.message == "the run that matches other = 'optimizer=adam' is this run itself"
            continue
        second = runs.loc[row.other_cell_id]
        assert (second["optimizer"], second["seed"]) == ("adam", cell["seed"])
        assert row.estimate == value[row.cell_id] - value[row.other_cell_id]
    any_ = rows[rows["measure"] == "any"]
    assert set(any_["message"]) == {"2 reported runs, not one, of the same seed match other = 'task=*'"}
    assert (rows["other_cell_id"] != "").sum() == 3
    assert store.verify(found.path) == []


def test_points_are_held_for_measures_of_two_and_made_again_where_there_is_no_room(tmp_path, toys, monkeypatch):
    made, trained = [], networks.trained

    def counting(*given, **more):
        made.append(given[0].labels)
        return trained(*given, **more)

    monkeypatch.setattr(networks, "trained", counting)
    other = [{"name": "between", "other": "optimizer=adam", "label": "to-adam"}]
    held = run(tmp_path / "a", NETWORKS, other)
    once = sorted(set(made))
    assert sorted(made) == once
    made.clear()
    monkeypatch.setattr(points, "HELD_BYTES", 100)
    assert shards(run(tmp_path / "b", NETWORKS, other)) == shards(held)
    assert len(made) > len(once)


def test_second_runs_of_functions_have_the_same_start(tmp_path, toys):
    least = "config=0 problem=rosenbrock* optimizer=momentum"
    found = run(tmp_path, FUNCTIONS, ["value", {"name": "between", "other": least, "label": "b"}])
    rows, runs = found.measures, found.runs.set_index("cell_id")
    value = rows[rows["measure"] == "value"].set_index("cell_id")["estimate"]
    seen = 0
    for row in rows[(rows["measure"] == "b") & (rows["status"] == "ok")].itertuples():
        one, second = runs.loc[row.cell_id], runs.loc[row.other_cell_id]
        assert (second["optimizer"], second["config"], second["start"]) == ("momentum", 0, one["start"])
        if one["problem"] == second["problem"]:
            seen += 1
            assert row.estimate == pytest.approx(value[row.cell_id] - value[row.other_cell_id], rel=1e-12)
    # SGD's smallest rate and both defaults, from two starts each; the largest rate diverges.
    assert seen == 6


def test_rows_of_measures_have_their_seconds_beside_them_alone(tmp_path, toys, monkeypatch):
    # A clock that is 2 s later at each look: a measure takes that or, beside others, more.
    monkeypatch.setattr(taking, "time", SimpleNamespace(perf_counter=count(0.0, 2.0).__next__))
    found = run(tmp_path, NETWORKS, ["value"])
    assert all(seconds >= 2 and seconds % 2 == 0 for seconds in found.measures["seconds"])
    for name, record in store.committed(found.path, ROWS).items():
        assert len(record["seconds"]) == record["rows"] == 3, name
        assert "seconds" not in store.read_shards(found.path, [name], schema=ROWS)


def test_a_picture_says_how_far_it_is_at_each_tenth(tmp_path, toys, monkeypatch):
    said = []
    plain = measuring.Measuring.__init__

    def listening(self, kind, ledger, specs, tell):
        plain(self, kind, ledger, specs, lambda phase: (said.append(phase), tell(phase)))

    monkeypatch.setattr(measuring.Measuring, "__init__", listening)
    run(tmp_path, NETWORKS.replace("report = 3", "report = 1"), [{"name": "landscape_2d", "points": 21}])
    counted = [text.rsplit(", ", 1)[1] for text in said if text.endswith(" points")]
    # 441 points and the center, 64 a call, of one run of each rule.
    assert counted == [f"{n} of 442 points" for n in (64, 128, 192, 256, 320, 384, 442)] * 2
