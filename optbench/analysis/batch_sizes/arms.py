"""The arms of an experiment, judged: largest against smallest batch, primary contrasts first, Holm over the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.batch_sizes.differences import COUNTS
from optbench.analysis.batch_sizes.quantities import find_measure
from optbench.analysis.statistics.groups import holm

#: What arms are compared by. The first and the third are the primary contrasts; the tests of these two are corrected.
OUTCOMES = ("test", "gap", "keskar", "top")
TESTED = ("test", "keskar")
#: Keskar's metric in the full space, as in his Table 3.
EPS = 1e-3

#: ``p`` is that of the sign-flip test, ``p_t`` Student's; ``p_holm`` is NaN for the primary contrasts, which stand
#: alone. ``test`` and ``gap`` are differences of shares, ``keskar`` and ``top`` logarithms of ratios.
ARMS = (
    *("arm", "title", "says", "is_primary", "level", "small", "large", "shares_test"),
    *COUNTS,
    *(
        name if not end else f"{name}_{end}"
        for name in OUTCOMES
        for end in ("", "low", "high", "p", "p_t", "p_holm", "n", "without")
    ),
)


def arms(
    differences: pd.DataFrame, settings: Mapping[str, Mapping[str, Any]], manifest: Mapping[str, Any]
) -> pd.DataFrame:
    """Compares the largest batch of each arm with its smallest, at the primary level and at the end of the runs.

    The two contrasts of a primary arm at the primary level (of the suite without levels, at the end) stand as they are.
    All others are exploratory: their p-values are Holm's, over the two contrasts of all arms at that place.

    Args:
        differences: The frame of ``differences.arm_differences``.
        settings: Settings of the measures by label, as ``quantities.settings_of`` has them.
        manifest: The run's manifest.

    Returns:
        One row for each place and arm with several batch sizes, with the columns of ``ARMS``; primary arms first.
    """
    labels = labels_of(settings)
    primary = manifest.get("primary_level")
    rows = []
    for level in dict.fromkeys((np.nan if primary is None else float(primary), np.nan)):
        here = differences[differences["level"].isna() if np.isnan(level) else differences["level"] == level]
        found = [row for arm in ordered(manifest) if (row := _judged(here, arm, labels, manifest, level)) is not None]
        _correct(found, is_primary_place=primary is None or not np.isnan(level))
        rows += found
    return pd.DataFrame(rows, columns=list(ARMS))


def labels_of(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, str | None]:
    """Returns the quantity of each of ``OUTCOMES``: a score, or a measure's label, ``None`` where it was not taken.

    Args:
        settings: Settings of the measures by label, as ``quantities.settings_of`` has them.

    Example:
        >>> labels_of({"top[dtype=float32]": {"name": "hessian_top"}})
        {'test': 'test_accuracy', 'gap': 'gap', 'keskar': None, 'top': 'top[dtype=float32]'}
    """
    keskar, top = find_measure(settings, "keskar", eps=EPS, subspace=0), find_measure(settings, "hessian_top")
    return dict(zip(OUTCOMES, ("test_accuracy", "gap", keskar, top), strict=True))


def ordered(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Returns the arms of a run, primary ones first, else in the order of the suite."""
    return sorted(manifest.get("arms", ()), key=lambda arm: not arm["is_primary"])


def _judged(
    differences: pd.DataFrame, arm: Mapping[str, Any], labels: Mapping[str, str | None], manifest: Mapping[str, Any],
    level: float,
) -> dict[str, Any] | None:  # fmt: skip
    """Returns the row of an arm, ``None`` where it has one batch size alone."""
    sizes = [int(run["batch_size"]) for run in arm["runs"]]
    if len(sizes) < 2:
        return None
    mine = differences[(differences["arm"] == arm["name"]) & (differences["large"] == sizes[-1])]
    by_quantity = {str(row["quantity"]): row for row in mine.to_dict("records")}
    if not by_quantity:
        return None
    tasks = manifest.get("tasks", {})
    first = next(iter(by_quantity.values()))
    row = {
        "arm": arm["name"], "title": arm.get("title") or arm["name"], "says": arm.get("says") or "",
        "is_primary": bool(arm["is_primary"]), "level": level,
        "small": sizes[0], "large": sizes[-1],
        "shares_test": any(tasks.get(run["task"], {}).get("shares_test", False) for run in arm["runs"]),
        **{name: first[name] for name in COUNTS},
    }  # fmt: skip
    for name, label in labels.items():
        found = by_quantity.get(label or "")
        ends = ("estimate", "low", "high", "p_flip", "p_t")
        numbers = [np.nan] * len(ends) if found is None else [found[end] for end in ends]
        row |= dict(zip((name, *(f"{name}_{end}" for end in ("low", "high", "p", "p_t"))), numbers, strict=True))
        row |= {f"{name}_p_holm": np.nan, f"{name}_n": 0 if found is None else found["n_pairs"]}
        row[f"{name}_without"] = 0 if found is None else found["n_without"]
    return row


def _correct(rows: list[dict[str, Any]], *, is_primary_place: bool) -> None:
    """Writes Holm's p-values into the rows of one place: over both contrasts of all that is exploratory."""
    places = [
        (row, f"{name}_p")
        for row in rows
        if not (is_primary_place and row["is_primary"])
        for name in TESTED
        if not np.isnan(row[f"{name}_p"])
    ]
    adjusted = holm(np.array([row[column] for row, column in places], dtype=np.float64))
    for (row, column), p in zip(places, adjusted.tolist(), strict=True):
        row[f"{column}_holm"] = p
