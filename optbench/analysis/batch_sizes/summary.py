"""Each batch size of each arm at each level: how many runs got there, and what they are like there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.measures.summary import of_median
from optbench.analysis.networks.runs import FAILED
from optbench.analysis.networks.summary import student
from optbench.records import Status

#: ``n_planned`` counts the replicates that the suite asks for, ``n_runs`` those with a row; ``n_reached`` those with
#: such a point, ``n_entered`` those whose loss lies near enough, ``n_numbers`` those with a number.
LEVELS = (
    *("arm", "is_primary", "level", "batch_size", "task", "optimizer", "setting"),
    *("quantity", "kind", "estimate", "low", "high", "sd"),
    *("n_planned", "n_runs", "diverged", "failed", "n_reached", "n_entered", "n_numbers"),
)


#: Scores that are shares of examples; their intervals are cut off at what is possible.
SHARES = ("train_accuracy", "test_accuracy")


def arm_levels(points: pd.DataFrame, quantities: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Summarizes the points of each batch size.

    Scores have their mean and Student's interval over replicates, measures and costs their median with its interval by
    order statistics, which needs six replicates. ``sd`` is the standard deviation between replicates.

    Args:
        points: The frame of ``points.arm_points``.
        quantities: The frame of ``quantities.arm_quantities``.
        manifest: The run's manifest.

    Returns:
        One row for each arm, level (NaN for the end of runs), batch size and quantity, with the columns of ``LEVELS``.
    """
    planned = int(manifest.get("seeds", {}).get("report", 0))
    keys = ["arm", "level", "batch_size"]
    counted = {_place(*place): rows for place, rows in points.groupby(keys, dropna=False, sort=False)}
    numbers = {_place(*place): rows for place, rows in quantities.groupby(keys, dropna=False, sort=False)}
    kinds = dict(quantities[["quantity", "kind"]].drop_duplicates().itertuples(index=False, name=None))
    rows = []
    for arm in manifest.get("arms", ()):
        for level in (*manifest.get("levels", ()), None):
            for run in arm["runs"]:
                place = _place(arm["name"], np.nan if level is None else level, run["batch_size"])
                known = {
                    "arm": arm["name"], "is_primary": bool(arm["is_primary"]),
                    "level": np.nan if level is None else float(level),
                    **{name: run[name] for name in ("batch_size", "task", "optimizer", "setting")},
                    **_counts(counted.get(place), planned),
                }  # fmt: skip
                found = numbers.get(place)
                by_quantity = {} if found is None else dict(list(found.groupby("quantity")["value"]))
                for quantity, kind in kinds.items():
                    values = by_quantity.get(quantity, pd.Series(dtype=np.float64)).to_numpy(np.float64)
                    values = values[np.isfinite(values)]
                    rows.append({**known, "quantity": quantity, "kind": kind, **_summarized(values, quantity, kind)})
    return pd.DataFrame(rows, columns=list(LEVELS))


def _place(arm: Any, level: Any, batch_size: Any) -> tuple[str, float, int]:
    """Returns a key of an arm, a level and a batch size; NaN, which equals nothing, becomes 0."""
    return str(arm), 0.0 if np.isnan(level) else float(level), int(batch_size)


def _counts(rows: pd.DataFrame | None, planned: int) -> dict[str, int]:
    if rows is None:
        return {"n_planned": planned, "n_runs": 0, "diverged": 0, "failed": 0, "n_reached": 0, "n_entered": 0}
    return {
        "n_planned": max(planned, len(rows)),
        "n_runs": len(rows),
        # One that diverged before it came there is among those that did not reach it.
        "diverged": int((rows["enters"].astype(bool) & (rows["status"] == str(Status.DIVERGED))).sum()),
        "failed": int(rows["status"].isin([str(status) for status in FAILED]).sum()),
        "n_reached": int(rows["reached"].sum()),
        "n_entered": int(rows["enters"].sum()),
    }


def _summarized(values: np.ndarray, quantity: str, kind: str) -> dict[str, Any]:
    low, high = student(values) if kind == "score" else of_median(values)
    if quantity in SHARES:
        low, high = (float(np.clip(end, 0.0, 1.0)) for end in (low, high))
    middle = np.mean if kind == "score" else np.median
    return {
        "estimate": float(middle(values)) if len(values) else np.nan,
        "low": low,
        "high": high,
        "sd": float(values.std(ddof=1)) if len(values) > 1 else np.nan,
        "n_numbers": len(values),
    }
