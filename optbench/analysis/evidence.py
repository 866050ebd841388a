"""Rows, arranged: dense arrays for each (problem, optimizer), tuning apart from reported.

``Tuning`` and ``Reported`` are two types on purpose. Selection takes ``Tuning`` only, so nothing
can be chosen on a reported start. Rows count evaluations; here they become costs. Noise seeds on one
start are one cluster: a start has the mean of their scores, and the median of their gaps and times.
``Scoring`` says which time of a target counts, and with it which iterate: the last one, or the best one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from optbench.analysis.facts import Facts, Key, problem_facts
from optbench.analysis.integrity import check_rows
from optbench.analysis.scores import (
    Bools,
    Floats,
    Ints,
    area_score,
    median,
    relative_gap,
    smoothed_times,
    target_costs,
    target_levels,
)
from optbench.analysis.sweep import Sweep, beside_trials, sweep_of
from optbench.errors import DataError
from optbench.records import ESCAPE_GAP, N_TARGETS, NEVER, Scoring, Split, Status


@dataclass(frozen=True, slots=True)
class Tuning:
    """All that selection may see of one (problem, optimizer).

    Attributes:
        sweep: The configurations.
        score: Area scores on tuning starts, shape (c, tuning starts).
    """

    sweep: Sweep
    score: Floats


@dataclass(frozen=True, slots=True)
class Reported:
    """The reported runs of one (problem, optimizer); s starts, r runs: a start has one for each noise seed.

    Attributes:
        sweep: The configurations.
        distance: Distance of each start from a saddle's stable manifold, NaN elsewhere, shape (s,).
        counted: (start, target) pairs that the start does not meet already, shape (s, 51).
        gap: Relative gap of the iterate that counts: the last one; under ``TOUCHED``, without noise, the best one,
            shape (c, s).
        best: Relative gap of the best iterate, shape (c, s).
        times: Cost of each target, infinite for a miss, shape (c, s, 51).
        score: Area scores, NaN where no target counts, shape (c, s).
        curve: Relative gap at each cost of the curve: of the iterate; under ``TOUCHED``, without noise, of the best
            one so far, shape (c, r, k).
        diverged: Runs of status ``diverged``, shape (c, r).
        escaped: Runs of status ``ok`` that left the problem, shape (c, r).
        failed: Runs of status ``error``, ``timeout`` or ``oom``, shape (c, r).
        tail: Relative gap of the median iterate of the last tenth of the budget, shape (c, s).
        share: Share of a start's runs that met each target, shape (c, s, 51); ``None`` where each has one run.
        spent: Mean cost of a start's runs until each target, as ``share``; a miss has spent the budget.
    """

    sweep: Sweep
    distance: Floats
    counted: Bools
    gap: Floats
    best: Floats
    times: Floats
    score: Floats
    curve: Floats
    diverged: Bools
    escaped: Bools
    failed: Bools
    tail: Floats | None = None
    share: Floats | None = None
    spent: Floats | None = None

    @property
    def reached(self) -> Floats:
        """Share of each start's runs that met each target, shape (c, s, 51)."""
        return np.isfinite(self.times).astype(np.float64) if self.share is None else self.share


@dataclass(frozen=True, slots=True)
class Evidence:
    """A run's rows, judged.

    Attributes:
        facts: The problems, by label.
        budget: Largest cost of a run.
        costs: Where the curves of a problem have points, by label, shape (k,).
        tuning: What selection sees.
        reported: What tables show.
        scoring: Which time of a target counts.
    """

    facts: dict[str, Facts]
    budget: float
    costs: dict[str, Ints | Floats]
    tuning: dict[Key, Tuning]
    reported: dict[Key, Reported]
    scoring: Scoring = Scoring.SETTLED


def _matrix(lists: np.ndarray, width: int, fill: float, what: str) -> Floats:
    """Returns equal lists as the rows of a matrix; a missing list gives a row of ``fill``."""
    lengths = np.fromiter((0 if v is None or isinstance(v, float) else len(v) for v in lists), np.int64, len(lists))
    if not np.isin(lengths, (0, width)).all():
        raise DataError(f"{what}: every row must have {width} entries or none")
    matrix = np.full((len(lists), width), fill)
    present = lengths > 0
    if present.any():
        matrix[present] = np.concatenate(lists[present]).reshape(-1, width)
    return matrix


def has_settling_times(runs: pd.DataFrame) -> bool:
    """Returns whether rows have them: those of optbench 0.1.0 and before have not."""
    ran = runs["status"].isin([Status.OK, Status.DIVERGED])
    return "settled" in runs.columns and bool(runs.loc[ran, "settled"].notna().all())


