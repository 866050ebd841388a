"""The reported runs of each optimizer on each task, in each setting: what every judgement of networks starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.networks.selection import SETTINGS, choices
from optbench.analysis.statistics.arrays import Bools, Floats, Ints
from optbench.errors import DataError
from optbench.records import Split, Status

#: Setting, task and optimizer.
Place = tuple[str, str, str]

#: Statuses of runs that left no scores.
FAILED = (Status.ERROR, Status.TIMEOUT, Status.OOM)


@dataclass(frozen=True)
class ReportedRuns:
    """The reported runs of one configuration on one task, by ascending seed.

    Attributes:
        rows: The rows.
        n_test: Number of test examples.
        at_edge: Whether the configuration was chosen at the edge of what was tried.
    """

    rows: pd.DataFrame
    n_test: int
    at_edge: bool

    @cached_property
    def seeds(self) -> Ints:
        """Seeds, shape (R,)."""
        return self.rows["seed"].to_numpy(np.int64)

    @cached_property
    def scored(self) -> Bools:
        """Which runs have a judged point, shape (R,)."""
        return np.asarray((self.rows["chosen"].to_numpy() >= 0) & self.rows["test_accuracy"].notna().to_numpy())

    @cached_property
    def right(self) -> Floats:
        """Right (1) or wrong (0) by seed and test example, shape (R, N); a run without scores has everything wrong."""
        table = np.zeros((len(self.rows), self.n_test))
        for row, (answers, scored) in enumerate(zip(self.rows["test_right"], self.scored, strict=True)):
            if scored:
                table[row] = np.asarray(answers, dtype=np.float64)
        return table

    def share(self, part: str) -> Floats:
        """Returns the accuracy on ``train`` or ``validation`` examples, shape (R,); 0 where a run has no scores."""
        return np.where(self.scored, self.rows[f"{part}_accuracy"].to_numpy(np.float64, na_value=np.nan), 0.0)

    def loss(self, part: str) -> Floats:
        """Returns the loss on a part, shape (R,); NaN where a run has no scores."""
        return np.where(self.scored, self.rows[f"{part}_loss"].to_numpy(np.float64, na_value=np.nan), np.nan)

    @cached_property
    def stops(self) -> Floats:
        """Passes over the training examples up to the judged point, shape (R,); NaN without scores."""
        out = np.full(len(self.rows), np.nan)
        columns = ("chosen", "curve_grads", "grad_evals", "cost")
        for row, (chosen, grads, evals, cost) in enumerate(zip(*(self.rows[c] for c in columns), strict=True)):
            if self.scored[row]:
                out[row] = float(grads[chosen]) * (cost / evals if evals else 0.0)
        return out

    def count(self, *statuses: str) -> int:
        """Returns how many runs ended with one of some statuses."""
        return int(self.rows["status"].isin([str(status) for status in statuses]).sum())


def reported(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> dict[Place, ReportedRuns]:
    """Sorts the reported runs by setting, task and optimizer.

    The setting ``default`` is the optimizer's own defaults; ``tuned`` the configuration that ``choices`` finds in the
    tuning runs. Where the two coincide the same runs stand for both.

    Args:
        runs: Rows with the columns of ``records.networks``.
        manifest: The run's manifest.

    Returns:
        Reported runs by (setting, task, optimizer), sorted; only those that have rows.
    """
    tune = runs[runs["split"] == str(Split.TUNE)]
    report = runs[runs["split"] == str(Split.REPORT)].sort_values(["task", "optimizer", "config", "seed"])
    chosen = choices(tune, manifest) if len(tune) else {}
    found: dict[Place, ReportedRuns] = {}
    for (task, optimizer), rows in report.groupby(["task", "optimizer"], sort=True):
        n_test = _n_test(rows, manifest.get("tasks", {}).get(str(task), {}))
        default = rows[rows["is_default"].astype(bool)]
        if len(default):
            found["default", str(task), str(optimizer)] = ReportedRuns(default, n_test, False)
        if (choice := chosen.get((str(task), str(optimizer)))) is not None:
            tuned = rows[rows["config"] == choice.config]
            if len(tuned):
                found["tuned", str(task), str(optimizer)] = ReportedRuns(tuned, n_test, choice.at_edge)
    return dict(sorted(found.items(), key=lambda item: (SETTINGS.index(item[0][0]), *item[0][1:])))


def check_paired(left: ReportedRuns, right: ReportedRuns, tasks: tuple[str, str]) -> None:
    """Refuses to compare runs that were not tested on the same examples.

    Args:
        left: Runs on one task.
        right: Runs on another, or the same.
        tasks: Labels of both.

    Raises:
        DataError: The two tasks were tested on different numbers of examples.
    """
    if left.n_test != right.n_test:
        names = " and ".join(tasks)
        raise DataError(f"{names} must have the same test examples; got {left.n_test}, {right.n_test}")


def _n_test(rows: pd.DataFrame, task: Mapping[str, Any]) -> int:
    """Returns the number of test examples: the manifest's, or that of the rows."""
    sizes = [len(answers) for answers in rows["test_right"] if answers is not None]
    return int(task.get("n_test", max(sizes, default=0)))
