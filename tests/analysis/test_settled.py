"""Settled and touched targets: what each makes of runs that come by and leave."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from optbench.analysis import analyze, arrange, select
from optbench.analysis.landscapes.coincide import coinciding
from optbench.analysis.landscapes.evidence import has_settling_times
from optbench.analysis.landscapes.ranking import ranking
from optbench.analysis.landscapes.scores import REACH
from optbench.analysis.landscapes.stability import stability
from optbench.analysis.landscapes.tuning import MEAN, analyze_tuning
from optbench.errors import DataError
from optbench.records import NEVER, Scoring, curve_steps

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


def test_a_target_settled_at_the_very_end_of_the_budget_counts():
    rows = [make_row("p1", "sgd", 0, "report", k, speed=0.2, g0=1.5 + k, is_default=True) for k in range(2)]
    rows[0]["settled"] = np.where(rows[0]["hits"] > 0, 200, rows[0]["hits"])
    times = arrange(pd.DataFrame(rows), make_manifest({"p1": "a"}, n_cells=2)).reported["p1", "sgd"].times
    assert times[0, 0, REACH] == 200


def noisy(curve, last):
    """Both ways of judging one run under noise."""
    row = make_row("p1", "sgd", 0, "report", 0, speed=0.1, is_default=True)
    f = 3.0 + 2.0 * np.asarray(curve)
    row |= {"f_start": f[0], "f_last": 3.0 + 2.0 * last, "f_best": f.min(), "curve_f": f}
    row |= {"curve_best": np.minimum.accumulate(f)}
    manifest = make_manifest({"p1": "a"}, n_cells=1, noise={"kind": "gaussian", "level": 1.0})
    return [arrange(pd.DataFrame([row]), manifest, scoring).reported["p1", "sgd"] for scoring in Scoring]


def test_under_noise_a_run_that_passes_and_leaves_settles_nowhere():
    steps = curve_steps(200)
    settled, touched = noisy([1e-5 if 5 <= k <= 9 else 1.0 for k in range(len(steps))], 0.7)
    assert touched.times[0, 0, REACH] == steps[4]
    assert np.isinf(settled.times[0, 0, REACH])
    # The last iterate is judged either way: the best of many noisy ones is luck.
    assert settled.gap[0, 0] == touched.gap[0, 0] == pytest.approx(0.7)
    np.testing.assert_array_equal(settled.curve, touched.curve)
    assert settled.curve[0, 0, -1] == pytest.approx(1.0)


def test_under_noise_a_run_settles_where_its_medians_stay():
    steps = curve_steps(200)
    curve = [1.0 if k < 8 else 1e-5 for k in range(len(steps))]
    curve[3:6] = [1e-5] * 3
    settled, touched = noisy(curve, 1e-5)
    assert touched.times[0, 0, REACH] == steps[2]
    assert settled.times[0, 0, REACH] == steps[7]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hits": np.full(51, 150)}, "targets must be touched before they are settled"),
        ({"hits": np.full(51, NEVER)}, "targets must be touched before they are settled"),
        ({"f_last": np.nan}, "rows of status ok must have a finite f_last; 1 have none"),
    ],
)
def test_times_that_contradict_each_other_and_missing_values_are_refused(change, message):
    row = make_row("p1", "sgd", 0, "report", 0, speed=0.3, is_default=True) | change
    with pytest.raises(DataError, match=message):
        arrange(pd.DataFrame([row]), make_manifest({"p1": "a"}, n_cells=1))


def test_entries_that_differ_in_the_last_value_alone_do_not_coincide():
    runs, manifest = make_runs(FAMILIES, ["adam", "sgd"])
    twins = runs[runs["optimizer"] == "adam"].assign(optimizer="twin")
    twins["cell_id"] = twins["cell_id"].str.replace("adam", "twin")
    both = pd.concat([runs, twins], ignore_index=True)
    for scoring in Scoring:
        evidence = arrange(both, manifest, scoring)
        assert ("adam", "twin") in coinciding(evidence, ["adam", "sgd", "twin"], FAMILIES, "tuned")
    both.loc[both["optimizer"] == "twin", "f_last"] *= 1 + 1e-13
    for scoring in Scoring:
        evidence = arrange(both, manifest, scoring)
        assert ("adam", "twin") not in coinciding(evidence, ["adam", "sgd", "twin"], FAMILIES, "tuned")


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


def test_the_flat_line_of_a_method_without_a_rate_has_the_interval_of_the_ranking():
    runs, manifest = make_runs(FAMILIES, ["adam", "nag"])
    manifest["optimizers"] = {"adam": {"grid": [0.1, 1.0, 10.0], "has_rate": True}}
    manifest["optimizers"]["nag"] = {"grid": [0.1, 1.0, 10.0], "has_rate": False}
    ranks = analyze(runs, manifest).ranking.set_index(["optimizer", "setting"]).loc[("nag", "default")]
    curve = analyze_tuning(runs, manifest, replicates=10).best_of_k
    line = curve[(curve["optimizer"] == "nag") & (curve["problem"] == MEAN)]
    assert len(line)
    for name, own in (("score", "score"), ("low", "score_low"), ("high", "score_high")):
        assert line[name].to_numpy() == pytest.approx(ranks[own], rel=1e-12)
