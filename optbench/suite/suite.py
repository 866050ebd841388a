"""What the suites of all kinds have in common: who is compared, how each is tuned, and what a run is known by."""

from __future__ import annotations

import importlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, Strict, ValidationError, model_validator

from optbench.core.keys import canonical, digest
from optbench.core.optimizer import Search
from optbench.errors import UsageError, unknown_name
from optbench.kinds import KINDS
from optbench.records.schema import Schema
from optbench.suite.claim import Claim
from optbench.suite.entry import Entry
from optbench.suite.explaining import explain
from optbench.suite.faults import grid_faults, held_faults, range_faults, repeated, unused_grids
from optbench.suite.measure import MeasureSpec, measure_faults
from optbench.suite.model import MAX_INT, Grid, Model, Text, violations
from optbench.suite.optimizer import OptimizerSpec
from optbench.suite.tuning import design, shifted

Trials = Annotated[int, Strict(), Field(ge=1, le=1000)]


class Quick(Model):
    """The quick size of a suite: what ``--quick`` changes, so that it ends within minutes; the rest stays.

    Attributes:
        trials: Number of configurations that each entry draws, for random tuning.
        points: Number of values of each swept hyperparameter, over the same range.
        optimizers: Names, labels or patterns of the entries that are kept; ``None`` for all.
        measures: What is measured; ``None`` for what the suite measures.
    """

    trials: Trials | None = None
    points: Annotated[int, Strict(), Field(ge=2, le=1000)] | None = None
    optimizers: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    measures: tuple[MeasureSpec, ...] | None = None


