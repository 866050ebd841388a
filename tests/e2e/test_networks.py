"""A suite of networks from its file to its rows: complete, resumable, and blind to test data until the end."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

import optbench as ob
from optbench import store
from optbench.analysis.networks.selection import choose
from optbench.cli import cli
from optbench.records.networks import ROWS
from optbench.report import figures, tables
from optbench.runner.execution import Pace
from optbench.runner.kinds.kind import Part
from optbench.tasks.task import Examples, Task
from tests.e2e.command import call

SUITE = """
name = "tiny"
version = 1
question = "Does a suite of networks work from end to end?"
epochs = 3
batch_size = 64
seeds = { tune = 2, report = 3 }
grid = { lr = { low = 1e-3, high = 1e3, points = 3 } }
optimizers = [{ name = "sgd" }, { name = "momentum+sam" }]

[[tasks]]
data = "digits"
model = "linear"

[[tasks]]
data = "digits"
model = "linear"
regularization = { penalty = 0.1 }
early_stopping = false
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("networks")
    (found / "tiny.toml").write_text(SUITE)
    return found


@pytest.fixture(scope="module")
def run(folder):
    return ob.run(str(folder / "tiny.toml"), out=folder / "results")


@pytest.fixture
def here(monkeypatch):
    """Runs the command in a folder, in this process and without its figures."""
    monkeypatch.setattr(figures, "draw", lambda *asked: [])

    def command(folder, *words):
        monkeypatch.chdir(folder)
        return CliRunner().invoke(cli, list(words), prog_name="optbench")

    return command


def values(rows, name):
    """Returns a column; what is missing, in a row or in a curve, as -1."""
    return [
        np.nan_to_num(np.asarray(v, float), nan=-1) if isinstance(v, np.ndarray) else v for v in rows[name].fillna(-1)
    ]


def seen(run):
    """Returns what each shard holds, by its name."""
    return {path: digest for path, digest in run.manifest["files"].items() if path.endswith(".parquet")}


def test_every_planned_cell_is_a_row(run):
    rows = run.runs
    assert list(rows.columns) == list(ROWS.columns)
    assert run.manifest["state"] == "finished"
    assert len(rows) == run.manifest["n_cells"] == rows["cell_id"].nunique()
    for _, pair in rows.groupby(["task", "optimizer"]):
        tuned, reported = pair[pair["split"] == "tune"], pair[pair["split"] == "report"]
        assert len(tuned) == 3 * 2
        assert len(reported) in (3, 6)
        assert (reported.groupby("config")["seed"].nunique() == 3).all()


def test_a_choice_that_is_the_default_is_planned_twice_and_run_once(tmp_path):
    """Its tuning ends before that is known: from then on there are fewer cells, and the run is whole with them."""
    text = SUITE.replace("low = 1e-3, high = 1e3, points = 3", "low = 0.01, high = 0.01, points = 1").split("[[tasks]]")
    (tmp_path / "one.toml").write_text("[[tasks]]".join(text[:2]))
    reports = []
    run = ob.run(str(tmp_path / "one.toml"), out=tmp_path, optimizers=["sgd"], progress=reports.append)
    assert set(run.runs["is_default"]) == {True}
    assert run.manifest["n_cells"] == len(run.runs) == 2 + 3
    totals = [(report.cells_done, report.cells_total) for report in reports]
    assert totals[0] == (0, 2 + 6)
    assert totals[-1] == (5, 5)
    assert "INCOMPLETE" not in tables.render(run)


def test_a_part_with_fewer_cells_than_planned_was_less_work():
    pace = Pace(ahead=800.0)
    pace.note(Part("tune", "", n_cells=2, steps=200, work=200), 2, 1.0)
    assert (pace.rate, pace.eta_s) == (200.0, 3.0)
    pace.note(Part("report", "", n_cells=6, steps=600, work=600), 3, 1.5)
    assert (pace.rate, pace.eta_s) == (200.0, 0.0)


def test_a_rate_that_diverges_is_a_row_and_loses(run):
    rows = run.runs
    wild = rows[rows["swept_value"] == 1e3]
    assert set(wild["split"]) == {"tune"}
    assert (wild["train_loss"].notna()).all()
    assert set(rows["status"]) <= {"ok", "diverged"}


