"""A stored run as Python sees it: ``optbench.load``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from optbench.errors import UsageError
from optbench.records.schema import Schema
from optbench.store.curves import long_form
from optbench.store.frames import read_frame
from optbench.store.manifest import read_manifest
from optbench.store.measures import read_measures
from optbench.store.paths import MANIFEST
from optbench.store.rows import StoredRows
from optbench.store.schemas import row_schema
from optbench.store.shards import lacking, read_runs


@dataclass(frozen=True)
class Run:
    """The evidence of one run; rows are read when first asked for.

    Attributes:
        path: Its folder.
        manifest: What it is, where it was made, how it ended.
    """

    path: Path
    manifest: dict[str, Any]

    @property
    def schema(self) -> Schema:
        """What the rows are: the schema that the manifest's kind names."""
        return row_schema(self.manifest)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row per committed cell, with the columns of ``records.landscapes`` or of ``records.networks``.

        A column that a run's shards did not have yet is ``None``, see ``lacking``.
        """
        return read_runs(self.path, schema=self.schema)

    @cached_property
    def lacking(self) -> tuple[str, ...]:
        """Columns that some rows were stored without, because an older package did not have them."""
        return lacking(self.path, self.schema)

    @property
    def has_settled(self) -> bool:
        """Whether every row has settling times; rows that were stored before schema 3 have none."""
        return "settled" in self.schema.columns and "settled" not in self.lacking

    @cached_property
    def rows(self) -> StoredRows:
        """The rows of a suite of functions, read problem by problem when they are asked for."""
        return StoredRows(self.path, self.manifest)

    @cached_property
    def measures(self) -> pd.DataFrame:
        """One row for each measure that was planned of a point of a run, with the columns of ``records.measures``.

        ``seconds`` are added: those of the clock that it took. Empty where nothing was measured.
        """
        return read_measures(self.path)

    def frame(self, name: str) -> pd.DataFrame | None:
        """Returns a frame of analysis that is stored beside the rows, ``None`` where there is none.

        Args:
            name: What analysis calls it.
        """
        return read_frame(self.path, name)

    @cached_property
    def traces(self) -> pd.DataFrame:
        """The curves in long form: ``cell_id``, ``cost``, ``f``, ``f_best``; inf where a run failed or diverged.

        A cost is what has been spent, in gradients of the whole function: of a finite sum in batches, a step costs the
        share of the terms that it sees, so that curves of different batch sizes have different points.

        Of a suite of networks: ``cell_id``, ``grads``, and ``train_loss``, ``train_accuracy``, ``validation_loss``,
        ``validation_accuracy``, ``grad_norm`` at each point; a run that failed has no points.

        Raises:
            DataError: Curves have not the points that they must have.
        """
        return long_form(self.runs, self.schema, self.manifest, self.path)


def load(path: str | Path) -> Run:
    """Returns a stored run.

    Args:
        path: The run's folder ``<out>/<suite>/<run-id>``, or ``<out>/<suite>`` if it holds one run.

    Returns:
        The run, with ``.runs``, ``.traces``, ``.measures``, ``.manifest`` and ``.path``.

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
