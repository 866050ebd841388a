"""Measures of rescaled networks beside those of the same networks as they were trained: Dinh's placebo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.batch_sizes.quantities import find_measure
from optbench.analysis.networks.summary import student

#: ``ratio`` is that of the rescaled network's measure to the trained one's, a geometric mean over replicates.
PLACEBO = ("measure", "of", "rescale", "ratio", "low", "high", "n_replicates", "n_runs")

#: What tells one point from another.
_POINT = ["batch_size", "replicate", "level"]


def placebo(quantities: pd.DataFrame, settings: Mapping[str, Mapping[str, Any]], arm: str) -> pd.DataFrame:
    """Compares measures of rescaled networks with those of the networks themselves.

    A rescaled ReLU network computes the same function, so its accuracies and its gap are the same numbers.

    Args:
        quantities: The frame of ``quantities.arm_quantities``.
        settings: Settings of the measures by label, as ``quantities.settings_of`` has them.
        arm: The arm whose runs are compared, all batch sizes, at the end of the runs.

    Returns:
        One row for each measure with ``rescale`` that was also taken without, with the columns of ``PLACEBO``;
        Student's intervals, for new replicates.
    """
    mine = quantities[(quantities["arm"] == arm) & quantities["level"].isna()].fillna({"level": 0.0})
    wide = mine.pivot(index=_POINT, columns="quantity", values="value")
    rows = []
    for label, given in settings.items():
        if given.get("rescale") is None:
            continue
        same = {key: value for key, value in given.items() if key not in ("name", "rescale")}
        plain = find_measure(settings, str(given["name"]), **same)
        if plain is None or label not in wide or plain not in wide:
            continue
        both = wide[[label, plain]].dropna()
        both = both[(both > 0).all(axis=1)]
        both["log"] = np.log(both[label].to_numpy(np.float64) / both[plain].to_numpy(np.float64))
        logs = both.groupby(level="replicate")["log"].mean().to_numpy(np.float64)
        ends = np.exp([logs.mean() if len(logs) else np.nan, *student(logs)])
        found = (label, plain, float(given["rescale"]), *map(float, ends), len(logs), len(both))
        rows.append(dict(zip(PLACEBO, found, strict=True)))
    return pd.DataFrame(rows, columns=list(PLACEBO))
