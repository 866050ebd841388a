"""The frames of tables and plots: hand-worked numbers, invariances, and what must never happen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optbench.analysis import analyze, arrange
from optbench.analysis.landscapes.summarize import CONVERGENCE, SENSITIVITY, SUMMARY
from optbench.analysis.statistics.intervals import median_interval, wilson
from optbench.records import curve_steps
from optbench.records.landscapes import ROWS
from optbench.store import load, run_folder, shard_name, write_manifest, write_shard

from .synthetic import make_manifest, make_row, make_runs

FAMILIES = {"p1": "a", "p2": "b", "p3": "b"}


def same(a: pd.DataFrame, b: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(a, b, check_exact=True)


def test_frames_have_their_columns_and_rows() -> None:
    runs, manifest = make_runs(FAMILIES, ["adam", "sgd"], n_configs=4)
    result = analyze(runs, manifest, replicates=50)
    assert list(result.summary) == list(SUMMARY)
    assert list(result.convergence) == list(CONVERGENCE)
    assert list(result.sensitivity) == list(SENSITIVITY)
    assert len(result.summary) == 3 * 3 * 2
    assert len(result.convergence) == 18 * len(curve_steps(200))
    assert len(result.sensitivity) == 3 * 2 * 4
    assert result.escape.empty
    assert result.completeness.describe() == "288 cells: 288 ok"
    assert not result.summary.isna().any().any()


def test_the_default_row_worked_by_hand() -> None:
    """Six starts at budget 200: two reach 1e-3 at costs 50 and 100, one diverges, one escapes, one fails."""
    rows = [make_row("p1", "adam", 0, "tune", k, speed=0.1, g0=1.1 + k) for k in range(2)]
    for k, speed in enumerate([np.log(1e3) / 49.5, np.log(1e3) / 99.5, 0.02, 0.5, 0.5, 0.5]):
        rows.append(make_row("p1", "adam", 0, "report", k, speed=speed, g0=1.0))
    rows[5].update(status="diverged", diverged_at=10)
    rows[6].update(escaped_at=20)
    rows[7].update(status="timeout")
    for k, row in enumerate(rows):
        row.update(is_default=True, f_start=row["f_start"] + 1e-3 * k)
    runs = pd.DataFrame(rows)[list(ROWS.columns)]
    manifest = make_manifest({"p1": "a"}, n_cells=8)
    row = analyze(runs, manifest).summary.iloc[0]
    assert row["setting"] == "default"
    assert (row["family"], row["dim"], row["swept"], row["swept_value"]) == ("a", 2, "lr", 0.1)
    assert (row["n_starts"], row["reach_count"], row["reach_starts"], row["censored"]) == (6, 2, 6, 4)
    assert row["reach_share"] == pytest.approx(1 / 3)
    assert (row["reach_low"], row["reach_high"]) == wilson(2, 6)
    assert (row["diverged"], row["escaped"], row["failed"]) == (1, 1, 1)
    assert row["evals_median"] == np.inf
    assert row["gap_median"] == np.inf
    assert row["gap_high"] == np.inf
    times = np.array([50, 100, np.inf, np.inf, np.inf, np.inf])
    assert (row["evals_low"], row["evals_high"]) == median_interval(times)
    assert row["n_pairs"] == 6 * 51


def test_rows_in_any_order_give_the_same_bytes() -> None:
    runs, manifest = make_runs(FAMILIES, ["adam", "sgd"], n_configs=4, diverging=(3,))
    expected = analyze(runs, manifest, replicates=100)
    for seed in range(3):
        found = analyze(runs.sample(frac=1, random_state=seed), manifest, replicates=100)
        same(expected.summary, found.summary)
        same(expected.convergence, found.convergence)
        same(expected.sensitivity, found.sensitivity)
        assert expected.summary.to_csv() == found.summary.to_csv()


def test_another_optimizer_changes_no_row_of_the_others() -> None:
    runs, manifest = make_runs(FAMILIES, ["adam", "sgd"])
    alone = runs[runs["optimizer"] == "adam"]
    both = analyze(runs, manifest, replicates=100).summary
    one = analyze(alone, {**manifest, "n_cells": len(alone)}, replicates=100).summary
    same(both[both["optimizer"] == "adam"].reset_index(drop=True), one)


def test_equal_optimizers_tie_exactly() -> None:
    """A/A: the same rows under two names give the same numbers in every column."""
    runs, manifest = make_runs(FAMILIES, ["adam"])
    twin = runs.assign(optimizer="twin", cell_id=runs["cell_id"] + "twin")
    table = analyze(pd.concat([runs, twin]), {**manifest, "n_cells": 2 * len(runs)}, replicates=100).summary
    names = [c for c in table if c != "optimizer"]
    same(
        table.loc[table["optimizer"] == "adam", names].reset_index(drop=True),
        table.loc[table["optimizer"] == "twin", names].reset_index(drop=True),
    )


def test_equal_populations_rarely_have_disjoint_intervals() -> None:
    """A/A: thirty pairs of optimizers drawn from one population; disjoint 95 % intervals are rare."""
    disjoint = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        rows = []
        for optimizer in ("a", "b"):
            for split, n in (("tune", 8), ("report", 24)):
                for start in range(n):
                    for config in range(2):
                        speed = 0.05 * (config + 1) * np.exp(rng.normal(0, 0.4))
                        g0 = 1.0 + 0.01 * start + 0.3 * (split == "tune")
                        rows.append(make_row("p1", optimizer, config, split, start, speed=speed, g0=g0))
        runs = pd.DataFrame(rows)[list(ROWS.columns)]
        table = analyze(runs, make_manifest({"p1": "a"}, n_cells=len(runs)), seed=seed, replicates=100).summary
        a, b = table.iloc[0], table.iloc[1]
        disjoint.append(a["gap_high"] < b["gap_low"] or b["gap_high"] < a["gap_low"])
    assert np.mean(disjoint) <= 0.05


@pytest.mark.parametrize("change", ["diverged", "error", "escaped"])
def test_making_one_run_fail_never_raises_a_score(change: str) -> None:
    runs, manifest = make_runs(FAMILIES, ["adam", "sgd"], n_configs=3)
    before = analyze(runs, manifest, replicates=50)
    best_before = {k: t.score.mean(axis=1).max() for k, t in arrange(runs, manifest).tuning.items()}
    rng = np.random.default_rng(0)
    for row in rng.choice(len(runs), 12, replace=False):
        worse = runs.copy()
        if change == "escaped":
            worse.loc[row, "escaped_at"] = 1
        else:
            worse.loc[row, "status"] = change
        after = analyze(worse, manifest, replicates=50)
        assert (after.sensitivity["score_mean"] <= before.sensitivity["score_mean"]).all()
        assert (after.sensitivity["gap_median"] >= before.sensitivity["gap_median"]).all()
        best_after = {k: t.score.mean(axis=1).max() for k, t in arrange(worse, manifest).tuning.items()}
        assert all(best_after[k] <= best_before[k] for k in best_before)
        others = before.summary["optimizer"] != runs.loc[row, "optimizer"]
        same(before.summary[others], after.summary[others])
        if runs.loc[row, "split"] == "report":
            for up in ("gap_median", "gap_high", "evals_median", "evals_high", "censored"):
                assert (after.summary[up] >= before.summary[up]).all()
            for down in ("reach_count", "reach_low", "solved_count", "solved_low"):
                assert (after.summary[down] <= before.summary[down]).all()


def test_selection_widens_the_exact_interval_only_where_there_was_selection() -> None:
    runs, manifest = make_runs(FAMILIES, ["adam"], n_configs=4, n_tune=4, n_report=12)
    table = analyze(runs, manifest).summary
    evidence = arrange(runs, manifest)
    for row in table.itertuples():
        gaps = evidence.reported[row.problem, row.optimizer].gap[row.config]
        low, high = median_interval(gaps)
        assert row.gap_low <= low <= row.gap_median <= high <= row.gap_high
        if row.setting == "default":
            assert (row.gap_low, row.gap_high) == (low, high)
            assert (row.reach_low, row.reach_high) == wilson(row.reach_count, row.reach_starts)


def test_convergence_is_monotone_and_infinite_after_divergence() -> None:
    runs, manifest = make_runs({"p1": "a", "p2": "b"}, ["adam"], n_configs=2, default=1, diverging=(1,))
    runs.loc[runs["status"] == "diverged", "diverged_at"] = 50
    curves = analyze(runs, manifest, replicates=10).convergence
    default = curves[curves["setting"] == "default"]
    assert np.isfinite(default.loc[default["cost"] < 50, ["q25", "median", "q75"]]).all().all()
    assert np.isinf(default.loc[default["cost"] >= 50, ["q25", "median", "q75"]]).all().all()
    tuned = curves[(curves["setting"] == "tuned") & (curves["problem"] == "p1")]
    assert (np.diff(tuned["median"]) <= 0).all()
    assert (tuned["q25"] <= tuned["median"]).all()
    assert (tuned["median"] <= tuned["q75"]).all()
    # At cost 0 the curve is the median start.
    starts = (runs.loc[runs["problem"].eq("p1") & runs["split"].eq("report") & runs["config"].eq(0), "f_start"] - 3) / 2
    assert tuned["median"].iloc[0] == pytest.approx(starts.median())


def test_sensitivity_is_ordered_by_value_and_counts_divergence() -> None:
    runs, manifest = make_runs({"p1": "a"}, ["adam"], n_configs=4, diverging=(3,))
    runs["swept_value"] = runs["config"].map({0: 1.0, 1: 0.01, 2: 0.1, 3: 10.0})
    frame = analyze(runs, manifest, replicates=10).sensitivity
    assert frame["swept_value"].tolist() == [0.01, 0.1, 1.0, 10.0]
    assert frame["config"].tolist() == [1, 2, 0, 3]
    assert frame["diverged_share"].tolist() == [0, 0, 0, 1]
    assert frame["score_mean"].iloc[-1] == 0
    assert (frame["score_low"] <= frame["score_mean"]).all()
    assert (frame["score_mean"] <= frame["score_high"]).all()
    assert frame["score_high"].iloc[-1] > 0


def test_starts_that_meet_everything_leave_honest_gaps() -> None:
    """All starts already meet 1e-3: no share, no time, and no pretended number."""
    rows = [
        make_row("p1", "adam", 0, s, k, speed=0.1, g0=5e-4 - 1e-5 * k, is_default=True)
        for s in ("tune", "report")
        for k in range(7)
    ]
    for k, row in enumerate(rows):
        row["f_start"] += 1e-9 * k
    runs = pd.DataFrame(rows)[list(ROWS.columns)]
    row = analyze(runs, make_manifest({"p1": "a"}, n_cells=14), replicates=10).summary.iloc[0]
    assert row["reach_starts"] == 0
    assert np.isnan(row["reach_share"])
    assert (row["reach_low"], row["reach_high"]) == (0.0, 1.0)
    assert np.isnan(row["evals_median"])
    assert row["censored"] == 0
    assert row["solved_starts"] == 7


def test_no_rows_give_empty_frames_and_say_so() -> None:
    runs, manifest = make_runs({"p1": "a"}, ["adam"])
    result = analyze(runs.iloc[:0], manifest)
    assert result.summary.empty
    assert list(result.summary) == list(SUMMARY)
    assert list(result.convergence) == list(CONVERGENCE)
    assert list(result.sensitivity) == list(SENSITIVITY)
    assert result.completeness.describe() == "INCOMPLETE, 0 of 36 cells: none run"


def test_an_unfinished_run_is_judged_on_what_is_there() -> None:
    runs, manifest = make_runs(FAMILIES, ["adam", "sgd"])
    part = runs[~(runs["problem"].eq("p3") & runs["optimizer"].eq("sgd"))]
    result = analyze(part, manifest, replicates=20)
    assert len(result.summary) == 15
    assert not result.completeness.complete
    assert "INCOMPLETE, 180 of 216 cells" in result.completeness.describe()


def test_stored_rows_give_the_same_tables(tmp_path: Path) -> None:
    """Through Parquet and back, shard by shard, nothing changes."""
    runs, manifest = make_runs(FAMILIES, ["adam", "sgd"], n_configs=3, diverging=(2,))
    runs.loc[[0, 1], "status"] = "error"
    runs.loc[0, ["hits", "settled", "curve_f", "curve_best"]] = None
    folder = run_folder(tmp_path, "quick", "ab12")
    for (problem, optimizer), rows in runs.groupby(["problem", "optimizer"]):
        columns = {name: rows[name].tolist() for name in ROWS.columns}
        write_shard(folder, shard_name(str(problem), str(optimizer)), columns, schema=ROWS)
    write_manifest(folder, manifest)
    stored = load(folder)
    expected = analyze(runs, manifest, replicates=50)
    for rows in (stored.runs, stored.rows):
        found = analyze(rows, stored.manifest, replicates=50)
        assert expected.completeness == found.completeness
        for name in ("summary", "convergence", "sensitivity", "ranking"):
            assert getattr(expected, name).to_csv() == getattr(found, name).to_csv(), name
    assert len(stored.traces) == (len(runs) - 1) * len(curve_steps(200))
