"""Rows, arranged: dense arrays for each (problem, optimizer), tuning apart from reported.

``Tuning`` and ``Reported`` are two types on purpose. Selection takes ``Tuning`` only, so nothing
can be chosen on a reported start. Rows count evaluations; here they become costs. Noise seeds on one
start are one cluster: a start has the mean of their scores, and the median of their gaps and times.
``Scoring`` says which time of a target counts, and with it which iterate: the last one, or the best one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import numpy as np
import pandas as pd

from optbench.analysis.landscapes.facts import Facts, Key, problem_facts
from optbench.analysis.landscapes.integrity import Check, check_targets
from optbench.analysis.landscapes.long import Long, Packed, StoredCurves, matrix
from optbench.analysis.landscapes.rows import Rows, held
from optbench.analysis.landscapes.scores import (
    area_score,
    median,
    relative_gap,
    smoothed_times,
    target_costs,
    target_levels,
)
from optbench.analysis.landscapes.sweep import Sweep, sweep_of, tries_default
from optbench.analysis.statistics.arrays import Bools, Floats, Ints
from optbench.errors import DataError
from optbench.records import ESCAPE_GAP, N_TARGETS, NEVER, Scoring, Split, Status


@dataclass(frozen=True, slots=True)
class Tuning:
    """All that selection may see of one (problem, optimizer).

    Attributes:
        sweep: The configurations.
        score: Area scores on tuning starts on which a target counts, shape (c, tuning starts).
        n_starts: Number of all tuning starts.
    """

    sweep: Sweep
    score: Floats
    n_starts: int = 0


@dataclass(frozen=True, kw_only=True)
class Reported:
    """The reported runs of one (problem, optimizer); s starts, r runs: a start has one for each noise seed.

    What is ``Long`` is made each time that it is asked for.

    Attributes:
        sweep: The configurations.
        distance: Distance of each start from a saddle's stable manifold, NaN elsewhere, shape (s,).
        counted: (start, target) pairs that the start does not meet already, shape (s, 51).
        last: Relative gap of the last iterate, shape (c, s).
        best: Relative gap of the best iterate, shape (c, s).
        keeps_best: Whether the best iterate counts, not the last: under ``TOUCHED``, without noise.
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
    last: Floats
    best: Floats
    keeps_best: bool = False
    times: Long[Floats] = Long()
    score: Floats
    curve: Long[Floats] = Long()
    diverged: Bools
    escaped: Bools
    failed: Bools
    tail: Floats | None = None
    share: Long[Floats | None] = Long(None)
    spent: Long[Floats | None] = Long(None)

    @property
    def gap(self) -> Floats:
        """Relative gap of the iterate that counts, shape (c, s)."""
        return self.best if self.keeps_best else self.last

    @property
    def reached(self) -> Floats:
        """Share of each start's runs that met each target, shape (c, s, 51)."""
        share = self.share
        return np.isfinite(self.times).astype(np.float64) if share is None else share


@dataclass(frozen=True, slots=True)
class Arranged:
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


def has_settling_times(runs: pd.DataFrame | Rows) -> bool:
    """Returns whether rows have them: those of schema 2 have not.

    A run is stored in one schema, so the first of its problems tells.
    """
    rows = held(runs)
    for problem in rows.problems:
        own = rows.of([problem], ["status", "settled"])
        ran = own["status"].isin([Status.OK, Status.DIVERGED])
        if ran.any():
            return bool(own.loc[ran, "settled"].notna().all())
    return True


def arrange(runs: pd.DataFrame | Rows, manifest: Mapping[str, Any], scoring: Scoring = Scoring.SETTLED) -> Arranged:
    """Judges rows and arranges them in dense arrays; the order of the rows does not matter.

    Args:
        runs: Rows with the columns of ``records.landscapes``: a frame, or what reads them problem by problem.
        manifest: The run's manifest.
        scoring: Which time of a target counts.

    Returns:
        The evidence.

    Raises:
        DataError: Rows contradict the rules or each other, or have no settling times where those are asked for.
    """
    rows = held(runs)
    facts, budget = problem_facts(manifest), float(manifest["budget"])
    if unknown := sorted(set(rows.problems) - set(facts)):
        raise DataError(f"rows name problems that the manifest lacks: {', '.join(unknown)}")
    check, judge = Check(rows), _Judge(manifest, budget, scoring, tries_default(rows, manifest), StoredCurves(rows))
    tuning: dict[Key, Tuning] = {}
    reported: dict[Key, Reported] = {}
    for problem in rows.problems:
        # Of runs under noise the curve says when a target was reached.
        unread = {"hyper", "message", "wells", "curve_best"} | (set() if facts[problem].noisy else {"curve_f"})
        own = rows.of([problem], without=sorted(unread))
        check.problem(own)
        if scoring is Scoring.SETTLED and not has_settling_times(own):
            raise DataError("the rows have no settling times: score by touched targets, or run the suite again")
        tuned, shown = judge.problem(own, facts[problem])
        tuning |= tuned
        reported |= shown
    check.whole()
    costs = {label: _costs(known, budget) for label, known in facts.items()}
    return Arranged(facts, budget, costs, tuning, reported, scoring)


