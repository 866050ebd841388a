"""The tidy frames that tables and plots are made of.

Intervals are for *these problems, new starts*. Without selection they are exact (Wilson, order
statistics); with selection they are the hull of the exact interval at the chosen configuration and
of the bootstrap in which every replicate chooses again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.landscapes.contrasts.judging import contrasts
from optbench.analysis.landscapes.evidence import Arranged, arrange
from optbench.analysis.landscapes.facts import Key
from optbench.analysis.landscapes.integrity import Completeness, completeness
from optbench.analysis.landscapes.ranking import ranking
from optbench.analysis.landscapes.resample import Reselection, reselected_interval
from optbench.analysis.landscapes.rows import Rows
from optbench.analysis.landscapes.scores import REACH, median
from optbench.analysis.landscapes.selection import SETTINGS, Choice, select
from optbench.analysis.quadratics.escape import escape
from optbench.analysis.statistics.arrays import Floats, Ints
from optbench.analysis.statistics.intervals import (
    REPLICATES,
    Interval,
    hull,
    mean_interval,
    median_interval,
    percentile_interval,
    quantiles,
    wilson,
)
from optbench.records import SOLVED, Scoring

SUMMARY = (
    *("setting", "problem", "optimizer", "family", "dim", "config", "swept", "swept_value", "at_edge", "n_starts"),
    *("gap_median", "gap_low", "gap_high", "best_median", "best_low", "best_high"),
    *("reach_count", "reach_starts", "reach_share", "reach_low", "reach_high"),
    *("solved_count", "solved_starts", "solved_share", "solved_low", "solved_high"),
    *("evals_median", "evals_low", "evals_high", "censored"),
    *("diverged", "escaped", "failed", "n_pairs"),
    *("noisy", "n_seeds", "tail_median", "tail_low", "tail_high"),
)
CONVERGENCE = ("setting", "problem", "optimizer", "cost", "q25", "median", "q75")
SENSITIVITY = (
    *("problem", "optimizer", "config", "swept", "swept_value"),
    *("score_mean", "score_low", "score_high", "gap_median", "diverged_share"),
)

Choices = Mapping[tuple[str, Key], Choice]


@dataclass(frozen=True)
class Analysis:
    """All judgements of a run; each frame is made when it is asked for.

    Attributes:
        completeness: How much of the plan was there.
        evidence: The judged rows.
        choices: The configuration in each setting.
        manifest: The run's manifest.
        seed: Seed of the bootstrap.
        replicates: Number of its replicates.
    """

    completeness: Completeness
    evidence: Arranged
    choices: Choices
    manifest: Mapping[str, Any]
    seed: int
    replicates: int

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row per setting, problem and optimizer."""
        facts, tuning = self.evidence.facts, self.evidence.tuning
        again = Reselection(tuning, facts, seed=self.seed, replicates=self.replicates)
        return summary(self.evidence, self.choices, again)

    @cached_property
    def sensitivity(self) -> pd.DataFrame:
        """The area score at each value of the swept hyperparameter."""
        return sensitivity(self.evidence)

    @cached_property
    def escape(self) -> pd.DataFrame:
        """Steps to leave a saddle against log(1/distance), for saddles only."""
        return escape(self.evidence, self.choices)

    @cached_property
    def convergence(self) -> pd.DataFrame:
        """Quartiles of the relative gap at each recorded cost."""
        return convergence(self.evidence, self.choices)

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """Scores, rank intervals and the confidence set for the best, in each setting."""
        return ranking(self.evidence, self.choices, self.manifest, seed=self.seed, replicates=self.replicates)

    @cached_property
    def contrasts(self) -> pd.DataFrame:
        """The claims of the suite, judged."""
        return contrasts(self.evidence, self.choices, self.manifest, seed=self.seed, replicates=self.replicates)


