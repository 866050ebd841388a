"""A suite becomes an ordered list of cells, each with an id that is the hash of its content.

A cell is problem x optimizer x configuration x start. Cells that share problem and optimizer
form a group, which is also one shard of the store. Nothing here depends on the order of the
suite file: groups are sorted, and ids come from content alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from optbench.core.keys import digest
from optbench.errors import UsageError
from optbench.records import Split
from optbench.records.landscapes import IDENTITY
from optbench.suite.configurations import configurations
from optbench.suite.quick import quick_size
from optbench.suite.selection import select
from optbench.suite.spec import OptimizerSpec, ProblemSpec, SuiteSpec
from optbench.suite.tuning import design, told

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
        configs: All hyperparameters of each configuration; the trials first, the default last if
            it is none of them.
        swept: The hyperparameter that varies.
        trials: Number of trials, the configurations among which tuning may choose.
        default: Index of the default configuration.
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
    noise_seeds: int = 1
    trip_cost: float = 1.0
    snapshots: tuple[int, ...] = ()

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


@dataclass(frozen=True)
class Plan:
    """Everything that a run will do.

    Attributes:
        spec: The suite, after selection.
        groups: Sorted by dimension and labels.
        quick: Whether it is the quick size of the suite.
    """

    spec: SuiteSpec
    groups: tuple[Group, ...]
    quick: bool = False

    @property
    def n_cells(self) -> int:
        """Number of cells, which is the number of rows that the run will leave."""
        return sum(group.n_cells for group in self.groups)


def plan(
    spec: SuiteSpec,
    *,
    optimizers: Iterable[str] | None = None,
    problems: Iterable[str] | None = None,
    tuning: str | None = None,
    trials: int | None = None,
    quick: bool = False,
) -> Plan:
    """Lays out the cells of a suite.

    Args:
        spec: The suite.
        optimizers: Names, labels or patterns of the entries to run; ``None`` for all.
        problems: The same for problems.
        tuning: Another protocol than the suite's.
        trials: Another number of trials than the suite's.
        quick: Whether to take the quick size of the suite, before anything is selected.

    Returns:
        The plan; equal for equal content, in whatever order the suite lists it.

    Raises:
        UsageError: A selected name is unknown, nothing is selected, or the plan is too large.

    Example:
        >>> from optbench.suite.parse import load
        >>> plan(load("quick").spec, problems=["sphere"], optimizers=["adam", "sgd"]).n_cells
        1536
    """
    if quick:
        spec = quick_size(spec)
    spec = select(spec, optimizers=optimizers, problems=problems, tuning=tuning, trials=trials)
    splits = [(Split.TUNE, spec.starts.tune if spec.tuning != "default" else 0), (Split.REPORT, spec.starts.report)]
    starts = tuple((str(split), index) for split, count in splits for index in range(count))
    rules = []
    for entry in spec.optimizers:
        tried = _trials(spec, entry)
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
            group = Group(
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
    return Plan(spec, tuple(groups), quick)


def _trials(spec: SuiteSpec, entry: OptimizerSpec) -> tuple[dict[str, float], ...]:
    """Returns what each trial of an entry tries, in the order of tuning."""
    if spec.tuning == "default":
        return ()
    if spec.tuning == "random":
        return design(spec.ranges_of(entry), spec.trials, seed=spec.seed, label=entry.label)
    return tuple({entry.swept: value} for value in spec.grid_of(entry).values())