class Suite(Model):
    """A whole suite: optimizers x configurations x repetitions, on problems or on tasks.

    Attributes:
        KIND: Its kind, a key of ``optbench.kinds.KINDS``.
        OF: What it is of, in messages.
        SUBJECT: An entry of the table that makes it one of its kind.
        REPEATS: The key that has the numbers of tuning and reported repetitions.
        OWN_RANGES: Whether random tuning draws from a rule's own range where ``grid`` has one, too. Rules have those of
            functions whose units are normalized.
        ALONG: Whether its runs can be measured along their paths.
        MEASURED: Whether points that its runs lead to can be kept and measured.
        name: Folder of its results.
        version: Raised whenever a range or an entry changes.
        question: What the suite answers, in one sentence.
        seed: Seed of all that is drawn.
        tuning: ``grid``, ``random`` or ``default``, which tunes nothing.
        trials: Number of configurations that each entry draws, for random tuning.
        shift_decades: By how much all logarithmic ranges are moved; a sensitivity arm.
        grid: Range of each swept hyperparameter, by name; an optimizer's ``sweep`` goes before it.
        optimizers: The entries that are compared.
        quick: What ``--quick`` changes.
        contrasts: Claims that the run is to judge; part of the run's identity, so none is added afterwards.
        table: The kind of table that answers the question; ``None`` for the verdicts of ``contrasts``, or ``main``
            where there are none. What is computed does not depend on it.
        measures: What is measured of each reported run, at its judged point or along its path. No row of a run depends
            on it, nor any id.
    """

    KIND: ClassVar[str]
    OF: ClassVar[str]
    SUBJECT: ClassVar[type[Entry]]
    REPEATS: ClassVar[str]
    OWN_RANGES: ClassVar[bool] = True
    ALONG: ClassVar[bool] = False
    MEASURED: ClassVar[bool] = True

    name: Annotated[str, Strict(), Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    version: Annotated[int, Strict(), Field(ge=1)]
    question: Text
    seed: Annotated[int, Strict(), Field(ge=0, le=MAX_INT)] = 0
    tuning: Literal["grid", "random", "default"] = "grid"
    trials: Trials = 64
    shift_decades: Annotated[float, Strict(), Field(ge=-10, le=10)] = 0.0
    grid: Mapping[str, Grid] = Field(default_factory=dict)
    optimizers: Annotated[tuple[OptimizerSpec, ...], Field(min_length=1)]
    quick: Quick | None = None
    contrasts: tuple[Claim, ...] = ()
    table: str | None = None
    measures: tuple[MeasureSpec, ...] = ()

    @property
    def subjects(self) -> tuple[Entry, ...]:
        """What the optimizers are compared on: the entries of the table of the suite's kind."""
        found: tuple[Entry, ...] = getattr(self, KINDS[self.KIND])
        return found

    @classmethod
    def entries(cls) -> dict[str, type[Entry]]:
        """Returns the two lists of entries by their keys."""
        return {"optimizers": OptimizerSpec, KINDS[cls.KIND]: cls.SUBJECT}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if wrong := self.faults():
            raise violations(wrong)
        return self

    def faults(self) -> list[tuple[str, str]]:
        """Returns what is wrong with the suite as a whole: (key, message) pairs."""
        wrong = [] if self.tuning == "default" else held_faults(self.optimizers)
        if self.tuning == "grid":
            wrong += grid_faults(self.optimizers, self.grid, self.grid_of)
        elif self.tuning == "random":
            wrong += range_faults(self.optimizers, self.ranges_of)
        for key, table in ((self.REPEATS, self), (f"quick.{self.REPEATS}", self.quick)):
            repeats = getattr(table, self.REPEATS, None)
            if self.tuning != "default" and repeats is not None and repeats.tune < 1:
                wrong.append((f"{key}.tune", f"must be 1 or more for tuning = {self.tuning!r}; got {repeats.tune}"))
        for table_key, kind in self.entries().items():
            found = getattr(self, table_key)
            labels = [entry.label for entry in found]
            wrong += repeated(table_key, labels)
            for item in getattr(self.quick, table_key, None) or ():
                if not kind.meant(item, found):
                    wrong.append((f"quick.{table_key}", unknown_name("entry of the suite", item, labels)))
        for key, table in (("measures", self), ("quick.measures", self.quick)):
            entries, own = getattr(table, "measures", None) or (), getattr(table, "levels", None)
            levels = self.kept_levels if own is None else own
            wrong += measure_faults(key, entries, along=self.ALONG, levels=levels, schema=self._row_schema())
        wrong += repeated("contrasts", [claim.name for claim in self.contrasts])
        for index, claim in enumerate(self.contrasts):
            wrong += [(f"contrasts[{index}].{key}", message) for key, message in self.faults_of(claim)]
        return wrong

    @property
    def kept_levels(self) -> tuple[float, ...]:
        """Training losses at which runs keep weights; none of a kind that has no ``levels``."""
        found: tuple[float, ...] = getattr(self, "levels", ())
        return found

    def _row_schema(self) -> Schema:
        """Returns what rows of runs have."""
        found: Schema = importlib.import_module(f"optbench.records.{self.KIND}").ROWS
        return found

    @abstractmethod
    def faults_of(self, claim: Any) -> list[tuple[str, str]]:
        """Returns what is wrong with a claim about the suite: (key, message) pairs."""

    @abstractmethod
    def can_judge(self, claim: Any, changes: Mapping[str, Any]) -> bool:
        """Returns whether nothing that a claim needs is left out of the entries in ``changes``."""

    def unused(self) -> Iterator[str]:
        """Yields what a suite's file says in vain: a key that changes no run is a mistake, such as a misspelled name.

        A part of a suite may leave unused what the whole uses, so this is asked of files alone.
        """
        yield from unused_grids(self.optimizers, self.grid)

    def grid_of(self, entry: OptimizerSpec) -> Grid:
        """Returns the range that an entry sweeps: its own, or else the suite's; moved by ``shift_decades``."""
        grid = entry.sweep.get(entry.swept) or self.grid[entry.swept]
        moved = shifted(Search(grid.low, grid.high, ""), self.shift_decades)
        return Grid(low=moved.low, high=moved.high, points=grid.points)

    def ranges_of(self, entry: OptimizerSpec) -> dict[str, Search]:
        """Returns the ranges from which random tuning draws an entry, by name, the swept one first.

        A range is the entry's own (``search``, or ``sweep`` for the swept one), else the rule's, else, for the
        swept one, the suite's ``grid``; that goes before the rule's where a kind has no ``OWN_RANGES``. What ``hyper``
        holds and what the suite tells is not drawn. A rule
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
            elif grid is not None and (swept in entry.sweep or usual is None or not self.OWN_RANGES):
                found[name] = Search(grid.low, grid.high, "the suite's grid")
            elif usual is not None and (name == swept or "lr" in rule.hyper):
                found[name] = usual
        return {name: shifted(search, self.shift_decades) for name, search in found.items()}

    def trials_of(self, entry: OptimizerSpec) -> tuple[dict[str, float], ...]:
        """Returns what each trial of an entry tries, in the order of tuning."""
        if self.tuning == "default":
            return ()
        if self.tuning == "random":
            return design(self.ranges_of(entry), self.trials, seed=self.seed, label=entry.label)
        return tuple({entry.swept: value} for value in self.grid_of(entry).values())

    def identity(self) -> dict[str, Any]:
        """Returns what is run, ready for JSON: neither the question's words nor the order of entries matter.

        The ranges that random tuning draws from are part of it, wherever they are written.
        """
        apart = {"question", "table", "quick", "trials", "shift_decades", "contrasts", "measures", *self.entries()}
        data = self.model_dump(mode="json", exclude=apart)
        for key in self.entries():
            data[key] = sorted((entry.identity() for entry in getattr(self, key)), key=canonical)
        if self.tuning == "random":
            data["ranges"] = {
                entry.label: {name: [s.low, s.high, s.scale] for name, s in self.ranges_of(entry).items()}
                for entry in self.optimizers
            }
            data["trials"] = self.trials
        if self.shift_decades:
            data["shift_decades"] = self.shift_decades
        if self.contrasts:
            data["contrasts"] = [claim.model_dump(mode="json", exclude={"refuted_by"}) for claim in self.contrasts]
        return data

    def hash(self) -> str:
        """Returns the hash of what is run."""
        return digest(self.identity())

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """Returns a valid suite with some keys changed.

        Args:
            changes: New values by key.

        Raises:
            UsageError: It would not be valid; all problems at once.
        """
        try:
            return type(self)(**{**dict(self), **changes})
        except ValidationError as error:
            raise UsageError(explain(error, type(self)), where=f"suite {self.name!r}") from None

    @property
    def is_open(self) -> bool:
        """Whether other entries of the catalogue may join what a suite has."""
        return True

    def lessened(self) -> dict[str, Any]:
        """Returns what the quick size changes, by key: of both lists the entries that stay."""
        fields = type(self).model_fields
        given = dict(self.quick) if self.quick else {}
        changes = {key: value for key, value in given.items() if value is not None and key in fields}
        for key, kind in self.entries().items():
            entries = getattr(self, key)
            if items := changes.get(key):
                kept = {entry.label for item in items for entry in kind.meant(item, entries)}
                entries = tuple(entry for entry in entries if entry.label in kept)
            # What the quick size sets, such as epochs, holds for every entry.
            own = {name: None for name in changes if name in kind.model_fields}
            changes[key] = tuple(entry.model_copy(update=own) for entry in entries)
        return changes

    def selected(self, changes: Mapping[str, Any]) -> Self:
        """Returns the suite with what was selected, without contrasts about what is left out."""
        return self.changed({**changes, "contrasts": self._claims(changes)})

    def shrunk(self, changes: Mapping[str, Any]) -> Self:
        """Returns the suite in its quick size; a claim about a value that the smaller grid has not is left out."""
        small = self.changed({**changes, "contrasts": ()})
        claims = (claim for claim in self._claims(changes) if not small.faults_of(claim))
        return small.model_copy(update={"contrasts": tuple(claims)})

    def _claims(self, changes: Mapping[str, Any]) -> tuple[Claim, ...]:
        return tuple(claim for claim in self.contrasts if self.can_judge(claim, changes))
