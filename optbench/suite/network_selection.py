"""Which entries of a suite of networks are run, and its quick size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from optbench.errors import UsageError, unknown_name
from optbench.suite.networks import NetworkSuite, TaskSpec, labels_of
from optbench.suite.parse import explain
from optbench.suite.quick import fewer, resized
from optbench.suite.selection import choose_optimizers
from optbench.suite.spec import matches


def select_networks(
    spec: NetworkSuite,
    *,
    optimizers: Iterable[str] | None = None,
    tasks: Iterable[str] | None = None,
    tuning: str | None = None,
    dtype: str | None = None,
) -> NetworkSuite:
    """Returns the suite with the named entries only.

    Args:
        spec: The suite.
        optimizers: Names, labels or patterns of entries, or other rules of the catalogue, which then join; ``None``
            for all entries.
        tasks: Names, labels, data sets or patterns of entries; ``None`` for all.
        tuning: ``grid`` or ``default``; ``None`` for the suite's own.
        dtype: ``float32`` or ``bfloat16``; ``None`` for the suite's own.

    Returns:
        A valid suite: entries in the suite's order, then those that joined.

    Raises:
        UsageError: An item names nothing, or an entry cannot be tuned so; all problems at once.
    """
    wrong: list[str] = []
    if tuning == "random":
        wrong.append("--tuning must be grid or default for a suite of networks; got 'random'")
    rules = choose_optimizers(spec.optimizers, optimizers, wrong)
    chosen = _tasks(spec, tasks, wrong)
    if wrong:
        raise UsageError(wrong, where=f"suite {spec.name!r}")
    changed = {key: value for key, value in (("tuning", tuning), ("dtype", dtype)) if value is not None}
    return _changed(spec, {**changed, "optimizers": rules, "tasks": chosen, "quick": None})


def _tasks(spec: NetworkSuite, items: Iterable[str] | None, wrong: list[str]) -> tuple[TaskSpec, ...]:
    if items is None:
        return spec.tasks
    labels = [task.label for task in spec.tasks]
    items = list(items)
    wanted: set[str] = set()
    if not items:
        wrong.append(f"--tasks selects none of {len(labels)} tasks")
    for item in items:
        hits = labels_of(item, spec.tasks)
        wanted |= hits
        if not hits:
            wrong.append(unknown_name("task of the suite", item, labels))
    return tuple(task for task in spec.tasks if task.label in wanted)


def network_quick_size(spec: NetworkSuite) -> NetworkSuite:
    """Returns the quick size of a suite of networks; numbers from it are no evidence.

    Args:
        spec: The suite.

    Returns:
        The suite with the changes of its table ``quick`` made.

    Raises:
        UsageError: The suite has no such table.
    """
    quick = spec.quick
    if quick is None:
        raise UsageError("has no quick size; a table [quick] in the suite file would name it", where=spec.name)
    tasks, rules = spec.tasks, spec.optimizers
    if quick.tasks is not None:
        kept = {label for item in quick.tasks for label in labels_of(item, spec.tasks)}
        tasks = tuple(task for task in tasks if task.label in kept)
    if quick.optimizers is not None:
        rules = tuple(entry for entry in rules if any(matches(item, entry) for item in quick.optimizers))
    if quick.epochs is not None:
        tasks = tuple(task.model_copy(update={"epochs": None}) for task in tasks)
    changed = {
        **{name: value for name in ("epochs", "seeds") if (value := getattr(quick, name)) is not None},
        "grid": {name: resized(grid, quick.points) for name, grid in spec.grid.items()},
        "optimizers": tuple(fewer(entry, quick.points) for entry in rules),
        "tasks": tasks,
        "quick": None,
    }
    return _changed(spec, changed)


def _changed(spec: NetworkSuite, changed: dict[str, Any]) -> NetworkSuite:
    try:
        return NetworkSuite(**{**dict(spec), **changed})
    except ValidationError as error:
        raise UsageError(explain(error), where=f"suite {spec.name!r}") from None
