"""Judging under noise: smoothed times of targets, the last iterate, clusters of noise seeds, costs of batches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from optbench.analysis import analyze
from optbench.analysis.landscapes.evidence import arrange
from optbench.analysis.landscapes.scores import REACH, area_score, smoothed_times
from optbench.errors import DataError
from optbench.records import GAP_TARGETS, SOLVED, Scoring, curve_steps

from .synthetic import make_manifest, make_row

BUDGET = 200
STEPS = np.array(curve_steps(BUDGET))


def row(start, seed, curve, *, split="report", config=0, problem="p", optimizer="sgd", trips=BUDGET, last=None):
    """A row with a given curve of relative gaps; all else follows from it."""
    made = make_row(problem, optimizer, config, split, start, speed=0.1, budget=trips, is_default=config == 0)
    f = 3.0 + 2.0 * np.asarray(curve, np.float64)
    made |= {
        "cell_id": f"{made['cell_id']}|{seed}",
        "noise_seed": seed,
        "f_start": f[0],
        "f_last": f[-1] if last is None else 3.0 + 2.0 * last,
        "f_best": f.min(),
        "f_tail": float(np.median(f[-3:])),
        "curve_f": f,
        "curve_best": np.minimum.accumulate(f),
    }
    return made


def judged(rows, **facts):
    runs = pd.DataFrame(rows).sample(frac=1.0, random_state=0)
    facts = {"noise": {"kind": "gaussian", "level": 1.0}, **facts}
    manifest = make_manifest({"p": "a"}, n_cells=len(rows), budget=BUDGET, **facts)
    return arrange(runs, manifest), analyze(runs, manifest, replicates=200)


def flat(value, first=1.0):
    return np.r_[first, np.full(len(STEPS) - 1, value)]


def wandering(seed, floor):
    """Gaps of a run that hovers about ``floor`` and once, by chance, comes very close."""
    rng = np.random.default_rng(seed)
    gaps = floor * rng.uniform(0.5, 2.0, len(STEPS))
    gaps[0] = 1.0
    gaps[rng.integers(5, len(gaps) - 5)] = 1e-9
    return gaps


def test_a_target_is_touched_at_the_first_of_three_points_whose_median_lies_below():
    steps = np.array([0, 1, 2, 3, 5, 8, 13])
    levels = np.array([1.0, 0.1])

    def of(*curve):
        return smoothed_times(np.array(curve), levels, steps, Scoring.TOUCHED).tolist()

    assert of(9, 9, 9, 9, 9, 9, 9) == [-1, -1]
    # A single good value in the middle is none, two of three are.
    assert of(9, 9, 0.05, 9, 9, 9, 9) == [-1, -1]
    assert of(9, 9, 0.05, 9, 0.5, 9, 9) == [2, -1]
    assert of(9, 9, 9, 0.05, 0.05, 9, 9) == [2, 2]
    # Equal to the level is below it; the last two points have no two after them.
    assert of(9, 9, 9, 9, 9, 1.0, 1.0) == [5, -1]
    assert of(9, 9, 9, 9, 9, 9, 1.0) == [-1, -1]
    # What the start meets by itself has cost 0; what only its successors meet has cost 1.
    assert of(1.0, 9, 0.5, 9, 9, 9, 9) == [0, -1]
    assert of(9, 1.0, 0.5, 9, 9, 9, 9) == [1, -1]
    assert of(9, np.inf, 0.5, 0.5, np.inf, np.inf, np.inf) == [1, -1]
    assert smoothed_times(np.ones(2), levels, steps[:2], Scoring.TOUCHED).tolist() == [-1, -1]


def test_a_target_is_settled_at_the_first_point_from_which_all_medians_lie_below():
    steps = np.array([0, 1, 2, 3, 5, 8, 13])
    levels = np.array([1.0, 0.1])

    def of(*curve):
        return smoothed_times(np.array(curve), levels, steps, Scoring.SETTLED).tolist()

    assert of(9, 9, 0.05, 9, 0.5, 9, 9) == [-1, -1]
    assert of(9, 9, 9, 0.05, 0.05, 9, 9) == [-1, -1]
    # One bad value in three is no departure, two are.
    assert of(9, 0.5, 0.5, 9, 0.05, 0.05, 0.05) == [1, 3]
    assert of(9, 0.5, 0.5, 9, 9, 0.05, 0.05) == [5, 5]
    assert of(9, 9, 9, 9, 0.5, 1.0, 9) == [3, -1]
    assert of(0.5, 9, 0.5, 0.5, 0.5, 0.5, 0.5) == [0, -1]
    assert of(0.05, 9, 9, 0.05, 0.05, 0.05, 9) == [2, 2]
    assert of(9, 0.5, 0.5, 0.5, 0.5, np.inf, np.inf) == [-1, -1]
    assert smoothed_times(np.ones(2), levels, steps[:2], Scoring.SETTLED).tolist() == [-1, -1]


@pytest.mark.parametrize("scoring", list(Scoring))
def test_smoothed_times_equal_a_slow_loop(scoring):
    rng = np.random.default_rng(0)
    curve = 10.0 ** rng.uniform(-4, 1, (3, 5, len(STEPS)))
    levels = 10.0 ** np.arange(0.0, -4.0, -0.5)
    found = smoothed_times(curve, levels, STEPS, scoring)
    for place in np.ndindex(3, 5):
        for k, level in enumerate(levels):
            below = [sorted(curve[place][i : i + 3])[1] <= level for i in range(len(STEPS) - 2)]
            one = scoring is Scoring.TOUCHED
            at = [i for i in range(len(below)) if (below[i] if one else all(below[i:]))]
            expected = -1 if not at else max(int(STEPS[at[0]]), 0 if curve[place][0] <= level else 1)
            assert found[(*place, k)] == expected


def test_the_protocols_example_best_so_far_hits_where_the_last_iterate_does_not():
    """On a noisy sphere nearly all runs come close once; hardly any stays there."""
    rows = [row(start, 0, wandering(start, 1e-2)) for start in range(40)]
    noisy, told = judged(rows)
    free = arrange(pd.DataFrame(rows), make_manifest({"p": "a"}, n_cells=len(rows), budget=BUDGET), Scoring.TOUCHED)
    assert (free.reported["p", "sgd"].gap < 1e-5).all()
    assert (noisy.reported["p", "sgd"].gap > 4e-3).all()
    five = GAP_TARGETS.index(min(GAP_TARGETS, key=lambda gap: abs(gap - 1e-5)))
    assert not np.isfinite(noisy.reported["p", "sgd"].times[..., five]).any()
    assert np.isfinite(noisy.reported["p", "sgd"].times[..., 4]).all()
    (line,) = told.summary.to_dict("records")
    assert line["noisy"]
    assert line["reach_count"] == 0
    assert 5e-3 <= line["gap_low"] <= line["gap_median"] <= line["gap_high"] <= 2e-2
    assert line["tail_median"] == pytest.approx(np.median([np.median(r["f_tail"]) for r in rows]) / 2 - 1.5, rel=1e-9)


def test_the_curve_under_noise_is_the_iterates_not_the_best_ones():
    noisy, told = judged([row(s, 0, wandering(s, 1e-2)) for s in range(7)])
    middle = told.convergence.set_index("cost")["median"]
    assert middle.index.tolist() == STEPS.tolist()
    expected = np.median([wandering(s, 1e-2) for s in range(7)], axis=0)
    np.testing.assert_allclose(middle.to_numpy(), expected, rtol=1e-9)
    assert noisy.costs["p"].tolist() == STEPS.tolist()


def test_noise_seeds_of_a_start_are_one_cluster():
    """Start 0 reaches 1e-3 under both seeds, start 1 under one, start 2 under none."""
    rows = [row(0, 0, flat(1e-4)), row(0, 1, flat(1e-4)), row(1, 0, flat(1e-4)), row(1, 1, flat(0.5))]
    rows += [row(2, 0, flat(0.5)), row(2, 1, flat(0.5))]
    noisy, told = judged(rows)
    reported = noisy.reported["p", "sgd"]
    assert reported.score.shape == reported.gap.shape == (1, 3)
    assert reported.reached[0, :, REACH].tolist() == [1.0, 0.5, 0.0]
    counted = np.ones(51, bool)

    def alone(value):
        levels = np.append(GAP_TARGETS, 1e-6)
        return float(area_score(np.where(levels >= value, 1.0, np.inf), counted, BUDGET))

    expected = [alone(1e-4), (alone(1e-4) + alone(0.5)) / 2, alone(0.5)]
    np.testing.assert_allclose(reported.score[0], expected, rtol=1e-12)
    assert reported.gap[0].tolist() == pytest.approx([1e-4, (1e-4 + 0.5) / 2, 0.5])
    assert reported.diverged.shape == (1, 6)
    (line,) = told.summary.to_dict("records")
    assert (line["n_starts"], line["n_seeds"], line["reach_count"], line["reach_starts"]) == (3, 2, 3, 3)
    assert line["reach_share"] == pytest.approx(0.5)
    assert line["censored"] == 2


def test_the_interval_of_a_share_knows_of_the_clusters():
    """Eight seeds that agree on each start are worth one: the interval is that of starts, not of runs."""
    starts = [row(s, k, flat(1e-4 if s % 2 else 0.5)) for s in range(16) for k in range(8)]
    mixed = [row(s, k, flat(1e-4 if (s + k) % 2 else 0.5)) for s in range(16) for k in range(8)]
    wide, narrow = (judged(rows)[1].summary.to_dict("records")[0] for rows in (starts, mixed))
    assert wide["reach_share"] == narrow["reach_share"] == 0.5
    assert wide["reach_high"] - wide["reach_low"] > 0.42
    assert narrow["reach_high"] - narrow["reach_low"] < 0.25
    sure = judged([row(s, k, flat(1e-4)) for s in range(16) for k in range(8)])[1].summary.to_dict("records")[0]
    assert 0.7 < sure["reach_low"] < 0.95
    assert sure["reach_high"] == 1.0


def test_a_missing_noise_seed_is_refused():
    rows = [row(s, k, flat(0.5)) for s in range(3) for k in range(2)]
    with pytest.raises(DataError, match="one row for each configuration and start and noise seed"):
        judged(rows[:-1])
    twice = [dict(r) for r in rows]
    twice[-1]["noise_seed"] = 0
    with pytest.raises(DataError, match="noise seed"):
        judged(twice)


def batched(size, reach_after):
    """Rows, arranged, of runs on a sum of 16 terms in batches; they fall below 1e-3 after some sample gradients."""
    trips = BUDGET * 16 // size
    steps = np.array(curve_steps(trips))
    curve = np.where(steps * size >= reach_after, 1e-4, 1.0)
    rows = [row(s, 0, curve, trips=trips) for s in range(4)]
    facts = {"noise": {"kind": "batch", "level": size}, "n_terms": 16, "batch_size": size, "trip_cost": size / 16}
    return judged(rows, **facts)[0]


def test_batch_sizes_of_one_sum_are_compared_at_equal_sample_gradients():
    evidence = {size: batched(size, 160) for size in (1, 2, 16)}
    scores = {size: found.reported["p", "sgd"].score[0, 0] for size, found in evidence.items()}
    # One point of the grid of costs, a tenth of a decade, and the window of three separate them at most.
    hits = {size: found.reported["p", "sgd"].times[0, 0, REACH] for size, found in evidence.items()}
    for size, cost in hits.items():
        steps = np.array(curve_steps(BUDGET * 16 // size))
        first = np.flatnonzero(steps * size >= 160)[0]
        assert cost == steps[first - 1] * size / 16
    levels = np.append(GAP_TARGETS, 1e-6) >= 1e-4
    for size, score in scores.items():
        expected = levels.mean() * (1 - np.log(hits[size] * 16) / np.log(BUDGET * 16))
        assert score == pytest.approx(expected, rel=1e-12)
    assert abs(scores[1] - scores[16]) < 0.1 * scores[1]
    assert evidence[2].costs["p"][-1] == pytest.approx(STEPS[-1], rel=0.3)
    assert evidence[2].costs["p"][1] == 2 / 16


def test_problems_of_different_curves_stand_in_one_frame():
    rows, trips = [], BUDGET * 4
    for start in range(3):
        rows.append(row(start, 0, np.geomspace(1.0, 1e-5, len(curve_steps(trips))), trips=trips, problem="b"))
        rows.append(row(start, 0, flat(0.1), problem="p"))
    manifest = make_manifest({"p": "a", "b": "a"}, n_cells=len(rows), budget=BUDGET)
    manifest["problems"]["b"] |= {"noise": {"kind": "batch"}, "n_terms": 8, "batch_size": 2, "trip_cost": 0.25}
    told = analyze(pd.DataFrame(rows), manifest, replicates=10)
    costs = told.convergence.groupby("problem")["cost"].max()
    assert costs["p"] == STEPS[-1]
    assert costs["b"] == curve_steps(trips)[-1] / 4
    assert told.summary["solved_share"].tolist() == [0.0, 1.0]
    assert told.summary["noisy"].tolist() == [True, False]


def test_a_hit_by_the_start_counts_for_nobody_under_noise_either():
    curve = flat(1e-5)
    rows = [row(0, 0, curve), row(1, 0, np.r_[1e-4, curve[1:]])]
    counted = judged(rows)[0].reported["p", "sgd"].counted
    assert counted[0].all()
    assert not counted[1, : REACH + 1].any()
    assert counted[1, SOLVED]
