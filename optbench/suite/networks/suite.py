"""A suite of networks as data: which tasks are learned by which rules, how long, and with how many seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, Strict, model_validator

from optbench.core.keys import canonical
from optbench.errors import UsageError
from optbench.suite.model import MAX_INT, Flag, Model, Positive, Text, violations
from optbench.suite.networks.arm import Arm
from optbench.suite.networks.arms import chosen, faults, in_file, quick_arms, quick_faults, with_entries, written_beside
from optbench.suite.networks.contrast import Contrast
from optbench.suite.networks.deriving import derived
from optbench.suite.networks.ladder import BatchSizes, EpochsOfEach, Ladder
from optbench.suite.networks.task import Batch, Epochs, TaskSpec
from optbench.suite.optimizer import OptimizerSpec
from optbench.suite.suite import Quick, Suite
from optbench.tasks.data import registry
from optbench.tasks.data.registry import Origin

#: Kinds of table that a suite of networks may name as the one that answers its question.
Table = Literal["main", "gap", "effects", "ranking", "contrasts", "arms", "levels", "long", "sharpness"]


#: What ``NetworkSuite.resolved`` returns.
RESOLVED = ("batch_size", "epochs", "early_stopping")


class Seeds(Model):
    """How many seeds serve tuning and how many others are reported.

    Attributes:
        tune: Seeds on which a configuration is chosen, by validation data; 0 only where nothing is.
        report: Seeds, disjoint from those, on which everything is reported.
    """

    tune: Annotated[int, Strict(), Field(ge=0, le=1000)] = 2
    report: Annotated[int, Strict(), Field(ge=1, le=1000)] = 10


class NetworkQuick(Quick):
    """The quick size of a suite of networks.

    Attributes:
        epochs: Epochs of every task, or of every arm: one number, or one for each batch size.
        seeds: Numbers of tuning and reported seeds.
        levels: Training losses at which weights are kept.
        arms: Names or patterns of the arms that are kept; ``None`` for all.
        batch_size: Batch sizes of every arm.
        tasks: Names, labels or patterns of the tasks that are kept; ``None`` for all.
    """

    epochs: EpochsOfEach | None = None
    seeds: Seeds | None = None
    levels: tuple[Positive, ...] | None = None
    arms: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    batch_size: BatchSizes | None = None
    tasks: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None


class NetworkSuite(Suite):
    """A whole suite of networks: tasks x optimizers x configurations x seeds.

    Attributes:
        epochs: Budget of a run: as many gradients of single examples as this many epochs have. A rule of two
            gradients a step makes half the steps.
        batch_size: Examples of a batch.
        early_stopping: Whether weights are judged at the point at which validation was best, not at the last.
        split_seed: Seed of the split into parts, where a set has no official test part, and of validation.
        seeds: Numbers of tuning and reported seeds.
        dtype: Precision of forward and backward passes; weights and state are in single precision.
        new_data: Whether each seed has data of its own: a set that is generated is generated anew, any other is split
            anew. The official test part of a set stays.
        levels: Training losses at which weights are kept, see ``engine.networks.levels``; descending.
        primary_level: The level at which the primary arm is judged.
        ladder: What all arms share.
        arms: Ways of training at several batch sizes. A suite has these in place of ``optimizers`` and ``tasks``, which
            are derived from them; only the pairs that an arm names are run, each once.
        optimizers: The entries that are compared.
        tasks: What the entries are compared on.
        quick: What ``--quick`` changes.
    """

    KIND: ClassVar = "networks"
    OF: ClassVar = "networks"
    SUBJECT: ClassVar = TaskSpec
    REPEATS: ClassVar = "seeds"
    OWN_RANGES: ClassVar = False
    ALONG: ClassVar = True

    epochs: Epochs = 30
    batch_size: Batch = 32
    early_stopping: Flag = True
    split_seed: Annotated[int, Strict(), Field(ge=0, le=MAX_INT)] = 0
    seeds: Seeds = Field(default_factory=Seeds)
    dtype: Literal["float32", "bfloat16"] = "float32"
    new_data: Flag = False
    levels: tuple[Positive, ...] = ()
    primary_level: Positive | None = None
    ladder: Ladder | None = None
    arms: tuple[Arm, ...] = ()
    # What arms derive stands here after them: there may be nothing where they are wrong.
    optimizers: Annotated[tuple[OptimizerSpec, ...], Field(min_length=1)] = ()
    tasks: Annotated[tuple[TaskSpec, ...], Field(min_length=1)] = ()
    quick: NetworkQuick | None = None
    contrasts: tuple[Contrast, ...] = ()
    table: Table | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_entries(cls, given: Any) -> Any:
        """Derives optimizers and tasks of arms that have none yet."""
        if not isinstance(given, dict) or not given.get("arms"):
            return given
        if wrong := written_beside(given):
            raise violations(wrong)
        return with_entries(given)

    def faults(self) -> list[tuple[str, str]]:
        """Returns what is wrong with the suite as a whole: (key, message) pairs."""
        wrong = faults(self.ladder, self.arms, self.tuning, self.levels, self.primary_level)
        if self.quick is not None:
            wrong += quick_faults(self.ladder, self.arms, self.tuning, self.quick, wrong)
        if wrong:
            return wrong + self._level_faults()
        if not self.optimizers:
            return [("optimizers", "is required"), *self._level_faults()]
        return in_file(self._entry_faults(), self.arms, [entry.label for entry in self.optimizers])

    def unused(self) -> Iterator[str]:
        """Yields what a suite's file says in vain."""
        yield from super().unused()
        if self.tuning == "default":
            places = [("ladder", self.ladder), *((f"arms[{index}]", arm) for index, arm in enumerate(self.arms))]
            swept = (place for place, given in places if given is not None and given.sweep)
            yield from (f"{place}.sweep: is for suites that tune; this one's tuning is 'default'" for place in swept)

    def _entry_faults(self) -> list[tuple[str, str]]:
        """Returns what is wrong with optimizers and tasks, whoever gave them, and with what is said of them."""
        wrong = super().faults()
        for message in (*self._twins(), *(said for task in self.tasks for said in self._batch_faults(task))):
            wrong.append(("tasks", message))
        return [*wrong, *self._leaks(), *self._rule_faults(), *self._level_faults()]

    def _leaks(self) -> Iterator[tuple[str, str]]:
        """Yields where tuning would see test examples: those of one split of a file are trained on in another."""
        if self.tuning == "default" or not self.new_data:
            return
        for name in sorted({task.data for task in self.tasks}):
            found = registry.find(name)
            if found.origin is not Origin.GENERATED and not found.n_test:
                yield (
                    "new_data",
                    f"each seed would split {name} anew, and settings be chosen on examples that other seeds test on; "
                    "tuning needs data that are generated, such as mnist1d, or have a test part of their own",
                )

    def identity(self) -> dict[str, Any]:
        """Returns what is run, ready for JSON; of newer keys those that differ from their defaults."""
        data = super().identity()
        for key in ("new_data", "levels", "primary_level"):
            if getattr(self, key) == type(self).model_fields[key].default:
                del data[key]
        # What arms say is in their entries; which of these are run together is not.
        del data["ladder"], data["arms"]
        if self.arms:
            found = ({"name": arm.name, "is_primary": arm.is_primary, "runs": arm.runs} for arm in self.arms)
            data["arms"] = sorted(found, key=canonical)
        return data

    def pairs(self) -> list[tuple[TaskSpec, OptimizerSpec]]:
        """Returns what is run: every entry on every task, or what arms name, each pair once."""
        if not self.arms:
            return [(task, entry) for task in self.tasks for entry in self.optimizers]
        tasks, entries = {task.label: task for task in self.tasks}, {entry.label: entry for entry in self.optimizers}
        runs = dict.fromkeys((run.task, run.optimizer) for arm in self.arms for run in arm.runs)
        # Tasks whose data are not here may have been left out.
        return [(tasks[task], entries[label]) for task, label in runs if task in tasks]

    @property
    def is_open(self) -> bool:
        """Whether other entries may join; those of arms are what their arms say."""
        return not self.arms

    def selected(self, changes: Mapping[str, Any]) -> Self:
        """Returns the suite with what was selected: of one with arms, the runs of arms that are left."""
        if not self.arms:
            if "arms" in changes:
                raise UsageError("--arms is for suites with arms; --tasks and --optimizers select", where=self.name)
            return super().selected(changes)
        labels = {key: {entry.label for entry in changes[key]} for key in self.entries()}
        left = chosen(self.arms, changes.get("arms"), labels)
        named = {"optimizers": {run.optimizer for arm in left for run in arm.runs}}
        named["tasks"] = {run.task for arm in left for run in arm.runs}
        kept = {key: tuple(x for x in changes[key] if x.label in names) for key, names in named.items()}
        return super().selected({**changes, **kept, "arms": left})

    def lessened(self) -> dict[str, Any]:
        """Returns what the quick size changes; of a suite with arms, of each arm."""
        quick = self.quick
        changes = super().lessened()
        if quick is None:
            return changes
        if quick.levels is not None and self.primary_level not in (None, *quick.levels):
            changes["primary_level"] = min(quick.levels, default=None)
        if not self.arms:
            return changes | ({"epochs": quick.epochs[0]} if quick.epochs else {})
        ladder, arms = quick_arms(self.ladder, self.arms, quick)
        found = derived(ladder, arms, tuning=self.tuning)
        own = {"ladder": ladder, "arms": found.arms, "optimizers": found.optimizers, "tasks": found.tasks}
        return {key: value for key, value in changes.items() if key not in ("batch_size", "epochs")} | own

    def resolved(self, task: TaskSpec) -> tuple[int, int, bool]:
        """Returns batch size, epochs and early stopping of a task: its own, or else the suite's."""
        own = ((task.batch_size, self.batch_size), (task.epochs, self.epochs))
        batch_size, epochs = (whole if value is None else value for value, whole in own)
        return batch_size, epochs, self.early_stopping if task.early_stopping is None else task.early_stopping

    def plain(self, task: TaskSpec) -> TaskSpec | None:
        """Returns the task of the suite that differs in that nothing is done against overfitting, if there is one."""
        bare = task.model_copy(update={"regularization": {}, "early_stopping": None})
        wanted = self._content(bare)
        if self._content(task) == wanted:
            return None
        return next((other for other in self.tasks if self._content(other) == wanted), None)

    def faults_of(self, claim: Contrast) -> list[tuple[str, str]]:
        """Returns what is wrong with a claim about the suite: (key, message) pairs."""
        wrong = claim.faults([entry.label for entry in self.optimizers], self.contents(self.tasks))
        if self.tuning == "default":
            untuned = f"a suite that tunes nothing has no setting {'tuned'!r}"
            sides = (("left", claim.left), ("right", claim.right))
            wrong += [(f"{end}.setting", untuned) for end, side in sides if side.setting == "tuned"]
        return wrong

    def can_judge(self, claim: Contrast, changes: Mapping[str, Any]) -> bool:
        """Returns whether nothing that a claim needs is left out of the entries in ``changes``."""
        labels = {entry.label for entry in changes["optimizers"]}
        whole = claim.pairs(self.contents(self.tasks))
        kept = {task.label for task in changes["tasks"]}
        return {claim.left.optimizer, claim.right.optimizer} <= labels and {x for pair in whole for x in pair} <= kept

    def contents(self, tasks: Sequence[TaskSpec]) -> dict[str, dict[str, object]]:
        """Returns all that decides what is trained for each task, by label, defaults filled in."""
        keys = ("data", "model", "regularization", "loss", "n_train", "n_test", "warm_start", *RESOLVED)
        return {task.label: dict(zip(keys, self._content(task), strict=True)) for task in tasks}

    def _content(self, task: TaskSpec) -> tuple[object, ...]:
        """Returns all that decides what is trained for a task, defaults filled in."""
        sizes = task.parts()
        own = (task.data, task.model, task.strengths(), task.loss, sizes.train, sizes.test, task.warm_start)
        return (*own, *self.resolved(task))

    def _twins(self) -> list[str]:
        """Returns which tasks are the same though they are written in two ways."""
        first: dict[tuple[object, ...], str] = {}
        wrong = []
        for task in self.tasks:
            other = first.setdefault(self._content(task), task.label)
            if other != task.label:
                wrong.append(f"{task.label!r} is the same task as {other!r}: what it sets is the default")
        return wrong

    def _batch_faults(self, task: TaskSpec) -> list[str]:
        """Returns why a task cannot have batches of its size."""
        return [f"{task.label}: {message}" for _, message in task.batch_faults(self.resolved(task)[0])]

    def _level_faults(self) -> list[tuple[str, str]]:
        """Returns what is wrong with the losses at which weights are kept."""
        levels, primary, wrong = self.levels, self.primary_level, []
        for key, given in (("levels", levels), ("quick.levels", (self.quick and self.quick.levels) or ())):
            if list(given) != sorted(set(given), reverse=True):
                got = ", ".join(map("{:g}".format, given))
                wrong.append((key, f"must descend, as a training loss does; got {got}"))
        if primary is not None and primary not in levels:
            known = ", ".join(map("{:g}".format, levels)) or "none"
            wrong.append(("primary_level", f"must be one of levels, {known}; got {primary:g}"))
        return wrong

    def _rule_faults(self) -> list[tuple[str, str]]:
        """Returns which rules do not suit networks: their own weight decay would act on biases as well."""
        wrong = []
        for index, entry in enumerate(self.optimizers):
            rule = entry.build()
            given = {"swept": entry.swept, **rule.resolve(entry.hyper)}
            drawn = self.tuning == "random" and "weight_decay" in self.ranges_of(entry)
            if given.get("weight_decay") or entry.swept == "weight_decay" or drawn:
                message = (
                    f"{entry.label}: weight decay is a task's, regularization = {{ decay = ... }}, which leaves biases "
                    "and normalization alone; hold weight_decay at 0"
                )
                wrong.append((f"optimizers[{index}]", message))
        return wrong
