"""Training of a small network: the program of the catalogue's rules against PyTorch's eager loop, on the same cores.

Same network, data, order of examples, batch size and rule (Adam). One run each, then sweeps of sixteen runs, compile
seconds included, which PyTorch trains one after another. PyTorch gets one thread or all visible cores, and
scores all examples together or 256 at a time, whichever is fastest in a first trial.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from clock import side_by_side
from jax.flatten_util import ravel_pytree

from optbench import catalog
from optbench.engine.compile import CACHE_VARIABLE
from optbench.engine.networks.fitting import Lane, fit
from optbench.engine.networks.scoring import forget
from optbench.engine.networks.training import SEGMENT, Training, compile_trainer
from optbench.environment import visible_cores
from optbench.records import curve_steps
from optbench.records.networks import SCORED
from optbench.tasks.data.dataset import Dataset
from optbench.tasks.parts import EVALUATED, part_of
from optbench.tasks.regularization import Regularization
from optbench.tasks.task import Examples, Task

#: Examples drawn for an image size; labels are random, speed does not depend on them.
EXAMPLES = 2048
LR = 1e-3

CORES = visible_cores()

#: Runs of a sweep of PyTorch's that are timed.
TIMED = 4


def one_run(
    rounds: int, sides: tuple[int, ...] = (28, 8), batches: tuple[int, ...] = (32, 256)
) -> list[dict[str, Any]]:
    """Measures a single run for each size of image and batch.

    Args:
        rounds: How often each is measured.
        sides: Sides of the images, which have one channel.
        batches: Batch sizes.

    Returns:
        One row for each: examples a second of both, and their ratio.
    """
    rows = []
    for side in sides:
        for batch in batches:
            task, trips = random_task(side), SEGMENT
            order = np.stack([task.order(0, epoch, batch)[0] for epoch in range(trips)])
            choice, theirs = fastest(
                lambda choice, task=task, order=order: torch_loop(task, order, choice=choice), (EXAMPLES,)
            )
            seconds = side_by_side({"ours": _ours(task, order), "torch": theirs}, rounds=rounds)
            rows.append(_row("one run", side, batch, trips * batch, seconds, choice))
    return rows


def sweep(
    rounds: int, epochs: int, sides: tuple[int, ...] = (28, 8), batches: tuple[int, ...] = (32, 256)
) -> list[dict[str, Any]]:
    """Measures sixteen runs, four rates by four seeds, from nothing compiled to sixteen trained networks.

    Both score all training and validation examples at the same log-spaced points, as a curve needs them. PyTorch's runs
    are one and the same work: ``TIMED`` of them are timed.

    Args:
        rounds: How often each is measured.
        epochs: Passes of each run.
        sides: Sides of the images.
        batches: Batch sizes.

    Returns:
        One row for each: examples a second of both, compile seconds counted, and their ratio.
    """
    rows = []
    lanes = [Lane({"lr": lr}, seed) for lr in (3e-4, 1e-3, 3e-3, 1e-2) for seed in range(4)]
    for side in sides:
        for batch in batches:
            task = random_task(side)
            trips = epochs * (EXAMPLES // batch)
            order = np.concatenate([task.order(0, epoch, batch) for epoch in range(epochs)])
            points = tuple(sorted({*curve_steps(trips), trips}))
            choice, theirs = fastest(
                lambda choice, task=task, order=order, points=points: torch_loop(task, order, points, choice=choice),
                (EXAMPLES, 256),
            )
            taken: dict[str, list[float]] = {"ours": [], "torch": []}
            for _ in range(rounds):
                taken["ours"].append(_cold(task, lanes, batch, epochs))
                taken["torch"].append(len(lanes) / TIMED * seconds_of(theirs, TIMED))
            seconds = {name: statistics.median(values) for name, values in taken.items()}
            what = f"sweep of {len(lanes)}, {epochs} passes"
            rows.append(_row(what, side, batch, len(lanes) * trips * batch, seconds, choice))
    return rows


def seconds_of(call: Callable[[], object], times: int) -> float:
    """Returns the seconds that a number of calls take."""
    begin = time.perf_counter()
    for _ in range(times):
        call()
    return time.perf_counter() - begin


def _cold(task: Task, lanes: list[Lane], batch: int, epochs: int) -> float:
    """Returns the seconds of all runs, with nothing compiled before."""
    jax.clear_caches()
    forget()
    os.environ[CACHE_VARIABLE] = "off"
    try:
        return seconds_of(lambda: fit(task, catalog.optimizer("adam"), lanes, batch_size=batch, epochs=epochs), 1)
    finally:
        del os.environ[CACHE_VARIABLE]


class Choice(NamedTuple):
    """What PyTorch may choose.

    Attributes:
        threads: Threads of an operation on a CPU.
        scored: Examples that are scored together.
    """

    threads: int
    scored: int


def fastest(
    made: Callable[[Choice], Callable[[], object]], together: Sequence[int], threads: Sequence[int] = (1, CORES)
) -> tuple[Choice, Callable[[], object]]:
    """Returns the choice with which PyTorch is fastest, and the call with it.

    Args:
        made: Returns the call for a choice.
        together: Numbers of examples that may be scored together.
        threads: Numbers of threads that an operation may have.
    """
    calls = {choice: made(choice) for choice in itertools.starmap(Choice, itertools.product(threads, together))}
    choice = min(calls, key=lambda choice: seconds_of(calls[choice], 1))
    return choice, calls[choice]


def _row(
    what: str, side: int, batch: int, examples: int, seconds: Mapping[str, float], choice: Choice
) -> dict[str, Any]:
    """Returns a row of the table."""
    ratio = seconds["torch"] / seconds["ours"]
    print(f"{what} {side:2d} x {side:2d} batch {batch:3d} ratio {ratio:.2f}", flush=True)
    return {
        "what": what,
        "side": side,
        "batch": batch,
        "ours_examples_per_s": examples / seconds["ours"],
        "torch_examples_per_s": examples / seconds["torch"],
        "torch_threads": choice.threads,
        "torch_scored": choice.scored if what != "one run" else "",
        "ratio": ratio,
    }


def random_task(side: int, examples: int = EXAMPLES) -> Task:
    """Returns a task of random images: its training part has all examples."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, examples).astype(np.int32)
    x = rng.random((examples, side, side, 1), dtype=np.float32)
    task = Task.of(Dataset("random", x, y, 10), catalog.model("lenet"))
    return dataclasses.replace(task, train=Examples(x, y))


