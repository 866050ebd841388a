"""Runs of studies: manifest, bytes, resumption, failures, refusals; test labels choose nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import optbench as ob
from optbench.engine.retraining.members import Trainer
from optbench.errors import UsageError
from optbench.records.studies import ROWS
from optbench.tasks import data
from tests.runner.studies import NET, SUITE, run_in


def test_every_planned_model_has_its_row_and_the_manifest_says_what_is_studied(run, rows):
    counts = rows.groupby(["study", "role"]).size().to_dict()
    assert counts == {
        ("cv", "fold"): 24, ("cv", "refit"): 2, ("bag", "single"): 2, ("bag", "member"): 6, ("boost", "single"): 2,
        ("boost", "round"): 6, ("bv", "member"): 12, ("poly", "member"): 16, ("learn", "single"): 4,
        ("wide", "member"): 12,
    }  # fmt: skip
    assert len(rows) == run.manifest["n_cells"] == sum(counts.values())
    assert rows["cell_id"].is_unique
    assert set(rows["status"]) == {"ok"}
    assert list(rows.columns) == list(ROWS.columns)
    study = run.manifest["studies"]["cv"]
    assert (study["method"], study["folds"], study["n_train"], study["n_validation"], study["n_test"]) == (
        "cross_validation", 3, 120, 13, 60,
    )  # fmt: skip
    assert [config["hyper"]["lr"] for config in study["configs"]] == [1e-4, 1e-4, 1e-2, 1e-2]
    assert run.manifest["studies"]["bv"]["factor"] == {"name": "batch_size", "values": [10.0, 30.0]}
    assert run.manifest["studies"]["bag"]["new_data"]
    assert not run.manifest["studies"]["bag"]["shares_test"]
    assert run.manifest["kind"] == "studies"


def test_the_same_command_shows_the_run_and_another_folder_has_the_same_bytes(run, tmp_path):
    again = run_in(run.path.parents[2])
    assert again.manifest["finished_utc"] == run.manifest["finished_utc"]
    other = run_in(tmp_path)
    assert {name: sums for name, sums in other.manifest["files"].items() if name.endswith("parquet")} == {
        name: sums for name, sums in run.manifest["files"].items() if name.endswith("parquet")
    }


def test_traces_are_the_curves_in_long_form(run):
    found = run.traces
    assert list(found.columns) == ["cell_id", "grads", "train_loss", "train_accuracy", "test_loss", "test_accuracy"]
    assert found["cell_id"].nunique() == 4


def test_poisoned_test_labels_change_no_choice_no_weight_and_no_member(rows, tmp_path, monkeypatch):
    real = data.load

    def poisoned(name, *args, **named):
        found = real(name, *args, **named)
        y = found.y.copy()
        y[-found.n_test :] = np.random.default_rng(0).permutation(y[-found.n_test :])
        return replace(found, y=y)

    monkeypatch.setattr(data, "load", poisoned)
    other = run_in(tmp_path).runs
    scores = ["test_loss", "test_accuracy", "test_labels", "curve_test_loss", "curve_test_accuracy"]
    for name in (column for column in ROWS.columns if column not in scores):
        mine, theirs = (frame[name].map(lambda value: np.asarray(value).tobytes()) for frame in (rows, other))
        assert mine.tolist() == theirs.tolist(), name
    tested = rows["test_accuracy"].notna()
    assert not np.array_equal(rows.loc[tested, "test_accuracy"], other.loc[tested, "test_accuracy"])


def test_a_run_that_was_stopped_goes_on_where_it_was(run, tmp_path, monkeypatch):
    class Stop(Exception):
        pass

    real, calls = Trainer.train, []

    def train(self, *args, **named):
        calls.append(1)
        if len(calls) == 4:
            raise Stop
        return real(self, *args, **named)

    monkeypatch.setattr(Trainer, "train", train)
    with pytest.raises(Stop):
        run_in(tmp_path)
    (folder,) = (tmp_path / "results" / "little").iterdir()
    stored = ob.load(folder)
    assert stored.manifest["state"] == "running"
    assert 0 < len(stored.runs) < len(run.runs)
    made = []
    monkeypatch.setattr(Trainer, "train", lambda self, *args, **named: made.append(1) or real(self, *args, **named))
    finished = run_in(tmp_path)
    assert finished.manifest["state"] == "finished"
    sums = {name: found for name, found in run.manifest["files"].items() if name.endswith("parquet")}
    assert {name: found for name, found in finished.manifest["files"].items() if name in sums} == sums


def test_members_that_diverge_are_rows_and_the_others_go_on(tmp_path):
    text = SUITE[: SUITE.index("[[studies]]")]
    text += f'[[studies]]\nname = "cv"\nmethod = "cross_validation"\n{NET}folds = 2\ngrid = {{ lr = [1e30, 1e-3] }}\n'
    text += f'[[studies]]\nname = "none"\nmethod = "cross_validation"\n{NET}folds = 2\ngrid = {{ lr = [1e30] }}\n'
    text += f'[[studies]]\nname = "boost"\nmethod = "boosting"\n{NET}rounds = 2\nhyper = {{ lr = 1e30 }}\n'
    rows = run_in(tmp_path, text.replace("seeds = 2", "seeds = 1").replace('"adam"', '"sgd"')).runs
    cv = rows[rows["study"] == "cv"]
    assert cv.loc[cv["config"] == 0, "status"].tolist() == ["diverged", "diverged"]
    assert cv.loc[cv["config"] == 0, "validation_accuracy"].isna().all()
    (refit,) = cv[cv["role"] == "refit"].to_dict("records")
    assert (refit["status"], refit["config"]) == ("ok", 1)
    (none,) = rows[(rows["study"] == "none") & (rows["role"] == "refit")].to_dict("records")
    assert (none["status"], none["config"]) == ("error", -1)
    assert none["message"] == "nothing to refit: each configuration diverged or failed on some fold"
    boost = rows[(rows["study"] == "boost") & (rows["role"] == "round")]
    assert boost["status"].tolist() == ["diverged", "diverged"]
    assert boost["vote"].tolist() == [0.0, 0.0]
    assert boost["weighted_error"].isna().all()
    assert boost["test_probabilities"].map(len).tolist() == [0, 0]


def test_folds_that_cannot_be_made_are_one_message_before_anything_is_run(tmp_path, monkeypatch):
    real = data.load

    def rare(name, *args, **named):
        found = real(name, *args, **named)
        y = found.y.copy()
        places = np.flatnonzero(y[: len(y) - found.n_test] == 3)
        y[places[:-2]] = 4
        return replace(found, y=y)

    monkeypatch.setattr(data, "load", rare)
    text = SUITE.replace("n_train = 120\n", "").replace("factor = { n_train = [40, 120] }", "")
    with pytest.raises(UsageError, match=r"study 'cv': k = 3: "):
        run_in(tmp_path, text)
    assert not (tmp_path / "results").exists()


def test_points_are_neither_kept_nor_measured(run, tmp_path):
    with pytest.raises(UsageError, match="--keep-weights is not for a suite of studies"):
        run_in(tmp_path, keep_weights=True)
    with pytest.raises(UsageError, match="is of a suite of studies, whose points are not measured"):
        ob.measure(run.path, "hessian_top")


def test_a_dry_run_names_each_study_with_its_models(tmp_path):
    from optbench.runner.running import describe

    (tmp_path / "little.toml").write_text(SUITE)
    said = describe(tmp_path / "little.toml")
    assert "86 models: 7 studies, 2 replicates of each, seed 0" in said
    assert "cross_validation: 12 fold models, 1 refit per replicate; lr 0.0001, 0.01; penalty 0, 0.1" in said
    assert "bias_variance: 6 members per replicate; batch_size 10, 30" in said
    assert "mnist1d mlp adam: examples: 120 to train on, 13 beside them, 60 to report; batches of 20, 2 epochs" in said
    assert "total" in said
