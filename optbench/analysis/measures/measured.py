"""The rows of measures beside what the rows of their runs say: the frame from which all else of measures is made."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.measures.configurations import rule_of
from optbench.errors import DataError
from optbench.records.measures import MeasureStatus

#: Of the run: ``rule`` is the optimizer without the value at which it holds what it sweeps; ``unit`` is the seed or the
#: start, the independent unit; ``loss`` is that of the point on all training examples, of a function the relative gap;
#: ``batch`` examples of a batch, NaN where there is none.
OF_RUN = (
    *("cell_id", "optimizer", "rule", "config", "swept", "swept_value", "is_default", "split", "unit", "batch"),
    *("family", "loss", "test_accuracy", "gap"),
)
#: Those that are made here.
MADE = ("rule", "loss")
#: Of the measure: ``name`` is that of the catalogue, ``measure`` the label in the suite.
OF_MEASURE = (
    *("point", "evals", "other_cell_id", "measure", "name", "title", "units", "is_invariant"),
    *("estimate", "standard_error", "status", "message", "settings", "details", "grid", "values"),
)

#: The loss of a run at a point: of its row, the point and the evaluations that had led there.
Loss = Callable[[Mapping[str, Any], str, int], float]


def joined(
    measures: pd.DataFrame, runs: pd.DataFrame, manifest: Mapping[str, Any], entry: str, loss: Loss
) -> pd.DataFrame:
    """Puts each row of a measure beside what is known of its run.

    Args:
        measures: Rows with the columns of ``records.measures``.
        runs: What the runs are: ``entry`` and all of ``OF_RUN`` but those of ``MADE``, and what ``loss`` reads.
        manifest: The run's manifest.
        entry: Column of the problem or task.
        loss: Makes the loss at the point.

    Returns:
        One row for each row of a measure, sorted; its columns are ``entry``, ``OF_RUN`` and ``OF_MEASURE``.

    Raises:
        DataError: A measure is of a cell that has no row.
    """
    at = {str(cell): place for place, cell in enumerate(runs["cell_id"])}
    if strange := sorted({str(cell) for cell in measures["cell_id"]} - set(at)):
        raise DataError(f"every measure must be of a cell that has a row; {len(strange)} are not, such as {strange[0]}")
    places = [at[str(cell)] for cell in measures["cell_id"]]
    found = runs.iloc[places].reset_index(drop=True)
    own = measures.reset_index(drop=True)
    table = found[[entry, *(name for name in OF_RUN if name not in MADE)]].copy()
    table["rule"] = [
        rule_of(str(label), str(swept)) for label, swept in zip(found["optimizer"], found["swept"], strict=True)
    ]
    found_rows = found.to_dict("records")
    table["loss"] = [
        loss({str(key): value for key, value in row.items()}, str(point), int(evals))
        for row, point, evals in zip(found_rows, own["point"], own["evals"], strict=True)
    ]
    told = {label: described(label, settings, manifest) for label, settings in _first_settings(own).items()}
    for name in ("name", "title", "units", "is_invariant"):
        table[name] = [told[str(label)][name] for label in own["measure"]]
    for name in OF_MEASURE:
        if name not in table:
            table[name] = own[name]
    for name in ("estimate", "standard_error"):
        table[name] = pd.to_numeric(table[name], errors="coerce").astype(np.float64)
    # What has another status has no number, whatever a file says.
    table.loc[table["status"] != str(MeasureStatus.OK), ["estimate", "standard_error"]] = np.nan
    order = [entry, "optimizer", "config", "split", "unit", "cell_id", "point", "evals", "other_cell_id", "measure"]
    return table[[entry, *OF_RUN, *OF_MEASURE]].sort_values(order, ignore_index=True)


def described(label: str, settings: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what is known of a measure: its name, title, unit, and whether rescaling a network leaves it.

    Args:
        label: Its label in the suite.
        settings: The settings of one of its rows.
        manifest: The run's manifest.

    Example:
        >>> described("top", '{"name": "hessian_top"}', {})["title"]
        'top'
    """
    known = manifest.get("measures", {}).get(label, {})
    return {
        "name": str(known.get("name") or json.loads(settings or "{}").get("name", label)),
        "title": str(known.get("title") or label),
        "units": str(known.get("unit") or ""),
        "is_invariant": bool(known.get("is_invariant", False)),
    }


def _names_another(settings: Any) -> bool:
    return isinstance(settings, str) and "other" in json.loads(settings or "{}")


def _first_settings(measures: pd.DataFrame) -> dict[str, str]:
    first = measures.drop_duplicates("measure")
    return {
        str(label): "" if settings is None else str(settings)
        for label, settings in zip(first["measure"], first["settings"], strict=True)
    }


def at_ends(measured: pd.DataFrame) -> pd.DataFrame:
    """Returns what was measured at the ends of runs: at the judged point, or at the last where none is judged.

    What was measured along the path, and of two runs, is left out; of two also where no second run was found.

    Args:
        measured: The frame of ``joined``.
    """
    of_two = (measured["other_cell_id"].fillna("") != "") | measured["settings"].map(_names_another)
    ends = measured[(measured["point"] != "snapshot") & ~of_two.astype(bool)]
    wanted = "judged" if (ends["point"] == "judged").any() else "last"
    return ends[ends["point"] == wanted].reset_index(drop=True)
