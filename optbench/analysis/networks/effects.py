"""What a regularizer does: the same optimizer on the same data and model, with it and without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.networks.runs import ReportedRuns, check_paired, reported
from optbench.analysis.statistics.crossed import Crossed, crossed, over_seeds

#: Each effect is the value with the regularizer minus that without; ``config``, ``base_config`` are those compared.
EFFECTS = (
    *("setting", "base", "task", "regularizer", "optimizer", "swept", "swept_value", "base_value"),
    *("n_seeds", "n_pairs", "n_test"),
    *("train", "train_low", "train_high", "test", "test_low", "test_high", "gap", "gap_low", "gap_high"),
)


def network_effects(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Compares each regularized task with its ``base`` in the manifest, for every optimizer and setting.

    Differences are paired on seeds and test examples. ``test`` and ``gap`` have intervals for new seeds and new test
    examples, ``train`` for new seeds. In the setting ``tuned`` each side has its own tuned configuration. A seed
    counts if both sides have scores: ``n_pairs`` of ``n_seeds``.

    Args:
        runs: Rows with the columns of ``records.networks``.
        manifest: The run's manifest.

    Returns:
        One row per setting, regularized task and optimizer, with the columns of ``EFFECTS``; none without a base.

    Raises:
        DataError: The two tasks were tested on different numbers of examples.
    """
    entries = reported(runs, manifest)
    rows = []
    for (setting, task, optimizer), entry in entries.items():
        facts = manifest.get("tasks", {}).get(task, {})
        base = facts.get("base")
        other = entries.get((setting, str(base), optimizer))
        if base is None or other is None:
            continue
        check_paired(entry, other, (task, str(base)))
        keys = {"setting": setting, "base": str(base), "task": task, "regularizer": regularizer(task, str(base), facts)}
        rows.append({**keys, "optimizer": optimizer, **_effects(entry, other, int(facts.get("n_train", 0)))})
    return pd.DataFrame(rows, columns=list(EFFECTS))


def regularizer(task: str, base: str, facts: Mapping[str, Any]) -> str:
    """Returns what is done against overfitting on a task: what its label has beyond its base's, else its strengths.

    Example:
        >>> regularizer("digits-lenet+dropout=0.5", "digits-lenet", {})
        'dropout=0.5'
        >>> regularizer("mine", "other", {"regularization": {"dropout": 0.5, "batch_norm": True}})
        'dropout=0.5, batch_norm'
    """
    if task.startswith(f"{base}+"):
        return task.removeprefix(f"{base}+")
    strengths = facts.get("regularization", {})
    return ", ".join(name if value is True else f"{name}={value:g}" for name, value in strengths.items()) or task


def _effects(entry: ReportedRuns, base: ReportedRuns, n_train: int) -> dict[str, Any]:
    first = entry.rows.iloc[0]
    all_seeds = np.union1d(entry.seeds, base.seeds)
    seeds = np.intersect1d(entry.seeds[entry.scored], base.seeds[base.scored])
    here, there = (np.searchsorted(side.seeds, seeds) for side in (entry, base))
    found: dict[str, Any] = {
        "swept": str(first["swept"]),
        "swept_value": float(first["swept_value"]),
        "base_value": float(base.rows.iloc[0]["swept_value"]),
        "n_seeds": len(all_seeds),
        "n_pairs": len(seeds),
        "n_test": entry.n_test,
    }
    parts: dict[str, Crossed | None] = dict.fromkeys(("train", "test", "gap"))
    if len(seeds) and entry.n_test:
        right = entry.right[here] - base.right[there]
        train = entry.share("train")[here] - base.share("train")[there]
        gaps = train[:, None] - right
        middle = float(train.mean())
        parts = {
            "train": over_seeds(train, n_train),
            "test": crossed(right.mean(axis=1), right.mean(axis=0), (-1.0, 1.0)),
            "gap": crossed(gaps.mean(axis=1), gaps.mean(axis=0), (middle - 1.0, middle + 1.0)),
        }
    for name, part in parts.items():
        low, high = (np.nan, np.nan) if part is None else part.interval()
        found |= {name: np.nan if part is None else part.estimate, f"{name}_low": low, f"{name}_high": high}
    return found
