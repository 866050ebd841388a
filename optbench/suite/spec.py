"""A suite as data: what a TOML file may say, and what must hold of it.

The models are frozen and know the catalogue, so a spec that exists can be run. Each model
reports everything that is wrong with it at once; ``optbench.suite.parse`` turns that into lines
for the user.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator
from pydantic_core import PydanticCustomError

from optbench import catalog
from optbench.core.keys import canonical, digest
from optbench.core.optimizer import Optimizer
from optbench.errors import UsageError, unknown_name
from optbench.problems.problem import Problem
from optbench.records import MAX_BUDGET

Text = Annotated[str, Strict(), Field(min_length=1)]
Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
Real = Annotated[float, Strict()]
Positive = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]

#: Largest seed.
MAX_INT = 2**31 - 1


def _violations(wrong: Iterable[tuple[str, str]]) -> PydanticCustomError:
    """Returns the one pydantic error that carries (key, message) pairs."""
    items = list(wrong)
    return PydanticCustomError("optbench", "{text}", {"text": "; ".join(m for _, m in items), "items": items})


class Model(BaseModel):
    """A frozen table that knows each of its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Grid(Model):
    """Values of one swept hyperparameter, evenly spaced in its logarithm.

    Attributes:
        low: Smallest value.
        high: Largest value.
        points: Number of values.
    """

    low: Positive
    high: Positive
    points: Annotated[int, Strict(), Field(ge=1, le=1000)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.points > 1 and self.low >= self.high:
            raise _violations([("high", f"must be greater than low = {self.low:g}; got {self.high:g}")])
        if self.points == 1 and self.low != self.high:
            raise _violations([("points", f"one point needs low = high; got {self.low:g} and {self.high:g}")])
        return self

    def values(self) -> tuple[float, ...]:
        """Returns the values, rounded to 12 digits so that powers of ten are exact everywhere.

        Example:
            >>> Grid(low=1e-3, high=1.0, points=4).values()
            (0.001, 0.01, 0.1, 1.0)
        """
        low, high = math.log10(self.low), math.log10(self.high)
        share = [k / max(self.points - 1, 1) for k in range(self.points)]
        return tuple(float(f"{10 ** (low + (high - low) * s):.12g}") for s in share)


class Starts(Model):
    """How many starts serve tuning and how many others are reported.

    Attributes:
        tune: Starts on which configurations are chosen.
        report: Starts, disjoint from those, on which everything is reported.
    """

    tune: Annotated[int, Strict(), Field(ge=1, le=1_000_000)] = 16
    report: Annotated[int, Strict(), Field(ge=1, le=1_000_000)] = 32


class OptimizerSpec(Model):
    """One entry: an update rule, what is fixed and what is swept.

    Attributes:
        name: Registry name or ``module:attribute``.
        hyper: Hyperparameters held at other values than their defaults.
        sweep: Range of the one swept hyperparameter, where it is not the suite's ``grid``.
    """

    name: Text
    hyper: Mapping[str, Real] = Field(default_factory=dict)
    sweep: Mapping[str, Grid] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> Self:
        try:
            rule = self.build()
        except UsageError as error:
            raise _violations([("name", str(error))]) from None
        wrong = []
        try:
            rule.resolve(self.hyper)
        except UsageError as error:
            wrong += [("hyper", problem) for problem in error.problems]
        if len(self.sweep) > 1:
            wrong.append(("sweep", f"one hyperparameter is swept; got {', '.join(map(repr, self.sweep))}"))
        for key, grid in self.sweep.items():
            if key not in rule.hyper:
                wrong.append((f"sweep.{key}", unknown_name(f"hyperparameter of {rule.name}", key, rule.hyper)))
                continue
            wrong += [
                (f"sweep.{key}.{end}", f"must be a number in {rule.hyper[key].describe()}; got {value!r}")
                for end, value in (("low", grid.low), ("high", grid.high))
                if not rule.hyper[key].allows(value)
            ]
        if self.swept in self.hyper:
            wrong.append((f"hyper.{self.swept}", "is swept, so it cannot be fixed as well"))
        if wrong:
            raise _violations(wrong)
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


class ProblemSpec(Model):
    """One entry: a test function at one dimension, and which instance of it.

    Attributes:
        name: Registry name or ``module:attribute``.
        dim: Dimension; ``None`` for the function's default.
        instance: 0 for the literature's form, else the seed of shift, rotation and offset.
        rotated: Whether the instance is turned.
        parameters: The function's own parameters that differ from their defaults.
    """

    name: Text
    dim: Whole | None = None
    instance: Whole = 0
    rotated: Flag = False
    parameters: Mapping[str, Real] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> Self:
        try:
            self.build()
        except UsageError as error:
            raise _violations(("", problem) for problem in error.problems) from None
        return self

    def build(self) -> Problem:
        """Returns the problem itself."""
        function = catalog.landscape(self.name)
        dim = function.dims.default if self.dim is None else self.dim
        return Problem(function, dim, self.instance, self.rotated, self.parameters)

    @property
    def label(self) -> str:
        """The problem's label, such as ``rastrigin-10d-i1-rot``."""
        return self.build().label


class SuiteSpec(Model):
    """A whole suite: problems x optimizers x configurations x starts.

    Attributes:
        name: Folder of its results.
        version: Raised whenever a range, an instance or a problem changes.
        question: What the suite answers, in one sentence.
        units: ``normalized`` (every box 10 wide, values in units of ``f_scale``) or ``raw``.
        budget: Cost of one run, in gradient evaluations.
        seed: Seed of all starts.
        starts: Numbers of tuning and reported starts.
        grid: Range of each swept hyperparameter, by name; an optimizer's ``sweep`` goes before it.
        optimizers: The entries that are compared.
        problems: What they are compared on.
    """

    name: Annotated[str, Strict(), Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    version: Annotated[int, Strict(), Field(ge=1)]
    question: Text
    units: Literal["normalized", "raw"] = "normalized"
    budget: Annotated[int, Strict(), Field(ge=1, le=MAX_BUDGET)] = 2000
    seed: Annotated[int, Strict(), Field(ge=0, le=MAX_INT)] = 0
    starts: Starts = Field(default_factory=Starts)
    grid: Mapping[str, Grid]
    optimizers: Annotated[tuple[OptimizerSpec, ...], Field(min_length=1)]
    problems: Annotated[tuple[ProblemSpec, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = []
        points: dict[int, str] = {}
        for index, entry in enumerate(self.optimizers):
            grid = entry.sweep.get(entry.swept) or self.grid.get(entry.swept)
            if grid is None:
                ask = f"give sweep = {{ {entry.swept} = {{ low = ..., high = ..., points = ... }} }}"
                wrong.append((f"optimizers[{index}].sweep", f"grid has no range for {entry.swept!r}; {ask}"))
                continue
            rule = entry.build().hyper[entry.swept]
            if not (rule.allows(grid.low) and rule.allows(grid.high)):
                message = f"{entry.name} needs values in {rule.describe()}; got {grid.low:g} to {grid.high:g}"
                wrong.append((f"grid.{entry.swept}", message))
            points.setdefault(grid.points, entry.label)
        if len(points) > 1:
            counts = ", ".join(f"{label} {n}" for n, label in points.items())
            wrong.append(("optimizers", f"every entry must have the same number of trials; got {counts}"))
        wrong += _repeated("optimizers", [entry.label for entry in self.optimizers])
        wrong += _repeated("problems", [entry.label for entry in self.problems])
        if wrong:
            raise _violations(wrong)
        return self

    def hash(self) -> str:
        """Returns the hash of what is run: neither the question's words nor the order of entries matter."""
        data = self.model_dump(mode="json", exclude={"question", "optimizers", "problems"})
        for key, entries in (("optimizers", self.optimizers), ("problems", self.problems)):
            data[key] = sorted((entry.model_dump(mode="json") for entry in entries), key=canonical)
        return digest(data)

    def grid_of(self, entry: OptimizerSpec) -> Grid:
        """Returns the range that an entry sweeps: its own, or else the suite's."""
        return entry.sweep.get(entry.swept) or self.grid[entry.swept]


def _repeated(key: str, labels: list[str]) -> list[tuple[str, str]]:
    first: dict[str, int] = {}
    wrong = []
    for index, label in enumerate(labels):
        if label in first:
            wrong.append((f"{key}[{index}]", f"{label!r} stands in {key}[{first[label]}] already"))
        first.setdefault(label, index)
    return wrong
