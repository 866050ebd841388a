"""Intervals against published and computed values, and their coverage in simulation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from optbench.analysis.statistics.intervals import (
    generator,
    hull,
    mean_interval,
    median_interval,
    order_weights,
    percentile_interval,
    quantiles,
    student_quantile,
    wilson,
)


@pytest.mark.parametrize(("count", "n"), [(0, 10), (1, 10), (8, 10), (10, 10), (15, 32), (32, 32), (81, 263)])
def test_wilson_agrees_with_scipy(count: int, n: int) -> None:
    expected = stats.binomtest(count, n).proportion_ci(method="wilson")
    np.testing.assert_allclose(wilson(count, n), (expected.low, expected.high), atol=1e-12)


def test_wilson_published_value() -> None:
    """Newcombe 1998, Statistics in Medicine 17, table I: 81/263 and 1/29."""
    np.testing.assert_allclose(wilson(81, 263), (0.2553, 0.3662), atol=5e-5)
    np.testing.assert_allclose(wilson(1, 29), (0.0061, 0.1718), atol=5e-5)


def test_wilson_without_trials_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("n", [16, 31, 32, 100])
def test_wilson_covers_ninety_five_percent_on_average_over_shares(n: int) -> None:
    shares = np.linspace(0, 1, 2001)
    ends = np.array([wilson(k, n) for k in range(n + 1)])
    inside = (ends[:, :1] <= shares) & (shares <= ends[:, 1:])
    coverage = (inside * stats.binom.pmf(np.arange(n + 1)[:, None], n, shares)).sum(axis=0)
    assert coverage.mean() >= 0.95
    assert coverage[(shares > 0.1) & (shares < 0.9)].min() > 0.91


@pytest.mark.parametrize("n", [6, 7, 10, 15, 20, 31, 32, 48, 100, 301])
def test_order_statistics_bracket_the_level(n: int) -> None:
    weights = order_weights(n)
    assert weights is not None
    d, weight = weights
    outer = 1 - 2 * stats.binom.cdf(d - 1, n, 0.5)
    inner = 1 - 2 * stats.binom.cdf(d, n, 0.5)
    assert outer >= 0.95 > inner
    share = (outer - 0.95) / (outer - inner)
    assert weight == pytest.approx((n - d) * share / (d + (n - 2 * d) * share), abs=1e-12)
    assert 0 <= weight <= 1


def test_median_interval_of_ten_values_worked_by_hand() -> None:
    """n = 10: the 2nd to 9th cover 97.85 %, the 3rd to 8th 89.06 %; I = 0.3244, weight = 8 I / (2 + 6 I)."""
    share = (1002 / 1024 - 0.95) / (90 / 1024)
    weight = 8 * share / (2 + 6 * share)
    x = np.exp(np.arange(10.0))
    np.testing.assert_allclose(np.log(median_interval(x)), (1 + weight, 8 - weight), atol=1e-12)


def test_small_samples_say_nothing() -> None:
    assert median_interval(np.arange(1.0, 6.0)) == (0.0, np.inf)
    assert median_interval(np.array([])) == (0.0, np.inf)
    assert np.isfinite(median_interval(np.arange(1.0, 7.0))[1])


def test_infinity_and_zero_move_ends_outwards_only() -> None:
    n = 32
    d, _ = order_weights(n) or (0, 0.0)
    x = np.arange(1.0, n + 1)
    x[n - d :] = np.inf
    assert median_interval(x)[1] == np.inf
    assert np.isfinite(median_interval(x)[0])
    zeros = np.concatenate([np.zeros(d), np.arange(1.0, n - d + 1)])
    assert median_interval(zeros)[0] == 0.0
    assert median_interval(np.full(n, np.inf)) == (np.inf, np.inf)
    assert median_interval(np.zeros(n)) == (0.0, 0.0)


@pytest.mark.parametrize("freedom", [4, 8, 17, 33])
def test_student_quantile_agrees_with_scipy(freedom: int) -> None:
    assert student_quantile(freedom, 0.975) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-3)


def test_quantiles_agree_with_numpy_where_finite_and_are_never_nan() -> None:
    values = np.random.default_rng(0).random((9, 5))
    np.testing.assert_allclose(
        quantiles(values, (0.0, 0.25, 0.6, 1.0)), np.quantile(values, (0.0, 0.25, 0.6, 1.0), axis=0)
    )
    values[5:] = np.inf
    found = quantiles(values, (0.25, 0.5, 0.75))
    assert np.isfinite(found[:2]).all()
    assert np.isinf(found[2]).all()


def test_percentile_interval_and_hull() -> None:
    assert percentile_interval(np.arange(1001.0)) == (25.0, 975.0)
    assert percentile_interval(np.concatenate([np.zeros(90), np.full(10, np.inf)])) == (0.0, np.inf)
    assert hull((0.1, 0.5), (0.2, np.inf)) == (0.1, np.inf)


def test_generator_depends_on_its_identity_alone() -> None:
    assert generator(0, "a").random() == generator(0, "a").random()
    assert generator(0, "a").random() != generator(0, "b").random()


SAMPLES: dict[str, tuple[Callable[[np.random.Generator, tuple[int, int]], np.ndarray], float]] = {
    "uniform": (lambda rng, shape: rng.random(shape), 0.5),
    "six decades": (lambda rng, shape: np.exp(3 * rng.standard_normal(shape)), 1.0),
    "exponential": (lambda rng, shape: rng.exponential(size=shape), np.log(2)),
    "40 % missed": (lambda rng, shape: np.where((u := rng.random(shape)) < 0.6, 1 + u, np.inf), 1.5),
    "two clusters": (
        lambda rng, shape: np.where(rng.random(shape) < 0.6, 1e-8, 1.0) * np.exp(0.3 * rng.standard_normal(shape)),
        1e-8 * np.exp(0.3 * stats.norm.ppf(5 / 6)),
    ),
    "counts": (lambda rng, shape: rng.geometric(0.1, shape).astype(float), 7.0),
}


@pytest.mark.parametrize("n", [8, 16, 31, 32, 48])
@pytest.mark.parametrize("name", SAMPLES)
def test_median_intervals_cover(name: str, n: int) -> None:
    """At least 94 % of 4,000 samples, less two standard errors of the simulation."""
    draw, median = SAMPLES[name]
    samples = draw(np.random.default_rng(n), (4000, n))
    ends = np.array([median_interval(x) for x in samples])
    assert ((ends[:, 0] <= median) & (median <= ends[:, 1])).mean() >= 0.94 - 2 * np.sqrt(0.94 * 0.06 / 4000)


@pytest.mark.parametrize("n", [16, 32])
@pytest.mark.parametrize("hit", [0.01, 0.05, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("value", [0.3, 1.0, None])
def test_mean_intervals_cover(n: int, hit: float, value: float | None) -> None:
    """Rare hits included, where a sample has no spread at all."""
    rng = np.random.default_rng(n)
    worth = rng.random((20000, n)) if value is None else np.full((20000, n), value)
    low, high = mean_interval(np.where(rng.random((20000, n)) < hit, worth, 0.0))
    mean = hit * (0.5 if value is None else value)
    assert ((low <= mean) & (mean <= high)).mean() >= 0.94
    assert ((low >= 0) & (high <= 1)).all()
