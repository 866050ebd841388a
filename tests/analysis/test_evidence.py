"""Protocol sections 1 to 3, each by rows that break it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from optbench.analysis import analyze, arrange
from optbench.analysis.landscapes.scores import REACH
from optbench.errors import DataError
from optbench.records.landscapes import ROWS

from .synthetic import make_manifest, make_row, make_runs

FAMILIES = {"p1": "a", "p2": "b"}


def frame_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows)[list(ROWS.columns)]


def one_problem(report: list[dict[str, Any]]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Report rows of one optimizer's single configuration, with two tuning starts."""
    optimizer = report[0]["optimizer"]
    tune = [make_row("p1", optimizer, 0, "tune", k, speed=0.1, g0=1.1 + k, is_default=True) for k in range(2)]
    runs = frame_of(tune + report)
    return runs, make_manifest({"p1": "a"}, n_cells=len(runs))


@pytest.mark.parametrize("flagged", [True, False])
def test_a_run_below_f_star_is_a_miss(flagged: bool) -> None:
    """Even when nobody flagged it: f_best below f_star - 1e-9 f_scale is enough."""
    rows = [make_row("p1", "adam", 0, "report", k, speed=0.2, g0=1.5 + k) for k in range(4)]
    rows[2]["f_best"] = 3.0 - 2.0 * 2e-9
    rows[2]["escaped_at"] = 100 if flagged else -1
    runs, manifest = one_problem(rows)
    reported = arrange(runs, manifest).reported["p1", "adam"]
    assert np.isinf(reported.gap[0]).tolist() == [False, False, True, False]
    assert np.isinf(reported.times[0, 2]).all()
    assert reported.score[0, 2] == 0
    assert reported.escaped[0].tolist() == [False, False, True, False]
    assert np.isinf(reported.curve[0, 2, -1])
    assert np.isfinite(reported.curve[0, 2, 0]) == flagged


def test_rounding_below_f_star_is_no_escape() -> None:
    rows = [make_row("p1", "adam", 0, "report", k, speed=0.2) for k in range(2)]
    rows[0]["f_best"] = 3.0 - 2.0 * 0.5e-9
    runs, manifest = one_problem(rows)
    assert arrange(runs, manifest).reported["p1", "adam"].gap[0, 0] == 0.0


def test_a_run_beyond_ten_widths_is_a_miss_though_it_came_back() -> None:
    rows = [make_row("p1", "adam", 0, "report", k, speed=0.2) for k in range(2)]
    rows[1]["escaped_at"] = 3
    runs, manifest = one_problem(rows)
    reported = arrange(runs, manifest).reported["p1", "adam"]
    assert np.isinf(reported.gap[0, 1])
    assert np.isfinite(reported.curve[0, 1, :3]).all()
    assert np.isinf(reported.curve[0, 1, 3:]).all()


def test_a_diverged_run_scores_nothing_for_its_earlier_hits() -> None:
    rows = [make_row("p1", "adam", 0, "report", k, speed=0.2) for k in range(2)]
    rows[1].update(status="diverged", diverged_at=150, message="not finite")
    runs, manifest = one_problem(rows)
    reported = arrange(runs, manifest).reported["p1", "adam"]
    assert reported.score[0, 0] > 0
    assert reported.score[0, 1] == 0
    assert np.isinf(reported.gap[0, 1])


@pytest.mark.parametrize("status", ["error", "timeout", "oom"])
def test_a_failed_run_misses_everything_and_may_lack_everything(status: str) -> None:
    rows = [make_row("p1", "adam", 0, "report", k, speed=0.2) for k in range(2)]
    rows[1].update(status=status, hits=None, settled=None, curve_f=None, curve_best=None, f_best=np.nan, f_start=np.nan)
    runs, manifest = one_problem(rows)
    reported = arrange(runs, manifest).reported["p1", "adam"]
    assert reported.failed[0].tolist() == [False, True]
    assert np.isinf(reported.gap[0, 1])
    assert np.isinf(reported.curve[0, 1]).all()
    assert reported.score[0, 1] == 0


@pytest.mark.parametrize("told_by", ["hits", "f_start"])
def test_a_start_that_meets_a_target_is_left_out_for_everyone(told_by: str) -> None:
    """One optimizer's row tells it; the other's is left out too, and a later hit counts for nobody."""
    rows = []
    for optimizer in ("adam", "sgd"):
        rows += [make_row("p1", optimizer, 0, "tune", k, speed=0.1, g0=1.1 + k) for k in range(2)]
        rows += [make_row("p1", optimizer, 0, "report", k, speed=0.1, g0=1.5 + k) for k in range(3)]
    told = rows[3]
    hits = told["hits"].copy()
    if told_by == "hits":
        hits[: REACH + 1] = 0
        told["hits"] = hits
    else:
        told["f_start"] = 3.0 + 2.0 * 0.9e-3
    runs = frame_of(rows)
    evidence = arrange(runs, make_manifest({"p1": "a"}, n_cells=len(runs)))
    for optimizer in ("adam", "sgd"):
        counted = evidence.reported["p1", optimizer].counted
        assert not counted[1, : REACH + 1].any()
        assert counted[[0, 2]].all()
    table = analyze(runs, make_manifest({"p1": "a"}, n_cells=len(runs)), replicates=10).summary
    assert table["reach_starts"].tolist() == [2, 2]
    assert table["n_pairs"].tolist() == [3 * 51 - REACH - 1] * 2


