"""One entry of ``optimizers``: an update rule, what is fixed and what is swept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from optbench import catalog
from optbench.core.optimizer import Optimizer
from optbench.errors import UsageError, unknown_name
from optbench.suite import selector
from optbench.suite.entry import Entry
from optbench.suite.model import Grid, Range, Real, Text, violations


class OptimizerSpec(Entry):
    """One entry: an update rule, what is fixed and what is swept.

    Attributes:
        name: Registry name or ``module:attribute``.
        hyper: Hyperparameters held at other values than their defaults; the swept one only where nothing is tuned.
        sweep: Range of the one swept hyperparameter, where it is not the suite's ``grid``.
        search: Ranges of random tuning, where they are not those of the rule.
    """

    KEYS: ClassVar = ("name", "hyper")

    name: Text
    hyper: Mapping[str, Real] = Field(default_factory=dict)
    sweep: Mapping[str, Grid] = Field(default_factory=dict)
    search: Mapping[str, Range] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> Self:
        try:
            rule = self.build()
        except UsageError as error:
            raise violations([("name", str(error))]) from None
        wrong = []
        try:
            rule.resolve(self.hyper)
        except UsageError as error:
            wrong += [("hyper", problem) for problem in error.problems]
        if len(self.sweep) > 1:
            wrong.append(("sweep", f"one hyperparameter is swept; got {', '.join(map(repr, self.sweep))}"))
        ranges = [(f"sweep.{key}", key, grid.low, grid.high) for key, grid in self.sweep.items()]
        ranges += [(f"search.{key}", key, given.low, given.high) for key, given in self.search.items()]
        for place, key, low, high in ranges:
            if key not in rule.hyper:
                wrong.append((place, unknown_name(f"hyperparameter of {rule.name}", key, rule.hyper)))
                continue
            wrong += [
                (f"{place}.{end}", f"must be a number in {rule.hyper[key].describe()}; got {value!r}")
                for end, value in (("low", low), ("high", high))
                if not rule.hyper[key].allows(value)
            ]
        wrong += [
            (f"search.{key}", "is held at a value by hyper, so it cannot be drawn as well")
            for key in self.search
            if key in self.hyper
        ]
        if wrong:
            raise violations(wrong)
        return self

    def build(self) -> Optimizer:
        """Returns the update rule itself."""
        return catalog.optimizer(self.name)

    @property
    def swept(self) -> str:
        """The hyperparameter that varies."""
        return next(iter(self.sweep), None) or self.build().swept

    @property
    def label(self) -> str:
        """The rule's name, with the fixed hyperparameters that differ from their defaults."""
        rule = self.build()
        fixed = [
            f"{key}={self.hyper[key]:g}" for key, h in rule.hyper.items() if self.hyper.get(key, h.default) != h.default
        ]
        return rule.name + (f"[{','.join(fixed)}]" if fixed else "")

    @property
    def code(self) -> str:
        """The rule's name."""
        return self.name

    def identity(self) -> dict[str, Any]:
        """Returns the entry without the ranges that only random tuning draws from."""
        return self.model_dump(mode="json", exclude={"search"})

    @classmethod
    def joining(cls, word: str, entries: Iterable[Self]) -> Self:
        """Returns another rule of the catalogue or of the user, such as ``adam[b1=0.95]``."""
        named = selector.parse(word)
        base = named.name.partition("+")[0]
        if ":" not in base and base not in {entry.name for entry in catalog.OPTIMIZERS}:
            raise UsageError(catalog.unknown("optimizer", base, catalog.OPTIMIZERS))
        return cls.model_validate({"name": named.name, "hyper": named.options})

    def is_same(self, other: Self) -> bool:
        """Returns whether two entries of one label are one: labels have six digits of a value."""
        return self.build().resolve(self.hyper) == other.build().resolve(other.hyper)
