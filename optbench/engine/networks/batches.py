"""Which examples each trip of a run sees, and all examples of a task on the device."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import jax
import numpy as np
from jax.sharding import Sharding

from optbench.tasks.parts import EVALUATED
from optbench.tasks.task import PARTS, Examples, Part, Task, trips_of

#: Examples on devices by how they lie there, as long as their tasks live.
_PLACED: WeakKeyDictionary[Task, dict[Sharding | None, Examples]] = WeakKeyDictionary()


class Batches:
    """Batches of one run after another; the last epoch of each seed is held, since drawing it takes milliseconds."""

    def __init__(self, task: Task, batch_size: int, evals_per_step: int) -> None:
        """Draws nothing yet.

        Args:
            task: The task.
            batch_size: Examples of a batch.
            evals_per_step: Gradients of a step, which are of one batch.
        """
        self._task, self._size, self._evals = task, batch_size, evals_per_step
        self._per_epoch = len(task.train.y) // batch_size
        self._held: dict[int, tuple[int, np.ndarray]] = {}

    def budget(self, epochs: int) -> int:
        """Returns the gradients that a number of epochs takes: as many for every rule, whole steps only."""
        return trips_of(len(self._task.train.y), self._size, epochs, self._evals)

    def rows(self, seed: int, first: int, n: int) -> np.ndarray:
        """Returns the examples of some trips.

        Args:
            seed: Seed of the order.
            first: The first trip, from 0.
            n: Trips.

        Returns:
            (n, batch_size), int32.
        """
        steps = np.arange(first, first + n) // self._evals
        epochs = range(steps[0] // self._per_epoch, steps[-1] // self._per_epoch + 1)
        rows = np.concatenate([self._epoch(seed, epoch) for epoch in epochs])
        return rows[steps - epochs.start * self._per_epoch]

    def _epoch(self, seed: int, epoch: int) -> np.ndarray:
        held = self._held.get(seed)
        if held is None or held[0] != epoch:
            held = self._held[seed] = epoch, self._task.order(seed, epoch, self._size)
        return held[1]


def span(task: Task, part: Part, most: int | None = None) -> tuple[int, int]:
    """Returns where a part begins among all examples, and how many it has, at most ``most``."""
    sizes = {name: len(getattr(task, name).y) for name in PARTS}
    return sum(sizes[name] for name in PARTS[: PARTS.index(part)]), min(sizes[part], most or sizes[part])


def placed(task: Task, sharding: Sharding | None = None) -> Examples:
    """Returns all parts one behind the other on the device, and the rows that scoring wants behind them.

    So one program scores all three. They stay there as long as the task lives, for whoever trains on it.

    Args:
        task: The task.
        sharding: On which devices; on the first if ``None``.

    Returns:
        The examples.
    """
    held = _PLACED.setdefault(task, {})
    if sharding not in held:
        held[sharding] = jax.device_put(joined(task), sharding)
    return held[sharding]


def joined(task: Task) -> Examples:
    """Returns all parts one behind the other, and the rows that scoring wants behind them, on the host.

    Args:
        task: The task.
    """
    x, y = task.train
    behind = Examples(np.zeros((EVALUATED, *x.shape[1:]), x.dtype), np.zeros(EVALUATED, y.dtype))
    parts = zip(task.train, task.validation, task.test, behind, strict=True)
    return Examples(*(np.concatenate(arrays) for arrays in parts))
