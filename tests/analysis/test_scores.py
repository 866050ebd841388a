"""Gaps, hits and area scores of single runs, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from optbench.analysis.landscapes.scores import REACH, area_score, relative_gap, target_costs, target_levels
from optbench.records import GAP_TARGETS, N_TARGETS, SOLVED


def test_reach_is_the_gap_one_thousandth() -> None:
    assert GAP_TARGETS[REACH] == pytest.approx(1e-3)


def test_targets_are_fifty_gaps_and_solved() -> None:
    levels = target_levels(5.0, 2.0, 5.5)
    assert levels.shape == (N_TARGETS,)
    assert levels[REACH] == pytest.approx(5.002)
    assert levels[SOLVED] == 5.5


def test_area_score_of_three_runs_and_three_targets() -> None:
    """T = 10^4: t = 1, 10, 100, 1000, 10^4 score 1, 3/4, 1/2, 1/4, 0; a miss 0."""
    hits = np.array([[1.0, 10.0, 100.0], [1000.0, 1e4, np.inf], [np.inf, np.inf, np.inf]])
    everything = np.ones(3, bool)
    np.testing.assert_allclose(area_score(hits, everything, 1e4), [(1 + 0.75 + 0.5) / 3, 0.25 / 3, 0.0], atol=1e-15)


def test_a_target_met_by_the_start_is_left_out() -> None:
    hits = np.array([[np.inf, 10.0, np.inf]])
    np.testing.assert_allclose(area_score(hits, np.array([False, True, True]), 100.0), [0.25])
    assert np.isnan(area_score(hits, np.array([False, False, False]), 100.0)).all()


def test_hits_of_a_missed_run_or_beyond_the_budget_are_misses() -> None:
    hits = np.array([[5, -1, 0], [5, 7, 101]])
    costs = target_costs(hits, np.array([True, False]), 100.0)
    assert costs.tolist() == [[np.inf] * 3, [5.0, 7.0, np.inf]]


def test_gap_is_never_nan_and_never_negative() -> None:
    f = np.array([1.0 - 1e-12, np.nan, np.inf, -np.inf, 3.0])
    gap = relative_gap(f, 1.0, 2.0, np.array([False, False, False, True, False]))
    assert gap.tolist() == [0.0, np.inf, np.inf, np.inf, 1.0]


@given(arrays(np.float64, (4, 6), elements=st.floats(1, 1000) | st.just(np.inf)), st.integers(0, 3), st.integers(0, 5))
def test_missing_a_target_never_raises_a_score(hits: np.ndarray, run: int, target: int) -> None:
    counted = np.ones(6, bool)
    worse = hits.copy()
    worse[run, target] = np.inf
    before, after = area_score(hits, counted, 1000.0), area_score(worse, counted, 1000.0)
    assert ((before >= 0) & (before <= 1)).all()
    assert (after <= before).all()


@given(arrays(np.float64, (3, 5), elements=st.floats(1, 400)))
def test_double_cost_scores_less(hits: np.ndarray) -> None:
    counted = np.ones(5, bool)
    assert (area_score(2 * hits, counted, 1000.0) < area_score(hits, counted, 1000.0)).all()
