"""The stored rows of measures, each with the seconds that its shard's commit record has."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from optbench.errors import DataError
from optbench.records.measures import ROWS
from optbench.store.paths import shard_folder
from optbench.store.shards import committed, read_shards


def read_measures(folder: Path) -> pd.DataFrame:
    """Returns the committed rows of measures of a run, page checksums and SHA-256 verified.

    Args:
        folder: The run's folder.

    Returns:
        The columns of ``records.measures`` and ``seconds``, of the clock, that each measure took; sorted. Empty where
        nothing was measured.

    Raises:
        DataError: Shards are damaged, or a commit record has not one number of seconds for each row.
    """
    records = committed(folder, ROWS)
    rows = read_shards(folder, list(records), schema=ROWS)
    seconds: list[float] = []
    for name, record in records.items():
        found = record.get("seconds", [])
        if len(found) != record["rows"]:
            path = shard_folder(folder, ROWS) / f"{name}.json"
            raise DataError(f"{path} must have seconds for each of {record['rows']} rows; got {len(found)}")
        seconds += found
    rows["seconds"] = pd.Series(seconds, dtype="float64")
    return rows.sort_values(list(ROWS.order), kind="stable", ignore_index=True)
