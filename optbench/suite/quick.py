"""The quick size of a suite: the same question with fewer starts, trials and entries, to see that it works."""

from __future__ import annotations

from optbench.errors import UsageError
from optbench.suite.model import Grid
from optbench.suite.spec import OptimizerSpec, ProblemSpec, SuiteSpec, matches


def quick_size(spec: SuiteSpec) -> SuiteSpec:
    """Returns the quick size of a suite; numbers from it are no evidence.

    Args:
        spec: The suite.

    Returns:
        The suite with the changes of its table ``quick`` made, without contrasts about what is left out.

    Raises:
        UsageError: The suite has no such table.

    Example:
        >>> from optbench.suite.parse import load
        >>> spec = load("noise").spec
        >>> quick_size(spec).budget < spec.budget
        True
    """
    quick = spec.quick
    if quick is None:
        raise UsageError("has no quick size; a table [quick] in the suite file would name it", where=spec.name)
    kept = [entry for entry in spec.optimizers if _is_kept(quick.optimizers, entry)]
    problems = tuple(entry for entry in spec.problems if _is_kept(quick.problems, entry))
    labels, functions = [entry.label for entry in kept], [entry.label for entry in problems]
    changed = {
        **{name: value for name in ("budget", "starts", "noise_seeds", "trials") if (value := getattr(quick, name))},
        "grid": {name: resized(grid, quick.points) for name, grid in spec.grid.items()},
        "optimizers": tuple(fewer(entry, quick.points) for entry in kept),
        "problems": problems,
        "contrasts": (),
        "quick": None,
    }
    small = SuiteSpec(**{**dict(spec), **changed})
    # A claim about a value that the smaller grid has not is one about what is left out.
    claims = (entry for entry in spec.contrasts if entry.applies(labels, functions) and not small.faults_of(entry))
    return small.model_copy(update={"contrasts": tuple(claims)})


def _is_kept(items: tuple[str, ...] | None, entry: OptimizerSpec | ProblemSpec) -> bool:
    return items is None or any(matches(item, entry) for item in items)


def resized(grid: Grid, points: int | None) -> Grid:
    """Returns the range with another number of values; the same if that is ``None``."""
    return grid if points is None or grid.points == 1 else grid.model_copy(update={"points": points})


def fewer(entry: OptimizerSpec, points: int | None) -> OptimizerSpec:
    """Returns the entry with another number of values swept; the same if that is ``None``."""
    return entry.model_copy(update={"sweep": {name: resized(grid, points) for name, grid in entry.sweep.items()}})
