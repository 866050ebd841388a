"""Training at batches of 1 to 8: runs as a suite makes them, against PyTorch's eager loop, on the same cores.

Same network, data, order of examples, rule (Adam) and scores at the same log-spaced points. Ours is all of a run: its
start, the order of its examples drawn on the host, calls of the compiled program, scores. A ladder is four seeds, which
PyTorch trains one after another. PyTorch has one thread: two wait for each other longer than such operations take.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from clock import by_both_clocks
from networks import LR, Choice, fastest, torch_loop

from optbench import catalog
from optbench.engine.networks.fitting import Fitter, Lane
from optbench.engine.networks.lane import points_of
from optbench.tasks.data import load
from optbench.tasks.task import Task

#: Data and model of each task.
TASKS = (("mnist1d", "conv1d"), ("digits", "lenet"))
SIZES = (1, 2, 4, 8)
#: Examples of a pass.
EXAMPLES = 800
SEEDS = 4


def small_batches(rounds: int) -> list[dict[str, Any]]:
    """Measures one pass over the training examples for each task and batch size.

    Args:
        rounds: How often each is measured.

    Returns:
        One row for each: examples a second of one run and of four seeds, those of PyTorch, and their ratios.
    """
    rows = []
    for data, model in TASKS:
        task = Task.of(load(data), catalog.model(model), n_train=EXAMPLES)
        for size in SIZES:
            order = task.order(0, 0, size)
            points = tuple(points_of(len(order)))
            choice, theirs = fastest(
                lambda choice, task=task, order=order, points=points: torch_loop(task, order, points, choice=choice),
                (EXAMPLES, 256),
                threads=(1,),
            )
            rows.append(_row(task, size, order, theirs, choice, rounds))
    return rows


def _row(task: Task, size: int, order: np.ndarray, theirs: Any, choice: Choice, rounds: int) -> dict[str, Any]:
    fitter = Fitter(task, catalog.optimizer("adam"), batch_size=size)
    lanes = [Lane({"lr": LR}, seed) for seed in range(SEEDS)]
    calls = {
        "run": lambda: fitter.fit(lanes[:1], epochs=1, stop_early=False, test=False),
        "torch": theirs,
        "ladder": lambda: fitter.fit(lanes, epochs=1, stop_early=False, test=False),
    }
    seconds, cpu_s = by_both_clocks(calls, rounds=rounds)
    speed = {name: order.size / s * (SEEDS if name == "ladder" else 1) for name, s in seconds.items()}
    row = {
        "task": task.name,
        "batch": size,
        "run_examples_per_s": speed["run"],
        "ladder_examples_per_s": speed["ladder"],
        "torch_examples_per_s": speed["torch"],
        "torch_scored": choice.scored,
        "ratio_run": speed["run"] / speed["torch"],
        "ratio": speed["ladder"] / speed["torch"],
        "cpu_ratio": SEEDS * cpu_s["torch"] / cpu_s["ladder"],
    }
    print(
        f"{task.name} batch {size} one run {row['ratio_run']:.2f} ladder {row['ratio']:.2f} CPU {row['cpu_ratio']:.2f}",
        flush=True,
    )
    return row
