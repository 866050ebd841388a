"""The tasks of groups: one for all seeds, or where each seed has data of its own one for each replicate."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from optbench import catalog
from optbench.core.keys import generator
from optbench.records import Split
from optbench.runner.kinds.kind import Tell
from optbench.suite.networks.plan import NetworkGroup
from optbench.tasks import data
from optbench.tasks.data import registry
from optbench.tasks.data.dataset import Dataset
from optbench.tasks.data.registry import Origin
from optbench.tasks.task import Task


def replicate_seed(suite_seed: int, split: Split, index: int) -> int:
    """Returns the seed of the data of a replicate: what a generated set is drawn by, and how any set is split.

    Args:
        suite_seed: Seed of the suite.
        split: What the replicate is for; tuning and reporting share none.
        index: Index of the seed within its split.

    Example:
        >>> replicate_seed(0, Split.TUNE, 0) == replicate_seed(0, Split.REPORT, 0)
        False
    """
    return int(generator(suite_seed, "replicate", str(split), index).integers(2**31))


class Tasks:
    """Tasks as groups ask for them. Groups of one task come together, so those of the last one are kept.

    Batch sizes, rules and epochs are no part of a task: a ladder of batch sizes shares its data, and what was placed on
    devices and compiled for them.
    """

    def __init__(self) -> None:
        """Reads nothing yet."""
        self._lock = threading.Lock()
        self._data: tuple[Any, dict[int, Dataset]] = None, {}
        self._tasks: tuple[Any, dict[int, Task]] = None, {}

    def of(self, group: NetworkGroup, split: Split, index: int, tell: Tell) -> Task:
        """Returns the task of a run.

        Args:
            group: The run's group.
            split: What the run is for.
            index: Index of its seed within the split.
            tell: Is told when data are read or generated.
        """
        task = group.task
        seed = replicate_seed(group.seed, split, index) if group.new_data else group.split_seed
        content = task.data, task.model, task.strengths(), task.loss, task.n_train, task.n_test
        with self._lock:
            if self._tasks[0] != content:
                self._tasks = content, {}
            known = self._tasks[1]
            if seed not in known:
                known[seed] = Task.of(
                    self._dataset(group, seed, tell),
                    catalog.model(task.model),
                    split_seed=seed,
                    regularization=task.strengths(),
                    loss=task.loss,
                    n_train=task.n_train,
                    n_test=task.n_test,
                )
            return known[seed]

    def own(self, group: NetworkGroup, split: Split, indices: Iterable[int], tell: Tell) -> dict[int, Task]:
        """Returns the tasks of seeds that have data of their own; nothing where all share one task."""
        wanted = dict.fromkeys(indices) if group.new_data else {}
        return {index: self.of(group, split, index, tell) for index in wanted}

    def _dataset(self, group: NetworkGroup, seed: int, tell: Tell) -> Dataset:
        """Returns the rows that are split: drawn by the seed of a replicate, or read once."""
        task = group.task
        drawn = group.new_data and registry.find(task.data).origin is Origin.GENERATED
        content = task.data, task.n_train, task.n_test
        if self._data[0] != content:
            self._data = content, {}
        known, key = self._data[1], seed if drawn else -1
        if key not in known:
            tell(f"{task.label}: {'generating' if drawn else 'reading'}")
            n_train, n_test = task.n_train, task.n_test
            if drawn:
                known[key] = data.load(task.data, seed=seed, n_train=n_train, n_test=n_test)
            else:
                known[key] = data.load(task.data, n_train=n_train, n_test=n_test)
        return known[key]
