"""Permutation tests: against SciPy, exactly where all relabelings are tried, and by how often they reject."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from optbench.analysis.statistics.permutation import difference_of_means, pairs, two_samples
from optbench.errors import DataError


def ratio_of_variances(left, right):
    return float(np.log(left.var(ddof=1) / right.var(ddof=1)))


@pytest.mark.parametrize("statistic", [difference_of_means, ratio_of_variances])
@pytest.mark.parametrize(("test", "kind"), [(two_samples, "independent"), (pairs, "samples")])
def test_exact_p_values_are_those_of_scipy(statistic, test, kind):
    rng = np.random.default_rng(5)
    left, right = rng.normal(size=7), rng.normal(0.8, 1.5, 7)
    expected = stats.permutation_test(
        (left, right), statistic, permutation_type=kind, vectorized=False, n_resamples=np.inf
    )
    found = test(left, right, statistic)
    assert found.is_exact
    assert found.tried == {"independent": 3432, "samples": 128}[kind]
    assert found.statistic == pytest.approx(expected.statistic)
    # SciPy doubles the smaller tail; by difference of means, which is symmetric in relabeling, that is the same.
    tails = np.abs(expected.null_distribution) >= abs(expected.statistic) - 1e-12
    assert found.p == pytest.approx(tails.mean())
    if statistic is difference_of_means:
        assert found.p == pytest.approx(expected.pvalue)


@pytest.mark.parametrize(("test", "kind"), [(two_samples, "independent"), (pairs, "samples")])
def test_drawn_p_values_are_near_scipy_s(test, kind):
    """Both have a Monte-Carlo error of about ``sqrt(p (1 - p) / 9999)``."""
    rng = np.random.default_rng(8)
    left, right = rng.normal(size=30), rng.normal(0.35, 1.0, 30)
    expected = stats.permutation_test((left, right), difference_of_means, permutation_type=kind, vectorized=False)
    found = test(left, right, key=("near", kind))
    assert not found.is_exact
    assert found.tried == 9999
    assert 0.05 < found.p < 0.6
    assert found.p == pytest.approx(expected.pvalue, abs=4 * np.sqrt(2 * 0.25 / 9999))


def test_units_may_be_arrays():
    """Members with predictions of many examples are swapped whole."""
    rng = np.random.default_rng(3)
    left, right = rng.normal(size=(6, 20, 3)), rng.normal(size=(6, 20, 3)) * 3

    def wider(a, b):
        return float(a.var(axis=0).mean() - b.var(axis=0).mean())

    assert pairs(left, right, wider).p == 2 / 64
    assert two_samples(left, right, wider).p == 2 / 924


def test_equal_pairs_have_p_1():
    assert pairs(np.ones(4), np.ones(4)) == (0.0, 1.0, True, 16)


def test_a_drawn_p_value_is_never_0():
    far = two_samples(np.zeros(40), np.ones(40), drawn=99)
    assert far.p == 1 / 100


@pytest.mark.parametrize("test", [two_samples, pairs])
def test_true_hypotheses_are_rejected_as_often_as_stated(test):
    """Exact tests of 6 against 6 values: at most 5 % of 1500 worlds, within the simulation's error."""
    rng = np.random.default_rng(11)
    p = [test(*rng.exponential(size=(2, 6)), most_exact=10_000).p for _ in range(1500 if test is pairs else 300)]
    share = np.mean(np.array(p) <= 0.05)
    assert 0.01 < share <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / len(p))


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(DataError, match="both samples must have units; got 0 and 3"):
        two_samples(np.ones(0), np.ones(3))
    with pytest.raises(DataError, match="pairs must have two sides of one length, at least 1; got 2 and 3"):
        pairs(np.ones(2), np.ones(3))
