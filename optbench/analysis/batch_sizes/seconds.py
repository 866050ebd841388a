"""How long each run took, by the commit records of its shard: the one clock that analysis reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from optbench.store import committed, shard_name


def seconds_by_cell(folder: Path | None, runs: pd.DataFrame) -> dict[str, float]:
    """Returns the seconds of threads that each run took.

    Runs of one shard are trained together. Where its record has one number for all, each gets an equal share.

    Args:
        folder: The run's folder; ``None`` where rows are in memory alone.
        runs: Rows with the columns of ``records.networks``, those of a shard in its order.

    Returns:
        Seconds by ``cell_id``; runs whose shard has no record are not there.
    """
    if folder is None:
        return {}
    records = committed(folder)
    found: dict[str, float] = {}
    for (task, optimizer, split), rows in runs.groupby(["task", "optimizer", "split"], sort=True):
        record = records.get(shard_name(str(task), f"{optimizer}--{split}"))
        if record is not None:
            found |= dict(zip(rows["cell_id"].astype(str), _shares(record, len(rows)), strict=True))
    return found


def _shares(record: Mapping[str, Any], n_rows: int) -> list[float]:
    taken = record.get("thread_s", record.get("run_s"))
    if taken is None:
        return [float("nan")] * n_rows
    return [float(one) for one in taken] if isinstance(taken, list) else [float(taken) / n_rows] * n_rows