@dataclass(frozen=True, slots=True)
class _Judge:
    """What the rows of every problem are judged by."""

    manifest: Mapping[str, Any]
    budget: float
    scoring: Scoring
    tries_default: bool
    curves: StoredCurves
    sweeps: dict[tuple[Any, ...], Sweep] = field(default_factory=dict)

    def problem(self, runs: pd.DataFrame, facts: Facts) -> tuple[dict[Key, Tuning], dict[Key, Reported]]:
        """Arranges the rows of one problem."""
        order = ["problem", "optimizer", "split", "config", "start", "noise_seed"]
        rows = runs.sort_values(order, ignore_index=True)
        entries, budget = self.manifest.get("optimizers", {}), self.budget
        blocks: dict[tuple[str, str, Split], _Block] = {}
        for place, positions in rows.groupby(["problem", "optimizer", "split"]).indices.items():
            problem, optimizer, split = cast(tuple[str, str, str], place)
            own = rows.iloc[positions]
            sweep = _sweep(own, (problem, optimizer), entries.get(optimizer, {}), self.tries_default)
            # Problems and splits share one object where sweeps are equal: arrays of each would be a fifth of all.
            sweep = self.sweeps.setdefault(sweep.content, sweep)
            blocks[problem, optimizer, Split(split)] = _block(own, sweep, facts, budget, self.scoring)
        met: dict[Split, Bools] = {}
        starts: dict[Split, Ints] = {}
        for (problem, _, part), block in blocks.items():
            if not np.array_equal(starts.setdefault(part, block.starts), block.starts):
                raise DataError(f"{problem}: all optimizers must share the same {part} starts")
            met[part] = met.get(part, False) | block.met
        tuning, reported = {}, {}
        for (problem, optimizer, part), block in blocks.items():
            key, counted = (problem, optimizer), ~met[part]
            score = block.score(counted, facts, budget)
            if part == Split.TUNE:
                tuning[key] = Tuning(block.sweep, score[:, counted.any(axis=1)], len(counted))
            else:
                reported[key] = block.reported(counted, score, facts, budget, partial(self.curves.of, *key))
                # A suite that tunes nothing has no tuning starts: nothing can be chosen, the default stands.
                tuning.setdefault(key, Tuning(block.sweep, np.empty((len(block.sweep.config), 0))))
        return tuning, reported


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

    def reported(
        self, counted: Bools, score: Floats, facts: Facts, budget: float, read: Callable[[str, int], Floats]
    ) -> Reported:
        status = self.rows["status"].to_numpy().reshape(self.shape)
        diverged = status == str(Status.DIVERGED)
        failed = ~diverged & (status != str(Status.OK))
        keeps_best = self.scoring is Scoring.TOUCHED and not facts.noisy
        name, steps = "curve_best" if keeps_best else "curve_f", facts.steps(budget)
        ends = [np.where(at >= 0, at, np.inf) for at in map(self.column, ("diverged_at", "escaped_at"))]
        bad_at = np.minimum(*ends)
        # A run keeps its curve until it is bad; one that is bad at no known cost never had one.
        gone_at = np.where(failed | (self.missed & np.isinf(bad_at)), 0.0, bad_at)
        runs = (self.shape[0], self.shape[1] * self.shape[2])
        several = self.shape[2] > 1

        def gap(column: str) -> Floats:
            return median(relative_gap(self.column(column), facts.f_star, facts.f_scale, self.missed))

        return Reported(
            sweep=self.sweep,
            distance=self.column("start_distance")[0, :, 0].copy(),
            counted=counted,
            last=gap("f_last"),
            best=gap("f_best"),
            keeps_best=keeps_best,
            times=Packed(median(np.moveaxis(self.times, 2, -1))),
            score=score,
            curve=partial(_curve, read, name, steps, gone_at.reshape(runs), facts),
            diverged=diverged.reshape(runs),
            escaped=(self.escaped & ~diverged & ~failed).reshape(runs),
            failed=failed.reshape(runs),
            tail=gap("f_tail"),
            share=Packed(np.isfinite(self.times).mean(axis=2)) if several else None,
            spent=Packed(np.minimum(self.times, budget).mean(axis=2)) if several else None,
        )


def _curve(read: Callable[[str, int], Floats], name: str, steps: Ints, gone_at: Floats, facts: Facts) -> Floats:
    """Returns relative gaps along the curves of runs, infinite from ``gone_at`` on, shape (c, r, k)."""
    curve = read(name, len(steps)).reshape(*gone_at.shape, len(steps))
    return relative_gap(curve, facts.f_star, facts.f_scale, steps >= gone_at[..., None])


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
        curve = matrix(rows["curve_f"].to_numpy(), len(steps), np.inf, "curve_f").reshape(*shape, -1)
        touched = smoothed_times(curve, levels, steps, Scoring.TOUCHED)
        evaluations = touched if scoring is Scoring.TOUCHED else smoothed_times(curve, levels, steps, scoring)
    else:
        touched = _targets(rows, "hits", shape)
        evaluations = touched if scoring is Scoring.TOUCHED else _targets(rows, "settled", shape)
        check_targets(touched, evaluations, str(rows["problem"].iloc[0]))
    # A start meets a target whatever becomes of it later.
    met = ((touched == 0) | (f_start[..., None] <= levels)).any(axis=(0, 2))
    # What is later than the last evaluation that the budget allows is a miss.
    times = target_costs(evaluations, missed, round(budget / facts.trip_cost)) * facts.trip_cost
    starts = rows["start"].to_numpy(np.int64)[: shape[1] * shape[2] : shape[2]]
    return _Block(rows, shape, starts, sweep, met, times, missed, escaped, scoring)


def _targets(rows: pd.DataFrame, name: str, shape: tuple[int, int, int]) -> Ints:
    """Returns a column of evaluations, one for each target, shape (c, s, seeds, 51)."""
    return matrix(rows[name].to_numpy(), N_TARGETS, NEVER, name).astype(np.int64).reshape(*shape, N_TARGETS)


def _constant(index: Ints, shape: tuple[int, int, int], axis: int) -> bool:
    """Returns whether an index, one a row, depends on its own axis alone."""
    along = np.moveaxis(index.reshape(shape), axis, 0).reshape(shape[axis], -1)
    return bool((along == along[:, :1]).all())
