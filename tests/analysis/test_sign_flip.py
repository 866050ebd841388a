"""The sign-flip test against SciPy's, against patterns counted by hand, and its size."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from optbench.analysis.statistics.sign_flip import MOST_PAIRS, sign_flip, smallest_p


def drawn(n, seed, shift=0.3):
    return np.random.default_rng(seed).standard_t(4, n) + shift


def by_hand(differences):
    """Returns the share of all patterns whose sum is at least as large, each pattern written out."""
    patterns = [sum(s * d for s, d in zip(p, differences, strict=True))
                for p in itertools.product((1, -1), repeat=len(differences))]  # fmt: skip
    return np.mean([abs(found) >= abs(sum(differences)) - 1e-9 for found in patterns])


@pytest.mark.parametrize("n", [2, 3, 6, 12])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_scipys_exact_test(n, seed):
    differences = drawn(n, seed)
    theirs = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf)
    found = sign_flip(differences)
    assert found.p == pytest.approx(theirs.pvalue, abs=1e-12)
    assert (found.n_patterns, found.is_exact) == (2**n, True)


@pytest.mark.parametrize(
    "differences",
    [
        [0.01, 0.01, 0.02, -0.01],
        [0.0, 0.0, 0.3, -0.1],
        [0.1, 0.2, -0.3],
        [1 / 3, 1 / 3, 1 / 3, -1 / 3, 0.0],
        [0.1] * 7,
    ],
)
def test_ties_and_zeros_are_counted_as_by_hand(differences):
    """Differences of shares are multiples of one example, so that many patterns tie but for rounding."""
    assert sign_flip(differences).p == pytest.approx(by_hand(differences), abs=1e-12)


def test_known_answers():
    assert sign_flip([1.0, 2.0, 3.0]).p == 0.25
    assert sign_flip([0.0, 0.0, 0.0]).p == 1.0
    assert sign_flip([]).p == 1.0
    assert sign_flip([5.0]).p == 1.0
    assert sign_flip(np.arange(1, 13)).p == smallest_p(12) == 2 / 2**12


def test_zeros_and_scale_change_nothing():
    differences = drawn(8, 3)
    p = sign_flip(differences).p
    assert sign_flip([*differences, 0.0, 0.0]).p == p
    assert sign_flip(-1e6 * differences).p == p


def test_five_pairs_cannot_come_below_five_percent():
    assert sign_flip([1.0] * 5).p == smallest_p(5) == 0.0625
    assert sign_flip([1.0] * 6).p == smallest_p(6) == 0.03125


def test_beyond_twenty_pairs_patterns_are_drawn_and_it_says_so():
    differences = drawn(MOST_PAIRS + 1, 1)
    found = sign_flip(differences)
    assert (found.n_patterns, found.is_exact) == (100_000, False)
    exact = np.zeros(1)
    for value in differences:
        exact = np.concatenate([exact + value, exact - value])
    truth = (np.abs(exact) >= abs(differences.sum()) - 1e-12).mean()
    assert found.p == pytest.approx(truth, abs=5 * np.sqrt(truth * (1 - truth) / 100_000) + 1e-5)
    assert sign_flip(differences) == found
    assert sign_flip(differences, draws=1000).p != found.p


def test_drawn_p_values_are_never_zero():
    assert sign_flip([1.0] * 30, draws=99).p >= 1 / 100


def test_its_size_is_at_most_the_level():
    """For symmetric differences, p <= 0.05 in at most 5 % of samples, but for the error of 2000."""
    rng = np.random.default_rng(7)
    hits = np.mean([sign_flip(rng.standard_cauchy(8)).p <= 0.05 for _ in range(2000)])
    assert hits <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)


def test_what_is_not_finite_is_refused():
    with pytest.raises(ValueError, match=r"differences must be finite; got \[nan, inf\]"):
        sign_flip([1.0, np.nan, np.inf])
