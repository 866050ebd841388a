"""Rows and manifest of a run of networks, drawn from formulas: what ``store.load`` would return of one."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import numpy as np
import pandas as pd

from optbench.records import curve_steps
from optbench.records.networks import ROWS

OPTIMIZERS = ("sgd", "adam", "sgd+sam", "adadelta")
GRID = (1e-3, 1e-2, 1e-1, 1.0)
#: Index of the default configuration in every optimizer's sweep.
DEFAULT = 2
N_TRAIN, N_VALIDATION, N_TEST, BATCH, EPOCHS = 1400, 40, 50, 100, 10

TASKS = {"digits-lenet": None, "digits-lenet+dropout=0.5": "digits-lenet", "digits-mlp": None}


def manifest(**entries) -> dict:
    """Returns the manifest of the synthetic run, with other entries in place of its own."""
    tasks = {
        label: {
            "data": "digits", "model": label.split("-")[1].split("+")[0], "shape": [8, 8, 1], "n_train": N_TRAIN,
            "n_validation": N_VALIDATION, "n_test": N_TEST, "n_classes": 10, "n_params": 61706, "batch_size": BATCH,
            "epochs": EPOCHS, "early_stopping": True,
            "regularization": {"dropout": 0.5} if base else {}, "base": base,
        }
        for label, base in TASKS.items()
    }  # fmt: skip
    return {
        "kind": "networks",
        "version": "0.1.0",
        "suite": {"name": "networks", "version": "1", "question": "Which?"},
        "size": "full",
        "seed": 0,
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "seeds": {"tune": 2, "report": 3},
        "tuning": "grid",
        "dtype": "float32",
        "tasks": tasks,
        "absent": {},
        "optimizers": {
            name: {"name": name, "swept": "eps" if name == "adadelta" else "lr", "has_rate": name != "adadelta",
                   "evals_per_step": 2 if name.endswith("+sam") else 1, "defaults": {}, "grid": list(GRID)}
            for name in OPTIMIZERS
        },
        "shards": [],
        "training": {"lanes": 4, "threads": 2, "convolution": "slices"},
        "versions": {"jax": "0.10.2"},
        "machine": {"device": "cpu", "cores": 2},
        "run_id": "0123456789abcdef",
        **entries,
    }  # fmt: skip


def row(task: str, optimizer: str, config: int, split: str, seed: int, **entries) -> dict:
    """Returns one row of status ``ok`` with whole curves; ``right`` gives the answers on test examples."""
    cell = hashlib.blake2b(repr((task, optimizer, config, split, seed)).encode(), digest_size=8).hexdigest()
    grads = np.array(sorted({*curve_steps(EPOCHS * N_TRAIN // BATCH), EPOCHS * N_TRAIN // BATCH}))
    level = entries.pop("level", 0.9)
    rise = 1 - np.exp(-grads / 20)
    accuracy = 0.1 + (level - 0.1) * rise
    right = np.asarray(entries.pop("right", np.arange(N_TEST) < round(level * N_TEST)), dtype=bool)
    chosen = entries.pop("chosen", len(grads) - 2)
    train = np.minimum(1.0, accuracy + 0.05 * rise)
    found = {
        "cell_id": cell, "task": task, "optimizer": optimizer, "config": config, "hyper": "{}",
        "swept": "eps" if optimizer == "adadelta" else "lr", "swept_value": GRID[config],
        "is_default": config == DEFAULT, "split": split, "seed": seed, "status": "ok", "message": "",
        "diverged_at": -1, "grad_evals": int(grads[-1]), "sample_grads": int(grads[-1]) * BATCH,
        "cost": int(grads[-1]) * BATCH / N_TRAIN, "chosen": chosen,
        "train_loss": 2.3 * (1 - train[chosen]), "train_accuracy": train[chosen],
        "validation_loss": 2.5 * (1 - accuracy[chosen]), "validation_accuracy": accuracy[chosen],
        "test_loss": 2.6 * (1 - level), "test_accuracy": right.mean(), "test_right": right,
        "curve_grads": grads, "curve_train_loss": np.float32(2.3 * (1 - train)),
        "curve_train_accuracy": np.float32(train), "curve_validation_loss": np.float32(2.5 * (1 - accuracy)),
        "curve_validation_accuracy": np.float32(accuracy),
        "curve_grad_norm": np.float32(np.where(grads, 1 / (1 + grads), np.nan)), **entries,
    }  # fmt: skip
    if split == "tune":
        found |= {"test_loss": np.nan, "test_accuracy": np.nan, "test_right": np.empty(0, bool)}
    if found["status"] in {"error", "timeout", "oom"}:
        found |= {name: np.nan for name in found if name.endswith(("_loss", "_accuracy")) and "curve" not in name}
        found |= {name: np.empty(0) for name in found if name.startswith("curve_")}
        found |= {"chosen": -1, "test_right": np.empty(0, bool), "message": "lost"}
    return found


def frame(rows: list[dict]) -> pd.DataFrame:
    """Returns rows as the store returns them."""
    return pd.DataFrame(rows, columns=list(ROWS.columns))


def level(task: str, optimizer: str, config: int) -> float:
    """The accuracy that a configuration tends to: a hill over the grid, another for every optimizer and task."""
    o, t = OPTIMIZERS.index(optimizer), list(TASKS).index(task)
    return 0.96 - 0.02 * t - 0.08 * (config - 1.2 - 0.6 * o) ** 2 / (1 + o)


def synthetic(n_report: int = 3, tasks=tuple(TASKS), optimizers=OPTIMIZERS) -> pd.DataFrame:
    """A whole run: seeds and examples vary; one reported run diverged, one failed."""
    from optbench.analysis.networks.selection import choose

    rng = np.random.Generator(np.random.Philox(7))
    hardness = {task: rng.standard_normal(N_TEST) for task in TASKS}
    tune = [
        row(t, o, c, "tune", s, level=level(t, o, c) + 0.01 * s)
        for t in tasks for o in optimizers for c in range(len(GRID)) for s in range(2)
    ]  # fmt: skip
    chosen = choose(frame(tune))
    report = []
    for t in tasks:
        for o in optimizers:
            for c in sorted({DEFAULT, chosen[t, o]}):
                for s in range(n_report):
                    clear = 1.7 + 4 * (level(t, o, c) - 0.9) + 0.1 * rng.standard_normal()
                    right = clear + 0.8 * hardness[t.split("+")[0]] + 0.6 * rng.standard_normal(N_TEST) > 0
                    more: dict = {}
                    if (t, o, s) == ("digits-lenet", "sgd", 1):
                        more = {"status": "diverged", "diverged_at": 126, "chosen": 10}
                    if (t, o, s) == ("digits-mlp", "adam", 2):
                        more = {"status": "oom"}
                    report.append(row(t, o, c, "report", s, level=level(t, o, c), right=right, **more))
    return frame(tune + report)


def run(runs: pd.DataFrame | None = None, **entries) -> SimpleNamespace:
    """Returns a run as ``store.load`` would."""
    rows = synthetic() if runs is None else runs
    facts = manifest(n_cells=len(rows), status_counts=rows["status"].value_counts().to_dict())
    return SimpleNamespace(runs=rows, manifest=facts | entries, path=None)
