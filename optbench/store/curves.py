"""Curves in long form: a row for each point of each curve, as a schema describes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optbench.errors import DataError
from optbench.records import curve_steps
from optbench.records.schema import Curves, Schema


def long_form(runs: pd.DataFrame, schema: Schema, manifest: Mapping[str, Any], path: Path) -> pd.DataFrame:
    """Returns the curves of rows, point by point.

    Args:
        runs: The rows.
        schema: Which of their columns are curves, and when their points were recorded.
        manifest: The manifest of their run; it has the budget, and what an evaluation of each problem costs.
        path: The folder of the run, for messages.

    Returns:
        ``cell_id``, the clock and every curve. A row without a curve has no points.

    Raises:
        DataError: A curve has not the points that it must have, or rows have no curves.
    """
    curves = schema.curves
    if not curves.columns:
        raise DataError(f"{path}: rows of {schema.name} have no curves")
    clocks = _recorded(runs, curves.clock_column) if curves.clock_column else _planned(runs, curves, manifest)
    points = np.array([len(clock) for clock in clocks], dtype=np.int64)
    clock = np.concatenate([np.empty(0, np.int32), *clocks])
    columns: dict[str, Any] = {"cell_id": runs["cell_id"].array.repeat(points), curves.clock: clock}
    for name, column in curves.columns.items():
        found = [np.asarray(() if curve is None else curve, dtype=np.float64) for curve in runs[column]]
        for row, (curve, n) in enumerate(zip(found, points, strict=True)):
            if len(curve) != n:
                where = ", ".join(str(runs[key].iloc[row]) for key in schema.order)
                raise DataError(
                    f"{path}: {column} of {where} must have {n} points; got {len(curve)}; run the suite again"
                )
        columns[name] = np.concatenate([np.empty(0), *found])
    return pd.DataFrame(columns)


def _recorded(runs: pd.DataFrame, column: str) -> list[np.ndarray]:
    """Returns when the points of each row were recorded, as the row says it."""
    return [np.asarray(() if clock is None else clock, dtype=np.int64) for clock in runs[column]]


def _planned(runs: pd.DataFrame, curves: Curves, manifest: Mapping[str, Any]) -> list[np.ndarray]:
    """Returns when the points of each row were recorded: the costs up to the budget, for rows that have a curve."""
    known = manifest.get("problems", {})
    costs = {label: _costs(int(manifest["budget"]), known.get(label, {})) for label in runs["problem"].unique()}
    first = next(iter(curves.columns.values()))
    has = [curve is not None and len(curve) > 0 for curve in runs[first]]
    return [costs[label] if it else costs[label][:0] for label, it in zip(runs["problem"], has, strict=True)]


def _costs(budget: int, problem: Mapping[str, Any]) -> np.ndarray:
    """Returns the costs at which the curves of a problem have points: whole unless an evaluation costs less than 1."""
    trip_cost = float(problem.get("trip_cost", 1.0))
    steps = np.asarray(curve_steps(round(budget / trip_cost)), dtype=np.int32)
    return steps if trip_cost == 1.0 else steps * trip_cost
