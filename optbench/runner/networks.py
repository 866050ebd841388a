"""Executes a suite of networks: tuning first, then what it chose and the default with other seeds."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from optbench import catalog, store
from optbench.analysis.networks.selection import choose
from optbench.console import Progress
from optbench.engine.fitting import Fitter
from optbench.engine.in_threads import InThreads
from optbench.engine.network_rows import Cells, failed_columns, lanes_of, network_columns
from optbench.environment import visible_cores
from optbench.errors import DataError, OptbenchError
from optbench.records import Split
from optbench.records.networks import IDENTITY, ROWS
from optbench.runner import books
from optbench.runner.books import Books, Report, opening
from optbench.suite.network_plan import NetworkGroup, NetworkPlan, plan_networks
from optbench.suite.networks import NetworkSuite, TaskSpec
from optbench.suite.parse import Suite
from optbench.tasks import data
from optbench.tasks.data.surveying import State, survey
from optbench.tasks.task import Task


def planned(spec: NetworkSuite, selection: Mapping[str, Any]) -> NetworkPlan:
    """Returns the plan of a suite, without tasks that are left out where their data are absent."""
    options = {key: value for key, value in selection.items() if key not in ("problems", "trials")}
    whole = plan_networks(spec, **options)
    left_out = absent(whole.spec)
    # A plan of nothing would say nothing; what is missing is then said as of a task that needs its data.
    kept = whole if len(left_out) == len(whole.spec.tasks) else whole.without(left_out)
    for name in dict.fromkeys(task.data for task in kept.spec.tasks):
        found = survey(name, sums=False)
        if found.is_bad or found.state is State.ABSENT:
            raise DataError(found.explanation())
    return kept


def absent(spec: NetworkSuite) -> dict[str, str]:
    """Returns why tasks are left out, by label: those that a suite has only where their data are."""
    found = {}
    for task in spec.tasks:
        if task.if_present and survey(task.data, sums=False).state is State.ABSENT:
            found[task.label] = f"no file of {task.data} is on this machine; optbench data fetch {task.data}"
    return found


def identity(planned: NetworkPlan) -> str:
    """Returns the name of a run of a plan."""
    content = {"suite": planned.spec.hash()}
    return books.identity(content, names(planned), seed=planned.spec.seed, quick=planned.quick, schema=IDENTITY)


def names(planned: NetworkPlan) -> list[str]:
    """Returns the names of a plan's rules and models."""
    return [entry.name for entry in planned.spec.optimizers] + [task.model for task in planned.spec.tasks]