def test_what_is_reported_is_what_validation_chose(run):
    rows = run.runs
    chosen = choose(rows[rows["split"] == "tune"])
    reported = rows[rows["split"] == "report"]
    for (task, optimizer), config in chosen.items():
        pair = reported[(reported["task"] == task) & (reported["optimizer"] == optimizer)]
        assert set(pair["config"]) == {config} | set(pair.loc[pair["is_default"], "config"])
        assert pair["is_default"].any()


def test_tuning_runs_never_see_test_examples(run):
    rows = run.runs
    tuned = rows[rows["split"] == "tune"]
    assert tuned["test_loss"].isna().all()
    assert tuned["test_accuracy"].isna().all()
    assert (tuned["test_right"].map(len) == 0).all()
    reported = rows[rows["split"] == "report"]
    assert np.allclose(reported["test_right"].map(np.mean), reported["test_accuracy"], atol=1e-6)
    assert set(reported["test_right"].map(len)) == {359}


def test_rows_agree_with_their_curves(run):
    for row in run.runs.itertuples():
        assert row.curve_grads[-1] == row.grad_evals
        assert row.sample_grads == 64 * row.grad_evals
        assert row.cost == pytest.approx(row.sample_grads / 1294)
        assert len({len(getattr(row, name)) for name in ROWS.columns if name.startswith("curve_")}) == 1
        assert row.validation_accuracy == pytest.approx(row.curve_validation_accuracy[row.chosen], abs=1e-6)
        assert row.train_loss == pytest.approx(row.curve_train_loss[row.chosen], rel=1e-6)
        if "penalty" in row.task and row.status == "ok":
            assert row.chosen == len(row.curve_grads) - 1
        elif row.status == "ok":
            assert row.validation_accuracy == pytest.approx(max(row.curve_validation_accuracy), abs=1e-6)


def test_rules_and_twins_share_seeds_but_tuning_does_not(run):
    rows = run.runs
    starts = {}
    for row in rows.itertuples():
        starts.setdefault((row.split, row.seed), set()).add(float(row.curve_train_loss[0]))
    assert all(len(values) == 1 for values in starts.values())
    assert len({value for values in starts.values() for value in values}) == 5


def test_sgd_with_sam_makes_half_of_the_steps_at_the_same_cost(run):
    assert run.runs.loc[run.runs["status"] == "ok", "sample_grads"].nunique() == 1


def test_a_stopped_run_ends_with_the_same_bytes(run, tmp_path):
    copy = tmp_path / "results"
    shutil.copytree(run.path.parents[1], copy)
    folder = copy / "tiny" / run.path.name
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"state": "running"}))
    for number, record in enumerate(sorted((folder / "shards").glob("*.json"))):
        if number % 2:
            record.unlink()
            record.with_suffix(".parquet").unlink()
    again = ob.run(str(run.path.parents[2] / "tiny.toml"), out=copy)
    assert again.path == folder
    assert seen(again) == seen(run)


def test_poisoned_test_labels_change_nothing_that_is_chosen(run, folder, tmp_path, monkeypatch):
    honest = Task.of.__func__

    def poisoned(cls, *given, **more) -> Task:
        found = honest(cls, *given, **more)
        return dataclasses.replace(found, test=Examples(found.test.x, (found.test.y + 1) % 10))

    monkeypatch.setattr(Task, "of", classmethod(poisoned))
    rows = ob.run(str(folder / "tiny.toml"), out=tmp_path).runs
    tested = ["test_loss", "test_accuracy", "test_right"]
    assert rows["cell_id"].tolist() == run.runs["cell_id"].tolist()
    for name in ROWS.columns:
        same = [np.array_equal(a, b) for a, b in zip(values(rows, name), values(run.runs, name), strict=True)]
        assert all(same) == (name not in tested), name
    reported = rows["split"] == "report"
    best = run.runs[reported]["test_accuracy"].max()
    assert rows[reported].loc[run.runs[reported]["test_accuracy"].idxmax(), "test_accuracy"] < 1 - best + 0.01


