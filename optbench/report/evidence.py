"""What tables and figures are made of: the stored run, and the frames that analysis draws from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from optbench.errors import UsageError, unknown_name
from optbench.records import Scoring, Status
from optbench.report import measured, style
from optbench.report.kinds import named
from optbench.report.kinds.kind import Presentation
from optbench.report.part import part

if TYPE_CHECKING:
    import pandas as pd

    from optbench.analysis.landscapes.rows import Rows
    from optbench.analysis.landscapes.summarize import Analysis

SETTING_TITLES = {"default": "default", "one_for_all": "one for all", "tuned": "tuned"}

#: What those about tuning call a row that is no single problem's.
MEAN = "mean over problems"


class StoredRun(Protocol):
    """What a loaded run offers: rows with the columns that ``records`` has for it, its manifest and its folder."""

    @property
    def runs(self) -> pd.DataFrame:
        """The rows."""
        ...

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The manifest."""
        ...

    @property
    def path(self) -> Path:
        """The folder."""
        ...


class Evidence:
    """One run with the frames that analysis computes from it, each computed at most once.

    A caller that renders several tables of one run wraps it once and hands this on.

    Attributes:
        run: The stored run.
        manifest: Its manifest.
    """

    def __init__(
        self, run: StoredRun, frames: Mapping[str, pd.DataFrame] | None = None, scoring: str | None = None
    ) -> None:
        """Wraps a run.

        Args:
            run: The stored run.
            frames: Frames that the caller has already computed, by their name in ``analysis.Analysis``.
            scoring: Which time of a target counts, ``settled`` or ``touched``; by default the settling time where
                the run has them.

        Raises:
            UsageError: There is no such way of scoring, or the run cannot be scored so.
        """
        self.run = run
        self.manifest = run.manifest
        self._frames = dict(frames or {})
        self._wanted = scoring
        if scoring is None:
            return
        if scoring not in tuple(Scoring):
            raise UsageError(unknown_name("score", scoring, [way.value for way in Scoring]))
        if self.of_kind.lacks_settling_times is None:
            raise UsageError(
                f"score is of runs of landscapes, whose targets have times; {self._named} is of {self.kind}"
            )
        if scoring == Scoring.SETTLED and self.lacks_settling_times:
            raise UsageError(
                f"{self._named} has no settling times; score it by touched targets, or run the suite again"
            )

    @classmethod
    def of(cls, run: StoredRun | Evidence, scoring: str | None = None) -> Evidence:
        """Returns ``run`` itself if it is evidence already, else wraps it."""
        return run if isinstance(run, Evidence) else cls(run, scoring=scoring)

    @property
    def whole(self) -> Evidence:
        """All of the evidence, where a part of it is shown."""
        return self

    @property
    def _named(self) -> str:
        return f"run {self.manifest.get('run_id', '?')}, of schema {self.manifest.get('schema_version', '?')},"

    @cached_property
    def lacks_settling_times(self) -> bool:
        """Whether its targets have times, and it is from before settling times were stored."""
        lacks = self.of_kind.lacks_settling_times
        return lacks is not None and lacks(self)

    @cached_property
    def scoring(self) -> Scoring:
        """Which time of a target counts in all tables and figures."""
        if self._wanted is not None:
            return Scoring(self._wanted)
        return Scoring.TOUCHED if self.lacks_settling_times else Scoring.SETTLED

    @cached_property
    def criterion(self) -> str:
        """What scores and tuning go by, for the footer; empty for networks."""
        return self.of_kind.criterion(self)

    @cached_property
    def kind(self) -> str:
        """Name of the run's kind."""
        from optbench.store import row_schema

        return row_schema(self.manifest).name

    @cached_property
    def of_kind(self) -> Presentation:
        """What is known of all runs of its kind."""
        return named(self.kind)

    @cached_property
    def rows(self) -> Rows:
        """The rows; those of a stored run of landscapes are read problem by problem, a large suite's fill no memory."""
        from optbench.analysis.landscapes.rows import held

        stored: Rows | None = getattr(self.run, "rows", None) if self.of_kind.reads_in_parts else None
        return held(self.run.runs) if stored is None else stored

    def titled(self, title: str) -> str:
        """Returns a title; numbers that were not computed in single precision or better say so in every one."""
        return f"{title} (bfloat16)" if self.manifest.get("dtype") == "bfloat16" else title

    def frame(self, name: str) -> pd.DataFrame:
        """Returns a frame of analysis.

        Args:
            name: What the run's module of ``report.kinds`` calls it, or a field of ``analysis.Analysis``.

        Returns:
            The tidy frame.
        """
        if name not in self._frames:
            made = measured.FRAMES.get(name, self.of_kind.frames)
            self._frames |= made(self, name)
        return self._frames[name]

    @cached_property
    def measures(self) -> pd.DataFrame:
        """The rows of measures, with the columns of ``records.measures``; none where nothing was measured."""
        return measured.rows_of(self.run)

    @cached_property
    def judged(self) -> Analysis:
        """The rows of a run of landscapes, judged."""
        # A caller that hands over frames does not wait for the analysis to load.
        from optbench.analysis.landscapes.summarize import analyze

        return analyze(self.rows, self.manifest, scoring=self.scoring)

    def picture(self, name: str) -> pd.DataFrame | None:
        """Returns picture data that ``run`` stored beside the rows.

        Args:
            name: ``"contours"``, ``"trajectories"`` or ``"basins"``.

        Returns:
            The frame, or ``None`` where the run stored none or an empty one.
        """
        from optbench.store import read_picture

        frame = read_picture(Path(self.run.path), name)
        return None if frame is None or frame.empty else frame

    @cached_property
    def status_counts(self) -> dict[str, int]:
        """Rows by status, every status named, in the order of ``records.Status``."""
        found = self.rows.statuses
        names = [status.value for status in Status]
        return {name: found.get(name, 0) for name in [*names, *sorted(set(found) - set(names))]}

    @property
    def size_note(self) -> str:
        """What every table and figure of a quick size says; empty of a full one."""
        return "Quick size of the suite, no evidence." if self.manifest.get("size") == "quick" else ""

    @property
    def n_rows(self) -> int:
        """Number of rows that the run has."""
        return sum(self.rows.statuses.values())

    @property
    def n_cells(self) -> int | None:
        """Number of cells that the run planned, if its manifest says so."""
        planned = self.manifest.get("n_cells")
        return None if planned is None else int(planned)

    @cached_property
    def watermark(self) -> str:
        """``INCOMPLETE n/N`` where rows are missing, else empty.

        A manifest without a cell count is judged by its planned shards, one per problem or task and optimizer.
        """
        if self.n_cells is not None:
            return "" if self.n_rows >= self.n_cells else f"INCOMPLETE {self.n_rows}/{self.n_cells}"
        planned = len(self.manifest.get("shards", ()))
        present = len(self.run.runs[[self.of_kind.entry, "optimizer"]].drop_duplicates())
        return "" if present >= planned else f"INCOMPLETE {present}/{planned} shards"

    @property
    def footer(self) -> str:
        """Where the numbers come from and what scores go by, in one line without clocks or paths."""
        return " · ".join([self.source, self.criterion] if self.criterion else [self.source])

    @cached_property
    def source(self) -> str:
        """Where the numbers come from: the footer of what hangs on no score."""
        manifest = self.manifest
        suite = manifest.get("suite", {})
        machine = manifest.get("machine", {})
        device = machine.get("device", machine.get("device_kind", "cpu"))
        parts = [
            f"optbench {manifest.get('version', '?')}",
            f"suite {suite.get('name', '?')} v{str(suite.get('version', '?')).removeprefix('v')}",
            f"run {manifest.get('run_id', '?')}",
            f"jax {manifest.get('versions', {}).get('jax', '?')} {device}({machine.get('cores', '?')})",
            *(["dtype bfloat16"] if self.manifest.get("dtype") == "bfloat16" else []),
            *([found] if (found := part(manifest)) else []),
            self.of_kind.costs,
        ]
        return " · ".join(parts)

    def problem(self, label: str) -> Mapping[str, Any]:
        """Returns what the manifest says of a problem, empty if nothing."""
        found: Mapping[str, Any] = self.manifest.get("problems", {}).get(label, {})
        return found

    def swept(self, optimizer: str) -> str:
        """Returns the name of the constant that the grid varies for an optimizer, ``lr`` if nothing is said."""
        return str(self.manifest.get("optimizers", {}).get(optimizer, {}).get("swept", "lr"))

    def problems(self, labels: Iterable[str]) -> list[str]:
        """Returns the distinct labels in the one order of all tables and figures: by dimension, then name.

        The order never depends on the order of rows or of a selection.
        """
        return sorted({str(label) for label in labels}, key=lambda label: (self._dim(label), label))

    def task(self, label: str) -> Mapping[str, Any]:
        """Returns what the manifest says of a task of a run of networks, empty if nothing."""
        found: Mapping[str, Any] = self.manifest.get("tasks", {}).get(label, {})
        return found

    def tasks(self, labels: Iterable[str]) -> list[str]:
        """Returns the distinct labels in the order of the manifest, which is the suite's; others follow by name."""
        places = {label: place for place, label in enumerate(self.manifest.get("tasks", {}))}
        return sorted({str(label) for label in labels}, key=lambda label: (places.get(label, len(places)), label))

    def entries(self, labels: Iterable[str]) -> list[str]:
        """Returns the distinct labels of problems or tasks in the order of all tables and figures."""
        return self.tasks(labels) if "tasks" in self.manifest else self.problems(labels)

    def _dim(self, label: str) -> int:
        known = self.problem(label).get("dim")
        if known is not None:
            return int(known)
        in_label = re.search(r"-(\d+)d\b", label)
        return int(in_label.group(1)) if in_label else 0


def optimizers(labels: Iterable[str]) -> list[str]:
    """Returns the distinct labels: the seven rules in the notes' order, then all others by name."""
    return sorted({str(label) for label in labels}, key=style.rank)
