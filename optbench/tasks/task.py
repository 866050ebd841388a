"""A task: data in three parts, a model, and what is done against overfitting."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from optbench.core.keys import generator, order, words
from optbench.core.objective import Objective
from optbench.errors import UsageError, unknown_name
from optbench.tasks.data.dataset import Dataset, label_problem, value_problem
from optbench.tasks.data.splitting import split
from optbench.tasks.losses import LossName, loss_of
from optbench.tasks.models.model import Model
from optbench.tasks.models.network import Network, Stats
from optbench.tasks.models.variants import batch_normalized
from optbench.tasks.objective import objective_of
from optbench.tasks.regularization import Regularization

#: A part of a task.
Part = Literal["train", "validation", "test"]

#: All parts, in the order in which they stand on a device: batches count from the first example of the first.
PARTS: tuple[Part, ...] = ("train", "validation", "test")


class Examples(NamedTuple):
    """Inputs and their classes.

    Attributes:
        x: (n, *shape), float32, channels last.
        y: (n,), int32.
    """

    x: np.ndarray
    y: np.ndarray


def trips_of(n_train: int, batch_size: int, epochs: int, evals_per_step: int) -> int:
    """Returns how many gradients of batches a run takes: as many for every rule, whole steps only.

    Args:
        n_train: Examples to train on.
        batch_size: Examples of a batch; those that fill none are left out of a pass.
        epochs: Passes.
        evals_per_step: Gradients of a step.

    Returns:
        The number; a step that would exceed the budget is not begun.

    Example:
        >>> trips_of(1294, 32, 3, 1), trips_of(1294, 32, 3, 2)
        (120, 120)
    """
    trips = epochs * (n_train // batch_size)
    return trips - trips % evals_per_step


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be learned, from what, by which model.

    Attributes:
        name: Data set and model, such as ``digits-lenet``.
        model: The model.
        train: What gradients are taken of.
        validation: What everything is chosen on.
        test: What is reported, and chooses nothing.
        n_classes: Number of classes.
        regularization: Strengths.
        loss: What is minimized, and what scores, objectives and measures are of: ``"cross_entropy"``, or ``"squared"``,
            half the squared error of logits; see ``tasks.losses``.
    """

    name: str
    model: Model
    train: Examples
    validation: Examples
    test: Examples
    n_classes: int
    regularization: Regularization = field(default_factory=Regularization)
    loss: LossName = "cross_entropy"

    def __post_init__(self) -> None:
        """Checks the examples.

        Raises:
            UsageError: A part is empty, its rows differ in shape from those to train on, a number is not finite, a
                label is none of the classes, or there are fewer than two of them; or there is no such loss.
        """
        loss_of(self.loss)
        if self.n_classes < 2:
            raise UsageError(f"{self.name}: n_classes must be at least 2; got {self.n_classes}")
        for part in PARTS:
            problem = _problem(getattr(self, part), self.train.x.shape[1:], self.n_classes)
            if problem:
                raise UsageError(f"{self.name}: {part}: {problem}")

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        model: Model,
        *,
        split_seed: int = 0,
        regularization: Regularization | None = None,
        loss: LossName = "cross_entropy",
        n_train: int | None = None,
        n_test: int | None = None,
    ) -> Task:
        """Returns the task of a data set, split by a seed of its own.

        Args:
            dataset: The set.
            model: The model.
            split_seed: Seed of the split.
            regularization: Strengths; none if ``None``.
            loss: Name of the loss.
            n_train: Examples to train on; as many as the set has if ``None``. See ``tasks.data.splitting.sizes``.
            n_test: Examples to report; as many as the set has if ``None``.

        Returns:
            The task. Its starts and its draws in training are those of the data set's and the model's names, whatever
            the sizes and the loss are.

        Raises:
            UsageError: The set does not have so many examples, or there is no such loss.
        """
        parts = split(dataset, split_seed, n_train=n_train, n_test=n_test)
        train, validation, test = (Examples(dataset.x[rows], dataset.y[rows]) for rows in parts)
        strengths = regularization or Regularization()
        return cls(
            f"{dataset.name}-{model.name}",
            batch_normalized(model) if strengths.batch_norm else model,
            train,
            validation,
            test,
            dataset.n_classes,
            strengths,
            loss,
        )

    def start(self, seed: int) -> tuple[Network, Stats]:
        """Returns the network and its statistics at the start that belongs to a seed."""
        rng = generator(self.name, "initialization", seed)
        return self.model.build(rng, self.train.x.shape[1:], self.n_classes)

    def key(self, seed: int) -> np.ndarray:
        """Returns the data of the random key of what a run draws in training, (2,), uint32; see ``core.keys``."""
        return words(self.name, "regularization", seed)

    def objective(
        self,
        network: Network,
        stats: Stats | Literal["batch"],
        *,
        part: Part = "train",
        examples: Any = None,
        penalty: bool = False,
        dtype: str = "float32",
    ) -> Objective:
        """Returns the loss of networks on a part of the task, as an objective of their parameters.

        It is the mean of the task's loss (cross-entropy in nats, unless it is another) on the examples as they are:
        nothing is augmented, mixed or smoothed, no noise is added, dropout is off. So it is the same at every call, and
        it is the loss that a run is scored by. A point is a network; examples are passed through in parts of a fixed
        size.

        Args:
            network: A network like all points, such as ``start`` gives; its arrays count by their shapes alone.
            stats: How batch normalization normalizes: running statistics, as training leaves them; or ``"batch"``, by
                the statistics of all the examples together, which are then passed through at once.
            part: ``"train"``, ``"validation"`` or ``"test"``.
            examples: Rows of the part, (n,), integers; all if ``None``.
            penalty: Whether the task's penalty on weights is added, as rules see it in training.
            dtype: Precision: ``"float32"``, as scores have it, or ``"float64"``, for small differences of losses.

        Returns:
            The objective. Those of one task and one kind of network share what is compiled.

        Raises:
            UsageError: A name is unknown, the rows are not some of the part's, or the statistics do not fit.

        Example:
            >>> from optbench.tasks.data import load
            >>> from optbench.tasks.models.fully_connected import linear
            >>> task = Task.of(load("digits"), linear)
            >>> network, stats = task.start(0)
            >>> objective = task.objective(network, stats, part="test", examples=range(100))
            >>> objective.n_params, 1.0 < objective.value(network) < 5.0
            (650, True)
        """
        if part not in PARTS:
            raise UsageError(f"{self.name}: {unknown_name('part', part, PARTS)}")
        x, y = getattr(self, part)
        if examples is not None:
            rows = _rows(examples, len(y), f"{self.name}: {part}")
            x, y = x[rows], y[rows]
        alpha = self.regularization.penalty if penalty else 0.0
        return objective_of(
            x, y, network, stats, penalty=alpha, dtype=dtype, label=f"{self.name} ({part})", loss=self.loss
        )

    def accuracy(self, network: Network, stats: Stats, *, part: Part = "train") -> Objective:
        """Returns the share of examples of a part that networks classify right, as scores have it.

        Args:
            network: A network like all points; its arrays count by their shapes alone.
            stats: Running statistics of batch normalization.
            part: ``"train"``, ``"validation"`` or ``"test"``.

        Returns:
            An objective, of whose values alone there is use: it is flat but for steps.
        """
        x, y = getattr(self, part)
        label = f"{self.name} ({part}, accuracy)"
        return objective_of(x, y, network, stats, penalty=0.0, dtype="float32", label=label, scored="accuracy")

    def order(self, seed: int, epoch: int, batch_size: int) -> np.ndarray:
        """Returns which examples each batch of an epoch has; those that fill no batch are left to other epochs.

        Args:
            seed: Seed of the order.
            epoch: From 0.
            batch_size: Examples of a batch.

        Returns:
            (batches, batch_size), int32.

        Raises:
            UsageError: The batch does not fit the set.
        """
        n = len(self.train.y)
        if not 1 <= batch_size <= n:
            raise UsageError(
                f"{self.name}: batch_size must lie in [1, {n}], the examples to train on; got {batch_size}"
            )
        rows = order(n, self.name, "order", seed, epoch).astype(np.int32)
        return rows[: n // batch_size * batch_size].reshape(-1, batch_size)


def _problem(part: Examples, shape: tuple[int, ...], n_classes: int) -> str:
    """Returns what is wrong with a part, the first bad example by its row, or an empty text."""
    x, y = part
    if not len(y) or len(x) != len(y):
        return f"{len(x)} examples with {len(y)} labels; there must be at least one, each with its label"
    if x.shape[1:] != shape:
        return f"examples have shape {x.shape[1:]}, those to train on {shape}"
    return value_problem(x) or label_problem(y, n_classes)


def _rows(given: Any, n: int, label: str) -> np.ndarray:
    """Returns rows of a part as an array, or says what they should be."""
    rows = np.asarray(given)
    if rows.ndim != 1 or not rows.size or rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= n:
        raise UsageError(f"{label}: examples must be rows in [0, {n}), at least one; got {given!r}")
    return rows
