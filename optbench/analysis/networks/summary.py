"""Networks: how well each optimizer does on each task, and how far training and test are apart.

Computed from reported runs; the configuration of the setting ``tuned`` is chosen from tuning runs alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.networks.runs import FAILED, ReportedRuns, reported
from optbench.analysis.statistics.arrays import Floats
from optbench.analysis.statistics.crossed import crossed
from optbench.analysis.statistics.intervals import LEVEL, Interval
from optbench.records import Split, Status

#: ``stop`` is the median number of passes to the judged point; ``cost`` that of a whole run; ``tune_cost`` the passes
#: of all tuning runs together. ``seed_sd`` is the standard deviation of the test accuracy between seeds.
SUMMARY = (
    *("setting", "task", "optimizer", "config", "swept", "swept_value", "at_edge"),
    *("n_seeds", "n_scored", "diverged", "failed", "n_test"),
    *("train_accuracy", "validation_accuracy", "test_accuracy", "test_low", "test_high", "seed_sd"),
    *("gap", "gap_low", "gap_high", "train_loss", "validation_loss", "test_loss"),
    *("loss_gap", "loss_gap_low", "loss_gap_high", "stop", "cost", "tune_cost"),
)


def network_summary(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Summarizes the reported runs.

    Accuracies count a run without scores (``failed``: error, timeout, oom) as 0 on every example. Gaps, losses and
    stops are over the runs that have scores, ``n_scored`` of ``n_seeds``. A run that diverged keeps its judged point,
    and is counted.

    The intervals of ``test_accuracy`` and of ``gap`` are for new seeds and new test examples (``crossed``), those of
    ``loss_gap`` for new seeds on these test examples, since rows hold no loss of single examples. All are NaN for a
    single seed. The chosen configuration is taken as given.

    Args:
        runs: Rows with the columns of ``records.networks``.
        manifest: The run's manifest.

    Returns:
        One row per setting, task and optimizer, with the columns of ``SUMMARY``.
    """
    tune = runs[runs["split"] == str(Split.TUNE)]
    # A trial that diverged is paid in full.
    pairs = ["task", "optimizer"]
    spent = (tune.groupby(pairs).size() * runs.groupby(pairs)["cost"].max()).dropna().to_dict()
    rows = []
    for (setting, task, optimizer), entry in reported(runs, manifest).items():
        keys = {"setting": setting, "task": task, "optimizer": optimizer}
        rows.append({**keys, **summarized(entry), "tune_cost": float(spent.get((task, optimizer), 0.0))})
    return pd.DataFrame(rows, columns=list(SUMMARY))


def summarized(entry: ReportedRuns) -> dict[str, Any]:
    """Returns what the reported runs of one configuration amount to: the columns of ``SUMMARY`` but keys and costs."""
    first = entry.rows.iloc[0]
    right = entry.right
    test = crossed(right.mean(axis=1), right.mean(axis=0), (0.0, 1.0)) if entry.n_test else None
    accuracy = right.mean(axis=1) if entry.n_test else np.full(len(right), np.nan)
    ends = {"test": (np.nan, np.nan) if test is None else test.interval(0.0, 1.0)}
    gap, ends["gap"] = _gap(entry)
    loss_gap = (entry.loss("test") - entry.loss("train"))[entry.scored]
    ends["loss_gap"] = student(loss_gap)
    found: dict[str, Any] = {
        "config": int(first["config"]),
        "swept": str(first["swept"]),
        "swept_value": float(first["swept_value"]),
        "at_edge": entry.at_edge,
        "n_seeds": len(entry.rows),
        "n_scored": int(entry.scored.sum()),
        "diverged": entry.count(Status.DIVERGED),
        "failed": entry.count(*FAILED),
        "n_test": entry.n_test,
        "test_accuracy": float(accuracy.mean()),
        "seed_sd": float(accuracy.std(ddof=1)) if len(accuracy) > 1 else np.nan,
        "gap": gap,
        "loss_gap": _mean(loss_gap),
        "stop": _median(entry.stops[entry.scored]),
        "cost": _median(entry.rows["cost"].to_numpy(np.float64)),
    }
    for part in ("train", "validation"):
        found[f"{part}_accuracy"] = float(entry.share(part).mean())
    for part in ("train", "validation", "test"):
        found[f"{part}_loss"] = _mean(entry.loss(part)[entry.scored])
    for name, (low, high) in ends.items():
        found |= {f"{name}_low": low, f"{name}_high": high}
    return found


def _gap(entry: ReportedRuns) -> tuple[float, Interval]:
    """Returns training accuracy minus test accuracy over the runs with scores, and its interval."""
    right, train = entry.right[entry.scored], entry.share("train")[entry.scored]
    if not right.size:
        return np.nan, (np.nan, np.nan)
    gaps = train[:, None] - right
    found = crossed(gaps.mean(axis=1), gaps.mean(axis=0), (float(train.mean()) - 1.0, float(train.mean())))
    return found.estimate, found.interval(-1.0, 1.0)


def student(values: Floats, level: float = LEVEL) -> Interval:
    """Returns Student's interval of a mean, NaN for fewer than two values."""
    from scipy import special

    if len(values) < 2:
        return np.nan, np.nan
    half = float(special.stdtrit(len(values) - 1, (1 + level) / 2) * values.std(ddof=1) / np.sqrt(len(values)))
    return float(values.mean()) - half, float(values.mean()) + half


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else np.nan


def _median(values: Floats) -> float:
    return float(np.median(values)) if len(values) else np.nan
