"""Sharp or flat: how often runs are in the flat well, against gradient flow from the same starts.

How large the basin of a well is says nothing about an optimizer, so its odds of being flat are held against
those of gradient flow. A start is one cluster: its noise seeds are pooled before any interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log, sqrt
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from optbench.analysis.landscapes.rows import Rows, held
from optbench.analysis.landscapes.scores import median
from optbench.analysis.statistics.arrays import Floats, Ints
from optbench.analysis.statistics.intervals import (
    LEVEL,
    Interval,
    mean_interval,
    median_interval,
    student_quantile,
    wilson,
)
from optbench.analysis.wells.equal_loss import Match, matches
from optbench.records import FLAT, NEITHER, SHARP, Split

#: Which well is deeper.
Deeper = Literal["sharp", "equal", "flat"]
#: What may be said of a preference.
Verdict = Literal["prefers flat", "prefers sharp", "not shown", "goes to the deeper"]

#: Depths closer than this are equal.
_SAME_DEPTH = 1e-9

WELLS = (
    *("problem", "optimizer", "config", "swept", "swept_value", "deeper", "ratio", "dim", "noise", "batch"),
    *("matched", "excess", "cost", "n_starts", "n_runs", "flat_share", "flat_low", "flat_high", "neither_share"),
    *("flow_share", "odds_ratio", "odds_low", "odds_high"),
    *("exit_starts", "exit_share", "exit_cost", "exit_low", "exit_high", "verdict"),
)


#: Columns that are read for it.
COLUMNS = ("problem", "optimizer", "config", "split", "start", "noise_seed", "swept", "swept_value", "wells")


class Odds(NamedTuple):
    """An odds ratio with its interval; NaN where gradient flow ends in one well from every start."""

    ratio: float
    low: float
    high: float


def deeper_well(sharp: float, flat: float) -> Deeper:
    """Returns which well is deeper.

    Args:
        sharp: Minimum in the sharp well.
        flat: Minimum in the flat well.

    Returns:
        Its name, or ``equal``.

    Example:
        >>> deeper_well(-1.0, -1.5), deeper_well(-1.0, -1.0)
        ('flat', 'equal')
    """
    if abs(sharp - flat) <= _SAME_DEPTH:
        return "equal"
    return "sharp" if sharp < flat else "flat"


def share_interval(shares: Floats, *, single: bool, level: float = LEVEL) -> Interval:
    """Returns the interval of a mean of shares, one of each start.

    Args:
        shares: Share of each start's runs, shape (n,).
        single: Whether each start has one run, so that Wilson's interval holds.
        level: Confidence level.

    Returns:
        Ends in [0, 1].
    """
    if single:
        return wilson(round(float(shares.sum())), len(shares), level)
    low, high = mean_interval(shares, level)
    return float(low), float(high)


def odds_ratio(runs: Floats, flow: Floats, level: float = LEVEL) -> Odds:
    """Returns the odds of a run over those of gradient flow from the same starts.

    Both are means over the same starts, so they are paired: with ``p`` and ``q`` the means after half a start of
    each of the four kinds is added, ``log(p/(1-p)) - log(q/(1-q))`` has the influence
    ``(x - p)/(p(1-p)) - (y - q)/(q(1-q))`` of a start, whose spread gives Student's interval. Where all runs
    agree one end is infinite or 0.

    Args:
        runs: Share of each start's runs, shape (n,).
        flow: 1 where gradient flow does it, else 0, shape (n,).
        level: Confidence level.

    Returns:
        Ratio and ends.

    Source: the added halves after Agresti, Min 2005, Statist. Med. 24, 729-740.
    """
    if flow.all() or not flow.any():
        return Odds(np.nan, np.nan, np.nan)
    x, y = np.concatenate([runs, [0.0, 0.0, 1.0, 1.0]]), np.concatenate([flow, [0.0, 1.0, 0.0, 1.0]])
    weight = np.concatenate([np.ones(len(runs)), np.full(4, 0.5)])
    n = weight.sum()
    p, q = float(weight @ x / n), float(weight @ y / n)
    middle = log(p / (1 - p)) - log(q / (1 - q))
    influence = (x - p) / (p * (1 - p)) - (y - q) / (q * (1 - q))
    half = student_quantile(len(runs) + 1, (1 + level) / 2) * sqrt(float(weight @ influence**2) / (n * (n - 1)))
    return Odds(
        exp(middle),
        0.0 if not runs.any() else exp(middle - half),
        np.inf if (runs == 1.0).all() else exp(middle + half),
    )


def verdict(flat: Odds, sharp: Odds, deeper: Deeper) -> Verdict:
    """Returns what may be said: a preference for a well only where that well is not the deeper one.

    Args:
        flat: Odds ratio of ending flat.
        sharp: Odds ratio of ending sharp; not the inverse, since a run may end in neither.
        deeper: Which well is deeper.

    Returns:
        The verdict.

    Example:
        >>> more, less = Odds(3.0, 2.0, 5.0), Odds(0.3, 0.2, 0.5)
        >>> verdict(more, less, "equal"), verdict(more, less, "flat"), verdict(less, more, "equal")
        ('prefers flat', 'goes to the deeper', 'prefers sharp')
    """
    for odds, name in ((flat, "flat"), (sharp, "sharp")):
        if odds.low > 1.0:
            if deeper == name:
                return "goes to the deeper"
            return "prefers flat" if name == "flat" else "prefers sharp"
    return "not shown"


def exit_costs(codes: Ints, costs: Sequence[int]) -> Floats:
    """Returns when runs that began in the sharp well have left it.

    Args:
        codes: Wells at the start and at each snapshot, shape (..., snapshots + 1).
        costs: Costs of the snapshots.

    Returns:
        Cost of the first snapshot at which the well is another, infinite if at none, shape (...); NaN for runs
        that did not begin there.

    Example:
        >>> exit_costs(np.array([[0, 0, 1], [0, 0, 0], [1, 0, 0]]), [10, 100]).tolist()
        [100.0, inf, nan]
    """
    left = codes[..., 1:] != SHARP
    at = np.where(left.any(axis=-1), np.asarray(costs, float)[left.argmax(axis=-1)], np.inf)
    return np.where(codes[..., 0] == SHARP, at, np.nan)


def wells(runs: pd.DataFrame | Rows, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Returns the outcomes of all configurations on all problems with wells, on reported starts.

    Args:
        runs: Rows with the columns of ``records.landscapes``: a frame, or what reads them problem by problem.
        manifest: The run's manifest.

    Returns:
        One row per problem, optimizer, configuration and snapshot. ``matched`` marks the configuration at which
        the optimizer has the common excess loss on the problem's control, ``excess`` is what it has there.
    """
    costs = manifest.get("snapshots", ())
    named = {label: problem for label, problem in manifest["problems"].items() if problem.get("wells")}
    if not costs or not named:
        return pd.DataFrame(columns=list(WELLS))
    rows = held(runs).of(list(named), COLUMNS)
    rows = rows[rows["split"] == str(Split.REPORT)]
    if rows.empty:
        return pd.DataFrame(columns=list(WELLS))
    rows = rows.sort_values(["problem", "optimizer", "config", "start", "noise_seed"], ignore_index=True)
    chosen = matches(runs, manifest)
    found: list[tuple[Any, ...]] = []
    for (label, optimizer, _), group in rows.groupby(["problem", "optimizer", "config"], sort=True):
        found += _group(group, named[label], costs, chosen.get((str(label), str(optimizer))))
    return pd.DataFrame(found, columns=list(WELLS))


