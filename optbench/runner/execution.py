"""One run on its way, whatever its kind: what is planned, what is committed, what remains."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optbench import store
from optbench.console import Progress
from optbench.runner.kinds import Kind
from optbench.runner.kinds.kind import Cell, Part, Shard, cells_of
from optbench.runner.ledger import Ledger, Report
from optbench.runner.manifest import opening
from optbench.runner.measuring import Left, Measuring
from optbench.runner.pairs import Pairs
from optbench.runner.points import Points
from optbench.suite.parse import SuiteFile


@dataclass
class Pace:
    """How fast a run goes, compilation left out.

    Attributes:
        ahead: Work that is left.
        done: Work that was done.
        steps: Steps of single runs that were made.
        seconds: What they took.
    """

    ahead: float
    done: float = 0.0
    steps: float = 0.0
    seconds: float = 0.0

    def note(self, part: Part, n_cells: int, seconds: float) -> None:
        """Adds a part that was run; it may have had fewer cells than were planned."""
        share = n_cells / part.n_cells
        self.ahead -= part.work
        self.done += part.work * share
        self.steps += part.steps * share
        self.seconds += seconds

    @property
    def rate(self) -> float:
        """Steps a second; 0 before the first part."""
        return self.steps / self.seconds if self.seconds else 0.0

    @property
    def eta_s(self) -> float:
        """Seconds that the rest will take; infinite before the first part."""
        return self.seconds * self.ahead / self.done if self.done else float("inf")


class Execution:
    """A run from its first shard, or the first that is missing, to its last."""

    def __init__(
        self,
        folder: Path,
        read: SuiteFile,
        kind: Kind,
        selection: dict[str, Any],
        command: list[str],
        report: Report,
        *,
        keeps_weights: bool = False,
    ) -> None:
        """Finds out what is committed and writes the manifest of a run that has begun."""
        self.kind, self.report = kind, report
        self.ledger = Ledger(folder, opening(read, kind, selection, command) | kind.manifest())
        self.parts = {part.shard: part for part in kind.parts()}
        here = self.parts.keys() & self.ledger.done.keys()
        self.done = sum(sum(self.ledger.done[name]["status_counts"].values()) for name in here)
        self.total = self.done + sum(part.n_cells for name, part in self.parts.items() if name not in here)
        self.ledger.manifest["n_cells"] = self.total
        self.pace = Pace(ahead=sum(self.parts[name].work for name in self.missing()))
        self.measuring = Measuring(kind, self.ledger, kind.plan.spec.measures, self._tell)
        self.points = Points(kind, self.ledger, self._tell, keeps=keeps_weights)

    @property
    def uses_points(self) -> bool:
        """Whether points that runs lead to are measured or kept."""
        return bool(self.measuring.specs) or self.points.keeps

    def missing(self) -> list[str]:
        """Returns the shards that are not committed."""
        return [name for name in self.parts if name not in self.ledger.done]

    def finish(self) -> bool:
        """Computes what is missing, then closes the run; returns whether there was anything to do."""
        missing = self.missing()
        if not missing and self.ledger.is_closed and not any(self.unfinished()):
            self.ledger.shows_another_table()
            return False
        self.ledger.begin()
        self.compute(missing)
        pairs = Pairs(self.kind, self.ledger, self.points)
        for shard, cells, left in self.unfinished():
            again = self.points.of(shard, cells, [spec for spec, _ in left])
            self.points.keep(shard, cells, again.ends)
            others = {spec.identity: pairs.of(spec, some) for spec, some in left if spec.other}
            self.measuring.take(shard, left, again.ends, again.along, again.notes, others)
        begin, compile_s = time.perf_counter(), self.kind.compile_s
        entries = self.kind.finish(self.ledger, self._tell)
        made_s = time.perf_counter() - begin - (self.kind.compile_s - compile_s)
        self.ledger.close(compile_s=self.kind.compile_s, made_s=made_s, **entries)
        self._tell("done")
        return True

    def unfinished(self) -> Iterator[tuple[str, list[Cell], Left]]:
        """Yields the shards of rows whose points are wanted again: cells, and which measures are wanted of which."""
        if not self.uses_points:
            return
        columns, schema = self.kind.cell_columns, store.row_schema(self.ledger.manifest)
        for shard in (name for name in self.parts if name in self.ledger.done):
            rows = store.read_shards(self.ledger.folder, [shard], columns, schema=schema)
            cells = cells_of({name: rows[name].tolist() for name in columns}, columns)
            left = self.measuring.left(cells)
            wanted = {cell["cell_id"] for _, some in left for cell in some}
            wanted |= {cell["cell_id"] for cell in self.points.lacking(shard, cells)}
            if wanted:
                yield shard, [cell for cell in cells if cell["cell_id"] in wanted], left

    def compute(self, missing: Collection[str]) -> None:
        """Computes shards and commits each as it comes.

        Args:
            missing: Names of shards.
        """
        last, compile_s = time.perf_counter(), self.kind.compile_s
        # Closed at once where the run is stopped, so that threads end.
        with closing(self.kind.execute(missing, self.ledger, self._tell, ends=self.uses_points)) as shards:
            for shard in shards:
                # Groups overlap, so the clock's seconds are those since the shard before: they add up to the clock's.
                now = time.perf_counter()
                self._commit(shard, now - last - (self.kind.compile_s - compile_s))
                self._use_points(shard)
                # The seconds of measures are their own.
                last, compile_s = time.perf_counter(), self.kind.compile_s

    def _commit(self, shard: Shard, run_s: float) -> None:
        part, columns, facts = shard.part, shard.outcome.columns, shard.outcome.facts
        n_cells = len(columns["cell_id"])
        self.ledger.commit(part.shard, columns, {"run_s": round(run_s, 6), **facts})
        self.done += n_cells
        self.total += n_cells - part.n_cells
        self.pace.note(part, n_cells, run_s)
        self.ledger.note({**shard.entries, "n_cells": self.total})
        self._tell(part.title)

    def _use_points(self, shard: Shard) -> None:
        """Keeps and measures the points of a shard that was committed, while they are at hand."""
        if self.uses_points:
            name, outcome = shard.part.shard, shard.outcome
            cells = cells_of(outcome.columns, self.kind.cell_columns)
            self.points.keep(name, cells, outcome.ends)
            if any(spec.other for spec in self.measuring.specs):
                self.points.hold(cells, outcome.ends)
            # Second runs may not have been run yet: measures of two are taken when all are there.
            left = [(spec, some) for spec, some in self.measuring.left(cells) if not spec.other]
            self.measuring.take(name, left, outcome.ends, outcome.along)

    def _tell(self, phase: str) -> None:
        # The last report is the one at which all is stored, not the one of the last shard.
        shown = min(self.done, self.total - 1) if phase != "done" else self.total
        self.report(Progress(shown, self.total, self.pace.rate, self.pace.eta_s, self.kind.compile_s, phase))
