"""A replicate of a study: its data and split, and the networks that are to be trained on them."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from optbench.core.keys import canonical, generator
from optbench.engine.retraining.members import Member
from optbench.suite.studies.plan import Cell, StudyGroup
from optbench.suite.studies.setting import Setting
from optbench.tasks import data
from optbench.tasks.data.dataset import Dataset
from optbench.tasks.task import Examples, Task


class Pool(NamedTuple):
    """All rows outside of the test part.

    Attributes:
        rows: Rows of the data set, in ascending order.
        folds: Of each fold, places in ``rows`` to train on and those held out.
    """

    rows: np.ndarray
    folds: list[tuple[np.ndarray, np.ndarray]]


class Replicate:
    """Data and split of one replicate; data that are generated are drawn anew for each.

    Attributes:
        group: The study.
        index: Which replicate.
    """

    def __init__(self, group: StudyGroup, index: int) -> None:
        """Reads nothing yet."""
        self.group, self.index = group, index
        self._tasks: dict[tuple[str, float, int | None], Task] = {}

    @property
    def seed(self) -> int:
        """Seed of its split, and of its data where they are generated."""
        return self.group.split_seed(self.index)

    @cached_property
    def dataset(self) -> Dataset:
        """The data, with room for the largest training part."""
        wanted = [setting.n_train for setting in self.group.settings if setting.n_train is not None]
        return self.drawn(self.seed, max(wanted, default=None))

    def drawn(self, seed: int, n_train: int | None) -> Dataset:
        """Returns the data; those that are generated from a seed.

        Args:
            seed: Seed of data that are generated.
            n_train: Examples to train on.
        """
        study = self.group.study
        assert study.data is not None
        return data.load(study.data, seed=seed, n_train=n_train, n_test=study.n_test)

    def task(self, setting: Setting) -> Task:
        """Returns the parts and the model of a setting."""
        strengths = setting.strengths()
        key = (canonical(dict(setting.regularization)), setting.width, setting.n_train)
        if key not in self._tasks:
            self._tasks[key] = Task.of(
                self.dataset,
                setting.network(),
                split_seed=self.seed,
                regularization=strengths,
                n_train=setting.n_train,
                n_test=self.group.study.n_test,
            )
        return self._tasks[key]

    def fresh(self, setting: Setting, cell: Cell) -> Task:
        """Returns the task with a training part of a member's own, generated anew; the other parts stay.

        Args:
            setting: How it is trained.
            cell: Which member.
        """
        seed = int(generator(self.group.seed, "studies", "fresh data", self.index, cell.member).integers(2**31))
        own = self.drawn(seed, setting.n_train)
        rows = data.split(own, seed, n_train=setting.n_train, n_test=self.group.study.n_test).train
        return replace(self.task(setting), train=Examples(own.x[rows], own.y[rows]))

    @cached_property
    def pool(self) -> Pool:
        """The rows outside of the test part, and folds of them."""
        study = self.group.study
        assert study.folds is not None
        found = data.folds(self.dataset, study.folds, self.seed, n_train=study.n_train, n_test=study.n_test)
        rows = np.sort(np.concatenate([held_out for _, held_out in found]))
        return Pool(rows, [(np.searchsorted(rows, train), np.searchsorted(rows, out)) for train, out in found])

    def pooled(self, setting: Setting) -> Task:
        """Returns a task whose training part is all rows outside of the test part.

        Its validation part is its first row, since a task has one; nothing is read off it.
        """
        x, y = self.dataset.x[self.pool.rows], self.dataset.y[self.pool.rows]
        return replace(self.task(setting), train=Examples(x, y), validation=Examples(x[:1], y[:1]))

    def member(
        self,
        setting: Setting,
        cell: Cell,
        base: Task,
        *,
        rows: np.ndarray | None = None,
        held_out: np.ndarray | None = None,
        test: bool = True,
    ) -> Member:
        """Returns a network that is to be trained.

        Args:
            setting: How.
            cell: Which model of the study it is; its seed hangs on it.
            base: Its parts.
            rows: Rows of the training part; all if ``None``.
            held_out: Rows of it that stand in for validation.
            test: Whether it is tested.
        """
        n_rows = len(base.train.y) if rows is None else len(rows)
        return Member(
            base,
            canonical([setting.model, setting.width, dict(setting.regularization)]),
            setting.rule().build(),
            setting.hypers(n_rows),
            self.group.run_seed(self.index, cell),
            setting.batch_size,
            setting.epochs,
            rows,
            held_out,
            test,
        )
