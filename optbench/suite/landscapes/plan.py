"""The cells of a suite of functions: problem x optimizer x configuration x start.

Cells that share problem and optimizer form a group, which is also one shard of the store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, Unpack

from optbench.core.keys import digest
from optbench.errors import UsageError
from optbench.records import Split
from optbench.records.landscapes import IDENTITY
from optbench.suite.landscapes.problem import ProblemSpec
from optbench.suite.landscapes.suite import LandscapeSuite
from optbench.suite.plan import Group, Plan, configurations
from optbench.suite.selection import Selection, select
from optbench.suite.tuning import told

#: A plan above this is refused: its rows alone would take about 10 GB.
MAX_CELLS = 10_000_000


@dataclass(frozen=True)
class LandscapeGroup(Group):
    """All cells of one problem and one optimizer.

    Attributes:
        problem: The problem as data, dimension and parameters filled in.
        problem_label: Its label.
        starts: (split, index) of each start.
        units: ``normalized`` or ``raw``.
        budget: Cost of one run, in gradient evaluations.
        seed: Seed of the starts.
        noise_seeds: Runs from each start that differ in the noise alone; 1 without noise.
        trip_cost: Cost of one gradient: 1, or of a finite sum the share of its terms that a batch has.
        snapshots: Costs at which the well of the judged iterate is named, where the problem has wells.
    """

    problem: ProblemSpec
    problem_label: str
    starts: tuple[tuple[str, int], ...]
    units: str
    budget: int
    seed: int
    noise_seeds: int = 1
    trip_cost: float = 1.0
    snapshots: tuple[int, ...] = ()

    @property
    def labels(self) -> tuple[str, str]:
        """Labels of problem and optimizer."""
        return self.problem_label, self.optimizer_label

    @property
    def trips(self) -> int:
        """Gradients that the budget allows."""
        return round(self.budget / self.trip_cost)

    @property
    def dim(self) -> int:
        """Dimension of the problem."""
        assert self.problem.dim is not None
        return self.problem.dim

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.configs) * len(self.starts) * self.noise_seeds

    def _identity(self) -> dict[str, object]:
        """What the cells of this group share."""
        extra = {"snapshots": list(self.snapshots)} if self.snapshots else {}
        return {
            **extra,
            "schema": IDENTITY,
            "problem": self.problem.identity(),
            "optimizer": self.optimizer.name,
            "units": self.units,
            "budget": self.budget,
            "seed": self.seed,
        }

    def cell_ids(self) -> list[str]:
        """Returns the id of each cell: configurations outside, then starts, noise seeds inside."""
        identity = self._identity()
        configs = [digest({**identity, "hyper": dict(hyper)}) for hyper in self.configs]
        if self.problem.noise is None:
            return [digest([config, split, index]) for config in configs for split, index in self.starts]
        places = [(split, index, seed) for split, index in self.starts for seed in range(self.noise_seeds)]
        return [digest([config, *place]) for config in configs for place in places]


LandscapePlan: TypeAlias = Plan[LandscapeSuite, LandscapeGroup]


def plan(suite: LandscapeSuite, **selection: Unpack[Selection]) -> LandscapePlan:
    """Lays out the cells of a suite of functions.

    Args:
        suite: The suite.
        **selection: What of it is run, and how tuned.

    Returns:
        The plan, its groups sorted by dimension and labels; equal for equal content, in whatever order the suite lists
        it.

    Raises:
        UsageError: What is selected is not there or cannot be, or the plan is too large.

    Example:
        >>> from optbench.suite.parse import load
        >>> plan(load("quick").spec, problems=["sphere"], optimizers=["adam", "sgd"]).n_cells
        1536
    """
    spec = select(suite, **selection)
    splits = [(Split.TUNE, spec.starts.tune if spec.tuning != "default" else 0), (Split.REPORT, spec.starts.report)]
    starts = tuple((str(split), index) for split, count in splits for index in range(count))
    rules = []
    for entry in spec.optimizers:
        tried = spec.trials_of(entry)
        rules.append((entry, entry.label, tried, *configurations(entry, entry.build(), tried, {})))
    n_runs = sum(1 if given.noise is None else spec.noise_seeds for given in spec.problems)
    n_cells = n_runs * len(starts) * sum(len(configs) for _, _, _, configs, _ in rules)
    if n_cells > MAX_CELLS:
        ask = "lower starts or points, or select fewer entries"
        raise UsageError(f"the plan has {n_cells:,} cells, at most {MAX_CELLS:,} are possible; {ask}")
    groups = []
    for given in spec.problems:
        built = given.build()
        problem = given.model_copy(update={"dim": built.dim, "parameters": dict(built.parameters)})
        for entry, label, tried, configs, default in rules:
            rule = entry.build()
            if any(hyper.told for hyper in rule.hyper.values()):
                f_star = built.f_star / (built.f_scale if spec.units == "normalized" else 1.0)
                trips = round(spec.budget / built.trip_cost)
                configs, default = configurations(entry, rule, tried, told(rule, cost=trips, f_star=f_star))
            group = LandscapeGroup(
                problem=problem,
                problem_label=built.label,
                optimizer=entry,
                optimizer_label=label,
                configs=configs,
                swept=entry.swept,
                trials=len(tried),
                default=default,
                starts=starts,
                units=spec.units,
                budget=spec.budget,
                seed=spec.seed,
                noise_seeds=1 if built.noise is None else spec.noise_seeds,
                trip_cost=built.trip_cost,
                snapshots=tuple(cost for cost in spec.snapshots if cost <= spec.budget),
            )
            groups.append(group)
    groups.sort(key=lambda g: (g.dim, g.problem_label, g.optimizer_label))
    return Plan(spec, tuple(groups), selection.get("quick", False))
