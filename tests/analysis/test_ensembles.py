"""Ensembles: against scikit-learn's bagging and AdaBoost."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_digits
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier
from sklearn.tree import DecisionTreeClassifier

from optbench.analysis.statistics.ensembles import averaged, voted
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
    with pytest.raises(DataError, match=r"each of 3 members must have one finite weight; got \[1.0, 1.0\]"):
        voted(np.zeros((3, 4), np.int64), 2, np.ones(2))
