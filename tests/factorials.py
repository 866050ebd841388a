"""A run whose arms are a factorial of rate and batch size, drawn from planes that are known."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np

from tests import arms, networks

RATES, SIZES = (0.0125, 0.05, 0.2), (20, 80, 320)
N_REPLICATES = 12
#: Mean slopes per doubling of the batch size and of the rate: of test accuracy, and of both measures' logarithms.
SLOPES = {"test": (-0.01, 0.006), "keskar": (0.5, -0.5), "hessian_top": (0.4, -0.7)}


def entry(rate: float) -> str:
    """Returns the label of the rule at a rate."""
    return f"sgd[lr={rate:g}]"


def arm(rate: float, sizes=SIZES, **entries) -> dict:
    """Returns an arm as a manifest has it: one rate at some batch sizes."""
    runs = [{"optimizer": entry(rate), "task": arms.label(size), "batch_size": size, "setting": "default"}
            for size in sizes]  # fmt: skip
    return {"name": f"rate-{rate:g}", "title": f"rate {rate:g}", "says": "", "is_primary": False, "runs": runs,
            **entries}  # fmt: skip


def manifest(given: list[dict] | None = None, **entries) -> dict:
    """Returns the manifest of the run, with other arms or entries in place of its own."""
    base = {**networks.manifest()["tasks"]["digits-lenet"], "shares_test": False, "loss": "cross_entropy",
            "warm_start": None, "early_stopping": False}  # fmt: skip
    given = [arm(rate) for rate in RATES] if given is None else given
    runs = [run for one in given for run in one["runs"]]
    return arms.manifest(**{
        "arms": given, "seeds": {"tune": 0, "report": N_REPLICATES},
        "measures": {name: arms.MEASURED[name] for name in ("keskar", "hessian_top")},
        # Larger batches have more epochs, as in the suite.
        "tasks": {run["task"]: {**base, "batch_size": run["batch_size"], "epochs": 5 * run["batch_size"]}
                  for run in runs},
        "optimizers": {run["optimizer"]: {"name": "sgd", "swept": "lr", "has_rate": True, "grid": []} for run in runs},
        **entries,
    })  # fmt: skip


def slopes(seed: int, name: str) -> np.ndarray:
    """Returns the slopes of one replicate: per doubling of the batch size, and of the rate."""
    rng = np.random.Generator(np.random.Philox([seed, len(name)]))
    return np.array(SLOPES[name]) * (1 + 0.3 * rng.standard_normal(2))


def plane(seed: int, name: str, size: int, rate: float) -> float:
    """Returns the height of a replicate's plane over a cell."""
    at = np.log2([size / 80, rate / 0.05])
    return float((0.8 if name == "test" else 2.0) + 0.01 * seed + slopes(seed, name) @ at)


def run(given: list[dict] | None = None, *, noise: float = 0.0, hyper=None, **entries) -> SimpleNamespace:
    """Returns the run as ``store.load`` would.

    Args:
        given: Other arms.
        noise: Standard deviation of what cells deviate from the planes.
        hyper: Hyperparameters by rate; that rate alone if ``None``.
        **entries: Of the manifest.
    """
    told = manifest(given, **entries)
    cells = {(one["optimizer"], one["task"]): one for arm in told["arms"] for one in arm["runs"]}
    rows, estimates = [], {}
    for one in cells.values():
        rate, size = float(one["optimizer"].split("=")[1][:-1]), one["batch_size"]
        for seed in range(N_REPLICATES):
            rng = np.random.Generator(np.random.Philox([seed, size, round(1e4 * rate)]))
            height = {name: plane(seed, name, size, rate) + noise * rng.standard_normal() for name in SLOPES}
            row = arms.row({**one, "optimizer": "sgd"}, seed, optimizer=one["optimizer"])
            n = len(arms.LEVELS)
            row |= {
                "cell_id": f"{rate:g}-{size}-{seed}",
                "hyper": json.dumps({"lr": rate} if hyper is None else hyper(rate)),
                "level_train_accuracy": np.full(n, 1.0), "level_test_accuracy": np.full(n, height["test"]),
            }  # fmt: skip
            rows.append(row)
            estimates |= {(row["cell_id"], name): 2.0 ** height[name] for name in ("keskar", "hessian_top")}
    runs = arms.frame(rows)
    measures = arms.measures_of(runs, told["measures"])
    at = zip(measures["cell_id"], measures["measure"], strict=True)
    measures["estimate"] = [estimates[place] for place in at]
    facts = {**told, "n_cells": len(runs), "status_counts": runs["status"].value_counts().to_dict()}
    return SimpleNamespace(runs=runs, measures=measures, manifest=facts, path=None)