class Execution:
    """One run on its way: what is planned, what is committed, what remains."""

    def __init__(
        self,
        folder: Path,
        read: Suite,
        planned: NetworkPlan,
        selection: dict[str, Any],
        command: list[str],
        report: Report,
    ) -> None:
        """Opens the books."""
        self.planned, self.report = planned, report
        self.books = Books(folder, _manifest(read, planned, selection, command))
        self.choices: dict[tuple[str, str], int] = {}
        self.compile_s = 0.0
        self.grads = 0
        self.begin_s = time.perf_counter()

    def finish(self) -> bool:
        """Runs what is not committed, then closes the books; returns whether there was anything to do."""
        if self.books.is_closed and not self._missing():
            self.books.shows_another_table()
            return False
        self.books.begin()
        task: tuple[TaskSpec, Task] | None = None
        for group in self.planned.groups:
            if not self._lacks(group):
                continue
            if task is None or task[0] != group.task:
                self._tell(f"{group.task.label}: reading")
                task = group.task, _task(group.suite, group.task)
            self._run(_Pair(group, task[1]))
        self.books.close(compile_s=self.compile_s, n_cells=self._n_cells())
        self._tell("done")
        return True

    def _missing(self) -> list[NetworkGroup]:
        return [group for group in self.planned.groups if self._lacks(group)]

    def _lacks(self, group: NetworkGroup) -> bool:
        return any(name not in self.books.done for name in _shards(group).values())

    def _run(self, pair: _Pair) -> None:
        """Tunes a pair and reports it; each part is committed as it ends."""
        names = _shards(pair.group)
        if Split.TUNE in names and names[Split.TUNE] not in self.books.done:
            self._commit(pair, Split.TUNE, pair.group.tuned)
        chosen = self._chosen(pair.group) if Split.TUNE in names else None
        cells = pair.group.reported(chosen)
        if names[Split.REPORT] not in self.books.done:
            self._commit(pair, Split.REPORT, cells)
        elif not self._holds(names[Split.REPORT], cells):
            task, optimizer = pair.group.labels
            raise DataError(
                f"{self.books.folder}: tuning, computed again, chose another configuration of {optimizer} on {task} "
                "than the one that is reported; compute the run again with --fresh"
            )

    def _holds(self, shard: str, cells: Cells) -> bool:
        """Returns whether a committed shard has the rows of some cells."""
        rows = store.read_shards(self.books.folder, [shard], schema=ROWS)
        return set(zip(rows["config"], rows["seed"], strict=True)) == set(cells)

    def _chosen(self, group: NetworkGroup) -> int:
        """Returns the configuration that tuning chose, from the rows of tuning alone."""
        if group.labels not in self.choices:
            rows = store.read_shards(self.books.folder, [_shards(group)[Split.TUNE]], schema=ROWS)
            self.choices[group.labels] = choose(rows)[group.labels]
        return self.choices[group.labels]

    def _cells(self, group: NetworkGroup) -> dict[Split, int]:
        """Returns how many cells each shard of a group has: at most, until it is known what tuning chose."""
        names = _shards(group)
        if Split.TUNE not in names:
            return {Split.REPORT: group.n_cells}
        tuned = len(group.tuned)
        is_known = names[Split.TUNE] in self.books.done
        reported = len(group.reported(self._chosen(group))) if is_known else group.n_cells - tuned
        return {Split.TUNE: tuned, Split.REPORT: reported}

    def _n_cells(self) -> int:
        return sum(sum(self._cells(group).values()) for group in self.planned.groups)

    def _commit(self, pair: _Pair, split: Split, cells: Cells) -> None:
        self._tell(f"{' '.join(pair.group.labels)}: {split}", pair)
        begin = time.perf_counter()
        columns = pair.columns(split, cells)
        compile_s = pair.compile_s
        self.compile_s += compile_s
        run_s = time.perf_counter() - begin - compile_s
        facts = {"run_s": round(run_s, 6), "thread_s": round(pair.thread_s or run_s, 6)}
        self.books.commit(_shards(pair.group)[split], columns, facts)
        self.grads += sum(columns["grad_evals"])
        if pair.facts:
            self.books.manifest["training"] = {**self.books.manifest["training"], pair.group.task.label: pair.facts}
        self.books.manifest["n_cells"] = self._n_cells()
        self.books.write()
        self._tell(f"{' '.join(pair.group.labels)}: {split}")

    def _tell(self, phase: str, pair: _Pair | None = None) -> None:
        total, done, trips_total, trips_done = 0, 0, 0, 0
        for group in self.planned.groups:
            cells = self._cells(group)
            finished = sum(cells[split] for split, name in _shards(group).items() if name in self.books.done)
            total += sum(cells.values())
            done += finished
            trips_done += finished * group.trips
            trips_total += sum(cells.values()) * group.trips
        elapsed = time.perf_counter() - self.begin_s
        rate = self.grads / elapsed
        eta_s = (trips_total - trips_done) / rate if rate else float("inf")
        shown = min(done, total - 1) if phase != "done" else total
        self.report(Progress(shown, total, rate, eta_s, self.compile_s, phase))


