"""What was measured of networks, beside what their rows say; and the configurations that were reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.measures.configurations import CONFIGURATIONS, named
from optbench.analysis.measures.measured import joined
from optbench.analysis.networks.runs import FAILED, ReportedRuns, reported
from optbench.analysis.networks.summary import summarized
from optbench.records import Split


def measured(runs: pd.DataFrame, measures: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Puts each row of a measure beside what is known of its network.

    Args:
        runs: Rows with the columns of ``records.networks``.
        measures: Rows with the columns of ``records.measures``.
        manifest: The run's manifest.

    Returns:
        The frame of ``analysis.measures.measured.joined``; ``gap`` is training minus test accuracy, ``family`` data
        and model, which tasks of different batch sizes share.
    """
    tasks = manifest.get("tasks", {})
    sizes = {label: float(task.get("batch_size", np.nan)) for label, task in tasks.items()}
    known = runs.assign(
        unit=runs["seed"],
        batch=runs["task"].map(sizes).astype(np.float64),
        family=[without_batch(str(task), tasks.get(task, {})) for task in runs["task"]],
        test_accuracy=pd.to_numeric(runs["test_accuracy"], errors="coerce"),
        gap=pd.to_numeric(runs["train_accuracy"], errors="coerce")
        - pd.to_numeric(runs["test_accuracy"], errors="coerce"),
    )
    return joined(measures, known, manifest, "task", loss_at)


def without_batch(label: str, task: Mapping[str, Any]) -> str:
    """Returns the label of a task without its batch size.

    Example:
        >>> without_batch("digits-lenet-b32+dropout=0.5", {"batch_size": 32})
        'digits-lenet+dropout=0.5'
    """
    return label.replace(f"-b{task.get('batch_size')}", "", 1)


def loss_at(row: Mapping[str, Any], point: str, evals: int) -> float:
    """Returns the training loss of a run at a point; of points on its curve that of the first 10,000 examples.

    Args:
        row: The run.
        point: Which point.
        evals: Gradients of batches that had led there.

    Returns:
        The loss, NaN where none is known.
    """
    if point == "judged":
        return float("nan") if row["train_loss"] is None else float(row["train_loss"])
    grads, losses = row["curve_grads"], row["curve_train_loss"]
    if grads is None or losses is None or not len(losses):
        return float("nan")
    found = np.flatnonzero(np.asarray(grads) == evals)
    return float(losses[found[0]]) if len(found) else float("nan")


def configurations(runs: pd.DataFrame, measures: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Returns every configuration that was reported, with the settings it stands for and its scores.

    Args:
        runs: Rows with the columns of ``records.networks``.
        measures: Not used: what was reported hangs on no measure.
        manifest: The run's manifest.

    Returns:
        One row per task, optimizer and configuration, with ``task`` and the columns of ``CONFIGURATIONS``.
    """
    del measures
    settings: dict[tuple[str, str, int], dict[str, bool]] = {}
    for (setting, task, optimizer), chosen in reported(runs, manifest).items():
        place = (task, optimizer, int(chosen.rows["config"].iloc[0]))
        settings.setdefault(place, {})[setting] = chosen.at_edge
    report = runs[runs["split"] == str(Split.REPORT)].sort_values(["task", "optimizer", "config", "seed"])
    rows = []
    for _, mine in report.groupby(["task", "optimizer", "config"], sort=True):
        first = mine.iloc[0]
        place = (str(first["task"]), str(first["optimizer"]), int(first["config"]))
        answers = [len(right) for right in mine["test_right"] if right is not None]
        n_test = int(manifest.get("tasks", {}).get(place[0], {}).get("n_test", max(answers, default=0)))
        stands_for = settings.get(place, {})
        entry = ReportedRuns(mine, n_test, any(stands_for.values()))
        found = summarized(entry)
        rows.append({
            **dict(zip(("task", "optimizer", "config"), place, strict=True)),
            "settings": named(stands_for),
            "n_units": len(mine),
            "failed": entry.count(*FAILED),
            **{name: found[name] for name in ("swept", "swept_value", "at_edge", "diverged", "n_test")},
            **{name: found[name] for name in ("test_accuracy", "test_low", "test_high", "gap", "gap_low", "gap_high")},
        })  # fmt: skip
    return pd.DataFrame(rows, columns=["task", *CONFIGURATIONS])
