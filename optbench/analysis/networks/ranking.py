"""Which optimizers may be the best on a task: all pairs at once, on the same seeds and test examples.

Nobody is named as the winner, and below ten seeds nothing is ranked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.networks.runs import ReportedRuns, reported
from optbench.analysis.statistics.arrays import Floats
from optbench.analysis.statistics.crossed import crossed
from optbench.analysis.statistics.intervals import LEVEL, REPLICATES, generator
from optbench.analysis.statistics.simultaneous import Comparison, critical

#: With fewer reported seeds nothing is ranked.
FEWEST_SEEDS = 10

#: ``detectable`` is the smallest difference that could have been detected, the median over the pairs of the task.
RANKING = (
    *("setting", "task", "optimizer", "swept", "swept_value", "at_edge", "n_seeds", "n_test", "failed"),
    *("test_accuracy", "test_low", "test_high", "rank_low", "rank_high", "in_set"),
    *("detectable_low", "detectable", "detectable_high"),
)


def network_ranking(
    runs: pd.DataFrame, manifest: Mapping[str, Any], *, seed: int = 0, replicates: int = REPLICATES
) -> pd.DataFrame:
    """Ranks the tuned optimizers of each task by test accuracy, where all of them have at least ten seeds.

    A run without scores counts as wrong on every example.

    Args:
        runs: Rows with the columns of ``records.networks``.
        manifest: The run's manifest.
        seed: Seed of the replicates.
        replicates: Their number.

    Returns:
        One row per task and optimizer that is ranked, by decreasing test accuracy, with the columns of ``RANKING``;
        empty where nothing was tuned, seeds are too few, or a task has a single optimizer.
    """
    tasks: dict[str, dict[str, ReportedRuns]] = {}
    for (setting, task, optimizer), entry in reported(runs, manifest).items():
        if setting == "tuned" and manifest.get("optimizers", {}).get(optimizer, {}).get("ranked", True):
            tasks.setdefault(task, {})[optimizer] = entry
    rows: list[dict[str, Any]] = []
    for task, entries in tasks.items():
        shared = _shared_seeds(list(entries.values()))
        if len(entries) < 2 or len(shared) < FEWEST_SEEDS or not all(e.n_test for e in entries.values()):
            continue
        right = np.stack([e.right[np.searchsorted(e.seeds, shared)] for e in entries.values()])
        found = compare(right, generator("network ranking", seed, task), replicates)
        rows += sorted(_entries(task, entries, right, found), key=lambda row: (-row["test_accuracy"], row["optimizer"]))
    return pd.DataFrame(rows, columns=list(RANKING))


def _shared_seeds(entries: Sequence[ReportedRuns]) -> np.ndarray:
    """Returns the seeds that all entries have."""
    shared = entries[0].seeds
    for entry in entries[1:]:
        shared = np.intersect1d(shared, entry.seeds)
    return shared


def _entries(task: str, entries: Mapping[str, ReportedRuns], right: Floats, found: Comparison) -> list[dict[str, Any]]:
    rank_low, rank_high = found.ranks
    detectable = dict(zip(("detectable_low", "detectable", "detectable_high"), found.detectable, strict=True))
    rows = []
    for i, (optimizer, entry) in enumerate(entries.items()):
        accuracy = crossed(right[i].mean(axis=1), right[i].mean(axis=0), (0.0, 1.0))
        low, high = accuracy.interval(0.0, 1.0)
        first = entry.rows.iloc[0]
        rows.append({
            "setting": "tuned", "task": task, "optimizer": optimizer, "swept": str(first["swept"]),
            "swept_value": float(first["swept_value"]), "at_edge": entry.at_edge, "n_seeds": right.shape[1],
            "n_test": right.shape[2], "failed": int((~entry.scored).sum()), "test_accuracy": accuracy.estimate,
            "test_low": low, "test_high": high, "rank_low": int(rank_low[i]), "rank_high": int(rank_high[i]),
            "in_set": bool(found.best[i]), **detectable,
        })  # fmt: skip
    return rows


def compare(right: Floats, rng: np.random.Generator, replicates: int = REPLICATES, level: float = LEVEL) -> Comparison:
    """Compares all pairs at once by max-T, over seeds and test examples.

    The largest studentized difference is simulated by multipliers: every seed's and every example's deviation from
    the mean gets a normal weight, the same for all entries, which has the covariance that ``crossed`` estimates. The
    critical value found so is for known errors; each pair's half-width takes Student's quantiles of the same share.

    Args:
        right: Right or wrong by entry, seed and test example, shape (E, R, N).
        rng: Source of the weights.
        replicates: Number of replicates.
        level: Confidence level of all intervals together.

    Returns:
        Differences and half-widths, shape (E, E).

    Source: Chernozhukov, Chetverikov, Kato 2013, Ann. Statist. 41, 2786-2819 (multipliers); Romano, Wolf 2005, J. Am.
    Stat. Assoc. 100, 94-108 (max-T).
    """
    by_seed, by_example = right.mean(axis=2), right.mean(axis=1)
    n, means = len(right), by_seed.mean(axis=1)
    from_seeds, from_examples = (_weighted(part - means[:, None], rng, replicates) for part in (by_seed, by_example))
    deviation = from_seeds + from_examples
    pairs = [(i, j) for i in range(n) for j in range(i)]
    parts = {(i, j): crossed(by_seed[i] - by_seed[j], by_example[i] - by_example[j], (-1.0, 1.0)) for i, j in pairs}
    largest = np.zeros(replicates)
    for (i, j), part in parts.items():
        largest = np.maximum(largest, np.abs(deviation[:, i] - deviation[:, j]) / np.sqrt(part.seeds + part.examples))
    share = NormalDist().cdf(critical(largest, level))
    half = np.zeros((n, n))
    for (i, j), part in parts.items():
        half[i, j] = half[j, i] = part.half_at(share)
    return Comparison(means[:, None] - means, half)


def _weighted(deviations: Floats, rng: np.random.Generator, replicates: int) -> Floats:
    """Returns replicates of the means of rows with the given deviations, shape (replicates, E)."""
    m = deviations.shape[1]
    # In slices: ten thousand examples times all replicates would not fit a small machine.
    slices = [len(part) for part in np.array_split(np.arange(replicates), max(1, replicates * m // 2_000_000))]
    parts = [rng.standard_normal((n, m)) @ deviations.T for n in slices]
    return np.asarray(np.concatenate(parts) / np.sqrt(m * (m - 1)), dtype=np.float64)
