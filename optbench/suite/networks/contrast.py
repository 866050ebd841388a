"""Contrasts of a suite of networks: which optimizers are compared, and which of two tasks each pair is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self

from pydantic import model_validator

from optbench.errors import unknown_name
from optbench.suite.claim import Claim, matching
from optbench.suite.model import Model, Text, violations

#: What a task is, by name: its data set first.
Content = Mapping[str, object]


class Side(Model):
    """One side of a contrast.

    Attributes:
        optimizer: Label of an entry.
        setting: In which setting.
        task: Patterns of the labels of its tasks, with blanks between them; ``None`` for those of the contrast.
    """

    optimizer: Text
    setting: Literal["default", "tuned"] = "tuned"
    task: Text | None = None


class Contrast(Claim):
    """A claim about optimizers on tasks, or about two tasks: with and without a regularizer, small and large batches.

    Attributes:
        left: The side whose measure is said to be greater.
        right: The other side.
        tasks: Patterns of the labels of the tasks that it is about, with blanks between them; ``None`` for all.
        measure: ``test`` or ``train``, the share of examples that are right, or ``gap``, the second minus the first.
    """

    left: Side
    right: Side
    tasks: Text | None = None
    measure: Literal["test", "train", "gap"] = "test"

    @model_validator(mode="after")
    def _two_sides(self) -> Self:
        if self.left == self.right:
            raise violations([("right", "must differ from left in optimizer, setting or task")])
        return self

    def pairs(self, tasks: Mapping[str, Content]) -> list[tuple[str, str]]:
        """Returns the tasks that are held against each other, left and right.

        Where no side names tasks, each task stands on both. Else a task of the left side has its twin on the right:
        of the same data set, and of those the one that is like it in most else.

        Args:
            tasks: What each task of the suite is, by label; all have the same keys, ``data`` among them.

        Returns:
            Pairs of labels, in the order of the left side. Tasks without a twin, or with several, are left out.

        Example:
            >>> tasks = {f"{m}-b{b}": {"data": "d", "model": m, "batch": b} for m in ("a", "c") for b in (8, 64)}
            >>> left, right = {"optimizer": "sgd", "task": "*-b8"}, {"optimizer": "sgd", "task": "*-b64"}
            >>> Contrast(name="x", claim="Small is better.", left=left, right=right).pairs(tasks)
            [('a-b8', 'a-b64'), ('c-b8', 'c-b64')]
        """
        about = matching(self.tasks, tasks)
        if self.left.task is None and self.right.task is None:
            return [(task, task) for task in about]
        lefts, rights = (matching(side.task, about) for side in (self.left, self.right))
        found = ((task, self._twins(task, rights, tasks)) for task in lefts)
        return [(task, twins[0]) for task, twins in found if len(twins) == 1]

    def faults(self, optimizers: Sequence[str], tasks: Mapping[str, Content]) -> list[tuple[str, str]]:
        """Returns what it says that cannot be.

        Args:
            optimizers: Labels of the entries of the suite.
            tasks: What each task of the suite is, by label.

        Returns:
            (key, message) pairs.
        """
        about = matching(self.tasks, tasks)
        if not about:
            return [("tasks", f"{self.tasks!r} matches no task of the suite")]
        wrong = []
        for end, side in (("left", self.left), ("right", self.right)):
            if side.optimizer not in optimizers:
                wrong.append((f"{end}.optimizer", unknown_name("entry of the suite", side.optimizer, optimizers)))
            if not matching(side.task, about):
                wrong.append((f"{end}.task", f"{side.task!r} matches no task that the contrast is about"))
        pairs = self.pairs(tasks)
        paired = {left for left, _ in pairs}
        if not wrong and (lone := [task for task in matching(self.left.task, about) if task not in paired]):
            twins = self._twins(lone[0], matching(self.right.task, about), tasks)
            got = f"several are as like it: {', '.join(twins)}" if twins else "no other is of the same data set"
            wrong.append(("right.task", f"{lone[0]} needs one task on the right that it is held against; {got}"))
        if not wrong:
            differ = {_difference(tasks[left], tasks[right]): f"{left} and {right}" for left, right in pairs}
            if len(differ) > 1:
                got = "; ".join(f"{names} in {what or 'nothing'}" for what, names in differ.items())
                wrong.append(("right.task", f"all pairs of tasks must differ in the same; got {got}"))
        return wrong

    def _twins(self, task: str, others: Sequence[str], tasks: Mapping[str, Content]) -> list[str]:
        """Returns the tasks on the right that are of a task's data set and like it in most else."""
        is_itself = (self.left.optimizer, self.left.setting) == (self.right.optimizer, self.right.setting)
        likeness = {
            label: sum(tasks[label][key] == value for key, value in tasks[task].items())
            for label in others
            if tasks[label]["data"] == tasks[task]["data"] and not (is_itself and label == task)
        }
        return [label for label, like in likeness.items() if like == max(likeness.values())]


def _difference(one: Content, other: Content) -> str:
    """Returns the names of what two tasks differ in."""
    return ", ".join(key for key, value in one.items() if other[key] != value)
