"""Executes a suite of functions: programs, rows into the store, picture data."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from optbench import catalog, store
from optbench.analysis.landscapes.evidence import arrange
from optbench.analysis.landscapes.selection import gentle
from optbench.console import Progress
from optbench.engine import pictures
from optbench.engine.execute import Engine
from optbench.engine.program import Program
from optbench.engine.shelves import Pair, ShelfKey, fault, held_together, shelf_key, shelves
from optbench.records import Status
from optbench.records.landscapes import IDENTITY
from optbench.runner import books
from optbench.runner.books import Books, Report, opening
from optbench.suite.parse import Suite
from optbench.suite.plan import Group, Plan, plan
from optbench.suite.spec import SuiteSpec

#: Rules, and functions, of a suite that have trajectories and basins drawn: more cannot be told apart in a picture.
MOST_PICTURED = 12


def planned(spec: SuiteSpec, selection: Mapping[str, Any]) -> Plan:
    """Returns the plan of a suite."""
    return plan(spec, **selection)


def identity(planned: Plan) -> str:
    """Returns the name of a run of a plan."""
    spec = planned.spec
    return books.identity({"suite": spec.hash()}, names(planned), seed=spec.seed, quick=planned.quick, schema=IDENTITY)


def names(planned: Plan) -> list[str]:
    """Returns the names of a plan's rules and functions."""
    return [entry.name for entry in planned.spec.optimizers] + [entry.name for entry in planned.spec.problems]


@dataclass
class Pace:
    """How fast a run goes, compilation left out.

    Attributes:
        ahead: Work that is left; see ``_work``.
        done: Work that was done.
        steps: Steps of single runs that were made.
        seconds: What they took.
    """

    ahead: int
    done: int = 0
    steps: int = 0
    seconds: float = 0.0

    def note(self, group: Group, seconds: float) -> None:
        """Adds a group that was run."""
        self.ahead -= _work(group)
        self.done += _work(group)
        self.steps += group.n_cells * group.trips
        self.seconds += seconds

    @property
    def rate(self) -> float:
        """Steps a second."""
        return self.steps / self.seconds

    @property
    def eta_s(self) -> float:
        """Seconds that the rest will take."""
        return self.seconds * self.ahead / self.done


