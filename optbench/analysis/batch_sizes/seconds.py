"""How long each run took, by the commit records of its shard: the one clock that analysis reads."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from optbench.records.networks import ROWS
from optbench.store import committed, read_shards, shard_name


def seconds_by_cell(folder: Path | None, runs: pd.DataFrame) -> dict[str, float]:
    """Returns the seconds that each run took.

    A record has those of each run where runs were trained in threads; else runs were trained side by side, and each
    gets an equal share of the shard's.

    Args:
        folder: The run's folder; ``None`` where rows are in memory alone.
        runs: Rows with the columns of ``records.networks``.

    Returns:
        Seconds by ``cell_id``; runs whose shard has no record are not there.

    Raises:
        DataError: A shard is damaged.
    """
    if folder is None:
        return {}
    records = committed(folder)
    found: dict[str, float] = {}
    for (task, optimizer, split), rows in runs.groupby(["task", "optimizer", "split"], sort=True):
        name = shard_name(str(task), f"{optimizer}--{split}")
        record = records.get(name, {})
        if "each_s" in record:
            # Seconds stand in the order of the shard, which is not that of the run's rows.
            cells = read_shards(folder, [name], ["cell_id"], schema=ROWS)["cell_id"].astype(str)
            found |= dict(zip(cells, map(float, record["each_s"]), strict=True))
        elif "run_s" in record:
            share = float(record.get("thread_s", record["run_s"])) / len(rows)
            found |= dict.fromkeys(rows["cell_id"].astype(str), share)
    return found
