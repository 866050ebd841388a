"""The pictures of ``docs/measures.md``: LeNet on digits after training by small and by large batches, three seeds each.

``python -m benchmarks.pictures docs/images`` trains, measures and draws; it takes a few minutes on two cores.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import optax
import pandas as pd
from jax import Array

import optbench
from optbench import catalog
from optbench.analysis.measures.configurations import CONFIGURATIONS
from optbench.analysis.measures.measured import OF_MEASURE, OF_RUN
from optbench.environment import machine
from optbench.measures.of_task import subject_of
from optbench.measures.subject import Subject
from optbench.records.measures import ROWS
from optbench.report import figures
from optbench.report.evidence import Evidence
from optbench.tasks.data import load
from optbench.tasks.models.network import Network
from optbench.tasks.regularizers.labels import cross_entropies
from optbench.tasks.task import Task

#: Examples of a batch, rate and passes: the small ones, then the large ones with as many steps.
SIZES = {16: (0.05, 30), 128: (0.05, 240)}
SEEDS = 3
#: Points kept of a run.
KEPT = 40


def label(batch: int) -> str:
    """Returns what a task is called."""
    return f"digits-lenet-b{batch}"


def trained(task: Task, batch: int, seed: int) -> Subject:
    """Returns the end of a run of gradient descent on batches, with points on its way."""
    rate, epochs = SIZES[batch]
    network, stats = task.start(seed)
    rule, (x, y) = optax.sgd(rate), task.train

    def loss(network: Network, rows: Array) -> Array:
        logits, _ = network(jax.numpy.asarray(x)[rows], stats, train=False)
        return cross_entropies(logits, jax.numpy.asarray(y)[rows]).mean()

    @jax.jit
    def step(network: Network, state: Any, rows: Array) -> tuple[Network, Any]:
        updates, state = rule.update(jax.grad(loss)(network, rows), state)
        return optax.apply_updates(network, updates), state

    state, way, steps = rule.init(network), [(0, network)], 0
    for epoch in range(epochs):
        for rows in task.order(seed, epoch, batch):
            network, state = step(network, state, rows)
            steps += 1
        way.append((steps, network))
    kept = sorted({round(place) for place in np.geomspace(1, len(way), KEPT)})
    subject = subject_of(task, network, stats, seed=seed, dtype="float32")
    return replace(subject, path=[way[place - 1] for place in kept])


def rows_of(batch: int, seed: int, subject: Subject, other: str) -> list[dict[str, Any]]:
    """Returns the rows of the measures of a run, as the frame ``measured`` has them."""
    found = []
    names = ["landscape_1d", "path", *["landscape_2d"] * (seed == 0), *["interpolation"] * bool(other)]
    for name in names:
        measure = catalog.measure(name)
        settings = measure.resolve({})
        taken = measure.take(subject, **settings)
        row: dict[str, Any] = dict.fromkeys((*OF_RUN, *OF_MEASURE), np.nan)
        row |= {"task": label(batch), "cell_id": f"{batch}-{seed}", "optimizer": "sgd", "config": 0, "swept": "lr"}
        row |= {"swept_value": SIZES[batch][0], "is_default": True, "split": "report", "unit": seed, "batch": batch}
        row |= {"point": "judged", "evals": subject.path[-1][0], "measure": name, "name": name, "title": measure.title}
        row |= {"other_cell_id": other if name == "interpolation" else "", "is_invariant": False, "status": "ok"}
        row |= {"estimate": taken.estimate, "settings": json.dumps({"name": name, **settings}), "message": ""}
        row |= {
            "details": json.dumps(taken.details),
            "grid": np.asarray(taken.grid),
            "values": np.asarray(taken.values),
        }
        found.append(row)
        print(label(batch), f"seed {seed}", name, f"{taken.estimate:.3g}", flush=True)
    return found


def main(out: str) -> None:
    """Trains, measures and draws.

    Args:
        out: Folder of the pictures.
    """
    task = Task.of(load("digits"), catalog.model("lenet"))
    ends = {(batch, seed): trained(task, batch, seed) for batch in SIZES for seed in range(SEEDS)}
    small, large = SIZES
    rows = []
    for (batch, seed), subject in ends.items():
        is_first = batch == small
        given = replace(subject, other=ends[large, seed].params) if is_first else subject
        rows += rows_of(batch, seed, given, f"{large}-{seed}" if is_first else "")
    configurations = [
        {
            **dict.fromkeys(CONFIGURATIONS, np.nan),
            "task": label(batch),
            "optimizer": "sgd",
            "config": 0,
            "settings": "default",
        }
        for batch in SIZES
    ]
    manifest = {
        "kind": "networks",
        "version": optbench.__version__,
        "suite": {"name": "benchmarks/pictures.py", "version": "1"},
        "run_id": "none",
        "versions": {"jax": jax.__version__},
        "machine": {**machine(), "device": jax.default_backend()},
        "tasks": {label(batch): {"batch_size": batch} for batch in SIZES},
        "optimizers": {"sgd": {}},
        "n_cells": len(ends),
    }
    run = SimpleNamespace(
        runs=pd.DataFrame({"status": ["ok"] * len(ends)}),
        manifest=manifest,
        path=None,
        measures=pd.DataFrame(rows)[[name for name in ROWS.columns if name in rows[0]]],
    )
    frames = {"measured": pd.DataFrame(rows), "configurations": pd.DataFrame(configurations)}
    for path in figures.draw(Evidence(run, frames), ["landscape", "interpolation", "path"], "png", Path(out)):
        print(path)


if __name__ == "__main__":
    main(sys.argv[1])
