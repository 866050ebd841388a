"""Runs planned groups: compiles their programs, keeps every core busy, and turns lanes into rows."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import numpy as np

from optbench.core.optimizer import Optimizer
from optbench.engine.compile import kept_programs
from optbench.engine.landscapes.block import Block, PreparedPair
from optbench.engine.landscapes.disturb import Streams, shares_batches
from optbench.engine.landscapes.operands import target_order
from optbench.engine.landscapes.program import Program, compile_program, weight
from optbench.engine.landscapes.recorder import Recorder, compile_recorder, schedule
from optbench.engine.landscapes.rows import ends_of, failed, measured, planned, reordered
from optbench.engine.landscapes.sharing import Pair, ProgramKey, fault, program_key, program_specs
from optbench.engine.landscapes.well_column import WellColumn, snapshot_trips, unknown, width
from optbench.engine.landscapes.zero_gradient import explained
from optbench.engine.outcomes import Columns, EndPoint, Outcome, Stopped, failure, is_out_of_memory
from optbench.environment import hand_back_memory, visible_cores
from optbench.problems.problem import Problem
from optbench.problems.units import units_of
from optbench.records import Status, curve_steps
from optbench.suite.landscapes.plan import LandscapeGroup


@dataclass
class Engine:
    """Compiled programs and the threads that call them.

    Attributes:
        backend: JAX's name of the platform.
        threads: Calls in flight: all visible cores on CPU, one on an accelerator.
        programs: Compiled programs by dimension and class of rule.
        recorders: Compiled recorders by width.
        pairs: What the programs were made for.
        faults: What keeps a pair from compiling, by problem and rule: names may be shared.
        compile_s: Wall seconds spent on compiling.
        stop: Set to abandon the blocks in flight at their next slice.
    """

    backend: str = field(default_factory=jax.default_backend)
    threads: int = 0
    programs: dict[ProgramKey, Program] = field(default_factory=dict)
    recorders: dict[int, Recorder] = field(default_factory=dict)
    pairs: dict[Pair, None] = field(default_factory=dict)
    faults: dict[tuple[Problem, Optimizer], str] = field(default_factory=dict)
    compile_s: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Fills in the number of threads."""
        if not self.threads:
            self.threads = visible_cores() if self.backend == "cpu" else 1

    def prepare(self, pairs: Iterable[Pair]) -> None:
        """Compiles what a set of pairs needs beyond what is there, as many programs at once as there are threads.

        Args:
            pairs: Problems and rules that shall run.
        """
        sound = []
        for pair in pairs:
            message = fault(pair)
            if message is None:
                sound.append(pair)
            else:
                self.faults[pair.problem, pair.rule] = message
        self.pairs |= dict.fromkeys(sound)
        held = [program.spec for program in self.programs.values()]
        wanted = {key: spec for key, spec in program_specs(self.pairs, self.backend).items() if spec not in held}
        begin = time.perf_counter()
        with kept_programs(), self._pool() as pool:
            lanes = sorted({spec.lanes for spec in wanted.values()} - set(self.recorders))
            recorders = {width: pool.submit(compile_recorder, width) for width in lanes}
            # The longest first, so that no core waits for a last one.
            by_length = sorted(wanted, key=lambda key: -weight(wanted[key]))
            programs = {key: pool.submit(compile_program, wanted[key]) for key in by_length}
            self.recorders |= {width: job.result() for width, job in recorders.items()}
            self.programs |= {key: job.result() for key, job in programs.items()}
        self.compile_s += time.perf_counter() - begin
        hand_back_memory()

    def forget(self, dims: Collection[int]) -> None:
        """Lets go of the programs of some dimensions, which a large suite need not hold when it has run them.

        Args:
            dims: The dimensions.
        """
        self.programs = {key: program for key, program in self.programs.items() if key.dim not in dims}
        self.pairs = {pair: None for pair in self.pairs if pair.problem.dim not in dims}
        compile_program.cache_clear()
        # What JAX remembers of compiling them is as large as the programs.
        jax.clear_caches()
        hand_back_memory()

    def run(self, groups: Sequence[LandscapeGroup], *, ends: bool = False) -> Iterator[tuple[LandscapeGroup, Outcome]]:
        """Runs groups in order; their programs must have been prepared.

        Args:
            groups: What to run.
            ends: Whether the points that the runs have led to are handed back. Each block then takes a call more, and
                no bit of a row differs.

        Yields:
            Each group with its outcome: rows in the order of ``cell_ids``, seconds of threads and the number of blocks,
            and the last iterates and those of snapshots, if they were asked for.
        """
        waiting: deque[_Job] = deque()
        with self._pool() as pool:
            for group in groups:
                waiting.append(_Job(self, group, pool, ends))
                # Three groups in flight keep all threads at work across a group's end; more would
                # only hold more rows in memory.
                while len(waiting) > 2:
                    yield waiting.popleft().finish()
            while waiting:
                yield waiting.popleft().finish()

    @contextmanager
    def _pool(self) -> Iterator[ThreadPoolExecutor]:
        """Yields the threads; at the end nothing queued is begun, and blocks in flight stop at their next segment."""
        self.stop.clear()
        pool = ThreadPoolExecutor(self.threads)
        try:
            yield pool
        finally:
            self.stop.set()
            pool.shutdown(wait=True, cancel_futures=True)

    def task(
        self, problem: Problem, rule: Optimizer, *, units: str, budget: int, streams: Streams | None = None
    ) -> PreparedPair:
        """Returns what runs blocks of a pair that was prepared."""
        program = self.programs[program_key(Pair(problem, rule))]
        recorder = self.recorders[program.spec.lanes]
        return PreparedPair(program, recorder, problem, rule, units=units, budget=budget, streams=streams)

    def map(self, task: PreparedPair, z0: np.ndarray, hyper: np.ndarray, trips: int) -> list[Block]:
        """Runs any number of lanes at one configuration on all threads.

        Args:
            task: What to run.
            z0: Starts in the rule's units, (n, dim).
            hyper: The configuration, (1, h).
            trips: Gradient evaluations to make.

        Returns:
            The blocks in order; the last one's unused lanes repeat one of its starts.
        """
        lanes = task.program.spec.lanes
        parts = [z0[begin : begin + lanes] for begin in range(0, len(z0), lanes)]
        with self._pool() as pool:
            return list(pool.map(lambda part: task.run(part, hyper, trips, self.stop), parts))


