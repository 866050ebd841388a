"""A mean paired difference with its interval: the unit of every comparison of two sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from optbench.analysis.statistics.intervals import LEVEL


class Estimate(NamedTuple):
    """A paired difference, left minus right.

    Attributes:
        estimate: The mean difference.
        low: Lower end of its interval.
        high: Upper end.
        p: Two-sided p-value of no difference.
    """

    estimate: float
    low: float
    high: float
    p: float


def contrast(
    left: ArrayLike,
    right: ArrayLike,
    clusters: Sequence[Any] | np.ndarray,
    strata: Sequence[Any] | np.ndarray | None = None,
    *,
    error: float | None = None,
    level: float = LEVEL,
) -> Estimate:
    """Estimates a mean paired difference with Student's interval.

    Pairs of one cluster (noise seeds on one start) are averaged first: the cluster is the
    independent unit. Strata (problems) stay as they are and weigh equally; degrees of freedom are
    Welch and Satterthwaite's.

    Args:
        left: Values, shape (n,).
        right: Values of the same units in the same order, shape (n,).
        clusters: The unit of each pair, shape (n,).
        strata: The stratum of each pair, shape (n,); ``None`` for a single one.
        error: Standard error to use in place of the one found here, from a bootstrap that also
            chooses again.
        level: Confidence level.

    Returns:
        Estimate, ends and p-value; infinite ends where some stratum has a single cluster.

    Example:
        >>> found = contrast([1.0, 2.0, 4.0], [0.0, 0.0, 1.0], [0, 1, 2])
        >>> found.estimate, round(found.low, 3), round(found.high, 3), round(found.p, 4)
        (2.0, -0.484, 4.484, 0.0742)
    """
    # SciPy's statistics take half a second to import, which tables of other kinds need not wait for.
    from scipy import stats

    difference = np.asarray(left, dtype=np.float64) - np.asarray(right, dtype=np.float64)
    stratum = np.zeros(difference.shape, dtype=np.int64) if strata is None else strata
    pairs = pd.DataFrame({"stratum": stratum, "cluster": clusters, "difference": difference})
    units = pairs.groupby(["stratum", "cluster"], sort=True)["difference"].mean().groupby("stratum", sort=True)
    counts, means = units.size().to_numpy(), units.mean().to_numpy()
    estimate = float(means.mean())
    if (counts < 2).any():
        return Estimate(estimate, -np.inf, np.inf, 1.0)
    squares = units.var(ddof=1).to_numpy() / counts / len(counts) ** 2
    spread = float(np.sqrt(squares.sum())) if error is None else error
    free = squares.sum() ** 2 / (squares**2 / (counts - 1)).sum() if squares.any() else float(counts.min() - 1)
    half = float(stats.t.ppf((1 + level) / 2, free)) * spread
    ratio = abs(estimate) / spread if spread > 0 else (np.inf if estimate else 0.0)
    return Estimate(estimate, estimate - half, estimate + half, float(2 * stats.t.sf(ratio, free)))
