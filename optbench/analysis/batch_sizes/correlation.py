"""Sharpness against the gap: over all arms, where a network counts once whatever arms it is of, and within each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optbench.analysis.statistics.rank_correlation import spearman

#: One network at one level: its gap and one of its measures.
PAIRED = ("level", "measure", "cell_id", "task", "optimizer", "batch_size", "replicate", "gap", "value")
#: Over the networks of an arm at one level, of all arms where ``arm`` is empty; the interval is for new replicates.
CORRELATIONS = ("level", "measure", "arm", "rho", "low", "high", "n_runs", "n_replicates")


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


def arm_correlations(gaps: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Returns the rank correlation of each measure with the gap.

    Arms differ in more than sharpness, so that a correlation over all of them may be none within any; within an arm
    networks differ in batch size and replicate alone. A replicate is a cluster of both.

    Args:
        gaps: The frame of ``arm_gaps``.
        points: The frame of ``points.arm_points``.

    Returns:
        One row for each level and measure over all arms, followed, in a run of several, by one for each arm that has
        networks there, with the columns of ``CORRELATIONS``.
    """
    networks = {str(arm): set(rows["cell_id"]) for arm, rows in points.groupby("arm", sort=False)}
    within = networks if len(networks) > 1 else {}
    rows = []
    for (level, measure), all_of_them in gaps.groupby(["level", "measure"], dropna=False, sort=True):
        parts = {arm: all_of_them[all_of_them["cell_id"].isin(list(cells))] for arm, cells in within.items()}
        for arm, mine in {"": all_of_them, **parts}.items():
            if mine.empty:
                continue
            found = spearman(mine["value"].to_numpy(), mine["gap"].to_numpy(), mine["replicate"].to_numpy())
            rows.append((level, measure, arm, found.rho, found.low, found.high, found.n, found.n_clusters))
    return pd.DataFrame(rows, columns=list(CORRELATIONS))
