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
    return by_both_clocks(calls, rounds=rounds)[0]


def by_both_clocks(
    calls: Mapping[str, Callable[[], object]], *, rounds: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Times calls in turn by two clocks: others on the machine change that of the processor least.

    Args:
        calls: What to time, by name; each returns when its result is there.
        rounds: How often.

    Returns:
        Median seconds of each, and median CPU seconds of this process, after one round that does not count.
    """
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for round_ in range(rounds + 1):
        for name, call in calls.items():
            begin, cpu = time.perf_counter(), time.process_time()
            call()
            if round_:
                taken[name].append((time.perf_counter() - begin, time.process_time() - cpu))
    seconds, cpu_s = (
        {name: statistics.median([pair[clock] for pair in pairs]) for name, pairs in taken.items()} for clock in (0, 1)
    )
    return seconds, cpu_s


def geometric_mean(values: list[float]) -> float:
    """Returns the geometric mean of positive numbers."""
    return statistics.geometric_mean(values)
