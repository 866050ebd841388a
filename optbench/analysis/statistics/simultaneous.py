"""Intervals for all paired differences at once, and what follows: rank intervals and the set for the best."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from optbench.analysis.statistics.arrays import Bools, Floats, Ints
from optbench.analysis.statistics.intervals import LEVEL, student_quantile


@dataclass(frozen=True)
class Comparison:
    """Paired differences of n entries with simultaneous intervals ``difference -+ half``.

    Attributes:
        difference: Mean score of the row minus that of the column, shape (n, n).
        half: Half-width of the interval, shape (n, n); infinite where nothing can be told.
    """

    difference: Floats
    half: Floats

    @property
    def better(self) -> Bools:
        """Where the row is better than the column: the interval lies above 0."""
        return self.difference - self.half > 0

    @property
    def ranks(self) -> tuple[Ints, Ints]:
        """Simultaneous rank intervals, shape (n,) each.

        The lower end is 1 + the number of entries that are better, the upper end n - the number of
        entries that are worse.

        Source: Mogstad, Romano, Shaikh, Wilhelm 2024, Rev. Econ. Stud. 91, 476-518, section 3.
        """
        better = self.better
        return 1 + better.sum(axis=0), len(better) - better.sum(axis=1)

    @property
    def best(self) -> Bools:
        """The confidence set for the best: no entry is better, so that rank 1 is possible."""
        return np.asarray(self.ranks[0] == 1)

    @property
    def detectable(self) -> tuple[float, float, float]:
        """Smallest, median and largest difference that could have been detected, over the pairs."""
        halves = self.half[np.triu_indices(len(self.half), k=1)]
        if not halves.size:
            return np.nan, np.nan, np.nan
        return float(halves.min()), float(np.median(halves)), float(halves.max())


def critical(statistics: Floats, level: float = LEVEL) -> float:
    """Returns the order statistic of replicates that a share ``level`` of them does not exceed."""
    position = int(np.ceil(level * (len(statistics) + 1))) - 1
    return float(np.sort(statistics)[position]) if position < len(statistics) else np.inf


def widened(freedom: int, level: float = LEVEL) -> float:
    """Returns by how much Student's quantile exceeds the normal one, infinite without freedom."""
    share = (1 + level) / 2
    return student_quantile(freedom, share) / NormalDist().inv_cdf(share) if freedom > 0 else np.inf


def score_intervals(means: Floats, replicates: Floats, freedom: int, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Returns the interval of each mean score: Student's, with the spread of the replicates.

    Args:
        means: Mean scores, shape (n,).
        replicates: Their bootstrap replicates, shape (replicates, n).
        freedom: Degrees of freedom.
        level: Confidence level.

    Returns:
        Ends in [0, 1], shape (n,).
    """
    if freedom < 1:
        return np.zeros_like(means), np.ones_like(means)
    half = student_quantile(freedom, (1 + level) / 2) * replicates.std(axis=0, ddof=1)
    return np.clip(means - half, 0.0, 1.0), np.clip(means + half, 0.0, 1.0)


def compare(means: Floats, replicates: Floats, freedom: int, level: float = LEVEL) -> Comparison:
    """Compares all pairs at once by max-T.

    Each difference is divided by its own standard error; the critical value is the quantile of the
    largest such ratio over all pairs in the bootstrap, so all intervals hold together with
    probability ``level``. It is widened by Student's factor for the starts of one problem.

    Args:
        means: Mean scores, shape (n,).
        replicates: Their bootstrap replicates, shape (replicates, n), drawn jointly.
        freedom: Degrees of freedom; without any, nothing can be told.
        level: Confidence level of all intervals together.

    Returns:
        Differences and half-widths.

    Source: Romano, Wolf 2005, J. Am. Stat. Assoc. 100, 94-108.
    """
    difference = means[:, None] - means
    if freedom < 1:
        return Comparison(difference, np.where(np.eye(len(means), dtype=bool), 0.0, np.inf))
    deviation = replicates - means
    largest = np.zeros(len(replicates))
    errors = np.zeros_like(difference)
    for i in range(len(means)):
        paired = deviation[:, i : i + 1] - deviation
        errors[i] = paired.std(axis=0, ddof=1)
        # Entries of equal paths differ by nothing in every replicate; they set no critical value.
        ratio = np.divide(np.abs(paired), errors[i], out=np.zeros_like(paired), where=errors[i] > 1e-12)
        largest = np.maximum(largest, ratio.max(axis=1))
    return Comparison(difference, critical(largest, level) * widened(freedom, level) * errors)
