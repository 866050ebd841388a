"""Settled and touched targets: what each makes of runs that come by and leave."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from optbench.analysis import analyze, arrange, select
from optbench.analysis.evidence import has_settling_times
from optbench.analysis.ranking import ranking
from optbench.analysis.scores import REACH
from optbench.analysis.stability import stability
from optbench.analysis.tuning import analyze_tuning
from optbench.errors import DataError
from optbench.records import NEVER, Scoring

from .synthetic import make_manifest, make_row, make_runs

FAMILIES = {"p1": "a", "p2": "b", "p3": "c"}


def passing(row):
    """The same run, but it ends where it began: every target is touched, none settled."""
    row |= {"f_last": row["f_start"], "f_tail": row["f_start"], "settled": np.where(row["hits"] == 0, 0, NEVER)}
    row["curve_f"] = np.r_[row["curve_f"][:-1], row["f_start"]]
    return row


def two_rates():
    """One entry at two rates: the larger one is fast and passes by, the smaller one is slow and stays."""
    rows = []
    for split, n in (("tune", 4), ("report", 6)):
        for start in range(n):
            g0 = 1.1 + start + 10 * (split == "tune")
            slow = make_row("p1", "sgd", 0, split, start, speed=0.1, g0=g0, lr=0.1, is_default=True)
            fast = make_row("p1", "sgd", 1, split, start, speed=2.0, g0=g0, lr=1.0)
            rows += [slow, passing(fast)]
    return pd.DataFrame(rows), make_manifest({"p1": "a"}, n_cells=len(rows))


def test_tuning_goes_by_the_targets_that_count():
    runs, manifest = two_rates()
    chosen = {}
    for scoring in Scoring:
        evidence = arrange(runs, manifest, scoring)
        chosen[scoring] = select(evidence.tuning, evidence.facts)["tuned", ("p1", "sgd")].position
    assert chosen == {Scoring.SETTLED: 0, Scoring.TOUCHED: 1}


def test_times_shares_and_gaps_follow_the_scoring():
    runs, manifest = two_rates()
    settled, touched = (arrange(runs, manifest, scoring).reported["p1", "sgd"] for scoring in Scoring)
    assert np.isinf(settled.times[1]).all()
    assert (settled.score[1] == 0).all()
    assert np.isfinite(touched.times[1, :, REACH]).all()
    assert (touched.score[1] > touched.score[0]).all()
    # The slow run only ever falls, so that both are the same to it.
    np.testing.assert_array_equal(settled.times[0], touched.times[0])
    np.testing.assert_allclose(settled.gap[1], 1.1 + np.arange(6))
    assert (touched.gap[1] < 1e-9).all()
    np.testing.assert_array_equal(settled.best, touched.best)
    np.testing.assert_array_equal(settled.counted, touched.counted)
    assert (settled.curve[1, :, -1] > 1).all()
    assert (touched.curve[1, :, -1] < 1e-9).all()


def test_the_summary_has_the_best_gap_beside_the_last():
    runs, manifest = two_rates()
    runs = runs[runs["config"] == 1].assign(config=0, is_default=True)
    manifest["n_cells"] = len(runs)
    line = analyze(runs, manifest, replicates=20).summary.iloc[0]
    assert line["gap_median"] == pytest.approx(3.6)
    assert line["best_median"] < 1e-9
    assert line["reach_count"] == 0
    line = analyze(runs, manifest, scoring=Scoring.TOUCHED, replicates=20).summary.iloc[0]
    assert line["gap_median"] == line["best_median"]
    assert line["reach_count"] == line["reach_starts"] == 6


def test_a_start_that_meets_a_target_and_leaves_is_left_out_for_everyone():
    """Whether it settles there later is nobody's merit to be counted from."""
    rows = [make_row("p1", "sgd", 0, "report", k, speed=0.2, g0=1.5 + k, is_default=True) for k in range(2)]
    rows[0]["hits"] = np.where(np.arange(51) <= REACH, 0, rows[0]["hits"])
    runs = pd.DataFrame(rows)
    counted = arrange(runs, make_manifest({"p1": "a"}, n_cells=2)).reported["p1", "sgd"].counted
    assert not counted[0, : REACH + 1].any()
    assert counted[1].all()


def test_rows_without_settling_times_can_be_scored_by_touched_targets_alone():
    runs, manifest = make_runs(FAMILIES, ["adam", "sgd"])
    old = runs.drop(columns="settled")
    mixed = runs.assign(settled=[None if k == 7 else v for k, v in enumerate(runs["settled"])])
    for rows in (old, mixed):
        assert not has_settling_times(rows)
        with pytest.raises(DataError, match="have no settling times: score by touched targets, or run the suite again"):
            arrange(rows, manifest)
    expected, found = (arrange(rows, manifest, Scoring.TOUCHED) for rows in (runs, old))
    for key, reported in expected.reported.items():
        np.testing.assert_array_equal(found.reported[key].score, reported.score)
    # A run that failed has no times in any case.
    failed = runs.assign(status="error", settled=None, hits=None)
    assert has_settling_times(failed)


def test_stability_ranks_by_each_way():
    runs, manifest = make_runs(FAMILIES, ["adam", "sgd"])
    runs = pd.DataFrame([passing(row) if row["optimizer"] == "adam" else row for row in runs.to_dict("records")])
    frame = stability(runs, manifest, replicates=50).set_index(["scoring", "setting", "optimizer"])
    for scoring in Scoring:
        evidence = arrange(runs, manifest, scoring)
        choices = select(evidence.tuning, evidence.facts)
        own = ranking(evidence, choices, manifest, replicates=50).set_index(["setting", "optimizer"])
        pd.testing.assert_frame_equal(frame.loc[str(scoring)], own)
    assert frame.loc[("settled", "tuned", "adam"), "score"] == 0
    assert frame.loc[("touched", "tuned", "adam"), "score"] > 0.1


def test_ranking_and_tuning_show_one_number_with_one_interval():
    runs, manifest = make_runs(FAMILIES, ["adam", "nag", "sgd"])
    manifest["optimizers"] = {name: {"grid": [0.1, 1.0, 10.0], "has_rate": True} for name in ("adam", "nag", "sgd")}
    ranks = analyze(runs, manifest).ranking.set_index(["optimizer", "setting"])
    gain = analyze_tuning(runs, manifest, replicates=10).gain.set_index("optimizer")
    for optimizer in gain.index:
        for setting in ("default", "one_for_all", "tuned"):
            row = ranks.loc[(optimizer, setting)]
            mine = [gain.loc[optimizer, f"{setting}{end}"] for end in ("", "_low", "_high")]
            assert mine == [row["score"], row["score_low"], row["score_high"]]
