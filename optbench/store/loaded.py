"""A stored run as Python sees it: ``optbench.load``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optbench.errors import DataError, UsageError
from optbench.records import NETWORK_COLUMNS, curve_steps
from optbench.store.manifest import read_manifest
from optbench.store.paths import MANIFEST
from optbench.store.rows import StoredRows
from optbench.store.shards import read_runs


@dataclass(frozen=True)
class Run:
    """The evidence of one run; rows are read when first asked for.

    Attributes:
        path: Its folder.
        manifest: What it is, where it was made, how it ended.
    """

    path: Path
    manifest: dict[str, Any]

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row per committed cell: ``records.RUN_COLUMNS``, or ``NETWORK_COLUMNS`` of a suite of networks.

        A column that a run's schema did not have yet is ``None``: ``settled`` before schema 3, see ``has_settled``.
        """
        return read_runs(self.path, kind=self.manifest.get("kind", "landscapes"))

    @property
    def has_settled(self) -> bool:
        """Whether every row has settling times; rows that were stored before schema 3 have none."""
        return "settled" in self.runs and bool(self.runs["settled"].notna().all())

    @cached_property
    def rows(self) -> StoredRows:
        """The rows of a suite of functions, read problem by problem when they are asked for."""
        return StoredRows(self.path, self.manifest)

    @cached_property
    def traces(self) -> pd.DataFrame:
        """The curves in long form: ``cell_id``, ``cost``, ``f``, ``f_best``; inf where a run failed or diverged.

        A cost is what has been spent, in gradients of the whole function: of a finite sum in batches, a step costs the
        share of the terms that it sees, so that curves of different batch sizes have different points.

        Of a suite of networks: ``cell_id``, ``grads``, and ``train_loss``, ``train_accuracy``, ``validation_loss``,
        ``validation_accuracy``, ``grad_norm`` at each point; a run that failed has no points.

        Raises:
            DataError: Curves have not the points that they must have.
        """
        if self.manifest.get("kind") == "networks":
            return _network_traces(self)
        return _landscape_traces(self)


def _landscape_traces(run: Run) -> pd.DataFrame:
    """Returns the curves of a run of functions in long form; each problem has a grid of its own."""
    budget, known = int(run.manifest["budget"]), run.manifest.get("problems", {})
    costs = {label: _costs(budget, known.get(label, {})) for label in run.runs["problem"].unique()}
    curves, best = (run.runs[name].to_numpy() for name in ("curve_f", "curve_best"))
    points = np.array([0 if c is None else len(c) for c in curves], dtype=np.int64)
    due = np.array([len(costs[label]) for label in run.runs["problem"]], dtype=np.int64)
    if (wrong := np.flatnonzero((points > 0) & (points != due))).size:
        label, n = run.runs["problem"].iloc[wrong[0]], due[wrong[0]]
        raise DataError(f"{run.path}: curves of {label} must have {n} points for this budget; run the suite again")
    keep = points > 0
    return pd.DataFrame(
        {
            "cell_id": run.runs["cell_id"].array.repeat(points),
            "cost": np.concatenate([np.empty(0, np.int32), *(costs[label] for label in run.runs["problem"][keep])]),
            "f": np.concatenate([np.empty(0), *curves[keep]]),
            "f_best": np.concatenate([np.empty(0), *best[keep]]),
        }
    )


def _costs(budget: int, problem: dict[str, Any]) -> np.ndarray:
    """Returns the costs at which the curves of a problem have points: whole unless a step costs less than 1."""
    trip_cost = float(problem.get("trip_cost", 1.0))
    steps = np.asarray(curve_steps(round(budget / trip_cost)), dtype=np.int32)
    return steps if trip_cost == 1.0 else steps * trip_cost


def _network_traces(run: Run) -> pd.DataFrame:
    """Returns the curves of a run of networks in long form; curves of differing lengths are damage."""
    names = [name for name in NETWORK_COLUMNS if name.startswith("curve_")]
    points = np.array([0 if grads is None else len(grads) for grads in run.runs["curve_grads"]], dtype=np.int64)
    keep = points > 0
    columns: dict[str, Any] = {"cell_id": run.runs["cell_id"].array.repeat(points)}
    for name in names:
        curves = run.runs[name].to_numpy()[keep]
        if any(curve is None or len(curve) != n for curve, n in zip(curves, points[keep], strict=True)):
            raise DataError(f"{run.path}: {name} must have as many points as curve_grads; run the suite again")
        kind = np.int64 if name == "curve_grads" else np.float64
        parts = [np.empty(0, kind), *(np.asarray(curve, dtype=kind) for curve in curves)]
        columns[name.removeprefix("curve_")] = np.concatenate(parts)
    return pd.DataFrame(columns)


def load(path: str | Path) -> Run:
    """Returns a stored run.

    Args:
        path: The run's folder ``<out>/<suite>/<run-id>``, or ``<out>/<suite>`` if it holds one run.

    Returns:
        The run, with ``.runs``, ``.traces``, ``.manifest`` and ``.path``.

    Raises:
        UsageError: The folder holds several runs.
    """
    folder = Path(path)
    if not (folder / MANIFEST).is_file():
        inner = sorted(p.parent for p in folder.glob(f"*/{MANIFEST}"))
        if len(inner) > 1:
            raise UsageError(f"{folder} holds {len(inner)} runs; name one of {', '.join(map(str, inner))}")
        folder = inner[0] if inner else folder
    return Run(folder, read_manifest(folder))
