"""SAMME's update: scikit-learn's on the same base learners, the paper's formula, and errors that have no vote."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier

from optbench.engine.retraining.samme import equal_weights, update


def test_votes_errors_and_weights_are_scikit_learns_for_the_same_base_learners():
    """The base learner is deterministic: a tree fitted by the weights. Ours are fitted by our weights."""
    x, y = load_digits(return_X_y=True)
    tree = DecisionTreeClassifier(max_depth=2, random_state=0)
    theirs = AdaBoostClassifier(tree, n_estimators=25, random_state=0).fit(x, y)
    assert len(theirs.estimators_) == 25
    weights = equal_weights(len(y))
    for round_, boosted in enumerate(theirs.estimators_):
        # Theirs has another seed in each round, which decides between splits of equal worth.
        own = DecisionTreeClassifier(max_depth=2, random_state=boosted.random_state).fit(x, y, sample_weight=weights)
        found = update(weights, own.predict(x) != y, 10)
        np.testing.assert_allclose(found.error, theirs.estimator_errors_[round_], rtol=1e-9)
        np.testing.assert_allclose(found.vote, theirs.estimator_weights_[round_], rtol=1e-9)
        weights = found.weights
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert weights.max() > 10 / len(y)


def test_the_update_is_the_papers():
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    wrong = np.array([True, False, True, False])
    found = update(weights, wrong, 3)
    alpha = math.log(0.6 / 0.4) + math.log(2.0)
    assert found.error == pytest.approx(0.4)
    assert found.vote == pytest.approx(alpha)
    raised = weights * np.where(wrong, math.exp(alpha), 1.0)
    np.testing.assert_allclose(found.weights, raised / raised.sum())


def test_of_two_classes_those_that_were_wrong_have_half_of_the_weight_afterwards():
    wrong = np.random.default_rng(0).random(50) < 0.3
    found = update(equal_weights(50), wrong, 2)
    assert found.weights[wrong].sum() == pytest.approx(0.5)


@pytest.mark.parametrize(("n_classes", "share"), [(2, 0.5), (10, 0.9), (10, 0.95), (4, 1.0)])
def test_a_round_no_better_than_guessing_has_no_vote_and_weights_begin_anew(n_classes, share):
    weights = np.linspace(1.0, 2.0, 100)
    weights /= weights.sum()
    order = np.cumsum(weights) <= share + 1e-12
    wrong = order if order.any() else np.ones(100, bool)
    while math.fsum(weights[wrong]) < 1.0 - 1.0 / n_classes:
        wrong[np.flatnonzero(~wrong)[0]] = True
    found = update(weights, wrong, n_classes)
    assert found.vote == 0.0
    assert found.weights.tolist() == equal_weights(100).tolist()


def test_just_better_than_guessing_has_a_small_vote():
    wrong = np.arange(1000) < 899
    assert 0.0 < update(equal_weights(1000), wrong, 10).vote < 0.02


def test_a_round_without_an_error_votes_as_with_half_an_example_and_changes_no_weight():
    weights = np.array([0.5, 0.25, 0.125, 0.125])
    found = update(weights, np.zeros(4, bool), 3)
    assert found.error == 0.0
    assert found.vote == pytest.approx(math.log(7.0) + math.log(2.0))
    assert found.weights.tolist() == weights.tolist()
