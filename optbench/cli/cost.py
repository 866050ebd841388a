"""What a plan will cost, before anything is compiled: programs, seconds and memory, all estimates.

The programs are the engine's own. The constants were measured on two CPU cores in float64; a machine
twice as fast takes half the seconds. They are for deciding whether to start, never for a table.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from optbench.engine.program import Shelf, weight
from optbench.engine.shelves import Pair, ShelfKey, shelf_key, shelves
from optbench.records import N_TARGETS, curve_steps
from optbench.suite.plan import Plan

#: Coordinate updates a second: run-steps a second times (dimension + 1).
COORDINATES_PER_S = 8e7
#: Seconds to compile a unit of a program's weight: `quick` 5.4 units in 3.5 s, `landscapes` 171 in 104.
COMPILE_S = 0.62
#: Bytes before the first program: the imports of JAX and pandas.
START_BYTES = 400e6
#: Bytes of a row beside its curves and hits, and how often a row is held while its shard is written.
ROW_BYTES = 600
COPIES = 3


@dataclass(frozen=True)
class Cost:
    """The estimate for a whole plan.

    Attributes:
        programs: What is compiled, by dimension and number of state arrays.
        cells_of: Cells that each program runs.
        cells: Number of runs, each one row.
        run_steps: Steps of all runs together.
        compile_s: Seconds of compilation.
        run_s: Seconds of running.
        memory_bytes: Largest use of memory.
    """

    programs: dict[ShelfKey, Shelf]
    cells_of: Counter[ShelfKey]
    cells: int
    run_steps: int
    compile_s: float
    run_s: float
    memory_bytes: float


def estimate(plan: Plan, backend: str) -> Cost:
    """Estimates what a plan will cost.

    Args:
        plan: The plan.
        backend: JAX's name of the platform, which decides the width of a block.

    Returns:
        The estimate.
    """
    rules = {entry.name: entry.build() for entry in plan.spec.optimizers}
    problems = {group.problem_label: group.problem for group in plan.groups}
    built = {label: spec.build() for label, spec in problems.items()}
    pairs = [Pair(built[group.problem_label], rules[group.optimizer.name]) for group in plan.groups]
    cells_of: Counter[ShelfKey] = Counter()
    for pair, group in zip(pairs, plan.groups, strict=True):
        cells_of[shelf_key(pair)] += group.n_cells
    programs = shelves(pairs, backend)
    longest = max(group.trips for group in plan.groups)
    row_bytes = ROW_BYTES + 8 * (2 * len(curve_steps(longest)) + N_TARGETS)
    held = plan.n_cells + COPIES * max(group.n_cells for group in plan.groups)
    coordinates = sum(group.n_cells * group.trips * (group.dim + 1) for group in plan.groups)
    return Cost(
        programs=programs,
        cells_of=cells_of,
        cells=plan.n_cells,
        run_steps=sum(group.n_cells * group.trips for group in plan.groups),
        compile_s=COMPILE_S * sum(weight(program) for program in programs.values()),
        run_s=coordinates / COORDINATES_PER_S,
        memory_bytes=START_BYTES + held * row_bytes,
    )
