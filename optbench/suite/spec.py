"""A suite as data: what a TOML file may say, and what must hold of it.

The models are frozen and know the catalogue, so a spec that exists can be run. The small tables that know
nothing of it stand in ``optbench.suite.model``.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, Strict, model_validator

from optbench import catalog
from optbench.core.keys import canonical, digest
from optbench.core.optimizer import Optimizer, Search
from optbench.errors import UsageError, unknown_name
from optbench.problems.noise import Noise
from optbench.problems.problem import Problem
from optbench.records import MAX_BUDGET
from optbench.suite.contrast import Contrast
from optbench.suite.faults import grid_faults, repeated
from optbench.suite.model import (
    MAX_INT,
    Flag,
    Grid,
    LandscapeTable,
    Model,
    Positive,
    Quick,
    Range,
    Real,
    Starts,
    Text,
    Whole,
    violations,
)
from optbench.suite.tuning import MAX_OTHERS, shifted


class OptimizerSpec(Model):
    """One entry: an update rule, what is fixed and what is swept.

    Attributes:
        name: Registry name or ``module:attribute``.
        hyper: Hyperparameters held at other values than their defaults.
        sweep: Range of the one swept hyperparameter, where it is not the suite's ``grid``.
        search: Ranges of random tuning, where they are not those of the rule.
    """

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
        if self.swept in self.hyper:
            wrong.append((f"hyper.{self.swept}", "is swept, so it cannot be fixed as well"))
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


class NoiseSpec(Model):
    """What rules see in place of the true gradient.

    Attributes:
        kind: A key of ``problems.noise.KINDS``.
        level: How much of it; in evaluations for ``delay``, in terms for batches.
    """

    kind: Text
    level: Positive


class ProblemSpec(Model):
    """One entry: a test function at one dimension, and which instance of it.

    Attributes:
        name: Registry name or ``module:attribute``.
        dim: Dimension; ``None`` for the function's default.
        instance: 0 for the literature's form, else the seed of shift, rotation and offset.
        rotated: Whether the instance is turned.
        parameters: The function's own parameters that differ from their defaults.
        noise: What rules see in place of the true gradient.
    """

    name: Text
    dim: Whole | None = None
    instance: Whole = 0
    rotated: Flag = False
    parameters: Mapping[str, Real] = Field(default_factory=dict)
    noise: NoiseSpec | None = None

    @model_validator(mode="after")
    def _known(self) -> Self:
        try:
            self.build()
        except UsageError as error:
            raise violations(("", problem) for problem in error.problems) from None
        return self

    def build(self) -> Problem:
        """Returns the problem itself."""
        function = catalog.landscape(self.name)
        dim = function.dims.default if self.dim is None else self.dim
        noise = None if self.noise is None else Noise(self.noise.kind, self.noise.level)
        return Problem(function, dim, self.instance, self.rotated, self.parameters, noise)

    def identity(self) -> dict[str, object]:
        """Returns what its cells are known by; a problem without noise as before there was noise."""
        return self.model_dump(mode="json", exclude={"noise"} if self.noise is None else None)

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
        noise_seeds: Runs from each start, where a problem has noise, that differ in the noise alone.
        tuning: ``grid``, ``random`` or ``default``, which tunes nothing.
        trials: Number of configurations that each entry draws, for random tuning.
        shift_decades: By how much all logarithmic ranges are moved; a sensitivity arm.
        grid: Range of each swept hyperparameter, by name; an optimizer's ``sweep`` goes before it.
        optimizers: The entries that are compared.
        problems: What they are compared on.
        quick: What ``--quick`` changes.
        snapshots: Costs at which the sharp or flat well of the judged iterate is named, where a problem has
            wells; those beyond the budget are left out.
        contrasts: Claims that the run is to judge; part of the run's identity, so none is added afterwards.
        table: The kind of table that answers the question; ``None`` for the verdicts of ``contrasts``, or ``main``
            where there are none. What is computed does not depend on it.
    """

    name: Annotated[str, Strict(), Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    version: Annotated[int, Strict(), Field(ge=1)]
    question: Text
    units: Literal["normalized", "raw"] = "normalized"
    budget: Annotated[int, Strict(), Field(ge=1, le=MAX_BUDGET)] = 2000
    seed: Annotated[int, Strict(), Field(ge=0, le=MAX_INT)] = 0
    starts: Starts = Field(default_factory=Starts)
    noise_seeds: Annotated[int, Strict(), Field(ge=1, le=10_000)] = 1
    tuning: Literal["grid", "random", "default"] = "grid"
    trials: Annotated[int, Strict(), Field(ge=1, le=1000)] = 64
    shift_decades: Annotated[float, Strict(), Field(ge=-10, le=10)] = 0.0
    grid: Mapping[str, Grid] = Field(default_factory=dict)
    optimizers: Annotated[tuple[OptimizerSpec, ...], Field(min_length=1)]
    problems: Annotated[tuple[ProblemSpec, ...], Field(min_length=1)]
    quick: Quick | None = None
    snapshots: tuple[Annotated[int, Strict(), Field(ge=1, le=MAX_BUDGET)], ...] = ()
    contrasts: tuple[Contrast, ...] = ()
    table: LandscapeTable | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check = {"grid": self._swept, "random": self._random_faults, "default": list}[self.tuning]
        wrong = list(check())
        if self.tuning != "default" and self.starts.tune < 1:
            wrong.append(("starts.tune", f"must be 1 or more for tuning = {self.tuning!r}; got {self.starts.tune}"))
        wrong += repeated("optimizers", [entry.label for entry in self.optimizers])
        wrong += repeated("problems", [entry.label for entry in self.problems])
        wrong += repeated("contrasts", [entry.name for entry in self.contrasts])
        wrong += self._contrast_faults()
        if any(later <= earlier for earlier, later in itertools.pairwise(self.snapshots)):
            wrong.append(("snapshots", f"must be strictly increasing; got {list(self.snapshots)}"))
        wrong += self._quick_faults()
        if wrong:
            raise violations(wrong)
        return self

    def _swept(self) -> list[tuple[str, str]]:
        return grid_faults(self.optimizers, self.grid, self.grid_of)

    def _random_faults(self) -> list[tuple[str, str]]:
        wrong = []
        for index, entry in enumerate(self.optimizers):
            place = f"optimizers[{index}].search"
            ranges, rule = self.ranges_of(entry), entry.build()
            if entry.swept not in ranges:
                ask = f"give search = {{ {entry.swept} = {{ low = ..., high = ... }} }}"
                wrong.append((place, f"{entry.name} has no range for {entry.swept!r}; {ask}"))
            others = [name for name in ranges if name != entry.swept]
            if len(others) > MAX_OTHERS:
                drawn = ", ".join(others)
                message = f"at most {MAX_OTHERS} hyperparameters are drawn beside {entry.swept}; got {drawn}"
                wrong.append((place, f"{message}; hold some with hyper"))
            for name, drawn_from in ranges.items():
                low, high, allowed = drawn_from.low, drawn_from.high, rule.hyper[name]
                if not (allowed.allows(low) and allowed.allows(high)):
                    message = f"{entry.name} needs {name} in {allowed.describe()}; got {low:g} to {high:g}"
                    wrong.append((place, message))
        return wrong

    def _contrast_faults(self) -> list[tuple[str, str]]:
        return [
            (f"contrasts[{index}].{key}", message)
            for index, entry in enumerate(self.contrasts)
            for key, message in self.faults_of(entry)
        ]

    def faults_of(self, contrast: Contrast) -> list[tuple[str, str]]:
        """Returns what is wrong with a claim about the suite: (key, message) pairs."""
        entries = {entry.label: entry for entry in self.optimizers}
        faults = contrast.faults(list(entries), [entry.label for entry in self.problems])
        for end, side in (("left", contrast.left), ("right", contrast.right)):
            members = side.members(entries)
            if not members:
                faults.append((f"{end}.optimizer", unknown_name("entry of the suite", side.optimizer, entries)))
            if self.tuning == "default" and side.setting != "default":
                faults.append((f"{end}.setting", f"a suite that tunes nothing has no setting {side.setting!r}"))
            if side.at is not None and len(members) == 1:
                faults += [(f"{end}.at", fault) for fault in self._value_faults(entries[members[0]], side.at)]
        return faults

    def _value_faults(self, entry: OptimizerSpec, value: float) -> list[str]:
        if self.tuning != "grid":
            return ["needs a grid, whose values are known"]
        if entry.swept not in entry.sweep and entry.swept not in self.grid:
            return []
        values = self.grid_of(entry).values()
        # A sensitivity arm moves the ranges and leaves the claim: it is then about a value that is not tried.
        if self.shift_decades or any(math.isclose(value, tried, rel_tol=1e-9) for tried in values):
            return []
        return [f"must be one of the values of {entry.label}: {', '.join(f'{v:.6g}' for v in values)}; got {value!r}"]

    def _quick_faults(self) -> list[tuple[str, str]]:
        if self.quick is None:
            return []
        wrong = []
        if self.quick.starts is not None and self.tuning != "default" and self.quick.starts.tune < 1:
            wrong.append(("quick.starts.tune", f"must be 1 or more for tuning = {self.tuning!r}; got 0"))
        for kind, entries in (("optimizers", self.optimizers), ("problems", self.problems)):
            for item in getattr(self.quick, kind) or ():
                if not any(matches(item, entry) for entry in entries):
                    labels = [entry.label for entry in entries]
                    wrong.append((f"quick.{kind}", unknown_name("entry of the suite", item, labels)))
        return wrong

    def hash(self) -> str:
        """Returns the hash of what is run: neither the question's words nor the order of entries matter.

        The ranges that random tuning draws from are part of it, wherever they are written.
        """
        apart = {
            "question",
            "table",
            "optimizers",
            "problems",
            "contrasts",
            "quick",
            "tuning",
            "trials",
            "shift_decades",
        }
        data = self.model_dump(mode="json", exclude=apart)
        rules = (entry.model_dump(mode="json", exclude={"search"}) for entry in self.optimizers)
        data["optimizers"] = sorted(rules, key=canonical)
        data["problems"] = sorted((entry.identity() for entry in self.problems), key=canonical)
        if self.noise_seeds == 1:
            del data["noise_seeds"]
        if not self.snapshots:
            del data["snapshots"]
        if self.tuning == "random":
            data["ranges"] = {
                entry.label: {name: [s.low, s.high, s.scale] for name, s in self.ranges_of(entry).items()}
                for entry in self.optimizers
            }
            data["trials"] = self.trials
        if self.tuning != "grid":
            data["tuning"] = self.tuning
        if self.contrasts:
            data["contrasts"] = [entry.model_dump(mode="json", exclude={"refuted_by"}) for entry in self.contrasts]
        if self.shift_decades:
            data["shift_decades"] = self.shift_decades
        return digest(data)

    def grid_of(self, entry: OptimizerSpec) -> Grid:
        """Returns the range that an entry sweeps: its own, or else the suite's; moved by ``shift_decades``."""
        grid = entry.sweep.get(entry.swept) or self.grid[entry.swept]
        moved = shifted(Search(grid.low, grid.high, ""), self.shift_decades)
        return Grid(low=moved.low, high=moved.high, points=grid.points)

    def ranges_of(self, entry: OptimizerSpec) -> dict[str, Search]:
        """Returns the ranges from which random tuning draws an entry, by name, the swept one first.

        A range is the entry's own (``search``, or ``sweep`` for the swept one), else the rule's, else, for the
        swept one, the suite's ``grid``. What ``hyper`` holds and what the suite tells is not drawn. A rule
        without a rate draws its one swept constant and what ``search`` names.

        Args:
            entry: An entry of the suite.

        Returns:
            The ranges, moved by ``shift_decades``.
        """
        rule, swept = entry.build(), entry.swept
        found: dict[str, Search] = {}
        for name in (swept, *(name for name in rule.hyper if name != swept)):
            own = entry.search.get(name)
            grid = None if name != swept else entry.sweep.get(swept) or self.grid.get(swept)
            usual = rule.hyper[name].search
            if name in entry.hyper or rule.hyper[name].told:
                continue
            if own is not None:
                found[name] = Search(own.low, own.high, "the suite's search", own.scale)
            elif grid is not None and (swept in entry.sweep or usual is None):
                found[name] = Search(grid.low, grid.high, "the suite's grid")
            elif usual is not None and (name == swept or "lr" in rule.hyper):
                found[name] = usual
        return {name: shifted(search, self.shift_decades) for name, search in found.items()}


def matches(item: str, entry: OptimizerSpec | ProblemSpec) -> bool:
    """Returns whether a name, a label, or a pattern with ``*`` or ``?`` stands for an entry."""
    pattern = re.escape(item).replace(r"\*", ".*").replace(r"\?", ".")
    return any(re.fullmatch(pattern, name) for name in (entry.name, entry.label))