def test_a_rule_that_cannot_be_compiled_is_rows(tmp_path):
    (tmp_path / "broken.py").write_text(
        "import dataclasses\n"
        "from optbench import catalog\n"
        "def update(params, state, value, grad, hyper):\n"
        "    raise ValueError('no such thing')\n"
        "rule = dataclasses.replace(catalog.optimizer('sgd'), name='broken', update=update)\n"
    )
    text = SUITE.replace('{ name = "momentum+sam" }', '{ name = "broken:rule" }')
    (tmp_path / "tiny.toml").write_text(text)
    done = call(tmp_path, "run", "tiny.toml", "--tasks", "digits-linear", "--tuning", "default")
    assert done.returncode == 3, done.stderr
    rows = store.load(tmp_path / "results" / "tiny").runs
    broken = rows[rows["optimizer"] == "broken:rule"]
    assert len(broken) == 3
    assert set(broken["status"]) == {"error"}
    assert broken["message"].str.contains("no such thing").all()
    assert set(rows.loc[rows["optimizer"] == "sgd", "status"]) == {"ok"}
    assert "error" in done.stderr


def test_data_that_are_not_there_are_named(tmp_path, here, monkeypatch):
    monkeypatch.setenv("OPTBENCH_DATA", str(tmp_path))
    for line, code in (("", 5), ("if_present = true", 0)):
        text = SUITE + f'\n[[tasks]]\ndata = "mnist"\nmodel = "linear"\n{line}\n'
        (tmp_path / "tiny.toml").write_text(text)
        done = here(tmp_path, "run", "tiny.toml", "--optimizers", "sgd", "--tuning", "default")
        assert done.exit_code == code, done.stderr
        if code:
            assert "optbench data fetch mnist" in done.stderr
        else:
            assert "Not in this run: mnist-linear" in done.stdout
            assert list(store.load(tmp_path / "results" / "tiny").manifest["absent"]) == ["mnist-linear"]
        shutil.rmtree(tmp_path / "results", ignore_errors=True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--problems", "sphere"), "--problems is not for a suite of networks; --tasks selects"),
        (("--trials", "3"), "--trials needs --tuning random; this suite's tuning is 'grid'"),
        (("--dtype", "float16"), "dtype: must be 'float32' or 'bfloat16'; got 'float16'"),
        (("--tuning", "bayes"), "tuning: must be 'grid', 'random' or 'default'; got 'bayes'"),
    ],
)
def test_options_that_do_not_fit_are_refused(folder, here, words, message):
    for more in ((), ("--dry-run",)):
        done = here(folder, "run", "tiny.toml", *words, *more)
        assert done.exit_code == 2
        assert message in done.stderr


def test_tuning_at_random_is_drawn_chosen_reported_and_shown(folder, here):
    done = here(folder, "run", "tiny.toml", "--tasks", "*penalty*", "--tuning", "random", "--trials", "2")
    assert done.exit_code == 0, done.stderr
    assert "digits-linear+penalty=0.1" in done.stdout
    (path,) = (p.parent for p in (folder / "results" / "tiny").glob("*/manifest.json") if b"random" in p.read_bytes())
    stored = store.load(path)
    tried = stored.manifest["optimizers"]["sgd"]
    tuned = stored.runs[(stored.runs["split"] == "tune") & (stored.runs["optimizer"] == "sgd")]
    assert tuned.groupby("config")["swept_value"].first().tolist() == tried["grid"]
    assert not set(tried["grid"]) & {1e-3, 1.0, 1e3}
    assert all(tried["search"]["lr"]["low"] <= rate <= tried["search"]["lr"]["high"] for rate in tried["grid"])
    assert (stored.manifest["tuning"], stored.manifest["part"]["trials"]) == ("random", 2)


def test_a_dry_run_shows_the_plan(folder, here):
    done = here(folder, "run", "tiny.toml", "--dry-run")
    assert done.exit_code == 0, done.stderr
    assert "48 training runs at most, in float32" in done.stdout
    assert "digits-linear+penalty=0.1+last_epoch" in done.stdout


def test_a_device_by_name_is_part_of_the_command_and_not_of_the_result(folder, run):
    named = ob.run(str(folder / "tiny.toml"), out=folder / "named", device="cpu")
    assert named.manifest["command"][-2:] == ["--device", "cpu"]
    assert "--device" not in run.manifest["command"]
    assert named.path.name == run.path.name
    shards = sorted((named.path / "shards").glob("*.parquet"))
    assert len(shards) == len(run.manifest["shards"])
    assert all(shard.read_bytes() == (run.path / "shards" / shard.name).read_bytes() for shard in shards)
