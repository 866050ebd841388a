"""Large batches that begin where small ones stopped: Keskar's Figure 5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

#: ``epochs`` of training with the small batch: 0 without a warm start, NaN where the whole run has the small batch.
WARM = ("epochs", "level", "batch_size", "optimizer", "quantity", "kind", "estimate", "low", "high", "n_numbers")

#: What two tasks must share to differ in their warm start alone; how long each phase is may differ.
_SHARED = ("data", "model", "n_train", "n_test", "loss", "regularization", "early_stopping")


def arm_warm_starts(levels: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Returns the runs with a warm start, by its length, beside those without and those of the small batch.

    Args:
        levels: The frame of ``summary.arm_levels``.
        manifest: The run's manifest.

    Returns:
        One row for each optimizer, batch size, length of the warm start, level (NaN for the end of runs) and quantity,
        with the columns of ``WARM``; none where no arm has a warm start.
    """
    tasks = manifest.get("tasks", {})
    # Arms share runs; the first that has one stands for it.
    alone = levels.drop_duplicates(["task", "optimizer", "setting", "level", "quantity"])
    warm = alone[alone["task"].map(lambda task: bool(tasks.get(task, {}).get("warm_start"))).astype(bool)]
    parts = []
    for (task, optimizer, setting), mine in warm.groupby(["task", "optimizer", "setting"], sort=True):
        start, size = tasks[task]["warm_start"], int(mine["batch_size"].iloc[0])
        parts.append(mine.assign(epochs=float(start["epochs"])))
        theirs = alone[(alone["optimizer"] == optimizer) & (alone["setting"] == setting)]
        for wanted, epochs in ((size, 0.0), (int(start["batch_size"]), float("nan"))):
            same = theirs[theirs["batch_size"] == wanted]
            cold = [
                label
                for label in dict.fromkeys(same["task"])
                if not tasks[label].get("warm_start") and _alike(tasks[task], tasks[label])
            ]
            parts.append(same[same["task"].isin(cold[:1])].assign(epochs=epochs))
    if not parts:
        return pd.DataFrame(columns=list(WARM))
    keys = ["epochs", "level", "batch_size", "optimizer", "quantity"]
    found = pd.concat(parts).drop_duplicates(keys)[list(WARM)]
    return found.sort_values(["optimizer", "batch_size", "epochs"], kind="stable", ignore_index=True)


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(key) == other.get(key) for key in _SHARED)
