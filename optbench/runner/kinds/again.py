"""Runs that were made again, for their points: these, and how far stored losses did not come out again."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optbench.engine.measuring import Taken
from optbench.engine.outcomes import EndPoint
from optbench.errors import DataError

#: Where a run says what its caller should know and may not ask for.
LOG = logging.getLogger("optbench")


@dataclass(frozen=True)
class Again:
    """What runs led to when they were made again.

    Attributes:
        ends: Their points.
        along: What was measured on their way.
        notes: What is to be said of cells whose stored losses did not come out to the bit, by id.
    """

    ends: Sequence[EndPoint]
    along: Sequence[Taken] = ()
    notes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def check_cells(cells: Sequence[Mapping[str, Any]], ids: Collection[str], folder: Path) -> None:
    """Refuses to make cells again that the plan does not have.

    Args:
        cells: The cells as they are stored.
        ids: Ids of the cells that the plan would make of them.
        folder: The run's folder, for the message.

    Raises:
        DataError: Some cells are not among them.
    """
    unknown = [cell["cell_id"] for cell in cells if cell["cell_id"] not in ids]
    if unknown:
        raise DataError(
            f"{folder}: this build plans other cells than those that are stored, {unknown[0]} for one: another version "
            "made the run, so its points cannot be made again; run the suite anew"
        )


def differences(stored: pd.DataFrame, columns: Mapping[str, Any], names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Returns how far losses of runs that were made again lie from those that are stored.

    Args:
        stored: Rows as they are stored, of the same cells and perhaps others.
        columns: Rows of the runs that were made again.
        names: Columns to be compared; numbers or curves.

    Returns:
        By cell, the largest difference of each column that is not the same to the bit; infinite where one has a number
        and the other none. Cells whose columns are all the same are left out.
    """
    before = stored.set_index("cell_id")
    found: dict[str, dict[str, float]] = {}
    for row, cell_id in enumerate(columns["cell_id"]):
        for name in names:
            if far := _far(before.at[cell_id, name], columns[name][row]):
                found.setdefault(cell_id, {})[name] = far
    return found


def _far(one: Any, other: Any) -> float:
    """Returns the largest difference of two numbers or curves; 0 where they are the same."""
    a, b = (np.atleast_1d(np.asarray([np.nan] if value is None else value, np.float64)) for value in (one, other))
    if a.shape != b.shape:
        return float("inf")
    unlike = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    if not unlike.any():
        return 0.0
    far = np.abs(a[unlike] - b[unlike])
    return float(np.where(np.isfinite(far), far, np.inf).max())


def notes_of(differences: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """Returns what rows of measures say of cells whose losses differ, and says it of the run.

    Args:
        differences: What ``differences`` returned.
    """
    if differences:
        worst = max(max(far.values()) for far in differences.values())
        LOG.warning(
            "%d runs that were made again have other losses than those that are stored, by at most %.3g: another "
            "device or build; details of their measures say so",
            len(differences),
            worst,
        )
    return {
        cell_id: {"differs": {name: far if np.isfinite(far) else "inf" for name, far in columns.items()}}
        for cell_id, columns in differences.items()
    }
