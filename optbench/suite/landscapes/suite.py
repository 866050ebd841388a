"""A suite of functions as data: which problems are minimized by which rules, at which cost, from how many starts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, Strict

from optbench.errors import unknown_name
from optbench.records import MAX_BUDGET
from optbench.suite.landscapes.contrast import Contrast
from optbench.suite.landscapes.problem import ProblemSpec
from optbench.suite.model import Model, Text
from optbench.suite.optimizer import OptimizerSpec
from optbench.suite.suite import Quick, Suite

#: Kinds of table that a suite of functions may name as the one that answers its question.
Table = Literal[
    "main",
    "gaps",
    "reach",
    "solved",
    "evals",
    "ert",
    "tuning",
    "matrix",
    "ranking",
    "stability",
    "contrasts",
    "wells",
    "theory",
    "long",
    "sharpness",
]

Budget = Annotated[int, Strict(), Field(ge=1, le=MAX_BUDGET)]
NoiseSeeds = Annotated[int, Strict(), Field(ge=1, le=10_000)]


class Starts(Model):
    """How many starts serve tuning and how many others are reported.

    Attributes:
        tune: Starts on which configurations are chosen; 0 only where nothing is.
        report: Starts, disjoint from those, on which everything is reported.
    """

    tune: Annotated[int, Strict(), Field(ge=0, le=1_000_000)] = 16
    report: Annotated[int, Strict(), Field(ge=1, le=1_000_000)] = 32


class LandscapeQuick(Quick):
    """The quick size of a suite of functions.

    Attributes:
        budget: Cost of one run.
        starts: Numbers of tuning and reported starts.
        noise_seeds: Runs from each start that differ in the noise alone.
        problems: Names, labels or patterns of the problems that are kept; ``None`` for all.
    """

    budget: Budget | None = None
    starts: Starts | None = None
    noise_seeds: NoiseSeeds | None = None
    problems: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None


class LandscapeSuite(Suite):
    """A whole suite of functions: problems x optimizers x configurations x starts.

    Attributes:
        units: ``normalized`` (every box 10 wide, values in units of ``f_scale``) or ``raw``.
        budget: Cost of one run, in gradient evaluations.
        starts: Numbers of tuning and reported starts.
        noise_seeds: Runs from each start, where a problem has noise, that differ in the noise alone.
        problems: What the entries are compared on.
        quick: What ``--quick`` changes.
        snapshots: Costs at which the sharp or flat well of the judged iterate is named, where a problem has
            wells; those beyond the budget are left out.
    """

    KIND: ClassVar = "landscapes"
    OF: ClassVar = "functions"
    SUBJECT: ClassVar = ProblemSpec
    REPEATS: ClassVar = "starts"

    units: Literal["normalized", "raw"] = "normalized"
    budget: Budget = 2000
    starts: Starts = Field(default_factory=Starts)
    noise_seeds: NoiseSeeds = 1
    problems: Annotated[tuple[ProblemSpec, ...], Field(min_length=1)]
    quick: LandscapeQuick | None = None
    snapshots: tuple[Budget, ...] = ()
    contrasts: tuple[Contrast, ...] = ()
    table: Table | None = None

    def faults(self) -> list[tuple[str, str]]:
        """Returns what is wrong with the suite as a whole: (key, message) pairs."""
        wrong = super().faults()
        if any(later <= earlier for earlier, later in itertools.pairwise(self.snapshots)):
            wrong.append(("snapshots", f"must be strictly increasing; got {list(self.snapshots)}"))
        return wrong

    def faults_of(self, claim: Contrast) -> list[tuple[str, str]]:
        """Returns what is wrong with a claim about the suite: (key, message) pairs."""
        entries = {entry.label: entry for entry in self.optimizers}
        faults = claim.faults(list(entries), [entry.label for entry in self.problems])
        for end, side in (("left", claim.left), ("right", claim.right)):
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

    def unused(self) -> Iterator[str]:
        """Yields what a suite's file says in vain."""
        yield from super().unused()
        if self.snapshots and not any(entry.build().wells for entry in self.problems):
            yield "snapshots: no problem has two wells, so there is nothing to name"
        if self.noise_seeds > 1 and not any(entry.noise for entry in self.problems):
            yield f"noise_seeds: no problem has noise, so all {self.noise_seeds} runs of a start would be one"

    def identity(self) -> dict[str, Any]:
        """Returns what is run; what came later is left out where it is not used: older runs keep their names."""
        data = super().identity()
        if self.tuning == "grid":
            del data["tuning"]
        if self.noise_seeds == 1:
            del data["noise_seeds"]
        if not self.snapshots:
            del data["snapshots"]
        return data

    def can_judge(self, claim: Contrast, changes: Mapping[str, Any]) -> bool:
        """Returns whether nothing that a claim needs is left out of the entries in ``changes``."""
        return claim.applies(*([entry.label for entry in changes[key]] for key in self.entries()))
