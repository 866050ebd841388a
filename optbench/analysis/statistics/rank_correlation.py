"""Spearman's rank correlation with an interval that knows which rows belong together."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from optbench.analysis.statistics.arrays import Floats
from optbench.analysis.statistics.intervals import LEVEL

#: Fewest clusters of which an interval is given.
FEWEST = 4


class RankCorrelation(NamedTuple):
    """A rank correlation.

    Attributes:
        rho: Spearman's coefficient; NaN where one side is constant.
        low: Lower end of its interval, NaN for too few clusters.
        high: Upper end.
        n: Number of rows.
        n_clusters: Number of independent clusters.
    """

    rho: float
    low: float
    high: float
    n: int
    n_clusters: int


def spearman(
    left: ArrayLike, right: ArrayLike, clusters: Sequence[Any] | np.ndarray | None = None, *, level: float = LEVEL
) -> RankCorrelation:
    """Estimates a rank correlation.

    The coefficient is Pearson's of the ranks, equal values having their mean rank. The interval is Student's on
    Fisher's scale ``z = atanh(rho)``, with as many degrees of freedom as clusters less one. Its error is the
    jackknife's over clusters (runs of one replicate share data and start), but at least that of as many independent
    rows, ``sqrt((1 + rho^2/2) / (n - 3))``, so that perfect order does not claim certainty. Coverage is tested by
    simulation.

    Args:
        left: Values, shape (n,).
        right: Values of the same rows, shape (n,).
        clusters: The independent unit of each row, shape (n,); each row is its own if ``None``.
        level: Confidence level.

    Returns:
        The coefficient with its interval.

    Raises:
        ValueError: The sides differ in length, or a value is not finite.

    Example:
        >>> found = spearman([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5])
        >>> round(found.rho, 4), round(found.low, 3), round(found.high, 3)
        (0.8286, -0.49, 0.994)

    Source: Bonett, Wright 2000, Psychometrika 65, 23-28 (variance of z); Efron 1982, "The Jackknife, the Bootstrap and
    Other Resampling Plans", chapter 3.
    """
    from scipy import special

    x, y = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"both sides must have the same rows; got shapes {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("values must be finite")
    unit = pd.factorize(np.arange(len(x)) if clusters is None else np.asarray(clusters))[0]
    n, n_clusters, rho = len(x), len(set(unit.tolist())), _rho(x, y)
    if n_clusters < FEWEST or np.isnan(rho):
        return RankCorrelation(rho, np.nan, np.nan, n, n_clusters)
    left_out = np.array([_rho(x[unit != one], y[unit != one]) for one in range(n_clusters)])
    if np.isnan(left_out).any():
        return RankCorrelation(rho, np.nan, np.nan, n, n_clusters)
    z, others = _fisher(rho, n), _fisher(left_out, n)
    jackknife = sqrt((n_clusters - 1) / n_clusters * float(((others - others.mean()) ** 2).sum()))
    half = float(special.stdtrit(n_clusters - 1, (1 + level) / 2)) * max(jackknife, sqrt((1 + rho**2 / 2) / (n - 3)))
    return RankCorrelation(rho, float(np.tanh(z - half)), float(np.tanh(z + half)), n, n_clusters)


def _rho(x: Floats, y: Floats) -> float:
    """Returns Spearman's coefficient, NaN where one side is constant or has a single value."""
    ranks = [pd.Series(side).rank().to_numpy(np.float64) for side in (x, y)]
    if any(len(side) < 2 or side.min() == side.max() for side in ranks):
        return float("nan")
    return float(np.clip(np.corrcoef(ranks[0], ranks[1])[0, 1], -1.0, 1.0))


def _fisher(rho: float | Floats, n: int) -> Floats:
    """Returns Fisher's z; perfect order of ``n`` rows counts as one short of it by a share of ``1/n``."""
    return np.asarray(np.arctanh(np.clip(rho, -1 + 1 / n, 1 - 1 / n)), dtype=np.float64)