def analyze(
    runs: pd.DataFrame | Rows,
    manifest: Mapping[str, Any],
    *,
    scoring: Scoring = Scoring.SETTLED,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> Analysis:
    """Judges a run: rows in, tidy frames out, the same to the last bit for rows in any order.

    Args:
        runs: Rows with the columns of ``records.landscapes``.
        manifest: The run's manifest: ``problems``, ``budget`` and ``n_cells``.
        scoring: Which time of a target counts.
        seed: Seed of the bootstrap.
        replicates: Number of bootstrap replicates.

    Returns:
        The frames.
    """
    whole = completeness(runs, manifest)
    evidence = arrange(runs, manifest, scoring)
    choices = {
        place: choice
        for place, choice in select(evidence.tuning, evidence.facts).items()
        if place[1] in evidence.reported
    }
    return Analysis(
        completeness=whole,
        evidence=evidence,
        choices=choices,
        manifest=manifest,
        seed=seed,
        replicates=replicates,
    )


def ordered(choices: Choices) -> Iterator[tuple[str, Key, Choice]]:
    """Yields choices by setting, problem and optimizer."""
    for setting, key in sorted(choices, key=lambda place: (SETTINGS.index(place[0]), place[1])):
        yield setting, key, choices[setting, key]


def summary(evidence: Arranged, choices: Choices, again: Reselection) -> pd.DataFrame:
    """Returns the numbers of the main table.

    ``reach_*`` is about the gap 1e-3, ``solved_*`` about ``f_solved``, both over the starts that do
    not meet it already; ``evals_*`` is the cost of reaching 1e-3, infinite for the ``censored`` starts
    that never did. To reach is to settle at or below, or with touched targets to be there once. ``gap_*`` is about the
    last iterate, with touched targets of a noise-free problem about the best one; ``best_*`` is about the best, and
    ``tail_*`` about the median iterate of the last tenth of the budget. ``*_count``, ``diverged``, ``escaped`` and
    ``failed`` count runs, of which each start has ``n_seeds``.

    Args:
        evidence: The judged rows.
        choices: The configuration in each setting.
        again: The bootstrap.

    Returns:
        One row per setting, problem and optimizer.
    """
    rows = []
    for setting, key, choice in ordered(choices):
        reported, facts, at = evidence.reported[key], evidence.facts[key[0]], choice.position
        redraw = Redraw(again, key[0], None if setting == "default" else again.choices(setting, key))
        times = reported.times[:, reported.counted[:, REACH], REACH]
        seeds = reported.failed.shape[1] // max(reported.gap.shape[1], 1)
        tail = reported.gap if reported.tail is None else reported.tail
        rows.append(
            (
                *(setting, *key, facts.family, facts.dim),
                *(int(reported.sweep.config[at]), reported.sweep.name, float(reported.sweep.value[at]), choice.at_edge),
                *(reported.gap.shape[1], *redraw.median(reported.gap, at), *redraw.median(reported.best, at)),
                *redraw.share(reported.reached[:, reported.counted[:, REACH], REACH], at, seeds),
                *redraw.share(reported.reached[:, reported.counted[:, SOLVED], SOLVED], at, seeds),
                *(*redraw.median(times, at), int(np.isinf(times[at]).sum())),
                *(int(flag[at].sum()) for flag in (reported.diverged, reported.escaped, reported.failed)),
                int(reported.counted.sum()),
                *(facts.noisy, seeds, *redraw.median(tail, at)),
            )
        )
    return pd.DataFrame(rows, columns=list(SUMMARY))


@dataclass(frozen=True, slots=True)
class Redraw:
    """Numbers of one table row with their intervals.

    Attributes:
        again: The bootstrap.
        problem: Label of the problem.
        choices: Position chosen in each replicate; ``None`` where nothing was selected.
    """

    again: Reselection
    problem: str
    choices: Ints | None

    def interval(self, values: Floats, exact: Interval, statistic: Callable[[Floats], Floats]) -> Interval:
        """Returns the exact interval, widened by the bootstrap if the configuration was selected."""
        if self.choices is None or not values.shape[1]:
            return exact
        starts = self.again.starts(self.problem, values.shape[1])
        return hull(exact, reselected_interval(values, self.choices, starts, statistic))

    def median(self, values: Floats, position: int) -> tuple[float, float, float]:
        """Returns the median over starts with its interval; NaN without starts."""
        chosen = values[position]
        middle = float(median(chosen)) if chosen.size else np.nan
        return middle, *self.interval(values, median_interval(chosen), median)

    def share(self, reached: Floats, position: int, seeds: int) -> tuple[int, int, float, float, float]:
        """Returns count, number of starts, share and its interval; NaN without starts.

        Args:
            reached: Share of each start's runs that reached the target, shape (c, starts).
            position: Which configuration.
            seeds: Runs of each start. Wilson's interval is for one; several are one cluster, whose mean is the unit.

        Returns:
            The number of runs that reached it, the number of starts, share, and the ends of its interval.
        """
        own, n = reached[position], reached.shape[1]
        count = round(float(own.sum()) * seeds)
        exact = wilson(count, n) if seeds == 1 else self._clustered(own)
        ends = self.interval(reached, exact, _mean)
        return count, n, float(own.mean()) if n else np.nan, *ends

    def _clustered(self, shares: Floats) -> Interval:
        """Returns the interval of a mean of shares, one a start: Student's, widened by a bootstrap of the starts."""
        if not len(shares):
            return 0.0, 1.0
        low, high = mean_interval(shares)
        drawn = self.again.starts(self.problem, len(shares))
        return hull((float(low), float(high)), percentile_interval(_mean(shares[drawn])))


def _mean(values: Floats) -> Floats:
    return np.asarray(values.mean(axis=-1))


def convergence(evidence: Arranged, choices: Choices) -> pd.DataFrame:
    """Returns median and quartiles of the relative gap over the reported runs: see ``Reported.curve``.

    Args:
        evidence: The judged rows.
        choices: The configuration in each setting.

    Returns:
        One row per setting, problem, optimizer and cost; infinite where the quartile run has
        diverged, escaped or failed.
    """
    parts = []
    # Problem by problem, so that the curves of each are read once; then in the order of settings.
    for setting, key, choice in sorted(ordered(choices), key=lambda place: place[1]):
        low, middle, high = quantiles(evidence.reported[key].curve[choice.position], (0.25, 0.5, 0.75))
        columns = (setting, *key, evidence.costs[key[0]], low, middle, high)
        parts.append(pd.DataFrame(dict(zip(CONVERGENCE, columns, strict=True))))
    parts.sort(key=lambda part: SETTINGS.index(part["setting"].iloc[0]))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(CONVERGENCE))


def sensitivity(evidence: Arranged) -> pd.DataFrame:
    """Returns how the score on reported starts depends on the swept hyperparameter.

    Args:
        evidence: The judged rows.

    Returns:
        One row per problem, optimizer and configuration, by increasing value.
    """
    parts = []
    for key, reported in sorted(evidence.reported.items()):
        scores = reported.score[:, reported.counted.any(axis=1)]
        nothing = scores.shape[1] == 0
        low, high = mean_interval(scores)
        columns = (
            *(*key, reported.sweep.config, reported.sweep.name, reported.sweep.value),
            *(np.full(len(scores), np.nan) if nothing else scores.mean(axis=1), low, high),
            *(median(reported.gap), reported.diverged.mean(axis=1)),
        )
        frame = pd.DataFrame(dict(zip(SENSITIVITY, columns, strict=True)))
        parts.append(frame.iloc[reported.sweep.order])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(SENSITIVITY))
