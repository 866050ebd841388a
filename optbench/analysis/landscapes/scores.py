"""How one run is judged: its relative gap, the times of its targets and its area score.

A target has two times: when it is *touched*, the first cost at which the objective is at or below it, and when it is
*settled*, the first cost from which it stays there to the end of the budget. ``records.Scoring`` says which of them
counts. A run that diverged, escaped or failed misses everything: its gap is infinite and its score 0.
A (start, target) pair that the start already meets is left out for everyone. Times are costs, in
gradient evaluations. Source: the log-time area under the empirical distribution of run lengths,
Hansen et al. 2021, "COCO", Optimization Methods and Software 36, section 5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optbench.analysis.statistics.arrays import Bools, Floats, Ints
from optbench.records import GAP_TARGETS, NEVER, Scoring

#: Position in ``GAP_TARGETS`` of the gap 1e-3, for which tables show times and shares.
REACH = 14


def relative_gap(f: Floats, f_star: Floats | float, f_scale: Floats | float, missed: Bools) -> Floats:
    """Returns ``(f - f_star) / f_scale``, infinite where the run missed everything.

    A value below ``f_star`` by less than the escape tolerance is rounding, and its gap is 0.

    Args:
        f: Objective, any shape.
        f_star: Minimum of the problem.
        f_scale: Scale of the problem, positive; never the run's own start.
        missed: Whether the run diverged, escaped or failed; broadcasts against ``f``.

    Returns:
        Gaps in [0, inf], never NaN.

    Example:
        >>> relative_gap(np.array([3.0, 3.0, 1.0]), 1.0, 4.0, np.array([False, True, False])).tolist()
        [0.5, inf, 0.0]
    """
    gap = np.maximum(f - f_star, 0.0) / f_scale
    return np.where(missed | np.isnan(gap), np.inf, gap)


def target_levels(f_star: float, f_scale: float, f_solved: float) -> Floats:
    """Returns the objective at each of the 51 targets: 50 relative gaps and ``f_solved``."""
    return np.append(f_star + f_scale * np.asarray(GAP_TARGETS), f_solved)


def target_costs(evaluations: NDArray[np.integer], missed: Bools, budget: float) -> Floats:
    """Returns the cost of each target, infinite for one that was missed.

    Args:
        evaluations: The ``hits`` or ``settled`` of the rows, shape (..., 51): -1 never, 0 already met by the start.
        missed: Whether the run missed everything, shape (...).
        budget: Largest cost; what comes later is a miss.

    Returns:
        Costs in gradient evaluations, shape (..., 51). A target met by the start has no time:
        infinite here, and left out by ``area_score``.
    """
    met = (evaluations > 0) & (evaluations <= budget) & ~missed[..., None]
    return np.where(met, evaluations, np.inf)


def area_score(times: Floats, counted: Bools, budget: float) -> Floats:
    """Returns the log-time area score, the mean over targets of ``max(0, 1 - log t / log T)``.

    Args:
        times: Costs ``t`` of the targets, infinite for a miss, shape (..., targets).
        counted: Targets that the start does not meet already; broadcasts against ``times``.
        budget: ``T``, in the same unit.

    Returns:
        Scores in [0, 1], shape (...): 1 if all targets fall at cost 1, 0 if none falls. NaN where
        no target counts.

    Example:
        >>> area_score(np.array([[1.0, 10.0, np.inf]]), np.array([True, True, True]), 100.0).tolist()
        [0.5]
    """
    value = np.clip(1.0 - np.log(times) / np.log(max(budget, 2.0)), 0.0, 1.0)
    targets = np.broadcast_to(counted, value.shape).sum(axis=-1)
    total = np.where(counted, value, 0.0).sum(axis=-1)
    score: Floats = np.divide(total, targets, out=np.full(total.shape, np.nan), where=targets > 0)
    return score


def smoothed_times(curve: Floats, levels: Floats, steps: Ints, scoring: Scoring) -> Ints:
    """Returns the time of each target under noise, where a single good value means little.

    The curve is smoothed by the median of each point and the next two. A target is touched at the first point whose
    median lies at or below it, settled at the first from which all medians do.

    Args:
        curve: Objective at each point of the curve, infinite where there is none, shape (..., k).
        levels: Objective at each target, shape (targets,).
        steps: Evaluations at each point, from 0 on, shape (k,).
        scoring: Which of the two times.

    Returns:
        Evaluations, shape (..., targets): -1 never, 0 for a target that the start met itself.

    Example:
        >>> curve = np.array([9.0, 0.1, 5.0, 0.3, 0.2, 6.0, 7.0, 0.5, 0.4, 0.2])
        >>> [smoothed_times(curve, np.array([1.0]), np.arange(10), s).tolist() for s in Scoring]
        [[6], [1]]
    """
    times = np.full((*curve.shape[:-1], len(levels)), NEVER, dtype=np.int64)
    if curve.shape[-1] < 3:
        return times
    middle = np.median(np.stack([curve[..., :-2], curve[..., 1:-1], curve[..., 2:]]), axis=0)
    last = middle.shape[-1]
    for place, level in enumerate(levels):
        below = middle <= level
        if scoring is Scoring.TOUCHED:
            first = np.where(below.any(axis=-1), below.argmax(axis=-1), last)
        else:
            # Behind the last point that is not below.
            first = np.where(below.all(axis=-1), 0, last - (~below[..., ::-1]).argmax(axis=-1))
        # The start has no cost, but what comes after it has.
        evaluations = np.maximum(steps[np.minimum(first, last - 1)], np.where(curve[..., 0] <= level, 0, 1))
        times[..., place] = np.where(first < last, evaluations, NEVER)
    return times


def median(values: Floats) -> Floats:
    """Returns the median along the last axis; beside an infinite middle value it is infinite."""
    n = values.shape[-1]
    x = np.partition(values, sorted({(n - 1) // 2, n // 2}), axis=-1)
    return (x[..., (n - 1) // 2] + x[..., n // 2]) / 2
