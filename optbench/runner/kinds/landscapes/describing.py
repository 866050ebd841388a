"""What ``optbench run --dry-run`` prints of a suite of functions: the plan, and what it is estimated to cost."""

from __future__ import annotations

import jax

from optbench.console import duration
from optbench.runner.kinds.entries import count, heading, measured, repetitions, tried
from optbench.runner.kinds.landscapes.cost import estimate
from optbench.suite.landscapes.plan import LandscapePlan


def describe(planned: LandscapePlan) -> str:
    """Returns the plan of a suite of functions as text.

    Args:
        planned: The plan.

    Returns:
        Lines of text.
    """
    spec, cost = planned.spec, estimate(planned, jax.default_backend())
    lines = [
        *heading(spec, quick=planned.quick),
        f"{cost.cells:,} cells, each up to a cost of {spec.budget:,} gradients, in {spec.units} units",
        repetitions(spec),
        *measured(spec),
        *tried(spec),
        "problems",
        *(f"  {label}" for label in dict.fromkeys(group.problem_label for group in planned.groups)),
        "",
        f"programs ({len(cost.programs)})",
    ]
    for key, program in cost.programs.items():
        carried = {0: " without state", 2: " with at most 2 state arrays"}.get(key.slots, "")
        looking = {"HERE": "", "AHEAD": " that look ahead", "TRIAL": " that try points or keep a history"}
        carried += looking.get(key.access, " that ask for curvature") + (", noisy" if key.noisy else "")
        branches = f"{count(len(program.problems), 'problem')} x {count(len(program.rules), 'rule')}{carried}"
        lines.append(f"  dimension {key.dim}: {branches}, {cost.cells_of[key]:,} cells in blocks of {program.lanes}")
    lines += [
        "",
        "estimates, for two CPU cores in float64",
        f"  memory   {cost.memory_bytes / 1e9:.1f} GB",
        f"  compile  {duration(cost.compile_s)}; {duration(cost.load_s)} where the programs are kept from before",
        f"  run      {duration(cost.run_s)} for {cost.run_steps / 1e6:,.0f} million run-steps, with picture data",
        f"  show     {duration(cost.show_s)} for the table and all figures",
        f"  total    {duration(cost.total_s)}; {duration(cost.total_kept_s)} with programs from before",
    ]
    return "\n".join(lines)
