"""A stored run as Python sees it: ``optbench.load``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optbench.errors import DataError, UsageError
from optbench.records import curve_steps
from optbench.store.manifest import read_manifest
from optbench.store.paths import MANIFEST
from optbench.store.shards import read_runs


@dataclass(frozen=True)
class Run:
    """The evidence of one run; rows are read when first asked for.

    Attributes:
        path: Its folder.
        manifest: What it is, where it was made, how it ended.
    """

    path: Path
    manifest: dict[str, Any]

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row per committed cell: ``records.RUN_COLUMNS``, or ``NETWORK_COLUMNS`` of a suite of networks."""
        return read_runs(self.path, kind=self.manifest.get("kind", "landscapes"))

    @cached_property
    def traces(self) -> pd.DataFrame:
        """The curves in long form: ``cell_id``, ``cost``, ``f``, ``f_best``; inf where a run failed or diverged."""
        costs = np.asarray(curve_steps(int(self.manifest["budget"])), dtype=np.int32)
        curves = self.runs["curve_f"].to_numpy()
        best = self.runs["curve_best"].to_numpy()
        points = np.array([0 if c is None else len(c) for c in curves], dtype=np.int64)
        if not np.isin(points, (0, len(costs))).all():
            raise DataError(f"{self.path}: curves must have {len(costs)} points for this budget; run the suite again")
        keep = points > 0
        cells = self.runs["cell_id"].array.repeat(points)
        return pd.DataFrame(
            {
                "cell_id": cells,
                "cost": np.tile(costs, int(keep.sum())),
                "f": np.concatenate([np.empty(0), *curves[keep]]),
                "f_best": np.concatenate([np.empty(0), *best[keep]]),
            }
        )


def load(path: str | Path) -> Run:
    """Returns a stored run.

    Args:
        path: The run's folder ``<out>/<suite>/<run-id>``, or ``<out>/<suite>`` if it holds one run.

    Returns:
        The run, with ``.runs``, ``.traces``, ``.manifest`` and ``.path``.

    Raises:
        UsageError: The folder holds several runs.
    """
    folder = Path(path)
    if not (folder / MANIFEST).is_file():
        inner = sorted(p.parent for p in folder.glob(f"*/{MANIFEST}"))
        if len(inner) > 1:
            raise UsageError(f"{folder} holds {len(inner)} runs; name one of {', '.join(map(str, inner))}")
        folder = inner[0] if inner else folder
    return Run(folder, read_manifest(folder))
