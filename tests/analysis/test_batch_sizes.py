"""Batch sizes compared: which points enter, what is paired, and tests against SciPy."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from optbench.analysis.batch_sizes.arms import OUTCOMES
from optbench.analysis.batch_sizes.differences import judged
from optbench.analysis.batch_sizes.points import POINTS, arm_points
from optbench.analysis.batch_sizes.quantities import find_measure, settings_of, titles_of
from optbench.analysis.batch_sizes.seconds import seconds_by_cell
from optbench.analysis.networks.summary import student
from optbench.analysis.statistics.groups import holm
from optbench.records.networks import ROWS
from optbench.report.evidence import Evidence
from optbench.store import shard_name, write_shard
from tests import arms


@pytest.fixture(scope="module")
def run():
    return Evidence.of(arms.run())


def points_of(rows, **entries):
    return arm_points(arms.frame(rows), arms.manifest(**entries), {})


def one(frame, **keys):
    for name, value in keys.items():
        frame = frame[frame[name].isna() if value is None else frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


FIRST = arms.arms()[0]["runs"][0]
SECOND = arms.arms()[0]["runs"][1]


def test_every_run_has_a_point_at_each_level_and_at_its_end(run):
    frame = run.frame("arm_points")
    assert list(frame.columns) == list(POINTS)
    sizes = frame.groupby(["arm", "batch_size", "level"], dropna=False).size()
    assert set(sizes) == {arms.N_REPLICATES}
    assert len(sizes) == (2 + 3 + 2 + len(arms.WARM)) * (len(arms.LEVELS) + 1)
    assert frame["level"].drop_duplicates().tolist()[:3] == list(arms.LEVELS)


def test_a_point_has_the_scores_of_its_level():
    found = one(points_of([arms.row(FIRST, 0)]), arm="constant", level=0.1)
    row = arms.row(FIRST, 0)
    assert found["train_loss"] == row["level_train_loss"][1]
    assert found["gap"] == row["level_train_accuracy"][1] - row["level_test_accuracy"][1]
    assert (found["evals"], found["grad_evals"], found["sample_grads"]) == (80, 80, 80 * 20)
    assert found["cost"] == pytest.approx(80 * 20 / arms.N_TRAIN)


@pytest.mark.parametrize(
    ("loss", "enters"), [(0.1, True), (0.0901, True), (0.0899, False), (0.109, True), (0.12, False)]
)
def test_a_point_enters_a_level_within_ten_percent(loss, enters):
    row = arms.row(FIRST, 0)
    row["level_train_loss"] = np.array([0.3, loss, 0.03])
    found = one(points_of([row]), arm="constant", level=0.1)
    assert (found["reached"], found["enters"]) == (True, enters)


def test_what_was_not_reached_has_no_numbers():
    found = one(points_of([arms.unreached(arms.row(FIRST, 0), 2)]), arm="constant", level=0.03)
    assert (found["reached"], found["enters"], found["evals"]) == (False, False, -1)
    assert np.isnan([found[name] for name in ("test_accuracy", "gap", "grad_evals", "cost")]).all()


def test_a_run_that_was_asked_for_no_levels_reached_none():
    row = {**arms.row(FIRST, 0), **dict.fromkeys(arms.LEVEL_COLUMNS)}
    frame = points_of([row])
    assert not frame[frame["level"].notna()]["reached"].any()
    assert one(frame, arm="constant", level=None)["enters"]


def test_a_failed_run_enters_nowhere(run):
    frame = run.frame("arm_points")
    lost = frame[(frame["arm"] == "adam") & (frame["batch_size"] == 400) & (frame["replicate"] == 0)]
    assert set(lost["status"]) == {"oom"}
    assert not lost["enters"].any()


@pytest.mark.parametrize(("grads", "samples"), [(20, 20 * 20), (50, 50 * 20), (80, 50 * 20 + 30 * 400)])
def test_a_warm_start_counts_both_phases(grads, samples):
    """140 gradients, the first 50 of batches of 20, the others of 400."""
    warm = arms.arms()[-1]["runs"][0]
    row = {**arms.row(warm, 0), "sample_grads": 50 * 20 + 90 * 400, "level_grads": np.array([10, grads, 130])}
    found = one(points_of([row]), arm="warm-10", level=0.1)
    assert found["sample_grads"] == samples


def stored(tmp_path, **facts):
    """Returns four rows of one shard, stored in another order than a run's, and their folder."""
    rows = arms.frame([arms.row(FIRST, seed) for seed in range(4)])
    columns = {name: rows[name].iloc[::-1].tolist() for name in rows}
    (tmp_path / "shards").mkdir()
    write_shard(tmp_path, shard_name(FIRST["task"], "sgd--report"), columns, facts, schema=ROWS)
    return rows


