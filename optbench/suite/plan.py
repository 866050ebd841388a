"""A suite becomes an ordered list of cells, each with an id that is the hash of its content.

A cell is problem x optimizer x configuration x start. Cells that share problem and optimizer
form a group, which is also one shard of the store. Nothing here depends on the order of the
suite file: groups are sorted, and ids come from content alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from optbench.core.keys import digest
from optbench.errors import UsageError
from optbench.records import SCHEMA_VERSION, Split
from optbench.suite.selection import select
from optbench.suite.spec import Grid, OptimizerSpec, ProblemSpec, SuiteSpec

#: A plan above this is refused: its rows alone would take about 10 GB.
MAX_CELLS = 10_000_000


@dataclass(frozen=True)
class Group:
    """All cells of one problem and one optimizer.

    Attributes:
        problem: The problem as data, dimension and parameters filled in.
        problem_label: Its label.
        optimizer: The entry of the suite.
        optimizer_label: Its label.
        configs: All hyperparameters of each configuration; the grid first, the default last if
            the grid has it not.
        swept: The hyperparameter that varies.
        trials: Number of configurations of the grid, those among which tuning may choose.
        default: Index of the default configuration.
        starts: (split, index) of each start.
        units: ``normalized`` or ``raw``.
        budget: Cost of one run, in gradient evaluations.
        seed: Seed of the starts.
    """

    problem: ProblemSpec
    problem_label: str
    optimizer: OptimizerSpec
    optimizer_label: str
    configs: tuple[Mapping[str, float], ...]
    swept: str
    trials: int
    default: int
    starts: tuple[tuple[str, int], ...]
    units: str
    budget: int
    seed: int

    @property
    def dim(self) -> int:
        """Dimension of the problem."""
        assert self.problem.dim is not None
        return self.problem.dim

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.configs) * len(self.starts)

    def _identity(self) -> dict[str, object]:
        """What the cells of this group share."""
        return {
            "schema": SCHEMA_VERSION,
            "problem": self.problem.model_dump(mode="json"),
            "optimizer": self.optimizer.name,
            "units": self.units,
            "budget": self.budget,
            "seed": self.seed,
        }

    def cell_ids(self) -> list[str]:
        """Returns the id of each cell: configurations outside, starts inside."""
        identity = self._identity()
        configs = [digest({**identity, "hyper": dict(hyper)}) for hyper in self.configs]
        return [digest([config, split, index]) for config in configs for split, index in self.starts]


@dataclass(frozen=True)
class Plan:
    """Everything that a run will do.

    Attributes:
        spec: The suite, after selection.
        groups: Sorted by dimension and labels.
    """

    spec: SuiteSpec
    groups: tuple[Group, ...]

    @property
    def n_cells(self) -> int:
        """Number of cells, which is the number of rows that the run will leave."""
        return sum(group.n_cells for group in self.groups)


def plan(spec: SuiteSpec, *, optimizers: Iterable[str] | None = None, problems: Iterable[str] | None = None) -> Plan:
    """Lays out the cells of a suite.

    Args:
        spec: The suite.
        optimizers: Names, labels or patterns of the entries to run; ``None`` for all.
        problems: The same for problems.

    Returns:
        The plan; equal for equal content, in whatever order the suite lists it.

    Raises:
        UsageError: A selected name is unknown, nothing is selected, or the plan is too large.

    Example:
        >>> from optbench.suite.parse import load
        >>> plan(load("quick").spec, problems=["sphere"], optimizers=["adam", "sgd"]).n_cells
        1536
    """
    spec = select(spec, optimizers=optimizers, problems=problems)
    starts = tuple(
        (str(split), index)
        for split, count in ((Split.TUNE, spec.starts.tune), (Split.REPORT, spec.starts.report))
        for index in range(count)
    )
    rules = [(entry, entry.label, *_configs(entry, spec.grid_of(entry))) for entry in spec.optimizers]
    n_cells = len(spec.problems) * len(starts) * sum(len(configs) for _, _, configs, _ in rules)
    if n_cells > MAX_CELLS:
        ask = "lower starts or points, or select fewer entries"
        raise UsageError(f"the plan has {n_cells:,} cells, at most {MAX_CELLS:,} are possible; {ask}")
    groups = []
    for given in spec.problems:
        built = given.build()
        problem = given.model_copy(update={"dim": built.dim, "parameters": dict(built.parameters)})
        for entry, label, configs, default in rules:
            group = Group(
                problem=problem,
                problem_label=built.label,
                optimizer=entry,
                optimizer_label=label,
                configs=configs,
                swept=entry.swept,
                trials=spec.grid_of(entry).points,
                default=default,
                starts=starts,
                units=spec.units,
                budget=spec.budget,
                seed=spec.seed,
            )
            groups.append(group)
    groups.sort(key=lambda g: (g.dim, g.problem_label, g.optimizer_label))
    return Plan(spec, tuple(groups))


def _configs(entry: OptimizerSpec, grid: Grid) -> tuple[tuple[dict[str, float], ...], int]:
    """Returns the configurations of an entry and the index of its default."""
    rule = entry.build()
    default = rule.hyper[entry.swept].default
    values = list(grid.values())
    same = [index for index, value in enumerate(values) if math.isclose(value, default, rel_tol=1e-9)]
    if not same:
        values.append(default)
    index = same[0] if same else len(values) - 1
    values[index] = default
    return tuple(rule.resolve({**entry.hyper, entry.swept: value}) for value in values), index
