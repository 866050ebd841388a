"""What a plan will cost, before anything is compiled: programs, seconds and memory, all estimates.

The programs are the engine's own. The constants were measured on two CPU cores in float64; a machine
twice as fast takes half the seconds. They are for deciding whether to start, never for a table.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from optbench.analysis.landscapes.selection import SETTINGS
from optbench.analysis.statistics.intervals import REPLICATES
from optbench.engine.landscapes.program import RULE_WEIGHT, ProgramSpec, weight
from optbench.engine.landscapes.sharing import Pair, ProgramKey, held_together, program_key, program_specs
from optbench.problems.problem import Problem
from optbench.records import N_TARGETS, curve_steps
from optbench.runner.kinds.landscapes.pictures import pictured
from optbench.runner.kinds.landscapes.showing import START_S, picture_data_s, showing_s
from optbench.suite.landscapes.plan import LandscapePlan

#: Coordinate updates a second: run-steps a second times (dimension + 1), of whole blocks, whose last may be half empty.
COORDINATES_PER_S = 3e8
#: How many times as much a step costs whose gradient is of a batch, or under another kind of noise.
BATCH, NOISE = 5.0, 1.3
#: Seconds of a block beside its steps, and to encode and write a row.
BLOCK_S = 4e-3
ROW_S = 2e-5
#: Seconds to compile a unit of a program's weight: `quick` 5.4 units in 3.5 s, `landscapes` 171 in 104.
COMPILE_S = 0.62
#: Seconds to load a program that is kept on disk.
LOAD_S = 0.06
#: Bytes before the first program: the imports of JAX and pandas. Then those of a cell that is planned.
START_BYTES = 310e6
PLANNED_BYTES = 15
#: Bytes of a rule's branch, and of a unit of a program's weight beside its rules, while they are compiled.
RULE_BYTES = 3.4e6
FUNCTION_BYTES = 4.5e6
#: Bytes of a row beside its curves and times while it is on its way to its shard, and how often it is held there.
ROW_BYTES = 600
COPIES = 3
#: Bytes that stay of a row when it is judged, and of one number of the bootstrap, which has copies.
JUDGED_BYTES = 70
REPLICATE_BYTES = 20


@dataclass(frozen=True)
class Cost:
    """The estimate for a whole plan.

    Attributes:
        programs: What is compiled, by dimension and number of state arrays.
        cells_of: Cells that each program runs.
        cells: Number of runs, each one row.
        run_steps: Steps of all runs together.
        compile_s: Seconds of compilation.
        load_s: Seconds of loading instead, where all programs are kept on disk.
        run_s: Seconds of running, picture data included.
        show_s: Seconds of table and figures.
        memory_bytes: Largest use of memory.
    """

    programs: dict[ProgramKey, ProgramSpec]
    cells_of: Counter[ProgramKey]
    cells: int
    run_steps: int
    compile_s: float
    load_s: float
    run_s: float
    show_s: float
    memory_bytes: float

    @property
    def total_s(self) -> float:
        """Seconds from the command to its end, nothing kept from before."""
        return START_S + self.compile_s + self.run_s + self.show_s

    @property
    def total_kept_s(self) -> float:
        """The same where all programs are kept on disk."""
        return self.total_s - self.compile_s + self.load_s


def estimate(plan: LandscapePlan, backend: str) -> Cost:
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
    cells_of: Counter[ProgramKey] = Counter()
    for pair, group in zip(pairs, plan.groups, strict=True):
        cells_of[program_key(pair)] += group.n_cells
    programs = program_specs(pairs, backend)
    blocks = [
        -(-group.n_cells // programs[program_key(pair)].lanes) for pair, group in zip(pairs, plan.groups, strict=True)
    ]
    coordinates = sum(
        n * programs[program_key(pair)].lanes * group.trips * (group.dim + 1) * _times(pair.problem)
        for n, pair, group in zip(blocks, pairs, plan.groups, strict=True)
    )
    picture_s = picture_data_s(plan, pictured(plan.groups), COORDINATES_PER_S)
    labels = ({group.problem_label for group in plan.groups}, {group.optimizer_label for group in plan.groups})
    return Cost(
        programs=programs,
        cells_of=cells_of,
        cells=plan.n_cells,
        run_steps=sum(group.n_cells * group.trips for group in plan.groups),
        compile_s=COMPILE_S * sum(weight(program) for program in programs.values()),
        load_s=LOAD_S * len(programs),
        run_s=coordinates / COORDINATES_PER_S + BLOCK_S * sum(blocks) + ROW_S * plan.n_cells + picture_s,
        show_s=showing_s(problems=len(labels[0]), rules=len(labels[1]), pairs=len(plan.groups), cells=plan.n_cells),
        memory_bytes=_memory(plan, programs),
    )


def _times(problem: Problem) -> float:
    """Returns how many times as much a step costs as one whose gradient is exact."""
    return 1.0 if problem.noise is None else BATCH if problem.noise.is_batch else NOISE


def _memory(plan: LandscapePlan, programs: dict[ProgramKey, ProgramSpec]) -> float:
    """Returns the largest use of memory: programs with the rows in flight, or the rows when they are judged."""
    compiled: dict[int, float] = {}
    for key, spec in programs.items():
        rules = len(spec.rules)
        functions = weight(spec) - RULE_WEIGHT * rules
        compiled[key.dim] = compiled.get(key.dim, 0.0) + RULE_BYTES * rules + FUNCTION_BYTES * functions
    held = [sum(compiled[dim] for dim in dims) for dims in held_together(programs)]
    largest = max(plan.groups, key=lambda group: group.n_cells * len(curve_steps(group.trips)))
    row_bytes = ROW_BYTES + 8 * (2 * len(curve_steps(largest.trips)) + N_TARGETS)
    running = max(held, default=0.0) + COPIES * largest.n_cells * row_bytes
    families = len({group.problem.name for group in plan.groups})
    judged = JUDGED_BYTES * plan.n_cells + REPLICATE_BYTES * len(SETTINGS) * REPLICATES * families * len(
        plan.spec.optimizers
    )
    start = START_BYTES + PLANNED_BYTES * plan.n_cells
    # A large suite lets go of its programs before its rows are judged.
    return start + (max(running, judged) if len(held) > 1 else running + judged)
