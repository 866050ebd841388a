"""Rows that are drawn: with the probabilities that they shall have, from their generator alone."""

from __future__ import annotations

import numpy as np
from scipy import stats

from optbench.engine.retraining.drawing import by_weight, half, with_replacement


def rng(seed):
    return np.random.default_rng(seed)


def test_a_bootstrap_sample_draws_each_row_equally_often():
    counts = sum(np.bincount(with_replacement(40, rng(i)), minlength=40) for i in range(500))
    assert counts.sum() == 40 * 500
    assert stats.chisquare(counts).pvalue > 1e-3
    distinct = np.mean([len(set(with_replacement(200, rng(i)).tolist())) for i in range(200)])
    assert abs(distinct / 200 - (1 - (1 - 1 / 200) ** 200)) < 0.005


def test_rows_are_drawn_by_their_weights():
    weights = np.arange(30, dtype=float)
    weights /= weights.sum()
    counts = sum(np.bincount(by_weight(weights, rng(i)), minlength=30) for i in range(1000))
    assert counts[0] == 0
    assert stats.chisquare(counts[1:], 30 * 1000 * weights[1:]).pvalue > 1e-3


def test_a_number_at_the_end_is_a_row_that_has_weight():
    class Last:
        def random(self, n):
            return np.full(n, 1.0)

    assert by_weight(np.array([0.5, 0.5, 0.0]), Last()).tolist() == [1, 1, 1]


def test_half_of_the_rows_without_replacement():
    counts = sum(np.bincount(half(21, rng(i)), minlength=21) for i in range(2000))
    rows = half(21, rng(5))
    assert len(set(rows.tolist())) == len(rows) == 10
    assert stats.chisquare(counts).pvalue > 1e-3


def test_draws_hang_on_their_generator_alone():
    assert with_replacement(50, rng(1)).tolist() == with_replacement(50, rng(1)).tolist()
    assert with_replacement(50, rng(1)).tolist() != with_replacement(50, rng(2)).tolist()
    for rows in (with_replacement(50, rng(1)), by_weight(np.ones(50), rng(1)), half(50, rng(1))):
        assert rows.dtype == np.int64
        assert (np.diff(rows) >= 0).all()
