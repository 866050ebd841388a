"""Holm's correction, and critical-difference groups by pairwise Wilcoxon tests."""

from __future__ import annotations

import numpy as np

from optbench.analysis.statistics.arrays import Bools, Floats, Ints
from optbench.analysis.statistics.intervals import LEVEL


def holm(p: Floats) -> Floats:
    """Returns Holm's adjusted p-values: reject where they are at most the level.

    Args:
        p: p-values of all tests, shape (m,).

    Returns:
        ``max over j <= i of min(1, (m - j + 1) p_(j))`` for the i-th smallest, shape (m,).

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
        [0.03, 0.06, 0.06]

    Source: Holm 1979, Scand. J. Statist. 6, 65-70.
    """
    order = np.argsort(p, kind="stable")
    steps = np.minimum(p[order] * np.arange(len(p), 0, -1), 1.0)
    adjusted = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate(steps) if len(p) else steps
    return adjusted


def steps(p: Floats, level: float = LEVEL) -> Floats:
    """Returns the level of each test's step in Holm's procedure.

    An interval at its step's level excludes 0 exactly where Holm rejects. After the first test that is not rejected
    the level stays.

    Args:
        p: P-values, shape (n,).
        level: Confidence level of all together.

    Returns:
        Levels, shape (n,).

    Example:
        >>> steps(np.array([0.9, 0.001, 0.02])).round(4).tolist()
        [0.95, 0.9833, 0.975]
    """
    order = np.argsort(p, kind="stable")
    rejected = int((np.sort(holm(p)) <= 1 - level).sum())
    at = np.minimum(np.arange(len(p)), min(rejected, len(p) - 1))
    levels = np.empty(len(p))
    levels[order] = 1 - (1 - level) / (len(p) - at)
    return levels


def pairwise_wilcoxon(means: Floats) -> Floats:
    """Returns Wilcoxon's signed-rank p-values of all pairs, before any correction.

    A problem on which two entries score the same counts half for each side. Exact up to 50 problems
    without ties, else normal.

    Args:
        means: Mean scores, shape (problems, n).

    Returns:
        Symmetric p-values, shape (n, n); 1 for a pair without any difference.

    Source: Wilcoxon 1945, Biometrics Bull. 1, 80-83; for zeros Demšar 2006, J. Mach. Learn. Res. 7.
    """
    # SciPy's statistics take half a second to import, which tables of other kinds need not wait for.
    from scipy import stats

    n = means.shape[1]
    i, j = np.triu_indices(n, k=1)
    p = np.ones((n, n))
    difference = means[:, i] - means[:, j]
    some = (difference != 0).any(axis=0)
    if some.any():
        tied = (difference == 0).any(axis=0) | _has_ties(np.abs(difference))
        exact = some & ~tied & (len(means) <= 50)
        found = np.ones(len(i))
        for which, method in ((exact, "exact"), (some & ~exact, "asymptotic")):
            if which.any():
                result = stats.wilcoxon(difference[:, which], zero_method="zsplit", method=method, axis=0)
                found[which] = result.pvalue
        p[i, j] = p[j, i] = found
    return p


def _has_ties(values: Floats) -> Bools:
    return np.asarray((np.diff(np.sort(values, axis=0), axis=0) == 0).any(axis=0))


def critical_groups(means: Floats, level: float = LEVEL) -> tuple[Ints, Ints]:
    """Returns the critical-difference groups: runs of entries, by score, no two of which differ.

    Args:
        means: Mean scores, shape (problems, n).
        level: One minus the probability of any false difference.

    Returns:
        First and last group of each entry, from 0, shape (n,) each. Entries that share a group are
        not told apart; groups are maximal and follow each other in the order of the scores.

    Source: Demšar 2006, J. Mach. Learn. Res. 7, 1-30, with pairwise tests in place of mean ranks as
    Benavoli, Corani, Mangili 2016, ibid. 17, ask for.
    """
    n = means.shape[1]
    p = pairwise_wilcoxon(means)
    upper = np.triu_indices(n, k=1)
    adjusted = np.ones((n, n))
    adjusted[upper] = holm(p[upper])
    distinct = np.minimum(adjusted, adjusted.T) <= 1 - level
    order = np.argsort(-means.mean(axis=0), kind="stable")
    distinct = distinct[np.ix_(order, order)]
    runs: list[tuple[int, int]] = []
    for begin in range(n):
        end = begin
        while end + 1 < n and not distinct[begin : end + 1, end + 1].any():
            end += 1
        if not runs or end > runs[-1][1]:
            runs.append((begin, end))
    first, last = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for place, entry in enumerate(order):
        inside = [k for k, (begin, end) in enumerate(runs) if begin <= place <= end]
        first[entry], last[entry] = inside[0], inside[-1]
    return first, last


def letters(first: int, last: int) -> str:
    """Returns the names of groups from ``first`` to ``last``.

    Example:
        >>> letters(0, 0), letters(1, 2), letters(0, 3), letters(26, 26)
        ('a', 'bc', 'a-d', 'aa')
    """
    names = [_letter(k) for k in range(first, last + 1)]
    return "".join(names) if len(names) < 3 else f"{names[0]}-{names[-1]}"


def _letter(index: int) -> str:
    return chr(97 + index) if index < 26 else _letter(index // 26 - 1) + chr(97 + index % 26)
