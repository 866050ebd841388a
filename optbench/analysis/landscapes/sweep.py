"""The configurations that an optimizer was run with, and those among which tuning may choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.landscapes.rows import Rows, held
from optbench.analysis.statistics.arrays import Floats, Ints
from optbench.analysis.statistics.ranges import range_share


@dataclass(frozen=True, slots=True)
class Sweep:
    """The configurations of one optimizer, in the order of their index.

    Attributes:
        name: The swept hyperparameter.
        config: Index of each configuration, shape (c,).
        value: Its value of the swept hyperparameter, shape (c,).
        default: Position of the default configuration, or ``None``.
        order: Positions from the smallest value to the largest.
        trials: Those of them that were laid on a grid or drawn, from the smallest value to the largest.
        candidates: Those among which tuning may choose: the trials, and the default where every entry of the run has
            one beside its trials. Else it is shown but no candidate, since entries would have unequal numbers.
        share: For random tuning, where each value lies in the range that it was drawn from, 0 at the low end and
            1 at the high one on the range's own scale, shape (c,); ``None`` for a grid.
        has_rate: Whether the optimizer has a learning rate at all.
    """

    name: str
    config: Ints
    value: Floats
    default: int | None
    order: Ints
    trials: Ints
    candidates: Ints
    share: Floats | None = None
    has_rate: bool = True

    @property
    def content(self) -> tuple[object, ...]:
        """All of it: equal for equal sweeps, and what a dictionary can be asked for."""
        values = (getattr(self, item.name) for item in fields(self))
        return tuple(value.tobytes() if isinstance(value, np.ndarray) else value for value in values)


def sweep_of(heads: pd.DataFrame, entry: Mapping[str, Any], *, tries_default: bool = False) -> Sweep:
    """Returns the sweep of one optimizer on one problem.

    Args:
        heads: One row of each configuration, in the order of their index.
        entry: What the manifest says of the optimizer.
        tries_default: Whether the default is a candidate beside the trials; see ``beside_trials``.

    Returns:
        The sweep.
    """
    value = heads["swept_value"].to_numpy(np.float64, na_value=np.nan)
    default = np.flatnonzero(heads["is_default"].to_numpy(bool))
    name = str(heads["swept"].iloc[0])
    search = entry.get("search", {}).get(name)
    n_trials = len(entry["grid"]) if "grid" in entry else np.inf
    config = heads["config"].to_numpy(np.int64)
    order = np.lexsort((np.arange(len(value)), value))
    trials = order[config[order] < n_trials]
    return Sweep(
        name=name,
        config=config,
        value=value,
        default=int(default[0]) if len(default) else None,
        order=order,
        trials=trials,
        candidates=order if tries_default and len(trials) else trials,
        share=None if search is None else range_share(value, search),
        has_rate=entry.get("has_rate", name == "lr"),
    )


def beside_trials(runs: pd.DataFrame | Rows, manifest: Mapping[str, Any]) -> dict[str, bool]:
    """Returns which ranked entries have a default beside their trials, not among them.

    Args:
        runs: Rows with the columns of ``records.landscapes``; an entry's configurations are those of any problem.
        manifest: The run's manifest.

    Returns:
        By label, for entries with trials. Tuning may choose defaults where all have one, so that all have one more
        candidate; reference lines have no say.
    """
    listed: Mapping[str, Any] = manifest.get("optimizers", {})
    trials = {label: len(entry.get("grid", ())) for label, entry in listed.items() if entry.get("ranked", True)}
    trials = {label: n for label, n in trials.items() if n}
    rows, found = held(runs), dict[str, bool]()
    for problem in rows.problems:
        if found.keys() == trials.keys():
            break
        own = rows.of([problem], ["optimizer", "config", "is_default"])
        for label, part in own.groupby("optimizer"):
            if label in trials:
                defaults = part["config"][part["is_default"].to_numpy(bool)]
                found.setdefault(str(label), len(defaults) > 0 and int(defaults.min()) >= trials[str(label)])
    return dict(sorted(found.items()))


def tries_default(runs: pd.DataFrame | Rows, manifest: Mapping[str, Any]) -> bool:
    """Returns whether tuning may choose defaults: all entries have one beside their trials; see ``beside_trials``."""
    beside = beside_trials(runs, manifest)
    return bool(beside) and all(beside.values())