def _group(
    group: pd.DataFrame, problem: Mapping[str, Any], costs: Sequence[int], match: Match | None
) -> list[tuple[Any, ...]]:
    """Returns the rows of one configuration, one for each snapshot."""
    head, n_starts = group.iloc[0], group["start"].nunique()
    codes = np.stack(group["wells"].to_list()).astype(np.int64).reshape(n_starts, -1, len(costs) + 1)
    deeper = deeper_well(problem["wells"]["sharp"], problem["wells"]["flat"])
    noise, value = problem["noise"], float(head["swept_value"])
    matched = match is not None and match.is_close and bool(np.isclose(match.value, value, rtol=1e-9))
    what = (
        *(head["problem"], head["optimizer"], int(head["config"]), head["swept"], value, deeper),
        *(problem["parameters"]["ratio"], problem["dim"], "none" if noise is None else noise["kind"]),
        *(np.nan if noise is None else noise["level"], matched, np.nan if match is None else match.excess_at(value)),
    )
    exits = _exits(codes, costs)
    found = []
    for place, cost in enumerate(costs, start=1):
        flat, sharp = (_share(codes[..., place], code) for code in (FLAT, SHARP))
        odds = odds_ratio(flat, _share(codes[:, :1, 0], FLAT))
        other = odds_ratio(sharp, _share(codes[:, :1, 0], SHARP))
        found.append(
            (
                *(*what, int(cost), n_starts, codes.shape[0] * codes.shape[1], float(flat.mean())),
                *share_interval(flat, single=codes.shape[1] == 1),
                *(float((codes[..., place] == NEITHER).mean()), float((codes[..., 0] == FLAT).mean()), *odds),
                *(*exits, verdict(odds, other, deeper)),
            )
        )
    return found


def _share(codes: Ints, code: int) -> Floats:
    return np.asarray((codes == code).mean(axis=1), dtype=np.float64)


def _exits(codes: Ints, costs: Sequence[int]) -> tuple[int, float, float, float, float]:
    """Returns over the starts in the sharp well: how many, the share that left, and the median cost with its ends."""
    inside = exit_costs(codes[codes[:, 0, 0] == SHARP], costs)
    if not len(inside):
        return 0, np.nan, np.nan, np.nan, np.nan
    of_start = np.asarray(median(inside), dtype=np.float64)
    low, high = median_interval(of_start)
    return len(inside), float(np.isfinite(inside).mean()), float(median(of_start)), low, high
