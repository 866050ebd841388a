"""What batch sizes are compared by, one number a row: scores, costs, and each measure of the same points."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.batch_sizes.points import COSTS, SCORES
from optbench.analysis.measures.measured import described
from optbench.records.measures import MeasureStatus

#: ``quantity`` is a score or cost of ``points``, or the label of a measure; ``kind`` which of these it is. Measures and
#: costs are compared by their ratios, scores by their differences.
QUANTITIES = ("arm", "batch_size", "replicate", "level", "quantity", "kind", "value")

#: A point as the rows of measures know it.
_PLACE = ("cell_id", "evals")


def arm_quantities(points: pd.DataFrame, measures: pd.DataFrame) -> pd.DataFrame:
    """Returns all that is known of the points that enter.

    Args:
        points: The frame of ``points.arm_points``.
        measures: Rows with the columns of ``records.measures``. At a level those count that were taken after as many
            gradients, at the end those of the judged point; those of two runs do not.

    Returns:
        One row for each point and quantity, with the columns of ``QUANTITIES``; a measure without a number has NaN.
    """
    entering = points[points["enters"].astype(bool)]
    keys = list(QUANTITIES[:4])
    parts = [
        entering[keys].assign(quantity=name, kind=kind, value=entering[name].astype(np.float64))
        for kind, names in (("score", SCORES), ("cost", COSTS))
        for name in names
    ]
    parts.append(_measured(entering, of_points(measures)))
    return pd.concat([part[list(QUANTITIES)] for part in parts if len(part)] or [pd.DataFrame(columns=QUANTITIES)],
                     ignore_index=True)  # fmt: skip


def of_points(measures: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of measures that are of a level or of the judged point of one run."""
    alone = (measures["other_cell_id"].fillna("") == "") & ~measures["settings"].map(_names_another).astype(bool)
    return measures[measures["point"].isin(["level", "judged"]) & alone]


def _measured(entering: pd.DataFrame, measures: pd.DataFrame) -> pd.DataFrame:
    """Returns the measures of the points that enter."""
    known = measures.assign(value=pd.to_numeric(measures["estimate"], errors="coerce").astype(np.float64))
    known.loc[known["status"] != str(MeasureStatus.OK), "value"] = np.nan
    known = known[["cell_id", "evals", "point", "measure", "value"]].rename(columns={"measure": "quantity"})
    # The order in which rows were stored must not decide the order of quantities.
    known = known.sort_values(["cell_id", "evals", "point", "quantity"], ignore_index=True)
    ends = entering["level"].isna()
    judged = known[known["point"] == "judged"]
    # A level's point may be the judged one, and be measured as either: it is one point.
    places = known.drop_duplicates([*_PLACE, "quantity"])
    at_end = entering[ends].drop(columns="evals").merge(judged, on="cell_id")
    at_level = entering[~ends].merge(places, on=list(_PLACE))
    keys = list(QUANTITIES[:4])
    return pd.concat([at_level[[*keys, "quantity", "value"]], at_end[[*keys, "quantity", "value"]]]).assign(
        kind="measure"
    )


def _names_another(settings: Any) -> bool:
    return isinstance(settings, str) and "other" in json.loads(settings or "{}")


def settings_of(measures: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Returns the name and all settings of each measure of points, by label, sorted."""
    first = of_points(measures).drop_duplicates("measure").sort_values("measure")
    return {
        str(label): dict(json.loads(settings or "{}"))
        for label, settings in zip(first["measure"], first["settings"], strict=True)
    }


def titles_of(measures: pd.DataFrame, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Returns the title of each measure of points by label, in the order of the suite.

    Measures that share a title have their name and the settings in which they differ.

    Args:
        measures: Rows with the columns of ``records.measures``.
        manifest: The run's manifest.
    """
    known = settings_of(measures)
    told = {label: str(described(label, json.dumps(given), manifest)["title"]) for label, given in known.items()}
    places = {label: place for place, label in enumerate(manifest.get("measures", {}))}
    labels = sorted(told, key=lambda label: (places.get(label, len(places)), label))
    found = {}
    for label in labels:
        alike = [known[other] for other in labels if told[other] == told[label]]
        found[label] = told[label] if len(alike) == 1 else _apart(known[label], alike) or label
    # Nothing may stand for two measures, which a user may have named alike.
    titles = list(found.values())
    return {label: title if titles.count(title) == 1 else label for label, title in found.items()}


def _apart(given: Mapping[str, Any], alike: Sequence[Mapping[str, Any]]) -> str:
    """Returns a measure's name and the settings in which it differs from others; empty where it does not.

    Example:
        >>> _apart({"name": "sam", "rho": 0.1, "seed": 0}, [{"name": "sam", "rho": 0.05, "seed": 0}])
        'sam (rho 0.1)'
    """
    # At which levels it was taken changes no number.
    said = sorted(given.keys() - {"name", "levels"})
    differing = [key for key in said if any(has.get(key) != given[key] for has in alike)]
    shown = [f"{key} {given[key]:g}" if isinstance(given[key], int | float) else f"{key} {given[key]}"
             for key in differing if given[key] is not None]  # fmt: skip
    return f"{given['name']} ({', '.join(shown)})" if shown else ""


def find_measure(known: Mapping[str, Mapping[str, Any]], name: str, **settings: Any) -> str | None:
    """Returns the label of a measure with some settings, of the network as it was trained.

    Args:
        known: Name and settings by label, as ``settings_of`` has them.
        name: Name in the catalogue.
        **settings: What its settings must be.

    Returns:
        The first label that fits, one in double precision before others; ``None`` without any.

    Example:
        >>> known = {"a": {"name": "keskar", "eps": 5e-4}, "b": {"name": "keskar", "eps": 1e-3}}
        >>> find_measure(known, "keskar", eps=1e-3), find_measure(known, "sam")
        ('b', None)
    """
    fits = [
        label
        for label, has in known.items()
        if has.get("name") == name
        and has.get("rescale") is None
        and not has.get("along")
        and all(has.get(key) == value for key, value in settings.items())
    ]
    return min(fits, key=lambda label: known[label].get("dtype", "float64") != "float64", default=None)
