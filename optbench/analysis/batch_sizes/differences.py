"""Paired differences between batch sizes: same replicate, same training loss, another batch."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.networks.runs import FAILED
from optbench.analysis.statistics.arrays import Floats
from optbench.analysis.statistics.intervals import LEVEL
from optbench.analysis.statistics.sign_flip import sign_flip
from optbench.records import Status

#: What became of the ``n_planned`` pairs at a place: ``n_missing`` lack a run or have one that failed, ``n_unreached``
#: have a side that never reached the level, ``n_left_out`` a side that lies too far from it. The others enter,
#: ``n_diverged`` of them with a side that diverged after that point.
COUNTS = ("n_planned", "n_missing", "n_unreached", "n_left_out", "n_diverged")

#: The larger batch minus the smaller; of ``scale`` ``log_ratio`` the natural logarithm of their ratio. Of the pairs
#: that enter, ``n_without`` have a side without a finite number (of ratios a positive one). Means and standard
#: deviations of the two sides are over the ``n_pairs`` others.
DIFFERENCES = (
    *("arm", "is_primary", "level", "small", "large", "quantity", "kind", "scale"),
    *("estimate", "low", "high", "p_t", "p_flip", "is_exact", "small_mean", "small_sd", "large_mean", "large_sd"),
    *("n_pairs", "n_without"),
    *COUNTS,
)

#: The end of a run among levels, which are larger than 0.
END = 0.0
DIVERGED = str(Status.DIVERGED)
_NOTHING = pd.DataFrame()
_NO_POINTS = pd.DataFrame(columns=["status", "reached", "enters"])


def arm_differences(points: pd.DataFrame, quantities: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Compares each batch size of an arm with its smallest, replicate by replicate.

    A pair shares data, split, initialization and order. At a level it enters if both runs reached it, each within
    10 %. Intervals are Student's, for new replicates; ``p_t`` is Student's, ``p_flip`` that of the sign-flip test.

    Args:
        points: The frame of ``points.arm_points``.
        quantities: The frame of ``quantities.arm_quantities``.
        manifest: The run's manifest.

    Returns:
        One row for each arm, level (NaN for the end of runs), larger batch and quantity, with the columns of
        ``DIFFERENCES``; an arm of a single batch size has none.
    """
    planned = int(manifest.get("seeds", {}).get("report", 0))
    keys = ["arm", "batch_size", "level"]
    kinds = dict(quantities[["quantity", "kind"]].drop_duplicates().itertuples(index=False, name=None))
    # NaN equals nothing, itself included.
    wide = quantities.fillna({"level": END}).pivot(index=[*keys, "replicate"], columns="quantity", values="value")
    values = _by_place(wide.reset_index(), keys)
    at = _by_place(points.fillna({"level": END}), keys)
    rows = []
    for arm in manifest.get("arms", ()):
        sizes = [int(run["batch_size"]) for run in arm["runs"]]
        for large in sizes[1:]:
            for level in (*map(float, manifest.get("levels", ())), END):
                places = [(arm["name"], size, level) for size in (sizes[0], large)]
                known = {
                    "arm": arm["name"], "is_primary": bool(arm["is_primary"]),
                    "level": np.nan if level == END else level, "small": sizes[0], "large": large,
                    **_counts(*(at.get(place, _NO_POINTS) for place in places), planned=planned),
                }  # fmt: skip
                below, above = (values.get(place, _NOTHING) for place in places)
                for quantity, kind in kinds.items():
                    found = _compared(below, above, quantity, log=kind != "score", n=known["n_pairs"])
                    rows.append({**known, "quantity": quantity, "kind": kind, **found})
    return pd.DataFrame(rows, columns=list(DIFFERENCES))


def _by_place(frame: pd.DataFrame, keys: list[str]) -> dict[Any, pd.DataFrame]:
    """Returns the rows of each place by replicate."""
    return {place: rows.set_index("replicate").sort_index() for place, rows in frame.groupby(keys, sort=False)}


def _counts(small: pd.DataFrame, large: pd.DataFrame, *, planned: int) -> dict[str, int]:
    """Returns how many pairs there are, and what became of the others."""
    planned = max(planned, len(small.index.union(large.index)))
    # What a run that failed would have reached is not known.
    small, large = (side[~side["status"].isin([str(status) for status in FAILED])] for side in (small, large))
    pairs = small.index.intersection(large.index)
    reached = small.loc[pairs, "reached"].astype(bool) & large.loc[pairs, "reached"].astype(bool)
    enters = small.loc[pairs, "enters"].astype(bool) & large.loc[pairs, "enters"].astype(bool)
    diverged = small.loc[pairs, "status"].eq(DIVERGED) | large.loc[pairs, "status"].eq(DIVERGED)
    return {
        "n_planned": planned,
        "n_pairs": int(enters.sum()),
        "n_missing": planned - len(pairs),
        "n_unreached": int((~reached).sum()),
        "n_left_out": int((reached & ~enters).sum()),
        "n_diverged": int((enters & diverged).sum()),
    }


def _compared(small: pd.DataFrame, large: pd.DataFrame, quantity: str, *, log: bool, n: int) -> dict[str, Any]:
    """Compares two batch sizes by one quantity; ``n`` pairs enter."""
    left, right = (side[quantity] if quantity in side else pd.Series(dtype=np.float64) for side in (large, small))
    pairs = pd.DataFrame({"left": left, "right": right}).replace([np.inf, -np.inf], np.nan).dropna()
    if log:
        pairs = pairs[(pairs > 0).all(axis=1)]
    values: Floats = pairs.to_numpy(np.float64)
    found: dict[str, Any] = {"n_pairs": len(pairs), "n_without": n - len(pairs)}
    for place, side in enumerate(("large", "small")):
        found[f"{side}_mean"] = float(values[:, place].mean()) if len(values) else np.nan
        found[f"{side}_sd"] = float(values[:, place].std(ddof=1)) if len(values) > 1 else np.nan
    found["scale"] = "log_ratio" if log else "difference"
    values = np.log(values) if log else values
    return {**found, **judged(values[:, 0] - values[:, 1])}


def judged(differences: Floats, level: float = LEVEL) -> dict[str, Any]:
    """Returns a mean difference with Student's interval, and the p-values of both tests.

    Args:
        differences: One for each pair, shape (n,).
        level: Confidence level.

    Returns:
        ``estimate``, ``low``, ``high``, ``p_t``, ``p_flip`` and ``is_exact``; all but the estimate are NaN for a single
        pair.

    Example:
        >>> found = judged(np.array([1.0, 2.0, 4.0]))
        >>> round(found["estimate"], 3), round(found["low"], 3), round(found["p_t"], 4), found["p_flip"]
        (2.333, -1.461, 0.1181, 0.25)
    """
    nothing = {"low": np.nan, "high": np.nan, "p_t": np.nan, "p_flip": np.nan, "is_exact": True}
    if len(differences) < 2:
        return {"estimate": float(differences.mean()) if len(differences) else np.nan, **nothing}
    from scipy import special

    n, estimate, flipped = len(differences), float(differences.mean()), sign_flip(differences)
    error = float(differences.std(ddof=1)) / sqrt(n)
    half = float(special.stdtrit(n - 1, (1 + level) / 2)) * error
    ratio = abs(estimate) / error if error > 0 else (float("inf") if estimate else 0.0)
    return {
        "estimate": estimate, "low": estimate - half, "high": estimate + half,
        "p_t": float(2 * special.stdtr(n - 1, -ratio)), "p_flip": flipped.p, "is_exact": flipped.is_exact,
    }  # fmt: skip
