"""Spearman's rank correlation against SciPy's, and the coverage of its interval."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from optbench.analysis.statistics.rank_correlation import FEWEST, spearman


@pytest.mark.parametrize("n", [5, 12, 60])
def test_the_coefficient_is_scipys_with_ties(n):
    rng = np.random.default_rng(n)
    x, y = rng.integers(5, size=n), rng.normal(size=n).round(1)
    assert spearman(x, y).rho == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)


def test_order_alone_counts():
    rng = np.random.default_rng(0)
    x, y = np.exp(rng.normal(size=20)), rng.normal(size=20)
    first = spearman(x, y)
    assert spearman(np.log(x), y**3) == first
    swapped = spearman(x, -y)
    assert (swapped.rho, swapped.low, swapped.high) == pytest.approx((-first.rho, -first.high, -first.low))


def test_perfect_order_does_not_claim_certainty():
    found = spearman(np.arange(12), np.arange(12))
    assert found.rho == 1.0
    assert found.low < 0.95


def test_too_few_clusters_have_no_interval_and_a_constant_has_no_number():
    found = spearman(np.arange(6), np.arange(6), [0, 0, 1, 1, 2, 2])
    assert (found.n, found.n_clusters) == (6, FEWEST - 1)
    assert np.isnan([found.low, found.high]).all()
    assert np.isnan(spearman(np.ones(8), np.arange(8)).rho)
    assert spearman([], []).n == 0


def test_rows_of_one_cluster_are_no_independent_rows():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 10))
    alone = spearman(x, y)
    copied = spearman(np.repeat(x, 5), np.repeat(y, 5), np.repeat(np.arange(10), 5))
    naive = spearman(np.repeat(x, 5), np.repeat(y, 5))
    assert copied.high - copied.low > 1.5 * (naive.high - naive.low)
    assert copied.high - copied.low == pytest.approx(alone.high - alone.low, rel=0.35)


def test_what_has_no_order_is_refused():
    with pytest.raises(ValueError, match="same rows; got shapes"):
        spearman([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="must be finite"):
        spearman([1, np.nan], [1, 2])


def covered(n_replicates, means, spread, noise, n_samples, rng):
    """Returns how often the interval covers the coefficient of many replicates, each run at several sizes."""

    def draw(n):
        x = spread * rng.normal(size=(n, 1))
        y = 0.5 * x + spread * rng.normal(size=(n, 1))
        return tuple(side + mean + noise * rng.normal(size=(n, len(mean)))
                     for side, mean in zip((x, y), np.array(means, dtype=float), strict=True))  # fmt: skip

    truth = spearman(*(side.ravel() for side in draw(20_000)), np.zeros(20_000 * len(means[0]))).rho
    unit, hits = np.repeat(np.arange(n_replicates), len(means[0])), 0
    for _ in range(n_samples):
        found = spearman(*(side.ravel() for side in draw(n_replicates)), unit)
        hits += found.low <= truth <= found.high
    return hits / n_samples


@pytest.mark.parametrize("means", [((0, 2), (0, 1)), ((0, 1, 2, 3), (0, 0, 0.5, 1)), ((0, 0, 0), (0, 0, 0))])
def test_twelve_replicates_cover_at_least_94_percent(means):
    found = covered(12, means, 1.0, 0.3, 400, np.random.default_rng(2))
    assert found >= 0.94 - 2 * np.sqrt(0.95 * 0.05 / 400)


@pytest.mark.slow
@pytest.mark.parametrize("n", [6, 12])
@pytest.mark.parametrize("means", [((0, 2), (0, 1)), ((0, 1, 2, 3), (0, 0, 0.5, 1)), ((0, 0, 0), (0, 0, 0))])
def test_coverage_in_more_samples(n, means):
    assert covered(n, means, 1.0, 0.3, 1500, np.random.default_rng(n)) >= 0.94
