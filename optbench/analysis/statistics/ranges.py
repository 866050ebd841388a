"""Ranges from which random tuning draws: where a value lies in one, and whether a choice lies at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from optbench.analysis.statistics.arrays import Floats

#: Share of a range at either end that is its edge.
EDGE = 1 / 16


def range_share(values: Floats, search: Mapping[str, Any]) -> Floats:
    """Returns where values lie in a range that random tuning draws from.

    Args:
        values: Values of the hyperparameter, any shape.
        search: ``low``, ``high`` and ``scale`` of the range.

    Returns:
        0 at the low end, 1 at the high one, on the range's own scale.

    Example:
        >>> range_share(np.array([0.9, 0.99]), {"low": 0.9, "high": 0.999, "scale": "complement"}).tolist()
        [0.0, 0.5]
    """
    scales: dict[str, Callable[[Floats], Floats]] = {
        "log": np.log10,
        "linear": np.asarray,
        "complement": lambda x: -np.log10(1 - x),
    }
    scale = scales[search["scale"]]
    low, high = scale(np.asarray(search["low"], float)), scale(np.asarray(search["high"], float))
    with np.errstate(divide="ignore", invalid="ignore"):  # a default need not lie in the range
        return np.round((scale(values) - low) / (high - low), 12)


def is_at_end(score: Floats, share: Floats, position: int, flat: float) -> bool:
    """Returns whether a choice among drawn trials lies in the outer sixteenth of its range, where scores are not flat.

    Args:
        score: Score of each trial, shape (c,); more is better.
        share: Where each lies in the range, shape (c,), as ``range_share`` has it.
        position: The choice.
        flat: The choice is not flagged if a trial further inside scores at most this less.

    Returns:
        Whether a better value may lie outside.

    Example:
        >>> score, share = np.array([0.5, 0.8, 0.9]), np.array([0.1, 0.4, 0.99])
        >>> is_at_end(score, share, 2, flat=0.01), is_at_end(score, share, 2, flat=0.2)
        (True, False)
    """
    inside = (share > EDGE) & (share < 1 - EDGE)
    return not inside[position] and not bool((inside & (score >= score[position] - flat)).any())
