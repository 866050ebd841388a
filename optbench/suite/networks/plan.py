"""The cells of a suite of networks: task x optimizer x configuration x seed.

Which configuration is reported beside the default is known only when tuning is done, so a group has two parts: what is
tuned, and what is reported of configurations then named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, Unpack

from optbench.core.keys import digest
from optbench.errors import UsageError
from optbench.records import Split
from optbench.records.networks import IDENTITY
from optbench.suite.networks.suite import NetworkSuite, Seeds
from optbench.suite.networks.task import TaskSpec, WarmStart
from optbench.suite.optimizer import OptimizerSpec
from optbench.suite.plan import Group, Plan, configurations
from optbench.suite.selection import Selection, select
from optbench.suite.tuning import told
from optbench.tasks.task import trips_of

#: A plan above this is refused: a cell is a training run.
MAX_CELLS = 1_000_000


@dataclass(frozen=True)
class NetworkGroup(Group):
    """All cells of one task and one optimizer.

    Attributes:
        task: The entry of the suite.
        batch_size: Examples of a batch.
        epochs: Epochs of a run.
        early_stopping: Whether a run is judged at the point at which validation was best.
        budget: Gradients of batches that the epochs allow.
        seeds: Numbers of tuning and reported seeds.
        seed: Seed of those.
        split_seed: Seed of the split into parts.
        dtype: Precision of forward and backward passes.
        new_data: Whether each seed has data of its own.
        levels: Training losses at which weights are kept, descending.
        warm_start: The phase before, if there is one.
    """

    task: TaskSpec
    batch_size: int
    epochs: int
    early_stopping: bool
    budget: int
    seeds: Seeds
    seed: int
    split_seed: int
    dtype: str
    new_data: bool = False
    levels: tuple[float, ...] = ()
    warm_start: WarmStart | None = None

    @property
    def labels(self) -> tuple[str, str]:
        """Labels of task and optimizer."""
        return self.task.label, self.optimizer_label

    @property
    def trips(self) -> int:
        """Gradients of batches that the epochs allow."""
        return self.budget

    @property
    def warm_trips(self) -> int:
        """Gradients of batches of the phase before."""
        warm, n_train = self.warm_start, self.task.parts().train
        per_step = self.optimizer.build().evals_per_step
        return trips_of(n_train, warm.batch_size, warm.epochs, per_step) if warm else 0

    @property
    def tuned(self) -> tuple[tuple[int, int], ...]:
        """(configuration, seed) of each cell on which a configuration is chosen."""
        return tuple((config, seed) for config in range(self.trials) for seed in range(self.seeds.tune))

    def reported(self, chosen: int | None) -> tuple[tuple[int, int], ...]:
        """Returns (configuration, seed) of each reported cell.

        Args:
            chosen: What tuning chose, ``None`` where nothing is tuned.
        """
        configs = dict.fromkeys([self.default] if chosen is None else [self.default, chosen])
        return tuple((config, seed) for config in configs for seed in range(self.seeds.report))

    @property
    def n_cells(self) -> int:
        """Number of cells, at most: the chosen configuration may be the default."""
        return len(self.tuned) + self.seeds.report * (2 if self.trials else 1)

    def cell_ids(self, split: Split, cells: Sequence[tuple[int, int]]) -> list[str]:
        """Returns the id of each cell.

        Args:
            split: What the cells are for.
            cells: (configuration, seed) of each.
        """
        newer = {"new_data": self.new_data, "levels": list(self.levels)}
        shared = digest(
            {
                "schema": IDENTITY,
                "data": self.task.data,
                "model": self.task.model,
                "regularization": dict(self.task.regularization),
                "early_stopping": self.early_stopping,
                "batch_size": self.batch_size,
                "epochs": self.epochs,
                "dtype": self.dtype,
                "optimizer": self.optimizer.name,
                "seed": self.seed,
                "split_seed": self.split_seed,
                # What was trained before these keys were there is found again by its id.
                **self.task.newer(),
                **{key: value for key, value in newer.items() if value},
            }
        )
        return [digest([shared, dict(self.configs[config]), str(split), seed]) for config, seed in cells]


NetworkPlan: TypeAlias = Plan[NetworkSuite, NetworkGroup]


def plan(suite: NetworkSuite, **selection: Unpack[Selection]) -> NetworkPlan:
    """Lays out the cells of a suite of networks.

    Args:
        suite: The suite.
        **selection: What of it is run, and how tuned.

    Returns:
        The plan, its groups sorted by labels, those of one task together; equal for equal content, in whatever order
        the suite lists it.

    Raises:
        UsageError: What is selected is not there or cannot be, or the plan is too large.

    Example:
        >>> from optbench.suite.parse import load
        >>> plan(load("networks").spec, tasks=["digits"], optimizers=["adam"], tuning="default").n_cells
        10
    """
    spec = select(suite, **selection)
    groups = [_group(spec, task, entry) for task, entry in spec.pairs()]
    groups.sort(key=lambda group: group.labels)
    planned = Plan(spec, tuple(groups), selection.get("quick", False))
    if planned.n_cells > MAX_CELLS:
        ask = "lower seeds or points, or select fewer entries"
        raise UsageError(f"the plan has {planned.n_cells:,} training runs, at most {MAX_CELLS:,} are possible; {ask}")
    return planned


def _group(spec: NetworkSuite, task: TaskSpec, entry: OptimizerSpec) -> NetworkGroup:
    """Returns the cells of one pair."""
    rule = entry.build()
    batch_size, epochs, early_stopping = spec.resolved(task)
    n_train = task.parts().train
    trips = trips_of(n_train, batch_size, epochs, rule.evals_per_step)
    if not trips:
        least = -(-rule.evals_per_step // (n_train // batch_size))
        raise UsageError(f"{task.label}: epochs must be at least {least} for one step of {entry.label}; got {epochs}")
    n_params = task.n_params()
    if rule.max_dim is not None and n_params > rule.max_dim:
        at_most = f"{entry.label} takes at most {rule.max_dim:,} parameters"
        raise UsageError(f"{task.label}: {at_most}; {task.model} has {n_params:,}")
    trials = spec.trials_of(entry)
    # No cross-entropy is below 0.
    configs, default = configurations(entry, rule, trials, told(rule, cost=trips, f_star=0.0))
    return NetworkGroup(
        optimizer=entry,
        optimizer_label=entry.label,
        configs=configs,
        swept=entry.swept,
        trials=len(trials),
        default=default,
        task=task,
        batch_size=batch_size,
        epochs=epochs,
        early_stopping=early_stopping,
        budget=trips,
        seeds=spec.seeds,
        seed=spec.seed,
        split_seed=spec.split_seed,
        dtype=spec.dtype,
        new_data=spec.new_data,
        levels=spec.levels,
        warm_start=task.warm_start,
    )