def arrange(runs: pd.DataFrame, manifest: Mapping[str, Any], scoring: Scoring = Scoring.SETTLED) -> Evidence:
    """Judges rows and arranges them in dense arrays; the order of the rows does not matter.

    Args:
        runs: Rows with the columns of ``records.RUN_COLUMNS``.
        manifest: The run's manifest.
        scoring: Which time of a target counts.

    Returns:
        The evidence.

    Raises:
        DataError: Rows contradict the rules or each other, or have no settling times where those are asked for.
    """
    check_rows(runs)
    if scoring is Scoring.SETTLED and not has_settling_times(runs):
        raise DataError("the rows have no settling times: score by touched targets, or run the suite again")
    facts, budget = problem_facts(manifest), float(manifest["budget"])
    order = ["problem", "optimizer", "split", "config", "start", "noise_seed"]
    rows = runs.sort_values(order, ignore_index=True)
    if unknown := sorted(set(rows["problem"].unique()) - set(facts)):
        raise DataError(f"rows name problems that the manifest lacks: {', '.join(unknown)}")
    entries, beside = manifest.get("optimizers", {}), beside_trials(runs, manifest)
    tries_default = bool(beside) and all(beside.values())
    blocks: dict[tuple[str, str, Split], _Block] = {}
    for place, positions in rows.groupby(["problem", "optimizer", "split"]).indices.items():
        problem, optimizer, split = cast(tuple[str, str, str], place)
        key = (problem, optimizer)
        entry = entries.get(optimizer, {})
        own = rows.iloc[positions]
        sweep = _sweep(own, key, entry, tries_default)
        blocks[*key, Split(split)] = _block(own, sweep, facts[problem], budget, scoring)
    met: dict[tuple[str, Split], Bools] = {}
    starts: dict[tuple[str, Split], Ints] = {}
    for (problem, _, part), block in blocks.items():
        if not np.array_equal(starts.setdefault((problem, part), block.starts), block.starts):
            raise DataError(f"{problem}: all optimizers must share the same {part} starts")
        met[problem, part] = met.get((problem, part), False) | block.met
    tuning, reported = {}, {}
    for (problem, optimizer, part), block in blocks.items():
        counted = ~met[problem, part]
        score = block.score(counted, facts[problem], budget)
        if part == Split.TUNE:
            tuning[problem, optimizer] = Tuning(block.sweep, score[:, counted.any(axis=1)])
        else:
            reported[problem, optimizer] = block.reported(counted, score, facts[problem], budget)
            # A suite that tunes nothing has no tuning starts: nothing can be chosen, the default stands.
            nothing = Tuning(block.sweep, np.empty((len(block.sweep.config), 0)))
            tuning.setdefault((problem, optimizer), nothing)
    costs = {label: _costs(known, budget) for label, known in facts.items()}
    return Evidence(facts, budget, costs, tuning, reported, scoring)


