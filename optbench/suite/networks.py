"""A suite of networks as data: which tasks are learned by which rules, how long, and with how many seeds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Annotated, Literal, Self

from pydantic import Field, Strict, model_validator

from optbench import catalog
from optbench.core.keys import canonical, digest
from optbench.errors import UsageError, unknown_name
from optbench.suite.faults import grid_faults, repeated
from optbench.suite.model import MAX_INT, Flag, Grid, Model, NetworkTable, Real, Text, violations
from optbench.suite.spec import OptimizerSpec, matches
from optbench.tasks.data import registry
from optbench.tasks.data.splitting import Sizes, sizes
from optbench.tasks.models.dense import Dropout
from optbench.tasks.models.model import Model as Network
from optbench.tasks.models.normalization import BatchNorm
from optbench.tasks.models.variants import batch_normalized
from optbench.tasks.regularization import Regularization
from optbench.tasks.regularizers.augmentation import ALLOWED

#: Names of the strengths, in their order.
STRENGTHS = tuple(field.name for field in fields(Regularization))

Batch = Annotated[int, Strict(), Field(ge=1, le=MAX_INT)]
Passes = Annotated[int, Strict(), Field(ge=1, le=100_000)]


class Seeds(Model):
    """How many seeds serve tuning and how many others are reported.

    Attributes:
        tune: Seeds on which a configuration is chosen, by validation data; 0 only where nothing is.
        report: Seeds, disjoint from those, on which everything is reported.
    """

    tune: Annotated[int, Strict(), Field(ge=0, le=1000)] = 2
    report: Annotated[int, Strict(), Field(ge=1, le=1000)] = 10


class TaskSpec(Model):
    """One entry: a data set, a model, and what is done against overfitting.

    Attributes:
        data: Name of the data set.
        model: Name of the model.
        regularization: Strengths by name, those of ``tasks.regularization.Regularization``.
        early_stopping: Whether the weights are judged at which validation was best, not the last; the suite's if
            ``None``.
        batch_size: Examples of a batch; the suite's if ``None``.
        epochs: Passes over the training part; the suite's if ``None``.
        if_present: Whether the task is left out, and named, where its data are not on this machine.
    """

    data: Text
    model: Text
    regularization: Mapping[str, Flag | Real] = Field(default_factory=dict)
    early_stopping: Flag | None = None
    batch_size: Batch | None = None
    epochs: Passes | None = None
    if_present: Flag = False

    @model_validator(mode="after")
    def _known(self) -> Self:
        wrong = list(self._faults())
        if wrong:
            raise violations(wrong)
        return self

    def _faults(self) -> list[tuple[str, str]]:
        wrong = []
        try:
            found = registry.find(self.data)
        except UsageError as error:
            wrong += [("data", problem) for problem in error.problems]
        try:
            model = catalog.model(self.model)
        except UsageError as error:
            wrong += [("model", problem) for problem in error.problems]
        try:
            strengths = self.strengths()
        except UsageError as error:
            wrong += [("regularization", problem) for problem in error.problems]
        if wrong:
            return wrong
        try:
            plain = model.layers(found.shape, found.n_classes)
        except UsageError as error:
            return [("model", f"{problem}; so are those of {self.data}") for problem in error.problems]
        if strengths.batch_norm and any(isinstance(layer, BatchNorm) for layer in plain):
            return [("regularization.batch_norm", f"{self.model} has batch normalization already")]
        layers = self.network().layers(found.shape, found.n_classes)
        if strengths.batch_norm and len(layers) == len(plain):
            wrong.append(("regularization.batch_norm", f"{self.model} has no place for it"))
        if model.definition_only:
            return [("model", f"{self.model} is there to be counted, not to be trained")]
        if strengths.dropout and not any(isinstance(layer, Dropout) for layer in layers):
            wrong.append(("regularization.dropout", f"{self.model} has no place for it"))
        if strengths.ghost and not any(isinstance(layer, BatchNorm) for layer in layers):
            wrong.append(("regularization.ghost", f"{self.model} has no batch normalization"))
        return wrong + self._meaning(strengths)

    def _meaning(self, given: Regularization) -> list[tuple[str, str]]:
        """Returns which augmentations would change what an example of the data set is."""
        allowed = ALLOWED[self.data]
        wrong = []
        if given.shift > allowed.shift:
            wrong.append(("shift", f"{self.data} allows at most {allowed.shift} pixels; got {given.shift:g}"))
        if given.flip and not allowed.flip:
            wrong.append(("flip", f"a mirror image of {self.data} is not of the same class; got {given.flip:g}"))
        if given.crop < allowed.crop:
            wrong.append(("crop", f"{self.data} allows no share below {allowed.crop:g}; got {given.crop:g}"))
        return [(f"regularization.{name}", message) for name, message in wrong]

    def strengths(self) -> Regularization:
        """Returns what is done against overfitting, by strength.

        Raises:
            UsageError: A name or a strength is not valid; all problems at once.
        """
        wrong = [unknown_name("regularizer", name, STRENGTHS) for name in self.regularization if name not in STRENGTHS]
        if wrong:
            raise UsageError(wrong)
        return Regularization(**self.regularization)  # type: ignore[arg-type]  # what it is given, it checks

    def network(self) -> Network:
        """Returns the model's design, with batch normalization where that is asked for."""
        found: Network = catalog.model(self.model)
        return batch_normalized(found) if self.strengths().batch_norm else found

    def normalizes(self) -> bool:
        """Returns whether the model has batch normalization."""
        found = registry.find(self.data)
        return any(isinstance(layer, BatchNorm) for layer in self.network().layers(found.shape, found.n_classes))

    def n_params(self) -> int:
        """Returns the number of trained numbers."""
        found = registry.find(self.data)
        return sum(row.weights + row.biases for row in self.network().table(found.shape, found.n_classes))

    def parts(self) -> Sizes:
        """Returns how many examples each part has."""
        return sizes(registry.find(self.data))

    @property
    def name(self) -> str:
        """Data set and model, such as ``digits-lenet``."""
        return f"{self.data}-{self.model}"

    @property
    def label(self) -> str:
        """The name, with its own batch size and what is done against overfitting."""
        given = sorted(self.regularization.items(), key=lambda item: STRENGTHS.index(item[0]))
        shown = [f"+{name}" if strength is True else f"+{name}={strength:g}" for name, strength in given]
        if self.early_stopping is not None:
            shown.append("+early_stopping" if self.early_stopping else "+last_epoch")
        batch = "" if self.batch_size is None else f"-b{self.batch_size}"
        return self.name + batch + "".join(shown)


