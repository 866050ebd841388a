"""What may be wrong with the entries of a suite together: ranges that do not fit or are not used, labels twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from optbench.suite.tuning import MAX_OTHERS

if TYPE_CHECKING:
    from optbench.core.optimizer import Search
    from optbench.suite.model import Grid
    from optbench.suite.optimizer import OptimizerSpec


def held_faults(entries: Sequence[OptimizerSpec]) -> list[tuple[str, str]]:
    """Returns which entries of a suite that tunes hold the hyperparameter that they sweep.

    Args:
        entries: The optimizers of a suite.
    """
    return [
        (f"optimizers[{index}].hyper.{entry.swept}", "is swept, so it cannot be fixed as well")
        for index, entry in enumerate(entries)
        if entry.swept in entry.hyper
    ]


def grid_faults(
    entries: Sequence[OptimizerSpec], given: Mapping[str, Grid], grid_of: Callable[[OptimizerSpec], Grid]
) -> list[tuple[str, str]]:
    """Returns what is wrong with the ranges that entries sweep.

    Args:
        entries: The optimizers of a suite.
        given: The suite's ranges by the swept hyperparameter.
        grid_of: The range of an entry that has one.
    """
    wrong = []
    points: dict[int, str] = {}
    for index, entry in enumerate(entries):
        if entry.swept not in entry.sweep and entry.swept not in given:
            ask = f"give sweep = {{ {entry.swept} = {{ low = ..., high = ..., points = ... }} }}"
            wrong.append((f"optimizers[{index}].sweep", f"grid has no range for {entry.swept!r}; {ask}"))
            continue
        grid, rule = grid_of(entry), entry.build().hyper[entry.swept]
        if not (rule.allows(grid.low) and rule.allows(grid.high)):
            message = f"{entry.name} needs values in {rule.describe()}; got {grid.low:g} to {grid.high:g}"
            wrong.append((f"grid.{entry.swept}", message))
        points.setdefault(grid.points, entry.label)
    if len(points) > 1:
        counts = ", ".join(f"{label} {n}" for n, label in points.items())
        wrong.append(("optimizers", f"every entry must have the same number of trials; got {counts}"))
    return wrong


def range_faults(
    entries: Sequence[OptimizerSpec], ranges_of: Callable[[OptimizerSpec], Mapping[str, Search]]
) -> list[tuple[str, str]]:
    """Returns what is wrong with the ranges that random tuning draws from.

    Args:
        entries: The optimizers of a suite.
        ranges_of: The ranges of an entry.
    """
    wrong = []
    for index, entry in enumerate(entries):
        place = f"optimizers[{index}].search"
        ranges, rule = ranges_of(entry), entry.build()
        if entry.swept not in ranges:
            ask = f"give search = {{ {entry.swept} = {{ low = ..., high = ... }} }}"
            wrong.append((place, f"{entry.name} has no range for {entry.swept!r}; {ask}"))
        others = [name for name in ranges if name != entry.swept]
        if len(others) > MAX_OTHERS:
            message = f"at most {MAX_OTHERS} hyperparameters are drawn beside {entry.swept}; got {', '.join(others)}"
            wrong.append((place, f"{message}; hold some with hyper"))
        for name, drawn_from in ranges.items():
            low, high, allowed = drawn_from.low, drawn_from.high, rule.hyper[name]
            if not (allowed.allows(low) and allowed.allows(high)):
                message = f"{entry.name} needs {name} in {allowed.describe()}; got {low:g} to {high:g}"
                wrong.append((place, message))
    return wrong


def unused_grids(entries: Sequence[OptimizerSpec], given: Mapping[str, Grid]) -> Iterator[str]:
    """Yields which ranges of a suite no entry sweeps.

    Args:
        entries: The optimizers of a suite.
        given: The suite's ranges by the swept hyperparameter.
    """
    swept = sorted({entry.swept for entry in entries})
    for name in given:
        if name not in swept:
            yield f"grid.{name}: no entry sweeps {name!r}; the entries sweep {', '.join(swept)}"
        elif all(name in entry.sweep for entry in entries if entry.swept == name):
            yield f"grid.{name}: every entry that sweeps {name!r} has a range of its own in sweep"


def repeated(key: str, labels: list[str]) -> list[tuple[str, str]]:
    """Returns what is wrong with the labels of entries: each may stand once."""
    first: dict[str, int] = {}
    wrong = []
    for index, label in enumerate(labels):
        if label in first:
            wrong.append((f"{key}[{index}]", f"{label!r} stands in {key}[{first[label]}] already"))
        first.setdefault(label, index)
    return wrong
