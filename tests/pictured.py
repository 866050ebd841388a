"""Rows of the measures that are pictures of a loss, drawn from formulas, for the synthetic runs of networks."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd

from optbench.records.measures import ROWS
from tests import networks

STEPS = np.linspace(-1, 1, 21)
ALPHAS = np.linspace(-1, 2, 25)
SERIES = ["train_loss", "train_accuracy", "test_loss", "test_accuracy"]


def run(runs: pd.DataFrame | None = None, **entries) -> SimpleNamespace:
    """Returns the synthetic run of networks with pictures of each reported run, as ``store.load`` would."""
    found = networks.run(runs, **entries)
    found.measures = rows_of(found.runs)
    return found


def rows_of(runs: pd.DataFrame) -> pd.DataFrame:
    """Returns five rows for each reported run; the second solution is the next rule's of the same task and seed."""
    reported = runs[runs["split"] == "report"]
    found = []
    for _, row in reported.iterrows():
        others = reported[(reported["task"] == row["task"]) & (reported["seed"] == row["seed"])]
        others = others[others["optimizer"] != row["optimizer"]].sort_values(["optimizer", "config"])
        for made in (line, plane, path, *[interpolation] * bool(len(others))):
            other = others.iloc[0]["cell_id"] if made is interpolation else ""
            found.append(made(row, row["seed"]) | {"cell_id": row["cell_id"], "other_cell_id": other})
    return pd.DataFrame(found, columns=list(ROWS.columns))


def measured(name: str, estimate: float, settings: dict, details: dict, grid: np.ndarray, values: np.ndarray) -> dict:
    """Returns a row of status ``ok``."""
    return {
        "point": "judged", "evals": 126, "measure": name, "estimate": estimate, "standard_error": np.nan,
        "settings": json.dumps({"name": name, "dtype": "float64", **settings}), "details": json.dumps(details),
        "grid": np.asarray(grid, float), "values": np.ravel(values).astype(float), "status": "ok", "message": "",
    }  # fmt: skip


def line(row: pd.Series, seed: int) -> dict:
    """Returns a parabola that is wider for smaller rates."""
    values = 0.01 + (seed + 1) * STEPS**2 / (1 + float(row["swept_value"]))
    settings = {"points": 21, "radius": 1.0, "mode": "filter", "seed": 0, "n_examples": 1000}
    details = {"shape": [21], "center": 0.01, "examples": 1000, "evaluations": 22, "norms": [3.0]}
    return measured("landscape_1d", values[0] - 0.01, settings, details, STEPS, values)


def plane(row: pd.Series, seed: int) -> dict:
    """Returns a bowl whose lowest point is beside the center, for the odd seeds."""
    x, y = np.meshgrid(STEPS - 0.2 * (seed % 2), STEPS, indexing="ij")
    values = 0.02 + (seed + 1) * (x * x + 3 * y * y)
    settings = {"points": 21, "radius": 1.0, "mode": "filter", "seed": 0, "n_examples": 1000}
    details = {"shape": [21, 21], "center": float(values[10, 10]), "examples": 1000, "norms": [3.0, 3.0]}
    return measured("landscape_2d", float(seed), settings, details, STEPS, values)


def interpolation(row: pd.Series, seed: int) -> dict:
    """Returns two wells with a barrier of ``0.1 (seed + 1)``."""
    loss = 0.01 + 1.6 * (seed + 1) * (ALPHAS * (1 - ALPHAS)) ** 2
    right = np.clip(1.0 - 0.2 * loss, 0.1, 1.0)
    values = np.stack([loss, right, loss + 0.2, right - 0.03])
    details = {
        "series": SERIES, "shape": [4, 25], "ends": {}, "barriers": {}, "distance": 5.0,
        "batch_norm": "statistics of the training examples, recomputed at each point",
    }  # fmt: skip
    settings = {"points": 25, "low": -1.0, "high": 2.0, "way": "line"}
    return measured("interpolation", 0.1 * (seed + 1), settings, details, ALPHAS, values)


def path(row: pd.Series, seed: int) -> dict:
    """Returns half a turn of a spiral to the origin, over a bowl."""
    turn = np.linspace(0, np.pi, 12)
    x, y = -(1 - turn / np.pi) * np.cos(turn) * 3, -(1 - turn / np.pi) * np.sin(turn)
    columns, rows = np.linspace(-4, 1, 9), np.linspace(-1.5, 1, 7)
    values = 0.01 + (columns[None, :] ** 2 + rows[:, None] ** 2) / 10
    details = {
        "evals": list(range(0, 120, 10)), "x": list(x), "y": list(y), "losses": list(0.01 + (x * x + y * y) / 10),
        "shares": [0.9 - 0.01 * seed, 0.08, 0.01], "centered": True, "shape": [7, 9], "examples": 1000,
        "batch_norm": "none",
    }  # fmt: skip
    settings = {"plane": True, "points": 9, "n_examples": 1000}
    return measured("path", 0.98 - 0.01 * seed, settings, details, np.concatenate([columns, rows]), values)
