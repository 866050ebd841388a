"""What figures of networks are drawn from: curves over training, and validation accuracy over the swept values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.networks.runs import ReportedRuns, reported
from optbench.analysis.networks.selection import choices, scores
from optbench.analysis.statistics.arrays import Floats
from optbench.analysis.statistics.intervals import quantiles
from optbench.records import Split, Status

QUARTILES = (0.25, 0.5, 0.75)

#: ``loss_*`` and ``accuracy_*`` are quartiles over the reported seeds, on validation examples.
CURVES = (
    *("setting", "task", "optimizer", "grads", "passes", "n_seeds"),
    *("loss_q25", "loss_median", "loss_q75", "accuracy_q25", "accuracy_median", "accuracy_q75"),
)

#: ``accuracy`` is the mean on validation examples over the seeds of ``split``, a miss as 0; ``low`` and ``high`` are
#: the lowest and the highest seed's.
RATES = (
    *("task", "optimizer", "config", "swept", "swept_value", "split", "is_default", "is_chosen", "at_edge"),
    *("n_seeds", "accuracy", "low", "high", "missed"),
)


def network_curves(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Returns median and quartiles of validation loss and accuracy at each recorded point.

    From the point on at which a run diverged its loss is infinite and its accuracy 0; a run without curves counts so
    throughout.

    Args:
        runs: Rows with the columns of ``records.networks``.
        manifest: The run's manifest.

    Returns:
        One row per setting, task, optimizer and point, with the columns of ``CURVES``.
    """
    parts = []
    for (setting, task, optimizer), entry in reported(runs, manifest).items():
        grads, passes = _points(entry)
        if not len(grads):
            continue
        columns: dict[str, Any] = {"setting": setting, "task": task, "optimizer": optimizer, "grads": grads}
        columns |= {"passes": passes, "n_seeds": len(entry.rows)}
        for name, lost in (("loss", np.inf), ("accuracy", 0.0)):
            table = np.stack([_curve(row, name, len(grads), lost) for _, row in entry.rows.iterrows()])
            names = (f"{name}_q25", f"{name}_median", f"{name}_q75")
            columns |= dict(zip(names, quantiles(table, QUARTILES), strict=True))
        parts.append(pd.DataFrame(columns, columns=list(CURVES)))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(CURVES))


def _points(entry: ReportedRuns) -> tuple[np.ndarray, Floats]:
    """Returns gradients of batches and passes at each point of the longest curve."""
    lengths = [0 if grads is None else len(grads) for grads in entry.rows["curve_grads"]]
    longest = entry.rows.iloc[int(np.argmax(lengths))]
    if not max(lengths):
        return np.empty(0, np.int64), np.empty(0)
    grads = np.asarray(longest["curve_grads"], dtype=np.int64)
    per_grad = longest["cost"] / longest["grad_evals"] if longest["grad_evals"] else 0.0
    return grads, np.asarray(grads * float(per_grad), dtype=np.float64)


def _curve(row: pd.Series, name: str, length: int, lost: float) -> Floats:
    """Returns a run's curve on validation examples, ``lost`` from where it diverged or ended."""
    out = np.full(length, lost)
    curve = row[f"curve_validation_{name}"]
    if curve is None:
        return out
    out[: len(curve)] = np.asarray(curve, dtype=np.float64)
    if row["status"] == Status.DIVERGED and row["diverged_at"] >= 0:
        out[: len(curve)][np.asarray(row["curve_grads"]) >= row["diverged_at"]] = lost
    return np.where(np.isnan(out), lost, out)


def network_rates(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Returns the validation accuracy of every configuration that was tried.

    A default that is no trial has no tuning run: its row is that of the reported runs, on validation examples too.

    Args:
        runs: Rows with the columns of ``records.networks``.
        manifest: The run's manifest.

    Returns:
        One row per task, optimizer and configuration, by ascending swept value, with the columns of ``RATES``; empty
        where nothing was tuned.
    """
    tune = runs[runs["split"] == str(Split.TUNE)]
    if tune.empty:
        return pd.DataFrame(columns=list(RATES))
    chosen = choices(tune, manifest)
    default = runs[(runs["split"] == str(Split.REPORT)) & runs["is_default"].astype(bool)]
    others = {(str(t), str(o)): rows for (t, o), rows in default.groupby(["task", "optimizer"])}
    parts = []
    for (task, optimizer), rows in tune.groupby(["task", "optimizer"], sort=True):
        key = str(task), str(optimizer)
        tables = [_rates(rows)]
        if key in others and not rows["is_default"].any():
            tables.append(_rates(others[key]))
        table = pd.concat(tables, ignore_index=True).assign(task=key[0], optimizer=key[1])
        table["is_chosen"] = (table["config"] == chosen[key].config) & (table["split"] == str(Split.TUNE))
        table["at_edge"] = table["is_chosen"] & chosen[key].at_edge
        parts.append(table[list(RATES)].sort_values(["swept_value", "config"]))
    return pd.concat(parts, ignore_index=True)


def _rates(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns the scores of one optimizer's configurations on one task, with what they are."""
    first = rows.groupby("config", sort=True)[["swept", "is_default", "split"]].first()
    table = scores(rows).drop(columns="loss").join(first)
    return table.reset_index().assign(n_seeds=rows["seed"].nunique())
