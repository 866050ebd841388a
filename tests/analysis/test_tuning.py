"""What tuning buys and costs: the order-statistics identity, the matrix, the cost, and who may see what."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from optbench.analysis import arrange, select
from optbench.analysis.landscapes.evidence import Arranged, Reported, Tuning
from optbench.analysis.landscapes.facts import Facts
from optbench.analysis.landscapes.selection import is_at_edge
from optbench.analysis.landscapes.sweep import Sweep
from optbench.analysis.landscapes.tuning import MEAN, Scored, analyze_tuning, best_of, matrix, order_weights
from optbench.analysis.statistics.ranges import range_share

from .synthetic import make_runs

FAMILIES = {"p1": "a", "p2": "b", "p3": "c"}


def random_runs(n_trials: int = 8, optimizers: tuple[str, ...] = ("adam", "sgd"), *, diverging: tuple[int, ...] = ()):
    """A random-tuned run: trials in Sobol order with two searched hyperparameters, the default behind them."""
    runs, manifest = make_runs(
        FAMILIES, list(optimizers), n_configs=n_trials + 1, n_tune=5, n_report=6, default=n_trials, diverging=diverging
    )
    rng = np.random.default_rng(3)
    rates = np.append(10.0 ** rng.uniform(-3, 2, n_trials), 1e-3)
    runs["swept_value"] = rates[runs["config"].to_numpy()]
    search = {"lr": {"low": 1e-3, "high": 1e2, "scale": "log", "source": ""}}
    manifest["optimizers"] = {
        name: {"swept": "lr", "has_rate": True, "grid": rates[:n_trials].tolist(), "search": search}
        for name in optimizers
    }
    return runs, manifest


def enumerated(tuning: np.ndarray, reported: np.ndarray, k: int) -> float:
    """The mean over all ways to try k trials: the reported score of the one that tunes best."""
    subsets = combinations(range(len(tuning)), k)
    return float(np.mean([reported[max(subset, key=lambda i: tuning[i])] for subset in subsets]))


@given(st.integers(2, 9), st.integers(0, 2**32 - 1))
def test_best_of_k_is_the_mean_over_all_ways_to_try_k(n_trials, seed):
    rng = np.random.default_rng(seed)
    tuning, reported = rng.random(n_trials), rng.random(n_trials)
    curve = best_of(tuning, reported, order_weights(n_trials))
    assert len(curve) == n_trials // 2
    np.testing.assert_allclose(
        curve, [enumerated(tuning, reported, k) for k in range(1, n_trials // 2 + 1)], rtol=1e-12
    )


@pytest.mark.parametrize("n_trials", [2, 16, 64, 1000])
def test_the_weights_are_those_of_the_identity(n_trials):
    weights = order_weights(n_trials)
    assert weights.shape == (n_trials // 2, n_trials)
    for k in {1, -(-n_trials // 4), n_trials // 2}:
        exact = [comb(n_trials - i, k - 1) / comb(n_trials, k) for i in range(1, n_trials + 1)]
        np.testing.assert_allclose(weights[k - 1], exact, rtol=1e-11, atol=0)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-12)


def test_equal_trials_go_to_the_one_with_the_smaller_rate():
    weights = order_weights(4)
    tie = np.array([0.5, 0.5 + 1e-15, 0.5, 0.1])
    assert best_of(tie, np.array([1.0, 0.0, 0.0, 0.0]), weights)[1] == pytest.approx(1 / 2)


def test_the_frame_follows_the_identity_on_each_problem_and_in_the_mean():
    runs, manifest = random_runs()
    frame = analyze_tuning(runs, manifest, replicates=50).best_of_k
    evidence = arrange(runs, manifest)
    assert sorted(frame["k"].unique()) == [1, 2, 3, 4]  # K / 2
    assert set(frame["problem"]) == {MEAN, *FAMILIES}
    for optimizer in ("adam", "sgd"):
        curves = []
        for problem in FAMILIES:
            tuning, reported = evidence.tuning[problem, optimizer], evidence.reported[problem, optimizer]
            order = tuning.sweep.trials
            assert len(order) == 8
            t, r = tuning.score.mean(axis=1)[order], reported.score.mean(axis=1)[order]
            curves.append([enumerated(t, r, k) for k in (1, 2, 3, 4)])
            mine = frame[(frame["problem"] == problem) & (frame["optimizer"] == optimizer)]
            np.testing.assert_allclose(mine["score"], curves[-1], rtol=1e-10)
        mine = frame[(frame["problem"] == MEAN) & (frame["optimizer"] == optimizer)]
        np.testing.assert_allclose(mine["score"], np.mean(curves, axis=0), rtol=1e-10)
        assert (mine["low"] <= mine["score"]).all()
        assert (mine["score"] <= mine["high"]).all()
        assert (mine["low"] < mine["high"]).all()


def test_a_method_without_a_rate_is_a_flat_line_at_its_default():
    runs, manifest = random_runs()
    manifest["optimizers"]["sgd"]["has_rate"] = False
    frame = analyze_tuning(runs, manifest, replicates=20).best_of_k
    reported = arrange(runs, manifest).reported["p1", "sgd"]
    mine = frame[(frame["problem"] == "p1") & (frame["optimizer"] == "sgd")]
    np.testing.assert_allclose(mine["score"], [reported.score[8].mean()] * 4, rtol=1e-12)
    other = frame[(frame["problem"] == "p1") & (frame["optimizer"] == "adam")]
    assert other["score"].nunique() == 4


def test_functions_that_are_never_ranked_enter_no_mean():
    runs, manifest = random_runs()
    manifest["problems"]["p2"]["tags"] = ["box_only"]
    result = analyze_tuning(runs, manifest, replicates=20)
    frame = result.best_of_k.set_index(["optimizer", "problem", "k"])["score"]
    assert frame["adam", MEAN, 2] == pytest.approx((frame["adam", "p1", 2] + frame["adam", "p3", 2]) / 2)
    assert set(result.gain["n_problems"]) == set(result.matrix["n_problems"]) == {2}


def test_the_cost_counts_every_trial_in_full():
    """8 trials and the default, 5 tuning starts, budget 200; stopped early or diverged."""
    runs, manifest = random_runs(diverging=(1, 2))
    stopped = runs["config"].isin([1, 2])
    runs.loc[stopped, "cost"] = 1.0
    runs.loc[stopped, "grad_evals"] = 1
    cost = analyze_tuning(runs, manifest, replicates=5).cost
    assert set(cost["cost"]) == {9 * 5 * 200}
    assert set(cost["runs"]) == {45}
    assert cost[["trials", "tune_starts"]].drop_duplicates().to_numpy().tolist() == [[9, 5]]


def test_a_diverged_trial_enters_best_of_k_with_a_score_of_zero():
    runs, manifest = random_runs(4, diverging=(0, 1, 2, 3))
    frame = analyze_tuning(runs, manifest, replicates=5).best_of_k
    assert (frame[["score", "low", "high"]] == 0).all().all()


def test_the_gain_has_the_means_of_the_three_settings():
    runs, manifest = random_runs()
    gain = analyze_tuning(runs, manifest, replicates=50).gain.set_index("optimizer")
    evidence = arrange(runs, manifest)
    choices = select(evidence.tuning, evidence.facts)
    for setting in ("default", "one_for_all", "tuned"):
        scores = [evidence.reported[p, "adam"].score[choices[setting, (p, "adam")].position].mean() for p in FAMILIES]
        assert gain.loc["adam", setting] == pytest.approx(np.mean(scores), rel=1e-12)
        assert gain.loc["adam", f"{setting}_low"] < np.mean(scores) < gain.loc["adam", f"{setting}_high"]
    assert gain.loc["adam", "edge_count"] == sum(choices["tuned", (p, "adam")].at_edge for p in FAMILIES)


def test_the_matrix_sets_each_default_against_each_tuned_rule():
    runs, manifest = random_runs(optimizers=("adam", "sgd", "nag"))
    frame = analyze_tuning(runs, manifest, replicates=50).matrix.set_index(["untuned", "tuned"])
    evidence = arrange(runs, manifest)
    choices = select(evidence.tuning, evidence.facts)

    def score(setting: str, problem: str, optimizer: str) -> float:
        at = choices[setting, (problem, optimizer)].position
        return float(evidence.reported[problem, optimizer].score[at].mean())

    assert len(frame) == 9
    for a, b in frame.index:
        by_problem = np.array([score("tuned", p, b) - score("default", p, a) for p in FAMILIES])
        row = frame.loc[(a, b)]
        assert row["difference"] == pytest.approx(by_problem.mean(), rel=1e-9)
        assert row["share"] == (by_problem <= 0).mean()
        assert row["low"] <= row["difference"] <= row["high"]


def test_frames_do_not_depend_on_the_order_of_rows():
    runs, manifest = random_runs()
    first = analyze_tuning(runs, manifest, replicates=30)
    second = analyze_tuning(runs.sample(frac=1, random_state=1), manifest, replicates=30)
    for name in ("best_of_k", "cost", "gain", "matrix"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name), check_exact=True)


def test_poisoned_report_rows_change_no_choice_among_drawn_trials():
    runs, manifest = random_runs(diverging=(3,))
    expected = arrange(runs, manifest)
    report = runs["split"] == "report"
    rng = np.random.default_rng(1)
    runs.loc[report, "status"] = "ok"
    runs.loc[report, "f_best"] = rng.random(int(report.sum())) + 3
    runs.loc[report, "hits"] = runs.loc[report, "hits"].map(lambda _: np.full(51, 1 + int(rng.integers(50))))
    runs.loc[report, "settled"] = runs.loc[report, "hits"]
    changed = arrange(runs, manifest)
    assert select(changed.tuning, changed.facts) == select(expected.tuning, expected.facts)


def with_the_best_default():
    """Runs of which the default, beside the trials, is best everywhere."""
    runs, manifest = random_runs()
    best = runs["config"] == 8
    for column in ("hits", "settled"):
        runs.loc[best, column] = runs.loc[best, column].map(lambda times: np.where(times > 1, 1, times))
    return runs, manifest


def test_a_default_beside_the_trials_is_a_candidate_where_every_entry_has_one():
    runs, manifest = with_the_best_default()
    evidence = arrange(runs, manifest)
    for choice in select(evidence.tuning, evidence.facts).values():
        assert choice.position == 8
    # It is no draw from the range, so best-of-k knows only the trials.
    assert sorted(analyze_tuning(runs, manifest, replicates=5).best_of_k["k"].unique()) == [1, 2, 3, 4]


def test_a_default_is_no_candidate_where_another_entry_has_it_among_its_trials():
    """Else that entry would have one trial less."""
    runs, manifest = with_the_best_default()
    on_grid = runs["optimizer"] == "sgd"
    runs.loc[on_grid, "is_default"] = runs.loc[on_grid, "config"] == 3
    runs = runs[~(on_grid & (runs["config"] == 8))]
    evidence = arrange(runs, manifest)
    for (setting, (_, optimizer)), choice in select(evidence.tuning, evidence.facts).items():
        if optimizer == "adam":
            assert (choice.position == 8) == (setting == "default")
    assert {len(t.sweep.candidates) for t in evidence.tuning.values()} == {8}


def test_a_reference_line_has_no_say_in_whether_defaults_are_candidates():
    runs, manifest = with_the_best_default()
    on_grid = runs["optimizer"] == "sgd"
    runs.loc[on_grid, "is_default"] = runs.loc[on_grid, "config"] == 3
    manifest["optimizers"]["sgd"]["ranked"] = False
    evidence = arrange(runs[~(on_grid & (runs["config"] == 8))], manifest)
    assert len(evidence.tuning["p1", "adam"].sweep.candidates) == 9


def test_a_run_without_tuning_shows_the_default_alone():
    runs, manifest = make_runs(FAMILIES, ["adam"], n_configs=1)
    runs = runs[runs["split"] == "report"]
    manifest |= {"optimizers": {"adam": {"swept": "lr", "grid": [], "search": {}}}, "n_cells": len(runs)}
    evidence = arrange(runs, manifest)
    assert {setting for setting, _ in select(evidence.tuning, evidence.facts)} == {"default"}
    result = analyze_tuning(runs, manifest, replicates=5)
    assert result.best_of_k.empty
    assert result.matrix.empty
    assert set(result.cost["cost"]) == {0}
    assert result.gain[["tuned", "one_for_all"]].isna().all().all()
    assert result.gain["default"].notna().all()


def drawn(shares: list[float]) -> Sweep:
    share = np.array(shares)
    order = np.argsort(share)
    return Sweep("lr", np.arange(len(share)), 10.0 ** (5 * share - 3), None, order, order, order, share)


@pytest.mark.parametrize(
    ("shares", "scores", "flagged"),
    [
        ([0.03, 0.5, 0.9], [0.5, 0.3, 0.1], True),
        ([0.03, 0.5, 0.9], [0.5, 0.495, 0.1], False),  # flat: a trial inside scores as much
        ([0.03, 0.05, 0.9], [0.5, 0.495, 0.1], True),  # a trial at the same edge says nothing
        ([0.03, 0.99, 0.5], [0.5, 0.495, 0.1], True),  # nor does one at the other
        ([0.07, 0.5, 0.9], [0.5, 0.3, 0.1], False),  # beyond the outer sixteenth
        ([0.5, 0.1, 0.95], [0.1, 0.2, 0.9], True),
        ([0.5, 0.1, 0.93], [0.1, 0.2, 0.9], False),
        ([0.01], [0.9], False),
    ],
)
def test_a_drawn_choice_is_at_the_edge_in_the_outer_sixteenth_unless_flat(shares, scores, flagged):
    assert is_at_edge(np.array(scores), drawn(shares), int(np.argmax(scores))) is flagged


def test_a_share_is_on_the_scale_of_its_range():
    values = np.array([0.001, 0.01, 0.5])
    log = {"low": 1e-3, "high": 1e-1, "scale": "log"}
    np.testing.assert_allclose(range_share(values, log), [0, 0.5, np.log10(500) / 2])
    np.testing.assert_allclose(range_share(values, {"low": 0.0, "high": 1.0, "scale": "linear"}), values)
    decay = {"low": 0.9, "high": 0.999, "scale": "complement"}
    np.testing.assert_allclose(range_share(np.array([0.99]), decay), [0.5])
    runs, manifest = random_runs()
    share = arrange(runs, manifest).tuning["p1", "adam"].sweep.share
    np.testing.assert_allclose(share, (np.log10(runs.groupby("config")["swept_value"].first()) + 3) / 5, atol=1e-9)


def one_problem(tune: dict[str, np.ndarray], report: dict[str, np.ndarray]) -> Arranged:
    """Rows of one problem, arranged, from scores (configurations, starts); the last configuration is the default."""
    tuning, reported = {}, {}
    for name, scores in tune.items():
        n = len(scores)
        order = np.arange(n - 1)
        sweep = Sweep("lr", np.arange(n), 10.0 ** np.arange(n), n - 1, np.arange(n), order, order)
        tuning["p1", name] = Tuning(sweep, scores)
        counted = np.ones((report[name].shape[1], 51), bool)
        nothing = np.zeros(0)
        unused = dict.fromkeys(("distance", "last", "best", "times", "curve", "diverged", "escaped", "failed"), nothing)
        reported["p1", name] = Reported(sweep=sweep, counted=counted, score=report[name], **unused)
    return Arranged({"p1": Facts("a", 2, 0.0, 1.0, 1e-6, None, True)}, 100.0, np.arange(1), tuning, reported)


def test_the_matrix_chooses_again_in_every_replicate():
    """Two trials tie in tuning and differ when reported: the interval must hold both outcomes."""
    toss = np.array([[0.1, 0.9, 0.1, 0.9], [0.9, 0.1, 0.9, 0.1], [0.0, 0.0, 0.0, 0.0]])
    report = np.repeat([[0.2], [0.8], [0.5]], 12, axis=1)
    row = matrix(Scored(one_problem({"adam": toss}, {"adam": report}), replicates=500)).iloc[0]
    assert row["difference"] == pytest.approx(-0.3)  # the tie goes to the smaller rate
    assert row["low"] == pytest.approx(-0.3)
    assert row["high"] == pytest.approx(0.3)
    assert row["share"] == 1.0


@pytest.mark.parametrize("spread", [0.0, 0.1])
def test_the_interval_of_a_difference_covers(spread):
    """The true difference at the chosen trial lies inside in at least 94 % of 300 simulated runs, less two errors."""
    rng = np.random.default_rng(11)
    strength = {
        "adam": 0.5 + spread * np.array([0.0, 1.0, 0.5, -1.0]),
        "sgd": 0.4 + spread * np.array([1.0, 0.0, 0.0, 0.0]),
    }
    inside = []
    for _ in range(300):
        start = 0.1 * rng.standard_normal(24)  # shared by both rules, as starts are
        tune = {n: s[:, None] + 0.1 * rng.standard_normal((4, 16)) for n, s in strength.items()}
        report = {n: s[:, None] + start + 0.1 * rng.standard_normal((4, 24)) for n, s in strength.items()}
        scored = Scored(one_problem(tune, report), replicates=200)
        row = matrix(scored).set_index(["untuned", "tuned"]).loc[("adam", "sgd")]
        chosen = scored.choices["tuned", ("p1", "sgd")].position
        inside.append(row["low"] <= strength["sgd"][chosen] - strength["adam"][3] <= row["high"])
    assert np.mean(inside) >= 0.94 - 2 * stats.sem(inside)
