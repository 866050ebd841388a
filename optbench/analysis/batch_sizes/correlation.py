"""Sharpness against the gap over all runs of all arms: each network once, whatever arms it belongs to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optbench.analysis.statistics.rank_correlation import spearman

#: One network at one level: its gap and one of its measures.
PAIRED = ("level", "measure", "cell_id", "task", "optimizer", "batch_size", "replicate", "gap", "value")
#: Over all networks at one level; the interval is for new replicates.
CORRELATIONS = ("level", "measure", "rho", "low", "high", "n_runs", "n_replicates")


def arm_gaps(points: pd.DataFrame, quantities: pd.DataFrame) -> pd.DataFrame:
    """Puts each measure of a network beside its gap.

    Args:
        points: The frame of ``points.arm_points``.
        quantities: The frame of ``quantities.arm_quantities``.

    Returns:
        One row for each level (NaN for the end of runs), measure and network that has both numbers, with the columns
        of ``PAIRED``; sorted.
    """
    keys = ["arm", "batch_size", "replicate", "level"]
    end = {"level": 0.0}  # NaN equals nothing
    known = points[points["enters"].astype(bool)].fillna(end)[[*keys, "cell_id", "task", "optimizer", "gap"]]
    taken = quantities[quantities["kind"] == "measure"].fillna(end)
    both = taken.merge(known, on=keys).rename(columns={"quantity": "measure"}).dropna(subset=["gap", "value"])
    both = both.drop_duplicates(["level", "measure", "cell_id"])
    both = both.sort_values(["level", "measure", "batch_size", "replicate", "cell_id"], ignore_index=True)
    both["level"] = both["level"].replace(0.0, np.nan)
    return both[list(PAIRED)]


def arm_correlations(gaps: pd.DataFrame) -> pd.DataFrame:
    """Returns the rank correlation of each measure with the gap.

    Args:
        gaps: The frame of ``arm_gaps``.

    Returns:
        One row for each level and measure, with the columns of ``CORRELATIONS``.
    """
    rows = []
    for (level, measure), mine in gaps.groupby(["level", "measure"], dropna=False, sort=True):
        found = spearman(mine["value"].to_numpy(), mine["gap"].to_numpy(), mine["replicate"].to_numpy())
        rows.append((level, measure, found.rho, found.low, found.high, found.n, found.n_clusters))
    return pd.DataFrame(rows, columns=list(CORRELATIONS))
