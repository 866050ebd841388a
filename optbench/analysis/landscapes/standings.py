"""Mean scores of the entries of a run in each setting, with their bootstrap: what ranking and tuning both show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from optbench.analysis.landscapes.evidence import Arranged
from optbench.analysis.landscapes.field import Choices, Field, arrange, chosen, means, roster
from optbench.analysis.landscapes.redraw import freedom, replicate_sums
from optbench.analysis.landscapes.selection import SETTINGS
from optbench.analysis.statistics import simultaneous
from optbench.analysis.statistics.arrays import Bools, Floats
from optbench.analysis.statistics.intervals import REPLICATES


@dataclass(frozen=True)
class Standings:
    """The scores of all entries that ran on the same problems, reference lines included; n entries.

    Attributes:
        field: Entries and problems; the ranked entries come first.
        n_ranked: How many of the entries are ranked; the others are reference lines.
        mean: Mean score over starts by setting, shape (problems, n); NaN where an entry has no choice.
        sums: Replicates of it by setting, summed over the problems of each family, shape (replicates, families, n).
    """

    field: Field
    n_ranked: int
    mean: Mapping[str, Floats]
    sums: Mapping[str, Floats]

    def able(self, setting: str) -> Bools:
        """Returns which entries have a choice on every problem, shape (n,)."""
        return np.asarray(np.isfinite(self.mean[setting]).all(axis=0))

    def scores(self, setting: str) -> tuple[Floats, Floats, Floats]:
        """Returns the mean over problems of each entry, and the ends of its interval, shape (n,) each.

        The interval is for *these problems, new starts*; every replicate chooses again.
        """
        score = self.mean[setting].mean(axis=0)
        totals = self.sums[setting].sum(axis=1) / len(self.field.problems)
        return score, *simultaneous.score_intervals(score, totals, freedom(self.field))


def standings(
    evidence: Arranged,
    choices: Choices,
    manifest: Mapping[str, Any],
    *,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> Standings | None:
    """Scores the entries of a run in each setting.

    Args:
        evidence: The judged rows.
        choices: The configuration in each setting.
        manifest: The run's manifest.
        seed: Seed of the bootstrap.
        replicates: Number of bootstrap replicates.

    Returns:
        The scores; settings in which no entry has a choice are left out. ``None`` where nothing can be scored.
    """
    entries, references, problems = roster(evidence, manifest)
    if not problems:
        return None
    field = arrange(evidence, [*entries, *references], problems)
    places = {setting: chosen(field, evidence, choices, setting) for setting in SETTINGS}
    settings = [setting for setting in SETTINGS if (places[setting] >= 0).all(axis=0).any()]
    sums = replicate_sums(field, settings, seed=seed, replicates=replicates)
    return Standings(field, len(entries), {s: means(field, places[s]) for s in settings}, sums)