class NetworkQuick(Model):
    """The quick size of a suite of networks: what ``--quick`` changes, so that it ends within minutes.

    Attributes:
        epochs: Passes of every task.
        seeds: Numbers of tuning and reported seeds.
        points: Number of values of each swept hyperparameter, over the same range.
        optimizers: Names, labels or patterns of the entries that are kept; ``None`` for all.
        tasks: The same for tasks.
    """

    epochs: Passes | None = None
    seeds: Seeds | None = None
    points: Annotated[int, Strict(), Field(ge=2, le=1000)] | None = None
    optimizers: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    tasks: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None


class NetworkSuite(Model):
    """A whole suite: tasks x optimizers x configurations x seeds.

    Attributes:
        name: Folder of its results.
        version: Raised whenever a range or a task changes.
        question: What the suite answers, in one sentence.
        epochs: Budget of a run: as many gradients of single examples as this many passes have. A rule of two
            gradients a step makes half the steps.
        batch_size: Examples of a batch.
        early_stopping: Whether weights are judged at the point at which validation was best, not at the last.
        seed: Seed of all seeds.
        split_seed: Seed of the split into parts, where a set has no official test part, and of validation.
        seeds: Numbers of tuning and reported seeds.
        tuning: ``grid``, or ``default``, which tunes nothing.
        dtype: Precision of forward and backward passes; weights and state are in single precision.
        grid: Range of each swept hyperparameter, by name; an optimizer's ``sweep`` goes before it.
        optimizers: The entries that are compared.
        tasks: What they are compared on.
        quick: What ``--quick`` changes.
        table: The kind of table that answers the question; ``main`` if ``None``. It changes no run.
    """

    name: Annotated[str, Strict(), Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    version: Annotated[int, Strict(), Field(ge=1)]
    question: Text
    epochs: Passes = 30
    batch_size: Batch = 32
    early_stopping: Flag = True
    seed: Annotated[int, Strict(), Field(ge=0, le=MAX_INT)] = 0
    split_seed: Annotated[int, Strict(), Field(ge=0, le=MAX_INT)] = 0
    seeds: Seeds = Field(default_factory=Seeds)
    tuning: Literal["grid", "default"] = "grid"
    dtype: Literal["float32", "bfloat16"] = "float32"
    grid: Mapping[str, Grid] = Field(default_factory=dict)
    optimizers: Annotated[tuple[OptimizerSpec, ...], Field(min_length=1)]
    tasks: Annotated[tuple[TaskSpec, ...], Field(min_length=1)]
    quick: NetworkQuick | None = None
    table: NetworkTable | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = grid_faults(self.optimizers, self.grid, self.grid_of) if self.tuning == "grid" else []
        if self.tuning == "grid" and self.seeds.tune < 1:
            wrong.append(("seeds.tune", f"must be 1 or more for tuning = 'grid'; got {self.seeds.tune}"))
        wrong += repeated("optimizers", [entry.label for entry in self.optimizers])
        wrong += repeated("tasks", [entry.label for entry in self.tasks])
        wrong += self._twins()
        for task in self.tasks:
            n, batch = task.parts().train, self.batch_of(task)
            if batch > n:
                message = f"batch_size must be at most {n}, the examples that {task.data} trains on; got {batch}"
                wrong.append(("tasks", f"{task.label}: {message}"))
            strengths = task.strengths()
            if task.normalizes() and 1 in (batch, strengths.ghost):
                wrong.append(
                    ("tasks", f"{task.label}: batch normalization needs more than one example together; got 1")
                )
            if strengths.ghost and batch % strengths.ghost:
                message = f"{task.label}: ghost must divide the batch of {batch}; got {strengths.ghost:g}"
                wrong.append(("tasks", message))
        wrong += self._quick_faults()
        wrong += self._rule_faults()
        if wrong:
            raise violations(wrong)
        return self

    def content(self, task: TaskSpec) -> tuple[object, ...]:
        """Returns all that decides what is trained for a task, defaults filled in."""
        return (
            task.data,
            task.model,
            task.strengths(),
            self.stops_early(task),
            self.batch_of(task),
            self.epochs_of(task),
        )

    def _twins(self) -> list[tuple[str, str]]:
        """Returns which tasks are the same though they are written in two ways."""
        first: dict[tuple[object, ...], str] = {}
        wrong = []
        for task in self.tasks:
            other = first.setdefault(self.content(task), task.label)
            if other != task.label:
                wrong.append(("tasks", f"{task.label!r} is the same task as {other!r}: what it sets is the default"))
        return wrong

    def _rule_faults(self) -> list[tuple[str, str]]:
        """Returns which rules do not suit networks: their own weight decay would act on biases as well."""
        wrong = []
        for index, entry in enumerate(self.optimizers):
            rule = entry.build()
            given = {"swept": entry.swept, **rule.resolve(entry.hyper)}
            if given.get("weight_decay") or entry.swept == "weight_decay":
                message = (
                    f"{entry.label}: weight decay is a task's, regularization = {{ decay = ... }}, which leaves biases "
                    "and normalization alone; hold weight_decay at 0"
                )
                wrong.append((f"optimizers[{index}]", message))
        return wrong

    def _quick_faults(self) -> list[tuple[str, str]]:
        if self.quick is None:
            return []
        wrong = []
        if self.quick.seeds is not None and self.tuning == "grid" and self.quick.seeds.tune < 1:
            wrong.append(("quick.seeds.tune", "must be 1 or more for tuning = 'grid'; got 0"))
        for item in self.quick.optimizers or ():
            if not any(matches(item, entry) for entry in self.optimizers):
                labels = [entry.label for entry in self.optimizers]
                wrong.append(("quick.optimizers", unknown_name("entry of the suite", item, labels)))
        for item in self.quick.tasks or ():
            if not labels_of(item, self.tasks):
                labels = [task.label for task in self.tasks]
                wrong.append(("quick.tasks", unknown_name("task of the suite", item, labels)))
        return wrong

    def grid_of(self, entry: OptimizerSpec) -> Grid:
        """Returns the range that an entry sweeps: its own, or else the suite's."""
        return entry.sweep.get(entry.swept) or self.grid[entry.swept]

    def batch_of(self, task: TaskSpec) -> int:
        """Returns the examples of a batch of a task."""
        return self.batch_size if task.batch_size is None else task.batch_size

    def epochs_of(self, task: TaskSpec) -> int:
        """Returns the passes of a task."""
        return self.epochs if task.epochs is None else task.epochs

    def stops_early(self, task: TaskSpec) -> bool:
        """Returns whether a task is judged at the point at which validation was best."""
        return self.early_stopping if task.early_stopping is None else task.early_stopping

    def plain(self, task: TaskSpec) -> TaskSpec | None:
        """Returns the task of the suite that differs in that nothing is done against overfitting, if there is one."""
        bare = task.model_copy(update={"regularization": {}, "early_stopping": None})
        wanted = self.content(bare)
        if self.content(task) == wanted:
            return None
        return next((other for other in self.tasks if self.content(other) == wanted), None)

    def hash(self) -> str:
        """Returns the hash of what is run: neither the question's words nor the order of entries matter."""
        data = self.model_dump(mode="json", exclude={"question", "table", "optimizers", "tasks", "quick"})
        rules = (entry.model_dump(mode="json", exclude={"search"}) for entry in self.optimizers)
        tasks = (entry.model_dump(mode="json", exclude={"if_present"}) for entry in self.tasks)
        data["optimizers"] = sorted(rules, key=canonical)
        data["tasks"] = sorted(tasks, key=canonical)
        return digest(data)


def labels_of(item: str, tasks: Iterable[TaskSpec]) -> set[str]:
    """Returns the labels of the tasks that a word stands for.

    Args:
        item: A label, which stands for that task alone; else a name, a data set, or a pattern with ``*`` or ``?``.
        tasks: The tasks of a suite.

    Returns:
        Their labels, none if the word stands for nothing.
    """
    tasks = list(tasks)
    pattern = re.escape(item).replace(r"\*", ".*").replace(r"\?", ".")
    labels = {task.label for task in tasks}
    if item in labels:
        return {item}
    return {
        task.label for task in tasks if any(re.fullmatch(pattern, name) for name in (task.data, task.name, task.label))
    }
