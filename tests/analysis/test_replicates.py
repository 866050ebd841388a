"""Intervals over replicates: by hand, and how often they hold for each origin of test examples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.tree import DecisionTreeClassifier

from optbench.analysis.studies.replicates import Drawn, number_over, share_over


def tables(shared, times=10, n=360, seed=0):
    rng = np.random.default_rng(seed)
    hard = rng.random((1 if shared else times, n))
    return [*((hard < 0.9) & (rng.random((times, n)) < 0.98)).astype(float)]


def test_generated_replicates_are_single_numbers():
    found = share_over(tables(False), Drawn("generated", 0.5), (0.0, 1.0))
    means = np.array([table.mean() for table in tables(False)])
    low, high = stats.t.interval(0.95, 9, loc=means.mean(), scale=stats.sem(means))
    assert found.estimate == pytest.approx(means.mean())
    # One example at either end is added to 3600: hardly wider, and hardly nearer to one half.
    assert (found.low, found.high) == pytest.approx((low, high), abs=3e-4)
    assert found.high - found.low > high - low


def test_an_official_part_counts_its_examples_too():
    shared = share_over(tables(True), Drawn("official", 0.5), (0.0, 1.0))
    alone = share_over(tables(True), Drawn("generated", 0.5), (0.0, 1.0))
    assert shared.high - shared.low > 2 * (alone.high - alone.low)


def test_new_data_widen_splits_by_the_overlap():
    """s^2/R becomes s^2 (1/R + n_test/n_train); the small part of the two added examples is not widened."""
    narrow, wide = (share_over(tables(False), Drawn("split", 0.25), (0.0, 1.0), new_data=new) for new in (False, True))
    assert (wide.high - wide.low) / (narrow.high - narrow.low) == pytest.approx(np.sqrt(1 + 10 * 0.25), rel=0.02)
    for origin in ("generated", "official"):
        same = [share_over(tables(False), Drawn(origin, 0.25), (0.0, 1.0), new_data=new) for new in (False, True)]
        assert same[0] == same[1]


def test_one_replicate_has_no_interval():
    assert np.isnan(share_over(tables(False)[:1], Drawn("split", 0.25), (0.0, 1.0))[1:]).all()
    assert np.isnan(number_over(np.array([0.3]))[1:]).all()
    assert np.isnan(number_over(np.array([]))).all()
    assert number_over(np.array([0.3, np.nan]))[0] == 0.3


@pytest.mark.parametrize("origin", ["generated", "official"])
def test_intervals_of_a_gain_cover(origin):
    """Ten replicates on 360 examples; an ensemble that is right on two in a hundred more."""
    rng = np.random.Generator(np.random.Philox(9))
    times, hits = 1000, 0
    levels = [stats.norm.ppf(share) * np.sqrt(1 + 0.05**2) for share in (0.97, 0.95)]
    for _ in range(times):
        hard = np.sqrt(0.8) * rng.standard_normal((1 if origin == "official" else 10, 360))
        sides = [
            (level + 0.05 * rng.standard_normal((10, 1)) + hard + np.sqrt(0.2) * rng.standard_normal((10, 360)) > 0)
            for level in levels
        ]
        gains = sides[0].astype(float) - sides[1]
        found = share_over([*gains], Drawn(origin, 0.25), (-1.0, 1.0))
        hits += found.low <= 0.02 <= found.high
    assert hits / times >= 0.94 - 2 * np.sqrt(0.94 * 0.06 / times), hits / times


CENTERS = np.random.default_rng(0).normal(size=(10, 3, 12)) * 1.5


def drawn(rng, n):
    y, k = rng.integers(0, 10, n), rng.integers(0, 3, n)
    return CENTERS[y, k] + rng.normal(size=(n, 12)), y


def gain(rng, x, y, at, labels):
    """Returns by how much five bagged trees are more often right than one, by example."""
    seed = int(rng.integers(2**31))
    single = DecisionTreeClassifier(random_state=seed).fit(x, y).predict(at) == labels
    together = np.zeros((len(at), 10))
    for _ in range(5):
        rows = rng.integers(0, len(x), len(x))
        tree = DecisionTreeClassifier(random_state=seed).fit(x[rows], y[rows])
        together[:, tree.classes_] += tree.predict_proba(at)
    return (together.argmax(axis=1) == labels).astype(float) - single


@pytest.mark.slow
def test_splits_of_one_file_cover_new_data_only_with_the_wider_interval():
    """Ten splits of 600 rows: Student's interval covers less than 95 % of what new data give, the wider one more."""
    rng = np.random.Generator(np.random.Philox(3))
    truth = np.mean([gain(rng, *drawn(rng, 480), *drawn(rng, 10_000)).mean() for _ in range(60)])
    times, hits = 120, {False: 0, True: 0}
    for _ in range(times):
        x, y = drawn(rng, 600)
        found = []
        for _ in range(10):
            rows = rng.permutation(600)
            train, test = rows[120:], rows[:120]
            found.append(gain(rng, x[train], y[train], x[test], y[test]))
        for new in hits:
            over = share_over(found, Drawn("split", 120 / 480), (-1.0, 1.0), new_data=new)
            hits[new] += over.low <= truth <= over.high
    assert hits[True] / times >= 0.94, hits
    assert hits[False] < hits[True], hits