def test_seconds_are_those_of_each_run(tmp_path):
    rows = stored(tmp_path, run_s=6.0, thread_s=10.0, each_s=[4.0, 3.0, 2.0, 1.0])
    found = seconds_by_cell(tmp_path, rows)
    assert found == dict(zip(rows["cell_id"], [1.0, 2.0, 3.0, 4.0], strict=True))
    frame = arm_points(rows, arms.manifest(), found)
    assert one(frame, arm="constant", level=0.1, replicate=2)["seconds"] == 3.0 * 80 / 140
    assert one(frame, arm="constant", level=None, replicate=2)["seconds"] == 3.0


def test_seconds_of_runs_side_by_side_are_equal_shares(tmp_path):
    rows = stored(tmp_path, run_s=6.0)
    assert seconds_by_cell(tmp_path, rows) == dict.fromkeys(rows["cell_id"], 1.5)
    other = rows.assign(task="another")
    assert seconds_by_cell(tmp_path, other) == seconds_by_cell(None, rows) == {}


def test_measures_are_those_of_the_same_point(run):
    frame, measures = run.frame("arm_quantities"), run.measures
    runs = run.run.runs
    cell = runs[(runs["task"] == FIRST["task"]) & (runs["optimizer"] == "sgd") & (runs["seed"] == 3)]["cell_id"].iloc[0]
    for level, evals, point in ((0.3, 40, "level"), (0.03, 130, "level"), (None, 140, "judged")):
        found = one(frame, arm="constant", batch_size=20, replicate=3, quantity="keskar", level=level)
        wanted = one(measures, cell_id=cell, evals=evals, point=point, measure="keskar")
        assert found["value"] == wanted["estimate"]


def test_a_level_at_the_judged_point_has_the_measures_taken_there():
    rows = arms.frame([arms.row(run, seed) for run in (FIRST, SECOND) for seed in range(3)])
    rows["level_grads"] = [np.array([40, 80, 140])] * len(rows)
    measures = arms.measures_of(rows)
    measures = measures[~((measures["point"] == "level") & (measures["evals"] == 140))]
    run = Evidence.of(SimpleNamespace(runs=rows, measures=measures, manifest=arms.manifest(), path=None))
    frame = run.frame("arm_quantities")
    keys = {"arm": "constant", "batch_size": 20, "replicate": 1, "quantity": "keskar"}
    assert one(frame, **keys, level=0.03)["value"] == one(frame, **keys, level=None)["value"]


def test_measures_of_two_runs_and_without_a_number_do_not_count(run):
    measures = run.measures.copy()
    judged_rows = (measures["point"] == "judged") & (measures["measure"] == "keskar")
    measures.loc[judged_rows, "status"] = "not_finite"
    other = measures[judged_rows].assign(measure="between", settings=json.dumps({"name": "x", "other": "y"}))
    measures = pd.concat([measures, other], ignore_index=True)
    found = Evidence.of(SimpleNamespace(runs=run.run.runs, measures=measures, manifest=run.manifest, path=None))
    frame = found.frame("arm_quantities")
    assert "between" not in set(frame["quantity"])
    ends = frame[(frame["quantity"] == "keskar") & frame["level"].isna()]
    assert ends["value"].isna().all()
    row = one(found.frame("arm_differences"), arm="constant", level=None, quantity="keskar")
    assert (row["n_pairs"], row["n_without"]) == (0, arms.N_REPLICATES)


def sides(run, arm, level, quantity):
    """Returns the values of the smallest and the largest batch by replicate, pairs alone."""
    frame = run.frame("arm_quantities")
    mine = frame[(frame["arm"] == arm) & (frame["quantity"] == quantity)]
    mine = mine[mine["level"].isna() if level is None else mine["level"] == level]
    wide = mine.pivot(index="replicate", columns="batch_size", values="value").dropna()
    return wide[min(wide.columns)].to_numpy(), wide[max(wide.columns)].to_numpy()


