"""A suite of networks becomes an ordered list of cells, each with an id that is the hash of its content.

A cell is task x optimizer x configuration x seed. Which configuration is reported beside the default is known only when
tuning is done, so a group has two parts: what is tuned, and what is reported of configurations then named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from optbench.core.keys import digest
from optbench.errors import UsageError
from optbench.records import Split
from optbench.records.networks import IDENTITY
from optbench.suite.configurations import configurations
from optbench.suite.network_selection import network_quick_size, select_networks
from optbench.suite.networks import NetworkSuite, TaskSpec
from optbench.suite.spec import OptimizerSpec
from optbench.suite.tuning import told
from optbench.tasks.task import trips_of

#: A plan above this is refused: a cell is a training run.
MAX_CELLS = 1_000_000


@dataclass(frozen=True)
class NetworkGroup:
    """All cells of one task and one optimizer.

    Attributes:
        suite: The suite.
        task: The entry of the suite.
        optimizer: The entry of the suite.
        configs: All hyperparameters of each configuration; the trials first, the default last if it is none of them.
        trials: Number of trials, the configurations among which tuning may choose.
        default: Index of the default configuration.
        trips: Gradients of batches that the budget allows.
    """

    suite: NetworkSuite
    task: TaskSpec
    optimizer: OptimizerSpec
    configs: tuple[Mapping[str, float], ...]
    trials: int
    default: int
    trips: int

    @property
    def labels(self) -> tuple[str, str]:
        """Labels of task and optimizer."""
        return self.task.label, self.optimizer.label

    @property
    def tuned(self) -> tuple[tuple[int, int], ...]:
        """(configuration, seed) of each cell on which a configuration is chosen."""
        return tuple((config, seed) for config in range(self.trials) for seed in range(self.suite.seeds.tune))

    def reported(self, chosen: int | None) -> tuple[tuple[int, int], ...]:
        """Returns (configuration, seed) of each reported cell.

        Args:
            chosen: What tuning chose, ``None`` where nothing is tuned.
        """
        configs = dict.fromkeys([self.default] if chosen is None else [self.default, chosen])
        return tuple((config, seed) for config in configs for seed in range(self.suite.seeds.report))

    @property
    def n_cells(self) -> int:
        """Number of cells, at most: the chosen configuration may be the default."""
        return len(self.tuned) + self.suite.seeds.report * (2 if self.trials else 1)

    def cell_ids(self, split: Split, cells: Sequence[tuple[int, int]]) -> list[str]:
        """Returns the id of each cell."""
        suite, task = self.suite, self.task
        shared = digest(
            {
                "schema": IDENTITY,
                "data": task.data,
                "model": task.model,
                "regularization": dict(task.regularization),
                "early_stopping": suite.stops_early(task),
                "batch_size": suite.batch_of(task),
                "epochs": suite.epochs_of(task),
                "dtype": suite.dtype,
                "optimizer": self.optimizer.name,
                "seed": suite.seed,
                "split_seed": suite.split_seed,
            }
        )
        return [digest([shared, dict(self.configs[config]), str(split), seed]) for config, seed in cells]


@dataclass(frozen=True)
class NetworkPlan:
    """Everything that a run will do.

    Attributes:
        spec: The suite, after selection.
        groups: Sorted by labels, those of one task together.
        quick: Whether it is the quick size of the suite.
        absent: Why tasks were left out, by label.
    """

    spec: NetworkSuite
    groups: tuple[NetworkGroup, ...]
    quick: bool = False
    absent: Mapping[str, str] = field(default_factory=dict)

    @property
    def n_cells(self) -> int:
        """Number of cells, at most."""
        return sum(group.n_cells for group in self.groups)

    def without(self, absent: Mapping[str, str]) -> NetworkPlan:
        """Returns the plan without some tasks.

        Args:
            absent: Why each is left out, by label.
        """
        tasks = tuple(task for task in self.spec.tasks if task.label not in absent)
        groups = tuple(group for group in self.groups if group.task.label not in absent)
        return NetworkPlan(self.spec.model_copy(update={"tasks": tasks}), groups, self.quick, absent)


def plan_networks(
    spec: NetworkSuite,
    *,
    optimizers: Iterable[str] | None = None,
    tasks: Iterable[str] | None = None,
    tuning: str | None = None,
    dtype: str | None = None,
    quick: bool = False,
) -> NetworkPlan:
    """Lays out the cells of a suite of networks.

    Args:
        spec: The suite.
        optimizers: Names, labels or patterns of the entries to run; ``None`` for all.
        tasks: The same for tasks.
        tuning: Another protocol than the suite's.
        dtype: Another precision than the suite's.
        quick: Whether to take the quick size of the suite, before anything is selected.

    Returns:
        The plan; equal for equal content, in whatever order the suite lists it.

    Raises:
        UsageError: A selected name is unknown, nothing is selected, or the plan is too large.

    Example:
        >>> from optbench.suite.parse import load
        >>> plan_networks(load("networks").spec, tasks=["digits"], optimizers=["adam"], tuning="default").n_cells
        10
    """
    if quick:
        spec = network_quick_size(spec)
    spec = select_networks(spec, optimizers=optimizers, tasks=tasks, tuning=tuning, dtype=dtype)
    groups = [_group(spec, task, entry) for task in spec.tasks for entry in spec.optimizers]
    groups.sort(key=lambda group: group.labels)
    planned = NetworkPlan(spec, tuple(groups), quick)
    if planned.n_cells > MAX_CELLS:
        ask = "lower seeds or points, or select fewer entries"
        raise UsageError(f"the plan has {planned.n_cells:,} training runs, at most {MAX_CELLS:,} are possible; {ask}")
    return planned


def _group(spec: NetworkSuite, task: TaskSpec, entry: OptimizerSpec) -> NetworkGroup:
    """Returns the cells of one pair."""
    rule = entry.build()
    trips = trips_of(task.parts().train, spec.batch_of(task), spec.epochs_of(task), rule.evals_per_step)
    if not trips:
        least = -(-rule.evals_per_step // (task.parts().train // spec.batch_of(task)))
        asked = spec.epochs_of(task)
        raise UsageError(f"{task.label}: epochs must be at least {least} for one step of {entry.label}; got {asked}")
    n_params = task.n_params()
    if rule.max_dim is not None and n_params > rule.max_dim:
        at_most = f"{entry.label} takes at most {rule.max_dim:,} parameters"
        raise UsageError(f"{task.label}: {at_most}; {task.model} has {n_params:,}")
    trials = () if spec.tuning == "default" else tuple({entry.swept: v} for v in spec.grid_of(entry).values())
    # No cross-entropy is below 0.
    configs, default = configurations(entry, rule, trials, told(rule, cost=trips, f_star=0.0))
    return NetworkGroup(spec, task, entry, configs, len(trials), default, trips)
