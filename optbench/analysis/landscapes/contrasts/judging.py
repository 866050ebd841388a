"""Contrasts: claims that a suite names before its run, each judged by a paired difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.landscapes.contrasts.claims import Compared, Draws, worst
from optbench.analysis.landscapes.contrasts.measures import MEASURES
from optbench.analysis.landscapes.contrasts.sides import with_sides
from optbench.analysis.landscapes.evidence import Arranged
from optbench.analysis.landscapes.field import Choices
from optbench.analysis.statistics.groups import holm, steps
from optbench.analysis.statistics.intervals import LEVEL, REPLICATES
from optbench.analysis.statistics.paired import Estimate, contrast
from optbench.analysis.statistics.verdicts import described, verdict

__all__ = ["CONTRASTS", "MEASURES", "Estimate", "JudgedClaim", "contrast", "contrasts", "holm"]

CONTRASTS = (
    *("contrast", "claim", "refuted_by", "left", "right", "measure", "over", "margin"),
    *("n_problems", "n_families", "n_starts"),
    *("difference", "low", "high", "level", "new_low", "new_high", "new_kind", "p", "p_holm", "verdict", "detectable"),
    "by_group",
)


def contrasts(
    evidence: Arranged,
    choices: Choices,
    manifest: Mapping[str, Any],
    *,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> pd.DataFrame:
    """Judges the contrasts of a suite.

    Each interval stands at the level of its step in Holm's procedure over all contrasts of the
    suite, so it excludes 0 exactly where Holm rejects at 5 %. Groups of one contrast share its error.

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
    evidence, choices = with_sides(evidence, choices, stated)
    draws = Draws(seed, replicates)
    found = [JudgedClaim.of(statement, evidence, choices, draws) for statement in stated]
    run = [k for k, judged in enumerate(found) if judged is not None]
    p = np.array([judged.estimate().p for judged in found if judged is not None])
    adjusted = dict(zip(run, holm(p).tolist(), strict=True))
    levels = dict(zip(run, steps(p).tolist(), strict=True))
    rows = []
    for k, (statement, judged) in enumerate(zip(stated, found, strict=True)):
        over, margin = statement.get("over", "mean"), statement.get("margin", 0.0)
        sides = (_title(statement["left"]), _title(statement["right"]))
        refuted = statement.get("refuted_by") or ""
        about = (statement["name"], statement["claim"], refuted, *sides, statement["measure"], over, margin)
        if judged is None:
            rows.append((*about, 0, 0, 0, *[np.nan] * 6, "range", np.nan, np.nan, "not run", np.nan, ""))
            continue
        at, groups = judged.estimate(levels[k]), judged.by_group(levels[k])
        counts = (judged.whole.n_problems, len(judged.whole.sizes), judged.whole.n_starts)
        ends = (at.estimate, at.low, at.high, levels[k], *judged.new(levels[k]))
        end = (verdict(at, groups), (at.high - at.low) / 2, described(groups))
        rows.append((*about, *counts, *ends, at.p, adjusted[k], *end))
    return pd.DataFrame(rows, columns=list(CONTRASTS))


def _title(side: Mapping[str, Any]) -> str:
    at = side.get("at")
    return f"{side['optimizer']}, {side['setting'] if at is None else f'at {at:.4g}'}"


@dataclass(frozen=True)
class JudgedClaim:
    """One contrast on all of its problems and on parts of them.

    Attributes:
        whole: All problems.
        groups: The named groups that have runs.
        alone: Each problem by itself, if the worst of them is what counts; else empty.
    """

    whole: Compared
    groups: Mapping[str, Compared]
    alone: Sequence[Compared]

    @classmethod
    def of(cls, statement: Mapping[str, Any], evidence: Arranged, choices: Choices, draws: Draws) -> JudgedClaim | None:
        """Compares the two sides.

        Args:
            statement: The contrast as the manifest has it.
            evidence: The judged rows, with the entries that its sides are made of.
            choices: The configuration in each setting.
            draws: How replicates are drawn.

        Returns:
            The values, ``None`` where no problem has runs of both sides.
        """
        problems = _about(statement.get("problems"), sorted(evidence.facts))
        whole = Compared.of(statement, evidence, choices, problems, draws)
        if whole is None:
            return None

        def compared(some: Sequence[str]) -> Compared | None:
            return Compared.of(statement, evidence, choices, some, draws)

        stated = statement.get("groups") or {}
        groups = {name: found for name, part in stated.items() if (found := compared(_about(part, problems)))}
        ones = [[p] for p in problems] if statement.get("over", "mean") == "worst" else []
        return cls(whole, groups, [found for one in ones if (found := compared(one))])

    def estimate(self, level: float = LEVEL) -> Estimate:
        """Returns the difference for these problems and new starts: the mean, or that on the worst problem."""
        return worst(self.alone, level) if self.alone else self.whole.estimate(level)

    def by_group(self, level: float) -> dict[str, Estimate]:
        """Returns the difference on each group; together they err as rarely as one interval of this level."""
        share = 1 - (1 - level) / max(len(self.groups), 1)
        return {name: group.estimate(share) for name, group in self.groups.items()}

    def new(self, level: float) -> tuple[float, float, str]:
        """Returns the ends for new problems like these; there are none for the worst of these problems."""
        return (np.nan, np.nan, "range") if self.alone else self.whole.new(level)


def _about(patterns: str | None, labels: Sequence[str]) -> list[str]:
    return [x for x in labels if patterns is None or any(fnmatchcase(x, part) for part in patterns.split())]
