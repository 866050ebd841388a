"""What pictures of a loss are drawn of: the measured rows of one setting, and the losses that they hold."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from optbench.analysis.measures.configurations import AND
from optbench.records import Split
from optbench.records.measures import MeasureStatus

if TYPE_CHECKING:
    import pandas as pd

    from optbench.analysis.statistics.arrays import Floats
    from optbench.report.evidence import Evidence


class Picture(NamedTuple):
    """A row of a measure, read.

    Attributes:
        row: The row of the frame ``measured``.
        details: Its details.
        settings: Its settings.
        grid: Coordinates, float64.
        values: Losses, float64, in their shape.
    """

    row: dict[str, Any]
    details: dict[str, Any]
    settings: dict[str, Any]
    grid: Floats
    values: Floats


def of_setting(evidence: Evidence, setting: str, names: Iterable[str]) -> tuple[pd.DataFrame, str]:
    """Returns what was measured of the reported runs of one setting, and the setting that it is.

    Args:
        evidence: The run.
        setting: The setting that is wanted; ``default`` where no configuration stands for it.
        names: Names of measures.

    Returns:
        Rows of the frame ``measured`` that have a number, in a fixed order: of the judged points, or of the last where
        none is judged.
    """
    entry = evidence.of_kind.entry
    frame, keys = evidence.frame("measured"), [entry, "optimizer", "config"]
    frame = frame[frame["name"].isin(list(names)) & (frame["split"] == str(Split.REPORT))]
    frame = frame[frame["point"] == ("judged" if (frame["point"] == "judged").any() else "last")]
    frame = frame[frame["status"] == str(MeasureStatus.OK)]
    known = evidence.frame("configurations")
    for wanted in (setting, "default"):
        stands = np.array([wanted in said.split(AND) for said in known["settings"]], dtype=bool)
        if len(found := frame.merge(known[stands][keys].drop_duplicates(), on=keys)):
            order = [entry, "optimizer", "config", "measure", "unit", "cell_id", "point", "other_cell_id"]
            return found.sort_values(order, ignore_index=True), wanted
    return frame.iloc[:0], setting


def pictures(frame: pd.DataFrame) -> list[Picture]:
    """Returns rows of the frame ``measured``, read, in their order."""
    found = []
    for row in frame.to_dict("records"):
        details = json.loads(row["details"])
        grid, values = (np.asarray(list(row[name]), dtype=np.float64) for name in ("grid", "values"))
        shaped = values.reshape(details["shape"]) if "shape" in details else values
        told = {str(key): value for key, value in row.items()}
        found.append(Picture(told, details, json.loads(row["settings"]), grid, shaped))
    return found


def median_of(found: list[Picture]) -> Picture:
    """Returns the picture whose estimate is the median, the lower one of two in the middle."""
    order = sorted(range(len(found)), key=lambda place: (float(found[place].row["estimate"]), place))
    return found[order[(len(order) - 1) // 2]]
