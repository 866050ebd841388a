"""A suite of networks: tuning first, then what it chose and the default with other seeds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jax

from optbench import store
from optbench.analysis.networks.selection import choose
from optbench.core.objective import Params
from optbench.engine.networks.along import preconditioner_of
from optbench.engine.networks.fitting import Fitter
from optbench.engine.networks.rows import Cells, seed_of, trained
from optbench.engine.outcomes import Columns, EndPoint, Outcome, Point
from optbench.environment import visible_cores
from optbench.errors import DataError, OptbenchError
from optbench.measures.of_task import subject_of
from optbench.measures.subject import Subject
from optbench.records import Split
from optbench.records.networks import IDENTITY, ROWS
from optbench.runner.kinds.again import Again, check_cells, differences, notes_of
from optbench.runner.kinds.compared import CONFIGURATION, SCORES, Compared
from optbench.runner.kinds.entries import entry_of
from optbench.runner.kinds.kind import Cell, Kind, Part, Shard, Tell, cells_of
from optbench.runner.kinds.networks.describing import describe
from optbench.runner.kinds.networks.replicates import Tasks
from optbench.runner.ledger import Ledger
from optbench.suite.measure import MeasureSpec
from optbench.suite.networks.arm import Arm
from optbench.suite.networks.plan import NetworkGroup, NetworkPlan, plan
from optbench.suite.networks.suite import NetworkSuite
from optbench.suite.networks.task import TaskSpec
from optbench.suite.selection import Selection
from optbench.suite.suite import Suite
from optbench.tasks import data
from optbench.tasks.data.registry import Origin
from optbench.tasks.data.surveying import Presence, survey
from optbench.tasks.task import Task

#: What trains a group, and its first phase where it has a warm start; or what kept one from being compiled.
Fitters = tuple[Fitter | Exception, Fitter | Exception | None]

#: What is compared of a row that is computed again elsewhere.
COMPARED = Compared(
    ("task", *CONFIGURATION, "seed"),
    (),
    ("curve_train_loss", "curve_validation_loss"),
    "curve_grads",
    SCORES,
    ("task", "optimizer", "config", "split"),
)


class Networks:
    """A planned suite of networks.

    A group has three phases: its tuning runs are a shard, from whose rows alone a configuration is chosen; the reported
    runs of that configuration and of the default are another shard.
    """

    compared: Compared | None = COMPARED
    schema = IDENTITY
    judged = Point.JUDGED
    cell_columns = ("cell_id", "split", "status", "config", "seed")
    repeat_columns = ("seed",)

    def __init__(self, suite: Suite, selection: Selection) -> None:
        """Plans the suite, without tasks that are left out where their data are absent."""
        assert isinstance(suite, NetworkSuite)
        self.whole = plan(suite, **selection)
        left_out = absent(self.whole.spec)
        # A plan of nothing would say nothing; what is missing is then said as of a task that needs its data.
        self.plan = self.whole if len(left_out) == len(self.whole.spec.tasks) else _without(self.whole, left_out)
        self.threads = visible_cores()
        self.compile_s = 0.0
        self.groups = {part.shard: group for group in self.plan.groups for part in _parts(group).values()}
        self._along = [spec for spec in self.plan.spec.measures if spec.along]
        self._tasks = Tasks()

    def describe(self) -> str:
        """Returns the plan as text, with what it is estimated to cost."""
        return describe(self.whole, absent(self.whole.spec))

    def check(self) -> None:
        """Refuses to begin where data are missing or are not what they should be."""
        for name in dict.fromkeys(task.data for task in self.plan.spec.tasks):
            found = survey(name, sums=False)
            if found.is_bad or found.state is Presence.ABSENT:
                raise DataError(found.explanation())

    def manifest(self) -> dict[str, Any]:
        """Returns what the manifest says of a suite of networks."""
        spec = self.plan.spec
        return {
            "kind": spec.KIND,
            "epochs": spec.epochs,
            "batch_size": spec.batch_size,
            "seeds": spec.seeds.model_dump(),
            "split_seed": spec.split_seed,
            "dtype": spec.dtype,
            "new_data": spec.new_data,
            "levels": list(spec.levels),
            "primary_level": spec.primary_level,
            "arms": [_arm(spec, arm) for arm in spec.arms],
            "tasks": {task.label: _described(spec, task) for task in spec.tasks},
            "absent": dict(self.plan.absent),
            "optimizers": {group.optimizer_label: self._entry(group) for group in self.plan.groups},
            "contrasts": [
                claim.model_dump(mode="json") | {"pairs": claim.pairs(spec.contents(spec.tasks))}
                for claim in spec.contrasts
            ],
            "shards": [part.shard for part in self.parts()],
            "training": {},
        }

    def _entry(self, group: NetworkGroup) -> dict[str, Any]:
        spec = self.plan.spec
        found = entry_of(group) | {"evals_per_step": group.optimizer.build().evals_per_step}
        if spec.tuning == "random":
            found["search"] = {name: asdict(search) for name, search in spec.ranges_of(group.optimizer).items()}
        return found

    def parts(self) -> list[Part]:
        """Returns a part for each phase of each group that has rows."""
        return [part for group in self.plan.groups for part in _parts(group).values()]

    def execute(self, missing: Collection[str], ledger: Ledger, tell: Tell, *, ends: bool) -> Generator[Shard]:
        """Tunes and reports group after group; groups of one task share its data."""
        for group in self.plan.groups:
            if any(part.shard in missing for part in _parts(group).values()):
                yield from self._phases(group, missing, ledger, tell)

    def _fitters(self, group: NetworkGroup, tell: Tell, along: Sequence[MeasureSpec]) -> Fitters:
        """Returns what trains a group, and what trains its first phase where it has a warm start."""
        task, warm = self._tasks.of(group, Split.REPORT, 0, tell), group.warm_start
        found = fitter_of(group, task, along)
        first = None if warm is None else fitter_of(replace(group, batch_size=warm.batch_size), task)
        self.compile_s += _compile_s(found) + _compile_s(first)
        return found, first

    def _phases(self, group: NetworkGroup, missing: Collection[str], ledger: Ledger, tell: Tell) -> Generator[Shard]:
        parts, chosen = _parts(group), None
        fitters = self._fitters(group, tell, self._along)
        if Split.TUNE in parts:
            if parts[Split.TUNE].shard in missing:
                yield self._shard(group, fitters, Split.TUNE, group.tuned, ledger, tell)
            chosen = choose(store.read_shards(ledger.folder, [parts[Split.TUNE].shard], schema=ROWS))[group.labels]
        cells, part = group.reported(chosen), parts[Split.REPORT]
        if part.shard in missing:
            yield self._shard(group, fitters, Split.REPORT, cells, ledger, tell)
        elif not _holds(ledger, part.shard, cells):
            raise DataError(
                f"{ledger.folder}: tuning, computed again, chose another configuration of {group.labels[1]} on "
                f"{group.labels[0]} than the one that is reported; compute the run again with --fresh"
            )

    def _shard(
        self,
        group: NetworkGroup,
        fitters: Fitters,
        split: Split,
        cells: Cells,
        ledger: Ledger,
        tell: Tell,
    ) -> Shard:
        """Trains some cells."""
        fitter, _ = fitters
        part = _parts(group)[split]
        outcome = self._trained(
            group, fitters, split, cells, tell, self.plan.spec.measures if split is Split.REPORT else (), part.title
        )
        entries = {}
        if not isinstance(fitter, Exception):
            training = {key: value for key, value in fitter.facts.items() if key != "compile_s"}
            entries = {"training": ledger.manifest["training"] | {group.task.label: training}}
        return Shard(part, outcome, entries)

    def _trained(
        self,
        group: NetworkGroup,
        fitters: Fitters,
        split: Split,
        cells: Cells,
        tell: Tell,
        specs: Sequence[MeasureSpec],
        title: str,
    ) -> Outcome:
        """Trains some cells on the data of their seeds, keeping what measures need."""
        fitter, first = fitters
        before_s = _compile_s(fitter) + _compile_s(first)
        tasks = self._tasks.own(group, split, [seed for _, seed in cells], tell)
        tell(title)
        outcome = trained(group, split, cells, fitter, first=first, tasks=tasks, **_kept(specs))
        self.compile_s += _compile_s(fitter) + _compile_s(first) - before_s
        return outcome

    def n_params(self, shard: str) -> int:
        """Returns the number of parameters of a shard's networks."""
        return self.groups[shard].task.n_params()

    def blank(self, shard: str) -> tuple[Params, Any]:
        """Returns a network and its statistics."""
        return self._tasks.of(self.groups[shard], Split.REPORT, 0, _silent).start(0)

    def subject(
        self,
        shard: str,
        cell: Cell,
        end: EndPoint,
        dtype: str,
        path: Sequence[EndPoint] = (),
        other: EndPoint | None = None,
    ) -> Subject:
        """Returns what is measured of a point."""
        group, split, index = self.groups[shard], Split(cell["split"]), int(cell["seed"])
        scale = None
        if end.state is not None:
            hyper = group.configs[int(cell["config"])]
            scale = preconditioner_of(group.optimizer.build(), end.state, hyper, end.params)
        return subject_of(
            self._tasks.of(group, split, index, _silent),
            end.params,
            end.stats,
            seed=seed_of(group.seed, split, index),
            preconditioner=scale,
            dtype=dtype,
            path=[(point.evals, point.params) for point in path],
            other=None if other is None else other.params,
        )

    def again(
        self, shard: str, cells: Sequence[Cell], ledger: Ledger, tell: Tell, specs: Sequence[MeasureSpec] = ()
    ) -> Again:
        """Trains some cells again from their seeds."""
        outcome = self._again(shard, cells, ledger.folder, tell, specs)
        losses = ("train_loss", "test_loss", "curve_train_loss")
        stored = store.read_shards(ledger.folder, [shard], ["cell_id", *losses], schema=ROWS)
        return Again(outcome.ends, outcome.along, notes_of(differences(stored, outcome.columns, losses)))

    def _again(
        self, shard: str, cells: Sequence[Cell], folder: Path, tell: Tell, specs: Sequence[MeasureSpec]
    ) -> Outcome:
        group, split = self.groups[shard], Split(cells[0]["split"])
        pairs = [(int(cell["config"]), int(cell["seed"])) for cell in cells]
        check_cells(cells, group.cell_ids(split, pairs), folder)
        fitters = self._fitters(group, tell, [spec for spec in specs if spec.along])
        title = f"{' '.join(group.labels)}: training again"
        return self._trained(group, fitters, split, pairs, tell, specs, title)

    def expected_ids(self, shard: str, folder: Path) -> list[str]:
        """Returns the ids of tuned cells; of reported ones those of the default and of what the stored tuning chose."""
        group = self.groups[shard]
        parts = _parts(group)
        if Split.TUNE in parts and parts[Split.TUNE].shard == shard:
            return group.cell_ids(Split.TUNE, group.tuned)
        chosen = None
        if Split.TUNE in parts:
            chosen = choose(store.read_shards(folder, [parts[Split.TUNE].shard], schema=ROWS))[group.labels]
        return group.cell_ids(Split.REPORT, group.reported(chosen))

    def remake(self, shard: str, cells: Sequence[Cell], folder: Path, tell: Tell) -> Columns:
        """Trains some cells again, on an accelerator all of their shard."""
        # On a CPU each run is a call of one program, whose bits do not depend on the other calls; side by side they
        # depend on how many there are.
        if jax.default_backend() != "cpu":
            rows = store.read_shards(folder, [shard], self.cell_columns, schema=ROWS)
            cells = cells_of({name: rows[name].tolist() for name in self.cell_columns}, self.cell_columns)
        return self._again(shard, cells, folder, tell, ()).columns

    def finish(self, ledger: Ledger, tell: Tell) -> dict[str, Any]:
        """Nothing is made of the rows."""
        return {}


