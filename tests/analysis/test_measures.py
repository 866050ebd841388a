"""Measures of contrasts against numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optbench.analysis.landscapes.contrasts.measures import MEASURES, even, late, width
from optbench.analysis.landscapes.evidence import Reported
from optbench.analysis.landscapes.sweep import Sweep
from optbench.records import curve_steps

COSTS = np.array(curve_steps(1000))


def reported(*, value: list[float], trials: list[int] | None = None, **more: Any) -> Reported:
    """Runs of configurations with these swept values on two starts; what is not given is zero."""
    c = len(value)
    trials = list(range(c)) if trials is None else trials
    sweep = Sweep("lr", np.arange(c), np.array(value), None, np.arange(c), np.array(trials), np.array(trials))
    flat, none = np.zeros((c, 2)), np.zeros((c, 2), dtype=bool)
    empty = {
        "sweep": sweep, "distance": np.zeros(2), "counted": np.ones((2, 51), dtype=bool), "last": flat,
        "best": flat, "times": np.full((c, 2, 51), np.inf), "score": flat, "curve": np.ones((c, 2, len(COSTS))),
        "diverged": none, "escaped": none, "failed": none,
    }  # fmt: skip
    return Reported(**{**empty, **more})


def test_even_is_the_mean_as_a_share_of_the_best():
    """Scores 0.2, 0.3, 0.7 on one start: their mean 0.4 is 4/7 of the best; no score at all is 0."""
    score = np.array([[0.2, 0.0], [0.3, 0.0], [0.7, 0.0]])
    np.testing.assert_allclose(even(reported(value=[0.1, 1.0, 10.0], score=score)), [[4 / 7, 0.0]] * 3)


def test_even_leaves_out_what_is_no_trial_and_starts_that_do_not_count():
    score = np.array([[0.2, 0.1], [0.4, 0.3], [1.0, 1.0]])
    counted = np.ones((2, 51), dtype=bool)
    counted[1] = False
    found = even(reported(value=[0.1, 1.0, 0.3], trials=[0, 1], score=score, counted=counted))
    np.testing.assert_allclose(found, [[0.75]] * 3)


def test_late_counts_decades_over_the_last_factor_of_ten():
    """A gap of 1/cost falls by a decade, 1/sqrt(cost) by half of one; costs are rounded, 79 to 794."""
    curve = np.stack([1.0 / np.maximum(COSTS, 1), 1.0 / np.sqrt(np.maximum(COSTS, 1))])
    found = late(reported(value=[0.1, 1.0], curve=np.stack([curve, curve], axis=1)))
    np.testing.assert_allclose(found, [[1.0, 1.0], [0.5, 0.5]], rtol=5e-3)


def test_late_of_a_run_that_stands_rises_arrives_or_fails_is_nothing():
    stands, rises = np.full(len(COSTS), 0.1), 1e-3 * np.maximum(COSTS, 1.0)
    arrived = np.where(COSTS < 50, 1.0, 0.0)
    failed = np.where(COSTS < 500, 1.0 / np.maximum(COSTS, 1), np.inf)
    curve = np.stack([np.stack([stands, rises]), np.stack([arrived, failed])])
    np.testing.assert_array_equal(late(reported(value=[0.1, 1.0], curve=curve)), np.zeros((2, 2)))


def test_late_takes_medians_and_the_floor_of_the_last_target():
    """One point out of three does not move an end; a gap of 0 counts as 1e-10."""
    curve = np.full(len(COSTS), 1e-4)
    curve[-10:] = 0.0
    curve[-2], curve[-12] = 5.0, 7.0
    np.testing.assert_allclose(late(reported(value=[1.0], curve=np.tile(curve, (1, 2, 1)))), [[6.0, 6.0]])


def test_late_averages_the_noise_seeds_of_a_start():
    """Two starts, two seeds each: seeds lie next to each other."""
    one = 1.0 / np.maximum(COSTS, 1)
    flat = np.full(len(COSTS), 0.5)
    curve = np.stack([one, flat, flat, flat])[None]
    np.testing.assert_allclose(late(reported(value=[1.0], curve=curve)), [[0.5, 0.0]], rtol=5e-3)


def test_late_needs_a_decade():
    assert late(reported(value=[1.0], curve=np.ones((1, 2, 12)))).tolist() == [[0.0, 0.0]]


def test_width_by_hand():
    """Rates 0.1, 1, 10 at costs 30, 20, 50: two are within 40; the end counts half a decade, the middle a whole."""
    costs = np.full((3, 2, 51), np.inf)
    costs[:, 0] = np.array([30.0, 20.0, 50.0])[:, None]
    np.testing.assert_allclose(width(reported(value=[0.1, 1.0, 10.0], times=costs)), [[1.5, 0.0]] * 3)


@pytest.mark.parametrize("name", MEASURES)
def test_measures_lie_between_zero_and_their_largest(name):
    rng = np.random.default_rng(0)
    hits = np.where(rng.random((4, 2, 51)) < 0.3, np.inf, rng.integers(1, 1000, (4, 2, 51)))
    curve = 10.0 ** rng.uniform(-14, 6, (4, 2, len(COSTS)))
    found = MEASURES[name].values(
        reported(value=[1e-3, 0.1, 1.0, 100.0], times=hits, score=rng.random((4, 2)), curve=curve)
    )
    assert found.shape == (4, 2)
    assert found.min() >= 0.0
    assert found.max() <= MEASURES[name].largest
