"""One entry of ``tasks``: a data set, a model, and what is done against overfitting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, Strict, model_validator

from optbench import catalog
from optbench.errors import UsageError, unknown_name
from optbench.suite.entry import Entry
from optbench.suite.model import MAX_INT, Flag, Model, Real, Text, violations
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
Epochs = Annotated[int, Strict(), Field(ge=1, le=100_000)]
Examples = Annotated[int, Strict(), Field(ge=1, le=MAX_INT)]
Loss = Literal["cross_entropy", "squared"]


class WarmStart(Model):
    """A first phase of a run, with batches of another size; the run itself begins at its last point.

    Attributes:
        batch_size: Examples of a batch of the first phase.
        epochs: Epochs of the first phase.
    """

    batch_size: Batch
    epochs: Epochs


class TaskSpec(Entry):
    """One entry: a data set, a model, and what is done against overfitting.

    Attributes:
        data: Name of the data set.
        model: Name of the model.
        regularization: Strengths by name, those of ``tasks.regularization.Regularization``.
        early_stopping: Whether the weights are judged at which validation was best, not the last; the suite's if
            ``None``.
        batch_size: Examples of a batch; the suite's if ``None``.
        epochs: Epochs over the training part; the suite's if ``None``.
        loss: What is trained and scored: the cross-entropy, or half the squared distance from the one-hot target.
        n_train: Examples to train on; the set's own number if ``None``.
        n_test: Examples of the test part; the set's own number if ``None``.
        warm_start: The phase before, from whose last point a run begins; a network as it is initialized if ``None``.
        if_present: Whether the task is left out, and named, where its data are not on this machine.
    """

    KEYS: ClassVar = ("data", "model", "regularization", "early_stopping", "batch_size", "loss", "n_train", "n_test")
    #: Keys that tasks had before they had these; a task that leaves these out is known by what it was known by then.
    NEWER: ClassVar = ("loss", "n_train", "n_test", "warm_start")

    data: Text
    model: Text
    regularization: Mapping[str, Flag | Real] = Field(default_factory=dict)
    early_stopping: Flag | None = None
    batch_size: Batch | None = None
    epochs: Epochs | None = None
    loss: Loss = "cross_entropy"
    n_train: Examples | None = None
    n_test: Examples | None = None
    warm_start: WarmStart | None = None
    if_present: Flag = False

    #: Which of epochs and sizes its label has: epochs only where tasks of a suite differ in nothing else.
    _shown: tuple[str, ...] = PrivateAttr(default=("n_train", "n_test"))

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
        try:
            self.parts()
        except UsageError as error:
            wrong += [("", problem) for problem in error.problems]
        if strengths.batch_noise and any(isinstance(layer, BatchNorm) for layer in layers):
            wrong.append(("regularization.batch_noise", f"{self.model} has batch normalization, which mixes examples"))
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

    def batch_faults(self, batch_size: int) -> list[tuple[str, str]]:
        """Returns why the task cannot have batches of a size: (key, message) pairs."""
        n, strengths, warm = self.parts().train, self.strengths(), self.warm_start
        wrong = []
        if batch_size > n:
            said = f"batch_size must be at most {n}, the examples that {self.data} trains on; got {batch_size}"
            wrong.append(("batch_size", said))
        if warm and warm.batch_size > n:
            said = f"warm_start.batch_size must be at most {n}, the examples; got {warm.batch_size}"
            wrong.append(("warm_start", said))
        sizes = [batch_size] + ([warm.batch_size] if warm else [])
        if self.normalizes() and 1 in (*sizes, strengths.ghost):
            wrong.append(("batch_size", "batch normalization needs more than one example together; got 1"))
        wrong += [
            ("regularization", f"ghost must divide the batch of {size}; got {strengths.ghost:g}")
            for size in sizes
            if strengths.ghost and size % strengths.ghost
        ]
        smallest = min(sizes)
        if strengths.batch_noise >= smallest:
            said = f"batch_noise must be below the batch of {smallest}; got {strengths.batch_noise:g}"
            wrong.append(("regularization", said))
        return wrong

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
        return sizes(registry.find(self.data), n_train=self.n_train, n_test=self.n_test)

    @property
    def name(self) -> str:
        """Data set and model, such as ``digits-lenet``."""
        return f"{self.data}-{self.model}"

    @property
    def code(self) -> str:
        """The model's name."""
        return self.model

    @property
    def names(self) -> tuple[str, ...]:
        """Data set, name and label."""
        return self.data, self.name, self.label

    def identity(self) -> dict[str, Any]:
        """Returns the entry; whether its data may be absent changes nothing where they are there."""
        return self.model_dump(mode="json", exclude={"if_present", *self.NEWER}) | self.newer()

    def newer(self) -> dict[str, Any]:
        """Returns those of the keys ``NEWER`` that differ from their defaults, ready for JSON."""
        return self.model_dump(mode="json", include=set(self.NEWER), exclude_defaults=True)

    def showing(self, keys: Iterable[str]) -> Self:
        """Returns the same task with a label that has some of ``epochs``, ``n_train`` and ``n_test``, and no others.

        Args:
            keys: Which ones.

        Example:
            >>> task = TaskSpec(data="digits", model="linear", batch_size=8, epochs=5)
            >>> task.label, task.showing(["epochs"]).label
            ('digits-linear-b8', 'digits-linear-b8+epochs=5')
        """
        other = self.model_copy()
        other._shown = tuple(keys)
        return other

    @classmethod
    def meant(cls, word: str, entries: Iterable[Self]) -> list[Self]:
        """Returns the tasks that a word stands for; a label stands for that task alone."""
        entries = list(entries)
        return [entry for entry in entries if entry.label == word] or super().meant(word, entries)

    @classmethod
    def joining(cls, word: str, entries: Iterable[Self]) -> Self:
        """Refuses: what a task is takes more than a word to say."""
        raise UsageError(unknown_name("task of the suite", word, [entry.label for entry in entries]))

    @property
    def label(self) -> str:
        """The name, with its own batch size, what is done against overfitting, and what else is not as usual."""
        given = sorted(self.regularization.items(), key=lambda item: STRENGTHS.index(item[0]))
        shown = [f"+{name}" if strength is True else f"+{name}={strength:g}" for name, strength in given]
        if self.early_stopping is not None:
            shown.append("+early_stopping" if self.early_stopping else "+last_epoch")
        if self.loss != "cross_entropy":
            shown.append(f"+{self.loss}")
        if self.warm_start is not None:
            shown.append(f"+warm_start={self.warm_start.batch_size}x{self.warm_start.epochs}")
        given_sizes = ((key, getattr(self, key)) for key in ("epochs", "n_train", "n_test") if key in self._shown)
        shown += [f"+{key}={value}" for key, value in given_sizes if value is not None]
        batch = "" if self.batch_size is None else f"-b{self.batch_size}"
        return self.name + batch + "".join(shown)