class _Pair:
    """A task and a rule; their programs are compiled when the first run needs them."""

    def __init__(self, group: NetworkGroup, task: Task) -> None:
        self.group, self.task = group, task
        self.told_s = 0.0
        #: Seconds of the last cells, added up over the threads that trained them; 0 where lanes ran side by side.
        self.thread_s = 0.0

    @cached_property
    def fitter(self) -> Fitter | Exception:
        """What trains the pair, or what kept it from being compiled."""
        suite = self.group.suite
        try:
            return Fitter(
                self.task,
                self.group.optimizer.build(),
                batch_size=suite.batch_of(self.group.task),
                dtype=suite.dtype,
            )
        except OptbenchError:
            raise
        except Exception as error:  # whatever a rule's program raises becomes the message of its rows
            return error

    @property
    def facts(self) -> dict[str, Any]:
        """How the pair is trained, for the manifest; empty where it could not be compiled."""
        if not isinstance(self.fitter, Fitter):
            return {}
        return {key: value for key, value in self.fitter.facts.items() if key != "compile_s"}

    @property
    def compile_s(self) -> float:
        """Seconds of compiling that were not told before."""
        spent = float(self.fitter.facts["compile_s"]) if isinstance(self.fitter, Fitter) else 0.0
        more, self.told_s = spent - self.told_s, spent
        return more

    def columns(self, split: Split, cells: Sequence[tuple[int, int]]) -> dict[str, Any]:
        """Trains some cells and returns their rows; tuning never sees the test examples."""
        if not isinstance(self.fitter, Fitter):
            self.thread_s = 0.0
            return failed_columns(self.group, split, cells, self.fitter)
        suite, task = self.group.suite, self.group.task
        fits = self.fitter.fit(
            lanes_of(self.group, split, cells),
            epochs=suite.epochs_of(task),
            stop_early=suite.stops_early(task),
            test=split is Split.REPORT,
        )
        self.thread_s = sum(fit.run_s for fit in fits) if self.facts["lanes"] == InThreads.name else 0.0
        return network_columns(self.group, split, cells, fits)


def _task(suite: NetworkSuite, task: TaskSpec) -> Task:
    return Task.of(
        data.load(task.data),
        catalog.model(task.model),
        split_seed=suite.split_seed,
        regularization=task.strengths(),
    )


def _shards(group: NetworkGroup) -> dict[Split, str]:
    """Returns the names of a group's shards: of tuning, where there is any, and of what is reported."""
    task, optimizer = group.labels
    splits = (Split.TUNE, Split.REPORT) if group.trials else (Split.REPORT,)
    return {split: store.shard_name(task, f"{optimizer}--{split}") for split in splits}


def _manifest(
    read: Suite,
    planned: NetworkPlan,
    selection: dict[str, Any],
    command: list[str],
) -> dict[str, Any]:
    spec = planned.spec
    return {
        **opening(
            read,
            spec,
            run_id=identity(planned),
            quick=planned.quick,
            selection=selection,
            command=command,
            threads=visible_cores(),
            names=names(planned),
            absent=planned.absent,
        ),
        "kind": "networks",
        "epochs": spec.epochs,
        "batch_size": spec.batch_size,
        "seeds": spec.seeds.model_dump(),
        "split_seed": spec.split_seed,
        "dtype": spec.dtype,
        "n_cells": planned.n_cells,
        "tasks": {task.label: _described(spec, task) for task in spec.tasks},
        "absent": dict(planned.absent),
        "optimizers": {group.labels[1]: _entry(group) for group in planned.groups},
        "shards": [name for group in planned.groups for name in _shards(group).values()],
        "training": {},
    }


def _described(spec: NetworkSuite, task: TaskSpec) -> dict[str, Any]:
    """Returns what the manifest says of a task."""
    found, parts, base = data.SETS[task.data], task.parts(), spec.plain(task)
    return {
        "data": task.data,
        "model": task.model,
        "shape": list(found.shape),
        "n_classes": found.n_classes,
        "n_train": parts.train,
        "n_validation": parts.validation,
        "n_test": parts.test,
        "n_params": task.n_params(),
        "batch_size": spec.batch_of(task),
        "epochs": spec.epochs_of(task),
        "early_stopping": spec.stops_early(task),
        "regularization": dict(task.regularization),
        "base": None if base is None else base.label,
    }


def _entry(group: NetworkGroup) -> dict[str, Any]:
    """Returns what the manifest says of an entry: what it is, and what its trials tried."""
    rule = group.optimizer.build()
    return {
        "name": group.optimizer.name,
        "swept": group.optimizer.swept,
        "has_rate": "lr" in rule.hyper,
        "ranked": rule.ranked,
        "evals_per_step": rule.evals_per_step,
        "defaults": rule.defaults(),
        "grid": [config[group.optimizer.swept] for config in group.configs[: group.trials]],
    }
