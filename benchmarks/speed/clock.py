"""Timing side by side: contestants take turns, so that a noisy neighbor meets all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def side_by_side(calls: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """Times calls in turn.

    Args:
        calls: What to time, by name; each returns when its result is there.
        rounds: How often, at least 5 for a figure that is quoted.

    Returns:
        Median seconds of each, after one round that does not count.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for round_ in range(rounds + 1):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            if round_:
                seconds[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in seconds.items()}


def geometric_mean(values: list[float]) -> float:
    """Returns the geometric mean of positive numbers."""
    return statistics.geometric_mean(values)
