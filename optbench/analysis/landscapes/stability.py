"""How far a ranking hangs on the way of scoring: the same rows ranked by settled and by touched targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from optbench.analysis.landscapes.evidence import arrange
from optbench.analysis.landscapes.ranking import RANKING, ranking
from optbench.analysis.landscapes.rows import Rows
from optbench.analysis.landscapes.selection import select
from optbench.analysis.statistics.intervals import REPLICATES
from optbench.records import Scoring

STABILITY = ("scoring", *RANKING)


def stability(
    runs: pd.DataFrame | Rows,
    manifest: Mapping[str, Any],
    ways: Sequence[Scoring] = tuple(Scoring),
    *,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> pd.DataFrame:
    """Ranks the entries of a run by each way of scoring; tuning goes by the same way.

    Args:
        runs: Rows with the columns of ``records.landscapes``.
        manifest: The run's manifest.
        ways: Which times of targets count, one after the other.
        seed: Seed of the bootstrap.
        replicates: Number of bootstrap replicates.

    Returns:
        The rows of ``ranking.ranking`` for each way.
    """
    parts = []
    for scoring in ways:
        evidence = arrange(runs, manifest, scoring)
        choices = {
            place: choice
            for place, choice in select(evidence.tuning, evidence.facts).items()
            if place[1] in evidence.reported
        }
        frame = ranking(evidence, choices, manifest, seed=seed, replicates=replicates)
        parts.append(frame.assign(scoring=scoring.value)[list(STABILITY)])
    return pd.concat(parts, ignore_index=True)
