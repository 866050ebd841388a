"""What may be wrong with the entries of a suite together: ranges that do not fit, labels that stand twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optbench.suite.model import Grid
    from optbench.suite.spec import OptimizerSpec


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


def repeated(key: str, labels: list[str]) -> list[tuple[str, str]]:
    """Returns what is wrong with the labels of entries: each may stand once."""
    first: dict[str, int] = {}
    wrong = []
    for index, label in enumerate(labels):
        if label in first:
            wrong.append((f"{key}[{index}]", f"{label!r} stands in {key}[{first[label]}] already"))
        first.setdefault(label, index)
    return wrong
