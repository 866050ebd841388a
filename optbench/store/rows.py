"""The committed rows of a run, read shard by shard when they are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from optbench.store.paths import shard_name
from optbench.store.schemas import row_schema
from optbench.store.shards import committed, read_shards


class StoredRows:
    """The rows of a suite of functions; ``analysis.landscapes.rows.Rows`` says what of them is asked for."""

    def __init__(self, folder: Path, manifest: Mapping[str, Any], problems: Collection[str] | None = None) -> None:
        """Notes where the rows are.

        Args:
            folder: The run's folder.
            manifest: Its manifest, whose labels name the shards.
            problems: Labels of the problems whose rows there are to be; ``None`` for all.
        """
        self._folder, self._manifest, self._only = folder, manifest, problems
        self._schema = row_schema(manifest)

    @cached_property
    def _records(self) -> dict[str, dict[str, Any]]:
        return committed(self._folder)

    @cached_property
    def _shards(self) -> dict[str, list[str]]:
        """Shards by the label of their problem, both sorted."""
        problems, optimizers = self._manifest.get("problems", {}), self._manifest.get("optimizers", {})
        label_of = {shard_name(problem, optimizer): problem for problem in problems for optimizer in optimizers}
        found: dict[str, list[str]] = {}
        for name in self._records:
            # A shard whose labels the manifest lacks is refused by whoever judges its rows, so it must be seen.
            label = (
                label_of.get(name)
                or read_shards(self._folder, [name], ["problem"], schema=self._schema)["problem"].iloc[0]
            )
            if self._only is None or label in self._only:
                found.setdefault(str(label), []).append(name)
        return dict(sorted(found.items()))

    @property
    def problems(self) -> list[str]:
        """Labels of the problems that have rows, sorted."""
        return list(self._shards)

    @cached_property
    def statuses(self) -> dict[str, int]:
        """Number of rows of each status that occurs, as the commit records have it."""
        counts: Counter[str] = Counter()
        for name in (name for names in self._shards.values() for name in names):
            of_shard = self._records[name].get("status_counts")
            if of_shard is None:
                of_shard = Counter(
                    map(str, read_shards(self._folder, [name], ["status"], schema=self._schema)["status"])
                )
            counts.update(of_shard)
        return dict(counts)

    def of(
        self, problems: Sequence[str] | None, columns: Sequence[str] | None = None, *, without: Sequence[str] = ()
    ) -> pd.DataFrame:
        """Returns the rows of some problems, page checksums and SHA-256 verified.

        Args:
            problems: Labels of problems; ``None`` for all.
            columns: Which columns; all by default.
            without: Columns to leave out.

        Returns:
            One row per committed cell, shard by shard.

        Raises:
            DataError: Shards are damaged, all named with what was expected and what was found.
        """
        labels = self.problems if problems is None else [label for label in problems if label in self._shards]
        wanted = [name for name in self._schema.columns if name not in without] if columns is None else columns
        return read_shards(
            self._folder, [name for label in labels for name in self._shards[label]], wanted, schema=self._schema
        )
