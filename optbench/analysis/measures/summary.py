"""Each measure over the reported runs of a configuration: its median, what is known of it, and what has no number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.measures.measured import at_ends
from optbench.analysis.statistics.arrays import Floats
from optbench.analysis.statistics.intervals import Interval, signed_median_interval
from optbench.records import Split
from optbench.records.measures import MeasureStatus

#: Statuses of what has no number, in the order in which they are counted.
WITHOUT = tuple(status.value for status in MeasureStatus if status is not MeasureStatus.OK)

#: ``standard_error`` is the median error of the estimator itself, over the runs that have one; ``loss`` the median
#: over the runs that have a number, ``loss_low`` and ``loss_high`` the least and the largest; ``n_runs`` how many runs
#: were planned, ``n_numbers`` how many have a number.
SHARPNESS = (
    *("family", "batch", "optimizer", "rule", "config", "settings", "swept", "swept_value", "at_edge", "point"),
    *("measure", "name", "title", "units", "is_invariant", "estimate", "low", "high", "standard_error"),
    *("n_units", "n_runs", "n_numbers", *WITHOUT, "loss", "loss_low", "loss_high"),
    *("n_test", "test_accuracy", "test_low", "test_high", "gap", "gap_low", "gap_high"),
)

#: What a row takes from the configuration.
_OF_CONFIGURATION = (
    *("settings", "swept", "swept_value", "at_edge", "n_units"),
    *("n_test", "test_accuracy", "test_low", "test_high", "gap", "gap_low", "gap_high"),
)


def sharpness(measured: pd.DataFrame, configurations: pd.DataFrame, entry: str) -> pd.DataFrame:
    """Summarizes the measures at the ends of the reported runs.

    ``estimate`` is the median over the seeds or starts that have a number, its interval that of order statistics: it
    needs six of them and is NaN below. Runs of one start with other noise are one unit, their median. A run without a
    number enters no median, and is counted by the reason.

    Args:
        measured: The frame ``measured`` of a run.
        configurations: Its frame ``configurations``.
        entry: Column of the problem or task.

    Returns:
        One row per entry, optimizer, configuration and measure, with ``entry`` and the columns of ``SHARPNESS``.
    """
    ends = at_ends(measured[measured["split"] == str(Split.REPORT)])
    known = {
        (str(row[entry]), str(row["optimizer"]), int(row["config"])): row for row in configurations.to_dict("records")
    }
    rows = []
    for _, mine in ends.groupby([entry, "optimizer", "config", "measure"], sort=True):
        first = mine.iloc[0]
        label, optimizer, config = str(first[entry]), str(first["optimizer"]), int(first["config"])
        configuration = known[label, optimizer, config]
        keys = {
            name: first[name] for name in ("family", "batch", "optimizer", "rule", "config", "point", "measure", "name")
        }
        keys |= {name: first[name] for name in ("title", "units", "is_invariant")}
        of_config = {name: configuration[name] for name in _OF_CONFIGURATION}
        rows.append({entry: label, **keys, **of_config, **_of_runs(mine)})
    return pd.DataFrame(rows, columns=[entry, *SHARPNESS])


def nothing(entry: str) -> pd.DataFrame:
    """Returns the frame of ``sharpness`` of a run without measures."""
    return pd.DataFrame(columns=[entry, *SHARPNESS])


def _of_runs(mine: pd.DataFrame) -> dict[str, Any]:
    """Returns what the runs of one configuration amount to by one measure."""
    found = mine[mine["status"] == str(MeasureStatus.OK)]
    values = by_unit(found, "estimate")
    low, high = of_median(values)
    errors, losses = found["standard_error"].dropna(), found["loss"].dropna()
    return {
        "estimate": float(np.median(values)) if len(values) else np.nan,
        "low": low,
        "high": high,
        "standard_error": float(errors.median()) if len(errors) else np.nan,
        "n_runs": len(mine),
        "n_numbers": len(found),
        **{status: int((mine["status"] == status).sum()) for status in WITHOUT},
        "loss": float(losses.median()) if len(losses) else np.nan,
        "loss_low": float(losses.min()) if len(losses) else np.nan,
        "loss_high": float(losses.max()) if len(losses) else np.nan,
    }


def by_unit(rows: pd.DataFrame, column: str) -> Floats:
    """Returns the median of a column for each seed or start, by ascending unit; what has no number is left out."""
    known = rows[rows[column].notna()]
    return np.asarray(known.groupby("unit")[column].median().to_numpy(np.float64), dtype=np.float64)


def of_median(values: Floats) -> Interval:
    """Returns the interval of a median, NaN where there are too few values for one."""
    low, high = signed_median_interval(values)
    return (low, high) if np.isfinite([low, high]).all() else (np.nan, np.nan)
