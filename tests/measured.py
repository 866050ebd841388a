"""Rows of measures of the synthetic runs, drawn from formulas: what ``Run.measures`` would return of them."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd

from optbench.records.measures import ROWS
from tests import networks

#: What a manifest says of the measures of a suite.
MEASURES = {
    "top": {"name": "hessian_top", "title": "top eigenvalue", "unit": "loss per squared weight",
            "is_invariant": False, "settings": {"steps": 30, "tol": 1e-3}},
    "bottom": {"name": "hessian_bottom", "title": "bottom eigenvalue", "unit": "loss per squared weight",
               "is_invariant": False, "settings": {"steps": 30}},
    "trace": {"name": "hessian_trace", "title": "trace", "unit": "loss per squared weight",
              "is_invariant": False, "settings": {"probes": 50}},
    "keskar": {"name": "keskar", "title": "Keskar", "unit": "%", "is_invariant": False,
               "settings": {"eps": 1e-3, "subspace": None}},
    "asam": {"name": "asam", "title": "ASAM", "unit": "nats", "is_invariant": True, "settings": {"rho": 0.5}},
    "preconditioned": {"name": "preconditioned_top", "title": "preconditioned top", "unit": "",
                       "is_invariant": False, "settings": {}},
    "spectrum": {"name": "hessian_spectrum", "title": "spectrum", "unit": "loss per squared weight",
                 "is_invariant": False, "settings": {"steps": 20, "probes": 2}},
}  # fmt: skip


def rows_of(runs: pd.DataFrame, measures: dict = MEASURES, point: str = "judged") -> pd.DataFrame:
    """Returns a row for each measure of each reported run: sharper at a smaller rate, and at a larger batch."""
    found = []
    reported = runs[runs["split"] == "report"]
    for (_, run), label in ((row, label) for row in reported.iterrows() for label in measures):
        found.append(measure_of(run, label, measures[label], point))
    return pd.DataFrame(found, columns=list(ROWS.columns))


def measure_of(run: pd.Series, label: str, told: dict, point: str) -> dict:
    """Returns the row of one measure of one run; the second rule has no preconditioner, a lost run has no point."""
    seed = int(run.get("seed", run.get("start", 0)))
    rng = np.random.Generator(np.random.Philox([seed, len(label), int(run["cell_id"], 16)]))
    top = 2.0 / (float(run["swept_value"]) + 1e-3) ** 0.5 * float(np.exp(0.2 * rng.standard_normal()))
    estimate = {
        "hessian_top": top, "hessian_bottom": -0.05 * top, "hessian_trace": 9 * top, "keskar": 0.3 * top,
        "asam": 0.1 + 0.01 * rng.standard_normal(), "preconditioned_top": 38.0, "hessian_spectrum": top,
    }[told["name"]]  # fmt: skip
    row = {
        "cell_id": run["cell_id"], "point": point, "evals": 126, "other_cell_id": "", "measure": label,
        "estimate": float(estimate), "standard_error": 0.02 * abs(estimate) if "trace" in label else np.nan,
        "settings": json.dumps({"name": told["name"], "dtype": "float64", **told["settings"]}), "details": "{}",
        "grid": np.empty(0), "values": np.empty(0), "status": "ok", "message": "",
    }  # fmt: skip
    if told["name"] == "hessian_spectrum":
        nodes = np.concatenate([[top, 0.4 * top], np.linspace(-0.05, 0.1, 18) * top])
        weights = np.concatenate([[1e-4, 2e-4], np.exp(-np.linspace(0, 8, 18))])
        weights = weights / weights.sum()
        row |= {"grid": np.tile(nodes, 2), "values": np.tile(weights, 2)}
    if told["name"] == "preconditioned_top" and run["optimizer"].startswith("sgd"):
        row |= {"status": "not_applicable", "message": f"{run['optimizer']} has no preconditioner"}
    if run["status"] in {"error", "timeout", "oom"}:
        row |= {"status": "no_point", "evals": -1, "message": "the run has no such point"}
    if row["status"] != "ok":
        row |= {"estimate": np.nan, "standard_error": np.nan, "grid": np.empty(0), "values": np.empty(0)}
    return row


def network_run(runs: pd.DataFrame | None = None, **entries) -> SimpleNamespace:
    """Returns the synthetic run of networks with its measures, as ``store.load`` would."""
    run = networks.run(runs, **{"measures": MEASURES, **entries})
    run.measures = rows_of(run.runs)
    return run


#: Batch sizes and rates of the factorial run.
SIZES, RATES = (16, 64), (0.003, 0.03, 0.1)


def factorial_run(n_seeds: int = 6, **entries) -> SimpleNamespace:
    """Returns a run of one data set and model at several batch sizes, whose optimizers hold several rates."""
    base = networks.manifest()["tasks"]["digits-lenet"]
    tasks = {f"digits-lenet-b{size}": {**base, "batch_size": size} for size in SIZES}
    rules = {f"{name}[lr={rate:g}]": (name, rate) for name in ("sgd", "adam") for rate in RATES}
    rows = [
        networks.row(task, label, 0, "report", seed, swept_value=rate, is_default=True)
        for task in tasks for label, (_, rate) in rules.items() for seed in range(n_seeds)
    ]  # fmt: skip
    optimizers = {label: {"name": name, "swept": "lr", "grid": []} for label, (name, _) in rules.items()}
    return network_run(networks.frame(rows), tasks=tasks, optimizers=optimizers, tuning="default", **entries)
