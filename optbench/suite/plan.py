"""A suite becomes an ordered list of groups of cells, each cell with an id that is the hash of its content.

A group has all cells of one optimizer on one problem or task. Nothing depends on the order of the suite file: groups
are sorted, and ids come from content alone.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from optbench.core.optimizer import Optimizer
from optbench.suite.optimizer import OptimizerSpec
from optbench.suite.suite import Suite


@dataclass(frozen=True)
class Group(ABC):
    """All cells of one optimizer on one problem or task, every value of the suite resolved.

    Attributes:
        optimizer: The entry of the suite.
        optimizer_label: Its label.
        configs: All hyperparameters of each configuration; the trials first, the default last if it is none of them.
        swept: The hyperparameter that varies.
        trials: Number of trials, the configurations among which tuning may choose.
        default: Index of the default configuration.
    """

    optimizer: OptimizerSpec
    optimizer_label: str
    configs: tuple[Mapping[str, float], ...]
    swept: str
    trials: int
    default: int

    @property
    @abstractmethod
    def labels(self) -> tuple[str, str]:
        """Labels of problem or task, and of the optimizer."""

    @property
    @abstractmethod
    def trips(self) -> int:
        """Gradients that the budget allows."""

    @property
    @abstractmethod
    def n_cells(self) -> int:
        """Number of cells, at most."""


class Counted(Protocol):
    """Cells that a plan has together: all of a ``Group``, or of what another kind of suite has in its place."""

    @property
    def n_cells(self) -> int:
        """Number of cells, at most."""


S_co = TypeVar("S_co", bound=Suite, covariant=True)
G_co = TypeVar("G_co", bound=Counted, covariant=True)


@dataclass(frozen=True)
class Plan(Generic[S_co, G_co]):
    """Everything that a run will do.

    Attributes:
        spec: The suite, after selection.
        groups: Its groups, in order.
        quick: Whether it is the quick size of the suite.
        absent: Why problems or tasks are left out though they were selected, by label.
    """

    spec: S_co
    groups: tuple[G_co, ...]
    quick: bool = False
    absent: Mapping[str, str] = field(default_factory=dict)

    @property
    def n_cells(self) -> int:
        """Number of cells, at most, each of which will leave a row."""
        return sum(group.n_cells for group in self.groups)

    @property
    def names(self) -> list[str]:
        """Names of everything that a user may have written: rules, functions, models."""
        return [code for entry in (*self.spec.optimizers, *self.spec.subjects) for code in entry.codes]


def configurations(
    entry: OptimizerSpec, rule: Optimizer, trials: Sequence[Mapping[str, float]], known: Mapping[str, float]
) -> tuple[tuple[dict[str, float], ...], int]:
    """Returns the configurations of an entry and the index of its default.

    Args:
        entry: An entry of a suite.
        rule: Its rule.
        trials: What each trial tries, in the order of tuning.
        known: What the suite tells the rule.

    Returns:
        All hyperparameters of each configuration, the trials first; the default comes last if it is none of them.
    """
    fixed = {**known, **entry.hyper}
    default = rule.resolve(fixed)
    configs = [rule.resolve({**fixed, **trial}) for trial in trials]
    same = [
        index
        for index, config in enumerate(configs)
        if all(math.isclose(config[name], value, rel_tol=1e-9) for name, value in default.items())
    ]
    if not same:
        configs.append(default)
    index = same[0] if same else len(configs) - 1
    configs[index] = default
    return tuple(configs), index
