"""What ``optbench run --dry-run`` prints of a suite of networks: the plan, and what it is estimated to cost."""

from __future__ import annotations

from collections.abc import Collection

from optbench.console import duration
from optbench.records import curve_steps
from optbench.records.networks import SCORED
from optbench.runner.networks import absent
from optbench.suite.network_plan import NetworkGroup, NetworkPlan
from optbench.suite.networks import NetworkSuite
from optbench.suite.spec import OptimizerSpec
from optbench.tasks.data import SETS

#: Multiplications with a weight that two cores do a second, in a forward pass; a step does three times as many.
MULTIPLY_ADDS_PER_S = 6e10
#: Seconds of one core that a trip takes beside them.
TRIP_S = 5e-5
#: Seconds to compile a task and a rule.
COMPILE_S = 1.0
#: Seconds until the first task is read, and of the table and figures: those that every run has, and for each task.
START_S = 1.5
SHOW_S, TASK_S = 1.5, 0.2


def describe_networks(planned: NetworkPlan) -> str:
    """Returns the plan of a suite of networks as text.

    Args:
        planned: The plan.

    Returns:
        Lines of text.
    """
    spec, left_out = planned.spec, absent(planned.spec)
    size = ", quick size" if planned.quick else ""
    lines = [
        f"suite {spec.name}, version {spec.version}{size}: {spec.question}",
        "",
        f"{planned.n_cells:,} training runs at most, in {spec.dtype}",
        f"{spec.seeds.tune if spec.tuning != 'default' else 0} seeds to tune on, {spec.seeds.report} others to report, "
        f"seed {spec.seed}",
        "",
        "optimizers",
        *(f"  {entry.label:<28} {_tried(spec, entry)}" for entry in spec.optimizers),
        "",
        "tasks",
    ]
    for task in spec.tasks:
        parts = task.parts()
        lines.append(
            f"  {task.label:<28} {parts.train:,} examples to train on, {parts.validation:,} to choose by, "
            f"{parts.test:,} to report; batches of {spec.batch_of(task)}, {spec.epochs_of(task)} passes"
        )
        if task.label in left_out:
            lines.append(f"  {'':<28} left out: {left_out[task.label]}")
    groups = [group for group in planned.groups if group.task.label not in left_out]
    compile_s, run_s, show_s = seconds(groups)
    return "\n".join([
        *lines,
        "",
        "estimates, for two CPU cores",
        f"  compile  {duration(compile_s)}",
        f"  run      {duration(run_s)}",
        f"  show     {duration(show_s)} for the table and all figures",
        f"  total    {duration(START_S + compile_s + run_s + show_s)}",
    ])  # fmt: skip


def seconds(groups: Collection[NetworkGroup]) -> tuple[float, float, float]:
    """Returns the seconds that some groups take on two cores: compiling, running, table and figures."""
    tasks = {group.task.label for group in groups}
    return COMPILE_S * len(groups), sum(map(_run_s, groups)), SHOW_S + TASK_S * len(tasks)


def _tried(spec: NetworkSuite, entry: OptimizerSpec) -> str:
    if spec.tuning == "default":
        return "its default"
    grid = spec.grid_of(entry)
    return f"{entry.swept} from {grid.low:g} to {grid.high:g}, {grid.points} values"


def _run_s(group: NetworkGroup) -> float:
    """Returns the seconds that the runs of a group take on two cores."""
    spec, task, found = group.suite, group.task, SETS[group.task.data]
    forward = sum(row.multiply_adds for row in task.network().table(found.shape, found.n_classes))
    parts = task.parts()
    scored = len(curve_steps(group.trips)) * (min(parts.train, SCORED) + parts.validation)
    passed = 3 * group.trips * spec.batch_of(task) + scored
    return group.n_cells * (passed * forward / MULTIPLY_ADDS_PER_S + group.trips * TRIP_S / 2)
