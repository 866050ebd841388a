"""How one model of a study is trained: what a grid or a factor changes of what the study says."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optbench import catalog
from optbench.core.keys import canonical
from optbench.suite.optimizer import OptimizerSpec
from optbench.suite.tuning import told
from optbench.tasks.models.model import Model
from optbench.tasks.models.variants import widened
from optbench.tasks.regularization import Regularization
from optbench.tasks.task import trips_of

if TYPE_CHECKING:
    from optbench.suite.studies.study import StudySpec

#: Regularizers whose strength a study sets: those that act on weights or activations alone.
STRENGTHS = ("penalty", "decay", "dropout")


@dataclass(frozen=True)
class Setting:
    """What a network is trained with.

    Attributes:
        model: Name of the model.
        optimizer: Name of the rule.
        hyper: Hyperparameters held at other values than the rule's defaults.
        regularization: Strengths by name.
        batch_size: Examples of a batch.
        epochs: Passes over the rows that it is trained on.
        n_train: Examples of the training part; those of the set if ``None``.
        width: Factor of the model's width.
    """

    model: str
    optimizer: str
    hyper: Mapping[str, float]
    regularization: Mapping[str, float]
    batch_size: int
    epochs: int
    n_train: int | None = None
    width: float = 1.0

    def with_value(self, name: str, value: float) -> Setting:
        """Returns the setting with one thing changed.

        Args:
            name: A field, the name of a regularizer, or of a hyperparameter.
            value: Its value; whole where the field is.
        """
        if name == "width":
            return replace(self, width=float(value))
        if name in ("batch_size", "epochs", "n_train"):
            return replace(self, **{name: int(value)})  # type: ignore[arg-type]  # these three are whole
        if name in STRENGTHS:
            return replace(self, regularization={**self.regularization, name: float(value)})
        return replace(self, hyper={**self.hyper, name: float(value)})

    def network(self) -> Model:
        """Returns the model's design, widened where that is asked for.

        Raises:
            UsageError: There is no such model, or it cannot be widened so.
        """
        found: Model = catalog.model(self.model)
        return found if self.width == 1.0 else widened(found, self.width)

    def rule(self) -> OptimizerSpec:
        """Returns the rule and what is held of it, as an entry of a suite that tunes nothing.

        Raises:
            ValidationError: There is no such rule, or a hyperparameter is not valid.
        """
        return OptimizerSpec(name=self.optimizer, hyper=self.hyper)

    def strengths(self) -> Regularization:
        """Returns what is done against overfitting.

        Raises:
            UsageError: A strength is out of its range.
        """
        return Regularization(**self.regularization)  # type: ignore[arg-type]  # what it is given, it checks

    def trips(self, n_rows: int) -> int:
        """Returns how many gradients of batches training takes.

        Args:
            n_rows: Rows that the network is trained on.
        """
        return trips_of(n_rows, self.batch_size, self.epochs, self.rule().build().evals_per_step)

    def hypers(self, n_rows: int) -> dict[str, float]:
        """Returns all hyperparameters of the rule, with what it is told of its task.

        Args:
            n_rows: Rows that the network is trained on.
        """
        rule = self.rule().build()
        # No cross-entropy is below 0.
        return rule.resolve({**told(rule, cost=self.trips(n_rows), f_star=0.0), **self.hyper})

    @property
    def label(self) -> str:
        """The rule's label."""
        return self.rule().label

    def described(self) -> dict[str, str | int]:
        """Returns the columns of a row that say how a network is trained, all but its hyperparameters."""
        return {
            "model": self.model,
            "optimizer": self.label,
            "regularization": canonical(dict(self.regularization)),
            "batch_size": self.batch_size,
            "epochs": self.epochs,
        }


def settings_of(study: StudySpec, *, epochs: int, batch_size: int) -> tuple[Setting, ...]:
    """Returns the settings of a study: of a grid one for each configuration, else one for each value of the factor.

    Args:
        study: A study of networks that names model and rule.
        epochs: Epochs where the study has none of its own.
        batch_size: The same of the batch size.

    Returns:
        At least one: names in alphabetical order, values in that of their lists.
    """
    assert study.model is not None
    assert study.optimizer is not None
    plain = Setting(
        study.model,
        study.optimizer,
        dict(study.hyper),
        {name: float(value) for name, value in study.regularization.items()},
        study.batch_size or batch_size,
        study.epochs or epochs,
        study.n_train,
    )
    # The order of keys in a file changes nothing.
    lists = dict(sorted((study.grid or study.factor or {}).items()))
    found = []
    for values in itertools.product(*lists.values()):
        setting = plain
        for name, value in zip(lists, values, strict=True):
            setting = setting.with_value(name, value)
        found.append(setting)
    return tuple(found)