def fitter_of(group: NetworkGroup, task: Task, along: Sequence[MeasureSpec] = ()) -> Fitter | Exception:
    """Returns what trains a group and measures it on its way, or what kept it from being compiled."""
    try:
        return Fitter(task, group.optimizer.build(), batch_size=group.batch_size, dtype=group.dtype, along=along)
    except OptbenchError:
        raise
    except Exception as error:  # whatever a rule's program raises becomes the message of its rows
        return error


def _kept(specs: Sequence[MeasureSpec]) -> dict[str, bool]:
    """Returns what runs have to keep for measures of their judged points."""
    return {"keep": any(spec.of_path for spec in specs), "keep_state": any(spec.of_state for spec in specs)}


def _silent(said: str) -> None:
    """Tells nobody."""


def _compile_s(fitter: Fitter | Exception | None) -> float:
    return float(fitter.facts["compile_s"]) if isinstance(fitter, Fitter) else 0.0


def _parts(group: NetworkGroup) -> dict[Split, Part]:
    """Returns the parts of a group: of tuning, where there is any, and of what is reported."""
    task, optimizer = group.labels
    cells = {Split.TUNE: len(group.tuned)} if group.trials else {}
    cells[Split.REPORT] = group.n_cells - sum(cells.values())
    return {
        split: Part(
            store.shard_name(task, f"{optimizer}--{split}"),
            f"{task} {optimizer}: {split}",
            n_cells,
            steps=n_cells * group.trips,
            work=n_cells * group.trips,
        )
        for split, n_cells in cells.items()
    }


