"""One contrast with its values: the paired differences of its two sides, their interval, and its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from optbench.analysis.landscapes.contrasts.measures import MEASURES
from optbench.analysis.landscapes.contrasts.sides import named
from optbench.analysis.landscapes.evidence import Arranged
from optbench.analysis.landscapes.field import Choices, Field, arrange, chosen
from optbench.analysis.landscapes.redraw import replicate_sums
from optbench.analysis.landscapes.resample import starts_of
from optbench.analysis.statistics import families
from optbench.analysis.statistics.arrays import Floats, Ints
from optbench.analysis.statistics.intervals import LEVEL
from optbench.analysis.statistics.paired import Estimate, contrast


@dataclass(frozen=True)
class Draws:
    """How replicates are drawn.

    Attributes:
        seed: Seed of the bootstrap.
        replicates: Number of replicates.
    """

    seed: int
    replicates: int


@dataclass(frozen=True)
class Compared:
    """The values of one contrast on some problems.

    Attributes:
        difference: Left minus right by start, problems one after the other, shape (pairs,); of a claim about how a
            difference grows, the difference here minus that on the other problem of the same start.
        problem: Index of each pair's problem, shape (pairs,).
        largest: Largest possible difference.
        margin: How much worse left may be; part of every estimate.
        sizes: Number of problems in each family, shape (families,).
        sums: Mean difference summed over the problems of each family, shape (families, 1).
        redrawn: The same in each replicate, shape (replicates, families, 1).
        seed: Seed of the bootstrap.
    """

    difference: Floats
    problem: Ints
    largest: float
    margin: float
    sizes: Floats
    sums: Floats
    redrawn: Floats
    seed: int

    @classmethod
    def of(
        cls, statement: Mapping[str, Any], evidence: Arranged, choices: Choices, problems: Sequence[str], draws: Draws
    ) -> Compared | None:
        """Compares the two sides.

        Args:
            statement: The contrast as the manifest has it.
            evidence: The judged rows, with the entries that its sides are made of.
            choices: The configuration in each setting.
            problems: Labels of the problems that count.
            draws: How replicates are drawn.

        Returns:
            The values, ``None`` where no problem has runs of both sides.
        """
        sides = [named(statement[end]) for end in ("left", "right")]
        entries, settings = sorted({o for o, _ in sides}), sorted({s for _, s in sides})
        measure = MEASURES[statement["measure"]]
        ran = [p for p in sorted(evidence.facts) if all((p, o) in evidence.reported for o in entries)]
        field = arrange(evidence, entries, ran, measure.values)
        places = {s: chosen(field, evidence, choices, s) for s in settings} if ran else {}
        columns = [entries.index(o) for o, _ in sides]
        differences: dict[str, Floats] = {}
        for p, label in enumerate(ran):
            at = [int(places[s][p, e]) for (_, s), e in zip(sides, columns, strict=True)]
            if min(at) >= 0 and field.report[p].shape[2]:
                left, right = (field.report[p][e, place] for e, place in zip(columns, at, strict=True))
                differences[label] = left - right
        beyond = {} if statement.get("beyond") is None else _twins(statement["beyond"], differences)
        counted = [p for p in problems if p in differences]
        if statement.get("beyond") is not None:
            counted = [p for p in counted if (twin := beyond.get(starts_of(p))) is not None and twin != p]
        if not counted:
            return None
        others = [beyond[starts_of(p)] for p in counted] if beyond else []
        pairs = [differences[p] for p in counted]
        if others:
            pairs = [here - differences[there] for here, there in zip(pairs, others, strict=True)]
        means = np.zeros((len(ran), 1))
        index = [ran.index(p) for p in counted]
        means[index, 0] = [float(pair.mean()) for pair in pairs]
        redrawn = _redrawn(field, sides, columns, counted, draws)
        if others:
            redrawn = redrawn - _redrawn(field, sides, columns, others, draws)
        among = np.zeros(len(ran))
        among[index] = 1.0
        sizes = field.by_family(among)
        present = sizes > 0
        return cls(
            difference=np.concatenate(pairs),
            problem=np.repeat(index, [len(pair) for pair in pairs]),
            largest=measure.largest * (2.0 if others else 1.0),
            margin=float(statement.get("margin", 0.0)),
            sizes=sizes[present],
            sums=field.by_family(means)[present],
            redrawn=redrawn[:, present],
            seed=draws.seed,
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
        """Returns the mean difference for these problems and new starts, the margin included."""
        error = float((self.redrawn.sum(axis=(1, 2)) / self.n_problems).std(ddof=1))
        zero = np.full(len(self.difference), -self.margin)
        starts = np.arange(len(self.difference))
        return contrast(self.difference, zero, starts, self.problem, error=error, level=level)

    def new(self, level: float) -> tuple[float, float, str]:
        """Returns the ends for new problems like these, and whether they are an interval or a range."""
        if len(self.sizes) < families.FEWEST:
            low, high = families.left_out(self.sums, self.sizes)
            return float(low[0]) + self.margin, float(high[0]) + self.margin, "range"
        scale = self.largest
        low, high = families.interval(self.sums / scale, self.sizes, self.redrawn / scale, seed=self.seed, level=level)
        return float(low[0]) * scale + self.margin, float(high[0]) * scale + self.margin, "interval"


def _twins(pattern: str, labels: Mapping[str, Floats]) -> dict[str, str]:
    """Returns the problem that is meant by the label of its function without noise."""
    return {starts_of(x): x for x in labels if any(fnmatchcase(x, part) for part in pattern.split())}


def _redrawn(
    field: Field, sides: Sequence[tuple[str, str]], columns: Sequence[int], problems: Sequence[str], draws: Draws
) -> Floats:
    """Returns replicates of the difference, summed over each family's problems, shape (replicates, families, 1)."""
    settings = sorted({s for _, s in sides})
    among = np.array([p in problems for p in field.problems])
    drawn = replicate_sums(field, settings, among=among, seed=draws.seed, replicates=draws.replicates)
    left, right = (drawn[s][..., e] for (_, s), e in zip(sides, columns, strict=True))
    return np.asarray(left - right)[..., None]


def worst(parts: Sequence[Compared], level: float = LEVEL) -> Estimate:
    """Estimates the smallest of several mean differences, one for each problem.

    The lower end is the smallest of the lower ends: the minimum is above it unless the worst problem's own end is
    wrong (Berger's intersection-union test, without a correction). The upper end is the smallest of the
    upper ends with Bonferroni's correction.

    Args:
        parts: The problems, one each.
        level: Confidence level.

    Returns:
        Estimate, ends and p-value of no difference, consistent with the ends.

    Source: Berger 1982, Technometrics 24, 295-300.
    """
    found = [part.estimate(level) for part in parts]
    corrected = [part.estimate(1 - (1 - level) / len(parts)) for part in parts]
    above = max(e.p / 2 if e.estimate > 0 else 1 - e.p / 2 for e in found)
    below = min(1.0, len(parts) * min(e.p / 2 if e.estimate < 0 else 1 - e.p / 2 for e in found))
    return Estimate(
        min(e.estimate for e in found),
        min(e.low for e in found),
        min(e.high for e in corrected),
        min(1.0, 2 * min(above, below)),
    )
