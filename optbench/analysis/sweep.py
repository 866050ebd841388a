"""The configurations that an optimizer was run with, and those among which tuning may choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.scores import Floats, Ints


@dataclass(frozen=True, slots=True)
class Sweep:
    """The configurations of one optimizer, in the order of their index.

    Attributes:
        name: The swept hyperparameter.
        config: Index of each configuration, shape (c,).
        value: Its value of the swept hyperparameter, shape (c,).
        default: Position of the default configuration, or ``None``.
        order: Positions from the smallest value to the largest.
        candidates: Those of them among which tuning may choose: the trials, so that every entry has the same
            number of them. A default that is no trial is shown but is none of them.
        share: For random tuning, where each value lies in the range that it was drawn from, 0 at the low end and
            1 at the high one on the range's own scale, shape (c,); ``None`` for a grid.
        has_rate: Whether the optimizer has a learning rate at all.
    """

    name: str
    config: Ints
    value: Floats
    default: int | None
    order: Ints
    candidates: Ints
    share: Floats | None = None
    has_rate: bool = True


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


def sweep_of(heads: pd.DataFrame, entry: Mapping[str, Any]) -> Sweep:
    """Returns the sweep of one optimizer on one problem.

    Args:
        heads: One row of each configuration, in the order of their index.
        entry: What the manifest says of the optimizer.

    Returns:
        The sweep.
    """
    value = heads["swept_value"].to_numpy(np.float64, na_value=np.nan)
    default = np.flatnonzero(heads["is_default"].to_numpy(bool))
    name = str(heads["swept"].iloc[0])
    search = entry.get("search", {}).get(name)
    trials = len(entry["grid"]) if "grid" in entry else np.inf
    return Sweep(
        name=name,
        config=heads["config"].to_numpy(np.int64),
        value=value,
        default=int(default[0]) if len(default) else None,
        order=(order := np.lexsort((np.arange(len(value)), value))),
        candidates=order[heads["config"].to_numpy(np.int64)[order] < trials],
        share=None if search is None else range_share(value, search),
        has_rate=entry.get("has_rate", name == "lr"),
    )