def _costs(facts: Facts, budget: float) -> Ints | Floats:
    steps = facts.steps(budget)
    return steps if facts.trip_cost == 1.0 else np.asarray(steps * facts.trip_cost, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Block:
    """The rows of one (problem, optimizer, split), configurations times starts times noise seeds.

    ``met`` is of shape (s, 51); ``times``, in costs, of (c, s, seeds, 51); the others of (c, s, seeds).
    """

    rows: pd.DataFrame
    shape: tuple[int, int, int]
    starts: Ints
    sweep: Sweep
    met: Bools
    times: Floats
    missed: Bools
    escaped: Bools
    scoring: Scoring

    def column(self, name: str) -> Floats:
        return self.rows[name].to_numpy(np.float64, na_value=np.nan).reshape(self.shape)

    def score(self, counted: Bools, facts: Facts, budget: float) -> Floats:
        """Returns the mean area score over the runs of each start, shape (c, s)."""
        # Of a finite sum the first unit of time is the gradient of one term, whatever the batch size.
        return np.asarray(area_score(self.times * facts.n_terms, counted[:, None], budget * facts.n_terms).mean(axis=2))

    def reported(self, counted: Bools, score: Floats, facts: Facts, budget: float) -> Reported:
        status = self.rows["status"].to_numpy().reshape(self.shape)
        diverged = status == str(Status.DIVERGED)
        failed = ~diverged & (status != str(Status.OK))
        keeps_best = self.scoring is Scoring.TOUCHED and not facts.noisy
        name, steps = "curve_best" if keeps_best else "curve_f", facts.steps(budget)
        curve = _matrix(self.rows[name].to_numpy(), len(steps), np.nan, name).reshape(*self.shape, -1)
        ends = [np.where(at >= 0, at, np.inf) for at in map(self.column, ("diverged_at", "escaped_at"))]
        bad_at = np.minimum(*ends)
        # A run keeps its curve until it is bad; one that is bad at no known cost never had one.
        gone = steps >= np.where(failed | (self.missed & np.isinf(bad_at)), 0.0, bad_at)[..., None]
        runs = (self.shape[0], self.shape[1] * self.shape[2])

        def gap(column: str) -> Floats:
            return median(relative_gap(self.column(column), facts.f_star, facts.f_scale, self.missed))

        return Reported(
            sweep=self.sweep,
            distance=self.column("start_distance")[0, :, 0],
            counted=counted,
            gap=gap("f_best" if keeps_best else "f_last"),
            best=gap("f_best"),
            times=median(np.moveaxis(self.times, 2, -1)),
            score=score,
            curve=relative_gap(curve, facts.f_star, facts.f_scale, gone).reshape(*runs, -1),
            diverged=diverged.reshape(runs),
            escaped=(self.escaped & ~diverged & ~failed).reshape(runs),
            failed=failed.reshape(runs),
            tail=gap("f_tail"),
            share=np.isfinite(self.times).mean(axis=2) if self.shape[2] > 1 else None,
            spent=np.minimum(self.times, budget).mean(axis=2) if self.shape[2] > 1 else None,
        )


def _shape(rows: pd.DataFrame) -> tuple[int, int, int]:
    """Returns the numbers of configurations, starts and noise seeds."""
    return rows["config"].nunique(), rows["start"].nunique(), rows["noise_seed"].nunique()


def _sweep(rows: pd.DataFrame, key: Key, entry: Mapping[str, Any], tries_default: bool) -> Sweep:
    """Returns the sweep of the rows of one (problem, optimizer, split); they must form a full grid."""
    shape = _shape(rows)
    full = math.prod(shape) == len(rows)
    indices = (rows[name].to_numpy(np.int64) for name in ("config", "start", "noise_seed"))
    if not full or not all(_constant(index, shape, axis) for axis, index in enumerate(indices)):
        raise DataError(
            f"{key[0]} under {key[1]}: there must be one row for each configuration and start and noise seed"
        )
    return sweep_of(rows.iloc[:: shape[1] * shape[2]], entry, tries_default=tries_default)


def _block(rows: pd.DataFrame, sweep: Sweep, facts: Facts, budget: float, scoring: Scoring) -> _Block:
    """Returns the rows of one (problem, optimizer, split) as arrays."""
    shape = _shape(rows)
    f_best, f_start = (rows[n].to_numpy(np.float64, na_value=np.nan).reshape(shape) for n in ("f_best", "f_start"))
    escaped = (rows["escaped_at"].to_numpy(np.float64, na_value=-1.0).reshape(shape) >= 0) | (
        f_best < facts.f_star - ESCAPE_GAP * facts.f_scale
    )
    missed = escaped | (rows["status"].to_numpy() != str(Status.OK)).reshape(shape)
    levels = target_levels(facts.f_star, facts.f_scale, facts.f_solved)
    steps = facts.steps(budget)
    if facts.noisy:
        curve = _matrix(rows["curve_f"].to_numpy(), len(steps), np.inf, "curve_f").reshape(*shape, -1)
        touched = smoothed_times(curve, levels, steps, Scoring.TOUCHED)
        evaluations = touched if scoring is Scoring.TOUCHED else smoothed_times(curve, levels, steps, scoring)
    else:
        touched = _targets(rows, "hits", shape)
        evaluations = touched if scoring is Scoring.TOUCHED else _targets(rows, "settled", shape)
    # A start meets a target whatever becomes of it later.
    met = ((touched == 0) | (f_start[..., None] <= levels)).any(axis=(0, 2))
    # What is later than the last evaluation that the budget allows is a miss.
    times = target_costs(evaluations, missed, round(budget / facts.trip_cost)) * facts.trip_cost
    starts = rows["start"].to_numpy(np.int64)[: shape[1] * shape[2] : shape[2]]
    return _Block(rows, shape, starts, sweep, met, times, missed, escaped, scoring)


def _targets(rows: pd.DataFrame, name: str, shape: tuple[int, int, int]) -> Ints:
    """Returns a column of evaluations, one for each target, shape (c, s, seeds, 51)."""
    return _matrix(rows[name].to_numpy(), N_TARGETS, NEVER, name).astype(np.int64).reshape(*shape, N_TARGETS)


def _constant(index: Ints, shape: tuple[int, int, int], axis: int) -> bool:
    """Returns whether an index, one a row, depends on its own axis alone."""
    along = np.moveaxis(index.reshape(shape), axis, 0).reshape(shape[axis], -1)
    return bool((along == along[:, :1]).all())
