"""Claims about networks that a suite names before its run, each judged on the same seeds and test examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import isnan, sqrt
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.networks.ranking import FEWEST_SEEDS
from optbench.analysis.networks.runs import Place, ReportedRuns, check_paired, reported
from optbench.analysis.statistics.arrays import Floats, Ints
from optbench.analysis.statistics.crossed import Crossed, crossed, over_seeds
from optbench.analysis.statistics.groups import holm, steps
from optbench.analysis.statistics.intervals import LEVEL
from optbench.analysis.statistics.paired import Estimate
from optbench.analysis.statistics.verdicts import verdict

CONTRASTS = (
    *("contrast", "claim", "refuted_by", "left", "right", "measure", "margin"),
    *("n_pairs", "n_data", "n_seeds"),
    *("difference", "low", "high", "level", "p", "p_holm", "verdict", "detectable"),
)

#: What became of a claim that no runs, or too few seeds, can judge.
NOT_RUN, FEW_SEEDS = "not run", "few seeds"


@dataclass(frozen=True)
class ComparedTasks:
    """The two sides of one claim.

    Attributes:
        parts: The mean difference on each data set, whose tasks share their test examples.
        weights: Share of each data set among the pairs of tasks.
        n_pairs: Number of pairs of tasks.
        n_seeds: Seeds of the pair that has the fewest.
        margin: How much less than the right side's the left side's measure may be; part of every estimate.
    """

    parts: Sequence[Crossed]
    weights: Floats
    n_pairs: int
    n_seeds: int
    margin: float

    def estimate(self, level: float = LEVEL) -> Estimate:
        """Returns the mean difference for new seeds and new test examples, the margin included."""
        middle = self._mean([part.center for part in self.parts])
        half = self._half((1 + level) / 2)
        if isnan(half):
            return Estimate(self._mean([part.estimate for part in self.parts]), -np.inf, np.inf, 1.0)
        return Estimate(
            self._mean([part.estimate for part in self.parts]), middle - half, middle + half, self._p(abs(middle))
        )

    def _mean(self, values: Sequence[float]) -> float:
        return float(self.weights @ np.array(values)) + self.margin

    def _half(self, share: float) -> float:
        # Data sets have test examples and keys of their own: their errors are independent.
        return sqrt(sum((w * part.half_at(share)) ** 2 for w, part in zip(self.weights, self.parts, strict=True)))

    def _p(self, distance: float) -> float:
        """Returns the p-value of no difference: the level at which the interval's end is 0."""
        from scipy import optimize

        if self._half(0.5 + 1e-12) >= distance:
            return 1.0
        ends = (0.5 + 1e-12, 1 - 1e-15)
        if self._half(ends[1]) <= distance:
            return 2 * (1 - ends[1])
        return float(2 * (1 - optimize.brentq(lambda share: self._half(share) - distance, *ends)))


