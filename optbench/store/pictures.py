"""What a plot needs beyond rows: contour grids, trajectories, basins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

from optbench.store import files, parquet
from optbench.store.paths import PICTURES, slug


def write_picture(folder: Path, name: str, columns: Mapping[str, parquet.Column]) -> None:
    """Stores what a plot needs beyond rows.

    Args:
        folder: The run's folder, held by ``writing``.
        name: Such as ``"contours"``.
        columns: Columns of equal length; types are inferred.
    """
    table = pa.table({key: pa.array(values) for key, values in columns.items()})
    curves = [field.name for field in table.schema if field.type == pa.list_(pa.float64())]
    with files.explained("write to", folder / PICTURES):
        files.make_folder(folder / PICTURES)
    files.write_atomic(folder / PICTURES / f"{slug(name)}.parquet", parquet.encode(table, curves))


def read_picture(folder: Path, name: str) -> pd.DataFrame | None:
    """Returns what ``write_picture`` stored, or ``None`` where a run has no such picture.

    Args:
        folder: The run's folder.
        name: Such as ``"contours"``.

    Returns:
        The frame, page checksums verified.

    Raises:
        DataError: The file is damaged.
    """
    return parquet.frame(folder / PICTURES / f"{slug(name)}.parquet")
