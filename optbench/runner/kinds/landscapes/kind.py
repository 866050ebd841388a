"""A suite of functions: programs for all pairs, rows group by group, picture data of the two-dimensional ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from optbench import store
from optbench.core.objective import Params
from optbench.engine.landscapes import pictures
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.program import Program
from optbench.engine.landscapes.sharing import Pair, ProgramKey, fault, held_together, program_key, program_specs
from optbench.engine.outcomes import Columns, EndPoint, Outcome, Point
from optbench.measures.of_problem import subject_of
from optbench.measures.subject import Subject
from optbench.records.landscapes import IDENTITY, ROWS
from optbench.runner.kinds.again import Again, check_cells, differences, notes_of
from optbench.runner.kinds.compared import CONFIGURATION, Compared
from optbench.runner.kinds.entries import entry_of
from optbench.runner.kinds.kind import Cell, Kind, Part, Shard, Tell
from optbench.runner.kinds.landscapes.describing import describe
from optbench.runner.kinds.landscapes.pictures import pictured, shots
from optbench.runner.ledger import Ledger
from optbench.suite.landscapes.plan import LandscapeGroup, plan
from optbench.suite.landscapes.suite import LandscapeSuite
from optbench.suite.measure import MeasureSpec
from optbench.suite.selection import Selection
from optbench.suite.suite import Suite

#: What is compared of a row that is computed again elsewhere.
COMPARED = Compared(
    ("problem", *CONFIGURATION, "start", "noise_seed"),
    ("f_start",),
    ("curve_f", "curve_best"),
    "",
    ("f_last", "f_best"),
    ("problem", "optimizer", "config", "split"),
)


class Landscapes:
    """A planned suite of functions. It has one phase: tuning and reported starts of a group lie in one shard."""

    compared: Compared | None = COMPARED
    schema = IDENTITY
    judged = Point.LAST
    cell_columns = ("cell_id", "split", "status", "start", "noise_seed")
    repeat_columns = ("start", "noise_seed")

    def __init__(self, suite: Suite, selection: Selection) -> None:
        """Plans the suite."""
        assert isinstance(suite, LandscapeSuite)
        self.plan = plan(suite, **selection)
        self.groups = {store.shard_name(*group.labels): group for group in self.plan.groups}
        self._programs: dict[ProgramKey, dict[str, Any]] = {}
        self._is_large = False

    @cached_property
    def engine(self) -> Engine:
        """The programs and the threads that call them."""
        return Engine()

    @property
    def threads(self) -> int:
        """Calls in flight."""
        return self.engine.threads

    @property
    def compile_s(self) -> float:
        """Seconds of the clock that were spent on compiling so far."""
        return self.engine.compile_s

    def describe(self) -> str:
        """Returns the plan as text, with what it is estimated to cost."""
        return describe(self.plan)

    def check(self) -> None:
        """Functions need no data."""

    def manifest(self) -> dict[str, Any]:
        """Returns what the manifest says of a suite of functions."""
        spec = self.plan.spec
        problems = {group.problem_label: group.problem.build() for group in self.plan.groups}
        return {
            "units": spec.units,
            "budget": spec.budget,
            "snapshots": [cost for cost in spec.snapshots if cost <= spec.budget],
            "dtype": "float64",
            "problems": {label: problem.summary() for label, problem in problems.items()},
            "optimizers": {group.optimizer_label: self._entry(group) for group in self.plan.groups},
            "pictured": "default" if spec.tuning == "default" else "gentle",
            "contrasts": [entry.model_dump(mode="json") for entry in spec.contrasts],
            "shards": list(self.groups),
        }

    def _entry(self, group: LandscapeGroup) -> dict[str, Any]:
        spec = self.plan.spec
        ranges = spec.ranges_of(group.optimizer) if spec.tuning == "random" else {}
        return entry_of(group) | {"search": {name: asdict(search) for name, search in ranges.items()}}

    def parts(self) -> list[Part]:
        """Returns a part for each group."""
        return [_part(name, group) for name, group in self.groups.items()]

    def execute(self, missing: Collection[str], ledger: Ledger, tell: Tell, *, ends: bool) -> Generator[Shard]:
        """Runs groups; of a large suite, the programs of few dimensions are held at once."""
        groups = [self.groups[name] for name in missing]
        if not groups:
            return
        drawn = {group.dim for group in pictured(self.plan.groups)}
        sound = (pair for pair in self._with_neighbors(map(_pair, groups)) if fault(pair) is None)
        held = held_together(program_specs(sound, self.engine.backend)) or [[]]
        # Where nothing can be compiled there are rows all the same, which say why.
        held[-1] += {group.dim for group in groups}.difference(*held)
        self._is_large = len(held) > 1
        for dims in held:
            now = [group for group in groups if group.dim in dims]
            tell("compiling")
            self._prepare(map(_pair, now))
            for group, outcome in self.engine.run(now, ends=ends):
                yield Shard(_part(store.shard_name(*group.labels), group), outcome)
            if self._is_large:
                self.engine.forget(set(dims) - drawn)

    def n_params(self, shard: str) -> int:
        """Returns the dimension of a shard's problem."""
        return self.groups[shard].dim

    def blank(self, shard: str) -> tuple[Params, Any]:
        """Returns a point, and no statistics."""
        return np.zeros(self.groups[shard].dim), ()

    def subject(
        self,
        shard: str,
        cell: Cell,
        end: EndPoint,
        dtype: str,
        path: Sequence[EndPoint] = (),
        other: EndPoint | None = None,
    ) -> Subject:
        """Returns what is measured of a point; functions are computed in double precision whatever is asked for."""
        group = self.groups[shard]
        problem = group.problem.build()
        start, _ = problem.starts(group.seed, cell["split"], int(cell["start"]))
        return subject_of(
            problem,
            end.params,
            units=group.units,
            start=start,
            path=[(point.evals, point.params) for point in path],
            other=None if other is None else other.params,
        )

    def again(
        self, shard: str, cells: Sequence[Cell], ledger: Ledger, tell: Tell, specs: Sequence[MeasureSpec] = ()
    ) -> Again:
        """Runs the whole group of some cells again, as it was run: blocks of lanes are the same."""
        outcome = self._again(shard, cells, ledger.folder, tell, ends=True)
        losses = ("f_last", "curve_f")
        stored = store.read_shards(ledger.folder, [shard], ["cell_id", *losses], schema=ROWS)
        return Again(outcome.ends, notes=notes_of(differences(stored, outcome.columns, losses)))

    def expected_ids(self, shard: str, folder: Path) -> list[str]:
        """Returns the ids of a group's cells, which hang on nothing that was computed."""
        return self.groups[shard].cell_ids()

    def remake(self, shard: str, cells: Sequence[Cell], folder: Path, tell: Tell) -> Columns:
        """Computes the whole group again: where a lane lies changes no bit, but its block is filled as it was."""
        return self._again(shard, cells, folder, tell, ends=False).columns

    def _again(self, shard: str, cells: Sequence[Cell], folder: Path, tell: Tell, *, ends: bool) -> Outcome:
        group = self.groups[shard]
        check_cells(cells, set(group.cell_ids()), folder)
        tell("compiling")
        self._prepare([_pair(group)])
        tell(f"{' '.join(group.labels)}: again")
        ((_, outcome),) = self.engine.run([group], ends=ends)
        return outcome

    def finish(self, ledger: Ledger, tell: Tell) -> dict[str, Any]:
        """Stores what the plots of two-dimensional problems need."""
        tell("picture data")
        sound = [
            shot for shot in shots(self.plan.groups, ledger) if (shot.problem, shot.rule) not in self.engine.faults
        ]
        if sound:
            self._prepare(Pair(shot.problem, shot.rule) for shot in sound)
            for name, columns in pictures.draw(self.engine, sound).items():
                store.write_picture(ledger.folder, name, columns)
        if self._is_large:
            self.engine.forget({group.dim for group in self.plan.groups})
        said = [said for _, said in sorted(self._programs.items())]
        return {"programs": said} if said else {}

    def _prepare(self, pairs: Iterable[Pair]) -> None:
        """Compiles programs for some pairs."""
        self.engine.prepare(self._with_neighbors(pairs))
        # Some of them are let go of before the run is closed.
        self._programs |= {key: _said(program) for key, program in self.engine.programs.items()}

    def _with_neighbors(self, pairs: Iterable[Pair]) -> list[Pair]:
        """Returns all of the plan's pairs that belong to the programs of some, and those that no program can have.

        A run that was stopped goes on with the programs that it began with: they are in the cache, and a neighbor in a
        program may change the last bit of a value.
        """
        keys = {program_key(pair) for pair in pairs if fault(pair) is None}
        planned = dict.fromkeys(_pair(group) for group in self.plan.groups)
        return [pair for pair in planned if fault(pair) is not None or program_key(pair) in keys]


def _said(program: Program) -> dict[str, Any]:
    """Returns what the manifest says of a program."""
    return {
        "dim": program.spec.dim,
        "lanes": program.spec.lanes,
        "state_arrays": len(program.template.state),
        "problems": [p.name for p in program.spec.problems],
        "rules": [rule.name for rule in program.spec.rules],
        "compile_s": round(program.compile_s, 3),
    }


def _part(name: str, group: LandscapeGroup) -> Part:
    steps = group.n_cells * group.trips
    return Part(name, " ".join(group.labels), group.n_cells, steps, work=steps * (group.dim + 1))


def _pair(group: LandscapeGroup) -> Pair:
    return Pair(group.problem.build(), group.optimizer.build(), len(group.starts), group.noise_seeds)


KIND: Callable[[Suite, Selection], Kind] = Landscapes
