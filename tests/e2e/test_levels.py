"""Levels, replicates and warm starts from a suite's file to its rows, told anew by hand from data and seeds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import optbench as ob
from optbench import catalog, store
from optbench.core.keys import generator
from optbench.engine.networks.fitting import Fitter, Lane
from optbench.engine.networks.rows import seed_of
from optbench.records import Split
from optbench.runner.kinds.networks import replicates
from optbench.tasks import data
from optbench.tasks.task import Examples, Task
from tests.engine.test_levels import kept_of

LEVELS = (2.0, 1.0, 0.3, 0.001)
SUITE = """
name = "levels"
version = 1
question = "Are weights kept where the training loss comes down to a level?"
seed = 3
epochs = 12
batch_size = 30
early_stopping = false
tuning = "default"
new_data = true
levels = [2.0, 1.0, 0.3, 0.001]
seeds = { tune = 0, report = 3 }
optimizers = [{ name = "adam", hyper = { lr = 0.01 } }]

[[tasks]]
data = "mnist1d"
model = "mlp"
n_train = 300
n_test = 200

[[tasks]]
data = "digits"
model = "linear"
n_train = 300
batch_size = 10

[[tasks]]
data = "digits"
model = "linear"
n_train = 300
batch_size = 100
warm_start = { batch_size = 10, epochs = 2 }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("levels")
    (found / "levels.toml").write_text(SUITE)
    return found


@pytest.fixture(scope="module")
def run(folder):
    return ob.run(str(folder / "levels.toml"), out=folder / "results")


def rows_of(run, pattern):
    return run.runs[run.runs["task"].str.contains(pattern, regex=False)]


def task_by_hand(name, model, index, **sizes):
    """Returns the task of a reported replicate, as the protocol says that its data are drawn."""
    seed = int(generator(3, "replicate", "report", index).integers(2**31))
    generated = {"seed": seed, **sizes} if name == "mnist1d" else {}
    return Task.of(data.load(name, **generated), catalog.model(model), split_seed=seed, **sizes)


def test_levels_are_those_of_the_curves(run):
    assert len(run.runs) == 9
    assert set(run.runs["status"]) == {"ok"}
    for row in run.runs.itertuples():
        assert tuple(row.level) == LEVELS
        expected = kept_of(row.curve_grads, row.curve_train_loss.astype(float), LEVELS)
        assert row.level_grads.tolist() == [expected.get(level, -1) for level in LEVELS]
        assert row.level_grads[-1] == -1
        reached = row.level_grads >= 0
        at = np.searchsorted(row.curve_grads, row.level_grads[reached])
        for ours, curve in (("level_train_loss", "curve_train_loss"), ("level_train_accuracy", "curve_train_accuracy")):
            np.testing.assert_allclose(getattr(row, ours)[reached], getattr(row, curve)[at], rtol=1e-6)
        for name in ("level_train_loss", "level_train_accuracy", "level_test_loss", "level_test_accuracy"):
            assert (np.isfinite(np.asarray(getattr(row, name), float)) == reached).all()
    assert (np.stack(run.runs["level_grads"])[:, 1] >= 0).all()


@pytest.mark.parametrize(("name", "model", "size", "sizes"), [
    ("mnist1d", "mlp", 30, {"n_train": 300, "n_test": 200}), ("digits", "linear", 10, {"n_train": 300})
])  # fmt: skip
def test_each_seed_is_a_run_of_data_of_its_own(run, name, model, size, sizes):
    found = rows_of(run, f"{name}-{model}" if name == "mnist1d" else "-b10")
    found = found[~found["task"].str.contains("warm")]
    assert len(found) == 3
    for row in found.itertuples():
        task = task_by_hand(name, model, row.seed, **sizes)
        assert len(task.train.y) == 300
        lane = Lane({"lr": 0.01}, seed_of(3, Split.REPORT, row.seed))
        (fit,) = Fitter(task, catalog.optimizer("adam"), batch_size=size).fit(
            [lane], epochs=12, stop_early=False, levels=LEVELS
        )
        np.testing.assert_array_equal(fit.train.loss.astype(np.float32), row.curve_train_loss)
        assert row.test_loss == fit.test.loss
        np.testing.assert_array_equal(row.test_right, fit.test_right)
        assert [one.grads for one in fit.levels] == [grads for grads in row.level_grads if grads >= 0]
        assert [one.test.loss for one in fit.levels] == [loss for loss in row.level_test_loss if loss == loss]
    assert found["test_loss"].nunique() == 3
    assert len({tuple(row.curve_train_loss[:1]) for row in found.itertuples()}) == 3


def test_a_warm_start_is_two_runs_one_behind_the_other(run):
    found = rows_of(run, "warm_start")
    assert len(found) == 3
    rule = catalog.optimizer("adam")
    for row in found.itertuples():
        task = task_by_hand("digits", "linear", row.seed, n_train=300)
        lane = Lane({"lr": 0.01}, seed_of(3, Split.REPORT, row.seed))
        (first,) = Fitter(task, rule, batch_size=10).fit([lane], epochs=2, stop_early=False)
        (second,) = Fitter(task, rule, batch_size=100).fit(
            [dataclasses.replace(lane, start=first.ends["last"])], epochs=12, stop_early=False, levels=LEVELS
        )
        assert (row.grad_evals, row.sample_grads) == (60 + 36, 2 * 300 + 12 * 300)
        assert row.cost == pytest.approx(14.0)
        np.testing.assert_array_equal(row.curve_grads, second.grads + 60)
        np.testing.assert_array_equal(row.curve_train_loss, second.train.loss.astype(np.float32))
        assert row.curve_train_loss[0] == pytest.approx(first.train.loss[-1], rel=1e-6)
        assert [one.grads + 60 for one in second.levels] == [grads for grads in row.level_grads if grads >= 0]


def test_one_program_trains_all_replicates_and_a_file_is_read_once(folder, monkeypatch):
    loaded = []
    load = data.load

    def counted(name, *given, **more):
        loaded.append(name)
        return load(name, *given, **more)

    monkeypatch.setattr(replicates.data, "load", counted)
    ob.run(str(folder / "levels.toml"), out=folder / "again")
    assert loaded.count("digits") == 1
    assert loaded.count("mnist1d") == 3


def test_poisoned_test_labels_move_nothing_but_test_scores(run, folder, monkeypatch):
    made = Task.of.__func__

    def poisoned(cls, *given, **more):
        task = made(cls, *given, **more)
        return dataclasses.replace(task, test=Examples(task.test.x, (task.test.y + 1) % 10))

    monkeypatch.setattr(Task, "of", classmethod(poisoned))
    other = ob.run(str(folder / "levels.toml"), out=folder / "poisoned")
    for name in run.runs:
        same = all(_same(a, b) for a, b in zip(run.runs[name], other.runs[name], strict=True))
        assert same != name.startswith(("test_", "level_test_")), name


def _same(one, other):
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    return one == other or (one != one and other != other)


def test_seconds_of_each_run_are_in_the_records(run):
    for record in store.committed(run.path).values():
        assert len(record["each_s"]) == 3
        assert sum(record["each_s"]) == pytest.approx(record["thread_s"], abs=1e-5)
