"""What tables and figures are made of: the stored run, and the frames that analysis draws from it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from optbench.errors import DataError, UsageError, unknown_name
from optbench.records import Scoring, Status
from optbench.report import style
from optbench.report.part import part

if TYPE_CHECKING:
    import pandas as pd

    from optbench.analysis.rows import Rows
    from optbench.analysis.summarize import Analysis

#: The clock of every table and figure, by kind of run; the weights stand in every footer.
COSTS = {
    "landscapes": "costs: gradient 1, value alone 1, Hessian-vector product 2, dense Hessian 2 dim",
    "networks": "cost: passes, gradients of single examples over the number of training examples",
}

#: The settings in which a rule is shown, in their order.
SETTINGS = ("default", "one_for_all", "tuned")
#: Those of a run of networks.
NETWORK_SETTINGS = ("default", "tuned")
SETTING_TITLES = {"default": "default", "one_for_all": "one for all", "tuned": "tuned"}


#: Frames that only pages about tuning need, in ``analysis.tuning``.
TUNING_FRAMES = ("best_of_k", "cost", "gain", "matrix")
#: Frames of what theory predicts on quadratics beside what was measured, in ``analysis.measured_rates``.
THEORY_FRAMES = ("theory_rates", "theory_edges")
#: Frames of runs of networks: the module of ``analysis`` that has a function of this name.
NETWORK_FRAMES = {
    "network_summary": "networks",
    "network_effects": "network_effects",
    "network_ranking": "network_ranking",
    "network_curves": "network_curves",
    "network_rates": "network_curves",
}
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
        if self.kind == "networks":
            raise UsageError(f"score is of runs of landscapes, whose targets have times; {self._named} is of networks")
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
        """Whether it is a run of landscapes from before they were stored."""
        from optbench.analysis.evidence import has_settling_times

        return self.kind == "landscapes" and not has_settling_times(self.rows)

    @cached_property
    def scoring(self) -> Scoring:
        """Which time of a target counts in all tables and figures."""
        if self._wanted is not None:
            return Scoring(self._wanted)
        return Scoring.TOUCHED if self.lacks_settling_times else Scoring.SETTLED

    @cached_property
    def criterion(self) -> str:
        """What scores and tuning go by, for the footer; empty for networks."""
        if self.kind == "networks":
            return ""
        from optbench.analysis.sweep import beside_trials, tries_default

        said = f"score: log-time area over {self.scoring} targets"
        said += " (stored without settling times)" if self.lacks_settling_times else ""
        entries = self.manifest.get("optimizers", {})
        if not any(entry.get("grid") for entry in entries.values()):
            return said
        if tries_default(self.rows, self.manifest):
            return f"{said}, tuned for the same, defaults among the candidates"
        beside = beside_trials(self.rows, self.manifest).values()
        off = ", a default off its grid is no candidate" if any(beside) else ""
        return f"{said}, tuned for the same{off}"

    @cached_property
    def kind(self) -> str:
        """What the run is one of: ``landscapes``, which a manifest need not say, or ``networks``."""
        found = str(self.manifest.get("kind", "landscapes"))
        if found not in COSTS:
            run_id, version = self.manifest.get("run_id", "?"), self.manifest.get("version", "?")
            raise DataError(
                f"run {run_id}, made by optbench {version}: kind must be one of {', '.join(COSTS)}; got {found!r}"
            )
        return found

    @cached_property
    def rows(self) -> Rows:
        """The rows; those of a stored run of landscapes are read problem by problem, a large suite's fill no memory."""
        from optbench.analysis.rows import held

        stored: Rows | None = getattr(self.run, "rows", None) if self.kind == "landscapes" else None
        return held(self.run.runs) if stored is None else stored

    def titled(self, title: str) -> str:
        """Returns a title; numbers that were not computed in single precision or better say so in every one."""
        return f"{title} (bfloat16)" if self.manifest.get("dtype") == "bfloat16" else title

    def frame(self, name: str) -> pd.DataFrame:
        """Returns a frame of analysis.

        Args:
            name: A field of ``analysis.Analysis``, of ``analysis.tuning.TuningAnalysis`` or of
                ``analysis.measured_rates.TheoryAnalysis``, or ``wells``, ``stability``, ``dimension`` or
                ``running_times``; of a run of networks one of ``NETWORK_FRAMES``.

        Returns:
            The tidy frame.
        """
        if name not in self._frames and name in NETWORK_FRAMES:
            module = importlib.import_module(f"optbench.analysis.{NETWORK_FRAMES[name]}")
            self._frames[name] = getattr(module, name)(self._checked, self.manifest)
        elif name not in self._frames and name in TUNING_FRAMES:
            from optbench.analysis.tuning import judged_tuning

            tuned = judged_tuning(self._judged.evidence, self.manifest)
            self._frames |= {key: getattr(tuned, key) for key in TUNING_FRAMES}
        elif name not in self._frames and name in THEORY_FRAMES:
            from optbench.analysis.measured_rates import analyze_theory

            compared = analyze_theory(self.rows, self.manifest)
            self._frames |= {key: getattr(compared, key) for key in THEORY_FRAMES}
        elif name not in self._frames and name == "stability":
            from optbench.analysis.stability import stability

            ways = [Scoring.TOUCHED] if self.lacks_settling_times else [*Scoring]
            self._frames[name] = stability(self.rows, self.manifest, ways)
        elif name not in self._frames and name == "wells":
            from optbench.analysis.wells import wells

            self._frames[name] = wells(self.rows, self.manifest)
        elif name not in self._frames and name == "dimension":
            from optbench.analysis.dimension import dimension

            self._frames[name] = dimension(self.frame("summary"))
        elif name not in self._frames and name == "running_times":
            from optbench.analysis.running_time import running_times

            self._frames[name] = running_times(self._judged)
        elif name not in self._frames:
            self._frames[name] = getattr(self._judged, name)
        return self._frames[name]

    @cached_property
    def _checked(self) -> pd.DataFrame:
        """The rows of a run of networks, once they have been found whole."""
        from optbench.analysis.network_integrity import check_network_rows

        check_network_rows(self.run.runs, self.manifest)
        return self.run.runs

    @cached_property
    def _judged(self) -> Analysis:
        # A caller that hands over frames does not wait for the analysis to load.
        from optbench.analysis.summarize import analyze

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
        label = "task" if self.kind == "networks" else "problem"
        present = len(self.run.runs[[label, "optimizer"]].drop_duplicates())
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
            COSTS[self.kind],
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

    def _dim(self, label: str) -> int:
        known = self.problem(label).get("dim")
        if known is not None:
            return int(known)
        in_label = re.search(r"-(\d+)d\b", label)
        return int(in_label.group(1)) if in_label else 0


def optimizers(labels: Iterable[str]) -> list[str]:
    """Returns the distinct labels: the seven rules in the notes' order, then all others by name."""
    return sorted({str(label) for label in labels}, key=style.rank)
