"""Measures of points that are kept for levels, and of rescaled networks: from the file to stored rows, and again."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest

import optbench as ob
from optbench import store
from optbench.errors import UsageError
from optbench.records.measures import ROWS
from tests.toy_measures import TAKEN, toys

__all__ = ["toys"]

LEVELS = (2.0, 1.999, 1.0, 0.3, 0.0001)
SUITE = """
name = "levels"
version = 1
question = "What is measured where the loss has come down?"
measures = [
    {{ name = "value", levels = {levels} }},
    {{ name = "value", rescale = 4.0 }},
    "value_together",
]
tuning = "default"
epochs = 10
batch_size = 25
early_stopping = false
new_data = true
levels = [2.0, 1.999, 1.0, 0.3, 0.0001]
seeds = {{ tune = 0, report = 2 }}
optimizers = [{{ name = "adam", hyper = {{ lr = 0.01 }} }}, {{ name = "tests.e2e.bursting:burster" }}]
tasks = [{{ data = "digits", model = "mlp", n_train = 200 }}]
"""


def write(folder, levels='"all"', text=SUITE):
    path = folder / "levels.toml"
    path.write_text(text.format(levels=levels))
    return str(path)


@pytest.fixture
def run(tmp_path, toys):
    return ob.run(write(tmp_path), out=tmp_path / "results")


def expected(row, levels=LEVELS):
    """Returns the loss of each point that is kept for some levels, by its gradients."""
    told = zip(row.level, row.level_grads, row.level_train_loss, strict=True)
    return {int(grads): loss for level, grads, loss in told if level in levels and grads >= 0}


def check_levels(rows, cells, levels=LEVELS):
    """Asserts that each kept point has one row with its loss, and each run one that names what it did not reach."""
    kept = 0
    for cell in cells.itertuples():
        mine = rows[rows["cell_id"] == cell.cell_id]
        found = mine[(mine["point"] == "level") & (mine["status"] == "ok")]
        wanted = expected(cell, levels)
        assert sorted(found["evals"]) == sorted(wanted)
        for row in found.itertuples():
            assert row.estimate == pytest.approx(wanted[row.evals], rel=1e-5)
        kept += len(found)
        never = [f"{level:g}" for level, grads in zip(cell.level, cell.level_grads, strict=True)
                 if grads < 0 and level in levels]  # fmt: skip
        (none,) = mine[(mine["point"] == "level") & (mine["status"] != "ok")].itertuples() if never else [None]
        if never:
            assert (none.status, none.evals) == ("no_point", -1)
            assert none.message == f"its training loss did not come down to {', '.join(never)}"
        (judged,) = mine[mine["point"] == "judged"].itertuples()
        assert judged.status == ("ok" if cell.status == "ok" else "no_point")
        if cell.status == "ok":
            assert judged.estimate == pytest.approx(cell.train_loss, rel=1e-5)
    return kept


def test_each_kept_point_is_measured_once_on_the_data_of_its_seed(run):
    rows, cells = run.measures, run.runs
    assert sorted(cells["status"]) == ["diverged", "diverged", "ok", "ok"]
    assert all(cells["level_grads"].map(lambda grads: grads[-1] == -1))
    lost = cells[cells["status"] == "diverged"]
    assert all(lost["level_grads"].map(lambda grads: grads[0] > 0))
    value = rows[rows["measure"] == "value"]
    assert check_levels(value, cells) >= 4
    assert set(rows[rows["measure"] != "value"]["point"]) == {"judged"}
    assert set(value["settings"].map(lambda text: json.loads(text)["levels"])) == {"all"}
    assert "levels" not in run.manifest["measures"]["value_together"]["settings"]
    # One point is kept for 2 and for 1.999, if the loss comes down far enough between two points of the curve.
    assert cells["level_grads"].map(lambda grads: len(set(grads)) < len(grads)).any()


def test_a_rescaled_network_has_the_same_loss(run):
    rows = run.measures.set_index(["cell_id", "measure", "point"])
    ok = run.runs[run.runs["status"] == "ok"]["cell_id"]
    for cell in ok:
        plain, other = (rows.loc[(cell, name, "judged"), "estimate"] for name in ("value", "value[rescale=4]"))
        assert other == pytest.approx(plain, rel=1e-12)
    settings = json.loads(rows.loc[(ok.iloc[0], "value[rescale=4]", "judged"), "settings"])
    assert settings["rescale"] == 4.0
    points = [subject.params for subject in TAKEN]
    norms = {
        round(float(sum((np.asarray(leaf) ** 2).sum() for one in p.params for leaf in one.values())), 6) for p in points
    }
    assert len(norms) > len(expected(run.runs.iloc[0])) + 1


def test_a_finished_run_is_measured_at_levels_by_training_it_again(run, caplog):
    before = {path: path.read_bytes() for path in run.path.glob("shards/**/*.parquet")}
    again = ob.measure(run.path, "value[levels=2 1.999 1 0.3 0.0001,label=again]")
    mine = again.measures[again.measures["measure"] == "again"]
    assert check_levels(mine, again.runs, LEVELS) >= 4
    first = run.measures[(run.measures["measure"] == "value") & (run.measures["point"] == "level")]
    both = mine.merge(first, on=["cell_id", "evals"])
    both = both[both["status_x"] == "ok"]
    assert len(both) == (mine["status"] == "ok").sum() - 2
    assert set(both["cell_id"]) == set(again.runs["cell_id"])
    np.testing.assert_array_equal(both["estimate_x"], both["estimate_y"])
    assert {path: path.read_bytes() for path in before} == before
    TAKEN.clear()
    with caplog.at_level(logging.WARNING, "optbench"):
        ob.measure(run.path, "value[levels=2 1.999 1 0.3 0.0001,label=again]")
        ob.measure(run.path)
    assert TAKEN == []
    assert "nothing was left to do" in caplog.text
    assert store.verify(run.path) == []


def test_what_is_missing_is_made_again_and_is_the_same(run, tmp_path):
    before = run.measures
    for path in (run.path / "shards" / "measures").glob("value-*"):
        path.unlink()
    found = ob.run(write(tmp_path), out=tmp_path / "results").measures
    columns = [name for name in ROWS.columns if name not in ("grid", "values")]
    assert found[columns].equals(before[columns])


@pytest.mark.parametrize(("levels", "message"), [
    ("[0.2]", r"measures\[0\].levels: must be of the suite's levels, 2, 1.999, 1, 0.3, 0.0001, or 'all'; got 0.2"),
    ("[0.2, 1.0, 0.5]", "got 0.5"),
    ("[-1.0]", r"measures\[0\].levels"),
    ('"some"', r"measures\[0\].levels"),
])  # fmt: skip
def test_levels_that_the_suite_has_not_are_refused(tmp_path, toys, levels, message):
    with pytest.raises(UsageError, match=message):
        ob.run(write(tmp_path, levels), out=tmp_path / "results")


def test_levels_need_a_suite_that_has_some(tmp_path, toys):
    text = SUITE.replace("levels = [2.0, 1.999, 1.0, 0.3, 0.0001]\n", "")
    with pytest.raises(UsageError, match=r"needs a suite that keeps weights: levels = .* this suite has none"):
        ob.run(write(tmp_path, text=text), out=tmp_path / "results")


@pytest.mark.parametrize(("more", "message"), [
    ('"value", levels = "all", along = true', "levels: is for measures of the judged point, not for measures along"),
    ('"way", levels = "all"', "levels: is for measures of the judged point, not for measures of points on the way"),
    ('"between", levels = "all", other = "optimizer=adam"', "not for measures of two runs"),
    ('"value", rescale = 2.0, along = true', "rescale: is for measures of the judged point, not for measures along"),
    ('"value", rescale = -2.0', r"rescale"),
])  # fmt: skip
def test_keys_that_do_not_go_together_are_refused(tmp_path, toys, more, message):
    text = SUITE.replace('"value_together"', f"{{{{ name = {more} }}}}")
    with pytest.raises(UsageError, match=message):
        ob.run(write(tmp_path, text=text), out=tmp_path / "results")


def test_a_measure_asked_for_on_the_command_line_is_checked_against_the_run(run):
    with pytest.raises(UsageError, match=r"must be of the suite's levels, .*; got 0.5"):
        ob.measure(run.path, "value[levels=0.5,label=other]")