def _ours(task: Task, order: np.ndarray) -> Callable[[], Any]:
    rule, batch = catalog.optimizer("adam"), order.shape[1]
    network, stats = task.start(0)
    # Rows behind the last are for scoring, which this part leaves out.
    x, y = (jax.device_put(np.concatenate([part, part[:EVALUATED]])) for part in task.train)
    part = part_of(batch, math.prod(network.input_shape), whole=False)
    trainer = compile_trainer(
        Training(network, stats, rule, Regularization(), batch, task.n_classes, n_rows=len(y), part=part)
    )
    hyper = {name: np.float32(value) for name, value in rule.resolve({"lr": LR}).items()}
    carry = trainer.start(ravel_pytree(network)[0], stats, hyper)
    key = jax.random.key(0)

    def run() -> Any:
        moved, _, _ = trainer.advance(carry, x, y, order, key, np.int32(0), np.int32(len(order)), hyper)
        return jax.block_until_ready(moved.params)

    return run


def torch_loop(
    task: Task, order: np.ndarray, points: tuple[int, ...] = (), device: str = "cpu", choice: Choice | None = None
) -> Callable[[], Any]:
    """Returns PyTorch's eager loop over the same batches, with its data on the device.

    Args:
        task: The task; its model is LeNet or the 1-D network.
        order: Examples of each batch.
        points: Trips before which all training and validation examples are scored.
        device: PyTorch's name of it.
        choice: How; on all visible cores, scoring all examples together, if ``None``.

    Returns:
        Trains a network once and returns when it is trained.
    """
    import torch
    from torch import nn

    # Float32 as it is, as ours.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False

    def built() -> Any:
        return _torch_model(task).to(device)

    network, _ = task.start(0)
    assert sum(p.numel() for p in built().parameters()) == network.size, "the two networks differ"

    def moved(examples: Examples) -> tuple[Any, Any]:
        images = torch.tensor(examples.x).movedim(-1, 1).contiguous()
        return images.to(device), torch.tensor(examples.y).long().to(device)

    (x, y), held_out = moved(task.train), moved(task.validation)
    rows = torch.tensor(order).long().to(device)
    loss = nn.CrossEntropyLoss()

    parts = (x[:SCORED], y[:SCORED]), held_out
    threads, scored = choice or Choice(CORES, SCORED)

    def score(model: Any) -> list[float]:
        with torch.no_grad():
            logits = [torch.cat([model(seen) for seen in images.split(scored)]) for images, _ in parts]
            return [loss(each, classes).item() for each, (_, classes) in zip(logits, parts, strict=True)]

    def run() -> Any:
        model = built()
        rule = torch.optim.Adam(model.parameters(), LR)
        torch.set_num_threads(threads)
        for trip, batch in enumerate(rows):
            if trip in points:
                score(model)
            rule.zero_grad()
            loss(model(x[batch]), y[batch]).backward()
            rule.step()
        if len(rows) in points:
            score(model)
        if device != "cpu":
            torch.cuda.synchronize()
        return model

    return run


def _torch_model(task: Task) -> Any:
    """Returns a task's model as PyTorch has it."""
    from torch import nn

    side = task.train.x.shape[1]
    if task.model.name == "conv1d":
        return nn.Sequential(
            nn.Conv1d(1, 25, 5, 2, 1), nn.ReLU(), nn.Conv1d(25, 25, 3, 2, 1), nn.ReLU(),
            nn.Conv1d(25, 25, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(25 * 5, 10),
        )  # fmt: skip
    narrow = side < 12
    wide = (side // 2 - (0 if narrow else 4)) // 2
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5, padding=2 if narrow else 0), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * wide * wide, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
