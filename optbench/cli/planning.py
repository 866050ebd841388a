"""What ``optbench run --dry-run`` prints: the plan, and what it is estimated to cost."""

from __future__ import annotations

from typing import Any

import jax

from optbench.cli.cost import estimate
from optbench.console import duration
from optbench.runner.computing import check_options
from optbench.suite.network_plan import plan_networks
from optbench.suite.networks import NetworkSuite
from optbench.suite.parse import load
from optbench.suite.plan import Plan, plan
from optbench.suite.spec import OptimizerSpec, SuiteSpec


def describe(suite: str, selection: dict[str, Any]) -> str:
    """Returns the plan of a suite as text.

    Args:
        suite: Name of a shipped suite or path of a TOML file.
        selection: What is selected, by option of ``optbench run``.

    Returns:
        Lines of text.
    """
    spec = load(suite).spec
    check_options(spec.name, isinstance(spec, NetworkSuite), selection)
    if isinstance(spec, NetworkSuite):
        from optbench.cli.network_planning import describe_networks

        given = {key: value for key, value in selection.items() if key not in ("problems", "trials")}
        return describe_networks(plan_networks(spec, **given))
    return _describe_landscapes(plan(spec, **selection))


def _describe_landscapes(planned: Plan) -> str:
    spec, cost = planned.spec, estimate(planned, jax.default_backend())
    lines = [
        f"suite {spec.name}, version {spec.version}{', quick size' if planned.quick else ''}: {spec.question}",
        "",
        f"{cost.cells:,} cells, each up to a cost of {spec.budget:,} gradients, in {spec.units} units",
        f"{0 if spec.tuning == 'default' else spec.starts.tune} starts to tune on, {spec.starts.report} others to "
        f"report, seed {spec.seed}",
        "",
        "optimizers",
    ]
    lines += [f"  {entry.label:<28} {_tried(spec, entry)}" for entry in spec.optimizers]
    lines += ["", "problems"]
    lines += [f"  {label}" for label in dict.fromkeys(group.problem_label for group in planned.groups)]
    lines += ["", f"programs ({len(cost.programs)})"]
    for key, shelf in cost.programs.items():
        carried = {0: " without state", 2: " with at most 2 state arrays"}.get(key.slots, "")
        looking = {"HERE": "", "AHEAD": " that look ahead", "TRIAL": " that try points or keep a history"}
        carried += looking.get(key.sight, " that ask for curvature") + (", noisy" if key.noisy else "")
        branches = f"{_count(len(shelf.problems), 'problem')} x {_count(len(shelf.rules), 'rule')}{carried}"
        lines.append(f"  dimension {key.dim}: {branches}, {cost.cells_of[key]:,} cells in blocks of {shelf.lanes}")
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


def _tried(spec: SuiteSpec, entry: OptimizerSpec) -> str:
    """Returns what tuning tries for an entry."""
    if spec.tuning == "default":
        return "its default"
    if spec.tuning == "grid":
        grid = spec.grid_of(entry)
        return f"{entry.swept} from {grid.low:g} to {grid.high:g}, {grid.points} values"
    ranges = [f"{name} from {s.low:g} to {s.high:g}" for name, s in spec.ranges_of(entry).items()]
    return f"{', '.join(ranges)}, {_count(spec.trials, 'trial')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
