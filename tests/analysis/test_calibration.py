"""Calibration: against scikit-learn and SciPy, and worlds whose calibration is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn import calibration as oracle
from sklearn import metrics

from optbench.analysis.statistics import calibration
from optbench.errors import DataError


def probabilities(n=400, classes=5, seed=0, sharpness=2.0):
    rng = np.random.default_rng(seed)
    p = np.exp(sharpness * rng.normal(size=(n, classes)))
    return p / p.sum(axis=1, keepdims=True), rng


def drawn(p, rng):
    """Labels that come up as often as the probabilities say."""
    return (rng.random((len(p), 1)) > p.cumsum(axis=1)).sum(axis=1).clip(0, p.shape[1] - 1)


def test_the_reliability_diagram_is_scikit_learn_s():
    """Of two classes: whether the prediction is right, against the confidence."""
    p, rng = probabilities()
    labels = drawn(p, rng)
    found = calibration.reliability(p, labels, bins=10)
    accuracy, confidence = oracle.calibration_curve(p.argmax(axis=1) == labels, p.max(axis=1), n_bins=10)
    some = found.n_examples > 0
    assert found.n_examples.sum() == 400
    np.testing.assert_allclose(found.accuracy[some], accuracy)
    np.testing.assert_allclose(found.confidence[some], confidence)


def test_a_bin_holds_its_upper_end():
    found = calibration.reliability(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0, 0]), bins=2)
    assert found.n_examples.tolist() == [1, 1]


def test_the_calibration_error_is_the_sum_of_its_definition():
    p, rng = probabilities(seed=2)
    labels = drawn(p, rng)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    expected = 0.0
    for b in range(15):
        inside = (confidence > b / 15) & (confidence <= (b + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert calibration.calibration_error(p, labels) == pytest.approx(expected)


def test_brier_and_likelihood_are_scikit_learn_s():
    p, rng = probabilities(seed=3)
    labels = drawn(p, rng)
    assert calibration.negative_log_likelihood(p, labels) == pytest.approx(metrics.log_loss(labels, p))
    by_class = [metrics.brier_score_loss(labels == c, p[:, c]) for c in range(5)]
    assert calibration.brier(p, labels) == pytest.approx(sum(by_class))


def test_true_probabilities_are_calibrated_and_sharpened_ones_are_not():
    p, rng = probabilities(100_000, seed=4)
    labels = drawn(p, rng)
    sharp = p**2 / (p**2).sum(axis=1, keepdims=True)
    assert calibration.calibration_error(p, labels) < 0.01
    too_sure = calibration.reliability(sharp, labels)
    full = too_sure.n_examples > 500
    assert (too_sure.confidence[full] > too_sure.accuracy[full]).all()
    assert calibration.calibration_error(sharp, labels) == pytest.approx(
        float((sharp.max(axis=1) - p.max(axis=1)).mean()), abs=0.01
    )


def test_a_probability_of_0_for_what_happened_is_a_finite_loss():
    p = np.array([[1.0, 0.0]], np.float32)
    assert calibration.negative_log_likelihood(p, np.array([1])) == pytest.approx(87.3365, abs=1e-3)


def test_the_spread_of_an_ensemble():
    """Entropies by SciPy, disagreement by all pairs, deviation by a loop."""
    p = np.stack([probabilities(30, 3, seed)[0] for seed in range(6)])
    mean, answers = p.mean(axis=0), p.argmax(axis=2)
    found = calibration.spread(p)
    information = stats.entropy(mean, axis=1) - stats.entropy(p, axis=2).mean(axis=0)
    assert found.information == pytest.approx(information.mean())
    apart = [(answers[a] != answers[b]).mean() for a in range(6) for b in range(a)]
    assert found.disagreement == pytest.approx(np.mean(apart))
    deviations = [np.std(p[:, j, mean[j].argmax()], ddof=1) for j in range(30)]
    assert found.deviation == pytest.approx(np.mean(deviations))


def test_equal_members_have_no_spread():
    assert calibration.spread(np.tile(probabilities()[0], (4, 1, 1))) == pytest.approx((0.0, 0.0, 0.0), abs=1e-12)


def test_what_is_no_distribution_is_refused():
    with pytest.raises(DataError, match="every row of probabilities must be at least 0 and sum to 1"):
        calibration.brier(np.array([[0.5, 0.2]]), np.array([0]))
    with pytest.raises(DataError, match=r"must have shape \(N, C\) for N labels; got \(2, 2\), \(3,\)"):
        calibration.calibration_error(np.full((2, 2), 0.5), np.zeros(3, np.int64))
    with pytest.raises(DataError, match=r"at least 2 members, shape \(M, N, C\); got \(1, 5, 2\)"):
        calibration.spread(np.full((1, 5, 2), 0.5))