class Execution:
    """One run on its way: what is planned, what is committed, what remains."""

    def __init__(
        self,
        folder: Path,
        read: Suite,
        planned: Plan,
        selection: dict[str, Any],
        command: list[str],
        report: Report,
    ) -> None:
        """Finds out what is committed and writes the manifest of a run that has begun."""
        self.folder, self.planned, self.report = folder, planned, report
        self.engine, self.programs = Engine(), dict[ShelfKey, dict[str, Any]]()
        self.books = Books(folder, _manifest(read, planned, selection, command, self.engine))
        self.done, self.is_large = self.books.done, False
        self.groups = {store.shard_name(g.problem_label, g.optimizer_label): g for g in planned.groups}

    def finish(self) -> bool:
        """Runs what is not committed, then draws and closes the books; returns whether there was anything to do."""
        if self.books.is_closed and not self._missing():
            self.books.shows_another_table()
            return False
        self.books.begin()
        missing = self._missing()
        if missing:
            self.compute(missing)
        self._tell("picture data")
        begin, compile_s = time.perf_counter(), self.engine.compile_s
        self._pictures()
        pictures_s = time.perf_counter() - begin - (self.engine.compile_s - compile_s)
        if self.is_large:
            self.engine.forget({group.dim for group in self.planned.groups})
        programs = [said for _, said in sorted(self.programs.items())] or self.books.manifest["programs"]
        self.books.close(compile_s=self.engine.compile_s, pictures_s=pictures_s, programs=programs)
        self._tell("done")
        return True

    def _missing(self) -> list[Group]:
        return [group for name, group in self.groups.items() if name not in self.done]

    def compute(self, missing: list[Group]) -> None:
        """Runs groups and commits their rows; of a large suite, the programs of few dimensions are held at once.

        Args:
            missing: Groups of the plan, in its order.
        """
        pace = Pace(ahead=sum(map(_work, missing)))
        drawn = {group.dim for group in pictured(self.planned.groups)}
        sound = (pair for pair in self._with_neighbors(map(_pair, missing)) if fault(pair) is None)
        parts = held_together(shelves(sound, self.engine.backend)) or [[]]
        # Where nothing can be compiled there are rows all the same, which say why.
        parts[-1] += {group.dim for group in missing}.difference(*parts)
        self.is_large = len(parts) > 1
        for dims in parts:
            part = [group for group in missing if group.dim in dims]
            self._tell("compiling")
            self._prepare(map(_pair, part))
            self._rows(part, pace)
            if self.is_large:
                self.engine.forget(set(dims) - drawn)

    def _rows(self, missing: list[Group], pace: Pace) -> None:
        """Runs groups whose programs are there, and commits each as it ends."""
        last = time.perf_counter()
        for group, columns, facts in self.engine.run(missing):
            name = store.shard_name(group.problem_label, group.optimizer_label)
            # Groups overlap, so the clock's seconds are those since the shard before: they add up to the clock's.
            now = time.perf_counter()
            self.books.commit(name, columns, {"run_s": round(now - last, 6), **facts})
            pace.note(group, now - last)
            last = now
            self._tell(f"{group.problem_label} {group.optimizer_label}", rate=pace.rate, eta_s=pace.eta_s)

    def _pictures(self) -> None:
        """Stores what the plots of two-dimensional problems need, each rule at a gentle configuration."""
        flat = pictured(self.planned.groups)
        if not flat:
            return
        rows = store.StoredRows(self.folder, self.books.manifest, {group.problem_label for group in flat})
        evidence = arrange(rows, self.books.manifest)
        shots = []
        for group in flat:
            counts = self.done[store.shard_name(group.problem_label, group.optimizer_label)]["status_counts"]
            if any(counts.get(status, 0) for status in (Status.ERROR, Status.OOM, Status.TIMEOUT)):
                continue
            place = (group.problem_label, group.optimizer_label)
            position = gentle(evidence.tuning[place]) if place in evidence.tuning else None
            pair = _pair(group)
            if position is None or (pair.problem, pair.rule) in self.engine.faults:
                continue
            hyper = dict(group.configs[position])
            shots.append(
                pictures.Shot(
                    problem=pair.problem,
                    rule=pair.rule,
                    optimizer=group.optimizer_label,
                    hyper={name: hyper[name] for name in pair.rule.hyper},
                    swept_value=hyper[group.swept],
                    units=group.units,
                    budget=group.budget,
                    seed=group.seed,
                )
            )
        self._prepare(Pair(shot.problem, shot.rule) for shot in shots)
        for name, columns in pictures.draw(self.engine, shots).items():
            store.write_picture(self.folder, name, columns)

    def _prepare(self, pairs: Iterable[Pair]) -> None:
        """Compiles programs for some pairs."""
        self.engine.prepare(self._with_neighbors(pairs))
        # Some of them are let go of before the books are closed.
        self.programs |= {key: _said(program) for key, program in self.engine.programs.items()}

    def _with_neighbors(self, pairs: Iterable[Pair]) -> list[Pair]:
        """Returns all of the plan's pairs that belong to the programs of some, and those that no program can have.

        A run that was stopped goes on with the programs that it began with: they are in the cache, and a neighbor in a
        program may change the last bit of a value.
        """
        keys = {shelf_key(pair) for pair in pairs if fault(pair) is None}
        planned = dict.fromkeys(_pair(group) for group in self.planned.groups)
        return [pair for pair in planned if fault(pair) is not None or shelf_key(pair) in keys]

    def _tell(self, phase: str, *, rate: float = 0.0, eta_s: float = float("inf")) -> None:
        total = self.planned.n_cells
        done = sum(self.groups[name].n_cells for name in self.done if name in self.groups)
        # The last report is the one at which all is stored, not the one of the last shard.
        shown = min(done, total - 1) if phase != "done" else total
        self.report(Progress(shown, total, rate, eta_s, self.engine.compile_s, phase))


