"""Intervals of a mean over seeds and test examples at once: both are drawn anew, each with all of the other.

Every seed is tested on every example, so the table of right and wrong is crossed: neither its rows nor its columns
are independent samples of its cells.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np

from optbench.analysis.statistics.arrays import Floats
from optbench.analysis.statistics.intervals import LEVEL, Interval


class Crossed(NamedTuple):
    """A mean with the two parts of its squared error.

    Attributes:
        estimate: The mean.
        center: The middle of its interval: the mean after one example at either end was added.
        seeds: Squared error from the choice of seeds.
        examples: Squared error from the choice of examples.
        n_seeds: Number of seeds.
        n_examples: Number of examples, the two that were added included.
    """

    estimate: float
    center: float
    seeds: float
    examples: float
    n_seeds: int
    n_examples: int

    def half(self, level: float = LEVEL) -> float:
        """Returns the half-width of the interval.

        Args:
            level: Confidence level.

        Returns:
            ``sqrt(t_R^2 seeds + t_N^2 examples)``, with Student's quantiles of R - 1 and N - 1 degrees of freedom;
            NaN for a single seed, of which nothing is known about others.
        """
        return self.half_at((1 + level) / 2)

    def half_at(self, share: float) -> float:
        """Returns the half-width where both quantiles are those of this share."""
        # SciPy need not be loaded for help and errors.
        from scipy import special

        if self.n_seeds < 2:
            return float("nan")
        t_seeds, t_examples = (float(special.stdtrit(n - 1, share)) for n in (self.n_seeds, self.n_examples))
        return sqrt(t_seeds**2 * self.seeds + t_examples**2 * self.examples)

    def interval(self, low: float = -np.inf, high: float = np.inf, level: float = LEVEL) -> Interval:
        """Returns the interval, cut off at the ends of what is possible."""
        half = self.half(level)
        return float(np.clip(self.center - half, low, high)), float(np.clip(self.center + half, low, high))


def crossed(by_seed: Floats, by_example: Floats, ends: Interval) -> Crossed:
    """Estimates a mean over a crossed table of seeds and examples.

    With rows' means ``a_r`` and columns' means ``b_j`` the squared error is estimated by ``var(a)/R + var(b)/N``. Its
    expectation is that of the mean plus once the part of the interaction, so it errs on the wide side. Each part gets
    the Student quantile of its own freedom: with a joint freedom after Satterthwaite an interval over three seeds
    covers only 92 % where seeds make up most of the error. As Agresti and Coull do for shares, one example at
    either end is added, so that a table without spread does not claim certainty. Coverage is tested by simulation.

    Args:
        by_seed: Mean of each seed over all examples, shape (R,).
        by_example: Mean of each example over all seeds, shape (N,).
        ends: The values that an example could have had at least and at most.

    Returns:
        The estimate and its error.

    Example:
        >>> right = np.array([[1.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0]])
        >>> found = crossed(right.mean(axis=1), right.mean(axis=0), (0.0, 1.0))
        >>> found.estimate, round(found.center, 4), round(found.seeds, 6), round(found.examples, 6)
        (0.625, 0.5833, 0.015625, 0.040278)

    Source: Owen 2007, Ann. Appl. Stat. 1, 386-411 (crossed means); after Agresti, Coull 1998, Am. Statist. 52, 119-126.
    """
    more = np.concatenate([by_example, ends])
    n_seeds, n = len(by_seed), len(more)
    seeds = float(by_seed.var(ddof=1)) / n_seeds if n_seeds > 1 else float("nan")
    return Crossed(float(by_seed.mean()), float(more.mean()), seeds, float(more.var(ddof=1)) / n, n_seeds, n)


def over_seeds(by_seed: Floats, n_examples: int) -> Crossed:
    """Estimates a mean difference of shares over seeds, of examples that stay as they are.

    Args:
        by_seed: Difference of each seed, in [-1, 1], shape (R,).
        n_examples: Number of examples that each share was counted over.

    Returns:
        The estimate; its error is that of the seeds, and that of one example at either end of ``n_examples``, so that
        equal differences do not claim certainty.
    """
    return crossed(by_seed, np.full(n_examples, by_seed.mean()), (-1.0, 1.0))
