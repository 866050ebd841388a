"""What measures are given of a network: its loss on the training examples as tested, and what stands around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from optbench.core.objective import Objective
from optbench.measures.subject import Scored, Subject
from optbench.tasks.losses import loss_of
from optbench.tasks.models.network import Network, Stats, blank_statistics
from optbench.tasks.statistics import statistics_at
from optbench.tasks.task import PARTS, Part, Task

#: Objectives that are kept: one for each part of a task and precision, where nothing is normalized.
KEPT = 16


def loss_text(task: Task) -> str:
    """Returns in words what the loss of every measure of a task's networks is."""
    return (
        f"{loss_of(task.loss).title} on the training examples: batch normalization in evaluation mode, dropout off, "
        "nothing augmented, regularization terms excluded"
    )


def subject_of(
    task: Task,
    network: Network,
    stats: Stats,
    *,
    seed: int | None = None,
    dtype: str,
    path: Sequence[tuple[int, Network]] = (),
    other: Network | None = None,
    preconditioner: Network | None = None,
) -> Subject:
    """Returns what measures are given of a network at a point of a run.

    Args:
        task: The task.
        network: The point.
        stats: Running statistics of batch normalization there.
        seed: Seed of the run, from which its start follows; ``None`` where that is not known.
        dtype: ``"float32"`` or ``"float64"``: in which precision losses and derivatives are computed.
        path: Networks on the way, each with the evaluations that had led there.
        other: The end of another run.
        preconditioner: Diagonal of the rule's preconditioner at the point.

    Returns:
        The subject; its points are in that precision. Those of one task share what is compiled.

    Example:
        >>> from optbench.tasks.data import load
        >>> from optbench.tasks.models.fully_connected import linear
        >>> task = Task.of(load("digits"), linear)
        >>> subject = subject_of(task, *task.start(0), seed=0, dtype="float64")
        >>> sorted(subject.parts), 0 <= subject.parts["test"].accuracy(subject.params) <= 1
        (['test', 'train', 'validation'], True)
    """

    def placed(network: Network) -> Network:
        found: Network = jax.tree.map(lambda leaf: np.asarray(leaf, dtype), network)
        return found

    def parts_at(at: Network) -> Parts:
        return Parts(task, at, statistics_at(at, task.train.x), dtype)

    point = placed(network)
    return Subject(
        _objective(task, point, stats, "train", dtype),
        point,
        start=None if seed is None else placed(task.start(seed)[0]),
        n_terms=len(task.train.y),
        terms=lambda rows: task.objective(point, stats, examples=rows, dtype=dtype),
        parts=Parts(task, point, stats, dtype),
        parts_at=parts_at if jax.tree.leaves(stats) else None,
        path=[(evals, placed(at)) for evals, at in path],
        other=None if other is None else placed(other),
        preconditioner=preconditioner,
        details={"dtype": dtype, "loss": loss_text(task)},
    )


@dataclass(frozen=True)
class Parts(Mapping[str, Scored]):
    """The parts of a task as a network is scored on them, each placed on the device when it is first asked for.

    Attributes:
        task: The task.
        network: A network like all points.
        stats: Running statistics.
        dtype: Precision.
    """

    task: Task
    network: Network
    stats: Stats
    dtype: str

    def __getitem__(self, name: str) -> Scored:
        """Returns a part by its name."""
        part = next((part for part in PARTS if part == name), None)
        if part is None:
            raise KeyError(name)
        return Scored(
            _objective(self.task, self.network, self.stats, part, self.dtype),
            self.task.accuracy(self.network, self.stats, part=part).value,
        )

    def __iter__(self) -> Iterator[str]:
        """Yields the names of the parts."""
        return iter(PARTS)

    def __len__(self) -> int:
        """Returns their number."""
        return len(PARTS)


def _objective(task: Task, network: Network, stats: Stats, part: Part, dtype: str) -> Objective:
    """Returns the loss on a part; without running statistics it is the same for all points."""
    if jax.tree.leaves(stats):
        return task.objective(network, stats, part=part, dtype=dtype)
    leaves, structure = jax.tree.flatten(network)
    return _shared(task, structure, tuple(leaf.shape for leaf in leaves), part, dtype)


@lru_cache(KEPT)
def _shared(task: Task, structure: Any, shapes: tuple[tuple[int, ...], ...], part: Part, dtype: str) -> Objective:
    """Returns the loss of networks of one structure on a part; their arrays count by their shapes alone."""
    network = jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(shape, np.dtype(dtype)) for shape in shapes])
    return task.objective(network, blank_statistics(network), part=part, dtype=dtype)
