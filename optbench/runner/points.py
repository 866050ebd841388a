"""Where the points of a run's cells come from once its rows are stored: from kept weights, or from runs made again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import jax
import numpy as np

from optbench import store
from optbench.engine.outcomes import EndPoint, Point
from optbench.records import Split, Status
from optbench.runner.kinds.again import Again
from optbench.runner.kinds.kind import Cell, Kind, Tell
from optbench.runner.ledger import Ledger
from optbench.suite.measure import MeasureSpec

#: Bytes of judged points that are held in memory for measures of two runs: what is beyond is made again.
HELD_BYTES = 256 * 2**20


class Points:
    """The judged points of a run's reported cells, kept where that was asked for."""

    def __init__(self, kind: Kind, ledger: Ledger, tell: Tell, *, keeps: bool = False) -> None:
        """Notes where points are.

        Args:
            kind: What makes runs again.
            ledger: The run's shards.
            tell: Is told what is being done.
            keeps: Whether points are kept from now on.
        """
        self.kind, self.ledger, self.tell, self.keeps = kind, ledger, tell, keeps
        self._held: dict[str, EndPoint] = {}
        self._held_bytes = 0

    def hold(self, cells: Sequence[Cell], ends: Sequence[EndPoint]) -> None:
        """Holds judged points until the command ends, as far as there is room: measures of two wait for second runs.

        Args:
            cells: The cells of a shard.
            ends: Points at hand.
        """
        reported = {cell["cell_id"] for cell in _judged(cells)}
        for end in ends:
            n_bytes = sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves((end.params, end.stats)))
            is_wanted = end.point is self.kind.judged and end.cell_id in reported
            if is_wanted and self._held_bytes + n_bytes <= HELD_BYTES:
                self._held[end.cell_id] = end
                self._held_bytes += n_bytes

    def of(self, shard: str, cells: Sequence[Cell], specs: Sequence[MeasureSpec] = ()) -> Again:
        """Returns the points of cells whose rows are committed.

        Args:
            shard: The shard of their rows.
            cells: The cells; those that did not end well have no judged points.
            specs: What is measured. Points on the way, those of levels and states of rules are never kept, so all runs
                are made again where a measure is of them, and those that diverged as well where it is taken along the
                path or at levels.

        Returns:
            Points, and what is to be said of runs that were made again.
        """
        on_the_way = any(spec.along or spec.levels for spec in specs)
        states = (Status.OK, Status.DIVERGED) if on_the_way else (Status.OK,)
        wanted = [cell for cell in cells if cell["status"] in states]
        again = on_the_way or any(spec.of_path or spec.of_state for spec in specs)
        held = [self._held[cell["cell_id"]] for cell in wanted if cell["cell_id"] in self._held]
        kept = [] if again else held if len(held) == len(wanted) else self._kept(shard, wanted)
        left = [cell for cell in wanted if cell["cell_id"] not in {end.cell_id for end in kept}]
        if not left:
            return Again(kept)
        made = self.kind.again(shard, left, self.ledger, self.tell, specs)
        return Again((*kept, *made.ends), made.along, made.notes)

    def lacking(self, shard: str, cells: Sequence[Cell]) -> list[Cell]:
        """Returns the cells whose points are to be kept and are not."""
        if not self.keeps:
            return []
        there = {key.partition("/")[0] for key in store.read_weights(self.ledger.folder, shard)}
        return [cell for cell in _judged(cells) if cell["cell_id"] not in there]

    def keep(self, shard: str, cells: Sequence[Cell], ends: Sequence[EndPoint]) -> None:
        """Keeps the points of cells that are to be kept and are not, beside those of the shard that are.

        Args:
            shard: The shard of their rows.
            cells: The cells.
            ends: Points at hand.
        """
        lacking = {cell["cell_id"] for cell in self.lacking(shard, cells)}
        arrays = {
            f"{end.cell_id}/{name}": array
            for end in ends
            if end.point is self.kind.judged and end.cell_id in lacking
            for name, array in _arrays(end)
        }
        if arrays:
            kept = store.read_weights(self.ledger.folder, shard)
            store.write_weights(self.ledger.folder, shard, dict(sorted((kept | arrays).items())))

    def _kept(self, shard: str, cells: Sequence[Cell]) -> list[EndPoint]:
        """Returns the kept points of some cells."""
        arrays = store.read_weights(self.ledger.folder, shard) if cells else {}
        here = [cell["cell_id"] for cell in cells if f"{cell['cell_id']}/evals" in arrays]
        if not here:
            return []
        like = jax.tree.structure(self.kind.blank(shard))
        return [_end(cell_id, self.kind.judged, arrays, like) for cell_id in here]


def _judged(cells: Sequence[Cell]) -> list[Cell]:
    """Returns the cells that have a judged point which is reported."""
    return [cell for cell in cells if cell["split"] == Split.REPORT and cell["status"] == Status.OK]


def _arrays(end: EndPoint) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the arrays of a point, by names that sort in the order of its leaves."""
    yield "evals", np.asarray(end.evals, np.int64)
    for place, leaf in enumerate(jax.tree.leaves((end.params, end.stats))):
        yield f"{place:05d}", np.asarray(leaf)


def _end(cell_id: str, point: Point, arrays: dict[str, np.ndarray], like: jax.tree_util.PyTreeDef) -> EndPoint:
    """Returns a kept point."""
    leaves = [arrays[f"{cell_id}/{place:05d}"] for place in range(like.num_leaves)]
    params, stats = jax.tree.unflatten(like, leaves)
    return EndPoint(cell_id, point, int(arrays[f"{cell_id}/evals"]), params, stats)
