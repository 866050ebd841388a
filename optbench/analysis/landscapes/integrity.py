"""Are these rows a whole and honest run? Checked before anything is judged.

Every planned cell leaves one row, so the planned number is the sum over statuses; what is absent
is counted and said, never silently left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.integrity import check_known
from optbench.analysis.landscapes.rows import Rows, held
from optbench.analysis.statistics.arrays import Ints
from optbench.errors import DataError
from optbench.records import Split, Status


@dataclass(frozen=True, slots=True)
class Completeness:
    """How much of the plan is there.

    Attributes:
        planned: Number of planned cells.
        present: Number of rows.
        statuses: Number of rows of each status, zeros included.
    """

    planned: int
    present: int
    statuses: dict[str, int]

    @property
    def complete(self) -> bool:
        """Whether every planned cell has its row."""
        return self.present == self.planned

    def describe(self) -> str:
        """Returns the line for a table's footer.

        Returns:
            Such as ``64,512 cells: 64,000 ok, 512 diverged``, or with ``INCOMPLETE`` in front.

        Example:
            >>> Completeness(4, 3, {"ok": 2, "diverged": 1, "error": 0}).describe()
            'INCOMPLETE, 3 of 4 cells: 2 ok, 1 diverged'
        """
        counts = ", ".join(f"{n:,} {status}" for status, n in self.statuses.items() if n) or "none run"
        total = (
            f"{self.planned:,} cells" if self.complete else f"INCOMPLETE, {self.present:,} of {self.planned:,} cells"
        )
        return f"{total}: {counts}"


def completeness(runs: pd.DataFrame | Rows, manifest: Mapping[str, Any]) -> Completeness:
    """Compares rows with the plan.

    Args:
        runs: The rows, or a frame with at least the column ``status``.
        manifest: The run's manifest, with the number of planned cells ``n_cells``.

    Returns:
        The count of each status.

    Raises:
        DataError: There are more rows than planned cells.
    """
    found = held(runs).statuses
    statuses = {str(status): int(found.get(str(status), 0)) for status in Status}
    planned, present, n = int(manifest["n_cells"]), sum(statuses.values()), sum(found.values())
    if n != present or present > planned:
        raise DataError(f"rows must be at most the {planned} planned cells, each of a known status; got {n}")
    return Completeness(planned, present, statuses)


class Check:
    """What every judgement assumes of rows, checked problem by problem and, of cells, over all problems."""

    def __init__(self, rows: Rows) -> None:
        """Begins a check.

        Args:
            rows: The rows that are checked.
        """
        self._rows = rows
        self._cells: list[np.ndarray] = []

    def problem(self, runs: pd.DataFrame) -> None:
        """Checks the rows of one problem.

        Args:
            runs: Rows with the columns of ``records.landscapes``; curves may be missing.

        Raises:
            DataError: A status or a split is unknown, a run of status ``ok`` has no finite objective, or a tuning
                start is among the reported ones.
        """
        check_known(runs)
        self._cells.append(pd.util.hash_array(runs["cell_id"].to_numpy(object), categorize=False))
        for name in ("f_best", "f_last"):
            hidden = (runs["status"] == Status.OK) & ~np.isfinite(runs[name].to_numpy(np.float64, na_value=np.nan))
            if hidden.any():
                raise DataError(f"rows of status ok must have a finite {name}; {int(hidden.sum())} have none")
        for problem, tune, report in _shared_starts(runs, self._rows):
            raise DataError(f"{problem}: tuning start {tune} is among the reported ones, as start {report}")

    def whole(self) -> None:
        """Checks what is about the rows of all problems, once each of them was checked.

        Raises:
            DataError: A cell appears twice.
        """
        hashes = np.sort(np.concatenate([np.empty(0, np.uint64), *self._cells]))
        if not (hashes[1:] == hashes[:-1]).any():
            return
        # Two ids may have one hash.
        cells = self._rows.of(None, ["cell_id"])["cell_id"]
        twice = cells[cells.duplicated()].unique()
        if len(twice):
            raise DataError(f"cells must appear once, in one split; {len(twice)} appear twice, such as {twice[0]}")


def check_targets(hits: Ints, settled: Ints, problem: str) -> None:
    """Checks that no target is settled before it was touched.

    Args:
        hits: When each target was touched, -1 for never, any shape.
        settled: When it was settled.
        problem: Label of the problem.

    Raises:
        DataError: One is.
    """
    if ((settled >= 0) & ((hits < 0) | (settled < hits))).any():
        raise DataError(f"{problem}: targets must be touched before they are settled")


def _shared_starts(runs: pd.DataFrame, rows: Rows) -> Iterator[tuple[str, int, int]]:
    """Yields (problem, tuning start, reported start) that are the same point.

    Starts are drawn from different keys, so points that agree to the last bit in the objective
    and in every curve are one point. Starts without a moving run tell nothing (a plateau).
    """
    lowest = runs.groupby(["problem", "optimizer"])["config"].transform("min")
    first = runs[(runs["config"] == lowest) & (runs["noise_seed"] == 0)]
    places = first.groupby(["problem", "split", "start"], sort=True)["f_start"].first().reset_index()
    shared = places.duplicated(["problem", "f_start"], keep=False) & places["f_start"].notna()
    if not shared.any():
        return
    curves = _curves(rows, sorted(places["problem"][shared].unique()))
    for (problem, _), group in places[shared].groupby(["problem", "f_start"]):
        if group["split"].nunique() < 2:
            continue
        seen: dict[tuple[tuple[str, bytes], ...], int] = {}
        own = first[first["problem"] == problem]
        for _, split, start, _ in group.sort_values("split", ascending=False).itertuples(index=False):
            mine = own[(own["split"] == split) & (own["start"] == start)].sort_values("optimizer")
            found = zip(mine["optimizer"], mine["cell_id"].map(curves), strict=True)
            moves = {optimizer: np.asarray(curve) for optimizer, curve in found if curve is not None}
            if max((len(np.unique(c[np.isfinite(c)])) for c in moves.values()), default=0) < 3:
                continue
            mark = tuple((name, curve.tobytes()) for name, curve in moves.items())
            if split == Split.TUNE:
                seen[mark] = int(start)
            elif mark in seen:
                yield str(problem), seen[mark], int(start)


def _curves(rows: Rows, problems: list[str]) -> pd.Series[Any]:
    """Returns the curves of problems by cell; few problems have starts that need be told apart by them."""
    # A cell that appears twice is another fault, found later.
    found = rows.of(problems, ["cell_id", "curve_f"]).drop_duplicates("cell_id")
    return found.set_index("cell_id")["curve_f"]
