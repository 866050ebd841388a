"""Contrasts in a suite file: claims that are stated before the run, and which entries and problems they are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Literal, Self

from pydantic import Field, model_validator

from optbench.suite.claim import Claim, matching
from optbench.suite.model import Model, Positive, Text, violations

#: Measures of a whole sweep, which an entry has and a set of entries or a single value has not.
OF_A_SWEEP = ("width", "even")


class Side(Model):
    """One side of a contrast.

    Attributes:
        optimizer: Label of an entry, or a pattern with ``*``: of the entries that match it, the one that scores best
            on tuning starts stands for all, on each problem by itself.
        setting: In which setting.
        at: A value of the swept hyperparameter, one of the grid's; it takes the place of the setting.
    """

    optimizer: Text
    setting: Literal["default", "one_for_all", "tuned"] = "tuned"
    at: Positive | None = None

    def members(self, labels: Iterable[str]) -> list[str]:
        """Returns the labels of the entries that stand on this side.

        Args:
            labels: Labels of all entries.

        Returns:
            Those that are meant, in their order.

        Example:
            >>> Side(optimizer="nag*").members(["sgd", "nag", "nag[beta=0.5]"])
            ['nag', 'nag[beta=0.5]']
        """
        labels = list(labels)
        return [self.optimizer] if self.optimizer in labels else [x for x in labels if fnmatchcase(x, self.optimizer)]


class Contrast(Claim):
    """A claim about optimizers on problems.

    Attributes:
        left: The side that the claim says is better.
        right: The other side.
        problems: Patterns of the labels of the problems that it is about, with blanks between them; ``None`` for all.
        beyond: The same for problems on which the difference is said to be smaller: each problem is held against the
            one of these that differs from it in the noise alone.
        groups: Patterns by name: parts of the problems, each with a verdict of its own. Where one holds and another
            fails, the claim depends.
        measure: ``score``, ``reach``, ``solved``, ``width``, ``even`` or ``late``; more is better.
        over: ``mean`` over problems, or the ``worst`` of them.
    """

    left: Side
    right: Side
    problems: Text | None = None
    beyond: Text | None = None
    groups: Mapping[str, Text] = Field(default_factory=dict)
    measure: Literal["score", "reach", "solved", "width", "even", "late"] = "score"
    over: Literal["mean", "worst"] = "mean"

    @model_validator(mode="after")
    def _two_sides(self) -> Self:
        wrong = []
        if self.left == self.right and self.beyond is None:
            wrong.append(("right", "must differ from left in optimizer or setting"))
        for end, side in (("left", self.left), ("right", self.right)):
            if side.at is not None and self.measure in OF_A_SWEEP:
                wrong.append((f"{end}.at", f"{self.measure} belongs to a whole sweep, not to one value"))
        if self.groups and self.over == "worst":
            wrong.append(("groups", "the worst problem has no groups; leave them out, or over"))
        if wrong:
            raise violations(wrong)
        return self

    def about(self, problems: Iterable[str]) -> list[str]:
        """Returns the labels of the problems that the claim is about.

        Args:
            problems: Labels of all problems.

        Returns:
            Those that are meant, in their order.
        """
        return matching(self.problems, problems)

    def applies(self, optimizers: Sequence[str], problems: Sequence[str]) -> bool:
        """Returns whether a suite with these entries can judge the claim: both sides, and a problem on every side.

        Args:
            optimizers: Labels of the entries.
            problems: Labels of the problems.

        Returns:
            Whether nothing that it needs is left out.
        """
        sides = all(side.members(optimizers) for side in (self.left, self.right))
        return sides and bool(self.about(problems)) and not self.faults(optimizers, problems)

    def faults(self, optimizers: Sequence[str], problems: Sequence[str]) -> list[tuple[str, str]]:
        """Returns what it says of problems and sets of entries that cannot be.

        Args:
            optimizers: Labels of the entries.
            problems: Labels of the problems.

        Returns:
            (key, message) pairs.
        """
        wrong = []
        patterns = {"problems": self.problems, "beyond": self.beyond}
        for key, pattern in patterns.items():
            if pattern is not None and not matching(pattern, problems):
                wrong.append((key, f"{pattern!r} matches no problem of the suite"))
        if self.beyond is not None and matching(self.beyond, problems):
            twins = [label.partition("~")[0] for label in self.about(problems)]
            others = {label.partition("~")[0] for label in matching(self.beyond, problems)}
            if lone := [base for base in twins if base not in others or twins.count(base) > 1]:
                wrong.append(
                    ("beyond", f"each problem needs one of its own that differs in the noise alone: {lone[0]}")
                )
        for end, side in (("left", self.left), ("right", self.right)):
            if len(side.members(optimizers)) < 2:
                continue
            if side.setting == "default" or side.at is not None:
                key = "setting" if side.at is None else "at"
                wrong.append((f"{end}.{key}", "a set of entries has no default and no single value"))
            if self.measure in OF_A_SWEEP:
                wrong.append((f"{end}.optimizer", f"{self.measure} belongs to the sweep of one entry; got several"))
        return wrong
