"""What ``optbench run --dry-run`` prints of a suite of studies: the plan, and what it is estimated to cost."""

from __future__ import annotations

from optbench.console import duration
from optbench.runner.kinds.entries import count, heading
from optbench.runner.kinds.studies.cost import cost_of, rows_of
from optbench.suite.studies.faults import parts_of
from optbench.suite.studies.plan import StudyGroup, StudyPlan

#: Multiplications with a weight that two cores do a second in training, and seconds of one core that a trip takes.
MULTIPLY_ADDS_PER_S, TRIP_S = 6e10, 5e-5
#: Seconds to compile the programs of a shape, and until the first study begins.
COMPILE_S, START_S = 1.0, 1.5
#: What a model is called where the name of its role does not say it.
MODELS = {"fold": "fold model", "single": "single model"}


def describe(planned: StudyPlan) -> str:
    """Returns the plan of a suite of studies as text.

    Args:
        planned: The plan.

    Returns:
        Lines of text.
    """
    spec = planned.spec
    lines = [
        *heading(spec, quick=planned.quick),
        f"{planned.n_cells:,} models: {count(len(planned.groups), 'study').replace('studys', 'studies')}, "
        f"{count(spec.seeds, 'replicate')} of each, seed {spec.seed}",
        "",
        "studies",
    ]
    for group in planned.groups:
        lines += [f"  {group.study.name:<20} {said}" for said in _said(group)]
    run_s = sum(map(_run_s, planned.groups))
    compile_s = sum(map(_compile_s, planned.groups))
    return "\n".join([
        *lines,
        "",
        "estimates, for two CPU cores",
        f"  compile  {duration(compile_s)}",
        f"  run      {duration(run_s)}",
        f"  total    {duration(START_S + compile_s + run_s)}",
    ])  # fmt: skip


def _said(group: StudyGroup) -> list[str]:
    """Returns what is said of a study."""
    study, cells = group.study, group.cells
    roles = {role: sum(cell.role is role for cell in cells) for role in dict.fromkeys(cell.role for cell in cells)}
    models = ", ".join(count(n, MODELS.get(role, role)) for role, n in roles.items())
    lists = study.grid or study.factor or {}
    varied = "".join(f"; {name} {', '.join(f'{value:g}' for value in values)}" for name, values in lists.items())
    first = f"{study.method}: {models} per replicate{varied}"
    if not group.settings:
        return [
            first,
            f"truth {study.truth}, noise {study.noise:g}, {study.n_train} points to fit, {study.n_test} to test",
        ]
    parts, setting = parts_of(study, group.settings[0].n_train), group.settings[0]
    # What a list varies is said above.
    rule = str(study.optimizer) if study.grid else setting.label
    held = [] if "batch_size" in lists else [f"batches of {setting.batch_size}"]
    held += [] if "epochs" in lists else [count(setting.epochs, "epoch")]
    rows = [] if "n_train" in lists else [f"{parts.train:,} to train on", f"{parts.validation:,} beside them"]
    examples = ", ".join([*rows, f"{parts.test:,} to report"])
    return [first, f"{study.data} {study.model} {rule}: examples: {examples}; {', '.join(held)}".rstrip("; ")]


def _run_s(group: StudyGroup) -> float:
    """Returns the seconds that a study takes on two cores."""
    cost = cost_of(group)
    trips = cost.trips if group.settings else 0
    return group.seeds * (cost.multiply_adds / MULTIPLY_ADDS_PER_S + trips * TRIP_S / 2)


def _compile_s(group: StudyGroup) -> float:
    """Returns the seconds that compiling a study takes: once for each shape, batch size, width and regularization."""
    programs = {
        (rows_of(group, cell, setting), setting.batch_size, setting.width, str(setting.regularization))
        for cell in group.cells
        if group.settings
        for setting in [group.settings[max(cell.config, cell.value)]]
    }
    return COMPILE_S * len(programs)
