"""What a manifest and a dry run say of an entry of ``optimizers``, whatever the kind of its suite."""

from __future__ import annotations

import textwrap
from typing import Any

from optbench.suite.optimizer import OptimizerSpec
from optbench.suite.plan import Group
from optbench.suite.suite import Suite


def entry_of(group: Group) -> dict[str, Any]:
    """Returns what the manifest says of an entry: what it is, and what its trials tried.

    Args:
        group: One of the entry's groups.
    """
    rule = group.optimizer.build()
    return {
        "name": group.optimizer.name,
        "swept": group.swept,
        "has_rate": "lr" in rule.hyper,
        "ranked": rule.ranked,
        "defaults": rule.defaults(),
        "grid": [config[group.swept] for config in group.configs[: group.trials]],
    }


def heading(suite: Suite, *, quick: bool) -> list[str]:
    """Returns the first lines of a dry run: which suite it is, and an empty one."""
    size = ", quick size" if quick else ""
    return [f"suite {suite.name}, version {suite.version}{size}: {suite.question}", ""]


def repetitions(suite: Suite) -> str:
    """Returns the line of a dry run that says how many repetitions serve tuning, and how many others are reported."""
    repeats = getattr(suite, suite.REPEATS)
    tune = 0 if suite.tuning == "default" else repeats.tune
    noun = suite.REPEATS.removesuffix("s")
    return f"{count(tune, noun)} to tune on, {count(repeats.report, 'other')} to report, seed {suite.seed}"


def measured(suite: Suite) -> list[str]:
    """Returns the lines of a dry run that say what is measured, none where nothing is; estimates leave it out."""
    titles = textwrap.wrap(", ".join(entry.title for entry in suite.measures), 110)
    return ["", "measures of reported runs, beyond the estimates", *(f"  {line}" for line in titles)] if titles else []


def tried(suite: Suite) -> list[str]:
    """Returns the lines of a dry run that say what is tried of each entry."""
    return ["", "optimizers", *(f"  {entry.label:<28} {_tried(suite, entry)}" for entry in suite.optimizers), ""]


def _tried(suite: Suite, entry: OptimizerSpec) -> str:
    if suite.tuning == "default":
        return "its default"
    if suite.tuning == "grid":
        grid = suite.grid_of(entry)
        return f"{entry.swept} from {grid.low:g} to {grid.high:g}, {grid.points} values"
    ranges = [f"{name} from {s.low:g} to {s.high:g}" for name, s in suite.ranges_of(entry).items()]
    return f"{', '.join(ranges)}, {count(suite.trials, 'trial')}"


def count(number: int, noun: str) -> str:
    """Returns a number of things.

    Example:
        >>> count(1, "trial"), count(2, "trial")
        ('1 trial', '2 trials')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