@pytest.mark.parametrize("arm", ["constant", "equal-updates", "adam"])
@pytest.mark.parametrize("level", [0.3, 0.1, None])
def test_differences_are_scipys(run, arm, level):
    frame = run.frame("arm_differences")
    frame = frame[frame["large"] == 400]
    for quantity, log in (("test_accuracy", False), ("gap", False), ("keskar", True), ("hessian_top", True)):
        small, large = sides(run, arm, level, quantity)
        left, right = (np.log(large), np.log(small)) if log else (large, small)
        found = one(frame, arm=arm, level=level, quantity=quantity)
        theirs = stats.ttest_rel(left, right)
        low, high = theirs.confidence_interval(0.95)
        assert found["n_pairs"] == len(small)
        assert found["estimate"] == pytest.approx((left - right).mean())
        assert (found["low"], found["high"]) == pytest.approx((low, high))
        assert found["p_t"] == pytest.approx(theirs.pvalue)
        flipped = stats.permutation_test(
            (left - right,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=False
        )
        assert found["p_flip"] == pytest.approx(flipped.pvalue)
        means = (small.mean(), small.std(ddof=1), large.mean(), large.std(ddof=1))
        assert tuple(found[name] for name in ("small_mean", "small_sd", "large_mean", "large_sd")) == pytest.approx(
            means
        )


def test_pairs_that_do_not_enter_are_counted_by_their_reason(run):
    frame = run.frame("arm_differences")
    names = ["n_planned", "n_pairs", "n_missing", "n_unreached", "n_left_out"]
    # Of the run that failed it is not known what it would have reached.
    for level, counts in (
        (0.3, (8, 7, 1, 0, 0)),
        (0.1, (8, 6, 1, 0, 1)),
        (0.03, (8, 6, 1, 1, 0)),
        (None, (8, 7, 1, 0, 0)),
    ):
        found = one(frame, arm="adam", level=level, quantity="test_accuracy")
        assert tuple(found[names]) == counts
    fewer = Evidence.of(arms.run([row for row in arms.rows() if row["seed"] < 6]))
    found = one(fewer.frame("arm_differences"), arm="constant", level=0.1, quantity="gap")
    assert tuple(found[names]) == (8, 6, 2, 0, 0)


def test_a_ladder_is_compared_with_its_smallest_batch(run):
    frame = run.frame("arm_differences")
    mine = frame[frame["arm"] == "equal-updates"]
    assert set(zip(mine["small"], mine["large"], strict=True)) == {(20, 100), (20, 400)}


def test_logarithms_leave_out_what_is_not_positive():
    rows = arms.frame([arms.row(run, seed) for run in (FIRST, SECOND) for seed in range(4)])
    measures = arms.measures_of(rows)
    cell = rows["cell_id"].iloc[0]
    measures.loc[(measures["cell_id"] == cell) & (measures["measure"] == "hessian_top"), "estimate"] = -1.0
    run = Evidence.of(SimpleNamespace(runs=rows, measures=measures, manifest=arms.manifest(), path=None))
    found = one(run.frame("arm_differences"), arm="constant", level=0.1, quantity="hessian_top")
    assert (found["n_pairs"], found["n_without"]) == (3, 1)


def test_arms_are_corrected_together_and_the_primary_contrasts_stand_alone(run):
    frame = run.frame("arms")
    assert frame["arm"].tolist() == ["constant", "equal-updates", "adam"] * 2
    assert set(frame.columns) >= {f"{name}_{end}" for name in OUTCOMES for end in ("low", "high", "p", "p_t", "n")}
    at, ends = frame[frame["level"] == 0.1].set_index("arm"), frame[frame["level"].isna()].set_index("arm")
    assert np.isnan(at.loc["constant", ["test_p_holm", "keskar_p_holm"]].to_numpy(float)).all()
    for rows, names in ((at, ["equal-updates", "adam"]), (ends, ["constant", "equal-updates", "adam"])):
        p = rows.loc[names, ["test_p", "keskar_p"]].to_numpy(float)
        adjusted = rows.loc[names, ["test_p_holm", "keskar_p_holm"]].to_numpy(float)
        assert adjusted.ravel() == pytest.approx(holm(p.ravel()))
        assert (adjusted >= p).all()


def test_without_levels_the_primary_contrasts_are_at_the_end():
    bare = Evidence.of(arms.run(levels=[], primary_level=None))
    frame = bare.frame("arms").set_index("arm")
    assert frame["level"].isna().all()
    assert np.isnan(frame.loc["constant", "test_p_holm"])
    assert frame.loc["adam", "test_p_holm"] > 0


def test_an_arm_of_one_size_is_not_compared(run):
    assert not set(run.frame("arms")["arm"]) & {f"warm-{epochs}" for epochs in arms.WARM}
    assert f"warm-{arms.WARM[0]}" in set(run.frame("arm_levels")["arm"])


def test_levels_count_and_summarize(run):
    frame = run.frame("arm_levels")
    found = one(frame, arm="adam", batch_size=400, level=0.1, quantity="test_accuracy")
    names = ["n_planned", "n_runs", "failed", "n_reached", "n_entered", "n_numbers"]
    assert tuple(found[names]) == (8, 8, 1, 7, 6, 6)
    points = run.frame("arm_points")
    mine = points[(points["arm"] == "adam") & (points["batch_size"] == 400) & (points["level"] == 0.1)]
    values = mine.loc[mine["enters"], "test_accuracy"].to_numpy(float)
    assert found["estimate"] == pytest.approx(values.mean())
    assert (found["low"], found["high"]) == pytest.approx(
        stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
    )
    measure = one(frame, arm="constant", batch_size=20, level=0.1, quantity="keskar")
    assert measure["estimate"] == pytest.approx(np.median(sides(run, "constant", 0.1, "keskar")[0]))


def test_no_accuracy_goes_beyond_all_right():
    rows = [arms.row(run, seed) for run in (FIRST, SECOND) for seed in range(4)]
    for row in rows:
        row["level_train_accuracy"] = np.full(3, 1.0 if row["seed"] else 0.999)
    found = one(Evidence.of(arms.run(rows)).frame("arm_levels"), arm="constant", batch_size=20, level=0.1,
                quantity="train_accuracy")  # fmt: skip
    assert found["estimate"] < found["high"] == 1.0


def test_measures_are_found_by_what_they_measure(run):
    known = settings_of(run.measures)
    assert find_measure(known, "keskar", eps=5e-4, subspace=100) == "keskar[eps=0.0005,subspace=100]"
    assert find_measure(known, "keskar", eps=1e-3, subspace=0) == "keskar"
    single = {"a": {"name": "keskar", "dtype": "float32"}, "b": {"name": "keskar", "dtype": "float64"}}
    assert find_measure(single, "keskar") == "b"
    assert find_measure({"a": {"name": "keskar", "rescale": 2.0}}, "keskar") is None


def test_measures_of_one_title_are_told_apart_by_their_settings(run):
    titles = titles_of(run.measures, run.manifest)
    assert titles["hessian_top"] == "top eigenvalue"
    assert titles["keskar"] == "keskar (eps 0.001, subspace 0)"
    assert titles["keskar[eps=0.0005,subspace=100]"] == "keskar (eps 0.0005, subspace 100)"
    assert titles["keskar[rescale=10]"] == "keskar (eps 0.001, rescale 10, subspace 0)"
    alone = run.measures[run.measures["measure"].isin(["keskar", "hessian_top"])]
    assert titles_of(alone, run.manifest) == {"keskar": "Keskar", "hessian_top": "top eigenvalue"}


def test_rescaling_is_told_apart_from_training(run):
    (found,) = run.frame("arm_placebo").to_dict("records")
    frame = run.frame("arm_quantities")
    mine = frame[(frame["arm"] == "constant") & frame["level"].isna()]
    wide = mine.pivot(index=["replicate", "batch_size"], columns="quantity", values="value")
    logs = np.log(wide["keskar[rescale=10]"] / wide["keskar"]).groupby(level=0).mean()
    assert (found["measure"], found["of"], found["rescale"]) == ("keskar[rescale=10]", "keskar", 10.0)
    assert found["ratio"] == pytest.approx(np.exp(logs.mean()))
    assert (found["n_replicates"], found["n_runs"]) == (8, 16)
    assert found["low"] < found["ratio"] < found["high"]


def test_a_run_that_has_only_begun_has_frames():
    for rows in ([], arms.rows()[:3]):
        begun = Evidence.of(arms.run(rows))
        for name in ("arm_points", "arm_quantities", "arm_levels", "arm_differences", "arm_placebo", "arms"):
            begun.frame(name)


def accuracy_pairs(rng, n):
    """Twelve replicates on test sets of their own, of 500 examples, whose difficulty is shared by both sides."""
    hard = rng.normal(0, 0.02, n)
    sides = [rng.binomial(500, np.clip(p + hard + rng.normal(0, 0.01, n), 0, 1)) / 500 for p in (0.86, 0.90)]
    return sides[0] - sides[1], -0.04


def log_ratio_pairs(rng, n):
    """Logarithms of a measure with long tails on either side."""
    return 1.5 + 0.4 * rng.standard_t(5, n) - 0.2 * rng.standard_t(5, n), 1.5


def skewed_pairs(rng, n):
    """Both sides are skewed, the larger batch twice as widely."""
    return 2 * rng.gamma(4, 0.5, n) - rng.gamma(4, 0.5, n), 2.0


@pytest.mark.parametrize("pairs", [accuracy_pairs, log_ratio_pairs, skewed_pairs])
def test_intervals_of_twelve_pairs_cover_at_least_94_percent(pairs):
    rng, hits, n = np.random.default_rng(11), 0, 20_000
    for _ in range(n):
        differences, truth = pairs(rng, 12)
        low, high = student(differences)
        hits += low <= truth <= high
    assert hits / n >= 0.94
    # What is judged has the same interval.
    found = judged(differences)
    assert (found["low"], found["high"]) == pytest.approx((low, high))


def test_every_network_is_correlated_once(run):
    """Arms share runs: the small batch of the primary arm is that of no other, but equal updates have their own."""
    gaps, points = run.frame("arm_gaps"), run.frame("arm_points")
    entering = points[points["enters"].astype(bool)]
    for level in (0.3, None):
        mine = gaps[gaps["level"].isna() if level is None else gaps["level"] == level]
        wanted = entering[entering["level"].isna() if level is None else entering["level"] == level]
        keskar = mine[mine["measure"] == "keskar"].set_index("cell_id")
        assert sorted(keskar.index) == sorted(set(wanted["cell_id"]))
        known = wanted.drop_duplicates("cell_id").set_index("cell_id")["gap"]
        assert (keskar["gap"] == known.loc[keskar.index]).all()
        found = one(run.frame("arm_correlations"), level=level, measure="keskar", arm="")
        assert found["rho"] == pytest.approx(stats.spearmanr(keskar["value"], keskar["gap"]).statistic)
        assert (found["n_runs"], found["n_replicates"]) == (len(keskar), arms.N_REPLICATES)


def test_a_run_of_two_arms_is_correlated_once():
    twice = [*arms.arms(), {**arms.arms()[0], "name": "again", "is_primary": False}]
    run = Evidence.of(arms.run(arms=twice))
    once = Evidence.of(arms.run())
    assert len(run.frame("arm_points")) > len(once.frame("arm_points"))
    pd.testing.assert_frame_equal(run.frame("arm_gaps"), once.frame("arm_gaps"))


def test_warm_starts_stand_beside_cold_ones_and_small_batches(run):
    frame = run.frame("arm_warm_starts")
    levels = run.frame("arm_levels")
    mine = frame[(frame["quantity"] == "test_accuracy") & frame["level"].isna()]
    assert mine["epochs"].dropna().tolist() == [0.0, *map(float, arms.WARM)]
    for arm, size, epochs in (("constant", 400, 0.0), ("constant", 20, None), ("warm-3", 400, 3.0)):
        found = mine[mine["epochs"].isna() if epochs is None else mine["epochs"] == epochs].iloc[0]
        wanted = one(levels, arm=arm, batch_size=size, level=None, quantity="test_accuracy")
        assert (found["estimate"], found["low"]) == (wanted["estimate"], wanted["low"])


def test_a_cold_run_differs_in_nothing_but_its_start(run):
    tasks = {label: dict(task) for label, task in run.manifest["tasks"].items()}
    tasks[arms.label(400)]["loss"] = "squared"
    other = Evidence.of(arms.run(tasks=tasks))
    mine = other.frame("arm_warm_starts")
    mine = mine[(mine["quantity"] == "test_accuracy") & mine["level"].isna() & (mine["epochs"] == 0)]
    levels = other.frame("arm_levels")
    wanted = one(levels, arm="equal-updates", batch_size=400, level=None, quantity="test_accuracy")
    assert mine["estimate"].tolist() == [wanted["estimate"]]
    assert Evidence.of(arms.run(arms=arms.arms()[:3])).frame("arm_warm_starts").empty
