"""Leaving a saddle: cost to escape against log(1/distance) from the stable manifold.

Near a saddle the distance grows geometrically, so the cost to leave is ``a + b log(1/distance)``;
the slope ``b`` says how fast a rule gets away. Runs that never leave are not dropped: the slope is
the median of pairwise slopes, which needs only to know that their cost is beyond the budget.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor, sqrt
from statistics import NormalDist

import numpy as np
import pandas as pd

from optbench.analysis.landscapes.evidence import Arranged
from optbench.analysis.landscapes.facts import Facts, Key
from optbench.analysis.landscapes.scores import median
from optbench.analysis.landscapes.selection import SETTINGS, Choice
from optbench.analysis.statistics.arrays import Floats
from optbench.analysis.statistics.intervals import LEVEL, median_interval
from optbench.records import GAP_TARGETS

ESCAPE = (
    *("setting", "problem", "optimizer", "config", "n_starts", "escaped_count", "censored"),
    *("evals_median", "evals_low", "evals_high", "slope", "slope_low", "slope_high"),
)


def escape_target(facts: Facts) -> int | None:
    """Returns the target that a run meets only once it has left the saddle.

    Args:
        facts: The problem.

    Returns:
        Position of the largest relative gap that is at most half the saddle's, or ``None`` where
        the problem has no saddle.
    """
    if facts.f_saddle is None:
        return None
    half = (facts.f_saddle - facts.f_star) / facts.f_scale / 2
    below = np.flatnonzero(np.asarray(GAP_TARGETS) <= half)
    return int(below[0]) if below.size else None


def slope_interval(x: Floats, cost: Floats, level: float = LEVEL) -> tuple[float, float, float]:
    """Returns the Theil-Sen slope of cost on x with Sen's interval; infinite costs are allowed.

    The slope between a finite and an infinite cost is infinite; between two infinite ones it is
    unknown, and counts as lowest for the lower end and as highest for the upper end.

    Args:
        x: log(1/distance), shape (n,).
        cost: Cost to escape, infinite if never, shape (n,).
        level: Confidence level.

    Returns:
        Slope and its ends; NaN and infinite ends where nothing is known.

    Source: Sen 1968, J. Am. Stat. Assoc. 63, 1379-1389.
    """
    i, j = np.triu_indices(len(x), k=1)
    i, j = np.where(x[i] < x[j], i, j), np.where(x[i] < x[j], j, i)
    distinct = x[i] < x[j]
    i, j = i[distinct], j[distinct]
    unknown = np.isinf(cost[i]) & np.isinf(cost[j])
    rise = np.where(unknown, 0.0, cost[j]) - np.where(unknown, 0.0, cost[i])
    slopes = rise / (x[j] - x[i])
    n, pairs = len(x), len(slopes)
    if pairs == 0 or unknown.all():
        return np.nan, -np.inf, np.inf
    spread = NormalDist().inv_cdf((1 + level) / 2) * sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low, high = floor((pairs - spread) / 2) - 1, ceil((pairs + spread) / 2)
    least = np.sort(np.where(unknown, -np.inf, slopes))
    most = np.sort(np.where(unknown, np.inf, slopes))
    return (
        float(median(slopes[~unknown])),
        float(least[low]) if low >= 0 else -np.inf,
        float(most[high]) if high < pairs else np.inf,
    )


def escape(evidence: Arranged, choices: Mapping[tuple[str, Key], Choice]) -> pd.DataFrame:
    """Returns how each rule leaves the saddles, on reported starts.

    Args:
        evidence: The judged rows.
        choices: The configuration in each setting.

    Returns:
        One row per setting, problem with a saddle, and optimizer: the median cost to escape and
        the slope per unit of log(1/distance), natural logarithm.
    """
    rows = []
    for setting, key in sorted(choices, key=lambda place: (SETTINGS.index(place[0]), place[1])):
        target = escape_target(evidence.facts[key[0]])
        reported, at = evidence.reported[key], choices[setting, key].position
        if target is None:
            continue
        known = reported.counted[:, target] & (reported.distance > 0)
        cost = reported.times[at, known, target]
        if not cost.size:
            continue
        left = int(np.isfinite(cost).sum())
        rows.append(
            (
                *(setting, *key, int(reported.sweep.config[at]), cost.size, left, cost.size - left),
                *(float(median(cost)), *median_interval(cost)),
                *slope_interval(-np.log(reported.distance[known]), cost),
            )
        )
    return pd.DataFrame(rows, columns=list(ESCAPE))
