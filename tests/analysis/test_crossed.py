"""Intervals over seeds and test examples: by hand, and how often they hold."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats

from optbench.analysis.statistics.crossed import crossed, over_seeds


def test_the_interval_is_that_of_the_formula():
    """Two seeds, four examples; with one right and one wrong example added the columns are 1, 0.5, 0, 1, 0, 1."""
    right = np.array([[1.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0]])
    found = crossed(right.mean(axis=1), right.mean(axis=0), (0.0, 1.0))
    seeds, examples = (0.125**2 * 2) / 2, (3 * (5 / 12) ** 2 + (1 / 12) ** 2 + 2 * (7 / 12) ** 2) / 5 / 6
    assert found == pytest.approx((0.625, 3.5 / 6, seeds, examples, 2, 6))
    half = np.sqrt(stats.t.ppf(0.975, 1) ** 2 * seeds + stats.t.ppf(0.975, 5) ** 2 * examples)
    assert found.interval() == pytest.approx((3.5 / 6 - half, 3.5 / 6 + half))
    assert found.interval(0.0, 1.0) == (0.0, 1.0)


def test_all_right_is_no_certainty():
    low, high = crossed(np.ones(10), np.ones(360), (0.0, 1.0)).interval(0.0, 1.0)
    # Wilson's interval of 360 in 360 ends at 0.9894.
    assert 0.985 < low < 0.995
    assert high == 1.0


def test_equal_sides_differ_by_nothing_within_an_interval():
    low, high = crossed(np.zeros(3), np.zeros(100), (-1.0, 1.0)).interval()
    assert low == -high
    # Of 102 examples one is gained and one lost: their mean has the squared error 2/101/102.
    assert high == pytest.approx(stats.t.ppf(0.975, 101) * np.sqrt(2 / 101 / 102))


def test_one_seed_has_no_interval():
    assert np.isnan(crossed(np.array([0.9]), np.full(10, 0.9), (0.0, 1.0)).interval(0.0, 1.0)).all()


def test_over_seeds_has_the_resolution_of_its_examples():
    found = over_seeds(np.array([0.01, 0.01, 0.01]), 1000)
    assert found.estimate == pytest.approx(0.01)
    low, high = found.interval()
    assert 0.005 < low < 0.01 < high < 0.015
    # With spread it is Student's, a little wider.
    values = np.array([0.1, 0.2, 0.3])
    low, high = over_seeds(values, 10_000).interval()
    assert (low, high) == pytest.approx(stats.t.interval(0.95, 2, 0.2, values.std(ddof=1) / np.sqrt(3)), abs=1e-3)


def answers(rng, accuracy, n_seeds, n_examples, shared, between):
    """Right or wrong by a probit model: the difficulty of examples is shared by seeds, and seeds differ in skill."""
    clear = NormalDist().inv_cdf(accuracy) * np.sqrt(1 + between**2)
    hard = np.sqrt(shared) * rng.standard_normal(n_examples, np.float32)
    own = np.sqrt(1 - shared) * rng.standard_normal((n_seeds, n_examples), np.float32)
    return clear + between * rng.standard_normal((n_seeds, 1)) + hard + own > 0


#: Share of an example's difficulty that seeds have in common, and how much seeds differ; the last one is one
#: standard deviation of 0.9 points between seeds at an accuracy of 95 %.
WORLDS = ((0.5, 0.05), (0.8, 0.05), (0.9, 0.1))


@pytest.mark.slow
@pytest.mark.parametrize("n_seeds", [3, 10])
@pytest.mark.parametrize("n_examples", [360, 10_000])
def test_intervals_of_an_accuracy_cover(n_seeds, n_examples):
    """At least 94 % pooled over worlds at each accuracy; a binomial error of the simulation is allowed for."""
    rng = np.random.Generator(np.random.Philox(n_seeds + n_examples))
    times = 1200 if n_examples < 1000 else 400
    for accuracy in (0.9, 0.95, 0.97, 0.99):
        hits = 0
        for shared, between in WORLDS:
            for _ in range(times):
                right = answers(rng, accuracy, n_seeds, n_examples, shared, between)
                low, high = crossed(right.mean(axis=1), right.mean(axis=0), (0.0, 1.0)).interval(0.0, 1.0)
                hits += low <= accuracy <= high
        n = times * len(WORLDS)
        assert hits / n >= 0.94 - 2 * np.sqrt(0.94 * 0.06 / n), (accuracy, hits / n)


@pytest.mark.slow
@pytest.mark.parametrize("n_seeds", [3, 10])
@pytest.mark.parametrize("n_examples", [360, 10_000])
def test_intervals_of_a_paired_difference_cover(n_seeds, n_examples):
    """Two rules on the same seeds and examples, one two points better."""
    rng = np.random.Generator(np.random.Philox(n_seeds * n_examples))
    times = 1200 if n_examples < 1000 else 300
    for better in (0.92, 0.97, 0.99):
        hits = 0
        for shared, between in WORLDS:
            clear = [NormalDist().inv_cdf(share) * np.sqrt(1 + between**2) for share in (better, better - 0.02)]
            for _ in range(times):
                hard = np.sqrt(shared) * rng.standard_normal(n_examples, np.float32)
                sides = [
                    level
                    + between * rng.standard_normal((n_seeds, 1))
                    + hard
                    + np.sqrt(1 - shared) * rng.standard_normal((n_seeds, n_examples), np.float32)
                    > 0
                    for level in clear
                ]
                difference = sides[0].astype(float) - sides[1]
                low, high = crossed(difference.mean(axis=1), difference.mean(axis=0), (-1.0, 1.0)).interval()
                hits += low <= 0.02 <= high
        n = times * len(WORLDS)
        assert hits / n >= 0.94 - 2 * np.sqrt(0.94 * 0.06 / n), (better, hits / n)
