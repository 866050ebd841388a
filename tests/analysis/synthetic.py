"""Run frames made from a formula, so that analysis is tested without computing a run.

A run's relative gap at cost t is ``g0 exp(-speed t / cost_per_step)``: hits, settling, curves and best
values follow from it exactly as the engine would record them.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from optbench.records import GAP_TARGETS, curve_steps
from optbench.records.landscapes import ROWS

F_SOLVED_GAP = 1e-6


def make_manifest(
    problems: dict[str, str], *, n_cells: int, budget: int = 200, n_shards: int = 0, **facts: Any
) -> dict[str, Any]:
    """A manifest for problems given as label -> family; ``facts`` override fields of every problem."""
    return {
        "budget": budget,
        "n_cells": n_cells,
        "shards": [f"shard-{k}" for k in range(n_shards)],
        "problems": {
            label: {
                "label": label,
                "name": family,
                "family": family,
                "dim": 2,
                "f_star": 3.0,
                "f_scale": 2.0,
                "f_solved": 3.0 + 2.0 * F_SOLVED_GAP,
                "f_second": None,
                "f_saddle": None,
                "tags": [],
                **facts,
            }
            for label, family in problems.items()
        },
    }


def make_row(
    problem: str,
    optimizer: str,
    config: int,
    split: str,
    start: int,
    *,
    speed: float,
    g0: float = 1.0,
    lr: float | None = None,
    status: str = "ok",
    budget: int = 200,
    cost_per_step: float = 1.0,
    is_default: bool = False,
    f_star: float = 3.0,
    f_scale: float = 2.0,
    distance: float = np.nan,
) -> dict[str, Any]:
    """One row whose gap falls as ``g0 exp(-speed t / cost_per_step)``."""
    targets = np.array([*GAP_TARGETS, F_SOLVED_GAP])
    with np.errstate(divide="ignore"):
        hit = np.ceil(np.maximum(np.log(g0 / targets), 0) / speed) * cost_per_step if speed > 0 else np.full(51, np.inf)
    hits = np.where(g0 <= targets, 0, np.where(hit <= budget, np.minimum(hit, budget), -1)).astype(np.int32)
    costs = np.array(curve_steps(budget))
    curve = f_star + f_scale * g0 * np.exp(-speed * (costs // cost_per_step))
    best = f_star + f_scale * g0 * np.exp(-speed * (budget // cost_per_step))
    return {
        "cell_id": f"{problem}|{optimizer}|{config}|{split}|{start}",
        "problem": problem,
        "optimizer": optimizer,
        "config": config,
        "hyper": json.dumps({"lr": lr if lr is not None else 10.0 ** (config - 1)}),
        "swept": "lr",
        "swept_value": lr if lr is not None else 10.0 ** (config - 1),
        "is_default": is_default,
        "split": split,
        "start": start,
        "start_distance": distance,
        "noise_seed": 0,
        "status": status,
        "message": "" if status == "ok" else status,
        "diverged_at": 1 if status == "diverged" else -1,
        "escaped_at": -1,
        "f_start": f_star + f_scale * g0,
        "f_last": best,
        "f_best": best,
        "f_tail": best,
        "cost": float(budget),
        "grad_evals": budget,
        "value_evals": 0,
        "hvps": 0,
        "sample_grads": 0,
        "hits": hits,
        "settled": np.full(51, -1, np.int32) if status == "diverged" else hits,
        "curve_f": curve,
        "curve_best": curve,
        "wells": np.empty(0, np.int32),
    }


def make_runs(
    problems: dict[str, str],
    optimizers: list[str],
    *,
    n_configs: int = 3,
    n_tune: int = 4,
    n_report: int = 8,
    budget: int = 200,
    seed: int = 0,
    default: int | None = 0,
    diverging: tuple[int, ...] = (),
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Rows and manifest of a whole run: random speeds, shared starts, chosen configs diverging."""
    rng = np.random.default_rng(seed)
    rows = []
    for problem in problems:
        g0 = {split: np.exp(rng.normal(0.5, 0.3, n)) for split, n in (("tune", n_tune), ("report", n_report))}
        for optimizer in optimizers:
            typical = np.exp(rng.normal(-2, 0.5, n_configs))
            for config in range(n_configs):
                for split, values in g0.items():
                    for start, g in enumerate(values):
                        rows.append(
                            make_row(
                                problem,
                                optimizer,
                                config,
                                split,
                                start,
                                speed=typical[config] * np.exp(rng.normal(0, 0.3)),
                                g0=g,
                                status="diverged" if config in diverging else "ok",
                                budget=budget,
                                is_default=config == default,
                            )
                        )
    frame = pd.DataFrame(rows)[list(ROWS.columns)]
    manifest = make_manifest(problems, n_cells=len(frame), budget=budget, n_shards=len(problems) * len(optimizers))
    return frame, manifest