class _Done(NamedTuple):
    """A block that has come to its end."""

    columns: Columns
    seconds: float = 0.0
    ends: Sequence[EndPoint] = ()


class _Job:
    """One group on its way through the threads."""

    def __init__(self, engine: Engine, group: LandscapeGroup, pool: ThreadPoolExecutor, ends: bool) -> None:
        """Draws the starts and hands the blocks to the pool."""
        self.group = group
        self.problem, rule = group.problem.build(), group.optimizer.build()
        self.message = engine.faults.get((self.problem, rule), "")
        self.blocks: list[tuple[np.ndarray, Future[_Done]]] = []
        # Cells are cut into blocks in the order of their ids, so that no list's order matters.
        ids = group.cell_ids()
        self.order = np.array(sorted(range(group.n_cells), key=ids.__getitem__))
        drawn = [self.problem.starts(group.seed, split, index) for split, index in group.starts]
        self.distance = np.array([distance for _, distance in drawn])
        per_config = len(drawn) * group.noise_seeds
        if self.message:
            return
        problem = self.problem
        streams = _streams(group, problem, engine)
        task = engine.task(problem, rule, units=group.units, budget=group.trips, streams=streams)
        units, x0 = units_of(problem, group.units), np.stack([x0 for x0, _ in drawn])
        starts = units.inward(x0)
        wells = WellColumn(problem, units, x0, snapshot_trips(group.snapshots, group.trip_cost, streams))
        snapshots = sorted({*wells.trips, group.trips}) if ends else wells.trips
        hyper = np.array([[config[name] for name in rule.hyper] for config in group.configs])
        target = target_order(problem)

        # It must not hold this job: the circle would keep the rows of a thousand groups until Python looks for circles.
        def work(cells: np.ndarray) -> _Done:
            begin_s = time.perf_counter()
            place = cells % per_config
            z0, values = starts[place // group.noise_seeds], hyper[cells // per_config]
            lanes = None
            if streams is not None:
                lanes = place % group.noise_seeds if shares_batches(problem) else place
            # One trip beyond the budget scores the last iterate; its update is discarded.
            block = task.run(z0, values, group.trips + 1, engine.stop, streams=lanes, snapshots=snapshots)
            columns = measured(
                block.records,
                len(cells),
                group.trips,
                rule,
                target,
                hvps=task.hvps(block),
                trip_cost=group.trip_cost,
                batch_size=problem.batch_size,
            )
            columns["message"] = explained(
                columns["message"],
                columns["diverged_at"],
                columns["f_last"] != columns["f_start"],
                problem,
                rule,
                x0[place // group.noise_seeds],
                values,
            )
            kept = dict(zip(snapshots, block.kept, strict=True))
            columns["wells"] = wells.column([kept[at] for at in wells.trips], block.records, place // group.noise_seeds)
            found = ends_of([ids[cell] for cell in cells], block.records, kept, units, group.trips) if ends else []
            return _Done(columns, time.perf_counter() - begin_s, found)

        self.work = work
        lanes = task.program.spec.lanes
        for begin in range(0, group.n_cells, lanes):
            cells = self.order[begin : begin + lanes]
            self.blocks.append((cells, pool.submit(work, cells)))

    def finish(self) -> tuple[LandscapeGroup, Outcome]:
        """Waits for the blocks and returns the group with its outcome."""
        done = [self._part(cells, block) for cells, block in self.blocks]
        parts = [part.columns for part in done]
        if not parts:
            parts = [self._failed(self.group.n_cells, Status.ERROR, self.message)]
        columns = {**planned(self.group, self.distance), **reordered(parts, self.order)}
        facts = {"thread_s": round(sum(part.seconds for part in done), 6), "blocks": len(self.blocks)}
        return self.group, Outcome(columns, facts, tuple(end for part in done for end in part.ends))

    def _part(self, cells: np.ndarray, block: Future[_Done]) -> _Done:
        """Returns the rows of one block; those of a block that failed say so, and the others go on."""
        try:
            return block.result()
        except Stopped:
            raise
        except Exception as error:  # whatever stopped a block becomes the message of its rows
            if not is_out_of_memory(error):
                return _Done(self._failed(len(cells), *failure(error)))
        try:
            # With nothing else of this group in flight a block may fit; its width never changes, bits would.
            return self.work(cells)
        except Stopped:
            raise
        except Exception as error:  # as above
            return _Done(self._failed(len(cells), *failure(error)))

    def _failed(self, n: int, status: Status, message: str) -> Columns:
        """Returns the measured columns of cells that could not be run."""
        wells = unknown(n, width(self.problem, self.group.snapshots))
        return {**failed(n, self.group.trips, status, message), "wells": wells}


def _streams(group: LandscapeGroup, problem: Problem, engine: Engine) -> Streams | None:
    """Returns the noise of a group: one stream for each start and noise seed, or for each noise seed alone."""
    if problem.noise is None:
        return None
    program = engine.programs[program_key(Pair(problem, group.optimizer.build()))]
    assert program.spec.room is not None
    seeds = range(group.noise_seeds)
    keys: list[tuple[Any, ...]] = [(seed,) for seed in seeds]
    if not shares_batches(problem):
        keys = [(split, index, seed) for split, index in group.starts for seed in seeds]
    when = schedule(group.trips)
    # The budget is among the steps of the tail.
    due = (*curve_steps(group.trips), *when.tail[when.tail <= group.trips].tolist())
    return Streams(problem, group.units, group.seed, tuple(keys), program.spec.room, due)