def _said(program: Program) -> dict[str, Any]:
    """Returns what the manifest says of a program."""
    return {
        "dim": program.shelf.dim,
        "lanes": program.shelf.lanes,
        "state_arrays": len(program.template.state),
        "problems": [p.name for p in program.shelf.problems],
        "rules": [rule.name for rule in program.shelf.rules],
        "compile_s": round(program.compile_s, 3),
    }


def _work(group: Group) -> int:
    """Returns how long a group takes, in coordinates."""
    return group.n_cells * group.trips * (group.dim + 1)


def _pair(group: Group) -> Pair:
    return Pair(group.problem.build(), group.optimizer.build(), len(group.starts), group.noise_seeds)


def pictured(groups: Iterable[Group]) -> list[Group]:
    """Returns the groups that have pictures: the first dozen rules and 2-D functions, a user's own before others."""
    flat = [group for group in groups if group.dim == 2 and group.problem.noise is None]
    rules = _first({g.optimizer_label: g.optimizer.name for g in flat}, [entry.name for entry in catalog.OPTIMIZERS])
    problems = _first({g.problem_label: g.problem.name for g in flat}, [entry.name for entry in catalog.PROBLEMS])
    return [group for group in flat if group.optimizer_label in rules and group.problem_label in problems]


def _first(names: Mapping[str, str], order: list[str]) -> set[str]:
    """Returns the labels of the first ``MOST_PICTURED`` names: a user's own, then those in ``order``, then others."""
    place = {name: index for index, name in enumerate(order)}
    place |= dict.fromkeys((name for name in names.values() if catalog.is_own(name)), -1)
    labels = sorted(names, key=lambda label: (place.get(names[label], len(order)), label))
    return set(labels[:MOST_PICTURED])


def _manifest(
    read: Suite, planned: Plan, selection: dict[str, Any], command: list[str], engine: Engine
) -> dict[str, Any]:
    spec = planned.spec
    problems = {group.problem_label: group.problem.build() for group in planned.groups}
    return {
        **opening(
            read,
            spec,
            run_id=identity(planned),
            quick=planned.quick,
            selection=selection,
            command=command,
            threads=engine.threads,
            names=names(planned),
        ),
        "units": spec.units,
        "budget": spec.budget,
        "snapshots": [cost for cost in spec.snapshots if cost <= spec.budget],
        "dtype": "float64",
        "n_cells": planned.n_cells,
        "problems": {label: problem.summary() for label, problem in problems.items()},
        "optimizers": {group.optimizer_label: _entry(spec, group) for group in planned.groups},
        "pictured": "default" if spec.tuning == "default" else "gentle",
        "contrasts": [entry.model_dump(mode="json") for entry in spec.contrasts],
        "shards": [store.shard_name(g.problem_label, g.optimizer_label) for g in planned.groups],
    }


def _entry(spec: SuiteSpec, group: Group) -> dict[str, Any]:
    """Returns what the manifest says of an entry: what it is, and what its trials tried."""
    rule = group.optimizer.build()
    ranges = spec.ranges_of(group.optimizer) if spec.tuning == "random" else {}
    return {
        "name": group.optimizer.name,
        "swept": group.swept,
        "has_rate": "lr" in rule.hyper,
        "ranked": rule.ranked,
        "defaults": rule.defaults(),
        "grid": [config[group.swept] for config in group.configs[: group.trials]],
        "search": {name: asdict(search) for name, search in ranges.items()},
    }
