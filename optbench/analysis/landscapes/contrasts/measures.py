"""What a contrast compares: one number for each configuration and start, from the rows of reported runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from optbench.analysis.landscapes.evidence import Reported
from optbench.analysis.landscapes.field import scores
from optbench.analysis.landscapes.scores import REACH
from optbench.analysis.statistics.arrays import Floats
from optbench.records import GAP_TARGETS, SOLVED

#: Recorded costs in a factor of ten.
DECADE = 10


@dataclass(frozen=True)
class Measure:
    """What a contrast compares; more is better.

    Attributes:
        title: For a reader.
        values: Values by configuration and start, shape (c, starts), starts that do not count left out.
        largest: Largest possible value; the smallest is 0.
    """

    title: str
    values: Callable[[Reported], Floats]
    largest: float = 1.0


def _met(target: int) -> Callable[[Reported], Floats]:
    return lambda r: r.reached[:, r.counted[:, target], target]


def width(reported: Reported) -> Floats:
    """Returns how many decades of the swept value need at most twice the best cost to a gap of 1e-3.

    A value stands for the range halfway to its neighbors, on a log scale. 0 where the start never
    gets there. All configurations get the same number: it belongs to the sweep.

    Args:
        reported: The reported runs.

    Returns:
        Decades, shape (c, starts that count).
    """
    sweep = reported.sweep
    cost = reported.times[:, reported.counted[:, REACH], REACH]
    place = np.log10(sweep.value[sweep.trials])
    edges = np.concatenate([place[:1], (place[1:] + place[:-1]) / 2, place[-1:]])
    swept = cost[sweep.trials]
    near = np.isfinite(swept) & (swept <= 2 * swept.min(axis=0, keepdims=True))
    return np.broadcast_to(np.diff(edges) @ near, cost.shape).astype(np.float64)


def even(reported: Reported) -> Floats:
    """Returns the mean area score over the swept values, as a share of the best of them.

    1 where the value does not matter, however good or bad the method is; 0 where no value meets a target.
    All configurations get the same number: it belongs to the sweep.

    Args:
        reported: The reported runs.

    Returns:
        Shares, shape (c, starts that count).
    """
    score = scores(reported)
    swept = score[reported.sweep.trials]
    best = swept.max(axis=0)
    share = np.divide(swept.mean(axis=0), best, out=np.zeros_like(best), where=best > 0)
    return np.broadcast_to(share, score.shape).astype(np.float64)


def late(reported: Reported) -> Floats:
    """Returns by how many decades the gap falls while the cost grows tenfold, at the end of the budget.

    The gap at either end is the median of three neighbors on the curve, at least the last target's 1e-10. A run
    whose gap is not finite at an end, or that rises, gains nothing; so does one that was at 1e-10 before. Noise
    seeds of one start are averaged.

    Args:
        reported: The reported runs.

    Returns:
        Decades, shape (c, starts that count).
    """
    counted = reported.counted.any(axis=1)
    curve = reported.curve.reshape(len(reported.curve), counted.size, -1, reported.curve.shape[-1])
    if curve.shape[-1] < DECADE + 3:
        return np.zeros((len(curve), int(counted.sum())))
    ends = (curve[..., -DECADE - 3 : -DECADE], curve[..., -3:])
    before, after = (np.maximum(np.median(part, axis=-1), GAP_TARGETS[-1]) for part in ends)
    finite = np.isfinite(before) & np.isfinite(after)
    gained = np.zeros(before.shape)
    gained[finite] = np.maximum(np.log10(before[finite] / after[finite]), 0.0)
    return np.asarray(gained.mean(axis=2)[:, counted])


#: By the name that suite files use.
MEASURES: dict[str, Measure] = {
    "score": Measure("log-time area over the 51 targets", scores),
    "reach": Measure("share of runs that reach a gap of 1e-3", _met(REACH)),
    "solved": Measure("share of runs that solve the problem", _met(SOLVED)),
    "width": Measure("decades of rates within twice the best cost of reaching a gap of 1e-3", width, largest=10.0),
    "even": Measure("mean score over the swept values as a share of the best", even),
    "late": Measure("decades by which the gap falls over the last factor of ten in cost", late, largest=12.0),
}