def _holds(ledger: Ledger, shard: str, cells: Cells) -> bool:
    """Returns whether a committed shard has the rows of some cells."""
    rows = store.read_shards(ledger.folder, [shard], schema=ROWS)
    return set(zip(rows["config"], rows["seed"], strict=True)) == set(cells)


def absent(spec: NetworkSuite) -> dict[str, str]:
    """Returns why tasks are left out, by label: those that a suite has only where their data are."""
    found = {}
    for task in spec.tasks:
        if task.if_present and survey(task.data, sums=False).state is Presence.ABSENT:
            found[task.label] = f"no file of {task.data} is on this machine; optbench data fetch {task.data}"
    return found


def _without(whole: NetworkPlan, left_out: dict[str, str]) -> NetworkPlan:
    """Returns the plan without some tasks."""
    spec = whole.spec.model_copy(update={"tasks": tuple(t for t in whole.spec.tasks if t.label not in left_out)})
    groups = tuple(group for group in whole.groups if group.task.label not in left_out)
    return replace(whole, spec=spec, groups=groups, absent=left_out)


def _described(spec: NetworkSuite, task: TaskSpec) -> dict[str, Any]:
    """Returns what the manifest says of a task."""
    found, parts, base = data.SETS[task.data], task.parts(), spec.plain(task)
    batch_size, epochs, early_stopping = spec.resolved(task)
    return {
        "data": task.data,
        "model": task.model,
        "shape": list(found.shape),
        "n_classes": found.n_classes,
        "n_train": parts.train,
        "n_validation": parts.validation,
        "n_test": parts.test,
        "n_params": task.n_params(),
        "batch_size": batch_size,
        "epochs": epochs,
        "early_stopping": early_stopping,
        "regularization": dict(task.regularization),
        "loss": task.loss,
        "warm_start": None if task.warm_start is None else task.warm_start.model_dump(),
        # The test part of a set that is generated, or that has no official one, is drawn with the rest of the data.
        "shares_test": not spec.new_data or (found.origin is Origin.FILES and found.n_test > 0),
        "base": None if base is None else base.label,
    }


def _arm(spec: NetworkSuite, arm: Arm) -> dict[str, Any]:
    """Returns what the manifest says of an arm: in which setting its runs are reported, by ascending batch size."""
    setting = "default" if spec.tuning == "default" else "tuned"
    here = {task.label for task in spec.tasks}
    return {
        "name": arm.name,
        "title": arm.title or arm.name,
        "says": arm.says or "",
        "is_primary": arm.is_primary,
        "runs": [run._asdict() | {"setting": setting} for run in arm.runs if run.task in here],
    }


KIND: Callable[[Suite, Selection], Kind] = Networks
