"""Columns of a small shard, equal for equal arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from optbench.records import N_TARGETS, curve_steps
from optbench.records.landscapes import ROWS

BUDGET = 20


def make_columns(
    problem: str = "sphere-2d", optimizer: str = "adam", *, n: int = 6, seed: int = 0, budget: int = BUDGET
) -> dict[str, Any]:
    """``n`` rows of one group; the last one failed and left no curve."""
    rng = np.random.default_rng(seed)
    points = len(curve_steps(budget))
    f = rng.random(n)
    f[-1] = np.nan
    curves: list[Any] = [*rng.random((n - 1, points)), None]
    columns: dict[str, Any] = {
        "cell_id": [f"{problem}-{optimizer}-{k}" for k in range(n)],
        "problem": [problem] * n,
        "optimizer": [optimizer] * n,
        "config": np.repeat(np.arange(n // 2, dtype=np.int32), 2),
        "hyper": ['{"lr":0.1}'] * n,
        "swept": ["lr"] * n,
        "swept_value": np.full(n, 0.1),
        "is_default": np.zeros(n, bool),
        "split": ["report", "tune"] * (n // 2),
        "start": np.zeros(n, np.int32),
        "start_distance": np.full(n, np.nan),
        "noise_seed": np.zeros(n, np.int32),
        "status": [*["ok"] * (n - 1), "error"],
        "message": [*[""] * (n - 1), "boom"],
        "hits": rng.integers(-1, BUDGET, (n, N_TARGETS)).astype(np.int32),
        "settled": rng.integers(-1, BUDGET, (n, N_TARGETS)).astype(np.int32),
        "curve_f": curves,
        "curve_best": curves,
        "wells": rng.integers(-1, 2, (n, 3)).astype(np.int32),
    }
    for name in ("diverged_at", "escaped_at"):
        columns[name] = np.full(n, -1, np.int32)
    for name in ("f_start", "f_last", "f_best", "f_tail"):
        columns[name] = f
    columns["cost"] = np.full(n, float(BUDGET))
    columns["sample_grads"] = np.zeros(n, np.int64)
    for name in ("grad_evals", "value_evals", "hvps"):
        columns[name] = np.full(n, BUDGET, np.int32)
    return {name: columns[name] for name in ROWS.columns}
