"""The second run of a measure of two: the reported one that a pattern names, with the same seed or start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from optbench import store
from optbench.engine.outcomes import EndPoint
from optbench.records import Split, Status
from optbench.runner.kinds.kind import Cell, Kind, cells_of
from optbench.runner.ledger import Ledger
from optbench.runner.points import Points
from optbench.suite import row_filter
from optbench.suite.measure import MeasureSpec

#: The end of the second run of a cell, or why there is none; by cell.
Others = dict[str, EndPoint | str]


class Pairs:
    """Finds second runs and their points; a run that is the second of many is made again once."""

    def __init__(self, kind: Kind, ledger: Ledger, points: Points) -> None:
        """Notes where rows and points are."""
        self._kind, self._ledger, self._points = kind, ledger, points
        self._ends: dict[str, EndPoint] = {}

    def of(self, spec: MeasureSpec, cells: Sequence[Cell]) -> Others:
        """Returns the ends of the second runs of cells.

        Args:
            spec: A measure of two runs, whose ``other`` says which the second ones are.
            cells: The first ones.
        """
        assert spec.other is not None
        schema = store.row_schema(self._ledger.manifest)
        patterns = row_filter.parse([spec.other], schema)
        rows = self._rows(list(patterns))
        meant = rows[row_filter.matching(rows, patterns)]
        repeats = list(self._kind.repeat_columns)
        same: dict[tuple[object, ...], list[int]] = {}
        for place, key in enumerate(zip(*(meant[name].tolist() for name in repeats), strict=True)):
            same.setdefault(key, []).append(place)
        chosen: dict[str, pd.Series] = {}
        found: Others = {}
        for cell in cells:
            places = same.get(tuple(cell[name] for name in repeats), [])
            if len(places) != 1:
                said = "no reported run" if len(places) == 0 else f"{len(places)} reported runs, not one,"
                found[cell["cell_id"]] = f"{said} of the same {' and '.join(repeats)} match other = {spec.other!r}"
                continue
            other = meant.iloc[places[0]]
            if other["cell_id"] == cell["cell_id"]:
                found[cell["cell_id"]] = f"the run that matches other = {spec.other!r} is this run itself"
            elif other["status"] != str(Status.OK):
                found[cell["cell_id"]] = f"the other run has no such point: its status is {other['status']}"
            else:
                chosen[cell["cell_id"]] = other
        self._make(pd.DataFrame(list(chosen.values())))
        return found | {cell_id: self._ends[str(other["cell_id"])] for cell_id, other in chosen.items()}

    def _rows(self, columns: Sequence[str]) -> pd.DataFrame:
        """Returns all reported rows with some columns, and the shard of each."""
        folder, schema = self._ledger.folder, store.row_schema(self._ledger.manifest)
        wanted = list(dict.fromkeys([*self._kind.cell_columns, *columns]))
        parts = [
            store.read_shards(folder, [shard], wanted, schema=schema).assign(shard=shard)
            for shard in store.committed(folder)
        ]
        rows = pd.concat(parts, ignore_index=True)
        return rows[rows["split"] == str(Split.REPORT)].reset_index(drop=True)

    def _make(self, others: pd.DataFrame) -> None:
        """Gets the points of second runs that are not there yet."""
        if others.empty:
            return
        left = others[~others["cell_id"].isin(self._ends)].drop_duplicates("cell_id")
        names = self._kind.cell_columns
        for shard, some in left.groupby("shard"):
            columns: Mapping[str, list[object]] = {name: some[name].tolist() for name in names}
            for end in self._points.of(str(shard), cells_of(columns, names)).ends:
                if end.point is self._kind.judged:
                    self._ends[end.cell_id] = end
