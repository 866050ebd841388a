"""Ensembles: against scikit-learn's bagging and AdaBoost, and the gain over a single model."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_digits
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier
from sklearn.tree import DecisionTreeClassifier

from optbench.analysis.statistics.ensembles import averaged, gain, voted
from optbench.errors import DataError


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return x[:1200], y[:1200], x[1200:], y[1200:]


def test_averages_are_those_of_scikit_learn_s_bagging(digits):
    x, y, at, _ = digits
    bag = BaggingClassifier(DecisionTreeClassifier(max_depth=5), n_estimators=8, random_state=0).fit(x, y)
    members = np.stack([tree.predict_proba(at) for tree in bag.estimators_])
    found = averaged(members)
    np.testing.assert_allclose(found[-1], bag.predict_proba(at), atol=1e-12)
    np.testing.assert_allclose(found[2], members[:3].mean(axis=0))


def test_weighted_votes_are_those_of_scikit_learn_s_samme(digits):
    """After every round, by the weights that it found."""
    x, y, at, _ = digits
    boost = AdaBoostClassifier(DecisionTreeClassifier(max_depth=4), n_estimators=10, random_state=0).fit(x, y)
    answers = np.stack([tree.predict(at) for tree in boost.estimators_])
    found = voted(answers, 10, boost.estimator_weights_)
    expected = np.stack(list(boost.staged_predict(at)))
    assert (found == expected).mean() > 0.999  # equal votes may fall either way
    assert np.ptp(boost.estimator_weights_) > 0.1


def test_plain_votes_are_the_most_frequent_answers():
    answers = np.random.default_rng(0).integers(0, 4, (7, 50))
    found = voted(answers, 4)
    for m in range(1, 8):
        assert (found[m - 1] == stats.mode(answers[:m], axis=0).mode).all()


def test_votes_take_one_weight_for_each_member():
    with pytest.raises(DataError, match=r"each of 3 members must have one weight; got \(2,\)"):
        voted(np.zeros((3, 4), np.int64), 2, np.ones(2))


def test_a_gain_on_separate_test_parts_has_an_interval_over_replicates():
    rng = np.random.default_rng(1)
    single, ensemble = (rng.random((10, 500)) < share for share in (0.8, 0.9))
    found = gain(ensemble.astype(float), single.astype(float), shares_test=False)
    by_replicate = ensemble.mean(axis=1) - single.mean(axis=1)
    assert found.estimate == pytest.approx(by_replicate.mean())
    assert found.seeds == pytest.approx(by_replicate.var(ddof=1) / 10)
    half = stats.t.ppf(0.975, 9) * by_replicate.std(ddof=1) / np.sqrt(10)
    low, high = found.interval()
    # One example at either end of 500 is added: a little wider than Student's.
    assert half < (high - low) / 2 < 1.1 * half


def test_a_gain_on_one_test_part_has_an_interval_over_examples_too():
    rng = np.random.default_rng(2)
    hard = rng.random(300) < 0.1
    single, ensemble = np.tile(~hard, (10, 1)), np.ones((10, 300))
    found = gain(ensemble, single.astype(float), shares_test=True)
    assert found.seeds == pytest.approx(0.0, abs=1e-20)
    assert found.examples == pytest.approx(hard.var() / 300, rel=0.2)
    with pytest.raises(DataError, match="must have the same runs"):
        gain(ensemble, single[:9].astype(float), shares_test=True)


@pytest.mark.parametrize("shares_test", [True, False])
def test_intervals_of_a_gain_cover(shares_test):
    """Ten replicates on 360 examples; an ensemble that is right on two in a hundred more."""
    rng = np.random.Generator(np.random.Philox(9))
    times, hits = 1000, 0
    levels = [stats.norm.ppf(share) * np.sqrt(1 + 0.05**2) for share in (0.97, 0.95)]
    for _ in range(times):
        shape = (1, 360) if shares_test else (10, 360)
        hard = np.sqrt(0.8) * rng.standard_normal(shape)
        sides = [
            level
            + 0.05 * rng.standard_normal((10, 1))
            + hard
            + np.sqrt(0.2) * rng.standard_normal((10, 360))
            > 0
            for level in levels
        ]  # fmt: skip
        low, high = gain(*(side.astype(float) for side in sides), shares_test=shares_test).interval()
        hits += low <= 0.02 <= high
    assert hits / times >= 0.94 - 2 * np.sqrt(0.94 * 0.06 / times), hits / times