def contrasts(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Judges the contrasts of a suite of networks.

    Differences are paired on seeds and test examples; their intervals hold for new seeds and new test examples, and
    for the tasks as they are. Each stands at the level of its step in Holm's procedure over all claims that have
    enough seeds, so it excludes 0 exactly where Holm rejects at 5 %.

    Args:
        runs: Rows with the columns of ``records.networks.ROWS``.
        manifest: The run's manifest, with the suite's ``contrasts``, each with the ``pairs`` of tasks it is about.

    Returns:
        One row per contrast, in the suite's order. ``verdict`` is ``holds``, ``fails``, ``depends``, ``not run`` where
        no pair has runs of both sides, or ``few seeds`` below ten.

    Raises:
        DataError: Two tasks that are compared were tested on different numbers of examples.
    """
    stated = list(manifest.get("contrasts", ()))
    entries = reported(runs, manifest) if stated else {}
    found = [compared(statement, entries, manifest) for statement in stated]
    judged = [k for k, side in enumerate(found) if side is not None and side.n_seeds >= FEWEST_SEEDS]
    p = np.array([side.estimate().p for k, side in enumerate(found) if side is not None and k in judged])
    adjusted = dict(zip(judged, holm(p).tolist(), strict=True))
    level = dict(zip(judged, steps(p).tolist(), strict=True))
    rows: list[tuple[object, ...]] = []
    for k, (statement, side) in enumerate(zip(stated, found, strict=True)):
        about = (
            *(statement["name"], statement["claim"], statement.get("refuted_by") or ""),
            *(_title(statement["left"]), _title(statement["right"])),
            *(statement["measure"], statement.get("margin", 0.0)),
        )
        if side is None:
            rows.append((*about, 0, 0, 0, *[np.nan] * 6, NOT_RUN, np.nan))
            continue
        at = side.estimate(level.get(k, LEVEL))
        word = verdict(at, {}) if k in level else FEW_SEEDS
        rows.append((
            *about, side.n_pairs, len(side.parts), side.n_seeds, at.estimate, at.low, at.high, level.get(k, LEVEL),
            at.p if k in level else np.nan, adjusted.get(k, np.nan), word, (at.high - at.low) / 2,
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=list(CONTRASTS))


def compared(
    statement: Mapping[str, Any], entries: Mapping[Place, ReportedRuns], manifest: Mapping[str, Any]
) -> ComparedTasks | None:
    """Compares the two sides of a claim.

    Args:
        statement: The contrast as the manifest has it.
        entries: Reported runs by setting, task and optimizer.
        manifest: The run's manifest.

    Returns:
        The differences, ``None`` where no pair of tasks has runs of both sides.
    """
    same: dict[str, list[tuple[ReportedRuns, ReportedRuns]]] = {}
    n_train: dict[str, int] = {}
    for tasks in statement["pairs"]:
        left, right = (
            entries.get((statement[end]["setting"], task, statement[end]["optimizer"]))
            for end, task in zip(("left", "right"), tasks, strict=True)
        )
        if left is None or right is None:
            continue
        check_paired(left, right, (tasks[0], tasks[1]))
        if left.n_test:
            facts = manifest["tasks"][tasks[0]]
            same.setdefault(facts["data"], []).append((left, right))
            n_train[facts["data"]] = int(facts["n_train"])
    seeds = {
        name: reduce(np.intersect1d, [side.seeds for pair in pairs for side in pair]) for name, pairs in same.items()
    }
    same = {name: pairs for name, pairs in same.items() if len(seeds[name])}
    if not same:
        return None
    n_pairs = sum(map(len, same.values()))
    return ComparedTasks(
        parts=[_over(statement["measure"], pairs, seeds[name], n_train[name]) for name, pairs in same.items()],
        weights=np.array([len(pairs) / n_pairs for pairs in same.values()]),
        n_pairs=n_pairs,
        n_seeds=min(len(seeds[name]) for name in same),
        margin=float(statement.get("margin", 0.0)),
    )


def _over(measure: str, pairs: Sequence[tuple[ReportedRuns, ReportedRuns]], seeds: Ints, n_train: int) -> Crossed:
    """Returns left minus right in the mean over the pairs of tasks of one data set; a failed run gets nothing right."""
    train = np.mean([_share(left, seeds) - _share(right, seeds) for left, right in pairs], axis=0)
    if measure == "train":
        return over_seeds(train, n_train)
    answers = np.mean([_right(left, seeds) - _right(right, seeds) for left, right in pairs], axis=0)
    if measure == "test":
        return crossed(answers.mean(axis=1), answers.mean(axis=0), (-1.0, 1.0))
    gaps, middle = train[:, None] - answers, float(train.mean())
    return crossed(gaps.mean(axis=1), gaps.mean(axis=0), (middle - 1.0, middle + 1.0))


def _share(side: ReportedRuns, seeds: Ints) -> Floats:
    return side.share("train")[np.searchsorted(side.seeds, seeds)]


def _right(side: ReportedRuns, seeds: Ints) -> Floats:
    return side.right[np.searchsorted(side.seeds, seeds)]


def _title(side: Mapping[str, Any]) -> str:
    task = f" on {side['task']}" if side.get("task") else ""
    return f"{side['optimizer']}{task}, {side['setting']}"
