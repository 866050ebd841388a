"""The measures of a run: which are planned, which are stored, and how the others come to be."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import jax
from threadpoolctl import threadpool_limits

from optbench import store
from optbench.core.keys import canonical, digest
from optbench.engine.measuring import Taken, nothing, take, take_together
from optbench.engine.outcomes import EndPoint, Point
from optbench.environment import visible_cores
from optbench.errors import UsageError
from optbench.measures.measure import MANY, NotApplicable
from optbench.measures.subject import Subject
from optbench.records import Split, Status
from optbench.records.measures import ROWS
from optbench.runner.kinds.kind import Cell, Kind, Tell
from optbench.runner.ledger import Ledger
from optbench.runner.pairs import Others
from optbench.suite.measure import MeasureSpec
from optbench.tasks.models.rescaling import rescaled

#: Cells of a shard of rows whose measure is not stored.
Left = list[tuple[MeasureSpec, list[Cell]]]


class Measuring:
    """Takes measures and commits them: a shard for each measure of the cells of each shard of rows.

    What is stored is told by the rows of measures themselves, so whatever is asked for later, a further measure or
    further cells, becomes further shards, and nothing is measured twice.
    """

    def __init__(self, kind: Kind, ledger: Ledger, specs: Sequence[MeasureSpec], tell: Tell) -> None:
        """Reads what is stored.

        Args:
            kind: What makes subjects of points.
            ledger: The run's shards.
            specs: The measures.
            tell: Is told what is being done.
        """
        self.kind, self.ledger, self.specs, self.tell = kind, ledger, specs, tell
        self._levels = tuple(ledger.manifest.get("levels", ()))
        self._stored = self._read() if specs else set()
        self._telling, self._tenths = threading.Lock(), dict[str, int]()

    def _read(self) -> set[tuple[str, str]]:
        """Returns of which cells which measures are stored."""
        folder = self.ledger.folder
        names = list(store.committed(folder, ROWS))
        rows = store.read_shards(folder, names, ["cell_id", "point", "settings"], schema=ROWS)
        # Points on the way have the settings of measures along the path, which no judged point has.
        rows = rows[rows["point"].isin([str(self.kind.judged), str(Point.SNAPSHOT)])]
        return set(zip(rows["cell_id"], rows["settings"], strict=True))

    def left(self, cells: Sequence[Cell]) -> Left:
        """Returns what is not stored of some cells, of which only reported ones are measured."""
        reported = [cell for cell in cells if cell["split"] == Split.REPORT]
        found = [
            (spec, [cell for cell in reported if (cell["cell_id"], spec.identity) not in self._stored])
            for spec in self.specs
        ]
        return [(spec, wanted) for spec, wanted in found if wanted]

    def take(
        self,
        shard: str,
        left: Left,
        ends: Sequence[EndPoint],
        along: Sequence[Taken] = (),
        notes: Mapping[str, Mapping[str, Any]] | None = None,
        others: Mapping[str, Others] | None = None,
    ) -> None:
        """Takes measures of cells whose points are at hand, and commits each measure as it comes.

        Args:
            shard: The shard of their rows.
            left: What is wanted of which cells.
            ends: Points that runs of the shard led to.
            along: What was measured on their way.
            notes: What else the details of a cell's rows are to say, by its id.
            others: The ends of second runs, by the identity of a measure of two.
        """
        at: dict[str, list[EndPoint]] = {}
        for end in ends:
            at.setdefault(end.cell_id, []).append(end)
        for spec, cells in left:
            self.tell(f"{shard}: {spec.title}")
            levels = spec.levels_of(self._levels)
            if spec.along:
                found = [one for one in along if one.row["settings"] == spec.identity]
            else:
                pairs = [(cell, end) for cell in cells for end in self._ends(cell, at, levels)]
                found = self._taken(spec, shard, pairs, ends, (others or {}).get(spec.identity, {}))
            by_cell: dict[str, list[Taken]] = {}
            for one in found:
                cell_id = one.row["cell_id"]
                by_cell.setdefault(cell_id, []).append(_noted(one, (notes or {}).get(cell_id)))
            taken: list[Taken] = []
            for cell in cells:
                mine = by_cell.get(cell["cell_id"], [])
                taken += [*mine, *self._nothing(spec, cell, mine, _unreached(at.get(cell["cell_id"], ()), levels))]
            # A measure of the same cells under another label has the same numbers, and is not taken again.
            name = store.shard_name(spec.title, f"{shard} {digest([spec.identity, [c['cell_id'] for c in cells]])}")
            columns = {column: [one.row[column] for one in taken] for column in ROWS.columns}
            self.ledger.commit_measures(name, columns, [round(one.seconds, 6) for one in taken])
            self._stored |= {(cell["cell_id"], spec.identity) for cell in cells}

    def _ends(self, cell: Cell, at: Mapping[str, Sequence[EndPoint]], levels: Sequence[float]) -> list[EndPoint]:
        """Returns the points of a cell that are measured: the judged one of a run that ended well, and levels'."""
        mine = at.get(cell["cell_id"], ())
        judged = [end for end in mine if end.point is self.kind.judged and cell["status"] == Status.OK]
        return judged + [end for end in mine if end.point is Point.LEVEL and set(end.levels) & set(levels)]

    def _points(self, what: str, done: int, total: int) -> None:
        """Tells how far a picture is, at each tenth; threads that draw several tell one after the other."""
        with self._telling:
            tenth = 10 * done // total
            if tenth > self._tenths.get(what, 0):
                self.tell(f"{what}, {done:,} of {total:,} points")
            self._tenths[what] = tenth

    def _nothing(
        self, spec: MeasureSpec, cell: Cell, taken: Sequence[Taken], unreached: Sequence[float]
    ) -> Iterator[Taken]:
        """Yields the rows of points that a run does not have: the judged one, and one row for levels."""
        said = "the run has no such point when it is made again"
        if cell["status"] != Status.OK:
            said = f"the run has no such point: its status is {cell['status']}"
        point = Point.SNAPSHOT if spec.along else self.kind.judged
        if all(one.row["point"] != point for one in taken):
            yield nothing(spec, cell["cell_id"], point, said)
        if unreached:
            never = f"its training loss did not come down to {', '.join(f'{level:g}' for level in unreached)}"
            yield nothing(spec, cell["cell_id"], Point.LEVEL, never)

    def _taken(
        self,
        spec: MeasureSpec,
        shard: str,
        pairs: Sequence[tuple[Cell, EndPoint]],
        ends: Sequence[EndPoint],
        others: Others,
    ) -> list[Taken]:
        """Returns a measure of points, taken together where that is faster, else on all cores."""
        ways: dict[str, list[EndPoint]] = {}
        for end in sorted(ends, key=lambda end: end.evals) if spec.of_path else ():
            if end.point is Point.SNAPSHOT:
                ways.setdefault(end.cell_id, []).append(end)

        def subject(cell: Cell, end: EndPoint) -> Subject:
            other = others.get(end.cell_id)
            if isinstance(other, str):
                raise NotApplicable(other)
            if spec.rescale is not None:
                end = end._replace(params=_rescaled(end.params, spec.rescale))
            found = self.kind.subject(shard, cell, end, spec.dtype, ways.get(end.cell_id, ()), other)
            return replace(found, progress=partial(self._points, f"{shard}: {spec.title}"))

        if spec.build().take_many is not None and pairs and self.kind.n_params(shard) <= MANY:
            return take_together(spec, [end for _, end in pairs], [subject(*pair) for pair in pairs])
        pool = ThreadPoolExecutor(visible_cores() if jax.default_backend() == "cpu" else 1)
        # Threads of BLAS go on spinning after a product, on the cores that the next gradient wants.
        with threadpool_limits(1, "blas"):
            try:
                found = []
                for one in pool.map(lambda pair: take(spec, pair[1], lambda: subject(*pair)), pairs):
                    found.append(_with_other(one, others))
                    self.tell(f"{shard}: {spec.title} {len(found)}/{len(pairs)}")
                return found
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _unreached(ends: Sequence[EndPoint], levels: Sequence[float]) -> list[float]:
    """Returns the levels for which none of a run's points is kept."""
    reached = {level for end in ends for level in end.levels}
    return [level for level in levels if level not in reached]


def _rescaled(network: Any, factor: float) -> Any:
    """Returns a network of the same function with other weights, where it has one."""
    try:
        return rescaled(network, factor)
    except UsageError as error:
        raise NotApplicable(str(error)) from None


def _with_other(taken: Taken, others: Others) -> Taken:
    """Returns a row that says of which second run it is as well."""
    other = others.get(taken.row["cell_id"])
    return taken._replace(row={**taken.row, "other_cell_id": other.cell_id}) if isinstance(other, EndPoint) else taken


def _noted(taken: Taken, note: Mapping[str, Any] | None) -> Taken:
    """Returns a row whose details say what else there is to say."""
    if not note:
        return taken
    details = canonical({**json.loads(taken.row["details"]), **note})
    return taken._replace(row={**taken.row, "details": details})
