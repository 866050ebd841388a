"""What was judged of a run, beside its rows: frames of analysis, kept where rows are too large to be published.

What every model of a study says of every test example is most of a run's bytes, and only its judgement is published.
Where a run has frames, tables and figures are made of them; ``benchmarks/canonical.py`` writes them.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from optbench.store import files, parquet
from optbench.store.paths import FRAMES, slug


def write_frame(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Stores a frame of analysis.

    Args:
        folder: The run's folder.
        name: What analysis calls it.
        frame: Its columns are of one type each, lists included.
    """
    # Without what pandas adds about itself, so that the bytes depend on the values alone.
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    with files.explained("write to", folder / FRAMES):
        files.make_folder(folder / FRAMES)
    files.write_atomic(folder / FRAMES / f"{slug(name)}.parquet", parquet.encode(table))


def read_frame(folder: Path, name: str) -> pd.DataFrame | None:
    """Returns what ``write_frame`` stored, or ``None`` where a run has no such frame.

    Args:
        folder: The run's folder.
        name: What analysis calls it.

    Returns:
        The frame, page checksums verified.

    Raises:
        DataError: The file is damaged.
    """
    return parquet.frame(folder / FRAMES / f"{slug(name)}.parquet")
