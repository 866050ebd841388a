"""Expected running times with their intervals: what a success costs when failed runs are restarted.

With ``m`` the mean cost of a run until the target or the end of its budget ``B``, ``p`` the share of runs
that reach it and ``t`` the mean cost of those, ``ERT = m / p = t + B (1 - p) / p``.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

import numpy as np
import pandas as pd

from optbench.analysis.landscapes.profiles import cost_per_success
from optbench.analysis.landscapes.resample import Reselection
from optbench.analysis.landscapes.scores import REACH
from optbench.analysis.landscapes.summarize import Analysis, Redraw, ordered
from optbench.analysis.statistics.arrays import Floats
from optbench.analysis.statistics.intervals import LEVEL, Interval, mean_interval, student_quantile, wilson

#: Of two starts Student's quantile is so large that no share can be excluded.
FEWEST = 3

RUNNING_TIMES = (
    *("setting", "problem", "optimizer", "config", "swept", "swept_value", "at_edge", "n_starts"),
    *("reach_count", "reach_runs", "ert", "ert_low", "ert_high"),
)


def running_times(judged: Analysis) -> pd.DataFrame:
    """Returns the expected cost of reaching a relative gap of 1e-3 with restarts.

    A run that misses, diverged ones included, has spent the full budget. Intervals are for *these problems, new
    starts*: the hull of ``running_time_interval`` at the chosen configuration and of the bootstrap, which draws the
    starts again and, wherever something was chosen, chooses again.

    Args:
        judged: The judgements of a run.

    Returns:
        One row per setting, problem and optimizer: ``reach_count`` of the ``reach_runs`` runs from starts that do
        not meet the target already reached it; ``ert`` is infinite if none did and NaN where there is no such run.
    """
    evidence = judged.evidence
    again = Reselection(evidence.tuning, evidence.facts, seed=judged.seed, replicates=judged.replicates)
    rows = []
    for setting, key, choice in ordered(judged.choices):
        reported, at = evidence.reported[key], choice.position
        counted = reported.counted[:, REACH]
        spent = np.minimum(reported.times, evidence.budget) if reported.spent is None else reported.spent
        values = np.stack([part[:, counted, REACH] for part in (spent, reported.reached)], axis=-1)
        seeds = reported.failed.shape[1] // max(len(counted), 1)
        runs = seeds * int(counted.sum())
        chosen = None if setting == "default" else again.choices(setting, key)
        redraw = Redraw(again, key[0], np.full(judged.replicates, at) if chosen is None else chosen)
        own = values[at]
        times = (np.nan, np.nan, np.nan)
        if runs:
            exact = running_time_interval(own[:, 0], own[:, 1], evidence.budget, seeds=seeds)
            times = (float(_restarted(own[None])[0]), *redraw.interval(values, exact, _restarted))
        sweep = reported.sweep
        rows.append((
            *(setting, *key, int(sweep.config[at]), sweep.name, float(sweep.value[at]), choice.at_edge),
            *(reported.gap.shape[1], round(float(own[:, 1].sum()) * seeds), runs, *times),
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=list(RUNNING_TIMES))


def _restarted(values: Floats) -> Floats:
    """Returns the running times of samples of starts, each with its cost and share of successes, (r, s, 2)."""
    cost, successes = np.moveaxis(values.sum(axis=1), -1, 0)
    return cost_per_success(cost, successes)


def running_time_interval(spent: Floats, reached: Floats, budget: float, *, seeds: int = 1) -> Interval:
    """Returns the interval of an expected running time ``t + B (1 - p) / p``.

    The intervals of ``t`` and of the odds against success are joined by the distances of their ends, root of the sum
    of squares. Of ``p`` it is Wilson's with Student's quantile, which at 8 starts covers where the normal one does
    not; of several noise seeds a start the one for means. Of ``t`` it is Student's over the starts with a success.
    Coverage is tested by simulation.

    Args:
        spent: Mean cost of each start's runs, a miss with the full budget, shape (s,), s >= 1.
        reached: Share of each start's runs that reached the target, shape (s,).
        budget: ``B``.
        seeds: Runs of each start.

    Returns:
        Ends in [0, inf]; the upper one is infinite where no success at all is possible. (0, inf) for fewer than
        ``FEWEST`` starts.

    Example:
        >>> low, high = running_time_interval(np.full(8, 2000.0), np.zeros(8), 2000.0)
        >>> low > 2000, high
        (True, inf)

    Source: Zou, Donner 2008, Stat. Med. 27, 1693-1702.
    """
    n, share = len(spent), float(reached.mean())
    if n < FEWEST:
        return 0.0, np.inf
    if seeds == 1:
        level = 2 * NormalDist().cdf(student_quantile(n - 1, (1 + LEVEL) / 2)) - 1
        ends = wilson(round(float(reached.sum())), n, level)
    else:
        low, high = mean_interval(reached)
        ends = float(low), float(high)
    fewest, most = (budget * (1 - p) / p if p > 0 else np.inf for p in reversed(ends))
    if share == 0:
        return fewest, np.inf
    hit = reached > 0
    times = (spent - budget * (1 - reached))[hit]
    t = float(times.sum() / reached[hit].sum())
    half = budget
    if len(times) > 1:
        # The spread of a ratio of means; with one run a start, that of the times themselves.
        error = sqrt(float(np.sum((times - t * reached[hit]) ** 2)) / (len(times) * (len(times) - 1)))
        half = student_quantile(len(times) - 1, (1 + LEVEL) / 2) * error / float(reached[hit].mean())
    odds = budget * (1 - share) / share
    below, above = t - max(t - half, 0.0), min(t + half, budget) - t
    return t + odds - float(np.hypot(below, odds - fewest)), t + odds + float(np.hypot(above, most - odds))
