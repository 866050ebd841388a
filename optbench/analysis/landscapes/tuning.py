"""What tuning buys and what it costs: best-of-k curves, scores by setting, A untuned against B tuned.

Scores are mean log-time area scores on reported starts. Means over problems are over ranked problems.
Every replicate of the bootstrap chooses the configuration again from resampled tuning starts; problems
stay as they are, and all optimizers share the resampled starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.landscapes.evidence import Arranged, arrange
from optbench.analysis.landscapes.facts import Key
from optbench.analysis.landscapes.resample import Reselection
from optbench.analysis.landscapes.rows import Rows
from optbench.analysis.landscapes.selection import SETTINGS, TIE, Choice, select
from optbench.analysis.landscapes.standings import Standings, standings
from optbench.analysis.statistics.arrays import Floats, Ints
from optbench.analysis.statistics.intervals import (
    LEVEL,
    Interval,
    generator,
    hull,
    percentile_interval,
    student_quantile,
)
from optbench.records import Scoring

REPLICATES = 1000

#: Stands for a problem's label in a row that is a mean over problems.
MEAN = "mean over problems"

BEST_OF_K = ("problem", "optimizer", "k", "score", "low", "high")
COST = ("problem", "optimizer", "trials", "tune_starts", "budget", "cost", "runs")
GAIN = (
    *("optimizer", "n_problems", "has_rate"),
    *(f"{setting}{end}" for setting in SETTINGS for end in ("", "_low", "_high")),
    *("trials", "tune_starts", "cost", "runs", "edge_count"),
)
MATRIX = ("untuned", "tuned", "n_problems", "difference", "low", "high", "share")


@dataclass(frozen=True)
class TuningAnalysis:
    """All that a run says about tuning.

    Attributes:
        best_of_k: Expected reported score of the best of k trials, per problem and in the mean.
        cost: What tuning cost, per problem and optimizer.
        gain: Mean score in each setting beside the cost, per optimizer.
        matrix: The default of one optimizer against another one tuned, per ordered pair.
    """

    best_of_k: pd.DataFrame
    cost: pd.DataFrame
    gain: pd.DataFrame
    matrix: pd.DataFrame


def analyze_tuning(
    runs: pd.DataFrame | Rows,
    manifest: Mapping[str, Any],
    *,
    scoring: Scoring = Scoring.SETTLED,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> TuningAnalysis:
    """Judges the tuning of a run, the same to the last bit for rows in any order.

    Args:
        runs: Rows with the columns of ``records.landscapes``.
        manifest: The run's manifest.
        scoring: Which time of a target counts.
        seed: Seed of the bootstrap.
        replicates: Number of bootstrap replicates.

    Returns:
        The frames.
    """
    return judged_tuning(arrange(runs, manifest, scoring), manifest, seed=seed, replicates=replicates)


def judged_tuning(
    evidence: Arranged, manifest: Mapping[str, Any], *, seed: int = 0, replicates: int = REPLICATES
) -> TuningAnalysis:
    """Judges tuning by rows that are arranged already.

    Args:
        evidence: The judged rows.
        manifest: The run's manifest.
        seed: Seed of the bootstrap.
        replicates: Number of bootstrap replicates.

    Returns:
        The frames.
    """
    scored = Scored(evidence, seed=seed, replicates=replicates)
    spent = cost(evidence)
    found = standings(evidence, scored.choices, manifest, seed=seed)
    return TuningAnalysis(best_of_k(scored, found), spent, gain(scored, spent, found), matrix(scored))


@dataclass(frozen=True, slots=True)
class Sample:
    """Area scores of one optimizer on one problem in one setting.

    Attributes:
        starts: Score of each reported start on which a target counts, shape (s,).
        replicates: Mean score in each replicate.
    """

    starts: Floats
    replicates: Floats


class Scored:
    """The reported scores of a run with the bootstrap that chooses again.

    Attributes:
        evidence: The judged rows.
        choices: The configuration in each setting.
        again: The bootstrap.
        seed: Its seed.
        replicates: Its number of replicates.
    """

    def __init__(self, evidence: Arranged, *, seed: int = 0, replicates: int = REPLICATES) -> None:
        """Chooses configurations and prepares the bootstrap."""
        self.evidence, self.seed, self.replicates = evidence, seed, replicates
        self.choices: dict[tuple[str, Key], Choice] = select(evidence.tuning, evidence.facts)
        self.again = Reselection(evidence.tuning, evidence.facts, seed=seed, replicates=replicates)
        self._draws: dict[tuple[str, int], Ints] = {}

    @cached_property
    def optimizers(self) -> list[str]:
        """Labels of the optimizers."""
        return sorted({optimizer for _, optimizer in self.evidence.reported})

    @cached_property
    def problems(self) -> list[str]:
        """Labels of the problems."""
        return sorted({problem for problem, _ in self.evidence.reported})

    @cached_property
    def ranked(self) -> list[str]:
        """Labels of the problems that may enter a mean."""
        return [problem for problem in self.problems if self.evidence.facts[problem].ranked]

    def scores(self, key: Key) -> Floats | None:
        """Returns scores on reported starts, shape (c, s); ``None`` without rows or without a target that counts."""
        reported = self.evidence.reported.get(key)
        if reported is None or not reported.counted.any():
            return None
        return reported.score[:, reported.counted.any(axis=1)]

    def draws(self, problem: str, n: int) -> Ints:
        """Returns the starts drawn in each replicate, shape (replicates, n); the same for every optimizer."""
        if (problem, n) not in self._draws:
            self._draws[problem, n] = self.again.starts(problem, n)
        return self._draws[problem, n]

    def sample(self, setting: str, key: Key) -> Sample | None:
        """Returns the scores of an optimizer on a problem in a setting, ``None`` where there are none."""
        choice, scores = self.choices.get((setting, key)), self.scores(key)
        if choice is None or scores is None:
            return None
        draws = self.draws(key[0], scores.shape[1])
        chosen = None if setting == "default" else self.again.choices(setting, key)
        drawn = scores[choice.position][draws] if chosen is None else scores[chosen[:, None], draws]
        return Sample(scores[choice.position], drawn.mean(axis=1))


def order_weights(n_trials: int) -> Floats:
    """Returns the weights of the best-of-k identity.

    With ``r_(i)`` the reported score of the trial that is i-th best in tuning, sampling k of K trials
    without replacement gives ``E[r of the best] = sum_i r_(i) C(K-i, k-1) / C(K, k)``.

    Args:
        n_trials: K.

    Returns:
        Weights, shape (K // 2, K): row k - 1 for k, each row summing to 1. Beyond K / 2 the curve would hang on
        few trials.

    Example:
        >>> order_weights(4).tolist()
        [[0.25, 0.25, 0.25, 0.25], [0.5, 0.3333333333333333, 0.16666666666666666, 0.0]]
    """
    k = np.arange(1, n_trials // 2 + 1)[:, None]
    i = np.arange(1, n_trials)
    # From one i to the next the weight changes by (K - i - k + 1) / (K - i); binomials would overflow.
    ratio = np.clip((n_trials - i - k + 1) / (n_trials - i), 0.0, None)
    return np.asarray(np.cumprod(np.hstack([k / n_trials, ratio]), axis=1), dtype=np.float64)


def best_of(tuning: Floats, reported: Floats, weights: Floats) -> Floats:
    """Returns the expected reported score of the best of k trials.

    Args:
        tuning: Scores by which trials are compared, shape (..., K), ties to the one that comes first.
        reported: Their reported scores, shape (..., K).
        weights: From ``order_weights``.

    Returns:
        One value per k, shape (..., K // 2).

    Example:
        >>> best_of(np.array([0.1, 0.9]), np.array([0.2, 0.6]), order_weights(2)).tolist()
        [0.4]
    """
    order = np.argsort(-np.round(tuning / TIE / 10), axis=-1, kind="stable")
    return np.asarray(np.take_along_axis(reported, order, axis=-1) @ weights.T)


def best_of_k(scored: Scored, standing: Standings | None) -> pd.DataFrame:
    """Returns what k trials of tuning can be expected to give, for k up to half of the trials.

    A method without a rate enters as a flat line at its default. The interval comes from a bootstrap over
    configurations, the same in all problems, and over tuning and reported starts.

    Args:
        scored: The scores.
        standing: The mean scores that the ranking shows: the flat line of a method without a rate is one of them.

    Returns:
        One row per optimizer, problem (and ``MEAN``) and k.
    """
    parts = []
    for optimizer in scored.optimizers:
        curves = {problem: found for problem in scored.problems if (found := _curve(scored, (problem, optimizer)))}
        mean = [curves[problem] for problem in scored.ranked if problem in curves]
        pooled = {MEAN: tuple(np.mean(part, axis=0) for part in zip(*mean, strict=True))} if mean else {}
        for problem, (value, replicates) in {**pooled, **curves}.items():
            ends = [hull(percentile_interval(r), (v, v)) for v, r in zip(value, replicates.T, strict=True)]
            low, high = zip(*ends, strict=True)
            score, *own = _standing(standing, "default", optimizer)
            if problem == MEAN and np.isfinite(score) and not _has_rate(scored, optimizer):
                low, high = ((end,) * len(value) for end in own)
            columns = (problem, optimizer, np.arange(1, len(value) + 1), value, low, high)
            parts.append(pd.DataFrame(dict(zip(BEST_OF_K, columns, strict=True))))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(BEST_OF_K))


def _has_rate(scored: Scored, optimizer: str) -> bool:
    return any(tuning.sweep.has_rate for (_, name), tuning in scored.evidence.tuning.items() if name == optimizer)


def _curve(scored: Scored, key: Key) -> tuple[Floats, Floats] | None:
    """Returns the curve over k and its replicates, shape (replicates, K // 2)."""
    tuning, scores, means = scored.evidence.tuning.get(key), scored.scores(key), scored.again.means(key)
    if tuning is None or scores is None or means is None or len(tuning.sweep.trials) < 2:
        return None
    trials = tuning.sweep.trials
    weights = order_weights(len(trials))
    if not tuning.sweep.has_rate:
        own = scored.sample("default", key)
        if own is None:
            return None
        return np.full(len(weights), own.starts.mean()), np.repeat(own.replicates[:, None], len(weights), axis=1)
    value = best_of(tuning.score.mean(axis=1)[trials], scores.mean(axis=1)[trials], weights)
    n, size = scores.shape[1], (scored.replicates, len(trials))
    flat = scored.draws(key[0], n) + n * np.arange(scored.replicates)[:, None]
    counts = np.bincount(flat.ravel(), minlength=n * scored.replicates).reshape(-1, n)
    reported = counts @ scores[trials].T / n
    # Sorted, so that among equal trials the smaller rate still comes first.
    drawn = np.sort(generator(scored.seed, "bootstrap", key[1], "trials", size[1]).integers(size[1], size=size), axis=1)
    again = best_of(
        np.take_along_axis(means[:, trials], drawn, axis=1), np.take_along_axis(reported, drawn, 1), weights
    )
    return value, again


def cost(evidence: Arranged) -> pd.DataFrame:
    """Returns what tuning cost: trials x tuning starts x budget, a trial that stopped early counted in full.

    Args:
        evidence: The judged rows.

    Returns:
        One row per problem and optimizer; ``cost`` in gradient evaluations, ``runs`` in runs of the full budget.
    """
    rows = []
    for key, tuning in sorted(evidence.tuning.items()):
        trials, n = len(tuning.sweep.candidates), tuning.n_starts
        rows.append((*key, trials, n, evidence.budget, trials * n * evidence.budget, trials * n))
    return pd.DataFrame(rows, columns=list(COST))


def gain(scored: Scored, spent: pd.DataFrame, found: Standings | None) -> pd.DataFrame:
    """Returns the mean score over problems in each setting, beside what tuning cost.

    Args:
        scored: The scores.
        spent: From ``cost``.
        found: The mean scores that the ranking shows, with their intervals.

    Returns:
        One row per optimizer; scores are NaN for one that did not run on all problems. ``cost`` and ``runs`` are means
        over problems, ``edge_count`` is the number of problems whose tuned choice lies at the edge of its range.
    """
    rows = []
    for optimizer in scored.optimizers:
        means = [end for setting in SETTINGS for end in _standing(found, setting, optimizer)]
        mine = spent[(spent["optimizer"] == optimizer) & spent["problem"].isin(scored.ranked)]
        edges = [c.at_edge for p in scored.ranked if (c := scored.choices.get(("tuned", (p, optimizer))))]
        sweep = next(t.sweep for (_, o), t in sorted(scored.evidence.tuning.items()) if o == optimizer)
        costs = (float(mine[name].mean()) for name in ("trials", "tune_starts", "cost", "runs"))
        rows.append((optimizer, len(mine), sweep.has_rate, *means, *costs, sum(edges)))
    return pd.DataFrame(rows, columns=list(GAIN))


def _standing(found: Standings | None, setting: str, optimizer: str) -> tuple[float, float, float]:
    """Returns the score of an optimizer and the ends of its interval; NaN where it has none."""
    if found is None or setting not in found.mean or optimizer not in found.field.entries:
        return np.nan, np.nan, np.nan
    at = found.field.entries.index(optimizer)
    score, low, high = (float(values[at]) for values in found.scores(setting))
    return (score, low, high) if np.isfinite(score) else (np.nan, np.nan, np.nan)


def matrix(scored: Scored) -> pd.DataFrame:
    """Returns A untuned against B tuned, for every ordered pair; on the diagonal, what tuning gains A itself.

    The difference is B's score minus A's on the same starts, so a positive one speaks for B.

    Args:
        scored: The scores.

    Returns:
        One row per pair: mean difference over problems with its interval, and the share of problems on which A
        at its default scores at least as much as B tuned.
    """
    places = [(setting, (p, o)) for setting in ("default", "tuned") for o in scored.optimizers for p in scored.ranked]
    samples = {place: found for place in places if (found := scored.sample(*place))}
    rows = []
    for a in scored.optimizers:
        for b in scored.optimizers:
            pairs = [
                (samples["default", (p, a)], samples["tuned", (p, b)])
                for p in scored.ranked
                if ("default", (p, a)) in samples and ("tuned", (p, b)) in samples
            ]
            if not pairs:
                continue
            starts = [tuned.starts - default.starts for default, tuned in pairs]
            replicates = [tuned.replicates - default.replicates for default, tuned in pairs]
            held = float(np.mean([difference.mean() <= 0 for difference in starts]))
            rows.append((a, b, len(pairs), *_mean(starts, replicates, bounds=(-1.0, 1.0)), held))
    return pd.DataFrame(rows, columns=list(MATRIX))


def _mean(starts: Sequence[Floats], replicates: Sequence[Floats], bounds: Interval) -> tuple[float, float, float]:
    """Returns a mean over problems with its interval; NaN without problems.

    The interval is the hull of the bootstrap's and of Student's at the chosen configurations, whose variance is
    that of a stratified mean, with the degrees of freedom of the problem with the fewest starts.
    """
    if not starts:
        return np.nan, np.nan, np.nan
    value = float(np.mean([values.mean() for values in starts]))
    ends = hull(percentile_interval(np.mean(replicates, axis=0)), (value, value))
    fewest = min(len(values) for values in starts)
    if fewest > 1:
        error = sqrt(sum(values.var(ddof=1) / len(values) for values in starts)) / len(starts)
        half = student_quantile(fewest - 1, (1 + LEVEL) / 2) * error
        ends = hull(ends, (value - half, value + half))
    return value, max(ends[0], bounds[0]), min(ends[1], bounds[1])
