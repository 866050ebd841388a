"""Contrasts: claims that a suite names before its run, each judged by a paired difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from optbench.analysis import families
from optbench.analysis.evidence import Evidence, Reported
from optbench.analysis.field import Choices, arrange, chosen, scores
from optbench.analysis.groups import holm
from optbench.analysis.intervals import LEVEL
from optbench.analysis.redraw import replicate_sums
from optbench.analysis.resample import REPLICATES
from optbench.analysis.scores import REACH, Floats, Ints
from optbench.records import SOLVED

__all__ = ["CONTRASTS", "MEASURES", "Estimate", "Measure", "contrast", "contrasts", "holm"]

CONTRASTS = (
    *("contrast", "claim", "left", "right", "measure", "n_problems", "n_families", "n_starts"),
    *("difference", "low", "high", "level", "new_low", "new_high", "new_kind", "p", "p_holm", "verdict", "detectable"),
)


class Estimate(NamedTuple):
    """A paired difference, left minus right.

    Attributes:
        estimate: The mean difference.
        low: Lower end of its interval.
        high: Upper end.
        p: Two-sided p-value of no difference.
    """

    estimate: float
    low: float
    high: float
    p: float


def contrast(
    left: ArrayLike,
    right: ArrayLike,
    clusters: Sequence[Any] | np.ndarray,
    strata: Sequence[Any] | np.ndarray | None = None,
    *,
    error: float | None = None,
    level: float = LEVEL,
) -> Estimate:
    """Estimates a mean paired difference with Student's interval.

    Pairs of one cluster (noise seeds on one start) are averaged first: the cluster is the
    independent unit. Strata (problems) stay as they are and weigh equally; degrees of freedom are
    Welch and Satterthwaite's.

    Args:
        left: Values, shape (n,).
        right: Values of the same units in the same order, shape (n,).
        clusters: The unit of each pair, shape (n,).
        strata: The stratum of each pair, shape (n,); ``None`` for a single one.
        error: Standard error to use in place of the one found here, from a bootstrap that also
            chooses again.
        level: Confidence level.

    Returns:
        Estimate, ends and p-value; infinite ends where some stratum has a single cluster.

    Example:
        >>> found = contrast([1.0, 2.0, 4.0], [0.0, 0.0, 1.0], [0, 1, 2])
        >>> found.estimate, round(found.low, 3), round(found.high, 3), round(found.p, 4)
        (2.0, -0.484, 4.484, 0.0742)
    """
    # SciPy's statistics take half a second to import, which tables of other kinds need not wait for.
    from scipy import stats

    difference = np.asarray(left, dtype=np.float64) - np.asarray(right, dtype=np.float64)
    stratum = np.zeros(difference.shape, dtype=np.int64) if strata is None else strata
    pairs = pd.DataFrame({"stratum": stratum, "cluster": clusters, "difference": difference})
    units = pairs.groupby(["stratum", "cluster"], sort=True)["difference"].mean().groupby("stratum", sort=True)
    counts, means = units.size().to_numpy(), units.mean().to_numpy()
    estimate = float(means.mean())
    if (counts < 2).any():
        return Estimate(estimate, -np.inf, np.inf, 1.0)
    squares = units.var(ddof=1).to_numpy() / counts / len(counts) ** 2
    spread = float(np.sqrt(squares.sum())) if error is None else error
    free = squares.sum() ** 2 / (squares**2 / (counts - 1)).sum() if squares.any() else float(counts.min() - 1)
    half = float(stats.t.ppf((1 + level) / 2, free)) * spread
    ratio = abs(estimate) / spread if spread > 0 else (np.inf if estimate else 0.0)
    return Estimate(estimate, estimate - half, estimate + half, float(2 * stats.t.sf(ratio, free)))


@dataclass(frozen=True)
class Measure:
    """What a contrast compares; more is better.

    Attributes:
        title: For a reader.
        values: Values by configuration and start, shape (c, starts), starts that do not count left out.
        largest: Largest possible value; the smallest is 0.
    """

    title: str
    values: Callable[[Reported], Floats]
    largest: float = 1.0


def _met(target: int) -> Callable[[Reported], Floats]:
    return lambda r: r.reached[:, r.counted[:, target], target]


def width(reported: Reported) -> Floats:
    """Returns how many decades of the swept value need at most twice the best cost to a gap of 1e-3.

    A value stands for the range halfway to its neighbors, on a log scale. 0 where the start never
    gets there. All configurations get the same number: it belongs to the sweep.

    Args:
        reported: The reported runs.

    Returns:
        Decades, shape (c, starts that count).
    """
    sweep = reported.sweep
    cost = reported.hits[:, reported.counted[:, REACH], REACH]
    place = np.log10(sweep.value[sweep.candidates])
    edges = np.concatenate([place[:1], (place[1:] + place[:-1]) / 2, place[-1:]])
    swept = cost[sweep.candidates]
    near = np.isfinite(swept) & (swept <= 2 * swept.min(axis=0, keepdims=True))
    return np.broadcast_to(np.diff(edges) @ near, cost.shape).astype(np.float64)


#: By the name that suite files use.
MEASURES: dict[str, Measure] = {
    "score": Measure("area score", scores),
    "reach": Measure("share of runs that reach a gap of 1e-3", _met(REACH)),
    "solved": Measure("share of runs that solve the problem", _met(SOLVED)),
    "width": Measure("decades of rates within twice the best cost", width, largest=10.0),
}


def contrasts(
    evidence: Evidence,
    choices: Choices,
    manifest: Mapping[str, Any],
    *,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> pd.DataFrame:
    """Judges the contrasts of a suite.

    Each interval stands at the level of its step in Holm's procedure over all contrasts of the
    suite, so it excludes 0 exactly where Holm rejects at 5 %.

    Args:
        evidence: The judged rows.
        choices: The configuration in each setting.
        manifest: The run's manifest, with the suite's ``contrasts``.
        seed: Seed of the bootstrap.
        replicates: Number of bootstrap replicates.

    Returns:
        One row per contrast, in the suite's order; ``verdict`` is ``holds``, ``fails``, ``depends``
        or, where no problem has runs of both sides, ``not run``.
    """
    stated = list(manifest.get("contrasts", ()))
    found = [_Compared.of(c, evidence, choices, seed, replicates) for c in stated]
    run = [k for k, compared in enumerate(found) if compared is not None]
    p = np.array([compared.estimate().p for compared in found if compared is not None])
    adjusted = dict(zip(run, holm(p).tolist(), strict=True))
    levels = dict(zip(run, _levels(p).tolist(), strict=True))
    rows = []
    for k, (statement, compared) in enumerate(zip(stated, found, strict=True)):
        sides = [f"{statement[side]['optimizer']}, {statement[side]['setting']}" for side in ("left", "right")]
        about = (statement["name"], statement["claim"], *sides, statement["measure"])
        if compared is None:
            rows.append((*about, 0, 0, 0, *[np.nan] * 6, "range", np.nan, np.nan, "not run", np.nan))
            continue
        at = compared.estimate(levels[k])
        counts = (compared.n_problems, len(compared.sizes), compared.n_starts)
        ends = (at.estimate, at.low, at.high, levels[k], *compared.new(levels[k], seed))
        verdict = "holds" if at.low > 0 else "fails" if at.high < 0 else "depends"
        rows.append((*about, *counts, *ends, at.p, adjusted[k], verdict, (at.high - at.low) / 2))
    return pd.DataFrame(rows, columns=list(CONTRASTS))


def _levels(p: Floats, level: float = LEVEL) -> Floats:
    """Returns the level of each test's step in Holm's procedure; after the first that is not rejected it stays."""
    order = np.argsort(p, kind="stable")
    rejected = int((np.sort(holm(p)) <= 1 - level).sum())
    steps = np.minimum(np.arange(len(p)), min(rejected, len(p) - 1))
    levels = np.empty(len(p))
    levels[order] = 1 - (1 - level) / (len(p) - steps)
    return levels


@dataclass(frozen=True)
class _Compared:
    """One contrast with its values.

    Attributes:
        measure: What is compared.
        left: Values by start, problems one after the other, shape (pairs,).
        right: The same of the right side.
        problem: Index of each pair's problem, shape (pairs,).
        sizes: Number of problems in each family, shape (families,).
        sums: Mean difference summed over the problems of each family, shape (families, 1).
        redrawn: The same in each replicate, shape (replicates, families, 1).
    """

    measure: Measure
    left: Floats
    right: Floats
    problem: Ints
    sizes: Floats
    sums: Floats
    redrawn: Floats

    @classmethod
    def of(
        cls, statement: Mapping[str, Any], evidence: Evidence, choices: Choices, seed: int, replicates: int
    ) -> _Compared | None:
        """Returns a contrast's values, ``None`` where no problem has runs of both sides."""
        sides = [(statement[side]["optimizer"], statement[side]["setting"]) for side in ("left", "right")]
        entries, settings = sorted({o for o, _ in sides}), sorted({s for _, s in sides})
        measure = MEASURES[statement["measure"]]
        problems = [p for p in sorted(evidence.facts) if all((p, o) in evidence.reported for o in entries)]
        if not problems:
            return None
        field = arrange(evidence, entries, problems, measure.values)
        places = {s: chosen(field, evidence, choices, s) for s in settings}
        at = [places[s][:, entries.index(o)] for o, s in sides]
        meant = [fnmatchcase(p, statement.get("problems") or "*") for p in problems]
        among = np.array(meant) & (at[0] >= 0) & (at[1] >= 0) & np.array([r.shape[2] > 0 for r in field.report])
        if not among.any():
            return None
        counted = [int(p) for p in np.flatnonzero(among)]
        left, right = ([field.report[p][entries.index(o), at[k][p]] for p in counted] for k, (o, _) in enumerate(sides))
        drawn = replicate_sums(field, settings, among=among, seed=seed, replicates=replicates)
        sizes = field.by_family(among.astype(np.float64))
        means = np.zeros((len(problems), 1))
        means[counted, 0] = [float((a - b).mean()) for a, b in zip(left, right, strict=True)]
        redrawn = np.subtract(*(drawn[s][..., entries.index(o)] for o, s in sides))
        present = sizes > 0
        return cls(
            measure=measure,
            left=np.concatenate(left),
            right=np.concatenate(right),
            problem=np.repeat(counted, [len(values) for values in left]),
            sizes=sizes[present],
            sums=field.by_family(means)[present],
            redrawn=redrawn[:, present, None],
        )

    @property
    def n_problems(self) -> int:
        """Number of problems."""
        return int(self.sizes.sum())

    @property
    def n_starts(self) -> int:
        """Number of starts of the problem that has the fewest."""
        return int(np.unique(self.problem, return_counts=True)[1].min())

    def estimate(self, level: float = LEVEL) -> Estimate:
        """Returns the difference for these problems and new starts."""
        error = float((self.redrawn.sum(axis=(1, 2)) / self.n_problems).std(ddof=1))
        return contrast(self.left, self.right, np.arange(len(self.left)), self.problem, error=error, level=level)

    def new(self, level: float, seed: int) -> tuple[float, float, str]:
        """Returns the ends for new problems like these, and whether they are an interval or a range."""
        if len(self.sizes) < families.FEWEST:
            low, high = families.left_out(self.sums, self.sizes)
            return float(low[0]), float(high[0]), "range"
        scale = self.measure.largest
        low, high = families.interval(self.sums / scale, self.sizes, self.redrawn / scale, seed=seed, level=level)
        return float(low[0]) * scale, float(high[0]) * scale, "interval"
