"""Executes a suite of functions: programs, rows into the store, picture data."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from optbench import catalog, store
from optbench.analysis.evidence import arrange
from optbench.analysis.selection import select
from optbench.console import Progress
from optbench.engine import pictures
from optbench.engine.execute import Engine
from optbench.engine.shelves import Pair, fault, shelf_key
from optbench.records import Status
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
    return books.identity({"suite": spec.hash()}, names(planned), seed=spec.seed, quick=planned.quick)


def names(planned: Plan) -> list[str]:
    """Returns the names of a plan's rules and functions."""
    return [entry.name for entry in planned.spec.optimizers] + [entry.name for entry in planned.spec.problems]


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
        self.engine = Engine()
        self.books = Books(folder, _manifest(read, planned, selection, command, self.engine))
        self.done = self.books.done
        self.groups = {store.shard_name(g.problem_label, g.optimizer_label): g for g in planned.groups}

    def finish(self) -> bool:
        """Runs what is not committed, then draws and closes the books; returns whether there was anything to do."""
        if self.books.is_closed and not self._missing():
            self.books.shows_another_table()
            return False
        self.books.begin()
        missing = self._missing()
        if missing:
            self._tell("compiling")
            self._prepare(_pair(group) for group in missing)
            self._rows(missing)
        self._tell("picture data")
        begin, compile_s = time.perf_counter(), self.engine.compile_s
        self._pictures()
        pictures_s = time.perf_counter() - begin - (self.engine.compile_s - compile_s)
        programs = self._programs() or self.books.manifest["programs"]
        self.books.close(compile_s=self.engine.compile_s, pictures_s=pictures_s, programs=programs)
        self._tell("done")
        return True

    def _missing(self) -> list[Group]:
        return [group for name, group in self.groups.items() if name not in self.done]

    def _rows(self, missing: list[Group]) -> None:
        """Runs groups and commits each as it ends."""
        begin, steps = time.perf_counter(), 0
        last = begin
        work = [group.n_cells * group.trips * (group.dim + 1) for group in missing]
        ahead = sum(work)
        for weight, (group, columns, facts) in zip(work, self.engine.run(missing), strict=True):
            name = store.shard_name(group.problem_label, group.optimizer_label)
            # Groups overlap, so the clock's seconds are those since the shard before: they add up to the clock's.
            now = time.perf_counter()
            self.books.commit(name, columns, {"run_s": round(now - last, 6), **facts})
            last = now
            steps += group.n_cells * group.trips
            ahead -= weight
            elapsed = time.perf_counter() - begin
            self._tell(
                f"{group.problem_label} {group.optimizer_label}",
                rate=steps / elapsed,
                eta_s=elapsed * ahead / (sum(work) - ahead),
            )

    def _pictures(self) -> None:
        """Stores what the plots of two-dimensional problems need, each rule tuned, where it was."""
        flat = _pictured(self.planned.groups)
        if not flat:
            return
        rows = store.StoredRows(self.folder, self.books.manifest, {group.problem_label for group in flat})
        evidence = arrange(rows, self.books.manifest)
        chosen = select(evidence.tuning, evidence.facts)
        shots = []
        for group in flat:
            counts = self.done[store.shard_name(group.problem_label, group.optimizer_label)]["status_counts"]
            if any(counts.get(status, 0) for status in (Status.ERROR, Status.OOM, Status.TIMEOUT)):
                continue
            place = (group.problem_label, group.optimizer_label)
            choice = chosen.get(("tuned", place)) or chosen.get(("default", place))
            pair = _pair(group)
            if choice is None or (pair.problem, pair.rule) in self.engine.faults:
                continue
            hyper = dict(group.configs[choice.position])
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
        """Compiles programs for some pairs, each with all of the plan's pairs that belong to it.

        A run that was stopped goes on with the programs that it began with: they are in the cache, and a neighbor in a
        program may change the last bit of a value.
        """
        keys = {shelf_key(pair) for pair in pairs if fault(pair) is None}
        planned = dict.fromkeys(_pair(group) for group in self.planned.groups)
        self.engine.prepare(pair for pair in planned if fault(pair) is not None or shelf_key(pair) in keys)

    def _programs(self) -> list[dict[str, Any]]:
        return [
            {
                "dim": program.shelf.dim,
                "lanes": program.shelf.lanes,
                "state_arrays": len(program.template.state),
                "problems": [p.name for p in program.shelf.problems],
                "rules": [rule.name for rule in program.shelf.rules],
                "compile_s": round(program.compile_s, 3),
            }
            for _, program in sorted(self.engine.programs.items())
        ]

    def _tell(self, phase: str, *, rate: float = 0.0, eta_s: float = float("inf")) -> None:
        total = self.planned.n_cells
        done = sum(self.groups[name].n_cells for name in self.done if name in self.groups)
        # The last report is the one at which all is stored, not the one of the last shard.
        shown = min(done, total - 1) if phase != "done" else total
        self.report(Progress(shown, total, rate, eta_s, self.engine.compile_s, phase))


def _pair(group: Group) -> Pair:
    return Pair(group.problem.build(), group.optimizer.build(), len(group.starts), group.noise_seeds)


def _pictured(groups: Iterable[Group]) -> list[Group]:
    """Returns the groups that have pictures: the first dozen rules and 2-D functions in the catalogue's order."""
    flat = [group for group in groups if group.dim == 2 and group.problem.noise is None]
    rules = _first({g.optimizer_label: g.optimizer.name for g in flat}, [entry.name for entry in catalog.OPTIMIZERS])
    problems = _first({g.problem_label: g.problem.name for g in flat}, [entry.name for entry in catalog.PROBLEMS])
    return [group for group in flat if group.optimizer_label in rules and group.problem_label in problems]


def _first(names: Mapping[str, str], order: list[str]) -> set[str]:
    """Returns the labels of the first ``MOST_PICTURED`` names; what is not in ``order`` comes last."""
    place = {name: index for index, name in enumerate(order)}
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
