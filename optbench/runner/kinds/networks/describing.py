"""What ``optbench run --dry-run`` prints of a suite of networks: the plan, and what it is estimated to cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from optbench.console import duration
from optbench.records import curve_steps
from optbench.records.networks import SCORED
from optbench.runner.kinds.entries import count, heading, measured, repetitions, tried
from optbench.suite.networks.plan import NetworkGroup, NetworkPlan
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
        *measured(spec),
        *tried(spec),
        "tasks",
    ]
    for task in spec.tasks:
        parts, (batch_size, epochs, _) = task.parts(), spec.resolved(task)
        lines.append(
            f"  {task.label:<28} {parts.train:,} examples to train on, {parts.validation:,} to choose by, "
            f"{parts.test:,} to report; batches of {batch_size}, {count(epochs, 'epoch')}"
        )
        if task.label in absent:
            lines.append(f"  {'':<28} left out: {absent[task.label]}")
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


def seconds(groups: Collection[NetworkGroup]) -> tuple[float, float, float]:
    """Returns the seconds that some groups take on two cores: compiling, running, table and figures."""
    tasks = {group.task.label for group in groups}
    return COMPILE_S * len(groups), sum(map(_run_s, groups)), SHOW_S + TASK_S * len(tasks)


def _run_s(group: NetworkGroup) -> float:
    """Returns the seconds that the runs of a group take on two cores."""
    task, found = group.task, SETS[group.task.data]
    forward = sum(row.multiply_adds for row in task.network().table(found.shape, found.n_classes))
    parts = task.parts()
    scored = len(curve_steps(group.trips)) * (min(parts.train, SCORED) + parts.validation)
    passed = 3 * group.trips * group.batch_size + scored
    return group.n_cells * (passed * forward / MULTIPLY_ADDS_PER_S + group.trips * TRIP_S / 2)
