"""What ``optbench run --dry-run`` prints of a suite of networks: the plan, and what it is estimated to cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from optbench.console import duration
from optbench.engine.networks.levels import grid
from optbench.records import SCORED, curve_steps
from optbench.runner.kinds.entries import count, heading, measured, repetitions, tried
from optbench.suite.networks.plan import NetworkGroup, NetworkPlan
from optbench.suite.networks.suite import NetworkSuite
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


def describe(planned: NetworkPlan, absent: Mapping[str, str]) -> str:
    """Returns the plan of a suite of networks as text.

    Args:
        planned: The plan, with the tasks whose data are not here.
        absent: Why those are left out, by label.

    Returns:
        Lines of text.
    """
    spec = planned.spec
    lines = [
        *heading(spec, quick=planned.quick),
        f"{planned.n_cells:,} training runs at most, in {spec.dtype}",
        repetitions(spec),
        *_levels(spec),
        *measured(spec),
        *_arms(planned),
        *tried(spec),
        "tasks",
    ]
    width = max(28, *(len(task.label) for task in spec.tasks))
    for task in spec.tasks:
        parts, (batch_size, epochs, _) = task.parts(), spec.resolved(task)
        lines.append(
            f"  {task.label:<{width}} {parts.train:,} examples to train on, {parts.validation:,} to choose by, "
            f"{parts.test:,} to report; batches of {batch_size}, {count(epochs, 'epoch')}"
        )
        if task.label in absent:
            lines.append(f"  {'':<{width}} left out: {absent[task.label]}")
    compile_s, run_s, show_s = seconds([group for group in planned.groups if group.task.label not in absent])
    return "\n".join([
        *lines,
        "",
        "estimates, for two CPU cores",
        f"  compile  {duration(compile_s)}",
        f"  run      {duration(run_s)}",
        f"  show     {duration(show_s)} for the table and all figures",
        f"  total    {duration(START_S + compile_s + run_s + show_s)}",
    ])  # fmt: skip


def _levels(spec: NetworkSuite) -> list[str]:
    """Returns the lines that say where weights are kept, and whether seeds have data of their own."""
    lines = ["each seed has data of its own"] if spec.new_data else []
    if spec.levels:
        primary = "" if spec.primary_level is None else f", the primary one {spec.primary_level:g}"
        lines.append(f"weights are kept at training losses of {', '.join(map('{:g}'.format, spec.levels))}{primary}")
    return lines


def _arms(planned: NetworkPlan) -> list[str]:
    """Returns the lines that say what each arm runs, and for how long if it ran alone."""
    spec, groups = planned.spec, {(group.optimizer_label, group.task.label): group for group in planned.groups}
    lines = ["", "arms, each with the seconds that it would take alone"] if spec.arms else []
    for arm in spec.arms:
        runs = [groups[run.optimizer, run.task] for run in arm.runs]
        shown = ", ".join(f"{run.batch_size} for {count(run.epochs, 'epoch')}" for run in runs)
        mark = ", primary" if arm.is_primary else ""
        title = f"{arm.name}{mark}"
        lines.append(f"  {title:<28} batches of {shown}; {duration(sum(map(_run_s, runs)))}")
    return lines


def seconds(groups: Collection[NetworkGroup]) -> tuple[float, float, float]:
    """Returns the seconds that some groups take on two cores: compiling, running, table and figures."""
    tasks = {group.task.label for group in groups}
    return COMPILE_S * len(groups), sum(map(_run_s, groups)), SHOW_S + TASK_S * len(tasks)


def _run_s(group: NetworkGroup) -> float:
    """Returns the seconds that the runs of a group take on two cores."""
    task, found = group.task, SETS[group.task.data]
    forward = sum(row.multiply_adds for row in task.network().table(found.shape, found.n_classes))
    parts = task.parts()
    warm_size = group.warm_start.batch_size if group.warm_start else 0
    if group.levels:
        scored = len(grid(parts.train, group.batch_size, group.trips)) * (parts.train + parts.validation)
    else:
        scored = len(curve_steps(group.trips)) * (min(parts.train, SCORED) + parts.validation)
    trips = group.trips + group.warm_trips
    samples = group.trips * group.batch_size + group.warm_trips * warm_size
    passed = 3 * samples + scored
    return group.n_cells * (passed * forward / MULTIPLY_ADDS_PER_S + trips * TRIP_S / 2)