def test_a_tuning_start_among_the_reported_ones_is_refused() -> None:
    runs, manifest = make_runs(FAMILIES, ["adam", "sgd"])
    copied = runs["problem"].eq("p2") & runs["split"].eq("report") & runs["start"].eq(5)
    source = runs["problem"].eq("p2") & runs["split"].eq("tune") & runs["start"].eq(2)
    for column in ("f_start", "curve_f", "curve_best", "hits", "settled", "f_best", "f_last"):
        runs.loc[copied, column] = pd.Series(runs.loc[source, column].to_numpy(), index=runs.index[copied])
    with pytest.raises(DataError, match="p2: tuning start 2 is among the reported ones, as start 5"):
        analyze(runs, manifest)


def test_a_cell_in_both_splits_is_refused() -> None:
    runs, manifest = make_runs(FAMILIES, ["adam"])
    runs.loc[runs["split"].eq("report") & runs["start"].eq(1), "cell_id"] = runs.loc[
        runs["split"].eq("tune") & runs["start"].eq(1), "cell_id"
    ].to_numpy()
    with pytest.raises(DataError, match="cells must appear once, in one split; 6 appear twice"):
        analyze(runs, manifest)


def test_starts_on_a_plateau_are_not_taken_for_one() -> None:
    """Where nothing moves, equal objectives say nothing about the points."""
    rows = [make_row("p1", "adam", 0, "report", k, speed=0.0, g0=1.0) for k in range(3)]
    rows += [make_row("p1", "adam", 0, "tune", k, speed=0.0, g0=1.0) for k in range(2)]
    runs = frame_of(rows)
    assert arrange(runs, make_manifest({"p1": "a"}, n_cells=5)).reported["p1", "adam"].gap.shape == (1, 3)


def test_costs_are_compared_on_the_cost_clock() -> None:
    """A rule that pays two gradients a step (as SAM) has every hit at twice the cost, and scores less."""
    rows = []
    for optimizer, price in (("plain", 1.0), ("double", 2.0)):
        for split, n in (("tune", 2), ("report", 6)):
            rows += [
                make_row("p1", optimizer, 0, split, k, speed=0.2, g0=1.2 + k + n, cost_per_step=price, is_default=True)
                for k in range(n)
            ]
    runs = frame_of(rows)
    result = analyze(runs, make_manifest({"p1": "a"}, n_cells=len(runs)), replicates=50)
    table = result.summary.set_index(["setting", "optimizer"])
    for setting in ("default", "tuned"):
        plain, double = table.loc[(setting, "plain")], table.loc[(setting, "double")]
        assert double["evals_median"] == 2 * plain["evals_median"]
        assert double["gap_median"] >= plain["gap_median"]
    scores = result.sensitivity.set_index("optimizer")["score_mean"]
    assert scores["double"] < scores["plain"]


def test_an_incomplete_grid_is_refused() -> None:
    runs, manifest = make_runs(FAMILIES, ["adam"])
    with pytest.raises(DataError, match="p1 under adam: there must be one row for each configuration and start"):
        analyze(runs.drop(index=3), manifest)


def test_unshared_starts_are_refused() -> None:
    runs, manifest = make_runs(FAMILIES, ["adam", "sgd"])
    with pytest.raises(DataError, match="p1: all optimizers must share the same report starts"):
        analyze(runs[~(runs["optimizer"].eq("sgd") & runs["split"].eq("report") & runs["start"].eq(7))], manifest)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("status", "solved", "status must be one of ok, diverged, error, timeout, oom; got 'solved'"),
        ("split", "test", "split must be one of tune, report; got 'test'"),
        ("f_best", np.nan, "rows of status ok must have a finite f_best; 1 have none"),
        ("problem", "p9", "p9"),
    ],
)
def test_rows_that_hide_something_are_refused(column: str, value: object, message: str) -> None:
    runs, manifest = make_runs(FAMILIES, ["adam"])
    runs.loc[0, column] = value
    with pytest.raises(DataError, match=message):
        arrange(runs, manifest)


def test_wrong_list_lengths_are_refused() -> None:
    runs, manifest = make_runs(FAMILIES, ["adam"])
    runs.at[0, "hits"] = np.array([1, 2], np.int32)
    with pytest.raises(DataError, match="hits: every row must have 51 entries or none"):
        arrange(runs, manifest)


def test_a_problem_without_scale_is_refused() -> None:
    runs, _ = make_runs(FAMILIES, ["adam"])
    with pytest.raises(DataError, match="p1: f_scale must be positive"):
        arrange(runs, make_manifest(FAMILIES, n_cells=len(runs), f_scale=0.0))
