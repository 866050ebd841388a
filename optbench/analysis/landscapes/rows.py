"""Rows of a run, had part by part: those of a large suite never lie in memory together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd


class Rows(Protocol):
    """What has the rows of a run: a stored run, which reads them when they are asked for, or a frame."""

    @property
    def problems(self) -> Sequence[str]:
        """Labels of the problems that have rows, sorted."""
        ...

    @property
    def statuses(self) -> Mapping[str, int]:
        """Number of rows of each status that occurs."""
        ...

    def of(
        self, problems: Sequence[str] | None, columns: Sequence[str] | None = None, *, without: Sequence[str] = ()
    ) -> pd.DataFrame:
        """Returns the rows of some problems, in any order.

        Args:
            problems: Labels of problems; ``None`` for all, an empty list for a frame that has columns alone.
            columns: Which columns; all by default.
            without: Columns to leave out.

        Returns:
            One row per cell.
        """
        ...


class Held:
    """The rows of a frame."""

    def __init__(self, runs: pd.DataFrame) -> None:
        """Wraps a frame.

        Args:
            runs: Rows with the columns of ``records.landscapes``, in any order.
        """
        self._runs = runs

    @cached_property
    def _places(self) -> Mapping[str, np.ndarray]:
        found = self._runs.groupby("problem").indices
        return {str(problem): np.asarray(places, dtype=np.int64) for problem, places in found.items()}

    @property
    def problems(self) -> list[str]:
        """Labels of the problems that have rows, sorted."""
        return sorted(self._places)

    @property
    def statuses(self) -> dict[str, int]:
        """Number of rows of each status that occurs."""
        return {str(status): int(n) for status, n in self._runs["status"].value_counts().items()}

    def of(
        self, problems: Sequence[str] | None, columns: Sequence[str] | None = None, *, without: Sequence[str] = ()
    ) -> pd.DataFrame:
        """Returns the rows of some problems in the frame's order, a column that it lacks as NaN; see ``Rows``."""
        kept = [name for name in self._runs if name not in without] if columns is None else list(columns)
        if problems is None:
            return self._runs.reindex(columns=kept)
        places = [self._places[problem] for problem in problems if problem in self._places]
        own = self._runs.iloc[np.sort(np.concatenate([np.empty(0, np.int64), *places]))]
        return own.reindex(columns=kept)


def held(runs: pd.DataFrame | Rows) -> Rows:
    """Returns rows as they are, and those of a frame wrapped."""
    return Held(runs) if isinstance(runs, pd.DataFrame) else runs
