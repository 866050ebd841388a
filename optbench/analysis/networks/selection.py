"""Which configuration of an optimizer stands for it on a task: chosen on validation, from tuning runs alone.

Rows that are reported, and what any row holds of test examples, cannot reach the choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from optbench.analysis.statistics.arrays import Floats
from optbench.analysis.statistics.ranges import is_at_end, range_share
from optbench.records import Split, Status

#: Task and optimizer.
Key = tuple[str, str]

#: The settings in which an optimizer is shown.
SETTINGS = ("default", "tuned")

#: Mean accuracies closer than this are equal: far below one example of any set.
TIE = 1e-12
#: A choice at the end of its grid, or of a range that was drawn from, is not flagged if its neighbor inside, or some
#: trial further inside, is at most half a point of accuracy lower.
FLAT = 0.005

#: All that a choice looks at.
SEEN = ("task", "optimizer", "config", "swept_value", "seed", "status", "validation_accuracy", "validation_loss")


class ChosenConfig(NamedTuple):
    """A configuration chosen for an optimizer on a task.

    Attributes:
        config: Its index.
        at_edge: Whether it lies at an end of the values tried and the accuracy still rises there, so that a better
            value may lie outside.
    """

    config: int
    at_edge: bool


def choose(tune_rows: pd.DataFrame) -> dict[Key, int]:
    """Chooses the configuration of every optimizer on every task.

    Args:
        tune_rows: Rows with the columns of ``records.networks``, those of the split ``tune`` alone.

    Returns:
        Index of the configuration by (task, optimizer).

    Raises:
        ValueError: Rows of another split are among them.

    Example:
        >>> rows = pd.DataFrame({
        ...     "task": "t", "optimizer": "sgd", "split": "tune", "seed": 0, "status": "ok", "config": [0, 1],
        ...     "swept_value": [0.1, 1.0], "validation_accuracy": [0.8, 0.9], "validation_loss": [0.7, 0.3]})
        >>> choose(rows)
        {('t', 'sgd'): 1}
    """
    return {key: choice.config for key, choice in choices(tune_rows, {}).items()}


def choices(tune_rows: pd.DataFrame, manifest: Mapping[str, Any]) -> dict[Key, ChosenConfig]:
    """Chooses as ``choose`` does, and says whether the choice lies at the edge of what was tried.

    The criterion is the mean validation accuracy over the tuning seeds at the judged point. A run that diverged or
    failed, or has no row, scores 0. Of equal means the lower mean validation loss wins, then the smaller swept value,
    then the lower index.

    Args:
        tune_rows: Rows of the split ``tune`` alone.
        manifest: The run's manifest, whose ``search`` has the ranges that trials were drawn from: it decides what is at
            an edge, and chooses nothing.

    Returns:
        The choice by (task, optimizer), sorted.

    Raises:
        ValueError: Rows of another split are among them.
    """
    if other := sorted(set(tune_rows["split"].astype(str)) - {str(Split.TUNE)}):
        raise ValueError(f"choices are made on tuning runs alone; got rows of the split {', '.join(other)}")
    seen, entries = tune_rows[list(SEEN)], manifest.get("optimizers", {})
    found = {}
    for (task, optimizer), rows in seen.groupby(["task", "optimizer"], sort=True):
        table = scores(rows)
        best, entry = _best(table), entries.get(str(optimizer), {})
        search = entry.get("search", {}).get(entry.get("swept"))
        found[str(task), str(optimizer)] = ChosenConfig(int(table.index[best]), _is_at_edge(table, best, search))
    return found


def scores(rows: pd.DataFrame) -> pd.DataFrame:
    """Scores the configurations of one optimizer on one task.

    Args:
        rows: Its tuning runs.

    Returns:
        ``swept_value``, ``accuracy`` (mean validation accuracy, a miss as 0), ``loss`` (mean validation loss, a miss
        as infinity), ``low`` and ``high`` (lowest and highest accuracy of a seed) and ``missed`` (share of seeds that
        diverged, failed or have no row), by index of the configuration.
    """
    # One order of the sums: equal means must be equal whatever the order in which rows were stored.
    rows = rows.sort_values(["config", "seed"])
    right = rows["status"].to_numpy(dtype=object) == str(Status.OK)
    accuracy, loss, value = (
        rows[name].to_numpy(np.float64, na_value=np.nan)
        for name in ("validation_accuracy", "validation_loss", "swept_value")
    )
    accuracy = np.where(right & ~np.isnan(accuracy), accuracy, 0.0)
    loss = np.where(right & ~np.isnan(loss), loss, np.inf)
    configs, first, place = np.unique(rows["config"].to_numpy(np.int64), return_index=True, return_inverse=True)
    n_seeds = rows["seed"].nunique()
    by_config = [place == c for c in range(len(configs))]
    whole = np.array([int(mine.sum()) == n_seeds for mine in by_config])
    columns = {
        "swept_value": value[first],
        "accuracy": np.array([accuracy[mine].sum() for mine in by_config]) / n_seeds,
        "loss": np.where(whole, [loss[mine].mean() for mine in by_config], np.inf),
        "low": np.where(whole, [accuracy[mine].min() for mine in by_config], 0.0),
        "high": np.array([accuracy[mine].max() for mine in by_config]),
        "missed": 1.0 - np.array([right[mine].sum() for mine in by_config]) / n_seeds,
    }
    return pd.DataFrame(columns, index=pd.Index(configs, name="config"))


def _best(table: pd.DataFrame) -> int:
    """Returns the position of the chosen configuration."""
    accuracy, loss, value = (table[name].to_numpy(float) for name in ("accuracy", "loss", "swept_value"))
    near = np.flatnonzero(accuracy >= accuracy.max() - TIE)
    # A rule without a swept value has one configuration; NaN sorts last and decides nothing.
    order = np.lexsort((table.index.to_numpy()[near], value[near], loss[near]))
    return int(near[order[0]])


def _is_at_edge(table: pd.DataFrame, best: int, search: Mapping[str, Any] | None) -> bool:
    """Returns whether a choice lies at an end of the values tried where the accuracy is not flat.

    Drawn trials differ in more than the swept value, so the next one says little: there the ends are those of the
    range that was drawn from.
    """
    value: Floats = table["swept_value"].to_numpy(float)
    accuracy: Floats = table["accuracy"].to_numpy(float)
    order = np.argsort(value, kind="stable")
    if len(order) < 2:
        return False
    if search is not None:
        return is_at_end(accuracy, range_share(value, search), best, FLAT)
    if best not in {order[0], order[-1]}:
        return False
    neighbor = order[1] if best == order[0] else order[-2]
    return bool(accuracy[neighbor] < accuracy[best] - FLAT)
